//! Logging in and out: password, second factor, and showing once more who one is before something sensitive.
//! Unknown people, wrong passwords and people who were shut out get the same answer after the same work.

use domain::person::{self, Refused};
use domain::{SessionId, Timestamp, text};
use serde_json::json;
use store::sessions::{self, Session, Stage};
use store::users::User;
use store::{Tx, tenants, users};
use stripe::Secret;

use super::attempts::Attempt;
use super::hashing::{self, Outcome};
use super::{Entered, Line, Seen, may_enter, second_factor};
use crate::audit::{self, Entry};
use crate::{Actor, App, By, Failure, Moment};

/// How long somebody may take for their second factor.
const SECOND_FACTOR_MS: i64 = 10 * 60 * 1000;
/// Longest name of a browser that is kept, in characters.
const AGENT_MAX: usize = 200;

/// The browser that somebody uses.
#[derive(Clone, Debug)]
pub struct Browser {
    /// Where the request comes from.
    pub by: By,
    /// What it calls itself.
    pub agent: Option<String>,
    /// The session that it has already, which ends with the new one.
    pub before: Option<Seen>,
}

/// Logs somebody in. Whoever has a second factor has to show it next, with [`second_factor`].
///
/// # Errors
/// [`Refused::Login`], [`Refused::LoginDelayed`], [`Refused::LoginBusy`]; and, for the right password only,
/// [`domain::Refusal::TenantClosed`].
pub async fn log_in(
    app: &App,
    browser: &Browser,
    email: &str,
    password: &Secret,
) -> Result<Entered, Failure> {
    // What is no address is nobody's, and is told so by the same way.
    let address = person::email(email).ok();
    let account = match &address {
        Some(address) => address.clone(),
        None => email.chars().take(person::EMAIL_MAX).collect(),
    };
    let attempt = Attempt::new(app, &browser.by, "login", &account)?;
    let found = begin(app, &attempt, address).await?;
    let kept = found.as_ref().filter(|user| user.disabled_at.is_none());
    let kept = kept.and_then(|user| user.password_hash.as_deref());
    let outcome = match hashing::verify(app, password, kept).await {
        Ok(outcome) => outcome,
        Err(failure) => return Err(not_decided(app, &attempt, failure).await),
    };
    let (Some(user), Outcome::Right { outdated }) = (found.as_ref(), &outcome) else {
        refused(app, &browser.by, (found.as_ref(), &account), "password").await?;
        return Err(Refused::Login.into());
    };
    // Where there is no room for it, the next login hashes it anew.
    let rehashed = match outdated {
        true => hashing::hash(app, password).await.ok(),
        false => None,
    };
    match enter(app, browser, user, attempt.clone(), rehashed).await {
        Err(failure) if failure != Refused::Login.into() => Err(not_decided(app, &attempt, failure).await),
        entered => entered,
    }
}

/// Counts a try and looks for the person. Who is held up, and whoever would wait for too long, is told so
/// without a transaction.
async fn begin(app: &App, attempt: &Attempt, email: Option<String>) -> Result<Option<User>, Failure> {
    attempt.remembered(app)?;
    if app.hashing.is_full() {
        return Err(Refused::LoginBusy.into());
    }
    let (moment, inner, attempt) = (app.moment(), app.clone(), attempt.clone());
    let begun = app.db.write(move |tx| {
        attempt.begin(tx, &inner, moment)?;
        match &email {
            Some(email) => Ok::<_, Failure>(users::by_email(tx, email)?),
            None => Ok(None),
        }
    });
    begun.await
}

/// Takes a try back that was neither right nor wrong; answers why.
pub(super) async fn not_decided(app: &App, attempt: &Attempt, failure: Failure) -> Failure {
    let attempt = attempt.clone();
    if let Err(failure) = app.db.write(move |tx| attempt.take_back(tx)).await {
        tracing::warn!(%failure, "a try that was not looked at stays counted");
    }
    failure
}

/// The password was right: gives the browser a session.
async fn enter(
    app: &App,
    browser: &Browser,
    read: &User,
    attempt: Attempt,
    rehashed: Option<String>,
) -> Result<Entered, Failure> {
    let (moment, cookie) = (app.moment(), super::secret(app));
    let (app, browser, read, secret) = (app.clone(), browser.clone(), read.clone(), cookie.clone());
    let db = app.db.clone();
    let entered = db.write(move |tx| {
        let user = users::get(tx, &read.tenant, &read.id)?;
        // Changed since the password was looked at: another password, or shut out.
        let same = |user: &User| user.password_hash == read.password_hash && user.disabled_at.is_none();
        let mut user = user.filter(same).ok_or(Refused::Login)?;
        may_enter(user.role, tenants::find(tx, &user.tenant)?.as_ref())?;
        let stage = match user.has_second_factor() {
            true => Stage::Password,
            false => Stage::Full,
        };
        attempt.succeed(tx, moment)?;
        if let Some(hash) = &rehashed {
            user.password_hash = Some(hash.clone());
        }
        if stage == Stage::Full {
            user.last_login_at = Some(moment.at);
        }
        super::store(tx, &user)?;
        let session = session(&browser, &user, stage, &secret, moment);
        replace(tx, &browser, &session, moment.at)?;
        if stage == Stage::Full {
            note_login(tx, &app, &browser.by, &user, "password", moment)?;
        }
        Ok::<_, Failure>((user, stage))
    });
    let (user, stage) = entered.await?;
    Ok(Entered { cookie, user, stage })
}

