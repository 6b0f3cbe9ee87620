//! Event destinations: v2's webhook endpoints, thin or with snapshots, for one's own events and the
//! accounts'.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Kind;
use crate::api::Ctx;
use crate::connect::v2;
use crate::error::ApiError;
use crate::event::rfc_3339;
use crate::form::Params;
use crate::state::{Row, State};
use crate::webhook_endpoint::{self, WebhookEndpoint};

/// What a webhook endpoint has more when it is an event destination.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Destination {
    /// What it is called.
    pub name: String,
    /// Whether it gets one's own events.
    pub from_self: bool,
    /// Whether it gets the connected accounts' events.
    pub from_accounts: bool,
    /// When it was made, in milliseconds.
    pub created_ms: i64,
    /// When it was last changed, in milliseconds.
    pub updated_ms: i64,
}

fn render(endpoint: &WebhookEndpoint, include: &[String], created: bool) -> Value {
    let Some(destination) = &endpoint.destination else {
        return Value::Null;
    };
    let asked = |name: &str| include.iter().any(|asked| asked == name);
    let mut hook = serde_json::Map::new();
    if asked("webhook_endpoint.url") {
        hook.insert("url".into(), json!(endpoint.url));
    }
    if created && asked("webhook_endpoint.signing_secret") {
        hook.insert("signing_secret".into(), json!(endpoint.secret));
    }
    let hook = if hook.is_empty() {
        Value::Null
    } else {
        Value::Object(hook)
    };
    let mut from = Vec::new();
    from.extend(destination.from_self.then_some("@self"));
    from.extend(destination.from_accounts.then_some("@accounts"));
    let details = endpoint
        .disabled
        .then(|| json!({ "disabled": { "reason": "user" } }));
    json!({
        "id": endpoint.id, "object": "v2.core.event_destination", "amazon_eventbridge": null,
        "azure_event_grid": null, "created": rfc_3339(destination.created_ms),
        "description": endpoint.description.as_deref().unwrap_or(""),
        "enabled_events": endpoint.enabled_events,
        "event_payload": if endpoint.kind == Kind::Thin { "thin" } else { "snapshot" },
        "events_from": from, "livemode": endpoint.space.livemode, "metadata": endpoint.metadata,
        "name": destination.name, "snapshot_api_version": endpoint.api_version,
        "status": if endpoint.disabled { "disabled" } else { "enabled" }, "status_details": details,
        "type": "webhook_endpoint", "updated": rfc_3339(destination.updated_ms), "webhook_endpoint": hook,
    })
}

fn include(params: &mut Params) -> Result<Vec<String>, ApiError> {
    let asked = params.texts("include")?.unwrap_or_default();
    let known = ["webhook_endpoint.signing_secret", "webhook_endpoint.url"];
    match asked.iter().find(|name| !known.contains(&name.as_str())) {
        Some(_) => Err(ApiError::invalid("Invalid include: there is no such field.").param("include")),
        None => Ok(asked),
    }
}

fn url(params: &mut Params, ctx: &Ctx) -> Result<Option<String>, ApiError> {
    let Some(mut hook) = params.map("webhook_endpoint")? else {
        return Ok(None);
    };
    let url = webhook_endpoint::checked_url(hook.required("url")?, ctx)?;
    hook.finish()?;
    Ok(Some(url))
}

fn events(params: &mut Params, kind: Kind) -> Result<Option<Vec<String>>, ApiError> {
    let Some(events) = params.texts("enabled_events")? else {
        return Ok(None);
    };
    let events = webhook_endpoint::checked_events(events)?;
    if kind == Kind::Thin && events.iter().any(|name| name == "*") {
        return Err(
            ApiError::invalid("Thin events are to be named one by one: `*` is not allowed.")
                .param("enabled_events"),
        );
    }
    Ok(Some(events))
}

