//! `/v1/files`: documents that evidence names by their id. They are uploaded as multipart forms to a host of
//! their own (`https://files.stripe.com`) and belong to the account on which they were uploaded.

use serde_json::Value;

use crate::account_id::AccountId;
use crate::client::Write;
use crate::error::Unreadable;
use crate::form::param;
use crate::object;

/// Where files are uploaded.
pub const PATH: &str = "/v1/files";
/// What a file is for that evidence names.
const DISPUTE_EVIDENCE: &str = "dispute_evidence";

/// A file as Stripe keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// `file_…`
    pub id: String,
    /// What it is for, such as `dispute_evidence`.
    pub purpose: Option<String>,
    /// In bytes.
    pub size: Option<i64>,
}

impl File {
    /// Reads the body of an answer.
    ///
    /// # Errors
    /// [`Unreadable`] for anything but a file with an id.
    pub fn parse(body: &str) -> Result<File, Unreadable> {
        let value: Value = object::parse(body)?;
        object::require_kind(&value, "file")?;
        Ok(File {
            id: object::require_text(&value, "id")?,
            purpose: object::text(&value, "purpose"),
            size: object::int(&value, "size"),
        })
    }
}

/// The bytes of a file, with what is said of them.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    /// The name of the file. Control characters and quotation marks in it are sent as `_`.
    pub name: String,
    /// Such as `application/pdf`.
    pub content_type: String,
    /// All of it.
    pub bytes: Vec<u8>,
}

/// The write that uploads evidence to an account. Its content is handed to the client beside it: the write is
/// what is frozen, and the same content always gives the same bytes on the wire.
pub fn upload_evidence(account: &AccountId, idempotency_key: String) -> Write {
    Write {
        path: PATH.to_owned(),
        params: vec![param("purpose", DISPUTE_EVIDENCE)],
        account: Some(account.clone()),
        idempotency_key,
    }
}

/// A multipart form: its content type, which names the boundary, and its bytes.
pub(crate) fn multipart(params: &[(String, String)], content: &Content) -> (String, Vec<u8>) {
    let boundary = boundary(&content.bytes);
    let mut body = Vec::with_capacity(content.bytes.len() + 1024);
    for (name, value) in params {
        let part =
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    let (name, content_type) = (in_quotes(&content.name), &content.content_type);
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: {content_type}\r\n\r\n"
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(&content.bytes);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

/// Nothing in the file may read as its end: the first of a fixed row of words that is not in it.
fn boundary(bytes: &[u8]) -> String {
    let mut number = 0_u32;
    loop {
        let word = format!("psa-pay-part-{number}");
        if !bytes.windows(word.len()).any(|part| part == word.as_bytes()) {
            return word;
        }
        number += 1;
    }
}

fn in_quotes(name: &str) -> String {
    let shown = |c: char| match c {
        '"' | '\\' => '_',
        c if c.is_control() => '_',
        c => c,
    };
    name.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_holds_the_boundary_gets_another_and_a_name_cannot_leave_its_quotes() {
        let content = Content {
            name: "a\"\r\nX: y.pdf".to_owned(),
            content_type: "application/pdf".to_owned(),
            bytes: b"%PDF-1.7 --psa-pay-part-0--".to_vec(),
        };
        let params = vec![param("purpose", DISPUTE_EVIDENCE)];
        let (kind, body) = multipart(&params, &content);
        assert_eq!(kind, "multipart/form-data; boundary=psa-pay-part-1");
        let text = String::from_utf8(body.clone()).unwrap();
        assert!(text.contains("filename=\"a___X: y.pdf\""), "{text}");
        assert!(text.ends_with("\r\n--psa-pay-part-1--\r\n"), "{text}");
        assert_eq!(multipart(&params, &content).1, body, "the same bytes each time");
    }
}
