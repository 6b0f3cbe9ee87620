//! Every change of an invoice's or payment's state, with its cause. Append-only.

use domain::{Scope, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

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

/// A change of state that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The object.
    pub subject_id: String,
    /// The state before; none when it was made.
    pub from: Option<String>,
    /// The state after.
    pub to: String,
    /// When.
    pub at: Timestamp,
}

const CAUSED: Sql = Sql::new(
    "select subject_id, from_state, to_state, created_at from state_history
     where tenant_id = $1 and livemode = $2 and subject_id = $3 and cause = $4
     order by version",
);

/// What a cause has changed of an object.
pub fn caused(tx: &mut Tx, scope: &Scope, subject_id: &str, cause: &str) -> Result<Vec<Changed>, Error> {
    let rows = tx.query(&CAUSED, binds![&scope.tenant, scope.mode, subject_id, cause])?;
    let read = |row: &Row| {
        Ok(Changed {
            subject_id: row.text("subject_id")?,
            from: row.text_opt("from_state")?,
            to: row.text("to_state")?,
            at: values::time(row, "created_at")?,
        })
    };
    rows.iter().map(read).collect()
}

const REACHED: Sql = Sql::new(
    "select created_at from state_history
     where tenant_id = $1 and livemode = $2 and subject_id = $3 and to_state = $4
     order by version",
);

/// When an object came to a state, each time.
pub fn reached(tx: &mut Tx, scope: &Scope, subject_id: &str, state: &str) -> Result<Vec<Timestamp>, Error> {
    let rows = tx.query(&REACHED, binds![&scope.tenant, scope.mode, subject_id, state])?;
    rows.iter().map(|row| values::time(row, "created_at")).collect()
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&INSERT, &CAUSED, &REACHED];
