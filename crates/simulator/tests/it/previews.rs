//! Previews of invoices: what will be billed, what would be after a change, and that nothing is made by them.

use crate::invoices::item;
use crate::objects::check_keys;
use crate::subscriptions::{START_S, customer, price, subscribe};
use crate::world::{World, id};
use serde_json::{Value, json};

const DAY_S: i64 = 86_400;
const PATH: &str = "/v1/invoices/create_preview";

fn amounts(invoice: &Value) -> Vec<i64> {
    let lines = invoice["lines"]["data"].as_array().unwrap();
    lines
        .iter()
        .map(|line| line["amount"].as_i64().unwrap())
        .collect()
}

/// Everything that a preview could leave behind.
fn traces(world: &World) -> Vec<usize> {
    let lists = [
        "/v1/invoices",
        "/v1/invoiceitems",
        "/v1/subscriptions",
        "/v1/prices?active=false",
        "/v1/products",
        "/v1/charges",
    ];
    let count = |path: &&str| world.get(path)["data"].as_array().unwrap().len();
    let mut traces: Vec<usize> = lists.iter().map(count).collect();
    traces.push(world.event_types().len());
    traces
}

#[test]
fn the_next_period_of_a_subscription_is_shown_with_what_waits() {
    let world = World::platform();
    let customer = customer(&world, Some("pm_card_visa"));
    let made = subscribe(&world, &customer, &price(&world, "700", "week"), &[]);
    item(&world, &customer, &[("amount", "300")]);
    let before = traces(&world);
    let preview = world.post(PATH, &[("subscription", id(&made))]);
    check_keys("invoice", &preview);
    check_keys("line_item", &preview["lines"]["data"][0]);
    assert!(id(&preview).starts_with("upcoming_in_1"), "{preview}");
    assert_eq!(amounts(&preview), [300, 700]);
    assert_eq!(
        (&preview["total"], &preview["amount_due"], &preview["status"]),
        (&json!(1000), &json!(1000), &json!("draft"))
    );
    assert_eq!(preview["billing_reason"], "upcoming");
    let end = START_S + 7 * DAY_S;
    assert_eq!(
        (
            &preview["created"],
            &preview["period_end"],
            &preview["next_payment_attempt"]
        ),
        (&json!(end), &json!(end), &json!(end + 3_600))
    );
    let line = &preview["lines"]["data"][1];
    assert_eq!(line["period"], json!({ "start": end, "end": end + 7 * DAY_S }));
    assert_eq!(traces(&world), before);
    let (status, _) = world.ask("GET", &format!("/v1/invoices/{}", id(&preview)), &[]);
    assert_eq!(status, 404);
    // By the customer alone it is the same.
    let again = world.post(PATH, &[("customer", &customer)]);
    assert_eq!(amounts(&again), [300, 700]);
    // What comes is what was shown.
    world.simulator.advance_ms(7 * DAY_S * 1000);
    let (_, renewed) = world.ask(
        "GET",
        &format!("/v1/subscriptions/{}", id(&made)),
        &[("expand[]", "latest_invoice")],
    );
    let invoice = &renewed["latest_invoice"];
    assert_eq!(amounts(invoice), [300, 700]);
    assert_eq!(invoice["total"], preview["total"]);
}

#[test]
fn a_change_is_shown_before_it_is_made() {
    let world = World::platform();
    let customer = customer(&world, Some("pm_card_visa"));
    let made = subscribe(&world, &customer, &price(&world, "1000", "week"), &[]);
    let item = id(&made["items"]["data"][0]).to_owned();
    let before = traces(&world);
    let half = (START_S + 7 * DAY_S / 2).to_string();
    let base = [
        ("subscription", id(&made)),
        ("subscription_details[items][0][id]", item.as_str()),
        ("subscription_details[items][0][quantity]", "3"),
        ("subscription_details[proration_date]", half.as_str()),
    ];
    let preview = world.post(PATH, &base);
    assert_eq!(amounts(&preview), [1500, -500, 3000]);
    let mut now = base.to_vec();
    now.push(("subscription_details[proration_behavior]", "always_invoice"));
    let preview = world.post(PATH, &now);
    assert_eq!(amounts(&preview), [1500, -500]);
    assert_eq!(preview["amount_due"], 1000);
    let mut each = base.to_vec();
    each.push(("preview_mode", "recurring"));
    assert_eq!(amounts(&world.post(PATH, &each)), [3000]);
    let cancel = [
        ("subscription", id(&made)),
        ("subscription_details[cancel_now]", "true"),
    ];
    let preview = world.post(PATH, &cancel);
    assert_eq!(
        (amounts(&preview), &preview["amount_due"]),
        (vec![-1000], &json!(0))
    );
    assert_eq!(preview["ending_balance"], -1000);
    assert_eq!(traces(&world), before);
    let ending = [
        ("subscription", id(&made)),
        ("subscription_details[cancel_at_period_end]", "true"),
    ];
    let error = world.refused(404, PATH, &ending);
    assert_eq!(error["code"], "invoice_upcoming_none");
    let unchanged = world.get(&format!("/v1/subscriptions/{}", id(&made)));
    assert_eq!(
        (
            &unchanged["items"]["data"][0]["quantity"],
            &unchanged["cancel_at_period_end"]
        ),
        (&json!(1), &json!(false))
    );
}

