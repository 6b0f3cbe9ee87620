//! Reading what a price costs and how often: shared by prices, plans, products with a default price, and
//! whatever describes a price by itself.

use std::collections::BTreeMap;

use super::decimal::Decimal;
use super::price::{Costs, Custom, Interval, Price, Recurring, Tier, TiersMode, Transform};
use super::product::Product;
use super::referred;
use crate::currency;
use crate::error::ApiError;
use crate::form::Params;
use crate::state::{Space, State};

/// No amount of Stripe's has more digits.
const AMOUNT_MAX: i64 = 999_999_999_999;
/// No price falls due less often than each third year.
const YEARS_MAX: i64 = 3;
const TRIAL_DAYS_MAX: i64 = 730;
const TIERS_MAX: usize = 100;
/// How tax stands to an amount.
pub const TAX_BEHAVIORS: [&str; 3] = ["exclusive", "inclusive", "unspecified"];

/// A price that was not made yet.
pub fn blank(state: &State, space: &Space, currency: String) -> Price {
    Price {
        space: space.clone(),
        created: state.now_s(),
        active: true,
        currency,
        ..Price::default()
    }
}

/// Reads a price that is made with its product.
///
/// # Errors
/// As when it is made by itself.
pub fn read_default(state: &State, space: &Space, mut params: Params) -> Result<Price, ApiError> {
    let currency = currency::parse(&params.required("currency")?)?;
    let mut price = blank(state, space, currency);
    price.recurring = params.map("recurring")?.map(read_recurring).transpose()?;
    read_scheme(&mut price, &mut params)?;
    params.metadata()?.apply(&mut price.metadata)?;
    params.finish()?;
    Ok(price)
}

/// A price that an invoice, an item or a subscription describes by itself, as `price_data[…]` does: it is
/// made, but cannot be used again. `recurring` says whether it has to fall due again and again.
///
/// # Errors
/// 400 for a missing currency, product or amount.
pub fn read_inline(
    state: &State,
    space: &Space,
    mut params: Params,
    recurring: bool,
) -> Result<Price, ApiError> {
    let currency = currency::parse(&params.required("currency")?)?;
    let mut price = blank(state, space, currency);
    let (product, name) = (params.required("product")?, params.name("product"));
    price.product = referred::<Product>(state, space, &product, &name)?.id.clone();
    price.active = false;
    price.inline = true;
    if recurring {
        let interval = params
            .map("recurring")?
            .ok_or_else(|| ApiError::missing(&params.name("recurring")))?;
        price.recurring = Some(read_recurring(interval)?);
    }
    price.costs = read_costs(&mut params, false)?;
    params.finish()?;
    Ok(price)
}

/// Reads a `recurring[…]`.
pub fn read_recurring(mut params: Params) -> Result<Recurring, ApiError> {
    let interval = params.required_choice("interval", &Interval::WORDS)?;
    let recurring = Recurring {
        interval: Interval::of(interval),
        count: params.integer("interval_count")?.unwrap_or(1),
        metered: params.choice("usage_type", &["licensed", "metered"])? == Some("metered"),
        meter: params.text("meter")?,
        trial_days: params.integer("trial_period_days")?,
    };
    check_recurring(&recurring, &params.name("interval_count"))?;
    params.finish()?;
    Ok(recurring)
}

