//! A month of the calendar, in UTC: what statements are about.

use crate::Timestamp;
use crate::seal::Day;

/// A month, written `2026-11`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    first: Day,
    next: Day,
}

impl Month {
    /// Reads `YYYY-MM`.
    pub fn parse(text: &str) -> Option<Month> {
        let first = Day::parse(&format!("{text}-01"))?;
        // The first day that is written otherwise, after at most 31 days.
        let mut next = first;
        while next.to_string().starts_with(text) {
            next = Day::of(next.ends());
        }
        Some(Month { first, next })
    }

    /// Its first moment.
    pub fn begins(self) -> Timestamp {
        self.first.begins()
    }

    /// The first moment after it.
    pub fn ends(self) -> Timestamp {
        self.next.begins()
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let day = self.first.to_string();
        f.write_str(day.get(..7).unwrap_or(&day))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_follow_each_other_without_a_gap() {
        let mut end = Month::parse("1999-12").unwrap().ends();
        for year in 2000..2101 {
            for month in 1..=12 {
                let text = format!("{year}-{month:02}");
                let found = Month::parse(&text).unwrap();
                assert_eq!(found.to_string(), text);
                assert_eq!(found.begins(), end, "{text}");
                assert!(
                    (28..=31).contains(&((found.ends().ms() - end.ms()) / 86_400_000)),
                    "{text}"
                );
                end = found.ends();
            }
        }
    }

    #[test]
    fn what_is_no_month_is_refused() {
        for text in [
            "",
            "2026",
            "2026-13",
            "2026-00",
            "2026-1",
            "2026-11-01",
            "26-11",
            "2026-1é",
        ] {
            assert_eq!(Month::parse(text), None, "{text:?}");
        }
    }
}
