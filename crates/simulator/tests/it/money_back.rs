//! Refunds, fee refunds, transfers and their reversals: what goes back or on, what is refused, and that every
//! movement is booked.

use crate::samples::lacks;
use crate::world::{World, id};
use serde_json::{Value, json};

fn paid_with(world: &World, method: &str, more: &[(&str, &str)]) -> Value {
    let mut form = vec![
        ("amount", "12345"),
        ("currency", "usd"),
        ("payment_method", method),
        ("allowed_payment_method_types[]", "card"),
        ("confirm", "true"),
    ];
    form.extend(more);
    let paid = world.post("/v1/payment_intents", &form);
    world.simulator.advance_ms(2_000);
    paid
}

fn paid(world: &World) -> Value {
    paid_with(world, "pm_card_visa", &[])
}

fn charge(world: &World, intent: &Value) -> Value {
    world.get(&format!(
        "/v1/charges/{}",
        intent["latest_charge"].as_str().unwrap()
    ))
}

fn transaction(world: &World, id: &Value) -> Value {
    world.get(&format!("/v1/balance_transactions/{}", id.as_str().unwrap()))
}

fn net(world: &World) -> i64 {
    let all = world.get("/v1/balance_transactions?limit=100");
    let nets = all["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["net"].as_i64().unwrap());
    nets.sum()
}

#[test]
fn refunds_take_back_in_parts_until_nothing_is_left() {
    let world = World::platform();
    let intent = paid(&world);
    let part = world.post(
        "/v1/refunds",
        &[("payment_intent", id(&intent)), ("amount", "345")],
    );
    assert_eq!(lacks("refund", &part), Vec::<String>::new());
    assert_eq!(
        (&part["status"], &part["charge"]),
        (&json!("succeeded"), &intent["latest_charge"])
    );
    assert_eq!(part["payment_method"], intent["payment_method"]);
    let card = &part["destination_details"]["card"];
    assert_eq!(
        (&card["reference_status"], card.get("reference")),
        (&json!("pending"), None)
    );
    let booked = transaction(&world, &part["balance_transaction"]);
    assert_eq!(
        (&booked["type"], &booked["amount"], &booked["fee"]),
        (&json!("refund"), &json!(-345), &json!(0))
    );
    let error = world.refused(
        400,
        "/v1/refunds",
        &[("payment_intent", id(&intent)), ("amount", "12001")],
    );
    assert_eq!(
        (&error["param"], &error["code"]),
        (&json!("amount"), &Value::Null)
    );
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("greater than unrefunded amount")
    );
    let rest = world.post(
        "/v1/refunds",
        &[("charge", intent["latest_charge"].as_str().unwrap())],
    );
    assert_eq!(rest["amount"], 12000);
    let charge = charge(&world, &intent);
    assert_eq!(
        (&charge["amount_refunded"], &charge["refunded"]),
        (&json!(12345), &json!(true))
    );
    assert_eq!(charge["refunds"]["total_count"], 2);
    let error = world.refused(400, "/v1/refunds", &[("payment_intent", id(&intent))]);
    assert_eq!(
        (&error["code"], &error["param"]),
        (&json!("charge_already_refunded"), &Value::Null)
    );
    let kinds = world.event_types();
    assert_eq!(
        kinds[kinds.len() - 4..],
        [
            "refund.created",
            "charge.refunded",
            "refund.created",
            "charge.refunded"
        ]
    );
}

