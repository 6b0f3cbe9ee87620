//! What must always hold does hold after two days on which about everything happened, and each invariant
//! names a row that was tampered with, and no other invariant does.

use std::collections::BTreeSet;

use flows::invariants::{self, Checked};
use store::db::{Engine, Error, Options};
use store::{Db, Sql, Tx, invariants as rules};

use crate::engines::{World, admin, block_on};
use crate::program::psa_pay;
use crate::town::{Town, Wishes};

pub mod day;
mod plants;

use day::Names;
use plants::{PLANTS, Plant};

/// Two days of a town, after which its database is closed.
fn lived_in(world: &World) -> Names {
    let mut names = None;
    Town::run_as(world, Wishes::default(), async |town| {
        names = Some(day::live_through(town).await.1);
    });
    block_on(world.db.close());
    names.expect("the days came to their end")
}

/// What is broken in a database.
fn broken(url: &str, when: rules::When) -> Vec<Checked> {
    let db = block_on(Db::open(url, Options::default())).unwrap();
    let mut broken = Vec::new();
    let now = domain::Timestamp::from_ms(0);
    let mut tell = |checked: Checked| {
        if !checked.rows.is_empty() {
            broken.push(checked);
        }
    };
    block_on(invariants::run(&db, now, when, &mut tell)).unwrap();
    block_on(db.close());
    broken
}

/// A copy of a closed database.
struct Copy {
    url: String,
}

impl Copy {
    /// One with something planted.
    fn with(world: &World, nth: usize, plant: &Plant, names: &Names) -> Copy {
        let copy = Copy::of(world, nth);
        let (drops, changes) = (plant.drops, names.put_into(plant.changes));
        match copy.url.strip_prefix("sqlite:") {
            Some(file) => plant_in_sqlite(file, drops, &changes),
            None => plant_in_postgres(&copy.url, drops, &changes),
        }
        copy
    }

    fn of(world: &World, nth: usize) -> Copy {
        let (base, _) = world.url.rsplit_once('/').unwrap();
        match world.db.engine() {
            Engine::Sqlite => {
                let url = format!("{base}/copy_{nth}.db");
                let file = |url: &str| url.trim_start_matches("sqlite:").to_owned();
                std::fs::copy(file(&world.url), file(&url)).unwrap();
                Copy { url }
            }
            Engine::Postgres => {
                let (_, name) = world.url.rsplit_once('/').unwrap();
                let copy = format!("{name}_copy_{nth}");
                admin(&world.url, &format!("create database {copy} template {name}"));
                Copy {
                    url: format!("{base}/{copy}"),
                }
            }
        }
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        match self.url.strip_prefix("sqlite:") {
            Some(file) => drop(std::fs::remove_file(file)),
            None => {
                let (_, name) = self.url.rsplit_once('/').unwrap();
                admin(&self.url, &format!("drop database {name} with (force)"));
            }
        }
    }
}

/// Triggers and foreign keys are out of the way while rows change, and are back afterwards.
fn plant_in_sqlite(file: &str, drops: &str, changes: &str) {
    let mut connection = rusqlite::Connection::open(file).unwrap();
    connection
        .execute_batch("pragma foreign_keys = off; pragma ignore_check_constraints = on;")
        .unwrap();
    let tx = connection.transaction().unwrap();
    let triggers: Vec<(String, String)> = tx
        .prepare("select name, sql from sqlite_master where type = 'trigger'")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    for (name, _) in &triggers {
        tx.execute_batch(&format!("drop trigger {name}")).unwrap();
    }
    run(drops, changes, |sql| {
        tx.execute(sql, []).map_err(|error| error.to_string())
    });
    for (_, sql) in triggers.iter().filter(|(name, _)| !drops.contains(name)) {
        tx.execute_batch(sql).unwrap();
    }
    tx.commit().unwrap();
}

