//! Twenty tenants with accounts in three currencies at a Stripe in process, and psa-pay beside it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::fee::BasisPoints;
use domain::{ClientId, Currency, Mode, Scope, Timestamp};
use flows::breakers::Breakers;
use flows::clients::{self, Details};
use flows::{Actor, App, By, Clock, onboarding, reconcile, stripe_events, tenants};
use serde_json::{Value, json};
use simulator::{ClockMode, EndpointConfig, Outcome, Request, Simulator};
use store::db::{Inline, Row};
use store::{Db, Sql, migrate};
use stripe::events::Kind;
use stripe::transport::BoxFuture;
use stripe::{Client, HttpRequest, HttpResponse, NoAnswer, Secret, Transport};

use crate::dice::Dice;
use crate::executor::run;

/// 1 January 2026, in UTC.
const START_MS: i64 = 1_767_225_600_000;
/// Twelve MSPs in dollars, five in euros, three in pounds.
const TENANTS: [(&str, &str, usize); 3] = [("US", "usd", 12), ("DE", "eur", 5), ("GB", "gbp", 3)];
const CLIENTS: [&str; 3] = [
    "Harbor Dental Group",
    "Alder & Finch Architects",
    "Kestrel Logistics",
];

pub static BY: By = By::new(Actor::CommandLine);
pub static PAYER: By = By::new(Actor::Unknown);

/// Stripe's transport, in process.
struct InProcess(Simulator);

impl Transport for InProcess {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, NoAnswer>> {
        Box::pin(async move {
            let headers = request
                .headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()));
            let answer = self.0.call(&Request {
                method: request.method.as_str().to_owned(),
                path: request.url.trim_start_matches("http://simulator").to_owned(),
                headers: headers.collect(),
                body: request.body,
            });
            let headers = answer
                .headers
                .into_iter()
                .map(|(name, value)| (name.to_ascii_lowercase(), value));
            Ok(HttpResponse {
                status: answer.status,
                headers: headers.collect(),
                body: answer.body,
            })
        })
    }

    fn pause(&self, ms: u64) -> BoxFuture<'_, ()> {
        self.0.advance_ms(i64::try_from(ms).unwrap());
        Box::pin(async {})
    }
}

struct SeededClock {
    simulator: Simulator,
    seed: u64,
    count: AtomicU64,
}

impl Clock for SeededClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.simulator.now_ms())
    }

    fn random(&self) -> u128 {
        let count = u128::from(self.count.fetch_add(1, Ordering::Relaxed)) + 1 + u128::from(self.seed << 32);
        count.wrapping_mul(0x2545_F491_4F6C_DD1D_9E37_79B9_7F4A_7C15)
    }
}

/// A tenant, its account and its clients.
pub struct Msp {
    pub scope: Scope,
    pub account: String,
    pub currency: Currency,
    pub clients: Vec<ClientId>,
}

pub struct Town {
    pub app: App,
    pub simulator: Simulator,
    pub msps: Vec<Msp>,
    pub dice: Dice,
    counts: RefCell<BTreeMap<&'static str, u64>>,
}

impl Town {
    pub fn new(seed: u64) -> Town {
        let endpoint = |connect| EndpointConfig {
            url: "http://127.0.0.1:1/api/stripe/webhook".to_owned(),
            secret: "whsec_psapay_demo_test".to_owned(),
            livemode: false,
            connect,
            kind: simulator::Kind::Snapshot,
        };
        let simulator = Simulator::new(simulator::Config {
            seed,
            clock: ClockMode::Manual { start_ms: START_MS },
            endpoints: vec![endpoint(false), endpoint(true)],
            ..simulator::Config::default()
        })
        .unwrap();
        let app = app(&Inline::new().unwrap(), &simulator, seed);
        run(migrate::migrate(&app.db, START_MS)).unwrap();
        let mut town = Town {
            app,
            simulator,
            msps: Vec::new(),
            dice: Dice::new(seed),
            counts: RefCell::default(),
        };
        for (country, currency, count) in TENANTS {
            for nth in 1..=count {
                let msp = town.add(country, currency, nth);
                town.msps.push(msp);
            }
        }
        town
    }

    fn add(&self, country: &str, currency: &str, nth: usize) -> Msp {
        let (app, name) = (&self.app, format!("Managed Services {country} {nth}"));
        let tenant = run(tenants::add(app, &BY, app.moment(), &name, None, &[])).unwrap();
        let scope = Scope {
            tenant: tenant.0.id,
            mode: Mode::Test,
        };
        let account = json!({"country": country, "email": "owner@example.test", "business_name": name,
            "default_currency": currency, "livemode": false, "bank_account": "000123456789"});
        let account = self.control("/_simulator/accounts", &account);
        let account = account["id"].as_str().unwrap().to_owned();
        run(onboarding::connect(app, &scope, &BY, &account)).unwrap();
        let client = |name| {
            run(clients::add(
                app,
                &scope,
                &BY,
                app.moment(),
                Details::named(name, None),
            ))
            .unwrap()
            .id
        };
        Msp {
            account,
            currency: Currency::parse(currency).unwrap(),
            clients: CLIENTS.map(client).to_vec(),
            scope,
        }
    }

