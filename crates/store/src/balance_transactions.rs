//! Stripe's balance transactions as they were read: what moved on an account's balance, and whose it is. What
//! Stripe says of one never changes but for the day on which its money can be paid out.

use domain::balance::{Attribution, Movement};
use domain::{PaymentId, Scope, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// A balance transaction as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalanceTransaction {
    /// Whose books it belongs to: a tenant's, or the platform's.
    pub scope: Scope,
    /// `txn_…`.
    pub id: String,
    /// `acct_…`, or empty for the platform's own account.
    pub account: String,
    /// Stripe's type.
    pub type_: String,
    /// What Stripe's reports call it.
    pub reporting_category: Option<String>,
    /// The object it came from.
    pub source: Option<String>,
    /// The charge that it hangs on.
    pub charge: Option<String>,
    /// The intent that it hangs on.
    pub intent: Option<String>,
    /// The application fee that it is, or gives back.
    pub application_fee_id: Option<String>,
    /// Gross, minor units.
    pub amount: i64,
    /// All fees, minor units.
    pub fee: i64,
    /// The platform's share among them.
    pub application_fee: i64,
    /// `amount − fee`.
    pub net: i64,
    /// The balance's currency.
    pub currency: String,
    /// What its object was made in: minor units and currency.
    pub presented: Option<(i64, String)>,
    /// The platform's share in that.
    pub presented_fee: i64,
    /// How the one became the other.
    pub exchange_rate: Option<String>,
    /// When it was made, by Stripe's clock.
    pub made_at: Timestamp,
    /// When its money can be paid out.
    pub available_on: Option<Timestamp>,
    /// Whose it is.
    pub attribution: Attribution,
    /// Our payment that it hangs on.
    pub payment: Option<PaymentId>,
}

impl BalanceTransaction {
    /// What moved.
    pub fn movement(&self) -> Movement {
        Movement::of(&self.type_, self.source.as_deref())
    }
}

const INSERT: Sql = Sql::new(
    "insert into balance_transactions (tenant_id, livemode, stripe_balance_transaction_id, stripe_account_id,
       type, reporting_category, source_id, stripe_charge_id, stripe_payment_intent_id,
       stripe_application_fee_id, amount, fee, application_fee, net, currency, presented_amount,
       presented_fee, presented_currency, exchange_rate, made_at, available_on, attribution, payment_id,
       created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
       $22, $23, $24, $25)
     on conflict (livemode, stripe_balance_transaction_id) do nothing",
);

/// Keeps one that was read; `false` when it is known.
pub fn insert(tx: &mut Tx, row: &BalanceTransaction, at: Timestamp) -> Result<bool, Error> {
    let (presented_amount, presented_currency) = row.presented.clone().unzip();
    let binds = binds![
        &row.scope.tenant,
        row.scope.mode,
        &row.id,
        &row.account,
        &row.type_,
        row.reporting_category.clone(),
        row.source.clone(),
        row.charge.clone(),
        row.intent.clone(),
        row.application_fee_id.clone(),
        row.amount,
        row.fee,
        row.application_fee,
        row.net,
        &row.currency,
        presented_amount,
        row.presented_fee,
        presented_currency,
        row.exchange_rate.clone(),
        row.made_at,
        row.available_on,
        row.attribution.word(),
        row.payment.as_ref().map(|id| id.as_str().to_owned()),
        at,
        at
    ];
    Ok(tx.execute(&INSERT, binds)? == 1)
}

const AVAILABLE: Sql = Sql::new(
    "update balance_transactions set available_on = $4, updated_at = $5
     where tenant_id = $1 and livemode = $2 and stripe_balance_transaction_id = $3 and available_on <> $4",
);

/// Takes up on which day its money can be paid out: the one thing that may change.
pub fn store_available(
    tx: &mut Tx,
    scope: &Scope,
    id: &str,
    on: Timestamp,
    at: Timestamp,
) -> Result<(), Error> {
    tx.execute(&AVAILABLE, binds![&scope.tenant, scope.mode, id, on, at])?;
    Ok(())
}

const ATTRIBUTE: Sql = Sql::new(
    "update balance_transactions set attribution = $5, payment_id = $6, updated_at = $7
     where tenant_id = $1 and livemode = $2 and stripe_balance_transaction_id = $3 and attribution = $4",
);

