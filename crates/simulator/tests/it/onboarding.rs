//! How an account comes about: account links and the hosted onboarding, OAuth, and the domains for wallets.

use crate::samples;
use crate::world::{World, header, id};
use serde_json::{Value, json};
use simulator::Response;

const RETURN: &str = "http://127.0.0.1:8400/back?tab=1";
const REFRESH: &str = "http://127.0.0.1:8400/again";

fn tenant(platform: &World) -> Value {
    let form = [
        ("controller[fees][payer]", "account"),
        ("controller[losses][payments]", "stripe"),
        ("controller[stripe_dashboard][type]", "full"),
        ("capabilities[card_payments][requested]", "true"),
        ("capabilities[transfers][requested]", "true"),
    ];
    platform.post("/v1/accounts", &form)
}

/// A new link's path on this host.
fn link(platform: &World, account: &str) -> String {
    let form = [
        ("account", account),
        ("type", "account_onboarding"),
        ("refresh_url", REFRESH),
        ("return_url", RETURN),
    ];
    let link = platform.post("/v1/account_links", &form);
    assert_eq!(samples::lacks("account_link", &link), Vec::<String>::new());
    assert_eq!(
        link["expires_at"].as_i64().unwrap() - link["created"].as_i64().unwrap(),
        300
    );
    let url = link["url"].as_str().unwrap();
    url.strip_prefix("http://127.0.0.1:8420").unwrap().to_owned()
}

fn page(response: &Response) -> String {
    String::from_utf8(response.body.clone()).unwrap()
}

