//! The inbox on bad days: an event that never works, a handler that fails for a while, workers that are
//! frozen or late, two of them on one object. The tests call the worker's flows by hand, at moments of
//! their own choice.

use std::sync::Arc;

use flows::{Failure, stripe_events};
use reqwest::StatusCode;
use serde_json::{Value, json};
use server::demo::TEST_WEBHOOK_SECRET;
use store::db::{Engine, Options};
use store::stripe_webhook_events::{Status, Taken};
use store::{Db, Sql, Tx};
use tokio::task::JoinSet;

use crate::engines::World;
use crate::town::{Town, Wishes};

pub const HOUR_MS: i64 = 60 * 60 * 1000;
pub const POISON: &str = "pi_poison";
pub const BREAKS: Sql =
    Sql::new("select kind, subject_id, tenant_id, detail, resolved_at from reconciliation_breaks");
pub const POISONED: Sql = Sql::new(
    "select id, status, attempts, failures, next_attempt_at, last_error, tenant_id from stripe_webhook_events
     where object_id = 'pi_poison'",
);
pub const POSTINGS: Sql = Sql::new("select count(*) as n from ledger_transactions where kind = 'payment'");

pub fn by_hand() -> Wishes {
    Wishes {
        deliveries: false,
        worker: false,
        ..Wishes::default()
    }
}

/// An event of a payment in the tenant's own shop.
pub fn of_shop(town: &Town, intent: &str) -> Value {
    let object = json!({"object": "payment_intent", "id": intent, "amount": 100, "currency": "usd",
        "status": "succeeded"});
    json!({"object": "event", "id": format!("evt_{intent}"), "livemode": false, "created": 1,
        "account": town.msp.account, "type": "payment_intent.succeeded", "data": {"object": object}})
}

/// Delivers all of them, sixteen at a time; each must be answered 200.
pub async fn deliver_all(town: &Arc<Town>, events: Vec<Value>) {
    let events = Arc::new(events);
    let mut senders = JoinSet::new();
    for first in 0..16 {
        let (town, events) = (town.clone(), events.clone());
        senders.spawn(async move {
            for event in events.iter().skip(first).step_by(16) {
                let body = event.to_string();
                let reply = town.deliver_signed(TEST_WEBHOOK_SECRET, body.as_bytes()).await;
                assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
            }
        });
    }
    senders.join_all().await;
}

/// Applies what is due, as the worker does, until nothing is.
pub async fn work(town: &Town) {
    loop {
        let taken = stripe_events::take(&town.app, 64).await.unwrap();
        if taken.is_empty() {
            return;
        }
        for events in taken.chunks(32) {
            for left in stripe_events::apply_together(&town.app, events.to_vec()).await {
                stripe_events::apply(&town.app, &left).await.unwrap();
            }
        }
    }
}

/// From now on the database refuses what the handler of one event writes.
pub async fn break_handler(town: &Town) {
    const REFUSAL: Sql = Sql::per_engine(
        "select 1",
        "create function refuse() returns trigger language plpgsql
           as 'begin raise exception ''the handler is broken''; end'",
    );
    const TRIGGER: Sql = Sql::per_engine(
        "create trigger broken before insert on external_objects when new.object_id = 'pi_poison'
         begin select raise(abort, 'the handler is broken'); end",
        "create trigger broken before insert on external_objects
         for each row when (new.object_id = 'pi_poison') execute function refuse()",
    );
    change_schema(town, &[&REFUSAL, &TRIGGER]).await;
}

pub async fn repair_handler(town: &Town) {
    const REPAIR: Sql = Sql::per_engine("drop trigger broken", "drop trigger broken on external_objects");
    change_schema(town, &[&REPAIR]).await;
}

async fn change_schema(town: &Town, steps: &'static [&'static Sql]) {
    let change = move |tx: &mut Tx| {
        for sql in steps {
            tx.query(sql, &[])?;
        }
        Ok::<_, store::Error>(())
    };
    town.app.db.write(change).await.unwrap();
}

/// An invoice that was paid while nothing told us, and the event that does.
pub async fn paid_unseen(town: &Town) -> (String, Value) {
    let invoice = town.invoice(12_345, "usd").await;
    let link = town.link(&invoice).await;
    let token = town.token("pm_card_authenticationRequired");
    let asked = town.pay(&link, &token, 12_345, "usd").await;
    assert_eq!(asked.body["status"], "requires_action", "{}", asked.text);
    town.challenge(town.intents()[0]["id"].as_str().unwrap(), "complete");
    (invoice, town.event("payment_intent.succeeded"))
}

pub async fn deliver(town: &Town, event: &Value) {
    let reply = town
        .deliver_signed(TEST_WEBHOOK_SECRET, event.to_string().as_bytes())
        .await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
}

/// The same installation a second time, whose worker is the test as well.
pub async fn beside_by_hand(town: &Town, world: &World) -> Town {
    let db = match world.db.engine() {
        Engine::Sqlite => town.app.db.clone(),
        Engine::Postgres => Db::open(&world.url, Options::default()).await.unwrap(),
    };
    let mut other = town.open_beside(db, &by_hand()).await;
    other.msp = town.msp.clone();
    other
}

/// The one event that is due, taken up.
pub async fn take_one(town: &Town) -> Taken {
    let mut taken = stripe_events::take(&town.app, 10).await.unwrap();
    assert_eq!(taken.len(), 1);
    taken.remove(0)
}

