//! A merchant's own front end: it asks for a payment intent, confirms it with Stripe.js, and the webhook
//! makes it paid.

use domain::limits::INTENTS_PER_TENANT;
use flows::{Moment, limits};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::Sql;

use crate::engines::World;
use crate::town::{Town, Wishes};

both! {
    fn the_same_invoice_gives_the_same_intent_until_it_is_paid(world: &World) {
        Town::run(world, async |town| {
            let invoice = town.invoice(12_345, "usd").await;
            let (first, second) = (
                town.command(&invoice, "payment-intent").await,
                town.command(&invoice, "payment-intent").await,
            );
            assert_eq!((first.status, second.status), (StatusCode::OK, StatusCode::OK), "{}", first.text);
            assert_eq!(first.body, second.body);
            let intent = first.body["stripe_payment_intent_id"].as_str().unwrap();
            let secret = first.body["client_secret"].as_str().unwrap();
            assert!(secret.starts_with(intent), "{}", first.text);
            let expected = json!({"object": "payment_intent", "payment_id": first.body["payment_id"],
                "stripe_payment_intent_id": intent, "status": "requires_payment_method",
                "client_secret": secret, "publishable_key": "pk_test_psapay_demo",
                "stripe_account": town.msp.account, "amount": 12_345, "currency": "usd", "mode": "test"});
            assert_eq!(first.body, expected);

            // As Stripe.js does it: the publishable key, the account, and the secret.
            let token = town.typed_token("4242424242424242");
            let form = format!("client_secret={secret}&confirmation_token={token}");
            let path = format!("/v1/payment_intents/{intent}/confirm");
            let confirmed =
                town.stripe_with("pk_test_psapay_demo", "POST", &path, Some(&town.msp.account), &form);
            assert_eq!(confirmed["status"], "succeeded", "{confirmed}");
            town.until_invoice(&invoice, "paid").await;
            town.command(&invoice, "payment-intent").await.assert_refused(409, "invoice_paid", None);
            town.until_quiet().await;
            let path = format!("/api/payments/{}", first.body["payment_id"].as_str().unwrap());
            let payment = town.api(&town.msp.key, Method::GET, &path, Value::Null).await;
            let shown = ["status", "received", "application_fee", "card_last4"]
                .map(|field| payment.body[field].clone());
            assert_eq!(shown, [json!("succeeded"), json!(12_345), json!(370), json!("4242")]);
            assert_eq!((town.intents().len(), town.charges().len()), (1, 1));
            const SECRETS: Sql = Sql::new(
                "select count(*) as n from stripe_operations where params like '%_secret_%'
                   or last_error like '%_secret_%' or result_id like '%_secret_%'",
            );
            assert_eq!(town.number(&SECRETS).await, 0, "a client secret was stored");
            town.assert_books().await;
        });
    }

    fn twenty_front_ends_at_once_get_one_intent(world: &World) {
        Town::run(world, async |town| {
            let town = std::sync::Arc::new(town);
            let invoice = town.invoice(12_345, "usd").await;
            let mut asked = tokio::task::JoinSet::new();
            for _ in 0..20 {
                let (town, invoice) = (town.clone(), invoice.clone());
                asked.spawn(async move { town.command(&invoice, "payment-intent").await });
            }
            for reply in asked.join_all().await {
                if reply.status != StatusCode::OK {
                    reply.assert_refused(409, "payment_in_progress", None);
                }
            }
            assert_eq!(town.intents().len(), 1);
            let id = town.command(&invoice, "payment-intent").await.body["stripe_payment_intent_id"].clone();
            assert_eq!(id, town.intents()[0]["id"]);
            town.assert_nothing_open().await;
        });
    }

    fn the_page_and_the_front_end_share_the_intent(world: &World) {
        Town::run_as(world, Wishes { deliveries: false, ..Wishes::default() }, async |town| {
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            assert_eq!(town.command(&invoice, "payment-intent").await.status, StatusCode::OK);
            let paid = town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            assert_eq!((town.intents().len(), town.charges().len()), (1, 1));
            assert_eq!(town.read_invoice(&invoice).await["status"], "paid");
            town.assert_books().await;
        });
    }

    fn an_intent_that_the_front_end_paid_unseen_is_found_before_another_card_is_taken(world: &World) {
        let wishes = Wishes { deliveries: false, worker: false, ..Wishes::default() };
        Town::run_as(world, wishes, async |town| {
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            let made = town.command(&invoice, "payment-intent").await.body;
            let path =
                format!("/v1/payment_intents/{}/confirm", made["stripe_payment_intent_id"].as_str().unwrap());
            let (secret, token) =
                (made["client_secret"].as_str().unwrap(), town.typed_token("4242424242424242"));
            let form = format!("client_secret={secret}&confirmation_token={token}");
            let confirmed =
                town.stripe_with("pk_test_psapay_demo", "POST", &path, Some(&town.msp.account), &form);
            assert_eq!(confirmed["status"], "succeeded", "{confirmed}");
            let late = town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
            late.assert_refused(409, "invoice_paid", None);
            assert_eq!(town.read_invoice(&invoice).await["status"], "paid");
            assert_eq!((town.intents().len(), town.charges().len()), (1, 1));
            town.assert_nothing_open().await;
            town.assert_books().await;
        });
    }

    fn a_front_end_that_asks_for_too_many_intents_waits_and_no_other_tenant_does(world: &World) {
        Town::run_as(world, Wishes { deliveries: false, worker: false, ..Wishes::default() }, async |town| {
            let other = town.add_msp("Prairie Networks", "usd").await;
            let invoice = town.invoice(500, "usd").await;
            let theirs = town.invoice_of(&other, 500, "usd").await;
            let moments: Vec<Moment> =
                (1..INTENTS_PER_TENANT.most).map(|_| town.app.moment()).collect();
            let (key, scope) = (town.app.link_key.clone(), town.msp.scope.clone());
            let asked = town.app.db.write(move |tx| {
                moments.iter().try_for_each(|moment| limits::admit_intent(tx, &key, &scope, *moment))
            });
            asked.await.unwrap();
            assert_eq!(town.command(&invoice, "payment-intent").await.status, StatusCode::OK, "the last one");
            let before = town.requests().len();
            let fresh = format!("{:032x}", town.app.clock.random());
            let path = format!("/api/invoices/{invoice}/payment-intent");
            let once = Some(fresh.as_bytes());
            let held = town.api_once(&town.msp.key, Method::POST, &path, Value::Null, once).await;
            held.assert_refused(429, "rate_limited", None);
            let wait_s: i64 = held.headers["retry-after"].to_str().unwrap().parse().unwrap();
            assert!((1..=60).contains(&wait_s), "{wait_s}");
            assert_eq!(held.body["retry_after"], wait_s);
            assert_eq!(town.requests().len(), before, "Stripe heard of it");
            let path = format!("/api/invoices/{theirs}/payment-intent");
            let fresh = format!("{:032x}", town.app.clock.random());
            let body = Value::Null;
            let made = town.api_once(&other.key, Method::POST, &path, body, Some(fresh.as_bytes())).await;
            assert_eq!(made.status, StatusCode::OK, "{}", made.text);

            town.advance_ms(wait_s * 1000);
            let path = format!("/api/invoices/{invoice}/payment-intent");
            let again = town.api_once(&town.msp.key, Method::POST, &path, Value::Null, once).await;
            assert_eq!(again.status, StatusCode::OK, "the same request, later: {}", again.text);
        });
    }
}
