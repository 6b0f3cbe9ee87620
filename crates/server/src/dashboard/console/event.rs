//! `/operator/inbox/{id}`: one event: what came, how it was signed, what it did, and each try; and having
//! it applied again.

use axum::extract::State;
use axum::response::Response;
use domain::{InboxId, Refusal, Timestamp};
use flows::Failure;
use flows::stripe_events::replay;
use maud::{Markup, html};
use serde_json::Value;
use store::reconciliation_breaks::{self as breaks, Kept};
use store::state_history::Changed;
use store::stripe_webhook_events::Status;
use store::stripe_webhook_events::shown::{self, Shown};

use super::break_words::title;
use super::inbox::{PATH, state};
use super::{Names, lasted, mode, names, whose};
use crate::api::InPath;
use crate::api::webhook_events::changes_of;
use crate::dashboard::{Asked, after, page, said, trouble};
use crate::html::{self as parts, Place, Tone};
use crate::idempotency::forms;
use crate::people::{Filled, Person};
use crate::router::Site;

/// Characters of a body that the page shows: Stripe's largest event would be a page of megabytes.
const BODY_MAX: usize = 100_000;
/// Differences about one event.
const BREAKS_MAX: i64 = 20;

/// All that the page shows.
struct View {
    event: Shown,
    body: Option<String>,
    changes: Vec<Changed>,
    breaks: Vec<Kept>,
    obstacle: Option<&'static str>,
    names: Names,
}

/// `GET /operator/inbox/{id}`
pub async fn show(State(site): State<Site>, person: Person, InPath(id): InPath, asked: Asked) -> Response {
    match read(&site, &id).await {
        Ok(view) => {
            let now = site.app.clock.now();
            let content = content(&site, &person, &view, now, &said(&asked));
            page(&person, Place::Inbox, &view.event.event_type, &content)
        }
        Err(failure) => trouble(&person, Place::Inbox, failure),
    }
}

async fn read(site: &Site, id: &str) -> Result<View, Failure> {
    let id = InboxId::parse(id)?;
    let read = site.app.db.read(move |tx| {
        let event = shown::get_anybodys(tx, &id)?.ok_or(Refusal::NotFound)?;
        let mut about = breaks::of_subject(tx, &event.event_id, BREAKS_MAX)?;
        let of_account = breaks::of_event(&event.account, &event.event_id);
        let others = [
            Some(of_account),
            event.object_id.clone(),
            Some(event.account.clone()),
        ];
        for subject in others.into_iter().flatten() {
            if !subject.is_empty() && subject != event.event_id {
                about.extend(breaks::of_subject(tx, &subject, BREAKS_MAX)?);
            }
        }
        about.retain(|found| found.mode == event.mode);
        Ok::<_, Failure>(View {
            body: shown::body(tx, &event)?,
            changes: changes_of(tx, &event)?,
            breaks: about,
            obstacle: replay::obstacle(tx, &event)?,
            names: names(tx)?,
            event,
        })
    });
    read.await
}

fn content(site: &Site, person: &Person, view: &View, now: Timestamp, said: &Markup) -> Markup {
    let event = &view.event;
    html! {
        a .back href=(PATH) { "Webhooks" }
        (parts::title(&event.event_type, "", &html! { (state(event.status)) " " (mode(event.mode)) }))
        (said)
        div .two-columns.even {
            div .stack.loose {
                (what_came(view))
                (what_it_did(view, now))
                (tries(site, person, view, now))
            }
            (body(view))
        }
    }
}

fn what_came(view: &View) -> Markup {
    let event = &view.event;
    let code = |text: &str| html! { code { (text) } };
    let mut facts = vec![
        ("Event", code(&event.event_id)),
        ("Whose", whose(event.tenant.as_ref(), &view.names)),
    ];
    if !event.account.is_empty() {
        facts.push(("Account", code(&event.account)));
    }
    if let Some(object) = &event.object_id {
        let href = crate::dashboard::desk::address(PATH, &[("id", object)]);
        facts.push(("About", html! { a href=(href) { code { (object) } } }));
    }
    facts.push(("Signed as", html! { (signed(event)) }));
    if let Some(version) = &event.api_version {
        facts.push(("API version", html! { (version) }));
    }
    facts.push(("Came", parts::moment(event.created_at)));
    facts.push(("Deliveries", html! { (event.deliveries) }));
    if let Some(twin) = &event.dup_of {
        facts.push((
            "Twin",
            html! { a href={ (PATH) "/" (twin) } { "The event that told of it first" } },
        ));
    }
    html! {
        section .card {
            h2 { "What came" }
            (parts::facts(&facts))
        }
    }
}

/// How it came to be believed.
fn signed(event: &Shown) -> &'static str {
    match (event.was_listed, event.kind.as_str()) {
        (true, _) => "Not delivered: read from Stripe\u{2019}s own list of events",
        (false, "thin") => "Thin event, by a secret for thin events",
        (false, _) => "Snapshot event, by an endpoint\u{2019}s secret",
    }
}

