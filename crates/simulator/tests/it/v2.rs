//! The API of v2: JSON, its own errors and lists, accounts under another face, event destinations and events.

use crate::world::{World, header, id};
use serde_json::{Value, json};
use simulator::{Request, Response};

fn send(world: &World, method: &str, path: &str, body: &Value) -> Response {
    let mut request: Request = world.request("POST", path, &[]);
    request.method = method.into();
    request
        .headers
        .push(("Content-Type".into(), "application/json".into()));
    request.body = if body.is_null() {
        Vec::new()
    } else {
        body.to_string().into_bytes()
    };
    world.simulator.call(&request)
}

fn ask(world: &World, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let response = send(world, method, path, body);
    (response.status, serde_json::from_slice(&response.body).unwrap())
}

fn done(world: &World, method: &str, path: &str, body: &Value) -> Value {
    let (status, answer) = ask(world, method, path, body);
    assert_eq!(status, 200, "{method} {path}: {answer}");
    answer
}

fn tenant() -> Value {
    json!({
        "contact_email": "owner@example.com", "display_name": "Acme IT", "dashboard": "full",
        "identity": { "country": "us", "entity_type": "company" },
        "configuration": { "merchant": { "capabilities": {
            "card_payments": { "requested": true }, "ach_debit_payments": { "requested": true },
        } } },
        "defaults": {
            "currency": "usd",
            "responsibilities": { "fees_collector": "stripe", "losses_collector": "stripe" },
        },
        "include": ["configuration.merchant", "defaults", "identity", "requirements"],
        "metadata": { "tenant_id": "ten_1" },
    })
}

#[test]
fn an_account_has_two_faces() {
    let platform = World::platform();
    let account = done(&platform, "POST", "/v2/core/accounts", &tenant());
    assert_eq!(
        (
            &account["object"],
            &account["applied_configurations"],
            &account["dashboard"]
        ),
        (&json!("v2.core.account"), &json!(["merchant"]), &json!("full"))
    );
    let capabilities = &account["configuration"]["merchant"]["capabilities"];
    assert_eq!(capabilities["ach_debit_payments"]["status"], "restricted");
    assert_eq!(
        account["defaults"]["responsibilities"]["fees_collector"],
        "stripe"
    );
    assert_eq!(
        account["requirements"]["entries"][0]["awaiting_action_from"],
        "user"
    );
    let path = format!("/v2/core/accounts/{}", id(&account));
    let plain = done(&platform, "GET", &path, &Value::Null);
    assert_eq!(
        (&plain["identity"], &plain["metadata"]["tenant_id"]),
        (&Value::Null, &json!("ten_1"))
    );
    let old = platform.get(&format!("/v1/accounts/{}", id(&account)));
    assert_eq!(old["capabilities"]["us_bank_account_ach_payments"], "inactive");
    assert_eq!(old["business_profile"]["name"], "Acme IT");

    goes_on(&platform, &account, &path);
}

