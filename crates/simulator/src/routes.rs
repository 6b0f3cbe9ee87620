//! Which handler a method and a path are for, and what it answers with.

use serde_json::Value;

use crate::api::Ctx;
use crate::error::ApiError;
use crate::form::Params;
use crate::state::State;
use crate::{
    accounts, application_fee, balance, charge, confirm, confirmation_token, customer, event,
    payment_intents, payment_methods, webhook_endpoint,
};

type Answer = Result<Value, ApiError>;

/// A handler, by how many ids stand in its path.
enum Handler {
    None(fn(&mut State, &Ctx, Params) -> Answer),
    One(fn(&mut State, &Ctx, Params, &str) -> Answer),
    Two(fn(&mut State, &Ctx, Params, &str, &str) -> Answer),
}

/// A route.
pub struct Route {
    /// The kind of object it answers with, for `expand`.
    pub answers: &'static str,
    /// Whether a publishable key may use it.
    pub browser: bool,
    /// Whether only a publishable key may.
    pub browser_only: bool,
    handler: Handler,
}

impl Route {
    /// Calls the handler with the ids of the path.
    pub fn handle(&self, state: &mut State, ctx: &Ctx, params: Params, segments: &[&str]) -> Answer {
        let id = |at: usize| segments.get(at).copied().unwrap_or_default();
        match &self.handler {
            Handler::None(handle) => handle(state, ctx, params),
            Handler::One(handle) => handle(state, ctx, params, id(2)),
            Handler::Two(handle) => handle(state, ctx, params, id(2), id(4)),
        }
    }

    fn for_browser(self) -> Route {
        Route {
            browser: true,
            ..self
        }
    }
}

fn none(answers: &'static str, handle: fn(&mut State, &Ctx, Params) -> Answer) -> Route {
    Route {
        answers,
        browser: false,
        browser_only: false,
        handler: Handler::None(handle),
    }
}

fn one(answers: &'static str, handle: fn(&mut State, &Ctx, Params, &str) -> Answer) -> Route {
    Route {
        answers,
        browser: false,
        browser_only: false,
        handler: Handler::One(handle),
    }
}

fn two(answers: &'static str, handle: fn(&mut State, &Ctx, Params, &str, &str) -> Answer) -> Route {
    Route {
        answers,
        browser: false,
        browser_only: false,
        handler: Handler::Two(handle),
    }
}

/// The route of a request.
pub fn find(method: &str, segments: &[&str]) -> Option<Route> {
    let ["v1", rest @ ..] = segments else { return None };
    // Stripe's search is a route of its own, not an object of that name; it is not simulated.
    if let [_, "search"] = rest {
        return None;
    }
    payments(method, rest)
        .or_else(|| money(method, rest))
        .or_else(|| people(method, rest))
}

fn payments(method: &str, rest: &[&str]) -> Option<Route> {
    const LIST: &str = "list of payment_intent";
    const ONE: &str = "payment_intent";
    Some(match (method, rest) {
        ("POST", ["payment_intents"]) => none(ONE, payment_intents::create),
        ("GET", ["payment_intents"]) => none(LIST, payment_intents::list),
        ("GET", ["payment_intents", _]) => one(ONE, payment_intents::retrieve).for_browser(),
        ("POST", ["payment_intents", _]) => one(ONE, payment_intents::update),
        ("POST", ["payment_intents", _, "confirm"]) => one(ONE, confirm::confirm).for_browser(),
        ("POST", ["payment_intents", _, "cancel"]) => one(ONE, payment_intents::cancel),
        // No setup intent can be made yet, so there is none to be found.
        ("GET", ["setup_intents", _]) => one("setup_intent", no_setup_intent),
        ("POST", ["confirmation_tokens"]) => Route {
            browser: true,
            browser_only: true,
            ..none("confirmation_token", confirmation_token::create)
        },
        ("POST", ["test_helpers", "confirmation_tokens"]) => {
            none("confirmation_token", confirmation_token::create_for_test)
        }
        ("GET", ["confirmation_tokens", _]) => one("confirmation_token", confirmation_token::retrieve),
        ("POST", ["payment_methods"]) => none("payment_method", payment_methods::create).for_browser(),
        ("GET", ["payment_methods"]) => none("list of payment_method", payment_methods::list),
        ("GET", ["payment_methods", _]) => one("payment_method", payment_methods::retrieve),
        ("POST", ["payment_methods", _]) => one("payment_method", payment_methods::update),
        ("POST", ["payment_methods", _, "attach"]) => one("payment_method", payment_methods::attach_to),
        ("POST", ["payment_methods", _, "detach"]) => one("payment_method", payment_methods::detach),
        _ => return None,
    })
}

fn money(method: &str, rest: &[&str]) -> Option<Route> {
    Some(match (method, rest) {
        ("GET", ["charges"]) => none("list of charge", charge::list),
        ("GET", ["charges", _]) => one("charge", charge::retrieve),
        ("POST", ["charges", _]) => one("charge", charge::update),
        ("GET", ["application_fees"]) => none("list of application_fee", application_fee::list),
        ("GET", ["application_fees", _]) => one("application_fee", application_fee::retrieve),
        ("GET", ["balance"]) => none("balance", balance::retrieve),
        ("GET", ["balance_transactions"]) => none("list of balance_transaction", balance::transactions),
        ("GET", ["balance_transactions", _]) => one("balance_transaction", balance::transaction),
        _ => return None,
    })
}

fn people(method: &str, rest: &[&str]) -> Option<Route> {
    Some(match (method, rest) {
        ("POST", ["customers"]) => none("customer", customer::create),
        ("GET", ["customers"]) => none("list of customer", customer::list),
        ("GET", ["customers", _]) => one("customer", customer::retrieve),
        ("POST", ["customers", _]) => one("customer", customer::update),
        ("DELETE", ["customers", _]) => one("customer", customer::delete),
        ("GET", ["customers", _, "payment_methods"]) => {
            one("list of payment_method", payment_methods::list_of_customer)
        }
        ("GET", ["customers", _, "payment_methods", _]) => {
            two("payment_method", payment_methods::retrieve_of)
        }
        ("GET", ["account"]) => none("account", accounts::own),
        ("POST", ["accounts"]) => none("account", accounts::create),
        ("GET", ["accounts"]) => none("list of account", accounts::list),
        ("GET", ["accounts", _]) => one("account", accounts::retrieve),
        ("POST", ["accounts", _]) => one("account", accounts::update),
        ("POST", ["webhook_endpoints"]) => none("webhook_endpoint", webhook_endpoint::create),
        ("GET", ["webhook_endpoints"]) => none("list of webhook_endpoint", webhook_endpoint::list),
        ("GET", ["webhook_endpoints", _]) => one("webhook_endpoint", webhook_endpoint::retrieve),
        ("POST", ["webhook_endpoints", _]) => one("webhook_endpoint", webhook_endpoint::update),
        ("DELETE", ["webhook_endpoints", _]) => one("webhook_endpoint", webhook_endpoint::delete),
        ("GET", ["events"]) => none("list of event", event::list),
        ("GET", ["events", _]) => one("event", event::retrieve),
        _ => return None,
    })
}

fn no_setup_intent(_: &mut State, _: &Ctx, params: Params, id: &str) -> Answer {
    params.finish()?;
    Err(ApiError::no_such("setupintent", id, "intent"))
}
