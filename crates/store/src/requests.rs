//! Requests that carried an idempotency key: which they were, who carries them out, and what was answered.

use domain::idempotency::Progress;
use domain::{Scope, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// A key in its place: one tenant, mode and route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The tenant and mode, or the platform's own.
    pub scope: Scope,
    /// Verb and address, with `{id}` for what varies.
    pub route: String,
    /// What the caller sent.
    pub key: String,
}

/// A request as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Where its key is kept.
    pub place: Place,
    /// SHA-256 of verb, address and body, in hex.
    pub request_hash: String,
    /// How far it is.
    pub progress: Progress,
    /// Which try this is; who carries it out proves by this number that it is still theirs.
    pub attempt: i64,
    /// Randomness for the ids of what it makes, in hex: every try makes the same.
    pub seed: String,
    /// What was answered.
    pub answer: Option<Answer>,
    /// When it first came.
    pub created_at: Timestamp,
}

/// An answer without its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub http_status: i64,
    /// The body.
    pub body: String,
    /// What was left out of the body, so that it can be found out again.
    pub withheld: Option<String>,
}

const BY_KEY: Sql = Sql::new(
    "select tenant_id, livemode, route, idempotency_key, request_hash, status, attempt, lease_until, seed,
       http_status, answer, withheld, created_at
     from requests
     where tenant_id = $1 and livemode = $2 and route = $3 and idempotency_key = $4",
);

/// What is known of a key.
pub fn find(tx: &mut Tx, place: &Place) -> Result<Option<Request>, Error> {
    let Place { scope, route, key } = place;
    let row = tx.optional(&BY_KEY, binds![&scope.tenant, scope.mode, route, key])?;
    row.map(|row| read(&row)).transpose()
}

const INSERT: Sql = Sql::new(
    "insert into requests (tenant_id, livemode, route, idempotency_key, request_hash, status, attempt,
       lease_until, seed, created_at)
     values ($1, $2, $3, $4, $5, 'in_flight', 1, $6, $7, $8)",
);

/// Notes that a request is carried out for the first time.
pub fn insert(
    tx: &mut Tx,
    place: &Place,
    request_hash: &str,
    seed: &str,
    at: Timestamp,
    lease_until: Timestamp,
) -> Result<(), Error> {
    let Place { scope, route, key } = place;
    let binds = binds![
        &scope.tenant,
        scope.mode,
        route,
        key,
        request_hash,
        lease_until,
        seed,
        at
    ];
    tx.execute(&INSERT, binds)?;
    Ok(())
}

const TAKE_OVER: Sql = Sql::new(
    "update requests set attempt = attempt + 1, lease_until = $6
     where tenant_id = $1 and livemode = $2 and route = $3 and idempotency_key = $4
       and status = 'in_flight' and attempt = $5",
);

/// Takes a request over from the try `attempt`; `false` when somebody else did.
pub fn take_over(tx: &mut Tx, place: &Place, attempt: i64, lease_until: Timestamp) -> Result<bool, Error> {
    let Place { scope, route, key } = place;
    let binds = binds![&scope.tenant, scope.mode, route, key, attempt, lease_until];
    Ok(tx.execute(&TAKE_OVER, binds)? == 1)
}

const ANSWER: Sql = Sql::new(
    "update requests set status = 'answered', http_status = $6, answer = $7, withheld = $8, answered_at = $9
     where tenant_id = $1 and livemode = $2 and route = $3 and idempotency_key = $4
       and status = 'in_flight' and attempt = $5",
);

/// Keeps the answer of the try `attempt`; `false` when the request is not that try's any more.
pub fn answer(
    tx: &mut Tx,
    place: &Place,
    attempt: i64,
    answer: &Answer,
    at: Timestamp,
) -> Result<bool, Error> {
    let Place { scope, route, key } = place;
    let Answer {
        http_status,
        body,
        withheld,
    } = answer;
    let (tenant, mode) = (&scope.tenant, scope.mode);
    let binds = binds![
        tenant,
        mode,
        route,
        key,
        attempt,
        *http_status,
        body,
        withheld.clone(),
        at
    ];
    Ok(tx.execute(&ANSWER, binds)? == 1)
}

const FORGET: Sql = Sql::new(
    "delete from requests
     where tenant_id = $1 and livemode = $2 and route = $3 and idempotency_key = $4
       and status = 'in_flight' and attempt = $5",
);

/// Gives the key free after a try whose answer is not kept; `false` when the request is not that try's any
/// more.
pub fn forget(tx: &mut Tx, place: &Place, attempt: i64) -> Result<bool, Error> {
    let Place { scope, route, key } = place;
    let binds = binds![&scope.tenant, scope.mode, route, key, attempt];
    Ok(tx.execute(&FORGET, binds)? == 1)
}

const GIVE_BACK: Sql = Sql::new(
    "update requests set lease_until = $6
     where tenant_id = $1 and livemode = $2 and route = $3 and idempotency_key = $4
       and status = 'in_flight' and attempt = $5",
);

/// Ends the try `attempt` without an answer: from now on anyone may carry the request out again. `false` when
/// it is not that try's any more.
pub fn give_back(tx: &mut Tx, place: &Place, attempt: i64, at: Timestamp) -> Result<bool, Error> {
    let Place { scope, route, key } = place;
    let binds = binds![&scope.tenant, scope.mode, route, key, attempt, at];
    Ok(tx.execute(&GIVE_BACK, binds)? == 1)
}

const RELEASE: Sql =
    Sql::new("update requests set lease_until = $1 where status = 'in_flight' and lease_until > $1");

/// Ends every lease, for a process that knows it is alone: what was in flight went with the one before it.
pub fn release_leases(tx: &mut Tx, at: Timestamp) -> Result<(), Error> {
    tx.execute(&RELEASE, binds![at])?;
    Ok(())
}

const REMOVE: Sql = Sql::new(
    "delete from requests
     where (tenant_id, livemode, route, idempotency_key) in (
       select tenant_id, livemode, route, idempotency_key
       from requests
       where created_at < $1
       order by created_at
       limit $2)",
);

/// Removes requests from before a moment, oldest first, at most `limit`; answers how many.
pub fn remove_before(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64, Error> {
    tx.execute(&REMOVE, binds![before, limit])
}

fn read(row: &Row) -> Result<Request, Error> {
    let answered = values::word(row, "status", |word| match word {
        "in_flight" => Some(false),
        "answered" => Some(true),
        _ => None,
    })?;
    let lease_until = values::time(row, "lease_until")?;
    Ok(Request {
        place: Place {
            scope: values::scope(row)?,
            route: row.text("route")?,
            key: row.text("idempotency_key")?,
        },
        request_hash: row.text("request_hash")?,
        progress: if answered {
            Progress::Answered
        } else {
            Progress::InFlight { lease_until }
        },
        attempt: row.int("attempt")?,
        seed: row.text("seed")?,
        answer: match row.int_opt("http_status")? {
            Some(http_status) => Some(Answer {
                http_status,
                body: row.text("answer")?,
                withheld: row.text_opt("withheld")?,
            }),
            None => None,
        },
        created_at: values::time(row, "created_at")?,
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[
    &BY_KEY, &INSERT, &TAKE_OVER, &ANSWER, &FORGET, &GIVE_BACK, &RELEASE, &REMOVE,
];
