//! Refunds: one row per refund, from the moment it is decided, or seen at Stripe. What is reserved of a
//! payment is decided by one conditional update, so that no two refunds share a cent.

mod money;

use domain::refund::{FeeChoice, RefundState, Settlement};
use domain::{Currency, InvoiceId, Money, PaymentId, RefundId, Scope, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::lists::Only;
use crate::{binds, values};

pub use money::{
    FeeShares, Taking, add_to_payment, fee_shares, reserve, set_disputed, take_in, taken_of_invoice, takings,
};

/// Who decided on a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A command here.
    Api,
    /// Somebody in Stripe's dashboard, or with a key of the account's own.
    Stripe,
}

impl Origin {
    /// Both.
    pub const ALL: [Origin; 2] = [Origin::Api, Origin::Stripe];

    /// As the API and the database write it.
    pub const fn word(self) -> &'static str {
        match self {
            Origin::Api => "api",
            Origin::Stripe => "stripe",
        }
    }

    fn from_word(word: &str) -> Option<Origin> {
        Origin::ALL.into_iter().find(|origin| origin.word() == word)
    }
}

/// How far the part of the platform's fee is that goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeeStatus {
    /// Nothing goes back.
    Kept,
    /// It goes back once the refund has succeeded.
    Due,
    /// Stripe is being told.
    Sent,
    /// It went back.
    Returned,
    /// Stripe refused.
    Refused,
}

impl FeeStatus {
    /// Every one.
    pub const ALL: [FeeStatus; 5] = [
        FeeStatus::Kept,
        FeeStatus::Due,
        FeeStatus::Sent,
        FeeStatus::Returned,
        FeeStatus::Refused,
    ];

    /// As the API and the database write it.
    pub const fn word(self) -> &'static str {
        match self {
            FeeStatus::Kept => "kept",
            FeeStatus::Due => "due",
            FeeStatus::Sent => "sent",
            FeeStatus::Returned => "returned",
            FeeStatus::Refused => "refused",
        }
    }

    fn from_word(word: &str) -> Option<FeeStatus> {
        FeeStatus::ALL.into_iter().find(|status| status.word() == word)
    }
}

/// A refund. Amounts are minor units of `currency`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// Whose refund it is.
    pub scope: Scope,
    /// Its id.
    pub id: RefundId,
    /// The payment that it gives back.
    pub payment_id: PaymentId,
    /// The invoice that it is taken from, where the payment pays several and one was named.
    pub invoice_id: Option<InvoiceId>,
    /// The connected account.
    pub stripe_account_id: String,
    /// `re_…`, once it is known.
    pub stripe_refund_id: Option<String>,
    /// Who decided on it.
    pub origin: Origin,
    /// The currency.
    pub currency: Currency,
    /// What goes back.
    pub amount: i64,
    /// Stripe's word for why.
    pub reason: Option<String>,
    /// What it means for the invoice.
    pub settlement: Settlement,
    /// Where it stands.
    pub status: RefundState,
    /// Why it failed or was refused, in Stripe's word.
    pub failure_reason: Option<String>,
    /// `txn_…` of the money that left.
    pub balance_transaction_id: Option<String>,
    /// `txn_…` of the money that came back.
    pub failure_balance_transaction_id: Option<String>,
    /// What was decided of the platform's fee.
    pub fee: FeeChoice,
    /// How far that is.
    pub fee_status: FeeStatus,
    /// What goes back of the fee, once that is worked out.
    pub fee_amount: i64,
    /// `fr_…`, once it is known.
    pub stripe_fee_refund_id: Option<String>,
    /// Raised by every change.
    pub version: i64,
    /// When the reconciler looks at it next.
    pub next_check_at: Option<Timestamp>,
    /// When its money left and was booked.
    pub booked_at: Option<Timestamp>,
    /// When its money came back and was booked.
    pub reversed_at: Option<Timestamp>,
    /// When Stripe said that the payer has it.
    pub succeeded_at: Option<Timestamp>,
    /// When it was decided, or seen first.
    pub created_at: Timestamp,
}

impl Refund {
    /// What goes back, with its currency.
    pub fn money(&self) -> Money {
        Money::new(self.amount, self.currency)
    }
}

macro_rules! columns {
    () => {
        "tenant_id, livemode, id, payment_id, invoice_id, stripe_account_id, stripe_refund_id,
               origin, currency, amount, reason, settlement, status, failure_reason, balance_transaction_id,
               failure_balance_transaction_id, fee, fee_status, fee_amount, stripe_fee_refund_id, version,
               next_check_at, booked_at, reversed_at, succeeded_at, created_at"
    };
}

