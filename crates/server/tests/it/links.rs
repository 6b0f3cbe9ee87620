//! Each recipient's own pay link: who looked and who paid is told, one is taken back without the others, and
//! what its holder may do with it.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::engines::World;
use crate::mails::{PostOffice, call, send, until_taken, with_mail};
use crate::parts::{allow, pay_with};
use crate::town::{Reply, Town};

mod forwarded;
mod fresh;
mod taken_back;

pub const MINUTE_MS: i64 = 60_000;
pub const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
/// The client's billing addresses and one that gets copies.
pub const READERS: [&str; 3] = [
    "ap@harbordental.example",
    "cfo@harbordental.example",
    "archive@northwind.example",
];

/// Says who gets mails: two of the client, and a copy.
pub async fn set_readers(town: &Town) {
    let path = format!("/api/clients/{}/mail", town.msp.client_id);
    let billing = json!({"billing_addresses": [READERS[0], READERS[1]]});
    call(town, Method::PUT, &path, billing).await;
    let copies = json!({"copies": [READERS[2]]});
    call(town, Method::PUT, "/api/settings/mail", copies).await;
}

/// The token of the pay link in a mail.
pub fn link_in(mail: &Value) -> String {
    let text = mail["text"].as_str().unwrap();
    let after = text
        .split("/pay/")
        .nth(1)
        .unwrap_or_else(|| panic!("no link in {text}"));
    after.split_whitespace().next().unwrap().to_owned()
}

/// The newest mail to an address.
pub fn mail_to<'a>(mails: &'a [Value], address: &str) -> &'a Value {
    let to = |mail: &&Value| mail["rcpt_to"] == json!([address]);
    mails
        .iter()
        .rfind(to)
        .unwrap_or_else(|| panic!("nothing to {address}"))
}

/// The links of an invoice, newest first.
pub async fn links(town: &Town, invoice: &str) -> Vec<Value> {
    let path = format!("/api/invoices/{invoice}/links");
    let listed = call(town, Method::GET, &path, Value::Null).await;
    assert_eq!(listed["has_more"], false, "{listed}");
    listed["data"].as_array().unwrap().clone()
}

/// The one link of an invoice that is for an address.
pub async fn link_of(town: &Town, invoice: &str, address: &str) -> Value {
    let all = links(town, invoice).await;
    let mut own = all.iter().filter(|link| link["recipient"]["address"] == address);
    let link = own
        .next()
        .unwrap_or_else(|| panic!("{address} has no link in {all:#?}"));
    assert!(own.next().is_none(), "{address} has two links in {all:#?}");
    link.clone()
}

/// Makes a link for somebody.
pub async fn make(town: &Town, invoice: &str, body: Value) -> Reply {
    let path = format!("/api/invoices/{invoice}/links");
    town.api(&town.msp.key, Method::POST, &path, body).await
}

/// The token in the answer that made a link.
pub fn token_in(made: &Reply) -> String {
    let url = made.body["url"]
        .as_str()
        .unwrap_or_else(|| panic!("no link: {}", made.text));
    url.rsplit('/').next().unwrap().to_owned()
}

/// Takes a link back.
pub async fn revoke(town: &Town, invoice: &str, link: &Value) -> Reply {
    let path = format!(
        "/api/invoices/{invoice}/links/{}/revoke",
        link["id"].as_str().unwrap()
    );
    town.api(&town.msp.key, Method::POST, &path, Value::Null).await
}

/// The answer to a form that a payer sends from an address, as a browser sends it, without following it on.
pub async fn submit(town: &Town, from: &str, path: &str, fields: &[(&str, &str)]) -> Reply {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let coded = |text: &str| {
        text.bytes()
            .map(|byte| format!("%{byte:02X}"))
            .collect::<String>()
    };
    let pairs: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", coded(value)))
        .collect();
    let request = client.build().unwrap().post(format!("{}{path}", town.url));
    let response = request
        .header("content-type", "application/x-www-form-urlencoded")
        .header("x-forwarded-for", from)
        .body(pairs.join("&"))
        .send()
        .await
        .unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    Reply {
        status,
        headers,
        body: Value::Null,
        text: response.text().await.unwrap(),
    }
}

/// Somebody opens the page of a link.
pub async fn open(town: &Town, link: &str) -> Reply {
    town.public(Method::GET, &format!("/pay/{link}"), Value::Null)
        .await
}

