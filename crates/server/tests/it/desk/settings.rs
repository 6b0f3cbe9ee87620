//! Settings in forms: what papers say of the tenant and its logo, numbers that only go up, what payers may
//! choose, mails; of two who change the same the second sees it, and who may not change anything only looks.

use domain::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{read, staff};
use crate::engines::World;
use crate::person::Shown;
use crate::town::Town;

const JPEG: &[u8] = include_bytes!("../../../../documents/tests/data/logo.jpg");

fn seen(page: &Shown) -> String {
    page.between("name=\"seen\" value=\"", "\"")
}

async fn finalized(town: &Town) -> String {
    let invoice = town.invoice(1_000, "usd").await;
    town.read_invoice(&invoice).await["number"]
        .as_str()
        .unwrap()
        .to_owned()
}

both! {
    fn a_number_that_was_offered_and_not_touched_is_no_wish_whatever_becomes_of_the_form(world: &World) {
        Town::run(world, async |town| {
            let dana = staff(&town, Role::Owner, "dana@northwind.example").await;
            assert_eq!(finalized(&town).await, "INV-00001");
            let path = "/settings/invoices";
            let form = dana.get(path).await;
            let state = seen(&form);
            let with = |prefix, next, days| [
                ("seen", state.as_str()), ("offered", "2"), ("prefix", prefix), ("next_number", next),
                ("due_days", days), ("memo", "Thank you.\r\nDana"),
            ];
            form.assert_says(200, &["name=\"offered\" value=\"2\""]);
            assert_eq!(finalized(&town).await, "INV-00002");
            let refused = dana.post(path, &with("INV-", "2", "soon")).await;
            let again = ["Days until due must be", "name=\"offered\" value=\"3\""];
            refused.assert_says(422, &again);
            let typed = refused.between("name=\"next_number\" type=\"text\" value=\"", "\"");
            assert_eq!(typed, "3", "what is offered anew is the next number: {}", refused.text);
            let mut fields = with("INV-", "3", "45").to_vec();
            fields[1] = ("offered", "3");
            assert_eq!(finalized(&town).await, "INV-00003");
            dana.post(path, &fields).await.assert_sent_to(&format!("{path}?done=saved"));
            assert_eq!(finalized(&town).await, "INV-00004");
            let state = seen(&dana.get(path).await);
            let with = |prefix, next, days| [
                ("seen", state.as_str()), ("offered", "2"), ("prefix", prefix), ("next_number", next),
                ("due_days", days), ("memo", "Thank you.\r\nDana"),
            ];
            // What was chosen stays chosen, also after an error.
            let refused = dana.post(path, &with("INV-", "500", "soon")).await;
            refused.assert_says(422, &["name=\"offered\" value=\"2\""]);
            assert_eq!(refused.between("name=\"next_number\" type=\"text\" value=\"", "\""), "500");
            dana.post(path, &with("INV-", "500", "30")).await
                .assert_sent_to(&format!("{path}?done=saved"));
            assert_eq!(finalized(&town).await, "INV-00500");
        });
    }

    fn numbers_only_go_up_and_terms_begin_a_new_invoice(world: &World) {
        Town::run(world, async |town| {
            let dana = staff(&town, Role::Owner, "dana@northwind.example").await;
            assert_eq!(finalized(&town).await, "INV-00001");
            let path = "/settings/invoices";
            let form = dana.get(path).await;
            form.assert_says(200, &["The next invoice is INV-00002", "value=\"INV-\""]);
            let state = seen(&form);
            let with = |prefix, next, days| [
                ("seen", state.as_str()), ("offered", "2"), ("prefix", prefix), ("next_number", next),
                ("due_days", days), ("memo", "Thank you.\r\nDana"),
            ];
            let refused = dana.post(path, &with("INV-", "1", "30")).await;
            refused.assert_says(422, &["Next number must be at least 2"]);
            let refused = dana.post(path, &with("INV1", "2", "30")).await;
            refused.assert_says(422, &["must not end with a digit", "value=\"INV1\""]);
            let refused = dana.post(path, &with("INV-", "2", "soon")).await;
            refused.assert_says(422, &["Days until due must be a whole number"]);
            dana.post(path, &with("INV-", "500", "30")).await
                .assert_sent_to(&format!("{path}?done=saved"));
            assert_eq!(finalized(&town).await, "INV-00500");
            let late = dana.post(path, &with("R-", "2", "30")).await;
            late.assert_says(409, &["Somebody else has changed this meanwhile", "value=\"R-\""]);

            let now = read(&town, "/api/settings/invoices").await.body;
            assert_eq!(now["next_invoice_number"], "INV-00501");
            let put = async |body: Value| {
                town.api(&town.msp.key, Method::PUT, "/api/settings/invoices", body).await
            };
            let back = put(json!({"prefix": "INV-", "next_number": 500})).await;
            back.assert_refused(422, "invalid_field", Some("next_number"));
            let other = put(json!({"prefix": "2027-", "due_days": 14, "memo": "Bitte"})).await;
            assert_eq!(other.body["next_number"], 1, "a series of its own: {}", other.text);
            assert_eq!(finalized(&town).await, "2027-00001");
            dana.get("/invoices?q=2027-1").await.assert_says(200, &["2027-00001"]);
            put(json!({"due_days": 30, "memo": "Thanks"})).await;
            assert_eq!(finalized(&town).await, "INV-00501", "the first series goes on");

            let draft = json!({"client_id": town.msp.client_id, "currency": "usd"});
            let made = town.api(&town.msp.key, Method::POST, "/api/invoices", draft.clone()).await.body;
            assert!(made["due_date"].is_string() && made["memo"] == "Thanks", "{made}");
            let mut bare = draft;
            bare["due_date"] = Value::Null;
            bare["memo"] = Value::Null;
            let made = town.api(&town.msp.key, Method::POST, "/api/invoices", bare).await.body;
            assert!(made["due_date"].is_null() && made["memo"].is_null(), "{made}");
            let new = dana.get(&format!("/invoices/new?client={}", town.msp.client_id)).await;
            new.assert_says(200, &["Thanks"]);
        });
    }

    fn papers_say_who_the_tenant_is_with_its_logo(world: &World) {
        Town::run(world, async |town| {
            let dana = staff(&town, Role::Owner, "dana@northwind.example").await;
            let path = "/settings/business";
            let form = dana.get(path).await;
            form.assert_says(200, &["Business details", "There is none yet", "US Letter"]);
            let state = seen(&form);
            let with = |email| [
                ("seen", state.as_str()), ("name", "Northwind IT"), ("address", "1 Pier\r\nPortland"),
                ("email", email), ("bank_details", "First Bank\r\n123"), ("page_size", "letter"),
            ];
            let refused = dana.post(path, &with("billing")).await;
            refused.assert_says(422, &["E-mail address must be an e-mail address", "value=\"billing\""]);
            dana.post(path, &with("billing@northwind.example")).await
                .assert_sent_to(&format!("{path}?done=saved"));
            let there = read(&town, "/api/settings/business").await.body;
            assert_eq!(there["bank_details"], "First Bank\n123");
            assert_eq!(there["address"], json!(["1 Pier", "Portland"]));
            let late = dana.post(path, &with("other@northwind.example")).await;
            late.assert_says(409, &["Somebody else has changed", "value=\"other@northwind.example\""]);

            dana.get(path).await;
            let none = dana.upload(&format!("{path}/logo"), "logo", b"").await;
            none.assert_says(422, &["Logo must be chosen"]);
            let wrong = dana.upload(&format!("{path}/logo"), "logo", b"GIF89a").await;
            assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.words());
            let sent = dana.upload(&format!("{path}/logo"), "logo", JPEG).await;
            sent.assert_sent_to(&format!("{path}?done=saved"));
            let shown = dana.get(&format!("{path}/logo.png")).await;
            assert_eq!(shown.headers["content-type"], "image/png");
            dana.get(&format!("{path}/logo/remove")).await.assert_says(200, &["Remove the logo?"]);
            dana.post(&format!("{path}/logo/remove"), &[]).await
                .assert_sent_to(&format!("{path}?done=saved"));
            dana.get(path).await.assert_says(200, &["There is none yet"]);

            let kim = staff(&town, Role::ReadOnly, "kim@northwind.example").await;
            let shown = kim.get(path).await;
            shown.assert_says(200, &["Only owners may change this", "Northwind IT"]);
            assert!(!shown.text.contains(">Save<"), "nothing that kim may not do");
            let refused = kim.post(path, &with("kim@northwind.example")).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN);
        });
    }

    fn payers_choices_and_mails_are_set_in_forms(world: &World) {
        Town::run(world, async |town| {
            let dana = staff(&town, Role::Owner, "dana@northwind.example").await;
            let path = "/settings/payments";
            let state = seen(&dana.get(path).await);
            let with = |minimum| [
                ("seen", state.as_str()), ("partial", "1"), ("bank_debits", "1"), ("minimum_usd", minimum),
            ];
            let refused = dana.post(path, &with("a lot")).await;
            refused.assert_says(422, &["Smallest part in USD must", "value=\"a lot\""]);
            let refused = dana.post(path, &with("0.01")).await;
            refused.assert_says(422, &["Smallest part in USD must be an amount that can be charged"]);
            dana.post(path, &with("50.00")).await.assert_sent_to(&format!("{path}?done=saved"));
            let there = read(&town, "/api/settings/payments").await.body;
            assert_eq!(there["minimums"], json!({"usd": 5_000}));
            assert_eq!((&there["partial_payments"], &there["several_invoices"]), (&json!(true),
                &json!(false)));

            let path = "/settings/mails";
            let state = seen(&dana.get(path).await);
            let with = |days| [
                ("seen", state.as_str()), ("sender_name", "Northwind"), ("language", "de"), ("receipts", "1"),
                ("reminder_days", days), ("copies", "books@northwind.example\r\n"),
                ("notice_address", "desk@northwind.example"), ("notice_kinds_0", "staff_dispute"),
                ("notice_address", ""),
            ];
            let refused = dana.post(path, &with("soon")).await;
            refused.assert_says(422, &["Days must be whole numbers", "value=\"soon\""]);
            dana.post(path, &with("-3, 7 14")).await.assert_sent_to(&format!("{path}?done=saved"));
            let there = read(&town, "/api/settings/mail").await.body;
            assert_eq!(there["reminder_days"], json!([-3, 7, 14]));
            assert_eq!(there["copies"], json!(["books@northwind.example"]));
            assert_eq!(there["notices"][0]["kinds"], json!(["staff_dispute"]));
            dana.get(path).await.assert_says(200, &["desk@northwind.example", "-3, 7, 14"]);
            let late = dana.post(path, &with("1")).await;
            late.assert_says(409, &["Somebody else has changed"]);
        });
    }
}
