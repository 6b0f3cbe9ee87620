//! `/payments`: what was paid, newest first, and one payment with what Stripe and the platform took of it.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use domain::{CreditNoteId, InvoiceId, PaymentId, Permission, Refusal, Scope};
use flows::Failure;
use flows::refunds::{self, Shown};
use maud::{Markup, html};
use serde::Deserialize;
use store::clients::{self, Cursor};
use store::invoices::{self, Invoice};
use store::lists::Only;
use store::payment_parts::{self, Part};
use store::payments::{self as rows, Payment};
use store::refunds::FeeStatus;
use store::{Tx, application_fees, disputes, invoice_list, invoice_settings, stripe_config};

use super::desk::{self, ASKED, SHOWN};
use super::invoices::{CLIENTS_ASKED, CLIENTS_SEARCHED, numbers};
use super::{page, trouble};
use crate::api::{InPath, Query};
use crate::documents_of;
use crate::html::{self as parts, Column, Pages, Place};
use crate::people::Person;
use crate::problem::Problem;
use crate::router::Site;

const PATH: &str = Place::Payments.path();
const TITLE: &str = "Payments";

/// Which payments are asked for.
#[derive(Debug, Default, Deserialize)]
pub struct Which {
    #[serde(default)]
    after: String,
    #[serde(default)]
    q: String,
}

/// `GET /payments`
pub async fn list(
    State(site): State<Site>,
    person: Person,
    which: Result<Query<Which>, Problem>,
) -> Response {
    let which = which.map(|Query(which)| which).unwrap_or_default();
    let scope = person.scope();
    let after = PaymentId::parse(&which.after).ok();
    let text = desk::looked_for(&which.q);
    let read = site.app.db.read(move |tx| {
        let (payments, more) = match text.is_empty() {
            true => (
                rows::page(tx, &scope, &Only::default(), after.as_ref(), ASKED)?,
                None,
            ),
            false => search(tx, &scope, &text)?,
        };
        let with_invoices = payments.into_iter().map(|payment| {
            let invoice = invoices::get(tx, &scope, &payment.invoice_id)?;
            Ok::<_, store::Error>((payment, invoice))
        });
        Ok::<_, store::Error>((with_invoices.collect::<Result<Vec<_>, _>>()?, more))
    });
    match read.await {
        Ok((found, more)) => page(&person, Place::Payments, TITLE, &shown(&found, more, &which)),
        Err(error) => trouble(&person, Place::Payments, error.into()),
    }
}

/// Payments by an id of Stripe's or of ours, by the number of an invoice, or by a client's name, then newest
/// first; and why these may not be all.
fn search(
    tx: &mut Tx,
    scope: &Scope,
    text: &str,
) -> Result<(Vec<Payment>, Option<&'static str>), store::Error> {
    let mut found = called(tx, scope, text)?;
    let prefix = invoice_settings::get(tx, scope)?.prefix;
    for number in numbers(text, &prefix) {
        if let Some(listed) = invoice_list::numbered(tx, scope, &number)? {
            found.extend(rows::of_invoice(tx, scope, &listed.invoice.id, ASKED)?);
        }
    }
    let by_id = ["pi_", "ch_", "py_", "pay_"]
        .iter()
        .any(|start| text.starts_with(start));
    let called = match by_id {
        true => Vec::new(),
        false => clients::find(tx, scope, text, &Cursor::default(), CLIENTS_ASKED)?,
    };
    let mut theirs = Vec::new();
    for client in called.iter().take(CLIENTS_SEARCHED) {
        let only = Only {
            client: Some(client.id.clone()),
            ..Only::default()
        };
        theirs.extend(rows::page(tx, scope, &only, None, ASKED)?);
    }
    theirs.retain(|one| found.iter().all(|known| known.id != one.id));
    theirs.sort_by(|one, other| other.id.cmp(&one.id));
    theirs.dedup_by(|one, other| one.id == other.id);
    found.extend(theirs);
    let more = match (called.len() > CLIENTS_SEARCHED, found.len() > SHOWN) {
        (true, _) => Some(
            "More than 40 clients are called so. These are payments of the first 40 by name: type more of \
             the name to see those of the others.",
        ),
        (false, true) => Some("There are more. Type more of the name to see fewer."),
        (false, false) => None,
    };
    found.truncate(SHOWN);
    Ok((found, more))
}

