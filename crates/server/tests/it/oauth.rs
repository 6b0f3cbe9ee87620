//! An owner of an existing Stripe account lets us in: over Stripe's own page and back, and every way in which
//! that comes to nothing, each with its sentence.

use domain::Scope;
use domain::tenant::TenantMove;
use flows::{Actor, App, By, Failure, oauth, reconcile, tenants};
use reqwest::header::{CONTENT_TYPE, LOCATION, SET_COOKIE};
use reqwest::{Method, StatusCode, Url};
use serde_json::{Value, json};
use store::db::Row;
use store::{Sql, binds};

use crate::connecting::{newcomer, status, visit};
use crate::engines::World;
use crate::town::{Msp, Reply, Town, Wishes};

const AUTHORIZE: &str = "/api/stripe/connect/oauth/authorize";
const CALLBACK: &str = "/connect/oauth/callback";
const MINUTE_MS: i64 = 60_000;

/// The address of Stripe's question, and the state in it.
pub async fn set_out(town: &Town, key: &str) -> (Url, String) {
    let asked = town.api(key, Method::GET, AUTHORIZE, Value::Null).await;
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.text);
    let url = Url::parse(asked.body["url"].as_str().unwrap()).unwrap();
    let state = url
        .query_pairs()
        .find(|(name, _)| name == "state")
        .unwrap()
        .1
        .into_owned();
    (url, state)
}

/// An owner agrees, without the page: a new account, or this one. Answers the account and the code.
pub fn agree(town: &Town, account: Option<&str>) -> (String, String) {
    let body = match account {
        Some(account) => json!({"account": account}),
        None => json!({"new": {"business_name": "Corner Shop", "email": "owner@corner.example"}}),
    };
    let given = town.control("POST", "/_simulator/oauth/authorize", body);
    let text = |name: &str| given[name].as_str().unwrap().to_owned();
    (text("account"), text("code"))
}

/// The owner's browser comes back with a code.
pub async fn come_back(town: &Town, state: &str, code: &str) -> Reply {
    visit(
        town,
        Method::GET,
        &format!("{CALLBACK}?scope=read_write&code={code}&state={state}"),
        None,
    )
    .await
}

/// A tenant is let into an account by its owner: a new one, or this one.
pub async fn let_in(town: &Town, key: &str, account: Option<&str>) -> String {
    let (_, state) = set_out(town, key).await;
    let (account, code) = agree(town, account);
    let back = come_back(town, &state, &code).await;
    assert_eq!(back.status, StatusCode::SEE_OTHER, "{}", back.text);
    account
}

/// A tenant with an account that its owner let us into, a new one or this one, and a client.
pub async fn shop(town: &Town, name: &str, account: Option<&str>) -> Msp {
    let (scope, key) = newcomer(town, name).await;
    let account = let_in(town, &key, account).await;
    let body = json!({"name": "Harbor Dental Group", "email": "accounts@harbordental.example"});
    let client = town.api(&key, Method::POST, "/api/clients", body).await;
    let client_id = client.body["id"].as_str().unwrap().to_owned();
    Msp {
        scope,
        key,
        account,
        client_id,
    }
}

/// Whether Stripe gives us an account.
pub fn is_reachable(town: &Town, account: &str) -> bool {
    town.stripe("GET", &format!("/v1/accounts/{account}"), None, "")["error"].is_null()
}

/// What the audit log says of a tenant: actions about its account.
pub async fn noted(town: &Town, scope: &Scope) -> Vec<String> {
    const LOG: Sql = Sql::new(
        "select action from audit_log
         where tenant_id = $1 and livemode = $2 and action like 'account.%' order by created_at, id",
    );
    let (tenant, mode) = (scope.tenant.clone(), scope.mode);
    let rows: Result<Vec<Row>, store::Error> = town
        .app
        .db
        .read(move |tx| tx.query(&LOG, binds![&tenant, mode]))
        .await;
    rows.unwrap()
        .iter()
        .map(|row| row.text("action").unwrap())
        .collect()
}

/// A page that says so, shows nothing from the address, and connects nobody.
#[track_caller]
pub fn assert_says(reply: &Reply, status: u16, sentence: &str) {
    assert_eq!(reply.status.as_u16(), status, "{}", reply.text);
    assert!(reply.text.contains(sentence), "{sentence}: {}", reply.text);
    assert!(reply.headers.get(SET_COOKIE).is_none());
    assert!(
        reply.headers[CONTENT_TYPE]
            .to_str()
            .unwrap()
            .starts_with("text/html")
    );
    let policy = reply.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    for part in ["<script", "alert(", "ac_", "acct_", "onerror"] {
        assert!(!reply.text.contains(part), "{part}: {}", reply.text);
    }
}

