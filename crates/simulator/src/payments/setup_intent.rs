//! A setup intent: what it holds and how it looks. It saves a card for later without charging it; what
//! requests do to it is in `setup_intents`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::Ctx;
use crate::payment_intent::{Accepts, NextAction, PaymentError, Status};
use crate::state::{Shown, Space, State};

/// A setup intent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SetupIntent {
    /// `seti_…`.
    pub id: String,
    /// Where it lives.
    pub space: Space,
    /// When it was made, in seconds.
    pub created: i64,
    /// Lets a browser act on it.
    pub client_secret: String,
    /// Where it stands.
    pub status: Status,
    /// Which payment methods it takes.
    pub accepts: Accepts,
    /// For whom the card is saved.
    pub customer: Option<String>,
    /// The card.
    pub payment_method: Option<String>,
    /// `off_session` or `on_session`.
    pub usage: String,
    /// The last attempt, `setatt_…`.
    pub latest_attempt: Option<String>,
    /// The mandate that a bank account will be debited under.
    pub mandate: Option<String>,
    /// What the card's holder has to do.
    pub next_action: Option<NextAction>,
    /// Why the last attempt failed.
    pub last_error: Option<Box<PaymentError>>,
    /// When to insist on 3D Secure: `automatic`, `any` or `challenge`.
    pub three_d_secure: Option<String>,
    /// Whether Stripe.js handles what the holder has to do.
    pub use_stripe_sdk: Option<bool>,
    /// The caller's description.
    pub description: Option<String>,
    /// Why it was canceled.
    pub cancellation_reason: Option<String>,
    /// The account that the card is saved for.
    pub on_behalf_of: Option<String>,
    /// Whether the card is saved for the account itself.
    pub attach_to_self: Option<bool>,
    /// Which ways money will flow: `inbound`, `outbound`.
    pub flow_directions: Option<Vec<String>>,
    /// The platform, on a connected account.
    pub application: Option<String>,
    /// The caller's notes.
    pub metadata: BTreeMap<String, String>,
}

impl SetupIntent {
    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        let mut intent = self.render_for_browser();
        let rest = json!({
            "application": self.application, "customer": self.customer, "customer_account": null,
            "excluded_payment_method_types": self.accepts.excluded(),
            "flow_directions": self.flow_directions, "latest_attempt": self.latest_attempt,
            "managed_payments": { "enabled": false }, "mandate": self.mandate, "metadata": self.metadata,
            "on_behalf_of": self.on_behalf_of, "payment_method_configuration_details": null,
            "payment_method_options": {
                "card": {
                    "mandate_options": null, "network": null,
                    "request_three_d_secure": self.three_d_secure.as_deref().unwrap_or("automatic"),
                },
            },
            "single_use_mandate": null,
        });
        if let (Value::Object(fields), Value::Object(rest)) = (&mut intent, rest) {
            fields.extend(rest);
            if let Some(own) = self.attach_to_self {
                fields.insert("attach_to_self".into(), own.into());
            }
        }
        intent
    }

    /// What a publishable key may see of it.
    pub fn render_for_browser(&self) -> Value {
        json!({
            "id": self.id, "object": "setup_intent",
            "allowed_payment_method_types": self.accepts.listed(),
            "automatic_payment_methods": self.accepts.automatic(),
            "cancellation_reason": self.cancellation_reason, "client_secret": self.client_secret,
            "created": self.created, "description": self.description,
            "last_setup_error": self.last_error.as_ref().map(|error| error.render()),
            "livemode": self.space.livemode,
            "next_action": self.next_action.as_ref().map(NextAction::render),
            "payment_method": self.payment_method, "payment_method_types": self.accepts.kinds(),
            "status": self.status, "usage": self.usage,
        })
    }

    /// For whom the caller is.
    pub fn render_to(&self, ctx: &Ctx) -> Value {
        if ctx.secret {
            self.render()
        } else {
            self.render_for_browser()
        }
    }
}

impl Shown for SetupIntent {
    const EXPANDS: &'static [(&'static str, &'static str)] = &[
        ("customer", "customer"),
        ("latest_attempt", "setup_attempt"),
        ("mandate", "mandate"),
        ("on_behalf_of", "account"),
        ("payment_method", "payment_method"),
    ];

    fn shown(&self, _: &State) -> Value {
        self.render()
    }
}
