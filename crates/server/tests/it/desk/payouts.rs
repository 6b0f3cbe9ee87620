//! The pages of payouts: what each consists of adds up to what reached the bank, with what others did apart;
//! one that failed says what to do.

use domain::Role;
use serde_json::json;

use super::staff;
use crate::engines::World;
use crate::own_shop::{all_told, shop_with_a_bank};
use crate::town::Town;

const HOUR_MS: i64 = 60 * 60 * 1000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// An invoice that is paid by card.
async fn sell(town: &Town, amount: i64) -> String {
    let invoice = town.invoice(amount, "usd").await;
    let link = town.link(&invoice).await;
    let token = town.token("pm_card_bypassPending");
    let paid = town.pay(&link, &token, amount, "usd").await;
    assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
    invoice
}

/// Stripe pays out all that the account has, by its schedule; answers the payout.
pub async fn paid_out(town: &Town) -> String {
    all_told(town).await;
    let account = town.msp.account.as_str();
    town.control("POST", "/_simulator/balance/release", json!({"account": account}));
    let made = town.control("POST", "/_simulator/payouts", json!({"account": account}));
    made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
}

/// Days go by, and all that comes of them is told and applied.
pub async fn days_later(town: &Town, days: i64) {
    town.advance_ms(days * DAY_MS);
    all_told(town).await;
    town.advance_ms(HOUR_MS + 60_000);
    flows::reconcile::run(&town.app).await.unwrap();
    all_told(town).await;
}

both! {
    fn a_payout_is_shown_with_what_it_consists_of(world: &World) {
        Town::run(world, async |mut town| {
            town.msp = shop_with_a_bank(&town).await;
            let account = town.msp.account.clone();
            let dana = staff(&town, Role::Owner, "dana@corner.example").await;
            dana.get("/payouts").await.assert_says(200, &["No payouts yet"]);
            let invoice = sell(&town, 12_345).await;
            let form = "amount=9900&currency=usd&confirm=true&payment_method=pm_card_bypassPending\
                        &automatic_payment_methods[enabled]=true\
                        &automatic_payment_methods[allow_redirects]=never";
            town.stripe("POST", "/v1/payment_intents", Some(&account), form);
            let payout = paid_out(&town).await;
            days_later(&town, 3).await;
            let dana = staff(&town, Role::ReadOnly, "lee@corner.example").await;
            let path = format!("/payouts/{payout}");
            town.until("its items", async || dana.get(&path).await.text.contains("Reached your bank")).await;

            let list = dana.get("/payouts?state=paid").await;
            list.assert_says(200, &["Paid out", "By schedule", &format!("href=\"{path}\"")]);
            dana.get("/payouts?state=failed").await.assert_says(200, &["No payouts: failed"]);
            dana.get("/payouts?state=nonsense&after=po_nobody").await.assert_says(200, &["Paid out"]);
            let last = format!("/payouts?after={payout}");
            dana.get(&last).await.assert_says(200, &["That was the last page"]);
            let shown = dana.get(&path).await;
            shown.assert_says(200, &["Payments", "$123.45", "Platform fees on them", "\u{2212}$3.70"]);
            shown.assert_says(200, &["Other business on your account", "Not made here"]);
            shown.assert_says(200, &[&format!("href=\"/invoices/{invoice}\"")]);
            let there = format!("https://dashboard.stripe.com/{account}/test/payouts/{payout}");
            shown.assert_says(200, &[&there]);
            let amount = town.stripe("GET", &format!("/v1/payouts/{payout}"), Some(&account), "");
            let cents = amount["amount"].as_i64().unwrap();
            let total = format!("${}.{:02}", cents / 100, cents % 100);
            assert!(shown.words().contains(&format!("Reached your bank {total}")), "{}", shown.words());
            assert!(!shown.text.contains("The difference"), "it adds up");
            let end = dana.get(&format!("{path}?after=txn_~")).await;
            end.assert_says(200, &["That was the last page"]);
            dana.get("/payouts/po_nobody").await.assert_says(404, &["There is no such thing"]);
        });
    }

    fn a_payout_that_failed_says_what_to_do(world: &World) {
        Town::run(world, async |mut town| {
            town.msp = shop_with_a_bank(&town).await;
            let dana = staff(&town, Role::Owner, "dana@corner.example").await;
            sell(&town, 5_000).await;
            let payout = paid_out(&town).await;
            days_later(&town, 3).await;
            town.control("POST", &format!("/_simulator/payouts/{payout}/fail"),
                json!({"code": "no_account"}));
            all_told(&town).await;
            let path = format!("/payouts/{payout}");
            let dana = { drop(dana); staff(&town, Role::Owner, "kim@corner.example").await };
            town.until("the failure", async || dana.get(&path).await.text.contains("did not take it")).await;
            let shown = dana.get(&path).await;
            shown
                .assert_says(200, &["The bank has no such account", "The money is back", "settings/payouts"]);
            dana.get("/payouts?state=failed").await.assert_says(200, &[&format!("href=\"{path}\"")]);
        });
    }
}
