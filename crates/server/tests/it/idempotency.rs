//! The same request sent again, at once or later, to one instance or two, after a crash or with another body:
//! one effect and one answer for each idempotency key.

use std::sync::Arc;

use domain::{Mode, Permissions, Scope};
use flows::{Actor, By, platform_keys, requests};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::Sql;

use crate::engines::World;
use crate::town::{Reply, Town, Wishes};

/// The lease of a request, and a little more.
const LEASE_MS: i64 = 61_000;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// As a crash between the effect and its answer leaves it.
const CRASHED: Sql =
    Sql::new("update requests set status = 'in_flight', http_status = null, answer = null, withheld = null");

async fn post(town: &Town, path: &str, body: Value, once: &str) -> Reply {
    town.api_once(&town.msp.key, Method::POST, path, body, Some(once.as_bytes()))
        .await
}

fn is_replayed(reply: &Reply) -> bool {
    reply
        .headers
        .get("idempotent-replayed")
        .is_some_and(|value| value == "true")
}

/// The second answer is the first one again.
#[track_caller]
fn assert_replayed(first: &Reply, again: &Reply) {
    assert!(!is_replayed(first), "the first answer says that it is none");
    assert!(is_replayed(again), "{}", again.text);
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(again.headers["content-type"], first.headers["content-type"]);
}

async fn platform_key(town: &Town) -> String {
    let made = platform_keys::create(&town.app, &By::new(Actor::CommandLine), "Test").await;
    made.unwrap().1.expose().to_owned()
}

/// A draft of one line.
fn draft(town: &Town) -> Value {
    json!({"client_id": town.msp.client_id, "currency": "usd",
        "lines": [{"description": "Managed workplace", "quantity": "1", "unit_price": 12_345}]})
}

