//! The course of a subscription: billed at first, again each period, paid or not, paused, ended. Requests,
//! schedules and the clock all go through these functions.

use std::sync::Arc;

use super::collecting::{self, Outcome};
use super::coupon::Duration;
use super::discount::Discount;
use super::finalization;
use super::invoice::{Collection, Invoice, Status as InvoiceStatus};
use super::invoicing;
use super::line::Line;
use super::period;
use super::subscription::{Status, Subscription, WithoutMethod};
use super::subscription_item::SubscriptionItem;
use super::subscription_lines;
use super::subscription_retries::{self, AfterRetries};
use super::subscription_schedules;
use super::subscription_wakes;
use crate::customer::Customer;
use crate::event::{self, Cause};
use crate::payment_method::PaymentMethod;
use crate::schedule::{self, Step};
use crate::state::{Object, Row, State};

/// How an invoice that is made at once is paid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paying {
    /// Whether it is left to the customer to pay it, and nothing is tried.
    pub waits: bool,
    /// Whether the card's holder is not there.
    pub off_session: bool,
}

/// Puts a subscription and its items in their places, and queues what happens to it next.
pub fn store(state: &mut State, mut subscription: Subscription) -> Arc<Subscription> {
    let at_s = subscription_wakes::next(&subscription).map(|(at_s, _)| at_s);
    subscription.wakes_at = at_s;
    // What was queued before and is still to come needs no second step.
    let table = Subscription::table(state);
    let waited = table
        .at(&subscription.space, &subscription.id)
        .and_then(|old| old.wakes_at);
    let queued = waited == at_s && at_s.is_some_and(|at_s| at_s > state.now_s());
    if let Some(at_s) = at_s.filter(|_| !queued) {
        let step = Step::Subscription {
            subscription: subscription.id.clone(),
        };
        schedule::at(state, subscription.test_clock.as_deref(), at_s, step);
    }
    for item in &subscription.items {
        state.put(SubscriptionItem::clone(item));
    }
    state.put(subscription)
}

/// The same, telling of what changed.
pub fn changed(
    state: &mut State,
    cause: &Cause,
    old: &Subscription,
    subscription: Subscription,
) -> Arc<Subscription> {
    let subscription = store(state, subscription);
    if let Some(previous) = event::previous(&old.render(), &subscription.render()) {
        let object = Object::Subscription(Arc::clone(&subscription));
        event::emit(
            state,
            cause,
            "customer.subscription.updated",
            object,
            Some(previous),
        );
    }
    subscription
}

/// Tells of a subscription.
pub fn tell(state: &mut State, cause: &Cause, kind: &'static str, subscription: &Arc<Subscription>) {
    let object = Object::Subscription(Arc::clone(subscription));
    event::emit(state, cause, kind, object, None);
}

/// The card that a subscription is paid by: its own or the customer's.
pub fn method_of(state: &State, subscription: &Subscription) -> Option<Arc<PaymentMethod>> {
    let invoice = subscription_lines::invoice(state, subscription, "upcoming", Vec::new())?;
    collecting::method_of(state, &invoice)
}

/// Whether it can go on being billed: by a card, by mail, or because it costs nothing.
fn can_be_billed(state: &State, subscription: &Subscription) -> bool {
    subscription.terms.collection == Collection::SendInvoice
        || method_of(state, subscription).is_some()
        || subscription
            .items
            .iter()
            .all(|item| item.amount(&subscription.currency) == 0)
}

/// Starts what a request describes: its first invoice is made and, where it can be, paid.
pub fn begin(
    state: &mut State,
    cause: &Cause,
    mut subscription: Subscription,
    lines: Vec<Line>,
    paying: Paying,
) -> Arc<Subscription> {
    subscription.making = true;
    let stored = store(state, subscription);
    let mut subscription = Subscription::clone(&stored);
    let outcome = if lines.is_empty() {
        Outcome::Paid
    } else {
        bill(
            state,
            cause,
            &mut subscription,
            ("subscription_create", lines),
            paying,
        )
    };
    let paid = matches!(outcome, Outcome::Paid) || subscription.terms.collection == Collection::SendInvoice;
    subscription.status = match (paid, subscription.trial) {
        (false, _) => Status::Incomplete,
        (true, Some(trial)) if trial.1 > state.now_s() => Status::Trialing,
        (true, _) => Status::Active,
    };
    subscription.making = false;
    let subscription = store(state, subscription);
    tell(state, cause, "customer.subscription.created", &subscription);
    subscription
}

