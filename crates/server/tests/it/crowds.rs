//! Many at once: tabs, double clicks, a page and a webhook, and deliveries of one event.

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::StatusCode;
use serde_json::json;
use server::demo::TEST_WEBHOOK_SECRET;
use store::Sql;
use tokio::task::JoinSet;

use crate::engines::World;
use crate::town::{Town, Wishes};

const POSTINGS: Sql = Sql::new("select count(*) as n from ledger_transactions where kind = 'payment'");

/// The bank has agreed; the page asks how it went at the moment at which the webhook comes.
async fn race(town: Arc<Town>) {
    let invoice = town.invoice(12_345, "usd").await;
    let link = town.link(&invoice).await;
    let token = town.token("pm_card_authenticationRequired");
    let asked = town.pay(&link, &token, 12_345, "usd").await;
    let secret = asked.body["client_secret"].as_str();
    let intent = secret.and_then(|secret| secret.split("_secret_").next());
    let intent = intent.unwrap_or_else(|| panic!("{}", asked.text));
    town.challenge(intent, "complete");
    let event = town.event_about("payment_intent.succeeded", intent).to_string();
    let (checked, delivered) = tokio::join!(
        town.check(&link),
        town.deliver_signed(TEST_WEBHOOK_SECRET, event.as_bytes())
    );
    assert_eq!(checked.body["status"], "succeeded", "{}", checked.text);
    assert_eq!(delivered.status, StatusCode::OK, "{}", delivered.text);
}

