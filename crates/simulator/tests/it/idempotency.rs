//! Idempotency keys.

use crate::world::{World, header, id};
use serde_json::json;

const FORM: [(&str, &str); 2] = [("amount", "1000"), ("currency", "usd")];

#[test]
fn a_key_gives_the_same_answer_again() {
    let tenant = World::tenant().idempotent("pay:1");
    let first = tenant.send("POST", "/v1/payment_intents", &FORM);
    let request = header(&first, "Request-Id").unwrap();
    assert_eq!(header(&first, "Original-Request"), Some(request));
    assert_eq!(header(&first, "Idempotency-Key"), Some("pay:1"));
    assert_eq!(header(&first, "Idempotent-Replayed"), None);
    assert_eq!(header(&first, "Stripe-Account"), tenant.account.as_deref());
    let again = tenant.send("POST", "/v1/payment_intents", &FORM);
    assert_eq!((again.status, &again.body), (200, &first.body));
    assert_eq!(header(&again, "Idempotent-Replayed"), Some("true"));
    assert_eq!(header(&again, "Original-Request"), Some(request));
    assert_ne!(header(&again, "Request-Id"), Some(request));
    assert_eq!(
        tenant.get("/v1/payment_intents")["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn another_request_under_a_key_is_refused() {
    let tenant = World::tenant().idempotent("pay:1");
    let intent = tenant.post("/v1/payment_intents", &FORM);
    let other = [("amount", "2000"), ("currency", "usd")];
    let cancel = format!("/v1/payment_intents/{}/cancel", id(&intent));
    for (path, form) in [
        ("/v1/payment_intents", &other[..]),
        ("/v1/customers", &FORM[..]),
        (&cancel, &[][..]),
    ] {
        let error = tenant.refused(400, path, form);
        assert_eq!(
            (&error["type"], error.get("code")),
            (&json!("idempotency_error"), None),
            "{path}"
        );
    }
    assert_eq!(
        tenant.get(&format!("/v1/payment_intents/{}", id(&intent)))["status"],
        "requires_payment_method"
    );
}

#[test]
fn keys_of_other_accounts_and_modes_are_other_keys() {
    let tenant = World::tenant().idempotent("pay:1");
    let other = World {
        idempotency_key: None,
        ..tenant.on_platform()
    }
    .with_tenant(false)
    .idempotent("pay:1");
    let worlds = [
        tenant.clone(),
        other,
        tenant.on_platform(),
        tenant.on_platform().live(),
    ];
    let mut made: Vec<String> = worlds
        .iter()
        .map(|world| id(&world.post("/v1/customers", &[])).to_owned())
        .collect();
    made.dedup();
    assert_eq!(made.len(), 4);
}

#[test]
fn a_decline_is_kept_and_a_validation_failure_is_not() {
    let tenant = World::tenant();
    let intent = tenant.intent();
    let path = format!("/v1/payment_intents/{}/confirm", id(&intent));
    let keyed = tenant.idempotent("confirm:1");
    let declined = keyed.refused(402, &path, &[("payment_method", "pm_card_chargeDeclined")]);
    let again = keyed.send("POST", &path, &[("payment_method", "pm_card_chargeDeclined")]);
    assert_eq!(
        (again.status, header(&again, "Idempotent-Replayed")),
        (402, Some("true"))
    );
    let charges = tenant.get("/v1/charges");
    assert_eq!(
        charges["data"].as_array().unwrap().len(),
        1,
        "the card was tried once"
    );
    assert_eq!(charges["data"][0]["id"], declined["charge"]);

    let keyed = tenant.idempotent("create:1");
    assert_eq!(
        keyed.refused(400, "/v1/payment_intents", &[("amount", "1")])["code"],
        "parameter_missing"
    );
    keyed.post("/v1/payment_intents", &FORM);

    let keyed = tenant.idempotent("confirm:2");
    tenant.post(&path, &[("payment_method", "pm_card_visa")]);
    keyed.refused(400, &path, &[("payment_method", "pm_card_visa")]);
    let again = keyed.send("POST", &path, &[("payment_method", "pm_card_visa")]);
    assert_eq!(
        (again.status, header(&again, "Idempotent-Replayed")),
        (400, Some("true")),
        "it had begun"
    );
}

#[test]
fn a_key_is_forgotten_after_a_day() {
    let tenant = World::tenant().idempotent("pay:1");
    let first = tenant.post("/v1/payment_intents", &FORM);
    tenant.simulator.advance_ms(86_399_999);
    assert_eq!(tenant.post("/v1/payment_intents", &FORM)["id"], first["id"]);
    tenant.simulator.advance_ms(1);
    assert_ne!(tenant.post("/v1/payment_intents", &FORM)["id"], first["id"]);
}

#[test]
fn a_key_is_a_text_of_at_most_255_characters_and_of_posts_only() {
    let tenant = World::tenant();
    tenant
        .idempotent(&"k".repeat(255))
        .post("/v1/payment_intents", &FORM);
    tenant
        .idempotent(&"k".repeat(256))
        .refused(400, "/v1/payment_intents", &FORM);
    tenant.idempotent("").refused(400, "/v1/payment_intents", &FORM);
    let read = tenant.idempotent("get:1").send("GET", "/v1/payment_intents", &[]);
    assert_eq!(header(&read, "Idempotency-Key"), None);
}

#[test]
fn while_the_first_request_is_being_answered_its_key_is_in_use() {
    let tenant = World::tenant().idempotent("pay:1");
    let fault =
        json!({ "method": "POST", "path": "/v1/payment_intents", "effect": "delay", "delay_ms": 5000 });
    tenant.control("POST", "/_simulator/faults", &fault);
    let first = tenant.send("POST", "/v1/payment_intents", &FORM);
    assert_eq!(first.fate, simulator::Fate::Late(5000));
    let second = tenant.send("POST", "/v1/payment_intents", &FORM);
    assert_eq!(
        (second.status, header(&second, "Stripe-Should-Retry")),
        (409, Some("true"))
    );
    tenant.simulator.advance_ms(5_000);
    let third = tenant.send("POST", "/v1/payment_intents", &FORM);
    assert_eq!((third.status, &third.body), (200, &first.body));
}

#[test]
fn fifty_threads_with_one_key_make_one_intent() {
    let tenant = World::tenant().idempotent("pay:1");
    let bodies: Vec<(u16, Vec<u8>)> = std::thread::scope(|scope| {
        let send = || {
            let response = tenant.send("POST", "/v1/payment_intents", &FORM);
            (response.status, response.body)
        };
        let threads: Vec<_> = (0..50).map(|_| scope.spawn(send)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(
        bodies
            .iter()
            .all(|(status, body)| *status == 200 && *body == bodies[0].1)
    );
    assert_eq!(
        tenant.get("/v1/payment_intents")["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}
