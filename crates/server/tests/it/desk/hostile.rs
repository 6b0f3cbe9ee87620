//! The payload corpus through every form of the desk: markup, addresses of scripts, formulas, line breaks and
//! turned writing are refused or shown as they were typed, and no page breaks.

use domain::Role;
use reqwest::Method;
use serde_json::Value;

use super::{once, staff};
use crate::engines::World;
use crate::hostile_text::{PAYLOADS, assert_text_only};
use crate::person::{Person, Shown};
use crate::town::Town;

/// What is no markup and does harm elsewhere.
pub const OTHERS: [&str; 5] = [
    "=HYPERLINK(\"http://evil.example\")",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "one\r\nBcc: everybody@example.com\r\n\r\ntwo",
    "\u{202e}gnp.exe",
    "\0\u{7}\u{feff}",
];

pub fn checked(shown: &Shown, payload: &str) {
    assert!(!shown.status.is_server_error(), "{payload:?}: {}", shown.words());
    assert_text_only(&shown.text, payload);
}

pub async fn filled(dana: &Person, path: &str, fields: &[(&str, &str)], payload: &str) -> Shown {
    let answer = dana.post(path, fields).await;
    checked(&answer, payload);
    answer
}

/// A client with the payload in each field, or the one of the town where it was refused; answers its page.
async fn client_with(town: &Town, dana: &Person, payload: &str) -> String {
    let key = once(&dana.get("/clients/new").await);
    let fields = ["name", "address", "tax_id"].map(|field| (field, payload));
    let mut all = vec![("form_key", key.as_str())];
    all.extend(fields);
    let added = filled(dana, "/clients", &all, payload).await;
    match added.location() {
        "" => format!("/clients/{}", town.msp.client_id),
        path => path.split('?').next().unwrap().to_owned(),
    }
}

/// An invoice with the payload in what is recorded, given up and linked of it; answers its page.
async fn invoice_with(town: &Town, dana: &Person, client: &str, payload: &str) -> String {
    let id = client.strip_prefix("/clients/").unwrap();
    let key = once(&dana.get(&format!("/invoices/new?client={id}")).await);
    let mut draft = vec![("form_key", key.as_str()), ("client", id), ("press", "save")];
    let fields = ["due_date", "description", "quantity", "price", "tax", "memo"];
    draft.extend(fields.map(|field| (field, payload)));
    filled(dana, "/invoices", &draft, payload).await;
    let path = format!("/invoices/{}", town.invoice(12_345, "usd").await);
    let version = async || {
        let form = dana.get(&format!("{path}/credit")).await;
        form.between("name=\"version\" value=\"", "\"")
    };
    let seen = version().await;
    let offline = [
        ("version", seen.as_str()),
        ("amount", "1"),
        ("received_on", "2025-11-01"),
        ("method", "cash"),
        ("reference", payload),
    ];
    filled(dana, &format!("{path}/record-payment"), &offline, payload).await;
    for email in [payload, "ada@harbor.example"] {
        let link = [("email", email), ("name", payload), ("expires_in_days", "30")];
        filled(dana, &format!("{path}/links"), &link, payload).await;
    }
    let seen = version().await;
    let note = [
        ("version", seen.as_str()),
        ("amount", "1.00"),
        ("reason", payload),
    ];
    filled(dana, &format!("{path}/credit"), &note, payload).await;
    path
}

const SETTINGS: [(&str, &[&str]); 4] = [
    (
        "/settings/business",
        &["name", "address", "footer", "bank_details", "email"],
    ),
    (
        "/settings/invoices",
        &["prefix", "next_number", "due_days", "memo", "offered"],
    ),
    ("/settings/payments", &["minimum_usd", "partial", "several"]),
    (
        "/settings/mails",
        &[
            "sender_name",
            "reply_to",
            "reminder_days",
            "copies",
            "notice_address",
        ],
    ),
];

async fn settings_with(dana: &Person, payload: &str) {
    for (path, fields) in SETTINGS {
        let seen = dana.get(path).await.between("name=\"seen\" value=\"", "\"");
        for fields in [fields, &fields[..1]] {
            let mut all = vec![("seen", seen.as_str())];
            all.extend(fields.iter().map(|field| (*field, payload)));
            filled(dana, path, &all, payload).await;
        }
    }
}

/// What lists are asked for.
const ASKED: [&str; 14] = [
    "/invoices?q=",
    "/invoices?least=",
    "/invoices?from=",
    "/invoices?after=",
    "/invoices?client=",
    "/invoices/new?q=",
    "/clients?q=",
    "/payouts?state=",
    "/payouts?after=",
    "/disputes?after=",
    "/payouts/",
    "/disputes/",
    "/invoices.csv?state=",
    "/invoices/send?invoice=",
];

both! {
    fn every_form_of_the_desk_takes_hostile_text_as_text(world: &World) {
        Town::run(world, async |town| {
            let dana = staff(&town, Role::Owner, "dana@northwind.example").await;
            for payload in PAYLOADS.into_iter().chain(OTHERS) {
                let client = client_with(&town, &dana, payload).await;
                let invoice = invoice_with(&town, &dana, &client, payload).await;
                settings_with(&dana, payload).await;
                let encoded: String = payload.bytes().map(|byte| format!("%{byte:02x}")).collect();
                let mut pages: Vec<String> = ASKED.iter().map(|asked| format!("{asked}{encoded}")).collect();
                pages.extend([client, invoice]);
                pages.extend(["/", "/invoices", "/clients", "/payments"].map(str::to_owned));
                pages.extend(SETTINGS.map(|(path, _)| path.to_owned()));
                for page in pages {
                    checked(&dana.get(&page).await, payload);
                }
            }
            let books = town.api(&town.msp.key, Method::GET, "/api/reports/trial-balance", Value::Null).await;
            assert!(books.status.is_success(), "{}", books.text);
        });
    }
}
