//! `/disputes`: what payers' banks dispute. What has to be answered first stands first.

use axum::extract::State;
use axum::response::Response;
use domain::{DisputeId, Timestamp};
use flows::Failure;
use maud::{Markup, html};
use serde::Deserialize;
use store::dispute_desk::{self as rows, Shelf};
use store::disputes::{self, Dispute};
use store::invoices::{self, Invoice};
use store::{clients, payments};

use super::desk::{self, ASKED, SHOWN};
use super::dispute_words as words;
use super::{page, trouble};
use crate::api::Query;
use crate::html::{self as parts, Column, Pages, Place, Tab};
use crate::people::Person;
use crate::problem::Problem;
use crate::router::Site;

const PATH: &str = Place::Disputes.path();
const TITLE: &str = "Disputes";

/// Which disputes are asked for.
#[derive(Debug, Default, Deserialize)]
pub struct Which {
    #[serde(default)]
    state: String,
    #[serde(default)]
    after: String,
}

/// A dispute with what it is about.
struct Listed {
    dispute: Dispute,
    invoice: Option<Invoice>,
    client: String,
}

/// `GET /disputes`
pub async fn list(
    State(site): State<Site>,
    person: Person,
    which: Result<Query<Which>, Problem>,
) -> Response {
    let which = which.map(|Query(which)| which).unwrap_or_default();
    let shelf = Shelf::parse(&which.state).unwrap_or_default();
    let (scope, now) = (person.scope(), site.app.clock.now());
    let after = DisputeId::parse(&which.after).ok();
    let read = site.app.db.read(move |tx| {
        let counts = rows::counts(tx, &scope)?;
        let after = match &after {
            Some(id) => disputes::get(tx, &scope, id)?,
            None => None,
        };
        let mut listed = Vec::new();
        for dispute in rows::page(tx, &scope, shelf, after.as_ref(), ASKED)? {
            let invoice = match payments::get(tx, &scope, &dispute.payment_id)? {
                Some(payment) => invoices::get(tx, &scope, &payment.invoice_id)?,
                None => None,
            };
            let client = match &invoice {
                Some(invoice) => clients::get(tx, &scope, &invoice.client_id)?,
                None => None,
            };
            let client = client.map(|client| client.name).unwrap_or_default();
            listed.push(Listed {
                dispute,
                invoice,
                client,
            });
        }
        Ok::<_, Failure>((listed, counts))
    });
    match read.await {
        Ok((listed, counts)) => {
            let content = shown(shelf, &which, &listed, &counts, now);
            page(&person, Place::Disputes, TITLE, &content)
        }
        Err(failure) => trouble(&person, Place::Disputes, failure),
    }
}

fn shown(shelf: Shelf, which: &Which, listed: &[Listed], counts: &[(Shelf, i64)], now: Timestamp) -> Markup {
    let columns = [
        Column::words("Dispute"),
        Column::words("Answer by"),
        Column::words("State"),
        Column::words("Why"),
        Column::words("Invoice"),
        Column::figures("Amount"),
    ];
    let at = |shelf: Shelf| match shelf {
        Shelf::Open => "",
        Shelf::ToDecide | Shelf::Over => shelf.word(),
    };
    let here = &listed[..listed.len().min(SHOWN)];
    let table: Vec<parts::Row> = here.iter().map(|one| row(one, now)).collect();
    let next = here.last().filter(|_| listed.len() > SHOWN);
    let pages = Pages {
        next: next
            .map(|last| desk::address(PATH, &[("state", at(shelf)), ("after", last.dispute.id.as_str())])),
        previous: (!which.after.is_empty()).then(|| desk::address(PATH, &[("state", at(shelf))])),
        ..Pages::default()
    };
    let tabs: Vec<Tab> = counts
        .iter()
        .map(|(one, count)| Tab {
            label: label(*one),
            href: desk::address(PATH, &[("state", at(*one))]),
            count: desk::counted(*count),
            here: *one == shelf,
        })
        .collect();
    html! {
        (parts::title(TITLE, "Payments that a payer's bank questions or has taken back.", &html! {}))
        (parts::tabs("Disputes by state", &tabs))
        (parts::unknown_state(&which.state, Shelf::parse(&which.state).is_some()))
        @if table.is_empty() { (nothing(shelf, &which.after)) } @else {
            (parts::table(TITLE, &columns, &table))
            (parts::pages(&pages))
        }
    }
}

const fn label(shelf: Shelf) -> &'static str {
    match shelf {
        Shelf::Open => "Open",
        Shelf::ToDecide => "Lost, to decide",
        Shelf::Over => "Closed",
    }
}

fn nothing(shelf: Shelf, after: &str) -> Markup {
    let first = parts::link_button("Show the first", PATH, "");
    match (shelf, after.is_empty()) {
        (_, false) => parts::empty("That was the last page", "There are no more disputes.", &first),
        (Shelf::Open, true) => parts::empty(
            "No dispute is open",
            "When a payer's bank questions a payment, it stands here with the day by which you answer.",
            &html! {},
        ),
        (Shelf::ToDecide, true) => parts::empty(
            "Nothing to decide",
            "When a dispute is lost, you say here whether the client still owes the amount.",
            &html! {},
        ),
        (Shelf::Over, true) => parts::empty(
            "No dispute is closed",
            "What banks have decided stands here.",
            &html! {},
        ),
    }
}

fn row(listed: &Listed, now: Timestamp) -> parts::Row {
    let dispute = &listed.dispute;
    let waits = words::waits_for_answer(dispute);
    vec![
        html! {
            a .row-link href={ (PATH) "/" (dispute.id) } { (listed.client) }
            span .under.soft { "Opened " (parts::day(dispute.opened_at)) }
        },
        html! {
            @match dispute.due_at.filter(|_| waits) {
                Some(due) => (parts::day(due)),
                None => span .soft { "\u{2013}" },
            }
            @if let Some((words, alarming)) = words::deadline(dispute, now) {
                span .under.late[alarming].soft[!alarming] { (words) }
            }
        },
        words::state(dispute),
        html! { (words::reason(&dispute.reason).0) },
        html! {
            @match &listed.invoice {
                Some(invoice) => a .nowrap href={ "/invoices/" (invoice.id) } { (desk::name(invoice)) },
                None => span .soft { "\u{2013}" },
            }
        },
        html! { (desk::amount(dispute.amount, dispute.currency)) },
    ]
}
