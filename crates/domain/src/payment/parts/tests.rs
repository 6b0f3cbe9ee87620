//! Every small set of invoices times every amount, and what holds of any.

use proptest::prelude::*;

use super::*;
use crate::payment::applied;
use crate::{Currency, Timestamp};

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::parse("usd").unwrap())
}

fn code(owed: &[i64], chosen: i64, parts: PartsAllowed) -> String {
    let owed: Vec<Money> = owed.iter().map(|minor| usd(*minor)).collect();
    match ask(&owed, usd(chosen), parts) {
        Ok(asked) => format!("{asked:?}"),
        Err(refusal) => refusal.code().to_owned(),
    }
}

#[test]
fn what_a_payer_may_choose() {
    let some = PartsAllowed::AtLeast(1_000);
    let none = PartsAllowed::No;
    for (owed, chosen, parts, expected) in [
        (&[10_000][..], 10_000, none, "[10000]"),
        (&[10_000], 9_999, none, "amount_changed"),
        (&[10_000], 10_001, none, "amount_changed"),
        (&[10_000], 10_001, some, "amount_changed"),
        (&[10_000], 5_000, some, "[5000]"),
        (&[10_000], 1_000, some, "[1000]"),
        (&[10_000], 999, some, "part_too_small"),
        (&[10_000], 0, some, "part_too_small"),
        (&[10_000], -5, some, "part_too_small"),
        (&[10_000], 9_950, some, "[9950]"),
        (&[10_000], 9_951, some, "rest_too_small"),
        (&[10_000], 9_999, some, "rest_too_small"),
        // The last part may be smaller than the minimum, when it pays the rest.
        (&[600], 600, some, "[600]"),
        (&[600], 599, some, "part_too_small"),
        // Stripe's own minimum holds whatever the tenant set.
        (&[10_000], 49, PartsAllowed::AtLeast(1), "part_too_small"),
        (&[10_000], 50, PartsAllowed::AtLeast(1), "[50]"),
        (&[49], 49, some, "amount_too_small"),
        // Several invoices.
        (&[3_000, 5_000], 8_000, none, "[3000, 5000]"),
        (&[3_000, 5_000], 7_000, none, "amount_changed"),
        (&[3_000, 5_000], 7_000, some, "[3000, 4000]"),
        (&[3_000, 5_000], 3_050, some, "[3000, 50]"),
        (&[3_000, 5_000], 3_049, some, "part_too_small"),
        (&[3_000, 5_000], 2_000, some, "part_too_small"),
        (&[3_000, 30], 3_030, some, "[3000, 30]"),
        (&[3_000, 30], 3_029, some, "part_too_small"),
        (&[3_000, 5_000], 7_990, some, "rest_too_small"),
        (&[30, 5_000], 5_030, none, "[30, 5000]"),
        (&[0, 5_000], 5_000, none, "[0, 5000]"),
        (&[], 0, none, "amount_too_small"),
    ] {
        assert_eq!(
            code(owed, chosen, parts),
            expected,
            "{chosen} of {owed:?} with {parts:?}"
        );
    }
}

#[test]
fn another_currency_is_another_amount() {
    let eur = Money::new(100, Currency::parse("eur").unwrap());
    let refused = ask(&[usd(100)], eur, PartsAllowed::No);
    let amount_now = "1.00 USD".to_owned();
    assert_eq!(refused, Err(Refusal::AmountChanged { amount_now }));
}

#[test]
fn the_refusals_name_amounts_that_are_taken() {
    let some = PartsAllowed::AtLeast(1_000);
    for chosen in 9_951..10_000 {
        let Err(Refusal::RestTooSmall { at_most, all }) = ask(&[usd(10_000)], usd(chosen), some) else {
            panic!("{chosen} is taken");
        };
        assert_eq!((at_most.as_str(), all.as_str()), ("99.50 USD", "100.00 USD"));
    }
    assert_eq!(code(&[10_000], 9_950, some), "[9950]");
    let Err(Refusal::PartTooSmall { minimum }) = ask(&[usd(10_000)], usd(1), some) else {
        panic!("1 is taken");
    };
    assert_eq!(minimum, "10.00 USD");
}

