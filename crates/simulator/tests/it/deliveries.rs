//! Webhooks: to whom, signed how, tried how often.

use crate::world::{LIVE_SECRET, START_MS, TEST_SECRET, World, config, endpoint, id};
use serde_json::{Value, json};
use simulator::{Delivery, Kind, Outcome, signature};

/// A tenant of a platform with one endpoint of each sort in each mode.
fn world(livemode: bool) -> World {
    let mut config = config();
    for live in [false, true] {
        let mode = if live { "live" } else { "test" };
        for connect in [false, true] {
            let whose = if connect { "connect" } else { "platform" };
            let url = format!("http://127.0.0.1:9000/{mode}/{whose}");
            config
                .endpoints
                .push(endpoint(&url, live, connect, Kind::Snapshot));
        }
    }
    let world = World::new(config);
    if livemode {
        world.live().with_tenant(true)
    } else {
        world.with_tenant(false)
    }
}

fn sent(deliveries: &[Delivery]) -> Vec<(&str, &str)> {
    deliveries
        .iter()
        .map(|one| (one.url.rsplit(":9000").next().unwrap(), one.event_type.as_str()))
        .collect()
}

fn signature_of(delivery: &Delivery) -> &str {
    &delivery
        .headers
        .iter()
        .find(|(name, _)| name == "Stripe-Signature")
        .unwrap()
        .1
}

#[test]
fn the_signature_vectors_hold() {
    let secret = "whsec_test_5f1e2d3c4b5a69788796a5b4c3d2e1f0";
    let cases: [(&str, &[u8], &str); 3] = [
        (
            "whsec_test_secret",
            br#"{"id":"evt_test"}"#,
            "f514b39d2a553bb69bada753166bf1a172d2a3846e9b4750875e4a3e415e57b8",
        ),
        (
            secret,
            include_bytes!("../data/event-snapshot.json"),
            "e543aa41165a2947cf228d5630fc5586b5b20545562255378f8dd2e09ec9d751",
        ),
        (
            secret,
            include_bytes!("../data/event-thin.json"),
            "4c284a8e7e480921d3f2ce145f5c285b634a12a48b392f84c9b6539d7c92f562",
        ),
    ];
    for (secret, body, v1) in cases {
        assert_eq!(
            signature(secret, 1763900000, body, false),
            format!("t=1763900000,v1={v1}")
        );
        let in_test = signature(secret, 1763900000, body, true);
        assert!(
            in_test.starts_with(&format!("t=1763900000,v1={v1},v0=")),
            "a decoy follows: {in_test}"
        );
    }
}

#[test]
fn test_events_go_to_the_live_connect_endpoint_too_and_live_ones_never_to_test() {
    let tenant = world(false);
    tenant.pay("4242424242424242");
    let due = tenant.deliver();
    assert_eq!(
        sent(&due),
        [
            ("/test/connect", "payment_intent.created"),
            ("/live/connect", "payment_intent.created"),
            ("/test/platform", "application_fee.created"),
            ("/test/connect", "charge.succeeded"),
            ("/live/connect", "charge.succeeded"),
            ("/test/connect", "payment_intent.succeeded"),
            ("/live/connect", "payment_intent.succeeded"),
        ]
    );
    for delivery in &due {
        let secret = if delivery.url.contains("/live/") {
            LIVE_SECRET
        } else {
            TEST_SECRET
        };
        assert_eq!(
            signature_of(delivery),
            signature(secret, START_MS / 1000, &delivery.body, true)
        );
        assert!(!delivery.livemode);
        let body: Value = serde_json::from_slice(&delivery.body).unwrap();
        assert_eq!(body["livemode"], false);
        assert_eq!(
            body["account"].as_str(),
            tenant.account.as_deref().filter(|_| delivery.connect)
        );
        assert_eq!(
            serde_json::to_vec_pretty(&body).unwrap(),
            delivery.body,
            "two spaces"
        );
    }
    let tenant = world(true);
    tenant.pay("4000009900000004");
    let due = tenant.deliver();
    assert!(
        due.iter()
            .all(|delivery| delivery.url.contains("/live/") && delivery.livemode)
    );
    assert_eq!(due.len(), 4);
    assert!(!signature_of(&due[0]).contains("v0="), "no decoy in live mode");
}

