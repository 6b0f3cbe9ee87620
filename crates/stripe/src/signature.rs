//! Webhook signatures, scheme v1: an HMAC over the time and the raw body. Nothing of a body may be
//! believed, or even parsed, before it has passed here.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::secret::Secret;

/// How far the signature's time may lie from ours, in either direction. Stripe's SDKs accept any future
/// time; that would let a captured delivery with a far time be replayed for ever.
pub const TOLERANCE_S: u64 = 300;
/// Stripe sends less than 300 bytes, even while a secret is being rolled.
const HEADER_BYTES_MAX: usize = 4096;
/// One per active secret, and a secret being rolled makes two: sixteen is far beyond what Stripe sends.
const SIGNATURES_MAX: usize = 16;

/// Why a body is not accepted. The sender learns only that it was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureError {
    /// There is no `Stripe-Signature` header.
    Missing,
    /// The header has no usable time, no v1 signature, or more of anything than Stripe sends.
    Malformed,
    /// No secret is configured, or only blank ones: the operator's error, not the sender's.
    NoSecret,
    /// No signature fits any of our secrets.
    NoMatch,
    /// Signed by Stripe, more than five minutes ago: a replay, or our clock is fast.
    TooOld {
        /// How many seconds ago.
        by_s: u64,
    },
    /// Signed by Stripe, more than five minutes ahead: our clock is slow.
    TooNew {
        /// How many seconds ahead.
        by_s: u64,
    },
}

/// Checks the `Stripe-Signature` header over the raw body with every secret, and returns the position of
/// the one that fits, because a secret stands for a mode and a kind of event. `now_s` is in seconds since
/// the epoch.
pub fn verify(
    header: Option<&str>,
    body: &[u8],
    secrets: &[&Secret],
    now_s: i64,
) -> Result<usize, SignatureError> {
    if secrets.iter().all(|secret| secret.is_blank()) {
        return Err(SignatureError::NoSecret);
    }
    let claimed = parse(header.ok_or(SignatureError::Missing)?)?;
    let fits = |secret: &&Secret| {
        let expected = mac_hex(secret, claimed.t, body);
        // Every pair is compared to its end, so that the time taken says nothing.
        claimed.v1.iter().fold(false, |fits, v1| {
            fits | bool::from(v1.as_bytes().ct_eq(expected.as_bytes()))
        })
    };
    let matching = secrets
        .iter()
        .position(|secret| !secret.is_blank() && fits(secret));
    let matching = matching.ok_or(SignatureError::NoMatch)?;
    let by_s = now_s.abs_diff(claimed.t);
    match by_s <= TOLERANCE_S {
        true => Ok(matching),
        false if claimed.t < now_s => Err(SignatureError::TooOld { by_s }),
        false => Err(SignatureError::TooNew { by_s }),
    }
}

/// The whole `Stripe-Signature` header (`t=…,v1=…`) that Stripe would send for this body at `t_s`.
pub fn sign(secret: &Secret, t_s: i64, body: &[u8]) -> String {
    format!("t={t_s},v1={}", mac_hex(secret, t_s, body))
}

impl fmt::Display for SignatureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SignatureError::Missing => "the Stripe-Signature header is missing",
            SignatureError::Malformed => "the Stripe-Signature header is malformed",
            SignatureError::NoSecret => "no webhook secret is configured",
            SignatureError::NoMatch => "the signature fits none of the webhook secrets",
            SignatureError::TooOld { .. } => "the signature is more than five minutes old",
            SignatureError::TooNew { .. } => "the signature is more than five minutes in the future",
        })
    }
}

impl std::error::Error for SignatureError {}

struct Claimed<'a> {
    t: i64,
    v1: Vec<&'a str>,
}

/// As Stripe's SDKs: split at commas, then at the first `=`, without trimming; other schemes (v0 is a
/// decoy) are skipped. Stricter: the time is plain digits, given once.
fn parse(header: &str) -> Result<Claimed<'_>, SignatureError> {
    if header.len() > HEADER_BYTES_MAX {
        return Err(SignatureError::Malformed);
    }
    let mut t = None;
    let mut v1 = Vec::new();
    for part in header.split(',') {
        match part.split_once('=') {
            Some(("t", digits)) if t.is_none() => t = Some(seconds(digits).ok_or(SignatureError::Malformed)?),
            Some(("t", _)) => return Err(SignatureError::Malformed),
            Some(("v1", signature)) => v1.push(signature),
            _ => {}
        }
    }
    match t {
        Some(t) if (1..=SIGNATURES_MAX).contains(&v1.len()) => Ok(Claimed { t, v1 }),
        _ => Err(SignatureError::Malformed),
    }
}

/// Only the digits Stripe would write, because they are signed as a number: no sign, no leading zero.
fn seconds(digits: &str) -> Option<i64> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    digits.parse().ok().filter(|_| plain)
}

/// The key is the whole secret as text, `whsec_` included.
fn mac_hex(secret: &Secret, t_s: i64, body: &[u8]) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).expect("HMAC takes a key of any length");
    mac.update(t_s.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}
