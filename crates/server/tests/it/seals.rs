//! Daily seals of the books: made once each, whatever happens, and whoever changes a sealed day is found out.

use std::process::Output;

use domain::seal::Day;
use domain::{Mode, Timestamp};
use flows::{Actor, By, instance, platform_keys, seals};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::verify_seals::{self, SealJson};
use store::db::Error;
use store::{Sql, binds};

use crate::engines::{World, block_on};
use crate::metrics::{metrics, value};
use crate::program::psa_pay;
use crate::town::{Town, Wishes};

const HOUR_MS: i64 = 60 * 60 * 1000;
const DAY_MS: i64 = 24 * HOUR_MS;
const LIVE_CARD: &str = "4000009900000004";
const SEALS: Sql =
    Sql::new("select (select count(*) from audit_seals) + (select count(*) from ledger_seals) as n");

fn quiet() -> Wishes {
    Wishes {
        worker: false,
        deliveries: false,
        ..Wishes::default()
    }
}

/// Moves the clock to the first hour of the next day.
fn next_day(town: &Town) -> Day {
    let today = Day::of(town.app.clock.now());
    town.advance_ms(today.ends().ms() - town.app.clock.now().ms() + 1);
    today
}

async fn run(town: &Town, sql: &'static Sql, day: Day) {
    let (from, to) = (day.begins(), day.ends());
    let run = town.app.db.write(move |tx| {
        let binds = binds![from, to];
        let wanted = (1..=2)
            .filter(|n| sql.text(tx.engine()).contains(&format!("${n}")))
            .count();
        tx.execute(sql, &binds[..wanted])
    });
    let changed = run.await.unwrap_or_else(|e: Error| panic!("{e}"));
    assert!(
        changed > 0 || sql.text(town.app.db.engine()).starts_with("drop"),
        "nothing was changed"
    );
}

/// What a verification finds, as book, day and problem, with the heads.
async fn verify(town: &Town, kept: &[SealJson]) -> (Vec<(String, String, String)>, Vec<SealJson>) {
    let report = verify_seals::run(&town.app.db, town.app.clock.now(), kept, &mut |_| {})
        .await
        .unwrap();
    let found = serde_json::to_value(&report.breaks).unwrap();
    let word = |found: &Value, name: &str| found[name].as_str().unwrap().to_owned();
    let breaks = found.as_array().unwrap().iter();
    let breaks = breaks.map(|found| (word(found, "book"), word(found, "day"), word(found, "problem")));
    (breaks.collect(), report.heads)
}

async fn assert_whole(town: &Town, kept: &[SealJson]) {
    let (breaks, _) = verify(town, kept).await;
    assert!(breaks.is_empty(), "{breaks:?}");
}

const OPEN_AUDIT: Sql = Sql::per_engine(
    "drop trigger audit_log_append_only_update",
    "drop trigger audit_log_append_only on audit_log",
);
const OPEN_ENTRIES: Sql = Sql::per_engine(
    "drop trigger ledger_entries_append_only_update",
    "drop trigger ledger_entries_append_only on ledger_entries",
);
const OPEN_SEALS: Sql = Sql::per_engine(
    "drop trigger ledger_seals_append_only_delete",
    "drop trigger ledger_seals_append_only on ledger_seals",
);

