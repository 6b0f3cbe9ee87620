//! Reading what a subscription is to be like: shared by create and update.

use super::coupon;
use super::decimal::Decimal;
use super::discount::Asked;
use super::invoice::Collection;
use super::invoice_form;
use super::price::Interval;
use super::promotion_code;
use super::subscription::{Pause, Subscription, Terms, WithoutMethod};
use super::tax_rate;
use crate::accounts;
use crate::api::Ctx;
use crate::error::ApiError;
use crate::form::{Params, Update};
use crate::state::State;

const DAY_S: i64 = 86_400;
/// No trial is longer, in days.
const TRIAL_DAYS_MAX: i64 = 730;
/// No moment lies further ahead, in seconds.
const AHEAD_MAX_S: i64 = 5 * 366 * DAY_S;
const FEEDBACK: [&str; 8] = [
    "customer_service",
    "low_quality",
    "missing_features",
    "other",
    "switched_service",
    "too_complex",
    "too_expensive",
    "unused",
];

/// Reads a map that an empty text takes away.
///
/// # Errors
/// 400 for another text.
pub fn map_update(params: &mut Params, name: &str) -> Result<Update<Params>, ApiError> {
    if let Ok(Update::Clear) = params.clone().update(name) {
        params.update(name)?;
        return Ok(Update::Clear);
    }
    Ok(match params.map(name)? {
        Some(map) => Update::Set(map),
        None => Update::Keep,
    })
}

/// 400: two parameters that exclude each other.
pub fn exclusive(one: &str, other: &str) -> ApiError {
    let message = format!("You may only specify one of these parameters: {one}, {other}.");
    ApiError::invalid(message).code("parameters_exclusive")
}

/// Reads what create and update share but for items and times; gives the discounts asked for.
///
/// # Errors
/// 400 for what makes no sense.
pub fn change(
    state: &State,
    ctx: &Ctx,
    subscription: &mut Subscription,
    params: &mut Params,
) -> Result<Option<Vec<Asked>>, ApiError> {
    read_collection(&mut subscription.terms, params)?;
    read_money(state, ctx, &mut subscription.terms, params)?;
    match params.update("default_payment_method")? {
        Update::Set(id) => {
            let customer = &subscription.customer;
            let method = invoice_form::owned(state, &ctx.space, customer, &id, "default_payment_method")?;
            subscription.terms.payment_method = Some(method.id.clone());
        }
        Update::Clear => subscription.terms.payment_method = None,
        Update::Keep => {}
    }
    params
        .update("description")?
        .apply(&mut subscription.terms.description);
    read_settings(&mut subscription.terms, params)?;
    read_trial_settings(subscription, params)?;
    read_pause(state, subscription, params)?;
    if let Some(details) = params.map("cancellation_details")? {
        read_cancellation(subscription, details)?;
    }
    params.metadata()?.apply(&mut subscription.metadata)?;
    read_discounts(state, ctx, subscription, params)
}

/// Reads what the customer said of ending it.
///
/// # Errors
/// 400 for a word that is none of Stripe's.
pub fn read_cancellation(subscription: &mut Subscription, mut details: Params) -> Result<(), ApiError> {
    let cancellation = &mut subscription.cancellation;
    details.update("comment")?.apply(&mut cancellation.comment);
    if details.has("feedback") {
        cancellation.feedback = details.choice("feedback", &FEEDBACK)?.map(str::to_owned);
    }
    details.finish()
}

fn read_collection(terms: &mut Terms, params: &mut Params) -> Result<(), ApiError> {
    match params.choice("collection_method", &["charge_automatically", "send_invoice"])? {
        Some("send_invoice") => terms.collection = Collection::SendInvoice,
        Some(_) => {
            terms.collection = Collection::ChargeAutomatically;
            terms.days_until_due = None;
        }
        None => {}
    }
    let days = params.integer("days_until_due")?;
    match (terms.collection, days) {
        (Collection::ChargeAutomatically, Some(_)) => {
            let message = "You can only set `days_until_due` if `collection_method` is `send_invoice`.";
            return Err(ApiError::invalid(message).param("days_until_due"));
        }
        (Collection::SendInvoice, None) if terms.days_until_due.is_none() => {
            let message = "You must pass `days_until_due` when `collection_method` is `send_invoice`.";
            return Err(ApiError::invalid(message)
                .code("parameter_missing")
                .param("days_until_due"));
        }
        (Collection::SendInvoice, Some(days)) if !(0..=3650).contains(&days) => {
            return Err(ApiError::invalid(format!("Invalid integer: {days}"))
                .code("parameter_invalid_integer")
                .param("days_until_due"));
        }
        (_, Some(days)) => terms.days_until_due = Some(days),
        (_, None) => {}
    }
    Ok(())
}

