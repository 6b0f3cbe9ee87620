//! One instance of psa-pay in the town: its configuration, its clock, its flows over their three ports.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use domain::{Mode, Timestamp};
use flows::{App, Clock};
use server::clock::SystemClock;
use server::config::Config;
use server::demo;
use store::Db;
use stripe::{Client, Https, Transport};

/// The machine's clock, moved by the test.
#[derive(Default)]
pub struct MovedClock {
    machine: SystemClock,
    ahead_ms: AtomicI64,
}

impl MovedClock {
    /// Now, in seconds since the epoch.
    pub fn now_s(&self) -> i64 {
        self.now().seconds()
    }

    /// Moves the clock forward.
    pub fn advance_ms(&self, ms: i64) {
        self.ahead_ms.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        self.machine.now().plus_ms(self.ahead_ms.load(Ordering::SeqCst))
    }

    fn random(&self) -> u128 {
        self.machine.random()
    }
}

/// The configuration, through the same parsing as everybody's.
pub fn config(mode: Mode, url: &str, stripe_url: &str, fee_bps: i64) -> Config {
    let variables = [
        ("STRIPE_MODE", mode.word().to_owned()),
        ("STRIPE_TEST_SECRET_KEY", "sk_test_psapay_demo".to_owned()),
        ("STRIPE_TEST_PUBLISHABLE_KEY", "pk_test_psapay_demo".to_owned()),
        ("STRIPE_TEST_WEBHOOK_SECRET", demo::TEST_WEBHOOK_SECRET.to_owned()),
        (
            "STRIPE_TEST_WEBHOOK_SECRET_THIN",
            "whsec_psapay_demo_test_thin".to_owned(),
        ),
        ("STRIPE_LIVE_SECRET_KEY", "sk_live_psapay_demo".to_owned()),
        ("STRIPE_LIVE_PUBLISHABLE_KEY", "pk_live_psapay_demo".to_owned()),
        ("STRIPE_LIVE_WEBHOOK_SECRET", demo::LIVE_WEBHOOK_SECRET.to_owned()),
        ("STRIPE_API_BASE", stripe_url.to_owned()),
        ("PUBLIC_URL", url.to_owned()),
        ("PLATFORM_FEE_BPS", fee_bps.to_string()),
        (
            "SECRET_KEY",
            "a_secret_key_of_a_test_long_enough_for_it".to_owned(),
        ),
    ];
    let lookup = |name: &str| {
        variables
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.clone())
    };
    Config::from_lookup(&lookup).unwrap_or_else(|errors| panic!("{errors:?}"))
}

/// The flows over the database, the simulator and the town's clock.
pub fn app(db: Db, config: &Config, clock: Arc<MovedClock>) -> App {
    let transport: Arc<dyn Transport> = Arc::new(Https::loopback_only().unwrap());
    let client = |mode| {
        let keys = config.keys(mode).unwrap();
        Client::new(
            config.stripe_api_base.api_origin(),
            keys.secret_key.clone(),
            transport.clone(),
        )
    };
    App {
        db,
        stripe_test: Some(client(Mode::Test)),
        stripe_live: Some(client(Mode::Live)),
        clock,
        fee: config.fee,
        link_key: config.secret_key.clone().unwrap(),
        active_mode: config.mode,
    }
}