/// Makes an invoice with these lines and whatever else waits, and has it paid at once. The subscription is
/// marked as being made meanwhile, so that the outcome is left to the caller.
pub fn bill(
    state: &mut State,
    cause: &Cause,
    subscription: &mut Subscription,
    (reason, lines): (&str, Vec<Line>),
    paying: Paying,
) -> Outcome {
    let Some(invoice) = subscription_lines::invoice(state, subscription, reason, lines) else {
        return Outcome::NoMethod;
    };
    subscription.making = true;
    store(state, subscription.clone());
    let invoice = invoicing::draft(state, cause, invoice, true);
    billed(subscription, &invoice);
    store(state, subscription.clone());
    if subscription.terms.collection == Collection::SendInvoice && reason == "subscription_create" {
        return Outcome::Pending;
    }
    // One that cannot be finalized stays a draft; a request was refused before it came to this.
    let Some(invoice) = finalization::by_itself(state, cause, &invoice) else {
        return Outcome::Pending;
    };
    if invoice.status == InvoiceStatus::Paid {
        return Outcome::Paid;
    }
    if subscription.terms.collection == Collection::SendInvoice {
        invoicing::send(state, cause, &invoice);
        return Outcome::Pending;
    }
    if paying.waits {
        return Outcome::Pending;
    }
    let (invoice, outcome) = collecting::collect(state, cause, &invoice, None, paying.off_session);
    if matches!(outcome, Outcome::Paid) {
        keep_method(state, subscription, &invoice);
    }
    outcome
}

/// Notes a new invoice: it is the latest, and what was for one invoice only is used up.
fn billed(subscription: &mut Subscription, invoice: &Invoice) {
    subscription.latest_invoice = Some(invoice.id.clone());
    if invoice.totals.subtotal <= 0 {
        return;
    }
    let goes_on = |discount: &Arc<Discount>| discount.coupon.duration != Duration::Once;
    subscription.discounts.retain(goes_on);
    for item in &mut subscription.items {
        if !item.discounts.iter().all(goes_on) {
            let mut used = SubscriptionItem::clone(item);
            used.discounts.retain(goes_on);
            *item = Arc::new(used);
        }
    }
}

/// A card that paid becomes the subscription's own, where that was asked for.
fn keep_method(state: &State, subscription: &mut Subscription, invoice: &Invoice) {
    if subscription.terms.save_method.as_deref() == Some("on_subscription")
        && subscription.terms.payment_method.is_none()
    {
        let intent = invoice.intent.as_ref();
        subscription.terms.payment_method = intent
            .and_then(|id| {
                state
                    .get::<crate::payment_intent::PaymentIntent>(&invoice.space, id)
                    .ok()
            })
            .and_then(|intent| intent.payment_method.clone());
    }
}

/// Bills the items whose period is over for the next one, as the clock tells.
pub fn renew(state: &mut State, cause: &Cause, old: &Arc<Subscription>) {
    let mut subscription = Subscription::clone(old);
    let (items, lines) = renewed(state, old, state.now_s());
    subscription.items = items;
    let over = old
        .items
        .iter()
        .map(|item| item.period)
        .min_by_key(|period| period.1);
    cycle(state, cause, &mut subscription, lines, over);
    changed(state, cause, old, subscription);
}