#[test]
fn what_cannot_be_refunded_is_refused() {
    let world = World::platform();
    let held = paid_with(&world, "pm_card_visa", &[("capture_method", "manual")]);
    let error = world.refused(400, "/v1/refunds", &[("payment_intent", id(&held))]);
    assert_eq!((&error["code"], &error["param"]), (&Value::Null, &Value::Null));
    let open = world.post("/v1/payment_intents", &[("amount", "500"), ("currency", "usd")]);
    world.refused(400, "/v1/refunds", &[("payment_intent", id(&open))]);
    assert_eq!(
        world.refused(400, "/v1/refunds", &[])["code"],
        "parameter_missing"
    );
    let error = world.refused(404, "/v1/refunds", &[("charge", "ch_nowhere")]);
    assert_eq!(
        (&error["code"], &error["param"]),
        (&json!("resource_missing"), &json!("charge"))
    );
    let intent = paid(&world);
    for amount in ["0", "-1"] {
        let error = world.refused(
            400,
            "/v1/refunds",
            &[("payment_intent", id(&intent)), ("amount", amount)],
        );
        assert_eq!(error["param"], "amount");
    }
    let form = [("payment_intent", id(&intent)), ("reverse_transfer", "true")];
    assert_eq!(
        world.refused(400, "/v1/refunds", &form)["param"],
        "reverse_transfer"
    );
    assert_eq!(charge(&world, &intent)["amount_refunded"], 0);
    let refund = world.post("/v1/refunds", &[("payment_intent", id(&intent))]);
    let error = world.refused(400, &format!("/v1/refunds/{}/cancel", id(&refund)), &[]);
    assert_eq!(error["code"], Value::Null);
}

#[test]
fn a_slow_refund_succeeds_and_a_failing_one_gives_the_money_back() {
    let world = World::platform();
    let slow = paid_with(&world, "pm_card_pendingRefund", &[]);
    let refund = world.post("/v1/refunds", &[("payment_intent", id(&slow))]);
    assert_eq!(
        (&refund["status"], &refund["pending_reason"]),
        (&json!("pending"), &json!("processing"))
    );
    world.simulator.advance_ms(10_000);
    let path = format!("/v1/refunds/{}", id(&refund));
    assert_eq!(world.get(&path)["status"], "succeeded");
    assert_eq!(world.event_types().last().unwrap(), "charge.refund.updated");

    let failing = paid_with(&world, "pm_card_refundFail", &[]);
    let before = net(&world);
    let refund = world.post("/v1/refunds", &[("payment_intent", id(&failing))]);
    assert_eq!(refund["status"], "succeeded");
    world.simulator.advance_ms(10_000);
    let refund = world.get(&format!("/v1/refunds/{}", id(&refund)));
    assert_eq!(refund["status"], "failed");
    assert_eq!(
        refund["destination_details"]["card"]["reference_status"],
        "available"
    );
    let booked = transaction(&world, &refund["failure_balance_transaction"]);
    assert_eq!(
        (&booked["type"], &booked["amount"]),
        (&json!("refund_failure"), &json!(12345))
    );
    assert_eq!(net(&world), before);
    let charge = charge(&world, &failing);
    assert_eq!(
        (&charge["amount_refunded"], &charge["refunded"]),
        (&json!(0), &json!(false))
    );
    assert!(world.event_types().contains(&"refund.failed".to_owned()));
}

#[test]
fn metadata_of_a_refund_is_told_under_both_names() {
    let world = World::platform();
    let intent = paid(&world);
    let refund = world.post("/v1/refunds", &[("payment_intent", id(&intent))]);
    let path = format!("/v1/refunds/{}", id(&refund));
    assert_eq!(
        world.post(&path, &[("metadata[foo]", "bar")])["metadata"]["foo"],
        "bar"
    );
    let kinds = world.event_types();
    assert_eq!(
        kinds[kinds.len() - 2..],
        ["refund.updated", "charge.refund.updated"]
    );
    assert_eq!(
        charge(&world, &intent)["refunds"]["data"][0]["metadata"]["foo"],
        "bar"
    );
    let listed = world.get(&format!("/v1/refunds?payment_intent={}", id(&intent)));
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
}

