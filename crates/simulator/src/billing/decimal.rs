//! Exact decimal numbers: unit amounts with fractions of a minor unit, percentages, sizes. Whole numbers of
//! 10⁻¹² inside; no floats.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::error::ApiError;
use crate::form::Params;

const PLACES: usize = 12;
const ONE: i128 = 1_000_000_000_000;
/// More digits before the point than any amount of Stripe's has.
const DIGITS_MAX: usize = 14;

/// A decimal number with at most twelve places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decimal(i128);

impl Decimal {
    /// A whole number.
    pub fn of(whole: i64) -> Decimal {
        Decimal(i128::from(whole) * ONE)
    }

    /// Reads `12`, `-0.5` or `33.3333`.
    pub fn parse(text: &str) -> Option<Decimal> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let fits = whole.len() <= DIGITS_MAX && fraction.len() <= PLACES;
        if !fits || whole.is_empty() && fraction.is_empty() || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let scaled: i128 = format!("{whole}{fraction:0<PLACES$}").parse().ok()?;
        Some(Decimal(if negative { -scaled } else { scaled }))
    }

    /// Reads a parameter.
    ///
    /// # Errors
    /// `parameter_invalid_…` for what is no such number.
    pub fn read(params: &mut Params, name: &str) -> Result<Option<Decimal>, ApiError> {
        let Some(text) = params.text(name)? else {
            return Ok(None);
        };
        match Decimal::parse(&text) {
            Some(number) => Ok(Some(number)),
            None => {
                let shown: String = text.chars().take(40).collect();
                Err(ApiError::invalid(format!("Invalid decimal: {shown}")).param(params.name(name)))
            }
        }
    }

    /// The shortest text, such as `1500` or `0.05`.
    pub fn text(self) -> String {
        let (sign, absolute) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        let one = ONE.unsigned_abs();
        let (whole, rest) = (absolute / one, absolute % one);
        if rest == 0 {
            return format!("{sign}{whole}");
        }
        let fraction = format!("{rest:0>PLACES$}");
        format!("{sign}{whole}.{}", fraction.trim_end_matches('0'))
    }

    /// As a JSON number.
    pub fn number(self) -> Value {
        serde_json::from_str(&self.text()).unwrap_or_default()
    }

    /// The whole number that it is; `None` when it has a fraction.
    pub fn whole(self) -> Option<i64> {
        if self.0 % ONE == 0 {
            i64::try_from(self.0 / ONE).ok()
        } else {
            None
        }
    }

    /// So many of it, rounded half up to a whole number.
    pub fn times(self, quantity: i64) -> i64 {
        rounded(self.0.saturating_mul(i128::from(quantity)), ONE)
    }

    /// So many percent of an amount, rounded half up.
    pub fn percent_of(self, amount: i64) -> i64 {
        rounded(self.0.saturating_mul(i128::from(amount)), ONE * 100)
    }

    /// The percentage that is contained in an amount that has it in it already, rounded half up.
    pub fn percent_within(self, amount: i64) -> i64 {
        rounded(
            self.0.saturating_mul(i128::from(amount)),
            self.0.saturating_add(ONE * 100),
        )
    }

    /// Whether it is less than nothing.
    pub fn is_negative(self) -> bool {
        self.0 < 0
    }
}

/// A part of an amount, `numerator`/`denominator` of it, rounded half up (away from nothing when negative).
pub fn share(amount: i64, numerator: i64, denominator: i64) -> i64 {
    rounded(
        i128::from(amount) * i128::from(numerator),
        i128::from(denominator),
    )
}

fn rounded(numerator: i128, denominator: i128) -> i64 {
    if denominator <= 0 {
        return 0;
    }
    let half_up = (numerator.unsigned_abs() + denominator.unsigned_abs() / 2) / denominator.unsigned_abs();
    let absolute = i64::try_from(half_up).unwrap_or(i64::MAX);
    if numerator < 0 { -absolute } else { absolute }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Decimal::parse(&text).ok_or_else(|| serde::de::Error::custom("not a decimal number"))
    }
}
