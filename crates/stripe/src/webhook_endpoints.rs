//! Where Stripe sends events: webhook endpoints of v1, which send snapshots, and event destinations of v2,
//! of which we make thin ones. A secret is shown once, by the answer that makes one. What an endpoint listens
//! to (own account or connected ones) and its version cannot be changed later.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::client::{API_VERSION, Client, Write};
use crate::error::{CallError, Unreadable};
use crate::form::{object_path, param, push_metadata};
use crate::object::{self, PAGE_MAX};
use crate::secret::Secret;

const ENDPOINTS: &str = "/v1/webhook_endpoints";
const DESTINATIONS: &str = "/v2/core/event_destinations";
/// Stripe allows 16 endpoints an account and mode; what is beyond this many pages is no list of them.
const PAGES_MAX: usize = 10;

/// Which of Stripe's two kinds of address it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A webhook endpoint of v1 (`we_…`): snapshots.
    Endpoint,
    /// An event destination of v2 (`ed_…`) with thin events.
    ThinDestination,
    /// An event destination of v2 with snapshots, or one that is no webhook: made by a person.
    OtherDestination,
}

/// An address that Stripe sends events to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookEndpoint {
    /// `we_…` or `ed_…`.
    pub id: String,
    /// Which kind it is.
    pub form: Form,
    /// Where events go; empty if Stripe does not say.
    pub url: String,
    /// Whether Stripe sends at all.
    pub enabled: bool,
    /// Whether it gets events of connected accounts: for v1, an endpoint of a Connect application.
    pub from_accounts: bool,
    /// Whether it gets events of the account itself.
    pub from_self: bool,
    /// Which events, `*` for all.
    pub enabled_events: Vec<String>,
    /// The version that snapshots are rendered in; none for the account's default.
    pub api_version: Option<String>,
    /// Notes of whoever made it.
    pub metadata: BTreeMap<String, String>,
    /// Whether it is of live mode.
    pub livemode: bool,
}

/// What a new one is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEndpoint {
    /// Where events go.
    pub url: String,
    /// Which.
    pub events: Vec<String>,
    /// Thin events of the account itself, instead of snapshots.
    pub thin: bool,
    /// Snapshots of what happens on connected accounts, instead of the account's own.
    pub connect: bool,
    /// What people read of it.
    pub description: String,
    /// Notes.
    pub metadata: Vec<(String, String)>,
}

/// What is to be changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Where events go.
    pub url: Option<String>,
    /// Which events.
    pub events: Option<Vec<String>>,
    /// Whether it is to be switched on.
    pub enable: bool,
    /// Notes that are set.
    pub metadata: Vec<(String, String)>,
}

/// Every address of the account, of v1 and of v2.
///
/// # Errors
/// What Stripe refused, or silence.
pub async fn list(client: &Client) -> Result<Vec<WebhookEndpoint>, CallError> {
    let mut all: Vec<WebhookEndpoint> = Vec::new();
    for _ in 0..PAGES_MAX {
        let mut query = vec![param("limit", PAGE_MAX)];
        query.extend(all.last().map(|last| param("starting_after", &last.id)));
        let answer = client.read(ENDPOINTS, &query, None).await?;
        let page = object::page(&answer.body, endpoint)?;
        all.extend(page.data);
        if !page.has_more {
            break;
        }
    }
    let query = [
        param("include[0]", "webhook_endpoint.url"),
        param("limit", PAGE_MAX),
    ];
    let answer = client.read(DESTINATIONS, &query, None).await?;
    all.extend(object::page(&answer.body, destination)?.data);
    Ok(all)
}

/// Makes one. Under the same key it is made once.
///
/// # Errors
/// What Stripe refused, or silence: then it may be there, and nobody knows its secret.
pub async fn create(
    client: &Client,
    new: &NewEndpoint,
    key: &str,
) -> Result<(WebhookEndpoint, Secret), CallError> {
    if new.thin {
        let metadata: serde_json::Map<String, Value> = new
            .metadata
            .iter()
            .map(|(name, value)| (name.clone(), json!(value)))
            .collect();
        let body = json!({
            "name": new.description, "type": "webhook_endpoint", "event_payload": "thin",
            "enabled_events": new.events, "events_from": ["@self"], "metadata": metadata,
            "webhook_endpoint": { "url": new.url },
            "include": ["webhook_endpoint.signing_secret", "webhook_endpoint.url"],
        });
        let answer = client.write_json(DESTINATIONS, &body, key).await?;
        let value = object::parse(&answer.body)?;
        let hook = value.get("webhook_endpoint").unwrap_or(&Value::Null);
        let secret = object::require_text(hook, "signing_secret")?;
        return Ok((destination(&value)?, Secret::new(secret)));
    }
    let mut params = vec![
        param("url", &new.url),
        param("api_version", API_VERSION),
        param("connect", new.connect),
        param("description", &new.description),
    ];
    params.extend(new.events.iter().map(|name| param("enabled_events[]", name)));
    push_metadata(&mut params, &new.metadata);
    let answer = client.write(&write(ENDPOINTS.to_owned(), params, key)).await?;
    let value = object::parse(&answer.body)?;
    let secret = object::require_text(&value, "secret")?;
    Ok((endpoint(&value)?, Secret::new(secret)))
}

