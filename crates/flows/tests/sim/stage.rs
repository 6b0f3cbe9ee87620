//! The stage of a run: Stripe, the database, two tenants in both modes, the instances, and what the actors
//! know of each other.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use domain::fee::BasisPoints;
use domain::{ClientId, InvoiceId, Mode, Scope};
use flows::clients::{self, Details};
use flows::stripe_events::replay;
use flows::{Actor, App, Breakers, By, Clock, onboarding, tenants};
use serde_json::{Value, json};
use simulator::{ClockMode, EndpointConfig, Request, Simulator};
use store::db::{Inline, Row};
use store::stripe_webhook_events::Status;
use store::stripe_webhook_events::shown::Wanted;
use store::{Db, Sql};
use stripe::{Client, Secret, Transport};

use crate::dice::Dice;
use crate::executor::run;
use crate::marks::Mark;
use crate::ports::{InstanceClock, Wire, control, mishaps};
use crate::schedule::Task;
use crate::shared::Shared;
use crate::swarm::{MINUTE_MS, Swarm};
use crate::tables::{START_MS, empty};

pub static BY: By = By::new(Actor::CommandLine);
const HOST: &str = "http://127.0.0.1:1";

/// A tenant in one mode, with its account and a client.
pub struct Msp {
    pub scope: Scope,
    pub account: String,
    /// Whether its owner let us into an account of their own.
    pub oauth: bool,
    pub client: ClientId,
    /// Whether the owner has taken the access away for now.
    pub away: Cell<bool>,
}

impl Msp {
    pub fn livemode(&self) -> bool {
        self.scope.mode.is_live()
    }
}

/// An instance of psa-pay.
#[derive(Default)]
pub struct Instance {
    pub app: Option<App>,
    pub paused_until_ms: i64,
    /// How often it was started.
    pub starts: u64,
}

/// An event on its way to us.
#[derive(Clone)]
pub struct Letter {
    pub body: Vec<u8>,
    pub signed_as: flows::stripe_events::SignedAs,
    pub acked: bool,
}

pub struct Stage {
    pub shared: Arc<Shared>,
    pub inline: Inline,
    /// For looking at what is there, without mishaps.
    pub db: Db,
    pub msps: Vec<Rc<Msp>>,
    pub application: String,
    pub instances: RefCell<Vec<Instance>>,
    pub mode: Cell<Mode>,
    /// Events that Stripe has handed out, by endpoint and id.
    pub letters: RefCell<BTreeMap<(String, String), Letter>>,
    /// Invoices that an integrator was told of.
    pub invoices: RefCell<Vec<(Rc<Msp>, InvoiceId)>>,
    /// Keys under which invoices were asked for.
    pub create_keys: RefCell<BTreeSet<String>>,
    pub bells: RefCell<Vec<std::task::Waker>>,
    dice: RefCell<Dice>,
    spawned: RefCell<Vec<Task>>,
    crashed: RefCell<Vec<usize>>,
}

impl Stage {
    pub fn new(seed: u64, readable: bool) -> Rc<Stage> {
        let mut dice = Dice::new(seed);
        let swarm = Swarm::draw(&mut dice);
        let kinds: &[simulator::Kind] = match swarm.thin {
            true => &[simulator::Kind::Snapshot, simulator::Kind::Thin],
            false => &[simulator::Kind::Snapshot],
        };
        let mut endpoints = Vec::new();
        for livemode in [false, true] {
            for connect in [false, true] {
                for kind in kinds {
                    endpoints.push(endpoint(livemode, connect, *kind));
                }
            }
        }
        let simulator = Simulator::new(simulator::Config {
            seed,
            clock: ClockMode::Manual { start_ms: START_MS },
            endpoints,
            ..simulator::Config::default()
        });
        let instances = (0..swarm.instances).map(|_| Instance::default()).collect();
        let shared = Shared::new(simulator.unwrap(), dice.fork(), swarm, readable);
        let inline = empty();
        let db = Db::inline_from(&inline);
        let mut stage = Stage {
            application: application(&shared),
            shared,
            inline,
            db,
            msps: Vec::new(),
            instances: RefCell::new(instances),
            mode: Cell::new(Mode::Test),
            letters: RefCell::default(),
            invoices: RefCell::default(),
            create_keys: RefCell::default(),
            bells: RefCell::default(),
            dice: RefCell::new(dice),
            spawned: RefCell::default(),
            crashed: RefCell::default(),
        };
        stage.msps = stage.set_up();
        Rc::new(stage)
    }

