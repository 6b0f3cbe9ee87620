//! Links that the tenant takes back: they open nothing from then on, and what is under way ends all the same.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{DAY_MS, READERS, link_in, link_of, links, mail_to, make, open, revoke, set_readers, token_in};
use crate::engines::World;
use crate::mails::{PostOffice, call, send, until_mail, until_taken, with_mail};
use crate::town::Town;

/// A link that was taken back says so, and nothing of the invoice but whose it was.
async fn assert_taken_back(town: &Town, token: &str) {
    town.look(token).await.assert_refused(410, "link_revoked", None);
    let paid = town.pay(token, &town.token("pm_card_visa"), 12_345, "usd").await;
    paid.assert_refused(410, "link_revoked", None);
    for path in ["", "/invoice.pdf"] {
        let page = town
            .public(Method::GET, &format!("/pay/{token}{path}"), Value::Null)
            .await;
        assert_eq!(page.status, StatusCode::GONE, "{}", page.text);
        assert!(page.text.contains("Northwind IT Services"), "{}", page.text);
        for told in ["123.45", "INV-0", "Harbor", "harbordental"] {
            assert!(!page.text.contains(told), "{told} in {}", page.text);
        }
    }
    let panel = town
        .public(Method::GET, &format!("/pay/{token}/panel"), Value::Null)
        .await;
    panel.assert_refused(410, "link_revoked", None);
}

