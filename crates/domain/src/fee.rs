//! The platform's application fee: basis points of the payment, half up, in integers, with a fixed part and
//! bounds where a rule has them. Which rule is in force is in [`rules`].

pub mod rules;

use crate::{Currency, Money, Refusal};

/// Basis points: hundredths of a percent. 300 is the platform's usual 3 %.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BasisPoints(i64);

impl BasisPoints {
    /// A rate of 0 to 9,999 basis points: Stripe wants the fee to be smaller than the charge.
    ///
    /// # Errors
    /// [`Refusal::InvalidField`] outside that range.
    pub fn new(value: i64) -> Result<BasisPoints, Refusal> {
        if (0..10_000).contains(&value) {
            Ok(BasisPoints(value))
        } else {
            Err(Refusal::invalid("fee_bps", "must be 0 to 9999 basis points"))
        }
    }

    /// The rate as a number of basis points.
    pub const fn value(self) -> i64 {
        self.0
    }
}

/// What a fee consists of. Amounts are minor units of one currency, so only terms of a named currency have
/// any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    rate: BasisPoints,
    fixed: i64,
    minimum: Option<i64>,
    maximum: Option<i64>,
}

impl Terms {
    /// Terms of all currencies: a rate and nothing else.
    pub const fn of_rate(rate: BasisPoints) -> Terms {
        Terms {
            rate,
            fixed: 0,
            minimum: None,
            maximum: None,
        }
    }

    /// Terms of one currency, or of all where none is named.
    ///
    /// # Errors
    /// [`Refusal::InvalidField`]: amounts need a currency, are not negative and not above its greatest
    /// charge, and the minimum is not above the maximum.
    pub fn new(
        currency: Option<Currency>,
        rate: BasisPoints,
        fixed: i64,
        minimum: Option<i64>,
        maximum: Option<i64>,
    ) -> Result<Terms, Refusal> {
        let given = [
            ("fixed", (fixed != 0).then_some(fixed)),
            ("minimum", minimum),
            ("maximum", maximum),
        ];
        for (field, amount) in given {
            let Some(amount) = amount else { continue };
            let Some(currency) = currency else {
                let problem = "is an amount of one currency, which the rule has to name";
                return Err(Refusal::invalid(field, problem));
            };
            if !(0..=currency.maximum()).contains(&amount) {
                let greatest = currency.maximum();
                let problem = format!("must be 0 to {greatest} minor units of {currency}");
                return Err(Refusal::invalid(field, problem));
            }
        }
        if let (Some(least), Some(most)) = (minimum, maximum)
            && least > most
        {
            return Err(Refusal::invalid("minimum", "must not be above the maximum"));
        }
        Ok(Terms {
            rate,
            fixed,
            minimum,
            maximum,
        })
    }

    /// The rate.
    pub const fn rate(self) -> BasisPoints {
        self.rate
    }

    /// What is added to the rate's part.
    pub const fn fixed(self) -> i64 {
        self.fixed
    }

    /// The least fee.
    pub const fn minimum(self) -> Option<i64> {
        self.minimum
    }

    /// The greatest fee.
    pub const fn maximum(self) -> Option<i64> {
        self.maximum
    }

