//! Subscription schedules: phases that begin and end by themselves, canceled, released, and made of what is.

use crate::objects::check_keys;
use crate::world::{World, id};
use serde_json::Value;

const FROZEN: &str = "1577836800";

fn price(world: &World) -> String {
    let form = [
        ("unit_amount", "1500"),
        ("currency", "usd"),
        ("recurring[interval]", "month"),
        ("product_data[name]", "a plan"),
    ];
    id(&world.post("/v1/prices", &form)).to_owned()
}

fn customer(world: &World) -> Value {
    let form = [
        ("payment_method", "pm_card_visa"),
        ("invoice_settings[default_payment_method]", "pm_card_visa"),
    ];
    world.post("/v1/customers", &form)
}

/// One of it for a month, then two for a month.
fn two_phases(world: &World) -> Value {
    let (customer, price) = (customer(world), price(world));
    let form = [
        ("customer", id(&customer)),
        ("start_date", "now"),
        ("phases[0][iterations]", "1"),
        ("phases[0][items][0][price]", &price),
        ("phases[0][items][0][quantity]", "1"),
        ("phases[1][iterations]", "1"),
        ("phases[1][items][0][price]", &price),
        ("phases[1][items][0][quantity]", "2"),
    ];
    world.post("/v1/subscription_schedules", &form)
}

fn subscription(world: &World, schedule: &Value) -> Value {
    let of = schedule["subscription"].as_str().unwrap();
    world.get(&format!("/v1/subscriptions/{of}"))
}

