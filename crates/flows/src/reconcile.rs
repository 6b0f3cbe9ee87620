//! Re-derives what webhooks only bring faster: writes with an unknown outcome are replayed, live payments
//! that went quiet are read again, and fees that nobody reported are fetched.

mod missed;
mod ordered;

use domain::payment::{IntentStatus, PaymentState};
use domain::{Mode, Timestamp};
use store::balance_cursors::{self, BalanceCursor};
use store::disputes::Dispute;
use store::event_cursors::{self, EventCursor};
use store::payment_method_domains::PaymentMethodDomain;
use store::payments::{self, Payment};
use store::payouts::{self, Payout};
use store::reconciliation_breaks::{self, Kept, Kind};
use store::refunds::Refund;
use store::stripe_operations::{self as rows, Operation};
use store::subscriptions::{self, Subscription};
use stripe::{AccountId, CallError, charges};

use crate::connect::domains;
use crate::observe::{self, ChargeFacts};
use crate::operations::{self, KEY_AGE_MAX_MS, Resolved};
use crate::{
    App, Failure, balance, breakers, breaks, collect, disputes, payouts as payouts_flow, refunds,
    subscriptions as mirror, unreachable,
};

pub use missed::{begin, hurry};
pub use ordered::{Order, Tally, Unread, run as ordered};

/// How many rows one run looks at: bounded, so that a backlog does not starve the rest.
const BATCH: i64 = 50;
/// How many of them may be of one account, so that no account keeps the others out.
const SHARE: i64 = 8;

/// A row that is due to be looked at.
#[derive(Clone, Debug)]
pub enum Due {
    /// A write to Stripe without a definite outcome, which nobody holds.
    Operation(Box<Operation>),
    /// A payment that went quiet, or whose fee is not known.
    Payment(Box<Payment>),
    /// A refund that is under way, or whose part of the fee waits.
    Refund(Box<Refund>),
    /// A domain that is to be registered for wallets, or looked at again.
    Domain(Box<PaymentMethodDomain>),
    /// An account, or the platform, whose events are to be read on.
    Events(Box<EventCursor>),
    /// An account, or the platform, whose balance is to be read on.
    Balance(Box<BalanceCursor>),
    /// A payout that should have ended, or of which it is not known what it consists of.
    Payout(Box<Payout>),
    /// A subscription on an account that was disconnected, or connected again.
    Subscription(Box<Subscription>),
    /// A dispute that is open.
    Dispute(Box<Dispute>),
    /// A break that other rows say is none any more.
    Break(Box<Kept>),
    /// An account that has not answered for a while.
    Silent(Mode, String),
}

impl Due {
    /// The account at Stripe that has to answer.
    pub fn account(&self) -> &str {
        match self {
            Due::Operation(operation) => &operation.stripe_account_id,
            Due::Payment(payment) => &payment.stripe_account_id,
            Due::Refund(refund) => &refund.stripe_account_id,
            Due::Domain(domain) => &domain.stripe_account_id,
            Due::Events(cursor) => &cursor.account,
            Due::Balance(cursor) => &cursor.account,
            Due::Payout(payout) => &payout.account,
            Due::Subscription(subscription) => &subscription.stripe_account_id,
            Due::Dispute(dispute) => &dispute.stripe_account_id,
            Due::Silent(_, account) => account,
            Due::Break(_) => "",
        }
    }

    /// The mode that it is finished in.
    pub fn mode(&self) -> Mode {
        match self {
            Due::Operation(operation) => operation.scope.mode,
            Due::Payment(payment) => payment.scope.mode,
            Due::Refund(refund) => refund.scope.mode,
            Due::Domain(domain) => domain.scope.mode,
            Due::Events(cursor) => cursor.mode,
            Due::Balance(cursor) => cursor.mode,
            Due::Payout(payout) => payout.scope.mode,
            Due::Subscription(subscription) => subscription.scope.mode,
            Due::Dispute(dispute) => dispute.scope.mode,
            Due::Break(settled) => settled.mode,
            Due::Silent(mode, _) => *mode,
        }
    }
}

