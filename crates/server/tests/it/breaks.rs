//! What differs from Stripe is shown with its age, ends by itself where other rows say so, and otherwise when
//! a person says how it was dealt with.

use domain::BreakId;
use flows::{Actor, App, By, platform_keys, reconcile};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::Sql;
use store::reconciliation_breaks::{self, Break, Kind};

use crate::engines::World;
use crate::town::{Msp, Reply, Town, Wishes};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const BREAKS: &str = "/api/reconciliation-breaks";

fn quiet() -> Wishes {
    Wishes {
        deliveries: false,
        worker: false,
        ..Wishes::default()
    }
}

/// Finds a difference, as a flow would.
async fn differ(app: &App, msp: &Msp, kind: Kind, subject: &str) {
    let (moment, scope, subject) = (app.moment(), msp.scope.clone(), subject.to_owned());
    let opened = app.db.write(move |tx| {
        let found = Break {
            id: BreakId::new(moment.at, moment.random(0)),
            tenant: Some(&scope.tenant),
            mode: scope.mode,
            kind,
            subject_id: &subject,
            detail: "received 1 more than was asked for",
        };
        reconciliation_breaks::open(tx, &found, moment.at)
    });
    let opened: Result<bool, store::Error> = opened.await;
    opened.unwrap();
}

async fn get(town: &Town, key: &str, path: &str) -> Vec<Value> {
    let reply = town.api(key, Method::GET, path, Value::Null).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    reply.body["data"].as_array().unwrap().clone()
}

async fn resolve(town: &Town, key: &str, list: &str, id: &Value, reason: &str) -> Reply {
    let path = format!("{list}/{}/resolve", id.as_str().unwrap());
    town.api(key, Method::POST, &path, json!({"reason": reason}))
        .await
}

fn subjects(breaks: &[Value]) -> Vec<&str> {
    breaks
        .iter()
        .map(|shown| shown["subject_id"].as_str().unwrap())
        .collect()
}

/// The newest break of a kind, whosever it is: its subject, and whether it is resolved.
async fn newest(town: &Town, kind: &str) -> Option<(String, bool)> {
    const NEWEST: Sql =
        Sql::new("select kind, subject_id, resolved_at from reconciliation_breaks order by id desc");
    let rows = town.rows(&NEWEST).await;
    let row = rows.iter().find(|row| row.text("kind").unwrap() == kind)?;
    Some((
        row.text("subject_id").unwrap(),
        row.int_opt("resolved_at").unwrap().is_some(),
    ))
}

