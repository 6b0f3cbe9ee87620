//! `/invoices/{id}`: the paper as the client sees it, where it stands, what can be done with it, and
//! everything that happened to it. What can change by itself is asked for again by the script.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::invoice::{InvoiceState, Line};
use domain::{InvoiceId, LinkId, PaymentId, Refusal, Scope, Timestamp};
use flows::refunds::{self, OfInvoice, Shown};
use flows::{Failure, business, credits};
use maud::{Markup, html};
use sha2::{Digest, Sha256};
use store::clients::{self, Client};
use store::credit_applications::{self, Used};
use store::credit_notes::{self, CreditNote};
use store::disputes::{self, Dispute};
use store::invoices::{self, Invoice};
use store::mails::{self, Mail};
use store::offline_payments::{self, OfflinePayment};
use store::pay_links::{self, PayLink};
use store::payments::{self, Payment};
use store::{Tx, paid_by, payment_parts, state_history};

use super::desk;
use super::invoice_actors::{Acted, acted};
use super::invoice_acts::acts;
use super::invoice_events::happened;
use super::invoice_paper::paper;
use super::{Asked, said, trouble};
use super::{invoice_links, invoice_money};
use crate::api::InPath;
use crate::assets;
use crate::html::{self as parts, Frame, Place};
use crate::people::{Person, html_page};
use crate::problem::Problem;
use crate::router::Site;

const PATH: &str = Place::Invoices.path();
/// Payments of one invoice that are shown; more than a few are declined cards.
const PAYMENTS_SHOWN: i64 = 50;
/// Links of one invoice that are looked at.
const LINKS_SHOWN: i64 = 50;

/// All that is known of an invoice.
pub struct Whole {
    /// The invoice.
    pub invoice: Invoice,
    /// When it was settled in full, each time: money that went back may have had it owed again.
    pub settled: Vec<Timestamp>,
    /// Its client, as it is called now.
    pub client: Client,
    /// Who sends it, as its clients know them.
    pub seller: String,
    /// Its lines.
    pub lines: Vec<Line>,
    /// Its payments, newest first, with what each brought this invoice in minor units.
    pub payments: Vec<(Payment, i64)>,
    /// Its refunds.
    pub refunds: Vec<Shown>,
    /// What went back and what still may.
    pub back: OfInvoice,
    /// Its credit notes.
    pub notes: Vec<CreditNote>,
    /// The client's credit that paid a part of it.
    pub used: Vec<Used>,
    /// Who of the tenant's people did what to it, by the audit log's word for it and its subject.
    pub actors: Vec<Acted>,
    /// Disputes of its payments.
    pub disputes: Vec<Dispute>,
    /// What was mailed of it.
    pub mails: Vec<Mail>,
    /// The links by which it is seen and paid.
    pub links: Vec<PayLink>,
    /// Which payments came by which of them.
    pub paid_by: Vec<(PaymentId, LinkId)>,
    /// Money that came without Stripe, newest first, taken back or not.
    pub offline: Vec<OfflinePayment>,
}

impl Whole {
    /// Reads it.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn read(tx: &mut Tx, scope: &Scope, id: &InvoiceId) -> Result<Whole, Failure> {
        let invoice = invoices::get(tx, scope, id)?.ok_or(Refusal::NotFound)?;
        let client = clients::get(tx, scope, &invoice.client_id)?.ok_or(Refusal::NotFound)?;
        let (mut paid, mut given_back, mut disputed) = (Vec::new(), Vec::new(), Vec::new());
        for payment in payments::of_invoice(tx, scope, id, PAYMENTS_SHOWN)? {
            let parts = payment_parts::of(tx, scope, &payment.id)?;
            let part = parts.iter().find(|part| part.invoice_id == *id);
            let back = refunds::of_payment(tx, &payment)?.into_iter();
            given_back.extend(back.filter(|shown| is_about(shown, id)));
            disputed.extend(disputes::of_payment(tx, scope, &payment.id)?);
            let amount = part.map_or(payment.amount, |part| part.amount);
            paid.push((payment, amount));
        }
        let (used, notes) = (
            credit_applications::of_invoice(tx, scope, id)?,
            credit_notes::of_invoice(tx, scope, id)?,
        );
        let refunded = given_back.iter().map(|shown| shown.refund.id.as_str());
        let noted = notes.iter().map(|note| note.id.as_str());
        let beside: Vec<&str> = refunded.chain(noted).collect();
        Ok(Whole {
            actors: acted(tx, scope, id, &beside)?,
            seller: business::seller(tx, scope)?.name,
            settled: state_history::reached(tx, scope, id.as_str(), InvoiceState::Paid.word())?,
            lines: invoices::lines(tx, scope, id)?,
            back: refunds::of_invoice(tx, scope, id)?,
            used,
            notes,
            mails: mails::of_invoice(tx, scope, id)?,
            links: pay_links::page(tx, scope, id, None, LINKS_SHOWN)?,
            paid_by: paid_by::of_invoice(tx, scope, id)?,
            offline: offline_payments::of_invoice(tx, scope, id, None, PAYMENTS_SHOWN)?,
            payments: paid,
            refunds: given_back,
            disputes: disputed,
            invoice,
            client,
        })
    }

    /// Whether nothing can happen to it by itself any more.
    fn is_still(&self) -> bool {
        let waits = |mail: &Mail| {
            use domain::mail::MailState::{Queued, Sending};
            matches!(mail.status, Queued | Sending)
        };
        self.invoice.status == InvoiceState::Void
            || (self.invoice.status == InvoiceState::Draft && !self.mails.iter().any(waits))
    }
}

