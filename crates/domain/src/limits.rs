//! How often something may be done: at most so many times within a time, a steady pace, and when a tenant's
//! payments look like somebody trying stolen cards. Whole numbers only; every moment is handed in.

use crate::Timestamp;

const SECOND_MS: i64 = 1000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// At most `most` times within any `within_ms` milliseconds. The time slides: there is no turn of the hour at
/// which twice as many fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How many; at least one.
    pub most: i64,
    /// Within how many milliseconds.
    pub within_ms: i64,
}

/// Confirmations of one invoice that reached a card and did not pay it.
pub const INVOICE_PER_HOUR: Limit = Limit {
    most: 5,
    within_ms: HOUR_MS,
};
/// The same over a day: an honest payer has found another card, or another way, long before.
pub const INVOICE_PER_DAY: Limit = Limit {
    most: 10,
    within_ms: DAY_MS,
};
/// Payments begun from one address, over all tenants. Bookkeepers who pay more than this in an hour are rarer
/// than bots.
pub const STARTS_PER_ADDRESS: Limit = Limit {
    most: 10,
    within_ms: HOUR_MS,
};
/// Addresses of pay links that were never one, asked for from one address.
pub const LINK_MISSES: Limit = Limit {
    most: 60,
    within_ms: MINUTE_MS,
};
/// Requests without a valid API key from one address.
pub const KEY_MISSES: Limit = Limit {
    most: 20,
    within_ms: MINUTE_MS,
};
/// Looks at one payment at Stripe that its pay page sets off; in between it reads what we know.
pub const LOOKS_AT_STRIPE: Limit = Limit {
    most: 3,
    within_ms: 10 * SECOND_MS,
};

/// Payment intents that one tenant's own front end asks for. Each asks Stripe at least once, which lets an
/// account write a hundred times a second at most: ten a second on average leave room for the payments
/// themselves, and are far more than a shop's busiest minute.
pub const INTENTS_PER_TENANT: Limit = Limit {
    most: 600,
    within_ms: MINUTE_MS,
};

impl Limit {
    /// Which earlier time decides whether one more fits: 0 is the newest.
    pub const fn deciding(self) -> i64 {
        self.most.saturating_sub(1)
    }

    /// Whether one more fits at `now`, given the time of the [`Limit::deciding`]th newest, if there were so
    /// many.
    ///
    /// # Errors
    /// The moment from which one more fits.
    pub fn admit(self, deciding: Option<Timestamp>, now: Timestamp) -> Result<(), Timestamp> {
        let free_at = deciding.map(|at| at.plus_ms(self.within_ms));
        match free_at {
            Some(free_at) if free_at > now => Err(free_at),
            Some(_) | None => Ok(()),
        }
    }
}

/// A steady pace with room for a burst, as one number per caller: the moment at which all that was done is
/// paid off (a leaky bucket, also called GCRA).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// One every so many milliseconds.
    pub every_ms: i64,
    /// So many at once after a rest; at least one.
    pub burst: i64,
}

/// Requests with one API key: a hundred a second, two hundred at once.
pub const REQUESTS_PER_KEY: Pace = Pace {
    every_ms: 10,
    burst: 200,
};

impl Pace {
    /// Takes one place at `now`; `paid_off` is what the last place taken answered. Answers the new one.
    ///
    /// # Errors
    /// The moment from which there is a place again; nothing was taken.
    pub fn take(self, paid_off: Option<Timestamp>, now: Timestamp) -> Result<Timestamp, Timestamp> {
        let debt_from = paid_off.filter(|at| *at > now).unwrap_or(now);
        let next = debt_from.plus_ms(self.every_ms);
        let free_at = next.plus_ms(self.every_ms.saturating_mul(self.burst).saturating_neg());
        if free_at > now { Err(free_at) } else { Ok(next) }
    }
}

/// A tenant's payments of these last minutes, newest first, are looked at for card testing.
pub const TRIES_WITHIN_MS: i64 = 10 * MINUTE_MS;
/// So many of them at most: what a decision reads has a bound.
pub const TRIES_READ: i64 = 100;
/// Fewer say nothing: twenty declines can be a bad afternoon.
const TRIES_FEW: i64 = 20;
const DECLINED_PERCENT: i64 = 80;
/// How long a tenant's pay pages ask for more once its payments look like card testing. Each further look
/// that finds the same begins it anew, so that it ends by itself.
pub const GUARD_MS: i64 = 30 * MINUTE_MS;

/// What became of a tenant's newest confirmations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tries {
    /// How many reached a card.
    pub begun: i64,
    /// How many of these were declined, or failed at the payer's bank.
    pub declined: i64,
}

impl Tries {
    /// Whether somebody seems to try stolen cards here: more than twenty tries, over 80 % of them declined.
    /// Honest payers are declined about one time in ten.
    pub fn look_like_card_testing(self) -> bool {
        self.begun > TRIES_FEW
            && self.declined.saturating_mul(100) > self.begun.saturating_mul(DECLINED_PERCENT)
    }
}

