//! Forwarding an invoice to an approver: a link of their own, and no way to send anybody anything else.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    DAY_MS, READERS, link_in, link_of, links, mail_to, make, open, revoke, set_readers, submit, token_in,
};
use crate::engines::World;
use crate::mails::{PostOffice, call, check_form, send, until_taken, with_mail};
use crate::town::{Reply, Town};

const BOSS: &str = "boss@harbordental.example";
const FROM: &str = "203.0.113.20";

/// A payer reads the page of a link for two seconds and forwards the invoice.
async fn forward_from(town: &Town, from: &str, link: &str, name: &str, email: &str) -> Reply {
    let page = town.read_page(link).await;
    let token = page.as_str().unwrap_or_default();
    let fields = [("name", name), ("email", email), ("page_token", token)];
    submit(town, from, &format!("/pay/{link}/forward"), &fields).await
}

async fn forward(town: &Town, link: &str, name: &str, email: &str) -> Reply {
    forward_from(town, FROM, link, name, email).await
}

/// Every mail that was queued for an address.
async fn mails_to(town: &Town, address: &str) -> usize {
    let all = call(town, Method::GET, "/api/mails?limit=100", Value::Null).await;
    let all = all["data"].as_array().unwrap().clone();
    all.iter().filter(|mail| mail["recipient"] == address).count()
}

#[track_caller]
fn assert_done(reply: &Reply, link: &str) {
    assert_eq!(reply.status, StatusCode::SEE_OTHER, "{}", reply.text);
    assert_eq!(reply.headers["location"], format!("/pay/{link}#forward"));
    assert!(reply.text.is_empty());
}

