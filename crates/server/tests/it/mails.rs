//! Mails as their readers get them: a real mail server takes them, and Python's email package, which knows
//! nothing of ours, reads them.

use flows::reminders;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::engines::World;
use crate::town::{Reply, Town, Wishes};

mod alerts;
mod facts;
mod hostile;
mod killed;
mod operators;
mod post_office;
mod sellers;

pub use operators::lock_live;
pub use post_office::{PostOffice, environment};

/// What every mail of the tests comes from.
pub const FROM: &str = "psa-pay <billing@psa-pay.example>";
/// The headers that a mail may have.
const HEADERS: [&str; 10] = [
    "from",
    "to",
    "reply-to",
    "subject",
    "date",
    "message-id",
    "auto-submitted",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
];
/// What an invoice of 1,234.50 EUR, due on 1 March 2027, says: language, subject, amount, day, greeting.
const WORDS: [[&str; 5]; 4] = [
    [
        "en",
        "[TEST] Invoice INV-00001 from Northwind IT Services",
        "€1,234.50",
        "1 March 2027",
        "Hello Harbor Dental Group,",
    ],
    [
        "de",
        "[TEST] Rechnung INV-00001 von Northwind IT Services",
        "1.234,50\u{a0}€",
        "1. März 2027",
        "Guten Tag Harbor Dental Group,",
    ],
    [
        "fr",
        "[TEST] Facture INV-00001 de Northwind IT Services",
        "1\u{202f}234,50\u{a0}€",
        "1er mars 2027",
        "Bonjour Harbor Dental Group,",
    ],
    [
        "es",
        "[TEST] Factura INV-00001 de Northwind IT Services",
        "1234,50\u{a0}€",
        "1 de marzo de 2027",
        "Hola, Harbor Dental Group:",
    ],
];
const HOUR_MS: i64 = 60 * 60 * 1000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Runs a test in a town with a mail server; nothing where there is no Python.
pub fn with_mail(world: &World, name: &str, test: impl AsyncFnOnce(Town, PostOffice)) {
    with_mail_as(world, name, Wishes::default(), test);
}

/// The same in a town of other wishes.
fn with_mail_as(world: &World, name: &str, wishes: Wishes, test: impl AsyncFnOnce(Town, PostOffice)) {
    let Some(office) = PostOffice::open(&format!("{name}-{:?}", world.db.engine())) else {
        return;
    };
    let wishes = Wishes {
        smtp_port: Some(office.port()),
        ..wishes
    };
    Town::run_as(world, wishes, async |town: Town| test(town, office).await);
}

/// Waits until so many mails were taken, and answers them.
pub async fn until_taken(town: &Town, office: &PostOffice, count: usize) -> Vec<Value> {
    town.until(&format!("{count} mails"), async || office.taken().len() >= count)
        .await;
    let taken = office.taken();
    assert_eq!(taken.len(), count, "{taken:#?}");
    taken
}

/// An API call with the MSP's key that must succeed.
pub async fn call(town: &Town, method: Method, path: &str, body: Value) -> Value {
    let reply: Reply = town.api(&town.msp.key, method, path, body).await;
    assert!(reply.status.is_success(), "{path}: {}", reply.text);
    reply.body
}

/// Sends an invoice to its client, or to these addresses.
pub async fn send(town: &Town, invoice: &str, body: Value) -> Value {
    call(town, Method::POST, &format!("/api/invoices/{invoice}/send"), body).await
}

/// The ids of the mails of a sending.
fn ids(sent: &Value) -> Vec<String> {
    let ids = sent["mails"].as_array().unwrap().iter();
    ids.map(|id| id.as_str().unwrap().to_owned()).collect()
}

/// Says where the client's mails go.
async fn set_billing(town: &Town, addresses: &[&str]) {
    let path = format!("/api/clients/{}/mail", town.msp.client_id);
    call(town, Method::PUT, &path, json!({"billing_addresses": addresses})).await;
}

