//! Refunds: one row per refund object at Stripe. What may be given back, how what Stripe says is merged into
//! what we know, what the money is taken from, and which part of the platform's fee goes back with it.

use crate::payment::Evidence;
use crate::{Currency, Money, Refusal};

mod refused;
mod share;
mod words;

pub use refused::Refused;
pub use share::{Restored, Taken, fee_back, restore, take};
pub use words::{Told, tell};

/// What Stripe says of a refund (its `status`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RefundStatus {
    /// On its way, or waiting for the account's balance.
    Pending,
    /// Waits for the payer, such as for bank details.
    RequiresAction,
    /// Given back, as far as is known: the payer's bank may still send it back.
    Succeeded,
    /// The money is back on the account.
    Failed,
    /// Withdrawn before the payer had it.
    Canceled,
    /// A status that did not exist when this was written, kept as it is. It counts as under way.
    Other(String),
}

impl RefundStatus {
    /// Every status that this version knows.
    pub const KNOWN: [RefundStatus; 5] = [
        RefundStatus::Pending,
        RefundStatus::RequiresAction,
        RefundStatus::Succeeded,
        RefundStatus::Failed,
        RefundStatus::Canceled,
    ];

    /// The status as Stripe writes it.
    pub fn word(&self) -> &str {
        match self {
            RefundStatus::Pending => "pending",
            RefundStatus::RequiresAction => "requires_action",
            RefundStatus::Succeeded => "succeeded",
            RefundStatus::Failed => "failed",
            RefundStatus::Canceled => "canceled",
            RefundStatus::Other(word) => word,
        }
    }

    /// The status that Stripe wrote.
    pub fn from_word(word: &str) -> RefundStatus {
        let known = RefundStatus::KNOWN
            .into_iter()
            .find(|status| status.word() == word);
        known.unwrap_or_else(|| RefundStatus::Other(word.to_owned()))
    }

    /// How far it is: under way, given back, over without money. A later rank is never taken back.
    fn rank(&self) -> u8 {
        match self {
            RefundStatus::Pending | RefundStatus::RequiresAction | RefundStatus::Other(_) => 0,
            RefundStatus::Succeeded => 1,
            RefundStatus::Failed | RefundStatus::Canceled => 2,
        }
    }
}

/// Where a refund stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RefundState {
    /// Decided and noted; Stripe has not said anything yet.
    Requested,
    /// Stripe refused to make it: there is nothing there.
    Rejected,
    /// Stripe has the refund, and said this of it last.
    At(RefundStatus),
}

impl RefundState {
    /// Every state that this version knows.
    pub fn known() -> impl Iterator<Item = RefundState> {
        let seen = RefundStatus::KNOWN.into_iter().map(RefundState::At);
        [RefundState::Requested, RefundState::Rejected]
            .into_iter()
            .chain(seen)
    }

    /// The state as the API and the database write it.
    pub fn word(&self) -> &str {
        match self {
            RefundState::Requested => "requested",
            RefundState::Rejected => "rejected",
            RefundState::At(status) => status.word(),
        }
    }

    /// The state that our own database wrote.
    pub fn from_word(word: &str) -> RefundState {
        match word {
            "requested" => RefundState::Requested,
            "rejected" => RefundState::Rejected,
            word => RefundState::At(RefundStatus::from_word(word)),
        }
    }

    /// Whether its amount cannot be refunded a second time: it is, or may still be, with the payer.
    pub fn is_reserved(&self) -> bool {
        !matches!(
            self,
            RefundState::Rejected | RefundState::At(RefundStatus::Failed | RefundStatus::Canceled)
        )
    }

    /// Whether the payer has the money, as far as Stripe knows.
    pub fn is_refunded(&self) -> bool {
        *self == RefundState::At(RefundStatus::Succeeded)
    }

    /// Whether Stripe may still say something else of it without anything being wrong.
    pub fn is_under_way(&self) -> bool {
        match self {
            RefundState::Requested => true,
            RefundState::Rejected => false,
            RefundState::At(status) => status.rank() == 0,
        }
    }
}

/// What an observation does to a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// Nothing new.
    Same,
    /// The refund moves to what was seen.
    Move,
    /// Older than what we know: nothing changes.
    Stale,
    /// A snapshot says otherwise, and may be the older of the two: retrieve the refund and merge that.
    Retrieve,
}

