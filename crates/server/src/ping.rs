//! A signed word to our own webhook address, as Stripe would sign it: whether the server that payers and
//! Stripe reach takes a secret, and for what. It tells of nothing that happened, so the handler stores
//! nothing. Whoever has signed rightly is told in which mode the server runs, and whether its `SECRET_KEY`
//! is the same.

use std::sync::Arc;
use std::time::Duration;

use domain::Mode;
use flows::Clock;
use flows::endpoints::fingerprint;
use flows::stripe_events::SignedAs;
use serde::{Deserialize, Serialize};
use stripe::events::Kind;
use stripe::{HttpRequest, Method, Secret, signature};

use crate::clock::SystemClock;
use crate::config::Config;
use crate::start;

/// The whole body. No event of Stripe's looks like it.
pub const BODY: &[u8] = br#"{"object":"psa_pay.ping"}"#;
/// Longest wait for an answer.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// What the answer to a signed word calls itself.
const PONG: &str = "psa_pay.pong";
/// What our own refusal of a signature calls itself.
pub const REFUSED: &str = "signature_invalid";

/// What the server says to a word that is signed rightly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pong {
    object: String,
    /// In which mode the server works: test or live.
    pub mode: String,
    /// Which mode's events this secret signs there.
    pub secret_mode: String,
    /// Which kind of events this secret signs there: snapshot or thin.
    pub secret_kind: String,
    /// By which the server's `SECRET_KEY` is known again; nothing can be derived from it.
    pub secret_key: String,
    /// Which Stripe the server asks; a server of before does not say.
    #[serde(default)]
    pub stripe: Option<String>,
}

impl Pong {
    /// What a server of this configuration says of a secret.
    pub fn of(config: &Config, signed_as: SignedAs) -> Pong {
        Pong {
            object: PONG.to_owned(),
            mode: config.mode.word().to_owned(),
            secret_mode: signed_as.mode.word().to_owned(),
            secret_kind: kind_word(signed_as.kind).to_owned(),
            secret_key: print_of_key(config),
            stripe: Some(config.stripe_api_base.api_origin().to_owned()),
        }
    }

    /// Whether this secret signs these events there.
    pub fn signs(&self, mode: Mode, kind: Kind) -> bool {
        self.secret_mode == mode.word() && self.secret_kind == kind_word(kind)
    }
}

/// As the variables and the answer call a kind.
pub const fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Snapshot => "snapshot",
        Kind::Thin => "thin",
    }
}

/// By which `SECRET_KEY` is known again: the start of a keyed hash of a fixed text, under the key itself.
pub fn print_of_key(config: &Config) -> String {
    let keyed = signature::sign(&config.secret_key, 0, b"which SECRET_KEY a psa-pay runs with");
    fingerprint(&Secret::new(keyed))
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The secret is taken.
    Taken(Pong),
    /// Psa-pay refused the signature.
    Refused,
    /// Something else answered, with this status.
    Other(u16),
}

/// Sends it, signed with a secret, to `PUBLIC_URL`.
///
/// # Errors
/// Why there was no answer.
pub async fn send(config: &Config, secret: &Secret) -> Result<Answer, String> {
    let now_s = SystemClock::default().now().seconds();
    let header = signature::sign(secret, now_s, BODY);
    let request = HttpRequest {
        method: Method::Post,
        url: format!("{}{}", config.public_url.origin(), flows::endpoints::PATH),
        headers: vec![
            ("Stripe-Signature", header),
            ("Content-Type", "application/json".to_owned()),
        ],
        body: BODY.to_vec(),
    };
    let transport: Arc<_> = start::transport_to(config.public_url.is_loopback())?;
    let answer = tokio::time::timeout(PATIENCE, transport.send(request)).await;
    let answer = answer
        .map_err(|_| format!("no answer within {} s", PATIENCE.as_secs()))?
        .map_err(|no_answer| no_answer.0)?;
    let pong = serde_json::from_slice::<Pong>(&answer.body);
    Ok(match (answer.status, pong) {
        (200, Ok(pong)) if pong.object == PONG => Answer::Taken(pong),
        (401, _) if is_our_refusal(&answer.body) => Answer::Refused,
        (status, _) => Answer::Other(status),
    })
}

fn is_our_refusal(body: &[u8]) -> bool {
    let said = serde_json::from_slice::<serde_json::Value>(body);
    said.is_ok_and(|said| said["code"] == REFUSED)
}
