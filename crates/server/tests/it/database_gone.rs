//! The database goes away while somebody pays: what was not noted is not sent, what was sent is found out
//! once it is back, and the payer never reads that nothing happened when something may have.

use std::net::SocketAddr;
use std::sync::Arc;

use flows::App;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use server::demo;
use server::router::{Site, router};
use store::db::Options;
use store::{Db, Sql};
use stripe::{BoxFuture, Client, HttpRequest, HttpResponse, Https, NoAnswer, Transport};
use tokio::net::TcpListener;

use crate::engines::World;
use crate::town::{METRICS_TOKEN, Town, Wishes};

const MINUTE_MS: i64 = 60_000;
const OPEN: Sql = Sql::new("select count(*) as n from stripe_operations where status in ('sent', 'unknown')");

/// When the database goes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Gone {
    /// Before the press on Pay.
    Before,
    /// When the intent is to be made: that it is was committed.
    AtCreate,
    /// When the intent is to be confirmed.
    AtConfirm,
}

/// The way to Stripe, on which the database goes just before one request.
struct Closing {
    https: Https,
    db: Db,
    at: Gone,
}

impl Transport for Closing {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, NoAnswer>> {
        Box::pin(async move {
            let reached = match self.at {
                Gone::Before => false,
                Gone::AtCreate => request.url.ends_with("/v1/payment_intents"),
                Gone::AtConfirm => request.url.ends_with("/confirm"),
            };
            if reached {
                self.db.close().await;
            }
            self.https.send(request).await
        })
    }

    fn pause(&self, ms: u64) -> BoxFuture<'_, ()> {
        self.https.pause(ms)
    }
}

/// The town's server once more, over a way to Stripe on which the database goes. Answers its address.
async fn beside(town: &Town, at: Gone) -> String {
    let keys = town.site.config.test.as_ref().unwrap();
    let closing = Closing {
        https: Https::loopback_only().unwrap(),
        db: town.app.db.clone(),
        at,
    };
    let client = Client::new(&town.stripe_url, keys.secret_key.clone(), Arc::new(closing));
    let site = Site {
        app: App {
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

/// What the payer reads when the database goes, and what is true when it is back.
async fn goes(world: &World, mut town: Town, at: Gone) {
    let invoice = town.invoice(12_345, "usd").await;
    let link = town.link(&invoice).await;
    let (page, token) = (town.read_page(&link).await, town.token("pm_card_visa"));
    let press = serde_json::json!({"confirmation_token": token, "amount": 12_345, "currency": "usd",
        "page_token": page});
    let before = town.requests().len();
    town.url = beside(&town, at).await;
    if at == Gone::Before {
        town.app.db.close().await;
    }
    let pressed = town.press(&link, press).await;
    match at {
        Gone::Before => {
            pressed.assert_refused(503, "try_again", None);
            assert_eq!(pressed.headers["retry-after"], "1");
            assert_eq!(town.requests().len(), before, "Stripe heard of it");
            assert_eq!(town.look(&link).await.status, StatusCode::SERVICE_UNAVAILABLE);
            let ready = town.public(Method::GET, "/readyz", Value::Null).await;
            assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(ready.text, "the database takes no writes: closed\n");
            shows_what_it_counts(&town).await;
        }
        Gone::AtCreate | Gone::AtConfirm => {
            assert_eq!(pressed.status, StatusCode::OK, "{}", pressed.text);
            assert_eq!(pressed.body["status"], "checking", "{}", pressed.text);
        }
    }
    let charged = usize::from(at == Gone::AtConfirm);
    assert_eq!(town.charges().len(), charged, "{at:?}");

    let db = Db::open(&world.url, Options::default()).await.unwrap();
    let mut again = town.open_beside(db, &Wishes::default()).await;
    again.msp = town.msp.clone();
    // Whoever sent it holds it for five minutes.
    again.advance_ms(6 * MINUTE_MS);
    again
        .until("what was sent is known", async || again.number(&OPEN).await == 0)
        .await;
    if at != Gone::AtConfirm {
        assert_eq!(again.read_invoice(&invoice).await["status"], "open", "{at:?}");
        let paid = again
            .pay(&link, &again.token("pm_card_visa"), 12_345, "usd")
            .await;
        assert_eq!(paid.body["status"], "succeeded", "{at:?}: {}", paid.text);
    }
    again.until_invoice(&invoice, "paid").await;
    assert_eq!((again.intents().len(), again.charges().len()), (1, 1), "{at:?}");
    again.assert_books().await;
    again.app.db.close().await;
}

/// Monitoring sees what this instance counted, and that its database is gone.
async fn shows_what_it_counts(town: &Town) {
    let delivered = town.deliver_signed(demo::TEST_WEBHOOK_SECRET, b"{}").await;
    assert_eq!(delivered.status, StatusCode::SERVICE_UNAVAILABLE);
    let shown = town
        .api(METRICS_TOKEN, Method::GET, "/metrics", Value::Null)
        .await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.text);
    for line in [
        "psa_pay_database_up 0",
        "psa_pay_webhook_deliveries_total{answer=\"not_stored\"} 1",
        "psa_pay_clock_skew_seconds 0",
        "# EOF",
    ] {
        assert!(
            shown.text.lines().any(|found| found == line),
            "{line}: {}",
            shown.text
        );
    }
    for unknown in ["psa_pay_events", "psa_pay_live_locked"] {
        assert!(!shown.text.contains(unknown), "{unknown} in {}", shown.text);
    }
}

both! {
    fn without_a_database_nothing_is_paid_and_stripe_is_not_asked(world: &World) {
        let by_hand = Wishes { deliveries: false, worker: false, ..Wishes::default() };
        Town::run_as(world, by_hand, async |town| goes(world, town, Gone::Before).await);
    }

    fn a_database_that_goes_while_the_intent_is_made_leaves_one_intent(world: &World) {
        let by_hand = Wishes { deliveries: false, worker: false, ..Wishes::default() };
        Town::run_as(world, by_hand, async |town| goes(world, town, Gone::AtCreate).await);
    }

    fn a_database_that_goes_while_the_card_is_charged_leaves_one_charge(world: &World) {
        let by_hand = Wishes { deliveries: false, worker: false, ..Wishes::default() };
        Town::run_as(world, by_hand, async |town| goes(world, town, Gone::AtConfirm).await);
    }
}
