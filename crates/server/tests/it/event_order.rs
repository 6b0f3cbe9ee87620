//! Events of one object in every order, two of them at once, and before our own answer: what Stripe says
//! in the end is what is shown.

use flows::{reconcile, stripe_events};
use serde_json::{Value, json};
use store::Sql;

use crate::engines::World;
use crate::inbox::{POSTINGS, beside_by_hand, by_hand, deliver, take_one, work};
use crate::town::Town;

const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
const NEWEST_PAYMENT: Sql = Sql::new("select status from payments order by created_at desc, id desc limit 1");

/// An invoice whose payer was asked by the bank and answered so; the invoice, its intent and three events
/// of it, all of the same second.
async fn asked_by_the_bank(town: &Town, outcome: &str, last: &str) -> (String, Value, Vec<Value>) {
    let invoice = town.invoice(12_345, "usd").await;
    let link = town.link(&invoice).await;
    let token = town.token("pm_card_authenticationRequired");
    let asked = town.pay(&link, &token, 12_345, "usd").await;
    assert_eq!(asked.body["status"], "requires_action", "{}", asked.text);
    let intent = town.intents()[0]["id"].as_str().unwrap().to_owned();
    town.challenge(&intent, outcome);
    let events = ["payment_intent.created", "payment_intent.requires_action", last].map(|name| {
        let mut event = town.event_about(name, &intent);
        event["created"] = json!(town.clock.now_s());
        event
    });
    (invoice, town.intents()[0].clone(), events.to_vec())
}

both! {
    fn events_of_one_second_in_any_order_end_with_what_stripe_says(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            for (outcome, last, shown) in [
                ("fail", "payment_intent.payment_failed", "open"),
                ("complete", "payment_intent.succeeded", "paid"),
            ] {
                for order in ORDERS {
                    let (invoice, intent, events) = asked_by_the_bank(&town, outcome, last).await;
                    for nth in order {
                        deliver(&town, &events[nth]).await;
                        work(&town).await;
                    }
                    let stored = town.rows(&NEWEST_PAYMENT).await[0].text("status").unwrap();
                    assert_eq!(stored, intent["status"].as_str().unwrap(), "{outcome}, {order:?}");
                    assert_eq!(town.read_invoice(&invoice).await["status"], shown, "{outcome}, {order:?}");
                }
            }
            assert_eq!(town.number(&POSTINGS).await, 6);
            town.assert_books().await;
        });
    }

    fn two_workers_with_two_events_of_one_payment_end_with_what_stripe_says(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let other = beside_by_hand(&town, world).await;
            for turn in 0..10 {
                let last = "payment_intent.succeeded";
                let (invoice, _, events) = asked_by_the_bank(&town, "complete", last).await;
                deliver(&town, &events[1 + turn % 2]).await;
                let first = take_one(&town).await;
                deliver(&town, &events[2 - turn % 2]).await;
                let second = take_one(&other).await;
                let (one, two) = tokio::join!(
                    stripe_events::apply(&town.app, &first),
                    stripe_events::apply(&other.app, &second)
                );
                assert!(one.is_ok() && two.is_ok(), "{one:?} {two:?}");
                town.advance_ms(5_000);
                work(&town).await;
                assert_eq!(town.read_invoice(&invoice).await["status"], "paid", "turn {turn}");
            }
            assert_eq!(town.number(&POSTINGS).await, 10);
            const WAITING: Sql =
                Sql::new("select count(*) as n from stripe_webhook_events where processed_at is null");
            assert_eq!(town.number(&WAITING).await, 0);
            town.assert_books().await;
        });
    }

    fn an_event_thirty_seconds_ahead_of_our_own_answer_waits_for_it(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            town.clock.stop();
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            let fault = json!({"method": "POST", "path": "/v1/payment_intents", "effect": "lose_answer",
                "count": 50});
            town.control("POST", "/_simulator/faults", fault);
            let silent = town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
            assert_eq!(silent.body["status"], "checking", "{}", silent.text);
            // An event that does not say which request of ours has caused it.
            let mut event = town.event("payment_intent.created");
            event["request"] = Value::Null;
            deliver(&town, &event).await;
            const EVENT: Sql = Sql::new("select status, parks, failures from stripe_webhook_events");
            for seconds in (0..30).step_by(5) {
                work(&town).await;
                let row = &town.rows(&EVENT).await[0];
                assert_eq!(row.text("status").unwrap(), "parked", "after {seconds} s");
                assert_eq!(row.int("parks").unwrap(), 1 + seconds / 5);
                assert_eq!(row.int("failures").unwrap(), 0, "waiting is no failure");
                town.advance_ms(5_000);
            }
            town.control("DELETE", "/_simulator/faults", Value::Null);
            reconcile::run(&town.app).await.unwrap();
            work(&town).await;
            let status = town.rows(&EVENT).await[0].text("status").unwrap();
            assert!(["processed", "stale"].contains(&status.as_str()), "{status}");
            const EXTERNAL: Sql = Sql::new("select count(*) as n from external_objects");
            assert_eq!(town.number(&EXTERNAL).await, 0, "it was never taken for somebody else's");
            town.assert_books().await;
        });
    }

    fn an_event_waits_a_minute_at_most(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            town.clock.stop();
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            let fault = json!({"method": "POST", "path": "/v1/payment_intents", "effect": "lose_answer",
                "count": 50});
            town.control("POST", "/_simulator/faults", fault);
            town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
            deliver(&town, &crate::inbox::of_shop(&town, "pi_shop")).await;
            const EVENT: Sql = Sql::new("select status from stripe_webhook_events");
            for _ in 0..12 {
                work(&town).await;
                assert_eq!(town.rows(&EVENT).await[0].text("status").unwrap(), "parked");
                town.advance_ms(5_000);
            }
            work(&town).await;
            assert_eq!(town.rows(&EVENT).await[0].text("status").unwrap(), "external");
        });
    }
}
