//! An owner lets us in, and the instance goes down at any port call, or the answer is lost: in the end we
//! have access at Stripe to the accounts that are connected, and to no others.

use domain::Scope;
use flows::Failure;
use flows::oauth::{self, Arrival};
use serde_json::Value;
use simulator::Request;
use store::Sql;

use crate::connecting::{by, newcomer};
use crate::executor::{run, run_until};
use crate::world::World;

const ORIGIN: &str = "https://pay.example.com";
const HOUR_MS: i64 = 60 * 60 * 1000;

/// The tenant's owner sets out and agrees: the state and the code with which they come back, and the account,
/// a new one or this.
fn agree(world: &World, scope: &Scope, account: Option<&str>) -> (String, String, String) {
    let link = run(oauth::authorize(&world.app, scope, &by(), ORIGIN)).unwrap();
    let query = link.url.expose().split_once('?').unwrap().1.to_owned();
    let state = query.split('&').find_map(|pair| pair.strip_prefix("state="));
    let asked = match account {
        Some(account) => serde_json::json!({"account": account}),
        None => serde_json::json!({"new": {"business_name": "Corner Shop", "email": "owner@corner.example"}}),
    };
    let given = world.control("/_simulator/oauth/authorize", &asked.to_string());
    let text = |name: &str| given[name].as_str().unwrap().to_owned();
    (state.unwrap().to_owned(), text("code"), text("account"))
}

/// Whether Stripe gives us the account.
fn is_open(world: &World, account: &str) -> bool {
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
    all.iter().any(|one| one["id"] == account)
}

/// Whether the tenant has the account and may take payments on it.
fn is_connected(world: &World, scope: &Scope, account: &str) -> bool {
    let (scope, account) = (scope.clone(), account.to_owned());
    let config = run(world.app.db.read(move |tx| store::stripe_config::get(tx, &scope)))
        .unwrap_or_else(|e: store::Error| panic!("{e}"));
    config.is_some_and(|config| config.stripe_account_id == account && !config.disconnected)
}

fn assert_nothing_is_open(world: &World, cut: &str) {
    const OPEN: Sql =
        Sql::new("select count(*) as n from stripe_operations where status in ('sent', 'unknown')");
    const BREAKS: Sql =
        Sql::new("select count(*) as n from reconciliation_breaks where kind <> 'events_missed'");
    assert_eq!((world.number(&OPEN), world.number(&BREAKS)), (0, 0), "{cut}");
}

#[test]
fn a_crash_at_any_port_call_leaves_no_access_that_nobody_has() {
    for webhooks in [true, false] {
        let (mut cut, mut ended, mut finished) = (0, 0, 0);
        loop {
            let what = format!("cut at wait {cut}, webhooks: {webhooks}");
            let mut world = World::new(41);
            let scope = newcomer(&world, "Corner Shop");
            let (state, code, account) = agree(&world, &scope, None);
            let done = run_until(oauth::arrive(&world.app, &by(), &state, &code), cut);
            let was_open = is_open(&world, &account);
            let was_connected = is_connected(&world, &scope, &account);
            world.restart();
            match webhooks {
                true => world.settle(),
                false => world.settle_without_webhooks(),
            }
            let connected = is_connected(&world, &scope, &account);
            assert_eq!(is_open(&world, &account), connected, "{what}");
            assert!(
                is_open(&world, &world.account),
                "the others are left alone, {what}"
            );
            assert!(connected || !was_connected, "{what}");
            ended += usize::from(was_open && !connected);
            finished += usize::from(!was_connected && connected);
            assert_nothing_is_open(&world, &what);
            if done.is_some() {
                break;
            }
            // The owner starts again, with the same account.
            let (state, code, account) = agree(&world, &scope, Some(&account));
            let again = run(oauth::arrive(&world.app, &by(), &state, &code)).unwrap();
            assert!(matches!(again, Arrival::Connected(_)), "{again:?}, {what}");
            assert!(
                is_connected(&world, &scope, &account) && is_open(&world, &account),
                "{what}"
            );
            cut += 1;
        }
        assert!(cut >= 8, "it notes, exchanges, notes, reads and keeps: {cut}");
        assert!(ended >= 1 && finished >= 2, "{ended} ended, {finished} finished");
    }
}

#[test]
fn an_access_whose_answer_was_lost_ends_unless_its_owner_comes_back() {
    for comes_back in [false, true] {
        let world = World::new(42);
        let (scope, other) = (newcomer(&world, "Corner Shop"), newcomer(&world, "Corner Shop"));
        // Somebody else is let in at the same time, and what belongs to nobody was let in long before.
        let (_, old_code, old) = agree(&world, &other, None);
        world.stripe(
            "POST",
            "/oauth/token",
            &format!("grant_type=authorization_code&code={old_code}"),
        );
        world.simulator.advance_ms(HOUR_MS);
        let (their_state, their_code, theirs) = agree(&world, &other, None);
        let (state, code, account) = agree(&world, &scope, None);
        world.control(
            "/_simulator/faults",
            r#"{"effect":"lose_answer","method":"POST","path":"/oauth/token","count":1}"#,
        );
        let lost = run(oauth::arrive(&world.app, &by(), &state, &code));
        assert!(matches!(lost, Err(Failure::Unknown(_))), "{lost:?}");
        let arrived = run(oauth::arrive(&world.app, &by(), &their_state, &their_code)).unwrap();
        assert!(matches!(arrived, Arrival::Connected(_)), "{arrived:?}");
        assert!(
            is_open(&world, &account) && is_open(&world, &old),
            "Stripe let us in"
        );
        if comes_back {
            let (state, code, _) = agree(&world, &scope, Some(&account));
            run(oauth::arrive(&world.app, &by(), &state, &code)).unwrap();
        }
        world.settle();
        let connected = is_connected(&world, &scope, &account);
        assert_eq!((is_open(&world, &account), connected), (comes_back, comes_back));
        assert!(is_open(&world, &theirs) && is_connected(&world, &other, &theirs));
        assert!(is_open(&world, &old), "nothing tells that it is ours to end");
        assert_nothing_is_open(&world, "a lost answer");
        const ENDED: Sql = Sql::new(
            "select count(*) as n from audit_log
             where action = 'account.connect_refused' and after_state like '%answer_lost%'",
        );
        assert_eq!(world.number(&ENDED), i64::from(!comes_back));
    }
}

#[test]
fn an_account_that_was_given_is_connected_though_stripe_falls_silent() {
    let world = World::new(43);
    let scope = newcomer(&world, "Corner Shop");
    let (state, code, account) = agree(&world, &scope, None);
    let fault =
        format!(r#"{{"effect":"error500","method":"GET","path":"/v1/accounts/{account}","count":4}}"#);
    world.control("/_simulator/faults", &fault);
    let silent = run(oauth::arrive(&world.app, &by(), &state, &code));
    assert!(silent.is_err(), "{silent:?}");
    assert!(!is_connected(&world, &scope, &account));
    world.settle_without_webhooks();
    assert!(is_connected(&world, &scope, &account) && is_open(&world, &account));
    assert_nothing_is_open(&world, "silence");
}
