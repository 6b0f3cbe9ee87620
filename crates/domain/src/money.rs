//! Amounts and the currencies that Stripe charges in. Integers in minor units only; no conversion between
//! currencies.

use std::fmt;

use crate::Refusal;

/// A currency that Stripe charges in, with what the API asks of its amounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency {
    code: &'static str,
    decimals: u32,
    step: i64,
    minimum: i64,
    maximum: i64,
}

/// Eight digits, the most that Stripe takes in all currencies but the rupiah.
const MAXIMUM: i64 = 99_999_999;
/// Twelve digits.
const MAXIMUM_IDR: i64 = 999_999_999_999;

/// Two decimals and no minimum published: Stripe applies that of the currency it settles in.
const TWO_DECIMALS: &[&str] = &[
    "afn", "all", "amd", "ang", "aoa", "ars", "awg", "azn", "bam", "bbd", "bdt", "bmd", "bnd", "bob", "bsd",
    "bwp", "byn", "bzd", "cdf", "cny", "cop", "crc", "cve", "dop", "dzd", "egp", "etb", "fjd", "fkp", "gel",
    "gip", "gmd", "gtq", "gyd", "hnl", "htg", "idr", "ils", "jmd", "kes", "kgs", "khr", "kyd", "kzt", "lak",
    "lbp", "lkr", "lrd", "lsl", "mad", "mdl", "mkd", "mmk", "mnt", "mop", "mur", "mvr", "mwk", "mzn", "nad",
    "ngn", "nio", "npr", "pab", "pen", "pgk", "php", "pkr", "qar", "rsd", "rub", "sar", "sbd", "scr", "shp",
    "sle", "sos", "srd", "std", "szl", "tjs", "top", "try", "ttd", "twd", "tzs", "uah", "uyu", "uzs", "wst",
    "xcd", "yer", "zar", "zmw",
];
/// No decimals: 500 is ¥500.
const ZERO_DECIMALS: &[&str] = &[
    "bif", "clp", "djf", "gnf", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf",
];
/// Three decimals, of which the last must be 0 in the API.
const THREE_DECIMALS: &[&str] = &["bhd", "jod", "kwd", "omr", "tnd"];
/// No decimals in life, two in the API, the last two digits 00.
const TWO_DECIMALS_WHOLE: &[&str] = &["isk", "ugx"];
/// Currencies with a published minimum charge, in minor units.
const WITH_MINIMUM: &[(&str, u32, i64)] = &[
    ("usd", 2, 50),
    ("aed", 2, 200),
    ("aud", 2, 50),
    ("bgn", 2, 100),
    ("brl", 2, 50),
    ("cad", 2, 50),
    ("chf", 2, 50),
    ("czk", 2, 1_500),
    ("dkk", 2, 250),
    ("eur", 2, 50),
    ("gbp", 2, 30),
    ("hkd", 2, 400),
    ("huf", 2, 17_500),
    ("inr", 2, 50),
    ("jpy", 0, 50),
    ("mxn", 2, 1_000),
    ("myr", 2, 200),
    ("nok", 2, 300),
    ("nzd", 2, 50),
    ("pln", 2, 200),
    ("ron", 2, 200),
    ("sek", 2, 300),
    ("sgd", 2, 50),
    ("thb", 2, 1_000),
];

impl Currency {
    /// Reads a three-letter ISO code in either case.
    ///
    /// # Errors
    /// [`Refusal::UnknownCurrency`] when Stripe does not charge in it.
    pub fn parse(text: &str) -> Result<Currency, Refusal> {
        let wanted = text.to_ascii_lowercase();
        Currency::all()
            .find(|currency| currency.code == wanted)
            .ok_or(Refusal::UnknownCurrency)
    }

    /// Every currency, each once.
    pub fn all() -> impl Iterator<Item = Currency> {
        let plain = |code, decimals, step, minimum| {
            let maximum = if code == "idr" { MAXIMUM_IDR } else { MAXIMUM };
            Currency {
                code,
                decimals,
                step,
                minimum,
                maximum,
            }
        };
        let published = WITH_MINIMUM
            .iter()
            .map(move |(code, decimals, min)| plain(*code, *decimals, 1, *min));
        let two = TWO_DECIMALS.iter().map(move |code| plain(*code, 2, 1, 1));
        let zero = ZERO_DECIMALS.iter().map(move |code| plain(*code, 0, 1, 1));
        let three = THREE_DECIMALS.iter().map(move |code| plain(*code, 3, 10, 10));
        let whole = TWO_DECIMALS_WHOLE
            .iter()
            .map(move |code| plain(*code, 2, 100, 100));
        published.chain(two).chain(zero).chain(three).chain(whole)
    }