/// `POST /v2/core/event_destinations`. Only those of the type `webhook_endpoint` are simulated.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let name = params.required("name")?;
    params.required_choice("type", &["webhook_endpoint"])?;
    let thin = params.required_choice("event_payload", &["thin", "snapshot"])? == "thin";
    let kind = if thin { Kind::Thin } else { Kind::Snapshot };
    let enabled_events = events(&mut params, kind)?.ok_or_else(|| ApiError::missing("enabled_events"))?;
    let url = url(&mut params, ctx)?.ok_or_else(|| ApiError::missing("webhook_endpoint"))?;
    let from = params
        .texts("events_from")?
        .unwrap_or_else(|| vec!["@self".into()]);
    if from
        .iter()
        .any(|from| !["@self", "@accounts"].contains(&from.as_str()))
        || from.is_empty()
    {
        return Err(ApiError::invalid("Invalid events_from: @self or @accounts.").param("events_from"));
    }
    let api_version = params.text("snapshot_api_version")?;
    if thin && api_version.is_some() {
        return Err(ApiError::invalid("Thin events have no version.").param("snapshot_api_version"));
    }
    let description = params.text("description")?;
    let metadata = params.metadata()?.fresh()?;
    let include = include(&mut params)?;
    params.finish()?;
    webhook_endpoint::check_count(state, ctx)?;
    let has = |name: &str| from.iter().any(|from| from == name);
    let mode = if ctx.space.livemode { "" } else { "test_" };
    let endpoint = WebhookEndpoint {
        id: state.id(&format!("ed_{mode}61"), 30),
        space: ctx.space.clone(),
        created: state.now_s(),
        url,
        secret: state.id("whsec_", 32),
        connect: has("@accounts") && !has("@self"),
        kind,
        enabled_events,
        disabled: false,
        deleted: false,
        api_version: api_version.or_else(|| (!thin).then(|| ctx.version.clone())),
        description,
        metadata,
        destination: Some(Arc::new(Destination {
            name,
            from_self: has("@self"),
            from_accounts: has("@accounts"),
            created_ms: state.now_ms,
            updated_ms: state.now_ms,
        })),
    };
    Ok(render(&state.put(endpoint), &include, true))
}

fn living(state: &State, ctx: &Ctx, id: &str) -> Result<WebhookEndpoint, ApiError> {
    let endpoint = WebhookEndpoint::table(state).at(&ctx.space, id);
    let endpoint = endpoint.filter(|endpoint| endpoint.destination.is_some() && !endpoint.deleted);
    endpoint
        .map(|endpoint| WebhookEndpoint::clone(endpoint))
        .ok_or_else(|| ApiError::no_such("event destination", id, "id"))
}

/// `GET /v2/core/event_destinations/{id}`.
pub fn retrieve(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let include = include(&mut params)?;
    params.finish()?;
    Ok(render(&living(state, ctx, id)?, &include, false))
}

/// `GET /v2/core/event_destinations`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let include = include(&mut params)?;
    let all = state.of::<WebhookEndpoint>(&ctx.space).rev();
    let all = all.filter(|endpoint| endpoint.destination.is_some() && !endpoint.deleted);
    let data = all.map(|endpoint| render(endpoint, &include, false)).collect();
    let filters: Vec<(&str, String)> = include.iter().map(|name| ("include[]", name.clone())).collect();
    v2::page(params, data, "/v2/core/event_destinations", &filters)
}

fn changed(state: &mut State, mut endpoint: WebhookEndpoint) -> Arc<WebhookEndpoint> {
    if let Some(destination) = &mut endpoint.destination {
        Arc::make_mut(destination).updated_ms = state.now_ms;
    }
    state.put(endpoint)
}

/// `POST /v2/core/event_destinations/{id}`.
pub fn update(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let mut endpoint = living(state, ctx, id)?;
    if let Some(name) = params.text("name")?
        && let Some(destination) = &mut endpoint.destination
    {
        Arc::make_mut(destination).name = name;
    }
    if let Some(events) = events(&mut params, endpoint.kind)? {
        endpoint.enabled_events = events;
    }
    if let Some(url) = url(&mut params, ctx)? {
        endpoint.url = url;
    }
    params.update("description")?.apply(&mut endpoint.description);
    params.metadata()?.apply(&mut endpoint.metadata)?;
    let include = include(&mut params)?;
    params.finish()?;
    Ok(render(&changed(state, endpoint), &include, false))
}

/// `DELETE /v2/core/event_destinations/{id}`.
pub fn delete(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    let mut endpoint = living(state, ctx, id)?;
    endpoint.deleted = true;
    state.put(endpoint);
    Ok(json!({ "id": id, "object": "v2.core.event_destination", "deleted": true }))
}

fn switch(state: &mut State, ctx: &Ctx, params: Params, id: &str, disabled: bool) -> Result<Value, ApiError> {
    params.finish()?;
    let endpoint = living(state, ctx, id)?;
    let endpoint = changed(state, WebhookEndpoint { disabled, ..endpoint });
    Ok(render(&endpoint, &[], false))
}

/// `POST /v2/core/event_destinations/{id}/enable`.
pub fn enable(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    switch(state, ctx, params, id, false)
}

/// `POST /v2/core/event_destinations/{id}/disable`.
pub fn disable(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    switch(state, ctx, params, id, true)
}

/// `POST /v2/core/event_destinations/{id}/ping`: an event that goes to this destination alone.
pub fn ping(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    let endpoint = living(state, ctx, id)?;
    let url = format!("/v2/core/event_destinations/{id}");
    let object = ("v2.core.event_destination", id, url);
    let kind = "v2.core.event_destination.ping";
    let event = v2::emit(state, &ctx.cause, kind, object, ctx.space.livemode, None);
    if !endpoint.wants(&event) {
        crate::delivery::resend(state, &event, Some(id));
    }
    Ok(event.render_v2())
}
