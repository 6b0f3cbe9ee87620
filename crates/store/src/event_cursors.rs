//! How far Stripe's list of each account's events has been read, in each mode; the platform's own are those
//! of the account `""`. Not a tenant's table: whose account it is is found out when its events are applied.

use domain::{Mode, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// What is being listed of an account, page by page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// Its events.
    Events,
    /// Its intents, where events are missing.
    PaymentIntents,
    /// Its charges, likewise.
    Charges,
    /// Its refunds, likewise.
    Refunds,
    /// Its payouts, likewise.
    Payouts,
    /// The platform's application fees, likewise.
    ApplicationFees,
}

impl Listing {
    /// Everything that may be listed.
    pub const ALL: [Listing; 6] = [
        Listing::Events,
        Listing::PaymentIntents,
        Listing::Charges,
        Listing::Refunds,
        Listing::Payouts,
        Listing::ApplicationFees,
    ];

    /// As the database writes it.
    pub const fn word(self) -> &'static str {
        match self {
            Listing::Events => "events",
            Listing::PaymentIntents => "payment_intents",
            Listing::Charges => "charges",
            Listing::Refunds => "refunds",
            Listing::Payouts => "payouts",
            Listing::ApplicationFees => "application_fees",
        }
    }

    fn from_word(word: &str) -> Option<Listing> {
        Listing::ALL.into_iter().find(|listing| listing.word() == word)
    }
}

/// An event's id, and when it was created at Stripe, in seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// `evt_…`; none before the first event.
    pub event_id: Option<String>,
    /// Seconds since the epoch, by Stripe's clock.
    pub created_s: i64,
}

/// A reading that has not come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walk {
    /// What is listed now.
    pub listing: Listing,
    /// What is listed begins here, in seconds since the epoch.
    pub since_s: i64,
    /// The last object of the page before.
    pub after: Option<String>,
    /// When the reading began.
    pub began_at: Timestamp,
    /// The newest event that it has seen.
    pub newest: Mark,
    /// Whether it has come by the event at which the reading before it ended.
    pub met_last: bool,
    /// Events in it that no webhook had brought.
    pub missed: i64,
}

/// How far an account's events have been read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventCursor {
    /// The mode.
    pub mode: Mode,
    /// `acct_…`, or empty for the platform.
    pub account: String,
    /// The newest event that is known.
    pub last: Mark,
    /// When the last reading began that came to its end.
    pub read_at: Timestamp,
    /// The reading under way.
    pub walk: Option<Walk>,
    /// How often it was taken up: what an earlier holder writes no longer counts.
    pub claims: i64,
    /// When it is read next.
    pub next_read_at: Timestamp,
    /// Tries since Stripe answered last.
    pub tries: i64,
    /// Why the last try failed.
    pub last_error: Option<String>,
}

macro_rules! select_cursors {
    ($rest:literal $(,)?) => {
        Sql::new(concat!(
            "select livemode, stripe_account_id, last_event_id, last_event_created, read_at, listing,
               listing_since, listing_after, listing_began_at, newest_event_id, newest_event_created,
               met_last, missed, claims, next_read_at, tries, last_error
             from event_cursors
             ",
            $rest
        ))
    };
}

const BEGIN: Sql = Sql::new(
    "insert into event_cursors (livemode, stripe_account_id, last_event_created, read_at, listing_since,
       listing_began_at, newest_event_created, met_last, missed, lease_until, claims, next_read_at, tries,
       created_at)
     values ($1, $2, $3, $4, 0, 0, 0, 0, 0, 0, 0, $5, 0, $6)
     on conflict (livemode, stripe_account_id) do nothing",
);

/// From `at` on an account's events are to be known; it is read first at `next`. Nothing happens to one that
/// is known.
pub fn begin(tx: &mut Tx, mode: Mode, account: &str, at: Timestamp, next: Timestamp) -> Result<(), Error> {
    tx.execute(&BEGIN, binds![mode, account, at.seconds(), at, next, at])?;
    Ok(())
}

const GET: Sql = select_cursors!("where livemode = $1 and stripe_account_id = $2",);

/// How far an account's events have been read.
pub fn get(tx: &mut Tx, mode: Mode, account: &str) -> Result<Option<EventCursor>, Error> {
    let row = tx.optional(&GET, binds![mode, account])?;
    row.map(|row| read(&row)).transpose()
}

const DUE: Sql = select_cursors!(
    "where next_read_at <= $1 and lease_until <= $1
       and (stripe_account_id = '' or exists (
         select 1 from stripe_config
         where stripe_config.stripe_account_id = event_cursors.stripe_account_id
           and stripe_config.livemode = event_cursors.livemode and stripe_config.disconnected_at is null))
     order by next_read_at, stripe_account_id
     limit $2",
);

/// Accounts that are to be read and that nobody is reading: connected ones, and the platform.
pub fn due(tx: &mut Tx, at: Timestamp, limit: i64) -> Result<Vec<EventCursor>, Error> {
    tx.query(&DUE, binds![at, limit])?.iter().map(read).collect()
}

const IN_USE: Sql = select_cursors!(
    "where stripe_account_id = '' or exists (
       select 1 from stripe_config
       where stripe_config.stripe_account_id = event_cursors.stripe_account_id
         and stripe_config.livemode = event_cursors.livemode and stripe_config.disconnected_at is null)
     order by livemode, stripe_account_id",
);

/// Every account that is read: connected ones, and the platform.
pub fn in_use(tx: &mut Tx) -> Result<Vec<EventCursor>, Error> {
    tx.query(&IN_USE, &[])?.iter().map(read).collect()
}

