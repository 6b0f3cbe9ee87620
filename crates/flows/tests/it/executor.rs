//! The smallest executor: polls one future until it is done, or drops it at a given wait, as a crash would.
//! Each port call waits twice, before it acts and before its answer is taken, so every port call can be cut
//! on both sides.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Runs a future to its end.
pub fn run<F: Future>(future: F) -> F::Output {
    run_until(future, usize::MAX).expect("no crash was asked for")
}

/// Runs a future until its `waits`th wait and drops it there; none when it was cut.
pub fn run_until<F: Future>(future: F, waits: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    let mut waited = 0;
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return Some(output),
            Poll::Pending if waited == waits => return None,
            Poll::Pending => waited += 1,
        }
    }
}
