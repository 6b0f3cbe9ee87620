//! Tokens of links: made, looked at and taken. Every kind is good once and for a while.

use domain::person::Refused;
use domain::{PersonTokenId, TenantId, Timestamp, UserId};
use store::person_tokens::{self, Kind, PersonToken};
use store::users::User;
use store::{Tx, users};
use stripe::Secret;

use crate::{App, Failure, Moment};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// How long a token of a kind is good.
pub const fn lasts_ms(kind: Kind) -> i64 {
    match kind {
        Kind::Setup => 24 * HOUR_MS,
        Kind::Invitation => 72 * HOUR_MS,
        Kind::Reset | Kind::Email => 30 * MINUTE_MS,
    }
}

/// Who a token is about.
pub struct About<'a> {
    pub tenant: &'a TenantId,
    pub user: Option<&'a UserId>,
    pub email: Option<&'a str>,
}

/// Stores a token.
pub fn insert(tx: &mut Tx, kind: Kind, about: &About, token: &Secret, moment: Moment) -> Result<(), Failure> {
    let row = PersonToken {
        id: PersonTokenId::new(moment.at, moment.random(6)),
        hash: super::hash(token.expose()),
        kind,
        tenant: about.tenant.clone(),
        user: about.user.cloned(),
        email: about.email.map(str::to_owned),
        expires_at: moment.at.plus_ms(lasts_ms(kind)),
        created_at: moment.at,
    };
    Ok(person_tokens::insert(tx, &row)?)
}

/// Makes the links worthless that would undo what somebody just did to keep others out.
pub fn void_links(tx: &mut Tx, user: &User, at: Timestamp) -> Result<(), Failure> {
    for kind in [Kind::Reset, Kind::Email] {
        person_tokens::void(tx, &user.tenant, &user.id, kind, at)?;
    }
    Ok(())
}

/// Who a link is for, while it is good.
///
/// # Errors
/// [`Refused::LinkUsed`].
pub async fn look(app: &App, kind: Kind, token: &str) -> Result<(PersonToken, User), Failure> {
    let (hash, now) = (hash(token)?, app.clock.now());
    let found = app.db.read(move |tx| {
        let token = person_tokens::look(tx, &hash, kind, now)?.ok_or(Refused::LinkUsed)?;
        let user = owner(tx, &token)?;
        Ok::<_, Failure>((token, user))
    });
    found.await
}

/// Takes a link, once.
///
/// # Errors
/// [`Refused::LinkUsed`].
pub fn take(tx: &mut Tx, kind: Kind, hash: &str, moment: Moment) -> Result<(PersonToken, User), Failure> {
    let token = person_tokens::take(tx, hash, kind, moment.at)?.ok_or(Refused::LinkUsed)?;
    let user = owner(tx, &token)?;
    Ok((token, user))
}

/// What is kept of a token; what has not its shape never was one.
pub fn hash(token: &str) -> Result<String, Refused> {
    match super::is_secret(token) {
        true => Ok(super::hash(token)),
        false => Err(Refused::LinkUsed),
    }
}

/// Whoever was shut out has no good links.
fn owner(tx: &mut Tx, token: &PersonToken) -> Result<User, Failure> {
    let id = token.user.as_ref().ok_or(Refused::LinkUsed)?;
    let user = users::get(tx, &token.tenant, id)?.filter(|user| user.disabled_at.is_none());
    Ok(user.ok_or(Refused::LinkUsed)?)
}
