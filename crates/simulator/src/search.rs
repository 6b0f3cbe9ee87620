//! Search: `GET /v1/{kind}/search` in Stripe's query language, newest first. It reads an index that a write
//! reaches only after a while, as Stripe's does.

use serde_json::{Value, json};

use crate::api::Ctx;
use crate::billing::invoice::Invoice;
use crate::billing::price::Price;
use crate::billing::product::Product;
use crate::billing::subscription::Subscription;
use crate::charge::Charge;
use crate::customer::Customer;
use crate::error::ApiError;
use crate::form::Params;
use crate::list::Page;
use crate::payment_intent::PaymentIntent;
use crate::routes::{Handler::Plain, Route};
use crate::state::State;

mod fields;
mod index;
mod query;

use fields::Searched;
pub use index::{Index, takes};
use query::Query;

/// Every search there is. A kind is searched once its rows exist.
pub static ROUTES: &[Route] = &[
    Route::get(
        "/v1/payment_intents/search",
        "search of payment_intent",
        Plain(answer::<PaymentIntent>),
    ),
    Route::get("/v1/charges/search", "search of charge", Plain(answer::<Charge>)),
    Route::get(
        "/v1/customers/search",
        "search of customer",
        Plain(answer::<Customer>),
    ),
    Route::get(
        "/v1/products/search",
        "search of product",
        Plain(answer::<Product>),
    ),
    Route::get(
        "/v1/invoices/search",
        "search of invoice",
        Plain(answer::<Invoice>),
    ),
    Route::get(
        "/v1/subscriptions/search",
        "search of subscription",
        Plain(answer::<Subscription>),
    ),
    Route::get("/v1/prices/search", "search of price", Plain(answer::<Price>)),
];

fn answer<T: Searched>(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let text = params.required("query")?;
    let limit = Page::limit(&mut params)?;
    let page = params.text("page")?;
    let expanded = params.texts("expand")?.unwrap_or_default();
    params.finish()?;
    let query = Query::parse(&text)?;
    query.check::<T>()?;
    let after = page.map(|page| place::<T>(state, ctx, &page)).transpose()?;
    let now_ms = state.now_ms;
    let found = |row: &&std::sync::Arc<T>| match state.index.old(row.as_ref(), now_ms) {
        index::Known::Current => query.finds(state, row.as_ref()),
        index::Known::Before(old) => T::of(&old).is_some_and(|old| query.finds(state, old)),
        index::Known::Nothing => false,
    };
    let newest_first = T::table(state).before(&ctx.space, after.unwrap_or(usize::MAX));
    let mut rows: Vec<&std::sync::Arc<T>> = newest_first.filter(found).take(limit + 1).collect();
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| has_more).map(|row| token(row.id()));
    let data: Vec<Value> = rows.into_iter().map(|row| row.shown(state)).collect();
    let mut result = json!({
        "object": "search_result", "url": format!("/v1/{}/search", T::PATH), "has_more": has_more,
        "data": data, "next_page": next,
    });
    if expanded.iter().any(|field| field == "total_count") {
        let count = state.of::<T>(&ctx.space).filter(found).count();
        result["total_count"] = count.into();
    }
    Ok(result)
}

/// The cursor to what comes after a row; callers take it as it is.
fn token(id: &str) -> String {
    hex::encode(id)
}

fn place<T: Searched>(state: &State, ctx: &Ctx, token: &str) -> Result<usize, ApiError> {
    let id = hex::decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    id.and_then(|id| T::table(state).at(&ctx.space, &id))
        .and_then(|row| T::table(state).place(row))
        .ok_or_else(|| {
            ApiError::invalid("Invalid page: it has to be the `next_page` of an earlier search.")
                .param("page")
        })
}
