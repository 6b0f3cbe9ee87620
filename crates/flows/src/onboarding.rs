//! Tenants and their connected accounts. An account's state is always retrieved, never taken from an event.

use domain::{Mode, Refusal, Scope, TenantId};
use store::Tx;
use store::stripe_config::{self, Origin, StripeConfig};
use store::tenants::{self, Tenant};
use stripe::{Account, accounts};

use crate::audit::{self, Entry};
use crate::{Actor, App, By, Failure};

/// Adds a tenant.
///
/// # Errors
/// [`Refusal::InvalidField`] for an empty name.
pub async fn add_tenant(
    app: &App,
    by: &By,
    name: &str,
    support_email: Option<&str>,
) -> Result<TenantId, Failure> {
    if name.trim().is_empty() {
        return Err(Refusal::invalid("name", "must not be empty").into());
    }
    let moment = app.moment();
    let id = TenantId::new(moment.at, moment.random(0));
    let tenant = Tenant {
        id: id.clone(),
        name: name.trim().to_owned(),
        support_email: support_email.map(str::to_owned),
    };
    let by = by.clone();
    app.db
        .write(move |tx| {
            tenants::insert(tx, &tenant, moment.at)?;
            let entry = Entry {
                action: "tenant.created",
                subject: tenant.id.as_str(),
                before: None,
                after: Some(serde_json::json!({"name": tenant.name}).to_string()),
            };
            audit::note(tx, None, &by, moment, &entry)
        })
        .await?;
    Ok(id)
}

/// Connects an account that exists at Stripe: retrieves it and stores what it may do.
///
/// # Errors
/// When Stripe does not know the account, or another tenant has it.
pub async fn connect(app: &App, scope: &Scope, by: &By, account_id: &str) -> Result<(), Failure> {
    let account = accounts::retrieve(app.stripe(scope.mode)?, account_id).await?;
    let (moment, scope, by) = (app.moment(), scope.clone(), by.clone());
    app.db
        .write(move |tx| {
            let before = stripe_config::get(tx, &scope)?;
            let config = config_of(&scope, &account)?;
            if !stripe_config::put(tx, &config, moment.at)? {
                return Err(Failure::Bug("the tenant has another account".to_owned()));
            }
            let (before, after) = (before.as_ref().map(noted), noted(&config));
            // What Stripe says again and again is noted where it says something else.
            if before.as_ref() == Some(&after) {
                return Ok(());
            }
            let entry = Entry {
                action: if before.is_none() {
                    "account.connected"
                } else {
                    "account.changed"
                },
                subject: account.id.as_str(),
                before,
                after: Some(after),
            };
            Ok(audit::note(tx, Some(&scope), &by, moment, &entry)?)
        })
        .await
}

/// Reads a connected account again after an event said that something about it changed. Answers whether a
/// tenant has it.
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
    connect(app, &known.scope, &By::new(Actor::Stripe), account_id).await?;
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

fn config_of(scope: &Scope, account: &Account) -> Result<StripeConfig, Failure> {
    let json = |result: Result<String, serde_json::Error>| result.map_err(|e| Failure::Bug(e.to_string()));
    let requirements = serde_json::json!({
        "currently_due": account.requirements.currently_due,
        "past_due": account.requirements.past_due,
        "disabled_reason": account.requirements.disabled_reason,
    });
    Ok(StripeConfig {
        scope: scope.clone(),
        stripe_account_id: account.id.clone(),
        origin: Origin::Created,
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
    })
}