both! {
    fn each_recipient_has_a_link_of_their_own_and_it_is_told_who_looked_and_who_paid(world: &World) {
        with_mail(world, "own-links", async |town: Town, office: PostOffice| {
            set_readers(&town).await;
            let id = town.invoice(12_345, "usd").await;
            let path = format!("/api/invoices/{id}/recipients");
            let foreseen = call(&town, Method::GET, &path, Value::Null).await;
            assert!(foreseen["recipients"][0]["link"].is_null(), "{foreseen}");
            let sent = send(&town, &id, Value::Null).await;
            assert_eq!(sent["recipients"][1]["link"]["state"], "in_force", "{sent}");
            let mails = until_taken(&town, &office, 3).await;
            let own: Vec<String> = READERS.iter().map(|to| link_in(mail_to(&mails, to))).collect();
            assert!(own[0] != own[1] && own[1] != own[2] && own[0] != own[2], "{own:?}");
            let kinds = ["mailed", "mailed", "mailed_copy"];
            for (reader, kind) in READERS.iter().zip(kinds) {
                let link = link_of(&town, &id, reader).await;
                assert_eq!((&link["kind"], &link["views"]), (&json!(kind), &json!(0)), "{link}");
                assert!(link.get("url").is_none(), "{link}");
            }
            for reader in [0, 1, 0, 0] {
                assert_eq!(open(&town, &own[reader]).await.status, StatusCode::OK);
                town.advance_ms(MINUTE_MS);
            }
            // Sent again, each has the link that is in their mailbox already.
            send(&town, &id, Value::Null).await;
            let mails = until_taken(&town, &office, 6).await;
            for (reader, own) in READERS.iter().zip(&own) {
                assert_eq!(&link_in(mail_to(&mails, reader)), own);
            }
            let paid = town.pay(&own[1], &town.token("pm_card_visa"), 12_345, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            town.until_invoice(&id, "paid").await;
            let seen = async |reader: usize| link_of(&town, &id, READERS[reader]).await;
            for (reader, views) in [3, 1, 0].into_iter().enumerate() {
                assert_eq!(seen(reader).await["views"], views, "{}", READERS[reader]);
            }
            let first = seen(0).await;
            let at = |which: &str| first[which].as_i64().unwrap();
            assert!(at("last_viewed_at") - at("first_viewed_at") >= 3 * MINUTE_MS, "{first}");
            let payment = call(&town, Method::GET, "/api/payments", Value::Null).await["data"][0].clone();
            let by = seen(1).await;
            assert_eq!(by["payments"], json!([payment["id"]]));
            assert_eq!((seen(0).await["payments"].clone(), &payment["pay_link"]), (json!([]), &by["id"]));
            // The receipt of each leads to the page by the link of each, which shows it.
            let mails = until_taken(&town, &office, 9).await;
            for (reader, own) in READERS.iter().zip(&own) {
                assert_eq!(&link_in(mail_to(&mails, reader)), own);
                assert_eq!(town.look(own).await.body["state"], "paid");
            }
            town.until_quiet().await;
            town.assert_books().await;
        });
    }

    fn only_people_who_look_are_counted(world: &World) {
        Town::run(world, async |town| {
            let id = town.invoice(12_345, "usd").await;
            let token = token_in(&make(&town, &id, json!({"email": "a@b.example"})).await);
            let path = format!("/pay/{token}");
            let ask = async |method: Method, headers: &[(&str, &str)]| {
                town.advance_ms(MINUTE_MS);
                let reply = town.public_with(method, &path, Value::Null, headers).await;
                assert_eq!(reply.status, StatusCode::OK);
                link_of(&town, &id, "a@b.example").await["views"].as_i64().unwrap()
            };
            for headers in [
                [("user-agent", "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)")],
                [("user-agent", "Barracuda Sentinel (EE)")],
                [("sec-purpose", "prefetch")],
                [("sec-fetch-dest", "image")],
            ] {
                assert_eq!(ask(Method::GET, &headers).await, 0, "{headers:?}");
            }
            let browser = [("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Firefox/145.0")];
            assert_eq!(ask(Method::HEAD, &browser).await, 0);
            assert_eq!(ask(Method::GET, &browser).await, 1);
        });
    }

    fn who_presses_pay_last_has_paid_whoever_began_it(world: &World) {
        Town::run(world, async |town| {
            let id = town.invoice(12_345, "usd").await;
            let mut tokens = Vec::new();
            for email in ["a@harbordental.example", "b@harbordental.example"] {
                tokens.push(token_in(&make(&town, &id, json!({"email": email})).await));
            }
            let declined = town.pay(&tokens[0], &town.token("pm_card_chargeDeclined"), 12_345, "usd").await;
            assert!(declined.body["decline"].is_object(), "{}", declined.text);
            town.pay(&tokens[1], &town.token("pm_card_visa"), 12_345, "usd").await;
            town.until_invoice(&id, "paid").await;
            for (email, payments) in [("a@harbordental.example", 0), ("b@harbordental.example", 1)] {
                let link = link_of(&town, &id, email).await;
                assert_eq!(link["payments"].as_array().unwrap().len(), payments, "{link}");
            }
            town.until_quiet().await;
            town.assert_books().await;
        });
    }

    fn of_invoices_paid_at_once_the_link_that_was_used_last_has_paid_whichever_it_belongs_to(world: &World) {
        Town::run(world, async |town| {
            allow(&town, json!({"several_invoices": true})).await;
            let ids = [town.invoice(12_345, "usd").await, town.invoice(5_000, "usd").await];
            let mut tokens = Vec::new();
            for (id, email) in ids.iter().zip(["a@harbordental.example", "b@harbordental.example"]) {
                tokens.push(token_in(&make(&town, id, json!({"email": email})).await));
            }
            let declined = pay_with(&town, &tokens[0], "pm_card_chargeDeclined", 17_345, &[&ids[1]]).await;
            assert!(declined.body["decline"].is_object(), "{}", declined.text);
            pay_with(&town, &tokens[1], "pm_card_visa", 17_345, &[&ids[0]]).await;
            for (id, email, payments) in [
                (&ids[0], "a@harbordental.example", 0),
                (&ids[1], "b@harbordental.example", 1),
            ] {
                town.until_invoice(id, "paid").await;
                let link = link_of(&town, id, email).await;
                assert_eq!(link["payments"].as_array().unwrap().len(), payments, "{link}");
            }
            assert_eq!(town.charges().len(), 1);
            town.until_quiet().await;
            town.assert_books().await;
        });
    }

    fn a_link_is_made_for_somebody_and_shown_once(world: &World) {
        Town::run(world, async |town| {
            let id = town.invoice(12_345, "usd").await;
            let refused = [
                (json!({}), "email"),
                (json!({"email": "no address"}), "email"),
                (json!({"email": "a@b.example\r\nBcc: c@d.example"}), "email"),
                (json!({"email": "a@b.example", "name": "Ann\r\nBcc: c@d.example"}), "name"),
                (json!({"email": "a@b.example", "name": ""}), "name"),
                (json!({"email": "a@b.example", "expires_in_days": 0}), "expires_in_days"),
                (json!({"email": "a@b.example", "expires_in_days": 367}), "expires_in_days"),
            ];
            for (body, field) in refused {
                make(&town, &id, body).await.assert_refused(422, "invalid_field", Some(field));
            }
            let who = json!({"address": "Boss@harbordental.example", "name": "Ann Boss"});
            let body = json!({"email": who["address"], "name": who["name"], "expires_in_days": 2});
            let path = format!("/api/invoices/{id}/links");
            let once = async || {
                let key = Some(&b"make-one-link"[..]);
                town.api_once(&town.msp.key, Method::POST, &path, body.clone(), key).await
            };
            let made = once().await;
            assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
            assert_eq!(made.body["kind"], "copied");
            assert_eq!(made.body["recipient"], who);
            assert_eq!(once().await.body["url"], made.body["url"], "the same request makes the same link");
            let token = token_in(&made);
            assert!(!call(&town, Method::GET, &path, Value::Null).await.to_string().contains(&token));
            assert_eq!(town.look(&token).await.body["state"], "pay");
            town.advance_ms(2 * DAY_MS);
            town.look(&token).await.assert_refused(410, "link_expired", None);
            assert_eq!(link_of(&town, &id, "Boss@harbordental.example").await["state"], "expired");
            for nth in 1..50 {
                let made = make(&town, &id, json!({"email": format!("n{nth}@harbordental.example")})).await;
                assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
            }
            let more = make(&town, &id, json!({"email": "more@harbordental.example"})).await;
            more.assert_refused(409, "too_many_links", None);
            let draft = json!({"client_id": town.msp.client_id, "currency": "usd"});
            let draft = call(&town, Method::POST, "/api/invoices", draft).await;
            let of_draft = make(&town, draft["id"].as_str().unwrap(), json!({"email": "a@b.example"})).await;
            of_draft.assert_refused(409, "invoice_draft", None);
        });
    }

    fn links_of_one_tenant_are_nothing_to_another(world: &World) {
        Town::run(world, async |town| {
            let id = town.invoice(12_345, "usd").await;
            let token = token_in(&make(&town, &id, json!({"email": "a@b.example"})).await);
            let link = link_of(&town, &id, "a@b.example").await;
            let other = town.add_msp("Other IT", "usd").await;
            let others = town.invoice_of(&other, 99_900, "usd").await;
            let revoke = |invoice: &str| {
                format!("/api/invoices/{invoice}/links/{}/revoke", link["id"].as_str().unwrap())
            };
            for (method, path) in [
                (Method::GET, format!("/api/invoices/{id}/links")),
                (Method::POST, format!("/api/invoices/{id}/links")),
                (Method::POST, revoke(&id)),
                // Not by way of an invoice of its own, either.
                (Method::POST, revoke(&others)),
            ] {
                let body = match method {
                    Method::GET => Value::Null,
                    _ if path.ends_with("/links") => json!({"email": "a@b.example"}),
                    _ => Value::Null,
                };
                let reply = town.api(&other.key, method, &path, body).await;
                reply.assert_refused(404, "not_found", None);
            }
            let seen = town.look(&token).await;
            assert_eq!(seen.body["amount"], 12_345);
            assert_eq!(seen.body["seller"], "Northwind IT Services");
            // Part of one token and part of another is a guess.
            let path = format!("/api/invoices/{others}/links");
            let made = town.api(&other.key, Method::POST, &path, json!({"email": "a@b.example"})).await;
            let theirs = token_in(&made);
            let mixed = format!("{}{}", &token[..26], &theirs[26..]);
            town.look(&mixed).await.assert_refused(404, "not_found", None);
            assert_eq!(town.look(&theirs).await.body["amount"], 99_900);
        });
    }
}
