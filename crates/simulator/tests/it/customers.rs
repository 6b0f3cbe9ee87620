//! Customers: their balance, tax ids, cash balance, and what goes on their invoices.

use serde_json::{Value, json};

use crate::samples::lacks;
use crate::world::{World, id};

#[test]
fn a_balance_is_the_sum_of_its_transactions() {
    let world = World::platform();
    let customer = world.post("/v1/customers", &[]);
    let path = format!("/v1/customers/{}", id(&customer));
    let all = format!("{path}/balance_transactions");
    let credit = world.post(&all, &[("amount", "-500"), ("currency", "usd")]);
    assert!(lacks("customer_balance_transaction", &credit).is_empty());
    assert_eq!(
        (&credit["type"], &credit["ending_balance"]),
        (&json!("adjustment"), &json!(-500))
    );
    let debit = world.post(&all, &[("amount", "700"), ("currency", "usd")]);
    assert_eq!(debit["ending_balance"], 200);
    assert_eq!(world.get(&path)["balance"], 200);
    let one = format!("{all}/{}", id(&credit));
    let changed = world.post(&one, &[("description", "B"), ("metadata[a]", "1")]);
    assert_eq!(
        (&changed["description"], &changed["amount"]),
        (&json!("B"), &json!(-500))
    );
    assert_eq!(world.get(&one)["metadata"]["a"], "1");
    let listed = world.get(&all);
    assert_eq!(listed["data"][0]["id"], debit["id"]);
    world.post(&path, &[("balance", "0")]);
    assert_eq!(world.get(&all)["data"][0]["amount"], -200);
    let owing = world.post("/v1/customers", &[("balance", "-300")]);
    assert_eq!(owing["balance"], -300);
}

#[test]
fn a_tax_id_is_checked_and_deleted_once() {
    let world = World::platform();
    let customer = world.post("/v1/customers", &[]);
    let all = format!("/v1/customers/{}/tax_ids", id(&customer));
    let form = [("type", "eu_vat"), ("value", "DE000000000")];
    let tax_id = world.post(&all, &form);
    assert!(lacks("tax_id", &tax_id).is_empty());
    assert_eq!(tax_id["country"], "DE");
    assert_eq!(tax_id["verification"]["status"], "pending");
    world.simulator.advance_ms(5_000);
    let one = format!("{all}/{}", id(&tax_id));
    assert_eq!(world.get(&one)["verification"]["status"], "verified");
    let wrong = world.refused(400, &all, &[("type", "eu_vat"), ("value", "NOTAVAT")]);
    assert_eq!(
        (&wrong["code"], &wrong["param"]),
        (&json!("tax_id_invalid"), &json!("value"))
    );
    assert_eq!(world.ask("DELETE", &one, &[]).1["deleted"], true);
    let (status, again) = world.ask("DELETE", &one, &[]);
    assert_eq!((status, &again["error"]["param"]), (404, &json!("id")));
    assert_eq!(world.ask("GET", &one, &[]).0, 404);
    assert!(world.get(&all)["data"].as_array().unwrap().is_empty());
    let types = world.event_types();
    assert_eq!(
        types[1..],
        [
            "customer.tax_id.created",
            "customer.tax_id.updated",
            "customer.tax_id.deleted"
        ]
    );
}

#[test]
fn a_customer_is_made_with_all_it_has() {
    let world = World::platform();
    let customer = world.post(
        "/v1/customers",
        &[
            ("payment_method", "pm_card_visa"),
            ("invoice_settings[default_payment_method]", "pm_card_visa"),
            ("invoice_settings[footer]", "Thank you"),
            ("invoice_settings[custom_fields][0][name]", "PO"),
            ("invoice_settings[custom_fields][0][value]", "17"),
            (
                "invoice_settings[rendering_options][amount_tax_display]",
                "exclude_tax",
            ),
            ("invoice_prefix", "ABC123"),
            ("next_invoice_sequence", "5"),
            ("tax_id_data[0][type]", "us_ein"),
            ("tax_id_data[0][value]", "12-3456789"),
        ],
    );
    let settings = &customer["invoice_settings"];
    assert!(
        settings["default_payment_method"]
            .as_str()
            .unwrap()
            .starts_with("pm_1")
    );
    assert_eq!(
        settings["custom_fields"],
        json!([{ "name": "PO", "value": "17" }])
    );
    assert_eq!(settings["rendering_options"]["amount_tax_display"], "exclude_tax");
    assert_eq!(customer["invoice_prefix"], "ABC123");
    assert_eq!(customer["next_invoice_sequence"], 5);
    let path = format!("/v1/customers/{}?expand[]=tax_ids", id(&customer));
    assert_eq!(world.get(&path)["tax_ids"]["data"][0]["type"], "us_ein");
    assert_eq!(
        world.event_types()[..2],
        ["customer.created", "payment_method.attached"]
    );
    let wrong = world.refused(400, "/v1/customers", &[("email", "nobody")]);
    assert_eq!(wrong["code"], "email_invalid");
}

#[test]
fn a_cash_balance_is_empty_and_keeps_how_it_is_applied() {
    let world = World::platform();
    let customer = world.post("/v1/customers", &[]);
    let path = format!("/v1/customers/{}/cash_balance", id(&customer));
    let cash = world.get(&path);
    assert!(lacks("cash_balance", &cash).is_empty());
    assert_eq!(
        (&cash["available"], &cash["settings"]["using_merchant_default"]),
        (&Value::Null, &json!(true))
    );
    let mode = "settings[reconciliation_mode]";
    let cash = world.post(&path, &[(mode, "manual")]);
    assert_eq!(cash["settings"]["reconciliation_mode"], "manual");
    let wrong = world.refused(400, &path, &[(mode, "whenever")]);
    assert_eq!((&wrong["param"], wrong.get("code")), (&json!(mode), None));
}

#[test]
fn a_customers_phone_gets_a_key_for_an_hour() {
    let world = World::platform();
    let customer = world.post("/v1/customers", &[]);
    let key = world.post("/v1/ephemeral_keys", &[("customer", id(&customer))]);
    assert!(lacks("ephemeral_key", &key).is_empty());
    assert!(key["secret"].as_str().unwrap().starts_with("ek_test_"));
    let path = format!("/v1/ephemeral_keys/{}", id(&key));
    assert_eq!(world.ask("DELETE", &path, &[]).0, 200);
    assert_eq!(world.ask("DELETE", &path, &[]).0, 404);
}

#[test]
fn a_customer_has_a_balance_in_every_currency() {
    let world = World::platform();
    let customer = world.post("/v1/customers", &[]);
    let path = format!("/v1/customers/{}/balance_transactions", id(&customer));
    let book = |amount, currency| world.post(&path, &[("amount", amount), ("currency", currency)]);
    book("-500", "usd");
    assert_eq!(book("-200", "eur")["ending_balance"], -200);
    assert_eq!(book("-300", "usd")["ending_balance"], -800);
    let shown = format!("/v1/customers/{}?expand[]=invoice_credit_balance", id(&customer));
    let shown = world.get(&shown);
    assert_eq!(
        (&shown["balance"], &shown["currency"]),
        (&json!(-800), &json!("usd"))
    );
    let credits = &shown["invoice_credit_balance"];
    assert_eq!(*credits, json!({ "eur": 200, "usd": 800 }));
}
