//! Payouts: each explains itself to the cent, one that fails is told of in plain words until money reaches
//! the bank again, and what others did on the account is shown as theirs.

use std::collections::BTreeMap;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::Sql;

use crate::engines::World;
use crate::own_shop::{all_told, shop_with_a_bank};
use crate::platform::platform_key;
use crate::town::Town;

const HOUR_MS: i64 = 60 * 60 * 1000;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

async fn get(town: &Town, key: &str, path: &str) -> Value {
    let answer = town.api(key, Method::GET, path, Value::Null).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
    answer.body
}

/// An invoice that is paid by card; answers the payment's id.
async fn sell(town: &Town, amount: i64) -> String {
    let invoice = town.invoice(amount, "usd").await;
    let link = town.link(&invoice).await;
    let paid = town
        .pay(&link, &town.token("pm_card_bypassPending"), amount, "usd")
        .await;
    assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
    let payments = get(town, &town.msp.key, "/api/payments?limit=1").await;
    payments["data"][0]["id"].as_str().unwrap().to_owned()
}

/// A sale of the account's own shop; answers its charge.
fn sell_elsewhere(town: &Town, account: Option<&str>, amount: i64) -> String {
    let form = format!(
        "amount={amount}&currency=usd&confirm=true&payment_method=pm_card_bypassPending\
         &automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never"
    );
    let sold = town.stripe("POST", "/v1/payment_intents", account, &form);
    sold["latest_charge"]
        .as_str()
        .unwrap_or_else(|| panic!("{sold}"))
        .to_owned()
}

/// Stripe pays out all that the account has, by its schedule; answers the payout.
async fn paid_out(town: &Town) -> String {
    all_told(town).await;
    let account = town.msp.account.as_str();
    town.control("POST", "/_simulator/balance/release", json!({"account": account}));
    let made = town.control("POST", "/_simulator/payouts", json!({"account": account}));
    made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
}

/// Days go by, and all that comes of them is told and applied.
async fn days_later(town: &Town, days: i64) {
    town.advance_ms(days * DAY_MS);
    all_told(town).await;
    // What was not ready when it was looked at first is looked at again.
    town.advance_ms(HOUR_MS + 60_000);
    flows::reconcile::run(&town.app).await.unwrap();
    all_told(town).await;
}

async fn open_breaks(town: &Town, kind: &str) -> Vec<Value> {
    let path = format!("/api/reconciliation-breaks?kind={kind}&open=true");
    get(town, &town.msp.key, &path).await["data"]
        .as_array()
        .unwrap()
        .clone()
}

