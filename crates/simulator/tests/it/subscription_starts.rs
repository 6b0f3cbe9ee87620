//! Subscriptions whose periods begin another day than they do.

use crate::subscriptions::{START_S, customer, price, subscribe};
use crate::world::World;
use serde_json::Value;

#[test]
fn what_began_earlier_is_billed_for_the_time_since() {
    let world = World::platform();
    let customer = customer(&world, Some("pm_card_visa"));
    let since = (START_S - 7 * 86_400 - 7 * 86_400 / 2).to_string();
    let form = [("backdate_start_date", since.as_str())];
    let subscription = subscribe(&world, &customer, &price(&world, "1000", "week"), &form);
    assert_eq!(subscription["start_date"].to_string(), since);
    assert_eq!(subscription["billing_cycle_anchor"], START_S);
    assert_eq!(subscription["latest_invoice"]["amount_paid"], 2500);
    assert_eq!(subscription["latest_invoice"]["lines"]["total_count"], 2);
}

#[test]
fn periods_counted_from_a_day_to_come_begin_with_a_part() {
    let world = World::platform();
    let customer = customer(&world, Some("pm_card_visa"));
    let weekly = price(&world, "1400", "week");
    let anchor = (START_S + 86_400).to_string();
    let form = [("billing_cycle_anchor", anchor.as_str())];
    let part = subscribe(&world, &customer, &weekly, &form);
    assert_eq!(part["latest_invoice"]["amount_paid"], 200);
    let item = &part["items"]["data"][0];
    assert_eq!(item["current_period_end"], START_S + 86_400);
    let form = [
        ("billing_cycle_anchor", anchor.as_str()),
        ("proration_behavior", "none"),
    ];
    let free = subscribe(&world, &customer, &weekly, &form);
    assert_eq!(free["status"], "active");
    assert_eq!(free["latest_invoice"], Value::Null);
}
