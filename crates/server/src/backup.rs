//! `psa-pay backup`, `restore` and `unlock`: a checked copy of SQLite's file while the server runs, and its
//! way back. PostgreSQL has tools of its own for the first two.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use domain::Timestamp;
use flows::instance::Opened;
use flows::{Actor, By, Clock};
use store::db::{Options, backup as file};
use store::instance as rows;
use store::migrate::MIGRATIONS;
use store::{Db, migrate};

use crate::clock::SystemClock;
use crate::config::Config;
use crate::{check_ledger, instance, start, verify_seals};

/// Beside the database: when it was last copied.
const LAST: &str = ".backup";
/// The token of a copy: no marker beside a database has it, so that whoever starts on a copy finds it locked.
const COPY: &str = "copy";

/// Where a backup goes.
#[derive(Clone, Debug, Args)]
pub struct BackupArguments {
    /// The file to make; it must not be there yet.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

/// Where a backup comes from.
#[derive(Clone, Debug, Args)]
pub struct RestoreArguments {
    /// A file that `psa-pay backup` made.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// Put it in place of a database that is there; the old one is kept beside it.
    #[arg(long)]
    replace: bool,
}

/// Why live mode is opened.
#[derive(Clone, Debug, Args)]
pub struct UnlockArguments {
    /// What was done about the breaks that are open; it goes to the audit log.
    #[arg(long, value_name = "TEXT")]
    because: String,
}

/// Copies the database beside the running server, and checks the copy: its pages, its ledger, its seals.
///
/// # Errors
/// A sentence: what cannot be read or written, or what is wrong with the copy.
pub async fn backup(
    config: &Config,
    arguments: &BackupArguments,
    say: &mut (dyn FnMut(String) + Send),
) -> Result<(), String> {
    let database = sqlite(config, "use pg_dump, or your provider's backups")?;
    let now = SystemClock::default().now();
    file::copy(&database, &arguments.to).map_err(|error| error.to_string())?;
    if let Err(wrong) = check(&arguments.to, now, false, say).await {
        let bad = instance::beside(&arguments.to, ".wrong");
        fs::rename(&arguments.to, &bad).map_err(|error| format!("{}: {error}", bad.display()))?;
        return Err(format!("{wrong}; the copy is kept as {}", bad.display()));
    }
    let size = fs::metadata(&arguments.to).map_or(0, |file| file.len());
    say(format!(
        "Backed up to {} ({size} bytes): its pages, its ledger and its seals hold.",
        arguments.to.display()
    ));
    let last = instance::beside(&database, LAST);
    fs::write(&last, format!("{}\n", now.ms())).map_err(|error| format!("{}: {error}", last.display()))
}

/// Puts a backup in place of the database. A copy of it is brought to this version's tables and checked
/// before that, so that whatever is wrong leaves the database that is there as it is. The next start finds
/// live mode locked.
///
/// # Errors
/// A sentence: a server runs, a file is in the way, or the backup is damaged, wrong, or of a newer version.
pub async fn restore(
    config: &Config,
    arguments: &RestoreArguments,
    say: &mut (dyn FnMut(String) + Send),
) -> Result<(), String> {
    let database = sqlite(
        config,
        "use pg_restore; the next start sees that it is another database",
    )?;
    let now = SystemClock::default().now();
    let staged = file::stage(&arguments.from, &database, arguments.replace);
    let staged = staged.map_err(|error| error.to_string())?;
    let newest = match check(staged.path(), now, true, say).await {
        Ok(newest) => newest,
        Err(wrong) => return Err(format!("{wrong}; nothing was restored, and nothing replaced")),
    };
    let old = staged.put_in_place().map_err(|error| error.to_string())?;
    if let Some(old) = old {
        say(format!("What was there is kept as {}.", old.display()));
    }
    let newest = newest.unwrap_or(now);
    let day_before = jiff::Timestamp::from_millisecond(newest.plus_ms(-86_400_000).ms());
    say(format!(
        "Restored. LIVE stays locked until `psa-pay reconcile --since {:.0}` has read everything since.",
        day_before.unwrap_or_default()
    ));
    Ok(())
}

/// Opens live mode although breaks are open.
///
/// # Errors
/// A sentence: nothing was reconciled since it was locked, or the database cannot be opened.
pub async fn unlock(
    config: &Config,
    arguments: &UnlockArguments,
    say: &mut (dyn FnMut(String) + Send),
) -> Result<(), String> {
    let app = start::app_on_known(config)
        .await
        .map_err(|error| error.to_string())?;
    let by = By::new(Actor::CommandLine);
    let opened = flows::instance::unlock(&app, &by, &arguments.because).await;
    app.db.close().await;
    match opened.map_err(|failure| failure.to_string())? {
        Opened::Now(mails) => {
            say(format!("LIVE is open. {mails} mails of before were cancelled."));
            Ok(())
        }
        Opened::Before => {
            say("LIVE was not locked.".to_owned());
            Ok(())
        }
        Opened::NotReconciled(since) => {
            let since = jiff::Timestamp::from_millisecond(since.ms()).unwrap_or_default();
            Err(format!(
                "nothing was compared with Stripe since LIVE was locked: run `psa-pay reconcile --since \
                 {since:.0}` first"
            ))
        }
    }
}

fn sqlite(config: &Config, otherwise: &str) -> Result<PathBuf, String> {
    instance::sqlite_file(config).ok_or_else(|| format!("DATABASE_URL is no file of SQLite's: {otherwise}"))
}

/// Checks the ledger and the seals of a copy that nobody else has open, and marks it as a copy. One that is
/// to be put in place is brought to this version's tables before. Answers when the newest thing in it
/// happened.
async fn check(
    path: &Path,
    now: Timestamp,
    migrating: bool,
    say: &mut (dyn FnMut(String) + Send),
) -> Result<Option<Timestamp>, String> {
    let url = format!("sqlite:{}", path.display());
    let db = Db::open(&url, Options::default())
        .await
        .map_err(|error| error.to_string())?;
    let checked = match migrating {
        true => match migrate::migrate(&db, now.ms()).await {
            Ok(steps) if steps.len() == MIGRATIONS.len() => Err("it holds nothing of psa-pay".to_owned()),
            Ok(steps) => {
                if let Some(first) = steps.first() {
                    say(format!(
                        "It is of an older version: brought to this one's tables, from {first} on."
                    ));
                }
                check_open(&db, now, say).await
            }
            Err(error) => Err(error.to_string()),
        },
        false => check_open(&db, now, say).await,
    };
    db.close().await;
    let newest = checked?;
    let lock = instance::beside(path, ".lock");
    if lock.exists() {
        fs::remove_file(&lock).map_err(|error| format!("{}: {error}", lock.display()))?;
    }
    file::settle(path).map_err(|error| error.to_string())?;
    Ok(newest)
}

async fn check_open(
    db: &Db,
    now: Timestamp,
    say: &mut (dyn FnMut(String) + Send),
) -> Result<Option<Timestamp>, String> {
    let mut broken = Vec::new();
    let mut keep = |line: String| {
        if !line.starts_with("ok") {
            broken.push(line);
        }
    };
    let came = check_ledger::run(db, now, false, &mut keep).await?;
    broken.into_iter().for_each(&mut *say);
    if came.broken > 0 {
        return Err(format!("{} of {} rules are broken", came.broken, came.rules));
    }
    let report = verify_seals::run(db, now, &[], &mut |_| {}).await?;
    if !report.breaks.is_empty() {
        return Err(format!("{} seals are broken", report.breaks.len()));
    }
    let newest = db.write(move |tx| {
        let known = match rows::get(tx)? {
            // From before there were marks.
            None => rows::is_in_use(tx)?.then(rows::Instance::default),
            known => known,
        };
        if let Some(known) = known {
            let token = COPY.to_owned();
            rows::put(tx, &rows::Instance { token, ..known }, now)?;
        }
        rows::newest(tx)
    });
    newest.await.map_err(|error: store::Error| error.to_string())
}

/// When the database was last copied by `psa-pay backup`, as the file beside it says.
pub fn last(database: &Path) -> Option<Timestamp> {
    let text = fs::read_to_string(instance::beside(database, LAST)).ok()?;
    text.trim().parse().ok().map(Timestamp::from_ms)
}
