//! Who is only paid by the platform: whole at once, and what comes later.

use crate::world::{World, id};
use serde_json::{Value, json};

fn texts(list: &Value) -> Vec<&str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|one| one.as_str().unwrap())
        .collect()
}

/// Recorded from Stripe's test API: who only gets money from the platform waits for nothing.
#[test]
fn a_recipient_is_whole_at_once_and_owes_a_document_later() {
    let platform = World::platform();
    let form = [
        ("type", "custom"),
        ("country", "PH"),
        ("business_type", "individual"),
        ("capabilities[transfers][requested]", "true"),
        ("tos_acceptance[service_agreement]", "recipient"),
        ("tos_acceptance[date]", "1427846400"),
        ("tos_acceptance[ip]", "203.0.113.10"),
        ("individual[first_name]", "Chuck"),
        ("individual[last_name]", "Bartowski"),
        ("individual[phone]", "0000000000"),
        ("individual[dob][day]", "1"),
        ("individual[dob][month]", "1"),
        ("individual[dob][year]", "1901"),
        ("external_account[object]", "bank_account"),
        ("external_account[country]", "PH"),
        ("external_account[currency]", "php"),
        ("external_account[account_number]", "01567890123456789"),
        ("external_account[routing_number]", "BCDEPHM1123"),
    ];
    let account = platform.post("/v1/accounts", &form);
    assert_eq!(account["capabilities"], json!({ "transfers": "active" }));
    assert_eq!(account["payouts_enabled"], true);
    let requirements = &account["requirements"];
    assert_eq!(
        texts(&requirements["eventually_due"]),
        ["individual.verification.document"]
    );
    assert_eq!(requirements["currently_due"], json!([]));
    let person = &account["individual"];
    assert_eq!(person["requirements"]["currently_due"], json!([]));
    assert_eq!(
        person["requirements"]["eventually_due"],
        json!(["verification.document"])
    );
    assert_eq!(
        (&person["verification"]["status"], &person["phone"]),
        (&json!("unverified"), &json!("+10000000000"))
    );

    let path = format!("/v1/accounts/{}", id(&account));
    let asked = platform.post(&path, &[("capabilities[card_payments][requested]", "true")]);
    assert_eq!(
        asked["capabilities"]["card_payments"], "inactive",
        "who takes payments has more to say"
    );
    let document = (
        "individual[verification][document][front]",
        "file_identity_document_success",
    );
    let account = platform.post("/v1/accounts", &[&form[..], &[document]].concat());
    assert_eq!(account["requirements"]["eventually_due"], json!([]));
}
