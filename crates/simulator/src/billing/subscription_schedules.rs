//! What requests do to subscription schedules, and what happens when a phase of one begins or the last ends.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::subscription::Subscription;
use super::subscription_schedule::{Phase, PhaseItem, Status, SubscriptionSchedule};
use super::{subscribing, subscription_phases, subscriptions};
use crate::api::{Ctx, TypesParam, VERSION};
use crate::customer;
use crate::error::ApiError;
use crate::event::{self, Cause};
use crate::form::Params;
use crate::list;
use crate::schedule::{self, Step};
use crate::state::{Object, Row, Space, State};

/// The end of the last phase is announced this long before.
const EXPIRING_S: i64 = 7 * 86_400;

/// `POST /v1/subscription_schedules`.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let made = match params.text("from_subscription")? {
        Some(id) => from_subscription(state, ctx, &id, &mut params)?,
        None => from_phases(state, ctx, &mut params)?,
    };
    params.finish()?;
    let id = state.id("sub_sched_1", 23);
    let mut made = SubscriptionSchedule { id, ..made };
    let mut now = None;
    if let Some(subscription) = &made.subscription {
        drive(state, ctx, subscription, Some(&made.id));
    } else if made
        .phases
        .first()
        .is_some_and(|phase| phase.start <= state.now_s())
    {
        now = made.phases.first().cloned();
    }
    if let Some(phase) = now {
        made.subscription = Some(begin(state, ctx, &made, &phase)?);
        made.status = Status::Active;
        made.runs = Some(phase.start);
    }
    let made = state.put(made);
    tell(state, &ctx.cause, "subscription_schedule.created", &made);
    wait(state, &made);
    Ok(made.render())
}

/// A schedule of what a subscription is now, until its period ends.
fn from_subscription(
    state: &State,
    ctx: &Ctx,
    id: &str,
    params: &mut Params,
) -> Result<SubscriptionSchedule, ApiError> {
    for name in ["customer", "phases", "start_date", "end_behavior", "metadata"] {
        if params.has(name) {
            let message = format!("You cannot set `{name}` if `from_subscription` is set.");
            return Err(ApiError::invalid(message).param(name));
        }
    }
    let missing = |error: ApiError| error.status(400);
    let of = state
        .get_for::<Subscription>(&ctx.space, id, "from_subscription")
        .map_err(missing)?;
    if let Some(schedule) = &of.schedule {
        let message =
            format!("You cannot migrate a subscription that is already attached to a schedule: {schedule}.");
        return Err(ApiError::invalid(message).param("from_subscription"));
    }
    if of.status.is_over() {
        let message = "You cannot migrate a subscription that is canceled to a schedule.";
        return Err(ApiError::invalid(message).param("from_subscription"));
    }
    let items = of.items.iter().map(|item| PhaseItem {
        price: item.price.id.clone(),
        quantity: item.quantity,
        metadata: item.metadata.clone(),
    });
    let now_s = state.now_s();
    let start = of.items.first().map_or(now_s, |item| item.period.0);
    let phase = Phase {
        start,
        end: of.period_end().unwrap_or(now_s).max(now_s),
        items: items.collect(),
        currency: of.currency.clone(),
        proration: "create_prorations".into(),
        metadata: BTreeMap::new(),
    };
    Ok(SubscriptionSchedule {
        status: Status::Active,
        subscription: Some(of.id.clone()),
        runs: Some(start),
        phases: vec![phase],
        ..blank(state, ctx, &of.customer)
    })
}

fn from_phases(state: &State, ctx: &Ctx, params: &mut Params) -> Result<SubscriptionSchedule, ApiError> {
    let id = params.required("customer")?;
    customer::living(state, &ctx.space, &id, "customer").map_err(|error| error.status(400))?;
    let mut made = blank(state, ctx, &id);
    if let Some(word) = params.choice("end_behavior", &["release", "cancel"])? {
        made.end_behavior = word.to_owned();
    }
    params.metadata()?.apply(&mut made.metadata)?;
    let start = match params.text("start_date")?.as_deref() {
        None => return Err(ApiError::missing("start_date")),
        Some("now") => state.now_s(),
        Some(text) => subscription_phases::second(text, "start_date")?,
    };
    made.phases =
        subscription_phases::read(state, ctx, params, start)?.ok_or_else(|| ApiError::missing("phases"))?;
    if made.phases.last().is_some_and(|last| last.end <= state.now_s()) {
        let message = "The subscription schedule must end in the future.";
        return Err(ApiError::invalid(message).param("phases"));
    }
    Ok(made)
}

