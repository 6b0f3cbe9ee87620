//! Payments: one row per payment intent. What may be started, and how what Stripe says is merged into what we
//! know.

pub mod adoption;
pub mod parts;

use crate::{Refusal, invoice, invoice::InvoiceState};

/// After so many declined confirmations an intent is cancelled and the next try starts a new one: nobody
/// tests cards on one intent.
pub const DECLINES_MAX: i64 = 5;

/// What Stripe says of a payment intent (its `status`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IntentStatus {
    /// Made, or declined: waits for a payment method.
    RequiresPaymentMethod,
    /// Has a payment method and waits to be confirmed.
    RequiresConfirmation,
    /// Waits for the payer, such as for 3D Secure.
    RequiresAction,
    /// On its way; a bank debit takes days.
    Processing,
    /// Authorized, not captured. We never ask for it, but someone in Stripe's dashboard could.
    RequiresCapture,
    /// The money was received.
    Succeeded,
    /// Over without money.
    Canceled,
}

impl IntentStatus {
    /// Every status.
    pub const ALL: [IntentStatus; 7] = [
        IntentStatus::RequiresPaymentMethod,
        IntentStatus::RequiresConfirmation,
        IntentStatus::RequiresAction,
        IntentStatus::Processing,
        IntentStatus::RequiresCapture,
        IntentStatus::Succeeded,
        IntentStatus::Canceled,
    ];

    /// The status as Stripe writes it.
    pub const fn word(self) -> &'static str {
        match self {
            IntentStatus::RequiresPaymentMethod => "requires_payment_method",
            IntentStatus::RequiresConfirmation => "requires_confirmation",
            IntentStatus::RequiresAction => "requires_action",
            IntentStatus::Processing => "processing",
            IntentStatus::RequiresCapture => "requires_capture",
            IntentStatus::Succeeded => "succeeded",
            IntentStatus::Canceled => "canceled",
        }
    }

    /// The status that Stripe wrote; `None` for one that did not exist when this was written.
    pub fn from_word(word: &str) -> Option<IntentStatus> {
        IntentStatus::ALL.into_iter().find(|status| status.word() == word)
    }
}

/// Where a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PaymentState {
    /// Its creation at Stripe was decided and its outcome is not known yet.
    Creating,
    /// Stripe refused to create the intent: there is nothing there.
    Failed,
    /// Stripe has the intent, and said this of it last.
    At(IntentStatus),
}

impl PaymentState {
    /// Every state.
    pub fn all() -> impl Iterator<Item = PaymentState> {
        let known = IntentStatus::ALL.into_iter().map(PaymentState::At);
        [PaymentState::Creating, PaymentState::Failed]
            .into_iter()
            .chain(known)
    }

    /// The state as the API and the database write it.
    pub const fn word(self) -> &'static str {
        match self {
            PaymentState::Creating => "creating",
            PaymentState::Failed => "failed",
            PaymentState::At(status) => status.word(),
        }
    }

    /// The state that our own database wrote.
    pub fn from_word(word: &str) -> Option<PaymentState> {
        PaymentState::all().find(|state| state.word() == word)
    }

    /// Whether money could still arrive by it. At most one payment of an invoice is live.
    pub const fn is_live(self) -> bool {
        match self {
            PaymentState::Creating => true,
            PaymentState::Failed => false,
            PaymentState::At(status) => !matches!(status, IntentStatus::Succeeded | IntentStatus::Canceled),
        }
    }
}

/// Where an observation comes from, which says how far it can be trusted to be newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// A snapshot event: true when it was made, perhaps overtaken since. Events come in any order.
    Snapshot,
    /// Stripe's answer to our own request, or an object that was just retrieved.
    Current,
}

/// What an observation does to a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// Nothing new.
    Same,
    /// The payment moves to this state.
    Move(PaymentState),
    /// Older than what we know: nothing changes.
    Stale,
    /// A snapshot says otherwise, and may be the older of the two: retrieve the object and merge that.
    Retrieve,
}

