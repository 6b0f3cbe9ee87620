//! Money that is only held: captured in whole or in part, released by the merchant, or gone after a week.

use serde_json::Value;

use crate::world::{World, id};

const DAY_MS: i64 = 86_400_000;

fn held(world: &World, further: &[(&str, &str)]) -> Value {
    let mut form = vec![
        ("amount", "2000"),
        ("currency", "usd"),
        ("payment_method", "pm_card_visa"),
        ("allowed_payment_method_types[]", "card"),
        ("capture_method", "manual"),
        ("confirm", "true"),
    ];
    form.extend(further);
    world.post("/v1/payment_intents", &form)
}

fn charge_of(world: &World, intent: &Value) -> Value {
    world.get(&format!(
        "/v1/charges/{}",
        intent["latest_charge"].as_str().unwrap()
    ))
}

#[test]
fn a_confirmed_payment_waits_to_be_captured() {
    let world = World::platform();
    let intent = held(&world, &[]);
    assert_eq!(intent["status"], "requires_capture");
    assert_eq!(intent["amount_capturable"], 2000);
    assert_eq!(intent["amount_received"], 0);
    let charge = charge_of(&world, &intent);
    assert_eq!(charge["status"], "succeeded");
    assert_eq!(charge["paid"], true);
    assert_eq!(charge["captured"], false);
    assert_eq!(charge["amount_captured"], 0);
    assert_eq!(charge["balance_transaction"], Value::Null);
    let until = charge["created"].as_i64().unwrap() + 604_800;
    assert_eq!(charge["payment_method_details"]["card"]["capture_before"], until);
    assert_eq!(
        world.event_types(),
        [
            "payment_intent.created",
            "charge.succeeded",
            "payment_intent.amount_capturable_updated"
        ]
    );
    assert_eq!(world.get("/v1/balance")["pending"][0]["amount"], 0);
}

#[test]
fn a_capture_takes_it_all() {
    let world = World::platform();
    let intent = held(&world, &[]);
    let path = format!("/v1/payment_intents/{}/capture", id(&intent));
    let paid = world.post(&path, &[]);
    assert_eq!(paid["status"], "succeeded");
    assert_eq!(paid["amount_capturable"], 0);
    assert_eq!(paid["amount_received"], 2000);
    let charge = charge_of(&world, &paid);
    assert_eq!(charge["captured"], true);
    assert_eq!(charge["amount_captured"], 2000);
    assert_eq!(charge["amount_refunded"], 0);
    assert!(charge["balance_transaction"].is_string());
    assert_eq!(
        world.event_types()[3..],
        ["charge.captured", "payment_intent.succeeded"]
    );
    let again = world.refused(400, &path, &[]);
    assert_eq!(again["code"], "payment_intent_unexpected_state");
    assert_eq!(again["payment_intent"]["status"], "succeeded");
}

#[test]
fn a_partial_capture_gives_the_rest_back() {
    let world = World::platform();
    let intent = held(&world, &[]);
    let path = format!("/v1/payment_intents/{}/capture", id(&intent));
    let more = world.refused(400, &path, &[("amount_to_capture", "2001")]);
    assert_eq!(more["param"], "amount_to_capture");
    let none = world.refused(400, &path, &[("amount_to_capture", "0")]);
    assert_eq!(none["code"], "parameter_invalid_integer");
    let twice = world.refused(400, &path, &[("final_capture", "false")]);
    assert_eq!(twice["param"], "final_capture");
    let paid = world.post(&path, &[("amount_to_capture", "1500")]);
    assert_eq!(paid["status"], "succeeded");
    assert_eq!(paid["amount"], 2000);
    assert_eq!(paid["amount_received"], 1500);
    let charge = charge_of(&world, &paid);
    assert_eq!(charge["amount_captured"], 1500);
    assert_eq!(charge["amount_refunded"], 500);
    assert_eq!(charge["refunded"], false);
    let booking = world.get(&format!(
        "/v1/balance_transactions/{}",
        charge["balance_transaction"].as_str().unwrap()
    ));
    assert_eq!(booking["amount"], 1500);
}