/// The second factor of somebody whose password was right: a code of their authenticator, or a recovery code.
///
/// # Errors
/// [`Refused::SessionEnded`] when there is no such login, [`Refused::Code`], [`Refused::LoginDelayed`].
pub async fn second_factor(app: &App, browser: &Browser, code: &str) -> Result<Entered, Failure> {
    let waiting = browser
        .before
        .as_ref()
        .filter(|seen| seen.session.stage == Stage::Password);
    let seen = waiting.ok_or(Refused::SessionEnded)?.clone();
    let attempt = Attempt::new(app, &browser.by, "code", seen.user.id.as_str())?;
    attempt.begun(app).await?;
    let (moment, cookie, code) = (app.moment(), super::secret(app), code.to_owned());
    let counted = attempt.clone();
    let (inner, secret, wanted) = (app.clone(), cookie.clone(), seen.clone());
    let with = browser.clone();
    let entered = app.db.write(move |tx| {
        let (app, seen, browser) = (&inner, &wanted, &with);
        let user =
            users::get(tx, &seen.user.tenant, &seen.user.id)?.filter(|user| user.disabled_at.is_none());
        let user = user.ok_or(Refused::SessionEnded)?;
        let Some(factor) = second_factor::take(tx, app, &user, &code, moment)? else {
            return Ok(None);
        };
        attempt.succeed(tx, moment)?;
        // It may have ended since it was read, and becomes one session and no more.
        if !sessions::revoke(tx, &user.tenant, &user.id, &seen.session.id, moment.at)? {
            return Err(Refused::SessionEnded.into());
        }
        let mut user = users::get(tx, &user.tenant, &user.id)?.ok_or(Refused::SessionEnded)?;
        user.last_login_at = Some(moment.at);
        super::store(tx, &user)?;
        let session = session(browser, &user, Stage::Full, &secret, moment);
        replace(tx, browser, &session, moment.at)?;
        note_login(tx, app, &browser.by, &user, factor.word(), moment)?;
        Ok::<_, Failure>(Some(user))
    });
    match entered.await {
        Ok(Some(user)) => Ok(Entered {
            cookie,
            user,
            stage: Stage::Full,
        }),
        Ok(None) => {
            refused(
                app,
                &browser.by,
                (Some(&seen.user), seen.user.id.as_str()),
                "code",
            )
            .await?;
            Err(Refused::Code.into())
        }
        Err(failure) => Err(not_decided(app, &counted, failure).await),
    }
}

/// What somebody shows to confirm that it is them.
#[derive(Clone, Debug)]
pub enum Proof {
    /// Their password.
    Password(Secret),
    /// A code of their authenticator, or a recovery code.
    Code(String),
}

/// Looks at the password of somebody who is logged in. Its wrong ones are counted apart from wrong codes,
/// which a right password must not make forgotten.
///
/// # Errors
/// [`Refused::Login`], [`Refused::LoginDelayed`], [`Refused::LoginBusy`].
pub(super) async fn right_password(
    app: &App,
    by: &By,
    seen: &Seen,
    password: &Secret,
) -> Result<Attempt, Failure> {
    let attempt = Attempt::new(app, by, "password_again", seen.user.id.as_str())?;
    attempt.begun(app).await?;
    match hashing::verify(app, password, seen.user.password_hash.as_deref()).await {
        Ok(Outcome::Right { .. }) => Ok(attempt),
        Ok(Outcome::Wrong | Outcome::Hashed(_)) => {
            refused(app, by, (Some(&seen.user), seen.user.id.as_str()), "password").await?;
            Err(Refused::Login.into())
        }
        Err(failure) => Err(not_decided(app, &attempt, failure).await),
    }
}

