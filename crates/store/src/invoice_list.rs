//! The lists of invoices that people look through: by state, by client, what is overdue, and how many there
//! are of each, as far as it is worth counting.

use domain::{ClientId, Currency, InvoiceId, Scope, Timestamp};

use crate::day_sums::{Owed, read_owed};
use crate::db::{Error, Row, Sql, Tx, Value};
use crate::invoices::{self, Invoice};
use crate::{binds, values};

/// Which invoices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shelf {
    /// All of them.
    #[default]
    All,
    /// Not finalized yet.
    Draft,
    /// Owed, and nothing is under way.
    Open,
    /// Owed, and the due date is over.
    Overdue,
    /// A payment is under way.
    Processing,
    /// Paid or credited in full.
    Paid,
    /// Taken back.
    Void,
}

impl Shelf {
    /// In the order in which they are offered.
    pub const ALL: [Shelf; 7] = [
        Shelf::All,
        Shelf::Draft,
        Shelf::Open,
        Shelf::Overdue,
        Shelf::Processing,
        Shelf::Paid,
        Shelf::Void,
    ];

    /// The word in an address.
    pub const fn word(self) -> &'static str {
        match self {
            Shelf::All => "all",
            Shelf::Draft => "draft",
            Shelf::Open => "open",
            Shelf::Overdue => "overdue",
            Shelf::Processing => "processing",
            Shelf::Paid => "paid",
            Shelf::Void => "void",
        }
    }

    /// The shelf of a word.
    pub fn parse(word: &str) -> Option<Shelf> {
        Shelf::ALL.into_iter().find(|shelf| shelf.word() == word)
    }
}

/// An invoice in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The invoice.
    pub invoice: Invoice,
    /// What its client is called now.
    pub client_name: String,
    /// What that client is found by.
    pub client_key: String,
}

macro_rules! listed {
    ($($rest:literal),+ $(,)?) => {
        Sql::new(concat!(
            "select i.id, i.client_id, i.number, i.currency, i.memo, i.due_date, i.status, i.version,
               i.subtotal, i.tax, i.total, i.applied, i.credited, i.bill_to_name, i.bill_to_email,
               i.bill_to_details, i.bill_to_tax_id,
               i.created_at, i.finalized_at, i.paid_at, i.voided_at, i.discount_bps,
               i.discount_fixed, i.discount, c.name as client_name, c.search_key as client_key
             from invoices i
             join clients c on c.tenant_id = i.tenant_id and c.livemode = i.livemode and c.id = i.client_id
             where i.tenant_id = $1 and i.livemode = $2 ",
            $($rest),+
        ))
    };
}

const NEWEST: Sql = listed!("and i.id < $3 order by i.id desc limit $4");

const OF_STATUS: Sql = listed!("and i.status = $5 and i.id < $3 order by i.id desc limit $4");

const OVERDUE: Sql = listed!(
    "and i.status = 'open' and i.due_date < $4 and (i.due_date, i.id) > ($5, $3)
     order by i.due_date, i.id
     limit $6"
);

const OF_CLIENT: Sql = listed!("and i.client_id = $5 and i.id < $3 order by i.id desc limit $4");

// What is compared with the status has no index: SQLite would look through all that stand so, and a client
// has few.
const OF_CLIENT_AND_STATUS: Sql =
    listed!("and i.client_id = $5 and i.status || '' = $6 and i.id < $3 order by i.id desc limit $4");

const OVERDUE_OF_CLIENT: Sql = listed!(
    "and i.client_id = $5 and i.status || '' = 'open' and i.due_date < $6 and i.id < $3
     order by i.id desc
     limit $4"
);

macro_rules! issued {
    ($of_status:literal) => {
        listed!(
            "and coalesce(i.finalized_at, i.created_at) >= $5
               and coalesce(i.finalized_at, i.created_at) <= $6
               and (coalesce(i.finalized_at, i.created_at), i.id) < ($6, $3) ",
            $of_status,
            " order by coalesce(i.finalized_at, i.created_at) desc, i.id desc
             limit $4"
        )
    };
}

const ISSUED: Sql = issued!("");

const ISSUED_OF_STATUS: Sql = issued!("and i.status = $7");

// Sums with nothing have no index: PostgreSQL would go by the time, which may be all there is.
const OF_TOTAL: Sql = listed!(
    "and i.id in (
       select t.id from invoices t
       where t.tenant_id = $1 and t.livemode = $2 and t.currency = $5 and t.total >= $6 and t.total <= $7
         and t.id < $3 and ($8 = '' or t.status = $8)
         and coalesce(t.finalized_at, t.created_at) + 0 >= $9
         and coalesce(t.finalized_at, t.created_at) + 0 < $10)
     order by i.id desc
     limit $4"
);

const COUNT_OF_TOTAL: Sql = Sql::new(
    "select count(*) as counted from (
       select 1 as one from invoices
       where tenant_id = $1 and livemode = $2 and currency = $3 and total >= $4 and total <= $5
       limit 100) counted",
);

/// Fewer invoices than these that have such a total are found by it: as far as they are counted.
const FEW: i64 = 100;

