//! An account that does not answer is left alone: payers read at once that nothing was charged, nobody else
//! waits for it, and when it is back what waited for it does not fall upon it.

use std::sync::Arc;

use domain::{Limited, Refusal};
use flows::collect;
use flows::payer_view::{self, Look, Panel};
use flows::{Actor, Breakers, By, Failure, invariants, reconcile, stripe_events};
use store::Sql;

use crate::executor::run;
use crate::outage::{Line, Way, pass, request};
use crate::world::World;

const BY: By = By::new(Actor::Unknown);
const SECOND_MS: i64 = 1_000;
const OPERATIONS: Sql = Sql::new("select count(*) as n from stripe_operations");
const OPEN: Sql = Sql::new("select count(*) as n from stripe_operations where status in ('sent', 'unknown')");

fn panel(world: &World) -> Panel {
    match run(payer_view::look(&world.app, &world.link)).unwrap() {
        Look::Invoice(view) => view.panel,
        Look::Expired { .. } | Look::Revoked { .. } => panic!("the link has run out"),
    }
}

/// What a press on Pay comes to, from a page that was opened before.
fn press(world: &World) -> Result<collect::PayStatus, Failure> {
    let request = request(world);
    run(collect::pay(&world.app, &BY, &world.link, &request))
}

/// The wait that a payer is told of, and nothing was noted for them.
fn wait_of_one_who_is_sent_away(world: &World) -> i64 {
    let before = world.number(&OPERATIONS);
    let Err(Failure::Refused(Refusal::Limited(Limited::TemporarilyUnavailable { wait_s }))) = press(world)
    else {
        panic!("a payment was begun on an account that does not answer")
    };
    assert_eq!(world.number(&OPERATIONS), before, "nothing was begun");
    wait_s
}

/// The account does not answer until it is left alone: two payers are in doubt, and the third need not be.
fn fall_silent(world: &mut World, line: &Line, way: Way) {
    line.set(way);
    for _ in 0..2 {
        assert!(press(world).unwrap().in_doubt);
        world.next_invoice();
    }
}

#[test]
fn after_five_silent_tries_payers_read_at_once_that_nothing_was_charged() {
    for (seed, way) in [(41, Way::Down), (42, Way::Drips)] {
        let mut world = World::new(seed);
        let line = Line::lay(&mut world);
        fall_silent(&mut world, &line, way);
        assert_eq!(line.sent(), 5, "the fifth is the last");
        assert_eq!(panel(&world), Panel::Silent);
        let (sent, at) = (line.sent(), world.simulator.now_ms());
        let wait_s = wait_of_one_who_is_sent_away(&world);
        assert!((1..=60).contains(&wait_s), "{wait_s}");
        assert_eq!(line.sent(), sent, "Stripe hears nothing of it");
        assert!(
            world.simulator.now_ms() - at <= 3 * SECOND_MS,
            "nobody waits for an answer"
        );

        line.set(Way::Open);
        pass(&world, 2);
        assert_eq!(
            panel(&world),
            Panel::Pay,
            "it is asked by itself whether it answers again"
        );
        assert!(!press(&world).unwrap().in_doubt);
        world.settle();
        assert_eq!(world.number(&OPEN), 0);
        let broken = run(invariants::check_quiet(&world.app)).unwrap();
        assert!(broken.is_empty(), "{broken:#?}");
    }
}

#[test]
fn a_silent_account_is_asked_once_a_minute_for_three_days() {
    let mut world = World::new(43);
    let line = Line::lay(&mut world);
    fall_silent(&mut world, &line, Way::Down);
    // The platform's own events are asked for as well, so that there are two that do not answer.
    for (minutes, least, most) in [(10, 9, 40), (3 * 24 * 60, 2 * 3 * 24 * 55, 2 * (3 * 24 * 60 + 1))] {
        let before = line.sent();
        pass(&world, minutes);
        let asked = line.sent() - before;
        assert!(
            (least..=most).contains(&asked),
            "{asked} requests in {minutes} minutes"
        );
        assert_eq!(panel(&world), Panel::Silent);
        wait_of_one_who_is_sent_away(&world);
    }
    line.set(Way::Open);
    pass(&world, 2);
    assert_eq!(panel(&world), Panel::Pay);
}

#[test]
fn what_waited_for_three_days_comes_back_with_a_tenth_of_repeats_at_most() {
    const WAITING: usize = 120;
    let mut world = World::new(44);
    let line = Line::lay(&mut world);
    line.set(Way::Down);
    for _ in 0..WAITING {
        // Each is begun at an instance that knows nothing yet.
        world.app.breakers = Breakers::new(Arc::clone(&world.app.clock));
        line.connect(&mut world, "sk_test_psapay_demo");
        assert!(press(&world).unwrap().in_doubt);
        world.next_invoice();
    }
    pass(&world, 10);
    assert_eq!(world.number(&OPEN), 120);
    line.set(Way::Open);
    // Every tenth request meets Stripe's limit, as it does when all come at once.
    world.control(
        "/_simulator/faults",
        r#"{"effect":"error429","method":"POST","count":12}"#,
    );
    let before = line.sent();
    for _ in 0..200 {
        world.simulator.advance_ms(2 * SECOND_MS);
        let due = run(reconcile::due(&world.app)).unwrap();
        assert!(due.len() <= 60, "{} at once", due.len());
        for row in due {
            run(reconcile::look(&world.app, &row));
        }
        if world.number(&OPEN) == 0 {
            break;
        }
    }
    assert_eq!(world.number(&OPEN), 0, "all is found out");
    let needless = line.sent() - before - WAITING;
    assert!(
        needless <= WAITING / 10 + 14,
        "{needless} requests beside the {WAITING} that were needed"
    );
}

