//! A receipt: what a payment paid, when and by what, and what went back of it.

use domain::seal::Day;
use domain::{Currency, Money};

use super::{Frame, day};
use crate::fonts::Fonts;
use crate::geometry::pt;
use crate::letter::Letter;
use crate::sheets::Sheets;
use crate::table::{Column, Kind, Row, Sum, table};
use crate::words;

/// A receipt of one payment. Amounts are minor units of `currency`.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// Who writes to whom.
    pub frame: Frame,
    /// The payment's id, by which both sides can name it.
    pub number: String,
    /// When it was paid.
    pub paid_on: Day,
    /// By what.
    pub method: Option<Method>,
    /// The currency.
    pub currency: Currency,
    /// What was paid.
    pub amount_minor: i64,
    /// The invoices that it was for.
    pub invoices: Vec<PaidInvoice>,
    /// What of it no invoice took up.
    pub to_credit_minor: i64,
    /// What went back, in order.
    pub refunds: Vec<Refund>,
}

/// By what a payment was made.
#[derive(Clone, Debug)]
pub struct Method {
    /// Stripe's word for the card's brand, such as `visa`.
    pub brand: String,
    /// The last four digits.
    pub last4: Option<String>,
}

/// An invoice that a payment was for. Amounts are minor units of the receipt's currency.
#[derive(Clone, Debug)]
pub struct PaidInvoice {
    /// Its number.
    pub number: String,
    /// What was paid of it.
    pub amount_minor: i64,
    /// What its discounts had taken off it.
    pub discount_minor: i64,
}

/// Money that went back. Amounts are minor units of the receipt's currency.
#[derive(Clone, Debug)]
pub struct Refund {
    /// When.
    pub on: Day,
    /// How much.
    pub amount_minor: i64,
}

pub fn lay_out(fonts: &Fonts, receipt: &Receipt) -> Sheets {
    let language = receipt.frame.language;
    let words = words::of(language);
    let money = |minor| language.money(Money::new(minor, receipt.currency));
    let mut facts = vec![(words.paid_on, day(language, Some(receipt.paid_on)))];
    if let Some(method) = &receipt.method {
        facts.push((
            words.paid_by,
            words.method(&method.brand, method.last4.as_deref()),
        ));
    }
    facts.push((words.receipt_number, receipt.number.clone()));
    let numbers: Vec<&str> = receipt.invoices.iter().map(|paid| paid.number.as_str()).collect();
    let only = match numbers.as_slice() {
        [only] => Some(*only),
        _ => None,
    };
    let mut letter = Letter::begin(fonts, &receipt.frame, words.receipt, only, &facts);
    let amount = language.money_with_code(Money::new(receipt.amount_minor, receipt.currency));
    let on = language.day(receipt.paid_on);
    letter.band(words.amount_paid, Some(&amount), Some(&on));
    let figure = Column {
        title: words.amount,
        kind: Kind::Figure,
    };
    let text = |title| Column {
        title,
        kind: Kind::Text,
    };
    let row = |cells| Row { cells, strong: false };
    let sum = |label: &str, minor, strong| Sum {
        label: label.to_owned(),
        amount: money(minor),
        strong,
    };
    let paid = receipt.invoices.iter();
    let mut rows: Vec<Row> = paid
        .map(|paid| {
            let number = match paid.discount_minor {
                0 => paid.number.clone(),
                off => format!("{}\n{}: {}", paid.number, words.discount, money(-off)),
            };
            row(vec![number, money(paid.amount_minor)])
        })
        .collect();
    if receipt.to_credit_minor != 0 {
        rows.push(row(vec![
            words.to_your_credit.to_owned(),
            money(receipt.to_credit_minor),
        ]));
    }
    let total = sum(words.amount_paid, receipt.amount_minor, true);
    table(&mut letter, &[text(words.invoice), figure], &rows, &[total]);
    if !receipt.refunds.is_empty() {
        letter.heading(words.refunds, pt(60));
        let refunds = receipt.refunds.iter();
        let rows: Vec<Row> = refunds
            .map(|refund| row(vec![language.day(refund.on), money(refund.amount_minor)]))
            .collect();
        let refunded: i64 = receipt.refunds.iter().map(|refund| refund.amount_minor).sum();
        let sums = [
            sum(words.refunded, refunded, false),
            sum(words.net_paid, receipt.amount_minor - refunded, true),
        ];
        table(&mut letter, &[text(words.date), figure], &rows, &sums);
    }
    letter.end(None)
}
