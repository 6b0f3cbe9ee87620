//! What an account says, what is missing of it, and what follows: persons, banks, capabilities, verification.

use crate::samples;
use crate::world::{World, id};
use serde_json::{Value, json};

const OWNER: [(&str, &str); 26] = [
    ("type", "custom"),
    ("country", "US"),
    ("business_type", "individual"),
    ("business_profile[name]", "Chuck Bartowski"),
    ("business_profile[url]", "https://chuck.example.com/"),
    ("business_profile[mcc]", "5734"),
    ("individual[first_name]", "Chuck"),
    ("individual[last_name]", "Bartowski"),
    ("individual[email]", "chuck@example.com"),
    ("individual[phone]", "0000000000"),
    ("individual[dob][day]", "1"),
    ("individual[dob][month]", "1"),
    ("individual[dob][year]", "1901"),
    ("individual[address][line1]", "address_full_match"),
    ("individual[address][city]", "San Francisco"),
    ("individual[address][state]", "California"),
    ("individual[address][postal_code]", "94107"),
    ("individual[address][country]", "US"),
    ("individual[id_number]", "000000000"),
    ("tos_acceptance[date]", "1427846400"),
    ("tos_acceptance[ip]", "54.234.242.13"),
    ("bank_account[country]", "US"),
    ("bank_account[currency]", "usd"),
    ("bank_account[account_number]", "000123456789"),
    ("bank_account[routing_number]", "110000000"),
    ("requested_capabilities[0]", "transfers"),
];

fn without<'a>(left_out: &[&str], more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = OWNER.iter().filter(|(name, _)| !left_out.contains(name)).copied();
    kept.chain(more.iter().copied()).collect()
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|text| text.as_str().unwrap())
        .collect()
}

/// Recorded from Stripe's test API: who only lacks what merchants must say can be transferred to.
#[test]
fn without_a_category_transfers_are_active_and_cards_are_not() {
    let platform = World::platform();
    let more = [("requested_capabilities[1]", "card_payments")];
    let account = platform.post("/v1/accounts", &without(&["business_profile[mcc]"], &more));
    assert_eq!(
        account["capabilities"],
        json!({ "card_payments": "inactive", "transfers": "active" })
    );
    let requirements = &account["requirements"];
    assert_eq!(requirements["currently_due"], json!(["business_profile.mcc"]));
    assert_eq!(requirements["past_due"], json!(["business_profile.mcc"]));
    assert_eq!(requirements["disabled_reason"], "requirements.past_due");
    let looked_at = [
        "individual.address.city",
        "individual.address.line1",
        "individual.address.postal_code",
        "individual.address.state",
        "individual.id_number",
        "individual.verification.document",
    ];
    assert_eq!(texts(&requirements["pending_verification"]), looked_at);
    assert_eq!(
        (
            &account["details_submitted"],
            &account["charges_enabled"],
            &account["payouts_enabled"]
        ),
        (&json!(true), &json!(false), &json!(false))
    );
    assert_eq!(account["controller"]["fees"]["payer"], "application_custom");
    assert_eq!(account["individual"]["phone"], "+10000000000");
    assert_eq!(account["individual"]["verification"]["status"], "pending");
    assert_eq!(account["individual"]["additional_tos_acceptances"], Value::Null);
    assert_eq!(account["company"]["address"]["city"], "San Francisco");
    assert_eq!(account["company"]["owners_provided"], true);
    assert_eq!(
        account["settings"]["payments"]["statement_descriptor"],
        "CHUCK BARTOWSKI"
    );
    assert_eq!(
        account["settings"]["card_payments"]["statement_descriptor_prefix"],
        "CHUCK BART"
    );
    assert_eq!(samples::lacks("account", &account), Vec::<String>::new());

    let path = format!("/v1/accounts/{}", id(&account));
    let persons = platform.get(&format!(
        "{path}/persons?limit=1&relationship[representative]=true"
    ));
    assert_eq!(persons["data"][0]["first_name"], "Chuck");
    assert_eq!(
        samples::lacks("person", &persons["data"][0]),
        Vec::<String>::new()
    );
    platform.post(&path, &[("business_profile[mcc]", "5734")]);
    platform.simulator.advance_ms(3_000);
    let whole = platform.get(&path);
    assert_eq!(
        whole["capabilities"],
        json!({ "card_payments": "active", "transfers": "active" })
    );
    assert_eq!(whole["individual"]["verification"]["status"], "verified");
}

