//! The database is restored from an older backup: what was made since is at Stripe only, and is found there.

use std::task::{Context, Waker};

use domain::refund::{FeeChoice, Settlement};
use domain::{BreakId, PaymentId, Refusal};
use flows::collect;
use flows::reconcile::{self, Order};
use flows::refunds::{self, Wanted};
use flows::{Actor, By, Failure, breaks, held, invariants, stripe_events};
use store::Sql;
use store::reconciliation_breaks;

use crate::executor::{run, run_until};
use crate::outage::request;
use crate::world::World;

static BY: By = By::new(Actor::CommandLine);
const PAID: Sql = Sql::new("select count(*) as n from invoices where status = 'paid'");
const PAYMENTS: Sql = Sql::new("select count(*) as n from payments");
const BOOKED: Sql = Sql::new("select count(*) as n from ledger_transactions where kind = 'payment'");
const EXTERNAL: Sql = Sql::new("select count(*) as n from external_objects");
const BREAKS: Sql = Sql::new(
    "select count(*) as n from reconciliation_breaks
     where resolved_at is null and kind <> 'events_missed'",
);

fn reconcile(world: &World) {
    let order = Order {
        since: world.app.clock.now().plus_ms(-6 * 60 * 60 * 1000),
        account: None,
        mode: None,
    };
    let (_, unread) = run(reconcile::ordered(&world.app, &BY, &order, &mut |_| {})).unwrap();
    assert_eq!(unread, Vec::new());
}

fn newest_payment(world: &World) -> PaymentId {
    const NEWEST: Sql = Sql::new("select id from payments order by id desc limit 1");
    PaymentId::parse(&world.rows(&NEWEST)[0].text("id").unwrap()).unwrap()
}

fn assert_paid_once(world: &World) {
    let numbers = (
        world.charges(),
        world.number(&PAID),
        world.number(&PAYMENTS),
        world.number(&BOOKED),
    );
    assert_eq!(numbers, (1, 1, 1, 1));
    assert_eq!(run(invariants::check_quiet(&world.app)).unwrap(), []);
    assert_eq!((world.number(&BREAKS), world.number(&EXTERNAL)), (0, 0));
}

/// The invoice was open again without a warning, and its client could be charged twice.
#[test]
fn a_payment_that_is_newer_than_the_backup_is_taken_up_by_a_reconciliation() {
    let mut world = World::with_backup(61);
    run(collect::pay(&world.app, &BY, &world.link, &request(&world))).unwrap();
    world.settle();
    assert_paid_once(&world);

    world.restore();
    assert_eq!(world.number(&PAID), 0);
    reconcile(&world);
    world.settle();
    assert_paid_once(&world);
    let again = run(collect::pay(&world.app, &BY, &world.link, &request(&world)));
    assert!(
        matches!(again, Err(Failure::Refused(Refusal::InvoicePaid))),
        "{again:?}"
    );
}

/// Its write stayed unknown for a day under the key that Stripe knew, and then another intent was made.
#[test]
fn a_payer_who_comes_before_the_reconciliation_finds_the_invoice_paid() {
    let mut world = World::with_backup(62);
    run(collect::pay(&world.app, &BY, &world.link, &request(&world))).unwrap();
    world.settle();

    world.restore();
    let again = run(collect::pay(&world.app, &BY, &world.link, &request(&world)));
    assert!(
        matches!(again, Err(Failure::Refused(Refusal::InvoicePaid))),
        "{again:?}"
    );
    reconcile(&world);
    world.settle();
    assert_paid_once(&world);
}

/// It came back as one of Stripe's dashboard, and the client owed again what was forgiven.
#[test]
fn a_refund_that_forgave_still_forgives_after_a_restore() {
    const REFUND: Sql = Sql::new("select origin, settlement, status from refunds");
    const OWED: Sql = Sql::new("select count(*) as n from invoices where status = 'open'");
    let mut world = World::with_backup(63);
    run(collect::pay(&world.app, &BY, &world.link, &request(&world))).unwrap();
    world.settle();
    let wanted = Wanted {
        payment: newest_payment(&world),
        amount: Some(1_000),
        reason: None,
        settlement: Settlement::Forgiven,
        fee: FeeChoice::Kept,
        invoice: None,
        version: None,
    };
    run(refunds::request(
        &world.app,
        &world.scope,
        &BY,
        world.app.moment(),
        &wanted,
    ))
    .unwrap();
    world.settle();

    world.restore();
    reconcile(&world);
    world.settle();
    let refunds = world.rows(&REFUND);
    assert_eq!(refunds.len(), 1);
    let said = ["origin", "settlement", "status"].map(|name| refunds[0].text(name).unwrap());
    assert_eq!(said, ["api", "forgiven", "succeeded"].map(str::to_owned));
    assert_eq!((world.number(&OWED), world.number(&BREAKS)), (0, 0));
    assert_eq!(run(invariants::check_quiet(&world.app)).unwrap(), []);
}

