//! Giving money back: a refund with its two choices in plain words.

use axum::extract::State;
use axum::response::Response;
use domain::refund::{FeeChoice, REASONS, RefundState, Settlement};
use domain::{Currency, InvoiceId, Money, PaymentId, Refusal};
use flows::Failure;
use flows::refunds::{self, Wanted};
use maud::{Markup, html};
use serde::Deserialize;
use store::disputes::{self, Held};
use store::invoices::{self, Invoice};
use store::payments::{self, Payment};
use store::{payment_parts, payment_version};

use super::desk;
use super::{after, again, page, trouble};
use crate::api::{InPath, Query};
use crate::html::{self as parts, Choice, Errors, Field, Offer, Place};
use crate::idempotency::{Once, forms};
use crate::people::{Filled, Person};
use crate::problem::Problem;
use crate::router::Site;

pub(super) const INVOICES: &str = Place::Invoices.path();
const REFUND: &str = "Give money back";
const WHERE_IT_GOES: &str = "What goes back to the client's card or account.";
pub(super) const LABELS: [(&str, &str); 5] = [
    ("amount", "Amount"),
    ("reason", "Reason"),
    ("settlement", "What it means"),
    ("fee", "Platform fee"),
    ("invoice", "Invoice"),
];

/// From which invoice's page somebody comes.
#[derive(Debug, Default, Deserialize)]
pub struct From {
    #[serde(default)]
    invoice: String,
}

/// What a refund is about.
struct Of {
    payment: Payment,
    invoice: Invoice,
    /// What may go back, minor units.
    left: i64,
    /// What of it is the client's unused credit and is taken first, minor units.
    credit: i64,
    /// The payment's version.
    version: i64,
    /// What disputes mean for it.
    held: Held,
    /// The other invoices that it paid and of which something may go back, minor units.
    others: Vec<(Invoice, i64)>,
}

impl Of {
    async fn read(site: &Site, person: &Person, payment: &str, invoice: &str) -> Result<Of, Failure> {
        let scope = person.scope();
        let payment = PaymentId::parse(payment)?;
        let named = InvoiceId::parse(invoice).ok();
        let read = site.app.db.read(move |tx| {
            let payment = payments::get(tx, &scope, &payment)?.ok_or(Refusal::NotFound)?;
            let mut others = Vec::new();
            for part in payment_parts::of(tx, &scope, &payment.id)? {
                let left = refunds::refundable_of(tx, &payment, &part.invoice_id)?;
                if let Some(invoice) = invoices::get(tx, &scope, &part.invoice_id)?.filter(|_| left > 0) {
                    others.push((invoice, left));
                }
            }
            // Whoever names none means one of which something may go back.
            let first = others
                .first()
                .map_or(&payment.invoice_id, |(invoice, _)| &invoice.id);
            let id = named.clone().unwrap_or_else(|| first.clone());
            let invoice = invoices::get(tx, &scope, &id)?.ok_or(Refusal::NotFound)?;
            others.retain(|(other, _)| other.id != invoice.id);
            let left = refunds::refundable_of(tx, &payment, &invoice.id)?;
            let credit = refunds::unused_credit(tx, &payment, &invoice.id)?.min(left);
            let version = payment_version::seen(tx, &scope, &payment.id)?;
            let held = disputes::held(tx, &scope, &payment.id)?;
            Ok::<_, Failure>(Of {
                payment,
                invoice,
                left,
                credit,
                version,
                held,
                others,
            })
        });
        read.await
    }

    fn back(&self) -> String {
        format!("{INVOICES}/{}", self.invoice.id)
    }
}

/// `GET /payments/{id}/refund`
pub async fn ask_refund(
    State(site): State<Site>,
    person: Person,
    InPath(id): InPath,
    from: Result<Query<From>, Problem>,
) -> Response {
    let from = from.map(|Query(from)| from).unwrap_or_default();
    match Of::read(&site, &person, &id, &from.invoice).await {
        Ok(of) => {
            let typed = [
                Money::new(of.left, of.payment.currency).plain(),
                String::new(),
                "kept".to_owned(),
                String::new(),
            ];
            let content = refund_form(&site, &person, &of, &typed, "", &Errors::none());
            page(&person, Place::Invoices, REFUND, &content)
        }
        Err(failure) => trouble(&person, Place::Invoices, failure),
    }
}

