//! Refunds and disputes of one payment: what a bank has taken is not given back again, and what it took
//! beyond what was received is seen.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::Sql;

use crate::disputes::{decide, newest, open, paid};
use crate::engines::World;
use crate::own_shop::all_told;
use crate::town::{Reply, Town};

const AMOUNT: i64 = 12_345;
const BEYOND: Sql = Sql::new(
    "select count(*) as n from reconciliation_breaks
     where kind = 'beyond_received' and resolved_at is null",
);

/// Gives a part of the newest payment back, under an idempotency key of its own.
async fn refund(town: &Town, amount: i64) -> Reply {
    let list = town
        .api(&town.msp.key, Method::GET, "/api/payments?limit=1", Value::Null)
        .await;
    let payment = list.body["data"][0]["id"].as_str().unwrap().to_owned();
    let body = json!({"payment_id": payment, "amount": amount, "settlement": "forgiven"});
    let once = format!("{:032x}", town.app.clock.random());
    town.api_once(
        &town.msp.key,
        Method::POST,
        "/api/refunds",
        body,
        Some(once.as_bytes()),
    )
    .await
}

both! {
    fn while_a_bank_has_the_money_nothing_is_refunded_and_afterwards_all_of_it_can_be(world: &World) {
        Town::run(world, async |town| {
            let (invoice, charge) = paid(&town).await;
            let dispute = open(&town, &charge, json!({}));
            all_told(&town).await;
            refund(&town, 100).await.assert_refused(409, "charge_disputed", None);
            decide(&town, &dispute, "win");
            all_told(&town).await;
            assert_eq!(newest(&town).await["status"], "won");
            let made = refund(&town, AMOUNT).await;
            assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
            all_told(&town).await;
            assert_eq!(town.read_invoice(&invoice).await["status"], "paid", "it is forgiven");
            refund(&town, 1).await.assert_refused(409, "refund_exceeds_payment", Some("amount"));
            town.assert_books().await;
        });
    }

    fn of_a_lost_dispute_only_what_the_bank_left_can_be_refunded(world: &World) {
        Town::run(world, async |town| {
            let (_, charge) = paid(&town).await;
            let dispute = open(&town, &charge, json!({"amount": 5_000}));
            decide(&town, &dispute, "lose");
            all_told(&town).await;
            refund(&town, 100).await.assert_refused(409, "charge_disputed", None);
            town.assert_books().await;
        });
    }

    fn a_bank_that_takes_the_whole_of_what_was_refunded_in_part_is_booked_and_seen(world: &World) {
        Town::run(world, async |town| {
            let (invoice, charge) = paid(&town).await;
            let made = refund(&town, 5_000).await;
            assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
            all_told(&town).await;
            assert_eq!(town.number(&BEYOND).await, 0);
            let dispute = open(&town, &charge, json!({"amount": AMOUNT}));
            all_told(&town).await;
            let shown = newest(&town).await;
            assert_eq!(shown["withdrawn"], AMOUNT, "as Stripe says");
            assert_eq!(town.number(&BEYOND).await, 1);
            let breaks = "/api/reconciliation-breaks?open=true&kind=beyond_received";
            let told = town.api(&town.msp.key, Method::GET, breaks, Value::Null).await;
            let detail = told.body["data"][0]["detail"].as_str().unwrap_or_default();
            assert!(detail.contains("50.00 USD more"), "{}", told.text);
            town.assert_books().await;

            decide(&town, &dispute, "lose");
            all_told(&town).await;
            let lost = newest(&town).await;
            let outcome = json!({"outcome": "still_owed"});
            let settled = crate::disputes::command(&town, &lost, "settle", outcome).await;
            let left = AMOUNT - 5_000;
            assert_eq!(settled.body["settled"], left, "what the invoice still had: {}", settled.text);
            assert_eq!(town.read_invoice(&invoice).await["amount_due"], AMOUNT - 5_000);
            assert_eq!(town.number(&BEYOND).await, 1, "the rest stays to be seen");
            town.assert_books().await;

            let (_, charge) = paid(&town).await;
            refund(&town, 5_000).await;
            all_told(&town).await;
            let dispute = open(&town, &charge, json!({"amount": AMOUNT}));
            all_told(&town).await;
            assert_eq!(town.number(&BEYOND).await, 2);
            decide(&town, &dispute, "win");
            all_told(&town).await;
            assert_eq!(town.number(&BEYOND).await, 1, "its money is back");
            town.assert_books().await;
        });
    }
}
