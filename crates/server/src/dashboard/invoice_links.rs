//! The pay links of an invoice: for whom each is, whether they have looked and paid, its address to be
//! copied, a new one, and taking one back.

use axum::extract::State;
use axum::response::Response;
use domain::invoice::InvoiceState;
use domain::pay_link::{LinkKind, LinkState};
use domain::{InvoiceId, LinkId, MailAddress, PaymentId, Permission, Refusal, Timestamp};
use flows::Failure;
use flows::pay_links::{self, LIFETIME_DAYS, LIFETIME_DAYS_MAX, NewCopy};
use maud::{Markup, html};
use store::invoices::Invoice;
use store::pay_links::PayLink;

use super::invoice_acts::found;
use super::{after, again, desk, page, trouble};
use crate::api::{InPath, InPaths};
use crate::html::{self as parts, Errors, Field, Input, Place, Tone};
use crate::idempotency::{Once, forms};
use crate::people::{Filled, Person};
use crate::router::Site;

const PATH: &str = Place::Invoices.path();
const NEW: &str = "New pay link";
const LABELS: [(&str, &str); 3] = [
    ("email", "E-mail address"),
    ("name", "Name"),
    ("expires_in_days", "Days"),
];

/// The links of an invoice, with the payments that came by each. Their addresses are shown to whoever may
/// make one.
pub fn card(
    site: &Site,
    person: &Person,
    invoice: &Invoice,
    links: &[PayLink],
    paid: &[(PaymentId, LinkId)],
) -> Markup {
    if invoice.status == InvoiceState::Draft {
        return html! {};
    }
    let may = person.may(Permission::InvoicesWrite);
    let now = site.app.clock.now();
    let path = format!("{PATH}/{}/links", invoice.id);
    let payable = matches!(invoice.status, InvoiceState::Open | InvoiceState::Processing);
    let shared = links
        .iter()
        .any(|link| link.kind == LinkKind::Shared && link.state(now) == LinkState::InForce);
    html! {
        section .card #links {
            div .card-head {
                h2 { "Pay links" }
                @if may && payable { (parts::link_button("New link", &format!("{path}/new"), "")) }
            }
            @if links.is_empty() {
                p .soft { "Nobody has a link yet. Who gets the invoice by mail gets one of their own." }
            }
            ul .items {
                @for (nth, link) in links.iter().enumerate() {
                    li { (one(site, link, &format!("link-{nth}"), paid, (may && payable, now), &path)) }
                }
            }
            @if may && payable && !shared {
                (parts::form(&path, &person.csrf, &html! {
                    input type="hidden" name="shared" value="1";
                    div .actions { (parts::button("Make a link for anybody")) }
                }))
            }
        }
    }
}

fn one(
    site: &Site,
    link: &PayLink,
    id: &str,
    paid: &[(PaymentId, LinkId)],
    (may, now): (bool, Timestamp),
    path: &str,
) -> Markup {
    let state = link.state(now);
    let address = match state {
        LinkState::InForce if may => pay_links::token(&site.app.link_key, link).ok(),
        LinkState::InForce | LinkState::Expired | LinkState::Revoked => None,
    };
    let whose = whose(link);
    let paid = paid.iter().filter(|(_, by)| *by == link.id).count();
    html! {
        div .grow {
            div .card-head {
                span { strong { (whose) } " " span .soft { (kind(link.kind)) } }
                (badge(link, state, paid))
            }
            p .soft.small {
                @match link.views.last_at {
                    Some(at) => { "Looked at " (times(link.views.count)) ", last " (parts::moment(at)) },
                    None => "Nobody has looked at it",
                }
                @if state == LinkState::InForce { ". Good until " (parts::day(link.expires_at)) "." }
            }
            @if let Some(token) = address {
                (parts::copy_input(id, &format!("Pay link of {whose}"), &site.pay_url(&token)))
                div .actions {
                    @let revoke = format!("{path}/{}/revoke", link.id);
                    a .btn.plain.danger href=(revoke) {
                        "Revoke" span .visually-hidden { " the link of " (whose) }
                    }
                }
            }
        }
    }
}

fn whose(link: &PayLink) -> String {
    match (&link.recipient, link.kind) {
        (Some(recipient), _) => match &recipient.name {
            Some(name) => format!("{name} <{}>", recipient.address),
            None => recipient.address.to_string(),
        },
        (None, _) => "Anybody who has it".to_owned(),
    }
}

const fn kind(kind: LinkKind) -> &'static str {
    match kind {
        LinkKind::Shared => "",
        LinkKind::Mailed => "by mail",
        LinkKind::MailedCopy => "by mail, as a copy",
        LinkKind::Copied => "given by you",
        LinkKind::Forwarded => "passed on to them",
    }
}

fn badge(link: &PayLink, state: LinkState, paid: usize) -> Markup {
    match (paid, state) {
        (1.., _) => parts::badge(Tone::Good, "Paid by it"),
        (0, LinkState::Revoked) => parts::badge(Tone::Bad, "Revoked"),
        (0, LinkState::Expired) => parts::badge(Tone::Calm, "Run out"),
        (0, LinkState::InForce) if link.views.count > 0 => parts::badge(Tone::Busy, "Seen"),
        (0, LinkState::InForce) => parts::badge(Tone::Calm, "Not seen"),
    }
}

fn times(count: i64) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        count => format!("{count} times"),
    }
}

