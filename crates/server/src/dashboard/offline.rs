//! Money that came without Stripe: recording it on an invoice, and taking that back.

use axum::extract::State;
use axum::response::Response;
use domain::invoice::InvoiceState;
use domain::offline_payment::{Method, REFERENCE_MAX};
use domain::{InvoiceId, Language, Money, OfflinePaymentId, Refusal};
use flows::mails::invoice as mails;
use flows::offline_payments::{self, Wanted};
use flows::{Failure, mails::recipients::Receivers};
use maud::{Markup, html};
use store::invoices::Invoice;
use store::offline_payments::{self as rows, OfflinePayment};

use super::given_up::standing;
use super::invoice_acts::found;
use super::money_back::changed;
use super::{after, again, desk, page, trouble};
use crate::api::{InPath, InPaths};
use crate::html::{self as parts, Check, Choice, Errors, Field, Input, Offer, Place};
use crate::idempotency::{Once, forms};
use crate::people::{Filled, Person, see_other};
use crate::router::Site;

const PATH: &str = Place::Invoices.path();
const RECORD: &str = "Record a payment";
const REVERSE: &str = "Take this payment back?";
const LABELS: [(&str, &str); 5] = [
    ("amount", "Amount"),
    ("received_on", "Day"),
    ("method", "How it came"),
    ("reference", "Reference"),
    ("reason", "Reason"),
];

/// What somebody typed.
struct Typed {
    amount: String,
    received_on: String,
    method: String,
    reference: String,
    receipt: bool,
}

/// `GET /invoices/{id}/record-payment`
pub async fn ask(State(site): State<Site>, person: Person, InPath(id): InPath) -> Response {
    match read(&site, &person, &id).await {
        Ok((invoice, _)) if invoice.status != InvoiceState::Open => {
            see_other(&format!("{PATH}/{}", invoice.id))
        }
        Ok((invoice, receivers)) => {
            let typed = Typed {
                amount: invoice.owed().plain(),
                received_on: desk::today(&site),
                method: Method::BankTransfer.word().to_owned(),
                reference: String::new(),
                receipt: true,
            };
            let content = form(
                &site,
                &person,
                (&invoice, &receivers),
                &typed,
                "",
                &Errors::none(),
            );
            page(&person, Place::Invoices, RECORD, &content)
        }
        Err(failure) => trouble(&person, Place::Invoices, failure),
    }
}

async fn read(site: &Site, person: &Person, id: &str) -> Result<(Invoice, Receivers), Failure> {
    let invoice = found(site, person, id).await?;
    let receivers = mails::receivers(&site.app, &person.scope(), &invoice.id).await?;
    Ok((invoice, receivers.to))
}

/// `POST /invoices/{id}/record-payment`
pub async fn record(
    State(site): State<Site>,
    person: Person,
    InPath(id): InPath,
    Once(moment): Once,
    filled: Filled,
) -> Response {
    let (invoice, receivers) = match read(&site, &person, &id).await {
        Ok(read) => read,
        Err(failure) => return trouble(&person, Place::Invoices, failure),
    };
    let typed = Typed {
        amount: filled.get("amount").to_owned(),
        received_on: filled.get("received_on").trim().to_owned(),
        method: filled.get("method").to_owned(),
        reference: filled.get("reference").to_owned(),
        receipt: filled.get("receipt") == "1",
    };
    let recorded = async {
        let unsaid = || Refusal::invalid("method", "must be chosen");
        let wanted = Wanted {
            invoice_id: invoice.id.clone(),
            version: Some(filled.get("version").parse().unwrap_or_default()),
            amount_minor: Some(Money::typed("amount", &typed.amount, invoice.currency)?.minor()),
            method: Method::from_word(&typed.method).ok_or_else(unsaid)?,
            received_on: Some(typed.received_on.clone()),
            reference: Some(typed.reference.clone()),
            receipt: typed.receipt && receivers.reaches_client(),
        };
        offline_payments::record(&site.app, &person.scope(), &person.by, moment, wanted).await
    };
    match recorded.await {
        Ok(_) => after(&format!("{PATH}/{}", invoice.id), "recorded"),
        Err(failure) => again(failure, &person, Place::Invoices, RECORD, |refusal| {
            let errors = match refusal {
                Refusal::VersionConflict => changed(&standing(&invoice)),
                refusal => Errors::of_refusal(refusal, &LABELS),
            };
            let once = filled.get(forms::FIELD);
            form(&site, &person, (&invoice, &receivers), &typed, once, &errors)
        }),
    }
}