fn read_money(state: &State, ctx: &Ctx, terms: &mut Terms, params: &mut Params) -> Result<(), ApiError> {
    if params.has("application_fee_percent") {
        terms.fee_percent = percent(params, "application_fee_percent")?;
    }
    if let Some(ids) = params.texts("default_tax_rates")? {
        terms.tax_rates = tax_rate::named(state, &ctx.space, &ids, "default_tax_rates")?;
    }
    let account = |id: &str, param: &str| accounts::named(state, ctx, id, param);
    match params.update("on_behalf_of")? {
        Update::Set(id) => terms.on_behalf_of = Some(account(&id, "on_behalf_of")?.id.clone()),
        Update::Clear => terms.on_behalf_of = None,
        Update::Keep => {}
    }
    match map_update(params, "transfer_data")? {
        Update::Set(mut data) => {
            let id = data.required("destination")?;
            let destination = account(&id, "transfer_data[destination]")?.id.clone();
            terms.transfer = Some((destination, percent(&mut data, "amount_percent")?));
            data.finish()?;
        }
        Update::Clear => terms.transfer = None,
        Update::Keep => {}
    }
    if let Some(mut tax) = params.map("automatic_tax")? {
        terms.automatic_tax = tax
            .boolean("enabled")?
            .ok_or_else(|| ApiError::missing("automatic_tax[enabled]"))?;
        read_self(tax.map("liability")?)?;
        tax.finish()?;
    }
    Ok(())
}

/// An issuer or whoever is liable: only the account itself.
fn read_self(who: Option<Params>) -> Result<(), ApiError> {
    if let Some(mut who) = who {
        who.required_choice("type", &["self"])?;
        who.finish()?;
    }
    Ok(())
}

fn percent(params: &mut Params, name: &str) -> Result<Option<Decimal>, ApiError> {
    let Some(percent) = Decimal::read(params, name)? else {
        return Ok(None);
    };
    if percent.is_negative() || percent.percent_of(100) > 100 {
        let message = format!("Invalid {name}: must be between 0 and 100");
        return Err(ApiError::invalid(message).param(params.name(name)));
    }
    Ok(Some(percent))
}

fn read_settings(terms: &mut Terms, params: &mut Params) -> Result<(), ApiError> {
    if let Some(mut settings) = params.map("invoice_settings")? {
        settings.update("footer")?.apply(&mut terms.footer);
        settings
            .update("description")?
            .apply(&mut terms.invoice_description);
        read_self(settings.map("issuer")?)?;
        settings.finish()?;
    }
    if let Some(mut settings) = params.map("payment_settings")? {
        let save = settings.choice("save_default_payment_method", &["off", "on_subscription"])?;
        terms.save_method = save.map(str::to_owned).or(terms.save_method.take());
        if let Some(types) = settings.texts("payment_method_types")? {
            terms.method_types = Some(types).filter(|types| !types.is_empty());
        }
        if let Some(options) = settings.map("payment_method_options")? {
            terms.method_options = Some(options.canonical());
        }
        settings.finish()?;
    }
    match map_update(params, "pending_invoice_item_interval")? {
        Update::Set(mut interval) => {
            let word = interval.required_choice("interval", &Interval::WORDS)?;
            let count = interval.integer("interval_count")?.unwrap_or(1).clamp(1, 365);
            interval.finish()?;
            terms.pending_interval = Some((Interval::of(word), count));
        }
        Update::Clear => terms.pending_interval = None,
        Update::Keep => {}
    }
    Ok(())
}

fn read_trial_settings(subscription: &mut Subscription, params: &mut Params) -> Result<(), ApiError> {
    let Some(mut settings) = params.map("trial_settings")? else {
        return Ok(());
    };
    if let Some(mut behavior) = settings.map("end_behavior")? {
        let words = ["cancel", "create_invoice", "pause"];
        subscription.without_method = match behavior.required_choice("missing_payment_method", &words)? {
            "cancel" => WithoutMethod::Cancel,
            "pause" => WithoutMethod::Pause,
            _ => WithoutMethod::CreateInvoice,
        };
        behavior.finish()?;
    }
    settings.finish()
}

fn read_pause(state: &State, subscription: &mut Subscription, params: &mut Params) -> Result<(), ApiError> {
    match map_update(params, "pause_collection")? {
        Update::Set(mut pause) => {
            let words = ["keep_as_draft", "mark_uncollectible", "void"];
            let behavior = pause.required_choice("behavior", &words)?.to_owned();
            let resumes_at = future(state, &mut pause, "resumes_at")?;
            pause.finish()?;
            subscription.pause = Some(Pause { behavior, resumes_at });
        }
        Update::Clear => subscription.pause = None,
        Update::Keep => {}
    }
    Ok(())
}

fn read_discounts(
    state: &State,
    ctx: &Ctx,
    subscription: &Subscription,
    params: &mut Params,
) -> Result<Option<Vec<Asked>>, ApiError> {
    let customer = Some(subscription.customer.as_str());
    let listed = Asked::read(state, &ctx.space, customer, params)?;
    if ctx.types != crate::api::TypesParam::Both {
        return Ok(listed);
    }
    match (params.update("coupon")?, params.text("promotion_code")?) {
        (Update::Set(id), _) => {
            let coupon = coupon::usable(state, &ctx.space, &id, "coupon")?;
            Ok(Some(vec![Asked::Coupon(coupon, None)]))
        }
        (_, Some(id)) => {
            let (code, coupon) = promotion_code::usable(state, &ctx.space, &id, customer, "promotion_code")?;
            Ok(Some(vec![Asked::Coupon(coupon, Some(code.id.clone()))]))
        }
        (Update::Clear, None) => Ok(Some(Vec::new())),
        (Update::Keep, None) => Ok(listed),
    }
}