both! {
    fn one_event_of_a_thousand_that_always_fails_holds_up_no_other_and_ends_dead(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let town = Arc::new(town);
            town.clock.stop();
            break_handler(&town).await;
            let mut events: Vec<Value> = (0..999).map(|n| of_shop(&town, &format!("pi_{n}"))).collect();
            events.insert(500, of_shop(&town, POISON));
            deliver_all(&town, events).await;
            work(&town).await;
            const APPLIED: Sql = Sql::new(
                "select count(*) as n from stripe_webhook_events
                 where status = 'external' and attempts = 1 and failures = 0",
            );
            assert_eq!(town.number(&APPLIED).await, 999, "all but the one, at the first try");

            for tries in 1..12 {
                let event = &town.rows(&POISONED).await[0];
                assert_eq!(event.text("status").unwrap(), "failed");
                assert!(event.text("last_error").unwrap().contains("the handler is broken"));
                assert_eq!(event.int("failures").unwrap(), tries);
                assert_eq!(event.text("tenant_id").unwrap(), town.msp.scope.tenant.as_str());
                let wait = event.int("next_attempt_at").unwrap() - town.app.clock.now().ms();
                assert!(wait <= HOUR_MS, "{wait}");
                assert!(town.rows(&BREAKS).await.is_empty(), "nobody is called for {tries} tries");
                town.advance_ms(HOUR_MS);
                work(&town).await;
            }
            let event = &town.rows(&POISONED).await[0];
            assert_eq!(event.text("status").unwrap(), "dead");
            assert_eq!(event.int("failures").unwrap(), 12);
            assert_eq!(event.int_opt("next_attempt_at").unwrap(), None);
            let alert = &town.rows(&BREAKS).await[0];
            assert_eq!(alert.text("kind").unwrap(), "event_dead");
            assert_eq!(alert.text("subject_id").unwrap(), "evt_pi_poison");
            assert_eq!(alert.text("tenant_id").unwrap(), town.msp.scope.tenant.as_str());
            assert!(alert.text("detail").unwrap().contains("the handler is broken"));
            town.advance_ms(24 * HOUR_MS);
            work(&town).await;
            assert_eq!(town.rows(&POISONED).await[0].int("attempts").unwrap(), 12, "it is left alone");
        });
    }

    fn a_failing_handler_leaves_the_event_failed_and_it_is_tried_again(world: &World) {
        let wishes = Wishes { deliveries: false, ..Wishes::default() };
        Town::run_as(world, wishes, async |town| {
            break_handler(&town).await;
            deliver(&town, &of_shop(&town, POISON)).await;
            let status = async || town.rows(&POISONED).await[0].text("status").unwrap();
            town.until("the failure to be noted", async || status().await == "failed").await;
            const OBJECTS: Sql = Sql::new("select count(*) as n from external_objects");
            assert_eq!(town.number(&OBJECTS).await, 0);
            repair_handler(&town).await;
            town.advance_ms(HOUR_MS);
            town.until("the next try", async || status().await == "external").await;
            let event = &town.rows(&POISONED).await[0];
            assert_eq!(event.text_opt("last_error").unwrap(), None);
            assert_eq!(town.number(&OBJECTS).await, 1);
        });
    }

    fn a_try_that_never_comes_back_counts_and_the_thirteenth_is_not_made(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            deliver(&town, &of_shop(&town, POISON)).await;
            for tries in 1..=12 {
                let taken = take_one(&town).await;
                assert_eq!((taken.attempts, taken.failures), (tries, tries));
                // The worker is killed here, each time; a minute later its lease has run out.
                town.advance_ms(60 * 1000);
            }
            work(&town).await;
            assert_eq!(town.rows(&POISONED).await[0].text("status").unwrap(), "dead");
            assert!(town.rows(&BREAKS).await[0].text("detail").unwrap().contains("no try"));
        });
    }

    fn what_a_frozen_worker_brings_after_its_lease_is_not_applied(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let other = beside_by_hand(&town, world).await;
            let (invoice, event) = paid_unseen(&town).await;
            deliver(&town, &event).await;
            let frozen = take_one(&town).await;
            assert!(stripe_events::take(&other.app, 10).await.unwrap().is_empty(), "it is held");
            // Two minutes later another has taken it up, and is not done yet.
            town.advance_ms(120 * 1000);
            let taken = take_one(&other).await;
            assert_eq!((&taken.event_id, taken.attempts), (&frozen.event_id, 2));
            let late = stripe_events::apply(&town.app, &frozen).await;
            let Err(Failure::Unknown(why)) = late else { panic!("{late:?}") };
            assert!(why.contains("another worker"), "{why}");
            assert_eq!(town.read_invoice(&invoice).await["status"], "open", "nothing of it was kept");
            assert_eq!(stripe_events::apply(&other.app, &taken).await, Ok(Status::Processed));
            assert_eq!(town.read_invoice(&invoice).await["status"], "paid");
            // And once more, now that it is done with.
            assert!(stripe_events::apply(&town.app, &frozen).await.is_err());
            assert_eq!(town.number(&POSTINGS).await, 1);
            const EVENT: Sql = Sql::new("select status, attempts, failures from stripe_webhook_events");
            let event = &town.rows(&EVENT).await[0];
            assert_eq!(event.text("status").unwrap(), "processed");
            assert_eq!((event.int("attempts").unwrap(), event.int("failures").unwrap()), (2, 1));
            town.assert_books().await;
        });
    }

    fn an_event_that_waits_for_hours_is_applied_without_another_look_at_its_signature(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let (invoice, event) = paid_unseen(&town).await;
            deliver(&town, &event).await;
            town.advance_ms(49 * HOUR_MS);
            work(&town).await;
            assert_eq!(town.read_invoice(&invoice).await["status"], "paid");
            town.assert_books().await;
        });
    }
}
