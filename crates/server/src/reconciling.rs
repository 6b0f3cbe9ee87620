//! `psa-pay reconcile`: reads everything at Stripe again since a moment, shows how far it is, and says what
//! differs in the end.

use std::io::{self, IsTerminal, Write};

use clap::Args;
use domain::Mode;
use flows::reconcile::{self, Order, Tally};
use flows::{Actor, By, Clock};
use store::reconciliation_breaks::{self as rows, Wanted};

use crate::clock::SystemClock;
use crate::config::Config;
use crate::metrics::Metrics;
use crate::{start, webhooks};

/// Breaks that are named; the API lists the others.
const NAMED_MAX: i64 = 100;
/// Characters of the bar.
const BAR: usize = 30;

/// What is to be read again.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// Since when: 2026-11-24, 2026-11-24T13:00:00Z, 90m, 36h or 7d ago. Beyond thirty days, what was made is
    /// listed instead of events.
    #[arg(long, value_name = "MOMENT")]
    since: String,
    /// This connected account only.
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// This mode only: test or live.
    #[arg(long, value_name = "MODE")]
    mode: Option<String>,
}

/// Does it. Beside a running server this works on PostgreSQL; SQLite's file is one process's, so there the
/// server is stopped first, and the error says so.
///
/// # Errors
/// A sentence: what could not be done, or how many breaks are open.
pub async fn run(
    config: &Config,
    arguments: &Arguments,
    say: &mut (dyn FnMut(String) + Send),
) -> Result<(), String> {
    let now = SystemClock::default().now();
    let mode = match arguments.mode.as_deref() {
        None => None,
        Some("test") => Some(Mode::Test),
        Some("live") => Some(Mode::Live),
        Some(_) => return Err("--mode must be test or live".to_owned()),
    };
    let order = Order {
        since: webhooks::moment(&arguments.since, now)?,
        account: arguments.account.clone(),
        mode,
    };
    let app = start::app(config, &Metrics::default())
        .await
        .map_err(|error| error.to_string())?;
    let mut bar = Bar::default();
    let by = By::new(Actor::CommandLine);
    let done = reconcile::ordered(&app, &by, &order, &mut |tally| bar.show(tally)).await;
    bar.end();
    let wanted = Wanted {
        kind: None,
        open: Some(true),
        opened_by: None,
        after: None,
        limit: NAMED_MAX,
    };
    let open = app
        .db
        .read(move |tx| Ok::<_, store::Error>((rows::page_of_all(tx, &wanted)?, rows::count_open(tx)?)));
    let open = open.await;
    app.db.close().await;
    let tally = done.map_err(|failure| failure.to_string())?;
    let (named, count) = open.map_err(|error| error.to_string())?;
    say(format!(
        "{} accounts read (the platform among them), {} events applied, {} writes and {} payments looked at.",
        tally.accounts, tally.events, tally.operations, tally.payments
    ));
    for found in named {
        let (mode, kind, subject) = (found.mode.label(), found.kind, found.subject_id);
        say(format!(
            "BREAK  {} {mode} {kind} {subject}: {}",
            found.id, found.detail
        ));
    }
    match count {
        0 => {
            say("No break is open.".to_owned());
            Ok(())
        }
        count => Err(format!("{count} breaks are open")),
    }
}

/// How far it has come: one line that changes on a terminal, nothing elsewhere.
#[derive(Default)]
struct Bar {
    shown: bool,
}

impl Bar {
    fn show(&mut self, tally: Tally) {
        if !io::stderr().is_terminal() {
            return;
        }
        self.shown = true;
        let all = tally.accounts.max(1);
        let done = (tally.accounts_read.min(all) * BAR) / all;
        let bar = format!("{}{}", "#".repeat(done), ".".repeat(BAR - done));
        let (read, events) = (tally.accounts_read.min(all), tally.events);
        // Nothing is lost if nobody reads it.
        let _unread = write!(
            io::stderr(),
            "\r[{bar}] {read} of {all} accounts, {events} events "
        );
    }

    fn end(&self) {
        if self.shown {
            let _unread = writeln!(io::stderr());
        }
    }
}
