//! The decision to refund: in one transaction what is left is reserved, the refund is there, and the write to
//! Stripe is noted.

use domain::refund::{FeeChoice, RefundState, Refused, Settlement, request};
use domain::{Money, OperationId, RefundId, Refusal, Scope};
use store::payments::{self, Payment};
use store::refunds::{self, FeeStatus, Origin, Refund};
use store::state_history::{self, Change};
use store::stripe_operations::{self as rows, Kind, Operation};
use store::{Tx, payment_parts, payment_version, stripe_config};
use stripe::{AccountId, refunds as api};

use super::{Wanted, adopted, booking};
use crate::audit::{self, Entry};
use crate::operations::{self, Intent, LEASE_MS};
use crate::planted::{self, Bug};
use crate::{App, By, Failure, Moment};

/// The write of a refund that was asked for.
pub enum Write {
    /// It is noted now, and this request sends it.
    New(Box<Operation>),
    /// An earlier try of the request noted it, and it has no answer.
    Open(Box<Operation>),
    /// It has its answer.
    Over,
}

/// Decides on a refund and notes its write. One that this very request made before is only found again, with
/// its write if that is still open.
pub async fn decide(
    app: &App,
    scope: &Scope,
    by: &By,
    moment: Moment,
    wanted: &Wanted,
) -> Result<(Refund, Write), Failure> {
    let (scope, by, wanted) = (scope.clone(), by.clone(), wanted.clone());
    let read_before = match planted::is(Bug::ReserveNotAtomic) {
        true => {
            let (scope, id) = (scope.clone(), wanted.payment.clone());
            app.db.read(move |tx| payments::get(tx, &scope, &id)).await?
        }
        false => None,
    };
    app.db
        .write(move |tx| {
            let id = RefundId::new(moment.at, moment.random(0));
            if let Some(known) = refunds::get(tx, &scope, &id)? {
                let open = rows::open_of_subject(tx, &scope, id.as_str())?;
                return Ok((
                    known,
                    open.map_or(Write::Over, |open| Write::Open(Box::new(open))),
                ));
            }
            let payment = payment_to_refund(tx, &scope, &wanted)?;
            as_seen(tx, &payment, wanted.version)?;
            let standing = read_before.as_ref().unwrap_or(&payment).standing();
            let amount = request(standing, wanted.amount, payment.currency)?;
            of_invoice(tx, &payment, &wanted, amount)?;
            may_forgive(tx, &payment, &wanted, amount)?;
            match planted::is(Bug::ReserveNotAtomic) {
                true => refunds::add_to_payment(tx, &scope, &payment.id, amount, 0)?,
                false => reserve(tx, &payment, amount)?,
            }
            let refund = insert(tx, moment, id, &payment, &wanted, amount)?;
            note_request(tx, &by, moment, &payment, &refund)?;
            let operation = note(tx, moment, &payment, &refund)?;
            Ok((refund, Write::New(Box::new(operation))))
        })
        .await
}

fn as_seen(tx: &mut Tx, payment: &Payment, seen: Option<i64>) -> Result<(), Failure> {
    let Some(seen) = seen else { return Ok(()) };
    if payment_version::seen(tx, &payment.scope, &payment.id)? == seen {
        return Ok(());
    }
    Err(Refusal::VersionConflict.into())
}

fn payment_to_refund(tx: &mut Tx, scope: &Scope, wanted: &Wanted) -> Result<Payment, Failure> {
    let payment = payments::get(tx, scope, &wanted.payment)?.ok_or_else(|| {
        Refusal::invalid(
            "payment_id",
            "must be the id of one of your payments in this mode",
        )
    })?;
    let config = stripe_config::get(tx, scope)?;
    let connected = config
        .is_some_and(|config| !config.disconnected && config.stripe_account_id == payment.stripe_account_id);
    if payment.standing().received > 0 && !connected {
        return Err(Refusal::from(Refused::Disconnected).into());
    }
    Ok(payment)
}

/// Whether the invoice that was named gives so much, or one must be named.
fn of_invoice(tx: &mut Tx, payment: &Payment, wanted: &Wanted, amount: i64) -> Result<(), Failure> {
    let parts = payment_parts::of(tx, &payment.scope, &payment.id)?;
    let is_all = amount == payment.standing().refundable();
    match &wanted.invoice {
        None if parts.len() > 1 && !is_all => Err(Refusal::invalid(
            "invoice_id",
            "must name one of the invoices of this payment, which pays several",
        )
        .into()),
        None => Ok(()),
        Some(invoice) if !parts.iter().any(|part| part.invoice_id == *invoice) => {
            let problem = "must be the id of an invoice that this payment pays";
            Err(Refusal::invalid("invoice_id", problem).into())
        }
        Some(_) if parts.len() == 1 => Ok(()),
        Some(invoice) => {
            let left = booking::available(tx, payment, Some(invoice))?;
            if amount <= left {
                return Ok(());
            }
            let left = Money::new(left, payment.currency).to_string();
            Err(Refusal::from(Refused::TooMuch { left }).into())
        }
    }
}

