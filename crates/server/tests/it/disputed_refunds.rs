//! Refunds and disputes of one payment: what a bank has taken is not given back again, and what it took
//! beyond what was received is seen.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::Sql;

use crate::credits::{apply, note};
use crate::disputes::{command, decide, newest, open, paid};
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

/// The bank takes this of a charge for good.
async fn lose(town: &Town, charge: &str, amount: i64) -> Value {
    let dispute = open(town, charge, json!({ "amount": amount }));
    all_told(town).await;
    decide(town, &dispute, "lose");
    all_told(town).await;
    newest(town).await
}

async fn settle(town: &Town, lost: &Value, outcome: &str) -> Reply {
    command(town, lost, "settle", json!({ "outcome": outcome })).await
}

async fn read(town: &Town, path: &str) -> Value {
    let read = town.api(&town.msp.key, Method::GET, path, Value::Null).await;
    assert_eq!(read.status, StatusCode::OK, "{}", read.text);
    read.body
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

    fn what_credit_notes_have_taken_is_not_forgiven_once_more_by_a_lost_dispute(world: &World) {
        Town::run(world, async |town| {
            let (invoice, charge) = paid(&town).await;
            assert_eq!(note(&town, &invoice, 4_000).await.body["to_credit"], 4_000);
            let other = town.invoice(4_000, "usd").await;
            assert_eq!(apply(&town, &other, 4_000).await.status, StatusCode::CREATED);
            let lost = lose(&town, &charge, AMOUNT).await;
            let refused = settle(&town, &lost, "forgiven").await;
            refused.assert_refused(409, "dispute_not_forgivable", Some("outcome"));
            assert!(refused.text.contains("83.45 USD of it still can"), "{}", refused.text);
            let stands = town.read_invoice(&invoice).await;
            assert_eq!((&stands["status"], &stands["amount_due"]), (&json!("paid"), &json!(0)));
            assert_eq!(newest(&town).await["settlement"], "undecided", "nothing was decided");
            town.assert_books().await;

            let settled = settle(&town, &lost, "still_owed").await;
            assert_eq!(settled.body["settled"], AMOUNT, "{}", settled.text);
            assert_eq!(note(&town, &invoice, AMOUNT - 4_000).await.status, StatusCode::CREATED);
            let owed = town.read_invoice(&invoice).await;
            assert_eq!(owed["amount_due"], 4_000, "what its credit has paid elsewhere: {owed}");
            assert_eq!(town.read_invoice(&other).await["status"], "paid");
            town.assert_books().await;
        });
    }

    fn credit_that_nobody_used_is_gone_first_and_all_of_a_loss_can_be_forgiven(world: &World) {
        Town::run(world, async |town| {
            let (invoice, charge) = paid(&town).await;
            assert_eq!(note(&town, &invoice, 4_000).await.body["to_credit"], 4_000);
            let lost = lose(&town, &charge, AMOUNT).await;
            let settled = settle(&town, &lost, "forgiven").await;
            assert_eq!(settled.body["settlement"], "forgiven", "{}", settled.text);
            let stands = town.read_invoice(&invoice).await;
            assert_eq!((&stands["status"], &stands["amount_due"]), (&json!("paid"), &json!(0)));
            let credit = format!("/api/clients/{}/credit", town.msp.client_id);
            let credit = read(&town, &credit).await;
            assert_eq!(credit["pieces"], json!([]), "{credit}");
            town.assert_books().await;
        });
    }

    fn after_a_loss_every_amount_that_is_told_is_right(world: &World) {
        Town::run(world, async |town| {
            let (invoice, charge) = paid(&town).await;
            let link = town.link(&invoice).await;
            let made = refund(&town, 5_000).await;
            assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
            all_told(&town).await;
            let told = async || {
                let payment = read(&town, "/api/payments?limit=1").await["data"][0].clone();
                let invoice = read(&town, &format!("/api/invoices/{invoice}")).await;
                ["received", "refunded", "disputed", "refundable"].map(|sum| payment[sum].as_i64().unwrap())
                    .into_iter()
                    .chain(["amount_due", "amount_refunded", "amount_refundable"]
                        .map(|sum| invoice[sum].as_i64().unwrap()))
                    .collect::<Vec<i64>>()
            };
            let left = AMOUNT - 5_000;
            assert_eq!(told().await, [AMOUNT, 5_000, 0, left, 0, 5_000, left]);
            // Stripe gives no refund of a charge of which a bank has any.
            let lost = lose(&town, &charge, 1_000).await;
            assert_eq!(told().await, [AMOUNT, 5_000, 1_000, 0, 0, 5_000, 0]);
            refund(&town, 1).await.assert_refused(409, "charge_disputed", None);
            settle(&town, &lost, "forgiven").await;
            assert_eq!(told().await, [AMOUNT, 5_000, 1_000, 0, 0, 5_000, 0]);
            let page = town.public(Method::GET, &format!("/pay/{link}"), Value::Null).await.text;
            let said = "has received $123.45 and given back $50.00, and your bank has returned $10.00 to you";
            assert!(page.contains(said), "{page}");
            assert!(page.contains(">Paid<"), "the rest has stayed: {page}");

            let (invoice, charge) = paid(&town).await;
            let link = town.link(&invoice).await;
            let lost = lose(&town, &charge, AMOUNT).await;
            settle(&town, &lost, "forgiven").await;
            let page = town.public(Method::GET, &format!("/pay/{link}"), Value::Null).await.text;
            assert!(page.contains("and your bank has returned $123.45 to you"), "{page}");
            assert!(!page.contains("Thank you. ") && !page.contains(">Paid<"), "{page}");
            town.assert_books().await;
        });
    }
}
