//! How a subscription starts: its trial, from where its periods are counted, what its first invoice holds.

use std::sync::Arc;

use super::invoice_item::InvoiceItem;
use super::item_cost;
use super::line::Line;
use super::period::{self, Period};
use super::price::Price;
use super::price_form;
use super::referred;
use super::subscription::{AnchorConfig, Subscription};
use super::subscription_asked::ItemAsked;
use super::subscription_change::Prorate;
use super::subscription_form::{self, Trial};
use super::subscription_item::SubscriptionItem;
use super::subscription_lines;
use crate::api::Ctx;
use crate::error::ApiError;
use crate::event::Cause;
use crate::form::Params;
use crate::state::State;

/// How many things beside its items the first invoice may hold.
const EXTRA_MAX: usize = 20;

/// How a subscription starts.
#[derive(Debug)]
pub struct First {
    /// What the part before the first whole period costs.
    pub prorate: Prorate,
    /// Whether it ends with its first period.
    pub ends_with_period: bool,
    extra: Vec<Extra>,
}

/// Something that is billed once beside the items.
#[derive(Debug)]
pub struct Extra {
    price: Option<Arc<Price>>,
    inline: Option<Box<Price>>,
    quantity: i64,
}

/// Reads how it starts, and sets it on the subscription.
///
/// # Errors
/// 400 for times that cannot be.
pub fn read(
    state: &State,
    ctx: &Ctx,
    subscription: &mut Subscription,
    asked: &[ItemAsked],
    params: &mut Params,
) -> Result<First, ApiError> {
    let now_s = state.now_s();
    let prices = || asked.iter().filter_map(ItemAsked::price);
    let plan_days = prices().find_map(|price| price.recurring.as_ref()?.trial_days);
    if let Some(Trial::Until(end)) = subscription_form::read_trial(state, params, plan_days)? {
        subscription.trial = Some((now_s, end));
        subscription.anchor = end;
    }
    if let Some(mut mode) = params.map("billing_mode")? {
        subscription.terms.classic = mode.required_choice("type", &["classic", "flexible"])? == "classic";
        if let Some(mut flexible) = mode.map("flexible")? {
            flexible.choice("proration_discounts", &["included", "itemized"])?;
            flexible.finish()?;
        }
        mode.finish()?;
    }
    read_anchor(state, subscription, params)?;
    if let Some(since) = params.integer("backdate_start_date")? {
        if since > now_s || since < 0 {
            let message = "Invalid timestamp: `backdate_start_date` must be in the past.";
            return Err(ApiError::invalid(message).param("backdate_start_date"));
        }
        subscription.start = since;
    }
    let prorate = Prorate::read(params)?;
    let ends_with_period = params.boolean("cancel_at_period_end")?.unwrap_or(false);
    if let Some(at_s) = subscription_form::future(state, params, "cancel_at")? {
        if ends_with_period {
            return Err(subscription_form::exclusive("cancel_at", "cancel_at_period_end"));
        }
        subscription.cancel_at = Some(at_s);
    }
    if ends_with_period || subscription.cancel_at.is_some() {
        subscription.cancel_at_period_end = ends_with_period;
        subscription.canceled_at = Some(now_s);
        subscription.cancellation.reason = Some("cancellation_requested".into());
    }
    Ok(First {
        prorate,
        ends_with_period,
        extra: read_extra(state, ctx, params)?,
    })
}

fn read_anchor(state: &State, subscription: &mut Subscription, params: &mut Params) -> Result<(), ApiError> {
    let at = subscription_form::future(state, params, "billing_cycle_anchor")?;
    let Some(mut parts) = params.map("billing_cycle_anchor_config")? else {
        subscription.anchor = at.unwrap_or(subscription.anchor);
        return Ok(());
    };
    if at.is_some() {
        return Err(subscription_form::exclusive(
            "billing_cycle_anchor",
            "billing_cycle_anchor_config",
        ));
    }
    let mut part = |name: &str, least: i64, most: i64| match parts.integer(name)? {
        Some(value) if !(least..=most).contains(&value) => {
            let message = format!("Invalid {name}: must be between {least} and {most}");
            Err(ApiError::invalid(message).param(parts.name(name)))
        }
        value => Ok(value),
    };
    let day = part("day_of_month", 1, 31)?;
    let config = AnchorConfig {
        day_of_month: day.unwrap_or_default(),
        hour: part("hour", 0, 23)?,
        minute: part("minute", 0, 59)?,
        month: part("month", 1, 12)?,
        second: part("second", 0, 59)?,
    };
    if day.is_none() {
        return Err(ApiError::missing("billing_cycle_anchor_config[day_of_month]"));
    }
    parts.finish()?;
    subscription.anchor = period::dated(subscription.anchor.max(state.now_s()), &config);
    subscription.anchor_config = Some(config);
    Ok(())
}

/// Reads `add_invoice_items`.
///
/// # Errors
/// 400 for a price that falls due again and again.
pub fn read_extra(state: &State, ctx: &Ctx, params: &mut Params) -> Result<Vec<Extra>, ApiError> {
    let entries = params.maps("add_invoice_items")?.unwrap_or_default();
    if entries.len() > EXTRA_MAX {
        let message = format!("Array add_invoice_items exceeded maximum {EXTRA_MAX} allowed elements.");
        return Err(ApiError::invalid(message).param("add_invoice_items"));
    }
    let mut extra = Vec::with_capacity(entries.len());
    for mut entry in entries {
        let mut one = Extra {
            price: None,
            inline: None,
            quantity: entry.integer("quantity")?.unwrap_or(1),
        };
        if let Some(id) = entry.text("price")? {
            let price = referred::<Price>(state, &ctx.space, &id, &entry.name("price"))?;
            if price.recurring.is_some() {
                let message = "The price specified is set to `type=recurring` but this field only accepts \
                               prices with `type=one_time`.";
                return Err(ApiError::invalid(message).param(entry.name("price")));
            }
            one.price = Some(price);
        } else if let Some(data) = entry.map("price_data")? {
            one.inline = Some(Box::new(price_form::read_inline(state, &ctx.space, data, false)?));
        } else {
            return Err(ApiError::missing(&entry.name("price")));
        }
        if !(0..=999_999_999).contains(&one.quantity) {
            return Err(ApiError::invalid("Invalid non-negative integer")
                .code("parameter_invalid_integer")
                .param(entry.name("quantity")));
        }
        entry.finish()?;
        extra.push(one);
    }
    Ok(extra)
}

