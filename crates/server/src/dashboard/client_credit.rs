//! `/clients/{id}/credit`: how a client's credit moved, with where it came from and where it went. The newest
//! of it stands on the client's own page.

use axum::extract::State;
use axum::response::Response;
use domain::{ClientId, LedgerTransactionId, Refusal};
use flows::Failure;
use maud::{Markup, html};
use serde::Deserialize;
use store::clients::{self, Client};
use store::credit_movements::{self as rows, Movement};

use super::desk::{self, ASKED, SHOWN};
use super::{page, trouble};
use crate::api::{InPath, Query};
use crate::html::{self as parts, Column, Pages, Place};
use crate::people::Person;
use crate::problem::Problem;
use crate::router::Site;

const PATH: &str = Place::Clients.path();
const TITLE: &str = "Credit: what came in and what went out";
const NONE_YET: &str =
    "What this client pays too much, or is given by a credit note of what was paid, stands here.";
/// As many as stand on the client's page.
pub const NEWEST: i64 = 5;

/// Which page is asked for.
#[derive(Debug, Default, Deserialize)]
pub struct Which {
    #[serde(default)]
    after: String,
}

/// `GET /clients/{id}/credit`
pub async fn show(
    State(site): State<Site>,
    person: Person,
    InPath(id): InPath,
    which: Result<Query<Which>, Problem>,
) -> Response {
    let which = which.map(|Query(which)| which).unwrap_or_default();
    // Of a movement that is not there nobody knows what follows it: then it is the newest.
    let after = LedgerTransactionId::parse(&which.after).ok();
    let (scope, from) = (person.scope(), after.clone());
    let read = async {
        let id = ClientId::parse(&id)?;
        let read = site.app.db.read(move |tx| {
            let client = clients::get(tx, &scope, &id)?.ok_or(Refusal::NotFound)?;
            let found = rows::page(tx, &scope, &id, from.as_ref(), ASKED)?;
            Ok::<_, Failure>((client, found))
        });
        read.await
    };
    match read.await {
        Ok((client, found)) => page(
            &person,
            Place::Clients,
            &format!("Credit of {}", client.name),
            &whole(&client, &found, after.is_some()),
        ),
        Err(failure) => trouble(&person, Place::Clients, failure),
    }
}

fn whole(client: &Client, found: &[Movement], later: bool) -> Markup {
    let path = format!("{PATH}/{}/credit", client.id);
    let here = &found[..found.len().min(SHOWN)];
    let next = here.last().filter(|_| found.len() > SHOWN);
    let pages = Pages {
        next: next.map(|last| desk::address(&path, &[("after", last.id.as_str())])),
        previous: later.then(|| path.clone()),
        ..Pages::default()
    };
    let title = format!("Credit of {}", client.name);
    html! {
        a .back href={ (PATH) "/" (client.id) } { (client.name) }
        (parts::title(&title, "What came in, what it paid and what went back.", &html! {}))
        @if here.is_empty() {
            @match later {
                true => (parts::empty("That was the last page", "There is nothing older.",
                    &parts::link_button("Show the newest", &path, ""))),
                false => (parts::empty("No credit yet", NONE_YET, &html! {})),
            }
        } @else {
            (table(here))
            (parts::pages(&pages))
        }
    }
}

/// The newest movements, for the client's page; nothing where there never was any credit.
pub fn newest(client: &Client, moved: &[Movement]) -> Markup {
    let shown = usize::try_from(NEWEST).unwrap_or(moved.len());
    html! {
        @if !moved.is_empty() {
            section {
                div .section-head {
                    h2 { (TITLE) }
                    @if moved.len() > shown {
                        a href={ (PATH) "/" (client.id) "/credit" } { "All of it" }
                    }
                }
                (table(&moved[..moved.len().min(shown)]))
            }
        }
    }
}

fn table(moved: &[Movement]) -> Markup {
    let columns = [
        Column::words("What happened"),
        Column::words("Invoice"),
        Column::words("When"),
        Column::figures("Amount"),
        Column::figures("Credit afterwards"),
    ];
    let rows: Vec<parts::Row> = moved.iter().map(row).collect();
    parts::table(TITLE, &columns, &rows)
}

fn row(movement: &Movement) -> parts::Row {
    let signed = match movement.amount > 0 {
        true => format!("+{}", desk::amount(movement.amount, movement.currency)),
        false => desk::amount(movement.amount, movement.currency),
    };
    vec![
        what(movement),
        html! {
            a href={ "/invoices/" (movement.invoice_id) } {
                (movement.invoice_number.as_deref().unwrap_or("Draft"))
            }
        },
        parts::day(movement.at),
        html! { (signed) },
        html! { (desk::amount(movement.balance, movement.currency)) },
    ]
}

/// What happened, with what it happened by.
fn what(movement: &Movement) -> Markup {
    let words = match movement.kind.as_str() {
        "payment" => "Paid too much",
        "credit_note" => "Credit note",
        "credit_applied" => "Paid the invoice",
        "refund" => "Paid back",
        "refund_reversal" => "A refund did not arrive",
        "dispute_lost" => "Taken back by the bank",
        "dispute_regained" => "Given back by the bank",
        _ => "Corrected",
    };
    html! {
        @match (&movement.credit_note, &movement.payment_id) {
            (Some((id, number)), _) => {
                a href={ "/credit-notes/" (id) "/credit-note.pdf" } { (words) " " (number) }
            }
            (None, Some(payment)) => a href={ (Place::Payments.path()) "/" (payment) } { (words) },
            (None, None) => (words),
        }
    }
}
