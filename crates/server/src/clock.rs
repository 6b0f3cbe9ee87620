//! The machine's clock and randomness: the only file of the server that reads them.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use domain::Timestamp;
use flows::Clock;
use rustls::crypto::{SecureRandom, ring};

/// The machine's.
pub struct SystemClock {
    last: Mutex<Option<Reading>>,
    random: &'static dyn SecureRandom,
}

/// What was told last, and when by a clock that never leaps.
#[derive(Clone, Copy)]
struct Reading {
    told: Duration,
    at: Instant,
}

impl Default for SystemClock {
    fn default() -> SystemClock {
        SystemClock {
            last: Mutex::new(None),
            random: ring::default_provider().secure_random,
        }
    }
}

impl Clock for SystemClock {
    /// Never goes backwards within a process, so that a leap of the wall clock cannot reorder rows, and never
    /// stands still, so that waits and leases end.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one file that reads the clock"
    )]
    fn now(&self) -> Timestamp {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock: a reading that is older than the last one is nobody's.
        let at = Instant::now();
        let told = match *last {
            Some(last) => after(last.told, at.saturating_duration_since(last.at), wall),
            None => wall,
        };
        *last = Some(Reading { told, at });
        Timestamp::from_ms(i64::try_from(told.as_millis()).unwrap_or(i64::MAX))
    }

    fn random(&self) -> u128 {
        let mut bytes = [0; 16];
        self.random
            .fill(&mut bytes)
            .expect("the operating system gives random bytes");
        u128::from_le_bytes(bytes)
    }
}

/// What to tell when so much time has passed since `last` was told, and the wall clock says this. Where that
/// is behind, as after it was set back, time goes on at half its pace until both agree again.
fn after(last: Duration, passed: Duration, wall: Duration) -> Duration {
    wall.max(last.saturating_add(passed / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    const SECOND: Duration = Duration::from_secs(1);

    /// What is told second after second, while the wall clock is off by these leaps, each from its second on.
    fn told(leaps: &[(u32, i64)], seconds: u32) -> Vec<Duration> {
        let (mut all, mut last) = (Vec::new(), 100 * DAY);
        for second in 1..=seconds {
            let true_time = 100 * DAY + SECOND * second;
            let off = leaps
                .iter()
                .filter(|(from, _)| *from <= second)
                .map(|(_, by)| by)
                .sum::<i64>();
            let by = Duration::from_secs(off.unsigned_abs());
            let wall = if off < 0 { true_time - by } else { true_time + by };
            last = after(last, SECOND, wall);
            all.push(last);
        }
        all
    }

    #[test]
    fn time_goes_on_whatever_the_wall_clock_does() {
        let day = 24 * 60 * 60;
        for leaps in [
            &[][..],
            &[(10, day)],
            &[(10, -day)],
            &[(10, day), (20, -day)],
            &[(10, -day), (20, day)],
            &[(10, -1), (20, -1), (30, 2)],
            &[(10, 3_600), (3_000, -3_600)],
        ] {
            let all = told(leaps, 10_000);
            for pair in all.windows(2) {
                assert!(pair[1] >= pair[0] + SECOND / 2, "{leaps:?}: {pair:?}");
            }
            // A lease of five minutes ends after ten at the latest.
            assert!(
                all[1_000 + 600] >= all[1_000] + Duration::from_secs(300),
                "{leaps:?}"
            );
        }
    }

    #[test]
    fn after_a_leap_there_and_back_both_agree_again() {
        let all = told(&[(10, 3_600), (20, -3_600)], 8_000);
        assert!(
            all[30] > 100 * DAY + Duration::from_secs(3_600),
            "it does not go back"
        );
        assert_eq!(all[7_999], 100 * DAY + SECOND * 8_000);
    }

    #[test]
    fn the_machines_own_clock_is_told_as_it_is() {
        let clock = SystemClock::default();
        let told: Vec<i64> = (0..1_000).map(|_| clock.now().ms()).collect();
        assert!(told.is_sorted());
        // After 2020 and before 2100.
        assert!(told[0] > 1_577_836_800_000 && told[999] < 4_102_444_800_000);
    }
}
