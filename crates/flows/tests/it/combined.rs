//! Several invoices paid by one intent, and an invoice paid in parts, cut at every port call on both sides:
//! the payer is charged once for each, no invoice of a set is paid without the others, and the books hold it.

use domain::payment::{IntentStatus, PaymentState};
use domain::{Currency, InvoiceId, Money};
use flows::collect::{self, PayRequest, PayStatus};
use flows::payer_view::{self, Look};
use flows::{Actor, By, Failure, invariants, page_tokens, payment_settings};
use store::Sql;
use store::payment_settings::PaymentSettings;

use crate::executor::{run, run_until};
use crate::world::{World, bill};

const BY: By = By::new(Actor::Unknown);
const PAID: PaymentState = PaymentState::At(IntentStatus::Succeeded);

/// A world whose payers may choose, with the link of its first invoice (123.45) and two more of the client.
fn world(seed: u64) -> (World, [InvoiceId; 2]) {
    let world = World::new(seed);
    let settings = PaymentSettings {
        partial: true,
        several: true,
        ..PaymentSettings::default()
    };
    run(payment_settings::set(&world.app, &world.scope, &BY, settings)).unwrap();
    let others = [2_000, 3_000].map(|cents| bill(&world.app, &world.scope, &world.client, cents).0);
    (world, others)
}

fn request(world: &World, card: &str, cents: i64, others: &[InvoiceId]) -> PayRequest {
    PayRequest {
        confirmation_token: world.token(card),
        seen: Money::new(cents, Currency::parse("usd").unwrap()),
        due: None,
        others: others.to_vec(),
        page_token: Some(world.read_page()),
        proof: None,
    }
}

/// The payer comes back after a crash and, if the page still offers the same, pays with a new token.
fn pay_if_still_open(world: &World, cents: i64, others: &[InvoiceId]) {
    let request = request(world, "pm_card_visa", cents, others);
    match run(collect::pay(&world.app, &BY, &world.link, &request)) {
        Ok(PayStatus { state: PAID, .. }) => {}
        Err(Failure::Refused(refusal)) => {
            assert!(
                ["invoice_paid", "amount_changed"].contains(&refusal.code()),
                "{refusal:?}"
            );
        }
        other => panic!("{other:?}"),
    }
    world.settle();
}

const PARTS: Sql = Sql::new(
    "select count(*) as n from payment_parts r
     join payments p on p.tenant_id = r.tenant_id and p.livemode = r.livemode and p.id = r.payment_id
     where p.status = 'succeeded' and r.applied = r.amount and r.live = 0",
);
const LIVE: Sql = Sql::new("select count(*) as n from payment_parts where live = 1");
const UNPAID: Sql = Sql::new("select count(*) as n from invoices where status <> 'paid' or applied <> total");
const FEE: Sql = Sql::new(
    "select count(*) as n from payments
     where status = 'succeeded' and amount = 17345 and application_fee = 520 and fee_bps = 300",
);

fn assert_all_paid_once(world: &World, cut: &str) {
    assert_eq!(world.charges(), 1, "charges at Stripe, {cut}");
    for (what, sql, expected) in [
        ("unpaid invoices", &UNPAID, 0),
        ("parts that were taken up", &PARTS, 3),
        ("live parts", &LIVE, 0),
        ("fees on all of it", &FEE, 1),
    ] {
        assert_eq!(world.number(sql), expected, "{what}, {cut}");
    }
    let broken = run(invariants::check_quiet(&world.app)).unwrap();
    assert!(broken.is_empty(), "{cut}: {broken:#?}");
}

