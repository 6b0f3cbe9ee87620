//! A Stripe at the level of its API: stateful, deterministic, offline. The core is synchronous: a request
//! goes in, an answer comes out, and webhooks are handed out to be posted. HTTP is a thin layer over it.
//!
//! It imports nothing of the product it stands in for, so that it cannot share the product's mistakes.

// Stripe's charge has more fields than `json!` takes by default.
#![recursion_limit = "256"]

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

mod account;
mod account_details;
mod accounts;
mod address;
mod api;
mod application_fee;
mod balance;
mod billing;
mod caller;
mod card_table;
mod cards;
mod charge;
mod clock;
mod confirm;
mod confirmation_token;
mod connect;
mod control;
mod currency;
mod customer;
mod customers;
mod delivery;
mod error;
mod event;
mod expand;
mod fault;
mod form;
mod http;
mod idempotency;
mod ids;
mod limiter;
mod list;
mod money;
mod page;
mod payment_intent;
mod payment_intents;
mod payment_method;
mod payment_methods;
mod payments;
mod payouts;
mod persist;
mod request_log;
mod routes;
mod rows;
mod schedule;
mod search;
mod shim;
mod state;
mod table;
mod webhook_endpoint;

pub use api::VERSION;
pub use card_table::test_cards;
pub use clock::ClockMode;
pub use delivery::{Delivery, Outcome, signature};
pub use persist::Error;

/// How a simulator is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Ids, secrets and tokens come from it. A folder that already holds state keeps the seed it began with.
    pub seed: u64,
    /// A folder in which the state survives a restart.
    pub data: Option<PathBuf>,
    /// Where time comes from.
    pub clock: ClockMode,
    /// Whether webhooks may be posted to other machines than this one.
    pub deliver_anywhere: bool,
    /// Webhook endpoints of the platform that are there from the beginning.
    pub endpoints: Vec<EndpointConfig>,
    /// What the platform is called.
    pub platform_name: String,
    /// Whether the platform has a Connect application, which endpoints for connected accounts then show; one
    /// of an account without shows none.
    pub connect_application: bool,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            seed: 1,
            data: None,
            clock: ClockMode::Wall,
            deliver_anywhere: false,
            endpoints: Vec::new(),
            platform_name: "psa-pay".into(),
            connect_application: true,
        }
    }
}

/// A webhook endpoint of the platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointConfig {
    /// Where events go.
    pub url: String,
    /// What signs them, `whsec_…`.
    pub secret: String,
    /// The mode it is registered in. A LIVE endpoint for connected accounts gets their test events too.
    pub livemode: bool,
    /// Whether it gets the connected accounts' events, or the platform's own.
    pub connect: bool,
    /// The form of the events.
    #[serde(default)]
    pub kind: Kind,
}

/// The form in which an endpoint gets events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// With the object as it was.
    #[default]
    Snapshot,
    /// With the object's id only.
    Thin,
}

/// An HTTP request.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Method, in capitals.
    pub method: String,
    /// Path with its query.
    pub path: String,
    /// Headers; their names in any case.
    pub headers: Vec<(String, String)>,
    /// The body as it came.
    pub body: Vec<u8>,
}

impl Request {
    /// A header's value.
    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// An HTTP answer.
#[derive(Clone, Debug)]
pub struct Response {
    /// Status.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
    /// Whether and when the caller gets it.
    pub fate: Fate,
}

/// What becomes of an answer on its way, when a test asked for a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrives.
    Arrives,
    /// It arrives so many milliseconds late.
    Late(u64),
    /// The connection breaks: what was asked for is done, and the caller does not know.
    Lost,
    /// Nothing comes until the caller gives up: what was asked for is done.
    Hangs,
}

/// A simulated Stripe. Clones share one state.
#[derive(Clone)]
pub struct Simulator(Arc<Shared>);

struct Shared {
    state: Mutex<state::State>,
    /// Wakes whoever posts the webhooks.
    changed: tokio::sync::Notify,
}

impl Simulator {
    /// A simulator, empty or with the state of its folder.
    ///
    /// # Errors
    /// When the folder cannot be read or written, or holds something else.
    pub fn new(config: Config) -> Result<Simulator, Error> {
        let state = Mutex::new(persist::open(config)?);
        Ok(Simulator(Arc::new(Shared {
            state,
            changed: tokio::sync::Notify::new(),
        })))
    }

    /// Every route of the API: its method, and its path with `{}` for an id.
    pub fn routes() -> impl Iterator<Item = (&'static str, &'static str)> {
        routes::all().map(|route| (route.method, route.path))
    }

    /// Answers one request: of the API, of the browser frames, or of the control API. What is due by now has
    /// happened before.
    pub fn call(&self, request: &Request) -> Response {
        let mut state = self.state();
        schedule::run(&mut state);
        let response = api::answer(&mut state, request);
        persist::flush(&mut state);
        drop(state);
        self.0.changed.notify_one();
        response
    }

    /// The webhooks that are due, signed now. Each stays away until its outcome is reported.
    pub fn due_deliveries(&self) -> Vec<Delivery> {
        let mut state = self.state();
        schedule::run(&mut state);
        let due = delivery::due(&mut state);
        persist::flush(&mut state);
        due
    }

    /// Says what became of a webhook: 2xx ends it, all else lets it be tried again, until it is given up.
    pub fn report_delivery(&self, id: u64, outcome: Outcome) {
        let mut state = self.state();
        schedule::run(&mut state);
        delivery::report(&mut state, id, &outcome);
        persist::flush(&mut state);
        drop(state);
        self.0.changed.notify_one();
    }

    /// The simulator's time, in milliseconds since the epoch.
    pub fn now_ms(&self) -> i64 {
        self.state().clock.now_ms()
    }

    /// Moves the clock ahead; what becomes due on the way happens at its moment.
    pub fn advance_ms(&self, ms: i64) {
        let mut state = self.state();
        state.advance(ms);
        persist::flush(&mut state);
        drop(state);
        self.0.changed.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, state::State> {
        // A panic in a request is a bug that its caller sees; the state behind it is still whole rows.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the next thing is due that happens by itself, a delivery or a step of Stripe's, in milliseconds
    /// since the epoch: for whoever moves the clock.
    pub fn next_due_ms(&self) -> Option<i64> {
        next_due_ms(&self.state())
    }

    /// How long until something is due by itself; `None` when nothing is, or time stands still.
    fn due_in_ms(&self) -> Option<u64> {
        let state = self.state();
        let next_ms = next_due_ms(&state)?;
        let in_ms = u64::try_from(next_ms - state.clock.now_ms()).unwrap_or(0);
        (state.clock.runs() || in_ms == 0).then_some(in_ms)
    }

    fn deliver_anywhere(&self) -> bool {
        self.state().settings.deliver_anywhere
    }
}

fn next_due_ms(state: &state::State) -> Option<i64> {
    [state.schedule.next_ms(), state.deliveries.next_ms()]
        .into_iter()
        .flatten()
        .min()
}
