//! An invoice as its client reads it, drawn on the page.

use domain::invoice::totals;
use domain::{Language, Money};
use maud::{Markup, html};

use super::desk;
use super::invoice::Whole;
use crate::pay::page::format;
use crate::people::Person;
use crate::router::Site;
use store::invoices::BillTo;

/// The paper.
pub fn paper(_: &Site, person: &Person, whole: &Whole) -> Markup {
    let invoice = &whole.invoice;
    let currency = invoice.currency;
    let amount = |minor| desk::amount(minor, currency);
    let figure = |minor| format::figure(Language::En, Money::new(minor, currency));
    let to = invoice
        .bill_to
        .clone()
        .unwrap_or_else(|| BillTo::of(&whole.client));
    let taxes = totals(&whole.lines, currency)
        .map(|sums| sums.taxes)
        .unwrap_or_default();
    html! {
        div .sheet {
            div .sheet-head {
                p .sheet-title { "Invoice" }
                p .soft { (invoice.number.as_deref().unwrap_or("Not numbered yet")) }
            }
            dl .sheet-parties {
                div { dt { "From" } dd { (person.company()) } }
                div {
                    dt { "Billed to" }
                    dd {
                        (to.name)
                        @for line in &to.details { span .line.soft { (line) } }
                    }
                }
                @if let Some(at) = invoice.finalized_at {
                    div { dt { "Issued" } dd { (desk::day(at)) } }
                }
                @if let Some(due) = &invoice.due_date {
                    div { dt { "Due" } dd { (desk::date(due)) } }
                }
            }
            @if whole.lines.is_empty() {
                p .soft { "It has no lines yet." }
            } @else {
                table .sheet-lines {
                    thead {
                        tr {
                            th scope="col" { "Description" }
                            th .figure scope="col" { "Qty" }
                            th .figure scope="col" { "Price" }
                            th .figure scope="col" { "Amount" }
                        }
                    }
                    tbody {
                        @for line in &whole.lines {
                            tr {
                                td { (line.description) }
                                td .figure { (line.quantity.to_string()) }
                                td .figure { (figure(line.unit_price_minor)) }
                                td .figure { (figure(line.amount_minor)) }
                            }
                        }
                    }
                }
            }
            dl .totals {
                div { dt { "Subtotal" } dd { (amount(invoice.subtotal)) } }
                @for tax in &taxes {
                    div { dt { "Tax " (tax.rate.to_string()) } dd { (amount(tax.tax_minor)) } }
                }
                div .whole { dt { "Total" } dd { (amount(invoice.total.minor())) } }
            }
            @if let Some(memo) = &invoice.memo { p .memo { (memo) } }
        }
    }
}