/// Its payment was told of as a mistake of the tenant's, and another invoice got its number.
#[test]
fn an_invoice_that_a_restore_lost_and_a_client_paid_is_named_and_its_number_is_given_to_no_other() {
    const NUMBERS: Sql = Sql::new("select number from invoices order by number desc limit 1");
    const OPEN: Sql = Sql::new(
        "select kind, detail from reconciliation_breaks
         where resolved_at is null and kind <> 'events_missed'",
    );
    let mut world = World::with_backup(66);
    for _ in 0..3 {
        world.next_invoice();
    }
    let lost = world.rows(&NUMBERS)[0].text("number").unwrap();
    assert_eq!(lost, "INV-00004");
    run(collect::pay(&world.app, &BY, &world.link, &request(&world))).unwrap();
    world.settle();

    world.restore();
    reconcile(&world);
    world.settle();
    let open = world.rows(&OPEN);
    let kinds: Vec<String> = open.iter().map(|row| row.text("kind").unwrap()).collect();
    assert_eq!(kinds, ["invoice_lost"]);
    assert!(
        open[0].text("detail").unwrap().contains("has paid INV-00004"),
        "{open:?}"
    );
    world.next_invoice();
    assert_eq!(world.rows(&NUMBERS)[0].text("number").unwrap(), "INV-00005");

    // A person has dealt with it: it is not shown again whenever Stripe is read.
    const ID: Sql = Sql::new("select id from reconciliation_breaks where kind = 'invoice_lost'");
    let id = BreakId::parse(&world.rows(&ID)[0].text("id").unwrap()).unwrap();
    run(breaks::resolve(
        &world.app,
        None,
        &BY,
        &id,
        "Made anew and settled",
    ))
    .unwrap();
    reconcile(&world);
    world.settle();
    assert_eq!(world.number(&BREAKS), 0);
    assert_eq!(run(invariants::check_quiet(&world.app)).unwrap(), []);
}

/// Whoever owns the account can write metadata: it pays nothing, and is not passed over.
#[test]
fn an_intent_that_only_says_that_it_pays_an_invoice_holds_it_until_a_person_has_looked() {
    const INVOICE: Sql = Sql::new("select id from invoices");
    let world = World::new(64);
    let invoice = world.rows(&INVOICE)[0].text("id").unwrap();
    let form = format!(
        "amount=12345&currency=usd&confirm=true&payment_method=pm_card_visa&payment_method_types[]=card\
         &metadata[invoice_id]={invoice}&metadata[op_id]=op_00000000000000000000000000"
    );
    let made = world.stripe("POST", "/v1/payment_intents", &form);
    assert_eq!(made["status"], "succeeded", "{made}");
    world.settle();
    assert_eq!(
        (
            world.number(&PAID),
            world.number(&PAYMENTS),
            world.number(&BREAKS)
        ),
        (0, 0, 1)
    );
    let held = run(collect::pay(&world.app, &BY, &world.link, &request(&world)));
    assert!(
        matches!(held, Err(Failure::Refused(Refusal::PaymentInProgress))),
        "{held:?}"
    );

    let found = run(world.app.db.read(|tx| {
        let wanted = reconciliation_breaks::Wanted {
            kind: Some(reconciliation_breaks::Kind::PaymentUnclaimed),
            open: Some(true),
            opened_by: None,
            after: None,
            limit: 10,
        };
        reconciliation_breaks::page_of_all(tx, &wanted)
    }))
    .unwrap();
    let kind = (found[0].kind.as_str(), found[0].subject_id.as_str());
    assert_eq!(kind, ("payment_unclaimed", invoice.as_str()));
    assert!(
        found[0].detail.contains(made["id"].as_str().unwrap()),
        "{}",
        found[0].detail
    );
    assert_eq!(found.len(), 1);
    run(breaks::resolve(
        &world.app,
        None,
        &BY,
        &found[0].id,
        "the shop's own sale",
    ))
    .unwrap();
    world.settle();
    run(collect::pay(&world.app, &BY, &world.link, &request(&world))).unwrap();
    world.settle();
    assert_eq!((world.number(&PAID), world.number(&BREAKS)), (1, 0));
}

