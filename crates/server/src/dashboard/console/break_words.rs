//! What each kind of difference means, in words of people: what it is called, what it says, what to do, and
//! how it ends.

use store::reconciliation_breaks::Kind;

/// What explains a kind.
pub struct Words {
    /// What it is called.
    pub title: &'static str,
    /// What it says.
    pub means: &'static str,
    /// What somebody can do.
    pub do_this: &'static str,
    /// Whether it ends by itself once it is no difference any more.
    pub ends_by_itself: bool,
}

/// What a kind is called, by its word; the word where this version does not know it.
pub fn title(kind: &str) -> &str {
    Kind::parse(kind).map_or(kind, |kind| words(kind).title)
}

/// What explains a kind.
pub fn words(kind: Kind) -> Words {
    let (title, means, do_this) = sentences(kind);
    Words {
        title,
        means,
        do_this,
        ends_by_itself: ends_by_itself(kind),
    }
}

const fn ends_by_itself(kind: Kind) -> bool {
    match kind {
        Kind::AccessNotEnded
        | Kind::AccountNotUsed
        | Kind::BeyondReceived
        | Kind::EventDead
        | Kind::EventGap
        | Kind::EventsMissed
        | Kind::FeeNotReported
        | Kind::KeyRefused
        | Kind::OperationUnresolved
        | Kind::PaymentUnclaimed
        | Kind::PaymentsUnreachable
        | Kind::PayoutFailed
        | Kind::PayoutMismatch
        | Kind::Quarantined
        | Kind::TieOut
        | Kind::UnknownAccount
        | Kind::UnknownStatus => true,
        Kind::AmountMismatch
        | Kind::DatabaseDamaged
        | Kind::InvoiceLost
        | Kind::Overpayment
        | Kind::RefundUnclaimed
        | Kind::FeeRefundRefused
        | Kind::RefundFailed
        | Kind::RefundTwice
        | Kind::RefundTooMuch
        | Kind::SealBroken
        | Kind::TenantMismatch => false,
    }
}

