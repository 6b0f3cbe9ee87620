//! `/operator/breaks`: what differs between our rows and Stripe's, of everybody, with what explains it; and
//! saying that one is dealt with.

use axum::extract::State;
use axum::response::Response;
use domain::{BreakId, Refusal, Timestamp};
use flows::{Failure, breaks};
use maud::{Markup, html};
use serde::Deserialize;
use store::reconciliation_breaks::{self as rows, Kept, Kind, Wanted};

use super::break_words::{title, words};
use super::filters::{self, Filter};
use super::{Names, lasted, mode, names, whose};
use crate::api::{InPath, Query};
use crate::dashboard::desk::{self, ASKED, SHOWN};
use crate::dashboard::{Asked as AskedDone, after, again, page, said, trouble};
use crate::html::{self as parts, Column, Errors, Field, Input, Pages, Place, Tab, Tone};
use crate::idempotency::forms;
use crate::people::{Filled, Person};
use crate::problem::Problem;
use crate::router::Site;

const PATH: &str = Place::Breaks.path();
const TITLE: &str = "Differences";
/// What an address may ask for: what is open, and these.
const STATES: [&str; 3] = ["", "resolved", "all"];
/// What is older than this should have been looked at.
const OLD_MS: i64 = 24 * 60 * 60 * 1000;
const LABELS: [(&str, &str); 1] = [("reason", "How it was dealt with")];

/// Which breaks are asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    state: String,
    kind: String,
    after: String,
}

impl Asked {
    fn is_open(&self) -> Option<bool> {
        match self.state.as_str() {
            "resolved" => Some(false),
            "all" => None,
            _ => Some(true),
        }
    }
}

/// `GET /operator/breaks`
pub async fn list(
    State(site): State<Site>,
    person: Person,
    asked: Result<Query<Asked>, Problem>,
) -> Response {
    let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
    let wanted = Wanted {
        kind: Kind::parse(&asked.kind),
        open: asked.is_open(),
        opened_by: None,
        after: BreakId::parse(&asked.after).ok(),
        limit: ASKED,
    };
    let read = site.app.db.read(move |tx| {
        let open = rows::count_open(tx)?;
        Ok::<_, store::Error>((rows::page_of_all(tx, &wanted)?, names(tx)?, open))
    });
    match read.await {
        Ok((found, names, open)) => {
            let now = site.app.clock.now();
            page(
                &person,
                Place::Breaks,
                TITLE,
                &show(&asked, &found, &names, open, now),
            )
        }
        Err(error) => trouble(&person, Place::Breaks, error.into()),
    }
}

fn show(asked: &Asked, found: &[Kept], names: &Names, open: i64, now: Timestamp) -> Markup {
    let here = &found[..found.len().min(SHOWN)];
    let address = |state: &str, after: &str| {
        desk::address(PATH, &[("state", state), ("kind", &asked.kind), ("after", after)])
    };
    let last = here.last().filter(|_| found.len() > SHOWN);
    let pages = Pages {
        next: last.map(|last| address(&asked.state, last.id.as_str())),
        previous: (!asked.after.is_empty()).then(|| address(&asked.state, "")),
        ..Pages::default()
    };
    let tab = |label, (state, open): (&str, Option<bool>), count| Tab {
        label,
        href: address(state, ""),
        count,
        here: asked.is_open() == open,
    };
    let tabs = [
        tab("Open", ("", Some(true)), desk::counted(open)),
        tab("Dealt with", ("resolved", Some(false)), None),
        tab("All", ("all", None), None),
    ];
    let kinds = Kind::ALL
        .iter()
        .map(|kind| (kind.word().to_owned(), words(*kind).title.to_owned()));
    let fields = [Filter::choice("kind", "Kind", &asked.kind, kinds)];
    let clear = desk::address(PATH, &[("state", &asked.state)]);
    let clear = (!asked.kind.is_empty()).then_some(clear.as_str());
    let columns = [
        Column::words("What"),
        Column::words("Whose"),
        Column::words("Age"),
        Column::words("Detail"),
    ];
    let rows: Vec<parts::Row> = here.iter().map(|row| cells(row, names, now)).collect();
    let about = "Where our rows and Stripe\u{2019}s do not agree, or a person has to decide.";
    html! {
        (parts::title(TITLE, about, &html! {}))
        (parts::tabs("States of differences", &tabs))
        (parts::unknown_state(&asked.state, STATES.contains(&asked.state.as_str())))
        (filters::show(PATH, &[("state", &asked.state)], &fields, clear))
        @if here.is_empty() && asked.after.is_empty() && asked.kind.is_empty() && asked.state.is_empty() {
            (parts::empty("Nothing differs", "Our rows and Stripe\u{2019}s agree, as far as was compared.",
                &html! {}))
        } @else if here.is_empty() {
            (parts::empty("Nothing matches", "No difference stands so.",
                &parts::link_button("Show what is open", PATH, "")))
        } @else {
            (parts::table(TITLE, &columns, &rows))
            (parts::pages(&pages))
        }
    }
}

fn cells(row: &Kept, names: &Names, now: Timestamp) -> parts::Row {
    vec![
        html! {
            a .row-link href={ (PATH) "/" (row.id) } { (title(&row.kind)) }
            code .under.soft { (row.subject_id) }
        },
        html! { (whose_break(row, names)) " " span .under { (mode(row.mode)) } },
        age(row, now),
        html! { (row.detail) },
    ]
}

