//! Coupons: a part or an amount off, once, for some months or forever. Its terms never change.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::decimal::Decimal;
use super::product::Product;
use super::{Deletable, living, referred};
use crate::api::Ctx;
use crate::currency;
use crate::error::ApiError;
use crate::event;
use crate::form::Params;
use crate::list;
use crate::state::{Object, Shown, Space, State};

/// A coupon.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Coupon {
    /// Eight letters and digits, or chosen.
    pub id: String,
    /// Where it lives.
    pub space: Space,
    /// When it was made, in seconds.
    pub created: i64,
    /// Whether it was deleted; discounts made of it stay.
    pub deleted: bool,
    /// What customers read.
    pub name: Option<String>,
    /// A percentage off.
    pub percent_off: Option<Decimal>,
    /// Or an amount, in minor units.
    pub amount_off: Option<i64>,
    /// The amount's currency.
    pub currency: Option<String>,
    /// The amount in other currencies.
    pub currency_options: BTreeMap<String, i64>,
    /// For how long.
    pub duration: Duration,
    /// How often it may be used.
    pub max_redemptions: Option<i64>,
    /// When it can be used last, in seconds.
    pub redeem_by: Option<i64>,
    /// How often it was used.
    pub times_redeemed: i64,
    /// The only products it is good for; empty is all.
    pub products: Vec<String>,
    /// The caller's notes.
    pub metadata: BTreeMap<String, String>,
}

/// For how long a discount lasts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Duration {
    /// On one invoice.
    #[default]
    Once,
    /// For so many months.
    Repeating(i64),
    /// On every invoice.
    Forever,
}

impl Coupon {
    /// As Stripe writes it.
    pub fn render(&self, now_s: i64) -> Value {
        if self.deleted {
            return json!({ "id": self.id, "object": "coupon", "deleted": true });
        }
        let (duration, months) = match self.duration {
            Duration::Once => ("once", None),
            Duration::Repeating(months) => ("repeating", Some(months)),
            Duration::Forever => ("forever", None),
        };
        json!({
            "id": self.id, "object": "coupon", "amount_off": self.amount_off, "created": self.created,
            "currency": self.currency, "duration": duration, "duration_in_months": months,
            "livemode": self.space.livemode, "max_redemptions": self.max_redemptions,
            "metadata": self.metadata, "name": self.name,
            "percent_off": self.percent_off.map(Decimal::number), "redeem_by": self.redeem_by,
            "times_redeemed": self.times_redeemed, "valid": self.is_valid(now_s),
        })
    }

    /// Whether it can be used at a second.
    pub fn is_valid(&self, now_s: i64) -> bool {
        !self.deleted
            && self.redeem_by.is_none_or(|last| now_s <= last)
            && self.max_redemptions.is_none_or(|most| self.times_redeemed < most)
    }

    /// What it takes off an amount in a currency, both in minor units; never more than the amount.
    pub fn off(&self, amount: i64, currency: &str) -> i64 {
        if amount <= 0 {
            return 0;
        }
        let off = match (self.percent_off, self.amount_off) {
            (Some(percent), _) => percent.percent_of(amount),
            (None, Some(off)) if self.currency.as_deref() == Some(currency) => off,
            (None, _) => self.currency_options.get(currency).copied().unwrap_or(0),
        };
        off.clamp(0, amount)
    }

    /// Whether it is good for a product.
    pub fn applies_to(&self, product: Option<&str>) -> bool {
        self.products.is_empty()
            || product.is_some_and(|product| self.products.iter().any(|one| one == product))
    }

    /// What expansion adds: `applies_to` and `currency_options`.
    pub fn more(&self, field: &str) -> Option<Value> {
        match field {
            "applies_to" if !self.products.is_empty() => Some(json!({ "products": self.products })),
            "currency_options" => {
                let own = self.currency.as_ref().zip(self.amount_off.as_ref());
                let options = own
                    .into_iter()
                    .chain(&self.currency_options)
                    .map(|(currency, off)| (currency.clone(), json!({ "amount_off": off })));
                Some(Value::Object(options.collect()))
            }
            _ => None,
        }
    }
}