/// What should be looked at now, of all tenants and of every mode that has keys. Of an account that does not
/// answer that is nothing, but for one who asks it now and then.
///
/// # Errors
/// When the database fails.
pub async fn due(app: &App) -> Result<Vec<Due>, Failure> {
    let now = app.clock.now();
    know_the_platform(app).await?;
    let resting = app.breakers.resting();
    // What rests is passed over below, and takes nobody's place.
    let batch = i64::try_from(resting.len())
        .unwrap_or(i64::MAX)
        .saturating_mul(SHARE)
        .saturating_add(BATCH);
    let (operations, payments, refunds, domains, cursors, balances, subscriptions, open, breaks) = app
        .db
        .read(move |tx| {
            let domains = domains::due(tx, now, batch)?;
            Ok::<_, Failure>((
                rows::due(tx, now, SHARE, batch)?,
                payments::due(tx, now, SHARE, batch)?,
                store::refunds::due(tx, now, batch)?,
                domains,
                event_cursors::due(tx, now, batch)?,
                (
                    balance_cursors::due(tx, now, batch)?,
                    payouts::due(tx, now, batch)?,
                ),
                subscriptions::due(tx, now, batch)?,
                disputes::due(tx, now, batch)?,
                reconciliation_breaks::settled(tx, BATCH)?,
            ))
        })
        .await?;
    let operations = operations
        .into_iter()
        .map(|operation| Due::Operation(Box::new(operation)));
    let payments = payments
        .into_iter()
        .map(|payment| Due::Payment(Box::new(payment)));
    let refunds = refunds.into_iter().map(|refund| Due::Refund(Box::new(refund)));
    let domains = domains.into_iter().map(|domain| Due::Domain(Box::new(domain)));
    let cursors = cursors.into_iter().map(|cursor| Due::Events(Box::new(cursor)));
    let (balances, payouts) = balances;
    let balances = balances.into_iter().map(|cursor| Due::Balance(Box::new(cursor)));
    let payouts = payouts.into_iter().map(|payout| Due::Payout(Box::new(payout)));
    let subscriptions = subscriptions
        .into_iter()
        .map(|subscription| Due::Subscription(Box::new(subscription)));
    let open = open.into_iter().map(|dispute| Due::Dispute(Box::new(dispute)));
    let breaks = breaks.into_iter().map(|settled| Due::Break(Box::new(settled)));
    let asked = resting.iter().filter(|(_, _, ask)| *ask);
    let asked: Vec<Due> = asked
        .map(|(mode, account, _)| Due::Silent(*mode, account.clone()))
        .collect();
    let all = operations
        .chain(payments)
        .chain(refunds)
        .chain(domains)
        .chain(cursors)
        .chain(balances)
        .chain(payouts)
        .chain(subscriptions)
        .chain(open)
        .chain(breaks)
        .filter(|due| !rests(due, &resting, now));
    let all = asked.into_iter().chain(all);
    Ok(all.filter(|due| app.stripe(due.mode()).is_ok()).collect())
}

/// The platform's own events are read from the first time on that the mode's keys are there.
async fn know_the_platform(app: &App) -> Result<(), Failure> {
    let modes = [Mode::Test, Mode::Live].map(|mode| app.stripe(mode).is_ok().then_some(mode));
    let new = app
        .db
        .read(move |tx| {
            let mut new = Vec::new();
            for mode in modes.into_iter().flatten() {
                if event_cursors::get(tx, mode, "")?.is_none() {
                    new.push(mode);
                }
            }
            Ok::<_, Failure>(new)
        })
        .await?;
    if new.is_empty() {
        return Ok(());
    }
    let at = app.clock.now();
    let begun = app
        .db
        .write(move |tx| new.iter().try_for_each(|mode| begin(tx, *mode, "", at)));
    Ok(begun.await?)
}

/// Whether a row waits because its account does not answer.
fn rests(due: &Due, resting: &[(Mode, String, bool)], now: Timestamp) -> bool {
    let same = |(mode, account, _): &(Mode, String, bool)| *mode == due.mode() && account == due.account();
    let waits = match due {
        // A person is shown it, though it cannot be read.
        Due::Operation(operation) => age_ms(operation, now) < KEY_AGE_MAX_MS,
        Due::Break(_) => false,
        _ => true,
    };
    waits && resting.iter().any(same)
}

