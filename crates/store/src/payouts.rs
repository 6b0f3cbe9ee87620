//! Payouts of each account, as Stripe has them, and what automatic ones consist of.

use domain::{Scope, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::lists::Only;
use crate::{binds, values};

/// A payout as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payout {
    /// Whose: a tenant's, or the platform's.
    pub scope: Scope,
    /// `po_…`.
    pub id: String,
    /// `acct_…`, or empty for the platform's own account.
    pub account: String,
    /// Minor units; below zero when it takes money back from the bank.
    pub amount: i64,
    /// Its currency.
    pub currency: String,
    /// Stripe's word.
    pub status: String,
    /// Whether Stripe made it by the account's schedule.
    pub automatic: bool,
    /// `standard` or `instant`.
    pub method: Option<String>,
    /// The bank account or card.
    pub destination: Option<String>,
    /// What the bank's statement shows.
    pub statement_descriptor: Option<String>,
    /// When it should be there.
    pub arrival_at: Option<Timestamp>,
    /// When it was made, by Stripe's clock.
    pub made_at: Option<Timestamp>,
    /// `completed` once Stripe has said what it consists of.
    pub reconciliation_status: Option<String>,
    /// How it left the balance.
    pub balance_transaction: Option<String>,
    /// How it came back.
    pub failure_balance_transaction: Option<String>,
    /// Why it failed: Stripe's code.
    pub failure_code: Option<String>,
    /// Why it failed: Stripe's sentence.
    pub failure_message: Option<String>,
    /// The payout that it takes back.
    pub original_payout: Option<String>,
    /// The payout that takes it back.
    pub reversed_by: Option<String>,
    /// With which the bank finds it.
    pub trace_id: Option<String>,
    /// Its changes so far.
    pub version: i64,
    /// When its items were read to their end.
    pub itemised_at: Option<Timestamp>,
    /// When it is read again.
    pub next_check_at: Option<Timestamp>,
}

macro_rules! select_payouts {
    ($rest:literal $(,)?) => {
        Sql::new(concat!(
            "select tenant_id, livemode, stripe_payout_id, stripe_account_id, amount, currency, status,
               automatic, method, destination, statement_descriptor, arrival_at, made_at,
               reconciliation_status, balance_transaction_id, failure_balance_transaction_id, failure_code,
               failure_message, original_payout, reversed_by, trace_id, version, itemised_at, next_check_at
             from payouts
             ",
            $rest
        ))
    };
}

const INSERT: Sql = Sql::new(
    "insert into payouts (tenant_id, livemode, stripe_payout_id, stripe_account_id, amount, currency, status,
       automatic, method, destination, statement_descriptor, arrival_at, made_at, reconciliation_status,
       balance_transaction_id, failure_balance_transaction_id, failure_code, failure_message,
       original_payout, reversed_by, trace_id, version, itemised_at, next_check_at, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
       1, $22, $23, $24, $25)
     on conflict (livemode, stripe_payout_id) do nothing",
);

/// Keeps a payout that is new; `false` when it is known.
pub fn insert(tx: &mut Tx, payout: &Payout, at: Timestamp) -> Result<bool, Error> {
    let binds = binds![
        &payout.scope.tenant,
        payout.scope.mode,
        &payout.id,
        &payout.account,
        payout.amount,
        &payout.currency,
        &payout.status,
        i64::from(payout.automatic),
        payout.method.clone(),
        payout.destination.clone(),
        payout.statement_descriptor.clone(),
        payout.arrival_at,
        payout.made_at,
        payout.reconciliation_status.clone(),
        payout.balance_transaction.clone(),
        payout.failure_balance_transaction.clone(),
        payout.failure_code.clone(),
        payout.failure_message.clone(),
        payout.original_payout.clone(),
        payout.reversed_by.clone(),
        payout.trace_id.clone(),
        payout.itemised_at,
        payout.next_check_at,
        at,
        at
    ];
    Ok(tx.execute(&INSERT, binds)? == 1)
}

const STORE: Sql = Sql::new(
    "update payouts set
       status = $5, method = $6, destination = $7, statement_descriptor = $8, arrival_at = $9, made_at = $10,
       reconciliation_status = $11, balance_transaction_id = $12, failure_balance_transaction_id = $13,
       failure_code = $14, failure_message = $15, original_payout = $16, reversed_by = $17, trace_id = $18,
       itemised_at = $19, next_check_at = $20, updated_at = $21, automatic = $22,
       version = version + 1
     where tenant_id = $1 and livemode = $2 and stripe_payout_id = $3 and version = $4",
);

