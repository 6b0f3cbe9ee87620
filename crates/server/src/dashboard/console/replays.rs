//! `/operator/inbox/replay`: having all events applied again that a filter names. First a page that says
//! how many that is, then the doing, then a page that says how far they are.

use axum::extract::State;
use axum::response::Response;
use domain::{Refusal, Timestamp};
use flows::Failure;
use flows::stripe_events::replay::{self, AT_ONCE_MAX, Replayed};
use maud::{Markup, html};
use store::stripe_webhook_events::Status;
use store::stripe_webhook_events::shown;

use super::counted;
use super::inbox::{self, Asked, LABELS, PATH, state};
use crate::api::{InPath, Query};
use crate::dashboard::{again, desk, page, trouble};
use crate::html::{self as parts, Column, Errors, Place, Tone};
use crate::idempotency::forms;
use crate::people::{Filled, Person, see_other};
use crate::problem::Problem;
use crate::router::Site;

const TITLE: &str = "Replay events";
/// Events that the review names, so that somebody sees what it is about.
const NAMED: usize = 10;

/// `GET /operator/inbox/replay`
pub async fn review(
    State(site): State<Site>,
    person: Person,
    given: Result<Query<Vec<(String, String)>>, Problem>,
) -> Response {
    let trial = async {
        let (asked, wanted) = Asked::strictly(&inbox::pairs_of(given)?, AT_ONCE_MAX)?;
        let trial = replay::many(&site.app, None, &person.by, wanted, true).await?;
        Ok::<_, Failure>((asked, trial))
    };
    match trial.await {
        Ok((asked, trial)) => page(&person, Place::Inbox, TITLE, &ask(&site, &person, &asked, &trial)),
        Err(failure) => again(failure, &person, Place::Inbox, TITLE, unreadable),
    }
}

/// A filter that cannot be read: nothing is replayed until it can.
fn unreadable(refusal: &Refusal) -> Markup {
    let errors = Errors::of_refusal(refusal, &LABELS);
    html! {
        a .back href=(PATH) { "Webhooks" }
        (parts::title(TITLE, "Nothing was replayed.", &html! {}))
        (parts::summary(&errors))
        div .actions { (parts::link_button("Back to the events", PATH, "")) }
    }
}

fn ask(site: &Site, person: &Person, asked: &Asked, trial: &Replayed) -> Markup {
    let back = desk::address(PATH, &asked.pairs());
    let count = counted(trial.events.len(), "event");
    html! {
        a .back href=(back) { "Webhooks" }
        (parts::title(TITLE, "", &html! {}))
        div .stack.loose {
            section .card.narrow {
                h2 { (count) " would be applied again" }
                p { "What was applied before changes nothing. What is on its way already, or must never be \
                     applied, is left out." }
                @if trial.has_more {
                    p { "More match. The newest " (AT_ONCE_MAX) " are looked at in one go; the next page \
                         offers the others." }
                }
                (narrowed(asked))
                (parts::form(&format!("{PATH}/replay"), &person.csrf, &html! {
                    (forms::field(site, ""))
                    (hidden(asked))
                    div .actions {
                        @if !trial.events.is_empty() { (parts::primary_button(&format!("Replay {count}"))) }
                        (parts::link_button("Back", &back, "plain"))
                    }
                }))
            }
            @if !trial.events.is_empty() { (some(trial)) }
        }
    }
}

/// The filter that is in force, in words.
fn narrowed(asked: &Asked) -> Markup {
    let pairs = asked.pairs();
    let facts: Vec<(&str, Markup)> = LABELS
        .iter()
        .map(|(_, label)| label)
        .zip(pairs)
        .filter(|(_, (_, value))| !value.is_empty())
        .map(|(label, (name, value))| match (name, Status::from_word(value)) {
            ("status", Some(status)) => (*label, state(status)),
            _ => (*label, html! { code { (value) } }),
        })
        .collect();
    html! {
        @if facts.is_empty() {
            (parts::notice(Tone::Alert, "Nothing is narrowed", &html! {
                p { "These are the newest events of everybody, in both modes." }
            }))
        } @else { (parts::facts(&facts)) }
    }
}

fn hidden(asked: &Asked) -> Markup {
    html! {
        @for (name, value) in asked.pairs() {
            @if !value.is_empty() { input type="hidden" name=(name) value=(value); }
        }
        @if !asked.after.is_empty() { input type="hidden" name="after" value=(asked.after); }
    }
}

