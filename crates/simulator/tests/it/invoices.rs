//! Invoices and their items, as a caller sees them: drawn up, finalized, paid, refused, given up.

use crate::objects::check_keys;
use crate::world::{World, id};
use serde_json::{Value, json};

/// A customer, with a card that pays its invoices when one is named.
pub fn customer(world: &World, card: Option<&str>) -> String {
    let customer = world.post("/v1/customers", &[("email", "a@b.example")]);
    let customer = id(&customer).to_owned();
    if let Some(card) = card {
        let path = format!("/v1/payment_methods/{card}/attach");
        let method = world.post(&path, &[("customer", &customer)]);
        let default = [("invoice_settings[default_payment_method]", id(&method))];
        world.post(&format!("/v1/customers/{customer}"), &default);
    }
    customer
}

pub fn item(world: &World, customer: &str, form: &[(&str, &str)]) -> Value {
    let mut all = vec![("customer", customer), ("currency", "usd")];
    all.extend(form);
    world.post("/v1/invoiceitems", &all)
}

pub fn draft(world: &World, customer: &str, form: &[(&str, &str)]) -> Value {
    let mut all = vec![
        ("customer", customer),
        ("pending_invoice_items_behavior", "include"),
    ];
    all.extend(form);
    world.post("/v1/invoices", &all)
}

pub fn at(invoice: &Value, verb: &str) -> String {
    format!("/v1/invoices/{}{verb}", id(invoice))
}

/// The types of the events since some count of them, without those of the payment itself.
fn events_since(world: &World, count: usize) -> Vec<String> {
    world.event_types().split_off(count)
}

#[test]
fn each_kind_has_the_keys_of_stripes_sample() {
    let world = World::platform();
    let customer = customer(&world, Some("pm_card_visa"));
    let item = item(&world, &customer, &[("amount", "2000"), ("description", "Tea")]);
    let invoice = draft(&world, &customer, &[]);
    check_keys("invoiceitem", &item);
    check_keys("invoice", &invoice);
    check_keys("line_item", &invoice["lines"]["data"][0]);
    let paid = world.post(&at(&invoice, "/pay"), &[("expand[]", "payments")]);
    check_keys("invoice", &paid);
    check_keys("invoice_payment", &paid["payments"]["data"][0]);
}

#[test]
fn what_waits_is_drawn_up_finalized_and_paid_by_the_customers_card() {
    let world = World::platform();
    let customer = customer(&world, Some("pm_card_visa"));
    let waiting = item(&world, &customer, &[("amount", "2000"), ("description", "Tea")]);
    let invoice = draft(&world, &customer, &[]);
    assert_eq!(
        (&invoice["status"], &invoice["amount_due"], &invoice["number"]),
        (&json!("draft"), &json!(2000), &Value::Null)
    );
    let line = &invoice["lines"]["data"][0];
    assert_eq!(
        line["parent"]["invoice_item_details"]["invoice_item"],
        waiting["id"]
    );
    let count = world.event_types().len();
    let form = [("expand[]", "payments"), ("expand[]", "confirmation_secret")];
    let paid = world.post(&at(&invoice, "/pay"), &form);
    assert_eq!(paid["status"], "paid");
    assert_eq!(
        (
            &paid["amount_paid"],
            &paid["amount_remaining"],
            &paid["attempt_count"]
        ),
        (&json!(2000), &json!(0), &json!(1))
    );
    assert!(paid["number"].as_str().unwrap().ends_with("-0001"));
    let payment = &paid["payments"]["data"][0];
    assert_eq!(
        (&payment["status"], &payment["amount_paid"]),
        (&json!("paid"), &json!(2000))
    );
    let intent = payment["payment"]["payment_intent"].as_str().unwrap();
    let found = world.get(&format!(
        "/v1/invoice_payments?payment[type]=payment_intent&payment[payment_intent]={intent}"
    ));
    assert_eq!(found["data"][0]["invoice"], paid["id"]);
    let events = events_since(&world, count);
    assert_eq!(
        events,
        [
            "payment_intent.created",
            "invoice.finalized",
            "charge.succeeded",
            "payment_intent.succeeded",
            "invoice.updated",
            "invoice.paid",
            "invoice.payment_succeeded",
            "invoice_payment.paid",
        ]
    );
    let error = world.refused(400, &at(&invoice, "/pay"), &[]);
    assert_eq!(error["message"], "Invoice is already paid");
}

