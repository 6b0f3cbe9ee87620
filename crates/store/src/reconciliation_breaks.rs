//! Differences between our rows and what Stripe says: shown with their age, never silently overwritten.

use domain::{BreakId, Mode, Scope, TenantId, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {
        /// What kind of difference it is. `docs/operators.md` says of each what it means and what to do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind {
            $($(#[$doc])* $name,)*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Kind] = &[$(Kind::$name,)*];

            /// The stable word, as the API and the database spell it.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Kind::$name => $word,)*
                }
            }
        }
    };
}

kinds! {
    /// Stripe did not let an account go.
    AccessNotEnded = "access_not_ended";
    /// An account was made for a tenant that has connected another one.
    AccountNotUsed = "account_not_used";
    /// An intent asked for something else than its payment.
    AmountMismatch = "amount_mismatch";
    /// More has left a payment, by refunds and disputes together, than was received.
    BeyondReceived = "beyond_received";
    /// An event that cannot be applied.
    EventDead = "event_dead";
    /// Stripe's list of events does not reach back to where it was read last.
    EventGap = "event_gap";
    /// Events came by no webhook.
    EventsMissed = "events_missed";
    /// A payment of ours names an invoice that is not here: a restore lost it.
    InvoiceLost = "invoice_lost";
    /// Stripe refuses our API key.
    KeyRefused = "key_refused";
    /// A write has had no definite outcome for a day.
    OperationUnresolved = "operation_unresolved";
    /// More arrived than an invoice takes up.
    Overpayment = "overpayment";
    /// An intent says that it pays an invoice, and no payment knows it.
    PaymentUnclaimed = "payment_unclaimed";
    /// A refund that may have been made here is known by Stripe only.
    RefundUnclaimed = "refund_unclaimed";
    /// Payments on an account that cannot be reached.
    PaymentsUnreachable = "payments_unreachable";
    /// A fee of which a part is to go back is not reported.
    FeeNotReported = "fee_not_reported";
    /// Stripe refused to give back the platform's fee.
    FeeRefundRefused = "fee_refund_refused";
    /// The money of a refund is back on the account.
    RefundFailed = "refund_failed";
    /// One write of ours has made two refunds.
    RefundTwice = "refund_twice";
    /// More is refunded of a payment than arrived.
    RefundTooMuch = "refund_too_much";
    /// A payout did not reach the bank.
    PayoutFailed = "payout_failed";
    /// What a payout consists of does not come to its amount.
    PayoutMismatch = "payout_mismatch";
    /// A live event came under a TEST secret.
    Quarantined = "quarantined";
    /// An object on one tenant's account names another tenant.
    TenantMismatch = "tenant_mismatch";
    /// Invoices, books and Stripe's balance do not agree.
    TieOut = "tie_out";
    /// SQLite's file is damaged.
    DatabaseDamaged = "database_damaged";
    /// A day of the books or of the audit log is not as it was sealed.
    SealBroken = "seal_broken";
    /// An event of an account that no tenant has.
    UnknownAccount = "unknown_account";
    /// Stripe says a status that this version does not know.
    UnknownStatus = "unknown_status";
}

impl Kind {
    /// The kind of a word.
    pub fn parse(word: &str) -> Option<Kind> {
        Kind::ALL.iter().copied().find(|kind| kind.word() == word)
    }
}

/// What a break of an event is about: events of two accounts may have one id.
pub fn of_event(account: &str, event_id: &str) -> String {
    match account {
        "" => event_id.to_owned(),
        account => format!("{account} {event_id}"),
    }
}

/// A difference that is found. One row per mode, kind and subject.
#[derive(Clone, Debug)]
pub struct Break<'a> {
    /// The row's id.
    pub id: BreakId,
    /// The tenant, where one is known.
    pub tenant: Option<&'a TenantId>,
    /// The mode.
    pub mode: Mode,
    /// What kind of difference.
    pub kind: Kind,
    /// The object that differs.
    pub subject_id: &'a str,
    /// What differs, for a person to read. No secrets.
    pub detail: &'a str,
}

