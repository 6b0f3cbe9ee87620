//! Time and randomness, handed in.

use std::sync::Arc;

use domain::Timestamp;

/// The clock and the source of randomness: the machine's in the server, a seed's in tests and in the
/// simulation.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
    /// 128 fresh random bits.
    fn random(&self) -> u128;
}

/// The clock as the client of Stripe's API takes it: milliseconds since the epoch.
pub fn now_ms(clock: &Arc<dyn Clock>) -> stripe::NowMs {
    let clock = Arc::clone(clock);
    Arc::new(move || clock.now().ms())
}

/// When a phase happens, and the randomness of the ids it makes. A transaction that is run again after a
/// conflict makes the same ids again.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// When it is noted in the audit log, whose days are sealed: now, also where a request is carried out
    /// again from the moment of its first try.
    pub noted_at: Timestamp,
    random: u128,
}

impl Moment {
    /// A moment with its randomness.
    pub const fn new(at: Timestamp, random: u128) -> Moment {
        Moment {
            at,
            noted_at: at,
            random,
        }
    }

    /// The same moment, gone through again `now`: what it makes is the same, what it notes is of today.
    pub const fn again(self, now: Timestamp) -> Moment {
        Moment {
            noted_at: now,
            ..self
        }
    }

    /// Randomness for the `n`th id of this phase.
    pub fn random(&self, n: u32) -> u128 {
        // Spread over the low 80 bits that an id takes.
        self.random
            .wrapping_add(u128::from(n).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39D))
    }
}
