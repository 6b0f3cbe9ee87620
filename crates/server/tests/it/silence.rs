//! When Stripe does not answer: nobody knows whether the card was charged, so nothing may be tried again
//! until it is found out.

use std::sync::Arc;

use flows::{App, reconcile};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::Sql;
use stripe::transport::BoxFuture;
use stripe::{Client, HttpRequest, HttpResponse, NoAnswer, Secret, Transport};

use crate::engines::World;
use crate::town::{Town, Wishes};

const MINUTE_MS: i64 = 60_000;

/// Stripe as it answers to a key that was revoked.
struct Refusing;

impl Transport for Refusing {
    fn send(&self, _: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, NoAnswer>> {
        let body = r#"{"error": {"type": "invalid_request_error", "message": "Invalid API Key"}}"#;
        Box::pin(async move {
            Ok(HttpResponse {
                status: 401,
                headers: Vec::new(),
                body: body.as_bytes().to_vec(),
            })
        })
    }

    fn pause(&self, _: u64) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

both! {
    fn a_key_that_stripe_refuses_fails_nothing_and_all_goes_on_with_the_new_one(world: &World) {
        let wishes = Wishes { deliveries: false, worker: false, ..Wishes::default() };
        Town::run_as(world, wishes, async |town| {
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            let fault = json!({"method": "POST", "path": "/confirm", "effect": "lose_answer", "count": 50});
            town.control("POST", "/_simulator/faults", fault);
            let silent = town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
            assert_eq!(silent.body["status"], "checking", "{}", silent.text);
            town.control("DELETE", "/_simulator/faults", Value::Null);

            let refused = Client::new("https://stripe.test", Secret::new("sk_test_old"), Arc::new(Refusing));
            let revoked = App { stripe_test: Some(refused), ..town.app.clone() };
            for _ in 0..30 {
                town.advance_ms(MINUTE_MS);
                reconcile::run(&revoked).await.unwrap();
            }
            const OPEN: Sql =
                Sql::new("select count(*) as n from stripe_operations where status in ('sent', 'unknown')");
            assert_eq!(town.number(&OPEN).await, 1, "it waits");
            assert_eq!(town.look(&link).await.body["state"], "in_progress");
            const TOLD: Sql = Sql::new(
                "select count(*) as n from reconciliation_breaks
                 where kind = 'key_refused' and resolved_at is null",
            );
            assert_eq!(town.number(&TOLD).await, 1);

            for _ in 0..30 {
                town.advance_ms(MINUTE_MS);
                reconcile::run(&town.app).await.unwrap();
            }
            assert_eq!(town.read_invoice(&invoice).await["status"], "paid");
            assert_eq!((town.intents().len(), town.charges().len()), (1, 1));
            assert_eq!(town.number(&TOLD).await, 0);
            town.assert_nothing_open().await;
            town.assert_books().await;
        });
    }

    fn a_payment_without_an_answer_reads_being_checked_and_is_found_out(world: &World) {
        let wishes = Wishes { deliveries: false, worker: false, ..Wishes::default() };
        Town::run_as(world, wishes, async |town| {
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            // Stripe carries the confirmation out, and no answer to any of the tries arrives.
            let fault = json!({"method": "POST", "path": "/confirm", "effect": "lose_answer", "count": 50});
            town.control("POST", "/_simulator/faults", fault);
            let token = town.token("pm_card_visa");
            let silent = town.pay(&link, &token, 12_345, "usd").await;
            assert_eq!(silent.body["status"], "checking", "{}", silent.text);
            assert_eq!(town.look(&link).await.body["state"], "in_progress");

            let again = town.pay(&link, &town.token("pm_card_mastercard"), 12_345, "usd").await;
            again.assert_refused(409, "payment_in_progress", None);
            town.command(&invoice, "void").await.assert_refused(409, "payment_in_progress", None);
            town.command(&invoice, "payment-intent").await.assert_refused(409, "payment_in_progress", None);
            let repeated = town.pay(&link, &token, 12_345, "usd").await;
            assert_eq!(repeated.status, StatusCode::OK, "{}", repeated.text);
            assert_eq!(town.charges().len(), 1);

            town.control("DELETE", "/_simulator/faults", Value::Null);
            town.advance_ms(MINUTE_MS);
            reconcile::run(&town.app).await.unwrap();
            assert_eq!(town.read_invoice(&invoice).await["status"], "paid");
            assert_eq!(town.look(&link).await.body["state"], "paid");
            const CONFIRMS: Sql =
                Sql::new("select count(*) as n from stripe_operations where kind = 'confirm_intent'");
            assert_eq!(town.number(&CONFIRMS).await, 1, "one key for every try");
            assert_eq!((town.intents().len(), town.charges().len()), (1, 1));
            town.assert_nothing_open().await;
            town.assert_books().await;
        });
    }

    fn while_stripe_does_not_answer_payers_read_that_nothing_was_charged_and_when_to_return(world: &World) {
        let wishes = Wishes { deliveries: false, worker: false, ..Wishes::default() };
        Town::run_as(world, wishes, async |town| {
            let mut links = Vec::new();
            for _ in 0..3 {
                links.push(town.link(&town.invoice(12_345, "usd").await).await);
            }
            let token = town.token("pm_card_visa");
            let others = [town.token("pm_card_visa"), town.token("pm_card_visa")];
            let lost = json!({"method": "POST", "path": "/v1/payment_intents", "effect": "lose_answer",
                "count": 5});
            town.control("POST", "/_simulator/faults", lost);
            for (link, token) in links.iter().zip(&others) {
                let silent = town.pay(link, token, 12_345, "usd").await;
                assert_eq!(silent.body["status"], "checking", "{}", silent.text);
            }
            town.control("DELETE", "/_simulator/faults", Value::Null);

            let (link, asked) = (&links[2], town.requests().len());
            let sent_away = town.pay(link, &token, 12_345, "usd").await;
            sent_away.assert_refused(503, "temporarily_unavailable", None);
            let wait_s: i64 = sent_away.headers["retry-after"].to_str().unwrap().parse().unwrap();
            assert!((1..=60).contains(&wait_s), "{wait_s}");
            assert!(sent_away.text.contains("Nothing was charged"), "{}", sent_away.text);
            assert_eq!(town.look(link).await.body["state"], "temporarily_unavailable");
            let page = town.public(Method::GET, &format!("/pay/{link}"), Value::Null).await;
            assert!(page.text.contains("temporarily unavailable. Nothing was charged."), "{}", page.text);
            let whole = town.api(&town.msp.key, Method::GET, "/api/invoices", Value::Null).await;
            assert_eq!(whole.status, StatusCode::OK, "what needs no Stripe goes on");
            assert_eq!(town.requests().len(), asked, "Stripe is left alone");

            town.advance_ms(wait_s * 1_000);
            reconcile::run(&town.app).await.unwrap();
            assert_eq!(town.look(link).await.body["state"], "pay", "it was asked, and answers");
            let paid = town.pay(link, &token, 12_345, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            town.advance_ms(10 * MINUTE_MS);
            reconcile::run(&town.app).await.unwrap();
            town.assert_nothing_open().await;
        });
    }
}