/// The same on PostgreSQL, where check constraints do not come back.
fn plant_in_postgres(url: &str, drops: &str, changes: &str) {
    let mut client = without_checks(url);
    client
        .batch_execute("set session_replication_role = replica")
        .unwrap();
    run(drops, changes, |sql| {
        client
            .execute(&for_postgres(sql), &[])
            .map(|rows| usize::try_from(rows).unwrap())
            .map_err(|error| format!("{error:?}"))
    });
}

/// Takes the check constraints of a database away.
fn without_checks(url: &str) -> postgres::Client {
    let mut client = postgres::Client::connect(url, postgres::NoTls).unwrap();
    client
        .batch_execute(
            "do $$ declare found record; begin
               for found in select conrelid::regclass as place, conname from pg_constraint
                 where contype = 'c' and connamespace = 'public'::regnamespace
               loop execute format('alter table %s drop constraint %I', found.place, found.conname); end loop;
             end $$;",
        )
        .unwrap();
    client
}

fn for_postgres(sql: &str) -> String {
    sql.replace("append_only_update", "append_only on state_history")
}

/// How a transaction ends that plants something, sees what that breaks and is undone.
enum Undone {
    Seen(Vec<Checked>),
    Failed(Error),
}

impl From<Error> for Undone {
    fn from(error: Error) -> Undone {
        Undone::Failed(error)
    }
}

/// What something planted breaks of the rules that are statements, in a transaction that is undone: on
/// PostgreSQL a copy for each takes ten times as long.
fn broken_for_a_moment(db: &Db, when: rules::When, drops: &'static str, changes: String) -> Vec<Checked> {
    let seen = block_on(db.write(move |tx| -> Result<(), Undone> {
        tx.execute(&Sql::new("set local session_replication_role = replica"), &[])?;
        run(drops, &changes, |sql| {
            // Statements of a program are static; those of this test are made of ids.
            let sql = Sql::new(String::leak(for_postgres(sql)));
            let rows = tx.execute(&sql, &[]).map_err(|error| format!("{error:?}"))?;
            Ok(usize::try_from(rows).unwrap())
        });
        Err(Undone::Seen(broken_in(tx, when)?))
    }));
    match seen {
        Err(Undone::Seen(seen)) => seen,
        Err(Undone::Failed(error)) => panic!("{error:?}"),
        Ok(()) => unreachable!("it is always undone"),
    }
}

fn broken_in(tx: &mut Tx, when: rules::When) -> Result<Vec<Checked>, Error> {
    let mut broken = Vec::new();
    for rule in rules::all().filter(|rule| rule.when == rules::When::Always || rule.when == when) {
        let rows = rules::broken_by(tx, rule, 20)?;
        if !rows.is_empty() {
            broken.push(Checked {
                code: rule.code,
                says: rule.says,
                rows: rows.iter().map(|row| format!("{row:?}")).collect(),
                more: false,
            });
        }
    }
    Ok(broken)
}

/// What each plant breaks in a database that was lived in.
fn broken_by_each(world: &World, names: &Names) -> Vec<(&'static Plant, Vec<Checked>)> {
    let when = |plant: &Plant| match ["P3", "L10"].contains(&plant.code) {
        true => rules::When::Quiet,
        false => rules::When::Always,
    };
    let plants = PLANTS.into_iter().flatten().enumerate();
    match world.db.engine() {
        Engine::Sqlite => plants
            .map(|(nth, plant)| {
                (
                    plant,
                    broken(&Copy::with(world, nth, plant, names).url, when(plant)),
                )
            })
            .collect(),
        Engine::Postgres => {
            let copy = Copy::of(world, 0);
            drop(without_checks(&copy.url));
            let db = block_on(Db::open(
                &copy.url,
                Options {
                    connections: 1,
                    ..Options::default()
                },
            ))
            .unwrap();
            let found = plants.map(|(nth, plant)| match plant.code {
                // Seals are not read by a statement.
                "L5" => (
                    plant,
                    broken(&Copy::with(world, nth + 1, plant, names).url, when(plant)),
                ),
                _ => (
                    plant,
                    broken_for_a_moment(&db, when(plant), plant.drops, names.put_into(plant.changes)),
                ),
            });
            let found = found.collect();
            block_on(db.close());
            found
        }
    }
}

