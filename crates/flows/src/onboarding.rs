//! Tenants' connected accounts. An account's state is always retrieved, never taken from an event.

use domain::{Held, Mode, Refusal, Scope, TenantId, Timestamp};
use store::stripe_config::{self, Origin, StripeConfig};
use store::{Tx, payments, stripe_operations, subscription_lists, subscriptions};
use stripe::accounts::{self, RequirementError, Requirements};
use stripe::{Account, AccountId};

use crate::audit::{self, Entry};
use crate::connect::domains;
use crate::stripe_events::{self, replay};
use crate::{Actor, App, By, Failure, Moment, notify, reconcile};

/// Connects an account of the platform that exists at Stripe: retrieves it and stores what it may do.
///
/// # Errors
/// As [`connect_as`].
pub async fn connect(app: &App, scope: &Scope, by: &By, account_id: &str) -> Result<(), Failure> {
    connect_as(app, scope, by, account_id, Origin::Created).await
}

/// Connects an account that exists at Stripe; one that the tenant has already is read again, and keeps its
/// origin.
///
/// # Errors
/// [`Refusal::AccountTaken`] when another tenant has it, [`Refusal::AccountConnected`] when the tenant has
/// another one; when Stripe does not know it.
pub async fn connect_as(
    app: &App,
    scope: &Scope,
    by: &By,
    account_id: &str,
    origin: Origin,
) -> Result<(), Failure> {
    read_into(app, scope, by, account_id, Wanted::Connected(origin)).await
}

/// Why an account is read.
#[derive(Clone, Copy)]
enum Wanted {
    /// The tenant wants to have it, also if it was disconnected before.
    Connected(Origin),
    /// Something about it changed; one that is disconnected stays so.
    Known(Origin),
}

async fn read_into(
    app: &App,
    scope: &Scope,
    by: &By,
    account_id: &str,
    wanted: Wanted,
) -> Result<(), Failure> {
    // What is retrieved is as old as the request for it.
    let moment = app.moment();
    let account = accounts::retrieve(app.stripe(scope.mode)?, &AccountId::parse(account_id)?).await?;
    let (of, noted_by, domain) = (scope.clone(), by.clone(), app.wallet_domain.clone());
    let kept = app.db.write(move |tx| {
        let origin = match wanted {
            Wanted::Connected(origin) => {
                connect_again(tx, &of, &noted_by, account.id.as_str(), origin, moment)?;
                origin
            }
            Wanted::Known(origin) => origin,
        };
        if keep(tx, &of, &noted_by, &account, origin, domain.as_deref(), moment)? {
            if let Wanted::Connected(_) = wanted {
                stripe_operations::end_deauthorizing(tx, account.id.as_str(), of.mode, moment.at)?;
            }
            return Ok(None);
        }
        held(tx, &of).map(Some)
    });
    match kept.await {
        Ok(None) => Ok(()),
        Ok(Some(held)) => Err(Refusal::AccountConnected { held }.into()),
        Err(failure) if is_taken(&failure) => {
            let (moment, scope, by, id) = (app.moment(), scope.clone(), by.clone(), account_id.to_owned());
            app.db
                .write(move |tx| note_taken(tx, &scope, &by, &id, moment))
                .await?;
            Err(Refusal::AccountTaken.into())
        }
        Err(failure) => Err(failure),
    }
}

/// Within a transaction: what keeps another account from taking the place of the tenant's own.
pub fn held(tx: &mut Tx, scope: &Scope) -> Result<Held, Failure> {
    let disconnected = stripe_config::get(tx, scope)?.is_some_and(|config| config.disconnected);
    Ok(match (payments::taken(tx, scope)?, disconnected) {
        (false, _) => Held::Connected,
        (true, false) => Held::WithPayments,
        (true, true) => Held::ToBeConnectedAgain,
    })
}

/// The database refuses what the look before it could not see.
fn is_taken(failure: &Failure) -> bool {
    let is_the_accounts = |constraint: &str| constraint == "stripe_config_account";
    matches!(failure, Failure::Refused(Refusal::AccountTaken))
        || matches!(failure, Failure::Store(store::Error::Unique { constraint })
            if is_the_accounts(constraint))
}

/// Within a transaction: that somebody asked for another tenant's account is worth knowing.
pub fn note_taken(tx: &mut Tx, scope: &Scope, by: &By, account: &str, moment: Moment) -> Result<(), Failure> {
    let entry = Entry {
        action: "account.refused_as_taken",
        subject: account,
        before: None,
        after: None,
    };
    Ok(audit::note(tx, Some(scope), by, moment, &entry)?)
}

