//! What requests do to subscriptions: create, read, change, cancel, resume, list.

use std::sync::Arc;

use serde_json::Value;

use super::discount::{Asked, Discount, On};
use super::invoice::Collection;
use super::invoice_item::InvoiceItem;
use super::refusal;
use super::subscribing::{self, Paying};
use super::subscription::{Status, Subscription, Terms};
use super::subscription_asked::{self, ItemAsked};
use super::subscription_change::{self, How, Prorate};
use super::subscription_first;
use super::subscription_form;
use super::subscription_lines;
use super::subscription_pay::{self, IfFailing};
use crate::api::Ctx;
use crate::customer::{self, Customer};
use crate::error::ApiError;
use crate::event::Cause;
use crate::form::Params;
use crate::list;
use crate::payments::setup_intents;
use crate::state::{Space, State};

/// What may still be said of a subscription that is over.
const OF_THE_DEAD: [&str; 2] = ["cancellation_details", "metadata"];

/// `POST /v1/subscriptions`.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let id = params.required("customer")?;
    let customer = customer::living(state, &ctx.space, &id, "customer").map_err(|error| error.status(400))?;
    let mut subscription = blank(state, &customer);
    let asked = match subscription_asked::read_items(state, ctx, &subscription, &mut params)? {
        Some(asked) => asked,
        None => legacy(state, ctx, &subscription, &mut params)?
            .map(|asked| vec![asked])
            .ok_or_else(|| ApiError::missing("items"))?,
    };
    let given = params
        .text("currency")?
        .map(|text| crate::currency::parse(&text))
        .transpose()?;
    subscription.currency = currency_of(&customer, &asked, given);
    subscription_asked::check(&subscription, &asked)?;
    let discounts = subscription_form::change(state, ctx, &mut subscription, &mut params)?;
    let first = subscription_first::read(state, ctx, &mut subscription, &asked, &mut params)?;
    let behavior = subscription_pay::read(&mut params, true)?;
    params.finish()?;
    let preview = preview(&subscription, &asked, discounts.as_deref());
    let items = first.items(state, &preview);
    let coming = (first.lines(state, &preview), items.as_slice());
    subscription_pay::check(state, &preview, coming, behavior, "subscription_create")?;
    subscription.id = state.id("sub_1", 23);
    redeem(state, &mut subscription, discounts);
    subscription_asked::apply(state, &mut subscription, asked);
    first.place(&mut subscription);
    if first.ends_with_period {
        subscription.cancel_at = subscription.period_end();
    }
    let lines = first.lines(state, &subscription);
    let free = lines.iter().all(|line| line.amount == 0);
    if free
        && behavior.if_failing == IfFailing::Wait
        && subscribing::method_of(state, &subscription).is_none()
    {
        let intent = setup_intents::for_subscription(state, ctx, &customer.id);
        subscription.pending_setup_intent = Some(intent.id.clone());
    }
    first.add_items(state, &ctx.cause, &subscription);
    let paying = behavior.paying();
    let made = subscribing::begin(state, &ctx.cause, subscription, lines, paying);
    super::subscription_wakes::notice_if_due(state, &ctx.cause, &made);
    let made = state.get::<Subscription>(&ctx.space, &made.id)?;
    Ok(made.render())
}

/// One that was not made yet.
pub fn blank(state: &State, customer: &Customer) -> Subscription {
    let now_s = state.now_s();
    let connected = customer.space.account.is_some();
    Subscription {
        space: customer.space.clone(),
        created: now_s,
        customer: customer.id.clone(),
        anchor: now_s,
        start: now_s,
        test_clock: customer.test_clock.clone(),
        terms: Box::new(Terms {
            application: connected.then(|| state.settings.application.clone()),
            ..Terms::default()
        }),
        ..Subscription::default()
    }
}

/// The currency that was given, else the customer's where the price has it, else the price's.
pub fn currency_of(customer: &Customer, asked: &[ItemAsked], given: Option<String>) -> String {
    let price = asked.iter().find_map(ItemAsked::price);
    let own = customer.currency.clone();
    given
        .or_else(|| own.filter(|own| price.is_some_and(|price| price.costs_in(own).is_some())))
        .or_else(|| price.map(|price| price.currency.clone()))
        .unwrap_or_default()
}

/// The older `plan` and `quantity` beside the other parameters.
fn legacy(
    state: &State,
    ctx: &Ctx,
    subscription: &Subscription,
    params: &mut Params,
) -> Result<Option<ItemAsked>, ApiError> {
    let (plan, quantity) = (params.text("plan")?, params.text("quantity")?);
    if plan.is_none() && quantity.is_none() {
        return Ok(None);
    }
    let pairs = [("plan", plan), ("quantity", quantity)];
    let text: Vec<String> = pairs
        .iter()
        .filter_map(|(name, value)| value.as_ref().map(|value| format!("{name}={}", hex_form(value))))
        .collect();
    let mut item = Params::parse(text.join("&").as_bytes())?;
    let mut asked = ItemAsked::read(state, ctx, &subscription.customer, &mut item)?;
    asked.id = subscription.items.first().map(|item| item.id.clone());
    if asked.id.is_none() && asked.price().is_none() {
        return Err(ApiError::missing("items"));
    }
    Ok(Some(asked))
}

