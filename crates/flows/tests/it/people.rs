//! What an attacker tries who has somebody's session, their mailbox, or nothing but their address: people at
//! the flows, without a server.

mod keys;

use std::sync::Arc;

use domain::person::Refused;
use domain::{Limited, Refusal, Role};
use flows::people::authenticator::code_of;
use flows::people::login::{self, Browser, Proof};
use flows::people::setup::{self, NewPerson};
use flows::people::{
    self, Cost, Hashing, Inline, Seen, Work, Working, account, invitations, members, resets, second_factor,
    sessions,
};
use flows::{Actor, App, By, Failure};
use store::Sql;
use stripe::Secret;

use crate::executor::run;
use crate::world::World;

const MINUTE_MS: i64 = 60_000;
const PASSWORD: &str = "correct horse battery staple";
const NEW: &str = "lantern orbit meadow cellar";
const ANN: &str = "ann@northwind.example";
const EVE: &str = "eve@elsewhere.example";
const HOME: &str = "203.0.113.10";

const CHEAP: Cost = Cost {
    memory_kib: 8,
    passes: 1,
    lanes: 1,
};

/// So much waits that nobody else can.
struct Full;

impl Hashing for Full {
    fn run(&self, _: Work) -> Working<'_> {
        Box::pin(async { Err(Refused::LoginBusy.into()) })
    }

    fn is_full(&self) -> bool {
        true
    }
}

fn world() -> World {
    let mut world = World::new(1);
    world.app.hashing = Arc::new(Inline(CHEAP));
    world
}

fn at(address: &str) -> By {
    By {
        address: address.parse().ok(),
        ..By::new(Actor::Unknown)
    }
}

fn browser(address: &str, before: Option<Seen>) -> Browser {
    Browser {
        by: at(address),
        agent: None,
        before,
    }
}

fn add(world: &World, role: Role, email: &str) {
    let new = NewPerson {
        name: "Ann Fielding".to_owned(),
        email: email.to_owned(),
        password: Secret::new(PASSWORD),
    };
    run(setup::add(&world.app, &at(HOME), &world.scope.tenant, role, &new)).unwrap();
}

fn seen(app: &App, cookie: &Secret) -> Option<Seen> {
    run(people::authenticate(app, cookie.expose())).unwrap()
}

fn try_at(app: &App, address: &str, email: &str, password: &str) -> Result<Seen, Failure> {
    let entered = run(login::log_in(
        app,
        &browser(address, None),
        email,
        &Secret::new(password),
    ))?;
    Ok(seen(app, &entered.cookie).unwrap())
}

fn log_in(world: &World, password: &str) -> Seen {
    try_at(&world.app, HOME, ANN, password).unwrap()
}

fn refused<T: std::fmt::Debug>(result: Result<T, Failure>) -> Refused {
    match result.unwrap_err() {
        Failure::Refused(Refusal::Person(refused)) => refused,
        failure => panic!("{failure:?}"),
    }
}

/// The links that are sent, oldest first.
fn links(world: &World, to: &str) -> Vec<String> {
    run(resets::answer(&world.app)).unwrap();
    const LETTERS: Sql = Sql::new("select recipient, letter from mails order by created_at, id");
    let rows = world.rows(&LETTERS);
    let to_them = rows.iter().filter(|row| row.text("recipient").unwrap() == to);
    let path = |row: &store::db::Row| {
        let letter: serde_json::Value = serde_json::from_str(&row.text("letter").unwrap()).unwrap();
        let kept = letter["button"]["path"].as_str()?;
        let path = people::opened(&world.app.link_key, kept).unwrap();
        Some(path.rsplit('/').next().unwrap().to_owned())
    };
    to_them.filter_map(path).collect()
}

/// Gives somebody an authenticator; answers its seed.
fn enrol(world: &World, person: &Seen) -> (String, Vec<Secret>, Seen) {
    let begun = run(second_factor::begin(&world.app, &at(HOME), person)).unwrap();
    let seed = begun.seed.expose().to_owned();
    let (codes, cookie) = run(second_factor::confirm(
        &world.app,
        &at(HOME),
        person,
        &code(world, &seed),
    ))
    .unwrap();
    (seed, codes, seen(&world.app, &cookie).unwrap())
}

fn code(world: &World, seed: &str) -> String {
    code_of(seed, world.app.clock.now()).unwrap()
}

fn next_code(world: &World, seed: &str) -> String {
    world.simulator.advance_ms(30_000);
    code(world, seed)
}

