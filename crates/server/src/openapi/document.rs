//! The OpenAPI 3.1 document.

use domain::Permission;
use serde_json::{Map, Value, json};

use super::calls::{Answer, Call, Content, topics};
use super::notation::{SCHEMAS, schema};
use crate::problem;
use crate::routes::{self, Route, Who};

/// What every call may answer when it is not done, with what that means.
const ALWAYS: [(u16, &str); 6] = [
    (400, "The request cannot be read; `field` says where."),
    (404, "There is no such thing, or it is not yours."),
    (408, "The body did not arrive in time."),
    (
        429,
        "Too many requests; `Retry-After` says when the next one is taken.",
    ),
    (
        500,
        "Something failed on our side; it was logged under the request\u{2019}s id.",
    ),
    (503, "Nothing was changed, or it goes on: try the same again."),
];
/// What a call with a key may answer besides.
const WITH_A_KEY: [(u16, &str); 2] = [(401, "Send a valid key."), (403, "The key may not do this.")];
/// What a list may answer besides.
const WITH_A_QUERY: [(u16, &str); 1] = [(422, "A parameter means nothing; `field` names it.")];
/// What a call that changes something may answer besides.
const CHANGING: [(u16, &str); 6] = [
    (402, "Stripe refused to begin the payment; nothing was charged."),
    (409, "The state of things does not allow it."),
    (410, "It is over."),
    (413, "The body is too large."),
    (422, "A field has to be corrected."),
    (428, "The payer has to show work first."),
];

/// The type of a body that is a file and nothing else.
const FILE: &str = "File";

/// Makes it. The same texts make the same document.
pub fn document() -> Value {
    let routes = routes::all();
    let mut paths: Map<String, Value> = Map::new();
    for topic in topics() {
        for call in &topic.calls {
            let route = routes.iter().find(|route| is_of(route, call));
            let path = paths.entry(call.path).or_insert_with(|| json!({}));
            path[call.method.to_lowercase()] = operation(topic.title, call, route);
        }
    }
    let types = |(name, text): (&&str, &&str)| ((*name).to_owned(), schema(text, is_sent(name)));
    let schemas: Map<String, Value> = SCHEMAS.iter().map(types).collect();
    let tags: Vec<Value> = topics()
        .iter()
        .map(|topic| json!({"name": topic.title, "description": topic.about}))
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "psa-pay",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Invoices and payments of managed service providers. Amounts are whole numbers in \
                the currency's minor units, times milliseconds since 1970.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "tenant_key": {"type": "http", "scheme": "bearer",
                    "description": "A key of a tenant: ppk_test_\u{2026} or ppk_live_\u{2026}"},
                "platform_key": {"type": "http", "scheme": "bearer",
                    "description": "A key of the operator: ppk_platform_\u{2026}"},
            },
        },
    })
}

/// Whether a route is the one that a call describes.
pub fn is_of(route: &Route, call: &Call) -> bool {
    route.method == call.method && route.path == call.path
}

/// What is sent takes no field that it does not name. A type that is sent is a body of a call, or within
/// one.
fn is_sent(name: &str) -> bool {
    let bodies = topics()
        .iter()
        .flat_map(|topic| &topic.calls)
        .map(|call| call.body);
    bodies.into_iter().any(|body| body == name) || ["Line", "Notice"].contains(&name)
}

fn operation(topic: &str, call: &Call, route: Option<&Route>) -> Value {
    let mut operation = json!({
        "operationId": call.operation_id(),
        "summary": call.title,
        "tags": [topic],
        "responses": responses(call, route),
    });
    let mut about = call.about.clone();
    if let Some(Who::Key(needed) | Who::KeyItselfOr(needed)) = route.map(|route| route.who) {
        about = format!("{about} Needs the permission `{}`.", Permission::word(needed));
    }
    if !about.is_empty() {
        operation["description"] = json!(about.trim());
    }
    let parameters = parameters(call, route);
    if !parameters.is_empty() {
        operation["parameters"] = Value::Array(parameters);
    }
    if !call.body.is_empty() {
        operation["requestBody"] = body(call);
    }
    operation["security"] = match route.map(|route| route.who) {
        Some(Who::Key(_) | Who::KeyItselfOr(_)) => json!([{"tenant_key": []}]),
        Some(Who::Platform) => json!([{"platform_key": []}]),
        _ => json!([]),
    };
    operation
}

