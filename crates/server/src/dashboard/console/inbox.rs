//! `/operator/inbox`: what Stripe reported, of every tenant and in both modes, newest first, by where it
//! stands.

use axum::extract::State;
use axum::response::Response;
use domain::{InboxId, Refusal, TenantId};
use maud::{Markup, html};
use serde::Deserialize;
use store::backlog;
use store::stripe_webhook_events::Status;
use store::stripe_webhook_events::shown::{self, Shown, Wanted};

use super::filters::{self, Filter};
use super::{Names, dotted, given, mode, mode_of, names, whose};
use crate::api::{Query, webhook_events};
use crate::dashboard::desk::{self, ASKED, COUNTED_MAX, SHOWN};
use crate::dashboard::{again, page, trouble};
use crate::html::{self as parts, Column, Errors, Pages, Place, Tab, Tone};
use crate::people::Person;
use crate::problem::Problem;
use crate::router::Site;

/// Where the list is.
pub const PATH: &str = Place::Inbox.path();
const TITLE: &str = "Webhooks";
/// The tabs: what is wrong stands first, since that is what somebody comes for.
const TABS: [(Option<Status>, &str); 11] = [
    (None, "All"),
    (Some(Status::Dead), "Given up"),
    (Some(Status::Failed), "Failing"),
    (Some(Status::Received), "Waiting"),
    (Some(Status::Parked), "Early"),
    (Some(Status::Orphan), "Nobody\u{2019}s"),
    (Some(Status::Quarantined), "Set aside"),
    (Some(Status::Processed), "Applied"),
    (Some(Status::External), "Not ours"),
    (Some(Status::Stale), "Outdated"),
    (Some(Status::Ignored), "Ignored"),
];

/// What the filters are called.
pub const LABELS: [(&str, &str); 7] = [
    ("status", "State"),
    ("type", "Type"),
    ("mode", "Mode"),
    ("account", "Stripe account"),
    ("tenant", "Tenant"),
    ("id", "Event or object"),
    ("after", "The page"),
];

/// Which events are asked for: an address, and the hidden fields of a replay.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// The word of a status.
    pub status: String,
    /// Stripe's name of a type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// `test` or `live`.
    pub mode: String,
    /// A connected account.
    pub account: String,
    /// A tenant's id.
    pub tenant: String,
    /// The id of an event, or of the object that it is about.
    pub id: String,
    /// The last row of the page before.
    pub after: String,
}

impl Asked {
    /// As it was typed, whether it can be read or not.
    fn typed(given: &[(String, String)]) -> Asked {
        let mut asked = Asked::default();
        for (name, value) in given {
            if let Some(place) = asked.place(name) {
                value.clone_into(place);
            }
        }
        asked
    }

    fn place(&mut self, name: &str) -> Option<&mut String> {
        match name {
            "status" => Some(&mut self.status),
            "type" => Some(&mut self.event_type),
            "mode" => Some(&mut self.mode),
            "account" => Some(&mut self.account),
            "tenant" => Some(&mut self.tenant),
            "id" => Some(&mut self.id),
            "after" => Some(&mut self.after),
            _ => None,
        }
    }

    /// As the store takes it. What is no status, mode or id narrows nothing here.
    fn wanted(&self, limit: i64) -> Wanted {
        let id = given(&self.id);
        let is_event = id.as_ref().is_some_and(|id| id.starts_with("evt_"));
        let (event_id, object_id) = match is_event {
            true => (id, None),
            false => (None, id),
        };
        Wanted {
            tenant: TenantId::parse(&self.tenant).ok(),
            mode: mode_of(&self.mode),
            object_id,
            status: Status::from_word(&self.status),
            event_type: given(&self.event_type),
            event_id,
            account: given(&self.account),
            after: InboxId::parse(&self.after).ok(),
            limit,
            ..Wanted::default()
        }
    }

