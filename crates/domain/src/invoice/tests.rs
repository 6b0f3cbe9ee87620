//! Every state of invoices times every input, and the arithmetic of what they add up to.

use proptest::prelude::*;

use super::*;

fn eur() -> Currency {
    Currency::parse("eur").unwrap()
}

fn line(quantity: &str, unit_minor: i64, rate: i64) -> Line {
    let rate = TaxRate::from_thousandths_of_percent(rate).unwrap();
    Line::new(
        "Managed workplace",
        Quantity::parse(quantity).unwrap(),
        Money::new(unit_minor, eur()),
        rate,
    )
    .unwrap()
}

#[test]
fn quantities_have_at_most_three_decimals() {
    for (text, thousandths) in [
        ("1", 1_000),
        ("0.5", 500),
        ("2.125", 2_125),
        ("999999999.999", 999_999_999_999),
    ] {
        assert_eq!(
            Quantity::parse(text).unwrap().thousandths(),
            thousandths,
            "{text}"
        );
        assert_eq!(Quantity::parse(text).unwrap().to_string(), text);
    }
    assert_eq!(Quantity::parse("1.500").unwrap().to_string(), "1.5");
    for text in [
        "",
        "0",
        "0.000",
        "-1",
        "+1",
        "1.",
        ".5",
        "1.2345",
        "1e3",
        "1,5",
        " 1",
        "1234567890",
        "1.2.3",
        "٣",
        "NaN",
    ] {
        assert!(Quantity::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_line_is_quantity_times_price_half_up() {
    assert_eq!(line("1", 12_345, 0).amount_minor, 12_345);
    assert_eq!(line("0.333", 1_000, 0).amount_minor, 333);
    assert_eq!(line("0.5", 1, 0).amount_minor, 1);
    assert_eq!(line("0.499", 1, 0).amount_minor, 0);
    assert_eq!(line("1.005", 100, 0).amount_minor, 101);
    assert_eq!(line("7.25", 9_500, 0).amount_minor, 68_875);
}

#[test]
fn tax_is_rounded_once_per_rate_on_that_rates_sum() {
    // Three lines of 0.33 at 19 %: 0.0627 each, 0.1881 together. Rounded per line it would be 0.18.
    let sums = totals(
        &[
            line("1", 33, 19_000),
            line("1", 33, 19_000),
            line("1", 33, 19_000),
        ],
        None,
        eur(),
    )
    .unwrap();
    assert_eq!(
        (sums.subtotal_minor, sums.tax_minor, sums.total.minor()),
        (99, 19, 118)
    );
    let mixed = totals(
        &[
            line("2", 5_000, 19_000),
            line("1", 1_999, 7_000),
            line("1", 100, 0),
        ],
        None,
        eur(),
    )
    .unwrap();
    assert_eq!(mixed.taxes.len(), 2);
    assert_eq!(
        (mixed.taxes[0].base_minor, mixed.taxes[0].tax_minor),
        (1_999, 140)
    );
    assert_eq!(
        (mixed.taxes[1].base_minor, mixed.taxes[1].tax_minor),
        (10_000, 1_900)
    );
    assert_eq!(mixed.total.minor(), 10_000 + 1_999 + 100 + 140 + 1_900);
    let new_york = totals(&[line("1", 10_000, 8_875)], None, eur()).unwrap();
    assert_eq!(new_york.tax_minor, 888);
    assert_eq!(new_york.taxes[0].rate.to_string(), "8.875%");
}

#[test]
fn bad_lines_are_refused_with_their_field() {
    let quantity = Quantity::parse("1").unwrap();
    let rate = TaxRate::from_thousandths_of_percent(0).unwrap();
    let field = |description: &str, minor: i64| {
        let refusal = Line::new(description, quantity, Money::new(minor, eur()), rate).unwrap_err();
        refusal.field().unwrap_or_default().to_owned()
    };
    assert_eq!(field("", 1), "description");
    assert_eq!(field("  ", 1), "description");
    assert_eq!(field("two\nlines", 1), "description");
    assert_eq!(field(&"x".repeat(501), 1), "description");
    assert_eq!(field("ok", -1), "unit_price");
    assert_eq!(field("ok", i64::MAX), "total");
    assert!(TaxRate::from_thousandths_of_percent(100_001).is_err());
    assert!(TaxRate::from_thousandths_of_percent(-1).is_err());
}

#[test]
fn sums_beyond_the_currencys_maximum_are_refused() {
    let big = line("1", 99_999_999, 0);
    assert!(totals(std::slice::from_ref(&big), None, eur()).is_ok());
    assert!(totals(&[big.clone(), big], None, eur()).is_err());
    assert!(totals(&[line("1", 99_999_999, 1_000)], None, eur()).is_err());
    assert!(totals(&vec![line("1", 1, 0); LINES_MAX + 1], None, eur()).is_err());
}

/// Every state times every input, printed as one table.
#[test]
fn every_state_times_every_input() {
    let mut table = String::new();
    let word = |result: Result<InvoiceState, Refusal>| match result {
        Ok(state) => state.word().to_owned(),
        Err(refusal) => format!("!{}", refusal.code()),
    };
    let unit = |result: Result<(), Refusal>| match result {
        Ok(()) => "ok".to_owned(),
        Err(refusal) => format!("!{}", refusal.code()),
    };
    let total = |minor| Money::new(minor, eur());
    for state in InvoiceState::ALL {
        let row = [
            state.word().to_owned(),
            unit(edit(state)),
            word(finalize(state, 1, total(100))),
            word(finalize(state, 0, total(0))),
            word(finalize(state, 1, total(49))),
            word(void(state, 0)),
            word(void(state, 1)),
            unit(payable(state)),
            observe(state, 0, false).word().to_owned(),
            observe(state, -5, true).word().to_owned(),
            observe(state, 5, true).word().to_owned(),
            observe(state, 5, false).word().to_owned(),
        ];
        table.push_str(&row.join(" "));
        table.push('\n');
    }
    let expected = "\
draft ok open !invoice_empty !amount_too_small void void !invoice_draft draft draft draft draft
open !invoice_finalized !invoice_finalized !invoice_finalized \
!invoice_finalized void !invoice_partly_paid ok \
paid paid processing open
processing !invoice_finalized !invoice_finalized !invoice_finalized \
!invoice_finalized !payment_in_progress \
!payment_in_progress !payment_in_progress paid paid processing open
paid !invoice_finalized !invoice_finalized !invoice_finalized \
!invoice_finalized !invoice_paid !invoice_paid !invoice_paid \
paid paid processing open
void !invoice_finalized !invoice_finalized !invoice_finalized \
!invoice_finalized !invoice_void !invoice_void !invoice_void \
void void void void
";
    assert_eq!(table, expected);
}

#[test]
fn states_are_read_back_as_written() {
    for state in InvoiceState::ALL {
        assert_eq!(InvoiceState::from_word(state.word()), Some(state));
    }
    assert_eq!(InvoiceState::from_word("paid?"), None);
}

proptest! {
    #[test]
    fn totals_add_up_and_do_not_depend_on_the_order_of_lines(
        rows in proptest::collection::vec((1_i64..50_000, 0_i64..20_000, 0_usize..4), 1..20),
    ) {
        let rates = [0, 7_000, 8_875, 19_000];
        let mut lines: Vec<Line> = rows.iter().map(|(quantity, unit, rate)| {
            let quantity = Quantity::from_thousandths(*quantity);
            let rate = TaxRate::from_thousandths_of_percent(rates[*rate]).unwrap();
            Line::new("x", quantity, Money::new(*unit, eur()), rate).unwrap()
        }).collect();
        let forward = totals(&lines, None, eur()).unwrap();
        lines.reverse();
        prop_assert_eq!(&totals(&lines, None, eur()).unwrap(), &forward);
        let sum: i64 = lines.iter().map(|line| line.amount_minor).sum();
        prop_assert_eq!(forward.subtotal_minor, sum);
        prop_assert_eq!(forward.total.minor(), sum + forward.tax_minor);
        for tax in &forward.taxes {
            let error = tax.tax_minor * 100_000 - tax.base_minor * tax.rate.thousandths_of_percent();
            prop_assert!((-50_000..=50_000).contains(&error));
        }
    }

    #[test]
    fn a_quantity_is_read_back_as_written(thousandths in 1_i64..1_000_000_000_000) {
        let quantity = Quantity::from_thousandths(thousandths);
        prop_assert_eq!(Quantity::parse(&quantity.to_string()), Ok(quantity));
    }
}

#[test]
fn typed_tax_rates_are_percentages() {
    let typed = |text: &str| {
        TaxRate::typed("tax", text)
            .ok()
            .map(TaxRate::thousandths_of_percent)
    };
    for (text, thousandths) in [
        ("19", 19_000),
        ("8.875", 8_875),
        (" 20 % ", 20_000),
        ("", 0),
        ("0", 0),
        ("100", 100_000),
        ("7.7", 7_700),
    ] {
        assert_eq!(typed(text), Some(thousandths), "{text}");
    }
    for text in ["100.001", "101", "-1", "8,875", "1.2345", "abc", "9999"] {
        assert_eq!(typed(text), None, "{text}");
    }
}
