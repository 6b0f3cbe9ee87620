//! Payouts: they follow what Stripe reports, are booked when their money moves, and are made up of what
//! Stripe says that they pay out. A payout that failed is shown until money reaches the bank again.

mod words;

use domain::payout::{Merge, PayoutStatus, merge};
use domain::{LedgerTransactionId, Money, Scope, Timestamp, ledger};
use store::balance_transactions::{self, BalanceTransaction as Moved};
use store::ledger::Posting;
use store::payouts::{self as rows, Payout as Kept};
use store::reconciliation_breaks::{self, Kind};
use store::{Tx, balance_cursors};
use stripe::balance_transactions::Wanted;
use stripe::{AccountId, CallError, Payout};

use crate::breaks::open_break;
use crate::{App, Failure, Moment, balance, notify, onboarding};

pub use words::failure_in_words;

/// A payout that should have ended by now is read again: no webhook may have told of it.
const AFTER_ARRIVAL_MS: i64 = 24 * 60 * 60 * 1000;
/// One of which nothing is known but that it moved money is read at once, and whatever goes wrong is tried
/// again after this.
const RETRY_MS: i64 = 10 * 60 * 1000;
/// What has not changed, or what Stripe has not worked out yet, is read again after this.
const LATER_MS: i64 = 60 * 60 * 1000;
/// Items of a page, and pages of one look: a payout has as many items as payments came in since the last.
const PAGE: u32 = 100;
const PAGES_MAX: usize = 2_000;
/// Failed payouts that a later one makes good.
const MADE_GOOD_MAX: i64 = 100;

/// What a report of a payout came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It went on, or more of it is known.
    Applied,
    /// Nothing new.
    Same,
    /// Older than what is known.
    Stale,
}

/// Within a transaction: merges what Stripe says of a payout into what is known of it.
///
/// # Errors
/// When the database fails.
pub fn observe(
    tx: &mut Tx,
    moment: Moment,
    scope: &Scope,
    account: &str,
    seen: &Payout,
) -> Result<Seen, Failure> {
    // Its money has moved, and books it: the list of the account's balance says so.
    balance_cursors::read_by(tx, scope.mode, account, moment.at)?;
    let fresh = kept(scope, account, seen);
    let Some(before) = rows::get(tx, scope, &seen.id)? else {
        let mut payout = fresh;
        payout.next_check_at = next_check(&payout, moment.at);
        if !rows::insert(tx, &payout, moment.at)? {
            // Another tenant heard of it while the account was its own.
            return Ok(Seen::Stale);
        }
        follow(tx, moment, &payout)?;
        return Ok(Seen::Applied);
    };
    let merged = merge(
        &PayoutStatus::from_word(&before.status),
        &PayoutStatus::from_word(&seen.status),
    );
    let mut payout = match merged {
        Merge::Stale => Kept {
            automatic: before.automatic || fresh.automatic,
            ..filled(before.clone(), fresh)
        },
        Merge::Same | Merge::Move => Kept {
            version: before.version,
            itemised_at: before.itemised_at,
            next_check_at: before.next_check_at,
            ..filled(fresh, before.clone())
        },
    };
    if merged == Merge::Move || payout.reconciliation_status != before.reconciliation_status {
        payout.next_check_at = next_check(&payout, moment.at);
    }
    if payout == before {
        return Ok(if merged == Merge::Stale {
            Seen::Stale
        } else {
            Seen::Same
        });
    }
    if !rows::store(tx, &payout, moment.at)? {
        return Err(store::Error::Conflict.into());
    }
    if merged == Merge::Move {
        follow(tx, moment, &payout)?;
    }
    Ok(if merged == Merge::Stale {
        Seen::Stale
    } else {
        Seen::Applied
    })
}

