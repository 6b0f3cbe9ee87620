//! Migrations: files in `migrations/`, applied in order, each once and in a transaction of its own. One
//! file serves both engines.
//!
//! How a file is written:
//! - Columns are `bigint` or `text`. On SQLite `bigint` becomes `integer` and every table `strict`; on
//!   PostgreSQL text gets the collation "C", so that both compare and sort it by its bytes.
//! - `create table name (` is a line, each column is a line, and the line that closes it is `);`. A later
//!   column is added by a line `alter table name add column …;`.
//! - What differs, such as triggers, stands after a line `-- engine: sqlite` or `-- engine: postgres`; a line
//!   `-- engine: both` ends that. Semicolons inside such a part need no care.
//! - Uniqueness is a named `create unique index`, and no two of them have the same columns in the same order:
//!   SQLite's errors could not tell them apart.

use sha2::{Digest, Sha256};

use crate::binds;
use crate::db::{Db, Engine, Error, Sql, Tx};

/// A step of the schema. Once released it never changes.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Four digits and what it is for; the order of the names is the order of the steps.
    pub name: &'static str,
    /// The text of its file.
    pub sql: &'static str,
}

/// Every step, oldest first.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        name: "0001_pay_an_invoice",
        sql: include_str!("../migrations/0001_pay_an_invoice.sql"),
    },
    Migration {
        name: "0002_audit",
        sql: include_str!("../migrations/0002_audit.sql"),
    },
    Migration {
        name: "0003_keys",
        sql: include_str!("../migrations/0003_keys.sql"),
    },
    Migration {
        name: "0004_connect",
        sql: include_str!("../migrations/0004_connect.sql"),
    },
    Migration {
        name: "0005_requests",
        sql: include_str!("../migrations/0005_requests.sql"),
    },
    Migration {
        name: "0006_oauth",
        sql: include_str!("../migrations/0006_oauth.sql"),
    },
    Migration {
        name: "0007_limits",
        sql: include_str!("../migrations/0007_limits.sql"),
    },
    Migration {
        name: "0008_backlog",
        sql: include_str!("../migrations/0008_backlog.sql"),
    },
    Migration {
        name: "0009_inbox",
        sql: include_str!("../migrations/0009_inbox.sql"),
    },
    Migration {
        name: "0010_append_only",
        sql: include_str!("../migrations/0010_append_only.sql"),
    },
    Migration {
        name: "0011_event_cursors",
        sql: include_str!("../migrations/0011_event_cursors.sql"),
    },
    Migration {
        name: "0012_subscriptions",
        sql: include_str!("../migrations/0012_subscriptions.sql"),
    },
    Migration {
        name: "0013_subscription_lists",
        sql: include_str!("../migrations/0013_subscription_lists.sql"),
    },
    Migration {
        name: "0014_breaks",
        sql: include_str!("../migrations/0014_breaks.sql"),
    },
    Migration {
        name: "0015_money_back",
        sql: include_str!("../migrations/0015_money_back.sql"),
    },
    Migration {
        name: "0016_refunds",
        sql: include_str!("../migrations/0016_refunds.sql"),
    },
    Migration {
        name: "0017_disputes",
        sql: include_str!("../migrations/0017_disputes.sql"),
    },
    Migration {
        name: "0018_payouts",
        sql: include_str!("../migrations/0018_payouts.sql"),
    },
    Migration {
        name: "0019_fee_rules",
        sql: include_str!("../migrations/0019_fee_rules.sql"),
    },
    Migration {
        name: "0020_credits",
        sql: include_str!("../migrations/0020_credits.sql"),
    },
    Migration {
        name: "0021_payment_settings",
        sql: include_str!("../migrations/0021_payment_settings.sql"),
    },
    Migration {
        name: "0022_truncate",
        sql: include_str!("../migrations/0022_truncate.sql"),
    },
    Migration {
        name: "0023_mails",
        sql: include_str!("../migrations/0023_mails.sql"),
    },
    Migration {
        name: "0024_people",
        sql: include_str!("../migrations/0024_people.sql"),
    },
    Migration {
        name: "0025_mail_settings",
        sql: include_str!("../migrations/0025_mail_settings.sql"),
    },
    Migration {
        name: "0026_business",
        sql: include_str!("../migrations/0026_business.sql"),
    },
    Migration {
        name: "0027_decisions",
        sql: include_str!("../migrations/0027_decisions.sql"),
    },
    Migration {
        name: "0028_external_as_of",
        sql: include_str!("../migrations/0028_external_as_of.sql"),
    },
    Migration {
        name: "0029_settlement_currency",
        sql: include_str!("../migrations/0029_settlement_currency.sql"),
    },
    Migration {
        name: "0030_external_fees",
        sql: include_str!("../migrations/0030_external_fees.sql"),
    },
    Migration {
        name: "0031_reset_asks",
        sql: include_str!("../migrations/0031_reset_asks.sql"),
    },
    Migration {
        name: "0032_recipient_links",
        sql: include_str!("../migrations/0032_recipient_links.sql"),
    },
    Migration {
        name: "0033_user_mails",
        sql: include_str!("../migrations/0033_user_mails.sql"),
    },
    Migration {
        name: "0034_desk",
        sql: include_str!("../migrations/0034_desk.sql"),
    },
    Migration {
        name: "0035_external_fees_by_time",
        sql: include_str!("../migrations/0035_external_fees_by_time.sql"),
    },
    Migration {
        name: "0036_offline_payments",
        sql: include_str!("../migrations/0036_offline_payments.sql"),
    },
    Migration {
        name: "0037_invoice_settings",
        sql: include_str!("../migrations/0037_invoice_settings.sql"),
    },
    Migration {
        name: "0038_console",
        sql: include_str!("../migrations/0038_console.sql"),
    },
    Migration {
        name: "0039_instance",
        sql: include_str!("../migrations/0039_instance.sql"),
    },
    Migration {
        name: "0040_dispute_files",
        sql: include_str!("../migrations/0040_dispute_files.sql"),
    },
    Migration {
        name: "0041_discounts",
        sql: include_str!("../migrations/0041_discounts.sql"),
    },
    Migration {
        name: "0042_alarms",
        sql: include_str!("../migrations/0042_alarms.sql"),
    },
    Migration {
        name: "0043_running_instances",
        sql: include_str!("../migrations/0043_running_instances.sql"),
    },
    Migration {
        name: "0044_day_sums",
        sql: include_str!("../migrations/0044_day_sums.sql"),
    },
    Migration {
        name: "0045_lists",
        sql: include_str!("../migrations/0045_lists.sql"),
    },
    Migration {
        name: "0046_bill_to_tax_id",
        sql: include_str!("../migrations/0046_bill_to_tax_id.sql"),
    },
    Migration {
        name: "0047_public_origin",
        sql: include_str!("../migrations/0047_public_origin.sql"),
    },
];

