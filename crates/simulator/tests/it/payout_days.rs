//! Automatic payouts: an account's money goes to its bank on the days that its schedule says, by itself.

use crate::world::{World, id};
use serde_json::{Value, json};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 86_400_000;
const GOOD: &str = "000123456789";
/// Sends payouts back.
const CLOSED: &str = "000111111113";

fn tenant_of(platform: &World, bank: Option<&str>) -> World {
    let made = platform.control("POST", "/_simulator/accounts", &json!({ "bank_account": bank }));
    platform.on(id(&made))
}

/// A connected account whose bank has this number. It is Friday, 15 January 2027, eight o'clock.
fn tenant(bank: &str) -> World {
    tenant_of(&World::platform(), Some(bank))
}

/// 100.00 by a card: two days from now it can be paid out.
fn earn(world: &World) {
    earn_by(world, "pm_card_visa");
}

/// 100.00 that can be paid out at once.
fn earn_at_once(world: &World) {
    earn_by(world, "pm_card_bypassPending");
}

fn earn_by(world: &World, card: &str) {
    let form = [
        ("amount", "10000"),
        ("currency", "usd"),
        ("payment_method", card),
        ("allowed_payment_method_types[]", "card"),
        ("confirm", "true"),
    ];
    assert_eq!(world.post("/v1/payment_intents", &form)["status"], "succeeded");
}

fn set(world: &World, interval: &str, days: &[(&str, &str)]) {
    let mut form = vec![("payments[payouts][schedule][interval]", interval)];
    form.extend(days);
    world.post("/v1/balance_settings", &form);
}

fn available(world: &World) -> i64 {
    world.get("/v1/balance")["available"][0]["amount"]
        .as_i64()
        .unwrap()
}

/// All payouts, oldest first.
fn payouts(world: &World) -> Vec<Value> {
    let mut all = world.get("/v1/payouts?limit=100")["data"]
        .as_array()
        .unwrap()
        .clone();
    all.reverse();
    all
}

/// On which days since the beginning payouts were made.
fn days(world: &World) -> Vec<i64> {
    let start_day = crate::world::START_MS / DAY_MS;
    payouts(world)
        .iter()
        .map(|payout| payout["created"].as_i64().unwrap() * 1000 / DAY_MS - start_day)
        .collect()
}

fn told(world: &World) -> Vec<String> {
    let mut told = world.event_types();
    told.retain(|kind| kind.starts_with("payout.") || kind == "balance.available");
    told
}

#[test]
fn a_day_of_sales_is_paid_out_once_on_the_morning_after_it_is_available() {
    let tenant = tenant(GOOD);
    earn(&tenant);
    tenant.simulator.advance_ms(HOUR_MS);
    earn(&tenant);
    tenant.simulator.advance_ms(2 * DAY_MS);
    let all = available(&tenant);
    assert!(
        all > 0 && payouts(&tenant).is_empty(),
        "available on Sunday: {all}"
    );
    tenant.simulator.advance_ms(DAY_MS);
    let made = payouts(&tenant);
    assert_eq!(made.len(), 1, "{made:?}");
    assert_eq!(
        (&made[0]["amount"], &made[0]["automatic"]),
        (&json!(all), &json!(true))
    );
    assert_eq!((days(&tenant), available(&tenant)), (vec![3], 0));
    tenant.simulator.advance_ms(20 * DAY_MS);
    assert_eq!(payouts(&tenant).len(), 1, "nothing new, no other payout");
    assert_eq!(
        told(&tenant),
        [
            "balance.available",
            "payout.created",
            "payout.updated",
            "payout.updated",
            "payout.paid",
            "payout.reconciliation_completed"
        ]
    );
    let covered = tenant.get(&format!("/v1/balance_transactions?payout={}", id(&made[0])));
    assert_eq!(covered["data"].as_array().unwrap().len(), 3);
}

#[test]
fn a_schedule_by_the_week_or_the_month_waits_for_its_days() {
    let weekly = tenant(GOOD);
    let days_of_week = "payments[payouts][schedule][weekly_payout_days][]";
    set(
        &weekly,
        "weekly",
        &[(days_of_week, "wednesday"), (days_of_week, "friday")],
    );
    let monthly = tenant(GOOD);
    let days_of_month = "payments[payouts][schedule][monthly_payout_days][]";
    set(
        &monthly,
        "monthly",
        &[(days_of_month, "31"), (days_of_month, "20")],
    );
    for world in [&weekly, &monthly] {
        for _ in 0..16 {
            earn_at_once(world);
            world.simulator.advance_ms(3 * DAY_MS);
        }
    }
    // Wednesdays from the 20th on and Fridays from the 22nd on, when there was a sale in between.
    assert_eq!(days(&weekly), [5, 7, 12, 14, 19, 26, 28, 33, 35, 40, 47]);
    // 20 and 31 January, 20 and 28 February.
    assert_eq!(days(&monthly), [5, 16, 36, 44]);
    let wrong = [
        ("payments[payouts][schedule][interval]", "weekly"),
        (days_of_week, "someday"),
    ];
    weekly.refused(400, "/v1/balance_settings", &wrong);
    let wrong = [
        ("payments[payouts][schedule][interval]", "monthly"),
        (days_of_month, "32"),
    ];
    weekly.refused(400, "/v1/balance_settings", &wrong);
}

