//! Paying an invoice by its link, as the payer's browser does it.

use reqwest::StatusCode;
use serde_json::json;
use store::Sql;

use crate::engines::World;
use crate::town::Town;

both! {
    fn a_card_payment_makes_the_invoice_paid_and_the_books_right(world: &World) {
        Town::run(world, async |town| {
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            let paid = town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
            assert_eq!(paid.status, StatusCode::OK, "{}", paid.text);
            assert_eq!(paid.body["status"], "succeeded");
            assert!(paid.body["client_secret"].is_null());
            town.until_invoice(&invoice, "paid").await;
            let charge = &town.charges()[0];
            assert_eq!(charge["application_fee_amount"], 370);
            assert_eq!(town.charges().len(), 1);

            const FEES: Sql = Sql::new("select count(*) as n from application_fees where amount = 370");
            town.until("the application fee", async || town.number(&FEES).await == 1).await;
            const COMPLETE: Sql = Sql::new(
                "select count(*) as n from payments where stripe_fee is not null and net is not null
                   and method_last4 = '4242'");
            town.until("stripe's fee", async || town.number(&COMPLETE).await == 1).await;
            let fees = town.stripe("GET", "/v1/application_fees", None, "");
            assert_eq!(fees["data"][0]["amount"], json!(370));
            town.until_quiet().await;
            town.assert_books().await;
        });
    }
}