/// Looks at one row. Whatever goes wrong is logged, and the row becomes due again.
pub async fn look(app: &App, due: &Due) {
    let (subject, looked) = match due {
        Due::Operation(operation) => (operation.id.to_string(), resolve(app, operation).await),
        Due::Payment(payment) => (payment.id.to_string(), read_again(app, payment).await),
        Due::Refund(refund) => (refund.id.to_string(), refunds::look(app, refund).await),
        Due::Domain(domain) => (domain.domain_name.clone(), domains::register(app, domain).await),
        Due::Dispute(dispute) => (dispute.id.to_string(), disputes::read_again(app, dispute).await),
        Due::Break(settled) => (settled.id.to_string(), breaks::settle(app, settled).await),
        Due::Events(cursor) => (
            format!("events of {}", cursor.account),
            missed::read(app, cursor).await,
        ),
        Due::Balance(cursor) => (
            format!("the balance of {}", cursor.account),
            balance::read(app, cursor).await,
        ),
        Due::Payout(payout) => (payout.id.clone(), payouts_flow::read_again(app, payout).await),
        Due::Subscription(row) => (row.id.clone(), mirror::read_again(app, row).await),
        Due::Silent(mode, account) => (account.clone(), breakers::ask(app, *mode, account).await),
    };
    if let Err(failure) = looked {
        tracing::warn!(subject, %failure, "not resolved yet");
    }
}

/// Looks at all that is due, one after the other.
///
/// # Errors
/// When the database cannot say what is due.
pub async fn run(app: &App) -> Result<(), Failure> {
    for due in due(app).await? {
        look(app, &due).await;
    }
    Ok(())
}

fn age_ms(operation: &Operation, now: Timestamp) -> i64 {
    now.ms().saturating_sub(operation.first_sent_at.ms())
}

async fn resolve(app: &App, operation: &Operation) -> Result<(), Failure> {
    let resolved = operations::take_up(app, operation).await;
    let age_ms = age_ms(operation, app.clock.now());
    let open = matches!(resolved, Err(_) | Ok(Some(Resolved::Open)));
    if open && age_ms >= KEY_AGE_MAX_MS {
        show(app, operation).await?;
    }
    resolved.map(|_| ())
}

/// After a day without a definite outcome a person should look, though it goes on being read.
async fn show(app: &App, operation: &Operation) -> Result<(), Failure> {
    let (moment, operation) = (app.moment(), operation.clone());
    app.db
        .write(move |tx| {
            let detail = format!("{} has had no answer for 23 hours", operation.idempotency_key);
            let (tenant, mode) = (Some(&operation.scope.tenant), operation.scope.mode);
            let id = operation.id.as_str();
            observe::open_break(
                tx,
                moment,
                0,
                tenant,
                mode,
                Kind::OperationUnresolved,
                id,
                &detail,
            )
        })
        .await
}

async fn read_again(app: &App, payment: &Payment) -> Result<(), Failure> {
    let (later, scope, id) = (app.moment().at, payment.scope.clone(), payment.id.clone());
    let next = observe::next_check(payment.created_at, later);
    app.db
        .write(move |tx| payments::check_later(tx, &scope, &id, next))
        .await?;
    match payment.status {
        PaymentState::At(IntentStatus::Succeeded) => fetch_fee(app, payment).await,
        PaymentState::Creating | PaymentState::Failed | PaymentState::At(_) => {
            collect::refresh(app, payment).await?;
            Ok(())
        }
    }
}

/// Retrieves the charge with its balance transaction, and books Stripe's fee.
pub async fn fetch_fee(app: &App, payment: &Payment) -> Result<(), Failure> {
    let Some(charge_id) = payment.charge_id.clone() else {
        collect::refresh(app, payment).await?;
        return Ok(());
    };
    let client = app.stripe(payment.scope.mode)?;
    let account = AccountId::parse(&payment.stripe_account_id)?;
    let asked_at = app.clock.now();
    let charge = match charges::retrieve(client, &account, &charge_id).await {
        Err(CallError::Rejected(rejection)) if rejection.is_account_gone() => {
            return unreachable::payment(app, payment, asked_at).await;
        }
        charge => charge?,
    };
    let (facts, moment) = (ChargeFacts::of(&charge), app.moment());
    let given_back = facts.given_back;
    let (scope, id) = (payment.scope.clone(), payment.id.clone());
    app.db
        .write(move |tx| {
            if let Some(mut payment) = payments::get(tx, &scope, &id)? {
                observe::charge(tx, moment, &mut payment, &facts, "retrieved")?;
                unreachable::reached(tx, &payment, moment.at)?;
            }
            Ok::<_, Failure>(())
        })
        .await?;
    refunds::compare(app, payment, Some(given_back), None).await
}