/// Merges what Stripe said into what we know. Success is never taken back, cancellation only by money that
/// arrived. Between the other states only a current object moves, and freely: a decline really leads from
/// `requires_action` back to `requires_payment_method`, so a snapshot of either may be the older one.
pub fn merge(known: PaymentState, seen: IntentStatus, evidence: Evidence) -> Merge {
    let moved = Merge::Move(PaymentState::At(seen));
    let status = match known {
        PaymentState::Creating | PaymentState::Failed => return moved,
        PaymentState::At(status) => status,
    };
    match (status, seen) {
        (status, seen) if status == seen => Merge::Same,
        (IntentStatus::Succeeded, _) => Merge::Stale,
        (_, IntentStatus::Succeeded) => moved,
        (IntentStatus::Canceled, _) => Merge::Stale,
        (_, IntentStatus::Canceled) => moved,
        _ => match evidence {
            Evidence::Current => moved,
            Evidence::Snapshot => Merge::Retrieve,
        },
    }
}

/// The live payment of an invoice, as far as the decision needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Live {
    /// Where it stands.
    pub state: PaymentState,
    /// Declined confirmations so far.
    pub declines: i64,
    /// Whether a write to Stripe is under way or has an unknown outcome.
    pub unresolved: bool,
    /// Whether it asks for exactly what is to be paid now: the same amounts of the same invoices, by the same
    /// method.
    pub fits: bool,
}

/// What a press on Pay sets off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// Make an intent, then confirm it.
    Create,
    /// Confirm the intent that is there: it was only made, or its last card was declined.
    Confirm,
    /// Cancel this one of the intents that are there at Stripe, then look again.
    Replace(usize),
}

/// Whether invoices may be paid now: the one whose link was opened first, then those that are paid with it.
///
/// # Errors
/// The refusal that fits the first invoice's state; [`Refusal::InvoicesChanged`] when another one is not open
/// any more; [`Refusal::PaymentsUnavailable`] when the tenant's account cannot take payments.
pub fn payable(states: &[InvoiceState], chargeable: bool) -> Result<(), Refusal> {
    for (index, state) in states.iter().enumerate() {
        match invoice::payable(*state) {
            Ok(()) => {}
            Err(refusal) if index == 0 || refusal == Refusal::PaymentInProgress => return Err(refusal),
            Err(_) => return Err(Refusal::InvoicesChanged),
        }
    }
    if chargeable {
        Ok(())
    } else {
        Err(Refusal::PaymentsUnavailable)
    }
}

/// Decides what a press on Pay sets off. `lives` are the payments by which money could still arrive for any
/// of the invoices that are to be paid: what does not fit is gone at Stripe before anything new is made.
///
/// # Errors
/// [`Refusal::PaymentInProgress`] while another try is not settled; [`Refusal::InvoicePaid`].
pub fn begin(lives: &[Live]) -> Result<Begin, Refusal> {
    let mut next = Begin::Create;
    for (index, live) in lives.iter().enumerate() {
        if live.unresolved {
            return Err(Refusal::PaymentInProgress);
        }
        let of_this = match live.state {
            PaymentState::Creating | PaymentState::Failed => return Err(Refusal::PaymentInProgress),
            PaymentState::At(status) => match status {
                IntentStatus::RequiresPaymentMethod | IntentStatus::RequiresConfirmation => {
                    let reusable = lives.len() == 1 && live.fits && live.declines < DECLINES_MAX;
                    if reusable {
                        Begin::Confirm
                    } else {
                        Begin::Replace(index)
                    }
                }
                IntentStatus::RequiresAction => Begin::Replace(index),
                IntentStatus::Processing | IntentStatus::RequiresCapture => {
                    return Err(Refusal::PaymentInProgress);
                }
                IntentStatus::Succeeded => return Err(Refusal::InvoicePaid),
                IntentStatus::Canceled => Begin::Create,
            },
        };
        if next == Begin::Create {
            next = of_this;
        }
    }
    Ok(next)
}

/// How much of what arrived the invoice takes up; the rest is the client's credit.
pub fn applied(state: InvoiceState, owed_minor: i64, received_minor: i64) -> i64 {
    match state {
        InvoiceState::Draft | InvoiceState::Void => 0,
        InvoiceState::Open | InvoiceState::Processing | InvoiceState::Paid => {
            received_minor.min(owed_minor.max(0))
        }
    }
}

#[cfg(test)]
mod tests;
