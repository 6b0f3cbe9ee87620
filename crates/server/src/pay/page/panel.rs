//! The right column: exactly one panel, which says where the payment stands and what the payer can do. The
//! script reads what it needs from `data-` attributes; without the script the words still stand.

use domain::Money;
use maud::{Markup, html};

use super::choice::choice;
use super::format::{amount, amount_with_code, card, day, figure, moment};
use super::{Checkout, PanelState, Receipt, Seller, View, icons};

/// The panel of the view's state.
pub fn panel(view: &View) -> Markup {
    html! {
        section #panel .panel aria-labelledby="panel-title"
            data-state=(state_word(view)) data-url=(view.panel_url) data-final[is_final(&view.state)]
        {
            @match &view.state {
                PanelState::Pay(checkout) => (pay(view, checkout)),
                PanelState::Continue(checkout) => (resume(view, checkout)),
                PanelState::InProgress => (in_progress(view)),
                PanelState::Paid(receipt) => (paid(view, receipt)),
                PanelState::Void => (void(view)),
                PanelState::Unavailable => (unavailable(view)),
                PanelState::Silent => (silent(view)),
                PanelState::TooSmall(least) => (too_small(view, *least)),
            }
        }
    }
}

/// `alex@example.com` as a link that opens the payer's mail program.
pub fn mail_link(email: &str) -> Markup {
    let mut address = String::new();
    for byte in email.bytes() {
        // Whatever could end the address and begin a header of the mail is escaped.
        if byte.is_ascii_alphanumeric() || b"@.-_+".contains(&byte) {
            address.push(char::from(byte));
        } else {
            address.push_str(&format!("%{byte:02X}"));
        }
    }
    html! { a href={ "mailto:" (address) } { (email) } }
}

/// The amount is part of it: another amount is another state, whatever happens to be shown. So is the card,
/// which may become known a moment after the payment.
fn state_word(view: &View) -> String {
    let (word, card) = match &view.state {
        PanelState::Pay(_) => ("pay", None),
        PanelState::Continue(_) => ("continue", None),
        PanelState::InProgress => ("in_progress", None),
        PanelState::Paid(receipt) => ("paid", receipt.last4.as_deref()),
        PanelState::Void => ("void", None),
        PanelState::Unavailable => ("unavailable", None),
        PanelState::Silent => ("silent", None),
        PanelState::TooSmall(_) => ("too_small", None),
    };
    let card = card.map(|last4| format!(":{last4}")).unwrap_or_default();
    let offer = view.choice.offer(view.due);
    format!("{word}:{offer}:{}{card}", view.due.currency().code())
}

/// What is being paid: by the payment that is under way, or all that is owed.
fn being_paid(view: &View) -> Money {
    view.under_way.unwrap_or(view.due)
}

/// Whether nothing can follow, so that the page need not ask again.
fn is_final(state: &PanelState) -> bool {
    match state {
        PanelState::Paid(receipt) => receipt.last4.is_some(),
        PanelState::Void => true,
        PanelState::Pay(_)
        | PanelState::Continue(_)
        | PanelState::InProgress
        | PanelState::Unavailable
        | PanelState::TooSmall(_)
        | PanelState::Silent => false,
    }
}

fn pay(view: &View, checkout: &Checkout) -> Markup {
    html! {
        (amount_due(view))
        (script_needed())
        (form(view, checkout, false))
    }
}

fn resume(view: &View, checkout: &Checkout) -> Markup {
    html! {
        (icons::attention())
        h2 #panel-title tabindex="-1" { "Payment not completed" }
        p .lead {
            "Your bank asked you to confirm this payment, and that was not finished. Your card was not \
             charged. You can continue where you left off."
        }
        (script_needed())
        div #resume-message .message role="alert" hidden {}
        button #resume .primary type="button" {
            span .label { "Continue payment \u{b7} " (amount(being_paid(view))) }
        }
        button #other-card .secondary type="button" aria-expanded="false" aria-controls="pay-form" {
            "Pay with another card"
        }
        (form(view, checkout, true))
        (facts(view, "Amount due", view.due))
    }
}

fn in_progress(view: &View) -> Markup {
    html! {
        (icons::clock())
        h2 #panel-title tabindex="-1" { "Payment in progress" }
        p .lead {
            "A payment of " strong { (amount(being_paid(view))) } " is being processed. Please do not pay \
             again. This page shows the result by itself, usually within a minute."
        }
        div .waiting aria-hidden="true" {}
        (facts(view, "Amount due", view.due))
        (questions(&view.seller))
    }
}

