//! The payload corpus through the forms by which money goes back and is argued about, by which invoices are
//! sent, and through the other settings: what is typed stays text on every page and in every file.

use domain::Role;
use domain::dispute::evidence::Field;
use reqwest::Method;
use serde_json::{Value, json};

use super::hostile::{OTHERS, checked, filled};
use super::{once, staff};
use crate::browser::Browser;
use crate::disputes::{self, newest, paid};
use crate::engines::World;
use crate::hostile_text::PAYLOADS;

use crate::person::{COOKIE, Person};
use crate::town::Town;

/// With these a cell begins to be a formula in one program or another.
const FORMULAS: [char; 8] = ['=', '+', '-', '@', '\t', '\r', '\u{ff1d}', '\u{ff0b}'];

/// What spreadsheets reckon with, and what would break a row.
const SHEETS: [&str; 10] = [
    "+1",
    "-1",
    "@A1",
    "=1+1",
    "\t=1",
    "\r=1",
    " =1",
    "\u{ff1d}1+1",
    "a,b\"c",
    "=cmd|' /C calc'!A0",
];
/// Far more than any field takes.
fn very_long() -> String {
    "<script>window.ran=1</script>=1+1\r\n".repeat(3_000)
}

/// A form with the payload in one field after the other, the others filled in as they should be.
async fn each(dana: &Person, path: &str, good: &[(&str, &str)], payload: &str) {
    for nth in 0..good.len() {
        let mut fields = good.to_vec();
        fields[nth].1 = payload;
        filled(dana, path, &fields, payload).await;
    }
}

/// Money that went back, was recorded and was argued about, with the payload wherever somebody types; answers
/// the pages that tell of it.
async fn money_with(town: &Town, dana: &Person, payload: &str) -> Vec<String> {
    let (invoice, charge) = paid(town).await;
    let list = town
        .api(&town.msp.key, Method::GET, "/api/payments?limit=1", Value::Null)
        .await;
    let paid_by = list.body["data"][0]["id"].clone();
    let payment = format!("/payments/{}", paid_by.as_str().unwrap());
    let refund = [
        ("invoice", invoice.as_str()),
        ("version", "1"),
        ("amount", "1.00"),
        ("reason", "duplicate"),
        ("settlement", "still_owed"),
        ("fee", "kept"),
    ];
    each(dana, &format!("{payment}/refund"), &refund, payload).await;

    disputes::open(town, &charge, json!({}));
    let is_there = async || {
        let list = town
            .api(&town.msp.key, Method::GET, "/api/disputes", Value::Null)
            .await;
        list.body["data"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one["payment_id"] == paid_by))
    };
    town.until("the dispute", is_there).await;
    let dispute = newest(town).await;
    let path = format!("/disputes/{}", dispute["id"].as_str().unwrap());
    let mut evidence = vec![("version", "0")];
    evidence.extend(Field::ALL.iter().map(|field| (field.word(), payload)));
    filled(dana, &format!("{path}/evidence"), &evidence, payload).await;
    for field in Field::ALL {
        let version = dana.get(&format!("{path}/evidence")).await;
        let version = version.between("name=\"version\" value=\"", "\"");
        let one = [
            ("version", version.as_str()),
            (field.word(), payload),
            ("press", "later"),
        ];
        filled(dana, &format!("{path}/evidence"), &one, payload).await;
    }
    checked(&dana.get(&format!("{path}/submit")).await, payload);
    // Giving up asks for nothing that could be wrong: with it the dispute is lost.
    for verb in ["submit", "accept", "settle"] {
        let all = [("version", payload), ("outcome", payload), ("seen", payload)];
        filled(dana, &format!("{path}/{verb}"), &all, payload).await;
    }
    vec![
        format!("/invoices/{invoice}"),
        payment,
        format!("{path}/evidence"),
        path,
    ]
}

