//! What an invoice item costs: an amount, a unit and a quantity, or a price, named or described.

use std::sync::Arc;

use super::decimal::{Decimal, share};
use super::invoice_item::InvoiceItem;
use super::price::Price;
use super::price_form;
use super::product::Product;
use super::referred;
use crate::api::{Ctx, TypesParam};
use crate::currency;
use crate::error::ApiError;
use crate::form::Params;
use crate::state::{Space, State};

/// No item comes to more, in minor units.
const AMOUNT_MAX: i64 = 99_999_999_999;

/// Checks what an item or a line comes to, in minor units.
///
/// # Errors
/// 400 `amount_too_large`.
pub fn check(amount: i64, currency: &str) -> Result<(), ApiError> {
    if (-AMOUNT_MAX..=AMOUNT_MAX).contains(&amount) {
        return Ok(());
    }
    let most = currency::show(AMOUNT_MAX, currency);
    Err(ApiError::invalid(format!("Amount must be no more than {most}"))
        .code("amount_too_large")
        .param("amount"))
}

/// What a request says that an item costs.
#[derive(Debug, Default)]
pub struct Cost {
    amount: Option<i64>,
    unit: Option<Decimal>,
    quantity: Option<i64>,
    price: Option<Arc<Price>>,
    /// A price described in the request, not yet made.
    inline: Option<Box<Price>>,
}

impl Cost {
    /// Reads `amount`, `unit_amount_decimal`, `quantity`, `pricing` and `price_data`; a caller that names no
    /// version may say `price` and `unit_amount`, too.
    ///
    /// # Errors
    /// 400 for two costs at once, or a price that falls due again and again.
    pub fn read(state: &State, ctx: &Ctx, params: &mut Params) -> Result<Cost, ApiError> {
        Cost::read_as(state, &ctx.space, ctx.types == TypesParam::Both, params)
    }

    /// The same where every caller may say `price` and `unit_amount`.
    ///
    /// # Errors
    /// As [`Cost::read`].
    pub fn read_named(state: &State, space: &Space, params: &mut Params) -> Result<Cost, ApiError> {
        Cost::read_as(state, space, true, params)
    }

    fn read_as(state: &State, space: &Space, by_name: bool, params: &mut Params) -> Result<Cost, ApiError> {
        let mut cost = Cost {
            amount: params.integer("amount")?,
            unit: Decimal::read(params, "unit_amount_decimal")?,
            quantity: params.integer("quantity")?,
            ..Cost::default()
        };
        let mut named = None;
        if let Some(mut pricing) = params.map("pricing")? {
            named = pricing.text("price")?.map(|id| (id, pricing.name("price")));
            pricing.finish()?;
        }
        if by_name {
            named = named.or(params.text("price")?.map(|id| (id, "price".to_owned())));
            cost.unit = cost.unit.or(params.integer("unit_amount")?.map(Decimal::of));
        }
        if let Some(decimal) = Decimal::read(params, "quantity_decimal")? {
            cost.quantity = Some(decimal.whole().ok_or_else(|| {
                let message = "This simulator bills whole quantities only.";
                ApiError::invalid(message).param("quantity_decimal")
            })?);
        }
        if let Some((id, param)) = named {
            cost.price = Some(one_time(referred::<Price>(state, space, &id, &param)?, &param)?);
        }
        if let Some(data) = params.map("price_data")? {
            let price = price_form::read_inline(state, space, data, false)?;
            cost.inline = Some(Box::new(price));
        }
        cost.check()?;
        Ok(cost)
    }

    fn check(&self) -> Result<(), ApiError> {
        let ways = usize::from(self.amount.is_some())
            + usize::from(self.unit.is_some())
            + usize::from(self.price.is_some())
            + usize::from(self.inline.is_some());
        if ways > 1 {
            let message = "You may only specify one of these parameters: amount, unit_amount_decimal, \
                           pricing, price_data.";
            return Err(ApiError::invalid(message).code("parameters_exclusive"));
        }
        if self
            .amount
            .is_some_and(|amount| !(-AMOUNT_MAX..=AMOUNT_MAX).contains(&amount))
        {
            let message = "Invalid integer: the amount has too many digits.";
            return Err(ApiError::invalid(message)
                .code("parameter_invalid_integer")
                .param("amount"));
        }
        if self.quantity.is_some_and(|quantity| quantity < 0) {
            return Err(ApiError::invalid("Invalid non-negative integer")
                .code("parameter_invalid_integer")
                .param("quantity"));
        }
        Ok(())
    }

    /// Whether it says what the item costs.
    pub fn is_given(&self) -> bool {
        self.amount.is_some() || self.unit.is_some() || self.price.is_some() || self.inline.is_some()
    }

    /// The currency of the price that it names.
    pub fn currency(&self) -> Option<&str> {
        let inline = self.inline.as_deref();
        self.price
            .as_deref()
            .or(inline)
            .map(|price| price.currency.as_str())
    }