/// Drops what is to be dropped, then changes rows: each statement must change some.
fn run(drops: &str, changes: &str, mut execute: impl FnMut(&str) -> Result<usize, String>) {
    // SQLite's triggers are out of the way already.
    for drop in drops.split(';').map(str::trim).filter(|drop| !drop.is_empty()) {
        let done = execute(drop);
        assert!(
            done.is_ok() || drop.starts_with("drop trigger"),
            "{drop}: {done:?}"
        );
    }
    for change in changes
        .split(';')
        .map(str::trim)
        .filter(|change| !change.is_empty())
    {
        let changed = execute(change).unwrap_or_else(|error| panic!("{change}: {error}"));
        assert!(changed > 0, "nothing is changed by {change}");
    }
    // The triggers that keep sums have seen nothing of it: only sums that were tampered with are to be wrong.
    if !changes.contains("day_sums") {
        for statement in ["delete from day_sums", SUM_UP] {
            execute(statement).unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
    }
}

const SUM_UP: &str =
    "insert into day_sums (tenant_id, livemode, kind, currency, day, amount, fees, counted, folded)
  select tenant_id, livemode, kind, currency, day, cast(sum(amount) as bigint), cast(sum(fees) as bigint),
    cast(sum(counted) as bigint), 1
  from day_sums_wanted
  group by tenant_id, livemode, kind, currency, day";

both! {
    fn after_two_days_on_which_about_everything_happened_all_of_it_holds(world: &World) {
        Town::run_as(world, Wishes::default(), async |town| {
            let ([town, _live], _) = day::live_through(town).await;
            let broken = invariants::check_quiet(&town.app).await.unwrap();
            assert!(broken.is_empty(), "{broken:#?}");
        });
    }

    fn whatever_is_tampered_with_is_named_by_the_invariant_that_it_breaks(world: &World) {
        let names = lived_in(world);
        let mut named = BTreeSet::new();
        let mut wrong = Vec::new();
        for (plant, found) in broken_by_each(world, &names) {
            let codes: BTreeSet<&str> = found.iter().map(|checked| checked.code).collect();
            if !codes.iter().eq([&plant.code]) {
                wrong.push(format!("{} by {}: {found:?}", plant.code, plant.changes));
            }
            named.extend(found.iter().map(|checked| checked.says));
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        let all = rules::all().map(|rule| rule.says);
        let never: Vec<&str> = all.filter(|says| !named.contains(says)).collect();
        assert!(never.is_empty(), "nothing was planted for: {never:#?}");
    }

    fn the_command_line_names_what_is_broken_and_fails(world: &World) {
        let names = lived_in(world);
        let (status, said) = check_by_binary(&world.url);
        assert_eq!(status, Some(0), "{said}");
        assert!(said.contains("ok      L1   every transaction") && said.ends_with("rules hold.\n"), "{said}");
        let plant = PLANTS.into_iter().flatten().find(|plant| plant.code == "L1").unwrap();
        let copy = Copy::with(world, 0, plant, &names);
        let (status, said) = check_by_binary(&copy.url);
        assert_eq!(status, Some(1), "{said}");
        let lines: Vec<&str> = said.lines().skip_while(|line| !line.starts_with("BROKEN")).collect();
        assert!(lines[0].starts_with("BROKEN  L1   every transaction"), "{said}");
        assert!(lines[1].starts_with("             ten_platform TEST ltx_"), "{said}");
    }
}

fn check_by_binary(database: &str) -> (Option<i32>, String) {
    let ran = psa_pay(database).arg("check-ledger").output().unwrap();
    let said = String::from_utf8(ran.stdout).unwrap() + &String::from_utf8(ran.stderr).unwrap();
    (ran.status.code(), said)
}