    /// As the store takes it, of an address. Every filter must say something: one that is passed over would
    /// show more than somebody asked for, or have more done.
    ///
    /// # Errors
    /// [`Refusal::InvalidField`] that names what cannot be read, is given twice, or is no filter.
    pub fn strictly(given: &[(String, String)], limit: i64) -> Result<(Asked, Wanted), Refusal> {
        let mut asked = Asked::typed(given);
        let mut seen: Vec<&str> = Vec::new();
        for (name, _) in given {
            if asked.place(name).is_none() {
                return Err(Refusal::invalid(
                    name.clone(),
                    "is nothing that events are narrowed by",
                ));
            }
            if seen.contains(&name.as_str()) {
                return Err(Refusal::invalid(name.clone(), "can be given once only"));
            }
            seen.push(name);
        }
        let unread = |is_read: bool, field: &'static str, problem: &'static str| match is_read {
            true => Ok(()),
            false => Err(Refusal::invalid(field, problem)),
        };
        let said = |text: &str| !text.is_empty();
        if said(&asked.status) {
            webhook_events::status(&asked.status)?;
        }
        let wanted = asked.wanted(limit);
        unread(
            !said(&asked.mode) || wanted.mode.is_some(),
            "mode",
            "must be test or live",
        )?;
        unread(
            !said(&asked.tenant) || wanted.tenant.is_some(),
            "tenant",
            "must be the id of a tenant",
        )?;
        unread(
            !said(&asked.after) || wanted.after.is_some(),
            "after",
            "must be the id of a row of the inbox",
        )?;
        let has_id = wanted.event_id.is_some() || wanted.object_id.is_some();
        let name = "must be a name at Stripe";
        unread(
            !said(&asked.event_type) || wanted.event_type.is_some(),
            "type",
            name,
        )?;
        unread(!said(&asked.account) || wanted.account.is_some(), "account", name)?;
        unread(!said(&asked.id) || has_id, "id", name)?;
        Ok((asked, wanted))
    }

