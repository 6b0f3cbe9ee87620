//! A payment that paid several invoices at once, and goes back: which invoice gives what.

use serde_json::{Value, json};

use super::{read, refund, settle, sums};
use crate::engines::World;
use crate::parts::{allow, due, pay_with};
use crate::town::Town;

/// Three invoices over 100.00, 200.00 and 50.00, paid at once: their ids and their payment's.
async fn paid_at_once(town: &Town) -> (Vec<String>, String) {
    allow(town, json!({"several_invoices": true})).await;
    let mut invoices = Vec::new();
    for (day, cents) in [
        ("2026-12-01", 10_000),
        ("2026-12-02", 20_000),
        ("2026-12-03", 5_000),
    ] {
        invoices.push(due(town, &town.msp, cents, day).await);
    }
    let link = town.link(&invoices[0]).await;
    let others = [invoices[1].as_str(), invoices[2].as_str()];
    let paid = pay_with(town, &link, "pm_card_visa", 35_000, &others).await;
    assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
    settle(town).await;
    let path = "/api/payments?limit=1";
    let listed = town
        .api(&town.msp.key, reqwest::Method::GET, path, Value::Null)
        .await;
    let payment = listed.body["data"][0]["id"].as_str().unwrap().to_owned();
    (invoices, payment)
}

/// Asks for a refund that must be made.
async fn back(town: &Town, body: Value) -> Value {
    let made = refund(town, body).await;
    assert_eq!(made.body["status"], "succeeded", "{}", made.text);
    made.body
}

/// What each invoice gave: which of them, how much, and whether a credit note says so.
fn given(invoices: &[String], refund: &Value) -> Vec<(usize, i64, bool)> {
    let all = refund["invoices"].as_array().unwrap().iter();
    all.map(|one| {
        let which = invoices
            .iter()
            .position(|id| one["invoice_id"] == id.as_str())
            .unwrap();
        assert_eq!(one["out_of_credit"], 0, "{one}");
        assert!(
            one["invoice_number"].as_str().unwrap().starts_with("INV-"),
            "{one}"
        );
        (
            which,
            one["amount"].as_i64().unwrap(),
            one["credit_note_number"].is_string(),
        )
    })
    .collect()
}

/// Status and what is owed of each.
async fn stand(town: &Town, invoices: &[String]) -> Vec<(String, i64)> {
    let mut all = Vec::new();
    for invoice in invoices {
        let read = town.read_invoice(invoice).await;
        let status = read["status"].as_str().unwrap().to_owned();
        all.push((status, read["amount_due"].as_i64().unwrap()));
    }
    all
}

fn open(cents: i64) -> (String, i64) {
    ("open".to_owned(), cents)
}

fn whole() -> (String, i64) {
    ("paid".to_owned(), 0)
}

both! {
    fn all_of_it_goes_back_from_the_last_invoice_to_the_first(world: &World) {
        Town::run(world, async |town| {
            let (invoices, payment) = paid_at_once(&town).await;
            let asked = json!({"payment_id": payment, "settlement": "still_owed", "fee": "returned"});
            let owed = back(&town, asked).await;
            assert_eq!(given(&invoices, &owed), [(2, 5_000, false), (1, 20_000, false), (0, 10_000, false)]);
            let said = owed["explanation"].as_str().unwrap();
            assert!(said.contains("Owed again are 50.00 USD on invoice INV-00003, 200.00 USD on invoice \
                INV-00002 and 100.00 USD on invoice INV-00001."), "{said}");
            assert_eq!(stand(&town, &invoices).await, [open(10_000), open(20_000), open(5_000)]);
            settle(&town).await;
            assert_eq!(sums(&town, &payment).await, (35_000, 35_000, 0));

            let (invoices, payment) = paid_at_once(&town).await;
            let forgiven = back(&town, json!({"payment_id": payment, "settlement": "forgiven"})).await;
            assert_eq!(given(&invoices, &forgiven), [(2, 5_000, true), (1, 20_000, true), (0, 10_000, true)]);
            let said = forgiven["explanation"].as_str().unwrap();
            assert!(said.contains("are forgiven by a credit note each"), "{said}");
            assert_eq!(stand(&town, &invoices).await, [whole(), whole(), whole()]);
            let numbers: Vec<&str> = forgiven["invoices"].as_array().unwrap().iter()
                .map(|one| one["credit_note_number"].as_str().unwrap()).collect();
            assert_eq!(numbers, ["CN-00001", "CN-00002", "CN-00003"]);
            let again = read(&town, forgiven["id"].as_str().unwrap()).await;
            assert_eq!(again["invoices"], forgiven["invoices"]);
            settle(&town).await;
            town.assert_nothing_open().await;
            town.assert_books().await;
        });
    }

    fn a_part_goes_back_from_the_invoice_that_is_named(world: &World) {
        Town::run(world, async |town| {
            let (invoices, payment) = paid_at_once(&town).await;
            let part = |nth: usize, cents: i64, settlement: &str| json!({"payment_id": payment,
                "amount": cents, "settlement": settlement, "invoice_id": invoices[nth]});
            let unnamed = json!({"payment_id": payment, "amount": 1_000, "settlement": "forgiven"});
            refund(&town, unnamed).await.assert_refused(422, "invalid_field", Some("invoice_id"));
            let of_one = refund(&town, part(2, 5_001, "forgiven")).await;
            of_one.assert_refused(409, "refund_exceeds_payment", Some("amount"));
            assert!(of_one.text.contains("50.00 USD"), "{}", of_one.text);

            let owed = back(&town, part(1, 15_000, "still_owed")).await;
            assert_eq!(given(&invoices, &owed), [(1, 15_000, false)]);
            let said = owed["explanation"].as_str().unwrap();
            assert!(said.contains("150.00 USD is owed again on invoice INV-00002."), "{said}");
            let forgiven = back(&town, part(1, 4_000, "forgiven")).await;
            assert_eq!(given(&invoices, &forgiven), [(1, 4_000, true)]);
            assert_eq!(stand(&town, &invoices).await, [whole(), open(15_000), whole()]);
            refund(&town, part(1, 1_001, "forgiven")).await
                .assert_refused(409, "refund_exceeds_payment", Some("amount"));

            // All that is left needs no name.
            let rest = back(&town, json!({"payment_id": payment, "settlement": "forgiven"})).await;
            assert_eq!(rest["amount"], 16_000);
            assert_eq!(given(&invoices, &rest), [(2, 5_000, true), (1, 1_000, true), (0, 10_000, true)]);
            assert_eq!(stand(&town, &invoices).await, [whole(), open(15_000), whole()]);
            settle(&town).await;
            assert_eq!(sums(&town, &payment).await, (35_000, 35_000, 0));
            // What is owed again is paid again, by itself.
            let link = town.link(&invoices[1]).await;
            let paid = town.pay(&link, &town.token("pm_card_visa"), 15_000, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            settle(&town).await;
            assert_eq!(stand(&town, &invoices).await, [whole(), whole(), whole()]);
            town.assert_nothing_open().await;
            town.assert_books().await;
        });
    }
}
