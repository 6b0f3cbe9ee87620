//! The lists of disputes that people work through: what is open in the order in which banks wait for an
//! answer, what was lost and is to be decided, and what is over.

use domain::{DisputeId, Scope};

use crate::db::{Error, Row, Sql, Tx};
use crate::disputes::{self, Dispute};
use crate::{binds, values};

/// Which disputes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shelf {
    /// Not over: first those whose answer is due first.
    #[default]
    Open,
    /// Lost, and nobody has said what becomes of the invoice.
    ToDecide,
    /// Over.
    Over,
}

impl Shelf {
    /// In the order in which they are offered.
    pub const ALL: [Shelf; 3] = [Shelf::Open, Shelf::ToDecide, Shelf::Over];

    /// The word in an address.
    pub const fn word(self) -> &'static str {
        match self {
            Shelf::Open => "open",
            Shelf::ToDecide => "to-decide",
            Shelf::Over => "over",
        }
    }

    /// The shelf of a word.
    pub fn parse(word: &str) -> Option<Shelf> {
        Shelf::ALL.into_iter().find(|shelf| shelf.word() == word)
    }
}

/// Ids of disputes, in the order of a list; the disputes themselves are read one by one, few to a page.
macro_rules! listed {
    ($rest:literal) => {
        Sql::new(concat!(
            "select id from disputes where tenant_id = $1 and livemode = $2 ",
            $rest
        ))
    };
}

const OPEN: Sql = listed!(
    "and closed_at is null
       and (coalesce(due_at, 9223372036854775807), id) > ($3, $4)
     order by coalesce(due_at, 9223372036854775807), id
     limit $5"
);

const TO_DECIDE: Sql = listed!("and settlement = 'undecided' and id < $3 order by id desc limit $4");

const OVER: Sql = listed!("and closed_at is not null and id < $3 order by id desc limit $4");

/// Stands before every id in the order of lists, which is downwards.
const BEFORE_ALL: &str = "dis_~";

/// Disputes of a shelf after the given one (exclusive): what is open by when its answer is due, what has no
/// such moment last; everything else newest first.
pub fn page(
    tx: &mut Tx,
    scope: &Scope,
    shelf: Shelf,
    after: Option<&Dispute>,
    limit: i64,
) -> Result<Vec<Dispute>, Error> {
    let id = after.map_or(BEFORE_ALL, |after| after.id.as_str());
    let rows = match shelf {
        Shelf::Open => {
            let due = after.map_or(i64::MIN, |after| after.due_at.map_or(i64::MAX, |due| due.ms()));
            tx.query(&OPEN, binds![&scope.tenant, scope.mode, due, id, limit])?
        }
        Shelf::ToDecide => tx.query(&TO_DECIDE, binds![&scope.tenant, scope.mode, id, limit])?,
        Shelf::Over => tx.query(&OVER, binds![&scope.tenant, scope.mode, id, limit])?,
    };
    let ids = rows
        .iter()
        .map(|row: &Row| row.text("id").map(DisputeId::stored))
        .collect::<Result<Vec<_>, _>>()?;
    let mut found = Vec::new();
    for id in ids {
        found.extend(disputes::get(tx, scope, &id)?);
    }
    Ok(found)
}

macro_rules! counted {
    ($shelf:literal, $of:literal) => {
        concat!(
            "select '",
            $shelf,
            "' as shelf, (select count(*) from (
               select 1 as one from disputes
               where tenant_id = $1 and livemode = $2 and ",
            $of,
            " limit 100) counted) as counted"
        )
    };
}

const COUNTS: Sql = Sql::new(concat!(
    counted!("open", "closed_at is null"),
    " union all ",
    counted!("to-decide", "settlement = 'undecided'"),
    " union all ",
    counted!("over", "closed_at is not null"),
));

/// How many disputes are on each shelf, counted up to [`COUNTED_MAX`](crate::invoice_list::COUNTED_MAX).
pub fn counts(tx: &mut Tx, scope: &Scope) -> Result<Vec<(Shelf, i64)>, Error> {
    let rows = tx.query(&COUNTS, binds![&scope.tenant, scope.mode])?;
    let read = |row: &Row| Ok((values::word(row, "shelf", Shelf::parse)?, row.int("counted")?));
    let counted: Vec<(Shelf, i64)> = rows.iter().map(read).collect::<Result<_, Error>>()?;
    let of = |shelf| counted.iter().find(|(counted, _)| *counted == shelf);
    Ok(Shelf::ALL.into_iter().filter_map(of).copied().collect())
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&OPEN, &TO_DECIDE, &OVER, &COUNTS];
