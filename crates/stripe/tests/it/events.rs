//! Envelopes of both forms, and every recorded payload of the last ten years of API versions.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use stripe::PaymentIntent;
use stripe::events::{self, Envelope, Kind, Malformed, parse, plain_type};

const SNAPSHOT: &[u8] = include_bytes!("../data/event-snapshot.json");
const THIN: &[u8] = include_bytes!("../data/event-thin.json");

#[test]
fn a_snapshot_carries_the_object() {
    let event = parse(SNAPSHOT).unwrap();
    let intent = PaymentIntent::from_value(event.object.as_ref().unwrap()).unwrap();
    assert_eq!(
        (intent.amount_received, intent.application_fee_amount),
        (12345, Some(370))
    );
    assert!(!format!("{event:?}").contains("_secret_"), "{event:?}");
    let expected = Envelope {
        id: "evt_1SWdemo0000000000000001".to_owned(),
        kind: Kind::Snapshot,
        type_: events::PAYMENT_INTENT_SUCCEEDED.to_owned(),
        account: Some("acct_1SWtenant000000001".to_owned()),
        livemode: false,
        created_ms: 1_763_899_999_000,
        api_version: Some(stripe::API_VERSION.to_owned()),
        object_id: Some("pi_3SWdemo0000000000000001".to_owned()),
        object_type: Some("payment_intent".to_owned()),
        object: event.object.clone(),
        related_object_url: None,
        snapshot_event: None,
        idempotency_key: Some("pay:inv_01JDEMO:1".to_owned()),
        request_id: Some("req_SWdemo00000001".to_owned()),
    };
    assert!(event == expected, "{event:?}");
}

#[test]
fn a_thin_event_names_the_object() {
    let event = parse(THIN).unwrap();
    let expected = Envelope {
        id: "evt_test_65SWdemo00000000000000016SWsim0SQ".to_owned(),
        kind: Kind::Thin,
        type_: "v1.payment_intent.succeeded".to_owned(),
        account: Some("acct_1SWtenant000000001".to_owned()),
        livemode: false,
        created_ms: 1_763_899_999_412,
        api_version: None,
        object_id: Some("pi_3SWdemo0000000000000001".to_owned()),
        object_type: Some("payment_intent".to_owned()),
        object: None,
        related_object_url: Some("/v1/payment_intents/pi_3SWdemo0000000000000001".to_owned()),
        snapshot_event: Some("evt_1SWdemo0000000000000001".to_owned()),
        idempotency_key: Some("pay:inv_01JDEMO:1".to_owned()),
        request_id: Some("req_SWdemo00000001".to_owned()),
    };
    assert!(event == expected, "{event:?}");
    assert_eq!(plain_type(&event.type_), events::PAYMENT_INTENT_SUCCEEDED);
    assert_eq!(plain_type("v2.core.account.updated"), "v2.core.account.updated");
    assert_eq!(plain_type(events::CHARGE_UPDATED), "charge.updated");
}

#[test]
fn every_recorded_event_is_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/tests/data/recorded-events");
    let mut read = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let body = fs::read(&path).unwrap();
        let event = parse(&body).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let raw: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            (event.kind, event.livemode),
            (Kind::Snapshot, false),
            "{}",
            path.display()
        );
        assert_eq!(raw["type"], json!(event.type_));
        assert_eq!(raw["created"].as_i64().map(|s| s * 1000), Some(event.created_ms));
        assert_eq!(raw["account"].as_str(), event.account.as_deref());
        assert_eq!(raw["data"]["object"]["id"].as_str(), event.object_id.as_deref());
        assert_eq!(
            raw["data"]["object"]["object"].as_str(),
            event.object_type.as_deref()
        );
        read += 1;
    }
    assert_eq!(read, 105);
}

#[test]
fn an_event_needs_little() {
    let bare = br#"{"id":"evt_1","object":"event","type":"balance.available"}"#;
    let event = parse(bare).unwrap();
    assert_eq!(
        (event.created_ms, event.livemode, event.account),
        (0, false, None)
    );
    assert!(event.object.is_none() && event.object_id.is_none() && event.request_id.is_none());

    let old = br#"{"id":"evt_1","object":"event","type":"x","request":"iar_1","created":9223372036854775807,
                   "data":{"object":"odd"},"account":null,"livemode":true}"#;
    let event = parse(old).unwrap();
    assert_eq!(
        (event.request_id.as_deref(), event.created_ms, event.livemode),
        (Some("iar_1"), 0, true)
    );

    let thin = br#"{"id":"evt_1","object":"v2.core.event","type":"v1.account.application.deauthorized",
                    "created":"yesterday","reason":null}"#;
    let event = parse(thin).unwrap();
    assert_eq!(plain_type(&event.type_), events::ACCOUNT_APPLICATION_DEAUTHORIZED);
    assert_eq!(
        (event.created_ms, event.object_id, event.related_object_url),
        (0, None, None)
    );
}

#[test]
fn what_is_not_an_event_is_named() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let long = format!(r#"{{"id":"{}","object":"event","type":"x"}}"#, "e".repeat(256));
    for (body, malformed) in [
        (b"".as_slice(), Malformed::NotJson),
        (b"{", Malformed::NotJson),
        (b"\xff\xfe", Malformed::NotJson),
        (b"{\"id\":\"\xff\"}", Malformed::NotJson),
        (deep.as_bytes(), Malformed::NotJson),
        (b"null", Malformed::NotAnEvent),
        (b"[]", Malformed::NotAnEvent),
        (b"{}", Malformed::NotAnEvent),
        (
            br#"{"id":"pi_1","object":"payment_intent","type":"x"}"#,
            Malformed::NotAnEvent,
        ),
        (br#"{"object":"event","type":"x"}"#, Malformed::Field("id")),
        (br#"{"id":5,"object":"event","type":"x"}"#, Malformed::Field("id")),
        (
            br#"{"id":"","object":"event","type":"x"}"#,
            Malformed::Field("id"),
        ),
        (
            br#"{"id":"a\u0000","object":"event","type":"x"}"#,
            Malformed::Field("id"),
        ),
        (long.as_bytes(), Malformed::Field("id")),
        (br#"{"id":"evt_1","object":"event"}"#, Malformed::Field("type")),
        (
            br#"{"id":"evt_1","object":"v2.core.event","type":"a b"}"#,
            Malformed::Field("type"),
        ),
        (
            br#"{"id":"evt_1","object":"event","type":"x","account":{}}"#,
            Malformed::Field("account"),
        ),
        (
            br#"{"id":"evt_1","object":"v2.core.event","type":"x","context":7}"#,
            Malformed::Field("context"),
        ),
    ] {
        let start = String::from_utf8_lossy(&body[..body.len().min(60)]);
        assert_eq!(parse(body).err(), Some(malformed), "{start}");
    }
}

#[test]
fn a_raw_body_keeps_every_byte_but_those_of_client_secrets() {
    let body = "{\"id\": \"evt_1\",\n \"data\": {\"object\": {\"client_secret\": \"pi_1_secret_x\",
        \"lines\": [{\"client_secret\": \"pi_2_secret_y\"}], \"description\": \"client_secret\"}}}";
    let expected = body
        .replace("pi_1_secret_x", "removed")
        .replace("pi_2_secret_y", "removed");
    assert_eq!(stripe::client::mask_client_secrets(body), expected);
    for kept in [
        "no json",
        "{\"client_secret\": null}",
        "{\"client_secret\": \"\"}",
    ] {
        assert_eq!(stripe::client::mask_client_secrets(kept), kept);
    }
}
