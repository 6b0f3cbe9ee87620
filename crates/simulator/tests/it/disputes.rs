//! Disputes, inquiries and early fraud warnings: what opens them, what they take, how they end, and what they
//! forbid.

use crate::samples::lacks;
use crate::world::{World, id};
use serde_json::{Value, json};

fn paid_with(world: &World, method: &str) -> Value {
    world.post(
        "/v1/payment_intents",
        &[
            ("amount", "10000"),
            ("currency", "usd"),
            ("payment_method", method),
            ("allowed_payment_method_types[]", "card"),
            ("confirm", "true"),
        ],
    )
}

fn disputes_of(world: &World, intent: &Value) -> Vec<Value> {
    let listed = world.get(&format!("/v1/disputes?payment_intent={}", id(intent)));
    listed["data"].as_array().unwrap().clone()
}

fn read(world: &World, dispute: &Value) -> Value {
    world.get(&format!("/v1/disputes/{}", id(dispute)))
}

fn answer(world: &World, dispute: &Value, text: &str) -> Value {
    let path = format!("/v1/disputes/{}", id(dispute));
    let answered = world.post(&path, &[("evidence[uncategorized_text]", text)]);
    world.simulator.advance_ms(6_000);
    answered
}

fn balance(world: &World) -> i64 {
    let balance = world.get("/v1/balance");
    let amount = |part: &str| balance[part][0]["amount"].as_i64().unwrap();
    amount("available") + amount("pending")
}

fn events_of(world: &World, of: &str) -> Vec<String> {
    let types = world.event_types();
    types.into_iter().filter(|kind| kind.starts_with(of)).collect()
}

#[test]
fn a_chargeback_takes_the_money_and_a_fee_and_forbids_refunds() {
    let world = World::platform();
    let intent = paid_with(&world, "pm_card_createDispute");
    let before = balance(&world);
    let found = disputes_of(&world, &intent);
    assert_eq!(found.len(), 1);
    let dispute = &found[0];
    assert_eq!(lacks("dispute", dispute), Vec::<String>::new());
    assert_eq!(
        (&dispute["status"], &dispute["reason"]),
        (&json!("needs_response"), &json!("fraudulent"))
    );
    assert_eq!(dispute["is_charge_refundable"], json!(false));
    let charge = world.get(&format!("/v1/charges/{}", dispute["charge"].as_str().unwrap()));
    assert_eq!(charge["dispute"], dispute["id"]);
    let booked = &dispute["balance_transactions"][0];
    assert_eq!(
        (&booked["amount"], &booked["fee"], &booked["net"]),
        (&json!(-10000), &json!(1500), &json!(-11500))
    );
    assert_eq!(
        (&booked["type"], &booked["reporting_category"], &booked["source"]),
        (&json!("adjustment"), &json!("dispute"), &dispute["id"])
    );
    assert_eq!(
        before,
        10_000 - 320 - 11_500,
        "the bank acts before the next request"
    );
    let error = world.refused(400, "/v1/refunds", &[("payment_intent", id(&intent))]);
    assert_eq!(error["code"], "charge_disputed");
    assert_eq!(
        events_of(&world, "charge.dispute"),
        ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    );
}

#[test]
fn evidence_decides() {
    let world = World::platform();
    let won = disputes_of(&world, &paid_with(&world, "pm_card_createDispute")).remove(0);
    let before = balance(&world);
    let sent = answer(&world, &won, "winning_evidence");
    assert_eq!(sent["status"], "under_review");
    assert_eq!(sent["evidence_details"]["submission_count"], 1);
    let won = read(&world, &won);
    assert_eq!(won["status"], "won");
    assert_eq!(
        won["balance_transactions"][1]["net"], 11_500,
        "the fee comes back, too"
    );
    assert_eq!(balance(&world), before + 11_500);

    let lost = disputes_of(
        &world,
        &paid_with(&world, "pm_card_createDisputeProductNotReceived"),
    )
    .remove(0);
    assert_eq!(lost["reason"], "product_not_received");
    let path = format!("/v1/disputes/{}", id(&lost));
    let staged = world.post(
        &path,
        &[
            ("evidence[uncategorized_text]", "losing_evidence"),
            ("submit", "false"),
        ],
    );
    assert_eq!(
        (&staged["status"], &staged["evidence_details"]["has_evidence"]),
        (&json!("needs_response"), &json!(true))
    );
    world.post(&path, &[("submit", "true")]);
    world.simulator.advance_ms(6_000);
    assert_eq!(read(&world, &lost)["status"], "lost");
    assert_eq!(
        events_of(&world, "charge.dispute"),
        [
            "charge.dispute.created",
            "charge.dispute.funds_withdrawn",
            "charge.dispute.updated",
            "charge.dispute.funds_reinstated",
            "charge.dispute.closed",
            "charge.dispute.created",
            "charge.dispute.funds_withdrawn",
            "charge.dispute.updated",
            "charge.dispute.updated",
            "charge.dispute.closed",
        ]
    );
    world.refused(400, &path, &[("evidence[customer_name]", "Ada")]);
    world.refused(400, &format!("{path}/close"), &[]);
    assert_eq!(
        world.post(&path, &[("metadata[a]", "b")])["metadata"]["a"],
        "b",
        "notes may still be made"
    );
}

