//! Typed, prefixed ids: `inv_01k…`. They sort by the time they were made, and an id of one kind cannot be
//! passed where another is meant. Made from a moment and randomness that the caller hands in.

use crate::{Refusal, Timestamp};

/// Crockford's base 32, lower case: no i, l, o, u, so that ids can be read out on the phone.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 48 bits of milliseconds and 80 random bits, as in a ULID.
const LENGTH: usize = 26;

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// What every id of this kind begins with, before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// A new id: sorted by `at`, told apart by 80 bits of `random`.
            pub fn new(at: Timestamp, random: u128) -> $name {
                $name(format!("{}_{}", $prefix, encode(at, random)))
            }

            /// Reads an id from outside.
            ///
            /// # Errors
            /// [`Refusal::NotFound`] when it is not an id of this kind: a malformed id is a missing one.
            pub fn parse(text: &str) -> Result<$name, Refusal> {
                if well_formed(text, $prefix) { Ok($name(text.to_owned())) } else { Err(Refusal::NotFound) }
            }

            /// An id that our own database holds.
            pub fn stored(text: String) -> $name {
                $name(text)
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

typed_ids! {
    /// An MSP.
    TenantId = "ten";
    /// A tenant's customer, who receives invoices.
    ClientId = "cli";
    /// An invoice.
    InvoiceId = "inv";
    /// A payment: one payment intent at Stripe and what became of it.
    PaymentId = "pay";
    /// A public link to one invoice.
    LinkId = "lnk";
    /// One write to Stripe.
    OperationId = "op";
    /// A balanced transaction in the books.
    LedgerTransactionId = "ltx";
    /// A stored webhook delivery.
    InboxId = "whk";
    /// A difference between our rows and Stripe's.
    BreakId = "brk";
    /// A tenant's API key (the row, not the secret).
    ApiKeyId = "key";
    /// A row of the audit log.
    AuditId = "aud";
    /// A key of the operator (the row, not the secret).
    PlatformKeyId = "pky";
    /// A numbered credit note.
    CreditNoteId = "cn";
    /// Money of a client that no invoice has taken up, by where it came from.
    ClientCreditId = "ccr";
    /// A client's credit that paid an invoice.
    CreditApplicationId = "cra";
    /// Money that came without Stripe.
    OfflinePaymentId = "off";
    /// A refund: one decision to give money back, or one that was seen at Stripe.
    RefundId = "rfd";
    /// A dispute of a payment.
    DisputeId = "dis";
    /// A file that evidence of a dispute names.
    DisputeFileId = "dfl";
    /// A rule of the platform's fee.
    FeeRuleId = "fru";
    /// A mail that goes out, or did.
    MailId = "mal";
    /// Somebody who logs in.
    UserId = "usr";
    /// A session (the row, not what the cookie holds).
    SessionId = "ses";
    /// A link that somebody is sent by mail (the row, not the link).
    PersonTokenId = "ptk";
}

impl TenantId {
    /// The platform's own books are kept under this id; it is no MSP and cannot be parsed from outside.
    pub fn platform() -> TenantId {
        TenantId("ten_platform".to_owned())
    }
}

fn encode(at: Timestamp, random: u128) -> String {
    let millis = u128::try_from(at.ms().max(0)).unwrap_or_default() & ((1 << 48) - 1);
    let bits = (millis << 80) | (random & ((1 << 80) - 1));
    (0..LENGTH)
        .map(|place| {
            let shift = 5 * (LENGTH - 1 - place);
            let index = usize::try_from((bits >> shift) & 31).unwrap_or_default();
            char::from(ALPHABET[index])
        })
        .collect()
}

fn well_formed(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'))
        .is_some_and(|rest| rest.len() == LENGTH && rest.bytes().all(|byte| ALPHABET.contains(&byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_round_trip_and_sort_by_time() {
        let early = InvoiceId::new(Timestamp::from_ms(1_763_900_000_000), u128::MAX);
        let late = InvoiceId::new(Timestamp::from_ms(1_763_900_000_001), 0);
        assert!(early < late);
        assert_eq!(InvoiceId::parse(early.as_str()), Ok(early));
    }

    #[test]
    fn ids_of_another_kind_or_shape_are_missing_ids() {
        let client = ClientId::new(Timestamp::from_ms(1), 7);
        for text in [
            "",
            "inv_",
            "inv_x",
            client.as_str(),
            "ten_platform",
            "inv_01ARZ3NDEKTSV4RRFFQ69G5FAV",
        ] {
            assert_eq!(InvoiceId::parse(text), Err(Refusal::NotFound), "{text}");
        }
        assert_eq!(TenantId::parse("ten_platform"), Err(Refusal::NotFound));
    }
}
