//! Subscriptions as a caller sees them: begun, renewed, changed, paused, ended; and what they cost.

use crate::objects::check_keys;
use crate::world::{START_MS, World, id};
use serde_json::{Value, json};

const DAY_MS: i64 = 86_400_000;
pub const START_S: i64 = START_MS / 1000;

pub fn price(world: &World, amount: &str, interval: &str) -> String {
    let form = [
        ("unit_amount", amount),
        ("currency", "usd"),
        ("recurring[interval]", interval),
        ("product_data[name]", "Tea"),
    ];
    id(&world.post("/v1/prices", &form)).to_owned()
}

pub fn customer(world: &World, card: Option<&str>) -> String {
    let customer = world.post("/v1/customers", &[("email", "a@b.example")]);
    let customer = id(&customer).to_owned();
    if let Some(card) = card {
        charge_by(world, &customer, card);
    }
    customer
}

/// A card becomes the one that pays.
fn charge_by(world: &World, customer: &str, card: &str) {
    let path = format!("/v1/payment_methods/{card}/attach");
    let method = world.post(&path, &[("customer", customer)]);
    let default = [("invoice_settings[default_payment_method]", id(&method))];
    world.post(&format!("/v1/customers/{customer}"), &default);
}

pub fn subscribe(world: &World, customer: &str, price: &str, form: &[(&str, &str)]) -> Value {
    let mut all = vec![
        ("customer", customer),
        ("items[0][price]", price),
        ("expand[]", "latest_invoice"),
    ];
    all.extend(form);
    world.post("/v1/subscriptions", &all)
}

fn at(subscription: &Value) -> String {
    format!("/v1/subscriptions/{}", id(subscription))
}

fn read(world: &World, subscription: &Value) -> Value {
    world
        .ask("GET", &at(subscription), &[("expand[]", "latest_invoice")])
        .1
}

/// The types of events of a family since some count of all.
fn told(world: &World, since: usize, family: &str) -> Vec<String> {
    let types = world.event_types().split_off(since);
    types
        .into_iter()
        .filter(|kind| kind.starts_with(family))
        .collect()
}

#[test]
fn each_kind_has_the_keys_of_stripes_sample() {
    let world = World::platform();
    let customer = customer(&world, Some("pm_card_visa"));
    let subscription = subscribe(&world, &customer, &price(&world, "2500", "month"), &[]);
    check_keys("subscription", &subscription);
    check_keys("subscription_item", &subscription["items"]["data"][0]);
}

#[test]
fn the_first_period_is_paid_at_once() {
    let world = World::platform();
    let customer = customer(&world, Some("pm_card_visa"));
    let monthly = price(&world, "2500", "month");
    let before = world.event_types().len();
    let subscription = subscribe(&world, &customer, &monthly, &[("items[0][quantity]", "2")]);
    assert_eq!(subscription["status"], "active");
    let invoice = &subscription["latest_invoice"];
    assert_eq!(invoice["status"], "paid");
    assert_eq!(invoice["billing_reason"], "subscription_create");
    assert_eq!(invoice["amount_paid"], 5000);
    let line = &invoice["lines"]["data"][0];
    assert_eq!(line["description"], "2 × Tea (at $25.00 / month)");
    let item = &subscription["items"]["data"][0];
    assert_eq!(item["current_period_start"], START_S);
    assert_eq!(line["period"]["end"], item["current_period_end"]);
    assert_eq!(
        told(&world, before, "customer.subscription"),
        ["customer.subscription.created"]
    );
}

#[test]
fn each_period_is_billed_an_hour_after_it_begins() {
    let world = World::platform();
    let customer = customer(&world, Some("pm_card_visa"));
    let subscription = subscribe(&world, &customer, &price(&world, "700", "week"), &[]);
    world.simulator.advance_ms(7 * DAY_MS);
    let renewed = read(&world, &subscription);
    assert_eq!(renewed["latest_invoice"]["status"], "draft");
    assert_eq!(renewed["latest_invoice"]["billing_reason"], "subscription_cycle");
    assert_eq!(
        renewed["items"]["data"][0]["current_period_start"],
        START_S + 7 * 86_400
    );
    world.simulator.advance_ms(3_600_000);
    let paid = read(&world, &subscription);
    assert_eq!(paid["latest_invoice"]["status"], "paid");
    assert_eq!(paid["latest_invoice"]["amount_paid"], 700);
    assert_eq!(paid["status"], "active");
}

