//! The comparison of invoices, books and Stripe's balance: the sums of each side, the facts in which they
//! differ, and what each day's comparison came to.

use domain::{Currency, Scope, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// What a comparison came to, in minor units of its currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TieOut {
    /// Whose books.
    pub scope: Scope,
    /// In which currency.
    pub currency: Currency,
    /// The day, `YYYY-MM-DD`.
    pub day: String,
    /// What is owed by invoices.
    pub invoices_owed: i64,
    /// The same in the books.
    pub books_receivable: i64,
    /// What is left of clients' credits.
    pub credit_left: i64,
    /// The same in the books.
    pub books_credit: i64,
    /// What Stripe's balance transactions come to.
    pub stripe_balance: i64,
    /// The same in the books.
    pub books_clearing: i64,
    /// What others moved on the account: in both, and no difference.
    pub external: i64,
    /// What only one side can know yet: not read, not applied, or not attributed so far.
    pub on_the_way: i64,
    /// What nobody can explain: the sum of what the facts differ by, without signs.
    pub unexplained: i64,
    /// How many facts differ.
    pub facts: i64,
    /// Until when Stripe's balance has been read.
    pub read_at: Option<Timestamp>,
    /// When it was compared.
    pub at: Timestamp,
}

const PUT: Sql = Sql::new(
    "insert into tie_outs (tenant_id, livemode, currency, day, invoices_owed, books_receivable, credit_left,
       books_credit, stripe_balance, books_clearing, external, on_the_way, unexplained, facts, read_at,
       created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
     on conflict (tenant_id, livemode, currency, day) do update set
       invoices_owed = excluded.invoices_owed, books_receivable = excluded.books_receivable,
       credit_left = excluded.credit_left, books_credit = excluded.books_credit,
       stripe_balance = excluded.stripe_balance, books_clearing = excluded.books_clearing,
       external = excluded.external, on_the_way = excluded.on_the_way, unexplained = excluded.unexplained,
       facts = excluded.facts, read_at = excluded.read_at, created_at = excluded.created_at",
);

/// Keeps what a comparison came to: the newest of its day.
pub fn put(tx: &mut Tx, tied: &TieOut) -> Result<(), Error> {
    let binds = binds![
        &tied.scope.tenant,
        tied.scope.mode,
        tied.currency.code(),
        &tied.day,
        tied.invoices_owed,
        tied.books_receivable,
        tied.credit_left,
        tied.books_credit,
        tied.stripe_balance,
        tied.books_clearing,
        tied.external,
        tied.on_the_way,
        tied.unexplained,
        tied.facts,
        tied.read_at,
        tied.at
    ];
    tx.execute(&PUT, binds)?;
    Ok(())
}

macro_rules! select_tie_outs {
    ($rest:literal $(,)?) => {
        Sql::new(concat!(
            "select tenant_id, livemode, currency, day, invoices_owed, books_receivable, credit_left,
               books_credit, stripe_balance, books_clearing, external, on_the_way, unexplained, facts,
               read_at, created_at
             from tie_outs
             ",
            $rest
        ))
    };
}

const OF_DAY: Sql = select_tie_outs!(
    "where tenant_id = $1 and livemode = $2 and day = $3
     order by currency",
);

/// What a day's comparison came to, by currency.
pub fn of_day(tx: &mut Tx, scope: &Scope, day: &str) -> Result<Vec<TieOut>, Error> {
    let rows = tx.query(&OF_DAY, binds![&scope.tenant, scope.mode, day])?;
    rows.iter().map(read).collect()
}

const CURRENCIES: Sql = Sql::new(
    "select distinct currency from (
       select currency from balance_transactions where tenant_id = $1 and livemode = $2
       union all
       select currency from ledger_transactions where tenant_id = $1 and livemode = $2) used
     order by currency",
);

/// The currencies that a tenant's books or balance have anything in.
pub fn currencies(tx: &mut Tx, scope: &Scope) -> Result<Vec<Currency>, Error> {
    let rows = tx.query(&CURRENCIES, binds![&scope.tenant, scope.mode])?;
    rows.iter().map(values::currency).collect()
}

