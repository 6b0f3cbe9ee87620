//! The control API: what it refuses, it refuses in a sentence that says what to send instead.

use crate::world::{World, header, id};
use serde_json::{Value, json};

const TEN_YEARS_MS: i64 = 315_360_000_000;

/// The sentence that a control is refused with, after its status.
fn refused(world: &World, path: &str, body: &Value) -> (u16, String) {
    let (status, answer) = world.control_status("POST", path, body);
    let message = answer["error"]["message"].as_str().unwrap_or_default();
    (status, message.to_owned())
}

#[test]
fn the_clock_says_how_it_can_be_moved() {
    let world = World::platform();
    let before_ms = world.simulator.now_ms();
    for (body, sentence) in [
        (
            json!({}),
            "advance_ms: it is missing: a whole number of milliseconds.",
        ),
        (
            json!({ "advance_ms": null }),
            "advance_ms: it is missing: a whole number of milliseconds.",
        ),
        (
            json!({ "advance_ms": -1 }),
            "advance_ms: the clock goes forwards only: -1 would turn it back.",
        ),
        (
            json!({ "advance_ms": 1.5 }),
            "advance_ms: 1.5 is not a whole number of milliseconds.",
        ),
        (
            json!({ "advance_ms": "1000" }),
            "advance_ms: \"1000\" is not a whole number of milliseconds.",
        ),
        (
            json!({ "advance_ms": TEN_YEARS_MS + 1 }),
            "advance_ms: at most 315360000000, ten years, at once; to go further, move the clock again.",
        ),
        (
            json!({ "advance_ms": u64::MAX }),
            "advance_ms: at most 315360000000, ten years, at once; to go further, move the clock again.",
        ),
    ] {
        let answer = refused(&world, "/_simulator/clock", &body);
        assert_eq!(answer, (400, sentence.to_owned()), "{body}");
    }
    let (status, sentence) = refused(&world, "/_simulator/clock", &json!({ "advance": 1 }));
    assert!(
        status == 400 && sentence.contains("unknown field `advance`"),
        "{sentence}"
    );
    assert_eq!(world.simulator.now_ms(), before_ms, "nothing moved");
    world.control("POST", "/_simulator/clock", &json!({ "advance_ms": 0 }));
    world.control(
        "POST",
        "/_simulator/clock",
        &json!({ "advance_ms": TEN_YEARS_MS }),
    );
    assert_eq!(world.simulator.now_ms(), before_ms + TEN_YEARS_MS);
}

/// Where an owner lands who opens OAuth's page: status, `Location`, and what is said.
fn authorize(platform: &World, redirect_uri: Option<&str>) -> (u16, Option<String>, String) {
    let state = platform.control("GET", "/_simulator/state", &json!({}));
    let mut query = vec![
        ("client_id", state["application"].as_str().unwrap()),
        ("response_type", "code"),
        ("scope", "read_write"),
    ];
    query.extend(redirect_uri.map(|uri| ("redirect_uri", uri)));
    let path = platform.request("GET", "/oauth/authorize", &query).path;
    let opened = platform.send("GET", &path, &[]);
    if opened.status != 200 {
        let location = header(&opened, "Location").map(str::to_owned);
        return (opened.status, location, String::from_utf8(opened.body).unwrap());
    }
    let sent = platform.send("POST", &path, &[("do", "deny")]);
    let location = header(&sent, "Location").map(str::to_owned);
    (sent.status, location, String::new())
}