/// `GET /invoices/{id}/links/new`
pub async fn new(State(site): State<Site>, person: Person, InPath(id): InPath) -> Response {
    match found(&site, &person, &id).await {
        Ok(invoice) => {
            let days = LIFETIME_DAYS.to_string();
            let content = form(&site, &person, &invoice, ["", "", &days], "", &Errors::none());
            page(&person, Place::Invoices, NEW, &content)
        }
        Err(failure) => trouble(&person, Place::Invoices, failure),
    }
}

/// `POST /invoices/{id}/links`: for somebody, or for anybody where `shared` says so.
pub async fn create(
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
    let typed = LABELS.map(|(name, _)| filled.get(name));
    let (scope, back) = (person.scope(), format!("{PATH}/{}", invoice.id));
    let made = async {
        if filled.get("shared") == "1" {
            pay_links::rotate(&site.app, &scope, &person.by, &invoice.id, None).await?;
            return Ok(());
        }
        let [email, name, days] = typed;
        let unread = || {
            Refusal::invalid(
                "expires_in_days",
                format!("must be 1 to {LIFETIME_DAYS_MAX} days"),
            )
        };
        let new = NewCopy {
            address: MailAddress::parse("email", email)?,
            name: Some(name.trim().to_owned()).filter(|name| !name.is_empty()),
            lifetime_days: Some(days.trim().parse().map_err(|_| unread())?),
        };
        pay_links::make(&site.app, &scope, &person.by, moment, &invoice.id, new).await?;
        Ok::<_, Failure>(())
    };
    match made.await {
        Ok(()) => after(&back, "link-made"),
        Err(failure) => again(failure, &person, Place::Invoices, NEW, |refusal| {
            let errors = Errors::of_refusal(refusal, &LABELS);
            form(&site, &person, &invoice, typed, filled.get(forms::FIELD), &errors)
        }),
    }
}

fn form(
    site: &Site,
    person: &Person,
    invoice: &Invoice,
    [email, name, days]: [&str; 3],
    once: &str,
    errors: &Errors,
) -> Markup {
    let back = format!("{PATH}/{}", invoice.id);
    let about = "For somebody whom you give it yourself. Nothing is mailed.";
    html! {
        a .back href=(back) { (desk::name(invoice)) }
        (parts::title(NEW, about, &html! {}))
        div .card.narrow {
            (parts::form(&format!("{back}/links"), &person.csrf, &html! {
                (parts::summary(errors))
                (forms::field(site, once))
                (parts::field(&Field {
                    name: "email", label: LABELS[0].1, value: email, input: Input::Email, max: 254,
                    hint: "Whose link it is: you see whether they looked and paid.",
                    ..Field::default()
                }, errors))
                (parts::field(&Field {
                    name: "name", label: LABELS[1].1, value: name, optional: true, max: 200,
                    ..Field::default()
                }, errors))
                (parts::field(&Field {
                    name: "expires_in_days", label: "Days that it is good for", value: days,
                    input: Input::Number, max: 3, ..Field::default()
                }, errors))
                div .actions {
                    (parts::primary_button("Make the link"))
                    (parts::link_button("Cancel", &back, "plain"))
                }
            }))
        }
    }
}

/// A link of an invoice.
async fn link_of(site: &Site, person: &Person, invoice: &str, link: &str) -> Result<PayLink, Failure> {
    let (scope, invoice, link) = (person.scope(), InvoiceId::parse(invoice)?, LinkId::parse(link)?);
    let read = site
        .app
        .db
        .read(move |tx| store::pay_links::get(tx, &link))
        .await?;
    let found = read.filter(|link| link.scope == scope && link.invoice_id == invoice);
    Ok(found.ok_or(Refusal::NotFound)?)
}

/// `GET /invoices/{id}/links/{link}/revoke`
pub async fn ask_to_revoke(State(site): State<Site>, person: Person, InPaths(id, link): InPaths) -> Response {
    match link_of(&site, &person, &id, &link).await {
        Ok(found) => {
            let path = format!("{PATH}/{}", found.invoice_id);
            let title = match found.recipient {
                Some(_) => format!("Revoke the link of {}?", whose(&found)),
                None => "Revoke the link that anybody may use?".to_owned(),
            };
            let ask = parts::Ask {
                id: "revoke",
                title: &title,
                text: "Whoever opens it reads that it does not work any more, and so does everybody to \
                       whom it was passed on. What was paid by it stays paid. This cannot be undone; you \
                       can make a new link.",
                yes: "Revoke it",
                no: "Keep it",
                action: &format!("{path}/links/{link}/revoke"),
                back: &path,
                csrf: &person.csrf,
            };
            super::question(&person, Place::Invoices, &ask)
        }
        Err(failure) => trouble(&person, Place::Invoices, failure),
    }
}

/// `POST /invoices/{id}/links/{link}/revoke`
pub async fn revoke(State(site): State<Site>, person: Person, InPaths(id, link): InPaths) -> Response {
    let revoked = async {
        let (invoice, link) = (InvoiceId::parse(&id)?, LinkId::parse(&link)?);
        pay_links::revoke(&site.app, &person.scope(), &person.by, &invoice, &link).await
    };
    match revoked.await {
        Ok(_) => after(&format!("{PATH}/{id}"), "link-revoked"),
        Err(failure) => trouble(&person, Place::Invoices, failure),
    }
}
