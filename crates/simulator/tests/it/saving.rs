//! Cards saved for later by setup intents: the attempt, the holder's authentication, and paying with them.

use serde_json::{Value, json};

use crate::samples::lacks;
use crate::world::{World, id};

fn customer(world: &World) -> String {
    id(&world.post("/v1/customers", &[("name", "A")])).to_owned()
}

fn form<'a>(customer: &'a str, card: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("customer", customer),
        ("payment_method", card),
        ("allowed_payment_method_types[]", "card"),
        ("confirm", "true"),
        ("return_url", "https://shop.example/back?a=1"),
    ]
}

fn act(world: &World, intent: &Value, outcome: &str) -> Value {
    world.control(
        "POST",
        &format!("/_simulator/setup_intents/{}/challenge", id(intent)),
        &json!({ "outcome": outcome }),
    )
}

#[test]
fn a_saved_card_is_the_customers_own_and_pays_off_session() {
    let world = World::platform();
    let customer = customer(&world);
    let intent = world.post("/v1/setup_intents", &form(&customer, "pm_card_visa"));
    assert_eq!(intent["status"], "succeeded");
    assert_eq!(intent["usage"], "off_session");
    let method = intent["payment_method"].as_str().unwrap();
    assert_ne!(method, "pm_card_visa");
    let path = format!("/v1/customers/{customer}/payment_methods/{method}");
    assert_eq!(world.get(&path)["customer"], customer.as_str());
    let attempts = world.get(&format!("/v1/setup_attempts?setup_intent={}", id(&intent)));
    assert_eq!(attempts["data"].as_array().unwrap().len(), 1);
    assert_eq!(attempts["data"][0]["id"], intent["latest_attempt"]);
    assert_eq!(attempts["data"][0]["status"], "succeeded");
    let paid = world.post(
        "/v1/payment_intents",
        &[
            ("amount", "2000"),
            ("currency", "usd"),
            ("customer", &customer),
            ("payment_method", method),
            ("off_session", "true"),
            ("confirm", "true"),
        ],
    );
    assert_eq!(paid["payment_method"], method);
    assert_eq!(
        world.event_types()[..4],
        [
            "customer.created",
            "setup_intent.created",
            "payment_method.attached",
            "setup_intent.succeeded"
        ]
    );
}

#[test]
fn the_holder_authenticates_on_the_banks_page() {
    let world = World::platform();
    let customer = customer(&world);
    let intent = world.post(
        "/v1/setup_intents",
        &form(&customer, "pm_card_authenticationRequiredOnSetup"),
    );
    assert_eq!(intent["status"], "requires_action");
    assert_eq!(intent["next_action"]["type"], "redirect_to_url");
    let url = intent["next_action"]["redirect_to_url"]["url"].as_str().unwrap();
    let path = url.strip_prefix("http://127.0.0.1:8420").unwrap();
    let page = world.send("GET", path, &[]);
    assert_eq!(page.status, 200);
    let secret = intent["client_secret"].as_str().unwrap();
    let back = world.send(
        "POST",
        path.split('?').next().unwrap(),
        &[("client_secret", secret), ("outcome", "complete")],
    );
    assert_eq!(back.status, 303);
    let location = crate::world::header(&back, "Location").unwrap();
    assert_eq!(
        location,
        format!(
            "https://shop.example/back?a=1&setup_intent={}&setup_intent_client_secret={secret}\
             &redirect_status=succeeded",
            id(&intent)
        )
    );
    let done = world.get(&format!("/v1/setup_intents/{}", id(&intent)));
    assert_eq!(done["status"], "succeeded");
    let attempts = world.get(&format!("/v1/setup_attempts?setup_intent={}", id(&intent)));
    let details = &attempts["data"][0]["payment_method_details"]["card"];
    assert_eq!(details["three_d_secure"]["result"], "authenticated");
    let paid = world.post(
        "/v1/payment_intents",
        &[
            ("amount", "2000"),
            ("currency", "usd"),
            ("customer", &customer),
            ("payment_method", done["payment_method"].as_str().unwrap()),
            ("off_session", "true"),
            ("confirm", "true"),
        ],
    );
    assert_eq!(paid["status"], "succeeded");
}

