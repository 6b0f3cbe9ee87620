//! What is made of the database, its file and the disk that it lies on.

use domain::alarm::BACKUP_OLD_MS;
use domain::{Mode, Timestamp};
use store::db::Engine;
use store::instance::Lock;

use super::super::Line;
use super::super::facts::{DatabaseFacts, Facts};
use super::{is_real, not_looked_at};
use crate::config::Config;

/// Less room than this fills up within a busy day.
const FREE_BYTES_MIN: u64 = 512_000_000;

/// A line for everything about the database.
pub fn judge(facts: &Facts, config: &Config) -> Vec<Line> {
    if let Some(line) = not_looked_at("database", facts, &["DATABASE_URL", "DATABASE_CA"]) {
        return vec![line];
    }
    let database = &facts.database;
    if database.is_empty {
        let says = format!("{} has no tables of psa-pay", config.database_url);
        let remedy = "start the server once, or run `psa-pay migrate`; see DATABASE_URL if it is another one";
        return vec![Line::failure("database", says, remedy)];
    }
    if let Some(why) = &database.unreachable {
        let remedy = "see DATABASE_URL, and start the server once so that the tables are made";
        return vec![Line::failure("database", why, remedy)];
    }
    let mut lines = vec![steps(database), durability(config, database)];
    lines.extend(disk(config, database));
    lines.push(backups(config, facts));
    lines.push(copied(config, database));
    for (mode, count) in &database.unable {
        let code = format!("tenants.{}", mode.word());
        lines.push(match count {
            0 => Line::ok(code, "every connected tenant can charge"),
            count => Line::warning(
                code,
                format!("{count} connected tenants cannot charge"),
                "send their owners through Stripe's form; `GET /api/tenants` and the operator's pages \
                 name them",
            ),
        });
    }
    lines.push(match database.dead_events {
        0 => Line::ok("events", "every event was applied or waits its turn"),
        count => Line::failure(
            "events",
            format!("{count} events could not be applied"),
            "see `psa-pay webhooks events --status dead`, repair the cause, and `psa-pay webhooks replay`",
        ),
    });
    lines.push(match database.breaks {
        0 => Line::ok("breaks", "nothing differs from Stripe"),
        count => Line::warning(
            "breaks",
            format!("{count} differences from Stripe are open"),
            "look at each: `GET /api/platform/reconciliation-breaks`, or the operator's pages",
        ),
    });
    lines.push(match database.operators {
        0 => Line::warning(
            "operators",
            "nobody can log in as an operator",
            "open /setup with the token that `psa-pay serve` prints on standard error",
        ),
        _ => Line::ok("operators", "somebody can log in as an operator"),
    });
    lines
}

fn durability(config: &Config, database: &DatabaseFacts) -> Line {
    let says = format!(
        "the database's server can lose what it has taken: {}",
        database.unsafe_settings.join(", ")
    );
    let remedy = "switch them on in postgresql.conf, and reload the server";
    match (database.unsafe_settings.is_empty(), config.mode) {
        (true, _) => Line::ok("durability", "what the database has taken is on its disk"),
        (false, Mode::Live) => Line::failure("durability", says, remedy),
        (false, Mode::Test) => Line::warning("durability", says, remedy),
    }
}

fn steps(database: &DatabaseFacts) -> Line {
    match database.steps {
        (applied, known) if applied < known => Line::failure(
            "schema",
            format!("{applied} of {known} steps of the schema are applied"),
            "run `psa-pay migrate`, or start the server of this version",
        ),
        (applied, known) if applied > known => Line::failure(
            "schema",
            "the database was migrated by a newer version",
            "run the newest version that ran here",
        ),
        _ => Line::ok("schema", "the tables are this version's"),
    }
}

fn disk(config: &Config, database: &DatabaseFacts) -> Vec<Line> {
    if database.engine != Some(Engine::Sqlite) {
        return Vec::new();
    }
    let mut lines = Vec::new();
    let remedy = "put the file on a volume that outlives the machine, or use PostgreSQL";
    lines.push(match &database.passing_disk {
        None => Line::ok("disk", "SQLite's file is on a disk that lasts"),
        Some(kind) if is_real(config) => Line::failure(
            "disk",
            format!("SQLite's file is on {kind}, which is gone with the machine: so would be every payment"),
            remedy,
        ),
        Some(kind) => Line::warning("disk", format!("SQLite's file is on {kind}"), remedy),
    });
    let remedy = "make room: a full disk takes no payment and no event";
    lines.extend(match &database.room {
        Some(room) if room.free < FREE_BYTES_MIN => {
            let says = format!("less than 512 MB are free beside the database: {room}");
            Some(Line::failure("room", says, remedy))
        }
        Some(room) if room.is_little() => {
            let says = format!("less than a fifth is free of the database's disk: {room}");
            Some(Line::warning("room", says, remedy))
        }
        Some(_) | None => None,
    });
    if database.readable_by_others {
        lines.push(Line::failure(
            "permissions",
            "everybody on this machine may read the database",
            "chmod 600 the file, and 700 its folder",
        ));
    }
    lines
}

fn backups(config: &Config, facts: &Facts) -> Line {
    if facts.database.engine == Some(Engine::Postgres) {
        return Line::ok(
            "backups",
            "PostgreSQL's backups are your provider's: see that there are some",
        );
    }
    let age = facts
        .now
        .zip(facts.database.last_backup)
        .map(|(now, last)| now.ms() - last.ms());
    let remedy = "run `psa-pay backup --to FILE` every night, and keep the file elsewhere";
    let says = match age {
        Some(age) if age <= BACKUP_OLD_MS => return Line::ok("backups", "the last one is of today"),
        Some(age) => format!("the last one is {} hours old", age / 3_600_000),
        None => "there is none".to_owned(),
    };
    match config.mode {
        Mode::Live => Line::failure("backups", says, remedy),
        Mode::Test => Line::warning("backups", says, remedy),
    }
}

fn copied(config: &Config, database: &DatabaseFacts) -> Line {
    let lock = database.live_locked.as_ref();
    let remedy = match lock {
        Some(Lock::Unsound(_)) => {
            "see who can write to the database, and deal with each break in the operator's pages".to_owned()
        }
        Some(Lock::Copy(locked)) => reconcile(database, Some(locked.reconcile_since)),
        None => format!(
            "start the server, which locks LIVE; then {}",
            reconcile(database, None)
        ),
    };
    let why = lock.map(Lock::because);
    match (why, &database.copied, config.mode) {
        (None, None, _) => Line::ok("instance", "the database is the one that was here before"),
        (Some(why), _, Mode::Live) => Line::failure("instance", format!("LIVE is locked: {why}"), remedy),
        (Some(why), _, Mode::Test) => Line::warning("instance", format!("LIVE is locked: {why}"), remedy),
        (None, Some(why), _) => Line::failure("instance", why, remedy),
    }
}

/// The command that opens LIVE.
fn reconcile(database: &DatabaseFacts, since: Option<Timestamp>) -> String {
    let since = since.and_then(|since| jiff::Timestamp::from_millisecond(since.ms()).ok());
    let since = match since {
        Some(since) => format!("`psa-pay reconcile --since {since:.0}`"),
        None => "the `psa-pay reconcile --since …` that its log names".to_owned(),
    };
    let stopped = match database.engine {
        Some(Engine::Sqlite) => " while the server is stopped",
        Some(Engine::Postgres) | None => "",
    };
    format!("run {since}{stopped}: it opens LIVE when nothing differs")
}