#[test]
fn what_a_bank_decided_can_be_overturned_again_and_again() {
    let world = World::platform();
    let intent = paid_with(&world, "pm_card_createDispute");
    let dispute = disputes_of(&world, &intent).remove(0);
    let path = format!("/_simulator/disputes/{}", id(&dispute));
    let decide = |verdict: &str| world.control_status("POST", &path, &json!({"verdict": verdict}));
    assert_eq!(decide("overturn").0, 400, "nothing was decided");
    let held = balance(&world);
    let mut moved = 1;
    for (verdict, status, back) in [
        ("lose", "lost", 0),
        ("overturn", "won", 11_500),
        ("overturn", "lost", 0),
        ("overturn", "won", 11_500),
    ] {
        assert_eq!(decide(verdict).1["status"], status);
        assert_eq!(balance(&world), held + back, "{verdict} to {status}");
        moved += usize::from(verdict == "overturn");
        let read = read(&world, &dispute);
        assert_eq!(read["balance_transactions"].as_array().unwrap().len(), moved);
    }
    let told = events_of(&world, "charge.dispute.funds_");
    let count = |name: &str| told.iter().filter(|kind| kind.ends_with(name)).count();
    assert_eq!((count("withdrawn"), count("reinstated")), (2, 2));
}

#[test]
fn an_inquiry_takes_nothing_until_it_escalates() {
    let world = World::platform();
    let intent = paid_with(&world, "pm_card_createDisputeInquiry");
    let inquiry = disputes_of(&world, &intent).remove(0);
    assert_eq!(inquiry["status"], "warning_needs_response");
    assert_eq!(inquiry["payment_method_details"]["card"]["case_type"], "inquiry");
    assert_eq!(inquiry["balance_transactions"], json!([]));
    assert_eq!(inquiry["is_charge_refundable"], true);
    let form = [("payment_intent", id(&intent)), ("amount", "2000")];
    let old = world.post("/v1/refunds", &form);
    world.simulator.advance_ms(60_000);
    let young = world.post("/v1/refunds", &form);
    answer(&world, &inquiry, "escalate_inquiry_evidence");
    let dispute = read(&world, &inquiry);
    assert_eq!(dispute["status"], "needs_response");
    assert_eq!(
        dispute["balance_transactions"][0]["amount"], -10_000,
        "all of the charge is taken"
    );
    let refund = |of: &Value| world.get(&format!("/v1/refunds/{}", id(of)));
    assert_eq!(refund(&old)["status"], "succeeded");
    assert_eq!(refund(&young)["status"], "failed");
    assert_eq!(
        refund(&young)["failure_reason"],
        "charge_for_pending_refund_disputed"
    );
    world.refused(400, "/v1/refunds", &form);
}

#[test]
fn giving_up_loses_a_chargeback_and_closes_an_inquiry() {
    let world = World::platform();
    for (card, end) in [
        ("pm_card_createDispute", "lost"),
        ("pm_card_createDisputeInquiry", "warning_closed"),
    ] {
        let dispute = disputes_of(&world, &paid_with(&world, card)).remove(0);
        let closed = world.post(&format!("/v1/disputes/{}/close", id(&dispute)), &[]);
        assert_eq!(closed["status"], end);
    }
}

#[test]
fn several_disputes_take_no_more_than_was_paid() {
    let world = World::platform();
    let found = disputes_of(&world, &paid_with(&world, "pm_card_createMultipleDisputes"));
    let sum: i64 = found.iter().map(|one| one["amount"].as_i64().unwrap()).sum();
    assert_eq!((found.len(), sum), (2, 10_000));
}

