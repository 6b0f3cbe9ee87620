//! psa-pay as an operator runs it, once or twice on one database, with Stripe beside it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use domain::invoice::{Line, Quantity, TaxRate};
use domain::{Currency, Mode, Money, Scope};
use flows::clients::{self, Details};
use flows::invoicing::{self, Draft};
use flows::{Actor, App, By, onboarding, pay_links, tenants};
use serde_json::{Value, json};
use server::config::Config;
use server::metrics::Metrics;
use server::{demo, start};
use simulator::Simulator;
use store::Sql;
use store::db::Options;
use tokio::net::TcpListener;

use crate::browser::{WAIT_MAX, poll};

const READERS_GONE: Sql = Sql::new("update event_cursors set lease_until = $1 where lease_until > $1");

/// How long a payer's browser waits for an answer.
const ANSWER: Duration = Duration::from_secs(10);

/// A process of the program, killed with the test.
pub struct Instance {
    child: Child,
}

impl Instance {
    /// As the kernel ends a process that has no more memory.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// As a service manager does it.
    pub fn stop(&mut self) {
        self.signal("-TERM");
        assert!(self.child.wait().unwrap().success(), "it ends in order");
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // Already ended where the test has stopped it.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

/// What payers are told: where psa-pay and Stripe are.
#[derive(Clone)]
pub struct Door {
    pub http: reqwest::Client,
    pub origins: Vec<String>,
    pub stripe: String,
    pub account: String,
}

/// The whole installation.
pub struct Installation {
    pub ports: Vec<u16>,
    pub links: Vec<String>,
    pub account: String,
    pub scope: Scope,
    folder: PathBuf,
    database: String,
    stripe: String,
    simulator: Simulator,
    http: reqwest::Client,
}

impl Drop for Installation {
    fn drop(&mut self) {
        // Kept where the test failed: the log tells what happened.
        if !std::thread::panicking() {
            drop(fs::remove_dir_all(&self.folder));
        }
    }
}

impl Installation {
    /// A tenant with an account and open invoices, each with a link.
    pub async fn prepare(url: &str, instances: usize, invoices: usize) -> Installation {
        let stripes = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stripe = format!("http://{}", stripes.local_addr().unwrap());
        let mut ports = Vec::new();
        for _ in 0..instances {
            let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
            ports.push(free.local_addr().unwrap().port());
        }
        let endpoints = ports.iter().flat_map(|port| {
            let webhook = format!("http://127.0.0.1:{port}/api/stripe/webhook");
            demo::endpoints(&webhook, demo::TEST_WEBHOOK_SECRET, demo::LIVE_WEBHOOK_SECRET)
        });
        let simulator = Simulator::new(simulator::Config {
            endpoints: endpoints.collect(),
            ..simulator::Config::default()
        })
        .unwrap();
        tokio::spawn(simulator.clone().serve(stripes, std::future::pending()));
        let folder = format!("kill-{}-{}", std::process::id(), ports[0]);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
        fs::create_dir_all(&folder).unwrap();
        let mut installation = Installation {
            ports,
            links: Vec::new(),
            account: String::new(),
            scope: Scope {
                tenant: domain::TenantId::platform(),
                mode: Mode::Test,
            },
            folder,
            database: url.to_owned(),
            stripe,
            simulator,
            http: crate::town::web().timeout(ANSWER).build().unwrap(),
        };
        installation.fill(invoices).await;
        installation
    }

    async fn fill(&mut self, invoices: usize) {
        let app = self.app().await;
        let by = By::new(Actor::CommandLine);
        let added = tenants::add(&app, &by, app.moment(), "Northwind IT Services", None, &[]).await;
        self.scope.tenant = added.unwrap().0.id;
        let account = json!({"country": "US", "email": "owner@northwind.example",
            "business_name": "Northwind", "default_currency": "usd", "livemode": false});
        let account = self.control("POST", "/_simulator/accounts", account);
        self.account = account["id"].as_str().unwrap().to_owned();
        onboarding::connect(&app, &self.scope, &by, &self.account)
            .await
            .unwrap();
        let client = clients::add(
            &app,
            &self.scope,
            &by,
            app.moment(),
            Details::named("Harbor Dental Group", None),
        );
        let client = client.await.unwrap();
        for nth in 0..invoices {
            let usd = Currency::parse("usd").unwrap();
            let price = Money::new(2_500 + i64::try_from(nth).unwrap(), usd);
            let untaxed = TaxRate::from_thousandths_of_percent(0).unwrap();
            let line = Line::new("Managed workplace", Quantity::parse("1").unwrap(), price, untaxed);
            let draft = Draft {
                client_id: client.id.clone(),
                currency: usd,
                memo: None,
                due_date: None,
                discount: None,
                lines: vec![line.unwrap()],
            };
            let invoice = invoicing::create(&app, &self.scope, &by, app.moment(), draft)
                .await
                .unwrap();
            invoicing::finalize(&app, &self.scope, &by, &invoice.id)
                .await
                .unwrap();
            let link = pay_links::rotate(&app, &self.scope, &by, &invoice.id, None).await;
            self.links.push(link.unwrap().token);
        }
        app.db.close().await;
    }

    /// The flows over the database while no instance runs.
    pub async fn app(&self) -> App {
        let variables = self.environment(self.ports[0]);
        let lookup = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| value.clone())
        };
        let config = Config::from_lookup(&lookup).unwrap_or_else(|errors| panic!("{errors:?}"));
        start::app(&config, &Metrics::default())
            .await
            .expect("the database opens")
    }

