//! `/api/reference`: every call for people, by topic, each with a line for the shell that runs against the
//! demo.

use maud::{Markup, html};

use super::calls::{Answer, Call, Content, topics};
use super::document::is_of;
use super::notation::SCHEMAS;
use crate::html as parts;
use crate::router::Site;
use crate::routes::{self, Route, Who};

/// What gives the variables of the examples something to stand for.
pub const SETUP: &str = include_str!("setup.sh");

const ABOUT: &str = "JSON over HTTP, for what a tenant\u{2019}s software and the operator do.";

pub fn page(site: &Site) -> Markup {
    let routes = routes::all();
    let content = html! {
        (parts::title("API reference", ABOUT, &html! {
            (parts::link_button("OpenAPI document", "/api/openapi.json", ""))
        }))
        div .reference {
            nav .contents aria-label="Topics" {
                ul {
                    li { a href="#begin" { "Before you begin" } }
                    @for topic in topics() { li { a href={ "#" (anchor(topic.title)) } { (topic.title) } } }
                    li { a href="#types" { "Types" } }
                }
            }
            div .stack.loose {
                (begin(site))
                @for topic in topics() {
                    section id=(anchor(topic.title)) {
                        h2 { (topic.title) }
                        p .soft { (topic.about) }
                        @for call in &topic.calls {
                            (one(call, routes.iter().find(|route| is_of(route, call))))
                        }
                    }
                }
                (types())
            }
        }
    };
    parts::plain_page("API reference", &content)
}

fn anchor(title: &str) -> String {
    title.to_lowercase().replace([' ', '\u{2019}', '\''], "-")
}

fn begin(site: &Site) -> Markup {
    let stripe = site.config.stripe_api_base.api_origin();
    let variables = format!(
        "URL={}\nSTRIPE={stripe}\nKEY=ppk_test_\u{2026}              # what the demo prints for Northwind IT \
         Services, test\nPLATFORM_KEY=ppk_platform_\u{2026}   # and for the operator",
        site.public_origin
    );
    html! {
        section #begin {
            h2 { "Before you begin" }
            p { "Every request carries " code { "Authorization: Bearer KEY" } ". A key belongs to one tenant \
                 and one mode and sees nothing else; a platform key is the operator\u{2019}s. Amounts are \
                 whole \
                 numbers in the currency\u{2019}s minor units, times milliseconds since 1970. Lists answer a \
                 page of at most 100 with " code { "has_more" } "; the next page comes " code { "after" }
                " the last id." }
            p { "What is refused is answered as " code { "application/problem+json" } ": a stable "
                code { "code" } ", a sentence in " code { "detail" } ", and the " code { "field" }
                " that it is about." }
            p { "The examples run against " code { "psa-pay demo" } ". Say where it is, with the keys that \
                 it printed:" }
            (shell(&variables))
            details .fold {
                summary { "And make something to look at" }
                (shell(SETUP))
            }
        }
    }
}

fn one(call: &Call, route: Option<&Route>) -> Markup {
    html! {
        article .call id=(call.anchor()) {
            h3 { (call.title) }
            p .address { span .verb { (call.method) } " " code { (call.path) } }
            @if !call.about.is_empty() { p { (marked(&call.about)) } }
            @if let Some(needs) = needs(route) { p .soft.small { (needs) } }
            (parts::facts(&facts(call)))
            (shell(&curl(call, route)))
        }
    }
}

/// Words between backquotes are names.
fn marked(text: &str) -> Markup {
    html! {
        @for (at, part) in text.split('`').enumerate() {
            @if at % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

fn needs(route: Option<&Route>) -> Option<String> {
    match route?.who {
        Who::Key(needed) => Some(format!("Needs the permission {}.", needed.word())),
        Who::KeyItselfOr(needed) => Some(format!(
            "Needs the permission {}, or the key itself.",
            needed.word()
        )),
        Who::Platform => Some("Needs a platform key.".to_owned()),
        _ => None,
    }
}

fn facts(call: &Call) -> Vec<(&'static str, Markup)> {
    let mut facts = Vec::new();
    if !call.query.is_empty() {
        facts.push(("Query", html! { code { (call.query) } }));
    }
    if !call.body.is_empty() {
        facts.push(("Body", named(call.body)));
    }
    for Answer { status, content } in &call.answers {
        let what = match content {
            Content::None => html! {},
            Content::Json(name) => named(name),
            Content::File(kind) => html! { code { (kind) } },
        };
        facts.push(("Answer", html! { code { (status) } " " (what) }));
    }
    facts
}

/// A type with the way to what it consists of.
fn named(text: &str) -> Markup {
    let name = text.split(['<', '>']).find(|part| SCHEMAS.contains_key(part));
    html! {
        @match name {
            Some(name) => a href={ "#type-" (name) } { code { (text) } },
            None => code { (text) },
        }
    }
}

fn types() -> Markup {
    html! {
        section #types {
            h2 { "Types" }
            p .soft { "A name with " code { "?" } " may be left out. " code { "time" }
                " is milliseconds since 1970, " code { "minor" } " minor units of the currency, "
                code { "day" } " is YYYY-MM-DD, "
                code { "...Name" } " is all that Name has." }
            dl .types {
                @for (name, text) in SCHEMAS.iter() {
                    div id={ "type-" (name) } { dt { code { (name) } } dd { code { (text) } } }
                }
            }
        }
    }
}

fn shell(text: &str) -> Markup {
    html! { pre .raw.shell tabindex="0" { code { (text) } } }
}

/// The line for the shell that tries a call.
pub fn curl(call: &Call, route: Option<&Route>) -> String {
    let mut path = call.path.to_owned();
    for (name, variable) in &call.example.path {
        path = path.replace(&format!("{{{name}}}"), &format!("${variable}"));
    }
    if !call.example.query.is_empty() {
        path = format!("{path}?{}", call.example.query);
    }
    let key = match (call.example.key, route.map(|route| route.who)) {
        ("none", _) | ("", Some(Who::Payer | Who::Anybody | Who::Stripe) | None) => "",
        ("", Some(Who::Platform)) => "PLATFORM_KEY",
        ("", Some(_)) => "KEY",
        (other, _) => other,
    };
    let mut line = "curl -sS".to_owned();
    if call.method != "GET" {
        line.push_str(&format!(" -X {}", call.method));
    }
    line.push_str(&format!(" \"$URL{path}\""));
    if !key.is_empty() {
        line.push_str(&format!(" \\\n  -H \"Authorization: Bearer ${key}\""));
    }
    if route.is_some_and(|route| route.moves_money) {
        line.push_str(&format!(
            " \\\n  -H \"Idempotency-Key: example-{}\"",
            call.anchor()
        ));
    }
    if !call.example.body.is_empty() {
        let kind = match call.example.body.starts_with('{') {
            true => "application/json",
            false => "application/pdf",
        };
        let body = call.example.body.replace('"', "\\\"");
        line.push_str(&format!(" \\\n  -H \"Content-Type: {kind}\" \\\n  -d \"{body}\""));
    }
    line
}