const NEXT_CURRENCY: Sql = Sql::new(
    "select currency from invoices
     where tenant_id = $1 and livemode = $2 and currency > $3
     order by currency
     limit 1",
);

const NUMBERED: Sql = listed!("and i.number = $3");

/// Stands before every id in the order of lists, which is downwards.
const BEFORE_ALL: &str = "inv_~";

/// Where a list goes on: after this invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct After {
    /// Its id.
    pub id: InvoiceId,
    /// Its due date, by which what is overdue is listed.
    pub due_date: String,
    /// When it was issued, or written where it is a draft, by which what was issued in a time is listed.
    pub issued_at: Timestamp,
}

impl After {
    /// After this invoice.
    pub fn of(invoice: &Invoice) -> After {
        After {
            id: invoice.id.clone(),
            due_date: invoice.due_date.clone().unwrap_or_default(),
            issued_at: invoice.finalized_at.unwrap_or(invoice.created_at),
        }
    }
}

/// Invoices of a shelf after the given one (exclusive): newest first, but what is overdue in the order of its
/// due date. `today` is the day as `YYYY-MM-DD`: what is due before it is overdue.
pub fn page(
    tx: &mut Tx,
    scope: &Scope,
    shelf: Shelf,
    today: &str,
    after: Option<&After>,
    limit: i64,
) -> Result<Vec<Listed>, Error> {
    let id = after.map_or(BEFORE_ALL, |after| after.id.as_str());
    match shelf {
        Shelf::All => list(tx, &NEWEST, binds![&scope.tenant, scope.mode, id, limit]),
        Shelf::Overdue => {
            let (due, id) = after.map_or(("", ""), |after| (after.due_date.as_str(), after.id.as_str()));
            list(
                tx,
                &OVERDUE,
                binds![&scope.tenant, scope.mode, id, today, due, limit],
            )
        }
        Shelf::Draft | Shelf::Open | Shelf::Processing | Shelf::Paid | Shelf::Void => list(
            tx,
            &OF_STATUS,
            binds![&scope.tenant, scope.mode, id, limit, shelf.word()],
        ),
    }
}

/// Invoices of a client on a shelf after the given one (exclusive), newest first. `today` is the day as
/// `YYYY-MM-DD`: what is due before it is overdue.
pub fn of_client(
    tx: &mut Tx,
    scope: &Scope,
    client: &ClientId,
    (shelf, today): (Shelf, &str),
    after: Option<&InvoiceId>,
    limit: i64,
) -> Result<Vec<Listed>, Error> {
    let id = after.map_or(BEFORE_ALL, InvoiceId::as_str);
    let binds = binds![&scope.tenant, scope.mode, id, limit, client];
    match shelf {
        Shelf::All => list(tx, &OF_CLIENT, binds),
        Shelf::Overdue => list(tx, &OVERDUE_OF_CLIENT, &[binds, binds![today]].concat()),
        Shelf::Draft | Shelf::Open | Shelf::Processing | Shelf::Paid | Shelf::Void => {
            list(tx, &OF_CLIENT_AND_STATUS, &[binds, binds![shelf.word()]].concat())
        }
    }
}

/// When invoices were issued, or written where they are drafts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Issued {
    /// At this moment or later.
    pub from: Timestamp,
    /// Before this moment.
    pub before: Timestamp,
}

/// Invoices that were issued in a time after the given one (exclusive), those issued last first; of one
/// status if it is given.
pub fn issued(
    tx: &mut Tx,
    scope: &Scope,
    status: Option<&str>,
    issued: Issued,
    after: Option<&After>,
    limit: i64,
) -> Result<Vec<Listed>, Error> {
    // Before every id of the moment at which the time ends, which it does not include.
    let (before, id) = match after {
        Some(after) if after.issued_at < issued.before => (after.issued_at, after.id.as_str()),
        Some(_) | None => (issued.before, ""),
    };
    let binds = binds![&scope.tenant, scope.mode, id, limit, issued.from, before];
    match status {
        None => list(tx, &ISSUED, binds),
        Some(status) => list(tx, &ISSUED_OF_STATUS, &[binds, binds![status]].concat()),
    }
}

/// Between which totals, minor units, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Of invoices in this currency.
    pub currency: Currency,
    /// The least.
    pub least: i64,
    /// The highest.
    pub most: i64,
}

