//! What was collected on each day and what is owed by each due date, in sums that the database keeps by
//! itself: triggers write a row for each change, and rows of the same day are folded into one from time to
//! time. What they are sums of is the view `day_sums_wanted`.

use domain::seal::Day;
use domain::{Currency, Scope};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// What payments brought in a stretch of time, in a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collected {
    /// The currency.
    pub currency: Currency,
    /// What was received, less what went back or was taken by banks in this time, minor units; below zero
    /// where that is more.
    pub received: i64,
    /// The platform's fees on what was received as far as they are reported, less those that were given back
    /// with what went back in this time, minor units.
    pub application_fees: i64,
    /// How many payments.
    pub payments: i64,
}

const COLLECTED: Sql = Sql::new(
    "select day, currency, cast(sum(amount) as bigint) as received,
       cast(sum(fees) as bigint) as application_fees, cast(sum(counted) as bigint) as payments
     from day_sums
     where tenant_id = $1 and livemode = $2 and kind = 'received' and day >= $3 and day < $4
     group by day, currency
     order by day, currency",
);

/// What payments brought on each day on which something moved, from one day on and before another, in each
/// currency. Money that went back counts when it left, and not with the payment that it came by: a month
/// that is over keeps its sums.
pub fn collected_by_day(
    tx: &mut Tx,
    scope: &Scope,
    from: Day,
    before: Day,
) -> Result<Vec<(Day, Collected)>, Error> {
    let binds = binds![&scope.tenant, scope.mode, from.to_string(), before.to_string()];
    let of_day = |row: &Row| {
        let day = row.text("day")?;
        let day = Day::parse(&day).ok_or_else(|| Error::Schema(format!("{day} is no day")))?;
        let collected = Collected {
            currency: values::currency(row)?,
            received: row.int("received")?,
            application_fees: row.int("application_fees")?,
            payments: row.int("payments")?,
        };
        Ok((day, collected))
    };
    tx.query(&COLLECTED, binds)?.iter().map(of_day).collect()
}

/// As [`collected_by_day`], all days together.
pub fn collected(tx: &mut Tx, scope: &Scope, from: Day, before: Day) -> Result<Vec<Collected>, Error> {
    Ok(together(
        &collected_by_day(tx, scope, from, before)?,
        from,
        before,
    ))
}

/// The sum of those days that are from one on and before another, in each currency.
pub fn together(days: &[(Day, Collected)], from: Day, before: Day) -> Vec<Collected> {
    let mut sums: Vec<Collected> = Vec::new();
    for (_, of_day) in days.iter().filter(|(day, _)| (from..before).contains(day)) {
        match sums.iter_mut().find(|sum| sum.currency == of_day.currency) {
            Some(sum) => {
                sum.received = sum.received.saturating_add(of_day.received);
                sum.application_fees = sum.application_fees.saturating_add(of_day.application_fees);
                sum.payments = sum.payments.saturating_add(of_day.payments);
            }
            None => sums.push(*of_day),
        }
    }
    sums.sort_by_key(|sum| sum.currency.code());
    sums
}

/// What is owed in a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owed {
    /// The currency.
    pub currency: Currency,
    /// What is owed, minor units.
    pub owed: i64,
    /// How much of it is overdue, minor units.
    pub overdue: i64,
    /// How many invoices are owed.
    pub invoices: i64,
    /// How many of them are overdue.
    pub invoices_overdue: i64,
}

const OWED: Sql = Sql::new(
    "select currency, cast(sum(amount) as bigint) as owed, cast(sum(counted) as bigint) as invoices,
       cast(sum(case when kind = 'open' and day <> '' and day < $3 then amount else 0 end) as bigint)
         as overdue,
       cast(sum(case when kind = 'open' and day <> '' and day < $3 then counted else 0 end) as bigint)
         as invoices_overdue
     from day_sums
     where tenant_id = $1 and livemode = $2 and kind in ('open', 'processing')
     group by currency
     having sum(counted) > 0",
);

/// What is owed by all clients, in each currency. `today` is the day as `YYYY-MM-DD`: what is due before it
/// is overdue.
pub fn owed(tx: &mut Tx, scope: &Scope, today: &str) -> Result<Vec<Owed>, Error> {
    let rows = tx.query(&OWED, binds![&scope.tenant, scope.mode, today])?;
    let mut owed = rows.iter().map(read_owed).collect::<Result<Vec<Owed>, Error>>()?;
    owed.sort_by_key(|one| one.currency.code());
    Ok(owed)
}

/// Reads what is owed in a currency.
pub(crate) fn read_owed(row: &Row) -> Result<Owed, Error> {
    Ok(Owed {
        currency: values::currency(row)?,
        owed: row.int("owed")?,
        overdue: row.int("overdue")?,
        invoices: row.int("invoices")?,
        invoices_overdue: row.int("invoices_overdue")?,
    })
}

const TO_FOLD: Sql = Sql::new(
    "select distinct tenant_id, livemode, kind, currency, day
     from day_sums
     where folded = 0
     order by tenant_id, livemode, kind, currency, day
     limit $1",
);

const SUM: Sql = Sql::new(
    "select cast(sum(amount) as bigint) as amount, cast(sum(fees) as bigint) as fees,
       cast(sum(counted) as bigint) as counted
     from day_sums
     where tenant_id = $1 and livemode = $2 and kind = $3 and currency = $4 and day = $5",
);

const REMOVE: Sql = Sql::new(
    "delete from day_sums
     where tenant_id = $1 and livemode = $2 and kind = $3 and currency = $4 and day = $5",
);

const PUT: Sql = Sql::new(
    "insert into day_sums (tenant_id, livemode, kind, currency, day, amount, fees, counted, folded)
     values ($1, $2, $3, $4, $5, $6, $7, $8, 1)",
);

/// Folds the rows of at most so many days into one each, and answers of how many. What is written meanwhile
/// by others is neither summed nor removed: a transaction sees one state of the table.
pub fn fold(tx: &mut Tx, limit: i64) -> Result<usize, Error> {
    let rows = tx.query(&TO_FOLD, binds![limit])?;
    for row in &rows {
        let scope = values::scope(row)?;
        let (kind, currency, day) = (row.text("kind")?, row.text("currency")?, row.text("day")?);
        let key = binds![&scope.tenant, scope.mode, &kind, &currency, &day];
        let sum = tx.one(&SUM, key)?;
        tx.execute(&REMOVE, key)?;
        let (amount, fees, counted) = (sum.int("amount")?, sum.int("fees")?, sum.int("counted")?);
        if (amount, fees, counted) != (0, 0, 0) {
            let put = binds![
                &scope.tenant,
                scope.mode,
                &kind,
                &currency,
                &day,
                amount,
                fees,
                counted
            ];
            tx.execute(&PUT, put)?;
        }
    }
    Ok(rows.len())
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&COLLECTED, &OWED, &TO_FOLD, &SUM, &REMOVE, &PUT];
