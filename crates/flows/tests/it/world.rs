//! A database in memory, the simulator in process, a clock that only moves when it is told to, and one tenant
//! with an open invoice and its pay link.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use domain::fee::BasisPoints;
use domain::invoice::{Line, Quantity, TaxRate};
use domain::{ClientId, Currency, InvoiceId, Mode, Money, Scope, Timestamp};
use flows::clients::{self, Details};
use flows::invoicing::{self, Draft};
use flows::payer_view::{self, Look};
use flows::{
    Actor, App, Breakers, By, Clock, onboarding, page_tokens, pay_links, reconcile, stripe_events, tenants,
};
use simulator::{ClockMode, EndpointConfig, Fate, Outcome, Request, Simulator};
use store::db::{Inline, Mishaps, Row};
use store::{Db, Sql};
use stripe::events::Kind;
use stripe::transport::BoxFuture;
use stripe::{Client, HttpRequest, HttpResponse, NoAnswer, Secret, Transport};

use crate::executor::run;
use crate::tables::{START_MS, empty};

const SECRET: &str = "whsec_psapay_demo_test";

/// Stripe's transport, in process: a call waits, acts, and waits again.
struct InProcess(Simulator);

impl Transport for InProcess {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, NoAnswer>> {
        Box::pin(async move {
            wait().await;
            let path = request.url.trim_start_matches("http://simulator").to_owned();
            let headers = request
                .headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()));
            let answer = self.0.call(&Request {
                method: request.method.as_str().to_owned(),
                path,
                headers: headers.collect(),
                body: request.body,
            });
            wait().await;
            if answer.fate == Fate::Lost {
                return Err(NoAnswer("the answer was lost".to_owned()));
            }
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
        Box::pin(async move {
            self.0.advance_ms(i64::try_from(ms).unwrap());
            wait().await;
        })
    }
}

