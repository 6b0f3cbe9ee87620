//! Balances of the ledger's accounts and of clients, in a time that does not grow with the books: a balance
//! at the end of an hour that is over is written down, and what came since is added to it.

use domain::{ClientId, Currency, LedgerTransactionId, Scope, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// What has a balance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Book {
    /// An account of the ledger, by its word.
    Account(String),
    /// What a client owes, less its credit.
    Client(ClientId),
}

impl Book {
    fn word(&self) -> &str {
        match self {
            Book::Account(word) => word,
            Book::Client(id) => id.as_str(),
        }
    }
}

/// A balance in a currency, in minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// Whose.
    pub book: Book,
    /// In which currency.
    pub currency: Currency,
    /// Debits less credits.
    pub balance: i64,
}

/// The accounts that have entries, one after the other along the index: the books may hold millions of them.
/// Each step seeks the next currency of its account, or else the next account: comparing pairs, SQLite would
/// read all entries of an account. A pair is one text, so that a step takes two seeks and not five.
const ACCOUNTS: Sql = Sql::new(
    "with recursive pairs (pair) as (
       select
         (select e.account || ':' || e.currency from ledger_entries e
          where e.tenant_id = $1 and e.livemode = $2
          order by e.account, e.currency limit 1)
       union all
       select
         coalesce(
           (select e.account || ':' || e.currency from ledger_entries e
            where e.tenant_id = $1 and e.livemode = $2
              and e.account = substr(p.pair, 1, length(p.pair) - 4)
              and e.currency > substr(p.pair, length(p.pair) - 2)
            order by e.currency limit 1),
           (select e.account || ':' || e.currency from ledger_entries e
            where e.tenant_id = $1 and e.livemode = $2
              and e.account > substr(p.pair, 1, length(p.pair) - 4)
            order by e.account, e.currency limit 1))
       from pairs p
       where p.pair is not null)
     select substr(pair, 1, length(pair) - 4) as account, substr(pair, length(pair) - 2) as currency
     from pairs
     where pair is not null
     order by account, currency",
);

/// The accounts that have entries, with the currencies that they have them in.
pub fn accounts(tx: &mut Tx, scope: &Scope) -> Result<Vec<(Book, Currency)>, Error> {
    let rows = tx.query(&ACCOUNTS, binds![&scope.tenant, scope.mode])?;
    let pair = |row: &Row| Ok((Book::Account(row.text("account")?), values::currency(row)?));
    rows.iter().map(pair).collect()
}

const CLIENTS: Sql = Sql::new(
    "with recursive pairs (client_id, currency) as (
       select
         (select l.client_id from client_lines l where l.tenant_id = $1 and l.livemode = $2
            and l.client_id > $3
          order by l.client_id, l.currency limit 1),
         (select l.currency from client_lines l where l.tenant_id = $1 and l.livemode = $2
            and l.client_id > $3
          order by l.client_id, l.currency limit 1)
       union all
       select
         coalesce(
           (select l.client_id from client_lines l where l.tenant_id = $1 and l.livemode = $2
              and l.client_id = p.client_id and l.currency > p.currency
            order by l.currency limit 1),
           (select min(l.client_id) from client_lines l where l.tenant_id = $1 and l.livemode = $2
              and l.client_id > p.client_id)),
         coalesce(
           (select min(l.currency) from client_lines l where l.tenant_id = $1 and l.livemode = $2
              and l.client_id = p.client_id and l.currency > p.currency),
           (select min(l.currency) from client_lines l where l.tenant_id = $1 and l.livemode = $2
              and l.client_id = (
                select min(n.client_id) from client_lines n where n.tenant_id = $1 and n.livemode = $2
                  and n.client_id > p.client_id)))
       from pairs p
       where p.client_id is not null)
     select client_id, currency from pairs where client_id is not null
     limit $4",
);

/// Clients that have lines, with the currencies that they have them in, after the given one (exclusive).
pub fn clients(tx: &mut Tx, scope: &Scope, after: &str, limit: i64) -> Result<Vec<(Book, Currency)>, Error> {
    let rows = tx.query(&CLIENTS, binds![&scope.tenant, scope.mode, after, limit])?;
    let pair = |row: &Row| {
        let client = ClientId::stored(row.text("client_id")?);
        Ok((Book::Client(client), values::currency(row)?))
    };
    rows.iter().map(pair).collect()
}

const LAST_CLOSED: Sql = Sql::new(
    "select ends_at, balance from ledger_balances
     where tenant_id = $1 and livemode = $2 and book = $3 and currency = $4 and ends_at <= $5
     order by ends_at desc
     limit 1",
);

const ACCOUNT_SINCE: Sql = Sql::new(
    "select count(*) as entries, cast(coalesce(sum(amount), 0) as bigint) as amount
     from ledger_entries
     where tenant_id = $1 and livemode = $2 and account = $3 and currency = $4
       and created_at >= $5 and created_at < $6",
);

