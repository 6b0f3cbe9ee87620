//! `/payouts`: what left the Stripe balance for the bank, newest first, by where each stands.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use store::lists::Only;
use store::payouts::{self as rows, Payout};

use super::desk::{self, ASKED, SHOWN};
use super::{page, trouble};
use crate::api::Query;
use crate::html::{self as parts, Column, Pages, Place, Tab, Tone};
use crate::people::Person;
use crate::problem::Problem;
use crate::router::Site;

const PATH: &str = Place::Payouts.path();
const TITLE: &str = "Payouts";
/// Stripe's words for where a payout stands, with what the tabs call them; the first is all of them.
const TABS: [(&str, &str); 6] = [
    ("", "All"),
    ("pending", "Planned"),
    ("in_transit", "On the way"),
    ("paid", "Paid out"),
    ("failed", "Failed"),
    ("canceled", "Called back"),
];

/// Which payouts are asked for.
#[derive(Debug, Default, Deserialize)]
pub struct Which {
    #[serde(default)]
    state: String,
    #[serde(default)]
    after: String,
}

impl Which {
    fn tab(&self) -> (&'static str, &'static str) {
        let found = TABS.into_iter().find(|(word, _)| *word == self.state);
        found.unwrap_or(TABS[0])
    }
}

/// `GET /payouts`
pub async fn list(
    State(site): State<Site>,
    person: Person,
    which: Result<Query<Which>, Problem>,
) -> Response {
    let which = which.map(|Query(which)| which).unwrap_or_default();
    let (word, scope) = (which.tab().0, person.scope());
    let after = Some(desk::looked_for(&which.after)).filter(|after| !after.is_empty());
    let only = Only {
        status: Some(word.to_owned()),
        ..Only::default()
    };
    let read = site.app.db.read(move |tx| {
        let counts = TABS.map(|(word, _)| rows::count(tx, &scope, word));
        let found = match rows::page(tx, &scope, &only, after.as_deref(), ASKED)? {
            Some(found) => found,
            // Of a payout that is not there nobody knows what follows it.
            None => rows::page(tx, &scope, &only, None, ASKED)?.unwrap_or_default(),
        };
        let counts = counts.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok::<_, store::Error>((found, counts))
    });
    match read.await {
        Ok((found, counts)) => page(&person, Place::Payouts, TITLE, &shown(&which, &found, &counts)),
        Err(error) => trouble(&person, Place::Payouts, error.into()),
    }
}

fn shown(which: &Which, found: &[Payout], counts: &[i64]) -> Markup {
    let columns = [
        Column::words("Payout"),
        Column::words("State"),
        Column::words("At the bank"),
        Column::words("Made"),
        Column::figures("Amount"),
    ];
    let (word, _) = which.tab();
    let here = &found[..found.len().min(SHOWN)];
    let table: Vec<parts::Row> = here.iter().map(row).collect();
    let next = here.last().filter(|_| found.len() > SHOWN);
    let pages = Pages {
        next: next.map(|last| desk::address(PATH, &[("state", word), ("after", last.id.as_str())])),
        previous: (!which.after.is_empty()).then(|| desk::address(PATH, &[("state", word)])),
        ..Pages::default()
    };
    let tabs: Vec<Tab> = TABS
        .iter()
        .zip(counts)
        .map(|((state, label), count)| Tab {
            label,
            href: desk::address(PATH, &[("state", state)]),
            count: desk::counted(*count),
            here: *state == word,
        })
        .collect();
    html! {
        (parts::title(TITLE, "What Stripe sends from your balance to your bank.", &html! {
            (parts::link_button("CSV", "/payouts.csv", ""))
        }))
        (parts::tabs("Payouts by state", &tabs))
        (parts::unknown_state(&which.state, which.state == word))
        @if table.is_empty() { (nothing(which)) } @else {
            (parts::table(TITLE, &columns, &table))
            (parts::pages(&pages))
        }
    }
}

fn nothing(which: &Which) -> Markup {
    let all = parts::link_button("Show all payouts", PATH, "");
    match (which.tab(), which.after.is_empty()) {
        (_, false) => parts::empty("That was the last page", "There are no older payouts.", &all),
        (("", _), true) => parts::empty(
            "No payouts yet",
            "Once a client has paid, Stripe sends the money to your bank by your account's schedule. Each \
             payout stands here with the invoices that it pays out.",
            &html! {},
        ),
        ((_, label), true) => {
            let title = format!("No payouts: {}", label.to_lowercase());
            parts::empty(&title, "No payout is in this state now.", &all)
        }
    }
}

fn row(payout: &Payout) -> parts::Row {
    vec![
        html! {
            a .row-link href={ (PATH) "/" (payout.id) } {
                @match payout.made_at {
                    Some(at) => (parts::day(at)),
                    None => (payout.id),
                }
            }
        },
        state(payout),
        parts::day_or(payout.arrival_at, "Not said"),
        html! { @if payout.automatic { "By schedule" } @else { "By hand" } },
        html! { (desk::sum(payout.amount, &payout.currency)) },
    ]
}

/// Where a payout stands, in a badge.
pub fn state(payout: &Payout) -> Markup {
    let (tone, words) = match payout.status.as_str() {
        "pending" => (Tone::Calm, "Planned"),
        "in_transit" => (Tone::Busy, "On the way"),
        "paid" => (Tone::Good, "Paid out"),
        "failed" => (Tone::Bad, "Failed"),
        "canceled" => (Tone::Calm, "Called back"),
        newer => (Tone::Busy, newer),
    };
    parts::badge(tone, words)
}
