//! Refunds that were made here and forgiven after the backup that is restored: Stripe's events name the key
//! of the request that made each, and that is found whatever is read first.

use domain::refund::{FeeChoice, Settlement};
use domain::{Mode, PaymentId, RefundId};
use flows::collect;
use flows::reconcile::{self, Order};
use flows::refunds::{self, Wanted};
use flows::{Actor, By, invariants, stripe_events};
use store::Sql;

use crate::executor::run;
use crate::outage::request;
use crate::world::World;

static BY: By = By::new(Actor::CommandLine);
const REFUNDS: Sql = Sql::new("select origin, settlement, status, amount from refunds order by amount");
const OPEN_INVOICES: Sql = Sql::new("select count(*) as n from invoices where status = 'open'");
const BREAKS: Sql = Sql::new(
    "select kind from reconciliation_breaks
     where resolved_at is null and kind <> 'events_missed'",
);
const PAYMENT: Sql = Sql::new("select id from payments order by id desc limit 1");

/// How a restored instance first hears of the refunds.
#[derive(Clone, Copy, Debug)]
enum Heard {
    /// Their payment was young, and is read again before any event is.
    Payment,
    /// A bank's event comes, which no request of ours caused.
    EventOfBank,
    /// The event of the charge comes, which names one request and counts all refunds.
    EventOfCharge,
    /// A person orders a reconciliation.
    Order,
}

fn paid_and_backed_up(seed: u64) -> World {
    let mut world = World::new(seed);
    run(collect::pay(&world.app, &BY, &world.link, &request(&world))).unwrap();
    world.back_up();
    world
}

fn forgive(world: &World, amount: i64) {
    let payment = world.rows(&PAYMENT)[0].text("id").unwrap();
    let wanted = Wanted {
        payment: PaymentId::parse(&payment).unwrap(),
        amount: Some(amount),
        reason: None,
        settlement: Settlement::Forgiven,
        fee: FeeChoice::Kept,
        invoice: None,
        version: None,
    };
    let moment = world.app.moment();
    run(refunds::request(&world.app, &world.scope, &BY, moment, &wanted)).unwrap();
}

fn apply_all(world: &World) {
    for event in run(stripe_events::take(&world.app, 100)).unwrap() {
        run(stripe_events::apply(&world.app, &event)).unwrap();
    }
}

/// An event that no request caused.
fn hear(world: &World, of_type: &str, object: &serde_json::Value, key: Option<&str>) {
    let event = serde_json::json!({
        "id": format!("evt_heard_{}", of_type.replace('.', "_")), "object": "event",
        "account": world.account, "livemode": false, "api_version": stripe::API_VERSION,
        "type": of_type, "created": world.app.clock.now().seconds(), "data": {"object": object},
        "request": {"id": null, "idempotency_key": key}
    });
    let signed_as = stripe_events::SignedAs {
        mode: Mode::Test,
        kind: stripe::events::Kind::Snapshot,
    };
    let body = event.to_string();
    run(stripe_events::ingest(&world.app, body.as_bytes(), signed_as)).unwrap();
    apply_all(world);
}

fn reconcile(world: &World) {
    let order = Order {
        since: world.app.clock.now().plus_ms(-6 * 60 * 60 * 1000),
        account: None,
        mode: None,
    };
    run(reconcile::ordered(&world.app, &BY, &order, &mut |_| {})).unwrap();
}

fn kinds(world: &World) -> Vec<String> {
    let rows = world.rows(&BREAKS);
    rows.iter().map(|row| row.text("kind").unwrap()).collect()
}

fn check(seed: u64, heard: Heard) {
    let mut world = paid_and_backed_up(seed);
    world.settle();
    forgive(&world, 1_000);
    forgive(&world, 200);
    // Its webhooks went to the instance that was lost.
    world.deliver();

    world.restore();
    match heard {
        Heard::Payment => {
            world.simulator.advance_ms(60_000);
            run(reconcile::run(&world.app)).unwrap();
        }
        Heard::EventOfBank => {
            // The payment is not due yet.
            let refund = world.stripe("GET", "/v1/refunds", "")["data"][0].clone();
            hear(&world, "refund.updated", &refund, None);
        }
        Heard::EventOfCharge => {
            let charge = world.stripe("GET", "/v1/charges", "")["data"][0].clone();
            hear(&world, "charge.refunded", &charge, None);
        }
        Heard::Order => {}
    }
    reconcile(&world);
    world.settle();
    let refunds = world.rows(&REFUNDS);
    assert_eq!(kinds(&world), [""; 0], "{heard:?}");
    assert_eq!(refunds.len(), 2, "{heard:?}");
    for (refund, amount) in refunds.iter().zip([200, 1_000]) {
        let said = ["origin", "settlement", "status"].map(|name| refund.text(name).unwrap());
        assert_eq!(said, ["api", "forgiven", "succeeded"], "{heard:?}");
        assert_eq!(refund.int("amount").unwrap(), amount);
    }
    assert_eq!(world.number(&OPEN_INVOICES), 0, "{heard:?}");
    assert_eq!(run(invariants::check_quiet(&world.app)).unwrap(), []);
}

/// Its payment was read again before the events were, and a person had to make a credit note.
#[test]
fn a_forgiven_refund_of_a_young_payment_is_taken_up_by_its_key_whatever_is_read_first() {
    let all = [
        Heard::Payment,
        Heard::EventOfBank,
        Heard::EventOfCharge,
        Heard::Order,
    ];
    for (seed, heard) in (71..).zip(all) {
        check(seed, heard);
    }
}

/// Whoever owns the account can write metadata: it forgives nothing.
#[test]
fn a_refund_that_only_says_that_it_forgave_is_asked_about() {
    let world = paid_and_backed_up(81);
    world.settle();
    let intent = world.stripe("GET", "/v1/payment_intents", "")["data"][0]["id"].clone();
    let moment = world.app.moment();
    let form = format!(
        "payment_intent={}&amount=300&metadata[refund_id]={}&metadata[settlement]=forgiven",
        intent.as_str().unwrap(),
        RefundId::new(moment.at, moment.random(0))
    );
    world.stripe("POST", "/v1/refunds", &form);
    world.settle();
    assert_eq!(kinds(&world), ["refund_unclaimed"]);
    assert_eq!(world.rows(&REFUNDS)[0].text("origin").unwrap(), "stripe");
    assert_eq!(world.number(&OPEN_INVOICES), 1);
}
