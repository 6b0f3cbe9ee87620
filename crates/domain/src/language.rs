//! The languages that recipients and payers are written to in, with how each writes amounts and days. Nobody
//! may misread an amount, so a symbol that several currencies share is never used for more than one of them.

use crate::invoice::TaxRate;
use crate::seal::Day;
use crate::{Money, Timestamp};

/// Between an amount and its currency, so that they stay on one line.
const NO_BREAK: char = '\u{a0}';
/// French writes thousands apart with this.
const NARROW_NO_BREAK: char = '\u{202f}';
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;
/// The longest `Accept-Language` that is read; browsers send a few dozen characters.
const HEADER_MAX: usize = 500;

/// A language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// German.
    De,
    /// French.
    Fr,
    /// Spanish.
    Es,
}

impl Language {
    /// All of them.
    pub const ALL: [Language; 4] = [Language::En, Language::De, Language::Fr, Language::Es];

    /// `en`, as it is stored and as HTML's `lang` takes it.
    pub const fn word(self) -> &'static str {
        match self {
            Language::En => "en",
            Language::De => "de",
            Language::Fr => "fr",
            Language::Es => "es",
        }
    }

    /// Its name in itself, for a list to choose from.
    pub const fn name(self) -> &'static str {
        match self {
            Language::En => "English",
            Language::De => "Deutsch",
            Language::Fr => "Français",
            Language::Es => "Español",
        }
    }

    /// Reads `de`, `DE`, `de-CH` or `de_AT`; `None` for a language that is not here.
    pub fn parse(tag: &str) -> Option<Language> {
        let primary = tag.trim().split(['-', '_']).next().unwrap_or_default();
        Language::ALL
            .into_iter()
            .find(|language| language.word().eq_ignore_ascii_case(primary))
    }

    /// The one that a browser wants most, of those that are here: `fr-CH, fr;q=0.9, en;q=0.8`.
    pub fn accepted(header: &str) -> Option<Language> {
        if header.len() > HEADER_MAX {
            return None;
        }
        let mut best: Option<(Language, i64)> = None;
        for range in header.split(',') {
            let mut parts = range.split(';');
            let Some(language) = parts.next().and_then(Language::parse) else {
                continue;
            };
            let weight = parts
                .find_map(|part| part.trim().strip_prefix("q="))
                .map_or(1_000, thousandths);
            if weight > best.map_or(0, |(_, weight)| weight) {
                best = Some((language, weight));
            }
        }
        best.map(|(language, _)| language)
    }

    /// `$1,234.50`, `1.234,50 €`; currencies without a symbol of their own with their code: `1,234.50 CAD`.
    pub fn money(self, money: Money) -> String {
        let figure = self.figure(money);
        match (symbol(money), self) {
            (None, _) => format!("{figure}{NO_BREAK}{}", money.currency()),
            (Some(symbol), Language::En) => match figure.strip_prefix('\u{2212}') {
                Some(figure) => format!("\u{2212}{symbol}{figure}"),
                None => format!("{symbol}{figure}"),
            },
            (Some(symbol), Language::De | Language::Fr | Language::Es) => {
                format!("{figure}{NO_BREAK}{symbol}")
            }
        }
    }

    /// What stands between a word and what it tells: French sets a blank before it, at which no line breaks.
    pub const fn colon(self) -> &'static str {
        match self {
            Language::Fr => "\u{a0}:",
            Language::De | Language::En | Language::Es => ":",
        }
    }

    /// The amount without a symbol, and its code: `1.234,50 EUR`.
    pub fn money_with_code(self, money: Money) -> String {
        format!("{}{NO_BREAK}{}", self.figure(money), money.currency())
    }

    /// The amount alone: `1,234.50`, `1.234,50`, `1 234,50`.
    pub fn figure(self, money: Money) -> String {
        let plain = money.plain();
        let (sign, digits) = match plain.strip_prefix('-') {
            Some(digits) => ("\u{2212}", digits),
            None => ("", plain.as_str()),
        };
        let (thousands, point) = self.separators();
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let mut text = sign.to_owned();
        let groups = whole.len() >= self.grouped_from();
        for (at, digit) in whole.chars().enumerate() {
            if groups && at > 0 && (whole.len() - at).is_multiple_of(3) {
                text.push(thousands);
            }
            text.push(digit);
        }
        if !part.is_empty() {
            text.push(point);
            text.push_str(part);
        }
        text
    }

    /// What stands between thousands, and before decimals.
    pub const fn separators(self) -> (char, char) {
        match self {
            Language::En => (',', '.'),
            Language::De | Language::Es => ('.', ','),
            Language::Fr => (NARROW_NO_BREAK, ','),
        }
    }

    /// The least number of digits before the decimals that are grouped: Spanish leaves four together.
    pub const fn grouped_from(self) -> usize {
        match self {
            Language::En | Language::De | Language::Fr => 4,
            Language::Es => 5,
        }
    }

    /// A decimal number, as Rust writes it, with the language's point.
    pub fn decimal(self, plain: &str) -> String {
        let (_, point) = self.separators();
        plain.replace('.', point.encode_utf8(&mut [0; 4]))
    }

    /// `8.1%`, `8,1 %`.
    pub fn rate(self, rate: TaxRate) -> String {
        self.percentage(&rate.to_string())
    }

    /// A percentage, as Rust writes it, in the language's way.
    pub fn percentage(self, plain: &str) -> String {
        let plain = self.decimal(plain);
        match self {
            Language::En => plain,
            Language::De | Language::Fr | Language::Es => plain.replace('%', "\u{a0}%"),
        }
    }

    /// A moment with its day and, in UTC, its hour: `25 November 2026, 09:14 UTC`.
    pub fn moment(self, at: Timestamp) -> String {
        let minutes = at.ms().rem_euclid(DAY_MS) / MINUTE_MS;
        let (hour, minute) = (minutes / 60, minutes % 60);
        format!("{}, {hour:02}:{minute:02} UTC", self.day(Day::of(at)))
    }

    /// `30 November 2026`, `30. November 2026`, `30 novembre 2026`, `30 de noviembre de 2026`: no order of
    /// numbers to mistake.
    pub fn day(self, day: Day) -> String {
        let written = day.to_string();
        let mut parts = written.rsplitn(3, '-');
        let mut next = || parts.next().unwrap_or_default().trim_start_matches('0');
        let (day, month, year) = (next(), next(), next());
        let month = month
            .parse::<usize>()
            .ok()
            .and_then(|month| self.months().get(month.checked_sub(1)?))
            .copied()
            .unwrap_or_default();
        match self {
            Language::En => format!("{day} {month} {year}"),
            Language::De => format!("{day}. {month} {year}"),
            Language::Fr if day == "1" => format!("1er {month} {year}"),
            Language::Fr => format!("{day} {month} {year}"),
            Language::Es => format!("{day} de {month} de {year}"),
        }
    }

    const fn months(self) -> &'static [&'static str; 12] {
        match self {
            Language::En => &[
                "January",
                "February",
                "March",
                "April",
                "May",
                "June",
                "July",
                "August",
                "September",
                "October",
                "November",
                "December",
            ],
            Language::De => &[
                "Januar",
                "Februar",
                "März",
                "April",
                "Mai",
                "Juni",
                "Juli",
                "August",
                "September",
                "Oktober",
                "November",
                "Dezember",
            ],
            Language::Fr => &[
                "janvier",
                "février",
                "mars",
                "avril",
                "mai",
                "juin",
                "juillet",
                "août",
                "septembre",
                "octobre",
                "novembre",
                "décembre",
            ],
            Language::Es => &[
                "enero",
                "febrero",
                "marzo",
                "abril",
                "mayo",
                "junio",
                "julio",
                "agosto",
                "septiembre",
                "octubre",
                "noviembre",
                "diciembre",
            ],
        }
    }
}