impl Shown for Coupon {
    const EXPANDS: &'static [(&'static str, &'static str)] = &[
        ("applies_to", "applies_to"),
        ("currency_options", "currency_option"),
    ];
    const CHOSEN_ID: bool = true;

    fn shown(&self, state: &State) -> Value {
        self.render(state.now_s())
    }

    fn included(&self, _: &State, field: &str) -> Option<Value> {
        self.more(field)
    }
}

impl Deletable for Coupon {
    fn is_deleted(&self) -> bool {
        self.deleted
    }
}

/// A coupon that can still be used.
///
/// # Errors
/// `resource_missing` or `coupon_expired`, blaming `param`.
pub fn usable(state: &State, space: &Space, id: &str, param: &str) -> Result<Arc<Coupon>, ApiError> {
    let coupon = referred::<Coupon>(state, space, id, param)?;
    if coupon.is_valid(state.now_s()) {
        return Ok(coupon);
    }
    let message = match coupon.max_redemptions {
        Some(most) if coupon.times_redeemed >= most => {
            format!("Coupon {id} is used up and cannot be applied.")
        }
        _ => format!("Coupon expired: {id}"),
    };
    Err(ApiError::invalid(message).code("coupon_expired").param(param))
}

/// Counts one more use of it.
pub fn redeem(state: &mut State, space: &Space, id: &str) {
    if let Ok(coupon) = state.get::<Coupon>(space, id) {
        state.put(Coupon {
            times_redeemed: coupon.times_redeemed.saturating_add(1),
            ..Coupon::clone(&coupon)
        });
    }
}

/// `POST /v1/coupons`.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let id = params.text("id")?.unwrap_or_default();
    if !id.is_empty() && living::<Coupon>(state, &ctx.space, &id, "id").is_ok() {
        return Err(super::taken("Coupon", "id"));
    }
    let mut coupon = Coupon {
        id,
        space: ctx.space.clone(),
        created: state.now_s(),
        name: params.text("name")?,
        duration: read_duration(&mut params)?,
        ..Coupon::default()
    };
    read_terms(&mut coupon, &mut params)?;
    if coupon.redeem_by.is_some_and(|last| last < state.now_s()) {
        let message = "Invalid redeem_by: must be a timestamp in the future.";
        return Err(ApiError::invalid(message).param("redeem_by"));
    }
    if let Some(mut only) = params.map("applies_to")? {
        for product in only.texts("products")?.unwrap_or_default() {
            let found = referred::<Product>(state, &ctx.space, &product, "applies_to[products]")?;
            coupon.products.push(found.id.clone());
        }
        only.finish()?;
    }
    params.metadata()?.apply(&mut coupon.metadata)?;
    params.finish()?;
    if coupon.id.is_empty() {
        coupon.id = state.id("", 8);
    }
    let coupon = state.put(coupon);
    let object = Object::Coupon(Arc::clone(&coupon));
    event::emit(state, &ctx.cause, "coupon.created", object, None);
    Ok(coupon.shown(state))
}

fn read_duration(params: &mut Params) -> Result<Duration, ApiError> {
    let word = params.choice("duration", &["forever", "once", "repeating"])?;
    let months = params.integer("duration_in_months")?;
    match (word, months) {
        (Some("repeating"), Some(months)) if months > 0 => Ok(Duration::Repeating(months)),
        (Some("repeating"), Some(_)) => {
            let message = "Invalid duration_in_months: must be greater than 0.";
            Err(ApiError::invalid(message).param("duration_in_months"))
        }
        (Some("repeating"), None) => Err(ApiError::missing("duration_in_months")),
        (_, Some(_)) => {
            let message = "You can only specify `duration_in_months` when `duration` is `repeating`.";
            Err(ApiError::invalid(message).param("duration_in_months"))
        }
        (Some("forever"), None) => Ok(Duration::Forever),
        (_, None) => Ok(Duration::Once),
    }
}

