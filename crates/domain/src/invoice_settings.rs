//! How a tenant's invoices are numbered, and the terms that a new one begins with.

use crate::Refusal;

/// What numbers begin with unless the tenant says otherwise.
pub const PREFIX_DEFAULT: &str = "INV-";
/// Characters of a prefix.
pub const PREFIX_MAX: usize = 12;
/// The highest number of a series: nine digits are read out on the phone already.
pub const NUMBER_MAX: i64 = 999_999_999;
/// Days until an invoice is due, at most.
pub const DUE_DAYS_MAX: i64 = 365;
/// Characters of what new invoices say to the client.
pub const MEMO_MAX: usize = 500;

/// What a tenant chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoiceSettings {
    /// What numbers begin with.
    pub prefix: String,
    /// Days from the day of writing until a new invoice is due; none where new ones name no day.
    pub due_days: Option<i64>,
    /// What new invoices say to the client.
    pub memo: Option<String>,
}

impl Default for InvoiceSettings {
    fn default() -> InvoiceSettings {
        InvoiceSettings {
            prefix: PREFIX_DEFAULT.to_owned(),
            due_days: None,
            memo: None,
        }
    }
}

impl InvoiceSettings {
    /// Checks what was typed, and takes it as it will be shown.
    ///
    /// # Errors
    /// [`Refusal::InvalidField`].
    pub fn check(self) -> Result<InvoiceSettings, Refusal> {
        let memo = match self.memo.as_deref().map(str::trim) {
            None | Some("") => None,
            Some(text) => Some(crate::text::shown(text, MEMO_MAX, true).ok_or_else(|| {
                let problem = format!("must be plain text with at most {MEMO_MAX} characters");
                Refusal::invalid("memo", problem)
            })?),
        };
        if self
            .due_days
            .is_some_and(|days| !(0..=DUE_DAYS_MAX).contains(&days))
        {
            return Err(Refusal::invalid(
                "due_days",
                format!("must be 0 to {DUE_DAYS_MAX} days"),
            ));
        }
        Ok(InvoiceSettings {
            prefix: prefix(&self.prefix)?,
            memo,
            ..self
        })
    }
}

/// What numbers of credit notes begin with.
const CREDIT_NOTES: &str = "CN-";

/// Reads a prefix. It ends with no digit, so that no two prefixes make the same number.
///
/// # Errors
/// [`Refusal::InvalidField`].
pub fn prefix(text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '/' | '.' | '_');
    // A number may stand in a table, where a sign at its beginning makes a formula of it.
    let begins_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    let ends_well = text.chars().next_back().is_some_and(|c| !c.is_ascii_digit());
    if text.len() > PREFIX_MAX || !text.chars().all(known) || !begins_well || !ends_well {
        let problem = format!(
            "must be 1 to {PREFIX_MAX} letters, digits or the signs - / . _ after the first, and must not \
             end with a digit"
        );
        return Err(Refusal::invalid("prefix", problem));
    }
    if text.eq_ignore_ascii_case(CREDIT_NOTES) {
        return Err(Refusal::invalid("prefix", "must not be that of credit notes"));
    }
    Ok(text.to_owned())
}

/// The number of an invoice: `INV-00042`.
pub fn number(prefix: &str, nth: i64) -> String {
    format!("{prefix}{nth:05}")
}

/// The place in its series of a number that [`number`] made; none for whatever it did not make.
pub fn nth(prefix: &str, number: &str) -> Option<i64> {
    let digits = number.strip_prefix(prefix)?;
    let nth: i64 = digits.parse().ok()?;
    (nth > 0 && nth <= NUMBER_MAX && self::number(prefix, nth) == number).then_some(nth)
}

/// Decides whether a series may go on with this number: none is given twice. Answers the last one before it.
///
/// # Errors
/// [`Refusal::InvalidField`].
pub fn go_on_with(next: i64, last: i64) -> Result<i64, Refusal> {
    if next <= last {
        let problem = format!(
            "must be at least {}: those before are given",
            last.saturating_add(1)
        );
        return Err(Refusal::invalid("next_number", problem));
    }
    if next > NUMBER_MAX {
        return Err(Refusal::invalid(
            "next_number",
            format!("must be at most {NUMBER_MAX}"),
        ));
    }
    Ok(next.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_prefixes_make_the_same_number() {
        let prefixes = ["INV-", "2026-", "R/", "A.1_", "inv-"];
        let mut all = std::collections::BTreeSet::new();
        for text in prefixes {
            assert_eq!(prefix(text), Ok(text.to_owned()));
            for nth in [1, 42, 99_999, 100_000, NUMBER_MAX] {
                assert!(all.insert(number(text, nth)), "{text} {nth}");
            }
        }
        for wrong in ["", "INV-1", "R 1-", "a\nb-", "ABCDEFGHIJKLM-", "Ü-", "42", "-A-"] {
            assert!(prefix(wrong).is_err(), "{wrong}");
        }
        assert_eq!(number("INV-", 42), "INV-00042");
    }

    #[test]
    fn a_series_only_goes_on() {
        for last in 0..4 {
            for next in -1..6 {
                assert_eq!(
                    go_on_with(next, last).ok(),
                    (next > last).then_some(next - 1),
                    "{next} {last}"
                );
            }
        }
        assert!(go_on_with(NUMBER_MAX + 1, 0).is_err());
    }

    #[test]
    fn terms_are_within_a_year_and_can_be_shown() {
        let with = |due_days, memo: &str| InvoiceSettings {
            due_days,
            memo: Some(memo.to_owned()),
            ..InvoiceSettings::default()
        };
        assert_eq!(with(Some(0), " ").check().unwrap().memo, None);
        assert!(with(Some(30), "Thank you.\nDana").check().is_ok());
        assert!(with(Some(-1), "").check().is_err());
        assert!(with(Some(366), "").check().is_err());
        assert!(with(None, &"x".repeat(MEMO_MAX + 1)).check().is_err());
    }
}