async fn wait() {
    let mut waited = false;
    poll_fn(|_| {
        if std::mem::replace(&mut waited, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

/// The simulator's clock and a counter spread over 128 bits.
struct SeededClock {
    simulator: Simulator,
    count: AtomicU64,
}

impl Clock for SeededClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.simulator.now_ms())
    }

    fn random(&self) -> u128 {
        let count = u128::from(self.count.fetch_add(1, Ordering::Relaxed)) + 1;
        count.wrapping_mul(0x2545_F491_4F6C_DD1D_9E37_79B9_7F4A_7C15)
    }
}

/// One tenant and its open invoice of 123.45 USD.
pub struct World {
    pub app: App,
    pub simulator: Simulator,
    inline: Inline,
    backup: Option<Inline>,
    pub account: String,
    pub scope: Scope,
    pub client: ClientId,
    pub link: String,
}

impl World {
    pub fn new(seed: u64) -> World {
        let simulator = Simulator::new(simulator::Config {
            seed,
            clock: ClockMode::Manual { start_ms: START_MS },
            endpoints: [false, true]
                .map(|connect| EndpointConfig {
                    url: "http://127.0.0.1:1/api/stripe/webhook".to_owned(),
                    secret: SECRET.to_owned(),
                    livemode: false,
                    connect,
                    kind: simulator::Kind::Snapshot,
                })
                .to_vec(),
            ..simulator::Config::default()
        })
        .unwrap();
        let inline = empty();
        let app = instance(&inline, &simulator);
        let account = control(
            &simulator,
            "/_simulator/accounts",
            r#"{"country":"US","email":"o@example.test","business_name":"Northwind","default_currency":"usd",
                "livemode":false}"#,
        );
        let account = account["id"].as_str().unwrap().to_owned();
        let (scope, client, link) = furnish(&app, &account);
        World {
            app,
            simulator,
            inline,
            backup: None,
            account,
            scope,
            client,
            link,
        }
    }

    /// The same, with a second database as it is now: a backup. Nothing moves the clock meanwhile, so that
    /// the same commands give the same rows.
    pub fn with_backup(seed: u64) -> World {
        let world = World::new(seed);
        let backup = empty();
        let app = instance(&backup, &world.simulator);
        let (scope, client, link) = furnish(&app, &world.account);
        assert_eq!(
            (&scope, &client, &link),
            (&world.scope, &world.client, &world.link)
        );
        World {
            backup: Some(backup),
            ..world
        }
    }

    /// A backup of the database as it is now.
    pub fn back_up(&mut self) {
        self.backup = Some(self.inline.copy().unwrap());
    }

    /// The instance is gone, and another starts on the backup.
    pub fn restore(&mut self) {
        self.inline = self.backup.take().unwrap();
        self.app = instance(&self.inline, &self.simulator);
    }

    /// A new link of an invoice.
    pub fn link_of(&self, invoice: &InvoiceId) -> String {
        let by = By::new(Actor::CommandLine);
        run(pay_links::rotate(&self.app, &self.scope, &by, invoice, None))
            .unwrap()
            .token
    }

    /// The same instance over a database on which things go wrong.
    pub fn with_mishaps(&self, mishaps: Mishaps) -> App {
        App {
            db: Db::inline_with(&self.inline, mishaps),
            ..self.app.clone()
        }
    }

    /// Something about the account changes, of which Stripe tells.
    pub fn touch_account(&self) {
        let path = format!("/_simulator/accounts/{}", self.account);
        self.control(&path, r#"{"payouts_enabled": false}"#);
    }

    /// The instance is gone and another starts on the same database. It is alone there, as on SQLite, so that
    /// the leases of the one before are over.
    pub fn restart(&mut self) {
        self.app = instance(&self.inline, &self.simulator);
        let now = self.app.clock.now();
        run(self
            .app
            .db
            .write(move |tx| store::stripe_operations::release_leases(tx, now)))
        .unwrap();
    }

    /// The link of another open invoice, which takes the place of the one before.
    pub fn next_invoice(&mut self) {
        (self.client, self.link) = open_invoice(&self.app, &self.scope);
    }

    /// A confirmation token, as Stripe.js would make it.
    pub fn token(&self, card: &str) -> String {
        let form = format!("payment_method={card}");
        let made = self.stripe("POST", "/v1/test_helpers/confirmation_tokens", &form);
        made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
    }

    /// The token of the invoice's page, two seconds after it was opened.
    pub fn read_page(&self) -> String {
        let Look::Invoice(view) = run(payer_view::look(&self.app, &self.link)).unwrap() else {
            panic!("the link has run out")
        };
        self.simulator.advance_ms(page_tokens::AGE_MIN_MS);
        view.page_token
    }

    /// A call on the tenant's account.
    pub fn stripe(&self, method: &str, path: &str, form: &str) -> serde_json::Value {
        let answer = self.simulator.call(&Request {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: vec![
                (
                    "authorization".to_owned(),
                    "Bearer sk_test_psapay_demo".to_owned(),
                ),
                ("stripe-account".to_owned(), self.account.clone()),
                (
                    "content-type".to_owned(),
                    "application/x-www-form-urlencoded".to_owned(),
                ),
            ],
            body: form.as_bytes().to_vec(),
        });
        serde_json::from_slice(&answer.body).unwrap()
    }

    pub fn control(&self, path: &str, body: &str) -> serde_json::Value {
        control(&self.simulator, path, body)
    }

    /// The payer completes 3D Secure on the newest intent.
    pub fn complete_challenge(&self) {
        let list = self.stripe("GET", "/v1/payment_intents", "");
        let intent = list["data"][0]["id"].as_str().unwrap();
        let body = serde_json::json!({"outcome": "complete", "account": self.account, "livemode": false});
        self.control(
            &format!("/_simulator/payment_intents/{intent}/challenge"),
            &body.to_string(),
        );
    }

    /// Hands over the webhooks that are due.
    pub fn deliver(&self) {
        for delivery in self.simulator.due_deliveries() {
            let signed_as = stripe_events::SignedAs {
                mode: Mode::Test,
                kind: Kind::Snapshot,
            };
            run(stripe_events::ingest(&self.app, &delivery.body, signed_as)).unwrap();
            self.simulator
                .report_delivery(delivery.id, Outcome::Answered(200));
        }
    }

    /// Hands over the webhooks of one type that are due; the others are on their way still.
    pub fn deliver_only(&self, event_type: &str) {
        for delivery in self.simulator.due_deliveries() {
            let body: serde_json::Value = serde_json::from_slice(&delivery.body).unwrap();
            if body["type"] != event_type {
                continue;
            }
            let signed_as = stripe_events::SignedAs {
                mode: Mode::Test,
                kind: Kind::Snapshot,
            };
            run(stripe_events::ingest(&self.app, &delivery.body, signed_as)).unwrap();
            self.simulator
                .report_delivery(delivery.id, Outcome::Answered(200));
        }
    }

    /// Lets time pass without a single webhook.
    pub fn settle_without_webhooks(&self) {
        for _ in 0..40 {
            self.simulator.advance_ms(60_000);
            run(reconcile::run(&self.app)).unwrap();
        }
    }

    /// Lets time pass: deliveries come, the worker applies them, the reconciler looks, until nothing is left
    /// to do.
    pub fn settle(&self) {
        for _ in 0..40 {
            self.simulator.advance_ms(60_000);
            self.deliver();
            for event in run(stripe_events::take(&self.app, 100)).unwrap() {
                run(stripe_events::apply(&self.app, &event)).unwrap();
            }
            run(reconcile::run(&self.app)).unwrap();
        }
    }

    pub fn rows(&self, sql: &'static Sql) -> Vec<Row> {
        run(self.app.db.read(move |tx| tx.query(sql, &[]))).unwrap_or_else(|e: store::Error| panic!("{e}"))
    }

    pub fn number(&self, sql: &'static Sql) -> i64 {
        self.rows(sql)[0].int("n").unwrap()
    }

    /// Charges at the simulator that took money.
    pub fn charges(&self) -> usize {
        let list = self.stripe("GET", "/v1/charges?limit=100", "");
        list["data"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|charge| charge["status"] == "succeeded")
            .count()
    }
}

fn instance(inline: &Inline, simulator: &Simulator) -> App {
    let transport: Arc<dyn Transport> = Arc::new(InProcess(simulator.clone()));
    let key = Secret::new("sk_test_psapay_demo");
    // Each instance draws from another part of the sequence, as separate processes would.
    let count = AtomicU64::new(u64::try_from(simulator.now_ms()).unwrap());
    let clock: Arc<dyn Clock> = Arc::new(SeededClock {
        simulator: simulator.clone(),
        count,
    });
    let breakers = Breakers::new(Arc::clone(&clock));
    let client = Client::new("http://simulator", key, transport)
        .with_gate(breakers.gate(Mode::Test))
        .with_client_id(Some(application(simulator)))
        .with_clock(flows::now_ms(&clock));
    App {
        db: Db::inline_from(inline),
        stripe_test: Some(client),
        stripe_live: None,
        clock,
        fee: BasisPoints::new(300).unwrap(),
        link_key: Secret::new("a secret key of a test, long enough for it"),
        former_keys: Arc::default(),
        active_mode: Mode::Test,
        wallet_domain: None,
        breakers,
        hashing: Arc::new(flows::people::Inline(flows::people::COST)),
        watch: Arc::default(),
    }
}

/// The platform's client id at the simulator.
fn application(simulator: &Simulator) -> String {
    let answer = simulator.call(&Request {
        method: "GET".to_owned(),
        path: "/_simulator/state".to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
    });
    let state: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    state["application"].as_str().unwrap().to_owned()
}

/// A tenant with its account, a client, and an open invoice with its link.
fn furnish(app: &App, account: &str) -> (Scope, ClientId, String) {
    let by = By::new(Actor::CommandLine);
    let name = "Northwind IT Services";
    let tenant = run(tenants::add(app, &by, app.moment(), name, None, &[]))
        .unwrap()
        .0
        .id;
    let scope = Scope {
        tenant,
        mode: Mode::Test,
    };
    run(onboarding::connect(app, &scope, &by, account)).unwrap();
    let (client, link) = open_invoice(app, &scope);
    (scope, client, link)
}

fn open_invoice(app: &App, scope: &Scope) -> (ClientId, String) {
    let by = By::new(Actor::CommandLine);
    let client = run(clients::add(
        app,
        scope,
        &by,
        app.moment(),
        Details::named("Harbor Dental Group", None),
    ))
    .unwrap();
    let (_, link) = bill(app, scope, &client.id, 12_345);
    (client.id, link)
}

/// An open invoice of a client, with its link.
pub fn bill(app: &App, scope: &Scope, client: &ClientId, cents: i64) -> (InvoiceId, String) {
    let by = By::new(Actor::CommandLine);
    let usd = Currency::parse("usd").unwrap();
    let line = Line::new(
        "Managed workplace",
        Quantity::parse("1").unwrap(),
        Money::new(cents, usd),
        TaxRate::from_thousandths_of_percent(0).unwrap(),
    );
    let draft = Draft {
        client_id: client.clone(),
        currency: usd,
        memo: None,
        due_date: None,
        discount: None,
        lines: vec![line.unwrap()],
    };
    let invoice = run(invoicing::create(app, scope, &by, app.moment(), draft)).unwrap();
    run(invoicing::finalize(app, scope, &by, &invoice.id)).unwrap();
    let link = run(pay_links::rotate(app, scope, &by, &invoice.id, None)).unwrap();
    (invoice.id, link.token)
}

fn control(simulator: &Simulator, path: &str, body: &str) -> serde_json::Value {
    let answer = simulator.call(&Request {
        method: "POST".to_owned(),
        path: path.to_owned(),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: body.as_bytes().to_vec(),
    });
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(answer.status < 300, "{path}: {text}");
    serde_json::from_str(&text).unwrap_or(serde_json::Value::Null)
}