/// Waits until a mail stands there, and answers it.
pub async fn until_mail(town: &Town, id: &str, status: &str) -> Value {
    let path = format!("/api/mails/{id}");
    let read = async || call(town, Method::GET, &path, Value::Null).await;
    town.until(&format!("a mail {status}"), async || {
        read().await["status"] == status
    })
    .await;
    read().await
}

/// A due invoice of the MSP's client; answers its id.
async fn due_invoice(town: &Town, due_date: &str) -> String {
    let draft = json!({"client_id": town.msp.client_id, "currency": "eur", "due_date": due_date,
        "lines": [{"description": "Managed workplace", "quantity": "1", "unit_price": 123_450}]});
    let made = call(town, Method::POST, "/api/invoices", draft).await;
    let id = made["id"].as_str().unwrap().to_owned();
    call(
        town,
        Method::POST,
        &format!("/api/invoices/{id}/finalize"),
        Value::Null,
    )
    .await;
    id
}

/// The day so many days from the town's now.
fn day(town: &Town, days: i64) -> String {
    use flows::Clock;
    let at = town.clock.now().plus_ms(days * DAY_MS);
    domain::seal::Day::of(at).to_string()
}

/// What must be right of every mail, whatever it says.
pub fn check_form(mail: &Value, url: &str) {
    assert_eq!(mail["defects"], json!([]), "{mail:#}");
    let letter = ["multipart/alternative", "text/plain", "text/html"];
    let types = match mail["pdfs"].as_array().unwrap().is_empty() {
        true => json!(letter),
        false => json!([
            "multipart/mixed",
            letter[0],
            letter[1],
            letter[2],
            "application/pdf"
        ]),
    };
    assert_eq!(mail["types"], types, "{mail:#}");
    assert_eq!(mail["charsets"], json!(["utf-8", "utf-8"]), "{mail:#}");
    assert_eq!(mail["bare_line_feeds"], 0);
    assert!(mail["longest_line"].as_u64().unwrap() <= 998);
    assert_eq!(mail["mail_from"], "billing@psa-pay.example");
    assert_eq!(mail["from"], "billing@psa-pay.example");
    assert_eq!(mail["to"].as_array().unwrap().len(), 1, "{mail:#}");
    assert_eq!(mail["to"][0][1], mail["rcpt_to"][0]);
    let names: Vec<String> = mail["headers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|header| header[0].as_str().unwrap().to_ascii_lowercase())
        .collect();
    for name in &names {
        assert!(HEADERS.contains(&name.as_str()), "{name} in {mail:#}");
        assert_eq!(
            names.iter().filter(|other| *other == name).count(),
            1,
            "{name} twice"
        );
    }
    let (text, html) = (mail["text"].as_str().unwrap(), mail["html"].as_str().unwrap());
    // Nothing in a mail leads elsewhere, and it loads nothing.
    for part in [text, html] {
        let links = part.match_indices("http").map(|(at, _)| &part[at..]);
        for link in links {
            assert!(link.starts_with(url), "{link}");
        }
    }
    assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
}

both! {
    fn an_invoice_arrives_in_its_readers_language_as_text_and_html(world: &World) {
        with_mail(world, "languages", async |town: Town, office: PostOffice| {
            let id = due_invoice(&town, "2027-03-01").await;
            for (nth, [language, subject, amount, due, greeting]) in WORDS.into_iter().enumerate() {
                let path = format!("/api/clients/{}/mail", town.msp.client_id);
                call(&town, Method::PUT, &path, json!({"language": language})).await;
                let sent = send(&town, &id, json!({"note": "Zwölf Boxkämpfer\nund Viktor"})).await;
                assert_eq!(sent["recipients"][0]["source"], "client_email");
                let mail = until_taken(&town, &office, nth + 1).await.pop().unwrap();
                check_form(&mail, &town.url);
                assert_eq!(mail["subject"], subject);
                assert_eq!(mail["pdfs"], json!([["invoice-INV-00001.pdf", "%PDF-"]]));
                assert_eq!(mail["from_name"], "Northwind IT Services");
                assert_eq!(mail["to"], json!([["Harbor Dental Group", "accounts@harbordental.example"]]));
                assert_eq!(mail["reply_to"], json!(["billing@example.test"]));
                for part in ["text", "html"] {
                    let part = mail[part].as_str().unwrap();
                    for said in [greeting, amount, due, "INV-00001", "Zwölf Boxkämpfer", "/pay/"] {
                        assert!(part.contains(said), "{said} in {part}");
                    }
                }
                // The link in it opens the invoice, in each of the four mails.
                let text = mail["text"].as_str().unwrap();
                let link = text.split("/pay/").nth(1).unwrap().split_whitespace().next().unwrap();
                assert_eq!(town.look(link).await.body["number"], "INV-00001");
                let shown = until_mail(&town, sent["mails"][0].as_str().unwrap(), "sent").await;
                assert_eq!(shown["message_id"], mail["message_id"]);
                assert!(shown["smtp_answer"].as_str().unwrap().contains("2.0.0 Taken"), "{shown}");
                assert_eq!(shown["attempts"], 1);
            }
            let listed = call(&town, Method::GET, &format!("/api/invoices/{id}/mails"), Value::Null).await;
            assert_eq!(listed["data"].as_array().unwrap().len(), 4);
        });
    }

    fn who_will_get_it_is_said_before_it_is_sent(world: &World) {
        with_mail(world, "recipients", async |town: Town, office: PostOffice| {
            let id = town.invoice(5_000, "usd").await;
            let path = format!("/api/invoices/{id}/recipients");
            let before = call(&town, Method::GET, &path, Value::Null).await;
            assert_eq!(before["recipients"][0]["address"], "accounts@harbordental.example");
            assert_eq!(before["reaches_client"], true);
            // Billing addresses take the place of the client's; copies are added; each address is there once.
            let billing = ["AP@harbordental.example", "cfo@harbordental.example"];
            set_billing(&town, &billing).await;
            let settings = json!({"copies": ["ap@harbordental.example", "archive@northwind.example"],
                "sender_name": "Northwind Billing", "reply_to": "ask@northwind.example"});
            call(&town, Method::PUT, "/api/settings/mail", settings).await;
            let sent = send(&town, &id, json!({})).await;
            let who: Vec<(&str, &str)> = sent["recipients"].as_array().unwrap().iter()
                .map(|one| (one["address"].as_str().unwrap(), one["source"].as_str().unwrap())).collect();
            assert_eq!(who, [
                ("AP@harbordental.example", "billing_address"),
                ("cfo@harbordental.example", "billing_address"),
                ("archive@northwind.example", "copy"),
            ]);
            let taken = until_taken(&town, &office, 3).await;
            for mail in &taken {
                check_form(mail, &town.url);
                assert_eq!(mail["from_name"], "Northwind Billing");
                assert_eq!(mail["reply_to"], json!(["ask@northwind.example"]));
            }
            // A client without an address is named, and nothing is sent to copies alone.
            let nobody = call(&town, Method::POST, "/api/clients", json!({"name": "Nobody"})).await;
            let draft = json!({"client_id": nobody["id"], "currency": "usd",
                "lines": [{"description": "Work", "quantity": "1", "unit_price": 5_000}]});
            let lost = call(&town, Method::POST, "/api/invoices", draft).await;
            let lost = lost["id"].as_str().unwrap();
            call(&town, Method::POST, &format!("/api/invoices/{lost}/finalize"), Value::Null).await;
            let path = format!("/api/invoices/{lost}/recipients");
            assert_eq!(call(&town, Method::GET, &path, Value::Null).await["reaches_client"], false);
            let path = format!("/api/invoices/{lost}/send");
            let refused = town.api(&town.msp.key, Method::POST, &path, json!({})).await;
            refused.assert_refused(422, "no_recipient", Some("to"));
            send(&town, lost, json!({"to": ["owner@nobody.example"]})).await;
            // The one that is named, and the two who get copies.
            until_taken(&town, &office, 6).await;
        });
    }

    fn the_same_request_sent_again_mails_once(world: &World) {
        with_mail(world, "once", async |town: Town, office: PostOffice| {
            let id = town.invoice(5_000, "usd").await;
            let path = format!("/api/invoices/{id}/send");
            for _ in 0..3 {
                let key = Some(b"the-same-key".as_slice());
                let sent = town.api_once(&town.msp.key, Method::POST, &path, json!({}), key).await;
                assert_eq!(sent.status, StatusCode::ACCEPTED, "{}", sent.text);
            }
            until_taken(&town, &office, 1).await;
            let all = call(&town, Method::GET, "/api/mails?kind=invoice", Value::Null).await;
            assert_eq!(all["data"].as_array().unwrap().len(), 1);
        });
    }

    fn a_refused_address_is_shown_and_what_is_put_off_goes_out_later(world: &World) {
        with_mail(world, "refused", async |town: Town, office: PostOffice| {
            let id = town.invoice(5_000, "usd").await;
            let to = json!({"to": ["refused-ap@example.com", "later-ap@example.com", "ap@example.com"]});
            let sent = send(&town, &id, to).await;
            let mails = ids(&sent);
            let refused = until_mail(&town, &mails[0], "refused").await;
            assert!(refused["last_error"].as_str().unwrap().contains("No such mailbox"), "{refused}");
            let path = format!("/api/mails/{}", &mails[1]);
            town.until("a try", async || {
                let mail = call(&town, Method::GET, &path, Value::Null).await;
                mail["status"] == "queued" && mail["attempts"].as_i64().unwrap() >= 1
            }).await;
            office.put_up();
            town.advance_ms(HOUR_MS);
            let later = until_mail(&town, &mails[1], "sent").await;
            assert!(later["attempts"].as_i64().unwrap() >= 2, "{later}");
            until_taken(&town, &office, 2).await;
            // Sent once more by hand, and refused once more; the address warns from then on.
            call(&town, Method::POST, &format!("/api/mails/{}/retry", &mails[0]), Value::Null).await;
            until_mail(&town, &mails[0], "refused").await;
            let path = format!("/api/mails/{}/retry", &mails[1]);
            let again = town.api(&town.msp.key, Method::POST, &path, Value::Null).await;
            again.assert_refused(409, "mail_sent", None);
            set_billing(&town, &["refused-ap@example.com"]).await;
            let path = format!("/api/invoices/{id}/recipients");
            let warned = call(&town, Method::GET, &path, Value::Null).await;
            assert_eq!(warned["recipients"][0]["warning"]["status"], "refused", "{warned}");
        });
    }

    fn a_mail_server_that_is_away_for_a_day_loses_nothing(world: &World) {
        with_mail(world, "away", async |town: Town, mut office: PostOffice| {
            office.end();
            let id = town.invoice(5_000, "usd").await;
            let to = ["a@example.com", "b@example.com", "c@example.com"];
            let sent = send(&town, &id, json!({"to": to})).await;
            let mails = ids(&sent);
            for tries in 0..8 {
                let tried = async |id: &str| {
                    let mail = call(&town, Method::GET, &format!("/api/mails/{id}"), Value::Null).await;
                    mail["status"] == "queued" && mail["attempts"].as_i64().unwrap() > tries
                };
                let both = async || tried(&mails[0]).await && tried(&mails[2]).await;
                town.until("another try of each", both).await;
                town.advance_ms(3 * HOUR_MS);
            }
            let shown = call(&town, Method::GET, &format!("/api/mails/{}", &mails[0]), Value::Null).await;
            assert!(shown["last_error"].as_str().unwrap().contains("onnection"), "{shown}");
            office.begin();
            town.advance_ms(HOUR_MS);
            let taken = until_taken(&town, &office, 3).await;
            taken.iter().for_each(|mail| check_form(mail, &town.url));
            for id in &mails {
                until_mail(&town, id, "sent").await;
            }
        });
    }

    fn a_mail_that_came_back_is_shown_and_its_address_warns(world: &World) {
        with_mail(world, "bounced", async |town: Town, office: PostOffice| {
            let id = town.invoice(5_000, "usd").await;
            let sent = send(&town, &id, json!({})).await;
            let mail = sent["mails"][0].as_str().unwrap();
            until_mail(&town, mail, "sent").await;
            until_taken(&town, &office, 1).await;
            let operator = crate::platform::platform_key(&town).await;
            let path = format!("/api/platform/mails/{mail}/bounced");
            for _ in 0..2 {
                // As a mail server wrote it, in two lines.
                let full = json!({"reason": "550-5.2.2 mailbox full\r\n550 5.2.2 ask its owner"});
                let told = town.api(&operator, Method::POST, &path, full).await;
                assert_eq!(told.body["status"], "bounced", "{}", told.text);
            }
            let listed = call(&town, Method::GET, "/api/mails?status=bounced", Value::Null).await;
            let said = "550-5.2.2 mailbox full 550 5.2.2 ask its owner";
            assert_eq!(listed["data"][0]["last_error"], said);
            let path = format!("/api/invoices/{id}/recipients");
            let warned = call(&town, Method::GET, &path, Value::Null).await;
            let warning = json!({"status": "bounced", "reason": said});
            assert_eq!(warned["recipients"][0]["warning"], warning);
        });
    }

    fn reminders_follow_the_plan_and_end_with_payment_or_a_promise(world: &World) {
        with_mail(world, "reminders", async |town: Town, office: PostOffice| {
            let plan = json!({"reminder_days": [7, -3, 1], "language": "de"});
            call(&town, Method::PUT, "/api/settings/mail", plan).await;
            let due = due_invoice(&town, &day(&town, 10)).await;
            let promised = due_invoice(&town, &day(&town, 10)).await;
            let paid = due_invoice(&town, &day(&town, 10)).await;
            // The worker may be quicker: what counts is what was queued.
            let reminded = async || {
                reminders::due(&town.app).await.unwrap();
                let all = call(&town, Method::GET, "/api/mails?kind=reminder", Value::Null).await;
                all["data"].as_array().unwrap().len()
            };
            assert_eq!(reminded().await, 0, "nothing is due yet");
            until_work(&town, 7).await;
            assert_eq!(reminded().await, 3);
            assert_eq!(reminded().await, 3, "each step once");
            // They are out: one that still waits when its invoice is paid or promised is cancelled.
            until_taken(&town, &office, 3).await;
            let link = town.link(&paid).await;
            town.pay(&link, &town.token("pm_card_visa"), 123_450, "eur").await;
            town.until_invoice(&paid, "paid").await;
            // The receipt is out as well: what has waited for days is given up.
            until_taken(&town, &office, 4).await;
            let promise = format!("/api/invoices/{promised}/promise");
            call(&town, Method::POST, &promise, json!({"date": day(&town, 30)})).await;
            // Eleven days pass without anybody looking: of the steps that passed, the newest is taken.
            until_work(&town, 11).await;
            assert_eq!(reminded().await, 4);
            let taken = until_taken(&town, &office, 5).await;
            taken.iter().for_each(|mail| check_form(mail, &town.url));
            let late = |mail: &&Value| {
                let subject = mail["subject"].as_str().unwrap();
                subject.starts_with("[TEST] Erinnerung: Rechnung")
            };
            assert_eq!(taken.iter().filter(late).count(), 1, "{taken:#?}");
            let path = format!("/api/invoices/{due}/mails");
            let listed = call(&town, Method::GET, &path, Value::Null).await;
            assert_eq!(listed["data"].as_array().unwrap().len(), 2);
            call(&town, Method::POST, &promise, json!({"date": null})).await;
            assert_eq!(reminded().await, 5, "without the promise it is reminded again");
        });
    }
}

/// Moves the clock on by so many days, and on to working hours.
async fn until_work(town: &Town, days: i64) {
    use flows::Clock;
    town.advance_ms(days * DAY_MS);
    while !domain::reminder::is_working_time(town.clock.now()) {
        town.advance_ms(HOUR_MS);
    }
}
