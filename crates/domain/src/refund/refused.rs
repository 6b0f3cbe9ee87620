//! Why a refund is not made: a closed list with stable codes and sentences that a person can act on.

use std::fmt;

/// A refusal of a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The payment has not brought any money that could go back.
    NotRefundable,
    /// More is asked back than is left of the payment.
    TooMuch {
        /// What may still be refunded, with its currency, as people write it.
        left: String,
    },
    /// Stripe refuses it because more went back of the payment than is known here: refunds that were made in
    /// its dashboard are on their way.
    NotAllHere {
        /// What may be refunded at most as far as is known here, with its currency.
        left: String,
    },
    /// It was to be forgiven, and credit notes have taken that off the invoices already.
    NotForgivable {
        /// What can still be forgiven, with its currency.
        left: String,
    },
    /// The payer's bank disputes the payment: Stripe refuses refunds of it.
    Disputed,
    /// The balance of the tenant's account does not suffice.
    BalanceInsufficient,
    /// Stripe refused it for a reason that is ours to look into.
    ByStripe {
        /// Stripe's error code.
        code: String,
    },
    /// We have no access to the account on which the payment was made.
    Disconnected,
}

impl Refused {
    /// One of each, for those who look at all of them.
    pub fn all() -> [Refused; 8] {
        [
            Refused::NotRefundable,
            Refused::TooMuch {
                left: "0.00 USD".to_owned(),
            },
            Refused::NotAllHere {
                left: "0.00 USD".to_owned(),
            },
            Refused::NotForgivable {
                left: "0.00 USD".to_owned(),
            },
            Refused::Disputed,
            Refused::BalanceInsufficient,
            Refused::ByStripe {
                code: "parameter_invalid".to_owned(),
            },
            Refused::Disconnected,
        ]
    }

    /// What Stripe's refusal of a refund means. Its code says it, where it has one; more than is left has
    /// none, and complains of the amount.
    pub fn by_stripe(code: Option<&str>, param: Option<&str>, left: String) -> Refused {
        match (code, param) {
            (Some("charge_disputed" | "refund_disputed_payment"), _) => Refused::Disputed,
            (Some("charge_already_refunded"), _) | (None, Some("amount")) => Refused::TooMuch { left },
            (Some("balance_insufficient" | "insufficient_funds"), _) => Refused::BalanceInsufficient,
            (Some("account_invalid"), _) => Refused::Disconnected,
            (code, _) => Refused::ByStripe {
                code: code.unwrap_or("invalid_request_error").to_owned(),
            },
        }
    }

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Refused::NotRefundable => "payment_not_refundable",
            Refused::TooMuch { .. } => "refund_exceeds_payment",
            Refused::NotAllHere { .. } => "refunds_not_read_yet",
            Refused::NotForgivable { .. } => "refund_not_forgivable",
            Refused::Disputed => "charge_disputed",
            Refused::BalanceInsufficient => "balance_insufficient",
            Refused::ByStripe { .. } => "refund_refused",
            Refused::Disconnected => "account_disconnected",
        }
    }

    /// The field that it is about, where there is one.
    pub const fn field(&self) -> Option<&'static str> {
        match self {
            Refused::TooMuch { .. } | Refused::NotAllHere { .. } => Some("amount"),
            Refused::NotForgivable { .. } => Some("settlement"),
            Refused::NotRefundable
            | Refused::Disputed
            | Refused::BalanceInsufficient
            | Refused::ByStripe { .. }
            | Refused::Disconnected => None,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::NotRefundable => f.write_str("Only a payment that succeeded can be refunded."),
            Refused::TooMuch { left } => {
                write!(f, "At most {left} of this payment can still be refunded.")
            }
            Refused::NotAllHere { left } => write!(
                f,
                "Stripe has refunds of this payment that are not here yet, such as one made in its \
                 dashboard: less than {left} is left. They are being read; look at the payment again in a \
                 minute."
            ),
            Refused::NotForgivable { left } => write!(
                f,
                "Credit notes have already taken this off the invoice, and it cannot be forgiven twice: \
                 {left} of it still can. Refund the rest with \"settlement\": \"still_owed\"."
            ),
            Refused::Disputed => f.write_str(
                "The payer's bank disputes this payment, and Stripe refuses refunds of it. Answer the \
                 dispute instead: what you win can be refunded.",
            ),
            Refused::BalanceInsufficient => f.write_str(
                "The balance of your Stripe account does not suffice for this refund. Add funds there, and \
                 refund again.",
            ),
            Refused::ByStripe { code } => {
                write!(f, "Stripe refused the refund ({code}). No money moved.")
            }
            Refused::Disconnected => f.write_str(
                "The Stripe account of this payment is disconnected. Connect it again, or refund in Stripe's \
                 dashboard.",
            ),
        }
    }
}
