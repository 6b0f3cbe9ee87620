//! An invoice: what is billed, what it adds up to, what is still owed, and how it can be paid.

use domain::invoice::{Discount, Line, TaxLine};
use domain::seal::Day;
use domain::{Currency, Money};

use super::{Frame, day};
use crate::fonts::Fonts;
use crate::letter::{BODY, Fact, Letter};
use crate::sheets::Sheets;
use crate::table::{Column, Kind, Row, Sum, table};
use crate::words::{self, Words};

/// An invoice. Amounts are minor units of `currency`.
#[derive(Clone, Debug)]
pub struct Invoice {
    /// Who bills whom.
    pub frame: Frame,
    /// Its number; a draft has none.
    pub number: Option<String>,
    /// When it was finalized.
    pub issued_on: Option<Day>,
    /// Until when it is to be paid.
    pub due_on: Option<Day>,
    /// A remark of the seller.
    pub memo: Option<String>,
    /// The currency.
    pub currency: Currency,
    /// What is billed.
    pub lines: Vec<Line>,
    /// Sum of the lines, each less its own discount, before tax.
    pub subtotal_minor: i64,
    /// What comes off the whole, as it was asked for.
    pub discount: Option<Discount>,
    /// What comes off the whole.
    pub discount_minor: i64,
    /// The taxes by rate.
    pub taxes: Vec<TaxLine>,
    /// Subtotal less discount, and taxes.
    pub total_minor: i64,
    /// What credit notes took off it.
    pub credited_minor: i64,
    /// What was paid of it.
    pub paid_minor: i64,
    /// What is still owed.
    pub owed_minor: i64,
    /// Where it stands.
    pub state: State,
    /// The address of its pay page.
    pub pay_link: Option<String>,
}

/// Where an invoice stands, as far as its paper shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It may still change.
    Draft,
    /// It is owed.
    Open,
    /// Nothing is owed any more.
    Paid,
    /// It was withdrawn.
    Void,
}

pub fn lay_out(fonts: &Fonts, invoice: &Invoice) -> Sheets {
    let language = invoice.frame.language;
    let words = words::of(language);
    let money = |minor| language.money(Money::new(minor, invoice.currency));
    let mut letter = Letter::begin(
        fonts,
        &invoice.frame,
        words.invoice,
        invoice.number.as_deref(),
        &facts(invoice, words),
    );
    let owed = language.money_with_code(Money::new(invoice.owed_minor, invoice.currency));
    let payable_by = |due| words.payable_by.replace("{day}", &language.day(due));
    match invoice.state {
        State::Draft => letter.band(words.not_an_invoice_yet, None, None),
        State::Void => letter.band(words.nothing_owed, None, None),
        State::Paid => letter.band(words.paid_in_full, Some(&money(invoice.paid_minor)), None),
        State::Open => {
            let remark = invoice.due_on.map(payable_by);
            letter.band(words.amount_due, Some(&owed), remark.as_deref());
        }
    }
    if let Some(memo) = &invoice.memo {
        letter.paragraph(memo, BODY);
        letter.y += crate::geometry::pt(10);
    }
    lines(&mut letter, invoice, words);
    if invoice.state == State::Open {
        letter.how_to_pay(invoice.pay_link.as_deref());
    }
    letter.end(match invoice.state {
        State::Draft => Some(words.draft),
        State::Void => Some(words.void),
        State::Open | State::Paid => None,
    })
}

fn facts(invoice: &Invoice, words: &Words) -> Vec<Fact> {
    let language = invoice.frame.language;
    let mut facts = Vec::new();
    if let Some(number) = &invoice.number {
        facts.push((words.invoice_number, number.clone()));
    }
    for (label, on) in [(words.issued, invoice.issued_on), (words.due, invoice.due_on)] {
        if on.is_some() {
            facts.push((label, day(language, on)));
        }
    }
    facts
}

fn lines(letter: &mut Letter<'_>, invoice: &Invoice, words: &Words) {
    let language = invoice.frame.language;
    let money = |minor| language.money(Money::new(minor, invoice.currency));
    let taxed = invoice
        .lines
        .iter()
        .any(|line| line.tax_rate.thousandths_of_percent() > 0);
    let column = |title, kind| Column { title, kind };
    let mut columns = vec![
        column(words.description, Kind::Text),
        column(words.quantity, Kind::Figure),
        column(words.unit_price, Kind::Figure),
    ];
    if taxed {
        columns.push(column(words.tax, Kind::Figure));
    }
    columns.push(column(words.amount, Kind::Figure));
    let description = |line: &Line| match line.discount_minor {
        0 => line.description.clone(),
        off => {
            let label = words.discount_of(line.discount);
            format!(
                "{}\n{label}{} {}",
                line.description,
                language.colon(),
                money(-off)
            )
        }
    };
    let row = |line: &Line| {
        let mut cells = vec![
            description(line),
            language.decimal(&line.quantity.to_string()),
            money(line.unit_price_minor),
        ];
        if taxed {
            cells.push(match line.tax_rate.thousandths_of_percent() {
                0 => "\u{2013}".to_owned(),
                _ => language.rate(line.tax_rate),
            });
        }
        cells.push(money(line.amount_minor));
        Row { cells, strong: false }
    };
    let rows: Vec<Row> = invoice.lines.iter().map(row).collect();
    table(letter, &columns, &rows, &sums(invoice, words));
}

fn sums(invoice: &Invoice, words: &Words) -> Vec<Sum> {
    let language = invoice.frame.language;
    let money = |minor| language.money(Money::new(minor, invoice.currency));
    let sum = |label: &str, amount: String, strong| Sum {
        label: label.to_owned(),
        amount,
        strong,
    };
    let mut sums = vec![sum(words.subtotal, money(invoice.subtotal_minor), false)];
    if invoice.discount_minor != 0 {
        let label = words.discount_of(invoice.discount);
        sums.push(sum(&label, money(-invoice.discount_minor), false));
    }
    for tax in &invoice.taxes {
        let label = words.tax_at.replace("{rate}", &language.rate(tax.rate));
        sums.push(sum(&label, money(tax.tax_minor), false));
    }
    sums.push(sum(words.total, money(invoice.total_minor), true));
    if invoice.credited_minor != 0 {
        sums.push(sum(words.credit_notes, money(-invoice.credited_minor), false));
    }
    if invoice.paid_minor != 0 {
        sums.push(sum(words.paid, money(-invoice.paid_minor), false));
    }
    if matches!(invoice.state, State::Open | State::Paid) {
        let owed = language.money_with_code(Money::new(invoice.owed_minor, invoice.currency));
        sums.push(sum(words.amount_due, owed, true));
    }
    sums
}
