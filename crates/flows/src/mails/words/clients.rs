//! What clients are written: their invoices, what they paid, what goes back.

use domain::seal::Day;
use domain::{InvoiceId, Language, Money};

use super::{Named, Template, letter, of};
use crate::mails::{Letter, To};

/// To whom it is written, by whom, and in which language.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    /// The language.
    pub language: Language,
    /// The reader's name, if it is known.
    pub name: Option<&'a str>,
    /// The name of the tenant, who writes.
    pub sender: &'a str,
}

/// An invoice that is written about.
#[derive(Clone, Copy, Debug)]
pub struct OfInvoice<'a> {
    /// Its id.
    pub id: &'a InvoiceId,
    /// Its number.
    pub number: &'a str,
    /// What its paper says that it comes to.
    pub total: Money,
    /// What is left to pay.
    pub owed: Money,
    /// When it is due, if it says.
    pub due: Option<Day>,
}

/// Here is an invoice; `note` is the sender's own sentence.
pub fn invoice(reader: &Reader, invoice: &OfInvoice, note: Option<&str>) -> Letter {
    of_invoice(reader, &of(reader.language).invoice, invoice, [note, None])
}

/// An invoice is due soon, today, or was.
pub fn reminder(reader: &Reader, invoice: &OfInvoice, due: Day, today: Day) -> Letter {
    let words = of(reader.language);
    let template = match due.cmp(&today) {
        std::cmp::Ordering::Greater => &words.reminder_before,
        std::cmp::Ordering::Equal => &words.reminder_today,
        std::cmp::Ordering::Less => &words.reminder_after,
    };
    of_invoice(reader, template, invoice, [None, None])
}

/// A fresh link to an invoice, for whoever asked for it.
pub fn new_link(reader: &Reader, invoice: &OfInvoice) -> Letter {
    of_invoice(reader, &of(reader.language).new_link, invoice, [None, None])
}

/// An invoice that somebody has forwarded: `by` says who, as the tenant knows them.
pub fn forwarded(reader: &Reader, invoice: &OfInvoice, by: &str) -> Letter {
    of_invoice(reader, &of(reader.language).forwarded, invoice, [None, Some(by)])
}

fn of_invoice(
    reader: &Reader,
    template: &Template,
    invoice: &OfInvoice,
    [note, by]: [Option<&str>; 2],
) -> Letter {
    let Reader {
        language,
        name,
        sender,
    } = *reader;
    let due = invoice.due.map(|due| language.day(due));
    let values = [
        ("number", Some(invoice.number.to_owned())),
        ("sender", Some(sender.to_owned())),
        ("total", Some(language.money(invoice.total))),
        ("amount", Some(language.money(invoice.owed))),
        ("due", due.clone()),
        ("note", note.map(str::to_owned)),
        ("by", by.map(str::to_owned)),
    ];
    let to = To::PayPage(invoice.id.clone());
    let mut letter = letter(language, template, name, &values, Some(to));
    let labels = &of(language).labels;
    let owed = language.money_with_code(invoice.owed);
    letter.facts = [
        Some((labels.invoice, invoice.number.to_owned())),
        Some((labels.owed, owed)),
        due.map(|due| (labels.due, due)),
    ]
    .into_iter()
    .flatten()
    .map(|(label, value)| (label.to_owned(), value))
    .collect();
    letter
}

/// A payment that is written about.
#[derive(Clone, Copy, Debug)]
pub struct OfPayment<'a> {
    /// The first of the invoices that it pays, to which the button leads.
    pub invoice: &'a InvoiceId,
    /// The numbers of all of them.
    pub numbers: &'a str,
    /// How many they are.
    pub several: bool,
    /// What was paid, or was to be.
    pub amount: Money,
    /// When.
    pub day: Day,
    /// With which card or account, if it is known.
    pub means: Option<&'a str>,
    /// What is left to pay of its invoices, if anything.
    pub left: Option<Money>,
    /// What it brought beyond what was owed, if anything.
    pub credit: Option<Money>,
}

/// The money is here.
pub fn receipt(reader: &Reader, payment: &OfPayment) -> Letter {
    of_payment(reader, &of(reader.language).receipt, payment, true)
}

