//! Papers of an answer to a bank, on the answer's own page: uploaded in a form, listed with their size, named
//! in the answer, taken out of it again, and refused beside the field.

use domain::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{once, staff};
use crate::disputes::{newest, open, paid};
use crate::engines::World;
use crate::person::{Person, Shown};
use crate::town::Town;

const PDF: &[u8] = b"%PDF-1.7\nService report 2026-11, Harbor Dental Group: 14 tickets, all closed.\n%%EOF\n";
const JPEG: &[u8] = include_bytes!("../../../../documents/tests/data/logo.jpg");
const WHAT: &str = "product_description";

/// Somebody of billing before a dispute, and the path of its answer.
async fn disputed(town: &Town) -> (Person, String) {
    let dana = staff(town, Role::Billing, "dana@northwind.example").await;
    let (_, charge) = paid(town).await;
    open(town, &charge, json!({"reason": "product_not_received"}));
    let known = async || !dana.get("/disputes").await.text.contains("No dispute");
    town.until("the dispute", known).await;
    let path = format!(
        "/disputes/{}/evidence",
        newest(town).await["id"].as_str().unwrap()
    );
    dana.get(&path).await.assert_says(200, &["Papers", "id=\"file\""]);
    (dana, path)
}

/// Sends the form with a file and presses a button.
async fn hand_in(dana: &Person, path: &str, version: &str, paper: &str, file: (&str, &[u8])) -> Shown {
    let fields = [
        ("version", version),
        (WHAT, "Managed workplaces\r\nfor November"),
        ("paper", paper),
        ("press", "upload"),
    ];
    dana.upload_with(path, &fields, "file", file).await
}

async fn drafted(town: &Town) -> Value {
    newest(town).await["evidence"]["draft"].clone()
}

fn at_stripe(town: &Town) -> usize {
    let list = town.stripe("GET", "/v1/files?limit=100", Some(&town.msp.account), "");
    list["data"].as_array().map_or(0, Vec::len)
}

