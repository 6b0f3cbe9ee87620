//! TEST and LIVE beside each other: what is paid how, and that nothing of one mode ever touches the other.

use domain::Mode;
use flows::{reconcile, stripe_events};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::demo::LIVE_WEBHOOK_SECRET;
use store::Sql;

use crate::engines::World;
use crate::town::{Town, Wishes};

const LIVE_CARD: &str = "4000009900000004";
const TEST_CARD: &str = "4242424242424242";

both! {
    fn in_live_mode_the_live_card_pays_and_a_test_card_is_declined(world: &World) {
        let wishes = Wishes { mode: Mode::Live, ..Wishes::default() };
        Town::run_as(world, wishes, async |town| {
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            let shown = town.look(&link).await;
            assert_eq!(shown.body["mode"], "live");
            assert_eq!(shown.body["publishable_key"], "pk_live_psapay_demo");
            let declined = town.pay(&link, &town.typed_token(TEST_CARD), 12_345, "usd").await;
            assert_eq!(declined.body["status"], "requires_payment_method", "{}", declined.text);
            let said = declined.body["decline"]["message"].as_str().unwrap();
            assert!(said.starts_with("This is a test card"), "{said}");
            town.until_quiet().await;
            const CODE: Sql = Sql::new("select failure_code from payments");
            assert_eq!(town.rows(&CODE).await[0].text("failure_code").unwrap(), "live_mode_test_card");

            let paid = town.pay(&link, &town.typed_token(LIVE_CARD), 12_345, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            town.until_invoice(&invoice, "paid").await;
            let fees = town.stripe("GET", "/v1/application_fees", None, "");
            assert_eq!(
                (&fees["data"][0]["amount"], &fees["data"][0]["livemode"]),
                (&json!(370), &json!(true))
            );
            const FEES: Sql = Sql::new("select count(*) as n from application_fees where livemode = 1");
            town.until("the application fee", async || town.number(&FEES).await == 1).await;
            town.until_quiet().await;
            assert_eq!(town.charges()[0]["livemode"], true);
            town.assert_books().await;
            assert!(town.contents(Mode::Test).await.iter().all(Vec::is_empty), "a row of the other mode");
        });
    }

    fn a_test_event_at_a_live_server_acts_on_test_rows_only(world: &World) {
        let wishes = Wishes { deliveries: false, worker: false, ..Wishes::default() };
        Town::run_as(world, wishes, async |test| {
            let live = test.beside(Mode::Live).await;
            let (test_invoice, live_invoice) =
                (test.invoice(12_345, "usd").await, live.invoice(12_345, "usd").await);
            live.link(&live_invoice).await;
            let link = test.link(&test_invoice).await;
            let asked = test.pay(&link, &test.token("pm_card_authenticationRequired"), 12_345, "usd").await;
            assert_eq!(asked.body["status"], "requires_action", "{}", asked.text);
            test.challenge(test.intents()[0]["id"].as_str().unwrap(), "complete");
            let event = test.event("payment_intent.succeeded").to_string();

            let before = live.contents(Mode::Live).await;
            let delivered = live.deliver_signed(LIVE_WEBHOOK_SECRET, event.as_bytes()).await;
            assert_eq!(delivered.status, StatusCode::OK);
            test.until_invoice(&test_invoice, "paid").await;
            test.until_quiet().await;
            assert_eq!(live.contents(Mode::Live).await, before, "a live row was touched");
            const APPLIED: Sql = Sql::new(
                "select count(*) as n from stripe_webhook_events where livemode = 0 and status = 'processed'",
            );
            assert_eq!(test.number(&APPLIED).await, 1);
            test.assert_books().await;
        });
    }

    fn what_was_begun_in_test_is_finished_in_test_after_the_switch(world: &World) {
        Town::run(world, async |test| {
            let invoice = test.invoice(12_345, "usd").await;
            let link = test.link(&invoice).await;
            let live = test.beside(Mode::Live).await;
            let before = live.contents(Mode::Live).await;

            let shown = live.look(&link).await;
            assert_eq!((&shown.body["mode"], &shown.body["state"]), (&json!("test"), &json!("pay")));
            assert_eq!(shown.body["publishable_key"], "pk_test_psapay_demo");
            let page = live.public(Method::GET, &format!("/pay/{link}"), Value::Null).await;
            assert!(page.text.contains("TEST"), "{}", page.text);
            let paid = live.pay(&link, &test.token("pm_card_visa"), 12_345, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            test.until_invoice(&invoice, "paid").await;
            test.until_quiet().await;
            assert_eq!(live.contents(Mode::Live).await, before);
            assert_eq!(test.charges()[0]["livemode"], false);

            // New work is for the mode that is switched on; what there is can be read in its own mode only.
            let draft = json!({"client_id": test.msp.client_id, "currency": "usd"});
            for (path, body) in [("/api/invoices", draft), ("/api/clients", json!({"name": "Lakeside"}))] {
                let refused = live.api(&test.msp.key, Method::POST, path, body).await;
                refused.assert_refused(403, "mode_not_active", None);
            }
            let path = format!("/api/invoices/{invoice}");
            assert_eq!(
                live.api(&test.msp.key, Method::GET, &path, Value::Null).await.body["livemode"],
                false
            );
            let other = live.api(&live.msp.key, Method::GET, &path, Value::Null).await;
            other.assert_refused(404, "not_found", None);
            test.assert_books().await;
        });
    }

    fn whatever_the_switch_says_the_reconciler_finishes_what_is_under_way_in_both_modes(world: &World) {
        let quiet = || Wishes { deliveries: false, worker: false, ..Wishes::default() };
        Town::run_as(world, quiet(), async |test| {
            let beside = Wishes { mode: Mode::Live, ..quiet() };
            let mut live = test.open_beside(test.app.db.clone(), &beside).await;
            live.msp = live.add_msp("Northwind IT Services", "usd").await;
            // In each mode a payment whose answer was lost, and one that only Stripe knows to be paid.
            let lost = json!({"method": "POST", "path": "/confirm", "effect": "lose_answer", "count": 99});
            let mut invoices = Vec::new();
            for (town, card) in [(&test, TEST_CARD), (&live, LIVE_CARD)] {
                let invoice = town.invoice(12_345, "usd").await;
                let link = town.link(&invoice).await;
                town.control("POST", "/_simulator/faults", lost.clone());
                let silent = town.pay(&link, &town.typed_token(card), 12_345, "usd").await;
                assert_eq!(silent.body["status"], "checking", "{}", silent.text);
                town.control("DELETE", "/_simulator/faults", Value::Null);
                invoices.push((town, invoice));
            }
            // The switch goes over and back while the reconciler works and events are applied.
            for round in 0..30 {
                let at = if round % 3 == 0 { &test.app } else { &live.app };
                test.advance_ms(60_000);
                reconcile::run(at).await.unwrap();
                for event in stripe_events::take(at, 64).await.unwrap() {
                    stripe_events::apply(at, &event).await.unwrap();
                }
            }
            for (town, invoice) in &invoices {
                assert_eq!(town.read_invoice(invoice).await["status"], "paid");
                assert_eq!(town.charges().len(), 1);
            }
            const FEES: Sql = Sql::new(
                "select count(*) as n from application_fees f
                 join payments p on p.tenant_id = f.tenant_id and p.livemode = f.livemode
                   and p.id = f.payment_id and p.stripe_account_id = f.stripe_account_id",
            );
            assert_eq!(test.number(&FEES).await, 2, "each mode's fee is that mode's payment's");
            const LISTED: Sql = Sql::new(
                "select count(distinct livemode) as n from stripe_webhook_events where source = 'listed'",
            );
            assert_eq!(test.number(&LISTED).await, 2, "both modes' lists were read");
            for request in test.requests() {
                let status = request["status"].as_u64().unwrap_or_default();
                assert!(status < 400, "Stripe refused a call: {request}");
            }
            test.assert_nothing_open().await;
            test.assert_books().await;
        });
    }

    fn no_call_is_refused_for_its_mode_or_account(world: &World) {
        Town::run(world, async |test| {
            let live = test.beside(Mode::Live).await;
            for (town, token) in [
                (&test, test.token("pm_card_visa")),
                (&live, live.typed_token(LIVE_CARD)),
            ] {
                let other = town.add_msp("Contoso Managed Services", "eur").await;
                town.invoice_of(&other, 4_000, "eur").await;
                let invoice = town.invoice(12_345, "usd").await;
                let link = town.link(&invoice).await;
                let paid = town.pay(&link, &token, 12_345, "usd").await;
                assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
                town.until_invoice(&invoice, "paid").await;
                town.until_quiet().await;
            }
            let requests = test.requests();
            for request in &requests {
                let status = request["status"].as_u64().unwrap_or_else(|| panic!("{request}"));
                assert!(status < 400, "Stripe refused a call: {request}");
            }
            assert!(requests.len() >= 8, "too few calls: {requests:?}");
        });
    }
}
