//! The operator's side: tenants are made, suspended, resumed and closed with a platform key, which is made on
//! the command line.

use std::process::Command;

use domain::tenant::TenantMove;
use flows::{Actor, By, platform_keys, tenants};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::routes::{self, Who};
use store::Sql;
use store::db::Engine;

use crate::connecting::newcomer;
use crate::engines::World;
use crate::town::{Reply, Town, Wishes};

pub async fn platform_key(town: &Town) -> String {
    let made = platform_keys::create(&town.app, &By::new(Actor::CommandLine), "Test").await;
    made.unwrap().1.expose().to_owned()
}

/// A command on the town's tenant, as the operator gives it.
async fn order(town: &Town, key: &str, verb: &str) -> Reply {
    let path = format!("/api/tenants/{}/{verb}", town.msp.scope.tenant);
    let body = match verb {
        "resume" => Value::Null,
        _ => json!({"reason": "Unpaid bills"}),
    };
    town.api(key, Method::POST, &path, body).await
}

async fn get(town: &Town, key: &str, path: &str) -> Reply {
    town.api(key, Method::GET, path, Value::Null).await
}

/// A draft, an open invoice and its pay link.
async fn work(town: &Town) -> (String, String, String) {
    let draft = json!({"client_id": town.msp.client_id, "currency": "usd",
        "lines": [{"description": "Managed workplace", "quantity": "1", "unit_price": 100}]});
    let drafted = town
        .api(&town.msp.key, Method::POST, "/api/invoices", draft)
        .await;
    let draft = drafted.body["id"].as_str().unwrap().to_owned();
    let invoice = town.invoice(12_345, "usd").await;
    let link = town.link(&invoice).await;
    (draft, invoice, link)
}