fn goes_on(platform: &World, account: &Value, path: &str) {
    let form = json!({
        "account": id(account),
        "use_case": {
            "type": "account_onboarding",
            "account_onboarding": {
                "refresh_url": "http://127.0.0.1:1/again", "return_url": "http://127.0.0.1:1/back",
            },
        },
    });
    let link = done(platform, "POST", "/v2/core/account_links", &form);
    assert_eq!(link["object"], "v2.core.account_link");
    let onboard = format!("/_simulator/accounts/{}/onboard", id(account));
    platform.control("POST", &onboard, &json!({ "at_once": true }));
    let whole = done(
        platform,
        "GET",
        &format!("{path}?include[0]=configuration.merchant"),
        &Value::Null,
    );
    assert_eq!(
        whole["configuration"]["merchant"]["capabilities"]["card_payments"]["status"],
        "active"
    );
    let changed = done(
        platform,
        "POST",
        path,
        &json!({ "display_name": null, "metadata": { "tenant_id": null } }),
    );
    assert_eq!(
        (&changed["display_name"], &changed["metadata"]),
        (&Value::Null, &json!({}))
    );
    let types: Vec<Value> = done(platform, "GET", "/v2/core/events", &Value::Null)["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["type"].clone())
        .collect();
    assert_eq!(types.last(), Some(&json!("v2.core.account.created")));
    assert!(
        types.contains(&json!("v2.core.account[requirements].updated")),
        "{types:?}"
    );
    let v1 = platform.event_types();
    assert!(
        v1.iter().all(|kind| kind.starts_with("account.")),
        "v1 does not know them: {v1:?}"
    );
    let closed = done(platform, "POST", &format!("{path}/close"), &json!({}));
    assert_eq!(closed["closed"], true);
    assert_eq!(
        done(platform, "GET", "/v2/core/accounts", &Value::Null)["data"],
        json!([])
    );
}

#[test]
fn errors_and_lists_are_of_their_own_kind() {
    let platform = World::platform();
    let (status, body) = ask(
        &platform,
        "POST",
        "/v2/core/accounts",
        &json!({ "colour": "red" }),
    );
    assert_eq!((status, &body["error"]["code"]), (400, &json!("invalid_fields")));
    assert!(body["error"]["message"].is_string() && body["error"].get("param").is_none());
    let (status, body) = ask(&platform, "GET", "/v2/core/events/evt_test_65x", &Value::Null);
    assert_eq!((status, &body["error"]["code"]), (404, &json!("not_found")));
    let unversioned = platform.version(None);
    assert_eq!(ask(&unversioned, "GET", "/v2/core/accounts", &Value::Null).0, 400);
    let mut broken = platform.request("POST", "/v2/core/accounts", &[]);
    broken.body = b"{".to_vec();
    assert_eq!(platform.simulator.call(&broken).status, 400);
    for _ in 0..3 {
        done(&platform, "POST", "/v2/core/accounts", &tenant());
    }
    let first = done(&platform, "GET", "/v2/core/accounts?limit=2", &Value::Null);
    assert_eq!(
        (
            first["data"].as_array().unwrap().len(),
            &first["previous_page_url"]
        ),
        (2, &Value::Null)
    );
    let next = done(
        &platform,
        "GET",
        first["next_page_url"].as_str().unwrap(),
        &Value::Null,
    );
    assert_eq!(
        (next["data"].as_array().unwrap().len(), &next["next_page_url"]),
        (1, &Value::Null)
    );
    assert!(next["previous_page_url"].is_string());
}

#[test]
fn a_key_keeps_what_succeeded_for_thirty_days_and_lets_what_failed_be_tried_again() {
    let platform = World::platform().idempotent("once");
    assert_eq!(
        ask(
            &platform,
            "POST",
            "/v2/core/accounts",
            &json!({ "dashboard": "x" })
        )
        .0,
        400
    );
    let made = done(&platform, "POST", "/v2/core/accounts", &tenant());
    platform.simulator.advance_ms(29 * 86_400_000);
    let again = send(&platform, "POST", "/v2/core/accounts", &tenant());
    assert_eq!(header(&again, "Idempotent-Replayed"), Some("true"));
    assert_eq!(
        serde_json::from_slice::<Value>(&again.body).unwrap()["id"],
        made["id"]
    );
    platform.simulator.advance_ms(86_400_000);
    assert_ne!(
        done(&platform, "POST", "/v2/core/accounts", &tenant())["id"],
        made["id"]
    );
}

#[test]
fn a_destination_gets_thin_events_that_can_be_read() {
    let platform = World::platform();
    let wanted = json!({
        "name": "thin", "type": "webhook_endpoint", "event_payload": "thin",
        "enabled_events": ["v1.customer.created", "v2.core.event_destination.ping"],
        "events_from": ["@self", "@accounts"], "webhook_endpoint": { "url": "http://127.0.0.1:9/hook" },
        "include": ["webhook_endpoint.signing_secret", "webhook_endpoint.url"],
    });
    let made = done(&platform, "POST", "/v2/core/event_destinations", &wanted);
    assert!(
        made["webhook_endpoint"]["signing_secret"]
            .as_str()
            .unwrap()
            .starts_with("whsec_")
    );
    assert_eq!(
        (&made["status"], &made["event_payload"]),
        (&json!("enabled"), &json!("thin"))
    );
    let path = format!("/v2/core/event_destinations/{}", id(&made));
    let read = done(&platform, "GET", &path, &Value::Null);
    assert_eq!(read["webhook_endpoint"], Value::Null, "only what was asked for");
    assert_eq!(platform.get("/v1/webhook_endpoints")["data"], json!([]));

    platform.post("/v1/customers", &[]);
    platform.clone().with_tenant(false).post("/v1/customers", &[]);
    let sent = platform.deliver();
    assert_eq!(sent.len(), 2, "one's own and the account's");
    let event: Value = serde_json::from_slice(&sent[0].body).unwrap();
    assert_eq!(
        (&event["object"], &event["type"]),
        (&json!("v2.core.event"), &json!("v1.customer.created"))
    );
    let whole = done(
        &platform,
        "GET",
        &format!("/v2/core/events/{}", id(&event)),
        &Value::Null,
    );
    assert_eq!(whole["related_object"], event["related_object"]);
    assert_eq!(
        platform
            .ask("GET", whole["related_object"]["url"].as_str().unwrap(), &[])
            .0,
        200
    );
    let listed = done(
        &platform,
        "GET",
        "/v2/core/events?types[0]=v1.customer.created",
        &Value::Null,
    );
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);

    changes(&platform, &path);
    let mut all = wanted.clone();
    all["enabled_events"] = json!(["*"]);
    let (status, _) = ask(&platform, "POST", "/v2/core/event_destinations", &all);
    assert_eq!(status, 400, "thin ones are named one by one");
}

fn changes(platform: &World, path: &str) {
    let ping = done(platform, "POST", &format!("{path}/ping"), &json!({}));
    assert_eq!(ping["type"], "v2.core.event_destination.ping");
    assert_eq!(ping["related_object"]["url"], path);
    assert_eq!(platform.deliver().len(), 1);
    assert_eq!(
        done(platform, "POST", &format!("{path}/disable"), &json!({}))["status"],
        "disabled"
    );
    platform.post("/v1/customers", &[]);
    assert_eq!(platform.deliver().len(), 0);
    done(platform, "POST", &format!("{path}/enable"), &json!({}));
    let renamed = done(platform, "POST", path, &json!({ "name": "other" }));
    assert_eq!(renamed["name"], "other");
    done(platform, "DELETE", path, &Value::Null);
    assert_eq!(ask(platform, "GET", path, &Value::Null).0, 404);
}
