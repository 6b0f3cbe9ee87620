//! What a payer may read of a decline. Stripe's codes are told to the tenant; a payer learns what helps to
//! pay, and never that a card was reported lost or stolen or that a payment looked fraudulent: whoever holds
//! a stolen card must not learn why it does not work.

/// Why a payment was declined, as far as its payer is told. The sentences are in `words`; each ends with what
/// to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No more than that.
    Declined,
    /// By the bank, which does not say why.
    ByBank,
    /// There is not enough money.
    Funds,
    /// The card has reached a limit.
    CardLimit,
    /// The card has run out.
    Expired,
    /// The card's number is not right.
    Number,
    /// Its date is not right.
    Expiry,
    /// Its code is not right.
    SecurityCode,
    /// The address is not the card's.
    Address,
    /// The bank's check was not passed.
    NotConfirmed,
    /// The bank does not answer.
    BankSilent,
    /// Cards of this kind, or in this currency, cannot pay here.
    CardKind,
    /// The bank takes it for a payment that was made already.
    Repeated,
    /// A test card where real money is paid.
    TestCard,
    /// A real card where none is taken.
    TestCardsOnly,
}

impl Reason {
    /// All of them.
    pub const ALL: [Reason; 15] = [
        Reason::Declined,
        Reason::ByBank,
        Reason::Funds,
        Reason::CardLimit,
        Reason::Expired,
        Reason::Number,
        Reason::Expiry,
        Reason::SecurityCode,
        Reason::Address,
        Reason::NotConfirmed,
        Reason::BankSilent,
        Reason::CardKind,
        Reason::Repeated,
        Reason::TestCard,
        Reason::TestCardsOnly,
    ];

    /// The word that the API carries; it never changes.
    pub const fn word(self) -> &'static str {
        match self {
            Reason::Declined => "declined",
            Reason::ByBank => "declined_by_bank",
            Reason::Funds => "insufficient_funds",
            Reason::CardLimit => "card_limit",
            Reason::Expired => "expired_card",
            Reason::Number => "card_number",
            Reason::Expiry => "expiry_date",
            Reason::SecurityCode => "security_code",
            Reason::Address => "address",
            Reason::NotConfirmed => "not_confirmed",
            Reason::BankSilent => "bank_silent",
            Reason::CardKind => "card_kind",
            Reason::Repeated => "repeated",
            Reason::TestCard => "test_card",
            Reason::TestCardsOnly => "test_cards_only",
        }
    }

    /// The reason of a decline, from Stripe's `code` and `decline_code`.
    pub fn of(code: Option<&str>, decline_code: Option<&str>) -> Reason {
        decline_code
            .and_then(by_code)
            .or_else(|| code.and_then(by_code))
            .unwrap_or(Reason::Declined)
    }
}

fn by_code(code: &str) -> Option<Reason> {
    Some(match code {
        "insufficient_funds" | "withdrawal_count_limit_exceeded" => Reason::Funds,
        "card_velocity_exceeded" => Reason::CardLimit,
        "expired_card" => Reason::Expired,
        "incorrect_number" | "invalid_number" => Reason::Number,
        "invalid_expiry_month" | "invalid_expiry_year" => Reason::Expiry,
        "incorrect_cvc" | "invalid_cvc" => Reason::SecurityCode,
        "incorrect_zip" | "incorrect_address" => Reason::Address,
        "processing_error" | "issuer_not_available" | "reenter_transaction" | "try_again_later" => {
            Reason::BankSilent
        }
        "authentication_required"
        | "authentication_not_handled"
        | "payment_intent_authentication_failure"
        | "mobile_device_authentication_required" => Reason::NotConfirmed,
        "card_not_supported"
        | "currency_not_supported"
        | "invalid_account"
        | "new_account_information_available" => Reason::CardKind,
        "duplicate_transaction" => Reason::Repeated,
        "live_mode_test_card" => Reason::TestCard,
        "testmode_decline" => Reason::TestCardsOnly,
        "approve_with_id"
        | "call_issuer"
        | "do_not_honor"
        | "no_action_taken"
        | "not_permitted"
        | "transaction_not_allowed"
        | "service_not_allowed" => Reason::ByBank,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use domain::language::Language;

    use super::*;
    use crate::pay::words;

    fn decline_message(code: Option<&str>, decline_code: Option<&str>) -> &'static str {
        words::of(Language::En)
            .declines
            .of(Reason::of(code, decline_code))
    }

    #[test]
    fn each_code_has_its_sentence() {
        let begins = |code, decline_code, start: &str| {
            let message = decline_message(code, decline_code);
            assert!(message.starts_with(start), "{code:?} {decline_code:?}: {message}");
        };
        let declined = Some("card_declined");
        begins(
            declined,
            Some("insufficient_funds"),
            "The card does not have enough funds",
        );
        begins(
            declined,
            Some("card_velocity_exceeded"),
            "The card has reached its limit",
        );
        begins(Some("expired_card"), Some("expired_card"), "The card has expired");
        begins(Some("expired_card"), None, "The card has expired");
        begins(Some("incorrect_cvc"), None, "The security code");
        begins(Some("incorrect_number"), None, "The card number");
        begins(Some("invalid_expiry_year"), None, "The expiry date");
        begins(Some("incorrect_zip"), None, "The postal code");
        begins(Some("processing_error"), None, "Your bank did not answer");
        begins(
            Some("payment_intent_authentication_failure"),
            None,
            "Your bank could not confirm",
        );
        begins(
            declined,
            Some("authentication_required"),
            "Your bank could not confirm",
        );
        begins(
            declined,
            Some("live_mode_test_card"),
            "This is a test card; this page takes real payments only",
        );
        begins(declined, Some("do_not_honor"), "Your bank declined");
        begins(declined, Some("generic_decline"), "Your card was declined.");
        begins(declined, Some("a_code_of_next_year"), "Your card was declined.");
        begins(declined, None, "Your card was declined.");
        begins(None, None, "Your card was declined.");
    }

    #[test]
    fn nobody_learns_that_a_card_is_stolen() {
        for code in [
            "lost_card",
            "stolen_card",
            "fraudulent",
            "merchant_blacklist",
            "pickup_card",
            "restricted_card",
            "security_violation",
            "revocation_of_authorization",
            "pin_try_exceeded",
        ] {
            for told in [
                Reason::of(Some("card_declined"), Some(code)),
                Reason::of(Some(code), None),
            ] {
                assert_eq!(told, Reason::Declined, "{code}");
            }
        }
    }
}
