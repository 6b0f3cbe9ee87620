//! Stripe is away for minutes or for days, is busy, or refuses our key: nothing is taken for failed that may
//! have happened, nothing is sent under a second key, and afterwards the payer has paid once.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use domain::{Currency, Mode, Money, Refusal};
use flows::collect::{self, PayRequest};
use flows::payer_view::{self, Look, Panel};
use flows::{Actor, By, Failure, invariants, reconcile};
use simulator::{Fate, Request, Simulator};
use store::Sql;
use stripe::transport::BoxFuture;
use stripe::{Client, HttpRequest, HttpResponse, NoAnswer, Secret, Transport};

use crate::executor::run;
use crate::world::World;

const BY: By = By::new(Actor::Unknown);
const MINUTE_MS: i64 = 60_000;
const OPEN: Sql = Sql::new("select count(*) as n from stripe_operations where status in ('sent', 'unknown')");

/// How Stripe is reached.
#[derive(Clone, Copy, PartialEq)]
pub enum Way {
    Open,
    /// Nobody answers.
    Down,
    /// Nobody answers writes whose path ends so.
    DownAt(&'static str),
    /// An answer comes byte by byte, so that the client's limit of 80 seconds ends it.
    Drips,
    /// This key is not taken any more.
    Refuses(&'static str),
}

/// The way to Stripe, and what was sent on it.
pub struct Line {
    simulator: Simulator,
    way: Mutex<Way>,
    /// Paths and idempotency keys of writes, in their order.
    writes: Mutex<Vec<(String, String)>>,
    /// How many requests were sent.
    sent: AtomicUsize,
}

impl Line {
    /// Puts a line between the world's instance and Stripe.
    pub fn lay(world: &mut World) -> Arc<Line> {
        let line = Arc::new(Line {
            simulator: world.simulator.clone(),
            way: Mutex::new(Way::Open),
            writes: Mutex::default(),
            sent: AtomicUsize::new(0),
        });
        line.connect(world, "sk_test_psapay_demo");
        line
    }

    /// The instance calls with this key from here on.
    pub fn connect(self: &Arc<Line>, world: &mut World, key: &str) {
        let transport: Arc<dyn Transport> = Arc::clone(self) as Arc<dyn Transport>;
        let client = Client::new("http://simulator", Secret::new(key), transport);
        world.app.stripe_test = Some(client.with_gate(world.app.breakers.gate(Mode::Test)));
    }

    pub fn set(&self, way: Way) {
        *self.way.lock().unwrap() = way;
    }

    /// How many requests were sent, reads too.
    pub fn sent(&self) -> usize {
        self.sent.load(Ordering::Relaxed)
    }

    fn write_count(&self) -> usize {
        self.writes.lock().unwrap().len()
    }

    /// The keys under which intents were made or confirmed.
    fn keys(&self, path_ends: &str) -> BTreeSet<String> {
        let writes = self.writes.lock().unwrap();
        let fitting = writes.iter().filter(|(path, _)| path.ends_with(path_ends));
        fitting.map(|(_, key)| key.clone()).collect()
    }
}

impl Transport for Line {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, NoAnswer>> {
        Box::pin(async move {
            let path = request.url.trim_start_matches("http://simulator").to_owned();
            if let Some(key) = request.header("idempotency-key") {
                self.writes.lock().unwrap().push((path.clone(), key.to_owned()));
            }
            self.sent.fetch_add(1, Ordering::Relaxed);
            let way = *self.way.lock().unwrap();
            match way {
                Way::Drips => {
                    self.simulator.advance_ms(80_000);
                    return Err(NoAnswer("no answer in time".to_owned()));
                }
                Way::DownAt(end) if path.ends_with(end) => {
                    return Err(NoAnswer("connection reset".to_owned()));
                }
                Way::Down => return Err(NoAnswer("connection timed out".to_owned())),
                Way::Refuses(key)
                    if request
                        .header("authorization")
                        .is_some_and(|sent| sent.ends_with(key)) =>
                {
                    return Ok(HttpResponse {
                        status: 401,
                        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
                        body: br#"{"error":{"type":"invalid_request_error","message":"Expired API Key",
                            "code":"api_key_expired"}}"#
                            .to_vec(),
                    });
                }
                Way::Open | Way::Refuses(_) | Way::DownAt(_) => {}
            }
            let headers = request.headers.iter();
            let answer = self.simulator.call(&Request {
                method: request.method.as_str().to_owned(),
                path,
                headers: headers
                    .map(|(name, value)| ((*name).to_owned(), value.clone()))
                    .collect(),
                body: request.body.clone(),
            });
            match answer.fate {
                Fate::Lost => return Err(NoAnswer("the answer was lost".to_owned())),
                Fate::Late(_) | Fate::Hangs => return Err(NoAnswer("no answer in time".to_owned())),
                Fate::Arrives => {}
            }
            let lower = |(name, value): (String, String)| (name.to_ascii_lowercase(), value);
            Ok(HttpResponse {
                status: answer.status,
                headers: answer.headers.into_iter().map(lower).collect(),
                body: answer.body,
            })
        })
    }

    fn pause(&self, ms: u64) -> BoxFuture<'_, ()> {
        Box::pin(async move { self.simulator.advance_ms(i64::try_from(ms).unwrap()) })
    }
}

pub fn request(world: &World) -> PayRequest {
    let usd = Currency::parse("usd").unwrap();
    PayRequest {
        confirmation_token: world.token("pm_card_visa"),
        seen: Money::new(12_345, usd),
        due: None,
        others: Vec::new(),
        page_token: Some(world.read_page()),
        proof: None,
    }
}

