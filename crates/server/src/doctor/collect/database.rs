//! What is found of the database, and of SQLite's file and the disk that it lies on.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use domain::{Mode, TenantId};
use flows::instance as copies;
use store::db::{Engine, Options};
use store::{Db, Tx, backlog, instance as rows, migrate, reconciliation_breaks, users};

use super::super::facts::DatabaseFacts;
use super::within;
use crate::config::Config;
use crate::disk::{self, folder_of};
use crate::{backup, instance, start};

/// Looks at the database, and at its file.
pub async fn look(config: &Config, has_address: bool) -> DatabaseFacts {
    let mut facts = DatabaseFacts::default();
    let options = Options {
        beside: true,
        // The server refuses it in LIVE; here it is named.
        refuse_unsafe: false,
        ..start::options(config)
    };
    let db = match within(Db::open(config.database_url.expose(), options)).await {
        Ok(db) => db,
        Err(why) => {
            facts.unreachable = Some(why);
            return facts;
        }
    };
    facts.engine = Some(db.engine());
    let file = instance::sqlite_file(config).filter(|_| db.engine() == Engine::Sqlite);
    let marker = match file.as_deref() {
        Some(file) => instance::marker(config, file),
        None => copies::Marker {
            place: copies::place(&db).await,
            origin: config.public_url.origin().to_owned(),
            ..copies::Marker::default()
        },
    };
    let origin = marker.origin.clone();
    let marker = copies::Marker {
        // What stands in for a wrong PUBLIC_URL says nothing of the database.
        origin: if has_address { origin } else { String::new() },
        ..marker
    };
    let read = db.read(move |tx| {
        let mut read = read(tx)?;
        let known = rows::get(tx)?;
        let copied = copies::judge(known.as_ref(), rows::is_in_use(tx)?, &marker);
        read.copied = copied.map(str::to_owned);
        read.live_locked = rows::lock(tx)?;
        Ok::<_, store::Error>(read)
    });
    match within(read).await {
        Ok(read) => {
            facts = DatabaseFacts {
                engine: facts.engine,
                ..read
            }
        }
        Err(why) => {
            facts.is_empty = has_no_table(&why);
            facts.unreachable = Some(why);
        }
    }
    facts.unsafe_settings = within(db.unsafe_settings()).await.unwrap_or_default();
    db.close().await;
    if let Some(file) = file {
        facts.passing_disk = passing_disk(&file);
        facts.room = disk::room(&file);
        let mode = fs::metadata(&file).map_or(0, |found| found.permissions().mode());
        facts.readable_by_others = mode & 0o004 != 0 && !folder_is_closed(&file);
        facts.last_backup = backup::last(&file);
    }
    facts
}

/// What either engine says where a database was made, and nothing in it.
fn has_no_table(why: &str) -> bool {
    let lacking = ["no such table", "relation \"schema_migrations\" does not exist"];
    lacking.iter().any(|text| why.contains(text))
}

fn read(tx: &mut Tx<'_>) -> Result<DatabaseFacts, store::Error> {
    let steps = (migrate::applied(tx)?, migrate::MIGRATIONS.len());
    let mut unable = Vec::new();
    for mode in [Mode::Test, Mode::Live] {
        unable.push((mode, rows::unable_to_charge(tx, mode)?));
    }
    let stuck = backlog::events_stuck(tx)?;
    let dead = stuck
        .iter()
        .filter(|group| group.state == "dead")
        .map(|group| group.rows);
    Ok(DatabaseFacts {
        steps,
        unable,
        dead_events: dead.sum(),
        breaks: reconciliation_breaks::count_open(tx)?,
        operators: users::in_role(tx, &TenantId::platform(), domain::Role::Operator)?,
        ..DatabaseFacts::default()
    })
}

/// Whether others get no further than a file's folder.
pub fn folder_is_closed(file: &Path) -> bool {
    let folder = folder_of(file);
    fs::metadata(folder).is_ok_and(|folder| folder.permissions().mode() & 0o001 == 0)
}

/// The kind of a file system that goes with its machine or container; none for one that stays.
fn passing_disk(file: &Path) -> Option<String> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    passing_in(&mounts, &folder_of(file))
}

/// The same, of a list of mounts as Linux gives it.
pub fn passing_in(mounts: &str, folder: &Path) -> Option<String> {
    let kind_of = |line: &str| {
        let (mount, rest) = line.split_once(" - ")?;
        let at = mount.split(' ').nth(4)?;
        let kind = rest.split(' ').next()?;
        folder.starts_with(at).then(|| (at.len(), kind.to_owned()))
    };
    let (_, kind) = mounts
        .lines()
        .filter_map(kind_of)
        .max_by_key(|(length, _)| *length)?;
    ["tmpfs", "ramfs", "overlay", "aufs"]
        .contains(&kind.as_str())
        .then_some(kind)
}
