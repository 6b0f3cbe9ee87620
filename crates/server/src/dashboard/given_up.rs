//! Giving a part of an invoice up: a credit note, and a client's credit that pays it.

use axum::extract::State;
use axum::response::Response;
use domain::invoice::InvoiceState;
use domain::{Money, Refusal};
use flows::Failure;
use flows::credits::{self, AtVersion, Part, Use};
use maud::{Markup, html};
use store::invoices::Invoice;

use super::desk;
use super::invoice_acts::found;
use super::money_back::{INVOICES, LABELS, amount_field, changed};
use super::{after, again, page, trouble};
use crate::api::InPath;
use crate::html::{self as parts, Errors, Field, Place};
use crate::idempotency::{Once, forms};
use crate::people::{Filled, Person, see_other};
use crate::router::Site;

const CREDIT: &str = "Credit note";
const USE: &str = "Use the client's credit";

/// `GET /invoices/{id}/credit`
pub async fn ask_credit(State(site): State<Site>, person: Person, InPath(id): InPath) -> Response {
    match found(&site, &person, &id).await {
        Ok(invoice) => {
            let content = credit_form(&site, &person, &invoice, ["", ""], "", &Errors::none());
            page(&person, Place::Invoices, CREDIT, &content)
        }
        Err(failure) => trouble(&person, Place::Invoices, failure),
    }
}

/// `POST /invoices/{id}/credit`
pub async fn credit(
    State(site): State<Site>,
    person: Person,
    InPath(id): InPath,
    Once(moment): Once,
    filled: Filled,
) -> Response {
    let invoice = match found(&site, &person, &id).await {
        Ok(invoice) => invoice,
        Err(failure) => return trouble(&person, Place::Invoices, failure),
    };
    let typed = [filled.get("amount"), filled.get("reason")];
    let seen = AtVersion {
        id: invoice.id.clone(),
        version: Some(filled.get("version").parse().unwrap_or_default()),
    };
    let made = async {
        let amount = Money::typed("amount", typed[0], invoice.currency)?.minor();
        let (part, scope, by) = (Part::Amount(amount), person.scope(), &person.by);
        credits::note_seen(&site.app, &scope, by, moment, &seen, &part, typed[1]).await
    };
    match made.await {
        Ok(_) => after(&format!("{INVOICES}/{}", invoice.id), "credited"),
        Err(failure) => again(failure, &person, Place::Invoices, CREDIT, |refusal| {
            let errors = match refusal {
                Refusal::VersionConflict => changed(&standing(&invoice)),
                refusal => Errors::of_refusal(refusal, &LABELS),
            };
            credit_form(&site, &person, &invoice, typed, filled.get(forms::FIELD), &errors)
        }),
    }
}

/// What became of an invoice while somebody had its page open.
pub(super) fn standing(invoice: &Invoice) -> String {
    let now = match invoice.status {
        InvoiceState::Draft => "it is a draft".to_owned(),
        InvoiceState::Void => "it is void".to_owned(),
        InvoiceState::Processing => "a payment is under way".to_owned(),
        InvoiceState::Open | InvoiceState::Paid => {
            let owed = desk::amount(invoice.owed().minor(), invoice.currency);
            format!("{owed} of it are owed")
        }
    };
    format!(
        "{} has changed since you opened this page: {now} now.",
        desk::name(invoice)
    )
}

