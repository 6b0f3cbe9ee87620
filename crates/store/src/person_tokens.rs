//! Links that people are sent, and the token of the first start: each good once and for a while. Only the
//! SHA-256 is kept.

use domain::{PersonTokenId, TenantId, Timestamp, UserId};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// What a token opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Making the first operator.
    Setup,
    /// Choosing a first password.
    Invitation,
    /// Choosing a new password.
    Reset,
    /// Taking another address.
    Email,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 4] = [Kind::Setup, Kind::Invitation, Kind::Reset, Kind::Email];

    /// As the database writes it.
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Setup => "setup",
            Kind::Invitation => "invitation",
            Kind::Reset => "reset",
            Kind::Email => "email",
        }
    }

    fn parse(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonToken {
    /// The row's id.
    pub id: PersonTokenId,
    /// SHA-256 of the token.
    pub hash: String,
    /// What it opens.
    pub kind: Kind,
    /// Whose people it is about.
    pub tenant: TenantId,
    /// Who it is for; nobody yet for the first start.
    pub user: Option<UserId>,
    /// The address that it would give.
    pub email: Option<String>,
    /// From then on it is worth nothing.
    pub expires_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
}

const INSERT: Sql = Sql::new(
    "insert into person_tokens (id, token_hash, kind, tenant_id, user_id, email, expires_at, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8)",
);

/// Adds a token.
pub fn insert(tx: &mut Tx, token: &PersonToken) -> Result<(), Error> {
    let binds = binds![
        &token.id,
        &token.hash,
        token.kind.word(),
        &token.tenant,
        token.user.as_ref().map(|user| user.as_str().to_owned()),
        token.email.clone(),
        token.expires_at,
        token.created_at
    ];
    tx.execute(&INSERT, binds)?;
    Ok(())
}

const LOOK: Sql = Sql::new(
    "select id, token_hash, kind, tenant_id, user_id, email, expires_at, created_at
     from person_tokens
     where token_hash = $1 and kind = $2 and used_at is null and expires_at > $3",
);

/// A token that is in force, without taking it.
pub fn look(tx: &mut Tx, hash: &str, kind: Kind, now: Timestamp) -> Result<Option<PersonToken>, Error> {
    let row = tx.optional(&LOOK, binds![hash, kind.word(), now])?;
    row.map(|row| read(&row)).transpose()
}

const TAKE: Sql = Sql::new(
    "update person_tokens
     set used_at = $3
     where token_hash = $1 and kind = $2 and used_at is null and expires_at > $3
     returning id, token_hash, kind, tenant_id, user_id, email, expires_at, created_at",
);

/// Takes a token, once: none for one that is unknown, of another kind, used or out of date, and all of these
/// look the same.
pub fn take(tx: &mut Tx, hash: &str, kind: Kind, now: Timestamp) -> Result<Option<PersonToken>, Error> {
    let row = tx.optional(&TAKE, binds![hash, kind.word(), now])?;
    row.map(|row| read(&row)).transpose()
}

const VOID_OF_USER: Sql = Sql::new(
    "update person_tokens
     set used_at = $4
     where tenant_id = $1 and user_id = $2 and kind = $3 and used_at is null",
);

/// Makes all tokens of a kind worthless that a person was given.
pub fn void(tx: &mut Tx, tenant: &TenantId, user: &UserId, kind: Kind, at: Timestamp) -> Result<(), Error> {
    tx.execute(&VOID_OF_USER, binds![tenant, user, kind.word(), at])?;
    Ok(())
}

const VOID_SETUP: Sql =
    Sql::new("update person_tokens set used_at = $1 where kind = 'setup' and used_at is null");

/// Makes all tokens of earlier starts worthless.
pub fn void_setup(tx: &mut Tx, at: Timestamp) -> Result<(), Error> {
    tx.execute(&VOID_SETUP, binds![at])?;
    Ok(())
}

const OPEN: Sql = Sql::new(
    "select id, token_hash, kind, tenant_id, user_id, email, expires_at, created_at
     from person_tokens
     where tenant_id = $1 and kind = $2 and used_at is null and expires_at > $3
     order by id
     limit 1000",
);

/// The tokens of a kind that are in force for people of a tenant.
pub fn open(tx: &mut Tx, tenant: &TenantId, kind: Kind, now: Timestamp) -> Result<Vec<PersonToken>, Error> {
    let rows = tx.query(&OPEN, binds![tenant, kind.word(), now])?;
    rows.iter().map(read).collect()
}

const REMOVE: Sql = Sql::new(
    "delete from person_tokens
     where id in (select id from person_tokens where expires_at <= $1 order by expires_at limit $2)",
);

/// Removes tokens that ran out before a moment; answers how many, at most `limit`.
pub fn remove_old(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64, Error> {
    tx.execute(&REMOVE, binds![before, limit])
}

fn read(row: &Row) -> Result<PersonToken, Error> {
    Ok(PersonToken {
        id: PersonTokenId::stored(row.text("id")?),
        hash: row.text("token_hash")?,
        kind: values::word(row, "kind", Kind::parse)?,
        tenant: TenantId::stored(row.text("tenant_id")?),
        user: row.text_opt("user_id")?.map(UserId::stored),
        email: row.text_opt("email")?,
        expires_at: values::time(row, "expires_at")?,
        created_at: values::time(row, "created_at")?,
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&INSERT, &LOOK, &TAKE, &VOID_OF_USER, &VOID_SETUP, &OPEN, &REMOVE];
