//! How one payment pays several invoices, and what a payer may choose to pay: all of it, or a part where the
//! tenant allows that. Money goes to the invoice that is due first.

use super::applied;
use crate::invoice::InvoiceState;
use crate::{InvoiceId, Money, Refusal};

/// Invoices of one payment, at most: each is a row to lock, and a line for the payer to check.
pub const INVOICES_MAX: usize = 20;

/// What decides which invoice money goes to first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Turn {
    no_day: bool,
    due_date: String,
    id: InvoiceId,
}

impl Turn {
    /// The turn of an invoice: by its due date (`YYYY-MM-DD`), without one last, then by when it was made.
    pub fn of(due_date: Option<&str>, id: &InvoiceId) -> Turn {
        Turn {
            no_day: due_date.is_none(),
            due_date: due_date.unwrap_or_default().to_owned(),
            id: id.clone(),
        }
    }
}

/// Whether a tenant's payers may pay a part, and how much it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartsAllowed {
    /// Everything or nothing.
    No,
    /// Any part of at least so many minor units.
    AtLeast(i64),
}

/// Splits an amount: each takes up what it is owed before the next one gets anything.
pub fn split(owed: &[i64], amount_minor: i64) -> Vec<i64> {
    let mut left = amount_minor.max(0);
    let take = |owed: &i64| {
        let taken = left.min((*owed).max(0));
        left -= taken;
        taken
    };
    owed.iter().map(take).collect()
}

/// An invoice of a payment for which money has arrived; minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arriving {
    /// Where the invoice stands.
    pub state: InvoiceState,
    /// What the payment asked for it.
    pub asked: i64,
    /// What it is still owed, in the currency that arrived.
    pub owed: i64,
}

/// How much of what arrived each invoice takes up: first what was asked for it, one after the other; then, if
/// more has come than was asked for, whatever else is owed. Nothing is left over while something is owed.
pub fn take_up(invoices: &[Arriving], received_minor: i64) -> Vec<i64> {
    let room = |invoice: &Arriving| applied(invoice.state, invoice.owed, i64::MAX);
    let asked: Vec<i64> = invoices.iter().map(|one| room(one).min(one.asked)).collect();
    let first = split(&asked, received_minor);
    let left = received_minor.saturating_sub(first.iter().sum());
    let rest: Vec<i64> = invoices
        .iter()
        .zip(&first)
        .map(|(one, taken)| room(one) - taken)
        .collect();
    first
        .iter()
        .zip(split(&rest, left))
        .map(|(first, more)| first + more)
        .collect()
}

/// What a payment asks for each invoice, when its payer chose to pay `chosen` of what is owed. The invoices
/// are in the order of their turns, and each gets something: who ticks an invoice pays some of it. What
/// remains of an invoice stays large enough to be charged, so that nobody is left with cents that cannot be
/// paid.
///
/// # Errors
/// [`Refusal::AmountChanged`] when it is more than is owed, or less where parts are not allowed;
/// [`Refusal::PartTooSmall`]; [`Refusal::RestTooSmall`]; those of [`Money::chargeable`].
pub fn ask(owed: &[Money], chosen: Money, parts: PartsAllowed) -> Result<Vec<i64>, Refusal> {
    let currency = chosen.currency();
    let all: i64 = owed.iter().map(|money| money.minor().max(0)).sum();
    let of_other = owed.iter().find(|money| money.currency() != currency);
    let total = Money::new(all, of_other.map_or(currency, |money| money.currency()));
    let changed = || Refusal::AmountChanged {
        amount_now: total.to_string(),
    };
    if of_other.is_some() || chosen.minor() > all {
        return Err(changed());
    }
    if chosen.minor() < all {
        let PartsAllowed::AtLeast(minimum) = parts else {
            return Err(changed());
        };
        // So much that the last one gets what can be charged.
        let last = owed
            .iter()
            .rfind(|money| money.minor() > 0)
            .map_or(0, |money| money.minor());
        let reaches_last = all
            .saturating_sub(last)
            .saturating_add(last.min(currency.minimum()));
        let minimum = minimum.max(currency.minimum()).max(reaches_last);
        if chosen.minor() < minimum {
            return Err(Refusal::PartTooSmall {
                minimum: Money::new(minimum.min(all), currency).to_string(),
            });
        }
    }
    let chosen = chosen.chargeable().map_err(|refusal| match refusal {
        Refusal::InvalidField { problem, .. } => Refusal::invalid("amount", problem),
        other => other,
    })?;
    let each: Vec<i64> = owed.iter().map(|money| money.minor()).collect();
    let asked = split(&each, chosen.minor());
    let rest = each
        .iter()
        .zip(&asked)
        .map(|(owed, asked)| owed - asked)
        .find(|rest| *rest > 0 && *rest < currency.minimum());
    if let Some(rest) = rest {
        // Less by what the rest lacks: then that rest can be charged.
        let lacks = currency.minimum() - rest;
        return Err(Refusal::RestTooSmall {
            all: total.to_string(),
            at_most: Money::new(chosen.minor() - lacks, currency).to_string(),
        });
    }
    Ok(asked)
}

#[cfg(test)]
mod tests;
