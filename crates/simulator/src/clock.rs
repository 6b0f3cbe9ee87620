//! The simulator's clock: either it stands until a test moves it, or it is the machine's, moved ahead by an
//! offset. The only file of this crate that may read the machine's time.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Where the time comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockMode {
    /// Time stands still until it is advanced.
    Manual {
        /// The time at the beginning, in milliseconds since the epoch.
        start_ms: i64,
    },
    /// The machine's time, plus whatever it was advanced by.
    Wall,
}

/// A clock that only goes forwards.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    mode: ClockMode,
    /// Milliseconds by which the clock was moved.
    pub moved: Moved,
}

/// How far a clock was moved since the simulator's state began; journalled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// Milliseconds added to the start or to the machine's time.
    pub ms: i64,
}

impl Clock {
    /// A clock that was not moved yet.
    pub fn new(mode: ClockMode) -> Clock {
        Clock {
            mode,
            moved: Moved::default(),
        }
    }

    /// Milliseconds since the epoch.
    pub fn now_ms(&self) -> i64 {
        let base = match self.mode {
            ClockMode::Manual { start_ms } => start_ms,
            ClockMode::Wall => machine_ms(),
        };
        base.saturating_add(self.moved.ms)
    }

    /// Moves the clock ahead; a negative number of milliseconds moves nothing.
    pub fn advance_ms(&mut self, ms: i64) {
        self.moved.ms = self.moved.ms.saturating_add(ms.max(0));
    }

    /// Whether time passes by itself.
    pub fn runs(&self) -> bool {
        self.mode == ClockMode::Wall
    }
}

/// Year, month and day of a moment in UTC: days since the epoch to the civil calendar, in whole numbers.
pub fn civil(ms: i64) -> (i64, i64, i64) {
    // Counted from 1 March of the year 0, so that the leap day ends a year and an era has 400 of them.
    let days = ms.div_euclid(86_400_000) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (
        year_of_era + era * 400 + i64::from(month <= 2),
        month,
        day_of_year - (153 * shifted + 2) / 5 + 1,
    )
}

#[allow(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the clock"
)]
fn machine_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
