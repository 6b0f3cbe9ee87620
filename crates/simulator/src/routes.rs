//! Which handler a method and a path are for, and what it answers with: one table a family of routes.

use serde_json::Value;

use crate::api::Ctx;
use crate::error::ApiError;
use crate::form::Params;
use crate::state::State;
use crate::{
    application_fee, balance, billing, confirm, confirmation_token, connect, customer, customers, event,
    money, payment_intents, payment_methods, payments, payouts, search, webhook_endpoint,
};

type Answer = Result<Value, ApiError>;

/// A handler, by how many ids stand in its path.
#[derive(Clone, Copy)]
pub enum Handler {
    /// None.
    Plain(fn(&mut State, &Ctx, Params) -> Answer),
    /// One.
    One(fn(&mut State, &Ctx, Params, &str) -> Answer),
    /// Two.
    Two(fn(&mut State, &Ctx, Params, &str, &str) -> Answer),
}

use Handler::{One, Plain, Two};

/// Which keys may use a route.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// Secret ones.
    Secret,
    /// Publishable ones, too.
    Any,
    /// Only publishable ones.
    Publishable,
}

/// A route.
pub struct Route {
    /// The method, in capitals.
    pub method: &'static str,
    /// The path, with `{}` for an id.
    pub path: &'static str,
    /// The kind of object it answers with, for `expand`; `list of …` for a list.
    pub answers: &'static str,
    /// Which keys may use it.
    pub keys: Keys,
    handler: Handler,
}

impl Route {
    /// A route that reads.
    pub const fn get(path: &'static str, answers: &'static str, handler: Handler) -> Route {
        Route::new("GET", path, answers, handler)
    }

    /// A route that acts.
    pub const fn post(path: &'static str, answers: &'static str, handler: Handler) -> Route {
        Route::new("POST", path, answers, handler)
    }

    /// A route that deletes.
    pub const fn delete(path: &'static str, answers: &'static str, handler: Handler) -> Route {
        Route::new("DELETE", path, answers, handler)
    }

    const fn new(method: &'static str, path: &'static str, answers: &'static str, handler: Handler) -> Route {
        Route {
            method,
            path,
            answers,
            keys: Keys::Secret,
            handler,
        }
    }

    /// The same for these keys.
    pub const fn keys(self, keys: Keys) -> Route {
        Route { keys, ..self }
    }

    /// Whether it is for a path; a word of its own wins over an id by standing earlier in the table.
    fn fits(&self, method: &str, path: &str) -> bool {
        // Most routes differ before their first id, and every request looks through all.
        let fixed = self.path.find('{').unwrap_or(self.path.len());
        let (mut ours, mut theirs) = (self.path.split('/'), path.split('/'));
        self.method == method
            && path.as_bytes().starts_with(&self.path.as_bytes()[..fixed])
            && loop {
                match (ours.next(), theirs.next()) {
                    (None, None) => break true,
                    (Some("{}"), Some(id)) if !id.is_empty() => {}
                    (Some(one), Some(other)) if one == other => {}
                    _ => break false,
                }
            }
    }

    /// Calls the handler with the ids of the path.
    pub fn handle(&self, state: &mut State, ctx: &Ctx, params: Params, path: &str) -> Answer {
        let mut ids = self
            .path
            .split('/')
            .zip(path.split('/'))
            .filter(|(ours, _)| *ours == "{}")
            .map(|(_, id)| id);
        let mut id = || ids.next().unwrap_or_default();
        match self.handler {
            Plain(handle) => handle(state, ctx, params),
            One(handle) => handle(state, ctx, params, id()),
            Two(handle) => handle(state, ctx, params, id(), id()),
        }
    }
}

/// Every route there is. Where two fit, the first counts.
pub fn all() -> impl Iterator<Item = &'static Route> {
    [
        search::ROUTES,
        payments::ROUTES,
        payouts::ROUTES,
        money::ROUTES,
        PAYMENTS,
        MONEY,
        PEOPLE,
        PLATFORM,
        billing::CATALOG,
        billing::INVOICES,
        billing::CLOCKS,
        billing::SCHEDULES,
        billing::SUBSCRIPTIONS,
        connect::ROUTES,
    ]
    .into_iter()
    .flatten()
}

/// The route of a request.
pub fn find(method: &str, path: &str) -> Option<&'static Route> {
    // Stripe's search is a route of its own, not an object of that name.
    if path.ends_with("/search") {
        return search::ROUTES.iter().find(|route| route.fits(method, path));
    }
    all().find(|route| route.fits(method, path))
}

