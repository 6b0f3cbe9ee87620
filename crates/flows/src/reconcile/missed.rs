//! Events that no webhook brought: the list of each connected account, and of the platform, is read every few
//! minutes from where it was read last. What is found goes through the inbox like a delivery. Where the list
//! no longer reaches back, objects are listed instead.

use domain::{Mode, Timestamp};
use store::event_cursors::{self, EventCursor, Listing, Mark, Walk};
use store::reconciliation_breaks::{self, Kind};
use store::{Tx, balance_cursors, stripe_config, stripe_webhook_events};
use stripe::events::{self, Listed};
use stripe::{AccountId, CallError};

use crate::spread::spread;
use crate::stripe_events::{self, Objects, replay};
use crate::{
    App, Failure, Moment, balance, breaks, disputes, observe, onboarding, page_by_page, subscriptions,
};

/// The wait between two readings of an account, and how much longer it is for some: what a webhook failed to
/// bring is there within a quarter of an hour, and accounts do not all ask at once.
const READ_EVERY_MS: i64 = 10 * 60 * 1000;
const SPREAD_MS: i64 = 4 * 60 * 1000;
/// After a start webhooks that are tried again get this long to arrive first.
const AFTER_START_MS: i64 = 60 * 1000;
/// Lists lag behind a little, and an event may appear behind one that was seen: each reading begins so much
/// before the newest event that is known.
const OVERLAP_S: i64 = 15 * 60;
/// Stripe lists events for thirty days; an hour less, because clocks differ.
const KEPT_MS: i64 = (30 * 24 - 1) * 60 * 60 * 1000;
/// How long a reader has an account to itself, from page to page.
const LEASE_MS: i64 = 5 * 60 * 1000;
/// Pages of one look; with more left, the account is due again at once.
const PAGES_PER_LOOK: usize = 50;
/// An account of which no event spoke for so long is read again all the same.
const ACCOUNT_EVERY_MS: i64 = 6 * 60 * 60 * 1000;

/// The kinds of break that are opened here.
const GAP: Kind = Kind::EventGap;
const MISSED: Kind = Kind::EventsMissed;

/// From now on the account's events are to be known, and what moves on its balance. It is read first when
/// the first reading is due. With the first account the platform's own balance begins to matter: its fees.
///
/// # Errors
/// When the database fails.
pub fn begin(tx: &mut Tx, mode: Mode, account: &str, at: Timestamp) -> Result<(), store::Error> {
    for of in [account, ""] {
        balance::begin(tx, mode, of, at)?;
        event_cursors::begin(tx, mode, of, at, next_read(mode, of, at))?;
    }
    Ok(())
}

/// Has every account and its balance read within a minute: this process was down for a while.
///
/// # Errors
/// When the database fails.
pub async fn hurry(app: &App) -> Result<(), Failure> {
    let soon = app.clock.now().plus_ms(AFTER_START_MS);
    app.db
        .write(move |tx| {
            balance_cursors::hurry(tx, soon)?;
            event_cursors::hurry(tx, soon)
        })
        .await?;
    Ok(())
}

fn next_read(mode: Mode, account: &str, at: Timestamp) -> Timestamp {
    let who = format!("{}:{account}", mode.word());
    at.plus_ms(READ_EVERY_MS + spread(&who, at.ms(), SPREAD_MS))
}

/// Reads on, if nobody else does.
///
/// # Errors
/// When Stripe or the database does not answer; it is tried again later.
pub async fn read(app: &App, due: &EventCursor) -> Result<(), Failure> {
    let (mode, account, at) = (due.mode, due.account.clone(), app.clock.now());
    let taken = app
        .db
        .write(move |tx| event_cursors::take(tx, mode, &account, at, at.plus_ms(LEASE_MS)))
        .await?;
    let Some(mut cursor) = taken else { return Ok(()) };
    adopt_the_rest(app, &cursor).await?;
    match read_on(app, &mut cursor).await {
        Ok(true) => {
            read_account(app, &cursor).await?;
            subscriptions::list(app, mode, &cursor.account).await
        }
        Ok(false) => Ok(()),
        Err(failure) => {
            put_off(app, cursor, &failure).await?;
            if failure == Failure::AccountGone {
                // Its owner took our access away; from then on it is not due.
                onboarding::refresh(app, &due.account, mode).await?;
                return Ok(());
            }
            Err(failure)
        }
    }
}

/// What came of the account before it had a tenant, and was too much for the transaction that connected it.
async fn adopt_the_rest(app: &App, cursor: &EventCursor) -> Result<(), Failure> {
    if cursor.account.is_empty() {
        return Ok(());
    }
    loop {
        let (mode, account, at) = (cursor.mode, cursor.account.clone(), app.clock.now());
        let adopted = app.db.write(move |tx| replay::adopt(tx, mode, &account, at));
        if adopted.await? < replay::ADOPTED_MAX {
            return Ok(());
        }
    }
}

