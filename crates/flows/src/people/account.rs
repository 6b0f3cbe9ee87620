//! What somebody changes of their own account: name, password, address. Each needs that they showed who
//! they are a short time ago, which the server's table of routes asks for.

use domain::Language;
use domain::mail::MailKind;
use domain::person::{self, Refused};
use serde_json::json;
use store::person_tokens::{self, Kind};
use store::sessions;
use store::users::{self, User};
use stripe::Secret;

use super::tokens::{self, About};
use super::{Line, Seen, attempts, login, told};
use crate::{App, By, Failure};

/// Changes what somebody is called.
///
/// # Errors
/// [`domain::Refusal::InvalidField`].
pub async fn rename(app: &App, by: &By, seen: &Seen, name: &str) -> Result<User, Failure> {
    let name = person::name(name)?;
    let (moment, inner, by, read) = (app.moment(), app.clone(), seen.by(by), seen.user.clone());
    let renamed = app.db.write(move |tx| {
        let mut user = users::get(tx, &read.tenant, &read.id)?.ok_or(Refused::SessionEnded)?;
        let before = std::mem::replace(&mut user.name, name.clone());
        if before == user.name {
            return Ok(user);
        }
        super::store(tx, &user)?;
        let line = Line::new("person.renamed", &user).before(json!({"name": before}));
        line.after(json!({"name": user.name}))
            .note(tx, &inner, &by, moment)?;
        Ok::<_, Failure>(user)
    });
    renamed.await
}

/// Says in which language somebody is written to.
///
/// # Errors
/// [`Refused::SessionEnded`].
pub async fn speak(app: &App, by: &By, seen: &Seen, language: Language) -> Result<User, Failure> {
    let (moment, inner, by, read) = (app.moment(), app.clone(), seen.by(by), seen.user.clone());
    let spoken = app.db.write(move |tx| {
        let mut user = users::get(tx, &read.tenant, &read.id)?.ok_or(Refused::SessionEnded)?;
        let before = user.language.replace(language);
        if before == user.language {
            return Ok(user);
        }
        super::store(tx, &user)?;
        let line = Line::new("person.language_changed", &user);
        line.before(json!({"language": before.map(Language::word)}))
            .after(json!({"language": language.word()}))
            .note(tx, &inner, &by, moment)?;
        Ok::<_, Failure>(user)
    });
    spoken.await
}

/// Says of what somebody is told as it happens; nothing is a choice, too.
///
/// # Errors
/// [`Refused::SessionEnded`].
pub async fn choose_alerts(app: &App, by: &By, seen: &Seen, kinds: &[MailKind]) -> Result<User, Failure> {
    let (moment, inner, by, read) = (app.moment(), app.clone(), seen.by(by), seen.user.clone());
    let choices = MailKind::choices(seen.user.role).iter();
    let alerts: Vec<MailKind> = choices.filter(|kind| kinds.contains(kind)).copied().collect();
    let chosen = app.db.write(move |tx| {
        let mut user = users::get(tx, &read.tenant, &read.id)?.ok_or(Refused::SessionEnded)?;
        let words = |kinds: &[MailKind]| kinds.iter().map(|kind| kind.word()).collect::<Vec<_>>();
        let before = words(user.told_of());
        if user.alerts.as_ref() == Some(&alerts) {
            return Ok(user);
        }
        user.alerts = Some(alerts.clone());
        super::store(tx, &user)?;
        let line = Line::new("person.alerts_changed", &user).before(json!({"alerts": before}));
        line.after(json!({"alerts": words(&alerts)}))
            .note(tx, &inner, &by, moment)?;
        Ok::<_, Failure>(user)
    });
    chosen.await
}

