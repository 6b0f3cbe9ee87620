//! Sessions of people: what a browser's cookie opens. Only the SHA-256 of what the cookie holds is kept.

use domain::{SessionId, TenantId, Timestamp, UserId};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// How far somebody has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The password was right, and the second factor is still to be shown: it opens nothing else.
    Password,
    /// Logged in.
    Full,
}

impl Stage {
    /// As the database writes it.
    pub const fn word(self) -> &'static str {
        match self {
            Stage::Password => "password",
            Stage::Full => "full",
        }
    }

    fn parse(word: &str) -> Option<Stage> {
        [Stage::Password, Stage::Full]
            .into_iter()
            .find(|stage| stage.word() == word)
    }
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The row's id, by which it is listed and ended.
    pub id: SessionId,
    /// SHA-256 of what the cookie holds.
    pub secret_hash: String,
    /// Whose people the person belongs to.
    pub tenant: TenantId,
    /// Whose session it is.
    pub user: UserId,
    /// How far they have come.
    pub stage: Stage,
    /// From where it was begun, as its owner is shown it.
    pub address: Option<String>,
    /// What the browser called itself.
    pub agent: Option<String>,
    /// The last request, to the minute.
    pub last_seen_at: Timestamp,
    /// When they last showed who they are.
    pub stepped_up_at: Option<Timestamp>,
    /// It ends then at the latest.
    pub expires_at: Timestamp,
    /// When it was ended.
    pub revoked_at: Option<Timestamp>,
    /// When it began.
    pub created_at: Timestamp,
}

const INSERT: Sql = Sql::new(
    "insert into sessions (id, secret_hash, tenant_id, user_id, stage, address, agent, last_seen_at,
       stepped_up_at, expires_at, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
);

/// Adds a session.
pub fn insert(tx: &mut Tx, session: &Session) -> Result<(), Error> {
    let binds = binds![
        &session.id,
        &session.secret_hash,
        &session.tenant,
        &session.user,
        session.stage.word(),
        session.address.clone(),
        session.agent.clone(),
        session.last_seen_at,
        session.stepped_up_at,
        session.expires_at,
        session.created_at
    ];
    tx.execute(&INSERT, binds)?;
    Ok(())
}

const BY_HASH: Sql = Sql::new(
    "select id, secret_hash, tenant_id, user_id, stage, address, agent, last_seen_at, stepped_up_at,
       expires_at, revoked_at, created_at
     from sessions
     where secret_hash = $1",
);

/// The session of this hash, ended ones included.
pub fn by_hash(tx: &mut Tx, secret_hash: &str) -> Result<Option<Session>, Error> {
    let row = tx.optional(&BY_HASH, binds![secret_hash])?;
    row.map(|row| read(&row)).transpose()
}

const OF_USER: Sql = Sql::new(
    "select id, secret_hash, tenant_id, user_id, stage, address, agent, last_seen_at, stepped_up_at,
       expires_at, revoked_at, created_at
     from sessions
     where tenant_id = $1 and user_id = $2 and stage = 'full' and revoked_at is null and expires_at > $3
     order by id desc
     limit 100",
);

/// The sessions of a person that have not ended, newest first.
pub fn of_user(tx: &mut Tx, tenant: &TenantId, user: &UserId, now: Timestamp) -> Result<Vec<Session>, Error> {
    let rows = tx.query(&OF_USER, binds![tenant, user, now])?;
    rows.iter().map(read).collect()
}

const TOUCH: Sql = Sql::new("update sessions set last_seen_at = $2 where id = $1 and last_seen_at <= $3");

/// Writes down that a session is used, unless that was done after `unless_after`.
pub fn touch(tx: &mut Tx, id: &SessionId, at: Timestamp, unless_after: Timestamp) -> Result<(), Error> {
    tx.execute(&TOUCH, binds![id, at, unless_after])?;
    Ok(())
}

const RENEW: Sql = Sql::new(
    "update sessions
     set secret_hash = $3, stepped_up_at = $4, last_seen_at = $5
     where id = $1 and secret_hash = $2 and revoked_at is null",
);

/// Gives a session another secret; `false` when it has ended or got another one meanwhile. `stepped_up_at` is
/// when its person last showed who they are: now, or as it was.
pub fn renew(
    tx: &mut Tx,
    session: &Session,
    secret_hash: &str,
    stepped_up_at: Option<Timestamp>,
    at: Timestamp,
) -> Result<bool, Error> {
    let binds = binds![&session.id, &session.secret_hash, secret_hash, stepped_up_at, at];
    Ok(tx.execute(&RENEW, binds)? == 1)
}

const REVOKE: Sql = Sql::new(
    "update sessions
     set revoked_at = $4
     where tenant_id = $1 and user_id = $2 and id = $3 and revoked_at is null",
);

/// Ends a session of a person; `false` when there is none that has not ended.
pub fn revoke(
    tx: &mut Tx,
    tenant: &TenantId,
    user: &UserId,
    id: &SessionId,
    at: Timestamp,
) -> Result<bool, Error> {
    Ok(tx.execute(&REVOKE, binds![tenant, user, id, at])? == 1)
}

const REVOKE_OTHERS: Sql = Sql::new(
    "update sessions
     set revoked_at = $4
     where tenant_id = $1 and user_id = $2 and id <> $3 and revoked_at is null",
);

/// Ends all sessions of a person but the one that is kept, if any; answers how many there were.
pub fn revoke_all(
    tx: &mut Tx,
    tenant: &TenantId,
    user: &UserId,
    kept: Option<&SessionId>,
    at: Timestamp,
) -> Result<u64, Error> {
    let kept = kept.map_or("", SessionId::as_str);
    tx.execute(&REVOKE_OTHERS, binds![tenant, user, kept, at])
}

const REMOVE: Sql = Sql::new(
    "delete from sessions
     where id in (select id from sessions where expires_at <= $1 order by expires_at limit $2)",
);

/// Removes sessions that ran out before a moment; answers how many, at most `limit`.
pub fn remove_old(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64, Error> {
    tx.execute(&REMOVE, binds![before, limit])
}

fn read(row: &Row) -> Result<Session, Error> {
    Ok(Session {
        id: SessionId::stored(row.text("id")?),
        secret_hash: row.text("secret_hash")?,
        tenant: TenantId::stored(row.text("tenant_id")?),
        user: UserId::stored(row.text("user_id")?),
        stage: values::word(row, "stage", Stage::parse)?,
        address: row.text_opt("address")?,
        agent: row.text_opt("agent")?,
        last_seen_at: values::time(row, "last_seen_at")?,
        stepped_up_at: values::time_opt(row, "stepped_up_at")?,
        expires_at: values::time(row, "expires_at")?,
        revoked_at: values::time_opt(row, "revoked_at")?,
        created_at: values::time(row, "created_at")?,
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[
    &INSERT,
    &BY_HASH,
    &OF_USER,
    &TOUCH,
    &RENEW,
    &REVOKE,
    &REVOKE_OTHERS,
    &REMOVE,
];