    /// The code in lower case, as Stripe writes it.
    pub const fn code(self) -> &'static str {
        self.code
    }

    /// Decimals of the amounts in the API: 1,234 is 12.34 with two.
    pub const fn decimals(self) -> u32 {
        self.decimals
    }

    /// The least charge, in minor units.
    pub const fn minimum(self) -> i64 {
        self.minimum
    }

    /// The greatest charge, in minor units.
    pub const fn maximum(self) -> i64 {
        self.maximum
    }
}

/// An amount in minor units of one currency. May be negative (a posting); what is charged is checked by
/// [`Money::chargeable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    /// An amount in minor units.
    pub const fn new(minor: i64, currency: Currency) -> Money {
        Money { minor, currency }
    }

    /// Minor units: cents for usd, yen for jpy.
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Whether Stripe would take this amount as a charge.
    ///
    /// # Errors
    /// [`Refusal::AmountTooSmall`] (zero and negative included), [`Refusal::AmountTooLarge`], or
    /// [`Refusal::InvalidField`] when the last digits must be zero and are not.
    pub fn chargeable(self) -> Result<Money, Refusal> {
        let Currency { minimum, maximum, .. } = self.currency;
        if self.minor < minimum {
            return Err(Refusal::AmountTooSmall {
                minimum: Money::new(minimum, self.currency).to_string(),
            });
        }
        if self.minor > maximum {
            return Err(Refusal::AmountTooLarge {
                maximum: Money::new(maximum, self.currency).to_string(),
            });
        }
        self.in_steps("total")
    }

    /// Whether Stripe would take this amount by its last digits, for what is given back or credited;
    /// `field` is what the refusal names.
    ///
    /// # Errors
    /// [`Refusal::InvalidField`] when the last digits must be zero and are not.
    pub fn in_steps(self, field: &'static str) -> Result<Money, Refusal> {
        let step = self.currency.step;
        if self.minor % step != 0 {
            let problem = format!("must be a multiple of {}", Money::new(step, self.currency));
            return Err(Refusal::invalid(field, problem));
        }
        Ok(self)
    }

    /// Reads an amount as people type it: `1234.5`, `1,234.50`, `500`. Commas may stand between thousands and
    /// nowhere else, so that `12,50` is asked about and not taken for 1,250.
    ///
    /// # Errors
    /// [`Refusal::InvalidField`] that names `field`: for what is no such number, for more decimals than the
    /// currency has, and for more digits than any amount has.
    pub fn typed(field: &str, text: &str, currency: Currency) -> Result<Money, Refusal> {
        let decimals = usize::try_from(currency.decimals).unwrap_or_default();
        let refused = || {
            let example = Money::new(1_234_500, currency).plain();
            Refusal::invalid(
                field.to_owned(),
                format!("must be an amount such as {example}, with a point before the decimals"),
            )
        };
        let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let (first, groups) = whole.split_once(',').unwrap_or((whole, ""));
        let ungrouped = groups.is_empty() && !whole.contains(',');
        let grouped = first.len() <= 3 && groups.split(',').all(|group| group.len() == 3);
        let joined = whole.replace(',', "");
        let is_number = !first.is_empty() && digits(&joined) && digits(part);
        if !is_number || !(ungrouped || grouped) || part.len() > decimals {
            return Err(refused());
        }
        // Where a currency has as many decimals as a group has digits, `1,234` may be either.
        if decimals == 3 && !ungrouped && part.is_empty() {
            let (small, large) = (whole.replacen(',', ".", 1), format!("{joined}.000"));
            let problem = format!("can be read in two ways: write {small} or {large}");
            return Err(Refusal::invalid(field.to_owned(), problem));
        }
        let minor = format!("{joined}{part:0<decimals$}")
            .parse()
            .map_err(|_| refused())?;
        Ok(Money::new(minor, currency))
    }

    /// The amount without its currency: `1234.50`, `500`, `1.230`.
    pub fn plain(self) -> String {
        let decimals = usize::try_from(self.currency.decimals).unwrap_or_default();
        let digits = format!("{:0>width$}", self.minor.unsigned_abs(), width = decimals + 1);
        let (whole, part) = digits.split_at(digits.len() - decimals);
        let sign = if self.minor < 0 { "-" } else { "" };
        if part.is_empty() {
            format!("{sign}{whole}")
        } else {
            format!("{sign}{whole}.{part}")
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code.to_ascii_uppercase())
    }
}