fn some(trial: &Replayed) -> Markup {
    let columns = [
        Column::words("Event"),
        Column::words("State"),
        Column::words("Came"),
    ];
    let named = &trial.events[..trial.events.len().min(NAMED)];
    let row = |event: &shown::Shown| -> parts::Row {
        vec![
            html! {
                a .row-link href={ (PATH) "/" (event.id) } { (event.event_type) }
                code .under.soft { (event.event_id) }
            },
            state(event.status),
            parts::moment(event.created_at),
        ]
    };
    let rows: Vec<parts::Row> = named.iter().map(row).collect();
    let left = trial.events.len() - named.len();
    html! {
        section {
            h2 .above { "Which they are" }
            (parts::table("Events that would be replayed", &columns, &rows))
            @if left > 0 { p .soft.below { "And " (counted(left, "more")) "." } }
        }
    }
}

/// `POST /operator/inbox/replay`
pub async fn replay_them(State(site): State<Site>, person: Person, filled: Filled) -> Response {
    let given: Vec<(String, String)> = LABELS
        .iter()
        .flat_map(|(name, _)| {
            filled
                .all(name)
                .map(|value| ((*name).to_owned(), value.to_owned()))
        })
        .collect();
    let (asked, wanted) = match Asked::strictly(&given, AT_ONCE_MAX) {
        Ok(asked) => asked,
        Err(refusal) => return again(refusal.into(), &person, Place::Inbox, TITLE, unreadable),
    };
    let done = async {
        let replayed = replay::many(&site.app, None, &person.by, wanted, false).await?;
        let Some(first) = replayed.events.first().map(|event| event.id.clone()) else {
            return Ok((replayed, None));
        };
        let read = site.app.db.read(move |tx| shown::get_anybodys(tx, &first));
        let event = read
            .await
            .map_err(|error: store::Error| flows::Failure::from(error))?;
        Ok::<_, flows::Failure>((replayed, event.and_then(|event| event.replayed_at)))
    };
    match done.await {
        Ok((_, None)) => {
            let mut pairs = asked.pairs().to_vec();
            pairs.push(("done", "nothing-to-replay"));
            see_other(&desk::address(PATH, &pairs))
        }
        Ok((replayed, Some(at))) => {
            site.inbox_bell.notify_one();
            let path = format!("{PATH}/replays/{}", at.ms());
            let last = replayed.last.filter(|_| replayed.has_more);
            let last = last.map(|id| id.to_string()).unwrap_or_default();
            let mut pairs = asked.pairs().to_vec();
            pairs.push(("after", last.as_str()));
            see_other(&desk::address(&path, &pairs))
        }
        Err(failure) => trouble(&person, Place::Inbox, failure),
    }
}

/// `GET /operator/inbox/replays/{at}`
pub async fn progress(
    State(site): State<Site>,
    person: Person,
    InPath(at): InPath,
    asked: Result<Query<Asked>, Problem>,
) -> Response {
    let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
    let at = Timestamp::from_ms(at.parse().unwrap_or_default());
    let read = site.app.db.read(move |tx| shown::replayed_at(tx, at));
    match read.await {
        Ok(states) => page(&person, Place::Inbox, TITLE, &how_far(&asked, at, &states)),
        Err(error) => trouble(&person, Place::Inbox, flows::Failure::from(error)),
    }
}

fn how_far(asked: &Asked, at: Timestamp, states: &[(Status, i64)]) -> Markup {
    let all: i64 = states.iter().map(|(_, count)| count).sum();
    let waits = |status: &Status| matches!(status, Status::Received | Status::Parked);
    let waiting: i64 = states
        .iter()
        .filter(|(status, _)| waits(status))
        .map(|(_, count)| count)
        .sum();
    let done = all - waiting;
    let back = desk::address(PATH, &asked.pairs());
    let mut pairs = asked.pairs().to_vec();
    pairs.push(("after", asked.after.as_str()));
    let next = desk::address(&format!("{PATH}/replay"), &pairs);
    let here = desk::address(&format!("{PATH}/replays/{}", at.ms()), &pairs);
    html! {
        a .back href=(back) { "Webhooks" }
        (parts::title(TITLE, "", &html! {}))
        section .card.narrow {
            h2 { (done) " of " (all) " done" }
            progress .measure value=(done) max=(all.max(1)) aria-label="Events that are done" {}
            p .soft { "Sent on their way " (parts::moment(at)) }
            (parts::facts(&states.iter().map(|(status, count)| {
                let link = desk::address(PATH, &[("status", status.word())]);
                ("State", html! { (state(*status)) " " a href=(link) { (count) } })
            }).collect::<Vec<_>>()))
            div .actions {
                @if waiting > 0 { (parts::link_button("Look again", &here, "primary")) }
                @if !asked.after.is_empty() { (parts::link_button("Go on with the others", &next, "")) }
                (parts::link_button("Back to the events", &back, "plain"))
            }
        }
    }
}