/// Recorded from Stripe's test API.
#[test]
fn a_company_is_asked_for_itself_its_representative_and_its_owners() {
    let platform = World::platform();
    let form = [
        ("type", "custom"),
        ("country", "US"),
        ("business_type", "company"),
        ("capabilities[transfers][requested]", "true"),
        ("capabilities[card_payments][requested]", "true"),
    ];
    let account = platform.post("/v1/accounts", &form);
    let due = texts(&account["requirements"]["currently_due"]);
    assert_eq!(due.len(), 30);
    for name in [
        "company.tax_id",
        "owners.email",
        "representative.ssn_last_4",
        "tos_acceptance.ip",
    ] {
        assert!(due.contains(&name), "{name}: {due:?}");
    }
    assert_eq!(
        account["requirements"]["eventually_due"]
            .as_array()
            .unwrap()
            .len(),
        38
    );
    let alternative = &account["requirements"]["alternatives"][0];
    assert_eq!(
        alternative["original_fields_due"],
        json!(["business_profile.url"])
    );
    assert_eq!(account["settings"]["payouts"]["debit_negative_balances"], false);

    a_representative_is_one_of_them(&platform, &account);
}

fn a_representative_is_one_of_them(platform: &World, account: &Value) {
    let path = format!("/v1/accounts/{}/persons", id(account));
    let form = [
        ("first_name", "Rep"),
        ("last_name", "Resentative"),
        ("relationship[representative]", "true"),
        ("relationship[title]", "CEO"),
    ];
    let person = platform.post(&path, &form);
    let due = [
        "address.city",
        "address.line1",
        "address.postal_code",
        "address.state",
        "dob.day",
        "dob.month",
        "dob.year",
        "email",
        "phone",
        "ssn_last_4",
    ];
    assert_eq!(texts(&person["requirements"]["currently_due"]), due);
    assert_eq!(person["relationship"]["percent_ownership"], Value::Null);
    assert_eq!(person["verification"]["status"], "unverified");
    let path = format!("{path}/{}", id(&person));
    let share = [
        ("relationship[owner]", "true"),
        ("relationship[percent_ownership]", "100"),
    ];
    assert_eq!(
        platform.post(&path, &share)["relationship"]["percent_ownership"],
        json!(100.0)
    );
    let kept = platform.post(&path, &[("relationship[owner]", "false")]);
    assert_eq!(
        kept["relationship"]["percent_ownership"],
        json!(100.0),
        "a share outlives the role"
    );
    platform.refused(400, &path, &[("relationship[percent_ownership]", "101")]);
    assert_eq!(
        platform.ask("DELETE", &path, &[]).0,
        400,
        "the representative stays"
    );
    let events = platform.on(id(account)).event_types();
    assert!(events.contains(&"person.created".to_owned()), "{events:?}");
    assert!(events.contains(&"person.updated".to_owned()), "{events:?}");
}

#[test]
fn persons_come_and_go() {
    let platform = World::platform();
    let account = platform.post(
        "/v1/accounts",
        &[("type", "custom"), ("business_type", "company")],
    );
    let path = format!("/v1/accounts/{}/persons", id(&account));
    let form = [
        ("first_name", "Ada"),
        ("dob[day]", "10"),
        ("dob[month]", "12"),
        ("dob[year]", "1990"),
        ("nationality", "US"),
        ("political_exposure", "none"),
        ("relationship[executive]", "true"),
        ("metadata[phase]", "create"),
    ];
    let ada = platform.post(&path, &form);
    assert_eq!(
        (&ada["nationality"], &ada["metadata"]["phase"]),
        (&json!("US"), &json!("create"))
    );
    platform.refused(
        400,
        &path,
        &[("dob[day]", "40"), ("dob[month]", "1"), ("dob[year]", "1990")],
    );
    platform.refused(400, &path, &[("nickname", "x")]);
    let one = format!("{path}/{}", id(&ada));
    let (status, gone) = platform.ask("DELETE", &one, &[]);
    assert_eq!((status, &gone["deleted"]), (200, &json!(true)));
    assert_eq!(platform.ask("GET", &one, &[]).0, 404);
    let events = platform.on(id(&account)).get("/v1/events?type=person.deleted");
    assert_eq!(events["data"][0]["data"]["object"]["first_name"], "Ada");
}

#[test]
fn a_verification_that_fails_says_why_and_a_good_document_settles_it() {
    let platform = World::platform();
    let account = platform.post(
        "/v1/accounts",
        &without(
            &["individual[id_number]"],
            &[("individual[id_number]", "111111111")],
        ),
    );
    let path = format!("/v1/accounts/{}", id(&account));
    platform.simulator.advance_ms(3_000);
    let failed = platform.get(&path);
    let requirements = &failed["requirements"];
    assert_eq!(
        requirements["errors"][0]["code"],
        "verification_failed_id_number_match"
    );
    assert_eq!(
        requirements["currently_due"],
        json!(["individual.verification.document"])
    );
    assert_eq!(failed["charges_enabled"], false);
    let document = [(
        "individual[verification][document][front]",
        "file_identity_document_success",
    )];
    assert_eq!(
        platform.post(&path, &document)["capabilities"]["transfers"],
        "pending"
    );
    platform.simulator.advance_ms(3_000);
    assert_eq!(platform.get(&path)["charges_enabled"], true);

    let at_once = without(&["individual[dob][year]"], &[("individual[dob][year]", "1902")]);
    assert_eq!(
        platform.post("/v1/accounts", &at_once)["charges_enabled"],
        true,
        "a birthday that is known at once"
    );
}

