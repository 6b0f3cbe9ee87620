//! Refunds that wait, fail after they had succeeded, or are refused.

use flows::reconcile;
use serde_json::{Value, json};
use store::Sql;

use super::{at_stripe, balances, by_hand, paid, pay, read, refund, settle, sums};
use crate::engines::World;
use crate::town::Town;

fn fail(town: &Town, refund: &Value) {
    let id = refund["stripe_refund_id"].as_str().unwrap();
    let path = format!("/_simulator/refunds/{id}/fail");
    town.control("POST", &path, json!({"reason": "expired_or_canceled_card"}));
}

/// What of the payment's money is in the books as given back: refunds less those that came back.
async fn net_of_refunds(town: &Town) -> i64 {
    const NET: Sql = Sql::new(
        "select cast(coalesce(sum(e.amount), 0) as bigint) as n
         from ledger_transactions t
         join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
           and e.transaction_id = t.id
         where t.kind in ('refund', 'refund_reversal') and e.account = 'stripe_clearing'",
    );
    town.number(&NET).await
}

both! {
    // Row 67.
    fn a_pending_refund_is_reserved_and_not_called_refunded(world: &World) {
        Town::run(world, async |town| {
            let paid = paid(&town, 12_345, "pm_card_pendingRefund").await;
            let body = json!({"payment_id": paid.payment, "amount": 5_000, "settlement": "still_owed"});
            let made = refund(&town, body).await;
            assert_eq!(made.body["status"], "pending", "{}", made.text);
            let said = made.body["explanation"].as_str().unwrap();
            assert!(said.starts_with("The refund of 50.00 USD is on its way"), "{said}");
            assert!(made.body["succeeded_at"].is_null());
            assert_eq!(sums(&town, &paid.payment).await, (5_000, 0, 7_345));
            town.advance_ms(10_000);
            let id = made.body["id"].as_str().unwrap();
            town.until("success", async || read(&town, id).await["status"] == "succeeded").await;
            settle(&town).await;
            assert_eq!(sums(&town, &paid.payment).await, (5_000, 5_000, 7_345));
            assert_eq!(net_of_refunds(&town).await, -5_000);
            town.assert_books().await;
        });
    }

    // Row 68: the money is back, once, whatever number of events say so, and can be refunded again.
    fn a_refund_that_fails_after_success_is_booked_back_once(world: &World) {
        Town::run(world, async |town| {
            let paid = paid(&town, 12_345, "pm_card_visa").await;
            let body = json!({"payment_id": paid.payment, "amount": 5_000, "settlement": "still_owed"});
            let made = refund(&town, body.clone()).await.body;
            settle(&town).await;
            assert_eq!(town.read_invoice(&paid.invoice).await["status"], "open");
            let fault = json!({"delivery": "duplicate", "event": "refund.failed", "count": 2});
            town.control("POST", "/_simulator/faults", fault);
            town.advance_ms(10 * 24 * 60 * 60 * 1000);
            fail(&town, &made);
            let id = made["id"].as_str().unwrap();
            town.until("failure", async || read(&town, id).await["status"] == "failed").await;
            settle(&town).await;
            let failed = read(&town, id).await;
            assert_eq!(failed["failure_reason"], "expired_or_canceled_card");
            assert_eq!(failed["explanation"],
                "The refund of 50.00 USD failed: the money is back and can be refunded again.");
            assert_eq!(town.read_invoice(&paid.invoice).await["status"], "paid");
            assert_eq!(sums(&town, &paid.payment).await, (0, 0, 12_345));
            assert_eq!(net_of_refunds(&town).await, 0);
            const TOLD: Sql = Sql::new(
                "select count(*) as n from reconciliation_breaks where kind = 'refund_failed'",
            );
            assert_eq!(town.number(&TOLD).await, 1, "the merchant is told");
            let again = refund(&town, json!({"payment_id": paid.payment, "settlement": "still_owed"})).await;
            assert_eq!(again.body["status"], "succeeded", "{}", again.text);
            settle(&town).await;
            assert_eq!(at_stripe(&town).len(), 2);
            assert_eq!(net_of_refunds(&town).await, -12_345);
            town.assert_books().await;
        });
    }

    // A credit note is a paper that the client has: it stays, and what came back is the client's credit, from
    // which the next refund is taken.
    fn a_forgiven_refund_that_fails_leaves_credit_and_its_credit_note(world: &World) {
        Town::run(world, async |town| {
            let paid = paid(&town, 12_345, "pm_card_visa").await;
            let body = json!({"payment_id": paid.payment, "amount": 5_000, "settlement": "forgiven"});
            let made = refund(&town, body.clone()).await.body;
            settle(&town).await;
            fail(&town, &made);
            let id = made["id"].as_str().unwrap();
            town.until("failure", async || read(&town, id).await["status"] == "failed").await;
            settle(&town).await;
            assert_eq!(town.read_invoice(&paid.invoice).await["status"], "paid");
            let books = balances(&town).await;
            let held = (books["client_credit"], books["receivable"], books["credit_notes"]);
            assert_eq!(held, (-5_000, 0, 5_000));
            let again = refund(&town, body).await;
            assert_eq!(again.body["out_of_credit"], 5_000, "{}", again.text);
            settle(&town).await;
            const NOTES: Sql = Sql::new("select count(*) as n from credit_notes");
            assert_eq!(town.number(&NOTES).await, 1, "it is forgiven once");
            let books = balances(&town).await;
            assert_eq!((books["client_credit"], books["receivable"], books["credit_notes"]), (0, 0, 5_000));
            town.assert_books().await;
        });
    }

    // The client has paid again meanwhile: what comes back is its credit.
    fn a_refund_that_fails_after_the_invoice_was_paid_again_is_credit(world: &World) {
        Town::run(world, async |town| {
            let first = paid(&town, 12_345, "pm_card_visa").await;
            let body = json!({"payment_id": first.payment, "settlement": "still_owed"});
            let made = refund(&town, body).await.body;
            settle(&town).await;
            pay(&town, &first.invoice, 12_345, "pm_card_mastercard").await;
            fail(&town, &made);
            let id = made["id"].as_str().unwrap();
            town.until("failure", async || read(&town, id).await["status"] == "failed").await;
            settle(&town).await;
            assert_eq!(town.read_invoice(&first.invoice).await["status"], "paid");
            assert_eq!(balances(&town).await["client_credit"], -12_345);
            town.assert_books().await;
        });
    }

    // Row 69, where nobody has told us of the dispute: Stripe refuses, and the reason is passed on.
    fn a_disputed_charge_is_not_refunded_and_says_why(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let paid = paid(&town, 12_345, "pm_card_visa").await;
            let path = format!("/_simulator/charges/{}/dispute", paid.charge);
            town.control("POST", &path, json!({}));
            let body = json!({"payment_id": paid.payment, "amount": 5_000, "settlement": "still_owed"});
            refund(&town, body).await.assert_refused(409, "charge_disputed", None);
            assert_eq!(sums(&town, &paid.payment).await.0, 0);
            assert_eq!(at_stripe(&town).len(), 0);
            town.assert_nothing_open().await;
        });
    }

    // Row 72: while the bank has the money nothing can be refunded; what a won dispute gave back can.
    fn what_a_won_dispute_gave_back_can_be_refunded(world: &World) {
        Town::run(world, async |town| {
            let paid = paid(&town, 12_345, "pm_card_visa").await;
            let path = format!("/_simulator/charges/{}/dispute", paid.charge);
            let dispute = town.control("POST", &path, json!({}));
            settle(&town).await;
            let body = json!({"payment_id": paid.payment, "settlement": "still_owed"});
            refund(&town, body.clone()).await.assert_refused(409, "charge_disputed", None);
            let path = format!("/_simulator/disputes/{}", dispute["id"].as_str().unwrap());
            town.control("POST", &path, json!({"verdict": "win"}));
            settle(&town).await;
            let made = refund(&town, body).await;
            assert_eq!((&made.body["status"], &made.body["amount"]), (&json!("succeeded"), &json!(12_345)));
            settle(&town).await;
            assert_eq!(sums(&town, &paid.payment).await, (12_345, 12_345, 0));
            town.assert_books().await;
        });
    }

    // Somebody has refunded in Stripe's dashboard, and we do not know yet: Stripe refuses, and its refunds
    // are read.
    fn more_than_is_left_at_stripe_is_refused_and_found_out(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let paid = paid(&town, 12_345, "pm_card_visa").await;
            let path = format!("/_simulator/charges/{}/refund", paid.charge);
            town.control("POST", &path, json!({"amount": 10_000}));
            let body = json!({"payment_id": paid.payment, "settlement": "still_owed"});
            refund(&town, body).await.assert_refused(409, "refunds_not_read_yet", Some("amount"));
            reconcile::run(&town.app).await.unwrap();
            assert_eq!(sums(&town, &paid.payment).await, (10_000, 10_000, 2_345));
            let body = json!({"payment_id": paid.payment, "settlement": "still_owed"});
            let rest = refund(&town, body).await;
            assert_eq!((&rest.body["status"], &rest.body["amount"]), (&json!("succeeded"), &json!(2_345)));
            town.assert_books().await;
        });
    }
}