fn blank(state: &State, ctx: &Ctx, customer: &str) -> SubscriptionSchedule {
    SubscriptionSchedule {
        id: String::new(),
        space: ctx.space.clone(),
        created: state.now_s(),
        customer: customer.to_owned(),
        application: (ctx.space.account.is_some()).then(|| state.settings.application.clone()),
        status: Status::NotStarted,
        subscription: None,
        released_subscription: None,
        phases: Vec::new(),
        runs: None,
        end_behavior: "release".into(),
        canceled_at: None,
        completed_at: None,
        released_at: None,
        expiry_told: 0,
        test_clock: super::test_clock::of_customer(state, &ctx.space, customer),
        metadata: BTreeMap::new(),
    }
}

/// The subscription of a first phase. Without a card its first invoice waits, as a draft of a schedule does.
fn begin(state: &mut State, ctx: &Ctx, of: &SubscriptionSchedule, phase: &Phase) -> Result<String, ApiError> {
    let form = format!(
        "customer={}{}",
        of.customer,
        subscription_phases::as_items(phase, &[])
    );
    let made = match subscriptions::create(state, ctx, Params::parse(form.as_bytes())?) {
        Err(error) if error.code == Some("resource_missing") && error.param.is_none() => {
            let form = format!("{form}&payment_behavior=default_incomplete");
            subscriptions::create(state, ctx, Params::parse(form.as_bytes())?)?
        }
        other => other?,
    };
    let id = made["id"].as_str().unwrap_or_default().to_owned();
    if let Ok(old) = state.get::<Subscription>(&ctx.space, &id) {
        let mut subscription = Subscription::clone(&old);
        if subscription.status == super::subscription::Status::Incomplete {
            subscription.status = super::subscription::Status::Active;
        }
        subscription.schedule = Some(of.id.clone());
        subscription.metadata.clone_from(&phase.metadata);
        subscribing::store(state, subscription);
    }
    Ok(id)
}

/// The subscription is as a phase wants it.
fn enter(state: &mut State, ctx: &Ctx, id: &str, phase: &Phase) -> Result<(), ApiError> {
    let of = state.get::<Subscription>(&ctx.space, id)?;
    let same = of.items.len() == phase.items.len()
        && of
            .items
            .iter()
            .zip(&phase.items)
            .all(|(has, wants)| has.price.id == wants.price && has.quantity == wants.quantity);
    if same || of.status.is_over() {
        return Ok(());
    }
    let had: Vec<String> = of.items.iter().map(|item| item.id.clone()).collect();
    // What a period is over of has nothing left to be given back.
    let over = of.period_end().is_some_and(|end| end <= state.now_s());
    let proration = if over { "none" } else { phase.proration.as_str() };
    let form = format!(
        "proration_behavior={proration}{}",
        subscription_phases::as_items(phase, &had)
    );
    subscriptions::update(state, ctx, Params::parse(form.as_bytes())?, id)?;
    Ok(())
}

/// The subscription is driven by a schedule, or by none.
fn drive(state: &mut State, ctx: &Ctx, id: &str, by: Option<&str>) {
    if let Ok(old) = state.get::<Subscription>(&ctx.space, id) {
        let mut subscription = Subscription::clone(&old);
        subscription.schedule = by.map(str::to_owned);
        subscribing::changed(state, &ctx.cause, &old, subscription);
    }
}

fn tell(state: &mut State, cause: &Cause, kind: &'static str, of: &Arc<SubscriptionSchedule>) {
    event::emit(
        state,
        cause,
        kind,
        Object::SubscriptionSchedule(Arc::clone(of)),
        None,
    );
}

fn changed(
    state: &mut State,
    cause: &Cause,
    old: &SubscriptionSchedule,
    new: SubscriptionSchedule,
) -> Arc<SubscriptionSchedule> {
    let new = state.put(new);
    if let Some(previous) = event::previous(&old.render(), &new.render()) {
        let object = Object::SubscriptionSchedule(Arc::clone(&new));
        event::emit(
            state,
            cause,
            "subscription_schedule.updated",
            object,
            Some(previous),
        );
    }
    wait(state, &new);
    new
}

