//! Objects on a tenant's account that are not ours: its own shop, Stripe's dashboard, a CLI. Kept to be
//! shown, never parked, never an invoice's.

use domain::{Scope, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

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

/// Such an object as it was seen last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The object's id.
    pub object_id: String,
    /// Stripe's name of its type.
    pub object_type: String,
    /// The account.
    pub stripe_account_id: String,
    /// Its status, as Stripe wrote it last.
    pub status: Option<String>,
    /// Its amount in minor units.
    pub amount: Option<i64>,
    /// Its currency, as Stripe wrote it.
    pub currency: Option<String>,
    /// When it was seen first.
    pub created_at: Timestamp,
    /// When it was seen last.
    pub updated_at: Timestamp,
}

const PAGE: Sql = Sql::new(
    "select object_id, type, stripe_account_id, status, amount, currency, created_at, updated_at
     from external_objects
     where tenant_id = $1 and livemode = $2 and object_id > $3
     order by object_id
     limit $4",
);

/// Objects in the order of their ids, after the given one (exclusive). An id of Stripe's is of one account.
pub fn page(tx: &mut Tx, scope: &Scope, after: &str, limit: i64) -> Result<Vec<Seen>, Error> {
    tx.query(&PAGE, binds![&scope.tenant, scope.mode, after, limit])?
        .iter()
        .map(read)
        .collect()
}

fn read(row: &Row) -> Result<Seen, Error> {
    Ok(Seen {
        object_id: row.text("object_id")?,
        object_type: row.text("type")?,
        stripe_account_id: row.text("stripe_account_id")?,
        status: row.text_opt("status")?,
        amount: row.int_opt("amount")?,
        currency: row.text_opt("currency")?,
        created_at: values::time(row, "created_at")?,
        updated_at: values::time(row, "updated_at")?,
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&UPSERT, &PAGE];
