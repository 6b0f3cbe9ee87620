//! Objects on a tenant's account that are not ours, of which only the newest state is kept: which of two
//! things that were said of one is the newer.

use crate::Timestamp;

/// What was said of such an object, and when it was true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said<'a> {
    /// Its status.
    pub status: Option<&'a str>,
    /// The moment at which this was so. Stripe's events know it to the second.
    pub as_of: Timestamp,
}

/// Whether what is said now replaces what is known: it is of a later moment, or of the same one and further
/// along. Events arrive in any order, and again.
pub fn replaces(kind: &str, known: Said<'_>, now: Said<'_>) -> bool {
    let second = |said: Said<'_>| said.as_of.ms().div_euclid(1000);
    match second(now).cmp(&second(known)) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Equal => rank(kind, now.status) >= rank(kind, known.status),
    }
}

/// Whether an object of this kind stays as it is from here on.
pub fn is_over(kind: &str, status: Option<&str>) -> bool {
    let Some(status) = status else {
        return true;
    };
    match kind {
        "payment_intent" => matches!(status, "succeeded" | "canceled"),
        "charge" => matches!(status, "succeeded" | "failed"),
        "refund" => matches!(status, "succeeded" | "failed" | "canceled"),
        "payout" => matches!(status, "paid" | "failed" | "canceled"),
        "dispute" => matches!(status, "won" | "lost" | "warning_closed" | "prevented"),
        _ => true,
    }
}

/// How far along a status is among those of its kind, for what happened within one second.
fn rank(kind: &str, status: Option<&str>) -> u8 {
    let status = status.unwrap_or_default();
    match (kind, status) {
        ("payment_intent", "succeeded")
        | ("refund" | "payout", "failed" | "canceled")
        | ("dispute", "won" | "lost" | "warning_closed" | "prevented") => 9,
        ("payment_intent", "canceled") | ("charge", "succeeded" | "failed") => 8,
        ("refund", "succeeded") | ("payout", "paid") => 7,
        ("payment_intent", "processing" | "requires_capture") => 5,
        ("payment_intent", "requires_action")
        | ("payout", "in_transit")
        | ("dispute", "under_review" | "warning_under_review") => 4,
        ("payment_intent", "requires_confirmation") => 3,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALKS: [(&str, &[&str]); 4] = [
        (
            "payment_intent",
            &[
                "requires_payment_method",
                "requires_action",
                "processing",
                "succeeded",
            ],
        ),
        ("refund", &["pending", "succeeded", "failed"]),
        ("payout", &["pending", "in_transit", "paid", "failed"]),
        ("dispute", &["needs_response", "under_review", "won"]),
    ];

    /// The newest was lost to whatever came last: a late event, one that was read from a list, a replay.
    #[test]
    fn what_was_said_in_any_order_and_twice_leaves_the_newest() {
        for (kind, walk) in WALKS {
            // All within a second, and each in one of its own.
            for step_ms in [0, 1000] {
                let said: Vec<Said<'_>> = (0_i64..)
                    .zip(walk)
                    .map(|(nth, status)| Said {
                        status: Some(status),
                        as_of: Timestamp::from_ms(nth * step_ms),
                    })
                    .collect();
                for first in 0..said.len() {
                    let twice = said.iter().cycle().skip(first).take(2 * said.len());
                    let order: Vec<&Said<'_>> = twice.collect();
                    let mut known = said[first];
                    for now in order.into_iter().rev() {
                        if replaces(kind, known, *now) {
                            known = *now;
                        }
                    }
                    assert_eq!(known.status, walk.last().copied(), "{kind} from {first}");
                }
                assert!(is_over(kind, walk.last().copied()), "{kind}");
                assert!(!is_over(kind, walk.first().copied()), "{kind}");
            }
        }
    }

    /// A bank debit that fails leads back to the beginning, seconds or days later.
    #[test]
    fn what_is_later_replaces_what_was_further_along() {
        let at = |status, ms| Said {
            status: Some(status),
            as_of: Timestamp::from_ms(ms),
        };
        let (debit, failed) = (at("processing", 1000), at("requires_payment_method", 2000));
        assert!(replaces("payment_intent", debit, failed));
        assert!(!replaces("payment_intent", failed, debit));
    }
}
