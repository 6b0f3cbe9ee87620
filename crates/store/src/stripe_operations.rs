//! Writes to Stripe: each is committed here, with its key and frozen parameters, before it is sent. A row is
//! open (`sent` or `unknown`) until Stripe has given a definite answer; a payment has at most one open row.

mod confirmed;
mod kind;

use domain::{Mode, OperationId, PaymentId, Scope, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

pub(crate) use confirmed::ALL as CONFIRMED;
pub use confirmed::{nth_confirm, tries};
pub use kind::{Kind, Status};

/// A write to Stripe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Whose write it is, and in which mode it is finished.
    pub scope: Scope,
    /// Its id.
    pub id: OperationId,
    /// The payment whose intent it is about; none for what is about something else.
    pub payment_id: Option<PaymentId>,
    /// What it is about, where that is neither an intent nor the account itself: a refund's id, or another's.
    /// At most one write of a subject is open, whatever is open of its payment.
    pub subject_id: Option<String>,
    /// What it does.
    pub kind: Kind,
    /// The `Idempotency-Key`; says what is done and is never random.
    pub idempotency_key: String,
    /// The connected account; empty for what the platform does as itself.
    pub stripe_account_id: String,
    /// The request's path.
    pub path: String,
    /// The request's form parameters, frozen, as a JSON list of pairs.
    pub params: String,
    /// How far it has come.
    pub status: Status,
    /// How often it was sent.
    pub attempts: i64,
    /// Until when nobody else takes it up.
    pub lease_until: Timestamp,
    /// When it was sent first: Stripe forgets keys after 24 h.
    pub first_sent_at: Timestamp,
    /// Why there was no definite answer the last time.
    pub last_error: Option<String>,
    /// The object that it made or changed, which may be known before all of it is done.
    pub result_id: Option<String>,
}

macro_rules! select_operations {
    ($rest:literal $(,)?) => {
        Sql::new(concat!(
            "select tenant_id, livemode, id, payment_id, subject_id, kind, idempotency_key, stripe_account_id,
              path, params, status,
               attempts, lease_until, first_sent_at, last_error, result_id
             from stripe_operations
             ",
            $rest
        ))
    };
}

const INSERT: Sql = Sql::new(
    "insert into stripe_operations (tenant_id, livemode, id, payment_id, kind, idempotency_key,
       stripe_account_id, path, params, status, attempts, lease_until, first_sent_at, created_at, subject_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'sent', 1, $10, $11, $12, $13)",
);

/// Notes a write that is about to be sent.
pub fn insert(tx: &mut Tx, operation: &Operation) -> Result<(), Error> {
    let binds = binds![
        &operation.scope.tenant,
        operation.scope.mode,
        &operation.id,
        operation.payment_id.as_ref().map(|id| id.as_str().to_owned()),
        operation.kind.word(),
        &operation.idempotency_key,
        &operation.stripe_account_id,
        &operation.path,
        &operation.params,
        operation.lease_until,
        operation.first_sent_at,
        operation.first_sent_at,
        operation.subject_id.clone()
    ];
    tx.execute(&INSERT, binds)?;
    Ok(())
}

/// What became of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The new status.
    pub status: Status,
    /// The answer's HTTP status, if there was one.
    pub http_status: Option<i64>,
    /// Stripe's `Request-Id`.
    pub request_id: Option<String>,
    /// The object that it made or changed.
    pub result_id: Option<String>,
    /// Stripe's error code, or why there is no answer. Never a key, never a client secret.
    pub error: Option<String>,
}

const SETTLE: Sql = Sql::new(
    "update stripe_operations set
       status = $4, http_status = $5, request_id = $6, result_id = $7, last_error = $8, answered_at = $9
     where tenant_id = $1 and livemode = $2 and id = $3 and status in ('sent', 'unknown')",
);

/// Stores a definite outcome; `false` when somebody else has settled the operation already.
pub fn settle(
    tx: &mut Tx,
    scope: &Scope,
    id: &OperationId,
    outcome: &Outcome,
    at: Timestamp,
) -> Result<bool, Error> {
    let binds = binds![
        &scope.tenant,
        scope.mode,
        id,
        outcome.status.word(),
        outcome.http_status,
        outcome.request_id.clone(),
        outcome.result_id.clone(),
        outcome.error.clone(),
        at
    ];
    Ok(tx.execute(&SETTLE, binds)? == 1)
}

