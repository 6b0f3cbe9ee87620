//! Making a tenant's account, cut at every port call and with every kind of silence: there is one account at
//! Stripe in the end, and it is the tenant's.

use domain::{Mode, Scope};
use flows::connect::account::{Creation, NewAccount, create};
use flows::{Actor, By, reconcile, tenants};
use serde_json::Value;
use simulator::Request;
use store::Sql;

use crate::executor::{run, run_until};
use crate::world::World;

const HOUR_MS: i64 = 60 * 60 * 1000;
const DOMAIN: &str = "pay.example.com";

/// Who does what nobody asked for by name.
pub fn by() -> By {
    By::new(Actor::CommandLine)
}

/// A tenant without an account.
pub fn newcomer(world: &World, name: &str) -> Scope {
    let moment = world.app.moment();
    let added = run(tenants::add(&world.app, &by(), moment, name, None, &[]));
    Scope {
        tenant: added.unwrap().0.id,
        mode: Mode::Test,
    }
}

fn new_account() -> NewAccount {
    NewAccount {
        country: Some("US".to_owned()),
        business_name: Some("Newcomer".to_owned()),
        ..NewAccount::default()
    }
}

/// The accounts that Stripe has of a tenant.
fn accounts(world: &World, scope: &Scope) -> Vec<Value> {
    let answer = world.simulator.call(&Request {
        method: "GET".to_owned(),
        path: "/v1/accounts?limit=100".to_owned(),
        headers: vec![(
            "authorization".to_owned(),
            "Bearer sk_test_psapay_demo".to_owned(),
        )],
        body: Vec::new(),
    });
    let list: Value = serde_json::from_slice(&answer.body).unwrap();
    let all = list["data"].as_array().unwrap_or_else(|| panic!("{list}"));
    let of_tenant = |account: &&Value| account["metadata"]["tenant_id"] == scope.tenant.as_str();
    all.iter().filter(of_tenant).cloned().collect()
}

/// Whoever asks again gets the account, and there is one.
fn assert_one(world: &World, scope: &Scope, cut: &str) {
    let again = run(create(&world.app, scope, &by(), &new_account())).unwrap();
    let (Creation::There(config) | Creation::Made(config)) = again else {
        panic!("still in doubt, {cut}");
    };
    let made = accounts(world, scope);
    assert_eq!(made.len(), 1, "accounts at Stripe, {cut}");
    assert_eq!(made[0]["id"], config.stripe_account_id.as_str(), "{cut}");
    world.settle();
    const OPEN: Sql =
        Sql::new("select count(*) as n from stripe_operations where status in ('sent', 'unknown')");
    const WAITING: Sql =
        Sql::new("select count(*) as n from stripe_webhook_events where next_attempt_at is not null");
    // That no webhook came is told, and is what some of these tests are about.
    const BREAKS: Sql =
        Sql::new("select count(*) as n from reconciliation_breaks where kind <> 'events_missed'");
    for (what, sql) in [
        ("open operations", &OPEN),
        ("waiting events", &WAITING),
        ("breaks", &BREAKS),
    ] {
        assert_eq!(world.number(sql), 0, "{what}, {cut}");
    }
}

#[test]
fn a_crash_at_any_port_call_makes_one_account() {
    let mut cut = 0;
    loop {
        let mut world = World::new(21);
        let scope = newcomer(&world, "Newcomer");
        let done = run_until(create(&world.app, &scope, &by(), &new_account()), cut);
        world.restart();
        world.settle();
        assert_one(&world, &scope, &format!("cut at wait {cut}"));
        if done.is_some() {
            break;
        }
        cut += 1;
    }
    assert!(cut >= 10, "note, call, settle, retrieve and look: {cut}");
}

