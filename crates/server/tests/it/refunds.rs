//! Money back to payers, over HTTP: what it means for the invoice and the platform's fee, and what Stripe's
//! dashboard, banks and silence do to it.

use std::collections::BTreeMap;

use flows::{reconcile, stripe_events};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::Sql;

use crate::engines::World;
use crate::town::{Reply, Town, Wishes};

mod at_once;
mod elsewhere;
mod failing;
mod fee;
mod several;
mod stopped;

/// A paid invoice.
pub struct Paid {
    pub invoice: String,
    pub payment: String,
    pub charge: String,
}

/// An invoice that is paid by card, with all that Stripe tells of it applied.
pub async fn paid(town: &Town, amount: i64, card: &str) -> Paid {
    let invoice = town.invoice(amount, "usd").await;
    pay(town, &invoice, amount, card).await
}

/// Pays an invoice.
pub async fn pay(town: &Town, invoice: &str, amount: i64, card: &str) -> Paid {
    let link = town.link(invoice).await;
    let paid = town.pay(&link, &town.token(card), amount, "usd").await;
    assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
    settle(town).await;
    let payments = town
        .api(&town.msp.key, Method::GET, "/api/payments", Value::Null)
        .await;
    let payment = &payments.body["data"][0];
    assert_eq!(payment["invoice_id"], invoice);
    Paid {
        invoice: invoice.to_owned(),
        payment: payment["id"].as_str().unwrap().to_owned(),
        charge: payment["stripe_charge_id"].as_str().unwrap().to_owned(),
    }
}

/// Lets everything that is under way come to its end.
pub async fn settle(town: &Town) {
    let delivered = &town.control("GET", "/_simulator/deliveries", Value::Null)["data"];
    if delivered.as_array().is_some_and(|all| !all.is_empty()) {
        town.until_told().await;
        town.until_quiet().await;
    } else {
        town.advance_ms(15 * 60 * 1000);
        reconcile::run(&town.app).await.unwrap();
        apply_all(town).await;
    }
}

/// Applies what waits in the inbox, without a worker.
pub async fn apply_all(town: &Town) {
    loop {
        let taken = stripe_events::take(&town.app, 64).await.unwrap();
        if taken.is_empty() {
            return;
        }
        for event in taken {
            stripe_events::apply(&town.app, &event).await.unwrap();
        }
    }
}

/// Asks for a refund.
pub async fn refund(town: &Town, body: Value) -> Reply {
    town.api(&town.msp.key, Method::POST, "/api/refunds", body).await
}

/// A refund as it is now.
pub async fn read(town: &Town, id: &str) -> Value {
    town.api(
        &town.msp.key,
        Method::GET,
        &format!("/api/refunds/{id}"),
        Value::Null,
    )
    .await
    .body
}

/// A payment as it is now.
pub async fn payment(town: &Town, id: &str) -> Value {
    town.api(
        &town.msp.key,
        Method::GET,
        &format!("/api/payments/{id}"),
        Value::Null,
    )
    .await
    .body
}

/// Reserved, refunded and refundable of a payment.
pub async fn sums(town: &Town, id: &str) -> (i64, i64, i64) {
    let payment = payment(town, id).await;
    let of = |name: &str| payment[name].as_i64().unwrap();
    (of("reserved"), of("refunded"), of("refundable"))
}

/// What the tenant's books hold, account by account.
pub async fn balances(town: &Town) -> BTreeMap<String, i64> {
    const BALANCES: Sql = Sql::new(
        "select account, cast(sum(amount) as bigint) as n from ledger_entries
         where tenant_id <> 'ten_platform'
         group by account order by account",
    );
    let rows = town.rows(&BALANCES).await;
    rows.iter()
        .map(|row| (row.text("account").unwrap(), row.int("n").unwrap()))
        .collect()
}

/// The refunds at Stripe.
pub fn at_stripe(town: &Town) -> Vec<Value> {
    let account = Some(town.msp.account.as_str());
    let list = town.stripe("GET", "/v1/refunds?limit=100", account, "");
    list["data"].as_array().unwrap().clone()
}

