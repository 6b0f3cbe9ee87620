//! The first start: a token on the console, good once, makes the first operator. There is no default account.

use domain::person::{self, Refused};
use domain::{Role, TenantId, UserId};
use serde_json::json;
use store::person_tokens::{self, Kind};
use store::sessions::Stage;
use store::users::{self, User};
use stripe::Secret;

use super::login::{self, Browser};
use super::tokens::{self, About};
use super::{Entered, Line, told};
use crate::{Actor, App, By, Failure};

/// A new token for the first operator, if there is none yet; those of earlier starts are worth nothing
/// from now on.
///
/// # Errors
/// When the database fails.
pub async fn offer(app: &App) -> Result<Option<Secret>, Failure> {
    let (moment, inner) = (app.moment(), app.clone());
    let offered = app.db.write(move |tx| {
        if users::in_role(tx, &TenantId::platform(), Role::Operator)? > 0 {
            return Ok(None);
        }
        person_tokens::void_setup(tx, moment.at)?;
        let about = About {
            tenant: &TenantId::platform(),
            user: None,
            email: None,
        };
        let link = tokens::insert(tx, &inner, Kind::Setup, &about, moment)?;
        Ok::<_, Failure>(Some(link.token))
    });
    offered.await
}

/// Whether the first operator is still to be made.
///
/// # Errors
/// When the database fails.
pub async fn is_open(app: &App) -> Result<bool, Failure> {
    let count = app
        .db
        .read(|tx| users::in_role(tx, &TenantId::platform(), Role::Operator));
    Ok(count.await? == 0)
}

/// Somebody who is to be added with a password of their own choice.
#[derive(Clone, Debug)]
pub struct NewPerson {
    /// What they are called.
    pub name: String,
    /// Where they are written to.
    pub email: String,
    /// What they chose.
    pub password: Secret,
}

/// Makes the first operator, for whoever has the token, and logs them in.
///
/// # Errors
/// [`Refused::LinkUsed`] for another token, [`Refused::AlreadySetUp`], [`domain::Refusal::InvalidField`].
pub async fn set_up(app: &App, browser: &Browser, token: &str, new: &NewPerson) -> Result<Entered, Failure> {
    let hash = tokens::hash(token)?;
    // Nobody has us hash passwords without the token.
    let (wanted, now) = (hash.clone(), app.clock.now());
    let known = app
        .db
        .read(move |tx| person_tokens::look(tx, &wanted, Kind::Setup, now))
        .await?;
    known.ok_or(Refused::LinkUsed)?;
    let mut user = operator(app, new)?;
    user.password_hash = Some(chosen(app, &user, new).await?);
    let (moment, cookie) = (app.moment(), super::secret(app));
    let (inner, browser, secret, row) = (app.clone(), browser.clone(), cookie.clone(), user.clone());
    let made = app.db.write(move |tx| {
        if users::in_role(tx, &TenantId::platform(), Role::Operator)? > 0 {
            return Err(Refused::AlreadySetUp.into());
        }
        person_tokens::take(tx, &hash, Kind::Setup, moment.at)?.ok_or(Refused::LinkUsed)?;
        users::insert(tx, &row).map_err(super::taken)?;
        let by = browser.by.known_as(Actor::Person(row.id.clone()));
        note_made(tx, &inner, &by, &row, moment)?;
        let session = login::session(&browser, &row, Stage::Full, &secret, moment);
        login::replace(tx, &browser, &session, moment.at)?;
        login::note_login(tx, &inner, &by, &row, "setup", moment)
    });
    made.await?;
    Ok(Entered {
        cookie,
        user,
        stage: Stage::Full,
    })
}

/// Adds somebody with a password, as the command line and the demo do.
///
/// # Errors
/// [`domain::Refusal::InvalidField`], [`Refused::EmailTaken`].
pub async fn add(
    app: &App,
    by: &By,
    tenant: &TenantId,
    role: Role,
    new: &NewPerson,
) -> Result<User, Failure> {
    let mut user = operator(app, new)?;
    user.tenant = tenant.clone();
    user.role = role;
    user.password_hash = Some(chosen(app, &user, new).await?);
    let (moment, inner, by, row) = (app.moment(), app.clone(), by.clone(), user.clone());
    let added = app.db.write(move |tx| {
        users::insert(tx, &row).map_err(super::taken)?;
        note_made(tx, &inner, &by, &row, moment)?;
        told::owners_of_owner(tx, &row, ("The operator of the platform", None), moment)
    });
    added.await?;
    Ok(user)
}

async fn chosen(app: &App, user: &User, new: &NewPerson) -> Result<String, Failure> {
    let context = (&user.tenant, &[user.name.as_str(), &user.email][..]);
    super::chosen(app, "password", &new.password, context).await
}

fn operator(app: &App, new: &NewPerson) -> Result<User, Failure> {
    let moment = app.moment();
    let id = UserId::new(moment.at, moment.random(0));
    let (name, email) = (person::name(&new.name)?, person::email(&new.email)?);
    Ok(User::new(
        id,
        TenantId::platform(),
        email,
        name,
        Role::Operator,
        moment.at,
    ))
}

fn note_made(
    tx: &mut store::Tx,
    app: &App,
    by: &By,
    user: &User,
    moment: crate::Moment,
) -> Result<(), Failure> {
    let after = json!({"name": user.name, "role": user.role.word()});
    Line::new("person.added", user)
        .after(after)
        .note(tx, app, by, moment)
}
