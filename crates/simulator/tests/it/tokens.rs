//! Tokens, a customer's sources, and charges made with them: the older API.

use serde_json::{Value, json};

use crate::samples::lacks;
use crate::world::{World, id};

const BANK: [(&str, &str); 4] = [
    ("bank_account[country]", "US"),
    ("bank_account[currency]", "usd"),
    ("bank_account[routing_number]", "110000000"),
    ("bank_account[account_number]", "000123456789"),
];
const CARD: [(&str, &str); 4] = [
    ("card[number]", "4242424242424242"),
    ("card[exp_month]", "12"),
    ("card[exp_year]", "2034"),
    ("card[cvc]", "123"),
];

#[test]
fn each_kind_of_token_reads_back_unused() {
    let world = World::platform();
    let bank = world.post("/v1/tokens", &BANK);
    assert!(id(&bank).starts_with("btok_"));
    assert_eq!(bank["bank_account"]["status"], "new");
    assert_eq!(bank["bank_account"]["last4"], "6789");
    let pii = world.post("/v1/tokens", &[("pii[id_number]", "000000000")]);
    assert!(id(&pii).starts_with("pii_"));
    let cvc = world.post("/v1/tokens", &[("cvc_update[cvc]", "123")]);
    assert_eq!(cvc["type"], "cvc_update");
    let browser = world.key("pk_test_psapay_demo");
    let card = browser.post("/v1/tokens", &CARD);
    assert!(lacks("token", &card).is_empty());
    for token in [&bank, &pii, &cvc, &card] {
        let read = world.get(&format!("/v1/tokens/{}", id(token)));
        assert_eq!(read["used"], false);
        assert_eq!(read["type"], token["type"]);
    }
    assert_eq!(world.get("/v1/tokens/tok_visa")["card"]["brand"], "Visa");
}

#[test]
fn what_is_no_token_of_one_kind_is_refused() {
    let world = World::platform();
    let none = world.refused(400, "/v1/tokens", &[]);
    assert_eq!(none["code"], "parameter_missing");
    assert_eq!(none.get("param"), None);
    let two = [("pii[id_number]", "000000000"), ("cvc_update[cvc]", "123")];
    let two = world.refused(400, "/v1/tokens", &two);
    assert_eq!((two.get("code"), two.get("param")), (None, None));
    let raw = world.refused(402, "/v1/tokens", &CARD);
    assert_eq!(raw["type"], "invalid_request_error");
    assert_eq!((raw.get("code"), raw.get("param")), (None, None));
    let (status, missing) = world.ask("GET", "/v1/tokens/btok_1A", &[]);
    assert_eq!(status, 400);
    assert_eq!(missing["error"]["code"], "resource_missing");
    assert_eq!(missing["error"]["param"], "token");
}

#[test]
fn a_typed_card_is_used_once() {
    let world = World::platform();
    let browser = world.key("pk_test_psapay_demo");
    let token = browser.post("/v1/tokens", &CARD);
    let form = [("type", "card"), ("card[token]", id(&token))];
    let method = world.post("/v1/payment_methods", &form);
    assert_eq!(method["card"]["last4"], "4242");
    let again = world.refused(400, "/v1/payment_methods", &form);
    assert_eq!(again["code"], "token_already_used");
    assert_eq!(world.get(&format!("/v1/tokens/{}", id(&token)))["used"], true);
}

#[test]
fn a_code_typed_again_pays_once() {
    let world = World::platform();
    let customer = world.post("/v1/customers", &[("payment_method", "pm_card_visa")]);
    let cards = world.get(&format!("/v1/payment_methods?customer={}", id(&customer)));
    let cvc = world.post("/v1/tokens", &[("cvc_update[cvc]", "123")]);
    let form = [
        ("amount", "2000"),
        ("currency", "usd"),
        ("customer", id(&customer)),
        ("payment_method", id(&cards["data"][0])),
        ("allowed_payment_method_types[]", "card"),
        ("payment_method_options[card][cvc_token]", id(&cvc)),
        ("confirm", "true"),
    ];
    assert_eq!(world.post("/v1/payment_intents", &form)["status"], "succeeded");
    assert_eq!(world.get(&format!("/v1/tokens/{}", id(&cvc)))["used"], true);
    let again = world.refused(400, "/v1/payment_intents", &form);
    assert_eq!(again["code"], "token_already_used");
    assert_eq!(again["payment_intent"]["status"], "requires_payment_method");
}

#[test]
fn features_that_no_account_has_are_refused_and_leave_the_intent_open() {
    let world = World::platform();
    let form = [
        ("amount", "2000"),
        ("currency", "usd"),
        ("payment_method", "pm_card_visa"),
        ("allowed_payment_method_types[]", "card"),
        (
            "payment_method_options[card][request_incremental_authorization]",
            "if_available",
        ),
        ("capture_method", "manual"),
        ("confirm", "true"),
    ];
    let error = world.refused(400, "/v1/payment_intents", &form);
    assert_eq!(error["code"], "payment_intent_invalid_parameter");
    assert_eq!(error.get("param"), None);
    assert_eq!(error["payment_intent"]["status"], "requires_payment_method");
}

