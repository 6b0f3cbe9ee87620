//! The people of a tenant, or of the platform, as those see them who decide who may what. A change of what
//! somebody may do ends their sessions: they log in anew as what they are now.

use std::collections::BTreeMap;

use domain::person::Refused;
use domain::{MailAddress, Refusal, Role, UserId};
use serde_json::json;
use store::Tx;
use store::person_tokens::{self, Kind};
use store::sessions;
use store::users::{self, User};

use super::{Line, Seen, second_factor, tokens, told};
use crate::mails::recipients::{Trouble, last_trouble};
use crate::{App, By, Failure, Moment, mails};

/// Everybody of the tenant that `seen` belongs to, or of the platform, in the order in which they were added.
///
/// # Errors
/// When the database fails.
pub async fn list(app: &App, seen: &Seen) -> Result<Vec<User>, Failure> {
    let tenant = seen.user.tenant.clone();
    Ok(app.db.read(move |tx| users::of_tenant(tx, &tenant)).await?)
}

/// Those of these people who have not accepted their invitation and whom the last mail about it did not
/// reach.
///
/// # Errors
/// When the database fails.
pub async fn unreached(app: &App, people: &[User]) -> Result<BTreeMap<UserId, Trouble>, Failure> {
    let invited = people.iter().filter(|user| user.password_hash.is_none());
    let invited: Vec<(UserId, String)> = invited
        .map(|user| (user.id.clone(), user.email.clone()))
        .collect();
    let read = app.db.read(move |tx| {
        let mut unreached = BTreeMap::new();
        for (id, email) in &invited {
            let address = MailAddress::stored(email.clone());
            if let Some(trouble) = last_trouble(tx, &mails::of_a_login(), &address)? {
                unreached.insert(id.clone(), trouble);
            }
        }
        Ok::<_, store::Error>(unreached)
    });
    Ok(read.await?)
}

/// What is done with somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Another role.
    Role(Role),
    /// Shut out: they cannot log in, and their sessions end.
    Disable,
    /// Let in again.
    Enable,
    /// Their authenticator is taken away, as they lost it.
    ClearSecondFactor,
}

/// Changes somebody of one's own tenant, or of the platform.
///
/// # Errors
/// [`Refusal::NotFound`] for people elsewhere, [`Refused::Oneself`], [`Refused::LastOne`],
/// [`Refused::RoleInsufficient`], [`Refusal::VersionConflict`] when somebody else changed them since.
pub async fn change(
    app: &App,
    by: &By,
    seen: &Seen,
    id: &UserId,
    version: Option<i64>,
    change: Change,
) -> Result<User, Failure> {
    if *id == seen.user.id {
        return Err(Refused::Oneself.into());
    }
    let (moment, inner, by, id) = (app.moment(), app.clone(), seen.by(by), id.clone());
    let (tenant, mine) = (seen.user.tenant.clone(), seen.clone());
    let changed = app.db.write(move |tx| {
        let mut user = users::get(tx, &tenant, &id)?.ok_or(Refusal::NotFound)?;
        if version.is_some_and(|version| version != user.version) {
            return Err(Refusal::VersionConflict.into());
        }
        match change {
            Change::Role(role) => to_role(tx, &inner, &by, &mut user, (&mine, role), moment)?,
            Change::Disable => disable(tx, &inner, &by, &mut user, moment)?,
            Change::Enable => enable(tx, &inner, &by, &mut user, moment)?,
            Change::ClearSecondFactor => {
                clear_second_factor(tx, &inner, &by, &mut user, moment)?;
            }
        }
        Ok::<_, Failure>(users::get(tx, &tenant, &id)?.ok_or(Refusal::NotFound)?)
    });
    changed.await
}

fn clear_second_factor(
    tx: &mut Tx,
    app: &App,
    by: &By,
    user: &mut User,
    moment: Moment,
) -> Result<(), Failure> {
    second_factor::without(tx, app, by, user, moment)?;
    tokens::void_links(tx, user, moment.at)?;
    let ended = sessions::revoke_all(tx, &user.tenant, &user.id, None, moment.at)?;
    if ended > 0 {
        let line = Line::new("person.session_ended", user);
        line.after(json!({"all": ended})).note(tx, app, by, moment)?;
    }
    Ok(())
}

fn to_role(
    tx: &mut Tx,
    app: &App,
    by: &By,
    user: &mut User,
    (seen, role): (&Seen, Role),
    moment: Moment,
) -> Result<(), Failure> {
    // Nobody moves between a tenant and the platform.
    if (seen.user.role == Role::Operator) != (role == Role::Operator) {
        return Err(Refused::RoleInsufficient.into());
    }
    let before = user.role;
    if before == role {
        return Ok(());
    }
    somebody_remains(tx, user)?;
    user.role = role;
    super::store(tx, user)?;
    sessions::revoke_all(tx, &user.tenant, &user.id, None, moment.at)?;
    tokens::void_links(tx, user, moment.at)?;
    let line = Line::new("person.role_changed", user).before(json!({"role": before.word()}));
    line.after(json!({"role": role.word()}))
        .note(tx, app, by, moment)?;
    told::owners_of_owner(tx, user, (&seen.user.name, Some(&seen.user.id)), moment)
}

fn disable(tx: &mut Tx, app: &App, by: &By, user: &mut User, moment: Moment) -> Result<(), Failure> {
    if user.disabled_at.is_some() {
        return Ok(());
    }
    somebody_remains(tx, user)?;
    user.disabled_at = Some(moment.at);
    super::store(tx, user)?;
    sessions::revoke_all(tx, &user.tenant, &user.id, None, moment.at)?;
    for kind in [Kind::Invitation, Kind::Reset, Kind::Email] {
        person_tokens::void(tx, &user.tenant, &user.id, kind, moment.at)?;
    }
    Line::new("person.disabled", user).note(tx, app, by, moment)
}

fn enable(tx: &mut Tx, app: &App, by: &By, user: &mut User, moment: Moment) -> Result<(), Failure> {
    if user.disabled_at.is_none() {
        return Ok(());
    }
    user.disabled_at = None;
    super::store(tx, user)?;
    Line::new("person.enabled", user).note(tx, app, by, moment)
}

/// A tenant keeps an owner who can log in, and the platform an operator.
fn somebody_remains(tx: &mut Tx, user: &User) -> Result<(), Failure> {
    let decides = user.role.needs_second_factor();
    let counts = user.password_hash.is_some() && user.disabled_at.is_none();
    if decides && counts && users::in_role(tx, &user.tenant, user.role)? <= 1 {
        return Err(Refused::LastOne.into());
    }
    Ok(())
}