#[test]
fn money_goes_to_what_is_due_first() {
    let id = |n: i64| InvoiceId::new(Timestamp::from_ms(n), 0);
    let sorted = [
        Turn::of(Some("2026-01-31"), &id(9)),
        Turn::of(Some("2026-02-01"), &id(1)),
        Turn::of(Some("2026-02-01"), &id(2)),
        Turn::of(None, &id(0)),
        Turn::of(None, &id(5)),
    ];
    for turned in 0..sorted.len() {
        let mut turns = sorted.to_vec();
        turns.rotate_left(turned);
        turns.sort();
        assert_eq!(turns, sorted);
    }
}

/// Every amount of up to three invoices of up to three units, with a currency whose minimum is one unit.
#[test]
fn every_small_split_gives_all_and_fills_each_before_the_next() {
    for owed in (0..64).map(|n| [n % 4, n / 4 % 4, n / 16]) {
        for amount in 0..=12 {
            let taken = split(&owed, amount);
            let total: i64 = taken.iter().sum();
            assert_eq!(total, amount.min(owed.iter().sum()), "{amount} of {owed:?}");
            let mut full = true;
            for (owed, taken) in owed.iter().zip(&taken) {
                assert!(
                    (0..=*owed).contains(taken) && (full || *taken == 0),
                    "{amount}: {taken}"
                );
                full = full && taken == owed;
            }
        }
    }
}

/// Every state of two invoices, with every small amount asked, owed and received.
#[test]
fn every_small_arrival_is_taken_up_as_far_as_something_is_owed() {
    let mut one = Vec::new();
    for state in InvoiceState::ALL {
        for (asked, owed) in (0..9).map(|n| (n / 3 + 1, n % 3)) {
            one.push(Arriving { state, asked, owed });
        }
    }
    for first in &one {
        for second in &one {
            for received in 0..8 {
                let pair = [*first, *second];
                let taken = take_up(&pair, received);
                let room = pair.map(|one| applied(one.state, one.owed, i64::MAX));
                let all: i64 = room.iter().sum();
                assert_eq!(
                    taken.iter().sum::<i64>(),
                    received.min(all),
                    "{received} {pair:?}"
                );
                assert!((0..=room[0]).contains(&taken[0]) && (0..=room[1]).contains(&taken[1]));
                // The second gets nothing before the first has what was asked for it, and nothing beyond what
                // was asked for it while the first is owed more.
                let filled = room[0].min(first.asked);
                assert!(taken[0] >= received.min(filled), "{received} {pair:?}");
                assert!(
                    taken[1] <= second.asked || taken[0] == room[0],
                    "{received} {pair:?}"
                );
            }
        }
    }
}

proptest! {
    #[test]
    fn what_is_asked_for_is_what_was_chosen_and_leaves_what_can_be_charged(
        owed in proptest::collection::vec(0_i64..20_000, 1..8),
        chosen in 0_i64..100_000,
        minimum in 0_i64..10_000,
        code in 0_usize..5,
    ) {
        let currency = Currency::parse(["usd", "jpy", "kwd", "isk", "huf"][code]).unwrap();
        let moneys: Vec<Money> = owed.iter().map(|minor| Money::new(*minor, currency)).collect();
        let chosen = Money::new(chosen, currency);
        let all: i64 = owed.iter().sum();
        if let Ok(asked) = ask(&moneys, chosen, PartsAllowed::AtLeast(minimum)) {
            prop_assert_eq!(asked.iter().sum::<i64>(), chosen.minor());
            prop_assert!(chosen.chargeable().is_ok());
            prop_assert!(chosen.minor() == all || chosen.minor() >= minimum);
            for (owed, asked) in owed.iter().zip(&asked) {
                prop_assert!(*owed == 0 || *asked > 0, "each gets something");
                let rest = owed - asked;
                prop_assert!(rest == 0 || rest >= currency.minimum());
            }
        }
        // Where parts are not allowed, all or nothing.
        let whole = ask(&moneys, chosen, PartsAllowed::No);
        prop_assert!(whole.is_err() || chosen.minor() == all);
    }
}