/// The hidden value that an opened form sends back.
fn secret(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"form\" value=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

fn submit(platform: &World, path: &str, secret: &str, how: &str) -> Response {
    let form = [
        ("form", secret),
        ("business_name", "Acme <IT>"),
        ("business_type", "company"),
        ("about", "https://acme.example"),
        ("first_name", "Ada"),
        ("last_name", "Lovelace"),
        ("account_number", "000123456789"),
        ("routing_number", "110000000"),
        ("do", how),
    ];
    platform.send("POST", path, &form)
}

#[test]
fn an_owner_goes_through_onboarding_and_can_be_paid_a_moment_later() {
    let platform = World::platform();
    let account = tenant(&platform);
    let path = link(&platform, id(&account));
    let opened = platform.send("GET", &path, &[]);
    assert_eq!(opened.status, 200);
    assert!(
        page(&opened).contains("label for=\"business_name\""),
        "fields have labels"
    );
    let done = submit(&platform, &path, &secret(&page(&opened)), "submit");
    assert_eq!((done.status, header(&done, "Location")), (303, Some(RETURN)));
    let own = format!("/v1/accounts/{}", id(&account));
    let said = platform.get(&own);
    assert_eq!(
        (&said["details_submitted"], &said["charges_enabled"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(
        said["requirements"]["disabled_reason"],
        "requirements.pending_verification"
    );
    platform.simulator.advance_ms(3_000);
    let whole = platform.get(&own);
    assert_eq!(whole["charges_enabled"], true);
    assert_eq!(
        whole["capabilities"],
        json!({ "card_payments": "active", "transfers": "active" })
    );
    assert_eq!(whole["business_profile"]["name"], "Acme <IT>");
    assert_eq!(
        whole["company"],
        json!({ "name": "Acme <IT>" }),
        "the rest is between Stripe and the owner"
    );
    let events = platform.on(id(&account)).event_types();
    let last: Vec<&str> = events.iter().rev().take(4).map(String::as_str).collect();
    assert_eq!(
        last,
        [
            "account.updated",
            "capability.updated",
            "capability.updated",
            "person.updated"
        ]
    );
    platform.refused(403, &own, &[("email", "other@example.com")]);
    assert_eq!(platform.post(&own, &[("metadata[a]", "1")])["metadata"]["a"], "1");
}

#[test]
fn a_link_is_good_for_one_visit_within_five_minutes() {
    let platform = World::platform();
    let account = tenant(&platform);
    let path = link(&platform, id(&account));
    platform.send("GET", &path, &[]);
    let again = platform.send("GET", &path, &[]);
    assert_eq!((again.status, header(&again, "Location")), (303, Some(REFRESH)));
    let forged = submit(&platform, &path, "guessed", "submit");
    assert_eq!(header(&forged, "Location"), Some(REFRESH));
    assert_eq!(
        platform.get(&format!("/v1/accounts/{}", id(&account)))["details_submitted"],
        false
    );
    let late = link(&platform, id(&account));
    platform.simulator.advance_ms(300_000);
    assert_eq!(
        header(&platform.send("GET", &late, &[]), "Location"),
        Some(REFRESH)
    );
    assert_eq!(platform.send("GET", "/setup/s/acct_x/nothing", &[]).status, 404);
    for wrong in [
        vec![("account", id(&account)), ("type", "account_onboarding")],
        vec![
            ("account", id(&account)),
            ("type", "account_update"),
            ("refresh_url", REFRESH),
            ("return_url", RETURN),
        ],
        vec![
            ("account", id(&account)),
            ("type", "account_onboarding"),
            ("refresh_url", "x://"),
            ("return_url", RETURN),
        ],
    ] {
        platform.refused(400, "/v1/account_links", &wrong);
    }
    let live = platform.live();
    let form = [
        ("account", id(&account)),
        ("type", "account_onboarding"),
        ("refresh_url", REFRESH),
        ("return_url", RETURN),
    ];
    live.refused(403, "/v1/account_links", &form);
}

#[test]
fn an_owner_may_stop_half_way_or_be_refused() {
    let platform = World::platform();
    let account = tenant(&platform);
    let own = format!("/v1/accounts/{}", id(&account));
    let through = |how: &str| {
        let path = link(&platform, id(&account));
        let opened = platform.send("GET", &path, &[]);
        let done = submit(&platform, &path, &secret(&page(&opened)), how);
        assert_eq!(header(&done, "Location"), Some(RETURN));
        platform.simulator.advance_ms(3_000);
        platform.get(&own)
    };
    let half = through("later");
    assert_eq!(
        (&half["details_submitted"], &half["charges_enabled"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(half["business_profile"]["name"], "Acme <IT>");
    let wrong = through("errors");
    assert_eq!(
        wrong["requirements"]["errors"][0]["code"],
        "verification_failed_id_number_match"
    );
    assert_eq!(
        (&wrong["details_submitted"], &wrong["charges_enabled"]),
        (&json!(true), &json!(false))
    );
    let refused = through("rejected");
    assert_eq!(refused["requirements"]["disabled_reason"], "rejected.other");
    let form = [
        ("account", id(&account)),
        ("type", "account_onboarding"),
        ("refresh_url", REFRESH),
        ("return_url", RETURN),
    ];
    platform.refused(400, "/v1/account_links", &form);
}

#[test]
fn the_control_api_stands_in_for_the_owner() {
    let platform = World::platform();
    let account = tenant(&platform);
    let path = format!("/_simulator/accounts/{}/onboard", id(&account));
    let half = platform.control("POST", &path, &json!({ "outcome": "partial" }));
    assert_eq!(half["details_submitted"], false);
    let answers = json!({ "business_type": "individual", "first_name": "Ada" });
    let said = platform.control("POST", &path, &json!({ "answers": answers }));
    assert_eq!(
        said["requirements"]["disabled_reason"],
        "requirements.pending_verification"
    );
    let whole = platform.control("POST", &path, &json!({ "at_once": true }));
    assert_eq!(
        (&whole["charges_enabled"], &whole["individual"]["first_name"]),
        (&json!(true), &json!("Ada"))
    );
    let refused = platform.control("POST", &path, &json!({ "outcome": "rejected" }));
    assert_eq!(refused["charges_enabled"], false);
    assert_eq!(
        platform
            .control_status("POST", &path, &json!({ "outcome": "x" }))
            .0,
        400
    );
}

#[test]
fn sessions_and_login_links() {
    let platform = World::platform();
    let account = platform.post("/v1/accounts", &[("type", "express")]);
    let own = format!("/v1/accounts/{}/login_links", id(&account));
    platform.refused(400, &own, &[]);
    let path = format!("/_simulator/accounts/{}/onboard", id(&account));
    platform.control("POST", &path, &json!({ "at_once": true }));
    let login = platform.post(&own, &[]);
    assert_eq!(samples::lacks("login_link", &login), Vec::<String>::new());
    let url = login["url"].as_str().unwrap();
    let dashboard = platform.send("GET", url.strip_prefix("http://127.0.0.1:8420").unwrap(), &[]);
    assert_eq!(dashboard.status, 200);
    let form = [
        ("account", id(&account)),
        ("components[account_onboarding][enabled]", "true"),
    ];
    let session = platform.post("/v1/account_sessions", &form);
    assert_eq!(samples::lacks("account_session", &session), Vec::<String>::new());
    assert_eq!(session["components"]["account_onboarding"]["enabled"], true);
    platform.refused(400, "/v1/account_sessions", &[("account", id(&account))]);
    let standard = platform.post("/v1/accounts", &[("type", "standard")]);
    platform.refused(400, &format!("/v1/accounts/{}/login_links", id(&standard)), &[]);
}

fn application(platform: &World) -> String {
    platform.control("GET", "/_simulator/state", &json!({}))["application"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn flat(error: &Value) -> (&str, &str) {
    (
        error["error"].as_str().unwrap(),
        error["error_description"].as_str().unwrap(),
    )
}

#[test]
fn a_code_is_exchanged_once_within_five_minutes() {
    let platform = World::platform();
    let agreed = platform.control(
        "POST",
        "/_simulator/oauth/authorize",
        &json!({ "new": { "email": "a@b.example" } }),
    );
    let account = agreed["account"].as_str().unwrap();
    let own = format!("/v1/accounts/{account}");
    assert_eq!(platform.ask("GET", &own, &[]).0, 403, "not yet");
    let code = agreed["code"].as_str().unwrap();
    let form = [("grant_type", "authorization_code"), ("code", code)];
    let (status, error) = platform.live().ask("POST", "/oauth/token", &form);
    assert_eq!((status, flat(&error).0), (400, "invalid_grant"), "the other mode");
    let token = platform.post("/oauth/token", &form);
    assert_eq!(
        (
            &token["stripe_user_id"],
            &token["scope"],
            &token["livemode"],
            &token["token_type"]
        ),
        (
            &json!(account),
            &json!("read_write"),
            &json!(false),
            &json!("bearer")
        )
    );
    assert_eq!(
        platform.get(&own)["controller"],
        json!({ "is_controller": false, "type": "application" })
    );
    let events = platform.on(account).event_types();
    assert_eq!(events, ["account.application.authorized"]);
    platform.refused(403, &own, &[("email", "other@example.com")]);

    let key: &'static str = token["access_token"].as_str().unwrap().to_owned().leak();
    assert_eq!(
        platform.key(key).get("/v1/account")["id"],
        account,
        "the token acts as the account"
    );
    let again = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token["refresh_token"].as_str().unwrap()),
        ("client_secret", "sk_test_psapay_demo"),
    ];
    let other = platform.post("/oauth/token", &again);
    assert_ne!(other["access_token"], token["access_token"]);

    let (status, error) = platform.ask("POST", "/oauth/token", &form);
    assert_eq!((status, flat(&error).0), (400, "invalid_grant"));
    assert!(flat(&error).1.contains("already been used"));
    assert_eq!(
        platform.key(key).ask("GET", "/v1/account", &[]).0,
        401,
        "and its tokens are revoked"
    );
}

#[test]
fn a_code_that_is_not_good_is_refused_in_oauths_own_words() {
    let platform = World::platform();
    let agreed = platform.control("POST", "/_simulator/oauth/authorize", &json!({}));
    platform.simulator.advance_ms(300_000);
    let form = [
        ("grant_type", "authorization_code"),
        ("code", agreed["code"].as_str().unwrap()),
    ];
    assert_eq!(platform.ask("POST", "/oauth/token", &form).0, 400, "too late");
    for (form, error) in [
        (vec![], "invalid_request"),
        (vec![("grant_type", "password")], "unsupported_grant_type"),
        (vec![("grant_type", "authorization_code")], "invalid_request"),
        (
            vec![("grant_type", "authorization_code"), ("code", "ac_x")],
            "invalid_grant",
        ),
    ] {
        let (status, body) = platform.ask("POST", "/oauth/token", &form);
        assert_eq!((status, flat(&body).0), (400, error), "{form:?}");
    }
    let (status, body) = platform.key("nothing").ask("POST", "/oauth/token", &form);
    assert_eq!((status, flat(&body).0), (401, "invalid_client"));
}

#[test]
fn who_is_shown_out_is_not_let_in_again() {
    let platform = World::platform();
    let agreed = platform.control(
        "POST",
        "/_simulator/oauth/authorize",
        &json!({ "scope": "read_only" }),
    );
    let account = agreed["account"].as_str().unwrap();
    let code = agreed["code"].as_str().unwrap();
    platform.post(
        "/oauth/token",
        &[("grant_type", "authorization_code"), ("code", code)],
    );
    platform.on(account).get("/v1/customers");
    let refused = platform.on(account).refused(403, "/v1/customers", &[]);
    assert_eq!(refused["code"], "more_permissions_required_for_application");
    let application = application(&platform);
    let form = [("client_id", application.as_str()), ("stripe_user_id", account)];
    assert_eq!(
        platform.post("/oauth/deauthorize", &form),
        json!({ "stripe_user_id": account })
    );
    let (status, body) = platform.on(account).ask("GET", "/v1/customers", &[]);
    assert_eq!((status, &body["error"]["code"]), (403, &json!("account_invalid")));
    let (status, body) = platform.ask("POST", "/oauth/deauthorize", &form);
    assert_eq!((status, flat(&body).0), (401, "invalid_client"));
}

#[test]
fn an_owner_chooses_an_account_or_declines() {
    let platform = World::platform();
    let application = application(&platform);
    let made = platform.control(
        "POST",
        "/_simulator/accounts",
        &json!({ "connected": false, "business_name": "Old & Co" }),
    );
    let query = [
        ("response_type", "code"),
        ("client_id", application.as_str()),
        ("scope", "read_write"),
        ("state", "once&only"),
        ("redirect_uri", "http://127.0.0.1:8400/oauth/back"),
        ("stripe_user[business_name]", "New Ltd"),
    ];
    let address = platform.request("GET", "/oauth/authorize", &query).path;
    let opened = page(&platform.send("GET", &address, &[]));
    assert!(
        opened.contains("Old &amp; Co") && opened.contains("value=\"New Ltd\""),
        "{opened}"
    );
    let choose = |form: &[(&str, &str)]| {
        let sent = platform.send("POST", &address, form);
        assert_eq!(sent.status, 303);
        header(&sent, "Location").unwrap().to_owned()
    };
    let declined = choose(&[("do", "deny")]);
    assert_eq!(
        declined,
        "http://127.0.0.1:8400/oauth/back?error=access_denied&error_description=The+user+denied+your+request\
         &state=once%26only"
    );
    for (account, business) in [(id(&made), "Old & Co"), ("new_test", "New Ltd")] {
        let back = choose(&[
            ("do", "connect"),
            ("account", account),
            ("business_name", "New Ltd"),
        ]);
        let (_, code) = back.split_once("code=").unwrap();
        let code = code.split('&').next().unwrap();
        let token = platform.post(
            "/oauth/token",
            &[("grant_type", "authorization_code"), ("code", code)],
        );
        let path = format!("/v1/accounts/{}", token["stripe_user_id"].as_str().unwrap());
        assert_eq!(platform.get(&path)["business_profile"]["name"], business);
    }
    assert_eq!(
        platform
            .send(
                "GET",
                "/oauth/authorize?client_id=ca_other&response_type=code",
                &[]
            )
            .status,
        400
    );
    let scope = platform.request(
        "GET",
        "/oauth/authorize",
        &[&query[..2], &[("scope", "all")], &query[3..]].concat(),
    );
    let back = platform.simulator.call(&scope);
    assert!(header(&back, "Location").unwrap().contains("error=invalid_scope"));
}

#[test]
fn wallets_need_a_domain() {
    let tenant = World::tenant();
    let path = "/v1/payment_method_domains";
    let domain = tenant.post(path, &[("domain_name", "pay.example.com")]);
    assert_eq!(
        samples::lacks("payment_method_domain", &domain),
        Vec::<String>::new()
    );
    assert_eq!(
        (&domain["enabled"], &domain["apple_pay"]["status"]),
        (&json!(true), &json!("active"))
    );
    assert_eq!(
        tenant.post(path, &[("domain_name", "pay.example.com")])["id"],
        domain["id"],
        "only one"
    );
    let own = format!("{path}/{}", id(&domain));
    assert_eq!(tenant.post(&own, &[("enabled", "false")])["enabled"], false);
    assert_eq!(tenant.post(&format!("{own}/validate"), &[])["id"], domain["id"]);
    assert_eq!(tenant.get(&format!("{path}?enabled=true"))["data"], json!([]));
    assert_eq!(
        tenant.on_platform().ask("GET", &own, &[]).0,
        404,
        "it is the tenant's"
    );
    let unreachable = tenant.post(path, &[("domain_name", "pay.invalid")]);
    assert_eq!(unreachable["apple_pay"]["status"], "inactive");
    for wrong in ["https://pay.example.com", "pay", "a..b", ""] {
        tenant.refused(400, path, &[("domain_name", wrong)]);
    }
    let apple = tenant.post("/v1/apple_pay/domains", &[("domain_name", "pay.example.com")]);
    assert_eq!(samples::lacks("apple_pay_domain", &apple), Vec::<String>::new());
    let own = format!("/v1/apple_pay/domains/{}", id(&apple));
    assert_eq!(tenant.ask("DELETE", &own, &[]).1["deleted"], true);
    assert_eq!(tenant.ask("GET", &own, &[]).0, 404);
}