/// An invoice that is sent, paid by cash that turns out not to be there, and paid with credit.
async fn invoice_with(town: &Town, dana: &Person, payload: &str) -> Vec<String> {
    let id = town.invoice(12_345, "usd").await;
    let path = format!("/invoices/{id}");
    let send = format!("{path}/send");
    let key = once(&dana.get(&send).await);
    let sending = [
        ("form_key", key.as_str()),
        ("version", "2"),
        ("finalizes", "0"),
        ("note", payload),
    ];
    filled(dana, &send, &sending, payload).await;
    let bulk = [
        ("invoice", id.as_str()),
        ("version", payload),
        ("invoice", payload),
        ("version", "1"),
    ];
    filled(dana, "/invoices/send", &bulk, payload).await;

    let offline = [
        ("amount", "1.00"),
        ("received_on", "2025-11-01"),
        ("method", "cash"),
        ("reference", "Envelope"),
        ("receipt", "0"),
    ];
    each(dana, &format!("{path}/record-payment"), &offline, payload).await;
    let recorded = format!("/api/invoices/{id}/offline-payments");
    let recorded = town.api(&town.msp.key, Method::GET, &recorded, Value::Null).await;
    for payment in recorded.body["data"].as_array().unwrap() {
        let reverse = format!("{path}/recorded/{}/reverse", payment["id"].as_str().unwrap());
        filled(dana, &reverse, &[("reason", payload)], payload).await;
    }
    let note = [("version", "2"), ("amount", "1.00"), ("reason", "Agreed")];
    each(dana, &format!("{path}/credit"), &note, payload).await;
    each(
        dana,
        &format!("{path}/use-credit"),
        &[("version", "2"), ("amount", "1.00")],
        payload,
    )
    .await;
    let draft = [
        ("client", town.msp.client_id.as_str()),
        ("currency", "usd"),
        ("description", "Hours"),
        ("quantity", "1"),
        ("price", "1.00"),
        ("discount", "10%"),
        ("tax", "7"),
        ("whole_discount", "1.00"),
        ("due_date", "2027-01-31"),
        ("memo", "Thanks"),
        ("press", "add-up"),
    ];
    each(dana, "/invoices", &draft, payload).await;
    each(dana, "/invoices/totals", &draft, payload).await;
    vec![path, send]
}

const SETTINGS: [(&str, &[&str]); 9] = [
    (
        "/settings/business",
        &[
            "name",
            "address",
            "tax_id",
            "email",
            "phone",
            "footer",
            "bank_details",
            "cheque_details",
            "page_size",
        ],
    ),
    (
        "/settings/payments",
        &["minimum_usd", "minimum_eur", "partial", "several", "bank_debits"],
    ),
    (
        "/settings/mails",
        &[
            "sender_name",
            "reply_to",
            "language",
            "receipts",
            "reminder_days",
            "copies",
        ],
    ),
    ("/settings/api-keys", &["name", "permission", "expires", "once"]),
    ("/settings/users", &["name", "email", "role", "language"]),
    ("/settings/stripe/account", &["country"]),
    ("/account/name", &["name"]),
    ("/account/language", &["language"]),
    ("/account/email", &["email"]),
];

async fn settings_with(dana: &Person, payload: &str) {
    for (path, fields) in SETTINGS {
        let page = match path.starts_with("/account") {
            true => dana.get("/account").await,
            false => dana.get(path.trim_end_matches("/account")).await,
        };
        let seen = match page.text.contains("name=\"seen\" value=\"") {
            true => page.between("name=\"seen\" value=\"", "\""),
            false => String::new(),
        };
        for field in fields.iter() {
            let fields = [("seen", seen.as_str()), (*field, payload)];
            filled(dana, path, &fields, payload).await;
        }
    }
}

/// The cells of a file, row by row (RFC 4180).
fn cells(file: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = file.trim_start_matches('\u{feff}').chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            letter => cell.push(letter),
        }
    }
    rows
}