/// `123.45 USD`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.plain(), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: &str, minor: i64, shown: &str, chargeable: bool) {
        let money = Money::new(minor, Currency::parse(code).unwrap());
        assert_eq!(money.to_string(), shown);
        assert_eq!(money.chargeable().is_ok(), chargeable, "{shown}");
    }

    #[test]
    fn amounts_are_written_with_their_currencys_decimals() {
        check("usd", 12_345, "123.45 USD", true);
        check("usd", 50, "0.50 USD", true);
        check("usd", 49, "0.49 USD", false);
        check("usd", 0, "0.00 USD", false);
        check("usd", -500, "-5.00 USD", false);
        check("usd", 99_999_999, "999999.99 USD", true);
        check("usd", 100_000_000, "1000000.00 USD", false);
        check("JPY", 50, "50 JPY", true);
        check("jpy", 49, "49 JPY", false);
        check("kwd", 1_230, "1.230 KWD", true);
        check("kwd", 1_234, "1.234 KWD", false);
        check("isk", 10_000, "100.00 ISK", true);
        check("isk", 10_050, "100.50 ISK", false);
        check("ugx", 50_000, "500.00 UGX", true);
        check("huf", 17_500, "175.00 HUF", true);
        check("huf", 17_499, "174.99 HUF", false);
        check("twd", 1_501, "15.01 TWD", true);
        check("idr", 123_456_789_012, "1234567890.12 IDR", true);
    }

    #[test]
    fn each_currency_is_listed_once_and_takes_its_own_bounds() {
        let all: Vec<Currency> = Currency::all().collect();
        assert!(all.len() > 130);
        for currency in &all {
            assert_eq!(Currency::parse(currency.code()), Ok(*currency));
            assert_eq!(Currency::parse(&currency.to_string()), Ok(*currency));
            assert_eq!(
                all.iter().filter(|other| other.code() == currency.code()).count(),
                1,
                "{currency}"
            );
            assert!(
                Money::new(currency.minimum(), *currency).chargeable().is_ok(),
                "{currency}"
            );
            assert!(
                Money::new(currency.minimum() - 1, *currency)
                    .chargeable()
                    .is_err(),
                "{currency}"
            );
            assert!(
                Money::new(currency.maximum() + 1, *currency)
                    .chargeable()
                    .is_err(),
                "{currency}"
            );
        }
    }

    #[test]
    fn typed_amounts_are_taken_as_they_are_meant_or_asked_about() {
        let typed = |text: &str, code: &str| {
            let currency = Currency::parse(code).unwrap();
            Money::typed("amount", text, currency).map(Money::minor).ok()
        };
        for (text, code, minor) in [
            ("1234.50", "usd", 123_450),
            ("1234.5", "usd", 123_450),
            (" 1,234.50 ", "usd", 123_450),
            ("1,234,567", "usd", 123_456_700),
            ("500", "jpy", 500),
            ("1,500", "jpy", 1_500),
            ("1.23", "kwd", 1_230),
            ("1,234.000", "kwd", 1_234_000),
            ("1234", "kwd", 1_234_000),
            ("0", "usd", 0),
            ("7.", "usd", 700),
        ] {
            assert_eq!(typed(text, code), Some(minor), "{text}");
        }
        for (text, code) in [
            ("", "usd"),
            (".5", "usd"),
            ("12,50", "usd"),
            ("1,2345", "usd"),
            ("1234,567", "usd"),
            ("1,234,", "usd"),
            ("1.234,50", "usd"),
            ("12.345", "usd"),
            ("500.5", "jpy"),
            ("-5", "usd"),
            ("$5", "usd"),
            ("1e3", "usd"),
            ("1,234", "kwd"),
            ("99999999999999999999", "usd"),
            ("١٢", "usd"),
        ] {
            assert_eq!(typed(text, code), None, "{text}");
        }
        // What is shown is taken when it is sent back.
        for currency in Currency::all() {
            let shown = Money::new(1_234_567, currency);
            assert_eq!(Money::typed("amount", &shown.plain(), currency), Ok(shown));
        }
    }

    #[test]
    fn unknown_currencies_are_refused() {
        for code in ["", "us", "usdd", "xxx", "u$d", "btc"] {
            assert_eq!(Currency::parse(code), Err(Refusal::UnknownCurrency), "{code}");
        }
    }
}
