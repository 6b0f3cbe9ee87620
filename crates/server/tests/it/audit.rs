//! The audit log: who did what, when, from where, what it was before and what it is now.

use flows::{Actor, By, platform_keys};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::db::{Error, Row};
use store::{Sql, binds, migrate};

use crate::engines::{World, block_on};
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

/// Rows of the books put there again with one column changed, and how many were; PostgreSQL has no
/// "insert or replace".
const REPLACED: [(Sql, Sql); 6] = [
    (
        Sql::per_engine(
            "insert or replace into audit_log select id, tenant_id, livemode, 'nobody', actor_id, address,
               request_id, action, subject_id, before_state, after_state, created_at from audit_log",
            "insert into audit_log select * from audit_log on conflict (id) do update set actor = 'nobody'",
        ),
        Sql::new("select count(*) as n from audit_log where actor = 'nobody'"),
    ),
    (
        Sql::per_engine(
            "insert or replace into ledger_transactions select tenant_id, livemode, id, kind, source_id,
               invoice_id, payment_id, 'xxx', reverses, created_at from ledger_transactions",
            "insert into ledger_transactions select * from ledger_transactions
             on conflict (tenant_id, livemode, kind, source_id) do update set currency = 'xxx'",
        ),
        Sql::new("select count(*) as n from ledger_transactions where currency = 'xxx'"),
    ),
    (
        Sql::per_engine(
            "insert or replace into ledger_entries select tenant_id, livemode, transaction_id, position,
               account, currency, amount + 1, created_at, invoice_id from ledger_entries",
            "insert into ledger_entries select * from ledger_entries
             on conflict (tenant_id, livemode, transaction_id, position) do update set amount = 7",
        ),
        Sql::new("select cast(abs(sum(amount)) as bigint) as n from ledger_entries"),
    ),
    (
        Sql::per_engine(
            "insert or replace into state_history select tenant_id, livemode, subject_id, version,
               from_state, 'nothing', cause, created_at from state_history",
            "insert into state_history select * from state_history
             on conflict (tenant_id, livemode, subject_id, version) do update set to_state = 'nothing'",
        ),
        Sql::new("select count(*) as n from state_history where to_state = 'nothing'"),
    ),
    (
        Sql::per_engine(
            "insert or replace into audit_seals values ('ten_a', 0, '2026-01-01', 1, null, 'y', 1)",
            "insert into audit_seals select * from audit_seals
             on conflict (tenant_id, livemode, day) do update set seal = 'y'",
        ),
        Sql::new("select count(*) as n from audit_seals where seal = 'y'"),
    ),
    (
        Sql::per_engine(
            "insert or replace into ledger_seals values ('ten_a', 0, '2026-01-01', 1, null, 'y', 1)",
            "insert into ledger_seals select * from ledger_seals
             on conflict (tenant_id, livemode, day) do update set seal = 'y'",
        ),
        Sql::new("select count(*) as n from ledger_seals where seal = 'y'"),
    ),
];
const SEALS: [Sql; 2] = [
    Sql::new("insert into audit_seals values ('ten_a', 0, '2026-01-01', 1, null, 'x', 1)"),
    Sql::new("insert into ledger_seals values ('ten_a', 0, '2026-01-01', 1, null, 'x', 1)"),
];

