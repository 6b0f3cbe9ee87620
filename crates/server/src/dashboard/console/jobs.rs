//! `/operator/jobs`: what waits, what hangs, and how what the server does by itself went last.

use axum::extract::State;
use axum::response::Response;
use domain::{Mode, Timestamp};
use maud::{Markup, html};
use store::backlog::{self, Group};
use store::stripe_webhook_events::Status;
use store::{mails, reconciliation_breaks};

use super::lasted;
use crate::dashboard::{page, trouble};
use crate::html::{self as parts, Column, Place, Tone};
use crate::people::Person;
use crate::router::Site;
use crate::runs::{Job, Run};

const TITLE: &str = "Jobs";
/// What has waited longer than this does not move.
const SLOW_MS: i64 = 15 * 60 * 1000;

/// What may wait for something, over all tenants: what it is called, what becomes of it, where it is shown,
/// and whether it should never be there.
const QUEUES: [(&str, &str, Option<&str>, bool); 7] = [
    (
        "Webhooks to apply",
        "Applied within seconds.",
        Some("/operator/inbox?status=received"),
        false,
    ),
    (
        "Webhooks that fail",
        "Tried again with growing waits.",
        Some("/operator/inbox?status=failed"),
        true,
    ),
    (
        "Webhooks given up",
        "Somebody has to look.",
        Some("/operator/inbox?status=dead"),
        true,
    ),
    (
        "Writes to Stripe without an answer",
        "Sent again with the same key.",
        None,
        false,
    ),
    (
        "Payments to read again",
        "They went quiet, and Stripe is asked.",
        None,
        false,
    ),
    (
        "Mails to send",
        "Handed to the mail server within seconds.",
        None,
        false,
    ),
    (
        "Open differences",
        "Many end by themselves.",
        Some(Place::Breaks.path()),
        true,
    ),
];

/// How many of a queue wait, and since when the oldest does.
type Depth = (i64, Option<Timestamp>);

/// `GET /operator/jobs`
pub async fn show(State(site): State<Site>, person: Person) -> Response {
    let now = site.app.clock.now();
    let read = site.app.db.read(move |tx| {
        let waiting = backlog::events_waiting(tx)?;
        // In the order of QUEUES.
        Ok::<[Depth; 7], store::Error>([
            depth(&waiting, Status::Received.word()),
            depth(&waiting, Status::Failed.word()),
            depth(&backlog::events_stuck(tx)?, Status::Dead.word()),
            depth(&backlog::operations_open(tx)?, ""),
            depth(&backlog::payments_due(tx, now)?, ""),
            mails::waiting(tx)?,
            (reconciliation_breaks::count_open(tx)?, None),
        ])
    });
    match read.await {
        Ok(depths) => page(&person, Place::Jobs, TITLE, &content(&site, &depths, now)),
        Err(error) => trouble(&person, Place::Jobs, error.into()),
    }
}

/// The rows of a state, or all of them.
fn depth(groups: &[Group], state: &str) -> Depth {
    let groups = || {
        groups
            .iter()
            .filter(|group| state.is_empty() || group.state == state)
    };
    let rows = groups().map(|group| group.rows).sum();
    (rows, groups().map(|group| group.oldest).min())
}

fn content(site: &Site, depths: &[Depth], now: Timestamp) -> Markup {
    let queue_columns = [
        Column::words("What"),
        Column::figures("Waiting"),
        Column::words("The oldest"),
    ];
    let job_columns = [
        Column::words("Job"),
        Column::words("Went last"),
        Column::figures("Runs"),
        Column::figures("Failed"),
        Column::words("Last failure"),
    ];
    let queues = QUEUES.iter().zip(depths);
    let rows: Vec<parts::Row> = queues
        .map(|(queue, depth)| waiting(*queue, *depth, now))
        .collect();
    let runs = Job::ALL.map(|job| (job, site.runs.of(job)));
    html! {
        (parts::title(TITLE, "What waits, and what this server does by itself.", &html! {}))
        div .stack.loose {
            section {
                h2 .above { "What waits" }
                (parts::table("What waits", &queue_columns, &rows))
            }
            section {
                h2 .above { "What runs" }
                (parts::table("What runs", &job_columns, &runs.iter().map(|(job, run)| ran(*job, run, now))
                    .collect::<Vec<_>>()))
                p .soft.below { "Of this instance, since its start." }
            }
            (silence(site))
        }
    }
}

fn waiting(
    (name, about, href, is_trouble): (&str, &str, Option<&str>, bool),
    (count, oldest): Depth,
    now: Timestamp,
) -> parts::Row {
    let is_slow = oldest.is_some_and(|at| now.ms().saturating_sub(at.ms()) > SLOW_MS);
    let tone = match (count, is_trouble || is_slow) {
        (0, _) => Tone::Good,
        (_, true) => Tone::Alert,
        (_, false) => Tone::Busy,
    };
    vec![
        html! {
            @match href {
                Some(href) => a .row-link href=(href) { (name) },
                None => strong { (name) },
            }
            span .under.soft { (about) }
        },
        parts::badge(tone, &count.to_string()),
        html! {
            @match oldest {
                Some(at) => { (lasted(at, now)) },
                None => span .soft { "\u{2013}" },
            }
        },
    ]
}

fn ran(job: Job, run: &Run, now: Timestamp) -> parts::Row {
    vec![
        html! {
            strong { (job.name()) }
            span .under.soft { (job.about()) }
        },
        html! {
            @match run.ended_at {
                None => (parts::badge(Tone::Calm, "Not yet")),
                Some(at) => {
                    (parts::badge(if run.well { Tone::Good } else { Tone::Bad },
                        if run.well { "Well" } else { "Badly" }))
                    span .under.soft { (lasted(at, now)) " ago" }
                },
            }
        },
        html! { (run.runs) },
        html! { (run.failures) },
        html! {
            @match &run.failed {
                None => span .soft { "None" },
                Some((at, why)) => { (why) span .under.soft { (lasted(*at, now)) " ago" } },
            }
        },
    ]
}

/// Whether Stripe answers, as far as this instance has asked.
pub fn silence(site: &Site) -> Markup {
    let silent = [Mode::Test, Mode::Live].map(|mode| (mode, site.app.breakers.silent(mode)));
    let any = silent.iter().any(|(_, accounts)| !accounts.is_empty());
    html! {
        @if any {
            section .card {
                h2 { "Accounts that do not answer" }
                p { "Stripe is asked now and then. Until it answers, their payers read that payments are not \
                     possible at the moment." }
                ul .items {
                    @for (mode, accounts) in &silent {
                        @for account in accounts {
                            li {
                                div {
                                    @if account.is_empty() { "The platform\u{2019}s own" }
                                    @else { code { (account) } }
                                }
                                (super::mode(*mode))
                            }
                        }
                    }
                }
            }
        }
    }
}
