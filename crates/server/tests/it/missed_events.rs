//! Nobody told us: what happened at Stripe while no webhook arrived is read from Stripe's lists, for days and
//! for longer than Stripe lists events.

use domain::{Mode, Timestamp};
use flows::stripe_events::catalogue;
use flows::{reconcile, stripe_events};
use serde_json::{Value, json};
use server::demo::TEST_WEBHOOK_SECRET;
use store::db::Row;
use store::{Sql, event_cursors, followed};
use stripe::events::{self, Listed};

use crate::engines::World;
use crate::town::{Msp, Town, Wishes};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
const BREAKS: Sql = Sql::new(
    "select kind, subject_id, tenant_id, detail, resolved_at from reconciliation_breaks
     order by kind, subject_id",
);
const POSTINGS: Sql = Sql::new("select count(*) as n from ledger_transactions where kind = 'payment'");
const EVENTS: Sql = Sql::new("select count(*) as n from stripe_webhook_events");

fn silent() -> Wishes {
    Wishes {
        deliveries: false,
        worker: false,
        ..Wishes::default()
    }
}

/// The worker applies what there is, until nothing is due.
async fn apply_all(town: &Town) {
    loop {
        let taken = stripe_events::take(&town.app, 64).await.unwrap();
        if taken.is_empty() {
            return;
        }
        for event in taken {
            stripe_events::apply(&town.app, &event).await.unwrap();
        }
    }
}

/// Everything is read once, as it is within a quarter of an hour of every start.
async fn all_is_read(town: &Town) {
    town.advance_ms(15 * MINUTE_MS);
    reconcile::run(&town.app).await.unwrap();
    apply_all(town).await;
}

/// The payer passes the bank's check, and neither the page nor a webhook tells us.
async fn paid_unseen(town: &Town) -> String {
    let invoice = town.invoice(12_345, "usd").await;
    let link = town.link(&invoice).await;
    let token = town.token("pm_card_authenticationRequired");
    let asked = town.pay(&link, &token, 12_345, "usd").await;
    assert_eq!(asked.body["status"], "requires_action", "{}", asked.text);
    town.challenge(town.intents()[0]["id"].as_str().unwrap(), "complete");
    invoice
}

/// A sale of the tenant's own shop, and money that it gives back; answers both ids.
fn own_shop(town: &Town, msp: &Msp) -> [String; 2] {
    let form = "amount=700&currency=usd&payment_method=pm_card_visa&confirm=true\
        &automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never";
    let sale = town.stripe("POST", "/v1/payment_intents", Some(&msp.account), form);
    let sale = sale["id"].as_str().unwrap().to_owned();
    let form = format!("payment_intent={sale}");
    let back = town.stripe("POST", "/v1/refunds", Some(&msp.account), &form);
    [sale, back["id"].as_str().unwrap().to_owned()]
}

async fn externals(town: &Town) -> Vec<String> {
    const IDS: Sql = Sql::new("select object_id from external_objects order by object_id");
    let rows = town.rows(&IDS).await;
    rows.iter().map(|row| row.text("object_id").unwrap()).collect()
}

/// Money, fee and books of the invoice that was paid unseen are as Stripe has them.
async fn assert_paid_with_all_fees(town: &Town, invoice: &str) {
    assert_eq!(town.read_invoice(invoice).await["status"], "paid");
    const COMPLETE: Sql = Sql::new(
        "select count(*) as n from payments where stripe_fee is not null
           and net = received - application_fee - stripe_fee",
    );
    assert_eq!(town.number(&COMPLETE).await, 1, "Stripe's fee is known");
    const FEES: Sql = Sql::new("select count(*) as n from application_fees where payment_id is not null");
    assert_eq!(town.number(&FEES).await, 1, "the platform's fee is booked");
    assert_eq!(town.number(&POSTINGS).await, 1);
    town.assert_nothing_open().await;
    town.assert_books().await;
}

fn lists_of_events(town: &Town) -> usize {
    let asked = town.requests();
    asked.iter().filter(|request| is_list_of_events(request)).count()
}

fn is_list_of_events(request: &Value) -> bool {
    request["path"]
        .as_str()
        .is_some_and(|path| path.starts_with("/v1/events"))
}