const OWED: Sql = Sql::new(
    "select cast(coalesce(sum(total - applied - credited), 0) as bigint) as amount
     from invoices
     where tenant_id = $1 and livemode = $2 and currency = $3 and status not in ('draft', 'void')",
);

/// What is owed by invoices.
pub fn owed(tx: &mut Tx, scope: &Scope, currency: Currency) -> Result<i64, Error> {
    tx.one(&OWED, binds![&scope.tenant, scope.mode, currency.code()])?
        .int("amount")
}

const CREDIT: Sql = Sql::new(
    "select cast(coalesce(sum(remaining), 0) as bigint) as amount
     from client_credits
     where tenant_id = $1 and livemode = $2 and currency = $3",
);

/// What is left of clients' credits.
pub fn credit_left(tx: &mut Tx, scope: &Scope, currency: Currency) -> Result<i64, Error> {
    tx.one(&CREDIT, binds![&scope.tenant, scope.mode, currency.code()])?
        .int("amount")
}

/// A fact in which the books and Stripe's balance differ: a payment with all that hangs on it, a payout, or
/// one balance transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// `pay_…`, `po_…`, `fee_…`, or `txn_…`.
    pub id: String,
    /// What the books say it moved, minor units.
    pub books: i64,
    /// How many postings say so.
    pub postings: i64,
    /// What Stripe says.
    pub stripe: i64,
    /// How many balance transactions say so.
    pub transactions: i64,
    /// When the newest of either was made or heard of.
    pub newest: Timestamp,
    /// Whether somebody has still to find out whose it is.
    pub waiting: bool,
}

/// Everything about a payment is one fact, in a tenant's books and in the platform's own: there it is the
/// fee, with what was given back of it. Which payment a fee is of may be known later than the fee, so its
/// row is asked.
const FACTS: Sql = Sql::new(
    "select fact, cast(sum(books) as bigint) as books, cast(sum(postings) as bigint) as postings,
       cast(sum(stripe) as bigint) as stripe, cast(sum(transactions) as bigint) as transactions,
       max(at) as newest, cast(max(waiting) as bigint) as waiting
     from (
       select coalesce((
             select f.payment_id from application_fees f
             where t.tenant_id = 'ten_platform' and f.livemode = t.livemode
               and f.stripe_application_fee_id = t.source_id),
           t.payment_id, t.source_id) as fact,
         e.amount as books, 1 as postings, 0 as stripe, 0 as transactions, t.created_at as at, 0 as waiting
       from ledger_entries e
       join ledger_transactions t on t.tenant_id = e.tenant_id and t.livemode = e.livemode
         and t.id = e.transaction_id
       where e.tenant_id = $1 and e.livemode = $2 and e.account = 'stripe_clearing' and e.currency = $3
       union all
       select case b.attribution
           when 'payout' then b.source_id
           when 'external' then b.stripe_balance_transaction_id
           when 'fee' then b.stripe_balance_transaction_id
           when 'waiting' then b.stripe_balance_transaction_id
           else coalesce((
               select f.payment_id from application_fees f
               where b.tenant_id = 'ten_platform' and f.livemode = b.livemode
                 and f.stripe_application_fee_id = b.stripe_application_fee_id),
             b.payment_id, b.stripe_application_fee_id, b.stripe_balance_transaction_id)
         end as fact,
         0 as books, 0 as postings, b.net as stripe, 1 as transactions, b.created_at as at,
         case b.attribution when 'waiting' then 1 else 0 end as waiting
       from balance_transactions b
       where b.tenant_id = $1 and b.livemode = $2 and b.currency = $3) sides
     group by fact
     having sum(books) <> sum(stripe)
     order by max(waiting), max(at), fact
     limit $4",
);

/// Facts in which the books and Stripe's balance differ, at most so many: those that wait for nothing and are
/// the oldest come first, since the newest are on their way.
pub fn facts(tx: &mut Tx, scope: &Scope, currency: Currency, limit: i64) -> Result<Vec<Fact>, Error> {
    let binds = binds![&scope.tenant, scope.mode, currency.code(), limit];
    tx.query(&FACTS, binds)?.iter().map(fact).collect()
}

