//! Subscriptions that are not paid, changes that would have to wait, and discounts that are used up.

use crate::invoices::{at, draft, item};
use crate::subscriptions::{customer, price, subscribe};
use crate::world::{World, id};
use serde_json::{Value, json};

const DAY_MS: i64 = 86_400_000;

fn read(world: &World, subscription: &Value) -> Value {
    let path = format!("/v1/subscriptions/{}", id(subscription));
    world.ask("GET", &path, &[("expand[]", "latest_invoice")]).1
}

/// A subscription by the month whose first invoice was paid, and whose card is refused from then on.
fn failing(world: &World, customer: &str) -> Value {
    let made = subscribe(world, customer, &price(world, "2500", "month"), &[]);
    fail(world, customer);
    made
}

/// The customer's card is refused from now on.
fn fail(world: &World, customer: &str) {
    let path = "/v1/payment_methods/pm_card_chargeCustomerFail/attach";
    let bad = world.post(path, &[("customer", customer)]);
    let default = [("invoice_settings[default_payment_method]", id(&bad))];
    world.post(&format!("/v1/customers/{customer}"), &default);
}

fn after_retries(world: &World, subscription: &Value, word: &str) {
    let path = format!("/_simulator/subscriptions/{}", id(subscription));
    world.control("POST", &path, &json!({ "after_retries": word }));
}

#[test]
fn it_becomes_unpaid_after_all_retries_where_that_is_the_setting() {
    let world = World::platform();
    let customer = customer(&world, Some("pm_card_visa"));
    let made = failing(&world, &customer);
    after_retries(&world, &made, "unpaid");
    world.simulator.advance_ms(31 * DAY_MS + 7_200_000);
    assert_eq!(read(&world, &made)["status"], "past_due");
    world.simulator.advance_ms(16 * DAY_MS);
    let unpaid = read(&world, &made);
    assert_eq!(unpaid["status"], "unpaid");
    let open = unpaid["latest_invoice"].clone();
    assert_eq!(
        (&open["status"], &open["attempt_count"]),
        (&json!("open"), &json!(4))
    );
    // Further periods are billed by drafts that nobody charges.
    world.simulator.advance_ms(31 * DAY_MS);
    let later = read(&world, &made);
    assert_eq!(later["status"], "unpaid");
    let waits = &later["latest_invoice"];
    assert_ne!(waits["id"], open["id"]);
    assert_eq!(
        (&waits["status"], &waits["auto_advance"], &waits["attempted"]),
        (&json!("draft"), &json!(false), &json!(false))
    );
    // The latest one, paid by another card, sets it going again.
    let path = "/v1/payment_methods/pm_card_visa/attach";
    let good = world.post(path, &[("customer", &customer)]);
    world.post(&at(waits, "/pay"), &[("payment_method", id(&good))]);
    assert_eq!(read(&world, &made)["status"], "active");
}

#[test]
fn it_stays_past_due_where_that_is_the_setting_and_ends_otherwise() {
    for (word, status) in [("past_due", "past_due"), ("cancel", "canceled")] {
        let world = World::platform();
        let customer = customer(&world, Some("pm_card_visa"));
        let made = failing(&world, &customer);
        after_retries(&world, &made, word);
        world.simulator.advance_ms(48 * DAY_MS);
        assert_eq!(read(&world, &made)["status"], status);
    }
    let world = World::platform();
    let no_word = json!({ "after_retries": "forget" });
    let (status, _) = world.control_status("POST", "/_simulator/subscriptions/sub_1", &no_word);
    assert_eq!(status, 400);
    let word = json!({ "after_retries": "unpaid" });
    let (status, _) = world.control_status("POST", "/_simulator/subscriptions/sub_1", &word);
    assert_eq!(status, 404);
}

#[test]
fn the_schedule_of_one_that_ends_unpaid_is_aborted() {
    let world = World::platform();
    let customer = customer(&world, Some("pm_card_visa"));
    let monthly = price(&world, "2500", "month");
    let form = [
        ("customer", customer.as_str()),
        ("start_date", "now"),
        ("phases[0][iterations]", "6"),
        ("phases[0][items][0][price]", monthly.as_str()),
    ];
    let schedule = world.post("/v1/subscription_schedules", &form);
    fail(&world, &customer);
    world.simulator.advance_ms(48 * DAY_MS);
    let subscription = schedule["subscription"].as_str().unwrap();
    let ended = world.get(&format!("/v1/subscriptions/{subscription}"));
    assert_eq!(ended["status"], "canceled");
    let aborted = world.get(&format!("/v1/subscription_schedules/{}", id(&schedule)));
    assert_eq!(aborted["status"], "canceled");
    let types = world.event_types();
    assert!(
        types.contains(&"subscription_schedule.aborted".to_owned()),
        "{types:?}"
    );
    assert!(
        !types.contains(&"subscription_schedule.canceled".to_owned()),
        "{types:?}"
    );
}