/// `POST /payments/{id}/refund`
pub async fn refund(
    State(site): State<Site>,
    person: Person,
    InPath(id): InPath,
    Once(moment): Once,
    filled: Filled,
) -> Response {
    let of = match Of::read(&site, &person, &id, filled.get("invoice")).await {
        Ok(of) => of,
        Err(failure) => return trouble(&person, Place::Invoices, failure),
    };
    let typed = ["amount", "settlement", "fee", "reason"].map(|field| filled.get(field).to_owned());
    let made = async {
        let wanted = Wanted {
            // A form that does not say what it was made for is looked at again first.
            version: Some(filled.get("version").parse().unwrap_or_default()),
            ..wanted(&of, &typed)?
        };
        let (scope, by) = (person.scope(), &person.by);
        refunds::request(&site.app, &scope, by, moment, &wanted).await
    };
    match made.await {
        Ok(shown) if shown.refund.status == RefundState::Requested => after(&of.back(), "refund-in-doubt"),
        Ok(_) => after(&of.back(), "refunded"),
        Err(Failure::Unknown(_)) => after(&of.back(), "refund-in-doubt"),
        Err(failure) => again(failure, &person, Place::Invoices, REFUND, |refusal| {
            let errors = match refusal {
                Refusal::VersionConflict => changed(&format!(
                    "This payment or its invoice changed since you opened this page. Up to {} can go back \
                     now.",
                    desk::amount(of.left, of.payment.currency)
                )),
                refusal => Errors::of_refusal(refusal, &LABELS),
            };
            refund_form(&site, &person, &of, &typed, filled.get(forms::FIELD), &errors)
        }),
    }
}

/// Whoever acts on a page that is not true any more sees what is, and decides again.
pub(super) fn changed(now: &str) -> Errors {
    let mut errors = Errors::none();
    errors.add(
        "",
        format!("{now} Nothing was done: look again, and press once more if it is still right."),
    );
    errors
}

fn wanted(of: &Of, [amount, settlement, fee, reason]: &[String; 4]) -> Result<Wanted, Refusal> {
    let amount = Money::typed("amount", amount, of.payment.currency)?.minor();
    let reason = Some(reason.clone()).filter(|reason| REASONS.contains(&reason.as_str()));
    let choose = || Refusal::invalid("settlement", "must be chosen: is it still owed, or forgiven?");
    Ok(Wanted {
        payment: of.payment.id.clone(),
        amount: Some(amount),
        reason,
        settlement: Settlement::from_word(settlement).ok_or_else(choose)?,
        fee: FeeChoice::from_word(fee).unwrap_or(FeeChoice::Kept),
        invoice: Some(of.invoice.id.clone()),
        version: None,
    })
}

fn refund_form(
    site: &Site,
    person: &Person,
    of: &Of,
    [amount, settlement, fee, reason]: &[String; 4],
    once: &str,
    errors: &Errors,
) -> Markup {
    let sum = |minor| desk::amount(minor, of.payment.currency);
    let about = format!(
        "Up to {} of what was paid for {}",
        sum(of.left),
        desk::name(&of.invoice)
    );
    let action = format!("/payments/{}/refund", of.payment.id);
    let back = parts::link_button("Back to the invoice", &of.back(), "");
    html! {
        a .back href=(of.back()) { (desk::name(&of.invoice)) }
        (parts::title(REFUND, &about, &html! {}))
        (others(of))
        @if of.left == 0 && errors.is_empty() {
            (parts::empty("Nothing can go back", why_nothing(of), &back))
        } @else {
            div .card.narrow {
                (parts::form(&action, &person.csrf, &html! {
                    (parts::summary(errors))
                    (forms::field(site, once))
                    input type="hidden" name="invoice" value=(of.invoice.id);
                    input type="hidden" name="version" value=(of.version);
                    (amount_field(of.payment.currency, amount, WHERE_IT_GOES, errors))
                    (what_it_means(of, settlement, fee, errors))
                    (reasons(reason, errors))
                    div .actions {
                        button .btn.danger.sure type="submit" { "Give it back" }
                        (parts::link_button("Cancel", &of.back(), "plain"))
                    }
                }))
            }
        }
    }
}

