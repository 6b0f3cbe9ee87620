//! How a refund is shared out: what it is taken from, what a failed one is given back to, and which part of
//! the platform's fee belongs to it. Integers only, and every sum comes out even.

/// What a refund is taken from, in minor units, in the order of what was offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Of each credit that the same money left behind.
    pub credits: Vec<i64>,
    /// Of what each invoice was settled by.
    pub parts: Vec<i64>,
    /// What nothing is left for.
    pub rest: i64,
}

/// Takes a refund first out of credit of the same money that nobody has used, then out of what invoices were
/// settled by. So a refund of one of two payments of an invoice leaves it paid.
pub fn take(amount: i64, credits: &[i64], parts: &[i64]) -> Taken {
    let mut rest = amount.max(0);
    let mut out_of = |offered: &i64| {
        let taken = rest.min((*offered).max(0));
        rest -= taken;
        taken
    };
    let credits = credits.iter().map(&mut out_of).collect();
    let parts = parts.iter().map(&mut out_of).collect();
    Taken { credits, parts, rest }
}

/// What money that came back settles, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// What the invoice takes up again.
    pub applied: i64,
    /// What is the client's credit.
    pub credit: i64,
}

/// A refund failed, and its money is back: the invoice takes up what is still owed of it. The rest, because
/// the amount was forgiven or the client has paid again, is the client's credit.
pub fn restore(amount: i64, owed: i64) -> Restored {
    let applied = amount.min(owed.max(0));
    Restored {
        applied,
        credit: amount - applied,
    }
}

/// The part of the platform's fee that goes back with a refund, in minor units. `with_fee` is what was
/// refunded of the payment with its fee so far, this refund included, and `so_far` what went back of the fee.
/// Each refund brings the sum to `fee × with_fee / received`, half up: parts add up to exactly what the whole
/// would have been, in any cut.
pub fn fee_back(fee: i64, received: i64, with_fee: i64, so_far: i64) -> i64 {
    if fee <= 0 || received <= 0 || with_fee <= 0 {
        return 0;
    }
    let due = if with_fee >= received {
        fee
    } else {
        let doubled = i128::from(fee) * i128::from(with_fee) * 2 + i128::from(received);
        i64::try_from(doubled / (i128::from(received) * 2)).unwrap_or(fee)
    };
    (due - so_far).clamp(0, (fee - so_far).max(0))
}