const OPEN: Sql = Sql::new(
    "insert into reconciliation_breaks (id, tenant_id, livemode, kind, subject_id, detail, created_at)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (livemode, kind, subject_id) do update set
       resolved_at = null, resolved_by = null, reason = null, detail = excluded.detail,
       created_at = excluded.created_at
     where reconciliation_breaks.resolved_at is not null",
);

/// Opens a break, unless it is open already. Answers whether it is new.
pub fn open(tx: &mut Tx, found: &Break, at: Timestamp) -> Result<bool, Error> {
    insert(tx, &OPEN, found, at)
}

fn insert(tx: &mut Tx, sql: &'static Sql, found: &Break, at: Timestamp) -> Result<bool, Error> {
    let Break {
        id,
        tenant,
        mode,
        kind,
        subject_id,
        detail,
    } = found;
    let tenant = tenant.map(|tenant| tenant.as_str().to_owned());
    let binds = binds![id, tenant, *mode, kind.word(), *subject_id, *detail, at];
    Ok(tx.execute(sql, binds)? == 1)
}

const OPEN_ONCE: Sql = Sql::new(
    "insert into reconciliation_breaks (id, tenant_id, livemode, kind, subject_id, detail, created_at)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (livemode, kind, subject_id) do nothing",
);

/// Opens a break, unless it was ever opened: what a person has dealt with stays so, though it can be seen for
/// ever. Answers whether it is new.
pub fn open_once(tx: &mut Tx, found: &Break, at: Timestamp) -> Result<bool, Error> {
    insert(tx, &OPEN_ONCE, found, at)
}

const RESTATE: Sql = Sql::new(
    "update reconciliation_breaks set detail = $5
     where tenant_id = $1 and livemode = $2 and kind = $3 and subject_id = $4 and resolved_at is null",
);

/// Says anew what differs in a break that is open.
pub fn restate(tx: &mut Tx, scope: &Scope, kind: Kind, subject_id: &str, detail: &str) -> Result<(), Error> {
    let binds = binds![&scope.tenant, scope.mode, kind.word(), subject_id, detail];
    tx.execute(&RESTATE, binds)?;
    Ok(())
}

const IS_OPEN: Sql = Sql::new(
    "select count(*) as breaks
     from reconciliation_breaks
     where tenant_id = $1 and livemode = $2 and kind = $3 and subject_id = $4 and resolved_at is null",
);

/// Whether such a break of a tenant is open.
pub fn is_open(tx: &mut Tx, scope: &Scope, kind: Kind, subject_id: &str) -> Result<bool, Error> {
    let binds = binds![&scope.tenant, scope.mode, kind.word(), subject_id];
    Ok(tx.one(&IS_OPEN, binds)?.int("breaks")? > 0)
}

const IS_KNOWN: Sql = Sql::new(
    "select count(*) as breaks
     from reconciliation_breaks
     where tenant_id = $1 and livemode = $2 and kind = $3 and subject_id = $4",
);

/// Whether such a break of a tenant is or was open.
pub fn is_known(tx: &mut Tx, scope: &Scope, kind: Kind, subject_id: &str) -> Result<bool, Error> {
    let binds = binds![&scope.tenant, scope.mode, kind.word(), subject_id];
    Ok(tx.one(&IS_KNOWN, binds)?.int("breaks")? > 0)
}

const RESOLVE: Sql = Sql::new(
    "update reconciliation_breaks set resolved_at = $5
     where tenant_id = $1 and livemode = $2 and kind = $3 and subject_id = $4 and resolved_at is null",
);

/// Closes a break of a tenant that is none any more.
pub fn resolve(tx: &mut Tx, scope: &Scope, kind: Kind, subject_id: &str, at: Timestamp) -> Result<(), Error> {
    let binds = binds![&scope.tenant, scope.mode, kind.word(), subject_id, at];
    tx.execute(&RESOLVE, binds)?;
    Ok(())
}

const RESOLVE_ANYBODYS: Sql = Sql::new(
    "update reconciliation_breaks set resolved_at = $4
     where livemode = $1 and kind = $2 and subject_id = $3 and resolved_at is null",
);

