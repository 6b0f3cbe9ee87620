//! What happens: one file per money story. Each decides in `domain`, carries it out in one transaction of
//! `store`, and calls `stripe` only between transactions. It knows no HTTP server, no runtime, no threads and
//! no HTML: the three ports are the database, Stripe's transport and the clock.

pub mod adoption;
pub mod alarms;
pub mod api_keys;
mod asked;
pub mod audit;
pub mod balance;
pub mod books;
pub mod breakers;
pub mod breaks;
pub mod business;
mod by;
pub mod clients;
mod clock;
pub mod collect;
pub mod connect;
pub mod credit_notes;
pub mod credits;
pub mod disconnect;
pub mod disputes;
pub mod endpoints;
mod failure;
pub mod fees;
pub mod held;
pub mod instance;
pub mod invariants;
pub mod invoice_moves;
pub mod invoice_settings;
pub mod invoicing;
mod keys;
pub mod limits;
pub mod mail_settings;
pub mod mails;
mod notify;
pub mod oauth;
mod observe;
pub mod offline_payments;
pub mod onboarding;
pub mod operations;
mod page_by_page;
pub mod page_tokens;
pub mod pay_links;
pub mod payer_view;
pub mod payment_settings;
pub mod payouts;
pub mod people;
pub mod planted;
pub mod platform_customers;
pub mod platform_keys;
pub mod proofs;
pub mod reconcile;
pub mod refunds;
pub mod reminders;
pub mod requests;
pub mod round_trips;
pub mod running;
pub mod seals;
mod spread;
pub mod stripe_events;
pub mod subscriptions;
pub mod tenants;
pub mod tie_out;
mod unreachable;

use std::sync::Arc;

pub use breakers::Breakers;
pub use by::{Actor, By, NOT_NAMED};
pub use clock::{Clock, Moment, now_ms};
pub use failure::Failure;
pub use keys::Keys;
pub use people::Hashing;

use domain::Mode;
use domain::fee::BasisPoints;
use store::Db;
use stripe::{Client, Secret};

/// Everything that the flows need. No global state: all hangs from here.
#[derive(Clone)]
pub struct App {
    /// The database.
    pub db: Db,
    /// Stripe in TEST mode, if its keys are configured.
    pub stripe_test: Option<Client>,
    /// Stripe in LIVE mode, if its keys are configured.
    pub stripe_live: Option<Client>,
    /// The clock and the source of randomness.
    pub clock: Arc<dyn Clock>,
    /// The platform's fee where a tenant has none of its own.
    pub fee: BasisPoints,
    /// What pay links are derived from (`SECRET_KEY`).
    pub link_key: Secret,
    /// What `SECRET_KEY` was before, newest first: links of before are still opened, and the seeds of
    /// authenticators read, with them.
    pub former_keys: Arc<[Secret]>,
    /// The mode in which *new* work is done (`STRIPE_MODE`). Rows finish in their own.
    pub active_mode: Mode,
    /// The pay page's host, where wallets can be shown on it: none for an address without a public name.
    pub wallet_domain: Option<Arc<str>>,
    /// Which accounts at Stripe do not answer at the moment.
    pub breakers: Arc<Breakers>,
    /// Where passwords are hashed: never within a transaction.
    pub hashing: Arc<dyn Hashing>,
    /// What this instance remembers of wrong passwords.
    pub watch: Arc<people::Watch>,
}

impl App {
    /// Stripe in the mode of a row.
    ///
    /// # Errors
    /// [`Failure::NotConfigured`] when that mode has no keys.
    pub fn stripe(&self, mode: Mode) -> Result<&Client, Failure> {
        let mode = if planted::is(planted::Bug::ModeOfSwitch) {
            self.active_mode
        } else {
            mode
        };
        let client = match mode {
            Mode::Test => self.stripe_test.as_ref(),
            Mode::Live => self.stripe_live.as_ref(),
        };
        client.ok_or(Failure::NotConfigured(mode))
    }

    /// Now, with randomness for the ids of one phase.
    pub fn moment(&self) -> Moment {
        Moment::new(self.clock.now(), self.clock.random())
    }
}