#[test]
fn a_fraud_warning_can_be_acted_on_until_the_money_is_back() {
    let world = World::platform();
    let intent = paid_with(&world, "pm_card_createIssuerFraudRecord");
    let path = format!("/v1/radar/early_fraud_warnings?payment_intent={}", id(&intent));
    let warning = world.get(&path)["data"][0].clone();
    assert_eq!(lacks("radar.early_fraud_warning", &warning), Vec::<String>::new());
    assert_eq!(warning["actionable"], true);
    world.post(
        "/v1/refunds",
        &[("payment_intent", id(&intent)), ("reason", "fraudulent")],
    );
    assert_eq!(world.get(&path)["data"][0]["actionable"], false);
    let charge = world.get(&format!(
        "/v1/charges/{}",
        intent["latest_charge"].as_str().unwrap()
    ));
    assert_eq!(charge["fraud_details"]["user_report"], "fraudulent");
    assert_eq!(
        events_of(&world, "radar"),
        [
            "radar.early_fraud_warning.created",
            "radar.early_fraud_warning.updated"
        ]
    );
}

#[test]
fn a_dispute_by_the_captured_part_of_a_hold_comes_with_the_capture() {
    let world = World::platform();
    let held = world.post(
        "/v1/payment_intents",
        &[
            ("amount", "10000"),
            ("currency", "usd"),
            ("payment_method", "pm_card_createDispute"),
            ("allowed_payment_method_types[]", "card"),
            ("capture_method", "manual"),
            ("confirm", "true"),
        ],
    );
    world.simulator.advance_ms(60_000);
    assert_eq!(disputes_of(&world, &held).len(), 0);
    world.post(
        &format!("/v1/payment_intents/{}/capture", id(&held)),
        &[("amount_to_capture", "4000")],
    );
    assert_eq!(disputes_of(&world, &held)[0]["amount"], 4_000);
}

#[test]
fn the_control_api_acts_as_bank_and_as_merchant() {
    let world = World::tenant();
    let intent = paid_with(&world, "pm_card_visa");
    let charge = intent["latest_charge"].as_str().unwrap();
    let act = |path: String, body: Value| world.control_status("POST", &format!("/_simulator/{path}"), &body);
    let part = act(format!("charges/{charge}/refund"), json!({ "amount": 1000 })).1;
    assert_eq!(part["status"], "succeeded");
    let events = world.get("/v1/events?type=refund.created");
    assert_eq!(
        events["data"][0]["request"]["id"],
        Value::Null,
        "no request is behind it"
    );
    assert_eq!(
        act(
            format!("refunds/{}/fail", id(&part)),
            json!({ "reason": "declined" })
        )
        .1["failure_reason"],
        "declined"
    );
    let inquiry = act(
        format!("charges/{charge}/dispute"),
        json!({ "inquiry": true, "reason": "general" }),
    )
    .1;
    let path = format!("disputes/{}", id(&inquiry));
    assert_eq!(
        act(path.clone(), json!({ "verdict": "escalate" })).1["status"],
        "needs_response"
    );
    assert_eq!(act(path.clone(), json!({ "verdict": "escalate" })).0, 400);
    assert_eq!(act(path.clone(), json!({ "verdict": "win" })).1["status"], "won");
    assert_eq!(act(path, json!({ "verdict": "lose" })).0, 400);
    assert_eq!(
        act("charges/ch_none/dispute".into(), json!({})).0,
        404,
        "there is no such charge"
    );
    let released = act(
        "balance/release".into(),
        json!({ "account": world.account.clone() }),
    )
    .1;
    assert_eq!(released["pending"][0]["amount"], 0);
    assert_eq!(released["available"][0]["amount"], 10_000 - 320);
}

#[test]
fn an_account_hears_once_a_day_that_money_is_available() {
    let world = World::platform();
    paid_with(&world, "pm_card_bypassPending");
    assert_eq!(
        events_of(&world, "balance"),
        ["balance.available"],
        "this card's money is"
    );
    for _ in 0..3 {
        paid_with(&world, "pm_card_visa");
    }
    world.simulator.advance_ms(5 * 86_400_000);
    assert_eq!(events_of(&world, "balance").len(), 2);
    let event = &world.get("/v1/events?type=balance.available")["data"][0];
    assert_eq!(event["data"]["object"], world.get("/v1/balance"));
}
