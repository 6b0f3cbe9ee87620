//! Payment intents: creating, changing and canceling them, and what a good payment leaves behind.

use crate::world::{World, id};
use serde_json::{Value, json};

#[test]
fn a_good_payment_leaves_an_intent_a_charge_a_fee_and_bookings() {
    let tenant = World::tenant();
    let (status, paid) = tenant.pay("4242424242424242");
    assert_eq!(status, 200, "{paid}");
    assert_eq!(paid["status"], "succeeded");
    assert_eq!(paid["amount_received"], 12345);
    assert_eq!(paid["application_fee_amount"], 370);
    assert!(paid["application"].as_str().unwrap().starts_with("ca_"));

    let path = format!("/v1/charges/{}", paid["latest_charge"].as_str().unwrap());
    let charge = tenant.get(&path);
    assert_eq!(charge["status"], "succeeded");
    assert_eq!(charge["metadata"], json!({ "invoice_id": "inv_1" }));
    assert_eq!(
        charge["balance_transaction"],
        Value::Null,
        "asynchronous capture tells it later"
    );
    assert_eq!(charge["application_fee"], Value::Null);
    assert_eq!(charge["payment_method_details"]["card"]["last4"], "4242");

    tenant.simulator.advance_ms(1_000);
    let charge = tenant.get(&format!(
        "{path}?expand[]=balance_transaction&expand[]=application_fee"
    ));
    let booked = &charge["balance_transaction"];
    assert_eq!(
        (booked["amount"].as_i64(), booked["fee"].as_i64()),
        (Some(12345), Some(758))
    );
    assert_eq!(booked["net"], 11587);
    assert_eq!(booked["source"], charge["id"]);
    let fee = &charge["application_fee"];
    assert_eq!(
        (fee["amount"].as_i64(), &fee["charge"]),
        (Some(370), &charge["id"])
    );
    assert_eq!(fee["account"].as_str(), tenant.account.as_deref());

    let platform = tenant.on_platform();
    let fees = platform.get("/v1/application_fees");
    assert_eq!(fees["data"][0]["id"], fee["id"]);
    let income = platform.get("/v1/balance_transactions");
    assert_eq!(income["data"][0]["type"], "application_fee");
    assert_eq!(income["data"][0]["net"], 370);
}

#[test]
fn the_balance_is_pending_for_two_days() {
    let tenant = World::tenant();
    tenant.pay("4242424242424242");
    let sums = |tenant: &World| {
        let balance = tenant.get("/v1/balance");
        (
            balance["pending"][0]["amount"].as_i64().unwrap(),
            balance["available"][0]["amount"].as_i64().unwrap(),
        )
    };
    assert_eq!(sums(&tenant), (11587, 0));
    tenant.simulator.advance_ms(172_800_000);
    assert_eq!(sums(&tenant), (0, 11587));
    tenant.pay("4000000000000077");
    assert_eq!(sums(&tenant), (0, 23174), "this card's money is there at once");
}

#[test]
fn with_synchronous_capture_the_booking_is_known_at_once() {
    let tenant = World::tenant();
    let form = [
        ("amount", "1000"),
        ("currency", "usd"),
        ("application_fee_amount", "30"),
        ("capture_method", "automatic"),
        ("allowed_payment_method_types[]", "card"),
        ("payment_method", "pm_card_visa"),
        ("confirm", "true"),
        ("expand[]", "latest_charge.balance_transaction"),
    ];
    let paid = tenant.post("/v1/payment_intents", &form);
    assert_eq!(
        paid["latest_charge"]["balance_transaction"]["net"],
        1000 - 30 - 59
    );
    assert!(paid["latest_charge"]["application_fee"].is_string());
    tenant.simulator.advance_ms(5_000);
    assert!(!tenant.event_types().contains(&"charge.updated".to_owned()));
}

#[test]
fn an_intent_is_changed_until_it_is_paid() {
    let tenant = World::tenant();
    let intent = tenant.intent();
    let path = format!("/v1/payment_intents/{}", id(&intent));
    let changed = tenant.post(
        &path,
        &[
            ("amount", "2000"),
            ("application_fee_amount", "60"),
            ("metadata[invoice_id]", ""),
            ("metadata[a]", "b"),
        ],
    );
    assert_eq!(
        (&changed["amount"], &changed["application_fee_amount"]),
        (&json!(2000), &json!(60))
    );
    assert_eq!(changed["metadata"], json!({ "a": "b" }));
    let with_card = tenant.post(&path, &[("payment_method", "pm_card_mastercard")]);
    assert_eq!(with_card["status"], "requires_confirmation");
    assert_eq!(
        tenant.post(&format!("{path}/confirm"), &[])["status"],
        "succeeded"
    );
    let error = tenant.refused(400, &path, &[("amount", "2500")]);
    assert_eq!(error["code"], "payment_intent_unexpected_state");
    assert_eq!(
        tenant.post(&path, &[("metadata[a]", "c")])["metadata"],
        json!({ "a": "c" })
    );
}