both! {
    fn every_command_answers_the_same_again_and_acts_once(world: &World) {
        Town::run_as(world, Wishes { deliveries: false, ..Wishes::default() }, async |town| {
            let twice = async |path: String, body: Value| {
                let first = post(&town, &path, body.clone(), "same").await;
                assert!(first.status.is_success(), "{path}: {}", first.text);
                let before = town.contents(Mode::Test).await;
                assert_replayed(&first, &post(&town, &path, body, "same").await);
                assert_eq!(town.contents(Mode::Test).await, before, "{path} acted twice");
                first
            };
            twice("/api/clients".to_owned(), json!({"name": "Lakeside"})).await;
            let made = twice("/api/invoices".to_owned(), draft(&town)).await;
            let invoice = made.body["id"].as_str().unwrap().to_owned();
            let path = |verb: &str| format!("/api/invoices/{invoice}/{verb}");
            twice(path("finalize"), Value::Null).await;
            let link = twice(path("pay-link"), json!({"expires_in_days": 3})).await;
            assert!(link.body["url"].as_str().unwrap().contains("/pay/"));
            let intent = twice(path("payment-intent"), Value::Null).await;
            assert!(intent.body["client_secret"].as_str().unwrap().contains("_secret_"));
            assert_eq!(town.intents().len(), 1);
            twice(path("void"), Value::Null).await;

            // An edit, and a key that is revoked.
            let other = post(&town, "/api/invoices", draft(&town), "other").await;
            let path = format!("/api/invoices/{}", other.body["id"].as_str().unwrap());
            let mut body = draft(&town);
            body["version"] = json!(1);
            let key = town.msp.key.as_str();
            let edit = async || town.api_once(key, Method::PUT, &path, body.clone(), Some(b"edit")).await;
            assert_replayed(&edit().await, &edit().await);
            let made = post(&town, "/api/keys", json!({"name": "Key", "permissions": "all"}), "key").await;
            let path = format!("/api/keys/{}", made.body["id"].as_str().unwrap());
            let revoke = async || town.api_once(key, Method::DELETE, &path, Value::Null, Some(b"key")).await;
            assert_replayed(&revoke().await, &revoke().await);
        });
    }

    fn no_secret_is_stored_and_a_key_is_shown_once(world: &World) {
        Town::run(world, async |town| {
            let invoice = town.invoice(12_345, "usd").await;
            let path = |verb: &str| format!("/api/invoices/{invoice}/{verb}");
            post(&town, &path("payment-intent"), Value::Null, "intent").await;
            post(&town, &path("pay-link"), Value::Null, "link").await;
            let body = json!({"name": "Key", "permissions": "all"});
            let made = post(&town, "/api/keys", body.clone(), "key").await;
            let again = post(&town, "/api/keys", body, "key").await;
            assert!(is_replayed(&again), "{}", again.text);
            assert_eq!((again.status, &again.body["id"]), (StatusCode::CREATED, &made.body["id"]));
            assert_eq!(again.body["secret"], Value::Null);
            assert!(again.body["notice"].as_str().unwrap().contains("shown once"), "{}", again.text);

            let operator = platform_key(&town).await;
            let body = json!({"name": "Prairie Networks", "with_api_keys": true});
            let add = async || {
                let path = "/api/tenants";
                town.api_once(&operator, Method::POST, path, body.clone(), Some(b"tenant")).await
            };
            let (made, again) = (add().await, add().await);
            assert!(made.body["api_keys"][0]["secret"].is_string(), "{}", made.text);
            assert!(is_replayed(&again) && again.body["id"] == made.body["id"], "{}", again.text);
            assert_eq!(again.body["api_keys"][1]["secret"], Value::Null);
            assert!(again.body["api_keys"][1]["notice"].is_string(), "{}", again.text);

            const STORED: Sql = Sql::new("select * from requests");
            let stored = format!("{:?}", town.rows(&STORED).await);
            for secret in ["_secret_", "ppk_", "/pay/"] {
                assert!(!stored.contains(secret), "{secret} is stored: {stored}");
            }
        });
    }

    fn another_body_or_address_under_the_key_is_refused(world: &World) {
        Town::run(world, async |town| {
            let lakeside = json!({"name": "Lakeside"});
            let first = post(&town, "/api/clients", lakeside.clone(), "one").await;
            let before = town.contents(Mode::Test).await;
            for other in [json!({"name": "Prairie"}), json!({"name": "Lakeside", "email": null})] {
                let refused = post(&town, "/api/clients", other, "one").await;
                refused.assert_refused(422, "idempotency_key_reused", None);
            }
            assert_eq!(town.contents(Mode::Test).await, before);
            assert_replayed(&first, &post(&town, "/api/clients", lakeside, "one").await);
            // Another route has keys of its own; another invoice on the same route does not.
            let made = post(&town, "/api/invoices", draft(&town), "one").await;
            assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
            let id = made.body["id"].as_str().unwrap();
            let finalize = async |id: &str| {
                post(&town, &format!("/api/invoices/{id}/finalize"), Value::Null, "one").await
            };
            assert_eq!(finalize(id).await.status, StatusCode::OK);
            finalize("x").await.assert_refused(422, "idempotency_key_reused", None);
        });
    }

    fn a_key_is_required_where_money_moves_and_must_be_visible_ascii(world: &World) {
        Town::run(world, async |town| {
            let invoice = town.invoice(12_345, "usd").await;
            let path = format!("/api/invoices/{invoice}/payment-intent");
            let ask = async |once: Option<&[u8]>| {
                town.api_once(&town.msp.key, Method::POST, &path, Value::Null, once).await
            };
            ask(None).await.assert_refused(400, "idempotency_key_required", None);
            let long = "k".repeat(256);
            for key in [&b""[..], b"a b", b"\xc3\xa4", b"\x80", long.as_bytes()] {
                ask(Some(key)).await.assert_refused(400, "idempotency_key_invalid", None);
            }
            assert!(town.intents().is_empty());
            assert_eq!(ask(Some(&long.as_bytes()[1..])).await.status, StatusCode::OK);
            assert_eq!(ask(Some(b"!~")).await.status, StatusCode::OK);
            assert_eq!(town.intents().len(), 1);
        });
    }

    fn refusals_by_the_state_of_things_are_kept_and_mistakes_are_not(world: &World) {
        Town::run(world, async |town| {
            let made = post(&town, "/api/clients", json!({"name": ""}), "fixed").await;
            made.assert_refused(422, "invalid_field", Some("name"));
            let made = post(&town, "/api/clients", json!({"nam": "x"}), "fixed").await;
            made.assert_refused(400, "invalid_body", Some("nam"));
            let made = post(&town, "/api/clients", json!({"name": "Lakeside"}), "fixed").await;
            assert_eq!(made.status, StatusCode::CREATED, "a corrected request keeps its key: {}", made.text);

            let path = "/api/invoices/inv_01m85d78yqpm4rqv1ncn4k8n3w/finalize";
            let missing = post(&town, path, Value::Null, "k").await;
            missing.assert_refused(404, "not_found", None);
            assert_replayed(&missing, &post(&town, path, Value::Null, "k").await);
            let invoice = town.invoice(12_345, "usd").await;
            let path = format!("/api/invoices/{invoice}/finalize");
            let refused = post(&town, &path, Value::Null, "again").await;
            refused.assert_refused(409, "invoice_finalized", None);
            assert_replayed(&refused, &post(&town, &path, Value::Null, "again").await);

            // What Stripe did not answer is not kept: the same key finds out.
            let path = format!("/api/invoices/{invoice}/payment-intent");
            let fault = json!({"method": "GET", "path": "/v1/payment_intents", "effect": "lose_answer",
                "count": 50});
            town.control("POST", "/_simulator/faults", fault);
            let silent = post(&town, &path, Value::Null, "intent").await;
            silent.assert_refused(503, "stripe_unavailable", None);
            town.control("DELETE", "/_simulator/faults", Value::Null);
            let found = post(&town, &path, Value::Null, "intent").await;
            assert_eq!(found.status, StatusCode::OK, "{}", found.text);
            assert!(!is_replayed(&found));
            assert_eq!(town.intents().len(), 1);
        });
    }

    fn twenty_at_once_at_two_instances_act_once(world: &World) {
        Town::run(world, async |town| {
            let invoice = town.invoice(12_345, "usd").await;
            let town = Arc::new(town);
            let second = Arc::new(town.again(world).await);
            let intent = format!("/api/invoices/{invoice}/payment-intent");
            const CLIENTS: Sql = Sql::new("select count(*) as n from clients where name = 'Lakeside'");
            const DRAFTS: Sql = Sql::new("select count(*) as n from invoices where status = 'draft'");
            for (path, body) in [
                ("/api/clients", json!({"name": "Lakeside"})),
                ("/api/invoices", draft(&town)),
                (intent.as_str(), Value::Null),
            ] {
                let mut asked = tokio::task::JoinSet::new();
                for n in 0..20 {
                    let town = if n % 2 == 0 { town.clone() } else { second.clone() };
                    let (path, body) = (path.to_owned(), body.clone());
                    asked.spawn(async move { post(&town, &path, body, "crowd").await });
                }
                let replies = asked.join_all().await;
                let (done, refused): (Vec<_>, Vec<_>) =
                    replies.iter().partition(|reply| reply.status.is_success());
                refused.iter().for_each(|reply| reply.assert_refused(409, "idempotency_key_in_flight", None));
                assert_eq!(done.iter().filter(|reply| !is_replayed(reply)).count(), 1, "{path}");
                assert!(done.iter().all(|reply| reply.body == done[0].body), "{path}: two answers");
            }
            assert_eq!((town.number(&CLIENTS).await, town.number(&DRAFTS).await), (1, 1));
            assert_eq!(town.intents().len(), 1);
            town.assert_nothing_open().await;
        });
    }

    fn after_a_crash_the_request_is_carried_out_again_without_a_second_effect(world: &World) {
        Town::run_as(world, Wishes { deliveries: false, worker: false, ..Wishes::default() }, async |town| {
            let operator = platform_key(&town).await;
            let drafted = post(&town, "/api/invoices", draft(&town), "first").await;
            let invoice = town.invoice(12_345, "usd").await;
            let finalize = format!("/api/invoices/{}/finalize", drafted.body["id"].as_str().unwrap());
            let intent = format!("/api/invoices/{invoice}/payment-intent");
            let link = format!("/api/invoices/{invoice}/pay-link");
            let own = town.msp.key.as_str();
            let key = json!({"name": "Key", "permissions": "all"});
            let tenant = json!({"name": "Prairie", "with_api_keys": true});
            const COUNTS: Sql = Sql::new(
                "select (select count(*) from clients) as clients,
                   (select count(*) from invoices) as invoices, (select count(*) from api_keys) as keys,
                   (select count(*) from tenants) as tenants, (select count(*) from payments) as payments",
            );
            for (by, path, body, same) in [
                (own, "/api/clients", json!({"name": "Lakeside"}), Some("id")),
                (own, "/api/invoices", draft(&town), Some("id")),
                (own, "/api/keys", key, Some("id")),
                (operator.as_str(), "/api/tenants", tenant, Some("id")),
                (own, intent.as_str(), Value::Null, Some("client_secret")),
                (own, link.as_str(), Value::Null, None),
                (own, finalize.as_str(), Value::Null, None),
            ] {
                let send = async || town.api_once(by, Method::POST, path, body.clone(), Some(b"crash")).await;
                let first = send().await;
                assert!(first.status.is_success(), "{path}: {}", first.text);
                let before = town.rows(&COUNTS).await;
                town.app.db.write(|tx| tx.execute(&CRASHED, &[])).await.unwrap();
                send().await.assert_refused(409, "idempotency_key_in_flight", None);
                town.advance_ms(LEASE_MS);
                let again = send().await;
                assert!(!is_replayed(&again), "{path}");
                if let Some(same) = same {
                    assert_eq!(again.status, first.status, "{path}: {}", again.text);
                    assert_eq!(again.body[same], first.body[same], "{path}");
                }
                if path == "/api/keys" {
                    assert!(again.body["secret"].is_null(), "{}", again.text);
                    assert!(again.body["notice"].is_string(), "{}", again.text);
                }
                if path == finalize {
                    again.assert_refused(409, "invoice_finalized", None);
                }
                assert_eq!(town.rows(&COUNTS).await, before, "{path} acted twice");
                // A refusal is looked at anew: what went down with the crash may be what is refused.
                let replay = send().await;
                assert_eq!(is_replayed(&replay), again.status.is_success(), "{path}: {}", replay.text);
                assert_eq!(replay.status, again.status, "{path}: {}", replay.text);
            }
            assert_eq!(town.intents().len(), 1);
        });
    }

    fn a_key_belongs_to_one_tenant_and_mode(world: &World) {
        Town::run(world, async |town| {
            let other = town.add_msp("Prairie Networks", "usd").await;
            let live = Scope { tenant: town.msp.scope.tenant.clone(), mode: Mode::Live };
            let live = town.key_of(&live, Permissions::All).await;
            let mut ids = Vec::new();
            for key in [&town.msp.key, &other.key, &live] {
                let body = json!({"name": format!("By {}", ids.len()), "permissions": "all"});
                let made = town.api_once(key, Method::POST, "/api/keys", body, Some(b"shared")).await;
                assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
                assert!(!is_replayed(&made));
                ids.push(made.body["id"].clone());
            }
            ids.dedup();
            assert_eq!(ids.len(), 3);
            // A key without the permission does not get the answer of one that has it.
            let reader = Permissions::Only([domain::Permission::KeysRead].into());
            let reader = town.key_of(&town.msp.scope, reader).await;
            let body = json!({"name": "By 0", "permissions": "all"});
            let refused = town.api_once(&reader, Method::POST, "/api/keys", body, Some(b"shared")).await;
            refused.assert_refused(403, "permission_missing", None);
        });
    }

    fn answers_are_kept_for_thirty_days(world: &World) {
        Town::run_as(world, Wishes { deliveries: false, worker: false, ..Wishes::default() }, async |town| {
            let lakeside = json!({"name": "Lakeside"});
            let first = post(&town, "/api/clients", lakeside.clone(), "month").await;
            town.advance_ms(30 * DAY_MS - 60_000);
            requests::remove_old(&town.app).await.unwrap();
            assert_replayed(&first, &post(&town, "/api/clients", lakeside, "month").await);
            town.advance_ms(120_000);
            requests::remove_old(&town.app).await.unwrap();
            const KEPT: Sql = Sql::new("select count(*) as n from requests");
            assert_eq!(town.number(&KEPT).await, 0);
            let anew = post(&town, "/api/clients", json!({"name": "Prairie"}), "month").await;
            assert_eq!(anew.status, StatusCode::CREATED, "{}", anew.text);
        });
    }
}