/// A payment that was under way has failed.
pub fn payment_failed(reader: &Reader, payment: &OfPayment) -> Letter {
    of_payment(reader, &of(reader.language).payment_failed, payment, false)
}

/// `Visa •••• 4242`: the same in every language.
pub fn card(brand: &str, last4: Option<&str>) -> String {
    let name = match brand {
        "visa" => "Visa",
        "mastercard" => "Mastercard",
        "amex" => "American Express",
        "discover" => "Discover",
        "diners" => "Diners Club",
        "jcb" => "JCB",
        "unionpay" => "UnionPay",
        "eftpos_au" => "eftpos",
        "cartes_bancaires" => "Cartes Bancaires",
        other => other,
    };
    match last4 {
        Some(last4) => format!("{name} •••• {last4}"),
        None => name.to_owned(),
    }
}

fn of_payment(reader: &Reader, template: &Template, payment: &OfPayment, paid: bool) -> Letter {
    let Reader {
        language,
        name,
        sender,
    } = *reader;
    let values = [
        ("number", Some(payment.numbers.to_owned())),
        ("sender", Some(sender.to_owned())),
        ("amount", Some(language.money(payment.amount))),
        ("left", payment.left.map(|left| language.money(left))),
        ("credit", payment.credit.map(|credit| language.money(credit))),
    ];
    let to = To::PayPage(payment.invoice.clone());
    let mut letter = letter(language, template, name, &values, Some(to));
    let labels = &of(language).labels;
    let invoices = if payment.several {
        labels.invoices
    } else {
        labels.invoice
    };
    letter.facts = [
        Some((invoices, payment.numbers.to_owned())),
        Some((labels.amount, language.money_with_code(payment.amount))),
        paid.then(|| (labels.paid_on, language.day(payment.day))),
        payment.means.map(|means| (labels.paid_with, means.to_owned())),
    ]
    .into_iter()
    .flatten()
    .map(|(label, value)| (label.to_owned(), value))
    .collect();
    letter
}

/// A refund that is written about.
#[derive(Clone, Copy, Debug)]
pub struct OfRefund<'a> {
    /// The invoice, to which the button leads.
    pub invoice: &'a InvoiceId,
    /// Its number, or those of all that it is taken from.
    pub numbers: &'a str,
    /// What went back.
    pub amount: Money,
    /// What it means for the invoice.
    pub means: Means,
}

/// What a refund means for an invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// So much of it is owed again.
    OwedAgain(Money),
    /// Nothing of it is owed for that.
    Forgiven,
    /// Nothing, since it comes out of credit, or something for several of them.
    Unsaid,
}

/// Money goes back.
pub fn refund(reader: &Reader, refund: &OfRefund) -> Letter {
    let again = match refund.means {
        Means::OwedAgain(again) => Some(reader.language.money(again)),
        Means::Forgiven | Means::Unsaid => None,
    };
    let of_invoice = |is_so: bool| is_so.then(|| refund.numbers.to_owned());
    let means = [
        ("open", of_invoice(again.is_some())),
        ("again", again),
        ("settled", of_invoice(refund.means == Means::Forgiven)),
    ];
    of_refund(reader, &of(reader.language).refund, refund, &means)
}

/// Money that was to go back has not arrived.
pub fn refund_failed(reader: &Reader, refund: &OfRefund) -> Letter {
    of_refund(reader, &of(reader.language).refund_failed, refund, &[])
}

fn of_refund(reader: &Reader, template: &Template, refund: &OfRefund, means: &[Named]) -> Letter {
    let Reader {
        language,
        name,
        sender,
    } = *reader;
    let mut values = vec![
        ("sender", Some(sender.to_owned())),
        ("amount", Some(language.money(refund.amount))),
    ];
    values.extend(means.iter().cloned());
    let to = To::PayPage(refund.invoice.clone());
    let mut letter = letter(language, template, name, &values, Some(to));
    let labels = &of(language).labels;
    letter.facts = vec![
        (labels.invoice.to_owned(), refund.numbers.to_owned()),
        (labels.amount.to_owned(), language.money_with_code(refund.amount)),
    ];
    letter
}
