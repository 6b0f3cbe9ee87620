//! On a client's page: its credit, piece by piece, and its statement for the days that somebody asks for.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use domain::seal::Day;
use domain::{ClientId, Refusal};
use flows::credits::{Credit, Piece};
use maud::{Markup, html};
use serde::Deserialize;

use super::{desk, trouble};
use crate::api::{InPath, Query};
use crate::documents_of::{self, Period};
use crate::html::{self as parts, Place, Tone};
use crate::people::Person;
use crate::problem::Problem;
use crate::router::Site;

const PATH: &str = Place::Clients.path();

/// The pieces of a client's credit, with where each came from; nothing where there is none.
pub fn credit(credit: &Credit) -> Markup {
    html! {
        @if !credit.pieces.is_empty() {
            section .card {
                h2 { "Credit" }
                ul .items { @for piece in &credit.pieces { li { (one(piece)) } } }
            }
        }
    }
}

fn one(piece: &Piece) -> Markup {
    let credit = &piece.credit;
    let why = match (&credit.credit_note_id, &credit.payment_id) {
        (Some(_), _) => "By a credit note, of what was paid already",
        (None, Some(_)) => "Paid too much",
        (None, None) => "Came in without an invoice",
    };
    html! {
        div {
            @match &credit.invoice_id {
                Some(id) => a href={ "/invoices/" (id) } { (why) },
                None => (why),
            }
            p .soft.small {
                (parts::day(credit.created_at))
                @if credit.remaining < credit.amount {
                    ", " (desk::amount(credit.amount - credit.remaining, credit.currency)) " of "
                    (desk::amount(credit.amount, credit.currency)) " is used"
                }
            }
        }
        div {
            @if piece.held { (parts::badge(Tone::Alert, "Held: its payment is disputed")) " " }
            span .figure { (desk::amount(credit.remaining, credit.currency)) }
        }
    }
}

/// The form for a statement, which works without a script: it leads to the PDF.
pub fn statement(client: &ClientId, today: &str) -> Markup {
    let month = today.get(..7).unwrap_or(today);
    let field = |name: &str, label: &str, value: &str| {
        html! {
            div .field {
                label for={ "statement-" (name) } { (label) }
                input .input id={ "statement-" (name) } name=(name) type="date" value=(value);
            }
        }
    };
    html! {
        section .card {
            h2 { "Statement" }
            p .soft { "What was billed, paid and given back, with what is owed before and after." }
            form .filters method="get" action={ (PATH) "/" (client) "/statement.pdf" } {
                (field("from", "From", &format!("{month}-01")))
                (field("to", "To", today))
                div .actions { button .btn type="submit" { "Statement as PDF" } }
            }
        }
    }
}

/// From which day to which.
#[derive(Debug, Default, Deserialize)]
pub struct Days {
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
}

/// `GET /clients/{id}/statement.pdf`
pub async fn statement_pdf(
    State(site): State<Site>,
    person: Person,
    InPath(id): InPath,
    days: Result<Query<Days>, Problem>,
) -> Response {
    let days = days.map(|Query(days)| days).unwrap_or_default();
    let made = async {
        let id = ClientId::parse(&id)?;
        let unread = |field| Refusal::invalid(field, "must be a day such as 2026-11-27");
        let from = Day::parse(days.from.trim()).ok_or_else(|| unread("from"))?;
        let to = Day::parse(days.to.trim()).ok_or_else(|| unread("to"))?;
        if from > to {
            return Err(Refusal::invalid("from", "must not be after the last day").into());
        }
        documents_of::statement(&site, &person.scope(), &id, Period { from, to }, None).await
    };
    match made.await {
        Ok(document) => {
            let name = format!("inline; filename=\"{}\"", document.name);
            let headers = [
                (header::CONTENT_TYPE, "application/pdf".to_owned()),
                (header::CONTENT_DISPOSITION, name),
                (header::CACHE_CONTROL, "private, no-store".to_owned()),
            ];
            (headers, document.pdf).into_response()
        }
        Err(failure) => trouble(&person, Place::Clients, failure),
    }
}
