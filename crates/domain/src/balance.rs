//! What Stripe's balance transactions are to the books: whose each is, and what is booked when it is read.
//! What is ours is booked by its own flow, when its object is observed; a balance transaction books only
//! what no object of ours tells: payouts, what others did on the account, and what an exchange of
//! currencies came to.

use crate::ledger::{self, Transaction, Unbalanced};
use crate::{Currency, Money};

/// What moved, by Stripe's word for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Movement {
    /// A payment came in.
    Charge,
    /// A payment went back, or its return came back.
    Refund,
    /// A bank took a disputed payment, or returned it.
    Dispute,
    /// The platform's share of a payment came in.
    Share,
    /// A part of such a share went back.
    ShareBack,
    /// Stripe charged the account for something that is no payment.
    AccountFee,
    /// Money left for the bank.
    Payout,
    /// It did not arrive.
    PayoutReturn,
    /// Anything else: transfers, top-ups, reserves, and what later versions bring.
    Other,
}

impl Movement {
    /// The movement of a type, and of the source that an adjustment has.
    pub fn of(type_: &str, source: Option<&str>) -> Movement {
        let disputes = |id: &str| id.starts_with("dp_") || id.starts_with("du_");
        match type_ {
            "charge" | "payment" => Movement::Charge,
            "refund"
            | "payment_refund"
            | "refund_failure"
            | "payment_failure_refund"
            | "payment_reversal" => Movement::Refund,
            "adjustment" if source.is_some_and(disputes) => Movement::Dispute,
            "application_fee" => Movement::Share,
            "application_fee_refund" => Movement::ShareBack,
            "stripe_fee" | "stripe_fx_fee" | "tax_fee" => Movement::AccountFee,
            "payout" => Movement::Payout,
            "payout_failure" | "payout_cancel" => Movement::PayoutReturn,
            _ => Movement::Other,
        }
    }
}

/// Whether what it hangs on is one of our payments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// It is.
    Ours,
    /// It may be: a write of ours has no answer yet that could have made it.
    Undecided,
    /// It is somebody else's.
    Others,
}

/// Whose a balance transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attribution {
    /// Not known yet; nothing is booked.
    Waiting,
    /// A payment of ours.
    Payment,
    /// A refund of one, or its failure.
    Refund,
    /// A dispute about one.
    Dispute,
    /// The platform's share in one, on the platform's own balance.
    ApplicationFee,
    /// A part of such a share that went back.
    ApplicationFeeRefund,
    /// Stripe's fee for the account itself.
    Fee,
    /// A payout, or its return.
    Payout,
    /// Somebody else's.
    External,
}

impl Attribution {
    /// Every one.
    pub const ALL: [Attribution; 9] = [
        Attribution::Waiting,
        Attribution::Payment,
        Attribution::Refund,
        Attribution::Dispute,
        Attribution::ApplicationFee,
        Attribution::ApplicationFeeRefund,
        Attribution::Fee,
        Attribution::Payout,
        Attribution::External,
    ];

    /// As the database and reports write it.
    pub const fn word(self) -> &'static str {
        match self {
            Attribution::Waiting => "waiting",
            Attribution::Payment => "payment",
            Attribution::Refund => "refund",
            Attribution::Dispute => "dispute",
            Attribution::ApplicationFee => "application_fee",
            Attribution::ApplicationFeeRefund => "application_fee_refund",
            Attribution::Fee => "fee",
            Attribution::Payout => "payout",
            Attribution::External => "external",
        }
    }

    /// The attribution that our own database wrote.
    pub fn from_word(word: &str) -> Option<Attribution> {
        Attribution::ALL.into_iter().find(|known| known.word() == word)
    }
}

/// Whose a movement is.
pub const fn attribute(movement: Movement, owner: Owner) -> Attribution {
    let ours = match movement {
        Movement::Payout | Movement::PayoutReturn => return Attribution::Payout,
        Movement::AccountFee => return Attribution::Fee,
        Movement::Other => return Attribution::External,
        Movement::Charge => Attribution::Payment,
        Movement::Refund => Attribution::Refund,
        Movement::Dispute => Attribution::Dispute,
        Movement::Share => Attribution::ApplicationFee,
        Movement::ShareBack => Attribution::ApplicationFeeRefund,
    };
    match owner {
        Owner::Ours => ours,
        Owner::Undecided => Attribution::Waiting,
        Owner::Others => Attribution::External,
    }
}

/// The amounts of a balance transaction, as Stripe reports them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amounts {
    /// Gross, in the balance's currency; negative when money leaves.
    pub amount: Money,
    /// `amount` less all fees, in minor units.
    pub net_minor: i64,
    /// The platform's share among the fees, in minor units.
    pub application_fee_minor: i64,
    /// What its object was made in, without a sign.
    pub presented: Option<Money>,
    /// The platform's share in that, in minor units.
    pub presented_fee_minor: i64,
}

