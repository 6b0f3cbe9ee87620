//! What requests do to the items of a subscription by their own ids: each is a change of the subscription.

use std::sync::Arc;

use serde_json::Value;

use super::subscription::Subscription;
use super::subscription_asked::{self, ItemAsked};
use super::subscription_change::{self, How};
use super::subscription_item::SubscriptionItem;
use super::subscription_pay;
use super::subscriptions;
use crate::api::Ctx;
use crate::error::ApiError;
use crate::form::Params;
use crate::list;
use crate::state::{Space, State};

/// An item that was not deleted, of a subscription that is not over.
fn living(state: &State, space: &Space, id: &str) -> Result<Arc<SubscriptionItem>, ApiError> {
    let item = state.get::<SubscriptionItem>(space, id)?;
    if item.deleted {
        return Err(ApiError::no_such("subscription_item", id, "item"));
    }
    Ok(item)
}

/// `POST /v1/subscription_items`.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let id = params.required("subscription")?;
    let old = state
        .get_for::<Subscription>(&ctx.space, &id, "subscription")
        .map_err(|error| error.status(400))?;
    let asked = ItemAsked::read(state, ctx, &old.customer, &mut params)?;
    if asked.price().is_none() {
        return Err(ApiError::missing("price"));
    }
    let changed = change(state, ctx, &old, asked, params)?;
    let made = changed.items.iter().find(|item| old.item(&item.id).is_none());
    made.map(|item| item.render())
        .ok_or_else(|| ApiError::invalid("The subscription cannot have more items."))
}

/// `GET /v1/subscription_items/{id}`.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(living(state, &ctx.space, id)?.render())
}

/// `POST /v1/subscription_items/{id}`.
pub fn update(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let item = living(state, &ctx.space, id)?;
    let old = state.get::<Subscription>(&ctx.space, &item.subscription)?;
    let mut asked = ItemAsked::read(state, ctx, &old.customer, &mut params)?;
    asked.id = Some(item.id.clone());
    change(state, ctx, &old, asked, params)?;
    Ok(living(state, &ctx.space, id)?.render())
}

/// `DELETE /v1/subscription_items/{id}`.
pub fn delete(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let item = living(state, &ctx.space, id)?;
    let old = state.get::<Subscription>(&ctx.space, &item.subscription)?;
    params.boolean("clear_usage")?;
    let asked = ItemAsked {
        id: Some(item.id.clone()),
        deleted: true,
        ..ItemAsked::default()
    };
    change(state, ctx, &old, asked, params)?;
    Ok(state.get::<SubscriptionItem>(&ctx.space, id)?.render())
}

/// Changes the subscription by one item; `params` holds the rest of the request.
fn change(
    state: &mut State,
    ctx: &Ctx,
    old: &Arc<Subscription>,
    asked: ItemAsked,
    mut params: Params,
) -> Result<Arc<Subscription>, ApiError> {
    if old.status.is_over() {
        let message = "A canceled subscription can only update its cancellation_details and metadata.";
        return Err(ApiError::invalid(message));
    }
    let asked = vec![asked];
    subscription_asked::check(old, &asked)?;
    let mut how = How::read(state, old, &mut params)?;
    let behavior = subscription_pay::read(&mut params, false)?;
    how.paying = behavior.paying();
    params.finish()?;
    let preview = subscriptions::preview(old, &asked, None);
    subscription_change::check(state, old, preview, (&how, Vec::new()), behavior)?;
    let mut subscription = Subscription::clone(old);
    subscription_asked::apply(state, &mut subscription, asked);
    Ok(subscription_change::carry_out(
        state,
        &ctx.cause,
        old,
        subscription,
        how,
    ))
}

/// `GET /v1/subscription_items`, of a subscription.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let id = params.required("subscription")?;
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let subscription = state
        .get_for::<Subscription>(&ctx.space, &id, "subscription")
        .map_err(|error| error.status(400))?;
    let items: Vec<&Arc<SubscriptionItem>> = subscription.items.iter().collect();
    page.of(
        &items,
        "/v1/subscription_items",
        |item| &item.id,
        |item| item.render(),
    )
}
