//! Every change of an invoice's or payment's state, with its cause. Append-only.

use domain::{Scope, Timestamp};

use crate::binds;
use crate::db::{Error, Sql, Tx};

/// One change of state.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    /// Whose object.
    pub scope: &'a Scope,
    /// The object.
    pub subject_id: &'a str,
    /// Its version after the change.
    pub version: i64,
    /// The state before; none when it was made.
    pub from: Option<&'a str>,
    /// The state after.
    pub to: &'a str,
    /// What caused it, such as `api` or `event:evt_…`.
    pub cause: &'a str,
}

const INSERT: Sql = Sql::new(
    "insert into state_history (tenant_id, livemode, subject_id, version, from_state, to_state, cause,
      created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8)",
);

/// Notes a change.
pub fn insert(tx: &mut Tx, change: &Change, at: Timestamp) -> Result<(), Error> {
    let Change {
        scope,
        subject_id,
        version,
        from,
        to,
        cause,
    } = change;
    let from = from.map(str::to_owned);
    let binds = binds![
        &scope.tenant,
        scope.mode,
        *subject_id,
        *version,
        from,
        *to,
        *cause,
        at
    ];
    tx.execute(&INSERT, binds)?;
    Ok(())
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&INSERT];
