//! What psa-pay is shipped with: the service's unit, the container, the app platform's file, alerts, the bill
//! of materials; and how it stops and is replaced under load.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use serde_json::Value;
use store::db::{Engine, Options};
use store::migrate::{self, MIGRATIONS, Migration};
use store::{Db, Sql, binds};

use super::machine::{Machine, number, with_machine};
use crate::browser::{WAIT_MAX, poll};
use crate::engines::World;
use crate::town::Town;

/// Payers who pay while a newer version migrates.
const PAYERS: usize = 8;
/// So often payers come back who left before they read that it is paid.
const COME_BACK: usize = 4;
const PAID: Sql = Sql::new("select count(*) as n from invoices where status = 'paid'");

/// A file of the repository.
fn file(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Names of variables that `.env.example` sets or shows.
fn variables() -> BTreeSet<String> {
    let lines = file(".env.example");
    let names = lines
        .lines()
        .filter_map(|line| line.trim_start_matches('#').split_once('='));
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    let names: BTreeSet<String> = names
        .map(|(name, _)| name.to_owned())
        .filter(|name| is_name(name))
        .collect();
    assert!(names.len() > 20, "{names:?}");
    names
}

/// What it could do if it were broken into, as systemd counts it: 10 is everything.
#[test]
fn the_units_exposure_is_two_or_lower() {
    let unit = root().join("deploy/psa-pay.service");
    let mut analyze = Command::new("systemd-analyze");
    let Ok(said) = analyze
        .args(["security", "--offline=true", "--no-pager"])
        .arg(unit)
        .output()
    else {
        eprintln!("the unit's exposure was not measured: there is no systemd-analyze");
        return;
    };
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let level = said.split("Overall exposure level for psa-pay.service: ").nth(1);
    let level = level
        .unwrap_or_else(|| panic!("no level: {said}"))
        .split(' ')
        .next()
        .unwrap();
    let (whole, tenths) = level.split_once('.').unwrap();
    let tenths = whole.parse::<u32>().unwrap() * 10 + tenths.parse::<u32>().unwrap();
    assert!(tenths <= 20, "{said}");
}

#[test]
fn the_container_runs_as_nobodys_user_and_is_told_to_stop_in_order() {
    let text = file("Dockerfile");
    let last = text.rsplit("\nFROM ").next().unwrap();
    let user = last
        .lines()
        .find_map(|line| line.strip_prefix("USER "))
        .expect("a user");
    assert!(user.parse::<u32>().is_ok_and(|user| user >= 1000), "{user}");
    for line in [
        "STOPSIGNAL SIGTERM",
        "ENTRYPOINT [\"/usr/local/bin/psa-pay\"]",
        "CMD [\"serve\"]",
    ] {
        assert!(last.lines().any(|found| found == line), "{line}");
    }
    assert!(text.contains("--locked"), "the versions of Cargo.lock");
    let ignored = file(".dockerignore");
    for secret in [".env", "*.db", ".git"] {
        assert!(
            ignored.lines().any(|line| line == secret),
            "{secret} would be in the image"
        );
    }
}

#[test]
fn the_app_platforms_file_names_every_variable() {
    let text = file(".do/app.yaml");
    for name in variables() {
        let name = name.trim_end_matches("_FILE");
        assert!(
            text.contains(name),
            "{name} is neither set nor left out with a reason"
        );
    }
    for entry in entries(&text) {
        let named = ["SECRET", "_KEY", "TOKEN", "SMTP_URL"];
        let is_secret = named.iter().any(|word| entry.name.contains(word));
        assert!(
            !is_secret || entry.is_secret,
            "{} is kept in the open",
            entry.name
        );
    }
    assert!(!text.contains("sqlite:"), "its disk is gone with each deployment");
}

/// A variable of the app platform's file.
struct Variable {
    name: String,
    value: String,
    is_secret: bool,
    /// Whether it is there from the first deployment on, and no line to be added later.
    is_first: bool,
}

/// `- {key: NAME, scope: RUN_TIME, value: VALUE}`, and behind `#` what a later step adds.
fn entries(text: &str) -> Vec<Variable> {
    let lines = text.lines().filter_map(|line| {
        let line = line.trim();
        let (added, rest) = line.split_once("- {key: ")?;
        let (name, rest) = rest.strip_suffix('}')?.split_once(", ")?;
        let (_, value) = rest.split_once("value: ")?;
        Some(Variable {
            name: name.to_owned(),
            value: value.trim_matches('"').to_owned(),
            is_secret: rest.contains("type: SECRET"),
            is_first: added.is_empty(),
        })
    });
    let entries: Vec<Variable> = lines.collect();
    assert!(entries.len() > 15, "only {}", entries.len());
    entries
}

/// What an operator puts in place of an example, and the platform in place of `${…}`.
fn filled(machine: &Machine, variable: &Variable) -> Option<String> {
    let value = match variable.name.as_str() {
        "STRIPE_TEST_SECRET_KEY" => "sk_test_psapay_demo".to_owned(),
        "STRIPE_TEST_PUBLISHABLE_KEY" => "pk_test_psapay_demo".to_owned(),
        "SECRET_KEY" => "a_secret_key_of_a_test_long_enough_for_it".to_owned(),
        "DATABASE_URL" => machine.database(),
        // The database of the test has no certificate.
        "DATABASE_CA" => return None,
        "PUBLIC_URL" => machine.origin.clone(),
        "LISTEN" => machine.origin.trim_start_matches("http://").to_owned(),
        name => {
            let value = &variable.value;
            assert!(
                !value.contains("REPLACE") && !value.contains('$'),
                "{name}: {value}"
            );
            value.clone()
        }
    };
    Some(value)
}

/// The order that the head of the file names: TEST with nothing but keys, the webhooks by the console, LIVE.
#[test]
fn the_app_platforms_file_is_deployed_in_the_order_that_it_says() {
    with_machine(async |mut machine| {
        let entries = entries(&file(".do/app.yaml"));
        let own = ["STRIPE_API_BASE", "DATABASE_URL"];
        for variable in variables().iter().filter(|name| !own.contains(&name.as_str())) {
            machine.unset(variable);
        }
        let first = entries.iter().filter(|variable| variable.is_first);
        let first: Vec<_> = first
            .map(|one| (one.name.clone(), filled(&machine, one)))
            .collect();
        for (name, value) in first {
            match value {
                Some(value) => machine.set(&name, &value),
                None => machine.unset(&name),
            }
        }
        machine.start().await;
        let later = |name: &str| entries.iter().any(|one| !one.is_first && one.name == name);
        let made = machine
            .run(&["webhooks", "setup"])
            .expect("setup beside the server");
        for (name, _) in made.out.lines().filter_map(|line| line.split_once('=')) {
            assert!(later(name), "{name} is no line of the file");
        }
        machine.take_over(&made.out);
        machine.restart().await;
        machine
            .run(&["webhooks", "list"])
            .expect("the webhooks are there");

        let keys = [("SECRET_KEY", "sk"), ("PUBLISHABLE_KEY", "pk")].map(|(kind, word)| {
            let name = format!("STRIPE_LIVE_{kind}");
            assert!(later(&name), "{name}");
            (name, format!("{word}_live_psapay_demo"))
        });
        let console = BTreeMap::from(keys.clone());
        let made = machine.shell("psa-pay webhooks setup --mode live", &console);
        machine.take_over(&made.expect("setup of live").out);
        for (name, value) in keys {
            machine.set(&name, &value);
        }
        machine.set("STRIPE_MODE", "live");
        machine.restart().await;
        machine
            .run(&["webhooks", "list"])
            .expect("those of live are there");
        assert!(
            machine.log().contains("initialized in LIVE mode"),
            "{}",
            machine.log()
        );
    });
}

#[test]
fn alerts_and_dashboard_ask_for_numbers_that_there_are() {
    let known = file("docs/operators.md");
    let mut asked = 0;
    for name in ["deploy/alerts.yaml", "deploy/grafana.json"] {
        let text = file(name);
        for at in text.match_indices("psa_pay_").map(|(at, _)| at) {
            let end = text[at..]
                .find(|c: char| !c.is_ascii_lowercase() && c != '_')
                .unwrap();
            let metric = text[at..at + end].trim_end_matches("_bucket");
            assert!(known.contains(&format!("`{metric}")), "{name} asks for {metric}");
            asked += 1;
        }
    }
    assert!(asked > 20, "only {asked}");
    let dashboard: Value = serde_json::from_str(&file("deploy/grafana.json")).unwrap();
    assert!(dashboard["panels"].as_array().unwrap().len() >= 8);
}

#[test]
fn the_security_page_says_how_to_report_and_what_to_do() {
    let page = file("SECURITY.md");
    for said in [
        "Report a vulnerability",
        "7 days",
        "30 days",
        "90 days",
        "cargo audit",
        "## Whom we reckon with",
        "## If a key was seen",
    ] {
        assert!(page.contains(said), "{said}");
    }
}

/// The bill of materials names what the program is built with, and nothing of it is under a licence that
/// `deny.toml` does not allow.
#[test]
fn the_bill_of_materials_is_whole_and_every_licence_is_allowed() {
    let made = Command::new(root().join("tools/sbom")).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let bom: Value = serde_json::from_slice(&made.stdout).unwrap();
    assert_eq!(
        (&bom["bomFormat"], &bom["specVersion"]),
        (&"CycloneDX".into(), &"1.5".into())
    );
    let deny = file("deny.toml");
    let components = bom["components"].as_array().unwrap();
    let names: BTreeSet<&str> = components.iter().filter_map(|one| one["name"].as_str()).collect();
    for needed in ["rustls", "rusqlite", "axum", "stripe", "libsqlite3-sys"] {
        assert!(names.contains(needed), "{needed} is not named");
    }
    assert!(
        !names.contains("fantoccini"),
        "what only tests need is no part of it"
    );
    for one in components {
        let licence = one["licenses"][0]["expression"].as_str().unwrap_or("none");
        let allowed = |word: &str| deny.contains(&format!("\"{}\"", word.trim().trim_matches(['(', ')'])));
        let all = licence.split(" AND ").all(|part| part.split(" OR ").any(allowed));
        assert!(all, "{} is under {licence}", one["name"]);
    }
}

/// A newer version migrates while this one still runs: what is added is none of its business.
#[test]
fn a_database_of_a_newer_version_is_refused_at_the_start() {
    with_machine(async |mut machine| {
        for name in ["STRIPE_LIVE_SECRET_KEY", "STRIPE_LIVE_PUBLISHABLE_KEY"] {
            machine.unset(name);
        }
        machine.run(&["migrate"]).expect("migrate");
        let connection = rusqlite::Connection::open(machine.folder.join("psa-pay.db")).unwrap();
        let newer =
            "insert into schema_migrations (name, checksum, created_at) values ('9999_newer', 'x', 1)";
        connection.execute(newer, []).unwrap();
        drop(connection);
        for command in ["serve", "migrate"] {
            let refused = machine.run(&[command]);
            assert!(
                !refused.good && refused.err.contains("run a newer version"),
                "{}",
                refused.err
            );
        }
        let shown = machine.run(&["doctor"]);
        assert!(shown.out.contains("migrated by a newer version"), "{}", shown.out);
    });
}

both! {
    fn a_running_version_goes_on_beside_a_newer_schema(world: &World) {
        Town::run(world, async |town| {
            let mut invoices = Vec::new();
            for _ in 0..PAYERS {
                let invoice = town.invoice(12_345, "usd").await;
                let link = town.link(&invoice).await;
                invoices.push((invoice, link));
            }
            let mut steps = MIGRATIONS.to_vec();
            steps.push(Migration {
                name: "9999_newer",
                sql: "alter table invoices add column newer text;\n\
                      alter table payments add column newer bigint not null default 0;\n\
                      create index payments_newer on payments (newer, created_at);\n\
                      create table newer (\n  id text not null primary key\n);\n",
            });
            let steps: &'static [Migration] = steps.leak();
            let reached = AtomicUsize::new(0);
            // Each press is answered, and at once: nobody reads an error because somebody migrates.
            let payers = join_all(invoices.iter().map(async |(_, link)| {
                let paid = town.pay(link, &town.token("pm_card_visa"), 12_345, "usd").await;
                assert_eq!(paid.body["status"], "succeeded", "{}", paid.text);
                reached.fetch_add(1, Ordering::SeqCst);
            }));
            let migration = async {
                town.until("the first to have paid", async || reached.load(Ordering::SeqCst) > 0).await;
                let newer = match world.db.engine() {
                    // The newer version, which the older one does not let at its file.
                    Engine::Sqlite => town.app.db.clone(),
                    Engine::Postgres => Db::open(&world.url, Options::default()).await.unwrap(),
                };
                let applied = migrate::run(&newer, steps, 1).await.unwrap();
                assert_eq!(applied, ["9999_newer"]);
                reached.load(Ordering::SeqCst)
            };
            let (_, before) = tokio::join!(payers, migration);
            eprintln!("{before} of {PAYERS} had paid when the newer version had migrated");
            for (invoice, _) in &invoices {
                town.until_invoice(invoice, "paid").await;
            }
            const NEWER: Sql = Sql::new("select count(*) as n from payments where newer = $1");
            let count = town.app.db.read(|tx| tx.one(&NEWER, binds![0_i64])?.int("n")).await;
            assert_eq!(count, Ok(i64::try_from(PAYERS).unwrap()));
            town.assert_books().await;
        });
    }
}

/// How the server ends while payers pay.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    InOrder,
    Killed,
}

