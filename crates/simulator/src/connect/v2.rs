//! What is common to v2: its lists, its errors, its times, and its events.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::account::Account;
use crate::api::Ctx;
use crate::error::ApiError;
use crate::event::{self, Cause, Event};
use crate::form::Params;
use crate::state::{Object, Row, State, Told};

const LIMIT_DEFAULT: i64 = 20;
const LIMIT_MAX: i64 = 100;

/// The page of a list that is wanted, out of all of it; `filters` are repeated in the links.
///
/// # Errors
/// 400 for a page or a limit that is none.
pub fn page(
    mut params: Params,
    all: Vec<Value>,
    path: &str,
    filters: &[(&str, String)],
) -> Result<Value, ApiError> {
    let limit = params
        .integer("limit")?
        .unwrap_or(LIMIT_DEFAULT)
        .clamp(1, LIMIT_MAX);
    let limit = usize::try_from(limit).unwrap_or(1);
    let start = match params.text("page")? {
        None => 0,
        Some(page) => {
            let start = page
                .strip_prefix("page_")
                .and_then(|start| start.parse::<usize>().ok());
            start.ok_or_else(|| ApiError::invalid("Invalid page.").param("page"))?
        }
    };
    params.finish()?;
    let link = |start: usize| {
        let mut query: Vec<String> = filters
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        query.extend([format!("limit={limit}"), format!("page=page_{start}")]);
        format!("{path}?{}", query.join("&"))
    };
    let end = start.saturating_add(limit);
    let next = (end < all.len()).then(|| link(end));
    let previous = (start > 0).then(|| link(start.saturating_sub(limit)));
    let data: Vec<Value> = all.into_iter().skip(start).take(limit).collect();
    Ok(json!({ "data": data, "next_page_url": next, "previous_page_url": previous }))
}

/// An error of v1 as v2 writes it.
pub fn error(body: &str) -> String {
    let mut value: Value = serde_json::from_str(body).unwrap_or_default();
    let old = value["error"].take();
    let code = match old["code"].as_str() {
        Some("resource_missing") => "not_found",
        Some(code) if !code.starts_with("parameter") => code,
        _ if old["type"] == "idempotency_error" => "idempotency_error",
        _ if old["type"] == "api_error" => "internal_error",
        _ => "invalid_fields",
    };
    let error = json!({
        "code": code, "message": old["message"], "request_log_url": old["request_log_url"],
        "type": old["type"],
    });
    json!({ "error": error }).to_string()
}

/// Seconds of a time such as `2025-11-23T12:13:19.412Z`, in milliseconds since the epoch.
fn milliseconds(text: &str) -> Option<i64> {
    let (date, time) = text.trim_end_matches('Z').split_once('T')?;
    let part = |text: &str, at: usize, by: char| text.split(by).nth(at)?.parse::<i64>().ok();
    let (year, month, day) = (part(date, 0, '-')?, part(date, 1, '-')?, part(date, 2, '-')?);
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let (hour, minute, second) = (part(clock, 0, ':')?, part(clock, 1, ':')?, part(clock, 2, ':')?);
    let sound = (1970..3000).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !sound || !(0..24).contains(&hour) || !(0..60).contains(&minute) || !(0..61).contains(&second) {
        return None;
    }
    let years = if month <= 2 { year - 1 } else { year };
    let era = years.div_euclid(400);
    let year_of_era = years.rem_euclid(400);
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted + 2) / 5 + day - 1;
    let days =
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468;
    let fraction: String = fraction.chars().chain("000".chars()).take(3).collect();
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + fraction.parse::<i64>().ok()?)
}

/// Tells of something of v2: it happens where the platform is.
pub fn emit(
    state: &mut State,
    cause: &Cause,
    kind: &'static str,
    (object, id, url): (&str, &str, String),
    livemode: bool,
    data: Option<String>,
) -> Arc<Event> {
    let told = Told {
        id: id.to_owned(),
        object: object.to_owned(),
        url,
        space: crate::state::Space {
            livemode,
            account: None,
        },
        text: json!({ "id": id, "object": object }).to_string(),
    };
    event::emitted(state, cause, kind, Object::Told(Arc::new(told)), data)
}

/// Tells of an account that was made through v2.
pub fn tell(state: &mut State, cause: &Cause, kind: &'static str, account: &Account, data: Option<String>) {
    if account.configured.is_empty() {
        return;
    }
    let url = format!("/v2/core/accounts/{}", account.id);
    emit(
        state,
        cause,
        kind,
        ("v2.core.account", &account.id, url),
        account.space.livemode,
        data,
    );
}

/// `GET /v2/core/events/{id}`.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    let rest = id
        .strip_prefix("evt_test_65")
        .or_else(|| id.strip_prefix("evt_65"));
    let found = rest.and_then(|rest| Event::table(state).at(&ctx.space, &format!("evt_{rest}")));
    let event = found.filter(|event| event.is_kept(state)).cloned();
    let event = event.ok_or_else(|| ApiError::no_such("event", id, "id"))?;
    Ok(event.render_v2())
}

/// `GET /v2/core/events`, by `object_id`, `types` and `created`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let object = params.text("object_id")?;
    let types = params.texts("types")?;
    let mut bounds = params.map("created")?.unwrap_or_default();
    let mut bound = |name: &str| match bounds.text(name)? {
        None => Ok(None),
        Some(text) => match milliseconds(&text) {
            Some(ms) => Ok(Some(ms)),
            None => Err(ApiError::invalid(format!("Invalid time: created[{name}]")).param("created")),
        },
    };
    let (gt, gte, lt, lte) = (bound("gt")?, bound("gte")?, bound("lt")?, bound("lte")?);
    bounds.finish()?;
    let wanted = |event: &&Arc<Event>| {
        event.is_kept(state)
            && object.as_ref().is_none_or(|id| event.object.id() == id)
            && types
                .as_ref()
                .is_none_or(|types| types.iter().any(|kind| *kind == event.thin_type()))
            && gt.is_none_or(|ms| event.created_ms > ms)
            && gte.is_none_or(|ms| event.created_ms >= ms)
            && lt.is_none_or(|ms| event.created_ms < ms)
            && lte.is_none_or(|ms| event.created_ms <= ms)
    };
    let events = state
        .of::<Event>(&ctx.space)
        .rev()
        .filter(wanted)
        .map(|event| event.render_v2())
        .collect();
    let mut filters: Vec<(&str, String)> = Vec::new();
    filters.extend(object.clone().map(|id| ("object_id", id)));
    for kind in types.iter().flatten() {
        filters.push(("types[]", kind.clone()));
    }
    page(params, events, "/v2/core/events", &filters)
}
