//! A tenant's own software gives payments back: in parts or whole, several at the same moment, under keys
//! that it repeats until there is an answer.

use std::rc::Rc;

use domain::refund::{FeeChoice, RefundState, Refused, Settlement};
use domain::{InvoiceId, PaymentId, Refusal};
use flows::Failure;
use flows::refunds::{self, Wanted};
use store::Sql;
use store::requests::Place;

use crate::dice::Dice;
use crate::instances::request;
use crate::integrator::keyed;
use crate::marks::Mark;
use crate::ports::rest;
use crate::stage::{BY, Msp, Stage};
use crate::swarm::{DAY_MS, HOUR_MS, MINUTE_MS};

/// How often it sends a request before it leaves it.
const TRIES_MAX: usize = 12;
/// How its requests are called in the schedule: what they reserve is looked at after each of their steps.
pub const NAME: &str = "refund";

/// Gives back what an invoice brought, once or a few times.
pub async fn run(stage: Rc<Stage>, msp: Rc<Msp>, invoice: InvoiceId, mut dice: Dice) {
    for round in 0..3 {
        let wait_ms = dice.between(HOUR_MS, 3 * DAY_MS);
        rest(&stage.shared, wait_ms).await;
        let Some((payment, left)) = paid(&stage, &invoice) else {
            continue;
        };
        let at_once = if dice.percent(40) { 2 } else { 1 };
        for nth in 0..at_once {
            let amount = match dice.below(4) {
                0 => None,
                1 => Some(dice.between(1, left.max(1))),
                // Two of these are too much together.
                _ => Some((left / 2 + 1).max(1)),
            };
            let wanted = Wanted {
                payment: payment.clone(),
                amount,
                reason: None,
                settlement: *dice.pick(&Settlement::ALL),
                fee: *dice.pick(&FeeChoice::ALL),
                // A part of what paid several invoices is taken from one of them.
                invoice: amount.map(|_| invoice.clone()),
                version: None,
            };
            let place = Place {
                scope: msp.scope.clone(),
                route: "POST /api/refunds".to_owned(),
                key: format!("refund-{payment}-{round}-{nth}"),
            };
            let (here, there, dice) = (Rc::clone(&stage), Rc::clone(&msp), dice.fork());
            stage.hit(Mark::RefundAsked);
            stage.spawn("integrator's refund", async move {
                ask(here, there, place, wanted, dice).await
            });
        }
        if at_once > 1 {
            stage.hit(Mark::RefundsAtOnce);
        }
        if dice.percent(50) {
            return;
        }
    }
}

/// A payment of the invoice that brought money, and what is left of it.
fn paid(stage: &Stage, invoice: &InvoiceId) -> Option<(PaymentId, i64)> {
    const PAID: Sql = Sql::new(
        "select id, invoice_id, received - reserved as n from payments
         where status = 'succeeded' order by id",
    );
    let rows = stage.rows(&PAID);
    let row = rows
        .iter()
        .find(|row| row.text("invoice_id").unwrap() == invoice.as_str())?;
    Some((PaymentId::stored(row.text("id").unwrap()), row.int("n").unwrap()))
}

/// Asks for a refund, and repeats the request under its key until there is an answer.
async fn ask(stage: Rc<Stage>, msp: Rc<Msp>, place: Place, wanted: Wanted, mut dice: Dice) {
    let body = wanted.amount.unwrap_or(0);
    for _ in 0..TRIES_MAX {
        let (place, wanted, msp) = (place.clone(), wanted.clone(), Rc::clone(&msp));
        let answer = request(&stage, NAME, |app| async move {
            keyed(&app, place, body, async |moment| {
                let made = refunds::request(&app, &msp.scope, &BY, moment, &wanted).await?;
                Ok(made.refund.status.word().to_owned())
            })
            .await
        });
        match answer.await {
            Some(Ok(status)) => {
                let in_doubt = status == RefundState::Requested.word();
                return stage.hit(if in_doubt {
                    Mark::RefundInDoubt
                } else {
                    Mark::RefundMade
                });
            }
            Some(Err(Failure::Refused(Refusal::Refund(refused)))) => {
                if let Refused::ByStripe { code } = &refused {
                    // Only what was given up after a day, or was seen before we knew that it is ours.
                    stage.shared.note(|| format!("refused by Stripe: {code}"));
                }
                return stage.hit(Mark::RefundRefused);
            }
            Some(Err(Failure::Refused(Refusal::IdempotencyKeyInFlight))) => {
                wait(&stage, &mut dice, MINUTE_MS).await;
            }
            Some(Err(Failure::Refused(refusal))) => {
                return stage.shared.violated(format!("a refund is refused: {refusal}"));
            }
            Some(Err(_)) | None => wait(&stage, &mut dice, 10 * MINUTE_MS).await,
        }
    }
}

async fn wait(stage: &Stage, dice: &mut Dice, longest_ms: i64) {
    let ms = dice.between(1_000, longest_ms);
    rest(&stage.shared, ms).await;
}