fn parameters(call: &Call, route: Option<&Route>) -> Vec<Value> {
    let parts = call.path.split(['{', '}']).enumerate();
    let names = parts.filter(|(at, _)| at % 2 == 1).map(|(_, name)| name);
    let mut all: Vec<Value> = names
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    if !call.query.is_empty() {
        let query = schema(&format!("{{{}}}", call.query), true);
        let required = query["required"].as_array().cloned().unwrap_or_default();
        for (name, schema) in query["properties"].as_object().into_iter().flatten() {
            let required = required.contains(&json!(name));
            all.push(json!({"name": name, "in": "query", "required": required, "schema": schema}));
        }
    }
    let keyed = matches!(
        route.map(|route| route.who),
        Some(Who::Key(_) | Who::KeyItselfOr(_) | Who::Platform)
    );
    if keyed && call.method != "GET" {
        let moves = route.is_some_and(|route| route.moves_money);
        let text = "The same key, address and body have one effect, however often they are sent.";
        all.push(
            json!({"name": "Idempotency-Key", "in": "header", "required": moves, "description": text,
            "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"}}),
        );
    }
    all
}

fn body(call: &Call) -> Value {
    let file = json!({"schema": {"type": "string", "format": "binary"}});
    if call.body == FILE {
        let kinds = ["application/pdf", "image/jpeg", "image/png"];
        let content: Map<String, Value> = kinds
            .map(|kind| (kind.to_owned(), file.clone()))
            .into_iter()
            .collect();
        return json!({"required": true, "content": content});
    }
    let schema = schema(call.body, true);
    let mut content = json!({"application/json": {"schema": schema}});
    if call.body == "Picture" {
        for kind in ["image/png", "image/jpeg"] {
            content[kind] = file.clone();
        }
    }
    json!({"required": true, "content": content})
}

fn responses(call: &Call, route: Option<&Route>) -> Value {
    let mut all = Map::new();
    for answer in &call.answers {
        let kept = all.entry(answer.status.to_string());
        let kept = kept.or_insert_with(|| json!({"description": done(answer.status)}));
        match answer {
            Answer {
                content: Content::None,
                ..
            } => {}
            Answer {
                content: Content::Json(name),
                ..
            } => {
                kept["content"]["application/json"] = json!({"schema": schema(name, false)});
            }
            Answer {
                content: Content::File(kind),
                ..
            } => {
                kept["content"][*kind] = json!({"schema": {"type": "string", "format": "binary"}});
            }
        }
    }
    let keyed = match route.map(|route| route.who) {
        Some(Who::Key(_) | Who::KeyItselfOr(_) | Who::Platform | Who::Stripe) => &WITH_A_KEY[..],
        _ => &[],
    };
    // A page of another site is turned away, whoever is asked.
    let cross_site = [(403, "A browser sent it for a page of another site.")];
    let changing = match call.method {
        "GET" if call.path.contains("/public/") => &CHANGING[2..3],
        "GET" => &WITH_A_QUERY[..],
        _ => &CHANGING[..],
    };
    let own = CHANGING
        .iter()
        .filter(|(status, _)| call.refused.contains(status));
    let refusals = ALWAYS
        .iter()
        .chain(keyed)
        .chain(changing)
        .chain(&cross_site)
        .chain(own);
    for (status, text) in refusals {
        all.entry(status.to_string()).or_insert_with(|| {
            json!({"description": text, "content": {problem::CONTENT_TYPE:
                {"schema": {"$ref": "#/components/schemas/Problem"}}}})
        });
    }
    Value::Object(all)
}

const fn done(status: u16) -> &'static str {
    match status {
        201 => "It was made.",
        202 => "It is under way.",
        _ => "Done.",
    }
}