#[test]
fn nothing_goes_by_itself_without_a_schedule_a_bank_or_anything_to_send() {
    let platform = World::platform();
    let by_hand = tenant_of(&platform, Some(GOOD));
    set(&by_hand, "manual", &[]);
    let bankless = tenant_of(&platform, None);
    let blocked = tenant_of(&platform, Some(GOOD));
    let account = format!("/_simulator/accounts/{}", blocked.account.clone().unwrap());
    blocked.control("POST", &account, &json!({ "payouts_enabled": false }));
    let indebted = tenant_of(&platform, Some(GOOD));
    let worlds = [&platform, &by_hand, &bankless, &blocked];
    for world in worlds {
        earn_at_once(world);
    }
    earn_at_once(&indebted);
    let charge = id(&indebted.get("/v1/charges")["data"][0]).to_owned();
    indebted.post("/v1/refunds", &[("charge", &charge)]);
    assert!(available(&indebted) < 0, "Stripe keeps its fee");
    platform.simulator.advance_ms(40 * DAY_MS);
    for world in worlds.into_iter().chain([&indebted]) {
        assert_eq!(payouts(world), Vec::<Value>::new());
        assert!(available(world) != 0);
    }
    // What stood in the way goes: so does the money.
    set(&by_hand, "daily", &[]);
    blocked.control("POST", &account, &json!({ "payouts_enabled": true }));
    set(&platform, "daily", &[]);
    earn_at_once(&indebted);
    platform.simulator.advance_ms(2 * DAY_MS);
    for world in [&platform, &by_hand, &blocked, &indebted] {
        assert_eq!(
            (payouts(world).len(), available(world)),
            (1, 0),
            "{:?}",
            world.account
        );
    }
}

#[test]
fn a_bank_that_sent_a_payout_back_gets_no_other_by_itself_until_it_is_said_anew() {
    let platform = World::platform();
    let form = [
        ("country", "US"),
        ("type", "custom"),
        ("capabilities[transfers][requested]", "true"),
    ];
    let made = platform.post("/v1/accounts", &form);
    let account = format!("/v1/accounts/{}", id(&made));
    let onboard = format!("/_simulator/accounts/{}/onboard", id(&made));
    let answers = json!({ "account_number": CLOSED, "routing_number": "110000000" });
    platform.control("POST", &onboard, &json!({ "answers": answers, "at_once": true }));
    let tenant = platform.on(id(&made));
    platform.post("/v1/topups", &[("amount", "9000"), ("currency", "usd")]);
    platform.simulator.advance_ms(HOUR_MS);
    let form = [
        ("amount", "5000"),
        ("currency", "usd"),
        ("destination", id(&made)),
    ];
    platform.post("/v1/transfers", &form);
    platform.simulator.advance_ms(20 * DAY_MS);
    let sent = payouts(&tenant);
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(
        (&sent[0]["status"], &sent[0]["failure_code"]),
        (&json!("failed"), &json!("account_closed"))
    );
    assert_eq!(available(&tenant), 5000);
    let types = tenant.event_types();
    assert!(
        types.contains(&"account.external_account.updated".to_owned()),
        "{types:?}"
    );
    let banks = platform.get(&format!("{account}/external_accounts"));
    assert_eq!(banks["data"][0]["status"], "errored");

    let good = [("external_account", "btok_us_verified")];
    platform.post(&account, &good);
    platform.simulator.advance_ms(4 * DAY_MS);
    assert_eq!(payouts(&tenant)[1]["status"], "paid");
    assert_eq!(available(&tenant), 0);
}

#[test]
fn an_account_may_let_its_money_wait_longer() {
    let tenant = tenant(GOOD);
    let override_days = "payments[settlement_timing][delay_days_override]";
    let settings = tenant.post("/v1/balance_settings", &[(override_days, "10")]);
    assert_eq!(settings["payments"]["settlement_timing"]["delay_days"], 10);
    tenant.refused(400, "/v1/balance_settings", &[(override_days, "40")]);
    earn(&tenant);
    tenant.simulator.advance_ms(9 * DAY_MS);
    assert_eq!((available(&tenant), payouts(&tenant).len()), (0, 0));
    tenant.simulator.advance_ms(2 * DAY_MS);
    assert_eq!(days(&tenant), [11]);
    let settings = tenant.post("/v1/balance_settings", &[(override_days, "")]);
    assert_eq!(settings["payments"]["settlement_timing"]["delay_days"], 2);
}

#[test]
fn an_idle_account_queues_nothing_however_far_the_clock_moves() {
    let tenant = tenant(GOOD);
    earn(&tenant);
    tenant.simulator.advance_ms(3_650 * DAY_MS);
    let state = tenant.control("GET", "/_simulator/state", &json!({}));
    assert_eq!(state["steps_pending"], 0);
    assert_eq!(payouts(&tenant).len(), 1);
}

#[test]
fn a_year_of_sales_is_paid_out_to_the_cent() {
    let platform = World::platform();
    let tenants = [(); 3].map(|()| tenant_of(&platform, Some(GOOD)));
    for _ in 0..365 {
        for tenant in &tenants {
            earn(tenant);
        }
        platform.simulator.advance_ms(DAY_MS);
    }
    platform.simulator.advance_ms(10 * DAY_MS);
    for tenant in &tenants {
        assert_eq!(available(tenant), 0);
        let counts = tenant.control("GET", "/_simulator/state", &json!({}))["counts"].clone();
        assert_eq!(counts["payouts"], 3 * 365, "one a day for each of the three");
    }
}