static PAYMENTS: &[Route] = &[
    Route::post(
        "/v1/payment_intents",
        "payment_intent",
        Plain(payment_intents::create),
    ),
    Route::get(
        "/v1/payment_intents",
        "list of payment_intent",
        Plain(payment_intents::list),
    ),
    Route::get(
        "/v1/payment_intents/{}",
        "payment_intent",
        One(payment_intents::retrieve),
    )
    .keys(Keys::Any),
    Route::post(
        "/v1/payment_intents/{}",
        "payment_intent",
        One(payment_intents::update),
    ),
    Route::post(
        "/v1/payment_intents/{}/confirm",
        "payment_intent",
        One(confirm::confirm),
    )
    .keys(Keys::Any),
    Route::post(
        "/v1/payment_intents/{}/cancel",
        "payment_intent",
        One(payment_intents::cancel),
    ),
    Route::post(
        "/v1/confirmation_tokens",
        "confirmation_token",
        Plain(confirmation_token::create),
    )
    .keys(Keys::Publishable),
    Route::post(
        "/v1/test_helpers/confirmation_tokens",
        "confirmation_token",
        Plain(confirmation_token::create_for_test),
    ),
    Route::get(
        "/v1/confirmation_tokens/{}",
        "confirmation_token",
        One(confirmation_token::retrieve),
    ),
    Route::post(
        "/v1/payment_methods",
        "payment_method",
        Plain(payment_methods::create),
    )
    .keys(Keys::Any),
    Route::get(
        "/v1/payment_methods",
        "list of payment_method",
        Plain(payment_methods::list),
    ),
    Route::get(
        "/v1/payment_methods/{}",
        "payment_method",
        One(payment_methods::retrieve),
    ),
    Route::post(
        "/v1/payment_methods/{}",
        "payment_method",
        One(payment_methods::update),
    ),
    Route::post(
        "/v1/payment_methods/{}/attach",
        "payment_method",
        One(payment_methods::attach_to),
    ),
    Route::post(
        "/v1/payment_methods/{}/detach",
        "payment_method",
        One(payment_methods::detach),
    ),
];

static MONEY: &[Route] = &[
    Route::get(
        "/v1/application_fees",
        "list of application_fee",
        Plain(application_fee::list),
    ),
    Route::get(
        "/v1/application_fees/{}",
        "application_fee",
        One(application_fee::retrieve),
    ),
    Route::get("/v1/balance", "balance", Plain(balance::retrieve)),
    Route::get(
        "/v1/balance_transactions",
        "list of balance_transaction",
        Plain(balance::transactions),
    ),
    Route::get(
        "/v1/balance_transactions/{}",
        "balance_transaction",
        One(balance::transaction),
    ),
];

static PEOPLE: &[Route] = &[
    Route::post("/v1/customers", "customer", Plain(customer::create)),
    Route::get("/v1/customers", "list of customer", Plain(customers::list)),
    Route::get("/v1/customers/{}", "customer", One(customers::retrieve)),
    Route::post("/v1/customers/{}", "customer", One(customers::update)),
    Route::delete("/v1/customers/{}", "customer", One(customers::delete)),
    Route::get(
        "/v1/customers/{}/payment_methods",
        "list of payment_method",
        One(payment_methods::list_of_customer),
    ),
    Route::get(
        "/v1/customers/{}/payment_methods/{}",
        "payment_method",
        Two(payment_methods::retrieve_of),
    ),
];

static PLATFORM: &[Route] = &[
    Route::post(
        "/v1/webhook_endpoints",
        "webhook_endpoint",
        Plain(webhook_endpoint::create),
    ),
    Route::get(
        "/v1/webhook_endpoints",
        "list of webhook_endpoint",
        Plain(webhook_endpoint::list),
    ),
    Route::get(
        "/v1/webhook_endpoints/{}",
        "webhook_endpoint",
        One(webhook_endpoint::retrieve),
    ),
    Route::post(
        "/v1/webhook_endpoints/{}",
        "webhook_endpoint",
        One(webhook_endpoint::update),
    ),
    Route::delete(
        "/v1/webhook_endpoints/{}",
        "webhook_endpoint",
        One(webhook_endpoint::delete),
    ),
    Route::get("/v1/events", "list of event", Plain(event::list)),
    Route::get("/v1/events/{}", "event", One(event::retrieve)),
];
