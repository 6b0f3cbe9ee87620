//! How amounts, days and moments are written on pages. Nobody may misread an amount, so a symbol that several
//! currencies share is never used for more than one of them.

use domain::language::Language;
use domain::{Money, Month, Timestamp};
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Between an amount and its code, so that they stay on one line.
const NO_BREAK: char = '\u{a0}';

/// The amount and always its code: `$1,234.50 USD`, `1.234,50 EUR`.
pub fn amount_with_code(language: Language, money: Money) -> String {
    format!("{}{NO_BREAK}{}", figure(language, money), money.currency())
}

/// The amount beside which the code stands by itself: `$1,234.50`, `1,234.50`, `1.234,50`. English writes a
/// symbol before the amount, where it does not stand between the amount and its code.
pub fn figure(language: Language, money: Money) -> String {
    let shown = language.money(money);
    match language {
        Language::En if !shown.ends_with(&money.currency().to_string()) => shown,
        _ => language.figure(money),
    }
}

/// `30 November 2026`: no order of numbers to mistake.
pub fn day(date: Date) -> String {
    date.strftime("%-d %B %Y").to_string()
}

/// `November 2026`.
pub fn month(month: Month) -> String {
    let first = day_of(month.begins());
    first.map_or_else(|| month.to_string(), |first| first.strftime("%B %Y").to_string())
}

/// `30 November 2026, 09:14 UTC`. `None` for a moment beyond the year 9999.
pub fn moment(at: Timestamp) -> Option<String> {
    let zoned = jiff::Timestamp::from_millisecond(at.ms())
        .ok()?
        .to_zoned_datetime(TimeZone::UTC);
    Some(zoned.strftime("%-d %B %Y, %H:%M UTC").to_string())
}

/// The day of a moment in UTC. `None` for one beyond the year 9999.
pub fn day_of(at: Timestamp) -> Option<Date> {
    Some(
        jiff::Timestamp::from_millisecond(at.ms())
            .ok()?
            .to_zoned_datetime(TimeZone::UTC)
            .date(),
    )
}

#[cfg(test)]
mod tests {
    use domain::Currency;

    use super::*;

    #[test]
    fn amounts_with_their_code_cannot_be_misread() {
        let check = |code: &str, minor: i64, english: &str, german: &str| {
            let money = Money::new(minor, Currency::parse(code).unwrap());
            for (language, shown) in [(Language::En, english), (Language::De, german)] {
                let written = amount_with_code(language, money);
                assert_eq!(written, shown.replace('_', "\u{a0}"));
                assert_eq!(written.matches(&money.currency().to_string()).count(), 1);
            }
        };
        check("usd", 123_450, "$1,234.50_USD", "1.234,50_USD");
        check("eur", 123_450, "€1,234.50_EUR", "1.234,50_EUR");
        check("jpy", 1_234, "¥1,234_JPY", "1.234_JPY");
        check("cad", 123_450, "1,234.50_CAD", "1.234,50_CAD");
        check("usd", -123_456, "\u{2212}$1,234.56_USD", "\u{2212}1.234,56_USD");
        check(
            "idr",
            123_456_789_012,
            "1,234,567,890.12_IDR",
            "1.234.567.890,12_IDR",
        );
    }

    #[test]
    fn days_and_moments() {
        let at = Timestamp::from_ms(1_795_598_042_000);
        assert_eq!(moment(at).unwrap(), "25 November 2026, 09:14 UTC");
        assert_eq!(day(day_of(at).unwrap()), "25 November 2026");
        assert_eq!(moment(Timestamp::from_ms(i64::MAX)), None);
        assert_eq!(month(Month::parse("2026-11").unwrap()), "November 2026");
    }
}
