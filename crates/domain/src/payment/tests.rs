//! Every state of payments times every input, and events in any order.

use proptest::prelude::*;

use super::*;

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

/// Every live payment, fresh and worn, that fits and does not, with and without an unresolved operation; then
/// every pair of them.
#[test]
fn every_press_on_pay() {
    let mut table = String::new();
    let word = |result: Result<Begin, Refusal>| match result {
        Ok(begin) => format!("{begin:?}"),
        Err(refusal) => format!("!{}", refusal.code()),
    };
    table.push_str(&format!("nothing {}\n", word(begin(&[]))));
    for state in PaymentState::all() {
        let live = Live {
            state,
            declines: 0,
            unresolved: false,
            fits: true,
        };
        let worn = Live {
            declines: DECLINES_MAX,
            ..live
        };
        let other = Live { fits: false, ..live };
        let unresolved = Live {
            unresolved: true,
            ..live
        };
        let words = [live, worn, other, unresolved].map(|live| word(begin(&[live])));
        table.push_str(&format!("{} {}\n", state.word(), words.join(" ")));
    }
    let busy = "!payment_in_progress";
    let expected = format!(
        "\
nothing Create
creating {busy} {busy} {busy} {busy}
failed {busy} {busy} {busy} {busy}
requires_payment_method Confirm Replace(0) Replace(0) {busy}
requires_confirmation Confirm Replace(0) Replace(0) {busy}
requires_action Replace(0) Replace(0) Replace(0) {busy}
processing {busy} {busy} {busy} {busy}
requires_capture {busy} {busy} {busy} {busy}
succeeded !invoice_paid !invoice_paid !invoice_paid {busy}
canceled Create Create Create {busy}
"
    );
    assert_eq!(table, expected);
}

/// Of two live payments each is replaced before anything new is made, and neither is while the other is under
/// way.
#[test]
fn every_pair_of_live_payments() {
    let all = || {
        PaymentState::all().flat_map(|state| {
            [true, false].map(|fits| Live {
                state,
                declines: 0,
                unresolved: false,
                fits,
            })
        })
    };
    for first in all() {
        for second in all() {
            let alone = [begin(&[first]), begin(&[second])];
            let found = begin(&[first, second]);
            match alone {
                [Err(_), _] | [_, Err(_)] => assert!(found.is_err(), "{first:?} {second:?}"),
                [Ok(Begin::Create), Ok(Begin::Create)] => assert_eq!(found, Ok(Begin::Create)),
                [Ok(Begin::Create), Ok(_)] => assert_eq!(found, Ok(Begin::Replace(1))),
                [Ok(_), Ok(_)] => assert_eq!(found, Ok(Begin::Replace(0))),
            }
        }
    }
}

/// Every state of the invoice whose link was opened times every state of one that is paid with it.
#[test]
fn every_pair_of_invoices() {
    let mut table = String::new();
    for first in InvoiceState::ALL {
        let alone = payable(&[first], true);
        let row = InvoiceState::ALL.map(|second| match payable(&[first, second], true) {
            Ok(()) => "ok".to_owned(),
            Err(refusal) => refusal.code().to_owned(),
        });
        if let Err(refusal) = &alone {
            assert!(row.iter().all(|word| word == refusal.code()), "{row:?}");
        }
        let alone = alone.map_or_else(|refusal| refusal.code().to_owned(), |()| row.join(" "));
        table.push_str(&format!("{} {alone}\n", first.word()));
        let refused = payable(&[first], false);
        assert!(refused.is_err(), "an account that cannot charge starts nothing");
    }
    let expected = "\
draft invoice_draft
open invoices_changed ok payment_in_progress invoices_changed invoices_changed
processing payment_in_progress
paid invoice_paid
void invoice_void
";
    assert_eq!(table, expected);
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
