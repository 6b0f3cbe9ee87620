//! Events that are applied again: by a tenant, by the operator, on the command line, and by themselves
//! once their account has a tenant.

use std::sync::Arc;

use domain::{Permission, Permissions};
use flows::{Actor, By, onboarding, platform_keys, reconcile};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::demo::TEST_WEBHOOK_SECRET;
use store::Sql;
use store::db::{Engine, Options};

use crate::engines::World;
use crate::inbox::{
    BREAKS, HOUR_MS, POISON, POISONED, POSTINGS, break_handler, by_hand, deliver, deliver_all, of_shop,
    paid_unseen, repair_handler, work,
};
use crate::program::psa_pay;
use crate::town::{Reply, Town};

/// What money became. When a payment is looked at next is not that.
const MONEY: [Sql; 5] = [
    Sql::new("select * from invoices order by id"),
    Sql::new(
        "select id, status, amount, received, refunded, application_fee, stripe_fee, net,
           stripe_payment_intent_id, stripe_charge_id, succeeded_at
         from payments order by id",
    ),
    Sql::new("select * from ledger_transactions order by id"),
    Sql::new("select * from ledger_entries order by transaction_id, position"),
    Sql::new("select * from state_history order by subject_id, version"),
];
const REPLAYS: Sql = Sql::new(
    "select actor, action, tenant_id, subject_id, after_state from audit_log
     where action in ('webhook_event.replayed', 'webhook_events.replayed') order by id",
);

async fn get(town: &Town, key: &str, path: &str) -> Reply {
    town.api(key, Method::GET, path, Value::Null).await
}

async fn post(town: &Town, key: &str, path: &str, body: Value) -> Reply {
    town.api(key, Method::POST, path, body).await
}

async fn platform_key(town: &Town) -> String {
    let made = platform_keys::create(&town.app, &By::new(Actor::CommandLine), "Test").await;
    made.unwrap().1.expose().to_owned()
}

/// The event that never works has been tried twelve times.
async fn dead(town: &Town) {
    break_handler(town).await;
    deliver(town, &of_shop(town, POISON)).await;
    for _ in 0..12 {
        work(town).await;
        town.advance_ms(HOUR_MS);
    }
    assert_eq!(town.rows(&POISONED).await[0].text("status").unwrap(), "dead");
}

