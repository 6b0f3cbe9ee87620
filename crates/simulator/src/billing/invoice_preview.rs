//! Previews of invoices: what a customer will be billed, or would be after a change. Nothing is made by them,
//! kept or told.

use std::sync::Arc;

use serde_json::Value;

use super::discount::{Asked, Discount};
use super::invoice::{Collection, Invoice};
use super::invoice_item::{self, InvoiceItem};
use super::invoices;
use super::item_cost::{self, Cost};
use super::line::Line;
use super::subscribing;
use super::subscription::{Status, Subscription};
use super::subscription_asked;
use super::subscription_change::{self, How, Prorate};
use super::subscription_first;
use super::subscription_form;
use super::subscription_item::SubscriptionItem;
use super::subscription_lines;
use super::subscriptions;
use super::{invoice_items, living, tax_rate};
use crate::api::Ctx;
use crate::currency;
use crate::customer::{self, Customer};
use crate::error::ApiError;
use crate::form::Params;
use crate::state::State;

const ITEMS_MAX: usize = 250;
/// How long the draft of a new period can be changed.
const DRAFT_S: i64 = 3_600;
const REASON: &str = "upcoming";

/// What is billed next.
struct Upcoming {
    /// Whose lines are those of whole periods only.
    invoice: Invoice,
    /// What will wait for it, beside what waits already.
    items: Vec<InvoiceItem>,
    /// Whether it is what each period costs, and nothing else.
    recurring: bool,
}

/// `POST /v1/invoices/create_preview`: of a subscription as it is or would be, a new one, or what waits.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let given = params.text("subscription")?;
    let named = given
        .map(|id| state.get_for::<Subscription>(&ctx.space, &id, "subscription"))
        .transpose()
        .map_err(|error| error.status(400))?;
    let customer = read_customer(state, ctx, named.as_deref(), &mut params)?;
    let currency = params.text("currency")?;
    let currency = currency.map(|text| currency::parse(&text)).transpose()?;
    let recurring = params.choice("preview_mode", &["next", "recurring"])? == Some("recurring");
    let details = params.map("subscription_details")?;
    let renews = |state: &State| {
        details
            .is_none()
            .then(|| next_to_renew(state, &customer))
            .flatten()
    };
    let mut upcoming = match (named.or_else(|| renews(state)), details) {
        (Some(old), details) => changed(state, ctx, &old, details, recurring)?,
        (None, Some(details)) => fresh(state, ctx, &customer, (details, currency), recurring)?,
        (None, None) => Upcoming {
            invoice: invoices::blank(state, &customer, currency.as_deref())?,
            items: Vec::new(),
            recurring,
        },
    };
    upcoming.invoice.billing_reason = REASON.to_owned();
    if let Some(mut tax) = params.map("automatic_tax")? {
        upcoming.invoice.automatic_tax = tax.boolean("enabled")?.unwrap_or(false);
        tax.finish()?;
    }
    let waiting = read_items(state, ctx, &upcoming, &mut params)?;
    if let Some(asked) = Asked::read(state, &ctx.space, Some(&customer.id), &mut params)? {
        upcoming.invoice.discounts = pretended(state, asked);
    }
    params.finish()?;
    Ok(shown(state, upcoming, waiting)?.render())
}

fn read_customer(
    state: &State,
    ctx: &Ctx,
    subscription: Option<&Subscription>,
    params: &mut Params,
) -> Result<Arc<Customer>, ApiError> {
    let id = match (params.text("customer")?, subscription) {
        (Some(id), Some(subscription)) if id != subscription.customer => {
            let message = "The subscription does not belong to the customer.";
            return Err(ApiError::invalid(message).param("customer"));
        }
        (Some(id), _) => id,
        (None, Some(subscription)) => subscription.customer.clone(),
        (None, None) => return Err(ApiError::missing("customer")),
    };
    customer::living(state, &ctx.space, &id, "customer").map_err(|error| error.status(400))
}

/// The customer's subscription that is billed first.
fn next_to_renew(state: &State, customer: &Customer) -> Option<Arc<Subscription>> {
    let runs = |one: &&Arc<Subscription>| {
        one.customer == customer.id
            && matches!(one.status, Status::Active | Status::Trialing | Status::PastDue)
    };
    let all = state.of::<Subscription>(&customer.space).filter(runs);
    all.min_by_key(|one| one.period_end()).cloned()
}

