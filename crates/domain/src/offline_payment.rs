//! Money that an MSP received without Stripe: a bank transfer, a cheque, cash. Somebody says that it is
//! there, for one invoice and at most what is owed of it, and may take that back.

use crate::invoice::{self, InvoiceState};
use crate::seal::Day;
use crate::{Language, Money, Refusal};

/// Characters of a reference: a cheque's number, a transfer's purpose.
pub const REFERENCE_MAX: usize = 140;
/// How long ago money may have come: an older one is a mistyped year.
const DAYS_MAX: i64 = 3 * 366;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// How it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// From bank to bank.
    BankTransfer,
    /// A cheque.
    Cheque,
    /// Notes and coins.
    Cash,
    /// Some other way.
    Other,
}

impl Method {
    /// Every method, in the order in which they are offered.
    pub const ALL: [Method; 4] = [Method::BankTransfer, Method::Cheque, Method::Cash, Method::Other];

    /// As the API and the database spell it.
    pub const fn word(self) -> &'static str {
        match self {
            Method::BankTransfer => "bank_transfer",
            Method::Cheque => "cheque",
            Method::Cash => "cash",
            Method::Other => "other",
        }
    }

    /// The method of a word.
    pub fn from_word(word: &str) -> Option<Method> {
        Method::ALL.into_iter().find(|known| known.word() == word)
    }

    /// As people read it.
    pub const fn name(self, language: Language) -> &'static str {
        match (language, self) {
            (Language::En, Method::BankTransfer) => "Bank transfer",
            (Language::En, Method::Cheque) => "Cheque",
            (Language::En, Method::Cash) => "Cash",
            (Language::En, Method::Other) => "Other means",
            (Language::De, Method::BankTransfer) => "Überweisung",
            (Language::De, Method::Cheque) => "Scheck",
            (Language::De, Method::Cash) => "Bargeld",
            (Language::De, Method::Other) => "Auf anderem Weg",
            (Language::Es, Method::BankTransfer) => "Transferencia bancaria",
            (Language::Es, Method::Cheque) => "Cheque",
            (Language::Es, Method::Cash) => "Efectivo",
            (Language::Es, Method::Other) => "Otro medio",
            (Language::Fr, Method::BankTransfer) => "Virement bancaire",
            (Language::Fr, Method::Cheque) => "Chèque",
            (Language::Fr, Method::Cash) => "Espèces",
            (Language::Fr, Method::Other) => "Autre moyen",
        }
    }
}

/// Decides whether so much may be recorded on an invoice: it must be owed, and so must the amount; all that
/// is owed where no amount is named.
///
/// # Errors
/// Those of [`invoice::payable`], and [`Refusal::InvalidField`] for the amount.
pub fn record(state: InvoiceState, owed: Money, amount_minor: Option<i64>) -> Result<Money, Refusal> {
    invoice::payable(state)?;
    let amount = amount_minor.unwrap_or(owed.minor());
    if !(1..=owed.minor()).contains(&amount) {
        let problem = format!("must be more than nothing and at most {owed}: what is still owed");
        return Err(Refusal::invalid("amount", problem));
    }
    Money::new(amount, owed.currency()).in_steps("amount")
}

/// Reads the day on which the money came; today where none is named. East of Greenwich it may be tomorrow
/// already.
///
/// # Errors
/// [`Refusal::InvalidField`] for a day that is none, is still to come, or is years ago.
pub fn received_on(text: Option<&str>, today: Day) -> Result<Day, Refusal> {
    let Some(text) = text else { return Ok(today) };
    let day = Day::parse(text)
        .ok_or_else(|| Refusal::invalid("received_on", "must be a day such as 2026-11-27"))?;
    let ahead_ms = day.begins().ms().saturating_sub(today.begins().ms());
    if ahead_ms > DAY_MS {
        return Err(Refusal::invalid(
            "received_on",
            "must not be a day that is still to come",
        ));
    }
    if ahead_ms < -DAYS_MAX * DAY_MS {
        return Err(Refusal::invalid(
            "received_on",
            "must not be more than three years ago",
        ));
    }
    Ok(day)
}

/// Reads a reference; none where nothing is said.
///
/// # Errors
/// [`Refusal::InvalidField`] where it cannot be shown, or is too long.
pub fn reference(field: &str, text: Option<&str>) -> Result<Option<String>, Refusal> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let shown = crate::text::shown(text, REFERENCE_MAX, false).ok_or_else(|| {
        let problem = format!("must be plain text with at most {REFERENCE_MAX} characters");
        Refusal::invalid(field.to_owned(), problem)
    })?;
    Ok(Some(shown))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Currency;

    fn usd(minor: i64) -> Money {
        Money::new(minor, Currency::parse("usd").unwrap())
    }

    #[test]
    fn every_state_with_every_amount() {
        for state in InvoiceState::ALL {
            for owed in 0..=3 {
                for amount in -1..=4 {
                    let recorded = record(state, usd(owed), Some(amount));
                    let may = state == InvoiceState::Open && (1..=owed).contains(&amount);
                    assert_eq!(recorded.is_ok(), may, "{state:?} {owed} {amount}");
                }
                let whole = record(state, usd(owed), None);
                let may = state == InvoiceState::Open && owed > 0;
                assert_eq!(whole.ok(), may.then(|| usd(owed)), "{state:?} {owed}");
            }
        }
    }

    #[test]
    fn money_came_on_a_day_that_was() {
        let today = Day::parse("2026-11-27").unwrap();
        for (text, right) in [
            ("2026-11-27", true),
            ("2026-11-28", true),
            ("2026-11-29", false),
            ("2024-02-29", true),
            ("2020-01-01", false),
            ("2026-02-30", false),
            ("27.11.2026", false),
            ("", false),
        ] {
            assert_eq!(received_on(Some(text), today).is_ok(), right, "{text}");
        }
        assert_eq!(received_on(None, today), Ok(today));
    }

    #[test]
    fn methods_and_references_are_read_back() {
        for method in Method::ALL {
            assert_eq!(Method::from_word(method.word()), Some(method));
            for language in Language::ALL {
                assert!(!method.name(language).is_empty());
            }
        }
        assert_eq!(Method::from_word("card"), None);
        assert_eq!(reference("reference", Some("  ")), Ok(None));
        assert_eq!(
            reference("reference", Some(" 1042 ")),
            Ok(Some("1042".to_owned()))
        );
        assert!(reference("reference", Some(&"x".repeat(REFERENCE_MAX + 1))).is_err());
        assert!(reference("reference", Some("a\u{202e}b")).is_err());
    }
}
