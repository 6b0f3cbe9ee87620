//! A tenant connects its Stripe account: over the API, through Stripe's form and back, and what the account's
//! owner reads on the way.

use domain::tenant::TenantMove;
use domain::{Permissions, Scope};
use flows::{Actor, By, Failure, onboarding, tenants};
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::{Sql, binds};

use crate::engines::World;
use crate::town::{Msp, Reply, Town};

const ACCOUNT: &str = "/api/stripe/connect/account";
const LINK: &str = "/api/stripe/connect/link";
const STATUS: &str = "/api/stripe/connect/status";

/// A tenant of this town without an account, with its API key.
pub async fn newcomer(town: &Town, name: &str) -> (Scope, String) {
    let by = By::new(Actor::CommandLine);
    let email = Some("hello@newcomer.example");
    let added = tenants::add(&town.app, &by, town.app.moment(), name, email, &[]).await;
    let scope = Scope {
        tenant: added.unwrap().0.id,
        mode: town.site.config.mode,
    };
    let key = town.key_of(&scope, Permissions::All).await;
    (scope, key)
}

async fn create(town: &Town, key: &str) -> Reply {
    let body = json!({"country": "us", "email": "owner@newcomer.example", "business_type": "company",
        "business_profile": {"name": "Newcomer IT", "url": "https://newcomer.example"}});
    town.api(key, Method::POST, ACCOUNT, body).await
}

/// Where a tenant's connection stands.
pub async fn status(town: &Town, key: &str) -> Value {
    let reply = town.api(key, Method::GET, STATUS, Value::Null).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    reply.body
}

async fn until_status(town: &Town, key: &str, wanted: &str) -> Value {
    town.until(wanted, async || status(town, key).await["status"] == wanted)
        .await;
    status(town, key).await
}

/// An account of a newcomer, and the paths to which Stripe sends its owner back: `return` and `refresh`.
async fn set_out(town: &Town, key: &str) -> (String, String, String) {
    let made = create(town, key).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let link = town.api(key, Method::POST, LINK, Value::Null).await;
    assert_eq!(link.status, StatusCode::CREATED, "{}", link.text);
    let account = made.body["stripe_account_id"].as_str().unwrap().to_owned();
    let (back, again) = ways_back(town);
    (account, back, again)
}

/// The addresses in the newest request for a link, as paths of ours.
fn ways_back(town: &Town) -> (String, String) {
    let sent = town.requests();
    let asked = sent
        .iter()
        .rev()
        .find(|request| request["path"] == "/v1/account_links");
    let body = asked
        .and_then(|request| request["body"].as_str())
        .expect("a link was asked for");
    let form: Vec<(String, String)> = reqwest::Url::parse(&format!("http://form/?{body}"))
        .unwrap()
        .query_pairs()
        .into_owned()
        .collect();
    let path = |name: &str| {
        let (_, url) = form.iter().find(|(key, _)| key == name).expect("an address");
        url.strip_prefix(&town.url)
            .expect("an address of ours")
            .to_owned()
    };
    (path("return_url"), path("refresh_url"))
}

/// A request of a browser that follows nothing, with a cookie.
pub async fn visit(town: &Town, method: Method, path: &str, cookie: Option<&str>) -> Reply {
    let mut request = town.browsers.request(method, format!("{}{path}", town.url));
    if let Some(cookie) = cookie {
        request = request.header(COOKIE, cookie);
    }
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let text = answer.text().await.unwrap();
    Reply {
        status,
        body: Value::Null,
        text,
        headers,
    }
}

