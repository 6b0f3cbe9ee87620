//! Bank transfers: what arrives is kept as cash, and payments take it by themselves or by hand.

use serde_json::{Value, json};

use crate::samples::lacks;
use crate::world::{World, id};

fn fund(world: &World, customer: &Value, amount: &str) -> Value {
    let path = format!("/v1/test_helpers/customers/{}/fund_cash_balance", id(customer));
    let form = [("amount", amount), ("currency", "usd"), ("reference", "hello")];
    world.post(&path, &form)
}

fn pay(world: &World, customer: &Value, amount: &str) -> Value {
    world.post(
        "/v1/payment_intents",
        &[
            ("amount", amount),
            ("currency", "usd"),
            ("customer", id(customer)),
            ("allowed_payment_method_types[]", "customer_balance"),
            ("payment_method_data[type]", "customer_balance"),
            (
                "payment_method_options[customer_balance][funding_type]",
                "bank_transfer",
            ),
            (
                "payment_method_options[customer_balance][bank_transfer][type]",
                "us_bank_transfer",
            ),
            ("confirm", "true"),
        ],
    )
}

fn left(world: &World, customer: &Value) -> Value {
    world.get(&format!("/v1/customers/{}/cash_balance", id(customer)))["available"]["usd"].clone()
}

#[test]
fn a_payment_takes_what_is_there_and_waits_for_the_rest() {
    let world = World::platform();
    let customer = world.post("/v1/customers", &[]);
    let funded = fund(&world, &customer, "1500");
    assert!(
        lacks("customer_cash_balance_transaction", &funded)
            .iter()
            .all(|key| key.contains("eu_bank_transfer"))
    );
    assert_eq!(
        (&funded["type"], &funded["ending_balance"]),
        (&json!("funded"), &json!(1500))
    );
    assert_eq!(funded["funded"]["bank_transfer"]["reference"], "hello");
    let intent = pay(&world, &customer, "2000");
    assert_eq!(intent["status"], "requires_action");
    let instructions = &intent["next_action"]["display_bank_transfer_instructions"];
    assert_eq!(instructions["amount_remaining"], 500);
    assert_eq!(left(&world, &customer), 0);
    fund(&world, &customer, "700");
    let paid = world.get(&format!("/v1/payment_intents/{}", id(&intent)));
    assert_eq!(
        (&paid["status"], &paid["amount_received"]),
        (&json!("succeeded"), &json!(2000))
    );
    assert_eq!(left(&world, &customer), 200);
    let path = format!("/v1/customers/{}", id(&customer));
    assert_eq!(world.ask("DELETE", &path, &[]).0, 400);
    let all = world.get(&format!("{path}/cash_balance_transactions"));
    assert_eq!(all["data"][0]["type"], "applied_to_payment");
    let types = world.event_types();
    for kind in [
        "payment_intent.partially_funded",
        "cash_balance.funds_available",
        "customer_cash_balance_transaction.created",
        "payment_intent.succeeded",
    ] {
        assert!(types.iter().any(|one| one == kind), "{kind}");
    }
    let helper = format!("/v1/test_helpers/customers/{}/fund_cash_balance", id(&customer));
    let none = world.refused(400, &helper, &[("amount", "0"), ("currency", "usd")]);
    assert_eq!(
        (&none["code"], &none["param"]),
        (&json!("parameter_invalid_integer"), &json!("amount"))
    );
}

#[test]
fn a_merchant_applies_cash_by_hand() {
    let world = World::platform();
    let customer = world.post(
        "/v1/customers",
        &[("cash_balance[settings][reconciliation_mode]", "manual")],
    );
    fund(&world, &customer, "2000");
    let intent = pay(&world, &customer, "1000");
    let apply = format!("/v1/payment_intents/{}/apply_customer_balance", id(&intent));
    let more = world.refused(400, &apply, &[("amount", "999999"), ("currency", "usd")]);
    assert_eq!((more.get("code"), more.get("param")), (None, None));
    let other = world.refused(400, &apply, &[("amount", "100"), ("currency", "eur")]);
    assert_eq!((other.get("code"), other.get("param")), (None, None));
    let part = world.post(&apply, &[("amount", "400"), ("currency", "usd")]);
    let instructions = &part["next_action"]["display_bank_transfer_instructions"];
    assert_eq!(instructions["amount_remaining"], 600);
    assert_eq!(world.post(&apply, &[])["status"], "succeeded");
    let again = world.refused(400, &apply, &[]);
    assert_eq!(again["code"], "payment_intent_unexpected_state");
    let open = pay(&world, &customer, "5000");
    let apply = format!("/v1/payment_intents/{}/apply_customer_balance", id(&open));
    world.post(&apply, &[]);
    assert_eq!(left(&world, &customer), 0);
    world.post(&format!("/v1/payment_intents/{}/cancel", id(&open)), &[]);
    assert_eq!(left(&world, &customer), 1000);
    let card = world.post(
        "/v1/payment_intents",
        &[
            ("amount", "1000"),
            ("currency", "usd"),
            ("payment_method", "pm_card_visa"),
            ("allowed_payment_method_types[]", "card"),
            ("confirm", "true"),
        ],
    );
    let apply = format!("/v1/payment_intents/{}/apply_customer_balance", id(&card));
    let error = world.refused(400, &apply, &[]);
    assert_eq!((error.get("code"), error.get("param")), (None, None));
}

#[test]
fn a_customer_is_told_the_same_account_every_time() {
    let world = World::platform();
    let customer = world.post("/v1/customers", &[]);
    let path = format!("/v1/customers/{}/funding_instructions", id(&customer));
    let form = [
        ("currency", "usd"),
        ("funding_type", "bank_transfer"),
        ("bank_transfer[type]", "us_bank_transfer"),
    ];
    let told = world.post(&path, &form);
    assert!(lacks("funding_instructions", &told).is_empty());
    assert_eq!(told["bank_transfer"]["financial_addresses"][1]["type"], "swift");
    assert_eq!(world.post(&path, &form), told);
    let wrong = [form[0], form[1], ("bank_transfer[type]", "gb_bank_transfer")];
    world.refused(400, &path, &wrong);
}

#[test]
fn a_bank_transfer_is_not_refunded_without_a_way_to_ask_for_the_bank() {
    let world = World::platform();
    let customer = world.post("/v1/customers", &[]);
    fund(&world, &customer, "2000");
    let intent = pay(&world, &customer, "2000");
    let error = world.refused(400, "/v1/refunds", &[("payment_intent", id(&intent))]);
    assert_eq!((error.get("code"), error.get("param")), (None, None));
}