both! {
    fn papers_are_uploaded_listed_named_and_taken_out_again(world: &World) {
        Town::run(world, async |town| {
            let (dana, path) = disputed(&town).await;
            let report = ("Service report.pdf", PDF);
            let added = hand_in(&dana, &path, "0", "service_documentation", report).await;
            added.assert_sent_to(&format!("{path}?done=file-added"));
            let shown = dana.get(&format!("{path}?done=file-added")).await;
            shown.assert_says(200, &["The file is part of your answer"]);
            shown.assert_says(200, &["Service report.pdf (PDF, 84 bytes)"]);
            shown.assert_says(200, &["for November</textarea>", "What Service report.pdf is"]);
            shown.assert_says(200, &["<option value=\"customer_communication\" selected"]);
            let version = shown.between("name=\"version\" value=\"", "\"");
            let again = hand_in(&dana, &path, "0", "service_documentation", report).await;
            again.assert_says(409, &["changed since you reviewed"]);
            assert_eq!(at_stripe(&town), 1, "an upload that is sent twice is made once");

            let signed = ("Signed.jpg", JPEG);
            let added = hand_in(&dana, &path, &version, "customer_signature", signed).await;
            added.assert_sent_to(&format!("{path}?done=file-added"));
            let draft = drafted(&town).await;
            for field in ["service_documentation", "customer_signature"] {
                let named = draft[field].as_str().unwrap_or_default();
                assert!(named.starts_with("file_"), "{field}: {draft}");
            }
            let shown = dana.get(&path).await;
            let version = shown.between("name=\"version\" value=\"", "\"");
            let fields: Vec<String> = shown.text.split("name=\"paper-").skip(1)
                .map(|rest| format!("paper-{}", rest.split('"').next().unwrap())).collect();
            assert_eq!(fields.len(), 2, "{}", shown.text);
            let with = |report: &'static str, signed: &'static str| [
                ("version", version.as_str()), (WHAT, "Managed workplaces"), ("press", "review"),
                (fields[0].as_str(), report), (fields[1].as_str(), signed),
            ];
            let twice = with("customer_signature", "customer_signature");
            dana.post(&path, &twice).await
                .assert_says(422, &["Signature of the client can be one file only", "Managed workplaces"]);
            dana.post(&path, &with("receipt", "")).await
                .assert_sent_to(&path.replace("/evidence", "/submit"));
            let draft = drafted(&town).await;
            assert_eq!((&draft["service_documentation"], &draft["customer_signature"]),
                (&Value::Null, &Value::Null));

            let review = dana.get(&path.replace("/evidence", "/submit")).await;
            review.assert_says(200, &["Receipt", "Service report.pdf (PDF, 84 bytes)"]);
            assert!(!review.text.contains("Signed.jpg"), "{}", review.words());
            let (key, version) = (once(&review), review.between("name=\"version\" value=\"", "\""));
            let fields = [("form_key", key.as_str()), ("version", version.as_str())];
            dana.post(&path.replace("/evidence", "/submit"), &fields).await
                .assert_sent_to(&path.replace("/evidence", "?done=evidence-sent"));
            let known = newest(&town).await;
            let there = format!("/v1/disputes/{}", known["stripe_dispute_id"].as_str().unwrap());
            let at_bank = town.stripe("GET", &there, Some(&town.msp.account), "");
            assert_eq!(at_bank["evidence"]["receipt"], draft["receipt"]);
            let late = hand_in(&dana, &path, "9", "receipt", report).await;
            assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.words());
            assert_eq!(at_stripe(&town), 2);
            town.assert_books().await;
        });
    }

    fn a_paper_that_no_bank_takes_is_refused_beside_its_field_and_nothing_typed_is_lost(world: &World) {
        Town::run(world, async |town| {
            let (dana, path) = disputed(&town).await;
            let padded = |bytes: usize| {
                let mut large = PDF.to_vec();
                large.resize(bytes, b' ');
                large
            };
            let (large, long) = (padded(4_500_001), format!("{}.pdf", "x".repeat(120)));
            for (file, why) in [
                (("", b"".as_slice()), "Choose the file first."),
                (("empty.pdf", b"".as_slice()), "The file must be a PDF, JPEG or PNG."),
                (("page.html", b"<script>alert(1)</script>".as_slice()), "The file must be a PDF, JPEG"),
                (("large.pdf", large.as_slice()), "The file must have 4.5 MB at most"),
                ((long.as_str(), PDF), "name must be plain text with at most 120 characters"),
            ] {
                let refused = hand_in(&dana, &path, "0", "receipt", file).await;
                refused.assert_says(422, &["id=\"file-error\"", why, "for November</textarea>"]);
                refused.assert_says(422, &["<option value=\"receipt\" selected"]);
                assert!(!refused.text.contains("alert(1)"), "{}", refused.text);
            }
            let what = hand_in(&dana, &path, "0", "customer_name", ("a.pdf", PDF)).await;
            what.assert_says(422, &["id=\"paper-error\"", "Say what the file is."]);
            let beyond = padded(7 * 1024 * 1024);
            let refused = hand_in(&dana, &path, "0", "receipt", ("beyond.pdf", &beyond)).await;
            assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", refused.words());
            let reader = staff(&town, Role::ReadOnly, "kim@northwind.example").await;
            reader.get("/disputes").await;
            let refused = hand_in(&reader, &path, "0", "receipt", ("a.pdf", PDF)).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.words());
            assert_eq!((at_stripe(&town), newest(&town).await["evidence"]["version"].clone()), (0, json!(0)));

            // Two that fit alone, and not together: the second is there, and the answer does not name it.
            let nearly = padded(4_500_000);
            dana.get(&path).await;
            hand_in(&dana, &path, "0", "receipt", ("nearly.pdf", &nearly)).await
                .assert_sent_to(&format!("{path}?done=file-added"));
            let shown = dana.get(&path).await;
            let version = shown.between("name=\"version\" value=\"", "\"");
            let both = hand_in(&dana, &path, &version, "refund_policy", ("terms.pdf", PDF)).await;
            both.assert_says(422, &["Banks take 4.5 MB of files at most", "terms.pdf (PDF, 84 bytes)"]);
            assert_eq!(drafted(&town).await["refund_policy"], Value::Null);
        });
    }

    fn a_paper_of_which_stripe_says_nothing_is_said_to_be_on_its_way(world: &World) {
        Town::run(world, async |town| {
            let (dana, path) = disputed(&town).await;
            let fault = json!({"method": "POST", "path": "/v1/files", "effect": "lose_answer", "count": 50});
            town.control("POST", "/_simulator/faults", fault);
            let sent = hand_in(&dana, &path, "0", "receipt", ("Receipt.pdf", PDF)).await;
            sent.assert_sent_to(&format!("{path}?done=file-under-way"));
            dana.get(&path).await.assert_says(200, &["Receipt.pdf (PDF, 84 bytes)", "On its way to Stripe"]);
            assert_eq!(drafted(&town).await["receipt"], Value::Null);
            town.control("DELETE", "/_simulator/faults", Value::Null);
            for _ in 0..10 {
                town.advance_ms(60_000);
                flows::reconcile::run(&town.app).await.unwrap();
            }
            let shown = dana.get(&path).await;
            shown.assert_says(200, &["What Receipt.pdf is", "Not part of the answer"]);
            assert_eq!(at_stripe(&town), 1);
        });
    }
}
