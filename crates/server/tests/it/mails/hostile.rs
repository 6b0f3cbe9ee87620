//! What people type into names and addresses begins no header, hides no recipient and runs nowhere; and what
//! a request says of its host leads nobody away.

use reqwest::Method;
use serde_json::{Value, json};

use super::{PostOffice, call, check_form, send, until_taken, with_mail};
use crate::engines::World;
use crate::town::Town;

/// Names that a client may have, and that mean something to a mail program that reads them wrong.
const NAMES: [&str; 8] = [
    "\"Bcc: x@evil.example\" <x@evil.example>",
    "Ann, x@evil.example",
    "Ann\\\" <x@evil.example>",
    "=?utf-8?q?Bcc=3A_x=40evil.example?=",
    "<script>alert(1)</script>",
    "Zoë & Söhne — 株式会社",
    "{amount} {number} {{note}}",
    "Undisclosed-recipients:;",
];

both! {
    fn names_and_addresses_inject_no_header_and_no_markup(world: &World) {
        with_mail(world, "hostile", async |town: Town, office: PostOffice| {
            let key = &town.msp.key;
            for (field, body) in [
                ("sender_name", json!({"sender_name": "Ann\r\nBcc: x@evil.example"})),
                ("sender_name", json!({"sender_name": "Ann\nX: y"})),
                ("reply_to", json!({"reply_to": "a@example.com\r\nBcc: x@evil.example"})),
                ("copies[0]", json!({"copies": ["a@example.com\n"]})),
                ("notices[0].address", json!({"notices": [{"address": "a@b\r.example", "kinds": []}]})),
                (
                    "notices[0].name",
                    json!({"notices": [{"address": "a@b.example", "name": "A\r\nB", "kinds": []}]}),
                ),
            ] {
                let refused = town.api(key, Method::PUT, "/api/settings/mail", body).await;
                refused.assert_refused(422, "invalid_field", Some(field));
            }
            let path = format!("/api/clients/{}/mail", town.msp.client_id);
            let lines = ["a@example.com", "b@example.com\r\nRCPT TO:<x@evil.example>"];
            let lines = json!({"billing_addresses": lines});
            let refused = town.api(key, Method::PUT, &path, lines).await;
            refused.assert_refused(422, "invalid_field", Some("billing_addresses[1]"));
            let id = town.invoice(5_000, "usd").await;
            let path = format!("/api/invoices/{id}/send");
            let two = "a@example.com, x@evil.example";
            for address in [two, "Ann <a@example.com>", "a@example.com\0", "a", "a@b"] {
                let refused = town.api(key, Method::POST, &path, json!({"to": [address]})).await;
                refused.assert_refused(422, "invalid_field", Some("to[0]"));
            }
            for (nth, name) in NAMES.into_iter().enumerate() {
                call(&town, Method::PUT, "/api/settings/mail", json!({"sender_name": name})).await;
                let new = json!({"name": name, "email": "ap@example.com"});
                let client = call(&town, Method::POST, "/api/clients", new).await;
                let draft = json!({"client_id": client["id"], "currency": "usd",
                    "lines": [{"description": "Work", "quantity": "1", "unit_price": 5_000}]});
                let made = call(&town, Method::POST, "/api/invoices", draft).await;
                let id = made["id"].as_str().unwrap();
                call(&town, Method::POST, &format!("/api/invoices/{id}/finalize"), Value::Null).await;
                send(&town, id, json!({"note": format!("{name}\n.\nBcc: x@evil.example")})).await;
                let mail = until_taken(&town, &office, nth + 1).await.pop().unwrap();
                check_form(&mail, &town.url);
                assert_eq!(mail["rcpt_to"], json!(["ap@example.com"]), "{name}");
                // What looks like an encoded word is shown as it was typed, but for a space that keeps it
                // apart.
                let shown = name.replace("=?", "= ?");
                assert_eq!(mail["to"], json!([[shown, "ap@example.com"]]));
                assert_eq!(mail["from_name"], shown);
                assert!(mail["text"].as_str().unwrap().contains(name), "{mail:#}");
            }
        });
    }

    fn links_come_from_the_configured_address_whatever_a_request_says(world: &World) {
        with_mail(world, "host", async |town: Town, office: PostOffice| {
            let id = town.invoice(5_000, "usd").await;
            let path = format!("/api/invoices/{id}/send");
            let bearer = format!("Bearer {}", town.msp.key);
            let headers = [
                ("authorization", bearer.as_str()),
                ("host", "evil.example"),
                ("x-forwarded-host", "evil.example"),
                ("x-forwarded-proto", "https"),
                ("forwarded", "host=evil.example"),
            ];
            let sent = town.public_with(Method::POST, &path, json!({}), &headers).await;
            assert_eq!(sent.status, 202, "{}", sent.text);
            let mail = until_taken(&town, &office, 1).await.pop().unwrap();
            check_form(&mail, &town.url);
            assert!(mail["text"].as_str().unwrap().contains(&format!("{}/pay/", town.url)), "{mail:#}");
        });
    }
}