macro_rules! select_refunds {
    // Of those only whose id, or whatever it is compared with, is among some.
    (among $among:literal, $($rest:literal),+ $(,)?) => {
        Sql::new(concat!(
            "select ",
            columns!(),
            " from (",
            $among,
            ") found cross join refunds ",
            $($rest),+
        ))
    };
    ($($rest:literal),+ $(,)?) => {
        Sql::new(concat!("select ", columns!(), " from refunds ", $($rest),+))
    };
}

const INSERT: Sql = Sql::new(
    "insert into refunds (tenant_id, livemode, id, payment_id, invoice_id, stripe_account_id,
       stripe_refund_id, origin, currency, amount, reason, settlement, status, fee, fee_status, version,
       next_check_at, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 1, $16, $17, $18)",
);

/// Adds a refund that was decided on, or is seen for the first time.
pub fn insert(tx: &mut Tx, refund: &Refund) -> Result<(), Error> {
    let binds = binds![
        &refund.scope.tenant,
        refund.scope.mode,
        &refund.id,
        &refund.payment_id,
        refund.invoice_id.as_ref().map(|id| id.as_str().to_owned()),
        &refund.stripe_account_id,
        refund.stripe_refund_id.clone(),
        refund.origin.word(),
        refund.currency.code(),
        refund.amount,
        refund.reason.clone(),
        refund.settlement.word(),
        refund.status.word(),
        refund.fee.word(),
        refund.fee_status.word(),
        refund.next_check_at.map(Timestamp::ms),
        refund.created_at,
        refund.created_at
    ];
    tx.execute(&INSERT, binds)?;
    Ok(())
}

const STORE: Sql = Sql::new(
    "update refunds set
       stripe_refund_id = $4, amount = $5, status = $6, failure_reason = $7, balance_transaction_id = $8,
       failure_balance_transaction_id = $9, fee_status = $10, fee_amount = $11, stripe_fee_refund_id = $12,
       next_check_at = $13, booked_at = $14, reversed_at = $15, succeeded_at = $16, updated_at = $17,
       version = version + 1
     where tenant_id = $1 and livemode = $2 and id = $3 and version = $18",
);

/// Stores a refund over the version that was read; `false` when it was changed in between.
pub fn store(tx: &mut Tx, refund: &Refund, at: Timestamp) -> Result<bool, Error> {
    let binds = binds![
        &refund.scope.tenant,
        refund.scope.mode,
        &refund.id,
        refund.stripe_refund_id.clone(),
        refund.amount,
        refund.status.word(),
        refund.failure_reason.clone(),
        refund.balance_transaction_id.clone(),
        refund.failure_balance_transaction_id.clone(),
        refund.fee_status.word(),
        refund.fee_amount,
        refund.stripe_fee_refund_id.clone(),
        refund.next_check_at.map(Timestamp::ms),
        refund.booked_at.map(Timestamp::ms),
        refund.reversed_at.map(Timestamp::ms),
        refund.succeeded_at.map(Timestamp::ms),
        at,
        refund.version
    ];
    Ok(tx.execute(&STORE, binds)? == 1)
}

const BY_ID: Sql = select_refunds!("where tenant_id = $1 and livemode = $2 and id = $3");

/// One refund of the scope.
pub fn get(tx: &mut Tx, scope: &Scope, id: &RefundId) -> Result<Option<Refund>, Error> {
    let row = tx.optional(&BY_ID, binds![&scope.tenant, scope.mode, id])?;
    row.map(|row| read(&row)).transpose()
}

const AT_STRIPE: Sql = select_refunds!(
    "where tenant_id = $1 and livemode = $2 and stripe_account_id = $3 and stripe_refund_id = $4",
);

/// The refund that an object of the tenant's account is.
pub fn at_stripe(tx: &mut Tx, scope: &Scope, account: &str, refund: &str) -> Result<Option<Refund>, Error> {
    let row = tx.optional(&AT_STRIPE, binds![&scope.tenant, scope.mode, account, refund])?;
    row.map(|row| read(&row)).transpose()
}

const OF_PAYMENT: Sql = select_refunds!(
    "where tenant_id = $1 and livemode = $2 and payment_id = $3
     order by id
     limit $4",
);

/// The refunds of a payment, oldest first.
pub fn of_payment(tx: &mut Tx, scope: &Scope, id: &PaymentId, limit: i64) -> Result<Vec<Refund>, Error> {
    tx.query(&OF_PAYMENT, binds![&scope.tenant, scope.mode, id, limit])?
        .iter()
        .map(read)
        .collect()
}

