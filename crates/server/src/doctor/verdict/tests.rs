//! Every fault that the doctor knows, planted alone and all together, and none on a good set-up.

mod advice;

use std::collections::BTreeMap;
use std::path::Path;

use axum::http::HeaderMap;
use domain::{Mode, Timestamp};
use flows::endpoints::{Role, Signing, Standing};
use flows::stripe_events::SignedAs;
use store::db::Engine;
use stripe::HttpResponse;
use stripe::events::Kind;

use super::super::collect::{changed_headers, passing_in};
use super::super::configuration;
use super::super::facts::{CallFailed, DatabaseFacts, Facts, FileFacts, ModeFacts, Ping, ServerFacts};
use super::super::{Line, Status, tell};
use super::judge;
use crate::config::Config;
use crate::disk::Room;
use crate::headers::{Kind as Page, Policies};
use crate::ping::{Answer, Pong};

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
        signing: Some(Signing::Known),
        retiring: false,
    }
}

fn config() -> Config {
    let given = environment();
    Config::from_lookup(&|name| given.get(name).cloned()).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn ping(nth: &str) -> Ping {
    let kind = Kind::Snapshot;
    let signed_as = SignedAs {
        mode: Mode::Live,
        kind,
    };
    Ping {
        variable: format!("STRIPE_LIVE_WEBHOOK_SECRET{nth}"),
        kind,
        answer: Ok(Answer::Taken(Pong::of(&config(), signed_as))),
    }
}

/// Changes what the server said to the last word.
fn pong(facts: &mut Facts, change: fn(&mut Pong)) {
    let last = facts.modes[0].pings.last_mut();
    if let Some(Ping {
        answer: Ok(Answer::Taken(pong)),
        ..
    }) = last
    {
        change(pong);
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
            room: 13,
            pings: vec![ping(""), ping(".2")],
            secrets: 3,
        }],
        database: DatabaseFacts {
            engine: Some(Engine::Sqlite),
            steps: (35, 35),
            room: Some(disk_with(10 << 30)),
            last_backup: Some(now.plus_ms(-3_600_000)),
            unable: vec![(Mode::Live, 0)],
            operators: 1,
            ..DatabaseFacts::default()
        },
        server: ServerFacts {
            ready: Some(Ok((200, "ready\n".to_owned()))),
            wrong_secret: Some(Ok(Answer::Refused)),
            plain_http_serves: false,
            page_headers: Some(Vec::new()),
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
        in_environment("proxies", Failure, |env| drop(env.remove("TRUSTED_PROXIES"))),
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
            facts.server.wrong_secret = Some(Ok(Answer::Other(200)))
        }),
        in_facts("plain_http", Failure, |facts| {
            facts.server.plain_http_serves = true
        }),
        in_facts("mail", Failure, |facts| {
            facts.mail_server = Some(Err("refused".to_owned()))
        }),
        in_facts("running_mode", Failure, |facts| {
            pong(facts, |pong| pong.mode = "test".to_owned());
        }),
        in_facts("page_headers", Warning, |facts| {
            facts.server.page_headers = Some(vec!["content-security-policy".to_owned()]);
        }),
        in_facts("env_file", Warning, |facts| {
            facts.file = Some(FileFacts {
                path: ".env".to_owned(),
                readable_by_others: true,
                twice: Vec::new(),
            });
        }),
        in_facts("name.STRIPE_KEY", Warning, |facts| {
            facts.unread = vec![("STRIPE_KEY".to_owned(), "it says nothing".to_owned())];
        }),
    ]);
    plants
}

/// Those that hide another, or are hidden by it.
fn alone() -> Vec<Plant> {
    vec![
        in_facts("room", Warning, |facts| {
            facts.database.room = Some(disk_with(3 << 30))
        }),
        in_facts("endpoint.live.platform", Failure, |facts| {
            endpoint(facts, Role::Platform, |one| {
                one.signing = Some(Signing::OtherKind)
            });
        }),
        in_facts("endpoint.live.platform", Failure, |facts| {
            endpoint(facts, Role::Platform, |one| one.signing = Some(Signing::TooFew));
        }),
        in_facts("endpoint.live.platform", Warning, |facts| {
            endpoint(facts, Role::Platform, |one| one.signing = Some(Signing::Untold));
        }),
        in_facts("running_key", Failure, |facts| {
            pong(facts, |pong| pong.secret_key = "of_another_key".to_owned());
        }),
        in_facts("secret.STRIPE_LIVE_WEBHOOK_SECRET.2", Failure, |facts| {
            pong(facts, |pong| pong.secret_kind = "thin".to_owned());
        }),
        in_facts("running_stripe", Failure, |facts| {
            pong(facts, |pong| {
                pong.stripe = Some("http://127.0.0.1:12111".to_owned())
            });
            facts.server.page_headers = Some(vec!["content-security-policy".to_owned()]);
        }),
        in_facts("database", Failure, |facts| {
            facts.database.unreachable = Some("no such table: schema_migrations".to_owned());
        }),
    ]
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
            endpoint(facts, Role::Platform, |one| one.signing = Some(Signing::Unknown));
        }),
        in_facts("endpoint.live.thin", Warning, |facts| {
            endpoint(facts, Role::Thin, |one| one.retiring = true);
        }),
        in_facts("secret.STRIPE_LIVE_WEBHOOK_SECRET", Failure, |facts| {
            facts.modes[0].pings[0].answer = Ok(Answer::Refused);
        }),
        in_facts("one_account", Warning, |facts| {
            let mut test = facts.modes[0].clone();
            test.mode = Mode::Test;
            test.account = Ok("acct_of_a_sandbox".to_owned());
            test.pings.clear();
            // Found even where the other key is refused: both accounts have to be known.
            if facts.modes[0].account.is_ok() {
                facts.modes.push(test);
            }
        }),
    ]
}