#[test]
fn whoever_has_a_session_and_no_password_makes_themselves_no_second_factor() {
    let world = world();
    add(&world, Role::Billing, ANN);
    let stolen = log_in(&world, PASSWORD);
    let begun = run(second_factor::begin(&world.app, &at(HOME), &stolen)).unwrap();
    world.simulator.advance_ms(5 * MINUTE_MS);
    let (app, by) = (&world.app, at("198.51.100.7"));
    assert_eq!(
        refused(run(second_factor::begin(app, &by, &stolen))),
        Refused::StepUpNeeded
    );
    let right = code(&world, begun.seed.expose());
    let confirmed = run(second_factor::confirm(app, &by, &stolen, &right));
    assert_eq!(refused(confirmed), Refused::StepUpNeeded);
    // Who has shown who they are may, and that moment stays the one that counts.
    let mut ann = log_in(&world, PASSWORD);
    world.simulator.advance_ms(4 * MINUTE_MS);
    let since = ann.session.stepped_up_at;
    ann = enrol(&world, &ann).2;
    assert_eq!(ann.session.stepped_up_at, since);
}

#[test]
fn a_password_does_not_stand_in_for_a_second_factor() {
    let world = world();
    add(&world, Role::Billing, ANN);
    let (seed, _, ann) = enrol(&world, &log_in(&world, PASSWORD));
    let (app, by) = (&world.app, at(HOME));
    let password = Proof::Password(Secret::new(PASSWORD));
    assert_eq!(
        refused(run(login::step_up(app, &by, &ann, &password))),
        Refused::Code
    );
    let right = Proof::Code(next_code(&world, &seed));
    run(login::step_up(app, &by, &ann, &right)).unwrap();
}

#[test]
fn a_right_password_makes_no_wrong_codes_forgotten_and_the_current_one_is_counted() {
    let world = world();
    add(&world, Role::Billing, ANN);
    let ann = log_in(&world, PASSWORD);
    let (app, by) = (&world.app, at(HOME));
    let wrong = Proof::Code("123456".to_owned());
    for _ in 0..4 {
        assert_eq!(
            refused(run(login::step_up(app, &by, &ann, &wrong))),
            Refused::Code
        );
    }
    let right = Proof::Password(Secret::new(PASSWORD));
    let ann = seen(app, &run(login::step_up(app, &by, &ann, &right)).unwrap()).unwrap();
    assert_eq!(
        refused(run(login::step_up(app, &by, &ann, &wrong))),
        Refused::Code
    );
    let held = refused(run(login::step_up(app, &by, &ann, &wrong)));
    assert!(matches!(held, Refused::LoginDelayed { .. }), "{held:?}");

    let change = |current: &str| {
        let (current, new) = (Secret::new(current), Secret::new(NEW));
        run(account::change_password(app, &by, &ann, &current, &new))
    };
    for _ in 0..5 {
        assert_eq!(refused(change("wrong horse battery")), Refused::Login);
    }
    let held = refused(change(PASSWORD));
    assert!(matches!(held, Refused::LoginDelayed { .. }), "{held:?}");
    world.simulator.advance_ms(1_000);
    change(PASSWORD).unwrap();
}

#[test]
fn what_keeps_others_out_makes_a_pending_change_of_address_worthless() {
    const TOLD: Sql = Sql::new("select count(*) as n from mails where recipient = 'ann@northwind.example'");
    let (by, other) = (at(HOME), at("198.51.100.7"));
    for way in ["password", "reset", "sessions", "role"] {
        let world = world();
        let app = &world.app;
        add(&world, Role::Billing, ANN);
        add(&world, Role::Owner, "olive@northwind.example");
        let stolen = log_in(&world, PASSWORD);
        run(account::ask_for_email(app, &other, &stolen, EVE)).unwrap();
        assert_eq!(world.number(&TOLD), 1, "the address that counts is told at once");
        let token = links(&world, EVE).pop().unwrap();
        let ann = log_in(&world, PASSWORD);
        match way {
            "password" => {
                let (old, new) = (Secret::new(PASSWORD), Secret::new(NEW));
                run(account::change_password(app, &by, &ann, &old, &new)).unwrap();
            }
            "reset" => {
                run(resets::ask(app, &by, ANN)).unwrap();
                run(resets::ask(app, &by, ANN)).unwrap();
                let [one, two] = links(&world, ANN).try_into().unwrap();
                run(resets::reset(app, &by, &one, &Secret::new(NEW))).unwrap();
                let again = run(resets::reset(app, &by, &two, &Secret::new(PASSWORD)));
                assert_eq!(
                    refused(again),
                    Refused::LinkUsed,
                    "one that is used takes the others along"
                );
            }
            "sessions" => {
                run(sessions::revoke_others(app, &by, &ann)).unwrap();
            }
            _ => {
                let olive = try_at(app, HOME, "olive@northwind.example", PASSWORD).unwrap();
                let change = members::Change::Role(Role::ReadOnly);
                run(members::change(app, &by, &olive, &ann.user.id, None, change)).unwrap();
            }
        }
        let taken = run(account::take_email(app, &other, &stolen, &token));
        assert_eq!(refused(taken), Refused::LinkUsed, "{way}");
    }
}

