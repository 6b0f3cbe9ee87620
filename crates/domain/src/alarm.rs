//! What the operator is told of by mail: a cause is told once, until it is over. It is over when nobody has
//! seen it for an hour, so that what comes and goes all the time is one cause and not a storm of mails.

use crate::Timestamp;

/// A cause that nobody has seen for so long is over; what is seen again later is another.
pub const CALM_MS: i64 = 60 * 60 * 1000;
/// A difference from Stripe that is open for longer is told of.
pub const BREAK_OLD_MS: i64 = 24 * 60 * 60 * 1000;
/// So long after a payment its webhooks should have come.
pub const WEBHOOKS_LATE_MS: i64 = 60 * 60 * 1000;
/// A backup that is older has missed a night.
pub const BACKUP_OLD_MS: i64 = 26 * 60 * 60 * 1000;

/// A cause that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Since when it is there.
    pub since: Timestamp,
    /// When it was seen last.
    pub seen_at: Timestamp,
}

/// What a look at a cause means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// It is there, since then: whoever has not been told of it is told now.
    Stands(Timestamp),
    /// It was not seen this time, and is not over yet.
    Rests,
    /// It is over.
    Over,
    /// There is nothing.
    Nothing,
}

/// What a look means, with what was known before, and whether it is seen now.
pub fn look(known: Option<Known>, is_seen: bool, now: Timestamp) -> Look {
    match (known, is_seen) {
        (None, false) => Look::Nothing,
        (None, true) => Look::Stands(now),
        (Some(known), true) if is_calm(known, now) => Look::Stands(now),
        (Some(known), true) => Look::Stands(known.since),
        (Some(known), false) if is_calm(known, now) => Look::Over,
        (Some(_), false) => Look::Rests,
    }
}

fn is_calm(known: Known, now: Timestamp) -> bool {
    now >= known.seen_at.plus_ms(CALM_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_MS: i64 = 60 * 1000;

    /// Plays a look at each minute; answers since when each cause that was told of is there.
    fn told(seen: impl Iterator<Item = bool>) -> Vec<i64> {
        let (mut known, mut told) = (None, Vec::new());
        for (minute, is_seen) in seen.enumerate() {
            let now = Timestamp::from_ms(i64::try_from(minute).unwrap() * MINUTE_MS);
            match look(known, is_seen, now) {
                Look::Stands(since) => {
                    known = Some(Known { since, seen_at: now });
                    told.push(since.ms() / MINUTE_MS);
                }
                Look::Over => known = None,
                Look::Rests | Look::Nothing => {}
            }
        }
        told.dedup();
        told
    }

    #[test]
    fn a_cause_is_one_however_long_it_lasts_and_however_often_it_comes_and_goes() {
        assert_eq!(told((0..10_000).map(|_| true)), [0]);
        assert_eq!(told((0..10_000).map(|minute| minute % 2 == 0)), [0]);
        assert_eq!(told((0..10_000).map(|minute| minute % 59 == 0)), [0]);
        assert_eq!(told((0..100).map(|_| false)), Vec::<i64>::new());
    }

    #[test]
    fn what_comes_back_after_an_hour_of_calm_is_another() {
        assert_eq!(told((0..400).map(|minute| !(5..65).contains(&minute))), [0, 65]);
        assert_eq!(told((0..400).map(|minute| !(5..63).contains(&minute))), [0]);
        // At worst one an hour.
        let storm = told((0..6_000).map(|minute| minute % 61 == 0));
        assert_eq!(storm.len(), 99);
    }

    #[test]
    fn every_look_has_its_meaning() {
        let at = Timestamp::from_ms;
        let known = |seen_at| {
            Some(Known {
                since: at(7),
                seen_at: at(seen_at),
            })
        };
        for (before, is_seen, now, means) in [
            (None, false, 9, Look::Nothing),
            (None, true, 9, Look::Stands(at(9))),
            (known(8), true, 9, Look::Stands(at(7))),
            (known(8), false, 9, Look::Rests),
            (known(8), false, 7 + CALM_MS, Look::Rests),
            (known(8), false, 8 + CALM_MS, Look::Over),
            (known(8), true, 8 + CALM_MS, Look::Stands(at(8 + CALM_MS))),
            // A clock that went backwards ends nothing.
            (known(8), false, -CALM_MS, Look::Rests),
        ] {
            assert_eq!(
                look(before, is_seen, at(now)),
                means,
                "{before:?} {is_seen} {now}"
            );
        }
    }
}