#[test]
fn a_crash_at_any_port_call_pays_all_invoices_of_a_set_or_none() {
    let mut cut = 0;
    loop {
        let (mut world, others) = world(1);
        let request = request(&world, "pm_card_visa", 17_345, &others);
        let done = run_until(collect::pay(&world.app, &BY, &world.link, &request), cut);
        // Whatever was cut: all of them, or none.
        let unpaid = world.number(&UNPAID);
        assert!([0, 3].contains(&unpaid), "{unpaid} unpaid, cut at wait {cut}");
        world.restart();
        world.settle();
        let unpaid = world.number(&UNPAID);
        assert!([0, 3].contains(&unpaid), "{unpaid} unpaid, cut at wait {cut}");
        pay_if_still_open(&world, 17_345, &others);
        assert_all_paid_once(&world, &format!("cut at wait {cut}"));
        if done.is_some() {
            break;
        }
        cut += 1;
    }
    // As for one invoice: seven port calls, each cut on both sides.
    assert_eq!(cut, 14);
}

#[test]
fn a_crash_while_a_set_takes_the_place_of_what_was_left_charges_once() {
    let mut cut = 0;
    loop {
        let (mut world, others) = world(2);
        // Somebody left the bank's check of the first invoice alone.
        let left = request(&world, "pm_card_authenticationRequired", 12_345, &[]);
        run(collect::pay(&world.app, &BY, &world.link, &left)).unwrap();
        let request = request(&world, "pm_card_visa", 17_345, &others);
        let done = run_until(collect::pay(&world.app, &BY, &world.link, &request), cut);
        world.restart();
        world.settle();
        pay_if_still_open(&world, 17_345, &others);
        assert_all_paid_once(&world, &format!("cut at wait {cut}"));
        if done.is_some() {
            break;
        }
        cut += 1;
    }
    // Note cancel, call and settle besides.
    assert_eq!(cut, 20);
}

#[test]
fn a_crash_at_any_port_call_charges_a_part_once_and_the_rest_once() {
    let mut cut = 0;
    loop {
        let (mut world, _) = world(3);
        let part = request(&world, "pm_card_visa", 5_000, &[]);
        let done = run_until(collect::pay(&world.app, &BY, &world.link, &part), cut);
        world.restart();
        world.settle();
        // Who comes back pays what is still owed, all of it.
        let Look::Invoice(view) = run(payer_view::look(&world.app, &world.link)).unwrap() else {
            panic!("the link has run out")
        };
        world.simulator.advance_ms(page_tokens::AGE_MIN_MS);
        let owed = view.owed().minor();
        let came_back = match owed {
            12_345 => 1,
            7_345 => 2,
            other => panic!("{other} is owed, cut at wait {cut}"),
        };
        pay_if_still_open(&world, owed, &[]);
        assert_eq!(world.charges(), came_back, "cut at wait {cut}");
        const PAID_IN_FULL: Sql =
            Sql::new("select count(*) as n from invoices where status = 'paid' and total = 12345");
        assert_eq!(world.number(&PAID_IN_FULL), 1, "cut at wait {cut}");
        let broken = run(invariants::check_quiet(&world.app)).unwrap();
        assert!(broken.is_empty(), "cut at wait {cut}: {broken:#?}");
        if done.is_some() {
            break;
        }
        cut += 1;
    }
    assert_eq!(cut, 14);
}

#[test]
fn a_lost_answer_leaves_no_invoice_of_the_set_to_be_paid_again() {
    for path in ["/v1/payment_intents", "/confirm"] {
        let (world, others) = world(4);
        let request = request(&world, "pm_card_visa", 17_345, &others);
        let fault = format!(r#"{{"effect":"lose_answer","method":"POST","path":"{path}","count":3}}"#);
        world.control("/_simulator/faults", &fault);
        let answered = run(collect::pay(&world.app, &BY, &world.link, &request)).unwrap();
        assert!(answered.in_doubt, "{path}");
        for other in &others {
            let of_other = world.link_of(other);
            let Look::Invoice(view) = run(payer_view::look(&world.app, &of_other)).unwrap() else {
                panic!("the link has run out")
            };
            assert_eq!(view.panel, payer_view::Panel::InProgress, "{path}");
        }
        world.settle();
        pay_if_still_open(&world, 17_345, &others);
        assert_all_paid_once(&world, path);
    }
}
