//! The errors an API request can be answered with, and their body as Stripe writes it. Each constructor names
//! one rule of Stripe's; match on type, code and status, the texts are only alike.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::cards::Decline;
use crate::payment_intent::PaymentIntent;
use crate::payment_method::PaymentMethod;
use crate::payments::setup_intent::SetupIntent;

/// A refused request.
#[derive(Debug)]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// `invalid_request_error`, `card_error`, `idempotency_error` or `api_error`.
    pub kind: &'static str,
    /// The stable code, where Stripe gives one.
    pub code: Option<&'static str>,
    /// The parameter that is wrong.
    pub param: Option<String>,
    /// What is said to a developer; of a card error, to the payer.
    pub message: String,
    /// Whether the request had begun to do something, so that its idempotency key keeps this answer.
    pub saved: bool,
    /// What a card's refusal adds.
    pub card: Option<Box<CardRefusal>>,
}

/// The further fields of a card error.
#[derive(Debug, Default)]
pub struct CardRefusal {
    /// Why the bank refused.
    pub decline_code: Option<String>,
    /// What the merchant may do about it.
    pub advice_code: Option<&'static str>,
    /// The failed charge, when there was one.
    pub charge: Option<String>,
    /// The intent as the refusal left it.
    pub intent: Option<Arc<PaymentIntent>>,
    /// The setup intent as the refusal left it.
    pub setup: Option<Arc<SetupIntent>>,
    /// The card that was refused.
    pub method: Option<Arc<PaymentMethod>>,
}

impl ApiError {
    /// 400: something about the request is wrong, without a code.
    pub fn invalid(message: impl Into<String>) -> ApiError {
        ApiError {
            status: 400,
            kind: "invalid_request_error",
            code: None,
            param: None,
            message: message.into(),
            saved: false,
            card: None,
        }
    }

    /// The same with a code.
    pub fn code(mut self, code: &'static str) -> ApiError {
        self.code = Some(code);
        self
    }

    /// The same, naming a parameter.
    pub fn param(mut self, param: impl Into<String>) -> ApiError {
        self.param = Some(param.into());
        self
    }

    /// The same with another status.
    pub fn status(mut self, status: u16) -> ApiError {
        self.status = status;
        self
    }

    /// The same, kept under the request's idempotency key.
    pub fn saved(mut self) -> ApiError {
        self.saved = true;
        self
    }

    /// 400 `parameter_missing`.
    pub fn missing(param: &str) -> ApiError {
        ApiError::invalid(format!("Missing required param: {param}."))
            .code("parameter_missing")
            .param(param)
    }

    /// 400 `parameter_invalid_integer`: an amount is nought or less.
    pub fn below_one(param: &str) -> ApiError {
        ApiError::invalid("This value must be greater than or equal to 1.")
            .code("parameter_invalid_integer")
            .param(param)
    }

    /// 404 `resource_missing`: of `noun` no `id`; `param` says where the id stood.
    pub fn no_such(noun: &str, id: &str, param: &str) -> ApiError {
        ApiError::invalid(format!("No such {noun}: '{}'", shortened(id)))
            .code("resource_missing")
            .param(param)
            .status(404)
    }

    /// 400 `payment_intent_unexpected_state`, kept under the key as Stripe keeps what began to run.
    pub fn unexpected_state(message: impl Into<String>) -> ApiError {
        ApiError::invalid(message)
            .code("payment_intent_unexpected_state")
            .saved()
    }

    /// The same, showing the intent as it stands.
    pub fn with_intent(mut self, intent: &Arc<PaymentIntent>) -> ApiError {
        self.card = Some(Box::new(CardRefusal {
            intent: Some(Arc::clone(intent)),
            ..CardRefusal::default()
        }));
        self
    }

    /// 400 `setup_intent_unexpected_state`, kept under the key as Stripe keeps what began to run.
    pub fn setup_state(message: impl Into<String>) -> ApiError {
        ApiError::invalid(message)
            .code("setup_intent_unexpected_state")
            .saved()
    }

    /// The same, showing the setup intent as it stands.
    pub fn with_setup(mut self, intent: &Arc<SetupIntent>) -> ApiError {
        self.card = Some(Box::new(CardRefusal {
            setup: Some(Arc::clone(intent)),
            ..CardRefusal::default()
        }));
        self
    }

    /// 402: the card's bank said no.
    pub fn declined(decline: &Decline, refusal: CardRefusal) -> ApiError {
        ApiError {
            status: 402,
            kind: "card_error",
            code: Some(decline.code),
            param: decline.param.map(str::to_owned),
            message: decline.message.to_owned(),
            saved: true,
            card: Some(Box::new(refusal)),
        }
    }

    /// The body as Stripe writes it; `request` is named in the link to the log.
    pub fn body(&self, request: &str, livemode: bool) -> Value {
        let mut error = Map::new();
        error.insert("type".into(), self.kind.into());
        if let Some(code) = self.code {
            error.insert("code".into(), code.into());
            error.insert("doc_url".into(), doc_url(code).into());
        }
        if let Some(param) = &self.param {
            error.insert("param".into(), param.as_str().into());
        }
        error.insert("message".into(), self.message.as_str().into());
        let mode = if livemode { "" } else { "test/" };
        error.insert(
            "request_log_url".into(),
            format!("https://dashboard.stripe.com/{mode}logs/{request}").into(),
        );
        if let Some(refusal) = &self.card {
            refusal.render(&mut error);
        }
        json!({ "error": error })
    }
}

impl CardRefusal {
    fn render(&self, error: &mut Map<String, Value>) {
        if let Some(decline_code) = &self.decline_code {
            error.insert("decline_code".into(), decline_code.as_str().into());
        }
        if let Some(advice) = self.advice_code {
            error.insert("advice_code".into(), advice.into());
        }
        if let Some(charge) = &self.charge {
            error.insert("charge".into(), charge.as_str().into());
        }
        if let Some(intent) = &self.intent {
            error.insert("payment_intent".into(), intent.render());
        }
        if let Some(intent) = &self.setup {
            error.insert("setup_intent".into(), intent.render());
        }
        if let Some(method) = &self.method {
            error.insert("payment_method".into(), method.render());
            error.insert("payment_method_type".into(), "card".into());
        }
    }
}

/// Enough of a text from outside to recognise it, never a page of it.
pub fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

/// Where Stripe explains a code.
pub fn doc_url(code: &str) -> String {
    format!("https://stripe.com/docs/error-codes/{}", code.replace('_', "-"))
}
