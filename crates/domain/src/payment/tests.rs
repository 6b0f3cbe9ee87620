//! Every state of payments times every input, and events in any order.

use proptest::prelude::*;

use super::*;
use crate::Currency;

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::parse("usd").unwrap())
}

/// Every state times every status times both kinds of evidence, printed as one table. Rows: what we know;
/// columns: what was seen, in the order of `IntentStatus::ALL`. `=` same, `>` moves, `<` stale, `?` retrieve.
#[test]
fn every_state_times_every_observation() {
    let mut table = String::new();
    for evidence in [Evidence::Snapshot, Evidence::Current] {
        for known in PaymentState::all() {
            let row: String = IntentStatus::ALL
                .into_iter()
                .map(|seen| match merge(known, seen, evidence) {
                    Merge::Same => '=',
                    Merge::Move(to) => {
                        assert_eq!(to, PaymentState::At(seen));
                        '>'
                    }
                    Merge::Stale => '<',
                    Merge::Retrieve => '?',
                })
                .collect();
            table.push_str(&format!("{row} {}\n", known.word()));
        }
    }
    let expected = "\
>>>>>>> creating
>>>>>>> failed
=????>> requires_payment_method
?=???>> requires_confirmation
??=??>> requires_action
???=?>> processing
????=>> requires_capture
<<<<<=< succeeded
<<<<<>= canceled
>>>>>>> creating
>>>>>>> failed
=>>>>>> requires_payment_method
>=>>>>> requires_confirmation
>>=>>>> requires_action
>>>=>>> processing
>>>>=>> requires_capture
<<<<<=< succeeded
<<<<<>= canceled
";
    assert_eq!(table, expected);
}

/// Every invoice state times every live payment, with and without an unresolved operation.
#[test]
fn every_press_on_pay() {
    let mut table = String::new();
    let word = |result: Result<Begin, Refusal>| match result {
        Ok(begin) => format!("{begin:?}"),
        Err(refusal) => format!("!{}", refusal.code()),
    };
    for state in InvoiceState::ALL {
        table.push_str(&format!(
            "{} {}\n",
            state.word(),
            word(begin(state, usd(100), usd(100), true, None))
        ));
    }
    let open = |live| word(begin(InvoiceState::Open, usd(100), usd(100), true, Some(live)));
    for state in PaymentState::all() {
        let live = Live {
            state,
            declines: 0,
            unresolved: false,
            amount: usd(100),
        };
        let worn = open(Live {
            declines: DECLINES_MAX,
            ..live
        });
        let other = open(Live {
            amount: usd(90),
            ..live
        });
        let unresolved = open(Live {
            unresolved: true,
            ..live
        });
        table.push_str(&format!(
            "{} {} {worn} {other} {unresolved}\n",
            state.word(),
            open(live)
        ));
    }
    let busy = "!payment_in_progress";
    let expected = format!(
        "\
draft !invoice_draft
open Create
processing {busy}
paid !invoice_paid
void !invoice_void
creating {busy} {busy} {busy} {busy}
failed {busy} {busy} {busy} {busy}
requires_payment_method Confirm Replace Replace {busy}
requires_confirmation Confirm Replace Replace {busy}
requires_action Replace Replace Replace {busy}
processing {busy} {busy} {busy} {busy}
requires_capture {busy} {busy} {busy} {busy}
succeeded !invoice_paid !invoice_paid !invoice_paid {busy}
canceled Create Create Create {busy}
"
    );
    assert_eq!(table, expected);
}

#[test]
fn the_payer_pays_the_amount_they_saw_or_nothing() {
    let changed = begin(InvoiceState::Open, usd(100), usd(99), true, None);
    assert_eq!(
        changed,
        Err(Refusal::AmountChanged {
            amount_now: "1.00 USD".to_owned()
        })
    );
    let eur = Money::new(100, Currency::parse("eur").unwrap());
    assert!(matches!(
        begin(InvoiceState::Open, usd(100), eur, true, None),
        Err(Refusal::AmountChanged { .. })
    ));
}

#[test]
fn an_account_that_cannot_charge_starts_nothing() {
    let refused = begin(InvoiceState::Open, usd(100), usd(100), false, None);
    assert_eq!(refused, Err(Refusal::PaymentsUnavailable));
}

#[test]
fn an_invoice_takes_up_what_it_is_owed_and_no_more() {
    assert_eq!(applied(InvoiceState::Open, 100, 100), 100);
    assert_eq!(applied(InvoiceState::Open, 100, 150), 100);
    assert_eq!(applied(InvoiceState::Open, 100, 40), 40);
    assert_eq!(applied(InvoiceState::Paid, 0, 100), 0);
    assert_eq!(applied(InvoiceState::Paid, -5, 100), 0);
    assert_eq!(applied(InvoiceState::Void, 100, 100), 0);
    assert_eq!(applied(InvoiceState::Draft, 100, 100), 0);
}

#[test]
fn states_are_read_back_as_written() {
    for state in PaymentState::all() {
        assert_eq!(PaymentState::from_word(state.word()), Some(state));
    }
    for status in IntentStatus::ALL {
        assert_eq!(IntentStatus::from_word(status.word()), Some(status));
    }
    assert_eq!(IntentStatus::from_word("requires_source"), None);
}

/// Applies snapshots in the given order; where the merge asks, the truth is retrieved.
fn settle(order: &[IntentStatus], truth: IntentStatus) -> PaymentState {
    order.iter().fold(PaymentState::Creating, |known, seen| {
        match merge(known, *seen, Evidence::Snapshot) {
            Merge::Same | Merge::Stale => known,
            Merge::Move(to) => to,
            Merge::Retrieve => match merge(known, truth, Evidence::Current) {
                Merge::Move(to) => to,
                Merge::Same | Merge::Stale | Merge::Retrieve => known,
            },
        }
    })
}

/// The snapshots of a 3D Secure check that failed, the older one last: what is retrieved counts.
#[test]
fn a_late_snapshot_of_the_bank_check_does_not_bring_it_back() {
    let order = [IntentStatus::RequiresPaymentMethod, IntentStatus::RequiresAction];
    let truth = IntentStatus::RequiresPaymentMethod;
    assert_eq!(settle(&order, truth), PaymentState::At(truth));
}

proptest! {
    /// Declined, continued with 3D Secure, paid: whatever order and however often the events come.
    #[test]
    fn events_in_any_order_and_number_end_in_the_same_state(
        order in proptest::collection::vec(0_usize..4, 0..30),
    ) {
        let story = [
            IntentStatus::RequiresPaymentMethod,
            IntentStatus::RequiresAction,
            IntentStatus::Processing,
            IntentStatus::Succeeded,
        ];
        let mut seen: Vec<IntentStatus> = order.into_iter().map(|index| story[index]).collect();
        seen.push(IntentStatus::Succeeded);
        for turn in 0..seen.len() {
            seen.rotate_left(turn);
            let paid = IntentStatus::Succeeded;
            prop_assert_eq!(settle(&seen, paid), PaymentState::At(paid));
        }
    }
}
