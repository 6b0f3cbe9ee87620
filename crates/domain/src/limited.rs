//! Why a request is held up although nothing in it is wrong: it comes too fast, too often, or without what
//! shows that a person is behind it. Nothing of it has reached Stripe.

use std::fmt;

/// A refusal by a limit; its code is part of the API, as those of every refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limited {
    /// A payment is begun from a page that was served, and the request does not carry that page's token.
    PageTokenRequired,
    /// The page was served too long ago; a fresh one may pay.
    PageExpired,
    /// Nobody reads an invoice and presses Pay as fast as this.
    TooSoon,
    /// The tenant's pages ask for work before each payment, and the request does not carry it.
    ChallengeRequired,
    /// Too many payments of this invoice, or from this address, did not go through.
    TooManyAttempts {
        /// Seconds until one more may be tried.
        wait_s: i64,
    },
    /// Too many requests.
    RateLimited {
        /// Seconds until one more is answered.
        wait_s: i64,
    },
    /// Stripe does not answer for this account at the moment, and nothing is begun that might hang.
    TemporarilyUnavailable {
        /// Seconds until it is asked again.
        wait_s: i64,
    },
}

impl Limited {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Limited::PageTokenRequired => "page_token_required",
            Limited::PageExpired => "page_expired",
            Limited::TooSoon => "too_soon",
            Limited::ChallengeRequired => "challenge_required",
            Limited::TooManyAttempts { .. } => "too_many_attempts",
            Limited::RateLimited { .. } => "rate_limited",
            Limited::TemporarilyUnavailable { .. } => "temporarily_unavailable",
        }
    }

    /// The field that it is about, where there is one.
    pub fn field(self) -> Option<&'static str> {
        match self {
            Limited::PageTokenRequired | Limited::PageExpired | Limited::TooSoon => Some("page_token"),
            Limited::ChallengeRequired => Some("proof"),
            Limited::TooManyAttempts { .. }
            | Limited::RateLimited { .. }
            | Limited::TemporarilyUnavailable { .. } => None,
        }
    }

    /// Seconds until the same request may be sent again, where waiting helps.
    pub fn wait_s(self) -> Option<i64> {
        match self {
            Limited::TooManyAttempts { wait_s }
            | Limited::RateLimited { wait_s }
            | Limited::TemporarilyUnavailable { wait_s } => Some(wait_s),
            Limited::TooSoon => Some(2),
            Limited::PageTokenRequired | Limited::PageExpired | Limited::ChallengeRequired => None,
        }
    }
}

impl fmt::Display for Limited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Limited::PageTokenRequired => f.write_str(
                "The payment does not come from this invoice's page. Load the page again; nothing was \
                 charged.",
            ),
            Limited::PageExpired => f.write_str(
                "The page is older than half an hour. Load it again and pay then; nothing was charged.",
            ),
            Limited::TooSoon => f.write_str(
                "That was faster than anybody reads an invoice. Try again in 2 seconds; nothing was charged.",
            ),
            Limited::ChallengeRequired => f.write_str(
                "Payments here are being checked more closely at the moment. Load the page again and pay \
                 then; nothing was charged.",
            ),
            Limited::TooManyAttempts { wait_s } => write!(
                f,
                "Too many payments were tried that did not go through. Try again in {}, or ask the sender of \
                 the invoice for another way to pay. Nothing was charged.",
                wait(*wait_s)
            ),
            Limited::RateLimited { wait_s } => {
                write!(f, "Too many requests. Try again in {}.", wait(*wait_s))
            }
            Limited::TemporarilyUnavailable { .. } => f.write_str(
                "Paying by card is temporarily unavailable. Nothing was charged. Try again in a few minutes.",
            ),
        }
    }
}

/// A wait as people say it, rounded up: `40 seconds`, `12 minutes`, `5 hours`.
pub(crate) fn wait(seconds: i64) -> String {
    let (unit_s, unit) = match seconds {
        ..=60 => (1, "second"),
        61..=5_400 => (60, "minute"),
        _ => (3_600, "hour"),
    };
    let count = seconds.saturating_add(unit_s - 1).div_euclid(unit_s).max(1);
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::wait;

    #[test]
    fn waits_are_rounded_up_to_what_people_say() {
        let said = [
            (0, "1 second"),
            (1, "1 second"),
            (60, "60 seconds"),
            (61, "2 minutes"),
            (3_600, "60 minutes"),
            (5_400, "90 minutes"),
            (5_401, "2 hours"),
            (86_400, "24 hours"),
        ];
        for (seconds, text) in said {
            assert_eq!(wait(seconds), text);
        }
    }
}