/// The payment of this id of ours, or of this intent or charge on the tenant's account.
fn called(tx: &mut Tx, scope: &Scope, id: &str) -> Result<Vec<Payment>, store::Error> {
    let own = match PaymentId::parse(id) {
        Ok(own) => rows::get(tx, scope, &own)?,
        Err(_) => None,
    };
    let account = stripe_config::get(tx, scope)?.map(|config| config.stripe_account_id);
    let at_stripe = match &account {
        Some(account) if own.is_none() => match rows::by_intent(tx, scope, account, id)? {
            Some(found) => Some(found),
            None => rows::by_charge(tx, scope, account, id)?,
        },
        _ => None,
    };
    Ok(own.or(at_stripe).into_iter().collect())
}

fn shown(found: &[(Payment, Option<Invoice>)], more: Option<&str>, which: &Which) -> Markup {
    let (after, q) = (which.after.as_str(), which.q.trim());
    let columns = [
        Column::words("Payment"),
        Column::words("Invoice"),
        Column::words("State"),
        Column::words("With"),
        Column::figures("Amount"),
        Column::figures("Platform fee"),
    ];
    let here = &found[..found.len().min(SHOWN)];
    let rows: Vec<parts::Row> = here.iter().map(row).collect();
    let next = here.last().filter(|_| found.len() > SHOWN);
    let pages = Pages {
        next: next.map(|(last, _)| desk::address(PATH, &[("after", last.id.as_str())])),
        previous: (!after.is_empty()).then(|| PATH.to_owned()),
        ..Pages::default()
    };
    html! {
        (parts::title(TITLE, "What your clients paid, and what was tried.", &html! {
            (parts::link_button("CSV", "/payments.csv", ""))
        }))
        (parts::search(PATH, "Invoice, client or Stripe id", q))
        @if rows.is_empty() && !q.is_empty() {
            (parts::empty(
                "Nothing was found",
                "Look for an invoice's number, a part of a client's name, or an id such as pi_….",
                &parts::link_button("Show all payments", PATH, ""),
            ))
        } @else if rows.is_empty() && after.is_empty() {
            (parts::empty("No payments yet", "When a client pays an invoice, it stands here.", &html! {}))
        } @else if rows.is_empty() {
            (parts::empty(
                "That was the last page",
                "There are no older payments.",
                &parts::link_button("Show the newest", PATH, ""),
            ))
        } @else {
            (parts::table(TITLE, &columns, &rows))
            (parts::pages(&pages))
        }
        @if let Some(more) = more { p .soft { (more) } }
    }
}

fn row((payment, invoice): &(Payment, Option<Invoice>)) -> parts::Row {
    let amount = |minor| desk::amount(minor, payment.currency);
    vec![
        html! {
            a .row-link href={ (PATH) "/" (payment.id) } {
                (parts::moment(payment.succeeded_at.unwrap_or(payment.created_at)))
            }
        },
        html! {
            @if let Some(invoice) = invoice {
                a .nowrap href={ "/invoices/" (invoice.id) } { (desk::name(invoice)) }
            }
        },
        desk::payment_state(payment),
        html! {
            @match desk::method(payment) {
                Some(method) => (method),
                None => span .soft { "\u{2013}" },
            }
        },
        html! { (amount(payment.amount)) },
        html! {
            @match payment.application_fee.filter(|_| payment.succeeded_at.is_some()) {
                Some(fee) => (amount(fee)),
                None => span .soft { "\u{2013}" },
            }
        },
    ]
}

/// All that the page of one payment shows.
struct Whole {
    payment: Payment,
    parts: Vec<(Part, Option<Invoice>)>,
    refunds: Vec<Shown>,
    costs: Costs,
}

/// What a payment cost or brought back after it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Costs {
    /// What of the platform's fee came back, minor units of the payment's currency.
    pub fee_back: i64,
    /// What Stripe takes for disputes, minor units of the balance's currency.
    pub disputes: i64,
}

