//! `psa-pay webhooks`: the endpoints at Stripe, and the inbox on the command line, where the database is. It
//! lists what Stripe reported and sends events on their way again; the server that runs on this database, or
//! the next one, applies them.

pub mod endpoints;

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use clap::{Args, Subcommand};
use domain::Timestamp;
use flows::stripe_events::replay::{self, Replayed};
use flows::{Actor, App, By, Clock};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use store::stripe_webhook_events::Status;
use store::stripe_webhook_events::shown::{self, Shown, Wanted};

use crate::api::webhook_events::status;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::start;

/// Events of one transaction of a replay.
const BATCH: i64 = 100;
/// How often a batch is tried, and the first wait between two tries; it doubles.
const TRIES: u32 = 8;
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// Longest reason in a line of the list.
const REASON_CHARS: usize = 80;

/// What is to be done.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Make the three endpoints at Stripe, or repair them: connected accounts, the platform's own account,
    /// thin events. Prints the lines for the configuration, the secrets this once.
    Setup {
        /// Which mode's.
        #[command(flatten)]
        which: endpoints::Which,
    },
    /// Say how the endpoints at Stripe stand; fails while one differs from what it has to be.
    List {
        /// Which mode's.
        #[command(flatten)]
        which: endpoints::Which,
    },
    /// Give the endpoints new secrets. The old ones stay good until `--finish`.
    Rotate {
        /// Which mode's.
        #[command(flatten)]
        which: endpoints::Which,
        /// Every instance knows the new secrets: take the old endpoints away. Refused while one does not.
        #[arg(long)]
        finish: bool,
    },
    /// List events that came, newest first.
    Events {
        /// Which.
        #[command(flatten)]
        filter: Filter,
        /// Most events.
        #[arg(long, default_value_t = 20, value_name = "N")]
        #[arg(value_parser = clap::value_parser!(i64).range(1..=1000))]
        limit: i64,
    },
    /// Have events applied again: dead ones, unless a filter says otherwise. What was applied before
    /// changes nothing.
    Replay {
        /// Which.
        #[command(flatten)]
        filter: Filter,
        /// Only say which events that would be.
        #[arg(long)]
        dry_run: bool,
    },
}

/// Which events.
#[derive(Clone, Debug, Args)]
pub struct Filter {
    /// This event of Stripe's.
    #[arg(long, value_name = "EVENT")]
    event: Option<String>,
    /// Events that stand so: dead, failed, orphan, external, ignored, stale, parked, processed.
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,
    /// Events of this type, as Stripe names it.
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// Events that came at this moment or later: 2026-11-24, 2026-11-24T13:00:00Z, 90m, 36h or 7d ago.
    #[arg(long, value_name = "MOMENT")]
    since: Option<String>,
    /// Events that came before this moment.
    #[arg(long, value_name = "MOMENT")]
    until: Option<String>,
    /// Events of this connected account.
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
}

impl Filter {
    fn wanted(self, now: Timestamp, limit: i64) -> Result<Wanted, String> {
        let status = self.status.as_deref().map(status).transpose();
        let moment = |text: Option<String>| text.map(|text| moment(&text, now)).transpose();
        Ok(Wanted {
            status: status.map_err(|refusal| refusal.to_string())?,
            event_type: self.event_type,
            event_id: self.event,
            account: self.account,
            since: moment(self.since)?,
            until: moment(self.until)?,
            limit,
            ..Wanted::default()
        })
    }
}

/// Does it, and says each line. Beside a running server this works on PostgreSQL; SQLite's file is one
/// process's, so there the server is stopped first, or asked over the API.
///
/// # Errors
/// A sentence that says what could not be done.
pub async fn run(config: &Config, command: Command, say: &mut dyn FnMut(String)) -> Result<(), String> {
    let now = SystemClock::default().now();
    let (wanted, replays) = match command {
        Command::Setup { which } => return endpoints::setup(config, &which, say).await,
        Command::List { which } => return endpoints::list(config, &which, say).await,
        Command::Rotate { which, finish } => return endpoints::rotate(config, &which, finish, say).await,
        Command::Events { filter, limit } => (filter.wanted(now, limit)?, None),
        Command::Replay { filter, dry_run } => {
            let mut wanted = filter.wanted(now, BATCH)?;
            if wanted.event_id.is_none() {
                wanted.status.get_or_insert(Status::Dead);
            }
            (wanted, Some(dry_run))
        }
    };
    let app = start::app_on_known(config)
        .await
        .map_err(|error| error.to_string())?;
    let done = match replays {
        None => list(&app, wanted, say)
            .await
            .map_err(|failure| failure.to_string()),
        Some(dry_run) => send_again(&app, wanted, dry_run, now, say).await,
    };
    app.db.close().await;
    done
}

async fn list(app: &App, wanted: Wanted, say: &mut dyn FnMut(String)) -> Result<(), flows::Failure> {
    let events = app.db.read(move |tx| shown::page_of_all(tx, &wanted)).await?;
    if events.is_empty() {
        say("No such event.".to_owned());
    }
    for event in &events {
        say(line(event));
    }
    Ok(())
}