/// It was left to a look of the reconciler, though it is one of the events that are subscribed to at the
/// least.
#[test]
fn a_dashboard_refund_is_booked_by_the_event_of_its_charge_alone() {
    const REFUNDED: Sql = Sql::new("select coalesce(sum(refunded), 0) as n from payments");
    let world = World::new(65);
    run(collect::pay(&world.app, &BY, &world.link, &request(&world))).unwrap();
    world.settle();
    let charge = world.stripe("GET", "/v1/charges", "")["data"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    world.stripe("POST", "/v1/refunds", &format!("charge={charge}&amount=400"));
    world.simulator.advance_ms(1_000);
    world.deliver_only("charge.refunded");
    for event in run(stripe_events::take(&world.app, 100)).unwrap() {
        run(stripe_events::apply(&world.app, &event)).unwrap();
    }
    assert_eq!(world.number(&REFUNDED), 400);
}

/// The last event that came was taken for the newest, and nothing repaired what it set back.
#[test]
fn an_external_object_is_as_its_newest_event_says_whatever_comes_last() {
    const STATUS: Sql = Sql::new(
        "select status from external_objects where type = 'payment_intent' order by object_id desc limit 1",
    );
    let world = World::new(66);
    let form = "amount=901&currency=usd&confirm=true&payment_method=pm_card_visa&payment_method_types[]=card";
    world.stripe("POST", "/v1/payment_intents", form);
    world.simulator.advance_ms(1_000);
    let apply = || {
        for event in run(stripe_events::take(&world.app, 100)).unwrap() {
            run(stripe_events::apply(&world.app, &event)).unwrap();
        }
    };
    world.deliver_only("payment_intent.succeeded");
    apply();
    world.settle();
    assert_eq!(world.rows(&STATUS)[0].text("status").unwrap(), "succeeded");
}

const SENT: Sql = Sql::new("select count(*) as n from stripe_operations where status = 'sent'");

/// Nobody was there any more, and the invoice could not be paid for five minutes.
#[test]
fn what_a_killed_instance_was_sending_is_free_a_minute_later() {
    let world = (0..)
        .map(|waits| {
            let world = World::new(67);
            run_until(
                collect::pay(&world.app, &BY, &world.link, &request(&world)),
                waits,
            );
            world
        })
        .find(|world| world.number(&SENT) == 1)
        .unwrap();
    world.simulator.advance_ms(58_000);
    run(reconcile::run(&world.app)).unwrap();
    assert_eq!(world.number(&SENT), 1, "whoever sends it may still be there");
    world.simulator.advance_ms(4_000);
    run(reconcile::run(&world.app)).unwrap();
    assert_eq!(world.number(&SENT), 0);
}

/// An instance that lives keeps what it sends, however long Stripe takes.
#[test]
fn what_an_instance_is_sending_stays_its_own_while_it_renews_its_lease() {
    let world = World::new(68);
    let press = request(&world);
    let mut paying = Box::pin(collect::pay(&world.app, &BY, &world.link, &press));
    let mut context = Context::from_waker(Waker::noop());
    while world.number(&SENT) == 0 {
        assert!(paying.as_mut().poll(&mut context).is_pending());
    }
    // Into the call itself.
    assert!(paying.as_mut().poll(&mut context).is_pending());
    for _ in 0..8 {
        world.simulator.advance_ms(40_000);
        run(held::renew(&world.app)).unwrap();
        run(reconcile::run(&world.app)).unwrap();
        assert_eq!(world.number(&SENT), 1);
    }
    run(paying).unwrap();
    world.settle();
    assert_paid_once(&world);
}

/// The first amount was booked, and the second was written over it without a posting or a word.
#[test]
fn another_amount_of_a_booked_payment_is_a_break_only_where_stripe_itself_says_so() {
    const RECEIVED: Sql = Sql::new("select sum(received) as n from payments");
    let world = World::new(69);
    run(collect::pay(&world.app, &BY, &world.link, &request(&world))).unwrap();
    world.settle();
    let intent = world.stripe("GET", "/v1/payment_intents", "")["data"][0].clone();
    for received in [serde_json::json!(1), serde_json::json!(i64::MAX)] {
        let mut object = intent.clone();
        object["amount_received"] = received.clone();
        let event = serde_json::json!({
            "id": format!("evt_said_{received}"), "object": "event", "account": world.account,
            "livemode": false, "api_version": stripe::API_VERSION, "type": "payment_intent.succeeded",
            "created": world.app.clock.now().seconds(), "data": {"object": object},
            "request": {"id": null, "idempotency_key": null}
        });
        let signed_as = stripe_events::SignedAs {
            mode: domain::Mode::Test,
            kind: stripe::events::Kind::Snapshot,
        };
        run(stripe_events::ingest(
            &world.app,
            event.to_string().as_bytes(),
            signed_as,
        ))
        .unwrap();
        world.settle();
        assert_eq!(
            (world.number(&RECEIVED), world.number(&BREAKS)),
            (12_345, 0),
            "{received}"
        );
    }
    assert_eq!(run(invariants::check_quiet(&world.app)).unwrap(), []);
}
