//! Payouts, top-ups and balance settings: what leaves the balance, when it arrives, and what comes back.

use crate::samples::lacks;
use crate::world::{World, id};
use serde_json::{Value, json};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 86_400_000;

/// The platform with 200.00 (less Stripe's fee) that can be paid out now.
fn funded() -> World {
    let world = World::platform();
    earn(&world);
    world
}

fn earn(world: &World) {
    let form = [
        ("amount", "20000"),
        ("currency", "usd"),
        ("payment_method", "pm_card_bypassPending"),
        ("allowed_payment_method_types[]", "card"),
        ("confirm", "true"),
    ];
    assert_eq!(world.post("/v1/payment_intents", &form)["status"], "succeeded");
}

/// A connected account with money, whose bank has this number.
fn tenant_with_bank(number: &str) -> World {
    let platform = World::platform();
    let made = platform.control("POST", "/_simulator/accounts", &json!({ "bank_account": number }));
    let tenant = platform.on(id(&made));
    earn(&tenant);
    tenant
}

fn available(world: &World) -> Value {
    world.get("/v1/balance")["available"][0]["amount"].clone()
}

fn pay_out(world: &World, amount: &str) -> Value {
    world.post("/v1/payouts", &[("amount", amount), ("currency", "usd")])
}

fn again(world: &World, payout: &Value) -> Value {
    world.get(&format!("/v1/payouts/{}", id(payout)))
}

#[test]
fn a_payout_leaves_the_balance_at_once_and_arrives_two_days_later() {
    let world = funded();
    let before = available(&world).as_i64().unwrap();
    let payout = pay_out(&world, "1100");
    assert_eq!(lacks("payout", &payout), Vec::<String>::new());
    assert_eq!(payout["status"], "pending");
    assert_eq!(payout["automatic"], false);
    assert_eq!(available(&world), before - 1100);
    let booked = world.get(&format!(
        "/v1/balance_transactions/{}",
        payout["balance_transaction"].as_str().unwrap()
    ));
    assert_eq!(
        (&booked["type"], &booked["net"], &booked["source"]),
        (&json!("payout"), &json!(-1100), &payout["id"])
    );
    world.simulator.advance_ms(HOUR_MS);
    assert_eq!(again(&world, &payout)["status"], "in_transit");
    world.simulator.advance_ms(2 * DAY_MS);
    assert_eq!(again(&world, &payout)["status"], "paid");
    let told: Vec<String> = world.event_types();
    let told: Vec<&str> = told
        .iter()
        .map(String::as_str)
        .filter(|kind| kind.starts_with("payout"))
        .collect();
    assert_eq!(
        told,
        [
            "payout.created",
            "payout.updated",
            "payout.updated",
            "payout.paid"
        ]
    );
}

#[test]
fn a_payout_needs_a_whole_amount_that_is_available_and_a_bank() {
    let world = funded();
    for amount in ["400.2", "-400", "0", "x"] {
        let error = world.refused(400, "/v1/payouts", &[("amount", amount), ("currency", "usd")]);
        assert_eq!(error["param"], "amount", "{amount}");
    }
    let error = world.refused(400, "/v1/payouts", &[("amount", "2000000"), ("currency", "usd")]);
    assert_eq!(error["code"], "balance_insufficient");
    let form = [
        ("amount", "100"),
        ("currency", "usd"),
        ("destination", "ba_nowhere"),
    ];
    assert_eq!(world.refused(400, "/v1/payouts", &form)["param"], "destination");
    let tenant = World::tenant();
    earn(&tenant);
    let error = tenant.refused(400, "/v1/payouts", &[("amount", "100"), ("currency", "usd")]);
    assert!(
        error["message"].as_str().unwrap().contains("external accounts"),
        "{error}"
    );
}

