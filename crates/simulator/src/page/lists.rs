//! Lists: the objects of a kind, events, deliveries, and the requests of late.

use maud::{Markup, html};
use serde_json::Value;

use super::{View, frame, moment, whose};
use crate::event::Event;
use crate::request_log::Entry;
use crate::state::{Object, State};

/// No list shows more; the API pages through all.
const SHOWN_MAX: usize = 100;
/// How much of a request's body is shown.
const BODY_MAX: usize = 2_000;

/// The newest objects of a kind.
pub fn objects(state: &State, view: &View, kind: &str) -> Markup {
    let found = state.tables.newest(&view.space, kind, SHOWN_MAX);
    let title = kind.replace(['_', '.'], " ");
    let title: String = title.chars().take(60).collect();
    frame(
        view,
        &title,
        html! {
            div.heading { h1 { (title) } (whose(state, view)) }
            @if found.is_empty() { p.empty { "There are none." } }
            ul.rows {
                @for object in &found {
                    @let shown = object.shown(state);
                    li {
                        a.main.mono href=(view.link(&format!("object/{}", object.id()))) { (object.id()) }
                        span.side { (gist(&shown)) }
                        @let created = shown["created"].as_i64();
                        span.end { (created.map(|s| moment(s.saturating_mul(1000))).unwrap_or_default()) }
                    }
                }
            }
            @if found.len() == SHOWN_MAX { p.quiet { "Only the newest " (SHOWN_MAX) " are shown." } }
        },
    )
}

/// What an object is about, in a few words.
fn gist(shown: &Value) -> String {
    let mut words = Vec::new();
    if let (Some(amount), Some(currency)) = (amount(shown), shown["currency"].as_str()) {
        words.push(format!("{amount} {}", currency.to_uppercase()));
    }
    for field in ["status", "type", "name", "email", "nickname", "url"] {
        words.extend(shown[field].as_str().map(str::to_owned));
    }
    words.truncate(3);
    words.join(", ").chars().take(80).collect()
}

/// The amount that an object is about, in minor units.
fn amount(shown: &Value) -> Option<i64> {
    ["amount", "total", "unit_amount", "amount_total"]
        .iter()
        .find_map(|field| shown[*field].as_i64())
}

/// The latest events.
pub fn events(state: &State, view: &View) -> Markup {
    frame(
        view,
        "Events",
        html! {
            div.heading { h1 { "Events" } (whose(state, view)) }
            (event_rows(state, view, SHOWN_MAX))
        },
    )
}

/// So many events, newest first.
pub fn event_rows(state: &State, view: &View, most: usize) -> Markup {
    let found = state.tables.newest(&view.space, "event", most);
    let found = found.iter().filter_map(|object| match object {
        Object::Event(event) => Some(event.as_ref()),
        _ => None,
    });
    rows_of_events(view, found.collect())
}

/// Events as rows.
pub fn rows_of_events(view: &View, events: Vec<&Event>) -> Markup {
    html! {
        @if events.is_empty() { p.empty { "Nothing has happened yet." } }
        ul.rows {
            @for event in events {
                li {
                    a.main href=(view.link(&format!("object/{}", event.id))) { (event.kind) }
                    span.side {
                        @if event.object.id().is_empty() { (event.object.name()) } @else {
                            @let id = event.object.id();
                            a.mono href=(view.link(&format!("object/{id}"))) { (id) }
                        }
                    }
                    time.end { (moment(event.created_ms)) }
                }
            }
        }
    }
}

/// The deliveries on their way and those finished lately.
pub fn deliveries(state: &State, view: &View) -> Markup {
    let rendered = state.deliveries.render();
    let none = Vec::new();
    let all = rendered.as_array().unwrap_or(&none);
    frame(
        view,
        "Deliveries",
        html! {
            div.heading { h1 { "Deliveries" } span.quiet { "of all accounts" } }
            @if all.is_empty() { p.empty { "Nothing was sent yet. Register a webhook endpoint to be told." } }
            ul.rows.deliveries {
                @for one in all.iter().take(SHOWN_MAX) {
                    (delivery(state, view, one))
                }
            }
        },
    )
}

fn delivery(state: &State, view: &View, one: &Value) -> Markup {
    let text = |field: &str| one[field].as_str().unwrap_or_default();
    let event = Object::anywhere(state, text("event"));
    let kind = match &event {
        Some(Object::Event(event)) => event.kind.to_string(),
        _ => text("event").to_owned(),
    };
    let endpoint = match Object::anywhere(state, text("endpoint")) {
        Some(Object::WebhookEndpoint(endpoint)) => endpoint.url.clone(),
        _ => text("endpoint").to_owned(),
    };
    let status = text("status");
    let tries = one["tries"].as_u64().unwrap_or_default();
    html! {
        li {
            a.main href=(view.link(&format!("object/{}", text("event")))) { (kind) }
            span.side.mono { (endpoint) }
            span.end {
                span class={ "status " (status.replace(' ', "-")) } { (status) }
                " " (tries) @if tries == 1 { " try" } @else { " tries" }
                @if let Some(last) = one["last"].as_str() { ", last: " (last) }
                @if status == "pending" { ", next " (moment(one["due_ms"].as_i64().unwrap_or_default())) }
            }
            form method="post" action=(view.link(&format!("deliveries/{}/resend", one["id"]))) {
                button aria-label={ "Resend " (kind) } { "Resend" }
            }
        }
    }
}

/// The requests of late.
pub fn requests(state: &State, view: &View) -> Markup {
    frame(
        view,
        "Requests",
        html! {
            div.heading { h1 { "Requests" } span.quiet { "of all accounts" } }
            (request_rows(state, SHOWN_MAX))
        },
    )
}

/// So many requests, newest first.
pub fn request_rows(state: &State, most: usize) -> Markup {
    let entries: Vec<&Entry> = state.log.newest().take(most).collect();
    html! {
        @if entries.is_empty() { p.empty { "No request has come yet." } }
        ul.rows {
            @for entry in entries {
                li {
                    span.main.mono { (entry.method) " " (entry.path.chars().take(120).collect::<String>()) }
                    span.side {
                        span class={ "status s" (entry.status / 100) } { (entry.status) }
                        @if entry.replayed { " replayed" }
                        @if entry.livemode == Some(true) { " live" }
                        @if let Some(account) = &entry.account { " on " code { (account) } }
                    }
                    time.end { (moment(entry.at_ms)) }
                    @if let Some(body) = entry.body.as_ref().filter(|body| !body.is_empty()) {
                        details { summary { "Parameters" } pre { (parameters(body)) } }
                    }
                }
            }
        }
    }
}

/// A form, one parameter a line.
fn parameters(body: &str) -> String {
    let body: String = body.chars().take(BODY_MAX).collect();
    let lines = body
        .split('&')
        .map(|pair| crate::form::decode(pair.as_bytes()).unwrap_or_else(|_| pair.to_owned()));
    lines.collect::<Vec<_>>().join("\n")
}
