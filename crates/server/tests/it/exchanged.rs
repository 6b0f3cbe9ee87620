//! Disputes of what was charged in another currency than the account's balance has: the dispute is in the
//! charge's, what Stripe moves is in the balance's, and both tie out.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::Sql;

use crate::disputes::{command, decide, newest, open};
use crate::engines::World;
use crate::own_shop::all_told;
use crate::town::Town;

const AMOUNT: i64 = 12_345;
/// What is still with the banks, in each currency.
const WITH_BANKS: Sql = Sql::new(
    "select currency, cast(sum(amount) as bigint) as n from ledger_entries
     where account = 'disputes' group by currency order by currency",
);

/// From now on Stripe settles euros in dollars, at so many millionths.
fn settles(town: &Town, rate_millionths: i64) {
    let path = format!("/_simulator/accounts/{}", town.msp.account);
    let settles = json!({"settles": {"currency": "usd", "rate_millionths": rate_millionths}});
    town.control("POST", &path, settles);
}

/// An invoice in euros that was paid, and its charge.
async fn paid(town: &Town) -> (String, String) {
    let invoice = town.invoice(AMOUNT, "eur").await;
    let link = town.link(&invoice).await;
    let paid = town.pay(&link, &town.token("pm_card_visa"), AMOUNT, "eur").await;
    assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
    all_told(town).await;
    let charge = town.intents()[0]["latest_charge"].as_str().unwrap().to_owned();
    (invoice, charge)
}

/// What a dispute's balance transactions come to at Stripe: currencies, gross and fee.
fn at_stripe(town: &Town, dispute: &str) -> (Vec<String>, i64, i64) {
    let path = format!("/v1/disputes/{dispute}");
    let there = town.stripe("GET", &path, Some(&town.msp.account), "");
    let all = there["balance_transactions"].as_array().unwrap();
    let sum = |name: &str| all.iter().map(|one| one[name].as_i64().unwrap()).sum();
    let currencies = all.iter().map(|one| one["currency"].as_str().unwrap().to_owned());
    (currencies.collect(), sum("amount"), sum("fee"))
}

/// Everybody's books agree with Stripe in every currency; answers the tenant's clearing in each.
async fn tied(town: &Town) -> Vec<(String, i64)> {
    let reports = town.assert_tied().await;
    town.assert_books().await;
    let of_tenant = reports
        .iter()
        .filter(|report| report.tied.scope == town.msp.scope);
    of_tenant
        .map(|report| (report.tied.currency.code().to_owned(), report.tied.books_clearing))
        .collect()
}

async fn with_banks(town: &Town) -> Vec<(String, i64)> {
    let rows = town.rows(&WITH_BANKS).await;
    rows.iter()
        .map(|row| (row.text("currency").unwrap(), row.int("n").unwrap()))
        .collect()
}

fn euros(minor: i64) -> Vec<(String, i64)> {
    vec![("eur".to_owned(), minor)]
}

both! {
    fn a_dispute_is_in_the_charges_currency_and_its_money_in_the_balances(world: &World) {
        Town::run(world, async |town| {
            settles(&town, 1_082_170);
            let (_, charge) = paid(&town).await;
            let dispute = open(&town, &charge, json!({}));
            all_told(&town).await;
            let held = newest(&town).await;
            let (currencies, gross, fee) = at_stripe(&town, &dispute);
            assert_eq!((currencies, gross), (vec!["usd".to_owned()], -13_359));
            assert_eq!((&held["currency"], &held["withdrawn"]), (&json!("eur"), &json!(AMOUNT)), "{held}");
            assert_eq!((&held["fee"], &held["fee_currency"]), (&json!(fee), &json!("usd")), "{held}");
            assert_eq!(with_banks(&town).await, euros(AMOUNT));
            tied(&town).await;

            // It comes back at another rate: the euros are the same, the dollars are not.
            settles(&town, 1_150_000);
            decide(&town, &dispute, "win");
            all_told(&town).await;
            let (_, gross, fee) = at_stripe(&town, &dispute);
            assert_eq!(gross, 14_197 - 13_359, "the balance gained by the exchange");
            let won = newest(&town).await;
            assert_eq!((&won["status"], &won["reinstated"], &won["fee"]),
                (&json!("won"), &json!(AMOUNT), &json!(fee)), "{won}");
            assert_eq!(with_banks(&town).await, euros(0));
            let clearing = tied(&town).await;
            let there = town.stripe("GET", "/v1/balance_transactions?limit=100", Some(&town.msp.account), "");
            let all = there["data"].as_array().unwrap().iter();
            let net: i64 = all.map(|one| one["net"].as_i64().unwrap()).sum();
            assert_eq!(clearing, [("eur".to_owned(), 0), ("usd".to_owned(), net)]);
            town.assert_nothing_open().await;
        });
    }

    fn a_part_that_is_lost_in_another_currency_is_settled_in_the_invoices(world: &World) {
        Town::run(world, async |town| {
            settles(&town, 1_082_170);
            for (outcome, status, due) in [("still_owed", "open", 5_000), ("forgiven", "paid", 0)] {
                let (invoice, charge) = paid(&town).await;
                let dispute = open(&town, &charge, json!({"amount": 5_000}));
                decide(&town, &dispute, "lose");
                all_told(&town).await;
                let lost = newest(&town).await;
                assert_eq!((&lost["settlement"], &lost["withdrawn"]), (&json!("undecided"), &json!(5_000)));
                assert_eq!(with_banks(&town).await, euros(5_000));
                let settled = command(&town, &lost, "settle", json!({"outcome": outcome})).await;
                assert_eq!((settled.status, &settled.body["settled"]), (StatusCode::OK, &json!(5_000)),
                    "{}", settled.text);
                assert_eq!(with_banks(&town).await, euros(0));
                let after = town.read_invoice(&invoice).await;
                let stands = (&after["status"], &after["amount_due"]);
                assert_eq!(stands, (&json!(status), &json!(due)), "{after}");
                tied(&town).await;
            }
            let path = "/api/reports/trial-balance";
            let balance = town.api(&town.msp.key, Method::GET, path, Value::Null).await;
            let of = |account: &str| -> Vec<(String, i64)> {
                let all = balance.body["accounts"].as_array().unwrap().iter();
                let shown = |one: &Value| {
                    let currency = one["currency"].as_str().unwrap().to_owned();
                    (currency, one["balance"].as_i64().unwrap())
                };
                all.filter(|one| one["account"] == account).map(shown).collect()
            };
            assert_eq!((of("receivable"), of("credit_notes")), (euros(5_000), euros(5_000)));
            town.assert_nothing_open().await;
        });
    }
}