/// Stores what changed over the version that was read; `false` when it changed meanwhile.
pub fn store(tx: &mut Tx, payout: &Payout, at: Timestamp) -> Result<bool, Error> {
    let binds = binds![
        &payout.scope.tenant,
        payout.scope.mode,
        &payout.id,
        payout.version,
        &payout.status,
        payout.method.clone(),
        payout.destination.clone(),
        payout.statement_descriptor.clone(),
        payout.arrival_at,
        payout.made_at,
        payout.reconciliation_status.clone(),
        payout.balance_transaction.clone(),
        payout.failure_balance_transaction.clone(),
        payout.failure_code.clone(),
        payout.failure_message.clone(),
        payout.original_payout.clone(),
        payout.reversed_by.clone(),
        payout.trace_id.clone(),
        payout.itemised_at,
        payout.next_check_at,
        at,
        i64::from(payout.automatic)
    ];
    Ok(tx.execute(&STORE, binds)? == 1)
}

const GET: Sql = select_payouts!("where tenant_id = $1 and livemode = $2 and stripe_payout_id = $3");

/// A payout.
pub fn get(tx: &mut Tx, scope: &Scope, id: &str) -> Result<Option<Payout>, Error> {
    let row = tx.optional(&GET, binds![&scope.tenant, scope.mode, id])?;
    row.map(|row| read(&row)).transpose()
}

const PAGE: Sql = select_payouts!(
    "where tenant_id = $1 and livemode = $2
       and (created_at < $3 or (created_at = $3 and stripe_payout_id < $4))
       and ($5 = '' or status = $5) and ($6 = '' or currency = $6)
       and coalesce(made_at, created_at) >= $7 and coalesce(made_at, created_at) < $8
     order by created_at desc, stripe_payout_id desc
     limit $9",
);

const CREATED: Sql = Sql::new(
    "select created_at from payouts where tenant_id = $1 and livemode = $2 and stripe_payout_id = $3",
);

/// Payouts that are asked for, those that were heard of last first, after the given one; none for one that is
/// not there.
pub fn page(
    tx: &mut Tx,
    scope: &Scope,
    only: &Only,
    after: Option<&str>,
    limit: i64,
) -> Result<Option<Vec<Payout>>, Error> {
    let (created_at, id) = match after {
        Some(id) => match tx.optional(&CREATED, binds![&scope.tenant, scope.mode, id])? {
            Some(row) => (row.int("created_at")?, id),
            None => return Ok(None),
        },
        None => (i64::MAX, ""),
    };
    let (since, until) = only.made();
    let binds = binds![
        &scope.tenant,
        scope.mode,
        created_at,
        id,
        only.status(),
        only.currency(),
        since,
        until,
        limit
    ];
    let rows = tx.query(&PAGE, binds)?;
    rows.iter().map(read).collect::<Result<_, _>>().map(Some)
}

const COUNT: Sql = Sql::new(
    "select count(*) as counted from (
       select 1 as one from payouts
       where tenant_id = $1 and livemode = $2 and ($3 = '' or status = $3) limit 100) counted",
);

/// How many payouts stand so, all of them for an empty word; counted up to
/// [`COUNTED_MAX`](crate::invoice_list::COUNTED_MAX).
pub fn count(tx: &mut Tx, scope: &Scope, status: &str) -> Result<i64, Error> {
    let row = tx.one(&COUNT, binds![&scope.tenant, scope.mode, status])?;
    row.int("counted")
}

const DUE: Sql = select_payouts!(
    "where next_check_at <= $1
       and (stripe_account_id = '' or exists (
         select 1 from stripe_config
         where stripe_config.stripe_account_id = payouts.stripe_account_id
           and stripe_config.livemode = payouts.livemode
           and stripe_config.tenant_id = payouts.tenant_id and stripe_config.disconnected_at is null))
     order by next_check_at, stripe_payout_id
     limit $2",
);

/// Payouts that are to be read, on connected accounts of all tenants and on the platform's own.
pub fn due(tx: &mut Tx, at: Timestamp, limit: i64) -> Result<Vec<Payout>, Error> {
    tx.query(&DUE, binds![at, limit])?.iter().map(read).collect()
}

