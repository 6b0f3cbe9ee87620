//! Application fees, booked as Stripe reports them.

use domain::{Currency, LedgerTransactionId, Money, Scope, TenantId, ledger};
use store::ledger::Posting;
use store::payments::Payment;
use store::stripe_webhook_events::Status;
use store::{Tx, application_fees};
use stripe::ApplicationFee;

use crate::{Failure, Moment};

/// The platform's income, in its own books, and the tenant's cost in the tenant's.
pub fn book_application_fee(
    tx: &mut Tx,
    moment: Moment,
    scope: &Scope,
    fee: &ApplicationFee,
    payment: Option<&Payment>,
) -> Result<Status, Failure> {
    let currency = Currency::parse(&fee.currency)
        .map_err(|_| Failure::Bug(format!("{} is in the unknown currency {}", fee.id, fee.currency)))?;
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
    let postings = [
        (scope, ledger::application_fee(amount)?),
        (&platform, ledger::application_fee_income(amount)?),
    ];
    for (nth, (books, transaction)) in (0_u32..).zip(&postings) {
        let posting = Posting {
            scope: books,
            id: LedgerTransactionId::new(moment.at, moment.random(nth)),
            source_id: &fee.id,
            invoice_id: payment.map(|payment| &payment.invoice_id),
            payment_id: payment.map(|payment| &payment.id),
            reverses: None,
            at: moment.at,
        };
        store::ledger::post(tx, &posting, transaction)?;
    }
    Ok(Status::Processed)
}