both! {
    fn four_days_without_webhooks_are_made_up_for_by_one_run_after_the_start(world: &World) {
        Town::run_as(world, silent(), async |town| {
            all_is_read(&town).await;
            let known = town.number(&EVENTS).await;
            town.advance_ms(DAY_MS);
            let invoice = paid_unseen(&town).await;
            town.advance_ms(DAY_MS);
            let shop = own_shop(&town, &town.msp);
            town.advance_ms(2 * DAY_MS);
            let stopped = json!({"charges_enabled": false});
            town.control("POST", &format!("/_simulator/accounts/{}", town.msp.account), stopped);

            reconcile::hurry(&town.app).await.unwrap();
            town.advance_ms(MINUTE_MS);
            reconcile::run(&town.app).await.unwrap();
            apply_all(&town).await;
            assert_paid_with_all_fees(&town, &invoice).await;
            // Whoever watches the first payment is not told that its webhook came.
            let (at, told_by) = (Timestamp::from_ms(0), catalogue::AT_LEAST[0]);
            let first = town.app.db.read(move |tx| followed::first(tx, Mode::Test, at, "", told_by));
            let first = first.await.unwrap().unwrap();
            assert_eq!((first.told, first.listed), (0, 1));
            let external = externals(&town).await;
            assert!(shop.iter().all(|id| external.contains(id)), "{external:?}");
            const ENABLED: Sql = Sql::new("select charges_enabled as n from stripe_config");
            assert_eq!(town.number(&ENABLED).await, 0, "the account was read again");

            let breaks = town.rows(&BREAKS).await;
            assert!(!breaks.is_empty());
            for found in &breaks {
                assert_eq!(found.text("kind").unwrap(), "events_missed", "{breaks:?}");
            }
            assert!(town.number(&EVENTS).await > known + 8);
            const LISTED: Sql = Sql::new(
                "select count(*) as n from stripe_webhook_events
                 where source <> 'listed' or deliveries <> 0 or processed_at is null",
            );
            assert_eq!(town.number(&LISTED).await, 0, "each is from the list, and done with");

            // What is delivered after all is a duplicate.
            let told = town.event("payment_intent.succeeded");
            let events = town.number(&EVENTS).await;
            town.deliver_signed(TEST_WEBHOOK_SECRET, told.to_string().as_bytes()).await;
            assert_eq!(town.number(&EVENTS).await, events);
            const DELIVERED: Sql =
                Sql::new("select cast(sum(deliveries) as bigint) as n from stripe_webhook_events");
            assert_eq!(town.number(&DELIVERED).await, 1);
            assert!(stripe_events::take(&town.app, 9).await.unwrap().is_empty());
        });
    }

    fn thirty_five_days_without_webhooks_are_made_up_for_by_listing_what_was_made(world: &World) {
        Town::run_as(world, silent(), async |town| {
            all_is_read(&town).await;
            town.advance_ms(DAY_MS);
            let invoice = paid_unseen(&town).await;
            let shop = own_shop(&town, &town.msp);
            town.advance_ms(34 * DAY_MS);

            reconcile::hurry(&town.app).await.unwrap();
            town.advance_ms(MINUTE_MS);
            reconcile::run(&town.app).await.unwrap();
            apply_all(&town).await;
            assert_paid_with_all_fees(&town, &invoice).await;
            let external = externals(&town).await;
            assert!(shop.iter().all(|id| external.contains(id)), "{external:?}");
            let breaks = town.rows(&BREAKS).await;
            let is_gap = |row: &&Row| row.text("kind").unwrap() == "event_gap";
            let gaps: Vec<&Row> = breaks.iter().filter(is_gap).collect();
            let subjects: Vec<String> = gaps.iter().map(|row| row.text("subject_id").unwrap()).collect();
            let has = |id: &str| subjects.iter().any(|subject| subject == id);
            assert!(has(&town.msp.account) && has("platform"), "{gaps:?}");
            for gap in gaps {
                assert!(gap.int_opt("resolved_at").unwrap().is_some(), "{gap:?}");
                assert!(gap.text("detail").unwrap().contains("days ago"), "{gap:?}");
            }

            // From here on all is as usual.
            let before = town.rows(&BREAKS).await;
            all_is_read(&town).await;
            assert_eq!(town.rows(&BREAKS).await, before);
        });
    }

    fn a_list_that_lost_the_event_up_to_which_it_was_read_is_a_gap(world: &World) {
        Town::run_as(world, silent(), async |town| {
            all_is_read(&town).await;
            const FORGET: Sql = Sql::new(
                "update event_cursors set last_event_id = 'evt_gone' where stripe_account_id <> ''",
            );
            town.app.db.write(|tx| tx.execute(&FORGET, &[])).await.unwrap();
            all_is_read(&town).await;
            let breaks = town.rows(&BREAKS).await;
            let mut gaps = breaks.iter().filter(|row| row.text("kind").unwrap() == "event_gap");
            let gap = gaps.next().expect("a gap");
            assert!(gap.text("detail").unwrap().contains("evt_gone"), "{gap:?}");
            assert_eq!(gap.text("tenant_id").unwrap(), town.msp.scope.tenant.as_str());
            assert!(gap.int_opt("resolved_at").unwrap().is_some());
        });
    }

    fn a_missed_webhook_is_repaired_within_a_quarter_of_an_hour_by_a_few_calls(world: &World) {
        Town::run_as(world, silent(), async |town| {
            for n in 0..7 {
                town.add_msp(&format!("Neighbour {n}"), "usd").await;
            }
            all_is_read(&town).await;
            let stopped = json!({"charges_enabled": false});
            town.control("POST", &format!("/_simulator/accounts/{}", town.msp.account), stopped);
            let before = lists_of_events(&town);
            let mut busiest = 0;
            for _ in 0..15 {
                let calls = lists_of_events(&town);
                town.advance_ms(MINUTE_MS);
                reconcile::run(&town.app).await.unwrap();
                apply_all(&town).await;
                busiest = busiest.max(lists_of_events(&town) - calls);
            }
            const ENABLED: Sql =
                Sql::new("select cast(sum(charges_enabled) as bigint) as n from stripe_config");
            assert_eq!(town.number(&ENABLED).await, 7, "one of eight was stopped");
            // Eight accounts, and the platform in both modes: once each, and twice for the one whose webhook
            // was missed at the most.
            let calls = lists_of_events(&town) - before;
            assert!((9..=20).contains(&calls), "{calls} calls in a quarter of an hour");
            assert!(busiest < 8, "{busiest} of {calls} calls in one minute");
        });
    }

    fn of_two_instances_one_reads_an_account_and_who_was_away_writes_nothing(world: &World) {
        Town::run_as(world, silent(), async |town| {
            let second = town.again_as(world, &silent()).await;
            all_is_read(&town).await;
            let invoice = paid_unseen(&town).await;
            town.advance_ms(15 * MINUTE_MS);
            let before = lists_of_events(&town);
            let (one, other) = tokio::join!(reconcile::run(&town.app), reconcile::run(&second.app));
            one.unwrap();
            other.unwrap();
            assert_eq!(lists_of_events(&town) - before, 3, "the account, and the platform in two modes");
            apply_all(&town).await;
            assert_paid_with_all_fees(&town, &invoice).await;

            // One stops in the middle of its reading, and comes back when the other has done it.
            town.advance_ms(15 * MINUTE_MS);
            let (now, account) = (town.app.clock.now(), town.msp.account.clone());
            let lease = now.plus_ms(5 * MINUTE_MS);
            let stopped = town.app.db.write(move |tx| {
                event_cursors::take(tx, Mode::Test, &account, now, lease)
            });
            let stopped: Result<_, store::Error> = stopped.await;
            let stopped = stopped.unwrap().expect("it is due");
            let shop = own_shop(&town, &town.msp);
            reconcile::run(&second.app).await.unwrap();
            apply_all(&town).await;
            assert!(!externals(&town).await.contains(&shop[0]), "the account is taken");
            town.advance_ms(6 * MINUTE_MS);
            reconcile::run(&second.app).await.unwrap();
            apply_all(&town).await;
            assert!(externals(&town).await.contains(&shop[0]));
            let late = town.app.db.write(move |tx| event_cursors::store(tx, &stopped, now));
            let late: Result<bool, store::Error> = late.await;
            assert!(!late.unwrap(), "what it read before counts no longer");
        });
    }

    fn an_event_in_another_api_version_is_a_hint_and_its_object_is_retrieved(world: &World) {
        Town::run_as(world, silent(), async |town| {
            let invoice = paid_unseen(&town).await;
            let mut told = town.event("payment_intent.succeeded");
            told["api_version"] = json!("2019-05-16");
            told["data"]["object"]["amount_received"] = json!(1);
            told.as_object_mut().unwrap().remove("account");
            let body = told.to_string();
            let listed = [Listed { envelope: events::parse(body.as_bytes()).unwrap(), body }];
            let (moment, account) = (town.app.moment(), town.msp.account.clone());
            let stored = town.app.db.write(move |tx| {
                stripe_events::ingest_listed(tx, moment, Mode::Test, &account, &listed)
            });
            assert_eq!(stored.await.unwrap(), 0, "it is not late");
            apply_all(&town).await;
            assert_eq!(town.read_invoice(&invoice).await["status"], "paid");
            const RECEIVED: Sql = Sql::new("select received as n from payments");
            assert_eq!(town.number(&RECEIVED).await, 12_345);
            const BODY: Sql = Sql::new("select body from stripe_webhook_events");
            let kept = town.rows(&BODY).await[0].text("body").unwrap();
            assert!(!kept.contains("amount_received") && !kept.contains("_secret_"), "{kept}");
        });
    }
}