/// Queues what comes next.
fn wait(state: &mut State, of: &SubscriptionSchedule) {
    let next = match of.status {
        Status::NotStarted => of.phases.first().map(|phase| phase.start),
        Status::Active => {
            let now_s = state.now_s();
            let expiring = of.phases.last().map(|last| last.end.saturating_sub(EXPIRING_S));
            let expiring = expiring.filter(|at_s| *at_s > now_s);
            of.current()
                .map(|phase| phase.end)
                .into_iter()
                .chain(expiring)
                .min()
        }
        Status::Completed | Status::Released | Status::Canceled => None,
    };
    if let Some(at_s) = next {
        let step = Step::SubscriptionSchedule {
            schedule: of.id.clone(),
        };
        schedule::at(state, of.test_clock.as_deref(), at_s, step);
    }
}

/// What is due of a schedule happens: a phase begins, the last one ends or is about to.
pub fn happen(state: &mut State, id: &str) {
    let Some(old) = SubscriptionSchedule::table(state).anywhere(id).cloned() else {
        return;
    };
    let (now_s, ctx) = (state.now_s(), own(&old.space));
    let mut new = SubscriptionSchedule::clone(&old);
    let running = |of: &SubscriptionSchedule| {
        of.phases
            .iter()
            .find(|p| (p.start..p.end).contains(&now_s))
            .cloned()
    };
    match old.status {
        Status::NotStarted => {
            let Some(phase) = running(&old) else { return };
            // A subscription that cannot be made leaves the schedule as it is.
            let Ok(made) = begin(state, &ctx, &old, &phase) else {
                return;
            };
            new.status = Status::Active;
            new.subscription = Some(made);
            new.runs = Some(phase.start);
            changed(state, &ctx.cause, &old, new);
        }
        Status::Active => match running(&old) {
            Some(phase) if old.runs != Some(phase.start) => {
                let of = old.subscription.clone().unwrap_or_default();
                if enter(state, &ctx, &of, &phase).is_err() {
                    tracing::warn!(schedule = %old.id, "a phase does not fit its subscription");
                }
                new.runs = Some(phase.start);
                changed(state, &ctx.cause, &old, new);
            }
            Some(_) => announce(state, &ctx, &old),
            None => complete(state, &ctx, &old),
        },
        Status::Completed | Status::Released | Status::Canceled => {}
    }
}

fn announce(state: &mut State, ctx: &Ctx, old: &SubscriptionSchedule) {
    let Some(end) = old.phases.last().map(|last| last.end) else {
        return;
    };
    if old.expiry_told == end || end.saturating_sub(EXPIRING_S) > state.now_s() {
        return;
    }
    let mut new = SubscriptionSchedule::clone(old);
    new.expiry_told = end;
    let new = state.put(new);
    tell(state, &ctx.cause, "subscription_schedule.expiring", &new);
    wait(state, &new);
}

fn complete(state: &mut State, ctx: &Ctx, old: &SubscriptionSchedule) {
    let mut new = SubscriptionSchedule::clone(old);
    new.status = Status::Completed;
    new.completed_at = Some(state.now_s());
    new.runs = None;
    let subscription = old.subscription.clone().unwrap_or_default();
    drive(state, ctx, &subscription, None);
    if old.end_behavior == "cancel" {
        // One that ended meanwhile is as it should be.
        let _ended = subscriptions::cancel(state, ctx, Params::default(), &subscription);
    }
    let new = state.put(new);
    tell(state, &ctx.cause, "subscription_schedule.completed", &new);
}

/// Its subscription ended since nobody paid: what was still to come does not happen.
pub fn abort(state: &mut State, cause: &Cause, space: &Space, id: &str) {
    let Ok(old) = state.get::<SubscriptionSchedule>(space, id) else {
        return;
    };
    if !old.status.is_open() {
        return;
    }
    let mut new = SubscriptionSchedule::clone(&old);
    new.status = Status::Canceled;
    new.canceled_at = Some(state.now_s());
    new.runs = None;
    let new = state.put(new);
    tell(state, cause, "subscription_schedule.aborted", &new);
}

/// Stripe's own doing in a space.
fn own(space: &Space) -> Ctx {
    Ctx {
        space: space.clone(),
        secret: true,
        cause: Cause::default(),
        types: TypesParam::New,
        base: String::new(),
        version: VERSION.to_owned(),
    }
}

