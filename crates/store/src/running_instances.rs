//! The instances that run on this database, each a row that it renews while it lives.

use domain::Timestamp;

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// Most instances that are listed.
const LISTED_MAX: i64 = 200;

/// An instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// What it calls itself; another one at each start.
    pub id: String,
    /// Which version of this program it is.
    pub version: String,
    /// Fingerprints of the webhook secrets that it takes, of both modes.
    pub secrets: Vec<String>,
    /// When it last said that it lives.
    pub seen_at: Timestamp,
}

const SEE: Sql = Sql::new(
    "insert into running_instances (id, version, secrets, created_at, seen_at) values ($1, $2, $3, $4, $4)
     on conflict (id) do update set
       secrets = excluded.secrets,
       seen_at = excluded.seen_at",
);

const LIVING: Sql = Sql::new(
    "select id, version, secrets, seen_at from running_instances where seen_at > $1 order by id limit $2",
);

const END: Sql = Sql::new("delete from running_instances where id = $1");

const FORGET: Sql = Sql::new("delete from running_instances where seen_at <= $1");

const CLEAR: Sql = Sql::new("delete from running_instances");

/// Says that an instance lives.
pub fn see(tx: &mut Tx, running: &Running) -> Result<(), Error> {
    let secrets = running.secrets.join(" ");
    let binds = binds![&running.id, &running.version, secrets, running.seen_at];
    tx.execute(&SEE, binds)?;
    Ok(())
}

/// Those that were seen since a moment, by id.
pub fn living(tx: &mut Tx, since: Timestamp) -> Result<Vec<Running>, Error> {
    tx.query(&LIVING, binds![since, LISTED_MAX])?
        .iter()
        .map(read)
        .collect()
}

/// Takes one away, which has ended.
pub fn end(tx: &mut Tx, id: &str) -> Result<(), Error> {
    tx.execute(&END, binds![id])?;
    Ok(())
}

/// Takes those away that were not seen since a moment.
pub fn forget(tx: &mut Tx, seen_until: Timestamp) -> Result<(), Error> {
    tx.execute(&FORGET, binds![seen_until])?;
    Ok(())
}

/// Takes all away, as the one instance does that a database of one process has.
pub fn clear(tx: &mut Tx) -> Result<(), Error> {
    tx.execute(&CLEAR, &[])?;
    Ok(())
}

fn read(row: &Row) -> Result<Running, Error> {
    let secrets = row.text("secrets")?;
    Ok(Running {
        id: row.text("id")?,
        version: row.text("version")?,
        secrets: secrets.split_whitespace().map(str::to_owned).collect(),
        seen_at: values::time(row, "seen_at")?,
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&SEE, &LIVING, &END, &FORGET, &CLEAR];
