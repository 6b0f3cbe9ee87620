//! Wrong requests: each gets Stripe's answer, and none a 500.

use crate::world::{World, header, id};
use serde_json::{Value, json};
use simulator::Request;

#[test]
fn keys_are_checked_first() {
    let world = World::platform();
    let bare = Request {
        method: "GET".into(),
        path: "/v1/customers".into(),
        ..Request::default()
    };
    let with = |authorization: &str| Request {
        headers: vec![("Authorization".into(), authorization.into())],
        ..bare.clone()
    };
    assert_eq!(world.simulator.call(&bare).status, 401);
    for (authorization, status) in [
        ("Bearer not_a_key", 401),
        ("Bearer sk_test_", 401),
        ("Bearer ", 401),
        ("Basic !!!", 401),
        ("Bearer sk_test_x", 200),
        ("bearer rk_test_x", 200),
        // `sk_test_x:` in base 64.
        ("Basic c2tfdGVzdF94Og==", 200),
    ] {
        assert_eq!(
            world.simulator.call(&with(authorization)).status,
            status,
            "{authorization}"
        );
    }
    let response = world.simulator.call(&with("Bearer not_a_key"));
    let body: Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(body["error"]["message"], "Invalid API Key provided: not_a_key");
}

#[test]
fn versions_are_echoed_and_unknown_ones_refused() {
    let world = World::platform();
    let answered = |version| world.version(version).send("GET", "/v1/customers", &[]);
    assert_eq!(
        header(&answered(None), "Stripe-Version"),
        Some(simulator::VERSION)
    );
    assert_eq!(
        header(&answered(Some("2020-08-27")), "Stripe-Version"),
        Some("2020-08-27")
    );
    for wrong in ["latest", "2099-01-01.later", "2026-10-28.", "20261028"] {
        assert_eq!(answered(Some(wrong)).status, 400, "{wrong}");
    }
}

#[test]
fn unknown_routes_and_parameters_are_named() {
    let world = World::platform();
    for (method, path) in [
        ("GET", "/v1/issuing/cards"),
        ("GET", "/v1/refunds/search"),
        ("POST", "/v1/charges/search"),
        ("DELETE", "/v1/charges/ch_1"),
        ("PUT", "/v1/customers"),
        ("GET", "/v1"),
        ("POST", "/"),
        ("GET", "/v2/core/nothing"),
        ("GET", "/v1/payment_intents/pi_1/a/b/c"),
    ] {
        let (status, body) = world.ask(method, path, &[]);
        assert_eq!(status, 404, "{method} {path}");
        let message = body["error"]["message"].as_str().unwrap();
        assert!(
            message.starts_with(&format!("Unrecognized request URL ({method}: {path})")),
            "{message}"
        );
    }
    let wrong = [
        ("/v1/customers", "colour", "colour"),
        ("/v1/customers", "address[planet]", "address[planet]"),
        ("/v1/payment_intents", "gift", "gift"),
        ("/v1/webhook_endpoints", "gift", "gift"),
    ];
    for (path, name, param) in wrong {
        let form = [
            ("amount", "100"),
            ("currency", "usd"),
            ("url", "https://a.example"),
            ("enabled_events[]", "*"),
            (name, "x"),
        ];
        let form: Vec<_> = match path {
            "/v1/customers" => form[4..].to_vec(),
            "/v1/payment_intents" => [&form[..2], &form[4..]].concat(),
            _ => form[2..].to_vec(),
        };
        let error = world.refused(400, path, &form);
        assert_eq!(
            (&error["code"], &error["param"]),
            (&json!("parameter_unknown"), &json!(param)),
            "{path}"
        );
    }
}

#[test]
fn bodies_that_are_no_form_are_refused() {
    let world = World::platform();
    let long = "x".repeat(5_001);
    let deep = format!("a{}=1", "[b]".repeat(50));
    let many = "a=1&".repeat(1_500);
    let cases = [
        "amount=1&amount[a]=2",
        "a[b=1",
        "a]b[=1",
        "=1",
        "[a]=1",
        "metadata=x",
        "metadata[a][b]=x",
        "metadata[]=x&metadata[][y]=z",
        "expand=latest_charge",
        "email[a]=b",
        "address=x",
        "%FF=1",
        "name=%ff%fe",
        deep.as_str(),
        many.as_str(),
    ];
    for case in cases {
        let mut request = world.request("POST", "/v1/customers", &[]);
        request.body = case.as_bytes().to_vec();
        assert_eq!(
            world.simulator.call(&request).status,
            400,
            "{}",
            &case[..case.len().min(40)]
        );
    }
    for bytes in [
        &b"\x00\x01\xff=%"[..],
        &b"%"[..],
        &b"a=%4"[..],
        &b"{\"json\": true}"[..],
    ] {
        let mut request = world.request("POST", "/v1/customers", &[]);
        request.body = bytes.to_vec();
        assert_eq!(world.simulator.call(&request).status, 400, "{bytes:?}");
    }
    world.refused(400, "/v1/customers", &[("name", &long)]);
    world.refused(400, "/v1/customers", &[("metadata[k]", &"v".repeat(501))]);
    world.refused(
        400,
        "/v1/customers",
        &[(&format!("metadata[{}]", "k".repeat(41)), "v")],
    );
    let names: Vec<String> = (0..51).map(|number| format!("metadata[k{number}]")).collect();
    let form: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "v")).collect();
    world.refused(400, "/v1/customers", &form);
    assert_eq!(world.get("/v1/customers")["data"], json!([]), "nothing was made");
}