/// Changes one. What it listens to and its version stay as they are.
///
/// # Errors
/// What Stripe refused, or silence.
pub async fn update(
    client: &Client,
    which: (&str, Form),
    change: &Change,
    key: &str,
) -> Result<(), CallError> {
    let (id, form) = which;
    if form != Form::Endpoint {
        return update_destination(client, id, change, key).await;
    }
    let mut params = Vec::new();
    params.extend(change.url.iter().map(|url| param("url", url)));
    let events = change.events.iter().flatten();
    params.extend(events.map(|name| param("enabled_events[]", name)));
    params.extend(change.enable.then(|| param("disabled", false)));
    push_metadata(&mut params, &change.metadata);
    let path = object_path(ENDPOINTS, id);
    client.write(&write(path, params, key)).await.map(|_| ())
}

async fn update_destination(client: &Client, id: &str, change: &Change, key: &str) -> Result<(), CallError> {
    let path = object_path(DESTINATIONS, id);
    let mut body = serde_json::Map::new();
    if let Some(url) = &change.url {
        body.insert("webhook_endpoint".to_owned(), json!({ "url": url }));
    }
    if let Some(events) = &change.events {
        body.insert("enabled_events".to_owned(), json!(events));
    }
    if !change.metadata.is_empty() {
        let notes = change
            .metadata
            .iter()
            .map(|(name, value)| (name.clone(), json!(value)));
        body.insert("metadata".to_owned(), Value::Object(notes.collect()));
    }
    if !body.is_empty() {
        client.write_json(&path, &Value::Object(body), key).await?;
    }
    if change.enable {
        let key = format!("{key}:enable");
        client
            .write_json(&format!("{path}/enable"), &json!({}), &key)
            .await?;
    }
    Ok(())
}

/// Takes one away. Events that are on their way to it are not delivered.
///
/// # Errors
/// What Stripe refused, or silence.
pub async fn delete(client: &Client, which: (&str, Form)) -> Result<(), CallError> {
    let (id, form) = which;
    let collection = match form {
        Form::Endpoint => ENDPOINTS,
        Form::ThinDestination | Form::OtherDestination => DESTINATIONS,
    };
    client.delete(&object_path(collection, id)).await.map(|_| ())
}

fn write(path: String, params: Vec<(String, String)>, key: &str) -> Write {
    Write {
        path,
        params,
        account: None,
        idempotency_key: key.to_owned(),
    }
}

fn endpoint(value: &Value) -> Result<WebhookEndpoint, Unreadable> {
    object::require_kind(value, "webhook_endpoint")?;
    // Stripe does not say `connect`: an endpoint for connected accounts belongs to the platform's
    // application.
    let from_accounts = object::text(value, "application").is_some();
    Ok(WebhookEndpoint {
        id: object::require_text(value, "id")?,
        form: Form::Endpoint,
        url: object::text(value, "url").unwrap_or_default(),
        enabled: object::text(value, "status").as_deref() == Some("enabled"),
        from_accounts,
        from_self: !from_accounts,
        enabled_events: object::texts(value, "enabled_events"),
        api_version: object::text(value, "api_version"),
        metadata: object::text_map(value, "metadata"),
        livemode: object::flag(value, "livemode"),
    })
}

fn destination(value: &Value) -> Result<WebhookEndpoint, Unreadable> {
    object::require_kind(value, "v2.core.event_destination")?;
    let is = |name, wanted: &str| object::text(value, name).as_deref() == Some(wanted);
    let thin = is("event_payload", "thin") && is("type", "webhook_endpoint");
    let from = object::texts(value, "events_from");
    let hook = value.get("webhook_endpoint").unwrap_or(&Value::Null);
    Ok(WebhookEndpoint {
        id: object::require_text(value, "id")?,
        form: if thin {
            Form::ThinDestination
        } else {
            Form::OtherDestination
        },
        url: object::text(hook, "url").unwrap_or_default(),
        enabled: is("status", "enabled"),
        from_accounts: from.iter().any(|from| from == "@accounts"),
        from_self: from.iter().any(|from| from == "@self"),
        enabled_events: object::texts(value, "enabled_events"),
        api_version: object::text(value, "snapshot_api_version"),
        metadata: object::text_map(value, "metadata"),
        livemode: object::flag(value, "livemode"),
    })
}