#[test]
fn banks_take_turns_at_being_the_default() {
    let platform = World::platform();
    let account = platform.post("/v1/accounts", &OWNER);
    let path = format!("/v1/accounts/{}/external_accounts", id(&account));
    let first = account["external_accounts"]["data"][0].clone();
    assert_eq!(
        (&first["default_for_currency"], &first["last4"]),
        (&json!(true), &json!("6789"))
    );
    assert_eq!(
        samples::lacks("bank_account", &first),
        ["bank_account.customer"],
        "an account's has no customer"
    );
    let second = platform.post(&path, &[("external_account", "btok_us_verified_noAccount")]);
    assert_eq!(
        (&second["default_for_currency"], &second["last4"]),
        (&json!(false), &json!("1116"))
    );
    let gone = |bank: &Value| platform.ask("DELETE", &format!("{path}/{}", id(bank)), &[]).0;
    assert_eq!(gone(&first), 400, "the default stays");
    let changed = platform.post(
        &format!("{path}/{}", id(&second)),
        &[("default_for_currency", "true"), ("metadata[a]", "1")],
    );
    assert_eq!(
        (&changed["default_for_currency"], &changed["metadata"]["a"]),
        (&json!(true), &json!("1"))
    );
    assert_eq!(gone(&first), 200);
    assert_eq!(platform.get(&path)["data"].as_array().unwrap().len(), 1);
    for (number, routing) in [("12x", "110000000"), ("000123456789", "1100")] {
        let form = [
            ("external_account[object]", "bank_account"),
            ("external_account[country]", "US"),
            ("external_account[currency]", "usd"),
            ("external_account[routing_number]", routing),
            ("external_account[account_number]", number),
        ];
        platform.refused(400, &path, &form);
    }
    platform.refused(400, &path, &[("external_account", "btok_nothing")]);
    let events = platform.on(id(&account)).event_types();
    for kind in ["created", "updated", "deleted"] {
        assert!(
            events.contains(&format!("account.external_account.{kind}")),
            "{kind}: {events:?}"
        );
    }
}

#[test]
fn capabilities_are_asked_for_one_by_one() {
    let platform = World::platform();
    let account = platform.post("/v1/accounts", &OWNER);
    platform.simulator.advance_ms(3_000);
    let path = format!("/v1/accounts/{}/capabilities", id(&account));
    let cards = platform.get(&format!("{path}/card_payments"));
    assert_eq!(
        (&cards["status"], &cards["requested"]),
        (&json!("unrequested"), &json!(false))
    );
    assert_eq!(samples::lacks("capability", &cards), Vec::<String>::new());
    let asked = platform.post(&format!("{path}/card_payments"), &[("requested", "true")]);
    assert_eq!(
        (&asked["status"], &asked["requested"]),
        (&json!("pending"), &json!(true))
    );
    assert_eq!(platform.get(&format!("{path}/transfers"))["status"], "active");
    platform.simulator.advance_ms(3_000);
    assert_eq!(platform.get(&format!("{path}/card_payments"))["status"], "active");
    assert_eq!(platform.ask("GET", &format!("{path}/levitation"), &[]).0, 404);
    let listed = platform.get(&path);
    assert!(
        listed["data"]
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["id"] == "transfers")
    );
    let given_back = platform.post(&format!("{path}/card_payments"), &[("requested", "false")]);
    assert_eq!(given_back["status"], "unrequested");
    let events = platform
        .on(id(&account))
        .get("/v1/events?type=capability.updated");
    let previous: Vec<&Value> = events["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| &event["data"]["previous_attributes"]["status"])
        .collect();
    assert_eq!(previous, ["active", "pending", "unrequested", "unrequested"]);
}