/// Brings the schema up to date and gives the names of the steps that were applied now. Two instances may
/// do this at once.
///
/// # Errors
/// [`Error::Schema`] when the database was migrated by a newer version, when a released step was changed
/// since, or when a step does not run; what the database says otherwise. Steps before the failing one stay
/// applied.
pub async fn migrate(db: &Db, now_ms: i64) -> Result<Vec<String>, Error> {
    run(db, MIGRATIONS, now_ms).await
}

/// As [`migrate`], with these steps: for tests, which have tables of their own.
///
/// # Errors
/// As [`migrate`].
pub async fn run(db: &Db, steps: &'static [Migration], now_ms: i64) -> Result<Vec<String>, Error> {
    db.migrate(prepare).await.map_err(with_remedy)?;
    let mut applied = Vec::new();
    for step in steps {
        let applying = db.migrate(move |tx| apply(tx, steps, step, now_ms));
        if applying.await.map_err(with_remedy)? {
            applied.push(step.name.to_owned());
        }
    }
    if steps.is_empty() {
        db.migrate(move |tx| check_history(tx, steps)).await?;
    }
    Ok(applied)
}

/// What to do where the user of `DATABASE_URL` may make no tables: from PostgreSQL 15 on nobody may who was
/// not given the right to, or owns the database.
fn with_remedy(error: Error) -> Error {
    match error {
        Error::Unavailable(why) if why.contains("(42501)") => Error::Unavailable(format!(
            "{why}. The user of DATABASE_URL makes its own tables. As the owner of that database run in it: \
             grant usage, create on schema public to USER; tables that another user has made there are given \
             to it by: alter table NAME owner to USER;"
        )),
        other => other,
    }
}