/// Answers whether the reading has come to its end.
async fn read_on(app: &App, cursor: &mut EventCursor) -> Result<bool, Failure> {
    for _ in 0..PAGES_PER_LOOK {
        if turn(app, cursor).await? {
            return Ok(true);
        }
    }
    // Held no longer, and due at once.
    let (kept, now) = (cursor.clone(), app.clock.now());
    app.db
        .write(move |tx| still_ours(event_cursors::store(tx, &kept, now)?))
        .await?;
    Ok(false)
}

/// One page.
struct Page {
    holds: Holds,
    /// The last object's id.
    last: Option<String>,
    has_more: bool,
}

enum Holds {
    Events(Vec<Listed>),
    Objects(Objects),
}

/// Reads a page and commits what it holds, with how far that brings us.
async fn turn(app: &App, cursor: &mut EventCursor) -> Result<bool, Failure> {
    let now = app.clock.now();
    let walk = cursor.walk.clone().unwrap_or_else(|| Walk {
        listing: Listing::Events,
        since_s: cursor.last.created_s - OVERLAP_S,
        after: None,
        began_at: now,
        newest: Mark {
            event_id: None,
            created_s: 0,
        },
        met_last: false,
        missed: 0,
    });
    let page = match page(app, cursor, &walk).await {
        Err(error) if walk.after.is_some() && page_by_page::is_place_lost(&error) => {
            // The object at which the last page ended is gone: from the beginning.
            cursor.walk = None;
            return Ok(false);
        }
        Err(CallError::Rejected(rejection)) if rejection.is_key_refused() => {
            breaks::key_refused(app, cursor.mode).await?;
            return Err(CallError::Rejected(rejection).into());
        }
        page => page?,
    };
    let is_tenants = !cursor.account.is_empty();
    if walk.listing == Listing::Payouts && !page.has_more && is_tenants {
        disputes::list(app, cursor.mode, &cursor.account, walk.since_s).await?;
    }
    if let (Holds::Objects(objects), true) = (&page.holds, is_tenants) {
        stripe_events::find_out_listed(app, cursor.mode, &cursor.account, objects).await?;
    }
    let (moment, before, page) = (app.moment(), cursor.clone(), std::sync::Arc::new(page));
    let after = app
        .db
        .write(move |tx| {
            let mut cursor = before.clone();
            let ended = take_in(tx, moment, &mut cursor, walk.clone(), &page)?;
            let held_until = if ended {
                moment.at
            } else {
                moment.at.plus_ms(LEASE_MS)
            };
            still_ours(event_cursors::store(tx, &cursor, held_until)?)?;
            Ok::<_, Failure>((cursor, ended))
        })
        .await?;
    let (read, ended) = after;
    *cursor = read;
    Ok(ended)
}

async fn page(app: &App, cursor: &EventCursor, walk: &Walk) -> Result<Page, CallError> {
    let not_configured = |failure: Failure| stripe::Unreadable(failure.to_string());
    let client = app.stripe(cursor.mode).map_err(not_configured)?;
    let account = match cursor.account.as_str() {
        "" => None,
        account => Some(AccountId::parse(account)?),
    };
    let after = walk.after.as_deref();
    let limit = page_by_page::limit(cursor.tries);
    if walk.listing == Listing::Events {
        let page = events::list_texts(client, account.as_ref(), walk.since_s, after, limit).await?;
        return Ok(Page {
            last: page.data.last().map(|event| event.envelope.id.clone()),
            holds: Holds::Events(page.data),
            has_more: page.has_more,
        });
    }
    let place = stripe_events::Place {
        since_s: walk.since_s,
        after,
        limit,
    };
    let (objects, last, has_more) =
        stripe_events::list_objects(app, client, account.as_ref(), walk.listing, &place).await?;
    Ok(Page {
        holds: Holds::Objects(objects),
        last,
        has_more,
    })
}

/// Within a transaction: what a page holds, and how far it brings us. Answers whether that was all.
fn take_in(
    tx: &mut Tx,
    moment: Moment,
    cursor: &mut EventCursor,
    mut walk: Walk,
    page: &Page,
) -> Result<bool, Failure> {
    cursor.tries = 0;
    cursor.last_error = None;
    match &page.holds {
        Holds::Events(events) => {
            let (mode, account) = (cursor.mode, &cursor.account);
            walk.missed += stripe_events::ingest_listed(tx, moment, mode, account, events)?;
            if let (None, Some(first)) = (&walk.newest.event_id, events.first()) {
                walk.newest = Mark {
                    event_id: Some(first.envelope.id.clone()),
                    created_s: first.envelope.created_ms.div_euclid(1000),
                };
            }
            let is_last = |event: &Listed| Some(&event.envelope.id) == cursor.last.event_id.as_ref();
            walk.met_last |= events.iter().any(is_last);
        }
        Holds::Objects(objects) => {
            stripe_events::take_in_objects(tx, cursor.mode, &cursor.account, objects)?;
        }
    }
    if page.has_more && page.last.is_some() {
        walk.after.clone_from(&page.last);
        cursor.walk = Some(walk);
        return Ok(false);
    }
    let next = match walk.listing {
        Listing::Events => gap(cursor, &walk).map(|why| (first_objects(cursor), Some(why))),
        Listing::PaymentIntents => Some((Listing::Charges, None)),
        Listing::Charges => Some((Listing::Refunds, None)),
        Listing::Refunds => Some((Listing::Payouts, None)),
        Listing::ApplicationFees => Some((Listing::Payouts, None)),
        Listing::Payouts => None,
    };
    let Some((listing, gap)) = next else {
        ended(tx, moment, cursor, &walk)?;
        return Ok(true);
    };
    if let Some(why) = gap {
        show(tx, moment, 1, cursor, GAP, &why)?;
        subscriptions::want(tx, cursor.mode, &cursor.account, moment.at)?;
    }
    walk.listing = listing;
    walk.after = None;
    cursor.walk = Some(walk);
    Ok(false)
}

