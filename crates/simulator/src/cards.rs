//! The test cards and what each does. A number is looked up when a card is typed; only its alias is kept.

/// A card with known behaviour.
#[derive(Debug)]
pub struct TestCard {
    /// Its name after `pm_card_` or `tok_`.
    pub alias: &'static str,
    /// Its number; empty when it is reached by its alias only.
    pub number: &'static str,
    /// Which scheme.
    pub brand: &'static str,
    /// `credit`, `debit` or `prepaid`.
    pub funding: &'static str,
    /// What its bank answers to a charge.
    pub bank: Bank,
    /// When its holder must authenticate.
    pub authentication: Authentication,
}

/// What a card's bank answers, once the holder is authenticated where needed.
#[derive(Clone, Copy, Debug)]
pub enum Bank {
    /// The charge goes through.
    Approves,
    /// It goes through, and the money is available at once.
    ApprovesAvailable,
    /// It goes through at this risk level.
    ApprovesAtRisk(&'static str),
    /// It goes through although a check of this name failed.
    ApprovesDespite(&'static str),
    /// It is refused; the card cannot be attached to a customer either.
    Declines(&'static Decline),
    /// It is refused, but the card attaches.
    DeclinesAttached(&'static Decline),
}

/// When a card asks for 3D Secure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// Only when the merchant insists.
    Optional,
    /// Unless it was set up for use without its holder.
    UnlessSetUp,
    /// When its holder is there; without the holder it counts as set up.
    OnSession,
    /// Each time.
    Always,
}

/// A refusal and all that Stripe says of it.
#[derive(Debug)]
pub struct Decline {
    /// The error's code.
    pub code: &'static str,
    /// Why, as the bank says.
    pub decline_code: &'static str,
    /// What the payer may read.
    pub message: &'static str,
    /// The field that is wrong.
    pub param: Option<&'static str>,
    /// What to do about it.
    pub advice: Option<&'static str>,
    /// The charge's `outcome.type`.
    pub outcome: &'static str,
}

const fn declined(decline_code: &'static str, advice: Option<&'static str>) -> Decline {
    Decline {
        code: "card_declined",
        decline_code,
        message: "Your card was declined.",
        param: None,
        advice,
        outcome: "issuer_declined",
    }
}

const AGAIN_LATER: Option<&str> = Some("try_again_later");
const NEVER_AGAIN: Option<&str> = Some("do_not_try_again");
const CONFIRM_DATA: Option<&str> = Some("confirm_card_data");

static GENERIC: Decline = declined("generic_decline", AGAIN_LATER);
static LOST: Decline = declined("lost_card", NEVER_AGAIN);
static STOLEN: Decline = declined("stolen_card", NEVER_AGAIN);
static VELOCITY: Decline = Decline {
    message: "Your card was declined for making repeated attempts too frequently or exceeding its amount \
              limit.",
    ..declined("card_velocity_exceeded", AGAIN_LATER)
};
static FRAUDULENT: Decline = declined("fraudulent", None);
static BLOCKED: Decline = Decline {
    outcome: "blocked",
    ..declined("fraudulent", None)
};
static FUNDS: Decline = Decline {
    message: "Your card has insufficient funds.",
    ..declined("insufficient_funds", AGAIN_LATER)
};
static EXPIRED: Decline = Decline {
    code: "expired_card",
    message: "Your card has expired.",
    param: Some("exp_month"),
    ..declined("expired_card", CONFIRM_DATA)
};
static CVC: Decline = Decline {
    code: "incorrect_cvc",
    message: "Your card's security code is incorrect.",
    param: Some("cvc"),
    ..declined("incorrect_cvc", CONFIRM_DATA)
};
static PROCESSING: Decline = Decline {
    code: "processing_error",
    message: "An error occurred while processing your card. Try again in a little bit.",
    ..declined("processing_error", AGAIN_LATER)
};
static TEST_CARD_IN_LIVE: Decline = Decline {
    message: "Your card was declined. Your request was in live mode, but used a known test card.",
    outcome: "invalid",
    ..declined("live_mode_test_card", None)
};
static LIVE_CARD_IN_TEST: Decline = Decline {
    message: "Your card was declined. Your request was in test mode, but used a non test card. For a list of \
              valid test cards, visit: https://stripe.com/docs/testing.",
    outcome: "invalid",
    ..declined("test_mode_live_card", None)
};

/// What an off-session payment gets when the bank wants its holder.
pub static AUTHENTICATION_REQUIRED: Decline = Decline {
    code: "authentication_required",
    message: "Your card was declined. This transaction requires authentication.",
    ..declined("authentication_required", None)
};
/// What `error_on_requires_action` makes of a needed authentication.
pub static AUTHENTICATION_NOT_HANDLED: Decline = Decline {
    code: "authentication_required",
    message: "This payment required an authentication action to complete, but `error_on_requires_action` was \
              set. When you're ready, you can upgrade your integration to handle actions at \
              https://stripe.com/docs/payments/payment-intents/upgrade-to-handle-actions.",
    ..declined("authentication_not_handled", None)
};
/// What is left after the holder failed or refused to authenticate.
pub static AUTHENTICATION_FAILED: Decline = Decline {
    code: "payment_intent_authentication_failure",
    message: "We are unable to authenticate your payment method. Please choose a different payment method \
              and try again.",
    ..declined("", None)
};

/// The same of a card that was to be saved.
pub static SETUP_AUTHENTICATION_FAILED: Decline = Decline {
    code: "setup_intent_authentication_failure",
    message: "The latest attempt to set up the payment method has failed because authentication failed.",
    ..declined("", None)
};

/// The alias of the one card that pays in live mode.
pub const LIVE: &str = "live";

const fn card(alias: &'static str, number: &'static str, bank: Bank) -> TestCard {
    TestCard {
        alias,
        number,
        brand: "visa",
        funding: "credit",
        bank,
        authentication: Authentication::Optional,
    }
}

const fn branded(
    alias: &'static str,
    number: &'static str,
    brand: &'static str,
    funding: &'static str,
) -> TestCard {
    TestCard {
        brand,
        funding,
        ..card(alias, number, Bank::Approves)
    }
}

const fn asking(when: Authentication, card: TestCard) -> TestCard {
    TestCard {
        authentication: when,
        ..card
    }
}

const fn always(alias: &'static str, number: &'static str, bank: Bank) -> TestCard {
    asking(Authentication::Always, card(alias, number, bank))
}

const LATER_DECLINED: Bank = Bank::DeclinesAttached(&GENERIC);
const LATER_NO_FUNDS: Bank = Bank::DeclinesAttached(&FUNDS);
const ON_SESSION: Authentication = Authentication::OnSession;
const UNLESS_SET_UP: Authentication = Authentication::UnlessSetUp;

/// Those that later widenings give a dispute, a refund's failure or a requirement simply pay for now.
#[rustfmt::skip]
static CARDS: [TestCard; 52] = [
    card("visa", "4242424242424242", Bank::Approves),
    card(LIVE, "4000009900000004", Bank::Approves),
    branded("visa_debit", "4000056655665556", "visa", "debit"),
    branded("mastercard", "5555555555554444", "mastercard", "credit"),
    branded("mastercard_debit", "5200828282828210", "mastercard", "debit"),
    branded("mastercard_prepaid", "5105105105105100", "mastercard", "prepaid"),
    branded("amex", "378282246310005", "amex", "credit"),
    branded("discover", "6011111111111117", "discover", "credit"),
    branded("diners", "3056930009020004", "diners", "credit"),
    branded("jcb", "3566002020360505", "jcb", "credit"),
    branded("unionpay", "6200000000000005", "unionpay", "credit"),
    card("bypassPending", "4000000000000077", Bank::ApprovesAvailable),
    card("chargeDeclined", "4000000000000002", Bank::Declines(&GENERIC)),
    card("chargeDeclinedInsufficientFunds", "4000000000009995", Bank::Declines(&FUNDS)),
    card("chargeDeclinedLostCard", "4000000000009987", Bank::Declines(&LOST)),
    card("chargeDeclinedStolenCard", "4000000000009979", Bank::Declines(&STOLEN)),
    card("chargeDeclinedVelocityLimitExceeded", "4000000000006975", Bank::Declines(&VELOCITY)),
    card("chargeDeclinedExpiredCard", "4000000000000069", Bank::Declines(&EXPIRED)),
    card("chargeDeclinedIncorrectCvc", "4000000000000127", Bank::Declines(&CVC)),
    card("chargeDeclinedProcessingError", "4000000000000119", Bank::Declines(&PROCESSING)),
    card("chargeDeclinedFraudulent", "", Bank::Declines(&FRAUDULENT)),
    card("radarBlock", "4100000000000019", Bank::Declines(&BLOCKED)),
    card("chargeCustomerFail", "4000000000000341", Bank::DeclinesAttached(&GENERIC)),
    asking(UNLESS_SET_UP, card("authenticationRequiredOnSetup", "4000002500003155", Bank::Approves)),
    always("authenticationRequired", "4000002760003184", Bank::Approves),
    asking(ON_SESSION, card("authenticationRequiredSetupForOffSession", "4000003800000446", Bank::Approves)),
    always("threeDSecure2Required", "4000000000003220", Bank::Approves),
    always("threeDSecureRequired", "4000000000003063", Bank::Approves),
    always("threeDSecureRequiredChargeDeclined", "4000008400001629", LATER_DECLINED),
    card("threeDSecureRequiredProcessingError", "4000008400001280", Bank::DeclinesAttached(&GENERIC)),
    card("threeDSecureOptional", "4000000000003055", Bank::Approves),
    always("authenticationRequiredChargeDeclinedInsufficientFunds", "4000008260003178", LATER_NO_FUNDS),
    card("createDispute", "4000000000000259", Bank::Approves),
    card("createDisputeProductNotReceived", "4000000000002685", Bank::Approves),
    card("createDisputeInquiry", "4000000000001976", Bank::Approves),
    card("createIssuerFraudRecord", "4000000000005423", Bank::Approves),
    card("createMultipleDisputes", "4000000404000079", Bank::Approves),
    card("pendingRefund", "4000000000007726", Bank::Approves),
    card("refundFail", "4000000000005126", Bank::Approves),
    card("riskLevelHighest", "4000000000004954", Bank::ApprovesAtRisk("highest")),
    card("riskLevelElevated", "4000000000009235", Bank::ApprovesAtRisk("elevated")),
    card("cvcCheckFail", "4000000000000101", Bank::ApprovesDespite("cvc_check")),
    card("avsZipFail", "4000000000000036", Bank::ApprovesDespite("address_postal_code_check")),
    card("avsLine1Fail", "4000000000000028", Bank::ApprovesDespite("address_line1_check")),
    card("connectRequirements", "4000000000004202", Bank::Approves),
    card("connectChargeBlock", "4000000000004210", Bank::Approves),
    card("connectPayoutBlock", "4000000000004236", Bank::Approves),
    branded("discover_diners", "36227206271667", "diners", "credit"),
    branded("amex_second", "371449635398431", "amex", "credit"),
    branded("mastercard_2series", "2223003122003222", "mastercard", "credit"),
    branded("discover_debit", "6011981111111113", "discover", "debit"),
    branded("us", "", "visa", "credit"),
];

/// Every test card.
pub fn all() -> &'static [TestCard] {
    &CARDS
}

/// The card of an alias, written `pm_card_…`, `tok_…` or bare, with or without the scheme that some
/// aliases name.
pub fn by_alias(alias: &str) -> Option<&'static TestCard> {
    let bare = alias
        .strip_prefix("pm_card_")
        .or_else(|| alias.strip_prefix("tok_"))
        .unwrap_or(alias);
    let without_brand = bare.strip_prefix("visa_").unwrap_or(bare);
    CARDS
        .iter()
        .find(|card| card.alias == bare)
        .or_else(|| CARDS.iter().find(|card| card.alias == without_brand))
}

/// The card of a number, which must hold digits only.
pub fn by_number(number: &str) -> Option<&'static TestCard> {
    CARDS
        .iter()
        .find(|card| !card.number.is_empty() && card.number == number)
}

