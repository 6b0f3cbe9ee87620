//! A statement: what was billed and paid between two days, by currency, and how old what is owed is.

use domain::seal::Day;
use domain::{Currency, Money};

use super::{Frame, day};
use crate::fonts::Fonts;
use crate::geometry::pt;
use crate::letter::{BODY, Letter};
use crate::sheets::Sheets;
use crate::table::{Column, Kind, Row, Sum, table};
use crate::words::{self, Words};

/// A statement of one client.
#[derive(Clone, Debug)]
pub struct Statement {
    /// Who writes to whom.
    pub frame: Frame,
    /// The first day.
    pub from: Day,
    /// The last day.
    pub to: Day,
    /// One for each currency in which there is something to say.
    pub accounts: Vec<Account>,
}

/// What happened in one currency. Amounts are minor units of it; what is above zero is owed by the client.
#[derive(Clone, Debug)]
pub struct Account {
    /// The currency.
    pub currency: Currency,
    /// What was owed before the first day.
    pub opening_minor: i64,
    /// What happened, in order.
    pub entries: Vec<Entry>,
    /// What is owed on open invoices at the end of the last day: not yet due, 1 to 30, 31 to 60, 61 to 90 and
    /// more days overdue.
    pub by_age_minor: [i64; 5],
}

/// A line of a statement.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When.
    pub on: Day,
    /// What it is.
    pub what: What,
    /// The number or words by which the client knows it.
    pub reference: String,
    /// By how much what is owed became more, or less if below zero.
    pub amount_minor: i64,
}

/// What a line of a statement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Something was billed.
    Invoice,
    /// An invoice was withdrawn.
    Void,
    /// A part of an invoice was given up.
    CreditNote,
    /// Something was paid.
    Payment,
    /// Something went back.
    Refund,
    /// Something that was to go back did not arrive.
    RefundFailed,
    /// A payment that was recorded was taken back.
    PaymentTakenBack,
    /// A bank took a payment back.
    TakenBack,
    /// A bank returned what it had taken back.
    Regained,
    /// Anything else.
    Other,
}

impl What {
    const fn name(self, words: &Words) -> &'static str {
        match self {
            What::Invoice => words.invoice,
            What::Void => words.void,
            What::CreditNote => words.credit_note,
            What::Payment => words.payment,
            What::Refund => words.refund,
            What::RefundFailed => words.refund_failed,
            What::PaymentTakenBack => words.payment_reversed,
            What::TakenBack => words.taken_back,
            What::Regained => words.regained,
            What::Other => words.adjustment,
        }
    }
}

pub fn lay_out(fonts: &Fonts, statement: &Statement) -> Sheets {
    let language = statement.frame.language;
    let words = words::of(language);
    let between = words
        .from_to
        .replace("{from}", &language.day(statement.from))
        .replace("{to}", &language.day(statement.to));
    let facts = [(words.period, between.clone())];
    let mut letter = Letter::begin(fonts, &statement.frame, words.statement, None, &facts);
    if statement.accounts.is_empty() {
        letter.paragraph(words.nothing_happened, BODY);
    }
    for account in &statement.accounts {
        of_currency(&mut letter, words, statement, account);
    }
    letter.end(None)
}

fn of_currency(letter: &mut Letter<'_>, words: &Words, statement: &Statement, account: &Account) {
    let language = words.language;
    let money = |minor| language.money(Money::new(minor, account.currency));
    let mut balance = account.opening_minor;
    let opening = vec![
        day(language, Some(statement.from)),
        words.opening_balance.to_owned(),
        String::new(),
        String::new(),
        money(balance),
    ];
    let mut rows = vec![Row {
        cells: opening,
        strong: true,
    }];
    for entry in &account.entries {
        balance += entry.amount_minor;
        let amount = money(entry.amount_minor.abs());
        let (more, less) = match entry.amount_minor >= 0 {
            true => (amount, String::new()),
            false => (String::new(), amount),
        };
        let document = format!("{} {}", entry.what.name(words), entry.reference);
        let document = document.trim_end().to_owned();
        let cells = vec![language.day(entry.on), document, more, less, money(balance)];
        rows.push(Row { cells, strong: false });
    }
    let closing = language.money_with_code(Money::new(balance, account.currency));
    letter.band(
        words.closing_balance,
        Some(&closing),
        (balance < 0).then_some(words.in_your_favour),
    );
    let column = |title, kind| Column { title, kind };
    let columns = [
        column(words.date, Kind::Word),
        column(words.document, Kind::Text),
        column(words.charges, Kind::Figure),
        column(words.payments_and_credits, Kind::Figure),
        column(words.balance, Kind::Figure),
    ];
    let sum = |label: String, amount: String, strong| Sum {
        label,
        amount,
        strong,
    };
    let sums = [sum(words.closing_balance.to_owned(), closing, true)];
    table(letter, &columns, &rows, &sums);
    if account.by_age_minor.iter().any(|minor| *minor != 0) {
        letter.heading(words.by_age, pt(100));
        let labels = ages(words);
        let aged = labels.into_iter().zip(account.by_age_minor);
        let sums: Vec<Sum> = aged
            .map(|(label, minor)| sum(label, money(minor), false))
            .collect();
        crate::table::sums(letter, &sums);
    }
    letter.y += pt(18);
}

fn ages(words: &Words) -> [String; 5] {
    let days = |from: &str, to: &str| words.days_overdue.replace("{from}", from).replace("{to}", to);
    [
        words.not_yet_due.to_owned(),
        days("1", "30"),
        days("31", "60"),
        days("61", "90"),
        words.more_days_overdue.replace("{days}", "90"),
    ]
}