/// The next invoice of a subscription, as it would be after a change.
fn changed(
    state: &mut State,
    ctx: &Ctx,
    old: &Arc<Subscription>,
    details: Option<Params>,
    recurring: bool,
) -> Result<Upcoming, ApiError> {
    let mut preview = Subscription::clone(old);
    let (mut how, mut cancel_now) = (How::default(), false);
    if let Some(mut details) = details {
        let asked = subscription_asked::read_items(state, ctx, old, &mut details)?.unwrap_or_default();
        subscription_asked::check(old, &asked)?;
        cancel_now = details.boolean("cancel_now")?.unwrap_or(false);
        let trial = subscription_form::read_trial(state, &mut details, None)?;
        subscription_form::read_end(state, &mut preview, &mut details)?;
        read_tax_rates(state, ctx, &mut preview, &mut details)?;
        how = How::read(state, old, &mut details)?;
        how.trial = trial;
        details.finish()?;
        subscription_asked::pretend(&mut preview, &asked);
        name(state, &mut preview);
    }
    if old.status.is_over() {
        return Err(none(&old.customer));
    }
    let now_s = state.now_s();
    if cancel_now {
        let left = old.items.iter().filter(|_| how.prorate != Prorate::None);
        let credit = |item: &Arc<SubscriptionItem>| subscription_lines::credit(state, old, item, now_s);
        let items = left.map(credit).filter(|credit| credit.amount != 0).collect();
        let invoice = drawn(state, &preview, Vec::new())?;
        return Ok(Upcoming {
            invoice,
            items,
            recurring: false,
        });
    }
    let (new, items, now) = subscription_change::planned(state, old, preview, &how);
    if recurring {
        let lines = subscribing::regular_lines(state, &new);
        return Ok(Upcoming {
            invoice: drawn(state, &new, lines)?,
            items: Vec::new(),
            recurring,
        });
    }
    let invoice = match now {
        Some(lines) => drawn(state, &new, lines)?,
        None => renewal(state, &new)?,
    };
    Ok(Upcoming {
        invoice,
        items,
        recurring,
    })
}

/// The invoice of the period that comes next, as of when it will be drawn up.
fn renewal(state: &State, subscription: &Subscription) -> Result<Invoice, ApiError> {
    let at_s = subscription.period_end().unwrap_or_else(|| state.now_s());
    let ends = subscription.cancel_at.filter(|end| *end <= at_s);
    let (_, lines) = subscribing::renewed(state, subscription, at_s);
    let lines = if ends.is_some() { Vec::new() } else { lines };
    let mut invoice = drawn(state, subscription, lines)?;
    let at_s = ends.unwrap_or(at_s);
    invoice.created = at_s;
    invoice.period = subscription
        .items
        .first()
        .map_or((at_s, at_s), |item| item.period);
    invoice.discounts.retain(|discount| discount.runs(at_s));
    invoice.finalizes_at = Some(at_s.saturating_add(DRAFT_S));
    if invoice.collection == Collection::ChargeAutomatically {
        invoice.next_attempt = invoice.finalizes_at;
    }
    Ok(invoice)
}

/// The first invoice of a subscription that is only described.
fn fresh(
    state: &mut State,
    ctx: &Ctx,
    customer: &Customer,
    (mut details, currency): (Params, Option<String>),
    recurring: bool,
) -> Result<Upcoming, ApiError> {
    let mut subscription = subscriptions::blank(state, customer);
    let asked = subscription_asked::read_items(state, ctx, &subscription, &mut details)?
        .ok_or_else(|| ApiError::missing("subscription_details[items]"))?;
    subscription.currency = subscriptions::currency_of(customer, &asked, currency);
    subscription_asked::check(&subscription, &asked)?;
    let first = subscription_first::read(state, ctx, &mut subscription, &asked, &mut details)?;
    read_tax_rates(state, ctx, &mut subscription, &mut details)?;
    details.finish()?;
    subscription_asked::pretend(&mut subscription, &asked);
    name(state, &mut subscription);
    first.place(&mut subscription);
    let items = first.items(state, &subscription);
    for item in &items {
        item_cost::check(item.amount, &item.currency)?;
    }
    let lines = if recurring {
        subscribing::regular_lines(state, &subscription)
    } else {
        first.lines(state, &subscription)
    };
    Ok(Upcoming {
        invoice: drawn(state, &subscription, lines)?,
        items,
        recurring,
    })
}

fn read_tax_rates(
    state: &State,
    ctx: &Ctx,
    subscription: &mut Subscription,
    details: &mut Params,
) -> Result<(), ApiError> {
    let param = details.name("default_tax_rates");
    if let Some(ids) = details.texts("default_tax_rates")? {
        subscription.terms.tax_rates = tax_rate::named(state, &ctx.space, &ids, &param)?;
    }
    Ok(())
}

fn drawn(state: &State, subscription: &Subscription, lines: Vec<Line>) -> Result<Invoice, ApiError> {
    subscription_lines::invoice(state, subscription, REASON, lines)
        .ok_or_else(|| ApiError::no_such("customer", &subscription.customer, "customer").status(400))
}

