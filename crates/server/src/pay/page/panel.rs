//! The right column: exactly one panel, which says where the payment stands and what the payer can do. The
//! script reads what it needs from `data-` attributes; without the script the words still stand.

use domain::Money;
use maud::{Markup, html};

use super::choice::choice;
use super::format::{amount_with_code, figure};
use super::{Checkout, PanelState, Receipt, View, icons};
use crate::pay::words::{self, fill, said};

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

fn words(view: &View) -> &'static words::Panel {
    &view.words().panel
}

/// The name of whoever asks for the money, within a sentence.
fn seller(view: &View) -> (&'static str, Markup) {
    ("seller", html! { bdi { (view.seller.name) } })
}

/// An amount within a sentence.
fn amount(view: &View, place: &'static str, money: Money) -> (&'static str, Markup) {
    (place, html! { (view.language.money(money)) })
}

fn pay(view: &View, checkout: &Checkout) -> Markup {
    html! {
        (amount_due(view))
        (script_needed(view))
        (form(view, checkout, false))
    }
}

fn resume(view: &View, checkout: &Checkout) -> Markup {
    let words = words(view);
    let asked = view.language.money(being_paid(view));
    html! {
        (icons::attention())
        (title(words.continue_title))
        p .lead { (words.continue_why) }
        (script_needed(view))
        div #resume-message .message role="alert" hidden {}
        button #resume .primary type="button" {
            span .label { (fill(words.continue_pay, &[("amount", &asked)])) }
        }
        button #other-card .secondary type="button" aria-expanded="false" aria-controls="pay-form" {
            (words.other_card)
        }
        (form(view, checkout, true))
        (facts(view, view.paper_words().amount_due, view.due))
    }
}

fn in_progress(view: &View) -> Markup {
    let words = words(view);
    let asked = html! { strong { (view.language.money(being_paid(view))) } };
    html! {
        (icons::clock())
        (title(words.in_progress))
        p .lead { (said(words.in_progress_why, &[("amount", asked)])) }
        div .waiting aria-hidden="true" {}
        (facts(view, view.paper_words().amount_due, view.due))
        (questions(view))
    }
}

fn paid(view: &View, receipt: &Receipt) -> Markup {
    let (words, papers) = (words(view), view.paper_words());
    let nothing = |money: Money| money.minor() == 0;
    let (paid, back, credit) = (receipt.amount, receipt.given_back, receipt.by_credit);
    let by_bank = receipt.taken_back;
    let card = receipt
        .brand
        .as_deref()
        .map(|brand| papers.method(brand, receipt.last4.as_deref()));
    let (heading, lead) = outcome(view, receipt);
    html! {
        (icons::check())
        (title(heading))
        p .lead { (lead) }
        dl .facts {
            @if !nothing(paid) { (sum(view, papers.amount_paid, paid)) }
            @if !nothing(back) { (sum(view, words.given_back, back)) }
            @if !nothing(by_bank) { (sum(view, words.by_bank, by_bank)) }
            @if !nothing(credit) { (sum(view, words.credited, credit)) }
            @if let Some(at) = receipt.paid_at {
                div { dt { (words.date) } dd { (view.language.moment(at)) } }
            }
            @if let Some(card) = card { div { dt { (words.method) } dd { (card) } } }
            (number(view))
        }
        button .secondary type="button" data-action="print" { (words.print) }
        (questions(view))
    }
}

/// What became of an invoice on which nothing is owed any more, as a heading and a sentence.
fn outcome(view: &View, receipt: &Receipt) -> (&'static str, Markup) {
    let words = words(view);
    let nothing = |money: Money| money.minor() == 0;
    let values = [
        seller(view),
        amount(view, "amount", receipt.amount),
        amount(view, "back", receipt.given_back),
        amount(view, "returned", receipt.taken_back),
    ];
    if nothing(receipt.amount) {
        return (words.by_credit, said(words.by_credit_why, &values));
    }
    let heading = match (receipt.is_kept(), nothing(receipt.taken_back)) {
        (true, _) => words.paid,
        (false, true) => words.refunded,
        (false, false) => words.settled,
    };
    let why = match (nothing(receipt.given_back), nothing(receipt.taken_back)) {
        (true, true) => words.paid_thanks,
        (false, true) => words.given_back_why,
        (true, false) => words.by_bank_why,
        (false, false) => words.given_back_and_by_bank_why,
    };
    (heading, said(why, &values))
}

