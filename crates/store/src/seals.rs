//! Daily seals of the audit log and of the ledger, and the rows that they seal, in the order in which they
//! do.

use domain::seal::{Book, Day, Field};
use domain::{Mode, Scope, TenantId, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// The seal of one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// Whose day.
    pub scope: Scope,
    /// Which day.
    pub day: Day,
    /// How many rows it has.
    pub row_count: i64,
    /// The seal of the last day before that has one.
    pub before: Option<String>,
    /// SHA-256 in hex.
    pub seal: String,
}

const INSERT_AUDIT: Sql = Sql::new(
    "insert into audit_seals (tenant_id, livemode, day, row_count, seal_before, seal, created_at)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (tenant_id, livemode, day) do nothing",
);

const INSERT_LEDGER: Sql = Sql::new(
    "insert into ledger_seals (tenant_id, livemode, day, row_count, seal_before, seal, created_at)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (tenant_id, livemode, day) do nothing",
);

/// Adds a seal; `false` when the day has one.
pub fn insert(tx: &mut Tx, book: Book, seal: &Seal, at: Timestamp) -> Result<bool, Error> {
    let sql = match book {
        Book::Audit => &INSERT_AUDIT,
        Book::Ledger => &INSERT_LEDGER,
    };
    let binds = binds![
        &seal.scope.tenant,
        seal.scope.mode,
        seal.day.to_string(),
        seal.row_count,
        seal.before.clone(),
        &seal.seal,
        at
    ];
    Ok(tx.execute(sql, binds)? == 1)
}

const LAST_OF_AUDIT: Sql = Sql::new(
    "select tenant_id, livemode, day, row_count, seal_before, seal
     from audit_seals
     where tenant_id = $1 and livemode = $2
     order by day desc
     limit 1",
);

const LAST_OF_LEDGER: Sql = Sql::new(
    "select tenant_id, livemode, day, row_count, seal_before, seal
     from ledger_seals
     where tenant_id = $1 and livemode = $2
     order by day desc
     limit 1",
);

/// The newest seal of a book.
pub fn last(tx: &mut Tx, book: Book, scope: &Scope) -> Result<Option<Seal>, Error> {
    let sql = match book {
        Book::Audit => &LAST_OF_AUDIT,
        Book::Ledger => &LAST_OF_LEDGER,
    };
    let row = tx.optional(sql, binds![&scope.tenant, scope.mode])?;
    row.map(|row| read(&row)).transpose()
}

const NEXT_OF_AUDIT: Sql = Sql::new(
    "select tenant_id, livemode, day, row_count, seal_before, seal
     from audit_seals
     where tenant_id = $1 and livemode = $2 and day > $3
     order by day
     limit 1",
);

const NEXT_OF_LEDGER: Sql = Sql::new(
    "select tenant_id, livemode, day, row_count, seal_before, seal
     from ledger_seals
     where tenant_id = $1 and livemode = $2 and day > $3
     order by day
     limit 1",
);

/// The first seal of a book after a day; the first of all without one.
pub fn next(tx: &mut Tx, book: Book, scope: &Scope, after: Option<Day>) -> Result<Option<Seal>, Error> {
    let sql = match book {
        Book::Audit => &NEXT_OF_AUDIT,
        Book::Ledger => &NEXT_OF_LEDGER,
    };
    let after = after.map_or(String::new(), |day| day.to_string());
    let row = tx.optional(sql, binds![&scope.tenant, scope.mode, after])?;
    row.map(|row| read(&row)).transpose()
}

fn read(row: &Row) -> Result<Seal, Error> {
    Ok(Seal {
        scope: values::scope(row)?,
        day: values::word(row, "day", Day::parse)?,
        row_count: row.int("row_count")?,
        before: row.text_opt("seal_before")?,
        seal: row.text("seal")?,
    })
}

const SCOPE_OF_AUDIT: Sql = Sql::new(
    "select tenant_id, livemode
     from audit_log
     where (tenant_id, livemode) > ($1, $2)
     order by tenant_id, livemode
     limit 1",
);

const SCOPE_OF_AUDIT_SEALS: Sql = Sql::new(
    "select tenant_id, livemode
     from audit_seals
     where (tenant_id, livemode) > ($1, $2)
     order by tenant_id, livemode
     limit 1",
);

const SCOPE_OF_LEDGER: Sql = Sql::new(
    "select tenant_id, livemode
     from ledger_transactions
     where (tenant_id, livemode) > ($1, $2)
     order by tenant_id, livemode
     limit 1",
);

const SCOPE_OF_LEDGER_SEALS: Sql = Sql::new(
    "select tenant_id, livemode
     from ledger_seals
     where (tenant_id, livemode) > ($1, $2)
     order by tenant_id, livemode
     limit 1",
);

/// The next tenant and mode that have rows or seals in a book: one step of an index, however many rows.
pub fn next_scope(tx: &mut Tx, book: Book, after: Option<&Scope>) -> Result<Option<Scope>, Error> {
    let sources = match book {
        Book::Audit => [&SCOPE_OF_AUDIT, &SCOPE_OF_AUDIT_SEALS],
        Book::Ledger => [&SCOPE_OF_LEDGER, &SCOPE_OF_LEDGER_SEALS],
    };
    let first = Scope {
        tenant: TenantId::stored(String::new()),
        mode: Mode::Test,
    };
    let after = after.unwrap_or(&first);
    let mut found: Option<Scope> = None;
    for sql in sources {
        if let Some(row) = tx.optional(sql, binds![&after.tenant, after.mode])? {
            let scope = values::scope(&row)?;
            found = Some(found.map_or(scope.clone(), |other| other.min(scope)));
        }
    }
    Ok(found)
}

