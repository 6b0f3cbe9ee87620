//! Files: documents that are uploaded as multipart forms and named by evidence. What is kept is what they are
//! called, what they are and how large; their bytes are looked at once and let go.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::Ctx;
use crate::error::ApiError;
use crate::form::Params;
use crate::list;
use crate::state::{Shown, Space, State};

/// What files may be for, in which formats, and how many bytes they may have.
const PURPOSES: [(&str, &[&str], i64); 5] = [
    ("dispute_evidence", &["pdf", "jpg", "png"], 5_000_000),
    ("account_requirement", &["pdf", "jpg", "png"], 5_000_000),
    ("additional_verification", &["pdf", "jpg", "png"], 5_000_000),
    ("business_icon", &["jpg", "png"], 512 * 1024),
    ("business_logo", &["jpg", "png"], 512 * 1024),
];
const WORDS: [&str; 5] = [
    "dispute_evidence",
    "account_requirement",
    "additional_verification",
    "business_icon",
    "business_logo",
];
/// The fields of evidence that name files.
const OF_EVIDENCE: [&str; 8] = [
    "cancellation_policy",
    "customer_communication",
    "customer_signature",
    "duplicate_charge_documentation",
    "receipt",
    "refund_policy",
    "service_documentation",
    "shipping_documentation",
];
/// Bytes of all files that evidence names.
const TOGETHER_MAX: i64 = 4_500_000;

/// A file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct File {
    /// `file_…`.
    pub id: String,
    /// On which account it was uploaded.
    pub space: Space,
    /// When, in seconds.
    pub created: i64,
    /// What it is for.
    pub purpose: String,
    /// What it is called.
    pub filename: String,
    /// Such as `pdf`.
    pub format: String,
    /// In bytes.
    pub size: i64,
}

impl File {
    fn render(&self) -> Value {
        json!({
            "id": self.id, "object": "file", "created": self.created, "expires_at": null,
            "filename": self.filename,
            "links": {"object": "list", "data": [], "has_more": false,
                "url": format!("/v1/file_links?file={}", self.id)},
            "purpose": self.purpose, "size": self.size, "title": null, "type": self.format,
            "url": format!("https://files.stripe.com/v1/files/{}/contents", self.id),
        })
    }
}

impl Shown for File {
    fn shown(&self, _: &State) -> Value {
        self.render()
    }
}

/// What the bytes of a file are; empty when they are nothing that is taken.
pub fn format(bytes: &[u8]) -> &'static str {
    match bytes {
        [b'%', b'P', b'D', b'F', b'-', ..] => "pdf",
        [0xFF, 0xD8, 0xFF, ..] => "jpg",
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => "png",
        _ => "",
    }
}

/// `POST /v1/files`: a purpose, and a file that the form has been read into.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let purpose = params.required_choice("purpose", &WORDS)?;
    let mut file = params.map("file")?.ok_or_else(|| ApiError::missing("file"))?;
    let filename = file.text("filename")?.unwrap_or_else(|| "file".to_owned());
    let format = file.text("format")?.unwrap_or_default();
    let size = file.integer("size")?.unwrap_or(0);
    // What makes two files the same for an idempotency key.
    file.text("sha256")?;
    file.finish()?;
    params.finish()?;
    let known = PURPOSES.iter().find(|(word, ..)| *word == purpose);
    let (formats, most) = known.map_or((&[][..], 0), |(_, formats, most)| (*formats, *most));
    if !formats.contains(&format.as_str()) {
        let message = format!(
            "Unsupported file type. Files for {purpose} are: {}.",
            formats.join(", ")
        );
        return Err(ApiError::invalid(message).param("file"));
    }
    if size > most {
        let message = format!("File is too large. Files for {purpose} have at most {most} bytes.");
        return Err(ApiError::invalid(message).param("file"));
    }
    let file = File {
        id: state.id("file_1", 23),
        space: ctx.space.clone(),
        created: state.now_s(),
        purpose: purpose.to_owned(),
        filename,
        format,
        size,
    };
    Ok(state.put(file).render())
}

/// `GET /v1/files/{id}`.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(state.get::<File>(&ctx.space, id)?.render())
}

/// `GET /v1/files`, by `purpose` and `created`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let purpose = params.choice("purpose", &WORDS)?;
    let created = list::Created::read(&mut params)?;
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let wanted =
        |file: &File| purpose.is_none_or(|purpose| file.purpose == purpose) && created.holds(file.created);
    list::answer(state, &ctx.space, &page, "/v1/files", wanted, |file: &File| {
        file.render()
    })
}

/// Whether a text of evidence names a file.
fn names_file(field: &str) -> bool {
    field == "uncategorized_file" || OF_EVIDENCE.contains(&field)
}

/// Checks the files that evidence names: each is on the account, is evidence, and all are small enough
/// together.
///
/// # Errors
/// 400 for the first that is not.
pub fn check_evidence<'a>(
    state: &State,
    space: &Space,
    evidence: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<(), ApiError> {
    let mut together: i64 = 0;
    for (field, id) in evidence.filter(|(field, _)| names_file(field)) {
        let param = format!("evidence[{field}]");
        let shown: String = id.chars().take(60).collect();
        let Ok(file) = state.get::<File>(space, id) else {
            let error = ApiError::invalid(format!("No such file upload: '{shown}'"));
            return Err(error.code("resource_missing").param(param));
        };
        if file.purpose != "dispute_evidence" {
            let message = format!(
                "File '{shown}' is for {}, not for dispute_evidence.",
                file.purpose
            );
            return Err(ApiError::invalid(message).param(param));
        }
        together = together.saturating_add(file.size);
    }
    if together > TOGETHER_MAX {
        let message = format!("All files together may have {TOGETHER_MAX} bytes.");
        return Err(ApiError::invalid(message).param("evidence"));
    }
    Ok(())
}
