//! What requests do to prices: create, read, change, list. What a price costs never changes.

use std::sync::Arc;

use serde_json::Value;

use super::plan::{self, Plan};
use super::price::{Interval, Price};
use super::price_form::{self, TAX_BEHAVIORS};
use super::product::{self, Product};
use super::{living, referred};
use crate::api::Ctx;
use crate::currency;
use crate::error::ApiError;
use crate::event::{self, Cause};
use crate::form::{Params, Update};
use crate::list;
use crate::state::{Object, State};

const LOOKUP_KEY_MAX: usize = 200;

/// The product of a price: one that is there, or one that is made with it.
enum Of {
    There(String),
    Made(product::Draft),
}

/// `POST /v1/prices`.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let currency = currency::parse(&params.required("currency")?)?;
    let mut price = price_form::blank(state, &ctx.space, currency);
    let product = params.text("product")?;
    let data = params.map("product_data")?;
    let of = match (product, data) {
        (Some(_), Some(_)) => {
            let message = "You may only specify one of these parameters: product, product_data.";
            return Err(ApiError::invalid(message).code("parameters_exclusive"));
        }
        (Some(id), None) => Of::There(referred::<Product>(state, &ctx.space, &id, "product")?.id.clone()),
        (None, Some(data)) => Of::Made(product::Draft::read(state, &ctx.space, data)?),
        (None, None) => return Err(ApiError::missing("product")),
    };
    price.active = params.boolean("active")?.unwrap_or(true);
    price.recurring = params
        .map("recurring")?
        .map(price_form::read_recurring)
        .transpose()?;
    price_form::read_scheme(&mut price, &mut params)?;
    price.nickname = params.text("nickname")?;
    price.lookup_key = read_lookup_key(&mut params)?;
    let transfer = params.boolean("transfer_lookup_key")?.unwrap_or(false);
    let former = key_holder(state, &price, transfer)?;
    params.metadata()?.apply(&mut price.metadata)?;
    params.finish()?;
    price.product = match of {
        Of::There(id) => id,
        Of::Made(draft) => draft.made(state, &ctx.cause).id.clone(),
    };
    price.id = state.id("price_1", 23);
    take_key(state, &ctx.cause, former);
    Ok(announced(state, &ctx.cause, price).render())
}

fn read_lookup_key(params: &mut Params) -> Result<Option<String>, ApiError> {
    let key = params.text("lookup_key")?;
    if key
        .as_ref()
        .is_some_and(|key| key.chars().count() > LOOKUP_KEY_MAX)
    {
        let message = format!("Invalid string: lookup_key must be at most {LOOKUP_KEY_MAX} characters");
        return Err(ApiError::invalid(message).param("lookup_key"));
    }
    Ok(key)
}

/// The active price that has the key now, when it may be taken from it.
fn key_holder(state: &State, price: &Price, transfer: bool) -> Result<Option<Arc<Price>>, ApiError> {
    if price.lookup_key.is_none() {
        return Ok(None);
    }
    let holder = state
        .of::<Price>(&price.space)
        .find(|other| !other.deleted && other.id != price.id && other.lookup_key == price.lookup_key);
    match holder {
        Some(other) if !transfer => Err(ApiError::invalid(format!(
            "A price (`{}`) already uses that lookup key.",
            other.id
        ))
        .param("lookup_key")),
        holder => Ok(holder.cloned()),
    }
}

fn take_key(state: &mut State, cause: &Cause, former: Option<Arc<Price>>) {
    if let Some(old) = former {
        let price = Price {
            lookup_key: None,
            ..Price::clone(&old)
        };
        changed(state, cause, &old, price);
    }
}

/// Puts a new price in its place and tells of it; a recurring one is a plan as well.
pub fn announced(state: &mut State, cause: &Cause, price: Price) -> Arc<Price> {
    let price = state.put(price);
    if let Some(plan) = plan::put(state, &price) {
        event::emit(state, cause, "plan.created", Object::Plan(plan), None);
    }
    event::emit(
        state,
        cause,
        "price.created",
        Object::Price(Arc::clone(&price)),
        None,
    );
    price
}

