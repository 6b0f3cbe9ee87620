//! Files that evidence names: uploaded once whatever is lost on the way, on the account of the dispute, and
//! of a kind and size that banks take.

use flows::reconcile;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::Sql;

use crate::disputes::{command, newest, open, paid};
use crate::engines::World;
use crate::inbox::{by_hand, deliver, work};
use crate::town::{Msp, Reply, Town};

const PDF: &[u8] = b"%PDF-1.7\nService report 2026-11, Harbor Dental Group: 14 tickets, all closed.\n%%EOF\n";
const JPEG: &[u8] = include_bytes!("../../../documents/tests/data/logo.jpg");
const KEPT: Sql = Sql::new("select count(*) as n from dispute_files where content is not null");

/// A dispute that the API shows.
async fn disputed(town: &Town) -> Value {
    let (_, charge) = paid(town).await;
    let dispute = open(town, &charge, json!({}));
    deliver(town, &town.event_about("charge.dispute.created", &dispute)).await;
    work(town).await;
    newest(town).await
}

async fn upload(town: &Town, msp: &Msp, dispute: &Value, once: Option<&str>, bytes: Vec<u8>) -> Reply {
    let id = dispute["id"].as_str().unwrap();
    let name = "?name=Service%20report.pdf";
    let mut request = town
        .http
        .post(format!("{}/api/disputes/{id}/files{name}", town.url))
        .bearer_auth(&msp.key)
        .header("content-type", "application/pdf")
        .body(bytes);
    if let Some(once) = once {
        request = request.header("idempotency-key", once);
    }
    town.send(request).await
}

/// Uploads a signed contract; answers Stripe's id of it.
pub async fn signed(town: &Town, dispute: &Value) -> String {
    let uploaded = upload(town, &town.msp, dispute, None, PDF.to_vec()).await;
    let id = uploaded.body["stripe_file_id"].as_str();
    id.unwrap_or_else(|| panic!("{}", uploaded.text)).to_owned()
}

/// The files that Stripe has of the account.
fn at_stripe(town: &Town) -> Vec<Value> {
    let list = town.stripe("GET", "/v1/files?limit=100", Some(&town.msp.account), "");
    list["data"]
        .as_array()
        .unwrap_or_else(|| panic!("{list}"))
        .clone()
}

async fn put(town: &Town, dispute: &Value, evidence: Value) -> Reply {
    let path = format!("/api/disputes/{}/evidence", dispute["id"].as_str().unwrap());
    town.api(&town.msp.key, Method::PUT, &path, json!({ "evidence": evidence }))
        .await
}

