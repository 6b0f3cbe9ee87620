//! What an operator asks the database by hand.

use store::Sql;

use crate::engines::World;
use crate::town::Town;

/// Word for word as operators write them.
const EVENTS: Sql = Sql::new("SELECT * FROM stripe_webhook_events ORDER BY created_at DESC LIMIT 10;");
const PAYMENTS: Sql = Sql::new(
    "SELECT * FROM payments WHERE stripe_payment_intent_id IS NOT NULL ORDER BY created_at DESC LIMIT 10;",
);

both! {
    fn the_two_statements_of_the_manual_show_events_and_payments(world: &World) {
        Town::run(world, async |town| {
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
            town.until_invoice(&invoice, "paid").await;
            const FEES: Sql = Sql::new("select count(*) as n from payments where stripe_fee is not null");
            town.until("stripe's fee", async || town.number(&FEES).await == 1).await;
            town.until_quiet().await;

            let payments = town.rows(&PAYMENTS).await;
            assert_eq!(payments.len(), 1);
            let payment = &payments[0];
            for (column, value) in [
                ("tenant_id", town.msp.scope.tenant.as_str()),
                ("invoice_id", invoice.as_str()),
                ("stripe_account_id", town.msp.account.as_str()),
                ("stripe_payment_intent_id", town.intents()[0]["id"].as_str().unwrap()),
                ("stripe_charge_id", town.charges()[0]["id"].as_str().unwrap()),
                ("currency", "usd"),
                ("status", "succeeded"),
                ("method_brand", "visa"),
                ("method_last4", "4242"),
            ] {
                assert_eq!(payment.text(column).unwrap(), value, "{column}");
            }
            let numbers = [
                "livemode",
                "attempt",
                "amount",
                "received",
                "refunded",
                "stripe_fee",
                "application_fee",
                "net",
            ];
            let numbers = numbers.map(|column| payment.int(column).unwrap());
            // 2.9 % and 30 cents are Stripe's, 3 % the platform's.
            assert_eq!(numbers, [0, 1, 12_345, 12_345, 0, 388, 370, 11_587]);

            let events = town.rows(&EVENTS).await;
            assert!(events.len() >= 4, "{}", events.len());
            let newest_first = events.iter().map(|event| event.int("created_at").unwrap());
            assert!(newest_first.is_sorted_by(|a, b| a >= b));
            let types: Vec<String> = events.iter().map(|event| event.text("type").unwrap()).collect();
            for wanted in ["payment_intent.succeeded", "charge.succeeded", "application_fee.created"] {
                assert!(types.iter().any(|found| found == wanted), "{wanted} is not among {types:?}");
            }
            let paid = events
                .iter()
                .find(|event| event.text("type").unwrap() == "payment_intent.succeeded")
                .unwrap();
            for (column, value) in [
                ("kind", "snapshot"),
                ("status", "processed"),
                ("tenant_id", town.msp.scope.tenant.as_str()),
                ("stripe_account_id", town.msp.account.as_str()),
                ("object_id", town.intents()[0]["id"].as_str().unwrap()),
                ("api_version", simulator::VERSION),
            ] {
                assert_eq!(paid.text(column).unwrap(), value, "{column}");
            }
            assert!(paid.text("event_id").unwrap().starts_with("evt_"));
            assert!(paid.text("body").unwrap().contains("\"amount_received\""));
            for column in ["livemode", "attempts", "deliveries", "created_at", "processed_at"] {
                assert!(paid.int(column).is_ok(), "{column}");
            }
        });
    }
}
