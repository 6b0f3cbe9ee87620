//! Access to an existing account, given and ended, cut at every port call: what was decided is carried out in
//! the end, and no access that we refused is left standing.

use domain::{Mode, Scope};
use flows::disconnect::{Access, disconnect};
use flows::oauth::{self, Arrival};
use flows::{Actor, By, tenants};
use serde_json::Value;
use simulator::Request;
use store::{Sql, stripe_config};

use crate::executor::{run, run_until};
use crate::world::World;

const ORIGIN: &str = "http://pay.example";
const OPEN: Sql = Sql::new("select count(*) as n from stripe_operations where status in ('sent', 'unknown')");
const BREAKS: Sql = Sql::new("select count(*) as n from reconciliation_breaks where resolved_at is null");

fn by() -> By {
    By::new(Actor::CommandLine)
}

fn get(world: &World, path: &str) -> Value {
    let answer = world.simulator.call(&Request {
        method: "GET".to_owned(),
        path: path.to_owned(),
        headers: vec![(
            "authorization".to_owned(),
            "Bearer sk_test_psapay_demo".to_owned(),
        )],
        body: Vec::new(),
    });
    serde_json::from_slice(&answer.body).unwrap()
}

/// The instance knows the application that owners let in.
fn configure(world: &mut World) {
    let application = get(world, "/_simulator/state")["application"]
        .as_str()
        .unwrap()
        .to_owned();
    let client = world.app.stripe_test.take().unwrap();
    world.app.stripe_test = Some(client.with_client_id(Some(application)));
}

fn restart(world: &mut World) {
    world.restart();
    configure(world);
    world.settle();
}

fn is_reachable(world: &World, account: &str) -> bool {
    get(world, &format!("/v1/accounts/{account}"))["error"].is_null()
}

/// An owner agrees at Stripe, with a new account: the account, the state and the code with which they return.
fn agree(world: &World, scope: &Scope) -> (String, String, String) {
    let link = run(oauth::authorize(&world.app, scope, &by(), ORIGIN)).unwrap();
    let state = link.url.expose().split("state=").nth(1).unwrap();
    let state = state.split('&').next().unwrap().to_owned();
    let new = r#"{"new":{"business_name":"Corner Shop","email":"o@corner.example"}}"#;
    let given = world.control("/_simulator/oauth/authorize", new);
    let text = |name: &str| given[name].as_str().unwrap().to_owned();
    (text("account"), state, text("code"))
}

/// A tenant whose owner has let us in, and the account.
fn shop(world: &mut World) -> (Scope, String) {
    configure(world);
    let moment = world.app.moment();
    let added = run(tenants::add(&world.app, &by(), moment, "Corner Shop", None, &[]));
    let scope = Scope {
        tenant: added.unwrap().0.id,
        mode: Mode::Test,
    };
    let (account, state, code) = agree(world, &scope);
    let arrived = run(oauth::arrive(&world.app, &by(), &state, &code)).unwrap();
    assert!(matches!(arrived, Arrival::Connected(_)), "{arrived:?}");
    (scope, account)
}

fn is_disconnected(world: &World, scope: &Scope) -> bool {
    let scope = scope.clone();
    let config = run(world.app.db.read(move |tx| stripe_config::get(tx, &scope)));
    config
        .unwrap_or_else(|error: store::Error| panic!("{error}"))
        .unwrap()
        .disconnected
}

#[test]
fn a_disconnect_that_is_cut_anywhere_happens_in_full_or_not_at_all() {
    let mut ended = 0;
    for cut in 0.. {
        let mut world = World::new(31);
        let (scope, account) = shop(&mut world);
        let done = run_until(disconnect(&world.app, &scope, &by(), &account), cut);
        restart(&mut world);
        let disconnected = is_disconnected(&world, &scope);
        assert_eq!(is_reachable(&world, &account), !disconnected, "cut at wait {cut}");
        assert_eq!(
            (world.number(&OPEN), world.number(&BREAKS)),
            (0, 0),
            "cut at wait {cut}"
        );
        ended += usize::from(disconnected);

        let again = run(disconnect(&world.app, &scope, &by(), &account)).unwrap();
        assert_eq!(again.access, Access::Ended, "cut at wait {cut}");
        assert!(!is_reachable(&world, &account), "cut at wait {cut}");
        if done.is_some() {
            assert!(cut >= 4, "note, call and settle: {cut}");
            break;
        }
    }
    assert!(ended >= 3, "what was noted is carried out: {ended}");
}

#[test]
fn a_refused_consent_that_is_cut_anywhere_is_given_back_once_it_is_known() {
    const GIVEN: Sql = Sql::new(
        "select count(*) as n from stripe_operations where kind = 'exchange_code' and status = 'succeeded'",
    );
    let mut known = 0;
    for cut in 0.. {
        let mut world = World::new(32);
        let (scope, account) = shop(&mut world);
        let (another, state, code) = agree(&world, &scope);
        let done = run_until(oauth::arrive(&world.app, &by(), &state, &code), cut);
        restart(&mut world);
        // The first was the tenant's own.
        if world.number(&GIVEN) == 2 {
            assert!(!is_reachable(&world, &another), "cut at wait {cut}");
            known += 1;
        }
        assert!(is_reachable(&world, &account), "cut at wait {cut}");
        assert!(!is_disconnected(&world, &scope), "cut at wait {cut}");
        assert_eq!(world.number(&OPEN), 0, "cut at wait {cut}");
        if done.is_some() {
            assert!(cut >= 6, "note, exchange, settle, call and settle: {cut}");
            break;
        }
    }
    assert!(known >= 3, "what was noted is carried out: {known}");
}