fn first_objects(cursor: &EventCursor) -> Listing {
    if cursor.account.is_empty() {
        Listing::ApplicationFees
    } else {
        Listing::PaymentIntents
    }
}

/// Why there may be events that no list has any more, if there may.
fn gap(cursor: &EventCursor, walk: &Walk) -> Option<String> {
    let kept_from = walk.began_at.plus_ms(-KEPT_MS);
    let what = "what was made since then is listed instead";
    if cursor.read_at < kept_from {
        let days = walk.began_at.ms().saturating_sub(cursor.read_at.ms()) / 86_400_000;
        return Some(format!(
            "events were read last {days} days ago, and Stripe lists thirty: {what}"
        ));
    }
    let last = cursor.last.event_id.as_deref()?;
    let is_kept = cursor.last.created_s.saturating_mul(1000) > kept_from.ms();
    (is_kept && !walk.met_last)
        .then(|| format!("the event {last}, up to which the list was read, is not in it any more: {what}"))
}

/// A reading has come to its end.
fn ended(tx: &mut Tx, moment: Moment, cursor: &mut EventCursor, walk: &Walk) -> Result<(), Failure> {
    if walk.newest.event_id.is_some() {
        cursor.last = walk.newest.clone();
    }
    cursor.read_at = walk.began_at;
    cursor.walk = None;
    cursor.next_read_at = next_read(cursor.mode, &cursor.account, moment.at);
    if walk.listing != Listing::Events {
        reconciliation_breaks::resolve_anybodys(tx, cursor.mode, GAP, subject(cursor), moment.at)?;
    }
    if walk.missed > 0 {
        let detail = format!(
            "{} events came by no webhook within five minutes; they were read from Stripe's list",
            walk.missed
        );
        show(tx, moment, 2, cursor, MISSED, &detail)?;
    } else if stripe_webhook_events::listed_waiting(tx, cursor.mode, &cursor.account)? == 0 {
        // Webhooks arrive, and what was missed before is applied.
        reconciliation_breaks::resolve_anybodys(tx, cursor.mode, MISSED, subject(cursor), moment.at)?;
    }
    Ok(())
}

/// What a break of an account is about.
fn subject(cursor: &EventCursor) -> &str {
    match cursor.account.as_str() {
        "" => "platform",
        account => account,
    }
}

fn show(
    tx: &mut Tx,
    moment: Moment,
    nth: u32,
    cursor: &EventCursor,
    kind: Kind,
    detail: &str,
) -> Result<(), Failure> {
    let scope = onboarding::tenant_of(tx, &cursor.account, cursor.mode)?;
    let tenant = scope.as_ref().map(|scope| &scope.tenant);
    observe::open_break(
        tx,
        moment,
        nth,
        tenant,
        cursor.mode,
        kind,
        subject(cursor),
        detail,
    )
}

/// Whoever was away for longer than the lease writes nothing more.
fn still_ours(stored: bool) -> Result<(), Failure> {
    if stored {
        Ok(())
    } else {
        Err(Failure::Unknown(
            "another instance reads this account now".to_owned(),
        ))
    }
}

/// Nothing was read: tried again after a wait that grows.
async fn put_off(app: &App, mut cursor: EventCursor, failure: &Failure) -> Result<(), Failure> {
    let now = app.clock.now();
    cursor.next_read_at = page_by_page::next_try(&cursor.account, cursor.tries, now, READ_EVERY_MS);
    cursor.tries = cursor.tries.saturating_add(1);
    cursor.last_error = Some(failure.to_string());
    app.db
        .write(move |tx| event_cursors::store(tx, &cursor, now))
        .await?;
    Ok(())
}

/// What the account may do is read again, unless an event has made us do so lately.
async fn read_account(app: &App, cursor: &EventCursor) -> Result<(), Failure> {
    let (mode, account) = (cursor.mode, cursor.account.clone());
    let config = app
        .db
        .read(move |tx| stripe_config::by_account(tx, &account, mode))
        .await?;
    let old = app.clock.now().plus_ms(-ACCOUNT_EVERY_MS);
    if config.is_some_and(|config| config.updated_at <= old) {
        onboarding::refresh(app, &cursor.account, mode).await?;
    }
    Ok(())
}