fn void(view: &View) -> Markup {
    let words = words(view);
    html! {
        (icons::cross())
        (title(words.void))
        p .lead { (said(words.void_why, &[seller(view)])) }
        (facts(view, view.paper_words().total, view.total))
        (questions(view))
    }
}

fn unavailable(view: &View) -> Markup {
    let words = words(view);
    html! {
        (icons::attention())
        (title(words.unavailable))
        p .lead { (said(words.unavailable_why, &[seller(view)])) }
        (facts(view, view.paper_words().amount_due, view.due))
        (questions(view))
    }
}

fn silent(view: &View) -> Markup {
    let words = words(view);
    html! {
        (icons::attention())
        (title(words.silent))
        p .lead { (words.silent_why) }
        (facts(view, view.paper_words().amount_due, view.due))
        (questions(view))
    }
}

fn too_small(view: &View, least: Money) -> Markup {
    let words = words(view);
    let values = [
        seller(view),
        amount(view, "amount", view.due),
        amount(view, "least", least),
    ];
    html! {
        (icons::attention())
        (title(words.too_small))
        p .lead { (said(words.too_small_why, &values)) }
        (facts(view, view.paper_words().amount_due, view.due))
        (questions(view))
    }
}

/// The panel's heading, which the script moves the focus to.
fn title(text: &str) -> Markup {
    html! { h2 #panel-title tabindex="-1" { (text) } }
}

fn script_needed(view: &View) -> Markup {
    html! {
        noscript {
            p .message .bad { (words(view).script_needed) }
        }
    }
}

fn amount_due(view: &View) -> Markup {
    let words = words(view);
    html! {
        div .amount-due {
            (title(view.paper_words().amount_due))
            p .amount { (figure(view.language, view.due)) " " span .code { (view.due.currency()) } }
            p .about { (fill(words.invoice, &[("number", &view.number)])) }
            @if let Some(day) = view.due_on {
                p .about { (fill(words.due, &[("day", &view.language.day(day))])) }
            }
            a .to-invoice href="#invoice" { (words.see_billed) }
        }
    }
}

fn form(view: &View, checkout: &Checkout, hidden: bool) -> Markup {
    let (words, language, currency) = (words(view), view.language, view.due.currency());
    let (thousands, point) = language.separators();
    let pay = fill(words.pay, &[("amount", &language.money(view.due))]);
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
            data-currency=(currency.code())
            data-decimals=(currency.decimals())
            data-least=(currency.minimum())
            data-nothing=(language.money(Money::new(0, currency)))
            data-thousands=(thousands) data-point=(point) data-grouped-from=(language.grouped_from())
            data-part-minimum=[view.choice.part_minimum.map(Money::minor)]
            data-page-token=(checkout.page_token)
            data-work-rounds=[checkout.work.map(|work| work.rounds)]
            data-work-bits=[checkout.work.map(|work| work.bits)]
        {
            (choice(language, &view.choice, view.due))
            h3 .form-title #card-title tabindex="-1" {
                @if checkout.methods == "card" { (words.by_card) } @else { (words.by_card_or_bank) }
            }
            div .element-frame role="group" aria-labelledby="card-title" {
                p #element-loading .element-loading { (words.loading) }
                div #payment-element {}
            }
            div #message .message role="alert" hidden {}
            button #submit .primary type="submit" disabled {
                span .spinner aria-hidden="true" {}
                span .label data-idle=(pay) { (pay) }
            }
            p .assurance { (icons::lock()) (words.encrypted) }
        }
    }
}

fn facts(view: &View, label: &str, money: Money) -> Markup {
    html! {
        dl .facts {
            (sum(view, label, money))
            (number(view))
        }
    }
}

fn sum(view: &View, label: &str, money: Money) -> Markup {
    html! { div { dt { (label) } dd .strong { (amount_with_code(view.language, money)) } } }
}

fn number(view: &View) -> Markup {
    html! { div { dt { (view.paper_words().invoice) } dd { (view.number) } } }
}

fn questions(view: &View) -> Markup {
    let words = words(view);
    html! {
        p .questions {
            @match &view.seller.support_email {
                Some(email) => (said(words.questions_write, &[("email", mail_link(email))])),
                None => (said(words.questions_ask, &[seller(view)])),
            }
        }
    }
}