    /// The application fee of a payment, in minor units: `(amount × bps + 5000) / 10000`, so 12345 at 300 is
    /// 370; then the fixed part is added, and the bounds are kept. `None` when it comes to nothing or would
    /// not be smaller than the amount: then the parameter is omitted, because Stripe refuses both.
    pub fn fee(self, amount: Money) -> Option<i64> {
        let part = (i128::from(amount.minor()) * i128::from(self.rate.0) + 5_000) / 10_000;
        let fee = part + i128::from(self.fixed);
        let fee = self.minimum.map_or(fee, |least| fee.max(i128::from(least)));
        let fee = self.maximum.map_or(fee, |most| fee.min(i128::from(most)));
        let fee = i64::try_from(fee).ok()?;
        (fee > 0 && fee < amount.minor()).then_some(fee)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn usd() -> Currency {
        Currency::parse("usd").unwrap()
    }

    fn fee(minor: i64, bps: i64) -> Option<i64> {
        Terms::of_rate(BasisPoints::new(bps).unwrap()).fee(Money::new(minor, usd()))
    }

    #[test]
    fn three_percent_rounds_half_up() {
        assert_eq!(fee(12_345, 300), Some(370));
        assert_eq!(fee(50, 300), Some(2));
        assert_eq!(fee(16, 300), None);
        assert_eq!(fee(17, 300), Some(1));
        assert_eq!(fee(150, 300), Some(5));
        assert_eq!(fee(99_999_999, 300), Some(3_000_000));
    }

    #[test]
    fn a_fee_that_reaches_the_amount_is_left_out() {
        assert_eq!(fee(1, 9_999), None);
        assert_eq!(fee(100, 0), None);
        assert!(BasisPoints::new(10_000).is_err());
        assert!(BasisPoints::new(-1).is_err());
    }

    #[test]
    fn every_amount_to_ten_million_is_the_nearest_integer() {
        for minor in 1..10_000_000_i64 {
            let fee = fee(minor, 300).unwrap_or(0);
            let error = (minor * 3 - fee * 100).abs();
            assert!(error <= 50, "{minor}: {fee}");
        }
    }

    #[test]
    fn the_fixed_part_is_added_and_the_bounds_are_kept() {
        let terms = |bps, fixed, minimum, maximum| {
            Terms::new(
                Some(usd()),
                BasisPoints::new(bps).unwrap(),
                fixed,
                minimum,
                maximum,
            )
            .unwrap()
        };
        let table = [
            (terms(300, 30, None, None), 10_000, Some(330)),
            (terms(0, 30, None, None), 10_000, Some(30)),
            (terms(0, 30, None, None), 30, None),
            (terms(0, 30, None, None), 31, Some(30)),
            (terms(300, 0, Some(50), None), 1_000, Some(50)),
            (terms(300, 0, Some(50), None), 50, None),
            (terms(300, 30, Some(50), Some(500)), 10_000, Some(330)),
            (terms(300, 30, Some(50), Some(500)), 1_000_000, Some(500)),
            (terms(300, 0, None, Some(0)), 10_000, None),
            (terms(80, 0, None, Some(500)), 62_500, Some(500)),
            (terms(80, 0, None, Some(500)), 62_437, Some(499)),
        ];
        for (terms, amount, expected) in table {
            let found = terms.fee(Money::new(amount, usd()));
            assert_eq!(found, expected, "{terms:?} of {amount}");
        }
    }

    #[test]
    fn amounts_need_a_currency_and_bounds_that_leave_room() {
        let rate = BasisPoints::new(300).unwrap();
        let field =
            |currency, fixed, minimum, maximum| match Terms::new(currency, rate, fixed, minimum, maximum) {
                Ok(_) => String::new(),
                Err(Refusal::InvalidField { field, .. }) => field.to_string(),
                Err(other) => panic!("{other:?}"),
            };
        let some = Some(usd());
        assert_eq!(field(None, 0, None, None), "");
        assert_eq!(field(None, 1, None, None), "fixed");
        assert_eq!(field(None, 0, Some(1), None), "minimum");
        assert_eq!(field(None, 0, None, Some(1)), "maximum");
        assert_eq!(field(some, -1, None, None), "fixed");
        assert_eq!(field(some, 100_000_000, None, None), "fixed");
        assert_eq!(field(some, 0, Some(-1), None), "minimum");
        assert_eq!(field(some, 0, Some(2), Some(1)), "minimum");
        assert_eq!(field(some, 30, Some(1), Some(1)), "");
    }

    proptest! {
        #[test]
        fn a_fee_is_within_its_bounds_and_never_reaches_the_amount(
            bps in 0_i64..10_000,
            fixed in 0_i64..100_000,
            bounds in proptest::option::of((0_i64..100_000, 0_i64..1_000_000)),
            amount in 1_i64..100_000_000,
            more in 0_i64..1_000_000,
        ) {
            let (minimum, maximum) = match bounds {
                Some((least, room)) => (Some(least), Some(least + room)),
                None => (None, None),
            };
            let rate = BasisPoints::new(bps).unwrap();
            let terms = Terms::new(Some(usd()), rate, fixed, minimum, maximum).unwrap();
            let of = |minor| terms.fee(Money::new(minor, usd()));
            if let Some(fee) = of(amount) {
                prop_assert!(fee > 0 && fee < amount);
                prop_assert!(minimum.is_none_or(|least| fee >= least));
                prop_assert!(maximum.is_none_or(|most| fee <= most));
                // Who pays more owes no smaller fee.
                let greater = of(amount + more);
                prop_assert!(greater.is_some_and(|greater| greater >= fee), "{greater:?}");
                // Within half a minor unit of the exact figure, where no bound changes it.
                if bounds.is_none() {
                    let error = (amount * bps - (fee - fixed) * 10_000).abs();
                    prop_assert!(error <= 5_000);
                }
            }
        }
    }
}