const IS_HELD: Sql = Sql::new(
    "select count(*) as held from event_cursors
     where livemode = $1 and stripe_account_id = $2 and lease_until > $3",
);

/// Whether somebody is reading an account now.
pub fn is_held(tx: &mut Tx, mode: Mode, account: &str, at: Timestamp) -> Result<bool, Error> {
    Ok(tx.one(&IS_HELD, binds![mode, account, at])?.int("held")? > 0)
}

const READ_AT_ONCE: Sql = Sql::new(
    "update event_cursors set next_read_at = $3
     where livemode = $1 and stripe_account_id = $2 and next_read_at > $3 and tries = 0",
);

/// Has an account read at once that Stripe answers for.
pub fn read_at_once(tx: &mut Tx, mode: Mode, account: &str, at: Timestamp) -> Result<(), Error> {
    tx.execute(&READ_AT_ONCE, binds![mode, account, at])?;
    Ok(())
}

const HURRY: Sql = Sql::new("update event_cursors set next_read_at = $1 where next_read_at > $1");

/// Has every account read at `at`, at the latest.
pub fn hurry(tx: &mut Tx, at: Timestamp) -> Result<u64, Error> {
    tx.execute(&HURRY, binds![at])
}

const REWIND: Sql = Sql::new(
    "update event_cursors set
       last_event_id = null, last_event_created = $3, read_at = $4, listing = null, listing_after = null,
       next_read_at = $5, lease_until = $5, claims = claims + 1
     where livemode = $1 and stripe_account_id = $2",
);

/// Has an account read again from `since` on, now, whatever is known of it. Whoever was reading it loses it.
pub fn rewind(
    tx: &mut Tx,
    mode: Mode,
    account: &str,
    since: Timestamp,
    now: Timestamp,
) -> Result<bool, Error> {
    let binds = binds![mode, account, since.seconds(), since, now];
    Ok(tx.execute(&REWIND, binds)? == 1)
}

const TAKE: Sql = Sql::new(
    "update event_cursors set lease_until = $4, claims = claims + 1
     where livemode = $1 and stripe_account_id = $2 and lease_until <= $3 and next_read_at <= $3
     returning livemode, stripe_account_id, last_event_id, last_event_created, read_at, listing,
       listing_since, listing_after, listing_began_at, newest_event_id, newest_event_created, met_last,
       missed, claims, next_read_at, tries, last_error",
);

/// Takes an account up until `lease_until`; none when it is not due any more, or somebody else has it.
pub fn take(
    tx: &mut Tx,
    mode: Mode,
    account: &str,
    at: Timestamp,
    lease_until: Timestamp,
) -> Result<Option<EventCursor>, Error> {
    let row = tx.optional(&TAKE, binds![mode, account, at, lease_until])?;
    row.map(|row| read(&row)).transpose()
}

const STORE: Sql = Sql::new(
    "update event_cursors set
       last_event_id = $4, last_event_created = $5, read_at = $6, listing = $7, listing_since = $8,
       listing_after = $9, listing_began_at = $10, newest_event_id = $11, newest_event_created = $12,
       met_last = $13, missed = $14, lease_until = $15, next_read_at = $16, tries = $17, last_error = $18
     where livemode = $1 and stripe_account_id = $2 and claims = $3",
);

/// Stores how far it has come, held until `lease_until`; `false` when somebody else has taken it up since.
pub fn store(tx: &mut Tx, cursor: &EventCursor, lease_until: Timestamp) -> Result<bool, Error> {
    let walk = cursor.walk.as_ref();
    let binds = binds![
        cursor.mode,
        &cursor.account,
        cursor.claims,
        cursor.last.event_id.clone(),
        cursor.last.created_s,
        cursor.read_at,
        walk.map(|walk| walk.listing.word().to_owned()),
        walk.map_or(0, |walk| walk.since_s),
        walk.and_then(|walk| walk.after.clone()),
        walk.map_or(0, |walk| walk.began_at.ms()),
        walk.and_then(|walk| walk.newest.event_id.clone()),
        walk.map_or(0, |walk| walk.newest.created_s),
        walk.map_or(0, |walk| i64::from(walk.met_last)),
        walk.map_or(0, |walk| walk.missed),
        lease_until,
        cursor.next_read_at,
        cursor.tries,
        cursor.last_error.clone()
    ];
    Ok(tx.execute(&STORE, binds)? == 1)
}

fn read(row: &Row) -> Result<EventCursor, Error> {
    let listing = match row.text_opt("listing")? {
        Some(_) => Some(values::word(row, "listing", Listing::from_word)?),
        None => None,
    };
    let walk = match listing {
        Some(listing) => Some(Walk {
            listing,
            since_s: row.int("listing_since")?,
            after: row.text_opt("listing_after")?,
            began_at: values::time(row, "listing_began_at")?,
            newest: Mark {
                event_id: row.text_opt("newest_event_id")?,
                created_s: row.int("newest_event_created")?,
            },
            met_last: values::flag(row, "met_last")?,
            missed: row.int("missed")?,
        }),
        None => None,
    };
    Ok(EventCursor {
        mode: values::mode(row)?,
        account: row.text("stripe_account_id")?,
        last: Mark {
            event_id: row.text_opt("last_event_id")?,
            created_s: row.int("last_event_created")?,
        },
        read_at: values::time(row, "read_at")?,
        walk,
        claims: row.int("claims")?,
        next_read_at: values::time(row, "next_read_at")?,
        tries: row.int("tries")?,
        last_error: row.text_opt("last_error")?,
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[
    &BEGIN,
    &GET,
    &DUE,
    &IN_USE,
    &IS_HELD,
    &READ_AT_ONCE,
    &HURRY,
    &REWIND,
    &TAKE,
    &STORE,
];