fn fact(row: &Row) -> Result<Fact, Error> {
    Ok(Fact {
        id: row.text("fact")?,
        books: row.int("books")?,
        postings: row.int("postings")?,
        stripe: row.int("stripe")?,
        transactions: row.int("transactions")?,
        newest: values::time(row, "newest")?,
        waiting: values::flag(row, "waiting")?,
    })
}

/// An invoice whose books say something else than it says itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoiceFact {
    /// `inv_…`.
    pub id: String,
    /// What is owed of it.
    pub owed: i64,
    /// What the books say.
    pub books: i64,
}

const INVOICE_FACTS: Sql = Sql::new(
    "select id, cast(sum(owed) as bigint) as owed, cast(sum(books) as bigint) as books
     from (
       select i.id, i.total - i.applied - i.credited as owed, 0 as books
       from invoices i
       where i.tenant_id = $1 and i.livemode = $2 and i.currency = $3 and i.status not in ('draft', 'void')
       union all
       select coalesce(e.invoice_id, t.invoice_id, t.source_id) as id, 0 as owed, e.amount as books
       from ledger_entries e
       join ledger_transactions t on t.tenant_id = e.tenant_id and t.livemode = e.livemode
         and t.id = e.transaction_id
       where e.tenant_id = $1 and e.livemode = $2 and e.account = 'receivable' and e.currency = $3) sides
     group by id
     having sum(owed) <> sum(books)
     order by id
     limit $4",
);

/// Invoices whose books say something else, at most so many.
pub fn invoice_facts(
    tx: &mut Tx,
    scope: &Scope,
    currency: Currency,
    limit: i64,
) -> Result<Vec<InvoiceFact>, Error> {
    let rows = tx.query(
        &INVOICE_FACTS,
        binds![&scope.tenant, scope.mode, currency.code(), limit],
    )?;
    let fact = |row: &Row| {
        Ok(InvoiceFact {
            id: row.text("id")?,
            owed: row.int("owed")?,
            books: row.int("books")?,
        })
    };
    rows.iter().map(fact).collect()
}

const NEXT_SCOPE: Sql = Sql::new(
    "select tenant_id, livemode from (
       select tenant_id, livemode from (
         select tenant_id, livemode from ledger_transactions
         where (tenant_id, livemode) > ($1, $2)
         order by tenant_id, livemode
         limit 1) booked
       union all
       select tenant_id, livemode from (
         select tenant_id, livemode from balance_transactions
         where (tenant_id, livemode) > ($1, $2)
         order by tenant_id, livemode
         limit 1) moved) used
     order by tenant_id, livemode
     limit 1",
);

/// The first tenant and mode after the given one that has books or a balance; the platform is one.
pub fn next_scope(tx: &mut Tx, after: Option<&Scope>) -> Result<Option<Scope>, Error> {
    let tenant = after.map_or("", |scope| scope.tenant.as_str());
    let livemode = after.map_or(-1, |scope| i64::from(scope.mode.is_live()));
    let row = tx.optional(&NEXT_SCOPE, binds![tenant, livemode])?;
    row.map(|row| values::scope(&row)).transpose()
}

fn read(row: &Row) -> Result<TieOut, Error> {
    Ok(TieOut {
        scope: values::scope(row)?,
        currency: values::currency(row)?,
        day: row.text("day")?,
        invoices_owed: row.int("invoices_owed")?,
        books_receivable: row.int("books_receivable")?,
        credit_left: row.int("credit_left")?,
        books_credit: row.int("books_credit")?,
        stripe_balance: row.int("stripe_balance")?,
        books_clearing: row.int("books_clearing")?,
        external: row.int("external")?,
        on_the_way: row.int("on_the_way")?,
        unexplained: row.int("unexplained")?,
        facts: row.int("facts")?,
        read_at: values::time_opt(row, "read_at")?,
        at: values::time(row, "created_at")?,
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[
    &PUT,
    &OF_DAY,
    &CURRENCIES,
    &OWED,
    &CREDIT,
    &FACTS,
    &INVOICE_FACTS,
    &NEXT_SCOPE,
];
