//! Somebody's own sessions: listed and ended, at once and on every instance.

use domain::{Refusal, SessionId};
use serde_json::json;
use store::person_tokens;
use store::sessions::{self, Session};

use super::{Line, Seen, tokens};
use crate::{App, By, Failure};

/// The sessions of a person that have not ended, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(app: &App, seen: &Seen) -> Result<Vec<Session>, Failure> {
    let (user, now) = (seen.user.clone(), app.clock.now());
    let idle_ms = user.role.lifetime().idle_ms;
    let all = app
        .db
        .read(move |tx| sessions::of_user(tx, &user.tenant, &user.id, now))
        .await?;
    Ok(all
        .into_iter()
        .filter(|session| session.last_seen_at.plus_ms(idle_ms) > now)
        .collect())
}

/// How long a session or a link is kept after it ran out, for those who look into what happened.
const KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1000;
/// Rows that one clean-up removes in one transaction.
const REMOVED_AT_ONCE: i64 = 1_000;

/// Removes sessions and links that ran out a month ago.
///
/// # Errors
/// When the database fails.
pub async fn remove_old(app: &App) -> Result<(), Failure> {
    let before = app.clock.now().plus_ms(-KEPT_MS);
    loop {
        let removed = app.db.write(move |tx| {
            let sessions = sessions::remove_old(tx, before, REMOVED_AT_ONCE)?;
            let tokens = person_tokens::remove_old(tx, before, REMOVED_AT_ONCE)?;
            Ok::<_, Failure>(sessions.max(tokens))
        });
        if removed.await? < REMOVED_AT_ONCE.unsigned_abs() {
            return Ok(());
        }
    }
}

/// Ends one of a person's own sessions.
///
/// # Errors
/// [`Refusal::NotFound`] for one that is not theirs or has ended.
pub async fn revoke(app: &App, by: &By, seen: &Seen, id: &SessionId) -> Result<(), Failure> {
    let (moment, inner, by, user, id) = (
        app.moment(),
        app.clone(),
        seen.by(by),
        seen.user.clone(),
        id.clone(),
    );
    let revoked = app.db.write(move |tx| {
        if !sessions::revoke(tx, &user.tenant, &user.id, &id, moment.at)? {
            return Err(Refusal::NotFound.into());
        }
        let line = Line::new("person.session_ended", &user);
        line.after(json!({"session": id.as_str()}))
            .note(tx, &inner, &by, moment)
    });
    revoked.await
}

/// Ends all of a person's sessions but the one in use, and the links that would undo it; answers how many
/// sessions there were.
///
/// # Errors
/// When the database fails.
pub async fn revoke_others(app: &App, by: &By, seen: &Seen) -> Result<u64, Failure> {
    let (moment, inner, by, seen) = (app.moment(), app.clone(), seen.by(by), seen.clone());
    let revoked = app.db.write(move |tx| {
        let Seen { user, session, .. } = &seen;
        let ended = sessions::revoke_all(tx, &user.tenant, &user.id, Some(&session.id), moment.at)?;
        tokens::void_links(tx, user, moment.at)?;
        if ended > 0 {
            let line = Line::new("person.session_ended", user);
            line.after(json!({"others": ended}))
                .note(tx, &inner, &by, moment)?;
        }
        Ok::<_, Failure>(ended)
    });
    revoked.await
}
