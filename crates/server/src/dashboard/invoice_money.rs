//! What came in for an invoice and what was given up of it: its payments, by card or without Stripe, and its
//! credit notes with their papers.

use domain::{Language, Permission};
use maud::{Markup, html};
use store::offline_payments::OfflinePayment;

use super::desk;
use super::invoice::Whole;
use crate::html::{self as parts, Place, Tone};
use crate::people::Person;

/// The cards of both; nothing where there is nothing.
pub fn cards(person: &Person, whole: &Whole) -> Markup {
    let currency = whole.invoice.currency;
    html! {
        @if !whole.payments.is_empty() || !whole.offline.is_empty() {
            section .card {
                h2 { "Payments" }
                ul .items {
                    @for (payment, amount) in &whole.payments {
                        li {
                            div {
                                a href={ "/payments/" (payment.id) } { (desk::amount(*amount, currency)) }
                                span .soft { " " (desk::method(payment).unwrap_or_default()) }
                            }
                            (desk::payment_state(payment))
                        }
                    }
                    @for payment in &whole.offline { li { (recorded(person, payment)) } }
                }
            }
        }
        @if !whole.notes.is_empty() {
            section .card {
                h2 { "Credit notes" }
                ul .items {
                    @for note in &whole.notes {
                        li {
                            div {
                                a href={ "/credit-notes/" (note.id) "/credit-note.pdf" } {
                                    (note.number) span .visually-hidden { " as PDF" }
                                }
                                span .soft { " " (desk::day(note.created_at)) }
                                p .soft.small { (note.reason) }
                            }
                            span .figure { (desk::amount(note.total, note.currency)) }
                        }
                    }
                }
            }
        }
    }
}

fn recorded(person: &Person, payment: &OfflinePayment) -> Markup {
    let amount = desk::amount(payment.amount, payment.currency);
    let back = format!(
        "{}/{}/recorded/{}/reverse",
        Place::Invoices.path(),
        payment.invoice_id,
        payment.id
    );
    html! {
        div {
            (amount) span .soft { " " (payment.method.name(Language::En)) }
            p .soft.small {
                "Received on " (desk::date(&payment.received_on))
                @if let Some(reference) = &payment.reference { ", " (reference) }
            }
        }
        @match payment.reversed_at {
            Some(_) => (parts::badge(Tone::Calm, "Taken back")),
            None => {
                div {
                    (parts::badge(Tone::Good, "Recorded"))
                    @if person.may(Permission::OfflinePaymentsWrite) {
                        " " a .btn.plain.danger href=(back) {
                            "Undo" span .visually-hidden { " the payment of " (amount) }
                        }
                    }
                }
            }
        }
    }
}
