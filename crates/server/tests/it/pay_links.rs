//! The public address of an invoice: how long it works, what a replaced or expired one still does, and
//! guesses.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::engines::World;
use crate::town::{Reply, Town};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A payer who was sent to the bank; answers invoice, link and intent.
async fn at_the_bank(town: &Town) -> (String, String, String) {
    let invoice = town.invoice(12_345, "usd").await;
    let link = town.link(&invoice).await;
    let asked = town
        .pay(
            &link,
            &town.token("pm_card_authenticationRequired"),
            12_345,
            "usd",
        )
        .await;
    assert_eq!(asked.body["status"], "requires_action", "{}", asked.text);
    (
        invoice,
        link,
        town.intents()[0]["id"].as_str().unwrap().to_owned(),
    )
}

/// An expired link shows nothing of the invoice and confirms nothing.
async fn assert_expired(town: &Town, link: &str) {
    town.pay(link, &town.token("pm_card_visa"), 12_345, "usd")
        .await
        .assert_refused(410, "link_expired", None);
    town.look(link).await.assert_refused(410, "link_expired", None);
    let page = town
        .public(Method::GET, &format!("/pay/{link}"), Value::Null)
        .await;
    assert_eq!(page.status, StatusCode::GONE);
    assert!(!page.text.contains("123.45"), "{}", page.text);
}

async fn make_link(town: &Town, invoice: &str, days: Value) -> Reply {
    let path = format!("/api/invoices/{invoice}/pay-link");
    town.api(
        &town.msp.key,
        Method::POST,
        &path,
        json!({"expires_in_days": days}),
    )
    .await
}

both! {
    fn a_replaced_link_takes_no_new_card_but_the_payment_under_way_is_booked(world: &World) {
        Town::run(world, async |town| {
            let (invoice, old, intent) = at_the_bank(&town).await;
            let new = town.link(&invoice).await;
            assert_ne!(old, new);
            assert_expired(&town, &old).await;
            assert_eq!(town.look(&new).await.body["state"], "continue");
            town.challenge(&intent, "complete");
            town.until_invoice(&invoice, "paid").await;
            assert_eq!(town.look(&new).await.body["state"], "paid");
            assert_expired(&town, &old).await;
            assert_eq!((town.intents().len(), town.charges().len()), (1, 1));
            town.until_quiet().await;
            town.assert_nothing_open().await;
            town.assert_books().await;
        });
    }

    fn a_replaced_link_learns_no_client_secret(world: &World) {
        Town::run(world, async |town| {
            let (invoice, old, _) = at_the_bank(&town).await;
            let new = town.link(&invoice).await;
            for (link, told) in [(&new, true), (&old, false)] {
                let path = format!("/api/public/invoices/{link}/check");
                let looked = town.public(Method::POST, &path, Value::Null).await;
                assert_eq!(looked.body["status"], "requires_action", "{}", looked.text);
                assert_eq!(looked.body["client_secret"].is_string(), told, "{}", looked.text);
            }
        });
    }

    fn a_link_that_ran_out_takes_no_new_card_but_the_payment_under_way_is_booked(world: &World) {
        Town::run(world, async |town| {
            let (invoice, link, intent) = at_the_bank(&town).await;
            town.advance_ms(30 * DAY_MS);
            assert_expired(&town, &link).await;
            town.challenge(&intent, "complete");
            town.until_invoice(&invoice, "paid").await;
            assert_expired(&town, &link).await;
            assert_eq!((town.intents().len(), town.charges().len()), (1, 1));
            town.until_quiet().await;
            town.assert_books().await;
        });
    }

    fn a_link_works_for_as_many_days_as_it_was_made_for(world: &World) {
        Town::run(world, async |town| {
            let invoice = town.invoice(12_345, "usd").await;
            for days in [json!(0), json!(-1), json!(367)] {
                make_link(&town, &invoice, days).await.assert_refused(
                    422,
                    "invalid_field",
                    Some("expires_in_days"),
                );
            }
            make_link(&town, &invoice, json!(1.5)).await.assert_refused(
                400,
                "invalid_body",
                Some("expires_in_days"),
            );
            let made = make_link(&town, &invoice, json!(2)).await;
            let link = made.body["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
            town.advance_ms(2 * DAY_MS - 60_000);
            assert_eq!(town.look(&link).await.body["state"], "pay");
            town.advance_ms(60_000);
            assert_expired(&town, &link).await;
        });
    }

    fn a_guessed_link_is_not_found_whatever_is_guessed(world: &World) {
        Town::run(world, async |town| {
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            let last = if link.ends_with('0') { "1" } else { "0" };
            let guesses = [
                format!("{}{last}", &link[..link.len() - 1]),
                link.to_uppercase(),
                link[..link.len() - 1].to_owned(),
                format!("{link}0"),
                format!("{}{}", "0".repeat(26), &link[26..]),
                "x".to_owned(),
                "x".repeat(5_000),
                "%00".to_owned(),
                "%ff".to_owned(),
                "..%2f..%2fapi".to_owned(),
                invoice.clone(),
            ];
            let mut answers = Vec::new();
            for guess in &guesses {
                let page = town.public(Method::GET, &format!("/pay/{guess}"), Value::Null).await;
                assert_eq!(page.status, StatusCode::NOT_FOUND, "{guess}: {}", page.text);
                let paid = town.pay(guess, &town.token("pm_card_visa"), 12_345, "usd").await;
                for reply in [town.look(guess).await, paid, town.check(guess).await] {
                    reply.assert_refused(404, "not_found", None);
                    answers.push(reply.text);
                }
            }
            answers.dedup();
            assert_eq!(answers.len(), 1, "{answers:?}");
            assert!(town.intents().is_empty());
            assert_eq!(town.look(&link).await.body["state"], "pay");
        });
    }
}
