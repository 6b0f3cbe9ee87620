//! An invoice as its client reads it, drawn on the page.

use domain::invoice::{Discount, totals};
use domain::{Language, Money};
use maud::{Markup, html};

use super::desk;
use super::invoice::Whole;
use crate::pay::page::format;
use store::invoices::BillTo;

/// The paper.
pub fn paper(whole: &Whole) -> Markup {
    let invoice = &whole.invoice;
    let to = invoice
        .bill_to
        .clone()
        .unwrap_or_else(|| BillTo::of(&whole.client));
    html! {
        div .sheet {
            div .sheet-head {
                p .sheet-title { "Invoice" }
                p .soft { (invoice.number.as_deref().unwrap_or("Not numbered yet")) }
            }
            dl .sheet-parties {
                div { dt { "From" } dd { (whole.seller) } }
                div {
                    dt { "Billed to" }
                    dd {
                        (to.name)
                        @for line in &to.details { span .line.soft { (line) } }
                        @if let Some(id) = &to.tax_id { span .line.soft { "Tax number " (id) } }
                    }
                }
                @if let Some(at) = invoice.finalized_at {
                    div { dt { "Issued" } dd { (desk::day(at)) } }
                }
                @if let Some(due) = &invoice.due_date {
                    div { dt { "Due" } dd { (desk::date(due)) } }
                }
            }
            (lines(whole))
            (sums(whole))
            @if let Some(memo) = &invoice.memo { p .memo { (memo) } }
        }
    }
}

fn lines(whole: &Whole) -> Markup {
    let currency = whole.invoice.currency;
    let figure = |minor| format::figure(Language::En, Money::new(minor, currency));
    html! {
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
                            td {
                                (line.description)
                                @if line.discount_minor != 0 {
                                    span .line.soft {
                                        (discount(line.discount)) ": "
                                        span .nowrap {
                                            (desk::amount(line.discount_minor.saturating_neg(), currency))
                                        }
                                    }
                                }
                            }
                            td .figure { (line.quantity.to_string()) }
                            td .figure { (figure(line.unit_price_minor)) }
                            td .figure { (figure(line.amount_minor)) }
                        }
                    }
                }
            }
        }
    }
}

fn sums(whole: &Whole) -> Markup {
    let invoice = &whole.invoice;
    let amount = |minor| desk::amount(minor, invoice.currency);
    let taxes = totals(&whole.lines, invoice.discount, invoice.currency)
        .map(|sums| sums.taxes)
        .unwrap_or_default();
    html! {
        dl .totals {
            div { dt { "Subtotal" } dd { (amount(invoice.subtotal)) } }
            @if invoice.discounted != 0 {
                div {
                    dt { (discount(invoice.discount)) }
                    dd { (amount(invoice.discounted.saturating_neg())) }
                }
            }
            @for tax in &taxes {
                div { dt { "Tax " (tax.rate.to_string()) } dd { (amount(tax.tax_minor)) } }
            }
            div .whole { dt { "Total" } dd { (amount(invoice.total.minor())) } }
        }
    }
}

/// What a discount is called.
pub fn discount(asked: Option<Discount>) -> String {
    documents::words::of(Language::En).discount_of(asked)
}
