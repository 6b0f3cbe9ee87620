//! Bank accounts: the mandate, the proof that they are theirs, and what their bank answers later.

use serde_json::{Value, json};

use crate::samples::lacks;
use crate::world::{World, id};

const ACCEPTED: [(&str, &str); 3] = [
    ("mandate_data[customer_acceptance][type]", "online"),
    (
        "mandate_data[customer_acceptance][online][ip_address]",
        "203.0.113.10",
    ),
    ("mandate_data[customer_acceptance][online][user_agent]", "browser"),
];

fn account(world: &World, number: &str) -> Value {
    world.post(
        "/v1/payment_methods",
        &[
            ("type", "us_bank_account"),
            ("us_bank_account[routing_number]", "110000000"),
            ("us_bank_account[account_number]", number),
            ("us_bank_account[account_holder_type]", "individual"),
            ("billing_details[name]", "A"),
        ],
    )
}

fn form<'a>(customer: &'a Value, method: &'a Value) -> Vec<(&'a str, &'a str)> {
    vec![
        ("amount", "1500"),
        ("currency", "usd"),
        ("customer", id(customer)),
        ("payment_method", id(method)),
        ("allowed_payment_method_types[]", "us_bank_account"),
        ("confirm", "true"),
    ]
}

fn debit(world: &World, number: &str) -> (Value, Value) {
    let customer = world.post("/v1/customers", &[]);
    let method = account(world, number);
    let mut form = form(&customer, &method);
    form.extend(ACCEPTED);
    (customer.clone(), world.post("/v1/payment_intents", &form))
}

#[test]
fn a_new_account_is_proven_and_then_debited() {
    let world = World::platform();
    let (_, intent) = debit(&world, "000123456789");
    assert_eq!(intent["status"], "requires_action");
    let action = &intent["next_action"];
    assert_eq!(action["type"], "verify_with_microdeposits");
    assert_eq!(
        action["verify_with_microdeposits"]["microdeposit_type"],
        "descriptor_code"
    );
    let path = format!("/v1/payment_intents/{}", id(&intent));
    let verify = format!("{path}/verify_microdeposits");
    let wrong = world.refused(400, &verify, &[("descriptor_code", "SM00AA")]);
    assert_eq!(
        wrong["code"],
        "payment_method_microdeposit_verification_descriptor_code_mismatch"
    );
    let one = world.refused(400, &verify, &[("amounts[]", "32")]);
    assert_eq!(one["param"], "amounts");
    let begun = world.post(&verify, &[("descriptor_code", "SM11AA")]);
    assert_eq!(
        (&begun["status"], &begun["next_action"]),
        (&json!("processing"), &Value::Null)
    );
    let charge = world.get(&format!(
        "/v1/charges/{}",
        begun["latest_charge"].as_str().unwrap()
    ));
    assert!(id(&charge).starts_with("py_"));
    assert_eq!(
        (&charge["status"], &charge["paid"]),
        (&json!("pending"), &json!(false))
    );
    assert_eq!(world.ask("POST", &format!("{path}/cancel"), &[]).0, 400);
    world.simulator.advance_ms(30_000);
    let paid = world.get(&path);
    assert_eq!(
        (&paid["status"], &paid["amount_received"]),
        (&json!("succeeded"), &json!(1500))
    );
    let details = &charge["payment_method_details"]["us_bank_account"];
    let mandate = world.get(&format!("/v1/mandates/{}", details["mandate"].as_str().unwrap()));
    assert_eq!(
        (&mandate["type"], &mandate["status"]),
        (&json!("single_use"), &json!("inactive"))
    );
    assert_eq!(
        world.event_types()[1..],
        [
            "payment_intent.created",
            "payment_intent.requires_action",
            "payment_intent.processing",
            "charge.pending",
            "charge.succeeded",
            "payment_intent.succeeded",
            "mandate.updated"
        ]
    );
    let booking = world.get("/v1/balance_transactions");
    assert_eq!(
        (&booking["data"][0]["amount"], &booking["data"][0]["fee"]),
        (&json!(1500), &json!(12))
    );
}

#[test]
fn a_bank_refuses_later() {
    let world = World::platform();
    for (number, code) in [
        ("000111111113", "account_closed"),
        ("000222222227", "insufficient_funds"),
    ] {
        let (_, intent) = debit(&world, number);
        let path = format!("/v1/payment_intents/{}", id(&intent));
        let verify = format!("{path}/verify_microdeposits");
        world.post(&verify, &[("amounts[]", "32"), ("amounts[]", "45")]);
        world.simulator.advance_ms(30_000);
        let left = world.get(&path);
        assert_eq!(left["status"], "requires_payment_method");
        assert_eq!(left["last_payment_error"]["code"], code);
        assert_eq!(left["last_payment_error"]["decline_code"], "generic_decline");
    }
}