both! {
    fn fifty_presses_on_pay_at_two_instances_charge_once(world: &World) {
        Town::run(world, async |town| {
            let instances = [Arc::new(town.again(world).await), Arc::new(town)];
            let town = instances[1].clone();
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            let page = town.read_page(&link).await;
            let mut presses = JoinSet::new();
            for nth in 0..50 {
                let (link, town) = (link.clone(), instances[nth % 2].clone());
                let press = json!({"confirmation_token": town.token_of(&instances[1].msp, "pm_card_visa"),
                    "amount": 12_345, "currency": "usd", "page_token": page});
                presses.spawn(async move { town.press(&link, press).await });
            }
            let mut answers: BTreeMap<(u16, String), usize> = BTreeMap::new();
            for reply in presses.join_all().await {
                let said = match reply.status {
                    StatusCode::OK => reply.body["status"].as_str().unwrap().to_owned(),
                    _ => reply.code().to_owned(),
                };
                *answers.entry((reply.status.as_u16(), said)).or_default() += 1;
            }
            assert_eq!(answers.remove(&(200, "succeeded".to_owned())), Some(1), "{answers:?}");
            answers.remove(&(409, "payment_in_progress".to_owned()));
            answers.remove(&(409, "invoice_paid".to_owned()));
            assert!(answers.is_empty(), "neither paid nor clearly refused: {answers:?}");
            town.until_invoice(&invoice, "paid").await;
            town.until_quiet().await;
            assert_eq!((town.intents().len(), town.charges().len()), (1, 1));
            assert_eq!(town.intents()[0]["status"], "succeeded");
            assert_eq!(town.number(&POSTINGS).await, 1);
            town.assert_nothing_open().await;
            town.assert_books().await;
        });
    }

    fn a_double_click_sends_one_token_twice_and_charges_once(world: &World) {
        Town::run(world, async |town| {
            for _ in 0..5 {
                let invoice = town.invoice(12_345, "usd").await;
                let link = town.link(&invoice).await;
                let press = json!({"confirmation_token": town.token("pm_card_visa"), "amount": 12_345,
                    "currency": "usd", "page_token": town.read_page(&link).await});
                let (one, two) =
                    tokio::join!(town.press(&link, press.clone()), town.press(&link, press.clone()));
                // The slower one reads the answer of the first, or that it is under way.
                for reply in [&one, &two] {
                    let said = (reply.status.as_u16(), reply.body["status"].as_str().unwrap_or(reply.code()));
                    let fine = [(200, "succeeded"), (200, "checking"), (409, "payment_in_progress")];
                    assert!(fine.contains(&said), "{said:?}");
                }
                town.until_invoice(&invoice, "paid").await;
            }
            town.until_quiet().await;
            assert_eq!((town.intents().len(), town.charges().len()), (5, 5));
            town.assert_nothing_open().await;
            town.assert_books().await;
        });
    }

    fn the_page_and_the_webhook_race_and_book_once(world: &World) {
        let wishes = Wishes { deliveries: false, ..Wishes::default() };
        Town::run_as(world, wishes, async |town| {
            let town = Arc::new(town);
            for _ in 0..5 {
                let mut rounds = JoinSet::new();
                for _ in 0..20 {
                    rounds.spawn(race(town.clone()));
                }
                rounds.join_all().await;
            }
            town.until_quiet().await;
            assert_eq!(town.number(&POSTINGS).await, 100);
            const PAID: Sql = Sql::new("select count(*) as n from invoices where status = 'paid'");
            assert_eq!(town.number(&PAID).await, 100);
            const MOVES: Sql =
                Sql::new("select count(*) as n from state_history where to_state = 'succeeded'");
            assert_eq!(town.number(&MOVES).await, 100, "one move to succeeded for each payment");
            const EVENTS: Sql = Sql::new(
                "select count(*) as n from stripe_webhook_events
                 where type = 'payment_intent.succeeded' and status in ('processed', 'stale')",
            );
            assert_eq!(town.number(&EVENTS).await, 100);
            town.assert_nothing_open().await;
            town.assert_books().await;
        });
    }

    fn an_event_delivered_twenty_times_at_once_and_forty_days_later_is_applied_once(world: &World) {
        let wishes = Wishes { deliveries: false, ..Wishes::default() };
        Town::run_as(world, wishes, async |town| {
            let instances = [Arc::new(town.again(world).await), Arc::new(town)];
            let town = instances[1].clone();
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            let asked = town.pay(&link, &town.token("pm_card_authenticationRequired"), 12_345, "usd").await;
            assert_eq!(asked.body["status"], "requires_action", "{}", asked.text);
            town.challenge(town.intents()[0]["id"].as_str().unwrap(), "complete");
            let event = town.event("payment_intent.succeeded").to_string();
            let mut deliveries = JoinSet::new();
            for nth in 0..20 {
                let (town, event) = (instances[nth % 2].clone(), event.clone());
                let secret = TEST_WEBHOOK_SECRET;
                deliveries.spawn(async move { town.deliver_signed(secret, event.as_bytes()).await.status });
            }
            let answers = deliveries.join_all().await;
            assert!(answers.iter().all(|status| *status == StatusCode::OK), "{answers:?}");
            town.until_invoice(&invoice, "paid").await;
            town.until_quiet().await;
            const ONCE: Sql = Sql::new(
                "select count(*) as n from stripe_webhook_events where deliveries = 20 and attempts = 1",
            );
            const ALL: Sql = Sql::new("select count(*) as n from stripe_webhook_events");
            assert_eq!((town.number(&ONCE).await, town.number(&ALL).await), (1, 1));
            assert_eq!(town.number(&POSTINGS).await, 1);

            town.advance_ms(40 * 24 * 60 * 60 * 1000);
            let late = town.deliver_signed(TEST_WEBHOOK_SECRET, event.as_bytes()).await;
            assert_eq!(late.status, StatusCode::OK);
            town.until_quiet().await;
            const AGAIN: Sql = Sql::new(
                "select count(*) as n from stripe_webhook_events where deliveries = 21 and attempts = 1",
            );
            assert_eq!((town.number(&AGAIN).await, town.number(&ALL).await), (1, 1));
            assert_eq!(town.number(&POSTINGS).await, 1);
            town.assert_books().await;
        });
    }
}
