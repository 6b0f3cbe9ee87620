//! How each tenant's invoices are numbered, the last number of each series, and the terms of new ones.

use domain::invoice_settings::{InvoiceSettings, PREFIX_DEFAULT};
use domain::{Scope, Timestamp};

use crate::db::{Error, Sql, Tx};
use crate::{binds, invoices};

const GET: Sql = Sql::new(
    "select prefix, due_days, memo
     from invoice_settings
     where tenant_id = $1 and livemode = $2",
);

/// What a tenant chose; what there is without a choice.
pub fn get(tx: &mut Tx, scope: &Scope) -> Result<InvoiceSettings, Error> {
    match tx.optional(&GET, binds![&scope.tenant, scope.mode])? {
        None => Ok(InvoiceSettings::default()),
        Some(row) => Ok(InvoiceSettings {
            prefix: row.text("prefix")?,
            due_days: row.int_opt("due_days")?,
            memo: row.text_opt("memo")?,
        }),
    }
}

const PUT: Sql = Sql::new(
    "insert into invoice_settings (tenant_id, livemode, prefix, due_days, memo, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $6)
     on conflict (tenant_id, livemode) do update set
       prefix = excluded.prefix, due_days = excluded.due_days, memo = excluded.memo,
       updated_at = excluded.updated_at",
);

/// Puts a choice in the place of the one before.
pub fn put(tx: &mut Tx, scope: &Scope, settings: &InvoiceSettings, at: Timestamp) -> Result<(), Error> {
    let binds = binds![
        &scope.tenant,
        scope.mode,
        &settings.prefix,
        settings.due_days,
        settings.memo.clone(),
        at
    ];
    tx.execute(&PUT, binds)?;
    Ok(())
}

const NEXT: Sql = Sql::new(
    "insert into invoice_series (tenant_id, livemode, prefix, last_number, created_at)
     values ($1, $2, $3, 1, $4)
     on conflict (tenant_id, livemode, prefix) do update set last_number = invoice_series.last_number + 1
     returning last_number",
);

/// The next number of the tenant's series with this prefix, without gaps: a rolled back transaction gives its
/// number back.
pub fn next_number(tx: &mut Tx, scope: &Scope, prefix: &str, at: Timestamp) -> Result<i64, Error> {
    if prefix == PREFIX_DEFAULT {
        return invoices::next_number(tx, scope, at);
    }
    tx.one(&NEXT, binds![&scope.tenant, scope.mode, prefix, at])?
        .int("last_number")
}

const LAST: Sql =
    Sql::new("select last_number from invoice_series where tenant_id = $1 and livemode = $2 and prefix = $3");
const LAST_OF_FIRST: Sql =
    Sql::new("select last_number from invoice_numbers where tenant_id = $1 and livemode = $2");

/// The last number that was given with this prefix; zero where none was.
pub fn last_number(tx: &mut Tx, scope: &Scope, prefix: &str) -> Result<i64, Error> {
    let row = match prefix == PREFIX_DEFAULT {
        true => tx.optional(&LAST_OF_FIRST, binds![&scope.tenant, scope.mode])?,
        false => tx.optional(&LAST, binds![&scope.tenant, scope.mode, prefix])?,
    };
    row.map_or(Ok(0), |row| row.int("last_number"))
}

const SKIP: Sql = Sql::new(
    "insert into invoice_series (tenant_id, livemode, prefix, last_number, created_at)
     values ($1, $2, $3, $4, $5)
     on conflict (tenant_id, livemode, prefix) do update set last_number = excluded.last_number
       where invoice_series.last_number <= excluded.last_number",
);
const SKIP_OF_FIRST: Sql = Sql::new(
    "insert into invoice_numbers (tenant_id, livemode, last_number, created_at)
     values ($1, $2, $3, $4)
     on conflict (tenant_id, livemode) do update set last_number = excluded.last_number
       where invoice_numbers.last_number <= excluded.last_number",
);

/// Has a series go on after this number; `false`, and nothing changes, where it is further already.
pub fn skip_to(tx: &mut Tx, scope: &Scope, prefix: &str, last: i64, at: Timestamp) -> Result<bool, Error> {
    let rows = match prefix == PREFIX_DEFAULT {
        true => tx.execute(&SKIP_OF_FIRST, binds![&scope.tenant, scope.mode, last, at])?,
        false => tx.execute(&SKIP, binds![&scope.tenant, scope.mode, prefix, last, at])?,
    };
    Ok(rows == 1)
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&GET, &PUT, &NEXT, &LAST, &LAST_OF_FIRST, &SKIP, &SKIP_OF_FIRST];
