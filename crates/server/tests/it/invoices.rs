//! Invoices as a merchant makes, changes, finalizes and voids them, and the amounts and currencies that are
//! taken.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::Sql;

use crate::engines::World;
use crate::town::{Reply, Town, Wishes};

fn draft(town: &Town, currency: &str, quantity: &str, unit_price: Value) -> Value {
    let line = json!({"description": "Managed workplace", "quantity": quantity, "unit_price": unit_price});
    json!({"client_id": town.msp.client_id, "currency": currency, "lines": [line]})
}

async fn create(town: &Town, body: Value) -> Reply {
    town.api(&town.msp.key, Method::POST, "/api/invoices", body).await
}

async fn put(town: &Town, id: &str, body: Value) -> Reply {
    town.api(&town.msp.key, Method::PUT, &format!("/api/invoices/{id}"), body)
        .await
}

/// Drafts an invoice of this amount and tries to finalize it.
async fn finalize(town: &Town, amount: i64, currency: &str) -> Reply {
    let made = create(town, draft(town, currency, "1", json!(amount))).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    town.command(made.body["id"].as_str().unwrap(), "finalize").await
}

both! {
    fn a_draft_can_be_changed_and_a_finalized_invoice_never_again(world: &World) {
        Town::run_as(world, Wishes { deliveries: false, ..Wishes::default() }, async |town| {
            let made = create(&town, draft(&town, "usd", "1", json!(100))).await;
            let id = made.body["id"].as_str().unwrap().to_owned();
            let mut change = draft(&town, "usd", "1", json!(12_345));
            change["version"] = json!(1);
            let changed = put(&town, &id, change.clone()).await;
            assert_eq!(
                (changed.body["total"].as_i64(), changed.body["version"].as_i64()),
                (Some(12_345), Some(2))
            );
            put(&town, &id, change.clone()).await.assert_refused(409, "version_conflict", Some("version"));
            assert_eq!(town.command(&id, "finalize").await.status, StatusCode::OK);

            // At no phase of a payment does the amount change under the payer's eyes.
            let link = town.link(&id).await;
            let frozen = async |phase: &str| {
                let before = town.read_invoice(&id).await;
                for body in [draft(&town, "usd", "1", json!(1)), draft(&town, "eur", "nonsense", json!(-1))] {
                    put(&town, &id, body).await.assert_refused(409, "invoice_finalized", None);
                }
                assert_eq!(town.read_invoice(&id).await, before, "{phase}");
                assert_eq!(before["total"], 12_345, "{phase}");
            };
            frozen("open").await;
            town.pay(&link, &town.token("pm_card_authenticationRequired"), 12_345, "usd").await;
            frozen("at the bank").await;
            town.challenge(town.intents()[0]["id"].as_str().unwrap(), "complete");
            frozen("paid, and we do not know").await;
            assert_eq!(town.check(&link).await.body["status"], "succeeded");
            frozen("paid").await;
            town.command(&id, "finalize").await.assert_refused(409, "invoice_finalized", None);
            assert_eq!(town.charges()[0]["amount"], 12_345);
            town.assert_books().await;
        });
    }

    fn amounts_that_stripe_would_not_charge_are_refused_when_finalizing(world: &World) {
        Town::run(world, async |town| {
            for (amount, currency) in
                [(0, "usd"), (1, "usd"), (49, "usd"), (49, "jpy"), (29, "gbp"), (17_499, "huf")]
            {
                finalize(&town, amount, currency).await.assert_refused(
                    422,
                    "amount_too_small",
                    Some("total"),
                );
            }
            for (amount, currency) in [(1_234, "kwd"), (10_050, "isk"), (99_999, "ugx")] {
                finalize(&town, amount, currency).await.assert_refused(422, "invalid_field", Some("total"));
            }
            const DRAFTS: Sql =
                Sql::new("select count(*) as n from invoices where status = 'draft' and number is null");
            assert_eq!(town.number(&DRAFTS).await, 9, "what is refused stays a draft, to be corrected");
            const BOOKED: Sql = Sql::new("select count(*) as n from ledger_transactions");
            assert_eq!(town.number(&BOOKED).await, 0);
            for amount in [json!(100_000_000), json!(i64::MAX)] {
                let refused = create(&town, draft(&town, "usd", "1", amount)).await;
                refused.assert_refused(422, "amount_too_large", Some("total"));
            }
            create(&town, draft(&town, "usd", "1000.001", json!(100_000))).await.assert_refused(
                422,
                "amount_too_large",
                Some("total"),
            );
            create(&town, draft(&town, "usd", "1", json!(-1))).await.assert_refused(
                422,
                "invalid_field",
                Some("lines[0].unit_price"),
            );
            for code in ["xxx", "us", "", "usdt", "u$d"] {
                create(&town, draft(&town, code, "1", json!(100))).await.assert_refused(
                    422,
                    "unknown_currency",
                    Some("currency"),
                );
            }
            const ALL: Sql = Sql::new("select count(*) as n from invoices");
            assert_eq!(town.number(&ALL).await, 9);
            for (amount, currency) in [(50, "usd"), (99_999_999, "usd"), (50, "jpy"), (30, "gbp")] {
                let taken = finalize(&town, amount, currency).await;
                assert_eq!((taken.status, taken.body["total"].as_i64()), (StatusCode::OK, Some(amount)));
            }
        });
    }

    fn currencies_without_cents_and_with_mills_are_charged_to_the_unit(world: &World) {
        Town::run(world, async |town| {
            let cases = [
                (500, "jpy", "¥500"),
                (1_230, "kwd", "1.230"),
                (10_000, "isk", "100.00"),
                (17_500, "huf", "175.00"),
            ];
            for (amount, currency, shown) in cases {
                let invoice = town.invoice(amount, currency).await;
                let link = town.link(&invoice).await;
                let page = town.public(Method::GET, &format!("/pay/{link}"), Value::Null).await;
                assert!(page.text.contains(shown), "{currency}: {}", page.text);
                let paid = town.pay(&link, &town.token("pm_card_visa"), amount, currency).await;
                assert_eq!(paid.body["status"], "succeeded", "{currency}: {}", paid.text);
                let intent = &town.intents()[0];
                let fee = (amount * 300 + 5_000) / 10_000;
                assert_eq!((&intent["amount"], &intent["currency"]), (&json!(amount), &json!(currency)));
                assert_eq!(intent["application_fee_amount"], json!(fee), "{currency}");
                town.until_invoice(&invoice, "paid").await;
            }
            town.until_quiet().await;
            const EXACT: Sql =
                Sql::new("select count(*) as n from payments where received = amount and amount > 0");
            assert_eq!(town.number(&EXACT).await, 4);
            town.assert_books().await;
        });
    }

    fn quantities_have_three_decimals_and_money_has_no_point(world: &World) {
        Town::run(world, async |town| {
            let fine = create(&town, draft(&town, "usd", "1.333", json!(9_500))).await;
            assert_eq!(
                (fine.status, fine.body["total"].as_i64()),
                (StatusCode::CREATED, Some(12_664)),
                "{}",
                fine.text
            );
            let before = town.contents(town.msp.scope.mode).await;
            for quantity in ["1.3333", "0", "0.000", "-1", "1,5", "1e3", ".5", "5.", "", "1234567890"] {
                create(&town, draft(&town, "usd", quantity, json!(9_500))).await.assert_refused(
                    422,
                    "invalid_field",
                    Some("lines[0].quantity"),
                );
            }
            for price in [json!(19.99), json!(19.0), json!(1e3), json!("1999"), json!(null)] {
                create(&town, draft(&town, "usd", "1", price)).await.assert_refused(
                    400,
                    "invalid_body",
                    Some("lines[0].unit_price"),
                );
            }
            let mut as_number = draft(&town, "usd", "1", json!(100));
            as_number["lines"][0]["quantity"] = json!(1.5);
            create(&town, as_number).await.assert_refused(400, "invalid_body", Some("lines[0].quantity"));
            assert_eq!(
                town.contents(town.msp.scope.mode).await,
                before,
                "nothing is left of what was refused"
            );
        });
    }

    fn an_empty_invoice_cannot_be_finalized_and_a_draft_cannot_be_paid(world: &World) {
        Town::run(world, async |town| {
            let empty = json!({"client_id": town.msp.client_id, "currency": "usd"});
            let made = create(&town, empty).await;
            let id = made.body["id"].as_str().unwrap().to_owned();
            let before = town.contents(town.msp.scope.mode).await;
            town.command(&id, "finalize").await.assert_refused(422, "invoice_empty", Some("lines"));
            town.command(&id, "pay-link").await.assert_refused(409, "invoice_draft", None);
            town.command(&id, "payment-intent").await.assert_refused(409, "invoice_draft", None);
            assert_eq!(town.contents(town.msp.scope.mode).await, before);
            assert!(town.intents().is_empty());
        });
    }

    fn a_paid_or_void_invoice_takes_no_further_payment(world: &World) {
        Town::run(world, async |town| {
            let (paid, void) = (town.invoice(12_345, "usd").await, town.invoice(12_345, "usd").await);
            let (paid_link, void_link) = (town.link(&paid).await, town.link(&void).await);
            let pages = [town.read_page(&paid_link).await, town.read_page(&void_link).await];
            town.pay(&paid_link, &town.token("pm_card_visa"), 12_345, "usd").await;
            town.until_invoice(&paid, "paid").await;
            assert_eq!(town.command(&void, "void").await.status, StatusCode::OK);
            town.until_quiet().await;
            let before = town.contents(town.msp.scope.mode).await;
            let ended = [(&paid, &paid_link, "invoice_paid"), (&void, &void_link, "invoice_void")];
            for ((invoice, link, code), page) in ended.into_iter().zip(pages) {
                let press = json!({"confirmation_token": town.token("pm_card_visa"), "amount": 12_345,
                    "currency": "usd", "page_token": page});
                town.press(link, press).await.assert_refused(409, code, None);
                town.command(invoice, "payment-intent").await.assert_refused(409, code, None);
                town.command(invoice, "void").await.assert_refused(409, code, None);
            }
            assert_eq!(town.contents(town.msp.scope.mode).await, before);
            assert_eq!(town.look(&void_link).await.body["state"], "void");
            assert_eq!(town.charges().len(), 1);
            town.assert_books().await;
        });
    }

    fn voiding_cancels_the_live_intent_at_stripe_first(world: &World) {
        Town::run_as(world, Wishes { deliveries: false, worker: false, ..Wishes::default() }, async |town| {
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            town.pay(&link, &town.token("pm_card_authenticationRequired"), 12_345, "usd").await;
            let voided = town.command(&invoice, "void").await;
            assert_eq!((voided.status, &voided.body["status"]), (StatusCode::OK, &json!("void")));
            assert_eq!(town.intents()[0]["status"], "canceled");
            town.assert_books().await;

            // Where the money has arrived meanwhile, it is booked and the invoice stays.
            let paid = town.invoice(500, "usd").await;
            let link = town.link(&paid).await;
            town.pay(&link, &town.token("pm_card_authenticationRequired"), 500, "usd").await;
            town.challenge(town.intents()[0]["id"].as_str().unwrap(), "complete");
            town.command(&paid, "void").await.assert_refused(409, "invoice_paid", None);
            assert_eq!(town.read_invoice(&paid).await["status"], "paid");
            assert_eq!(town.charges().len(), 1);
            town.assert_nothing_open().await;
            town.assert_books().await;
        });
    }

    fn lists_are_read_page_by_page_newest_first(world: &World) {
        Town::run(world, async |town| {
            let mut made = Vec::new();
            for _ in 0..5 {
                made.insert(0, town.invoice(100, "usd").await);
            }
            let other = town.add_msp("Prairie Networks", "usd").await;
            town.invoice_of(&other, 100, "usd").await;
            let (mut found, mut after) = (Vec::new(), String::new());
            loop {
                let path = format!("/api/invoices?limit=2{after}");
                let page = town.api(&town.msp.key, Method::GET, &path, Value::Null).await;
                let ids = page.body["data"].as_array().unwrap_or_else(|| panic!("{}", page.text)).iter();
                found.extend(ids.map(|one| one["id"].as_str().unwrap().to_owned()));
                after = format!("&after={}", found.last().expect("a page has rows"));
                if page.body["has_more"] == json!(false) {
                    break;
                }
            }
            assert_eq!(found, made);
            for (query, status, code, field) in [
                ("limit=0", 422, "invalid_field", Some("limit")),
                ("limit=101", 422, "invalid_field", Some("limit")),
                ("limit=x", 400, "invalid_query", Some("limit")),
                ("offset=1", 400, "invalid_query", Some("offset")),
                ("after=x", 404, "not_found", None),
            ] {
                let path = format!("/api/invoices?{query}");
                let refused = town.api(&town.msp.key, Method::GET, &path, Value::Null).await;
                refused.assert_refused(status, code, field);
            }
        });
    }
}
