//! Waits that differ between those who wait, so that they do not come back in step, and are the same in every
//! run of a seed.

use sha2::{Digest, Sha256};

/// A number from 0 to `most`, which depends on who waits and how often they did.
pub fn spread(who: &str, nth: i64, most: i64) -> i64 {
    let digest = Sha256::new()
        .chain_update(who)
        .chain_update([0])
        .chain_update(nth.to_be_bytes())
        .finalize();
    // 56 bits: as a number they are not negative.
    let drawn = digest
        .iter()
        .take(7)
        .fold(0_i64, |bits, byte| (bits << 8) | i64::from(*byte));
    drawn % most.max(0).saturating_add(1)
}
