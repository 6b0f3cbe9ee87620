//! Invoices: lines, discounts, exclusive tax per rate, totals, and what may happen in which state.

pub mod discount;

use std::collections::BTreeMap;

pub use discount::Discount;

use crate::{Currency, Money, Refusal, text};

/// Most lines of one invoice: a page of paper is 40, a big month of an MSP a few hundred.
pub const LINES_MAX: usize = 500;
/// Longest description of a line, in characters.
pub const DESCRIPTION_MAX: usize = 500;
/// A rate of 100 %, in thousandths of a percent.
const WHOLE: i64 = 100_000;
/// Most digits before the point of a quantity.
const QUANTITY_DIGITS_MAX: usize = 9;

/// A quantity in thousandths: `2.5` is 2500.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity(i64);

impl Quantity {
    /// Reads a decimal string such as `3`, `0.25` or `1.125`.
    ///
    /// # Errors
    /// [`Refusal::InvalidField`] unless it is positive, has at most 3 decimals and 9 digits before the point.
    pub fn parse(text: &str) -> Result<Quantity, Refusal> {
        let refused = || {
            Refusal::invalid(
                "quantity",
                "must be a positive number, as text with at most 3 decimals, such as \"2.5\"",
            )
        };
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(part) || part.len() > 3 || whole.len() > QUANTITY_DIGITS_MAX {
            return Err(refused());
        }
        let thousandths: i64 = format!("{whole}{part:0<3}").parse().map_err(|_| refused())?;
        if thousandths == 0 {
            Err(refused())
        } else {
            Ok(Quantity(thousandths))
        }
    }

    /// A quantity that our own database holds.
    pub const fn from_thousandths(thousandths: i64) -> Quantity {
        Quantity(thousandths)
    }

    /// Thousandths of a unit.
    pub const fn thousandths(self) -> i64 {
        self.0
    }
}

/// `2.5`: no trailing zeros.
impl std::fmt::Display for Quantity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (whole, part) = (self.0 / 1000, self.0 % 1000);
        if part == 0 {
            write!(f, "{whole}")
        } else {
            write!(f, "{whole}.{}", format!("{part:03}").trim_end_matches('0'))
        }
    }
}

/// A tax rate in thousandths of a percent: 8.875 % is 8875.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaxRate(i64);

impl TaxRate {
    /// The percentage without its sign: `8.875`; nothing for no tax, as [`TaxRate::typed`] takes it.
    pub fn plain(self) -> String {
        match self.0 {
            0 => String::new(),
            thousandths => Quantity(thousandths).to_string(),
        }
    }

    /// Reads a percentage as people type it: `19`, `8.875`; nothing is no tax.
    ///
    /// # Errors
    /// [`Refusal::InvalidField`] unless it is 0 to 100 with at most three decimals.
    pub fn typed(field: &str, text: &str) -> Result<TaxRate, Refusal> {
        let problem = "must be a percentage such as 19 or 8.875, with a point before the decimals";
        let refused = || Refusal::invalid(field.to_owned(), problem);
        let text = text.trim().trim_end_matches('%').trim_end();
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(part) || part.len() > 3 || whole.len() > 3 {
            return Err(refused());
        }
        let thousandths: i64 = format!("0{whole}{part:0<3}").parse().map_err(|_| refused())?;
        TaxRate::from_thousandths_of_percent(thousandths).map_err(|_| refused())
    }

    /// A rate of 0 to 100 %.
    ///
    /// # Errors
    /// [`Refusal::InvalidField`] outside that range.
    pub fn from_thousandths_of_percent(value: i64) -> Result<TaxRate, Refusal> {
        if (0..=WHOLE).contains(&value) {
            Ok(TaxRate(value))
        } else {
            Err(Refusal::invalid(
                "tax_rate",
                "must be 0 to 100000 thousandths of a percent (19 % is 19000)",
            ))
        }
    }

    /// Thousandths of a percent.
    pub const fn thousandths_of_percent(self) -> i64 {
        self.0
    }
}

/// `8.875%`: no trailing zeros.
impl std::fmt::Display for TaxRate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}%", Quantity(self.0))
    }
}

/// One line of an invoice, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What was done or delivered; plain text.
    pub description: String,
    /// How many.
    pub quantity: Quantity,
    /// Price of one, before tax, in minor units of the invoice's currency.
    pub unit_price_minor: i64,
    /// Exclusive tax.
    pub tax_rate: TaxRate,
    /// What comes off it, as it was asked for.
    pub discount: Option<Discount>,
    /// What comes off it, in minor units.
    pub discount_minor: i64,
    /// Quantity × unit price, half up, less its discount, in minor units, before tax.
    pub amount_minor: i64,
}

