//! Codes of an authenticator (RFC 6238) but for the HMAC: which steps are looked at, what becomes of the
//! digest, and that no code is taken twice.

use crate::Timestamp;

/// A code is of so many seconds.
pub const STEP_S: i64 = 30;
/// Digits of a code.
pub const DIGITS: usize = 6;
/// Clocks may be one step apart, either way.
const APART: i64 = 1;

/// The step of a moment.
pub const fn step_of(now: Timestamp) -> i64 {
    now.seconds().div_euclid(STEP_S)
}

/// The steps whose codes are taken now, the oldest first: those within reach and after the last one that was
/// used.
pub fn open_steps(now: Timestamp, last_used: Option<i64>) -> impl Iterator<Item = i64> {
    let here = step_of(now);
    let from = here.saturating_sub(APART);
    let first = last_used.map_or(from, |last| from.max(last.saturating_add(1)));
    first..=here.saturating_add(APART)
}

/// The code that a digest of HMAC-SHA-1 stands for; nothing for a digest of another length.
pub fn code(digest: &[u8]) -> Option<String> {
    let offset = usize::from(digest.get(19)? & 0xf);
    let bytes: [u8; 4] = digest.get(offset..offset.checked_add(4)?)?.try_into().ok()?;
    let number = u32::from_be_bytes(bytes) & 0x7fff_ffff;
    Some(format!("{:06}", number % 1_000_000))
}

/// What somebody typed, without the blanks that apps show between the digits. Nothing if it is no code.
pub fn typed(text: &str) -> Option<String> {
    let digits: String = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .take(DIGITS + 1)
        .collect();
    (digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_ms(seconds * 1000)
    }

    #[test]
    fn a_code_is_open_for_its_step_and_one_on_either_side_and_once() {
        for now in 0..600 {
            let here = now / STEP_S;
            for last in [None].into_iter().chain((here - 4..here + 4).map(Some)) {
                let open: Vec<i64> = open_steps(at(now), last).collect();
                for step in here - 5..=here + 5 {
                    let in_reach = (step - here).abs() <= 1;
                    let fresh = last.is_none_or(|last| step > last);
                    assert_eq!(open.contains(&step), in_reach && fresh, "{now} {last:?} {step}");
                }
            }
        }
        assert_eq!(open_steps(at(i64::MAX / 1000), Some(i64::MAX)).count(), 0);
    }

    #[test]
    fn the_digest_of_the_standard_gives_its_code() {
        // RFC 4226, section 5.4.
        let digest = [
            0x1f, 0x86, 0x98, 0x69, 0x0e, 0x02, 0xca, 0x16, 0x61, 0x85, 0x50, 0xef, 0x7f, 0x19, 0xda, 0x8e,
            0x94, 0x5b, 0x55, 0x5a,
        ];
        assert_eq!(code(&digest).as_deref(), Some("872921"));
        for wrong in [&digest[..19], &[], &[0; 4]] {
            assert_eq!(code(wrong), None);
        }
    }

    #[test]
    fn blanks_do_not_count_and_anything_else_is_no_code() {
        for (text, read) in [
            ("123456", Some("123456")),
            (" 123 456 ", Some("123456")),
            ("000000", Some("000000")),
            ("12345", None),
            ("1234567", None),
            ("12345a", None),
            ("１２３４５６", None),
            ("", None),
        ] {
            assert_eq!(typed(text).as_deref(), read, "{text}");
        }
    }
}
