//! What must always hold does hold after two days on which about everything happened, and each invariant
//! names a row that was tampered with, and no other invariant does.

use std::collections::BTreeSet;

use flows::invariants::{self, Checked};
use store::db::{Engine, Options};
use store::{Db, invariants as rules};

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
fn broken(url: &str, quiet: bool) -> Vec<Checked> {
    let db = block_on(Db::open(url, Options::default())).unwrap();
    let when = if quiet {
        rules::When::Quiet
    } else {
        rules::When::Always
    };
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

/// A copy of a closed database in which nothing stands in the way of whoever plants something.
struct Copy {
    url: String,
}

impl Copy {
    fn of(world: &World, nth: usize, plant: &Plant, names: &Names) -> Copy {
        let (drops, changes) = (plant.drops, names.put_into(plant.changes));
        let (base, _) = world.url.rsplit_once('/').unwrap();
        match world.db.engine() {
            Engine::Sqlite => {
                let url = format!("{base}/copy_{nth}.db");
                let file = |url: &str| url.trim_start_matches("sqlite:").to_owned();
                std::fs::copy(file(&world.url), file(&url)).unwrap();
                plant_in_sqlite(&file(&url), drops, &changes);
                Copy { url }
            }
            Engine::Postgres => {
                let (_, name) = world.url.rsplit_once('/').unwrap();
                let copy = format!("{name}_copy_{nth}");
                admin(&world.url, &format!("create database {copy} template {name}"));
                let url = format!("{base}/{copy}");
                plant_in_postgres(&url, drops, &changes);
                Copy { url }
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

fn plant_in_postgres(url: &str, drops: &str, changes: &str) {
    let mut client = postgres::Client::connect(url, postgres::NoTls).unwrap();
    client
        .batch_execute(
            "set session_replication_role = replica;
             do $$ declare found record; begin
               for found in select conrelid::regclass as place, conname from pg_constraint
                 where contype = 'c' and connamespace = 'public'::regnamespace
               loop execute format('alter table %s drop constraint %I', found.place, found.conname); end loop;
             end $$;",
        )
        .unwrap();
    run(drops, changes, |sql| {
        let sql = sql.replace("append_only_update", "append_only on state_history");
        client
            .execute(&sql, &[])
            .map(|rows| usize::try_from(rows).unwrap())
            .map_err(|error| format!("{error:?}"))
    });
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
}

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
        for (nth, plant) in PLANTS.into_iter().flatten().enumerate() {
            let copy = Copy::of(world, nth, plant, &names);
            let found = broken(&copy.url, ["P3", "L10"].contains(&plant.code));
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
        let copy = Copy::of(world, 0, plant, &names);
        let (status, said) = check_by_binary(&copy.url);
        assert_eq!(status, Some(1), "{said}");
        let lines: Vec<&str> = said.lines().skip_while(|line| !line.starts_with("BROKEN")).collect();
        assert!(lines[0].starts_with("BROKEN  L1   every transaction"), "{said}");
        assert!(lines[1].starts_with("             ten_platform TEST ltx_"), "{said}");
    }
}

fn check_by_binary(database: &str) -> (Option<i32>, String) {
    let ran = psa_pay(database).arg("check-ledger").output().unwrap();
    (ran.status.code(), String::from_utf8(ran.stdout).unwrap())
}
