//! What the database or Stripe never said: a commit whose answer was lost, and calls that took too long.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::invoice::{Line, Quantity, TaxRate};
use domain::{Currency, Money};
use flows::collect;
use flows::invoicing::{self, Draft};
use flows::requests::{self, Begun, Start};
use flows::{Actor, App, By, Failure, invariants, seals, stripe_events};
use store::Sql;
use store::db::Mishap;
use store::requests::Place;
use store::stripe_webhook_events::Status;

use crate::executor::run;
use crate::outage::request;
use crate::world::World;

static BY: By = By::new(Actor::CommandLine);
const HOUR_MS: i64 = 60 * 60 * 1000;

fn begin(app: &App, world: &World) -> Begun {
    let place = Place {
        scope: world.scope.clone(),
        route: "POST /api/invoices".to_owned(),
        key: "an order of the shop".to_owned(),
    };
    match run(requests::begin(app, place, "00".repeat(32))).unwrap() {
        Start::Begun(begun) => *begun,
        Start::Answered(answer) => panic!("answered before: {answer:?}"),
    }
}

fn draft(world: &World) -> Draft {
    let usd = Currency::parse("usd").unwrap();
    let line = Line::new(
        "Managed workplace",
        Quantity::parse("1").unwrap(),
        Money::new(4_200, usd),
        TaxRate::from_thousandths_of_percent(0).unwrap(),
    );
    Draft {
        client_id: world.client.clone(),
        currency: usd,
        memo: None,
        due_date: None,
        discount: None,
        lines: vec![line.unwrap()],
    }
}

/// The key was given free after such a failure, so that the repeated request made another invoice.
#[test]
fn a_request_repeated_after_a_commit_without_an_answer_makes_one_invoice() {
    const INVOICES: Sql = Sql::new("select count(*) as n from invoices where total = 4200");
    for committed in [true, false] {
        let world = World::new(41);
        let writes = AtomicU64::new(0);
        // The second write is the invoice's; the first notes the request.
        let broken = world.with_mishaps(Arc::new(move |writing| {
            let second = writing && writes.fetch_add(1, Ordering::Relaxed) == 1;
            second.then_some(Mishap::AnswerLost { committed })
        }));
        let begun = begin(&broken, &world);
        let made = invoicing::create(&broken, &world.scope, &BY, begun.moment, draft(&world));
        let failed = run(made).unwrap_err();
        assert!(matches!(failed, Failure::Store(_)), "{failed}");
        run(requests::give_back(&broken, begun)).unwrap();

        let again = begin(&world.app, &world);
        run(invoicing::create(
            &world.app,
            &world.scope,
            &BY,
            again.moment,
            draft(&world),
        ))
        .unwrap();
        assert_eq!(
            world.number(&INVOICES),
            1,
            "committed the first time: {committed}"
        );
    }
}

/// A try that was refused, because the mode had been switched meanwhile, gave the key free of one that nobody
/// had heard of: the third made another invoice.
#[test]
fn a_refusal_does_not_give_a_key_free_under_which_something_may_have_been_made() {
    const INVOICES: Sql = Sql::new("select count(*) as n from invoices where total = 4200");
    let world = World::new(46);
    let first = begin(&world.app, &world);
    let made = invoicing::create(&world.app, &world.scope, &BY, first.moment, draft(&world));
    let made = run(made).unwrap();
    run(requests::give_back(&world.app, first)).unwrap();

    let refused = begin(&world.app, &world);
    assert!(!refused.is_first_try());
    run(requests::forget(&world.app, refused)).unwrap();

    let again = begin(&world.app, &world);
    let found = invoicing::create(&world.app, &world.scope, &BY, again.moment, draft(&world));
    assert_eq!(run(found).unwrap().id, made.id);
    assert_eq!(world.number(&INVOICES), 1);
}

/// A key whose one try was refused is free for a request that is put right.
#[test]
fn a_refusal_of_the_first_try_gives_its_key_free() {
    let world = World::new(47);
    run(requests::forget(&world.app, begin(&world.app, &world))).unwrap();
    assert!(begin(&world.app, &world).is_first_try());
}

