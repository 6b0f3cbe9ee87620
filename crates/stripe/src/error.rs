//! What can come of a call that did not succeed, in the three kinds that matter for money: the card was
//! declined, the request was refused, or nobody knows. Stripe's error body is read here and nowhere else.

use std::fmt;

use serde_json::Value;

use crate::client::without_client_secret;
use crate::object::{id_of, text};
use crate::payment_intents::PaymentIntent;
use crate::transport::{HttpResponse, NoAnswer};

/// Why a call has no success to report. Only the first two are definite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// The payer's card was declined; the payment intent stays open for another one.
    Declined(Box<Decline>),
    /// Stripe refused the request and did nothing; repeating it would be refused again.
    Rejected(Box<Rejection>),
    /// Whether Stripe acted is not known. Replay the same bytes with the same key; never treat it as
    /// failed.
    Unknown(Unknown),
}

/// A 402 `card_error`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decline {
    /// Such as `card_declined`, `expired_card`, `incorrect_cvc`, `authentication_required`.
    pub code: Option<String>,
    /// The issuer's reason, such as `insufficient_funds`; some of them must not be shown to the payer.
    pub decline_code: Option<String>,
    /// Stripe's sentence, in English, written for the payer.
    pub message: String,
    /// `confirm_card_data`, `do_not_try_again` or `try_again_later`.
    pub advice_code: Option<String>,
    /// The failed charge (`ch_…`), if an attempt reached the issuer.
    pub charge: Option<String>,
    /// The intent after the decline: Stripe sends it whole.
    pub payment_intent: Option<Box<PaymentIntent>>,
    /// `Request-Id`, for Stripe's support.
    pub request_id: Option<String>,
    /// Whether this is the stored answer of an earlier request with the same key.
    pub replayed: bool,
    /// The answer as Stripe sent it, but without client secrets.
    pub body: String,
}

/// A definite refusal that is not a decline: our bug, a missing object, a lost account or a wrong key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rejection {
    /// HTTP status, 400 to 499; 0 if this client refused to send the request at all.
    pub status: u16,
    /// Stripe's `type`, such as `invalid_request_error` or `idempotency_error`.
    pub type_: String,
    /// Such as `resource_missing`, `account_invalid`, `payment_intent_unexpected_state`.
    pub code: Option<String>,
    /// The parameter complained of.
    pub param: Option<String>,
    /// Stripe's sentence, without any part of a key.
    pub message: String,
    /// `Request-Id`, for Stripe's support.
    pub request_id: Option<String>,
    /// The intent as it is now, which Stripe adds when its state is the reason.
    pub payment_intent: Option<Box<PaymentIntent>>,
}

/// Silence, a failure on Stripe's side, or an answer that cannot be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unknown {
    /// What happened, for the log; holds no secret.
    pub why: String,
    /// HTTP status, if there was a complete answer.
    pub status: Option<u16>,
    /// Stripe stored this 5xx as the answer to the key: a replay returns it for as long as the key is kept,
    /// so only a retrieve or a list can tell what happened.
    pub saved_500: bool,
    /// `Request-Id`, for Stripe's support.
    pub request_id: Option<String>,
}

/// A successful answer that does not look like what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable(pub String);

impl Decline {
    /// Whether the payer would have to authenticate, which an off-session attempt cannot offer.
    pub fn needs_authentication(&self) -> bool {
        self.code.as_deref() == Some("authentication_required")
    }
}

impl Rejection {
    /// The tenant's account cannot be reached with our key any more: access was revoked, or it never
    /// existed. Another 403 (such as a restricted key without this permission) says nothing about the
    /// account.
    pub fn is_account_gone(&self) -> bool {
        self.status == 403 && self.code.as_deref() == Some("account_invalid")
    }

    /// Our API key itself was refused: every call will fail until the operator replaces it.
    pub fn is_key_refused(&self) -> bool {
        self.status == 401
    }

    /// The object does not exist in this account and mode.
    pub fn is_missing(&self) -> bool {
        self.status == 404
    }

    /// The idempotency key was used before with other parameters. The earlier request may have succeeded:
    /// this is the one refusal that must not be read as "nothing was done".
    pub fn is_key_reused(&self) -> bool {
        self.type_ == "idempotency_error"
    }

    /// The object is in a state that does not allow this, for example a cancel after success.
    pub fn is_unexpected_state(&self) -> bool {
        self.code.as_deref() == Some("payment_intent_unexpected_state")
    }
}

impl CallError {
    /// `Request-Id` of the answer, if there was one.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            CallError::Declined(decline) => decline.request_id.as_deref(),
            CallError::Rejected(rejection) => rejection.request_id.as_deref(),
            CallError::Unknown(unknown) => unknown.request_id.as_deref(),
        }
    }

    /// A request that is not sent, because it could not have been understood.
    pub(crate) fn not_sent(param: &str, message: &str) -> CallError {
        CallError::Rejected(Box::new(Rejection {
            type_: "not_sent".to_owned(),
            param: Some(param.to_owned()),
            message: message.to_owned(),
            ..Rejection::default()
        }))
    }

    /// The meaning of a complete answer that is not a readable success.
    ///
    /// 409 and 429 count as unknown once the retries are used up: another request with the same key may be
    /// at work, and a replay is always right. So does a 4xx without Stripe's error body, which some proxy
    /// wrote.
    pub(crate) fn from_response(response: &HttpResponse) -> CallError {
        let error = match response.status {
            400..=408 | 410..=428 | 430..=499 => stripe_error(&response.body),
            _ => None,
        };
        match error {
            Some(error)
                if response.status == 402 && text(&error, "type").as_deref() == Some("card_error") =>
            {
                CallError::Declined(Box::new(decline(&error, response)))
            }
            Some(error) => CallError::Rejected(Box::new(rejection(&error, response))),
            None => CallError::Unknown(unknown(response)),
        }
    }
}