/// The binary, configured for the town's database.
fn command(world: &World, arguments: &[&str]) -> (bool, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_psa-pay"))
        .env_clear()
        .env("DATABASE_URL", &world.url)
        .env("STRIPE_TEST_SECRET_KEY", "sk_test_psapay_demo")
        .env("STRIPE_TEST_PUBLISHABLE_KEY", "pk_test_psapay_demo")
        .env("STRIPE_TEST_WEBHOOK_SECRET", "whsec_psapay_demo_test")
        .env("SECRET_KEY", "a_secret_key_of_a_test_long_enough_for_it")
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .arg("platform-key")
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

both! {
    fn the_operator_makes_a_tenant_with_its_first_keys(world: &World) {
        Town::run(world, async |town| {
            let key = platform_key(&town).await;
            let body = json!({"name": "Prairie Networks", "support_email": "help@prairie.example",
                "with_api_keys": true});
            let made = town.api(&key, Method::POST, "/api/tenants", body).await;
            assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
            let id = made.body["id"].as_str().unwrap();
            let shown = ["status", "support_email", "accounts"].map(|field| made.body[field].clone());
            let none = json!({"test": null, "live": null});
            assert_eq!(shown, [json!("active"), json!("help@prairie.example"), none]);
            let keys = made.body["api_keys"].as_array().unwrap();
            for (first, mode) in keys.iter().zip(["test", "live"]) {
                let secret = first["secret"].as_str().unwrap();
                assert!(secret.starts_with(&format!("ppk_{mode}_")), "{first}");
                assert_eq!(first["permissions"], json!(["all"]));
                assert_eq!(get(&town, secret, "/api/invoices").await.body["data"], json!([]));
            }
            assert_eq!(keys.len(), 2);

            let path = format!("/api/tenants/{id}");
            let read = get(&town, &key, &path).await;
            assert!(read.body["api_keys"].is_null() && !read.text.contains("ppk_"), "{}", read.text);
            let body = json!({"mode": "live", "name": "Second", "permissions": ["invoices:read"]});
            let second = town.api(&key, Method::POST, &format!("{path}/keys"), body).await;
            assert!(second.body["secret"].as_str().unwrap().starts_with("ppk_live_"), "{}", second.text);

            let first_page = get(&town, &key, "/api/tenants?limit=1").await;
            assert_eq!(first_page.body["data"][0]["id"], id);
            assert_eq!(first_page.body["has_more"], true);
            let rest = get(&town, &key, &format!("/api/tenants?after={id}")).await;
            let old = &rest.body["data"][0];
            assert_eq!(old["id"], town.msp.scope.tenant.as_str());
            assert_eq!(old["accounts"]["test"]["stripe_account"], town.msp.account.as_str());
            assert_eq!(old["accounts"]["test"]["can_take_payments"], true);
            assert_eq!(rest.body["has_more"], false);
            const NOTED: Sql = Sql::new(
                "select count(*) as n from audit_log where actor = 'platform_key' and action in
                   ('tenant.created', 'api_key.created')",
            );
            assert_eq!(town.number(&NOTED).await, 4);
        });
    }

    fn a_suspended_tenant_begins_nothing_and_reads_everything(world: &World) {
        Town::run(world, async |town| {
            let key = platform_key(&town).await;
            let (draft, invoice, link) = work(&town).await;
            let suspended = order(&town, &key, "suspend").await;
            assert_eq!(suspended.body["status"], "suspended", "{}", suspended.text);
            assert_eq!(suspended.body["status_reason"], "Unpaid bills");
            let able = |reply: &Reply| reply.body["accounts"]["test"]["can_take_payments"].clone();
            assert_eq!(able(&suspended), false);
            // A look at the page is noted, once a minute.
            town.public(Method::GET, &format!("/pay/{link}"), Value::Null).await;
            let before = town.contents(town.msp.scope.mode).await;
            let new = json!({"client_id": town.msp.client_id, "currency": "usd"});
            let refused = town.api(&town.msp.key, Method::POST, "/api/invoices", new).await;
            refused.assert_refused(403, "tenant_suspended", None);
            town.command(&draft, "finalize").await.assert_refused(403, "tenant_suspended", None);
            town.command(&invoice, "payment-intent").await.assert_refused(403, "tenant_suspended", None);
            let refused = town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
            refused.assert_refused(409, "payments_unavailable", None);
            assert!(!refused.text.contains("suspended"), "a payer reads why: {}", refused.text);
            let page = town.public(Method::GET, &format!("/pay/{link}"), Value::Null).await;
            assert!(!page.text.contains("id=\"submit\""), "{}", page.text);
            assert!(!page.text.contains("suspended"), "{}", page.text);
            assert_eq!(town.look(&link).await.body["state"], "unavailable");
            for path in ["/api/invoices", "/api/clients", "/api/payments", "/api/keys"] {
                assert_eq!(get(&town, &town.msp.key, path).await.status, StatusCode::OK, "{path}");
            }
            let account = "/api/stripe/connect/account";
            let refused = town.api(&town.msp.key, Method::POST, account, json!({})).await;
            refused.assert_refused(403, "tenant_suspended", None);
            assert!(refused.text.contains("no Stripe account is connected"), "{}", refused.text);
            assert_eq!(town.contents(town.msp.scope.mode).await, before);
            assert!(town.intents().is_empty());

            let resumed = order(&town, &key, "resume").await;
            assert_eq!(resumed.body["status"], "active", "{}", resumed.text);
            assert_eq!(resumed.body["status_reason"], Value::Null);
            assert_eq!(able(&resumed), true);
            let paid = town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            town.assert_books().await;
        });
    }

    fn a_suspended_tenant_gets_no_account_made_and_one_that_was_being_made_is_found(world: &World) {
        Town::run(world, async |town| {
            let (scope, key) = newcomer(&town, "Newcomer IT").await;
            let (by, account) = (By::new(Actor::CommandLine), "/api/stripe/connect/account");
            let set = async |to| tenants::set(&town.app, &by, &scope.tenant, to, None).await.unwrap();
            let create = async || town.api(&key, Method::POST, account, json!({})).await;
            let made = || {
                let made = |sent: &&Value| sent["method"] == "POST" && sent["path"] == "/v1/accounts";
                town.requests().iter().filter(made).count()
            };
            set(TenantMove::Suspend).await;
            create().await.assert_refused(403, "tenant_suspended", None);
            assert_eq!(made(), 0, "Stripe was asked");
            set(TenantMove::Resume).await;
            // What was asked for before the tenant was suspended is found out and kept.
            let fault = json!({"effect": "lose_answer", "method": "POST", "path": "/v1/accounts",
                "count": 3});
            town.control("POST", "/_simulator/faults", fault);
            assert_eq!(create().await.status, StatusCode::ACCEPTED);
            set(TenantMove::Suspend).await;
            create().await.assert_refused(403, "tenant_suspended", None);
            town.control("DELETE", "/_simulator/faults", Value::Null);
            town.until("the account is known", async || {
                town.advance_ms(60_000);
                get(&town, &key, "/api/stripe/connect/status").await.body["stripe_account_id"].is_string()
            })
            .await;
            create().await.assert_refused(403, "tenant_suspended", None);
            set(TenantMove::Resume).await;
            assert_eq!(create().await.status, StatusCode::OK, "it is there");
            town.assert_nothing_open().await;
        });
    }

    fn a_payment_at_the_bank_finishes_after_its_tenant_was_suspended_or_closed(world: &World) {
        Town::run(world, async |town| {
            let key = platform_key(&town).await;
            for verb in ["suspend", "close"] {
                let invoice = town.invoice(12_345, "usd").await;
                let link = town.link(&invoice).await;
                let token = town.token("pm_card_authenticationRequired");
                let asked = town.pay(&link, &token, 12_345, "usd").await;
                assert_eq!(asked.body["status"], "requires_action", "{}", asked.text);
                assert_eq!(order(&town, &key, verb).await.status, StatusCode::OK);
                assert_eq!(town.look(&link).await.body["state"], "continue");
                town.challenge(town.intents()[0]["id"].as_str().unwrap(), "complete");
                town.until("the payment is booked", async || town.look(&link).await.body["state"] == "paid")
                    .await;
                if verb == "suspend" {
                    order(&town, &key, "resume").await;
                }
            }
            town.until_quiet().await;
            assert_eq!(town.charges().len(), 2);
            town.assert_nothing_open().await;
            town.assert_books().await;
        });
    }

    fn a_closed_tenant_keeps_its_history_and_stays_closed(world: &World) {
        Town::run_as(world, Wishes { deliveries: false, ..Wishes::default() }, async |town| {
            let key = platform_key(&town).await;
            let (_, _, link) = work(&town).await;
            let before = town.contents(town.msp.scope.mode).await;
            let closed = order(&town, &key, "close").await;
            assert_eq!(closed.body["status"], "closed", "{}", closed.text);
            get(&town, &town.msp.key, "/api/invoices").await.assert_refused(401, "api_key_revoked", None);
            assert_eq!(town.look(&link).await.body["state"], "unavailable");
            let refused = town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
            refused.assert_refused(409, "payments_unavailable", None);
            assert_eq!(town.contents(town.msp.scope.mode).await, before, "history is gone");

            // What Stripe reports of the account goes on being recorded, and stays the tenant's.
            town.stripe("POST", "/v1/customers", Some(&town.msp.account), "name=Shop");
            town.control(
                "POST",
                &format!("/_simulator/accounts/{}", town.msp.account),
                json!({"charges_enabled": false}),
            );
            let event = town.event("account.updated").to_string();
            let secret = server::demo::TEST_WEBHOOK_SECRET;
            assert_eq!(town.deliver_signed(secret, event.as_bytes()).await.status, StatusCode::OK);
            town.until_quiet().await;
            let path = format!("/api/tenants/{}", town.msp.scope.tenant);
            let read = get(&town, &key, &path).await;
            assert_eq!(read.body["accounts"]["test"]["charges_enabled"], false, "{}", read.text);

            for verb in ["suspend", "resume"] {
                order(&town, &key, verb).await.assert_refused(409, "tenant_closed", None);
            }
            let body = json!({"mode": "test", "name": "Late", "permissions": "all"});
            let late = town.api(&key, Method::POST, &format!("{path}/keys"), body).await;
            late.assert_refused(409, "tenant_closed", None);
            assert_eq!(order(&town, &key, "close").await.body, read.body, "closing again changes nothing");
            const IN_FORCE: Sql = Sql::new("select count(*) as n from api_keys where revoked_at is null");
            assert_eq!(town.number(&IN_FORCE).await, 0);
        });
    }

    fn each_kind_of_key_opens_its_own_routes_only(world: &World) {
        Town::run(world, async |town| {
            let key = platform_key(&town).await;
            let by = By::new(Actor::CommandLine);
            let revoked = platform_keys::create(&town.app, &by, "Old").await.unwrap();
            platform_keys::revoke(&town.app, &by, &revoked.0.id).await.unwrap();
            const TENANTS: Sql = Sql::new("select id, name, status from tenants order by id");
            let before = (town.contents(town.msp.scope.mode).await, town.rows(&TENANTS).await);
            let mut asked = 0;
            for route in routes::all() {
                let path = route.path.replace("{id}", town.msp.scope.tenant.as_str());
                let call = async |key: &str| town.api(key, route.method.clone(), &path, Value::Null).await;
                match route.who {
                    Who::Platform => {
                        call(&town.msp.key).await.assert_refused(403, "platform_key_needed", None);
                        let unknown = format!("ppk_platform_{}", "0".repeat(64));
                        for none in ["", "ppk_platform_", &unknown, "sk_test_psapay_demo"] {
                            call(none).await.assert_refused(401, "unauthorized", None);
                        }
                        call(revoked.1.expose()).await.assert_refused(401, "api_key_revoked", None);
                        asked += 1;
                    }
                    Who::Key(_) | Who::KeyItselfOr(_) => {
                        call(&key).await.assert_refused(403, "tenant_key_needed", None);
                        asked += 1;
                    }
                    Who::Metrics => {
                        for wrong in [key.as_str(), &town.msp.key, ""] {
                            call(wrong).await.assert_refused(401, "unauthorized", None);
                        }
                    }
                    Who::Payer | Who::Returning | Who::Stripe | Who::Anybody => {}
                    // `people::matrix` asks these.
                    Who::Person(_) | Who::Operator | Who::AnyPerson | Who::Entering | Who::Visitor => {}
                }
            }
            assert!(asked >= 20, "only {asked} routes were asked");
            assert_eq!((town.contents(town.msp.scope.mode).await, town.rows(&TENANTS).await), before);
        });
    }

    fn what_the_operator_sends_by_mistake_is_refused(world: &World) {
        Town::run(world, async |town| {
            let key = platform_key(&town).await;
            let post = async |path: &str, body: Value| town.api(&key, Method::POST, path, body).await;
            for (body, field) in [
                (json!({"name": " "}), "name"),
                (json!({"name": "x".repeat(501)}), "name"),
                (json!({"name": "Prairie", "support_email": "nobody"}), "support_email"),
            ] {
                post("/api/tenants", body).await.assert_refused(422, "invalid_field", Some(field));
            }
            let own = format!("/api/tenants/{}", town.msp.scope.tenant);
            post(&format!("{own}/suspend"), json!({"reason": ""})).await
                .assert_refused(422, "invalid_field", Some("reason"));
            let closed = post(&format!("{own}/close"), Value::Null).await;
            closed.assert_refused(400, "invalid_body", Some("reason"));
            let body = json!({"mode": "both", "name": "Key", "permissions": "all"});
            post(&format!("{own}/keys"), body).await.assert_refused(422, "invalid_field", Some("mode"));
            for id in ["ten_01m85d78yqpm4rqv1ncn4k8n3w", "ten_platform", "x"] {
                let path = format!("/api/tenants/{id}");
                get(&town, &key, &path).await.assert_refused(404, "not_found", None);
                let reason = json!({"reason": "None"});
                post(&format!("{path}/close"), reason).await.assert_refused(404, "not_found", None);
                let body = json!({"mode": "test", "name": "Key", "permissions": "all"});
                post(&format!("{path}/keys"), body).await.assert_refused(404, "not_found", None);
            }
            assert_eq!(get(&town, &key, &own).await.body["status"], "active");
        });
    }

    fn platform_keys_are_made_on_the_command_line(world: &World) {
        Town::run(world, async |town| {
            let (done, shown, said) = command(world, &["create", "--name", "Operations"]);
            if world.db.engine() == Engine::Sqlite {
                let advice = "in use by another psa-pay process; stop that one first";
                assert!(!done && said.contains(advice), "{said}");
                return;
            }
            assert!(done, "{said}");
            let secret = shown.lines().next().unwrap().to_owned();
            assert_eq!(get(&town, &secret, "/api/tenants").await.status, StatusCode::OK);
            let (_, listed, _) = command(world, &["list"]);
            assert!(listed.contains("Operations") && listed.contains("in force"), "{listed}");
            assert!(!listed.contains(&secret), "the list shows a key");
            const STORED: Sql = Sql::new("select * from platform_keys");
            assert!(!format!("{:?}", town.rows(&STORED).await).contains(&secret[20..]), "the key is stored");
            let id = listed.split_whitespace().next().unwrap();
            assert!(command(world, &["revoke", id]).0);
            get(&town, &secret, "/api/tenants").await.assert_refused(401, "api_key_revoked", None);
            let (done, _, said) = command(world, &["revoke", "pky_nobody"]);
            assert!(!done && said.contains("There is no such object"), "{said}");
        });
    }
}
