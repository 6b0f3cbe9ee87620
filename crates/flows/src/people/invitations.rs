//! Invitations: somebody is added without a password, and chooses one by a link that is good once and for
//! three days. Whoever invites is shown the link as well, for where no mail goes out.

use domain::person::{self, Refused};
use domain::{Refusal, Role, TenantId, UserId};
use serde_json::json;
use store::person_tokens::{self, Kind};
use store::sessions::Stage;
use store::users::{self, User};
use store::{Tx, tenants};
use stripe::Secret;

use super::login::{self, Browser};
use super::tokens::{self, About};
use super::{Entered, Line, Seen, attempts, told};
use crate::{Actor, App, By, Failure, Moment};

/// Somebody to be invited.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// Whose people they will belong to.
    pub tenant: TenantId,
    /// What they are called.
    pub name: String,
    /// Where the link goes.
    pub email: String,
    /// What they will be.
    pub role: Role,
}

/// Invites somebody, or sends the same invitation again. Answers the person and the link's token.
///
/// # Errors
/// [`Refused::RoleInsufficient`], [`Refused::EmailTaken`], [`Refusal::InvalidField`], [`Refusal::NotFound`].
pub async fn invite(
    app: &App,
    by: &By,
    inviter: &Seen,
    invitation: &Invitation,
) -> Result<(User, Secret), Failure> {
    may_invite(inviter, invitation)?;
    invited(app, &inviter.by(by), &inviter.user.name, invitation).await
}

/// Invites somebody in the operator's name, who did not log in: by a platform key or the command line.
///
/// # Errors
/// As [`invite`].
pub async fn invite_first(app: &App, by: &By, invitation: &Invitation) -> Result<(User, Secret), Failure> {
    invited(app, by, "The operator of the platform", invitation).await
}

/// Owners invite to their own tenant; operators invite operators, and owners of any tenant.
fn may_invite(inviter: &Seen, invitation: &Invitation) -> Result<(), Refused> {
    let same = inviter.user.tenant == invitation.tenant;
    let allowed = match (inviter.user.role, invitation.role) {
        (Role::Operator, Role::Operator) => same,
        (Role::Operator, Role::Owner) => !same,
        (Role::Owner, Role::Owner | Role::Billing | Role::ReadOnly) => same,
        (Role::Operator, Role::Billing | Role::ReadOnly)
        | (Role::Owner, Role::Operator)
        | (Role::Billing | Role::ReadOnly, _) => false,
    };
    allowed.then_some(()).ok_or(Refused::RoleInsufficient)
}

async fn invited(
    app: &App,
    by: &By,
    inviter: &str,
    invitation: &Invitation,
) -> Result<(User, Secret), Failure> {
    let (moment, token) = (app.moment(), super::secret(app));
    let user = User::new(
        UserId::new(moment.at, moment.random(0)),
        invitation.tenant.clone(),
        person::email(&invitation.email)?,
        person::name(&invitation.name)?,
        invitation.role,
        moment.at,
    );
    let (inner, by, row, secret, inviter) =
        (app.clone(), by.clone(), user, token.clone(), inviter.to_owned());
    let invited = app.db.write(move |tx| {
        if row.role != Role::Operator {
            let tenant = tenants::find(tx, &row.tenant)?.ok_or(Refusal::NotFound)?;
            super::may_enter(row.role, Some(&tenant))?;
        }
        let row = added_or_waiting(tx, &row, moment)?;
        let after = json!({"name": row.name, "role": row.role.word()});
        Line::new("person.invited", &row)
            .after(after)
            .note(tx, &inner, &by, moment)?;
        attempts::mail(tx, &inner, &by, &row.email, moment)?;
        send(tx, &row, &secret, &inviter, moment)?;
        Ok::<_, Failure>(row)
    });
    Ok((invited.await?, token))
}

/// Adds somebody, unless the same invitation waits for them already: then its link is worth nothing any more.
/// So the first owner of a tenant, whom nobody there can invite again, does not lose the address.
fn added_or_waiting(tx: &mut Tx, user: &User, moment: Moment) -> Result<User, Failure> {
    let found = users::by_email(tx, &user.email)?;
    let waits = found.filter(|found| {
        let same = found.tenant == user.tenant && found.role == user.role;
        same && found.password_hash.is_none() && found.disabled_at.is_none()
    });
    if let Some(waits) = waits {
        person_tokens::void(tx, &waits.tenant, &waits.id, Kind::Invitation, moment.at)?;
        return Ok(waits);
    }
    users::insert(tx, user).map_err(super::taken)?;
    Ok(user.clone())
}

