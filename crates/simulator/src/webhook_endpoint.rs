//! Webhook endpoints: where events are sent, and with which secret they are signed. The secret is shown once,
//! at creation.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::Ctx;
use crate::connect::destination::Destination;
use crate::error::ApiError;
use crate::event::Event;
use crate::form::Params;
use crate::list;
use crate::state::{Shown, Space, State};
use crate::{EndpointConfig, Kind};

/// Stripe allows this many endpoints an account and mode.
const COUNT_MAX: usize = 16;

/// A webhook endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WebhookEndpoint {
    /// `we_…`.
    pub id: String,
    /// Whose endpoint it is.
    pub space: Space,
    /// When it was made, in seconds.
    pub created: i64,
    /// Where events go.
    pub url: String,
    /// What signs them.
    pub secret: String,
    /// Whether it gets the connected accounts' events instead of the account's own.
    pub connect: bool,
    /// Whole objects, or only what happened.
    pub kind: Kind,
    /// Which events, `*` for all.
    pub enabled_events: Vec<String>,
    /// Whether it is switched off.
    pub disabled: bool,
    /// Whether it was deleted.
    pub deleted: bool,
    /// The version its events were asked for in; kept and shown, events are rendered at the pinned one.
    pub api_version: Option<String>,
    /// The caller's description.
    pub description: Option<String>,
    /// The caller's notes.
    pub metadata: BTreeMap<String, String>,
    /// What it has more when it was made through v2.
    #[serde(default)]
    pub destination: Option<Arc<Destination>>,
}

impl Shown for WebhookEndpoint {
    fn shown(&self, state: &State) -> Value {
        self.render(state)
    }
}

impl WebhookEndpoint {
    /// As Stripe writes it, without the secret. That it is for connected accounts shows in `application`
    /// alone.
    pub fn render(&self, state: &State) -> Value {
        let shows = self.connect && state.settings.connect_application;
        let application = shows.then_some(state.settings.application.as_str());
        json!({
            "id": self.id, "object": "webhook_endpoint", "api_version": self.api_version,
            "application": application, "created": self.created, "description": self.description,
            "enabled_events": self.enabled_events, "livemode": self.space.livemode, "metadata": self.metadata,
            "status": if self.disabled { "disabled" } else { "enabled" }, "url": self.url,
        })
    }

    /// Whether an event is sent here. A connected account's test events go to the LIVE endpoint too, as
    /// Stripe sends them; its live events never go to a TEST one.
    pub fn wants(&self, event: &Event) -> bool {
        let (ours, theirs) = (&self.space, &event.space);
        let connected =
            ours.account.is_none() && theirs.account.is_some() && (ours.livemode || !theirs.livemode);
        let own = ours == theirs;
        let concerned = match &self.destination {
            Some(destination) => destination.from_self && own || destination.from_accounts && connected,
            None if self.connect => connected,
            None => own,
        };
        let name = match self.kind {
            // What v2 tells of its own has no snapshot.
            Kind::Snapshot if event.is_v2() => return false,
            Kind::Snapshot => event.kind.to_string(),
            Kind::Thin => event.thin_type(),
        };
        let listed = || {
            self.enabled_events
                .iter()
                .any(|wanted| wanted == "*" || *wanted == name)
        };
        concerned && !self.disabled && !self.deleted && listed()
    }
}

/// Adds the endpoints that the simulator is started with, or renews the secret of one that is there already.
pub fn configure(state: &mut State, config: &EndpointConfig) -> String {
    let space = Space {
        livemode: config.livemode,
        account: None,
    };
    let same = |endpoint: &WebhookEndpoint| {
        !endpoint.deleted
            && endpoint.url == config.url
            && endpoint.connect == config.connect
            && endpoint.kind == config.kind
    };
    let known = state
        .of::<WebhookEndpoint>(&space)
        .find(|endpoint| same(endpoint))
        .cloned();
    if let Some(known) = known {
        if known.secret != config.secret {
            state.put(WebhookEndpoint {
                secret: config.secret.clone(),
                ..WebhookEndpoint::clone(&known)
            });
        }
        return known.id.clone();
    }
    let endpoint = WebhookEndpoint {
        id: state.id("we_1", 23),
        space,
        created: state.now_s(),
        url: config.url.clone(),
        secret: config.secret.clone(),
        connect: config.connect,
        kind: config.kind,
        enabled_events: vec!["*".into()],
        disabled: false,
        deleted: false,
        api_version: None,
        description: None,
        metadata: BTreeMap::new(),
        destination: None,
    };
    state.put(endpoint).id.clone()
}

fn living(state: &State, ctx: &Ctx, id: &str) -> Result<WebhookEndpoint, ApiError> {
    let endpoint = state.get::<WebhookEndpoint>(&ctx.space, id)?;
    if endpoint.deleted || endpoint.destination.is_some() {
        return Err(ApiError::no_such("webhook endpoint", id, "webhook_endpoint"));
    }
    Ok(WebhookEndpoint::clone(&endpoint))
}

