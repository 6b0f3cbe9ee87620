//! Documents as PDF: `/api/invoices/{id}/pdf`, `/api/credit-notes/{id}/pdf`, `/api/payments/{id}/receipt.pdf`
//! and `/api/clients/{id}/statement.pdf`.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use domain::language::Language;
use domain::seal::Day;
use domain::{ClientId, CreditNoteId, InvoiceId, PaymentId, Refusal};
use flows::Failure;
use serde::Deserialize;

use super::{Caller, InPath, Query};
use crate::documents_of::{self, Document, Period};
use crate::problem::Problem;
use crate::router::Site;

/// In which language.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanguageQuery {
    language: Option<String>,
}

impl LanguageQuery {
    /// English unless another is said.
    ///
    /// # Errors
    /// [`Refusal::InvalidField`] for a language that documents are not written in.
    pub fn language(&self) -> Result<Language, Refusal> {
        language(self.language.as_deref())
    }
}

fn language(tag: Option<&str>) -> Result<Language, Refusal> {
    let Some(tag) = tag else { return Ok(Language::En) };
    Language::parse(tag).ok_or_else(|| Refusal::invalid("language", "must be en, de, fr or es"))
}

/// `GET /api/invoices/{id}/pdf`
pub async fn invoice(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    InPath(id): InPath,
    Query(query): Query<LanguageQuery>,
) -> Result<Response, Problem> {
    let id = InvoiceId::parse(&id)?;
    answer(documents_of::invoice(&site, &scope, &id, Some(query.language()?), None).await?)
}

/// `GET /api/credit-notes/{id}/pdf`
pub async fn credit_note(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    InPath(id): InPath,
    Query(query): Query<LanguageQuery>,
) -> Result<Response, Problem> {
    let id = CreditNoteId::parse(&id)?;
    answer(documents_of::credit_note(&site, &scope, &id, Some(query.language()?)).await?)
}

/// `GET /api/payments/{id}/receipt.pdf`
pub async fn receipt(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    InPath(id): InPath,
    Query(query): Query<LanguageQuery>,
) -> Result<Response, Problem> {
    let id = PaymentId::parse(&id)?;
    answer(documents_of::receipt(&site, &scope, &id, None, Some(query.language()?)).await?)
}

/// From when to when, and in which language.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatementQuery {
    /// The first day, `YYYY-MM-DD`: the first of the last day's month unless it is said.
    from: Option<String>,
    /// The last day: today unless it is said.
    to: Option<String>,
    language: Option<String>,
}

/// `GET /api/clients/{id}/statement.pdf`
pub async fn statement(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    InPath(id): InPath,
    Query(query): Query<StatementQuery>,
) -> Result<Response, Problem> {
    let id = ClientId::parse(&id)?;
    let language = language(query.language.as_deref())?;
    let day = |field: &'static str, text: &str| {
        Day::parse(text).ok_or_else(|| Refusal::invalid(field, "must be a day such as 2026-12-31"))
    };
    let to = match query.to.as_deref() {
        Some(text) => day("to", text)?,
        None => Day::of(site.app.clock.now()),
    };
    let from = match query.from.as_deref() {
        Some(text) => day("from", text)?,
        None => first_of_month(to),
    };
    if from > to {
        return Err(Refusal::invalid("from", "must not be after `to`").into());
    }
    answer(documents_of::statement(&site, &scope, &id, Period { from, to }, Some(language)).await?)
}

fn first_of_month(day: Day) -> Day {
    let text = day.to_string();
    let month = text.rsplit_once('-').map_or("", |(month, _)| month);
    Day::parse(&format!("{month}-01")).unwrap_or(day)
}

/// The file, to be kept rather than opened in place: a PDF may hold links, and this page is no place for
/// them.
///
/// # Errors
/// Never but for a mistake in the program: the name is made of safe characters.
pub fn answer(document: Document) -> Result<Response, Problem> {
    let name = format!("attachment; filename=\"{}\"", document.name);
    let name = HeaderValue::from_str(&name).map_err(|_| Failure::Bug(name))?;
    let kind = HeaderValue::from_static("application/pdf");
    let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, document.pdf).into_response())
}