#[test]
fn a_mistyped_address_gives_the_login_to_nobody() {
    let world = world();
    let (app, by) = (&world.app, at(HOME));
    add(&world, Role::Billing, ANN);
    add(&world, Role::Billing, "bob@northwind.example");
    let ann = log_in(&world, PASSWORD);
    run(account::ask_for_email(app, &by, &ann, EVE)).unwrap();
    let token = links(&world, EVE).pop().unwrap();
    let bob = try_at(app, HOME, "bob@northwind.example", PASSWORD).unwrap();
    assert_eq!(
        refused(run(account::take_email(app, &by, &bob, &token))),
        Refused::LinkUsed
    );
    // That cost its owner nothing.
    let taken = run(account::take_email(app, &by, &ann, &token)).unwrap();
    assert_eq!(taken.email, EVE);
}

#[test]
fn strangers_take_nobodys_reset_away() {
    let world = world();
    let (app, owner) = (&world.app, at(HOME));
    add(&world, Role::Billing, ANN);
    run(resets::ask(app, &owner, ANN)).unwrap();
    let first = links(&world, ANN).pop().unwrap();
    for n in 0..40 {
        let stranger = at("198.51.100.7");
        run(resets::ask(app, &stranger, &format!("junk{n}@northwind.example"))).unwrap();
        run(resets::ask(app, &stranger, ANN)).unwrap();
    }
    const COUNTS: Sql = Sql::new("select count(*) as n from rate_limits");
    assert!(
        world.number(&COUNTS) < 100,
        "a network that is over its limit leaves no more rows"
    );
    let sent = links(&world, ANN).len();
    assert_eq!(sent, 4, "three an hour from one network");
    run(resets::ask(app, &owner, ANN)).unwrap();
    assert_eq!(links(&world, ANN).len(), 5, "its owner still gets one");
    // From very many networks it ends, but for networks from which the person has logged in.
    for n in 0..20 {
        run(resets::ask(app, &at(&format!("192.0.2.{n}")), ANN)).unwrap();
    }
    assert_eq!(links(&world, ANN).len(), 10);
    try_at(app, "203.0.113.99", ANN, PASSWORD).unwrap();
    run(resets::ask(app, &at("203.0.113.99"), ANN)).unwrap();
    assert_eq!(links(&world, ANN).len(), 11);
    run(resets::reset(app, &owner, &first, &Secret::new(NEW))).unwrap();
}

#[test]
fn a_login_that_waits_for_its_code_becomes_one_session_and_none_once_it_has_ended() {
    let world = world();
    let app = &world.app;
    add(&world, Role::Billing, ANN);
    let (seed, codes, _) = enrol(&world, &log_in(&world, PASSWORD));
    let waiting = log_in(&world, PASSWORD);
    let with = browser(HOME, Some(waiting));
    run(login::second_factor(app, &with, &next_code(&world, &seed))).unwrap();
    // What was read before is not what counts: the recovery code is not used up either.
    let again = run(login::second_factor(app, &with, codes[0].expose()));
    assert_eq!(refused(again), Refused::SessionEnded);
    let waiting = log_in(&world, PASSWORD);
    run(login::second_factor(
        app,
        &browser(HOME, Some(waiting)),
        codes[0].expose(),
    ))
    .unwrap();
}

#[test]
fn whatever_is_no_address_is_nobodys_and_no_failure_of_ours() {
    let world = world();
    add(&world, Role::Billing, ANN);
    for email in ["a\0b@c.example", "\0", "no address", ""] {
        assert_eq!(
            refused(try_at(&world.app, HOME, email, PASSWORD)),
            Refused::Login,
            "{email:?}"
        );
    }
}

