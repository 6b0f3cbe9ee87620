//! Events: what happened, to which object, on whose request. An event shares the row it tells of, so that it
//! shows the object as it was then, and is rendered only when it is delivered or asked for.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::api::{Ctx, VERSION};
use crate::delivery;
use crate::error::ApiError;
use crate::form::Params;
use crate::list;
use crate::state::{Object, Row, Shown, Space, State};

/// More types than this in one list request are refused.
const TYPES_MAX: usize = 20;
/// How long an event can be read.
const KEPT_MS: i64 = 30 * 86_400_000;
/// What the names of v2's own events begin with.
const V2: &str = "v2.";

/// Whose doing it was.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cause {
    /// The request; `None` when Stripe itself did it.
    pub request: Option<Arc<str>>,
    /// The request's idempotency key.
    pub key: Option<Arc<str>>,
}

/// An event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    /// `evt_…`.
    pub id: String,
    /// The account and mode it happened in.
    pub space: Space,
    /// When, in milliseconds.
    pub created_ms: i64,
    /// What happened, such as `payment_intent.succeeded`.
    pub kind: Cow<'static, str>,
    /// The object as it was then.
    pub object: Object,
    /// Of an update, the old values of what changed, as JSON text.
    pub previous: Option<String>,
    /// Whose doing it was.
    pub cause: Cause,
}

impl Event {
    /// Whether it is in a space's list. The platform's also has what happens to its connected accounts as
    /// such, since it cannot ask an account that was disconnected.
    fn is_seen_by(&self, space: &Space) -> bool {
        self.space == *space || *space == self.space.platform() && self.kind.starts_with("account.")
    }

    /// The snapshot form, as endpoints get it and `GET /v1/events` shows it.
    pub fn render(&self, state: &State) -> Value {
        let mut data = Map::new();
        data.insert("object".into(), self.object.shown(state));
        if let Some(previous) = self
            .previous
            .as_ref()
            .and_then(|text| serde_json::from_str(text).ok())
        {
            data.insert("previous_attributes".into(), previous);
        }
        let mut event = json!({
            "id": self.id, "object": "event", "api_version": VERSION,
            "created": self.created_ms.div_euclid(1000),
            "data": data, "livemode": self.space.livemode,
            "pending_webhooks": state.deliveries.pending(&self.id),
            "request": { "id": self.cause.request, "idempotency_key": self.cause.key }, "type": self.kind,
        });
        if let (Some(account), Value::Object(fields)) = (&self.space.account, &mut event) {
            fields.insert("account".into(), account.as_str().into());
        }
        event
    }

    /// Whether it can still be read: events are kept for 30 days.
    pub fn is_kept(&self, state: &State) -> bool {
        state.now_ms.saturating_sub(self.created_ms) <= KEPT_MS
    }

    /// The thin form: what happened to which object, which is then to be fetched.
    pub fn render_thin(&self) -> Value {
        let reason = self.cause.request.as_ref().map(|request| {
            json!({ "type": "request", "request": { "id": request, "idempotency_key": self.cause.key } })
        });
        let url = self.object.url();
        let related = (!url.is_empty())
            .then(|| json!({ "id": self.object.id(), "type": self.object.name(), "url": url }));
        let mode = if self.space.livemode { "" } else { "test_" };
        json!({
            "id": format!("evt_{mode}65{}", &self.id["evt_".len()..]), "object": "v2.core.event",
            "context": self.space.account, "created": rfc_3339(self.created_ms),
            "livemode": self.space.livemode,
            "reason": reason,
            "related_object": related,
            "snapshot_event": (!self.is_v2()).then_some(&self.id), "type": self.thin_type(),
        })
    }

    /// The thin form as it is read, with what it says besides.
    pub fn render_v2(&self) -> Value {
        let mut event = self.render_thin();
        let data = self.previous.as_ref().filter(|_| self.is_v2());
        if let (Some(data), Value::Object(fields)) = (data, &mut event) {
            fields.insert("data".into(), serde_json::from_str(data).unwrap_or_default());
        }
        event
    }

    /// Whether it is one of v2's own, which have no snapshot.
    pub fn is_v2(&self) -> bool {
        self.kind.starts_with(V2)
    }

    /// What its thin form calls it.
    pub fn thin_type(&self) -> String {
        if self.is_v2() {
            self.kind.to_string()
        } else {
            format!("v1.{}", self.kind)
        }
    }
}

impl Shown for Event {
    fn shown(&self, state: &State) -> Value {
        self.render(state)
    }
}

/// Records that something happened to an object and sends it to whom it concerns. It happens in the object's
/// own space; an account's own changes happen on that account.
pub fn emit(state: &mut State, cause: &Cause, kind: &'static str, object: Object, previous: Option<String>) {
    emitted(state, cause, kind, object, previous);
}

