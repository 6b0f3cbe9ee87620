//! `/api/reports/…`: the trial balance, a client's statement, and whether invoices, books and Stripe agree,
//! for a tenant and, of any tenant or of the platform itself, for the operator.

mod statement;
mod tie_out;

pub use statement::{statement, statement_of_any};
pub use tie_out::{
    compare_now, compare_now_any, tie_out, tie_out_of_any, trial_balance, trial_balance_of_any,
};

use domain::{Refusal, Scope, TenantId, Timestamp};
use flows::Failure;

use super::subscriptions::mode_of;
use crate::problem::Problem;
use crate::router::Site;

/// Whose books the operator asks for: a tenant's, or without one the platform's own.
async fn whose(site: &Site, tenant: Option<&str>, mode: Option<&str>) -> Result<Scope, Problem> {
    let mode = mode.map(mode_of).transpose()?.unwrap_or(site.config.mode);
    let Some(text) = tenant else {
        return Ok(Scope {
            tenant: TenantId::platform(),
            mode,
        });
    };
    let unknown = || Refusal::invalid("tenant_id", "must be the id of a tenant");
    let tenant = TenantId::parse(text).map_err(|_| unknown())?;
    let wanted = tenant.clone();
    let found = site
        .app
        .db
        .read(move |tx| store::tenants::find(tx, &wanted))
        .await;
    found.map_err(Failure::from)?.ok_or_else(unknown)?;
    Ok(Scope { tenant, mode })
}

/// A key says whose books and which mode; a query may not.
fn not_said(fields: [(&'static str, Option<&str>); 2]) -> Result<(), Problem> {
    match fields.into_iter().find(|(_, given)| given.is_some()) {
        Some((field, _)) => Err(Refusal::invalid(field, "is that of the key").into()),
        None => Ok(()),
    }
}

/// Milliseconds since the epoch, of a time that dates have a name for.
fn moment_of(field: &'static str, ms: Option<i64>) -> Result<Option<Timestamp>, Problem> {
    /// The end of the year 9999.
    const LATEST_MS: i64 = 253_402_300_799_999;
    match ms {
        None => Ok(None),
        Some(ms) if (0..=LATEST_MS).contains(&ms) => Ok(Some(Timestamp::from_ms(ms))),
        Some(_) => Err(Refusal::invalid(field, "must be milliseconds since 1970").into()),
    }
}
