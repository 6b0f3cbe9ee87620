//! Which customer of the platform's own Stripe account a tenant is, as the operator has said.

use domain::{Scope, Timestamp};

use crate::binds;
use crate::db::{Error, Sql, Tx};

const PUT: Sql = Sql::new(
    "insert into platform_customers (tenant_id, livemode, stripe_customer_id, created_at)
     values ($1, $2, $3, $4)
     on conflict (tenant_id, livemode) do update set stripe_customer_id = excluded.stripe_customer_id",
);

/// Links a tenant to a customer. One that another tenant is breaks the unique
/// `platform_customers_customer`.
pub fn put(tx: &mut Tx, scope: &Scope, customer: &str, at: Timestamp) -> Result<(), Error> {
    tx.execute(&PUT, binds![&scope.tenant, scope.mode, customer, at])?;
    Ok(())
}

const REMOVE: Sql = Sql::new("delete from platform_customers where tenant_id = $1 and livemode = $2");

/// The tenant is no customer any more.
pub fn remove(tx: &mut Tx, scope: &Scope) -> Result<(), Error> {
    tx.execute(&REMOVE, binds![&scope.tenant, scope.mode])?;
    Ok(())
}

const GET: Sql =
    Sql::new("select stripe_customer_id from platform_customers where tenant_id = $1 and livemode = $2");

/// The customer that a tenant is, if it is one.
pub fn get(tx: &mut Tx, scope: &Scope) -> Result<Option<String>, Error> {
    let row = tx.optional(&GET, binds![&scope.tenant, scope.mode])?;
    row.map(|row| row.text("stripe_customer_id")).transpose()
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&PUT, &REMOVE, &GET];
