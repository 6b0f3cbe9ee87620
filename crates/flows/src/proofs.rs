//! The work that a pay page has to show while its tenant's payments look like card testing: numbers are tried
//! until the key derived from the page's token and the number begins with enough zero bits. PBKDF2 rather
//! than a bare hash: browsers derive keys in native code, so that a bot is not thousands of times faster than
//! a phone.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::Failure;

/// What a page has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// Iterations of PBKDF2-HMAC-SHA-256 for each number.
    pub rounds: u32,
    /// Leading zero bits of the derived key; each doubles the work.
    pub bits: u32,
}

/// About a second on a phone, 256 numbers on average; checking one number costs us about a millisecond.
pub const WORK: Work = Work {
    rounds: 2_000,
    bits: 8,
};

/// More digits than any page counts to.
const PROOF_MAX: usize = 12;

/// Whether a number is what the work leads to for this page.
///
/// # Errors
/// Never in practice: HMAC takes keys of any length.
pub fn proves(work: Work, page_token: &str, number: &str) -> Result<bool, Failure> {
    if number.is_empty() || number.len() > PROOF_MAX || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(false);
    }
    let derived = derive(page_token.as_bytes(), number.as_bytes(), work.rounds)?;
    let (first, _) = derived.split_at(8);
    let first = first.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    Ok(first.leading_zeros() >= work.bits)
}

/// The first block of PBKDF2-HMAC-SHA-256 (RFC 8018), which is all that a key of 32 bytes needs.
fn derive(password: &[u8], salt: &[u8], rounds: u32) -> Result<[u8; 32], Failure> {
    let keyed = Hmac::<Sha256>::new_from_slice(password)
        .map_err(|_| Failure::Bug("HMAC takes keys of any length".to_owned()))?;
    let mut mac = keyed.clone();
    mac.update(salt);
    mac.update(&1_u32.to_be_bytes());
    let mut block: [u8; 32] = mac.finalize().into_bytes().into();
    let mut derived = block;
    for _ in 1..rounds {
        let mut mac = keyed.clone();
        mac.update(&block);
        block = mac.finalize().into_bytes().into();
        for (byte, more) in derived.iter_mut().zip(block) {
            *byte ^= more;
        }
    }
    Ok(derived)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors that everybody uses for PBKDF2-HMAC-SHA-256.
    #[test]
    fn keys_are_derived_as_browsers_derive_them() {
        for (rounds, expected) in [
            (
                1,
                "120fb6cffcf8b32c43e7225256c4f837a86548c92ccc35480805987cb70be17b",
            ),
            (
                2,
                "ae4d0c95af6b46d32d0adff928f06dd02a303f8ef3c251dfd6e2d85a95474c43",
            ),
            (
                4_096,
                "c5e478d59288c841aa530db6845c4c8d962893a001ce4e11a4963873aa98134a",
            ),
        ] {
            let derived = derive(b"password", b"salt", rounds).unwrap();
            assert_eq!(hex::encode(derived), expected, "{rounds}");
        }
    }

    #[test]
    fn what_is_no_number_proves_nothing() {
        let nothing = Work { rounds: 1, bits: 0 };
        assert_eq!(proves(nothing, "page", "7"), Ok(true));
        for number in ["", "-1", "1.5", "0x10", " 7", "1234567890123", "\u{661}"] {
            assert_eq!(proves(nothing, "page", number), Ok(false), "{number:?}");
        }
    }
}
