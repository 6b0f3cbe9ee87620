//! Whether our clock and Stripe's agree, as far as signed webhooks tell. A true signature whose time is
//! more than five minutes off is refused; it comes from a clock that is wrong, ours as a rule, or from
//! somebody who sends an old delivery again.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use stripe::signature::SignatureError;

/// What the newest truly signed delivery says. Clones would tell different things, so it is shared.
#[derive(Debug, Default)]
pub struct ClockSkew(Mutex<Option<Offset>>);

/// How far the signature's time was from ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offset {
    /// Our clock was so many seconds ahead of it.
    Ahead(u64),
    /// Our clock was so many seconds behind it.
    Behind(u64),
}

impl ClockSkew {
    /// A delivery came whose signature is true and whose time is ours.
    pub fn agrees(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// A delivery was refused. If its signature was true but for its time, that is worth an alert.
    pub fn refused(&self, error: SignatureError) {
        let offset = match error {
            SignatureError::TooOld { by_s } => Offset::Ahead(by_s),
            SignatureError::TooNew { by_s } => Offset::Behind(by_s),
            _ => return,
        };
        tracing::error!(alert = "clock_skew", "{offset}");
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(offset);
    }

    /// How far they were apart, if that is the newest that is known.
    pub fn offset(&self) -> Option<Offset> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, word) = match self {
            Offset::Ahead(seconds) => (seconds, "ahead of"),
            Offset::Behind(seconds) => (seconds, "behind"),
        };
        write!(
            f,
            "clock_skew: this clock was {seconds} s {word} the newest signed webhook; set it (NTP), or \
             somebody sends old webhooks again"
        )
    }
}
