//! A whole town for a test: psa-pay over a database of its own, the simulator as Stripe, a tenant with a
//! connected account, its client, and time that the test moves. Requests go over HTTP, as everybody's do.

use std::sync::Arc;
use std::time::Duration;

use domain::{Mode, Permissions, Scope, TenantId};
use flows::api_keys::{self, NewKey};
use flows::{Actor, App, By, Clock, onboarding, page_tokens, tenants};
use reqwest::{ClientBuilder, Method, StatusCode, redirect};
use serde_json::{Value, json};
use server::mail::Mailer;
use server::metrics::Metrics;
use server::router::Site;
use server::{connections, demo, start};
use simulator::{ClockMode, Simulator};
use store::db::{Engine, Options};
use store::{Db, migrate};
use stripe::Secret;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::engines::World;

mod books;
mod instance;
mod stripe_side;
mod waiting;
mod wishes;

pub use instance::METRICS_TOKEN;
use instance::MovedClock;
pub use wishes::Wishes;

/// How long a test waits for something that happens by itself; far more than it takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);
/// When a still clock begins.
const STILL_MS: i64 = 1_763_900_000_000;

/// What requests to this machine are sent with. It knows no root certificates: reading those of the machine
/// takes longer than most tests do.
pub fn web() -> ClientBuilder {
    ClientBuilder::new().no_proxy().tls_certs_only([])
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub body: Value,
    pub text: String,
    pub headers: reqwest::header::HeaderMap,
}

impl Reply {
    /// The stable code of an error answer.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// The answer must be this refusal, as problem+json.
    #[track_caller]
    pub fn assert_refused(&self, status: u16, code: &str, field: Option<&str>) {
        let found = (self.status.as_u16(), self.code(), self.body["field"].as_str());
        assert_eq!(found, (status, code, field), "{}", self.text);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let sentence = self.body["detail"].as_str().unwrap_or_default();
        assert!(sentence.ends_with('.'), "no sentence: {}", self.text);
    }
}

/// A tenant with its key, account and client in the town's mode.
#[derive(Clone, Debug)]
pub struct Msp {
    pub scope: Scope,
    pub key: String,
    pub account: String,
    pub client_id: String,
}

/// The town.
pub struct Town {
    pub app: App,
    pub site: Site,
    pub clock: Arc<MovedClock>,
    pub simulator: Simulator,
    pub stripe_url: String,
    pub url: String,
    pub msp: Msp,
    /// What asks as a tenant's software does.
    pub http: reqwest::Client,
    /// What browsers of tests send with: one for all, each with cookies of its own.
    pub browsers: reqwest::Client,
    /// Ends the instance and whatever was started for it, at the latest when the town is dropped.
    ends: Vec<oneshot::Sender<()>>,
}

impl Town {
    /// Runs a test in a town with the usual wishes.
    pub fn run(world: &World, test: impl AsyncFnOnce(Town)) {
        Town::run_as(world, Wishes::default(), test);
    }

