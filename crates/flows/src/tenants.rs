//! Tenants as the operator sees them: added, suspended, resumed, closed. Nothing that a tenant has is ever
//! removed: its books, invoices and payments stay, and what Stripe reports goes on being recorded.

use domain::tenant::{TenantMove, TenantState};
use domain::{Mode, Permissions, Refusal, Scope, TenantId};
use serde_json::json;
use store::api_keys::{self as key_rows, ApiKey};
use store::stripe_config::{self, StripeConfig};
use store::tenants::{self, Tenant};
use store::{Tx, platform_customers};
use stripe::Secret;

use crate::api_keys::{self, NewKey};
use crate::audit::{self, Entry};
use crate::invoicing::email_address;
use crate::{App, By, Failure, Moment};

/// Longest name, e-mail or reason, in characters.
const TEXT_MAX: usize = 500;
/// What the first key of a new tenant is called.
const FIRST_KEY: &str = "First key";

/// A tenant's first keys, with their secrets unless they were made before.
pub type FirstKeys = Vec<(ApiKey, Option<Secret>)>;

/// Adds a tenant, with its first API key in each of these modes, all or nothing. The ids come from `moment`,
/// which a request that is tried again has from its first try: then what was made is answered, without the
/// secrets.
///
/// # Errors
/// [`Refusal::InvalidField`] for the name or the e-mail.
pub async fn add(
    app: &App,
    by: &By,
    moment: Moment,
    name: &str,
    support_email: Option<&str>,
    keys_of: &[Mode],
) -> Result<(Tenant, FirstKeys), Failure> {
    let id = TenantId::new(moment.at, moment.random(0));
    let name = text("name", name)?;
    let email = support_email.map(|email| email_address("support_email", email));
    let tenant = Tenant::new(id, name, email.transpose()?, moment.at);
    let key = |(mode, n): (&Mode, u32)| {
        let scope = Scope {
            tenant: tenant.id.clone(),
            mode: *mode,
        };
        let new = NewKey {
            name: FIRST_KEY.to_owned(),
            permissions: Permissions::All,
            expires_at: None,
        };
        api_keys::prepare(app, &scope, moment, n, new)
    };
    let keys = keys_of.iter().zip(1..).map(key).collect::<Result<Vec<_>, _>>()?;
    let (rows, secrets): (Vec<ApiKey>, Vec<Secret>) = keys.into_iter().unzip();
    let by = by.clone();
    let added = app.db.write(move |tx| {
        if let Some(known) = tenants::find(tx, &tenant.id)? {
            let stored = rows.iter().map(|key| key_rows::get(tx, &key.scope, &key.id));
            let stored = stored.collect::<Result<Vec<_>, _>>()?;
            return Ok((known, stored.into_iter().flatten().collect(), false));
        }
        tenants::insert(tx, &tenant)?;
        note(tx, &by, moment, "tenant.created", None, &tenant)?;
        for key in &rows {
            api_keys::insert(tx, &by, moment, key)?;
        }
        Ok::<(Tenant, Vec<ApiKey>, bool), Failure>((tenant.clone(), rows.clone(), true))
    });
    let (tenant, keys, is_new) = added.await?;
    let shown = secrets.into_iter().map(|secret| is_new.then_some(secret));
    Ok((tenant, keys.into_iter().zip(shown).collect()))
}

/// Suspends, resumes or closes a tenant. Closing revokes its keys in the same transaction.
///
/// # Errors
/// [`Refusal::NotFound`], [`Refusal::TenantClosed`], [`Refusal::InvalidField`] for the reason.
pub async fn set(
    app: &App,
    by: &By,
    id: &TenantId,
    step: TenantMove,
    reason: Option<&str>,
) -> Result<Tenant, Failure> {
    let reason = reason.map(|reason| text("reason", reason)).transpose()?;
    let (moment, by, id) = (app.moment(), by.clone(), id.clone());
    let moved = app.db.write(move |tx| {
        let mut tenant = tenants::find(tx, &id)?.ok_or(Refusal::NotFound)?;
        let from = tenant.status;
        let to = from.moved(step)?;
        if to == from {
            return Ok(tenant);
        }
        tenant.status = to;
        tenant.status_reason.clone_from(&reason);
        tenant.status_at = Some(moment.at);
        if !tenants::set_status(tx, &tenant, from)? {
            return Err(Failure::Store(store::Error::Conflict));
        }
        if to == TenantState::Closed {
            for mode in [Mode::Test, Mode::Live] {
                let scope = Scope {
                    tenant: id.clone(),
                    mode,
                };
                key_rows::revoke_all(tx, &scope, moment.at)?;
            }
        }
        let action = match step {
            TenantMove::Suspend => "tenant.suspended",
            TenantMove::Resume => "tenant.resumed",
            TenantMove::Close => "tenant.closed",
        };
        note(tx, &by, moment, action, Some(from), &tenant)?;
        Ok(tenant)
    });
    moved.await
}

fn note(
    tx: &mut Tx,
    by: &By,
    moment: Moment,
    action: &'static str,
    before: Option<TenantState>,
    tenant: &Tenant,
) -> Result<(), Failure> {
    let after = json!({
        "name": tenant.name,
        "status": tenant.status.word(),
        "reason": tenant.status_reason,
    });
    let entry = Entry {
        action,
        subject: tenant.id.as_str(),
        before: before.map(|state| json!({"status": state.word()}).to_string()),
        after: Some(after.to_string()),
    };
    Ok(audit::note(tx, None, by, moment, &entry)?)
}

/// A tenant with its connected account and what it is to the platform in each mode, TEST first.
#[derive(Clone, Debug)]
pub struct Overview {
    /// The tenant.
    pub tenant: Tenant,
    /// Its accounts.
    pub accounts: [(Mode, Option<StripeConfig>); 2],
    /// Which customer of the platform's own account it is.
    pub customers: [(Mode, Option<String>); 2],
}

/// Reads what belongs to a tenant's overview.
///
/// # Errors
/// When the database fails.
pub fn overview(tx: &mut Tx, tenant: Tenant) -> Result<Overview, store::Error> {
    let scope = |mode| Scope {
        tenant: tenant.id.clone(),
        mode,
    };
    let mut account = |mode| stripe_config::get(tx, &scope(mode)).map(|config| (mode, config));
    let accounts = [account(Mode::Test)?, account(Mode::Live)?];
    let mut customer = |mode| platform_customers::get(tx, &scope(mode)).map(|customer| (mode, customer));
    let customers = [customer(Mode::Test)?, customer(Mode::Live)?];
    Ok(Overview {
        tenant,
        accounts,
        customers,
    })
}

/// Refuses new work of a tenant that is suspended or closed, within the transaction that would begin it.
///
/// # Errors
/// [`Refusal::TenantSuspended`] and [`Refusal::TenantClosed`].
pub fn new_work(tx: &mut Tx, scope: &Scope) -> Result<(), Failure> {
    Ok(tenants::get(tx, &scope.tenant)?.status.new_work()?)
}

fn text(field: &'static str, given: &str) -> Result<String, Refusal> {
    domain::text::shown(given, TEXT_MAX, false).ok_or_else(|| {
        let problem = format!("must be plain text with 1 to {TEXT_MAX} characters");
        Refusal::invalid(field, problem)
    })
}
