//! Why a payout failed, in words that an account's owner can act on.

/// What a code of Stripe's means, and what its owner does.
pub fn failure_in_words(code: Option<&str>) -> &'static str {
    match code {
        Some("account_closed") => "The bank account has been closed. Give Stripe another one.",
        Some("account_frozen") => "The bank account is frozen. Ask the bank, or give Stripe another account.",
        Some("bank_account_restricted") => {
            "The bank allows no such transfers to this account. Ask the bank, or give Stripe another account."
        }
        Some("bank_ownership_changed") => {
            "The bank account belongs to somebody else now. Give Stripe an account of the business."
        }
        Some("could_not_process") => "The bank could not process it. Ask the bank what is wrong.",
        Some("debit_not_authorized") => {
            "The bank does not let Stripe take money back from this account. Ask the bank to allow it."
        }
        Some("declined") => "The bank refused it. Ask the bank why.",
        Some("expired_card") => "The debit card has expired. Give Stripe another one.",
        Some("incorrect_account_holder_address" | "incorrect_account_holder_details") => {
            "What Stripe knows of the account's holder is not what the bank knows. Correct it at Stripe."
        }
        Some("incorrect_account_holder_name") => {
            "The bank account's holder has another name than Stripe was told. Correct it at Stripe."
        }
        Some("incorrect_account_holder_tax_id") => {
            "The tax number of the account's holder is not the one that the bank has. Correct it at Stripe."
        }
        Some("incorrect_account_type") => {
            "It is not the type of account that Stripe was told, such as savings. Correct it at Stripe."
        }
        Some("insufficient_funds") => {
            "There was not enough money to cover it. It is sent again once there is."
        }
        Some("invalid_account_number" | "invalid_account_number_length") => {
            "The number of the bank account is not right. Correct it at Stripe."
        }
        Some("invalid_card") => "The debit card is not valid. Give Stripe another one.",
        Some("invalid_currency") => {
            "The bank account does not take this currency. Give Stripe one that does."
        }
        Some("lost_or_stolen_card") => "The debit card was reported lost or stolen. Give Stripe another one.",
        Some("no_account") => "The bank has no such account. Correct its number at Stripe.",
        Some("refer_to_card_issuer") => "The debit card's bank refused it. Ask that bank why.",
        Some("unsupported_card") => "This debit card takes no payouts. Give Stripe another one.",
        _ => "The bank did not take it. Stripe's dashboard says more.",
    }
}