/// What credit notes have given up of an invoice cannot be forgiven once more: the client would owe it again
/// although the refund says that nothing is owed.
fn may_forgive(tx: &mut Tx, payment: &Payment, wanted: &Wanted, amount: i64) -> Result<(), Failure> {
    if wanted.settlement != Settlement::Forgiven {
        return Ok(());
    }
    let left = booking::forgivable(tx, payment, wanted.invoice.as_ref(), amount)?;
    if left >= amount {
        return Ok(());
    }
    let left = Money::new(left, payment.currency).to_string();
    Err(Refusal::from(Refused::NotForgivable { left }).into())
}

/// Of refunds that are decided at the same moment, this says which are made.
fn reserve(tx: &mut Tx, payment: &Payment, amount: i64) -> Result<(), Failure> {
    if refunds::reserve(tx, &payment.scope, &payment.id, amount)? {
        return Ok(());
    }
    let now = payments::get(tx, &payment.scope, &payment.id)?;
    let left = now.map_or(0, |payment| payment.standing().refundable());
    let left = Money::new(left, payment.currency).to_string();
    Err(Refusal::from(Refused::TooMuch { left }).into())
}

fn insert(
    tx: &mut Tx,
    moment: Moment,
    id: RefundId,
    payment: &Payment,
    wanted: &Wanted,
    amount: i64,
) -> Result<Refund, Failure> {
    let refund = Refund {
        reason: wanted.reason.clone(),
        settlement: wanted.settlement,
        fee: wanted.fee,
        fee_status: match wanted.fee {
            FeeChoice::Kept => FeeStatus::Kept,
            FeeChoice::Returned => FeeStatus::Due,
        },
        invoice_id: wanted.invoice.clone(),
        ..new(moment, id, payment, Origin::Api, amount)
    };
    add(tx, &refund, "api")?;
    Ok(refund)
}

/// A refund of which nothing is known but its payment and its amount.
pub fn new(moment: Moment, id: RefundId, payment: &Payment, origin: Origin, amount: i64) -> Refund {
    Refund {
        scope: payment.scope.clone(),
        id,
        payment_id: payment.id.clone(),
        invoice_id: None,
        stripe_account_id: payment.stripe_account_id.clone(),
        stripe_refund_id: None,
        origin,
        currency: payment.currency,
        amount,
        reason: None,
        settlement: Settlement::StillOwed,
        status: RefundState::Requested,
        failure_reason: None,
        balance_transaction_id: None,
        failure_balance_transaction_id: None,
        fee: FeeChoice::Kept,
        fee_status: FeeStatus::Kept,
        fee_amount: 0,
        stripe_fee_refund_id: None,
        version: 1,
        next_check_at: None,
        booked_at: None,
        reversed_at: None,
        succeeded_at: None,
        created_at: moment.at,
    }
}

/// Adds a refund with the beginning of its history.
pub fn add(tx: &mut Tx, refund: &Refund, cause: &str) -> Result<(), Failure> {
    refunds::insert(tx, refund)?;
    let change = Change {
        scope: &refund.scope,
        subject_id: refund.id.as_str(),
        version: 1,
        from: None,
        to: refund.status.word(),
        cause,
    };
    Ok(state_history::insert(tx, &change, refund.created_at)?)
}

fn note_request(
    tx: &mut Tx,
    by: &By,
    moment: Moment,
    payment: &Payment,
    refund: &Refund,
) -> Result<(), Failure> {
    let after = serde_json::json!({
        "payment_id": refund.payment_id.as_str(),
        "invoice_id": refund.invoice_id.as_ref().map(domain::InvoiceId::as_str),
        "amount": refund.amount,
        "currency": refund.currency.code(),
        "reason": refund.reason,
        "settlement": refund.settlement.word(),
        "fee": refund.fee.word(),
    });
    let before = serde_json::json!({"received": payment.received, "reserved": payment.reserved});
    let entry = Entry {
        action: "refund.requested",
        subject: refund.id.as_str(),
        before: Some(before.to_string()),
        after: Some(after.to_string()),
    };
    Ok(audit::note(tx, Some(&refund.scope), by, moment, &entry)?)
}

/// Notes the write. Its key says which refund it makes, and nothing in it is random.
fn note(tx: &mut Tx, moment: Moment, payment: &Payment, refund: &Refund) -> Result<Operation, Failure> {
    let id = OperationId::new(moment.at, moment.random(1));
    let intent_id = payment
        .intent_id
        .as_deref()
        .ok_or_else(|| Failure::Bug(format!("payment {} succeeded without an intent", payment.id)))?;
    let named = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let create = api::Create {
        account: &AccountId::parse(&refund.stripe_account_id)?,
        intent_id,
        amount: refund.amount,
        reason: refund.reason.as_deref(),
        metadata: vec![
            named("op_id", id.as_str()),
            named("payment_id", payment.id.as_str()),
            named("refund_id", refund.id.as_str()),
            named("settlement", refund.settlement.word()),
            named("tenant_id", refund.scope.tenant.as_str()),
        ],
    };
    let intent = Intent {
        kind: Kind::CreateRefund,
        write: api::create(&create, adopted::key(&refund.scope.tenant, &refund.id)),
    };
    let (subject, at) = (refund.id.as_str(), moment.at);
    operations::note_about(tx, &refund.scope, subject, id, intent, at, at.plus_ms(LEASE_MS))
}
