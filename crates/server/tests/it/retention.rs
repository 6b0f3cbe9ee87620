//! Bodies of old events go to the archive, and nothing else is lost: the rows stay, duplicates stay
//! duplicates, and what is archived can be read and replayed.

use flows::stripe_events;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use store::Sql;

use crate::engines::World;
use crate::inbox::{HOUR_MS, POISON, POSTINGS, break_handler, by_hand, deliver, of_shop, paid_unseen, work};
use crate::town::Town;

const DAY_MS: i64 = 24 * HOUR_MS;
const ROWS: Sql = Sql::new(
    "select e.id, e.event_id, e.status, e.body, e.deliveries, e.archived_at, e.created_at,
       a.body as archived, a.received_at
     from stripe_webhook_events e
     left join stripe_webhook_event_archive a on a.id = e.id
     order by e.id",
);

both! {
    fn bodies_go_to_the_archive_and_everything_else_stays(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let (invoice, event) = paid_unseen(&town).await;
            deliver(&town, &event).await;
            deliver(&town, &of_shop(&town, "pi_shop")).await;
            work(&town).await;
            break_handler(&town).await;
            deliver(&town, &of_shop(&town, POISON)).await;
            work(&town).await;
            let before = town.rows(&ROWS).await;
            let body = |nth: usize| before[nth].text("body").unwrap();

            town.advance_ms(90 * DAY_MS - HOUR_MS);
            assert_eq!(stripe_events::archive_old(&town.app, 90).await, Ok(0), "not old enough");
            deliver(&town, &of_shop(&town, "pi_new")).await;
            town.advance_ms(2 * HOUR_MS);
            assert_eq!(stripe_events::archive_old(&town.app, 90).await, Ok(2));
            assert_eq!(stripe_events::archive_old(&town.app, 90).await, Ok(0), "once");
            let after = town.rows(&ROWS).await;
            for nth in [0, 1] {
                let row = &after[nth];
                assert_eq!(row.text("body").unwrap(), "");
                assert_eq!(row.text("archived").unwrap(), body(nth), "byte for byte");
                assert_eq!(row.int("received_at").unwrap(), row.int("created_at").unwrap());
                assert_eq!(row.text("status").unwrap(), before[nth].text("status").unwrap());
            }
            // What still fails and what is new keep theirs.
            for nth in [2, 3] {
                assert!(!after[nth].text("body").unwrap().is_empty());
                assert_eq!(after[nth].int_opt("archived_at").unwrap(), None);
            }

            // A duplicate months later is one, and what is archived can be read and replayed.
            deliver(&town, &event).await;
            assert_eq!(town.rows(&ROWS).await[0].int("deliveries").unwrap(), 2);
            let path = format!("/api/webhook-events/{}", after[0].text("id").unwrap());
            let shown = town.api(&town.msp.key, Method::GET, &path, Value::Null).await;
            assert_eq!(shown.body["body"], body(0), "{}", shown.text);
            let replay = format!("{path}/replay");
            let sent = town.api(&town.msp.key, Method::POST, &replay, Value::Null).await;
            assert_eq!(sent.status, StatusCode::OK, "{}", sent.text);
            work(&town).await;
            let shown = town.api(&town.msp.key, Method::GET, &path, Value::Null).await;
            let status = shown.body["status"].as_str().unwrap();
            assert!(["processed", "stale"].contains(&status), "{}", shown.text);
            assert_eq!(town.read_invoice(&invoice).await["status"], "paid");
            assert_eq!(town.number(&POSTINGS).await, 1);
            town.advance_ms(100 * DAY_MS);
            assert_eq!(stripe_events::archive_old(&town.app, 90).await, Ok(1), "the new one, no other twice");

            // An operator has deleted it: that is said, and nothing is tried.
            const DELETE: Sql = Sql::new("delete from stripe_webhook_event_archive");
            let emptied = town.app.db.write(|tx| tx.execute(&DELETE, &[])).await;
            assert_eq!(emptied.unwrap_or_else(|error: store::Error| panic!("{error}")), 3);
            let gone = town.api(&town.msp.key, Method::POST, &replay, Value::Null).await;
            gone.assert_refused(409, "event_not_replayable", None);
            let shown = town.api(&town.msp.key, Method::GET, &path, Value::Null).await;
            assert_eq!(shown.body["body"], Value::Null);
            town.assert_books().await;
        });
    }
}
