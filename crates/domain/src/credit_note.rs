//! Credit notes: a numbered, immutable paper that gives up a part of what an invoice asked for.

use crate::{Money, Refusal};

/// What a credit note takes back, in minor units. Subtotal and tax are the total.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shares {
    /// Revenue, before tax.
    pub subtotal_minor: i64,
    /// Tax.
    pub tax_minor: i64,
    /// What is owed no more.
    pub to_invoice_minor: i64,
    /// What was paid already and becomes the client's credit.
    pub to_credit_minor: i64,
}

/// An invoice as a credit note finds it, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credited {
    /// What the invoice asked for, tax included.
    pub total: Money,
    /// The tax in it.
    pub tax_minor: i64,
    /// What is still owed.
    pub owed_minor: i64,
    /// The sum of its credit notes so far.
    pub before_minor: i64,
    /// The tax in them.
    pub taxed_before_minor: i64,
}

/// Divides a credit note's amount. The tax is the invoice's own share of it, rounded half up on the sum of
/// all credit notes, so that notes over the whole invoice take back exactly its tax, however it was divided.
///
/// # Errors
/// [`Refusal::InvalidField`] unless the amount is positive, [`Refusal::CreditTooLarge`] when all notes
/// together would be more than the invoice's total.
pub fn divide(invoice: &Credited, amount_minor: i64, tax_minor: Option<i64>) -> Result<Shares, Refusal> {
    if amount_minor <= 0 {
        return Err(Refusal::invalid("amount", "must be more than nothing"));
    }
    let left = invoice.total.minor().saturating_sub(invoice.before_minor);
    if amount_minor > left {
        return Err(Refusal::CreditTooLarge {
            maximum: Money::new(left.max(0), invoice.total.currency()).to_string(),
        });
    }
    let after = invoice.before_minor.saturating_add(amount_minor);
    let tax_left = invoice.tax_minor.saturating_sub(invoice.taxed_before_minor);
    let subtotal_left = left.saturating_sub(tax_left);
    let share =
        tax_minor.unwrap_or_else(|| tax_of(invoice, after).saturating_sub(invoice.taxed_before_minor));
    let tax_minor = share
        .min(tax_left)
        .min(amount_minor)
        .max(amount_minor.saturating_sub(subtotal_left))
        .max(0);
    let to_invoice_minor = amount_minor.min(invoice.owed_minor.max(0));
    Ok(Shares {
        subtotal_minor: amount_minor.saturating_sub(tax_minor),
        tax_minor,
        to_invoice_minor,
        to_credit_minor: amount_minor.saturating_sub(to_invoice_minor),
    })
}

/// What goes out of an invoice that was paid, and what its credit notes have given up, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// What is taken of what it had been paid.
    pub taken_minor: i64,
    /// What it asked for.
    pub total_minor: i64,
    /// The sum of its credit notes so far.
    pub noted_minor: i64,
}

/// How much of what goes out of each invoice can be given up, in minor units: its credit notes are never more
/// than its total.
pub fn forgivable(invoices: &[Outgoing]) -> Vec<i64> {
    let of_one = |invoice: &Outgoing| {
        let left = invoice.total_minor.saturating_sub(invoice.noted_minor);
        invoice.taken_minor.min(left).max(0)
    };
    invoices.iter().map(of_one).collect()
}

/// The tax in this part of the total, half up.
fn tax_of(invoice: &Credited, part_minor: i64) -> i64 {
    let (total, part) = (i128::from(invoice.total.minor()), i128::from(part_minor));
    if total <= 0 {
        return 0;
    }
    let tax = (i128::from(invoice.tax_minor) * part * 2 + total) / (total * 2);
    i64::try_from(tax).unwrap_or(invoice.tax_minor)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Currency;

    fn invoice(total: i64, tax_minor: i64, owed_minor: i64, before_minor: i64) -> Credited {
        let total = Money::new(total, Currency::parse("eur").unwrap());
        Credited {
            total,
            tax_minor,
            owed_minor,
            before_minor,
            taxed_before_minor: 0,
        }
    }

    #[test]
    fn what_is_owed_is_taken_off_first_and_the_rest_is_the_clients() {
        let shares = divide(&invoice(11_900, 1_900, 2_000, 0), 5_950, None).unwrap();
        assert_eq!((shares.subtotal_minor, shares.tax_minor), (5_000, 950));
        assert_eq!((shares.to_invoice_minor, shares.to_credit_minor), (2_000, 3_950));
    }

    #[test]
    fn nothing_and_more_than_the_invoice_are_refused() {
        let invoice = invoice(11_900, 1_900, 11_900, 11_000);
        assert_eq!(divide(&invoice, 0, None).unwrap_err().code(), "invalid_field");
        assert_eq!(divide(&invoice, -5, None).unwrap_err().code(), "invalid_field");
        assert_eq!(
            divide(&invoice, 901, None).unwrap_err().code(),
            "credit_too_large"
        );
        assert!(divide(&invoice, 900, None).is_ok());
    }

    proptest! {
        #[test]
        fn notes_over_the_whole_invoice_take_back_its_tax_exactly(
            total in 1_i64..99_999_999,
            tax_thousandths in 0_i64..1_000,
            cuts in prop::collection::vec((1_i64..99_999_999, any::<Option<u16>>()), 0..6),
        ) {
            let tax = total * tax_thousandths / 1_000;
            let mut before = 0;
            let (mut taxes, mut subtotals) = (0, 0);
            for (cut, own_tax) in cuts.into_iter().chain([(total, None)]) {
                let amount = cut.min(total - before);
                if amount == 0 {
                    continue;
                }
                let mut invoice = invoice(total, tax, total - before, before);
                invoice.taxed_before_minor = taxes;
                let shares = divide(&invoice, amount, own_tax.map(i64::from)).unwrap();
                prop_assert!(shares.tax_minor >= 0 && shares.subtotal_minor >= 0);
                prop_assert_eq!(shares.subtotal_minor + shares.tax_minor, amount);
                prop_assert_eq!(shares.to_invoice_minor + shares.to_credit_minor, amount);
                taxes += shares.tax_minor;
                subtotals += shares.subtotal_minor;
                before += amount;
            }
            prop_assert_eq!(taxes, tax);
            prop_assert_eq!(subtotals, total - tax);
        }
    }
}
