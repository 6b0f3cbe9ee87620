//! What the payer of an invoice may know of its payment.

use domain::payment::PaymentState;
use stripe::Secret;

/// Where a payment stands, as its payer may know it.
#[derive(Clone, Debug)]
pub struct PayStatus {
    /// The payment's state.
    pub state: PaymentState,
    /// Whether the last write to Stripe has no known outcome: the page says "being checked".
    pub in_doubt: bool,
    /// The account on which the payment is made.
    pub stripe_account_id: String,
    /// For `handleNextAction`: only while an action is needed.
    pub client_secret: Option<Secret>,
    /// Why the card was declined, if it was just now.
    pub decline: Option<DeclineReason>,
}

impl PayStatus {
    /// A state with nothing to be done and nothing to be explained.
    pub(super) const fn of(stripe_account_id: String, state: PaymentState, in_doubt: bool) -> PayStatus {
        PayStatus {
            state,
            in_doubt,
            stripe_account_id,
            client_secret: None,
            decline: None,
        }
    }
}

/// Stripe's codes of a decline; which of them a payer may read is the page's business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclineReason {
    /// Such as `card_declined`.
    pub code: Option<String>,
    /// Such as `insufficient_funds`.
    pub decline_code: Option<String>,
}

impl DeclineReason {
    /// What may be told of it. While a tenant is guarded, most who read it are not its payers: the issuer's
    /// reason would say which cards are worth more tries.
    pub(super) fn told(self, guarded: bool) -> DeclineReason {
        if !guarded {
            return self;
        }
        DeclineReason {
            code: Some("card_declined".to_owned()),
            decline_code: None,
        }
    }
}
