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
    /// The lines of its address.
    pub address: Vec<String>,
    /// Its number with the tax office.
    pub tax_id: Option<String>,
    /// Raised by every change.
    pub version: i64,
    /// When it was added.
    pub created_at: Timestamp,
}

/// What a client is found by: its name and e-mail address in lower case.
fn search_key(client: &Client) -> String {
    let email = client.email.as_deref().unwrap_or_default();
    format!("{} {email}", client.name).to_lowercase()
}

macro_rules! select_clients {
    ($rest:literal $(,)?) => {
        Sql::new(concat!(
            "select id, name, email, address, tax_id, version, created_at
             from clients
             ",
            $rest
        ))
    };
}

const INSERT: Sql = Sql::new(
    "insert into clients (tenant_id, livemode, id, name, email, address, tax_id, search_key, version,
       created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
);

/// Adds a client.
pub fn insert(tx: &mut Tx, scope: &Scope, client: &Client) -> Result<(), Error> {
    let binds = binds![
        &scope.tenant,
        scope.mode,
        &client.id,
        &client.name,
        client.email.clone(),
        client.address.join("\n"),
        client.tax_id.clone(),
        search_key(client),
        client.version,
        client.created_at
    ];
    tx.execute(&INSERT, binds)?;
    Ok(())
}

const UPDATE: Sql = Sql::new(
    "update clients set
       name = $4, email = $5, address = $6, tax_id = $7, search_key = $8, version = version + 1
     where tenant_id = $1 and livemode = $2 and id = $3 and version = $9",
);

/// Stores what a client is called and where it is over the version that was read; `false` when it was
/// changed.
pub fn update(tx: &mut Tx, scope: &Scope, client: &Client) -> Result<bool, Error> {
    let binds = binds![
        &scope.tenant,
        scope.mode,
        &client.id,
        &client.name,
        client.email.clone(),
        client.address.join("\n"),
        client.tax_id.clone(),
        search_key(client),
        client.version
    ];
    Ok(tx.execute(&UPDATE, binds)? == 1)
}

const BY_ID: Sql = select_clients!("where tenant_id = $1 and livemode = $2 and id = $3");

/// One client of the scope.
pub fn get(tx: &mut Tx, scope: &Scope, id: &ClientId) -> Result<Option<Client>, Error> {
    let row = tx.optional(&BY_ID, binds![&scope.tenant, scope.mode, id])?;
    row.map(|row| read(&row)).transpose()
}

const PAGE: Sql = select_clients!(
    "where tenant_id = $1 and livemode = $2 and id < $3
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

/// Where a list by name goes on: the key and id of the last client that was shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Its key.
    pub key: String,
    /// Its id.
    pub id: String,
}

impl Cursor {
    /// After this client.
    pub fn after(client: &Client) -> Cursor {
        Cursor {
            key: search_key(client),
            id: client.id.to_string(),
        }
    }
}

const BY_NAME: Sql = select_clients!(
    "where tenant_id = $1 and livemode = $2 and (search_key, id) > ($3, $4)
     order by search_key, id
     limit $5",
);

/// Clients by name, from after the cursor.
pub fn by_name(tx: &mut Tx, scope: &Scope, after: &Cursor, limit: i64) -> Result<Vec<Client>, Error> {
    let binds = binds![
        &scope.tenant,
        scope.mode,
        after.key.clone(),
        after.id.clone(),
        limit
    ];
    tx.query(&BY_NAME, binds)?.iter().map(read).collect()
}

const FIND: Sql = select_clients!(
    "where tenant_id = $1 and livemode = $2 and search_key like $3 escape '!'
       and (search_key, id) > ($4, $5)
     order by search_key, id
     limit $6",
);

/// Clients whose name or e-mail address has this text in it, in upper or lower case, by name.
pub fn find(
    tx: &mut Tx,
    scope: &Scope,
    text: &str,
    after: &Cursor,
    limit: i64,
) -> Result<Vec<Client>, Error> {
    let binds = binds![
        &scope.tenant,
        scope.mode,
        contains(text),
        after.key.clone(),
        after.id.clone(),
        limit
    ];
    tx.query(&FIND, binds)?.iter().map(read).collect()
}

/// The pattern of what has this text in it; what a pattern would read otherwise is taken as it is.
fn contains(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

fn read(row: &Row) -> Result<Client, Error> {
    let address = row.text("address")?;
    Ok(Client {
        id: ClientId::stored(row.text("id")?),
        name: row.text("name")?,
        email: row.text_opt("email")?,
        address: address.lines().map(str::to_owned).collect(),
        tax_id: row.text_opt("tax_id")?,
        version: row.int("version")?,
        created_at: values::time(row, "created_at")?,
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&INSERT, &UPDATE, &BY_ID, &PAGE, &BY_NAME, &FIND];

#[cfg(test)]
mod tests {
    use super::contains;

    #[test]
    fn what_is_looked_for_is_no_pattern() {
        assert_eq!(contains("Hofmann KG"), "%hofmann kg%");
        assert_eq!(contains("100%_!"), "%100!%!_!!%");
    }
}
