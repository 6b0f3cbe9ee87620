//! Double-entry postings. Every money fact is one transaction whose entries sum to zero; it is never changed,
//! only reversed by another. Debits are positive, credits negative.

use crate::{Currency, Money};

/// An account in a tenant's or the platform's books.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// What clients owe.
    Receivable,
    /// What was earned, before tax.
    Revenue,
    /// Tax collected for the state.
    TaxPayable,
    /// Money at Stripe that has not reached the bank.
    StripeClearing,
    /// Stripe's processing fees.
    StripeFees,
    /// The platform's application fees, as the tenant's cost.
    PlatformFees,
    /// The platform's application fees, as the platform's income.
    PlatformRevenue,
    /// Money of a client that no invoice has taken up.
    ClientCredit,
}

impl Account {
    /// The account as the database and reports write it.
    pub const fn word(self) -> &'static str {
        match self {
            Account::Receivable => "receivable",
            Account::Revenue => "revenue",
            Account::TaxPayable => "tax_payable",
            Account::StripeClearing => "stripe_clearing",
            Account::StripeFees => "stripe_fees",
            Account::PlatformFees => "platform_fees",
            Account::PlatformRevenue => "platform_revenue",
            Account::ClientCredit => "client_credit",
        }
    }
}

/// What kind of fact a transaction books; with its source, the key that makes it happen once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An invoice was finalized. Source: the invoice.
    Invoice,
    /// A finalized invoice was voided. Source: the invoice.
    InvoiceVoid,
    /// Money was received. Source: the payment intent.
    Payment,
    /// Stripe took its processing fee. Source: the charge.
    StripeFee,
    /// The platform took its application fee, in the tenant's books. Source: the application fee.
    ApplicationFee,
    /// The platform received its application fee, in the platform's books. Source: the application fee.
    ApplicationFeeIncome,
}

impl Kind {
    /// The kind as the database writes it.
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Invoice => "invoice",
            Kind::InvoiceVoid => "invoice_void",
            Kind::Payment => "payment",
            Kind::StripeFee => "stripe_fee",
            Kind::ApplicationFee => "application_fee",
            Kind::ApplicationFeeIncome => "application_fee_income",
        }
    }
}

/// One side of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The account.
    pub account: Account,
    /// Minor units; a debit is positive, a credit negative, never zero.
    pub amount_minor: i64,
}

/// A balanced transaction, ready to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    kind: Kind,
    currency: Currency,
    entries: Vec<Entry>,
}

/// The entries do not sum to zero, or there are fewer than two: a bug in the caller's arithmetic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unbalanced {
    /// The kind that was to be booked.
    pub kind: Kind,
    /// What is left over, in minor units.
    pub difference_minor: i128,
}

impl Transaction {
    /// A transaction of these entries. Entries of zero are left out.
    ///
    /// # Errors
    /// [`Unbalanced`] unless at least two entries remain and they sum to zero.
    pub fn new(
        kind: Kind,
        currency: Currency,
        entries: &[(Account, i64)],
    ) -> Result<Transaction, Unbalanced> {
        let kept: Vec<Entry> = entries
            .iter()
            .filter(|(_, amount_minor)| *amount_minor != 0)
            .map(|(account, amount_minor)| Entry {
                account: *account,
                amount_minor: *amount_minor,
            })
            .collect();
        let difference_minor = kept.iter().map(|entry| i128::from(entry.amount_minor)).sum();
        if difference_minor != 0 || kept.len() < 2 {
            return Err(Unbalanced {
                kind,
                difference_minor,
            });
        }
        Ok(Transaction {
            kind,
            currency,
            entries: kept,
        })
    }

    /// What it books.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The currency of all entries.
    pub fn currency(&self) -> Currency {
        self.currency
    }