fn paid(view: &View, receipt: &Receipt) -> Markup {
    let nothing = |money: Money| money.minor() == 0;
    let (paid, back, credit) = (receipt.amount, receipt.given_back, receipt.by_credit);
    let by_bank = receipt.taken_back;
    let seller = &view.seller.name;
    html! {
        (icons::check())
        h2 #panel-title tabindex="-1" {
            @if nothing(paid) { "Settled by credit" }
            @else if receipt.is_kept() { "Paid" }
            @else if nothing(by_bank) { "Refunded" }
            @else { "Settled" }
        }
        p .lead {
            @if nothing(paid) {
                (seller) " has settled this invoice by credit. Nothing is owed on it."
            } @else if nothing(back) && nothing(by_bank) {
                "Thank you. " (seller) " has received your payment, and nothing is owed on this invoice."
            } @else {
                (seller) " has received " (amount(paid))
                @if !nothing(back) { " and given back " (amount(back)) }
                @if !nothing(by_bank) { ", and your bank has returned " (amount(by_bank)) " to you" }
                ". Nothing is owed on this invoice."
            }
        }
        dl .facts {
            @if !nothing(paid) {
                div { dt { "Amount paid" } dd .strong { (amount_with_code(paid)) } }
            }
            @if !nothing(back) { div { dt { "Given back" } dd .strong { (amount_with_code(back)) } } }
            @if !nothing(by_bank) {
                div { dt { "Returned by your bank" } dd .strong { (amount_with_code(by_bank)) } }
            }
            @if !nothing(credit) { div { dt { "Credited" } dd .strong { (amount_with_code(credit)) } } }
            @if let Some(at) = receipt.paid_at.and_then(moment) { div { dt { "Date" } dd { (at) } } }
            @if let Some(card) = card(receipt.brand.as_deref(), receipt.last4.as_deref()) {
                div { dt { "Method" } dd { (card) } }
            }
            div { dt { "Invoice" } dd { (view.number) } }
        }
        button .secondary type="button" data-action="print" { "Print for your records" }
        (questions(&view.seller))
    }
}

fn void(view: &View) -> Markup {
    html! {
        (icons::cross())
        h2 #panel-title tabindex="-1" { "Invoice voided" }
        p .lead {
            (view.seller.name) " has withdrawn this invoice. Nothing is owed on it, and it cannot be paid."
        }
        (facts(view, "Total", view.total))
        (questions(&view.seller))
    }
}

fn unavailable(view: &View) -> Markup {
    html! {
        (icons::attention())
        h2 #panel-title tabindex="-1" { "Online payment is not available" }
        p .lead {
            (view.seller.name) " cannot take card payments at the moment. Nothing was charged. Please come \
             back later, or ask for another way to pay."
        }
        (facts(view, "Amount due", view.due))
        (questions(&view.seller))
    }
}

fn silent(view: &View) -> Markup {
    html! {
        (icons::attention())
        h2 #panel-title tabindex="-1" { "Temporarily unavailable" }
        p .lead {
            "Paying by card is temporarily unavailable. Nothing was charged. Please try again in a few \
             minutes: this page shows the form again by itself."
        }
        (facts(view, "Amount due", view.due))
        (questions(&view.seller))
    }
}

fn too_small(view: &View, least: Money) -> Markup {
    html! {
        (icons::attention())
        h2 #panel-title tabindex="-1" { "Too small to pay by card" }
        p .lead {
            (amount(view.due)) " is still due. That is less than a card can be charged, which is "
            (amount(least)) ". Please ask " (view.seller.name) " how to settle it."
        }
        (facts(view, "Amount due", view.due))
        (questions(&view.seller))
    }
}

fn script_needed() -> Markup {
    html! {
        noscript {
            p .message .bad {
                "Paying by card needs JavaScript. Please allow it for this page and load it again."
            }
        }
    }
}

fn amount_due(view: &View) -> Markup {
    html! {
        div .amount-due {
            h2 #panel-title tabindex="-1" { "Amount due" }
            p .amount { (figure(view.due)) " " span .code { (view.due.currency()) } }
            p .about { "Invoice " (view.number) }
            @if let Some(date) = view.due_on { p .about { "Due " (day(date)) } }
            a .to-invoice href="#invoice" { "See what is billed" }
        }
    }
}

fn form(view: &View, checkout: &Checkout, hidden: bool) -> Markup {
    html! {
        form #pay-form hidden[hidden] novalidate
            data-publishable-key=(checkout.publishable_key)
            data-stripe-account=(checkout.stripe_account)
            data-script-url=(checkout.script_url)
            data-pay-url=(checkout.pay_url)
            data-check-url=(checkout.check_url)
            data-methods=(checkout.methods)
            data-billing-email=[checkout.billing_email.as_deref()]
            data-due=(view.due.minor())
            data-offer=(view.choice.offer(view.due))
            data-currency=(view.due.currency().code())
            data-decimals=(view.due.currency().decimals())
            data-nothing=(amount(Money::new(0, view.due.currency())))
            data-part-minimum=[view.choice.part_minimum.map(Money::minor)]
            data-page-token=(checkout.page_token)
            data-work-rounds=[checkout.work.map(|work| work.rounds)]
            data-work-bits=[checkout.work.map(|work| work.bits)]
        {
            (choice(&view.choice, view.due))
            h3 .form-title #card-title tabindex="-1" {
                @if checkout.methods == "card" { "Pay by card" } @else { "Pay by card or bank account" }
            }
            div .element-frame role="group" aria-labelledby="card-title" {
                p #element-loading .element-loading { "Loading the card form\u{2026}" }
                div #payment-element {}
            }
            div #message .message role="alert" hidden {}
            button #submit .primary type="submit" disabled {
                span .spinner aria-hidden="true" {}
                span .label data-idle={ "Pay " (amount(view.due)) } { "Pay " (amount(view.due)) }
            }
            p .assurance { (icons::lock()) "Encrypted and sent straight to Stripe." }
        }
    }
}

fn facts(view: &View, label: &str, money: Money) -> Markup {
    html! {
        dl .facts {
            div { dt { (label) } dd .strong { (amount_with_code(money)) } }
            div { dt { "Invoice" } dd { (view.number) } }
        }
    }
}

fn questions(seller: &Seller) -> Markup {
    html! {
        p .questions {
            "Questions? "
            @match &seller.support_email {
                Some(email) => { "Write to " (mail_link(email)) "." }
                None => { "Please contact " (seller.name) "." }
            }
        }
    }
}
