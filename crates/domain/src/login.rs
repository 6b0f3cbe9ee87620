//! How long somebody has to wait who got a password or a code wrong. Waits grow with each failure and belong
//! to an account as seen from one network, so that a stranger elsewhere cannot lock its owner out.

use crate::Timestamp;
use crate::limits::Limit;

const SECOND_MS: i64 = 1000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// Failures of an account from a network that cost nothing.
pub const FREE: i64 = 5;
/// Failures of an account from all networks together that cost nothing; beyond, networks from which it never
/// logged in wait as well.
pub const FREE_FROM_EVERYWHERE: i64 = 50;
/// Failures are remembered for so long.
pub const REMEMBERED_MS: i64 = 24 * HOUR_MS;
/// The longest wait.
pub const WAIT_MAX_MS: i64 = 15 * MINUTE_MS;
/// The longest wait for what others got wrong elsewhere: strangers cannot keep the owner of an account out.
pub const WAIT_FOR_OTHERS_MAX_MS: i64 = 30 * SECOND_MS;
/// A network from which an account logged in is known for so long.
pub const KNOWN_MS: i64 = 90 * 24 * HOUR_MS;
/// Failures from one network, whatever the accounts.
pub const FAILURES_PER_ADDRESS: Limit = Limit {
    most: 20,
    within_ms: 15 * MINUTE_MS,
};
/// Failures from everywhere in five minutes that somebody should look at.
pub const ALARM: Limit = Limit {
    most: 100,
    within_ms: 5 * MINUTE_MS,
};
/// The alarm is given once in so long.
pub const ALARM_AGAIN: Limit = Limit {
    most: 1,
    within_ms: HOUR_MS,
};
/// Mails with a link to a new password that one address is sent, as asked for from one network: more would be
/// a way to pester somebody.
pub const RESETS_PER_PERSON: Limit = Limit {
    most: 3,
    within_ms: HOUR_MS,
};
/// The same, from all networks from which the person has not logged in.
pub const RESETS_FROM_EVERYWHERE: Limit = Limit {
    most: 10,
    within_ms: HOUR_MS,
};
/// The same, asked for from one network, whoever they are for.
pub const RESETS_PER_ADDRESS: Limit = Limit {
    most: 20,
    within_ms: HOUR_MS,
};
/// Mails that one person has sent to addresses of their choice.
pub const MAILS_PER_SENDER: Limit = Limit {
    most: 30,
    within_ms: HOUR_MS,
};
/// The same, to one address, whoever has them sent.
pub const MAILS_PER_RECIPIENT: Limit = Limit {
    most: 10,
    within_ms: HOUR_MS,
};

/// Failures that were counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    /// How many there were.
    pub count: i64,
    /// When the last one was.
    pub newest: Option<Timestamp>,
}

impl Failures {
    /// From when on the next try is looked at, where the first `free` ones cost nothing: a second after the
    /// first that does, twice as long after each further one, a quarter of an hour at most.
    pub fn open_at(self, free: i64) -> Option<Timestamp> {
        self.open_within(free, WAIT_MAX_MS)
    }

    fn open_within(self, free: i64, longest_ms: i64) -> Option<Timestamp> {
        let beyond = self.count.saturating_sub(free);
        let newest = self.newest.filter(|_| beyond >= 0)?;
        let doublings = u32::try_from(beyond).unwrap_or(u32::MAX).min(20);
        let wait_ms = SECOND_MS.saturating_mul(1_i64 << doublings).min(longest_ms);
        Some(newest.plus_ms(wait_ms))
    }

    /// Whether the next try is looked at now.
    ///
    /// # Errors
    /// The moment from which it is.
    pub fn admit(self, free: i64, now: Timestamp) -> Result<(), Timestamp> {
        not_before(self.open_at(free), now)
    }

    /// The same for what was got wrong from everywhere, for which nobody waits long.
    ///
    /// # Errors
    /// The moment from which it is.
    pub fn admit_from_everywhere(self, now: Timestamp) -> Result<(), Timestamp> {
        not_before(
            self.open_within(FREE_FROM_EVERYWHERE, WAIT_FOR_OTHERS_MAX_MS),
            now,
        )
    }
}

fn not_before(open_at: Option<Timestamp>, now: Timestamp) -> Result<(), Timestamp> {
    match open_at {
        Some(open_at) if open_at > now => Err(open_at),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_begin_at_the_fifth_failure_double_and_end_at_a_quarter_of_an_hour() {
        let now = Timestamp::from_ms(1_000_000);
        let wait = |count| {
            let failures = Failures {
                count,
                newest: Some(now),
            };
            failures.open_at(FREE).map_or(0, |at| at.ms() - now.ms())
        };
        let waits: Vec<i64> = (0..18).map(wait).collect();
        let seconds: Vec<i64> = waits.iter().map(|ms| ms / 1000).collect();
        assert_eq!(
            seconds,
            [
                0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900
            ]
        );
        for count in [100, 1_000_000, i64::MAX] {
            assert_eq!(wait(count), WAIT_MAX_MS);
        }
    }

    #[test]
    fn strangers_elsewhere_hold_an_account_up_for_half_a_minute_at_most() {
        let now = Timestamp::from_ms(1_000_000);
        for count in [FREE_FROM_EVERYWHERE + 20, i64::MAX] {
            let failures = Failures {
                count,
                newest: Some(now),
            };
            let held = failures.admit_from_everywhere(now);
            assert_eq!(held, Err(now.plus_ms(WAIT_FOR_OTHERS_MAX_MS)));
            let then = now.plus_ms(WAIT_FOR_OTHERS_MAX_MS);
            assert_eq!(failures.admit_from_everywhere(then), Ok(()));
        }
    }

    #[test]
    fn the_next_try_is_looked_at_from_the_very_moment_on() {
        for count in 0..30 {
            let failures = Failures {
                count,
                newest: Some(Timestamp::from_ms(7)),
            };
            match failures.open_at(FREE) {
                None => assert!(count < FREE),
                Some(open_at) => {
                    assert_eq!(failures.admit(FREE, open_at), Ok(()));
                    assert_eq!(failures.admit(FREE, open_at.plus_ms(-1)), Err(open_at));
                }
            }
        }
        assert_eq!(Failures::default().admit(0, Timestamp::from_ms(0)), Ok(()));
    }
}