#[test]
fn a_card_that_is_refused_leaves_the_invoice_open() {
    let world = World::platform();
    let customer = customer(&world, Some("pm_card_chargeCustomerFail"));
    item(&world, &customer, &[("amount", "2000")]);
    let invoice = draft(&world, &customer, &[]);
    let error = world.refused(402, &at(&invoice, "/pay"), &[]);
    assert_eq!(
        (&error["type"], &error["code"]),
        (&json!("card_error"), &json!("card_declined"))
    );
    let open = world.get(&at(&invoice, ""));
    assert_eq!(
        (&open["status"], &open["attempted"], &open["attempt_count"]),
        (&json!("open"), &json!(true), &json!(1))
    );
    assert_eq!(open["next_payment_attempt"], Value::Null);
    assert_eq!(world.event_types().last().unwrap(), "invoice.payment_failed");
    let other = world.post(
        "/v1/payment_methods/pm_card_visa/attach",
        &[("customer", &customer)],
    );
    let paid = world.post(&at(&invoice, "/pay"), &[("payment_method", id(&other))]);
    assert_eq!(paid["status"], "paid");
}

#[test]
fn a_holder_who_must_authenticate_pays_by_the_invoices_intent() {
    let world = World::platform();
    let customer = customer(&world, Some("pm_card_authenticationRequired"));
    item(&world, &customer, &[("amount", "2000")]);
    let invoice = draft(&world, &customer, &[]);
    let error = world.refused(402, &at(&invoice, "/pay"), &[]);
    assert_eq!(error["code"], "invoice_payment_intent_requires_action");
    let types = world.event_types();
    assert!(
        types.contains(&"invoice.payment_action_required".to_owned()),
        "{types:?}"
    );
}

#[test]
fn nothing_to_charge_and_nothing_to_bill_are_refused() {
    let world = World::platform();
    let customer = customer(&world, None);
    let error = world.refused(
        400,
        "/v1/invoices",
        &[
            ("customer", &customer),
            ("pending_invoice_items_behavior", "include"),
        ],
    );
    assert_eq!(error["code"], "invoice_no_customer_line_items");
    item(&world, &customer, &[("amount", "2000")]);
    let invoice = draft(&world, &customer, &[]);
    let error = world.refused(400, &at(&invoice, "/pay"), &[]);
    assert_eq!(
        (&error["code"], &error["param"]),
        (&json!("resource_missing"), &Value::Null)
    );
}

#[test]
fn only_drafts_change_and_only_open_ones_end() {
    let world = World::platform();
    let customer = customer(&world, None);
    let waiting = item(&world, &customer, &[("amount", "2000")]);
    let invoice = draft(&world, &customer, &[]);
    for verb in ["/void", "/mark_uncollectible"] {
        world.refused(400, &at(&invoice, verb), &[]);
    }
    world.post(
        &format!("/v1/invoiceitems/{}", id(&waiting)),
        &[("amount", "3000")],
    );
    let changed = world.get(&at(&invoice, ""));
    assert_eq!(
        (&changed["total"], &changed["lines"]["data"][0]["amount"]),
        (&json!(3000), &json!(3000))
    );
    world.post(&at(&invoice, "/finalize"), &[]);
    for (verb, form) in [
        ("/finalize", vec![]),
        ("", vec![("description", "late")]),
        ("/add_lines", vec![("lines[0][amount]", "5")]),
    ] {
        let error = world.refused(400, &at(&invoice, verb), &form);
        assert_eq!(error["code"], "invoice_not_editable", "{verb}");
    }
    assert_eq!(world.ask("DELETE", &at(&invoice, ""), &[]).0, 400);
    world.post(&at(&invoice, ""), &[("metadata[a]", "b")]);
    let void = world.post(&at(&invoice, "/void"), &[]);
    assert_eq!(void["status"], "void");
    let types = world.event_types();
    for kind in ["payment_intent.canceled", "invoice.voided"] {
        assert!(types.contains(&kind.to_owned()), "{types:?}");
    }
}