#[test]
fn an_endpoint_gets_the_events_it_asked_for() {
    let platform = World::platform();
    let form = [
        ("url", "http://127.0.0.1:9000/a"),
        ("connect", "true"),
        ("enabled_events[]", "charge.succeeded"),
    ];
    let made = platform.post("/v1/webhook_endpoints", &form);
    let tenant = platform.with_tenant(false);
    tenant.pay("4242424242424242");
    let due = tenant.deliver();
    assert_eq!(sent(&due), [("/a", "charge.succeeded")]);
    let secret = made["secret"].as_str().unwrap();
    assert_eq!(
        signature_of(&due[0]),
        signature(secret, START_MS / 1000, &due[0].body, true)
    );
}

#[test]
fn a_thin_endpoint_gets_what_happened_only() {
    let mut config = config();
    config
        .endpoints
        .push(endpoint("http://127.0.0.1:9000/thin", false, true, Kind::Thin));
    let tenant = World::new(config).with_tenant(false).idempotent("pay:1");
    let intent = tenant.post("/v1/payment_intents", &[("amount", "1000"), ("currency", "usd")]);
    let due = tenant.deliver();
    let body: Value = serde_json::from_slice(&due[0].body).unwrap();
    assert!(body["id"].as_str().unwrap().starts_with("evt_test_65"));
    assert_eq!(body["snapshot_event"], due[0].event_id);
    let expected = json!({
        "id": body["id"], "object": "v2.core.event", "context": tenant.account,
        "created": "2027-01-15T08:00:00.000Z",
        "livemode": false,
        "reason": {
            "type": "request",
            "request": { "id": body["reason"]["request"]["id"], "idempotency_key": "pay:1" },
        },
        "related_object": {
            "id": id(&intent), "type": "payment_intent",
            "url": format!("/v1/payment_intents/{}", id(&intent)),
        },
        "snapshot_event": due[0].event_id, "type": "v1.payment_intent.created",
    });
    assert_eq!(body, expected);
}

/// One endpoint, one event on its way.
fn one(livemode: bool) -> World {
    let mut config = config();
    config.endpoints.push(endpoint(
        "http://127.0.0.1:9000/a",
        livemode,
        true,
        Kind::Snapshot,
    ));
    let world = World::new(config);
    let tenant = if livemode {
        world.live().with_tenant(true)
    } else {
        world.with_tenant(false)
    };
    tenant.intent();
    tenant
}

#[test]
fn a_failed_delivery_is_tried_three_times_in_test_mode() {
    let tenant = one(false);
    let mut times = Vec::new();
    let mut signatures = Vec::new();
    for outcome in [
        Outcome::Answered(500),
        Outcome::Answered(302),
        Outcome::Failed("refused".into()),
    ] {
        let due = tenant.simulator.due_deliveries();
        assert_eq!(due.len(), 1, "{outcome:?}");
        assert_eq!(
            tenant.simulator.due_deliveries().len(),
            0,
            "it is out until it is reported"
        );
        times.push(tenant.simulator.now_ms() - START_MS);
        signatures.push(signature_of(&due[0]).to_owned());
        tenant.simulator.report_delivery(due[0].id, outcome);
        assert_eq!(tenant.simulator.due_deliveries().len(), 0);
        tenant.simulator.advance_ms(7_200_000);
    }
    assert_eq!(times, [0, 7_200_000, 14_400_000]);
    signatures.dedup();
    assert_eq!(signatures.len(), 3, "each try is signed anew");
    assert!(tenant.simulator.due_deliveries().is_empty(), "given up");
    let log = tenant.control("GET", "/_simulator/deliveries", &json!({}));
    assert_eq!(
        (&log["data"][0]["status"], &log["data"][0]["tries"]),
        (&json!("given up"), &json!(3))
    );
    assert_eq!(tenant.get("/v1/events")["data"][0]["pending_webhooks"], 0);
}

