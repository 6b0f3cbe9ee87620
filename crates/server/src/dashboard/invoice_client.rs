//! The first step of a new invoice: for whom it is.

use axum::response::Response;
use domain::Permission;
use domain::tenant::TenantState;
use maud::{Markup, html};
use serde::Deserialize;
use store::clients::{self, Cursor};

use super::desk::{self, ASKED, SHOWN};
use super::{page, trouble};
use crate::html::{self as parts, Pages, Place};
use crate::people::Person;
use crate::router::Site;

const PATH: &str = Place::Invoices.path();
/// What the pages of a new invoice are called.
pub const NEW: &str = "New invoice";

/// The button that leads to a new invoice, for whoever may write one. Off, with the reason, where their
/// company begins nothing new.
pub fn begin(person: &Person, href: &str) -> Markup {
    let state = person.seen.tenant.as_ref().map(|tenant| tenant.status);
    let why_not = match state {
        None | Some(TenantState::Active) => None,
        Some(TenantState::Suspended) => {
            Some("Your company is suspended: nothing new begins, and what was begun finishes.")
        }
        Some(TenantState::Closed) => Some("Your company is closed: nothing new begins."),
    };
    html! {
        @if person.may(Permission::InvoicesWrite) {
            @match why_not {
                None => (parts::link_button(NEW, href, "primary")),
                Some(why) => {
                    span .btn.off aria-disabled="true" { (NEW) }
                    p .soft.small { (why) }
                }
            }
        }
    }
}

/// For whom, and which clients are looked for.
#[derive(Debug, Default, Deserialize)]
pub struct For {
    /// The client, once it is chosen.
    #[serde(default)]
    pub client: String,
    #[serde(default)]
    q: String,
    #[serde(default)]
    after_key: String,
    #[serde(default)]
    after: String,
}

/// The client that the invoice is for. A list of thousands is searched, not scrolled.
pub async fn choose(site: &Site, person: &Person, whom: For) -> Response {
    let (scope, text) = (person.scope(), desk::looked_for(&whom.q));
    let after = Cursor {
        key: desk::untouched(&whom.after_key),
        id: desk::untouched(&whom.after),
    };
    let wanted = text.clone();
    let read = site.app.db.read(move |tx| match wanted.is_empty() {
        true => clients::by_name(tx, &scope, &after, ASKED),
        false => clients::find(tx, &scope, &wanted, &after, ASKED),
    });
    let found = match read.await {
        Ok(found) => found,
        Err(error) => return trouble(person, Place::Invoices, error.into()),
    };
    let here = &found[..found.len().min(SHOWN)];
    let next = here.last().filter(|_| found.len() > SHOWN).map(|last| {
        let cursor = Cursor::after(last);
        let asked = [
            ("q", text.as_str()),
            ("after_key", &cursor.key),
            ("after", &cursor.id),
        ];
        desk::address("/invoices/new", &asked)
    });
    let add = html! {
        @if person.may(Permission::ClientsWrite) {
            (parts::link_button("Add a client", "/clients/new", ""))
        }
    };
    let content = html! {
        a .back href=(PATH) { "Invoices" }
        (parts::title(NEW, "For whom is it?", &add))
        @if !here.is_empty() || !text.is_empty() {
            (parts::live_search("/invoices/new", "Name or e-mail address", &text))
        }
        div #found {
        @if here.is_empty() && !text.is_empty() {
            (parts::empty(
                "Nobody is called that",
                "Look for a part of the name or of the e-mail address.",
                &add,
            ))
        } @else if here.is_empty() {
            (parts::empty("No client here", "Add the client first, then write it an invoice.", &add))
        } @else {
            ul .choose {
                @for client in here {
                    li {
                        a href={ "/invoices/new?client=" (client.id) } {
                            strong { (client.name) }
                            @if let Some(email) = &client.email { span .soft { (email) } }
                        }
                    }
                }
            }
            (parts::pages(&Pages { next, ..Pages::default() }))
        }
        }
    };
    page(person, Place::Invoices, NEW, &content)
}
