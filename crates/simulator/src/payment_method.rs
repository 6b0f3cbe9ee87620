//! Payment methods: a card or a bank account, whom it belongs to, and whether it may still be used. A card's
//! raw number is taken only from the browser frame; the API refuses it, as Stripe's does.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::address::Billing;
use crate::api::Ctx;
use crate::cards::{self, Bank, TestCard};
use crate::customer::Customer;
use crate::error::{ApiError, CardRefusal};
use crate::event;
use crate::payments::other_method::Other;
use crate::payments::token::{self, Token, What};
use crate::state::{Object, Shown, Space, State};

pub use crate::payments::entry::{
    Entry, Named, entry, from_token, invalid_cvc, named, read, read_expiry, test_token, typed,
};

/// A card. The number is not kept: only which test card it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// The alias of the test card; empty when the number is none of them.
    pub test: String,
    /// Scheme.
    pub brand: String,
    /// The number's last four digits.
    pub last4: String,
    /// Month of expiry, 1 to 12.
    pub exp_month: i64,
    /// Year of expiry, four digits.
    pub exp_year: i64,
    /// `credit`, `debit` or `prepaid`.
    pub funding: String,
    /// The same for each entry of one number.
    pub fingerprint: String,
    /// Whether a security code was given.
    pub cvc: bool,
}

/// A payment method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaymentMethod {
    /// `pm_…`.
    pub id: String,
    /// Where it lives.
    pub space: Space,
    /// When it was made, in seconds.
    pub created: i64,
    /// The card; one that says nothing when it is something else.
    pub card: Arc<Card>,
    /// What it is when it is no card.
    pub other: Option<Arc<Other>>,
    /// Who pays with it.
    pub billing: Arc<Billing>,
    /// The customer it is attached to.
    pub customer: Option<String>,
    /// When it was attached, in milliseconds: the order of a customer's list.
    pub attached_ms: Option<i64>,
    /// Used without a customer, or detached: it can never be used again.
    pub spent: bool,
    /// Authenticated for payments without its holder.
    pub set_up: bool,
    /// `always`, `limited` or `unspecified`.
    pub allow_redisplay: String,
    /// The caller's notes.
    pub metadata: BTreeMap<String, String>,
}

impl Card {
    /// What stands in the place of a card in a payment method that is none: its bank never refuses.
    pub fn none(livemode: bool) -> Card {
        Card {
            test: if livemode { cards::LIVE } else { "visa" }.into(),
            brand: String::new(),
            last4: String::new(),
            exp_month: 0,
            exp_year: 0,
            funding: String::new(),
            fingerprint: String::new(),
            cvc: false,
        }
    }

    /// The test card behind it; `None` for a number that is none of them.
    pub fn test(&self) -> Option<&'static TestCard> {
        cards::by_alias(&self.test).filter(|_| !self.test.is_empty())
    }

    /// What its bank says in a mode.
    pub fn bank(&self, livemode: bool) -> Bank {
        cards::bank(self.test(), livemode)
    }

    /// The results of the checks, in Stripe's words; `charged` tells them apart from those not made yet.
    pub fn checks(&self, billing: &Billing, bank: Bank) -> Value {
        let failed = if let Bank::ApprovesDespite(check) = bank {
            check
        } else {
            ""
        };
        let check = |name: &str, given: bool| match (given, failed == name) {
            (false, _) => Value::Null,
            (true, true) => "fail".into(),
            (true, false) => "pass".into(),
        };
        let address = &billing.address;
        json!({
            "address_line1_check": check("address_line1_check", address.line1.is_some()),
            "address_postal_code_check": check("address_postal_code_check", address.postal_code.is_some()),
            "cvc_check": check("cvc_check", self.cvc),
        })
    }

    /// The `card` of a payment method.
    pub fn render(&self, billing: &Billing, livemode: bool) -> Value {
        json!({
            "brand": self.brand, "checks": self.checks(billing, self.bank(livemode)), "country": "US",
            "display_brand": self.brand, "exp_month": self.exp_month, "exp_year": self.exp_year,
            "fingerprint": self.fingerprint, "funding": self.funding, "generated_from": null,
            "last4": self.last4,
            "networks": { "available": [self.brand], "preferred": null }, "regulated_status": "unregulated",
            "three_d_secure_usage": { "supported": true }, "wallet": null,
        })
    }
}

