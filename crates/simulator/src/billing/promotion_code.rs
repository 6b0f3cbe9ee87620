//! Promotion codes: what customers type to get a coupon's discount.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::coupon::{self, Coupon};
use crate::api::{Ctx, TypesParam};
use crate::currency;
use crate::customer;
use crate::error::ApiError;
use crate::event;
use crate::form::Params;
use crate::list;
use crate::state::{Object, Shown, Space, State};

/// A promotion code.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PromotionCode {
    /// `promo_1…`.
    pub id: String,
    /// Where it lives.
    pub space: Space,
    /// When it was made, in seconds.
    pub created: i64,
    /// Whether it was not switched off.
    pub active: bool,
    /// What is typed.
    pub code: String,
    /// The coupon.
    pub coupon: String,
    /// The only customer it is for.
    pub customer: Option<String>,
    /// When it ends, in seconds.
    pub expires_at: Option<i64>,
    /// How often it may be used.
    pub max_redemptions: Option<i64>,
    /// How often it was used.
    pub times_redeemed: i64,
    /// Whether it is for customers who never paid before.
    pub first_time: bool,
    /// The least that must be bought, by currency, the main one first.
    pub minimum: Option<(String, i64)>,
    /// The same in other currencies.
    pub minimums: BTreeMap<String, i64>,
    /// The caller's notes.
    pub metadata: BTreeMap<String, String>,
}

impl PromotionCode {
    /// As Stripe writes it.
    pub fn render(&self, now_s: i64) -> Value {
        let mut restrictions = json!({
            "first_time_transaction": self.first_time,
            "minimum_amount": self.minimum.as_ref().map(|(_, amount)| amount),
            "minimum_amount_currency": self.minimum.as_ref().map(|(currency, _)| currency),
        });
        if let (false, Value::Object(fields)) = (self.minimums.is_empty(), &mut restrictions) {
            let options = self
                .minimums
                .iter()
                .map(|(currency, amount)| (currency.clone(), json!({ "minimum_amount": amount })));
            fields.insert("currency_options".into(), Value::Object(options.collect()));
        }
        json!({
            "id": self.id, "object": "promotion_code", "active": self.is_usable(now_s), "code": self.code,
            "created": self.created, "customer": self.customer, "customer_account": null,
            "expires_at": self.expires_at, "livemode": self.space.livemode,
            "max_redemptions": self.max_redemptions, "metadata": self.metadata,
            "promotion": { "coupon": self.coupon, "type": "coupon" }, "restrictions": restrictions,
            "times_redeemed": self.times_redeemed,
        })
    }

    /// Whether it can be used at a second.
    pub fn is_usable(&self, now_s: i64) -> bool {
        self.active
            && self.expires_at.is_none_or(|end| now_s < end)
            && self.max_redemptions.is_none_or(|most| self.times_redeemed < most)
    }
}

impl Shown for PromotionCode {
    const EXPANDS: &'static [(&'static str, &'static str)] =
        &[("customer", "customer"), ("promotion.coupon", "coupon")];

    fn shown(&self, state: &State) -> Value {
        self.render(state.now_s())
    }
}

/// A code that can be used, and its coupon.
///
/// # Errors
/// `resource_missing`, or 400 when it ended or is another customer's, blaming `param`.
pub fn usable(
    state: &State,
    space: &Space,
    id: &str,
    customer: Option<&str>,
    param: &str,
) -> Result<(Arc<PromotionCode>, Arc<Coupon>), ApiError> {
    let code = state
        .get_for::<PromotionCode>(space, id, param)
        .map_err(|error| error.status(400))?;
    let its = code.customer.as_deref();
    let message = if !code.is_usable(state.now_s()) {
        format!("This promotion code ({id}) is not active.")
    } else if its.is_some() && its != customer {
        format!("This promotion code ({id}) cannot be redeemed by this customer.")
    } else {
        let coupon = coupon::usable(state, space, &code.coupon, param)?;
        return Ok((code, coupon));
    };
    Err(ApiError::invalid(message)
        .code("promotion_code_invalid")
        .param(param))
}

/// Counts one more use of it.
pub fn redeem(state: &mut State, space: &Space, id: &str) {
    if let Ok(code) = state.get::<PromotionCode>(space, id) {
        state.put(PromotionCode {
            times_redeemed: code.times_redeemed.saturating_add(1),
            ..PromotionCode::clone(&code)
        });
    }
}

/// `POST /v1/promotion_codes`; a caller that names no version may give the `coupon` directly.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let (coupon, param) = read_promotion(ctx, &mut params)?;
    let coupon = coupon::usable(state, &ctx.space, &coupon, &param)?;
    let mut code = PromotionCode {
        space: ctx.space.clone(),
        created: state.now_s(),
        active: params.boolean("active")?.unwrap_or(true),
        code: params.text("code")?.unwrap_or_default(),
        coupon: coupon.id.clone(),
        expires_at: params.integer("expires_at")?,
        max_redemptions: params.integer("max_redemptions")?,
        ..PromotionCode::default()
    };
    if let Some(id) = params.text("customer")? {
        let found =
            customer::living(state, &ctx.space, &id, "customer").map_err(|error| error.status(400))?;
        code.customer = Some(found.id.clone());
    }
    if let Some(restrictions) = params.map("restrictions")? {
        read_restrictions(&mut code, restrictions)?;
    }
    params.metadata()?.apply(&mut code.metadata)?;
    params.finish()?;
    check(state, &code, &coupon)?;
    if code.code.is_empty() {
        code.code = state.id("", 8).to_ascii_uppercase();
    }
    code.id = state.id("promo_1", 23);
    let code = state.put(code);
    let object = Object::PromotionCode(Arc::clone(&code));
    event::emit(state, &ctx.cause, "promotion_code.created", object, None);
    Ok(code.shown(state))
}

