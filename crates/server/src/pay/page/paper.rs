//! The left column: the invoice as it would be on paper.

use domain::Money;
use domain::seal::Day;
use maud::{Markup, html};

use super::format::amount_with_code;
use super::{Line, PanelState, ReceiptFile, View};
use crate::pay::words::fill;

/// The invoice.
pub fn paper(view: &View) -> Markup {
    html! {
        article #invoice .paper aria-labelledby="invoice-title" {
            div .paper-head {
                h2 #invoice-title { (view.paper_words().invoice) }
                @if let Some((tone, word)) = stamp(view) { span .stamp .(tone) { (word) } }
                p .number { (view.number) }
            }
            (parties(view))
            @if let Some(memo) = &view.memo { p .memo dir="auto" { (memo) } }
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
    let words = &view.words().paper;
    match view.state {
        PanelState::Paid(ref receipt) => Some((
            "good",
            match receipt.is_kept() {
                true => words.stamp_paid,
                false => words.stamp_settled,
            },
        )),
        PanelState::Void => Some(("calm", words.stamp_void)),
        PanelState::Pay(_)
        | PanelState::Continue(_)
        | PanelState::InProgress
        | PanelState::Unavailable
        | PanelState::Silent
        | PanelState::TooSmall(_) => None,
    }
}

fn parties(view: &View) -> Markup {
    let words = view.paper_words();
    let day = |day: Day| html! { time datetime=(day) { (view.language.day(day)) } };
    html! {
        dl .parties {
            div {
                dt { (words.from) }
                dd {
                    bdi { (view.seller.name) }
                    @for line in &view.seller.details { span .party-line dir="auto" { (line) } }
                }
            }
            div {
                dt { (words.billed_to) }
                dd {
                    bdi { (view.client_name) }
                    @for line in &view.client_details { span .party-line dir="auto" { (line) } }
                }
            }
            @if let Some(date) = view.issued_on {
                div { dt { (words.issued) } dd { (day(date)) } }
            }
            @if let Some(date) = view.due_on {
                div { dt { (words.due) } dd { (day(date)) } }
            }
        }
    }
}

fn lines(view: &View) -> Markup {
    let taxed = view.lines.iter().any(|line| line.tax_rate.is_some());
    let (words, language) = (view.paper_words(), view.language);
    html! {
        table .lines {
            caption .visually-hidden { (view.words().paper.lines) }
            thead {
                tr {
                    th scope="col" { (words.description) }
                    th .figure .wide scope="col" { (words.quantity) }
                    th .figure .wide scope="col" { (words.unit_price) }
                    @if taxed { th .figure .wide scope="col" { (words.tax) } }
                    th .figure scope="col" { (words.amount) }
                }
            }
            tbody {
                @for line in &view.lines {
                    tr {
                        td {
                            bdi { (line.description) }
                            span .line-detail { (detail(view, line)) }
                            @if let Some(off) = &line.discount {
                                span .line-discount { (off.label) ": " (language.money(off.amount)) }
                            }
                        }
                        td .figure .wide { (line.quantity) }
                        td .figure .wide { (language.money(line.unit_price)) }
                        @if taxed { td .figure .wide { (line.tax_rate.as_deref().unwrap_or("\u{2013}")) } }
                        td .figure { (language.money(line.amount)) }
                    }
                }
            }
        }
    }
}

/// The middle columns in one line, for screens too narrow for them.
fn detail(view: &View, line: &Line) -> String {
    let product = format!("{} × {}", line.quantity, view.language.money(line.unit_price));
    let taxed = view.words().paper.plus_tax;
    match &line.tax_rate {
        Some(rate) => fill(taxed, &[("product", &product), ("rate", rate)]),
        None => product,
    }
}

/// As it stands among what is added up.
fn less(money: Money) -> Money {
    Money::new(-money.minor(), money.currency())
}

fn sums(view: &View) -> Markup {
    let (words, own) = (view.paper_words(), &view.words().paper);
    let amount = |money| view.language.money(money);
    let due = amount_with_code(view.language, view.due);
    let paid = if is_paid(view) {
        words.paid
    } else {
        own.paid_so_far
    };
    html! {
        dl .sums {
            div { dt { (words.subtotal) } dd { (amount(view.subtotal)) } }
            @if let Some(off) = &view.discount {
                div { dt { (off.label) } dd { (amount(off.amount)) } }
            }
            @for tax in &view.taxes {
                div { dt { (tax.label) } dd { (amount(tax.amount)) } }
            }
            div .total { dt { (words.total) } dd { (amount(view.total)) } }
            @if view.credited.minor() != 0 {
                div { dt { (words.credit_notes) } dd { (amount(less(view.credited))) } }
            }
            @if view.paid.minor() != 0 {
                div {
                    dt { (paid) } dd { (amount(less(view.paid))) }
                }
            }
            @if !matches!(view.state, PanelState::Void) {
                div .due { dt { (words.amount_due) } dd { (due) } }
            }
        }
    }
}

/// How it can be paid without a card, while something is owed.
fn other_ways(view: &View) -> Markup {
    let (seller, words) = (&view.seller, view.paper_words());
    let owed = !matches!(view.state, PanelState::Paid(_) | PanelState::Void);
    let ways = [
        (words.bank_transfer, &seller.bank_details),
        (words.cheque, &seller.cheque_details),
    ];
    html! {
        @if owed {
            @for (name, details) in ways {
                @if let Some(details) = details {
                    section .way { h3 { (name) } p .memo dir="auto" { (details) } }
                }
            }
        }
    }
}

/// The invoice and the receipts as files.
fn files(view: &View) -> Markup {
    let words = &view.words().paper;
    html! {
        ul .files {
            li { a href=(view.pdf_url) download { (words.invoice_file) } }
            @for receipt in &view.receipts {
                li {
                    a href=(receipt.url) download { (receipt_file(view, receipt)) }
                }
            }
        }
    }
}

fn receipt_file(view: &View, receipt: &ReceiptFile) -> String {
    let words = &view.words().paper;
    let amount = view.language.money(receipt.amount);
    match receipt.paid_on {
        Some(day) => {
            let day = view.language.day(day);
            fill(words.receipt_file, &[("day", &day), ("amount", &amount)])
        }
        None => fill(words.receipt_file_undated, &[("amount", &amount)]),
    }
}
