//! Refunds that were not asked for here: made in Stripe's dashboard, told twice, out of order, or not at all.

use flows::reconcile;
use reqwest::Method;
use serde_json::{Value, json};
use store::Sql;

use super::{Paid, apply_all, at_stripe, balances, by_hand, paid, read, refund, settle, sums};
use crate::engines::World;
use crate::town::Town;

/// The payer pays an invoice a second time: an integrator's front end had the intent open on two screens. The
/// amount is the client's credit.
pub async fn overpay(town: &Town, first: &Paid, amount: i64) {
    // A second payment of the same invoice, as a race of two tabs made it before there was a guard against
    // it.
    const COPY: Sql = Sql::new(
        "insert into payments (tenant_id, livemode, id, invoice_id, attempt, stripe_account_id,
           stripe_payment_intent_id, currency, amount, received, refunded, application_fee, status, declines,
           version, next_check_at, created_at, updated_at)
         select tenant_id, livemode, 'pay_01ka7d1qr0000000000000000y', invoice_id, 99, stripe_account_id, $2,
           currency, amount, 0, 0, null, 'creating', 0, 1, 1, created_at, updated_at
         from payments where id = $1",
    );
    const PART: Sql = Sql::new(
        "insert into payment_parts (tenant_id, livemode, payment_id, invoice_id, position, amount, applied,
           live, created_at)
         select tenant_id, livemode, 'pay_01ka7d1qr0000000000000000y', invoice_id, 1, amount, 0, 1, created_at
         from payments where id = $1",
    );
    const HISTORY: Sql = Sql::new(
        "insert into state_history (tenant_id, livemode, subject_id, version, from_state, to_state, cause,
           created_at)
         select tenant_id, livemode, 'pay_01ka7d1qr0000000000000000y', 1, null, 'creating', 'pay', created_at
         from payments where id = $1",
    );
    let form = format!(
        "amount={amount}&currency=usd&confirm=true&payment_method=pm_card_visa\
         &automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never"
    );
    let intent = town.stripe("POST", "/v1/payment_intents", Some(&town.msp.account), &form);
    let (payment, intent) = (first.payment.clone(), intent["id"].as_str().unwrap().to_owned());
    let added = town.app.db.write(move |tx| {
        tx.execute(&COPY, store::binds![&payment, &intent])?;
        tx.execute(&PART, store::binds![&payment])?;
        tx.execute(&HISTORY, store::binds![&payment])
    });
    added.await.unwrap();
    reconcile::run(&town.app).await.unwrap();
}

async fn of_stripe(town: &Town) -> Vec<Value> {
    let all = town
        .api(&town.msp.key, Method::GET, "/api/refunds", Value::Null)
        .await;
    let all = all.body["data"].as_array().unwrap().clone();
    all.into_iter()
        .filter(|refund| refund["origin"] == "stripe")
        .collect()
}

