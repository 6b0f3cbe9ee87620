//! Reading the items that a request asks for: new ones, changes to those that are there, deletions.

use std::sync::Arc;

use super::discount::{Asked, On};
use super::price::Price;
use super::price_form;
use super::subscription::Subscription;
use super::subscription_item::SubscriptionItem;
use super::tax_rate::{self, TaxRate};
use super::{item_cost, referred};
use crate::api::Ctx;
use crate::error::ApiError;
use crate::form::Params;
use crate::form::metadata::MetadataUpdate;
use crate::state::State;

const ITEMS_MAX: usize = 20;
const QUANTITY_MAX: i64 = 999_999_999_999;

/// An item that is asked for.
#[derive(Debug, Default)]
pub struct ItemAsked {
    /// One that is there.
    pub id: Option<String>,
    /// Whether it is to go.
    pub deleted: bool,
    /// A price that is there.
    pub price: Option<Arc<Price>>,
    /// A price described in the request, not yet made.
    pub inline: Option<Box<Price>>,
    /// How many.
    pub quantity: Option<i64>,
    /// Its own tax rates.
    pub tax_rates: Option<Vec<Arc<TaxRate>>>,
    /// Its own discounts.
    pub discounts: Option<Vec<Asked>>,
    /// The caller's notes.
    pub metadata: MetadataUpdate,
}

impl ItemAsked {
    /// Reads one; `params` may hold more than an item.
    ///
    /// # Errors
    /// `resource_missing` for a price that is not there, and 400 for one that does not fall due again.
    pub fn read(
        state: &State,
        ctx: &Ctx,
        customer: &str,
        params: &mut Params,
    ) -> Result<ItemAsked, ApiError> {
        let mut asked = ItemAsked::default();
        let (price, plan) = (params.text("price")?, params.text("plan")?);
        let name = if price.is_some() { "price" } else { "plan" };
        if let Some(id) = price.or(plan) {
            asked.price = Some(usable(state, ctx, &id, &params.name(name))?);
        }
        if let Some(data) = params.map("price_data")? {
            if asked.price.is_some() {
                return Err(super::subscription_form::exclusive("price", "price_data"));
            }
            asked.inline = Some(Box::new(price_form::read_inline(state, &ctx.space, data, true)?));
        }
        asked.quantity = params.integer("quantity")?;
        if asked
            .quantity
            .is_some_and(|quantity| !(0..=QUANTITY_MAX).contains(&quantity))
        {
            return Err(ApiError::invalid("Invalid non-negative integer")
                .code("parameter_invalid_integer")
                .param(params.name("quantity")));
        }
        if let Some(ids) = params.texts("tax_rates")? {
            asked.tax_rates = Some(tax_rate::named(
                state,
                &ctx.space,
                &ids,
                &params.name("tax_rates"),
            )?);
        }
        asked.discounts = Asked::read(state, &ctx.space, Some(customer), params)?;
        asked.metadata = params.metadata()?;
        Ok(asked)
    }

    /// The recurring price that it names or describes.
    pub fn price(&self) -> Option<&Price> {
        self.price.as_deref().or(self.inline.as_deref())
    }
}

/// Reads `items`.
///
/// # Errors
/// As each item, and 400 for too many.
pub fn read_items(
    state: &State,
    ctx: &Ctx,
    subscription: &Subscription,
    params: &mut Params,
) -> Result<Option<Vec<ItemAsked>>, ApiError> {
    let Some(entries) = params.maps("items")? else {
        return Ok(None);
    };
    if entries.len() > ITEMS_MAX {
        let message = format!("Array items exceeded maximum {ITEMS_MAX} allowed elements.");
        return Err(ApiError::invalid(message).param("items"));
    }
    let mut found = Vec::with_capacity(entries.len());
    for mut entry in entries {
        let id = entry.text("id")?;
        let deleted = entry.boolean("deleted")?.unwrap_or(false);
        entry.boolean("clear_usage")?;
        let param = entry.name("id");
        let missing = entry.name("price");
        let mut asked = ItemAsked::read(state, ctx, &subscription.customer, &mut entry)?;
        entry.finish()?;
        asked.deleted = deleted;
        match id {
            Some(id) if subscription.item(&id).is_none() => {
                return Err(ApiError::no_such("subscription_item", &id, &param).status(400));
            }
            Some(id) => asked.id = Some(id),
            None if asked.price().is_none() => return Err(ApiError::missing(&missing)),
            None => {}
        }
        found.push(asked);
    }
    Ok(Some(found))
}

/// A recurring price that new items may have.
fn usable(state: &State, ctx: &Ctx, id: &str, param: &str) -> Result<Arc<Price>, ApiError> {
    let price = referred::<Price>(state, &ctx.space, id, param)?;
    let message = if price.recurring.is_none() {
        "The price specified is set to `type=one_time` but this field only accepts prices with \
         `type=recurring`."
    } else if !price.active {
        "The price specified is inactive. This field only accepts active prices."
    } else {
        return Ok(price);
    };
    Err(ApiError::invalid(message).param(param))
}