both! {
    fn a_payout_explains_itself_to_the_cent(world: &World) {
        Town::run(world, async |mut town| {
            town.msp = shop_with_a_bank(&town).await;
            let account = town.msp.account.clone();
            let ours = [sell(&town, 12_345).await, sell(&town, 5_000).await];
            let charge = sell_elsewhere(&town, Some(&account), 9_900);
            town.stripe("POST", "/v1/refunds", Some(&account), &format!("charge={charge}&amount=900"));
            let payout = paid_out(&town).await;
            days_later(&town, 3).await;
            let path = format!("/api/payouts/{payout}");
            let there = async || get(&town, &town.msp.key, &path).await["itemised"] == true;
            town.until("its items", there).await;

            let shown = get(&town, &town.msp.key, &path).await;
            assert_eq!((&shown["status"], &shown["automatic"]), (&json!("paid"), &json!(true)), "{shown}");
            let there = town.stripe("GET", &format!("/v1/payouts/{payout}"), Some(&account), "");
            assert_eq!(shown["amount"], there["amount"]);
            let items = shown["items"]["data"].as_array().unwrap();
            let net: i64 = items.iter().map(|item| item["net"].as_i64().unwrap()).sum();
            assert_eq!(json!(net), shown["amount"], "the items do not come to it: {shown}");
            let parts = shown["parts"].as_object().unwrap();
            let counts: BTreeMap<&str, i64> =
                parts.iter().map(|(of, part)| (of.as_str(), part["count"].as_i64().unwrap())).collect();
            assert_eq!(counts, BTreeMap::from([("external", 2), ("payment", 2)]), "{shown}");
            assert_eq!(parts["payment"]["amount"], 17_345);
            for item in items {
                match item["of"].as_str().unwrap() {
                    "payment" => {
                        let payment = item["payment_id"].as_str().unwrap().to_owned();
                        assert!(ours.contains(&payment), "{item}");
                        let linked = get(&town, &town.msp.key, item["payment"].as_str().unwrap()).await;
                        assert_eq!((&linked["id"], &linked["net"]), (&json!(payment), &item["net"]));
                    }
                    _ => assert_eq!((&item["payment_id"], &item["payment"]), (&Value::Null, &Value::Null)),
                }
            }

            let reports = town.assert_tied().await;
            let of_tenant = reports.iter().find(|report| report.tied.scope == town.msp.scope).unwrap();
            let external = parts["external"]["net"].as_i64().unwrap();
            assert_eq!((of_tenant.tied.external, of_tenant.tied.stripe_balance), (external, 0));
            const LINES: Sql =
                Sql::new("select count(*) as n from ledger_transactions where kind = 'external'");
            assert_eq!(town.number(&LINES).await, 2, "one line each for the sale and its refund");
            town.assert_books().await;

            let stranger = town.add_msp("Somebody Else", "usd").await;
            let hidden = town.api(&stranger.key, Method::GET, &path, Value::Null).await;
            hidden.assert_refused(404, "not_found", None);
            assert_eq!(get(&town, &stranger.key, "/api/payouts").await["data"], json!([]));
            let listed = get(&town, &town.msp.key, "/api/payouts").await;
            assert_eq!(listed["data"][0]["id"], json!(payout));
        });
    }

    fn a_payout_that_fails_is_told_of_until_money_reaches_the_bank_again(world: &World) {
        Town::run(world, async |mut town| {
            town.msp = shop_with_a_bank(&town).await;
            sell(&town, 12_345).await;
            let payout = paid_out(&town).await;
            days_later(&town, 3).await;
            // Banks send back what was there already.
            let fail = format!("/_simulator/payouts/{payout}/fail");
            town.control("POST", &fail, json!({"code": "account_closed"}));
            all_told(&town).await;
            let shown = get(&town, &town.msp.key, &format!("/api/payouts/{payout}")).await;
            let told = "The bank account has been closed. Give Stripe another one.";
            assert_eq!(
                (&shown["status"], &shown["failure_code"], &shown["failure"]),
                (&json!("failed"), &json!("account_closed"), &json!(told))
            );
            let broken = open_breaks(&town, "payout_failed").await;
            assert_eq!((broken.len(), &broken[0]["subject_id"]), (1, &json!(payout)));
            let detail = broken[0]["detail"].as_str().unwrap();
            assert!(detail.contains("did not reach the bank") && detail.ends_with(told), "{detail}");
            assert!(town.assert_tied().await.iter().any(|report| report.tied.scope == town.msp.scope));
            const BOOKED: Sql = Sql::new(
                "select count(*) as n from ledger_transactions where kind in ('payout', 'payout_reversal')",
            );
            assert_eq!(town.number(&BOOKED).await, 2);

            // Told of once more, and of what was before: nothing changes.
            for type_ in ["payout.failed", "payout.paid", "payout.created"] {
                let event = town.event_about(type_, &payout)["id"].as_str().unwrap().to_owned();
                town.control("POST", &format!("/_simulator/events/{event}/resend"), Value::Null);
            }
            all_told(&town).await;
            town.assert_tied().await;
            assert_eq!(town.number(&BOOKED).await, 2, "booked once");
            let again = get(&town, &town.msp.key, &format!("/api/payouts/{payout}")).await;
            assert_eq!(again["status"], "failed");

            // Its owner has put it right: what comes next reaches the bank.
            sell(&town, 5_000).await;
            let next = paid_out(&town).await;
            days_later(&town, 3).await;
            town.until("the bank", async || {
                get(&town, &town.msp.key, &format!("/api/payouts/{next}")).await["itemised"] == true
            })
            .await;
            assert_eq!(open_breaks(&town, "payout_failed").await, Vec::<Value>::new());
            town.assert_tied().await;
            town.assert_books().await;
        });
    }

    fn a_payout_by_hand_says_that_it_cannot_be_itemised(world: &World) {
        Town::run(world, async |mut town| {
            town.msp = shop_with_a_bank(&town).await;
            sell(&town, 12_345).await;
            all_told(&town).await;
            let account = town.msp.account.clone();
            let form = "amount=5000&currency=usd";
            let made = town.stripe("POST", "/v1/payouts", Some(&account), form);
            days_later(&town, 3).await;
            let path = format!("/api/payouts/{}", made["id"].as_str().unwrap_or_else(|| panic!("{made}")));
            let shown = get(&town, &town.msp.key, &path).await;
            assert_eq!((&shown["status"], &shown["itemised"]), (&json!("paid"), &json!(false)), "{shown}");
            let why = shown["not_itemised_because"].as_str().unwrap();
            assert!(why.contains("by hand"), "{why}");
            assert_eq!(shown["items"]["data"], json!([]));
            town.assert_tied().await;
        });
    }

    fn payouts_and_sales_of_the_platforms_own_account_are_its_own(world: &World) {
        Town::run(world, async |town| {
            let operator = platform_key(&town).await;
            sell(&town, 12_345).await;
            let charge = sell_elsewhere(&town, None, 20_000);
            town.stripe("POST", "/v1/refunds", None, &format!("charge={charge}&amount=500"));
            town.control("POST", "/_simulator/balance/release", json!({}));
            let made = town.stripe("POST", "/v1/payouts", None, "amount=1100&currency=usd");
            let payout = made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
            days_later(&town, 3).await;
            const FATES: Sql = Sql::new(
                "select count(*) as n from stripe_webhook_events
                 where type like 'payout.%'
                   and (status not in ('external', 'stale') or tenant_id <> 'ten_platform')",
            );
            const TOLD: Sql =
                Sql::new("select count(*) as n from stripe_webhook_events where type like 'payout.%'");
            assert!(town.number(&TOLD).await > 0);
            assert_eq!(town.number(&FATES).await, 0, "an event of the platform's payout is not external");

            let reports = town.assert_tied().await;
            let own = reports.iter().find(|one| one.tied.scope.tenant.as_str() == "ten_platform").unwrap();
            let sold = town.stripe("GET", "/v1/balance_transactions?limit=100&type=charge", None, "");
            let net = sold["data"][0]["net"].as_i64().unwrap();
            assert_eq!(own.tied.external, net - 500);
            assert_eq!(own.tied.stripe_balance, 370 + net - 500 - 1_100);
            let path = format!("/api/platform/payouts/{payout}");
            let shown = get(&town, &operator, &path).await;
            assert_eq!((&shown["status"], &shown["amount"]), (&json!("paid"), &json!(1_100)));
            assert_eq!(get(&town, &operator, "/api/platform/payouts").await["data"][0]["id"], json!(payout));
            assert_eq!(get(&town, &town.msp.key, "/api/payouts").await["data"], json!([]));
            town.assert_books().await;
        });
    }
}
