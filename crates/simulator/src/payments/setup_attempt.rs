//! Setup attempts: one for each confirmation of a setup intent, and what became of it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::address::Billing;
use crate::api::Ctx;
use crate::error::ApiError;
use crate::form::Params;
use crate::list;
use crate::payment_intent::PaymentError;
use crate::payment_method::{Card, PaymentMethod};
use crate::payments::other_method::Other;
use crate::payments::setup_intent::SetupIntent;
use crate::state::{Shown, Space, State};

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The card's holder is asked.
    RequiresAction,
    /// The card is saved.
    Succeeded,
    /// The bank refused, or its holder.
    Failed,
    /// The intent was canceled or confirmed anew while its holder was asked.
    Abandoned,
}

/// An attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SetupAttempt {
    /// `setatt_…`.
    pub id: String,
    /// Where it lives.
    pub space: Space,
    /// When it was made, in seconds.
    pub created: i64,
    /// The setup intent.
    pub setup_intent: String,
    /// For whom the card is saved.
    pub customer: Option<String>,
    /// The payment method.
    pub payment_method: String,
    /// The card as it was then.
    pub card: Arc<Card>,
    /// What it is when it is no card.
    pub other: Option<Arc<Other>>,
    /// Its holder as then.
    pub billing: Arc<Billing>,
    /// What became of it.
    pub status: Outcome,
    /// `off_session` or `on_session`.
    pub usage: String,
    /// Whether its holder authenticated.
    pub authenticated: bool,
    /// Why it failed.
    pub error: Option<Box<PaymentError>>,
    /// The account that the card is saved for.
    pub on_behalf_of: Option<String>,
    /// Which ways money will flow.
    pub flow_directions: Option<Vec<String>>,
    /// The platform, on a connected account.
    pub application: Option<String>,
}

impl SetupAttempt {
    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        json!({
            "id": self.id, "object": "setup_attempt", "application": self.application,
            "created": self.created, "customer": self.customer, "customer_account": null,
            "flow_directions": self.flow_directions, "livemode": self.space.livemode,
            "on_behalf_of": self.on_behalf_of, "payment_method": self.payment_method,
            "payment_method_details": self.details(),
            "setup_error": self.error.as_ref().map(|error| error.render()),
            "setup_intent": self.setup_intent, "status": self.status, "usage": self.usage,
        })
    }

    fn details(&self) -> Value {
        let card = &self.card;
        if let Some(other) = &self.other {
            let kind = other.kind();
            let mut details = json!({ "type": kind });
            details[kind] = json!({});
            return details;
        }
        let three_d_secure = self.authenticated.then(|| {
            json!({
                "authentication_flow": "challenge", "electronic_commerce_indicator": "05",
                "result": "authenticated", "result_reason": null, "transaction_id": null,
                "version": "2.2.0",
            })
        });
        json!({
                "card": {
                    "brand": card.brand,
                    "checks": card.checks(&self.billing, card.bank(self.space.livemode)),
                    "country": "US", "exp_month": card.exp_month, "exp_year": card.exp_year,
                    "fingerprint": card.fingerprint, "funding": card.funding, "last4": card.last4,
                    "network": card.brand, "three_d_secure": three_d_secure, "wallet": null,
                },
                "type": "card",
        })
    }
}

impl Shown for SetupAttempt {
    const EXPANDS: &'static [(&'static str, &'static str)] = &[
        ("customer", "customer"),
        ("on_behalf_of", "account"),
        ("payment_method", "payment_method"),
        ("setup_intent", "setup_intent"),
    ];

    fn shown(&self, _: &State) -> Value {
        self.render()
    }
}

/// Writes an attempt down; its id is then the intent's latest.
pub fn begin(
    state: &mut State,
    intent: &mut SetupIntent,
    method: &PaymentMethod,
    status: Outcome,
    error: Option<Box<PaymentError>>,
) {
    let attempt = SetupAttempt {
        id: state.id("setatt_1", 23),
        space: intent.space.clone(),
        created: state.now_s(),
        setup_intent: intent.id.clone(),
        customer: intent.customer.clone(),
        payment_method: method.id.clone(),
        card: method.card.clone(),
        other: method.other.clone(),
        billing: method.billing.clone(),
        status,
        usage: intent.usage.clone(),
        authenticated: false,
        error,
        on_behalf_of: intent.on_behalf_of.clone(),
        flow_directions: intent.flow_directions.clone(),
        application: intent.application.clone(),
    };
    intent.latest_attempt = Some(attempt.id.clone());
    state.put(attempt);
}

/// Ends the attempt that waits for the card's holder, if there is one.
pub fn end(state: &mut State, intent: &SetupIntent, status: Outcome, error: Option<Box<PaymentError>>) {
    let latest = intent.latest_attempt.as_deref().unwrap_or_default();
    if let Ok(attempt) = state.get::<SetupAttempt>(&intent.space, latest)
        && attempt.status == Outcome::RequiresAction
    {
        state.put(SetupAttempt {
            status,
            authenticated: status == Outcome::Succeeded,
            error,
            ..SetupAttempt::clone(&attempt)
        });
    }
}

/// `GET /v1/setup_attempts` of a setup intent, by `created`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let intent = params.required("setup_intent")?;
    let intent = state.get_for::<SetupIntent>(&ctx.space, &intent, "setup_intent")?;
    let created = list::Created::read(&mut params)?;
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let wanted = |one: &SetupAttempt| one.setup_intent == intent.id && created.holds(one.created);
    list::answer(
        state,
        &ctx.space,
        &page,
        "/v1/setup_attempts",
        wanted,
        |one: &SetupAttempt| one.render(),
    )
}
