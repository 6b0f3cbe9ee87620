//! Lists narrowed, read as files, and sent from: what a filter leaves, what a file has, and what becomes of
//! several invoices that are sent at once.

use domain::Role;
use domain::seal::Day;
use reqwest::Method;
use serde_json::{Value, json};

use super::{add_client, next_page, once, read, staff, write};
use crate::engines::World;
use crate::town::Town;

both! {
    fn a_list_is_narrowed_by_client_days_and_amounts(world: &World) {
        Town::run(world, async |town| {
            let dana = staff(&town, Role::Owner, "dana@northwind.example").await;
            let client = add_client(&dana, "Harbor Dental Group").await;
            let draft = write(&dana, &client, "65.00").await;
            dana.post(&format!("{draft}/finalize"), &[("version", "1")]).await;
            town.invoice(12_345, "usd").await;
            let id = client.strip_prefix("/clients/").unwrap();
            let narrowed = async |asked: &str, there: &[&str], gone: &[&str]| {
                let shown = dana.get(&format!("/invoices?{asked}")).await;
                shown.assert_says(200, there);
                for gone in gone {
                    assert!(!shown.words().contains(gone), "{asked}: {}", shown.words());
                }
            };
            narrowed("least=500", &["$990.76"], &["$123.45"]).await;
            narrowed("most=500", &["$123.45"], &["$990.76"]).await;
            narrowed(&format!("client={id}"), &["Invoices of", "$990.76"], &["$123.45"]).await;
            narrowed(&format!("client={id}&state=open&most=5000"), &["$990.76"], &["$123.45"]).await;
            narrowed("from=2020-01-01&to=2020-12-31", &["No invoice fits the filter"], &["$990.76"]).await;
            let unread = ["The filter cannot be read", "A day is written such as"];
            narrowed("from=nonsense&least=lots", &unread, &["$990.76", "$123.45"]).await;
            narrowed("client=cli_nobody", &["No such client"], &["$990.76", "$123.45"]).await;
            let refused = dana.get("/invoices.csv?from=2026-99-99").await;
            refused.assert_says(422, &["A day is written such as"]);
            dana.get("/invoices.csv?client=nobody").await.assert_says(404, &[]);
            narrowed("state=void&least=1", &["No invoice fits the filter"], &[]).await;
        });
    }

    fn a_state_that_is_none_is_named_beside_the_tabs(world: &World) {
        Town::run(world, async |town| {
            let dana = staff(&town, Role::Owner, "dana@northwind.example").await;
            town.invoice(12_345, "usd").await;
            for path in ["/invoices", "/payouts", "/disputes"] {
                let shown = dana.get(&format!("{path}?state=opne%3Cb%3E")).await;
                shown.assert_says(200, &["There is no state", "opne&lt;b&gt;"]);
                for known in ["", "?state=open", "?state=paid"] {
                    if path == "/invoices" || known.is_empty() {
                        let shown = dana.get(&format!("{path}{known}")).await;
                        assert!(!shown.text.contains("There is no state"), "{path}{known}");
                    }
                }
            }
        });
    }

    fn a_narrowed_list_of_pages_has_each_invoice_once(world: &World) {
        Town::run(world, async |town| {
            let dana = staff(&town, Role::Owner, "dana@northwind.example").await;
            for nth in 0..27 {
                town.invoice(10_000 + nth, "usd").await;
            }
            town.invoice(10_010, "jpy").await;
            let today = Day::of(town.app.clock.now());
            let yesterday = Day::of(today.begins().plus_ms(-1));
            for (asked, count) in [
                (format!("from={yesterday}&to={today}"), 28),
                (format!("state=open&from={today}"), 28),
                (format!("to={yesterday}"), 0),
                (format!("state=paid&from={today}"), 0),
                ("least=100.00&most=1000".to_owned(), 27),
                // What is no amount of a currency narrows nothing of it.
                ("least=100.05&most=100.09".to_owned(), 6),
                (format!("least=100.05&most=100.09&state=open&to={today}"), 6),
                ("least=100.05&most=100.09&state=overdue".to_owned(), 0),
                ("least=10010".to_owned(), 1),
            ] {
                let (mut numbers, mut path) = (Vec::new(), format!("/invoices?{asked}"));
                loop {
                    let page = dana.get(&path).await;
                    page.assert_says(200, &["Invoices"]);
                    let rows = page.text.split("row-link").skip(1);
                    numbers.extend(rows.map(|row| row.split("INV-").nth(1).unwrap()[..5].to_owned()));
                    match next_page(&page) {
                        Some(next) => path = next,
                        None => break,
                    }
                }
                let shown = numbers.len();
                numbers.sort();
                numbers.dedup();
                assert_eq!((shown, numbers.len()), (count, count), "{asked}: {numbers:?}");
            }
        });
    }

    fn files_have_what_the_lists_have_and_no_formula(world: &World) {
        Town::run(world, async |town| {
            let dana = staff(&town, Role::ReadOnly, "kim@northwind.example").await;
            let evil = json!({"name": "=HYPERLINK(\"http://evil\"), \"x\"", "email": "ap@example.com"});
            let client = town.api(&town.msp.key, Method::POST, "/api/clients", evil).await.body;
            let draft = json!({"client_id": client["id"], "currency": "usd",
                "lines": [{"description": "Support", "quantity": "1", "unit_price": 2_000}]});
            let made = town.api(&town.msp.key, Method::POST, "/api/invoices", draft).await;
            assert!(made.status.is_success(), "{}", made.text);
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
            town.until_invoice(&invoice, "paid").await;

            let file = dana.get("/invoices.csv").await;
            assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8");
            let lines: Vec<&str> = file.text.lines().collect();
            assert!(lines[0].trim_start_matches('\u{feff}').starts_with("number,client,state"), "{}",
                file.text);
            assert_eq!(lines.len(), 3, "{}", file.text);
            assert!(file.text.contains("\"'=HYPERLINK(\"\"http://evil\"\"), \"\"x\"\"\",draft"), "{}",
                file.text);
            assert!(file.text.contains("INV-00001,") && file.text.contains(",123.45,123.45,"), "{}",
                file.text);
            let paid = dana.get("/invoices.csv?state=paid").await;
            assert_eq!(paid.text.lines().count(), 2, "{}", paid.text);
            let none = dana.get("/invoices.csv?least=5000").await;
            assert_eq!(none.text.lines().count(), 1, "{}", none.text);
            let payments = dana.get("/payments.csv").await;
            payments.assert_says(200, &[",INV-00001,", ",usd,123.45,123.45,0.00,"]);
            let payouts = dana.get("/payouts.csv").await;
            payouts.assert_says(200, &["made,at_the_bank,state"]);
        });
    }

    fn several_invoices_are_reviewed_and_sent_at_once(world: &World) {
        Town::run(world, async |town| {
            let dana = staff(&town, Role::Billing, "dana@northwind.example").await;
            let client = add_client(&dana, "Harbor Dental Group").await;
            let (draft, second) = (write(&dana, &client, "65.00").await, write(&dana, &client,
                "10.00").await);
            let nobody = town.api(&town.msp.key, Method::POST, "/api/clients",
                json!({"name": "No Mail Inc"})).await;
            let lost = json!({"client_id": nobody.body["id"], "currency": "usd",
                "lines": [{"description": "Support", "quantity": "1", "unit_price": 2_000}]});
            let lost = town.api(&town.msp.key, Method::POST, "/api/invoices", lost).await.body;
            let id = |path: &str| path.strip_prefix("/invoices/").unwrap().to_owned();
            let (one, two, three) = (id(&draft), id(&second), lost["id"].as_str().unwrap().to_owned());
            dana.get("/invoices").await
                .assert_says(200, &["Send the ticked ones", &format!("value=\"{one}\"")]);
            dana.get("/invoices/send").await.assert_says(200, &["None was chosen"]);
            let asked = format!("/invoices/send?invoice={one}&invoice={two}&invoice={three}&invoice=inv_x");
            let review = dana.get(&asked).await;
            review
                .assert_says(200, &["2 ready to send, 1 missing an address", "No address",
                    "Send 2 invoices"]);
            let key = once(&review);
            // The second one is changed by somebody else before it goes.
            let fields = [
                ("form_key", key.as_str()),
                ("invoice", &one), ("version", "1"), ("invoice", &two), ("version", "7"),
            ];
            let to = format!("/invoices/sent?invoice={one}&invoice={two}");
            for _press in 0..2 {
                dana.post("/invoices/send", &fields).await.assert_sent_to(&to);
            }
            dana.get(&to).await.assert_says(200, &["On its way", "Not sent: it was changed meanwhile"]);
            let mails = read(&town, &format!("/api/invoices/{one}/mails")).await.body;
            assert_eq!(mails["data"].as_array().unwrap().len(), 1, "{mails}");
            let still = town.read_invoice(&two).await;
            assert_eq!((&still["status"], &still["number"]), (&json!("draft"), &Value::Null));
        });
    }

    fn a_client_is_picked_among_many_and_pasted_text_becomes_plain(world: &World) {
        Town::run(world, async |town| {
            let dana = staff(&town, Role::Owner, "dana@northwind.example").await;
            for n in 0..30 {
                add_client(&dana, &format!("Client {n:02}")).await;
            }
            let page = dana.get("/invoices/new").await;
            page.assert_says(200, &["data-live", "id=\"found\"", "Client 00", "Next"]);
            let found = dana.get("/invoices/new?q=client%2029").await;
            found.assert_says(200, &["Client 29"]);
            assert!(!found.words().contains("Client 28"), "{}", found.words());
            dana.get("/invoices/new?q=nobody").await.assert_says(200, &["Nobody is called that"]);
            let client = found.between("/invoices/new?client=", "\"");
            let key = once(&dana.get(&format!("/invoices/new?client={client}")).await);
            let pasted = [
                ("form_key", key.as_str()), ("client", &client), ("currency", "usd"),
                ("description", "Soft\u{ad}ware\u{200b}\tlicences\u{a0}for\r\nMay"), ("quantity", "1"),
                ("price", "10.00"), ("tax", ""), ("memo", "Thank\u{a0}you"), ("press", "save"),
            ];
            let saved = dana.post("/invoices", &pasted).await;
            let draft = saved.location().split('?').next().unwrap().to_owned();
            dana.get(&draft).await.assert_says(200, &["Software licences for May", "Thank you"]);
        });
    }

    fn a_client_has_its_credit_and_a_statement(world: &World) {
        Town::run(world, async |town| {
            let dana = staff(&town, Role::ReadOnly, "kim@northwind.example").await;
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
            town.until_invoice(&invoice, "paid").await;
            let path = format!("/api/invoices/{invoice}/credit-notes");
            let note = json!({"amount": 2_000, "reason": "Agreed on the phone"});
            let noted = town.api(&town.msp.key, Method::POST, &path, note).await;
            assert!(noted.status.is_success(), "{}", noted.text);
            let path = format!("/clients/{}", town.msp.client_id);
            dana.get(&path).await.assert_says(200, &["By a credit note", "$20.00", "Statement as PDF"]);
            let pdf = dana.get(&format!("{path}/statement.pdf?from=2020-01-01&to=2099-01-01")).await;
            assert_eq!(pdf.headers["content-type"], "application/pdf");
            let wrong = dana.get(&format!("{path}/statement.pdf?from=soon&to=")).await;
            wrong.assert_says(422, &["That was not done"]);
        });
    }
}
