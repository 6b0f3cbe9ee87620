//! What the readers of Stripe's lists share, of events and of balance transactions: how big a page is, what
//! they do when it does not arrive, and when they try again.

use domain::Timestamp;
use stripe::CallError;

use crate::spread::spread;

/// Objects of a page.
const PAGE: u32 = 100;
/// The wait after a try that failed, doubled each time.
const RETRY_MS: i64 = 30 * 1000;

/// Objects to ask for, after so many tries in a row that failed: an answer has a greatest size, so that after
/// a page that did not arrive there are fewer.
pub const fn limit(tries: i64) -> u32 {
    match tries {
        0 => PAGE,
        1 => PAGE / 4,
        _ => PAGE / 10,
    }
}

/// When an account is read again after the next of so many tries that failed: after a wait that grows up to
/// `wait_ms_max`, and is not the same for all accounts.
pub fn next_try(account: &str, tries: i64, now: Timestamp, wait_ms_max: i64) -> Timestamp {
    let doublings = u32::try_from(tries.clamp(0, 10)).unwrap_or(10);
    let half = RETRY_MS.saturating_mul(1_i64 << doublings).min(wait_ms_max) / 2;
    now.plus_ms(half + spread(account, tries.saturating_add(1), half))
}

/// Whether Stripe does not know the object that the last page ended with: then a list begins anew.
pub fn is_place_lost(error: &CallError) -> bool {
    matches!(error, CallError::Rejected(rejection)
        if rejection.is_missing() || rejection.code.as_deref() == Some("resource_missing"))
}