/// What is of no tenant is the platform's own matter here.
fn whose_break(row: &Kept, names: &Names) -> Markup {
    match &row.tenant {
        None => html! { "The platform" },
        some => whose(some.as_ref(), names),
    }
}

fn age(row: &Kept, now: Timestamp) -> Markup {
    let is_old = now.ms().saturating_sub(row.opened_at.ms()) > OLD_MS;
    match row.resolved_at {
        Some(at) => html! {
            (parts::badge(Tone::Good, "Dealt with"))
            span .under.soft { "after " (lasted(row.opened_at, at)) }
        },
        None => html! {
            (parts::badge(if is_old { Tone::Bad } else { Tone::Alert }, &lasted(row.opened_at, now)))
        },
    }
}

/// `GET /operator/breaks/{id}`
pub async fn show_one(
    State(site): State<Site>,
    person: Person,
    InPath(id): InPath,
    asked: AskedDone,
) -> Response {
    match read(&site, &id).await {
        Ok((row, names)) => {
            let content = one(
                &site,
                &person,
                &row,
                &names,
                ["", ""],
                &Errors::none(),
                &said(&asked),
            );
            page(&person, Place::Breaks, title(&row.kind), &content)
        }
        Err(failure) => trouble(&person, Place::Breaks, failure),
    }
}

async fn read(site: &Site, id: &str) -> Result<(Kept, Names), Failure> {
    let id = BreakId::parse(id)?;
    let read = site.app.db.read(move |tx| {
        let row = rows::get_anybodys(tx, &id)?.ok_or(Refusal::NotFound)?;
        Ok::<_, Failure>((row, names(tx)?))
    });
    read.await
}

fn one(
    site: &Site,
    person: &Person,
    row: &Kept,
    names: &Names,
    [reason, once]: [&str; 2],
    errors: &Errors,
    said: &Markup,
) -> Markup {
    let now = site.app.clock.now();
    let facts = [
        ("Whose", whose_break(row, names)),
        ("About", subject(&row.subject_id)),
        ("Detail", html! { (row.detail) }),
        ("Since", parts::moment(row.opened_at)),
    ];
    html! {
        a .back href=(PATH) { (TITLE) }
        (parts::title(title(&row.kind), "", &html! { (age(row, now)) " " (mode(row.mode)) }))
        (said)
        div .stack.loose {
            section .card {
                h2 { "What differs" }
                (parts::facts(&facts))
            }
            @if let Some(kind) = Kind::parse(&row.kind) { (explained(kind)) }
            (resolving(site, person, row, [reason, once], errors))
        }
    }
}

/// What a break is about, with the events that told of it.
fn subject(id: &str) -> Markup {
    let event = id.rsplit(' ').next().unwrap_or(id);
    let events = desk::address(Place::Inbox.path(), &[("id", event)]);
    html! {
        code { (id) }
        @if event.contains('_') { " " a href=(events) { "Its events" } }
    }
}

fn explained(kind: Kind) -> Markup {
    let words = words(kind);
    html! {
        section .card {
            h2 { "What it means" }
            p { (words.means) }
            p { strong { "What to do: " } (words.do_this) }
            p .soft {
                @if words.ends_by_itself { "It ends by itself once it is no difference any more." }
                @else { "It does not end by itself: somebody says how it was dealt with." }
            }
        }
    }
}

fn resolving(site: &Site, person: &Person, row: &Kept, [reason, once]: [&str; 2], errors: &Errors) -> Markup {
    if let Some(at) = row.resolved_at {
        let by = row.resolved_by.as_deref().unwrap_or("It ended by itself");
        let mut facts = vec![("When", parts::moment(at)), ("By", html! { (by) })];
        if let Some(reason) = &row.reason {
            facts.push(("How", html! { (reason) }));
        }
        return html! {
            section .card {
                h2 { "Dealt with" }
                (parts::facts(&facts))
            }
        };
    }
    html! {
        section .card {
            h2 { "Say that it is dealt with" }
            p .soft { "This changes no money and nothing at Stripe. The audit log keeps who said so." }
            (parts::form(&format!("{PATH}/{}/resolve", row.id), &person.csrf, &html! {
                (parts::summary(errors))
                (forms::field(site, once))
                (parts::field(&Field {
                    name: "reason", label: LABELS[0].1, value: reason, input: Input::Lines,
                    hint: "For your colleagues and the audit log.", max: 500, ..Field::default()
                }, errors))
                div .actions { (parts::primary_button("Mark as dealt with")) }
            }))
        }
    }
}

/// `POST /operator/breaks/{id}/resolve`
pub async fn resolve(
    State(site): State<Site>,
    person: Person,
    InPath(id): InPath,
    filled: Filled,
) -> Response {
    let (row, names) = match read(&site, &id).await {
        Ok(found) => found,
        Err(failure) => return trouble(&person, Place::Breaks, failure),
    };
    let reason = filled.get("reason");
    match breaks::resolve(&site.app, None, &person.by, &row.id, reason).await {
        Ok(_) => after(&format!("{PATH}/{}", row.id), "resolved"),
        Err(failure) => again(failure, &person, Place::Breaks, title(&row.kind), |refusal| {
            let errors = Errors::of_refusal(refusal, &LABELS);
            one(
                &site,
                &person,
                &row,
                &names,
                [reason, filled.get(forms::FIELD)],
                &errors,
                &html! {},
            )
        }),
    }
}