/// Whether a refund takes something of an invoice: a payment may have paid several.
fn is_about(shown: &Shown, invoice: &InvoiceId) -> bool {
    shown.invoices.is_empty() || shown.invoices.iter().any(|one| one.invoice_id == *invoice)
}

/// `GET /invoices/{id}`
pub async fn show(State(site): State<Site>, person: Person, InPath(id): InPath, asked: Asked) -> Response {
    match read(&site, &person, &id).await {
        Ok((whole, credit)) => {
            let content = content(&site, &person, &whole, credit, &said(&asked));
            let frame = Frame {
                title: desk::name(&whole.invoice),
                place: Place::Invoices,
                script: Some(assets::connect_js_path()),
            };
            let page = parts::page(&frame, &super::viewer(&person), &content);
            html_page(axum::http::StatusCode::OK, page)
        }
        Err(failure) => trouble(&person, Place::Invoices, failure),
    }
}

/// `GET /invoices/{id}/panel`: for the page that looks again.
pub async fn panel(
    State(site): State<Site>,
    person: Person,
    InPath(id): InPath,
) -> Result<Response, Problem> {
    let (whole, credit) = read(&site, &person, &id).await?;
    Ok(live(&site, &person, &whole, credit).into_response())
}

/// The invoice, with the client's credit that could pay it, in minor units.
async fn read(site: &Site, person: &Person, id: &str) -> Result<(Whole, i64), Failure> {
    let (scope, id) = (person.scope(), InvoiceId::parse(id)?);
    let read = site.app.db.read(move |tx| Whole::read(tx, &scope, &id)).await?;
    let credit = credits::of_client(&site.app, &person.scope(), &read.invoice.client_id).await?;
    let usable = credit.usable(read.invoice.currency);
    Ok((read, usable))
}

fn content(site: &Site, person: &Person, whole: &Whole, credit: i64, said: &Markup) -> Markup {
    let invoice = &whole.invoice;
    let client = html! { a href={ "/clients/" (whole.client.id) } { (whole.client.name) } };
    html! {
        a .back href=(PATH) { "Invoices" }
        (parts::title(desk::name(invoice), "", &html! {
            (parts::link_button("PDF", &format!("{PATH}/{}/invoice.pdf", invoice.id), ""))
        }))
        p .under-title { "To " (client) }
        (said)
        div .two-columns {
            div .stack.loose {
                (live(site, person, whole, credit))
                (invoice_links::card(site, person, invoice, &whole.links, &whole.paid_by))
            }
            section aria-label="The paper" { (paper(whole)) }
        }
    }
}

/// What can change while somebody looks.
fn live(site: &Site, person: &Person, whole: &Whole, credit: i64) -> Markup {
    let today = desk::today(site);
    let inside = html! {
        section .card {
            div .card-head {
                h2 #panel-title tabindex="-1" { "Where it stands" }
                (desk::state(&whole.invoice, &today))
            }
            (sums(whole, &today))
        }
        (acts(person, whole, credit))
        (invoice_money::cards(person, whole))
        section .card {
            h2 { "What happened" }
            (parts::timeline(&happened(whole)))
        }
    };
    let state = hex::encode(Sha256::digest(inside.0.as_bytes()));
    html! {
        div #panel .stack.loose data-url={ (PATH) "/" (whole.invoice.id) "/panel" } data-state=(state)
            data-final[whole.is_still()] { (inside) }
    }
}

fn sums(whole: &Whole, today: &str) -> Markup {
    let invoice = &whole.invoice;
    let amount = |minor| desk::amount(minor, invoice.currency);
    let mut facts = vec![("Total", html! { (amount(invoice.total.minor())) })];
    let used: i64 = whole.used.iter().map(|used| used.amount).sum();
    let forgiven = of_refunds(whole);
    // What is settled now, taken apart into what happened: what was paid is what is left of it, and what went
    // back of it since.
    if invoice.applied > 0 || whole.back.refunded > 0 {
        let settled = invoice.applied.saturating_add(whole.back.refunded);
        let (label, paid) = match used.min(settled) {
            0 => ("Paid", settled),
            used => ("Paid by money", settled - used),
        };
        facts.push((label, html! { (amount(paid)) }));
        if used > 0 {
            facts.push(("Paid by credit", html! { (amount(used.min(settled))) }));
        }
    }
    if whole.back.refunded > 0 {
        facts.push(("Given back", html! { "\u{2212}" (amount(whole.back.refunded)) }));
    }
    if invoice.credited > 0 {
        facts.push((
            "Credited",
            html! {
                (amount(invoice.credited))
                @if forgiven > 0 { span .soft { " of which " (amount(forgiven)) " for what was given back" } }
            },
        ));
    }
    if matches!(invoice.status, InvoiceState::Open | InvoiceState::Processing) {
        facts.push((
            "Still owed",
            html! { strong { (amount(invoice.owed().minor())) } },
        ));
    }
    let due = invoice.due_date.as_deref().map(|due| {
        html! {
            (desk::date(due))
            @if let Some(words) = desk::due(invoice, today) {
                " " span .late[desk::is_overdue(invoice, today)] .soft[!desk::is_overdue(invoice, today)] {
                    "(" (words) ")"
                }
            }
        }
    });
    facts.push(("Due", due.unwrap_or_else(|| html! { span .soft { "No date" } })));
    parts::facts(&facts)
}

/// What credit notes that came with refunds have forgiven, minor units.
fn of_refunds(whole: &Whole) -> i64 {
    let notes = whole.notes.iter().filter(|note| note.refund_id.is_some());
    notes.map(|note| note.to_invoice).sum()
}
