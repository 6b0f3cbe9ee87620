//! Which invoices somebody may have to be reminded of, and until when a client has promised to pay.

use domain::seal::Day;
use domain::{InvoiceId, Scope, Timestamp};

use crate::binds;
use crate::db::{Error, Row, Sql, Tx};

const OPEN_DUE: Sql = Sql::new(
    "select id, due_date
     from invoices
     where tenant_id = $1 and livemode = $2 and status = 'open' and due_date >= $3 and due_date <= $4
       and (due_date > $5 or (due_date = $5 and id > $6))
     order by due_date, id
     limit $7",
);

/// Open invoices that are due from the first to the last day, in that order, after the given one (exclusive).
pub fn open_due(
    tx: &mut Tx,
    scope: &Scope,
    (first, last): (Day, Day),
    after: Option<&(String, InvoiceId)>,
    limit: i64,
) -> Result<Vec<(String, InvoiceId)>, Error> {
    let (day, id) = after.map_or(("", ""), |(day, id)| (day.as_str(), id.as_str()));
    let binds = binds![
        &scope.tenant,
        scope.mode,
        first.to_string(),
        last.to_string(),
        day,
        id,
        limit
    ];
    let found = |row: &Row| Ok((row.text("due_date")?, InvoiceId::stored(row.text("id")?)));
    tx.query(&OPEN_DUE, binds)?.iter().map(found).collect()
}

const PROMISE: Sql = Sql::new(
    "insert into invoice_promises (tenant_id, livemode, invoice_id, promised_for, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $5)
     on conflict (tenant_id, livemode, invoice_id) do update set
       promised_for = excluded.promised_for,
       updated_at = excluded.updated_at",
);

/// Notes the day on which a client has promised to pay.
pub fn promise(
    tx: &mut Tx,
    scope: &Scope,
    invoice: &InvoiceId,
    day: Day,
    at: Timestamp,
) -> Result<(), Error> {
    tx.execute(
        &PROMISE,
        binds![&scope.tenant, scope.mode, invoice, day.to_string(), at],
    )?;
    Ok(())
}

const BREAK_PROMISE: Sql = Sql::new(
    "delete from invoice_promises
     where tenant_id = $1 and livemode = $2 and invoice_id = $3",
);

/// Forgets a promise.
pub fn withdraw(tx: &mut Tx, scope: &Scope, invoice: &InvoiceId) -> Result<(), Error> {
    tx.execute(&BREAK_PROMISE, binds![&scope.tenant, scope.mode, invoice])?;
    Ok(())
}

const PROMISED: Sql = Sql::new(
    "select promised_for
     from invoice_promises
     where tenant_id = $1 and livemode = $2 and invoice_id = $3",
);

/// The day on which a client has promised to pay an invoice.
pub fn promised(tx: &mut Tx, scope: &Scope, invoice: &InvoiceId) -> Result<Option<Day>, Error> {
    let row = tx.optional(&PROMISED, binds![&scope.tenant, scope.mode, invoice])?;
    let day = row.map(|row| row.text("promised_for")).transpose()?;
    Ok(day.as_deref().and_then(Day::parse))
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&OPEN_DUE, &PROMISE, &BREAK_PROMISE, &PROMISED];