fn kept(scope: &Scope, account: &str, seen: &Payout) -> Kept {
    let moment = |seconds: i64| Timestamp::from_ms(seconds.saturating_mul(1000));
    Kept {
        scope: scope.clone(),
        id: seen.id.clone(),
        account: account.to_owned(),
        amount: seen.amount,
        currency: seen.currency.clone(),
        status: seen.status.clone(),
        automatic: seen.automatic,
        method: seen.method.clone(),
        destination: seen.destination.clone(),
        statement_descriptor: seen.statement_descriptor.clone(),
        arrival_at: seen.arrival_date.map(moment),
        made_at: seen.created.map(moment),
        reconciliation_status: seen.reconciliation_status.clone(),
        balance_transaction: seen.balance_transaction.clone(),
        failure_balance_transaction: seen.failure_balance_transaction.clone(),
        failure_code: seen.failure_code.clone(),
        failure_message: seen.failure_message.clone(),
        original_payout: seen.original_payout.clone(),
        reversed_by: seen.reversed_by.clone(),
        trace_id: seen.trace_id.clone(),
        version: 1,
        itemised_at: None,
        next_check_at: None,
    }
}

/// The one, with what only the other knows.
fn filled(one: Kept, other: Kept) -> Kept {
    let completed = "completed";
    Kept {
        method: one.method.or(other.method),
        destination: one.destination.or(other.destination),
        statement_descriptor: one.statement_descriptor.or(other.statement_descriptor),
        arrival_at: one.arrival_at.or(other.arrival_at),
        made_at: one.made_at.or(other.made_at),
        // It is completed once, and then stays so.
        reconciliation_status: match other.reconciliation_status.as_deref() {
            Some(status) if status == completed => other.reconciliation_status,
            _ => one.reconciliation_status.or(other.reconciliation_status),
        },
        balance_transaction: one.balance_transaction.or(other.balance_transaction),
        failure_balance_transaction: one
            .failure_balance_transaction
            .or(other.failure_balance_transaction),
        failure_code: one.failure_code.or(other.failure_code),
        failure_message: one.failure_message.or(other.failure_message),
        original_payout: one.original_payout.or(other.original_payout),
        reversed_by: one.reversed_by.or(other.reversed_by),
        trace_id: one.trace_id.or(other.trace_id),
        ..one
    }
}

/// When a payout is read again: at once for what it consists of, after its arrival for what became of it.
fn next_check(payout: &Kept, now: Timestamp) -> Option<Timestamp> {
    match PayoutStatus::from_word(&payout.status) {
        PayoutStatus::Failed | PayoutStatus::Canceled => None,
        PayoutStatus::Paid if payout.automatic && payout.itemised_at.is_none() => Some(now),
        PayoutStatus::Paid => None,
        PayoutStatus::Pending | PayoutStatus::InTransit | PayoutStatus::Unknown(_) => {
            let arrives = payout.arrival_at.map_or(now, |at| at.max(now));
            Some(arrives.plus_ms(AFTER_ARRIVAL_MS))
        }
    }
}

/// What follows from where a payout stands now: somebody is told of one that failed, until money reaches
/// the bank again.
fn follow(tx: &mut Tx, moment: Moment, payout: &Kept) -> Result<(), Failure> {
    let (scope, mode) = (&payout.scope, payout.scope.mode);
    match PayoutStatus::from_word(&payout.status) {
        PayoutStatus::Failed => {
            let amount = shown(payout);
            let code = payout.failure_code.as_deref().unwrap_or("no reason given");
            let detail = format!(
                "{amount} did not reach the bank and is back on the Stripe balance ({code}): {}",
                failure_in_words(payout.failure_code.as_deref())
            );
            open_break(
                tx,
                moment,
                20,
                Some(&scope.tenant),
                mode,
                Kind::PayoutFailed,
                &payout.id,
                &detail,
            )?;
            notify::payout_failed(tx, moment, payout)
        }
        PayoutStatus::Paid => {
            let made_at = payout.made_at.unwrap_or(moment.at);
            for failed in rows::failed_before(tx, payout, made_at, MADE_GOOD_MAX)? {
                reconciliation_breaks::resolve(tx, scope, Kind::PayoutFailed, &failed, moment.at)?;
            }
            Ok(())
        }
        PayoutStatus::Unknown(word) => {
            let detail = format!("Stripe says {word:?}, which this version does not know");
            let tenant = Some(&scope.tenant);
            open_break(
                tx,
                moment,
                21,
                tenant,
                mode,
                Kind::UnknownStatus,
                &payout.id,
                &detail,
            )
        }
        PayoutStatus::Pending | PayoutStatus::InTransit | PayoutStatus::Canceled => Ok(()),
    }
}