fn credit_form(
    site: &Site,
    person: &Person,
    invoice: &Invoice,
    [amount, reason]: [&str; 2],
    once: &str,
    errors: &Errors,
) -> Markup {
    let back = format!("{INVOICES}/{}", invoice.id);
    let paid = invoice.status == InvoiceState::Paid;
    let hint = match paid {
        true => "Tax included. The invoice is paid, so the amount becomes the client's credit.",
        false => "Tax included. The client owes so much less.",
    };
    html! {
        a .back href=(back) { (desk::name(invoice)) }
        (parts::title(CREDIT, "A numbered paper that takes a part of the invoice back.", &html! {}))
        div .card.narrow {
            (parts::form(&format!("{back}/credit"), &person.csrf, &html! {
                (parts::summary(errors))
                (forms::field(site, once))
                input type="hidden" name="version" value=(invoice.version);
                (amount_field(invoice.currency, amount, hint, errors))
                (parts::field(&Field {
                    name: "reason",
                    label: "Reason",
                    value: reason,
                    hint: "Stands on the credit note, for the client to read.",
                    max: 500,
                    ..Field::default()
                }, errors))
                div .actions {
                    (parts::primary_button("Make the credit note"))
                    (parts::link_button("Cancel", &back, "plain"))
                }
            }))
        }
    }
}

/// `GET /invoices/{id}/use-credit`
pub async fn ask_to_use(State(site): State<Site>, person: Person, InPath(id): InPath) -> Response {
    let read = async {
        let invoice = found(&site, &person, &id).await?;
        let credit = credits::of_client(&site.app, &person.scope(), &invoice.client_id).await?;
        let usable = credit.usable(invoice.currency).min(invoice.owed().minor());
        Ok::<_, Failure>((invoice, usable))
    };
    match read.await {
        Ok((invoice, 0)) => see_other(&format!("{INVOICES}/{}", invoice.id)),
        Ok((invoice, usable)) => {
            let amount = Money::new(usable, invoice.currency).plain();
            let content = use_form(&site, &person, &invoice, &amount, "", &Errors::none());
            page(&person, Place::Invoices, USE, &content)
        }
        Err(failure) => trouble(&person, Place::Invoices, failure),
    }
}

/// `POST /invoices/{id}/use-credit`
pub async fn use_credit(
    State(site): State<Site>,
    person: Person,
    InPath(id): InPath,
    Once(moment): Once,
    filled: Filled,
) -> Response {
    let invoice = match found(&site, &person, &id).await {
        Ok(invoice) => invoice,
        Err(failure) => return trouble(&person, Place::Invoices, failure),
    };
    let typed = filled.get("amount");
    let used = async {
        let wanted = Use {
            client_id: invoice.client_id.clone(),
            invoice_id: invoice.id.clone(),
            version: Some(filled.get("version").parse().unwrap_or_default()),
            amount_minor: Money::typed("amount", typed, invoice.currency)?.minor(),
        };
        credits::apply(&site.app, &person.scope(), &person.by, moment, wanted).await
    };
    match used.await {
        Ok(_) => after(&format!("{INVOICES}/{}", invoice.id), "credit-used"),
        Err(failure) => again(failure, &person, Place::Invoices, USE, |refusal| {
            let errors = match refusal {
                Refusal::VersionConflict => changed(&standing(&invoice)),
                refusal => Errors::of_refusal(refusal, &LABELS),
            };
            use_form(&site, &person, &invoice, typed, filled.get(forms::FIELD), &errors)
        }),
    }
}

fn use_form(
    site: &Site,
    person: &Person,
    invoice: &Invoice,
    amount: &str,
    once: &str,
    errors: &Errors,
) -> Markup {
    let back = format!("{INVOICES}/{}", invoice.id);
    let hint = "What the client paid too much, or was credited, pays this invoice.";
    html! {
        a .back href=(back) { (desk::name(invoice)) }
        (parts::title(USE, "No card is charged.", &html! {}))
        div .card.narrow {
            (parts::form(&format!("{back}/use-credit"), &person.csrf, &html! {
                (parts::summary(errors))
                (forms::field(site, once))
                input type="hidden" name="version" value=(invoice.version);
                (amount_field(invoice.currency, amount, hint, errors))
                div .actions {
                    (parts::primary_button("Pay with credit"))
                    (parts::link_button("Cancel", &back, "plain"))
                }
            }))
        }
    }
}