#[test]
fn a_holder_who_refuses_leaves_the_intent_open() {
    let world = World::platform();
    let customer = customer(&world);
    let card = "pm_card_authenticationRequired";
    let intent = world.post("/v1/setup_intents", &form(&customer, card));
    let left = act(&world, &intent, "fail");
    assert_eq!(left["status"], "requires_payment_method");
    assert_eq!(
        left["last_setup_error"]["code"],
        "setup_intent_authentication_failure"
    );
    let types = world.event_types();
    assert_eq!(
        types[1..],
        [
            "setup_intent.created",
            "setup_intent.requires_action",
            "setup_intent.setup_failed"
        ]
    );
    let confirm = format!("/v1/setup_intents/{}/confirm", id(&intent));
    let done = world.post(
        &confirm,
        &[
            ("payment_method", "pm_card_mastercard"),
            ("return_url", "https://a.example"),
        ],
    );
    assert_eq!(done["status"], "succeeded");
    assert_eq!(done["last_setup_error"], Value::Null);
    let attempts = world.get(&format!("/v1/setup_attempts?setup_intent={}", id(&intent)));
    assert_eq!(attempts["data"][0]["status"], "succeeded");
    assert_eq!(attempts["data"][1]["status"], "failed");
    let refused = world.refused(400, &confirm, &[]);
    assert_eq!(refused["code"], "setup_intent_unexpected_state");
    assert_eq!(refused["setup_intent"]["status"], "succeeded");
}

#[test]
fn a_declined_card_is_not_saved() {
    let world = World::platform();
    let customer = customer(&world);
    let form = form(&customer, "pm_card_chargeDeclined");
    let error = world.refused(402, "/v1/setup_intents", &form);
    assert_eq!(error["code"], "card_declined");
    assert_eq!(error["setup_intent"]["status"], "requires_payment_method");
    assert_eq!(error["setup_intent"]["last_setup_error"]["code"], "card_declined");
    let open = world.get(&format!("/v1/setup_intents?customer={customer}"));
    assert_eq!(open["data"].as_array().unwrap().len(), 1);
    let cards = world.get(&format!("/v1/customers/{customer}/payment_methods"));
    assert!(cards["data"].as_array().unwrap().is_empty());
    let cancel = format!("/v1/setup_intents/{}/cancel", id(&open["data"][0]));
    let gone = world.post(&cancel, &[("cancellation_reason", "abandoned")]);
    assert_eq!(gone["status"], "canceled");
    assert_eq!(gone["cancellation_reason"], "abandoned");
    let again = world.refused(400, &cancel, &[]);
    assert_eq!(again["code"], "setup_intent_unexpected_state");
    assert_eq!(again.get("param"), None);
}

#[test]
fn a_browser_reads_and_confirms_by_the_secret() {
    let world = World::platform();
    let intent = world.post("/v1/setup_intents", &[]);
    assert_eq!(intent["status"], "requires_payment_method");
    let path = format!("/v1/setup_intents/{}", id(&intent));
    let browser = world.key("pk_test_psapay_demo");
    let secret = [("client_secret", intent["client_secret"].as_str().unwrap())];
    let (status, seen) = browser.ask("GET", &path, &secret);
    assert_eq!((status, seen.get("metadata")), (200, None));
    assert_eq!(browser.ask("GET", &path, &[]).0, 400);
    let mut form = crate::world::card_form("4242424242424242").to_vec();
    form.extend(secret);
    let done = browser.post(&format!("{path}/confirm"), &form);
    assert_eq!(done["status"], "succeeded");
}

#[test]
fn there_are_no_microdeposits_to_verify_for_a_card() {
    let world = World::platform();
    let customer = customer(&world);
    let intent = world.post("/v1/setup_intents", &form(&customer, "pm_card_visa"));
    let verify = format!("/v1/setup_intents/{}/verify_microdeposits", id(&intent));
    let error = world.refused(400, &verify, &[("descriptor_code", "SM11AA")]);
    assert_eq!(error["code"], "intent_invalid_state");
    let error = world.refused(400, &verify, &[("amounts[]", "32")]);
    assert_eq!(error["param"], "amounts");
    let (status, error) = world.ask("GET", "/v1/mandates/mandate_1", &[]);
    assert_eq!((status, &error["error"]["param"]), (404, &json!("mandate")));
}

#[test]
fn a_set_up_intent_has_the_keys_of_stripes_sample() {
    let world = World::platform();
    let customer = customer(&world);
    let intent = world.post("/v1/setup_intents", &form(&customer, "pm_card_visa"));
    let attempts = world.get(&format!("/v1/setup_attempts?setup_intent={}", id(&intent)));
    assert!(lacks("setup_intent", &intent).is_empty());
    assert!(lacks("setup_attempt", &attempts["data"][0]).is_empty());
}
