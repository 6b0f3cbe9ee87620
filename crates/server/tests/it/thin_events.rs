//! Thin events name an object and say nothing of it: it is retrieved. What comes of those whose object Stripe
//! does not show, and of objects whose metadata names somebody else.

use std::sync::Arc;

use flows::{App, stripe_events};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::demo::TEST_WEBHOOK_SECRET;
use store::Sql;
use store::stripe_webhook_events::Taken;
use stripe::transport::BoxFuture;
use stripe::{Client, HttpRequest, HttpResponse, Https, NoAnswer, Secret, Transport};

use crate::connecting::status;
use crate::disconnect::deauthorize;
use crate::engines::World;
use crate::oauth::{let_in, shop};
use crate::own_shop::shop_with_a_bank;
use crate::subscriptions::{by_hand, subscribe, work};
use crate::town::Town;

pub const THIN_SECRET: &str = "whsec_psapay_demo_test_thin";
const FATES: Sql = Sql::new(
    "select id, event_id, type, kind, status, attempts, last_error, tenant_id, next_attempt_at
     from stripe_webhook_events order by created_at, id",
);
/// The row of an event, and that of its twin, if that came first, as its tenant is shown them.
pub async fn twins(town: &Town, event: &Value) -> (String, Option<String>) {
    let path = format!("/api/webhook-events?event_id={}", event["id"].as_str().unwrap());
    let shown = town.api(&town.msp.key, Method::GET, &path, Value::Null).await;
    let row = &shown.body["data"][0];
    let id = row["id"].as_str().unwrap_or_else(|| panic!("{}", shown.text));
    (id.to_owned(), row["dup_of"].as_str().map(str::to_owned))
}

const BREAKS: Sql =
    Sql::new("select kind, subject_id, tenant_id, detail from reconciliation_breaks order by created_at");
const POSTINGS: Sql = Sql::new("select count(*) as n from ledger_transactions where kind = 'payment'");

/// The thin event of the same change, as Stripe makes it.
pub fn thin_of(snapshot: &Value) -> Value {
    let object = &snapshot["data"]["object"];
    let type_ = snapshot["type"].as_str().unwrap();
    let named = match (object["id"].as_str(), object["object"].as_str()) {
        (Some(id), Some(kind)) if kind != "application" => {
            json!({"id": id, "type": kind, "url": format!("/v1/{kind}s/{id}")})
        }
        _ => Value::Null,
    };
    let prefix = if type_.starts_with("v2.") { "" } else { "v1." };
    let id = snapshot["id"].as_str().unwrap();
    json!({"object": "v2.core.event", "id": format!("evt_test_65{}", &id[4..]),
        "livemode": snapshot["livemode"], "context": snapshot["account"],
        "created": "2026-11-23T12:00:00.000Z", "type": format!("{prefix}{type_}"),
        "snapshot_event": id, "related_object": named})
}

async fn deliver(town: &Town, secret: &str, event: &Value) {
    let reply = town.deliver_signed(secret, event.to_string().as_bytes()).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
}

/// A thin event about an intent that nobody has made, or that the town's shop has.
fn about(town: &Town, id: &str) -> Value {
    json!({"object": "v2.core.event", "id": format!("evt_test_65{id}"), "livemode": false,
        "context": town.msp.account, "created": "2026-11-23T12:00:00.000Z",
        "type": "v1.payment_intent.succeeded",
        "related_object": {"id": id, "type": "payment_intent", "url": format!("/v1/payment_intents/{id}")}})
}

/// A payment of the town's shop, with these parameters besides.
fn sold(town: &Town, form: &str) -> String {
    let form = format!(
        "amount=2000&currency=usd&confirm=true&payment_method=pm_card_bypassPending\
         &automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never{form}"
    );
    let sold = town.stripe("POST", "/v1/payment_intents", Some(&town.msp.account), &form);
    assert_eq!(sold["status"], "succeeded", "{sold}");
    sold["id"].as_str().unwrap().to_owned()
}

/// How often Stripe was asked for a path.
fn asked(town: &Town, path: &str) -> usize {
    let requests = town.requests();
    let is_asked = |request: &&Value| {
        let asked = request["path"].as_str().unwrap_or_default();
        request["method"] == "GET" && asked.split('?').next() == Some(path)
    };
    requests.iter().filter(is_asked).count()
}

