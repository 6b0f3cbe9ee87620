//! Differences between our rows and what Stripe says: shown with their age, never silently overwritten.

use domain::{BreakId, Mode, TenantId, Timestamp};

use crate::binds;
use crate::db::{Error, Sql, Tx};

/// A difference. One row per kind and subject.
#[derive(Clone, Debug)]
pub struct Break<'a> {
    /// The row's id.
    pub id: BreakId,
    /// The tenant, where one is known.
    pub tenant: Option<&'a TenantId>,
    /// The mode.
    pub mode: Mode,
    /// What kind of difference, such as `unknown_account`.
    pub kind: &'a str,
    /// The object that differs.
    pub subject_id: &'a str,
    /// What differs, for a person to read. No secrets.
    pub detail: &'a str,
}

const OPEN: Sql = Sql::new(
    "insert into reconciliation_breaks (id, tenant_id, livemode, kind, subject_id, detail, created_at)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (livemode, kind, subject_id) do nothing",
);

/// Opens a break, unless it is there already. Answers whether it is new.
pub fn open(tx: &mut Tx, found: &Break, at: Timestamp) -> Result<bool, Error> {
    let Break {
        id,
        tenant,
        mode,
        kind,
        subject_id,
        detail,
    } = found;
    let tenant = tenant.map(|tenant| tenant.as_str().to_owned());
    Ok(tx.execute(&OPEN, binds![id, tenant, *mode, *kind, *subject_id, *detail, at])? == 1)
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&OPEN];
