//! Amounts that Stripe does not charge at once: refused where a request asks for them, never charged, and
//! never cut off.

use crate::invoices::{at, draft, item};
use crate::subscriptions::{customer, price, subscribe};
use crate::world::{World, id};
use serde_json::{Value, json};

const DAY_MS: i64 = 86_400_000;
/// The most that is charged at once, in cents.
const MOST: &str = "99999999";

fn count(world: &World, path: &str) -> usize {
    world.get(path)["data"].as_array().unwrap().len()
}

fn latest(world: &World, subscription: &Value) -> Value {
    let path = format!("/v1/subscriptions/{}", id(subscription));
    let (_, read) = world.ask("GET", &path, &[("expand[]", "latest_invoice")]);
    read["latest_invoice"].clone()
}

#[test]
fn a_subscription_over_more_than_can_be_charged_is_not_made() {
    let world = World::platform();
    let customer = customer(&world, Some("pm_card_visa"));
    let monthly = price(&world, "1000", "month");
    let before = world.event_types().len();
    for quantity in ["100000", "99999999", "999999999999"] {
        for behavior in ["allow_incomplete", "default_incomplete", "error_if_incomplete"] {
            let form = [
                ("customer", customer.as_str()),
                ("items[0][price]", monthly.as_str()),
                ("items[0][quantity]", quantity),
                ("payment_behavior", behavior),
            ];
            let error = world.refused(400, "/v1/subscriptions", &form);
            assert_eq!(error["code"], "amount_too_large", "{error}");
        }
    }
    assert_eq!(count(&world, "/v1/subscriptions"), 0);
    assert_eq!(count(&world, "/v1/invoices"), 0);
    assert_eq!(count(&world, "/v1/charges"), 0);
    assert_eq!(world.event_types().len(), before);
    let most = subscribe(&world, &customer, &price(&world, MOST, "month"), &[]);
    assert_eq!(most["latest_invoice"]["amount_paid"], 99_999_999);
}

#[test]
fn what_waits_and_what_is_added_count_as_well() {
    let world = World::platform();
    let customer = customer(&world, Some("pm_card_visa"));
    let monthly = price(&world, "99999000", "month");
    let once = world.post(
        "/v1/prices",
        &[
            ("unit_amount", "1000"),
            ("currency", "usd"),
            ("product_data[name]", "Setup"),
        ],
    );
    let base = [
        ("customer", customer.as_str()),
        ("items[0][price]", monthly.as_str()),
    ];
    let mut added = base.to_vec();
    added.push(("add_invoice_items[0][price]", id(&once)));
    let error = world.refused(400, "/v1/subscriptions", &added);
    assert_eq!(error["code"], "amount_too_large");
    let waiting = item(&world, &customer, &[("amount", "1000")]);
    let error = world.refused(400, "/v1/subscriptions", &base);
    assert_eq!(error["code"], "amount_too_large");
    world.ask("DELETE", &format!("/v1/invoiceitems/{}", id(&waiting)), &[]);
    // What the customer has to the good makes it less.
    let good = [("amount", "-2000"), ("currency", "usd")];
    let balance = format!("/v1/customers/{customer}/balance_transactions");
    world.post(&balance, &good);
    let made = world.post("/v1/subscriptions", &added);
    assert_eq!(latest(&world, &made)["amount_paid"], 99_998_000);
}

#[test]
fn a_change_that_comes_to_too_much_changes_nothing() {
    let world = World::platform();
    let customer = customer(&world, Some("pm_card_visa"));
    let made = subscribe(&world, &customer, &price(&world, "1000", "month"), &[]);
    let item = id(&made["items"]["data"][0]).to_owned();
    let path = format!("/v1/subscriptions/{}", id(&made));
    let (invoices, charges) = (count(&world, "/v1/invoices"), count(&world, "/v1/charges"));
    let forms = [
        [("proration_behavior", "always_invoice")],
        [("billing_cycle_anchor", "now")],
    ];
    for form in forms {
        let mut all = vec![("items[0][id]", item.as_str()), ("items[0][quantity]", "200000")];
        all.extend(form);
        let error = world.refused(400, &path, &all);
        assert_eq!(error["code"], "amount_too_large", "{error}");
    }
    let form = [("quantity", "200000"), ("proration_behavior", "always_invoice")];
    let error = world.refused(400, &format!("/v1/subscription_items/{item}"), &form);
    assert_eq!(error["code"], "amount_too_large");
    let form = [("quantity", "999999999999")];
    let error = world.refused(400, &format!("/v1/subscription_items/{item}"), &form);
    assert_eq!(error["code"], "amount_too_large");
    assert_eq!(world.get(&path)["items"]["data"][0]["quantity"], 1);
    assert_eq!(count(&world, "/v1/invoices"), invoices);
    assert_eq!(count(&world, "/v1/charges"), charges);
    assert_eq!(count(&world, "/v1/invoiceitems?pending=true"), 0);
}

