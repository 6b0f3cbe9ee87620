//! MSPs. The one table that is about tenants rather than of one.

use domain::{TenantId, Timestamp};

use crate::binds;
use crate::db::{Error, Row, Sql, Tx};

/// An MSP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// The name that payers read.
    pub name: String,
    /// Where payers may ask, if given.
    pub support_email: Option<String>,
}

const INSERT: Sql =
    Sql::new("insert into tenants (id, name, support_email, created_at) values ($1, $2, $3, $4)");

/// Adds a tenant.
pub fn insert(tx: &mut Tx, tenant: &Tenant, at: Timestamp) -> Result<(), Error> {
    let Tenant {
        id,
        name,
        support_email,
    } = tenant;
    tx.execute(&INSERT, binds![id, name, support_email.clone(), at])?;
    Ok(())
}

const BY_ID: Sql = Sql::new("select id, name, support_email from tenants where id = $1");

/// A tenant that a scope names.
pub fn get(tx: &mut Tx, id: &TenantId) -> Result<Tenant, Error> {
    read(&tx.one(&BY_ID, binds![id])?)
}

const LIST: Sql = Sql::new("select id, name, support_email from tenants order by id limit 1000");

/// Every tenant, oldest first.
pub fn all(tx: &mut Tx) -> Result<Vec<Tenant>, Error> {
    tx.query(&LIST, &[])?.iter().map(read).collect()
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
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&INSERT, &BY_ID, &LIST, &COUNT];