impl Line {
    /// A line whose amount is worked out here: quantity × unit price, half up.
    ///
    /// # Errors
    /// [`Refusal::InvalidField`] for an empty or overlong description or a negative price,
    /// [`Refusal::AmountTooLarge`] for a line beyond what the currency takes.
    pub fn new(
        description: &str,
        quantity: Quantity,
        unit_price: Money,
        tax_rate: TaxRate,
    ) -> Result<Line, Refusal> {
        let Some(description) = text::shown(description, DESCRIPTION_MAX, false) else {
            let problem = format!("must be one line of plain text with 1 to {DESCRIPTION_MAX} characters");
            return Err(Refusal::invalid("description", problem));
        };
        if unit_price.minor() < 0 {
            return Err(Refusal::invalid("unit_price", "must not be negative"));
        }
        let product = i128::from(quantity.0) * i128::from(unit_price.minor());
        let amount_minor = bounded((product + 500) / 1000, unit_price.currency())?;
        Ok(Line {
            description,
            quantity,
            unit_price_minor: unit_price.minor(),
            tax_rate,
            discount: None,
            discount_minor: 0,
            amount_minor,
        })
    }

    /// The line less a discount.
    ///
    /// # Errors
    /// [`Refusal::InvalidField`] of `discount.amount` for more than the line asks for.
    pub fn less(self, discount: Option<Discount>, currency: Currency) -> Result<Line, Refusal> {
        let whole = Money::new(self.amount_minor.saturating_add(self.discount_minor), currency);
        let discount_minor = match discount {
            Some(discount) => discount.off(whole, "the line")?,
            None => 0,
        };
        Ok(Line {
            discount,
            discount_minor,
            amount_minor: whole.minor().saturating_sub(discount_minor),
            ..self
        })
    }
}

/// The tax of all lines that share a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaxLine {
    /// The rate.
    pub rate: TaxRate,
    /// What it is reckoned on: the sum of the lines with this rate, less their share of the invoice's
    /// discount, in minor units.
    pub base_minor: i64,
    /// Base × rate, half up, in minor units.
    pub tax_minor: i64,
}

/// What an invoice adds up to, in minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Sum of the lines, each less its own discount, before tax.
    pub subtotal_minor: i64,
    /// What comes off the whole of them.
    pub discount_minor: i64,
    /// One entry per rate above zero, lowest rate first.
    pub taxes: Vec<TaxLine>,
    /// Sum of the taxes.
    pub tax_minor: i64,
    /// Subtotal less discount, and taxes: what is to be paid.
    pub total: Money,
}

/// Adds up an invoice. Tax is exclusive, on what is left after the discounts, and rounded once per rate, on
/// that rate's sum.
///
/// # Errors
/// [`Refusal::AmountTooLarge`] when the sum is beyond what the currency takes, [`Refusal::InvalidField`] for
/// too many lines and of `discount.amount` for more than the lines add up to. An empty invoice adds up to
/// zero; [`finalize`] refuses it.
pub fn totals(lines: &[Line], discount: Option<Discount>, currency: Currency) -> Result<Totals, Refusal> {
    if lines.len() > LINES_MAX {
        return Err(Refusal::invalid("lines", format!("must be at most {LINES_MAX}")));
    }
    let subtotal_minor = lines.iter().map(|line| i128::from(line.amount_minor)).sum();
    let subtotal_minor = bounded(subtotal_minor, currency)?;
    let discount_minor = match discount {
        Some(discount) => discount.off(Money::new(subtotal_minor, currency), "what the lines add up to")?,
        None => 0,
    };
    let mut bases: BTreeMap<TaxRate, i128> = BTreeMap::new();
    for line in discount::after(lines, discount_minor) {
        *bases.entry(line.tax_rate).or_default() += i128::from(line.amount_minor);
    }
    let mut taxes = Vec::new();
    for (rate, base) in bases.into_iter().filter(|(rate, _)| rate.0 > 0) {
        let tax = (base * i128::from(rate.0) + 50_000) / i128::from(WHOLE);
        let base_minor = bounded(base, currency)?;
        taxes.push(TaxLine {
            rate,
            base_minor,
            tax_minor: bounded(tax, currency)?,
        });
    }
    let tax_minor = bounded(taxes.iter().map(|tax| i128::from(tax.tax_minor)).sum(), currency)?;
    let net_minor = i128::from(subtotal_minor) - i128::from(discount_minor);
    let total = bounded(net_minor + i128::from(tax_minor), currency)?;
    Ok(Totals {
        subtotal_minor,
        discount_minor,
        taxes,
        tax_minor,
        total: Money::new(total, currency),
    })
}

