//! The papers of an answer to a payer's bank: what was uploaded for a dispute, what each is in the answer,
//! and the field for another one. They stand in the form of the answer itself, so that nothing that was typed
//! is lost when a file is uploaded.

use axum::http::HeaderMap;
use domain::dispute::document::{Document, FileState};
use domain::dispute::evidence::{self, Evidence, Field, Kind};
use domain::{DisputeId, Refusal};
use flows::disputes::{self, files};
use flows::{Failure, Moment};
use maud::{Markup, html};
use store::dispute_files::DisputeFile;

use super::dispute::Whole;
use super::dispute_words as words;
use crate::html::{self as parts, Choice, Errors, Offer};
use crate::people::multipart;
use crate::people::{Filled, Person};
use crate::router::Site;

/// The field of the file.
const FILE: &str = "file";
/// The field that says what it is.
const PAPER: &str = "paper";
/// What the button that wants nothing but the upload sends as `press`.
pub const UPLOAD: &str = "upload";

/// What a form says of files.
pub struct Papers {
    /// What the answer names of those that are at Stripe.
    pub named: Evidence,
    /// A new one, and what it is.
    pub new: Option<(Field, files::Upload)>,
}

/// All that is a file.
fn all() -> impl Iterator<Item = Field> {
    Field::ALL
        .iter()
        .copied()
        .filter(|field| field.kind() == Kind::File)
}

fn paper(word: &str) -> Option<Field> {
    all().find(|field| field.word() == word)
}

/// The field that says what an uploaded file is.
fn name_of(file: &DisputeFile) -> String {
    format!("{PAPER}-{}", file.id)
}

/// What a file is in the answer as it is drafted.
fn is_now(whole: &Whole, stripe: &str) -> Option<Field> {
    let mut of = whole.shown.draft.iter();
    of.find(|(_, value)| *value == stripe).map(|(field, _)| *field)
}

/// Reads what a form says of files; what it does not speak of stays as it is.
///
/// # Errors
/// What is wrong, field by field.
pub fn read(whole: &Whole, headers: &HeaderMap, body: &[u8], filled: &Filled) -> Result<Papers, Errors> {
    let mut errors = Errors::none();
    let mut named: Evidence = whole
        .shown
        .draft
        .iter()
        .filter(|(field, _)| field.kind() == Kind::File)
        .map(|(field, value)| (*field, value.clone()))
        .collect();
    let mut chosen = Vec::new();
    for file in &whole.shown.files {
        let Some(stripe) = &file.stripe_file_id else {
            continue;
        };
        let name = name_of(file);
        let Some(word) = filled.all(&name).next() else {
            continue;
        };
        if paper(word) != is_now(whole, stripe) {
            named.retain(|_, value| value != stripe);
            chosen.extend(paper(word).map(|field| (field, stripe.clone(), name)));
        }
    }
    for (field, stripe, name) in chosen {
        if named.insert(field, stripe).is_some() {
            let twice = format!("{} can be one file only.", words::field(field).0);
            errors.add(&name, twice);
        }
    }
    let new = handed_in(headers, body, filled, &mut errors);
    match errors.is_empty() {
        true => Ok(Papers { named, new }),
        false => Err(errors),
    }
}

fn handed_in(
    headers: &HeaderMap,
    body: &[u8],
    filled: &Filled,
    errors: &mut Errors,
) -> Option<(Field, files::Upload)> {
    let sent = multipart::parts(headers, body).unwrap_or_default();
    let file = sent.iter().find(|part| {
        let called = part.file_name.is_some_and(|name| !name.is_empty());
        part.name == FILE && (called || !part.bytes.is_empty())
    });
    let Some(file) = file else {
        if filled.get("press") == UPLOAD {
            errors.add(FILE, "Choose the file first.");
        }
        return None;
    };
    let field = paper(filled.get(PAPER));
    if field.is_none() {
        errors.add(PAPER, "Say what the file is.");
    }
    if Document::of(file.bytes).is_none() {
        errors.add(FILE, "The file must be a PDF, JPEG or PNG.");
        return None;
    }
    match files::Upload::read(file.file_name, file.bytes.to_vec()) {
        Ok(upload) => field.map(|field| (field, upload)),
        Err(Refusal::InvalidField { field, problem }) if field == "name" => {
            errors.add(FILE, format!("The file's name {problem}."));
            None
        }
        Err(Refusal::InvalidField { problem, .. }) => {
            errors.add(FILE, format!("The file {problem}."));
            None
        }
        Err(refusal) => {
            errors.add(FILE, refusal.to_string());
            None
        }
    }
}

