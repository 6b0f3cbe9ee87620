//! The pay flow, cut at every port call on both sides: before and after each transaction and each call to
//! Stripe. Whatever was cut, the payer is charged once, the invoice is paid and the books hold it once.

use domain::payment::{IntentStatus, PaymentState};
use domain::{Currency, Money, Refusal};
use flows::collect::{self, PayRequest, PayStatus};
use flows::{Actor, By, Failure, invariants, reconcile, stripe_events};
use store::Sql;

use crate::executor::{run, run_until};
use crate::world::World;

/// A payer, who is known once their link is opened.
const BY: By = By::new(Actor::Unknown);
const PAID: PaymentState = PaymentState::At(IntentStatus::Succeeded);

fn request(world: &World, card: &str) -> PayRequest {
    let seen = Money::new(12_345, Currency::parse("usd").unwrap());
    PayRequest {
        confirmation_token: world.token(card),
        seen,
        due: None,
        others: Vec::new(),
        page_token: Some(world.read_page()),
        proof: None,
    }
}

/// The payer comes back after a crash and, if the page still shows a form, pays with a new token.
fn pay_if_still_open(world: &World) {
    let request = request(world, "pm_card_visa");
    match run(collect::pay(&world.app, &BY, &world.link, &request)) {
        Ok(PayStatus { state: PAID, .. }) => {}
        Err(Failure::Refused(refusal)) => assert_eq!(refusal.code(), "invoice_paid"),
        other => panic!("{other:?}"),
    }
    world.settle();
}

fn assert_paid_once(world: &World, cut: &str) {
    const INVOICES: Sql =
        Sql::new("select count(*) as n from invoices where status = 'paid' and applied = total and tax = 0");
    const POSTINGS: Sql = Sql::new("select count(*) as n from ledger_transactions where kind = 'payment'");
    const PAID: Sql = Sql::new(
        "select count(*) as n from payments
         where status = 'succeeded' and received = 12345 and application_fee = 370 and stripe_fee is not null
           and net = received - application_fee - stripe_fee and stripe_charge_id is not null
           and method_last4 = '4242'",
    );
    const LIVE: Sql = Sql::new(
        "select count(*) as n from payments where status not in ('succeeded', 'canceled', 'failed')",
    );
    const OPEN: Sql =
        Sql::new("select count(*) as n from stripe_operations where status in ('sent', 'unknown')");
    const WAITING: Sql =
        Sql::new("select count(*) as n from stripe_webhook_events where next_attempt_at is not null");
    // That no webhook came is told, and is what some of these tests are about.
    const BREAKS: Sql =
        Sql::new("select count(*) as n from reconciliation_breaks where kind <> 'events_missed'");
    const RECEIVABLE: Sql = Sql::new(
        "select cast(coalesce(sum(amount), 0) as bigint) as n
         from ledger_entries where account = 'receivable'",
    );
    const FEES: Sql = Sql::new("select count(*) as n from application_fees where amount = 370");
    assert_eq!(world.charges(), 1, "charges at Stripe, {cut}");
    for (what, sql, expected) in [
        ("paid invoices", &INVOICES, 1),
        ("payment postings", &POSTINGS, 1),
        ("complete payments", &PAID, 1),
        ("live payments", &LIVE, 0),
        ("open operations", &OPEN, 0),
        ("waiting events", &WAITING, 0),
        ("breaks", &BREAKS, 0),
        ("receivable", &RECEIVABLE, 0),
        ("application fees", &FEES, 1),
    ] {
        assert_eq!(world.number(sql), expected, "{what}, {cut}");
    }
    let broken = run(invariants::check_quiet(&world.app)).unwrap();
    assert!(broken.is_empty(), "{cut}: {broken:#?}");
}

#[test]
fn an_uncut_payment_is_paid_and_booked() {
    let world = World::new(1);
    let paid = run(collect::pay(
        &world.app,
        &BY,
        &world.link,
        &request(&world, "pm_card_visa"),
    ))
    .unwrap();
    assert_eq!(paid.state, PAID);
    assert!(paid.client_secret.is_none());
    world.settle();
    assert_paid_once(&world, "uncut");
}

