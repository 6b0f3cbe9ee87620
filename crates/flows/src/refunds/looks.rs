//! What the reconciler does about refunds: those that are under way are read again, the fee of those that
//! wait for it is looked up, and refunds that a charge counts and nobody has told of are listed.

use domain::payment::Evidence;
use store::application_fees;
use store::payments::{self, Payment};
use store::refunds::{self, FeeStatus, Refund};
use stripe::{AccountId, CallError, refunds as api};

use super::seen::{self, RefundFacts};
use super::{adopted, fees, give_fee_back, made_by, read};
use crate::operations::PAGES_MAX;
use crate::{App, Failure, observe, stripe_events, unreachable};

/// Looks at a refund that is due.
///
/// # Errors
/// When Stripe or the database does not answer; it becomes due again.
pub async fn look(app: &App, refund: &Refund) -> Result<(), Failure> {
    let now = app.clock.now();
    let (scope, id) = (refund.scope.clone(), refund.id.clone());
    let next = observe::next_check(refund.created_at, now);
    app.db
        .write(move |tx| refunds::check_later(tx, &scope, &id, next))
        .await?;
    let (scope, id) = (refund.scope.clone(), refund.payment_id.clone());
    let payment = app.db.read(move |tx| payments::get(tx, &scope, &id)).await?;
    let payment = payment.ok_or_else(|| Failure::Bug(format!("refund {} has no payment", refund.id)))?;
    let mut refund = refund.clone();
    if waits_for_fee(&refund) {
        // The fee is the platform's, whatever became of the tenant's account.
        let known = know_fee(app, &payment).await;
        offer_fee(app, &refund).await?;
        known?;
        refund = read(app, &refund).await?;
        if refund.fee_status == FeeStatus::Sent {
            give_fee_back(app, &refund).await?;
            refund = read(app, &refund).await?;
        }
    }
    let Some(at_stripe) = &refund.stripe_refund_id else {
        return Ok(());
    };
    let client = app.stripe(refund.scope.mode)?;
    let account = AccountId::parse(&refund.stripe_account_id)?;
    let found = match api::retrieve(client, &account, at_stripe).await {
        Err(CallError::Rejected(rejection)) if rejection.is_account_gone() => {
            if !waits_for_fee(&refund) {
                let (scope, id) = (refund.scope.clone(), refund.id.clone());
                app.db
                    .write(move |tx| refunds::stop_checking(tx, &scope, &id))
                    .await?;
            }
            return unreachable::payment(app, &payment, now).await;
        }
        found => found?,
    };
    take_in(app, &payment, &found, Some(refund.version), None).await?;
    let after = read(app, &refund).await?;
    if after.fee_status == FeeStatus::Sent {
        give_fee_back(app, &after).await?;
    }
    Ok(())
}

fn waits_for_fee(refund: &Refund) -> bool {
    refund.fee_status == FeeStatus::Due && refund.status.is_refunded()
}

/// Notes that the fee's part goes back, if it can now, or when it is looked at again.
async fn offer_fee(app: &App, refund: &Refund) -> Result<(), Failure> {
    let (scope, id, moment) = (refund.scope.clone(), refund.id.clone(), app.moment());
    app.db
        .write(move |tx| {
            let Some(mut refund) = refunds::get(tx, &scope, &id)? else {
                return Ok(());
            };
            let Some(payment) = payments::get(tx, &scope, &refund.payment_id)? else {
                return Ok(());
            };
            let before = refund.clone();
            fees::give_back(tx, moment, &payment, &mut refund, "fee")?;
            seen::store_changed(tx, moment, &before, &mut refund, "fee")
        })
        .await
}

/// A fee that no event has told of yet.
async fn know_fee(app: &App, payment: &Payment) -> Result<(), Failure> {
    let (scope, id) = (payment.scope.clone(), payment.id.clone());
    let known = app
        .db
        .read(move |tx| application_fees::of_payment(tx, &scope, &id))
        .await?;
    let (None, Some(charge)) = (known, &payment.charge_id) else {
        return Ok(());
    };
    let client = app.stripe(payment.scope.mode)?;
    for fee in stripe::application_fees::list(client, charge).await?.data {
        let fee = fees::complete(app, payment.scope.mode, fee).await?;
        let (payment, moment) = (payment.clone(), app.moment());
        app.db
            .write(move |tx| {
                stripe_events::book_application_fee(tx, moment, &payment.scope, &fee, Some(&payment))
            })
            .await?;
    }
    Ok(())
}

/// Compares what a charge says was given back with what is known of it, and where that differs, or where
/// nothing is given to compare, lists the payment's refunds. `key` is that of the request that made the
/// newest of them, where an event told of it.
///
/// # Errors
/// When Stripe or the database does not answer.
pub async fn compare(
    app: &App,
    payment: &Payment,
    given_back: Option<i64>,
    key: Option<&str>,
) -> Result<(), Failure> {
    let (scope, id) = (payment.scope.clone(), payment.id.clone());
    let now = app.db.read(move |tx| payments::get(tx, &scope, &id)).await?;
    let Some(payment) = now.filter(|now| Some(now.reserved) != given_back) else {
        return Ok(());
    };
    let Some(intent) = &payment.intent_id else {
        return Ok(());
    };
    let client = app.stripe(payment.scope.mode)?;
    let account = AccountId::parse(&payment.stripe_account_id)?;
    let mut after: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let page = api::list(client, &account, intent, after.as_deref()).await?;
        for refund in &page.data {
            take_in(app, &payment, refund, None, key).await?;
        }
        after = page.data.last().map(|refund| refund.id.clone());
        if !page.has_more || after.is_none() {
            break;
        }
    }
    Ok(())
}

/// What was read is current, unless somebody has written since the version that was read before.
async fn take_in(
    app: &App,
    payment: &Payment,
    found: &stripe::Refund,
    version: Option<i64>,
    key: Option<&str>,
) -> Result<(), Failure> {
    let (payment, facts) = (payment.clone(), RefundFacts::of(found));
    let key = made_by::key_of(app, &payment, &facts, key).await?;
    let moment = app.moment();
    app.db
        .write(move |tx| {
            let known = seen::find(tx, &payment, None, &facts)?;
            if known.is_none() && seen::may_be_ours(tx, &payment)? {
                // The answer to our own write says whose it is, or its event.
                return Ok(());
            }
            let known = match known {
                Some(known) => Some(known),
                None => adopted::adopt(tx, moment, &payment, key.as_deref(), &facts)?,
            };
            let unchanged = known.as_ref().is_some_and(|known| Some(known.version) == version);
            let evidence = match unchanged || known.is_none() {
                true => Evidence::Current,
                false => Evidence::Snapshot,
            };
            seen::observe(tx, moment, &payment, known, &facts, evidence, "retrieved")?;
            Ok(())
        })
        .await
}
