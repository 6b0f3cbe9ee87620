//! Objects on a tenant's account that are not ours: its own shop, Stripe's dashboard, a CLI. Kept to be
//! shown, never parked, never an invoice's.

use domain::{Scope, Timestamp};

use crate::binds;
use crate::db::{Error, Sql, Tx};

/// What is known of such an object.
#[derive(Clone, Debug)]
pub struct ExternalObject<'a> {
    /// The tenant on whose account it is.
    pub scope: &'a Scope,
    /// The account.
    pub stripe_account_id: &'a str,
    /// The object's id.
    pub object_id: &'a str,
    /// Stripe's name of its type, such as `payment_intent`.
    pub object_type: &'a str,
    /// Its status, as Stripe wrote it last.
    pub status: Option<String>,
    /// Its amount in minor units.
    pub amount: Option<i64>,
    /// Its currency, as Stripe wrote it.
    pub currency: Option<String>,
}

const UPSERT: Sql = Sql::new(
    "insert into external_objects (tenant_id, livemode, stripe_account_id, object_id, type, status, amount,
       currency, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     on conflict (tenant_id, livemode, stripe_account_id, object_id) do update set
       status = excluded.status, amount = excluded.amount, updated_at = excluded.updated_at",
);

/// Stores the object as it was seen last.
pub fn put(tx: &mut Tx, object: &ExternalObject, at: Timestamp) -> Result<(), Error> {
    let binds = binds![
        &object.scope.tenant,
        object.scope.mode,
        object.stripe_account_id,
        object.object_id,
        object.object_type,
        object.status.clone(),
        object.amount,
        object.currency.clone(),
        at,
        at
    ];
    tx.execute(&UPSERT, binds)?;
    Ok(())
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&UPSERT];