#[test]
fn nothing_to_charge_is_refused_and_a_failing_card_leaves_it_incomplete() {
    let world = World::platform();
    let monthly = price(&world, "2500", "month");
    let bare = customer(&world, None);
    let form = [("customer", bare.as_str()), ("items[0][price]", monthly.as_str())];
    let error = world.refused(400, "/v1/subscriptions", &form);
    assert_eq!(error["code"], "resource_missing");
    assert_eq!(error["param"], Value::Null);
    assert_eq!(world.get("/v1/subscriptions")["data"], json!([]));
    let failing = customer(&world, Some("pm_card_chargeCustomerFail"));
    let subscription = subscribe(&world, &failing, &monthly, &[]);
    assert_eq!(subscription["status"], "incomplete");
    assert_eq!(subscription["latest_invoice"]["status"], "open");
    world.simulator.advance_ms(23 * 3_600_000);
    let expired = read(&world, &subscription);
    assert_eq!(expired["status"], "incomplete_expired");
    assert_eq!(expired["latest_invoice"]["status"], "void");
    let refused = [
        ("customer", failing.as_str()),
        ("items[0][price]", monthly.as_str()),
        ("payment_behavior", "error_if_incomplete"),
    ];
    let error = world.refused(402, "/v1/subscriptions", &refused);
    assert_eq!(error["code"], "card_declined");
}

#[test]
fn paying_the_first_invoice_makes_it_active() {
    let world = World::platform();
    let customer = customer(&world, Some("pm_card_chargeCustomerFail"));
    let subscription = subscribe(&world, &customer, &price(&world, "2500", "month"), &[]);
    charge_by(&world, &customer, "pm_card_visa");
    let before = world.event_types().len();
    let invoice = id(&subscription["latest_invoice"]).to_owned();
    world.post(&format!("/v1/invoices/{invoice}/pay"), &[]);
    assert_eq!(read(&world, &subscription)["status"], "active");
    assert_eq!(
        told(&world, before, "customer.subscription"),
        ["customer.subscription.updated"]
    );
    let event = &world.get("/v1/events?type=customer.subscription.updated")["data"][0];
    assert_eq!(
        event["data"]["previous_attributes"],
        json!({ "status": "incomplete" })
    );
    assert_eq!(event["data"]["object"]["items"]["data"][0]["quantity"], 1);
}

#[test]
fn a_renewal_that_fails_four_times_ends_it() {
    let world = World::platform();
    let customer = customer(&world, Some("pm_card_visa"));
    let subscription = subscribe(&world, &customer, &price(&world, "2500", "month"), &[]);
    charge_by(&world, &customer, "pm_card_chargeCustomerFail");
    world.simulator.advance_ms(32 * DAY_MS);
    assert_eq!(read(&world, &subscription)["status"], "past_due");
    world.simulator.advance_ms(16 * DAY_MS);
    let ended = read(&world, &subscription);
    assert_eq!(ended["status"], "canceled");
    assert_eq!(ended["cancellation_details"]["reason"], "payment_failed");
    assert_eq!(ended["latest_invoice"]["attempt_count"], 4);
}