#[test]
fn an_answer_lost_in_twenty_ways_makes_one_account() {
    let ways = [
        ("lose_answer", 1),
        ("lose_answer", 2),
        ("lose_answer", 3),
        ("lose_answer", 4),
        ("lose_answer", 9),
        ("error500", 1),
        ("error500", 2),
        ("error500_after", 1),
        ("error429", 3),
        ("lock_timeout", 3),
    ];
    for (effect, count) in ways {
        for webhooks in [true, false] {
            let mut world = World::new(22);
            let scope = newcomer(&world, "Newcomer");
            let fault =
                format!(r#"{{"effect":"{effect}","method":"POST","path":"/v1/accounts","count":{count}}}"#);
            world.control("/_simulator/faults", &fault);
            let first = run(create(&world.app, &scope, &by(), &new_account()));
            assert!(first.is_ok(), "{effect}: {first:?}");
            // Somebody is impatient.
            let second = run(create(&world.app, &scope, &by(), &new_account()));
            assert!(second.is_ok(), "{effect}: {second:?}");
            world.restart();
            match webhooks {
                true => world.settle(),
                false => world.settle_without_webhooks(),
            }
            assert_one(
                &world,
                &scope,
                &format!("{effect} {count} times, webhooks: {webhooks}"),
            );
        }
    }
}

#[test]
fn after_a_day_without_an_answer_the_account_is_found_in_the_list() {
    let mut world = World::new(23);
    let scope = newcomer(&world, "Newcomer");
    let fault = r#"{"effect":"lose_answer","method":"POST","path":"/v1/accounts","count":3}"#;
    world.control("/_simulator/faults", fault);
    let first = run(create(&world.app, &scope, &by(), &new_account())).unwrap();
    assert!(matches!(first, Creation::InDoubt), "{first:?}");
    // Stripe has forgotten the key: a replay would make a second account.
    world.simulator.advance_ms(25 * HOUR_MS);
    world.restart();
    world.settle_without_webhooks();
    assert_one(&world, &scope, "a day later");
}

#[test]
fn what_stripe_refuses_can_be_corrected() {
    let world = World::new(24);
    let scope = newcomer(&world, "Newcomer");
    let wrong = NewAccount {
        email: Some("nobody".to_owned()),
        ..new_account()
    };
    let refused = run(create(&world.app, &scope, &by(), &wrong)).unwrap_err();
    assert_eq!(
        refused.to_string().split(':').next(),
        Some("account_refused"),
        "{refused}"
    );
    assert_eq!(accounts(&world, &scope).len(), 0);
    assert_one(&world, &scope, "corrected");
}

fn registered(world: &World) -> i64 {
    const ACTIVE: Sql = Sql::new(
        "select count(*) as n from payment_method_domains
         where domain_name = 'pay.example.com' and apple_pay = 'active' and google_pay = 'active'
           and link = 'active' and enabled = 1 and next_try_at is null",
    );
    world.number(&ACTIVE)
}

#[test]
fn the_pay_pages_domain_is_registered_once_whatever_is_cut() {
    let mut cut = 0;
    loop {
        let mut world = World::new(25);
        let scope = newcomer(&world, "Newcomer");
        world.app.wallet_domain = Some(DOMAIN.into());
        run(create(&world.app, &scope, &by(), &new_account())).unwrap();
        let done = run_until(reconcile::run(&world.app), cut);
        world.restart();
        world.app.wallet_domain = Some(DOMAIN.into());
        world.settle();
        assert_eq!(registered(&world), 1, "cut at wait {cut}");
        if done.is_some() {
            break;
        }
        cut += 1;
    }
    assert!(cut >= 6, "it looks, notes, calls and settles: {cut}");
}

#[test]
fn a_domain_that_apple_cannot_read_is_tried_again_and_says_why() {
    const NAME: &str = "pay.example.invalid";
    const WAITING: Sql = Sql::new(
        "select count(*) as n from payment_method_domains
         where apple_pay = 'inactive' and google_pay = 'active' and last_error like '%could not be fetched%'
           and stripe_domain_id is not null and tries > 1 and next_try_at is not null",
    );
    let mut world = World::new(26);
    let scope = newcomer(&world, "Newcomer");
    world.app.wallet_domain = Some(NAME.into());
    run(create(&world.app, &scope, &by(), &new_account())).unwrap();
    world.settle();
    assert_eq!(world.number(&WAITING), 1);
}
