//! `psa-pay reconcile`: reads everything at Stripe again since a moment, shows how far it is, and says what
//! differs in the end.

use clap::Args;
use domain::Mode;
use flows::instance::Reconciled;
use flows::reconcile::{self, Order, Tally, Unread};
use flows::{Actor, By, Clock};
use indicatif::{ProgressBar, ProgressStyle};
use store::reconciliation_breaks::{self as rows, Wanted};

use crate::clock::SystemClock;
use crate::config::Config;
use crate::{instance, start, webhooks};

/// Breaks that are named; the API lists the others.
const NAMED_MAX: i64 = 100;

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

impl Arguments {
    fn order(&self) -> Result<Order, String> {
        let now = SystemClock::default().now();
        let mode = match self.mode.as_deref() {
            None => None,
            Some("test") => Some(Mode::Test),
            Some("live") => Some(Mode::Live),
            Some(_) => return Err("--mode must be test or live".to_owned()),
        };
        let since = webhooks::moment(&self.since, now)?;
        if since > now {
            return Err(format!(
                "--since {} is still to come: nothing has happened since then",
                self.since
            ));
        }
        Ok(Order {
            since,
            account: self.account.clone(),
            mode,
        })
    }
}

/// Does it. Beside a running server this works on PostgreSQL; SQLite's file is one process's, so there the
/// server is stopped first, and the error says so.
///
/// # Errors
/// A sentence: what could not be done, how many breaks are open, or how many accounts could not be read.
pub async fn run(
    config: &Config,
    arguments: &Arguments,
    say: &mut (dyn FnMut(String) + Send),
) -> Result<(), String> {
    let order = arguments.order()?;
    let of_platform = order.account.is_none();
    let app = start::app_on_known(config)
        .await
        .map_err(|error| error.to_string())?;
    instance::claim(config, &app).await?;
    let bar = bar();
    let by = By::new(Actor::CommandLine);
    let done = reconcile::ordered(&app, &by, &order, &mut |tally| show(&bar, tally)).await;
    bar.abandon();
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
    let lock = match (&done, &open) {
        (Ok((tally, unread)), Ok((_, count))) if unread.is_empty() && tally.held == 0 => {
            flows::instance::reconciled(&app, &by, &order, *count).await
        }
        _ => Ok(Reconciled::NotLocked),
    };
    app.db.close().await;
    let (tally, unread) = done.map_err(|failure| failure.to_string())?;
    let (named, count) = open.map_err(|error| error.to_string())?;
    tell_of_lock(&lock.map_err(|failure| failure.to_string())?, say);
    tell(&tally, &unread, of_platform, say);
    for found in named {
        let (mode, kind, subject) = (found.mode.label(), found.kind, found.subject_id);
        say(format!(
            "BREAK  {} {mode} {kind} {subject}: {}",
            found.id, found.detail
        ));
    }
    match (count, unread.len()) {
        (0, 0) if tally.held > 0 => Err(format!("{} writes are held by an instance", tally.held)),
        (0, 0) => {
            say("No break is open.".to_owned());
            Ok(())
        }
        (0, unread) => Err(format!("{unread} accounts were not read to their end")),
        (count, 0) => Err(format!("{count} breaks are open")),
        (count, unread) => Err(format!(
            "{count} breaks are open, and {unread} accounts were not read to their end"
        )),
    }
}

/// What it means for a live mode that is locked.
fn tell_of_lock(lock: &Reconciled, say: &mut (dyn FnMut(String) + Send)) {
    match lock {
        Reconciled::NotLocked => {}
        Reconciled::Unlocked(mails) => {
            say(format!(
                "LIVE is open again. {mails} mails of before were cancelled."
            ));
        }
        Reconciled::NotAll(since) => {
            let since = jiff::Timestamp::from_millisecond(since.ms()).unwrap_or_default();
            say(format!(
                "LIVE stays locked: read all of it, by `psa-pay reconcile --since {since:.0}`"
            ));
        }
        Reconciled::WithBreaks => say(
            "LIVE stays locked while breaks are open: look at each, and run this again or `psa-pay unlock`"
                .to_owned(),
        ),
    }
}

/// What was read, what is held, and what could not be read.
fn tell(tally: &Tally, unread: &[Unread], of_platform: bool, say: &mut (dyn FnMut(String) + Send)) {
    say(format!(
        "{} of {} accounts read{}, {} events applied, {} writes and {} payments looked at.",
        tally.accounts_read,
        tally.accounts,
        if of_platform && tally.accounts > 0 {
            " (the platform among them)"
        } else {
            ""
        },
        tally.events,
        tally.operations,
        tally.payments
    ));
    if tally.held > 0 {
        say(format!(
            "HELD  {} writes are held by a running instance, or by one that ended within the last minute: \
             run this again in a minute",
            tally.held
        ));
    }
    for account in unread {
        let (mode, why) = (account.mode.label(), &account.why);
        let name = match account.account.as_str() {
            "" => "the platform",
            account => account,
        };
        say(format!("NOT READ  {name} {mode}: {why}"));
    }
}

/// How far it has come: a bar on a terminal, nothing elsewhere.
fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("[{bar:30}] {pos} of {len} accounts, {msg}");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn show(bar: &ProgressBar, tally: Tally) {
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    bar.set_length(count(tally.accounts));
    bar.set_position(count(tally.accounts_read));
    bar.set_message(format!("{} events", tally.events));
}
