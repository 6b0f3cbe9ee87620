//! What a client reads of who sends it something: the name of the business, on mails and on the pages of
//! links that show no invoice.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{PostOffice, call, check_form, send, until_taken, with_mail};
use crate::engines::World;
use crate::town::Town;

const BUSINESS: &str = "Northwind Managed IT LLC";
const ASK: &str = "accounts@northwind-it.example";

both! {
    fn a_business_that_has_a_name_of_its_own_is_called_so_everywhere(world: &World) {
        with_mail(world, "sellers", async |town: Town, office: PostOffice| {
            let business = json!({"name": BUSINESS, "email": ASK});
            call(&town, Method::PUT, "/api/settings/business", business).await;
            let invoice = town.invoice(5_000, "usd").await;
            send(&town, &invoice, json!({})).await;
            let mail = until_taken(&town, &office, 1).await.pop().unwrap();
            check_form(&mail, &town.url);
            assert_eq!(mail["from_name"], BUSINESS);
            assert_eq!(mail["reply_to"], json!([ASK]));
            assert_eq!(mail["subject"], format!("[TEST] Invoice INV-00001 from {BUSINESS}"));

            let link = town.link(&invoice).await;
            assert_eq!(town.look(&link).await.body["seller"], BUSINESS);
            // A link that was replaced, one that was taken back.
            let newer = town.link(&invoice).await;
            let path = format!("/api/invoices/{invoice}/links");
            let links = call(&town, Method::GET, &path, Value::Null).await;
            for shown in links["data"].as_array().unwrap() {
                let path = format!("/api/invoices/{invoice}/links/{}/revoke", shown["id"].as_str().unwrap());
                call(&town, Method::POST, &path, Value::Null).await;
            }
            for link in [link, newer] {
                let page = town.public(Method::GET, &format!("/pay/{link}"), Value::Null).await;
                assert_eq!(page.status, StatusCode::GONE);
                assert!(page.text.contains(BUSINESS) && page.text.contains(ASK), "{}", page.text);
            }
        });
    }

    fn a_mail_names_what_an_invoice_comes_to_and_what_of_it_is_left(world: &World) {
        with_mail(world, "left", async |town: Town, office: PostOffice| {
            let invoice = town.invoice(10_000, "usd").await;
            crate::credits::note(&town, &invoice, 2_500).await;
            send(&town, &invoice, json!({})).await;
            let mail = until_taken(&town, &office, 1).await.pop().unwrap();
            for part in ["text", "html"] {
                let part = mail[part].as_str().unwrap();
                for said in ["our invoice INV-00001 for $100.00", "Left to pay", "Pay $75.00"] {
                    assert!(part.contains(said), "{said} in {part}");
                }
            }
            let language = format!("/api/clients/{}/mail", town.msp.client_id);
            call(&town, Method::PUT, &language, json!({"language": "fr"})).await;
            send(&town, &invoice, json!({})).await;
            let mail = until_taken(&town, &office, 2).await.pop().unwrap();
            let text = mail["text"].as_str().unwrap();
            assert!(text.contains("Reste à payer\u{a0}: 75,00\u{a0}USD"), "{text}");
        });
    }
}