/// The same, answering the event.
pub fn emitted(
    state: &mut State,
    cause: &Cause,
    kind: &'static str,
    object: Object,
    previous: Option<String>,
) -> Arc<Event> {
    let space = match &object {
        Object::Account(account) => account.own_space(state),
        other => other.space().clone(),
    };
    let event = Event {
        id: state.id("evt_1", 23),
        space,
        created_ms: state.own_ms(),
        kind: Cow::Borrowed(kind),
        object,
        previous,
        cause: cause.clone(),
    };
    let event = state.put(event);
    delivery::send(state, &event);
    event
}

/// The old values of the top-level fields that differ, as JSON text; `None` when none does.
pub fn previous(old: &Value, new: &Value) -> Option<String> {
    let (Value::Object(old), Value::Object(new)) = (old, new) else {
        return None;
    };
    let changed: Map<String, Value> = old
        .iter()
        .filter(|(key, value)| new.get(*key) != Some(value))
        .map(|(key, value)| (key.clone(), narrowed(value, new.get(key))))
        .collect();
    if changed.is_empty() {
        None
    } else {
        Some(Value::Object(changed).to_string())
    }
}

/// Of a map only the keys that changed, a new one as null.
fn narrowed(old: &Value, new: Option<&Value>) -> Value {
    let (Value::Object(old), Some(Value::Object(new))) = (old, new) else {
        return old.clone();
    };
    let kept = old
        .iter()
        .filter(|(key, value)| new.get(*key) != Some(value))
        .map(|(k, v)| (k.clone(), v.clone()));
    let added = new
        .keys()
        .filter(|key| !old.contains_key(*key))
        .map(|key| (key.clone(), Value::Null));
    Value::Object(kept.chain(added).collect())
}

/// `GET /v1/events/{id}`.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    let event = seen(state, &ctx.space, id, "id")?;
    if !event.is_kept(state) || event.is_v2() {
        return Err(ApiError::no_such("event", id, "id"));
    }
    Ok(event.render(state))
}

/// `GET /v1/events`, by `type` or `types[]`, `created` and `delivery_success`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let (kind, kinds) = (params.text("type")?, params.texts("types")?);
    if kind.is_some() && kinds.is_some() {
        let message = "You may only specify one of these parameters: type, types.";
        return Err(ApiError::invalid(message).code("parameters_exclusive"));
    }
    if kinds.as_ref().is_some_and(|kinds| kinds.len() > TYPES_MAX) {
        return Err(
            ApiError::invalid(format!("You can filter by at most {TYPES_MAX} types.")).param("types"),
        );
    }
    let created = list::Created::read(&mut params)?;
    let success = params.boolean("delivery_success")?;
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let wanted = |event: &Event| {
        event.is_kept(state)
            && !event.is_v2()
            && kind.as_ref().is_none_or(|kind| matches(kind, &event.kind))
            && kinds
                .as_ref()
                .is_none_or(|kinds| kinds.iter().any(|kind| matches(kind, &event.kind)))
            && created.holds(event.created_ms.div_euclid(1000))
            && success.is_none_or(|success| success == (state.deliveries.pending(&event.id) == 0))
    };
    let table = Event::table(state);
    let bound = |id: Option<&str>, param: &str| {
        id.map(|id| seen(state, &ctx.space, id, param))
            .transpose()
            .map_err(|error| error.status(400))
    };
    let (after, before) = (
        bound(page.after(), "starting_after")?,
        bound(page.before(), "ending_before")?,
    );
    let rows: Box<dyn Iterator<Item = &Arc<Event>>> = match (&after, &before) {
        (Some(_), Some(_)) => {
            let message =
                "Received both starting_after and ending_before parameters. Please pass in only one.";
            return Err(ApiError::invalid(message));
        }
        (Some(after), None) => Box::new(table.all_before(after)),
        (None, Some(before)) => Box::new(table.all_after(before)),
        (None, None) => Box::new(table.all().rev()),
    };
    let rows = rows.filter(|event| event.is_seen_by(&ctx.space) && wanted(event));
    Ok(page.turned("/v1/events", rows, |event| event.render(state)))
}

/// An event that a space may see.
fn seen(state: &State, space: &Space, id: &str, param: &str) -> Result<Arc<Event>, ApiError> {
    match Event::table(state)
        .anywhere(id)
        .filter(|event| event.is_seen_by(space))
    {
        Some(event) => Ok(Arc::clone(event)),
        None => state.get_for::<Event>(space, id, param),
    }
}

/// `charge.*` stands for all of that resource's events.
fn matches(pattern: &str, kind: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => kind.starts_with(prefix),
        None => pattern == kind,
    }
}

/// `2025-11-23T12:13:19.412Z`.
pub fn rfc_3339(ms: i64) -> String {
    let (year, month, day) = crate::clock::civil(ms);
    let second = ms.div_euclid(1000).rem_euclid(86_400);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        second / 3600,
        second / 60 % 60,
        second % 60,
        ms.rem_euclid(1000)
    )
}