    fn set_up(&self) -> Vec<Rc<Msp>> {
        let mut msps = Vec::new();
        for (name, oauth) in [
            ("Northwind IT Services", false),
            ("Contoso Managed Services", true),
        ] {
            let app = self.app(Mode::Test, true);
            let added = run(tenants::add(
                &app,
                &BY,
                app.moment(),
                name,
                Some("support@msp.example"),
                &[],
            ))
            .unwrap();
            for mode in [Mode::Test, Mode::Live] {
                let app = self.app(mode, true);
                let scope = Scope {
                    tenant: added.0.id.clone(),
                    mode,
                };
                let account = json!({"country": "US", "email": "o@example.test", "business_name": name,
                    "default_currency": "usd", "livemode": mode.is_live(), "connected": !oauth,
                    "bank_account": "000123456789"});
                let account = control(&self.shared, "/_simulator/accounts", &account.to_string());
                let account = account["id"].as_str().unwrap().to_owned();
                match oauth {
                    true => self.let_in(&app, &scope, &account),
                    false => run(onboarding::connect(&app, &scope, &BY, &account)).unwrap(),
                }
                let client = clients::add(
                    &app,
                    &scope,
                    &BY,
                    app.moment(),
                    Details::named("Harbor Dental", Some("accounts@harbordental.example")),
                );
                let client = run(client).unwrap().id;
                let away = Cell::new(false);
                msps.push(Rc::new(Msp {
                    scope,
                    account,
                    oauth,
                    client,
                    away,
                }));
            }
        }
        msps
    }

    /// The owner agrees at Stripe and comes back.
    fn let_in(&self, app: &App, scope: &Scope, account: &str) {
        let link = run(flows::oauth::authorize(
            app,
            scope,
            &BY,
            "https://pay.example.com",
        ))
        .unwrap();
        let (state, code) = self.agree(link.url.expose(), account).expect("the owner agrees");
        run(flows::oauth::arrive(app, &BY, &state, &code)).unwrap();
    }

    /// The owner agrees on Stripe's page: the state and the code with which they are sent back.
    pub fn agree(&self, url: &str, account: &str) -> Option<(String, String)> {
        let state = url.split("state=").nth(1)?.split('&').next()?.to_owned();
        let agreed = self.control("/_simulator/oauth/authorize", &json!({"account": account}));
        Some((state, agreed["code"].as_str()?.to_owned()))
    }

    /// The flows over this stage's ports; `quiet` ones meet no mishaps.
    pub fn app(&self, mode: Mode, quiet: bool) -> App {
        let transport: Arc<dyn Transport> = Arc::new(Wire(Arc::clone(&self.shared)));
        let clock: Arc<dyn Clock> = Arc::new(InstanceClock {
            shared: Arc::clone(&self.shared),
            dice: Mutex::new(self.dice.borrow_mut().fork()),
        });
        let breakers = Breakers::new(Arc::clone(&clock));
        let client = |mode: Mode| {
            let key = Secret::new(format!("sk_{}_psapay_demo", mode.word()));
            let client = Client::new("http://simulator", key, transport.clone());
            let client = client.with_client_id(Some(self.application.clone()));
            Some(
                client
                    .with_gate(breakers.gate(mode))
                    .with_clock(flows::now_ms(&clock)),
            )
        };
        App {
            db: match quiet {
                true => Db::inline_from(&self.inline),
                false => Db::inline_with(&self.inline, mishaps(&self.shared)),
            },
            stripe_test: client(Mode::Test),
            stripe_live: client(Mode::Live),
            clock,
            fee: BasisPoints::new(300).unwrap(),
            link_key: Secret::new("a secret key of a simulation, long enough for it"),
            former_keys: Arc::default(),
            active_mode: mode,
            wallet_domain: None,
            breakers,
            hashing: Arc::new(flows::people::Inline(flows::people::COST)),
            watch: Arc::default(),
        }
    }

    /// Dice of their own for an actor.
    pub fn dice(&self) -> Dice {
        self.dice.borrow_mut().fork()
    }

    pub fn instance_count(&self) -> usize {
        self.instances.borrow().len()
    }

    pub fn now_ms(&self) -> i64 {
        self.shared.now_ms()
    }

    pub fn hit(&self, mark: Mark) {
        self.shared.hit(mark);
    }

    /// Sends somebody onto the stage.
    pub fn spawn(&self, name: impl Into<String>, future: impl Future<Output = ()> + 'static) {
        self.spawn_task(Task {
            name: name.into(),
            instance: None,
            future: Box::pin(future),
            turns: None,
            until_ms: None,
        });
    }