/// The other invoices that were paid by the same payment.
fn others(of: &Of) -> Markup {
    html! {
        @if !of.others.is_empty() {
            p .soft {
                "The same payment also paid for "
                @for (nth, (invoice, left)) in of.others.iter().enumerate() {
                    @if nth > 0 { ", " }
                    a href={ "/payments/" (of.payment.id) "/refund?invoice=" (invoice.id) } {
                        (desk::name(invoice))
                    }
                    " (up to " (desk::amount(*left, of.payment.currency)) ")"
                }
                "."
            }
        }
    }
}

fn why_nothing(of: &Of) -> &'static str {
    if of.held.is_disputed {
        return "A bank disputes this payment, and Stripe gives nothing back of it meanwhile. Answer the \
                dispute instead.";
    }
    match of.held.blocked_by {
        Some(_) => "A bank has taken this payment back, and Stripe gives nothing back of it any more.",
        None => "All of what this payment brought for the invoice has gone back, or is on its way.",
    }
}

/// The two choices of a refund, with what each means in words and amounts.
fn what_it_means(of: &Of, settlement: &str, fee: &str, errors: &Errors) -> Markup {
    let sum = |minor| desk::amount(minor, of.payment.currency);
    let owed = format!(
        "{} is open again by this amount, and can be paid by its link.",
        desk::name(&of.invoice)
    );
    let forgiven = match of.credit {
        0 => "A numbered credit note says that it is not owed. The invoice stays settled.".to_owned(),
        credit if credit >= of.left => format!(
            "It comes out of {} of the client's unused credit: nothing is owed for it, and no credit note is \
             made.",
            sum(credit)
        ),
        credit => format!(
            "The first {} come out of the client's unused credit, without a credit note. For what is more, a \
             numbered credit note says that it is not owed.",
            sum(credit)
        ),
    };
    let whole_fee = of.payment.application_fee.unwrap_or_default();
    let kept = format!(
        "The platform keeps its fee, {} on the whole payment: you give this amount back out of your \
         own money.",
        sum(whole_fee)
    );
    let offer = |value, label, hint| Offer { value, label, hint };
    let settlements = [
        offer("still_owed", "The client owes it again", owed.as_str()),
        offer("forgiven", "The client owes nothing for it", forgiven.as_str()),
    ];
    let fees = [
        offer("kept", "Stays with the platform", kept.as_str()),
        offer(
            "returned",
            "Comes back to you",
            "You get the fee on this amount back, in proportion.",
        ),
    ];
    let choice = |name, label, options, chosen| Choice {
        name,
        label,
        hint: "",
        options,
        chosen,
    };
    html! {
        @let means = choice("settlement", "What it means for the invoice", &settlements, settlement);
        (parts::choices(&means, errors))
        @if whole_fee > 0 {
            (parts::choices(&choice("fee", "The platform's fee", &fees, fee), errors))
        }
    }
}

fn reasons(chosen: &str, errors: &Errors) -> Markup {
    let offer = |value, label| Offer {
        value,
        label,
        hint: "",
    };
    let choice = Choice {
        name: "reason",
        label: "Reason",
        hint: "Stripe learns it; the client does not.",
        options: &[
            offer("", "None"),
            offer(REASONS[0], "The client asked for it"),
            offer(REASONS[1], "It was paid twice"),
            offer(REASONS[2], "It was fraud"),
        ],
        chosen,
    };
    parts::select(&choice, errors)
}

pub(super) fn amount_field(currency: Currency, value: &str, hint: &str, errors: &Errors) -> Markup {
    let label = format!("Amount in {currency}");
    parts::field(
        &Field {
            name: "amount",
            label: &label,
            value,
            hint,
            max: 30,
            ..Field::default()
        },
        errors,
    )
}