#[test]
fn lists_are_written_in_three_ways() {
    let world = World::platform();
    for names in [
        ["preferred_locales[0]", "preferred_locales[1]"],
        ["preferred_locales[]"; 2],
    ] {
        let made = world.post("/v1/customers", &[(names[0], "de"), (names[1], "fr")]);
        assert_eq!(made["preferred_locales"], json!(["de", "fr"]));
    }
    let mut request = world.request("POST", "/v1/customers", &[]);
    request.body = b"preferred_locales%5B1%5D=fr&preferred_locales%5B0%5D=de&name=a+b%2Bc".to_vec();
    let made: Value = serde_json::from_slice(&world.simulator.call(&request).body).unwrap();
    assert_eq!(
        (&made["preferred_locales"], &made["name"]),
        (&json!(["de", "fr"]), &json!("a b+c"))
    );
}

#[test]
fn what_needs_a_confirmation_is_refused_without_one() {
    let tenant = World::tenant();
    for (name, value) in [
        ("confirmation_token", "ctoken_x"),
        ("off_session", "true"),
        ("return_url", "https://a.example"),
        ("error_on_requires_action", "true"),
    ] {
        let form = [("amount", "1000"), ("currency", "usd"), (name, value)];
        assert_eq!(tenant.refused(400, "/v1/payment_intents", &form)["param"], name);
    }
    let intent = tenant.intent();
    let confirm = format!("/v1/payment_intents/{}/confirm", id(&intent));
    assert_eq!(
        tenant.refused(400, &confirm, &[])["code"],
        "payment_intent_unexpected_state",
        "no card"
    );
    let two = [
        ("payment_method", "pm_card_visa"),
        ("confirmation_token", "ctoken_x"),
    ];
    assert_eq!(
        tenant.refused(400, &confirm, &two)["code"],
        "parameters_exclusive"
    );
    let wrong = [("payment_method", "pm_card_visa"), ("amount_to_confirm", "1")];
    assert_eq!(
        tenant.refused(400, &confirm, &wrong)["param"],
        "amount_to_confirm"
    );
    assert_eq!(
        tenant.refused(400, &confirm, &[("payment_method", "pm_card_golden")])["code"],
        "resource_missing"
    );
    let automatic = tenant.post("/v1/payment_intents", &[("amount", "1000"), ("currency", "usd")]);
    let confirm = format!("/v1/payment_intents/{}/confirm", id(&automatic));
    let error = tenant.refused(400, &confirm, &[("payment_method", "pm_card_visa")]);
    assert!(error["message"].as_str().unwrap().contains("`return_url`"));
    let form = [
        ("payment_method", "pm_card_visa"),
        ("return_url", "https://a.example"),
    ];
    assert_eq!(tenant.post(&confirm, &form)["status"], "succeeded");
}

#[test]
fn the_control_api_refuses_what_it_does_not_know() {
    let world = World::platform();
    for (path, body) in [
        ("/_simulator/nothing", json!({})),
        ("/_simulator/clock", json!({ "advance_ms": -1 })),
        ("/_simulator/clock", json!({ "advance_ms": i64::MAX })),
        ("/_simulator/clock", json!({})),
        ("/_simulator/accounts", json!({ "colour": "red" })),
        ("/_simulator/accounts", json!({ "default_currency": "xyz" })),
        ("/_simulator/accounts/acct_x", json!({})),
        ("/_simulator/faults", json!({})),
        ("/_simulator/faults", json!({ "effect": "delay" })),
        ("/_simulator/faults", json!({ "effect": "explode" })),
        ("/_simulator/deliveries/1/resend", json!({})),
        ("/_simulator/deliveries/x/resend", json!({})),
        ("/_simulator/events/evt_x/resend", json!({})),
        (
            "/_simulator/payment_intents/pi_x/challenge",
            json!({ "outcome": "complete" }),
        ),
        ("/_simulator/endpoints", json!({ "url": "x" })),
    ] {
        let (status, _) = world.control_status("POST", path, &body);
        assert!((400..=404).contains(&status), "{path} {body}: {status}");
    }
}