/// A second ahead.
///
/// # Errors
/// 400 for one that is past or further ahead than five years.
pub fn future(state: &State, params: &mut Params, name: &str) -> Result<Option<i64>, ApiError> {
    let Some(at_s) = params.integer(name)? else {
        return Ok(None);
    };
    check_ahead(state, at_s, &params.name(name))?;
    Ok(Some(at_s))
}

fn check_ahead(state: &State, at_s: i64, param: &str) -> Result<(), ApiError> {
    let now_s = state.now_s();
    let message = if at_s <= now_s {
        "Invalid timestamp: must be an integer Unix timestamp in the future."
    } else if at_s - now_s > AHEAD_MAX_S {
        "Invalid timestamp: can be no more than five years in the future."
    } else {
        return Ok(());
    };
    Err(ApiError::invalid(message).param(param))
}

/// What is said of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trial {
    /// It ends at a second.
    Until(i64),
    /// There is none, or it ends now.
    Now,
}

/// Reads `trial_end`, `trial_period_days` and `trial_from_plan`; `plan_days` is what the price says.
///
/// # Errors
/// 400 for both at once, or for a time that cannot be.
pub fn read_trial(
    state: &State,
    params: &mut Params,
    plan_days: Option<i64>,
) -> Result<Option<Trial>, ApiError> {
    let from_plan = params.boolean("trial_from_plan")?.unwrap_or(false);
    let days = params.integer("trial_period_days")?;
    let until = if params.clone().text("trial_end")?.as_deref() == Some("now") {
        params.text("trial_end")?;
        Some(Trial::Now)
    } else {
        future(state, params, "trial_end")?.map(Trial::Until)
    };
    match (until, days) {
        (Some(_), Some(_)) => return Err(exclusive("trial_end", "trial_period_days")),
        (Some(until), None) => return Ok(Some(until)),
        _ => {}
    }
    if days.is_some_and(|days| !(0..=TRIAL_DAYS_MAX).contains(&days)) {
        let message = format!("Invalid trial_period_days: must be between 1 and {TRIAL_DAYS_MAX} (2 years).");
        return Err(ApiError::invalid(message).param("trial_period_days"));
    }
    let days = days.or(plan_days.filter(|_| from_plan));
    Ok(days
        .filter(|days| *days > 0)
        .map(|days| Trial::Until(state.now_s().saturating_add(days * DAY_S))))
}

/// Reads when it is to end: `cancel_at_period_end` and `cancel_at`.
///
/// # Errors
/// 400 for both at once, or for a time that is past.
pub fn read_end(state: &State, subscription: &mut Subscription, params: &mut Params) -> Result<(), ApiError> {
    let with_period = params.boolean("cancel_at_period_end")?;
    let at = match params.clone().update("cancel_at")? {
        Update::Set(word) if word == "min_period_end" || word == "max_period_end" => {
            params.text("cancel_at")?;
            let ends = subscription.items.iter().map(|item| item.period.1);
            let end = if word == "min_period_end" {
                ends.min()
            } else {
                ends.max()
            };
            end.map_or(Update::Keep, Update::Set)
        }
        Update::Set(_) => future(state, params, "cancel_at")?.map_or(Update::Keep, Update::Set),
        Update::Clear => {
            params.update("cancel_at")?;
            Update::Clear
        }
        Update::Keep => Update::Keep,
    };
    match (with_period, at) {
        (Some(true), Update::Set(_)) => return Err(exclusive("cancel_at", "cancel_at_period_end")),
        (Some(true), _) => end_with_period(state, subscription),
        (_, Update::Set(at_s)) => {
            subscription.cancel_at_period_end = false;
            subscription.cancel_at = Some(at_s);
            decided(state, subscription);
        }
        (Some(false), _) if subscription.cancel_at_period_end => lifted(subscription),
        (_, Update::Clear) => lifted(subscription),
        (Some(false) | None, Update::Keep) => {}
    }
    Ok(())
}

/// It is to end with its period.
pub fn end_with_period(state: &State, subscription: &mut Subscription) {
    subscription.cancel_at_period_end = true;
    subscription.cancel_at = subscription.period_end();
    decided(state, subscription);
}

fn decided(state: &State, subscription: &mut Subscription) {
    subscription.canceled_at = subscription.canceled_at.or(Some(state.now_s()));
    subscription.cancellation.reason = Some("cancellation_requested".into());
}

/// It does not end any more.
fn lifted(subscription: &mut Subscription) {
    subscription.cancel_at_period_end = false;
    subscription.cancel_at = None;
    subscription.canceled_at = None;
    subscription.cancellation.reason = None;
}
