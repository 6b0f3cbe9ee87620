//! Screens that are not true any more, and what people read there: of two who act on stale pages the second
//! sees what the first did, what went back is in every sum, and what happened stands in its order with who
//! did it.

use domain::payment::Evidence;
use domain::seal::Day;
use domain::{PaymentId, Role};
use flows::disputes::{self, DisputeFacts};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::engines::World;
use crate::person::{Person, Shown};
use crate::town::Town;

async fn staff(town: &Town, email: &str) -> Person {
    Person::new(town, &town.msp.scope.tenant, Role::Owner, email).await
}

/// An invoice that a client paid by card, and its payment's id.
async fn paid(town: &Town, minor: i64) -> (String, String) {
    let invoice = town.invoice(minor, "usd").await;
    let link = town.link(&invoice).await;
    let pressed = town.pay(&link, &town.token("pm_card_visa"), minor, "usd").await;
    assert_eq!(pressed.body["status"], "succeeded", "{}", pressed.text);
    town.until_quiet().await;
    let list = town
        .api(&town.msp.key, Method::GET, "/api/payments?limit=1", Value::Null)
        .await;
    (invoice, list.body["data"][0]["id"].as_str().unwrap().to_owned())
}

fn hidden(page: &Shown, name: &str) -> String {
    page.between(&format!("name=\"{name}\" value=\""), "\"")
}

/// The form of a refund as its page has it, with what is typed.
fn refund_form(page: &Shown, invoice: &str, amount: &str, settlement: &str) -> Vec<(&'static str, String)> {
    vec![
        ("form_key", hidden(page, "form_key")),
        ("version", hidden(page, "version")),
        ("invoice", invoice.to_owned()),
        ("amount", amount.to_owned()),
        ("settlement", settlement.to_owned()),
        ("fee", "kept".to_owned()),
    ]
}

