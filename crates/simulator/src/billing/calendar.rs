//! Steps of the calendar: billing periods, trials, and how long a discount lasts.

use super::price::Interval;
use crate::clock;

const DAY_S: i64 = 86_400;

/// So many intervals after a second. A month without the day ends on its last one, so periods are to be
/// counted from their anchor, not from each other.
pub fn add(start_s: i64, interval: Interval, count: i64) -> i64 {
    let months = match interval {
        Interval::Day => return start_s.saturating_add(count.saturating_mul(DAY_S)),
        Interval::Week => return start_s.saturating_add(count.saturating_mul(7 * DAY_S)),
        Interval::Month => count,
        Interval::Year => count.saturating_mul(12),
    };
    let (year, month, day) = clock::civil(start_s.saturating_mul(1000));
    let month_number = (year.saturating_mul(12) + month - 1).saturating_add(months);
    let (year, month) = (month_number.div_euclid(12), month_number.rem_euclid(12) + 1);
    let day = day.min(days_in(year, month));
    days_of(year, month, day)
        .saturating_mul(DAY_S)
        .saturating_add(start_s.rem_euclid(DAY_S))
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// The days from the epoch to a date: the inverse of `clock::civil`.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted + 2) / 5 + day - 1;
    let year_of_era = year.rem_euclid(400);
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era.saturating_mul(146_097).saturating_add(day_of_era - 719_468)
}
