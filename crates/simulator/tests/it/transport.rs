//! What stands around every request: versions, kinds of bodies, keys, limits and what says to try again.

use crate::world::{World, header, id};
use serde_json::{Value, json};
use simulator::Request;

fn posted(world: &World, path: &str, kind: Option<&str>, body: &str) -> (u16, Value) {
    let mut request = world.request("POST", path, &[]);
    request.body = body.as_bytes().to_vec();
    request
        .headers
        .extend(kind.map(|kind| ("content-type".to_owned(), kind.to_owned())));
    let response = world.simulator.call(&request);
    (response.status, serde_json::from_slice(&response.body).unwrap())
}

#[test]
fn bodies_of_v1_are_forms() {
    let world = World::platform();
    let form = "application/x-www-form-urlencoded";
    for kind in [
        None,
        Some(form),
        Some(&format!("{form}; charset=utf-8")),
        Some(&form.to_uppercase()),
    ] {
        let kind: Option<&str> = kind.map(|kind: &str| kind);
        assert_eq!(posted(&world, "/v1/customers", kind, "name=a").0, 200, "{kind:?}");
    }
    for kind in [
        "application/json",
        "multipart/form-data; boundary=x",
        "text/plain",
    ] {
        let (status, body) = posted(&world, "/v1/customers", Some(kind), "{\"name\": \"a\"}");
        let message = body["error"]["message"].as_str().unwrap();
        assert_eq!(status, 400, "{kind}");
        assert!(
            message.starts_with("Invalid request (check that your POST content type is"),
            "{message}"
        );
        assert_eq!(body["error"]["type"], "invalid_request_error");
    }
}

#[test]
fn releases_are_named_as_stripe_names_them() {
    let world = World::platform();
    let status = |version| {
        world
            .version(Some(version))
            .send("GET", "/v1/customers", &[])
            .status
    };
    for known in [
        "2012-11-07",
        "2020-08-27",
        "2024-06-20",
        "2024-12-18.acacia",
        "2025-07-30.basil",
        "2026-02-25.clover",
        "2026-08-26.dahlia",
        "2026-08-26.preview",
        "2026-10-28.endive",
    ] {
        assert_eq!(status(known), 200, "{known}");
    }
    for wrong in [
        "2026-08-26.clover",
        "1999-01-01",
        "2024-06-20.acacia",
        "2025-07-30",
        "2026-10-28.basil",
        "2026-1a-28.endive",
    ] {
        assert_eq!(status(wrong), 400, "{wrong}");
    }
}

#[test]
fn a_wrong_key_is_said_back_as_stripe_does() {
    let world = World::platform();
    for (key, said) in [
        ("not_a_key", "not_a_key"),
        ("zk_test_51H8abcdefghijWXYZ", "zk_test_**************WXYZ"),
    ] {
        let response = world.key(key).send("GET", "/v1/customers", &[]);
        let body: Value = serde_json::from_slice(&response.body).unwrap();
        assert_eq!(response.status, 401);
        assert_eq!(
            body["error"]["message"],
            format!("Invalid API Key provided: {said}")
        );
        assert!(body["error"].get("code").is_none());
        assert_eq!(
            header(&response, "WWW-Authenticate"),
            Some("Bearer realm=\"Stripe\"")
        );
    }
}

#[test]
fn wrong_values_are_said_back() {
    let world = World::platform();
    for (form, message) in [
        (
            &[("name[]", "a"), ("name[]", "b")][..],
            "Invalid string: {\"0\":\"a\",\"1\":\"b\"}",
        ),
        (&[("colour", "a")], "Received unknown parameter: colour"),
        (
            &[("colour", "a"), ("shape", "b")],
            "Received unknown parameters: colour, shape",
        ),
        (
            &[("tax_exempt", "x")],
            "Invalid tax_exempt: must be one of none, exempt, or reverse",
        ),
    ] {
        assert_eq!(world.refused(400, "/v1/customers", form)["message"], message);
    }
}

#[test]
fn expansions_are_checked_where_they_set_out() {
    let world = World::platform();
    let said = |path: &str, expand: &str| {
        let (status, body) = world.ask("GET", path, &[("expand[]", expand)]);
        (status, body["error"]["message"].as_str().map(str::to_owned))
    };
    for (path, expand, message) in [
        (
            "/v1/payment_intents/pi_x",
            "bogus",
            "This property cannot be expanded (bogus).",
        ),
        (
            "/v1/payment_intents",
            "customer",
            "This property cannot be expanded (customer). You may want to try expanding 'data.customer' \
             instead.",
        ),
        (
            "/v1/payment_intents",
            "data.bogus",
            "This property cannot be expanded (data.bogus).",
        ),
        (
            "/v1/payment_intents",
            "data.a.b.c.d",
            "You cannot expand more than 4 levels of a property. Property: data.a.b.c.d",
        ),
    ] {
        assert_eq!(
            said(path, expand),
            (400, Some(message.to_owned())),
            "{path} {expand}"
        );
    }
    for expand in ["data", "data.customer", "data.customer.anything"] {
        assert_eq!(said("/v1/payment_intents", expand).0, 200, "{expand}");
    }
}