const FIRST_OF_AUDIT: Sql = Sql::new(
    "select created_at
     from audit_log
     where tenant_id = $1 and livemode = $2 and created_at >= $3
     order by created_at
     limit 1",
);

const FIRST_OF_LEDGER: Sql = Sql::new(
    "select created_at
     from ledger_transactions
     where tenant_id = $1 and livemode = $2 and created_at >= $3
     order by created_at
     limit 1",
);

/// The first day, from a moment on, that has rows.
pub fn next_day(tx: &mut Tx, book: Book, scope: &Scope, from: Timestamp) -> Result<Option<Day>, Error> {
    let sql = match book {
        Book::Audit => &FIRST_OF_AUDIT,
        Book::Ledger => &FIRST_OF_LEDGER,
    };
    let row = tx.optional(sql, binds![&scope.tenant, scope.mode, from])?;
    row.map(|row| values::time(&row, "created_at").map(Day::of))
        .transpose()
}

const ROWS_OF_AUDIT: Sql = Sql::new(
    "select created_at, id, actor, actor_id, address, request_id, action, subject_id, before_state,
       after_state
     from audit_log
     where tenant_id = $1 and livemode = $2 and created_at < $3 and (created_at, id) > ($4, $5)
     order by created_at, id
     limit $6",
);

const ROWS_OF_LEDGER: Sql = Sql::new(
    "select t.created_at, t.id, t.kind, t.source_id, t.invoice_id, t.payment_id, t.currency, t.reverses,
       e.position, e.account, e.currency as entry_currency, e.amount, e.created_at as entry_created_at,
       e.invoice_id as entry_invoice_id
     from (select tenant_id, livemode, created_at, id, kind, source_id, invoice_id, payment_id, currency,
         reverses
       from ledger_transactions
       where tenant_id = $1 and livemode = $2 and created_at < $3 and (created_at, id) > ($4, $5)
       order by created_at, id
       limit $6) as t
     left join ledger_entries as e
       on e.tenant_id = t.tenant_id and e.livemode = t.livemode and e.transaction_id = t.id
     order by t.created_at, t.id, e.position",
);

/// The columns that a seal covers, in their order; tenant and mode stand in its head. Changed only together
/// with the version there, or by a column at the end that is left out where it says nothing.
const AUDIT_COLUMNS: &[&str] = &[
    "created_at",
    "id",
    "actor",
    "actor_id",
    "address",
    "request_id",
    "action",
    "subject_id",
    "before_state",
    "after_state",
];
const LEDGER_COLUMNS: &[&str] = &[
    "created_at",
    "id",
    "kind",
    "source_id",
    "invoice_id",
    "payment_id",
    "currency",
    "reverses",
    "position",
    "account",
    "entry_currency",
    "amount",
    "entry_created_at",
];
/// Came later: sealed where an entry has it, so that older seals hold.
const ENTRY_INVOICE: &str = "entry_invoice_id";

/// Where a reading of a day's rows stands: behind the row of this moment and id.
#[derive(Clone, Debug)]
pub struct Place {
    at: Timestamp,
    id: String,
}

impl Place {
    /// Before the first row of a day.
    pub fn before(day: Day) -> Place {
        Place {
            at: day.begins(),
            id: String::new(),
        }
    }
}

/// The next rows of a day, at most `limit` of the log or `limit` transactions of the ledger with all their
/// entries, and where they end; no place when there are no more.
pub fn rows(
    tx: &mut Tx,
    book: Book,
    scope: &Scope,
    day: Day,
    place: &Place,
    limit: i64,
) -> Result<(Vec<Vec<Field>>, Option<Place>), Error> {
    let (sql, columns) = match book {
        Book::Audit => (&ROWS_OF_AUDIT, AUDIT_COLUMNS),
        Book::Ledger => (&ROWS_OF_LEDGER, LEDGER_COLUMNS),
    };
    let binds = binds![&scope.tenant, scope.mode, day.ends(), place.at, &place.id, limit];
    let found = tx.query(sql, binds)?;
    let Some(last) = found.last() else {
        return Ok((Vec::new(), None));
    };
    let end = Place {
        at: values::time(last, "created_at")?,
        id: last.text("id")?,
    };
    let mut rows = Vec::with_capacity(found.len());
    for row in &found {
        let fields = columns.iter().map(|column| values::field(row, column));
        let mut fields = fields.collect::<Result<Vec<Field>, Error>>()?;
        if book == Book::Ledger
            && let invoice @ Field::Text(_) = values::field(row, ENTRY_INVOICE)?
        {
            fields.push(invoice);
        }
        rows.push(fields);
    }
    Ok((rows, Some(end)))
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[
    &INSERT_AUDIT,
    &INSERT_LEDGER,
    &LAST_OF_AUDIT,
    &LAST_OF_LEDGER,
    &NEXT_OF_AUDIT,
    &NEXT_OF_LEDGER,
    &SCOPE_OF_AUDIT,
    &SCOPE_OF_AUDIT_SEALS,
    &SCOPE_OF_LEDGER,
    &SCOPE_OF_LEDGER_SEALS,
    &FIRST_OF_AUDIT,
    &FIRST_OF_LEDGER,
    &ROWS_OF_AUDIT,
    &ROWS_OF_LEDGER,
];