fn kinds(world: &World) -> Vec<String> {
    let events = world.get("/v1/events?type=subscription_schedule.*&limit=100");
    let events = events["data"].as_array().unwrap().iter().rev();
    events
        .map(|event| event["type"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn phases_follow_each_other_and_the_next_invoice_bills_the_next_one() {
    let world = World::platform();
    let made = two_phases(&world);
    check_keys("subscription_schedule", &made);
    assert_eq!(made["status"], "active");
    let first = subscription(&world, &made);
    assert_eq!(first["status"], "active");
    assert_eq!(first["schedule"], made["id"]);
    assert_eq!(first["items"]["data"][0]["quantity"], 1);

    assert_eq!(kinds(&world), ["subscription_schedule.created"]);
    world.simulator.advance_ms(32 * 86_400_000);
    assert_eq!(kinds(&world), ["subscription_schedule.updated"]);
    let path = format!("/v1/subscription_schedules/{}", id(&made));
    let second = world.get(&path);
    assert_eq!(
        second["current_phase"]["start_date"],
        made["phases"][1]["start_date"]
    );
    let renewed = subscription(&world, &made);
    assert_eq!(renewed["items"]["data"][0]["quantity"], 2);
    let invoice = renewed["latest_invoice"].as_str().unwrap();
    let invoice = world.get(&format!("/v1/invoices/{invoice}"));
    assert_eq!(invoice["amount_paid"], 3000);
    assert_eq!(invoice["lines"]["total_count"], 1);

    world.simulator.advance_ms(32 * 86_400_000);
    assert_eq!(world.get(&path)["status"], "completed");
    let left = subscription(&world, &made);
    assert_eq!(left["status"], "active");
    assert_eq!(left["schedule"], Value::Null);
    // Events older than thirty days are gone.
    assert_eq!(
        kinds(&world),
        [
            "subscription_schedule.expiring",
            "subscription_schedule.completed"
        ]
    );
}

#[test]
fn a_canceled_schedule_takes_its_subscription_with_it() {
    let world = World::platform();
    let made = two_phases(&world);
    let path = format!("/v1/subscription_schedules/{}", id(&made));
    let canceled = world.post(&format!("{path}/cancel"), &[]);
    assert_eq!(canceled["status"], "canceled");
    assert_eq!(subscription(&world, &made)["status"], "canceled");
    let error = world.refused(400, &format!("{path}/cancel"), &[]);
    assert!(error["message"].as_str().unwrap().contains("`canceled` status"));
    world.refused(400, &path, &[("metadata[a]", "b")]);
    world.simulator.advance_ms(90 * 86_400_000);
    assert_eq!(world.get(&path)["status"], "canceled");
}

#[test]
fn a_released_schedule_leaves_its_subscription_alone() {
    let world = World::platform();
    let made = two_phases(&world);
    let path = format!("/v1/subscription_schedules/{}", id(&made));
    let updated = world.post(&path, &[("metadata[a]", "b")]);
    assert_eq!(updated["metadata"]["a"], "b");
    let released = world.post(&format!("{path}/release"), &[]);
    assert_eq!(released["status"], "released");
    assert_eq!(released["subscription"], Value::Null);
    assert_eq!(released["released_subscription"], made["subscription"]);
    world.simulator.advance_ms(32 * 86_400_000);
    assert_eq!(subscription(&world, &made)["items"]["data"][0]["quantity"], 1);
}

#[test]
fn a_schedule_is_made_of_what_a_subscription_is_once() {
    let world = World::platform();
    let (customer, price) = (customer(&world), price(&world));
    let form = [("customer", id(&customer)), ("items[0][price]", &price)];
    let of = world.post("/v1/subscriptions", &form);
    let form = [("from_subscription", id(&of))];
    let made = world.post("/v1/subscription_schedules", &form);
    let period = &of["items"]["data"][0];
    assert_eq!(
        made["current_phase"]["start_date"],
        period["current_period_start"]
    );
    assert_eq!(made["current_phase"]["end_date"], period["current_period_end"]);
    assert_eq!(subscription(&world, &made)["schedule"], made["id"]);
    world.refused(400, "/v1/subscription_schedules", &form);
    let path = format!("/v1/subscriptions/{}", id(&of));
    let error = world.refused(400, &path, &[("cancel_at_period_end", "true")]);
    let message = error["message"].as_str().unwrap();
    assert!(message.starts_with("The subscription is managed by the subscription schedule `sub_sched_"));
}

#[test]
fn a_schedule_goes_by_its_customers_clock() {
    let world = World::platform();
    let clock = world.post("/v1/test_helpers/test_clocks", &[("frozen_time", FROZEN)]);
    let customer = world.post("/v1/customers", &[("test_clock", id(&clock))]);
    let price = price(&world);
    let form = [
        ("customer", id(&customer)),
        ("start_date", FROZEN),
        ("end_behavior", "cancel"),
        ("phases[0][end_date]", "1580256000"),
        ("phases[0][items][0][price]", &price),
    ];
    let made = world.post("/v1/subscription_schedules", &form);
    assert_eq!(made["status"], "active");
    assert_eq!(subscription(&world, &made)["status"], "active");
    let path = format!("/v1/test_helpers/test_clocks/{}/advance", id(&clock));
    world.post(&path, &[("frozen_time", "1580515200")]);
    world.simulator.advance_ms(5_000);
    let done = world.get(&format!("/v1/subscription_schedules/{}", id(&made)));
    assert_eq!(done["status"], "completed");
    assert_eq!(done["completed_at"], 1_580_256_000);
    assert_eq!(subscription(&world, &made)["status"], "canceled");
}

#[test]
fn a_schedule_that_cannot_be_is_refused_and_makes_nothing() {
    let world = World::platform();
    let (customer, price) = (customer(&world), price(&world));
    let path = "/v1/subscription_schedules";
    world.refused(400, path, &[]);
    let who = ("customer", id(&customer));
    let now = ("start_date", "now");
    world.refused(400, path, &[who, now]);
    let error = world.refused(
        400,
        path,
        &[who, now, ("phases[0][items][0][price]", "price_none")],
    );
    assert_eq!(error["param"], "phases[0][items][0][price]");
    let item = ("phases[0][items][0][price]", price.as_str());
    world.refused(400, path, &[who, now, item, ("phases[0][end_date]", "5")]);
    world.refused(400, path, &[who, now, item, ("phases[0][iterations]", "0")]);
    assert_eq!(
        world.get("/v1/subscriptions")["data"].as_array().unwrap().len(),
        0
    );
}