fn prepare(tx: &mut Tx<'_>) -> Result<(), Error> {
    lock(tx)?;
    let table = "
create table if not exists schema_migrations (
  name text not null primary key,
  checksum text not null,
  created_at bigint not null
);";
    tx.batch(&for_engine(table, tx.engine())?)
}

/// Whether the step was applied now, and not before or by another instance meanwhile.
fn apply(
    tx: &mut Tx<'_>,
    steps: &'static [Migration],
    step: &'static Migration,
    now_ms: i64,
) -> Result<bool, Error> {
    const APPLIED: Sql =
        Sql::new("insert into schema_migrations (name, checksum, created_at) values ($1, $2, $3)");
    lock(tx)?;
    if check_history(tx, steps)?.iter().any(|name| name == step.name) {
        return Ok(false);
    }
    let within = |error| match error {
        Error::Conflict | Error::Unavailable(_) => error,
        other => Error::Schema(format!("migration {}: {other}", step.name)),
    };
    let text = for_engine(step.sql, tx.engine()).map_err(within)?;
    tx.batch(&text).map_err(within)?;
    tx.execute(&APPLIED, binds![step.name, checksum(step), now_ms])?;
    Ok(true)
}

/// On PostgreSQL one instance migrates at a time, and a long step is not cut off by the limits of ordinary
/// transactions. SQLite has one writer anyway.
fn lock(tx: &mut Tx<'_>) -> Result<(), Error> {
    match tx.engine() {
        Engine::Sqlite => Ok(()),
        Engine::Postgres => tx.batch(
            "set local lock_timeout = '60s'; set local statement_timeout = '10min'; \
             select pg_advisory_xact_lock(7377616270617901);",
        ),
    }
}

/// The names of the applied steps, after making sure that they are the first ones of ours, unchanged.
fn check_history(tx: &mut Tx<'_>, steps: &[Migration]) -> Result<Vec<String>, Error> {
    const HISTORY: Sql = Sql::new("select name, checksum from schema_migrations order by name");
    let mut names = Vec::new();
    for row in tx.query(&HISTORY, &[])? {
        let name = row.text("name")?;
        let Some(step) = steps.get(names.len()) else {
            return Err(Error::Schema(format!(
                "the database has migration {name}, which this version does not know: run a newer version"
            )));
        };
        if step.name != name {
            let expected = step.name;
            return Err(Error::Schema(format!(
                "the database has migration {name} where {expected} should be"
            )));
        }
        if row.text("checksum")? != checksum(step) {
            return Err(Error::Schema(format!(
                "migration {name} was changed after it was applied; put it back and add a new one"
            )));
        }
        names.push(name);
    }
    Ok(names)
}

/// How many steps were applied.
///
/// # Errors
/// What the database says; also when it has no tables yet.
pub fn applied(tx: &mut Tx<'_>) -> Result<usize, Error> {
    const COUNT: Sql = Sql::new("select count(*) as n from schema_migrations");
    let count = tx.one(&COUNT, &[])?.int("n")?;
    usize::try_from(count).map_err(|_| Error::Bug(format!("{count} steps do not fit a count")))
}

fn checksum(step: &Migration) -> String {
    hex::encode(Sha256::digest(step.sql.as_bytes()))
}