both! {
    fn a_link_is_taken_back_without_the_others(world: &World) {
        with_mail(world, "revoked", async |town: Town, office: PostOffice| {
            set_readers(&town).await;
            let id = town.invoice(12_345, "usd").await;
            send(&town, &id, Value::Null).await;
            let mails = until_taken(&town, &office, 3).await;
            let [ap, cfo] = [READERS[0], READERS[1]].map(|to| link_in(mail_to(&mails, to)));
            let link = link_of(&town, &id, READERS[0]).await;
            let revoked = revoke(&town, &id, &link).await;
            assert_eq!((revoked.status, &revoked.body["state"]), (StatusCode::OK, &json!("revoked")));
            assert_eq!(revoke(&town, &id, &link).await.body, revoked.body, "told twice is told once");
            assert_taken_back(&town, &ap).await;
            assert_eq!(town.look(&cfo).await.body["state"], "pay");
            // Who is sent the invoice again has another one; the old one stays dead.
            send(&town, &id, json!({"to": [READERS[0]]})).await;
            let mails = until_taken(&town, &office, 5).await;
            let anew = link_in(mail_to(&mails, READERS[0]));
            assert_ne!(anew, ap);
            assert_eq!(town.look(&anew).await.body["state"], "pay");
            assert_taken_back(&town, &ap).await;
            let states: Vec<Value> = links(&town, &id).await.iter()
                .filter(|link| link["recipient"]["address"] == READERS[0])
                .map(|link| link["state"].clone())
                .collect();
            assert_eq!(states, [json!("in_force"), json!("revoked")]);
            // The shared link is one of them, and comes back only when somebody asks for it.
            let shared = town.link(&id).await;
            let listed = links(&town, &id).await;
            let of_all = listed.iter().find(|link| link["kind"] == "shared").unwrap();
            revoke(&town, &id, of_all).await;
            assert_taken_back(&town, &shared).await;
            send(&town, &id, json!({"to": [READERS[1]]})).await;
            let in_force = async || {
                let is = |link: &&Value| link["kind"] == "shared" && link["state"] == "in_force";
                links(&town, &id).await.iter().filter(is).count()
            };
            assert_eq!(in_force().await, 0);
            let another = town.link(&id).await;
            assert_eq!((in_force().await, &town.look(&another).await.body["state"]), (1, &json!("pay")));
            assert_taken_back(&town, &shared).await;
        });
    }

    fn a_mail_with_a_link_that_was_taken_back_is_not_sent(world: &World) {
        with_mail(world, "revoked-before", async |town: Town, mut office: PostOffice| {
            office.end();
            let id = town.invoice(12_345, "usd").await;
            let sent = send(&town, &id, Value::Null).await;
            let link = link_of(&town, &id, "accounts@harbordental.example").await;
            revoke(&town, &id, &link).await;
            office.begin();
            let mail = sent["mails"][0].as_str().unwrap();
            town.advance_ms(DAY_MS);
            until_mail(&town, mail, "cancelled").await;
            assert!(office.taken().is_empty());
        });
    }

    fn a_payment_under_way_ends_when_its_link_is_taken_back_and_no_other_begins(world: &World) {
        Town::run(world, async |town| {
            let id = town.invoice(12_345, "usd").await;
            let token = token_in(&make(&town, &id, json!({"email": "a@b.example"})).await);
            let card = town.token("pm_card_authenticationRequired");
            let asked = town.pay(&token, &card, 12_345, "usd").await;
            assert_eq!(asked.body["status"], "requires_action", "{}", asked.text);
            let intent = town.intents()[0]["id"].as_str().unwrap().to_owned();
            revoke(&town, &id, &link_of(&town, &id, "a@b.example").await).await;
            assert_taken_back(&town, &token).await;
            let looked = town.check(&token).await;
            assert_eq!(looked.body["status"], "requires_action", "{}", looked.text);
            assert!(looked.body.get("client_secret").is_none(), "{}", looked.text);
            town.challenge(&intent, "complete");
            town.until_invoice(&id, "paid").await;
            assert_taken_back(&town, &token).await;
            let link = link_of(&town, &id, "a@b.example").await;
            assert_eq!(link["payments"].as_array().unwrap().len(), 1, "{link}");
            assert_eq!((town.intents().len(), town.charges().len()), (1, 1));
            town.until_quiet().await;
            town.assert_nothing_open().await;
            town.assert_books().await;
        });
    }

    fn taking_a_link_back_while_its_holder_pays_leaves_it_paid_or_refused(world: &World) {
        Town::run(world, async |town| {
            for _ in 0..8 {
                let id = town.invoice(12_345, "usd").await;
                let token = token_in(&make(&town, &id, json!({"email": "a@b.example"})).await);
                let link = link_of(&town, &id, "a@b.example").await;
                let page = town.read_page(&token).await;
                let press = json!({"confirmation_token": town.token("pm_card_visa"), "amount": 12_345,
                    "currency": "usd", "page_token": page});
                let (paid, revoked) = tokio::join!(town.press(&token, press), revoke(&town, &id, &link));
                assert_eq!(revoked.body["state"], "revoked", "{}", revoked.text);
                // The first step may be noted and a later one refused: then the payment is not confirmed.
                if paid.body["status"] == "succeeded" {
                    town.until_invoice(&id, "paid").await;
                } else {
                    paid.assert_refused(410, "link_revoked", None);
                    assert_eq!(town.read_invoice(&id).await["status"], "open");
                    // Nothing that is left over keeps the invoice from being paid by another's link.
                    let another = token_in(&make(&town, &id, json!({"email": "b@b.example"})).await);
                    let paid = town.pay(&another, &town.token("pm_card_visa"), 12_345, "usd").await;
                    assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
                    town.until_invoice(&id, "paid").await;
                }
                assert_eq!(open(&town, &token).await.status, StatusCode::GONE);
            }
            assert_eq!(town.charges().len(), 8);
            town.until_quiet().await;
            town.assert_nothing_open().await;
            town.assert_books().await;
        });
    }

    fn what_is_done_with_links_is_in_the_audit_log_without_their_addresses(world: &World) {
        Town::run(world, async |town| {
            let id = town.invoice(12_345, "usd").await;
            let token = token_in(&make(&town, &id, json!({"email": "a@b.example", "name": "Ann"})).await);
            revoke(&town, &id, &link_of(&town, &id, "a@b.example").await).await;
            let log = call(&town, Method::GET, "/api/audit", Value::Null).await;
            let actions: Vec<&str> = log["data"].as_array().unwrap().iter()
                .filter_map(|entry| entry["action"].as_str())
                .filter(|action| action.starts_with("pay_link."))
                .collect();
            assert_eq!(actions, ["pay_link.revoked", "pay_link.made"]);
            for secret in [&token[26..], "a@b.example"] {
                assert!(!log.to_string().contains(secret), "{log}");
            }
        });
    }
}
