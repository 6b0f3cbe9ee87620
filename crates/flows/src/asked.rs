//! What comes of asking Stripe for an object that somebody else has named: it is there, or Stripe shows none.

use stripe::CallError;

use crate::Failure;

/// What came of asking Stripe for something that an event only names.
pub enum Asked<T> {
    /// It is as it is now, which may be newer than the event.
    Is(T),
    /// There is nothing to ask for: no id, or a kind that moves nothing here.
    Nothing,
    /// Stripe has no such object, or does not let our key see it: why, for a person to read.
    Refused(Refused),
}

/// Why Stripe shows no object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// 404: Stripe has no such object.
    Missing,
    /// 403, though the account is not gone: the key lacks a permission.
    Forbidden,
}

impl Refused {
    /// The sentence that is kept with the event.
    pub const fn why(self) -> &'static str {
        match self {
            Refused::Missing => "Stripe has no such object",
            Refused::Forbidden => "Stripe does not let the key see the object: look at the key's permissions",
        }
    }
}

/// Sorts out what Stripe answered to a read.
///
/// # Errors
/// [`Failure::AccountGone`], and what is worth another try: no answer, a limit, a failure at Stripe.
pub fn asked<T>(answer: Result<T, CallError>) -> Result<Asked<T>, Failure> {
    match answer {
        Ok(object) => Ok(Asked::Is(object)),
        Err(CallError::Rejected(rejection)) if rejection.is_missing() => Ok(Asked::Refused(Refused::Missing)),
        Err(CallError::Rejected(rejection)) if rejection.status == 403 && !rejection.is_account_gone() => {
            Ok(Asked::Refused(Refused::Forbidden))
        }
        Err(other) => Err(other.into()),
    }
}