/// Says anew whose one is; `false` when that changed meanwhile.
pub fn attribute(
    tx: &mut Tx,
    row: &BalanceTransaction,
    to: Attribution,
    payment: Option<&PaymentId>,
    at: Timestamp,
) -> Result<bool, Error> {
    let binds = binds![
        &row.scope.tenant,
        row.scope.mode,
        &row.id,
        row.attribution.word(),
        to.word(),
        payment.map(|id| id.as_str().to_owned()),
        at
    ];
    Ok(tx.execute(&ATTRIBUTE, binds)? == 1)
}

macro_rules! select_transactions {
    ($rest:literal $(,)?) => {
        Sql::new(concat!(
            "select b.tenant_id, b.livemode, b.stripe_balance_transaction_id, b.stripe_account_id, b.type,
               b.reporting_category, b.source_id, b.stripe_charge_id, b.stripe_payment_intent_id,
               b.stripe_application_fee_id, b.amount, b.fee, b.application_fee, b.net, b.currency,
               b.presented_amount, b.presented_fee, b.presented_currency, b.exchange_rate, b.made_at,
               b.available_on, b.attribution, b.payment_id
             ",
            $rest
        ))
    };
}

const GET: Sql = select_transactions!(
    "from balance_transactions b
     where b.tenant_id = $1 and b.livemode = $2 and b.stripe_balance_transaction_id = $3",
);

/// One of a tenant's, or of the platform's.
pub fn get(tx: &mut Tx, scope: &Scope, id: &str) -> Result<Option<BalanceTransaction>, Error> {
    let row = tx.optional(&GET, binds![&scope.tenant, scope.mode, id])?;
    row.map(|row| read(&row)).transpose()
}

const WAITING: Sql = select_transactions!(
    "from balance_transactions b
     where b.tenant_id = $1 and b.livemode = $2 and b.stripe_account_id = $3 and b.attribution = 'waiting'
     order by b.stripe_balance_transaction_id
     limit $4",
);

/// Those of an account of which it was not known whose they are.
pub fn waiting(
    tx: &mut Tx,
    scope: &Scope,
    account: &str,
    limit: i64,
) -> Result<Vec<BalanceTransaction>, Error> {
    let rows = tx.query(&WAITING, binds![&scope.tenant, scope.mode, account, limit])?;
    rows.iter().map(read).collect()
}

const OTHERS_OF_INTENT: Sql = select_transactions!(
    "from balance_transactions b
     where b.tenant_id = $1 and b.livemode = $2 and b.stripe_payment_intent_id = $3
       and b.attribution in ('waiting', 'external')
     order by b.stripe_balance_transaction_id",
);

/// Those that hang on an intent and that nobody knew to be ours.
pub fn others_of_intent(tx: &mut Tx, scope: &Scope, intent: &str) -> Result<Vec<BalanceTransaction>, Error> {
    let rows = tx.query(&OTHERS_OF_INTENT, binds![&scope.tenant, scope.mode, intent])?;
    rows.iter().map(read).collect()
}

const OTHERS_OF_CHARGE: Sql = select_transactions!(
    "from balance_transactions b
     where b.tenant_id = $1 and b.livemode = $2 and b.stripe_charge_id = $3
       and b.attribution in ('waiting', 'external')
     order by b.stripe_balance_transaction_id",
);

/// Those that hang on a charge and that nobody knew to be ours.
pub fn others_of_charge(tx: &mut Tx, scope: &Scope, charge: &str) -> Result<Vec<BalanceTransaction>, Error> {
    let rows = tx.query(&OTHERS_OF_CHARGE, binds![&scope.tenant, scope.mode, charge])?;
    rows.iter().map(read).collect()
}

const OTHERS_OF_FEE: Sql = select_transactions!(
    "from balance_transactions b
     where b.tenant_id = $1 and b.livemode = $2 and b.stripe_balance_transaction_id in (
         select stripe_balance_transaction_id from balance_transactions
         where tenant_id = $1 and livemode = $2 and source_id = $3
         union all
         select stripe_balance_transaction_id from balance_transactions
         where tenant_id = $1 and livemode = $2 and stripe_application_fee_id = $3)
       and b.type in ('application_fee', 'application_fee_refund')
       and b.attribution in ('waiting', 'external')
     order by b.stripe_balance_transaction_id",
);

