//! Plans: the recurring prices in the older form, under the same ids. Each is kept beside its price and never
//! differs from it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::decimal::Decimal;
use super::price::{Interval, Price, Recurring, TiersMode, Transform};
use super::price_form;
use super::prices;
use super::product::{self, Product};
use super::{Deletable, living, referred};
use crate::api::Ctx;
use crate::currency;
use crate::error::ApiError;
use crate::event;
use crate::form::Params;
use crate::list;
use crate::state::{Object, Shown, Space, State};

/// A plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The price's id.
    pub id: String,
    /// Where it lives.
    pub space: Space,
    /// The price.
    pub price: Arc<Price>,
}

impl Plan {
    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        render(&self.price)
    }
}

/// A recurring price as a plan; one that is not recurring is shown as if it were due each month.
pub fn render(price: &Price) -> Value {
    if price.deleted {
        return json!({ "id": price.id, "object": "plan", "deleted": true });
    }
    let recurring = price.recurring.as_ref();
    json!({
        "id": price.id, "object": "plan", "active": price.active, "amount": price.costs.unit_whole(),
        "amount_decimal": price.costs.unit.map(Decimal::text), "billing_scheme": price.scheme(),
        "created": price.created, "currency": price.currency,
        "interval": recurring.map_or(Interval::Month, |recurring| recurring.interval),
        "interval_count": recurring.map_or(1, |recurring| recurring.count),
        "livemode": price.space.livemode, "metadata": price.metadata,
        "meter": recurring.and_then(|recurring| recurring.meter.as_deref()), "nickname": price.nickname,
        "product": price.product, "tiers_mode": price.tiers_mode,
        "transform_usage": price.transform.map(Transform::render),
        "trial_period_days": recurring.and_then(|recurring| recurring.trial_days),
        "usage_type": recurring.map_or("licensed", Recurring::usage_type),
    })
}

impl Shown for Plan {
    const EXPANDS: &'static [(&'static str, &'static str)] = &[("product", "product"), ("tiers", "tier")];
    const CHOSEN_ID: bool = true;

    fn shown(&self, _: &State) -> Value {
        self.render()
    }

    fn included(&self, _: &State, field: &str) -> Option<Value> {
        (field == "tiers" && self.price.tiers_mode.is_some()).then(|| self.price.costs.render_tiers())
    }
}

impl Deletable for Plan {
    fn is_deleted(&self) -> bool {
        self.price.deleted
    }
}

/// Puts the plan of a recurring price in its place; `None` when the price is due once.
pub fn put(state: &mut State, price: &Arc<Price>) -> Option<Arc<Plan>> {
    price.recurring.as_ref()?;
    Some(state.put(Plan {
        id: price.id.clone(),
        space: price.space.clone(),
        price: Arc::clone(price),
    }))
}

/// `POST /v1/plans`.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let currency = currency::parse(&params.required("currency")?)?;
    let mut price = price_form::blank(state, &ctx.space, currency);
    price.id = params.text("id")?.unwrap_or_default();
    if !price.id.is_empty() && living::<Price>(state, &ctx.space, &price.id, "id").is_ok() {
        return Err(super::taken("Plan", "id"));
    }
    let recurring = Recurring {
        interval: Interval::of(params.required_choice("interval", &Interval::WORDS)?),
        count: params.integer("interval_count")?.unwrap_or(1),
        metered: params.choice("usage_type", &["licensed", "metered"])? == Some("metered"),
        meter: params.text("meter")?,
        trial_days: params.integer("trial_period_days")?,
    };
    price_form::check_recurring(&recurring, "interval_count")?;
    price.recurring = Some(recurring);
    read_amount(&mut price, &mut params)?;
    price.active = params.boolean("active")?.unwrap_or(true);
    price.nickname = params.text("nickname")?;
    params.metadata()?.apply(&mut price.metadata)?;
    let draft = match params.clone().map("product") {
        Ok(Some(data)) => {
            params.map("product")?;
            Some(product::Draft::read(state, &ctx.space, data)?)
        }
        Ok(None) | Err(_) => {
            let id = params.required("product")?;
            price.product = referred::<Product>(state, &ctx.space, &id, "product")?.id.clone();
            None
        }
    };
    params.finish()?;
    if let Some(draft) = draft {
        price.product = draft.made(state, &ctx.cause).id.clone();
    }
    if price.id.is_empty() {
        price.id = state.id("plan_", 14);
    }
    Ok(render(&prices::announced(state, &ctx.cause, price)))
}

