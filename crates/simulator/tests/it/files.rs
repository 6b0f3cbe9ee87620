//! Files: uploaded as multipart forms, checked by what they are, and named by evidence of their own account
//! only.

use crate::world::{World, id};
use serde_json::{Value, json};
use simulator::{Request, Response};

const PDF: &[u8] = b"%PDF-1.7\nSigned agreement\n%%EOF";

fn form(purpose: &str, content: &[u8]) -> Vec<u8> {
    let mut body = format!(
        "--frontier\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n{purpose}\r\n--frontier\r\n\
         Content-Disposition: form-data; name=\"file\"; filename=\"contract.pdf\"\r\nContent-Type: \
         application/pdf\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(content);
    body.extend_from_slice(b"\r\n--frontier--\r\n");
    body
}

fn upload(world: &World, kind: &str, body: Vec<u8>) -> (u16, Value) {
    let mut request: Request = world.request("POST", "/v1/files", &[]);
    request.headers.push(("Content-Type".into(), kind.into()));
    request.body = body;
    let answered: Response = world.simulator.call(&request);
    (answered.status, serde_json::from_slice(&answered.body).unwrap())
}

const MULTIPART: &str = "multipart/form-data; boundary=frontier";

#[test]
fn a_file_is_what_its_bytes_are_and_belongs_to_its_account() {
    let world = World::tenant();
    let (status, file) = upload(&world, MULTIPART, form("dispute_evidence", PDF));
    assert_eq!(status, 200, "{file}");
    let said = (&file["object"], &file["type"], &file["size"], &file["filename"]);
    assert_eq!(
        said,
        (
            &json!("file"),
            &json!("pdf"),
            &json!(PDF.len()),
            &json!("contract.pdf")
        )
    );
    assert_eq!(world.get(&format!("/v1/files/{}", id(&file))), file);
    assert_eq!(
        world.get("/v1/files?purpose=dispute_evidence")["data"],
        json!([file])
    );
    let (status, _) = world
        .on_platform()
        .ask("GET", &format!("/v1/files/{}", id(&file)), &[]);
    assert_eq!(status, 404, "it is of another account");

    let mut large = PDF.to_vec();
    large.resize(5_000_001, b' ');
    for (kind, body, param) in [
        (MULTIPART, form("dispute_evidence", b"<svg/>"), "file"),
        (MULTIPART, form("dispute_evidence", &large), "file"),
        (MULTIPART, form("holiday_pictures", PDF), "purpose"),
        (MULTIPART, form("business_logo", PDF), "file"),
    ] {
        let (status, refused) = upload(&world, kind, body);
        assert_eq!(
            (status, &refused["error"]["param"]),
            (400, &json!(param)),
            "{refused}"
        );
    }
    for (kind, body) in [
        (
            "application/x-www-form-urlencoded",
            b"purpose=dispute_evidence".to_vec(),
        ),
        (MULTIPART, b"--frontier".to_vec()),
        (MULTIPART, Vec::from(&b"no form at all"[..])),
        ("multipart/form-data", form("dispute_evidence", PDF)),
    ] {
        assert_eq!(upload(&world, kind, body).0, 400, "{kind}");
    }
}

#[test]
fn a_key_uploads_one_file_and_another_content_is_refused() {
    let world = World::tenant().idempotent("contract");
    let (_, first) = upload(&world, MULTIPART, form("dispute_evidence", PDF));
    assert_eq!(
        upload(&world, MULTIPART, form("dispute_evidence", PDF)),
        (200, first)
    );
    let (status, other) = upload(&world, MULTIPART, form("dispute_evidence", b"%PDF-1.7 another"));
    assert_eq!(
        (status, &other["error"]["type"]),
        (400, &json!("idempotency_error"))
    );
}

#[test]
fn evidence_names_files_of_its_own_account() {
    let world = World::tenant();
    let intent = world.post(
        "/v1/payment_intents",
        &[
            ("amount", "10000"),
            ("currency", "usd"),
            ("payment_method", "pm_card_createDispute"),
            ("allowed_payment_method_types[]", "card"),
            ("confirm", "true"),
        ],
    );
    let listed = world.get(&format!("/v1/disputes?payment_intent={}", id(&intent)));
    let path = format!("/v1/disputes/{}", id(&listed["data"][0]));
    let (_, foreign) = upload(&world.on_platform(), MULTIPART, form("dispute_evidence", PDF));
    let (_, logo) = upload(&world, MULTIPART, form("business_logo", b"\x89PNG\r\n\x1A\n1234"));
    for wrong in [id(&foreign), id(&logo), "file_1Nobody", "a text"] {
        let refused = world.refused(400, &path, &[("evidence[receipt]", wrong)]);
        assert_eq!(refused["param"], "evidence[receipt]", "{refused}");
    }
    let (_, own) = upload(&world, MULTIPART, form("dispute_evidence", PDF));
    let given = world.post(&path, &[("evidence[receipt]", id(&own)), ("submit", "true")]);
    assert_eq!(given["evidence"]["receipt"], *id(&own), "{given}");
}
