//! What events may do and what they may not: of another mode, of an unknown account, of objects that are not
//! ours, and twins of one change.

use domain::Mode;
use reqwest::StatusCode;
use serde_json::{Value, json};
use server::demo::{LIVE_WEBHOOK_SECRET, TEST_WEBHOOK_SECRET};
use store::Sql;

use crate::engines::World;
use crate::town::{Town, Wishes};

const THIN_SECRET: &str = "whsec_psapay_demo_test_thin";
const POSTINGS: Sql = Sql::new("select count(*) as n from ledger_transactions where kind = 'payment'");
const BREAKS: Sql = Sql::new("select kind, subject_id, livemode, detail from reconciliation_breaks");
const EVENTS: Sql =
    Sql::new("select event_id, status, livemode, attempts, deliveries, tenant_id from stripe_webhook_events");

fn undelivered() -> Wishes {
    Wishes {
        deliveries: false,
        ..Wishes::default()
    }
}

/// An invoice whose payment has succeeded at Stripe without our knowledge, and the event that tells of it.
async fn paid_unseen(town: &Town) -> (String, Value) {
    let invoice = town.invoice(12_345, "usd").await;
    let link = town.link(&invoice).await;
    let asked = town
        .pay(
            &link,
            &town.token("pm_card_authenticationRequired"),
            12_345,
            "usd",
        )
        .await;
    assert_eq!(asked.body["status"], "requires_action", "{}", asked.text);
    town.challenge(town.intents()[0]["id"].as_str().unwrap(), "complete");
    (invoice, town.event("payment_intent.succeeded"))
}

/// The thin event of the same change.
fn thin_twin(snapshot: &Value) -> Value {
    let intent = snapshot["data"]["object"]["id"].as_str().unwrap();
    let related = json!({"id": intent, "type": "payment_intent",
        "url": format!("/v1/payment_intents/{intent}")});
    json!({"object": "v2.core.event", "id": format!("evt_test_65{intent}"), "livemode": false,
        "context": snapshot["account"], "created": "2026-11-23T12:00:00.000Z",
        "type": "v1.payment_intent.succeeded", "snapshot_event": snapshot["id"], "related_object": related})
}

async fn deliver(town: &Town, secret: &str, event: &Value) {
    let reply = town.deliver_signed(secret, event.to_string().as_bytes()).await;
    assert_eq!((reply.status, reply.text.as_str()), (StatusCode::OK, ""));
    town.until_quiet().await;
}

