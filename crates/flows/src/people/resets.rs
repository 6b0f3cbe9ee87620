//! A new password for whoever forgot theirs: a link by mail, good once and for half an hour. Whoever asks
//! learns nothing of whether the address is somebody's, not by the time either: it is looked up later.

use domain::{PersonTokenId, person};
use store::person_tokens::Kind;
use store::reset_asks::{self, ResetAsk};
use store::users::{self, User};
use store::{Tx, sessions};
use stripe::Secret;

use super::tokens::{self, About};
use super::{Line, attempts, told};
use crate::{Actor, App, By, Failure, Moment};

/// Asks that are taken up at once, each in a transaction of its own.
const AT_ONCE: i64 = 50;

/// Notes that somebody wants a link to a new password, which [`answer`] sends if the address is somebody's.
/// It is the same work for every address, so that neither the answer nor its time says whether it is.
///
/// # Errors
/// [`domain::Refusal::InvalidField`] for what is no address.
pub async fn ask(app: &App, by: &By, email: &str) -> Result<(), Failure> {
    let (email, moment) = (person::email(email)?, app.moment());
    let (inner, by) = (app.clone(), by.clone());
    let asked = app.db.write(move |tx| {
        // Counted for whatever address. Earlier links stay good: a stranger who asks takes none away.
        if !attempts::reset(tx, &inner, &by, &email, moment)? {
            return Ok(());
        }
        let ask = ResetAsk {
            id: PersonTokenId::new(moment.at, moment.random(6)),
            email: email.clone(),
            address: by.address,
            request_id: by.request_id.clone(),
            created_at: moment.at,
        };
        Ok::<_, Failure>(reset_asks::insert(tx, &ask)?)
    });
    asked.await
}

/// Sends links to those who asked for a new password and have one already. Whoever was only invited is sent
/// nothing: their invitation is their link. The worker's, beside all requests. Answers how many had asked.
///
/// # Errors
/// When the database does not answer.
pub async fn answer(app: &App) -> Result<usize, Failure> {
    let waiting = app.db.read(|tx| reset_asks::oldest(tx, AT_ONCE)).await?;
    let mut answered = 0;
    for ask in waiting {
        let (inner, moment) = (app.clone(), app.moment());
        let sent = app.db.write(move |tx| match reset_asks::remove(tx, &ask.id)? {
            true => send(tx, &inner, ask.clone(), moment).map(|()| 1),
            // Another instance was quicker.
            false => Ok::<_, Failure>(0),
        });
        answered += sent.await?;
    }
    Ok(answered)
}

fn send(tx: &mut Tx, app: &App, ask: ResetAsk, moment: Moment) -> Result<(), Failure> {
    let user = users::by_email(tx, &ask.email)?;
    let Some(user) = user.filter(|user| user.disabled_at.is_none() && user.password_hash.is_some()) else {
        return Ok(());
    };
    let about = About {
        tenant: &user.tenant,
        user: Some(&user.id),
        email: None,
    };
    let by = By {
        actor: Actor::Unknown,
        address: ask.address,
        request_id: ask.request_id,
    };
    let link = tokens::insert_as(tx, app, (Kind::Reset, ask.id), &about, moment)?;
    Line::new("person.reset_asked", &user).note(tx, app, &by, moment)?;
    told::tell(tx, &user, told::News::ResetAsked { link: &link }, moment)
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