both! {
    fn a_day_is_sealed_once_it_has_been_over_for_an_hour(world: &World) {
        Town::run_as(world, quiet(), async |town| {
            town.invoice(12_345, "usd").await;
            assert_eq!(seals::run(&town.app).await, Ok(0), "today is not over");
            let first = next_day(&town);
            assert_eq!(seals::run(&town.app).await, Ok(0), "late transactions may still come");
            town.advance_ms(HOUR_MS);
            // The platform's log, the tenant's log, and the tenant's ledger.
            assert_eq!(seals::run(&town.app).await, Ok(3));
            assert_eq!(seals::run(&town.app).await, Ok(0), "once");

            // Nobody ran for days, and on one of them nothing happened.
            town.invoice(500, "usd").await;
            let second = next_day(&town);
            town.advance_ms(DAY_MS);
            town.invoice(600, "usd").await;
            next_day(&town);
            town.invoice(700, "usd").await;
            let last = next_day(&town);
            town.advance_ms(HOUR_MS);
            assert_eq!(seals::run(&town.app).await, Ok(6));
            const LEDGER: Sql =
                Sql::new("select day, row_count, seal_before, seal from ledger_seals order by day");
            let sealed = town.rows(&LEDGER).await;
            let days: Vec<_> = sealed.iter().map(|row| row.text("day").unwrap()).collect();
            assert_eq!((days.len(), &days[0], &days[1]), (4, &first.to_string(), &second.to_string()));
            assert_eq!(days[3], last.to_string());
            assert_eq!(sealed[0].text_opt("seal_before"), Ok(None));
            for pair in sealed.windows(2) {
                assert_eq!(pair[1].text("seal_before"), pair[0].text("seal"), "each follows the one before");
                assert_eq!(pair[1].int("row_count"), Ok(2), "an invoice is two entries");
            }
            assert_whole(&town, &[]).await;
        });
    }

    fn two_instances_at_once_make_each_seal_once(world: &World) {
        Town::run_as(world, quiet(), async |town| {
            for _ in 0..5 {
                town.invoice(500, "usd").await;
                next_day(&town);
            }
            town.advance_ms(HOUR_MS);
            let other = town.again(world).await;
            let runs = tokio::join!(seals::run(&town.app), seals::run(&other.app), seals::run(&town.app));
            let made = runs.0.unwrap() + runs.1.unwrap() + runs.2.unwrap();
            // The worker of the other instance makes them too, and may have been the first.
            town.until("all seals", async || town.number(&SEALS).await == 11).await;
            assert!(made <= 11, "five days of the tenant's two books, and one of the platform's log");
            assert_whole(&town, &[]).await;
        });
    }

    fn a_changed_row_is_named_with_its_book_and_day(world: &World) {
        Town::run_as(world, quiet(), async |town| {
            let mut days = Vec::new();
            for _ in 0..3 {
                town.invoice(500, "usd").await;
                days.push(next_day(&town));
            }
            town.advance_ms(HOUR_MS);
            seals::run(&town.app).await.unwrap();
            let (breaks, heads) = verify(&town, &[]).await;
            assert_eq!((breaks, heads.len()), (vec![], 3));

            const ENTRY: Sql = Sql::new(
                "update ledger_entries set amount = amount * 2 where created_at >= $1 and created_at < $2",
            );
            run(&town, &OPEN_ENTRIES, days[1]).await;
            run(&town, &ENTRY, days[1]).await;
            let changed = |day: Day| ("ledger".to_owned(), day.to_string(),
                "its 2 rows are not as they were sealed".to_owned());
            assert_eq!(verify(&town, &[]).await.0, [changed(days[1])]);

            const WHO: Sql = Sql::new(
                "update audit_log set actor_id = 'key_of_somebody_else'
                 where action = 'invoice.finalized' and created_at >= $1 and created_at < $2",
            );
            run(&town, &OPEN_AUDIT, days[0]).await;
            run(&town, &WHO, days[0]).await;
            let (breaks, _) = verify(&town, &[]).await;
            let named: Vec<_> = breaks.iter().map(|(book, day, _)| (book.as_str(), day.as_str())).collect();
            assert_eq!(named, [("audit", &*days[0].to_string()), ("ledger", &*days[1].to_string())]);
        });
    }

    fn a_changed_day_of_live_books_locks_live_until_somebody_has_looked(world: &World) {
        Town::run_as(world, Wishes { mode: Mode::Live, ..quiet() }, async |town| {
            town.invoice(500, "usd").await;
            let day = next_day(&town);
            town.advance_ms(HOUR_MS);
            seals::run(&town.app).await.unwrap();
            assert_eq!(seals::watch(&town.app).await, Ok(0), "nobody changed anything");
            assert_eq!(instance::lock(&town.app).await.unwrap(), None);

            const DOUBLE: Sql = Sql::new(
                "update ledger_entries set amount = amount * 2 where created_at >= $1 and created_at < $2",
            );
            let invoice = town.invoice(12_345, "usd").await;
            run(&town, &OPEN_ENTRIES, day).await;
            run(&town, &DOUBLE, day).await;
            assert_eq!(seals::watch(&town.app).await, Ok(1));
            let operator = By::new(Actor::CommandLine);
            let (_, key) = platform_keys::create(&town.app, &operator, "Operator").await.unwrap();
            let path = "/api/platform/reconciliation-breaks?kind=seal_broken&open=true";
            let found = town.api(key.expose(), Method::GET, path, Value::Null).await.body;
            let found = found["data"][0].clone();
            assert!(found["detail"].as_str().unwrap().contains(&format!("{day}: its 2 rows")), "{found}");
            assert_eq!(found["tenant_id"], Value::Null, "no tenant closes it: {found}");

            let link = town.link(&invoice).await;
            let card = town.typed_token(LIVE_CARD);
            town.pay(&link, &card, 12_345, "usd").await.assert_refused(503, "live_locked", None);
            assert_eq!(town.look(&link).await.body["state"], "temporarily_unavailable");
            assert!(town.intents().is_empty(), "Stripe hears nothing");
            let ready = town.public(Method::GET, "/readyz", Value::Null).await.text;
            assert!(ready.starts_with("ready\nlive_locked: seal_broken "), "{ready}");
            assert_eq!(value(&metrics(&town).await, "psa_pay_live_locked"), Some(1));

            let id = found["id"].as_str().unwrap();
            let path = format!("/api/platform/reconciliation-breaks/{id}/resolve");
            let reason = json!({"reason": "A drill: the row was changed by us"});
            let closed = town.api(key.expose(), Method::POST, &path, reason).await;
            assert_eq!(closed.status, StatusCode::OK, "{}", closed.text);
            assert_eq!(town.pay(&link, &card, 12_345, "usd").await.body["status"], "succeeded");
            assert_eq!(seals::watch(&town.app).await, Ok(0), "it was looked at");
            run(&town, &DOUBLE, day).await;
            assert_eq!(seals::watch(&town.app).await, Ok(1), "changed once more");
        });
    }

    fn a_damaged_file_locks_live_until_somebody_has_looked(world: &World) {
        let Some(path) = world.url.strip_prefix("sqlite:") else {
            return; // PostgreSQL looks after its own files.
        };
        let path = path.to_owned();
        Town::run_as(world, Wishes { mode: Mode::Live, ..quiet() }, async |town| {
            assert_eq!(seals::watch(&town.app).await, Ok(0), "it is whole");
            // The pages of an index that nothing knows of any more.
            let file = rusqlite::Connection::open(&path).unwrap();
            let version: i64 = file.query_row("pragma schema_version", [], |row| row.get(0)).unwrap();
            let spoil = format!(
                "pragma writable_schema = on;
                 delete from sqlite_master where name = 'reconciliation_breaks_of_subject';
                 pragma schema_version = {};",
                version + 1
            );
            file.execute_batch(&spoil).unwrap();
            assert_eq!(seals::watch(&town.app).await, Ok(1));
            let lock = instance::lock(&town.app).await.unwrap();
            assert!(lock.is_some_and(|lock| lock.because().starts_with("database_damaged ")));
            assert_eq!(seals::watch(&town.app).await, Ok(0), "once");
        });
    }

    fn a_row_slipped_into_the_past_is_named(world: &World) {
        Town::run_as(world, quiet(), async |town| {
            town.invoice(500, "usd").await;
            let first = next_day(&town);
            let empty = next_day(&town);
            town.invoice(600, "usd").await;
            next_day(&town);
            town.advance_ms(HOUR_MS);
            seals::run(&town.app).await.unwrap();
            const SLIPPED: Sql = Sql::new(
                "insert into audit_log (id, tenant_id, livemode, actor, action, subject_id, created_at)
                 select 'aud_slipped_' || (select count(*) from audit_log), tenant_id, livemode, actor,
                   action, subject_id, cast($1 as bigint) + 5
                 from audit_log where action = 'client.created' and id not like 'aud_slipped_%'",
            );
            run(&town, &SLIPPED, first).await;
            let (breaks, _) = verify(&town, &[]).await;
            let [(book, day, problem)] = &breaks[..] else { panic!("{breaks:?}") };
            assert_eq!((book.as_str(), day), ("audit", &first.to_string()));
            assert!(problem.contains("rows were sealed and"), "{problem}");
            run(&town, &SLIPPED, empty).await;
            let (breaks, _) = verify(&town, &[]).await;
            assert_eq!(breaks.len(), 2, "{breaks:?}");
            assert_eq!(breaks[1].1, empty.to_string());
            assert!(breaks[1].2.contains("had no rows"), "{breaks:?}");
            assert_eq!(seals::run(&town.app).await, Ok(0), "the past is not sealed anew");
        });
    }

    fn seals_that_were_made_anew_differ_from_those_kept_elsewhere(world: &World) {
        Town::run_as(world, quiet(), async |town| {
            let mut days = Vec::new();
            for _ in 0..2 {
                town.invoice(500, "usd").await;
                days.push(next_day(&town));
            }
            town.advance_ms(HOUR_MS);
            seals::run(&town.app).await.unwrap();
            let (_, kept) = verify(&town, &[]).await;
            assert_whole(&town, &kept).await;

            // Whoever owns the database changes the books, throws all seals away, and has new ones made.
            const ENTRY: Sql = Sql::new(
                "update ledger_entries set amount = amount * 2 where created_at >= $1 and created_at < $2",
            );
            const AWAY: Sql = Sql::new("delete from ledger_seals");
            run(&town, &OPEN_ENTRIES, days[0]).await;
            run(&town, &ENTRY, days[0]).await;
            run(&town, &OPEN_SEALS, days[0]).await;
            run(&town, &AWAY, days[0]).await;
            assert_eq!(seals::run(&town.app).await, Ok(2));
            // In itself it is whole again.
            assert_whole(&town, &[]).await;
            let (breaks, _) = verify(&town, &kept).await;
            let not_kept = "its seal is not the one that was kept".to_owned();
            assert_eq!(breaks, [("ledger".to_owned(), days[1].to_string(), not_kept)]);
        });
    }

    fn the_operator_fetches_the_newest_seals(world: &World) {
        Town::run_as(world, quiet(), async |town| {
            town.invoice(500, "usd").await;
            next_day(&town);
            town.advance_ms(HOUR_MS);
            seals::run(&town.app).await.unwrap();
            let by = By::new(Actor::CommandLine);
            let (_, operator) = platform_keys::create(&town.app, &by, "Operator").await.unwrap();
            let fetch = async |query: &str| {
                let path = format!("/api/platform/seals?{query}");
                town.api(operator.expose(), Method::GET, &path, Value::Null).await
            };
            let (_, mut kept) = verify(&town, &[]).await;
            let (audit, ledger) = (fetch("book=audit").await, fetch("book=ledger").await);
            let mut fetched: Vec<SealJson> = serde_json::from_value(audit.body["data"].clone()).unwrap();
            fetched.extend(serde_json::from_value::<Vec<_>>(ledger.body["data"].clone()).unwrap());
            assert_eq!(fetched.len(), kept.len());
            kept.retain(|head| !fetched.contains(head));
            assert_eq!(kept, [] as [SealJson; 0]);
            let tenant = town.msp.scope.tenant.as_str();
            let rest = fetch(&format!("book=ledger&after_tenant={tenant}&after_livemode=false")).await;
            assert_eq!(rest.body["data"], Value::Array(Vec::new()), "{}", rest.text);
            fetch("book=diary").await.assert_refused(422, "invalid_field", Some("book"));
        });
    }

    fn the_command_line_names_the_day_and_fails(world: &World) {
        let mut day = Day::of(Timestamp::from_ms(0));
        Town::run_as(world, quiet(), async |town| {
            let invoice = town.invoice(500, "usd").await;
            assert_eq!(town.command(&invoice, "pay-link").await.status, StatusCode::OK);
            day = next_day(&town);
            town.advance_ms(HOUR_MS);
            assert_eq!(seals::run(&town.app).await, Ok(3));
        });
        block_on(world.db.close());
        let whole = verify_by_binary(&world.url, &[]);
        let text = String::from_utf8(whole.stdout).unwrap();
        assert!(whole.status.success(), "{text}");
        assert!(text.contains("read    ledger of ten_"), "{text}");
        assert!(text.ends_with("No break in 3 books.\n"), "{text}");
        let json = verify_by_binary(&world.url, &["--json"]);
        let heads: Value = serde_json::from_slice(&json.stdout).unwrap();
        assert_eq!(heads["heads"].as_array().unwrap().len(), 3);

        const LINK: Sql =
            Sql::new("update audit_log set address = '192.0.2.1' where action = 'pay_link.rotated'");
        let db = world.open_again(store::db::Options::default());
        block_on(db.write(|tx| tx.execute(&OPEN_AUDIT, &[]))).unwrap_or_else(|e: Error| panic!("{e}"));
        block_on(db.write(|tx| tx.execute(&LINK, &[]))).unwrap_or_else(|e: Error| panic!("{e}"));
        block_on(db.close());
        let broken = verify_by_binary(&world.url, &[]);
        let text = String::from_utf8(broken.stdout).unwrap();
        assert_eq!(broken.status.code(), Some(1), "{text}");
        assert!(text.contains("BROKEN  audit of ten_") && text.contains(&format!(", {day}: its ")), "{text}");
    }
}

fn verify_by_binary(database: &str, arguments: &[&str]) -> Output {
    psa_pay(database)
        .arg("verify-seals")
        .args(arguments)
        .output()
        .unwrap()
}
