//! Documents as their readers get them: PDFs that other programs find whole, tagged and legible, with the
//! same content as the pay page; and what is said of the tenant in them.

use std::path::PathBuf;
use std::process::Command;

use domain::language::Language;
use domain::{Currency, Mode, Money};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use store::Sql;

use crate::engines::World;
use crate::inbox::by_hand;
use crate::own_shop::all_told;
use crate::town::Town;

const JPEG: &[u8] = include_bytes!("../../../documents/tests/data/logo.jpg");

/// A program of another's over a file.
fn run(program: &str, arguments: &[&str], file: &[u8]) -> String {
    let digest = Sha256::digest([file, program.as_bytes(), arguments.join(" ").as_bytes()].concat());
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.pdf", hex::encode(digest)));
    std::fs::write(&path, file).unwrap();
    let mut command = Command::new(program);
    for argument in arguments {
        match *argument {
            "FILE" => command.arg(&path),
            argument => command.arg(argument),
        };
    }
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}; tools/install-needed gets it"));
    assert!(
        output.status.success(),
        "{program}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What a PDF says, after other programs found it whole and tagged.
pub fn text_of(pdf: &[u8]) -> String {
    assert!(
        pdf.starts_with(b"%PDF-"),
        "{}",
        String::from_utf8_lossy(&pdf[..pdf.len().min(300)])
    );
    let checked = run("qpdf", &["--check", "FILE"], pdf);
    assert!(
        checked.contains("No syntax or stream encoding errors"),
        "{checked}"
    );
    let info = run("pdfinfo", &["FILE"], pdf);
    assert!(info.contains("Tagged:          yes"), "{info}");
    run("pdftotext", &["-layout", "FILE", "-"], pdf).replace(['\u{a0}', '\u{202f}'], " ")
}

fn pages_of(pdf: &[u8]) -> usize {
    let info = run("pdfinfo", &["FILE"], pdf);
    let pages = info.lines().find_map(|line| line.strip_prefix("Pages:"));
    pages
        .and_then(|pages| pages.trim().parse().ok())
        .expect("pages are told")
}

/// An answer with its bytes.
struct Got {
    status: StatusCode,
    headers: reqwest::header::HeaderMap,
    bytes: Vec<u8>,
}

async fn get(town: &Town, key: Option<&str>, path: &str) -> Got {
    let client = town.browsers.clone();
    let mut request = client.get(format!("{}{path}", town.url));
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    let answer = request.send().await.unwrap();
    Got {
        status: answer.status(),
        headers: answer.headers().clone(),
        bytes: answer.bytes().await.unwrap().to_vec(),
    }
}

/// A document with the headers that every one has.
pub async fn pdf(town: &Town, key: Option<&str>, path: &str, name: &str) -> Vec<u8> {
    let got = get(town, key, path).await;
    assert_eq!(
        got.status,
        StatusCode::OK,
        "{path}: {}",
        String::from_utf8_lossy(&got.bytes)
    );
    let header = |name: &str| got.headers[name].to_str().unwrap();
    assert_eq!(header("content-type"), "application/pdf");
    assert_eq!(
        header("content-disposition"),
        format!("attachment; filename=\"{name}\"")
    );
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("x-content-type-options"), "nosniff");
    got.bytes
}

async fn put_logo(town: &Town, kind: &str, bytes: &[u8]) -> (StatusCode, Value) {
    let client = town.browsers.clone();
    let request = client
        .put(format!("{}/api/settings/logo", town.url))
        .bearer_auth(&town.msp.key);
    let answer = request
        .header("content-type", kind)
        .body(bytes.to_vec())
        .send()
        .await
        .unwrap();
    let status = answer.status();
    (
        status,
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap(),
    )
}

async fn set_up(town: &Town) {
    let business = json!({"name": "Northwind Managed IT LLC", "address": ["42 Harbour Street", "Portland"],
        "tax_id": "12-3456789", "phone": "+1 503 555 0100", "footer": "Registered in Oregon",
        "bank_details": "First Harbour Bank\nAccount 000123456789", "page_size": "letter"});
    let put = town
        .api(&town.msp.key, Method::PUT, "/api/settings/business", business)
        .await;
    assert_eq!(put.status, StatusCode::OK, "{}", put.text);
    let (status, shown) = put_logo(town, "image/jpeg", JPEG).await;
    assert_eq!(status, StatusCode::OK, "{shown}");
    assert_eq!(
        (&shown["logo"]["width"], &shown["name"]),
        (&json!(120), &json!("Northwind Managed IT LLC"))
    );
}

/// The client has a number with its tax office.
async fn number_the_client(town: &Town) {
    let client = format!("/api/clients/{}", town.msp.client_id);
    let changed = json!({"name": "Harbor Dental Group", "tax_id": "93-7654321"});
    let changed = town.api(&town.msp.key, Method::PUT, &client, changed).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
}

