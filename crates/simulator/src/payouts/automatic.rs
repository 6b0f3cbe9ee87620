//! Automatic payouts: on the days of an account's schedule, all that is available goes to its bank, a payout
//! a currency. Nothing is queued for a day on which there is nothing new, so that a year passes quickly.

use std::collections::HashSet;
use std::sync::Arc;

use crate::account::{self, Account};
use crate::account_details::Schedule;
use crate::balance;
use crate::clock::civil;
use crate::connect::external_account::Bank;
use crate::error::ApiError;
use crate::event::Cause;
use crate::payouts::balance_settings;
use crate::payouts::payout::{Payout, Status, bank_for, blank, send};
use crate::schedule::{self, Step};
use crate::state::{Row, Space, State};

const DAY_MS: i64 = 86_400_000;
/// When on its day, after the money of that morning was told of: one o'clock, UTC.
const OF_DAY_MS: i64 = 3_600_000;
/// A month of 31 days and the day after: within so many days every schedule has one.
const SEARCHED_DAYS: i64 = 32;
/// From Monday on; the first day of the epoch was a Thursday.
pub const WEEK: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// Whether a schedule pays out on a day since the epoch. A month that is too short pays on its last day.
fn pays_on(schedule: &Schedule, day: i64) -> bool {
    match schedule.interval.as_str() {
        "daily" => true,
        "weekly" => usize::try_from((day + 3).rem_euclid(7))
            .ok()
            .and_then(|at| WEEK.get(at))
            .is_some_and(|name| schedule.weekly_days.iter().any(|wanted| wanted == name)),
        "monthly" => {
            let of_month = |day: i64| civil(day.saturating_mul(DAY_MS)).2;
            let today = of_month(day);
            let last = of_month(day + 1) == 1;
            schedule
                .monthly_days
                .iter()
                .any(|wanted| *wanted == today || last && *wanted > today)
        }
        _ => false,
    }
}

/// The first moment of a schedule from a moment on; `None` when nobody pays out but by hand.
fn next_ms(schedule: &Schedule, from_ms: i64) -> Option<i64> {
    let first = from_ms.saturating_sub(OF_DAY_MS + 1).div_euclid(DAY_MS) + 1;
    (first..first + SEARCHED_DAYS)
        .find(|day| pays_on(schedule, *day))
        .map(|day| day.saturating_mul(DAY_MS).saturating_add(OF_DAY_MS))
}

/// The account may have something to pay out from a second on: its next payout is queued, once for all that
/// comes until then. Nothing is while its owner pays out by hand, or there is no bank to pay to.
pub fn arrange(state: &mut State, space: &Space, from_s: i64) {
    let Some((schedule, _)) = paid_by_itself(state, space) else {
        return;
    };
    let from_ms = from_s.saturating_mul(1000).max(state.own_ms());
    if let Some(due_ms) = next_ms(&schedule, from_ms) {
        let space = space.clone();
        schedule::once(state, due_ms, Step::PayOut { space });
    }
}

/// What became of an account may let its money go: a bank that it has now, another schedule, a block's end.
pub fn reconsider(state: &mut State, old: &Account, new: &Account) {
    let same = old.banks == new.banks
        && old.settings.schedule == new.settings.schedule
        && old.payouts_enabled == new.payouts_enabled;
    if !same {
        let now_s = state.own_ms().div_euclid(1000);
        arrange(state, &new.own_space(state), now_s);
    }
}

/// The schedule of an account that Stripe pays out, and the bank for each currency.
fn paid_by_itself(state: &State, space: &Space) -> Option<(Schedule, Vec<Arc<Bank>>)> {
    let account = account::of_space(state, space).ok()?;
    let schedule = balance_settings::schedule(state, space, &account);
    if schedule.interval == "manual" || account.deleted || !account.payouts_enabled {
        return None;
    }
    let mut banks: Vec<Arc<Bank>> = match space.account {
        Some(_) => account.banks.clone(),
        None => balance::currencies(state, space)
            .iter()
            .filter_map(|currency| bank_for(state, space, currency, None).ok())
            .collect(),
    };
    // Stripe sends no more by itself to a bank that sent a payout back, until its owner says it anew.
    banks.retain(|bank| bank.default_for_currency && bank.status != Bank::ERRORED);
    (!banks.is_empty()).then_some((schedule, banks))
}

/// The hour of a payout has come: what is available goes, unless the account was set up otherwise meanwhile.
pub fn happen(state: &mut State, space: &Space) {
    let Some((schedule, banks)) = paid_by_itself(state, space) else {
        return;
    };
    let now_ms = state.own_ms();
    if !pays_on(&schedule, now_ms.div_euclid(DAY_MS)) {
        return arrange(state, space, now_ms.div_euclid(1000));
    }
    for bank in banks {
        let amount = balance::available(state, space, &bank.currency);
        if amount > 0 {
            pay(state, space, &bank, amount);
        }
    }
}

/// Pays out all that an account has available in a currency, whatever its schedule says.
///
/// # Errors
/// 400 when there is nothing, or no bank.
pub fn at_once(state: &mut State, space: &Space, currency: &str) -> Result<Arc<Payout>, ApiError> {
    let bank = bank_for(state, space, currency, None)?;
    let amount = balance::available(state, space, currency);
    if amount < 1 {
        return Err(ApiError::invalid("There is nothing available to pay out."));
    }
    let bank = Bank {
        currency: currency.to_owned(),
        ..Bank::clone(&bank)
    };
    Ok(pay(state, space, &bank, amount))
}

fn pay(state: &mut State, space: &Space, bank: &Bank, amount: i64) -> Arc<Payout> {
    let currency = &bank.currency;
    let mut payout = blank(state, space, amount, currency, bank);
    payout.automatic = true;
    payout.description = Some("STRIPE PAYOUT".into());
    payout.covers = uncovered(state, space, currency);
    send(state, &Cause::default(), payout)
}

/// The available movements that no automatic payout has covered yet; what a payout itself booked is not one.
fn uncovered(state: &State, space: &Space, currency: &str) -> Vec<String> {
    let covered: HashSet<&str> = state
        .of::<Payout>(space)
        .filter(|payout| !matches!(payout.status, Status::Failed | Status::Canceled))
        .flat_map(|payout| payout.covers.iter().map(String::as_str))
        .collect();
    balance::available_transactions(state, space, currency)
        .filter(|one| !covered.contains(one.id.as_str()))
        .filter(|one| {
            // A failed automatic payout and its return cancel out; what it covered is paid out anew.
            !Payout::table(state)
                .anywhere(&one.source)
                .is_some_and(|payout| payout.automatic)
        })
        .map(|one| one.id.clone())
        .collect()
}
