//! What a test may want of its town.

use domain::Mode;

/// What a test may want otherwise.
pub struct Wishes {
    /// `STRIPE_MODE`.
    pub mode: Mode,
    /// Whether the simulator delivers webhooks.
    pub deliveries: bool,
    /// Whether the worker runs beside the requests; otherwise the test calls it.
    pub worker: bool,
    /// The platform's fee.
    pub fee_bps: i64,
    /// The port of the mail server on this machine, if there is one.
    pub smtp_port: Option<u16>,
    /// Whether time stands still until the test moves it, and randomness is the test's.
    pub still: bool,
}

impl Default for Wishes {
    fn default() -> Wishes {
        Wishes {
            mode: Mode::Test,
            deliveries: true,
            worker: true,
            fee_bps: 300,
            smtp_port: None,
            still: false,
        }
    }
}