const MARK_UNKNOWN: Sql = Sql::new(
    "update stripe_operations set status = 'unknown', last_error = $4, lease_until = $5
     where tenant_id = $1 and livemode = $2 and id = $3 and status in ('sent', 'unknown')",
);

/// Notes that there was no definite answer; from `retry_at` on anyone may replay it.
pub fn mark_unknown(
    tx: &mut Tx,
    scope: &Scope,
    id: &OperationId,
    why: &str,
    retry_at: Timestamp,
) -> Result<(), Error> {
    tx.execute(
        &MARK_UNKNOWN,
        binds![&scope.tenant, scope.mode, id, why, retry_at],
    )?;
    Ok(())
}

const TAKE: Sql = Sql::new(
    "update stripe_operations set status = 'sent', attempts = attempts + 1, lease_until = $5
     where tenant_id = $1 and livemode = $2 and id = $3 and status in ('sent', 'unknown')
       and lease_until <= $4",
);

/// Takes up a replay until `lease_until`; `false` when it is settled or somebody else has it.
pub fn take(
    tx: &mut Tx,
    scope: &Scope,
    id: &OperationId,
    at: Timestamp,
    lease_until: Timestamp,
) -> Result<bool, Error> {
    Ok(tx.execute(&TAKE, binds![&scope.tenant, scope.mode, id, at, lease_until])? == 1)
}

const RENEW: Sql = Sql::new(
    "update stripe_operations set lease_until = $4
     where tenant_id = $1 and livemode = $2 and id = $3 and status = 'sent' and lease_until < $4",
);

/// Whoever sends it has it until then.
pub fn renew(tx: &mut Tx, scope: &Scope, id: &OperationId, until: Timestamp) -> Result<(), Error> {
    tx.execute(&RENEW, binds![&scope.tenant, scope.mode, id, until])?;
    Ok(())
}

// What is open has an index, which SQLite takes where its own words stand.
const HELD: Sql = Sql::new(
    "select count(*) as operations
     from stripe_operations
     where livemode = $1 and ($2 = '' or stripe_account_id = $2) and status in ('sent', 'unknown')
       and status = 'sent' and lease_until > $3",
);

/// How many writes of a mode, or of one of its accounts, somebody has in hand.
pub fn held(tx: &mut Tx, mode: Mode, account: &str, at: Timestamp) -> Result<i64, Error> {
    tx.one(&HELD, binds![mode, account, at])?.int("operations")
}

const DUE: Sql = select_operations!(
    "where (tenant_id, livemode, id) in (
       select tenant_id, livemode, id
       from (
         select tenant_id, livemode, id,
           row_number() over (partition by livemode, stripe_account_id order by lease_until, id) as place
         from stripe_operations
         where status in ('sent', 'unknown') and lease_until <= $1
       ) waiting
       where place <= $2
     )
     order by lease_until, id
     limit $3",
);

/// Open operations of all tenants that nobody holds, so many of each account at most.
pub fn due(tx: &mut Tx, at: Timestamp, share: i64, limit: i64) -> Result<Vec<Operation>, Error> {
    tx.query(&DUE, binds![at, share, limit])?
        .iter()
        .map(read)
        .collect()
}

const RELEASE: Sql = Sql::new(
    "update stripe_operations set lease_until = $1
     where status in ('sent', 'unknown') and status = 'sent' and lease_until > $1",
);

/// Ends every lease. Only for a process that knows it is alone: on SQLite at start.
pub fn release_leases(tx: &mut Tx, at: Timestamp) -> Result<u64, Error> {
    tx.execute(&RELEASE, binds![at])
}

const OPEN_OF_PAYMENT: Sql = select_operations!(
    "where tenant_id = $1 and livemode = $2 and payment_id = $3 and status in ('sent', 'unknown')",
);

/// The open operation of a payment, if there is one.
pub fn open_of(tx: &mut Tx, scope: &Scope, payment: &PaymentId) -> Result<Option<Operation>, Error> {
    let row = tx.optional(&OPEN_OF_PAYMENT, binds![&scope.tenant, scope.mode, payment])?;
    row.map(|row| read(&row)).transpose()
}

const CONFIRMS_OF_PAYMENT: Sql = select_operations!(
    "where tenant_id = $1 and livemode = $2 and payment_id = $3 and kind = 'confirm_intent'
       and (status not in ('failed', 'absent') or http_status = 402)
     order by created_at desc, id desc
     limit 20"
);

