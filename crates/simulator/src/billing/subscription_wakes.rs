//! What happens to a subscription by itself, and when.

use std::sync::Arc;

use super::price::Interval;
use super::subscribing;
use super::subscription::{Status, Subscription};
use super::subscription_lines;
use crate::event::{self, Cause};
use crate::state::{Object, Row, State};

const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 24 * HOUR_S;
/// How long the first invoice may stay unpaid.
const INCOMPLETE_S: i64 = 23 * HOUR_S;
/// How long before its end a trial's end is announced.
const TRIAL_NOTICE_S: i64 = 3 * DAY_S;
/// How long before it is made an invoice is announced.
const UPCOMING_S: i64 = 7 * DAY_S;

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// The end of the trial is announced.
    TrialNotice,
    /// The next invoice is announced.
    Upcoming,
    /// Its first invoice was not paid in time.
    Expires,
    /// It ends.
    Ends,
    /// Its invoices are not held back any more.
    Resumes,
    /// Its trial is over.
    TrialEnds,
    /// A period is over.
    Renews,
}

/// What happens next, and when, in seconds.
pub fn next(subscription: &Subscription) -> Option<(i64, What)> {
    let mut coming = Vec::new();
    let trial_end = subscription.trial.map(|trial| trial.1);
    match subscription.status {
        Status::Canceled | Status::IncompleteExpired => return None,
        Status::Incomplete if !subscription.making => {
            coming.push((subscription.created.saturating_add(INCOMPLETE_S), What::Expires));
        }
        Status::Incomplete | Status::Paused => {}
        Status::Trialing => {
            let end = trial_end.unwrap_or(subscription.start);
            coming.push((end, What::TrialEnds));
            if !subscription.trial_told {
                let at_s = end.saturating_sub(TRIAL_NOTICE_S).max(subscription.created);
                coming.push((at_s, What::TrialNotice));
            }
        }
        Status::Active | Status::PastDue | Status::Unpaid => {
            if let Some(end) = subscription.period_end() {
                coming.push((end, What::Renews));
                if subscription.upcoming_told < end && is_long(subscription) {
                    coming.push((end.saturating_sub(UPCOMING_S), What::Upcoming));
                }
            }
        }
    }
    if let Some(at_s) = subscription.cancel_at {
        coming.push((at_s, What::Ends));
    }
    if let Some(at_s) = subscription.pause.as_ref().and_then(|pause| pause.resumes_at) {
        coming.push((at_s, What::Resumes));
    }
    coming.into_iter().min()
}

/// Whether its periods are long enough for their invoices to be announced.
fn is_long(subscription: &Subscription) -> bool {
    subscription.items.iter().all(|item| {
        item.recurring()
            .is_some_and(|recurring| match recurring.interval {
                Interval::Day => recurring.count > 7,
                Interval::Week => recurring.count > 1,
                Interval::Month | Interval::Year => true,
            })
    })
}

/// What was queued for a subscription happens, if it still applies.
pub fn wake(state: &mut State, id: &str) {
    // A phase that begins now says what is billed now.
    let driven = Subscription::table(state).anywhere(id);
    if let Some(schedule) = driven.and_then(|of| of.schedule.clone()) {
        super::subscription_schedules::happen(state, &schedule);
    }
    let Some(old) = Subscription::table(state).anywhere(id).cloned() else {
        return;
    };
    let Some((at_s, what)) = next(&old) else { return };
    if at_s > state.now_s() || old.making {
        return;
    }
    let cause = Cause::default();
    let mut subscription = Subscription::clone(&old);
    match what {
        What::Expires => {
            subscribing::end(state, &cause, &old, subscription, None);
        }
        What::Ends => {
            subscription.canceled_at = old.canceled_at;
            subscribing::end(state, &cause, &old, subscription, Some("cancellation_requested"));
        }
        What::Resumes => {
            subscription.pause = None;
            subscribing::changed(state, &cause, &old, subscription);
        }
        What::TrialEnds => subscribing::end_trial(state, &cause, &old),
        What::Renews => subscribing::renew(state, &cause, &old),
        What::TrialNotice => notice(state, &cause, &old),
        What::Upcoming => announce(state, &cause, &old),
    }
}

/// Announces the end of a trial that is near from its start.
pub fn notice_if_due(state: &mut State, cause: &Cause, subscription: &Arc<Subscription>) {
    if next(subscription).is_some_and(|(at_s, what)| what == What::TrialNotice && at_s <= state.now_s()) {
        notice(state, cause, subscription);
    }
}

/// Announces the end of a trial.
fn notice(state: &mut State, cause: &Cause, old: &Arc<Subscription>) {
    let mut subscription = Subscription::clone(old);
    subscription.trial_told = true;
    let subscription = subscribing::store(state, subscription);
    subscribing::tell(
        state,
        cause,
        "customer.subscription.trial_will_end",
        &subscription,
    );
}

/// Announces the invoice of the next period.
fn announce(state: &mut State, cause: &Cause, old: &Arc<Subscription>) {
    let mut subscription = Subscription::clone(old);
    subscription.upcoming_told = old.period_end().unwrap_or(i64::MAX);
    let subscription = subscribing::store(state, subscription);
    if subscription
        .cancel_at
        .is_some_and(|at_s| Some(at_s) <= subscription.period_end())
    {
        return;
    }
    let end = subscription.period_end().unwrap_or_else(|| state.now_s());
    let (_, lines) = subscribing::renewed(state, &subscription, end);
    let invoice = subscription_lines::whole_invoice(state, &subscription, "upcoming", (lines, &[]));
    if let Some(invoice) = invoice {
        event::emit(
            state,
            cause,
            "invoice.upcoming",
            Object::Invoice(Arc::new(invoice)),
            None,
        );
    }
}
