//! What a test does when the machine lacks something it needs: it says so where nobody can miss it, and fails
//! where the gate demands that nothing is left out.

use std::io::Write;

/// Says that a part did not run. Fails when the variable `require` is 1.
#[track_caller]
pub fn left_out(part: &str, why: &str, require: &str) {
    let message = format!("\n!!! {part} DID NOT RUN: {why}\n");
    assert!(std::env::var(require).as_deref() != Ok("1"), "{message}");
    // Past the capture of the test runner, which hides what a passing test prints.
    let shown = std::io::stderr().write_all(message.as_bytes());
    shown.expect("standard error takes the message");
}
