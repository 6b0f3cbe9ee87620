//! Which instances run on this database, and with which webhook secrets: each says so while it lives, so that
//! a secret goes only when none of them needs it any more.

use domain::Timestamp;
use store::running_instances as rows;
use store::{Db, Tx};

use crate::{App, Failure};

pub use store::running_instances::Running;

/// How long an instance counts as living after it last said so: four times what it waits between two times.
pub const LIVES_MS: i64 = 2 * 60 * 1000;
/// How long its row is kept after that, for whoever wonders what ran.
const KEPT_MS: i64 = 24 * 60 * 60 * 1000;

/// Says that an instance lives, with the fingerprints of the secrets that it takes.
///
/// # Errors
/// When the database fails.
pub async fn report(app: &App, id: &str, version: &str, secrets: &[String]) -> Result<(), Failure> {
    let now = app.clock.now();
    let running = Running {
        id: id.to_owned(),
        version: version.to_owned(),
        secrets: secrets.to_vec(),
        seen_at: now,
    };
    let said = app.db.write(move |tx| {
        rows::forget(tx, now.plus_ms(-KEPT_MS))?;
        rows::see(tx, &running)
    });
    Ok(said.await?)
}

/// Takes an instance away that ends in order: nothing waits for it.
///
/// # Errors
/// When the database fails.
pub async fn ended(app: &App, id: &str) -> Result<(), Failure> {
    let id = id.to_owned();
    let gone = app.db.write(move |tx| rows::end(tx, &id));
    Ok(gone.await?)
}

/// Those that live.
///
/// # Errors
/// When the database fails, or is of a version without this table.
pub async fn living(db: &Db, now: Timestamp) -> Result<Vec<Running>, Failure> {
    let since = now.plus_ms(-LIVES_MS);
    Ok(db.read(move |tx: &mut Tx| rows::living(tx, since)).await?)
}

/// Whether there is an instance that lives, and every one takes this secret.
pub fn all_take(living: &[Running], fingerprint: &str) -> bool {
    !living.is_empty() && living.iter().all(|one| takes(one, fingerprint))
}

/// Whether an instance takes this secret.
pub fn takes(one: &Running, fingerprint: &str) -> bool {
    one.secrets.iter().any(|known| known == fingerprint)
}
