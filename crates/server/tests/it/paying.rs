//! Paying an invoice by its link, as the payer's browser does it.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::{Sql, binds};

use crate::engines::World;
use crate::town::{Town, Wishes};

both! {
    fn a_card_payment_makes_the_invoice_paid_and_the_books_right(world: &World) {
        Town::run(world, async |town| {
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            let paid = town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
            assert_eq!(paid.status, StatusCode::OK, "{}", paid.text);
            assert_eq!(paid.body["status"], "succeeded");
            assert!(paid.body["client_secret"].is_null());
            town.until_invoice(&invoice, "paid").await;
            let charge = &town.charges()[0];
            assert_eq!(charge["application_fee_amount"], 370);
            assert_eq!(town.charges().len(), 1);
            assert_eq!(town.intents()[0]["application_fee_amount"], 370);

            const FEES: Sql = Sql::new("select count(*) as n from application_fees where amount = 370");
            town.until("the application fee", async || town.number(&FEES).await == 1).await;
            const COMPLETE: Sql = Sql::new(
                "select count(*) as n from payments where stripe_fee is not null and net is not null
                   and method_last4 = '4242'",
            );
            town.until("stripe's fee", async || town.number(&COMPLETE).await == 1).await;
            let fees = town.stripe("GET", "/v1/application_fees", None, "");
            assert_eq!(fees["data"][0]["amount"], json!(370));
            assert!(fees["data"][0]["id"].as_str().unwrap().starts_with("fee_"));
            town.until_quiet().await;
            town.assert_books().await;
        });
    }

    fn without_a_platform_fee_the_parameter_is_left_out(world: &World) {
        let wishes = Wishes { fee_bps: 0, ..Wishes::default() };
        Town::run_as(world, wishes, async |town| {
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            let paid = town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            let sent = town.requests();
            let creates: Vec<&Value> = sent
                .iter()
                .filter(|request| request["path"] == "/v1/payment_intents" && request["method"] == "POST")
                .collect();
            assert_eq!(creates.len(), 1);
            let body = creates[0]["body"].as_str().unwrap();
            assert!(body.contains("amount=12345") && !body.contains("application_fee_amount"), "{body}");
            assert!(town.intents()[0]["application_fee_amount"].is_null());
            town.until_quiet().await;
            let fees = town.stripe("GET", "/v1/application_fees", None, "");
            assert_eq!(fees["data"], json!([]));
            town.assert_books().await;
        });
    }

    fn a_declined_card_says_so_and_the_next_card_pays_the_same_intent(world: &World) {
        Town::run(world, async |town| {
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            let declined = town.pay(&link, &town.token("pm_card_chargeDeclined"), 12_345, "usd").await;
            assert_eq!(declined.status, StatusCode::OK, "{}", declined.text);
            assert_eq!(declined.body["status"], "requires_payment_method");
            assert_eq!(declined.body["decline"]["code"], "card_declined");
            assert!(declined.body["client_secret"].is_null());
            assert_eq!(town.read_invoice(&invoice).await["status"], "open");
            assert_eq!(town.look(&link).await.body["state"], "pay");
            let intent = town.intents()[0]["id"].clone();

            let paid = town.pay(&link, &town.token("pm_card_mastercard"), 12_345, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            town.until_quiet().await;
            assert_eq!(town.intents().len(), 1);
            assert_eq!(town.intents()[0]["id"], intent);
            assert_eq!(town.charges().len(), 1);
            const DECLINES: Sql = Sql::new("select count(*) as n from payments where declines = 1");
            assert_eq!(town.number(&DECLINES).await, 1, "answer and event are one decline");
            town.assert_books().await;
        });
    }

    fn five_declined_cards_end_the_intent_and_the_next_try_is_a_second_attempt(world: &World) {
        Town::run(world, async |town| {
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            for round in 1..=5 {
                let declined = town.pay(&link, &town.token("pm_card_chargeDeclined"), 12_345, "usd").await;
                assert_eq!(declined.body["decline"]["code"], "card_declined", "{round}: {}", declined.text);
                let intents = town.intents();
                assert_eq!(intents.len(), 1, "{round}");
                let expected = if round < 5 { "requires_payment_method" } else { "canceled" };
                assert_eq!(intents[0]["status"], expected, "{round}");
            }
            assert_eq!(town.look(&link).await.body["state"], "pay");
            // Five in an hour are enough.
            let token = town.token("pm_card_visa");
            town.pay(&link, &token, 12_345, "usd").await.assert_refused(429, "too_many_attempts", None);
            town.advance_ms(60 * 60 * 1000);
            let paid = town.pay(&link, &token, 12_345, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            town.until_quiet().await;
            const ATTEMPTS: Sql = Sql::new(
                "select count(*) as n from payments
                 where (attempt = 1 and status = 'canceled' and declines = 5)
                    or (attempt = 2 and status = 'succeeded')",
            );
            assert_eq!(town.number(&ATTEMPTS).await, 2);
            assert_eq!(town.intents().len(), 2);
            assert_eq!(town.charges().len(), 1);
            town.assert_books().await;
        });
    }

    fn the_intent_of_a_cheaper_invoice_pays_no_other(world: &World) {
        Town::run(world, async |town| {
            let cheap = town.invoice(100, "usd").await;
            let dear = town.invoice(99_900, "usd").await;
            let (cheap_link, dear_link) = (town.link(&cheap).await, town.link(&dear).await);
            let paid = town.pay(&cheap_link, &town.token("pm_card_visa"), 100, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            let intent = town.intents()[0].clone();
            let (id, secret) = (intent["id"].as_str().unwrap(), intent["client_secret"].as_str().unwrap());

            // What a browser could claim after a redirect, in every place that it can write to.
            let claim = format!(
                "payment_intent={id}&payment_intent_client_secret={secret}&redirect_status=succeeded"
            );
            let page = town.public(Method::GET, &format!("/pay/{dear_link}?{claim}"), Value::Null).await;
            assert!(page.text.contains("data-state=\"pay:99900:usd\""), "{}", page.text);
            let check = format!("/api/public/invoices/{dear_link}/check?{claim}");
            let body = json!({"payment_intent": id, "payment_intent_client_secret": secret});
            let checked = town.public(Method::POST, &check, body).await;
            assert_eq!(checked.body["status"], "requires_payment_method", "{}", checked.text);
            let pay = format!("/api/public/invoices/{dear_link}/pay");
            let token = town.token("pm_card_visa");
            let smuggled = json!({"confirmation_token": token, "amount": 99_900, "currency": "usd",
                    "payment_intent": id});
            let refused = town.public(Method::POST, &pay, smuggled).await;
            refused.assert_refused(400, "invalid_body", Some("payment_intent"));
            let as_token = town.pay(&dear_link, id, 99_900, "usd").await;
            as_token.assert_refused(422, "confirmation_token_refused", Some("confirmation_token"));
            town.pay(&dear_link, &token, 100, "usd").await.assert_refused(
                409,
                "amount_changed",
                Some("amount"),
            );

            town.until_quiet().await;
            assert_eq!(town.read_invoice(&dear).await["status"], "open");
            assert_eq!(town.charges().len(), 1);
            town.assert_books().await;
        });
    }

    fn a_success_address_opened_without_paying_shows_the_form(world: &World) {
        Town::run(world, async |town| {
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            for query in ["redirect_status=succeeded", "paid=1", "status=paid&payment_intent=pi_1"] {
                let page = town.public(Method::GET, &format!("/pay/{link}?{query}"), Value::Null).await;
                assert_eq!(page.status, StatusCode::OK);
                assert!(page.text.contains("data-state=\"pay:12345:usd\""), "{}", page.text);
                let shown = town
                    .public(Method::GET, &format!("/api/public/invoices/{link}?{query}"), Value::Null)
                    .await;
                assert_eq!(shown.body["state"], "pay");
            }
            let checked = town.check(&link).await;
            assert_eq!(checked.body["status"], "requires_payment_method", "{}", checked.text);
            assert_eq!(town.read_invoice(&invoice).await["status"], "open");
            assert!(town.intents().is_empty());
        });
    }

    fn two_invoices_never_share_an_intent(world: &World) {
        Town::run(world, async |town| {
            for _ in 0..2 {
                let invoice = town.invoice(5_000, "usd").await;
                let link = town.link(&invoice).await;
                let paid = town.pay(&link, &town.token("pm_card_visa"), 5_000, "usd").await;
                assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            }
            town.until_quiet().await;
            assert_eq!(town.intents().len(), 2);
            const DISTINCT: Sql =
                Sql::new("select count(distinct stripe_payment_intent_id) as n from payments");
            assert_eq!(town.number(&DISTINCT).await, 2);
            // Nor could a mistake of ours make them share one: the database refuses it.
            let shared = town.intents()[0]["id"].as_str().unwrap().to_owned();
            let stolen = town.app.db.write(move |tx| {
                const SHARE: Sql = Sql::new("update payments set stripe_payment_intent_id = $1");
                tx.execute(&SHARE, binds![&shared])
            });
            let refused = store::Error::Unique { constraint: "payments_intent".to_owned() };
            assert_eq!(stolen.await, Err(refused));
            town.assert_books().await;
        });
    }

    fn an_intent_that_somebody_changed_at_stripe_charges_nobody_and_is_replaced(world: &World) {
        Town::run(world, async |town| {
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            let made = town.command(&invoice, "payment-intent").await;
            let intent = made.body["stripe_payment_intent_id"].as_str().unwrap();
            let path = format!("/v1/payment_intents/{intent}");
            let changed = town.stripe("POST", &path, Some(&town.msp.account), "amount=99900");
            assert_eq!(changed["amount"], 99_900, "{changed}");
            let refused = town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
            refused.assert_refused(402, "payment_refused", None);
            assert!(town.charges().is_empty());
            assert_eq!(town.intents()[0]["status"], "canceled");
            let paid = town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            assert_eq!(town.charges()[0]["amount"], 12_345);
            town.until_invoice(&invoice, "paid").await;
            town.until_quiet().await;
            assert_eq!((town.intents().len(), town.charges().len()), (2, 1));
            town.assert_nothing_open().await;
            town.assert_books().await;
        });
    }

    fn money_that_does_not_fit_is_booked_as_credit_and_shown(world: &World) {
        Town::run(world, async |town| {
            let invoice = town.invoice(12_345, "usd").await;
            let made = town.command(&invoice, "payment-intent").await;
            let intent = made.body["stripe_payment_intent_id"].as_str().unwrap();
            let path = format!("/v1/payment_intents/{intent}");
            town.stripe("POST", &path, Some(&town.msp.account), "amount=20000");
            let (secret, token) =
                (made.body["client_secret"].as_str().unwrap(), town.typed_token("4242424242424242"));
            let form = format!("client_secret={secret}&confirmation_token={token}");
            let path = format!("{path}/confirm");
            let account = Some(town.msp.account.as_str());
            let confirmed = town.stripe_with("pk_test_psapay_demo", "POST", &path, account, &form);
            assert_eq!(confirmed["status"], "succeeded", "{confirmed}");
            town.until_invoice(&invoice, "paid").await;
            town.until_quiet().await;
            const CREDIT: Sql = Sql::new(
                "select cast(sum(amount) as bigint) as n from ledger_entries
                 where account = 'client_credit'",
            );
            assert_eq!(town.number(&CREDIT).await, 12_345 - 20_000);
            const BREAKS: Sql = Sql::new("select kind from reconciliation_breaks order by kind");
            let kinds: Vec<String> =
                town.rows(&BREAKS).await.iter().map(|row| row.text("kind").unwrap()).collect();
            assert_eq!(kinds, ["amount_mismatch", "overpayment"]);
            assert_eq!(town.read_invoice(&invoice).await["amount_paid"], 12_345);
            town.assert_books().await;
        });
    }
}