impl PaymentMethod {
    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        let (kind, details) = match &self.other {
            Some(other) => (other.kind(), other.render()),
            None => ("card", self.card.render(&self.billing, self.space.livemode)),
        };
        let mut method = json!({
            "id": self.id, "object": "payment_method", "allow_redisplay": self.allow_redisplay,
            "billing_details": self.billing.render(),
            "created": self.created, "customer": self.customer, "customer_account": null,
            "livemode": self.space.livemode, "metadata": self.metadata, "shared_payment_granted_token": null,
            "type": kind,
        });
        method[kind] = details;
        method
    }

    /// What `type` says.
    pub fn kind(&self) -> &str {
        self.other.as_ref().map_or("card", |other| other.kind())
    }

    /// Nobody's payment method from now on.
    ///
    /// # Errors
    /// 400 when it was used or detached before.
    pub fn usable(&self) -> Result<(), ApiError> {
        if self.spent {
            return Err(ApiError::invalid(
                "This PaymentMethod was previously used without being attached to a Customer or was detached \
                 from a Customer, and may not be used again.",
            ));
        }
        Ok(())
    }
}

impl Shown for PaymentMethod {
    const EXPANDS: &'static [(&'static str, &'static str)] = &[("customer", "customer")];

    fn shown(&self, _: &State) -> Value {
        self.render()
    }
}

/// Makes a payment method of a card.
pub fn make(state: &mut State, space: &Space, entry: Entry) -> Arc<PaymentMethod> {
    let id = state.id("pm_1", 23);
    make_as(state, space, entry, id)
}

/// Makes what the older API calls a card; it is a payment method, too.
pub fn make_source(state: &mut State, space: &Space, entry: Entry) -> Arc<PaymentMethod> {
    let token = entry.token.as_deref().unwrap_or_default();
    let known = match state.get::<Token>(space, token).as_deref() {
        Ok(Token {
            what: What::Card { id, .. },
            ..
        }) => Some(id.clone()),
        _ => None,
    };
    let id = match known {
        Some(id) => id,
        None => state.id("card_1", 23),
    };
    make_as(state, space, entry, id)
}

fn make_as(state: &mut State, space: &Space, entry: Entry, id: String) -> Arc<PaymentMethod> {
    if let Some(token) = &entry.token {
        token::spend(state, space, token);
    }
    let method = PaymentMethod {
        id,
        space: space.clone(),
        created: state.now_s(),
        card: entry.card,
        other: entry.other,
        billing: entry.billing,
        customer: None,
        attached_ms: None,
        spent: false,
        set_up: false,
        allow_redisplay: entry.allow_redisplay,
        metadata: entry.metadata,
    };
    state.put(method)
}

/// Attaches a card to a customer, for which its bank is asked.
///
/// # Errors
/// 402 when the bank refuses the card, 400 when another customer has it.
pub fn attach(
    state: &mut State,
    ctx: &Ctx,
    method: Named,
    customer: &Customer,
) -> Result<Arc<PaymentMethod>, ApiError> {
    let card = match &method {
        Named::Stored(method)
            if method
                .customer
                .as_ref()
                .is_some_and(|owner| *owner != customer.id) =>
        {
            return Err(taken());
        }
        // It is the customer's already.
        Named::Stored(method) if method.customer.is_some() => return Ok(Arc::clone(method)),
        Named::Stored(method) => &method.card,
        Named::Fresh(entry) => &entry.card,
    };
    check_attachable(card, &ctx.space)?;
    let method = method.made(state, &ctx.space);
    Ok(own(state, &ctx.cause, &method, &customer.id))
}

/// 400 for a card that another customer has.
pub fn taken() -> ApiError {
    ApiError::invalid("The payment method you provided has already been attached to a customer.")
}

/// Asks a card's bank whether it may be kept.
///
/// # Errors
/// 402 when the bank refuses it.
pub fn check_attachable(card: &Card, space: &Space) -> Result<(), ApiError> {
    let Bank::Declines(decline) = card.bank(space.livemode) else {
        return Ok(());
    };
    let refusal = CardRefusal {
        decline_code: Some(decline.decline_code.to_owned()),
        advice_code: decline.advice,
        ..CardRefusal::default()
    };
    Err(ApiError::declined(decline, refusal))
}

/// Writes down whose the card is from now on.
pub fn own(
    state: &mut State,
    cause: &event::Cause,
    method: &PaymentMethod,
    customer: &str,
) -> Arc<PaymentMethod> {
    let mut method = method.clone();
    method.customer = Some(customer.to_owned());
    method.attached_ms = Some(state.now_ms);
    let method = state.put(method);
    event::emit(
        state,
        cause,
        "payment_method.attached",
        Object::PaymentMethod(Arc::clone(&method)),
        None,
    );
    method
}