/// Every row has as many cells as its head, and none is a formula but for an amount below nothing.
async fn assert_file_is_calm(dana: &Person, path: &str) -> usize {
    let file = dana.get(path).await;
    assert_eq!(file.status, 200, "{path}");
    let rows = cells(&file.text);
    for row in &rows {
        assert_eq!(row.len(), rows[0].len(), "{path}: {row:?}");
        for cell in row {
            let amount = cell.strip_prefix('-').is_some_and(|rest| {
                rest.chars()
                    .all(|letter| letter.is_ascii_digit() || letter == '.')
                    && !rest.is_empty()
            });
            assert!(
                amount || !cell.starts_with(FORMULAS),
                "{path}: {cell:?} is a formula"
            );
            assert!(!cell.contains('\0'), "{path}: {cell:?}");
        }
    }
    rows.len()
}

both! {
    fn forms_about_money_and_settings_take_hostile_text_as_text(world: &World) {
        Town::run(world, async |town| {
            let dana = staff(&town, Role::Owner, "dana@northwind.example").await;
            let (long, browser) = (very_long(), Browser::open().await);
            if let Some(browser) = &browser {
                browser.goto(&format!("{}/login", town.url)).await;
                browser.cookie(&town.url, COOKIE, &dana.session()).await;
            }
            let payloads = PAYLOADS.into_iter().chain(OTHERS).chain([long.as_str()]);
            for payload in payloads {
                let mut pages = money_with(&town, &dana, payload).await;
                pages.extend(invoice_with(&town, &dana, payload).await);
                settings_with(&dana, payload).await;
                for page in &pages {
                    checked(&dana.get(page).await, payload);
                }
                for page in ["/settings/business", "/settings/mails", "/settings/users", "/settings/api-keys",
                    "/account", "/disputes", "/payments"] {
                    checked(&dana.get(page).await, payload);
                }
                let Some(browser) = &browser else { continue };
                for page in &pages {
                    browser.goto(&format!("{}{page}", town.url)).await;
                    browser.wait_for("main h1").await;
                    let ran = browser.run("return window.ran === undefined", vec![]).await;
                    assert_eq!(ran, json!(true), "{payload} ran on {page}");
                }
                assert_eq!(browser.violations().await, Vec::<String>::new(), "{payload}");
            }
            town.until_quiet().await;
            town.assert_books().await;
        });
    }

    fn what_people_typed_is_no_formula_in_any_file(world: &World) {
        Town::run(world, async |town| {
            let dana = staff(&town, Role::Owner, "dana@northwind.example").await;
            let mut named = 0;
            for payload in PAYLOADS.into_iter().chain(OTHERS).chain(SHEETS) {
                let key = once(&dana.get("/clients/new").await);
                let made = dana.post("/clients", &[("form_key", key.as_str()), ("name", payload)]).await;
                checked(&made, payload);
                let Some(client) = made.location().split('?').next().and_then(|path| {
                    path.strip_prefix("/clients/")
                }) else { continue };
                let line = json!({"description": payload, "quantity": "1", "unit_price": 5_000});
                let mut draft = json!({"client_id": client, "currency": "usd", "lines": [line]});
                let made = town.api(&town.msp.key, Method::POST, "/api/invoices", draft.clone()).await;
                // What is no line of an invoice may still be the name of a client.
                let id = match made.body["id"].as_str() {
                    Some(id) => id.to_owned(),
                    None => {
                        draft["lines"][0]["description"] = json!("Hours");
                        let made = town.api(&town.msp.key, Method::POST, "/api/invoices", draft).await;
                        made.body["id"].as_str().unwrap().to_owned()
                    }
                };
                town.command(&id, "finalize").await;
                let link = town.link(&id).await;
                let paid = town.pay(&link, &town.token("pm_card_visa"), 5_000, "usd").await;
                assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
                named += 1;
            }
            assert!(named >= 10, "{named}");
            let rows = assert_file_is_calm(&dana, "/invoices.csv").await;
            assert_eq!(rows, named + 1);
            assert_eq!(assert_file_is_calm(&dana, "/payments.csv").await, named + 1);
            assert_file_is_calm(&dana, "/payouts.csv").await;
            let text = dana.get("/invoices.csv").await.text;
            assert!(text.contains(",'=1+1,") && text.contains(",'-1,"), "{text}");
        });
    }
}
