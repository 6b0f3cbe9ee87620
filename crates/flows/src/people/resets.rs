//! A new password for whoever forgot theirs: a link by mail, good once and for half an hour. Whoever asks
//! learns nothing of whether the address is somebody's.

use domain::person;
use store::person_tokens::Kind;
use store::sessions;
use store::users::{self, User};
use stripe::Secret;

use super::tokens::{self, About};
use super::{Line, attempts, told};
use crate::{Actor, App, By, Failure};

/// Sends a link to a new password, if the address is somebody's who has one already. Whoever was only
/// invited is sent nothing: their invitation is their link.
///
/// # Errors
/// [`domain::Refusal::InvalidField`] for what is no address.
pub async fn ask(app: &App, by: &By, email: &str) -> Result<(), Failure> {
    let email = person::email(email)?;
    let (moment, token) = (app.moment(), super::secret(app));
    let (inner, by) = (app.clone(), by.clone());
    let asked = app.db.write(move |tx| {
        // Counted for whatever address. Earlier links stay good: a stranger who asks takes none away.
        let may_ask = attempts::reset(tx, &inner, &by, &email, moment)?;
        let user = users::by_email(tx, &email)?;
        let user = user.filter(|user| user.disabled_at.is_none() && user.password_hash.is_some());
        let Some(user) = user.filter(|_| may_ask) else {
            return Ok(());
        };
        let about = About {
            tenant: &user.tenant,
            user: Some(&user.id),
            email: None,
        };
        tokens::insert(tx, Kind::Reset, &about, &token, moment)?;
        Line::new("person.reset_asked", &user).note(tx, &inner, &by, moment)?;
        told::tell(tx, &user, told::News::ResetAsked { token: &token }, moment)
    });
    asked.await
}

/// Whose password a link changes, while it is good.
///
/// # Errors
/// [`domain::person::Refused::LinkUsed`].
pub async fn look(app: &App, token: &str) -> Result<User, Failure> {
    Ok(tokens::look(app, Kind::Reset, token).await?.1)
}

/// Changes the password. Every session of the person ends; the second factor stays, and they log in next.
///
/// # Errors
/// [`domain::person::Refused::LinkUsed`], [`domain::Refusal::InvalidField`].
pub async fn reset(app: &App, by: &By, token: &str, password: &Secret) -> Result<User, Failure> {
    let (_, user) = tokens::look(app, Kind::Reset, token).await?;
    let password = super::chosen(
        app,
        "password",
        password,
        (&user.tenant, &[&user.name, &user.email]),
    )
    .await?;
    let (hash, moment, inner, by) = (tokens::hash(token)?, app.moment(), app.clone(), by.clone());
    let changed = app.db.write(move |tx| {
        let (_, mut user) = tokens::take(tx, Kind::Reset, &hash, moment)?;
        user.password_hash = Some(password.clone());
        super::store(tx, &user)?;
        sessions::revoke_all(tx, &user.tenant, &user.id, None, moment.at)?;
        tokens::void_links(tx, &user, moment.at)?;
        let by = by.known_as(Actor::Person(user.id.clone()));
        Line::new("person.password_reset", &user).note(tx, &inner, &by, moment)?;
        told::tell(tx, &user, told::News::PasswordChanged, moment)?;
        Ok::<_, Failure>(user)
    });
    changed.await
}