/// Merges what Stripe said into what we know. Success is taken back by a failure only: a bank may send the
/// money back weeks later. What failed or was cancelled stays so. Between the states that are under way only
/// a current object moves.
pub fn merge(known: &RefundState, seen: &RefundStatus, evidence: Evidence) -> Merge {
    let known = match known {
        RefundState::Requested | RefundState::Rejected => return Merge::Move,
        RefundState::At(status) => status,
    };
    if known == seen {
        return Merge::Same;
    }
    match seen.rank().cmp(&known.rank()) {
        std::cmp::Ordering::Greater => Merge::Move,
        std::cmp::Ordering::Less => Merge::Stale,
        std::cmp::Ordering::Equal if known.rank() > 0 => Merge::Stale,
        std::cmp::Ordering::Equal => match evidence {
            Evidence::Current => Merge::Move,
            Evidence::Snapshot => Merge::Retrieve,
        },
    }
}

/// What a refund means for the invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Settlement {
    /// The client owes the amount again: the invoice is open by so much.
    StillOwed,
    /// The client owes nothing for it: a credit note says so, and the invoice stays settled.
    Forgiven,
}

impl Settlement {
    /// Both.
    pub const ALL: [Settlement; 2] = [Settlement::StillOwed, Settlement::Forgiven];

    /// As the API and the database write it.
    pub const fn word(self) -> &'static str {
        match self {
            Settlement::StillOwed => "still_owed",
            Settlement::Forgiven => "forgiven",
        }
    }

    /// The settlement of a word.
    pub fn from_word(word: &str) -> Option<Settlement> {
        Settlement::ALL.into_iter().find(|one| one.word() == word)
    }
}

/// What becomes of the platform's fee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FeeChoice {
    /// The platform keeps it, as Stripe keeps its own.
    Kept,
    /// The part that belongs to the refund goes back to the tenant.
    Returned,
}

impl FeeChoice {
    /// Both.
    pub const ALL: [FeeChoice; 2] = [FeeChoice::Kept, FeeChoice::Returned];

    /// As the API and the database write it.
    pub const fn word(self) -> &'static str {
        match self {
            FeeChoice::Kept => "kept",
            FeeChoice::Returned => "returned",
        }
    }

    /// The choice of a word.
    pub fn from_word(word: &str) -> Option<FeeChoice> {
        FeeChoice::ALL.into_iter().find(|one| one.word() == word)
    }
}

/// Stripe's words for why something is refunded.
pub const REASONS: [&str; 3] = ["requested_by_customer", "duplicate", "fraudulent"];

/// What decides how much of a payment may still be given back, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What arrived; zero while the payment has not succeeded.
    pub received: i64,
    /// What is refunded, or on its way, or asked for.
    pub reserved: i64,
    /// What disputes have taken and not given back.
    pub disputed: i64,
}

impl Standing {
    /// What may be given back. While a dispute has any of it nothing may: Stripe gives no refund of a
    /// disputed charge, of the part that its bank left neither.
    pub fn refundable(&self) -> i64 {
        match self.disputed {
            ..=0 => self.received.saturating_sub(self.reserved).max(0),
            1.. => 0,
        }
    }
}

/// Decides how much is refunded: what is `wanted`, or all that is left.
///
/// # Errors
/// [`Refused::NotRefundable`] before any money arrived, [`Refused::Disputed`] while a dispute has money of
/// the payment, [`Refused::TooMuch`] for more than is left, also where nothing is, [`Refusal::InvalidField`]
/// for what is none or what Stripe does not take by its last digits.
pub fn request(standing: Standing, wanted: Option<i64>, currency: Currency) -> Result<i64, Refusal> {
    if standing.received <= 0 {
        return Err(Refused::NotRefundable.into());
    }
    if standing.disputed > 0 {
        return Err(Refused::Disputed.into());
    }
    let left = standing.refundable();
    let amount = wanted.unwrap_or(left);
    if wanted.is_some_and(|amount| amount <= 0) {
        return Err(Refusal::invalid("amount", "must be more than nothing"));
    }
    if wanted.is_some() {
        Money::new(amount, currency).in_steps("amount")?;
    }
    if amount > left || left == 0 {
        let left = Money::new(left, currency).to_string();
        return Err(Refused::TooMuch { left }.into());
    }
    Ok(amount)
}

#[cfg(test)]
mod tests;