/// Within a transaction: stores what Stripe said at `moment` of an account that is, or becomes, the
/// tenant's, and has the pay page's domain registered on it. `false` when the tenant has another account.
///
/// # Errors
/// [`Refusal::AccountTaken`] when another tenant has it.
pub fn keep(
    tx: &mut Tx,
    scope: &Scope,
    by: &By,
    account: &Account,
    origin: Origin,
    domain: Option<&str>,
    moment: Moment,
) -> Result<bool, Failure> {
    let id = account.id.as_str();
    if let Some(holder) = stripe_config::by_account(tx, id, scope.mode)?
        && holder.scope != *scope
    {
        return Err(Refusal::AccountTaken.into());
    }
    let before = stripe_config::get(tx, scope)?;
    stripe_config::put(tx, &config_of(scope, account, origin, moment)?)?;
    let Some(after) = stripe_config::get(tx, scope)?.filter(|now| now.stripe_account_id == id) else {
        return Ok(false);
    };
    note_change(tx, by, before.as_ref(), &after, moment)?;
    notify::account_changed(tx, moment, before.as_ref(), &after)?;
    reconcile::begin(tx, scope.mode, id, moment.at)?;
    replay::adopt(tx, scope.mode, id, moment.at)?;
    if let Some(domain) = domain {
        domains::want(tx, scope, id, domain, moment.at)?;
    }
    Ok(true)
}

/// Within a transaction: a disconnected tenant connects again, with the account that it had, or with
/// another one if it has taken no payment. What was under way on it is looked at, and nothing takes the
/// access away again. Nothing happens to a tenant that is connected, or has no account.
pub fn connect_again(
    tx: &mut Tx,
    scope: &Scope,
    by: &By,
    account: &str,
    origin: Origin,
    moment: Moment,
) -> Result<(), Failure> {
    let before = stripe_config::get(tx, scope)?;
    if stripe_config::reconnect(tx, scope, account, origin, moment.at)? {
        stripe_operations::end_deauthorizing(tx, account, scope.mode, moment.at)?;
        payments::check_account(tx, scope, account, moment.at)?;
        store::refunds::check_account(tx, scope, account, moment.at)?;
        subscriptions::check_account(tx, scope, account, moment.at)?;
        stripe_events::after_absence(tx, scope, account, moment.at)?;
        subscription_lists::want(tx, scope.mode, account)?;
        let entry = Entry {
            action: "account.connected_again",
            subject: account,
            before: before.as_ref().map(named),
            after: stripe_config::get(tx, scope)?.as_ref().map(named),
        };
        audit::note(tx, Some(scope), by, moment, &entry)?;
    }
    Ok(())
}

/// Within a transaction: no new payments are taken on the account, for a reason that was true at `as_of`,
/// and what is under way on it is looked at. `false` when it was so before, or the account was connected
/// since.
pub fn stop(
    tx: &mut Tx,
    config: &StripeConfig,
    by: &By,
    as_of: Timestamp,
    moment: Moment,
) -> Result<bool, Failure> {
    let (scope, account) = (&config.scope, &config.stripe_account_id);
    if !stripe_config::disconnect(tx, scope, account, as_of, moment.at)? {
        return Ok(false);
    }
    payments::check_account(tx, scope, account, moment.at)?;
    store::refunds::check_account(tx, scope, account, moment.at)?;
    subscriptions::check_account(tx, scope, account, moment.at)?;
    let entry = Entry {
        action: "account.disconnected",
        subject: account,
        before: Some(named(config)),
        after: stripe_config::get(tx, scope)?.as_ref().map(named),
    };
    audit::note(tx, Some(scope), by, moment, &entry)?;
    Ok(true)
}

/// Which account it is, for the audit log.
fn named(config: &StripeConfig) -> String {
    let json = serde_json::json!({
        "stripe_account_id": config.stripe_account_id,
        "origin": config.origin.word(),
        "disconnected": config.disconnected,
    });
    json.to_string()
}

/// What Stripe says again and again is noted where it says something else.
fn note_change(
    tx: &mut Tx,
    by: &By,
    before: Option<&StripeConfig>,
    after: &StripeConfig,
    moment: Moment,
) -> Result<(), Failure> {
    let (old, new) = (before.map(noted), noted(after));
    if old.as_ref() == Some(&new) {
        return Ok(());
    }
    let entry = Entry {
        action: if old.is_none() {
            "account.connected"
        } else {
            "account.changed"
        },
        subject: &after.stripe_account_id,
        before: old,
        after: Some(new),
    };
    Ok(audit::note(tx, Some(&after.scope), by, moment, &entry)?)
}

