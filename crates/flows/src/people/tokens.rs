//! Tokens of links: made, looked at and taken. Every kind is good once and for a while.

use domain::person::Refused;
use domain::{PersonTokenId, TenantId, Timestamp, UserId};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use store::person_tokens::{self, Kind, PersonToken};
use store::users::User;
use store::{Tx, users};
use stripe::Secret;

use crate::{App, Failure, Keys, Moment};

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

/// A link that somebody is sent.
#[derive(Clone, Debug)]
pub struct Link {
    kind: Kind,
    id: PersonTokenId,
    /// What it ends with.
    pub token: Secret,
}

impl Link {
    /// Its path as a queued mail keeps it: with the row's id where the token will stand.
    pub fn kept(&self) -> String {
        format!("/{}/{}", self.kind.word(), self.id)
    }
}

/// Stores a link. Its token is derived from the row's id, and kept nowhere: in the database, of which the row
/// has the hash, it would be read by whoever reads that.
pub fn insert(tx: &mut Tx, app: &App, kind: Kind, about: &About, moment: Moment) -> Result<Link, Failure> {
    let id = PersonTokenId::new(moment.at, moment.random(6));
    insert_as(tx, app, (kind, id), about, moment)
}

/// Stores a link under an id.
pub fn insert_as(
    tx: &mut Tx,
    app: &App,
    (kind, id): (Kind, PersonTokenId),
    about: &About,
    moment: Moment,
) -> Result<Link, Failure> {
    let token = derived(&app.link_key, kind, &id)?;
    let row = PersonToken {
        id: id.clone(),
        hash: super::hash(token.expose()),
        kind,
        tenant: about.tenant.clone(),
        user: about.user.cloned(),
        email: about.email.map(str::to_owned),
        expires_at: moment.at.plus_ms(lasts_ms(kind)),
        created_at: moment.at,
    };
    person_tokens::insert(tx, &row)?;
    Ok(Link { kind, id, token })
}

/// The path of a link as a mail is sent with it, from what [`Link::kept`] said. Earlier versions kept the
/// token itself, which stays as it is.
///
/// # Errors
/// None that can happen: HMAC takes keys of any length.
pub fn opened(key: &Secret, kept: &str) -> Result<String, Failure> {
    match parsed(kept) {
        Some((kind, id)) => Ok(path(kind, &derived(key, kind, &id)?)),
        None => Ok(kept.to_owned()),
    }
}

/// As [`opened`], by the key under which the link was made: `SECRET_KEY` may have been rolled while its mail
/// waited.
///
/// # Errors
/// When the database fails.
pub fn opened_by(tx: &mut Tx, keys: &Keys, kept: &str, now: Timestamp) -> Result<String, Failure> {
    if let Some((kind, id)) = parsed(kept) {
        for key in keys.all() {
            let token = derived(key, kind, &id)?;
            if person_tokens::look(tx, &super::hash(token.expose()), kind, now)?.is_some() {
                return Ok(path(kind, &token));
            }
        }
    }
    opened(keys.newest(), kept)
}

fn parsed(kept: &str) -> Option<(Kind, PersonTokenId)> {
    let (word, id) = kept.strip_prefix('/')?.split_once('/')?;
    let kind = Kind::ALL.into_iter().find(|kind| kind.word() == word)?;
    Some((kind, PersonTokenId::parse(id).ok()?))
}

fn path(kind: Kind, token: &Secret) -> String {
    format!("/{}/{}", kind.word(), token.expose())
}

/// 256 bits that follow from `SECRET_KEY` and the row, and from nothing in the database alone.
fn derived(key: &Secret, kind: Kind, id: &PersonTokenId) -> Result<Secret, Failure> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose().as_bytes())
        .map_err(|_| Failure::Bug("HMAC takes keys of any length".to_owned()))?;
    mac.update(format!("person_token:{}:{id}", kind.word()).as_bytes());
    Ok(Secret::new(hex::encode(mac.finalize().into_bytes())))
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