#[test]
fn a_refund_with_the_fee_gives_the_same_part_of_it_back() {
    let tenant = World::tenant();
    let platform = tenant.on_platform();
    let intent = paid_with(&tenant, "pm_card_visa", &[("application_fee_amount", "370")]);
    let kept = (net(&tenant), net(&platform));
    let form = [
        ("payment_intent", id(&intent)),
        ("amount", "4115"),
        ("refund_application_fee", "true"),
    ];
    let refund = tenant.post("/v1/refunds", &form);
    let booked = transaction(&tenant, &refund["balance_transaction"]);
    assert_eq!(
        (&booked["amount"], &booked["fee"], &booked["net"]),
        (&json!(-4115), &json!(-123), &json!(-3992))
    );
    assert_eq!((net(&tenant), net(&platform)), (kept.0 - 3992, kept.1 - 123));
    tenant.post(
        "/v1/refunds",
        &[
            ("payment_intent", id(&intent)),
            ("refund_application_fee", "true"),
        ],
    );
    let fee = platform.get("/v1/application_fees")["data"][0].clone();
    assert_eq!(lacks("application_fee", &fee), Vec::<String>::new());
    assert_eq!(
        (&fee["amount_refunded"], &fee["refunded"]),
        (&json!(370), &json!(true))
    );
    assert_eq!(fee["refunds"]["total_count"], 2);
    assert_eq!(
        lacks("fee_refund", &fee["refunds"]["data"][0]),
        Vec::<String>::new()
    );
    assert_eq!(net(&platform), 0);
    let kinds = platform.event_types();
    assert_eq!(
        kinds
            .iter()
            .filter(|kind| *kind == "application_fee.refunded")
            .count(),
        2
    );
}

#[test]
fn without_being_asked_the_fee_is_kept_and_may_be_given_back_later() {
    let tenant = World::tenant();
    let platform = tenant.on_platform();
    let intent = paid_with(&tenant, "pm_card_visa", &[("application_fee_amount", "370")]);
    tenant.post("/v1/refunds", &[("payment_intent", id(&intent))]);
    let fee = platform.get("/v1/application_fees")["data"][0].clone();
    assert_eq!(fee["amount_refunded"], 0);
    let path = format!("/v1/application_fees/{}/refunds", id(&fee));
    let before = net(&tenant) + net(&platform);
    let part = platform.post(&path, &[("amount", "70"), ("metadata[why]", "kind")]);
    assert_eq!(
        (&part["amount"], &part["metadata"]["why"]),
        (&json!(70), &json!("kind"))
    );
    assert_eq!(
        net(&tenant) + net(&platform),
        before,
        "what one gives the other gets"
    );
    let error = platform.refused(400, &path, &[("amount", "301")]);
    assert_eq!(error["param"], "amount");
    assert_eq!(platform.post(&path, &[])["amount"], 300);
    platform.refused(400, &path, &[]);
}

#[test]
fn a_destination_charge_moves_on_and_comes_back_in_proportion() {
    let tenant = World::tenant();
    let account = tenant.account.clone().unwrap();
    let platform = tenant.on_platform();
    let more = [
        ("transfer_data[destination]", account.as_str()),
        ("transfer_data[amount]", "8800"),
    ];
    let intent = paid_with(&platform, "pm_card_visa", &more);
    let paid = charge(&platform, &intent);
    let path = format!("/v1/transfers/{}", paid["transfer"].as_str().unwrap());
    let transfer = platform.get(&path);
    assert_eq!(lacks("transfer", &transfer), Vec::<String>::new());
    assert_eq!(
        (&transfer["amount"], &transfer["source_transaction"]),
        (&json!(8800), &paid["id"])
    );
    let payment = tenant.get(&format!(
        "/v1/charges/{}",
        transfer["destination_payment"].as_str().unwrap()
    ));
    assert_eq!(
        (&payment["amount"], &payment["source_transfer"]),
        (&json!(8800), &transfer["id"])
    );
    assert_eq!(
        transaction(&tenant, &payment["balance_transaction"])["type"],
        "payment"
    );

    let form = [
        ("charge", id(&paid)),
        ("amount", "5000"),
        ("reverse_transfer", "true"),
    ];
    let refund = platform.post("/v1/refunds", &form);
    let transfer = platform.get(&path);
    assert_eq!(transfer["amount_reversed"], 3564, "8800 of 12345, for 5000");
    let reversal = transfer["reversals"]["data"][0].clone();
    assert_eq!(lacks("transfer_reversal", &reversal), Vec::<String>::new());
    assert_eq!(
        (&reversal["id"], &reversal["source_refund"]),
        (&refund["transfer_reversal"], &refund["id"])
    );
    let back = tenant.get(&format!(
        "/v1/refunds/{}",
        reversal["destination_payment_refund"].as_str().unwrap()
    ));
    assert_eq!(back["source_transfer_reversal"], reversal["id"]);
    platform.post(
        "/v1/refunds",
        &[("charge", id(&paid)), ("reverse_transfer", "true")],
    );
    assert_eq!(platform.get(&path)["reversed"], true);
    assert_eq!(net(&tenant), 0);
}

