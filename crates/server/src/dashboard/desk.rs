//! What the pages of invoices, clients and payments have in common: how amounts, states and days are
//! written, and which day it is.

use domain::invoice::InvoiceState;
use domain::seal::Day;
use domain::{Currency, Language, Mode, Money, Permission, Timestamp};
use flows::mails::words::clients;
use jiff::civil::Date;
use maud::Markup;
use sha2::{Digest, Sha256};
use store::invoices::Invoice;
use store::payments::Payment;

use crate::html::{self as parts, Errors, Tone};
use crate::pay::page::format;
use crate::people::{Person, escaped};
use crate::router::Site;

/// Rows on one page of a list.
pub const SHOWN: usize = 25;
/// As far as a list is counted.
pub use store::invoice_list::COUNTED_MAX;

/// Rows that a page asks the database for: one more than it shows tells whether there are more.
pub const ASKED: i64 = 26;

/// What somebody looks for, as a database takes it.
pub fn looked_for(text: &str) -> String {
    untouched(text.trim())
}

/// What an address of ours says, as a database takes it: where a list goes on may end in a blank.
pub fn untouched(text: &str) -> String {
    text.replace('\0', "")
}

/// The day, in UTC, as `YYYY-MM-DD`.
pub fn today(site: &Site) -> String {
    Day::of(site.app.clock.now()).to_string()
}

/// An address with what it asks for; what is empty is left out.
pub fn address(path: &str, asked: &[(&str, &str)]) -> String {
    let asked = asked.iter().filter(|(_, value)| !value.is_empty());
    let pairs: Vec<String> = asked
        .map(|(name, value)| format!("{name}={}", escaped(value)))
        .collect();
    match pairs.is_empty() {
        true => path.to_owned(),
        false => format!("{path}?{}", pairs.join("&")),
    }
}

/// An amount with its symbol or its code.
pub fn amount(minor: i64, currency: Currency) -> String {
    Language::En.money(Money::new(minor, currency))
}

/// An amount of a balance, whose currency Stripe names.
pub fn sum(minor: i64, currency: &str) -> String {
    match Currency::parse(currency) {
        Ok(currency) => amount(minor, currency),
        Err(_) => format!("{minor} {}", currency.to_uppercase()),
    }
}

/// An address in Stripe's dashboard, on an account and in the mode of what it is about.
pub fn in_stripe(account: &str, mode: Mode, path: &str) -> String {
    let test = if mode.is_live() { "" } else { "test/" };
    format!("https://dashboard.stripe.com/{account}/{test}{path}")
}

/// The form field that says on what it is based, for what has no version of its own.
pub const SEEN: &str = "seen";

/// What was seen of something, to tell whether somebody has changed it meanwhile.
pub fn seen(of: &impl std::fmt::Debug) -> String {
    hex::encode(Sha256::digest(format!("{of:?}")))
}

/// Somebody has saved something else since this form was made.
fn overtaken() -> Markup {
    parts::notice(
        Tone::Alert,
        "Somebody else has changed this meanwhile",
        &maud::html! {
            p { "What you typed is still here, and was not saved. Open the page anew to see what they \
                 changed, or save once more to put yours in its place." }
        },
    )
}

/// A page of settings: what it is about, what was done, and its one form.
pub fn settings(title: &str, about: &str, said: &Markup, form: &Markup) -> Markup {
    maud::html! {
        (parts::title(title, about, &maud::html! {}))
        (said)
        div .card.narrow { (form) }
    }
}

/// The form of a page of settings: its fields, what was seen, and whether somebody has changed it meanwhile.
/// Who may not change it reads it.
pub fn settings_form(
    person: &Person,
    path: &str,
    (seen, late): (&str, bool),
    fields: &Markup,
    errors: &Errors,
) -> Markup {
    let may = person.may(Permission::SettingsWrite);
    let inside = maud::html! {
        input type="hidden" name=(SEEN) value=(seen);
        (fields)
        @if may { div .actions { (parts::primary_button("Save")) } }
    };
    parts::form(
        path,
        &person.csrf,
        &maud::html! {
            (parts::summary(errors))
            @if late { (overtaken()) }
            (parts::fields_of(may, &inside))
        },
    )
}

/// A count as tabs show it: `12`, `100+`.
pub fn counted(count: i64) -> Option<String> {
    match count {
        0 => None,
        COUNTED_MAX.. => Some(format!("{COUNTED_MAX}+")),
        count => Some(count.to_string()),
    }
}

/// `30 November 2026` of a date as invoices keep it.
pub fn date(text: &str) -> String {
    let parsed: Result<Date, _> = text.parse();
    parsed.map_or_else(
        |_| text.to_owned(),
        |date| format::day(date).replace(' ', "\u{a0}"),
    )
}