/// The coupon's id and the parameter that it stood in.
fn read_promotion(ctx: &Ctx, params: &mut Params) -> Result<(String, String), ApiError> {
    if ctx.types == TypesParam::Both
        && let Some(coupon) = params.text("coupon")?
    {
        return Ok((coupon, "coupon".into()));
    }
    let mut promotion = params
        .map("promotion")?
        .ok_or_else(|| ApiError::missing("promotion"))?;
    promotion.required_choice("type", &["coupon"])?;
    let coupon = promotion.required("coupon")?;
    promotion.finish()?;
    Ok((coupon, "promotion[coupon]".into()))
}

fn read_restrictions(code: &mut PromotionCode, mut params: Params) -> Result<(), ApiError> {
    code.first_time = params
        .boolean("first_time_transaction")?
        .unwrap_or(code.first_time);
    let (amount, currency) = (
        params.integer("minimum_amount")?,
        params.text("minimum_amount_currency")?,
    );
    match (amount, currency) {
        (None, None) => {}
        (Some(amount), Some(currency)) => code.minimum = Some((currency::parse(&currency)?, amount)),
        (Some(_), None) => return Err(ApiError::missing("restrictions[minimum_amount_currency]")),
        (None, Some(_)) => return Err(ApiError::missing("restrictions[minimum_amount]")),
    }
    if let Some(mut options) = params.map("currency_options")? {
        for name in options.names() {
            let currency = currency::parse(&name)?;
            if let Some(mut option) = options.map(&name)? {
                if let Some(amount) = option.integer("minimum_amount")? {
                    code.minimums.insert(currency, amount);
                }
                option.finish()?;
            }
        }
        options.finish()?;
    }
    params.finish()
}

/// A code is one of its kind while it is active, and not used more often than its coupon.
fn check(state: &State, code: &PromotionCode, coupon: &Coupon) -> Result<(), ApiError> {
    let now_s = state.now_s();
    let same = |other: &PromotionCode| {
        other.code.eq_ignore_ascii_case(&code.code)
            && other.is_usable(now_s)
            && (other.customer.is_none() || code.customer.is_none() || other.customer == code.customer)
    };
    if !code.code.is_empty() && state.of::<PromotionCode>(&code.space).any(|other| same(other)) {
        let message = format!(
            "An active promotion code with `code: {}` already exists.",
            code.code
        );
        return Err(ApiError::invalid(message));
    }
    if !code.code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        let message = "Promotion codes may only contain the characters a-z, A-Z, 0-9 and dashes.";
        return Err(ApiError::invalid(message).param("code"));
    }
    if code.expires_at.is_some_and(|end| end <= now_s) {
        let message = "Invalid expires_at: must be a timestamp in the future.";
        return Err(ApiError::invalid(message).param("expires_at"));
    }
    match (code.max_redemptions, coupon.max_redemptions) {
        (Some(ours), Some(most)) if ours > most => {
            let message = "`max_redemptions` of the promotion code cannot be more than that of its coupon.";
            Err(ApiError::invalid(message).param("max_redemptions"))
        }
        (Some(ours), _) if ours < 1 => Err(ApiError::invalid(
            "This value must be greater than or equal to 1.",
        )
        .code("parameter_invalid_integer")
        .param("max_redemptions")),
        _ => Ok(()),
    }
}

/// `GET /v1/promotion_codes/{id}`.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(state.get::<PromotionCode>(&ctx.space, id)?.shown(state))
}

/// `POST /v1/promotion_codes/{id}`.
pub fn update(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = state.get::<PromotionCode>(&ctx.space, id)?;
    let mut code = PromotionCode::clone(&old);
    code.active = params.boolean("active")?.unwrap_or(code.active);
    if let Some(restrictions) = params.map("restrictions")? {
        read_restrictions(&mut code, restrictions)?;
    }
    params.metadata()?.apply(&mut code.metadata)?;
    params.finish()?;
    let code = state.put(code);
    let previous = event::previous(&old.shown(state), &code.shown(state));
    if previous.is_some() {
        let object = Object::PromotionCode(Arc::clone(&code));
        event::emit(state, &ctx.cause, "promotion_code.updated", object, previous);
    }
    Ok(code.shown(state))
}

/// `GET /v1/promotion_codes`, by `active`, `code`, `coupon`, `customer` and `created`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let (active, code) = (params.boolean("active")?, params.text("code")?);
    let (coupon, customer) = (params.text("coupon")?, params.text("customer")?);
    let created = list::Created::read(&mut params)?;
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let now_s = state.now_s();
    let wanted = |one: &PromotionCode| {
        active.is_none_or(|active| active == one.is_usable(now_s))
            && code
                .as_ref()
                .is_none_or(|code| code.eq_ignore_ascii_case(&one.code))
            && coupon.as_ref().is_none_or(|coupon| *coupon == one.coupon)
            && (customer.is_none() || one.customer == customer)
            && created.holds(one.created)
    };
    list::answer(
        state,
        &ctx.space,
        &page,
        "/v1/promotion_codes",
        wanted,
        |code: &PromotionCode| code.shown(state),
    )
}