/// The items with the periods that follow those that are over at a second, and what those cost.
pub fn renewed(
    state: &State,
    subscription: &Subscription,
    at_s: i64,
) -> (Vec<Arc<SubscriptionItem>>, Vec<Line>) {
    let mut items = subscription.items.clone();
    let mut lines = Vec::new();
    for item in &mut items {
        if item.period.1 > at_s {
            continue;
        }
        let Some(recurring) = item.recurring() else {
            continue;
        };
        let next = period::around(subscription.anchor, recurring, item.period.1.max(at_s));
        let mut renewed = SubscriptionItem::clone(item);
        renewed.period = (item.period.1, next.1);
        lines.push(subscription_lines::regular(state, subscription, &renewed));
        *item = Arc::new(renewed);
    }
    (items, lines)
}

/// Draws the invoice of a new period up; it goes on by itself unless collection is paused, or earlier ones
/// are left unpaid.
fn cycle(
    state: &mut State,
    cause: &Cause,
    subscription: &mut Subscription,
    lines: Vec<Line>,
    over: Option<period::Period>,
) {
    let Some(mut invoice) = subscription_lines::invoice(state, subscription, "subscription_cycle", lines)
    else {
        return;
    };
    invoice.period = over.unwrap_or(invoice.period);
    let pause = subscription.pause.as_ref().map(|pause| pause.behavior.clone());
    invoice.auto_advance = pause.is_none() && subscription.status != Status::Unpaid;
    let invoice = invoicing::draft(state, cause, invoice, true);
    billed(subscription, &invoice);
    match pause.as_deref() {
        Some("void") => {
            invoicing::void(state, cause, &invoice);
        }
        Some("mark_uncollectible") => {
            invoicing::mark_uncollectible(state, cause, &invoice);
        }
        _ => {}
    }
}

/// Its trial is over: it is billed from now on, or paused or canceled when nothing can be charged.
pub fn end_trial(state: &mut State, cause: &Cause, old: &Arc<Subscription>) {
    if !can_be_billed(state, old) && without_method(state, cause, old) {
        return;
    }
    let mut subscription = Subscription::clone(old);
    subscription.status = Status::Active;
    restart(&mut subscription, state.now_s());
    let lines = regular_lines(state, &subscription);
    cycle(state, cause, &mut subscription, lines, old.trial);
    changed(state, cause, old, subscription);
}

/// What was asked for when nothing can be charged; whether that ends the trial's way.
pub fn without_method(state: &mut State, cause: &Cause, old: &Arc<Subscription>) -> bool {
    match old.without_method {
        WithoutMethod::CreateInvoice => false,
        WithoutMethod::Pause => {
            let mut subscription = Subscription::clone(old);
            subscription.status = Status::Paused;
            let subscription = changed(state, cause, old, subscription);
            tell(state, cause, "customer.subscription.paused", &subscription);
            true
        }
        WithoutMethod::Cancel => {
            end(state, cause, old, Subscription::clone(old), None);
            true
        }
    }
}

/// Counts all periods from a second on.
pub fn restart(subscription: &mut Subscription, now_s: i64) {
    let anchor = subscription.anchor;
    for item in &mut subscription.items {
        let Some(recurring) = item.recurring() else {
            continue;
        };
        let mut fresh = SubscriptionItem::clone(item);
        fresh.period = (now_s, period::around(anchor, recurring, now_s).1);
        *item = Arc::new(fresh);
    }
}

/// A line for each item.
pub fn regular_lines(state: &State, subscription: &Subscription) -> Vec<Line> {
    let items = subscription.items.iter();
    items
        .map(|item| subscription_lines::regular(state, subscription, item))
        .collect()
}

/// Ends a subscription now; `subscription` is as it is to be otherwise.
pub fn end(
    state: &mut State,
    cause: &Cause,
    old: &Arc<Subscription>,
    mut subscription: Subscription,
    reason: Option<&str>,
) -> Arc<Subscription> {
    let now_s = state.now_s();
    let never_began = old.status == Status::Incomplete;
    subscription.status = if never_began {
        Status::IncompleteExpired
    } else {
        Status::Canceled
    };
    subscription.canceled_at = old.canceled_at.or(Some(now_s));
    subscription.ended_at = Some(now_s);
    if subscription.cancellation.reason.is_none() {
        subscription.cancellation.reason = reason.map(str::to_owned);
    }
    let subscription = store(state, subscription);
    stop_invoices(state, cause, &subscription, never_began);
    let kind = if never_began {
        "customer.subscription.updated"
    } else {
        "customer.subscription.deleted"
    };
    let previous = event::previous(&old.render(), &subscription.render()).filter(|_| never_began);
    let object = Object::Subscription(Arc::clone(&subscription));
    event::emit(state, cause, kind, object, previous);
    subscription
}