both! {
    fn a_tenant_sees_its_own_differences_and_says_how_each_was_dealt_with(world: &World) {
        Town::run_as(world, quiet(), async |town| {
            let other = town.add_msp("Contoso Managed Services", "usd").await;
            differ(&town.app, &town.msp, Kind::Overpayment, "pi_old").await;
            differ(&town.app, &other, Kind::Overpayment, "pi_other").await;
            town.advance_ms(2 * HOUR_MS);
            differ(&town.app, &town.msp, Kind::AmountMismatch, "pi_new").await;

            let key = town.msp.key.as_str();
            let shown = get(&town, key, BREAKS).await;
            assert_eq!(subjects(&shown), ["pi_new", "pi_old"]);
            assert_eq!(shown[1]["kind"], "overpayment");
            assert!((7_200..7_300).contains(&shown[1]["age_seconds"].as_i64().unwrap()), "{shown:?}");
            for (query, found) in [
                ("?kind=overpayment", vec!["pi_old"]),
                ("?min_age=3600", vec!["pi_old"]),
                ("?open=true&limit=1", vec!["pi_new"]),
                ("?open=false", vec![]),
            ] {
                assert_eq!(subjects(&get(&town, key, &format!("{BREAKS}{query}")).await), found, "{query}");
            }
            let after = format!("{BREAKS}?after={}", shown[0]["id"].as_str().unwrap());
            assert_eq!(subjects(&get(&town, key, &after).await), ["pi_old"]);
            for (query, field) in [("?kind=trouble", "kind"), ("?min_age=-1", "min_age")] {
                let refused = town.api(key, Method::GET, &format!("{BREAKS}{query}"), Value::Null).await;
                refused.assert_refused(422, "invalid_field", Some(field));
            }

            let refused = resolve(&town, key, BREAKS, &shown[1]["id"], " ").await;
            refused.assert_refused(422, "invalid_field", Some("reason"));
            let said = "The client was told, and has a credit note.";
            let resolved = resolve(&town, key, BREAKS, &shown[1]["id"], said).await;
            assert_eq!(resolved.body["reason"], said, "{}", resolved.text);
            assert!(resolved.body["resolved_by"].as_str().unwrap().starts_with("api_key:key_"));
            let again = resolve(&town, key, BREAKS, &shown[1]["id"], "Something else").await;
            assert_eq!(again.body["reason"], said);
            const NOTED: Sql =
                Sql::new("select after_state from audit_log where action = 'break.resolved' order by id");
            let noted = town.rows(&NOTED).await;
            assert_eq!(noted.len(), 1);
            assert!(noted[0].text("after_state").unwrap().contains(said));

            // What is still so is opened again, and its age begins anew.
            town.advance_ms(HOUR_MS);
            differ(&town.app, &town.msp, Kind::Overpayment, "pi_old").await;
            let reopened = get(&town, key, &format!("{BREAKS}?open=true&kind=overpayment")).await;
            assert!(reopened[0]["age_seconds"].as_i64().unwrap() < 60, "{reopened:?}");
            assert_eq!(reopened[0]["reason"], Value::Null);
        });
    }

    fn the_operator_sees_everybodys_differences_and_closes_any(world: &World) {
        Town::run_as(world, quiet(), async |town| {
            let made = platform_keys::create(&town.app, &By::new(Actor::CommandLine), "Test").await;
            let operator = made.unwrap().1.expose().to_owned();
            let other = town.add_msp("Contoso Managed Services", "usd").await;
            differ(&town.app, &town.msp, Kind::Overpayment, "pi_own").await;
            differ(&town.app, &other, Kind::UnknownStatus, "pi_other").await;
            let list = "/api/platform/reconciliation-breaks";
            let shown = get(&town, &operator, list).await;
            assert_eq!(shown.len(), 2);
            let of_other = shown.iter().find(|shown| shown["subject_id"] == "pi_other").unwrap();
            assert_eq!(of_other["tenant_id"], other.scope.tenant.as_str());
            let resolved = resolve(&town, &operator, list, &of_other["id"], "Upgraded.").await;
            assert_eq!(resolved.status, StatusCode::OK, "{}", resolved.text);
            assert_eq!(subjects(&get(&town, &operator, &format!("{list}?open=true")).await), ["pi_own"]);
            let nobodys = json!("brk_01m85d78yqpm4rqv1ncn4k8n3w");
            let missing = resolve(&town, &operator, list, &nobodys, "x").await;
            missing.assert_refused(404, "not_found", None);
        });
    }

    fn a_write_without_an_answer_for_a_day_is_shown_until_it_is_found_out(world: &World) {
        Town::run_as(world, quiet(), async |town| {
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            let lost = json!({"method": "POST", "path": "/confirm", "effect": "lose_answer",
                "count": 99_999});
            town.control("POST", "/_simulator/faults", lost);
            let silent = town.pay(&link, &town.token("pm_card_visa"), 12_345, "usd").await;
            assert_eq!(silent.body["status"], "checking", "{}", silent.text);
            let slow = json!({"method": "GET", "path": "/v1/", "effect": "error429", "count": 99_999});
            town.control("POST", "/_simulator/faults", slow);
            town.advance_ms(25 * HOUR_MS);
            reconcile::run(&town.app).await.unwrap();
            let (operation, resolved) = newest(&town, "operation_unresolved").await.expect("it is shown");
            assert!(operation.starts_with("op_") && !resolved);

            town.control("DELETE", "/_simulator/faults", Value::Null);
            town.advance_ms(30 * MINUTE_MS);
            for _ in 0..2 {
                reconcile::run(&town.app).await.unwrap();
            }
            assert_eq!(town.read_invoice(&invoice).await["status"], "paid");
            assert_eq!(newest(&town, "operation_unresolved").await, Some((operation, true)));
            town.assert_nothing_open().await;
            town.assert_books().await;
        });
    }
}

/// What an operator reads of each kind.
#[test]
fn the_manual_says_of_every_kind_what_it_means_and_what_to_do() {
    let page = include_str!("../../../../docs/operators.md");
    let section = page
        .split("### Breaks\n")
        .nth(1)
        .and_then(|rest| rest.split("\n## ").next())
        .unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let mut told: Vec<&str> = rows.clone().map(|row| row.split('`').next().unwrap()).collect();
    let mut kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.word()).collect();
    told.sort_unstable();
    kinds.sort_unstable();
    assert_eq!(told, kinds);
    for row in rows {
        assert_eq!(
            row.matches(" | ").count(),
            3,
            "kind, meaning, what to do, how it ends: {row}"
        );
    }
}
