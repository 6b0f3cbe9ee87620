//! The machine's clock and randomness: the only file of the server that reads them.

use std::sync::Mutex;

use domain::Timestamp;
use flows::Clock;
use rustls::crypto::{SecureRandom, ring};

/// The machine's.
pub struct SystemClock {
    last_ms: Mutex<i64>,
    random: &'static dyn SecureRandom,
}

impl Default for SystemClock {
    fn default() -> SystemClock {
        SystemClock {
            last_ms: Mutex::new(0),
            random: ring::default_provider().secure_random,
        }
    }
}

impl Clock for SystemClock {
    /// Never goes backwards within a process, so that a leap of the wall clock cannot reorder rows.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one file that reads the clock"
    )]
    fn now(&self) -> Timestamp {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let now = since_epoch
            .ok()
            .and_then(|since| i64::try_from(since.as_millis()).ok())
            .unwrap_or(0);
        let mut last = self
            .last_ms
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *last = now.max(*last);
        Timestamp::from_ms(*last)
    }

    fn random(&self) -> u128 {
        let mut bytes = [0; 16];
        self.random
            .fill(&mut bytes)
            .expect("the operating system gives random bytes");
        u128::from_le_bytes(bytes)
    }
}
