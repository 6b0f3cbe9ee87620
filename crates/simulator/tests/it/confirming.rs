//! What each card does, 3D Secure, confirmation tokens, and both modes.

use crate::world::{World, card_form, id};
use serde_json::{Value, json};

fn confirm_path(intent: &Value) -> String {
    format!("/v1/payment_intents/{}/confirm", id(intent))
}

#[test]
fn every_card_that_pays_pays() {
    let cards = [
        ("4242424242424242", "visa", "pm_card_visa"),
        ("4000056655665556", "visa", "pm_card_visa_debit"),
        ("5555555555554444", "mastercard", "pm_card_mastercard"),
        ("5200828282828210", "mastercard", "pm_card_mastercard_debit"),
        ("378282246310005", "amex", "pm_card_amex"),
        ("6011111111111117", "discover", "pm_card_discover"),
        ("3056930009020004", "diners", "pm_card_diners"),
        ("3566002020360505", "jcb", "pm_card_jcb"),
        ("6200000000000005", "unionpay", "pm_card_unionpay"),
        ("4000000000000077", "visa", "pm_card_bypassPending"),
        ("4000000000000259", "visa", "pm_card_createDispute"),
        ("4000000000007726", "visa", "pm_card_pendingRefund"),
        ("4000000000005126", "visa", "pm_card_refundFail"),
        ("4000000000009235", "visa", "pm_card_riskLevelElevated"),
        ("4000000000000101", "visa", "pm_card_cvcCheckFail"),
        ("4000000000003055", "visa", "pm_card_threeDSecureOptional"),
    ];
    let tenant = World::tenant();
    for (number, brand, alias) in cards {
        let (status, paid) = tenant.pay(number);
        assert_eq!(
            (status, &paid["status"]),
            (200, &json!("succeeded")),
            "{number}: {paid}"
        );
        let charge = tenant.get(&format!(
            "/v1/charges/{}",
            paid["latest_charge"].as_str().unwrap()
        ));
        let card = &charge["payment_method_details"]["card"];
        assert_eq!(
            (&card["brand"], &card["last4"]),
            (&json!(brand), &json!(number[number.len() - 4..]))
        );
        let intent = tenant.intent();
        let by_alias = tenant.post(&confirm_path(&intent), &[("payment_method", alias)]);
        assert_eq!(by_alias["status"], "succeeded", "{alias}");
    }
}

#[test]
fn every_declining_card_declines_in_its_own_way() {
    let (declined, processing) = ("card_declined", "processing_error");
    let (later, never, confirm) = ("try_again_later", "do_not_try_again", "confirm_card_data");
    let (expired, cvc, velocity) = ("expired_card", "incorrect_cvc", "card_velocity_exceeded");
    #[rustfmt::skip]
    let cards = [
        ("4000000000000002", "chargeDeclined", declined, "generic_decline", later, None),
        ("4000000000009995", "chargeDeclinedInsufficientFunds", declined, "insufficient_funds", later, None),
        ("4000000000009987", "chargeDeclinedLostCard", declined, "lost_card", never, None),
        ("4000000000009979", "chargeDeclinedStolenCard", declined, "stolen_card", never, None),
        ("4000000000006975", "chargeDeclinedVelocityLimitExceeded", declined, velocity, later, None),
        ("4000000000000069", "chargeDeclinedExpiredCard", expired, expired, confirm, Some("exp_month")),
        ("4000000000000127", "chargeDeclinedIncorrectCvc", cvc, cvc, confirm, Some("cvc")),
        ("4000000000000119", "chargeDeclinedProcessingError", processing, processing, later, None),
        ("4100000000000019", "radarBlock", declined, "fraudulent", "", None),
        ("4000000000000341", "chargeCustomerFail", declined, "generic_decline", later, None),
        ("4000008400001280", "threeDSecureRequiredProcessingError", declined, "generic_decline", later, None),
    ];
    let tenant = World::tenant();
    for (number, alias, code, decline_code, advice, param) in cards {
        let intent = tenant.intent();
        let token = tenant.browser_token(number);
        let error = tenant.refused(402, &confirm_path(&intent), &[("confirmation_token", id(&token))]);
        let advice = if advice.is_empty() {
            Value::Null
        } else {
            json!(advice)
        };
        assert_eq!(error["type"], "card_error", "{number}");
        assert_eq!(
            (&error["code"], &error["decline_code"]),
            (&json!(code), &json!(decline_code)),
            "{number}"
        );
        assert_eq!(
            (&error["advice_code"], &error["param"]),
            (&advice, &json!(param)),
            "{number}"
        );
        let left = &error["payment_intent"];
        assert_eq!(left["status"], "requires_payment_method");
        assert_eq!(left["payment_method"], Value::Null);
        assert_eq!(left["latest_charge"], error["charge"]);
        assert_eq!(left["last_payment_error"]["decline_code"], decline_code);
        let charge = tenant.get(&format!("/v1/charges/{}", error["charge"].as_str().unwrap()));
        assert_eq!(
            (&charge["status"], &charge["paid"]),
            (&json!("failed"), &json!(false))
        );
        assert_eq!(charge["failure_code"], code);

        let by_alias = format!("pm_card_{alias}");
        let second = tenant.refused(402, &confirm_path(&intent), &[("payment_method", &by_alias)]);
        assert_ne!(
            second["charge"], error["charge"],
            "each attempt is a charge of its own"
        );
        let paid = tenant.post(&confirm_path(&intent), &[("payment_method", "pm_card_visa")]);
        assert_eq!(
            (&paid["status"], &paid["last_payment_error"]),
            (&json!("succeeded"), &Value::Null)
        );
        let charges = tenant.get(&format!("/v1/charges?payment_intent={}", id(&intent)));
        assert_eq!(charges["data"].as_array().unwrap().len(), 3);
    }
}