#[test]
fn the_failing_test_banks_send_a_payout_back() {
    for (number, code) in [
        ("000111111116", "no_account"),
        ("000111111113", "account_closed"),
        ("000222222227", "insufficient_funds"),
        ("000333333335", "debit_not_authorized"),
        ("000444444440", "invalid_currency"),
    ] {
        let tenant = tenant_with_bank(number);
        let before = available(&tenant);
        let payout = pay_out(&tenant, "5000");
        assert_eq!(payout["failure_code"], Value::Null);
        tenant.simulator.advance_ms(3 * DAY_MS);
        let payout = again(&tenant, &payout);
        assert_eq!(
            (&payout["status"], &payout["failure_code"]),
            (&json!("failed"), &json!(code))
        );
        assert!(payout["failure_balance_transaction"].is_string());
        assert_eq!(available(&tenant), before);
        assert_eq!(tenant.event_types().last().unwrap(), "payout.failed");
    }
}

#[test]
fn only_a_pending_manual_payout_is_canceled_and_only_a_paid_one_reversed() {
    let world = funded();
    let before = available(&world);
    let payout = pay_out(&world, "700");
    let path = format!("/v1/payouts/{}", id(&payout));
    world.refused(400, &format!("{path}/reverse"), &[]);
    assert_eq!(world.post(&format!("{path}/cancel"), &[])["status"], "canceled");
    assert_eq!(available(&world), before);
    world.refused(400, &format!("{path}/cancel"), &[]);
    world.simulator.advance_ms(3 * DAY_MS);
    assert_eq!(again(&world, &payout)["status"], "canceled");

    let paid = pay_out(&world, "700");
    world.simulator.advance_ms(3 * DAY_MS);
    let path = format!("/v1/payouts/{}", id(&paid));
    let back = world.post(&format!("{path}/reverse"), &[]);
    assert_eq!(
        (&back["amount"], &back["original_payout"]),
        (&json!(-700), &paid["id"])
    );
    assert_eq!(again(&world, &paid)["reversed_by"], back["id"]);
    assert_eq!(available(&world), before);
    world.refused(400, &format!("{path}/reverse"), &[]);
}

#[test]
fn what_was_paid_may_still_come_back() {
    let world = funded();
    let payout = pay_out(&world, "700");
    world.simulator.advance_ms(3 * DAY_MS);
    let failed = world.control(
        "POST",
        &format!("/_simulator/payouts/{}/fail", id(&payout)),
        &json!({ "code": "account_closed" }),
    );
    assert_eq!(
        (&failed["status"], &failed["failure_code"]),
        (&json!("failed"), &json!("account_closed"))
    );
    let refused = |payout: &Value| {
        let path = format!("/_simulator/payouts/{}/fail", id(payout));
        let (status, answer) = world.control_status("POST", &path, &json!({}));
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        (status, message.to_owned())
    };
    let before = available(&world);
    let (status, message) = refused(&payout);
    assert_eq!(status, 400);
    assert!(message.contains("failed already"), "{message}");
    assert_eq!(available(&world), before, "its money came back once");
    let canceled = pay_out(&world, "700");
    world.post(&format!("/v1/payouts/{}/cancel", id(&canceled)), &[]);
    let (status, message) = refused(&canceled);
    assert_eq!(status, 400);
    assert!(message.contains("canceled"), "{message}");
    assert_eq!(refused(&json!({ "id": "po_none" })).0, 404);
}

