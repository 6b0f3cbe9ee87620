//! Credit notes: what they take off an invoice, and where the money of a paid one goes.

use crate::invoices::{at, customer, draft, item, open};
use crate::objects::check_keys;
use crate::world::{World, id};
use serde_json::json;

#[test]
fn a_credit_note_takes_off_what_is_still_to_be_paid_until_it_is_voided() {
    let world = World::platform();
    let invoice = open(&world, None);
    let form = [
        ("invoice", id(&invoice)),
        ("lines[0][type]", "custom_line_item"),
        ("lines[0][unit_amount]", "500"),
        ("lines[0][quantity]", "2"),
        ("lines[0][description]", "Sorry"),
    ];
    let note = world.post("/v1/credit_notes", &form);
    assert_eq!(
        (&note["amount"], &note["type"]),
        (&json!(1000), &json!("pre_payment"))
    );
    assert!(note["number"].as_str().unwrap().ends_with("-0001-CN-01"));
    let less = world.get(&at(&invoice, ""));
    assert_eq!(
        (
            &less["amount_remaining"],
            &less["pre_payment_credit_notes_amount"]
        ),
        (&json!(1000), &json!(1000))
    );
    let path = format!("/v1/credit_notes/{}", id(&note));
    world.post(&path, &[("metadata[a]", "b")]);
    let void = world.post(&format!("{path}/void"), &[]);
    assert_eq!(void["status"], "void");
    assert_eq!(world.get(&at(&invoice, ""))["amount_remaining"], 2000);
    let types = world.event_types();
    for kind in ["credit_note.created", "credit_note.updated", "credit_note.voided"] {
        assert!(types.contains(&kind.to_owned()), "{types:?}");
    }
    let too_much = [("invoice", id(&invoice)), ("amount", "2001")];
    world.refused(400, "/v1/credit_notes", &too_much);
    world.post(
        "/v1/credit_notes",
        &[("invoice", id(&invoice)), ("amount", "2000")],
    );
    assert_eq!(world.get(&at(&invoice, ""))["status"], "paid");
}

#[test]
fn a_credit_note_of_a_paid_invoice_says_where_the_money_goes() {
    let world = World::platform();
    let invoice = open(&world, Some("pm_card_visa"));
    world.post(&at(&invoice, "/pay"), &[]);
    let line = id(&invoice["lines"]["data"][0]).to_owned();
    let base = [
        ("invoice", id(&invoice)),
        ("lines[0][type]", "invoice_line_item"),
        ("lines[0][invoice_line_item]", line.as_str()),
        ("lines[0][amount]", "600"),
    ];
    world.refused(400, "/v1/credit_notes", &base);
    let mut form = base.to_vec();
    form.push(("credit_amount", "600"));
    let note = world.post("/v1/credit_notes", &form);
    assert_eq!(
        (&note["post_payment_amount"], &note["type"]),
        (&json!(600), &json!("post_payment"))
    );
    check_keys("credit_note", &note);
    let booked = note["customer_balance_transaction"].as_str().unwrap();
    assert!(booked.starts_with("cbtxn_"), "{booked}");
    let customer = world.get(&format!("/v1/customers/{}", note["customer"].as_str().unwrap()));
    assert_eq!(customer["balance"], -600);
    assert_eq!(
        world.get(&at(&invoice, ""))["post_payment_credit_notes_amount"],
        600
    );
    let mut form = base.to_vec();
    form.push(("refund_amount", "600"));
    let note = world.post("/v1/credit_notes", &form);
    let refund = note["refunds"][0]["refund"].as_str().unwrap();
    assert_eq!(world.get(&format!("/v1/refunds/{refund}"))["amount"], 600);
    assert!(note["number"].as_str().unwrap().ends_with("-CN-02"));
}

#[test]
fn expansion_goes_into_the_entries_of_a_list() {
    let world = World::platform();
    let customer = customer(&world, None);
    let coupon = world.post("/v1/coupons", &[("percent_off", "10")]);
    item(&world, &customer, &[("amount", "1000")]);
    let form = [
        ("discounts[0][coupon]", id(&coupon)),
        ("expand[]", "total_discount_amounts.discount.source.coupon"),
    ];
    let invoice = draft(&world, &customer, &form);
    let discount = &invoice["total_discount_amounts"][0]["discount"];
    assert_eq!(discount["source"]["coupon"]["percent_off"], 10);
}

#[test]
fn what_was_refunded_cannot_be_credited_as_well() {
    let world = World::platform();
    let invoice = open(&world, Some("pm_card_visa"));
    let paid = world
        .ask(
            "POST",
            &at(&invoice, "/pay"),
            &[("expand[]", "payments.data.payment.payment_intent")],
        )
        .1;
    let intent = paid["payments"]["data"][0]["payment"]["payment_intent"].clone();
    let intent = intent["id"].as_str().or(intent.as_str()).unwrap().to_owned();
    let refund = world.post("/v1/refunds", &[("payment_intent", &intent), ("amount", "1500")]);
    let note = |form: &[(&'static str, &str)]| {
        let mut all = vec![("invoice", id(&invoice))];
        all.extend(form);
        world.ask("POST", "/v1/credit_notes", &all)
    };
    let (status, error) = note(&[("credit_amount", "600")]);
    assert_eq!(status, 400, "{error}");
    assert_eq!(error["error"]["param"], "credit_amount");
    let customer = invoice["customer"].as_str().unwrap();
    let balance = || world.get(&format!("/v1/customers/{customer}"))["balance"].clone();
    assert_eq!(balance(), 0);
    // What was refunded is credited by linking the refund, once.
    let linking = [
        ("refunds[0][refund]", id(&refund)),
        ("refunds[0][amount_refunded]", "1500"),
    ];
    let (status, made) = note(&linking);
    assert_eq!(status, 200, "{made}");
    assert_eq!(made["post_payment_amount"], 1500);
    assert_eq!(note(&linking).0, 400);
    assert_eq!(note(&[("credit_amount", "501")]).0, 400);
    assert_eq!(note(&[("credit_amount", "500")]).0, 200);
    assert_eq!(balance(), -500);
    assert_eq!(note(&[("out_of_band_amount", "1")]).0, 400);
}

#[test]
fn a_refund_of_another_payment_cannot_be_linked() {
    let world = World::tenant();
    let invoice = open(&world, Some("pm_card_visa"));
    world.post(&at(&invoice, "/pay"), &[]);
    let (_, other) = world.pay("4242424242424242");
    let refund = world.post("/v1/refunds", &[("payment_intent", id(&other))]);
    let form = [
        ("invoice", id(&invoice)),
        ("refunds[0][refund]", id(&refund)),
        ("refunds[0][amount_refunded]", "100"),
    ];
    let error = world.refused(400, "/v1/credit_notes", &form);
    assert_eq!(error["param"], "refunds");
}

#[test]
fn the_parts_must_come_to_the_whole() {
    let world = World::platform();
    let invoice = open(&world, Some("pm_card_visa"));
    world.post(&at(&invoice, "/pay"), &[]);
    let form = [
        ("invoice", id(&invoice)),
        ("amount", "600"),
        ("credit_amount", "500"),
    ];
    let error = world.refused(400, "/v1/credit_notes", &form);
    assert_eq!(
        error["message"],
        "The sum of credit amount, refund amount and out of band amount ($5.00) must equal the credit note \
         amount ($6.00)."
    );
}
