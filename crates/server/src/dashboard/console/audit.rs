//! `/operator/audit`: who did what, of everybody, newest first; searched by action, actor, tenant, or any
//! id that stands in a row.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::response::Response;
use domain::{AuditId, TenantId, UserId};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Map, Value};
use store::audit_log::{self, Noted, Search};

use super::filters::{self, Filter};
use super::{Names, dotted, given, mode, names, whose};
use crate::api::Query;
use crate::dashboard::desk::{self, ASKED, SHOWN};
use crate::dashboard::{page, trouble};
use crate::html::{self as parts, Column, Pages, Place};
use crate::people::Person;
use crate::problem::Problem;
use crate::router::Site;

const PATH: &str = Place::Audit.path();
const TITLE: &str = "Audit log";
/// Kinds of actors, with what people call them.
const ACTORS: [(&str, &str); 8] = [
    ("person", "Somebody who logged in"),
    ("api_key", "A tenant\u{2019}s API key"),
    ("platform_key", "A platform key"),
    ("payer", "A payer"),
    ("stripe", "Stripe"),
    ("worker", "The server itself"),
    ("command_line", "The command line"),
    ("unknown", "Nobody known"),
];

/// What is looked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    action: String,
    actor: String,
    tenant: String,
    after: String,
}

impl Asked {
    fn search(&self) -> Search {
        Search {
            action: given(&self.action),
            tenant: match self.tenant.as_str() {
                "platform" => Some(TenantId::platform()),
                id => TenantId::parse(id).ok(),
            },
            actor: given(&self.actor),
            names: given(&self.q),
            after: AuditId::parse(&self.after).ok(),
            limit: ASKED,
        }
    }

