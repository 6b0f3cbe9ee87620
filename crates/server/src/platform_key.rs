//! `psa-pay platform-key`: the operator's own keys, made, listed and revoked where the database is, and
//! nowhere else. The lines to print are answered.

use domain::PlatformKeyId;
use flows::{Actor, By, platform_keys};
use store::platform_keys::{self as rows, PlatformKey};

use crate::config::Config;
use crate::pay::page::format::day_of;
use crate::start;

/// What is to be done.
#[derive(Clone, Debug)]
pub enum Command {
    /// Make a key of this name and show it, once.
    Create(String),
    /// List every key.
    List,
    /// Revoke the key of this id.
    Revoke(String),
}

/// Does it. Beside a running server this works on PostgreSQL; SQLite's file is one process's, so there the
/// server is stopped first, and the error says so.
///
/// # Errors
/// A sentence that says what could not be done.
pub async fn run(config: &Config, command: Command) -> Result<String, String> {
    let app = start::app_on_known(config)
        .await
        .map_err(|error| error.to_string())?;
    let by = By::new(Actor::CommandLine);
    let done = match command {
        Command::Create(name) => platform_keys::create(&app, &by, &name)
            .await
            .map(|(key, secret)| {
                let (secret, id) = (secret.expose(), &key.id);
                format!("{secret}\n\nThis is {id}. It is shown this once: keep it where you keep secrets.")
            }),
        Command::List => {
            app.db
                .read(rows::all)
                .await
                .map_err(flows::Failure::from)
                .map(|keys| match keys.as_slice() {
                    [] => "There is no platform key. Make one: psa-pay platform-key create --name NAME"
                        .to_owned(),
                    keys => keys.iter().map(line).collect::<Vec<_>>().join("\n"),
                })
        }
        Command::Revoke(id) => match PlatformKeyId::parse(&id) {
            Ok(id) => platform_keys::revoke(&app, &by, &id)
                .await
                .map(|key| format!("{} is revoked.", key.id)),
            Err(refusal) => Err(refusal.into()),
        },
    };
    app.db.close().await;
    done.map_err(|failure| failure.to_string())
}

fn line(key: &PlatformKey) -> String {
    let day = |at| day_of(at).map_or_else(|| "?".to_owned(), |day| day.to_string());
    let used = key
        .last_used_at
        .map_or_else(|| "never used".to_owned(), |at| format!("used {}", day(at)));
    let state = key
        .revoked_at
        .map_or_else(|| "in force".to_owned(), |at| format!("revoked {}", day(at)));
    format!(
        "{}  …{}  made {}  {used}  {state}  {}",
        key.id,
        key.last4,
        day(key.created_at),
        key.name
    )
}