/// Closes a break that may have been opened before anybody knew whose it is, or that is the platform's.
pub fn resolve_anybodys(
    tx: &mut Tx,
    mode: Mode,
    kind: Kind,
    subject_id: &str,
    at: Timestamp,
) -> Result<bool, Error> {
    Ok(tx.execute(&RESOLVE_ANYBODYS, binds![mode, kind.word(), subject_id, at])? == 1)
}

/// A break as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The row's id.
    pub id: BreakId,
    /// The tenant, where one is known.
    pub tenant: Option<TenantId>,
    /// The mode.
    pub mode: Mode,
    /// The word of its kind.
    pub kind: String,
    /// The object that differs.
    pub subject_id: String,
    /// What differs.
    pub detail: String,
    /// Since when.
    pub opened_at: Timestamp,
    /// Until when.
    pub resolved_at: Option<Timestamp>,
    /// Who said that it is dealt with; nobody where it resolved itself.
    pub resolved_by: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

/// Which breaks are asked for, newest first.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Only of this kind.
    pub kind: Option<Kind>,
    /// Only open ones, or only resolved ones.
    pub open: Option<bool>,
    /// Only those that were opened by then.
    pub opened_by: Option<Timestamp>,
    /// Only those after this one in the list.
    pub after: Option<BreakId>,
    /// At most so many.
    pub limit: i64,
}

impl Wanted {
    fn state(&self) -> &'static str {
        match self.open {
            None => "all",
            Some(true) => "open",
            Some(false) => "resolved",
        }
    }

    fn opened_by_ms(&self) -> i64 {
        self.opened_by.map_or(i64::MAX, Timestamp::ms)
    }

    fn after(&self) -> String {
        // What sorts behind every id.
        self.after.as_ref().map_or("~", BreakId::as_str).to_owned()
    }
}

macro_rules! select_breaks {
    ($rest:literal $(,)?) => {
        Sql::new(concat!(
            "select id, tenant_id, livemode, kind, subject_id, detail, created_at, resolved_at, resolved_by,
               reason
             from reconciliation_breaks
             ",
            $rest
        ))
    };
}

const PAGE: Sql = select_breaks!(
    "where tenant_id = $1 and livemode = $2 and id < $3 and ($4 = '' or kind = $4)
       and ($5 = 'all' or ($5 = 'open') = (resolved_at is null)) and created_at <= $6
     order by id desc
     limit $7",
);

/// A tenant's breaks in one mode, newest first.
pub fn page(tx: &mut Tx, scope: &Scope, wanted: &Wanted) -> Result<Vec<Kept>, Error> {
    let binds = binds![
        &scope.tenant,
        scope.mode,
        wanted.after(),
        wanted.kind.map_or("", Kind::word),
        wanted.state(),
        wanted.opened_by_ms(),
        wanted.limit
    ];
    tx.query(&PAGE, binds)?.iter().map(read).collect()
}

const PAGE_OF_ALL: Sql = select_breaks!(
    "where id < $1 and ($2 = '' or kind = $2)
       and ($3 = 'all' or ($3 = 'open') = (resolved_at is null)) and created_at <= $4
     order by id desc
     limit $5",
);

/// Everybody's breaks in both modes, newest first: for the platform's operator.
pub fn page_of_all(tx: &mut Tx, wanted: &Wanted) -> Result<Vec<Kept>, Error> {
    let binds = binds![
        wanted.after(),
        wanted.kind.map_or("", Kind::word),
        wanted.state(),
        wanted.opened_by_ms(),
        wanted.limit
    ];
    tx.query(&PAGE_OF_ALL, binds)?.iter().map(read).collect()
}

const GET: Sql = select_breaks!("where tenant_id = $1 and livemode = $2 and id = $3",);

/// One break of the scope.
pub fn get(tx: &mut Tx, scope: &Scope, id: &BreakId) -> Result<Option<Kept>, Error> {
    let row = tx.optional(&GET, binds![&scope.tenant, scope.mode, id])?;
    row.map(|row| read(&row)).transpose()
}

const GET_ANYBODYS: Sql = select_breaks!("where id = $1",);

/// One break, whosever it is: for the platform's operator.
pub fn get_anybodys(tx: &mut Tx, id: &BreakId) -> Result<Option<Kept>, Error> {
    let row = tx.optional(&GET_ANYBODYS, binds![id])?;
    row.map(|row| read(&row)).transpose()
}