fn form(
    site: &Site,
    person: &Person,
    (invoice, receivers): (&Invoice, &Receivers),
    typed: &Typed,
    once: &str,
    errors: &Errors,
) -> Markup {
    let back = format!("{PATH}/{}", invoice.id);
    let owed = desk::amount(invoice.owed().minor(), invoice.currency);
    let about = format!(
        "{owed} of {} is still owed by {}",
        desk::name(invoice),
        receivers.client.name
    );
    let amount = format!("Amount in {}", invoice.currency);
    let options = Method::ALL.map(|method| Offer {
        value: method.word(),
        label: method.name(Language::En),
        hint: "",
    });
    html! {
        a .back href=(back) { (desk::name(invoice)) }
        (parts::title(RECORD, &about, &html! {}))
        div .card.narrow {
            (parts::form(&format!("{back}/record-payment"), &person.csrf, &html! {
                (parts::summary(errors))
                (forms::field(site, once))
                input type="hidden" name="version" value=(invoice.version);
                p .soft { "For money that reached you without this page: it is on your account, in your \
                           hand or in your till. No card is charged." }
                (parts::field(&Field {
                    name: "amount", label: &amount, value: &typed.amount, max: 30, ..Field::default()
                }, errors))
                (parts::field(&Field {
                    name: "received_on", label: "Day on which it came", value: &typed.received_on,
                    input: Input::Date, ..Field::default()
                }, errors))
                (parts::choices(&Choice {
                    name: "method", label: LABELS[2].1, hint: "", options: &options, chosen: &typed.method,
                }, errors))
                (parts::field(&Field {
                    name: "reference", label: LABELS[3].1, value: &typed.reference, optional: true,
                    hint: "Such as the cheque's number or what the bank statement says.", max: REFERENCE_MAX,
                    ..Field::default()
                }, errors))
                (receipt(receivers, typed.receipt))
                div .actions {
                    (parts::primary_button("Record it"))
                    (parts::link_button("Cancel", &back, "plain"))
                }
            }))
        }
    }
}

fn receipt(receivers: &Receivers, ticked: bool) -> Markup {
    if !receivers.reaches_client() {
        return html! { p .soft { "The client has no e-mail address, so no receipt is mailed." } };
    }
    let to: Vec<String> = receivers
        .receivers
        .iter()
        .map(|receiver| receiver.to.address.to_string())
        .collect();
    let hint = format!("To {}", to.join(", "));
    let option = Offer {
        value: "1",
        label: "Mail a receipt",
        hint: &hint,
    };
    parts::check(&Check {
        name: "receipt",
        option,
        ticked,
    })
}

/// A recorded payment of an invoice of the person's tenant.
async fn one(
    site: &Site,
    person: &Person,
    invoice: &str,
    id: &str,
) -> Result<(Invoice, OfflinePayment), Failure> {
    let invoice = found(site, person, invoice).await?;
    let (scope, id) = (person.scope(), OfflinePaymentId::parse(id)?);
    let payment = site.app.db.read(move |tx| rows::get(tx, &scope, &id)).await?;
    let payment = payment.filter(|payment| payment.invoice_id == invoice.id);
    Ok((invoice, payment.ok_or(Refusal::NotFound)?))
}

/// `GET /invoices/{id}/recorded/{payment}/reverse`
pub async fn ask_to_reverse(
    State(site): State<Site>,
    person: Person,
    InPaths(id, payment): InPaths,
) -> Response {
    match one(&site, &person, &id, &payment).await {
        Ok((invoice, payment)) if payment.reversed_at.is_some() => {
            see_other(&format!("{PATH}/{}", invoice.id))
        }
        Ok((invoice, payment)) => {
            let content = reverse_form(&site, &person, (&invoice, &payment), "", "", &Errors::none());
            page(&person, Place::Invoices, REVERSE, &content)
        }
        Err(failure) => trouble(&person, Place::Invoices, failure),
    }
}

/// `POST /invoices/{id}/recorded/{payment}/reverse`
pub async fn reverse(
    State(site): State<Site>,
    person: Person,
    InPaths(id, payment): InPaths,
    filled: Filled,
) -> Response {
    let (invoice, payment) = match one(&site, &person, &id, &payment).await {
        Ok(found) => found,
        Err(failure) => return trouble(&person, Place::Invoices, failure),
    };
    let reason = filled.get("reason");
    let of: &InvoiceId = &invoice.id;
    let done =
        offline_payments::reverse(&site.app, &person.scope(), &person.by, &payment.id, Some(reason)).await;
    match done {
        Ok(_) => after(&format!("{PATH}/{of}"), "reversed"),
        Err(failure) => again(failure, &person, Place::Invoices, REVERSE, |refusal| {
            let errors = Errors::of_refusal(refusal, &LABELS);
            let once = filled.get(forms::FIELD);
            reverse_form(&site, &person, (&invoice, &payment), reason, once, &errors)
        }),
    }
}

fn reverse_form(
    site: &Site,
    person: &Person,
    (invoice, payment): (&Invoice, &OfflinePayment),
    reason: &str,
    once: &str,
    errors: &Errors,
) -> Markup {
    let back = format!("{PATH}/{}", invoice.id);
    let amount = desk::amount(payment.amount, payment.currency);
    let way = payment.method.name(Language::En);
    html! {
        a .back href=(back) { (desk::name(invoice)) }
        (parts::title(REVERSE, "", &html! {}))
        div .card.narrow.stack {
            (parts::summary(errors))
            p {
                (way) " of " (amount) ", received on " (desk::date(&payment.received_on)) ". "
                (desk::name(invoice)) " is owed again by this amount. The entry stays in your books, with \
                 a second one that takes it back."
            }
            (parts::form(&format!("{back}/recorded/{}/reverse", payment.id), &person.csrf, &html! {
                (forms::field(site, once))
                (parts::field(&Field {
                    name: "reason", label: "Reason", value: reason, optional: true, max: REFERENCE_MAX,
                    hint: "Such as a cheque that bounced, or the wrong invoice. The client does not see it.",
                    ..Field::default()
                }, errors))
                div .actions {
                    (parts::sure_button("Take it back"))
                    (parts::link_button("Keep it", &back, "plain"))
                }
            }))
        }
    }
}