/// Confirms that it is still the same person; their session gets another secret. Whoever has a second factor
/// shows that: a password is not enough.
///
/// # Errors
/// [`Refused::Login`], [`Refused::Code`], [`Refused::LoginDelayed`], [`Refused::LoginBusy`],
/// [`Refused::SessionEnded`].
pub async fn step_up(app: &App, by: &By, seen: &Seen, proof: &Proof) -> Result<Secret, Failure> {
    let by = seen.by(by);
    let attempt = match proof {
        Proof::Password(_) if seen.user.has_second_factor() => return Err(Refused::Code.into()),
        Proof::Password(password) => right_password(app, &by, seen, password).await?,
        Proof::Code(_) => {
            let attempt = Attempt::new(app, &by, "code", seen.user.id.as_str())?;
            attempt.begun(app).await?;
            attempt
        }
    };
    let counted = attempt.clone();
    let (moment, cookie) = (app.moment(), super::secret(app));
    let (inner, read, with, proof) = (app.clone(), seen.clone(), by.clone(), proof.clone());
    let hash = super::hash(cookie.expose());
    let confirmed = app.db.write(move |tx| {
        if let Proof::Code(code) = &proof
            && second_factor::take(tx, &inner, &read.user, code, moment)?.is_none()
        {
            return Ok(false);
        }
        attempt.succeed(tx, moment)?;
        if !sessions::renew(tx, &read.session, &hash, Some(moment.at), moment.at)? {
            return Err(Refused::SessionEnded.into());
        }
        Line::new("person.confirmed", &read.user).note(tx, &inner, &with, moment)?;
        Ok::<_, Failure>(true)
    });
    match confirmed.await {
        Ok(true) => Ok(cookie),
        Ok(false) => {
            refused(app, &by, (Some(&seen.user), seen.user.id.as_str()), "code").await?;
            Err(Refused::Code.into())
        }
        Err(failure) => Err(not_decided(app, &counted, failure).await),
    }
}

/// Ends the session of whoever logs out.
///
/// # Errors
/// When the database fails.
pub async fn log_out(app: &App, by: &By, seen: &Seen) -> Result<(), Failure> {
    let (moment, app, by, seen) = (app.moment(), app.clone(), seen.by(by), seen.clone());
    let db = app.db.clone();
    let ended = db.write(move |tx| {
        let Seen { user, session, .. } = &seen;
        if sessions::revoke(tx, &user.tenant, &user.id, &session.id, moment.at)? {
            Line::new("person.logged_out", user).note(tx, &app, &by, moment)?;
        }
        Ok::<_, Failure>(())
    });
    ended.await
}

/// A new session of a person, with a secret and an id of its own.
pub(super) fn session(
    browser: &Browser,
    user: &User,
    stage: Stage,
    secret: &Secret,
    moment: Moment,
) -> Session {
    let lasts_ms = match stage {
        Stage::Password => SECOND_FACTOR_MS,
        Stage::Full => user.role.lifetime().absolute_ms,
    };
    let agent = browser
        .agent
        .as_deref()
        .map(|agent| agent.chars().take(AGENT_MAX).collect::<String>());
    Session {
        id: SessionId::new(moment.at, moment.random(5)),
        secret_hash: super::hash(secret.expose()),
        tenant: user.tenant.clone(),
        user: user.id.clone(),
        stage,
        address: browser.by.address.map(|address| address.to_string()),
        agent: agent.and_then(|agent| text::shown(&agent, AGENT_MAX, false)),
        last_seen_at: moment.at,
        stepped_up_at: (stage == Stage::Full).then_some(moment.at),
        expires_at: moment.at.plus_ms(lasts_ms),
        revoked_at: None,
        created_at: moment.at,
    }
}

/// Begins a session, and ends the one that the browser had.
pub(super) fn replace(
    tx: &mut Tx,
    browser: &Browser,
    session: &Session,
    at: Timestamp,
) -> Result<(), Failure> {
    if let Some(Seen { user, session, .. }) = &browser.before {
        sessions::revoke(tx, &user.tenant, &user.id, &session.id, at)?;
    }
    Ok(sessions::insert(tx, session)?)
}

pub(super) fn note_login(
    tx: &mut Tx,
    app: &App,
    by: &By,
    user: &User,
    with: &str,
    moment: Moment,
) -> Result<(), Failure> {
    let by = by.known_as(Actor::Person(user.id.clone()));
    let line = Line::new("person.logged_in", user).after(json!({"with": with}));
    line.note(tx, app, &by, moment)
}

/// Notes what was refused, so seldom that a flood of guesses cannot fill the disk. Of somebody who is not
/// here nothing is kept but that.
async fn refused(
    app: &App,
    by: &By,
    (user, account): (Option<&User>, &str),
    what: &str,
) -> Result<(), Failure> {
    let told = app.watch.refused(app.clock.now(), account, by);
    if told.alarm {
        tracing::error!("many wrong passwords and codes: somebody may be guessing; see the audit log");
    }
    let Some(left_out) = told.noted else {
        return Ok(());
    };
    let after = match left_out {
        0 => json!({"what": what}),
        left_out => json!({"what": what, "left_out": left_out}),
    };
    let scope = user.and_then(|user| super::scope_of(app, &user.tenant));
    let entry = Entry {
        action: "person.login_refused",
        subject: user.map_or("unknown", |user| user.id.as_str()),
        before: None,
        after: Some(after.to_string()),
    };
    audit::record(app, scope.as_ref(), by, &entry).await
}
