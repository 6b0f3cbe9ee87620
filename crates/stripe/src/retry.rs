//! When a try is repeated, and after how long: the rules of Stripe's own SDKs, plus a longer wait for 429,
//! which they do not repeat. Pure, so that the whole schedule is one table in the tests.

use sha2::{Digest, Sha256};

use crate::gate::retry_after_ms;
use crate::transport::{HttpResponse, NoAnswer};

/// Tries after the first one, as in Stripe's SDKs.
pub(crate) const RETRIES_MAX: u32 = 2;

const WAIT_FIRST_MS: u64 = 500;
const WAIT_FLOOR_MS: u64 = 500;
const WAIT_MAX_MS: u64 = 5_000;
/// The limiter counts per second and object locks last for seconds: half a second would only add to the
/// load.
const LIMITED_WAIT_FIRST_MS: u64 = 2_000;
const LIMITED_WAIT_MAX_MS: u64 = 20_000;
/// A longer wait that Stripe asks for is no matter of a caller who waits: the try is final.
const ASKED_WAIT_MAX_MS: u64 = 20_000;

/// How long to wait before repeating, or `None` if this outcome is final. `retries_made` counts the tries
/// after the first. In order: no retries left; no answer; what Stripe asks for; what the status says.
pub(crate) fn wait_ms(
    outcome: &Result<HttpResponse, NoAnswer>,
    seed: &str,
    retries_made: u32,
    retries_max: u32,
) -> Option<u64> {
    if retries_made >= retries_max {
        return None;
    }
    let (repeat, limited) = match outcome {
        Err(NoAnswer(_)) => (true, false),
        // A success is final whatever a header says: repeating it can only lose it.
        Ok(answer) if (200..300).contains(&answer.status) => (false, false),
        Ok(answer) => match answer.header("stripe-should-retry") {
            Some("true") => (true, answer.status == 429),
            Some("false") => (false, false),
            _ => (
                matches!(answer.status, 409 | 429) || answer.status >= 500,
                answer.status == 429,
            ),
        },
    };
    let asked_for = outcome.as_ref().ok().and_then(retry_after_ms).unwrap_or(0);
    (repeat && asked_for <= ASKED_WAIT_MAX_MS).then(|| backoff_ms(seed, retries_made, limited).max(asked_for))
}

fn backoff_ms(seed: &str, retries_made: u32, limited: bool) -> u64 {
    let (first, most) = match limited {
        true => (LIMITED_WAIT_FIRST_MS, LIMITED_WAIT_MAX_MS),
        false => (WAIT_FIRST_MS, WAIT_MAX_MS),
    };
    let full = first.saturating_mul(1 << retries_made.min(16)).min(most);
    let half = full / 2;
    (half + jitter(seed, retries_made) % (half + 1)).max(WAIT_FLOOR_MS)
}

/// A number that differs between operations, so that they do not return in step, and is the same in every
/// run, so that a simulation can be repeated.
fn jitter(seed: &str, retries_made: u32) -> u64 {
    let mut hash = Sha256::new();
    hash.update(seed.as_bytes());
    hash.update(retries_made.to_be_bytes());
    hash.finalize()
        .iter()
        .take(8)
        .fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, should_retry: Option<&str>) -> Result<HttpResponse, NoAnswer> {
        let header = |value: &str| ("stripe-should-retry".to_owned(), value.to_owned());
        Ok(HttpResponse {
            status,
            headers: should_retry.map(header).into_iter().collect(),
            body: Vec::new(),
        })
    }

    #[test]
    fn what_is_repeated_and_when() {
        let none = || Err(NoAnswer("reset".to_owned()));
        type Waits = [Option<(u64, u64)>; 3];
        let usual: Waits = [Some((500, 500)), Some((500, 1_000)), None];
        let limited: Waits = [Some((1_000, 2_000)), Some((2_000, 4_000)), None];
        let never: Waits = [None, None, None];
        for (outcome, waits) in [
            (none(), usual),
            (answer(200, None), never),
            (answer(200, Some("true")), never),
            (answer(302, None), never),
            (answer(400, None), never),
            (answer(400, Some("true")), usual),
            (answer(401, None), never),
            (answer(402, None), never),
            (answer(404, None), never),
            (answer(409, None), usual),
            (answer(409, Some("false")), never),
            (answer(429, None), limited),
            (answer(429, Some("true")), limited),
            (answer(429, Some("false")), never),
            (answer(500, None), usual),
            (answer(500, Some("false")), never),
            (answer(503, Some("true")), usual),
            (answer(503, Some("nonsense")), usual),
        ] {
            for (made, wait) in (0..).zip(waits) {
                let given = wait_ms(&outcome, "pay:1", made, RETRIES_MAX);
                let fits = match (given, wait) {
                    (Some(ms), Some((least, most))) => (least..=most).contains(&ms),
                    (given, wait) => given.is_none() && wait.is_none(),
                };
                assert!(fits, "{outcome:?} after {made} retries: {given:?}, not {wait:?}");
                assert_eq!(
                    given,
                    wait_ms(&outcome, "pay:1", made, RETRIES_MAX),
                    "the same in every run"
                );
            }
            assert_eq!(wait_ms(&outcome, "pay:1", 0, 0), None, "a single try stays one");
        }
    }

    #[test]
    fn the_wait_that_stripe_asks_for_is_kept_and_one_that_is_too_long_ends_it() {
        let asked = |status, seconds: &str| {
            let mut answer = answer(status, None);
            if let Ok(answer) = &mut answer {
                answer
                    .headers
                    .push(("retry-after".to_owned(), seconds.to_owned()));
            }
            wait_ms(&answer, "pay:1", 0, RETRIES_MAX)
        };
        for status in [409, 429, 500, 503] {
            assert_eq!(asked(status, "7"), Some(7_000), "{status}");
            assert_eq!(asked(status, "20"), Some(20_000), "{status}");
            assert_eq!(asked(status, "21"), None, "{status}");
            let without = wait_ms(&answer(status, None), "pay:1", 0, RETRIES_MAX);
            assert_eq!(asked(status, "0"), without, "{status}");
        }
        assert_eq!(asked(400, "7"), None, "what is final stays so");
    }

    #[test]
    fn operations_do_not_return_in_step() {
        let wait = |seed: &str| wait_ms(&answer(500, None), seed, 1, RETRIES_MAX);
        let mut waits: Vec<_> = (0..32).map(|n| wait(&format!("pay:{n}"))).collect();
        waits.sort();
        waits.dedup();
        assert!(waits.len() > 16, "{waits:?}");
    }

    #[test]
    fn the_wait_is_bounded() {
        for made in 0..200 {
            assert!(backoff_ms("x", made, false) <= WAIT_MAX_MS);
            assert!(backoff_ms("x", made, true) <= LIMITED_WAIT_MAX_MS);
        }
    }
}