/// The bounds of intervals and trials.
///
/// # Errors
/// 400, blaming `param`.
pub fn check_recurring(recurring: &Recurring, param: &str) -> Result<(), ApiError> {
    let most = match recurring.interval {
        Interval::Day => 365 * YEARS_MAX,
        Interval::Week => 52 * YEARS_MAX,
        Interval::Month => 12 * YEARS_MAX,
        Interval::Year => YEARS_MAX,
    };
    if recurring.count < 1 {
        let message = format!(
            "Invalid integer: {}. This value must be greater than or equal to 1.",
            recurring.count
        );
        return Err(ApiError::invalid(message)
            .code("parameter_invalid_integer")
            .param(param));
    }
    if recurring.count > most {
        let message = format!(
            "Invalid interval: interval_count cannot be more than {YEARS_MAX} years ({most} {}s)",
            recurring.interval.as_str()
        );
        return Err(ApiError::invalid(message).param(param));
    }
    if recurring
        .trial_days
        .is_some_and(|days| !(0..=TRIAL_DAYS_MAX).contains(&days))
    {
        let message = format!("Invalid trial_period_days: must be between 0 and {TRIAL_DAYS_MAX}.");
        return Err(ApiError::invalid(message).param("trial_period_days"));
    }
    if recurring.meter.is_some() && !recurring.metered {
        let message = "You cannot specify `meter` for a price whose `usage_type` is `licensed`.";
        return Err(ApiError::invalid(message).param("recurring[meter]"));
    }
    Ok(())
}

/// Reads how much a price costs, by the unit or by tiers, in its currency and in others.
///
/// # Errors
/// 400 for a price without an amount, or with two.
pub fn read_scheme(price: &mut Price, params: &mut Params) -> Result<(), ApiError> {
    let tiered = params.choice("billing_scheme", &["per_unit", "tiered"])? == Some("tiered");
    let mode = params.choice("tiers_mode", &["graduated", "volume"])?;
    price.tiers_mode = match (tiered, mode) {
        (false, None) => None,
        (true, Some("volume")) => Some(TiersMode::Volume),
        (true, Some(_)) => Some(TiersMode::Graduated),
        (true, None) => return Err(ApiError::missing("tiers_mode")),
        (false, Some(_)) => {
            let message = "You can only specify `tiers_mode` when `billing_scheme` is `tiered`.";
            return Err(ApiError::invalid(message).param("tiers_mode"));
        }
    };
    price.costs = read_costs(params, tiered)?;
    price.transform = params
        .map("transform_quantity")?
        .map(read_transform)
        .transpose()?;
    if let Some(options) = params.map("currency_options")? {
        price.currency_options = read_options(options, tiered, &price.currency)?;
    }
    Ok(())
}

/// Reads a `currency_options[…]`, but for the price's own currency.
pub fn read_options(
    mut params: Params,
    tiered: bool,
    own: &str,
) -> Result<BTreeMap<String, Costs>, ApiError> {
    let mut options = BTreeMap::new();
    for name in params.names() {
        let currency = currency::parse(&name)?;
        let Some(mut option) = params.map(&name)? else {
            continue;
        };
        let costs = read_costs(&mut option, tiered)?;
        option.finish()?;
        if currency != own {
            options.insert(currency, costs);
        }
    }
    params.finish()?;
    Ok(options)
}

/// Reads what a unit costs.
pub fn read_costs(params: &mut Params, tiered: bool) -> Result<Costs, ApiError> {
    let (whole, name) = (params.integer("unit_amount")?, params.name("unit_amount"));
    let exact = Decimal::read(params, "unit_amount_decimal")?;
    let custom = params
        .map("custom_unit_amount")?
        .map(read_custom)
        .transpose()?
        .flatten();
    let tiers = params.maps("tiers")?.unwrap_or_default();
    if tiers.len() > TIERS_MAX {
        let message = format!("Array tiers exceeded maximum {TIERS_MAX} allowed elements.");
        return Err(ApiError::invalid(message).param("tiers"));
    }
    let costs = Costs {
        unit: match (whole, exact) {
            (Some(_), Some(_)) => {
                let message = "You may only specify one of these parameters: unit_amount, \
                               unit_amount_decimal.";
                return Err(ApiError::invalid(message).code("parameters_exclusive"));
            }
            (whole, exact) => whole.map(Decimal::of).or(exact),
        },
        custom,
        tiers: tiers.into_iter().map(read_tier).collect::<Result<_, _>>()?,
        tax_behavior: params
            .choice("tax_behavior", &TAX_BEHAVIORS)?
            .unwrap_or("unspecified")
            .to_owned(),
    };
    if let Some(unit) = costs.unit {
        check_unit(unit, &name)?;
    }
    check_one(&costs, tiered, &name)?;
    Ok(costs)
}