/// Sends somebody who has not accepted yet another link; the one before is worth nothing any more.
///
/// # Errors
/// [`Refusal::NotFound`], also for somebody who has accepted.
pub async fn again(app: &App, by: &By, inviter: &Seen, id: &UserId) -> Result<(User, Secret), Failure> {
    let (moment, token) = (app.moment(), super::secret(app));
    let (inner, by, inviter, id, secret) = (
        app.clone(),
        inviter.by(by),
        inviter.clone(),
        id.clone(),
        token.clone(),
    );
    let sent = app.db.write(move |tx| {
        let user = users::get(tx, &inviter.user.tenant, &id)?;
        let waits = |user: &User| user.password_hash.is_none() && user.disabled_at.is_none();
        let user = user.filter(waits).ok_or(Refusal::NotFound)?;
        person_tokens::void(tx, &user.tenant, &user.id, Kind::Invitation, moment.at)?;
        let after = json!({"name": user.name, "role": user.role.word()});
        Line::new("person.invited", &user)
            .after(after)
            .note(tx, &inner, &by, moment)?;
        attempts::mail(tx, &inner, &by, &user.email, moment)?;
        send(tx, &user, &secret, &inviter.user.name, moment)?;
        Ok::<_, Failure>(user)
    });
    Ok((sent.await?, token))
}

fn send(tx: &mut Tx, user: &User, token: &Secret, inviter: &str, moment: Moment) -> Result<(), Failure> {
    let about = About {
        tenant: &user.tenant,
        user: Some(&user.id),
        email: None,
    };
    tokens::insert(tx, Kind::Invitation, &about, token, moment)?;
    let news = told::News::Invited { token, inviter };
    told::tell(tx, user, news, moment)
}

/// Who an invitation is for, while it is good.
///
/// # Errors
/// [`Refused::LinkUsed`].
pub async fn look(app: &App, token: &str) -> Result<User, Failure> {
    Ok(tokens::look(app, Kind::Invitation, token).await?.1)
}

/// Accepts an invitation with a password, and logs the person in.
///
/// # Errors
/// [`Refused::LinkUsed`], [`Refusal::InvalidField`].
pub async fn accept(
    app: &App,
    browser: &Browser,
    token: &str,
    name: &str,
    password: &Secret,
) -> Result<Entered, Failure> {
    let (_, user) = tokens::look(app, Kind::Invitation, token).await?;
    let name = person::name(name)?;
    let context = (&user.tenant, &[name.as_str(), &user.email][..]);
    let password = super::chosen(app, "password", password, context).await?;
    let (hash, moment, cookie) = (tokens::hash(token)?, app.moment(), super::secret(app));
    let (inner, browser, secret) = (app.clone(), browser.clone(), cookie.clone());
    let accepted = app.db.write(move |tx| {
        let (_, mut user) = tokens::take(tx, Kind::Invitation, &hash, moment)?;
        // It lets in without a second factor, so it is for a first password and for nothing else.
        if user.password_hash.is_some() {
            return Err(Refused::LinkUsed.into());
        }
        super::may_enter(user.role, tenants::find(tx, &user.tenant)?.as_ref())?;
        user.name.clone_from(&name);
        user.password_hash = Some(password.clone());
        user.last_login_at = Some(moment.at);
        super::store(tx, &user)?;
        let by = browser.by.known_as(Actor::Person(user.id.clone()));
        Line::new("person.invitation_accepted", &user).note(tx, &inner, &by, moment)?;
        let session = login::session(&browser, &user, Stage::Full, &secret, moment);
        login::replace(tx, &browser, &session, moment.at)?;
        login::note_login(tx, &inner, &by, &user, "invitation", moment)?;
        Ok::<_, Failure>(user)
    });
    Ok(Entered {
        cookie,
        user: accepted.await?,
        stage: Stage::Full,
    })
}