    fn pairs(&self) -> [(&'static str, &str); 4] {
        [
            ("q", self.q.as_str()),
            ("action", self.action.as_str()),
            ("actor", self.actor.as_str()),
            ("tenant", self.tenant.as_str()),
        ]
    }
}

/// `GET /operator/audit`
pub async fn list(
    State(site): State<Site>,
    person: Person,
    asked: Result<Query<Asked>, Problem>,
) -> Response {
    let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
    let search = asked.search();
    let read = site.app.db.read(move |tx| {
        let found = audit_log::search(tx, &search)?;
        let mut people = Vec::new();
        for row in found.iter().filter(|row| row.actor == "person") {
            let Some(id) = row.actor_id.as_deref().and_then(|id| UserId::parse(id).ok()) else {
                continue;
            };
            let known = people
                .iter()
                .any(|(of, _): &(String, String)| *of == id.to_string());
            // An operator acts on tenants' matters, and tenants' people on their own.
            let theirs = row.scope.as_ref().map(|scope| scope.tenant.clone());
            for tenant in std::iter::once(TenantId::platform())
                .chain(theirs)
                .filter(|_| !known)
            {
                if let Some(user) = store::users::get(tx, &tenant, &id)? {
                    people.push((user.id.to_string(), user.name));
                }
            }
        }
        Ok::<_, store::Error>((found, people, names(tx)?))
    });
    match read.await {
        Ok((found, people, names)) => page(
            &person,
            Place::Audit,
            TITLE,
            &show(&asked, &found, &people, &names),
        ),
        Err(error) => trouble(&person, Place::Audit, error.into()),
    }
}

fn show(asked: &Asked, found: &[Noted], people: &[(String, String)], names: &Names) -> Markup {
    let here = &found[..found.len().min(SHOWN)];
    let last = here.last().filter(|_| found.len() > SHOWN);
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
    let is_narrowed = asked.pairs().iter().any(|(_, value)| !value.is_empty());
    let columns = [
        Column::words("What"),
        Column::words("Who and when"),
        Column::words("Whose matter"),
        Column::words("What changed"),
    ];
    let rows: Vec<parts::Row> = here.iter().map(|row| cells(row, people, names)).collect();
    html! {
        (parts::title(TITLE, "Who did what, when, and from where. It only grows.", &html! {}))
        (narrow(asked, names, is_narrowed))
        @if here.is_empty() {
            (parts::empty("Nothing matches", "No row of the log is about that.",
                &parts::link_button("Show the newest", PATH, "")))
        } @else {
            (parts::table(TITLE, &columns, &rows))
            (parts::pages(&pages))
        }
    }
}

fn narrow(asked: &Asked, names: &Names, is_narrowed: bool) -> Markup {
    let actors = ACTORS.map(|(word, label)| (word.to_owned(), label.to_owned()));
    let mut tenant = Filter::tenant(&asked.tenant, names);
    tenant
        .options
        .insert(1, ("platform".to_owned(), "The platform".to_owned()));
    let fields = [
        Filter::text("q", "Id of anything", &asked.q),
        Filter::text("action", "Action", &asked.action),
        Filter::choice("actor", "Who", &asked.actor, actors),
        tenant,
    ];
    filters::show(PATH, &[], &fields, is_narrowed.then_some(PATH))
}

fn cells(row: &Noted, people: &[(String, String)], names: &Names) -> parts::Row {
    let by_action = desk::address(PATH, &[("action", &row.action)]);
    let by_subject = desk::address(PATH, &[("q", &row.subject_id)]);
    vec![
        html! {
            a .row-link.name href=(by_action) { (dotted(&row.action)) }
            a .under.quiet href=(by_subject) { code .id { (row.subject_id) } }
        },
        html! { (who(row, people)) span .under.soft { (parts::moment(row.at)) } },
        html! {
            @match &row.scope {
                None => "The platform",
                Some(scope) => { (whose(Some(&scope.tenant), names)) " " span .under { (mode(scope.mode)) } },
            }
        },
        changed(row),
    ]
}

fn who(row: &Noted, people: &[(String, String)]) -> Markup {
    let kind = ACTORS.iter().find(|(word, _)| *word == row.actor);
    let kind = kind.map_or(row.actor.as_str(), |(_, label)| label);
    let name = row.actor_id.as_ref().and_then(|id| {
        let found = people.iter().find(|(known, _)| known == id);
        found.map(|(_, name)| name.as_str())
    });
    html! {
        @match (name, &row.actor_id) {
            (Some(name), Some(id)) => a href=(desk::address(PATH, &[("q", id)])) { (name) },
            (None, Some(id)) => {
                (kind) " " a .under.quiet href=(desk::address(PATH, &[("q", id)])) { code .id { (id) } }
            },
            (_, None) => (kind),
        }
        @if let Some(address) = &row.address { span .under.soft { "from " (address) } }
        @if let Some(request) = &row.request_id {
            a .under.quiet href=(desk::address(PATH, &[("q", request)])) { "Same request" }
        }
    }
}

/// What is different, field by field, of what was noted before and after.
fn changed(row: &Noted) -> Markup {
    let read = |text: &Option<String>| -> Map<String, Value> {
        let text = text.as_deref().unwrap_or_default();
        serde_json::from_str(text).unwrap_or_default()
    };
    let (before, after) = (read(&row.before), read(&row.after));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let lines: Vec<(&String, Option<&Value>, Option<&Value>)> = names
        .into_iter()
        .map(|name| (name, before.get(name), after.get(name)))
        .filter(|(_, was, is)| was != is)
        .collect();
    html! {
        @if lines.is_empty() { span .soft { "\u{2013}" } }
        @else {
            ul .changes {
                @for (name, was, is) in lines {
                    li {
                        span .soft { (name) ": " }
                        @if let Some(was) = was { (plain(was)) " \u{2192} " }
                        (is.map_or("none".to_owned(), plain))
                    }
                }
            }
        }
    }
}

/// A value as people read it: a text without its marks.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "none".to_owned(),
        other => other.to_string(),
    }
}
