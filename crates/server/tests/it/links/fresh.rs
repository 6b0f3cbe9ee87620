//! A link that has run out: its page offers a fresh one by mail, to the address on file and to no other.

use flows::Clock;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{DAY_MS, READERS, link_in, link_of, mail_to, make, open, revoke, set_readers, submit, token_in};
use crate::engines::World;
use crate::mails::{PostOffice, call, check_form, send, until_taken, with_mail};
use crate::town::{Reply, Town};

const FROM: &str = "203.0.113.40";

async fn ask(town: &Town, from: &str, link: &str, fields: &[(&str, &str)]) -> Reply {
    submit(town, from, &format!("/pay/{link}/fresh"), fields).await
}

/// The mails with a fresh link that were queued.
async fn fresh_mails(town: &Town) -> Vec<Value> {
    let all = call(
        town,
        Method::GET,
        "/api/mails?kind=new_link&limit=100",
        Value::Null,
    )
    .await;
    all["data"].as_array().unwrap().clone()
}

both! {
    fn a_link_that_ran_out_has_a_fresh_one_mailed_to_its_recipient(world: &World) {
        with_mail(world, "fresh", async |town: Town, office: PostOffice| {
            set_readers(&town).await;
            let id = town.invoice(12_345, "usd").await;
            send(&town, &id, Value::Null).await;
            let mails = until_taken(&town, &office, 3).await;
            let cfo = link_in(mail_to(&mails, READERS[1]));
            // While it is in force, none is needed.
            let early = ask(&town, FROM, &cfo, &[]).await;
            assert_eq!(early.status, StatusCode::SEE_OTHER, "{}", early.text);
            town.advance_ms(60 * DAY_MS);
            let page = open(&town, &cfo).await;
            assert_eq!(page.status, StatusCode::GONE);
            assert!(page.text.contains("c***@harbordental.example"), "{}", page.text);
            for told in ["cfo@", "123.45", "INV-0", "Harbor Dental"] {
                assert!(!page.text.contains(told), "{told} in {}", page.text);
            }
            // Whatever address comes along is not looked at.
            let asked = ask(&town, FROM, &cfo, &[("email", "eve@elsewhere.example")]).await;
            assert_eq!(asked.status, StatusCode::OK, "{}", asked.text);
            assert!(asked.text.contains("c***@harbordental.example") && !asked.text.contains("cfo@"));
            let mails = until_taken(&town, &office, 4).await;
            check_form(&mails[3], &town.url);
            assert_eq!(mails[3]["rcpt_to"], json!([READERS[1]]));
            let fresh = link_in(&mails[3]);
            assert_ne!(fresh, cfo);
            assert_eq!(town.look(&fresh).await.body["state"], "pay");
            town.look(&cfo).await.assert_refused(410, "link_expired", None);
            // Pressed twice, and again with the old link: the same answer and one mail.
            let again = ask(&town, FROM, &cfo, &[]).await;
            assert_eq!((again.status, &again.text), (asked.status, &asked.text));
            assert_eq!(fresh_mails(&town).await.len(), 1);
            assert_eq!(link_of(&town, &id, READERS[1]).await["state"], "in_force");
            town.pay(&fresh, &town.token("pm_card_visa"), 12_345, "usd").await;
            town.until_invoice(&id, "paid").await;
        });
    }

    fn a_fresh_link_goes_to_the_client_where_the_old_one_was_anybody_elses(world: &World) {
        Town::run(world, async |town| {
            let id = town.invoice(12_345, "usd").await;
            let copied = token_in(&make(&town, &id, json!({"email": "lawyer@elsewhere.example"})).await);
            let shared = town.link(&id).await;
            town.advance_ms(31 * DAY_MS);
            for link in [&copied, &shared] {
                let page = open(&town, link).await.text;
                assert!(page.contains("a***@harbordental.example") && !page.contains("l***@"), "{page}");
                assert_eq!(ask(&town, FROM, link, &[]).await.status, StatusCode::OK);
                town.advance_ms(11 * 60_000);
            }
            let mails = fresh_mails(&town).await;
            assert_eq!(mails.len(), 2);
            for mail in mails {
                assert_eq!(mail["recipient"], "accounts@harbordental.example", "{mail}");
            }
            // Whoever is not the client's any more gets nothing with the link of old.
            let of_client = link_of(&town, &id, "accounts@harbordental.example").await;
            let parsed = domain::LinkId::parse(of_client["id"].as_str().unwrap()).unwrap();
            let token = flows::pay_links::token_of(&town.app.link_key, &parsed, 1).unwrap();
            assert_eq!(town.look(&token).await.body["state"], "pay");
            let path = format!("/api/clients/{}/mail", town.msp.client_id);
            let moved = json!({"billing_addresses": ["new@harbordental.example"]});
            call(&town, Method::PUT, &path, moved).await;
            town.advance_ms(70 * DAY_MS);
            let page = open(&town, &token).await.text;
            assert!(page.contains("n***@harbordental.example") && !page.contains("a***@"), "{page}");
        });
    }

    fn nobody_whose_link_was_taken_back_gets_a_fresh_one(world: &World) {
        Town::run(world, async |town| {
            let id = town.invoice(12_345, "usd").await;
            send(&town, &id, Value::Null).await;
            let shared = town.link(&id).await;
            let of_client = link_of(&town, &id, "accounts@harbordental.example").await;
            revoke(&town, &id, &of_client).await;
            town.advance_ms(31 * DAY_MS);
            let page = open(&town, &shared).await;
            assert_eq!(page.status, StatusCode::GONE);
            assert!(!page.text.contains("/fresh"), "{}", page.text);
            assert!(page.text.contains("billing@example.test"), "{}", page.text);
            ask(&town, FROM, &shared, &[]).await;
            let parsed = domain::LinkId::parse(of_client["id"].as_str().unwrap()).unwrap();
            let own = flows::pay_links::token_of(&town.app.link_key, &parsed, 1).unwrap();
            let refused = ask(&town, FROM, &own, &[]).await;
            assert_eq!(refused.status, StatusCode::GONE);
            assert!(refused.text.contains("withdrawn"), "{}", refused.text);
            assert_eq!(fresh_mails(&town).await, Vec::<Value>::new());
        });
    }

    fn five_fresh_links_a_day_of_an_invoice_and_guesses_are_counted(world: &World) {
        Town::run(world, async |town| {
            town.clock.stop();
            let id = town.invoice(12_345, "usd").await;
            let link = town.link(&id).await;
            town.advance_ms(31 * DAY_MS);
            let began = town.clock.now();
            let mut answers = Vec::new();
            for nth in 0..30 {
                let from = format!("203.0.113.{}", 100 + nth);
                answers.push(ask(&town, &from, &link, &[]).await.text);
                town.advance_ms(10 * 60_000);
            }
            assert!(town.clock.now().ms() - began.ms() < DAY_MS);
            assert_eq!(fresh_mails(&town).await.len(), 5);
            answers.dedup();
            assert_eq!(answers.len(), 1, "the answer tells nothing of it");
            // One address that asks about everything is turned away, and so is one that guesses.
            let mut turned_away = 0;
            for _ in 0..25 {
                let asked = ask(&town, "198.51.100.7", &link, &[]).await;
                turned_away += usize::from(asked.status == StatusCode::TOO_MANY_REQUESTS);
            }
            assert_eq!(turned_away, 5);
            let mut missed = Vec::new();
            for nth in 0..21 {
                let guess = format!("{nth:026}{nth:040x}");
                missed.push(ask(&town, "198.51.100.8", &guess, &[]).await.status.as_u16());
            }
            assert!(missed[..20].iter().all(|status| *status == 404), "{missed:?}");
            assert_eq!(missed[20], 429);
        });
    }
}
