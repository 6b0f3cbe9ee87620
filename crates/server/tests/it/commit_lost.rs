//! Stripe has carried a payment out, and of our own COMMIT nobody hears whether it happened: the connection
//! to PostgreSQL breaks while it is under way, once it is over, or its process is ended within it. SQLite's
//! side of it is `whichever_commit_of_a_payment_has_no_answer_it_is_charged_and_booked_once` in `flows`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use flows::{App, reconcile};
use reqwest::StatusCode;
use server::router::{Site, router};
use store::db::Options;
use store::{Db, Sql};
use stripe::{BoxFuture, Client, HttpRequest, HttpResponse, Https, NoAnswer, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::engines::World;
use crate::town::{Town, Wishes};

const MINUTE_MS: i64 = 60_000;
const OPEN: Sql = Sql::new("select count(*) as n from stripe_operations where status in ('sent', 'unknown')");

/// What becomes of the COMMIT after Stripe's success.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Lost {
    /// It never reaches the server.
    OnTheWay,
    /// It happens, and its answer never reaches us.
    OnTheWayBack,
    /// The server's process is ended within it.
    Within,
}

/// The way to PostgreSQL, which breaks at the next COMMIT once it is armed.
#[derive(Clone)]
struct Way {
    server: SocketAddr,
    armed: Arc<AtomicBool>,
    lost: Lost,
}

impl Way {
    /// Lays a way to the world's server, and answers the database's address over it.
    async fn lay(world: &World, lost: Lost) -> (Way, String) {
        let address = world
            .url
            .split('@')
            .next_back()
            .unwrap()
            .split('/')
            .next()
            .unwrap();
        let way = Way {
            server: address.parse().unwrap(),
            armed: Arc::default(),
            lost,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = world
            .url
            .replace(address, &listener.local_addr().unwrap().to_string());
        let laid = way.clone();
        tokio::spawn(async move {
            while let Ok((ours, _)) = listener.accept().await {
                tokio::spawn(laid.clone().carry(ours));
            }
        });
        (way, url)
    }

    /// Carries bytes both ways until the COMMIT; whichever end closes takes the other along.
    async fn carry(self, ours: TcpStream) -> Option<()> {
        let mut ours = ours;
        let mut theirs = TcpStream::connect(self.server).await.ok()?;
        let (mut from_us, mut from_them) = ([0_u8; 16_384], [0_u8; 16_384]);
        loop {
            tokio::select! {
                read = ours.read(&mut from_us) => {
                    let sent = &from_us[..read.ok().filter(|read| *read > 0)?];
                    // A simple query: its letter, its length, its text.
                    let commits = sent.windows(7).any(|part| part == b"commit\0");
                    let breaks = commits && self.armed.swap(false, Ordering::SeqCst);
                    if breaks && self.lost == Lost::OnTheWay {
                        return None;
                    }
                    theirs.write_all(sent).await.ok()?;
                    if breaks {
                        // The server's answer says that it is over.
                        let said = theirs.read(&mut from_them).await.ok()?;
                        assert!(said > 0, "the server ended before it had answered");
                        return None;
                    }
                }
                read = theirs.read(&mut from_them) => {
                    let said = &from_them[..read.ok().filter(|read| *read > 0)?];
                    ours.write_all(said).await.ok()?;
                }
            }
        }
    }
}

/// The way to Stripe, on which a success of one request arms the way to the database.
struct Arming {
    https: Https,
    armed: Arc<AtomicBool>,
    at: &'static str,
}

impl Transport for Arming {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, NoAnswer>> {
        Box::pin(async move {
            let arms = request.url.ends_with(self.at);
            let answer = self.https.send(request).await;
            if arms {
                assert_eq!(answer.as_ref().map(|answer| answer.status), Ok(200));
                self.armed.store(true, Ordering::SeqCst);
            }
            answer
        })
    }

    fn pause(&self, ms: u64) -> BoxFuture<'_, ()> {
        self.https.pause(ms)
    }
}