const OF_SUBJECT: Sql = select_breaks!(
    "where subject_id = $1 and id < $2
     order by id desc
     limit $3",
);

/// Everybody's breaks about a subject, newest first: for the platform's operator.
pub fn of_subject(tx: &mut Tx, subject_id: &str, limit: i64) -> Result<Vec<Kept>, Error> {
    tx.query(&OF_SUBJECT, binds![subject_id, "~", limit])?
        .iter()
        .map(read)
        .collect()
}

const CLOSE: Sql = Sql::new(
    "update reconciliation_breaks set resolved_at = $2, resolved_by = $3, reason = $4
     where id = $1 and resolved_at is null",
);

/// Closes an open break that was read before: by itself, or by a person who says why.
pub fn close(tx: &mut Tx, id: &BreakId, by: Option<(&str, &str)>, at: Timestamp) -> Result<bool, Error> {
    let (who, reason) = by.unzip();
    let binds = binds![id, at, who.map(str::to_owned), reason.map(str::to_owned)];
    Ok(tx.execute(&CLOSE, binds)? == 1)
}

const SETTLED: Sql = select_breaks!(
    "where resolved_at is null and (
       kind = 'operation_unresolved' and exists (
         select 1 from stripe_operations o
         where o.tenant_id = reconciliation_breaks.tenant_id
           and o.livemode = reconciliation_breaks.livemode and o.id = reconciliation_breaks.subject_id
           and o.status not in ('sent', 'unknown'))
       or kind = 'unknown_status' and exists (
         select 1 from payments p
         where p.tenant_id = reconciliation_breaks.tenant_id
           and p.livemode = reconciliation_breaks.livemode
           and p.stripe_payment_intent_id = reconciliation_breaks.subject_id
           and p.status in ('succeeded', 'canceled'))
       or kind = 'key_refused' and exists (
         select 1 from event_cursors e
         where e.livemode = reconciliation_breaks.livemode and e.stripe_account_id = ''
           and e.read_at > reconciliation_breaks.created_at)
       or kind = 'fee_not_reported' and exists (
         select 1 from refunds r
         where r.tenant_id = reconciliation_breaks.tenant_id
           and r.livemode = reconciliation_breaks.livemode and r.id = reconciliation_breaks.subject_id
           and r.fee_status <> 'due')
       or kind in ('access_not_ended', 'account_not_used') and exists (
         select 1 from stripe_config c
         where c.stripe_account_id = reconciliation_breaks.subject_id
           and c.livemode = reconciliation_breaks.livemode and c.disconnected_at is null))
     order by id
     limit $1",
);

/// Open breaks of which other rows say that they are none any more, oldest first.
pub fn settled(tx: &mut Tx, limit: i64) -> Result<Vec<Kept>, Error> {
    tx.query(&SETTLED, binds![limit])?.iter().map(read).collect()
}

const COUNT_OPEN: Sql = Sql::new("select count(*) as n from reconciliation_breaks where resolved_at is null");

/// How many breaks are open, of everybody and in both modes.
pub fn count_open(tx: &mut Tx) -> Result<i64, Error> {
    tx.one(&COUNT_OPEN, &[])?.int("n")
}

fn read(row: &Row) -> Result<Kept, Error> {
    Ok(Kept {
        id: BreakId::stored(row.text("id")?),
        tenant: row.text_opt("tenant_id")?.map(TenantId::stored),
        mode: values::mode(row)?,
        kind: row.text("kind")?,
        subject_id: row.text("subject_id")?,
        detail: row.text("detail")?,
        opened_at: values::time(row, "created_at")?,
        resolved_at: values::time_opt(row, "resolved_at")?,
        resolved_by: row.text_opt("resolved_by")?,
        reason: row.text_opt("reason")?,
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[
    &OPEN,
    &OPEN_ONCE,
    &RESTATE,
    &IS_OPEN,
    &IS_KNOWN,
    &RESOLVE,
    &RESOLVE_ANYBODYS,
    &PAGE,
    &PAGE_OF_ALL,
    &GET,
    &GET_ANYBODYS,
    &OF_SUBJECT,
    &CLOSE,
    &SETTLED,
    &COUNT_OPEN,
];
