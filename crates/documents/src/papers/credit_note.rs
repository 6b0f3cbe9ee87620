//! A credit note: how much of an invoice is given up, why, and where it goes.

use domain::seal::Day;
use domain::{Currency, Money};

use super::{Frame, day};
use crate::fonts::Fonts;
use crate::letter::Letter;
use crate::sheets::Sheets;
use crate::table::{Column, Kind, Row, Sum, table};
use crate::words;

/// A credit note. Amounts are minor units of `currency`.
#[derive(Clone, Debug)]
pub struct CreditNote {
    /// Who writes to whom.
    pub frame: Frame,
    /// Its number.
    pub number: String,
    /// When it was made.
    pub issued_on: Day,
    /// The invoice of which it gives up a part.
    pub invoice_number: String,
    /// Why.
    pub reason: String,
    /// The currency.
    pub currency: Currency,
    /// Revenue that is taken back.
    pub subtotal_minor: i64,
    /// Tax that is taken back.
    pub tax_minor: i64,
    /// Both.
    pub total_minor: i64,
    /// What is owed no more.
    pub to_invoice_minor: i64,
    /// What became the client's credit.
    pub to_credit_minor: i64,
}

pub fn lay_out(fonts: &Fonts, note: &CreditNote) -> Sheets {
    let language = note.frame.language;
    let words = words::of(language);
    let money = |minor| language.money(Money::new(minor, note.currency));
    let facts = [
        (words.credit_note_number, note.number.clone()),
        (words.for_invoice, note.invoice_number.clone()),
        (words.issued, day(language, Some(note.issued_on))),
    ];
    let mut letter = Letter::begin(fonts, &note.frame, words.credit_note, Some(&note.number), &facts);
    let total = language.money_with_code(Money::new(note.total_minor, note.currency));
    letter.band(words.total_credited, Some(&total), None);
    let columns = [
        Column {
            title: words.reason,
            kind: Kind::Text,
        },
        Column {
            title: words.amount,
            kind: Kind::Figure,
        },
    ];
    let row = Row {
        cells: vec![note.reason.clone(), money(note.subtotal_minor)],
        strong: false,
    };
    let sum = |label: &str, minor, strong| Sum {
        label: label.to_owned(),
        amount: money(minor),
        strong,
    };
    let mut sums = vec![
        sum(words.subtotal, note.subtotal_minor, false),
        sum(words.tax, note.tax_minor, false),
        sum(words.total_credited, note.total_minor, true),
    ];
    if note.to_invoice_minor != 0 {
        sums.push(sum(words.off_what_is_owed, note.to_invoice_minor, false));
    }
    if note.to_credit_minor != 0 {
        sums.push(sum(words.to_your_credit, note.to_credit_minor, false));
    }
    table(&mut letter, &columns, &[row], &sums);
    letter.end(None)
}