/// What is asked for of all, newest first; what it is narrowed by there has an index with the id.
macro_rules! page {
    ($narrow:literal) => {
        select_refunds!(
            "where tenant_id = $1 and livemode = $2 and id < $3 and id >= $11 ",
            $narrow,
            "  and ($4 = '' or status = $4) and ($5 = '' or currency = $5)
               and created_at >= $6 and created_at < $7 and $8 = '' and $9 = ''
               and ($12 = '' or payment_id = $12)
             order by id desc
             limit $10"
        )
    };
}

/// The same of some, which are looked up one by one. What else is asked of them is written so that no index
/// fits: either engine might look through everybody's by it.
macro_rules! page_of {
    ($some:literal, $is_one:literal) => {
        select_refunds!(
            among $some,
            "where tenant_id = $1 and livemode = $2 and ",
            $is_one,
            "  and id || '' < $3 and id || '' >= $11
               and ($4 = '' or status || '' = $4) and ($5 = '' or currency || '' = $5)
               and created_at + 0 >= $6 and created_at + 0 < $7
               and ($12 = '' or payment_id || '' = $12)
               and ($8 = '' or exists (
                 select 1 from payment_parts p
                 where p.tenant_id = $1 and p.livemode = $2 and p.payment_id = refunds.payment_id
                   and p.invoice_id = $8))
               and ($9 = '' or exists (
                 select 1 from payment_parts p
                 cross join invoices i
                 where p.tenant_id = $1 and p.livemode = $2 and p.payment_id = refunds.payment_id
                   and i.tenant_id = $1 and i.livemode = $2 and i.id = p.invoice_id and i.client_id = $9))
             order by id desc
             limit $10"
        )
    };
}

const PAGE: Sql = page!("");

const PAGE_OF_STATUS: Sql = page!("and status = $4");

const PAGE_OF_INVOICE: Sql = page_of!(
    "select distinct p.payment_id as one from payment_parts p
     where p.tenant_id = $1 and p.livemode = $2 and p.invoice_id = $8",
    "payment_id = found.one"
);

const PAGE_OF_CLIENT: Sql = page_of!(
    "select distinct p.payment_id as one
     from invoices i
     cross join payment_parts p
     where i.tenant_id = $1 and i.livemode = $2 and i.client_id = $9
       and p.tenant_id = $1 and p.livemode = $2 and p.invoice_id = i.id",
    "payment_id = found.one"
);

const PAGE_OF_PAYMENT: Sql = page_of!("select $12 as one", "payment_id = found.one");

/// Refunds that are asked for, newest first, after the given id (exclusive).
pub fn page(
    tx: &mut Tx,
    scope: &Scope,
    only: &Only,
    after: Option<&RefundId>,
    limit: i64,
) -> Result<Vec<Refund>, Error> {
    let after = after.map_or("rfd_~", RefundId::as_str);
    let (first, last) = only.ids(after, |at| RefundId::new(at, 0).to_string());
    let mut binds = only.of_payments(scope, (&first, &last), limit);
    binds.push(only.payment().into());
    if only.is_in_vain(tx, scope)? {
        return Ok(Vec::new());
    }
    let sql = match (&only.payment, &only.invoice, &only.client, &only.status) {
        (Some(_), _, _, _) => &PAGE_OF_PAYMENT,
        (None, Some(_), _, _) => &PAGE_OF_INVOICE,
        (None, None, Some(_), _) => &PAGE_OF_CLIENT,
        (None, None, None, Some(_)) => &PAGE_OF_STATUS,
        (None, None, None, None) => &PAGE,
    };
    tx.query(sql, &binds)?.iter().map(read).collect()
}

const DUE: Sql = select_refunds!(
    "where next_check_at is not null and next_check_at <= $1
     order by next_check_at
     limit $2",
);

/// Refunds of all tenants that the reconciler should look at.
pub fn due(tx: &mut Tx, at: Timestamp, limit: i64) -> Result<Vec<Refund>, Error> {
    tx.query(&DUE, binds![at, limit])?.iter().map(read).collect()
}

const CHECK_LATER: Sql = Sql::new(
    "update refunds set next_check_at = $4
     where tenant_id = $1 and livemode = $2 and id = $3 and next_check_at is not null",
);

/// Puts off the reconciler's next look, without touching the refund's version.
pub fn check_later(tx: &mut Tx, scope: &Scope, id: &RefundId, at: Timestamp) -> Result<(), Error> {
    tx.execute(&CHECK_LATER, binds![&scope.tenant, scope.mode, id, at])?;
    Ok(())
}

