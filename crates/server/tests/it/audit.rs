//! The audit log: who did what, when, from where, what it was before and what it is now.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::db::{Error, Row};
use store::{Sql, binds};

use crate::engines::World;
use crate::town::{Town, Wishes};

const LOG: Sql =
    Sql::new("select * from audit_log where tenant_id <> 'ten_platform' order by created_at, id");

/// Rows that were noted since, without those of keys that are used.
async fn noted(town: &Town, since: &mut usize) -> Vec<Row> {
    let rows = town.rows(&LOG).await;
    let new = rows.get(*since..).unwrap_or_default().to_vec();
    *since = rows.len();
    let kept = new
        .into_iter()
        .filter(|row| row.text("action").unwrap() != "api_key.used");
    kept.collect()
}

/// What one row says: action, actor, and the states before and after.
fn told(row: &Row) -> (String, String, Value, Value) {
    let state = |column| {
        let text = row.text_opt(column).unwrap();
        text.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap())
    };
    (
        row.text("action").unwrap(),
        row.text("actor").unwrap(),
        state("before_state"),
        state("after_state"),
    )
}

both! {
    fn each_money_command_leaves_one_row(world: &World) {
        Town::run_as(world, Wishes { worker: false, ..Wishes::default() }, async |town| {
            let mut since = 0;
            noted(&town, &mut since).await;
            let draft = json!({"client_id": town.msp.client_id, "currency": "usd",
                "lines": [{"description": "Managed workplace", "quantity": "1", "unit_price": 12_345}]});
            let made = town.api(&town.msp.key, Method::POST, "/api/invoices", draft.clone()).await;
            let id = made.body["id"].as_str().unwrap().to_owned();
            let rows = noted(&town, &mut since).await;
            let [row] = &rows[..] else { panic!("{rows:?}") };
            let (action, actor, before, after) = told(row);
            assert_eq!((action.as_str(), actor.as_str()), ("invoice.drafted", "api_key"));
            assert_eq!(before, Value::Null);
            assert_eq!((&after["status"], &after["total"]), (&json!("draft"), &json!(12_345)));
            assert_eq!(row.text("subject_id").unwrap(), id);
            assert_eq!(row.text("request_id").unwrap(), made.headers["x-request-id"].to_str().unwrap());
            assert_eq!(row.text("tenant_id").unwrap(), town.msp.scope.tenant.as_str());
            assert_eq!(row.int("livemode").unwrap(), 0);
            const KEYS: Sql = Sql::new("select id from api_keys");
            assert_eq!(row.text("actor_id"), town.rows(&KEYS).await[0].text("id"));
            let age = town.app.clock.now().ms() - row.int("created_at").unwrap();
            assert!((0..60_000).contains(&age), "{age} ms ago");

            let path = format!("/api/invoices/{id}");
            let mut dearer = draft.clone();
            dearer["lines"][0]["unit_price"] = json!(20_000);
            town.api(&town.msp.key, Method::PUT, &path, dearer).await;
            let (less, more) = (("total", 12_345), ("total", 20_000));
            expect(&town, &mut since, "invoice.edited", "api_key", &id, less, more).await;
            town.command(&id, "finalize").await;
            let (open, drafted) = (("status", "open"), ("status", "draft"));
            expect(&town, &mut since, "invoice.finalized", "api_key", &id, drafted, open).await;
            let link = town.link(&id).await;
            let (none, first) = (("generation", Value::Null), ("generation", 1));
            expect(&town, &mut since, "pay_link.rotated", "api_key", &id, none, first).await;
            let paid = town.pay(&link, &town.token("pm_card_visa"), 20_000, "usd").await;
            assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
            let (open, asked) = (("invoice_status", json!("open")), ("amount", json!(20_000)));
            let row = expect(&town, &mut since, "invoice.payment_requested", "payer", &id, open, asked).await;
            assert!(row.text("actor_id").unwrap().starts_with("lnk_"));
            assert_eq!(row.text("request_id").unwrap(), paid.headers["x-request-id"].to_str().unwrap());

            let other = town.invoice(500, "usd").await;
            noted(&town, &mut since).await;
            let made = town.command(&other, "payment-intent").await;
            assert_eq!(made.status, StatusCode::OK, "{}", made.text);
            let (open, asked) = (("invoice_status", json!("open")), ("write", json!("create_intent")));
            expect(&town, &mut since, "invoice.payment_requested", "api_key", &other, open, asked).await;
            town.command(&other, "payment-intent").await;
            assert_eq!(noted(&town, &mut since).await.len(), 0, "the same call changes nothing");
            assert_eq!(town.command(&other, "void").await.status, StatusCode::OK);
            let rows: Vec<_> = noted(&town, &mut since).await.iter().map(|row| told(row).0).collect();
            assert_eq!(rows, ["invoice.payment_cancel_requested", "invoice.voided"]);

            let client = json!({"name": "Cascade Orthopedics", "email": "private@cascade.example"});
            let client = town.api(&town.msp.key, Method::POST, "/api/clients", client).await;
            let (id, none) = (client.body["id"].as_str().unwrap(), ("name", Value::Null));
            let name = ("name", json!("Cascade Orthopedics"));
            let row = expect(&town, &mut since, "client.created", "api_key", id, none, name).await;
            assert!(!format!("{row:?}").contains("private@"), "an address is no matter of the log");
        });
    }

    fn what_is_refused_leaves_no_row_of_a_change(world: &World) {
        Town::run_as(world, Wishes { worker: false, ..Wishes::default() }, async |town| {
            let (paid, empty) = (town.invoice(500, "usd").await, json!({"client_id": town.msp.client_id,
                "currency": "usd"}));
            let link = town.link(&paid).await;
            town.pay(&link, &town.token("pm_card_visa"), 500, "usd").await;
            let empty = town.api(&town.msp.key, Method::POST, "/api/invoices", empty).await;
            let empty = empty.body["id"].as_str().unwrap().to_owned();
            let mut since = 0;
            noted(&town, &mut since).await;
            town.command(&empty, "finalize").await.assert_refused(422, "invoice_empty", Some("lines"));
            town.command(&empty, "pay-link").await.assert_refused(409, "invoice_draft", None);
            town.command(&paid, "void").await.assert_refused(409, "invoice_paid", None);
            town.command(&paid, "finalize").await.assert_refused(409, "invoice_finalized", None);
            town.command(&paid, "payment-intent").await.assert_refused(409, "invoice_paid", None);
            let again = town.pay(&link, &town.token("pm_card_visa"), 500, "usd").await;
            again.assert_refused(409, "invoice_paid", None);
            let rows = noted(&town, &mut since).await;
            assert_eq!(rows.len(), 0, "{rows:?}");
        });
    }

    fn nobody_changes_or_deletes_a_row(world: &World) {
        Town::run_as(world, Wishes { worker: false, ..Wishes::default() }, async |town| {
            const SEAL: Sql = Sql::new(
                "insert into audit_seals (tenant_id, livemode, day, row_count, seal, created_at)
                 values ('ten_a', 0, '2026-01-01', 1, 'x', 1)",
            );
            const LEDGER_SEAL: Sql = Sql::new(
                "insert into ledger_seals (tenant_id, livemode, day, row_count, seal, created_at)
                 values ('ten_a', 0, '2026-01-01', 1, 'x', 1)",
            );
            for sql in [&SEAL, &LEDGER_SEAL] {
                let added = town.app.db.write(move |tx| tx.execute(sql, binds![])).await;
                assert_eq!(added, Ok(1));
            }
            const CHANGES: [Sql; 6] = [
                Sql::new("update audit_log set actor_id = 'somebody else'"),
                Sql::new("delete from audit_log"),
                Sql::new("update audit_seals set seal = 'y'"),
                Sql::new("delete from audit_seals"),
                Sql::new("update ledger_seals set seal = 'y'"),
                Sql::new("delete from ledger_seals"),
            ];
            for sql in &CHANGES {
                let changed = town.app.db.write(move |tx| tx.execute(sql, binds![])).await;
                let refused = |text: &str| text.contains("append-only");
                let is = matches!(&changed, Err(Error::Check { constraint }) if refused(constraint));
                assert!(is, "{changed:?}");
            }
        });
    }
}

/// Exactly one row was noted since: this action, by this actor, on this object, with these values of a field
/// before and after.
async fn expect(
    town: &Town,
    since: &mut usize,
    action: &str,
    actor: &str,
    subject: &str,
    before: (&str, impl Into<Value>),
    after: (&str, impl Into<Value>),
) -> Row {
    let mut rows = noted(town, since).await;
    assert_eq!(rows.len(), 1, "{action}: {rows:?}");
    let row = rows.remove(0);
    let (found, by, was, is) = told(&row);
    assert_eq!((found.as_str(), by.as_str()), (action, actor));
    assert_eq!(row.text("subject_id").unwrap(), subject, "{action}");
    assert_eq!(was[before.0], before.1.into(), "{action}: {was}");
    assert_eq!(is[after.0], after.1.into(), "{action}: {is}");
    row
}
