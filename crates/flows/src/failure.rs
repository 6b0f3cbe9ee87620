//! Why a flow did not do what it was asked: it was refused, or something failed.

use std::fmt;

use domain::ledger::Unbalanced;
use domain::{Limited, Mode, Refusal, person};

/// A refusal is for the caller; everything else is ours, logged once at the edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The command is refused, with a sentence for the caller.
    Refused(Refusal),
    /// The database failed; nothing was changed unless it says that the outcome of the commit is unknown.
    Store(store::Error),
    /// Stripe has not answered definitely: what was to be done is being found out.
    Unknown(String),
    /// Stripe refused something that it should not have.
    Stripe(String),
    /// The account cannot be reached with our key any more: its owner took the access away.
    AccountGone,
    /// The mode has no keys.
    NotConfigured(Mode),
    /// Our own mistake.
    Bug(String),
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Failure {
        Failure::Store(error)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        Failure::Refused(refusal)
    }
}

impl From<Limited> for Failure {
    fn from(limited: Limited) -> Failure {
        Failure::Refused(limited.into())
    }
}

impl From<person::Refused> for Failure {
    fn from(refused: person::Refused) -> Failure {
        Failure::Refused(refused.into())
    }
}

impl From<Unbalanced> for Failure {
    fn from(unbalanced: Unbalanced) -> Failure {
        let Unbalanced {
            kind,
            difference_minor,
        } = unbalanced;
        Failure::Bug(format!("a {} posting is off by {difference_minor}", kind.word()))
    }
}

impl From<stripe::CallError> for Failure {
    /// For reads: nothing was changed, and a definite refusal is worth a look.
    fn from(error: stripe::CallError) -> Failure {
        match error {
            stripe::CallError::Unknown(unknown) => Failure::Unknown(unknown.why),
            stripe::CallError::Rejected(rejection) if rejection.is_account_gone() => Failure::AccountGone,
            other => Failure::Stripe(other.to_string()),
        }
    }
}

impl From<stripe::Unreadable> for Failure {
    /// For what our own rows hold.
    fn from(error: stripe::Unreadable) -> Failure {
        Failure::Bug(error.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Refused(refusal) => write!(f, "{}: {refusal}", refusal.code()),
            Failure::Store(error) => write!(f, "database: {error}"),
            Failure::Unknown(why) => write!(f, "no definite answer from Stripe: {why}"),
            Failure::Stripe(what) => write!(f, "Stripe refused: {what}"),
            Failure::AccountGone => f.write_str("Stripe gives no access to the account any more"),
            Failure::NotConfigured(mode) => write!(f, "no Stripe keys for {} mode", mode.label()),
            Failure::Bug(what) => write!(f, "a mistake in the program: {what}"),
        }
    }
}

impl std::error::Error for Failure {}
