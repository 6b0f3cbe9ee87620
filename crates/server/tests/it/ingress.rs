//! Deliveries on bad days: by the thousand, to two instances at once, while the database is away or full,
//! and with a clock that is off.

use std::sync::Arc;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::demo::TEST_WEBHOOK_SECRET;
use store::Sql;
use store::db::Engine;
use stripe::{Secret, signature};
use tokio::task::JoinSet;

use crate::engines::{World, admin};
use crate::inbox::{by_hand, deliver_all, of_shop};
use crate::metrics::{metrics, value};
use crate::town::{Town, Wishes};

const EVENTS: Sql = Sql::new("select count(*) as n from stripe_webhook_events");

/// Makes the database refuse to store anything, as when it is down (PostgreSQL) or its disk is full
/// (SQLite).
async fn break_database(world: &World, town: &Town) {
    const FULL: Sql = Sql::new("pragma max_page_count = 1");
    match world.db.engine() {
        Engine::Sqlite => pragma(town, &FULL).await,
        Engine::Postgres => {
            let name = world.url.rsplit('/').next().unwrap().to_owned();
            let end =
                format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'");
            as_administrator(vec![
                format!("alter database {name} with allow_connections false"),
                end,
            ]);
        }
    }
}

async fn repair_database(world: &World, town: &Town) {
    const ROOM: Sql = Sql::new("pragma max_page_count = 1073741823");
    match world.db.engine() {
        Engine::Sqlite => pragma(town, &ROOM).await,
        Engine::Postgres => {
            let name = world.url.rsplit('/').next().unwrap();
            as_administrator(vec![format!("alter database {name} with allow_connections true")]);
        }
    }
}

async fn pragma(town: &Town, sql: &'static Sql) {
    let set = town.app.db.write(move |tx| tx.query(sql, &[])).await;
    set.unwrap_or_else(|error: store::Error| panic!("{error}"));
}

fn as_administrator(statements: Vec<String>) {
    let server = std::env::var("PSA_PAY_TEST_POSTGRES").unwrap();
    let work = std::thread::spawn(move || statements.iter().for_each(|statement| admin(&server, statement)));
    work.join().unwrap();
}

/// An event too large for any page that is free already.
fn large(town: &Town, intent: &str) -> Value {
    let mut event = of_shop(town, intent);
    event["data"]["object"]["description"] = json!("x".repeat(900_000));
    event
}

/// As while the server is a standby that clients still reach. SQLite's side of it is a test of `store`.
#[test]
fn while_the_database_can_only_be_read_stripe_is_told_to_come_again() {
    let Some(world) = World::postgres() else { return };
    Town::run_as(&world, by_hand(), async |town| {
        let name = world.url.rsplit('/').next().unwrap();
        let set_read_only = |read_only: bool| {
            as_administrator(vec![
                format!("alter database {name} set default_transaction_read_only = {read_only}"),
                format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"),
            ]);
        };
        let body = of_shop(&town, "pi_1").to_string();
        let deliver = async || town.deliver_signed(TEST_WEBHOOK_SECRET, body.as_bytes()).await;
        set_read_only(true);
        for _ in 0..3 {
            deliver().await.assert_refused(503, "not_stored", None);
        }
        set_read_only(false);
        let written = async || deliver().await.status == StatusCode::OK;
        town.until("the database to be written", written).await;
        assert_eq!(town.number(&EVENTS).await, 1);
    });
}

both! {
    fn a_burst_of_five_thousand_events_is_answered_and_applied(world: &World) {
        let wishes = Wishes { deliveries: false, ..Wishes::default() };
        Town::run_as(world, wishes, async |town| {
            let town = Arc::new(town);
            deliver_all(&town, (0..5_000).map(|n| of_shop(&town, &format!("pi_{n}"))).collect()).await;
            town.until_quiet().await;
            const APPLIED: Sql = Sql::new(
                "select count(*) as n from stripe_webhook_events
                 where status = 'external' and failures = 0 and deliveries = 1",
            );
            assert_eq!((town.number(&EVENTS).await, town.number(&APPLIED).await), (5_000, 5_000));
        });
    }

    fn each_of_five_hundred_events_comes_to_two_instances_at_once_and_is_applied_once(world: &World) {
        let wishes = Wishes { deliveries: false, ..Wishes::default() };
        Town::run_as(world, wishes, async |town| {
            let (one, other) = (Arc::new(town.again(world).await), Arc::new(town));
            let mut rounds = JoinSet::new();
            for first in 0..8 {
                let (one, other) = (one.clone(), other.clone());
                rounds.spawn(async move {
                    for n in (first..500).step_by(8) {
                        let body = of_shop(&other, &format!("pi_{n}")).to_string();
                        let (a, b) = tokio::join!(
                            one.deliver_signed(TEST_WEBHOOK_SECRET, body.as_bytes()),
                            other.deliver_signed(TEST_WEBHOOK_SECRET, body.as_bytes())
                        );
                        assert_eq!((a.status, b.status), (StatusCode::OK, StatusCode::OK));
                    }
                });
            }
            rounds.join_all().await;
            other.until_quiet().await;
            const ONCE: Sql = Sql::new(
                "select count(*) as n from stripe_webhook_events
                 where status = 'external' and deliveries = 2 and attempts = 1",
            );
            assert_eq!((other.number(&EVENTS).await, other.number(&ONCE).await), (500, 500));
        });
    }

    fn while_nothing_can_be_stored_stripe_is_told_to_come_again(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let body = large(&town, "pi_large").to_string();
            let deliver = async || town.deliver_signed(TEST_WEBHOOK_SECRET, body.as_bytes()).await;
            break_database(world, &town).await;
            for _ in 0..3 {
                deliver().await.assert_refused(503, "not_stored", None);
            }
            repair_database(world, &town).await;
            town.until("the database to be back", async || deliver().await.status == StatusCode::OK).await;
            assert_eq!(town.number(&EVENTS).await, 1);
        });
    }

    fn a_clock_that_is_off_is_told_with_how_much(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let body = of_shop(&town, "pi_1").to_string();
            let ready = async || town.public(Method::GET, "/readyz", Value::Null).await;
            assert_eq!(ready().await.text, "ready\n");
            town.clock.stop();
            let now = town.clock.now_s();
            let skew = async || value(&metrics(&town).await, "psa_pay_clock_skew_seconds");
            for (off, told) in [(-600, "600 s ahead of"), (360, "360 s behind")] {
                let header = signature::sign(&Secret::new(TEST_WEBHOOK_SECRET), now + off, body.as_bytes());
                let refused = town.deliver(Some(&header), body.as_bytes()).await;
                refused.assert_refused(401, "signature_invalid", None);
                let ready = ready().await;
                assert_eq!(ready.status, StatusCode::OK);
                assert!(ready.text.contains("clock_skew") && ready.text.contains(told), "{}", ready.text);
                assert_eq!(skew().await, Some(-off));
            }
            // Whoever does not know the secret says nothing about the clock.
            let forged = signature::sign(&Secret::new("whsec_psapay_other"), now - 9_000, body.as_bytes());
            town.deliver(Some(&forged), body.as_bytes()).await;
            assert!(ready().await.text.contains("360 s behind"));
            assert_eq!(town.number(&EVENTS).await, 0);
            let stored = town.deliver_signed(TEST_WEBHOOK_SECRET, body.as_bytes()).await;
            assert_eq!(stored.status, StatusCode::OK);
            assert_eq!(skew().await, Some(0));
            assert_eq!(ready().await.text, "ready\n", "it is set");
        });
    }
}
