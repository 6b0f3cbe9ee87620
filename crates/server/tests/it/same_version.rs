//! Callers of the API who have read the same version of an invoice or a payment: one acts, the others are
//! told, and whoever reads again may act.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::disputes;
use crate::engines::World;
use crate::refunds::{self, by_hand, paid};
use crate::town::{Reply, Town};

/// Rounds of two callers at once.
const ROUNDS: usize = 8;
/// A quarter of an hour each, until the reconciler has found what no webhook told.
const LOOKS_MAX: usize = 12;

async fn post(town: &Town, path: &str, body: &Value) -> Reply {
    town.api(&town.msp.key, Method::POST, path, body.clone()).await
}

/// Two callers at the same moment, each at an instance: one acts, the other is told.
async fn one_of_two(towns: [&Town; 2], path: &str, body: &Value) {
    let (one, two) = tokio::join!(post(towns[0], path, body), post(towns[1], path, body));
    let (done, late) = if one.status.is_success() {
        (one, two)
    } else {
        (two, one)
    };
    assert!(done.status.is_success(), "{path}: {}", done.text);
    late.assert_refused(409, "version_conflict", Some("version"));
}

async fn count(town: &Town, path: &str) -> usize {
    let list = town.api(&town.msp.key, Method::GET, path, Value::Null).await;
    list.body["data"].as_array().expect("a list").len()
}

both! {
    fn of_two_who_refund_the_same_payment_one_does(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let other = town.again(world).await;
            let paid = paid(&town, 100_000, "pm_card_visa").await;
            let asked = async |amount: i64| {
                let version = refunds::payment(&town, &paid.payment).await["version"].clone();
                json!({"payment_id": paid.payment, "amount": amount, "settlement": "still_owed",
                    "version": version})
            };
            let mut last = json!(0);
            for _ in 0..ROUNDS {
                let body = asked(1_000).await;
                assert!(body["version"].as_i64() > last.as_i64(), "{body} after {last}");
                last = body["version"].clone();
                one_of_two([&town, &other], "/api/refunds", &body).await;
            }
            assert_eq!(count(&town, "/api/refunds").await, ROUNDS);
            assert_eq!(refunds::sums(&town, &paid.payment).await, (8_000, 8_000, 92_000));
            // What Stripe tells of it afterwards changes nothing that anybody decides by.
            let body = asked(1_000).await;
            refunds::settle(&town).await;
            assert_eq!(asked(1_000).await, body);

            // A credit note on its invoice, and a dispute, are changes of what was read.
            let credit = json!({"amount": 500, "reason": "Agreed on the phone"});
            let path = format!("/api/invoices/{}/credit-notes", paid.invoice);
            assert_eq!(post(&town, &path, &credit).await.status, StatusCode::CREATED);
            refunds::refund(&town, body).await.assert_refused(409, "version_conflict", Some("version"));
            let body = asked(1_000).await;
            disputes::open(&town, &paid.charge, json!({}));
            for _ in 0..LOOKS_MAX {
                refunds::settle(&town).await;
                if refunds::payment(&town, &paid.payment).await["disputed"] != 0 {
                    break;
                }
            }
            refunds::refund(&town, body).await.assert_refused(409, "version_conflict", Some("version"));
            assert_eq!(count(&town, "/api/refunds").await, ROUNDS);
        });
    }

    fn of_two_who_credit_void_or_finalize_the_same_invoice_one_does(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let other = town.again(world).await;
            let towns = [&town, &other];
            let invoice = town.invoice(100_000, "usd").await;
            let path = format!("/api/invoices/{invoice}/credit-notes");
            for _ in 0..ROUNDS {
                let version = town.read_invoice(&invoice).await["version"].clone();
                let body = json!({"amount": 500, "reason": "Agreed on the phone", "version": version});
                one_of_two(towns, &path, &body).await;
            }
            assert_eq!(town.read_invoice(&invoice).await["amount_credited"], 4_000);
            assert_eq!(count(&town, "/api/credit-notes").await, ROUNDS);

            let draft = json!({"client_id": town.msp.client_id, "currency": "usd",
                "lines": [{"description": "Laptop", "quantity": "1", "unit_price": 120_000}]});
            let draft = post(&town, "/api/invoices", &draft).await.body;
            let (id, seen) = (draft["id"].as_str().unwrap(), json!({"version": draft["version"]}));
            let finalize = format!("/api/invoices/{id}/finalize");
            let void = format!("/api/invoices/{id}/void");
            let stale = json!({"version": 0});
            post(&town, &finalize, &stale).await.assert_refused(409, "version_conflict", Some("version"));
            assert_eq!(post(&town, &finalize, &seen).await.status, StatusCode::OK);
            // It was a draft when it was read, and is owed now.
            post(&town, &void, &seen).await.assert_refused(409, "version_conflict", Some("version"));
            assert_eq!(town.read_invoice(id).await["status"], "open");
            let seen = json!({"version": town.read_invoice(id).await["version"]});
            assert_eq!(post(&town, &void, &seen).await.body["status"], "void");
            post(&other, &void, &seen).await.assert_refused(409, "version_conflict", Some("version"));
            // Whoever says no version acts on what is there.
            post(&other, &void, &json!({})).await.assert_refused(409, "invoice_void", None);
            post(&town, &void, &json!({"version": "one"})).await
                .assert_refused(400, "invalid_body", Some("version"));
            town.assert_books().await;
        });
    }
}