#[test]
fn oauth_sends_owners_only_where_the_platform_registered() {
    let platform = World::platform();
    let path = "/_simulator/oauth/redirect_uris";
    let register = |uris: Value| platform.control("POST", path, &json!({ "redirect_uris": uris }));
    let lands = |uri: &str| {
        let (status, location, _) = authorize(&platform, Some(uri));
        status == 303 && location.is_some_and(|location| location.starts_with(uri))
    };
    assert!(
        lands("https://any.example/back"),
        "none is registered: any will do"
    );
    assert_eq!(authorize(&platform, None).0, 400, "there is none to go to");

    let [first, second] = ["https://pay.example/back", "http://127.0.0.1:3000/oauth"];
    let registered = register(json!([first, second]));
    assert_eq!(platform.control("GET", path, &json!({})), registered);
    assert!(lands(first) && lands(second));
    let (_, location, _) = authorize(&platform, None);
    assert!(
        location.unwrap().starts_with(first),
        "the first, when none is asked for"
    );
    for other in [
        "https://evil.example/back",
        "https://pay.example/back/",
        "https://pay.example/back?x=1",
        "https://pay.example/bac",
        "https://pay.example:444/back",
        "http://pay.example/back",
        "https://pay.example@evil.example/back",
        "HTTPS://pay.example/back",
    ] {
        let (status, location, said) = authorize(&platform, Some(other));
        assert_eq!((status, location), (400, None), "{other}");
        let said: Value = serde_json::from_str(&said).unwrap();
        let message = said["error"]["message"].as_str().unwrap();
        assert!(
            message.starts_with(&format!("Invalid redirect URI '{other}'.")),
            "{message}"
        );
        assert_eq!(said["error"]["type"], "invalid_request_error");
    }
    for wrong in [
        json!(["back"]),
        json!(["ftp://a.example"]),
        json!(["javascript:alert(1)"]),
        json!("x"),
    ] {
        assert_eq!(
            refused(&platform, path, &json!({ "redirect_uris": wrong })).0,
            400,
            "{wrong}"
        );
    }
    assert!(lands(first), "what was refused changed nothing");
    register(json!([]));
    assert!(lands("https://any.example/back"));
}

#[test]
fn another_page_cannot_agree_in_the_owners_place() {
    let platform = World::platform();
    let made = platform.control("POST", "/_simulator/accounts", &json!({ "connected": false }));
    let state = platform.control("GET", "/_simulator/state", &json!({}));
    let query = [
        ("client_id", state["application"].as_str().unwrap()),
        ("response_type", "code"),
        ("redirect_uri", "https://pay.example/back"),
    ];
    let path = platform.request("GET", "/oauth/authorize", &query).path;
    let mut request = platform.request("POST", &path, &[("do", "connect"), ("account", id(&made))]);
    request
        .headers
        .push(("Origin".into(), "https://evil.example".into()));
    assert_eq!(platform.simulator.call(&request).status, 403);
    request.headers.pop();
    request
        .headers
        .push(("Origin".into(), "http://127.0.0.1:8420".into()));
    assert_eq!(platform.simulator.call(&request).status, 303);
}

#[test]
fn money_that_went_back_funds_no_transfer() {
    let tenant = World::tenant();
    let platform = tenant.on_platform();
    let to = tenant.account.clone().unwrap();
    let form = [
        ("amount", "10000"),
        ("currency", "usd"),
        ("payment_method", "pm_card_visa"),
        ("allowed_payment_method_types[]", "card"),
        ("confirm", "true"),
    ];
    let paid = platform.post("/v1/payment_intents", &form);
    let charge = paid["latest_charge"].as_str().unwrap();
    let transfer = |amount: &str| {
        let form = [
            ("amount", amount),
            ("currency", "usd"),
            ("destination", to.as_str()),
            ("source_transaction", charge),
        ];
        platform.ask("POST", "/v1/transfers", &form)
    };
    assert_eq!(transfer("4000").0, 200);
    platform.post("/v1/refunds", &[("charge", charge), ("amount", "2500")]);
    let (status, answer) = transfer("3501");
    assert_eq!(
        (status, &answer["error"]["param"]),
        (400, &json!("source_transaction"))
    );
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(
        message
            .starts_with("Transfers using this transaction as a source must not exceed the source amount of")
            && message.contains("There is already a transfer using this source, amounting to $40.00")
            && message.contains("$25.00 usd of it was refunded"),
        "{message}"
    );
    assert_eq!(transfer("3500").0, 200);
    platform.post("/v1/refunds", &[("charge", charge)]);
    assert_eq!(transfer("1").0, 400);
    // A transfer that says no amount moves all that is left: here nothing.
    let form = [
        ("currency", "usd"),
        ("destination", to.as_str()),
        ("source_transaction", charge),
    ];
    assert_eq!(platform.ask("POST", "/v1/transfers", &form).0, 400);
}
