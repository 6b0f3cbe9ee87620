//! Every state of refunds times every input, snapshots in any order, and sums that come out even in any cut.

use proptest::prelude::*;

use super::*;
use crate::Currency;

fn usd() -> Currency {
    Currency::parse("usd").unwrap()
}

fn newer() -> RefundStatus {
    RefundStatus::from_word("reviewing")
}

/// Rows: what we know; columns: what was seen, in the order of `RefundStatus::KNOWN` and then a word of a
/// newer version. `=` same, `>` moves, `<` stale, `?` retrieve.
#[test]
fn every_state_times_every_observation() {
    let mut table = String::new();
    for evidence in [Evidence::Snapshot, Evidence::Current] {
        for known in RefundState::known().chain([RefundState::At(newer())]) {
            let row: String = RefundStatus::KNOWN
                .into_iter()
                .chain([newer()])
                .map(|seen| match merge(&known, &seen, evidence) {
                    Merge::Same => '=',
                    Merge::Move => '>',
                    Merge::Stale => '<',
                    Merge::Retrieve => '?',
                })
                .collect();
            table.push_str(&format!("{row} {}\n", known.word()));
        }
    }
    let expected = "\
>>>>>> requested
>>>>>> rejected
=?>>>? pending
?=>>>? requires_action
<<=>>< succeeded
<<<=<< failed
<<<<=< canceled
??>>>= reviewing
>>>>>> requested
>>>>>> rejected
=>>>>> pending
>=>>>> requires_action
<<=>>< succeeded
<<<=<< failed
<<<<=< canceled
>>>>>= reviewing
";
    assert_eq!(table, expected);
}

#[test]
fn every_state_says_what_it_holds() {
    let mut table = String::new();
    for state in RefundState::known().chain([RefundState::At(newer())]) {
        assert_eq!(RefundState::from_word(state.word()), state);
        let flag = |letter, is| if is { letter } else { '-' };
        table.push(flag('r', state.is_reserved()));
        table.push(flag('d', state.is_refunded()));
        table.push(flag('w', state.is_under_way()));
        table.push_str(&format!(" {}\n", state.word()));
    }
    let expected = "\
r-w requested
--- rejected
r-w pending
r-w requires_action
rd- succeeded
--- failed
--- canceled
r-w reviewing
";
    assert_eq!(table, expected);
}

#[test]
fn choices_are_read_as_they_are_written() {
    for one in Settlement::ALL {
        assert_eq!(Settlement::from_word(one.word()), Some(one));
    }
    for one in FeeChoice::ALL {
        assert_eq!(FeeChoice::from_word(one.word()), Some(one));
    }
    assert_eq!(Settlement::from_word("kept"), None);
    assert_eq!(FeeChoice::from_word("forgiven"), None);
}

#[test]
fn what_may_be_asked_for() {
    let standing = |received, reserved, disputed| Standing {
        received,
        reserved,
        disputed,
    };
    let left = |text: &str| {
        Err(Refusal::from(Refused::TooMuch {
            left: text.to_owned(),
        }))
    };
    for (standing, wanted, expected) in [
        (standing(10_000, 0, 0), None, Ok(10_000)),
        (standing(10_000, 4_000, 0), None, Ok(6_000)),
        (standing(10_000, 4_000, 0), Some(6_000), Ok(6_000)),
        (standing(10_000, 4_000, 0), Some(6_001), left("60.00 USD")),
        (standing(10_000, 10_000, 0), None, left("0.00 USD")),
        (standing(10_000, 10_500, 0), Some(1), left("0.00 USD")),
        (standing(0, 0, 0), None, Err(Refused::NotRefundable.into())),
        (standing(10_000, 0, 1), Some(1), Err(Refused::Disputed.into())),
    ] {
        assert_eq!(
            request(standing, wanted, usd()),
            expected,
            "{standing:?} {wanted:?}"
        );
    }
    for wanted in [0, -1, i64::MIN] {
        let refused = request(standing(10_000, 0, 0), Some(wanted), usd());
        assert_eq!(refused.unwrap_err().field(), Some("amount"));
    }
    assert_eq!(standing(i64::MAX, i64::MIN, 0).refundable(), i64::MAX);
}

