//! Payouts: what a report of one changes of what is known.

/// Where a payout stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayoutStatus {
    /// It can still be called back.
    Pending,
    /// The bank has it.
    InTransit,
    /// Expected to be there; the bank may still send it back.
    Paid,
    /// It came back.
    Failed,
    /// It was called back.
    Canceled,
    /// A word of a later version, kept as it came.
    Unknown(String),
}

impl PayoutStatus {
    /// The status of Stripe's word.
    pub fn from_word(word: &str) -> PayoutStatus {
        match word {
            "pending" => PayoutStatus::Pending,
            "in_transit" => PayoutStatus::InTransit,
            "paid" => PayoutStatus::Paid,
            "failed" => PayoutStatus::Failed,
            "canceled" => PayoutStatus::Canceled,
            other => PayoutStatus::Unknown(other.to_owned()),
        }
    }

    /// Stripe's word.
    pub fn word(&self) -> &str {
        match self {
            PayoutStatus::Pending => "pending",
            PayoutStatus::InTransit => "in_transit",
            PayoutStatus::Paid => "paid",
            PayoutStatus::Failed => "failed",
            PayoutStatus::Canceled => "canceled",
            PayoutStatus::Unknown(word) => word,
        }
    }

    /// Whether nothing follows it.
    pub const fn is_final(&self) -> bool {
        matches!(self, PayoutStatus::Failed | PayoutStatus::Canceled)
    }

    const fn step(&self) -> u8 {
        match self {
            PayoutStatus::Pending => 0,
            PayoutStatus::InTransit => 1,
            // Nobody knows where in the row it stands: it follows what is under way, and whatever ends
            // follows it.
            PayoutStatus::Unknown(_) => 2,
            PayoutStatus::Paid => 3,
            PayoutStatus::Failed | PayoutStatus::Canceled => 4,
        }
    }
}

/// What a report of a payout comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// It goes on.
    Move,
    /// It is where it was.
    Same,
    /// The report is older than what is known.
    Stale,
}

/// Merges a report: a payout only goes on, and what has ended stays so, in whatever order reports come.
pub fn merge(known: &PayoutStatus, seen: &PayoutStatus) -> Merge {
    if known == seen {
        return Merge::Same;
    }
    if known.is_final() || seen.step() <= known.step() {
        return Merge::Stale;
    }
    Merge::Move
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> [PayoutStatus; 6] {
        [
            PayoutStatus::Pending,
            PayoutStatus::InTransit,
            PayoutStatus::Unknown("held".to_owned()),
            PayoutStatus::Paid,
            PayoutStatus::Failed,
            PayoutStatus::Canceled,
        ]
    }

    #[test]
    fn every_status_with_every_report() {
        for known in all() {
            assert_eq!(PayoutStatus::from_word(known.word()), known);
            for seen in all() {
                let wanted = match (&known, &seen) {
                    (one, other) if one == other => Merge::Same,
                    (PayoutStatus::Failed | PayoutStatus::Canceled, _) => Merge::Stale,
                    (_, PayoutStatus::Failed | PayoutStatus::Canceled) => Merge::Move,
                    (one, other) if one.step() < other.step() => Merge::Move,
                    _ => Merge::Stale,
                };
                assert_eq!(merge(&known, &seen), wanted, "{known:?} {seen:?}");
            }
        }
    }

    #[test]
    fn reports_in_any_order_and_twice_end_at_the_same() {
        let reports = [
            PayoutStatus::Pending,
            PayoutStatus::InTransit,
            PayoutStatus::Paid,
            PayoutStatus::Failed,
        ];
        for first in 0..4 {
            for second in 0..4 {
                for third in 0..4 {
                    let order = [first, second, third, 0, 1, 2, 3];
                    let mut known = PayoutStatus::Pending;
                    for place in order {
                        if merge(&known, &reports[place]) == Merge::Move {
                            known = reports[place].clone();
                        }
                    }
                    assert_eq!(known, PayoutStatus::Failed, "{order:?}");
                }
            }
        }
    }
}
