//! Money that goes back to payers. A refund is reserved of its payment, noted, and asked of Stripe; what
//! Stripe says of it, by whichever way, ends in `seen`, which books it. Refunds made in Stripe's dashboard
//! come in there too. The platform's fee goes back by a write of its own once the refund has succeeded.
//!
//! A refund that fails after its money had left is booked back, and its amount may be refunded again. A
//! credit note that forgave it stays, for its paper is with the client: the money that came back is then the
//! client's credit, and the next refund takes it from there.

mod adopted;
mod asked;
pub(crate) mod booking;
mod fees;
mod looks;
mod made_by;
mod seen;
mod told;
mod writes;

use domain::refund::{FeeChoice, RefundState, Settlement};
use domain::{InvoiceId, PaymentId, Refusal, Scope};
use store::refunds::{FeeStatus, Refund};
use store::stripe_operations::{self as rows, Kind, Operation};

use crate::{App, By, Failure, Moment, operations};

pub use adopted::adopt;
use asked::Write;
pub use booking::unused_credit;
pub use fees::{book_linked, book_reported, complete};
pub use looks::{compare, look};
pub use made_by::is_open;
pub use seen::{RefundFacts, find, may_be_ours, observe};
pub use told::{OfInvoice, OfOne, Shown, of_invoice, of_payment, refundable, refundable_of, show, shown};
use writes::Ran;

/// What somebody wants back, and what it is to mean.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The payment.
    pub payment: PaymentId,
    /// Minor units; all that is left, where it is not given.
    pub amount: Option<i64>,
    /// One of [`domain::refund::REASONS`].
    pub reason: Option<String>,
    /// What it means for the invoice.
    pub settlement: Settlement,
    /// What becomes of the platform's fee.
    pub fee: FeeChoice,
    /// The invoice that it is taken from, where the payment pays several.
    pub invoice: Option<InvoiceId>,
    /// In which version somebody has seen the payment, by [`store::payment_version::seen`]; none for whoever
    /// does not say.
    pub version: Option<i64>,
}

/// Gives a payment, or a part of it, back. A refund of which Stripe says nothing stays reserved and is asked
/// for again under the same key: the answer then says `requested`. The same moment asks for the same refund.
///
/// # Errors
/// The refusals of [`domain::refund::request`] and of Stripe, which leave nothing reserved;
/// [`Refusal::InvalidField`] for a payment or an invoice that is not there; [`Refusal::VersionConflict`]
/// where the payment is not as it was seen.
pub async fn request(
    app: &App,
    scope: &Scope,
    by: &By,
    moment: Moment,
    wanted: &Wanted,
) -> Result<Shown, Failure> {
    let (refund, write) = asked::decide(app, scope, by, moment, wanted).await?;
    match &write {
        Write::New(operation) => {
            if let Ran::Refused(refused) = writes::run(app, operation).await? {
                return Err(Refusal::from(refused).into());
            }
        }
        Write::Open(operation) => {
            operations::take_up(app, operation).await?;
        }
        Write::Over => {}
    }
    let now = read(app, &refund).await?;
    if now.status == RefundState::Rejected {
        return Err(Refusal::from(writes::why(app, &now).await?).into());
    }
    if now.fee_status == FeeStatus::Sent {
        give_fee_back(app, &now).await?;
    }
    show(app, scope, &now.id).await
}

/// Sends the write that gives a part of the fee back at once, if nobody else does. It is noted, so that
/// whatever happens here, the reconciler has it.
async fn give_fee_back(app: &App, refund: &Refund) -> Result<(), Failure> {
    if let Some(operation) = open_write(app, refund).await?
        && operation.kind == Kind::CreateFeeRefund
    {
        operations::take_up(app, &operation).await?;
    }
    Ok(())
}

async fn open_write(app: &App, refund: &Refund) -> Result<Option<Operation>, Failure> {
    let (scope, id) = (refund.scope.clone(), refund.id.clone());
    let open = app
        .db
        .read(move |tx| rows::open_of_subject(tx, &scope, id.as_str()));
    Ok(open.await?)
}

async fn read(app: &App, refund: &Refund) -> Result<Refund, Failure> {
    let (scope, id) = (refund.scope.clone(), refund.id.clone());
    let found = app
        .db
        .read(move |tx| store::refunds::get(tx, &scope, &id))
        .await?;
    found.ok_or_else(|| Failure::Bug(format!("refund {} is gone", refund.id)))
}

/// Takes up an open write of a refund: sent again while Stripe keeps its key, found out by reading
/// afterwards. Answers whether its outcome is known.
///
/// # Errors
/// When Stripe or the database does not answer.
pub async fn take_up(app: &App, operation: &Operation, replay: bool) -> Result<bool, Failure> {
    match (operation.kind, replay) {
        (Kind::CreateFeeRefund, true) => fees::run(app, operation).await,
        (Kind::CreateFeeRefund, false) => fees::by_reading(app, operation).await,
        (_, true) => Ok(!matches!(writes::run(app, operation).await?, Ran::Unknown)),
        (_, false) => Ok(!matches!(writes::by_reading(app, operation).await?, Ran::Unknown)),
    }
}
