//! The platform's application fee: basis points of the payment, half up, in integers.

use crate::{Money, Refusal};

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

/// The application fee of a payment, in minor units: `(amount × bps + 5000) / 10000`, so 12345 at 300 is 370.
/// `None` when it comes to nothing or would not be smaller than the amount: then the parameter is omitted,
/// because Stripe refuses a fee of zero.
pub fn application_fee(amount: Money, rate: BasisPoints) -> Option<i64> {
    let fee = (i128::from(amount.minor()) * i128::from(rate.0) + 5_000) / 10_000;
    let fee = i64::try_from(fee).ok()?;
    (fee > 0 && fee < amount.minor()).then_some(fee)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Currency;

    fn fee(minor: i64, bps: i64) -> Option<i64> {
        let usd = Currency::parse("usd").unwrap();
        application_fee(Money::new(minor, usd), BasisPoints::new(bps).unwrap())
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
}
