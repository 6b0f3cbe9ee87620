//! What can be done with an invoice: sending it, making it final, taking it back. What cannot be done now
//! says why.

use axum::extract::State;
use axum::response::Response;
use domain::invoice::InvoiceState;
use domain::mail::Refused::NoRecipient;
use domain::{InvoiceId, Permission, Refusal};
use flows::mails::invoice::{self as mails, NOTE_MAX, Sending};
use flows::mails::recipients::{Receivers, Source};
use flows::{Failure, invoicing};
use maud::{Markup, html};
use serde::Deserialize;
use store::invoices::{self, Invoice};

use super::desk;
use super::given_up::standing;
use super::invoice::Whole;
use super::{after, again, page, trouble};
use crate::api::{InPath, Query};
use crate::html::{self as parts, Ask, Errors, Field, Input, Place, Tone};
use crate::idempotency::{Once, forms};
use crate::people::{Filled, Person};
use crate::problem::Problem;
use crate::router::Site;

const PATH: &str = Place::Invoices.path();
const VOID: &str = "Void this invoice?";
const LABELS: [(&str, &str); 1] = [("note", "Note")];

/// Something that may be done with an invoice, or why not now.
struct Act {
    label: &'static str,
    href: String,
    class: &'static str,
    why_not: Option<&'static str>,
}

