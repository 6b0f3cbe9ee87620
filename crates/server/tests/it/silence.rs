//! When Stripe does not answer: nobody knows whether the card was charged, so nothing may be tried again
//! until it is found out.

use flows::reconcile;
use reqwest::StatusCode;
use serde_json::{Value, json};
use store::Sql;

use crate::engines::World;
use crate::town::{Town, Wishes};

const MINUTE_MS: i64 = 60_000;

both! {
    fn a_payment_without_an_answer_reads_being_checked_and_is_found_out(world: &World) {
        let wishes = Wishes { deliveries: false, worker: false, ..Wishes::default() };
        Town::run_as(world, wishes, async |town| {
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            // Stripe carries the confirmation out, and no answer to any of the tries arrives.
            let fault = json!({"method": "POST", "path": "/confirm", "effect": "lose_answer", "count": 50});
            town.control("POST", "/_simulator/faults", fault);
            let token = town.token("pm_card_visa");
            let silent = town.pay(&link, &token, 12_345, "usd").await;
            assert_eq!(silent.body["status"], "checking", "{}", silent.text);
            assert_eq!(town.look(&link).await.body["state"], "in_progress");

            let again = town.pay(&link, &town.token("pm_card_mastercard"), 12_345, "usd").await;
            again.assert_refused(409, "payment_in_progress", None);
            town.command(&invoice, "void").await.assert_refused(409, "payment_in_progress", None);
            town.command(&invoice, "payment-intent").await.assert_refused(409, "payment_in_progress", None);
            let repeated = town.pay(&link, &token, 12_345, "usd").await;
            assert_eq!(repeated.status, StatusCode::OK, "{}", repeated.text);
            assert_eq!(town.charges().len(), 1);

            town.control("DELETE", "/_simulator/faults", Value::Null);
            town.advance_ms(MINUTE_MS);
            reconcile::run(&town.app).await.unwrap();
            assert_eq!(town.read_invoice(&invoice).await["status"], "paid");
            assert_eq!(town.look(&link).await.body["state"], "paid");
            const CONFIRMS: Sql =
                Sql::new("select count(*) as n from stripe_operations where kind = 'confirm_intent'");
            assert_eq!(town.number(&CONFIRMS).await, 1, "one key for every try");
            assert_eq!((town.intents().len(), town.charges().len()), (1, 1));
            town.assert_nothing_open().await;
            town.assert_books().await;
        });
    }
}
