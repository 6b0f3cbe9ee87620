//! Connected accounts, and how apart they are.

use crate::world::{World, id};
use serde_json::{Value, json};

#[test]
fn objects_of_another_account_or_mode_are_not_there() {
    let tenant = World::tenant();
    let (_, paid) = tenant.pay("4242424242424242");
    let customer = tenant.post("/v1/customers", &[("email", "a@b.example")]);
    let paths = [
        format!("/v1/payment_intents/{}", id(&paid)),
        format!("/v1/charges/{}", paid["latest_charge"].as_str().unwrap()),
        format!("/v1/payment_methods/{}", paid["payment_method"].as_str().unwrap()),
        format!("/v1/customers/{}", id(&customer)),
        format!("/v1/events/{}", id(&tenant.get("/v1/events")["data"][0])),
    ];
    let other = tenant.on_platform().with_tenant(false);
    for path in &paths {
        assert_eq!(tenant.ask("GET", path, &[]).0, 200);
        for stranger in [&other, &tenant.on_platform(), &tenant.on_platform().live()] {
            let (status, body) = stranger.ask("GET", path, &[]);
            assert_eq!(
                (status, &body["error"]["code"]),
                (404, &json!("resource_missing")),
                "{path}"
            );
        }
    }
    for list in [
        "/v1/payment_intents",
        "/v1/charges",
        "/v1/customers",
        "/v1/events",
        "/v1/balance_transactions",
    ] {
        assert_eq!(other.get(list)["data"], json!([]), "{list}");
    }
}

#[test]
fn the_other_mode_is_named() {
    let platform = World::platform();
    let customer = platform.post("/v1/customers", &[]);
    let (_, body) = platform
        .live()
        .ask("GET", &format!("/v1/customers/{}", id(&customer)), &[]);
    let message = body["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("a similar object exists in test mode, but a live mode key"),
        "{message}"
    );
}

#[test]
fn an_account_is_of_one_mode_and_must_exist() {
    let tenant = World::tenant();
    for stranger in [tenant.live(), tenant.on("acct_madeup")] {
        let (status, body) = stranger.ask("GET", "/v1/balance", &[]);
        assert_eq!((status, &body["error"]["code"]), (403, &json!("account_invalid")));
    }
    let path = format!("/v1/accounts/{}", tenant.account.clone().unwrap());
    assert_eq!(tenant.on_platform().get(&path)["charges_enabled"], true);
    assert_eq!(tenant.on_platform().live().ask("GET", &path, &[]).0, 403);
    assert_eq!(
        tenant.get("/v1/account")["id"].as_str(),
        tenant.account.as_deref()
    );
    let own = tenant.on_platform().get("/v1/account");
    assert_eq!(
        (&own["controller"]["type"], &own["capabilities"]["card_payments"]),
        (&json!("account"), &json!("active"))
    );
    assert_eq!(
        tenant.on(id(&own)).get("/v1/account")["id"],
        own["id"],
        "the platform may name itself"
    );
}

#[test]
fn thin_events_are_fetched_with_stripe_context() {
    let tenant = World::tenant();
    let intent = tenant.intent();
    let mut request =
        tenant
            .on_platform()
            .request("GET", &format!("/v1/payment_intents/{}", id(&intent)), &[]);
    request
        .headers
        .push(("Stripe-Context".into(), tenant.account.clone().unwrap()));
    assert_eq!(tenant.simulator.call(&request).status, 200);
    request
        .headers
        .push(("Stripe-Account".into(), tenant.account.clone().unwrap()));
    assert_eq!(tenant.simulator.call(&request).status, 400, "never both");
}

#[test]
fn an_account_that_is_switched_off_takes_no_payment_and_says_so() {
    let tenant = World::tenant();
    let account = tenant.account.clone().unwrap();
    let path = format!("/_simulator/accounts/{account}");
    let intent = tenant.intent();
    let confirm = format!("/v1/payment_intents/{}/confirm", id(&intent));
    let off = tenant.control("POST", &path, &json!({ "charges_enabled": false }));
    assert_eq!(
        (&off["charges_enabled"], &off["requirements"]["disabled_reason"]),
        (&json!(false), &json!("requirements.past_due"))
    );
    tenant.refused(400, &confirm, &[("payment_method", "pm_card_visa")]);
    tenant.control(
        "POST",
        &path,
        &json!({ "charges_enabled": true, "card_payments": "inactive" }),
    );
    tenant.refused(400, &confirm, &[("payment_method", "pm_card_visa")]);
    tenant.control("POST", &path, &json!({ "card_payments": "active" }));
    assert_eq!(
        tenant.post(&confirm, &[("payment_method", "pm_card_visa")])["status"],
        "succeeded"
    );

    let events = tenant.get("/v1/events?type=account.updated");
    let changed = events["data"].as_array().unwrap();
    assert_eq!(changed.len(), 3);
    assert_eq!(changed[2]["account"].as_str(), Some(account.as_str()));
    let previous = &changed[2]["data"]["previous_attributes"];
    assert_eq!(previous["charges_enabled"], true);
    assert_eq!(previous["requirements"], json!({ "disabled_reason": null }));
    assert_eq!(
        changed[1]["data"]["previous_attributes"]["capabilities"],
        json!({ "card_payments": "active" })
    );
}