    /// What an item comes to with it, in minor units.
    ///
    /// # Errors
    /// 400 `amount_too_large` for more than any item comes to.
    pub fn check_on(&self, item: &InvoiceItem) -> Result<(), ApiError> {
        let quantity = self.quantity.unwrap_or(item.quantity);
        let price = self.price.as_deref().or(self.inline.as_deref());
        let amount = match (self.amount, self.unit, price) {
            (Some(amount), _, _) => amount,
            (None, Some(unit), _) => unit.times(quantity),
            (None, None, Some(price)) => {
                let unit = price.costs_in(&item.currency).and_then(|costs| costs.unit);
                amount_of(item.amount, Some(price), unit, (quantity, &item.currency))
            }
            (None, None, None) => amount_of(
                item.amount,
                item.price.as_deref(),
                item.unit,
                (quantity, &item.currency),
            ),
        };
        check(amount, &item.currency)
    }

    /// Sets it on an item, after [`Cost::check_on`] was asked; prices that it describes are made.
    pub fn apply(self, state: &mut State, item: &mut InvoiceItem) {
        if let Some(unit) = self.described() {
            let price = adhoc(state, &item.space, &item.currency, unit);
            item.price = Some(inline(state, price));
        }
        let described = self.inline.as_deref().cloned();
        let described = described.map(|price| inline(state, price));
        self.set(state, item, described);
    }

    /// The same for an item that is only shown: nothing is made.
    pub fn pretend(self, state: &mut State, item: &mut InvoiceItem) {
        if let Some(unit) = self.described() {
            let mut price = price_form::blank(state, &item.space, item.currency.clone());
            price.costs.unit = Some(unit);
            price.product = state.id("prod_", 14);
            item.price = Some(named(state, price));
        }
        let described = self.inline.as_deref().cloned();
        let described = described.map(|price| named(state, price));
        self.set(state, item, described);
    }

    /// What a unit costs of an item that names no price.
    fn described(&self) -> Option<Decimal> {
        self.amount.map(Decimal::of).or(self.unit)
    }

    fn set(self, state: &State, item: &mut InvoiceItem, described: Option<Arc<Price>>) {
        if let Some(quantity) = self.quantity {
            item.quantity = quantity;
        }
        if let Some(amount) = self.amount {
            item.amount = amount;
            item.unit = None;
            if self.quantity.is_none() {
                item.quantity = 1;
            } else {
                item.unit = Some(Decimal::of(share(amount, 1, item.quantity.max(1))));
            }
            return;
        }
        if let Some(unit) = self.unit {
            item.unit = Some(unit);
        }
        if let Some(price) = self.price.or(described) {
            item.unit = price.costs_in(&item.currency).and_then(|costs| costs.unit);
            if item.description.is_none() {
                item.description = product_name(state, &price);
            }
            item.price = Some(price);
        }
        let many = (item.quantity, item.currency.as_str());
        item.amount = amount_of(item.amount, item.price.as_deref(), item.unit, many);
    }
}

/// What so many in a currency come to by their price, or by what a unit costs; else what it was.
fn amount_of(
    was: i64,
    price: Option<&Price>,
    unit: Option<Decimal>,
    (quantity, currency): (i64, &str),
) -> i64 {
    match (price, unit) {
        (Some(price), _) if price.tiers_mode.is_some() || price.transform.is_some() => {
            price.amount(quantity, currency)
        }
        (_, Some(unit)) => unit.times(quantity),
        (Some(price), None) => price.amount(quantity, currency),
        (None, None) => was,
    }
}

fn one_time(price: Arc<Price>, param: &str) -> Result<Arc<Price>, ApiError> {
    let message = if price.recurring.is_some() {
        format!(
            "The price specified is set to `type=recurring` but this field only accepts prices with \
             `type=one_time`: {}",
            price.id
        )
    } else if !price.active {
        format!(
            "The price specified is inactive. This field only accepts active prices: {}",
            price.id
        )
    } else {
        return Ok(price);
    };
    Err(ApiError::invalid(message).param(param))
}

/// Makes a price that was described by the way.
pub fn inline(state: &mut State, price: Price) -> Arc<Price> {
    let id = state.id("price_1", 23);
    state.put(Price { id, ..price })
}

/// A price that is shown with an id of its own, and not made.
pub fn named(state: &mut State, price: Price) -> Arc<Price> {
    let id = state.id("price_1", 23);
    Arc::new(Price { id, ..price })
}

/// The price behind an item that only says an amount.
fn adhoc(state: &mut State, space: &Space, currency: &str, unit: Decimal) -> Price {
    let mut price = price_form::blank(state, space, currency.to_owned());
    price.active = false;
    price.inline = true;
    price.costs.unit = Some(unit);
    price.costs.tax_behavior = "unspecified".into();
    price.product = adhoc_product(state, space);
    price
}

/// The product behind such items, one a space.
fn adhoc_product(state: &mut State, space: &Space) -> String {
    let there = state.of::<Product>(space).find(|product| product.adhoc);
    if let Some(product) = there {
        return product.id.clone();
    }
    let id = state.id("prod_", 14);
    let product = Product {
        adhoc: true,
        ..Product::named(state, space, id, "Invoice item")
    };
    state.put(product).id.clone()
}

fn product_name(state: &State, price: &Price) -> Option<String> {
    let product = state.get::<Product>(&price.space, &price.product).ok();
    product.map(|product| product.name.clone())
}