/// Checks what the items come to together: one currency, each price once.
///
/// # Errors
/// 400 naming what does not fit.
pub fn check(subscription: &Subscription, asked: &[ItemAsked]) -> Result<(), ApiError> {
    let mut prices: Vec<&str> = Vec::new();
    let untouched = subscription
        .items
        .iter()
        .filter(|item| !asked.iter().any(|asked| asked.id.as_ref() == Some(&item.id)));
    prices.extend(untouched.map(|item| item.price.id.as_str()));
    for item in asked.iter().filter(|item| !item.deleted) {
        let had = item.id.as_ref().and_then(|id| subscription.item(id));
        let Some(price) = item.price().or(had.map(|had| had.price.as_ref())) else {
            continue;
        };
        let usage = price
            .recurring
            .as_ref()
            .is_some_and(|recurring| recurring.metered);
        if item.quantity.is_some() && usage {
            let message = "You cannot set the quantity for metered plans.";
            return Err(ApiError::invalid(message).param("quantity"));
        }
        if price.costs_in(&subscription.currency).is_none() {
            let message = format!(
                "The price specified only supports `{}`. This doesn't match the expected currency: `{}`.",
                price.currency, subscription.currency
            );
            return Err(ApiError::invalid(message).param("items[0][price]"));
        }
        let quantity = item.quantity.or(had.map(|had| had.quantity)).unwrap_or(1);
        let amount = price.amount(if usage { 0 } else { quantity }, &subscription.currency);
        item_cost::check(amount, &subscription.currency)?;
        if !price.id.is_empty() && prices.contains(&price.id.as_str()) {
            let message = format!(
                "Cannot add multiple subscription items with the same plan: {}",
                price.id
            );
            return Err(ApiError::invalid(message));
        }
        prices.push(price.id.as_str());
    }
    if prices.is_empty() {
        let message = "A subscription must have at least one active plan. To cancel a subscription, please \
                       use the cancel API endpoint on the subscription instead.";
        return Err(ApiError::invalid(message));
    }
    Ok(())
}

/// Sets prices and quantities as [`apply`] would, on what is only reckoned with.
pub fn pretend(subscription: &mut Subscription, asked: &[ItemAsked]) {
    for asked in asked {
        let had = asked.id.as_ref().and_then(|id| subscription.item(id)).cloned();
        if asked.deleted {
            subscription
                .items
                .retain(|item| Some(&item.id) != asked.id.as_ref());
            continue;
        }
        let mut item = had.map_or_else(
            || SubscriptionItem {
                quantity: 1,
                ..SubscriptionItem::default()
            },
            |had| SubscriptionItem::clone(&had),
        );
        if let Some(price) = asked.price() {
            item.price = Arc::new(price.clone());
        }
        item.quantity = asked.quantity.unwrap_or(item.quantity);
        match subscription
            .items
            .iter_mut()
            .find(|other| !item.id.is_empty() && other.id == item.id)
        {
            Some(place) => *place = Arc::new(item),
            None => subscription.items.push(Arc::new(item)),
        }
    }
}

/// Sets what was asked for on the items; periods are left to the caller, who finds those of new items empty.
pub fn apply(state: &mut State, subscription: &mut Subscription, asked: Vec<ItemAsked>) {
    for asked in asked {
        let had = asked.id.as_ref().and_then(|id| subscription.item(id)).cloned();
        if asked.deleted {
            subscription
                .items
                .retain(|item| Some(&item.id) != asked.id.as_ref());
            if let Some(had) = had {
                state.put(SubscriptionItem {
                    deleted: true,
                    ..SubscriptionItem::clone(&had)
                });
            }
            continue;
        }
        let mut item = match &had {
            Some(had) => SubscriptionItem::clone(had),
            None => SubscriptionItem {
                id: state.id("si_", 14),
                space: subscription.space.clone(),
                created: state.now_s(),
                subscription: subscription.id.clone(),
                quantity: 1,
                ..SubscriptionItem::default()
            },
        };
        set(state, subscription, &mut item, asked);
        match subscription.items.iter_mut().find(|other| other.id == item.id) {
            Some(place) => *place = Arc::new(item),
            None => subscription.items.push(Arc::new(item)),
        }
    }
}

fn set(state: &mut State, subscription: &Subscription, item: &mut SubscriptionItem, asked: ItemAsked) {
    if let Some(price) = asked.price {
        item.price = price;
    } else if let Some(price) = asked.inline {
        item.price = item_cost::inline(state, *price);
    }
    item.quantity = asked.quantity.unwrap_or(item.quantity);
    if let Some(rates) = asked.tax_rates {
        item.tax_rates = rates;
    }
    if let Some(discounts) = asked.discounts {
        let on = On {
            customer: Some(subscription.customer.clone()),
            subscription: Some(subscription.id.clone()),
            subscription_item: Some(item.id.clone()),
            ..On::default()
        };
        let space = subscription.space.clone();
        item.discounts = discounts
            .into_iter()
            .map(|one| one.made(state, &space, on.clone()))
            .collect();
    }
    // Fifty new notes beside fifty old ones are too many; then the old ones stay.
    let mut metadata = item.metadata.clone();
    if asked.metadata.apply(&mut metadata).is_ok() {
        item.metadata = metadata;
    }
}