/// A unit may be free, never less.
///
/// # Errors
/// `parameter_invalid_integer`, blaming `param`.
pub fn check_unit(unit: Decimal, param: &str) -> Result<(), ApiError> {
    let message = if unit.is_negative() {
        "Invalid non-negative integer".to_owned()
    } else if unit > Decimal::of(AMOUNT_MAX) {
        format!("Invalid integer: must be no more than {AMOUNT_MAX}.")
    } else {
        return Ok(());
    };
    Err(ApiError::invalid(message)
        .code("parameter_invalid_integer")
        .param(param))
}

/// Exactly one way to cost something.
fn check_one(costs: &Costs, tiered: bool, param: &str) -> Result<(), ApiError> {
    let (unit, custom, tiers) = (
        costs.unit.is_some(),
        costs.custom.is_some(),
        !costs.tiers.is_empty(),
    );
    let message = match (tiered, unit, custom, tiers) {
        (true, false, false, true) | (false, true, false, false) | (false, false, true, false) => {
            return Ok(());
        }
        (true, false, false, false) => return Err(ApiError::missing("tiers")),
        (true, ..) => "You cannot specify `unit_amount` when `billing_scheme` is `tiered`.",
        (false, _, _, true) => "You can only specify `tiers` when `billing_scheme` is `tiered`.",
        (false, true, true, false) => {
            "You may only specify one of these parameters: unit_amount, custom_unit_amount."
        }
        (false, false, false, false) => {
            let message = "Prices require an `unit_amount` or `unit_amount_decimal` parameter to be set.";
            return Err(ApiError::invalid(message).code("parameter_missing").param(param));
        }
    };
    Err(ApiError::invalid(message).param(param))
}

fn read_custom(mut params: Params) -> Result<Option<Custom>, ApiError> {
    let enabled = params
        .boolean("enabled")?
        .ok_or_else(|| ApiError::missing("custom_unit_amount[enabled]"))?;
    let custom = Custom {
        maximum: params.integer("maximum")?,
        minimum: params.integer("minimum")?,
        preset: params.integer("preset")?,
    };
    params.finish()?;
    Ok(enabled.then_some(custom))
}

/// Reads a `tiers[…]`.
pub fn read_tier(mut params: Params) -> Result<Tier, ApiError> {
    let (up_to, name) = (params.required("up_to")?, params.name("up_to"));
    let mut cost = |whole: &str, exact: &str| -> Result<Option<Decimal>, ApiError> {
        let given = params.integer(whole)?.map(Decimal::of);
        let cost = given.or(Decimal::read(&mut params, exact)?);
        if let Some(cost) = cost {
            check_unit(cost, &params.name(whole))?;
        }
        Ok(cost)
    };
    let (flat, unit) = (
        cost("flat_amount", "flat_amount_decimal")?,
        cost("unit_amount", "unit_amount_decimal")?,
    );
    let up_to = match up_to.as_str() {
        "inf" => None,
        text => Some(text.parse().ok().filter(|last| *last > 0).ok_or_else(|| {
            let message = "Invalid up_to: must be a positive integer or the string \"inf\".";
            ApiError::invalid(message).param(name)
        })?),
    };
    params.finish()?;
    Ok(Tier { up_to, flat, unit })
}

/// Reads a `transform_quantity[…]`.
pub fn read_transform(mut params: Params) -> Result<Transform, ApiError> {
    let divide_by = params
        .integer("divide_by")?
        .ok_or_else(|| ApiError::missing(&params.name("divide_by")))?;
    if divide_by < 1 {
        let message = "This value must be greater than or equal to 1.";
        return Err(ApiError::invalid(message)
            .code("parameter_invalid_integer")
            .param(params.name("divide_by")));
    }
    let up = params.required_choice("round", &["up", "down"])? == "up";
    params.finish()?;
    Ok(Transform { divide_by, up })
}
