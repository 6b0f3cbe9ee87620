//! What Stripe says of a refund, merged into what is known: from our own answer, from events, from lists. A
//! refund of our payment that nobody here decided on was made in Stripe's dashboard.

use domain::payment::Evidence;
use domain::refund::{FeeChoice, Merge, RefundState, RefundStatus, merge};
use domain::{Money, RefundId, Timestamp};
use store::payments::{self, Payment};
use store::reconciliation_breaks::Kind;
use store::refunds::{self, FeeStatus, Origin, Refund};
use store::state_history::{self, Change};
use store::{Tx, stripe_operations};

use super::adopted::Claimed;
use super::booking::Moved;
use super::{asked, booking, fees};
use crate::observe::{self, Seen, open_break};
use crate::{Failure, Moment, disputes, notify};

/// What Stripe says of a refund, as far as money depends on it.
#[derive(Clone, Debug)]
pub struct RefundFacts {
    /// `re_…`.
    pub id: String,
    /// Where it stands.
    pub status: RefundStatus,
    /// Minor units.
    pub amount: i64,
    /// The currency as Stripe writes it.
    pub currency: String,
    /// The charge that it gives back.
    pub charge_id: Option<String>,
    /// The intent that it gives back.
    pub intent_id: Option<String>,
    /// Why it was made.
    pub reason: Option<String>,
    /// Why it failed.
    pub failure_reason: Option<String>,
    /// `txn_…` of the money that left.
    pub balance_transaction: Option<String>,
    /// `txn_…` of the money that came back.
    pub failure_balance_transaction: Option<String>,
    /// The write that its metadata names.
    pub op_id: Option<String>,
    /// When Stripe made it.
    pub created_at: Option<Timestamp>,
    /// What its metadata says of whose it is.
    pub claimed: Option<Claimed>,
}

impl RefundFacts {
    /// The facts of a refund.
    pub fn of(refund: &stripe::Refund) -> RefundFacts {
        RefundFacts {
            id: refund.id.clone(),
            status: RefundStatus::from_word(refund.status.as_deref().unwrap_or("not_said")),
            amount: refund.amount,
            currency: refund.currency.clone(),
            charge_id: refund.charge.clone(),
            intent_id: refund.payment_intent.clone(),
            reason: refund.reason.clone(),
            failure_reason: refund.failure_reason.clone(),
            balance_transaction: refund.balance_transaction.as_ref().map(|it| it.id.clone()),
            failure_balance_transaction: refund
                .failure_balance_transaction
                .as_ref()
                .map(|it| it.id.clone()),
            op_id: refund.metadata.get("op_id").cloned(),
            created_at: refund
                .created
                .map(|second| Timestamp::from_ms(second.saturating_mul(1000))),
            claimed: Claimed::of(refund),
        }
    }
}

/// The refund that an object of a payment's account is: by its id, or, while our own write has no answer, by
/// the key of the request that made it, else by the write that it names. A name counts for nothing more: who
/// may write metadata could only have our own refund found late.
///
/// # Errors
/// When the database fails.
pub fn find(
    tx: &mut Tx,
    payment: &Payment,
    key: Option<&str>,
    facts: &RefundFacts,
) -> Result<Option<Refund>, Failure> {
    let Payment {
        scope,
        stripe_account_id,
        ..
    } = payment;
    if let Some(known) = refunds::at_stripe(tx, scope, stripe_account_id, &facts.id)? {
        return Ok(Some(known));
    }
    let by_key = match key {
        Some(key) => stripe_operations::by_key(tx, scope, stripe_account_id, key)?,
        None => None,
    };
    if let Some(subject) = by_key.and_then(|operation| operation.subject_id) {
        let refund = refunds::get(tx, scope, &RefundId::stored(subject))?;
        return Ok(refund.filter(|refund| refund.stripe_refund_id.is_none()));
    }
    let waiting = refunds::of_payment(tx, scope, &payment.id, i64::MAX)?;
    let waiting = waiting
        .into_iter()
        .filter(|refund| refund.stripe_refund_id.is_none() && refund.amount == facts.amount);
    for refund in waiting {
        let open = stripe_operations::open_of_subject(tx, scope, refund.id.as_str())?;
        if open.is_some_and(|open| Some(open.id.as_str()) == facts.op_id.as_deref()) {
            return Ok(Some(refund));
        }
    }
    Ok(None)
}