impl Costs {
    pub(super) fn of(tx: &mut Tx, payment: &Payment) -> Result<Costs, Failure> {
        let refunds = match payment.refunded {
            0 => Vec::new(),
            _ => refunds::of_payment(tx, payment)?,
        };
        let fee = application_fees::of_payment(tx, &payment.scope, &payment.id)?;
        let reported = fee.map_or(0, |fee| fee.refunded);
        let all = disputes::of_payment(tx, &payment.scope, &payment.id)?;
        Ok(Costs {
            // Also what the platform gave back at Stripe itself.
            fee_back: reported.max(refunds.iter().map(fee_back).sum()),
            disputes: all.iter().map(|dispute| dispute.taken.fee).sum(),
        })
    }

    /// What is left of a payment for the tenant, in the currency of the balance; none where the payment's is
    /// another, of which only Stripe knows what going back cost.
    pub(super) fn left(self, payment: &Payment) -> Option<i64> {
        let settled = payment.settlement_currency.unwrap_or(payment.currency);
        let gone = payment.refunded.saturating_add(payment.disputed);
        let net = payment.net?.saturating_sub(self.disputes);
        match gone {
            0 if self.fee_back == 0 => Some(net),
            gone if settled == payment.currency => {
                Some(net.saturating_sub(gone).saturating_add(self.fee_back))
            }
            _ => None,
        }
    }
}

/// `GET /payments/{id}`
pub async fn show(State(site): State<Site>, person: Person, InPath(id): InPath) -> Response {
    match read(&site, &person, &id).await {
        Ok(whole) => page(&person, Place::Payments, "Payment", &content(&person, &whole)),
        Err(failure) => trouble(&person, Place::Payments, failure),
    }
}

async fn read(site: &Site, person: &Person, id: &str) -> Result<Whole, Failure> {
    let (scope, id) = (person.scope(), PaymentId::parse(id)?);
    let read = site.app.db.read(move |tx| {
        let payment = rows::get(tx, &scope, &id)?.ok_or(Refusal::NotFound)?;
        let mut parts = Vec::new();
        for part in payment_parts::of(tx, &scope, &id)? {
            let invoice = invoices::get(tx, &scope, &part.invoice_id)?;
            parts.push((part, invoice));
        }
        Ok::<_, Failure>(Whole {
            parts,
            refunds: refunds::of_payment(tx, &payment)?,
            costs: Costs::of(tx, &payment)?,
            payment,
        })
    });
    read.await
}

fn content(person: &Person, whole: &Whole) -> Markup {
    let payment = &whole.payment;
    let amount = |minor| desk::amount(minor, payment.currency);
    let refundable = payment.standing().refundable() > 0;
    let paid = payment.succeeded_at.is_some();
    let actions = html! {
        @if paid { (parts::link_button("Receipt", &format!("{PATH}/{}/receipt.pdf", payment.id), "")) }
        @if refundable && person.may(Permission::RefundsWrite) {
            (parts::link_button("Give money back", &format!("{PATH}/{}/refund", payment.id), ""))
        }
    };
    html! {
        a .back href=(PATH) { (TITLE) }
        (parts::title(&format!("Payment of {}", amount(payment.amount)), "", &actions))
        div .stack.loose {
            section .card {
                div .card-head { h2 { "Where it stands" } (desk::payment_state(payment)) }
                (parts::facts(&facts(whole)))
            }
            section .card {
                h2 { "What it pays" }
                ul .items {
                    @for (part, invoice) in &whole.parts {
                        li {
                            @if let Some(invoice) = invoice {
                                a href={ "/invoices/" (invoice.id) } { (desk::name(invoice)) }
                            }
                            span { (amount(part.amount)) }
                        }
                    }
                }
            }
            @if !whole.refunds.is_empty() {
                section .card {
                    h2 { "What went back" }
                    ul .items {
                        @for shown in &whole.refunds {
                            li {
                                div {
                                    (amount(shown.refund.amount))
                                    p .soft.small { (shown.explanation) }
                                }
                                (parts::day(shown.refund.created_at))
                            }
                        }
                    }
                }
            }
            section .card {
                h2 { "At Stripe" }
                (parts::facts(&at_stripe(payment)))
            }
        }
    }
}

