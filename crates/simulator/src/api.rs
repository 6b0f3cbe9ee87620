//! One request of the API: whose it is, whether it was answered before, which handler it is for, and all that
//! stands around the answer.

use serde_json::Value;

use crate::account::Account;
use crate::accounts;
use crate::error::ApiError;
use crate::event::Cause;
use crate::expand::Expansion;
use crate::fault::Effect;
use crate::form::Params;
use crate::idempotency::{self, Kept};
use crate::persist::Change;
use crate::request_log::Entry;
use crate::routes::{self, Keys};
use crate::state::{Space, State};
use crate::{Fate, Request, Response};
use crate::{control, shim};

/// The version that everything is pinned to.
pub const VERSION: &str = "2026-10-28.endive";
/// Since this version `payment_method_types` is no request parameter any more.
const ENDIVE: &str = "2026-09-30";
/// How long the key of a request that hangs is in use: as long as the official SDKs wait.
const HANGING_MS: u64 = 80_000;
/// How much of a request's parameters the log keeps.
const LOGGED_MAX: usize = 8_192;

/// Who asks, and how.
pub struct Ctx {
    /// Account and mode.
    pub space: Space,
    /// A secret key; else a publishable one, which a browser holds.
    pub secret: bool,
    /// What events will name as their cause.
    pub cause: Cause,
    /// What the parameter for payment method types is called.
    pub types: TypesParam,
    /// Where the caller reached us, for links: `http://127.0.0.1:8420`.
    pub base: String,
    version: String,
}

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

/// Answers a request, of whichever part.
pub fn answer(state: &mut State, request: &Request) -> Response {
    let path = request.path.split('?').next().unwrap_or_default();
    if path.starts_with("/_simulator/") {
        return control::answer(state, request, path);
    }
    if let Some(response) = shim::answer(state, request, path) {
        return response;
    }
    let id = state.ids.request();
    let who = identify(state, request, &id);
    let mut answer = match &who {
        Ok(ctx) => keyed(state, ctx, request, path),
        Err(error) => Answer::refused(error, &id, false),
    };
    log(state, request, &id, who.as_ref().ok(), &answer);
    let mut headers = vec![
        ("Content-Type".to_owned(), "application/json".to_owned()),
        ("Cache-Control".to_owned(), "no-cache, no-store".to_owned()),
        ("Request-Id".to_owned(), id.clone()),
    ];
    headers.append(&mut answer.headers);
    let version = who.as_ref().map_or(VERSION, |ctx| ctx.version.as_str());
    headers.push(("Stripe-Version".into(), version.to_owned()));
    if let Some(account) = who.as_ref().ok().and_then(|ctx| ctx.space.account.clone()) {
        headers.push(("Stripe-Account".into(), account));
    }
    Response {
        status: answer.status,
        headers,
        body: answer.body.into_bytes(),
        fate: answer.fate,
    }
}

struct Answer {
    status: u16,
    body: String,
    headers: Vec<(String, String)>,
    fate: Fate,
    saved: bool,
    replayed: bool,
}

impl Answer {
    fn good(value: &Value) -> Answer {
        Answer {
            saved: true,
            ..Answer::bare(200, value.to_string())
        }
    }

    fn refused(error: &ApiError, request: &str, livemode: bool) -> Answer {
        Answer {
            saved: error.saved,
            ..Answer::bare(error.status, error.body(request, livemode).to_string())
        }
    }

    fn bare(status: u16, body: String) -> Answer {
        Answer {
            status,
            body,
            headers: Vec::new(),
            fate: Fate::Arrives,
            saved: false,
            replayed: false,
        }
    }

    fn header(&mut self, name: &str, value: &str) {
        self.headers.push((name.to_owned(), value.to_owned()));
    }
}

/// Key, version and account of a request.
fn identify(state: &State, request: &Request, id: &str) -> Result<Ctx, ApiError> {
    let (livemode, secret) = key(request)?;
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
            request: Some(id.to_owned()),
            key: None,
        },
        types,
        base: format!("http://{}", host.unwrap_or("localhost")),
        version,
    };
    if let Some(account) = account {
        state
            .get::<Account>(&ctx.space, account)
            .map_err(|_| accounts::no_access(&ctx, account))?;
        ctx.space.account = Some(account.to_owned());
    }
    ctx.cause.key = request
        .header("Idempotency-Key")
        .filter(|_| request.method == "POST")
        .map(str::to_owned);
    Ok(ctx)
}