/// Merges what Stripe says of a refund of a payment, with all that follows from it. `known` is what [`find`]
/// found; without it the refund is one of Stripe's dashboard, of which the client still owes the amount until
/// the tenant makes a credit note.
///
/// # Errors
/// When the database fails, or when a posting does not balance, which would be a bug.
pub fn observe(
    tx: &mut Tx,
    moment: Moment,
    payment: &Payment,
    known: Option<Refund>,
    facts: &RefundFacts,
    evidence: Evidence,
    cause: &str,
) -> Result<Seen, Failure> {
    let mut refund = match known {
        Some(known) => known,
        None => made_at_stripe(tx, moment, payment, facts, cause)?,
    };
    let before = refund.clone();
    let seen = match merge(&refund.status, &facts.status, evidence) {
        Merge::Retrieve => return Ok(Seen::Retrieve),
        Merge::Stale => Seen::Stale,
        Merge::Same => Seen::Same,
        Merge::Move => {
            if refund.status == RefundState::Rejected && refund.fee == FeeChoice::Returned {
                // Given up too early: what was asked for holds.
                refund.fee_status = FeeStatus::Due;
            }
            refund.status = RefundState::At(facts.status.clone());
            Seen::Applied
        }
    };
    take_facts(tx, moment, &mut refund, facts)?;
    follow(tx, moment, payment, &mut refund, cause)?;
    fees::give_back(tx, moment, payment, &mut refund, cause)?;
    store_changed(tx, moment, &before, &mut refund, cause)?;
    Ok(match seen {
        Seen::Same if refund != before => Seen::Applied,
        seen => seen,
    })
}

/// A refund that nobody here decided on.
fn made_at_stripe(
    tx: &mut Tx,
    moment: Moment,
    payment: &Payment,
    facts: &RefundFacts,
    cause: &str,
) -> Result<Refund, Failure> {
    let id = RefundId::new(moment.at, moment.random(40));
    let refund = Refund {
        stripe_refund_id: Some(facts.id.clone()),
        reason: facts.reason.clone(),
        ..asked::new(moment, id, payment, Origin::Stripe, facts.amount)
    };
    asked::add(tx, &refund, cause)?;
    refunds::add_to_payment(tx, &payment.scope, &payment.id, refund.amount, 0)?;
    see_twice(tx, moment, &refund, facts)?;
    Ok(refund)
}

/// It names a write of ours that has made another refund: nobody made it in Stripe's dashboard. Who may write
/// metadata could only have somebody look.
fn see_twice(tx: &mut Tx, moment: Moment, refund: &Refund, facts: &RefundFacts) -> Result<(), Failure> {
    let scope = &refund.scope;
    let Some(op_id) = &facts.op_id else {
        return Ok(());
    };
    let Some(first) = stripe_operations::refund_of(tx, scope, op_id)? else {
        return Ok(());
    };
    let first = refunds::get(tx, scope, &RefundId::stored(first))?;
    let made = first.filter(|first| first.payment_id == refund.payment_id);
    let made = made.and_then(|first| Some((first.id, first.stripe_refund_id?)));
    let Some((id, at_stripe)) = made else {
        return Ok(());
    };
    let detail = format!(
        "the refund {id} was made twice at Stripe, as {at_stripe} and as {}: {} more went back than was \
         asked for",
        facts.id,
        refund.money()
    );
    let (tenant, mode, kind) = (Some(&scope.tenant), scope.mode, Kind::RefundTwice);
    open_break(tx, moment, 49, tenant, mode, kind, &facts.id, &detail)
}

/// What only comes and never goes, whatever order it is heard in.
fn take_facts(tx: &mut Tx, moment: Moment, refund: &mut Refund, facts: &RefundFacts) -> Result<(), Failure> {
    refund.stripe_refund_id.get_or_insert_with(|| facts.id.clone());
    let txn = &mut refund.balance_transaction_id;
    *txn = txn.take().or_else(|| facts.balance_transaction.clone());
    let txn = &mut refund.failure_balance_transaction_id;
    *txn = txn.take().or_else(|| facts.failure_balance_transaction.clone());
    let why = &mut refund.failure_reason;
    *why = facts.failure_reason.clone().or_else(|| why.take());
    if refund.status.is_refunded() {
        refund.succeeded_at.get_or_insert(moment.at);
    }
    let same_currency = facts.currency == refund.currency.code();
    if same_currency && facts.amount == refund.amount {
        return Ok(());
    }
    let detail = format!(
        "asked for {}, the refund says {} {}",
        refund.money(),
        facts.amount,
        facts.currency
    );
    let (tenant, mode) = (Some(&refund.scope.tenant), refund.scope.mode);
    open_break(
        tx,
        moment,
        41,
        tenant,
        mode,
        Kind::AmountMismatch,
        &facts.id,
        &detail,
    )
}