#[test]
fn what_is_typed_wrong_never_becomes_a_token() {
    let browser = World::tenant().key("pk_test_psapay_demo");
    let check = |name: &str, value: &str, code: &str, param: &str| {
        let field = format!("payment_method_data[card][{name}]");
        let mut form = card_form("4242424242424242").to_vec();
        form.iter_mut()
            .filter(|(key, _)| *key == field)
            .for_each(|(_, old)| *old = value);
        let error = browser.refused(402, "/v1/confirmation_tokens", &form);
        assert_eq!(
            (&error["type"], &error["code"]),
            (&json!("card_error"), &json!(code))
        );
        assert_eq!(error["param"], param);
    };
    check("number", "4242424242424241", "incorrect_number", "number");
    check("number", "42", "incorrect_number", "number");
    check("number", "4242 4242 4242 424x", "incorrect_number", "number");
    check("exp_month", "13", "invalid_expiry_month", "exp_month");
    check("exp_year", "2019", "invalid_expiry_year", "exp_year");
    check("exp_year", "3019", "invalid_expiry_year", "exp_year");
    check("cvc", "12", "invalid_cvc", "cvc");
    check("cvc", "12a", "invalid_cvc", "cvc");
}

#[test]
fn a_number_that_is_no_test_card_is_declined_in_test_mode() {
    let (status, body) = World::tenant().pay("4111111111111111");
    assert_eq!(
        (status, &body["error"]["decline_code"]),
        (402, &json!("test_mode_live_card"))
    );
    let (status, body) = World::tenant().pay("4000009900000004");
    assert_eq!(
        (status, &body["error"]["decline_code"]),
        (402, &json!("test_mode_live_card"))
    );
}

#[test]
fn in_live_mode_only_the_live_card_pays() {
    let tenant = World::live_tenant();
    for number in [
        "4242424242424242",
        "4000000000000002",
        "4000002500003155",
        "378282246310005",
    ] {
        let (status, body) = tenant.pay(number);
        assert_eq!(
            (status, &body["error"]["code"]),
            (402, &json!("card_declined")),
            "{number}"
        );
        assert_eq!(body["error"]["decline_code"], "live_mode_test_card", "{number}");
    }
    let (_, body) = tenant.pay("4111111111111111");
    assert_eq!(body["error"]["decline_code"], "generic_decline");
    let (status, paid) = tenant.pay("4000009900000004");
    assert_eq!(
        (status, &paid["status"], &paid["livemode"]),
        (200, &json!("succeeded"), &json!(true))
    );
    let charge = tenant.get(&format!(
        "/v1/charges/{}",
        paid["latest_charge"].as_str().unwrap()
    ));
    let card = &charge["payment_method_details"]["card"];
    assert_eq!((&card["brand"], &card["last4"]), (&json!("visa"), &json!("0004")));
    tenant.refused(
        400,
        "/v1/test_helpers/confirmation_tokens",
        &[("payment_method", "pm_card_visa")],
    );
}

fn challenged(tenant: &World, intent: &Value, outcome: &str) -> Value {
    let body = json!({ "outcome": outcome, "account": tenant.account, "livemode": false });
    tenant.control(
        "POST",
        &format!("/_simulator/payment_intents/{}/challenge", id(intent)),
        &body,
    )
}

