//! Differences between our rows and what Stripe says: shown with their age, never silently overwritten.

use domain::{BreakId, Mode, Scope, TenantId, Timestamp};

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
     on conflict (livemode, kind, subject_id) do update set
       resolved_at = null, detail = excluded.detail, created_at = excluded.created_at
     where reconciliation_breaks.resolved_at is not null",
);

/// Opens a break, unless it is open already. Answers whether it is new.
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

const RESTATE: Sql = Sql::new(
    "update reconciliation_breaks set detail = $5
     where tenant_id = $1 and livemode = $2 and kind = $3 and subject_id = $4 and resolved_at is null",
);

/// Says anew what differs in a break that is open.
pub fn restate(tx: &mut Tx, scope: &Scope, kind: &str, subject_id: &str, detail: &str) -> Result<(), Error> {
    tx.execute(
        &RESTATE,
        binds![&scope.tenant, scope.mode, kind, subject_id, detail],
    )?;
    Ok(())
}

const RESOLVE: Sql = Sql::new(
    "update reconciliation_breaks set resolved_at = $5
     where tenant_id = $1 and livemode = $2 and kind = $3 and subject_id = $4 and resolved_at is null",
);

/// Closes a break of a tenant that is none any more.
pub fn resolve(tx: &mut Tx, scope: &Scope, kind: &str, subject_id: &str, at: Timestamp) -> Result<(), Error> {
    tx.execute(&RESOLVE, binds![&scope.tenant, scope.mode, kind, subject_id, at])?;
    Ok(())
}

const RESOLVE_ANYBODYS: Sql = Sql::new(
    "update reconciliation_breaks set resolved_at = $4
     where livemode = $1 and kind = $2 and subject_id = $3 and resolved_at is null",
);

/// Closes a break that may have been opened before anybody knew whose it is.
pub fn resolve_anybodys(
    tx: &mut Tx,
    mode: Mode,
    kind: &str,
    subject_id: &str,
    at: Timestamp,
) -> Result<(), Error> {
    tx.execute(&RESOLVE_ANYBODYS, binds![mode, kind, subject_id, at])?;
    Ok(())
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&OPEN, &RESTATE, &RESOLVE, &RESOLVE_ANYBODYS];