fn open(state: &State, ctx: &Ctx, id: &str, verb: &str) -> Result<Arc<SubscriptionSchedule>, ApiError> {
    let old = state.get::<SubscriptionSchedule>(&ctx.space, id)?;
    if old.status.is_open() {
        return Ok(old);
    }
    Err(ApiError::invalid(format!(
        "You cannot {verb} a subscription schedule that is currently in the `{}` status. You can only {verb} \
         a subscription schedule with a status of `not_started` or `active`.",
        old.status.as_str()
    )))
}

/// `GET /v1/subscription_schedules/{id}`.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(state.get::<SubscriptionSchedule>(&ctx.space, id)?.render())
}

/// `POST /v1/subscription_schedules/{id}`.
pub fn update(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = open(state, ctx, id, "update")?;
    let mut new = SubscriptionSchedule::clone(&old);
    if let Some(word) = params.choice("end_behavior", &["release", "cancel"])? {
        new.end_behavior = word.to_owned();
    }
    let words = ["create_prorations", "always_invoice", "none"];
    let proration = params.choice("proration_behavior", &words)?;
    params.metadata()?.apply(&mut new.metadata)?;
    let start = old
        .phases
        .first()
        .map_or_else(|| state.now_s(), |phase| phase.start);
    let start = old.current().map_or(start, |phase| phase.start);
    if let Some(phases) = subscription_phases::read(state, ctx, &mut params, start)? {
        new.phases = phases;
    }
    params.finish()?;
    let now_s = state.now_s();
    if old.status == Status::Active {
        let current = new
            .phases
            .iter()
            .find(|p| (p.start..p.end).contains(&now_s))
            .cloned();
        let Some(mut phase) = current else {
            let message = "The subscription schedule must end in the future.";
            return Err(ApiError::invalid(message).param("phases"));
        };
        if let Some(word) = proration {
            phase.proration = word.to_owned();
        }
        new.runs = Some(phase.start);
        if new.phases != old.phases {
            enter(state, ctx, &old.subscription.clone().unwrap_or_default(), &phase)?;
        }
    }
    Ok(changed(state, &ctx.cause, &old, new).render())
}

/// `POST /v1/subscription_schedules/{id}/cancel`, with its subscription.
pub fn cancel(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = open(state, ctx, id, "cancel")?;
    let invoice_now = params.boolean("invoice_now")?.unwrap_or(true);
    let prorate = params.boolean("prorate")?.unwrap_or(true);
    params.finish()?;
    if let Some(subscription) = &old.subscription {
        let form = format!("invoice_now={invoice_now}&prorate={prorate}");
        let running = subscriptions::running(state, &ctx.space, subscription).is_ok();
        if running {
            subscriptions::cancel(state, ctx, Params::parse(form.as_bytes())?, subscription)?;
        }
    }
    let mut new = SubscriptionSchedule::clone(&old);
    new.status = Status::Canceled;
    new.canceled_at = Some(state.now_s());
    new.runs = None;
    let new = state.put(new);
    tell(state, &ctx.cause, "subscription_schedule.canceled", &new);
    Ok(new.render())
}

/// `POST /v1/subscription_schedules/{id}/release`: its subscription goes on alone.
pub fn release(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = open(state, ctx, id, "release")?;
    params.boolean("preserve_cancel_date")?;
    params.finish()?;
    let mut new = SubscriptionSchedule::clone(&old);
    new.status = Status::Released;
    new.released_at = Some(state.now_s());
    new.released_subscription = new.subscription.take();
    new.runs = None;
    if let Some(subscription) = &new.released_subscription {
        drive(state, ctx, subscription, None);
    }
    let new = state.put(new);
    tell(state, &ctx.cause, "subscription_schedule.released", &new);
    Ok(new.render())
}

/// `GET /v1/subscription_schedules`, by `customer`, by `scheduled` and by when something happened.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let customer = params.text("customer")?;
    let scheduled = params.boolean("scheduled")?.unwrap_or(false);
    let created = list::Created::read(&mut params)?;
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let wanted = |of: &SubscriptionSchedule| {
        customer.as_ref().is_none_or(|id| of.customer == *id)
            && (!scheduled || of.status == Status::NotStarted)
            && created.holds(of.created)
    };
    let render = SubscriptionSchedule::render;
    list::answer(
        state,
        &ctx.space,
        &page,
        "/v1/subscription_schedules",
        wanted,
        render,
    )
}