#[test]
fn a_deleted_draft_lets_its_items_wait_again() {
    let world = World::platform();
    let customer = customer(&world, None);
    item(&world, &customer, &[("amount", "2000")]);
    let invoice = draft(&world, &customer, &[]);
    let (status, gone) = world.ask("DELETE", &at(&invoice, ""), &[]);
    assert_eq!((status, &gone["deleted"]), (200, &json!(true)));
    assert_eq!(world.ask("GET", &at(&invoice, ""), &[]).0, 404);
    let waiting = world.get("/v1/invoiceitems?pending=true");
    assert_eq!(waiting["data"].as_array().unwrap().len(), 1);
    assert_eq!(world.event_types().last().unwrap(), "invoice.deleted");
}

#[test]
fn discounts_come_off_before_taxes_go_on() {
    let world = World::platform();
    let customer = customer(&world, None);
    let coupon = world.post("/v1/coupons", &[("percent_off", "33.3")]);
    let rate = world.post(
        "/v1/tax_rates",
        &[
            ("display_name", "VAT"),
            ("inclusive", "false"),
            ("percentage", "7.7"),
        ],
    );
    item(&world, &customer, &[("amount", "1001")]);
    item(
        &world,
        &customer,
        &[("amount", "2002"), ("discountable", "false")],
    );
    let form = [
        ("discounts[0][coupon]", id(&coupon)),
        ("default_tax_rates[]", id(&rate)),
        ("expand[]", "discounts"),
    ];
    let invoice = draft(&world, &customer, &form);
    // 33.3 % of 1001 is 333; 7.7 % of 668 is 51 and of 2002 is 154.
    assert_eq!(invoice["subtotal"], 3003);
    assert_eq!(invoice["total_discount_amounts"][0]["amount"], 333);
    assert_eq!(invoice["total_taxes"][0]["amount"], 51 + 154);
    assert_eq!(invoice["total_excluding_tax"], 3003 - 333);
    assert_eq!(invoice["total"], 3003 - 333 + 205);
    assert_eq!(invoice["discounts"][0]["source"]["coupon"], coupon["id"]);
    let used = world.get(&format!("/v1/coupons/{}", id(&coupon)));
    assert_eq!(used["times_redeemed"], 1);
}

#[test]
fn the_customers_balance_is_set_off_and_comes_back_when_it_is_voided() {
    let world = World::platform();
    let customer = customer(&world, None);
    let balance = |world: &World| world.get(&format!("/v1/customers/{customer}"))["balance"].clone();
    world.post(&format!("/v1/customers/{customer}"), &[("balance", "-500")]);
    item(&world, &customer, &[("amount", "2000")]);
    let invoice = draft(&world, &customer, &[]);
    let open = world.post(&at(&invoice, "/finalize"), &[]);
    assert_eq!(
        (
            &open["amount_due"],
            &open["starting_balance"],
            &open["ending_balance"]
        ),
        (&json!(1500), &json!(-500), &json!(0))
    );
    assert_eq!(balance(&world), 0);
    world.post(&at(&invoice, "/void"), &[]);
    assert_eq!(balance(&world), -500);
    item(&world, &customer, &[("amount", "300")]);
    let small = draft(&world, &customer, &[]);
    let paid = world.post(&at(&small, "/finalize"), &[]);
    assert_eq!(
        (&paid["status"], &paid["amount_due"]),
        (&json!("paid"), &json!(0))
    );
    assert_eq!(balance(&world), -200);
}

#[test]
fn an_invoice_that_goes_on_by_itself_is_paid_after_an_hour() {
    let world = World::platform();
    let customer = customer(&world, Some("pm_card_visa"));
    item(&world, &customer, &[("amount", "2000")]);
    let invoice = draft(&world, &customer, &[("auto_advance", "true")]);
    let at_s = invoice["automatically_finalizes_at"].as_i64().unwrap();
    assert_eq!(at_s - invoice["created"].as_i64().unwrap(), 3600);
    world.simulator.advance_ms(3_599_000);
    assert_eq!(world.get(&at(&invoice, ""))["status"], "draft");
    world.simulator.advance_ms(1_000);
    let paid = world.get(&at(&invoice, ""));
    assert_eq!(
        (&paid["status"], &paid["auto_advance"]),
        (&json!("paid"), &json!(false))
    );
}

