//! One instance of psa-pay in the town: its configuration, its clock, its flows over their three ports.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use domain::{Mode, Timestamp};
use flows::people::Cost;
use flows::{App, Breakers, Clock};
use server::clock::SystemClock;
use server::config::Config;
use server::demo;
use server::metrics::{Counted, Metrics};
use server::people::pool::Pool;
use server::routes;
use store::Db;
use stripe::transport::BoxFuture;
use stripe::{Client, HttpRequest, HttpResponse, Https, NoAnswer, Transport};

use super::Wishes;

/// The machine's clock, moved by the test; or one that stands still but for that, with randomness of a seed.
#[derive(Default)]
pub struct MovedClock {
    machine: SystemClock,
    ahead_ms: AtomicI64,
    /// The machine's time at which it was stopped.
    stopped: OnceLock<Timestamp>,
    still: Option<Still>,
    /// Whether whoever asks for the time panics, and how many did.
    panics: AtomicBool,
    panicked: AtomicU64,
}

/// Time and randomness that depend on nothing but the test.
struct Still {
    start_ms: i64,
    seed: AtomicU64,
    drawn: AtomicU64,
}

impl MovedClock {
    /// A clock that only the test moves.
    pub fn still(start_ms: i64) -> MovedClock {
        MovedClock {
            still: Some(Still {
                start_ms,
                seed: AtomicU64::new(0),
                drawn: AtomicU64::new(0),
            }),
            ..MovedClock::default()
        }
    }

    /// From here on, what is drawn depends on this seed alone.
    pub fn reseed(&self, seed: u64) {
        let still = self.still.as_ref().expect("a clock that stands still");
        still.seed.store(seed, Ordering::SeqCst);
        still.drawn.store(0, Ordering::SeqCst);
    }

    /// Now, in seconds since the epoch.
    pub fn now_s(&self) -> i64 {
        self.now().seconds()
    }

    /// From now on only the test moves it.
    pub fn stop(&self) {
        self.stopped.get_or_init(|| self.machine.now());
    }

    /// From now on whoever asks for the time panics; or no longer.
    pub fn set_panics(&self, panics: bool) {
        self.panics.store(panics, Ordering::SeqCst);
    }

    /// How many have.
    pub fn panicked(&self) -> u64 {
        self.panicked.load(Ordering::SeqCst)
    }

    /// Moves the clock forward; or back, by less than nothing.
    pub fn advance_ms(&self, ms: i64) {
        self.ahead_ms.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        if self.panics.load(Ordering::SeqCst) {
            self.panicked.fetch_add(1, Ordering::SeqCst);
            panic!("planted: nobody knows the time");
        }
        let base = match (&self.still, self.stopped.get()) {
            (Some(still), _) => Timestamp::from_ms(still.start_ms),
            (None, Some(stopped)) => *stopped,
            (None, None) => self.machine.now(),
        };
        base.plus_ms(self.ahead_ms.load(Ordering::SeqCst))
    }

    fn random(&self) -> u128 {
        match &self.still {
            Some(still) => {
                let drawn = still.drawn.fetch_add(1, Ordering::SeqCst) + 1;
                let seed = u128::from(still.seed.load(Ordering::SeqCst));
                let spread = seed.wrapping_mul(0x2545_F491_4F6C_DD1D_9E37_79B9_7F4A_7C15);
                spread ^ u128::from(drawn).wrapping_mul(0xD1B5_4A32_D192_ED03_AEF1_7502_108E_F2D9)
            }
            None => self.machine.random(),
        }
    }
}

/// Passwords of tests are worth nothing, and hashing them right takes too long for so many.
const CHEAP: Cost = Cost {
    memory_kib: 8,
    passes: 1,
    lanes: 1,
};

/// What opens `/metrics` in town.
pub const METRICS_TOKEN: &str = "a_token_for_the_metrics_of_a_test";

/// The configuration, through the same parsing as everybody's.
pub fn config(wishes: &Wishes, url: &str, stripe_url: &str, client_id: &str) -> Config {
    let mut variables = vec![
        ("STRIPE_MODE", wishes.mode.word().to_owned()),
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
        ("STRIPE_TEST_CLIENT_ID", client_id.to_owned()),
        ("STRIPE_LIVE_CLIENT_ID", client_id.to_owned()),
        ("STRIPE_API_BASE", stripe_url.to_owned()),
        ("PUBLIC_URL", url.to_owned()),
        ("TRUSTED_PROXIES", "127.0.0.1".to_owned()),
        ("PLATFORM_FEE_BPS", wishes.fee_bps.to_string()),
        ("METRICS_TOKEN", METRICS_TOKEN.to_owned()),
        (
            "SECRET_KEY",
            "a_secret_key_of_a_test_long_enough_for_it".to_owned(),
        ),
    ];
    if let Some(port) = wishes.smtp_port {
        variables.push(("SMTP_URL", format!("smtp://127.0.0.1:{port}")));
        variables.push(("MAIL_FROM", crate::mails::FROM.to_owned()));
    }
    let lookup = |name: &str| {
        variables
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.clone())
    };
    Config::from_lookup(&lookup).unwrap_or_else(|errors| panic!("{errors:?}"))
}

/// The real transport, but for the pauses between two tries of a call: how long they are is the table of
/// `stripe`'s own tests, and here they would only be waited for.
struct Hurried(Https);

/// The longest pause: the simulator's writes of one object are still let through one after the other.
const PAUSE_MAX_MS: u64 = 5;

impl Transport for Hurried {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, NoAnswer>> {
        self.0.send(request)
    }

    fn pause(&self, ms: u64) -> BoxFuture<'_, ()> {
        self.0.pause(ms.min(PAUSE_MAX_MS))
    }
}

/// The flows over the database, the simulator and the town's clock.
pub fn app(db: Db, config: &Config, clock: Arc<MovedClock>, metrics: &Metrics) -> App {
    let hurried = Arc::new(Hurried(Https::loopback_only().unwrap()));
    let transport: Arc<dyn Transport> = Arc::new(Counted::new(hurried, metrics.clone()));
    let clock: Arc<dyn Clock> = clock;
    let breakers = Breakers::new(Arc::clone(&clock));
    let client = |mode| {
        let keys = config.keys(mode).unwrap();
        Client::new(
            config.stripe_api_base.api_origin(),
            keys.secret_key.clone(),
            transport.clone(),
        )
        .with_client_id(keys.client_id.clone())
        .with_gate(breakers.gate(mode))
        .with_clock(flows::now_ms(&clock))
    };
    App {
        db,
        stripe_test: Some(client(Mode::Test)),
        stripe_live: Some(client(Mode::Live)),
        clock,
        fee: config.fee,
        link_key: config.secret_key.clone(),
        former_keys: config.former_keys.clone().into(),
        active_mode: config.mode,
        wallet_domain: config.public_url.wallet_domain().map(Into::into),
        breakers,
        hashing: Arc::new(Pool::of(CHEAP, 1).unwrap()),
        watch: Arc::default(),
    }
}

/// Whether money moves at an address, so that a request there needs an idempotency key.
pub fn moves_money(path: &str) -> bool {
    let is_at = |known: &str| {
        let (asked, known): (Vec<&str>, Vec<&str>) = (path.split('/').collect(), known.split('/').collect());
        let same = |(asked, known): (&&str, &&str)| asked == known || known.starts_with('{');
        asked.len() == known.len() && asked.iter().zip(&known).all(same)
    };
    routes::all()
        .iter()
        .any(|route| route.moves_money && is_at(route.path))
}
