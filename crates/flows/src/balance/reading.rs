//! Reads the list of an account's balance transactions on, page by page; each page is committed with how
//! far that brings us.

use domain::{Mode, Scope, Timestamp};
use store::balance_cursors::{self, BalanceCursor, Walk};
use stripe::balance_transactions::{self, Wanted};
use stripe::{AccountId, BalanceTransaction, CallError};

use super::{books_of, look_again, take_in};
use crate::spread::spread;
use crate::{App, Failure, Moment, breaks, onboarding, page_by_page};

/// An account's balance is read that often: payouts and the daily comparison need no more.
const READ_EVERY_MS: i64 = 30 * 60 * 1000;
const SPREAD_MS: i64 = 10 * 60 * 1000;
/// While it is not known whose something is, it is looked at after a quarter of its age, at least so long.
const WAITING_MS: i64 = 60 * 1000;
/// Lists lag behind a little: each reading begins so much before the newest one that is known.
const OVERLAP_S: i64 = 60 * 60;
/// How long a reader has an account to itself, from page to page.
const LEASE_MS: i64 = 5 * 60 * 1000;
/// Pages of one look; with more left, the account is due again at once.
const PAGES_PER_LOOK: usize = 50;
/// How many of those that wait are looked at again at a time.
const WAITING_MAX: usize = 200;

/// When an account is read next, if nothing tells of news.
pub(super) fn next_read(mode: Mode, account: &str, at: Timestamp) -> Timestamp {
    let who = format!("balance:{}:{account}", mode.word());
    at.plus_ms(READ_EVERY_MS + spread(&who, at.ms(), SPREAD_MS))
}

/// Reads on, if nobody else does.
///
/// # Errors
/// When Stripe or the database does not answer; it is tried again later.
pub async fn read(app: &App, due: &BalanceCursor) -> Result<(), Failure> {
    let (mode, account, at) = (due.mode, due.account.clone(), app.clock.now());
    let taken = app
        .db
        .write(move |tx| balance_cursors::take(tx, mode, &account, at, at.plus_ms(LEASE_MS)))
        .await?;
    let Some(mut cursor) = taken else { return Ok(()) };
    let failure = match read_on(app, &mut cursor).await {
        Ok(()) => return Ok(()),
        Err(failure) => failure,
    };
    put_off(app, cursor, &failure).await?;
    if failure == Failure::AccountGone {
        // Its owner took our access away; from then on it is not due.
        onboarding::refresh(app, &due.account, mode).await?;
        return Ok(());
    }
    Err(failure)
}

async fn read_on(app: &App, cursor: &mut BalanceCursor) -> Result<(), Failure> {
    for _ in 0..PAGES_PER_LOOK {
        if turn(app, cursor).await? {
            return Ok(());
        }
    }
    // Held no longer, and due at once.
    let (kept, now) = (cursor.clone(), app.clock.now());
    app.db
        .write(move |tx| still_ours(balance_cursors::store(tx, &kept, now)?))
        .await
}