#[test]
fn the_fee_may_be_set_at_capture_and_is_at_most_what_is_captured() {
    let world = World::tenant();
    let intent = held(&world, &[("application_fee_amount", "900")]);
    let path = format!("/v1/payment_intents/{}/capture", id(&intent));
    let paid = world.post(&path, &[("amount_to_capture", "500")]);
    assert_eq!(charge_of(&world, &paid)["application_fee_amount"], 500);
    let intent = held(&world, &[]);
    let path = format!("/v1/payment_intents/{}/capture", id(&intent));
    let paid = world.post(&path, &[("application_fee_amount", "100")]);
    assert_eq!(paid["application_fee_amount"], 100);
    assert!(charge_of(&world, &paid)["application_fee"].is_string());
}

#[test]
fn canceling_gives_the_hold_back() {
    let world = World::platform();
    let intent = held(&world, &[]);
    let path = format!("/v1/payment_intents/{}/cancel", id(&intent));
    let gone = world.post(&path, &[("cancellation_reason", "requested_by_customer")]);
    assert_eq!(gone["status"], "canceled");
    assert_eq!(gone["amount_capturable"], 0);
    let charge = charge_of(&world, &gone);
    assert_eq!(charge["captured"], false);
    assert_eq!(charge["refunded"], true);
    assert_eq!(charge["amount_refunded"], 2000);
    assert_eq!(
        world.event_types()[3..],
        ["charge.refunded", "payment_intent.canceled"]
    );
    world.simulator.advance_ms(8 * DAY_MS);
    assert_eq!(world.event_types().len(), 5);
}

#[test]
fn a_hold_is_gone_after_seven_days() {
    let world = World::platform();
    let intent = held(&world, &[]);
    world.simulator.advance_ms(7 * DAY_MS - 1_000);
    let path = format!("/v1/payment_intents/{}", id(&intent));
    assert_eq!(world.get(&path)["status"], "requires_capture");
    world.simulator.advance_ms(1_000);
    let gone = world.get(&path);
    assert_eq!(gone["status"], "canceled");
    assert_eq!(gone["cancellation_reason"], "automatic");
    assert_eq!(
        world.event_types()[3..],
        ["charge.expired", "payment_intent.canceled"]
    );
}

#[test]
fn nothing_is_captured_before_the_holder_authenticated() {
    let world = World::platform();
    let further = [
        ("payment_method", "pm_card_threeDSecure2Required"),
        ("return_url", "https://shop.example/back"),
    ];
    let intent = held(&world, &further);
    assert_eq!(intent["status"], "requires_action");
    let path = format!("/v1/payment_intents/{}/capture", id(&intent));
    assert_eq!(
        world.refused(400, &path, &[])["code"],
        "payment_intent_unexpected_state"
    );
    let more = format!("/v1/payment_intents/{}/increment_authorization", id(&intent));
    world.refused(400, &more, &[("amount", "3000")]);
    let done = world.control(
        "POST",
        &format!("/_simulator/payment_intents/{}/challenge", id(&intent)),
        &serde_json::json!({ "outcome": "complete" }),
    );
    assert_eq!(done["status"], "requires_capture");
    let refused = world.refused(400, &more, &[("amount", "3000")]);
    assert_eq!(refused.get("code"), None);
    assert_eq!(refused.get("param"), None);
}

#[test]
fn a_server_confirms_again_after_the_holder_authenticated() {
    let world = World::platform();
    let further = [
        ("payment_method", "pm_card_authenticationRequired"),
        ("confirmation_method", "manual"),
        ("return_url", "https://shop.example/back"),
    ];
    let intent = held(&world, &further);
    assert_eq!(intent["confirmation_method"], "manual");
    let done = world.control(
        "POST",
        &format!("/_simulator/payment_intents/{}/challenge", id(&intent)),
        &serde_json::json!({ "outcome": "complete" }),
    );
    assert_eq!(done["status"], "requires_confirmation");
    let path = format!("/v1/payment_intents/{}/confirm", id(&intent));
    assert_eq!(world.post(&path, &[])["status"], "requires_capture");
}

#[test]
fn a_charge_that_is_refunded_at_once_has_its_booking() {
    let world = World::platform();
    let paid = world.post(
        "/v1/payment_intents",
        &[
            ("amount", "2000"),
            ("currency", "usd"),
            ("payment_method", "pm_card_visa"),
            ("allowed_payment_method_types[]", "card"),
            ("confirm", "true"),
        ],
    );
    assert_eq!(charge_of(&world, &paid)["balance_transaction"], Value::Null);
    world.post("/v1/refunds", &[("payment_intent", id(&paid)), ("amount", "500")]);
    assert!(charge_of(&world, &paid)["balance_transaction"].is_string());
}