#[test]
fn an_invoice_by_mail_is_sent_falls_due_and_is_paid_elsewhere() {
    let world = World::platform();
    let customer = customer(&world, None);
    item(&world, &customer, &[("amount", "2000")]);
    let form = [("collection_method", "send_invoice"), ("days_until_due", "7")];
    let invoice = draft(&world, &customer, &form);
    let sent = world.post(&at(&invoice, "/send"), &[]);
    let due = sent["due_date"].as_i64().unwrap() - sent["created"].as_i64().unwrap();
    assert_eq!((&sent["status"], due), (&json!("open"), 7 * 86_400));
    assert_eq!(world.event_types().last().unwrap(), "invoice.sent");
    world.simulator.advance_ms(7 * 86_400_000);
    assert_eq!(world.event_types().last().unwrap(), "invoice.overdue");
    let paid = world.post(&at(&invoice, "/pay"), &[("paid_out_of_band", "true")]);
    assert_eq!(
        (&paid["status"], &paid["amount_remaining"]),
        (&json!("paid"), &json!(0))
    );
    let charge = draft_of_card(&world);
    world.refused(400, &at(&charge, "/send"), &[]);
}

fn draft_of_card(world: &World) -> Value {
    let customer = customer(world, None);
    item(world, &customer, &[("amount", "2000")]);
    draft(world, &customer, &[])
}

#[test]
fn lines_are_added_changed_and_removed_while_it_is_a_draft() {
    let world = World::platform();
    let customer = customer(&world, None);
    let invoice = world.post("/v1/invoices", &[("customer", &customer), ("currency", "usd")]);
    let form = [
        ("lines[0][amount]", "1000"),
        ("lines[0][description]", "Tea"),
        ("lines[1][amount]", "500"),
        ("invoice_metadata[a]", "b"),
    ];
    let added = world.post(&at(&invoice, "/add_lines"), &form);
    assert_eq!(
        (&added["total"], &added["metadata"]),
        (&json!(1500), &json!({ "a": "b" }))
    );
    let line = id(&added["lines"]["data"][1]).to_owned();
    let form = [("amount", "700"), ("quantity", "1")];
    let changed = world.post(&at(&invoice, &format!("/lines/{line}")), &form);
    assert_eq!((&changed["amount"], &changed["id"]), (&json!(700), &json!(line)));
    let form = [("lines[0][id]", line.as_str()), ("lines[0][behavior]", "delete")];
    let removed = world.post(&at(&invoice, "/remove_lines"), &form);
    assert_eq!(removed["total"], 1000);
    let lines = world.get(&at(&invoice, "/lines"));
    assert_eq!(lines["data"].as_array().unwrap().len(), 1);
}

#[test]
fn an_account_pays_the_platforms_fee_on_its_invoices() {
    let world = World::tenant();
    let customer = customer(&world, Some("pm_card_visa"));
    item(&world, &customer, &[("amount", "2000")]);
    let invoice = draft(&world, &customer, &[("application_fee_amount", "150")]);
    world.post(&at(&invoice, "/pay"), &[]);
    world.simulator.advance_ms(2_000);
    let fees = world.on_platform().get("/v1/application_fees");
    assert_eq!(fees["data"][0]["amount"], 150);
}

#[test]
fn a_customer_gets_another_discount_and_loses_it() {
    let world = World::platform().version(None);
    let one = world.post("/v1/coupons", &[("percent_off", "20")]);
    let two = world.post("/v1/coupons", &[("percent_off", "30")]);
    let customer = world.post("/v1/customers", &[("coupon", id(&one))]);
    assert_eq!(customer["discount"]["source"]["coupon"], one["id"]);
    let path = format!("/v1/customers/{}", id(&customer));
    world.post(&path, &[("coupon", id(&two))]);
    let (status, gone) = world.ask("DELETE", &format!("{path}/discount"), &[]);
    assert_eq!((status, &gone["deleted"]), (200, &json!(true)));
    assert_eq!(world.get(&path)["discount"], Value::Null);
    let types = world.event_types();
    let told: Vec<_> = types.iter().filter(|kind| kind.contains("discount")).collect();
    assert_eq!(
        told,
        [
            "customer.discount.created",
            "customer.discount.updated",
            "customer.discount.deleted"
        ]
    );
}

/// An open invoice over 2000.
pub fn open(world: &World, card: Option<&str>) -> Value {
    let customer = customer(world, card);
    item(world, &customer, &[("amount", "2000")]);
    let invoice = draft(world, &customer, &[]);
    world.post(&at(&invoice, "/finalize"), &[])
}