#[test]
fn an_automatic_payout_is_the_sum_of_what_it_covers() {
    let tenant = tenant_with_bank("000123456789");
    let account = tenant.account.clone();
    earn(&tenant);
    let all = available(&tenant);
    let asked = json!({ "account": account });
    let payout = tenant.control("POST", "/_simulator/payouts", &asked);
    assert_eq!((&payout["amount"], &payout["automatic"]), (&all, &json!(true)));
    assert_eq!(payout["reconciliation_status"], "in_progress");
    assert_eq!(available(&tenant), 0);
    let covered = tenant.get(&format!("/v1/balance_transactions?payout={}", id(&payout)));
    let nets = covered["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["net"].as_i64().unwrap());
    assert_eq!(nets.sum::<i64>(), 0, "what it covers, and itself: {covered}");
    assert_eq!(covered["data"].as_array().unwrap().len(), 3);
    tenant.simulator.advance_ms(3 * DAY_MS);
    assert_eq!(again(&tenant, &payout)["reconciliation_status"], "completed");
    assert_eq!(
        tenant.event_types().last().unwrap(),
        "payout.reconciliation_completed"
    );
    let (status, _) = tenant.control_status("POST", "/_simulator/payouts", &asked);
    assert_eq!(status, 400, "nothing is left");
    earn(&tenant);
    let next = tenant.control("POST", "/_simulator/payouts", &asked);
    let covered = tenant.get(&format!("/v1/balance_transactions?payout={}", id(&next)));
    assert_eq!(covered["data"].as_array().unwrap().len(), 2);
}

#[test]
fn a_payout_changes_its_metadata_and_is_listed() {
    let world = funded();
    let payout = pay_out(&world, "700");
    let path = format!("/v1/payouts/{}", id(&payout));
    assert_eq!(
        world.post(&path, &[("metadata[foo]", "bar")])["metadata"]["foo"],
        "bar"
    );
    assert_eq!(world.event_types().last().unwrap(), "payout.updated");
    world.refused(400, &path, &[("amount", "1")]);
    let data = |query: &str| {
        world.get(&format!("/v1/payouts?{query}"))["data"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(
        (data("status=pending"), data("status=paid"), data("limit=5")),
        (1, 0, 1)
    );
}

#[test]
fn a_topup_arrives_unless_it_is_canceled() {
    let world = World::platform();
    let topup = world.post("/v1/topups", &[("amount", "2000"), ("currency", "usd")]);
    assert_eq!(lacks("topup", &topup), Vec::<String>::new());
    let path = format!("/v1/topups/{}", id(&topup));
    let other = world.post("/v1/topups", &[("amount", "2000"), ("currency", "usd")]);
    let canceled = world.post(&format!("/v1/topups/{}/cancel", id(&other)), &[]);
    assert_eq!(canceled["status"], "canceled");
    world.simulator.advance_ms(HOUR_MS);
    assert_eq!(world.get(&path)["status"], "succeeded");
    assert_eq!(available(&world), 2000);
    world.refused(400, &format!("{path}/cancel"), &[]);
    assert_eq!(
        world.event_types(),
        [
            "topup.created",
            "topup.created",
            "topup.canceled",
            "topup.succeeded"
        ]
    );
}

#[test]
fn an_account_says_when_it_is_paid_out() {
    let platform = World::platform();
    let settings = platform.get("/v1/balance_settings");
    assert_eq!(lacks("balance_settings", &settings), Vec::<String>::new());
    let interval = ("payments[payouts][schedule][interval]", "weekly");
    platform.refused(400, "/v1/balance_settings", &[interval]);
    let day = ("payments[payouts][schedule][weekly_payout_days][]", "monday");
    let settings = platform.post("/v1/balance_settings", &[interval, day]);
    assert_eq!(
        settings["payments"]["payouts"]["schedule"],
        json!({
            "interval": "weekly", "weekly_payout_days": ["monday"],
        })
    );
    let error = platform.refused(
        400,
        "/v1/balance_settings",
        &[("payments[debit_negative_balances]", "true")],
    );
    assert_eq!(error["param"], "payments[debit_negative_balances]");
    assert_eq!(error["code"], Value::Null);

    let tenant = World::tenant();
    tenant.post("/v1/balance_settings", &[interval, day]);
    let account = tenant
        .on_platform()
        .get(&format!("/v1/accounts/{}", tenant.account.clone().unwrap()));
    assert_eq!(account["settings"]["payouts"]["schedule"]["interval"], "weekly");
}