    /// Something happened.
    pub fn count(&self, what: &'static str) {
        *self.counts.borrow_mut().entry(what).or_default() += 1;
    }

    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.counts.borrow().clone()
    }

    /// Webhooks come in and are applied, until nothing is due.
    pub fn hear(&self) {
        loop {
            for delivery in self.simulator.due_deliveries() {
                let signed_as = stripe_events::SignedAs {
                    mode: Mode::Test,
                    kind: Kind::Snapshot,
                };
                run(stripe_events::ingest(&self.app, &delivery.body, signed_as)).unwrap();
                self.simulator
                    .report_delivery(delivery.id, Outcome::Answered(200));
            }
            let events = run(stripe_events::take(&self.app, 100)).unwrap();
            if events.is_empty() {
                return;
            }
            for event in events {
                run(stripe_events::apply(&self.app, &event)).unwrap();
            }
        }
    }

    /// Time passes, and what is to be done from time to time is done.
    pub fn pass(&self, ms: i64) {
        self.simulator.advance_ms(ms);
        self.hear();
    }

    pub fn reconcile(&self) {
        run(reconcile::run(&self.app)).unwrap();
        self.hear();
    }

    /// A call of Stripe's API by the account's owner, or, without an account, by the platform's.
    pub fn stripe(&self, account: &str, method: &str, path: &str, form: &str) -> Value {
        self.called("sk_test_psapay_demo", account, method, path, form)
    }

    /// The same with another key: a payer's browser has the publishable one.
    pub fn called(&self, key: &str, account: &str, method: &str, path: &str, form: &str) -> Value {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut headers = vec![
            header("authorization", &format!("Bearer {key}")),
            header("content-type", "application/x-www-form-urlencoded"),
        ];
        if !account.is_empty() {
            headers.push(header("stripe-account", account));
        }
        let answer = self.simulator.call(&Request {
            method: method.to_owned(),
            path: path.to_owned(),
            headers,
            body: form.as_bytes().to_vec(),
        });
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// Everything that a list of Stripe's has, oldest first.
    pub fn list(&self, account: &str, path: &str) -> Vec<Value> {
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let page = self.stripe(account, "GET", &format!("{path}?limit=100{after}"), "");
            let data = page["data"]
                .as_array()
                .unwrap_or_else(|| panic!("{path}: {page}"));
            all.extend(data.iter().cloned());
            match data.last() {
                Some(last) if page["has_more"] == true => {
                    after = format!("&starting_after={}", last["id"].as_str().unwrap());
                }
                _ => break,
            }
        }
        all.reverse();
        all
    }

    pub fn control(&self, path: &str, body: &Value) -> Value {
        let answer = self.simulator.call(&Request {
            method: "POST".to_owned(),
            path: path.to_owned(),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body.to_string().into_bytes(),
        });
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(answer.status < 300, "{path}: {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    pub fn rows(&self, sql: &'static Sql) -> Vec<Row> {
        run(self.app.db.read(move |tx| tx.query(sql, &[]))).unwrap_or_else(|e: store::Error| panic!("{e}"))
    }
}

fn app(inline: &Inline, simulator: &Simulator, seed: u64) -> App {
    let transport: Arc<dyn Transport> = Arc::new(InProcess(simulator.clone()));
    let clock: Arc<dyn Clock> = Arc::new(SeededClock {
        simulator: simulator.clone(),
        seed,
        count: AtomicU64::new(0),
    });
    let breakers = Breakers::new(Arc::clone(&clock));
    let key = Secret::new("sk_test_psapay_demo");
    let client = Client::new("http://simulator", key, transport);
    let client = client
        .with_gate(breakers.gate(Mode::Test))
        .with_clock(flows::now_ms(&clock));
    App {
        db: Db::inline_from(inline),
        stripe_test: Some(client),
        stripe_live: None,
        clock,
        breakers,
        hashing: Arc::new(flows::people::Inline(flows::people::COST)),
        watch: Arc::default(),
        fee: BasisPoints::new(300).unwrap(),
        link_key: Secret::new("a secret key of a test, long enough for it"),
        former_keys: Arc::default(),
        active_mode: Mode::Test,
        wallet_domain: None,
    }
}
