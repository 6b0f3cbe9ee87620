//! The platform's fee that goes back with a refund: our arithmetic, in both books, once.

use flows::reconcile;
use serde_json::{Value, json};
use store::Sql;

use super::{apply_all, by_hand, paid, read, refund, settle};
use crate::disconnect::deauthorize;
use crate::engines::World;
use crate::town::{Town, Wishes};

fn fee_at_stripe(town: &Town) -> Value {
    town.stripe("GET", "/v1/application_fees", None, "")["data"][0].clone()
}

async fn until_returned(town: &Town, id: &str) {
    town.until("the fee's part", async || {
        read(town, id).await["fee_status"] == "returned"
    })
    .await;
}

/// What the platform's books and the tenant's say of the fee.
async fn in_books(town: &Town) -> (i64, i64) {
    const TENANT: Sql = Sql::new(
        "select cast(coalesce(sum(amount), 0) as bigint) as n from ledger_entries
         where account = 'platform_fees'",
    );
    const PLATFORM: Sql = Sql::new(
        "select cast(coalesce(-sum(amount), 0) as bigint) as n from ledger_entries
         where account = 'platform_revenue'",
    );
    (town.number(&TENANT).await, town.number(&PLATFORM).await)
}

const HOUR_MS: i64 = 60 * 60 * 1000;
const SHOWN: Sql = Sql::new(
    "select count(*) as n from reconciliation_breaks
     where kind = 'fee_not_reported' and resolved_at is null",
);

/// Each look says when the next one is, which is a change of the row.
const LOOKS: Sql = Sql::new("select version as n from refunds");

/// A payment of which nobody has told anything, and that is refunded at once with its fee: by hand, and no
/// events are read.
async fn refunded_before_its_fee_is_known(town: &Town) -> String {
    const NO_EVENTS: Sql = Sql::new("update event_cursors set next_read_at = 9000000000000");
    reconcile::run(&town.app).await.unwrap();
    let sql = &NO_EVENTS;
    let paused = town.app.db.write(move |tx| tx.execute(sql, &[]));
    assert!(paused.await.unwrap_or_else(|e: store::Error| panic!("{e}")) > 0);
    let invoice = town.invoice(12_345, "usd").await;
    let link = town.link(&invoice).await;
    let paid = town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
    assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
    let path = "/api/payments?limit=1";
    let listed = town
        .api(&town.msp.key, reqwest::Method::GET, path, Value::Null)
        .await;
    let payment = listed.body["data"][0]["id"].as_str().unwrap().to_owned();
    let body = json!({"payment_id": payment, "settlement": "still_owed", "fee": "returned"});
    let made = refund(town, body).await.body;
    let stands = (&made["status"], &made["fee_status"]);
    assert_eq!(stands, (&json!("succeeded"), &json!("due")), "{made}");
    made["id"].as_str().unwrap().to_owned()
}