#[test]
fn a_debit_that_nobody_consented_to_leaves_the_intent_to_be_confirmed() {
    let world = World::platform();
    let customer = world.post("/v1/customers", &[]);
    let method = account(&world, "000123456789");
    let error = world.refused(400, "/v1/payment_intents", &form(&customer, &method));
    assert_eq!((error.get("code"), error.get("param")), (None, None));
    let open = world.get(&format!("/v1/payment_intents?customer={}", id(&customer)));
    assert_eq!(open["data"][0]["status"], "requires_confirmation");
}

#[test]
fn a_saved_account_is_debited_again_under_its_mandate() {
    let world = World::platform();
    let customer = world.post("/v1/customers", &[]);
    let method = account(&world, "000123456789");
    let mut setup = vec![
        ("customer", id(&customer)),
        ("payment_method", id(&method)),
        ("allowed_payment_method_types[]", "us_bank_account"),
        ("confirm", "true"),
    ];
    setup.extend(ACCEPTED);
    let setup = world.post("/v1/setup_intents", &setup);
    assert_eq!(setup["status"], "requires_action");
    let mandate = format!("/v1/mandates/{}", setup["mandate"].as_str().unwrap());
    assert_eq!(world.get(&mandate)["status"], "pending");
    let verify = format!("/v1/setup_intents/{}/verify_microdeposits", id(&setup));
    let saved = world.post(&verify, &[("descriptor_code", "SM11AA")]);
    assert_eq!(
        (&saved["status"], &saved["mandate"]),
        (&json!("succeeded"), &setup["mandate"])
    );
    let shown = world.get(&mandate);
    assert_eq!(
        (&shown["type"], &shown["status"]),
        (&json!("multi_use"), &json!("active"))
    );
    assert_eq!(
        shown["customer_acceptance"]["online"]["ip_address"],
        "203.0.113.10"
    );
    let path = format!("/v1/customers/{}/payment_methods/{}", id(&customer), id(&method));
    assert_eq!(world.get(&path)["us_bank_account"]["last4"], "6789");
    let mut again = form(&customer, &method);
    again.push(("off_session", "true"));
    let begun = world.post("/v1/payment_intents", &again);
    assert_eq!(begun["status"], "processing");
    world.simulator.advance_ms(30_000);
    let paid = world.get(&format!("/v1/payment_intents/{}", id(&begun)));
    assert_eq!(paid["status"], "succeeded");
    assert_eq!(world.get(&mandate)["status"], "active");
    let late = world.refused(400, &verify, &[("descriptor_code", "SM11AA")]);
    assert_eq!(late["code"], "intent_invalid_state");
}

#[test]
fn euros_are_debited_by_iban() {
    let world = World::platform();
    for (iban, status) in [
        ("DE89370400440532013000", "succeeded"),
        ("DE62370400440532013001", "requires_payment_method"),
    ] {
        let mut form = vec![
            ("amount", "1000"),
            ("currency", "eur"),
            ("allowed_payment_method_types[]", "sepa_debit"),
            ("payment_method_data[type]", "sepa_debit"),
            ("payment_method_data[sepa_debit][iban]", iban),
            ("payment_method_data[billing_details][name]", "A"),
            ("confirm", "true"),
        ];
        form.extend(ACCEPTED);
        let begun = world.post("/v1/payment_intents", &form);
        assert_eq!(begun["status"], "processing");
        let charge = world.get(&format!(
            "/v1/charges/{}",
            begun["latest_charge"].as_str().unwrap()
        ));
        let mandate = charge["payment_method_details"]["sepa_debit"]["mandate"]
            .as_str()
            .unwrap();
        assert!(
            lacks("mandate", &world.get(&format!("/v1/mandates/{mandate}")))
                .iter()
                .all(|key| key.contains("multi_use"))
        );
        world.simulator.advance_ms(30_000);
        let settled = world.get(&format!("/v1/payment_intents/{}", id(&begun)));
        assert_eq!(settled["status"], status);
    }
    let wrong = [
        ("type", "sepa_debit"),
        ("sepa_debit[iban]", "DE89370400440532013001"),
    ];
    world.refused(400, "/v1/payment_methods", &wrong);
}

#[test]
fn other_kinds_are_kept_and_pay_nothing() {
    let world = World::platform();
    let made = world.post(
        "/v1/payment_methods",
        &[("type", "ideal"), ("ideal[bank]", "ing")],
    );
    assert_eq!(
        (&made["type"], &made["ideal"]["bank"]),
        (&json!("ideal"), &json!("ing"))
    );
    assert_eq!(made.get("card"), None);
    let made = world.post(
        "/v1/payment_methods",
        &[
            ("type", "acss_debit"),
            ("acss_debit[account_number]", "000123456789"),
            ("acss_debit[institution_number]", "000"),
            ("acss_debit[transit_number]", "11000"),
        ],
    );
    assert_eq!(made["acss_debit"]["last4"], "6789");
    let form = [
        ("amount", "1000"),
        ("currency", "usd"),
        ("payment_method", id(&made)),
        ("allowed_payment_method_types[]", "acss_debit"),
        ("confirm", "true"),
    ];
    assert_eq!(
        world.refused(400, "/v1/payment_intents", &form)["param"],
        "payment_method"
    );
    world.refused(400, "/v1/payment_methods", &[("type", "seashells")]);
}
