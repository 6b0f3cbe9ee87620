//! What each fact is as a transaction: one function a kind.

use super::{Account, Entry, Kind, Share, Transaction, Unbalanced, receivables};
use crate::Money;

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

/// Money was received: what the invoices take up settles their receivables, the rest is the client's credit.
///
/// # Errors
/// [`Unbalanced`] for an amount of zero.
pub fn payment(received: Money, taken_up: &[Share]) -> Result<Transaction, Unbalanced> {
    let settled: i64 = taken_up.iter().map(|share| share.amount_minor).sum();
    let entries = [Entry::new(Account::StripeClearing, received.minor())]
        .into_iter()
        .chain(receivables(taken_up, -1))
        .chain([Entry::new(Account::ClientCredit, settled - received.minor())]);
    Transaction::of(Kind::Payment, received.currency(), entries)
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

/// Money went back to the payer: invoices are owed again by their shares, and the rest was the client's
/// credit.
///
/// # Errors
/// [`Unbalanced`] for an amount of zero, or shares that are more than the amount leave none balanced.
pub fn refund(amount: Money, given_back: &[Share]) -> Result<Transaction, Unbalanced> {
    back_to_payer(Kind::Refund, amount, given_back, 1)
}

/// A refund failed after its money had left: [`refund`] with the signs turned.
///
/// # Errors
/// [`Unbalanced`] as for [`refund`].
pub fn refund_reversal(amount: Money, given_back: &[Share]) -> Result<Transaction, Unbalanced> {
    back_to_payer(Kind::RefundReversal, amount, given_back, -1)
}

fn back_to_payer(kind: Kind, amount: Money, shares: &[Share], sign: i64) -> Result<Transaction, Unbalanced> {
    let of_invoices: i64 = shares.iter().map(|share| share.amount_minor).sum();
    let credit = amount.minor().saturating_sub(of_invoices);
    let entries = receivables(shares, sign).chain([
        Entry::new(Account::ClientCredit, sign.saturating_mul(credit)),
        Entry::new(Account::StripeClearing, sign.saturating_mul(-amount.minor())),
    ]);
    Transaction::of(kind, amount.currency(), entries)
}

/// A credit note: revenue and tax are taken back. What was owed is owed no more; what was paid already
/// becomes the client's credit.
///
/// # Errors
/// [`Unbalanced`] when subtotal and tax are not the total.
pub fn credit_note(
    total: Money,
    subtotal_minor: i64,
    tax_minor: i64,
    to_credit_minor: i64,
) -> Result<Transaction, Unbalanced> {
    let entries = [
        (Account::CreditNotes, subtotal_minor),
        (Account::TaxPayable, tax_minor),
        (Account::Receivable, to_credit_minor - total.minor()),
        (Account::ClientCredit, -to_credit_minor),
    ];
    Transaction::new(Kind::CreditNote, total.currency(), &entries)
}

/// A client's credit pays an invoice.
///
/// # Errors
/// [`Unbalanced`] for an amount of zero.
pub fn credit_applied(amount: Money) -> Result<Transaction, Unbalanced> {
    let entries = [
        (Account::ClientCredit, amount.minor()),
        (Account::Receivable, -amount.minor()),
    ];
    Transaction::new(Kind::CreditApplied, amount.currency(), &entries)
}

/// Money came without Stripe and settles a receivable.
///
/// # Errors
/// [`Unbalanced`] for an amount of zero.
pub fn offline_payment(amount: Money) -> Result<Transaction, Unbalanced> {
    let entries = [
        (Account::OfflineClearing, amount.minor()),
        (Account::Receivable, -amount.minor()),
    ];
    Transaction::new(Kind::OfflinePayment, amount.currency(), &entries)
}

/// It was taken back that money came without Stripe: [`offline_payment`] with the signs turned.
///
/// # Errors
/// [`Unbalanced`] as for [`offline_payment`].
pub fn offline_payment_reversal(amount: Money) -> Result<Transaction, Unbalanced> {
    let entries = [
        (Account::Receivable, amount.minor()),
        (Account::OfflineClearing, -amount.minor()),
    ];
    Transaction::new(Kind::OfflinePaymentReversal, amount.currency(), &entries)
}

/// The platform gave back a part of its application fee, in the tenant's books.
///
/// # Errors
/// [`Unbalanced`] for an amount of zero.
pub fn application_fee_refund(amount: Money) -> Result<Transaction, Unbalanced> {
    let entries = [
        (Account::StripeClearing, amount.minor()),
        (Account::PlatformFees, -amount.minor()),
    ];
    Transaction::new(Kind::ApplicationFeeRefund, amount.currency(), &entries)
}

/// The same in the platform's own books.
///
/// # Errors
/// [`Unbalanced`] for an amount of zero.
pub fn application_fee_refund_income(amount: Money) -> Result<Transaction, Unbalanced> {
    let entries = [
        (Account::PlatformRevenue, amount.minor()),
        (Account::StripeClearing, -amount.minor()),
    ];
    Transaction::new(Kind::ApplicationFeeRefundIncome, amount.currency(), &entries)
}

/// A bank disputes a payment, and Stripe takes its money at once. It is the tenant's claim until it is known
/// who is right.
///
/// # Errors
/// [`Unbalanced`] for an amount of zero.
pub fn dispute_withdrawn(amount: Money) -> Result<Transaction, Unbalanced> {
    let entries = [
        (Account::Disputes, amount.minor()),
        (Account::StripeClearing, -amount.minor()),
    ];
    Transaction::new(Kind::DisputeWithdrawn, amount.currency(), &entries)
}

/// A dispute's money came back.
///
/// # Errors
/// [`Unbalanced`] for an amount of zero.
pub fn dispute_reinstated(amount: Money) -> Result<Transaction, Unbalanced> {
    let entries = [
        (Account::StripeClearing, amount.minor()),
        (Account::Disputes, -amount.minor()),
    ];
    Transaction::new(Kind::DisputeReinstated, amount.currency(), &entries)
}

/// Stripe's fee for a dispute; a negative one is given back.
///
/// # Errors
/// [`Unbalanced`] for a fee of zero.
pub fn dispute_fee(fee: Money) -> Result<Transaction, Unbalanced> {
    let entries = [
        (Account::StripeFees, fee.minor()),
        (Account::StripeClearing, -fee.minor()),
    ];
    Transaction::new(Kind::DisputeFee, fee.currency(), &entries)
}

/// A dispute was lost: the invoices that its payment had settled are owed again by their shares, and what was
/// the client's credit is gone.
///
/// # Errors
/// [`Unbalanced`] for an amount of zero.
pub fn dispute_lost(amount: Money, given_back: &[Share]) -> Result<Transaction, Unbalanced> {
    let of_invoices: i64 = given_back.iter().map(|share| share.amount_minor).sum();
    let entries = receivables(given_back, 1).chain([
        Entry::new(Account::ClientCredit, amount.minor().saturating_sub(of_invoices)),
        Entry::new(Account::Disputes, -amount.minor()),
    ]);
    Transaction::of(Kind::DisputeLost, amount.currency(), entries)
}

/// Money that a bank gave back after its loss was settled: invoices take up their shares, the rest is the
/// client's credit.
///
/// # Errors
/// [`Unbalanced`] for an amount of zero.
pub fn dispute_regained(amount: Money, taken_up: &[Share]) -> Result<Transaction, Unbalanced> {
    let of_invoices: i64 = taken_up.iter().map(|share| share.amount_minor).sum();
    let entries = receivables(taken_up, -1).chain([
        Entry::new(Account::ClientCredit, of_invoices.saturating_sub(amount.minor())),
        Entry::new(Account::Disputes, amount.minor()),
    ]);
    Transaction::of(Kind::DisputeRegained, amount.currency(), entries)
}

/// Money left for the bank. A negative payout takes money from it.
///
/// # Errors
/// [`Unbalanced`] for an amount of zero.
pub fn payout(amount: Money) -> Result<Transaction, Unbalanced> {
    let entries = [
        (Account::Payouts, amount.minor()),
        (Account::StripeClearing, -amount.minor()),
    ];
    Transaction::new(Kind::Payout, amount.currency(), &entries)
}

/// A payout did not arrive: [`payout`] with the signs turned.
///
/// # Errors
/// [`Unbalanced`] for an amount of zero.
pub fn payout_reversal(amount: Money) -> Result<Transaction, Unbalanced> {
    let entries = [
        (Account::StripeClearing, amount.minor()),
        (Account::Payouts, -amount.minor()),
    ];
    Transaction::new(Kind::PayoutReversal, amount.currency(), &entries)
}

/// Others moved money on the account: the net of Stripe's balance transaction, of either sign.
///
/// # Errors
/// [`Unbalanced`] for a net of zero.
pub fn external(net: Money) -> Result<Transaction, Unbalanced> {
    let entries = [
        (Account::StripeClearing, net.minor()),
        (Account::ExternalClearing, -net.minor()),
    ];
    Transaction::new(Kind::External, net.currency(), &entries)
}

/// What was booked as external turned out to be ours: [`external`] with the signs turned.
///
/// # Errors
/// [`Unbalanced`] for a net of zero.
pub fn external_reversal(net: Money) -> Result<Transaction, Unbalanced> {
    let entries = [
        (Account::StripeClearing, -net.minor()),
        (Account::ExternalClearing, net.minor()),
    ];
    Transaction::new(Kind::ExternalReversal, net.currency(), &entries)
}

/// Stripe settled an amount in another currency: it leaves this one. Of either sign.
///
/// # Errors
/// [`Unbalanced`] for an amount of zero.
pub fn exchange_out(amount: Money) -> Result<Transaction, Unbalanced> {
    let entries = [
        (Account::Exchange, amount.minor()),
        (Account::StripeClearing, -amount.minor()),
    ];
    Transaction::new(Kind::ExchangeOut, amount.currency(), &entries)
}

/// The same amount as it arrived in the currency of the balance. Of either sign.
///
/// # Errors
/// [`Unbalanced`] for an amount of zero.
pub fn exchange_in(amount: Money) -> Result<Transaction, Unbalanced> {
    let entries = [
        (Account::StripeClearing, amount.minor()),
        (Account::Exchange, -amount.minor()),
    ];
    Transaction::new(Kind::ExchangeIn, amount.currency(), &entries)
}
