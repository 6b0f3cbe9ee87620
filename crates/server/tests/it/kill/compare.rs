//! What psa-pay has beside what Stripe has, object by object, after a bad day.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use store::db::{Options, Row};
use store::{Db, Sql};

use super::Installation;

const PAYMENTS: Sql = Sql::new(
    "select p.id, p.invoice_id, p.stripe_payment_intent_id, p.stripe_charge_id, p.status, p.amount,
       p.received,
       p.application_fee, p.stripe_fee, i.status as invoice_status, i.total, i.applied
     from payments p
     join invoices i on i.tenant_id = p.tenant_id and i.livemode = p.livemode and i.id = p.invoice_id
     order by p.id",
);
const EVENTS: Sql =
    Sql::new("select event_id, stripe_account_id, status from stripe_webhook_events order by id");
const FEES: Sql =
    Sql::new("select stripe_application_fee_id, amount from application_fees order by created_at");
const OPEN: Sql =
    Sql::new("select id, idempotency_key, status from stripe_operations where status in ('sent', 'unknown')");
// That webhooks failed to bring events is shown as a break of its own, and true of such a day.
const BREAKS: Sql = Sql::new(
    "select kind, subject_id, detail from reconciliation_breaks
         where resolved_at is null and kind <> 'events_missed'",
);

/// Asserts that nothing was lost, nothing doubled, and nothing is left open.
pub async fn with_stripe(url: &str, installation: &Installation) {
    let db = Db::open(url, Options::default()).await.unwrap();
    let account = Some(installation.account.as_str());
    for (what, sql) in [("open operations", &OPEN), ("breaks", &BREAKS)] {
        let left = rows(&db, sql).await;
        assert!(left.is_empty(), "{what}: {left:?}");
    }
    events(&rows(&db, &EVENTS).await, installation);
    let payments = rows(&db, &PAYMENTS).await;
    intents(&payments, &installation.listed("/v1/payment_intents", account));
    charges(
        &payments,
        &installation.listed("/v1/charges", account),
        installation.links.len(),
    );
    fees(
        &rows(&db, &FEES).await,
        &installation.listed("/v1/application_fees", None),
    );
    db.close().await;
    let app = installation.app().await;
    let broken = flows::invariants::check_quiet(&app).await.unwrap();
    app.db.close().await;
    let named: Vec<String> = broken.iter().map(ToString::to_string).collect();
    assert!(named.is_empty(), "{named:?}");
}

/// What a column holds while no instance runs.
pub async fn texts(url: &str, sql: &'static Sql, column: &str) -> BTreeSet<String> {
    let db = Db::open(url, Options::default()).await.unwrap();
    let found = rows(&db, sql).await;
    db.close().await;
    found
        .iter()
        .map(|row| row.text(column).unwrap().to_owned())
        .collect()
}

async fn rows(db: &Db, sql: &'static Sql) -> Vec<Row> {
    db.read(move |tx| tx.query(sql, &[]))
        .await
        .unwrap_or_else(|error: store::Error| panic!("{error}"))
}

/// Every intent is a payment's, and each payment says what its intent says.
fn intents(payments: &[Row], intents: &[Value]) {
    let mut known: BTreeMap<String, &Row> = BTreeMap::new();
    for payment in payments {
        if let Some(intent) = payment.text_opt("stripe_payment_intent_id").unwrap() {
            known.insert(intent, payment);
        }
    }
    for intent in intents {
        let payment = known.remove(intent["id"].as_str().unwrap());
        let payment = payment.unwrap_or_else(|| panic!("no payment has {intent}"));
        assert_eq!(
            payment.text("status").unwrap(),
            intent["status"].as_str().unwrap(),
            "{intent}"
        );
        assert_eq!(payment.int("amount").unwrap(), intent["amount"], "{intent}");
        assert_eq!(
            payment.int("received").unwrap(),
            intent["amount_received"],
            "{intent}"
        );
        if intent["status"] == "succeeded" {
            assert_eq!(
                payment.text_opt("stripe_charge_id").unwrap().as_deref(),
                intent["latest_charge"].as_str()
            );
            assert_eq!(
                payment.int("application_fee").unwrap(),
                intent["application_fee_amount"],
                "{intent}"
            );
            assert!(
                payment.int_opt("stripe_fee").unwrap().is_some(),
                "no fee of Stripe's: {payment:?} {intent}"
            );
            assert_eq!(payment.text("invoice_status").unwrap(), "paid");
            assert_eq!(payment.int("applied").unwrap(), payment.int("total").unwrap());
        }
    }
    assert!(
        known.is_empty(),
        "payments of intents that Stripe does not have: {:?}",
        known.keys()
    );
}

/// One charge took money for each invoice.
fn charges(payments: &[Row], charges: &[Value], invoices: usize) {
    let of_intent: BTreeMap<String, String> = payments
        .iter()
        .filter_map(|row| {
            let intent = row.text_opt("stripe_payment_intent_id").unwrap()?;
            Some((intent, row.text("invoice_id").unwrap()))
        })
        .collect();
    let mut paid: BTreeMap<&str, usize> = BTreeMap::new();
    for charge in charges.iter().filter(|charge| charge["status"] == "succeeded") {
        *paid
            .entry(&of_intent[charge["payment_intent"].as_str().unwrap()])
            .or_default() += 1;
    }
    let doubled: Vec<_> = paid.iter().filter(|(_, charges)| **charges != 1).collect();
    assert!(doubled.is_empty(), "charged twice: {doubled:?}");
    assert_eq!(paid.len(), invoices);
}

/// The platform's fees are those that Stripe has.
fn fees(ours: &[Row], stripes: &[Value]) {
    let ours: BTreeMap<String, i64> = ours
        .iter()
        .map(|row| {
            (
                row.text("stripe_application_fee_id").unwrap(),
                row.int("amount").unwrap(),
            )
        })
        .collect();
    let theirs: BTreeMap<String, i64> = stripes
        .iter()
        .map(|fee| {
            (
                fee["id"].as_str().unwrap().to_owned(),
                fee["amount"].as_i64().unwrap(),
            )
        })
        .collect();
    assert_eq!(ours, theirs);
}

/// Every event that Stripe made is stored once, and done with.
fn events(ours: &[Row], installation: &Installation) {
    let mut status: BTreeMap<(String, String), String> = BTreeMap::new();
    for row in ours {
        let key = (
            row.text("stripe_account_id").unwrap(),
            row.text("event_id").unwrap(),
        );
        let doubled = status.insert(key, row.text("status").unwrap());
        assert_eq!(doubled, None, "an event is stored twice");
    }
    for account in [None, Some(installation.account.as_str())] {
        for event in installation.listed("/v1/events", account) {
            let id = event["id"].as_str().unwrap().to_owned();
            let found = status.get(&(account.unwrap_or_default().to_owned(), id));
            let found = found.unwrap_or_else(|| panic!("lost: {event}"));
            let done = ["processed", "ignored", "stale", "external", "orphan"].contains(&found.as_str());
            assert!(done, "{found}: {event}");
        }
    }
}