const CHECK_LATER: Sql = Sql::new(
    "update payouts set next_check_at = $4
     where tenant_id = $1 and livemode = $2 and stripe_payout_id = $3 and next_check_at is not null",
);

/// Puts the next look at one off, so that whatever goes wrong is tried again then.
pub fn check_later(tx: &mut Tx, scope: &Scope, id: &str, at: Timestamp) -> Result<(), Error> {
    tx.execute(&CHECK_LATER, binds![&scope.tenant, scope.mode, id, at])?;
    Ok(())
}

const CHECK_NEVER: Sql = Sql::new(
    "update payouts set next_check_at = null
     where tenant_id = $1 and livemode = $2 and stripe_payout_id = $3",
);

/// There is nothing more to be read of one.
pub fn check_never(tx: &mut Tx, scope: &Scope, id: &str) -> Result<(), Error> {
    tx.execute(&CHECK_NEVER, binds![&scope.tenant, scope.mode, id])?;
    Ok(())
}

const ADD_ITEM: Sql = Sql::new(
    "insert into payout_items (tenant_id, livemode, stripe_payout_id, stripe_balance_transaction_id,
       created_at)
     values ($1, $2, $3, $4, $5)
     on conflict (tenant_id, livemode, stripe_payout_id, stripe_balance_transaction_id) do nothing",
);

/// A payout pays this balance transaction out.
pub fn add_item(
    tx: &mut Tx,
    scope: &Scope,
    payout: &str,
    transaction: &str,
    at: Timestamp,
) -> Result<(), Error> {
    tx.execute(
        &ADD_ITEM,
        binds![&scope.tenant, scope.mode, payout, transaction, at],
    )?;
    Ok(())
}

const FAILED_BEFORE: Sql = Sql::new(
    "select stripe_payout_id from payouts
     where tenant_id = $1 and livemode = $2 and stripe_account_id = $3 and currency = $4 and status = 'failed'
       and exists (
         select 1 from balance_transactions b
         where b.tenant_id = payouts.tenant_id and b.livemode = payouts.livemode
           and b.stripe_balance_transaction_id = payouts.failure_balance_transaction_id and b.made_at <= $5)
     order by stripe_payout_id
     limit $6",
);

/// Payouts of the same balance that failed, and whose money was back on it by then.
pub fn failed_before(tx: &mut Tx, payout: &Payout, by: Timestamp, limit: i64) -> Result<Vec<String>, Error> {
    let binds = binds![
        &payout.scope.tenant,
        payout.scope.mode,
        &payout.account,
        &payout.currency,
        by,
        limit
    ];
    let rows = tx.query(&FAILED_BEFORE, binds)?;
    rows.iter().map(|row| row.text("stripe_payout_id")).collect()
}

fn read(row: &Row) -> Result<Payout, Error> {
    Ok(Payout {
        scope: values::scope(row)?,
        id: row.text("stripe_payout_id")?,
        account: row.text("stripe_account_id")?,
        amount: row.int("amount")?,
        currency: row.text("currency")?,
        status: row.text("status")?,
        automatic: values::flag(row, "automatic")?,
        method: row.text_opt("method")?,
        destination: row.text_opt("destination")?,
        statement_descriptor: row.text_opt("statement_descriptor")?,
        arrival_at: values::time_opt(row, "arrival_at")?,
        made_at: values::time_opt(row, "made_at")?,
        reconciliation_status: row.text_opt("reconciliation_status")?,
        balance_transaction: row.text_opt("balance_transaction_id")?,
        failure_balance_transaction: row.text_opt("failure_balance_transaction_id")?,
        failure_code: row.text_opt("failure_code")?,
        failure_message: row.text_opt("failure_message")?,
        original_payout: row.text_opt("original_payout")?,
        reversed_by: row.text_opt("reversed_by")?,
        trace_id: row.text_opt("trace_id")?,
        version: row.int("version")?,
        itemised_at: values::time_opt(row, "itemised_at")?,
        next_check_at: values::time_opt(row, "next_check_at")?,
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[
    &INSERT,
    &STORE,
    &GET,
    &PAGE,
    &CREATED,
    &COUNT,
    &DUE,
    &CHECK_LATER,
    &CHECK_NEVER,
    &ADD_ITEM,
    &FAILED_BEFORE,
];