/// What follows from where a refund stands: the sums of its payment, and the books.
fn follow(
    tx: &mut Tx,
    moment: Moment,
    payment: &Payment,
    refund: &mut Refund,
    cause: &str,
) -> Result<(), Failure> {
    let is_out = refund.balance_transaction_id.is_some() || refund.status.is_refunded();
    let is_back = matches!(
        refund.status,
        RefundState::At(RefundStatus::Failed | RefundStatus::Canceled)
    );
    if is_out && refund.booked_at.is_none() {
        booking::take(tx, moved(moment, payment, refund, cause))?;
        refund.booked_at = Some(moment.at);
    }
    if is_back && refund.booked_at.is_some() && refund.reversed_at.is_none() {
        booking::restore(tx, moved(moment, payment, refund, cause))?;
        refund.reversed_at = Some(moment.at);
        let detail = format!(
            "the refund of {} failed ({}): the money is back on the account and may be refunded again",
            refund.money(),
            refund.failure_reason.as_deref().unwrap_or("no reason given")
        );
        let (tenant, mode) = (Some(&refund.scope.tenant), refund.scope.mode);
        let subject = refund.id.as_str();
        open_break(tx, moment, 42, tenant, mode, Kind::RefundFailed, subject, &detail)?;
    }
    if is_back && refund.fee_status == FeeStatus::Due {
        refund.fee_status = FeeStatus::Kept;
    }
    refund.next_check_at = if refund.status.is_under_way() {
        let next = || observe::next_check(refund.created_at, moment.at);
        refund.next_check_at.or_else(|| Some(next()))
    } else {
        None
    };
    Ok(())
}

const fn moved<'a>(moment: Moment, payment: &'a Payment, refund: &'a Refund, cause: &'a str) -> Moved<'a> {
    Moved {
        moment,
        payment,
        refund,
        cause,
    }
}

/// Stores a refund that changed, moves the sums of its payment, and notes where it went.
pub fn store_changed(
    tx: &mut Tx,
    moment: Moment,
    before: &Refund,
    refund: &mut Refund,
    cause: &str,
) -> Result<(), Failure> {
    if before == refund {
        return Ok(());
    }
    if !refunds::store(tx, refund, moment.at)? {
        return Err(store::Error::Conflict.into());
    }
    refund.version += 1;
    if before.status == refund.status {
        return Ok(());
    }
    let held = |refund: &Refund| {
        if refund.status.is_reserved() {
            refund.amount
        } else {
            0
        }
    };
    let given = |refund: &Refund| {
        if refund.status.is_refunded() {
            refund.amount
        } else {
            0
        }
    };
    let (reserved, refunded) = (held(refund) - held(before), given(refund) - given(before));
    refunds::add_to_payment(tx, &refund.scope, &refund.payment_id, reserved, refunded)?;
    see_too_much(tx, moment, refund)?;
    if let Some(payment) = payments::get(tx, &refund.scope, &refund.payment_id)? {
        disputes::check_beyond(tx, moment, &payment)?;
    }
    let change = Change {
        scope: &refund.scope,
        subject_id: refund.id.as_str(),
        version: refund.version,
        from: Some(before.status.word()),
        to: refund.status.word(),
        cause,
    };
    state_history::insert(tx, &change, moment.at)?;
    notify::refund_moved(tx, moment, before, refund)
}

/// More went back than arrived: Stripe does not let that happen, so somebody has to look.
fn see_too_much(tx: &mut Tx, moment: Moment, refund: &Refund) -> Result<(), Failure> {
    let Some(payment) = payments::get(tx, &refund.scope, &refund.payment_id)? else {
        return Ok(());
    };
    if payment.reserved <= payment.received {
        return Ok(());
    }
    let of = |minor| Money::new(minor, payment.currency);
    let detail = format!(
        "refunds of {} are there or under way, and {} arrived",
        of(payment.reserved),
        of(payment.received)
    );
    let (tenant, mode) = (Some(&payment.scope.tenant), payment.scope.mode);
    let subject = payment.id.as_str();
    open_break(
        tx,
        moment,
        43,
        tenant,
        mode,
        Kind::RefundTooMuch,
        subject,
        &detail,
    )
}

/// Whether a refund that is not known may be the answer to a write of ours that we have not heard yet.
pub fn may_be_ours(tx: &mut Tx, payment: &Payment) -> Result<bool, Failure> {
    let refunds = refunds::of_payment(tx, &payment.scope, &payment.id, i64::MAX)?;
    Ok(refunds
        .iter()
        .any(|refund| refund.status == RefundState::Requested && refund.stripe_refund_id.is_none()))
}

/// Marks a refund of which Stripe made nothing, and gives free what was reserved.
pub fn reject(
    tx: &mut Tx,
    refund: &mut Refund,
    moment: Moment,
    code: &str,
    cause: &str,
) -> Result<(), Failure> {
    if refund.status != RefundState::Requested || refund.stripe_refund_id.is_some() {
        return Ok(());
    }
    let before = refund.clone();
    refund.status = RefundState::Rejected;
    refund.failure_reason = Some(code.to_owned());
    refund.next_check_at = None;
    if refund.fee_status == FeeStatus::Due {
        refund.fee_status = FeeStatus::Kept;
    }
    store_changed(tx, moment, &before, refund, cause)
}
