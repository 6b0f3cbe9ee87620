//! Page tokens: every pay page that is served carries one, and only its token begins a payment. It is bound
//! to the link, at least two seconds and at most half an hour old, and derived, never stored. A script that
//! posts without having asked for the page gets nowhere, and one that asked has to wait.

use domain::{Limited, Timestamp};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use store::pay_links::PayLink;
use stripe::Secret;
use subtle::ConstantTimeEq;

use crate::{Failure, Keys, Moment};

/// Nobody reads an invoice and enters a card faster.
pub const AGE_MIN_MS: i64 = 2_000;
/// An open page gets a fresh token by itself long before.
pub const AGE_MAX_MS: i64 = 30 * 60 * 1000;
/// 160 bits of the HMAC, in hex.
const MAC_CHARS: usize = 40;
/// Milliseconds, random bits in hex, what was due, the HMAC, and three hyphens between them.
const CHARS_MAX: usize = 20 + 16 + 20 + MAC_CHARS + 3;

/// The token of a page that is served now and shows that so many minor units are due. Two pages never have
/// the same one.
pub fn issue(key: &Secret, link: &PayLink, due_minor: i64, moment: Moment) -> Result<String, Failure> {
    let made = format!(
        "{}-{:016x}-{}",
        moment.at.ms(),
        moment.random(0) & u128::from(u64::MAX),
        due_minor.max(0)
    );
    Ok(format!("{made}-{}", mac_of(key, link, &made)?))
}

/// Whether a token was made for a page of this link, and long enough ago but not too long. Answers how many
/// minor units its page showed to be due.
///
/// # Errors
/// [`Limited::PageTokenRequired`] for what is no token of this link, [`Limited::TooSoon`] and
/// [`Limited::PageExpired`] by its age.
pub fn check(keys: &Keys, link: &PayLink, token: Option<&str>, now: Timestamp) -> Result<i64, Failure> {
    let token = token
        .filter(|token| token.len() <= CHARS_MAX)
        .ok_or(Limited::PageTokenRequired)?;
    let (made, mac) = token.rsplit_once('-').ok_or(Limited::PageTokenRequired)?;
    let mut is_ours = false;
    for key in keys.all() {
        let expected = mac_of(key, link, made)?;
        is_ours |= bool::from(expected.as_bytes().ct_eq(mac.as_bytes()));
    }
    if !is_ours {
        return Err(Limited::PageTokenRequired.into());
    }
    let mut parts = made.split('-');
    let issued_ms = parts.next().and_then(|ms| ms.parse::<i64>().ok());
    let issued_ms = issued_ms.ok_or(Limited::PageTokenRequired)?;
    let due_minor = parts.nth(1).and_then(|minor| minor.parse::<i64>().ok());
    let due_minor = due_minor.ok_or(Limited::PageTokenRequired)?;
    let age_ms = now.ms().saturating_sub(issued_ms);
    if age_ms < AGE_MIN_MS {
        return Err(Limited::TooSoon.into());
    }
    if age_ms > AGE_MAX_MS {
        return Err(Limited::PageExpired.into());
    }
    Ok(due_minor)
}

fn mac_of(key: &Secret, link: &PayLink, made: &str) -> Result<String, Failure> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose().as_bytes())
        .map_err(|_| Failure::Bug("HMAC takes keys of any length".to_owned()))?;
    mac.update(format!("page_token:{}:{}:{made}", link.id, link.generation).as_bytes());
    let mut text = hex::encode(mac.finalize().into_bytes());
    text.truncate(MAC_CHARS);
    Ok(text)
}