fn bounded(minor: i128, currency: Currency) -> Result<i64, Refusal> {
    let maximum = currency.maximum();
    match i64::try_from(minor) {
        Ok(minor) if minor <= maximum => Ok(minor),
        _ => Err(Refusal::AmountTooLarge {
            maximum: Money::new(maximum, currency).to_string(),
        }),
    }
}

/// Where an invoice stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum InvoiceState {
    /// May be edited; cannot be paid.
    Draft,
    /// Finalized and owed.
    Open,
    /// A payment is on its way (a bank debit takes days); nothing else may be started.
    Processing,
    /// Nothing is owed any more.
    Paid,
    /// Withdrawn before it was paid.
    Void,
}

impl InvoiceState {
    /// Every state.
    pub const ALL: [InvoiceState; 5] = [
        InvoiceState::Draft,
        InvoiceState::Open,
        InvoiceState::Processing,
        InvoiceState::Paid,
        InvoiceState::Void,
    ];

    /// The state as the API and the database write it.
    pub const fn word(self) -> &'static str {
        match self {
            InvoiceState::Draft => "draft",
            InvoiceState::Open => "open",
            InvoiceState::Processing => "processing",
            InvoiceState::Paid => "paid",
            InvoiceState::Void => "void",
        }
    }

    /// The state that our own database wrote.
    pub fn from_word(word: &str) -> Option<InvoiceState> {
        InvoiceState::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// Whether an invoice may be edited: only a draft.
///
/// # Errors
/// [`Refusal::InvoiceFinalized`] in every other state.
pub fn edit(state: InvoiceState) -> Result<(), Refusal> {
    match state {
        InvoiceState::Draft => Ok(()),
        InvoiceState::Open | InvoiceState::Processing | InvoiceState::Paid | InvoiceState::Void => {
            Err(Refusal::InvoiceFinalized)
        }
    }
}

/// Finalizes a draft: from here on it is owed and immutable. The amount is checked here, not at the payer.
///
/// # Errors
/// [`Refusal::InvoiceEmpty`], [`Refusal::AmountTooSmall`], [`Refusal::AmountTooLarge`], or what the state
/// says.
pub fn finalize(state: InvoiceState, lines: usize, total: Money) -> Result<InvoiceState, Refusal> {
    match state {
        InvoiceState::Draft if lines == 0 => Err(Refusal::InvoiceEmpty),
        InvoiceState::Draft => total.chargeable().map(|_| InvoiceState::Open),
        InvoiceState::Open | InvoiceState::Processing | InvoiceState::Paid | InvoiceState::Void => {
            Err(Refusal::InvoiceFinalized)
        }
    }
}

/// Withdraws an invoice of which nothing is paid or credited. A live payment intent must have been cancelled
/// at Stripe before. `settled_minor` is what payments, credit and credit notes have taken off it.
///
/// # Errors
/// [`Refusal::PaymentInProgress`], [`Refusal::InvoicePaid`], [`Refusal::InvoicePartlyPaid`],
/// [`Refusal::InvoiceVoid`].
pub fn void(state: InvoiceState, settled_minor: i64) -> Result<InvoiceState, Refusal> {
    match state {
        InvoiceState::Draft => Ok(InvoiceState::Void),
        InvoiceState::Open if settled_minor > 0 => Err(Refusal::InvoicePartlyPaid),
        InvoiceState::Open => Ok(InvoiceState::Void),
        InvoiceState::Processing => Err(Refusal::PaymentInProgress),
        InvoiceState::Paid => Err(Refusal::InvoicePaid),
        InvoiceState::Void => Err(Refusal::InvoiceVoid),
    }
}

/// Whether somebody may pay the invoice now.
///
/// # Errors
/// The refusal that fits the state.
pub fn payable(state: InvoiceState) -> Result<(), Refusal> {
    match state {
        InvoiceState::Open => Ok(()),
        InvoiceState::Draft => Err(Refusal::InvoiceDraft),
        InvoiceState::Processing => Err(Refusal::PaymentInProgress),
        InvoiceState::Paid => Err(Refusal::InvoicePaid),
        InvoiceState::Void => Err(Refusal::InvoiceVoid),
    }
}

/// Where the invoice stands after something was observed of its payments. An observation is never refused:
/// draft and void stay what they are (money on them becomes client credit and a reconciliation break).
pub fn observe(state: InvoiceState, owed_minor: i64, processing: bool) -> InvoiceState {
    match state {
        InvoiceState::Draft => InvoiceState::Draft,
        InvoiceState::Void => InvoiceState::Void,
        InvoiceState::Open | InvoiceState::Processing | InvoiceState::Paid => {
            if owed_minor <= 0 {
                InvoiceState::Paid
            } else if processing {
                InvoiceState::Processing
            } else {
                InvoiceState::Open
            }
        }
    }
}

#[cfg(test)]
mod tests;