#[test]
fn a_crash_at_any_port_call_charges_once() {
    let mut cut = 0;
    loop {
        let mut world = World::new(1);
        let request = request(&world, "pm_card_visa");
        let done = run_until(collect::pay(&world.app, &BY, &world.link, &request), cut);
        world.restart();
        world.settle();
        pay_if_still_open(&world);
        assert_paid_once(&world, &format!("cut at wait {cut}"));
        if done.is_some() {
            break;
        }
        cut += 1;
    }
    // Look at limits, note create, call, settle, note confirm, call, settle: seven port calls, each cut on
    // both sides.
    assert_eq!(cut, 14);
}

#[test]
fn a_lost_answer_at_any_call_charges_once() {
    for (path, webhooks) in [
        ("/intents", true),
        ("/confirm", true),
        ("/intents", false),
        ("/confirm", false),
    ] {
        let mut world = World::new(2);
        let other_tab = request(&world, "pm_card_visa");
        let request = request(&world, "pm_card_visa");
        let fault = format!(r#"{{"effect":"lose_answer","method":"POST","path":"{path}","count":3}}"#);
        world.control(
            "/_simulator/faults",
            &fault.replace("/intents", "/v1/payment_intents"),
        );
        let answered = run(collect::pay(&world.app, &BY, &world.link, &request)).unwrap();
        assert!(answered.in_doubt, "three tries without an answer: nobody knows");
        let again = run(collect::pay(&world.app, &BY, &world.link, &other_tab));
        assert!(
            matches!(again, Err(Failure::Refused(Refusal::PaymentInProgress))),
            "nothing else starts: {again:?}"
        );
        world.restart();
        match webhooks {
            true => world.settle(),
            false => world.settle_without_webhooks(),
        }
        pay_if_still_open(&world);
        world.settle();
        assert_paid_once(&world, &format!("answers of {path} lost, webhooks: {webhooks}"));
    }
}

#[test]
fn a_saved_500_of_stripe_does_not_lock_the_invoice() {
    for (path, effect) in [
        ("/v1/payment_intents", "error500"),
        ("/v1/payment_intents", "error500_after"),
        ("/confirm", "error500"),
        ("/confirm", "error500_after"),
    ] {
        let world = World::new(10);
        let request = request(&world, "pm_card_visa");
        let fault = format!(r#"{{"effect":"{effect}","method":"POST","path":"{path}","count":1}}"#);
        world.control("/_simulator/faults", &fault);
        let answered = run(collect::pay(&world.app, &BY, &world.link, &request));
        assert!(answered.is_ok(), "{path} {effect}: {answered:?}");
        world.settle_without_webhooks();
        pay_if_still_open(&world);
        world.settle();
        assert_paid_once(&world, &format!("{effect} kept for {path}"));
    }
}

#[test]
fn a_day_without_an_answer_is_found_out_by_reading() {
    for path in ["/v1/payment_intents", "/confirm"] {
        let mut world = World::new(11);
        let request = request(&world, "pm_card_visa");
        let fault = format!(r#"{{"effect":"lose_answer","method":"POST","path":"{path}","count":3}}"#);
        world.control("/_simulator/faults", &fault);
        assert!(
            run(collect::pay(&world.app, &BY, &world.link, &request))
                .unwrap()
                .in_doubt,
            "{path}"
        );
        // Nobody was there for 25 hours: Stripe has forgotten the key, and a replay could charge again.
        world.simulator.advance_ms(25 * 60 * 60 * 1000);
        world.restart();
        world.settle_without_webhooks();
        pay_if_still_open(&world);
        world.settle();
        assert_paid_once(&world, &format!("a day after {path}"));
    }
}

#[test]
fn a_declined_card_and_a_crash_leave_the_same_intent_for_the_next_card() {
    let mut cut = 0;
    loop {
        let mut world = World::new(3);
        let request = request(&world, "pm_card_chargeDeclined");
        let done = run_until(collect::pay(&world.app, &BY, &world.link, &request), cut);
        world.restart();
        world.settle();
        pay_if_still_open(&world);
        const INTENTS: Sql = Sql::new("select count(*) as n from payments");
        assert_eq!(world.number(&INTENTS), 1, "cut at wait {cut}");
        assert_paid_once(&world, &format!("declined, cut at wait {cut}"));
        if done.is_some() {
            break;
        }
        cut += 1;
    }
}

/// A payment whose confirmation had no answer: only webhooks and the reconciler can tell what it came to.
fn paid_without_an_answer(seed: u64) -> World {
    let world = World::new(seed);
    let request = request(&world, "pm_card_visa");
    world.control(
        "/_simulator/faults",
        r#"{"effect":"lose_answer","method":"POST","path":"/confirm","count":3}"#,
    );
    assert!(
        run(collect::pay(&world.app, &BY, &world.link, &request))
            .unwrap()
            .in_doubt
    );
    world
}

#[test]
fn a_crash_of_the_worker_at_any_port_call_books_once() {
    let mut cut = 0;
    loop {
        let mut world = paid_without_an_answer(4);
        world.deliver();
        let mut done = true;
        for event in run(stripe_events::take(&world.app, 100)).unwrap() {
            done &= run_until(stripe_events::apply(&world.app, &event), cut).is_some();
        }
        world.restart();
        world.settle();
        assert_paid_once(&world, &format!("worker cut at wait {cut}"));
        if done {
            break;
        }
        cut += 1;
    }
    assert!(cut >= 2, "each event takes at least one port call");
}

#[test]
fn a_crash_of_the_reconciler_at_any_port_call_books_once() {
    let mut cut = 0;
    loop {
        let mut world = paid_without_an_answer(5);
        world.simulator.advance_ms(10 * 60 * 1000);
        let done = run_until(reconcile::run(&world.app), cut).is_some();
        world.restart();
        world.settle();
        assert_paid_once(&world, &format!("reconciler cut at wait {cut}"));
        if done {
            break;
        }
        cut += 1;
    }
    assert!(cut >= 8, "it looks, replays, settles and reads again");
}

#[test]
fn after_three_d_secure_a_crash_while_looking_books_once() {
    let mut cut = 0;
    loop {
        let mut world = World::new(6);
        let request = request(&world, "pm_card_threeDSecure2Required");
        let begun = run(collect::pay(&world.app, &BY, &world.link, &request)).unwrap();
        assert_eq!(begun.state, PaymentState::At(IntentStatus::RequiresAction));
        assert!(
            begun.client_secret.is_some(),
            "the browser needs it for handleNextAction"
        );
        world.complete_challenge();
        let done = run_until(collect::check(&world.app, &world.link), cut).is_some();
        world.restart();
        world.settle();
        const PAID: Sql = Sql::new("select count(*) as n from payments where status = 'succeeded'");
        assert_eq!(
            (world.charges(), world.number(&PAID)),
            (1, 1),
            "cut at wait {cut}"
        );
        if done {
            break;
        }
        cut += 1;
    }
}

#[test]
fn a_request_that_the_browser_repeats_by_itself_is_one_press_on_pay() {
    for (card, state) in [
        ("pm_card_visa", PAID),
        (
            "pm_card_chargeDeclined",
            PaymentState::At(IntentStatus::RequiresPaymentMethod),
        ),
        (
            "pm_card_threeDSecure2Required",
            PaymentState::At(IntentStatus::RequiresAction),
        ),
    ] {
        let world = World::new(9);
        let request = request(&world, card);
        let pay = || run(collect::pay(&world.app, &BY, &world.link, &request)).unwrap();
        let first = pay();
        for again in [pay(), pay()] {
            assert_eq!((again.state, first.state), (state, state), "{card}");
            assert_eq!(
                again.client_secret.is_some(),
                first.client_secret.is_some(),
                "{card}"
            );
            assert_eq!(again.decline.is_some(), first.decline.is_some(), "{card}");
        }
        const CONFIRMS: Sql =
            Sql::new("select count(*) as n from stripe_operations where kind = 'confirm_intent'");
        assert_eq!(world.number(&CONFIRMS), 1, "{card}");
    }
}

#[test]
fn webhooks_that_never_come_are_made_up_for_by_the_reconciler() {
    let world = paid_without_an_answer(8);
    world.settle_without_webhooks();
    const PAID: Sql =
        Sql::new("select count(*) as n from payments where status = 'succeeded' and stripe_fee is not null");
    assert_eq!((world.charges(), world.number(&PAID)), (1, 1));
}

#[test]
fn the_same_seed_gives_the_same_rows() {
    const ROWS: Sql = Sql::new(
        "select id, stripe_payment_intent_id, stripe_charge_id, created_at, updated_at
         from payments order by id",
    );
    let rows = || {
        let world = World::new(7);
        run(collect::pay(
            &world.app,
            &BY,
            &world.link,
            &request(&world, "pm_card_visa"),
        ))
        .unwrap();
        world.settle();
        world.rows(&ROWS)
    };
    assert_eq!(rows(), rows());
}
