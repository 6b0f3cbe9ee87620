//! Every movement with every owner, and what is booked of it.

use proptest::prelude::*;

use super::*;
use crate::ledger::{Account, Kind};

const MOVEMENTS: [(&str, Option<&str>, Movement); 16] = [
    ("charge", Some("ch_1"), Movement::Charge),
    ("payment", Some("py_1"), Movement::Charge),
    ("refund", Some("re_1"), Movement::Refund),
    ("payment_refund", Some("pyr_1"), Movement::Refund),
    ("refund_failure", Some("re_1"), Movement::Refund),
    ("adjustment", Some("dp_1"), Movement::Dispute),
    ("adjustment", Some("du_1"), Movement::Dispute),
    ("adjustment", None, Movement::Other),
    ("application_fee", Some("fee_1"), Movement::Share),
    ("application_fee_refund", Some("fr_1"), Movement::ShareBack),
    ("stripe_fee", None, Movement::AccountFee),
    ("payout", Some("po_1"), Movement::Payout),
    ("payout_failure", Some("po_1"), Movement::PayoutReturn),
    ("payout_cancel", Some("po_1"), Movement::PayoutReturn),
    ("topup", Some("tu_1"), Movement::Other),
    ("of a later version", Some("x_1"), Movement::Other),
];

fn of(minor: i64, code: &str) -> Money {
    money(minor, code).unwrap()
}

fn plain(amount: i64, net: i64) -> Amounts {
    Amounts {
        amount: of(amount, "usd"),
        net_minor: net,
        application_fee_minor: 0,
        presented: Some(of(amount.abs(), "usd")),
        presented_fee_minor: 0,
    }
}

fn clearing(booked: &[Transaction], code: &str) -> i64 {
    let of_currency = booked.iter().filter(|one| one.currency().code() == code);
    of_currency
        .flat_map(Transaction::entries)
        .filter(|entry| entry.account == Account::StripeClearing)
        .map(|entry| entry.amount_minor)
        .sum()
}

#[test]
fn every_type_is_a_movement() {
    for (type_, source, movement) in MOVEMENTS {
        assert_eq!(Movement::of(type_, source), movement, "{type_}");
    }
    for known in Attribution::ALL {
        assert_eq!(Attribution::from_word(known.word()), Some(known));
    }
    assert_eq!(Attribution::from_word("nobody's"), None);
}

#[test]
fn every_movement_of_every_owner_is_attributed() {
    for (type_, source, movement) in MOVEMENTS {
        let ours = attribute(movement, Owner::Ours);
        let undecided = attribute(movement, Owner::Undecided);
        let others = attribute(movement, Owner::Others);
        match movement {
            // Whoever made it, it is what it is.
            Movement::Payout | Movement::PayoutReturn | Movement::AccountFee | Movement::Other => {
                assert_eq!((ours, undecided), (others, others), "{type_} {source:?}");
                assert_ne!(ours, Attribution::Waiting);
            }
            Movement::Charge
            | Movement::Refund
            | Movement::Dispute
            | Movement::Share
            | Movement::ShareBack => {
                assert_eq!((undecided, others), (Attribution::Waiting, Attribution::External));
                assert!(
                    !matches!(ours, Attribution::Waiting | Attribution::External),
                    "{type_}"
                );
            }
        }
    }
}

#[test]
fn what_is_ours_and_in_one_currency_is_booked_by_its_own_flow() {
    for attribution in [
        Attribution::Payment,
        Attribution::Refund,
        Attribution::Dispute,
        Attribution::ApplicationFee,
        Attribution::ApplicationFeeRefund,
        Attribution::Waiting,
    ] {
        let booked = postings(attribution, Movement::Charge, &plain(12_345, 11_587)).unwrap();
        assert_eq!(booked, Vec::new(), "{attribution:?}");
    }
}