    /// At least two entries that sum to zero.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

/// A finalized invoice is owed: receivable against revenue and tax.
///
/// # Errors
/// [`Unbalanced`] when subtotal and tax are not the total.
pub fn invoice(total: Money, subtotal_minor: i64, tax_minor: i64) -> Result<Transaction, Unbalanced> {
    let entries = [
        (Account::Receivable, total.minor()),
        (Account::Revenue, -subtotal_minor),
        (Account::TaxPayable, -tax_minor),
    ];
    Transaction::new(Kind::Invoice, total.currency(), &entries)
}

/// A finalized invoice is withdrawn: [`invoice`] with the signs turned.
///
/// # Errors
/// [`Unbalanced`] as for [`invoice`].
pub fn invoice_void(total: Money, subtotal_minor: i64, tax_minor: i64) -> Result<Transaction, Unbalanced> {
    let entries = [
        (Account::Receivable, -total.minor()),
        (Account::Revenue, subtotal_minor),
        (Account::TaxPayable, tax_minor),
    ];
    Transaction::new(Kind::InvoiceVoid, total.currency(), &entries)
}

/// Money was received: the part that the invoice takes up settles the receivable, the rest is the client's
/// credit.
///
/// # Errors
/// [`Unbalanced`] for an amount of zero.
pub fn payment(received: Money, applied_minor: i64) -> Result<Transaction, Unbalanced> {
    let entries = [
        (Account::StripeClearing, received.minor()),
        (Account::Receivable, -applied_minor),
        (Account::ClientCredit, applied_minor - received.minor()),
    ];
    Transaction::new(Kind::Payment, received.currency(), &entries)
}

/// Stripe's processing fee, as its balance transaction reports it.
///
/// # Errors
/// [`Unbalanced`] for a fee of zero.
pub fn stripe_fee(fee: Money) -> Result<Transaction, Unbalanced> {
    let entries = [
        (Account::StripeFees, fee.minor()),
        (Account::StripeClearing, -fee.minor()),
    ];
    Transaction::new(Kind::StripeFee, fee.currency(), &entries)
}

/// The application fee in the tenant's books, as Stripe reports it.
///
/// # Errors
/// [`Unbalanced`] for a fee of zero.
pub fn application_fee(fee: Money) -> Result<Transaction, Unbalanced> {
    let entries = [
        (Account::PlatformFees, fee.minor()),
        (Account::StripeClearing, -fee.minor()),
    ];
    Transaction::new(Kind::ApplicationFee, fee.currency(), &entries)
}

/// The application fee in the platform's own books, as Stripe reports it.
///
/// # Errors
/// [`Unbalanced`] for a fee of zero.
pub fn application_fee_income(fee: Money) -> Result<Transaction, Unbalanced> {
    let entries = [
        (Account::StripeClearing, fee.minor()),
        (Account::PlatformRevenue, -fee.minor()),
    ];
    Transaction::new(Kind::ApplicationFeeIncome, fee.currency(), &entries)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn usd(minor: i64) -> Money {
        Money::new(minor, Currency::parse("usd").unwrap())
    }

    #[test]
    fn unbalanced_transactions_cannot_be_made() {
        let usd = Currency::parse("usd").unwrap();
        let make = |entries: &[(Account, i64)]| Transaction::new(Kind::Payment, usd, entries);
        assert!(make(&[]).is_err());
        assert!(make(&[(Account::Receivable, 0), (Account::Revenue, 0)]).is_err());
        assert!(make(&[(Account::Receivable, 5)]).is_err());
        assert_eq!(
            make(&[(Account::Receivable, 5), (Account::Revenue, -4)]),
            Err(Unbalanced {
                kind: Kind::Payment,
                difference_minor: 1
            })
        );
        assert!(make(&[(Account::Receivable, i64::MAX), (Account::Revenue, i64::MAX)]).is_err());
    }

    #[test]
    fn an_invoice_and_its_void_cancel_out_account_by_account() {
        let booked = invoice(usd(11_900), 10_000, 1_900).unwrap();
        let undone = invoice_void(usd(11_900), 10_000, 1_900).unwrap();
        for (entry, reverse) in booked.entries().iter().zip(undone.entries()) {
            assert_eq!(
                (entry.account, entry.amount_minor),
                (reverse.account, -reverse.amount_minor)
            );
        }
        assert!(invoice(usd(11_900), 10_000, 1_901).is_err());
    }

    proptest! {
        #[test]
        fn a_payment_books_all_of_what_arrived(received in 1_i64..99_999_999, applied in 0_i64..99_999_999) {
            let applied = applied.min(received);
            let booked = payment(usd(received), applied).unwrap();
            let of = |account| -> i64 {
                booked.entries().iter().filter(|e| e.account == account).map(|e| e.amount_minor).sum()
            };
            prop_assert_eq!(of(Account::StripeClearing), received);
            prop_assert_eq!(of(Account::Receivable), -applied);
            prop_assert_eq!(of(Account::ClientCredit), applied - received);
        }
    }
}