fn shown(payout: &Kept) -> String {
    match domain::Currency::parse(&payout.currency) {
        Ok(currency) => Money::new(payout.amount, currency).to_string(),
        Err(_) => format!("{} {}", payout.amount, payout.currency),
    }
}

/// Within a transaction: a payout's money left the balance. One that nobody has told of is read at once.
///
/// # Errors
/// When the database fails.
pub(crate) fn heard_of(tx: &mut Tx, moment: Moment, moved: &Moved) -> Result<(), Failure> {
    let Some(id) = moved.source.clone() else {
        return Ok(());
    };
    let payout = Kept {
        scope: moved.scope.clone(),
        id,
        account: moved.account.clone(),
        amount: moved.amount.saturating_neg(),
        currency: moved.currency.clone(),
        status: PayoutStatus::Pending.word().to_owned(),
        automatic: false,
        method: None,
        destination: None,
        statement_descriptor: None,
        arrival_at: None,
        made_at: Some(moved.made_at),
        reconciliation_status: None,
        balance_transaction: Some(moved.id.clone()),
        failure_balance_transaction: None,
        failure_code: None,
        failure_message: None,
        original_payout: None,
        reversed_by: None,
        trace_id: None,
        version: 1,
        itemised_at: None,
        next_check_at: Some(moment.at),
    };
    rows::insert(tx, &payout, moment.at)?;
    Ok(())
}

/// Within a transaction: a payout's money came back. That it had left is booked first, where the list
/// showed the return first.
///
/// # Errors
/// When the database fails.
pub(crate) fn book_return(
    tx: &mut Tx,
    moment: Moment,
    moved: &Moved,
    payout: &str,
    amount: Money,
) -> Result<(), Failure> {
    let left = Posting {
        scope: &moved.scope,
        id: LedgerTransactionId::new(moment.at, moment.random(0)),
        source_id: payout,
        invoice_id: None,
        payment_id: None,
        reverses: None,
        at: moment.at,
    };
    store::ledger::post(tx, &left, &ledger::payout(amount)?)?;
    let booked = store::ledger::find(tx, &moved.scope, ledger::Kind::Payout, payout)?;
    let back = Posting {
        id: LedgerTransactionId::new(moment.at, moment.random(1)),
        reverses: booked,
        ..left
    };
    store::ledger::post(tx, &back, &ledger::payout_reversal(amount)?)?;
    Ok(())
}

/// Reads a payout again, and what it consists of once Stripe says so.
///
/// # Errors
/// When Stripe or the database does not answer; it is tried again later.
pub async fn read_again(app: &App, due: &Kept) -> Result<(), Failure> {
    let (later, scope, id) = (
        app.clock.now().plus_ms(RETRY_MS),
        due.scope.clone(),
        due.id.clone(),
    );
    app.db
        .write(move |tx| rows::check_later(tx, &scope, &id, later))
        .await?;
    let client = app.stripe(due.scope.mode)?;
    let account = account_of(due)?;
    let seen = match stripe::payouts::retrieve(client, account.as_ref(), &due.id).await {
        Err(CallError::Rejected(rejection)) if rejection.is_account_gone() => {
            // What is known of it stays; it is due again once the account is connected again.
            onboarding::refresh(app, &due.account, due.scope.mode).await?;
            return Ok(());
        }
        seen => seen?,
    };
    let (moment, scope, account_id) = (app.moment(), due.scope.clone(), due.account.clone());
    let now = app
        .db
        .write(move |tx| {
            observe(tx, moment, &scope, &account_id, &seen)?;
            let now = rows::get(tx, &scope, &seen.id)?;
            if let Some(payout) = now.as_ref().filter(|payout| !is_ready(payout)) {
                match next_check(payout, moment.at) {
                    Some(next) => {
                        let later = next.max(moment.at.plus_ms(LATER_MS));
                        rows::check_later(tx, &scope, &seen.id, later)?;
                    }
                    None => rows::check_never(tx, &scope, &seen.id)?,
                }
            }
            Ok::<_, Failure>(now)
        })
        .await?;
    match now {
        Some(payout) if is_ready(&payout) => read_items(app, &payout, account.as_ref()).await,
        _ => Ok(()),
    }
}