#[test]
fn a_card_that_asks_waits_for_its_holder() {
    for number in [
        "4000002500003155",
        "4000002760003184",
        "4000003800000446",
        "4000000000003220",
    ] {
        let tenant = World::tenant();
        let (status, waiting) = tenant.pay(number);
        assert_eq!(
            (status, &waiting["status"]),
            (200, &json!("requires_action")),
            "{number}"
        );
        assert_eq!(
            waiting["next_action"]["type"], "use_stripe_sdk",
            "a token of Stripe.js"
        );
        assert_eq!(waiting["latest_charge"], Value::Null, "nothing was charged yet");
        let paid = challenged(&tenant, &waiting, "complete");
        assert_eq!(
            (&paid["status"], &paid["next_action"]),
            (&json!("succeeded"), &Value::Null)
        );
        let charge = tenant.get(&format!(
            "/v1/charges/{}",
            paid["latest_charge"].as_str().unwrap()
        ));
        let secured = &charge["payment_method_details"]["card"]["three_d_secure"];
        assert_eq!(secured["result"], "authenticated");
    }
}

#[test]
fn a_failed_authentication_leaves_the_intent_open() {
    let tenant = World::tenant();
    let (_, waiting) = tenant.pay("4000002500003155");
    let failed = challenged(&tenant, &waiting, "fail");
    assert_eq!(failed["status"], "requires_payment_method");
    assert_eq!(
        failed["last_payment_error"]["code"],
        "payment_intent_authentication_failure"
    );
    assert_eq!(failed["latest_charge"], Value::Null);
    let paid = tenant.post(&confirm_path(&waiting), &[("payment_method", "pm_card_visa")]);
    assert_eq!(paid["status"], "succeeded");
    let body = json!({ "outcome": "complete" });
    let path = format!("/_simulator/payment_intents/{}/challenge", id(&waiting));
    assert_eq!(
        tenant.control_status("POST", &path, &body).0,
        400,
        "it waits no longer"
    );
}

#[test]
fn after_authentication_the_bank_may_still_decline() {
    let cases = [
        ("4000008400001629", "generic_decline"),
        ("4000008260003178", "insufficient_funds"),
    ];
    for (number, decline_code) in cases {
        let tenant = World::tenant();
        let (_, waiting) = tenant.pay(number);
        let declined = challenged(&tenant, &waiting, "complete");
        assert_eq!(declined["status"], "requires_payment_method", "{number}");
        assert_eq!(declined["last_payment_error"]["decline_code"], decline_code);
        assert!(declined["latest_charge"].is_string());
    }
}

#[test]
fn without_its_holder_a_card_that_asks_is_declined() {
    let tenant = World::tenant();
    let intent = tenant.intent();
    let form = [
        ("payment_method", "pm_card_authenticationRequired"),
        ("off_session", "true"),
    ];
    let error = tenant.refused(402, &confirm_path(&intent), &form);
    let codes = (&error["code"], &error["decline_code"]);
    assert_eq!(
        codes,
        (
            &json!("authentication_required"),
            &json!("authentication_required")
        )
    );
    assert!(error["charge"].is_string());
    let form = [
        ("payment_method", "pm_card_authenticationRequired"),
        ("error_on_requires_action", "true"),
    ];
    let error = tenant.refused(402, &confirm_path(&intent), &form);
    let codes = (&error["code"], &error["decline_code"]);
    assert_eq!(
        codes,
        (
            &json!("authentication_required"),
            &json!("authentication_not_handled")
        )
    );
    assert_eq!(error["charge"], Value::Null);
    let set_up = [
        (
            "payment_method",
            "pm_card_authenticationRequiredSetupForOffSession",
        ),
        ("off_session", "true"),
    ];
    assert_eq!(
        tenant.post(&confirm_path(&intent), &set_up)["status"],
        "succeeded"
    );
}

#[test]
fn with_a_return_url_the_payer_is_redirected() {
    let tenant = World::tenant();
    let intent = tenant.intent();
    let form = [
        ("payment_method", "pm_card_threeDSecure2Required"),
        ("return_url", "https://pay.example/back?a=1"),
    ];
    let waiting = tenant.post(&confirm_path(&intent), &form);
    assert_eq!(waiting["next_action"]["type"], "redirect_to_url");
    let url = waiting["next_action"]["redirect_to_url"]["url"].as_str().unwrap();
    let path = url.strip_prefix("http://127.0.0.1:8420").unwrap();
    let mut german = tenant.request("GET", path, &[]);
    german
        .headers
        .push(("Accept-Language".into(), "it, de-CH;q=0.8, en;q=0.5".into()));
    let german = tenant.simulator.call(&german);
    assert!(String::from_utf8_lossy(&german.body).contains("<html lang=\"de\">"));
    let page = tenant.send("GET", path, &[]);
    assert_eq!(page.status, 200);
    assert!(String::from_utf8_lossy(&page.body).contains("Your bank wants to be sure"));
    let secret = waiting["client_secret"].as_str().unwrap();
    assert!(String::from_utf8_lossy(&page.body).contains(secret));
    let path = path.split('?').next().unwrap();
    let back = tenant.send(
        "POST",
        path,
        &[("client_secret", secret), ("outcome", "complete")],
    );
    assert_eq!(back.status, 303);
    let location = crate::world::header(&back, "Location").unwrap();
    assert!(
        location.starts_with("https://pay.example/back?a=1&payment_intent=pi_"),
        "{location}"
    );
    assert!(location.ends_with("&redirect_status=succeeded"), "{location}");
    let again = tenant.send(
        "POST",
        path,
        &[("client_secret", secret), ("outcome", "complete")],
    );
    assert_eq!(again.status, 400);
}

