//! What waits for a card's holder at the bank: a payment or a setup, found by the secret that a browser has.

use std::sync::Arc;

use crate::confirm::{self, Challenge};
use crate::error::ApiError;
use crate::payment_intent::{NextAction, PaymentIntent, Status};
use crate::payments::setup_confirm;
use crate::payments::setup_intent::SetupIntent;
use crate::state::{Row, State};

/// An intent of either kind.
pub enum Asked {
    /// The holder pays.
    Payment(Arc<PaymentIntent>),
    /// The holder's card is saved.
    Setup(Arc<SetupIntent>),
}

impl Asked {
    /// The intent of a secret, whatever its account and mode.
    ///
    /// # Errors
    /// 404 when there is none.
    pub fn by_secret(state: &State, secret: &str) -> Result<Asked, ApiError> {
        let id = secret.split("_secret_").next().unwrap_or_default();
        let found = if id.starts_with("seti_") {
            let intent = SetupIntent::table(state).anywhere(id);
            intent.map(|intent| Asked::Setup(Arc::clone(intent)))
        } else {
            let intent = PaymentIntent::table(state).anywhere(id);
            intent.map(|intent| Asked::Payment(Arc::clone(intent)))
        };
        found
            .filter(|asked| asked.secret() == secret)
            .ok_or_else(|| ApiError::no_such("payment_intent", id, "client_secret"))
    }

    /// The intent's id.
    pub fn id(&self) -> &str {
        match self {
            Asked::Payment(intent) => &intent.id,
            Asked::Setup(intent) => &intent.id,
        }
    }

    /// What a browser knows it by; made of letters, digits and underscores.
    pub fn secret(&self) -> &str {
        match self {
            Asked::Payment(intent) => &intent.client_secret,
            Asked::Setup(intent) => &intent.client_secret,
        }
    }

    /// Where it stands.
    pub fn status(&self) -> Status {
        match self {
            Asked::Payment(intent) => intent.status,
            Asked::Setup(intent) => intent.status,
        }
    }

    /// What it is called where a redirect comes back to.
    pub fn name(&self) -> &'static str {
        match self {
            Asked::Payment(_) => "payment_intent",
            Asked::Setup(_) => "setup_intent",
        }
    }

    /// Where a redirect comes back to, when one is under way.
    pub fn return_url(&self) -> Option<&str> {
        let action = match self {
            Asked::Payment(intent) => &intent.next_action,
            Asked::Setup(intent) => &intent.next_action,
        };
        match action {
            Some(NextAction::RedirectToUrl { return_url, .. }) => Some(return_url),
            Some(
                NextAction::UseStripeSdk { .. }
                | NextAction::VerifyMicrodeposits { .. }
                | NextAction::BankTransfer { .. },
            )
            | None => None,
        }
    }

    /// What the holder did.
    ///
    /// # Errors
    /// 400 when it waits for no authentication.
    pub fn authenticate(&self, state: &mut State, outcome: Challenge) -> Result<Asked, ApiError> {
        match self {
            Asked::Payment(intent) => confirm::authenticate(state, intent, outcome).map(Asked::Payment),
            Asked::Setup(intent) => setup_confirm::authenticate(state, intent, outcome).map(Asked::Setup),
        }
    }
}