fn facts(whole: &Whole) -> Vec<(&'static str, Markup)> {
    let payment = &whole.payment;
    let amount = |minor| html! { (desk::amount(minor, payment.currency)) };
    let mut facts = vec![("Asked for", amount(payment.amount))];
    if let Some(method) = desk::method(payment) {
        facts.push(("With", html! { (method) }));
    }
    facts.push(("Begun", parts::moment(payment.created_at)));
    if let Some(at) = payment.succeeded_at {
        facts.push(("Paid", parts::moment(at)));
        facts.push(("Received", amount(payment.received)));
    }
    if payment.refunded > 0 {
        facts.push(("Given back", amount(payment.refunded)));
    }
    if payment.disputed > 0 {
        facts.push(("Taken by the bank", amount(payment.disputed)));
    }
    if let Some(fee) = payment.application_fee.filter(|_| payment.succeeded_at.is_some()) {
        facts.push(("Platform fee", amount(fee)));
    }
    let settled = payment.settlement_currency.unwrap_or(payment.currency);
    if let Some(fee) = payment.stripe_fee {
        facts.push(("Stripe's fee", html! { (desk::amount(fee, settled)) }));
    }
    if whole.costs.disputes > 0 {
        facts.push((
            "Stripe's fee for the dispute",
            html! { (desk::amount(whole.costs.disputes, settled)) },
        ));
    }
    if whole.costs.fee_back > 0 {
        facts.push(("Platform fee given back", amount(whole.costs.fee_back)));
    }
    if let Some(net) = payment.net {
        let (label, left) = match whole.costs.left(payment) {
            Some(left) => ("What is left for you", left),
            None => ("Left for you before what went back", net),
        };
        facts.push((label, html! { strong { (desk::amount(left, settled)) } }));
    }
    if let Some(code) = payment
        .failure_code
        .as_ref()
        .filter(|_| payment.succeeded_at.is_none())
    {
        facts.push(("Last decline", html! { (code.replace('_', " ")) }));
    }
    facts
}

/// What of the platform's fee has come back with a refund.
fn fee_back(shown: &Shown) -> i64 {
    match shown.refund.fee_status {
        FeeStatus::Returned => shown.fee_returned,
        FeeStatus::Kept | FeeStatus::Due | FeeStatus::Sent | FeeStatus::Refused => 0,
    }
}

fn at_stripe(payment: &Payment) -> Vec<(&'static str, Markup)> {
    let account = &payment.stripe_account_id;
    let mut facts = vec![("Account", html! { code { (account) } })];
    if let Some(intent) = &payment.intent_id {
        let test = if payment.scope.mode.is_live() { "" } else { "test/" };
        let href = format!("https://dashboard.stripe.com/{account}/{test}payments/{intent}");
        facts.push((
            "Payment intent",
            html! { a href=(href) rel="noopener noreferrer" target="_blank" { code { (intent) } } },
        ));
    }
    if let Some(charge) = &payment.charge_id {
        facts.push(("Charge", html! { code { (charge) } }));
    }
    facts
}

/// `GET /payments/{id}/receipt.pdf`
pub async fn receipt(State(site): State<Site>, person: Person, InPath(id): InPath) -> Response {
    let made = async {
        let id = PaymentId::parse(&id)?;
        documents_of::receipt(&site, &person.scope(), &id, None, None).await
    };
    pdf(made.await, &person)
}

/// `GET /invoices/{id}/invoice.pdf`
pub async fn invoice(State(site): State<Site>, person: Person, InPath(id): InPath) -> Response {
    let made = async {
        let id = InvoiceId::parse(&id)?;
        documents_of::invoice(&site, &person.scope(), &id, None, None).await
    };
    pdf(made.await, &person)
}

/// `GET /credit-notes/{id}/credit-note.pdf`
pub async fn credit_note(State(site): State<Site>, person: Person, InPath(id): InPath) -> Response {
    let made = async {
        let id = CreditNoteId::parse(&id)?;
        documents_of::credit_note(&site, &person.scope(), &id, None).await
    };
    pdf(made.await, &person)
}

fn pdf(made: Result<documents_of::Document, Failure>, person: &Person) -> Response {
    match made {
        Ok(document) => {
            let name = format!("inline; filename=\"{}\"", document.name);
            let headers = [
                (header::CONTENT_TYPE, "application/pdf".to_owned()),
                (header::CONTENT_DISPOSITION, name),
                (header::CACHE_CONTROL, "private, no-store".to_owned()),
            ];
            (headers, document.pdf).into_response()
        }
        Err(failure) => trouble(person, Place::Payments, failure),
    }
}