/// Stripe, but for one object that our key is not allowed to see.
struct Forbidding {
    stripe: Https,
    part: &'static str,
}

impl Transport for Forbidding {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, NoAnswer>> {
        if !request.url.contains(self.part) {
            return self.stripe.send(request);
        }
        let body =
            br#"{"error": {"type": "invalid_request_error", "message": "The key lacks a permission."}}"#;
        let response = HttpResponse {
            status: 403,
            headers: Vec::new(),
            body: body.to_vec(),
        };
        Box::pin(async move { Ok(response) })
    }

    fn pause(&self, ms: u64) -> BoxFuture<'_, ()> {
        self.stripe.pause(ms)
    }
}

/// The same installation, with a key that may not see what has this in its path.
fn with_less(town: &Town, part: &'static str) -> App {
    let transport = Forbidding {
        stripe: Https::loopback_only().unwrap(),
        part,
    };
    let key = Secret::new("sk_test_psapay_demo");
    App {
        stripe_test: Some(Client::new(&town.stripe_url, key, Arc::new(transport))),
        ..town.app.clone()
    }
}

async fn take_one(town: &Town) -> Taken {
    let mut taken = stripe_events::take(&town.app, 1).await.unwrap();
    taken.pop().expect("an event is due")
}

both! {
    fn a_thin_event_of_every_kind_is_resolved_by_retrieving_its_object(world: &World) {
        Town::run_as(world, by_hand(), async |mut town| {
            town.msp = shop_with_a_bank(&town).await;
            let account = town.msp.account.clone();
            let on = Some(account.as_str());
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            let paid = town.pay(&link, &town.token("pm_card_bypassPending"), 12_345, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            let of_shop = sold(&town, "");
            town.stripe("POST", "/v1/refunds", on, &format!("payment_intent={of_shop}"));
            town.stripe("POST", "/v1/payouts", on, "amount=100&currency=usd");
            let payer = town.stripe("POST", "/v1/customers", on, "name=Harbor");
            let subscription = subscribe(&town, on, payer["id"].as_str().unwrap());
            let path = format!("/_simulator/accounts/{account}");
            town.control("POST", &path, json!({"payouts_enabled": false}));
            // Ours was told of nothing: all that follows is told in thin events alone.
            let mut kinds = Vec::new();
            for space in [on, None] {
                let listed = town.stripe("GET", "/v1/events?limit=100", space, "");
                for event in listed["data"].as_array().unwrap() {
                    if space.is_none() && event["account"].is_string() {
                        continue;
                    }
                    let mut thin = thin_of(event);
                    if let Some(url) = thin["related_object"]["url"].as_str().map(str::to_owned) {
                        // Half of them say no more than where the object is.
                        if kinds.len() % 2 == 0 {
                            thin["related_object"] = json!({"url": url});
                        }
                    }
                    deliver(&town, THIN_SECRET, &thin).await;
                    kinds.push(event["type"].as_str().unwrap().to_owned());
                }
            }
            work(&town).await;
            for kind in ["payment_intent.succeeded", "charge.succeeded", "application_fee.created",
                "refund.created", "payout.created", "customer.subscription.created", "invoice.created",
                "account.updated"]
            {
                assert!(kinds.iter().any(|known| known == kind), "no {kind} among {kinds:?}");
            }
            for row in town.rows(&FATES).await {
                let (kind, status) = (row.text("type").unwrap(), row.text("status").unwrap());
                let ours = ["processed", "external", "stale", "ignored"].contains(&status.as_str());
                assert!(ours, "{kind} is {status}: {:?}", row.text_opt("last_error").unwrap());
            }
            assert_eq!(town.read_invoice(&invoice).await["status"], "paid");
            assert_eq!(town.number(&POSTINGS).await, 1);
            const FEES: Sql = Sql::new("select count(*) as n from application_fees");
            const MIRRORED: Sql = Sql::new("select count(*) as n from subscriptions where status = 'active'");
            const STOPPED: Sql =
                Sql::new("select count(*) as n from stripe_config where payouts_enabled = 0");
            for sql in [&FEES, &MIRRORED, &STOPPED] {
                assert_eq!(town.number(sql).await, 1, "{sql:?}");
            }
            const EXTERNAL: Sql = Sql::new("select distinct type from external_objects order by type");
            let external: Vec<String> =
                town.rows(&EXTERNAL).await.iter().map(|row| row.text("type").unwrap()).collect();
            assert_eq!(external, ["charge", "payment_intent", "payout", "refund"]);
            assert!(!subscription.is_empty());
            town.assert_books().await;
        });
    }

    fn of_a_snapshot_and_its_thin_twin_the_second_row_names_the_first(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            for thin_first in [false, true] {
                sold(&town, "");
                let snapshot = town.event("payment_intent.succeeded");
                let thin = thin_of(&snapshot);
                let mut pair = [(TEST_WEBHOOK_SECRET, &snapshot), (THIN_SECRET, &thin)];
                if thin_first {
                    pair.reverse();
                }
                for (secret, event) in [pair[0], pair[1], pair[0]] {
                    town.advance_ms(1);
                    deliver(&town, secret, event).await;
                    work(&town).await;
                }
                let (first, second) = (twins(&town, pair[0].1).await, twins(&town, pair[1].1).await);
                assert_eq!((first.1, second.1), (None, Some(first.0)), "thin first: {thin_first}");
            }
            const OBJECTS: Sql =
                Sql::new("select count(*) as n from external_objects where type = 'payment_intent'");
            assert_eq!(town.number(&OBJECTS).await, 2);
        });
    }

    fn a_thin_event_whose_object_stripe_has_not_waits_a_minute_and_moves_nothing(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            town.clock.stop();
            deliver(&town, THIN_SECRET, &about(&town, "pi_nobodys")).await;
            let of_account = format!("/v1/accounts/{}", town.msp.account);
            let before = asked(&town, &of_account);
            work(&town).await;
            let fate = &town.rows(&FATES).await[0];
            assert_eq!(fate.text("status").unwrap(), "parked");
            assert_eq!(asked(&town, &of_account), before + 1, "whether the account is there still");
            for _ in 0..20 {
                town.advance_ms(5_000);
                work(&town).await;
            }
            let fate = &town.rows(&FATES).await[0];
            assert_eq!(fate.text("status").unwrap(), "ignored");
            assert_eq!(fate.text("last_error").unwrap(), "Stripe has no such object");
            assert_eq!(fate.int_opt("next_attempt_at").unwrap(), None);
            assert_eq!(fate.text("tenant_id").unwrap(), town.msp.scope.tenant.as_str());
            assert_eq!(asked(&town, &of_account), before + 2);
            assert_eq!(asked(&town, "/v1/payment_intents/pi_nobodys"), 13);
            assert!(town.rows(&BREAKS).await.is_empty());
        });
    }

    fn a_thin_event_is_tried_again_while_stripe_is_busy_or_down(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            town.clock.stop();
            for effect in ["error429", "error500"] {
                let intent = sold(&town, "");
                deliver(&town, THIN_SECRET, &about(&town, &intent)).await;
                let path = format!("/v1/payment_intents/{intent}");
                let fault = json!({"method": "GET", "path": path, "effect": effect, "count": 10});
                town.control("POST", "/_simulator/faults", fault);
                work(&town).await;
                let failed = town.rows(&FATES).await.pop().unwrap();
                assert_eq!(failed.text("status").unwrap(), "failed", "{effect}");
                assert!(failed.int_opt("next_attempt_at").unwrap().is_some());
                town.control("DELETE", "/_simulator/faults", Value::Null);
                town.advance_ms(60 * 60 * 1000);
                work(&town).await;
                let fate = town.rows(&FATES).await.pop().unwrap();
                assert_eq!(fate.text("status").unwrap(), "external", "{effect}");
            }
        });
    }

    fn a_thin_event_whose_object_the_key_may_not_see_calls_a_person_in_the_end(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            town.clock.stop();
            let intent = sold(&town, "");
            deliver(&town, THIN_SECRET, &about(&town, &intent)).await;
            let less = with_less(&town, "/v1/payment_intents/");
            let of_account = format!("/v1/accounts/{}", town.msp.account);
            let before = asked(&town, &of_account);
            let mut tries = 0;
            loop {
                let taken = take_one(&town).await;
                stripe_events::apply(&less, &taken).await.unwrap();
                tries += 1;
                let status = town.rows(&FATES).await[0].text("status").unwrap();
                if status == "dead" {
                    break;
                }
                assert_eq!((status.as_str(), tries < 30), ("failed", true));
                town.advance_ms(60 * 60 * 1000);
            }
            assert!(asked(&town, &of_account) > before, "whether the account is there still");
            let broken = town.rows(&BREAKS).await;
            assert_eq!(broken[0].text("kind").unwrap(), "event_dead");
            assert!(broken[0].text("detail").unwrap().contains("look at the key's permissions"));
            assert_eq!(town.number(&POSTINGS).await, 0);
        });
    }

    fn a_thin_event_of_an_account_that_was_taken_away_ends_with_what_is_true(world: &World) {
        Town::run_as(world, by_hand(), async |mut town| {
            town.msp = shop(&town, "Corner Shop", None).await;
            let intent = sold(&town, "");
            deauthorize(&town, &town.msp);
            deliver(&town, THIN_SECRET, &about(&town, &intent)).await;
            work(&town).await;
            assert_eq!(town.rows(&FATES).await[0].text("status").unwrap(), "processed");
            let gone = status(&town, &town.msp.key).await;
            assert_eq!(gone["status"], "disconnected");
            // What was told meanwhile is read once the access is back: no list names it again.
            let_in(&town, &town.msp.key, Some(&town.msp.account)).await;
            work(&town).await;
            assert_eq!(town.rows(&FATES).await[0].text("status").unwrap(), "external");
        });
    }

    fn an_object_whose_metadata_names_another_tenant_moves_nothing_of_theirs_and_is_shown(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let other = town.add_msp("Contoso Managed Services", "usd").await;
            let theirs = town.invoice_of(&other, 2_000, "usd").await;
            let own = town.invoice(2_000, "usd").await;
            let tenant = &other.scope.tenant;
            let claims = [
                format!("&metadata[tenant_id]={tenant}&metadata[invoice_id]={theirs}"),
                format!("&metadata[invoice_id]={theirs}"),
                format!("&metadata[tenant_id]={tenant}"),
                // Its own, or another software's notes: nobody's matter.
                format!("&metadata[tenant_id]={}&metadata[invoice_id]={own}", town.msp.scope.tenant),
                "&metadata[tenant_id]=7&metadata[invoice_id]=inv_2026_001".to_owned(),
            ];
            for (nth, form) in claims.iter().enumerate() {
                let intent = sold(&town, form);
                let snapshot = town.event_about("payment_intent.succeeded", &intent);
                for (secret, event) in
                    [(TEST_WEBHOOK_SECRET, &snapshot), (THIN_SECRET, &thin_of(&snapshot))]
                {
                    deliver(&town, secret, event).await;
                    work(&town).await;
                }
                let broken = town.rows(&BREAKS).await;
                assert_eq!(broken.len(), (nth + 1).min(3), "{form}");
                if let Some(found) = broken.get(nth) {
                    assert_eq!(found.text("kind").unwrap(), "tenant_mismatch");
                    assert_eq!(found.text("subject_id").unwrap(), intent);
                    assert_eq!(found.text("tenant_id").unwrap(), town.msp.scope.tenant.as_str());
                }
            }
            for row in town.rows(&FATES).await {
                assert_eq!(row.text("status").unwrap(), "external");
                assert_eq!(row.text("tenant_id").unwrap(), town.msp.scope.tenant.as_str());
            }
            const NOTED: Sql = Sql::new(
                "select tenant_id, subject_id from audit_log where action = 'event.tenant_mismatch'",
            );
            assert_eq!(town.rows(&NOTED).await.len(), 3);
            const MOVED: Sql = Sql::new(
                "select (select count(*) from payments)
                   + (select count(*) from ledger_transactions where kind <> 'invoice') as n",
            );
            assert_eq!(town.number(&MOVED).await, 0);
            let path = format!("/api/invoices/{theirs}");
            let kept = town.api(&other.key, Method::GET, &path, Value::Null).await;
            assert_eq!(kept.body["status"], "open");
            town.assert_books().await;
        });
    }
}