    /// What it narrows to, without the page.
    pub fn pairs(&self) -> [(&'static str, &str); 6] {
        [
            ("status", self.status.as_str()),
            ("type", self.event_type.as_str()),
            ("mode", self.mode.as_str()),
            ("account", self.account.as_str()),
            ("tenant", self.tenant.as_str()),
            ("id", self.id.as_str()),
        ]
    }

    fn is_narrowed(&self) -> bool {
        self.pairs()[1..].iter().any(|(_, value)| !value.is_empty())
    }
}

/// The filters of an address.
///
/// # Errors
/// [`Refusal::InvalidField`] for an address that cannot be read.
pub fn pairs_of(
    given: Result<Query<Vec<(String, String)>>, Problem>,
) -> Result<Vec<(String, String)>, Refusal> {
    let unread = |_| Refusal::invalid("address", "must be one that can be read");
    given.map(|Query(given)| given).map_err(unread)
}

/// What the page shows.
struct View {
    /// None where a filter cannot be read: what is only half narrowed would be taken for what was asked for.
    events: Option<Vec<Shown>>,
    names: Names,
    /// How many stand in each state that somebody may have to look at.
    counts: Vec<(Status, i64)>,
}

/// `GET /operator/inbox`
pub async fn list(
    State(site): State<Site>,
    person: Person,
    given: Result<Query<Vec<(String, String)>>, Problem>,
) -> Response {
    let given = pairs_of(given).map(|mut given| {
        // What was done last is said above the page, and narrows nothing.
        given.retain(|(name, _)| name != "done");
        given
    });
    let typed = given.as_deref().map(Asked::typed).unwrap_or_default();
    let asked = given.and_then(|given| Asked::strictly(&given, ASKED));
    let wanted = asked.as_ref().ok().map(|(_, wanted)| wanted.clone());
    let read = site.app.db.read(move |tx| {
        let mut counts = shown::troubled(tx, COUNTED_MAX)?;
        let waiting = backlog::events_waiting(tx)?;
        let waiting = waiting
            .iter()
            .filter(|group| group.state == Status::Received.word());
        counts.push((Status::Received, waiting.map(|group| group.rows).sum()));
        Ok::<_, store::Error>(View {
            events: match &wanted {
                Some(wanted) => Some(shown::page_of_all(tx, wanted)?),
                None => None,
            },
            names: names(tx)?,
            counts,
        })
    });
    let view = match read.await {
        Ok(view) => view,
        Err(error) => return trouble(&person, Place::Inbox, error.into()),
    };
    match asked {
        Ok((asked, _)) => page(
            &person,
            Place::Inbox,
            TITLE,
            &show(&asked, &view, &Errors::none()),
        ),
        Err(refusal) => again(refusal.into(), &person, Place::Inbox, TITLE, |refusal| {
            show(&typed, &view, &wrong(refusal))
        }),
    }
}

/// What cannot be read, beside its field. A tab and a page are no fields that one could go to.
fn wrong(refusal: &Refusal) -> Errors {
    let told = Errors::of_refusal(refusal, &LABELS);
    match told.of("status").or(told.of("after")) {
        None => told,
        Some(sentence) => {
            let mut errors = Errors::none();
            errors.add("", sentence);
            errors
        }
    }
}

fn show(asked: &Asked, view: &View, errors: &Errors) -> Markup {
    html! {
        @match &view.events {
            Some(events) => (listed(asked, view, events)),
            None => {
                (parts::title(TITLE, "Nothing is listed: a filter cannot be read.", &html! {}))
                (parts::summary(errors))
                (around(asked, view, errors))
                div .actions { (parts::link_button("Show all events", PATH, "")) }
            }
        }
    }
}

/// The tabs and the filters.
fn around(asked: &Asked, view: &View, errors: &Errors) -> Markup {
    html! {
        div .many { (parts::tabs("States of events", &tabs(asked, &view.counts))) }
        (narrow(asked, &view.names, errors))
    }
}

fn listed(asked: &Asked, view: &View, events: &[Shown]) -> Markup {
    let here = &events[..events.len().min(SHOWN)];
    let last = here.last().filter(|_| events.len() > SHOWN);
    let address = |after: &str| {
        let mut pairs = asked.pairs().to_vec();
        pairs.push(("after", after));
        desk::address(PATH, &pairs)
    };
    let pages = Pages {
        next: last.map(|last| address(last.id.as_str())),
        previous: (!asked.after.is_empty()).then(|| address("")),
        ..Pages::default()
    };
    let replay = desk::address(&format!("{PATH}/replay"), &asked.pairs());
    let rows: Vec<parts::Row> = here.iter().map(|event| row(event, &view.names)).collect();
    html! {
        (parts::title(TITLE, "What Stripe reported: of every tenant, in both modes.", &html! {
            @if !here.is_empty() { (parts::link_button("Replay these\u{2026}", &replay, "")) }
        }))
        (around(asked, view, &Errors::none()))
        @if here.is_empty() { (nothing(asked)) }
        @else {
            (parts::table(TITLE, &COLUMNS, &rows))
            (parts::pages(&pages))
        }
    }
}

fn tabs(asked: &Asked, counts: &[(Status, i64)]) -> Vec<Tab> {
    let chosen = Status::from_word(&asked.status);
    let tab = |(status, label): (Option<Status>, &'static str)| {
        let mut pairs = asked.pairs();
        pairs[0].1 = status.map_or("", Status::word);
        let count = counts.iter().find(|(counted, _)| Some(*counted) == status);
        Tab {
            label,
            href: desk::address(PATH, &pairs),
            count: count.and_then(|(_, count)| desk::counted(*count)),
            here: chosen == status,
        }
    };
    TABS.map(tab).into()
}

fn narrow(asked: &Asked, names: &Names, errors: &Errors) -> Markup {
    let fields = [
        Filter::text("type", "Type", &asked.event_type),
        Filter::text("id", "Event or object", &asked.id),
        Filter::text("account", "Stripe account", &asked.account),
        Filter::tenant(&asked.tenant, names),
        Filter::mode(&asked.mode),
    ];
    let clear = desk::address(PATH, &[("status", &asked.status)]);
    let clear = asked.is_narrowed().then_some(clear.as_str());
    let status = Status::from_word(&asked.status).map_or("", Status::word);
    filters::with_errors(PATH, &[("status", status)], &fields, clear, errors)
}

const COLUMNS: [Column; 5] = [
    Column::words("Event"),
    Column::words("State"),
    Column::words("Whose"),
    Column::words("About"),
    Column::words("Came"),
];

fn row(event: &Shown, names: &Names) -> parts::Row {
    vec![
        html! {
            a .row-link.name href={ (PATH) "/" (event.id) } { (dotted(&event.event_type)) }
            code .under.soft { (event.event_id) }
        },
        html! { (state(event.status)) span .under { (mode(event.mode)) } },
        whose(event.tenant.as_ref(), names),
        html! {
            @match &event.object_id {
                Some(id) => code .id { (id) },
                None => span .soft { "\u{2013}" },
            }
        },
        html! {
            (parts::moment(event.created_at))
            @if event.attempts > 1 { span .under.soft { (event.attempts) " tries" } }
        },
    ]
}

/// Where an event stands, in a badge.
pub fn state(status: Status) -> Markup {
    let label = TABS.iter().find(|(of, _)| *of == Some(status));
    let label = label.map_or(status.word(), |(_, label)| label);
    let tone = match status {
        Status::Processed => Tone::Good,
        Status::Received | Status::Parked => Tone::Busy,
        Status::Failed | Status::Orphan | Status::Quarantined => Tone::Alert,
        Status::Dead => Tone::Bad,
        Status::Ignored | Status::Stale | Status::External => Tone::Calm,
    };
    parts::badge(tone, label)
}

fn nothing(asked: &Asked) -> Markup {
    let all = parts::link_button("Show all events", PATH, "");
    match (
        asked.after.is_empty(),
        asked.is_narrowed() || !asked.status.is_empty(),
    ) {
        (false, _) => parts::empty("That was the last page", "There are no older events.", &all),
        (true, true) => parts::empty("Nothing matches", "No event stands so, or is about that.", &all),
        (true, false) => parts::empty(
            "Nothing has come yet",
            "Stripe\u{2019}s webhooks stand here from the first one on. Point an endpoint of each mode at \
             this server.",
            &parts::link_button("See the configuration", Place::Configuration.path(), ""),
        ),
    }
}
