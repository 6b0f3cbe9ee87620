//! One request of the API: whose it is, whether it was answered before, which handler it is for, and all that
//! stands around the answer.

use serde_json::Value;

use crate::billing::test_clock;
use crate::caller;
pub use crate::caller::TypesParam;
use crate::connect::{hosted, oauth, v2};
use crate::error::ApiError;
use crate::event::Cause;
use crate::expand::Expansion;
use crate::fault::Effect;
use crate::form::Params;
use crate::idempotency::{self, Body, Kept};
use crate::persist::Change;
use crate::request_log::Entry;
use crate::routes::{self, Keys};
use crate::state::{Object, Space, State};
use crate::{Fate, Request, Response};
use crate::{control, page, shim};

/// The version that everything is pinned to.
pub const VERSION: &str = "2026-10-28.endive";
/// What the body of a request of v1 is.
const FORM: &str = "application/x-www-form-urlencoded";
/// Where files are uploaded, and what the body of that is.
const FILES: &str = "/v1/files";
const MULTIPART: &str = "multipart/form-data";
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
    /// The version that the answer names.
    pub version: String,
}

/// Answers a request, of whichever part.
pub fn answer(state: &mut State, request: &Request) -> Response {
    let path = request.path.split('?').next().unwrap_or_default();
    if let Some(response) = page::answer(state, request, path) {
        return response;
    }
    if path.starts_with("/_simulator/") {
        return control::answer(state, request, path);
    }
    if let Some(response) = shim::answer(state, request, path) {
        return response;
    }
    if let Some(response) = hosted::answer(state, request, path) {
        return response;
    }
    let id = state.ids.request();
    if let Some((status, value)) = oauth::answer(state, request, path, &id) {
        let mut answer = Answer::bare(status, value.to_string());
        answer.fate = on_its_way(state.faults.request(&request.method, path));
        log(state, request, &id, None, &answer);
        return plain(answer, id);
    }
    let who = caller::identify(state, request, &id);
    let mut answer = match &who {
        Ok(ctx) => keyed(state, ctx, request, path),
        Err(error) => Answer::refused(error, &id, false),
    };
    if path.starts_with("/v2/") && answer.status >= 400 {
        answer.body = v2::error(&answer.body);
    }
    log(state, request, &id, who.as_ref().ok(), &answer);
    let mut headers = vec![
        ("Content-Type".to_owned(), "application/json".to_owned()),
        ("Cache-Control".to_owned(), "no-cache, no-store".to_owned()),
        ("Request-Id".to_owned(), id.clone()),
    ];
    headers.append(&mut answer.headers);
    if answer.status == 401 {
        headers.push(("WWW-Authenticate".into(), "Bearer realm=\"Stripe\"".into()));
    }
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

/// An answer that stands outside v1 and v2.
fn plain(answer: Answer, id: String) -> Response {
    Response {
        status: answer.status,
        headers: vec![
            ("Content-Type".to_owned(), "application/json".to_owned()),
            ("Cache-Control".to_owned(), "no-cache, no-store".to_owned()),
            ("Request-Id".to_owned(), id),
        ],
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
    /// Kind and id of the object that was answered.
    object: Option<(String, String)>,
}

impl Answer {
    fn good(value: &Value) -> Answer {
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        Answer {
            saved: true,
            object: text("object").zip(text("id")),
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
            object: None,
        }
    }

    fn header(&mut self, name: &str, value: &str) {
        self.headers.push((name.to_owned(), value.to_owned()));
    }
}

/// Looks whether the request's key was used before; then carries it out and keeps the answer.
fn keyed(state: &mut State, ctx: &Ctx, request: &Request, path: &str) -> Answer {
    let id = ctx.cause.request.as_deref().unwrap_or_default().to_owned();
    if let Some(answer) = limited(state, ctx, path, &id) {
        return answer;
    }
    let effect = state.faults.request(&request.method, path);
    match effect {
        Some(Effect::Error429) => return too_many(ctx, &id, "global-rate"),
        Some(Effect::LockTimeout) => return locked(ctx, &id),
        _ => {}
    }
    let Some(key) = ctx.cause.key.as_deref().map(str::to_owned) else {
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
    let fingerprint = match parameters(request, path) {
        Ok(params) => idempotency::fingerprint(&request.method, &params.canonical()),
        Err(error) => return Answer::refused(&error, &id, ctx.space.livemode),
    };
    if let Some(kept) = state.idempotency.find(&ctx.space, &key) {
        let mut answer = replay(state, kept, (path, &fingerprint), &id);
        answer.header("Idempotency-Key", &key);
        answer.fate = on_its_way(effect);
        return answer;
    }
    let (mut answer, busy_ms) = struck(state, ctx, request, path, effect);
    // In v2 what failed is carried out anew.
    if answer.saved && (answer.status < 400 || !path.starts_with("/v2/")) {
        let object = answer.object.as_ref();
        let answered = object.and_then(|(kind, id)| Object::find(state, &ctx.space, kind, id));
        let kept = Kept {
            key: key.clone(),
            space: ctx.space.clone(),
            path: path.to_owned(),
            fingerprint,
            request: id.clone(),
            status: answer.status,
            body: Body::of(state, answered, &answer.body),
            at_ms: state.now_ms,
            busy_until_ms: state.now_ms.saturating_add_unsigned(busy_ms),
        };
        state.write(|| Change::Kept(kept.clone()));
        state.idempotency.put(kept);
        if (400..500).contains(&answer.status) {
            // The same answer is kept for every later try.
            answer.header("Stripe-Should-Retry", "false");
        }
    }
    answer.header("Idempotency-Key", &key);
    answer.header("Original-Request", &id);
    answer
}

fn limited(state: &mut State, ctx: &Ctx, path: &str, id: &str) -> Option<Answer> {
    let search = path.ends_with("/search");
    let reason = state.limiter.refuses(&ctx.space, search, state.now_ms)?;
    Some(too_many(ctx, id, reason))
}

fn too_many(ctx: &Ctx, id: &str, reason: &str) -> Answer {
    let error = ApiError::invalid(
        "Request rate limit exceeded. Learn more about rate limits here \
         https://stripe.com/docs/rate-limits.",
    );
    let mut answer = Answer::refused(&error.code("rate_limit").status(429), id, ctx.space.livemode);
    answer.header("Stripe-Rate-Limited-Reason", reason);
    answer
}

fn locked(ctx: &Ctx, id: &str) -> Answer {
    let error = ApiError::invalid(
        "This object cannot be accessed right now because another API request or Stripe process is currently \
         accessing it. If you see this error intermittently, retry the request. If you see this error \
         frequently and are making multiple concurrent requests to a single object, make your requests \
         serially or at a lower rate. For more details, see \
         https://stripe.com/docs/rate-limits#object-lock-timeouts.",
    );
    let mut answer = Answer::refused(&error.code("lock_timeout").status(429), id, ctx.space.livemode);
    answer.header("Stripe-Should-Retry", "true");
    answer
}

fn replay(state: &State, kept: &Kept, (path, fingerprint): (&str, &str), id: &str) -> Answer {
    let livemode = kept.space.livemode;
    let used_for = if !kept.path.is_empty() && kept.path != path {
        let now: String = path.chars().take(200).collect();
        Some(format!(
            "for the same endpoint they were first used for ('{now}' vs '{}')",
            kept.path
        ))
    } else if kept.fingerprint != fingerprint {
        Some("with the same parameters they were first used with".to_owned())
    } else {
        None
    };
    if let Some(used_for) = used_for {
        let mut error = ApiError::invalid(format!(
            "Keys for idempotent requests can only be used {used_for}. Try using a key other than '{}' if \
             you meant to execute a different request.",
            kept.key
        ));
        error.kind = "idempotency_error";
        return Answer::refused(&error, id, livemode);
    }
    if state.now_ms < kept.busy_until_ms {
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
        ..Answer::bare(kept.status, kept.body.text(state))
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
        Some(Effect::Error500 | Effect::Error500After | Effect::Error429 | Effect::LockTimeout) | None => {
            Fate::Arrives
        }
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
        Some(Effect::Error429 | Effect::LockTimeout) | None => (carried_out(state, ctx, request, path), 0),
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
    let mut params = parameters(request, path)?;
    if path.starts_with("/v2/") {
        if request.header("Stripe-Version").is_none() {
            return Err(ApiError::invalid(
                "The Stripe-Version header is required for requests of v2.",
            ));
        }
        return route.handle(state, ctx, params, path);
    }
    let expansion = Expansion::read(&mut params, route.answers)?;
    if request.method != "GET"
        && let Some(clock) = test_clock::of_request(state, &ctx.space, path, &params)
    {
        test_clock::enter(state, &ctx.space, &clock)?;
    }
    let answer = route.handle(state, ctx, params, path);
    test_clock::leave(state);
    let mut value = answer?;
    expansion.apply(state, &ctx.space, &mut value);
    Ok(value)
}

/// The parameters of the query and of the body, which is a form.
fn parameters(request: &Request, path: &str) -> Result<Params, ApiError> {
    let query = request.path.split_once('?').map_or("", |(_, query)| query);
    let mut text = query.as_bytes().to_vec();
    if request.method != "GET" && !request.body.is_empty() {
        let kind = request.header("Content-Type").unwrap_or(FORM);
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if path.starts_with("/v2/") {
            let mut params = Params::parse(&text)?;
            params.add_json(&request.body)?;
            return Ok(params);
        }
        if path == FILES {
            if !kind.eq_ignore_ascii_case(MULTIPART) {
                return Err(wrong_content(MULTIPART));
            }
            let mut params = Params::parse(&text)?;
            let given = request.header("Content-Type").unwrap_or_default();
            params.add_multipart(given, &request.body)?;
            return Ok(params);
        }
        if path.starts_with("/v1/") && !kind.is_empty() && !kind.eq_ignore_ascii_case(FORM) {
            return Err(wrong_content(FORM));
        }
        text.push(b'&');
        text.extend(&request.body);
    }
    Params::parse(&text)
}

fn wrong_content(wanted: &str) -> ApiError {
    ApiError::invalid(format!(
        "Invalid request (check that your POST content type is {wanted}). If you have any questions, we can \
         help at https://support.stripe.com/."
    ))
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
        key: ctx.and_then(|ctx| ctx.cause.key.as_deref().map(str::to_owned)),
        replayed: answer.replayed,
        body: secret.then(body),
        status: answer.status,
    });
}
