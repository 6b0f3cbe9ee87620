//! One object: its JSON, in which ids are links, and the events that tell of it.

use maud::{Markup, html};
use serde_json::Value;

use super::{View, frame, lists, whose};
use crate::event::Event;
use crate::state::{Object, Row, State};

/// How many events of an object are shown.
const EVENTS_MAX: usize = 50;
/// How deep JSON is shown as it is nested; nothing of Stripe's is deeper.
const DEPTH_MAX: usize = 40;

/// The page of an object; `None` when there is none with this id.
pub fn page(state: &State, view: &View, id: &str) -> Option<Markup> {
    let object = Object::find(state, &view.space, "any", id).or_else(|| Object::anywhere(state, id))?;
    let view = &View {
        space: object.space().clone(),
        id: String::new(),
    };
    let shown = object.shown(state);
    let events: Vec<&Event> = Event::table(state)
        .of(&view.space)
        .rev()
        .filter(|event| event.object.id() == id)
        .take(EVENTS_MAX)
        .map(|event| event.as_ref())
        .collect();
    let kind = object.name();
    Some(frame(
        view,
        id,
        html! {
            p.path { a href=(view.link(&format!("objects/{kind}"))) { (kind.replace(['_', '.'], " ")) } }
            div.heading { h1.mono { (id) } (whose(state, view)) }
            pre.json { (json(state, view, &shown, 0)) }
            @if kind != "event" {
                section aria-labelledby="its-events" {
                    h2 id="its-events" { "Events" }
                    (lists::rows_of_events(view, events))
                }
            }
        },
    ))
}

/// JSON, indented; an id of something that is there leads to it.
fn json(state: &State, view: &View, value: &Value, depth: usize) -> Markup {
    let pad = "  ".repeat(depth + 1);
    let end = "  ".repeat(depth);
    match value {
        Value::Object(fields) if !fields.is_empty() && depth < DEPTH_MAX => html! {
            "{\n"
            @for (at, (name, field)) in fields.iter().enumerate() {
                (pad) span.key { (Value::from(name.as_str()).to_string()) } ": "
                (json(state, view, field, depth + 1))
                @if at + 1 < fields.len() { "," } "\n"
            }
            (end) "}"
        },
        Value::Array(items) if !items.is_empty() && depth < DEPTH_MAX => html! {
            "[\n"
            @for (at, item) in items.iter().enumerate() {
                (pad) (json(state, view, item, depth + 1))
                @if at + 1 < items.len() { "," } "\n"
            }
            (end) "]"
        },
        Value::String(text) if depth > 0 && leads(state, view, text) => html! {
            "\"" a href=(view.link(&format!("object/{text}"))) { (text) } "\""
        },
        Value::String(_) => html! { span.text { (value.to_string()) } },
        Value::Null => html! { span.null { "null" } },
        other => html! { (other.to_string()) },
    }
}

/// Whether a text is the id of something.
fn leads(state: &State, view: &View, text: &str) -> bool {
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    plain
        && text.contains('_')
        && text.len() < 100
        && (Object::find(state, &view.space, "any", text).is_some()
            || Object::anywhere(state, text).is_some())
}