/// Changes somebody's password, who has to know the one before. All their other sessions end, and this
/// one gets another secret, which is answered.
///
/// # Errors
/// [`Refused::Login`] for a wrong password before, [`domain::Refusal::InvalidField`] for `new_password`.
pub async fn change_password(
    app: &App,
    by: &By,
    seen: &Seen,
    current: &Secret,
    new: &Secret,
) -> Result<Secret, Failure> {
    let read = &seen.user;
    let attempt = login::right_password(app, &seen.by(by), seen, current).await?;
    let context = (&read.tenant, &[read.name.as_str(), &read.email][..]);
    let password = match super::chosen(app, "new_password", new, context).await {
        Ok(password) => password,
        // The current one was right: what is wrong with the new one is no guess.
        Err(failure) => return Err(login::not_decided(app, &attempt, failure).await),
    };
    let (moment, cookie) = (app.moment(), super::secret(app));
    let (inner, by, seen, hash) = (
        app.clone(),
        seen.by(by),
        seen.clone(),
        super::hash(cookie.expose()),
    );
    let changed = app.db.write(move |tx| {
        let mut user = users::get(tx, &seen.user.tenant, &seen.user.id)?.ok_or(Refused::SessionEnded)?;
        attempt.succeed(tx, moment)?;
        user.password_hash = Some(password.clone());
        super::store(tx, &user)?;
        sessions::revoke_all(tx, &user.tenant, &user.id, Some(&seen.session.id), moment.at)?;
        let shown = seen.session.stepped_up_at;
        if !sessions::renew(tx, &seen.session, &hash, shown, moment.at)? {
            return Err(Refused::SessionEnded.into());
        }
        tokens::void_links(tx, &user, moment.at)?;
        Line::new("person.password_changed", &user).note(tx, &inner, &by, moment)?;
        told::tell(tx, &user, told::News::PasswordChanged, moment)
    });
    changed.await?;
    Ok(cookie)
}

/// Sends a link to an address that somebody wants to have; it is theirs once they have opened it. The address
/// that counts until then is told, so that nobody asks unnoticed.
///
/// # Errors
/// [`domain::Refusal::InvalidField`], [`domain::Limited::RateLimited`]. That somebody else has it is told
/// only to who opens the link.
pub async fn ask_for_email(app: &App, by: &By, seen: &Seen, email: &str) -> Result<(), Failure> {
    let email = person::email(email)?;
    let (moment, inner, by, user) = (app.moment(), app.clone(), seen.by(by), seen.user.clone());
    let asked = app.db.write(move |tx| {
        attempts::mail(tx, &inner, &by, &email, moment)?;
        person_tokens::void(tx, &user.tenant, &user.id, Kind::Email, moment.at)?;
        let about = About {
            tenant: &user.tenant,
            user: Some(&user.id),
            email: Some(&email),
        };
        let link = tokens::insert(tx, &inner, Kind::Email, &about, moment)?;
        Line::new("person.email_asked", &user).note(tx, &inner, &by, moment)?;
        let news = told::News::EmailAsked {
            link: &link,
            to: &email,
        };
        told::tell(tx, &user, news, moment)?;
        told::tell(tx, &user, told::News::EmailWanted, moment)
    });
    asked.await
}

/// The address that a link gives, and to whom, while it is good.
///
/// # Errors
/// [`Refused::LinkUsed`].
pub async fn look_at_email(app: &App, token: &str) -> Result<(User, String), Failure> {
    let (token, user) = tokens::look(app, Kind::Email, token).await?;
    Ok((user, token.email.ok_or(Refused::LinkUsed)?))
}

/// Takes the new address. The link proves the mailbox, and `seen` the person: whoever reads a mailbox that
/// was mistyped gets nothing. The old address is told, and all sessions end.
///
/// # Errors
/// [`Refused::LinkUsed`], also for somebody else's link; [`Refused::EmailTaken`].
pub async fn take_email(app: &App, by: &By, seen: &Seen, token: &str) -> Result<User, Failure> {
    let (hash, moment, inner, by) = (tokens::hash(token)?, app.moment(), app.clone(), seen.by(by));
    let who = seen.user.id.clone();
    let taken = app.db.write(move |tx| {
        let (token, mut user) = tokens::take(tx, Kind::Email, &hash, moment)?;
        if user.id != who {
            return Err(Refused::LinkUsed.into());
        }
        told::tell(tx, &user, told::News::EmailChanged, moment)?;
        user.email = token.email.ok_or(Refused::LinkUsed)?;
        super::store(tx, &user)?;
        sessions::revoke_all(tx, &user.tenant, &user.id, None, moment.at)?;
        tokens::void_links(tx, &user, moment.at)?;
        Line::new("person.email_changed", &user).note(tx, &inner, &by, moment)?;
        Ok::<_, Failure>(user)
    });
    taken.await
}
