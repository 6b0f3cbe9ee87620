//! A fee statement: what the platform took of a tenant in a month, by currency, and what it gave back. It
//! is between the platform and its tenants, in English.

use domain::seal::Day;
use domain::{Currency, Money};

use super::Frame;
use crate::fonts::Fonts;
use crate::geometry::pt;
use crate::letter::{BODY, Letter};
use crate::sheets::Sheets;
use crate::table::{Column, Kind, Row, Sum, table};

/// A month's statement. The client of its frame is the tenant, the seller the platform.
#[derive(Clone, Debug)]
pub struct FeeStatement {
    /// Who writes to whom.
    pub frame: Frame,
    /// The month, `2026-11`.
    pub month: String,
    /// One for each currency in which fees were taken.
    pub accounts: Vec<FeeAccount>,
}

/// What was taken in one currency, in minor units of it.
#[derive(Clone, Debug)]
pub struct FeeAccount {
    /// The currency.
    pub currency: Currency,
    /// What was taken.
    pub charged_minor: i64,
    /// What was given back of it.
    pub refunded_minor: i64,
    /// Each fee and each part that went back, oldest first.
    pub lines: Vec<FeeLine>,
}

/// A fee, or a part of one that went back.
#[derive(Clone, Debug)]
pub struct FeeLine {
    /// When it was booked.
    pub on: Day,
    /// What it is, in words.
    pub what: &'static str,
    /// Stripe's id of it.
    pub reference: String,
    /// Minor units; below zero where it went back.
    pub amount_minor: i64,
}

pub fn lay_out(fonts: &Fonts, statement: &FeeStatement) -> Sheets {
    let facts = [("Month", statement.month.clone())];
    let month = Some(statement.month.as_str());
    let mut letter = Letter::begin(fonts, &statement.frame, "Fee statement", month, &facts);
    if statement.accounts.is_empty() {
        letter.paragraph("No fees were taken in this month.", BODY);
    }
    for account in &statement.accounts {
        of_currency(&mut letter, statement, account);
    }
    letter.end(None)
}

fn of_currency(letter: &mut Letter<'_>, statement: &FeeStatement, account: &FeeAccount) {
    let language = statement.frame.language;
    let money = |minor| language.money(Money::new(minor, account.currency));
    let net = account.charged_minor.saturating_sub(account.refunded_minor);
    let total = language.money_with_code(Money::new(net, account.currency));
    letter.band("Fees less what was given back", Some(&total), None);
    let column = |title, kind| Column { title, kind };
    let columns = [
        column("Date", Kind::Word),
        column("What", Kind::Word),
        column("At Stripe", Kind::Text),
        column("Amount", Kind::Figure),
    ];
    let row = |line: &FeeLine| Row {
        cells: vec![
            language.day(line.on),
            line.what.to_owned(),
            line.reference.clone(),
            money(line.amount_minor),
        ],
        strong: false,
    };
    let rows: Vec<Row> = account.lines.iter().map(row).collect();
    let sum = |label: &str, amount: String, strong| Sum {
        label: label.to_owned(),
        amount,
        strong,
    };
    let sums = [
        sum("Taken", money(account.charged_minor), false),
        sum(
            "Given back",
            money(account.refunded_minor.saturating_neg()),
            false,
        ),
        sum("Fees less what was given back", total, true),
    ];
    table(letter, &columns, &rows, &sums);
    letter.y += pt(18);
}