#[test]
fn a_subscription_that_is_only_described_is_shown_too() {
    let world = World::platform();
    let customer = customer(&world, None);
    let monthly = price(&world, "1000", "month");
    let coupon = world.post("/v1/coupons", &[("percent_off", "25"), ("duration", "once")]);
    let product = world.post("/v1/products", &[("name", "Coffee")]);
    let before = traces(&world);
    let form = [
        ("customer", customer.as_str()),
        ("subscription_details[items][0][price]", monthly.as_str()),
        ("subscription_details[items][0][quantity]", "2"),
        ("subscription_details[items][1][price_data][currency]", "usd"),
        (
            "subscription_details[items][1][price_data][product]",
            id(&product),
        ),
        ("subscription_details[items][1][price_data][unit_amount]", "600"),
        (
            "subscription_details[items][1][price_data][recurring][interval]",
            "month",
        ),
        ("invoice_items[0][amount]", "400"),
        ("invoice_items[0][description]", "Setup"),
        ("discounts[0][coupon]", id(&coupon)),
    ];
    let preview = world.post(PATH, &form);
    check_keys("invoice", &preview);
    assert_eq!(amounts(&preview), [400, 2000, 600]);
    assert_eq!(
        (&preview["subtotal"], &preview["total"]),
        (&json!(3000), &json!(2250))
    );
    let details = &preview["parent"]["subscription_details"];
    assert_eq!(details["subscription"], Value::Null);
    let line = &preview["lines"]["data"][2];
    let shown = &line["pricing"]["price_details"];
    assert_eq!(shown["product"], product["id"]);
    assert!(shown["price"].as_str().unwrap().starts_with("price_1"), "{line}");
    let trial = (START_S + 14 * DAY_S).to_string();
    let mut trying = form[..3].to_vec();
    trying.push(("subscription_details[trial_end]", trial.as_str()));
    assert_eq!(amounts(&world.post(PATH, &trying)), [0]);
    assert_eq!(traces(&world), before);
    assert_eq!(
        world.get(&format!("/v1/coupons/{}", id(&coupon)))["times_redeemed"],
        0
    );
}

#[test]
fn what_waits_is_shown_by_itself_and_can_be_changed_in_the_preview() {
    let world = World::platform();
    let customer = customer(&world, None);
    let error = world.refused(404, PATH, &[("customer", &customer)]);
    assert_eq!(error["code"], "invoice_upcoming_none");
    assert_eq!(world.refused(400, PATH, &[])["code"], "parameter_missing");
    let waiting = item(&world, &customer, &[("amount", "500")]);
    let good = [("amount", "-100"), ("currency", "usd")];
    world.post(&format!("/v1/customers/{customer}/balance_transactions"), &good);
    let before = traces(&world);
    let form = [
        ("customer", customer.as_str()),
        ("invoice_items[0][invoiceitem]", id(&waiting)),
        ("invoice_items[0][amount]", "800"),
        ("invoice_items[1][unit_amount]", "30"),
        ("invoice_items[1][quantity]", "3"),
    ];
    let preview = world.post(PATH, &form);
    assert_eq!(amounts(&preview), [800, 90]);
    assert_eq!(
        (
            &preview["starting_balance"],
            &preview["amount_due"],
            &preview["ending_balance"]
        ),
        (&json!(-100), &json!(790), &json!(0))
    );
    let plain = world.post(PATH, &[("customer", &customer)]);
    assert_eq!(amounts(&plain), [500]);
    let unknown = [("customer", customer.as_str()), ("schedule", "sub_sched_1")];
    assert_eq!(world.refused(400, PATH, &unknown)["param"], "schedule");
    let other = world.post("/v1/customers", &[]);
    let foreign = [
        ("customer", id(&other)),
        ("invoice_items[0][invoiceitem]", id(&waiting)),
        ("invoice_items[0][amount]", "1"),
    ];
    world.refused(400, PATH, &foreign);
    assert_eq!(traces(&world), [&before[..6], &[before[6] + 1]].concat());
}
