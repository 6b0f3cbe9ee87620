//! When an event that could not be applied is tried again. Waits grow, so that what is broken costs
//! little, and are spread, so that what failed together is not tried again together.

/// After so many tries, the last five hours after the first, a person must look.
pub const TRIES_MAX: i64 = 12;
/// The first wait is a second at most; each is four times the one before.
const FIRST_MS: i64 = 1000;
const FACTOR: i64 = 4;
/// An hour: whatever was repaired is noticed within that.
const WAIT_MS_MAX: i64 = 60 * 60 * 1000;

/// How long to wait after so many failed tries: from half of the full wait to all of it, as `random` says.
pub fn wait_ms(failures: i64, random: u128) -> i64 {
    let full = (1..failures.clamp(1, TRIES_MAX)).fold(FIRST_MS, |wait, _| (wait * FACTOR).min(WAIT_MS_MAX));
    let half = full / 2;
    let spread = u128::try_from(half + 1).map_or(0, |places| random % places);
    half + i64::try_from(spread).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_an_hour_and_stay_there() {
        let full: Vec<i64> = (1..=TRIES_MAX)
            .map(|failures| {
                let seconds = |random| wait_ms(failures, random);
                // Half of it is even, so that this is the last place of the spread.
                let half = seconds(0);
                assert_eq!(seconds(half.unsigned_abs().into()), 2 * half, "after {failures}");
                2 * half / 1000
            })
            .collect();
        assert_eq!(
            full,
            [1, 4, 16, 64, 256, 1024, 3600, 3600, 3600, 3600, 3600, 3600]
        );
        let until_dead: i64 = full[..11].iter().sum();
        assert_eq!(until_dead / 3600, 5, "hours from the first try to the last");
    }

    #[test]
    fn whatever_is_drawn_a_wait_is_between_half_and_all_of_it() {
        for failures in [i64::MIN, -1, 0, 1, 2, 7, 12, 13, i64::MAX] {
            let half = wait_ms(failures, 0);
            for random in [1, 7, u128::from(u64::MAX), u128::MAX - 1, u128::MAX] {
                let wait = wait_ms(failures, random);
                assert!((half..=2 * half).contains(&wait), "{failures} {random}: {wait}");
            }
            assert!((500..=WAIT_MS_MAX).contains(&half));
        }
        let drawn: std::collections::BTreeSet<i64> = (0..100).map(|n| wait_ms(7, n * 7919)).collect();
        assert!(drawn.len() > 90, "what failed together comes back apart");
    }
}
