//! Which passwords are taken: long ones, of any characters, that are not what everybody tries first. No rule
//! asks for a digit or a sign, and none runs out.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::Refusal;

/// The shortest, in characters.
pub const LEAST: usize = 12;
/// The longest, in characters: nobody types more, and hashing has a bound.
pub const MOST: usize = 128;
/// What is left of a password once the usual words are taken out of it must be at least this long.
const OWN_LEAST: usize = 6;
/// A word that is shorter says nothing: `a` stands in many passwords.
const WORD_LEAST: usize = 4;
/// Words about us and money that guesses begin with.
const ABOUT_US: [&str; 10] = [
    "psa-pay", "psapay", "payment", "payments", "invoice", "invoices", "billing", "stripe", "welcome",
    "company",
];

static USUAL: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let lines = include_str!("password/usual.txt").lines();
    lines.filter(|line| !line.starts_with('#')).collect()
});

/// Whether a password may be chosen by somebody whose name, address, tenant and so on are `context`.
///
/// # Errors
/// [`Refusal::InvalidField`] for `field`, which says what to do.
pub fn check(field: &'static str, password: &str, context: &[&str]) -> Result<(), Refusal> {
    let length = password.chars().count();
    let refused = |problem: &str| Err(Refusal::invalid(field, problem.to_owned()));
    if length < LEAST {
        return refused(&format!(
            "must have at least {LEAST} characters; a few words in a row are good"
        ));
    }
    if length > MOST {
        return refused(&format!("must have at most {MOST} characters"));
    }
    if is_usual(password, context) {
        return refused(
            "is one of those that are tried first, or made of your name or ours; choose one that nobody \
             would guess",
        );
    }
    Ok(())
}

/// Whether little is left of a password without usual passwords, words of the context, repetitions and rows.
fn is_usual(password: &str, context: &[&str]) -> bool {
    let lower = password.to_lowercase();
    if USUAL.contains(lower.as_str()) || USUAL.contains(password) {
        return true;
    }
    // An address counts as a whole too: `op@example.com` has no word in it that is long enough alone.
    let context: Vec<String> = context
        .iter()
        .flat_map(|text| text.split(|c: char| !c.is_alphanumeric()).chain([*text]))
        .map(str::to_lowercase)
        .filter(|word| word.chars().count() >= WORD_LEAST)
        .collect();
    let chars: Vec<char> = lower.chars().collect();
    let (mut at, mut own) = (0, 0);
    // What came before counts once: "correct horse correct horse" is as good as half of it.
    let mut seen: HashSet<String> = HashSet::new();
    while at < chars.len() {
        match known_at(&chars, at, &context, &seen) {
            Some(length) => at += length,
            None => {
                own += 1;
                if let Some(word) = chars.get(at.saturating_sub(WORD_LEAST - 1)..=at) {
                    seen.insert(word.iter().collect());
                }
                at += 1;
            }
        }
    }
    own < OWN_LEAST
}

/// How many characters from here on are a usual word, a run such as `1111` or `abcd`, or a repetition.
fn known_at(chars: &[char], at: usize, context: &[String], seen: &HashSet<String>) -> Option<usize> {
    let rest = chars.get(at..)?;
    let longest = rest.len().min(MOST);
    for length in (WORD_LEAST..=longest).rev() {
        let word: String = rest.iter().take(length).collect();
        let is_word =
            USUAL.contains(word.as_str()) || ABOUT_US.contains(&word.as_str()) || context.contains(&word);
        if is_word {
            return Some(length);
        }
    }
    let run = run_length(rest);
    if run >= WORD_LEAST - 1 {
        return Some(run);
    }
    let next: String = rest.iter().take(WORD_LEAST).collect();
    seen.contains(&next).then_some(WORD_LEAST.min(rest.len()))
}

/// Characters that go on in the same step: `aaaa`, `1234`, `dcba`.
fn run_length(chars: &[char]) -> usize {
    let step = |pair: &[char]| match pair {
        [a, b] => Some(i64::from(u32::from(*b)) - i64::from(u32::from(*a))),
        _ => None,
    };
    let Some(first) = chars.get(..2).and_then(step).filter(|step| step.abs() <= 1) else {
        return 0;
    };
    let same = chars.windows(2).take_while(|pair| step(pair) == Some(first));
    same.count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTEXT: [&str; 3] = [
        "jordan.fielding@northwind.example",
        "Jordan Fielding",
        "Northwind IT Services",
    ];

    #[test]
    fn ones_own_short_address_is_no_password() {
        let context = ["op@example.com", "Olga", "psa-pay"];
        for own in [
            "op@example.com",
            "OP@example.com",
            "op@example.com1",
            "2op@example.com!",
        ] {
            assert!(check("password", own, &context).is_err(), "{own}");
        }
        assert!(check("password", "op@example.com rides a horse", &context).is_ok());
    }

    fn refused(password: &str) -> bool {
        check("password", password, &CONTEXT).is_err()
    }

    #[test]
    fn long_passwords_of_any_characters_are_taken_and_usual_ones_are_not() {
        for good in [
            "correct horse battery",
            "korrekt pferd batterie klammer",
            "Ein Pferd, das Zeitung liest!",
            "пароль для моего кота",
            "      twelve spaces first",
            "🐎🔋📎🧷🪣🧺🐈🛶🧭🪁🧵🪢",
            "9f3b-77ac-e021-b5d8",
            "vK7#pQ2!xL9z",
            &"lantern orbit ".repeat(9)[..126],
        ] {
            assert_eq!(check("password", good, &CONTEXT), Ok(()), "{good}");
        }
        for bad in [
            "",
            "short",
            "elevenchars",
            "password1234",
            "Password1234!",
            "PASSWORDPASSWORD",
            "qwertyuiop123",
            "1q2w3e4r5t6y",
            "aaaaaaaaaaaa",
            "abcdefghijklmnop",
            "987654321098",
            "123456789012",
            "psa-pay-2026",
            "psapaypsapay1",
            "stripe-invoice-billing",
            "Northwind2026",
            "jordanfielding",
            "fielding.jordan!",
            "Welcome2Northwind",
            "letmeinletmein",
            "dragonmonkey1",
        ] {
            assert!(refused(bad), "{bad}");
        }
    }

    #[test]
    fn lengths_count_characters_and_nothing_is_cut_off() {
        // Letters far apart, so that only the length decides.
        let of = |length: usize| -> String {
            (0..length)
                .map(|n| char::from_u32(0x4e00 + u32::try_from(n * 37 % 20_000).unwrap()).unwrap())
                .collect()
        };
        for (length, taken) in [
            (11, false),
            (12, true),
            (15, true),
            (64, true),
            (128, true),
            (129, false),
        ] {
            assert_eq!(check("password", &of(length), &[]).is_ok(), taken, "{length}");
        }
        let field = check("new_password", "short", &[]).unwrap_err();
        assert_eq!(field.field(), Some("new_password"));
    }

    #[test]
    fn all_of_the_list_is_refused() {
        assert!(USUAL.len() >= 3_000, "{}", USUAL.len());
        for word in USUAL.iter() {
            assert!(refused(word), "{word}");
            assert!(refused(&word.to_uppercase()), "{word}");
        }
    }
}