fn what_it_did(view: &View, now: Timestamp) -> Markup {
    let meaning = meaning(view.event.status);
    html! {
        section .card {
            h2 { "What it did" }
            p { (meaning) }
            @if !view.changes.is_empty() {
                ul .items {
                    @for change in &view.changes {
                        li {
                            div {
                                code { (change.subject_id) }
                                p .soft.small {
                                    @match &change.from {
                                        Some(from) => { (from) " \u{2192} " (change.to) },
                                        None => { "made, " (change.to) },
                                    }
                                }
                            }
                            span .soft.small { (parts::moment(change.at)) }
                        }
                    }
                }
            }
            @for found in &view.breaks {
                p {
                    a href={ (Place::Breaks.path()) "/" (found.id) } { (title(&found.kind)) }
                    @match found.resolved_at {
                        None => { ", open for " (lasted(found.opened_at, now)) },
                        Some(_) => ", dealt with",
                    }
                }
            }
        }
    }
}

/// What a state means, in a sentence.
fn meaning(status: Status) -> &'static str {
    match status {
        Status::Received => "It is stored and about to be applied.",
        Status::Processed => "Its effects are committed. Where nothing stands below, all was known already.",
        Status::Ignored => "Nothing is done with events like it, or Stripe has no such object.",
        Status::Stale => "It is older than what is known, and changed nothing.",
        Status::External => {
            "It is about something that was not made here: the tenant\u{2019}s own shop or dashboard."
        }
        Status::Orphan => "No tenant has its account. It is applied when one connects it.",
        Status::Quarantined => "It says that it is live, and came under a TEST secret. It is never applied.",
        Status::Parked => "It is ahead of our own answer from Stripe, and tried again within seconds.",
        Status::Failed => "Applying it went wrong. It is tried again by itself, with growing waits.",
        Status::Dead => "It failed too often, or is no event. Correct what is said below, then replay it.",
    }
}

fn tries(site: &Site, person: &Person, view: &View, now: Timestamp) -> Markup {
    let event = &view.event;
    let mut facts = vec![
        ("Tries", html! { (event.attempts) }),
        ("Failed tries", html! { (event.failures) }),
    ];
    if let Some(error) = &event.last_error {
        facts.push(("Last error", html! { (error) }));
    }
    if let Some(next) = event.next_attempt_at {
        let waits = lasted(now, next);
        facts.push(("Next try", html! { (parts::moment(next)) " (in " (waits) ")" }));
    }
    if let Some(done) = event.processed_at {
        facts.push(("Done with", parts::moment(done)));
    }
    if let Some(replayed) = event.replayed_at {
        facts.push(("Replayed", parts::moment(replayed)));
    }
    html! {
        section .card {
            h2 { "Tries" }
            (parts::facts(&facts))
            @match (view.obstacle, event.status) {
                (Some(why), _) => p .soft { "It cannot be replayed. " (why) },
                (None, Status::Received) => p .soft { "It is on its way already." },
                (None, _) => {
                    p .soft.below { "What was applied before changes nothing when it is applied again." }
                    (parts::form(&format!("{PATH}/{}/replay", event.id), &person.csrf, &html! {
                        (forms::field(site, ""))
                        div .actions { (parts::primary_button("Replay it")) }
                    }))
                },
            }
        }
    }
}

fn body(view: &View) -> Markup {
    let Some(text) = &view.body else {
        return html! {
            section .card {
                h2 { "Body" }
                p .soft { "It was deleted from the archive." }
            }
        };
    };
    let parsed: Result<Value, _> = serde_json::from_str(text);
    let pretty = match &parsed {
        Ok(value) => serde_json::to_string_pretty(value).unwrap_or_else(|_| text.clone()),
        Err(_) => text.clone(),
    };
    let shown: String = pretty.chars().take(BODY_MAX).collect();
    let is_cut = shown.len() < pretty.len();
    html! {
        section .card {
            h2 { "Body" }
            p .soft.small { "As it was delivered, client secrets masked; set out in lines." }
            pre .raw tabindex="0" aria-label="Body of the event" { code { (shown) } }
            @if is_cut {
                (parts::notice(Tone::Calm, "", &html! {
                    p { "The rest is left out here. The API answers with all of it." }
                }))
            }
        }
    }
}

/// `POST /operator/inbox/{id}/replay`
pub async fn replay_it(
    State(site): State<Site>,
    person: Person,
    InPath(id): InPath,
    _filled: Filled,
) -> Response {
    let replayed = async {
        let id = InboxId::parse(&id)?;
        replay::one(&site.app, None, &person.by, &id).await
    };
    match replayed.await {
        Ok(event) => {
            site.inbox_bell.notify_one();
            after(&format!("{PATH}/{}", event.id), "replayed")
        }
        Err(failure) => trouble(&person, Place::Inbox, failure),
    }
}