impl First {
    /// Gives the items their first periods.
    pub fn place(&self, subscription: &mut Subscription) {
        place(subscription);
    }

    /// What the first invoice holds; the items need no periods yet.
    pub fn lines(&self, state: &State, subscription: &Subscription) -> Vec<Line> {
        let mut placed = subscription.clone();
        place(&mut placed);
        let mut first = Vec::new();
        if placed.start < placed.created && self.prorate != Prorate::None {
            let items = placed.items.iter();
            first.extend(items.filter_map(|item| backdated(state, &placed, item)));
        }
        if placed.trial.is_some() {
            let items = placed.items.iter();
            first.extend(items.map(|item| subscription_lines::trial(state, &placed, item)));
        } else {
            first.extend(lines(state, &placed, self.prorate != Prorate::None));
        }
        first
    }

    /// What the first invoice holds beside that, before any of it is made.
    pub fn items(&self, state: &State, subscription: &Subscription) -> Vec<InvoiceItem> {
        items(state, subscription, &self.extra)
    }

    /// Lets what is billed once wait for the first invoice.
    pub fn add_items(self, state: &mut State, cause: &Cause, subscription: &Subscription) {
        add(state, cause, subscription, self.extra);
    }
}

/// Gives each item its first period: the trial, or what remains until a period begins.
fn place(subscription: &mut Subscription) {
    let (start, anchor, trial) = (subscription.created, subscription.anchor, subscription.trial);
    for item in &mut subscription.items {
        let Some(recurring) = item.recurring() else {
            continue;
        };
        let whole = period::around(anchor, recurring, start);
        let mut placed = SubscriptionItem::clone(item);
        placed.period = (start, trial.map_or(whole.1, |trial: Period| trial.1));
        *item = Arc::new(placed);
    }
}

/// The line of an item for the time before it was asked for, by whole periods and a part of one.
fn backdated(state: &State, subscription: &Subscription, item: &SubscriptionItem) -> Option<Line> {
    let recurring = item.recurring()?;
    let (since, now_s) = (subscription.start, subscription.created);
    let whole = item.amount(&subscription.currency);
    let mut period = period::around(now_s, recurring, since);
    let mut amount = period::rest(whole, period, since);
    while period.1 < now_s {
        period = period::around(now_s, recurring, period.1);
        amount = amount.saturating_add(whole);
    }
    let mut past = item.clone();
    past.period = (since, now_s);
    let mut line = subscription_lines::partial(state, subscription, &past, past.period);
    line.amount = amount;
    Some(line)
}

/// A line for each item's period, or for the part of a whole one that it is, unless parts cost nothing.
pub fn lines(state: &State, subscription: &Subscription, parts: bool) -> Vec<Line> {
    let mut lines = Vec::with_capacity(subscription.items.len());
    for item in &subscription.items {
        let Some(recurring) = item.recurring() else {
            continue;
        };
        let whole = period::around(subscription.anchor, recurring, item.period.0);
        if whole.0 == item.period.0 {
            lines.push(subscription_lines::regular(state, subscription, item));
        } else if parts {
            lines.push(subscription_lines::partial(state, subscription, item, whole));
        }
    }
    lines
}

/// Things that are billed once as they would wait for the subscription's next invoice.
pub fn items(state: &State, subscription: &Subscription, extra: &[Extra]) -> Vec<InvoiceItem> {
    let item = |one: &Extra| {
        let inline = one.inline.as_ref().map(|inline| Arc::new(Price::clone(inline)));
        let price = one.price.clone().or(inline)?;
        Some(waiting(state, subscription, price, one.quantity))
    };
    extra.iter().filter_map(item).collect()
}

fn waiting(state: &State, subscription: &Subscription, price: Arc<Price>, quantity: i64) -> InvoiceItem {
    let now_s = state.now_s();
    InvoiceItem {
        space: subscription.space.clone(),
        created: now_s,
        customer: subscription.customer.clone(),
        amount: price.amount(quantity, &subscription.currency),
        currency: subscription.currency.clone(),
        description: Some(subscription_lines::name(state, &price)),
        price: Some(price),
        quantity,
        discountable: true,
        period: (now_s, now_s),
        subscription: Some(subscription.id.clone()),
        test_clock: subscription.test_clock.clone(),
        ..InvoiceItem::default()
    }
}

/// Lets things that are billed once wait for the subscription's next invoice.
pub fn add(state: &mut State, cause: &Cause, subscription: &Subscription, extra: Vec<Extra>) {
    let mut items = Vec::with_capacity(extra.len());
    for one in extra {
        let price = match (one.price, one.inline) {
            (Some(price), _) => price,
            (None, Some(inline)) => item_cost::inline(state, *inline),
            (None, None) => continue,
        };
        items.push(waiting(state, subscription, price, one.quantity));
    }
    subscription_lines::wait(state, cause, items);
}