#[test]
fn a_swap_to_a_yearly_price_gives_back_what_is_left_and_begins_anew() {
    let world = World::platform();
    let customer = customer(&world, Some("pm_card_visa"));
    let subscription = subscribe(&world, &customer, &price(&world, "2500", "month"), &[]);
    let yearly = price(&world, "25000", "year");
    let item = id(&subscription["items"]["data"][0]).to_owned();
    let form = [
        ("items[0][id]", item.as_str()),
        ("items[0][price]", yearly.as_str()),
        ("proration_behavior", "always_invoice"),
        ("expand[]", "latest_invoice"),
    ];
    let swapped = world.post(&at(&subscription), &form);
    let invoice = &swapped["latest_invoice"];
    assert_eq!(invoice["status"], "paid");
    assert_eq!(invoice["amount_due"], 22_500);
    let amounts: Vec<i64> = invoice["lines"]["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["amount"].as_i64().unwrap())
        .collect();
    assert_eq!(amounts, [-2500, 25_000]);
    assert_eq!(
        swapped["items"]["data"][0]["current_period_end"],
        START_S + 365 * 86_400
    );
}

#[test]
fn more_within_a_period_waits_for_the_next_invoice() {
    let world = World::platform();
    let customer = customer(&world, Some("pm_card_visa"));
    let subscription = subscribe(&world, &customer, &price(&world, "1000", "week"), &[]);
    world.simulator.advance_ms(7 * DAY_MS / 2);
    let item = id(&subscription["items"]["data"][0]).to_owned();
    let form = [("quantity", "3")];
    let changed = world.post(&format!("/v1/subscription_items/{item}"), &form);
    assert_eq!(changed["quantity"], 3);
    let waiting = world.get("/v1/invoiceitems?pending=true");
    let of = |at: usize| {
        (
            &waiting["data"][at]["amount"],
            &waiting["data"][at]["description"],
        )
    };
    assert_eq!(
        of(0),
        (
            &json!(1500),
            &json!("Remaining time on 3 × Tea after 18 Jan 2027")
        )
    );
    assert_eq!(
        of(1),
        (&json!(-500), &json!("Unused time on Tea after 18 Jan 2027"))
    );
    world.simulator.advance_ms(4 * DAY_MS);
    let renewed = read(&world, &subscription);
    assert_eq!(renewed["latest_invoice"]["amount_due"], 4000);
}

#[test]
fn a_trial_costs_nothing_until_it_ends() {
    let world = World::platform();
    let customer = customer(&world, Some("pm_card_visa"));
    let monthly = price(&world, "2500", "month");
    let before = world.event_types().len();
    let subscription = subscribe(&world, &customer, &monthly, &[("trial_period_days", "15")]);
    assert_eq!(subscription["status"], "trialing");
    assert_eq!(subscription["latest_invoice"]["amount_due"], 0);
    assert_eq!(subscription["latest_invoice"]["status"], "paid");
    assert_eq!(subscription["billing_cycle_anchor"], START_S + 15 * 86_400);
    world.simulator.advance_ms(12 * DAY_MS);
    assert_eq!(
        told(&world, before, "customer.subscription"),
        [
            "customer.subscription.created",
            "customer.subscription.trial_will_end"
        ]
    );
    world.simulator.advance_ms(3 * DAY_MS);
    assert_eq!(read(&world, &subscription)["status"], "active");
    world.simulator.advance_ms(3_600_000);
    assert_eq!(read(&world, &subscription)["latest_invoice"]["amount_paid"], 2500);
}

#[test]
fn a_trial_without_a_card_pauses_or_ends_as_asked() {
    let world = World::platform();
    let monthly = price(&world, "2500", "month");
    let behavior = "trial_settings[end_behavior][missing_payment_method]";
    let bare = customer(&world, None);
    let form = [("trial_period_days", "7"), (behavior, "pause")];
    let pausing = subscribe(&world, &bare, &monthly, &form);
    let form = [("trial_period_days", "7"), (behavior, "cancel")];
    let ending = subscribe(&world, &bare, &monthly, &form);
    let before = world.event_types().len();
    let paused = world.post(&at(&pausing), &[("trial_end", "now")]);
    assert_eq!(paused["status"], "paused");
    assert_eq!(
        told(&world, before, "customer.subscription"),
        ["customer.subscription.updated", "customer.subscription.paused"]
    );
    world.simulator.advance_ms(7 * DAY_MS);
    assert_eq!(read(&world, &ending)["status"], "canceled");
    charge_by(&world, &bare, "pm_card_visa");
    let resumed = world.post(
        &format!("{}/resume", at(&pausing)),
        &[("billing_cycle_anchor", "now")],
    );
    assert_eq!(resumed["status"], "active");
    world.refused(400, &format!("{}/resume", at(&pausing)), &[]);
}

#[test]
fn it_ends_now_or_with_its_period() {
    let world = World::platform();
    let customer = customer(&world, Some("pm_card_visa"));
    let monthly = price(&world, "2500", "month");
    let later = subscribe(&world, &customer, &monthly, &[]);
    let set = world.post(&at(&later), &[("cancel_at_period_end", "true")]);
    let end = &set["items"]["data"][0]["current_period_end"];
    assert_eq!(&set["cancel_at"], end);
    assert_eq!(set["canceled_at"], START_S);
    assert_eq!(set["status"], "active");
    let lifted = world.post(&at(&later), &[("cancel_at_period_end", "false")]);
    assert_eq!(lifted["canceled_at"], Value::Null);
    world.post(&at(&later), &[("cancel_at_period_end", "true")]);
    world.simulator.advance_ms(32 * DAY_MS);
    let ended = read(&world, &later);
    assert_eq!(ended["status"], "canceled");
    assert_eq!(&ended["ended_at"], end);
    assert_eq!(ended["canceled_at"], START_S);
    assert_eq!(
        told(&world, 0, "customer.subscription"),
        ["customer.subscription.deleted"],
        "older events are not kept"
    );
    let error = world.refused(400, &at(&later), &[("description", "gone")]);
    assert_eq!(
        error["message"],
        "A canceled subscription can only update its cancellation_details and metadata."
    );
    assert_eq!(world.ask("DELETE", &at(&later), &[]).0, 404);
    let now = subscribe(&world, &customer, &monthly, &[]);
    let (status, gone) = world.ask("DELETE", &at(&now), &[("cancellation_details[comment]", "Bye")]);
    assert_eq!((status, &gone["status"]), (200, &json!("canceled")));
    assert_eq!(gone["cancellation_details"]["comment"], "Bye");
    assert_eq!(gone["cancellation_details"]["reason"], "cancellation_requested");
}

#[test]
fn a_coupon_for_once_is_used_up_by_the_first_invoice() {
    let world = World::platform();
    let customer = customer(&world, Some("pm_card_visa"));
    let coupon = world.post("/v1/coupons", &[("percent_off", "50"), ("duration", "once")]);
    let weekly = price(&world, "1000", "week");
    let form = [("discounts[0][coupon]", id(&coupon))];
    let subscription = subscribe(&world, &customer, &weekly, &form);
    assert_eq!(subscription["latest_invoice"]["amount_paid"], 500);
    world.simulator.advance_ms(8 * DAY_MS);
    assert_eq!(read(&world, &subscription)["latest_invoice"]["amount_paid"], 1000);
}

#[test]
fn collection_is_held_back_and_goes_on() {
    let world = World::platform();
    let customer = customer(&world, Some("pm_card_visa"));
    let subscription = subscribe(&world, &customer, &price(&world, "1000", "week"), &[]);
    let until = (START_S + 10 * 86_400).to_string();
    let form = [
        ("pause_collection[behavior]", "void"),
        ("pause_collection[resumes_at]", until.as_str()),
    ];
    world.post(&at(&subscription), &form);
    world.simulator.advance_ms(8 * DAY_MS);
    let held = read(&world, &subscription);
    assert_eq!(held["status"], "active");
    assert_eq!(held["latest_invoice"]["status"], "void");
    world.simulator.advance_ms(8 * DAY_MS);
    let on = read(&world, &subscription);
    assert_eq!(on["pause_collection"], Value::Null);
    assert_eq!(on["latest_invoice"]["status"], "paid");
}

#[test]
fn a_deleted_customer_is_not_billed_any_more() {
    let world = World::platform();
    let customer = customer(&world, Some("pm_card_visa"));
    let subscription = subscribe(&world, &customer, &price(&world, "1000", "week"), &[]);
    world.ask("DELETE", &format!("/v1/customers/{customer}"), &[]);
    assert_eq!(read(&world, &subscription)["status"], "canceled");
    assert_eq!(world.get("/v1/subscriptions")["data"], json!([]));
    let all = world.get("/v1/subscriptions?status=all");
    assert_eq!(all["data"][0]["id"], subscription["id"]);
}

#[test]
fn what_is_sent_by_mail_is_active_and_due_later() {
    let world = World::platform();
    let customer = customer(&world, None);
    let form = [("collection_method", "send_invoice"), ("days_until_due", "30")];
    let subscription = subscribe(&world, &customer, &price(&world, "1000", "month"), &form);
    assert_eq!(subscription["status"], "active");
    assert_eq!(subscription["latest_invoice"]["status"], "draft");
    world.simulator.advance_ms(3_600_000);
    let sent = read(&world, &subscription);
    assert_eq!(sent["latest_invoice"]["status"], "open");
    assert_eq!(sent["latest_invoice"]["due_date"], START_S + 3_600 + 30 * 86_400);
}

#[test]
fn items_come_and_go_and_one_stays() {
    let world = World::platform();
    let customer = customer(&world, Some("pm_card_visa"));
    let tea = price(&world, "1000", "month");
    let subscription = subscribe(&world, &customer, &tea, &[]);
    let cake = price(&world, "500", "month");
    let form = [("subscription", id(&subscription)), ("price", cake.as_str())];
    let added = world.post("/v1/subscription_items", &form);
    let path = format!("/v1/subscription_items?subscription={}", id(&subscription));
    assert_eq!(world.get(&path)["data"].as_array().unwrap().len(), 2);
    let again = world.refused(400, "/v1/subscription_items", &form);
    let message = format!("Cannot add multiple subscription items with the same plan: {cake}");
    assert_eq!(again["message"], message.as_str());
    let (status, gone) = world.ask("DELETE", &format!("/v1/subscription_items/{}", id(&added)), &[]);
    assert_eq!((status, &gone["deleted"]), (200, &json!(true)));
    let first = id(&subscription["items"]["data"][0]).to_owned();
    let last = world.ask("DELETE", &format!("/v1/subscription_items/{first}"), &[]);
    assert_eq!(last.0, 400);
    let once = world.post(
        "/v1/prices",
        &[
            ("unit_amount", "1"),
            ("currency", "usd"),
            ("product_data[name]", "Cup"),
        ],
    );
    let form = [("customer", customer.as_str()), ("items[0][price]", id(&once))];
    let error = world.refused(400, "/v1/subscriptions", &form);
    assert_eq!(error["param"], "items[0][price]");
}

#[test]
fn a_customers_source_pays_and_a_free_start_asks_for_a_card() {
    let world = World::platform();
    let monthly = price(&world, "1500", "month");
    let sourced = world.post("/v1/customers", &[("source", "tok_visa")]);
    let subscription = subscribe(&world, id(&sourced), &monthly, &[]);
    assert_eq!(subscription["status"], "active");
    let bare = customer(&world, None);
    let form = [
        ("trial_period_days", "7"),
        ("payment_behavior", "default_incomplete"),
        ("expand[]", "pending_setup_intent"),
    ];
    let free = subscribe(&world, &bare, &monthly, &form);
    assert_eq!(free["status"], "trialing");
    assert_eq!(free["pending_setup_intent"]["status"], "requires_payment_method");
    assert_eq!(free["pending_setup_intent"]["customer"], bare.as_str());
    world.simulator.advance_ms(60_000);
    let found = world.get("/v1/subscriptions/search?query=status%3A%22trialing%22");
    assert_eq!(found["data"][0]["id"], free["id"]);
    assert_eq!(found["data"].as_array().unwrap().len(), 1);
}

#[test]
fn a_customer_on_a_test_clock_is_billed_by_its_time() {
    let world = World::platform();
    let clock = world.post("/v1/test_helpers/test_clocks", &[("frozen_time", "1577836800")]);
    let customer = world.post("/v1/customers", &[("test_clock", id(&clock))]);
    charge_by(&world, id(&customer), "pm_card_visa");
    let subscription = subscribe(&world, id(&customer), &price(&world, "1500", "month"), &[]);
    assert_eq!(subscription["test_clock"], clock["id"]);
    assert_eq!(subscription["start_date"], 1_577_836_800);
    let path = format!("/v1/test_helpers/test_clocks/{}", id(&clock));
    world.post(&format!("{path}/advance"), &[("frozen_time", "1580601600")]);
    world.simulator.advance_ms(60_000);
    assert_eq!(world.get(&path)["status"], "ready");
    let renewed = read(&world, &subscription);
    assert_eq!(
        renewed["items"]["data"][0]["current_period_start"],
        1_577_836_800 + 31 * 86_400
    );
    assert_eq!(renewed["latest_invoice"]["status"], "paid");
    assert_eq!(renewed["latest_invoice"]["created"], 1_577_836_800 + 31 * 86_400);
}