/// Nothing that acts as an account is anywhere in the database.
async fn assert_no_token_is_kept(town: &Town) {
    const OPERATIONS: Sql = Sql::new("select * from stripe_operations");
    const CONFIGS: Sql = Sql::new("select * from stripe_config");
    const STATES: Sql = Sql::new("select * from connect_states");
    const LOG: Sql = Sql::new("select * from audit_log");
    for sql in [&OPERATIONS, &CONFIGS, &STATES, &LOG] {
        let all = format!("{:?}", town.rows(sql).await);
        for part in ["sk_test_", "pk_test_", "rt_", "ac_"] {
            assert!(!all.contains(part), "{part} in {all}");
        }
    }
}

both! {
    fn an_owner_lets_us_in_on_stripes_page_and_is_paid_on_that_account(world: &World) {
        Town::run(world, async |town| {
            let (scope, key) = newcomer(&town, "Corner Shop").await;
            let (account, _) = agree(&town, None);
            let (url, state) = set_out(&town, &key).await;
            assert!(url.as_str().starts_with(&town.stripe_url), "{url}");
            let browser = &town.browsers;
            let page = browser.get(url.clone()).send().await.unwrap().text().await.unwrap();
            assert!(page.contains(&account) && page.contains("take payments for you"), "{page}");
            let form = format!("account={account}&do=connect");
            let sent = browser.post(url).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
            let sent = sent.body(form).send().await.unwrap();
            let back = sent.headers()[LOCATION].to_str().unwrap().to_owned();
            assert!(back.contains(&state), "{back}");
            let path = back.strip_prefix(&town.url).expect("an address of ours");

            let arrived = visit(&town, Method::GET, path, None).await;
            assert_eq!(arrived.status, StatusCode::SEE_OTHER, "{}", arrived.text);
            assert_eq!(arrived.headers[LOCATION], "/connect/status");
            let cookie = arrived.headers[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
            let shown = visit(&town, Method::GET, "/connect/status", Some(&cookie)).await;
            assert!(shown.text.contains("Ready to take payments"), "{}", shown.text);
            let now = status(&town, &key).await;
            assert_eq!((&now["status"], &now["origin"]), (&json!("ready"), &json!("oauth")));
            assert_eq!(now["stripe_account_id"], account.as_str());

            let body = json!({"name": "Harbor Dental Group"});
            let client = town.api(&key, Method::POST, "/api/clients", body).await;
            let client_id = client.body["id"].as_str().unwrap().to_owned();
            let mut town = town;
            town.msp = Msp { scope: scope.clone(), key, account, client_id };
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            let paid = town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            assert_eq!(town.charges().len(), 1, "on the owner's account");
            town.until_quiet().await;
            town.assert_nothing_open().await;
            town.assert_books().await;
            assert_no_token_is_kept(&town).await;
            let noted = noted(&town, &scope).await;
            for action in ["account.access_requested", "account.access_given", "account.connected"] {
                assert!(noted.contains(&action.to_owned()), "{action}: {noted:?}");
            }
        });
    }

    fn a_way_back_that_leads_nowhere_has_its_sentence(world: &World) {
        Town::run_as(world, Wishes { deliveries: false, ..Wishes::default() }, async |town| {
            let (scope, key) = newcomer(&town, "Corner Shop").await;
            let used = "used before or has run out";

            let (_, code) = agree(&town, None);
            assert_says(&come_back(&town, "made_up", &code).await, 410, used);
            assert_says(&visit(&town, Method::GET, CALLBACK, None).await, 410, used);
            let (_, late) = set_out(&town, &key).await;
            town.advance_ms(10 * MINUTE_MS + 1);
            assert_says(&come_back(&town, &late, &code).await, 410, used);

            let (_, state) = set_out(&town, &key).await;
            let spoken = format!(
                "{CALLBACK}?error=access_denied&error_description=%3Cscript%3Ealert(1)%3C&state={state}"
            );
            let refused = visit(&town, Method::GET, &spoken, None).await;
            assert_says(&refused, 200, "You did not connect your account");
            assert_says(&visit(&town, Method::GET, &spoken, None).await, 410, used);
            assert_says(&come_back(&town, &state, &code).await, 410, used);

            let (_, state) = set_out(&town, &key).await;
            let odd = format!("{CALLBACK}?error=%3Cimg+onerror=alert(1)%3E&state={state}");
            let refused = visit(&town, Method::GET, &odd, None).await;
            assert_says(&refused, 200, "Stripe did not connect your account");

            let (_, state) = set_out(&town, &key).await;
            let (_, code) = agree(&town, None);
            let form = format!("grant_type=authorization_code&code={code}");
            let first = town.stripe("POST", "/oauth/token", None, &form);
            assert!(first["stripe_user_id"].is_string(), "{first}");
            assert_says(&come_back(&town, &state, &code).await, 410, "permission was used before");

            // The operator stops the tenant while its owner is at Stripe.
            let (_, state) = set_out(&town, &key).await;
            let (_, code) = agree(&town, None);
            let (by, tenant) = (By::new(Actor::CommandLine), &scope.tenant);
            tenants::set(&town.app, &by, tenant, TenantMove::Suspend, None).await.unwrap();
            assert_says(&come_back(&town, &state, &code).await, 403, "cannot be connected now");
            let asked = town.api(&key, Method::GET, AUTHORIZE, Value::Null).await;
            asked.assert_refused(403, "tenant_suspended", None);
            tenants::set(&town.app, &by, tenant, TenantMove::Resume, None).await.unwrap();

            let (_, state) = set_out(&town, &key).await;
            let live = json!({"new": {"business_name": "Corner Shop", "livemode": true}});
            let live = town.control("POST", "/_simulator/oauth/authorize", live);
            let code = live["code"].as_str().unwrap();
            assert_says(&come_back(&town, &state, code).await, 410, "permission was used before");

            assert_eq!(status(&town, &key).await["status"], "not_connected");
            town.assert_nothing_open().await;
            let noted = noted(&town, &scope).await;
            let count = |action: &str| noted.iter().filter(|noted| *noted == action).count();
            assert_eq!((count("account.access_declined"), count("account.connect_refused")), (2, 2));
        });
    }

    fn an_account_is_given_to_one_tenant_and_a_tenant_has_one_account(world: &World) {
        Town::run_as(world, Wishes { deliveries: false, ..Wishes::default() }, async |town| {
            let holder = shop(&town, "Corner Shop", None).await;
            let (scope, key) = newcomer(&town, "Somebody Else").await;
            let (_, state) = set_out(&town, &key).await;
            let (_, code) = agree(&town, Some(&holder.account));
            let taken = come_back(&town, &state, &code).await;
            assert_says(&taken, 409, "This account belongs to another tenant");
            assert!(!taken.text.contains("Corner Shop"), "{}", taken.text);
            assert!(taken.text.contains("was left as it is"), "the holder is paid by it: {}", taken.text);
            assert!(is_reachable(&town, &holder.account));
            assert_eq!(status(&town, &key).await["status"], "not_connected");
            let refused = noted(&town, &scope).await;
            assert!(refused.contains(&"account.refused_as_taken".to_owned()), "{refused:?}");
            assert_eq!(status(&town, &holder.key).await["status"], "ready", "the holder keeps it");

            let (_, state) = set_out(&town, &holder.key).await;
            let (another, code) = agree(&town, None);
            let other = come_back(&town, &state, &code).await;
            assert_says(&other, 409, "Another Stripe account is connected already");
            assert!(other.text.contains("Disconnect it first"), "{}", other.text);
            assert!(other.text.contains("was given back"), "{}", other.text);
            assert!(!is_reachable(&town, &another), "nobody here wants it");
            assert_eq!(status(&town, &holder.key).await["stripe_account_id"], holder.account.as_str());
            assert_eq!(let_in(&town, &holder.key, Some(&holder.account)).await, holder.account, "its own");

            let made = town.api(&town.msp.key, Method::GET, AUTHORIZE, Value::Null).await;
            made.assert_refused(409, "account_connected", None);
            let without = App {
                stripe_test: town.app.stripe_test.clone().map(|client| client.with_client_id(None)),
                ..town.app.clone()
            };
            let by = By::new(Actor::CommandLine);
            let refused = oauth::authorize(&without, &scope, &by, "http://pay.example").await;
            let Err(Failure::Refused(refusal)) = refused else { panic!("{refused:?}") };
            assert_eq!(refusal.code(), "oauth_not_configured");
        });
    }

    fn a_lost_answer_is_said_and_starting_again_gives_the_same_account(world: &World) {
        Town::run_as(world, Wishes { deliveries: false, ..Wishes::default() }, async |town| {
            let (_, key) = newcomer(&town, "Corner Shop").await;
            let fault = json!({"method": "POST", "path": "/oauth/token", "effect": "lose_answer",
                "count": 1});
            town.control("POST", "/_simulator/faults", fault);
            let (_, state) = set_out(&town, &key).await;
            let (account, code) = agree(&town, None);
            let lost = come_back(&town, &state, &code).await;
            assert_says(&lost, 503, "Nothing is connected here");
            assert!(lost.text.contains("choose the same account"), "{}", lost.text);
            let exchanges = || {
                let sent = town.requests();
                sent.iter().filter(|request| request["path"] == "/oauth/token").count()
            };
            assert_eq!(exchanges(), 1, "a code is sent once");
            assert_eq!(status(&town, &key).await["status"], "not_connected");
            assert_says(&come_back(&town, &state, &code).await, 410, "used before or has run out");

            assert_eq!(let_in(&town, &key, Some(&account)).await, account);
            assert_eq!(status(&town, &key).await["status"], "ready");
            const OPEN: Sql =
                Sql::new("select count(*) as n from stripe_operations where status in ('sent', 'unknown')");
            assert_eq!(town.number(&OPEN).await, 1, "what came of the first is not known");
            town.advance_ms(11 * MINUTE_MS);
            town.until("the end of the first", async || town.number(&OPEN).await == 0).await;
            assert_eq!(exchanges(), 2, "nothing was sent again");
            assert_no_token_is_kept(&town).await;
        });
    }

    fn a_lost_answer_is_waited_for_in_silence_and_given_up_once(world: &World) {
        let by_hand = || Wishes { deliveries: false, worker: false, ..Wishes::default() };
        Town::run_as(world, by_hand(), async |town| {
            let (_, key) = newcomer(&town, "Corner Shop").await;
            let fault = json!({"method": "POST", "path": "/oauth/token", "effect": "lose_answer",
                "count": 1});
            town.control("POST", "/_simulator/faults", fault);
            let (_, state) = set_out(&town, &key).await;
            let (_, code) = agree(&town, None);
            come_back(&town, &state, &code).await;
            const ROW: Sql = Sql::new(
                "select status, attempts, last_error from stripe_operations where kind = 'exchange_code'",
            );
            for _ in 0..9 {
                town.advance_ms(MINUTE_MS);
                reconcile::run(&town.app).await.unwrap();
                let rows = town.rows(&ROW).await;
                let row = (rows[0].text("status").unwrap(), rows[0].int("attempts").unwrap());
                assert_eq!(row, ("unknown".to_owned(), 1), "it is not taken up");
            }
            town.advance_ms(MINUTE_MS);
            reconcile::run(&town.app).await.unwrap();
            let rows = town.rows(&ROW).await;
            assert_eq!(rows[0].text("status").unwrap(), "failed");
            assert!(rows[0].text("last_error").unwrap().contains("the owner starts again"));
        });
    }

    fn who_only_looks_at_an_address_uses_nothing_up(world: &World) {
        const STATES: Sql = Sql::new("select count(*) as n from connect_states");
        Town::run_as(world, Wishes { deliveries: false, ..Wishes::default() }, async |town| {
            let (_, key) = newcomer(&town, "Corner Shop").await;
            let before = town.number(&STATES).await;
            let looked = town.api(&key, Method::HEAD, AUTHORIZE, Value::Null).await;
            assert_eq!((looked.status.as_u16(), &looked.headers["allow"]), (405, &"GET".parse().unwrap()));
            assert_eq!(town.number(&STATES).await, before, "nobody set out");

            let (_, state) = set_out(&town, &key).await;
            let (account, code) = agree(&town, None);
            let path = format!("{CALLBACK}?scope=read_write&code={code}&state={state}");
            assert_eq!(visit(&town, Method::HEAD, &path, None).await.status.as_u16(), 405);
            for page in ["return", "refresh"] {
                let path = format!("/connect/{page}?state={state}");
                let looked = visit(&town, Method::HEAD, &path, None).await;
                assert_eq!(looked.status.as_u16(), 405);
            }
            let back = come_back(&town, &state, &code).await;
            assert_eq!(back.status, StatusCode::SEE_OTHER, "{}", back.text);
            assert_eq!(status(&town, &key).await["stripe_account_id"], account.as_str());
        });
    }
}