#[test]
fn in_live_mode_it_is_tried_for_three_days_with_growing_pauses() {
    let tenant = one(true);
    let mut times = Vec::new();
    for _ in 0..400 {
        for delivery in tenant.simulator.due_deliveries() {
            times.push((tenant.simulator.now_ms() - START_MS) / 1000);
            tenant
                .simulator
                .report_delivery(delivery.id, Outcome::Failed("no answer".into()));
        }
        tenant
            .simulator
            .advance_ms(if times.len() < 4 { 10_000 } else { 1_000_000 });
    }
    assert!((7..=10).contains(&times.len()), "{times:?}");
    assert!(
        times
            .windows(3)
            .all(|three| three[2] - three[1] > three[1] - three[0]),
        "{times:?}"
    );
    assert!(*times.last().unwrap() <= 259_200, "{times:?}");
}

#[test]
fn pending_webhooks_counts_what_has_not_arrived() {
    let tenant = one(false);
    let pending = |tenant: &World| tenant.get("/v1/events")["data"][0]["pending_webhooks"].clone();
    assert_eq!(pending(&tenant), 1);
    let due = tenant.simulator.due_deliveries();
    let body: Value = serde_json::from_slice(&due[0].body).unwrap();
    assert_eq!(body["pending_webhooks"], 1);
    assert_eq!(
        tenant.get("/v1/events?delivery_success=false")["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    tenant
        .simulator
        .report_delivery(due[0].id, Outcome::Answered(204));
    assert_eq!(pending(&tenant), 0);
    tenant
        .simulator
        .report_delivery(due[0].id, Outcome::Answered(500));
    assert_eq!(pending(&tenant), 0, "a second report changes nothing");
}

#[test]
fn a_delivery_can_be_sent_again() {
    let tenant = one(false);
    let first = tenant.deliver();
    let path = format!("/_simulator/deliveries/{}/resend", first[0].id);
    assert_eq!(tenant.control("POST", &path, &json!({}))["deliveries"], 1);
    let again = tenant.deliver();
    assert_eq!(
        (&again[0].event_id, again[0].id != first[0].id),
        (&first[0].event_id, true)
    );
    let path = format!("/_simulator/events/{}/resend", first[0].event_id);
    assert_eq!(tenant.control("POST", &path, &json!({}))["deliveries"], 1);
    assert_eq!(tenant.deliver().len(), 1);
}

#[test]
fn deliveries_go_wrong_as_asked() {
    let faulty = |effect: &str, count: u64| {
        let mut config = config();
        config
            .endpoints
            .push(endpoint("http://127.0.0.1:9000/a", false, true, Kind::Snapshot));
        let tenant = World::new(config).with_tenant(false);
        let fault =
            json!({ "delivery": effect, "event": "payment_intent", "delay_ms": 4000, "count": count });
        tenant.control("POST", "/_simulator/faults", &fault);
        tenant.pay("4242424242424242");
        tenant
    };
    let (created, charged, paid) = (
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
    );
    let types =
        |tenant: &World| -> Vec<String> { tenant.deliver().into_iter().map(|one| one.event_type).collect() };
    assert_eq!(
        types(&faulty("duplicate", 2)),
        [created, created, charged, paid, paid]
    );
    assert_eq!(types(&faulty("reorder", 2)), [charged, paid, created]);
    let late = faulty("delay", 1);
    assert_eq!(types(&late), [charged, paid]);
    late.simulator.advance_ms(4_000);
    assert_eq!(types(&late), ["charge.updated", created]);
    let dropped = faulty("drop", 2);
    assert_eq!(types(&dropped), [charged]);
    dropped.simulator.advance_ms(60_000);
    assert_eq!(types(&dropped), ["charge.updated", created, paid], "tried again");
}

#[test]
fn an_endpoint_can_come_later() {
    let platform = World::platform();
    let url = "http://127.0.0.1:9000/b";
    let body = json!({ "url": url, "secret": TEST_SECRET, "livemode": false, "connect": false });
    let first = platform.control("POST", "/_simulator/endpoints", &body);
    assert_eq!(
        platform.control("POST", "/_simulator/endpoints", &body),
        first,
        "the same is the same"
    );
    platform.post("/v1/customers", &[]);
    assert_eq!(sent(&platform.deliver()), [("/b", "customer.created")]);
}
