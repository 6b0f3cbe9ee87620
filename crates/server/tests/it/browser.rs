//! A real browser for the tests: headless Chromium behind a chromedriver of its own for each test, with what
//! the pages need to be tried: frames by name, the keyboard, a phone's size, dark and light, broken content
//! policies.
//!
//! Nothing here sleeps for a length of time; everything waits for what it wants to see, for at most
//! [`WAIT_MAX`] unless told otherwise, and then fails with the page's text and a screenshot.

use std::time::Duration;

mod driver;
mod own_tests;
mod page;
mod session;

pub use session::{Browser, Scheme};

/// Longer than any page takes on a busy machine with two cores.
pub const WAIT_MAX: Duration = Duration::from_secs(20);

/// How often a wait looks again.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// Looks until there is something to see; `None` when `at_most` has gone by.
pub async fn poll<T>(at_most: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let looking = async {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        loop {
            ticks.tick().await;
            if let Some(seen) = look().await {
                return seen;
            }
        }
    };
    tokio::time::timeout(at_most, looking).await.ok()
}