impl From<NoAnswer> for CallError {
    fn from(error: NoAnswer) -> CallError {
        CallError::Unknown(Unknown {
            why: error.to_string(),
            ..Unknown::default()
        })
    }
}

impl From<Unreadable> for CallError {
    fn from(error: Unreadable) -> CallError {
        CallError::Unknown(Unknown {
            why: error.to_string(),
            ..Unknown::default()
        })
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::Declined(decline) => {
                let code = decline.decline_code.as_deref().or(decline.code.as_deref());
                write!(f, "declined ({}): {}", code.unwrap_or("no code"), decline.message)
            }
            CallError::Rejected(r) => {
                let code = r.code.as_deref().unwrap_or(&r.type_);
                write!(f, "rejected ({} {code}): {}", r.status, r.message)
            }
            CallError::Unknown(unknown) => write!(f, "outcome unknown: {}", unknown.why),
        }
    }
}

impl std::error::Error for CallError {}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unreadable answer: {}", self.0)
    }
}

impl std::error::Error for Unreadable {}

fn stripe_error(body: &[u8]) -> Option<Value> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let error = body.get("error")?;
    error.is_object().then(|| error.clone())
}

fn decline(error: &Value, response: &HttpResponse) -> Decline {
    Decline {
        code: text(error, "code"),
        decline_code: text(error, "decline_code"),
        message: message(error),
        advice_code: text(error, "advice_code"),
        charge: id_of(error, "charge"),
        payment_intent: intent(error),
        request_id: request_id(response),
        replayed: response.header("idempotent-replayed") == Some("true"),
        body: without_client_secret(&String::from_utf8_lossy(&response.body)),
    }
}

fn rejection(error: &Value, response: &HttpResponse) -> Rejection {
    Rejection {
        status: response.status,
        type_: text(error, "type").unwrap_or_default(),
        code: text(error, "code"),
        param: text(error, "param"),
        message: match response.status {
            // Stripe's sentence quotes the beginning and the end of the key.
            401 => "Stripe refused the API key.".to_owned(),
            _ => message(error),
        },
        request_id: request_id(response),
        payment_intent: intent(error),
    }
}

fn unknown(response: &HttpResponse) -> Unknown {
    let saved = response.header("stripe-should-retry") == Some("false")
        || response.header("idempotent-replayed") == Some("true");
    let said = stripe_error(&response.body)
        .map(|error| message(&error))
        .filter(|said| !said.is_empty());
    Unknown {
        why: match said {
            Some(said) => format!("status {}: {said}", response.status),
            None => format!("status {}", response.status),
        },
        status: Some(response.status),
        saved_500: response.status >= 500 && saved,
        request_id: request_id(response),
    }
}

fn intent(error: &Value) -> Option<Box<PaymentIntent>> {
    PaymentIntent::from_value(error.get("payment_intent")?)
        .ok()
        .map(Box::new)
}

fn request_id(response: &HttpResponse) -> Option<String> {
    response.header("request-id").map(str::to_owned)
}

fn message(error: &Value) -> String {
    redact_keys(&text(error, "message").unwrap_or_default())
}

/// Replaces whatever begins like one of Stripe's secrets: error sentences quote keys, if shortened.
fn redact_keys(message: &str) -> String {
    const SECRET_PREFIXES: [&str; 4] = ["sk_", "rk_", "whsec_", "pk_"];
    let in_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '*');
    let mut shown = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(start) = rest.find(in_word) {
        let word_and_more = &rest[start..];
        let end = word_and_more.find(|c| !in_word(c)).unwrap_or(word_and_more.len());
        let (word, after) = word_and_more.split_at(end);
        shown.push_str(&rest[..start]);
        shown.push_str(
            match SECRET_PREFIXES.iter().any(|prefix| word.starts_with(prefix)) {
                true => "[redacted]",
                false => word,
            },
        );
        rest = after;
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_of_a_key_is_shown() {
        for (message, shown) in [
            ("plain words, no key", "plain words, no key"),
            (
                "key 'sk_test_***' has no access to 'acct_1'",
                "key '[redacted]' has no access to 'acct_1'",
            ),
            ("sk_test_psapay_demo", "[redacted]"),
            (
                "a (rk_test_psapay), whsec_psapay_demo_test.",
                "a ([redacted]), [redacted].",
            ),
            ("task_ and ask_ stay; é too", "task_ and ask_ stay; é too"),
            ("", ""),
        ] {
            assert_eq!(redact_keys(message), shown);
        }
    }
}
