//! The left column: the invoice as it would be on paper.

use maud::{Markup, html};

use super::format::{amount, amount_with_code, day};
use super::{Line, PanelState, View};

/// The invoice.
pub fn paper(view: &View) -> Markup {
    html! {
        article #invoice .paper aria-labelledby="invoice-title" {
            div .paper-head {
                h2 #invoice-title { "Invoice" }
                @if let Some((tone, word)) = stamp(view) { span .stamp .(tone) { (word) } }
                p .number { (view.number) }
            }
            (parties(view))
            @if let Some(memo) = &view.memo { p .memo { (memo) } }
            (lines(view))
            (sums(view))
            (other_ways(view))
            (files(view))
        }
    }
}

fn is_paid(view: &View) -> bool {
    matches!(view.state, PanelState::Paid(_))
}

/// A word across the paper where the invoice is no longer owed.
fn stamp(view: &View) -> Option<(&'static str, &'static str)> {
    match view.state {
        PanelState::Paid(ref receipt) => Some((
            "good",
            match receipt.is_kept() {
                true => "Paid",
                false => "Settled",
            },
        )),
        PanelState::Void => Some(("calm", "Void")),
        PanelState::Pay(_)
        | PanelState::Continue(_)
        | PanelState::InProgress
        | PanelState::Unavailable
        | PanelState::Silent
        | PanelState::TooSmall(_) => None,
    }
}

fn parties(view: &View) -> Markup {
    html! {
        dl .parties {
            div {
                dt { "From" }
                dd {
                    (view.seller.name)
                    @for line in &view.seller.details { span .party-line { (line) } }
                }
            }
            div { dt { "Billed to" } dd { (view.client_name) } }
            @if let Some(date) = view.issued_on {
                div { dt { "Issued" } dd { time datetime=(date) { (day(date)) } } }
            }
            @if let Some(date) = view.due_on {
                div { dt { "Due" } dd { time datetime=(date) { (day(date)) } } }
            }
        }
    }
}

fn lines(view: &View) -> Markup {
    let taxed = view.lines.iter().any(|line| line.tax_rate.is_some());
    html! {
        table .lines {
            caption .visually-hidden { "What is billed" }
            thead {
                tr {
                    th scope="col" { "Description" }
                    th .figure .wide scope="col" { "Qty" }
                    th .figure .wide scope="col" { "Unit price" }
                    @if taxed { th .figure .wide scope="col" { "Tax" } }
                    th .figure scope="col" { "Amount" }
                }
            }
            tbody {
                @for line in &view.lines {
                    tr {
                        td { (line.description) span .line-detail { (detail(line)) } }
                        td .figure .wide { (line.quantity) }
                        td .figure .wide { (amount(line.unit_price)) }
                        @if taxed { td .figure .wide { (line.tax_rate.as_deref().unwrap_or("\u{2013}")) } }
                        td .figure { (amount(line.amount)) }
                    }
                }
            }
        }
    }
}

/// The middle columns in one line, for screens too narrow for them.
fn detail(line: &Line) -> String {
    let product = format!("{} × {}", line.quantity, amount(line.unit_price));
    match &line.tax_rate {
        Some(rate) => format!("{product}, plus {rate} tax"),
        None => product,
    }
}

fn sums(view: &View) -> Markup {
    html! {
        dl .sums {
            div { dt { "Subtotal" } dd { (amount(view.subtotal)) } }
            @for tax in &view.taxes {
                div { dt { (tax.label) } dd { (amount(tax.amount)) } }
            }
            div .total { dt { "Total" } dd { (amount(view.total)) } }
            @if view.credited.minor() != 0 {
                div { dt { "Credit notes" } dd { (amount(view.credited)) } }
            }
            @if view.paid.minor() != 0 {
                div { dt { @if is_paid(view) { "Paid" } @else { "Paid so far" } } dd { (amount(view.paid)) } }
            }
            @if !matches!(view.state, PanelState::Void) {
                div .due { dt { "Amount due" } dd { (amount_with_code(view.due)) } }
            }
        }
    }
}

/// How it can be paid without a card, while something is owed.
fn other_ways(view: &View) -> Markup {
    let seller = &view.seller;
    let owed = !matches!(view.state, PanelState::Paid(_) | PanelState::Void);
    let ways = [
        ("Bank transfer", &seller.bank_details),
        ("Cheque", &seller.cheque_details),
    ];
    html! {
        @if owed {
            @for (name, details) in ways {
                @if let Some(details) = details {
                    section .way { h3 { (name) } p .memo { (details) } }
                }
            }
        }
    }
}

/// The invoice and the receipts as files.
fn files(view: &View) -> Markup {
    html! {
        ul .files {
            li { a href=(view.pdf_url) download { "Download invoice (PDF)" } }
            @for receipt in &view.receipts {
                li {
                    a href=(receipt.url) download {
                        "Download receipt (PDF)"
                        @if let Some(date) = receipt.paid_on { ", " (day(date)) }
                        ", " (amount(receipt.amount))
                    }
                }
            }
        }
    }
}