/// Reads a page and commits what it holds. Answers whether that was the last.
async fn turn(app: &App, cursor: &mut BalanceCursor) -> Result<bool, Failure> {
    let now = app.clock.now();
    let walk = cursor.walk.clone().unwrap_or_else(|| Walk {
        since_s: cursor.last_created_s - OVERLAP_S,
        after: None,
        began_at: now,
        newest_s: cursor.last_created_s,
    });
    let page = match page(app, cursor, &walk).await {
        Err(error) if walk.after.is_some() && page_by_page::is_place_lost(&error) => {
            // The one at which the last page ended is gone: from the beginning.
            cursor.walk = None;
            return Ok(false);
        }
        Err(CallError::Rejected(rejection)) if rejection.is_key_refused() => {
            breaks::key_refused(app, cursor.mode).await?;
            return Err(CallError::Rejected(rejection).into());
        }
        page => page?,
    };
    // Oldest first: what came back follows what had left.
    let seen: Vec<(Moment, BalanceTransaction)> = page
        .data
        .into_iter()
        .rev()
        .map(|one| (app.moment(), one))
        .collect();
    let again: Vec<Moment> = (0..WAITING_MAX).map(|_| app.moment()).collect();
    let (before, has_more) = (cursor.clone(), page.has_more);
    let (read, ended) = app
        .db
        .write(move |tx| {
            let mut cursor = before.clone();
            let mut walk = walk.clone();
            let scope = books_of(tx, &cursor.account, cursor.mode)?;
            for (moment, one) in &seen {
                if let Some(scope) = &scope {
                    take_in(tx, *moment, scope, &cursor.account, one)?;
                }
                walk.newest_s = walk.newest_s.max(one.created.unwrap_or(0));
            }
            cursor.tries = 0;
            cursor.last_error = None;
            // Newest first in the list, so that the last of the page is now the first.
            let ended = !has_more || seen.is_empty();
            if ended {
                end(tx, &mut cursor, &walk, scope.as_ref(), &again, now)?;
            } else {
                walk.after = seen.first().map(|(_, one)| one.id.clone());
                cursor.walk = Some(walk);
            }
            let held_until = if ended { now } else { now.plus_ms(LEASE_MS) };
            still_ours(balance_cursors::store(tx, &cursor, held_until)?)?;
            Ok::<_, Failure>((cursor, ended))
        })
        .await?;
    *cursor = read;
    Ok(ended)
}

/// A reading has come to its end.
fn end(
    tx: &mut store::Tx,
    cursor: &mut BalanceCursor,
    walk: &Walk,
    scope: Option<&Scope>,
    again: &[Moment],
    now: Timestamp,
) -> Result<(), Failure> {
    let waiting = match scope {
        Some(scope) => look_again(tx, scope, &cursor.account, again)?,
        None => None,
    };
    cursor.last_created_s = walk.newest_s;
    cursor.read_at = walk.began_at;
    cursor.walk = None;
    cursor.next_read_at = match waiting {
        None => next_read(cursor.mode, &cursor.account, now),
        Some(since) => {
            let age_ms = now.ms().saturating_sub(since.ms());
            now.plus_ms((age_ms / 4).clamp(WAITING_MS, READ_EVERY_MS))
        }
    };
    Ok(())
}

async fn page(
    app: &App,
    cursor: &BalanceCursor,
    walk: &Walk,
) -> Result<stripe::Page<BalanceTransaction>, CallError> {
    let not_configured = |failure: Failure| stripe::Unreadable(failure.to_string());
    let client = app.stripe(cursor.mode).map_err(not_configured)?;
    let account = match cursor.account.as_str() {
        "" => None,
        account => Some(AccountId::parse(account)?),
    };
    let limit = page_by_page::limit(cursor.tries);
    let wanted = Wanted {
        created_gte_s: Some(walk.since_s),
        payout: None,
        starting_after: walk.after.as_deref(),
        limit,
    };
    balance_transactions::list(client, account.as_ref(), wanted).await
}

/// Whoever was away for longer than the lease writes nothing more.
fn still_ours(stored: bool) -> Result<(), Failure> {
    if stored {
        Ok(())
    } else {
        Err(Failure::Unknown(
            "another instance reads this account's balance now".to_owned(),
        ))
    }
}

/// Nothing was read: tried again after a wait that grows.
async fn put_off(app: &App, mut cursor: BalanceCursor, failure: &Failure) -> Result<(), Failure> {
    let now = app.clock.now();
    cursor.next_read_at = page_by_page::next_try(&cursor.account, cursor.tries, now, READ_EVERY_MS);
    cursor.tries = cursor.tries.saturating_add(1);
    cursor.last_error = Some(failure.to_string());
    app.db
        .write(move |tx| balance_cursors::store(tx, &cursor, now))
        .await?;
    Ok(())
}