async fn send_again(
    app: &App,
    mut wanted: Wanted,
    dry_run: bool,
    now: Timestamp,
    say: &mut dyn FnMut(String),
) -> Result<(), String> {
    // What this very command sends on its way, and what comes meanwhile, is not looked at again.
    wanted.until.get_or_insert(now.plus_ms(1));
    let by = By::new(Actor::CommandLine);
    let (mut sent, mut progress) = (0, Progress::default());
    let named = wanted.event_id.is_some();
    let mut reached = None;
    loop {
        let batch = match patiently(app, &by, &wanted, dry_run).await {
            Ok(batch) => batch,
            Err(failure) => {
                progress.end();
                say(broken_off(sent, reached));
                return Err(failure.to_string());
            }
        };
        let Replayed {
            events,
            last,
            has_more,
        } = batch;
        sent += events.len();
        reached = events.last().map(|event| event.created_at).or(reached);
        if dry_run || wanted.event_id.is_some() {
            events.iter().for_each(|event| say(line(event)));
        }
        if !has_more {
            break;
        }
        progress.show(sent);
        wanted.after = last;
    }
    progress.end();
    say(match (dry_run, sent) {
        (_, 0) if named => {
            let hint = "look for it with `psa-pay webhooks events --event …`; `psa-pay reconcile --since …` \
                        fetches what Stripe still lists";
            return Err(format!("no such event can be replayed: {hint}"));
        }
        (_, 0) => "No such event can be replayed.".to_owned(),
        (true, sent) => format!("{sent} events would be replayed."),
        (false, sent) => format!("{sent} events are on their way again."),
    });
    Ok(())
}

/// How far it came before it ended, newest first, and how to go on from there.
fn broken_off(sent: usize, reached: Option<Timestamp>) -> String {
    let from = reached.and_then(|at| jiff::Timestamp::from_millisecond(at.ms() + 1).ok());
    let how = from.map_or_else(
        || "run the same command again".to_owned(),
        |from| format!("go on with the same command and --until {from}"),
    );
    format!("{sent} events are on their way again, and then it ended: {how}")
}

/// A batch, tried again after waits that grow while running servers are in the way.
async fn patiently(app: &App, by: &By, wanted: &Wanted, dry_run: bool) -> Result<Replayed, flows::Failure> {
    let mut wait = FIRST_WAIT;
    for _ in 1..TRIES {
        match replay::many(app, None, by, wanted.clone(), dry_run).await {
            Err(flows::Failure::Store(store::Error::Conflict)) => tokio::time::sleep(wait).await,
            done => return done,
        }
        wait *= 2;
    }
    replay::many(app, None, by, wanted.clone(), dry_run).await
}

/// How far it has come: one line that changes on a terminal, nothing elsewhere.
#[derive(Default)]
struct Progress {
    shown: bool,
}

impl Progress {
    fn show(&mut self, sent: usize) {
        if io::stderr().is_terminal() {
            self.shown = true;
            // Nothing is lost if nobody reads it.
            let _unread = write!(io::stderr(), "\r{sent} events so far …");
        }
    }

    fn end(&self) {
        if self.shown {
            let _unread = writeln!(io::stderr());
        }
    }
}

fn line(event: &Shown) -> String {
    let came = jiff::Timestamp::from_millisecond(event.created_at.ms()).unwrap_or_default();
    let account = if event.account.is_empty() {
        "platform"
    } else {
        &event.account
    };
    let reason: String = event
        .last_error
        .iter()
        .flat_map(|why| why.chars())
        .take(REASON_CHARS)
        .collect();
    format!(
        "{came:.0}  {}  {:<11} {}  {account}  {}  {} tries  {reason}",
        event.mode.label(),
        event.status.word(),
        event.event_id,
        event.event_type,
        event.attempts,
    )
    .trim_end()
    .to_owned()
}

/// A date (its first moment in UTC), a moment, or so long ago.
///
/// # Errors
/// A sentence for what is none of these.
pub fn moment(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let wrong = || format!("{text:?} is no moment: write 2026-11-24, 2026-11-24T13:00:00Z, 90m, 36h or 7d");
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(Timestamp::from_ms(at.as_millisecond()));
    }
    if let Ok(date) = text.parse::<Date>() {
        let at = date.to_zoned_datetime(TimeZone::UTC).map_err(|_| wrong())?;
        return Ok(Timestamp::from_ms(at.timestamp().as_millisecond()));
    }
    let unit_ms = match text.chars().last() {
        Some('m') => 60_000,
        Some('h') => 3_600_000,
        Some('d') => 86_400_000,
        _ => return Err(wrong()),
    };
    let number = text[..text.len() - 1]
        .parse::<i64>()
        .ok()
        .filter(|number| *number >= 0);
    let ago = number.and_then(|number| number.checked_mul(unit_ms));
    Ok(now.plus_ms(-ago.ok_or_else(wrong)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// It ended in the middle without a count, and nobody knew where to go on.
    #[test]
    fn a_replay_that_breaks_off_says_how_far_it_came_and_where_to_go_on() {
        let said = broken_off(300, Some(Timestamp::from_ms(1_763_900_000_122)));
        assert!(said.starts_with("300 events are on their way again"), "{said}");
        let until = said.rsplit_once("--until ").unwrap().1;
        assert_eq!(
            moment(until, Timestamp::from_ms(0)),
            Ok(Timestamp::from_ms(1_763_900_000_123))
        );
        assert!(broken_off(0, None).ends_with("run the same command again"));
    }

    #[test]
    fn moments_are_dates_times_and_times_ago() {
        let now = Timestamp::from_ms(1_763_900_000_000);
        for (text, ms) in [
            ("2025-11-23", 1_763_856_000_000),
            ("2025-11-23T01:00:00Z", 1_763_859_600_000),
            ("2025-11-23T01:00:00+01:00", 1_763_856_000_000),
            ("90m", 1_763_894_600_000),
            ("0h", 1_763_900_000_000),
            ("7d", 1_763_295_200_000),
        ] {
            assert_eq!(moment(text, now), Ok(Timestamp::from_ms(ms)), "{text}");
        }
        for text in [
            "",
            "yesterday",
            "7",
            "-7d",
            "d",
            "7ü",
            "2025-13-01",
            "99999999999999999d",
        ] {
            let refused = moment(text, now).unwrap_err();
            assert!(refused.contains("is no moment"), "{refused}");
        }
    }
}