/// Those about an application fee, or about what went back of it (`fee_…` or `fr_…`), that nobody knew.
pub fn others_of_fee(tx: &mut Tx, scope: &Scope, fee: &str) -> Result<Vec<BalanceTransaction>, Error> {
    let rows = tx.query(&OTHERS_OF_FEE, binds![&scope.tenant, scope.mode, fee])?;
    rows.iter().map(read).collect()
}

const PARTS_TAKEN: Sql = Sql::new(
    "select presented_amount
     from balance_transactions
     where tenant_id = $1 and livemode = $2 and stripe_account_id = $3 and stripe_application_fee_id = $4
       and type = 'application_fee_refund' and presented_amount is not null
       and stripe_balance_transaction_id <> $5
     order by stripe_balance_transaction_id",
);

/// The parts of an application fee whose way back on an account's balance is known, in minor units of what it
/// was taken in, but for that of the row itself.
pub fn parts_taken(tx: &mut Tx, row: &BalanceTransaction, fee: &str) -> Result<Vec<i64>, Error> {
    let binds = binds![&row.scope.tenant, row.scope.mode, &row.account, fee, &row.id];
    let rows = tx.query(&PARTS_TAKEN, binds)?;
    rows.iter().map(|row| row.int("presented_amount")).collect()
}

const PRESENT: Sql = Sql::new(
    "update balance_transactions set presented_amount = $4, presented_currency = $5, updated_at = $6
     where tenant_id = $1 and livemode = $2 and stripe_balance_transaction_id = $3",
);

/// Stores what one was made in, where Stripe does not say it with the transaction.
pub fn store_presented(tx: &mut Tx, row: &BalanceTransaction, at: Timestamp) -> Result<(), Error> {
    let (amount, currency) = row.presented.clone().unzip();
    let binds = binds![&row.scope.tenant, row.scope.mode, &row.id, amount, currency, at];
    tx.execute(&PRESENT, binds)?;
    Ok(())
}

const OF_PAYMENT: Sql = select_transactions!(
    "from balance_transactions b
     where b.tenant_id = $1 and b.livemode = $2 and b.payment_id = $3
     order by b.made_at, b.stripe_balance_transaction_id
     limit $4",
);

/// Those that hang on a payment of ours, oldest first.
pub fn of_payment(
    tx: &mut Tx,
    scope: &Scope,
    payment: &PaymentId,
    limit: i64,
) -> Result<Vec<BalanceTransaction>, Error> {
    let rows = tx.query(&OF_PAYMENT, binds![&scope.tenant, scope.mode, payment, limit])?;
    rows.iter().map(read).collect()
}

const OF_PAYOUT: Sql = select_transactions!(
    "from payout_items i
     join balance_transactions b on b.tenant_id = i.tenant_id and b.livemode = i.livemode
       and b.stripe_balance_transaction_id = i.stripe_balance_transaction_id
     where i.tenant_id = $1 and i.livemode = $2 and i.stripe_payout_id = $3
       and i.stripe_balance_transaction_id > $4
     order by i.stripe_balance_transaction_id
     limit $5",
);

/// What a payout consists of, in the order of their ids, after the given one (exclusive).
pub fn of_payout(
    tx: &mut Tx,
    scope: &Scope,
    payout: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<BalanceTransaction>, Error> {
    let binds = binds![&scope.tenant, scope.mode, payout, after, limit];
    tx.query(&OF_PAYOUT, binds)?.iter().map(read).collect()
}

/// So much moved by transactions of one attribution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Whose they are.
    pub attribution: Attribution,
    /// How many.
    pub count: i64,
    /// Gross, minor units.
    pub amount: i64,
    /// All fees.
    pub fee: i64,
    /// The platform's share among them.
    pub application_fee: i64,
    /// What is left.
    pub net: i64,
}