both! {
    fn files_are_uploaded_reviewed_and_given_to_the_bank(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let dispute = disputed(&town).await;
            let report = upload(&town, &town.msp, &dispute, Some("report"), PDF.to_vec()).await;
            assert_eq!(report.status, StatusCode::CREATED, "{}", report.text);
            let said = (&report.body["status"], &report.body["content_type"], &report.body["name"]);
            assert_eq!(said, (&json!("uploaded"), &json!("application/pdf"), &json!("Service report.pdf")));
            let again = upload(&town, &town.msp, &dispute, Some("report"), PDF.to_vec()).await;
            assert_eq!((again.status, &again.body), (StatusCode::CREATED, &report.body));
            upload(&town, &town.msp, &dispute, Some("report"), JPEG.to_vec())
                .await
                .assert_refused(422, "idempotency_key_reused", None);
            let picture = upload(&town, &town.msp, &dispute, None, JPEG.to_vec()).await;
            assert_eq!(picture.body["content_type"], "image/jpeg", "{}", picture.text);
            let there = at_stripe(&town);
            assert_eq!(there.len(), 2, "one upload for each: {there:?}");
            let file = &report.body["stripe_file_id"];
            let found = there.iter().find(|one| one["id"] == *file).expect("it is at Stripe");
            assert_eq!((&found["purpose"], &found["filename"], &found["size"], &found["type"]),
                (&json!("dispute_evidence"), &json!("Service report.pdf"), &json!(PDF.len()), &json!("pdf")));
            assert_eq!(town.number(&KEPT).await, 0, "the bytes are at Stripe, and only there");

            let evidence = json!({"service_documentation": file, "uncategorized_text": "All was done."});
            let drafted = put(&town, &dispute, evidence).await;
            let files = drafted.body["evidence"]["files"].as_array().unwrap();
            assert_eq!((files.len(), &files[0]), (2, &report.body), "{}", drafted.text);
            let sent = command(&town, &dispute, "evidence/submit", json!({"version": 1})).await;
            assert_eq!(sent.body["status"], "under_review", "{}", sent.text);
            let path = format!("/v1/disputes/{}", dispute["stripe_dispute_id"].as_str().unwrap());
            let at_bank = town.stripe("GET", &path, Some(&town.msp.account), "");
            assert_eq!(at_bank["evidence"]["service_documentation"], *file);
            upload(&town, &town.msp, &dispute, None, PDF.to_vec())
                .await
                .assert_refused(409, "evidence_submitted", None);
            town.assert_nothing_open().await;
            town.assert_books().await;
        });
    }

    fn a_file_that_no_bank_takes_is_refused_before_stripe_hears_of_it(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let dispute = disputed(&town).await;
            let page = b"<html><script>alert(1)</script></html>".to_vec();
            for wrong in [Vec::new(), page, b"PK\x03\x04 a document of an office program".to_vec()] {
                upload(&town, &town.msp, &dispute, None, wrong)
                    .await
                    .assert_refused(422, "invalid_field", Some("file"));
            }
            let padded = |bytes: usize| {
                let mut large = PDF.to_vec();
                large.resize(bytes, b' ');
                large
            };
            upload(&town, &town.msp, &dispute, None, padded(4_500_001))
                .await
                .assert_refused(422, "invalid_field", Some("file"));
            upload(&town, &town.msp, &dispute, None, padded(5 * 1024 * 1024 + 1))
                .await
                .assert_refused(413, "body_too_large", None);
            let other = town.add_msp("Contoso Managed Services", "usd").await;
            upload(&town, &other, &dispute, None, PDF.to_vec()).await.assert_refused(404, "not_found", None);
            assert_eq!(at_stripe(&town), Vec::<Value>::new());

            // Two that fit alone, and not together.
            let mut ids = Vec::new();
            for bytes in [4_500_000, 1_000] {
                let kept = upload(&town, &town.msp, &dispute, None, padded(bytes)).await;
                assert_eq!(kept.body["status"], "uploaded", "{}", kept.text);
                ids.push(kept.body["stripe_file_id"].clone());
            }
            let both = json!({"receipt": ids[0], "refund_policy": ids[1]});
            put(&town, &dispute, both)
                .await
                .assert_refused(422, "evidence_files_too_large", Some("evidence"));
            // One that is not on the account is refused by Stripe, and the bank hears nothing.
            put(&town, &dispute, json!({"receipt": "file_1OfSomebodyElse"})).await;
            command(&town, &dispute, "evidence/submit", json!({"version": 1}))
                .await
                .assert_refused(409, "dispute_refused", None);
            town.assert_books().await;
        });
    }

    fn a_file_whose_answer_is_lost_is_uploaded_once(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let dispute = disputed(&town).await;
            let fault = json!({"method": "POST", "path": "/v1/files", "effect": "lose_answer", "count": 50});
            town.control("POST", "/_simulator/faults", fault);
            let silent = upload(&town, &town.msp, &dispute, Some("signed"), PDF.to_vec()).await;
            assert_eq!(silent.status, StatusCode::CREATED, "{}", silent.text);
            assert_eq!((&silent.body["status"], &silent.body["stripe_file_id"]),
                (&json!("uploading"), &Value::Null));
            assert_eq!(town.number(&KEPT).await, 1, "what is sent again is kept");
            town.control("DELETE", "/_simulator/faults", Value::Null);
            for _ in 0..10 {
                town.advance_ms(60_000);
                reconcile::run(&town.app).await.unwrap();
            }
            let known = newest(&town).await;
            let file = &known["evidence"]["files"][0];
            assert_eq!((&file["id"], &file["status"]), (&silent.body["id"], &json!("uploaded")), "{known}");
            let there = at_stripe(&town);
            assert_eq!((there.len(), &there[0]["id"]), (1, &file["stripe_file_id"]));
            assert_eq!(town.number(&KEPT).await, 0);
            town.assert_nothing_open().await;
        });
    }

    fn a_file_whose_failure_stripe_keeps_is_given_up_and_taken_anew(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let dispute = disputed(&town).await;
            let fault = json!({"method": "POST", "path": "/v1/files", "effect": "error500", "count": 50});
            town.control("POST", "/_simulator/faults", fault);
            let silent = upload(&town, &town.msp, &dispute, None, PDF.to_vec()).await;
            // Stripe keeps the failure under the key: sending it again would tell nothing.
            silent.assert_refused(409, "dispute_refused", None);
            town.control("DELETE", "/_simulator/faults", Value::Null);
            assert_eq!((town.number(&KEPT).await, at_stripe(&town).len()), (0, 0));
            let anew = upload(&town, &town.msp, &dispute, None, PDF.to_vec()).await;
            assert_eq!(anew.body["status"], "uploaded", "{}", anew.text);
            town.assert_nothing_open().await;
        });
    }
}