/// What the bank of a card says in a mode: each mode refuses the other's cards. `None` is a number that is no
/// test card.
pub fn bank(card: Option<&TestCard>, livemode: bool) -> Bank {
    match card {
        Some(card) if livemode && card.alias != LIVE => Bank::Declines(&TEST_CARD_IN_LIVE),
        None if livemode => Bank::Declines(&GENERIC),
        Some(card) if !livemode && card.alias == LIVE => Bank::Declines(&LIVE_CARD_IN_TEST),
        None => Bank::Declines(&LIVE_CARD_IN_TEST),
        Some(card) => card.bank,
    }
}

/// The check digit every card number carries.
pub fn luhn(number: &str) -> bool {
    let digits: Option<Vec<u32>> = number.chars().rev().map(|digit| digit.to_digit(10)).collect();
    let Some(digits) = digits.filter(|digits| (12..=19).contains(&digits.len())) else {
        return false;
    };
    let sum: u32 = digits
        .iter()
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit * 2) {
            (0, _) => *digit,
            (_, doubled) if doubled > 9 => doubled - 9,
            (_, doubled) => doubled,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// The scheme of a number that is no test card.
pub fn brand(number: &str) -> &'static str {
    match number.as_bytes() {
        [b'4', ..] => "visa",
        [b'5', ..] | [b'2', ..] => "mastercard",
        [b'3', b'4' | b'7', ..] => "amex",
        [b'3', b'5', ..] => "jcb",
        [b'3', ..] => "diners",
        [b'6', b'2', ..] => "unionpay",
        [b'6', ..] => "discover",
        _ => "unknown",
    }
}

/// A number that is none: refused before there is a payment method.
pub static INCORRECT_NUMBER: Decline = Decline {
    code: "incorrect_number",
    message: "Your card number is incorrect.",
    param: Some("number"),
    ..declined("", None)
};
/// A year that is over, or none.
pub static INVALID_YEAR: Decline = Decline {
    code: "invalid_expiry_year",
    message: "Your card's expiration year is invalid.",
    param: Some("exp_year"),
    ..declined("", None)
};
/// A month that is over, or none.
pub static INVALID_MONTH: Decline = Decline {
    code: "invalid_expiry_month",
    message: "Your card's expiration month is invalid.",
    param: Some("exp_month"),
    ..declined("", None)
};
/// A security code of the wrong length.
pub static INVALID_CVC: Decline = Decline {
    code: "invalid_cvc",
    message: "Your card's security code is invalid.",
    param: Some("cvc"),
    ..declined("", None)
};