#[test]
fn a_new_account_waits_for_its_owner() {
    let platform = World::platform();
    let form = [
        ("controller[fees][payer]", "account"),
        ("controller[losses][payments]", "stripe"),
        ("controller[stripe_dashboard][type]", "full"),
        ("country", "DE"),
        ("email", "owner@example.com"),
        ("capabilities[card_payments][requested]", "true"),
        ("capabilities[transfers][requested]", "true"),
        ("business_profile[name]", "Acme IT"),
        ("metadata[tenant_id]", "ten_1"),
    ];
    let account = platform.post("/v1/accounts", &form);
    assert_eq!(
        (&account["type"], &account["default_currency"]),
        (&json!("standard"), &json!("eur"))
    );
    assert_eq!(
        (&account["charges_enabled"], &account["details_submitted"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(account["capabilities"]["card_payments"], "inactive");
    assert!(
        !account["requirements"]["currently_due"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    let path = format!("/v1/accounts/{}", id(&account));
    let changed = platform.post(
        &path,
        &[
            ("metadata[tenant_id]", "ten_2"),
            ("business_profile[url]", "https://a.example"),
        ],
    );
    assert_eq!(changed["metadata"], json!({ "tenant_id": "ten_2" }));
    let listed = platform.get("/v1/accounts");
    assert_eq!(listed["data"][0]["id"], account["id"]);
    let both = [("type", "express"), ("controller[fees][payer]", "account")];
    platform.refused(400, "/v1/accounts", &both);
    platform.refused(
        400,
        "/v1/accounts",
        &[("controller[stripe_dashboard][type]", "express")],
    );
    platform.refused(400, "/v1/accounts", &[("country", "Germany")]);
}

#[test]
fn a_custom_account_with_all_its_details_is_verified_a_moment_later() {
    let platform = World::platform();
    let form = [
        ("type", "custom"),
        ("country", "US"),
        ("business_type", "individual"),
        ("business_profile[mcc]", "5734"),
        ("business_profile[url]", "https://www.example.com"),
        ("individual[first_name]", "Jenny"),
        ("individual[last_name]", "Rosen"),
        ("individual[email]", "jenny@example.com"),
        ("individual[phone]", "0000000000"),
        ("individual[address][line1]", "address_full_match"),
        ("individual[address][city]", "San Francisco"),
        ("individual[address][state]", "CA"),
        ("individual[address][postal_code]", "94107"),
        ("individual[id_number]", "000000000"),
        ("individual[dob][day]", "1"),
        ("individual[dob][month]", "1"),
        ("individual[dob][year]", "1901"),
        ("tos_acceptance[date]", "1427846400"),
        ("tos_acceptance[ip]", "203.0.113.10"),
        ("capabilities[card_payments][requested]", "true"),
        ("external_account[object]", "bank_account"),
        ("external_account[country]", "US"),
        ("external_account[currency]", "usd"),
        ("external_account[routing_number]", "110000000"),
        ("external_account[account_number]", "000123456789"),
    ];
    let account = platform.post("/v1/accounts", &form);
    assert_eq!(
        account["requirements"]["disabled_reason"],
        "requirements.pending_verification"
    );
    assert_eq!(account["external_accounts"]["data"][0]["last4"], "6789");
    assert_eq!(account["individual"]["id_number_provided"], true);
    platform.simulator.advance_ms(3_000);
    let whole = platform.get(&format!("/v1/accounts/{}", id(&account)));
    assert_eq!(
        (&whole["charges_enabled"], &whole["payouts_enabled"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(whole["capabilities"]["card_payments"], "active");
    let event = &platform.on(id(&account)).get("/v1/events")["data"][0];
    assert_eq!(
        (&event["type"], &event["request"]["id"]),
        (&json!("account.updated"), &Value::Null)
    );
}

#[test]
fn a_payment_with_a_test_card_of_connect_blocks_the_account_that_takes_it() {
    let tenant = World::tenant();
    let own = format!("/v1/accounts/{}", tenant.account.clone().unwrap());
    assert_eq!(tenant.pay("4000000000004236").0, 200);
    let blocked = tenant.on_platform().get(&own);
    assert_eq!(
        (&blocked["charges_enabled"], &blocked["payouts_enabled"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(tenant.pay("4000000000004210").0, 200);
    assert_eq!(tenant.on_platform().get(&own)["charges_enabled"], false);
    assert_eq!(tenant.pay("4242424242424242").0, 400, "it takes no more");
    let events = tenant.event_types();
    assert!(events.contains(&"capability.updated".to_owned()), "{events:?}");
}
