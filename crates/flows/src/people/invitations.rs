//! Invitations: somebody is added without a password, and chooses one by a link that is good once and for
//! three days. Whoever invites is shown the link as well, for where no mail goes out.

use domain::person::{self, Refused};
use domain::{Language, Refusal, Role, TenantId, UserId};
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
/// [`Refused::RoleInsufficient`], [`Refusal::InvalidField`], [`Refusal::NotFound`]; [`Refused::EmailTaken`]
/// for an address of the same tenant's people. That somebody of another tenant has it is told to nobody but
/// them.
pub async fn invite(
    app: &App,
    by: &By,
    inviter: &Seen,
    invitation: &Invitation,
) -> Result<(User, Secret), Failure> {
    let same = inviter.user.tenant == invitation.tenant;
    let language = inviter.user.language.filter(|_| same);
    invite_in(app, by, inviter, invitation, language).await
}

/// Invites somebody who is written to in this language from now on, until they choose another.
///
/// # Errors
/// As [`invite`].
pub async fn invite_in(
    app: &App,
    by: &By,
    inviter: &Seen,
    invitation: &Invitation,
    language: Option<Language>,
) -> Result<(User, Secret), Failure> {
    may_invite(inviter, invitation)?;
    invited(app, &inviter.by(by), Inviter::of(inviter), invitation, language).await
}

/// Invites somebody in the operator's name, who did not log in: by a platform key or the command line.
///
/// # Errors
/// As [`invite`].
pub async fn invite_first(app: &App, by: &By, invitation: &Invitation) -> Result<(User, Secret), Failure> {
    let inviter = Inviter {
        name: "The operator of the platform".to_owned(),
        id: None,
    };
    invited(app, by, inviter, invitation, None).await
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

/// Who invites: what they are called, and who they are if they logged in.
#[derive(Clone, Debug)]
struct Inviter {
    name: String,
    id: Option<UserId>,
}

impl Inviter {
    fn of(seen: &Seen) -> Inviter {
        Inviter {
            name: seen.user.name.clone(),
            id: Some(seen.user.id.clone()),
        }
    }
}

async fn invited(
    app: &App,
    by: &By,
    inviter: Inviter,
    invitation: &Invitation,
    language: Option<Language>,
) -> Result<(User, Secret), Failure> {
    let moment = app.moment();
    let mut user = User::new(
        UserId::new(moment.at, moment.random(0)),
        invitation.tenant.clone(),
        person::email(&invitation.email)?,
        person::name(&invitation.name)?,
        invitation.role,
        moment.at,
    );
    user.language = language;
    let (inner, by, row) = (app.clone(), by.clone(), user);
    let invited = app.db.write(move |tx| {
        if row.role != Role::Operator {
            let tenant = tenants::find(tx, &row.tenant)?.ok_or(Refusal::NotFound)?;
            super::may_enter(row.role, Some(&tenant))?;
        }
        let row = added_or_waiting(tx, &row, moment)?;
        let token = send(tx, &inner, &by, (&row, &inviter), moment)?;
        Ok::<_, Failure>((row, token))
    });
    invited.await
}

/// Adds somebody, unless the same invitation waits for them already: then its link is worth nothing any more.
/// So the first owner of a tenant, whom nobody there can invite again, does not lose the address.
fn added_or_waiting(tx: &mut Tx, user: &User, moment: Moment) -> Result<User, Failure> {
    let found = users::in_tenant(tx, &user.tenant, &user.email)?;
    let waits = found.filter(|found| {
        found.role == user.role && found.password_hash.is_none() && found.disabled_at.is_none()
    });
    if let Some(waits) = waits {
        person_tokens::void(tx, &waits.tenant, &waits.id, Kind::Invitation, moment.at)?;
        let language = user.language.or(waits.language);
        let waits = User { language, ..waits };
        super::store(tx, &waits)?;
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
    let (moment, inner, by, id) = (app.moment(), app.clone(), inviter.by(by), id.clone());
    let (tenant, inviter) = (inviter.user.tenant.clone(), Inviter::of(inviter));
    let sent = app.db.write(move |tx| {
        let user = users::get(tx, &tenant, &id)?;
        let waits = |user: &User| user.password_hash.is_none() && user.disabled_at.is_none();
        let user = user.filter(waits).ok_or(Refusal::NotFound)?;
        person_tokens::void(tx, &user.tenant, &user.id, Kind::Invitation, moment.at)?;
        let token = send(tx, &inner, &by, (&user, &inviter), moment)?;
        Ok::<_, Failure>((user, token))
    });
    sent.await
}

/// Makes the link and sends it. Whoever logs in elsewhere with the address is told so in the mail, which has
/// no link then: whoever invites learns nothing of other tenants' people, and does the same either way.
fn send(
    tx: &mut Tx,
    app: &App,
    by: &By,
    (user, inviter): (&User, &Inviter),
    moment: Moment,
) -> Result<Secret, Failure> {
    let after = json!({"name": user.name, "role": user.role.word()});
    Line::new("person.invited", user)
        .after(after)
        .note(tx, app, by, moment)?;
    attempts::mail(tx, app, by, &user.email, moment)?;
    let about = About {
        tenant: &user.tenant,
        user: Some(&user.id),
        email: None,
    };
    let link = tokens::insert(tx, app, Kind::Invitation, &about, moment)?;
    let inviter_name = inviter.name.as_str();
    let news = match users::by_email(tx, &user.email)? {
        None => told::News::Invited {
            link: &link,
            inviter: inviter_name,
        },
        Some(_) => told::News::InvitedElsewhere {
            inviter: inviter_name,
        },
    };
    told::tell(tx, user, news, moment)?;
    told::owners_of_owner(tx, user, (inviter_name, inviter.id.as_ref()), moment)?;
    Ok(link.token)
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
/// [`Refused::LinkUsed`], [`Refusal::InvalidField`], [`Refused::EmailTaken`] when the address logs in
/// somebody elsewhere by now.
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
