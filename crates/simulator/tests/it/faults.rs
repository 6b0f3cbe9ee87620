//! What a test can let go wrong.

use crate::world::{World, header};
use serde_json::json;
use simulator::Fate;

const FORM: [(&str, &str); 2] = [("amount", "1000"), ("currency", "usd")];

fn armed(fault: serde_json::Value) -> World {
    let tenant = World::tenant();
    tenant.control("POST", "/_simulator/faults", &fault);
    tenant.idempotent("pay:1")
}

fn count(tenant: &World) -> usize {
    tenant.get("/v1/payment_intents")["data"]
        .as_array()
        .unwrap()
        .len()
}

#[test]
fn a_lost_answer_was_carried_out() {
    for (effect, fate) in [("lose_answer", Fate::Lost), ("hang", Fate::Hangs)] {
        let tenant = armed(json!({ "path": "/v1/payment_intents", "effect": effect }));
        assert_eq!(tenant.send("POST", "/v1/payment_intents", &FORM).fate, fate);
        assert_eq!(count(&tenant), 1);
        // Who hung up waits until the first request is over.
        tenant.simulator.advance_ms(80_000);
        let again = tenant.send("POST", "/v1/payment_intents", &FORM);
        assert_eq!(
            (again.fate, header(&again, "Idempotent-Replayed")),
            (Fate::Arrives, Some("true"))
        );
        assert_eq!(count(&tenant), 1);
    }
}

#[test]
fn a_500_is_kept_under_its_key_whether_or_not_it_did_something() {
    for (effect, made) in [("error500", 0), ("error500_after", 1)] {
        let tenant = armed(json!({ "method": "post", "path": "payment_intents", "effect": effect }));
        assert_eq!(
            tenant.refused(500, "/v1/payment_intents", &FORM)["type"],
            "api_error"
        );
        let again = tenant.send("POST", "/v1/payment_intents", &FORM);
        assert_eq!(
            (again.status, header(&again, "Idempotent-Replayed")),
            (500, Some("true"))
        );
        assert_eq!(count(&tenant), made);
        tenant.idempotent("pay:2").post("/v1/payment_intents", &FORM);
    }
}

#[test]
fn a_429_leaves_nothing_behind() {
    let tenant = armed(json!({ "effect": "error429", "path": "payment_intents", "count": 2 }));
    for _ in 0..2 {
        assert_eq!(tenant.send("POST", "/v1/payment_intents", &FORM).status, 429);
    }
    let good = tenant.send("POST", "/v1/payment_intents", &FORM);
    assert_eq!((good.status, header(&good, "Idempotent-Replayed")), (200, None));
}

#[test]
fn a_fault_strikes_what_it_names_and_only_so_often() {
    let tenant = armed(json!({ "method": "POST", "path": "/confirm", "effect": "error500", "count": 1 }));
    let intent = tenant.post("/v1/payment_intents", &FORM);
    let path = format!("/v1/payment_intents/{}/confirm", crate::world::id(&intent));
    let form = [
        ("payment_method", "pm_card_visa"),
        ("return_url", "https://a.example"),
    ];
    tenant.idempotent("c:1").refused(500, &path, &form);
    tenant.idempotent("c:2").post(&path, &form);
    tenant.control(
        "POST",
        "/_simulator/faults",
        &json!({ "effect": "error500", "count": 9 }),
    );
    assert_eq!(
        tenant.control("DELETE", "/_simulator/faults", &json!({}))["requests"],
        0
    );
    tenant.get("/v1/charges");
}

#[test]
fn requests_are_remembered() {
    let tenant = World::tenant().idempotent("pay:1");
    tenant.post("/v1/payment_intents", &FORM);
    tenant.post("/v1/payment_intents", &FORM);
    let log = tenant.control("GET", "/_simulator/requests", &json!({}));
    let entry = &log["data"][0];
    assert_eq!(
        (&entry["path"], &entry["replayed"]),
        (&json!("/v1/payment_intents"), &json!(true))
    );
    assert_eq!(
        (&entry["idempotency_key"], &entry["body"]),
        (&json!("pay:1"), &json!("amount=1000&currency=usd"))
    );
    assert_eq!(entry["account"].as_str(), tenant.account.as_deref());
}
