//! The one place of the store that reads a clock: how long a transaction waited and took. It decides nothing
//! about money and is stored nowhere.

use std::time::{Duration, Instant};

/// Measures from the moment it was started.
#[derive(Clone, Copy)]
pub(super) struct Stopwatch(Instant);

impl Stopwatch {
    #[allow(
        clippy::disallowed_methods,
        reason = "waiting and running times are measured, not decided by"
    )]
    pub(super) fn start() -> Stopwatch {
        Stopwatch(Instant::now())
    }

    pub(super) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// Logs a transaction that kept its connection from others for longer than `SLOW`.
    pub(super) fn warn_if_slow(self, first_statement: Option<&'static str>) {
        let elapsed = self.elapsed();
        if elapsed > SLOW {
            let statement = first_statement.unwrap_or("none");
            tracing::warn!(elapsed_ms = elapsed.as_millis(), statement, "slow transaction");
        }
    }
}

/// A transaction is a handful of statements by key, well under a millisecond each.
const SLOW: Duration = Duration::from_millis(50);