#[test]
fn an_event_that_needs_an_account_which_does_not_answer_outlives_three_days() {
    const GIVEN_UP: Sql = Sql::new("select count(*) as n from stripe_webhook_events where status = 'dead'");
    const BOOKED: Sql = Sql::new("select count(*) as n from payments where stripe_fee is not null");
    let mut world = World::new(45);
    let line = Line::lay(&mut world);
    assert!(!press(&world).unwrap().in_doubt);
    world.simulator.advance_ms(5 * SECOND_MS);
    world.deliver();
    line.set(Way::Down);
    for _ in 0..3 * 24 * 60 {
        world.simulator.advance_ms(60 * SECOND_MS);
        for event in run(stripe_events::take(&world.app, 100)).unwrap() {
            run(stripe_events::apply(&world.app, &event)).unwrap();
        }
        run(reconcile::run(&world.app)).unwrap();
    }
    assert_eq!((world.number(&GIVEN_UP), world.number(&BOOKED)), (0, 0));
    line.set(Way::Open);
    world.settle();
    assert_eq!((world.number(&GIVEN_UP), world.number(&BOOKED)), (0, 1));
}

/// They were dropped before the client's own limit, so that nobody ever heard that there was no answer. (The
/// simulation found it, in seed 11.)
#[test]
fn calls_that_the_worker_gives_up_because_they_take_too_long_count_as_silence() {
    let world = World::new(47);
    world.touch_account();
    world.deliver();
    for tries in 1..=5 {
        world.simulator.advance_ms(3_600 * SECOND_MS);
        assert_eq!(panel(&world), Panel::Pay, "before try {tries}");
        let taken = run(stripe_events::take(&world.app, 1)).unwrap();
        run(stripe_events::out_of_time(&world.app, &taken[0])).unwrap();
    }
    assert_eq!(panel(&world), Panel::Silent);
}

/// While Stripe failed, each payment in doubt was counted as a declined card, and the tenant's pages asked
/// everybody for work. (Killing the program during 1,000 payments found it.)
#[test]
fn confirmations_without_an_answer_do_not_look_like_card_testing() {
    let mut world = World::new(48);
    let line = Line::lay(&mut world);
    line.set(Way::DownAt("/confirm"));
    for _ in 0..30 {
        // Each is begun at an instance that knows nothing yet.
        world.app.breakers = Breakers::new(Arc::clone(&world.app.clock));
        line.connect(&mut world, "sk_test_psapay_demo");
        assert!(press(&world).unwrap().in_doubt);
        world.next_invoice();
    }
    assert_eq!(world.number(&OPEN), 30);
    let Look::Invoice(view) = run(payer_view::look(&world.app, &world.link)).unwrap() else {
        panic!("the link has run out")
    };
    assert!(view.work.is_none(), "{:?}", view.work);
}

#[test]
fn an_account_with_a_thousand_rows_due_leaves_room_for_the_others() {
    let world = World::new(46);
    let dead = world.account.clone();
    let others = "acct_others";
    let (scope, at) = (world.scope.clone(), world.app.clock.now());
    // Rows as `operations::note` leaves them, whose sender went away; the other account's are the youngest.
    let noted = world.app.db.write(move |tx| {
        for n in 0..1_010_i64 {
            let account = if n < 1_000 { &dead } else { others };
            store::stripe_operations::insert(tx, &waiting(&scope, account, n, at))?;
        }
        Ok::<_, Failure>(())
    });
    run(noted).unwrap();
    let due = run(reconcile::due(&world.app)).unwrap();
    let of = |account: &str| {
        let operations = due
            .iter()
            .filter(|due| matches!(due, reconcile::Due::Operation(_)));
        operations.filter(|due| due.account() == account).count()
    };
    assert_eq!((of(&world.account), of(others)), (8, 8));
}

fn waiting(
    scope: &domain::Scope,
    account: &str,
    n: i64,
    at: domain::Timestamp,
) -> store::stripe_operations::Operation {
    use store::stripe_operations::{Kind, Operation, Status};
    Operation {
        scope: scope.clone(),
        id: domain::OperationId::stored(format!("op_{n:05}")),
        payment_id: None,
        subject_id: None,
        kind: Kind::RegisterDomain,
        idempotency_key: format!("domain:{n}"),
        stripe_account_id: account.to_owned(),
        path: "/v1/payment_method_domains".to_owned(),
        params: "[]".to_owned(),
        status: Status::Unknown,
        attempts: 1,
        lease_until: at.plus_ms(n - 2_000),
        first_sent_at: at,
        last_error: None,
        result_id: None,
    }
}
