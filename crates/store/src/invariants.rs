//! What must hold of the rows, whatever has happened: each invariant is a statement that finds the rows that
//! break it, of all tenants and both modes at once, so that no row is missed because its tenant or its mode
//! is wrong. A database that only psa-pay has written has no such row; `psa-pay check-ledger` looks, and so
//! do the tests, after whatever they did.
//!
//! The tie-out of the clearing account with Stripe's balance is a comparison of its own, and no matter of SQL
//! alone; nor is L5, which is in `flows::invariants`: a seal is a hash.

mod balance;
mod disputes;
mod fees;
mod ledger;
mod money;
mod offline;
mod parts;
mod refunds;
mod states;
mod sums;
mod tenancy;

use crate::binds;
use crate::db::{Error, Sql, Tx};

/// When an invariant holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// After every transaction.
    Always,
    /// Once nothing is under way: every event is applied and every write to Stripe has an answer.
    Quiet,
}

/// A rule, and the statement that finds what breaks it.
#[derive(Debug)]
pub struct Invariant {
    /// Its number, such as `L1`; several may share one.
    pub code: &'static str,
    /// What holds, in plain words.
    pub says: &'static str,
    /// When.
    pub when: When,
    sql: &'static Sql,
}

const fn always(code: &'static str, says: &'static str, sql: &'static Sql) -> Invariant {
    Invariant {
        code,
        says,
        when: When::Always,
        sql,
    }
}

const fn quiet(code: &'static str, says: &'static str, sql: &'static Sql) -> Invariant {
    Invariant {
        code,
        says,
        when: When::Quiet,
        sql,
    }
}

/// Every invariant, in the order of their numbers within each family.
pub fn all() -> impl Iterator<Item = &'static Invariant> {
    [
        ledger::ALL,
        balance::ALL,
        money::ALL,
        offline::ALL,
        fees::ALL,
        parts::ALL,
        disputes::ALL,
        refunds::ALL,
        sums::ALL,
        states::ALL,
        tenancy::ALL,
    ]
    .into_iter()
    .flatten()
}

/// A row that breaks an invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offender {
    /// As the row says; empty where it belongs to nobody.
    pub tenant: String,
    /// As the row says, which may be what is wrong.
    pub livemode: i64,
    /// The row.
    pub id: String,
}

/// On PostgreSQL a statement may otherwise take ten seconds; a large ledger takes longer to read.
const PATIENCE: Sql = Sql::per_engine(
    "select 'unlimited' as patience",
    "set local statement_timeout = '30min'",
);

/// The rows that break an invariant, at most `limit` of them.
pub fn broken_by(tx: &mut Tx, invariant: &Invariant, limit: i64) -> Result<Vec<Offender>, Error> {
    tx.query(&PATIENCE, &[])?;
    let rows = tx.query(invariant.sql, binds![limit])?;
    let offender = |row: &crate::db::Row| {
        Ok(Offender {
            tenant: row.text_opt("tenant_id")?.unwrap_or_default(),
            livemode: row.int("livemode")?,
            id: row.text_opt("id")?.unwrap_or_default(),
        })
    };
    rows.iter().map(offender).collect()
}

/// For the test that prepares every statement.
pub fn statements() -> impl Iterator<Item = &'static Sql> {
    all().map(|invariant| invariant.sql).chain([&PATIENCE])
}
