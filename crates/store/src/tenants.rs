//! MSPs. The one table that is about tenants rather than of one.

use domain::tenant::TenantState;
use domain::{TenantId, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// An MSP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// The name that payers read.
    pub name: String,
    /// Where payers may ask, if given.
    pub support_email: Option<String>,
    /// Whether it may take new work.
    pub status: TenantState,
    /// What the operator said about the last change of that.
    pub status_reason: Option<String>,
    /// When that was, if it ever changed.
    pub status_at: Option<Timestamp>,
    /// When it was added.
    pub created_at: Timestamp,
}

impl Tenant {
    /// An active tenant, added at this moment.
    pub fn new(id: TenantId, name: String, support_email: Option<String>, at: Timestamp) -> Tenant {
        Tenant {
            id,
            name,
            support_email,
            status: TenantState::Active,
            status_reason: None,
            status_at: None,
            created_at: at,
        }
    }
}

const INSERT: Sql =
    Sql::new("insert into tenants (id, name, support_email, status, created_at) values ($1, $2, $3, $4, $5)");

/// Adds a tenant.
pub fn insert(tx: &mut Tx, tenant: &Tenant) -> Result<(), Error> {
    let binds = binds![
        &tenant.id,
        &tenant.name,
        tenant.support_email.clone(),
        tenant.status.word(),
        tenant.created_at
    ];
    tx.execute(&INSERT, binds)?;
    Ok(())
}

const BY_ID: Sql = Sql::new(
    "select id, name, support_email, status, status_reason, status_at, created_at
     from tenants
     where id = $1",
);

/// A tenant that a scope names.
pub fn get(tx: &mut Tx, id: &TenantId) -> Result<Tenant, Error> {
    read(&tx.one(&BY_ID, binds![id])?)
}

/// A tenant that somebody asks for.
pub fn find(tx: &mut Tx, id: &TenantId) -> Result<Option<Tenant>, Error> {
    let row = tx.optional_once(&BY_ID, binds![id])?;
    row.map(|row| read(&row)).transpose()
}

const LIST: Sql = Sql::new(
    "select id, name, support_email, status, status_reason, status_at, created_at
     from tenants
     order by id
     limit 1000",
);

/// Every tenant, oldest first.
pub fn all(tx: &mut Tx) -> Result<Vec<Tenant>, Error> {
    tx.query(&LIST, &[])?.iter().map(read).collect()
}

const PAGE: Sql = Sql::new(
    "select id, name, support_email, status, status_reason, status_at, created_at
     from tenants
     where id < $1
     order by id desc
     limit $2",
);

/// Tenants, newest first, after the given id (exclusive).
pub fn page(tx: &mut Tx, after: Option<&TenantId>, limit: i64) -> Result<Vec<Tenant>, Error> {
    let after = after.map_or("ten_~", TenantId::as_str);
    tx.query(&PAGE, binds![after, limit])?.iter().map(read).collect()
}

const SEARCH: Sql = Sql::new(
    "select id, name, support_email, status, status_reason, status_at, created_at
     from tenants
     where id < $1 and (id = $3 or lower(name) like $2 escape '!'
       or lower(coalesce(support_email, '')) like $2 escape '!')
     order by id desc
     limit $4",
);

/// Tenants in whose name or support address a text stands, or of this id, newest first.
pub fn search(tx: &mut Tx, text: &str, after: Option<&TenantId>, limit: i64) -> Result<Vec<Tenant>, Error> {
    let after = after.map_or("ten_~", TenantId::as_str);
    let quoted = text
        .to_lowercase()
        .replace('!', "!!")
        .replace('%', "!%")
        .replace('_', "!_");
    let binds = binds![after, format!("%{quoted}%"), text, limit];
    tx.query(&SEARCH, binds)?.iter().map(read).collect()
}

const MOVE: Sql = Sql::new(
    "update tenants set status = $3, status_reason = $4, status_at = $5
     where id = $1 and status = $2",
);

/// Moves a tenant to the state that it has in `tenant`; `false` when it is not in `from` any more.
pub fn set_status(tx: &mut Tx, tenant: &Tenant, from: TenantState) -> Result<bool, Error> {
    let binds = binds![
        &tenant.id,
        from.word(),
        tenant.status.word(),
        tenant.status_reason.clone(),
        tenant.status_at
    ];
    Ok(tx.execute(&MOVE, binds)? == 1)
}

const COUNT: Sql = Sql::new("select count(*) as tenants from tenants");

/// How many tenants there are: zero in a fresh database.
pub fn count(tx: &mut Tx) -> Result<i64, Error> {
    tx.one(&COUNT, &[])?.int("tenants")
}

fn read(row: &Row) -> Result<Tenant, Error> {
    Ok(Tenant {
        id: TenantId::stored(row.text("id")?),
        name: row.text("name")?,
        support_email: row.text_opt("support_email")?,
        status: values::word(row, "status", TenantState::parse)?,
        status_reason: row.text_opt("status_reason")?,
        status_at: values::time_opt(row, "status_at")?,
        created_at: values::time(row, "created_at")?,
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&INSERT, &BY_ID, &LIST, &PAGE, &SEARCH, &MOVE, &COUNT];
