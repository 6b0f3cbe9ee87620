//! Bugs that are planted on purpose, to learn whether the simulation would find them: mistakes that payment
//! systems are known to make. They are there with the feature `planted-bugs` only, of which no product is
//! built, and then only the one that `PSA_PAY_PLANTED_BUG` names.

use domain::payment::{IntentStatus, PaymentState};
use domain::{PaymentId, Scope, TenantId};
use store::Tx;
use store::payments::{self, Payment};
use store::state_history::{self, Change};
use store::stripe_webhook_events::Taken;

use crate::{Failure, Moment};

/// A mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// A write is sent again with a new idempotency key.
    NewKeyOnRetry,
    /// An effect happens once for each event, not once for each object of Stripe's.
    KeyedByEvent,
    /// An event is marked as processed in a transaction of its own, before its effects.
    ProcessedFirst,
    /// Events that are not newer than our row are dropped, by times in whole seconds.
    CreatedGuard,
    /// Metadata says whose payment an intent is, on whatever account.
    NoAccountCheck,
    /// An intent that is replaced is cancelled in our table only.
    CancelledOnlyLocally,
    /// The keys of the mode that is switched on are used, not those of the row's.
    ModeOfSwitch,
    /// A write that was not answered twice is taken for one that failed.
    TimeoutIsFailure,
    /// What is left of a payment is read first and reserved later, each by itself.
    ReserveNotAtomic,
    /// A part of the platform's fee goes back each time that its refund is seen.
    FeeRefundTwice,
}

impl Bug {
    /// Every bug.
    pub const ALL: [Bug; 10] = [
        Bug::NewKeyOnRetry,
        Bug::KeyedByEvent,
        Bug::ProcessedFirst,
        Bug::CreatedGuard,
        Bug::NoAccountCheck,
        Bug::CancelledOnlyLocally,
        Bug::ModeOfSwitch,
        Bug::TimeoutIsFailure,
        Bug::ReserveNotAtomic,
        Bug::FeeRefundTwice,
    ];
}

/// Whether this bug is planted: never, in a product.
#[cfg(not(feature = "planted-bugs"))]
pub const fn is(_bug: Bug) -> bool {
    false
}

/// Whether `PSA_PAY_PLANTED_BUG` names this bug, such as `NewKeyOnRetry`.
#[cfg(feature = "planted-bugs")]
pub fn is(bug: Bug) -> bool {
    static PLANTED: std::sync::OnceLock<Option<Bug>> = std::sync::OnceLock::new();
    let planted = PLANTED.get_or_init(|| {
        let named = std::env::var("PSA_PAY_PLANTED_BUG").ok()?;
        Bug::ALL.into_iter().find(|bug| format!("{bug:?}") == named)
    });
    *planted == Some(bug)
}

/// The payment that an object's metadata names, whoever wrote it there: [`Bug::NoAccountCheck`].
///
/// # Errors
/// When the database fails.
pub fn named_in_metadata(tx: &mut Tx, event: &Taken) -> Result<Option<Payment>, Failure> {
    let body: serde_json::Value = serde_json::from_str(&event.body).unwrap_or_default();
    let metadata = &body["data"]["object"]["metadata"];
    let (Some(tenant), Some(payment)) = (metadata["tenant_id"].as_str(), metadata["payment_id"].as_str())
    else {
        return Ok(None);
    };
    let scope = Scope {
        tenant: TenantId::stored(tenant.to_owned()),
        mode: event.mode,
    };
    Ok(payments::get(tx, &scope, &PaymentId::stored(payment.to_owned()))?)
}

/// Cancels a payment, of which Stripe is told nothing: [`Bug::CancelledOnlyLocally`].
///
/// # Errors
/// When the database fails.
pub fn cancel_here(tx: &mut Tx, moment: Moment, live: Option<&Payment>) -> Result<(), Failure> {
    let Some(live) = live else { return Ok(()) };
    let canceled = PaymentState::At(IntentStatus::Canceled);
    let payment = Payment {
        status: canceled,
        next_check_at: None,
        ..live.clone()
    };
    payments::store(tx, &payment, moment.at)?;
    let change = Change {
        scope: &payment.scope,
        subject_id: payment.id.as_str(),
        version: payment.version.saturating_add(1),
        from: Some(live.status.word()),
        to: canceled.word(),
        cause: "pay",
    };
    Ok(state_history::insert(tx, &change, moment.at)?)
}