/// The payer presses Pay, and is not told that it failed.
fn press_in_doubt(world: &World) {
    let pressed = run(collect::pay(&world.app, &BY, &world.link, &request(world))).unwrap();
    assert!(pressed.in_doubt, "{pressed:?}");
}

/// Nothing has failed: the write is open, the page says that it is being checked, and nobody pays twice.
fn assert_in_doubt(world: &World) {
    assert_eq!(world.number(&OPEN), 1, "a write without an answer is open");
    let Look::Invoice(view) = run(payer_view::look(&world.app, &world.link)).unwrap() else {
        panic!("the link has run out")
    };
    assert!(
        matches!(view.panel, Panel::InProgress),
        "the page can be read meanwhile"
    );
    let second = run(collect::pay(&world.app, &BY, &world.link, &request(world)));
    assert!(
        matches!(second, Err(Failure::Refused(Refusal::PaymentInProgress))),
        "{second:?}"
    );
}

/// Time passes while the reconciler looks, without a webhook.
pub fn pass(world: &World, minutes: i64) {
    for _ in 0..minutes {
        world.simulator.advance_ms(MINUTE_MS);
        run(reconcile::run(&world.app)).unwrap();
    }
}

/// All comes to rest; the payer pays if the page still asks them to.
fn assert_paid_once_in_the_end(world: &World) {
    const PAID: Sql = Sql::new("select count(*) as n from invoices where status = 'paid'");
    // What the reconciler reads before its webhook comes is a break of its own.
    const UNRESOLVED: Sql = Sql::new(
        "select count(*) as n from reconciliation_breaks
         where kind = 'operation_unresolved' and resolved_at is null",
    );
    world.settle();
    if world.number(&PAID) == 0 {
        run(collect::pay(&world.app, &BY, &world.link, &request(world))).unwrap();
        world.settle();
    }
    let broken = run(invariants::check_quiet(&world.app)).unwrap();
    assert!(broken.is_empty(), "{broken:#?}");
    assert_eq!((world.charges(), world.number(&PAID)), (1, 1));
    assert_eq!(world.number(&UNRESOLVED), 0, "what was in doubt is not any more");
}

#[test]
fn stripe_is_away_for_ten_minutes() {
    let mut world = World::new(31);
    let line = Line::lay(&mut world);
    line.set(Way::Down);
    press_in_doubt(&world);
    pass(&world, 10);
    assert_in_doubt(&world);
    line.set(Way::Open);
    assert_paid_once_in_the_end(&world);
    assert_eq!(line.keys("/v1/payment_intents").len(), 1, "one key");
}

#[test]
fn stripe_is_away_for_three_days() {
    let mut world = World::new(32);
    let line = Line::lay(&mut world);
    line.set(Way::Down);
    press_in_doubt(&world);
    let mut before = line.write_count();
    for _ in 0..72 {
        pass(&world, 60);
        let within_the_hour = line.write_count() - before;
        assert!(
            within_the_hour <= 60,
            "no storm: {within_the_hour} tries in an hour"
        );
        before = line.write_count();
    }
    assert_in_doubt(&world);
    const SHOWN: Sql = Sql::new(
        "select count(*) as n from reconciliation_breaks
         where kind = 'operation_unresolved' and resolved_at is null",
    );
    assert_eq!(world.number(&SHOWN), 1, "after a day a person is shown it");
    assert_eq!(line.keys("/v1/payment_intents").len(), 1, "one key");
    line.set(Way::Open);
    world.settle();
    assert_eq!(world.number(&OPEN), 0, "reading finds out that it never happened");
    assert_eq!(world.charges(), 0);
    let paid = run(collect::pay(&world.app, &BY, &world.link, &request(&world))).unwrap();
    assert!(!paid.in_doubt);
    world.settle();
    let broken = run(invariants::check_quiet(&world.app)).unwrap();
    assert!(broken.is_empty(), "{broken:#?}");
    assert_eq!(world.charges(), 1);
}

#[test]
fn our_key_is_revoked_and_what_waits_goes_on_under_a_new_one() {
    let mut world = World::new(33);
    let line = Line::lay(&mut world);
    line.set(Way::Refuses("sk_test_psapay_demo"));
    press_in_doubt(&world);
    pass(&world, 30);
    assert_in_doubt(&world);
    const WHY: Sql = Sql::new("select last_error from stripe_operations");
    let why = world.rows(&WHY)[0].text("last_error").unwrap();
    assert!(why.contains("refuses our API key"), "{why}");
    // Another key of the same account is configured.
    line.connect(&mut world, "sk_test_psapay_demo_second");
    assert_paid_once_in_the_end(&world);
    assert_eq!(line.keys("/v1/payment_intents").len(), 1, "one key");
}

#[test]
fn a_busy_stripe_is_asked_again_under_the_same_key() {
    for (effect, count) in [
        ("error429", 1),
        ("error429", 9),
        ("lock_timeout", 1),
        ("lock_timeout", 9),
        // Its answer does not come in time, and until it does the key is in use.
        ("delay", 1),
    ] {
        for path in ["/v1/payment_intents", "/v1/payment_intents/pi"] {
            let mut world = World::new(34);
            let line = Line::lay(&mut world);
            let fault = format!(
                r#"{{"effect":"{effect}","method":"POST","path":"{path}","count":{count},"delay_ms":200000}}"#
            );
            world.control("/_simulator/faults", &fault);
            run(collect::pay(&world.app, &BY, &world.link, &request(&world))).unwrap();
            pass(&world, 20);
            assert_eq!(world.number(&OPEN), 0, "{effect} {count} times at {path}");
            assert_paid_once_in_the_end(&world);
            let keys = [
                line.keys("/v1/payment_intents").len(),
                line.keys("/confirm").len(),
            ];
            assert_eq!(keys, [1, 1], "{effect} {count} times at {path}");
        }
    }
}
