//! What a daily seal is a hash of: the rows of one book and one UTC day, written so that no two different
//! days give the same bytes. The hash itself is made where a library for it is at hand.

use crate::{Scope, Timestamp};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A day of the calendar, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i64);

impl Day {
    /// The day of a moment.
    pub const fn of(at: Timestamp) -> Day {
        Day(at.ms().div_euclid(DAY_MS))
    }

    /// Its first millisecond.
    pub const fn begins(self) -> Timestamp {
        Timestamp::from_ms(self.0.saturating_mul(DAY_MS))
    }

    /// The first millisecond of the next day.
    pub const fn ends(self) -> Timestamp {
        Timestamp::from_ms(self.0.saturating_add(1).saturating_mul(DAY_MS))
    }

    /// Reads `YYYY-MM-DD`, for a day that exists.
    pub fn parse(text: &str) -> Option<Day> {
        let mut parts = text.split('-');
        let mut next = || parts.next()?.parse::<i64>().ok();
        let (year, month, day) = (next()?, next()?, next()?);
        let parsed = Day(days_before(year, month, day));
        (parsed.to_string() == text).then_some(parsed)
    }
}

impl std::fmt::Display for Day {
    /// `YYYY-MM-DD`, which sorts as the days do.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Days since 1 March of the year 0, in eras of 400 years, so that a leap day is the last of its year.
        let shifted = self.0.saturating_add(719_468);
        let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 {
            month_from_march + 3
        } else {
            month_from_march - 9
        };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// Days from 1970-01-01 to a day of the calendar.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let year = year.saturating_sub(i64::from(month <= 2));
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let month_from_march = (month + 9).rem_euclid(12);
    let of_year = (153 * month_from_march + 2) / 5 + day.saturating_sub(1);
    let days = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    era.saturating_mul(146_097)
        .saturating_add(days)
        .saturating_sub(719_468)
}

/// A book that is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Book {
    /// The audit log.
    Audit,
    /// The ledger: transactions with their entries.
    Ledger,
}

impl Book {
    /// Both.
    pub const ALL: [Book; 2] = [Book::Audit, Book::Ledger];

    /// The book's name.
    pub const fn word(self) -> &'static str {
        match self {
            Book::Audit => "audit",
            Book::Ledger => "ledger",
        }
    }
}

/// One column of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// Nothing.
    Nothing,
    /// A number.
    Number(i64),
    /// Text.
    Text(String),
}

/// What comes before the rows: the book, whose it is, the day, and the seal of the last day that has one. The
/// version stands for the columns of a row and their order.
pub fn head(book: Book, scope: &Scope, day: Day, seal_before: Option<&str>) -> Vec<u8> {
    let fields = [
        Field::Text("psa-pay seal, version 1".to_owned()),
        Field::Text(book.word().to_owned()),
        Field::Text(scope.tenant.as_str().to_owned()),
        Field::Number(i64::from(scope.mode.is_live())),
        Field::Text(day.to_string()),
        seal_before.map_or(Field::Nothing, |seal| Field::Text(seal.to_owned())),
    ];
    row(&fields)
}

/// The bytes of a row: how many fields it has, then each with its kind and, for text, its length.
pub fn row(fields: &[Field]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let length = |length: usize| u64::try_from(length).unwrap_or(u64::MAX).to_be_bytes();
    bytes.push(b'r');
    bytes.extend(length(fields.len()));
    for field in fields {
        match field {
            Field::Nothing => bytes.push(b'0'),
            Field::Number(number) => {
                bytes.push(b'n');
                bytes.extend(number.to_be_bytes());
            }
            Field::Text(text) => {
                bytes.push(b't');
                bytes.extend(length(text.len()));
                bytes.extend(text.as_bytes());
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Mode, TenantId};

    #[test]
    fn every_day_of_four_centuries_is_written_and_read() {
        let first = Day::parse("1900-01-01").unwrap();
        let (mut day, mut written) = (first, String::new());
        while written.as_str() < "2300-12-31" {
            let text = day.to_string();
            assert!(written < text, "{text} follows {written}");
            assert_eq!(Day::parse(&text), Some(day));
            assert_eq!(Day::of(day.begins()), day);
            assert_eq!(Day::of(day.ends()), Day(day.0 + 1));
            assert_eq!(Day::of(day.ends().plus_ms(-1)), day);
            (day, written) = (Day(day.0 + 1), text);
        }
        assert_eq!(day.0 - first.0, 146_462, "401 years with 97 leap days");
    }

    #[test]
    fn days_that_everybody_knows() {
        assert_eq!(Day::of(Timestamp::from_ms(0)).to_string(), "1970-01-01");
        assert_eq!(Day::of(Timestamp::from_ms(-1)).to_string(), "1969-12-31");
        assert_eq!(
            Day::of(Timestamp::from_ms(1_709_164_800_000)).to_string(),
            "2024-02-29"
        );
        assert_eq!(
            Day::of(Timestamp::from_ms(1_796_083_199_999)).to_string(),
            "2026-11-30"
        );
        for text in [
            "",
            "2026-02-29",
            "2026-13-01",
            "2026-00-01",
            "2026-1-1",
            "2026-11-31",
            "2026-01-01-",
        ] {
            assert_eq!(Day::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_differs_has_other_bytes() {
        let text = |text: &str| Field::Text(text.to_owned());
        let rows = [
            vec![],
            vec![Field::Nothing],
            vec![text("")],
            vec![text("0")],
            vec![text("ab")],
            vec![text("a"), text("b")],
            vec![text("b"), text("a")],
            vec![text("a"), Field::Nothing],
            vec![Field::Nothing, text("a")],
            vec![Field::Number(0)],
            vec![Field::Number(1)],
            vec![Field::Number(-1)],
            vec![text("1")],
        ];
        let mut bytes: Vec<_> = rows.iter().map(|fields| row(fields)).collect();
        // Two rows are not one with the fields of both.
        bytes.push([row(&[text("a")]), row(&[text("b")])].concat());
        for mode in [Mode::Test, Mode::Live] {
            for tenant in [TenantId::platform(), TenantId::stored("ten_a".to_owned())] {
                let scope = Scope { tenant, mode };
                for book in Book::ALL {
                    for (day, before) in [(1, None), (2, None), (1, Some("a")), (1, Some(""))] {
                        bytes.push(head(book, &scope, Day(day), before));
                    }
                }
            }
        }
        let count = bytes.len();
        bytes.sort();
        bytes.dedup();
        assert_eq!(bytes.len(), count);
    }
}