#[test]
fn what_stripe_refuses_is_told_in_our_words() {
    let told = |code, param| Refused::by_stripe(code, param, "1.00 USD".to_owned()).code();
    assert_eq!(told(Some("charge_disputed"), None), "charge_disputed");
    assert_eq!(told(Some("refund_disputed_payment"), None), "charge_disputed");
    assert_eq!(
        told(Some("charge_already_refunded"), None),
        "refund_exceeds_payment"
    );
    assert_eq!(told(None, Some("amount")), "refund_exceeds_payment");
    assert_eq!(told(Some("balance_insufficient"), None), "balance_insufficient");
    assert_eq!(told(Some("account_invalid"), None), "account_disconnected");
    assert_eq!(told(Some("parameter_unknown"), Some("amount")), "refund_refused");
    assert_eq!(told(None, None), "refund_refused");
    let codes: std::collections::BTreeSet<_> = Refused::all().iter().map(Refused::code).collect();
    assert_eq!(codes.len(), Refused::all().len());
    for refused in Refused::all() {
        assert!(refused.to_string().ends_with('.'), "{refused}");
    }
}

#[test]
fn a_refund_of_one_of_two_payments_leaves_the_invoice_paid() {
    // 100.00 is owed and paid twice: the second is credit, and either refund takes that.
    assert_eq!(
        take(10_000, &[10_000], &[10_000]),
        Taken {
            credits: vec![10_000],
            parts: vec![0],
            rest: 0
        }
    );
    // Once the credit is used up, the invoice gives.
    assert_eq!(
        take(10_000, &[2_500], &[10_000]),
        Taken {
            credits: vec![2_500],
            parts: vec![7_500],
            rest: 0
        }
    );
    assert_eq!(take(10_000, &[], &[]).rest, 10_000);
}

/// Every amount and every fee up to forty, cut into two at every place, and given back in either order.
#[test]
fn two_partial_fee_refunds_are_the_whole() {
    for received in 1..=40 {
        for fee in 0..received {
            for first in 0..=received {
                let one = fee_back(fee, received, first, 0);
                let two = fee_back(fee, received, received, one);
                assert_eq!(one + two, fee, "{fee} of {received}, {first} first");
                // Half up: never more than half a unit from the exact part.
                assert!(
                    (one * received - fee * first).abs() * 2 <= received,
                    "{fee} of {received}, {first}"
                );
            }
        }
    }
}

#[test]
fn the_examples_of_the_fee_that_goes_back() {
    assert_eq!(fee_back(370, 12_345, 12_345, 0), 370);
    assert_eq!(fee_back(370, 12_345, 5_000, 0), 150);
    assert_eq!(fee_back(370, 12_345, 10_000, 150), 150);
    assert_eq!(fee_back(370, 12_345, 12_345, 300), 70);
    assert_eq!(fee_back(0, 12_345, 12_345, 0), 0);
    // Somebody at the platform has given all of it back already.
    assert_eq!(fee_back(370, 12_345, 12_345, 370), 0);
    assert_eq!(fee_back(370, 12_345, 12_345, 400), 0);
}