/// Uploads a file and has the answer of a version name it. Whether Stripe has it already: otherwise it is
/// sent again by itself, and named later. Who sends the same form twice is stopped by the version of the
/// answer.
///
/// # Errors
/// What [`files::upload`] and [`disputes::put_evidence`] refuse.
pub async fn add(
    site: &Site,
    person: &Person,
    moment: Moment,
    dispute: &DisputeId,
    version: i64,
    mut said: Evidence,
    (field, upload): (Field, files::Upload),
) -> Result<bool, Failure> {
    let scope = person.scope();
    let file = files::upload(&site.app, &scope, &person.by, moment, dispute, upload).await?;
    let Some(stripe) = file.stripe_file_id else {
        return Ok(false);
    };
    said.insert(field, stripe);
    disputes::put_evidence(&site.app, &scope, &person.by, dispute, Some(version), said).await?;
    Ok(true)
}

/// What was wrong with an upload, beside the file; what is about the whole answer stands above it alone.
pub fn errors_of(refusal: &Refusal) -> Errors {
    let mut errors = Errors::none();
    errors.add(FILE, parts::plain::words(refusal, None));
    errors
}

/// The part of the form: what there is, and the field for another one. `sent` is the form that comes back.
pub fn part(whole: &Whole, sent: Option<&Filled>, errors: &Errors) -> Markup {
    let there: Vec<&DisputeFile> = whole
        .shown
        .files
        .iter()
        .filter(|file| file.status != FileState::Refused)
        .collect();
    let mut fields: Vec<Field> = evidence::wanted(&whole.shown.dispute.reason).to_vec();
    fields.retain(|field| field.kind() == Kind::File);
    let others: Vec<Field> = all().filter(|field| !fields.contains(field)).collect();
    fields.extend(others);
    let offers: Vec<Offer<'_>> = fields
        .iter()
        .map(|field| Offer {
            value: field.word(),
            label: words::field(*field).0,
            hint: "",
        })
        .collect();
    let chosen = sent.map(|sent| sent.get(PAPER)).filter(|word| !word.is_empty());
    // What the answer has already is not offered first, so that nobody replaces it without meaning to.
    let lacking = fields.iter().find(|field| !whole.shown.draft.contains_key(field));
    let what = Choice {
        name: PAPER,
        label: "What the new file is",
        hint: "",
        options: &offers,
        chosen: chosen.unwrap_or_else(|| lacking.map_or("", |field| field.word())),
    };
    html! {
        h2 { "Papers" }
        @if !there.is_empty() {
            ul .items { @for file in there { (one(whole, file, &offers, sent, errors)) } }
        }
        (parts::select(&what, errors))
        (parts::file(&parts::File {
            name: FILE,
            label: "File",
            hint: "A contract, a report, a signed ticket: PDF, JPEG or PNG. Banks take 4.5 MB, all files \
                   together.",
            kinds: "application/pdf,image/jpeg,image/png",
            optional: true,
        }, errors))
        div .actions {
            button .btn type="submit" name="press" value=(UPLOAD) { "Upload" }
        }
    }
}

/// A file that was uploaded, with what it is in the answer.
fn one(
    whole: &Whole,
    file: &DisputeFile,
    offers: &[Offer<'_>],
    sent: Option<&Filled>,
    errors: &Errors,
) -> Markup {
    let name = name_of(file);
    let out = Offer {
        value: "",
        label: "Not part of the answer",
        hint: "",
    };
    let options: Vec<Offer<'_>> = std::iter::once(out).chain(offers.iter().copied()).collect();
    let now = file.stripe_file_id.as_deref().and_then(|id| is_now(whole, id));
    let chosen = sent.and_then(|sent| sent.all(&name).next());
    html! {
        li {
            div { (words::file(file)) }
            @if file.stripe_file_id.is_some() {
                (parts::select(&Choice {
                    name: &name,
                    label: &format!("What {} is", file.name),
                    hint: "",
                    options: &options,
                    chosen: chosen.unwrap_or_else(|| now.map_or("", Field::word)),
                }, errors))
            } @else {
                span .soft { "On its way to Stripe" }
            }
        }
    }
}
