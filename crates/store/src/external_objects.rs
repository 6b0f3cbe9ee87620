//! Objects on a tenant's account that are not ours: its own shop, Stripe's dashboard, a CLI. Kept to be
//! shown, never parked, never an invoice's.

use domain::external::{self, Said};
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
    /// When this was so: by the event that said it, or by when it was read.
    pub as_of: Timestamp,
}

const KNOWN: Sql = Sql::new(
    "select status, as_of
     from external_objects
     where tenant_id = $1 and livemode = $2 and stripe_account_id = $3 and object_id = $4",
);

/// The status of such an object, where it has one and is known.
pub fn status_of(tx: &mut Tx, scope: &Scope, account: &str, object: &str) -> Result<Option<String>, Error> {
    let row = tx.optional(&KNOWN, binds![&scope.tenant, scope.mode, account, object])?;
    match row {
        Some(row) => row.text_opt("status"),
        None => Ok(None),
    }
}

const UPSERT: Sql = Sql::new(
    "insert into external_objects (tenant_id, livemode, stripe_account_id, object_id, type, status, amount,
       currency, created_at, updated_at, as_of)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
     on conflict (tenant_id, livemode, stripe_account_id, object_id) do update set
       status = excluded.status, amount = excluded.amount, updated_at = excluded.updated_at,
       as_of = excluded.as_of",
);

/// Stores the object as it is now, as far as that is known: what is older than what is stored changes
/// nothing.
pub fn put(tx: &mut Tx, object: &ExternalObject, at: Timestamp) -> Result<(), Error> {
    let key = binds![
        &object.scope.tenant,
        object.scope.mode,
        object.stripe_account_id,
        object.object_id
    ];
    if let Some(row) = tx.optional(&KNOWN, key)? {
        let status = row.text_opt("status")?;
        let known = Said {
            status: status.as_deref(),
            as_of: values::time(&row, "as_of")?,
        };
        let now = Said {
            status: object.status.as_deref(),
            as_of: object.as_of,
        };
        if !external::replaces(object.object_type, known, now) {
            return Ok(());
        }
    }
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
        at,
        object.as_of
    ];
    tx.execute(&UPSERT, binds)?;
    Ok(())
}

const REMOVE: Sql = Sql::new(
    "delete from external_objects
     where tenant_id = $1 and livemode = $2 and stripe_account_id = $3 and object_id = $4",
);

/// Takes an object out that is ours after all.
pub fn remove(tx: &mut Tx, scope: &Scope, account: &str, object: &str) -> Result<(), Error> {
    tx.execute(&REMOVE, binds![&scope.tenant, scope.mode, account, object])?;
    Ok(())
}

/// An object that may have gone on since it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// The object's id.
    pub object_id: String,
    /// Stripe's name of its type.
    pub object_type: String,
}

const OF_ACCOUNT: Sql = Sql::new(
    "select object_id, type, status
     from external_objects
     where tenant_id = $1 and livemode = $2 and stripe_account_id = $3 and object_id > $4
     order by object_id
     limit $5",
);

/// A page of an account's objects after the given one, and the last one that was looked at: those of them
/// that are not over.
pub fn unfinished(
    tx: &mut Tx,
    scope: &Scope,
    account: &str,
    after: &str,
    limit: i64,
) -> Result<(Vec<Unfinished>, Option<String>), Error> {
    let rows = tx.query(
        &OF_ACCOUNT,
        binds![&scope.tenant, scope.mode, account, after, limit],
    )?;
    let mut found = Vec::new();
    let mut last = None;
    for row in &rows {
        let (object_type, object_id) = (row.text("type")?, row.text("object_id")?);
        last = Some(object_id.clone());
        if !external::is_over(&object_type, row.text_opt("status")?.as_deref()) {
            found.push(Unfinished {
                object_id,
                object_type,
            });
        }
    }
    Ok((found, last))
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
pub const ALL: &[&Sql] = &[&KNOWN, &UPSERT, &REMOVE, &OF_ACCOUNT, &PAGE];
