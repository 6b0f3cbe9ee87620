//! Every fault that the doctor knows, planted alone and all together, and none on a good set-up.

use std::collections::BTreeMap;
use std::path::Path;

use domain::{Mode, Timestamp};
use flows::endpoints::{Role, Standing};
use store::db::Engine;

use super::super::collect::passing_in;
use super::super::facts::{CallFailed, DatabaseFacts, Facts, ModeFacts, ServerFacts};
use super::super::{Line, Status};
use super::judge;
use crate::config::Config;

type Environment = BTreeMap<&'static str, String>;

/// A set-up in LIVE as it has to be.
fn environment() -> Environment {
    let secret = "a_secret_key_of_a_test_long_enough_for_it";
    [
        ("STRIPE_MODE", "live"),
        ("STRIPE_LIVE_SECRET_KEY", "sk_live_of_a_test"),
        ("STRIPE_LIVE_PUBLISHABLE_KEY", "pk_live_of_a_test"),
        ("STRIPE_LIVE_WEBHOOK_SECRET", "whsec_one,whsec_two"),
        ("STRIPE_LIVE_WEBHOOK_SECRET_THIN", "whsec_three"),
        ("PUBLIC_URL", "https://pay.example.com"),
        ("TRUSTED_PROXIES", "10.0.0.5"),
        ("METRICS_TOKEN", "a_token_for_the_metrics"),
        ("SECRET_KEY", secret),
        ("SMTP_URL", "smtps://user:secret@smtp.example.com:465"),
        ("MAIL_FROM", "Northwind <billing@example.com>"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into()
}

fn standing(role: Role) -> Standing {
    Standing {
        role,
        id: format!("we_{}", role.word()),
        wrong: Vec::new(),
        secret_known: Some(true),
        retiring: false,
    }
}

fn good() -> Facts {
    let now = Timestamp::from_ms(1_795_000_000_000);
    Facts {
        now: Some(now),
        modes: vec![ModeFacts {
            mode: Mode::Live,
            account: Ok("acct_1AbCdEfGhIjKlMnOp".to_owned()),
            keys_of_one_account: true,
            endpoints: Ok(Role::ALL.map(standing).to_vec()),
            pings: vec![("STRIPE_LIVE_WEBHOOK_SECRET".to_owned(), Ok(200))],
            secrets: 3,
        }],
        database: DatabaseFacts {
            engine: Some(Engine::Sqlite),
            steps: (35, 35),
            free_bytes: Some(10 << 30),
            last_backup: Some(now.plus_ms(-3_600_000)),
            unable: vec![(Mode::Live, 0)],
            operators: 1,
            ..DatabaseFacts::default()
        },
        server: ServerFacts {
            ready: Some(Ok((200, "ready\n".to_owned()))),
            wrong_secret: Some(Ok(401)),
            plain_http_serves: false,
        },
        clock_ahead_s: Some(0),
        mail_server: Some(Ok(())),
        ..Facts::default()
    }
}

/// A fault: what it changes, and the line that names it.
struct Plant {
    code: &'static str,
    status: Status,
    environment: fn(&mut Environment),
    facts: fn(&mut Facts),
}

fn in_facts(code: &'static str, status: Status, facts: fn(&mut Facts)) -> Plant {
    Plant {
        code,
        status,
        environment: |_| {},
        facts,
    }
}

fn in_environment(code: &'static str, status: Status, environment: fn(&mut Environment)) -> Plant {
    Plant {
        code,
        status,
        environment,
        facts: |_| {},
    }
}

fn endpoint(facts: &mut Facts, role: Role, change: fn(&mut Standing)) {
    if let Ok(all) = &mut facts.modes[0].endpoints {
        all.iter_mut().filter(|one| one.role == role).for_each(change);
    }
}

use Status::{Failure, Warning};

fn plants() -> Vec<Plant> {
    let mut plants = of_stripe();
    plants.extend(of_database());
    plants.extend([
        in_environment("metrics", Warning, |env| drop(env.remove("METRICS_TOKEN"))),
        in_environment("proxies", Warning, |env| drop(env.remove("TRUSTED_PROXIES"))),
        in_environment("variable.SECRET_KEY", Failure, |env| {
            env.insert("SECRET_KEY", "REPLACE_WITH_64_HEX_DIGITS".to_owned());
        }),
        in_environment("variable.STRIPE_TEST_SECRET_KEY", Failure, |env| {
            env.insert("STRIPE_TEST_SECRET_KEY", "sk_live_of_a_test".to_owned());
            env.insert("STRIPE_TEST_PUBLISHABLE_KEY", "pk_test_of_a_test".to_owned());
        }),
        in_environment("variable.LISTEN", Failure, |env| {
            env.insert("LISTEN", "everywhere".to_owned());
        }),
        in_facts("clock", Failure, |facts| facts.clock_ahead_s = Some(-400)),
        in_facts("server", Failure, |facts| {
            facts.server.ready = Some(Ok((503, "the database takes no writes".to_owned())));
        }),
        in_facts("wrong_secret", Failure, |facts| {
            facts.server.wrong_secret = Some(Ok(200))
        }),
        in_facts("plain_http", Failure, |facts| {
            facts.server.plain_http_serves = true
        }),
        in_facts("mail", Failure, |facts| {
            facts.mail_server = Some(Err("refused".to_owned()))
        }),
    ]);
    plants
}

fn of_stripe() -> Vec<Plant> {
    vec![
        in_facts("stripe.live", Failure, |facts| {
            facts.modes[0].account = Err(CallFailed::KeyRefused)
        }),
        in_facts("keys.live", Failure, |facts| {
            facts.modes[0].keys_of_one_account = false
        }),
        in_facts("endpoint.live.accounts", Failure, |facts| {
            endpoint(facts, Role::Accounts, |one| {
                one.wrong = vec!["there is no endpoint".to_owned()]
            });
        }),
        in_facts("endpoint.live.platform", Failure, |facts| {
            endpoint(facts, Role::Platform, |one| one.secret_known = Some(false));
        }),
        in_facts("endpoint.live.thin", Warning, |facts| {
            endpoint(facts, Role::Thin, |one| one.retiring = true);
        }),
        in_facts("secret.STRIPE_LIVE_WEBHOOK_SECRET", Failure, |facts| {
            facts.modes[0].pings[0].1 = Ok(401);
        }),
        in_facts("one_account", Warning, |facts| {
            let mut test = facts.modes[0].clone();
            test.mode = Mode::Test;
            test.account = Ok("acct_of_a_sandbox".to_owned());
            // Found even where the other key is refused: both accounts have to be known.
            if facts.modes[0].account.is_ok() {
                facts.modes.push(test);
            }
        }),
    ]
}

fn of_database() -> Vec<Plant> {
    vec![
        in_facts("schema", Failure, |facts| facts.database.steps = (34, 35)),
        in_facts("disk", Failure, |facts| {
            facts.database.passing_disk = Some("overlay".to_owned())
        }),
        in_facts("room", Failure, |facts| {
            facts.database.free_bytes = Some(1_000_000)
        }),
        in_facts("permissions", Failure, |facts| {
            facts.database.readable_by_others = true
        }),
        in_facts("backups", Failure, |facts| facts.database.last_backup = None),
        in_facts("instance", Failure, |facts| {
            facts.database.copied = Some("the database was copied or moved".to_owned());
        }),
        in_facts("tenants.live", Warning, |facts| {
            facts.database.unable = vec![(Mode::Live, 2)]
        }),
        in_facts("events", Failure, |facts| facts.database.dead_events = 3),
        in_facts("breaks", Warning, |facts| facts.database.breaks = 1),
        in_facts("operators", Warning, |facts| facts.database.operators = 0),
    ]
}

/// What the doctor says of a set-up, the configuration read as the collector reads it.
fn said_of(given: &Environment, mut facts: Facts) -> Vec<Line> {
    let lookup = |name: &str| given.get(name).cloned();
    if let Err(errors) = Config::from_lookup(&lookup) {
        let said = errors
            .iter()
            .map(|error| (error.variable.to_owned(), error.to_string()));
        facts.variables = said.collect();
    }
    // The settings that are judged are not among those that are planted as wrong.
    let wrong: Vec<&str> = facts.variables.iter().map(|(name, _)| name.as_str()).collect();
    let mended = environment();
    let rest = |name: &str| match wrong.contains(&name) {
        true => mended.get(name).cloned(),
        false => lookup(name),
    };
    let rest = |name: &str| rest(name).filter(|_| !name.starts_with("STRIPE_TEST"));
    facts.config = Some(Config::from_lookup(&rest).unwrap_or_else(|errors| panic!("{errors:?}")));
    judge(&facts)
}

fn assert_found(lines: &[Line], plant: &Plant) {
    let line = lines
        .iter()
        .find(|line| line.code == plant.code && line.status == plant.status);
    let line = line.unwrap_or_else(|| panic!("{} is not named: {lines:#?}", plant.code));
    assert!(!line.remedy.is_empty(), "{} has no remedy", plant.code);
}

#[test]
fn a_good_set_up_has_no_fault() {
    let lines = said_of(&environment(), good());
    let faults: Vec<&Line> = lines.iter().filter(|line| line.status != Status::Ok).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(lines.len() >= 20, "only {} lines", lines.len());
}

#[test]
fn each_of_twenty_and_more_planted_faults_is_named_alone() {
    let plants = plants();
    assert!(plants.len() >= 20, "only {} faults are planted", plants.len());
    for plant in &plants {
        let (mut environment, mut facts) = (environment(), good());
        (plant.environment)(&mut environment);
        (plant.facts)(&mut facts);
        let lines = said_of(&environment, facts);
        assert_found(&lines, plant);
        let others: Vec<&Line> = lines
            .iter()
            .filter(|line| line.status != Status::Ok && line.code != plant.code)
            .collect();
        assert!(others.len() <= 1, "{} also brings {others:#?}", plant.code);
    }
}

#[test]
fn all_planted_faults_are_named_together() {
    let (mut environment, mut facts) = (environment(), good());
    // Two of them exclude each other: where the key is refused, nobody knows of which account it is.
    let together: Vec<Plant> = plants()
        .into_iter()
        .filter(|plant| plant.code != "one_account")
        .collect();
    for plant in &together {
        (plant.environment)(&mut environment);
        (plant.facts)(&mut facts);
    }
    let lines = said_of(&environment, facts);
    together.iter().for_each(|plant| assert_found(&lines, plant));
}

/// An app platform's disk is gone with each deployment, and with it every payment.
#[test]
fn a_disk_that_goes_with_its_machine_is_known_by_its_file_system() {
    let mounts = "22 1 0:21 / / rw - overlay overlay rw\n\
                  30 22 0:25 / /dev/shm rw - tmpfs shm rw\n\
                  31 22 8:1 / /var/lib/psa-pay rw - ext4 /dev/sda1 rw\n";
    for (folder, kind) in [
        ("/app", Some("overlay")),
        ("/dev/shm/data", Some("tmpfs")),
        ("/var/lib/psa-pay", None),
        ("/var/lib/psa-pay/data", None),
    ] {
        assert_eq!(passing_in(mounts, Path::new(folder)).as_deref(), kind, "{folder}");
    }
}