/// Triggers for each row do not see it, so that a book could have been emptied at once.
#[test]
fn postgresql_empties_no_append_only_table_at_once() {
    const KEPT: &str = "select distinct tgrelid::regclass::text from pg_trigger
        where tgfoid = 'append_only'::regproc order by 1";
    let Some(world) = World::postgres() else { return };
    block_on(migrate::migrate(&world.db, 0)).unwrap();
    let mut client = postgres::Client::connect(&world.url, postgres::NoTls).unwrap();
    let kept: Vec<String> = client
        .query(KEPT, &[])
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert!(
        kept.len() >= 8 && kept.contains(&"ledger_entries".to_owned()),
        "{kept:?}"
    );
    for table in kept {
        let emptied = client.batch_execute(&format!("truncate {table} cascade"));
        let said = emptied
            .expect_err(&table)
            .as_db_error()
            .unwrap()
            .message()
            .to_owned();
        assert!(said.ends_with("is append-only"), "{table}: {said}");
    }
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
            assert_eq!(row.text("address").unwrap(), "127.0.0.1");
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

    fn no_row_of_the_books_is_put_in_the_place_of_another(world: &World) {
        Town::run_as(world, Wishes { worker: false, ..Wishes::default() }, async |town| {
            town.invoice(500, "usd").await;
            for sql in &SEALS {
                let added = town.app.db.write(move |tx| tx.execute(sql, binds![])).await;
                assert_eq!(added, Ok(1));
            }
            for (replace, replaced) in &REPLACED {
                let done = town.app.db.write(move |tx| tx.execute(replace, binds![])).await;
                let refused = |text: &str| text.contains("append-only");
                match &done {
                    Err(Error::Check { constraint }) if refused(constraint) => {}
                    Ok(0) => {}
                    other => panic!("{replace:?}: {other:?}"),
                }
                assert_eq!(town.number(replaced).await, 0, "{replace:?}");
            }
        });
    }

    fn a_tenant_reads_its_own_log_newest_first(world: &World) {
        Town::run_as(world, Wishes { worker: false, ..Wishes::default() }, async |town| {
            let other = town.add_msp("Prairie Networks", "usd").await;
            let mut invoices = Vec::new();
            for _ in 0..3 {
                invoices.insert(0, town.invoice(500, "usd").await);
                town.invoice_of(&other, 500, "usd").await;
            }
            let read = async |query: &str| {
                let path = format!("/api/audit?{query}");
                let page = town.api(&town.msp.key, Method::GET, &path, Value::Null).await;
                assert_eq!(page.status, StatusCode::OK, "{}", page.text);
                page.body
            };
            let finalized = read("action=invoice.finalized").await;
            let rows = finalized["data"].as_array().unwrap();
            let subjects: Vec<_> = rows.iter().map(|row| row["subject_id"].as_str().unwrap()).collect();
            assert_eq!(subjects, invoices, "another tenant's are not among them");
            assert_eq!(rows[0]["before"]["status"], "draft");
            assert_eq!(rows[0]["after"]["status"], "open");
            assert_eq!((&rows[0]["livemode"], &rows[0]["actor"]), (&json!(false), &json!("api_key")));

            let (mut found, mut after) = (Vec::new(), String::new());
            loop {
                let page = read(&format!("limit=4{after}")).await;
                let rows = page["data"].as_array().unwrap().clone();
                after = format!("&after={}", rows.last().unwrap()["id"].as_str().unwrap());
                found.extend(rows);
                if page["has_more"] == false {
                    break;
                }
            }
            let all = read("limit=100").await;
            assert_eq!(json!(found), all["data"]);
            let kept = noted(&town, &mut 0).await;
            let own = |row: &&Row| row.text("tenant_id").unwrap() == town.msp.scope.tenant.as_str();
            // Without the one row of the key that is used.
            assert_eq!(found.len(), kept.iter().filter(own).count() + 1);
            for action in ["account.connected", "api_key.created", "api_key.used", "client.created"] {
                assert_eq!(found.iter().filter(|row| row["action"] == action).count(), 1, "{action}");
            }
            for (query, status, code) in [
                ("limit=0", 422, "invalid_field"),
                ("after=x", 404, "not_found"),
                ("actor=x", 400, "invalid_query"),
                ("action=a%00b", 422, "invalid_field"),
            ] {
                let path = format!("/api/audit?{query}");
                let refused = town.api(&town.msp.key, Method::GET, &path, Value::Null).await;
                assert_eq!((refused.status.as_u16(), refused.code()), (status, code), "{query}");
            }
        });
    }

    fn the_operator_reads_everybodys_log(world: &World) {
        Town::run_as(world, Wishes { worker: false, ..Wishes::default() }, async |town| {
            let by = By::new(Actor::CommandLine);
            let (_, operator) = platform_keys::create(&town.app, &by, "Operator").await.unwrap();
            let read = async |key: &str, query: &str| {
                town.api(key, Method::GET, &format!("/api/platform/audit?{query}"), Value::Null).await
            };
            read(&town.msp.key, "").await.assert_refused(403, "platform_key_needed", None);
            let other = town.add_msp("Prairie Networks", "usd").await;
            let page = read(operator.expose(), "action=client.created").await;
            let rows = page.body["data"].as_array().unwrap();
            let tenants: Vec<_> = rows.iter().map(|row| &row["tenant_id"]).collect();
            let (other, own) = (json!(other.scope.tenant.as_str()), json!(town.msp.scope.tenant.as_str()));
            assert_eq!(tenants, [&other, &own], "{}", page.text);
            let made = read(operator.expose(), "action=tenant.created&limit=1").await;
            assert_eq!(made.body["has_more"], true, "{}", made.text);
            let row = &made.body["data"][0];
            assert_eq!((&row["subject_id"], row.get("tenant_id")), (&other, None));
            let used = read(operator.expose(), "action=platform_key.used").await;
            assert_eq!(used.body["data"].as_array().unwrap().len(), 1, "{}", used.text);
            assert_eq!(used.body["data"][0]["actor"], "platform_key");
        });
    }

    fn refused_keys_are_noted_once_a_minute_and_counted(world: &World) {
        Town::run_as(world, Wishes { worker: false, ..Wishes::default() }, async |town| {
            const REFUSED: Sql = Sql::new(
                "select tenant_id, actor, subject_id, after_state from audit_log
                 where action = 'api_key.refused' order by created_at, id",
            );
            let wrong = format!("{}x", town.msp.key);
            // The whole flood within one minute of the clock.
            let now = town.app.clock.now().ms();
            town.advance_ms(60_000 - now.rem_euclid(60_000) + 1);
            for _ in 0..30 {
                let refused = town.api(&wrong, Method::GET, "/api/invoices", Value::Null).await;
                refused.assert_refused(401, "unauthorized", None);
            }
            assert_eq!(town.rows(&REFUSED).await.len(), 1);
            town.advance_ms(60_000);
            town.api(&wrong, Method::POST, "/api/invoices", json!({})).await;
            let rows = town.rows(&REFUSED).await;
            let told: Vec<_> = rows.iter().map(|row| row.text("after_state").unwrap()).collect();
            assert_eq!(told.len(), 3, "{told:?}");
            assert_eq!(told[0], r#"{"reason":"unauthorized"}"#);
            assert!(told.contains(&r#"{"reason":"unauthorized","repeated":29}"#.to_owned()), "{told:?}");
            for row in &rows {
                assert_eq!(row.text("tenant_id").unwrap(), "ten_platform", "nobody knows whose it would be");
                assert_eq!(row.text("actor").unwrap(), "unknown");
                assert_eq!(row.text("subject_id").unwrap(), "unknown");
            }
            // Nor does a key that may not do this hide: it is known, and so is whose it is.
            let body = json!({"name": "Reader", "permissions": ["clients:read"]});
            let made = town.api(&town.msp.key, Method::POST, "/api/keys", body).await;
            let secret = made.body["secret"].as_str().unwrap_or_else(|| panic!("{}", made.text));
            for _ in 0..3 {
                let refused = town.api(secret, Method::GET, "/api/invoices", Value::Null).await;
                refused.assert_refused(403, "permission_missing", None);
            }
            let rows = town.rows(&REFUSED).await;
            assert_eq!(rows.len(), 4);
            assert_eq!(rows[3].text("tenant_id").unwrap(), town.msp.scope.tenant.as_str());
            assert_eq!(rows[3].text("actor").unwrap(), "api_key");
            assert_eq!(rows[3].text("subject_id").unwrap(), made.body["id"].as_str().unwrap());
            let without = town.public(Method::GET, "/api/invoices", Value::Null).await;
            without.assert_refused(401, "unauthorized", None);
            assert_eq!(town.rows(&REFUSED).await.len(), 4, "who shows no key is told so, and that is all");
        });
    }

    fn a_key_is_noted_once_a_day(world: &World) {
        Town::run_as(world, Wishes { worker: false, ..Wishes::default() }, async |town| {
            const USED: Sql = Sql::new(
                "select count(*) as n from audit_log where action = 'api_key.used' and subject_id = actor_id
                   and actor = 'api_key'",
            );
            let look = async || {
                town.api(&town.msp.key, Method::GET, "/api/invoices", Value::Null).await;
                town.number(&USED).await
            };
            assert_eq!(look().await, 1);
            assert_eq!(look().await, 1);
            town.advance_ms(24 * 60 * 60 * 1000);
            assert_eq!(look().await, 2);
            assert_eq!(look().await, 2);
        });
    }

    fn a_start_is_noted_with_its_mode(world: &World) {
        Town::run(world, async |town| {
            const STARTED: Sql = Sql::new("select * from audit_log where action = 'server.started'");
            town.until("the row of the start", async || !town.rows(&STARTED).await.is_empty()).await;
            let row = &town.rows(&STARTED).await[0];
            let (_, actor, before, after) = told(row);
            assert_eq!((actor.as_str(), before), ("command_line", Value::Null));
            assert_eq!(after["mode"], "test");
            assert_eq!(after["version"], env!("CARGO_PKG_VERSION"));
            assert_eq!(row.text("tenant_id").unwrap(), "ten_platform");
        });
    }

    fn no_secret_is_in_the_log(world: &World) {
        Town::run(world, async |town| {
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            let token = town.token("pm_card_visa");
            town.pay(&link, &token, 12_345, "usd").await;
            town.until_invoice(&invoice, "paid").await;
            let other = town.invoice(500, "usd").await;
            let made = town.command(&other, "payment-intent").await;
            let client_secret = made.body["client_secret"].as_str().unwrap().to_owned();
            let wrong = "ppk_test_0000000000000000000000000000000000000000000000000000000000000000";
            town.api(wrong, Method::GET, "/api/invoices", Value::Null).await;
            const ALL: Sql = Sql::new("select * from audit_log");
            let log = format!("{:?}", town.rows(&ALL).await);
            assert!(log.contains("api_key.refused") && log.contains("invoice.payment_requested"), "{log}");
            let own = [&*town.msp.key, wrong, &link, &token, &client_secret];
            for secret in own.into_iter().chain(["sk_test_", "whsec_", "_secret_"]) {
                assert!(!log.contains(secret), "{secret} is in {log}");
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
