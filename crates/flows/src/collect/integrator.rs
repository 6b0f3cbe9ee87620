//! An integrator's own front end: it gets the invoice's live intent, and confirms it there.

use std::sync::Arc;

use domain::fee::rules::Method;
use domain::payment::Begin;
use domain::{InvoiceId, Money, PaymentId, Refusal, Scope};
use store::payments::Payment;
use store::stripe_operations::Operation;
use stripe::PaymentIntent;
use stripe::payment_intents::CancelReason;

use super::noting::note_cancel;
use super::situation::{Situation, Wish};
use super::{PAY, STEPS_MAX, explained, look_again, refresh, somebody_was_faster};
use crate::operations::{self, Ran};
use crate::{App, By, Failure, limits};

/// An intent for an integrator's own front end, which confirms it there with the client secret.
#[derive(Clone, Debug)]
pub struct IntegratorIntent {
    /// Our payment.
    pub payment_id: PaymentId,
    /// The intent as Stripe has it now, with its client secret.
    pub intent: PaymentIntent,
    /// The account on which it was made.
    pub stripe_account_id: String,
    /// What it asks for.
    pub amount: Money,
}

/// What an integrator wants to be paid.
#[derive(Clone, Debug, Default)]
pub struct IntentWanted {
    /// How much, in minor units of the invoice's currency; none for all that is owed.
    pub amount_minor: Option<i64>,
    /// The client's other invoices that are paid with this one.
    pub others: Vec<InvoiceId>,
}

/// The invoice's live intent, made if there is none. The same call gives the same intent.
///
/// # Errors
/// The refusals of [`begin`], [`Refusal::NotFound`], [`Refusal::TenantSuspended`] and
/// [`limits::admit_intent`]; [`Failure::Unknown`] while Stripe has not answered.
pub async fn payment_intent(
    app: &App,
    scope: &Scope,
    by: &By,
    invoice: &InvoiceId,
    wanted: &IntentWanted,
) -> Result<IntegratorIntent, Failure> {
    for step in 0..STEPS_MAX + wanted.others.len() {
        let by = (step == 0).then_some(by);
        match next_step_of_integrator(app, scope, by, invoice, wanted).await? {
            IntegratorStep::Use(payment) => {
                let Some((payment, intent)) = refresh(app, &payment).await? else {
                    continue;
                };
                if !payment.status.is_live() {
                    continue;
                }
                return Ok(IntegratorIntent {
                    payment_id: payment.id.clone(),
                    intent,
                    stripe_account_id: payment.stripe_account_id.clone(),
                    amount: payment.asked(),
                });
            }
            IntegratorStep::Run(operation) => match operations::run(app, &operation).await? {
                Ran::Rejected(refusal) => return Err(explained(app, &operation, refusal).await?.into()),
                Ran::Unknown => return Err(Refusal::PaymentInProgress.into()),
                Ran::Overtaken => look_again(app, &operation).await?,
                Ran::Done { .. } | Ran::Declined { .. } => {}
            },
        }
    }
    Err(Refusal::PaymentInProgress.into())
}

enum IntegratorStep {
    Use(Box<Payment>),
    Run(Box<Operation>),
}

async fn next_step_of_integrator(
    app: &App,
    scope: &Scope,
    by: Option<&By>,
    invoice: &InvoiceId,
    wanted: &IntentWanted,
) -> Result<IntegratorStep, Failure> {
    let (rate, moment, by) = (app.fee, app.moment(), by.cloned());
    let (scope, invoice, key) = (scope.clone(), invoice.clone(), app.link_key.clone());
    let (wanted, breakers) = (wanted.clone(), Arc::clone(&app.breakers));
    let step = app.db.write(move |tx| {
        let situation = Situation::read(tx, &scope, &invoice, &wanted.others)?;
        let config = situation.account_that_can_charge();
        let wish = Wish {
            amount: wanted
                .amount_minor
                .map(|minor| Money::new(minor, situation.invoice.currency)),
            // Its fee is decided now, so it is for cards.
            method: Method::Card,
        };
        let begun = situation.begin(&wish, config.is_some());
        let (next, asked) = begun.map_err(|refusal| situation.said_to_tenant(refusal))?;
        if let Some(config) = config {
            breakers.may_begin(scope.mode, &config.stripe_account_id)?;
        }
        if by.is_some() {
            limits::admit_intent(tx, &key, &scope, moment)?;
        }
        if let Some(live) = situation.usable(&asked) {
            return Ok(IntegratorStep::Use(Box::new(live.clone())));
        }
        let Some(config) = config else {
            return Err(Refusal::PaymentsUnavailable.into());
        };
        let operation = match next {
            Begin::Create => situation.note_create(tx, moment, rate, config, &asked)?,
            Begin::Confirm => note_cancel(tx, moment, situation.open(0)?, CancelReason::Abandoned)?,
            Begin::Replace(index) => {
                note_cancel(tx, moment, situation.open(index)?, CancelReason::Abandoned)?
            }
        };
        if let Some(by) = &by {
            situation.note_request(tx, by, moment, PAY, &operation, asked.amount)?;
        }
        Ok(IntegratorStep::Run(Box::new(operation)))
    });
    step.await.map_err(somebody_was_faster)
}
