//! Keeping what Stripe answered.

use std::sync::Arc;

use store::Tx;

use crate::{App, Failure};

/// So often it is tried, each time as long as any transaction is: some seconds in all. Nobody else takes the
/// write up before its lease ends.
const TRIES: u32 = 8;

/// One transaction with what a write came to. It has happened at Stripe: that other transactions are in the
/// way is no reason to give up as soon as a command may.
///
/// # Errors
/// What the closure answers, and when the database fails.
pub async fn keep<T, F>(app: &App, closure: F) -> Result<T, Failure>
where
    F: Fn(&mut Tx<'_>) -> Result<T, Failure> + Send + Sync + 'static,
    T: Send + 'static,
{
    let closure = Arc::new(closure);
    let mut tries = 1;
    loop {
        let this_try = Arc::clone(&closure);
        match app.db.write(move |tx| this_try(tx)).await {
            Err(Failure::Store(store::Error::Conflict)) if tries < TRIES => tries += 1,
            answer => return answer,
        }
    }
}
