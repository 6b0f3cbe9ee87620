//! What a payer may read of a decline. Stripe's codes are told to the tenant; a payer learns what helps to
//! pay, and never that a card was reported lost or stolen or that a payment looked fraudulent: whoever holds
//! a stolen card must not learn why it does not work.

/// The sentence for a decline, from Stripe's `code` and `decline_code`. It always ends with what to do.
pub fn decline_message(code: Option<&str>, decline_code: Option<&str>) -> &'static str {
    decline_code
        .and_then(by_code)
        .or_else(|| code.and_then(by_code))
        .unwrap_or(GENERIC)
}

const GENERIC: &str = "Your card was declined. Please try another card, or ask your bank.";
const NUMBER: &str = "The card number is not right. Please check it and try again.";
const EXPIRY: &str = "The expiry date is not right. Please check it and try again.";
const SECURITY_CODE: &str = "The security code is not right. Please check it and try again.";
const ADDRESS: &str = "The postal code or address does not match the card. Please check it and try again.";
const UNCONFIRMED: &str =
    "Your bank could not confirm that it is you. Please try again and finish its check, or use another card.";
const LATER: &str = "Your bank did not answer in time. Please try again in a moment, or use another card.";
const CARD_KIND: &str = "This card cannot be used for this payment. Please use another card.";

fn by_code(code: &str) -> Option<&'static str> {
    Some(match code {
        "insufficient_funds" | "withdrawal_count_limit_exceeded" => {
            "The card does not have enough funds for this payment. Please use another card."
        }
        "card_velocity_exceeded" => {
            "The card has reached its limit for now. Please use another card, or try again later."
        }
        "expired_card" => "The card has expired. Please use another card.",
        "incorrect_number" | "invalid_number" => NUMBER,
        "invalid_expiry_month" | "invalid_expiry_year" => EXPIRY,
        "incorrect_cvc" | "invalid_cvc" => SECURITY_CODE,
        "incorrect_zip" | "incorrect_address" => ADDRESS,
        "processing_error" | "issuer_not_available" | "reenter_transaction" | "try_again_later" => LATER,
        "authentication_required"
        | "authentication_not_handled"
        | "payment_intent_authentication_failure"
        | "mobile_device_authentication_required" => UNCONFIRMED,
        "card_not_supported"
        | "currency_not_supported"
        | "invalid_account"
        | "new_account_information_available" => CARD_KIND,
        "duplicate_transaction" => {
            "Your bank takes this for a repeated payment. Please wait a few minutes, or use another card."
        }
        "live_mode_test_card" => {
            "This is a test card; this page takes real payments only. Please use a real card."
        }
        "testmode_decline" => "This page takes test cards only, and no real money. Please use a test card.",
        "approve_with_id"
        | "call_issuer"
        | "do_not_honor"
        | "no_action_taken"
        | "not_permitted"
        | "transaction_not_allowed"
        | "service_not_allowed" => {
            "Your bank declined the payment without a reason. Please ask it, or use another card."
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(
                decline_message(Some("card_declined"), Some(code)),
                GENERIC,
                "{code}"
            );
            assert_eq!(decline_message(Some(code), None), GENERIC, "{code}");
        }
    }
}