/// What a balance transaction books by itself, beside what the flow of its object books.
///
/// # Errors
/// [`Unbalanced`] when it moves nothing, which the caller knows by [`moves_nothing`].
pub fn postings(
    attribution: Attribution,
    movement: Movement,
    amounts: &Amounts,
) -> Result<Vec<Transaction>, Unbalanced> {
    let net = Money::new(amounts.net_minor, amounts.amount.currency());
    Ok(match (attribution, movement) {
        (Attribution::Waiting, _) => Vec::new(),
        (Attribution::External, _) => vec![ledger::external(net)?],
        (Attribution::Fee, _) => vec![ledger::stripe_fee(negated(net))?],
        (Attribution::Payout, _) => payout(movement, amounts)?,
        (
            Attribution::Payment
            | Attribution::Refund
            | Attribution::Dispute
            | Attribution::ApplicationFee
            | Attribution::ApplicationFeeRefund,
            _,
        ) => exchange(amounts)?,
    })
}

/// What left for the bank or came back from there, and Stripe's fee for the way, if there is one.
fn payout(movement: Movement, amounts: &Amounts) -> Result<Vec<Transaction>, Unbalanced> {
    let gross = amounts.amount;
    let fee = gross.minor().saturating_sub(amounts.net_minor);
    let moved = match movement {
        Movement::PayoutReturn => ledger::payout_reversal(gross)?,
        Movement::Charge
        | Movement::Refund
        | Movement::Dispute
        | Movement::Share
        | Movement::ShareBack
        | Movement::AccountFee
        | Movement::Payout
        | Movement::Other => ledger::payout(negated(gross))?,
    };
    let mut booked = vec![moved];
    if fee != 0 {
        booked.push(ledger::stripe_fee(Money::new(fee, gross.currency()))?);
    }
    Ok(booked)
}

/// Whether a balance transaction of this attribution changes no balance, so that there is nothing to book.
pub const fn moves_nothing(attribution: Attribution, amounts: &Amounts) -> bool {
    match attribution {
        Attribution::Waiting => true,
        Attribution::External | Attribution::Fee => amounts.net_minor == 0,
        Attribution::Payout => amounts.amount.minor() == 0,
        // Of what is ours only the exchange is booked, in each currency what there is.
        Attribution::Payment
        | Attribution::Refund
        | Attribution::Dispute
        | Attribution::ApplicationFee
        | Attribution::ApplicationFeeRefund => false,
    }
}

/// What was made in one currency and settled in another: it leaves the one and arrives in the other, each
/// less the platform's share, which is booked in the one that it was taken in.
fn exchange(amounts: &Amounts) -> Result<Vec<Transaction>, Unbalanced> {
    let settled = amounts.amount.currency();
    let Some(presented) = amounts.presented.filter(|made| made.currency() != settled) else {
        return Ok(Vec::new());
    };
    let left = presented.minor().saturating_sub(amounts.presented_fee_minor);
    let left = if amounts.amount.minor() < 0 {
        left.saturating_neg()
    } else {
        left
    };
    let arrived = amounts
        .amount
        .minor()
        .saturating_sub(amounts.application_fee_minor);
    let mut booked = Vec::new();
    if left != 0 {
        booked.push(ledger::exchange_out(Money::new(left, presented.currency()))?);
    }
    if arrived != 0 {
        booked.push(ledger::exchange_in(Money::new(arrived, settled))?);
    }
    Ok(booked)
}

/// Which part of a share went back by a movement that does not say it: the oldest of those that are known
/// and that no other movement has taken. None while it is not known. Amounts are minor units of what the
/// share was taken in; two movements of one share may change parts, and their sum stays right.
pub fn part_back(known: &[i64], taken: &[i64]) -> Option<i64> {
    let mut left = known.to_vec();
    for part in taken {
        if let Some(place) = left.iter().position(|one| one == part) {
            left.remove(place);
        }
    }
    left.first().copied()
}

fn negated(money: Money) -> Money {
    Money::new(money.minor().saturating_neg(), money.currency())
}

/// Where an account of the books and Stripe's balance are compared: what differs, and why that may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Stripe moved money, and the books do not know of it.
    MissingPosting,
    /// The books say that money moved, and Stripe does not.
    MissingAtStripe,
    /// Both moved it, by other amounts.
    OtherAmount,
}

impl Difference {
    /// What a fact's two sides differ by, if they do.
    pub const fn between(books: i64, postings: i64, stripe: i64, transactions: i64) -> Option<Difference> {
        if books == stripe {
            return None;
        }
        Some(if postings == 0 {
            Difference::MissingPosting
        } else if transactions == 0 {
            Difference::MissingAtStripe
        } else {
            Difference::OtherAmount
        })
    }

    /// As reports write it.
    pub const fn word(self) -> &'static str {
        match self {
            Difference::MissingPosting => "missing_posting",
            Difference::MissingAtStripe => "missing_at_stripe",
            Difference::OtherAmount => "other_amount",
        }
    }
}

/// A currency that our own rows hold.
///
/// # Errors
/// [`crate::Refusal::UnknownCurrency`] for one that this version does not know.
pub fn money(minor: i64, code: &str) -> Result<Money, crate::Refusal> {
    Currency::parse(code).map(|currency| Money::new(minor, currency))
}

#[cfg(test)]
mod tests;