/// The cookie that an answer sets, as a browser sends it back.
fn cookie_of(reply: &Reply) -> String {
    let cookie = reply.headers[SET_COOKIE].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

fn onboard(town: &Town, account: &str, outcome: &str) {
    let path = format!("/_simulator/accounts/{account}/onboard");
    town.control(
        "POST",
        &path,
        json!({"outcome": outcome, "at_once": outcome != "complete"}),
    );
}

/// A way back that opens nothing: a sentence, and not a word about anybody.
fn assert_used(reply: &Reply) {
    assert_eq!(reply.status, StatusCode::GONE, "{}", reply.text);
    assert!(
        reply.text.contains("used before or has run out"),
        "{}",
        reply.text
    );
    for word in ["Newcomer", "acct_", "TEST"] {
        assert!(!reply.text.contains(word), "{word}: {}", reply.text);
    }
    assert!(reply.headers.get(SET_COOKIE).is_none());
}

both! {
    fn a_new_tenant_is_connected_and_is_paid_on_its_own_account(world: &World) {
        Town::run(world, async |town| {
            let (scope, key) = newcomer(&town, "Newcomer IT").await;
            assert_eq!(status(&town, &key).await["status"], "not_connected");
            town.api(&key, Method::POST, LINK, Value::Null).await.assert_refused(409, "not_connected", None);

            let (account, back, _) = set_out(&town, &key).await;
            let again = create(&town, &key).await;
            assert_eq!(again.status, StatusCode::OK, "asked again, it is the same account");
            assert_eq!(again.body["stripe_account_id"], account.as_str());
            let needs = status(&town, &key).await;
            assert_eq!((&needs["status"], &needs["ready"]), (&json!("needs_information"), &json!(false)));
            assert_eq!(needs["origin"], "created");
            let titles = needs["requirements"].to_string();
            assert!(titles.contains("Bank account for payouts") && titles.contains("Tax number"), "{titles}");

            onboard(&town, &account, "complete");
            let returned = visit(&town, Method::GET, &back, None).await;
            assert_eq!(returned.status, StatusCode::SEE_OTHER, "{}", returned.text);
            assert_eq!(returned.headers[LOCATION], "/connect/status");
            let cookie = cookie_of(&returned);
            let page = visit(&town, Method::GET, "/connect/status", Some(&cookie)).await;
            assert_eq!(page.status, StatusCode::OK);
            assert!(page.text.contains("Stripe is checking what you gave"), "not done: {}", page.text);
            assert!(page.text.contains("Newcomer IT") && !page.text.contains("data-final"));

            town.advance_ms(4_000);
            let panel = async || visit(&town, Method::GET, "/connect/status/panel", Some(&cookie)).await.text;
            town.until("ready", async || panel().await.contains("Ready to take payments")).await;
            assert!(panel().await.contains("data-final"));
            let ready = status(&town, &key).await;
            assert_eq!((&ready["ready"], &ready["charges_enabled"]), (&json!(true), &json!(true)));
            assert_eq!(ready["capabilities"]["card_payments"], "active");
            assert_eq!(ready["requirements"], json!([]));

            let body = json!({"name": "Harbor Dental", "email": "a@harbordental.example"});
            let client = town.api(&key, Method::POST, "/api/clients", body).await;
            let client_id = client.body["id"].as_str().unwrap().to_owned();
            let msp = Msp { scope, key, account, client_id };
            let invoice = town.invoice_of(&msp, 12_345, "usd").await;
            let path = format!("/api/invoices/{invoice}/pay-link");
            let link = town.api(&msp.key, Method::POST, &path, Value::Null).await;
            let link = link.body["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
            let paid = town.pay(&link, &town.token_of(&msp, "pm_card_visa"), 12_345, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            assert_eq!(paid.body["stripe_account"], msp.account.as_str());
            town.until_quiet().await;
            town.assert_books().await;
        });
    }

    fn the_account_is_made_as_agreed_and_without_a_bank_detail(world: &World) {
        Town::run(world, async |town| {
            let (scope, key) = newcomer(&town, "Newcomer IT").await;
            create(&town, &key).await;
            let sent = town.requests();
            let made: Vec<&Value> = sent
                .iter()
                .filter(|request| request["path"] == "/v1/accounts" && request["method"] == "POST")
                .collect();
            assert_eq!(made.len(), 1);
            let key_sent = format!("connect:{}:test:account:1", scope.tenant);
            assert_eq!((&made[0]["account"], &made[0]["idempotency_key"]), (&Value::Null, &json!(key_sent)));
            let body = made[0]["body"].as_str().unwrap();
            for part in [
                "controller%5Bfees%5D%5Bpayer%5D=account",
                "controller%5Blosses%5D%5Bpayments%5D=stripe",
                "controller%5Bstripe_dashboard%5D%5Btype%5D=full",
                "capabilities%5Bcard_payments%5D%5Brequested%5D=true",
                "capabilities%5Btransfers%5D%5Brequested%5D=true",
                "country=US",
                "business_profile%5Bname%5D=Newcomer+IT",
                &format!("metadata%5Btenant_id%5D={}", scope.tenant),
            ] {
                assert!(body.contains(part), "{part}: {body}");
            }
            for (field, value) in [
                ("external_account", json!("btok_1")),
                ("bank_account", json!({"account_number": "000123456789"})),
                ("return_to", json!("https://elsewhere.example")),
            ] {
                for path in [ACCOUNT, LINK] {
                    let refused = town.api(&key, Method::POST, path, json!({ field: value })).await;
                    refused.assert_refused(400, "invalid_body", Some(field));
                }
            }
            for (field, value) in [
                ("country", json!("USA")),
                ("email", json!("nobody")),
                ("business_type", json!("hobby")),
            ] {
                let refused = town.api(&key, Method::POST, ACCOUNT, json!({ field: value })).await;
                refused.assert_refused(422, "invalid_field", Some(field));
            }
        });
    }

    fn a_way_back_is_good_once_for_a_day_and_tells_nothing_afterwards(world: &World) {
        Town::run(world, async |town| {
            let (_, key) = newcomer(&town, "Newcomer IT").await;
            let (_, back, again) = set_out(&town, &key).await;
            let foreign = back.split('=').next().unwrap().to_owned();
            let crossed = again.replace("/connect/refresh", "/connect/return");
            for path in [
                "/connect/return".to_owned(),
                format!("{foreign}="),
                format!("{foreign}={}", "0".repeat(64)),
                crossed,
            ] {
                assert_used(&visit(&town, Method::GET, &path, None).await);
            }
            assert_eq!(visit(&town, Method::GET, &back, None).await.status, StatusCode::SEE_OTHER);
            assert_used(&visit(&town, Method::GET, &back, None).await);

            let before = town.requests().len();
            let renewed = visit(&town, Method::GET, &again, None).await;
            assert_eq!(renewed.status, StatusCode::SEE_OTHER, "{}", renewed.text);
            let to = renewed.headers[LOCATION].to_str().unwrap().to_owned();
            assert!(to.starts_with(&format!("{}/setup/s/acct_", town.stripe_url)), "{to}");
            assert_eq!(town.requests().len(), before + 1, "a new link was made");
            assert_used(&visit(&town, Method::GET, &again, None).await);

            let (late, _) = ways_back(&town);
            town.advance_ms(24 * 60 * 60 * 1000);
            assert_used(&visit(&town, Method::GET, &late, None).await);
        });
    }

    fn who_came_back_sees_their_own_account_for_an_hour_and_nobody_elses(world: &World) {
        Town::run(world, async |town| {
            let (_, key) = newcomer(&town, "Newcomer IT").await;
            let (account, back, _) = set_out(&town, &key).await;
            let returned = visit(&town, Method::GET, &back, None).await;
            let set = returned.headers[SET_COOKIE].to_str().unwrap().to_owned();
            assert!(set.contains("; HttpOnly; SameSite=Lax") && set.contains("Path=/connect"), "{set}");
            let cookie = cookie_of(&returned);
            let page = visit(&town, Method::GET, "/connect/status", Some(&cookie)).await;
            assert!(page.text.contains("Stripe still needs") && page.text.contains("Continue with Stripe"));
            let policy = page.headers["content-security-policy"].to_str().unwrap();
            assert!(policy.contains("script-src 'self';") && policy.contains("frame-ancestors 'none'"));
            assert!(!page.text.contains("<script>") && !page.text.contains(&account));
            let state = back.split('=').next_back().unwrap();
            for cookie in [None, Some("psa_pay_connect="), Some(&*format!("psa_pay_connect={state}"))] {
                for path in ["/connect/status", "/connect/status/panel"] {
                    let refused = visit(&town, Method::GET, path, cookie).await;
                    assert_eq!(refused.status, StatusCode::GONE, "{cookie:?}: {}", refused.text);
                    assert!(!refused.text.contains("Newcomer"), "{}", refused.text);
                }
            }
            let on = visit(&town, Method::POST, "/connect/continue", Some(&cookie)).await;
            assert_eq!(on.status, StatusCode::SEE_OTHER, "{}", on.text);
            let to = on.headers[LOCATION].to_str().unwrap();
            assert!(to.starts_with(&format!("{}/setup/s/{account}/", town.stripe_url)), "{to}");
            assert_used(&visit(&town, Method::POST, "/connect/continue", None).await);
            town.advance_ms(60 * 60 * 1000);
            assert_used(&visit(&town, Method::GET, "/connect/status", Some(&cookie)).await);
        });
    }

    fn half_done_failed_and_declined_are_told_apart_and_say_what_to_do(world: &World) {
        Town::run(world, async |town| {
            let (_, key) = newcomer(&town, "Newcomer IT").await;
            let (account, back, _) = set_out(&town, &key).await;
            onboard(&town, &account, "partial");
            let cookie = cookie_of(&visit(&town, Method::GET, &back, None).await);
            let page = async || visit(&town, Method::GET, "/connect/status", Some(&cookie)).await.text;
            let half = until_status(&town, &key, "needs_information").await;
            assert!(half["headline"].as_str().unwrap().starts_with("Stripe still needs "), "{half}");
            assert!(page().await.contains("Bank account for payouts"));

            onboard(&town, &account, "errors");
            town.until("the document", async || page().await.contains("Identity document")).await;
            let failed = until_status(&town, &key, "needs_information").await;
            assert!(!failed["problems"].as_array().unwrap().is_empty(), "{failed}");
            assert!(page().await.contains("clear colour photo"));

            onboard(&town, &account, "rejected");
            let declined = until_status(&town, &key, "declined").await;
            assert_eq!(declined["headline"], "Stripe has declined this account");
            let text = page().await;
            assert!(text.contains("Only Stripe's support"), "{text}");
            assert!(!text.contains("Continue with Stripe"), "{text}");
            let refused = town.api(&key, Method::POST, LINK, Value::Null).await;
            refused.assert_refused(409, "onboarding_refused", None);
        });
    }

    fn an_answer_that_is_lost_reads_being_created_until_it_is_found_out(world: &World) {
        Town::run(world, async |town| {
            let (scope, key) = newcomer(&town, "Newcomer IT").await;
            let fault =
                json!({"effect": "lose_answer", "method": "POST", "path": "/v1/accounts", "count": 3});
            town.control("POST", "/_simulator/faults", fault);
            let asked = create(&town, &key).await;
            assert_eq!(asked.status, StatusCode::ACCEPTED, "{}", asked.text);
            assert_eq!(asked.body["status"], "being_created");
            assert!(asked.body["stripe_account_id"].is_null());
            town.advance_ms(10_000);
            until_status(&town, &key, "needs_information").await;
            assert_eq!(create(&town, &key).await.status, StatusCode::OK);
            let all = town.stripe("GET", "/v1/accounts?limit=100", None, "");
            let ours = |account: &&Value| account["metadata"]["tenant_id"] == scope.tenant.as_str();
            assert_eq!(all["data"].as_array().unwrap().iter().filter(ours).count(), 1);
        });
    }

    fn an_account_belongs_to_one_tenant(world: &World) {
        Town::run(world, async |town| {
            let (scope, key) = newcomer(&town, "Newcomer IT").await;
            let by = By::new(Actor::CommandLine);
            let taken = onboarding::connect(&town.app, &scope, &by, &town.msp.account).await;
            let problem = match taken {
                Err(Failure::Refused(refusal)) => refusal,
                other => panic!("{other:?}"),
            };
            assert_eq!(problem.code(), "account_taken");
            const NOTED: Sql =
                Sql::new("select count(*) as n from audit_log where action = 'account.refused_as_taken'");
            assert_eq!(town.number(&NOTED).await, 1);
            assert_eq!(status(&town, &key).await["status"], "not_connected");
            let own = status(&town, &town.msp.key).await;
            assert_eq!(own["stripe_account_id"], town.msp.account.as_str());
        });
    }

    fn what_happens_to_an_account_changes_its_own_tenant_only(world: &World) {
        const KEPT: Sql = Sql::new(
            "select charges_enabled, payouts_enabled, requirements, updated_at from stripe_config
             where tenant_id = $1 and livemode = 0",
        );
        Town::run(world, async |town| {
            let other = town.add_msp("Southwind", "usd").await;
            let row = async |msp: &Msp| {
                let tenant = msp.scope.tenant.clone();
                let read = town.app.db.read(move |tx| tx.one(&KEPT, binds![&tenant]));
                read.await.unwrap_or_else(|error: store::Error| panic!("{error}"))
            };
            let before = row(&other).await;
            let path = format!("/_simulator/accounts/{}", town.msp.account);
            town.control("POST", &path, json!({"charges_enabled": false, "disabled_reason": "listed"}));
            until_status(&town, &town.msp.key, "in_review").await;
            town.until_quiet().await;
            assert_eq!(row(&other).await, before);
            assert_eq!(status(&town, &other.key).await["status"], "ready");
            town.control("POST", &path, json!({"charges_enabled": true}));
            until_status(&town, &town.msp.key, "ready").await;
        });
    }

    fn every_call_names_the_account_that_it_is_about(world: &World) {
        const OF_THE_PLATFORM: [&str; 3] = ["/v1/accounts", "/v1/account_links", "/v1/application_fees"];
        Town::run(world, async |town| {
            let (_, key) = newcomer(&town, "Newcomer IT").await;
            set_out(&town, &key).await;
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            town.pay(&link, &town.token("pm_card_threeDSecure2Required"), 12_345, "usd").await;
            town.check(&link).await;
            town.command(&invoice, "payment-intent").await;
            town.command(&invoice, "void").await;
            town.until_quiet().await;
            let sent = town.requests();
            let ours = |request: &&Value| {
                let path = request["path"].as_str().unwrap_or_default();
                path.starts_with("/v1/") && !path.starts_with("/v1/test_helpers/")
            };
            let mut kinds = [0, 0];
            for request in sent.iter().filter(ours) {
                let path = request["path"].as_str().unwrap();
                let platforms = OF_THE_PLATFORM.iter().any(|own| path.starts_with(own));
                let account = request["account"].as_str();
                match platforms {
                    true => assert_eq!(account, None, "{request}"),
                    false => assert_eq!(account, Some(&*town.msp.account), "{request}"),
                }
                kinds[usize::from(platforms)] += 1;
            }
            assert!(kinds[0] >= 4 && kinds[1] >= 3, "{kinds:?}");
        });
    }

    fn without_a_public_name_wallets_are_said_to_be_off(world: &World) {
        Town::run(world, async |town| {
            let wallets = status(&town, &town.msp.key).await["wallets"].clone();
            assert_eq!((&wallets["domain"], &wallets["apple_pay"]), (&Value::Null, &json!("not_registered")));
            assert!(wallets["note"].as_str().unwrap().contains("public host name"), "{wallets}");
            let sent = town.requests();
            let asked = |request: &&Value| request["path"].to_string().contains("payment_method_domains");
            assert_eq!(sent.iter().filter(asked).count(), 0);
        });
    }

    fn a_creation_that_stripe_kept_a_failure_of_says_how_long_it_takes_to_find_out(world: &World) {
        Town::run(world, async |town| {
            let (_, key) = newcomer(&town, "Newcomer IT").await;
            let fault = json!({"effect": "error500", "method": "POST", "path": "/v1/accounts", "count": 1});
            town.control("POST", "/_simulator/faults", fault);
            let asked = create(&town, &key).await;
            assert_eq!(asked.status, StatusCode::ACCEPTED, "{}", asked.text);
            let next = asked.body["next_step"].as_str().unwrap();
            assert!(next.ends_with("Stripe is asked again within ten minutes."), "{next}");
            town.advance_ms(6 * 60_000);
            let next = status(&town, &key).await["next_step"].clone();
            assert!(next.as_str().unwrap().ends_with("within five minutes."), "{next}");
            town.advance_ms(5 * 60_000);
            until_status(&town, &key, "not_connected").await;
            assert_eq!(create(&town, &key).await.status, StatusCode::CREATED, "it may be asked for anew");
        });
    }

    fn a_stopped_tenant_reads_that_it_is_not_ready_and_a_closed_one_sees_no_form(world: &World) {
        Town::run(world, async |town| {
            let (by, tenant) = (By::new(Actor::CommandLine), &town.msp.scope.tenant);
            tenants::set(&town.app, &by, tenant, TenantMove::Suspend, None).await.unwrap();
            let stopped = status(&town, &town.msp.key).await;
            assert_eq!((&stopped["status"], &stopped["ready"]), (&json!("paused"), &json!(false)));
            assert_eq!(stopped["charges_enabled"], true, "the account itself is fine");
            assert!(stopped["next_step"].as_str().unwrap().contains("your provider"), "{stopped}");

            let (scope, key) = newcomer(&town, "Newcomer IT").await;
            let (_, _, again) = set_out(&town, &key).await;
            let links = || {
                let sent = town.requests();
                sent.iter().filter(|request| request["path"] == "/v1/account_links").count()
            };
            let before = links();
            tenants::set(&town.app, &by, &scope.tenant, TenantMove::Close, None).await.unwrap();
            let closed = visit(&town, Method::GET, &again, None).await;
            assert_eq!(closed.status, StatusCode::CONFLICT, "{}", closed.text);
            assert!(closed.text.contains("Stripe does not open its form"), "{}", closed.text);
            assert_eq!(links(), before);
        });
    }

    fn an_address_with_two_states_is_answered_with_a_page(world: &World) {
        Town::run(world, async |town| {
            let (_, key) = newcomer(&town, "Newcomer IT").await;
            let (_, back, _) = set_out(&town, &key).await;
            let state = back.split('=').next_back().unwrap();
            for page in ["return", "refresh", "oauth/callback"] {
                let path = format!("/connect/{page}?state={state}&state={state}");
                let twice = visit(&town, Method::GET, &path, None).await;
                assert_eq!(twice.status, StatusCode::BAD_REQUEST, "{}", twice.text);
                assert!(twice.headers["content-type"].to_str().unwrap().starts_with("text/html"));
                assert!(twice.text.contains("This address cannot be read"), "{}", twice.text);
            }
            let returned = visit(&town, Method::GET, &back, None).await;
            assert_eq!(returned.status, StatusCode::SEE_OTHER, "the state is still good");
        });
    }
}
