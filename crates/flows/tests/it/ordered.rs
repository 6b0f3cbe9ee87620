//! A reconciliation that somebody orders while other instances work.

use domain::Mode;
use flows::reconcile::{self, Order};
use flows::{Actor, By, Failure, collect, invariants, stripe_events};
use store::{Sql, event_cursors};

use crate::executor::run;
use crate::outage::request;
use crate::world::World;

/// It was counted as read, and whoever had ordered it took its events for read as well.
#[test]
fn an_account_that_another_instance_takes_up_meanwhile_is_named() {
    let world = World::new(51);
    let order = Order {
        since: world.app.clock.now().plus_ms(-60_000),
        account: None,
        mode: None,
    };
    let (app, accounts) = (world.app.clone(), [String::new(), world.account.clone()]);
    let mut taken = 0;
    let mut tell = |tally: reconcile::Tally| {
        if tally.accounts_read != 1 || taken > 0 {
            return;
        }
        let (accounts, at) = (accounts.clone(), app.clock.now());
        let held = app.db.write(move |tx| {
            let mut held = 0;
            for account in &accounts {
                let cursor = event_cursors::take(tx, Mode::Test, account, at, at.plus_ms(60_000))?;
                held += usize::from(cursor.is_some());
            }
            Ok::<_, Failure>(held)
        });
        taken = run(held).unwrap();
    };
    let by = By::new(Actor::CommandLine);
    let (tally, unread) = run(reconcile::ordered(&world.app, &by, &order, &mut tell)).unwrap();
    assert_eq!(taken, 1, "the one that was not read yet");
    assert_eq!((tally.accounts, tally.accounts_read), (2, 1));
    let [account] = unread.as_slice() else {
        panic!("{unread:?}")
    };
    assert!(
        account.why.contains("another instance is reading it"),
        "{account:?}"
    );

    // Once that one is done there is nothing to name.
    world.simulator.advance_ms(120_000);
    let (tally, unread) = run(reconcile::ordered(&world.app, &by, &order, &mut |_| {})).unwrap();
    assert_eq!((tally.accounts_read, unread), (2, Vec::new()));
}

/// It looked like an account of which nothing was missed.
#[test]
fn an_account_that_nobody_has_is_refused_instead_of_read_as_nothing() {
    let world = World::new(52);
    let order = Order {
        since: world.app.clock.now().plus_ms(-60_000),
        account: Some("acct_nope".to_owned()),
        mode: None,
    };
    let by = By::new(Actor::CommandLine);
    let refused = run(reconcile::ordered(&world.app, &by, &order, &mut |_| {}));
    match refused {
        Err(Failure::Refused(refusal)) => assert!(refusal.to_string().contains("acct_nope"), "{refusal}"),
        other => panic!("{other:?}"),
    }
}

/// It waited until its lease ended, and until then the books were not what Stripe's balance is.
#[test]
fn events_that_a_killed_instance_had_taken_up_are_applied_by_it() {
    const WAITING: Sql =
        Sql::new("select count(*) as n from stripe_webhook_events where next_attempt_at is not null");
    let world = World::new(53);
    let by = By::new(Actor::CommandLine);
    let order = Order {
        since: world.app.clock.now().plus_ms(-60_000),
        account: None,
        mode: None,
    };
    run(collect::pay(&world.app, &by, &world.link, &request(&world))).unwrap();
    world.simulator.advance_ms(60_000);
    world.deliver();
    let taken = run(stripe_events::take(&world.app, 100)).unwrap();
    assert!(taken.len() > 2, "{taken:?}");
    let (tally, unread) = run(reconcile::ordered(&world.app, &by, &order, &mut |_| {})).unwrap();
    assert_eq!((tally.events >= taken.len(), unread), (true, Vec::new()));
    assert_eq!(world.number(&WAITING), 0);
    let broken = run(invariants::check_quiet(&world.app)).unwrap();
    assert_eq!(broken, []);
    // It was not killed after all: what it does now counts for nothing, since another has done it.
    for event in taken {
        let late = run(stripe_events::apply(&world.app, &event));
        assert!(late.is_err(), "{late:?}");
    }
    let broken = run(invariants::check_quiet(&world.app)).unwrap();
    assert_eq!(broken, []);
}
