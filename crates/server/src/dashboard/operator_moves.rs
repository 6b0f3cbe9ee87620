//! What the operator may do with a tenant: suspend it, let it go on, and close it for good.

use domain::tenant::TenantState;
use flows::tenants::Overview;
use maud::{Markup, html};

use crate::html::{self as parts, Errors, Field};
use crate::people::Person;

/// What is asked before a tenant is closed.
pub(super) const CLOSE: &str = "Close this tenant for good?";

/// What is asked before a tenant is suspended.
pub(super) const SUSPEND: &str = "Suspend this tenant?";

pub(super) fn moves(person: &Person, overview: &Overview) -> Markup {
    let tenant = &overview.tenant;
    let path = |what: &str| format!("/operator/tenants/{}/{what}", tenant.id);
    let close = html! { a .btn.plain.danger href=(path("close")) { "Close it for good\u{2026}" } };
    html! {
        section .card {
            h2 { "What it may do" }
            @match tenant.status {
                TenantState::Suspended => {
                    p { "New invoices and payments are refused. What was begun finishes." }
                    (parts::form(&path("resume"), &person.csrf, &parts::button("Let it take new work")))
                    div .actions { (close) }
                }
                TenantState::Active | TenantState::Closed => {
                    p { "Suspended, it takes no new invoices and payments; what was begun finishes." }
                    div .actions {
                        a .btn.danger href=(path("suspend")) { "Suspend\u{2026}" }
                        (close)
                    }
                }
            }
        }
    }
}

/// The question before a tenant is suspended: what stops, and what goes on.
pub(super) fn suspending(person: &Person, overview: &Overview, reason: &str, errors: &Errors) -> Markup {
    let tenant = &overview.tenant;
    let back = format!("/operator/tenants/{}", tenant.id);
    html! {
        a .back href=(back) { (tenant.name) }
        (parts::title(SUSPEND, "", &html! {}))
        div .card.narrow.stack {
            (parts::summary(errors))
            h2 { "What stops" }
            ul {
                li { "New invoices, by its people and by its software." }
                li { "New payments: its payers read that paying online is not possible now." }
                li { "Alerts by mail to its people." }
                li { "Making or connecting a Stripe account." }
            }
            h2 { "What goes on" }
            ul {
                li { "Payments that are under way finish, and payouts arrive." }
                li { "Its people log in, look and export; money can be given back, and disputes answered." }
                li { "Invoices that are open stay owed, and are still reminded of." }
                li { "Its books and API keys stay. You can let it take new work again at any time." }
            }
            (parts::form(&format!("{back}/suspend"), &person.csrf, &html! {
                (parts::field(&Field {
                    name: "reason", label: "Reason", value: reason,
                    hint: "For the audit log and your colleagues.",
                    optional: true, max: 200, ..Field::default()
                }, errors))
                div .actions {
                    button .btn.danger.sure type="submit" { "Suspend " (tenant.name) }
                    (parts::link_button("Keep it active", &back, "plain"))
                }
            }))
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
