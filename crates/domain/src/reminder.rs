//! When clients are reminded of an invoice: a plan of days from its due date, each once, and none when it is
//! paid, promised or disputed.

use crate::Refusal;
use crate::seal::Day;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// The furthest day of a plan, before and after the due date.
pub const DAY_MAX: i64 = 180;
/// The most days of a plan: more would be a nuisance.
pub const DAYS_MAX: usize = 10;
/// Reminders are queued within these hours of the day (UTC), from Monday to Friday.
const FIRST_HOUR: i64 = 8;
const LAST_HOUR: i64 = 17;

/// Reads a plan: days from the due date, negative before it. Answers them ascending.
///
/// # Errors
/// [`Refusal::InvalidField`].
pub fn plan(given: &[i64]) -> Result<Vec<i64>, Refusal> {
    let mut days = given.to_vec();
    days.sort_unstable();
    let many = days.windows(2).any(|pair| pair.first() == pair.last());
    if many || days.len() > DAYS_MAX || days.iter().any(|day| !(-DAY_MAX..=DAY_MAX).contains(day)) {
        let problem = format!(
            "must be at most {DAYS_MAX} different days from -{DAY_MAX} (before) to {DAY_MAX} (after)"
        );
        return Err(Refusal::invalid("reminder_days", problem));
    }
    Ok(days)
}

/// A day so many days later.
pub fn days_after(day: Day, days: i64) -> Day {
    Day::of(day.begins().plus_ms(days.saturating_mul(DAY_MS)))
}

/// What is known of an invoice that is open and has a due date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// When it is due.
    pub due: Day,
    /// The day on which it was finalized: its client has just heard of it.
    pub finalized: Day,
    /// The day on which its client has promised to pay.
    pub promised: Option<Day>,
    /// Whether a payment of it is disputed, or being processed.
    pub held: bool,
}

/// The step of the plan that is to be taken today: the newest that has come, if its day is not before `from`,
/// when the plan was made. Steps that passed while nobody looked are not made up for.
pub fn step(plan: &[i64], from: Day, today: Day, standing: &Standing) -> Option<i64> {
    let Standing {
        due,
        finalized,
        promised,
        held,
    } = *standing;
    if held || promised.is_some_and(|promised| promised >= today) {
        return None;
    }
    let day_of = |step: &i64| days_after(due, *step);
    let newest = plan.iter().filter(|step| day_of(step) <= today).max()?;
    let day = day_of(newest);
    (day >= from && day > finalized).then_some(*newest)
}

/// Whether now is a time at which people are written to: a working day, in working hours (UTC).
pub fn is_working_time(now: crate::Timestamp) -> bool {
    let day = now.ms().div_euclid(DAY_MS);
    let hour = now.ms().rem_euclid(DAY_MS) / (60 * 60 * 1000);
    // The first day of 1970 was a Thursday.
    let weekday = (day + 3).rem_euclid(7);
    weekday < 5 && (FIRST_HOUR..=LAST_HOUR).contains(&hour)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    const PLAN: [i64; 4] = [-3, 1, 7, 14];

    fn check(today: &str, standing: Standing, expected: Option<i64>) {
        let from = day("2026-11-01");
        assert_eq!(
            step(&PLAN, from, day(today), &standing),
            expected,
            "{today} {standing:?}"
        );
    }

    fn due() -> Standing {
        Standing {
            due: day("2026-11-20"),
            finalized: day("2026-11-05"),
            promised: None,
            held: false,
        }
    }

    #[test]
    fn the_newest_step_that_has_come_is_taken() {
        check("2026-11-16", due(), None);
        check("2026-11-17", due(), Some(-3));
        check("2026-11-20", due(), Some(-3));
        check("2026-11-21", due(), Some(1));
        check("2026-11-27", due(), Some(7));
        check("2026-12-03", due(), Some(7));
        check("2026-12-04", due(), Some(14));
        check("2027-12-04", due(), Some(14));
    }

    #[test]
    fn nothing_is_made_up_for_from_before_the_plan_or_the_invoice() {
        let old = Standing {
            due: day("2026-10-10"),
            finalized: day("2026-09-01"),
            ..due()
        };
        check("2026-11-02", old, None);
        let late = Standing {
            finalized: day("2026-11-21"),
            ..due()
        };
        check("2026-11-21", late, None);
        check("2026-11-27", late, Some(7));
    }

    #[test]
    fn promises_and_disputes_hold_it() {
        let promised = Standing {
            promised: Some(day("2026-11-28")),
            ..due()
        };
        check("2026-11-27", promised, None);
        check("2026-11-28", promised, None);
        check("2026-11-29", promised, Some(7));
        let held = Standing { held: true, ..due() };
        check("2026-11-27", held, None);
    }

    #[test]
    fn plans_are_sorted_and_bounded() {
        assert_eq!(plan(&[7, -3, 0]), Ok(vec![-3, 0, 7]));
        assert_eq!(plan(&[]), Ok(vec![]));
        for wrong in [&[1, 1][..], &[181], &[-181], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]] {
            assert!(plan(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn people_are_written_to_on_working_days() {
        let at = |text: &str, hour: i64| {
            is_working_time(Timestamp::from_ms(
                day(text).begins().ms() + hour * 60 * 60 * 1000,
            ))
        };
        // 2026-11-27 is a Friday.
        for (text, hour, expected) in [
            ("2026-11-27", 7, false),
            ("2026-11-27", 8, true),
            ("2026-11-27", 17, true),
            ("2026-11-27", 18, false),
            ("2026-11-28", 10, false),
            ("2026-11-29", 10, false),
            ("2026-11-30", 10, true),
        ] {
            assert_eq!(at(text, hour), expected, "{text} {hour}");
        }
    }
}