#[test]
fn what_no_flow_books_is_one_line_of_its_net() {
    let wanted = [
        (
            Attribution::External,
            Movement::Charge,
            plain(900, 844),
            Kind::External,
            844,
        ),
        (
            Attribution::External,
            Movement::Refund,
            plain(-900, -900),
            Kind::External,
            -900,
        ),
        (
            Attribution::Fee,
            Movement::AccountFee,
            plain(-200, -200),
            Kind::StripeFee,
            -200,
        ),
        (
            Attribution::Payout,
            Movement::Payout,
            plain(-5_000, -5_000),
            Kind::Payout,
            -5_000,
        ),
        (
            Attribution::Payout,
            Movement::PayoutReturn,
            plain(5_000, 5_000),
            Kind::PayoutReversal,
            5_000,
        ),
        // A payout that takes money back from the bank.
        (
            Attribution::Payout,
            Movement::Payout,
            plain(700, 700),
            Kind::Payout,
            700,
        ),
    ];
    for (attribution, movement, amounts, kind, net) in wanted {
        let booked = postings(attribution, movement, &amounts).unwrap();
        let kinds: Vec<Kind> = booked.iter().map(Transaction::kind).collect();
        assert_eq!((kinds, clearing(&booked, "usd")), (vec![kind], net));
    }
    // An instant payout costs something.
    let instant = postings(Attribution::Payout, Movement::Payout, &plain(-5_000, -5_050)).unwrap();
    assert_eq!((instant.len(), clearing(&instant, "usd")), (2, -5_050));
    assert!(postings(Attribution::External, Movement::Charge, &plain(0, 0)).is_err());
    assert!(moves_nothing(Attribution::External, &plain(30, 0)));
}

#[test]
fn a_difference_has_a_reason() {
    let reasons = [
        ((5, 1, 5, 1), None),
        ((0, 0, 0, 2), None),
        ((0, 0, 5, 1), Some(Difference::MissingPosting)),
        ((5, 2, 0, 0), Some(Difference::MissingAtStripe)),
        ((5, 2, 4, 1), Some(Difference::OtherAmount)),
    ];
    for ((books, postings, stripe, transactions), reason) in reasons {
        assert_eq!(Difference::between(books, postings, stripe, transactions), reason);
    }
}

proptest! {
    /// A charge of euros that Stripe settles in dollars: with what its flow books in euros nothing is left
    /// there, and with Stripe's fee, which is in dollars, the dollars are the net.
    #[test]
    fn an_exchange_leaves_nothing_behind(
        made in 50_i64..9_999_999, settled in 50_i64..9_999_999, share in 0_i64..40, fee in 0_i64..40,
        settled_share in 0_i64..40, back in any::<bool>()
    ) {
        let sign = if back { -1 } else { 1 };
        let (share, settled_share) = if back { (0, 0) } else { (share, settled_share) };
        let amounts = Amounts {
            amount: of(sign * settled, "usd"),
            net_minor: sign * settled - settled_share - fee,
            application_fee_minor: settled_share,
            presented: Some(of(made, "eur")),
            presented_fee_minor: share,
        };
        let attribution = if back { Attribution::Refund } else { Attribution::Payment };
        let movement = if back { Movement::Refund } else { Movement::Charge };
        let mut booked = postings(attribution, movement, &amounts).unwrap();
        prop_assert_eq!(clearing(&booked, "eur"), -(sign * made - share));
        if fee > 0 {
            booked.push(ledger::stripe_fee(of(fee, "usd")).unwrap());
        }
        prop_assert_eq!(clearing(&booked, "usd"), amounts.net_minor);
    }
}

#[test]
fn each_part_of_a_share_goes_back_once() {
    for (known, taken, part) in [
        (&[][..], &[][..], None),
        (&[1_000], &[], Some(1_000)),
        (&[1_000], &[1_000], None),
        (&[1_000, 2_000], &[1_000], Some(2_000)),
        (&[1_000, 2_000], &[2_000], Some(1_000)),
        (&[1_000, 1_000], &[1_000], Some(1_000)),
        (&[1_000, 1_000], &[1_000, 1_000], None),
        (&[1_000], &[500], Some(1_000)),
    ] {
        assert_eq!(part_back(known, taken), part, "{known:?} {taken:?}");
    }
}