/// Mode and kind of the key: Bearer, or Basic with the key as the user's name.
fn key(request: &Request) -> Result<(bool, bool), ApiError> {
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
    found.map(|(_, what)| *what).ok_or_else(|| {
        let shown: String = key.chars().take(8).collect();
        ApiError::invalid(format!("Invalid API Key provided: {shown}****")).status(401)
    })
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

fn version(header: Option<&str>) -> Result<(String, TypesParam), ApiError> {
    let Some(version) = header.filter(|version| !version.is_empty()) else {
        return Ok((VERSION.to_owned(), TypesParam::Both));
    };
    let (date, release) = version.split_once('.').unwrap_or((version, ""));
    let digits = |range: std::ops::Range<usize>| {
        date.get(range)
            .is_some_and(|part| part.bytes().all(|b| b.is_ascii_digit()))
    };
    let dated = date.len() == 10
        && digits(0..4)
        && digits(5..7)
        && digits(8..10)
        && date[4..5] == *"-"
        && date[7..8] == *"-";
    if !dated
        || version.ends_with('.')
        || !release.bytes().all(|b| b.is_ascii_lowercase())
        || date > &VERSION[..10]
    {
        let shown: String = version.chars().take(40).collect();
        return Err(ApiError::invalid(format!(
            "Invalid Stripe API version: {shown}. You do not have permission to pass this version."
        )));
    }
    Ok((
        version.to_owned(),
        if date < ENDIVE {
            TypesParam::Old
        } else {
            TypesParam::New
        },
    ))
}

/// Looks whether the request's key was used before; then carries it out and keeps the answer.
fn keyed(state: &mut State, ctx: &Ctx, request: &Request, path: &str) -> Answer {
    let id = ctx.cause.request.clone().unwrap_or_default();
    let effect = state.faults.request(&request.method, path);
    if effect == Some(Effect::Error429) {
        let error = ApiError::invalid(
            "Request rate limit exceeded. Learn more about rate limits here \
             https://stripe.com/docs/rate-limits.",
        );
        return Answer::refused(&error.code("rate_limit").status(429), &id, ctx.space.livemode);
    }
    let Some(key) = ctx.cause.key.clone() else {
        return struck(state, ctx, request, path, effect).0;
    };
    if key.is_empty() || key.chars().count() > idempotency::KEY_MAX {
        let error = ApiError::invalid(format!(
            "Idempotency keys have 1 to {} characters.",
            idempotency::KEY_MAX
        ));
        return Answer::refused(&error, &id, ctx.space.livemode);
    }
    state.idempotency.prune(state.now_ms);
    let fingerprint = idempotency::fingerprint(&request.method, &request.path, &request.body);
    if let Some(kept) = state.idempotency.find(&ctx.space, &key) {
        let mut answer = replay(kept, &fingerprint, state.now_ms, &id);
        answer.header("Idempotency-Key", &key);
        answer.fate = on_its_way(effect);
        return answer;
    }
    let (mut answer, busy_ms) = struck(state, ctx, request, path, effect);
    if answer.saved {
        let kept = Kept {
            key: key.clone(),
            space: ctx.space.clone(),
            fingerprint,
            request: id.clone(),
            status: answer.status,
            body: answer.body.clone(),
            at_ms: state.now_ms,
            busy_until_ms: state.now_ms.saturating_add_unsigned(busy_ms),
        };
        state.write(|| Change::Kept(kept.clone()));
        state.idempotency.put(kept);
    }
    answer.header("Idempotency-Key", &key);
    answer.header("Original-Request", &id);
    answer
}

fn replay(kept: &Kept, fingerprint: &str, now_ms: i64, id: &str) -> Answer {
    let livemode = kept.space.livemode;
    if kept.fingerprint != fingerprint {
        let mut error = ApiError::invalid(format!(
            "Keys for idempotent requests can only be used with the same parameters they were first used \
             with. Try using a key other than '{}' if you meant to execute a different request.",
            kept.key
        ));
        error.kind = "idempotency_error";
        return Answer::refused(&error, id, livemode);
    }
    if now_ms < kept.busy_until_ms {
        let mut error = ApiError::invalid(format!(
            "There is currently another in-progress request using this Idempotent Key (that probably means \
             you submitted twice, and the other request is still going through): {}. Please try again \
             later.",
            kept.key
        ));
        error.kind = "idempotency_error";
        let mut answer = Answer::refused(&error.code("idempotency_key_in_use").status(409), id, livemode);
        answer.header("Stripe-Should-Retry", "true");
        return answer;
    }
    let mut answer = Answer {
        replayed: true,
        ..Answer::bare(kept.status, kept.body.clone())
    };
    answer.header("Idempotent-Replayed", "true");
    answer.header("Original-Request", &kept.request);
    answer
}

/// A fault of the network strikes a kept answer as it strikes the first.
fn on_its_way(effect: Option<Effect>) -> Fate {
    match effect {
        Some(Effect::LoseAnswer) => Fate::Lost,
        Some(Effect::Hang) => Fate::Hangs,
        Some(Effect::DelayMs(ms)) => Fate::Late(ms),
        Some(Effect::Error500 | Effect::Error500After | Effect::Error429) | None => Fate::Arrives,
    }
}

/// Carries a request out, with the fault that strikes it; also for how long its key stays in use.
fn struck(
    state: &mut State,
    ctx: &Ctx,
    request: &Request,
    path: &str,
    effect: Option<Effect>,
) -> (Answer, u64) {
    let broken = |ctx: &Ctx| {
        let mut error = ApiError::invalid("An unknown error occurred").status(500).saved();
        error.kind = "api_error";
        Answer::refused(
            &error,
            ctx.cause.request.as_deref().unwrap_or_default(),
            ctx.space.livemode,
        )
    };
    match effect {
        Some(Effect::Error500) => (broken(ctx), 0),
        Some(Effect::Error500After) => {
            carried_out(state, ctx, request, path);
            (broken(ctx), 0)
        }
        Some(Effect::LoseAnswer) => (
            Answer {
                fate: Fate::Lost,
                ..carried_out(state, ctx, request, path)
            },
            0,
        ),
        Some(Effect::Hang) => (
            Answer {
                fate: Fate::Hangs,
                ..carried_out(state, ctx, request, path)
            },
            HANGING_MS,
        ),
        Some(Effect::DelayMs(ms)) => (
            Answer {
                fate: Fate::Late(ms),
                ..carried_out(state, ctx, request, path)
            },
            ms,
        ),
        Some(Effect::Error429) | None => (carried_out(state, ctx, request, path), 0),
    }
}

fn carried_out(state: &mut State, ctx: &Ctx, request: &Request, path: &str) -> Answer {
    match handled(state, ctx, request, path) {
        Ok(value) => Answer::good(&value),
        Err(error) => {
            let id = ctx.cause.request.as_deref().unwrap_or_default();
            Answer::refused(&error, id, ctx.space.livemode)
        }
    }
}

fn handled(state: &mut State, ctx: &Ctx, request: &Request, path: &str) -> Result<Value, ApiError> {
    let given = path;
    let path = given.trim_end_matches('/');
    let route = routes::find(&request.method, path).ok_or_else(|| unrecognized(&request.method, given))?;
    if !ctx.secret && route.keys == Keys::Secret {
        return Err(ApiError::invalid(
            "This API call cannot be made with a publishable API key. Please use a secret API key. You can \
             find a list of your API keys at https://dashboard.stripe.com/account/apikeys.",
        )
        .code("secret_key_required")
        .status(401));
    }
    if ctx.secret && route.keys == Keys::Publishable {
        return Err(unrecognized(&request.method, given));
    }
    let query = request.path.split_once('?').map_or("", |(_, query)| query);
    let mut text = query.as_bytes().to_vec();
    if request.method != "GET" && !request.body.is_empty() {
        text.push(b'&');
        text.extend(&request.body);
    }
    let mut params = Params::parse(&text)?;
    let expansion = Expansion::read(&mut params, route.answers)?;
    let mut value = route.handle(state, ctx, params, path)?;
    expansion.apply(state, &ctx.space, &mut value);
    Ok(value)
}

/// 404 for what is no route.
fn unrecognized(method: &str, path: &str) -> ApiError {
    let path: String = path.chars().take(200).collect();
    ApiError::invalid(format!(
        "Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or we can help at \
         https://support.stripe.com/."
    ))
    .status(404)
}

fn log(state: &mut State, request: &Request, id: &str, ctx: Option<&Ctx>, answer: &Answer) {
    let secret = ctx.is_some_and(|ctx| ctx.secret);
    let body = || String::from_utf8_lossy(&request.body[..request.body.len().min(LOGGED_MAX)]).into_owned();
    state.log.push(Entry {
        request: id.to_owned(),
        at_ms: state.now_ms,
        method: request.method.clone(),
        path: request.path.chars().take(LOGGED_MAX).collect(),
        account: ctx.and_then(|ctx| ctx.space.account.clone()),
        livemode: ctx.map(|ctx| ctx.space.livemode),
        key: ctx.and_then(|ctx| ctx.cause.key.clone()),
        replayed: answer.replayed,
        body: secret.then(body),
        status: answer.status,
    });
}