async fn send(person: &Person, path: &str, fields: &[(&'static str, String)]) -> Shown {
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    person.post(path, &fields).await
}

async fn refunds(town: &Town) -> usize {
    let list = town
        .api(&town.msp.key, Method::GET, "/api/refunds", Value::Null)
        .await;
    list.body["data"].as_array().unwrap().len()
}

both! {
    fn of_two_who_act_on_stale_pages_the_second_sees_what_changed(world: &World) {
        Town::run(world, async |town| {
            let dana = staff(&town, "dana@northwind.example").await;
            let lee = staff(&town, "lee@northwind.example").await;
            let (invoice, payment) = paid(&town, 10_000).await;
            let path = format!("/payments/{payment}/refund");
            let asked = format!("{path}?invoice={invoice}");
            let (first, second) = (dana.get(&asked).await, lee.get(&asked).await);
            let one = refund_form(&first, &invoice, "40.00", "still_owed");
            send(&dana, &path, &one).await.assert_sent_to(&format!("/invoices/{invoice}?done=refunded"));
            let late = send(&lee, &path, &refund_form(&second, &invoice, "40.00", "still_owed")).await;
            late.assert_says(409, &["since you opened this page", "$60.00", "Nothing was done"]);
            assert_eq!(refunds(&town).await, 1);
            // Whoever has seen it may do it all the same.
            send(&lee, &path, &refund_form(&late, &invoice, "10.00", "still_owed")).await
                .assert_sent_to(&format!("/invoices/{invoice}?done=refunded"));

            let other = town.invoice(5_000, "usd").await;
            let credit = format!("/invoices/{other}/credit");
            let form = dana.get(&credit).await;
            let link = town.link(&other).await;
            town.pay(&link, &town.token("pm_card_visa"), 5_000, "usd").await;
            town.until_invoice(&other, "paid").await;
            let fields = |page: &Shown| vec![
                ("form_key", hidden(page, "form_key")), ("version", hidden(page, "version")),
                ("amount", "20.00".to_owned()), ("reason", "Agreed on the phone".to_owned()),
            ];
            let late = send(&dana, &credit, &fields(&form)).await;
            late.assert_says(409, &["since you opened this page", "becomes the client's credit"]);
            send(&dana, &credit, &fields(&late)).await
                .assert_sent_to(&format!("/invoices/{other}?done=credited"));

            let draft = json!({"client_id": town.msp.client_id, "currency": "usd",
                "lines": [{"description": "Laptop", "quantity": "1", "unit_price": 120_000}]});
            let draft = town.api(&town.msp.key, Method::POST, "/api/invoices", draft).await;
            let draft = draft.body["id"].as_str().unwrap().to_owned();
            let question = dana.get(&format!("/invoices/{draft}/void")).await;
            let stale = question.between("action=\"/invoices/", "\"");
            lee.post(&format!("/invoices/{draft}/finalize"), &[("version", "1")]).await;
            let late = dana.post(&format!("/invoices/{stale}"), &[]).await;
            late.assert_says(409, &["Nothing was done", "INV-", "$1,200.00 of it are owed now"]);
            let known = town.read_invoice(&draft).await;
            assert_eq!(known["status"], "open", "{known}");
            let again = late.between("action=\"/invoices/", "\"");
            dana.post(&format!("/invoices/{again}"), &[]).await
                .assert_sent_to(&format!("/invoices/{draft}?done=voided"));
        });
    }

    fn two_presses_at_the_same_instant_lead_to_the_same_page(world: &World) {
        Town::run(world, async |town| {
            let dana = staff(&town, "dana@northwind.example").await;
            let (invoice, payment) = paid(&town, 10_000).await;
            let path = format!("/payments/{payment}/refund");
            let form = dana.get(&format!("{path}?invoice={invoice}")).await;
            let fields = refund_form(&form, &invoice, "25.00", "still_owed");
            let (one, two) = tokio::join!(send(&dana, &path, &fields), send(&dana, &path, &fields));
            for pressed in [one, two] {
                pressed.assert_sent_to(&format!("/invoices/{invoice}?done=refunded"));
            }
            assert_eq!(refunds(&town).await, 1);
        });
    }

    fn what_went_back_counts_in_the_month_in_which_it_went_back(world: &World) {
        Town::run(world, async |town| {
            const MONTH_MS: i64 = 40 * 24 * 60 * 60 * 1000;
            let (_, payment) = paid(&town, 10_000).await;
            let collected = async |from: i64| {
                let (scope, from) = (town.msp.scope.clone(), domain::Timestamp::from_ms(from));
                let read = town.app.db.read(move |tx| {
                    store::day_sums::collected(tx, &scope, Day::of(from), Day::of(from.plus_ms(MONTH_MS)))
                });
                let sums = read.await.unwrap();
                sums.first().map(|sum| (sum.received, sum.application_fees, sum.payments))
            };
            let begin = town.app.clock.now().ms() - MONTH_MS / 2;
            town.until_quiet().await;
            assert_eq!(collected(begin).await, Some((10_000, 300, 1)));
            town.advance_ms(MONTH_MS);
            let body = json!({"payment_id": payment, "amount": 4_000, "settlement": "still_owed",
                "fee": "returned"});
            let back = town.api(&town.msp.key, Method::POST, "/api/refunds", body).await;
            assert!(back.status.is_success(), "{}", back.text);
            town.until_quiet().await;
            assert_eq!(collected(begin).await, Some((10_000, 300, 1)), "a month that is over keeps its sums");
            assert_eq!(collected(begin + MONTH_MS).await, Some((-4_000, -120, 0)));
            let dana = staff(&town, "dana@northwind.example").await;
            let home = dana.get("/").await;
            home.assert_says(200, &["Collected this month", "\u{2212}$40.00", "0 payments, less what went"]);
            assert!(!home.text.contains("height=\"-"), "no bar stands on its head");
        });
    }

    fn what_went_back_is_in_every_sum_and_what_happened_stands_in_its_order(world: &World) {
        Town::run(world, async |town| {
            let dana = staff(&town, "dana@northwind.example").await;
            let (invoice, payment) = paid(&town, 10_000).await;
            dana.get("/").await.assert_says(200, &["Collected this month", "$100.00"]);
            let path = format!("/payments/{payment}/refund");
            let form = dana.get(&format!("{path}?invoice={invoice}")).await;
            let mut fields = refund_form(&form, &invoice, "40.00", "forgiven");
            fields.retain(|(name, _)| *name != "fee");
            fields.push(("fee", "returned".to_owned()));
            send(&dana, &path, &fields).await.assert_sent_to(&format!("/invoices/{invoice}?done=refunded"));
            town.until_quiet().await;

            let page = dana.get(&format!("/payments/{payment}")).await;
            let api = format!("/api/payments/{payment}");
            let api = town.api(&town.msp.key, Method::GET, &api, Value::Null).await;
            let net = api.body["net"].as_i64().unwrap_or_else(|| panic!("{}", api.text));
            // Four tenths of the platform's three per cent came back.
            let left = net - 4_000 + 120;
            let left = format!("${}.{:02}", left / 100, left % 100);
            page.assert_says(200, &["Platform fee given back", "$1.20", "What is left for you", &left]);
            dana.get("/").await.assert_says(200, &["$60.00", "$1.80"]);

            let page = dana.get(&format!("/invoices/{invoice}")).await;
            page.assert_says(200, &["Paid $100.00", "Given back \u{2212}$40.00", "Credited $40.00"]);
            let words = page.words();
            let story = &words[words.find("What happened").unwrap()..];
            let at = |said: &str| story.find(said).unwrap_or_else(|| panic!("{said:?} is not in {story}"));
            let order = ["Credit note CN-", "$40.00 was given back", "$100.00 was paid", "was begun",
                "Finalized as", "Drafted"];
            assert!(order.windows(2).all(|two| at(two[0]) < at(two[1])), "{story}");
            assert!(story[at("$40.00 was given back")..].contains("By Dana"), "{story}");
            assert!(story[at("Drafted")..].contains("By your software"), "{story}");
        });
    }

    fn what_comes_out_of_credit_says_so_before_and_its_use_is_told(world: &World) {
        Town::run(world, async |town| {
            let dana = staff(&town, "dana@northwind.example").await;
            let (invoice, payment) = paid(&town, 10_000).await;
            let credited = format!("/invoices/{invoice}/credit-notes");
            let note = json!({"amount": 3_000, "reason": "Two seats fewer"});
            let noted = town.api(&town.msp.key, Method::POST, &format!("/api{credited}"), note).await;
            assert!(noted.status.is_success(), "{}", noted.text);
            let form = dana.get(&format!("/payments/{payment}/refund?invoice={invoice}")).await;
            let said = "The first $30.00 come out of the client's unused credit, without a credit note.";
            form.assert_says(200, &[said]);

            let next = town.invoice(5_000, "usd").await;
            let form = dana.get(&format!("/invoices/{next}/use-credit")).await;
            let fields = |form: &Shown, amount: &str| [("form_key", hidden(form, "form_key")),
                ("version", hidden(form, "version")), ("amount", amount.to_owned())];
            let second = dana.get(&format!("/invoices/{next}/use-credit")).await;
            send(&dana, &format!("/invoices/{next}/use-credit"), &fields(&form, "20.00")).await
                .assert_sent_to(&format!("/invoices/{next}?done=credit-used"));
            let late =
                send(&dana, &format!("/invoices/{next}/use-credit"), &fields(&second, "10.00")).await;
            late.assert_says(409, &["since you opened this page", "$30.00 of it are owed now"]);
            send(&dana, &format!("/invoices/{next}/use-credit"), &fields(&late, "10.00")).await
                .assert_sent_to(&format!("/invoices/{next}?done=credit-used"));
            let page = dana.get(&format!("/invoices/{next}")).await;
            page.assert_says(200, &["Paid by credit $30.00", "$20.00 of the client's credit paid it"]);
            page.assert_says(200, &["By Dana"]);
            page.assert_says(200, &["Still owed $20.00"]);
        });
    }

    fn what_is_refused_is_said_in_plain_words(world: &World) {
        Town::run(world, async |town| {
            let dana = staff(&town, "dana@northwind.example").await;
            let (invoice, payment) = paid(&town, 10_000).await;
            let path = format!("/payments/{payment}/refund");
            let form = dana.get(&format!("{path}?invoice={invoice}")).await;
            let refused = send(&dana, &path, &refund_form(&form, &invoice, "991", "still_owed")).await;
            assert!(refused.status.is_client_error(), "{}", refused.words());
            refused.assert_says(refused.status.as_u16(), &["At most $100.00 can still go back."]);
            let unsaid = send(&dana, &path, &refund_form(&form, &invoice, "9", "")).await;
            unsaid.assert_says(422, &["is it still owed, or forgiven?"]);
            assert!(!unsaid.words().contains("?."), "{}", unsaid.words());

            let client = town.msp.client_id.clone();
            let page = dana.get(&format!("/invoices/new?client={client}")).await;
            let draft = |currency: &'static str, price: &'static str, press: &'static str| vec![
                ("form_key", hidden(&page, "form_key")), ("client", client.clone()),
                ("currency", currency.to_owned()), ("due_date", "2026-12-18".to_owned()),
                ("description", "Laptop".to_owned()), ("quantity", "1".to_owned()),
                ("price", price.to_owned()), ("tax", String::new()), ("memo", String::new()),
                ("press", press.to_owned()),
            ];
            let two_ways = send(&dana, "/invoices", &draft("kwd", "1,234", "save")).await;
            two_ways.assert_says(422, &["Price of line 1 can be read in two ways: write 1.234 or 1234.000."]);
            for (press, status) in [("add-up", 200), ("save", 422)] {
                let step = send(&dana, "/invoices", &draft("kwd", "1.234", press)).await;
                step.assert_says(status, &["Price of line 1 must be a multiple of 0.010 KWD."]);
                assert!(!step.words().contains("minor units"), "{}", step.words());
            }
            let strict = [("form_key", hidden(&dana.get("/clients/new").await, "form_key")),
                ("name", "Harbor".to_owned()), ("email", "a@b..example".to_owned())];
            send(&dana, "/clients", &strict).await.assert_says(422, &["must be an e-mail address."]);
        });
    }

    fn payments_are_searched_and_a_search_keeps_the_state(world: &World) {
        Town::run(world, async |town| {
            let dana = staff(&town, "dana@northwind.example").await;
            let (invoice, payment) = paid(&town, 10_000).await;
            town.invoice(7_700, "usd").await;
            let intent = town.intents()[0]["id"].as_str().unwrap().to_owned();
            let charge = town.charges()[0]["id"].as_str().unwrap().to_owned();
            let number = town.read_invoice(&invoice).await["number"].as_str().unwrap().to_owned();
            for asked in [intent.as_str(), &charge, &payment, &number, "harbor%20den"] {
                let found = dana.get(&format!("/payments?q={asked}")).await;
                found.assert_says(200, &[&number, "$100.00"]);
            }
            for asked in ["pi_1nobody", "nobody", "INV-99999", "%00"] {
                let found = dana.get(&format!("/payments?q={asked}")).await;
                assert_eq!(found.status, StatusCode::OK, "{asked}");
                assert!(asked == "%00" || !found.words().contains("$100.00"), "{asked}");
            }
            let open = dana.get("/invoices?state=open&q=harbor").await;
            open.assert_says(200, &["$77.00"]);
            assert!(!open.words().contains("$100.00"), "{}", open.words());
            open.assert_says(200, &["name=\"state\" value=\"open\"", "/invoices?state=paid&amp;q=harbor"]);
            dana.get("/invoices?state=paid&q=harbor").await.assert_says(200, &["$100.00"]);
        });
    }

    fn an_open_dispute_behind_many_newer_ones_is_still_told_of(world: &World) {
        Town::run(world, async |town| {
            let dana = staff(&town, "dana@northwind.example").await;
            let (_, payment) = paid(&town, 10_000).await;
            let facts = |n: i64| {
                let status = if n == 0 { "needs_response" } else { "won" };
                let object = json!({"id": format!("dp_{n:03}"), "object": "dispute", "amount": 4_200 + n,
                    "currency": "usd", "status": status, "balance_transactions": [],
                    "created": 1_790_000_000 + n, "evidence_details": {"due_by": 1_797_000_000 + n}});
                DisputeFacts::of(&stripe::Dispute::from_value(&object).unwrap()).unwrap()
            };
            let (scope, id) = (town.msp.scope.clone(), PaymentId::stored(payment));
            for n in 0..52 {
                let (moment, scope, id, facts) = (town.app.moment(), scope.clone(), id.clone(), facts(n));
                let seen = town.app.db.write(move |tx| {
                    let payment = store::payments::get(tx, &scope, &id)?.expect("the payment is there");
                    disputes::observe(tx, moment, &payment, &facts, Evidence::Current, "test")
                });
                seen.await.unwrap();
                town.advance_ms(1_000);
            }
            dana.get("/").await.assert_says(200, &["A client's bank disputes $42.00", "Answer it until"]);
        });
    }
}