/// The confirmations of a payment that reached the card, or may have, newest first: a decline is a 402, every
/// other refusal means that nothing was done.
pub fn confirms_of(tx: &mut Tx, scope: &Scope, payment: &PaymentId) -> Result<Vec<Operation>, Error> {
    tx.query(&CONFIRMS_OF_PAYMENT, binds![&scope.tenant, scope.mode, payment])?
        .iter()
        .map(read)
        .collect()
}

const COUNT_OF_PAYMENT: Sql = Sql::new(
    "select count(*) as operations
     from stripe_operations
     where tenant_id = $1 and livemode = $2 and payment_id = $3 and kind = $4",
);

/// How many operations of a kind a payment has had: the next confirmation's number is one more.
pub fn count_of(tx: &mut Tx, scope: &Scope, payment: &PaymentId, kind: Kind) -> Result<i64, Error> {
    let binds = binds![&scope.tenant, scope.mode, payment, kind.word()];
    tx.one(&COUNT_OF_PAYMENT, binds)?.int("operations")
}

const NEWEST_OF_KIND: Sql = select_operations!(
    "where tenant_id = $1 and livemode = $2 and kind = $3
     order by created_at desc, id desc
     limit 1"
);

/// The newest operation of a kind that the tenant has had.
pub fn newest_of_kind(tx: &mut Tx, scope: &Scope, kind: Kind) -> Result<Option<Operation>, Error> {
    let row = tx.optional(&NEWEST_OF_KIND, binds![&scope.tenant, scope.mode, kind.word()])?;
    row.map(|row| read(&row)).transpose()
}

const COUNT_OF_KIND: Sql = Sql::new(
    "select count(*) as operations
     from stripe_operations
     where tenant_id = $1 and livemode = $2 and kind = $3",
);

/// How many operations of a kind the tenant has had: the next one's number is one more.
pub fn count_of_kind(tx: &mut Tx, scope: &Scope, kind: Kind) -> Result<i64, Error> {
    let binds = binds![&scope.tenant, scope.mode, kind.word()];
    tx.one(&COUNT_OF_KIND, binds)?.int("operations")
}

/// Why an account was not let go after all.
pub const CONNECTED_AGAIN: &str = "the account was connected again";

const END_DEAUTHORIZING: Sql = Sql::new(
    "update stripe_operations set status = 'failed', last_error = $3, answered_at = $4
     where livemode = $1 and stripe_account_id = $2 and kind = 'deauthorize'
       and status in ('sent', 'unknown')",
);

/// Ends what would take access to an account away again that its owner has given anew, whichever tenant had
/// it end: there is one access for all of them.
pub fn end_deauthorizing(tx: &mut Tx, account: &str, mode: Mode, at: Timestamp) -> Result<u64, Error> {
    tx.execute(&END_DEAUTHORIZING, binds![mode, account, CONNECTED_AGAIN, at])
}

const NEWEST_OF_ACCOUNT: Sql = select_operations!(
    "where tenant_id = $1 and livemode = $2 and kind = $3 and stripe_account_id = $4
     order by created_at desc, id desc
     limit 1"
);

/// The newest operation of a kind that the tenant has had about an account.
pub fn newest_of_account(
    tx: &mut Tx,
    scope: &Scope,
    kind: Kind,
    account: &str,
) -> Result<Option<Operation>, Error> {
    let binds = binds![&scope.tenant, scope.mode, kind.word(), account];
    tx.optional(&NEWEST_OF_ACCOUNT, binds)?
        .map(|row| read(&row))
        .transpose()
}

const OPEN_OF_SUBJECT: Sql = select_operations!(
    "where tenant_id = $1 and livemode = $2 and subject_id = $3 and status in ('sent', 'unknown')",
);

/// The open operation of a subject, if there is one.
pub fn open_of_subject(tx: &mut Tx, scope: &Scope, subject: &str) -> Result<Option<Operation>, Error> {
    let row = tx.optional(&OPEN_OF_SUBJECT, binds![&scope.tenant, scope.mode, subject])?;
    row.map(|row| read(&row)).transpose()
}

const BY_KEY: Sql = select_operations!(
    "where tenant_id = $1 and livemode = $2 and stripe_account_id = $3 and idempotency_key = $4",
);

/// The operation that caused an event: Stripe names the request's key in it.
pub fn by_key(tx: &mut Tx, scope: &Scope, account: &str, key: &str) -> Result<Option<Operation>, Error> {
    let row = tx.optional(&BY_KEY, binds![&scope.tenant, scope.mode, account, key])?;
    row.map(|row| read(&row)).transpose()
}