fn account_of(payout: &Kept) -> Result<Option<AccountId>, Failure> {
    Ok(match payout.account.as_str() {
        "" => None,
        account => Some(AccountId::parse(account)?),
    })
}

/// Only of automatic payouts does Stripe say what they consist of.
fn is_ready(payout: &Kept) -> bool {
    let is_paid = PayoutStatus::from_word(&payout.status) == PayoutStatus::Paid;
    let is_worked_out = payout.reconciliation_status.as_deref() == Some("completed");
    payout.automatic && is_paid && is_worked_out && payout.itemised_at.is_none()
}

async fn read_items(app: &App, payout: &Kept, account: Option<&AccountId>) -> Result<(), Failure> {
    let client = app.stripe(payout.scope.mode)?;
    let mut after: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let wanted = Wanted {
            created_gte_s: None,
            payout: Some(&payout.id),
            starting_after: after.as_deref(),
            limit: PAGE,
        };
        let page = stripe::balance_transactions::list(client, account, wanted).await?;
        after = page.data.last().map(|last| last.id.clone());
        let items: Vec<_> = page.data.into_iter().map(|one| (app.moment(), one)).collect();
        let (ended, payout, moment) = (!page.has_more || after.is_none(), payout.clone(), app.moment());
        app.db
            .write(move |tx| {
                for (moment, item) in &items {
                    balance::take_in(tx, *moment, &payout.scope, &payout.account, item)?;
                    let is_kept = balance_transactions::get(tx, &payout.scope, &item.id)?.is_some();
                    if is_kept && item.source.as_deref() != Some(payout.id.as_str()) {
                        rows::add_item(tx, &payout.scope, &payout.id, &item.id, moment.at)?;
                    }
                }
                if ended {
                    itemised(tx, moment, &payout)
                } else {
                    Ok(())
                }
            })
            .await?;
        if ended {
            return Ok(());
        }
    }
    Err(Failure::Unknown(format!(
        "{} has more items than are read at a time",
        payout.id
    )))
}

/// All its items are there: they come to its amount, or somebody has to look.
fn itemised(tx: &mut Tx, moment: Moment, read: &Kept) -> Result<(), Failure> {
    let Some(mut payout) = rows::get(tx, &read.scope, &read.id)? else {
        return Ok(());
    };
    let parts = balance_transactions::parts_of_payout(tx, &payout.scope, &payout.id)?;
    let net = parts.iter().map(|part| part.net).fold(0_i64, i64::saturating_add);
    let (scope, mode) = (&read.scope, payout.scope.mode);
    if net == payout.amount {
        payout.itemised_at = Some(moment.at);
        payout.next_check_at = None;
        reconciliation_breaks::resolve(tx, scope, Kind::PayoutMismatch, &payout.id, moment.at)?;
    } else {
        payout.next_check_at = Some(moment.at.plus_ms(LATER_MS));
        let detail = format!(
            "Stripe says that {} consists of items of {net} minor units, of which {} are missing",
            shown(&payout),
            payout.amount.saturating_sub(net)
        );
        let tenant = Some(&scope.tenant);
        open_break(
            tx,
            moment,
            0,
            tenant,
            mode,
            Kind::PayoutMismatch,
            &payout.id,
            &detail,
        )?;
    }
    if !rows::store(tx, &payout, moment.at)? {
        return Err(store::Error::Conflict.into());
    }
    Ok(())
}
