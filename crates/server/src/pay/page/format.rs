//! How amounts, days, moments and cards are written for payers. Nobody may misread an amount, so a symbol
//! that several currencies share is never used for more than one of them.

use domain::{Money, Timestamp};
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Between an amount and its code, so that they stay on one line.
const NO_BREAK: char = '\u{a0}';

/// `$1,234.50`, `€1,234.50`, `¥1,234`; every other currency with its code: `1,234.50 CAD`, `1.230 KWD`.
pub fn amount(money: Money) -> String {
    match symbol(money) {
        Some(_) => figure(money),
        None => format!("{}{NO_BREAK}{}", figure(money), money.currency()),
    }
}

/// The amount and always its code: `$1,234.50 USD`, `1,234.50 CAD`.
pub fn amount_with_code(money: Money) -> String {
    format!("{}{NO_BREAK}{}", figure(money), money.currency())
}

/// The amount beside which the code stands by itself: `$1,234.50`, `1,234.50`.
pub fn figure(money: Money) -> String {
    let plain = grouped(&money.plain());
    let (sign, digits) = match plain.strip_prefix('-') {
        Some(digits) => ("\u{2212}", digits),
        None => ("", plain.as_str()),
    };
    format!("{sign}{}{digits}", symbol(money).unwrap_or_default())
}

/// `30 November 2026`: no order of numbers to mistake.
pub fn day(date: Date) -> String {
    date.strftime("%-d %B %Y").to_string()
}

/// `30 November 2026, 09:14 UTC`. `None` for a moment beyond the year 9999.
pub fn moment(at: Timestamp) -> Option<String> {
    let zoned = jiff::Timestamp::from_millisecond(at.ms())
        .ok()?
        .to_zoned_datetime(TimeZone::UTC);
    Some(zoned.strftime("%-d %B %Y, %H:%M UTC").to_string())
}

/// The day of a moment in UTC. `None` for one beyond the year 9999.
pub fn day_of(at: Timestamp) -> Option<Date> {
    Some(
        jiff::Timestamp::from_millisecond(at.ms())
            .ok()?
            .to_zoned_datetime(TimeZone::UTC)
            .date(),
    )
}

/// `Visa ending in 4242`, as far as it is known.
pub fn card(brand: Option<&str>, last4: Option<&str>) -> Option<String> {
    let name = match brand? {
        "visa" => "Visa",
        "mastercard" => "Mastercard",
        "amex" => "American Express",
        "discover" => "Discover",
        "diners" => "Diners Club",
        "jcb" => "JCB",
        "unionpay" => "UnionPay",
        "eftpos_au" => "eftpos",
        "cartes_bancaires" => "Cartes Bancaires",
        _ => "Card",
    };
    Some(match last4 {
        Some(last4) => format!("{name} ending in {last4}"),
        None => name.to_owned(),
    })
}

fn symbol(money: Money) -> Option<&'static str> {
    match money.currency().code() {
        "usd" => Some("$"),
        "eur" => Some("€"),
        "gbp" => Some("£"),
        "jpy" => Some("¥"),
        _ => None,
    }
}

/// Commas between thousands before the point.
fn grouped(plain: &str) -> String {
    let (whole, part) = match plain.split_once('.') {
        Some((whole, part)) => (whole, Some(part)),
        None => (plain, None),
    };
    let (sign, digits) = match whole.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", whole),
    };
    let mut text = sign.to_owned();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if let Some(part) = part {
        text.push('.');
        text.push_str(part);
    }
    text
}

#[cfg(test)]
mod tests {
    use domain::Currency;

    use super::*;

    fn check(code: &str, minor: i64, shown: &str) {
        let money = Money::new(minor, Currency::parse(code).unwrap());
        assert_eq!(amount(money), shown.replace('_', "\u{a0}"));
        assert_eq!(
            amount_with_code(money)
                .matches(&money.currency().to_string())
                .count(),
            1
        );
    }

    #[test]
    fn amounts_cannot_be_misread() {
        check("usd", 123_450, "$1,234.50");
        check("eur", 123_450, "€1,234.50");
        check("gbp", 30, "£0.30");
        check("jpy", 1_234, "¥1,234");
        check("cny", 123_400, "1,234.00_CNY");
        check("cad", 123_450, "1,234.50_CAD");
        check("kwd", 1_230, "1.230_KWD");
        check("kwd", 1_234_567_890, "1,234,567.890_KWD");
        check("usd", 99_999_999, "$999,999.99");
        check("usd", 100_000, "$1,000.00");
        check("usd", 99_999, "$999.99");
        check("usd", 0, "$0.00");
        check("usd", -123_456, "\u{2212}$1,234.56");
        check("chf", -5, "\u{2212}0.05_CHF");
        check("idr", 123_456_789_012, "1,234,567,890.12_IDR");
    }

    #[test]
    fn a_symbol_stands_for_one_currency_only() {
        let mut seen = Vec::new();
        for currency in Currency::all() {
            let shown = amount(Money::new(100, currency));
            let first = shown.chars().next().unwrap();
            if first.is_ascii_digit() {
                assert!(shown.ends_with(&currency.to_string()), "{shown}");
            } else {
                assert!(!seen.contains(&first), "{shown}");
                seen.push(first);
            }
        }
    }

    #[test]
    fn days_moments_and_cards() {
        let at = Timestamp::from_ms(1_795_598_042_000);
        assert_eq!(moment(at).unwrap(), "25 November 2026, 09:14 UTC");
        assert_eq!(day(day_of(at).unwrap()), "25 November 2026");
        assert_eq!(moment(Timestamp::from_ms(i64::MAX)), None);
        assert_eq!(card(Some("visa"), Some("4242")).unwrap(), "Visa ending in 4242");
        assert_eq!(card(Some("amex"), None).unwrap(), "American Express");
        assert_eq!(card(Some("nova"), Some("0001")).unwrap(), "Card ending in 0001");
        assert_eq!(card(None, Some("0001")), None);
    }
}