/// All of it, for whoever may do it.
pub fn acts(person: &Person, whole: &Whole, credit: i64) -> Markup {
    let acts = possible(person, whole, credit);
    html! {
        @if !acts.is_empty() {
            section .card {
                h2 { "What you can do" }
                ul .acts {
                    @for act in &acts {
                        li {
                            @match act.why_not {
                                None => (parts::link_button(act.label, &act.href, act.class)),
                                Some(why) => {
                                    span .btn.off aria-disabled="true" { (act.label) }
                                    p .soft.small { (why) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn possible(person: &Person, whole: &Whole, credit: i64) -> Vec<Act> {
    let invoice = &whole.invoice;
    let id = &invoice.id;
    let at = |what: &str| format!("{PATH}/{id}/{what}");
    let act = |label, href, class, why_not| Act {
        label,
        href,
        class,
        why_not,
    };
    let mut acts = Vec::new();
    let draft = invoice.status == InvoiceState::Draft;
    let owed = matches!(invoice.status, InvoiceState::Open | InvoiceState::Processing);
    if person.may(Permission::InvoicesWrite) && draft {
        let empty = whole.lines.is_empty().then_some("It has no lines yet.");
        acts.push(act("Finalize and send", at("send"), "primary", empty));
        acts.push(act("Edit", at("edit"), "", None));
    }
    if person.may(Permission::MailsWrite) && owed {
        acts.push(act("Send by mail", at("send"), "primary", None));
    }
    if person.may(Permission::OfflinePaymentsWrite) && owed {
        let under_way = "A payment is under way.";
        let why_not = (invoice.status == InvoiceState::Processing).then_some(under_way);
        acts.push(act("Record a payment", at("record-payment"), "", why_not));
    }
    if person.may(Permission::RefundsWrite) && !draft {
        let payment = whole
            .payments
            .iter()
            .find(|(payment, _)| payment.standing().refundable() > 0);
        let why_not = match (payment, whole.back.refundable > 0) {
            (Some(_), true) => None,
            _ if whole.disputes.iter().any(|dispute| dispute.closed_at.is_none()) => {
                Some("Its payment is disputed: the bank has the money.")
            }
            _ if whole.offline.iter().any(|payment| payment.reversed_at.is_none()) => {
                Some("No card was charged. A recorded payment is undone below.")
            }
            _ if whole.payments.is_empty() => Some("Nothing was paid yet."),
            _ => Some("Nothing is left to give back."),
        };
        let href = payment.map_or_else(String::new, |(payment, _)| {
            format!("/payments/{}/refund?invoice={id}", payment.id)
        });
        acts.push(act("Give money back", href, "", why_not));
    }
    if person.may(Permission::CreditsWrite) && !draft {
        let why_not = match invoice.status {
            InvoiceState::Void => Some("It is void: nothing is owed."),
            InvoiceState::Processing => Some("A payment is under way."),
            _ if invoice.credited >= invoice.total.minor() => Some("It is credited in full."),
            _ => None,
        };
        acts.push(act("Credit note", at("credit"), "", why_not));
        if owed && credit > 0 {
            acts.push(act("Use the client's credit", at("use-credit"), "", None));
        }
    }
    if person.may(Permission::InvoicesWrite) && invoice.status != InvoiceState::Void {
        let why_not = match invoice.status {
            InvoiceState::Paid => Some("It is settled. Give money back, or make a credit note."),
            InvoiceState::Processing => Some("A payment is under way."),
            _ if invoice.settled() > 0 => Some("A part is settled. Make a credit note over the rest."),
            _ => None,
        };
        acts.push(act("Void", at("void"), "danger", why_not));
    }
    acts
}

/// An invoice of the person's tenant, without its lines.
pub(super) async fn found(site: &Site, person: &Person, id: &str) -> Result<Invoice, Failure> {
    let (scope, id) = (person.scope(), InvoiceId::parse(id)?);
    let read = site.app.db.read(move |tx| invoices::get(tx, &scope, &id)).await;
    Ok(read?.ok_or(Refusal::NotFound)?)
}

/// `GET /invoices/{id}/send`: who gets it, before it goes.
pub async fn ask_to_send(State(site): State<Site>, person: Person, InPath(id): InPath) -> Response {
    send_page(&site, &person, &id, "", "", |_| Errors::none(), None).await
}

async fn send_page(
    site: &Site,
    person: &Person,
    id: &str,
    note: &str,
    once: &str,
    errors: impl FnOnce(&Refusal) -> Errors,
    refused: Option<Failure>,
) -> Response {
    let read = async {
        let invoice = found(site, person, id).await?;
        let receivers = mails::receivers(&site.app, &person.scope(), &invoice.id).await?;
        Ok::<_, Failure>((invoice, receivers))
    };
    let (invoice, receivers) = match read.await {
        Ok(read) => read,
        Err(failure) => return trouble(person, Place::Invoices, failure),
    };
    let title = send_title(&invoice);
    match refused {
        None => {
            let content = send_form(site, person, &invoice, &receivers.to, note, once, &Errors::none());
            page(person, Place::Invoices, title, &content)
        }
        Some(failure) => again(failure, person, Place::Invoices, title, |refusal| {
            send_form(
                site,
                person,
                &invoice,
                &receivers.to,
                note,
                once,
                &errors(refusal),
            )
        }),
    }
}

const fn send_title(invoice: &Invoice) -> &'static str {
    match invoice.status {
        InvoiceState::Draft => "Finalize and send",
        InvoiceState::Open | InvoiceState::Processing | InvoiceState::Paid | InvoiceState::Void => {
            "Send by mail"
        }
    }
}

fn send_form(
    site: &Site,
    person: &Person,
    invoice: &Invoice,
    receivers: &Receivers,
    note: &str,
    once: &str,
    errors: &Errors,
) -> Markup {
    let title = send_title(invoice);
    let draft = invoice.status == InvoiceState::Draft;
    let back = format!("{PATH}/{}", invoice.id);
    let reaches = receivers.reaches_client();
    let amount = |minor| desk::amount(minor, invoice.currency);
    let (total, owed) = (invoice.total.minor(), invoice.owed().minor());
    let sum = match draft || owed == total {
        true => amount(total),
        false => format!("{} of {}", amount(owed), amount(total)),
    };
    let about = format!("{sum} to {}", receivers.client.name);
    html! {
        a .back href=(back) { (desk::name(invoice)) }
        (parts::title(title, &about, &html! {}))
        div .card.narrow.stack {
            (parts::summary(errors))
            @if draft {
                (parts::notice(Tone::Calm, "", &html! {
                    p { "It gets its number now and is owed from now on. After that it cannot be edited, \
                        only credited or voided." }
                }))
            }
            h2 { "Who gets it" }
            (who(receivers, draft))
            (parts::form(&format!("{back}/send"), &person.csrf, &html! {
                (forms::field(site, once))
                input type="hidden" name="version" value=(invoice.version);
                @if draft { input type="hidden" name="finalizes" value="1"; }
                @if reaches {
                    (parts::field(&Field {
                        name: "note",
                        label: "Note",
                        value: note,
                        input: Input::Lines,
                        hint: "A sentence of yours above the amount.",
                        optional: true,
                        max: NOTE_MAX,
                        ..Field::default()
                    }, errors))
                }
                div .actions {
                    @if reaches {
                        (parts::primary_button(if draft { "Finalize and send" } else { "Send" }))
                    }
                    @if draft {
                        button .btn type="submit" formaction=(format!("{back}/finalize")) {
                            "Finalize without sending"
                        }
                    }
                    (parts::link_button("Cancel", &back, "plain"))
                }
            }))
        }
    }
}

fn who(receivers: &Receivers, draft: bool) -> Markup {
    let otherwise = match draft {
        true => "Add an e-mail address, or finalize without sending and give the link yourself.",
        false => "Add an e-mail address, or give the client a pay link yourself.",
    };
    html! {
        @if receivers.receivers.is_empty() || !receivers.reaches_client() {
            (parts::notice(Tone::Alert, "No address of this client", &html! {
                p { (otherwise) }
                @let edit = format!("/clients/{}/edit", receivers.client.id);
                div .actions { (parts::link_button("Add an address", &edit, "")) }
            }))
        }
        ul .items {
            @for receiver in &receivers.receivers {
                li {
                    div {
                        (receiver.to.address.to_string())
                        span .soft { " " (source(receiver.source)) }
                        @if let Some(trouble) = &receiver.trouble {
                            p .late.small {
                                "The last mail there did not arrive"
                                @if let Some(why) = &trouble.why { ": " (why) }
                            }
                        }
                    }
                }
            }
            @for text in &receivers.unusable {
                li { div { (text) p .late.small { "is no e-mail address, and gets nothing" } } }
            }
        }
        p .soft.small { "In " (receivers.language.name()) ", with the invoice as PDF and a link to pay it." }
    }
}

const fn source(source: Source) -> &'static str {
    match source {
        Source::Named => "named for this mail",
        Source::BillingAddress => "billing address",
        Source::ClientEmail => "e-mail address of the client",
        Source::Copy => "copy for your own people",
    }
}

/// `POST /invoices/{id}/send`: finalizes a draft first.
pub async fn send(
    State(site): State<Site>,
    person: Person,
    InPath(id): InPath,
    Once(moment): Once,
    filled: Filled,
) -> Response {
    let note = filled.get("note").replace("\r\n", "\n");
    let sent = async {
        let invoice = found(&site, &person, &id).await?;
        let scope = person.scope();
        let draft = invoice.status == InvoiceState::Draft;
        if filled.get("finalizes") == "1" && !draft {
            // Somebody else was quicker, and it was sent by them.
            return Ok(false);
        }
        // What cannot be sent is not finalized: that could not be taken back.
        if !note.trim().is_empty() {
            mails::note(&note)?;
        }
        if !mails::receivers(&site.app, &scope, &invoice.id)
            .await?
            .to
            .reaches_client()
        {
            return Err(Refusal::from(NoRecipient).into());
        }
        if draft {
            finalized(&site, &person, &invoice, &filled).await?;
        }
        let sending = Sending {
            to: Vec::new(),
            note: Some(note.clone()).filter(|note| !note.trim().is_empty()),
        };
        mails::send(&site.app, &scope, &person.by, moment, &invoice.id, sending).await?;
        Ok(true)
    };
    match sent.await {
        Ok(false) => after(&format!("{PATH}/{id}"), "sent-before"),
        Ok(true) => after(&format!("{PATH}/{id}"), "sent"),
        Err(failure) => {
            let once = filled.get(forms::FIELD);
            let errors = |refusal: &Refusal| Errors::of_refusal(refusal, &LABELS);
            send_page(&site, &person, &id, &note, once, errors, Some(failure)).await
        }
    }
}

/// Finalizes what the person has seen: a draft that somebody has changed since is looked at again first.
async fn finalized(
    site: &Site,
    person: &Person,
    invoice: &Invoice,
    filled: &Filled,
) -> Result<Invoice, Failure> {
    if !person.may(Permission::InvoicesWrite) {
        return Err(Refusal::Person(domain::person::Refused::RoleInsufficient).into());
    }
    let seen = Some(filled.get("version").parse().unwrap_or_default());
    invoicing::finalize_version(&site.app, &person.scope(), &person.by, &invoice.id, seen).await
}

/// `POST /invoices/{id}/finalize`
pub async fn finalize(
    State(site): State<Site>,
    person: Person,
    InPath(id): InPath,
    filled: Filled,
) -> Response {
    let done = async {
        let invoice = found(&site, &person, &id).await?;
        finalized(&site, &person, &invoice, &filled).await
    };
    match done.await {
        Ok(invoice) => after(&format!("{PATH}/{}", invoice.id), "finalized"),
        Err(failure) => trouble(&person, Place::Invoices, failure),
    }
}

/// `GET /invoices/{id}/void`
pub async fn ask_to_void(State(site): State<Site>, person: Person, InPath(id): InPath) -> Response {
    match found(&site, &person, &id).await {
        Ok(invoice) => page(
            &person,
            Place::Invoices,
            VOID,
            &void_question(&person, &invoice, ""),
        ),
        Err(failure) => trouble(&person, Place::Invoices, failure),
    }
}

fn void_question(person: &Person, invoice: &Invoice, changed: &str) -> Markup {
    let text = format!(
        "{} over {} is not owed any more, and its link takes no payment. This cannot be undone.",
        desk::name(invoice),
        desk::amount(invoice.total.minor(), invoice.currency)
    );
    let path = format!("{PATH}/{}", invoice.id);
    let ask = Ask {
        id: "void",
        title: VOID,
        text: &text,
        yes: "Void it",
        no: "Keep it",
        action: &format!("{path}/void?version={}", invoice.version),
        back: &path,
        csrf: &person.csrf,
    };
    html! {
        @if !changed.is_empty() {
            (parts::notice(Tone::Alert, "Nothing was done", &html! { p { (changed) } }))
        }
        (parts::confirm(&ask))
    }
}

/// For which version a page was made.
#[derive(Debug, Default, Deserialize)]
pub struct Seen {
    version: Option<i64>,
}

/// `POST /invoices/{id}/void`
pub async fn void(
    State(site): State<Site>,
    person: Person,
    InPath(id): InPath,
    seen: Result<Query<Seen>, Problem>,
) -> Response {
    let seen = seen.map(|Query(seen)| seen).unwrap_or_default();
    let voided = async {
        let id = InvoiceId::parse(&id)?;
        // A form that does not say what it was made for is looked at again first.
        let version = Some(seen.version.unwrap_or_default());
        invoicing::void_seen(&site.app, &person.scope(), &person.by, &id, version).await
    };
    match voided.await {
        Ok(invoice) => after(&format!("{PATH}/{}", invoice.id), "voided"),
        Err(Failure::Refused(Refusal::VersionConflict)) => match found(&site, &person, &id).await {
            Ok(invoice) => again(
                Refusal::VersionConflict.into(),
                &person,
                Place::Invoices,
                VOID,
                |_| void_question(&person, &invoice, &standing(&invoice)),
            ),
            Err(failure) => trouble(&person, Place::Invoices, failure),
        },
        Err(failure) => trouble(&person, Place::Invoices, failure),
    }
}