/// Puts a changed price in its place and tells of it.
pub fn changed(state: &mut State, cause: &Cause, old: &Arc<Price>, price: Price) -> Arc<Price> {
    let was = state
        .get::<Plan>(&old.space, &old.id)
        .map(|plan| plan.render())
        .ok();
    let price = state.put(price);
    if let Some(plan) = plan::put(state, &price)
        && let Some(previous) = was.and_then(|was| event::previous(&was, &plan.render()))
    {
        event::emit(state, cause, "plan.updated", Object::Plan(plan), Some(previous));
    }
    if let Some(previous) = event::previous(&old.render(), &price.render()) {
        let object = Object::Price(Arc::clone(&price));
        event::emit(state, cause, "price.updated", object, Some(previous));
    }
    price
}

/// `GET /v1/prices/{id}`.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(living::<Price>(state, &ctx.space, id, "price")?.render())
}

/// `POST /v1/prices/{id}`: everything but what it costs.
pub fn update(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = living::<Price>(state, &ctx.space, id, "price")?;
    let mut price = Price::clone(&old);
    price.active = params.boolean("active")?.unwrap_or(price.active);
    params.update("nickname")?.apply(&mut price.nickname);
    let key = params.update("lookup_key")?;
    let transfer = params.boolean("transfer_lookup_key")?.unwrap_or(false);
    let given = matches!(key, Update::Set(_));
    key.apply(&mut price.lookup_key);
    let former = if given {
        key_holder(state, &price, transfer)?
    } else {
        None
    };
    if let Some(behavior) = params.choice("tax_behavior", &TAX_BEHAVIORS)? {
        if old.costs.tax_behavior != "unspecified" && behavior != old.costs.tax_behavior {
            let message = "`tax_behavior` cannot be changed once it has been set to `exclusive` or \
                           `inclusive`.";
            return Err(ApiError::invalid(message).param("tax_behavior"));
        }
        behavior.clone_into(&mut price.costs.tax_behavior);
    }
    if let Some(options) = params.map("currency_options")? {
        let tiered = price.tiers_mode.is_some();
        let options = price_form::read_options(options, tiered, &price.currency)?;
        price.currency_options.extend(options);
    }
    params.metadata()?.apply(&mut price.metadata)?;
    params.finish()?;
    take_key(state, &ctx.cause, former);
    Ok(changed(state, &ctx.cause, &old, price).render())
}

/// `GET /v1/prices`, by `active`, `currency`, `product`, `type`, `lookup_keys`, `recurring` and `created`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let active = params.boolean("active")?;
    let (currency, product) = (params.text("currency")?, params.text("product")?);
    let keys = params.texts("lookup_keys")?;
    let kind = params.choice("type", &["one_time", "recurring"])?;
    let (mut interval, mut usage, mut meter) = (None, None, None);
    if let Some(mut recurring) = params.map("recurring")? {
        interval = recurring.choice("interval", &Interval::WORDS)?;
        usage = recurring.choice("usage_type", &["licensed", "metered"])?;
        meter = recurring.text("meter")?;
        recurring.finish()?;
    }
    let created = list::Created::read(&mut params)?;
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let falls_due = |price: &Price| match &price.recurring {
        None => interval.is_none() && usage.is_none() && meter.is_none(),
        Some(recurring) => {
            interval.is_none_or(|interval| recurring.interval == Interval::of(interval))
                && usage.is_none_or(|usage| recurring.usage_type() == usage)
                && (meter.is_none() || recurring.meter == meter)
        }
    };
    let wanted = |price: &Price| {
        !price.deleted
            && !price.inline
            && active.is_none_or(|active| active == price.active)
            && currency
                .as_ref()
                .is_none_or(|currency| *currency == price.currency)
            && product.as_ref().is_none_or(|product| *product == price.product)
            && kind.is_none_or(|kind| (kind == "recurring") == price.recurring.is_some())
            && keys
                .as_ref()
                .is_none_or(|keys| price.lookup_key.as_ref().is_some_and(|key| keys.contains(key)))
            && falls_due(price)
            && created.holds(price.created)
    };
    list::answer(state, &ctx.space, &page, "/v1/prices", wanted, |price: &Price| {
        price.render()
    })
}