#[test]
fn asking_for_3d_secure_asks_those_who_have_it() {
    let tenant = World::tenant();
    let option = "payment_method_options[card][request_three_d_secure]";
    for (card, status) in [
        ("pm_card_threeDSecureOptional", "requires_action"),
        ("pm_card_visa", "succeeded"),
    ] {
        let intent = tenant.intent();
        let form = [("payment_method", card), (option, "any")];
        assert_eq!(
            tenant.post(&confirm_path(&intent), &form)["status"],
            status,
            "{card}"
        );
    }
}

#[test]
fn a_token_is_used_once_within_twelve_hours_on_its_own_account() {
    let tenant = World::tenant();
    let token = tenant.browser_token("4242424242424242");
    let form = [("confirmation_token", id(&token))];
    let (first, second) = (tenant.intent(), tenant.intent());
    let paid = tenant.post(&confirm_path(&first), &form);
    assert_eq!(paid["status"], "succeeded");
    let spent = tenant.get(&format!("/v1/confirmation_tokens/{}", id(&token)));
    assert_eq!(spent["payment_intent"], first["id"]);
    let error = tenant.refused(400, &confirm_path(&second), &form);
    assert_eq!(error["code"], "payment_intent_confirmation_token_invalid");

    let late = tenant.browser_token("4242424242424242");
    tenant.simulator.advance_ms(12 * 3_600_000);
    let error = tenant.refused(400, &confirm_path(&second), &[("confirmation_token", id(&late))]);
    assert_eq!(error["code"], "payment_intent_confirmation_token_invalid");

    let foreign = tenant
        .on_platform()
        .with_tenant(false)
        .browser_token("4242424242424242");
    for stranger in [id(&foreign), "ctoken_madeup"] {
        let error = tenant.refused(404, &confirm_path(&second), &[("confirmation_token", stranger)]);
        assert_eq!(error["code"], "resource_missing", "{stranger}");
    }
    assert_eq!(
        tenant.get(&format!("/v1/payment_intents/{}", id(&second)))["status"],
        "requires_payment_method"
    );
    let declined = tenant.browser_token("4000000000000002");
    tenant.refused(
        402,
        &confirm_path(&second),
        &[("confirmation_token", id(&declined))],
    );
    let error = tenant.refused(
        400,
        &confirm_path(&second),
        &[("confirmation_token", id(&declined))],
    );
    assert_eq!(
        error["code"], "payment_intent_confirmation_token_invalid",
        "a decline uses it up, too"
    );
}

#[test]
fn raw_numbers_are_for_the_browser_only() {
    let tenant = World::tenant();
    let form = [
        ("type", "card"),
        ("card[number]", "4242424242424242"),
        ("card[exp_month]", "1"),
        ("card[exp_year]", "34"),
    ];
    let error = tenant.refused(402, "/v1/payment_methods", &form);
    assert_eq!(error["type"], "invalid_request_error");
    assert!(error["message"].as_str().unwrap().contains("generally unsafe"));
    let by_browser = tenant
        .key("pk_test_psapay_demo")
        .post("/v1/payment_methods", &form);
    assert_eq!(by_browser["card"]["last4"], "4242");
    assert_eq!(
        tenant
            .send("POST", "/v1/confirmation_tokens", &card_form("4242424242424242"))
            .status,
        404
    );
}

#[test]
fn a_card_given_by_telephone_is_not_asked_for_more() {
    let world = World::platform();
    let form = |card: &'static str| {
        [
            ("amount", "2000"),
            ("currency", "gbp"),
            ("payment_method", card),
            ("allowed_payment_method_types[]", "card"),
            ("payment_method_options[card][moto]", "true"),
            ("confirm", "true"),
        ]
    };
    let paid = world.post(
        "/v1/payment_intents",
        &form("pm_card_authenticationRequiredOnSetup"),
    );
    assert_eq!(paid["status"], "succeeded");
    let refused = form("pm_card_authenticationRequired");
    let error = world.refused(402, "/v1/payment_intents", &refused);
    assert_eq!(error["code"], "authentication_required");
}