/// The invoices of what ended do not go on by themselves; of what never began they are void.
fn stop_invoices(state: &mut State, cause: &Cause, subscription: &Subscription, void: bool) {
    let open: Vec<Arc<Invoice>> = state
        .of::<Invoice>(&subscription.space)
        .filter(|invoice| {
            let of = invoice.subscription.as_ref().map(|subscribed| &subscribed.id);
            of == Some(&subscription.id)
                && !invoice.deleted
                && matches!(invoice.status, InvoiceStatus::Draft | InvoiceStatus::Open)
        })
        .cloned()
        .collect();
    for old in open {
        if void {
            invoicing::void(state, cause, &old);
            continue;
        }
        let mut invoice = Invoice::clone(&old);
        invoice.auto_advance = false;
        invoice.next_attempt = None;
        invoice.finalizes_at = None;
        invoicing::put(state, cause, &old, invoice);
    }
}

/// A customer who is deleted is not billed any more.
pub fn customer_deleted(state: &mut State, cause: &Cause, customer: &Customer) {
    let running: Vec<Arc<Subscription>> = state
        .of::<Subscription>(&customer.space)
        .filter(|subscription| subscription.customer == customer.id && !subscription.status.is_over())
        .cloned()
        .collect();
    for old in running {
        end(
            state,
            cause,
            &old,
            Subscription::clone(&old),
            Some("cancellation_requested"),
        );
    }
}

/// A subscription's invoice was paid, could not be paid, was voided or given up: it is as that left it.
pub fn invoice_changed(state: &mut State, cause: &Cause, invoice: &Arc<Invoice>) {
    let Some(subscribed) = &invoice.subscription else {
        return;
    };
    let Ok(old) = state.get::<Subscription>(&invoice.space, &subscribed.id) else {
        return;
    };
    if old.making || old.status.is_over() {
        return;
    }
    let first = invoice.billing_reason == "subscription_create";
    let latest = old.latest_invoice.as_ref() == Some(&invoice.id);
    let mut subscription = Subscription::clone(&old);
    match (invoice.status, old.status) {
        (InvoiceStatus::Paid, Status::Incomplete) if first => {
            let trialing = old.trial.is_some_and(|trial| trial.1 > state.now_s());
            subscription.status = if trialing {
                Status::Trialing
            } else {
                Status::Active
            };
            keep_method(state, &mut subscription, invoice);
        }
        (InvoiceStatus::Paid, Status::Paused) if latest => subscription.status = Status::Active,
        (
            InvoiceStatus::Paid | InvoiceStatus::Void | InvoiceStatus::Uncollectible,
            Status::PastDue | Status::Unpaid,
        ) if latest => subscription.status = Status::Active,
        (InvoiceStatus::Void, Status::Incomplete) if first => {
            end(state, cause, &old, subscription, None);
            return;
        }
        (InvoiceStatus::Open, Status::Active | Status::Trialing | Status::PastDue)
            if invoice.attempted && latest =>
        {
            let given_up = subscription_retries::is_given_up(invoice);
            subscription.status = match old.after_retries {
                AfterRetries::Cancel if given_up => {
                    let ended = end(state, cause, &old, subscription, Some("payment_failed"));
                    if let Some(schedule) = &ended.schedule {
                        subscription_schedules::abort(state, cause, &ended.space, schedule);
                    }
                    return;
                }
                AfterRetries::Unpaid if given_up => Status::Unpaid,
                AfterRetries::Cancel | AfterRetries::Unpaid | AfterRetries::PastDue => Status::PastDue,
            };
        }
        _ => return,
    }
    changed(state, cause, &old, subscription);
}