/// `POST /v1/webhook_endpoints`: the one answer with the secret.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let mut endpoint = WebhookEndpoint {
        id: String::new(),
        space: ctx.space.clone(),
        created: state.now_s(),
        url: checked_url(params.required("url")?, ctx)?,
        secret: String::new(),
        connect: params.boolean("connect")?.unwrap_or(false),
        kind: Kind::Snapshot,
        enabled_events: checked_events(
            params
                .texts("enabled_events")?
                .ok_or_else(|| ApiError::missing("enabled_events"))?,
        )?,
        disabled: false,
        deleted: false,
        api_version: params.text("api_version")?,
        description: params.text("description")?,
        metadata: params.metadata()?.fresh()?,
        destination: None,
    };
    params.finish()?;
    check_count(state, ctx)?;
    endpoint.id = state.id("we_1", 23);
    endpoint.secret = state.id("whsec_", 32);
    let endpoint = state.put(endpoint);
    let mut answer = endpoint.render(state);
    if let Value::Object(fields) = &mut answer {
        fields.insert("secret".into(), endpoint.secret.as_str().into());
    }
    Ok(answer)
}

/// Whether one more endpoint may be made.
///
/// # Errors
/// 400 when there are as many as Stripe allows.
pub fn check_count(state: &State, ctx: &Ctx) -> Result<(), ApiError> {
    if state
        .of::<WebhookEndpoint>(&ctx.space)
        .filter(|endpoint| !endpoint.deleted)
        .count()
        >= COUNT_MAX
    {
        return Err(ApiError::invalid(format!(
            "You have reached the maximum of {COUNT_MAX} webhook endpoints."
        )));
    }
    Ok(())
}

/// `GET /v1/webhook_endpoints/{id}`.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(living(state, ctx, id)?.render(state))
}

/// `POST /v1/webhook_endpoints/{id}`.
pub fn update(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let mut endpoint = living(state, ctx, id)?;
    if let Some(url) = params.text("url")? {
        endpoint.url = checked_url(url, ctx)?;
    }
    if let Some(events) = params.texts("enabled_events")? {
        endpoint.enabled_events = checked_events(events)?;
    }
    if let Some(disabled) = params.boolean("disabled")? {
        endpoint.disabled = disabled;
    }
    params.update("description")?.apply(&mut endpoint.description);
    params.metadata()?.apply(&mut endpoint.metadata)?;
    params.finish()?;
    let endpoint = state.put(endpoint);
    Ok(endpoint.render(state))
}

/// `DELETE /v1/webhook_endpoints/{id}`.
pub fn delete(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    let mut endpoint = living(state, ctx, id)?;
    endpoint.deleted = true;
    let endpoint = state.put(endpoint);
    Ok(json!({ "id": endpoint.id, "object": "webhook_endpoint", "deleted": true }))
}

/// `GET /v1/webhook_endpoints`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let state: &State = state;
    let wanted = |endpoint: &WebhookEndpoint| !endpoint.deleted && endpoint.destination.is_none();
    list::answer(
        state,
        &ctx.space,
        &page,
        "/v1/webhook_endpoints",
        wanted,
        |endpoint: &WebhookEndpoint| endpoint.render(state),
    )
}

/// An address that events may go to.
///
/// # Errors
/// 400 `url_invalid`.
pub fn checked_url(url: String, ctx: &Ctx) -> Result<String, ApiError> {
    let parsed = reqwest::Url::parse(&url).ok().filter(|url| url.has_host());
    let allowed = match parsed.as_ref().map(reqwest::Url::scheme) {
        Some("https") => true,
        // Stripe wants https in live mode; a simulator on this machine has no certificate.
        Some("http") => !ctx.space.livemode || parsed.as_ref().is_some_and(crate::delivery::is_loopback),
        _ => false,
    };
    if allowed {
        return Ok(url);
    }
    let message = "Invalid URL: An explicit scheme (such as https) must be provided.";
    Err(ApiError::invalid(message).code("url_invalid").param("url"))
}

/// Names that look like those of events, at least one.
///
/// # Errors
/// 400 when they do not.
pub fn checked_events(events: Vec<String>) -> Result<Vec<String>, ApiError> {
    let well_formed = |name: &String| {
        name == "*"
            || name.contains('.')
                && name
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b"._[]0123456789".contains(&b))
    };
    match events.iter().find(|name| !well_formed(name)) {
        Some(wrong) => {
            let wrong: String = wrong.chars().take(80).collect();
            Err(
                ApiError::invalid(format!("Invalid enabled_events: {wrong} is not an event."))
                    .param("enabled_events"),
            )
        }
        None if events.is_empty() => Err(ApiError::missing("enabled_events")),
        None => Ok(events),
    }
}
