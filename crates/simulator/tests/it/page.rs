//! The page for a person, at `/`.

use crate::world::{TEST_SECRET, World, endpoint, id};
use serde_json::json;
use simulator::{Kind, Outcome, Request};

fn open(world: &World, path: &str) -> (u16, String) {
    let request = Request {
        method: "GET".into(),
        path: path.into(),
        ..Request::default()
    };
    let response = world.simulator.call(&request);
    (response.status, String::from_utf8(response.body).unwrap())
}

fn press(world: &World, path: &str, body: &str, headers: &[(&str, &str)]) -> u16 {
    let headers = headers
        .iter()
        .map(|(name, value)| ((*name).into(), (*value).into()));
    let request = Request {
        method: "POST".into(),
        path: path.into(),
        headers: headers.collect(),
        body: body.as_bytes().to_vec(),
    };
    world.simulator.call(&request).status
}

#[test]
fn an_empty_simulator_says_so() {
    let world = World::platform();
    for (path, said) in [
        ("/", "Nothing was made here yet"),
        ("/?mode=live", "No connected accounts in this mode"),
        ("/_simulator/ui/events", "Nothing has happened yet"),
        ("/_simulator/ui/deliveries", "Nothing was sent yet"),
        ("/_simulator/ui/requests", "No request has come yet"),
        ("/_simulator/ui/objects/charge", "There are none"),
    ] {
        let (status, page) = open(&world, path);
        assert_eq!(status, 200, "{path}");
        assert!(page.contains(said), "{path}: {page}");
    }
    for wrong in [
        "/_simulator/ui/object/ch_x",
        "/_simulator/ui/nothing",
        "/_simulator/ui/",
    ] {
        let (status, page) = open(&world, wrong);
        assert_eq!(status, if wrong.ends_with('/') { 200 } else { 404 }, "{wrong}");
        assert!(page.starts_with("<!DOCTYPE html>"), "{wrong}");
    }
    assert_eq!(open(&world, "/_simulator/page.css").0, 200);
    let (status, page) = open(&world, "/_simulator/ui/object?id=ch_%3Cb%3E");
    assert_eq!(status, 404);
    assert!(page.contains("nothing with the id <code>ch_&lt;b&gt;"), "{page}");
}

#[test]
fn what_was_made_is_shown_and_never_as_markup() {
    let config = simulator::Config {
        endpoints: vec![endpoint("https://a.example/hook", false, true, Kind::Snapshot)],
        ..crate::world::config()
    };
    let world = World::new(config).with_tenant(false);
    let account = world.account.clone().unwrap();
    let made = world.post(
        "/v1/customers",
        &[("name", "<script>alert(1)</script>"), ("email", "a@b.example")],
    );
    let (_, body) = world.pay("4242424242424242");
    let of = format!("mode=test&account={account}");
    let (_, overview) = open(&world, &format!("/?{of}"));
    for part in [
        "payment intent",
        "charge",
        "customer",
        "payment_intent.succeeded",
        "POST /v1/customers",
    ] {
        assert!(overview.contains(part), "{part}: {overview}");
    }
    let (_, customers) = open(&world, &format!("/_simulator/ui/objects/customer?{of}"));
    assert!(customers.contains(id(&made)));
    let (_, object) = open(&world, &format!("/_simulator/ui/object/{}?{of}", id(&body)));
    assert!(object.contains(&format!(
        "/_simulator/ui/object/{}?",
        body["latest_charge"].as_str().unwrap()
    )));
    assert!(object.contains("payment_intent.succeeded"));
    // It is found from another account's view, too, and by its id.
    let typed = format!("/_simulator/ui/object?id=+{}", id(&body));
    assert_eq!(open(&world, &typed).0, 200);
    assert_eq!(
        open(&world, &format!("/_simulator/ui/object/{}", id(&body))).0,
        200
    );
    for page in [
        &overview,
        &customers,
        &open(&world, &format!("/_simulator/ui/object/{}", id(&made))).1,
    ] {
        assert!(!page.contains("<script"), "{page}");
    }
    let (_, requests) = open(&world, "/_simulator/ui/requests");
    assert!(
        !requests.contains("4242424242424242"),
        "what a browser sends is not kept"
    );
}

#[test]
fn buttons_work_from_the_page_and_from_nowhere_else() {
    let config = simulator::Config {
        endpoints: vec![endpoint("https://a.example/hook", false, false, Kind::Snapshot)],
        ..crate::world::config()
    };
    let world = World::new(config);
    world.post("/v1/customers", &[]);
    let due = world.simulator.due_deliveries();
    world.simulator.report_delivery(due[0].id, Outcome::Answered(500));
    let (_, deliveries) = open(&world, "/_simulator/ui/deliveries");
    assert!(
        deliveries.contains("https://a.example/hook") && deliveries.contains("500"),
        "{deliveries}"
    );
    let before_ms = world.simulator.now_ms();
    let clock = "/_simulator/ui/clock?mode=test";
    let hour = "advance_ms=3600000";
    for foreign in [
        &[("Sec-Fetch-Site", "cross-site")][..],
        &[("Sec-Fetch-Site", "same-site")],
        &[("Origin", "https://evil.example"), ("Host", "127.0.0.1:8420")],
        &[("Origin", "null"), ("Host", "127.0.0.1:8420")],
    ] {
        assert_eq!(press(&world, clock, hour, foreign), 403, "{foreign:?}");
        assert_eq!(
            press(&world, "/_simulator/clock", "{\"advance_ms\": 1}", foreign),
            403,
            "{foreign:?}"
        );
    }
    assert_eq!(world.simulator.now_ms(), before_ms);
    let own = &[("Origin", "http://127.0.0.1:8420"), ("Host", "127.0.0.1:8420")];
    assert_eq!(press(&world, clock, hour, own), 303);
    assert_eq!(world.simulator.now_ms(), before_ms + 3_600_000);
    assert_eq!(
        press(&world, clock, "advance_ms=-5", own),
        303,
        "no such button, nothing moves"
    );
    assert_eq!(world.simulator.now_ms(), before_ms + 3_600_000);
    world.simulator.due_deliveries();
    let resend = format!("/_simulator/ui/deliveries/{}/resend", due[0].id);
    assert_eq!(
        press(&world, &resend, "", &[("Sec-Fetch-Site", "same-origin")]),
        303
    );
    assert_eq!(world.simulator.due_deliveries().len(), 1);
    world.control(
        "POST",
        "/_simulator/faults",
        &json!({ "effect": "hang", "path": "/v1/x" }),
    );
    assert!(
        open(&world, "/")
            .1
            .contains("hang for requests, path with /v1/x: 1 left")
    );
    assert_eq!(press(&world, "/_simulator/ui/faults/clear", "", own), 303);
    assert!(!open(&world, "/").1.contains("hang for"));
    assert_eq!(press(&world, "/_simulator/ui/nothing", "", own), 404);
    assert!(!open(&world, "/_simulator/ui/requests").1.contains(TEST_SECRET));
}