fn read_amount(price: &mut Price, params: &mut Params) -> Result<(), ApiError> {
    let tiered = params.choice("billing_scheme", &["per_unit", "tiered"])? == Some("tiered");
    let mode = params.choice("tiers_mode", &["graduated", "volume"])?;
    let (whole, exact) = (
        params.integer("amount")?,
        Decimal::read(params, "amount_decimal")?,
    );
    let tiers = params.maps("tiers")?.unwrap_or_default();
    price.costs.tax_behavior = "unspecified".into();
    price.costs.unit = whole.map(Decimal::of).or(exact);
    if let Some(unit) = price.costs.unit {
        price_form::check_unit(unit, "amount")?;
    }
    price.costs.tiers = tiers
        .into_iter()
        .map(price_form::read_tier)
        .collect::<Result<_, _>>()?;
    price.transform = params
        .map("transform_usage")?
        .map(price_form::read_transform)
        .transpose()?;
    if whole.is_some() && exact.is_some() {
        let message = "You may only specify one of these parameters: amount, amount_decimal.";
        return Err(ApiError::invalid(message).code("parameters_exclusive"));
    }
    price.tiers_mode = match (tiered, mode) {
        (false, _) => None,
        (true, Some("volume")) => Some(TiersMode::Volume),
        (true, Some(_)) => Some(TiersMode::Graduated),
        (true, None) => return Err(ApiError::missing("tiers_mode")),
    };
    match (tiered, price.costs.unit.is_some(), price.costs.tiers.is_empty()) {
        (true, false, false) | (false, true, true) => Ok(()),
        (true, false, true) => Err(ApiError::missing("tiers")),
        (false, false, _) => {
            let message = "Plans require an `amount` or `amount_decimal` parameter to be set.";
            Err(ApiError::invalid(message)
                .code("parameter_missing")
                .param("amount"))
        }
        (true, true, _) => {
            let message = "You cannot specify `amount` when `billing_scheme` is `tiered`.";
            Err(ApiError::invalid(message).param("amount"))
        }
        (false, true, false) => {
            let message = "You can only specify `tiers` when `billing_scheme` is `tiered`.";
            Err(ApiError::invalid(message).param("tiers"))
        }
    }
}

/// `GET /v1/plans/{id}`.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(living::<Plan>(state, &ctx.space, id, "plan")?.render())
}

/// `POST /v1/plans/{id}`.
pub fn update(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = Arc::clone(&living::<Plan>(state, &ctx.space, id, "plan")?.price);
    let mut price = Price::clone(&old);
    price.active = params.boolean("active")?.unwrap_or(price.active);
    params.update("nickname")?.apply(&mut price.nickname);
    if let Some(product) = params.text("product")? {
        price.product = referred::<Product>(state, &ctx.space, &product, "product")?
            .id
            .clone();
    }
    let trial = params.integer("trial_period_days")?;
    if let Some(recurring) = &mut price.recurring {
        recurring.trial_days = trial.or(recurring.trial_days);
        price_form::check_recurring(recurring, "interval_count")?;
    }
    params.metadata()?.apply(&mut price.metadata)?;
    params.finish()?;
    Ok(render(&prices::changed(state, &ctx.cause, &old, price)))
}

/// `DELETE /v1/plans/{id}`: subscriptions that have it keep it.
pub fn delete(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    let old = living::<Plan>(state, &ctx.space, id, "plan")?;
    let price = state.put(Price {
        deleted: true,
        active: false,
        lookup_key: None,
        ..Price::clone(&old.price)
    });
    put(state, &price);
    let was = Object::Price(Arc::clone(&old.price));
    event::emit(state, &ctx.cause, "plan.deleted", Object::Plan(old), None);
    event::emit(state, &ctx.cause, "price.deleted", was, None);
    Ok(render(&price))
}

/// `GET /v1/plans`, by `active`, `product` and `created`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let (active, product) = (params.boolean("active")?, params.text("product")?);
    let created = list::Created::read(&mut params)?;
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let wanted = |plan: &Plan| {
        !plan.price.deleted
            && active.is_none_or(|active| active == plan.price.active)
            && product
                .as_ref()
                .is_none_or(|product| *product == plan.price.product)
            && created.holds(plan.price.created)
    };
    list::answer(state, &ctx.space, &page, "/v1/plans", wanted, Plan::render)
}