    /// Runs a test in a town.
    pub fn run_as(world: &World, wishes: Wishes, test: impl AsyncFnOnce(Town)) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async { test(Town::build(world.db.clone(), wishes).await).await });
        runtime.shutdown_timeout(Duration::from_secs(5));
    }

    async fn build(db: Db, wishes: Wishes) -> Town {
        let clock = Arc::new(match wishes.still {
            true => MovedClock::still(STILL_MS),
            false => MovedClock::default(),
        });
        migrate::migrate(&db, clock.now().ms()).await.unwrap();
        let own = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stripes = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stripe_url = format!("http://{}", stripes.local_addr().unwrap());
        let webhook = format!("http://{}/api/stripe/webhook", own.local_addr().unwrap());
        let endpoints = match wishes.deliveries {
            true => demo::endpoints(&webhook, demo::TEST_WEBHOOK_SECRET, demo::LIVE_WEBHOOK_SECRET),
            false => Vec::new(),
        };
        let simulator = Simulator::new(simulator::Config {
            endpoints,
            clock: match wishes.still {
                true => ClockMode::Manual { start_ms: STILL_MS },
                false => ClockMode::Wall,
            },
            ..simulator::Config::default()
        })
        .unwrap();
        let (end, stripe_ended) = oneshot::channel();
        tokio::spawn(simulator.clone().serve(stripes, ended(stripe_ended)));
        let mut town = Town::open(db, clock, simulator, stripe_url, own, &wishes);
        town.ends.push(end);
        town.msp = town.add_msp("Northwind IT Services", "usd").await;
        town
    }

    /// A second instance on the same database, clock and Stripe, in another mode, with a worker. Its MSP is
    /// the same tenant, with an account, a key and a client of that mode.
    pub async fn beside(&self, mode: Mode) -> Town {
        let wishes = Wishes {
            mode,
            ..Wishes::default()
        };
        let mut town = self.open_beside(self.app.db.clone(), &wishes).await;
        town.msp = town
            .connect_msp(self.msp.scope.tenant.clone(), "Northwind", "usd")
            .await;
        town
    }

    /// The same installation a second time, with a worker, over a connection of its own to the database where
    /// the engine has several.
    pub async fn again(&self, world: &World) -> Town {
        self.again_as(world, &Wishes::default()).await
    }

    /// The same installation a second time, with other wishes.
    pub async fn again_as(&self, world: &World, wishes: &Wishes) -> Town {
        let db = match world.db.engine() {
            Engine::Sqlite => self.app.db.clone(),
            Engine::Postgres => Db::open(&world.url, Options::default()).await.unwrap(),
        };
        let mut town = self.open_beside(db, wishes).await;
        town.msp = self.msp.clone();
        town
    }

    /// Another instance of other wishes on a database, with this one's clock and Stripe.
    pub async fn open_beside(&self, db: Db, wishes: &Wishes) -> Town {
        let own = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (clock, simulator) = (self.clock.clone(), self.simulator.clone());
        Town::open(db, clock, simulator, self.stripe_url.clone(), own, wishes)
    }

    fn open(
        db: Db,
        clock: Arc<MovedClock>,
        simulator: Simulator,
        stripe_url: String,
        own: TcpListener,
        wishes: &Wishes,
    ) -> Town {
        let url = format!("http://{}", own.local_addr().unwrap());
        let config = Arc::new(instance::config(
            wishes,
            &url,
            &stripe_url,
            &demo::application(&simulator),
        ));
        let metrics = Metrics::default();
        let app = instance::app(db, &config, clock.clone(), &metrics);
        let mut site = Site {
            metrics,
            mailer: Mailer::of(&config).unwrap(),
            ..Site::new(app.clone(), config, &url)
        };
        // Everybody in town has the same address.
        site.bounds.connections_per_address_max = site.bounds.connections_max;
        let (end, server_ended) = oneshot::channel();
        if wishes.worker {
            tokio::spawn(start::serve(site.clone(), own, ended(server_ended)));
        } else {
            tokio::spawn(connections::serve(site.clone(), own, ended(server_ended)));
        }
        let msp = Msp {
            scope: Scope {
                tenant: TenantId::platform(),
                mode: wishes.mode,
            },
            key: String::new(),
            account: String::new(),
            client_id: String::new(),
        };
        Town {
            app,
            site,
            clock,
            simulator,
            stripe_url,
            url,
            msp,
            http: web().timeout(PATIENCE).build().unwrap(),
            browsers: web().redirect(redirect::Policy::none()).build().unwrap(),
            ends: vec![end],
        }
    }

    /// A tenant with an account that can charge, an API key and a client.
    pub async fn add_msp(&self, name: &str, currency: &str) -> Msp {
        let by = By::new(Actor::CommandLine);
        let added = tenants::add(
            &self.app,
            &by,
            self.app.moment(),
            name,
            Some("billing@example.test"),
            &[],
        )
        .await;
        self.connect_msp(added.unwrap().0.id, name, currency).await
    }

    /// An account that can charge, a key and a client of this town's mode for a tenant.
    pub async fn connect_msp(&self, tenant: TenantId, name: &str, currency: &str) -> Msp {
        let mode = self.site.config.mode;
        let scope = Scope { tenant, mode };
        let by = By::new(Actor::CommandLine);
        let account = self.control(
            "POST",
            "/_simulator/accounts",
            json!({"country": "US", "email": "owner@example.test", "business_name": name,
                "default_currency": currency, "livemode": mode.is_live()}),
        );
        let account = account["id"].as_str().expect("an account").to_owned();
        onboarding::connect(&self.app, &scope, &by, &account)
            .await
            .unwrap();
        let key = self.key_of(&scope, Permissions::All).await;
        let body = json!({"name": "Harbor Dental Group", "email": "accounts@harbordental.example"});
        let client = self.api(&key, Method::POST, "/api/clients", body).await;
        let client_id = client.body["id"].as_str().expect("a client").to_owned();
        Msp {
            scope,
            key,
            account,
            client_id,
        }
    }

    /// A new API key of a tenant and mode.
    pub async fn key_of(&self, scope: &Scope, permissions: Permissions) -> String {
        let new = NewKey {
            name: "Test".to_owned(),
            permissions,
            expires_at: None,
        };
        let made = api_keys::create(
            &self.app,
            scope,
            &By::new(Actor::CommandLine),
            self.app.moment(),
            None,
            new,
        )
        .await;
        made.unwrap().1.unwrap().expose().to_owned()
    }

    /// A request with an API key; with an idempotency key of its own where one is required.
    pub async fn api(&self, key: &str, method: Method, path: &str, body: Value) -> Reply {
        let fresh = format!("{:032x}", self.app.clock.random());
        let is_required = method == Method::POST && instance::moves_money(path);
        self.api_once(key, method, path, body, is_required.then_some(fresh.as_bytes()))
            .await
    }

    /// A request with an API key and, where it is given, this idempotency key.
    pub async fn api_once(
        &self,
        key: &str,
        method: Method,
        path: &str,
        body: Value,
        once: Option<&[u8]>,
    ) -> Reply {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.url))
            .bearer_auth(key);
        if let Some(once) = once {
            request = request.header("idempotency-key", once);
        }
        self.send(if body.is_null() {
            request
        } else {
            request.body(body.to_string())
        })
        .await
    }

    /// A request without credentials, as a payer's browser sends it.
    pub async fn public(&self, method: Method, path: &str, body: Value) -> Reply {
        let request = self.http.request(method, format!("{}{path}", self.url));
        self.send(if body.is_null() {
            request
        } else {
            request.body(body.to_string())
        })
        .await
    }

    /// The same with headers of one's own.
    pub async fn public_with(
        &self,
        method: Method,
        path: &str,
        body: Value,
        headers: &[(&str, &str)],
    ) -> Reply {
        let request = self.http.request(method, format!("{}{path}", self.url));
        let request = headers
            .iter()
            .fold(request, |request, (name, value)| request.header(*name, *value));
        self.send(if body.is_null() {
            request
        } else {
            request.body(body.to_string())
        })
        .await
    }

    /// A request without an API key from an address, which a proxy in front of us names.
    pub async fn from(&self, address: &str, method: Method, path: &str, body: Value) -> Reply {
        self.public_with(method, path, body, &[("x-forwarded-for", address)])
            .await
    }

    /// A webhook delivery, signed as given.
    pub async fn deliver(&self, signature: Option<&str>, body: &[u8]) -> Reply {
        let request = self
            .http
            .post(format!("{}/api/stripe/webhook", self.url))
            .body(body.to_vec());
        self.send(match signature {
            Some(signature) => request.header("stripe-signature", signature),
            None => request,
        })
        .await
    }

    /// A webhook delivery signed with a secret, now.
    pub async fn deliver_signed(&self, secret: &str, body: &[u8]) -> Reply {
        let now = self.clock.now().seconds();
        let header = stripe::signature::sign(&Secret::new(secret), now, body);
        self.deliver(Some(&header), body).await
    }

    /// Sends what a test has put together.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Reply {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Reply {
            status,
            body,
            text,
            headers,
        }
    }

    /// An open invoice of one line; answers its id.
    pub async fn invoice(&self, amount: i64, currency: &str) -> String {
        self.invoice_of(&self.msp, amount, currency).await
    }

    /// An open invoice of a tenant.
    pub async fn invoice_of(&self, msp: &Msp, amount: i64, currency: &str) -> String {
        let id = self.draft_of(msp, amount, currency).await;
        let path = format!("/api/invoices/{id}/finalize");
        let finalized = self.api(&msp.key, Method::POST, &path, Value::Null).await;
        assert_eq!(finalized.status, StatusCode::OK, "{}", finalized.text);
        id
    }

    /// A draft of a tenant.
    pub async fn draft_of(&self, msp: &Msp, amount: i64, currency: &str) -> String {
        let draft = json!({"client_id": msp.client_id, "currency": currency,
            "lines": [{"description": "Managed workplace", "quantity": "1", "unit_price": amount}]});
        let made = self.api(&msp.key, Method::POST, "/api/invoices", draft).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        made.body["id"].as_str().unwrap().to_owned()
    }

    /// The token of an invoice's pay link; each call rotates it.
    pub async fn link(&self, invoice: &str) -> String {
        let path = format!("/api/invoices/{invoice}/pay-link");
        let made = self.api(&self.msp.key, Method::POST, &path, Value::Null).await;
        let url = made.body["url"]
            .as_str()
            .unwrap_or_else(|| panic!("no link: {}", made.text));
        url.rsplit('/').next().unwrap().to_owned()
    }

    /// What the payer's page is told of the invoice.
    pub async fn look(&self, link: &str) -> Reply {
        self.public(Method::GET, &format!("/api/public/invoices/{link}"), Value::Null)
            .await
    }

    /// The page comes back from 3D Secure and asks how it went.
    pub async fn check(&self, link: &str) -> Reply {
        self.public(
            Method::POST,
            &format!("/api/public/invoices/{link}/check"),
            Value::Null,
        )
        .await
    }

    /// A payer opens the page, reads it for two seconds, and presses Pay.
    pub async fn pay(&self, link: &str, token: &str, amount: i64, currency: &str) -> Reply {
        let page = self.read_page(link).await;
        let press = json!({"confirmation_token": token, "amount": amount, "currency": currency,
            "page_token": page});
        self.press(link, press).await
    }

    /// The token of a page that its payer has read for two seconds; null where the link shows no invoice.
    pub async fn read_page(&self, link: &str) -> Value {
        let page = self.look(link).await.body["page_token"].clone();
        self.advance_ms(page_tokens::AGE_MIN_MS);
        page
    }

    /// A press on Pay, with all that the page sends.
    pub async fn press(&self, link: &str, body: Value) -> Reply {
        self.public(Method::POST, &format!("/api/public/invoices/{link}/pay"), body)
            .await
    }

    /// The invoice as the API shows it.
    pub async fn read_invoice(&self, id: &str) -> Value {
        self.api(
            &self.msp.key,
            Method::GET,
            &format!("/api/invoices/{id}"),
            Value::Null,
        )
        .await
        .body
    }

    /// A command on an invoice, such as `finalize`.
    pub async fn command(&self, id: &str, verb: &str) -> Reply {
        let path = format!("/api/invoices/{id}/{verb}");
        self.api(&self.msp.key, Method::POST, &path, Value::Null).await
    }

    /// Moves the clocks of psa-pay and of Stripe forward.
    pub fn advance_ms(&self, ms: i64) {
        self.clock.advance_ms(ms);
        self.simulator.advance_ms(ms);
    }
}

async fn ended(end: oneshot::Receiver<()>) {
    // An error means that the sender is gone, which is an end too.
    let _gone = end.await;
}