both! {
    fn an_approver_has_a_link_of_their_own_and_what_they_pay_is_told(world: &World) {
        with_mail(world, "forwarded", async |town: Town, office: PostOffice| {
            set_readers(&town).await;
            let id = town.invoice(12_345, "usd").await;
            send(&town, &id, Value::Null).await;
            let mails = until_taken(&town, &office, 3).await;
            let ap = link_in(mail_to(&mails, READERS[0]));
            assert_done(&forward(&town, &ap, "Ann Boss", BOSS).await, &ap);
            let mails = until_taken(&town, &office, 4).await;
            let mail = mail_to(&mails, BOSS);
            check_form(mail, &town.url);
            let text = mail["text"].as_str().unwrap();
            let by = format!("Harbor Dental Group ({})", READERS[0]);
            for said in ["Hello Ann Boss,", by.as_str(), "INV-00001", "$123.45"] {
                assert!(text.contains(said), "{said} in {text}");
            }
            assert_eq!(mail["to"], json!([["Ann Boss", BOSS]]));
            // Whose the bill is stays as it was.
            let path = format!("/api/invoices/{id}/recipients");
            let foreseen = call(&town, Method::GET, &path, Value::Null).await;
            assert!(!foreseen.to_string().contains(BOSS));
            let theirs = link_in(mail);
            let page = open(&town, &theirs).await;
            assert!(page.text.contains(&by), "{}", page.text);
            let shown = open(&town, &ap).await.text;
            assert!(shown.contains("Ann Boss") && shown.contains(BOSS), "{shown}");
            // Nobody else reads to whom it went.
            let cfo = open(&town, &link_in(mail_to(&mails, READERS[1]))).await.text;
            assert!(!cfo.contains(BOSS), "{cfo}");
            let link = link_of(&town, &id, BOSS).await;
            let parent = link_of(&town, &id, READERS[0]).await;
            assert_eq!((&link["kind"], &link["forwarded_by"]), (&json!("forwarded"), &parent["id"]));
            assert_eq!(link["views"], 1);
            town.pay(&theirs, &town.token("pm_card_visa"), 12_345, "usd").await;
            town.until_invoice(&id, "paid").await;
            assert_eq!(link_of(&town, &id, BOSS).await["payments"].as_array().unwrap().len(), 1);
            let late = forward(&town, &ap, "Ann Boss", "late@harbordental.example").await;
            assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.text);
            assert_eq!(mails_to(&town, "late@harbordental.example").await, 0);
            town.until_quiet().await;
            town.assert_books().await;
        });
    }

    fn the_answer_is_the_same_whoever_it_goes_to_and_nobody_is_mailed_twice(world: &World) {
        Town::run(world, async |town| {
            let id = town.invoice(12_345, "usd").await;
            let link = token_in(&make(&town, &id, json!({"email": "a@b.example"})).await);
            // Again, written otherwise, the client's own address, and the holder's.
            let again = "BOSS@harbordental.example";
            for email in [BOSS, BOSS, again, "accounts@harbordental.example", "a@b.example"] {
                assert_done(&forward(&town, &link, "Ann Boss", email).await, &link);
            }
            assert_eq!(mails_to(&town, BOSS).await, 1);
            assert_eq!(mails_to(&town, "accounts@harbordental.example").await, 1);
            let forwarded = links(&town, &id).await;
            assert_eq!(forwarded.iter().filter(|link| link["kind"] == "forwarded").count(), 3);
            // One whose link was taken back gets none again, and the answer does not tell.
            town.advance_ms(DAY_MS);
            revoke(&town, &id, &link_of(&town, &id, BOSS).await).await;
            assert_done(&forward(&town, &link, "Ann Boss", BOSS).await, &link);
            assert_eq!(mails_to(&town, BOSS).await, 1);
            // What was forwarded goes with the link that it came from.
            let of_link = links(&town, &id).await;
            let of_link = of_link.iter().find(|link| link["kind"] == "copied").unwrap();
            revoke(&town, &id, of_link).await;
            let all = links(&town, &id).await;
            assert!(all.iter().all(|link| link["state"] == "revoked"), "{all:#?}");
        });
    }

    fn what_is_forwarded_runs_out_with_the_link_that_it_came_from(world: &World) {
        with_mail(world, "forward-ends", async |town: Town, office: PostOffice| {
            let id = town.invoice(12_345, "usd").await;
            let made = make(&town, &id, json!({"email": "a@b.example", "expires_in_days": 3})).await;
            let link = token_in(&made);
            forward(&town, &link, "Ann Boss", BOSS).await;
            let theirs = link_in(&until_taken(&town, &office, 1).await[0]);
            assert_eq!(link_of(&town, &id, BOSS).await["expires_at"], made.body["expires_at"]);
            // It goes no further.
            let on = forward(&town, &theirs, "Eve", "eve@elsewhere.example").await;
            assert_eq!(on.status, StatusCode::CONFLICT, "{}", on.text);
            assert!(!open(&town, &theirs).await.text.contains("/forward"));
            town.advance_ms(3 * DAY_MS);
            town.look(&theirs).await.assert_refused(410, "link_expired", None);
            let page = open(&town, &theirs).await.text;
            assert!(page.contains("a***@harbordental.example") && !page.contains("b***@"), "{page}");
        });
    }

    fn nothing_but_a_name_and_an_address_is_taken(world: &World) {
        Town::run(world, async |town| {
            let id = town.invoice(12_345, "usd").await;
            let link = token_in(&make(&town, &id, json!({"email": "a@b.example"})).await);
            let long = "a".repeat(61);
            let header = "Ann\r\nBcc: eve@spam.example";
            for name in ["", "Visit spam.example", "Call 0190 123", header, "<b>Ann</b>", &long] {
                let refused = forward(&town, &link, name, BOSS).await;
                assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
                assert!(refused.text.contains("id=\"forward-name-error\""), "{}", refused.text);
                assert!(refused.text.contains(BOSS), "what was typed stays");
            }
            let header = "a@b.example\r\nBcc: eve@spam.example";
            for email in ["", "boss", "boss@", header, "\"a b\"@c.example", "a@b, c@d.example"] {
                let refused = forward(&town, &link, "Ann Boss", email).await;
                assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{email}");
                assert!(refused.text.contains("id=\"forward-email-error\""), "{}", refused.text);
            }
            // A script that did not read the page, or one that read it for no time.
            let fields = [("name", "Ann Boss"), ("email", BOSS)];
            let path = format!("/pay/{link}/forward");
            assert_eq!(submit(&town, FROM, &path, &fields).await.status, StatusCode::UNPROCESSABLE_ENTITY);
            town.clock.stop();
            let token = town.look(&link).await.body["page_token"].as_str().unwrap().to_owned();
            let fast = [fields[0], fields[1], ("page_token", &token)];
            assert_eq!(submit(&town, FROM, &path, &fast).await.status, StatusCode::TOO_MANY_REQUESTS);
            let guessed = submit(&town, FROM, &format!("/pay/{}/forward", "0".repeat(66)), &fast).await;
            assert_eq!(guessed.status, StatusCode::NOT_FOUND, "{}", guessed.text);
            let all = call(&town, Method::GET, "/api/mails", Value::Null).await;
            assert_eq!(all["data"], json!([]), "nobody was mailed");
            let page = town.public(Method::GET, &path, Value::Null).await;
            assert_eq!(page.status, StatusCode::OK, "loaded again, it is the page");
        });
    }

    fn five_a_day_by_a_link_twenty_of_an_invoice_and_twenty_an_hour_from_an_address(world: &World) {
        Town::run(world, async |town| {
            let id = town.invoice(12_345, "usd").await;
            let mut sent = 0;
            let mut tried = 0;
            for day in 0..5 {
                let made = make(&town, &id, json!({"email": format!("a{day}@b.example")})).await;
                let link = token_in(&made);
                for nth in 0..6 {
                    let from = format!("203.0.113.{}", 30 + tried % 100);
                    let name = ["Ann", "Bob", "Cid", "Dan", "Eva", "Fay"][nth];
                    let email = format!("{name}{day}@b.example");
                    let reply = forward_from(&town, &from, &link, name, &email).await;
                    tried += 1;
                    match (nth < 5, sent < 20) {
                        (true, true) => {
                            assert_done(&reply, &link);
                            sent += 1;
                        }
                        (false, true) => assert_eq!(reply.status, StatusCode::TOO_MANY_REQUESTS),
                        (_, false) => assert_eq!(reply.status, StatusCode::CONFLICT, "{}", reply.text),
                    }
                }
            }
            assert_eq!(sent, 20);
            // One address, many invoices.
            let mut taken = 0;
            for _ in 0..5 {
                let id = town.invoice(12_345, "usd").await;
                let link = token_in(&make(&town, &id, json!({"email": "a@b.example"})).await);
                for name in ["Ann", "Bob", "Cid", "Dan", "Eva"] {
                    let reply = forward(&town, &link, name, &format!("{name}@c.example")).await;
                    taken += usize::from(reply.status == StatusCode::SEE_OTHER);
                }
            }
            assert_eq!(taken, 20);
        });
    }
}