type Sentences = (&'static str, &'static str, &'static str);

fn sentences(kind: Kind) -> Sentences {
    of_accounts(kind)
        .or_else(|| of_events(kind))
        .or_else(|| of_money(kind))
        .or_else(|| of_the_database(kind))
        .unwrap_or((kind.word(), "", ""))
}

const fn of_accounts(kind: Kind) -> Option<Sentences> {
    Some(match kind {
        Kind::AccessNotEnded => (
            "Access to an account was not ended",
            "Stripe refused to let an account go that its tenant disconnected. It takes no payments here.",
            "Have the owner end the access in Stripe\u{2019}s dashboard.",
        ),
        Kind::AccountNotUsed => (
            "An account that nobody uses",
            "It was made at Stripe for a tenant that has connected another one meanwhile.",
            "Close it at Stripe.",
        ),
        Kind::KeyRefused => (
            "Stripe refuses our key",
            "Nothing of that mode is done, nothing counts as failed, and all that waits is tried again.",
            "Put the new key into the configuration, and restart.",
        ),
        Kind::PaymentsUnreachable => (
            "Payments that nobody can read",
            "They were under way on an account when its owner took the access away.",
            "Have the tenant look at Stripe, or connect the account again.",
        ),
        Kind::UnknownAccount => (
            "An account that no tenant has",
            "An event came from it.",
            "Connect the account, or remove the platform\u{2019}s access to it.",
        ),
        Kind::TenantMismatch => (
            "An object names another tenant",
            "It is on one tenant\u{2019}s account and names another, or an invoice that the tenant has not. \
             It moves nothing of theirs.",
            "Ask the tenant who wrote that metadata.",
        ),
        _ => return None,
    })
}

const fn of_the_database(kind: Kind) -> Option<Sentences> {
    Some(match kind {
        Kind::DatabaseDamaged => (
            "The database\u{2019}s file is damaged",
            "SQLite finds pages in it that do not hold together. No live money moves while this is open.",
            "Stop the server, look at the disk, and restore the last backup. Stripe tells what is newer.",
        ),
        Kind::InvoiceLost => (
            "A paid invoice was lost in a restore",
            "A payment that was made here names an invoice that is not here: it was made after the backup. \
             Its number is given to no other.",
            "Make it anew from what the client was mailed, and record money for it that names the payment.",
        ),
        Kind::SealBroken => (
            "A sealed day was changed",
            "Rows of the books or of the audit log are not those that were sealed. No live money moves while \
             one of live mode is open.",
            "Find out who can write to the database, compare with a backup, and say here what was found.",
        ),
        _ => return None,
    })
}

const fn of_events(kind: Kind) -> Option<Sentences> {
    Some(match kind {
        Kind::EventDead => (
            "An event cannot be applied",
            "It failed twelve times within hours, or is no event.",
            "Read its last error under Webhooks, correct what it says, and replay it.",
        ),
        Kind::EventGap => (
            "Stripe\u{2019}s list of events has a gap",
            "It does not reach back to where it was read last.",
            "Nothing: what was made since is listed instead. If it stays open, see the log.",
        ),
        Kind::EventsMissed => (
            "Events came by no webhook",
            "They were found in Stripe\u{2019}s list more than five minutes after they were made.",
            "See whether the endpoints at Stripe are enabled, subscribed, and have the right secret.",
        ),
        Kind::OperationUnresolved => (
            "A write to Stripe without an answer",
            "For 23 hours nobody has known whether it was done. It is never done twice.",
            "See whether Stripe answers at all; look for the object at Stripe by the operation\u{2019}s key.",
        ),
        Kind::Quarantined => (
            "A live event under a TEST secret",
            "It was kept and not applied. Somebody who has the secret can write such events.",
            "A secret may have leaked: roll it.",
        ),
        Kind::UnknownStatus => (
            "A status that this version does not know",
            "Stripe says it of a payment.",
            "Upgrade.",
        ),
        _ => return None,
    })
}

const fn of_money(kind: Kind) -> Option<Sentences> {
    match kind {
        Kind::AmountMismatch => Some((
            "Another amount than the payment\u{2019}s",
            "A payment at Stripe asked for another amount or currency than ours.",
            "Look at Stripe who changed it, and compare with the invoice.",
        )),
        Kind::BeyondReceived => Some((
            "More was taken than was received",
            "Refunds and disputes together, as when a bank takes the whole of what was refunded in part.",
            "Answer the dispute with the refund as evidence. What stays lost is owed by the client.",
        )),
        Kind::Overpayment => Some((
            "More arrived than was owed",
            "The rest is the client\u{2019}s credit.",
            "Give it back, or set it off.",
        )),
        Kind::PaymentUnclaimed => Some((
            "A payment that may be ours",
            "It says that it pays an invoice, and nothing proves that it was made here. The invoice cannot \
             be paid meanwhile.",
            "If the client paid by it, void or credit the invoice. If it is the tenant\u{2019}s own sale, \
             say so.",
        )),
        Kind::PayoutFailed => Some((
            "A payout did not reach the bank",
            "The detail says why.",
            "Have the account\u{2019}s owner put the bank account right at Stripe.",
        )),
        Kind::PayoutMismatch => Some((
            "A payout\u{2019}s parts do not add up",
            "What Stripe says that it consists of does not come to its amount.",
            "Nothing at first: it is read again every hour. After a day, ask Stripe.",
        )),
        Kind::TieOut => Some((
            "Books and Stripe do not agree",
            "Invoices, books and Stripe\u{2019}s balance differ in a currency. The detail names the facts.",
            "Look at the facts one by one; the manual says how.",
        )),
        _ => of_refunds(kind),
    }
}

const fn of_refunds(kind: Kind) -> Option<Sentences> {
    Some(match kind {
        Kind::RefundUnclaimed => (
            "A refund that may be ours",
            "It says that it forgave its invoice, and nothing proves it: the amount is owed again.",
            "Make a credit note if it was forgiven.",
        ),
        Kind::FeeNotReported => (
            "A fee that Stripe has not reported",
            "A part of the platform\u{2019}s fee was to go back; no such fee was reported for three days.",
            "See at Stripe whether the payment has a fee. When its event is replayed, the part goes back.",
        ),
        Kind::FeeRefundRefused => (
            "The platform\u{2019}s fee did not go back",
            "Stripe refused to return its part. The tenant keeps bearing it.",
            "Give it back in Stripe\u{2019}s dashboard, which is booked too.",
        ),
        Kind::RefundFailed => (
            "A refund came back",
            "It failed days or weeks after its money had left. The money is back, and booked.",
            "Refund again, or by another way.",
        ),
        Kind::RefundTwice => (
            "One refund was made twice",
            "Both carry the same id of ours.",
            "See at Stripe whether the payer got both. Ask for one back, or settle it with the client.",
        ),
        Kind::RefundTooMuch => (
            "More was refunded than arrived",
            "The refunds of a payment come to more than it brought.",
            "Look at the payment\u{2019}s refunds at Stripe.",
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_explained() {
        for kind in Kind::ALL {
            let words = words(*kind);
            assert_ne!(words.title, kind.word(), "{}", kind.word());
            assert!(
                words.means.ends_with('.') && words.do_this.ends_with('.'),
                "{}",
                kind.word()
            );
        }
        assert_eq!(title("from_a_later_version"), "from_a_later_version");
    }
}