/// A text with every byte escaped, as forms may have it.
fn hex_form(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The subscription as the request asks for it, to be reckoned with before anything is made.
pub fn preview(
    subscription: &Subscription,
    asked: &[ItemAsked],
    discounts: Option<&[Asked]>,
) -> Subscription {
    let mut preview = subscription.clone();
    subscription_asked::pretend(&mut preview, asked);
    if let Some(discounts) = discounts {
        let pretend = |asked: &Asked| match asked {
            Asked::Coupon(coupon, _) => Arc::new(Discount {
                coupon: Arc::clone(coupon),
                ..Discount::default()
            }),
            Asked::There(discount) => Arc::clone(discount),
        };
        preview.discounts = discounts.iter().map(pretend).collect();
    }
    preview
}

fn redeem(state: &mut State, subscription: &mut Subscription, asked: Option<Vec<Asked>>) {
    let Some(asked) = asked else { return };
    let on = On {
        customer: Some(subscription.customer.clone()),
        subscription: Some(subscription.id.clone()),
        ..On::default()
    };
    let space = subscription.space.clone();
    subscription.discounts = asked
        .into_iter()
        .map(|one| one.made(state, &space, on.clone()))
        .collect();
}

/// `GET /v1/subscriptions/{id}`.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(state.get::<Subscription>(&ctx.space, id)?.render())
}

/// One that is not over, by the id in the path.
///
/// # Errors
/// 404 `resource_missing`.
pub fn running(state: &State, space: &Space, id: &str) -> Result<Arc<Subscription>, ApiError> {
    let subscription = state.get::<Subscription>(space, id)?;
    if subscription.status.is_over() {
        return Err(ApiError::no_such("subscription", id, "id"));
    }
    Ok(subscription)
}

/// `POST /v1/subscriptions/{id}`.
pub fn update(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = state.get::<Subscription>(&ctx.space, id)?;
    if old.status.is_over()
        && params
            .names()
            .iter()
            .any(|name| !OF_THE_DEAD.contains(&name.as_str()))
    {
        let message = "A canceled subscription can only update its cancellation_details and metadata.";
        return Err(ApiError::invalid(message));
    }
    check_driven(&old, &params)?;
    let mut subscription = Subscription::clone(&old);
    let asked = match subscription_asked::read_items(state, ctx, &old, &mut params)? {
        Some(asked) => asked,
        None => legacy(state, ctx, &old, &mut params)?.into_iter().collect(),
    };
    subscription_asked::check(&subscription, &asked)?;
    let discounts = subscription_form::change(state, ctx, &mut subscription, &mut params)?;
    let trial = subscription_form::read_trial(state, &mut params, None)?;
    subscription_form::read_end(state, &mut subscription, &mut params)?;
    let mut how = How::read(state, &old, &mut params)?;
    how.trial = trial;
    let behavior = subscription_pay::read(&mut params, false)?;
    how.paying = behavior.paying();
    let extra = subscription_first::read_extra(state, ctx, &mut params)?;
    params.finish()?;
    let preview = preview(&subscription, &asked, discounts.as_deref());
    let items = subscription_first::items(state, &preview, &extra);
    subscription_change::check(state, &old, preview, (&how, items), behavior)?;
    redeem(state, &mut subscription, discounts);
    subscription_asked::apply(state, &mut subscription, asked);
    subscription_first::add(state, &ctx.cause, &subscription, extra);
    let changed = subscription_change::carry_out(state, &ctx.cause, &old, subscription, how);
    Ok(changed.render())
}

/// When a subscription ends is its schedule's to say.
fn check_driven(subscription: &Subscription, params: &Params) -> Result<(), ApiError> {
    let ends = ["cancel_at", "cancel_at_period_end"];
    match &subscription.schedule {
        Some(schedule) if ends.iter().any(|name| params.has(name)) => Err(ApiError::invalid(format!(
            "The subscription is managed by the subscription schedule `{schedule}`, and updating any \
             cancelation behavior directly is not allowed. Please update the schedule instead."
        ))),
        _ => Ok(()),
    }
}

/// `DELETE /v1/subscriptions/{id}`.
pub fn cancel(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = running(state, &ctx.space, id)?;
    let invoice_now = params.boolean("invoice_now")?.unwrap_or(false);
    let prorate = params.boolean("prorate")?.unwrap_or(false);
    let at_end = params.boolean("at_period_end")?.unwrap_or(false);
    let mut subscription = Subscription::clone(&old);
    if let Some(details) = params.map("cancellation_details")? {
        subscription_form::read_cancellation(&mut subscription, details)?;
    }
    params.finish()?;
    if at_end {
        subscription_form::end_with_period(state, &mut subscription);
        return Ok(subscribing::changed(state, &ctx.cause, &old, subscription).render());
    }
    if old.cancel_at_period_end {
        subscription.cancel_at_period_end = false;
        subscription.cancel_at = None;
    }
    subscription.cancellation.reason = Some("cancellation_requested".into());
    settle_up(state, &ctx.cause, &old, &mut subscription, (prorate, invoice_now))?;
    let ended = subscribing::end(
        state,
        &ctx.cause,
        &old,
        subscription,
        Some("cancellation_requested"),
    );
    Ok(ended.render())
}