/// Days from one date to another; negative if it is before.
pub fn days_between(from: &str, to: &str) -> Option<i64> {
    let (from, to): (Date, Date) = (from.parse().ok()?, to.parse().ok()?);
    Some(i64::from((to - from).get_days()))
}

/// The date so many days after another; nothing where there is no such date.
pub fn days_after(date: &str, days: i64) -> String {
    let date: Result<Date, _> = date.parse();
    let later = date
        .ok()
        .and_then(|date| date.checked_add(jiff::Span::new().days(days)).ok());
    later.map_or_else(String::new, |later| later.to_string())
}

/// Whether an invoice is owed and its due date over.
pub fn is_overdue(invoice: &Invoice, today: &str) -> bool {
    let owed = matches!(invoice.status, InvoiceState::Open);
    owed && invoice.due_date.as_deref().is_some_and(|due| due < today)
}

/// What an invoice is called: its number, or that it has none yet.
pub fn name(invoice: &Invoice) -> &str {
    invoice.number.as_deref().unwrap_or("Draft")
}

/// Where an invoice stands, in a badge.
pub fn state(invoice: &Invoice, today: &str) -> Markup {
    let (tone, words) = match invoice.status {
        InvoiceState::Draft => (Tone::Calm, "Draft"),
        InvoiceState::Open if is_overdue(invoice, today) => (Tone::Bad, "Overdue"),
        InvoiceState::Open if invoice.applied > 0 => (Tone::Busy, "Partly paid"),
        InvoiceState::Open if invoice.credited > 0 => (Tone::Busy, "Partly credited"),
        InvoiceState::Open => (Tone::Busy, "Open"),
        InvoiceState::Processing => (Tone::Busy, "Payment under way"),
        InvoiceState::Paid if invoice.credited >= invoice.total.minor() => (Tone::Calm, "Credited"),
        InvoiceState::Paid => (Tone::Good, "Paid"),
        InvoiceState::Void => (Tone::Calm, "Void"),
    };
    parts::badge(tone, words)
}

/// When an invoice is due, and how far that is: `due in 12 days`, `5 days overdue`.
pub fn due(invoice: &Invoice, today: &str) -> Option<String> {
    let due = invoice.due_date.as_deref()?;
    let owed = matches!(invoice.status, InvoiceState::Open | InvoiceState::Processing);
    let days = days_between(today, due).filter(|_| owed)?;
    Some(match days {
        0 => "due today".to_owned(),
        1 => "due tomorrow".to_owned(),
        2.. => format!("due in {days} days"),
        -1 => "1 day overdue".to_owned(),
        ..-1 => format!("{} days overdue", -days),
    })
}

/// Where a payment stands, in a badge.
pub fn payment_state(payment: &Payment) -> Markup {
    use domain::payment::{IntentStatus, PaymentState};
    let (tone, words) = match payment.status {
        PaymentState::Creating => (Tone::Busy, "Being checked"),
        PaymentState::Failed => (Tone::Bad, "Failed"),
        PaymentState::At(IntentStatus::Succeeded) if payment.disputed > 0 => (Tone::Bad, "Disputed"),
        PaymentState::At(IntentStatus::Succeeded) if payment.refunded >= payment.received => {
            (Tone::Calm, "Given back")
        }
        PaymentState::At(IntentStatus::Succeeded) if payment.refunded > 0 => {
            (Tone::Good, "Partly given back")
        }
        PaymentState::At(IntentStatus::Succeeded) => (Tone::Good, "Paid"),
        PaymentState::At(IntentStatus::Processing) => (Tone::Busy, "On its way"),
        PaymentState::At(IntentStatus::Canceled) => (Tone::Calm, "Not paid"),
        PaymentState::At(_) if payment.declines > 0 => (Tone::Alert, "Declined"),
        PaymentState::At(_) => (Tone::Calm, "Begun"),
    };
    parts::badge(tone, words)
}

/// With what somebody paid: `Visa ending in 4242`.
pub fn method(payment: &Payment) -> Option<String> {
    let brand = payment.method_brand.as_deref()?;
    Some(clients::card(brand, payment.method_last4.as_deref()))
}

/// A day of a moment, in words.
pub fn day(at: Timestamp) -> String {
    format::day_of(at).map(format::day).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_between_dates() {
        assert_eq!(days_between("2026-11-27", "2026-12-01"), Some(4));
        assert_eq!(days_between("2026-12-01", "2026-11-27"), Some(-4));
        assert_eq!(days_between("2026-11-27", "2027-11-27"), Some(365));
        assert_eq!(days_between("2026-11-27", "soon"), None);
    }

    #[test]
    fn counts_stop_where_nobody_reads_on() {
        assert_eq!(counted(0), None);
        assert_eq!(counted(99).as_deref(), Some("99"));
        assert_eq!(counted(100).as_deref(), Some("100+"));
    }
}