#[test]
fn a_flood_of_guesses_costs_no_transaction_and_few_rows() {
    const COUNTS: Sql = Sql::new("select count(*) as n from rate_limits");
    const NOTED: Sql = Sql::new("select count(*) as n from audit_log where action = 'person.login_refused'");
    let world = world();
    add(&world, Role::Billing, ANN);
    for n in 0..200 {
        let from = format!("2001:db8:7:{n:x}::1");
        let answer = refused(try_at(
            &world.app,
            &from,
            &format!("person{n}@northwind.example"),
            PASSWORD,
        ));
        assert_eq!(answer, Refused::Login);
    }
    assert_eq!(world.number(&NOTED), 20);
    world.simulator.advance_ms(MINUTE_MS);
    assert_eq!(
        refused(try_at(&world.app, HOME, ANN, "wrong horse battery")),
        Refused::Login
    );
    const LEFT_OUT: Sql =
        Sql::new("select count(*) as n from audit_log where after_state like '%\"left_out\":180%'");
    assert_eq!(world.number(&LEFT_OUT), 1, "none is lost");

    // With no room for more nothing is begun; and who is held up is told so from memory.
    let before = world.number(&COUNTS);
    let full = App {
        hashing: Arc::new(Full),
        ..world.app.clone()
    };
    assert_eq!(
        refused(try_at(&full, "192.0.2.1", ANN, PASSWORD)),
        Refused::LoginBusy
    );
    assert_eq!(world.number(&COUNTS), before);
    for _ in 0..5 {
        let _ = refused(try_at(&world.app, "192.0.2.2", ANN, "wrong horse battery"));
    }
    let _ = refused(try_at(&world.app, "192.0.2.2", ANN, PASSWORD));
    let held = refused(try_at(&full, "192.0.2.2", ANN, PASSWORD));
    assert!(
        matches!(held, Refused::LoginDelayed { .. }),
        "before the full pool is asked: {held:?}"
    );
}

#[test]
fn nobody_has_mails_sent_without_end() {
    let world = world();
    let (app, by) = (&world.app, at(HOME));
    add(&world, Role::Billing, ANN);
    let ann = log_in(&world, PASSWORD);
    let mut sent = 0;
    let limited = loop {
        match run(account::ask_for_email(
            app,
            &by,
            &ann,
            &format!("x{sent}@elsewhere.example"),
        )) {
            Ok(()) => sent += 1,
            Err(failure) => break failure,
        }
    };
    assert_eq!(sent, 30);
    assert!(matches!(
        limited,
        Failure::Refused(Refusal::Limited(Limited::RateLimited { .. }))
    ));
}

#[test]
fn an_invitation_is_for_a_first_password_and_for_nothing_else() {
    let world = world();
    let app = &world.app;
    let invitation = invitations::Invitation {
        tenant: world.scope.tenant.clone(),
        name: "Ann".to_owned(),
        email: ANN.to_owned(),
        role: Role::Owner,
    };
    let by = By::new(Actor::CommandLine);
    let lapsed = run(invitations::invite_first(app, &by, &invitation)).unwrap();
    // Asked for once more, it is the same person with another link.
    let (user, token) = run(invitations::invite_first(app, &by, &invitation)).unwrap();
    assert_eq!(user.id, lapsed.0.id);
    assert_eq!(
        refused(run(invitations::look(app, lapsed.1.expose()))),
        Refused::LinkUsed
    );
    assert_eq!(run(invitations::look(app, token.expose())).unwrap().id, user.id);
    run(app.db.write(|tx| {
        const GIVEN: Sql = Sql::new("update users set password_hash = 'x'");
        tx.execute(&GIVEN, &[])
    }))
    .unwrap_or_else(|e: store::Error| panic!("{e}"));
    let accepted = run(invitations::accept(
        app,
        &browser(HOME, None),
        token.expose(),
        "Ann",
        &Secret::new(PASSWORD),
    ));
    assert_eq!(refused(accepted), Refused::LinkUsed);
    // A tenant's name is what guesses begin with.
    let new = NewPerson {
        name: "Bob".to_owned(),
        email: "bob@elsewhere.example".to_owned(),
        password: Secret::new("northwind-services"),
    };
    let taken = run(setup::add(app, &by, &world.scope.tenant, Role::Billing, &new));
    assert!(matches!(
        taken.unwrap_err(),
        Failure::Refused(Refusal::InvalidField { .. })
    ));
}
