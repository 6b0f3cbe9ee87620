//! Test clocks: made, advanced, deleted, and what lives by them.

use crate::objects::check_keys;
use crate::world::{World, id};
use serde_json::{Value, json};

const FROZEN: &str = "1577836800";
const LATER: &str = "1580515200";

fn clock(world: &World) -> Value {
    world.post(
        "/v1/test_helpers/test_clocks",
        &[("frozen_time", FROZEN), ("name", "ours")],
    )
}

fn at(clock: &Value) -> String {
    format!("/v1/test_helpers/test_clocks/{}", id(clock))
}

fn events(world: &World) -> Vec<String> {
    let events = world.get("/v1/events?limit=100");
    let events = events["data"].as_array().unwrap().iter().rev();
    events
        .map(|event| event["type"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_clock_stands_still_until_it_is_advanced() {
    let world = World::platform();
    let made = clock(&world);
    check_keys("test_helpers.test_clock", &made);
    assert_eq!(made["frozen_time"], 1_577_836_800);
    assert_eq!(made["status"], "ready");
    world.simulator.advance_ms(60_000);
    assert_eq!(world.get(&at(&made)), made);

    let going = world.post(&format!("{}/advance", at(&made)), &[("frozen_time", LATER)]);
    assert_eq!(going["status"], "advancing");
    assert_eq!(
        going["status_details"]["advancing"]["target_frozen_time"],
        1_580_515_200
    );
    world.simulator.advance_ms(5_000);
    let there = world.get(&at(&made));
    assert_eq!(there["status"], "ready");
    assert_eq!(there["frozen_time"], 1_580_515_200);
    assert_eq!(
        events(&world),
        [
            "test_helpers.test_clock.created",
            "test_helpers.test_clock.advancing",
            "test_helpers.test_clock.ready"
        ]
    );
}

#[test]
fn a_clock_never_goes_back_nor_too_far() {
    let world = World::platform();
    let made = clock(&world);
    let path = format!("{}/advance", at(&made));
    for second in [FROZEN, "1", "1672531200"] {
        let error = world.refused(400, &path, &[("frozen_time", second)]);
        assert_eq!(error["param"], "frozen_time", "{second}");
    }
    assert_eq!(world.refused(400, &path, &[])["code"], "parameter_missing");
    let error = world.refused(400, &path, &[("frozen_time", "9223372036854775807")]);
    assert_eq!(error["param"], "frozen_time");
}

#[test]
fn a_customer_lives_by_its_clock() {
    let world = World::platform();
    let made = clock(&world);
    let clock_id = id(&made);
    let customer = world.post("/v1/customers", &[("test_clock", clock_id)]);
    assert_eq!(customer["test_clock"], clock_id);
    assert_eq!(customer["created"], 1_577_836_800);
    let path = format!("/v1/customers/{}", id(&customer));
    let shown = world.get(&format!("{path}?expand[]=test_clock"));
    assert_eq!(shown["test_clock"]["object"], "test_helpers.test_clock");

    world.post(&format!("{}/advance", at(&made)), &[("frozen_time", LATER)]);
    let error = world.refused(429, &path, &[("name", "too soon")]);
    assert_eq!(
        error["message"],
        format!("Test clock advancement underway - cannot perform modifications: {clock_id}")
    );
    world.simulator.advance_ms(5_000);
    world.post(&path, &[("name", "in time")]);
}

#[test]
fn a_clock_that_is_not_there_makes_no_customer() {
    let world = World::platform();
    let error = world.refused(400, "/v1/customers", &[("test_clock", "clock_none")]);
    assert_eq!(error["code"], "resource_missing");
    assert_eq!(error["param"], "test_clock");
    assert_eq!(world.get("/v1/customers")["data"], json!([]));
}

#[test]
fn a_clock_takes_its_customers_with_it() {
    let world = World::platform();
    let made = clock(&world);
    let customer = world.post("/v1/customers", &[("test_clock", id(&made))]);
    let (status, gone) = world.ask("DELETE", &at(&made), &[]);
    assert_eq!(status, 200);
    check_keys(
        "deleted_test_helpers.test_clock",
        &json!({
            "id": gone["id"], "deleted": gone["deleted"], "object": "deleted_test_helpers.test_clock",
        }),
    );
    let read = world.get(&format!("/v1/customers/{}", id(&customer)));
    assert_eq!(read["deleted"], true);
    assert_eq!(world.ask("GET", &at(&made), &[]).0, 404);
    assert_eq!(world.get("/v1/test_helpers/test_clocks")["data"], json!([]));
    assert_eq!(events(&world).last().unwrap(), "test_helpers.test_clock.deleted");
}

#[test]
fn there_are_no_test_clocks_in_live_mode() {
    let world = World::platform().live();
    world.refused(400, "/v1/test_helpers/test_clocks", &[("frozen_time", FROZEN)]);
}

#[test]
fn an_invoice_is_due_by_its_customers_clock() {
    let world = World::platform();
    let made = clock(&world);
    let customer = world.post("/v1/customers", &[("test_clock", id(&made))]);
    let item = world.post(
        "/v1/invoiceitems",
        &[
            ("customer", id(&customer)),
            ("amount", "500"),
            ("currency", "usd"),
        ],
    );
    assert_eq!(item["date"], 1_577_836_800);
    assert_eq!(item["test_clock"], id(&made));
    let invoice = world.post(
        "/v1/invoices",
        &[
            ("customer", id(&customer)),
            ("auto_advance", "true"),
            ("collection_method", "send_invoice"),
            ("days_until_due", "5"),
            ("pending_invoice_items_behavior", "include"),
        ],
    );
    assert_eq!(invoice["created"], 1_577_836_800);
    assert_eq!(invoice["test_clock"], id(&made));
    let path = format!("/v1/invoices/{}", id(&invoice));
    // The simulator's own time does nothing to it.
    world.simulator.advance_ms(7_200_000);
    assert_eq!(world.get(&path)["status"], "draft");

    world.post(&format!("{}/advance", at(&made)), &[("frozen_time", LATER)]);
    world.simulator.advance_ms(5_000);
    let open = world.get(&path);
    assert_eq!(open["status"], "open");
    let finalized = open["status_transitions"]["finalized_at"].as_i64().unwrap();
    assert!((1_577_836_800..1_577_850_000).contains(&finalized), "{finalized}");
}
