//! The periods that a subscription is billed for, counted from its anchor, and what a part of one is worth.

use super::calendar;
use super::price::{Interval, Recurring};
use super::subscription::AnchorConfig;
use crate::clock;

const DAY_S: i64 = 86_400;

/// From when to when, in seconds; the end belongs to the next one.
pub type Period = (i64, i64);

/// About how long a period is, in seconds; months differ.
fn guess_s(recurring: &Recurring) -> i64 {
    calendar::add(0, recurring.interval, recurring.count.max(1)).max(1)
}

/// The moment that lies so many periods after (or before) the anchor.
fn step(anchor_s: i64, recurring: &Recurring, number: i64) -> i64 {
    let count = recurring.count.max(1).saturating_mul(number);
    calendar::add(anchor_s, recurring.interval, count)
}

/// The period around a second. All periods are counted from the anchor, so that one from the 31st comes
/// back to the 31st after a short month.
pub fn around(anchor_s: i64, recurring: &Recurring, second: i64) -> Period {
    let mut number = second.saturating_sub(anchor_s).div_euclid(guess_s(recurring));
    while step(anchor_s, recurring, number) > second {
        number -= 1;
    }
    while step(anchor_s, recurring, number + 1) <= second {
        number += 1;
    }
    (
        step(anchor_s, recurring, number),
        step(anchor_s, recurring, number + 1),
    )
}

/// The first moment after a second that has these parts; parts that are left out are those of the second.
pub fn dated(after_s: i64, parts: &AnchorConfig) -> i64 {
    let (_, _, day) = clock::civil(after_s.saturating_mul(1000));
    let time = after_s.rem_euclid(DAY_S);
    let midnight = after_s.saturating_sub(time);
    let first = midnight.saturating_sub((day - 1).saturating_mul(DAY_S));
    let hour = parts.hour.unwrap_or(time / 3600);
    let minute = parts.minute.unwrap_or(time % 3600 / 60);
    let second = parts.second.unwrap_or(time % 60);
    let in_month = |number: i64| {
        let start = calendar::add(first, Interval::Month, number);
        let days = calendar::add(start, Interval::Month, 1).saturating_sub(start) / DAY_S;
        let day = parts.day_of_month.clamp(1, days.max(1)) - 1;
        start.saturating_add(day * DAY_S + hour * 3600 + minute * 60 + second)
    };
    let fits = |at_s: &i64| {
        let month = clock::civil(at_s.saturating_mul(1000)).1;
        *at_s > after_s && parts.month.is_none_or(|wanted| wanted == month)
    };
    (0..=13).map(in_month).find(fits).unwrap_or(after_s)
}

/// What an amount for a period is worth from a second to the period's end, in minor units, rounded half
/// away from nothing. Before the period it is all of it, after it nothing.
pub fn rest(amount: i64, period: Period, second: i64) -> i64 {
    let length = period.1.saturating_sub(period.0);
    let left = period.1.saturating_sub(second).clamp(0, length.max(0));
    if length <= 0 {
        return 0;
    }
    let doubled = i128::from(amount) * i128::from(left) * 2;
    let length = i128::from(length);
    let rounded = (doubled.abs() + length) / (length * 2);
    i64::try_from(rounded * doubled.signum()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-01-31 10:00:00, a leap year.
    const JANUARY_31: i64 = 1_706_695_200;

    fn each(interval: Interval, count: i64) -> Recurring {
        Recurring {
            interval,
            count,
            metered: false,
            meter: None,
            trial_days: None,
        }
    }

    #[test]
    fn a_month_from_the_31st_comes_back_to_the_31st() {
        let month = each(Interval::Month, 1);
        let first = around(JANUARY_31, &month, JANUARY_31);
        assert_eq!(first, (JANUARY_31, JANUARY_31 + 29 * DAY_S));
        let second = around(JANUARY_31, &month, first.1);
        assert_eq!(second, (first.1, JANUARY_31 + 60 * DAY_S));
        assert_eq!(around(JANUARY_31, &month, second.1 - 1), second);
    }

    #[test]
    fn a_period_before_the_anchor_ends_at_it() {
        let month = each(Interval::Month, 1);
        assert_eq!(
            around(JANUARY_31, &month, JANUARY_31 - 1),
            (JANUARY_31 - 31 * DAY_S, JANUARY_31)
        );
    }

    #[test]
    fn days_weeks_and_leap_years_count() {
        assert_eq!(
            around(0, &each(Interval::Day, 3), 4 * DAY_S),
            (3 * DAY_S, 6 * DAY_S)
        );
        assert_eq!(
            around(0, &each(Interval::Week, 2), 15 * DAY_S),
            (14 * DAY_S, 28 * DAY_S)
        );
        let year = around(JANUARY_31, &each(Interval::Year, 1), JANUARY_31);
        assert_eq!(year.1 - year.0, 366 * DAY_S);
    }

    #[test]
    fn a_part_of_a_period_is_worth_its_seconds() {
        assert_eq!(rest(2500, (0, 100), 0), 2500);
        assert_eq!(rest(2500, (0, 100), 100), 0);
        assert_eq!(rest(1001, (0, 100), 50), 501);
        assert_eq!(rest(-1001, (0, 100), 50), -501);
        assert_eq!(rest(2500, (0, 0), 0), 0);
        assert_eq!(rest(i64::MAX, (0, i64::MAX), 1), i64::MAX - 1);
    }
}