/// What is left of the periods is given back, and what waits is billed, where that was asked for.
fn settle_up(
    state: &mut State,
    cause: &Cause,
    old: &Subscription,
    subscription: &mut Subscription,
    (prorate, invoice_now): (bool, bool),
) -> Result<(), ApiError> {
    let paid_for = matches!(old.status, Status::Active | Status::PastDue);
    let now_s = state.now_s();
    let credits: Vec<InvoiceItem> = old
        .items
        .iter()
        .filter(|_| prorate && paid_for)
        .map(|item| subscription_lines::credit(state, old, item, now_s))
        .filter(|credit| credit.amount != 0)
        .collect();
    if invoice_now {
        let coming = (Vec::new(), credits.as_slice());
        subscription_pay::check_amount(state, old, coming, "subscription_update")?;
    }
    subscription_lines::wait(state, cause, credits);
    if invoice_now && subscription_change::has_waiting(state, old) {
        let paying = Paying::default();
        subscribing::bill(
            state,
            cause,
            subscription,
            ("subscription_update", Vec::new()),
            paying,
        );
        subscription.making = false;
    }
    Ok(())
}

/// `POST /v1/subscriptions/{id}/resume`.
pub fn resume(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = running(state, &ctx.space, id)?;
    let anchor = params.choice("billing_cycle_anchor", &["now", "unchanged"])?;
    let prorate = params.choice("proration_behavior", &Prorate::WORDS)?;
    params.integer("proration_date")?;
    params.finish()?;
    if old.status != Status::Paused {
        let message = format!(
            "Only subscriptions with a status of `paused` can be resumed. The subscription `{id}` has a \
             status of `{}`.",
            old.status.as_str()
        );
        return Err(ApiError::invalid(message));
    }
    if old.terms.collection == Collection::ChargeAutomatically
        && subscribing::method_of(state, &old).is_none()
        && prorate != Some("none")
    {
        return Err(refusal::no_method());
    }
    let (new, lines) = subscription_change::resumed(state, &old, anchor == Some("unchanged"));
    subscription_pay::check_amount(state, &new, (lines.clone(), &[]), "subscription_update")?;
    let resumed = subscription_change::resume(state, &ctx.cause, &old, (new, lines));
    Ok(resumed.render())
}

/// `DELETE /v1/subscriptions/{id}/discount`.
pub fn delete_discount(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    let old = running(state, &ctx.space, id)?;
    let Some(had) = old.discounts.first() else {
        let message = format!("No active discount for subscription: {id}");
        return Err(ApiError::invalid(message).code("resource_missing").status(404));
    };
    let mut subscription = Subscription::clone(&old);
    subscription.discounts.remove(0);
    let gone = state.put(Discount {
        deleted: true,
        ..Discount::clone(had)
    });
    subscribing::changed(state, &ctx.cause, &old, subscription);
    Ok(gone.render())
}

/// `GET /v1/subscriptions`, by `customer`, `price`, `plan`, `status`, `collection_method`, `test_clock` and
/// times; those that are canceled only when `status` says so.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let customer = params.text("customer")?;
    if let Some(id) = &customer {
        state
            .get_for::<Customer>(&ctx.space, id, "customer")
            .map_err(|error| error.status(400))?;
    }
    let price = params.text("price")?.or(params.text("plan")?);
    let collection = params.choice("collection_method", &["charge_automatically", "send_invoice"])?;
    let mut words = Status::WORDS.to_vec();
    words.extend(["all", "ended"]);
    let status = params.choice("status", &words)?;
    let clock = params.text("test_clock")?;
    let created = list::Created::read(&mut params)?;
    let start = list::Created::read_as(&mut params, "current_period_start")?;
    let end = list::Created::read_as(&mut params, "current_period_end")?;
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let wanted = |one: &Subscription| {
        let period = one.items.first().map_or((0, 0), |item| item.period);
        let by_status = match status {
            None => !one.status.is_over(),
            Some("all") => true,
            Some("ended") => one.status.is_over(),
            Some(word) => one.status.as_str() == word,
        };
        let sent = one.terms.collection == Collection::SendInvoice;
        by_status
            && customer.as_ref().is_none_or(|id| *id == one.customer)
            && price
                .as_ref()
                .is_none_or(|id| one.items.iter().any(|item| item.price.id == *id))
            && collection.is_none_or(|word| sent == (word == "send_invoice"))
            && (clock.is_none() || one.test_clock == clock)
            && created.holds(one.created)
            && start.holds(period.0)
            && end.holds(period.1)
    };
    list::answer(
        state,
        &ctx.space,
        &page,
        "/v1/subscriptions",
        wanted,
        Subscription::render,
    )
}
