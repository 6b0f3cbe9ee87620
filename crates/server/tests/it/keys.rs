//! API keys as a tenant's software sees them: made, limited, used, revoked; and every route asked with every
//! kind of wrong key.

use domain::permission::{Permission, Permissions};
use domain::{Mode, Scope};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::routes::{self, Route, Who};
use store::Sql;

use crate::engines::World;
use crate::town::{Reply, Town, Wishes};

const MINUTE_MS: i64 = 60_000;

async fn call(town: &Town, key: &str, method: Method, path: &str) -> Reply {
    town.api(key, method, path, Value::Null).await
}

/// A key of the town's tenant with these permissions: its secret and its id.
async fn make(town: &Town, permissions: Value) -> (String, String) {
    let body = json!({"name": "Made by a test", "permissions": permissions});
    let made = town.api(&town.msp.key, Method::POST, "/api/keys", body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let text = |field: &str| made.body[field].as_str().unwrap().to_owned();
    (text("secret"), text("id"))
}

fn needs(route: &Route) -> Option<Permission> {
    match route.who {
        Who::Key(permission) | Who::KeyItselfOr(permission) => Some(permission),
        Who::Platform | Who::Payer | Who::Returning | Who::Stripe | Who::Metrics | Who::Anybody => None,
        Who::Person(_) | Who::Operator | Who::AnyPerson | Who::Entering | Who::Visitor => None,
    }
}

/// Every other permission.
fn all_but(permission: Permission) -> Permissions {
    Permissions::Only(
        Permission::ALL
            .iter()
            .copied()
            .filter(|other| *other != permission)
            .collect(),
    )
}

/// Something that exists for each address with an id, so that a wrong key could do harm.
struct Targets {
    invoice: String,
    payment: String,
    client: String,
    key: String,
}

impl Targets {
    async fn make(town: &Town) -> Targets {
        let invoice = town.invoice(12_345, "usd").await;
        let intent = town.command(&invoice, "payment-intent").await;
        Targets {
            payment: intent.body["payment_id"].as_str().unwrap().to_owned(),
            client: town.msp.client_id.clone(),
            key: make(town, json!("all")).await.1,
            invoice,
        }
    }

    fn address(&self, path: &str) -> String {
        let id = match path.split('/').nth(2) {
            Some("invoices") => &self.invoice,
            Some("payments") => &self.payment,
            Some("clients") => &self.client,
            Some("keys") => &self.key,
            Some(_) | None => "x",
        };
        path.replace("{id}", id)
    }
}

/// What a wrong key must not change.
async fn state(town: &Town) -> String {
    const KEYS: Sql = Sql::new("select id, name, permissions, revoked_at from api_keys order by id");
    let rows = (town.contents(Mode::Test).await, town.rows(&KEYS).await);
    format!("{rows:?} {:?}", town.intents())
}

both! {
    fn a_key_is_shown_once_and_only_its_hash_is_kept(world: &World) {
        Town::run(world, async |town| {
            let (secret, id) = make(&town, json!(["clients:read", "clients:write"])).await;
            let bits = secret.strip_prefix("ppk_test_").expect("the mode's prefix");
            assert_eq!(bits.len(), 64, "256 bits in hex");
            let listed = call(&town, &town.msp.key, Method::GET, "/api/keys").await;
            let newest = &listed.body["data"][0];
            assert_eq!(newest["id"], id.as_str());
            assert_eq!(newest["permissions"], json!(["clients:read", "clients:write"]));
            assert_eq!(newest["last4"], secret[secret.len() - 4..]);
            assert_eq!(newest["livemode"], false);
            assert_eq!(newest["last_used_at"], Value::Null);
            assert!(!listed.text.contains(bits), "the list shows a key");
            const STORED: Sql = Sql::new("select * from api_keys");
            assert!(!format!("{:?}", town.rows(&STORED).await).contains(bits), "the key is stored");
            assert_eq!(call(&town, &secret, Method::GET, "/api/clients").await.status, StatusCode::OK);
            let upper = call(&town, &secret.to_uppercase(), Method::GET, "/api/clients").await;
            upper.assert_refused(401, "unauthorized", None);
        });
    }

    fn every_route_refuses_every_wrong_key_and_nothing_happens(world: &World) {
        Town::run_as(world, Wishes { deliveries: false, worker: false, ..Wishes::default() }, async |town| {
            let targets = Targets::make(&town).await;
            let (revoked, id) = make(&town, json!("all")).await;
            call(&town, &town.msp.key, Method::DELETE, &format!("/api/keys/{id}")).await;
            let body = json!({"name": "Short-lived", "permissions": "all",
                "expires_at": town.app.clock.now().ms() + MINUTE_MS});
            let expired = town.api(&town.msp.key, Method::POST, "/api/keys", body).await;
            let expired = expired.body["secret"].clone();
            town.advance_ms(MINUTE_MS);
            let mut without = Vec::new();
            for permission in Permission::ALL {
                without.push((*permission, town.key_of(&town.msp.scope, all_but(*permission)).await));
            }
            let before = state(&town).await;
            let mut asked = 0;
            for route in routes::all() {
                let Some(permission) = needs(&route) else { continue };
                let path = targets.address(route.path);
                let lacking = &without.iter().find(|(of, _)| *of == permission).unwrap().1;
                let reply = call(&town, lacking, route.method.clone(), &path).await;
                reply.assert_refused(403, "permission_missing", None);
                assert!(reply.text.contains(permission.word()), "{} {path}: {}", route.method, reply.text);
                for (key, code) in [
                    (revoked.as_str(), "api_key_revoked"),
                    (expired.as_str().unwrap(), "api_key_expired"),
                    ("", "unauthorized"),
                    ("ppk_test_", "unauthorized"),
                    (&revoked[..revoked.len() - 1], "unauthorized"),
                    (&format!("ppk_test_{}", "0".repeat(64)), "unauthorized"),
                ] {
                    call(&town, key, route.method.clone(), &path).await.assert_refused(401, code, None);
                    asked += 1;
                }
                if route.method == Method::GET {
                    let head = call(&town, lacking, Method::HEAD, &path).await;
                    assert_eq!(head.status, StatusCode::FORBIDDEN, "HEAD {path}");
                }
            }
            assert!(asked >= 6 * 15, "only {asked} requests were made");
            assert_eq!(state(&town).await, before, "a refused request left something behind");
        });
    }

    fn keys_of_another_tenant_or_mode_find_nothing_on_any_route(world: &World) {
        Town::run_as(world, Wishes { deliveries: false, worker: false, ..Wishes::default() }, async |town| {
            let targets = Targets::make(&town).await;
            let other = town.add_msp("Prairie Networks", "usd").await;
            let live = Scope { tenant: town.msp.scope.tenant.clone(), mode: Mode::Live };
            let live = town.key_of(&live, Permissions::All).await;
            let before = state(&town).await;
            let draft = json!({"client_id": town.msp.client_id, "currency": "usd"});
            for route in routes::all().iter().filter(|route| needs(route).is_some()) {
                for key in [&other.key, &live] {
                    let path = targets.address(route.path);
                    if path == route.path {
                        if route.method == Method::GET && route.path.starts_with("/api/") {
                            let listed = call(&town, key, Method::GET, &path).await;
                            assert!(!listed.text.contains(town.msp.scope.tenant.as_str()), "{path}");
                            for id in [&targets.invoice, &targets.payment, &targets.client, &targets.key] {
                                assert!(!listed.text.contains(id.as_str()), "{path} shows {id}");
                            }
                        }
                        continue;
                    }
                    let body = match (&route.method, route.path) {
                        (&Method::PUT, "/api/invoices/{id}") => draft.clone(),
                        (&Method::PUT, "/api/clients/{id}") => json!({"name": "Lakeside"}),
                        _ => Value::Null,
                    };
                    let reply = town.api(key, route.method.clone(), &path, body).await;
                    reply.assert_refused(404, "not_found", None);
                }
            }
            for (path, body) in [("/api/invoices", draft), ("/api/clients", json!({"name": "Lakeside"}))] {
                let refused = town.api(&live, Method::POST, path, body).await;
                refused.assert_refused(403, "mode_not_active", None);
            }
            assert_eq!(state(&town).await, before, "a refused request left something behind");
        });
    }

    fn with_the_one_permission_of_a_route_it_is_open(world: &World) {
        Town::run(world, async |town| {
            for route in routes::all() {
                let Some(permission) = needs(&route) else { continue };
                let key = town.key_of(&town.msp.scope, Permissions::Only([permission].into())).await;
                let path = route.path.replace("{id}", "x");
                let reply = call(&town, &key, route.method.clone(), &path).await;
                let status = reply.status.as_u16();
                assert!(![401, 403, 500].contains(&status), "{} {path}: {}", route.method, reply.text);
            }
        });
    }

    fn a_key_gives_nothing_that_it_has_not(world: &World) {
        Town::run(world, async |town| {
            let (key, _) = make(&town, json!(["keys:write", "clients:read"])).await;
            let ask = async |permissions: Value| {
                let body = json!({"name": "Child", "permissions": permissions});
                town.api(&key, Method::POST, "/api/keys", body).await
            };
            assert_eq!(ask(json!(["clients:read"])).await.status, StatusCode::CREATED);
            for (wanted, lacks) in [
                (json!("all"), "all"),
                (json!(["all"]), "all"),
                (json!(["clients:read", "invoices:read"]), "invoices:read"),
            ] {
                let refused = ask(wanted).await;
                refused.assert_refused(403, "permission_missing", None);
                let lacks = format!("the permission {lacks}.");
                assert!(refused.text.contains(&lacks), "{}", refused.text);
            }
            // A key that ends makes none that goes on after it.
            let end = town.app.clock.now().ms() + 60_000;
            let body = json!({"name": "Short", "permissions": ["keys:write"], "expires_at": end});
            let short = town.api(&town.msp.key, Method::POST, "/api/keys", body).await;
            let short = short.body["secret"].as_str().unwrap_or_else(|| panic!("{}", short.text)).to_owned();
            for (expires_at, status) in [(json!(null), 422), (json!(end + 1), 422), (json!(end), 201)] {
                let body = json!({"name": "Child", "permissions": ["keys:write"], "expires_at": expires_at});
                let made = town.api(&short, Method::POST, "/api/keys", body).await;
                assert_eq!(made.status.as_u16(), status, "{}", made.text);
            }
            let unknown = ask(json!(["clients:read", "clients:wrte"])).await;
            unknown.assert_refused(422, "invalid_field", Some("permissions[1]"));
            assert!(unknown.text.contains("clients:wrte"), "{}", unknown.text);
            ask(json!([])).await.assert_refused(422, "invalid_field", Some("permissions"));
            ask(json!(5)).await.assert_refused(400, "invalid_body", Some("permissions"));
            for (body, field) in [
                (json!({"name": "", "permissions": "all"}), "name"),
                (json!({"name": "x".repeat(101), "permissions": "all"}), "name"),
                (json!({"name": "Old", "permissions": "all", "expires_at": 1}), "expires_at"),
            ] {
                let refused = town.api(&town.msp.key, Method::POST, "/api/keys", body).await;
                refused.assert_refused(422, "invalid_field", Some(field));
            }
        });
    }

    fn a_revoked_key_is_refused_at_once_by_every_instance(world: &World) {
        Town::run(world, async |town| {
            let second = town.again(world).await;
            let (key, id) = make(&town, json!("all")).await;
            for instance in [&town, &second] {
                let path = "/api/clients";
                assert_eq!(call(instance, &key, Method::GET, path).await.status, StatusCode::OK);
            }
            let path = format!("/api/keys/{id}");
            let revoked = call(&town, &town.msp.key, Method::DELETE, &path).await;
            assert!(revoked.body["revoked_at"].is_i64(), "{}", revoked.text);
            for instance in [&second, &town] {
                let refused = call(instance, &key, Method::GET, "/api/clients").await;
                refused.assert_refused(401, "api_key_revoked", None);
            }
            let again = call(&town, &town.msp.key, Method::DELETE, &path).await;
            assert_eq!(again.body["revoked_at"], revoked.body["revoked_at"], "a second time changes nothing");
        });
    }

    fn a_key_may_revoke_itself_and_the_last_one_too(world: &World) {
        Town::run(world, async |town| {
            let (reader, id) = make(&town, json!(["clients:read"])).await;
            let (_, other) = make(&town, json!(["clients:read"])).await;
            let refused = call(&town, &reader, Method::DELETE, &format!("/api/keys/{other}")).await;
            refused.assert_refused(403, "permission_missing", None);
            let path = format!("/api/keys/{id}");
            assert_eq!(call(&town, &reader, Method::DELETE, &path).await.status, StatusCode::OK);
            call(&town, &reader, Method::DELETE, &path).await.assert_refused(401, "api_key_revoked", None);
            let listed = call(&town, &town.msp.key, Method::GET, "/api/keys").await;
            for key in listed.body["data"].as_array().unwrap() {
                let path = format!("/api/keys/{}", key["id"].as_str().unwrap());
                assert_eq!(call(&town, &town.msp.key, Method::DELETE, &path).await.status, StatusCode::OK);
            }
            let refused = call(&town, &town.msp.key, Method::GET, "/api/keys").await;
            refused.assert_refused(401, "api_key_revoked", None);
            const IN_FORCE: Sql = Sql::new("select count(*) as n from api_keys where revoked_at is null");
            assert_eq!(town.number(&IN_FORCE).await, 0);
        });
    }

    fn the_last_use_is_written_once_a_minute_and_its_failure_fails_nothing(world: &World) {
        const USED: Sql =
            Sql::new("select max(last_used_at) as used from api_keys where name = 'Made by a test'");
        const NEVER: Sql = Sql::per_engine(
            "create trigger no_use before update of last_used_at on api_keys
             begin select raise(abort, 'no'); end",
            "alter table api_keys add constraint no_use check (last_used_at < 0) not valid",
        );
        Town::run(world, async |town| {
            let (key, _) = make(&town, json!(["clients:read"])).await;
            let used = async || town.rows(&USED).await[0].int_opt("used").unwrap();
            let get = async || call(&town, &key, Method::GET, "/api/clients").await.status;
            assert_eq!(get().await, StatusCode::OK);
            town.until("the first use", async || used().await.is_some()).await;
            let first = used().await;
            town.advance_ms(MINUTE_MS / 2);
            assert_eq!((get().await, used().await), (StatusCode::OK, first));
            town.advance_ms(MINUTE_MS / 2);
            assert_eq!(get().await, StatusCode::OK);
            town.until("the use a minute later", async || used().await > first).await;
            let second = used().await;
            assert!(second.unwrap() - first.unwrap() >= MINUTE_MS);

            town.app.db.write(|tx| tx.execute(&NEVER, &[])).await.unwrap();
            town.advance_ms(2 * MINUTE_MS);
            for _ in 0..3 {
                assert_eq!((get().await, used().await), (StatusCode::OK, second));
            }
        });
    }
}

#[test]
fn what_needs_no_key_is_known() {
    let open: Vec<String> = routes::all()
        .iter()
        .filter(|route| {
            matches!(
                route.who,
                Who::Payer | Who::Returning | Who::Stripe | Who::Anybody
            )
        })
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    let expected = [
        "GET /pay/{link}/invoice.pdf",
        "GET /pay/{link}/logo",
        "GET /pay/{link}/receipts/{file}",
        "GET /api/openapi.json",
        "GET /api/reference",
        "GET /api/public/invoices/{link}",
        "POST /api/public/invoices/{link}/pay",
        "POST /api/public/invoices/{link}/check",
        "POST /api/stripe/webhook",
        "POST /connect/continue",
        "GET /connect/oauth/callback",
        "GET /connect/refresh",
        "GET /connect/return",
        "GET /connect/status",
        "GET /connect/status/panel",
        "GET /pay/{link}",
        "GET /pay/{link}/panel",
        "GET /pay/{link}/forward",
        "POST /pay/{link}/forward",
        "GET /pay/{link}/fresh",
        "POST /pay/{link}/fresh",
        "GET /healthz",
        "GET /readyz",
    ];
    assert_eq!(open, expected);
}

#[test]
fn no_route_is_made_beside_the_table() {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    let mut folders = vec![std::path::PathBuf::from(source)];
    let mut made = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let name = path.strip_prefix(source).unwrap().display().to_string();
                made.extend(text.matches(".route(").map(|_| name.clone()));
            }
        }
    }
    made.sort();
    // The demo's authenticator is a server of its own, on a port of its own.
    assert_eq!(
        made,
        ["assets.rs", "demo/phone.rs", "router.rs"],
        "a route outside the table has no owner"
    );
}