/// The `nth` operation that succeeds takes the server's process with it, in COMMIT.
fn trap(world: &World, nth: usize) {
    let trap = format!(
        "create sequence successes;
         create function die() returns trigger language plpgsql as $$ begin
           if nextval('successes') = {nth} then
             perform pg_terminate_backend(pg_backend_pid());
           end if;
           return null;
         end; $$;
         create constraint trigger die after update on stripe_operations deferrable initially deferred
           for each row when (new.status = 'succeeded') execute function die();"
    );
    let url = world.url.clone();
    let set = std::thread::spawn(move || {
        postgres::Client::connect(&url, postgres::NoTls)
            .unwrap()
            .batch_execute(&trap)
            .unwrap();
    });
    set.join().unwrap();
}

/// The town's server once more, over these ways. Answers its address.
async fn beside(town: &Town, db: Db, armed: Arc<AtomicBool>, at: &'static str) -> String {
    let keys = town.site.config.test.as_ref().unwrap();
    let https = Https::loopback_only().unwrap();
    let arming = Arming { https, armed, at };
    let client = Client::new(&town.stripe_url, keys.secret_key.clone(), Arc::new(arming));
    let site = Site {
        app: App {
            db,
            stripe_test: Some(client),
            ..town.app.clone()
        },
        ..town.site.clone()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let service = router(site).into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(axum::serve(listener, service).into_future());
    url
}

async fn pays_once(world: &World, mut town: Town, lost: Lost, nth: usize, at: &'static str) {
    let (way, url) = Way::lay(world, lost).await;
    let db = Db::open(&url, Options::default()).await.unwrap();
    let invoice = town.invoice(12_345, "usd").await;
    let link = town.link(&invoice).await;
    let (page, token) = (town.read_page(&link).await, town.token("pm_card_visa"));
    let press = serde_json::json!({"confirmation_token": token, "amount": 12_345, "currency": "usd",
        "page_token": page});
    let mut armed = Arc::clone(&way.armed);
    if lost == Lost::Within {
        trap(world, nth);
        armed = Arc::default();
    }
    let whole = town.url.clone();
    town.url = beside(&town, db.clone(), armed, at).await;
    let pressed = town.press(&link, press).await;
    assert_eq!(pressed.status, StatusCode::OK, "{lost:?} {at}: {}", pressed.text);
    assert_eq!(
        pressed.body["status"], "checking",
        "{lost:?} {at}: {}",
        pressed.text
    );
    assert!(!way.armed.load(Ordering::SeqCst), "the COMMIT was met");
    let open = i64::from(lost != Lost::OnTheWayBack);
    assert_eq!(
        town.number(&OPEN).await,
        open,
        "{lost:?} {at}: whether it was committed"
    );
    db.close().await;

    town.url = whole;
    // Whoever sent it holds it for five minutes.
    for _ in 0..8 {
        town.advance_ms(MINUTE_MS);
        reconcile::run(&town.app).await.unwrap();
    }
    assert_eq!(town.number(&OPEN).await, 0, "{lost:?} {at}");
    if at != "/confirm" {
        let paid = town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
        assert_eq!(paid.body["status"], "succeeded", "{lost:?} {at}: {}", paid.text);
    }
    assert_eq!(
        town.read_invoice(&invoice).await["status"],
        "paid",
        "{lost:?} {at}"
    );
    assert_eq!(
        (town.intents().len(), town.charges().len()),
        (1, 1),
        "{lost:?} {at}"
    );
    const BOOKED: Sql = Sql::new("select count(*) as n from ledger_transactions where kind = 'payment'");
    assert_eq!(town.number(&BOOKED).await, 1, "{lost:?} {at}");
    town.assert_nothing_open().await;
    town.assert_books().await;
}

#[test]
fn a_commit_that_nobody_hears_of_after_stripes_success_charges_and_books_once() {
    for (nth, at) in [(1, "/v1/payment_intents"), (2, "/confirm")] {
        for lost in [Lost::OnTheWay, Lost::OnTheWayBack, Lost::Within] {
            let Some(world) = World::postgres() else { return };
            let by_hand = Wishes {
                deliveries: false,
                worker: false,
                ..Wishes::default()
            };
            Town::run_as(&world, by_hand, async |town| {
                pays_once(&world, town, lost, nth, at).await
            });
        }
    }
}