const CLIENT_SINCE: Sql = Sql::new(
    "select count(*) as entries, cast(coalesce(sum(amount), 0) as bigint) as amount
     from client_lines
     where tenant_id = $1 and livemode = $2 and client_id = $3 and currency = $4
       and created_at >= $5 and created_at < $6",
);

const CURRENCIES: Sql = Sql::new(
    "select distinct currency
     from client_lines
     where tenant_id = $1 and livemode = $2 and client_id = $3
     order by currency",
);

/// The currencies in which a client has lines.
pub fn currencies_of_client(tx: &mut Tx, scope: &Scope, client: &ClientId) -> Result<Vec<Currency>, Error> {
    let rows = tx.query(&CURRENCIES, binds![&scope.tenant, scope.mode, client])?;
    rows.iter().map(values::currency).collect()
}

/// A balance, and how many entries had to be added up for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summed {
    /// Minor units, debits less credits.
    pub balance: i64,
    /// Entries since the hour whose balance is written down.
    pub entries: i64,
}

/// The balance of what was booked before a moment.
pub fn before(
    tx: &mut Tx,
    scope: &Scope,
    book: &Book,
    currency: Currency,
    at: Timestamp,
) -> Result<Summed, Error> {
    let (mode, word, code) = (scope.mode, book.word(), currency.code());
    let closed = tx.optional(&LAST_CLOSED, binds![&scope.tenant, mode, word, code, at])?;
    let (ends_at, balance) = match closed {
        Some(row) => (row.int("ends_at")?, row.int("balance")?),
        None => (i64::MIN, 0),
    };
    let since = match book {
        Book::Account(_) => &ACCOUNT_SINCE,
        Book::Client(_) => &CLIENT_SINCE,
    };
    let row = tx.one(since, binds![&scope.tenant, mode, word, code, ends_at, at])?;
    let balance = balance.checked_add(row.int("amount")?);
    Ok(Summed {
        balance: balance.ok_or_else(|| Error::Schema(format!("the balance of {word} is out of range")))?,
        entries: row.int("entries")?,
    })
}

const CLOSE: Sql = Sql::new(
    "insert into ledger_balances (tenant_id, livemode, book, currency, ends_at, balance, created_at)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (tenant_id, livemode, book, currency, ends_at) do nothing",
);

/// Writes down the balance at the end of an hour that is over.
pub fn close(
    tx: &mut Tx,
    scope: &Scope,
    book: &Book,
    currency: Currency,
    ends_at: Timestamp,
    balance: i64,
    at: Timestamp,
) -> Result<bool, Error> {
    let (mode, word, code) = (scope.mode, book.word(), currency.code());
    let binds = binds![&scope.tenant, mode, word, code, ends_at, balance, at];
    Ok(tx.execute(&CLOSE, binds)? == 1)
}

/// One line of a client's statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What was booked.
    pub transaction: LedgerTransactionId,
    /// What kind of fact.
    pub kind: String,
    /// The object that is the reason.
    pub source: String,
    /// The invoice, where it is about one.
    pub invoice: Option<String>,
    /// Its number.
    pub invoice_number: Option<String>,
    /// The payment, where there is one.
    pub payment: Option<String>,
    /// By how much the client owes more now, in minor units.
    pub amount: i64,
    /// When.
    pub at: Timestamp,
    /// What each invoice has of it, where it is about several: as a payment of several invoices.
    pub parts: Vec<LinePart>,
}

/// What one of several invoices has of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinePart {
    /// The invoice.
    pub invoice: String,
    /// Its number.
    pub invoice_number: Option<String>,
    /// By how much more is owed on it now, in minor units.
    pub amount: i64,
}

const STATEMENT: Sql = Sql::new(
    "select l.transaction_id, l.amount, l.created_at, t.kind, t.source_id, t.invoice_id, i.number,
       t.payment_id
     from client_lines l
     join ledger_transactions t on t.tenant_id = l.tenant_id and t.livemode = l.livemode
       and t.id = l.transaction_id
     left join invoices i on i.tenant_id = t.tenant_id and i.livemode = t.livemode and i.id = t.invoice_id
     where l.tenant_id = $1 and l.livemode = $2 and l.client_id = $3 and l.currency = $4
       and (l.created_at, l.transaction_id) > ($5, $6) and l.created_at < $7
     order by l.created_at, l.transaction_id
     limit $8",
);

/// Where a page of a statement begins: after this line, or at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// When the line was booked.
    pub at: Timestamp,
    /// The line; empty for the first of that moment.
    pub transaction: String,
}

impl Place {
    /// Before the first line of a moment, and after all that were booked earlier.
    pub fn before(at: Timestamp) -> Place {
        Place {
            at: at.plus_ms(-1),
            // Sorts after every id.
            transaction: "~".to_owned(),
        }
    }
}

