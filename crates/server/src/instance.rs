//! The mark beside SQLite's file, by which a copy of it is known: a token that changes at each start, in the
//! database and in a file beside it. What a restore or a clone leaves apart does not fit together any more.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use flows::App;
use flows::instance::{self, Marker};
use store::db::backup::sync_folder;

use crate::config::Config;

/// The file of SQLite's; none for another database, or one in memory.
pub fn sqlite_file(config: &Config) -> Option<PathBuf> {
    let path = config.database_url.expose().strip_prefix("sqlite:")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    (path != ":memory:").then(|| PathBuf::from(path))
}

/// A file beside the database's.
pub fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// What stands beside a file.
pub fn marker(config: &Config, database: &Path) -> Marker {
    let text = fs::read_to_string(beside(database, MARKER)).unwrap_or_default();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let (first, tokens): (Vec<&str>, Vec<&str>) = lines.partition(|line| *line == FIRST_START);
    let place = fs::metadata(database).map(|file| file.ino().to_string());
    Marker {
        tokens: tokens.into_iter().map(str::to_owned).collect(),
        place: place.unwrap_or_default(),
        origin: config.public_url.origin().to_owned(),
        first_start: !first.is_empty(),
    }
}

const MARKER: &str = ".instance";
/// A line of the file until the database has the token as well: there was no file before.
const FIRST_START: &str = "first-start";

/// Takes the database for this installation, and says loudly if live mode is locked.
///
/// # Errors
/// A sentence: the database or the file beside it cannot be written.
pub async fn claim(config: &Config, app: &App) -> Result<(), String> {
    let failed = |failure: flows::Failure| failure.to_string();
    let locked = match sqlite_file(config) {
        None => {
            let marker = Marker {
                tokens: Vec::new(),
                place: instance::place(&app.db).await,
                origin: config.public_url.origin().to_owned(),
                first_start: false,
            };
            instance::claim(app, &marker, "").await.map_err(failed)?
        }
        Some(database) => {
            let marker = marker(config, &database);
            let token = format!("{:032x}", app.clock.random());
            // Both are good until the database has the new one: a crash in between is no copy.
            let mut both = marker.tokens.clone();
            if both.is_empty() || marker.first_start {
                both.push(FIRST_START.to_owned());
            }
            both.push(token.clone());
            write(&database, &both)?;
            let locked = instance::claim(app, &marker, &token).await.map_err(failed)?;
            write(&database, &[token])?;
            locked
        }
    };
    if let Some(locked) = locked {
        let since = jiff::Timestamp::from_millisecond(locked.reconcile_since.ms()).unwrap_or_default();
        tracing::error!(
            alert = "live_locked",
            "LIVE is locked: {}. `psa-pay reconcile --since {since:.0}` opens it when nothing differs",
            locked.because
        );
    }
    Ok(())
}

fn write(database: &Path, lines: &[String]) -> Result<(), String> {
    let (path, part) = (beside(database, MARKER), beside(database, ".instance.part"));
    let written = File::create(&part)
        .and_then(|mut file| {
            file.write_all(format!("{}\n", lines.join("\n")).as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&part, &path));
    written.map_err(|error| format!("{}: {error}", path.display()))?;
    // A mark that a power cut takes back would make a copy of the database.
    sync_folder(&path).map_err(|error| error.to_string())
}