#[test]
fn the_sentence_says_what_becomes_of_the_fee_and_of_the_invoice() {
    let one = [(Some("INV-000007".to_owned()), 5_000)];
    let less = [(Some("INV-000007".to_owned()), 4_000)];
    let told = Told {
        state: &RefundState::At(RefundStatus::Succeeded),
        amount: Money::new(5_000, usd()),
        settlement: Settlement::StillOwed,
        invoices: &one,
        out_of_credit: 0,
        fee: FeeChoice::Kept,
        whole_fee: 370,
        fee_kept: 370,
        fee_back: 0,
    };
    assert_eq!(
        tell(&told),
        "50.00 USD went back to the payer. 50.00 USD is owed again on invoice INV-000007. The platform keeps \
         its fee of 3.70 USD."
    );
    let returned = Told {
        settlement: Settlement::Forgiven,
        fee: FeeChoice::Returned,
        fee_back: 150,
        fee_kept: 220,
        out_of_credit: 1_000,
        invoices: &less,
        ..told
    };
    assert_eq!(
        tell(&returned),
        "50.00 USD went back to the payer. 10.00 USD of it is credit that the client had not used. 40.00 USD \
         of invoice INV-000007 is forgiven by a credit note, and nothing is owed for it. Of the platform's \
         fee of 3.70 USD, 1.50 USD goes back to your Stripe account."
    );
    let several = [
        (Some("INV-000009".to_owned()), 500),
        (Some("INV-000008".to_owned()), 1_500),
        (Some("INV-000007".to_owned()), 3_000),
    ];
    let owed = Told {
        invoices: &several,
        ..told
    };
    assert_eq!(
        tell(&owed),
        "50.00 USD went back to the payer. Owed again are 5.00 USD on invoice INV-000009, 15.00 USD on \
         invoice INV-000008 and 30.00 USD on invoice INV-000007. The platform keeps its fee of 3.70 USD."
    );
    let forgiven = Told {
        settlement: Settlement::Forgiven,
        ..owed
    };
    assert!(tell(&forgiven).contains(
        "5.00 USD of invoice INV-000009, 15.00 USD of invoice INV-000008 and 30.00 USD of invoice INV-000007 \
         are forgiven by a credit note each, and nothing is owed for them."
    ));
    let failed = Told {
        state: &RefundState::At(RefundStatus::Failed),
        ..told
    };
    assert_eq!(
        tell(&failed),
        "The refund of 50.00 USD failed: the money is back and can be refunded again."
    );
}

fn any_status() -> impl Strategy<Value = RefundStatus> {
    (0_usize..6).prop_map(|nth| RefundStatus::KNOWN.get(nth).cloned().unwrap_or_else(newer))
}

/// A life of a refund at Stripe: under way, perhaps given back, perhaps failed after all.
fn any_life() -> impl Strategy<Value = Vec<RefundStatus>> {
    (0_usize..8).prop_map(|nth| {
        use RefundStatus::{Canceled, Failed, Pending, RequiresAction, Succeeded};
        [
            vec![Succeeded],
            vec![Pending, Succeeded],
            vec![Succeeded, Failed],
            vec![Pending, Succeeded, Failed],
            vec![Pending, Failed],
            vec![RequiresAction, Canceled],
            vec![RequiresAction, Pending, Succeeded],
            vec![newer(), Pending, Failed],
        ][nth]
            .clone()
    })
}