both! {
    // Nobody looks on every round, and in the end a person is told; the fee's event still finds its refund.
    fn a_fee_that_is_not_reported_is_looked_for_less_and_less_and_then_shown(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let id = refunded_before_its_fee_is_known(&town).await;
            let fault = json!({"method": "GET", "path": "/v1/application_fees", "effect": "error500",
                "count": 10_000});
            town.control("POST", "/_simulator/faults", fault);
            let (mut before, mut by_day) = (town.number(&LOOKS).await, Vec::new());
            for hour in 1..=96 {
                town.advance_ms(HOUR_MS);
                reconcile::run(&town.app).await.unwrap();
                if hour % 24 == 0 {
                    let looks = town.number(&LOOKS).await;
                    by_day.push(looks - before);
                    before = looks;
                }
            }
            // On the fourth day there is at most the look that shows it.
            assert!(by_day[0] <= 16 && by_day[1] <= by_day[0] && by_day[3] <= 1, "{by_day:?}");
            assert!(by_day[1] >= 2 && by_day[2] >= 2, "{by_day:?}");
            assert_eq!(read(&town, &id).await["fee_status"], "due");
            assert_eq!(town.number(&SHOWN).await, 1);

            town.control("DELETE", "/_simulator/faults", Value::Null);
            // It is the platform's event.
            let path = "/v1/events?limit=1&type=application_fee.created";
            let event = town.stripe("GET", path, None, "")["data"][0].to_string();
            let told = town.deliver_signed(server::demo::TEST_WEBHOOK_SECRET, event.as_bytes()).await;
            assert_eq!(told.status, 200, "{}", told.text);
            for _ in 0..3 {
                apply_all(&town).await;
                reconcile::run(&town.app).await.unwrap();
                town.advance_ms(60_000);
            }
            let now = read(&town, &id).await;
            let fee = (&now["fee_status"], &now["fee_returned"]);
            assert_eq!(fee, (&json!("returned"), &json!(370)), "{now}");
            assert_eq!(town.number(&SHOWN).await, 0, "the break ends by itself");
            assert_eq!(fee_at_stripe(&town)["amount_refunded"], 370);
            assert_eq!(in_books(&town).await, (0, 0));
            town.assert_nothing_open().await;
            town.assert_books().await;
        });
    }

    // The fee is on the platform's account: it goes back though the tenant's gives us nothing any more.
    fn the_fee_of_an_account_that_is_gone_goes_back(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let id = refunded_before_its_fee_is_known(&town).await;
            deauthorize(&town, &town.msp);
            for _ in 0..4 {
                town.advance_ms(10 * 60_000);
                reconcile::run(&town.app).await.unwrap();
            }
            let now = read(&town, &id).await;
            let fee = (&now["fee_status"], &now["fee_returned"]);
            assert_eq!(fee, (&json!("returned"), &json!(370)), "{now}");
            assert_eq!(fee_at_stripe(&town)["amount_refunded"], 370);
            town.assert_nothing_open().await;
            town.assert_books().await;
        });
    }

    // Row 57: 3.70 of 123.45, given back with three refunds, by our own rounding and to the cent.
    fn partial_refunds_give_the_fee_back_to_the_cent(world: &World) {
        Town::run(world, async |town| {
            let paid = paid(&town, 12_345, "pm_card_visa").await;
            let mut parts = Vec::new();
            for amount in [5_000, 5_000, 2_345] {
                let body = json!({"payment_id": paid.payment, "amount": amount, "settlement": "forgiven",
                    "fee": "returned"});
                let made = refund(&town, body).await;
                let id = made.body["id"].as_str().unwrap_or_else(|| panic!("{}", made.text)).to_owned();
                until_returned(&town, &id).await;
                let now = read(&town, &id).await;
                parts.push(now["fee_returned"].as_i64().unwrap());
                let said = now["explanation"].as_str().unwrap();
                assert!(said.contains("Of the platform's fee of 3.70 USD, "), "{said}");
            }
            assert_eq!(parts, [150, 150, 70]);
            settle(&town).await;
            let fee = fee_at_stripe(&town);
            assert_eq!((&fee["amount_refunded"], &fee["refunded"]), (&json!(370), &json!(true)));
            assert_eq!(in_books(&town).await, (0, 0));
            let key = |sent: &Value| sent["path"].as_str().is_some_and(|path| path.ends_with("/refunds")
                && path.starts_with("/v1/application_fees/") && sent["method"] == "POST");
            assert_eq!(town.requests().iter().filter(|sent| key(sent)).count(), 3);
            town.assert_books().await;
        });
    }

    fn an_answer_that_is_lost_gives_the_fee_back_once(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let paid = paid(&town, 12_345, "pm_card_visa").await;
            let fault = json!({"method": "POST", "path": "/v1/application_fees", "effect": "lose_answer",
                "count": 50});
            town.control("POST", "/_simulator/faults", fault);
            let body = json!({"payment_id": paid.payment, "settlement": "still_owed", "fee": "returned"});
            let made = refund(&town, body).await.body;
            let id = made["id"].as_str().unwrap().to_owned();
            for _ in 0..5 {
                town.advance_ms(60_000);
                reconcile::run(&town.app).await.unwrap();
            }
            town.control("DELETE", "/_simulator/faults", Value::Null);
            for _ in 0..3 {
                town.advance_ms(10 * 60_000);
                reconcile::run(&town.app).await.unwrap();
            }
            let now = read(&town, &id).await;
            let fee = (&now["fee_status"], &now["fee_returned"]);
            assert_eq!(fee, (&json!("returned"), &json!(370)), "{now}");
            assert_eq!(fee_at_stripe(&town)["refunds"]["data"].as_array().unwrap().len(), 1);
            assert_eq!(in_books(&town).await, (0, 0));
            town.assert_nothing_open().await;
            town.assert_books().await;
        });
    }

    // A fee of zero was never taken, so that none goes back and nothing is asked of Stripe.
    fn without_a_fee_nothing_of_it_goes_back(world: &World) {
        let wishes = Wishes { fee_bps: 0, ..Wishes::default() };
        Town::run_as(world, wishes, async |town| {
            let paid = paid(&town, 12_345, "pm_card_visa").await;
            let body = json!({"payment_id": paid.payment, "settlement": "still_owed", "fee": "returned"});
            let made = refund(&town, body).await;
            assert_eq!((&made.body["status"], &made.body["fee_returned"]), (&json!("succeeded"), &json!(0)));
            assert_eq!(made.body["fee_status"], "kept");
            let said = made.body["explanation"].as_str().unwrap();
            assert!(said.ends_with("The platform took no fee of this payment."), "{said}");
            settle(&town).await;
            town.assert_nothing_open().await;
            town.assert_books().await;
        });
    }

    // The operator gives a part back in Stripe's dashboard: it is booked, and never given a second time.
    fn what_the_operator_gave_back_at_stripe_is_booked_and_counts(world: &World) {
        Town::run(world, async |town| {
            let paid = paid(&town, 12_345, "pm_card_visa").await;
            let fee = fee_at_stripe(&town)["id"].as_str().unwrap().to_owned();
            town.stripe("POST", &format!("/v1/application_fees/{fee}/refunds"), None, "amount=300");
            settle(&town).await;
            assert_eq!(in_books(&town).await, (70, 70));
            let body = json!({"payment_id": paid.payment, "settlement": "still_owed", "fee": "returned"});
            let made = refund(&town, body).await.body;
            let id = made["id"].as_str().unwrap().to_owned();
            until_returned(&town, &id).await;
            assert_eq!(read(&town, &id).await["fee_returned"], 70);
            settle(&town).await;
            assert_eq!(fee_at_stripe(&town)["amount_refunded"], 370);
            assert_eq!(in_books(&town).await, (0, 0));
            town.assert_books().await;
        });
    }
}