#[test]
fn a_renewal_over_too_much_stays_a_draft_that_says_why() {
    let world = World::platform();
    let customer = customer(&world, Some("pm_card_visa"));
    let made = subscribe(&world, &customer, &price(&world, "60000000", "month"), &[]);
    item(&world, &customer, &[("amount", "60000000")]);
    let charges = count(&world, "/v1/charges");
    world.simulator.advance_ms(31 * DAY_MS + 7_200_000);
    let invoice = latest(&world, &made);
    assert_eq!(invoice["total"], 120_000_000);
    assert_eq!(invoice["status"], "draft");
    assert_eq!(invoice["automatically_finalizes_at"], Value::Null);
    assert_eq!(invoice["attempted"], false);
    let error = &invoice["last_finalization_error"];
    assert_eq!(
        (&error["code"], &error["type"]),
        (&json!("amount_too_large"), &json!("invalid_request_error"))
    );
    assert_eq!(count(&world, "/v1/charges"), charges);
    let types = world.event_types();
    assert!(
        types.contains(&"invoice.finalization_failed".to_owned()),
        "{types:?}"
    );
    let error = world.refused(400, &at(&invoice, "/pay"), &[]);
    assert_eq!(error["code"], "amount_too_large");
    // With less on it, it can be finalized after all.
    let lines = invoice["lines"]["data"].as_array().unwrap();
    let extra = lines
        .iter()
        .find(|line| line["parent"]["type"] == "invoice_item_details");
    let form = [
        ("lines[0][id]", id(extra.unwrap())),
        ("lines[0][behavior]", "delete"),
    ];
    world.post(&at(&invoice, "/remove_lines"), &form);
    let paid = world.post(&at(&invoice, "/pay"), &[]);
    assert_eq!(
        (
            &paid["status"],
            &paid["amount_paid"],
            &paid["last_finalization_error"]
        ),
        (&json!("paid"), &json!(60_000_000), &Value::Null)
    );
}

#[test]
fn sums_are_refused_or_exact_and_never_cut_off() {
    let world = World::platform();
    let customer = customer(&world, None);
    let dear = [
        ("customer", customer.as_str()),
        ("currency", "usd"),
        ("unit_amount_decimal", "99999999999"),
        ("quantity", "2"),
    ];
    let error = world.refused(400, "/v1/invoiceitems", &dear);
    assert_eq!(error["code"], "amount_too_large");
    let product = world.post("/v1/products", &[("name", "Tea")]);
    let dear = [
        ("customer", customer.as_str()),
        ("currency", "usd"),
        ("price_data[unit_amount]", "1000000"),
        ("price_data[currency]", "usd"),
        ("price_data[product]", id(&product)),
        ("quantity", "999999999999"),
    ];
    let error = world.refused(400, "/v1/invoiceitems", &dear);
    assert_eq!(error["code"], "amount_too_large");
    assert_eq!(count(&world, "/v1/invoiceitems"), 0);
    for _ in 0..2 {
        item(&world, &customer, &[("amount", "99999999999")]);
    }
    let invoice = draft(&world, &customer, &[]);
    assert_eq!(invoice["total"], 199_999_999_998_i64);
    let line = id(&invoice["lines"]["data"][0]).to_owned();
    let form = [("quantity", "2"), ("unit_amount_decimal", "99999999999")];
    let error = world.refused(400, &at(&invoice, &format!("/lines/{line}")), &form);
    assert_eq!(error["code"], "amount_too_large");
    for verb in ["/finalize", "/pay"] {
        let error = world.refused(400, &at(&invoice, verb), &[]);
        assert_eq!(error["code"], "amount_too_large");
    }
}
