//! What a careful bookkeeper tries with refunds, credit and reports: amounts that no card takes, pages that
//! are older than what is owed, parts of fees in other currencies, and accounts that nobody can read.

use flows::page_tokens;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::credits::{apply, note};
use crate::engines::World;
use crate::oauth::shop;
use crate::own_shop::all_told;
use crate::parts::allow;
use crate::refunds::{by_hand, paid, refund};
use crate::town::{Reply, Town};
use crate::{disconnect, disputes};

const VISA: &str = "pm_card_visa";

async fn paid_in(town: &Town, amount: i64, currency: &str) -> (String, Value) {
    let invoice = town.invoice(amount, currency).await;
    let link = town.link(&invoice).await;
    let paid = town.pay(&link, &town.token(VISA), amount, currency).await;
    assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
    all_told(town).await;
    let payments = get(town, "/api/payments").await;
    (invoice, payments["data"][0].clone())
}

async fn get(town: &Town, path: &str) -> Value {
    let read = town.api(&town.msp.key, Method::GET, path, Value::Null).await;
    assert_eq!(read.status, StatusCode::OK, "{}", read.text);
    read.body
}

async fn give_back(town: &Town, body: Value) -> Reply {
    let made = refund(town, body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    all_told(town).await;
    made
}

both! {
    fn parts_of_a_fee_that_come_back_in_another_currency_tie_out(world: &World) {
        Town::run(world, async |town| {
            let path = format!("/_simulator/accounts/{}", town.msp.account);
            let settles = json!({"settles": {"currency": "usd", "rate_millionths": 1_082_170}});
            town.control("POST", &path, settles);
            let (_, payment) = paid_in(&town, 99_999, "eur").await;
            let currencies = (&payment["currency"], &payment["settlement_currency"]);
            assert_eq!(currencies, (&json!("eur"), &json!("usd")));
            let id = payment["id"].clone();
            let part = json!({"payment_id": id, "amount": 33_333, "settlement": "still_owed",
                "fee": "returned"});
            assert_eq!(give_back(&town, part).await.body["fee_returned"], 1_000);
            town.assert_tied().await;
            let rest = json!({"payment_id": id, "settlement": "still_owed", "fee": "returned"});
            give_back(&town, rest).await;
            town.assert_tied().await;
            town.assert_books().await;
        });
    }

    fn a_page_that_shows_what_was_due_before_pays_no_second_part(world: &World) {
        Town::run(world, async |town| {
            allow(&town, json!({"partial_payments": true, "minimums": {"usd": 1_000}})).await;
            let invoice = town.invoice(10_000, "usd").await;
            let link = town.link(&invoice).await;
            let page = town.read_page(&link).await;
            let press = async |page: &Value, due: Value| {
                let body = json!({"confirmation_token": town.token(VISA), "amount": 4_000, "currency": "usd",
                    "due": due, "page_token": page});
                town.press(&link, body).await
            };
            press(&page, json!(9_999)).await.assert_refused(409, "amount_changed", Some("amount"));
            assert_eq!(press(&page, json!(10_000)).await.body["status"], "succeeded");
            let again = press(&page, Value::Null).await;
            again.assert_refused(409, "amount_changed", Some("amount"));
            assert!(again.text.contains("60.00 USD"), "{}", again.text);
            // A fresh token does not help a page that still shows the old sum.
            let fresh = town.read_page(&link).await;
            press(&fresh, json!(10_000)).await.assert_refused(409, "amount_changed", Some("amount"));
            assert_eq!(town.charges().len(), 1);
            assert_eq!(press(&fresh, json!(6_000)).await.body["status"], "succeeded");
        });
    }

    fn what_stripe_takes_in_steps_only_is_refunded_and_credited_in_steps(world: &World) {
        Town::run(world, async |town| {
            let (_, payment) = paid_in(&town, 20_000, "isk").await;
            let body = |amount: i64| {
                json!({"payment_id": payment["id"], "amount": amount, "settlement": "still_owed"})
            };
            let refused = refund(&town, body(5_050)).await;
            refused.assert_refused(422, "invalid_field", Some("amount"));
            assert!(refused.text.contains("multiple of 1.00 ISK"), "{}", refused.text);
            let open = town.invoice(20_000, "isk").await;
            note(&town, &open, 5_050).await.assert_refused(422, "invalid_field", Some("amount"));
            let (overpaid, _) = paid_in(&town, 10_000, "isk").await;
            assert_eq!(note(&town, &overpaid, 10_000).await.body["to_credit"], 10_000);
            apply(&town, &open, 5_050).await.assert_refused(422, "invalid_field", Some("amount"));
            assert_eq!(apply(&town, &open, 5_000).await.status, StatusCode::CREATED);
        });
    }

    fn a_rest_that_no_card_can_pay_is_not_offered_to_be_paid(world: &World) {
        Town::run(world, async |town| {
            let invoice = town.invoice(10_000, "usd").await;
            let link = town.link(&invoice).await;
            assert_eq!(note(&town, &invoice, 9_970).await.status, StatusCode::CREATED);
            let look = town.look(&link).await.body;
            assert_eq!((&look["state"], &look["amount"]), (&json!("too_small"), &json!(30)));
            let page = town.public(Method::GET, &format!("/pay/{link}"), Value::Null).await.text;
            assert!(page.contains("Too small to pay by card") && !page.contains("pay-form"), "{page}");
            let body = json!({"confirmation_token": town.token(VISA), "amount": 30, "currency": "usd",
                "page_token": look["page_token"]});
            town.advance_ms(page_tokens::AGE_MIN_MS);
            town.press(&link, body).await.assert_refused(422, "amount_too_small", Some("total"));
        });
    }

    fn an_invoice_that_was_paid_and_given_back_is_no_receipt_for_its_payment(world: &World) {
        Town::run(world, async |town| {
            let page = async |invoice: &str| {
                let link = town.link(invoice).await;
                town.public(Method::GET, &format!("/pay/{link}"), Value::Null).await.text
            };
            let (invoice, payment) = paid_in(&town, 10_000, "usd").await;
            assert!(page(&invoice).await.contains("has received your payment"));
            let part = json!({"payment_id": payment["id"], "amount": 4_000, "settlement": "forgiven"});
            give_back(&town, part).await;
            let part = page(&invoice).await;
            assert!(part.contains("has received $100.00 and given back $40.00"), "{part}");
            give_back(&town, json!({"payment_id": payment["id"], "settlement": "forgiven"})).await;
            let all = page(&invoice).await;
            assert!(all.contains(">Refunded<") && !all.contains("has received your payment"), "{all}");
            let credited = town.invoice(5_000, "usd").await;
            note(&town, &credited, 5_000).await;
            let credited = page(&credited).await;
            assert!(credited.contains("Settled by credit"), "{credited}");
            // The script has sentences of its own, which thank for a part.
            assert!(!credited.contains("Thank you. "), "{credited}");
        });
    }

    fn credit_that_a_note_made_of_disputed_money_is_held(world: &World) {
        Town::run(world, async |town| {
            let (invoice, payment) = paid_in(&town, 10_000, "usd").await;
            assert_eq!(note(&town, &invoice, 4_000).await.body["to_credit"], 4_000);
            let charge = payment["stripe_charge_id"].as_str().unwrap();
            disputes::open(&town, charge, json!({}));
            all_told(&town).await;
            let other = town.invoice(4_000, "usd").await;
            apply(&town, &other, 4_000).await.assert_refused(422, "invalid_field", Some("amount"));
            let credit = get(&town, &format!("/api/clients/{}/credit", town.msp.client_id)).await;
            assert_eq!((&credit["balances"][0]["amount"], &credit["pieces"][0]["held"]),
                (&json!(0), &json!(true)), "{credit}");
        });
    }

    fn parameters_in_the_address_of_a_command_are_refused(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let path = "/api/reports/tie-out?tenant_id=ten_other&mode=test";
            town.api(&town.msp.key, Method::POST, path, json!({})).await
                .assert_refused(400, "invalid_query", Some("tenant_id"));
            let path = "/api/clients?name=Example";
            town.api(&town.msp.key, Method::POST, path, json!({"name": "Example"})).await
                .assert_refused(400, "invalid_query", Some("name"));
        });
    }

    fn a_refund_that_stripe_has_no_money_for_says_that_refunds_are_missing_here(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let paid = paid(&town, 10_000, VISA).await;
            let path = format!("/_simulator/charges/{}/refund", paid.charge);
            town.control("POST", &path, json!({"amount": 6_000}));
            let body = json!({"payment_id": paid.payment, "amount": 5_000, "settlement": "still_owed"});
            let refused = refund(&town, body).await;
            refused.assert_refused(409, "refunds_not_read_yet", Some("amount"));
            assert!(refused.text.contains("less than 100.00 USD is left"), "{}", refused.text);
        });
    }

    fn an_account_that_nobody_can_read_agrees_with_nothing(world: &World) {
        Town::run(world, async |town| {
            let msp = shop(&town, "Corner Shop", None).await;
            let form = "amount=10000&currency=usd&confirm=true&payment_method=pm_card_visa\
                &automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never";
            town.stripe("POST", "/v1/payment_intents", Some(&msp.account), form);
            town.until("the sale", async || {
                let path = "/api/external-objects";
                let seen = town.api(&msp.key, Method::GET, path, Value::Null).await.body;
                let told = |one: &Value| (&one["status"], &one["amount"], &one["currency"])
                    == (&json!("succeeded"), &json!(10_000), &json!("usd"));
                seen["data"].as_array().unwrap().iter().any(|one| one["type"] == "charge" && told(one))
            })
            .await;
            let path = "/api/reports/tie-out";
            let compared = town.api(&msp.key, Method::POST, path, Value::Null).await.body;
            let now = &compared["currencies"][0];
            let stands = (&now["agrees"], &now["stripe_unreadable_since"]);
            assert_eq!(stands, (&json!(true), &Value::Null), "{compared}");
            disconnect::deauthorize(&town, &msp);
            town.until("the goodbye", async || {
                let read = town.api(&msp.key, Method::GET, path, Value::Null).await.body;
                let now = &read["currencies"][0];
                now["agrees"].is_null() && now["stripe_unreadable_since"].is_i64()
            })
            .await;
        });
    }

    fn what_credit_notes_have_taken_is_not_forgiven_a_second_time(world: &World) {
        Town::run(world, async |town| {
            let (invoice, payment) = paid_in(&town, 5_000, "usd").await;
            note(&town, &invoice, 4_000).await;
            let other = town.invoice(5_000, "usd").await;
            assert_eq!(apply(&town, &other, 4_000).await.status, StatusCode::CREATED);
            let all = json!({"payment_id": payment["id"], "settlement": "forgiven"});
            let refused = refund(&town, all).await;
            refused.assert_refused(409, "refund_not_forgivable", Some("settlement"));
            assert!(refused.text.contains("10.00 USD"), "{}", refused.text);
            let rest = json!({"payment_id": payment["id"], "amount": 1_000, "settlement": "forgiven"});
            give_back(&town, rest).await;
            let paid = town.read_invoice(&invoice).await;
            assert_eq!((&paid["status"], &paid["amount_due"]), (&json!("paid"), &json!(0)));
            town.assert_books().await;
        });
    }

    fn an_inquiry_that_was_answered_and_becomes_a_chargeback_is_answered_again(world: &World) {
        Town::run(world, async |town| {
            let (_, payment) = paid_in(&town, 10_000, "usd").await;
            let charge = payment["stripe_charge_id"].as_str().unwrap();
            let inquiry = disputes::open(&town, charge, json!({"inquiry": true}));
            all_told(&town).await;
            let answer = async |text: &str| {
                let dispute = disputes::newest(&town).await;
                let path = format!("/api/disputes/{}/evidence", dispute["id"].as_str().unwrap());
                let said = json!({"evidence": {"uncategorized_text": text}});
                let put = town.api(&town.msp.key, Method::PUT, &path, said).await;
                assert_eq!(put.status, StatusCode::OK, "{}", put.text);
                let version = json!({"version": put.body["evidence"]["version"]});
                let sent = disputes::command(&town, &dispute, "evidence/submit", version).await;
                assert_eq!(sent.status, StatusCode::OK, "{}", sent.text);
                all_told(&town).await;
            };
            answer("Everything was delivered.").await;
            disputes::decide(&town, &inquiry, "escalate");
            all_told(&town).await;
            assert_eq!(disputes::newest(&town).await["status"], "needs_response");
            answer("Everything was delivered, as we said.").await;
            assert_eq!(disputes::newest(&town).await["status"], "under_review");
        });
    }
}