/// Lines of a client, oldest first, after a place and before a moment.
pub fn statement(
    tx: &mut Tx,
    scope: &Scope,
    client: &ClientId,
    currency: Currency,
    after: &Place,
    until: Timestamp,
    limit: i64,
) -> Result<Vec<Line>, Error> {
    let binds = binds![
        &scope.tenant,
        scope.mode,
        client,
        currency.code(),
        after.at,
        &after.transaction,
        until,
        limit
    ];
    let lines: Result<Vec<Line>, Error> = tx.query(&STATEMENT, binds)?.iter().map(line).collect();
    let mut lines = lines?;
    let Some(last) = lines.last() else {
        return Ok(lines);
    };
    let binds = binds![
        &scope.tenant,
        scope.mode,
        client,
        currency.code(),
        after.at,
        &after.transaction,
        last.at,
        &last.transaction
    ];
    let rows = tx.query(&PARTS, binds)?;
    let mut rows = rows.iter().peekable();
    for line in &mut lines {
        while let Some(row) = rows.peek() {
            if row.text("transaction_id")? != line.transaction.as_str() {
                break;
            }
            line.parts.push(LinePart {
                invoice: row.text("invoice_id")?,
                invoice_number: row.text_opt("number")?,
                amount: row.int("amount")?,
            });
            rows.next();
        }
    }
    Ok(lines)
}

// Of a transaction that is about several invoices, entries name theirs where it is not the transaction's own.
const PARTS: Sql = Sql::new(
    "select l.transaction_id, i.id as invoice_id, i.number, e.amount
     from client_lines l
     join ledger_transactions t on t.tenant_id = l.tenant_id and t.livemode = l.livemode
       and t.id = l.transaction_id
     join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
       and e.transaction_id = t.id and e.account = 'receivable'
     join invoices i on i.tenant_id = t.tenant_id and i.livemode = t.livemode
       and i.id = coalesce(e.invoice_id, t.invoice_id)
     where l.tenant_id = $1 and l.livemode = $2 and l.client_id = $3 and l.currency = $4
       and (l.created_at, l.transaction_id) > ($5, $6) and (l.created_at, l.transaction_id) <= ($7, $8)
       and exists (
         select 1 from ledger_entries o
         where o.tenant_id = t.tenant_id and o.livemode = t.livemode and o.transaction_id = t.id
           and o.invoice_id is not null)
     order by l.created_at, l.transaction_id, e.position",
);

const AT_PLACE: Sql = Sql::new(
    "select cast(coalesce(sum(amount), 0) as bigint) as amount
     from client_lines
     where tenant_id = $1 and livemode = $2 and client_id = $3 and currency = $4 and created_at = $5
       and transaction_id <= $6",
);

/// What a client owed at a place of its statement.
pub fn owed_at(
    tx: &mut Tx,
    scope: &Scope,
    client: &ClientId,
    currency: Currency,
    place: &Place,
) -> Result<i64, Error> {
    let before = before(tx, scope, &Book::Client(client.clone()), currency, place.at)?;
    let binds = binds![
        &scope.tenant,
        scope.mode,
        client,
        currency.code(),
        place.at,
        &place.transaction
    ];
    Ok(before
        .balance
        .saturating_add(tx.one(&AT_PLACE, binds)?.int("amount")?))
}

const PLACE_OF: Sql = Sql::new(
    "select created_at from client_lines
     where tenant_id = $1 and livemode = $2 and transaction_id = $3 and client_id = $4",
);

/// The place of a line of a client; none when it has no such line.
pub fn place_of(
    tx: &mut Tx,
    scope: &Scope,
    client: &ClientId,
    transaction: &LedgerTransactionId,
) -> Result<Option<Place>, Error> {
    let row = tx.optional(&PLACE_OF, binds![&scope.tenant, scope.mode, transaction, client])?;
    let place = |row: Row| {
        Ok(Place {
            at: values::time(&row, "created_at")?,
            transaction: transaction.as_str().to_owned(),
        })
    };
    row.map(place).transpose()
}

fn line(row: &Row) -> Result<Line, Error> {
    Ok(Line {
        transaction: LedgerTransactionId::stored(row.text("transaction_id")?),
        kind: row.text("kind")?,
        source: row.text("source_id")?,
        invoice: row.text_opt("invoice_id")?,
        invoice_number: row.text_opt("number")?,
        payment: row.text_opt("payment_id")?,
        amount: row.int("amount")?,
        at: values::time(row, "created_at")?,
        parts: Vec::new(),
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[
    &ACCOUNTS,
    &CLIENTS,
    &CURRENCIES,
    &LAST_CLOSED,
    &ACCOUNT_SINCE,
    &CLIENT_SINCE,
    &CLOSE,
    &STATEMENT,
    &PARTS,
    &AT_PLACE,
    &PLACE_OF,
];