/// The binary, configured for the town's database.
fn command(world: &World, arguments: &[&str]) -> (bool, String, String) {
    let output = psa_pay(&world.url)
        .arg("webhooks")
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

/// Neither what is no event nor what came under the wrong secret is applied, whoever asks.
async fn refuse_what_is_never_applied(town: &Town, key: &str) {
    let base = "/api/platform/webhook-events";
    for status in ["quarantined", "dead"] {
        let never = get(town, key, &format!("{base}?status={status}")).await;
        let id = never.body["data"][0]["id"].as_str().unwrap().to_owned();
        let refused = post(town, key, &format!("{base}/{id}/replay"), Value::Null).await;
        refused.assert_refused(409, "event_not_replayable", None);
        let many = post(town, key, &format!("{base}/replay"), json!({"status": status})).await;
        assert_eq!(many.body["replayed"], 0, "{}", many.text);
    }
}

both! {
    fn a_tenant_replays_a_dead_event_once_its_cause_is_repaired(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            town.clock.stop();
            dead(&town).await;
            let key = &town.msp.key;
            let listed = get(&town, key, "/api/webhook-events?status=dead").await;
            let event = listed.body["data"][0].clone();
            assert_eq!((&event["event_id"], &event["failures"]), (&json!("evt_pi_poison"), &json!(12)));
            assert!(!listed.text.contains("the handler is broken"), "that is the operator's to know");
            let path = format!("/api/webhook-events/{}", event["id"].as_str().unwrap());

            let reader = Permissions::Only([Permission::EventsRead].into());
            let reader = town.key_of(&town.msp.scope, reader).await;
            assert_eq!(get(&town, &reader, &path).await.status, StatusCode::OK);
            let refused = post(&town, &reader, &format!("{path}/replay"), Value::Null).await;
            refused.assert_refused(403, "permission_missing", None);

            // Too early: it fails again, and is given twelve tries more.
            let sent = post(&town, key, &format!("{path}/replay"), Value::Null).await;
            assert_eq!(sent.body["status"], "received", "{}", sent.text);
            let again = post(&town, key, &format!("{path}/replay"), Value::Null).await;
            assert_eq!(again.body["status"], "received", "{}", again.text);
            work(&town).await;
            assert_eq!(town.rows(&POISONED).await[0].int("failures").unwrap(), 1);
            assert_eq!(town.rows(&BREAKS).await[0].int_opt("resolved_at").unwrap(), None);

            repair_handler(&town).await;
            post(&town, key, &format!("{path}/replay"), Value::Null).await;
            work(&town).await;
            let shown = get(&town, key, &path).await;
            assert_eq!(shown.body["status"], "external", "{}", shown.text);
            assert_eq!(shown.body["body"], of_shop(&town, POISON).to_string());
            assert_eq!(shown.body["attempts"], 14);
            assert!(town.rows(&BREAKS).await[0].int_opt("resolved_at").unwrap().is_some());
            let replays = town.rows(&REPLAYS).await;
            assert_eq!(replays.len(), 2, "what was on its way already is no command");
            for noted in replays {
                assert_eq!(noted.text("actor").unwrap(), "api_key");
                assert_eq!(noted.text("tenant_id").unwrap(), town.msp.scope.tenant.as_str());
            }
        });
    }

    fn whatever_is_replayed_money_stays_as_it_is(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let (invoice, _) = paid_unseen(&town).await;
            let list = town.stripe("GET", "/v1/events?limit=100", Some(&town.msp.account), "");
            for event in list["data"].as_array().unwrap() {
                deliver(&town, event).await;
            }
            work(&town).await;
            assert_eq!(town.read_invoice(&invoice).await["status"], "paid");
            let mut before = Vec::new();
            for sql in &MONEY {
                before.push(town.rows(sql).await);
            }
            let mut sent = 0;
            for status in ["processed", "stale", "ignored"] {
                let body = json!({"status": status, "limit": 1});
                let mut step = post(&town, &town.msp.key, "/api/webhook-events/replay", body.clone()).await;
                sent += step.body["replayed"].as_u64().unwrap_or_else(|| panic!("{}", step.text));
                while step.body["has_more"] == true {
                    let mut body = body.clone();
                    body["after"] = step.body["last"].clone();
                    step = post(&town, &town.msp.key, "/api/webhook-events/replay", body).await;
                    sent += step.body["replayed"].as_u64().unwrap();
                }
            }
            assert!(sent >= 4, "{sent}");
            work(&town).await;
            for (sql, before) in MONEY.iter().zip(before) {
                assert_eq!(town.rows(sql).await, before);
            }
            assert_eq!(town.number(&POSTINGS).await, 1);
            const LEFT: Sql =
                Sql::new("select count(*) as n from stripe_webhook_events where processed_at is null");
            assert_eq!(town.number(&LEFT).await, 0);
            town.assert_books().await;

            // What the event that paid it did is shown with it.
            let paid = "/api/webhook-events?type=payment_intent.succeeded";
            let paid = get(&town, &town.msp.key, paid).await.body["data"][0]["id"].clone();
            let path = format!("/api/webhook-events/{}", paid.as_str().unwrap());
            let shown = get(&town, &town.msp.key, &path).await;
            let changed: Vec<&str> = shown.body["changes"]
                .as_array()
                .unwrap_or_else(|| panic!("{}", shown.text))
                .iter()
                .filter_map(|change| change["subject_id"].as_str())
                .collect();
            assert!(changed.contains(&invoice.as_str()), "{}", shown.text);
            assert!(!shown.text.contains("_secret_"), "a client secret is shown");
        });
    }

    fn the_operator_sees_everybodys_events_and_replays_them_by_filter(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let town = Arc::new(town);
            let other = town.add_msp("Contoso Managed Services", "usd").await;
            let mut theirs = of_shop(&town, "pi_theirs");
            theirs["account"] = json!(other.account);
            let mut events: Vec<Value> = (0..5).map(|n| of_shop(&town, &format!("pi_{n}"))).collect();
            events.push(theirs);
            deliver_all(&town, events).await;
            let mut live = of_shop(&town, "pi_live");
            live["livemode"] = json!(true);
            town.deliver_signed(TEST_WEBHOOK_SECRET, live.to_string().as_bytes()).await;
            town.deliver_signed(TEST_WEBHOOK_SECRET, b"no event").await;
            work(&town).await;

            let own = get(&town, &town.msp.key, "/api/webhook-events?limit=3").await;
            let length = |page: &Reply| page.body["data"].as_array().unwrap().len();
            assert_eq!((length(&own), &own.body["has_more"]), (3, &json!(true)));
            let last = own.body["data"][2]["id"].as_str().unwrap();
            let rest = get(&town, &town.msp.key, &format!("/api/webhook-events?after={last}")).await;
            assert_eq!((length(&rest), &rest.body["has_more"]), (2, &json!(false)));
            for page in [own, rest] {
                assert!(!page.text.contains("pi_theirs"), "{}", page.text);
                assert!(!page.text.contains("tenant_id"), "{}", page.text);
            }

            let key = platform_key(&town).await;
            let base = "/api/platform/webhook-events";
            let all = get(&town, &key, &format!("{base}?limit=100")).await;
            assert_eq!(all.body["data"].as_array().unwrap().len(), 8);
            let one = get(&town, &key, &format!("{base}?event_id=evt_pi_theirs")).await;
            assert_eq!(one.body["data"][0]["tenant_id"], other.scope.tenant.as_str());
            let now = town.app.clock.now().ms();
            for (filter, count) in [
                ("status=external", 6),
                ("status=dead", 1),
                ("status=quarantined", 1),
                ("status=orphan", 0),
                ("type=payment_intent.succeeded", 7),
                (&format!("stripe_account_id={}", other.account), 1),
                (&format!("since={}", now + HOUR_MS), 0),
                (&format!("until={}", now + HOUR_MS), 8),
            ] {
                let page = get(&town, &key, &format!("{base}?limit=100&{filter}")).await;
                assert_eq!(page.body["data"].as_array().unwrap().len(), count, "{filter}: {}", page.text);
            }
            for (filter, field) in [("status=gone", "status"), ("limit=0", "limit"), ("type=%00", "type")] {
                let refused = get(&town, &key, &format!("{base}?{filter}")).await;
                refused.assert_refused(422, "invalid_field", Some(field));
            }

            refuse_what_is_never_applied(&town, &key).await;
            let filter = json!({"status": "external", "stripe_account_id": other.account});
            let many = post(&town, &key, &format!("{base}/replay"), filter).await;
            assert_eq!(many.body["replayed"], 1, "{}", many.text);
            let too_many = post(&town, &key, &format!("{base}/replay"), json!({"limit": 501})).await;
            too_many.assert_refused(422, "invalid_field", Some("limit"));
            work(&town).await;
            let detail = one.body["data"][0]["id"].as_str().unwrap();
            let detail = get(&town, &key, &format!("{base}/{detail}")).await;
            assert_eq!((&detail.body["status"], &detail.body["attempts"]), (&json!("external"), &json!(2)));
            assert_eq!(town.rows(&REPLAYS).await.len(), 1);
        });
    }

    fn orphans_are_applied_once_their_account_has_a_tenant(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            let account = json!({"country": "US", "email": "owner@example.test",
                "business_name": "Prairie Networks", "default_currency": "usd", "livemode": false});
            let account = town.control("POST", "/_simulator/accounts", account);
            let account = account["id"].as_str().unwrap();
            for n in 0..3 {
                let mut event = of_shop(&town, &format!("pi_{n}"));
                event["account"] = json!(account);
                deliver(&town, &event).await;
            }
            work(&town).await;
            const STATUS: Sql =
                Sql::new("select status, tenant_id, attempts from stripe_webhook_events order by id");
            for event in town.rows(&STATUS).await {
                assert_eq!(event.text("status").unwrap(), "orphan");
            }
            assert_eq!(town.rows(&BREAKS).await[0].int_opt("resolved_at").unwrap(), None);

            let by = By::new(Actor::CommandLine);
            let moment = town.app.moment();
            let tenant = flows::tenants::add(&town.app, &by, moment, "Prairie Networks", None, &[]).await;
            let scope = domain::Scope { tenant: tenant.unwrap().0.id, mode: town.msp.scope.mode };
            onboarding::connect(&town.app, &scope, &by, account).await.unwrap();
            work(&town).await;
            for event in town.rows(&STATUS).await {
                assert_eq!(event.text("status").unwrap(), "external");
                assert_eq!(event.text("tenant_id").unwrap(), scope.tenant.as_str());
                assert_eq!(event.int("attempts").unwrap(), 2);
            }
            assert!(town.rows(&BREAKS).await[0].int_opt("resolved_at").unwrap().is_some());
        });
    }

    fn however_many_orphans_an_account_has_all_are_applied_once_it_has_a_tenant(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            const LEFT: Sql =
                Sql::new("select count(*) as n from stripe_webhook_events where status = 'orphan'");
            let account = json!({"country": "US", "email": "owner@example.test",
                "business_name": "Prairie Networks", "default_currency": "usd", "livemode": false});
            let account = town.control("POST", "/_simulator/accounts", account);
            let account = account["id"].as_str().unwrap();
            let town = Arc::new(town);
            let events = (0..1_100).map(|n| {
                let mut event = of_shop(&town, &format!("pi_{n}"));
                event["account"] = json!(account);
                event
            });
            deliver_all(&town, events.collect()).await;
            work(&town).await;
            assert_eq!(town.number(&LEFT).await, 1_100);

            let (by, moment) = (By::new(Actor::CommandLine), town.app.moment());
            let tenant = flows::tenants::add(&town.app, &by, moment, "Prairie Networks", None, &[]).await;
            let scope = domain::Scope { tenant: tenant.unwrap().0.id, mode: town.msp.scope.mode };
            onboarding::connect(&town.app, &scope, &by, account).await.unwrap();
            assert_eq!(town.number(&LEFT).await, 600, "one transaction takes so many");
            assert_eq!(town.rows(&BREAKS).await[0].int_opt("resolved_at").unwrap(), None);
            town.advance_ms(15 * 60 * 1000);
            reconcile::run(&town.app).await.unwrap();
            work(&town).await;
            assert_eq!(town.number(&LEFT).await, 0);
            assert!(town.rows(&BREAKS).await[0].int_opt("resolved_at").unwrap().is_some());
        });
    }

    fn the_command_line_lists_and_replays(world: &World) {
        Town::run_as(world, by_hand(), async |town| {
            town.clock.stop();
            dead(&town).await;
            repair_handler(&town).await;
            if world.db.engine() == Engine::Sqlite {
                let (done, _, said) = command(world, &["replay"]);
                assert!(!done && said.contains("in use by another psa-pay process"), "{said}");
                town.app.db.close().await;
            }
            let (done, listed, said) = command(world, &["events", "--status", "dead"]);
            assert!(done && listed.contains("evt_pi_poison"), "{listed}{said}");
            assert!(listed.contains("TEST  dead") && listed.contains("12 tries"), "{listed}");
            let (_, none, _) = command(world, &["events", "--account", "acct_of_nobody"]);
            assert_eq!(none, "No such event.\n");
            let (_, trial, _) = command(world, &["replay", "--dry-run", "--event", "evt_pi_poison"]);
            assert!(trial.ends_with("1 events would be replayed.\n"), "{trial}");
            let none = [&["--type", "charge.failed"][..], &["--until", "2020-01-01"], &["--status", "stale"]];
            for filter in none {
                let (done, none, said) = command(world, &[&["replay"], filter].concat());
                assert!(done && none == "No such event can be replayed.\n", "{none}{said}");
            }
            let (done, _, said) = command(world, &["replay", "--since", "yesterday"]);
            assert!(!done && said.contains("is no moment"), "{said}");
            let (done, sent, said) = command(world, &["replay"]);
            assert!(done && sent == "1 events are on their way again.\n", "{sent}{said}");

            let db = match world.db.engine() {
                Engine::Sqlite => world.open_again(Options::default()),
                Engine::Postgres => town.app.db.clone(),
            };
            let mut again = town.app.clone();
            again.db = db.clone();
            for taken in flows::stripe_events::take(&again, 10).await.unwrap() {
                flows::stripe_events::apply(&again, &taken).await.unwrap();
            }
            let rows = db.read(|tx| tx.query(&POISONED, &[])).await;
            let rows = rows.unwrap_or_else(|error: store::Error| panic!("{error}"));
            assert_eq!(rows[0].text("status").unwrap(), "external");
            let rows = db.read(|tx| tx.query(&REPLAYS, &[])).await;
            let rows = rows.unwrap_or_else(|error: store::Error| panic!("{error}"));
            assert_eq!(rows[0].text("actor").unwrap(), "command_line");
            db.close().await;
        });
    }
}
