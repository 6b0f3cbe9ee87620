//! Logs: lines for people, or JSON for machines, in UTC. No bodies and no secrets are ever logged.

use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

/// Starts logging to standard output. `RUST_LOG` narrows or widens it.
pub fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false);
    // A second start in one process (a test) keeps the first.
    let started = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    if let Err(error) = started {
        tracing::debug!(%error, "logging was started already");
    }
}