    pub fn spawn_task(&self, task: Task) {
        self.spawned.borrow_mut().push(task);
    }

    pub fn take_spawned(&self) -> Vec<Task> {
        self.spawned.take()
    }

    /// Ends an instance: whatever runs in it is dropped where it waits.
    pub fn crash(&self, nth: usize) {
        self.instances.borrow_mut()[nth].app = None;
        self.crashed.borrow_mut().push(nth);
        self.shared.note(|| format!("instance {nth} goes down"));
    }

    pub fn take_crashed(&self) -> Vec<usize> {
        self.crashed.take()
    }

    /// Stops an instance for up to three minutes, with all that is in it: longer than most leases.
    pub fn pause(&self, nth: usize) {
        let ms = self
            .shared
            .with(|state| state.dice.between(MINUTE_MS, 6 * MINUTE_MS));
        self.instances.borrow_mut()[nth].paused_until_ms = self.now_ms() + ms;
    }

    pub fn paused_until(&self, nth: usize) -> Option<i64> {
        let until_ms = self.instances.borrow()[nth].paused_until_ms;
        (until_ms > self.now_ms()).then_some(until_ms)
    }

    /// Rings for whoever waits for work.
    pub fn ring(&self) {
        self.bells.take().into_iter().for_each(std::task::Waker::wake);
    }

    pub fn rows(&self, sql: &'static Sql) -> Vec<Row> {
        run(self.db.read(move |tx| tx.query(sql, &[])))
            .unwrap_or_else(|error: store::Error| panic!("{error}"))
    }

    pub fn number(&self, sql: &'static Sql) -> Option<i64> {
        self.rows(sql)[0].int_opt("n").unwrap()
    }

    /// A person has looked at the events that were given up, and has them tried again.
    pub fn replay_the_dead(&self) {
        let app = self.app(Mode::Test, true);
        loop {
            let dead = Wanted {
                status: Some(Status::Dead),
                event_type: None,
                event_id: None,
                account: None,
                tenant: None,
                mode: None,
                object_id: None,
                since: None,
                until: None,
                after: None,
                limit: 100,
            };
            if !run(replay::many(&app, None, &BY, dead, false)).unwrap().has_more {
                break;
            }
        }
        self.ring();
    }

    /// A call of Stripe's API that is not ours: by the account's owner, or by a payer's browser.
    pub fn stripe(&self, key: &str, method: &str, path: &str, account: &str, form: &str) -> Value {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut headers = vec![
            header("authorization", &format!("Bearer {key}")),
            header("content-type", "application/x-www-form-urlencoded"),
        ];
        if !account.is_empty() {
            headers.push(header("stripe-account", account));
        }
        let answer = self.shared.simulator.call(&Request {
            method: method.to_owned(),
            path: path.to_owned(),
            headers,
            body: form.as_bytes().to_vec(),
        });
        self.shared
            .note(|| format!("{method} {path} ({form}) on {account}: {}", answer.status));
        serde_json::from_slice(&answer.body).unwrap_or(Value::Null)
    }

    /// A call with the secret key of a tenant's mode.
    pub fn stripe_of(&self, msp: &Msp, method: &str, path: &str, form: &str) -> Value {
        let key = format!("sk_{}_psapay_demo", msp.scope.mode.word());
        self.stripe(&key, method, path, &msp.account, form)
    }

    pub fn control(&self, path: &str, body: &Value) -> Value {
        control(&self.shared, path, &body.to_string())
    }

    /// Takes the deliveries that are due, each on its way by a courier of its own.
    pub fn collect_letters(self: &Rc<Self>) {
        for delivery in self.shared.simulator.due_deliveries() {
            crate::couriers::send(self, delivery);
        }
    }
}

fn endpoint(livemode: bool, connect: bool, kind: simulator::Kind) -> EndpointConfig {
    let mode = if livemode { "live" } else { "test" };
    let (form, whose) = (
        if kind == simulator::Kind::Thin {
            "thin"
        } else {
            "snapshot"
        },
        if connect { "connect" } else { "platform" },
    );
    EndpointConfig {
        url: format!("{HOST}/{mode}/{form}/{whose}"),
        secret: format!("whsec_psapay_demo_{mode}_{form}"),
        livemode,
        connect,
        kind,
    }
}

fn application(shared: &Shared) -> String {
    let answer = shared.simulator.call(&Request {
        method: "GET".to_owned(),
        path: "/_simulator/state".to_owned(),
        ..Request::default()
    });
    let state: Value = serde_json::from_slice(&answer.body).unwrap();
    state["application"].as_str().unwrap().to_owned()
}