/// Gives items and prices that are only described ids to be shown with.
fn name(state: &mut State, subscription: &mut Subscription) {
    for item in &mut subscription.items {
        if !item.id.is_empty() && !item.price.id.is_empty() {
            continue;
        }
        let mut named = SubscriptionItem::clone(item);
        if named.id.is_empty() {
            named.id = state.id("si_", 14);
        }
        if named.price.id.is_empty() {
            named.price = item_cost::named(state, named.price.as_ref().clone());
        }
        *item = Arc::new(named);
    }
}

/// What waits for the invoice, with `invoice_items` changed or added.
fn read_items(
    state: &mut State,
    ctx: &Ctx,
    upcoming: &Upcoming,
    params: &mut Params,
) -> Result<Vec<InvoiceItem>, ApiError> {
    let invoice = &upcoming.invoice;
    let mut waiting: Vec<InvoiceItem> = upcoming.items.iter().rev().cloned().collect();
    if !upcoming.recurring {
        let there = invoice_item::pending(state, invoice);
        waiting.extend(there.iter().map(|item| InvoiceItem::clone(item)));
    }
    let entries = params.maps("invoice_items")?.unwrap_or_default();
    if entries.len() > ITEMS_MAX {
        let message = format!("Array invoice_items exceeded maximum {ITEMS_MAX} allowed elements.");
        return Err(ApiError::invalid(message).param("invoice_items"));
    }
    for mut entry in entries {
        let id = entry.text("invoiceitem")?;
        let mut item = match &id {
            Some(id) => {
                let found = living::<InvoiceItem>(state, &ctx.space, id, &entry.name("invoiceitem"));
                InvoiceItem::clone(&*found.map_err(|error| error.status(400))?)
            }
            None => invoice_items::blank(state, &ctx.space, &invoice.customer),
        };
        if let Some(text) = entry.text("currency")? {
            item.currency = currency::parse(&text)?;
        } else if id.is_none() {
            item.currency.clone_from(&invoice.currency);
        }
        let cost = Cost::read_named(state, &ctx.space, &mut entry)?;
        if id.is_none() && !cost.is_given() {
            return Err(ApiError::missing(&entry.name("amount")));
        }
        let fits = cost
            .currency()
            .is_none_or(|currency| currency == invoice.currency);
        if item.customer != invoice.customer || item.currency != invoice.currency || !fits {
            let message = "The invoice item does not fit the invoice: it is another customer's, or in \
                           another currency.";
            return Err(ApiError::invalid(message).param(entry.name("currency")));
        }
        let asked = invoice_items::change(state, &mut item, &mut entry)?;
        entry.finish()?;
        cost.check_on(&item)?;
        cost.pretend(state, &mut item);
        if let Some(asked) = asked {
            item.discounts = pretended(state, asked);
        }
        if item.id.is_empty() {
            item.id = state.id("ii_1", 23);
        }
        match waiting.iter_mut().find(|one| one.id == item.id) {
            Some(place) => *place = item,
            None => waiting.push(item),
        }
    }
    Ok(waiting)
}

/// Discounts as they would be, with ids to be shown with.
fn pretended(state: &mut State, asked: Vec<Asked>) -> Vec<Arc<Discount>> {
    let pretend = |one: Asked| match one {
        Asked::There(discount) => discount,
        Asked::Coupon(coupon, promotion_code) => Arc::new(Discount {
            id: state.id("di_1", 23),
            start: state.now_s(),
            coupon,
            promotion_code,
            ..Discount::default()
        }),
    };
    asked.into_iter().map(pretend).collect()
}

/// The whole invoice, with what it comes to.
fn shown(state: &mut State, upcoming: Upcoming, waiting: Vec<InvoiceItem>) -> Result<Invoice, ApiError> {
    let mut invoice = upcoming.invoice;
    let own = std::mem::take(&mut invoice.lines);
    let waiting = waiting.iter().map(|item| item.line(String::new()));
    let mut lines: Vec<Line> = waiting.chain(own.iter().cloned()).collect();
    if lines.is_empty() {
        return Err(none(&invoice.customer));
    }
    for line in &mut lines {
        line.id = state.id("il_tmp_1", 23);
    }
    invoice.id = state.id("upcoming_in_1", 23);
    invoice.lines = Arc::new(lines);
    invoice.add_up();
    let rest = invoice.totals.total.saturating_sub(invoice.amount_due);
    invoice.ending_balance = Some(invoice.starting_balance.saturating_add(rest));
    Ok(invoice)
}

fn none(customer: &str) -> ApiError {
    ApiError::invalid(format!("No upcoming invoices for customer: {customer}"))
        .code("invoice_upcoming_none")
        .status(404)
}