fn read_terms(coupon: &mut Coupon, params: &mut Params) -> Result<(), ApiError> {
    coupon.percent_off = Decimal::read(params, "percent_off")?;
    coupon.amount_off = params.integer("amount_off")?;
    coupon.currency = params
        .text("currency")?
        .map(|text| currency::parse(&text))
        .transpose()?;
    coupon.max_redemptions = params.integer("max_redemptions")?;
    coupon.redeem_by = params.integer("redeem_by")?;
    if let Some(options) = params.map("currency_options")? {
        coupon.currency_options = read_options(options)?;
    }
    match (coupon.percent_off, coupon.amount_off, &coupon.currency) {
        (Some(_), Some(_), _) => {
            let message = "You may only specify one of these parameters: amount_off, percent_off.";
            return Err(ApiError::invalid(message).code("parameters_exclusive"));
        }
        (None, None, _) => {
            return Err(ApiError::invalid(
                "Must provide either percent_off or amount_off.",
            ));
        }
        (Some(percent), None, _) if percent <= Decimal::of(0) || percent > Decimal::of(100) => {
            let message = "Invalid percent_off: must be greater than 0 and at most 100.";
            return Err(ApiError::invalid(message).param("percent_off"));
        }
        (None, Some(_), None) => return Err(ApiError::missing("currency")),
        (None, Some(off), Some(_)) if off < 1 => return Err(at_least_one("amount_off")),
        _ => {}
    }
    if coupon.max_redemptions.is_some_and(|most| most < 1) {
        return Err(at_least_one("max_redemptions"));
    }
    Ok(())
}

fn at_least_one(param: &str) -> ApiError {
    ApiError::invalid("This value must be greater than or equal to 1.")
        .code("parameter_invalid_integer")
        .param(param)
}

fn read_options(mut params: Params) -> Result<BTreeMap<String, i64>, ApiError> {
    let mut options = BTreeMap::new();
    for name in params.names() {
        let currency = currency::parse(&name)?;
        let Some(mut option) = params.map(&name)? else {
            continue;
        };
        let off = option
            .integer("amount_off")?
            .ok_or_else(|| ApiError::missing(&option.name("amount_off")))?;
        option.finish()?;
        options.insert(currency, off);
    }
    params.finish()?;
    Ok(options)
}

/// `GET /v1/coupons/{id}`.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(living::<Coupon>(state, &ctx.space, id, "coupon")?.shown(state))
}

/// `POST /v1/coupons/{id}`: its name and notes, and amounts in further currencies.
pub fn update(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = living::<Coupon>(state, &ctx.space, id, "coupon")?;
    let mut coupon = Coupon::clone(&old);
    params.update("name")?.apply(&mut coupon.name);
    if let Some(options) = params.map("currency_options")? {
        coupon.currency_options.extend(read_options(options)?);
    }
    params.metadata()?.apply(&mut coupon.metadata)?;
    params.finish()?;
    let coupon = state.put(coupon);
    let previous = event::previous(&old.shown(state), &coupon.shown(state));
    if previous.is_some() {
        let object = Object::Coupon(Arc::clone(&coupon));
        event::emit(state, &ctx.cause, "coupon.updated", object, previous);
    }
    Ok(coupon.shown(state))
}

/// `DELETE /v1/coupons/{id}`: it can be used no more; discounts made of it go on.
pub fn delete(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    let old = living::<Coupon>(state, &ctx.space, id, "coupon")?;
    let coupon = state.put(Coupon {
        deleted: true,
        ..Coupon::clone(&old)
    });
    event::emit(state, &ctx.cause, "coupon.deleted", Object::Coupon(old), None);
    Ok(coupon.shown(state))
}

/// `GET /v1/coupons`, by `created`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let created = list::Created::read(&mut params)?;
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let wanted = |coupon: &Coupon| !coupon.deleted && created.holds(coupon.created);
    list::answer(
        state,
        &ctx.space,
        &page,
        "/v1/coupons",
        wanted,
        |coupon: &Coupon| coupon.shown(state),
    )
}
