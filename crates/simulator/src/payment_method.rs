//! Payment methods: a card, whom it belongs to, and whether it may still be used. A raw number is taken only
//! from the browser frame; the API refuses it, as Stripe's does.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::address::Billing;
use crate::api::Ctx;
use crate::cards::{self, Bank, Decline, TestCard};
use crate::clock;
use crate::customer::Customer;
use crate::error::{ApiError, CardRefusal};
use crate::event;
use crate::form::Params;
use crate::ids;
use crate::payments::token::{self, Token, What};
use crate::state::{Object, Shown, Space, State};

/// A card. The number is not kept: only which test card it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// The card.
    pub card: Arc<Card>,
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
        json!({
            "id": self.id, "object": "payment_method", "allow_redisplay": self.allow_redisplay,
            "billing_details": self.billing.render(),
            "card": self.card.render(&self.billing, self.space.livemode),
            "created": self.created, "customer": self.customer, "customer_account": null,
            "livemode": self.space.livemode, "metadata": self.metadata, "shared_payment_granted_token": null, "type": "card",
        })
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

/// A card and its holder, read but not yet a payment method.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The card.
    pub card: Arc<Card>,
    /// Its holder.
    pub billing: Arc<Billing>,
    /// See [`PaymentMethod::allow_redisplay`].
    pub allow_redisplay: String,
    /// The caller's notes.
    pub metadata: BTreeMap<String, String>,
    /// The token that it came in, which is used up when the card becomes a payment method.
    pub token: Option<String>,
}

/// What a `payment_method` parameter names: one that there is, or a test card that becomes one.
#[derive(Clone, Debug)]
pub enum Named {
    /// A payment method of the space.
    Stored(Arc<PaymentMethod>),
    /// A card that becomes a payment method when the request is carried out.
    Fresh(Box<Entry>),
}

impl Named {
    /// The payment method, made now when it is a fresh one.
    pub fn made(self, state: &mut State, space: &Space) -> Arc<PaymentMethod> {
        match self {
            Named::Stored(method) => method,
            Named::Fresh(entry) => make(state, space, *entry),
        }
    }
}

/// Finds what `payment_method=` names; makes nothing yet.
///
/// # Errors
/// 404/400 `resource_missing`, or 400 when it may not be used again.
pub fn named(state: &State, space: &Space, id: &str) -> Result<Named, ApiError> {
    if let Some(card) = cards::by_alias(id).filter(|_| id.starts_with("pm_card_")) {
        return Ok(Named::Fresh(Box::new(test_entry(state, card))));
    }
    let method = state
        .get::<PaymentMethod>(space, id)
        .map_err(|error| error.status(400))?;
    method.usable()?;
    Ok(Named::Stored(method))
}

/// Reads `payment_method_data[…]`, or the same parameters of `POST /v1/payment_methods`.
///
/// # Errors
/// 400 for anything but a card; 402 for a raw number from a server, or a card that is none.
pub fn read(state: &State, ctx: &Ctx, params: &mut Params) -> Result<Entry, ApiError> {
    let kind = params.required("type")?;
    if kind != "card" {
        return Err(
            ApiError::invalid(format!("The payment method type \"{kind}\" is invalid."))
                .param(params.name("type")),
        );
    }
    let mut card = params
        .map("card")?
        .ok_or_else(|| ApiError::missing(&params.name("card")))?;
    let mut entry = match card.text("token")? {
        Some(token) => from_token(state, &ctx.space, &token, &card.name("token"))?,
        None => typed(state, ctx, &mut card)?,
    };
    card.finish()?;
    if let Some(billing) = params.map("billing_details")? {
        Arc::make_mut(&mut entry.billing).update(billing)?;
    }
    entry.metadata = params.metadata()?.fresh()?;
    if let Some(word) = params.choice("allow_redisplay", &["always", "limited", "unspecified"])? {
        entry.allow_redisplay = word.to_owned();
    }
    Ok(entry)
}

/// The card of one of Stripe's own test tokens, such as `tok_visa`.
pub fn test_token(state: &State, id: &str) -> Option<Entry> {
    cards::by_alias(id)
        .filter(|_| id.starts_with("tok_"))
        .map(|card| test_entry(state, card))
}

/// The card of a token.
///
/// # Errors
/// 400 `resource_missing` blaming `param`, or `token_already_used`.
pub fn from_token(state: &State, space: &Space, id: &str, param: &str) -> Result<Entry, ApiError> {
    if let Some(entry) = test_token(state, id) {
        return Ok(entry);
    }
    let token = token::unused(state, space, id, param)?;
    match &token.what {
        What::Card { card, billing, .. } => Ok(Entry {
            billing: Arc::clone(billing),
            token: Some(token.id.clone()),
            ..entry(Arc::clone(card))
        }),
        What::Bank(_) | What::Pii | What::Cvc => Err(ApiError::no_such("token", id, param).status(400)),
    }
}