/// Of each commit of a payment in turn nobody hears whether it happened, those after Stripe's success among
/// them.
#[test]
fn whichever_commit_of_a_payment_has_no_answer_it_is_charged_and_booked_once() {
    const PAID: Sql = Sql::new("select count(*) as n from invoices where status = 'paid'");
    const BOOKED: Sql = Sql::new("select count(*) as n from ledger_transactions where kind = 'payment'");
    let mut in_doubt = 0;
    for committed in [true, false] {
        for lost in 0.. {
            let world = World::new(44);
            let (press, writes) = (request(&world), Arc::new(AtomicU64::new(0)));
            let counted = Arc::clone(&writes);
            let broken = world.with_mishaps(Arc::new(move |writing| {
                let this = writing && counted.fetch_add(1, Ordering::Relaxed) == lost;
                this.then_some(Mishap::AnswerLost { committed })
            }));
            match run(collect::pay(&broken, &BY, &world.link, &press)) {
                Ok(status) => in_doubt += usize::from(status.in_doubt),
                Err(failure) => assert!(matches!(failure, Failure::Store(_)), "{failure}"),
            }
            let all_were_heard = writes.load(Ordering::Relaxed) <= lost;
            world.settle();
            if world.number(&PAID) == 0 {
                run(collect::pay(&world.app, &BY, &world.link, &request(&world))).unwrap();
                world.settle();
            }
            let broken = run(invariants::check_quiet(&world.app)).unwrap();
            assert_eq!(broken, [], "commit {lost}, committed: {committed}");
            let came_to = (world.charges(), world.number(&PAID), world.number(&BOOKED));
            assert_eq!(came_to, (1, 1, 1), "commit {lost}, committed: {committed}");
            if all_were_heard {
                assert!(lost >= 4, "a payment takes more than {lost} commits");
                break;
            }
        }
    }
    assert!(
        in_doubt >= 4,
        "after Stripe's success the payer reads that it is being checked: {in_doubt}"
    );
}

/// What Stripe had done was left alone for a minute, and the payer read that it was being checked.
#[test]
fn a_charge_is_booked_at_once_though_others_are_in_the_way_for_a_while() {
    const IN_THE_WAY: u64 = 6;
    let mut charged = 0;
    for met in 0.. {
        let world = World::new(45);
        let (press, writes) = (request(&world), Arc::new(AtomicU64::new(0)));
        let counted = Arc::clone(&writes);
        let crowded = world.with_mishaps(Arc::new(move |writing| {
            let here = writing && (met..met + IN_THE_WAY).contains(&counted.fetch_add(1, Ordering::Relaxed));
            here.then_some(Mishap::NotBegun(store::Error::Conflict))
        }));
        let paid = run(collect::pay(&crowded, &BY, &world.link, &press));
        if writes.load(Ordering::Relaxed) <= met {
            break;
        }
        match paid {
            Ok(status) => assert!(!status.in_doubt, "write {met}: {status:?}"),
            Err(failure) => assert_eq!(world.charges(), 0, "write {met}: {failure}"),
        }
        charged += world.charges();
    }
    assert!(
        charged >= 2,
        "others were in the way of what Stripe answered: {charged}"
    );
}

/// It was noted in the audit log at the moment of the first try, in a day that was sealed since.
#[test]
fn a_request_repeated_days_later_adds_nothing_to_a_sealed_day() {
    let world = World::new(43);
    let begun = begin(&world.app, &world);
    run(requests::give_back(&world.app, begun)).unwrap();
    world.simulator.advance_ms(72 * HOUR_MS);
    run(seals::run(&world.app)).unwrap();
    let again = begin(&world.app, &world);
    let made = invoicing::create(&world.app, &world.scope, &BY, again.moment, draft(&world));
    run(made).unwrap();
    let broken = run(invariants::check(&world.app)).unwrap();
    assert_eq!(broken, []);
}

/// Left with its lease, an event whose call hangs was taken up each minute, and dead within a quarter of an
/// hour.
#[test]
fn an_event_for_which_stripe_hangs_is_tried_for_hours_before_a_person_is_called() {
    let world = World::new(42);
    world.touch_account();
    world.deliver();
    let from_ms = world.simulator.now_ms();
    let mut tries = 0;
    loop {
        for event in run(stripe_events::take(&world.app, 100)).unwrap() {
            tries += 1;
            if run(stripe_events::out_of_time(&world.app, &event)).unwrap() == Status::Dead {
                let hours = (world.simulator.now_ms() - from_ms) / HOUR_MS;
                assert!(hours >= 3, "after {tries} tries in {hours} hours");
                return;
            }
        }
        world.simulator.advance_ms(10_000);
        assert!(tries < 1_000, "nobody is ever called");
    }
}
