//! Payments on an account to which our access was taken away. What became of them only its owner can see, at
//! Stripe: they keep the state that was last seen, are shown as to be checked there, and are not looked at
//! again until the account is connected again.

use domain::{PaymentId, Scope, Timestamp};
use store::payments::{self, Payment};
use store::reconciliation_breaks::Kind;
use store::stripe_operations::Operation;
use store::{Tx, reconciliation_breaks, stripe_config};

use crate::{Actor, App, By, Failure, Moment, observe, onboarding};

/// The kind of break that such payments open, one for each account: it counts them.
const BREAK: Kind = Kind::PaymentsUnreachable;

/// Stripe gave no access to a payment's account when it was asked at `asked_at`.
///
/// # Errors
/// When the database fails.
pub async fn payment(app: &App, payment: &Payment, asked_at: Timestamp) -> Result<(), Failure> {
    let account = payment.stripe_account_id.clone();
    note(app, &payment.scope, &payment.id, account, asked_at).await
}

/// Stripe gave no access when a write of a payment was sent.
///
/// # Errors
/// When the database fails.
pub async fn operation(app: &App, operation: &Operation) -> Result<(), Failure> {
    let Some(payment) = &operation.payment_id else {
        return Ok(());
    };
    let (account, asked_at) = (operation.stripe_account_id.clone(), operation.first_sent_at);
    note(app, &operation.scope, payment, account, asked_at).await
}

async fn note(
    app: &App,
    scope: &Scope,
    payment: &PaymentId,
    account: String,
    asked_at: Timestamp,
) -> Result<(), Failure> {
    let (scope, payment, moment) = (scope.clone(), payment.clone(), app.moment());
    app.db
        .write(move |tx| {
            if is_gone(tx, &scope, &account, asked_at, moment)? {
                mark(tx, &scope, &payment, moment)?;
            }
            Ok(())
        })
        .await
}

/// The tenant takes no new payments on an account that is gone. One that was connected since Stripe was asked
/// is not: the next look tells.
fn is_gone(
    tx: &mut Tx,
    scope: &Scope,
    account: &str,
    asked_at: Timestamp,
    moment: Moment,
) -> Result<bool, Failure> {
    let config = stripe_config::get(tx, scope)?;
    let Some(config) = config.filter(|config| config.stripe_account_id == account) else {
        return Ok(true);
    };
    let by = By::new(Actor::Stripe);
    Ok(config.disconnected || onboarding::stop(tx, &config, &by, asked_at, moment)?)
}

fn mark(tx: &mut Tx, scope: &Scope, id: &PaymentId, moment: Moment) -> Result<(), Failure> {
    let Some(payment) = payments::get(tx, scope, id)? else {
        return Ok(());
    };
    if !payment.status.is_live() && payment.next_check_at.is_none() {
        // All is known of it.
        return Ok(());
    }
    payments::mark_unreachable(tx, scope, id, moment.at)?;
    let account = &payment.stripe_account_id;
    let detail = detail(payments::unreachable(tx, scope, account)?, account);
    let (tenant, mode) = (Some(&scope.tenant), scope.mode);
    observe::open_break(tx, moment, 2, tenant, mode, BREAK, account, &detail)?;
    Ok(reconciliation_breaks::restate(
        tx, scope, BREAK, account, &detail,
    )?)
}

fn detail(count: i64, account: &str) -> String {
    let (payments, was) = match count {
        1 => ("payment", "was"),
        _ => ("payments", "were"),
    };
    format!(
        "{count} {payments} on {account} {was} under way or without Stripe's fee when it was disconnected \
         (check_stripe in GET /api/payments): look at Stripe what became of them, or connect the account \
         again"
    )
}

/// A payment was read at Stripe: whatever kept us from it is over.
pub fn reached(tx: &mut Tx, payment: &Payment, at: Timestamp) -> Result<(), Failure> {
    let (scope, account) = (&payment.scope, &payment.stripe_account_id);
    if payments::mark_reached(tx, scope, &payment.id)? {
        match payments::unreachable(tx, scope, account)? {
            0 => reconciliation_breaks::resolve(tx, scope, BREAK, account, at)?,
            left => reconciliation_breaks::restate(tx, scope, BREAK, account, &detail(left, account))?,
        }
    }
    Ok(())
}
