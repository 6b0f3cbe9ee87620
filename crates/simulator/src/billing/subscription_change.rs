//! Changing what a running subscription bills: what is given back and asked for within a period, when periods
//! begin anew, and what is billed at once.

use std::sync::Arc;

use super::collecting::Outcome;
use super::invoice::Collection;
use super::invoice_item::InvoiceItem;
use super::item_cost;
use super::line::Line;
use super::period;
use super::subscribing::{self, Paying};
use super::subscription::{Status, Subscription, WithoutMethod};
use super::subscription_first;
use super::subscription_form::Trial;
use super::subscription_item::SubscriptionItem;
use super::subscription_lines;
use super::subscription_pay::{self, Behavior};
use crate::error::ApiError;
use crate::event::Cause;
use crate::form::Params;
use crate::state::State;

/// What becomes of changes within a period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prorate {
    /// They wait for the next invoice.
    #[default]
    Create,
    /// They are billed at once.
    Invoice,
    /// Nothing.
    None,
}

impl Prorate {
    /// In Stripe's words.
    pub const WORDS: [&'static str; 3] = ["always_invoice", "create_prorations", "none"];

    /// Reads `proration_behavior`.
    ///
    /// # Errors
    /// 400 for another word.
    pub fn read(params: &mut Params) -> Result<Prorate, ApiError> {
        Ok(match params.choice("proration_behavior", &Prorate::WORDS)? {
            Some("always_invoice") => Prorate::Invoice,
            Some("none") => Prorate::None,
            _ => Prorate::Create,
        })
    }
}

/// How a change is carried out.
#[derive(Clone, Copy, Debug, Default)]
pub struct How {
    /// What becomes of changes within a period.
    pub prorate: Prorate,
    /// From when they count, in seconds.
    pub second: i64,
    /// Whether periods begin anew now.
    pub anew: bool,
    /// What is said of its trial.
    pub trial: Option<Trial>,
    /// How an invoice that is made is paid.
    pub paying: Paying,
}

impl How {
    /// Reads `proration_behavior`, `proration_date`, `billing_cycle_anchor` and the older `prorate`.
    ///
    /// # Errors
    /// 400 for a date outside of the current period.
    pub fn read(state: &State, old: &Subscription, params: &mut Params) -> Result<How, ApiError> {
        let mut prorate = Prorate::read(params)?;
        if params.boolean("prorate")? == Some(false) {
            prorate = Prorate::None;
        }
        let anchor = params.choice("billing_cycle_anchor", &["now", "unchanged"])?;
        let date = params.integer("proration_date")?;
        let bounds = old.items.first().map_or((i64::MIN, i64::MAX), |item| item.period);
        if date.is_some_and(|date| date < bounds.0 || date > bounds.1) {
            let message = "Cannot specify `proration_date` outside of the subscription's current period.";
            return Err(ApiError::invalid(message).param("proration_date"));
        }
        Ok(How {
            prorate,
            second: date.unwrap_or(state.now_s()),
            anew: anchor == Some("now"),
            ..How::default()
        })
    }
}

fn differs(had: &SubscriptionItem, has: &SubscriptionItem) -> bool {
    had.price.id != has.price.id || had.quantity != has.quantity
}

/// Whether the periods begin anew: as asked, or since an item falls due at another interval.
fn begins_anew(old: &Subscription, new: &Subscription, how: &How) -> bool {
    let interval = |item: &SubscriptionItem| {
        item.recurring()
            .map(|recurring| (recurring.interval, recurring.count))
    };
    let swapped = |item: &Arc<SubscriptionItem>| {
        new.item(&item.id)
            .is_some_and(|has| interval(has) != interval(item))
    };
    how.anew || old.items.iter().any(swapped) && old.status != Status::Trialing
}

fn trial_ends(old: &Subscription, how: &How) -> bool {
    old.status == Status::Trialing && how.trial == Some(Trial::Now)
}

/// Whether invoice items wait for the subscription's next invoice.
pub fn has_waiting(state: &State, subscription: &Subscription) -> bool {
    state.of::<InvoiceItem>(&subscription.space).any(|item| {
        !item.deleted && item.invoice.is_none() && item.subscription.as_ref() == Some(&subscription.id)
    })
}

/// What a change comes to, before any of it has happened.
struct Plan {
    /// The subscription as it is to be.
    new: Subscription,
    /// What is given back and asked for within the period.
    waiting: Vec<InvoiceItem>,
    /// What is billed for whole periods.
    lines: Vec<Line>,
    /// Whether there is an invoice at once.
    bills: bool,
    /// Whether a trial begins, or goes on until another second.
    trialing: bool,
}

fn plan(state: &State, old: &Subscription, mut new: Subscription, how: &How) -> Plan {
    let anew = begins_anew(old, &new, how) || trial_ends(old, how);
    let to_trial = match how.trial {
        Some(Trial::Until(end)) => Some(end),
        Some(Trial::Now) | None => None,
    };
    give_places(state, &mut new, old);
    let waiting = prorations(state, old, &new, how, anew || to_trial.is_some());
    let lines = if let Some(end) = to_trial {
        start_trial(state, &mut new, end)
    } else if anew {
        let now_s = state.now_s();
        new.anchor = now_s;
        if trial_ends(old, how) {
            new.trial = old.trial.map(|trial| (trial.0, now_s));
            new.status = Status::Active;
        }
        subscribing::restart(&mut new, now_s);
        subscribing::regular_lines(state, &new)
    } else {
        Vec::new()
    };
    if new.cancel_at_period_end {
        new.cancel_at = new.period_end();
    }
    let now = anew || to_trial.is_some() || how.prorate == Prorate::Invoice && !waiting.is_empty();
    Plan {
        new,
        waiting,
        lines,
        bills: now && old.status != Status::Trialing || trial_ends(old, how) || to_trial.is_some(),
        trialing: to_trial.is_some(),
    }
}

/// A subscription as a change would leave it, what would wait for its next invoice, and what would be billed
/// at once beside that, if anything is.
pub fn planned(
    state: &State,
    old: &Subscription,
    new: Subscription,
    how: &How,
) -> (Subscription, Vec<InvoiceItem>, Option<Vec<Line>>) {
    let plan = plan(state, old, new, how);
    (plan.new, plan.waiting, plan.bills.then_some(plan.lines))
}

/// Whether its trial ends in another way than by being billed.
fn is_given_up(state: &State, old: &Subscription, new: &Subscription, how: &How) -> bool {
    trial_ends(old, how)
        && new.terms.collection == Collection::ChargeAutomatically
        && subscribing::method_of(state, new).is_none()
        && old.without_method != WithoutMethod::CreateInvoice
}

/// Refuses a change that is billed at once and cannot be; `extra` is what the request adds beside it.
///
/// # Errors
/// As of [`subscription_pay::check`].
pub fn check(
    state: &State,
    old: &Subscription,
    preview: Subscription,
    (how, extra): (&How, Vec<InvoiceItem>),
    behavior: Behavior,
) -> Result<(), ApiError> {
    for item in &extra {
        item_cost::check(item.amount, &item.currency)?;
    }
    if old.status.is_over() || is_given_up(state, old, &preview, how) {
        return Ok(());
    }
    let mut plan = plan(state, old, preview, how);
    if !plan.bills {
        return Ok(());
    }
    plan.waiting.extend(extra);
    let coming = (plan.lines, plan.waiting.as_slice());
    subscription_pay::check(state, &plan.new, coming, behavior, "subscription_update")
}

/// Puts a changed subscription in the place of the old one: items and terms are as they are to be; periods,
/// prorations and invoices follow.
pub fn carry_out(
    state: &mut State,
    cause: &Cause,
    old: &Arc<Subscription>,
    new: Subscription,
    how: How,
) -> Arc<Subscription> {
    if old.status.is_over() {
        return subscribing::changed(state, cause, old, new);
    }
    if is_given_up(state, old, &new, &how) {
        let stored = subscribing::store(state, new);
        subscribing::without_method(state, cause, &stored);
        return state.get(&old.space, &old.id).unwrap_or(stored);
    }
    let mut plan = plan(state, old, new, &how);
    subscription_lines::wait(state, cause, plan.waiting);
    if plan.bills {
        let coming = ("subscription_update", plan.lines);
        let outcome = subscribing::bill(state, cause, &mut plan.new, coming, how.paying);
        settled(&mut plan.new, &outcome);
        plan.new.making = false;
    }
    let changed = subscribing::changed(state, cause, old, plan.new);
    if plan.trialing {
        super::subscription_wakes::notice_if_due(state, cause, &changed);
    }
    changed
}

/// What a payment leaves of a running subscription.
fn settled(subscription: &mut Subscription, outcome: &Outcome) {
    let running = matches!(
        subscription.status,
        Status::Active | Status::PastDue | Status::Unpaid
    );
    let by_mail = subscription.terms.collection == Collection::SendInvoice;
    if running && !by_mail {
        subscription.status = match outcome {
            Outcome::Paid => Status::Active,
            Outcome::Pending | Outcome::ActionRequired | Outcome::Failed(_) | Outcome::NoMethod => {
                Status::PastDue
            }
        };
    }
}

/// A trial until a second: nothing is to be paid, and periods are counted from its end.
fn start_trial(state: &State, new: &mut Subscription, end: i64) -> Vec<Line> {
    let now_s = state.now_s();
    let start = new
        .trial
        .filter(|trial| trial.1 > now_s)
        .map_or(now_s, |trial| trial.0);
    new.trial = Some((start, end));
    new.trial_told = false;
    new.anchor = end;
    if matches!(new.status, Status::Active | Status::PastDue | Status::Trialing) {
        new.status = Status::Trialing;
    }
    for item in &mut new.items {
        let mut placed = SubscriptionItem::clone(item);
        placed.period = (start, end);
        *item = Arc::new(placed);
    }
    let items = new.items.iter();
    items
        .map(|item| subscription_lines::trial(state, new, item))
        .collect()
}

/// Gives new items the periods that the others have.
fn give_places(state: &State, new: &mut Subscription, old: &Subscription) {
    let (now_s, anchor, trial) = (state.now_s(), new.anchor, new.trial);
    for item in &mut new.items {
        if old.item(&item.id).is_some() {
            continue;
        }
        let Some(recurring) = item.recurring() else {
            continue;
        };
        let mut placed = SubscriptionItem::clone(item);
        placed.period = match trial.filter(|_| old.status == Status::Trialing) {
            Some(trial) => trial,
            None => period::around(anchor, recurring, now_s),
        };
        *item = Arc::new(placed);
    }
}

/// What is given back of the old items and asked for the new ones.
fn prorations(
    state: &State,
    old: &Subscription,
    new: &Subscription,
    how: &How,
    all: bool,
) -> Vec<InvoiceItem> {
    let paid_for = matches!(old.status, Status::Active | Status::PastDue | Status::Unpaid);
    if how.prorate == Prorate::None || !paid_for {
        return Vec::new();
    }
    let mut found = Vec::new();
    for item in &old.items {
        let gone = new.item(&item.id).is_none_or(|has| differs(item, has));
        if gone || all {
            found.push(subscription_lines::credit(state, old, item, how.second));
        }
    }
    let fresh = new
        .items
        .iter()
        .filter(|item| !all && old.item(&item.id).is_none_or(|had| differs(had, item)));
    for item in fresh {
        found.push(subscription_lines::debit(state, new, item, how.second));
    }
    found.retain(|proration| proration.amount != 0);
    found
}

/// A paused subscription as it goes on, from now on or at its old pace, and what it is billed for then.
pub fn resumed(state: &State, old: &Subscription, unchanged: bool) -> (Subscription, Vec<Line>) {
    let mut new = old.clone();
    let now_s = state.now_s();
    if !unchanged {
        new.anchor = now_s;
    }
    subscribing::restart(&mut new, now_s);
    let lines = subscription_first::lines(state, &new, true);
    (new, lines)
}

/// A paused subscription is billed again.
pub fn resume(
    state: &mut State,
    cause: &Cause,
    old: &Arc<Subscription>,
    (mut new, lines): (Subscription, Vec<Line>),
) -> Arc<Subscription> {
    let coming = ("subscription_update", lines);
    let outcome = subscribing::bill(state, cause, &mut new, coming, Paying::default());
    new.making = false;
    if matches!(outcome, Outcome::Paid) || new.terms.collection == Collection::SendInvoice {
        new.status = Status::Active;
    }
    let resumed = subscribing::changed(state, cause, old, new);
    if resumed.status == Status::Active {
        subscribing::tell(state, cause, "customer.subscription.resumed", &resumed);
    }
    resumed
}