const CHECK_NOW: Sql = Sql::new(
    "update refunds set next_check_at = $5
     where tenant_id = $1 and livemode = $2 and stripe_account_id = $3 and stripe_refund_id = $4",
);

/// Has the reconciler read a refund at once.
pub fn check_now(
    tx: &mut Tx,
    scope: &Scope,
    account: &str,
    refund: &str,
    at: Timestamp,
) -> Result<(), Error> {
    let binds = binds![&scope.tenant, scope.mode, account, refund, at];
    tx.execute(&CHECK_NOW, binds)?;
    Ok(())
}

const CHECK_ACCOUNT: Sql = Sql::new(
    "update refunds set next_check_at = $4
     where tenant_id = $1 and livemode = $2 and stripe_account_id = $3 and stripe_refund_id is not null
       and (status not in ('succeeded', 'failed', 'canceled', 'rejected')
         or (status = 'succeeded' and fee_status = 'due'))",
);

/// Has the reconciler look at once at what is under way on an account to which access came.
pub fn check_account(tx: &mut Tx, scope: &Scope, account: &str, at: Timestamp) -> Result<(), Error> {
    tx.execute(&CHECK_ACCOUNT, binds![&scope.tenant, scope.mode, account, at])?;
    Ok(())
}

const CHECK_FEE: Sql = Sql::new(
    "update refunds set next_check_at = $4
     where tenant_id = $1 and livemode = $2 and payment_id = $3
       and status = 'succeeded' and fee_status = 'due'",
);

/// Has the reconciler look at once at the refunds that wait for their payment's fee to be known.
pub fn check_fee(tx: &mut Tx, scope: &Scope, payment: &PaymentId, at: Timestamp) -> Result<(), Error> {
    tx.execute(&CHECK_FEE, binds![&scope.tenant, scope.mode, payment, at])?;
    Ok(())
}

const STOP_CHECKING: Sql = Sql::new(
    "update refunds set next_check_at = null
     where tenant_id = $1 and livemode = $2 and id = $3",
);

/// The reconciler looks no more: its account cannot be reached.
pub fn stop_checking(tx: &mut Tx, scope: &Scope, id: &RefundId) -> Result<(), Error> {
    tx.execute(&STOP_CHECKING, binds![&scope.tenant, scope.mode, id])?;
    Ok(())
}

fn read(row: &Row) -> Result<Refund, Error> {
    Ok(Refund {
        scope: values::scope(row)?,
        id: RefundId::stored(row.text("id")?),
        payment_id: PaymentId::stored(row.text("payment_id")?),
        invoice_id: row.text_opt("invoice_id")?.map(InvoiceId::stored),
        stripe_account_id: row.text("stripe_account_id")?,
        stripe_refund_id: row.text_opt("stripe_refund_id")?,
        origin: values::word(row, "origin", Origin::from_word)?,
        currency: values::currency(row)?,
        amount: row.int("amount")?,
        reason: row.text_opt("reason")?,
        settlement: values::word(row, "settlement", Settlement::from_word)?,
        status: RefundState::from_word(&row.text("status")?),
        failure_reason: row.text_opt("failure_reason")?,
        balance_transaction_id: row.text_opt("balance_transaction_id")?,
        failure_balance_transaction_id: row.text_opt("failure_balance_transaction_id")?,
        fee: values::word(row, "fee", FeeChoice::from_word)?,
        fee_status: values::word(row, "fee_status", FeeStatus::from_word)?,
        fee_amount: row.int("fee_amount")?,
        stripe_fee_refund_id: row.text_opt("stripe_fee_refund_id")?,
        version: row.int("version")?,
        next_check_at: values::time_opt(row, "next_check_at")?,
        booked_at: values::time_opt(row, "booked_at")?,
        reversed_at: values::time_opt(row, "reversed_at")?,
        succeeded_at: values::time_opt(row, "succeeded_at")?,
        created_at: values::time(row, "created_at")?,
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[
    &INSERT,
    &STORE,
    &BY_ID,
    &AT_STRIPE,
    &OF_PAYMENT,
    &PAGE,
    &PAGE_OF_STATUS,
    &PAGE_OF_INVOICE,
    &PAGE_OF_CLIENT,
    &PAGE_OF_PAYMENT,
    &DUE,
    &CHECK_LATER,
    &CHECK_NOW,
    &CHECK_ACCOUNT,
    &CHECK_FEE,
    &STOP_CHECKING,
];
/// Those about the payment's sums and what refunds are taken from.
pub const OF_MONEY: &[&Sql] = money::ALL;
