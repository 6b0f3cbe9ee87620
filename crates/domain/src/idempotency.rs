//! A request with an idempotency key: carried out, answered as before, or refused.

use crate::{Refusal, Timestamp};

/// How long a request has before it counts as lost with the instance that had it. One that is carried out
/// again although the first still runs does no harm: every command has its own guard against that. So this is
/// short, for the sake of whoever repeats a request after a crash.
pub const LEASE_MS: i64 = 60_000;
/// How long an answer is kept.
pub const KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// What is known of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Whether verb, address and body are those of the first request.
    pub same: bool,
    /// How far the first request is.
    pub progress: Progress,
}

/// How far a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Somebody carries it out, until this moment at most.
    InFlight {
        /// When its instance counts as lost.
        lease_until: Timestamp,
    },
    /// It has an answer.
    Answered,
}

/// What is done with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is carried out.
    Begin,
    /// It is carried out again: whoever had it is gone.
    TakeOver,
    /// It is answered as before.
    Replay,
}

/// Decides what is done with a request.
///
/// # Errors
/// [`Refusal::IdempotencyKeyReused`] and [`Refusal::IdempotencyKeyInFlight`].
pub fn next(known: Option<Known>, now: Timestamp) -> Result<Next, Refusal> {
    let Some(known) = known else {
        return Ok(Next::Begin);
    };
    if !known.same {
        return Err(Refusal::IdempotencyKeyReused);
    }
    match known.progress {
        Progress::Answered => Ok(Next::Replay),
        Progress::InFlight { lease_until } if lease_until <= now => Ok(Next::TakeOver),
        Progress::InFlight { .. } => Err(Refusal::IdempotencyKeyInFlight),
    }
}

/// Whether an answer is kept. As at Stripe, that of a request that never began is not: one that was not
/// understood or not allowed may be corrected and sent with the same key. Nor is one that says "later", or
/// tells of a failure of ours: the same key finds out. What the state of things answered is kept, refusals
/// too, unless a try went before whose end is not known: it may have done what this one was refused.
pub fn is_kept(http_status: u16, code: Option<&str>, is_first_try: bool) -> bool {
    match http_status {
        200..=299 => true,
        402 | 404 | 409 | 410 => is_first_try && code != Some("payment_in_progress"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_is_decided() {
        let now = Timestamp::from_ms(1_000);
        let running = |until| Progress::InFlight {
            lease_until: Timestamp::from_ms(until),
        };
        let table = [
            (Progress::Answered, Ok(Next::Replay)),
            (running(999), Ok(Next::TakeOver)),
            (running(1_000), Ok(Next::TakeOver)),
            (running(1_001), Err(Refusal::IdempotencyKeyInFlight)),
        ];
        assert_eq!(next(None, now), Ok(Next::Begin));
        for (progress, expected) in table {
            assert_eq!(next(Some(Known { same: true, progress }), now), expected);
            let other = next(
                Some(Known {
                    same: false,
                    progress,
                }),
                now,
            );
            assert_eq!(other, Err(Refusal::IdempotencyKeyReused));
        }
    }

    #[test]
    fn answers_that_may_be_different_next_time_are_not_kept() {
        for status in 100..=599 {
            let done = (200..300).contains(&status);
            let kept = done || [402, 404, 409, 410].contains(&status);
            assert_eq!(is_kept(status, None, true), kept, "{status}");
            assert_eq!(is_kept(status, Some("invoice_paid"), true), kept, "{status}");
            assert_eq!(is_kept(status, Some("invoice_paid"), false), done, "{status}");
        }
        assert!(!is_kept(409, Some("payment_in_progress"), true));
    }
}
