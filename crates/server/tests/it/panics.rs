//! Whatever panics, nothing else breaks: a request that panics is one request, a task of the worker begins
//! again, and what both share goes on being used. And leaps of the clock.

use domain::{Role, TenantId};
use flows::people;
use reqwest::Method;
use serde_json::Value;
use server::runs::Job;
use store::db::Options;
use store::{Db, Sql};

use crate::engines::World;
use crate::person::Person;
use crate::town::{Town, Wishes};

/// So many panics, of the worker's tasks and of requests: each of the worker's has met some by then.
const PANICS: u64 = 25;
/// The tasks that look at least each second or two.
const BUSY: [Job; 3] = [Job::Events, Job::Reconciler, Job::Mails];
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
const OPEN: Sql = Sql::new("select count(*) as n from stripe_operations where status in ('sent', 'unknown')");

both! {
    fn every_task_that_panics_begins_again_and_payers_pay(world: &World) {
        Town::run(world, async |town| {
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            town.clock.set_panics(true);
            // A request whose caller gets no answer or a 500, and then the tasks, each again and again.
            let asked = town.http.get(format!("{}/api/public/invoices/{link}", town.url)).send().await;
            assert!(asked.is_err() || asked.is_ok_and(|answer| answer.status() == 500));
            town.until("panics", async || town.clock.panicked() >= PANICS).await;
            town.clock.set_panics(false);
            let runs = BUSY.map(|job| town.site.runs.of(job).runs);
            town.until("every task at work", async || {
                let later = BUSY.map(|job| town.site.runs.of(job).runs);
                later.iter().zip(runs).all(|(later, before)| *later > before + 1)
            })
            .await;
            let paid = town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            town.until_invoice(&invoice, "paid").await;
            town.until_told().await;
            town.until_quiet().await;
            assert_eq!((town.intents().len(), town.charges().len()), (1, 1));
            let ready = town.public(Method::GET, "/readyz", Value::Null).await;
            assert_eq!(ready.status, 200, "{}", ready.text);
            town.assert_books().await;
        });
    }

    fn a_clock_that_is_set_back_a_day_over_a_restart_loses_and_doubles_nothing(world: &World) {
        let wishes = Wishes { deliveries: false, ..Wishes::default() };
        Town::run_as(world, wishes, async |town| {
            let ahead = DAY_MS;
            town.clock.advance_ms(ahead);
            let olga = Person::new(&town, &TenantId::platform(), Role::Operator, "olga@p.example").await;
            assert_eq!(olga.get("/account").await.status, 200);
            let mut paid = Vec::new();
            for nth in 0..2 {
                let invoice = town.invoice(12_345 + nth, "usd").await;
                let link = town.link(&invoice).await;
                let pressed = town.pay(&link, &town.token("pm_card_visa"), 12_345 + nth, "usd").await;
                assert_eq!(pressed.body["status"], "succeeded", "{}", pressed.text);
                paid.push(invoice);
            }
            let (open, link) = {
                let invoice = town.invoice(5_000, "usd").await;
                let link = town.link(&invoice).await;
                (invoice, link)
            };
            // The machine is started again with its clock set right.
            town.app.db.close().await;
            town.clock.advance_ms(-ahead);
            let db = Db::open(&world.url, Options::default()).await.unwrap();
            let mut again = town.open_beside(db, &Wishes { deliveries: false, ..Wishes::default() }).await;
            again.msp = town.msp.clone();
            for invoice in &paid {
                again.until_invoice(invoice, "paid").await;
            }
            // Nobody's session lives for longer because of it.
            let ended = people::authenticate(&again.app, &olga.session()).await.unwrap();
            assert!(ended.is_none());
            assert_eq!(again.number(&OPEN).await, 0);
            let pressed = again.pay(&link, &again.token("pm_card_visa"), 5_000, "usd").await;
            assert_eq!(pressed.body["status"], "succeeded", "{}", pressed.text);
            again.until_invoice(&open, "paid").await;
            flows::reconcile::run(&again.app).await.unwrap();
            assert_eq!((again.intents().len(), again.charges().len()), (3, 3));
            again.assert_books().await;
            again.app.db.close().await;
        });
    }
}
