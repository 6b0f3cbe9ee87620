//! What a server has applied, as its database shows it from outside, and whether all of it is right.

use std::str::FromStr;

use postgres::NoTls;
use rusqlite::OpenFlags;

/// Whose tables are looked at.
#[derive(Clone, Copy)]
pub enum Peer {
    /// psa-pay's.
    PsaPay,
    /// Those of `bench/express.mjs`.
    Express,
}

impl FromStr for Peer {
    type Err = String;

    fn from_str(name: &str) -> Result<Peer, String> {
        match name {
            "psa-pay" => Ok(Peer::PsaPay),
            "express" => Ok(Peer::Express),
            other => Err(format!("{other} is neither psa-pay nor express")),
        }
    }
}

/// Counts that must each be the number of events in the end: what "applied" means.
const PSA_PAY: [(&str, &str); 6] = [
    (
        "events processed",
        "select count(*) from stripe_webhook_events where status = 'processed' and processed_at is not null",
    ),
    (
        "payments succeeded",
        "select count(*) from payments where status = 'succeeded' and received = amount",
    ),
    (
        "invoices paid",
        "select count(*) from invoices where status = 'paid' and applied = total and paid_at is not null",
    ),
    (
        "payments booked",
        "select count(*) from ledger_transactions where kind = 'payment'",
    ),
    (
        "receivables settled",
        "select count(*) from ledger_entries e join ledger_transactions t
           on t.tenant_id = e.tenant_id and t.livemode = e.livemode and t.id = e.transaction_id
         where t.kind = 'payment' and e.account = 'receivable' and e.amount < 0",
    ),
    (
        "invoices and payments with history",
        "select count(*) / 2 from state_history where cause like 'event:%'",
    ),
];
const EXPRESS: [(&str, &str); 3] = [
    (
        "events processed",
        "select count(*) from stripe_webhook_events where processed_at is not null",
    ),
    ("payments", "select count(*) from payments"),
    (
        "invoices paid",
        "select count(*) from invoices where status = 'paid'",
    ),
];

/// Whether anything that is stored still waits: one step into an index, so that asking does not slow the
/// one who is measured.
const WAITING: &str = "select count(*) from (
       select id from stripe_webhook_events
        where next_attempt_at is not null order by next_attempt_at, id limit 1
     ) as first_waiting";

/// A look into a database beside the server that works on it.
pub struct Watch {
    engine: Engine,
    peer: Peer,
}

enum Engine {
    Sqlite(rusqlite::Connection),
    Postgres(postgres::Client),
}

impl Watch {
    /// Opens `sqlite:PATH`, for reading only, or `postgres://…`.
    pub fn open(database: &str, peer: Peer) -> Result<Watch, String> {
        let engine = match database.strip_prefix("sqlite:") {
            Some(path) => {
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                let opened = rusqlite::Connection::open_with_flags(path, flags);
                Engine::Sqlite(opened.map_err(|error| error.to_string())?)
            }
            None => {
                let opened = postgres::Client::connect(database, NoTls);
                Engine::Postgres(opened.map_err(|error| error.to_string())?)
            }
        };
        Ok(Watch { engine, peer })
    }

    /// Whether some of the events, which are all stored, are not applied yet. Express applies before it
    /// answers.
    pub fn is_waiting(&mut self) -> Result<bool, String> {
        match self.peer {
            Peer::PsaPay => Ok(self.count(WAITING)? > 0),
            Peer::Express => Ok(false),
        }
    }

    /// How many stored events are not applied yet.
    pub fn left(&mut self) -> Result<u64, String> {
        self.count("select count(*) from stripe_webhook_events where next_attempt_at is not null")
    }

    /// Whether everything that an applied event must leave behind is there, once for each event.
    pub fn check(&mut self, events: u64) -> Result<(), String> {
        let counts = match self.peer {
            Peer::PsaPay => &PSA_PAY[..],
            Peer::Express => &EXPRESS[..],
        };
        for (name, sql) in counts {
            let found = self.count(sql)?;
            if found != events {
                return Err(format!("{name}: {found} where {events} should be"));
            }
        }
        Ok(())
    }

    fn count(&mut self, sql: &str) -> Result<u64, String> {
        let count: i64 = match &mut self.engine {
            Engine::Sqlite(connection) => connection
                .query_row(sql, [], |row| row.get(0))
                .map_err(|error| error.to_string())?,
            Engine::Postgres(client) => client
                .query_one(sql, &[])
                .and_then(|row| row.try_get(0))
                .map_err(|error| error.to_string())?,
        };
        Ok(count.unsigned_abs())
    }
}