#[test]
fn a_canceled_intent_is_over() {
    let tenant = World::tenant();
    let intent = tenant.intent();
    let path = format!("/v1/payment_intents/{}", id(&intent));
    let canceled = tenant.post(&format!("{path}/cancel"), &[("cancellation_reason", "abandoned")]);
    assert_eq!(
        (&canceled["status"], &canceled["cancellation_reason"]),
        (&json!("canceled"), &json!("abandoned"))
    );
    assert_eq!(canceled["canceled_at"], 1_800_000_000);
    let again = [
        ("cancel", vec![]),
        ("confirm", vec![("payment_method", "pm_card_visa")]),
    ];
    for (verb, form) in again {
        let error = tenant.refused(400, &format!("{path}/{verb}"), &form);
        assert_eq!(error["code"], "payment_intent_unexpected_state", "{verb}");
        assert_eq!(error["payment_intent"]["status"], "canceled", "{verb}");
    }
    assert_eq!(
        tenant.event_types(),
        ["payment_intent.created", "payment_intent.canceled"]
    );
}

/// A create that is refused with this code, for this parameter.
fn check_refused(world: &World, money: (&str, &str), fee: Option<&str>, code: Option<&str>, param: &str) {
    let mut form = vec![("amount", money.0), ("currency", money.1)];
    form.extend(fee.map(|fee| ("application_fee_amount", fee)));
    let error = world.refused(400, "/v1/payment_intents", &form);
    assert_eq!(
        (&error["code"], &error["param"]),
        (&json!(code), &json!(param)),
        "{form:?}: {error}"
    );
}

#[test]
fn the_rules_of_amount_and_currency() {
    let tenant = World::tenant();
    let check = |amount, currency, code, param| check_refused(&tenant, (amount, currency), None, code, param);
    check("49", "usd", Some("amount_too_small"), "amount");
    check("29", "gbp", Some("amount_too_small"), "amount");
    check("49", "jpy", Some("amount_too_small"), "amount");
    check("100000000", "usd", Some("amount_too_large"), "amount");
    check("0", "usd", Some("parameter_invalid_integer"), "amount");
    check("-5", "usd", Some("parameter_invalid_integer"), "amount");
    check("10.5", "usd", Some("parameter_invalid_integer"), "amount");
    check(
        "9223372036854775808",
        "usd",
        Some("parameter_invalid_integer"),
        "amount",
    );
    check("", "usd", Some("parameter_missing"), "amount");
    check("1000", "", Some("parameter_invalid_empty"), "currency");
    check("1000", "xyz", None, "currency");
    check("1005", "kwd", None, "amount");
    check("150", "isk", None, "amount");
    assert_eq!(
        tenant.get("/v1/payment_intents")["data"],
        json!([]),
        "nothing was made"
    );
}

#[test]
fn the_rules_of_the_fee() {
    let tenant = World::tenant();
    let check = |world: &World, fee, code| {
        check_refused(world, ("1000", "usd"), Some(fee), code, "application_fee_amount");
    };
    check(&tenant, "0", Some("parameter_invalid_integer"));
    check(&tenant, "-1", Some("parameter_invalid_integer"));
    check(&tenant, "1000", None);
    check(&tenant.on_platform(), "30", None);
    let form = [
        ("amount", "99999999"),
        ("currency", "USD"),
        ("application_fee_amount", "99999998"),
    ];
    tenant.post("/v1/payment_intents", &form);
}

