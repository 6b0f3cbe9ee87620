//! Bank debits: days pass between the press on Pay and the money, and it may not come.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::Sql;

use crate::disputes::{decide, newest, open};
use crate::engines::World;
use crate::own_shop::all_told;
use crate::parts::allow;
use crate::town::Town;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Payments that the books know of.
const BOOKED: Sql = Sql::new("select count(*) as n from ledger_transactions where kind = 'payment'");

/// The tenant takes bank debits, and its account can.
async fn ready(town: &Town) {
    allow(town, json!({"bank_debits": true})).await;
    let account = &town.msp.account;
    let path = format!("/v1/accounts/{account}/capabilities/us_bank_account_ach_payments");
    let asked = town.stripe("POST", &path, None, "requested=true");
    assert!(asked["error"].is_null(), "{asked}");
    let link = town.link(&town.invoice(1_000, "usd").await).await;
    town.until("the account takes bank debits", async || {
        town.advance_ms(60_000);
        town.look(&link).await.body["payment_methods"] == json!(["card", "us_bank_account"])
    })
    .await;
}

/// An invoice whose payer has agreed to a debit of this account, and its link.
async fn debited(town: &Town, account: &str) -> (String, String) {
    let invoice = town.invoice(100_000, "usd").await;
    let link = town.link(&invoice).await;
    let paying = town.pay(&link, &town.token(account), 100_000, "usd").await;
    assert_eq!(paying.body["status"], "processing", "{}", paying.text);
    (invoice, link)
}

both! {
    fn a_debit_that_fails_days_later_was_never_paid_and_a_card_pays(world: &World) {
        Town::run(world, async |town| {
            ready(&town).await;
            let (invoice, link) = debited(&town, "pm_usBankAccount_insufficientFunds").await;
            town.until_quiet().await;
            let stands = town.read_invoice(&invoice).await;
            assert_eq!((&stands["status"], &stands["amount_paid"]), (&json!("processing"), &json!(0)));
            assert_eq!(town.number(&BOOKED).await, 0, "nothing is booked before it is there");
            let page = town.public(Method::GET, &format!("/pay/{link}"), Value::Null).await;
            assert_eq!(page.status, StatusCode::OK);
            let page = page.text;
            assert!(page.contains("Payment in progress") && !page.contains("error"), "{page}");

            town.advance_ms(7 * DAY_MS);
            town.until_invoice(&invoice, "open").await;
            town.until_quiet().await;
            assert_eq!(town.number(&BOOKED).await, 0);
            assert_eq!(town.look(&link).await.body["state"], "pay", "it is offered again");
            let paid = town.pay(&link, &town.token("pm_card_visa"), 100_000, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            town.until_invoice(&invoice, "paid").await;
            all_told(&town).await;
            assert_eq!(town.number(&BOOKED).await, 1);
            town.assert_nothing_open().await;
            town.assert_books().await;
        });
    }

    fn a_debit_that_its_bank_takes_back_is_lost_and_waits_for_a_decision(world: &World) {
        Town::run(world, async |town| {
            ready(&town).await;
            let (invoice, _) = debited(&town, "pm_usBankAccount_success").await;
            town.advance_ms(7 * DAY_MS);
            town.until_invoice(&invoice, "paid").await;
            all_told(&town).await;
            let charge = town.charges()[0]["id"].as_str().unwrap().to_owned();
            let taken = open(&town, &charge, json!({}));
            decide(&town, &taken, "lose");
            all_told(&town).await;
            let dispute = newest(&town).await;
            let stands = (&dispute["withdrawn"], &dispute["settlement"]);
            assert_eq!(stands, (&json!(100_000), &json!("undecided")), "{dispute}");
            assert_eq!(town.read_invoice(&invoice).await["status"], "paid", "nothing is decided yet");
            town.assert_books().await;
        });
    }
}
