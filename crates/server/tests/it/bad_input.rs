//! What integrators and payers send by mistake or on purpose: each is refused with its code and its field,
//! and nothing is left half done.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::engines::World;
use crate::town::{Reply, Town, Wishes};

const HOUR_MS: i64 = 60 * 60 * 1000;

async fn post(town: &Town, path: &str, body: Value) -> Reply {
    town.api(&town.msp.key, Method::POST, path, body).await
}

/// Every request that names an invoice.
async fn name_invoice(town: &Town, id: &str) -> Vec<Reply> {
    let path = format!("/api/invoices/{id}");
    let line = json!({"description": "Managed workplace", "quantity": "1", "unit_price": 100});
    let draft = json!({"client_id": town.msp.client_id, "currency": "usd", "lines": [line]});
    let mut replies = vec![
        town.api(&town.msp.key, Method::GET, &path, Value::Null).await,
        town.api(&town.msp.key, Method::PUT, &path, draft).await,
    ];
    for verb in ["finalize", "void", "pay-link", "payment-intent"] {
        replies.push(post(town, &format!("{path}/{verb}"), Value::Null).await);
    }
    replies
}

both! {
    fn anothers_invoice_an_unknown_one_and_nonsense_are_not_found_alike(world: &World) {
        Town::run(world, async |town| {
            let other = town.add_msp("Prairie Networks", "usd").await;
            let theirs = town.invoice_of(&other, 12_345, "usd").await;
            let before = town.contents(town.msp.scope.mode).await;
            let ids = [
                theirs.as_str(),
                "inv_01m85d78yqpm4rqv1ncn4k8n3w",
                "inv_",
                "x",
                "%00",
                "%ff",
                "..%2f..",
                &"1".repeat(3_000),
                &theirs.to_uppercase(),
                &format!("{theirs}%20"),
                &town.msp.client_id,
                "' or 1=1 --",
            ];
            let mut answers = Vec::new();
            for id in ids {
                for reply in name_invoice(&town, id).await {
                    reply.assert_refused(404, "not_found", None);
                    answers.push(reply.text);
                }
            }
            for path in ["clients", "payments"] {
                for id in [other.client_id.as_str(), "pay_01m85d78yqpm4rqv1ncn4k8n3w", "x", "%ff"] {
                    let found =
                        town.api(&town.msp.key, Method::GET, &format!("/api/{path}/{id}"), Value::Null).await;
                    found.assert_refused(404, "not_found", None);
                    answers.push(found.text);
                }
            }
            answers.dedup();
            assert_eq!(answers.len(), 1, "one of them tells more than the others: {answers:?}");
            assert_eq!(town.contents(town.msp.scope.mode).await, before);

            // An invoice for somebody else's client is refused as one for a client that never was.
            let draft = |client: &str| json!({"client_id": client, "currency": "usd"});
            let foreign = post(&town, "/api/invoices", draft(&other.client_id)).await;
            foreign.assert_refused(422, "invalid_field", Some("client_id"));
            let unknown = post(&town, "/api/invoices", draft("cli_01m85d78yqpm4rqv1ncn4k8n3w")).await;
            assert_eq!(foreign.text, unknown.text);
            assert_eq!(town.contents(town.msp.scope.mode).await, before);
            assert!(town.intents().is_empty());
        });
    }

    fn without_a_valid_key_nothing_is_told(world: &World) {
        Town::run(world, async |town| {
            let invoice = town.invoice(12_345, "usd").await;
            let before = town.contents(town.msp.scope.mode).await;
            let (most, last) = town.msp.key.split_at(town.msp.key.len() - 1);
            let flipped = format!("{most}{}", if last == "0" { "1" } else { "0" });
            let live = town.msp.key.replace("ppk_test_", "ppk_live_");
            for key in ["", "x", "ppk_test_", flipped.as_str(), live.as_str(), "sk_test_psapay_demo"] {
                for id in [invoice.as_str(), "x"] {
                    let reply = town.api(key, Method::GET, &format!("/api/invoices/{id}"), Value::Null).await;
                    reply.assert_refused(401, "unauthorized", None);
                }
                let made = town.api(key, Method::POST, "/api/clients", json!({"name": "x"})).await;
                made.assert_refused(401, "unauthorized", None);
            }
            assert_eq!(town.contents(town.msp.scope.mode).await, before);
        });
    }

    fn a_list_is_no_object_wherever_it_stands(world: &World) {
        Town::run(world, async |town| {
            let link = town.link(&town.invoice(12_345, "usd").await).await;
            let before = town.contents(town.msp.scope.mode).await;
            let client = &town.msp.client_id;
            let line = json!(["Managed workplace", "1", 100, 0]);
            let draft = json!({"client_id": client, "currency": "usd", "lines": [line]});
            for (path, body, field) in [
                ("/api/clients", json!(["Harbor Dental Group", null]), None),
                ("/api/clients", json!([]), None),
                ("/api/clients", json!("Harbor Dental Group"), None),
                ("/api/clients", json!(7), None),
                ("/api/clients", json!([{"name": "Harbor Dental Group"}]), None),
                ("/api/invoices", json!([client, "usd"]), None),
                ("/api/invoices", draft, Some("lines[0]")),
                ("/api/keys", json!(["Till", "all", null]), None),
                ("/api/stripe/connect/account", json!([]), None),
                ("/api/stripe/connect/account", json!({"business_profile": ["x"]}), Some("business_profile")),
                ("/api/stripe/connect/link", json!([]), None),
                ("/api/stripe/connect/disconnect", json!([town.msp.account]), None),
                (
                    &*format!("/api/public/invoices/{link}/pay"),
                    json!(["ctoken_1", 12_345, "usd", null, null]),
                    None,
                ),
            ] {
                let refused = post(&town, path, body.clone()).await;
                refused.assert_refused(400, "invalid_body", field);
                let said = refused.body["detail"].as_str().unwrap();
                assert!(said.contains("expected an object"), "{path} {body}: {said}");
                assert!(!said.contains("struct") && !said.contains("Json"), "{path} {body}: {said}");
            }
            assert_eq!(town.contents(town.msp.scope.mode).await, before);
        });
    }

    fn a_body_that_cannot_be_read_names_what_is_wrong(world: &World) {
        Town::run(world, async |town| {
            let link = town.link(&town.invoice(12_345, "usd").await).await;
            let before = town.contents(town.msp.scope.mode).await;
            let client = &town.msp.client_id;
            for (path, body, field) in [
                ("/api/invoices", json!({"client_id": client, "currency": "usd", "total": 5}), Some("total")),
                ("/api/invoices", json!({"client_id": client}), Some("currency")),
                (
                    "/api/invoices",
                    json!({"client_id": client, "currency": "usd", "lines": "many"}),
                    Some("lines"),
                ),
                ("/api/clients", json!({"name": 5}), Some("name")),
                ("/api/clients", json!([]), None),
            ] {
                post(&town, path, body).await.assert_refused(400, "invalid_body", field);
            }
            for (body, field) in [
                (json!({"name": ""}), "name"),
                (json!({"name": "x".repeat(501)}), "name"),
                (json!({"name": "a\u{0}b"}), "name"),
                (json!({"name": "Harbor", "email": "nobody"}), "email"),
                (json!({"name": "Harbor", "email": "a@b.example\r\nBcc: c@d.example"}), "email"),
            ] {
                post(&town, "/api/clients", body).await.assert_refused(422, "invalid_field", Some(field));
            }
            let draft = |extra: (&str, Value)| {
                let mut body = json!({"client_id": client, "currency": "usd"});
                body[extra.0] = extra.1;
                body
            };
            let line = |description: &str, tax: i64| {
                json!([{"description": description, "quantity": "1", "unit_price": 100, "tax_rate": tax}])
            };
            for (body, field) in [
                (draft(("due_date", json!("2026-02-30"))), "due_date"),
                (draft(("due_date", json!("tomorrow"))), "due_date"),
                (draft(("memo", json!("a\u{0}b"))), "memo"),
                (draft(("lines", line("", 0))), "lines[0].description"),
                (draft(("lines", line("two\nlines", 0))), "lines[0].description"),
                (draft(("lines", line("a\u{0}b", 0))), "lines[0].description"),
                (draft(("lines", line("Seat", 100_001))), "lines[0].tax_rate"),
                (draft(("lines", line("Seat", -1))), "lines[0].tax_rate"),
            ] {
                post(&town, "/api/invoices", body).await.assert_refused(422, "invalid_field", Some(field));
            }
            let pay = format!("/api/public/invoices/{link}/pay");
            let token = town.token("pm_card_visa");
            for amount in [json!(123.45), json!("12345"), json!(12_345.0), json!(null)] {
                let body = json!({"confirmation_token": token, "amount": amount, "currency": "usd"});
                town.public(Method::POST, &pay, body).await.assert_refused(
                    400,
                    "invalid_body",
                    Some("amount"),
                );
            }
            town.pay(&link, &token, 12_345, "xxx").await.assert_refused(
                422,
                "unknown_currency",
                Some("currency"),
            );
            assert_eq!(town.contents(town.msp.scope.mode).await, before);
            assert!(town.intents().is_empty());
        });
    }

    fn the_payer_pays_the_amount_they_saw_or_nothing(world: &World) {
        Town::run(world, async |town| {
            let link = town.link(&town.invoice(12_345, "usd").await).await;
            let before = town.contents(town.msp.scope.mode).await;
            let token = town.token("pm_card_visa");
            for (amount, currency) in
                [(12_344, "usd"), (12_346, "usd"), (0, "usd"), (-12_345, "usd"), (12_345, "eur")]
            {
                let refused = town.pay(&link, &token, amount, currency).await;
                refused.assert_refused(409, "amount_changed", Some("amount"));
                assert!(refused.text.contains("123.45 USD"), "{}", refused.text);
            }
            assert_eq!(town.contents(town.msp.scope.mode).await, before);
            assert!(town.intents().is_empty());
            assert_eq!(town.pay(&link, &token, 12_345, "usd").await.body["status"], "succeeded");
        });
    }

    fn a_card_token_is_good_once_for_half_a_day_and_on_its_own_account(world: &World) {
        Town::run_as(world, Wishes { deliveries: false, ..Wishes::default() }, async |town| {
            let other = town.add_msp("Prairie Networks", "usd").await;
            let used = town.token("pm_card_visa");
            let link = town.link(&town.invoice(500, "usd").await).await;
            assert_eq!(town.pay(&link, &used, 500, "usd").await.body["status"], "succeeded");

            let old = town.token("pm_card_visa");
            town.advance_ms(13 * HOUR_MS);
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            let shapeless =
                ["", "tok_visa", "pm_card_visa", "ctoken_a&amount=1", "ctoken_\u{e9}", &"ctoken_".repeat(50)];
            for token in shapeless {
                let refused = town.pay(&link, token, 12_345, "usd").await;
                refused.assert_refused(422, "confirmation_token_refused", Some("confirmation_token"));
            }
            assert_eq!(town.intents().len(), 1, "what is no token at all does not reach Stripe");
            let foreign = town.token_of(&other, "pm_card_visa");
            for token in [used.as_str(), old.as_str(), foreign.as_str(), "ctoken_1madeup"] {
                for _ in 0..2 {
                    let refused = town.pay(&link, token, 12_345, "usd").await;
                    refused.assert_refused(422, "confirmation_token_refused", Some("confirmation_token"));
                    town.assert_nothing_open().await;
                    assert_eq!(town.look(&link).await.body["state"], "pay");
                }
            }
            let intents = town.intents();
            assert_eq!((intents.len(), &intents[0]["status"]), (2, &json!("requires_payment_method")));
            let paid = town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            assert_eq!((town.intents().len(), town.charges().len()), (2, 2));
            town.assert_books().await;
        });
    }

    fn a_body_over_a_mebibyte_is_refused_and_one_of_exactly_that_is_read(world: &World) {
        Town::run(world, async |town| {
            let before = town.contents(town.msp.scope.mode).await;
            let body = |bytes: usize| json!("x".repeat(bytes - 2));
            let (most, more) = (1024 * 1024, 1024 * 1024 + 1);
            post(&town, "/api/invoices", body(more)).await.assert_refused(413, "body_too_large", None);
            post(&town, "/api/invoices", body(most)).await.assert_refused(400, "invalid_body", None);
            let text = "x".repeat(more);
            let webhook = town.deliver_signed(server::demo::TEST_WEBHOOK_SECRET, text.as_bytes()).await;
            webhook.assert_refused(413, "body_too_large", None);
            let webhook = town.deliver(None, &text.as_bytes()[..most]).await;
            webhook.assert_refused(401, "signature_invalid", None);
            assert_eq!(town.contents(town.msp.scope.mode).await, before);
        });
    }

    fn a_tenant_that_cannot_charge_shows_it_and_takes_no_payment_until_it_can_again(world: &World) {
        Town::run(world, async |town| {
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            let account = format!("/_simulator/accounts/{}", town.msp.account);
            for change in [json!({"charges_enabled": false}), json!({"card_payments": "inactive"})] {
                town.control("POST", &account, change.clone());
                town.until("the account cannot charge", async || {
                    town.look(&link).await.body["state"] == "unavailable"
                })
                .await;
                town.until_quiet().await;
                // A look at the page is noted, once a minute.
                town.public(Method::GET, &format!("/pay/{link}"), Value::Null).await;
                let before = town.contents(town.msp.scope.mode).await;
                let refused = town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
                refused.assert_refused(409, "payments_unavailable", None);
                let refused = town.command(&invoice, "payment-intent").await;
                refused.assert_refused(409, "payments_unavailable", None);
                let page = town.public(Method::GET, &format!("/pay/{link}"), Value::Null).await;
                assert_eq!(page.status, StatusCode::OK);
                assert!(!page.text.contains("id=\"submit\""), "{change}: {}", page.text);
                assert_eq!(town.contents(town.msp.scope.mode).await, before);
                assert!(town.intents().is_empty());
                town.control("POST", &account, json!({"charges_enabled": true, "card_payments": "active"}));
                town.until("the account can charge", async || town.look(&link).await.body["state"] == "pay")
                    .await;
            }
            let paid = town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
        });
    }

    fn an_account_that_lost_charging_before_we_heard_of_it_leaves_nothing_behind(world: &World) {
        Town::run_as(world, Wishes { deliveries: false, ..Wishes::default() }, async |town| {
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            let account = format!("/_simulator/accounts/{}", town.msp.account);
            town.control("POST", &account, json!({"charges_enabled": false}));
            assert_eq!(town.look(&link).await.body["state"], "pay", "no webhook has told us");
            let refused = town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
            refused.assert_refused(409, "payments_unavailable", None);
            town.assert_nothing_open().await;
            assert_eq!(town.charges().len(), 0);
            assert_eq!(town.look(&link).await.body["state"], "unavailable", "Stripe's refusal told us");
            town.control("POST", &account, json!({"charges_enabled": true}));
            let event = town.event("account.updated").to_string();
            town.deliver_signed(server::demo::TEST_WEBHOOK_SECRET, event.as_bytes()).await;
            town.until_quiet().await;
            let paid = town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            town.assert_books().await;
        });
    }
}
