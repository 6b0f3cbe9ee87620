//! The port to whoever decides whether an account is asked at all: it is told what came of every try. This
//! crate holds no policy of its own on that.

use crate::transport::{HttpResponse, NoAnswer};

/// What came of one try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A complete answer that is Stripe's own, be it a refusal.
    Answer {
        /// The wait that Stripe asks for.
        retry_after_ms: Option<u64>,
    },
    /// None, or one that says that Stripe is not well (5xx).
    Silence {
        /// The wait that Stripe asks for.
        retry_after_ms: Option<u64>,
    },
}

impl Heard {
    /// A failure that Stripe kept under a key is an answer: it was given before.
    pub(crate) fn of(outcome: &Result<HttpResponse, NoAnswer>) -> Heard {
        let Ok(answer) = outcome else {
            return Heard::Silence { retry_after_ms: None };
        };
        let retry_after_ms = retry_after_ms(answer);
        match answer.status {
            500.. if answer.header("idempotent-replayed") != Some("true") => {
                Heard::Silence { retry_after_ms }
            }
            _ => Heard::Answer { retry_after_ms },
        }
    }
}

/// `Retry-After` in seconds; the form with a date is not used by Stripe, and passed over.
pub(crate) fn retry_after_ms(answer: &HttpResponse) -> Option<u64> {
    let seconds: u64 = answer.header("retry-after")?.trim().parse().ok()?;
    Some(seconds.saturating_mul(1_000))
}

/// Decides for each account, by its id and `""` for the platform's own, whether it is asked.
pub trait Gate: Send + Sync {
    /// Whether a first try may go out now.
    fn admit(&self, account: &str) -> bool;

    /// Whether a try that came to nothing may be repeated at once.
    fn may_repeat(&self, account: &str) -> bool;

    /// Is told what came of a try.
    fn heard(&self, account: &str, heard: Heard);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_as_silence() {
        let none = None;
        let answer = |status: u16, headers: &[(&str, &str)]| {
            let named = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            Heard::of(&Ok(HttpResponse {
                status,
                headers: headers.iter().map(named).collect(),
                body: Vec::new(),
            }))
        };
        let silence = |retry_after_ms| Heard::Silence { retry_after_ms };
        let said = |retry_after_ms| Heard::Answer { retry_after_ms };
        assert_eq!(Heard::of(&Err(NoAnswer("reset".to_owned()))), silence(none));
        for status in [200, 302, 400, 401, 402, 403, 404, 409, 429] {
            assert_eq!(answer(status, &[]), said(none), "{status}");
        }
        for status in [500, 502, 503, 504, 599] {
            assert_eq!(answer(status, &[]), silence(none), "{status}");
        }
        assert_eq!(
            answer(500, &[("idempotent-replayed", "true")]),
            said(none),
            "kept under the key"
        );
        for (header, ms) in [
            ("7", Some(7_000)),
            (" 7 ", Some(7_000)),
            ("-1", none),
            ("soon", none),
        ] {
            assert_eq!(answer(429, &[("retry-after", header)]), said(ms), "{header}");
            assert_eq!(answer(503, &[("retry-after", header)]), silence(ms), "{header}");
        }
    }
}