#[test]
fn a_change_that_would_wait_for_its_payment_is_refused_in_so_many_words() {
    let world = World::platform();
    let customer = customer(&world, Some("pm_card_visa"));
    let made = failing(&world, &customer);
    let path = format!("/v1/subscriptions/{}", id(&made));
    let form = [
        ("items[0][id]", id(&made["items"]["data"][0])),
        ("items[0][quantity]", "2"),
        ("proration_behavior", "always_invoice"),
        ("payment_behavior", "pending_if_incomplete"),
    ];
    let error = world.refused(400, &path, &form);
    assert_eq!(error["param"], "payment_behavior");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("pending updates"), "{message}");
    assert_eq!(world.get(&path)["items"]["data"][0]["quantity"], 1);
    let method = world.post(
        "/v1/payment_methods/pm_card_visa/attach",
        &[("customer", &customer)],
    );
    world.post(&path, &[("default_payment_method", id(&method))]);
    let changed = world.post(&path, &form);
    assert_eq!(changed["items"]["data"][0]["quantity"], 2);
    assert_eq!(changed["pending_update"], Value::Null);
}

/// A customer who has a discount of a coupon for one invoice, and the discount.
fn discounted(world: &World) -> (String, Value) {
    let coupon = world.post("/v1/coupons", &[("percent_off", "50"), ("duration", "once")]);
    let customer = customer(world, Some("pm_card_visa"));
    let plain = world.version(None);
    plain.post(&format!("/v1/customers/{customer}"), &[("coupon", id(&coupon))]);
    let discount = world.get(&format!("/v1/customers/{customer}"))["discount"].clone();
    assert_eq!(discount["object"], "discount");
    (customer, discount)
}

#[test]
fn a_customers_discount_for_one_invoice_is_used_up_by_the_first_that_it_is_on() {
    let world = World::platform();
    let (customer, discount) = discounted(&world);
    let made = subscribe(&world, &customer, &price(&world, "1000", "week"), &[]);
    let first = &made["latest_invoice"];
    assert_eq!(
        (&first["total"], &first["discounts"][0]),
        (&json!(500), &discount["id"])
    );
    let path = format!("/v1/customers/{customer}");
    assert_eq!(world.get(&path)["discount"], Value::Null);
    let types = world.event_types();
    let gone = types.iter().filter(|kind| *kind == "customer.discount.deleted");
    assert_eq!(gone.count(), 1, "{types:?}");
    world.simulator.advance_ms(8 * DAY_MS);
    assert_eq!(read(&world, &made)["latest_invoice"]["total"], 1000);
}

#[test]
fn invoices_by_hand_use_it_up_as_well_and_empty_ones_do_not() {
    let world = World::platform();
    let (customer, _) = discounted(&world);
    let path = format!("/v1/customers/{customer}");
    let empty = world.post("/v1/invoices", &[("customer", &customer)]);
    world.post(&at(&empty, "/finalize"), &[]);
    assert_eq!(world.get(&path)["discount"]["object"], "discount");
    item(&world, &customer, &[("amount", "1000")]);
    let invoice = draft(&world, &customer, &[]);
    assert_eq!(invoice["total"], 500);
    assert_eq!(world.get(&path)["discount"], Value::Null);
    // It stays on the invoice that it is on.
    let done = world.post(&at(&invoice, "/finalize"), &[]);
    assert_eq!(done["total"], 500);
    item(&world, &customer, &[("amount", "1000")]);
    assert_eq!(draft(&world, &customer, &[])["total"], 1000);
}

#[test]
fn a_discount_of_an_item_for_one_invoice_is_used_up_too() {
    let world = World::platform();
    let coupon = world.post("/v1/coupons", &[("percent_off", "50"), ("duration", "once")]);
    let customer = customer(&world, Some("pm_card_visa"));
    let weekly = price(&world, "1000", "week");
    let form = [("items[0][discounts][0][coupon]", id(&coupon))];
    let made = subscribe(&world, &customer, &weekly, &form);
    assert_eq!(made["latest_invoice"]["total"], 500);
    world.simulator.advance_ms(8 * DAY_MS);
    let renewed = read(&world, &made);
    assert_eq!(renewed["items"]["data"][0]["discounts"], json!([]));
    assert_eq!(renewed["latest_invoice"]["total"], 1000);
}