const PARTS_OF_PAYOUT: Sql = Sql::new(
    "select b.attribution, count(*) as transactions, cast(sum(b.amount) as bigint) as amount,
       cast(sum(b.fee) as bigint) as fee, cast(sum(b.net) as bigint) as net,
       cast(sum(b.application_fee) as bigint) as application_fee
     from payout_items i
     join balance_transactions b on b.tenant_id = i.tenant_id and b.livemode = i.livemode
       and b.stripe_balance_transaction_id = i.stripe_balance_transaction_id
     where i.tenant_id = $1 and i.livemode = $2 and i.stripe_payout_id = $3
     group by b.attribution
     order by b.attribution",
);

/// What a payout consists of, by whose it is.
pub fn parts_of_payout(tx: &mut Tx, scope: &Scope, payout: &str) -> Result<Vec<Part>, Error> {
    let rows = tx.query(&PARTS_OF_PAYOUT, binds![&scope.tenant, scope.mode, payout])?;
    rows.iter().map(part).collect()
}

const SUMS: Sql = Sql::new(
    "select attribution, count(*) as transactions, cast(sum(amount) as bigint) as amount,
       cast(sum(fee) as bigint) as fee, cast(sum(net) as bigint) as net,
       cast(sum(application_fee) as bigint) as application_fee
     from balance_transactions
     where tenant_id = $1 and livemode = $2 and currency = $3
     group by attribution
     order by attribution",
);

/// All that moved in a currency, by whose it is.
pub fn sums(tx: &mut Tx, scope: &Scope, currency: &str) -> Result<Vec<Part>, Error> {
    let rows = tx.query(&SUMS, binds![&scope.tenant, scope.mode, currency])?;
    rows.iter().map(part).collect()
}

fn part(row: &Row) -> Result<Part, Error> {
    Ok(Part {
        attribution: values::word(row, "attribution", Attribution::from_word)?,
        count: row.int("transactions")?,
        amount: row.int("amount")?,
        fee: row.int("fee")?,
        application_fee: row.int("application_fee")?,
        net: row.int("net")?,
    })
}

const OPEN_CREATES: Sql = Sql::new(
    "select count(*) as operations
     from stripe_operations
     where tenant_id = $1 and livemode = $2 and stripe_account_id = $3 and kind = 'create_intent'
       and status in ('sent', 'unknown') and first_sent_at <= $4",
);

/// Whether what was made at Stripe by a moment may be ours although no payment knows it yet.
pub fn may_be_ours(tx: &mut Tx, scope: &Scope, account: &str, by: Timestamp) -> Result<bool, Error> {
    let row = tx.one(&OPEN_CREATES, binds![&scope.tenant, scope.mode, account, by])?;
    Ok(row.int("operations")? > 0)
}

fn read(row: &Row) -> Result<BalanceTransaction, Error> {
    Ok(BalanceTransaction {
        scope: values::scope(row)?,
        id: row.text("stripe_balance_transaction_id")?,
        account: row.text("stripe_account_id")?,
        type_: row.text("type")?,
        reporting_category: row.text_opt("reporting_category")?,
        source: row.text_opt("source_id")?,
        charge: row.text_opt("stripe_charge_id")?,
        intent: row.text_opt("stripe_payment_intent_id")?,
        application_fee_id: row.text_opt("stripe_application_fee_id")?,
        amount: row.int("amount")?,
        fee: row.int("fee")?,
        application_fee: row.int("application_fee")?,
        net: row.int("net")?,
        currency: row.text("currency")?,
        presented: row
            .int_opt("presented_amount")?
            .zip(row.text_opt("presented_currency")?),
        presented_fee: row.int("presented_fee")?,
        exchange_rate: row.text_opt("exchange_rate")?,
        made_at: values::time(row, "made_at")?,
        available_on: values::time_opt(row, "available_on")?,
        attribution: values::word(row, "attribution", Attribution::from_word)?,
        payment: row.text_opt("payment_id")?.map(PaymentId::stored),
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[
    &INSERT,
    &AVAILABLE,
    &ATTRIBUTE,
    &GET,
    &WAITING,
    &OTHERS_OF_INTENT,
    &OTHERS_OF_CHARGE,
    &OTHERS_OF_FEE,
    &PARTS_TAKEN,
    &PRESENT,
    &OF_PAYMENT,
    &OF_PAYOUT,
    &PARTS_OF_PAYOUT,
    &SUMS,
    &OPEN_CREATES,
];
