//! Which events happen, where, in which order, and what they show.

use crate::world::{World, id};
use serde_json::{Value, json};

#[test]
fn a_card_payment_tells_its_story() {
    let tenant = World::tenant();
    tenant.pay("4242424242424242");
    tenant.simulator.advance_ms(1_000);
    let expected = [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "charge.updated",
    ];
    assert_eq!(tenant.event_types(), expected);
    assert_eq!(tenant.on_platform().event_types(), ["application_fee.created"]);

    let updated = &tenant.get("/v1/events?type=charge.updated")["data"][0];
    let previous = json!({ "application_fee": null, "balance_transaction": null });
    assert_eq!(updated["data"]["previous_attributes"], previous);
    assert!(updated["data"]["object"]["balance_transaction"].is_string());
    assert_eq!(updated["request"], json!({ "id": null, "idempotency_key": null }));
    let fee = &tenant.on_platform().get("/v1/events")["data"][0];
    assert_eq!(fee.get("account"), None);
    assert_eq!(
        fee["data"]["object"]["account"].as_str(),
        tenant.account.as_deref()
    );
}

#[test]
fn a_decline_tells_its_story() {
    let tenant = World::tenant();
    tenant.pay("4000000000009995");
    let expected = [
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
    ];
    assert_eq!(tenant.event_types(), expected);
    let failed = &tenant.get("/v1/events?type=payment_intent.payment_failed")["data"][0]["data"]["object"];
    assert_eq!(failed["last_payment_error"]["decline_code"], "insufficient_funds");
}

#[test]
fn an_authentication_tells_its_story() {
    for (outcome, rest) in [
        ("complete", vec!["charge.succeeded", "payment_intent.succeeded"]),
        ("fail", vec!["payment_intent.payment_failed"]),
    ] {
        let tenant = World::tenant();
        let (_, waiting) = tenant.pay("4000002500003155");
        let path = format!("/_simulator/payment_intents/{}/challenge", id(&waiting));
        tenant.control("POST", &path, &json!({ "outcome": outcome }));
        let expected = [
            vec!["payment_intent.created", "payment_intent.requires_action"],
            rest,
        ]
        .concat();
        assert_eq!(tenant.event_types(), expected);
    }
}

#[test]
fn customers_and_their_cards_tell_their_story() {
    let tenant = World::tenant();
    let customer = tenant.post("/v1/customers", &[("email", "a@b.example"), ("metadata[a]", "1")]);
    let path = format!("/v1/customers/{}", id(&customer));
    tenant.post(&path, &[("email", "c@d.example"), ("metadata[b]", "2")]);
    tenant.post(&path, &[("email", "c@d.example")]);
    let card = tenant.post(
        "/v1/payment_methods/pm_card_visa/attach",
        &[("customer", id(&customer))],
    );
    tenant.post(&format!("/v1/payment_methods/{}/detach", id(&card)), &[]);
    tenant.send("DELETE", &path, &[]);
    let expected = [
        "customer.created",
        "customer.updated",
        "payment_method.attached",
        "payment_method.detached",
        "customer.deleted",
    ];
    assert_eq!(
        tenant.event_types(),
        expected,
        "an update that changes nothing tells nothing"
    );
    let events = tenant.get("/v1/events");
    let of = |kind: &str| {
        events["data"]
            .as_array()
            .unwrap()
            .iter()
            .find(|event| event["type"] == kind)
            .unwrap()
    };
    let previous = &of("customer.updated")["data"]["previous_attributes"];
    assert_eq!(
        previous,
        &json!({ "email": "a@b.example", "metadata": { "b": null } })
    );
    assert_eq!(
        of("payment_method.detached")["data"]["previous_attributes"]["customer"],
        customer["id"]
    );
    assert_eq!(of("customer.deleted")["data"]["object"]["email"], "c@d.example");
}

#[test]
fn an_event_shows_the_object_as_it_was_and_names_its_request() {
    let tenant = World::tenant();
    let intent = tenant.intent();
    let path = format!("/v1/payment_intents/{}/confirm", id(&intent));
    let response = tenant
        .idempotent("pay:1")
        .send("POST", &path, &[("payment_method", "pm_card_visa")]);
    let request = crate::world::header(&response, "Request-Id").unwrap();
    let created = &tenant.get("/v1/events?type=payment_intent.created")["data"][0];
    assert_eq!(created["data"]["object"]["status"], "requires_payment_method");
    let paid = &tenant.get("/v1/events?type=payment_intent.succeeded")["data"][0];
    assert_eq!(
        paid["request"],
        json!({ "id": request, "idempotency_key": "pay:1" })
    );
    assert_eq!(
        (&paid["account"], &paid["livemode"]),
        (&json!(tenant.account), &json!(false))
    );
    assert_eq!(
        (&paid["api_version"], &paid["pending_webhooks"]),
        (&json!(simulator::VERSION), &json!(0))
    );
    assert_eq!(tenant.get(&format!("/v1/events/{}", id(paid)))["id"], paid["id"]);
}

#[test]
fn events_are_listed_by_type_and_time() {
    let tenant = World::tenant();
    tenant.pay("4242424242424242");
    tenant.simulator.advance_ms(10_000);
    tenant.pay("4000000000000002");
    let count = |query: &str| {
        tenant.get(&format!("/v1/events?{query}"))["data"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(count("type=charge.*"), 3);
    assert_eq!(count("types[]=charge.failed&types[]=charge.succeeded"), 2);
    assert_eq!(count("created[gte]=1800000010"), 3);
    assert_eq!(count("created[lt]=1800000001"), 3);
    assert_eq!(count("created[gt]=1800000000&created[lte]=1800000009"), 1);
    assert_eq!(count("delivery_success=false"), 0);
    assert_eq!(tenant.ask("GET", "/v1/events?type=a.b&types[]=c.d", &[]).0, 400);
    let many: String = (0..21).map(|_| "types[]=a.b&").collect();
    let (status, body) = tenant.ask("GET", &format!("/v1/events?{many}"), &[]);
    assert_eq!((status, &body["error"]["code"]), (400, &Value::Null));
}

#[test]
fn events_can_be_read_for_thirty_days() {
    let world = World::platform();
    world.post("/v1/customers", &[]);
    let path = format!("/v1/events/{}", id(&world.get("/v1/events")["data"][0]));
    world.simulator.advance_ms(30 * 86_400_000);
    world.get(&path);
    world.simulator.advance_ms(1);
    assert_eq!(world.ask("GET", &path, &[]).0, 404);
    assert_eq!(world.get("/v1/events")["data"], json!([]));
}
