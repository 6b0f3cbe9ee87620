//! Many refunds of one payment at the same moment, and answers of Stripe's that are lost.

use std::sync::Arc;

use flows::reconcile;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::Sql;
use tokio::sync::Barrier;

use super::{at_stripe, by_hand, paid, payment, read, refund, settle, sums};
use crate::engines::World;
use crate::town::Town;

/// Rounds of refunds that begin together.
const ROUNDS: usize = 100;
/// Refunds of a round.
const AT_ONCE: usize = 4;
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// What becomes of the next answers to refunds.
fn lose(town: &Town, effect: &str, count: u32) {
    let fault = json!({"method": "POST", "path": "/v1/refunds", "effect": effect, "count": count});
    town.control("POST", "/_simulator/faults", fault);
}

async fn race(town: &Town, body: &Value) -> Vec<StatusCode> {
    let barrier = Arc::new(Barrier::new(AT_ONCE));
    let mut racing = Vec::new();
    for _ in 0..AT_ONCE {
        let (barrier, body) = (Arc::clone(&barrier), body.clone());
        racing.push(async move {
            barrier.wait().await;
            refund(town, body).await.status
        });
    }
    futures_of(racing).await
}

/// All of them at once, on this task.
async fn futures_of<F: Future<Output = StatusCode>>(racing: Vec<F>) -> Vec<StatusCode> {
    let mut racing: Vec<_> = racing.into_iter().map(Box::pin).collect();
    let mut answers = vec![None; racing.len()];
    std::future::poll_fn(|context| {
        for (future, answer) in racing.iter_mut().zip(&mut answers) {
            if answer.is_none()
                && let std::task::Poll::Ready(status) = future.as_mut().poll(context)
            {
                *answer = Some(status);
            }
        }
        match answers.iter().all(Option::is_some) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    answers.into_iter().flatten().collect()
}

both! {
    // Row 62.
    fn a_hundred_rounds_of_refunds_at_once_never_exceed_the_payment(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let other = town.again(world).await;
            let paid = paid(&town, 100_000, "pm_card_visa").await;
            let mut expected = 0;
            for round in 0..ROUNDS {
                // Three of the four would be too much together once little is left.
                let left = 100_000 - expected;
                let amount = if left > 1_500 { 400 } else { left / 2 + 1 };
                if left == 0 {
                    break;
                }
                let body = json!({"payment_id": paid.payment, "amount": amount, "settlement": "still_owed"});
                let instance = if round % 2 == 0 { &town } else { &other };
                let answers = race(instance, &body).await;
                let made = answers.iter().filter(|status| **status == StatusCode::CREATED).count();
                let refused = answers.iter().filter(|status| **status == StatusCode::CONFLICT).count();
                assert_eq!(made + refused, AT_ONCE, "round {round}: {answers:?}");
                expected += amount * i64::try_from(made).unwrap();
                assert!(expected <= 100_000, "round {round}");
                let fits = i64::try_from(AT_ONCE).unwrap().min(left / amount);
                assert_eq!(i64::try_from(made).unwrap(), fits, "round {round}: {left} left of {amount}");
            }
            let given: i64 = at_stripe(&town).iter().map(|one| one["amount"].as_i64().unwrap()).sum();
            let charge = &town.charges()[0];
            assert!(given <= 100_000 && charge["amount_refunded"] == json!(expected), "{charge}");
            assert_eq!(sums(&town, &paid.payment).await, (expected, expected, 100_000 - expected));
            town.assert_books().await;
        });
    }

    // Rows 28 and 64.
    fn an_answer_that_is_lost_never_makes_a_second_refund(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let paid = paid(&town, 12_345, "pm_card_visa").await;
            lose(&town, "lose_answer", 50);
            let body = json!({"payment_id": paid.payment, "amount": 5_000, "settlement": "still_owed"});
            let silent = refund(&town, body).await;
            assert_eq!(silent.status, StatusCode::CREATED, "{}", silent.text);
            assert_eq!(silent.body["status"], "requested");
            let said = silent.body["explanation"].as_str().unwrap();
            assert!(said.starts_with("The refund of 50.00 USD is being confirmed with Stripe"), "{said}");
            // It stays reserved, so that nothing else takes its money.
            assert_eq!(sums(&town, &paid.payment).await, (5_000, 0, 7_345));
            let body = json!({"payment_id": paid.payment, "amount": 8_000, "settlement": "still_owed"});
            refund(&town, body).await.assert_refused(409, "refund_exceeds_payment", Some("amount"));
            town.control("DELETE", "/_simulator/faults", Value::Null);
            town.advance_ms(5 * MINUTE_MS);
            reconcile::run(&town.app).await.unwrap();
            let found = read(&town, silent.body["id"].as_str().unwrap()).await;
            assert_eq!(found["status"], "succeeded");
            assert_eq!(at_stripe(&town).len(), 1);
            assert_eq!(sums(&town, &paid.payment).await, (5_000, 5_000, 7_345));
            town.assert_nothing_open().await;
            town.assert_books().await;
        });
    }

    // Stripe has forgotten the key after a day: the list of the payment's refunds tells.
    fn after_a_day_a_lost_refund_is_found_in_the_list(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let paid = paid(&town, 12_345, "pm_card_visa").await;
            lose(&town, "lose_answer", 50);
            let body = json!({"payment_id": paid.payment, "amount": 5_000, "settlement": "forgiven"});
            let silent = refund(&town, body).await;
            assert_eq!(silent.body["status"], "requested", "{}", silent.text);
            town.control("DELETE", "/_simulator/faults", Value::Null);
            town.advance_ms(DAY_MS);
            let asked = town.requests().len();
            reconcile::run(&town.app).await.unwrap();
            let later = &town.requests()[asked..];
            assert!(later.iter().all(|sent| sent["method"] == "GET"), "{later:?}");
            assert_eq!(read(&town, silent.body["id"].as_str().unwrap()).await["status"], "succeeded");
            assert_eq!(at_stripe(&town).len(), 1);
            town.assert_nothing_open().await;
            town.assert_books().await;
        });
    }

    // A refund that Stripe never got: two looks, ten minutes apart, and its money is free again.
    fn after_a_day_a_refund_that_never_was_is_given_up(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let paid = paid(&town, 12_345, "pm_card_visa").await;
            lose(&town, "error429", 50);
            let body = json!({"payment_id": paid.payment, "amount": 5_000, "settlement": "still_owed"});
            let silent = refund(&town, body).await;
            let id = silent.body["id"].as_str().unwrap_or_else(|| panic!("{}", silent.text)).to_owned();
            town.control("DELETE", "/_simulator/faults", Value::Null);
            town.advance_ms(DAY_MS);
            reconcile::run(&town.app).await.unwrap();
            assert_eq!(read(&town, &id).await["status"], "requested");
            town.advance_ms(15 * MINUTE_MS);
            reconcile::run(&town.app).await.unwrap();
            let given_up = read(&town, &id).await;
            assert_eq!(given_up["status"], "rejected", "{given_up}");
            assert_eq!(sums(&town, &paid.payment).await, (0, 0, 12_345));
            assert_eq!(at_stripe(&town).len(), 0);
            town.assert_nothing_open().await;
            town.assert_books().await;
        });
    }

    // Row 63: the event is here before the answer, and knows whose it is by the request's key.
    fn an_event_before_the_answer_is_the_refund_that_was_asked_for(world: &World) {
        Town::run(world, async |town| {
            let paid = paid(&town, 12_345, "pm_card_visa").await;
            lose(&town, "lose_answer", 3);
            let body = json!({"payment_id": paid.payment, "amount": 5_000, "settlement": "forgiven",
                "fee": "returned"});
            let silent = refund(&town, body).await;
            let id = silent.body["id"].as_str().unwrap_or_else(|| panic!("{}", silent.text)).to_owned();
            town.until("the refund", async || read(&town, &id).await["status"] == "succeeded").await;
            town.until("its answer", async || {
                const OPEN: Sql = Sql::new(
                    "select count(*) as n from stripe_operations where status in ('sent', 'unknown')",
                );
                town.advance_ms(MINUTE_MS);
                town.number(&OPEN).await == 0
            })
            .await;
            settle(&town).await;
            const ROWS: Sql = Sql::new("select count(*) as n from refunds where origin = 'api'");
            assert_eq!((town.number(&ROWS).await, at_stripe(&town).len()), (1, 1));
            let all = town.api(&town.msp.key, Method::GET, "/api/refunds", Value::Null).await;
            assert_eq!(all.body["data"].as_array().unwrap().len(), 1, "{}", all.text);
            town.until("the fee's part", async || read(&town, &id).await["fee_status"] == "returned").await;
            assert_eq!(payment(&town, &paid.payment).await["refunded"], 5_000);
            town.assert_books().await;
        });
    }
}
