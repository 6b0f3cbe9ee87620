//! The description of the API: it has every route and no other, every example runs against the demo as it
//! stands on the reference page, what is answered is what is described, and an outsider, schemathesis,
//! finds no answer that is not.

mod conforms;
mod examples;
mod judged;

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use server::openapi::{self, Call};
use server::routes::{self, Route};

use crate::engines::World;
use crate::town::Town;

/// Every call that is described.
fn calls() -> impl Iterator<Item = &'static Call> {
    openapi::topics().iter().flat_map(|topic| &topic.calls)
}

fn route_of(routes: &[Route], call: &Call) -> Option<usize> {
    routes
        .iter()
        .position(|route| route.method.as_str() == call.method && route.path == call.path)
}

#[test]
fn every_route_of_the_api_is_described_and_nothing_else() {
    let routes = routes::all();
    let mut missing: BTreeSet<String> = routes
        .iter()
        .filter(|route| route.path.starts_with("/api/"))
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    // The description itself.
    for own in ["GET /api/openapi.json", "GET /api/reference"] {
        assert!(missing.remove(own), "{own}");
    }
    let mut unknown = Vec::new();
    for call in calls() {
        let name = format!("{} {}", call.method, call.path);
        if !missing.remove(&name) {
            unknown.push(name);
        }
    }
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "openapi/calls.txt describes no {missing:?}, and what is no route or described twice: {unknown:?}"
    );
}

#[test]
fn every_call_says_what_it_does_what_it_takes_and_what_it_answers() {
    for call in calls() {
        let name = format!("{} {}", call.method, call.path);
        assert!(!call.title.is_empty(), "{name} has no title");
        assert!(!call.answers.is_empty(), "{name} has no answer");
        let variables = call.path.matches('{').count();
        assert_eq!(
            call.example.path.len(),
            variables,
            "{name}: its example has no value for its path"
        );
        let needs_body = !call.body.is_empty() && call.example.body.is_empty();
        let optional = ["NewPayLinkUrl", "OnVersion", "WantedIntent", "Whose"];
        assert!(
            !needs_body || optional.contains(&call.body),
            "{name}: its example has no body"
        );
    }
    let ids: BTreeSet<String> = calls().map(Call::operation_id).collect();
    assert_eq!(ids.len(), calls().count(), "two calls have one id");
}

#[test]
fn the_document_is_openapi_3_1_and_every_reference_leads_somewhere() {
    let document = openapi::document();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document, openapi::document(), "it is the same each time");
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let mut named = Vec::new();
    references(&document, &mut named);
    for reference in &named {
        let name = reference.strip_prefix("#/components/schemas/").unwrap();
        assert!(schemas.contains_key(name), "{reference}");
    }
    let unused: Vec<&String> = schemas
        .keys()
        .filter(|name| {
            !named
                .iter()
                .any(|reference| reference.ends_with(&format!("/{name}")))
        })
        .collect();
    // What is only a body or an answer stands in place.
    assert!(unused.iter().all(|name| *name != "Problem"), "{unused:?}");
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (verb, operation) in operations.as_object().unwrap() {
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.len() >= 6, "{verb} {path}");
            let done = responses.keys().filter(|status| status.starts_with('2')).count();
            assert!(done >= 1, "{verb} {path} never ends well");
        }
    }
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
                found.push(reference.to_owned());
            }
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn what_does_not_conform_is_found() {
    let document = openapi::document();
    let shape = json!({"type": "object", "required": ["id"], "properties": {"id": {"type": "string"},
        "at": {"type": ["integer", "null"]}, "of": {"$ref": "#/components/schemas/FeeSum"}}});
    let differs = |value: &Value| conforms::differences(&document, &shape, value);
    assert_eq!(differs(&json!({"id": "x", "at": null})), Vec::<String>::new());
    for wrong in [
        json!({}),
        json!({"id": 7}),
        json!({"id": "x", "at": "soon"}),
        json!({"id": "x", "more": 1}),
        json!({"id": "x", "of": {"fees": 1}}),
        json!([]),
    ] {
        assert!(!differs(&wrong).is_empty(), "{wrong}");
    }
    let word = json!({"type": "string", "enum": ["a", "b"]});
    assert!(!conforms::differences(&document, &word, &json!("c")).is_empty());
}

both! {
    fn the_document_and_the_reference_are_there_for_everybody(world: &World) {
        Town::run(world, async |town| {
            let document = town.public(Method::GET, "/api/openapi.json", Value::Null).await;
            assert_eq!(document.status, 200, "{}", document.text);
            assert_eq!(document.headers["content-type"], "application/json");
            assert_eq!(document.body, openapi::document());
            let page = town.public(Method::GET, "/api/reference", Value::Null).await;
            assert_eq!(page.status, 200, "{}", page.text);
            assert!(!page.text.contains("<script src=\"http"), "no script of others");
            let routes = routes::all();
            for call in calls() {
                let line = openapi::curl(call, route_of(&routes, call).map(|at| &routes[at]));
                let line = line.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
                assert!(page.text.contains(&line), "{} {}: {line}", call.method, call.path);
            }
        });
    }
}
