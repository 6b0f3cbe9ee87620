//! Application fees, booked as Stripe reports them.

use domain::{Currency, LedgerTransactionId, Money, Scope, TenantId, ledger};
use store::ledger::Posting;
use store::payments::Payment;
use store::reconciliation_breaks::Kind;
use store::stripe_webhook_events::Status;
use store::{Tx, application_fees};
use stripe::ApplicationFee;

use crate::breaks::open_break;
use crate::{Failure, Moment, balance, refunds};

/// The platform's income, in its own books, and the cost of a payment of ours in the tenant's.
pub fn book_application_fee(
    tx: &mut Tx,
    moment: Moment,
    scope: &Scope,
    fee: &ApplicationFee,
    payment: Option<&Payment>,
) -> Result<Status, Failure> {
    let Ok(currency) = Currency::parse(&fee.currency) else {
        let detail = format!("{} is in a currency that this version does not know", fee.id);
        let (tenant, mode, kind) = (Some(&scope.tenant), scope.mode, Kind::UnknownStatus);
        open_break(tx, moment, 30, tenant, mode, kind, &fee.id, &detail)?;
        return Ok(Status::Processed);
    };
    let amount = Money::new(fee.amount, currency);
    let row = application_fees::ApplicationFee {
        scope,
        id: &fee.id,
        stripe_account_id: &fee.account,
        charge_id: fee.charge.as_deref().unwrap_or_default(),
        payment_id: payment.map(|payment| &payment.id),
        amount,
        refunded: fee.amount_refunded,
    };
    application_fees::put(tx, &row, moment.at)?;
    let platform = Scope {
        tenant: TenantId::platform(),
        mode: scope.mode,
    };
    let posting = Posting {
        scope: &platform,
        id: LedgerTransactionId::new(moment.at, moment.random(1)),
        source_id: &fee.id,
        invoice_id: payment.map(|payment| &payment.invoice_id),
        payment_id: payment.map(|payment| &payment.id),
        reverses: None,
        at: moment.at,
    };
    store::ledger::post(tx, &posting, &ledger::application_fee_income(amount)?)?;
    let of = payment.map(|payment| &payment.id);
    balance::share_after_all(tx, moment, &platform, &fee.id, of)?;
    // In what others sold on the account the fee is inside their net.
    if let Some(payment) = payment {
        book_cost(tx, moment, payment, &fee.id, amount)?;
        // Refunds may wait for it.
        store::refunds::check_fee(tx, scope, &payment.id, moment.at)?;
    }
    refunds::book_reported(tx, moment, scope, fee, payment)?;
    Ok(Status::Processed)
}

/// The tenant's cost of a payment of ours, in its own books.
pub fn book_cost(
    tx: &mut Tx,
    moment: Moment,
    payment: &Payment,
    fee: &str,
    amount: Money,
) -> Result<(), Failure> {
    let posting = Posting {
        scope: &payment.scope,
        id: LedgerTransactionId::new(moment.at, moment.random(0)),
        source_id: fee,
        invoice_id: Some(&payment.invoice_id),
        payment_id: Some(&payment.id),
        reverses: None,
        at: moment.at,
    };
    store::ledger::post(tx, &posting, &ledger::application_fee(amount)?)?;
    Ok(())
}
