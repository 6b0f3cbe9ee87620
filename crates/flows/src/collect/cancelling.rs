//! Taking an intent back at Stripe, and making sure that it is gone.

use domain::invoice::InvoiceState;
use domain::payment::{IntentStatus, PaymentState};
use domain::{InvoiceId, Refusal, Scope};
use store::Tx;
use store::payments::{self, Payment};
use store::stripe_operations::{self as rows, Operation};
use stripe::payment_intents::CancelReason;

use super::noting::note_cancel;
use super::situation::Situation;
use super::{STEPS_MAX, look_again, payment_of, somebody_was_faster};
use crate::operations::{self, Ran};
use crate::{App, By, Failure, instance};

/// What the audit log calls the wish to be rid of a payment, as before an invoice is voided.
const CANCEL: &str = "invoice.payment_cancel_requested";

/// Cancels an invoice's live intent at Stripe, if it has one, and confirms that it is gone.
///
/// # Errors
/// [`Refusal::PaymentInProgress`] while money may be on its way; [`Refusal::LiveLocked`] in a copy of the
/// database, whose original may be taking, or may have taken, a payment that is not known here.
pub async fn cancel_live(app: &App, scope: &Scope, by: &By, invoice: &InvoiceId) -> Result<(), Failure> {
    for step in 0..STEPS_MAX {
        let (moment, scope, invoice) = (app.moment(), scope.clone(), invoice.clone());
        let by = (step == 0).then(|| by.clone());
        let noted = app.db.write(move |tx| {
            let situation = Situation::read(tx, &scope, &invoice, &[])?;
            if situation.invoice.status != InvoiceState::Draft {
                instance::refuse_locked(tx, &scope)?;
            }
            let Some((live, unresolved)) = situation.live() else {
                return Ok(None);
            };
            if unresolved || live.status == PaymentState::At(IntentStatus::Processing) {
                return Err(Failure::from(Refusal::PaymentInProgress));
            }
            let operation = note_cancel(tx, moment, live, CancelReason::RequestedByCustomer)?;
            if let Some(by) = &by {
                situation.note_request(tx, by, moment, CANCEL, &operation, live.asked())?;
            }
            Ok(Some(operation))
        });
        let Some(operation) = noted.await.map_err(somebody_was_faster)? else {
            return Ok(());
        };
        match operations::run(app, &operation).await? {
            Ran::Rejected(refusal) => return Err(refusal.into()),
            Ran::Unknown => return Err(Refusal::PaymentInProgress.into()),
            Ran::Overtaken => look_again(app, &operation).await?,
            Ran::Done { .. } | Ran::Declined { .. } => {}
        }
    }
    Err(Refusal::PaymentInProgress.into())
}

/// What was there before an invoice is settled otherwise than by an intent.
pub enum Looked<M, S> {
    /// An earlier try of the same request has made it already.
    Made(M),
    /// Nothing yet; this is how the invoice was seen.
    Seen(S),
}

/// Makes room for what settles an invoice otherwise: a live intent, which would take too much afterwards, is
/// cancelled at Stripe. `look` goes first, and refuses what cannot be; where the same request has made it
/// already, nothing is cancelled.
///
/// # Errors
/// Those of `look` and of [`cancel_live`].
pub async fn make_room<M: Send + 'static, S: Send + 'static>(
    app: &App,
    scope: &Scope,
    by: &By,
    invoice: &InvoiceId,
    look: impl Fn(&mut Tx) -> Result<Looked<M, S>, Failure> + Send + Sync + 'static,
) -> Result<Looked<M, S>, Failure> {
    let looked = app.db.read(look).await?;
    if matches!(looked, Looked::Seen(_)) {
        cancel_live(app, scope, by, invoice).await?;
    }
    Ok(looked)
}

/// Refuses, within the transaction that settles an invoice, while money could still arrive for it.
///
/// # Errors
/// [`Refusal::PaymentInProgress`].
pub fn refuse_live(tx: &mut Tx, scope: &Scope, invoice: &InvoiceId) -> Result<(), Failure> {
    match payments::live_of(tx, scope, invoice)? {
        None => Ok(()),
        Some(_) => Err(Refusal::PaymentInProgress.into()),
    }
}

/// Cancels the intent of an operation if it is `useless`, as after five declined cards: the next try starts a
/// new one. A copy of the database leaves it: nobody asked for it.
pub async fn cancel_if(
    app: &App,
    operation: &Operation,
    reason: CancelReason,
    useless: fn(&Payment) -> bool,
) -> Result<(), Failure> {
    let (moment, operation) = (app.moment(), operation.clone());
    let noted = app
        .db
        .write(move |tx| {
            let payment = payment_of(tx, &operation)?;
            let useless = payment.status.is_live() && useless(&payment);
            let free = rows::open_of(tx, &payment.scope, &payment.id)?.is_none()
                && !store::instance::is_locked(tx, payment.scope.mode)?;
            if useless && free {
                note_cancel(tx, moment, &payment, reason).map(Some)
            } else {
                Ok::<_, Failure>(None)
            }
        })
        .await?;
    if let Some(operation) = noted {
        operations::run(app, &operation).await?;
    }
    Ok(())
}
