//! `/operator/jobs`: what waits, what hangs, and how what the server does by itself went last.

use axum::extract::State;
use axum::response::Response;
use domain::{Mode, Timestamp};
use maud::{Markup, html};
use store::backlog::{self, Group};
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

/// What waits for something, over all tenants.
struct Queue {
    name: &'static str,
    about: &'static str,
    waiting: i64,
    oldest: Option<Timestamp>,
    href: Option<&'static str>,
    /// Whether it should never be there.
    is_trouble: bool,
}

/// `GET /operator/jobs`
pub async fn show(State(site): State<Site>, person: Person) -> Response {
    let now = site.app.clock.now();
    let read = site.app.db.read(move |tx| {
        let (waiting, stuck) = (backlog::events_waiting(tx)?, backlog::events_stuck(tx)?);
        let open = backlog::operations_open(tx)?;
        let due = backlog::payments_due(tx, now)?;
        let letters = mails::waiting(tx)?;
        let differing = reconciliation_breaks::count_open(tx)?;
        Ok::<_, store::Error>(queues(&waiting, &stuck, &open, &due, letters, differing))
    });
    match read.await {
        Ok(queues) => page(&person, Place::Jobs, TITLE, &content(&site, &queues, now)),
        Err(error) => trouble(&person, Place::Jobs, error.into()),
    }
}

fn queues(
    waiting: &[Group],
    stuck: &[Group],
    open: &[Group],
    due: &[Group],
    letters: (i64, Option<Timestamp>),
    differing: i64,
) -> [Queue; 7] {
    let of = |groups: &[Group], state: &str| -> (i64, Option<Timestamp>) {
        let groups = || {
            groups
                .iter()
                .filter(|group| state.is_empty() || group.state == state)
        };
        let rows = groups().map(|group| group.rows).sum();
        (rows, groups().map(|group| group.oldest).min())
    };
    let queue = |name, about, (waiting, oldest), href, is_trouble| Queue {
        name,
        about,
        waiting,
        oldest,
        href,
        is_trouble,
    };
    let (apply, failing) = (of(waiting, "received"), of(waiting, "failed"));
    let [received, failed, dead] = [
        "/operator/inbox?status=received",
        "/operator/inbox?status=failed",
        "/operator/inbox?status=dead",
    ];
    let breaks = Some(Place::Breaks.path());
    [
        queue(
            "Webhooks to apply",
            "Applied within seconds.",
            apply,
            Some(received),
            false,
        ),
        queue(
            "Webhooks that fail",
            "Tried again with growing waits.",
            failing,
            Some(failed),
            true,
        ),
        queue(
            "Webhooks given up",
            "Somebody has to look.",
            of(stuck, "dead"),
            Some(dead),
            true,
        ),
        queue(
            "Writes to Stripe without an answer",
            "Sent again with the same key.",
            of(open, ""),
            None,
            false,
        ),
        queue(
            "Payments to read again",
            "They went quiet, and Stripe is asked.",
            of(due, ""),
            None,
            false,
        ),
        queue(
            "Mails to send",
            "Handed to the mail server within seconds.",
            letters,
            None,
            false,
        ),
        queue(
            "Open differences",
            "Many end by themselves.",
            (differing, None),
            breaks,
            true,
        ),
    ]
}

fn content(site: &Site, queues: &[Queue], now: Timestamp) -> Markup {
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
    let runs = Job::ALL.map(|job| (job, site.runs.of(job)));
    html! {
        (parts::title(TITLE, "What waits, and what this server does by itself.", &html! {}))
        div .stack.loose {
            section {
                h2 .above { "What waits" }
                (parts::table("What waits", &queue_columns, &queues.iter().map(|queue| waiting(queue, now))
                    .collect::<Vec<_>>()))
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

fn waiting(queue: &Queue, now: Timestamp) -> parts::Row {
    let is_slow = queue
        .oldest
        .is_some_and(|at| now.ms().saturating_sub(at.ms()) > SLOW_MS);
    let tone = match (queue.waiting, queue.is_trouble || is_slow) {
        (0, _) => Tone::Good,
        (_, true) => Tone::Alert,
        (_, false) => Tone::Busy,
    };
    vec![
        html! {
            @match queue.href {
                Some(href) => a .row-link href=(href) { (queue.name) },
                None => strong { (queue.name) },
            }
            span .under.soft { (queue.about) }
        },
        parts::badge(tone, &queue.waiting.to_string()),
        html! {
            @match queue.oldest {
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
