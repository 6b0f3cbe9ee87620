//! Events of money that goes back, each with its thin twin: whichever comes first, and however often, there
//! is one effect.

use std::collections::BTreeSet;

use reqwest::StatusCode;
use serde_json::{Value, json};
use server::demo::TEST_WEBHOOK_SECRET;
use store::Sql;

use crate::disputes::{decide, newest, open, paid};
use crate::engines::World;
use crate::inbox::{by_hand, work};
use crate::thin_events::{THIN_SECRET, thin_of, twins};
use crate::town::Town;

const AMOUNT: i64 = 12_345;
/// What is booked of money that goes back, or comes again: how many transactions of each kind.
const KINDS: Sql = Sql::new(
    "select kind, count(*) as n from ledger_transactions
     where kind like 'dispute_%' or kind like 'refund%' group by kind order by kind",
);
const FATES: Sql = Sql::new("select event_id, status from stripe_webhook_events");

async fn deliver(town: &Town, secret: &str, event: &Value) {
    let reply = town.deliver_signed(secret, event.to_string().as_bytes()).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    work(town).await;
}

/// Tells of all that has happened on the account and was not told yet: each event and its twin, the first of
/// the two once more, and the second names the first.
async fn tell(town: &Town, told: &mut BTreeSet<String>, thin_first: bool) -> BTreeSet<String> {
    let mut kinds = BTreeSet::new();
    let listed = town.stripe("GET", "/v1/events?limit=100", Some(&town.msp.account), "");
    for snapshot in listed["data"].as_array().unwrap().iter().rev() {
        let (id, kind) = (
            snapshot["id"].as_str().unwrap(),
            snapshot["type"].as_str().unwrap(),
        );
        let of_money = ["refund.", "charge.refund", "charge.dispute."];
        if !of_money.iter().any(|family| kind.starts_with(family)) || !told.insert(id.to_owned()) {
            continue;
        }
        kinds.insert(kind.to_owned());
        let thin = thin_of(snapshot);
        let mut pair = [(TEST_WEBHOOK_SECRET, snapshot), (THIN_SECRET, &thin)];
        if thin_first {
            pair.reverse();
        }
        for (secret, event) in [pair[0], pair[1], pair[0]] {
            town.advance_ms(1);
            deliver(town, secret, event).await;
        }
        let rows = town.rows(&FATES).await;
        for (_, event) in pair {
            let row = rows
                .iter()
                .find(|row| event["id"] == row.text("event_id").unwrap().as_str());
            let status = row.unwrap().text("status").unwrap();
            assert!(
                ["processed", "stale"].contains(&status.as_str()),
                "{kind} is {status}"
            );
        }
        let (first, second) = (twins(town, pair[0].1).await, twins(town, pair[1].1).await);
        assert_eq!(
            (first.1, second.1),
            (None, Some(first.0)),
            "{kind}, thin first: {thin_first}"
        );
    }
    kinds
}

async fn booked(town: &Town) -> Vec<(String, i64)> {
    let rows = town.rows(&KINDS).await;
    rows.iter()
        .map(|row| (row.text("kind").unwrap(), row.int("n").unwrap()))
        .collect()
}

fn counted(kinds: &[(&str, i64)]) -> Vec<(String, i64)> {
    kinds.iter().map(|(kind, n)| ((*kind).to_owned(), *n)).collect()
}

fn named(kinds: &[&str]) -> BTreeSet<String> {
    kinds.iter().map(|kind| (*kind).to_owned()).collect()
}

both! {
    fn an_event_of_a_refund_and_its_thin_twin_make_one_effect(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let mut told = BTreeSet::new();
            for (nth, thin_first) in [(1, false), (2, true)] {
                let (invoice, charge) = paid(&town).await;
                tell(&town, &mut told, thin_first).await;
                let path = format!("/_simulator/charges/{charge}/refund");
                let made = town.control("POST", &path, json!({"amount": 5_000}));
                let kinds = tell(&town, &mut told, thin_first).await;
                assert!(kinds.is_superset(&named(&["refund.created", "charge.refunded"])), "{kinds:?}");
                let before = nth - 1;
                let mut expected = vec![("refund", nth)];
                if before > 0 {
                    expected.push(("refund_reversal", before));
                }
                assert_eq!(booked(&town).await, counted(&expected), "thin first: {thin_first}");
                assert_eq!(town.read_invoice(&invoice).await["amount_due"], 5_000);

                let failed = format!("/_simulator/refunds/{}/fail", made["id"].as_str().unwrap());
                town.control("POST", &failed, json!({"reason": "declined"}));
                let kinds = tell(&town, &mut told, thin_first).await;
                assert!(kinds.is_superset(&named(&["refund.failed", "refund.updated"])), "{kinds:?}");
                assert_eq!(booked(&town).await, counted(&[("refund", nth), ("refund_reversal", nth)]));
                assert_eq!(town.read_invoice(&invoice).await["status"], "paid");
                town.assert_books().await;
            }
        });
    }

    fn an_event_of_a_dispute_and_its_thin_twin_make_one_effect(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let mut told = BTreeSet::new();
            for (nth, thin_first) in [(1, false), (2, true)] {
                let (_, charge) = paid(&town).await;
                let dispute = open(&town, &charge, json!({}));
                let mut kinds = BTreeSet::new();
                kinds.append(&mut tell(&town, &mut told, thin_first).await);
                for verdict in ["lose", "overturn"] {
                    decide(&town, &dispute, verdict);
                    kinds.append(&mut tell(&town, &mut told, thin_first).await);
                }
                let every = ["created", "updated", "funds_withdrawn", "funds_reinstated", "closed"]
                    .map(|name| format!("charge.dispute.{name}"));
                assert_eq!(kinds, BTreeSet::from(every));
                let mut each = vec![("dispute_fee", 2 * nth), ("dispute_reinstated", nth)];
                each.push(("dispute_withdrawn", nth));
                assert_eq!(booked(&town).await, counted(&each), "thin first: {thin_first}");
                let now = newest(&town).await;
                let sums = (&now["status"], &now["withdrawn"], &now["reinstated"], &now["fee"]);
                assert_eq!(sums, (&json!("won"), &json!(AMOUNT), &json!(AMOUNT), &json!(0)), "{now}");
                town.assert_books().await;
            }
        });
    }
}