/// The service manager stops and starts it while payers pay: nobody is charged twice, and nothing is lost.
/// `./check full` has 200 payers, forty at a time.
#[test]
fn stopped_in_order_and_started_again_under_load_it_loses_nothing() {
    let full = std::env::var("PSA_PAY_CHECK_FULL").as_deref() == Ok("1");
    ended_under_load(End::InOrder, if full { (200, 40) } else { (24, 4) }, 3);
}

/// The kernel kills it again and again in the middle of all of them: what it was doing is found out once it
/// is there again. `./check full` has 200 payers, all at once.
#[test]
fn killed_under_load_and_started_again_it_loses_nothing() {
    let full = std::env::var("PSA_PAY_CHECK_FULL").as_deref() == Ok("1");
    ended_under_load(End::Killed, if full { (200, 200) } else { (24, 12) }, 5);
}

fn ended_under_load(end: End, (all, at_once): (usize, usize), ends: i64) {
    with_machine(async |mut machine| {
        for name in ["STRIPE_LIVE_SECRET_KEY", "STRIPE_LIVE_PUBLISHABLE_KEY"] {
            machine.unset(name);
        }
        machine.set("TRUSTED_PROXIES", "127.0.0.1");
        let tenant = machine.tenant(i64::try_from(all).unwrap()).await;
        let made = machine.run(&["webhooks", "setup"]).expect("setup");
        machine.take_over(&made.out);
        machine.restart().await;
        let payers = join_all((0..at_once).map(async |from| {
            let mut unpaid = Vec::new();
            for nth in (from..all).step_by(at_once) {
                if !machine.pay(&tenant, nth).await {
                    unpaid.push(nth);
                }
            }
            unpaid
        }));
        let ending = async {
            for nth in 0..ends {
                // In the middle of somebody's payment, whose page is two seconds old before it takes a press.
                let before = nth * i64::try_from(all).unwrap() / (2 * ends);
                let paid = || number(&machine, &PAID) > before;
                let reached = poll(WAIT_MAX, async || paid().then_some(()));
                reached.await.expect("payers pay");
                match end {
                    End::InOrder => machine.stop(),
                    End::Killed => machine.kill(),
                }
                machine.start().await;
            }
        };
        let (unpaid, ()) = tokio::join!(payers, ending);
        let mut unpaid = unpaid.concat();
        if end == End::Killed {
            eprintln!(
                "{} of {all} payers left before they read that it is paid",
                unpaid.len()
            );
            // What was being sent is found out once its lease has ended, and some leave before that.
            for _ in 0..COME_BACK {
                let again = unpaid
                    .iter()
                    .map(async |nth| (*nth, machine.pay(&tenant, *nth).await));
                let again = join_all(again).await.into_iter();
                unpaid = again.filter(|(_, paid)| !paid).map(|(nth, _)| nth).collect();
            }
        }
        assert!(
            unpaid.is_empty(),
            "{unpaid:?} never read that it is paid: {}",
            machine.log()
        );
        machine.stop();
        assert_eq!(machine.charges(&tenant), all);
        assert_eq!(number(&machine, &PAID), i64::try_from(all).unwrap());
        machine.agrees_with_stripe().await;
    });
}