/// Reads a connected account again after an event said that something about it changed, and stops it if its
/// owner took our access away. Answers whether a tenant has it.
///
/// # Errors
/// When Stripe or the database does not answer.
pub async fn refresh(app: &App, account_id: &str, mode: Mode) -> Result<Option<TenantId>, Failure> {
    let id = account_id.to_owned();
    let known = app
        .db
        .read(move |tx| stripe_config::by_account(tx, &id, mode))
        .await?;
    let Some(known) = known else { return Ok(None) };
    let (by, asked_at) = (By::new(Actor::Stripe), app.clock.now());
    match read_into(app, &known.scope, &by, account_id, Wanted::Known(known.origin)).await {
        Err(Failure::AccountGone) => {
            let (moment, known) = (app.moment(), known.clone());
            app.db
                .write(move |tx| stop(tx, &known, &by, asked_at, moment))
                .await?;
        }
        read => read?,
    }
    Ok(Some(known.scope.tenant))
}

/// The tenant that a verified event's account belongs to.
pub fn tenant_of(tx: &mut Tx, account: &str, mode: Mode) -> Result<Option<Scope>, Failure> {
    Ok(stripe_config::by_account(tx, account, mode)?.map(|config| config.scope))
}

/// What the audit log keeps of an account: what it may do.
fn noted(config: &StripeConfig) -> String {
    let json = serde_json::json!({
        "charges_enabled": config.charges_enabled,
        "payouts_enabled": config.payouts_enabled,
        "details_submitted": config.details_submitted,
        "card_payments_active": config.card_payments_active,
        "disconnected": config.disconnected,
    });
    json.to_string()
}

/// What Stripe wants to know of an account, as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequirementsKept {
    /// Needed by `current_deadline`.
    pub currently_due: Vec<String>,
    /// Missed.
    pub past_due: Vec<String>,
    /// Given, being checked.
    pub pending_verification: Vec<String>,
    /// Seconds since the epoch.
    pub current_deadline: Option<i64>,
    /// Why Stripe has stopped the account.
    pub disabled_reason: Option<String>,
    /// What was given and did not do.
    pub errors: Vec<RequirementError>,
}

impl RequirementsKept {
    /// Reads what a row holds; what it does not hold is as if Stripe wanted nothing.
    pub fn read(kept: &str) -> RequirementsKept {
        serde_json::from_str::<serde_json::Value>(kept)
            .map(|value| Requirements::from_value(&value))
            .map(RequirementsKept::of)
            .unwrap_or_default()
    }

    fn of(requirements: Requirements) -> RequirementsKept {
        let Requirements {
            currently_due,
            past_due,
            eventually_due: _,
            pending_verification,
            current_deadline,
            disabled_reason,
            errors,
        } = requirements;
        RequirementsKept {
            currently_due,
            past_due,
            pending_verification,
            current_deadline,
            disabled_reason,
            errors,
        }
    }
}

fn config_of(
    scope: &Scope,
    account: &Account,
    origin: Origin,
    moment: Moment,
) -> Result<StripeConfig, Failure> {
    let json = |result: Result<String, serde_json::Error>| result.map_err(|e| Failure::Bug(e.to_string()));
    let errors = account.requirements.errors.iter().map(|error| {
        serde_json::json!({"code": error.code, "reason": error.reason, "requirement": error.requirement})
    });
    let requirements = serde_json::json!({
        "currently_due": account.requirements.currently_due,
        "past_due": account.requirements.past_due,
        "pending_verification": account.requirements.pending_verification,
        "current_deadline": account.requirements.current_deadline,
        "disabled_reason": account.requirements.disabled_reason,
        "errors": errors.collect::<Vec<_>>(),
    });
    Ok(StripeConfig {
        scope: scope.clone(),
        stripe_account_id: account.id.to_string(),
        origin,
        charges_enabled: account.charges_enabled,
        payouts_enabled: account.payouts_enabled,
        details_submitted: account.details_submitted,
        card_payments_active: account
            .capabilities
            .get("card_payments")
            .is_some_and(|state| state == "active"),
        capabilities: json(serde_json::to_string(&account.capabilities))?,
        requirements: requirements.to_string(),
        fee_bps: None,
        disconnected: false,
        updated_at: moment.at,
    })
}
