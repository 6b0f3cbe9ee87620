//! Less than an invoice comes to has arrived on it.

use domain::Refusal;
use flows::collect::IntentWanted;
use flows::{Actor, By, Failure, collect, invariants, invoicing};
use store::Sql;

use crate::executor::run;
use crate::world::World;

static BY: By = By::new(Actor::CommandLine);

/// The account's owner made the intent of an integrator's own page smaller at Stripe, and it was paid there.
/// The invoice was voided all the same, with the money on it. (The simulation found it, after 14,441 seeds.)
#[test]
fn an_invoice_of_which_a_part_is_paid_is_not_voided() {
    const OPEN: Sql = Sql::new(
        "select count(*) as n from invoices where status = 'open' and applied = 5000 and total = 12345",
    );
    const INVOICE: Sql = Sql::new("select id from invoices");
    let world = World::new(61);
    let id = world.rows(&INVOICE)[0].text("id").unwrap();
    let id = domain::InvoiceId::parse(&id).unwrap();
    let wanted = IntentWanted::default();
    let made = collect::payment_intent(&world.app, &world.scope, &BY, &id, &wanted);
    let made = run(made).unwrap();
    let path = format!("/v1/payment_intents/{}", made.intent.id);
    world.stripe("POST", &path, "amount=5000");
    let paid = world.stripe("POST", &format!("{path}/confirm"), "payment_method=pm_card_visa");
    assert_eq!(paid["status"], "succeeded", "{paid}");
    world.settle();
    assert_eq!(world.number(&OPEN), 1);
    let voided = run(invoicing::void(&world.app, &world.scope, &BY, &id));
    assert!(
        matches!(voided, Err(Failure::Refused(Refusal::InvoicePartlyPaid))),
        "{voided:?}"
    );
    assert_eq!(world.number(&OPEN), 1);
    let broken = run(invariants::check_quiet(&world.app)).unwrap();
    assert_eq!(broken, []);
}
