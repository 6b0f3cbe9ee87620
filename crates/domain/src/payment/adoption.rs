//! Whether an intent on a tenant's account that no payment knows is one that this installation made: after a
//! restore from a backup there are such. What its metadata says of itself counts for nothing here.

use crate::{InvoiceId, TenantId};

/// How far such an intent has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// Money may still arrive.
    Open,
    /// Money arrived.
    Paid,
    /// Neither.
    Over,
}

/// What is known of such an intent beside its metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traits {
    /// How far it has come.
    pub reached: Reached,
    /// Whether it, or a later request about it, was sent under the key that this installation would have used
    /// for the invoice.
    pub by_our_key: bool,
    /// Whether it asks for an application fee, which only a platform can do.
    pub asks_fee: bool,
    /// Whether Stripe shows the platform that fee of its charge: nobody else can have it shown.
    pub fee_is_ours: bool,
    /// Whether the fee that it asks for is what the rules say.
    pub fee_fits: bool,
    /// Whether its currency is the invoice's.
    pub currency_fits: bool,
    /// Whether the invoice could have been paid by its amount.
    pub amount_fits: bool,
}

/// What becomes of such an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is a payment of the invoice.
    Adopt,
    /// A person has to say what it is; until then the invoice is not paid again. Why it is not adopted.
    Ask(&'static str),
    /// It moves no money, and needs nobody.
    Leave,
}

/// Decides whether it is a payment of ours. Money that arrived is proven by the fee that the platform got of
/// it; anything else by the key of its request, as long as all that can be derived fits.
pub const fn decide(traits: Traits) -> Verdict {
    if matches!(traits.reached, Reached::Over) {
        return Verdict::Leave;
    }
    if !traits.currency_fits {
        return Verdict::Ask("it is in another currency");
    }
    if !traits.amount_fits {
        return Verdict::Ask("its amount is not what is owed");
    }
    if matches!(traits.reached, Reached::Paid) && traits.asks_fee {
        return match traits.fee_is_ours {
            true => Verdict::Adopt,
            false => Verdict::Ask("the platform did not get its fee"),
        };
    }
    if !traits.fee_fits {
        return Verdict::Ask("its fee is not what the rules say");
    }
    if !traits.by_our_key {
        return Verdict::Ask("no request of ours made it");
    }
    Verdict::Adopt
}

/// What a request's idempotency key says: which step of which try at an invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayKey {
    /// The tenant.
    pub tenant: TenantId,
    /// The invoice whose link was opened.
    pub invoice: InvoiceId,
    /// Which of its payments.
    pub attempt: i64,
}

impl PayKey {
    /// Reads a key in the form that payments use; none for any other.
    pub fn parse(key: &str) -> Option<PayKey> {
        let mut parts = key.split(':');
        if parts.next() != Some("pay") {
            return None;
        }
        let tenant = TenantId::parse(parts.next()?).ok()?;
        let invoice = InvoiceId::parse(parts.next()?).ok()?;
        let attempt = parts.next()?.parse().ok().filter(|attempt| *attempt > 0)?;
        matches!(parts.next()?, "create" | "confirm" | "cancel").then_some(PayKey {
            tenant,
            invoice,
            attempt,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> impl Iterator<Item = Traits> {
        let reached = [Reached::Open, Reached::Paid, Reached::Over];
        reached.into_iter().flat_map(|reached| {
            (0..64_u32).map(move |bits| Traits {
                reached,
                by_our_key: bits & 1 != 0,
                asks_fee: bits & 2 != 0,
                fee_is_ours: bits & 4 != 0,
                fee_fits: bits & 8 != 0,
                currency_fits: bits & 16 != 0,
                amount_fits: bits & 32 != 0,
            })
        })
    }

    /// A tenant can write metadata, choose a key and take money on its own account: without the platform's
    /// fee, or the one that is due, none of it pays an invoice.
    #[test]
    fn nothing_is_adopted_without_proof_and_nothing_that_may_move_money_is_passed_over() {
        for traits in all() {
            let verdict = decide(traits);
            let proven = match traits.reached {
                Reached::Paid if traits.asks_fee => traits.fee_is_ours,
                _ => traits.by_our_key && traits.fee_fits,
            };
            let fits = traits.currency_fits && traits.amount_fits;
            let moves = traits.reached != Reached::Over;
            assert_eq!(verdict == Verdict::Adopt, moves && fits && proven, "{traits:?}");
            assert_eq!(verdict == Verdict::Leave, !moves, "{traits:?}");
        }
    }

    #[test]
    fn only_keys_of_payments_are_read_as_such() {
        let invoice = format!("inv_{}", "0".repeat(26));
        let key = |tail: &str| format!("pay:ten_{}:{invoice}:{tail}", "0".repeat(26));
        let read = PayKey::parse(&key("3:confirm:1"));
        assert_eq!(read.map(|key| key.attempt), Some(3));
        for other in ["3:steal", "0:create", "x:create", "3", ""] {
            assert_eq!(PayKey::parse(&key(other)), None, "{other}");
        }
        assert_eq!(PayKey::parse("refund:a:b"), None);
    }
}