/// The text that this engine runs.
fn for_engine(text: &str, engine: Engine) -> Result<String, Error> {
    let mut meant = None;
    let mut in_table = false;
    let mut result = String::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("-- engine:") {
            meant = match name.trim() {
                "both" => None,
                "sqlite" => Some(Engine::Sqlite),
                "postgres" => Some(Engine::Postgres),
                other => {
                    return Err(Error::Schema(format!(
                        "-- engine: {other} is not sqlite, postgres or both"
                    )));
                }
            };
            continue;
        }
        if meant.is_some_and(|meant| meant != engine) {
            continue;
        }
        result.push_str(&line_for_engine(line, engine, &mut in_table)?);
        result.push('\n');
    }
    match in_table {
        true => Err(Error::Schema(
            "a create table is not closed by a line );".to_owned(),
        )),
        false => Ok(result),
    }
}

fn line_for_engine(line: &str, engine: Engine, in_table: &mut bool) -> Result<String, Error> {
    if line.starts_with("create table ") {
        *in_table = true;
        return match line.ends_with('(') {
            true => Ok(line.to_owned()),
            false => Err(Error::Schema(format!(
                "the columns of a table begin on the next line: {line}"
            ))),
        };
    }
    if *in_table && line == ");" {
        *in_table = false;
        return Ok(match engine {
            // STRICT refuses text in an integer column, which SQLite otherwise stores as it comes.
            Engine::Sqlite => ") strict;".to_owned(),
            Engine::Postgres => line.to_owned(),
        });
    }
    let added = line
        .starts_with("alter table ")
        .then(|| line.split_once(" add column "))
        .flatten();
    Ok(match added {
        Some((table, column)) => format!("{table} add column {}", column_for_engine(column, engine)),
        None if *in_table => column_for_engine(line, engine),
        None => line.to_owned(),
    })
}

/// A column's line begins with its name and its type; other lines of a table are left alone.
fn column_for_engine(line: &str, engine: Engine) -> String {
    let (wanted, given) = match engine {
        Engine::Sqlite => ("integer", "bigint"),
        Engine::Postgres => ("text collate \"C\"", "text"),
    };
    let name = line.trim_start().split(' ').next().unwrap_or_default();
    let indent = line.len() - line.trim_start().len();
    let (before, rest) = line.split_at(indent + name.len());
    match rest.strip_prefix(' ').and_then(|rest| rest.strip_prefix(given)) {
        Some(after) if after.is_empty() || after.starts_with([' ', ',', ';']) => {
            format!("{before} {wanted}{after}")
        }
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
create table t (
  a bigint not null, -- a bigint
  b text,
  constraint text_length check (a <> 1)
);
-- bigint text
-- engine: sqlite
create trigger s before update on t begin
  select raise(abort, 'no');
end;
-- engine: postgres
create function p() returns trigger language plpgsql as $$ begin
  raise exception 'no';
end; $$;
-- engine: both
alter table t add column c text;
";

    #[test]
    fn each_engine_gets_its_own_text() {
        let sqlite = "\
create table t (
  a integer not null, -- a bigint
  b text,
  constraint text_length check (a <> 1)
) strict;
-- bigint text
create trigger s before update on t begin
  select raise(abort, 'no');
end;
alter table t add column c text;
";
        let postgres = "\
create table t (
  a bigint not null, -- a bigint
  b text collate \"C\",
  constraint text_length check (a <> 1)
);
-- bigint text
create function p() returns trigger language plpgsql as $$ begin
  raise exception 'no';
end; $$;
alter table t add column c text collate \"C\";
";
        assert_eq!(for_engine(TEXT, Engine::Sqlite).as_deref(), Ok(sqlite));
        assert_eq!(for_engine(TEXT, Engine::Postgres).as_deref(), Ok(postgres));
    }

    #[test]
    fn a_mistake_in_a_file_is_named() {
        let one_line = "create table t (a bigint);";
        for text in ["-- engine: mysql", "create table t (\n  a bigint\n) ;", one_line] {
            assert!(
                matches!(for_engine(text, Engine::Sqlite), Err(Error::Schema(_))),
                "{text}"
            );
        }
    }
}
