//! Logs: lines for people, or JSON for machines, in UTC. No bodies and no secrets are ever logged, and
//! nothing that a caller sent makes a line of its own.

use std::io::{self, Write};

use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

/// Starts logging to standard output. `RUST_LOG` narrows or widens it.
pub fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(false)
        .with_writer(|| OneLine(io::stdout()));
    // A second start in one process (a test) keeps the first.
    let started = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    if let Err(error) = started {
        tracing::debug!(%error, "logging was started already");
    }
}

/// One event is one line, and none steers a terminal: a control character within it, which may come from a
/// caller, is written as what it is. Each event is written at once, with its own line break at the end.
struct OneLine<W>(W);

impl<W: Write> Write for OneLine<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let steers = |c: char| c.is_control() && c != '\t';
        if line.contains(steers) {
            let mut plain = String::with_capacity(event.len() + 16);
            for c in line.chars() {
                match steers(c) {
                    true => plain.extend(c.escape_default()),
                    false => plain.push(c),
                }
            }
            plain.push_str(&text[line.len()..]);
            self.0.write_all(plain.as_bytes())?;
        } else {
            self.0.write_all(event)?;
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nothing_that_a_caller_sends_makes_a_line_of_its_own() {
        let kept = Kept::default();
        let writer = kept.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || OneLine(writer.clone()))
            .finish();
        let hostile = "evt\r\n2026-01-01T00:00:00Z  INFO \u{1b}[31mWebhook received: paid";
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("request", method = %hostile);
            let _entered = span.enter();
            tracing::info!("Webhook received: {hostile}");
            tracing::warn!(why = %hostile, said = ?hostile, plain = hostile, "refused");
        });
        let written = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<&str> = written.split('\n').collect();
        assert_eq!((lines.len(), lines[2]), (3, ""), "{written}");
        assert!(
            lines[0].contains(" INFO request{") && lines[1].contains(" WARN request{"),
            "{written}"
        );
        assert!(!written.contains(['\r', '\u{1b}']), "{written:?}");
    }
}