#[test]
fn a_customer_has_sources() {
    let world = World::platform();
    let customer = world.post("/v1/customers", &[]);
    let path = format!("/v1/customers/{}", id(&customer));
    let sources = format!("{path}/sources");
    let card = world.post(&sources, &[("source", "tok_visa")]);
    assert!(lacks("card", &card).is_empty());
    assert_eq!(card["customer"], customer["id"]);
    let bank = world.post("/v1/tokens", &BANK);
    let bank = world.post(&sources, &[("source", id(&bank))]);
    assert!(lacks("bank_account", &bank).is_empty());
    let all = world.get(&sources);
    assert_eq!(all["data"].as_array().unwrap().len(), 2);
    assert_eq!(world.get(&path)["default_source"], card["id"]);
    let one = format!("{sources}/{}", id(&card));
    let changed = world.post(&one, &[("name", "Jane"), ("exp_year", "2040")]);
    assert_eq!(
        (&changed["name"], &changed["exp_year"]),
        (&json!("Jane"), &json!(2040))
    );
    let verify = format!("{sources}/{}/verify", id(&bank));
    let wrong = [("amounts[]", "1"), ("amounts[]", "2")];
    world.refused(402, &verify, &wrong);
    let right = [("amounts[]", "32"), ("amounts[]", "45")];
    assert_eq!(world.post(&verify, &right)["status"], "verified");
    let expanded = world.get(&format!("{path}?expand[]=default_source&expand[]=sources"));
    assert_eq!(expanded["default_source"]["object"], "card");
    assert_eq!(expanded["sources"]["total_count"], 2);
    let (status, gone) = world.ask("DELETE", &one, &[]);
    assert_eq!((status, &gone["deleted"]), (200, &json!(true)));
    assert_eq!(world.get(&path)["default_source"], bank["id"]);
    let types = world.event_types();
    for kind in [
        "customer.source.created",
        "customer.source.updated",
        "customer.source.deleted",
        "customer.updated",
    ] {
        assert!(types.iter().any(|one| one == kind), "{kind}");
    }
}

#[test]
fn a_customers_source_is_charged() {
    let world = World::platform();
    let form = [("amount", "1500"), ("currency", "usd")];
    let paid = world.post(
        "/v1/charges",
        &[form[0], form[1], ("source", "tok_visa"), ("description", "A")],
    );
    assert_eq!(paid["status"], "succeeded");
    assert_eq!(paid["payment_intent"], Value::Null);
    assert_eq!(paid["source"]["object"], "card");
    assert!(paid["balance_transaction"].is_string());
    let customer = world.post("/v1/customers", &[("source", "tok_mastercard")]);
    assert!(customer["default_source"].as_str().unwrap().starts_with("card_"));
    let paid = world.post("/v1/charges", &[form[0], form[1], ("customer", id(&customer))]);
    assert_eq!(paid["source"]["brand"], "MasterCard");
    let nothing = world.refused(400, "/v1/charges", &form);
    assert_eq!(nothing["code"], "parameter_missing");
    let bare = world.post("/v1/customers", &[]);
    let bare = [form[0], form[1], ("customer", id(&bare))];
    let error = world.refused(402, "/v1/charges", &bare);
    assert_eq!(
        (&error["type"], &error["code"]),
        (&json!("card_error"), &json!("missing"))
    );
    let declined = [form[0], form[1], ("source", "tok_chargeDeclined")];
    let error = world.refused(402, "/v1/charges", &declined);
    assert_eq!(error["code"], "card_declined");
    let charge = world.get(&format!("/v1/charges/{}", error["charge"].as_str().unwrap()));
    assert_eq!(charge["status"], "failed");
}

#[test]
fn a_charge_is_captured_once() {
    let world = World::platform();
    let held = world.post(
        "/v1/charges",
        &[
            ("amount", "1500"),
            ("currency", "usd"),
            ("source", "tok_visa"),
            ("capture", "false"),
        ],
    );
    assert_eq!(held["captured"], false);
    let path = format!("/v1/charges/{}/capture", id(&held));
    let more = world.refused(400, &path, &[("amount", "1501")]);
    assert_eq!(more["param"], "amount");
    let taken = world.post(&path, &[("amount", "1000")]);
    assert_eq!(
        (&taken["captured"], &taken["amount_captured"]),
        (&json!(true), &json!(1000))
    );
    assert_eq!(taken["amount_refunded"], 500);
    let again = world.refused(400, &path, &[]);
    assert_eq!(again["code"], "charge_already_captured");
}
