//! Who asks, and how: the key, the version and the account of a request.

use std::sync::Arc;

use crate::Request;
use crate::account;
use crate::accounts;
use crate::api::{Ctx, VERSION};
use crate::connect::oauth::OauthToken;
use crate::error::ApiError;
use crate::event::Cause;
use crate::state::{Row, Space, State};

/// Since this version `payment_method_types` is no request parameter any more.
const ENDIVE: &str = "2026-09-30";
/// A longer key is none of ours; this much of it is said back.
const KEY_SHOWN_MAX: usize = 120;

/// The parameter that says which payment methods an intent takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypesParam {
    /// `payment_method_types`, up to 2026-08-26.
    Old,
    /// `allowed_payment_method_types`.
    New,
    /// Either: no version was named.
    Both,
}

/// Key, version and account of a request.
pub fn identify(state: &State, request: &Request, id: &str) -> Result<Ctx, ApiError> {
    let Key {
        livemode,
        secret,
        text,
    } = key(request)?;
    let token = OauthToken::table(state).anywhere(&text);
    if token.is_some_and(|token| token.revoked) {
        return Err(unknown_key(&text));
    }
    let (version, types) = version(request.header("Stripe-Version"))?;
    let account = match (request.header("Stripe-Account"), request.header("Stripe-Context")) {
        (Some(_), Some(_)) => {
            return Err(ApiError::invalid(
                "Stripe-Account and Stripe-Context may not be sent together.",
            ));
        }
        (account, context) => account
            .or(context)
            .filter(|account| *account != state.settings.platform),
    };
    // A token that an owner gave acts as the owner's account.
    let account = token.map(|token| token.account.as_str()).or(account);
    let host = request.header("Host").filter(|host| {
        host.bytes()
            .all(|b| b.is_ascii_alphanumeric() || b".-:[]".contains(&b))
    });
    let mut ctx = Ctx {
        space: Space {
            livemode,
            account: None,
        },
        secret,
        cause: Cause {
            request: Some(id.into()),
            key: None,
        },
        types,
        base: format!("http://{}", host.unwrap_or("localhost")),
        version,
    };
    if let Some(account) = account {
        let found = account::connected(state, livemode, account);
        let found = found.ok_or_else(|| accounts::no_access(&ctx, account))?;
        if found.read_only && request.method != "GET" {
            return Err(accounts::only_reads(account));
        }
        ctx.space.account = Some(account.to_owned());
    }
    ctx.cause.key = request
        .header("Idempotency-Key")
        .filter(|_| {
            request.method == "POST" || request.method == "DELETE" && request.path.starts_with("/v2/")
        })
        .map(Arc::from);
    Ok(ctx)
}

/// A key.
pub struct Key {
    /// LIVE or TEST.
    pub livemode: bool,
    /// Secret or publishable.
    pub secret: bool,
    text: String,
}

/// The key of a request: Bearer, or Basic with the key as the user's name.
///
/// # Errors
/// 401 when there is none, or none that looks like one.
pub fn key(request: &Request) -> Result<Key, ApiError> {
    let Some(header) = request.header("Authorization") else {
        return Err(ApiError::invalid(
            "You did not provide an API key. You need to provide your API key in the Authorization header, \
             using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See \
             https://stripe.com/docs/api#authentication for details, or we can help at \
             https://support.stripe.com/.",
        )
        .status(401));
    };
    let (scheme, rest) = header.split_once(' ').unwrap_or(("", header));
    let key = match scheme.to_ascii_lowercase().as_str() {
        "basic" => base64(rest.trim())
            .and_then(|text| text.split(':').next().map(str::to_owned))
            .unwrap_or_default(),
        _ => rest.trim().to_owned(),
    };
    let (livemode, secret) = mode(&key)?;
    Ok(Key {
        livemode,
        secret,
        text: key,
    })
}

/// Whether a key is a live one, and whether it is a secret one.
///
/// # Errors
/// 401 for what does not look like a key.
pub fn mode(key: &str) -> Result<(bool, bool), ApiError> {
    let known = [
        ("sk_test_", (false, true)),
        ("rk_test_", (false, true)),
        ("pk_test_", (false, false)),
        ("sk_live_", (true, true)),
        ("rk_live_", (true, true)),
        ("pk_live_", (true, false)),
    ];
    let found = known
        .iter()
        .find(|(prefix, _)| key.len() > prefix.len() && key.starts_with(prefix));
    found.map(|(_, what)| *what).ok_or_else(|| unknown_key(key))
}

fn unknown_key(key: &str) -> ApiError {
    ApiError::invalid(format!("Invalid API Key provided: {}", masked(key))).status(401)
}

/// A key as Stripe says it back: its first eight and last four characters.
fn masked(key: &str) -> String {
    let characters: Vec<char> = key.chars().take(KEY_SHOWN_MAX).collect();
    let hidden = 8..characters.len().saturating_sub(4).max(8);
    let shown = |(at, c): (usize, &char)| if hidden.contains(&at) { '*' } else { *c };
    characters.iter().enumerate().map(shown).collect()
}

fn base64(text: &str) -> Option<String> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::with_capacity(text.len());
    let (mut bits, mut count) = (0_u32, 0);
    for symbol in text.trim_end_matches('=').bytes() {
        let value = ALPHABET.iter().position(|known| *known == symbol)?;
        bits = (bits << 6 | u32::try_from(value).ok()?) & 0xFFFF;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xFF).ok()?);
        }
    }
    String::from_utf8(bytes).ok()
}

/// The day of the first version.
const FIRST: &str = "2011-01-01";
/// The releases that versions are named for, by the day each began; earlier versions have no name.
const RELEASES: [(&str, &str); 5] = [
    ("2024-09-30", "acacia"),
    ("2025-03-31", "basil"),
    ("2025-09-30", "clover"),
    ("2026-03-25", "dahlia"),
    (ENDIVE, "endive"),
];

fn version(header: Option<&str>) -> Result<(String, TypesParam), ApiError> {
    let Some(version) = header.filter(|version| !version.is_empty()) else {
        return Ok((VERSION.to_owned(), TypesParam::Both));
    };
    let (date, release) = match version.split_once('.') {
        Some((date, release)) => (date, Some(release)),
        None => (version, None),
    };
    let began = RELEASES.iter().rfind(|(day, _)| date >= *day);
    let named = match (began, release) {
        (Some((_, name)), Some(release)) => release == *name || release == "preview",
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    };
    if !dated(date) || !named || date < FIRST || date > &VERSION[..10] {
        let shown: String = version.chars().take(40).collect();
        return Err(ApiError::invalid(format!("Invalid Stripe API version: {shown}")));
    }
    let types = if date < ENDIVE {
        TypesParam::Old
    } else {
        TypesParam::New
    };
    Ok((version.to_owned(), types))
}

/// Whether a text is a day, such as `2026-10-28`.
fn dated(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| {
            if matches!(at, 4 | 7) {
                byte == b'-'
            } else {
                byte.is_ascii_digit()
            }
        })
}