fn disk_with(free: u64) -> Room {
    Room { free, size: 40 << 30 }
}

fn of_database() -> Vec<Plant> {
    vec![
        in_facts("schema", Failure, |facts| facts.database.steps = (34, 35)),
        in_facts("durability", Failure, |facts| {
            facts.database.unsafe_settings = vec!["fsync = off".to_owned()];
        }),
        in_facts("disk", Failure, |facts| {
            facts.database.passing_disk = Some("overlay".to_owned())
        }),
        in_facts("room", Failure, |facts| {
            facts.database.room = Some(disk_with(1_000_000))
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

/// What the doctor says of a set-up, the configuration read as it reads it.
fn said_of(given: &Environment, mut facts: Facts) -> Vec<Line> {
    (facts.config, facts.variables) = configuration::read(&|name: &str| given.get(name).cloned());
    assert!(facts.config.is_some(), "{:?}", facts.variables);
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
    for plant in plants.iter().chain(&alone()) {
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

/// Something that asks everybody for a login was taken for psa-pay.
#[test]
fn what_answers_401_to_everything_is_not_taken_for_psa_pay() {
    let mut facts = good();
    facts.server.wrong_secret = Some(Ok(Answer::Other(401)));
    for ping in &mut facts.modes[0].pings {
        ping.answer = Ok(Answer::Other(401));
    }
    let lines = said_of(&environment(), facts);
    let of = |code: &str| lines.iter().find(|line| line.code == code).unwrap();
    assert_eq!(of("wrong_secret").status, Status::Failure);
    let secret = of("secret.STRIPE_LIVE_WEBHOOK_SECRET");
    assert_eq!(secret.status, Status::Failure);
    assert!(!secret.remedy.contains("restart"), "{}", secret.remedy);

    // A proxy that puts its own page in place of ours changes nothing about what is behind it.
    let mut facts = good();
    facts.server.wrong_secret = Some(Ok(Answer::Other(401)));
    let lines = said_of(&environment(), facts);
    assert!(lines.iter().all(|line| line.status == Status::Ok), "{lines:#?}");
}

/// One key hid everything that was to be said of the rest.
#[test]
fn a_key_that_cannot_be_used_hides_nothing_else() {
    let cases: [(&str, &str); 6] = [
        ("STRIPE_LIVE_SECRET_KEY", "sk_test_of_a_test"),
        ("STRIPE_LIVE_SECRET_KEY", "sk_live_REPLACE_WITH_YOURS"),
        ("STRIPE_LIVE_PUBLISHABLE_KEY", "sk_live_of_a_test"),
        ("STRIPE_LIVE_WEBHOOK_SECRET", "secret"),
        ("STRIPE_TEST_CLIENT_ID", "acct_1"),
        ("STRIPE_MODE", "production"),
    ];
    for (name, value) in cases {
        let mut given = environment();
        given.insert(name, value.to_owned());
        let mut facts = good();
        facts.database.breaks = 1;
        facts.mail_server = Some(Err("refused".to_owned()));
        let lines = said_of(&given, facts);
        let code = format!("variable.{name}");
        for code in [code.as_str(), "breaks", "mail"] {
            let found = lines
                .iter()
                .any(|line| line.code == code && line.status != Status::Ok);
            assert!(found, "{name}: {code} is not named: {lines:#?}");
        }
        let line = lines.iter().find(|line| line.code == code).unwrap();
        assert!(
            !line.remedy.is_empty() && line.remedy != "correct this variable",
            "{line:?}"
        );
    }
}

#[test]
fn headers_that_a_proxy_takes_away_or_changes_are_found() {
    let config = config();
    let mut sent = HeaderMap::new();
    Policies::new(&config).apply(Page::PayPage, &mut sent);
    let all = sent.iter().map(|(name, value)| {
        let value = value.to_str().unwrap().to_owned();
        (name.as_str().to_owned(), value)
    });
    let mut came = HttpResponse {
        status: 404,
        headers: all.collect(),
        body: Vec::new(),
    };
    assert_eq!(changed_headers(&config, &came), Vec::<String>::new());
    came.headers.retain(|(name, _)| name != "content-security-policy");
    for (_, value) in came
        .headers
        .iter_mut()
        .filter(|(name, _)| name == "referrer-policy")
    {
        *value = "unsafe-url".to_owned();
    }
    let mut changed = changed_headers(&config, &came);
    changed.sort();
    assert_eq!(changed, ["content-security-policy", "referrer-policy"]);
}

#[test]
fn a_long_code_ends_before_its_text() {
    let line = Line::ok("secret.STRIPE_LIVE_WEBHOOK_SECRET_THIN", "it is taken");
    let mut said = Vec::new();
    tell(&[line], false, &mut |line| said.push(line)).unwrap();
    assert_eq!(
        said,
        ["ok       secret.STRIPE_LIVE_WEBHOOK_SECRET_THIN  it is taken"]
    );
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
