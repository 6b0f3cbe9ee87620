//! Double-entry postings. Every money fact is one transaction whose entries sum to zero; it is never changed,
//! only reversed by another. Debits are positive, credits negative.

mod postings;

pub use postings::*;

use crate::{Currency, InvoiceId};

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
    /// What was given up by credit notes, before tax: revenue that is taken back.
    CreditNotes,
    /// Money that Stripe holds back while a client's bank disputes a payment.
    Disputes,
    /// What others moved on the tenant's account: its own shop, Stripe's dashboard.
    ExternalClearing,
    /// Money that has left Stripe for the bank.
    Payouts,
    /// Money that came without Stripe: at the bank, in the till, wherever the MSP put it.
    OfflineClearing,
    /// Between two currencies, where Stripe settles a charge in another than it was made in.
    Exchange,
}

impl Account {
    /// Every account.
    pub const ALL: [Account; 14] = [
        Account::Receivable,
        Account::Revenue,
        Account::TaxPayable,
        Account::StripeClearing,
        Account::StripeFees,
        Account::PlatformFees,
        Account::PlatformRevenue,
        Account::ClientCredit,
        Account::CreditNotes,
        Account::Disputes,
        Account::ExternalClearing,
        Account::Payouts,
        Account::OfflineClearing,
        Account::Exchange,
    ];

    /// The account that our own database wrote.
    pub fn from_word(word: &str) -> Option<Account> {
        Account::ALL.into_iter().find(|account| account.word() == word)
    }

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
            Account::CreditNotes => "credit_notes",
            Account::Disputes => "disputes",
            Account::ExternalClearing => "external_clearing",
            Account::Payouts => "payouts",
            Account::OfflineClearing => "offline_clearing",
            Account::Exchange => "exchange",
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
    /// Money went back to the payer. Source: the refund.
    Refund,
    /// A refund failed after it had left: its money is back. Source: the refund.
    RefundReversal,
    /// A part of what an invoice asked for was given up. Source: the credit note.
    CreditNote,
    /// A client's credit paid an invoice. Source: the application of the credit.
    CreditApplied,
    /// Money came without Stripe. Source: the offline payment.
    OfflinePayment,
    /// It was taken back that money came without Stripe. Source: the offline payment.
    OfflinePaymentReversal,
    /// The platform gave an application fee back, in the tenant's books. Source: the fee refund.
    ApplicationFeeRefund,
    /// The same in the platform's books. Source: the fee refund.
    ApplicationFeeRefundIncome,
    /// A bank disputed a payment and Stripe took its money. Source: the balance transaction.
    DisputeWithdrawn,
    /// A dispute's money came back. Source: the balance transaction.
    DisputeReinstated,
    /// Stripe's fee for a dispute, or its return. Source: the balance transaction.
    DisputeFee,
    /// A dispute was lost, and it is said what that means for the invoice. Source: the dispute.
    DisputeLost,
    /// A dispute's money came back after its loss was settled. Source: the balance
    /// transaction.
    DisputeRegained,
    /// Money left for the bank. Source: the payout.
    Payout,
    /// A payout did not arrive: its money is back. Source: the payout.
    PayoutReversal,
    /// Others moved money on the account. Source: the balance transaction.
    External,
    /// What was booked as external turned out to be ours. Source: the balance transaction.
    ExternalReversal,
    /// Money left one currency for another. Source: the balance transaction.
    ExchangeOut,
    /// Money came from another currency. Source: the balance transaction.
    ExchangeIn,
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
            Kind::Refund => "refund",
            Kind::RefundReversal => "refund_reversal",
            Kind::CreditNote => "credit_note",
            Kind::CreditApplied => "credit_applied",
            Kind::OfflinePayment => "offline_payment",
            Kind::OfflinePaymentReversal => "offline_payment_reversal",
            Kind::ApplicationFeeRefund => "application_fee_refund",
            Kind::ApplicationFeeRefundIncome => "application_fee_refund_income",
            Kind::DisputeWithdrawn => "dispute_withdrawn",
            Kind::DisputeReinstated => "dispute_reinstated",
            Kind::DisputeFee => "dispute_fee",
            Kind::DisputeLost => "dispute_lost",
            Kind::DisputeRegained => "dispute_regained",
            Kind::Payout => "payout",
            Kind::PayoutReversal => "payout_reversal",
            Kind::External => "external",
            Kind::ExternalReversal => "external_reversal",
            Kind::ExchangeOut => "exchange_out",
            Kind::ExchangeIn => "exchange_in",
        }
    }
}

/// One side of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The account.
    pub account: Account,
    /// Minor units; a debit is positive, a credit negative, never zero.
    pub amount_minor: i64,
    /// The invoice that it settles, where the transaction is about several.
    pub invoice: Option<InvoiceId>,
}

impl Entry {
    /// An entry of a transaction that is about one invoice or none.
    pub const fn new(account: Account, amount_minor: i64) -> Entry {
        Entry {
            account,
            amount_minor,
            invoice: None,
        }
    }
}

/// What an invoice takes up of a payment, or gives back of it, in minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// The invoice.
    pub invoice: InvoiceId,
    /// Its share; never negative.
    pub amount_minor: i64,
}

/// The receivables of several invoices: each entry names its own. What a payment's transaction is about is
/// the invoice by whose link it was begun, and a share may be of another one.
fn receivables(shares: &[Share], sign: i64) -> impl Iterator<Item = Entry> {
    shares.iter().map(move |share| Entry {
        account: Account::Receivable,
        amount_minor: sign.saturating_mul(share.amount_minor),
        invoice: Some(share.invoice.clone()),
    })
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
        let entries = entries
            .iter()
            .map(|(account, minor)| Entry::new(*account, *minor));
        Transaction::of(kind, currency, entries)
    }

    /// As [`Transaction::new`], of entries that may name their invoices.
    ///
    /// # Errors
    /// [`Unbalanced`] as there.
    pub fn of(
        kind: Kind,
        currency: Currency,
        entries: impl Iterator<Item = Entry>,
    ) -> Result<Transaction, Unbalanced> {
        let kept: Vec<Entry> = entries.filter(|entry| entry.amount_minor != 0).collect();
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Money;

    fn usd(minor: i64) -> Money {
        Money::new(minor, Currency::parse("usd").unwrap())
    }

    fn share(invoice: &str, amount_minor: i64) -> Share {
        Share {
            invoice: InvoiceId::stored(invoice.to_owned()),
            amount_minor,
        }
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
            let booked = payment(usd(received), &[share("inv_1", applied)]).unwrap();
            let of = |account| -> i64 {
                booked.entries().iter().filter(|e| e.account == account).map(|e| e.amount_minor).sum()
            };
            prop_assert_eq!(of(Account::StripeClearing), received);
            prop_assert_eq!(of(Account::Receivable), -applied);
            prop_assert_eq!(of(Account::ClientCredit), applied - received);
        }
    }
}