both! {
    fn a_live_event_under_a_test_secret_is_quarantined_and_moves_nothing(world: &World) {
        Town::run_as(world, undelivered(), async |town| {
            let (invoice, mut event) = paid_unseen(&town).await;
            event["livemode"] = json!(true);
            for _ in 0..2 {
                deliver(&town, TEST_WEBHOOK_SECRET, &event).await;
            }
            let stored = &town.rows(&EVENTS).await[0];
            assert_eq!(stored.text("status").unwrap(), "quarantined");
            let numbers = ["livemode", "attempts", "deliveries"].map(|column| stored.int(column).unwrap());
            assert_eq!(numbers, [1, 0, 2]);
            let breaks = town.rows(&BREAKS).await;
            assert_eq!(breaks.len(), 1);
            assert_eq!(breaks[0].text("kind").unwrap(), "quarantined");
            let of_event = format!("{} {}", town.msp.account, event["id"].as_str().unwrap());
            assert_eq!(breaks[0].text("subject_id").unwrap(), of_event);
            assert_eq!(town.read_invoice(&invoice).await["status"], "open");
            assert_eq!(town.number(&POSTINGS).await, 0);
            town.assert_books().await;
        });
    }

    fn a_quarantined_event_does_not_keep_out_the_true_one(world: &World) {
        Town::run_as(world, undelivered(), async |town| {
            let live = town.beside(Mode::Live).await;
            let invoice = live.invoice(12_345, "usd").await;
            let link = live.link(&invoice).await;
            let asked = live.pay(&link, &live.typed_token("4000009900000004"), 12_345, "usd").await;
            assert_eq!(asked.body["status"], "succeeded", "{}", asked.text);
            let event = live.event("charge.succeeded");
            let mut claimed = event.clone();
            claimed["data"]["object"]["amount"] = json!(1);
            deliver(&town, TEST_WEBHOOK_SECRET, &claimed).await;
            assert_eq!(town.rows(&EVENTS).await[0].text("status").unwrap(), "quarantined");
            deliver(&town, LIVE_WEBHOOK_SECRET, &event).await;
            let stored = &town.rows(&EVENTS).await[0];
            assert_eq!(stored.text("status").unwrap(), "processed", "the true event is applied");
            const BODY: Sql = Sql::new("select body from stripe_webhook_events");
            assert_eq!(town.rows(&BODY).await[0].text("body").unwrap(), event.to_string());
            deliver(&town, TEST_WEBHOOK_SECRET, &claimed).await;
            assert_eq!(town.rows(&BODY).await[0].text("body").unwrap(), event.to_string());
            assert_eq!(town.rows(&EVENTS).await[0].text("status").unwrap(), "processed");
        });
    }

    fn an_event_of_an_unknown_account_is_stored_and_shown_as_a_break(world: &World) {
        Town::run_as(world, undelivered(), async |town| {
            let (invoice, mut event) = paid_unseen(&town).await;
            event["account"] = json!("acct_of_nobody");
            deliver(&town, TEST_WEBHOOK_SECRET, &event).await;
            let mut account = event.clone();
            (account["id"], account["type"]) = (json!("evt_account"), json!("account.updated"));
            deliver(&town, TEST_WEBHOOK_SECRET, &account).await;
            for stored in town.rows(&EVENTS).await {
                assert_eq!(stored.text("status").unwrap(), "orphan");
                assert_eq!(stored.text_opt("tenant_id").unwrap(), None);
            }
            let breaks = town.rows(&BREAKS).await;
            assert_eq!(breaks.len(), 1, "one for the account, not one for each event");
            assert_eq!(breaks[0].text("kind").unwrap(), "unknown_account");
            assert_eq!(breaks[0].text("subject_id").unwrap(), "acct_of_nobody");
            assert_eq!(town.read_invoice(&invoice).await["status"], "open");
            assert_eq!(town.number(&POSTINGS).await, 0);
        });
    }

    fn a_payment_of_the_tenants_own_shop_touches_no_invoice(world: &World) {
        Town::run(world, async |town| {
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            // The shop copies our metadata, as a tenant can in Stripe's dashboard, and takes the same amount.
            let form = format!(
                "amount=12345&currency=usd&confirm=true&payment_method=pm_card_visa\
                 &payment_method_types[]=card&metadata[invoice_id]={invoice}&metadata[tenant_id]={}",
                town.msp.scope.tenant
            );
            let before = town.rows(&EVENTS).await.len();
            let shop = town.stripe("POST", "/v1/payment_intents", Some(&town.msp.account), &form);
            assert_eq!(shop["status"], "succeeded", "{shop}");
            const EXTERNAL: Sql =
                Sql::new("select count(*) as n from stripe_webhook_events where status = 'external'");
            town.until("the shop's events", async || town.number(&EXTERNAL).await >= 3).await;
            town.until_quiet().await;
            assert!(town.rows(&EVENTS).await.len() > before);
            const OBJECTS: Sql = Sql::new("select object_id, type from external_objects order by object_id");
            let objects = town.rows(&OBJECTS).await;
            let of = |nth: usize| objects[nth].text("object_id").unwrap();
            assert_eq!(
                (objects.len(), of(0), of(1)),
                (
                    2,
                    shop["latest_charge"].as_str().unwrap().to_owned(),
                    shop["id"].as_str().unwrap().to_owned()
                )
            );
            assert_eq!(town.read_invoice(&invoice).await["status"], "open");
            assert_eq!(town.look(&link).await.body["state"], "pay");
            assert!(town.rows(&BREAKS).await.is_empty(), "it is nobody's loss");
            const PAYMENTS: Sql = Sql::new("select count(*) as n from payments");
            assert_eq!((town.number(&PAYMENTS).await, town.number(&POSTINGS).await), (0, 0));
            let paid = town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            town.until_quiet().await;
            town.assert_books().await;
        });
    }

    fn a_snapshot_and_its_thin_twin_book_once_in_either_order(world: &World) {
        Town::run_as(world, undelivered(), async |town| {
            for thin_first in [false, true] {
                let (invoice, snapshot) = paid_unseen(&town).await;
                let thin = thin_twin(&snapshot);
                let mut pair = [(TEST_WEBHOOK_SECRET, &snapshot), (THIN_SECRET, &thin)];
                if thin_first {
                    pair.reverse();
                }
                for (secret, event) in pair {
                    deliver(&town, secret, event).await;
                    assert_eq!(
                        town.read_invoice(&invoice).await["status"],
                        "paid",
                        "thin first: {thin_first}"
                    );
                }
            }
            let statuses: Vec<String> =
                town.rows(&EVENTS).await.iter().map(|row| row.text("status").unwrap()).collect();
            assert_eq!(statuses, ["processed"; 4]);
            assert_eq!(town.number(&POSTINGS).await, 2);
            town.assert_books().await;
        });
    }

    fn events_in_reverse_order_end_in_the_same_books(world: &World) {
        Town::run_as(world, undelivered(), async |town| {
            let (invoice, _) = paid_unseen(&town).await;
            let list = town.stripe("GET", "/v1/events?limit=100", Some(&town.msp.account), "");
            let events = list["data"].as_array().unwrap();
            assert!(events.len() >= 4, "created, asked, paid, charged: {list}");
            // Stripe lists the newest first.
            let mut paid = false;
            for event in events {
                deliver(&town, TEST_WEBHOOK_SECRET, event).await;
                paid |= event["type"] == "payment_intent.succeeded";
                let shown = town.read_invoice(&invoice).await["status"] == "paid";
                assert_eq!(shown, paid, "after {}", event["type"]);
            }
            const STALE: Sql =
                Sql::new("select count(*) as n from stripe_webhook_events where status = 'stale'");
            assert!(town.number(&STALE).await >= 1);
            assert_eq!(town.number(&POSTINGS).await, 1);
            let unfinished: Vec<String> = town
                .rows(&EVENTS)
                .await
                .iter()
                .map(|row| row.text("status").unwrap())
                .filter(|status| !["processed", "stale", "ignored"].contains(&status.as_str()))
                .collect();
            assert!(unfinished.is_empty(), "{unfinished:?}");
            assert!(town.rows(&BREAKS).await.is_empty());
            town.assert_books().await;
        });
    }
}
