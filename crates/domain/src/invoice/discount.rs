//! Discounts: a percentage or an amount, off a line or off the whole invoice, and how what comes off the
//! whole invoice is divided over its lines, so that each tax is on what is really asked for.

use super::{Line, Quantity};
use crate::{Currency, Money, Refusal};

/// All of it, in basis points.
const WHOLE_BPS: i64 = 10_000;

/// What comes off a line or an invoice before tax: the one or the other, never both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discount {
    /// This share, in basis points: 1 to 10,000.
    Percent(i64),
    /// This amount, in minor units of the invoice's currency: more than zero.
    Amount(i64),
}

impl Discount {
    /// Reads a discount of which one part is given: basis points, or minor units. Nothing and zero are none.
    ///
    /// # Errors
    /// [`Refusal::InvalidField`] of `discount` where both are given, of `discount.percent_bps` outside 0 to
    /// 10,000, and of `discount.amount` below zero.
    pub fn of(percent_bps: Option<i64>, amount_minor: Option<i64>) -> Result<Option<Discount>, Refusal> {
        match (percent_bps, amount_minor) {
            (None, None) | (Some(0), None) | (None, Some(0)) => Ok(None),
            (Some(_), Some(_)) => {
                let problem = "must have percent_bps or amount, and not both";
                Err(Refusal::invalid("discount", problem))
            }
            (Some(bps), None) if (1..=WHOLE_BPS).contains(&bps) => Ok(Some(Discount::Percent(bps))),
            (Some(_), None) => {
                let problem = "must be 0 to 10000 basis points (12.5 % is 1250)";
                Err(Refusal::invalid("discount.percent_bps", problem))
            }
            (None, Some(minor)) if minor > 0 => Ok(Some(Discount::Amount(minor))),
            (None, Some(_)) => Err(Refusal::invalid("discount.amount", "must not be negative")),
        }
    }

    /// Reads a discount as people type it: `12.5%` is a percentage, `25.00` an amount; nothing and zero are
    /// none.
    ///
    /// # Errors
    /// [`Refusal::InvalidField`] of `discount` for what is neither.
    pub fn typed(text: &str, currency: Currency) -> Result<Option<Discount>, Refusal> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let Some(percent) = text.strip_suffix('%') else {
            let amount = Money::typed("discount", text, currency).map_err(|_| neither(currency))?;
            return Discount::of(None, Some(amount.minor()));
        };
        let (whole, part) = percent
            .trim_end()
            .split_once('.')
            .unwrap_or((percent.trim_end(), ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(part) || part.len() > 2 || whole.len() > 3 {
            return Err(neither(currency));
        }
        let bps: i64 = format!("{whole}{part:0<2}")
            .parse()
            .map_err(|_| neither(currency))?;
        if bps > WHOLE_BPS {
            return Err(Refusal::invalid("discount", "must not be more than 100%"));
        }
        Discount::of(Some(bps), None)
    }

    /// A discount that our own database holds.
    pub fn stored(percent_bps: Option<i64>, amount_minor: Option<i64>) -> Option<Discount> {
        let percent = percent_bps.map(Discount::Percent);
        percent.or_else(|| amount_minor.map(Discount::Amount))
    }

    /// Its basis points, if it is a percentage.
    pub const fn percent_bps(self) -> Option<i64> {
        match self {
            Discount::Percent(bps) => Some(bps),
            Discount::Amount(_) => None,
        }
    }

    /// Its minor units, if it is an amount.
    pub const fn amount_minor(self) -> Option<i64> {
        match self {
            Discount::Percent(_) => None,
            Discount::Amount(minor) => Some(minor),
        }
    }

    /// The percentage as people write it: `12.5%`; an amount has none.
    pub fn percentage(self) -> Option<String> {
        // Quantities are written in thousandths, and this is hundredths.
        let percent = |bps: i64| format!("{}%", Quantity::from_thousandths(bps.saturating_mul(10)));
        self.percent_bps().map(percent)
    }

    /// As [`Discount::typed`] takes it.
    pub fn plain(self, currency: Currency) -> String {
        match self {
            Discount::Percent(_) => self.percentage().unwrap_or_default(),
            Discount::Amount(minor) => Money::new(minor, currency).plain(),
        }
    }

    /// What comes off an amount, in minor units: a percentage is rounded half up.
    ///
    /// # Errors
    /// [`Refusal::InvalidField`] of `discount.amount` for more than there is.
    pub fn off(self, base: Money, of: &str) -> Result<i64, Refusal> {
        match self {
            Discount::Percent(bps) => {
                let whole = i128::from(WHOLE_BPS);
                let off = (i128::from(base.minor()) * i128::from(bps) + whole / 2) / whole;
                Ok(i64::try_from(off).unwrap_or(base.minor()).min(base.minor()))
            }
            Discount::Amount(minor) if minor > base.minor() => {
                let problem = format!("must not be more than {of}, {base}");
                Err(Refusal::invalid("discount.amount", problem))
            }
            Discount::Amount(minor) => Ok(minor),
        }
    }
}

fn neither(currency: Currency) -> Refusal {
    let amount = Money::new(2_500, currency).plain();
    let problem = format!("must be a percentage such as 10% or an amount such as {amount}");
    Refusal::invalid("discount", problem)
}

/// Divides what comes off an invoice over its lines, in minor units: by what each asks for, rounded down, and
/// the cents that are left go to those that lost most by that, the first of equals first. The shares add up
/// to `off_minor`, and none is more than its line, where `off_minor` is not more than all lines.
pub fn shares(lines: &[Line], off_minor: i64) -> Vec<i64> {
    let sum: i128 = lines.iter().map(|line| i128::from(line.amount_minor)).sum();
    let off = i128::from(off_minor);
    if sum <= 0 || off <= 0 {
        return vec![0; lines.len()];
    }
    let mut shares = Vec::with_capacity(lines.len());
    let mut lost: Vec<(i128, usize)> = Vec::with_capacity(lines.len());
    let mut left = off;
    for (at, line) in lines.iter().enumerate() {
        let product = off * i128::from(line.amount_minor);
        let share = product / sum;
        left -= share;
        lost.push((product % sum, at));
        shares.push(share);
    }
    lost.sort_by_key(|(remainder, at)| (std::cmp::Reverse(*remainder), *at));
    for (_, at) in lost {
        if left == 0 {
            break;
        }
        if let Some(share) = shares.get_mut(at) {
            *share += 1;
            left -= 1;
        }
    }
    let minor = |share: i128| i64::try_from(share).unwrap_or(off_minor);
    shares.into_iter().map(minor).collect()
}

/// The lines of an invoice as they are asked for in the end: each less its share of what comes off the whole.
pub fn after(lines: &[Line], off_minor: i64) -> Vec<Line> {
    let less = |(line, share): (&Line, i64)| Line {
        amount_minor: line.amount_minor.saturating_sub(share),
        ..line.clone()
    };
    lines.iter().zip(shares(lines, off_minor)).map(less).collect()
}

#[cfg(test)]
mod tests;