proptest! {
    #[test]
    fn any_order_and_number_of_snapshots_ends_where_stripe_is(
        life in any_life(), order in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let last = life.last().cloned().unwrap();
        let mut known = RefundState::Requested;
        let all = order.iter().map(|index| index.get(&life).clone()).chain(life.iter().rev().cloned());
        for seen in all {
            match merge(&known, &seen, Evidence::Snapshot) {
                Merge::Move => known = RefundState::At(seen),
                // What is retrieved is where it is now.
                Merge::Retrieve => {
                    if merge(&known, &last, Evidence::Current) == Merge::Move {
                        known = RefundState::At(last.clone());
                    }
                }
                Merge::Same | Merge::Stale => {}
            }
        }
        prop_assert_eq!(known, RefundState::At(last));
    }

    #[test]
    fn what_is_over_never_moves(status in any_status(), current in any::<bool>()) {
        let evidence = if current { Evidence::Current } else { Evidence::Snapshot };
        for over in [RefundStatus::Failed, RefundStatus::Canceled] {
            let merged = merge(&RefundState::At(over), &status, evidence);
            prop_assert!(matches!(merged, Merge::Same | Merge::Stale));
        }
    }

    #[test]
    fn what_is_taken_adds_up_and_never_exceeds_what_is_offered(
        amount in 0_i64..100_000,
        credits in prop::collection::vec(0_i64..30_000, 0..4),
        parts in prop::collection::vec(0_i64..30_000, 0..4),
    ) {
        let taken = take(amount, &credits, &parts);
        let sum = taken.credits.iter().chain(&taken.parts).sum::<i64>();
        prop_assert_eq!(sum + taken.rest, amount);
        let offered = credits.iter().chain(&parts);
        for (taken, offered) in taken.credits.iter().chain(&taken.parts).zip(offered) {
            prop_assert!((0..=*offered).contains(taken));
        }
        // An invoice gives nothing while credit is left.
        let credit_left = credits.iter().sum::<i64>() > taken.credits.iter().sum::<i64>();
        prop_assert!(!credit_left || taken.parts.iter().sum::<i64>() == 0);
    }

    #[test]
    fn what_came_back_settles_no_more_than_is_owed(amount in 0_i64..100_000, owed in -1_000_i64..100_000) {
        let restored = restore(amount, owed);
        prop_assert_eq!(restored.applied + restored.credit, amount);
        prop_assert!(restored.applied >= 0 && restored.credit >= 0 && restored.applied <= owed.max(0));
        prop_assert!(restored.credit == 0 || restored.applied == owed.max(0));
    }

    /// Any cut of a payment, some refunds with the fee and some without: what went back of the fee is, after
    /// each, the nearest integer, and after the last what the whole would have been.
    #[test]
    fn partial_fee_refunds_add_up_to_the_whole(
        received in 1_i64..10_000_000, per_mille in 0_i64..200,
        cuts in prop::collection::vec(0_i64..1_000, 0..8),
    ) {
        let fee = received * per_mille / 1000;
        let mut ends: Vec<i64> = cuts.iter().map(|cut| received * cut / 1000).collect();
        ends.push(received);
        ends.sort_unstable();
        let mut so_far = 0;
        for end in ends {
            so_far += fee_back(fee, received, end, so_far);
            let error = i128::from(so_far) * i128::from(received) - i128::from(fee) * i128::from(end);
            prop_assert!(error.abs() * 2 <= i128::from(received));
        }
        prop_assert_eq!(so_far, fee);
    }

    /// A refund that failed after its part of the fee went back: the fee that went back counts, and never
    /// more than the fee goes back in all.
    #[test]
    fn the_fee_never_goes_back_twice(
        received in 1_i64..100_000, per_mille in 0_i64..200,
        refunds in prop::collection::vec((1_i64..50_000, any::<bool>()), 1..12),
    ) {
        let fee = received * per_mille / 1000;
        let (mut with_fee, mut so_far) = (0_i64, 0);
        for (amount, failed) in refunds {
            let amount = amount.min(received - with_fee);
            so_far += fee_back(fee, received, with_fee + amount, so_far);
            prop_assert!((0..=fee).contains(&so_far));
            if !failed {
                with_fee += amount;
            }
        }
    }
}

#[test]
fn the_sentence_about_the_fee_says_what_is_still_kept() {
    let succeeded = RefundState::At(RefundStatus::Succeeded);
    let failed = RefundState::At(RefundStatus::Failed);
    for (state, fee, fee_back, fee_kept, said) in [
        (
            &succeeded,
            FeeChoice::Kept,
            0,
            370,
            "The platform keeps its fee of 3.70 USD.",
        ),
        // A part went back with another refund.
        (
            &succeeded,
            FeeChoice::Kept,
            0,
            220,
            "Of its fee of 3.70 USD, the platform still keeps 2.20 USD:",
        ),
        // In Stripe's dashboard all of it was given back with the refund.
        (
            &succeeded,
            FeeChoice::Kept,
            0,
            0,
            "The platform's fee of 3.70 USD went back to your Stripe",
        ),
        (
            &succeeded,
            FeeChoice::Returned,
            150,
            220,
            "1.50 USD goes back to your Stripe account.",
        ),
        (
            &succeeded,
            FeeChoice::Returned,
            150,
            100,
            "the platform keeps 1.00 USD.",
        ),
        (
            &failed,
            FeeChoice::Returned,
            150,
            220,
            "1.50 USD of the platform's fee went back",
        ),
    ] {
        let told = words_of(state, fee, fee_back, fee_kept);
        assert!(told.contains(said), "{told}");
    }
    assert!(!words_of(&failed, FeeChoice::Kept, 0, 370).contains("fee"));
}

fn words_of(state: &RefundState, fee: FeeChoice, fee_back: i64, fee_kept: i64) -> String {
    tell(&Told {
        state,
        amount: Money::new(5_000, usd()),
        settlement: Settlement::StillOwed,
        invoices: &[],
        out_of_credit: 5_000,
        fee,
        whole_fee: 370,
        fee_back,
        fee_kept,
    })
}