#[test]
fn the_fee_of_a_destination_charge_is_taken_where_the_money_arrives() {
    let tenant = World::tenant();
    let account = tenant.account.clone().unwrap();
    let platform = tenant.on_platform();
    let more = [
        ("transfer_data[destination]", account.as_str()),
        ("application_fee_amount", "345"),
    ];
    let intent = paid_with(&platform, "pm_card_visa", &more);
    assert_eq!(net(&tenant), 12000);
    let paid = charge(&platform, &intent);
    let fee = platform.get("/v1/application_fees")["data"][0].clone();
    assert_eq!(
        (&fee["id"], &fee["account"]),
        (&paid["application_fee"], &json!(account))
    );
    assert_eq!(fee["originating_transaction"], paid["id"]);
    let form = [
        ("charge", id(&paid)),
        ("reverse_transfer", "true"),
        ("refund_application_fee", "true"),
    ];
    platform.post("/v1/refunds", &form);
    assert_eq!(net(&tenant), 0, "the account has neither lost nor won");
}

#[test]
fn a_transfer_needs_money_and_somebody_to_go_to() {
    let tenant = World::tenant();
    let account = tenant.account.clone().unwrap();
    let platform = tenant.on_platform();
    let wanted = |amount: &'static str, destination: &str| {
        [
            ("amount".to_owned(), amount.to_owned()),
            ("currency".into(), "usd".into()),
            ("destination".into(), destination.to_owned()),
        ]
    };
    let refused = |form: &[(String, String)]| {
        let form: Vec<(&str, &str)> = form.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        platform.refused(400, "/v1/transfers", &form)
    };
    assert_eq!(refused(&wanted("100", &account))["code"], "balance_insufficient");
    assert_eq!(refused(&wanted("100", "acct_nowhere"))["param"], "destination");
    paid_with(&platform, "pm_card_bypassPending", &[]);
    let form = [
        ("amount", "1000"),
        ("currency", "usd"),
        ("destination", account.as_str()),
    ];
    let transfer = platform.post("/v1/transfers", &form);
    let path = format!("/v1/transfers/{}", id(&transfer));
    let back = platform.post(&format!("{path}/reversals"), &[("amount", "73")]);
    assert_eq!(back["transfer"], transfer["id"]);
    assert_eq!(
        platform.refused(400, &format!("{path}/reversals"), &[("amount", "928")])["param"],
        "amount"
    );
    platform.post(&format!("{path}/reversals"), &[]);
    platform.refused(400, &format!("{path}/reversals"), &[]);
    assert_eq!(
        platform.post(&path, &[("metadata[foo]", "bar")])["metadata"]["foo"],
        "bar"
    );
    let kinds = platform.event_types();
    assert_eq!(kinds.last().unwrap(), "transfer.updated");
    assert_eq!(
        kinds.iter().filter(|kind| *kind == "transfer.reversed").count(),
        2
    );

    // The other way round: from an account's own balance to the platform, and to nobody else.
    paid_with(&tenant, "pm_card_bypassPending", &[]);
    let home = platform.get("/v1/account");
    let form = [("amount", "33"), ("currency", "usd"), ("destination", id(&home))];
    assert_eq!(tenant.post("/v1/transfers", &form)["destination"], home["id"]);
}

#[test]
fn a_charge_refunded_in_full_has_no_part_left_to_refund() {
    let world = World::platform();
    let intent = paid(&world);
    let charge = ("charge", intent["latest_charge"].as_str().unwrap());
    world.post("/v1/refunds", &[charge]);
    let error = world.refused(400, "/v1/refunds", &[charge, ("amount", "1")]);
    assert_eq!(error["code"], "charge_already_refunded");
}
