//! Payments that wait for their payer's bank: completed, failed, left for another card, or never come back
//! from.

use flows::reconcile;
use serde_json::Value;
use store::Sql;

use crate::engines::World;
use crate::town::{Reply, Town, Wishes};

const ASKS: &str = "pm_card_authenticationRequired";
const MINUTE_MS: i64 = 60_000;
const POSTINGS: Sql = Sql::new("select count(*) as n from ledger_transactions where kind = 'payment'");

fn quiet() -> Wishes {
    Wishes {
        deliveries: false,
        worker: false,
        ..Wishes::default()
    }
}

/// An open invoice whose payer has been sent to the bank; answers invoice, link and intent.
async fn at_the_bank(town: &Town) -> (String, String, String) {
    let invoice = town.invoice(12_345, "usd").await;
    let link = town.link(&invoice).await;
    let asked = town.pay(&link, &town.token(ASKS), 12_345, "usd").await;
    assert_eq!(asked.body["status"], "requires_action", "{}", asked.text);
    let intent = town.intents()[0].clone();
    assert_eq!(asked.body["client_secret"], intent["client_secret"]);
    (invoice, link, intent["id"].as_str().unwrap().to_owned())
}

fn writes(town: &Town) -> Vec<String> {
    let requests = town.requests();
    let posts = requests.iter().filter(|request| request["method"] == "POST");
    let paths = posts.filter_map(|request| request["path"].as_str());
    paths
        .filter(|path| path.starts_with("/v1/payment_intents"))
        .map(str::to_owned)
        .collect()
}

async fn pay_again(town: &Town, link: &str) -> Reply {
    town.pay(link, &town.token("pm_card_visa"), 12_345, "usd").await
}

both! {
    fn the_bank_agrees_and_the_page_reads_paid(world: &World) {
        Town::run(world, async |town| {
            let (invoice, link, intent) = at_the_bank(&town).await;
            assert_eq!(town.look(&link).await.body["state"], "continue");
            town.challenge(&intent, "complete");
            let checked = town.check(&link).await;
            assert_eq!(checked.body["status"], "succeeded", "{}", checked.text);
            assert!(checked.body["client_secret"].is_null());
            assert_eq!(town.look(&link).await.body["state"], "paid");
            assert_eq!(town.read_invoice(&invoice).await["status"], "paid");
            town.until_quiet().await;
            town.assert_books().await;
        });
    }

    fn another_card_first_cancels_the_intent_that_was_left_at_the_bank(world: &World) {
        Town::run(world, async |town| {
            let (invoice, link, left) = at_the_bank(&town).await;
            let paid = pay_again(&town, &link).await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            let second = town.intents()[0]["id"].as_str().unwrap().to_owned();
            let expected = [
                "/v1/payment_intents".to_owned(),
                format!("/v1/payment_intents/{left}/confirm"),
                format!("/v1/payment_intents/{left}/cancel"),
                "/v1/payment_intents".to_owned(),
                format!("/v1/payment_intents/{second}/confirm"),
            ];
            let sent = writes(&town);
            assert_eq!(sent, expected);
            let statuses: Vec<Value> = town.intents().iter().map(|one| one["status"].clone()).collect();
            assert_eq!(statuses, ["succeeded", "canceled"]);
            town.until_invoice(&invoice, "paid").await;
            town.until_quiet().await;
            assert_eq!(town.charges().len(), 1);
            town.assert_books().await;
        });
    }

    fn an_intent_that_was_paid_at_the_bank_meanwhile_is_booked_instead_of_replaced(world: &World) {
        Town::run_as(world, quiet(), async |town| {
            let (invoice, link, left) = at_the_bank(&town).await;
            // No webhook and no return page has told us when the payer tries another card in a second tab.
            town.challenge(&left, "complete");
            pay_again(&town, &link).await.assert_refused(409, "invoice_paid", None);
            assert_eq!(town.read_invoice(&invoice).await["status"], "paid");
            assert_eq!(town.look(&link).await.body["state"], "paid");
            assert_eq!((town.intents().len(), town.charges().len()), (1, 1));
            assert_eq!(town.number(&POSTINGS).await, 1);
            town.assert_nothing_open().await;
            town.assert_books().await;
        });
    }

    fn after_the_bank_refused_another_card_pays_the_same_intent(world: &World) {
        Town::run(world, async |town| {
            let (invoice, link, intent) = at_the_bank(&town).await;
            town.challenge(&intent, "fail");
            let failed = town.check(&link).await;
            assert_eq!(failed.body["status"], "requires_payment_method", "{}", failed.text);
            assert_eq!(failed.body["decline"]["code"], "payment_intent_authentication_failure");
            town.until_quiet().await;
            assert_eq!(town.look(&link).await.body["state"], "pay");
            assert_eq!(pay_again(&town, &link).await.body["status"], "succeeded");
            town.until_invoice(&invoice, "paid").await;
            assert_eq!((town.intents().len(), town.charges().len()), (1, 1));
            town.until_quiet().await;
            town.assert_books().await;
        });
    }

    fn a_failed_check_that_only_the_webhook_tells_of_leaves_the_form(world: &World) {
        Town::run(world, async |town| {
            let (_, link, intent) = at_the_bank(&town).await;
            town.challenge(&intent, "fail");
            town.until("the form", async || town.look(&link).await.body["state"] == "pay").await;
            assert_eq!(pay_again(&town, &link).await.body["status"], "succeeded");
            assert_eq!((town.intents().len(), town.charges().len()), (1, 1));
        });
    }

    fn a_payer_who_never_comes_back_is_booked_by_the_webhook(world: &World) {
        Town::run(world, async |town| {
            let (invoice, _, intent) = at_the_bank(&town).await;
            town.challenge(&intent, "complete");
            town.until_invoice(&invoice, "paid").await;
            town.until_quiet().await;
            assert_eq!(town.number(&POSTINGS).await, 1);
            town.assert_books().await;
        });
    }

    fn a_payer_who_never_comes_back_is_booked_within_a_quarter_of_an_hour_without_webhooks(world: &World) {
        Town::run_as(world, quiet(), async |town| {
            let (invoice, _, intent) = at_the_bank(&town).await;
            town.challenge(&intent, "complete");
            reconcile::run(&town.app).await.unwrap();
            assert_eq!(
                town.read_invoice(&invoice).await["status"],
                "open",
                "it is not looked at all the time"
            );
            for _ in 0..15 {
                town.advance_ms(MINUTE_MS);
                reconcile::run(&town.app).await.unwrap();
            }
            assert_eq!(town.read_invoice(&invoice).await["status"], "paid");
            const COMPLETE: Sql = Sql::new(
                "select count(*) as n from payments where stripe_fee is not null
                   and net = received - application_fee - stripe_fee and method_last4 = '3184'",
            );
            assert_eq!(town.number(&COMPLETE).await, 1, "Stripe's fee is fetched too");
            assert_eq!(town.number(&POSTINGS).await, 1);
            town.assert_books().await;
        });
    }
}