/// Without webhooks and without a worker: the test says when anything happens.
pub fn by_hand() -> Wishes {
    Wishes {
        deliveries: false,
        worker: false,
        ..Wishes::default()
    }
}

both! {
    fn a_partial_refund_is_owed_again_and_the_fee_is_kept(world: &World) {
        Town::run(world, async |town| {
            let paid = paid(&town, 12_345, "pm_card_visa").await;
            let made = refund(&town, json!({"payment_id": paid.payment, "amount": 5_000,
                "settlement": "still_owed", "reason": "requested_by_customer"})).await;
            assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
            assert_eq!(made.body["status"], "succeeded");
            assert_eq!(made.body["explanation"], "50.00 USD went back to the payer. 50.00 USD is owed again \
                on invoice INV-00001. The platform keeps its fee of 3.70 USD.");
            assert_eq!((&made.body["origin"], &made.body["fee_returned"]), (&json!("api"), &json!(0)));
            settle(&town).await;
            let invoice = town.read_invoice(&paid.invoice).await;
            assert_eq!((&invoice["status"], &invoice["amount_due"]), (&json!("open"), &json!(5_000)));
            let back = (&invoice["amount_refunded"], &invoice["amount_refundable"]);
            assert_eq!(back, (&json!(5_000), &json!(7_345)));
            assert_eq!(sums(&town, &paid.payment).await, (5_000, 5_000, 7_345));
            let shown = payment(&town, &paid.payment).await;
            assert_eq!(shown["refunds"], json!([read(&town, made.body["id"].as_str().unwrap()).await]));
            let refunds = at_stripe(&town);
            assert_eq!((refunds.len(), &refunds[0]["reason"]), (1, &json!("requested_by_customer")));
            assert_eq!(refunds[0]["metadata"]["refund_id"], made.body["id"]);
            let fees = town.stripe("GET", "/v1/application_fees", None, "");
            assert_eq!(fees["data"][0]["amount_refunded"], 0);
            let asked = town.requests().into_iter().filter(|sent| sent["path"] == "/v1/refunds");
            for sent in asked {
                let body = sent["body"].as_str().unwrap_or_default();
                assert!(!body.contains("refund_application_fee"), "{sent}");
            }
            assert_eq!(balances(&town).await["receivable"], 5_000);
            // What is owed again can be paid again, and the invoice is paid.
            let again = pay(&town, &paid.invoice, 5_000, "pm_card_visa").await;
            assert_eq!(town.read_invoice(&again.invoice).await["status"], "paid");
            town.assert_books().await;
        });
    }

    fn a_forgiven_refund_makes_a_credit_note_and_the_invoice_stays_paid(world: &World) {
        Town::run(world, async |town| {
            let paid = paid(&town, 12_345, "pm_card_visa").await;
            let made = refund(&town, json!({"payment_id": paid.payment, "settlement": "forgiven"})).await;
            assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
            assert_eq!(made.body["amount"], 12_345);
            assert_eq!(made.body["explanation"], "123.45 USD went back to the payer. 123.45 USD of invoice \
                INV-00001 is forgiven by a credit note, and nothing is owed for it. The platform keeps its \
                fee of 3.70 USD.");
            settle(&town).await;
            let invoice = town.read_invoice(&paid.invoice).await;
            assert_eq!((&invoice["status"], &invoice["amount_due"]), (&json!("paid"), &json!(0)));
            const NOTES: Sql = Sql::new("select number, total, refund_id from credit_notes");
            let notes = town.rows(&NOTES).await;
            assert_eq!(notes.len(), 1);
            assert_eq!((notes[0].int("total").unwrap(), notes[0].text("number").unwrap()),
                (12_345, "CN-00001".to_owned()));
            assert_eq!(notes[0].text("refund_id").unwrap(), made.body["id"].as_str().unwrap());
            assert_eq!(balances(&town).await["receivable"], 0);
            assert_eq!(balances(&town).await["credit_notes"], 12_345);
            let again = refund(&town, json!({"payment_id": paid.payment, "settlement": "forgiven"})).await;
            again.assert_refused(409, "refund_exceeds_payment", Some("amount"));
            town.assert_books().await;
        });
    }

    // Row 48: the second payment of an invoice is the client's credit, and a refund of either takes that.
    fn a_refund_of_one_of_two_payments_leaves_the_invoice_paid(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let first = paid(&town, 12_345, "pm_card_visa").await;
            elsewhere::overpay(&town, &first, 12_345).await;
            assert_eq!(balances(&town).await["client_credit"], -12_345);
            let made = refund(&town, json!({"payment_id": first.payment, "settlement": "still_owed"})).await;
            assert_eq!(made.body["status"], "succeeded", "{}", made.text);
            assert_eq!(made.body["out_of_credit"], 12_345);
            assert_eq!(made.body["explanation"], "123.45 USD went back to the payer. 123.45 USD of it is \
                credit that the client had not used. The platform keeps its fee of 3.70 USD.");
            assert_eq!(town.read_invoice(&first.invoice).await["status"], "paid");
            assert_eq!(balances(&town).await["client_credit"], 0);
            town.assert_books().await;
        });
    }

    fn what_is_wrong_with_a_request_is_said_and_moves_nothing(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let paid = paid(&town, 12_345, "pm_card_visa").await;
            let with = |name: &str, value: Value| {
                let mut body = json!({"payment_id": paid.payment, "settlement": "still_owed", "amount": 100});
                body[name] = value;
                body
            };
            for (field, value) in [
                ("payment_id", json!("pay_1")),
                ("payment_id", json!("pay_01ka7d1qr0000000000000000z")),
                ("settlement", json!("perhaps")),
                ("fee", json!("half")),
                ("reason", json!("because")),
                ("invoice_id", json!("inv_01ka7d1qr0000000000000000z")),
                ("amount", json!(0)),
                ("amount", json!(-5)),
            ] {
                refund(&town, with(field, value.clone())).await
                    .assert_refused(422, "invalid_field", Some(field));
            }
            refund(&town, with("amount", json!(12_346))).await
                .assert_refused(409, "refund_exceeds_payment", Some("amount"));
            let missing = refund(&town, json!({"payment_id": paid.payment, "amount": 1})).await;
            assert_eq!((missing.status, missing.code()), (StatusCode::BAD_REQUEST, "invalid_body"));
            let unpaid = town.invoice(500, "usd").await;
            let intent = town.command(&unpaid, "payment-intent").await;
            let body = json!({"payment_id": intent.body["payment_id"], "settlement": "still_owed"});
            refund(&town, body).await.assert_refused(409, "payment_not_refundable", None);
            assert_eq!(at_stripe(&town).len(), 0);
            assert_eq!(sums(&town, &paid.payment).await, (0, 0, 12_345));
            town.assert_books().await;
        });
    }

    fn the_same_key_refunds_once_and_answers_the_same(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let paid = paid(&town, 12_345, "pm_card_visa").await;
            let body = json!({"payment_id": paid.payment, "amount": 100, "settlement": "forgiven"});
            let (key, path) = (&town.msp.key, "/api/refunds");
            let first = town.api_once(key, Method::POST, path, body.clone(), Some(b"refund-1")).await;
            let again = town.api_once(key, Method::POST, path, body.clone(), Some(b"refund-1")).await;
            assert_eq!((first.status, &first.body), (again.status, &again.body));
            assert_eq!(first.status, StatusCode::CREATED, "{}", first.text);
            assert_eq!(again.headers["idempotent-replayed"], "true");
            let without = town.api_once(key, Method::POST, path, body, None).await;
            without.assert_refused(400, "idempotency_key_required", None);
            assert_eq!(at_stripe(&town).len(), 1);
            let listed = town.api(key, Method::GET, path, Value::Null).await;
            assert_eq!(listed.body["data"], json!([read(&town, first.body["id"].as_str().unwrap()).await]));
            const NOTED: Sql =
                Sql::new("select count(*) as n from audit_log where action = 'refund.requested'");
            assert_eq!(town.number(&NOTED).await, 1);
            town.assert_books().await;
        });
    }
}