/// Whether few invoices, of any status, have such a total, so that they are found by it.
pub fn are_few(tx: &mut Tx, scope: &Scope, totals: &[Totals]) -> Result<bool, Error> {
    let mut left = FEW;
    for Totals {
        currency,
        least,
        most,
    } in totals
    {
        let binds = binds![&scope.tenant, scope.mode, currency.code(), *least, *most];
        left -= tx.one(&COUNT_OF_TOTAL, binds)?.int("counted")?;
        if left <= 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Invoices with such a total that were issued in a time, after the given one (exclusive), newest first; of
/// one status if it is given.
pub fn of_totals(
    tx: &mut Tx,
    scope: &Scope,
    totals: &[Totals],
    (status, issued): (Option<&str>, Issued),
    after: Option<&After>,
    limit: i64,
) -> Result<Vec<Listed>, Error> {
    let id = after.map_or(BEFORE_ALL, |after| after.id.as_str());
    let mut found = Vec::new();
    for Totals {
        currency,
        least,
        most,
    } in totals
    {
        let binds = binds![
            &scope.tenant,
            scope.mode,
            id,
            limit,
            currency.code(),
            *least,
            *most,
            status.unwrap_or_default(),
            issued.from,
            issued.before
        ];
        found.extend(list(tx, &OF_TOTAL, binds)?);
    }
    found.sort_by(|one, other| other.invoice.id.cmp(&one.invoice.id));
    found.truncate(usize::try_from(limit).unwrap_or_default());
    Ok(found)
}

/// The currencies of a tenant's invoices.
pub fn currencies(tx: &mut Tx, scope: &Scope) -> Result<Vec<Currency>, Error> {
    let mut currencies: Vec<Currency> = Vec::new();
    loop {
        let last = currencies.last().map_or("", |currency| currency.code());
        match tx.optional(&NEXT_CURRENCY, binds![&scope.tenant, scope.mode, last])? {
            Some(row) => currencies.push(values::currency(&row)?),
            None => return Ok(currencies),
        }
    }
}

/// The invoice with this number, if there is one.
pub fn numbered(tx: &mut Tx, scope: &Scope, number: &str) -> Result<Option<Listed>, Error> {
    Ok(list(tx, &NUMBERED, binds![&scope.tenant, scope.mode, number])?.pop())
}

fn list(tx: &mut Tx, sql: &Sql, binds: &[Value]) -> Result<Vec<Listed>, Error> {
    tx.query(sql, binds)?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Listed, Error> {
    Ok(Listed {
        invoice: invoices::read(row)?,
        client_name: row.text("client_name")?,
        client_key: row.text("client_key")?,
    })
}

/// How far a list is counted: nobody reads one of thousands to its end, and a count that grows with the table
/// would make every page slow.
pub const COUNTED_MAX: i64 = 100;

macro_rules! counted {
    ($shelf:literal, $of:literal) => {
        concat!(
            "select '",
            $shelf,
            "' as shelf, (select count(*) from (
               select 1 as one from invoices
               where tenant_id = $1 and livemode = $2 ",
            $of,
            " limit 100) counted) as counted"
        )
    };
}

// In one statement, with the limit in its words: PostgreSQL plans it once.
const COUNTS: Sql = Sql::new(concat!(
    counted!("all", ""),
    " union all ",
    counted!("draft", "and status = 'draft'"),
    " union all ",
    counted!("open", "and status = 'open'"),
    " union all ",
    counted!("overdue", "and status = 'open' and due_date < $3"),
    " union all ",
    counted!("processing", "and status = 'processing'"),
    " union all ",
    counted!("paid", "and status = 'paid'"),
    " union all ",
    counted!("void", "and status = 'void'"),
));

/// How many invoices are on each shelf, counted up to [`COUNTED_MAX`].
pub fn counts(tx: &mut Tx, scope: &Scope, today: &str) -> Result<Vec<(Shelf, i64)>, Error> {
    let rows = tx.query(&COUNTS, binds![&scope.tenant, scope.mode, today])?;
    let read = |row: &Row| Ok((values::word(row, "shelf", Shelf::parse)?, row.int("counted")?));
    let counted: Vec<(Shelf, i64)> = rows.iter().map(read).collect::<Result<_, Error>>()?;
    let of = |shelf| counted.iter().find(|(counted, _)| *counted == shelf);
    Ok(Shelf::ALL.into_iter().filter_map(of).copied().collect())
}

const OWED_BY_CLIENT: Sql = Sql::new(
    "select currency,
       cast(sum(total - applied - credited) as bigint) as owed,
       cast(sum(case when status = 'open' and due_date < $3 then total - applied - credited
         else 0 end)
         as bigint) as overdue,
       count(*) as invoices,
       cast(sum(case when status = 'open' and due_date < $3 then 1 else 0 end) as bigint)
         as invoices_overdue
     from invoices
     where tenant_id = $1 and livemode = $2 and status in ('open', 'processing') and client_id = $4
     group by currency
     order by currency",
);

/// What a client owes, in each currency.
pub fn owed_by(tx: &mut Tx, scope: &Scope, client: &ClientId, today: &str) -> Result<Vec<Owed>, Error> {
    let rows = tx.query(&OWED_BY_CLIENT, binds![&scope.tenant, scope.mode, today, client])?;
    rows.iter().map(read_owed).collect()
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[
    &NEWEST,
    &OF_STATUS,
    &OVERDUE,
    &OF_CLIENT,
    &OF_CLIENT_AND_STATUS,
    &OVERDUE_OF_CLIENT,
    &ISSUED,
    &ISSUED_OF_STATUS,
    &OF_TOTAL,
    &COUNT_OF_TOTAL,
    &NEXT_CURRENCY,
    &NUMBERED,
    &COUNTS,
    &OWED_BY_CLIENT,
];
