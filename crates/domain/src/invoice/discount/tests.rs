//! Discounts: what is taken and refused, and that no cent is lost or made when they are divided.

use proptest::prelude::*;

use super::*;
use crate::invoice::{TaxRate, totals};

fn currency(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}

fn line(minor: i64, rate: i64) -> Line {
    let rate = TaxRate::from_thousandths_of_percent(rate).unwrap();
    let price = Money::new(minor, currency("eur"));
    Line::new(
        "Managed workplace",
        Quantity::from_thousandths(1_000),
        price,
        rate,
    )
    .unwrap()
}

fn field(refused: Result<Option<Discount>, Refusal>) -> String {
    refused.unwrap_err().field().unwrap_or_default().to_owned()
}

#[test]
fn one_kind_is_given_or_none_and_a_mistake_names_its_field() {
    assert_eq!(Discount::of(None, None), Ok(None));
    assert_eq!(Discount::of(Some(0), None), Ok(None));
    assert_eq!(Discount::of(None, Some(0)), Ok(None));
    assert_eq!(
        Discount::of(Some(1_250), None),
        Ok(Some(Discount::Percent(1_250)))
    );
    assert_eq!(
        Discount::of(Some(10_000), None),
        Ok(Some(Discount::Percent(10_000)))
    );
    assert_eq!(Discount::of(None, Some(1)), Ok(Some(Discount::Amount(1))));
    assert_eq!(field(Discount::of(Some(1), Some(1))), "discount");
    assert_eq!(field(Discount::of(Some(0), Some(0))), "discount");
    for bps in [-1, 10_001, i64::MIN, i64::MAX] {
        assert_eq!(field(Discount::of(Some(bps), None)), "discount.percent_bps");
    }
    for minor in [-1, i64::MIN] {
        assert_eq!(field(Discount::of(None, Some(minor))), "discount.amount");
    }
}

#[test]
fn people_type_a_percentage_or_an_amount() {
    let typed = |text: &str| Discount::typed(text, currency("eur"));
    for (text, discount) in [
        ("", None),
        (" ", None),
        ("0", None),
        ("0%", None),
        ("0.00 %", None),
        ("10%", Some(Discount::Percent(1_000))),
        (" 12.5 % ", Some(Discount::Percent(1_250))),
        ("100%", Some(Discount::Percent(10_000))),
        ("0.01%", Some(Discount::Percent(1))),
        ("25", Some(Discount::Amount(2_500))),
        ("1,234.50", Some(Discount::Amount(123_450))),
    ] {
        assert_eq!(typed(text), Ok(discount), "{text}");
    }
    for text in [
        "100.01%",
        "101%",
        "-5%",
        "-5",
        "%",
        "5%%",
        "12,5%",
        "1.234%",
        "10 percent",
        "=1",
        "5.001",
        "9999%",
        ".5%",
    ] {
        assert_eq!(field(typed(text)), "discount", "{text}");
    }
    for (discount, plain) in [
        (Discount::Percent(1_250), "12.5%"),
        (Discount::Percent(1), "0.01%"),
        (Discount::Amount(2_500), "25.00"),
    ] {
        assert_eq!(discount.plain(currency("eur")), plain);
        assert_eq!(typed(plain), Ok(Some(discount)));
    }
    let yen = Discount::typed("500", currency("jpy"));
    assert_eq!(yen, Ok(Some(Discount::Amount(500))));
}

#[test]
fn more_than_there_is_cannot_come_off() {
    let eur = currency("eur");
    let refusal = line(1_000, 0)
        .less(Some(Discount::Amount(1_001)), eur)
        .unwrap_err();
    assert_eq!(refusal.field(), Some("discount.amount"));
    let free = line(1_000, 0).less(Some(Discount::Amount(1_000)), eur).unwrap();
    assert_eq!((free.discount_minor, free.amount_minor), (1_000, 0));
    // Said again it takes the place of what was said before.
    let again = free.less(Some(Discount::Percent(5_000)), eur).unwrap();
    assert_eq!((again.discount_minor, again.amount_minor), (500, 500));
    let lines = [line(600, 0), again];
    assert!(totals(&lines, Some(Discount::Amount(1_100)), eur).is_ok());
    let refusal = totals(&lines, Some(Discount::Amount(1_101)), eur).unwrap_err();
    assert_eq!(refusal.field(), Some("discount.amount"));
    assert!(totals(&[], Some(Discount::Percent(1_000)), eur).is_ok());
}

#[test]
fn tax_is_on_what_is_left_and_the_cents_go_where_most_was_lost() {
    let eur = currency("eur");
    // 100.00 at 19 %, 50.00 at 7 %, 50.00 without: 10 % off is 10.00, 5.00 and 5.00.
    let lines = [line(10_000, 19_000), line(5_000, 7_000), line(5_000, 0)];
    let sums = totals(&lines, Some(Discount::Percent(1_000)), eur).unwrap();
    assert_eq!((sums.subtotal_minor, sums.discount_minor), (20_000, 2_000));
    let bases: Vec<i64> = sums.taxes.iter().map(|tax| tax.base_minor).collect();
    assert_eq!(bases, [4_500, 9_000]);
    assert_eq!(
        (sums.tax_minor, sums.total.minor()),
        (315 + 1_710, 18_000 + 2_025)
    );
    // 1.00 off three lines of 3.33: 33 + 33 + 33, and the cent that is left is the first one's.
    let thirds = [line(333, 0), line(333, 0), line(333, 0)];
    assert_eq!(shares(&thirds, 100), [34, 33, 33]);
    // 0.10 off 0.01, 0.98 and 0.01: 0.1 and 9.8 and 0.1 cents.
    let uneven = [line(1, 0), line(98, 0), line(1, 0)];
    assert_eq!(shares(&uneven, 10), [0, 10, 0]);
    assert_eq!(shares(&[line(0, 0), line(7, 0)], 7), [0, 7]);
    assert_eq!(shares(&[], 0), Vec::<i64>::new());
}