/// Whole seconds until `then`, at least one, as `Retry-After` says it.
pub fn seconds_until(then: Timestamp, now: Timestamp) -> i64 {
    let ms = then.ms().saturating_sub(now.ms());
    ms.saturating_add(SECOND_MS - 1).div_euclid(SECOND_MS).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: i64) -> Timestamp {
        Timestamp::from_ms(ms)
    }

    /// Every pattern of wishes over 13 moments, for several limits: what is admitted is the most that they
    /// allow, and what is refused is admitted at the moment that the refusal names.
    #[test]
    fn no_stretch_of_time_holds_more_than_the_limit_and_no_place_is_wasted() {
        for (most, within_ms) in [(1, 1), (1, 3), (2, 3), (2, 5), (3, 4), (3, 7), (5, 5)] {
            let limit = Limit { most, within_ms };
            for wishes in 0_u32..1 << 13 {
                let mut admitted: Vec<i64> = Vec::new();
                for now in (0..13).filter(|bit| wishes >> bit & 1 == 1).map(i64::from) {
                    let nth = usize::try_from(limit.deciding()).unwrap();
                    let deciding = admitted.iter().rev().nth(nth).copied().map(at);
                    let recent = admitted.iter().filter(|past| now - **past < within_ms).count();
                    let fits = recent < usize::try_from(most).unwrap();
                    match limit.admit(deciding, at(now)) {
                        Ok(()) => {
                            assert!(fits, "{limit:?} {wishes:b} {now}");
                            admitted.push(now);
                        }
                        Err(free_at) => {
                            assert!(!fits, "{limit:?} {wishes:b} {now}");
                            assert!(free_at > at(now));
                            assert_eq!(limit.admit(deciding, free_at), Ok(()));
                            assert!(limit.admit(deciding, free_at.plus_ms(-1)).is_err());
                        }
                    }
                }
            }
        }
    }

    /// Every pattern of seven moments, up to three wishes at each, against a bucket that is emptied drop by
    /// drop.
    #[test]
    fn a_pace_lets_through_what_a_leaky_bucket_would() {
        for (every_ms, burst) in [(1, 1), (2, 1), (2, 3), (3, 2), (5, 4)] {
            let pace = Pace { every_ms, burst };
            for pattern in 0..4_u32.pow(7) {
                let (mut paid_off, mut level, mut last) = (None, 0, 0);
                for moment in 0..7 {
                    let now = i64::from(moment);
                    level = (level - (now - last)).max(0);
                    last = now;
                    for _ in 0..pattern / 4_u32.pow(moment) % 4 {
                        let fits = level + every_ms <= every_ms * burst;
                        match pace.take(paid_off, at(now)) {
                            Ok(next) => {
                                assert!(fits, "{pace:?} {pattern} {now}");
                                level += every_ms;
                                paid_off = Some(next);
                            }
                            Err(free_at) => {
                                assert!(!fits, "{pace:?} {pattern} {now}");
                                assert!(pace.take(paid_off, free_at).is_ok());
                                assert!(pace.take(paid_off, free_at.plus_ms(-1)).is_err());
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_key_has_two_hundred_requests_at_once_and_then_a_hundred_a_second() {
        let (mut paid_off, mut taken) = (None, Vec::new());
        for ms in 0..5_000 {
            while let Ok(next) = REQUESTS_PER_KEY.take(paid_off, at(ms)) {
                paid_off = Some(next);
                taken.push(ms);
            }
        }
        let by = |end: i64| taken.iter().filter(|ms| **ms < end).count();
        assert_eq!([by(1), by(1_000), by(2_000), by(5_000)], [200, 299, 399, 699]);
    }

    #[test]
    fn twenty_tries_say_nothing_and_of_more_over_four_fifths_must_be_declined() {
        for begun in 0..=300 {
            for declined in 0..=begun {
                let tries = Tries { begun, declined };
                let expected = begun >= 21 && declined * 5 > begun * 4;
                assert_eq!(tries.look_like_card_testing(), expected, "{tries:?}");
            }
        }
    }

    #[test]
    fn waits_are_whole_seconds_and_never_none() {
        let waits = [
            (0, 1),
            (1, 1),
            (999, 1),
            (1_000, 1),
            (1_001, 2),
            (3_600_000, 3_600),
            (-5, 1),
        ];
        for (ms, seconds) in waits {
            assert_eq!(seconds_until(at(7 + ms), at(7)), seconds, "{ms}");
        }
    }

    #[test]
    fn moments_at_the_ends_of_time_overflow_nothing() {
        for ms in [i64::MIN, 0, i64::MAX] {
            assert!(INVOICE_PER_DAY.admit(None, at(ms)).is_ok());
            for other in [i64::MIN, 0, i64::MAX] {
                let free = INVOICE_PER_DAY.admit(Some(at(ms)), at(other)).err();
                assert!(free.is_none_or(|free| free > at(other)));
                let place = REQUESTS_PER_KEY.take(Some(at(ms)), at(other));
                assert!(place.is_ok() || ms > other);
                assert!(seconds_until(at(ms), at(other)) >= 1);
            }
        }
    }
}
