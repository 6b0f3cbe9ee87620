//! `/settings/api-keys`: the keys of a tenant in both modes, and revoking one.

use axum::extract::State;
use axum::response::Response;
use domain::{ApiKeyId, Mode, Permission, Permissions, Refusal, Scope, Timestamp};
use flows::{Failure, api_keys};
use maud::{Markup, html};
use store::api_keys::{self as rows, ApiKey};

use super::{Asked, after, page, question, said, trouble};
use crate::api::InPath;
use crate::html::{self as parts, Ask, Column, Place, Tone};
use crate::people::Person;
use crate::router::Site;

const PATH: &str = Place::ApiKeys.path();
const TITLE: &str = "API keys";
/// The newest keys of a mode that are shown; nobody has so many in use.
const SHOWN: i64 = 100;

/// `GET /settings/api-keys`
pub async fn list(State(site): State<Site>, person: Person, asked: Asked) -> Response {
    match keys(&site, &person).await {
        Ok(keys) => {
            let now = site.app.clock.now();
            let content = show(&person, &keys, now, &said(&asked));
            page(&person, Place::ApiKeys, TITLE, &content)
        }
        Err(failure) => trouble(&person, Place::ApiKeys, failure),
    }
}

/// `GET /settings/api-keys/{id}/revoke`
pub async fn ask(State(site): State<Site>, person: Person, InPath(id): InPath) -> Response {
    match key(&site, &person, &id).await {
        Ok(key) => question(&person, Place::ApiKeys, &Texts::of(&key).ask(&person)),
        Err(failure) => trouble(&person, Place::ApiKeys, failure),
    }
}

/// `POST /settings/api-keys/{id}/revoke`
pub async fn revoke(State(site): State<Site>, person: Person, InPath(id): InPath) -> Response {
    let revoked = async {
        let key = key(&site, &person, &id).await?;
        api_keys::revoke(&site.app, &key.scope, &person.by, &key.id).await
    };
    match revoked.await {
        Ok(_) => after(PATH, "revoked"),
        Err(failure) => trouble(&person, Place::ApiKeys, failure),
    }
}

/// The tenant in a mode. Keys of both modes are kept here, whatever mode the other pages show.
pub fn scope(person: &Person, mode: Mode) -> Scope {
    Scope {
        tenant: person.seen.user.tenant.clone(),
        mode,
    }
}

async fn keys(site: &Site, person: &Person) -> Result<Vec<ApiKey>, Failure> {
    let scopes = [Mode::Live, Mode::Test].map(|mode| scope(person, mode));
    let read = site.app.db.read(move |tx| {
        let mut all = Vec::new();
        for scope in &scopes {
            all.extend(rows::page(tx, scope, None, SHOWN)?);
        }
        Ok::<_, store::Error>(all)
    });
    let mut all = read.await?;
    // What is in force first; the order within is the newest first.
    all.sort_by_key(|key| key.revoked_at.is_some());
    Ok(all)
}

async fn key(site: &Site, person: &Person, id: &str) -> Result<ApiKey, Failure> {
    let id = ApiKeyId::parse(id)?;
    let found = keys(site, person).await?.into_iter().find(|key| key.id == id);
    Ok(found.ok_or(Refusal::NotFound)?)
}

fn show(person: &Person, keys: &[ApiKey], now: Timestamp, said: &Markup) -> Markup {
    let may_change = person.may(Permission::KeysWrite);
    let make = html! {
        @if may_change && !keys.is_empty() { (make_link()) }
    };
    let columns = [
        Column::words("Key"),
        Column::words("Mode"),
        Column::words("State"),
        Column::words("May"),
        Column::words("Last used"),
        Column::words(""),
    ];
    let rows: Vec<parts::Row> = keys.iter().map(|key| row(key, now, may_change)).collect();
    html! {
        (parts::title(TITLE, "With these your own systems, such as a PSA, use psa-pay in your name.", &make))
        (said)
        @if keys.is_empty() {
            (parts::empty(
                "No API keys yet",
                "Your PSA needs one to send invoices here. Give it no more than it needs.",
                &html! { @if may_change { (make_link()) } },
            ))
        } @else {
            (parts::table(TITLE, &columns, &rows))
            @if may_change {
                @for key in keys.iter().filter(|key| key.revoked_at.is_none()) {
                    (Texts::of(key).ask(person).dialog())
                }
            }
        }
    }
}

fn make_link() -> Markup {
    parts::link_button("Make a key", "/settings/api-keys/new", "primary")
}

fn row(key: &ApiKey, now: Timestamp, may_change: bool) -> parts::Row {
    let texts = Texts::of(key);
    vec![
        html! {
            strong { (key.name) }
            span .under.soft { code { "ppk_" (key.scope.mode.word()) "_\u{2026}" (key.last4) } }
        },
        mode_badge(key.scope.mode),
        state(key, now),
        may(&key.permissions),
        html! {
            (parts::moment_or(key.last_used_at, "Never"))
            span .under.soft { "Made on " (parts::day(key.created_at)) }
        },
        html! {
            @if may_change && key.revoked_at.is_none() {
                div .actions { (parts::dialog_link("Revoke", &key.name, &texts.action, &texts.id)) }
            }
        },
    ]
}

fn state(key: &ApiKey, now: Timestamp) -> Markup {
    html! {
        @match (key.revoked_at, key.expires_at) {
            (Some(at), _) => {
                (parts::badge(Tone::Calm, "Revoked"))
                span .under.soft { "on " (parts::day(at)) }
            }
            (None, Some(at)) if at <= now => {
                (parts::badge(Tone::Bad, "Expired"))
                span .under.soft { "on " (parts::day(at)) }
            }
            (None, Some(at)) => {
                (parts::badge(Tone::Good, "In force"))
                span .under.soft { "until " (parts::day(at)) }
            }
            (None, None) => { (parts::badge(Tone::Good, "In force")) }
        }
    }
}

/// Live is calm, test is marked.
pub fn mode_badge(mode: Mode) -> Markup {
    match mode {
        Mode::Live => parts::badge(Tone::Busy, "Live"),
        Mode::Test => parts::badge(Tone::Calm, "Test"),
    }
}

/// Long lists are folded.
fn may(permissions: &Permissions) -> Markup {
    let words = permissions.words();
    html! {
        @match (permissions, words.as_slice()) {
            (Permissions::All, _) => { "Everything" }
            (Permissions::Only(_), [one]) => { code { (one) } }
            (Permissions::Only(_), many) => {
                details .fold {
                    summary { (many.len()) " permissions" }
                    ul { @for word in many { li { code { (word) } } } }
                }
            }
        }
    }
}

/// The texts of the question about one key.
struct Texts {
    id: String,
    title: String,
    action: String,
}

impl Texts {
    fn of(key: &ApiKey) -> Texts {
        Texts {
            id: format!("revoke-{}", key.id),
            title: format!("Revoke \u{201c}{}\u{201d}?", key.name),
            action: format!("{PATH}/{}/revoke", key.id),
        }
    }

    fn ask<'a>(&'a self, person: &'a Person) -> Ask<'a> {
        Ask {
            id: &self.id,
            title: &self.title,
            text: "Whatever uses this key stops working at once. This cannot be undone.",
            yes: "Revoke key",
            no: "Keep it",
            action: &self.action,
            back: PATH,
            csrf: &person.csrf,
        }
    }
}