#[test]
fn a_deleted_account_is_gone_and_says_goodbye() {
    let mut config = crate::world::config();
    let endpoint = crate::world::endpoint("http://127.0.0.1:9/hook", false, true, simulator::Kind::Snapshot);
    config.endpoints.push(endpoint);
    let platform = World::new(config);
    let account = platform.post("/v1/accounts", &[("type", "standard")]);
    let path = format!("/v1/accounts/{}", id(&account));
    let (status, gone) = platform.ask("DELETE", &path, &[]);
    assert_eq!((status, &gone["deleted"]), (200, &json!(true)));
    let (status, body) = platform.ask("GET", &path, &[]);
    assert_eq!((status, &body["error"]["code"]), (403, &json!("account_invalid")));
    assert_eq!(platform.on(id(&account)).ask("GET", "/v1/balance", &[]).0, 403);
    assert_eq!(platform.get("/v1/accounts")["data"], json!([]));
    let sent = platform.deliver();
    let event: Value = serde_json::from_slice(&sent.last().unwrap().body).unwrap();
    assert_eq!(event["type"], "account.application.deauthorized");
    assert_eq!(event["data"]["object"]["object"], "application");
    assert_eq!(event["account"], account["id"]);

    let live = platform.live();
    let account = live.post("/v1/accounts", &[("type", "standard")]);
    assert_eq!(
        live.ask("DELETE", &format!("/v1/accounts/{}", id(&account)), &[])
            .0,
        400
    );
}

#[test]
fn a_platform_rejects_those_it_answers_for() {
    let platform = World::platform();
    let account = platform.post("/v1/accounts", &OWNER);
    platform.simulator.advance_ms(3_000);
    let path = format!("/v1/accounts/{}", id(&account));
    platform.refused(400, &format!("{path}/reject"), &[]);
    let rejected = platform.post(&format!("{path}/reject"), &[("reason", "fraud")]);
    assert_eq!(rejected["requirements"]["disabled_reason"], "rejected.fraud");
    assert_eq!(
        (&rejected["charges_enabled"], &rejected["payouts_enabled"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(rejected["capabilities"]["transfers"], "inactive");
    assert_eq!(
        platform.post(&format!("{path}/unreject"), &[])["charges_enabled"],
        true
    );
    let standard = platform.post("/v1/accounts", &[("type", "standard")]);
    platform.refused(
        400,
        &format!("/v1/accounts/{}/reject", id(&standard)),
        &[("reason", "fraud")],
    );
}

#[test]
fn stripe_collects_what_the_platform_does_not() {
    let platform = World::platform();
    let terms = [
        ("type", "express"),
        ("tos_acceptance[date]", "1427846400"),
        ("tos_acceptance[ip]", "1.1.1.1"),
    ];
    platform.refused(400, "/v1/accounts", &terms);
    for wrong in [
        [
            ("controller[requirement_collection]", "application"),
            ("controller[fees][payer]", "account"),
        ],
        [
            ("controller[losses][payments]", "application"),
            ("controller[fees][payer]", "account"),
        ],
        [("email", "nobody"), ("type", "standard")],
        [("business_profile[url]", "http://"), ("type", "standard")],
        [("business_profile[mcc]", "57"), ("type", "custom")],
    ] {
        platform.refused(400, "/v1/accounts", &wrong);
    }
    let account = platform.post("/v1/accounts", &[("type", "express")]);
    assert_eq!(account["controller"]["stripe_dashboard"]["type"], "express");
    let path = format!("/v1/accounts/{}", id(&account));
    let immutable = platform.refused(400, &path, &[("country", "GB")]);
    assert_eq!(immutable["code"], "parameter_unknown");
    platform.refused(
        403,
        &format!("/v1/accounts/{}", id(&platform.get("/v1/account"))),
        &[("email", "a@b.c")],
    );
}

#[test]
fn test_cards_block_an_account_until_its_owner_is_verified() {
    let platform = World::platform();
    let account = platform.post("/v1/accounts", &OWNER);
    platform.simulator.advance_ms(3_000);
    let control = format!("/_simulator/accounts/{}", id(&account));
    let path = format!("/v1/accounts/{}", id(&account));
    let asked = platform.control("POST", &control, &json!({ "block": "requirements" }));
    assert_eq!(
        (&asked["charges_enabled"], &asked["requirements"]["errors"]),
        (&json!(true), &json!([]))
    );
    assert!(asked["requirements"]["current_deadline"].is_i64());
    let blocked = platform.control("POST", &control, &json!({ "block": "payouts" }));
    assert_eq!(
        (&blocked["charges_enabled"], &blocked["payouts_enabled"]),
        (&json!(true), &json!(false))
    );
    let blocked = platform.control("POST", &control, &json!({ "block": "charges" }));
    assert_eq!(blocked["charges_enabled"], false);
    let document = [(
        "individual[verification][document][front]",
        "file_identity_document_success",
    )];
    let whole = platform.post(&path, &document);
    assert_eq!(
        (&whole["charges_enabled"], &whole["payouts_enabled"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(whole["requirements"]["currently_due"], json!([]));
}
