//! A tenant's clients, who receive invoices.

use domain::{ClientId, Scope, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// A client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its id.
    pub id: ClientId,
    /// The name on the invoice.
    pub name: String,
    /// Where invoices go, if given.
    pub email: Option<String>,
    /// When it was added.
    pub created_at: Timestamp,
}

const INSERT: Sql = Sql::new(
    "insert into clients (tenant_id, livemode, id, name, email, created_at)
     values ($1, $2, $3, $4, $5, $6)",
);

/// Adds a client.
pub fn insert(tx: &mut Tx, scope: &Scope, client: &Client) -> Result<(), Error> {
    let Client {
        id,
        name,
        email,
        created_at,
    } = client;
    tx.execute(
        &INSERT,
        binds![&scope.tenant, scope.mode, id, name, email.clone(), *created_at],
    )?;
    Ok(())
}

const BY_ID: Sql = Sql::new(
    "select id, name, email, created_at
     from clients
     where tenant_id = $1 and livemode = $2 and id = $3",
);

/// One client of the scope.
pub fn get(tx: &mut Tx, scope: &Scope, id: &ClientId) -> Result<Option<Client>, Error> {
    let row = tx.optional(&BY_ID, binds![&scope.tenant, scope.mode, id])?;
    row.map(|row| read(&row)).transpose()
}

const PAGE: Sql = Sql::new(
    "select id, name, email, created_at
     from clients
     where tenant_id = $1 and livemode = $2 and id < $3
     order by id desc
     limit $4",
);

/// Clients, newest first, after the given id (exclusive).
pub fn page(tx: &mut Tx, scope: &Scope, after: Option<&ClientId>, limit: i64) -> Result<Vec<Client>, Error> {
    let after = after.map_or("cli_~", ClientId::as_str);
    tx.query(&PAGE, binds![&scope.tenant, scope.mode, after, limit])?
        .iter()
        .map(read)
        .collect()
}

fn read(row: &Row) -> Result<Client, Error> {
    Ok(Client {
        id: ClientId::stored(row.text("id")?),
        name: row.text("name")?,
        email: row.text_opt("email")?,
        created_at: values::time(row, "created_at")?,
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&INSERT, &BY_ID, &PAGE];
