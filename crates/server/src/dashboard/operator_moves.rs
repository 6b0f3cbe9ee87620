//! What the operator may do with a tenant: suspend it, let it go on, and close it for good.

use domain::tenant::TenantState;
use flows::tenants::Overview;
use maud::{Markup, html};

use crate::html::{self as parts, Errors, Field};
use crate::people::Person;

/// What is asked before a tenant is closed.
pub(super) const CLOSE: &str = "Close this tenant for good?";

pub(super) fn moves(person: &Person, overview: &Overview, reason: &str, errors: &Errors) -> Markup {
    let tenant = &overview.tenant;
    let path = |what: &str| format!("/operator/tenants/{}/{what}", tenant.id);
    html! {
        section .card {
            h2 { "What it may do" }
            @match tenant.status {
                TenantState::Suspended => {
                    p { "New invoices and payments are refused. What was begun finishes." }
                    (parts::form(&path("resume"), &person.csrf, &parts::button("Let it take new work")))
                }
                TenantState::Active | TenantState::Closed => {
                    p { "Suspended, it takes no new invoices and payments; what was begun finishes." }
                    (parts::form(&path("suspend"), &person.csrf, &html! {
                        (parts::field(&Field {
                            name: "reason", label: "Reason", value: reason,
                            hint: "For the audit log and your colleagues.",
                            optional: true, max: 200, ..Field::default()
                        }, errors))
                        div .actions { (parts::danger_button("Suspend")) }
                    }))
                }
            }
            div .actions { a .btn.plain.danger href=(path("close")) { "Close it for good\u{2026}" } }
        }
    }
}

/// The question before a tenant is closed, with why it is.
pub(super) fn closing(person: &Person, overview: &Overview, reason: &str, errors: &Errors) -> Markup {
    let tenant = &overview.tenant;
    let back = format!("/operator/tenants/{}", tenant.id);
    html! {
        a .back href=(back) { (tenant.name) }
        (parts::title(CLOSE, "", &html! {}))
        div .card.narrow {
            p { "Its keys are revoked and its people are shut out. What was begun finishes, history is kept. "
                strong { "This cannot be undone." } }
            (parts::form(&format!("{back}/close"), &person.csrf, &html! {
                (parts::summary(errors))
                (parts::field(&Field {
                    name: "reason", label: "Reason", value: reason,
                    hint: "For the audit log and your colleagues.", max: 200, ..Field::default()
                }, errors))
                div .actions {
                    button .btn.danger.sure type="submit" { "Close " (tenant.name) }
                    (parts::link_button("Keep it", &back, "plain"))
                }
            }))
        }
    }
}
