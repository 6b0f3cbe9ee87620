//! What a bank took for good: how much of it is taken from what its payment had paid, and how much of that
//! can be forgiven.

use super::{Outcome, Refused};
use crate::Money;
use crate::credit_note::{Outgoing, forgivable};

/// A payment of which a bank took money, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone {
    /// What had arrived.
    pub received: i64,
    /// What refunds gave back.
    pub refunded: i64,
    /// What was settled of the losses to banks, by decisions before this one.
    pub settled: i64,
    /// What a bank holds, and nothing was said of.
    pub open: i64,
}

/// How much of a loss is taken from what the payment had paid, in minor units. What was refunded or settled
/// is gone already: of what the bank took beyond that, nothing is left to be owed again or to be forgiven.
pub fn to_settle(gone: Gone) -> i64 {
    let still_here = gone
        .received
        .saturating_sub(gone.refunded)
        .saturating_sub(gone.settled);
    gone.open.min(still_here).max(0)
}

/// What each invoice's credit note over a loss comes to, in minor units and in the order of `invoices`:
/// nothing where it is still owed. What comes out of the client's unused credit needs none.
///
/// # Errors
/// [`Refused::NotForgivable`] where credit notes have given up a part of it before, whose credit the client
/// has used: the rest would be owed once more although nobody is to owe it.
pub fn forgive(outcome: Outcome, invoices: &[Outgoing], of_credit: Money) -> Result<Vec<i64>, Refused> {
    match outcome {
        Outcome::StillOwed => Ok(invoices.iter().map(|_| 0).collect()),
        Outcome::Forgiven => {
            let can_be = forgivable(invoices);
            let all = invoices.iter().zip(&can_be);
            if all
                .clone()
                .all(|(invoice, can_be)| invoice.taken_minor <= *can_be)
            {
                return Ok(can_be);
            }
            let left = can_be
                .iter()
                .fold(of_credit.minor(), |sum, one| sum.saturating_add(*one));
            let left = Money::new(left, of_credit.currency()).to_string();
            Err(Refused::NotForgivable { left })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispute::beyond;
    use crate::refund::{self, Standing};
    use crate::{Currency, Refusal};

    fn usd(minor: i64) -> Money {
        Money::new(minor, Currency::parse("usd").unwrap())
    }

    /// Every payment of up to 5 of which refunds gave back a part, and banks hold one, decided or not.
    fn all() -> impl Iterator<Item = Gone> {
        (0..=5_i64).flat_map(move |received| {
            (0..=received).flat_map(move |refunded| {
                (0..=received).flat_map(move |held| {
                    (0..=held.min(received - refunded)).map(move |settled| Gone {
                        received,
                        refunded,
                        settled,
                        open: held - settled,
                    })
                })
            })
        })
    }

    #[test]
    fn no_more_is_settled_than_was_received_and_the_rest_is_beyond() {
        for gone in all() {
            let settled = to_settle(gone);
            let left = gone.received - gone.refunded - gone.settled;
            assert!((0..=gone.open).contains(&settled) && settled <= left, "{gone:?}");
            assert_eq!(settled, gone.open.min(left), "{gone:?}");
            let held = gone.settled + gone.open;
            let more = beyond(usd(gone.received), gone.refunded, held).map_or(0, Money::minor);
            assert_eq!(
                gone.open - settled,
                more,
                "what is not settled is shown: {gone:?}"
            );
            let again = Gone {
                settled: gone.settled + settled,
                open: gone.open - settled,
                ..gone
            };
            assert_eq!(to_settle(again), 0, "nothing is settled twice: {gone:?}");
        }
        let bank_gave_more_back = Gone {
            received: 5,
            refunded: 0,
            settled: 0,
            open: -1,
        };
        assert_eq!(to_settle(bank_gave_more_back), 0);
    }

    #[test]
    fn what_can_be_refunded_is_what_is_said_to_be() {
        for gone in all() {
            let standing = Standing {
                received: gone.received,
                reserved: gone.refunded,
                disputed: gone.settled + gone.open,
            };
            let told = standing.refundable();
            assert_eq!(
                told > 0,
                refund::request(standing, None, usd(0).currency()).is_ok(),
                "{gone:?}"
            );
            for wanted in 1..=gone.received + 1 {
                let asked = refund::request(standing, Some(wanted), usd(0).currency());
                assert_eq!(
                    asked == Ok(wanted),
                    wanted <= told,
                    "{wanted} of {gone:?}: {asked:?}"
                );
            }
            let fits = standing.disputed == 0 && gone.refunded + told == gone.received;
            assert!(told == 0 || fits, "{gone:?}");
        }
    }

    /// Every invoice of up to 4 that was paid by one payment, with credit notes over a part of it, of whose
    /// credit some was used: what the client owes once a bank has taken some of the payment.
    #[test]
    fn what_is_forgiven_is_owed_by_nobody() {
        for total in 1..=4_i64 {
            for noted in 0..=total {
                for unused in 0..=noted {
                    for lost in 0..=total {
                        let of_credit = lost.min(unused);
                        let invoice = Outgoing {
                            taken_minor: lost - of_credit,
                            total_minor: total,
                            noted_minor: noted,
                        };
                        let context = format!("{lost} of {total}, {noted} noted, {unused} unused");
                        let applied = total - invoice.taken_minor;
                        let owed = forgive(Outcome::StillOwed, &[invoice], usd(of_credit)).unwrap();
                        assert_eq!(total - applied - owed[0], invoice.taken_minor, "{context}");
                        match forgive(Outcome::Forgiven, &[invoice], usd(of_credit)) {
                            Ok(notes) => {
                                assert_eq!(total - applied - notes[0], 0, "{context}");
                                assert!(noted + notes[0] <= total, "{context}");
                            }
                            Err(refused) => {
                                assert!(invoice.taken_minor > total - noted, "{context}");
                                let left = usd(of_credit + total - noted).to_string();
                                assert_eq!(refused, Refused::NotForgivable { left }, "{context}");
                                assert_eq!(Refusal::from(refused).field(), Some("outcome"));
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn of_several_invoices_each_is_forgiven_by_a_note_of_its_own() {
        let of = |taken_minor, total_minor, noted_minor| Outgoing {
            taken_minor,
            total_minor,
            noted_minor,
        };
        let notes = forgive(Outcome::Forgiven, &[of(30, 50, 20), of(7, 9, 0)], usd(4));
        assert_eq!(notes, Ok(vec![30, 7]));
        let refused = forgive(Outcome::Forgiven, &[of(30, 50, 21), of(7, 9, 0)], usd(4));
        let left = usd(40).to_string();
        assert_eq!(refused, Err(Refused::NotForgivable { left }));
    }
}