const MADE_REFUND: Sql = Sql::new(
    "select subject_id
     from stripe_operations
     where tenant_id = $1 and livemode = $2 and id = $3 and kind = 'create_refund'",
);

/// The refund that a write is to make.
pub fn refund_of(tx: &mut Tx, scope: &Scope, id: &str) -> Result<Option<String>, Error> {
    let row = tx.optional(&MADE_REFUND, binds![&scope.tenant, scope.mode, id])?;
    Ok(row.map(|row| row.text_opt("subject_id")).transpose()?.flatten())
}

const CREATES_ACCOUNT: Sql = Sql::new(
    "select count(*) as operations
     from stripe_operations
     where idempotency_key = $1 and livemode = $2 and kind = 'create_account'
       and status in ('sent', 'unknown')",
);

/// Whether this is the key of an account's creation that Stripe has not answered: the event that it caused is
/// ahead of our own row.
pub fn creates_account(tx: &mut Tx, key: &str, mode: Mode) -> Result<bool, Error> {
    Ok(tx.one(&CREATES_ACCOUNT, binds![key, mode])?.int("operations")? > 0)
}

const NOTE_RESULT: Sql = Sql::new(
    "update stripe_operations set result_id = $4
     where tenant_id = $1 and livemode = $2 and id = $3 and status in ('sent', 'unknown')",
);

/// Notes what an open write has made, of which something is still to be done.
pub fn note_result(tx: &mut Tx, scope: &Scope, id: &OperationId, result: &str) -> Result<(), Error> {
    tx.execute(&NOTE_RESULT, binds![&scope.tenant, scope.mode, id, result])?;
    Ok(())
}

const IS_GIVEN: Sql = Sql::new(
    "select count(*) as operations
     from stripe_operations
     where livemode = $1 and kind = 'exchange_code' and result_id = $2 and status in ('sent', 'unknown')",
);

/// Whether an account was given by an exchange, to whichever tenant, and is being connected.
pub fn is_given(tx: &mut Tx, mode: Mode, account: &str) -> Result<bool, Error> {
    Ok(tx.one(&IS_GIVEN, binds![mode, account])?.int("operations")? > 0)
}

const OPEN_CREATES: Sql = Sql::new(
    "select count(*) as operations
     from stripe_operations
     where tenant_id = $1 and livemode = $2 and stripe_account_id = $3 and kind = 'create_intent'
       and status in ('sent', 'unknown')",
);

/// Whether an intent of this account may be ours although no payment knows it yet.
pub fn open_creates(tx: &mut Tx, scope: &Scope, account: &str) -> Result<bool, Error> {
    let row = tx.one(&OPEN_CREATES, binds![&scope.tenant, scope.mode, account])?;
    Ok(row.int("operations")? > 0)
}

fn read(row: &Row) -> Result<Operation, Error> {
    Ok(Operation {
        scope: values::scope(row)?,
        id: OperationId::stored(row.text("id")?),
        payment_id: row.text_opt("payment_id")?.map(PaymentId::stored),
        subject_id: row.text_opt("subject_id")?,
        kind: values::word(row, "kind", Kind::from_word)?,
        idempotency_key: row.text("idempotency_key")?,
        stripe_account_id: row.text("stripe_account_id")?,
        path: row.text("path")?,
        params: row.text("params")?,
        status: values::word(row, "status", Status::from_word)?,
        attempts: row.int("attempts")?,
        lease_until: values::time(row, "lease_until")?,
        first_sent_at: values::time(row, "first_sent_at")?,
        last_error: row.text_opt("last_error")?,
        result_id: row.text_opt("result_id")?,
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[
    &INSERT,
    &SETTLE,
    &MARK_UNKNOWN,
    &TAKE,
    &RENEW,
    &HELD,
    &DUE,
    &RELEASE,
    &OPEN_OF_PAYMENT,
    &CONFIRMS_OF_PAYMENT,
    &COUNT_OF_PAYMENT,
    &NEWEST_OF_KIND,
    &COUNT_OF_KIND,
    &END_DEAUTHORIZING,
    &NEWEST_OF_ACCOUNT,
    &OPEN_OF_SUBJECT,
    &BY_KEY,
    &MADE_REFUND,
    &CREATES_ACCOUNT,
    &NOTE_RESULT,
    &IS_GIVEN,
    &OPEN_CREATES,
];