both! {
    // Row 65.
    fn a_refund_in_stripes_dashboard_is_recorded_and_still_owed(world: &World) {
        Town::run(world, async |town| {
            let paid = paid(&town, 12_345, "pm_card_visa").await;
            let path = format!("/_simulator/charges/{}/refund", paid.charge);
            town.control("POST", &path, json!({"amount": 5_000, "reason": "duplicate"}));
            town.until("the refund", async || !of_stripe(&town).await.is_empty()).await;
            settle(&town).await;
            let seen = of_stripe(&town).await;
            assert_eq!(seen.len(), 1);
            assert_eq!((&seen[0]["amount"], &seen[0]["reason"], &seen[0]["settlement"], &seen[0]["fee"]),
                (&json!(5_000), &json!("duplicate"), &json!("still_owed"), &json!("kept")));
            let invoice = town.read_invoice(&paid.invoice).await;
            assert_eq!((&invoice["status"], &invoice["amount_due"]), (&json!("open"), &json!(5_000)));
            assert_eq!(sums(&town, &paid.payment).await, (5_000, 5_000, 7_345));
            const EXTERNAL: Sql = Sql::new("select count(*) as n from external_objects");
            const NOTED: Sql = Sql::new("select count(*) as n from audit_log where action like 'refund.%'");
            assert_eq!((town.number(&EXTERNAL).await, town.number(&NOTED).await), (0, 0), "nobody's command");
            town.assert_books().await;
        });
    }

    // Row 66: each refund is booked by itself; the charge's total, which is in every event, only
    // cross-checks.
    fn three_partial_refunds_told_twice_and_backwards_are_each_booked_once(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let paid = paid(&town, 12_345, "pm_card_visa").await;
            let path = format!("/_simulator/charges/{}/refund", paid.charge);
            for amount in [1_000, 2_000, 3_000] {
                town.control("POST", &path, json!({"amount": amount}));
            }
            let events = town.stripe("GET", "/v1/events?limit=100", Some(&town.msp.account), "");
            let told: Vec<Value> = events["data"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|event| event["type"] == "charge.refunded" || event["type"] == "refund.created")
                .cloned()
                .collect();
            assert_eq!(told.len(), 6);
            for _ in 0..2 {
                for event in &told {
                    let mut event = event.clone();
                    event["account"] = json!(town.msp.account);
                    let body = event.to_string();
                    let taken = town.deliver_signed(server::demo::TEST_WEBHOOK_SECRET, body.as_bytes()).await;
                    assert_eq!(taken.status, 200, "{}", taken.text);
                    apply_all(&town).await;
                }
            }
            assert_eq!(sums(&town, &paid.payment).await, (6_000, 6_000, 6_345));
            assert_eq!(of_stripe(&town).await.len(), 3);
            assert_eq!(town.read_invoice(&paid.invoice).await["amount_due"], 6_000);
            assert_eq!(balances(&town).await["receivable"], 6_000);
            town.assert_books().await;
        });
    }

    // No event of the refund arrives at all: the charge says that more went back than is known.
    fn a_refund_that_only_its_charge_tells_of_is_listed(world: &World) {
        Town::run(world, async |town| {
            let paid = paid(&town, 12_345, "pm_card_visa").await;
            for event in ["refund.created", "refund.updated", "charge.refund.updated"] {
                let fault = json!({"delivery": "drop", "event": event, "count": 50});
                town.control("POST", "/_simulator/faults", fault);
            }
            let path = format!("/_simulator/charges/{}/refund", paid.charge);
            town.control("POST", &path, json!({"amount": 5_000}));
            town.until("the look", async || {
                town.advance_ms(90_000);
                !of_stripe(&town).await.is_empty()
            })
            .await;
            assert_eq!(sums(&town, &paid.payment).await, (5_000, 5_000, 7_345));
            town.assert_books().await;
        });
    }

    fn refunds_here_and_in_the_dashboard_add_up(world: &World) {
        Town::run(world, async |town| {
            let paid = paid(&town, 12_345, "pm_card_visa").await;
            let body = json!({"payment_id": paid.payment, "amount": 2_000, "settlement": "forgiven"});
            let made = refund(&town, body).await.body;
            let path = format!("/_simulator/charges/{}/refund", paid.charge);
            town.control("POST", &path, json!({"amount": 3_000}));
            town.until("the refund", async || !of_stripe(&town).await.is_empty()).await;
            let body = json!({"payment_id": paid.payment, "settlement": "still_owed"});
            let rest = refund(&town, body).await;
            assert_eq!(rest.body["amount"], 7_345, "{}", rest.text);
            settle(&town).await;
            assert_eq!(read(&town, made["id"].as_str().unwrap()).await["status"], "succeeded");
            assert_eq!((at_stripe(&town).len(), of_stripe(&town).await.len()), (3, 1));
            let invoice = town.read_invoice(&paid.invoice).await;
            assert_eq!((&invoice["status"], &invoice["amount_due"]), (&json!("open"), &json!(10_345)));
            town.assert_books().await;
        });
    }

    // Stripe had forgotten the key of a write that was sent once more.
    fn a_refund_that_our_own_write_made_a_second_time_is_a_break_and_not_of_the_dashboard(world: &World) {
        Town::run(world, async |town| {
            let paid = paid(&town, 12_345, "pm_card_visa").await;
            let body = json!({"payment_id": paid.payment, "amount": 2_000, "settlement": "still_owed"});
            let made = refund(&town, body).await.body;
            settle(&town).await;
            let first = at_stripe(&town)[0].clone();
            let op_id = first["metadata"]["op_id"].as_str().unwrap();
            let form = format!("charge={}&amount=2000&metadata[op_id]={op_id}", paid.charge);
            let twin = town.stripe("POST", "/v1/refunds", Some(&town.msp.account), &form);
            let twin = twin["id"].as_str().unwrap();
            town.until("the twin", async || !of_stripe(&town).await.is_empty()).await;
            settle(&town).await;
            let path = "/api/reconciliation-breaks";
            let breaks = town.api(&town.msp.key, Method::GET, path, Value::Null).await;
            let breaks = breaks.body["data"].as_array().unwrap().clone();
            let twice: Vec<_> = breaks.iter().filter(|one| one["kind"] == "refund_twice").collect();
            assert_eq!(twice.len(), 1, "{breaks:?}");
            assert_eq!(twice[0]["subject_id"], twin);
            let detail = twice[0]["detail"].as_str().unwrap();
            let id = made["id"].as_str().unwrap();
            assert!(detail.contains(id) && detail.contains("20.00 USD"), "{detail}");
            assert_eq!(sums(&town, &paid.payment).await, (4_000, 4_000, 8_345));
            town.assert_books().await;
        });
    }
}
