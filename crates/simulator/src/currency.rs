//! Currencies: which there are, how many decimals they have, and the least and the most that may be charged.

use crate::error::ApiError;

const ZERO_DECIMAL: [&str; 15] = [
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf",
];
const THREE_DECIMAL: [&str; 5] = ["bhd", "jod", "kwd", "omr", "tnd"];
/// Written with two decimals that must be zero.
const WHOLE: [&str; 2] = ["isk", "ugx"];
const TWO_DECIMAL: &str = "\
    usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf \
    chf cny cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr \
    ils inr isk jmd kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr \
    mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sos \
    srd std szl thb tjs top try ttd twd tzs uah ugx uyu uzs xcd zar";
/// In minor units; other currencies have no minimum of their own.
#[rustfmt::skip]
const MINIMUM: [(&str, i64); 26] = [
    ("usd", 50), ("aed", 200), ("aud", 50), ("bgn", 100), ("brl", 50), ("cad", 50),
    ("chf", 50), ("czk", 1500), ("dkk", 250), ("eur", 50), ("gbp", 30), ("hkd", 400),
    ("huf", 17500), ("inr", 50), ("jpy", 50), ("mxn", 1000), ("myr", 200), ("nok", 300),
    ("nzd", 50), ("pln", 200), ("ron", 200), ("sek", 300), ("sgd", 50), ("thb", 1000),
    ("isk", 100), ("ugx", 100),
];
/// Eight digits; twelve for rupiahs.
const MOST: i64 = 99_999_999;
const MOST_IDR: i64 = 999_999_999_999;

/// Every currency that Stripe supports.
pub fn all() -> impl Iterator<Item = &'static str> {
    TWO_DECIMAL.split(' ').chain(ZERO_DECIMAL).chain(THREE_DECIMAL)
}

/// Reads a currency's code, in any case.
///
/// # Errors
/// 400 for one that Stripe does not support.
pub fn parse(text: &str) -> Result<String, ApiError> {
    let code = text.to_ascii_lowercase();
    if all().any(|known| known == code) {
        return Ok(code);
    }
    let shown: String = text.chars().take(20).collect();
    let known = all().collect::<Vec<_>>().join(", ");
    Err(ApiError::invalid(format!(
        "Invalid currency: {shown}. Stripe currently supports these currencies: {known}"
    ))
    .param("currency"))
}

/// Checks an amount to be charged, in minor units.
///
/// # Errors
/// 400 `parameter_invalid_integer`, `amount_too_small` or `amount_too_large`.
pub fn check_amount(amount: i64, currency: &str) -> Result<(), ApiError> {
    let most = if currency == "idr" { MOST_IDR } else { MOST };
    let least = MINIMUM
        .iter()
        .find(|(code, _)| *code == currency)
        .map_or(1, |(_, least)| *least);
    let error = if amount < 1 {
        ApiError::invalid(
            "The amount must be greater than or equal to the minimum charge amount allowed for your account \
             and the currency set (https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts). \
             If you want to save a Payment Method for future use without an immediate payment, use a Setup \
             Intent instead: https://docs.stripe.com/payments/setup-intents",
        )
        .code("parameter_invalid_integer")
    } else if amount < least {
        ApiError::invalid(format!("Amount must be at least {}", show(least, currency)))
            .code("amount_too_small")
    } else if amount > most {
        ApiError::invalid(format!("Amount must be no more than {}", show(most, currency)))
            .code("amount_too_large")
    } else if THREE_DECIMAL.contains(&currency) && amount % 10 != 0 {
        ApiError::invalid("Amount must be divisible by 10 in three-decimal currencies.")
    } else if WHOLE.contains(&currency) && amount % 100 != 0 {
        ApiError::invalid("Amount must be divisible by 100 in this currency, which has no minor unit.")
    } else {
        return Ok(());
    };
    Err(error.param("amount"))
}

/// Whether an amount above nothing is less than may be charged.
pub fn is_too_little(amount: i64, currency: &str) -> bool {
    MINIMUM
        .iter()
        .any(|(code, least)| *code == currency && amount < *least)
}

/// Stripe's own fee in the list price of the United States: 2.9 %, half up, and 30 minor units.
pub fn stripe_fee(amount: i64) -> i64 {
    (amount * 29 + 500) / 1000 + 30
}

/// Stripe's fee for a bank account's debit in the United States: 0.8 %, at most 5.00.
pub fn debit_fee(amount: i64) -> i64 {
    ((amount * 8 + 500) / 1000).min(500)
}

/// An amount as Stripe writes it in messages: `$0.50 usd`, `¥50 jpy`.
pub fn show(amount: i64, currency: &str) -> String {
    let symbol = match currency {
        "usd" | "cad" | "aud" | "nzd" | "sgd" | "hkd" => "$",
        "eur" => "€",
        "gbp" => "£",
        "jpy" => "¥",
        _ => "",
    };
    if ZERO_DECIMAL.contains(&currency) {
        format!("{symbol}{amount} {currency}")
    } else if THREE_DECIMAL.contains(&currency) {
        format!("{symbol}{}.{:03} {currency}", amount / 1000, amount % 1000)
    } else {
        format!("{symbol}{}.{:02} {currency}", amount / 100, amount % 100)
    }
}

/// A price as customers read it: `$25.00`, `¥500`, `CHF 25.00`.
pub fn price(amount: i64, currency: &str) -> String {
    let shown = show(amount, currency);
    let number = shown.split(' ').next().unwrap_or_default();
    if number.starts_with(|first: char| first.is_ascii_digit() || first == '-') {
        format!("{} {number}", currency.to_uppercase())
    } else {
        number.to_owned()
    }
}