#[test]
fn a_key_belongs_to_an_endpoint_and_to_parameters_however_written() {
    let world = World::platform().idempotent("once");
    let send = |path: &str, body: &str| {
        let mut request = world.request("POST", path, &[]);
        request.body = body.as_bytes().to_vec();
        let response = world.simulator.call(&request);
        let body: Value = serde_json::from_slice(&response.body).unwrap();
        (
            response.status,
            header(&response, "Idempotent-Replayed").is_some(),
            body,
        )
    };
    let (_, _, first) = send("/v1/customers", "name=a&preferred_locales[0]=de&email=b%40c.de");
    for same in [
        "name=a&email=b@c.de&preferred_locales[]=de",
        "email=b%40c%2Ede&preferred_locales%5B0%5D=de&name=a",
    ] {
        let (status, replayed, body) = send("/v1/customers", same);
        assert_eq!(
            (status, replayed, &body["id"]),
            (200, true, &first["id"]),
            "{same}"
        );
    }
    let (status, _, body) = send("/v1/payment_intents", "amount=100&currency=usd");
    assert_eq!(status, 400);
    assert_eq!(
        body["error"]["message"],
        "Keys for idempotent requests can only be used for the same endpoint they were first used for \
         ('/v1/payment_intents' vs '/v1/customers'). Try using a key other than 'once' if you meant to \
         execute a different request."
    );
    let customer = World {
        idempotency_key: None,
        ..world.clone()
    };
    customer.ask("DELETE", &format!("/v1/customers/{}", id(&first)), &[]);
    let (status, replayed, _) = send("/v1/customers", "name=a&email=b@c.de&preferred_locales[]=de");
    assert_eq!(
        (status, replayed),
        (200, true),
        "the answer outlives what it made"
    );
}

#[test]
fn the_limiter_is_off_until_it_is_armed() {
    let world = World::platform();
    let status = |world: &World| world.send("GET", "/v1/customers", &[]).status;
    assert!((0..60).all(|_| status(&world) == 200));
    world.control("POST", "/_simulator/limiter", &json!({}));
    assert!((0..25).all(|_| status(&world) == 200));
    let refused = world.idempotent("k").send("POST", "/v1/customers", &[]);
    let body: Value = serde_json::from_slice(&refused.body).unwrap();
    assert_eq!(
        (refused.status, &body["error"]["code"]),
        (429, &json!("rate_limit"))
    );
    assert_eq!(
        header(&refused, "Stripe-Rate-Limited-Reason"),
        Some("global-rate")
    );
    assert_eq!(status(&world.live()), 200, "each mode has its own");
    world.simulator.advance_ms(1_000);
    assert_eq!(
        world.idempotent("k").send("POST", "/v1/customers", &[]).status,
        200,
        "nothing was kept"
    );
    world.control("POST", "/_simulator/limiter", &json!({ "test_per_s": 2 }));
    assert_eq!([(); 3].map(|()| status(&world)), [200, 200, 429]);
    world.control("DELETE", "/_simulator/limiter", &json!({}));
    assert_eq!(status(&world), 200);
}

#[test]
fn a_lock_says_try_again_and_a_kept_refusal_says_do_not() {
    let world = World::platform();
    world.control("POST", "/_simulator/faults", &json!({ "effect": "lock_timeout" }));
    let locked = world.send("POST", "/v1/customers", &[]);
    let body: Value = serde_json::from_slice(&locked.body).unwrap();
    assert_eq!(
        (locked.status, &body["error"]["code"]),
        (429, &json!("lock_timeout"))
    );
    assert_eq!(header(&locked, "Stripe-Should-Retry"), Some("true"));
    assert_eq!(header(&locked, "Stripe-Rate-Limited-Reason"), None);
    let tenant = World::tenant();
    let intent = tenant.intent();
    let path = format!("/v1/payment_intents/{}/confirm", id(&intent));
    let form = [("payment_method", "pm_card_chargeDeclined")];
    let declined = tenant.idempotent("c").send("POST", &path, &form);
    assert_eq!(
        (declined.status, header(&declined, "Stripe-Should-Retry")),
        (402, Some("false"))
    );
}

#[test]
fn other_methods_are_no_routes() {
    let world = World::platform();
    for method in ["HEAD", "PUT", "PATCH", "OPTIONS", "BREW"] {
        let response = world.simulator.call(&Request {
            method: method.into(),
            ..world.request("GET", "/v1/customers", &[])
        });
        assert_eq!(response.status, 404, "{method}");
    }
}
