//! Disputes on bad days: instances that go down in the middle, answers that are lost or kept as failures, and
//! money that comes back after its loss was settled.

use domain::dispute::{Evidence, Outcome, evidence};
use domain::{Currency, DisputeId, Money, PaymentId};
use flows::collect::{self, PayRequest};
use flows::disputes::{self, DisputeFacts};
use flows::{Actor, By, Failure, credits, invariants, stripe_events};
use serde_json::{Value, json};
use store::Sql;

use crate::executor::{run, run_until};
use crate::world::World;

const BY: By = By::new(Actor::CommandLine);
const PAYER: By = By::new(Actor::Unknown);
const BOOKED: Sql =
    Sql::new("select count(*) as n from ledger_transactions where kind = 'dispute_withdrawn'");

/// A payment that a bank has taken back, and nobody has told us so far; answers Stripe's id of the dispute.
fn disputed(seed: u64) -> (World, String) {
    let world = World::new(seed);
    let request = PayRequest {
        confirmation_token: world.token("pm_card_visa"),
        seen: Money::new(12_345, Currency::parse("usd").unwrap()),
        due: None,
        others: Vec::new(),
        page_token: Some(world.read_page()),
        proof: None,
    };
    run(collect::pay(&world.app, &PAYER, &world.link, &request)).unwrap();
    world.settle();
    let charges = world.stripe("GET", "/v1/charges", "");
    let charge = charges["data"][0]["id"].as_str().unwrap().to_owned();
    let opened = world.control(&format!("/_simulator/charges/{charge}/dispute"), "{}");
    (world, opened["id"].as_str().unwrap().to_owned())
}

fn known(world: &World) -> DisputeId {
    const ID: Sql = Sql::new("select id from disputes");
    DisputeId::stored(world.rows(&ID)[0].text("id").unwrap())
}

fn drafted(world: &World) -> (DisputeId, i64) {
    let id = known(world);
    let said = evidence::read([("uncategorized_text", "It was delivered.")]).unwrap();
    let dispute = run(disputes::put_evidence(
        &world.app,
        &world.scope,
        &BY,
        &id,
        None,
        said,
    ))
    .unwrap();
    (id, dispute.evidence_version)
}

/// How often the bank got evidence.
fn submissions(world: &World, dispute: &str) -> i64 {
    let there = world.stripe("GET", &format!("/v1/disputes/{dispute}"), "");
    there["evidence_details"]["submission_count"].as_i64().unwrap()
}

fn assert_all_holds(world: &World, cut: &str) {
    let broken = run(invariants::check_quiet(&world.app)).unwrap();
    assert!(broken.is_empty(), "{cut}: {broken:#?}");
}

/// Whoever is not sure presses once more.
fn submit_if_still_open(world: &World, id: &DisputeId, version: i64, cut: &str) {
    match run(disputes::submit(&world.app, &world.scope, &BY, id, version)) {
        Ok(dispute) => assert_eq!(dispute.submitted_version, Some(version), "{cut}"),
        Err(Failure::Refused(refusal)) => assert_eq!(refusal.code(), "evidence_submitted", "{cut}"),
        other => panic!("{cut}: {other:?}"),
    }
    world.settle();
}

#[test]
fn a_crash_at_any_port_call_gives_evidence_to_the_bank_once() {
    let mut cut = 0;
    loop {
        let (mut world, dispute) = disputed(31);
        world.settle();
        let (id, version) = drafted(&world);
        let done = run_until(disputes::submit(&world.app, &world.scope, &BY, &id, version), cut);
        world.restart();
        world.settle();
        let what = format!("cut at wait {cut}");
        submit_if_still_open(&world, &id, version, &what);
        assert_eq!(submissions(&world, &dispute), 1, "{what}");
        assert_all_holds(&world, &what);
        if done.is_some() {
            break;
        }
        cut += 1;
    }
    assert!(
        cut >= 6,
        "it notes, sends and settles, each cut on both sides: {cut}"
    );
}

