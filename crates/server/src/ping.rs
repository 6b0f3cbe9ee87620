//! A signed word to our own webhook address, as Stripe would sign it: whether the server that payers and
//! Stripe reach takes a secret. It tells of nothing that happened, so the handler answers and stores
//! nothing.

use flows::Clock;
use stripe::{HttpRequest, Method, Secret, signature};

use crate::clock::SystemClock;
use crate::config::Config;
use crate::start;

/// The whole body. No event of Stripe's looks like it.
pub const BODY: &[u8] = br#"{"object":"psa_pay.ping"}"#;

/// Sends it, signed with a secret, to `PUBLIC_URL`, and answers the status.
///
/// # Errors
/// Why there was no answer.
pub async fn send(config: &Config, secret: &Secret) -> Result<u16, String> {
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
    let transport = start::transport_to(config.public_url.is_loopback())?;
    let answer = transport.send(request).await.map_err(|no_answer| no_answer.0)?;
    Ok(answer.status)
}
