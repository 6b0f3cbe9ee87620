//! Whose object an event is about: one of our payments, or the tenant's own, which is shown and not touched.

use domain::{Scope, Timestamp};
use store::external_objects::{self, ExternalObject};
use store::payments::{self, Payment};
use store::stripe_webhook_events::{Status, Taken};
use store::{Tx, stripe_operations};

use super::objects::Subject;
use super::retries::may_park;
use super::{Look, Origin};
use crate::adoption::Stray;
use crate::refunds::RefundFacts;
use crate::{Failure, Moment};

/// Our payment, by Stripe's object, or else by the key of our request that caused the event: the event may be
/// here before the answer is. Never by metadata, which the tenant can edit.
pub fn find_payment(
    tx: &mut Tx,
    scope: &Scope,
    account: &str,
    key: Option<&str>,
    subject: &Subject,
) -> Result<Option<Payment>, Failure> {
    let (intent_id, known) = match subject {
        Subject::Intent(facts) => (
            Some(facts.id.as_str()),
            payments::by_intent(tx, scope, account, &facts.id)?,
        ),
        Subject::Charge(facts) => match facts.intent_id.as_deref() {
            Some(intent) => (Some(intent), payments::by_intent(tx, scope, account, intent)?),
            None => (None, payments::by_charge(tx, scope, account, &facts.id)?),
        },
        Subject::Fee(fee) => {
            let charge = fee.charge.as_deref().unwrap_or_default();
            (None, payments::by_charge(tx, scope, &fee.account, charge)?)
        }
        Subject::Refund(facts) => (None, paid_by(tx, scope, account, facts)?),
        Subject::Payout(_) => (None, None),
    };
    if known.is_some() {
        return Ok(known);
    }
    let (Some(intent_id), Some(key)) = (intent_id, key) else {
        return Ok(None);
    };
    let Some(operation) = stripe_operations::by_key(tx, scope, account, key)? else {
        return Ok(None);
    };
    let Some(payment) = &operation.payment_id else {
        return Ok(None);
    };
    let payment = payments::get(tx, scope, payment)?;
    Ok(payment.filter(|payment| payment.intent_id.as_deref().is_none_or(|id| id == intent_id)))
}

/// Our payment that a refund gives back.
fn paid_by(
    tx: &mut Tx,
    scope: &Scope,
    account: &str,
    refund: &RefundFacts,
) -> Result<Option<Payment>, Failure> {
    Ok(match (&refund.intent_id, &refund.charge_id) {
        (Some(intent), _) => payments::by_intent(tx, scope, account, intent)?,
        (None, Some(charge)) => payments::by_charge(tx, scope, account, charge)?,
        (None, None) => None,
    })
}

/// The intent behind an object that no payment knows, where it may be one of ours all the same: it names an
/// invoice, or the key of its request has the form of ours. None once that was found out.
pub fn stray(event: &Taken, origin: &Origin, look: &Look) -> Option<Stray> {
    if look.is_stray {
        return None;
    }
    let key = origin.key.as_deref().unwrap_or_default();
    let (intent, says_so) = match &look.subject {
        Subject::Intent(facts) => (Some(&facts.id), key.starts_with("pay:")),
        Subject::Charge(facts) => (facts.intent_id.as_ref(), key.starts_with("pay:")),
        Subject::Refund(facts) => {
            let ours = facts.op_id.is_some() || key.starts_with("refund:");
            (facts.intent_id.as_ref(), ours)
        }
        Subject::Fee(_) | Subject::Payout(_) => (None, false),
    };
    let intent = intent.filter(|_| says_so || look.claims.written_for().is_some())?;
    Some(Stray {
        mode: event.mode,
        account: event.account.clone(),
        intent: intent.clone(),
        key: origin.key.clone(),
    })
}

/// What an event says of its object beside its state.
pub struct Told<'a> {
    /// Stripe's name of its type.
    pub object_type: Option<&'a str>,
    /// When its state was so.
    pub as_of: Timestamp,
}

/// An object that no payment of ours knows: while a create of ours has no answer it may be ours and waits,
/// otherwise it is the tenant's own.
pub fn not_ours_yet(
    tx: &mut Tx,
    moment: Moment,
    scope: &Scope,
    event: &Taken,
    told: &Told<'_>,
    subject: &Subject,
) -> Result<Status, Failure> {
    // What is given back was paid before, so that its payment would be known.
    let may_be_ours = may_park(event) && !matches!(subject, Subject::Refund(_) | Subject::Payout(_));
    if may_be_ours && stripe_operations::open_creates(tx, scope, &event.account)? {
        return Ok(Status::Parked);
    }
    let account = &event.account;
    keep_as_external(
        tx,
        moment.at,
        told.as_of,
        scope,
        account,
        told.object_type,
        subject,
    )?;
    Ok(Status::External)
}

/// Stores an object of the tenant's own as it was at `as_of`, unless something newer is known of it.
pub fn keep_as_external(
    tx: &mut Tx,
    at: Timestamp,
    as_of: Timestamp,
    scope: &Scope,
    account: &str,
    object_type: Option<&str>,
    subject: &Subject,
) -> Result<(), Failure> {
    let (object_id, status, amount, currency) = match subject {
        Subject::Intent(facts) => {
            let status = Some(facts.status_word.clone());
            (
                &facts.id,
                status,
                Some(facts.amount),
                Some(facts.currency.clone()),
            )
        }
        Subject::Charge(facts) => (
            &facts.id,
            Some(facts.status_word.clone()),
            Some(facts.amount),
            Some(facts.currency.clone()),
        ),
        Subject::Fee(fee) => (&fee.id, None, Some(fee.amount), Some(fee.currency.clone())),
        Subject::Refund(facts) => (
            &facts.id,
            Some(facts.status.word().to_owned()),
            Some(facts.amount),
            Some(facts.currency.clone()),
        ),
        Subject::Payout(payout) => (
            &payout.id,
            Some(payout.status.clone()),
            Some(payout.amount),
            Some(payout.currency.clone()),
        ),
    };
    let object = ExternalObject {
        scope,
        stripe_account_id: account,
        object_id,
        object_type: object_type.unwrap_or_default(),
        status,
        amount,
        currency,
        as_of,
    };
    external_objects::put(tx, &object, at)?;
    Ok(())
}
