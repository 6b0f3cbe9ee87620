//! States of the round trips through Stripe's pages: 256 random bits in an address, of which only the SHA-256
//! is kept here, with whose round trip it is. One that is taken is gone, for whoever brings it again.

use domain::{Scope, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// What a state may be brought back for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The end of Stripe's onboarding.
    Return,
    /// An account link that has run out, or was opened before.
    Refresh,
    /// The answer to a request for access to an existing account.
    OAuth,
    /// Looking at the account's state again and again, after a return.
    Watch,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 4] = [Kind::Return, Kind::Refresh, Kind::OAuth, Kind::Watch];

    /// The kind as the database writes it.
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Return => "return",
            Kind::Refresh => "refresh",
            Kind::OAuth => "oauth",
            Kind::Watch => "watch",
        }
    }

    fn from_word(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// Whose round trip a state is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectState {
    /// The tenant and mode that set out.
    pub scope: Scope,
    /// SHA-256 of the state, as 64 hex digits.
    pub hash: String,
    /// What it may be brought back for.
    pub kind: Kind,
    /// The account that it is about; none while access to one is only asked for.
    pub stripe_account_id: Option<String>,
    /// From then on it is worth nothing.
    pub expires_at: Timestamp,
}

const INSERT: Sql = Sql::new(
    "insert into connect_states (tenant_id, livemode, state_hash, kind, stripe_account_id, expires_at,
       created_at)
     values ($1, $2, $3, $4, $5, $6, $7)",
);

/// Notes a state before it is sent into the world.
pub fn insert(tx: &mut Tx, state: &ConnectState, at: Timestamp) -> Result<(), Error> {
    let binds = binds![
        &state.scope.tenant,
        state.scope.mode,
        &state.hash,
        state.kind.word(),
        state.stripe_account_id.clone(),
        state.expires_at,
        at
    ];
    tx.execute(&INSERT, binds)?;
    Ok(())
}

const TAKE: Sql = Sql::new(
    "update connect_states set used_at = $3
     where state_hash = $1 and kind = $2 and used_at is null and expires_at > $3
     returning tenant_id, livemode, state_hash, kind, stripe_account_id, expires_at",
);

/// Takes a state, once: none for one that is unknown, of another kind, used or out of date, and all of these
/// look the same.
pub fn take(tx: &mut Tx, hash: &str, kind: Kind, at: Timestamp) -> Result<Option<ConnectState>, Error> {
    tx.optional(&TAKE, binds![hash, kind.word(), at])?
        .map(|row| read(&row))
        .transpose()
}

const LOOK: Sql = Sql::new(
    "select tenant_id, livemode, state_hash, kind, stripe_account_id, expires_at
     from connect_states
     where state_hash = $1 and kind = $2 and used_at is null and expires_at > $3",
);

/// A state that is in force, without taking it.
pub fn look(tx: &mut Tx, hash: &str, kind: Kind, at: Timestamp) -> Result<Option<ConnectState>, Error> {
    tx.optional(&LOOK, binds![hash, kind.word(), at])?
        .map(|row| read(&row))
        .transpose()
}

const FORGET: Sql = Sql::new("delete from connect_states where expires_at <= $1");

/// Deletes what has run out. Answers how many there were.
pub fn forget(tx: &mut Tx, expired_at: Timestamp) -> Result<u64, Error> {
    tx.execute(&FORGET, binds![expired_at])
}

fn read(row: &Row) -> Result<ConnectState, Error> {
    Ok(ConnectState {
        scope: values::scope(row)?,
        hash: row.text("state_hash")?,
        kind: values::word(row, "kind", Kind::from_word)?,
        stripe_account_id: row.text_opt("stripe_account_id")?,
        expires_at: values::time(row, "expires_at")?,
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&INSERT, &TAKE, &LOOK, &FORGET];