#[test]
fn no_answer_to_evidence_gives_it_to_the_bank_twice() {
    const HOUR_MS: i64 = 60 * 60 * 1000;
    // Lost answers that are replayed, or found out by reading once the key is old; failures that are kept.
    for (effect, count, later_ms) in [
        ("lose_answer", 3, 0),
        ("lose_answer", 3, 25 * HOUR_MS),
        ("error500", 1, 0),
        ("error500_after", 1, 0),
    ] {
        let (mut world, dispute) = disputed(32);
        world.settle();
        let (id, version) = drafted(&world);
        let fault = json!({"effect": effect, "method": "POST", "path": "/v1/disputes/", "count": count});
        world.control("/_simulator/faults", &fault.to_string());
        let what = format!("{effect}, {later_ms} ms later");
        let first = run(disputes::submit(&world.app, &world.scope, &BY, &id, version));
        match (effect, &first) {
            ("lose_answer", Ok(dispute)) => assert!(dispute.operation_id.is_some(), "{what}"),
            ("error500", Err(Failure::Refused(refusal))) => assert_eq!(refusal.code(), "dispute_refused"),
            ("error500_after", Ok(dispute)) => assert_eq!(dispute.submitted_version, Some(version)),
            other => panic!("{what}: {other:?}"),
        }
        world.simulator.advance_ms(later_ms);
        world.restart();
        world.settle_without_webhooks();
        submit_if_still_open(&world, &id, version, &what);
        assert_eq!(submissions(&world, &dispute), 1, "{what}");
        assert_all_holds(&world, &what);
    }
}

#[test]
fn a_crash_of_the_worker_at_any_port_call_books_a_dispute_once() {
    let mut cut = 0;
    loop {
        let (mut world, _) = disputed(33);
        world.simulator.advance_ms(60_000);
        world.deliver();
        let mut done = true;
        for event in run(stripe_events::take(&world.app, 100)).unwrap() {
            done &= run_until(stripe_events::apply(&world.app, &event), cut).is_some();
        }
        world.restart();
        world.settle();
        assert_eq!(world.number(&BOOKED), 1, "cut at wait {cut}");
        assert_all_holds(&world, &format!("worker cut at wait {cut}"));
        if done {
            break;
        }
        cut += 1;
    }
    assert!(cut >= 2, "each event takes at least one port call");
}

/// Stripe says that an appeal was won.
fn won_after_all(world: &World, dispute: &str) {
    const OF: Sql = Sql::new("select payment_id from disputes");
    let mut object: Value = world.stripe("GET", &format!("/v1/disputes/{dispute}"), "");
    let mut back = object["balance_transactions"][0].clone();
    back["id"] = json!("txn_back");
    for (name, sign) in [("amount", -1), ("fee", -1), ("net", -1)] {
        back[name] = json!(back[name].as_i64().unwrap() * sign);
    }
    back["fee_details"] = json!([]);
    object["balance_transactions"].as_array_mut().unwrap().push(back);
    object["status"] = json!("won");
    let facts = DisputeFacts::of(&stripe::Dispute::from_value(&object).unwrap()).unwrap();
    let payment = PaymentId::stored(world.rows(&OF)[0].text("payment_id").unwrap());
    let (moment, scope) = (world.app.moment(), world.scope.clone());
    let observed = world.app.db.write(move |tx| {
        let payment = store::payments::get(tx, &scope, &payment)?.unwrap();
        disputes::observe(tx, moment, &payment, &facts, Evidence::Current, "an appeal")
    });
    run(observed).unwrap();
}

#[test]
fn money_that_comes_back_after_its_loss_was_settled_pays_the_invoice_or_is_credit() {
    const INVOICE: Sql = Sql::new("select status, applied, credited from invoices");
    const WITH_BANKS: Sql = Sql::new(
        "select cast(coalesce(sum(amount), 0) as bigint) as n from ledger_entries where account = 'disputes'",
    );
    for (outcome, before, after, credited, credit) in [
        (Outcome::StillOwed, "open", 12_345, 0, 0),
        (Outcome::Forgiven, "paid", 0, 12_345, 12_345),
    ] {
        let (world, dispute) = disputed(34);
        world.settle();
        world.control(
            &format!("/_simulator/disputes/{dispute}"),
            r#"{"verdict":"lose"}"#,
        );
        world.settle();
        let settled = run(disputes::settle(
            &world.app,
            &world.scope,
            &BY,
            &known(&world),
            outcome,
        ))
        .unwrap();
        assert_eq!((settled.decided.settled, world.number(&WITH_BANKS)), (12_345, 0));
        assert_eq!(world.rows(&INVOICE)[0].text("status").unwrap(), before);
        won_after_all(&world, &dispute);
        let row = &world.rows(&INVOICE)[0];
        let now = (row.int("applied").unwrap(), row.int("credited").unwrap());
        assert_eq!(
            (row.text("status").unwrap().as_str(), now),
            ("paid", (after, credited))
        );
        let left = run(credits::of_client(&world.app, &world.scope, &world.client)).unwrap();
        assert_eq!(
            left.usable(Currency::parse("usd").unwrap()),
            credit,
            "{outcome:?}"
        );
        assert_eq!(world.number(&WITH_BANKS), 0, "{outcome:?}");
        assert_all_holds(&world, &format!("{outcome:?}"));
    }
}
