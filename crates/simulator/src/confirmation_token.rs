//! Confirmation tokens: a card that the browser frame read for one payment. Made with the publishable key on
//! the account that will be paid; used once, within twelve hours.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::address::{Billing, Shipping};
use crate::api::Ctx;
use crate::error::ApiError;
use crate::form::Params;
use crate::payment_method::{self, Card, Entry, Named};
use crate::payments::mandate::Acceptance;
use crate::payments::other_method::Other;
use crate::state::{Shown, Space, State};

/// Twelve hours.
const LIFE_S: i64 = 43_200;

/// A confirmation token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfirmationToken {
    /// `ctoken_…`.
    pub id: String,
    /// Where it lives.
    pub space: Space,
    /// When it was made, in seconds.
    pub created: i64,
    /// The card.
    pub card: Arc<Card>,
    /// What it is when it is no card.
    pub other: Option<Arc<Other>>,
    /// Its holder.
    pub billing: Arc<Billing>,
    /// The saved payment method it was made from.
    pub payment_method: Option<String>,
    /// The intent that used it.
    pub payment_intent: Option<String>,
    /// The setup intent that used it.
    pub setup_intent: Option<String>,
    /// Where a redirect comes back to.
    pub return_url: Option<String>,
    /// `on_session` or `off_session`.
    pub setup_future_usage: Option<String>,
    /// Where goods go.
    pub shipping: Option<Shipping>,
}

impl ConfirmationToken {
    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        let (kind, details) = match &self.other {
            Some(other) => (other.kind(), other.render()),
            None => ("card", self.card.render(&self.billing, self.space.livemode)),
        };
        let mut preview = json!({
            "allow_redisplay": "unspecified", "billing_details": self.billing.render(),
            "customer": null, "customer_account": null, "type": kind,
        });
        preview[kind] = details;
        let agreed = self.acceptance().map(|_| {
            json!({ "customer_acceptance": {
                "type": "online", "online": { "ip_address": null, "user_agent": null },
            } })
        });
        json!({
            "id": self.id, "object": "confirmation_token", "created": self.created,
            "expires_at": self.created + LIFE_S, "livemode": self.space.livemode, "mandate_data": agreed,
            "payment_intent": self.payment_intent, "payment_method_options": null,
            "payment_method_preview": preview,
            "return_url": self.return_url, "setup_future_usage": self.setup_future_usage,
            "setup_intent": self.setup_intent,
            "shipping": self.shipping.as_ref().map(Shipping::render), "use_stripe_sdk": true,
        })
    }

    /// What the payer agreed to in Stripe's form before the token was made: that their bank is debited.
    pub fn acceptance(&self) -> Option<Acceptance> {
        let of_bank = self
            .other
            .as_deref()
            .is_some_and(|other| other.kind() == "us_bank_account");
        of_bank.then(|| Acceptance {
            kind: "online".to_owned(),
            accepted_at: self.created,
            ip_address: None,
            user_agent: None,
        })
    }

    /// The card to pay with.
    ///
    /// # Errors
    /// 400 when a saved card of the token may not be used any more.
    pub fn method(&self, state: &State) -> Result<Named, ApiError> {
        match &self.payment_method {
            Some(saved) => payment_method::named(state, &self.space, saved),
            None => Ok(Named::Fresh(Box::new(Entry {
                card: self.card.clone(),
                billing: self.billing.clone(),
                allow_redisplay: "unspecified".into(),
                metadata: Default::default(),
                token: None,
                other: self.other.clone(),
            }))),
        }
    }
}

/// The token that a payment wants to use.
///
/// # Errors
/// `resource_missing` for one of another account; 400 `payment_intent_confirmation_token_invalid` for one
/// that is used or too old.
pub fn unused(state: &State, space: &Space, id: &str) -> Result<Arc<ConfirmationToken>, ApiError> {
    let token = state.get::<ConfirmationToken>(space, id)?;
    let complaint = match (&token.payment_intent, &token.setup_intent) {
        (Some(intent), _) => format!(
            "The ConfirmationToken {id} has already been used to confirm a previous PaymentIntent {intent}."
        ),
        (None, Some(intent)) => format!(
            "The ConfirmationToken {id} has already been used to confirm a previous SetupIntent {intent}."
        ),
        (None, None) if state.now_s() >= token.created + LIFE_S => {
            format!("The ConfirmationToken {id} has expired.")
        }
        (None, None) => return Ok(token),
    };
    Err(ApiError::invalid(format!(
        "{complaint} Please provide a different ConfirmationToken."
    ))
    .code("payment_intent_confirmation_token_invalid")
    .saved())
}

impl Shown for ConfirmationToken {
    fn shown(&self, _: &State) -> Value {
        self.render()
    }
}

/// Writes down which intent used it.
pub fn spend(state: &mut State, token: &ConfirmationToken, intent: &str) {
    state.put(ConfirmationToken {
        payment_intent: Some(intent.to_owned()),
        ..token.clone()
    });
}

/// Writes down which setup intent used it.
pub fn spend_on_setup(state: &mut State, token: &ConfirmationToken, intent: &str) {
    state.put(ConfirmationToken {
        setup_intent: Some(intent.to_owned()),
        ..token.clone()
    });
}

/// `POST /v1/test_helpers/confirmation_tokens`: a token without a browser, in test mode only.
pub fn create_for_test(state: &mut State, ctx: &Ctx, params: Params) -> Result<Value, ApiError> {
    if ctx.space.livemode {
        return Err(ApiError::invalid(
            "Test helpers are for test mode: this request used a live mode key.",
        ));
    }
    create(state, ctx, params)
}

/// `POST /v1/confirmation_tokens` of the browser frame.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let named = match (params.text("payment_method")?, params.map("payment_method_data")?) {
        (Some(_), Some(_)) => {
            let message =
                "You may only specify one of these parameters: payment_method, payment_method_data.";
            return Err(ApiError::invalid(message).code("parameters_exclusive"));
        }
        (Some(id), None) => payment_method::named(state, &ctx.space, &id)?,
        (None, Some(mut data)) => {
            let entry = payment_method::read(state, ctx, &mut data)?;
            data.finish()?;
            Named::Fresh(Box::new(entry))
        }
        (None, None) => return Err(ApiError::missing("payment_method")),
    };
    let return_url = params.text("return_url")?;
    let usage = params.choice("setup_future_usage", &["off_session", "on_session"])?;
    let shipping = params.map("shipping")?.map(Shipping::read).transpose()?;
    params.finish()?;
    let (card, other, billing, saved) = match named {
        Named::Stored(method) => (
            method.card.clone(),
            method.other.clone(),
            method.billing.clone(),
            Some(method.id.clone()),
        ),
        Named::Fresh(entry) => (entry.card, entry.other, entry.billing, None),
    };
    let token = ConfirmationToken {
        id: state.id("ctoken_1", 23),
        space: ctx.space.clone(),
        created: state.now_s(),
        card,
        other,
        billing,
        payment_method: saved,
        payment_intent: None,
        setup_intent: None,
        return_url,
        setup_future_usage: usage.map(str::to_owned),
        shipping,
    };
    Ok(state.put(token).render())
}

/// `GET /v1/confirmation_tokens/{id}`.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(state.get::<ConfirmationToken>(&ctx.space, id)?.render())
}
