//! Who asked for a new password and is to be answered. A row stands here until the worker has looked whose
//! the address is, and then it is gone.

use std::net::IpAddr;

use domain::{PersonTokenId, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// Somebody who asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResetAsk {
    /// The row's id, and that of the link that follows, if one does.
    pub id: PersonTokenId,
    /// The address that was typed, as addresses are compared.
    pub email: String,
    /// From where.
    pub address: Option<IpAddr>,
    /// By which request.
    pub request_id: Option<String>,
    /// When.
    pub created_at: Timestamp,
}

const INSERT: Sql = Sql::new(
    "insert into reset_asks (id, email, address, request_id, created_at)
     values ($1, $2, $3, $4, $5)",
);

/// Notes that somebody asked.
pub fn insert(tx: &mut Tx, ask: &ResetAsk) -> Result<(), Error> {
    let binds = binds![
        &ask.id,
        &ask.email,
        ask.address.map(|address| address.to_string()),
        ask.request_id.clone(),
        ask.created_at
    ];
    tx.execute(&INSERT, binds)?;
    Ok(())
}

const OLDEST: Sql = Sql::new(
    "select id, email, address, request_id, created_at
     from reset_asks
     order by id
     limit $1",
);

/// Those who wait longest, at most so many.
pub fn oldest(tx: &mut Tx, limit: i64) -> Result<Vec<ResetAsk>, Error> {
    tx.query(&OLDEST, binds![limit])?.iter().map(read).collect()
}

const REMOVE: Sql = Sql::new("delete from reset_asks where id = $1");

/// Takes one up; `false` when somebody else did.
pub fn remove(tx: &mut Tx, id: &PersonTokenId) -> Result<bool, Error> {
    Ok(tx.execute(&REMOVE, binds![id])? == 1)
}

fn read(row: &Row) -> Result<ResetAsk, Error> {
    Ok(ResetAsk {
        id: PersonTokenId::stored(row.text("id")?),
        email: row.text("email")?,
        // What is no address is none: nothing is decided by it.
        address: row.text_opt("address")?.and_then(|address| address.parse().ok()),
        request_id: row.text_opt("request_id")?,
        created_at: values::time(row, "created_at")?,
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&INSERT, &OLDEST, &REMOVE];