fn any_line() -> impl Strategy<Value = Line> {
    let discount = prop_oneof![
        Just(None),
        (1_i64..=10_000).prop_map(|bps| Some(Discount::Percent(bps))),
        (0_i64..=10_000).prop_map(|share| Some(Discount::Amount(share))),
    ];
    let rate = prop_oneof![Just(0_i64), Just(7_000), Just(8_875), Just(19_000)];
    (0_i64..100_000, rate, discount).prop_map(|(minor, rate, discount)| {
        let discount = match discount {
            Some(Discount::Amount(share)) => Discount::of(None, Some(minor * share / 10_000)).unwrap(),
            other => other,
        };
        line(minor, rate).less(discount, currency("eur")).unwrap()
    })
}

proptest! {
    #[test]
    fn shares_add_up_and_are_within_a_cent_of_what_is_fair(
        lines in prop::collection::vec(any_line(), 1..40),
        part in 0_i64..=10_000,
    ) {
        let sum: i64 = lines.iter().map(|line| line.amount_minor).sum();
        let off = sum * part / 10_000;
        let shares = shares(&lines, off);
        prop_assert_eq!(shares.iter().sum::<i64>(), off);
        for (line, share) in lines.iter().zip(&shares) {
            prop_assert!((0..=line.amount_minor).contains(share));
            let fair = i128::from(off) * i128::from(line.amount_minor);
            let error = i128::from(*share) * i128::from(sum) - fair;
            prop_assert!(error.abs() < i128::from(sum.max(1)));
        }
        let after = after(&lines, off);
        prop_assert_eq!(after.iter().map(|line| line.amount_minor).sum::<i64>(), sum - off);
    }

    #[test]
    fn what_is_to_be_paid_adds_up_and_is_never_below_nothing_nor_above_the_undiscounted(
        lines in prop::collection::vec(any_line(), 1..40),
        percent in any::<bool>(),
        part in 1_i64..=10_000,
    ) {
        let eur = currency("eur");
        let sum: i64 = lines.iter().map(|line| line.amount_minor).sum();
        let discount = match percent {
            true => Some(Discount::Percent(part)),
            false => Discount::of(None, Some(sum * part / 10_000)).unwrap(),
        };
        let (with, without) = (totals(&lines, discount, eur).unwrap(), totals(&lines, None, eur).unwrap());
        prop_assert_eq!(with.subtotal_minor, sum);
        prop_assert_eq!(without.discount_minor, 0);
        prop_assert!((0..=sum).contains(&with.discount_minor));
        prop_assert_eq!(with.total.minor(), sum - with.discount_minor + with.tax_minor);
        prop_assert!(with.total.minor() >= 0 && with.total.minor() <= without.total.minor());
        prop_assert!(with.tax_minor >= 0 && with.tax_minor <= without.tax_minor);
        prop_assert_eq!(with.tax_minor, with.taxes.iter().map(|tax| tax.tax_minor).sum::<i64>());
        let untaxed: i64 = after(&lines, with.discount_minor).iter()
            .filter(|line| line.tax_rate.thousandths_of_percent() == 0)
            .map(|line| line.amount_minor).sum();
        let taxed: i64 = with.taxes.iter().map(|tax| tax.base_minor).sum();
        prop_assert_eq!(taxed + untaxed, sum - with.discount_minor);
        for tax in &with.taxes {
            let error = tax.tax_minor * 100_000 - tax.base_minor * tax.rate.thousandths_of_percent();
            prop_assert!((-50_000..=50_000).contains(&error));
        }
        if let Some(Discount::Percent(bps)) = discount {
            prop_assert!((with.discount_minor * 10_000 - sum * bps).abs() <= 5_000);
        }
    }

    #[test]
    fn a_line_is_its_price_less_its_discount(line in any_line()) {
        let whole = line.quantity.thousandths() * line.unit_price_minor / 1_000;
        prop_assert_eq!(line.amount_minor + line.discount_minor, whole);
        prop_assert!(line.amount_minor >= 0 && line.discount_minor >= 0);
        prop_assert_eq!(line.discount.is_none() && line.discount_minor != 0, false);
    }

    #[test]
    fn a_discount_is_read_back_as_it_is_written(bps in 1_i64..=10_000, minor in 1_i64..99_999_999) {
        let eur = currency("eur");
        for discount in [Discount::Percent(bps), Discount::Amount(minor)] {
            prop_assert_eq!(Discount::typed(&discount.plain(eur), eur), Ok(Some(discount)));
            let stored = Discount::stored(discount.percent_bps(), discount.amount_minor());
            prop_assert_eq!(stored, Some(discount));
        }
    }
}