#[test]
fn the_parameter_for_payment_method_types_depends_on_the_version() {
    let tenant = World::tenant();
    let old = [
        ("amount", "1000"),
        ("currency", "usd"),
        ("payment_method_types[]", "card"),
    ];
    let new = [
        ("amount", "1000"),
        ("currency", "usd"),
        ("allowed_payment_method_types[0]", "card"),
    ];
    let cases = [
        (Some("2026-10-28.endive"), false, true),
        (Some("2026-08-26.dahlia"), true, false),
        (Some("2024-06-20"), true, false),
        (None, true, true),
    ];
    for (version, takes_old, takes_new) in cases {
        let world = tenant.version(version);
        for (form, taken) in [(&old, takes_old), (&new, takes_new)] {
            let (status, body) = world.ask("POST", "/v1/payment_intents", form);
            if taken {
                assert_eq!(
                    (status, &body["payment_method_types"]),
                    (200, &json!(["card"])),
                    "{version:?} {body}"
                );
            } else {
                assert_eq!(
                    (status, &body["error"]["code"]),
                    (400, &json!("parameter_unknown")),
                    "{version:?} {body}"
                );
            }
        }
    }
    let error = tenant.refused(
        400,
        "/v1/payment_intents",
        &[
            ("amount", "1000"),
            ("currency", "usd"),
            ("allowed_payment_method_types[]", "gold"),
        ],
    );
    assert_eq!(error["type"], "invalid_request_error");
    let only_debit = [
        ("amount", "1000"),
        ("currency", "usd"),
        ("allowed_payment_method_types[]", "us_bank_account"),
    ];
    let debit = tenant.post("/v1/payment_intents", &only_debit);
    let path = format!("/v1/payment_intents/{}/confirm", id(&debit));
    assert_eq!(
        tenant.refused(400, &path, &[("payment_method", "pm_card_visa")])["param"],
        "payment_method"
    );
}

#[test]
fn a_card_belongs_to_its_customer_or_is_used_once() {
    let tenant = World::tenant();
    let customer = tenant.post(
        "/v1/customers",
        &[("email", "a@b.example"), ("payment_method", "pm_card_visa")],
    );
    let cards = tenant.get(&format!("/v1/customers/{}/payment_methods", id(&customer)));
    let card = id(&cards["data"][0]);
    let form = |customer: Option<&'static str>| {
        let mut form = vec![
            ("amount", "1000"),
            ("currency", "usd"),
            ("confirm", "true"),
            ("off_session", "true"),
        ];
        form.extend(customer.map(|name| ("customer", name)));
        form
    };
    let mut strangers = form(None);
    strangers.push(("payment_method", card));
    assert_eq!(
        tenant.refused(400, "/v1/payment_intents", &strangers)["param"],
        "payment_method"
    );
    for _ in 0..2 {
        let mut own = form(None);
        own.extend([("payment_method", card), ("customer", id(&customer))]);
        assert_eq!(tenant.post("/v1/payment_intents", &own)["status"], "succeeded");
    }
    let loose = tenant.post(
        "/v1/payment_methods",
        &[("type", "card"), ("card[token]", "tok_visa")],
    );
    let mut once = form(None);
    once.push(("payment_method", id(&loose)));
    assert_eq!(tenant.post("/v1/payment_intents", &once)["status"], "succeeded");
    let error = tenant.refused(400, "/v1/payment_intents", &once);
    assert_eq!((&error["code"], &error["param"]), (&Value::Null, &Value::Null));
}

#[test]
fn setup_for_the_future_keeps_the_card() {
    let tenant = World::tenant();
    let customer = tenant.post("/v1/customers", &[("name", "Northwind")]);
    let form = [
        ("amount", "1000"),
        ("currency", "usd"),
        ("customer", id(&customer)),
        ("setup_future_usage", "off_session"),
        ("allowed_payment_method_types[]", "card"),
        ("payment_method", "pm_card_authenticationRequiredOnSetup"),
        ("confirm", "true"),
    ];
    let waiting = tenant.post("/v1/payment_intents", &form);
    assert_eq!(waiting["status"], "requires_action");
    let path = format!("/_simulator/payment_intents/{}/challenge", id(&waiting));
    let paid = tenant.control("POST", &path, &json!({ "outcome": "complete" }));
    assert_eq!(paid["status"], "succeeded");
    let card = paid["payment_method"].as_str().unwrap();
    let kept = tenant.get(&format!("/v1/customers/{}/payment_methods/{card}", id(&customer)));
    assert_eq!(kept["customer"], customer["id"]);
    let later = [
        ("amount", "1000"),
        ("currency", "usd"),
        ("customer", id(&customer)),
        ("payment_method", card),
        ("off_session", "true"),
        ("confirm", "true"),
    ];
    let later = tenant.post("/v1/payment_intents", &later);
    assert_eq!(later["status"], "succeeded", "it was set up, so it asks no more");
}
