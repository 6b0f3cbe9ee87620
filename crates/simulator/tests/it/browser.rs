//! What a browser may do: the shim and its frames, and the calls under the publishable key.

use crate::world::{World, header, id};
use serde_json::{Value, json};

#[test]
fn the_shim_and_its_frames_are_served() {
    let world = World::platform();
    for path in [
        "/endive/stripe.js",
        "/v3/stripe.js",
        "/v3/",
        "/frame/payment.js",
        "/frame/challenge.js",
    ] {
        let response = world.send("GET", path, &[]);
        assert_eq!(response.status, 200, "{path}");
        assert!(
            header(&response, "Content-Type")
                .unwrap()
                .starts_with("text/javascript"),
            "{path}"
        );
    }
    for path in ["/frame/payment", "/frame/controller", "/frame/challenge"] {
        let response = world.send("GET", path, &[]);
        let page = String::from_utf8(response.body.clone()).unwrap();
        assert!(
            !page.contains("style=") && !page.contains("<script>"),
            "{path} keeps its own policy"
        );
        assert!(
            header(&response, "Content-Security-Policy")
                .unwrap()
                .contains("script-src 'self'")
        );
    }
    assert_eq!(world.send("GET", "/frame/other", &[]).status, 404);
}

#[test]
fn the_frame_ends_an_authentication_by_the_client_secret() {
    let tenant = World::tenant();
    let (_, waiting) = tenant.pay("4000002500003155");
    let secret = waiting["client_secret"].as_str().unwrap();
    let wrong = format!("{}x", secret);
    for (secret, status) in [
        ("", 400),
        (wrong.as_str(), 404),
        ("pi_x_secret_y", 404),
        (secret, 200),
        (secret, 400),
    ] {
        let response = tenant.send(
            "POST",
            "/frame/challenge",
            &[("client_secret", secret), ("outcome", "complete")],
        );
        assert_eq!(response.status, status, "{secret}");
    }
    assert_eq!(
        tenant.get(&format!("/v1/payment_intents/{}", id(&waiting)))["status"],
        "succeeded"
    );
}

#[test]
fn a_publishable_key_sees_little_and_only_with_the_secret() {
    let tenant = World::tenant();
    let intent = tenant.intent();
    let browser = tenant.key("pk_test_psapay_demo");
    let path = format!("/v1/payment_intents/{}", id(&intent));
    let secret = intent["client_secret"].as_str().unwrap();
    let (status, seen) = browser.ask("GET", &path, &[("client_secret", secret)]);
    assert_eq!(
        (status, &seen["status"]),
        (200, &json!("requires_payment_method"))
    );
    assert_eq!(
        (&seen["metadata"], &seen["application_fee_amount"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(browser.ask("GET", &path, &[]).0, 400);
    assert_eq!(
        browser.ask("GET", &path, &[("client_secret", "pi_1_secret_2")]).0,
        400
    );
    assert_eq!(
        browser
            .on_platform()
            .ask("GET", &path, &[("client_secret", secret)])
            .0,
        404,
        "not its account"
    );
    for (method, path) in [
        ("GET", "/v1/payment_intents"),
        ("GET", "/v1/charges"),
        ("POST", "/v1/payment_intents"),
    ] {
        let (status, body) = browser.ask(method, path, &[]);
        assert_eq!(
            (status, &body["error"]["code"]),
            (401, &json!("secret_key_required")),
            "{method} {path}"
        );
    }
}

#[test]
fn the_classic_way_confirms_from_the_browser() {
    let tenant = World::tenant();
    let intent = tenant.intent();
    let mut form = crate::world::card_form("4242424242424242").to_vec();
    form.extend([
        ("client_secret", intent["client_secret"].as_str().unwrap()),
        ("use_stripe_sdk", "true"),
    ]);
    let path = format!("/v1/payment_intents/{}/confirm", id(&intent));
    let paid = tenant.key("pk_test_psapay_demo").post(&path, &form);
    assert_eq!(paid["status"], "succeeded");
    assert_eq!(paid["metadata"], Value::Null);
    let card = tenant
        .control("GET", "/_simulator/requests", &Value::Null)
        .to_string();
    assert!(!card.contains("4242424242424242"), "no card number in the log");
}