async fn long_invoice(town: &Town) -> String {
    let line = |at: i64| {
        json!({"description": format!("Line {at}: managed workstation"), "quantity": "1.5",
            "unit_price": 1_000 + at, "tax_rate": 8_875})
    };
    let draft = json!({"client_id": town.msp.client_id, "currency": "usd", "due_date": "2027-01-31",
        "memo": "Thank you.", "lines": (1..=60).map(line).collect::<Vec<_>>()});
    let made = town
        .api(&town.msp.key, Method::POST, "/api/invoices", draft)
        .await;
    let id = made.body["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{}", made.text))
        .to_owned();
    town.command(&id, "finalize").await;
    id
}

both! {
    fn an_invoice_is_the_same_on_paper_and_on_its_page_and_its_receipt_follows(world: &World) {
        Town::run(world, async |town| {
            set_up(&town).await;
            let key = town.msp.key.clone();
            number_the_client(&town).await;
            let invoice = long_invoice(&town).await;
            let shown = town.read_invoice(&invoice).await;
            let number = shown["number"].as_str().unwrap().to_owned();
            let link = town.link(&invoice).await;
            let name = format!("invoice-{number}.pdf");
            let bytes = pdf(&town, Some(&key), &format!("/api/invoices/{invoice}/pdf"), &name).await;
            let text = text_of(&bytes);
            let total = Money::new(shown["total"].as_i64().unwrap(), Currency::parse("usd").unwrap());
            let total = Language::En.money_with_code(total).replace('\u{a0}', " ");
            for wanted in [number.as_str(), "31 January 2027", "Line 1: managed", "Line 60: managed",
                "Northwind Managed IT LLC", "Account 000123456789", "Tax 8.875%", "TEST MODE",
                "Tax ID 12-3456789", "Tax ID 93-7654321",
                total.as_str()] {
                assert!(text.contains(wanted), "{wanted} is not in\n{text}");
            }
            assert!(pages_of(&bytes) >= 3);
            assert_eq!(text.matches("Unit price").count(), pages_of(&bytes), "the heading is on every page");
            // The link stands on the paper, in several lines beside the bank's.
            assert!(text.contains(&format!("/pay/{}", &link[..8])), "{text}");
            let by_link = pdf(&town, None, &format!("/pay/{link}/invoice.pdf"), &name).await;
            assert_eq!(by_link, bytes);

            let page = town.public(Method::GET, &format!("/pay/{link}"), Value::Null).await.text;
            for wanted in ["Northwind Managed IT LLC", "42 Harbour Street", "Account 000123456789",
                "Tax ID 93-7654321",
                &format!("/pay/{link}/logo"), &format!("/pay/{link}/invoice.pdf"), "Line 60: managed"] {
                assert!(page.contains(wanted), "{wanted}");
            }
            let logo = get(&town, None, &format!("/pay/{link}/logo")).await;
            assert_eq!((logo.status, &logo.bytes[..4]), (StatusCode::OK, b"\x89PNG".as_slice()));

            let german = format!("/api/invoices/{invoice}/pdf?language=de");
            let german = text_of(&pdf(&town, Some(&key), &german, &name).await);
            assert!(german.contains("Rechnung") && german.contains("31. Januar 2027"), "{german}");

            let due = shown["amount_due"].as_i64().unwrap();
            let paid = town.pay(&link, &town.token("pm_card_visa"), due, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            all_told(&town).await;
            let page = town.public(Method::GET, &format!("/pay/{link}"), Value::Null).await.text;
            let payments = town.api(&key, Method::GET, "/api/payments", Value::Null).await;
            let payment = payments.body["data"][0]["id"].as_str().unwrap().to_owned();
            let receipt = format!("/pay/{link}/receipts/{payment}.pdf");
            assert!(page.contains(&receipt), "the page offers the receipt");
            let name = format!("receipt-{payment}.pdf");
            let by_link = pdf(&town, None, &receipt, &name).await;
            let by_key = pdf(&town, Some(&key), &format!("/api/payments/{payment}/receipt.pdf"), &name).await;
            assert_eq!(by_link, by_key);
            let text = text_of(&by_link);
            assert!(text.contains("Visa ending in 4242") && text.contains(&number), "{text}");
            assert!(text.contains(&total), "{text}");

            // Another invoice's link opens its own papers only, and one that was replaced opens none.
            let other = town.invoice(500, "usd").await;
            let others = town.link(&other).await;
            let foreign = get(&town, None, &format!("/pay/{others}/receipts/{payment}.pdf")).await;
            assert_eq!(foreign.status, StatusCode::NOT_FOUND);
            town.link(&invoice).await;
            for path in [receipt, format!("/pay/{link}/invoice.pdf")] {
                assert_eq!(get(&town, None, &path).await.status, StatusCode::GONE);
            }
        });
    }

    fn credit_notes_and_statements_say_what_the_books_say(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let key = town.msp.key.clone();
            let invoice = town.invoice(12_345, "usd").await;
            let noted = crate::credits::note(&town, &invoice, 2_345).await;
            let note = noted.body["id"].as_str().unwrap_or_else(|| panic!("{}", noted.text));
            let path = format!("/api/credit-notes/{note}/pdf");
            let text = text_of(&pdf(&town, Some(&key), &path, "credit-note-CN-00001.pdf").await);
            assert!(text.contains("23.45 USD") && text.contains("Agreed on the phone"), "{text}");
            let client = town.msp.client_id.clone();
            let path = format!("/api/clients/{client}/statement.pdf?from=2020-01-01&to=2199-12-31");
            let bytes = pdf(&town, Some(&key), &path, "statement-2020-01-01-2199-12-31.pdf").await;
            let text = text_of(&bytes);
            for wanted in ["Invoice INV-00001", "$123.45", "Credit note CN-00001", "$23.45", "100.00 USD",
                "Not yet due"] {
                assert!(text.contains(wanted), "{wanted} is not in\n{text}");
            }
            let ask = async |query: &str| {
                let path = format!("/api/clients/{client}/statement.pdf?{query}");
                town.api(&key, Method::GET, &path, Value::Null).await
            };
            ask("from=2026-02-30").await.assert_refused(422, "invalid_field", Some("from"));
            ask("from=2026-02-02&to=2026-02-01").await.assert_refused(422, "invalid_field", Some("from"));
            ask("language=xx").await.assert_refused(422, "invalid_field", Some("language"));
        });
    }

    fn what_people_type_is_text_on_paper_and_foreign_scripts_are_noted(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let hostile = "<script>alert(1)</script> \u{5c71}\u{7530}\u{5546}\u{5e97} (/JS (x)) %PDF %s";
            let client = json!({"name": hostile});
            let client = town.api(&town.msp.key, Method::POST, "/api/clients", client).await;
            let draft = json!({"client_id": client.body["id"], "currency": "usd", "memo": hostile,
                "lines": [{"description": hostile, "quantity": "1", "unit_price": 500}]});
            let made = town.api(&town.msp.key, Method::POST, "/api/invoices", draft).await;
            let id = made.body["id"].as_str().unwrap_or_else(|| panic!("{}", made.text));
            let path = format!("/api/invoices/{id}/pdf");
            let bytes = pdf(&town, Some(&town.msp.key), &path, "invoice-draft.pdf").await;
            let text = text_of(&bytes);
            assert!(text.contains("<script>alert(1)</script>"), "{text}");
            assert!(text.contains("(/JS (x)) %PDF %s"), "{text}");
            assert!(text.contains("no font on this server has (Han)"), "{text}");
            let info = run("pdfinfo", &["FILE"], &bytes);
            assert!(info.contains("JavaScript:      no") && info.contains("Form:            none"), "{info}");
        });
    }

    fn logos_and_details_that_do_not_fit_are_refused_and_changes_are_noted(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let key = town.msp.key.clone();
            set_up(&town).await;
            let before = town.contents(Mode::Test).await;
            let mut fifty_megapixels = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
            // 10,000 by 5,000 in 8 bits with opacity, and the sum of these bytes.
            fifty_megapixels.extend_from_slice(b"\0\0\x27\x10\0\0\x13\x88\x08\x06\0\0\0\x17\x57\x77\x48");
            let too_long = vec![0xff; 1024 * 1024 + 1];
            let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>".to_vec();
            for (bytes, says) in [
                (svg, "not SVG"),
                (b"<html>".to_vec(), "PNG or JPEG"),
                (Vec::new(), "empty"),
                (too_long, "1 MiB"),
                (fifty_megapixels, "4 million pixels"),
            ] {
                let (status, answer) = put_logo(&town, "image/png", &bytes).await;
                assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
                assert_eq!((&answer["code"], &answer["field"]), (&json!("invalid_field"), &json!("logo")));
                assert!(answer["detail"].as_str().unwrap().contains(says), "{answer}");
            }
            let (status, answer) = put_logo(&town, "application/json", b"{\"data\": \"@@\"}").await;
            assert_eq!((status, &answer["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("data")));
            let put = async |body: Value| town.api(&key, Method::PUT, "/api/settings/business", body).await;
            put(json!({"email": "nobody"})).await.assert_refused(422, "invalid_field", Some("email"));
            put(json!({"page_size": "a5"})).await.assert_refused(422, "invalid_field", Some("page_size"));
            assert_eq!(town.contents(Mode::Test).await, before);

            let removed = town.api(&key, Method::DELETE, "/api/settings/logo", Value::Null).await;
            assert_eq!((removed.status, &removed.body["logo"]), (StatusCode::OK, &Value::Null));
            let again = town.api(&key, Method::DELETE, "/api/settings/logo", Value::Null).await;
            again.assert_refused(404, "not_found", None);
            const NOTED: Sql = Sql::new(
                "select count(*) as n from audit_log
                 where action in ('business.changed', 'logo.changed', 'logo.removed')",
            );
            assert_eq!(town.number(&NOTED).await, 3);
        });
    }
}