/// The symbol of a currency that may have it for itself.
fn symbol(money: Money) -> Option<&'static str> {
    match money.currency().code() {
        "usd" => Some("$"),
        "eur" => Some("€"),
        "gbp" => Some("£"),
        "jpy" => Some("¥"),
        _ => None,
    }
}

/// A weight of `Accept-Language`, from 0 to 1 with up to three decimals; 0 for anything else.
fn thousandths(weight: &str) -> i64 {
    let (whole, part) = weight.trim().split_once('.').unwrap_or((weight.trim(), ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if part.len() > 3 || !digits(part) || !matches!(whole, "0" | "1") {
        return 0;
    }
    let part = format!("{part:0<3}").parse::<i64>().unwrap_or(0);
    let whole = if whole == "1" { 1_000 } else { 0 };
    (whole + part).min(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Currency;

    fn check(code: &str, minor: i64, shown: [&str; 4]) {
        let money = Money::new(minor, Currency::parse(code).unwrap());
        let spaced = |text: String| text.replace(NO_BREAK, "_").replace(NARROW_NO_BREAK, "~");
        let written = Language::ALL.map(|language| spaced(language.money(money)));
        assert_eq!(written, shown);
    }

    #[test]
    fn amounts_are_written_as_each_language_does() {
        check(
            "usd",
            123_450,
            ["$1,234.50", "1.234,50_$", "1~234,50_$", "1234,50_$"],
        );
        check(
            "eur",
            1_234_567,
            ["€12,345.67", "12.345,67_€", "12~345,67_€", "12.345,67_€"],
        );
        check(
            "cad",
            123_450,
            ["1,234.50_CAD", "1.234,50_CAD", "1~234,50_CAD", "1234,50_CAD"],
        );
        check(
            "jpy",
            1_234_567,
            ["¥1,234,567", "1.234.567_¥", "1~234~567_¥", "1.234.567_¥"],
        );
        check("kwd", 1_230, ["1.230_KWD", "1,230_KWD", "1,230_KWD", "1,230_KWD"]);
        check(
            "gbp",
            -5,
            [
                "\u{2212}£0.05",
                "\u{2212}0,05_£",
                "\u{2212}0,05_£",
                "\u{2212}0,05_£",
            ],
        );
        check("usd", 0, ["$0.00", "0,00_$", "0,00_$", "0,00_$"]);
    }

    #[test]
    fn a_symbol_stands_for_one_currency_in_every_language() {
        for language in Language::ALL {
            let mut symbols = Vec::new();
            for currency in Currency::all() {
                let shown = language.money(Money::new(100, currency));
                if shown.contains(&currency.to_string()) {
                    continue;
                }
                let symbol: String = shown.chars().filter(|c| "$€£¥".contains(*c)).collect();
                assert_eq!(symbol.chars().count(), 1, "{shown}");
                assert!(!symbols.contains(&symbol), "{shown}");
                symbols.push(symbol);
            }
            let with_code = language.money_with_code(Money::new(100, Currency::parse("eur").unwrap()));
            assert!(with_code.ends_with("EUR"), "{with_code}");
        }
    }

    #[test]
    fn days_are_written_as_each_language_does() {
        let day = |text| Language::ALL.map(|language| language.day(Day::parse(text).unwrap()));
        assert_eq!(
            day("2026-03-01"),
            [
                "1 March 2026",
                "1. März 2026",
                "1er mars 2026",
                "1 de marzo de 2026"
            ]
        );
        assert_eq!(
            day("2026-12-30"),
            [
                "30 December 2026",
                "30. Dezember 2026",
                "30 décembre 2026",
                "30 de diciembre de 2026"
            ]
        );
        for month in 1..=12 {
            for language in Language::ALL {
                let shown = language.day(Day::parse(&format!("2026-{month:02}-10")).unwrap());
                assert!(shown.len() >= 11 && shown.starts_with("10"), "{shown}");
            }
        }
    }

    #[test]
    fn rates_and_moments_are_written_as_each_language_does() {
        let rate = TaxRate::from_thousandths_of_percent(8_125).unwrap();
        assert_eq!(
            Language::ALL.map(|language| language.rate(rate)),
            ["8.125%", "8,125\u{a0}%", "8,125\u{a0}%", "8,125\u{a0}%"]
        );
        let at = Timestamp::from_ms(1_795_598_042_000);
        assert_eq!(
            Language::ALL.map(|language| language.moment(at)),
            [
                "25 November 2026, 09:14 UTC",
                "25. November 2026, 09:14 UTC",
                "25 novembre 2026, 09:14 UTC",
                "25 de noviembre de 2026, 09:14 UTC"
            ]
        );
    }

    #[test]
    fn words_and_tags_are_read() {
        for language in Language::ALL {
            assert_eq!(Language::parse(language.word()), Some(language));
        }
        for (tag, language) in [
            ("de-CH", Some(Language::De)),
            ("DE_at", Some(Language::De)),
            (" fr ", Some(Language::Fr)),
            ("es-419", Some(Language::Es)),
            ("deu", None),
            ("it", None),
            ("", None),
            ("*", None),
        ] {
            assert_eq!(Language::parse(tag), language, "{tag:?}");
        }
    }

    #[test]
    fn browsers_get_what_they_want_most() {
        for (header, language) in [
            ("fr-CH, fr;q=0.9, en;q=0.8, *;q=0.5", Some(Language::Fr)),
            ("it, de;q=0.7, en;q=0.3", Some(Language::De)),
            ("en;q=0.2, es;q=0.25", Some(Language::Es)),
            ("de;q=0, en;q=0.1", Some(Language::En)),
            ("de;q=0.5, fr;q=0.5", Some(Language::De)),
            ("de;q=nonsense, fr;q=0.001", Some(Language::Fr)),
            ("de;q=0.12345", None),
            ("de;q=-1", None),
            ("it", None),
            ("", None),
            (";;,,;q=", None),
        ] {
            assert_eq!(Language::accepted(header), language, "{header:?}");
        }
        assert_eq!(
            Language::accepted(&"de,".repeat(400)),
            None,
            "too long to be read"
        );
    }
}
