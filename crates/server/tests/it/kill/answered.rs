//! What is answered 200 is kept: the program is killed while events come in, and every event that it had
//! answered by then is in the table, before it starts again and before anybody asks Stripe for anything.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use flows::Clock;
use serde_json::json;
use server::clock::SystemClock;
use server::demo::TEST_WEBHOOK_SECRET;
use store::Sql;
use stripe::Secret;
use tokio::task::{JoinSet, LocalSet};

use super::installation::{Door, Installation, Instance};
use super::{Draw, compare};
use crate::engines::World;

/// How often the program is killed.
const KILLS: u64 = 4;
/// Couriers that bring events at once.
const COURIERS: usize = 8;
const EVENTS: Sql = Sql::new("select event_id from stripe_webhook_events");

/// What the couriers of one life of the program share.
struct Round {
    door: Door,
    nth: u64,
    instance: RefCell<Instance>,
    answered: RefCell<BTreeSet<String>>,
    /// So many answers, and it is killed.
    enough: usize,
}

both! {
    fn every_event_that_was_answered_is_in_the_table_when_the_program_is_killed(world: &World) {
        drop(rustls::crypto::ring::default_provider().install_default());
        crate::engines::block_on(world.db.close());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let installation = Installation::prepare(&world.url, 1, 0).await;
            let mut draw = Draw::new(9);
            for nth in 0..KILLS {
                let instance = RefCell::new(installation.start(0));
                installation.until_ready().await;
                let enough = 20 + usize::try_from(draw.below(60)).unwrap();
                let (door, answered) = (installation.door(), RefCell::default());
                let round = Rc::new(Round { door, nth, instance, answered, enough });
                LocalSet::new().run_until(bring(&round)).await;
                let answered = round.answered.take();
                assert!(answered.len() >= enough, "{} of {enough}", answered.len());
                let kept = compare::texts(&world.url, &EVENTS, "event_id").await;
                let lost: Vec<&String> = answered.difference(&kept).collect();
                assert!(lost.is_empty(), "answered, and not in the table: {lost:?}");
            }
        });
        runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    }
}

/// Several couriers bring one event after the other until the program is gone.
async fn bring(round: &Rc<Round>) {
    let mut couriers = JoinSet::new();
    for courier in 0..COURIERS {
        let round = round.clone();
        couriers.spawn_local(async move {
            for nth in 0.. {
                let id = format!("evt_answered_{}_{courier}_{nth}", round.nth);
                if !deliver(&round.door, &id).await {
                    break;
                }
                let mut answered = round.answered.borrow_mut();
                answered.insert(id);
                if answered.len() == round.enough {
                    round.instance.borrow_mut().kill();
                }
            }
        });
    }
    couriers.join_all().await;
}

/// Brings a signed event; whether it was answered 200.
async fn deliver(door: &Door, id: &str) -> bool {
    let object = json!({"object": "payment_intent", "id": format!("pi_{id}"), "amount": 100,
        "currency": "usd", "status": "succeeded"});
    let event = json!({"object": "event", "id": id, "livemode": false, "created": 1, "account": door.account,
        "type": "payment_intent.succeeded", "data": {"object": object}});
    let body = event.to_string();
    let now = SystemClock::default().now().seconds();
    let signature = stripe::signature::sign(&Secret::new(TEST_WEBHOOK_SECRET), now, body.as_bytes());
    let url = format!("{}/api/stripe/webhook", door.origins[0]);
    let request = door
        .http
        .post(url)
        .header("stripe-signature", signature)
        .body(body);
    request
        .send()
        .await
        .is_ok_and(|answer| answer.status().is_success())
}