    fn environment(&self, port: u16) -> Vec<(&'static str, String)> {
        vec![
            ("STRIPE_MODE", "test".to_owned()),
            ("STRIPE_TEST_SECRET_KEY", "sk_test_psapay_demo".to_owned()),
            ("STRIPE_TEST_PUBLISHABLE_KEY", "pk_test_psapay_demo".to_owned()),
            ("STRIPE_TEST_WEBHOOK_SECRET", demo::TEST_WEBHOOK_SECRET.to_owned()),
            ("STRIPE_API_BASE", self.stripe.clone()),
            ("PUBLIC_URL", format!("http://127.0.0.1:{port}")),
            ("LISTEN", format!("127.0.0.1:{port}")),
            ("DATABASE_URL", self.database.clone()),
            ("TRUSTED_PROXIES", "127.0.0.1".to_owned()),
            (
                "SECRET_KEY",
                "a_secret_key_of_a_test_long_enough_for_it".to_owned(),
            ),
        ]
    }

    fn program(&self, port: u16, log: &str) -> Command {
        let options = File::options()
            .create(true)
            .append(true)
            .open(self.folder.join(log));
        let log = options.unwrap();
        let mut program = Command::new(env!("CARGO_BIN_EXE_psa-pay"));
        program
            .env_clear()
            .envs(self.environment(port))
            .current_dir(&self.folder);
        program.stdout(log.try_clone().unwrap()).stderr(log);
        program
    }

    /// Starts the `nth` instance.
    pub fn start(&self, nth: usize) -> Instance {
        let port = self.ports[nth];
        let child = self.program(port, &format!("log-{nth}")).arg("serve").spawn();
        Instance {
            child: child.unwrap(),
        }
    }

    /// Waits until every instance answers.
    pub async fn until_ready(&self) {
        for port in &self.ports {
            let url = format!("http://127.0.0.1:{port}/readyz");
            let ready = poll(WAIT_MAX, async || {
                let answer = self.http.get(&url).send().await;
                answer
                    .is_ok_and(|answer| answer.status().is_success())
                    .then_some(())
            });
            ready.await.expect("the server starts");
        }
    }

    /// While no instance runs, the operator lets psa-pay read from Stripe what it missed.
    pub async fn reconcile(&self) {
        let db = store::Db::open(&self.database, Options::default()).await.unwrap();
        let long_ago = domain::Timestamp::from_ms(0);
        // As a few minutes would: those who held anything are gone, which of several instances only this test
        // can know at once.
        let let_go = move |tx: &mut store::Tx<'_>| {
            store::stripe_operations::release_leases(tx, long_ago)?;
            tx.execute(&READERS_GONE, store::binds![long_ago])
        };
        db.write(let_go).await.unwrap();
        db.close().await;
        let mut command = self.program(self.ports[0], "log-reconcile");
        let done = command.args(["reconcile", "--since", "2h"]).status().unwrap();
        let log = fs::read_to_string(self.folder.join("log-reconcile")).unwrap();
        assert!(done.success(), "reconcile: {log}");
    }

    /// What a payer knows.
    pub fn door(&self) -> Door {
        Door {
            http: self.http.clone(),
            origins: self
                .ports
                .iter()
                .map(|port| format!("http://127.0.0.1:{port}"))
                .collect(),
            stripe: self.stripe.clone(),
            account: self.account.clone(),
        }
    }

    /// A call of the simulator's control API.
    pub fn control(&self, method: &str, path: &str, body: Value) -> Value {
        self.call(method, path, Vec::new(), body.to_string())
    }

    /// A list of Stripe's, all pages of it: of the tenant's account or of the platform.
    pub fn listed(&self, path: &str, account: Option<&str>) -> Vec<Value> {
        let mut headers = vec![(
            "authorization".to_owned(),
            "Bearer sk_test_psapay_demo".to_owned(),
        )];
        headers.extend(account.map(|account| ("stripe-account".to_owned(), account.to_owned())));
        let mut all: Vec<Value> = Vec::new();
        loop {
            let after = all
                .last()
                .map(|last| format!("&starting_after={}", last["id"].as_str().unwrap()));
            let page = format!("{path}?limit=100{}", after.unwrap_or_default());
            let page = self.call("GET", &page, headers.clone(), String::new());
            all.extend(page["data"].as_array().unwrap().iter().cloned());
            if page["has_more"] != true {
                return all;
            }
        }
    }

    fn call(&self, method: &str, path: &str, mut headers: Vec<(String, String)>, body: String) -> Value {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
        let answer = self.simulator.call(&simulator::Request {
            method: method.to_owned(),
            path: path.to_owned(),
            headers,
            body: body.into_bytes(),
        });
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(answer.status < 300, "{path}: {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }
}
