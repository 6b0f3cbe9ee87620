//! The pay page's domain on each connected account: wallets such as Apple Pay show up only where Stripe knows
//! the page. Registering it is noted like every write, and tried again until all of them are active.

use domain::{OperationId, Scope, Timestamp};
use store::payment_method_domains::{self as rows, PaymentMethodDomain};
use store::stripe_operations::{self, Kind, Operation, Outcome, Status};
use store::{Tx, stripe_config};
use stripe::AccountId;
use stripe::payment_method_domains as at_stripe;

use crate::operations::{self, Heard, Intent};
use crate::{App, Failure, Moment};

/// Waits before the next try, by the number of tries made. Apple reads a file from the domain, which may take
/// its operator a day to put there.
const RETRY_MS: [i64; 5] = [60_000, 600_000, 3_600_000, 21_600_000, 86_400_000];

/// Has the domain registered on an account, unless that was begun before.
///
/// # Errors
/// When the database fails.
pub fn want(tx: &mut Tx, scope: &Scope, account: &str, domain: &str, at: Timestamp) -> Result<(), Failure> {
    if rows::get(tx, scope, account, domain)?.is_some() {
        return Ok(());
    }
    let wanted = PaymentMethodDomain {
        scope: scope.clone(),
        stripe_account_id: account.to_owned(),
        domain_name: domain.to_owned(),
        stripe_domain_id: None,
        enabled: false,
        apple_pay: None,
        google_pay: None,
        link: None,
        last_error: None,
        tries: 0,
        next_try_at: Some(at),
    };
    Ok(rows::put(tx, &wanted, at)?)
}

/// Registers a domain that is due, or has Stripe look at it again.
///
/// # Errors
/// When Stripe or the database does not answer; it becomes due again.
pub async fn register(app: &App, due: &PaymentMethodDomain) -> Result<(), Failure> {
    let (due, moment) = (due.clone(), app.moment());
    let noted = app.db.write(move |tx| note(tx, &due, moment)).await?;
    match noted {
        Some(operation) => run(app, &operation).await.map(|_| ()),
        None => Ok(()),
    }
}

/// Notes the try, and when the next one is if nothing comes of it. None when another instance was faster, or
/// the account is not the tenant's any more.
fn note(tx: &mut Tx, due: &PaymentMethodDomain, moment: Moment) -> Result<Option<Operation>, Failure> {
    let PaymentMethodDomain {
        scope,
        stripe_account_id,
        domain_name,
        ..
    } = due;
    let now = rows::get(tx, scope, stripe_account_id, domain_name)?;
    let Some(mut now) = now.filter(|now| now.tries == due.tries && now.next_try_at.is_some()) else {
        return Ok(None);
    };
    let config = stripe_config::get(tx, scope)?;
    let connected =
        config.is_some_and(|config| config.stripe_account_id == *stripe_account_id && !config.disconnected);
    if !connected {
        now.next_try_at = None;
        rows::put(tx, &now, moment.at)?;
        return Ok(None);
    }
    now.tries = now.tries.saturating_add(1);
    now.next_try_at = Some(moment.at.plus_ms(wait_ms(now.tries)));
    rows::put(tx, &now, moment.at)?;
    let account = AccountId::parse(stripe_account_id)?;
    let key = format!(
        "connect:{}:{}:{account}:domain:{domain_name}:{}",
        scope.tenant,
        scope.mode.word(),
        now.tries
    );
    let write = match &now.stripe_domain_id {
        None => at_stripe::create(&account, domain_name, key),
        Some(id) => at_stripe::validate(&account, id, key),
    };
    let intent = Intent {
        kind: Kind::RegisterDomain,
        write,
    };
    let id = OperationId::new(moment.at, moment.random(1));
    operations::note(tx, scope, None, id, intent, moment.at).map(Some)
}

fn wait_ms(tries: i64) -> i64 {
    let index = usize::try_from(tries.saturating_sub(1)).unwrap_or(usize::MAX);
    RETRY_MS
        .get(index)
        .or(RETRY_MS.last())
        .copied()
        .unwrap_or_default()
}

/// Sends a noted registration and commits what it came to; whether that is known.
///
/// # Errors
/// When there are no keys for its mode, or the database fails.
pub async fn run(app: &App, operation: &Operation) -> Result<bool, Failure> {
    match operations::send(app, operation, at_stripe::PaymentMethodDomain::parse).await? {
        Heard::Done(answer, domain) => {
            let outcome = operations::succeeded(&answer, &domain.id);
            settle(app, operation, outcome, Some(domain)).await?;
            Ok(true)
        }
        Heard::Declined(_) | Heard::Kept | Heard::Reused => {
            // A domain that is registered twice is registered once, so the next try finds out.
            give_up(app, operation).await
        }
        Heard::Rejected(rejection) => {
            let outcome = Outcome {
                status: Status::Failed,
                http_status: Some(i64::from(rejection.status)),
                request_id: rejection.request_id.clone(),
                result_id: None,
                error: Some(rejection.message.clone()),
            };
            settle(app, operation, outcome, None).await?;
            Ok(true)
        }
        Heard::Nothing(why) => {
            operations::unknown(app, operation, &why).await?;
            Ok(false)
        }
    }
}

/// Ends a registration whose key Stripe may have forgotten; the next try finds out what is there.
///
/// # Errors
/// When the database fails.
pub async fn give_up(app: &App, operation: &Operation) -> Result<bool, Failure> {
    settle(
        app,
        operation,
        operations::read_outcome(Status::Absent, None),
        None,
    )
    .await?;
    Ok(true)
}

/// One transaction: the outcome, and what is known of the domain.
async fn settle(
    app: &App,
    operation: &Operation,
    outcome: Outcome,
    answered: Option<at_stripe::PaymentMethodDomain>,
) -> Result<(), Failure> {
    let (at, operation, domain) = (app.clock.now(), operation.clone(), app.wallet_domain.clone());
    app.db
        .write(move |tx| {
            let Operation { scope, id, .. } = &operation;
            stripe_operations::settle(tx, scope, id, &outcome, at)?;
            let name = answered.as_ref().map(|answered| answered.domain_name.clone());
            let Some(name) = name.or_else(|| domain.as_deref().map(str::to_owned)) else {
                return Ok(());
            };
            let Some(mut row) = rows::get(tx, scope, &operation.stripe_account_id, &name)? else {
                return Ok(());
            };
            match &answered {
                Some(answered) => take_over(&mut row, answered),
                None => row.last_error.clone_from(&outcome.error),
            }
            Ok::<_, Failure>(rows::put(tx, &row, at)?)
        })
        .await
}

fn take_over(row: &mut PaymentMethodDomain, answered: &at_stripe::PaymentMethodDomain) {
    let wallets = [&answered.apple_pay, &answered.google_pay, &answered.link];
    let active = |wallet: &&at_stripe::Wallet| wallet.status.as_deref() == Some("active");
    row.stripe_domain_id = Some(answered.id.clone());
    row.enabled = answered.enabled;
    row.apple_pay.clone_from(&answered.apple_pay.status);
    row.google_pay.clone_from(&answered.google_pay.status);
    row.link.clone_from(&answered.link.status);
    row.last_error = wallets.iter().find_map(|wallet| wallet.problem.clone());
    if wallets.iter().all(active) {
        row.next_try_at = None;
    }
}

/// What is to be registered or looked at again now, of all tenants.
///
/// # Errors
/// When the database fails.
pub fn due(tx: &mut Tx, at: Timestamp, limit: i64) -> Result<Vec<PaymentMethodDomain>, Failure> {
    Ok(rows::due(tx, at, limit)?)
}