/// A card as the browser frame reads it from its fields.
///
/// # Errors
/// 402 for a raw number from a server, or for a card that is none.
pub fn typed(state: &State, ctx: &Ctx, card: &mut Params) -> Result<Entry, ApiError> {
    if ctx.secret {
        let mut error = ApiError::invalid(
            "Sending credit card numbers directly to the Stripe API is generally unsafe. We suggest you use \
             test tokens that map to the test card you are using, see https://stripe.com/docs/testing.",
        );
        error.status = 402;
        return Err(error);
    }
    let number: String = card
        .required("number")?
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect();
    let (month, year) = (card.integer("exp_month")?, card.integer("exp_year")?);
    let cvc = card.text("cvc")?;
    if !cards::luhn(&number) {
        return Err(refused(&cards::INCORRECT_NUMBER));
    }
    let (this_year, this_month, _) = clock::civil(state.now_ms);
    let month = month
        .filter(|month| (1..=12).contains(month))
        .ok_or_else(|| refused(&cards::INVALID_MONTH))?;
    let year = year.map(|year| if year < 100 { year + 2000 } else { year });
    let year = year
        .filter(|year| (this_year..this_year + 50).contains(year))
        .ok_or_else(|| refused(&cards::INVALID_YEAR))?;
    if (year, month) < (this_year, this_month) {
        return Err(refused(&cards::INVALID_MONTH));
    }
    let brand = cards::by_number(&number).map_or_else(|| cards::brand(&number), |card| card.brand);
    let length = if brand == "amex" { 3..=4 } else { 3..=3 };
    if cvc
        .as_ref()
        .is_some_and(|cvc| !length.contains(&cvc.len()) || !cvc.bytes().all(|byte| byte.is_ascii_digit()))
    {
        return Err(refused(&cards::INVALID_CVC));
    }
    Ok(entry(Card {
        test: cards::by_number(&number)
            .map(|card| card.alias.to_owned())
            .unwrap_or_default(),
        brand: brand.to_owned(),
        last4: number[number.len() - 4..].to_owned(),
        exp_month: month,
        exp_year: year,
        funding: cards::by_number(&number)
            .map_or("credit", |card| card.funding)
            .to_owned(),
        fingerprint: ids::fingerprint(state.settings.seed, &number),
        cvc: cvc.is_some(),
    }))
}

/// A card of its alias, with an expiry that never comes while a test runs.
fn test_entry(state: &State, card: &TestCard) -> Entry {
    let number = if card.number.is_empty() {
        "4242"
    } else {
        card.number
    };
    entry(Card {
        test: card.alias.to_owned(),
        brand: card.brand.to_owned(),
        last4: number[number.len() - 4..].to_owned(),
        exp_month: 12,
        exp_year: clock::civil(state.now_ms).0 + 4,
        funding: card.funding.to_owned(),
        fingerprint: ids::fingerprint(
            state.settings.seed,
            if card.number.is_empty() {
                card.alias
            } else {
                number
            },
        ),
        cvc: true,
    })
}

/// A card of which only itself is known.
pub fn entry(card: impl Into<Arc<Card>>) -> Entry {
    Entry {
        card: card.into(),
        billing: Arc::default(),
        allow_redisplay: "unspecified".into(),
        metadata: BTreeMap::new(),
        token: None,
    }
}

/// 402 `invalid_cvc`.
pub fn invalid_cvc() -> ApiError {
    refused(&cards::INVALID_CVC)
}

/// A card error of something typed wrong: no bank was asked.
fn refused(decline: &Decline) -> ApiError {
    ApiError::declined(decline, CardRefusal::default())
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

/// Reads a new expiry.
///
/// # Errors
/// 402 for a month that is none, and a year that is over or none.
pub fn read_expiry(params: &mut Params, card: &mut Arc<Card>) -> Result<(), ApiError> {
    let (month, year) = (params.integer("exp_month")?, params.integer("exp_year")?);
    if month.is_some_and(|month| !(1..=12).contains(&month)) {
        return Err(refused(&cards::INVALID_MONTH));
    }
    let year = year.map(|year| {
        if (0..100).contains(&year) {
            year + 2000
        } else {
            year
        }
    });
    if year.is_some_and(|year| !(2000..2100).contains(&year)) {
        return Err(refused(&cards::INVALID_YEAR));
    }
    if month.is_some() || year.is_some() {
        let card = Arc::make_mut(card);
        card.exp_month = month.unwrap_or(card.exp_month);
        card.exp_year = year.unwrap_or(card.exp_year);
    }
    Ok(())
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
