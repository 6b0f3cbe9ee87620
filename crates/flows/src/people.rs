//! People: who somebody is that logs in, and what every story about them shares. A session is read from
//! the database with its person on each request, so that whoever is shut out or lowered is so at once,
//! everywhere.

pub mod account;
mod attempts;
pub mod authenticator;
mod hashing;
pub mod invitations;
pub mod login;
pub mod members;
pub mod resets;
pub mod second_factor;
pub mod sessions;
pub mod setup;
mod tokens;
mod told;
mod watch;

use domain::person::Refused;
use domain::tenant::TenantState;
use domain::{Refusal, Role, Scope, TenantId, Timestamp};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::{Digest, Sha256};
use store::sessions::{Session, Stage};
use store::tenants::Tenant;
use store::users::User;
use store::{Tx, tenants, users};
use stripe::Secret;
use subtle::ConstantTimeEq;

pub use hashing::{COST, Cost, Hashing, Inline, Outcome, Work, Working};
pub use tokens::{opened, opened_by};
pub use watch::Watch;

use crate::audit::{self, Entry};
use crate::{Actor, App, By, Failure, Moment};

/// Whoever showed who they are within this time may do what is sensitive.
pub const STEPPED_UP_MS: i64 = 5 * 60 * 1000;
/// The use of a session is written down at most once in so long.
const TOUCH_EVERY_MS: i64 = 60_000;
/// 160 bits of an HMAC, in hex.
const FORM_TOKEN_CHARS: usize = 40;

/// Somebody with a session that has not ended.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Who it is.
    pub user: User,
    /// Whose people they belong to; none for an operator.
    pub tenant: Option<Tenant>,
    /// Their session.
    pub session: Session,
}

impl Seen {
    /// Whether they showed who they are a short time ago.
    pub fn is_stepped_up(&self, now: Timestamp) -> bool {
        let until = self.session.stepped_up_at.map(|at| at.plus_ms(STEPPED_UP_MS));
        until.is_some_and(|until| until > now)
    }

    /// Whether their role asks for a second factor that they have not set up.
    pub fn lacks_second_factor(&self) -> bool {
        self.user.role.needs_second_factor() && !self.user.has_second_factor()
    }

    /// The same request, sent by them.
    pub fn by(&self, by: &By) -> By {
        by.known_as(Actor::Person(self.user.id.clone()))
    }
}

/// What a browser is given after somebody showed who they are.
#[derive(Clone, Debug)]
pub struct Entered {
    /// What its cookie holds from now on.
    pub cookie: Secret,
    /// Who it is.
    pub user: User,
    /// Whether a second factor is still to be shown.
    pub stage: Stage,
}

/// Whose session a cookie opens: none for what is no session, or one that has ended in any way.
///
/// # Errors
/// When the database fails: then nobody is let in.
pub async fn authenticate(app: &App, cookie: &str) -> Result<Option<Seen>, Failure> {
    if !is_secret(cookie) {
        return Ok(None);
    }
    let (hash, now) = (hash(cookie), app.clock.now());
    let found = app.db.read(move |tx| {
        let Some(session) = store::sessions::by_hash(tx, &hash)? else {
            return Ok(None);
        };
        // The index compared hashes; here the comparison takes the same time wherever they differ.
        if !bool::from(session.secret_hash.as_bytes().ct_eq(hash.as_bytes())) {
            return Ok(None);
        }
        let Some(user) = users::get(tx, &session.tenant, &session.user)? else {
            return Ok(None);
        };
        let tenant = tenants::find(tx, &user.tenant)?;
        Ok::<_, Failure>(Some(Seen {
            user,
            tenant,
            session,
        }))
    });
    Ok(found.await?.filter(|seen| goes_on(seen, now)))
}

/// The clocks of two instances are not further apart than this.
const CLOCKS_DIFFER_MS: i64 = 5 * 60 * 1000;

fn goes_on(seen: &Seen, now: Timestamp) -> bool {
    let Seen {
        user,
        tenant,
        session,
    } = seen;
    let idle_until = session.last_seen_at.plus_ms(user.role.lifetime().idle_ms);
    session.revoked_at.is_none()
        && session.expires_at > now
        && idle_until > now
        // A clock that was set back would let it live for longer than its age.
        && session.created_at <= now.plus_ms(CLOCKS_DIFFER_MS)
        && user.disabled_at.is_none()
        && may_enter(user.role, tenant.as_ref()).is_ok()
}

/// Nobody of a closed tenant gets in.
fn may_enter(role: Role, tenant: Option<&Tenant>) -> Result<(), Refusal> {
    match (role, tenant) {
        (Role::Operator, _) => Ok(()),
        (Role::Owner | Role::Billing | Role::ReadOnly, Some(tenant)) => match tenant.status {
            TenantState::Active | TenantState::Suspended => Ok(()),
            TenantState::Closed => Err(Refusal::TenantClosed),
        },
        (Role::Owner | Role::Billing | Role::ReadOnly, None) => Err(Refusal::NotFound),
    }
}

/// Whose session a cookie opened that opens none now, with the session's id: who a form was for that was sent
/// too late.
///
/// # Errors
/// When the database fails.
pub async fn ended(app: &App, cookie: &str) -> Result<Option<Session>, Failure> {
    if !is_secret(cookie) {
        return Ok(None);
    }
    let hash = hash(cookie);
    Ok(app.db.read(move |tx| store::sessions::by_hash(tx, &hash)).await?)
}

/// Whether the session's use is to be written down with [`touch`].
pub fn is_touch_due(app: &App, session: &Session) -> bool {
    session.last_seen_at <= app.clock.now().plus_ms(-TOUCH_EVERY_MS)
}

/// Writes down that a session is used: at most once a minute, however many instances do it.
///
/// # Errors
/// When the database fails; the request goes on.
pub async fn touch(app: &App, session: &Session) -> Result<(), Failure> {
    let (now, id) = (app.clock.now(), session.id.clone());
    let touched = app
        .db
        .write(move |tx| store::sessions::touch(tx, &id, now, now.plus_ms(-TOUCH_EVERY_MS)));
    Ok(touched.await?)
}

/// The token that the forms of a browser with this cookie carry, so that no other page can send them. It is
/// derived, never stored.
///
/// # Errors
/// None that can happen: HMAC takes keys of any length.
pub fn form_token(app: &App, cookie: &str) -> Result<String, Failure> {
    form_token_by(&app.link_key, cookie)
}

fn form_token_by(key: &Secret, cookie: &str) -> Result<String, Failure> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose().as_bytes())
        .map_err(|_| Failure::Bug("HMAC takes keys of any length".to_owned()))?;
    mac.update(format!("form_token:{cookie}").as_bytes());
    let mut text = hex::encode(mac.finalize().into_bytes());
    text.truncate(FORM_TOKEN_CHARS);
    Ok(text)
}

/// Whether a form carries the token of this cookie, also one that was opened before `SECRET_KEY` was rolled.
///
/// # Errors
/// [`Refused::FormToken`].
pub fn check_form_token(app: &App, cookie: &str, given: &str) -> Result<(), Failure> {
    for key in app.keys().all() {
        if is_form_token(given, &form_token_by(key, cookie)?) {
            return Ok(());
        }
    }
    Err(Refused::FormToken.into())
}

/// Compares a token with the right one, in the same time wherever they differ.
pub fn is_form_token(given: &str, right: &str) -> bool {
    right.as_bytes().ct_eq(given.as_bytes()).into()
}

/// Something that nobody can guess: 256 random bits in hex.
pub fn secret(app: &App) -> Secret {
    Secret::new(format!("{:032x}{:032x}", app.clock.random(), app.clock.random()))
}

/// Whether this has the shape of [`secret`], so that nothing else is looked up.
pub fn is_secret(text: &str) -> bool {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == 64 && text.bytes().all(hex)
}

/// What is kept of a secret.
fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

/// Where what people do is noted: with their tenant, in the mode that the views show, as nobody belongs
/// to one.
fn scope_of(app: &App, tenant: &TenantId) -> Option<Scope> {
    (*tenant != TenantId::platform()).then(|| Scope {
        tenant: tenant.clone(),
        mode: app.active_mode,
    })
}

/// A line in the audit log about a person.
struct Line<'a> {
    action: &'static str,
    user: &'a User,
    before: Option<Value>,
    after: Option<Value>,
}

impl<'a> Line<'a> {
    fn new(action: &'static str, user: &'a User) -> Line<'a> {
        Line {
            action,
            user,
            before: None,
            after: None,
        }
    }

    fn before(mut self, before: Value) -> Line<'a> {
        self.before = Some(before);
        self
    }

    fn after(mut self, after: Value) -> Line<'a> {
        self.after = Some(after);
        self
    }

    fn note(self, tx: &mut Tx, app: &App, by: &By, moment: Moment) -> Result<(), Failure> {
        let entry = Entry {
            action: self.action,
            subject: self.user.id.as_str(),
            before: self.before.map(|state| state.to_string()),
            after: self.after.map(|state| state.to_string()),
        };
        let scope = scope_of(app, &self.user.tenant);
        Ok(audit::note(tx, scope.as_ref(), by, moment, &entry)?)
    }
}

/// Stores a person over the version that was read.
fn store(tx: &mut Tx, user: &User) -> Result<(), Failure> {
    match users::update(tx, user) {
        Ok(true) => Ok(()),
        // The transaction runs again, and reads what is there now.
        Ok(false) => Err(store::Error::Conflict.into()),
        Err(error) => Err(taken(error)),
    }
}

/// An address that somebody has already.
fn taken(error: store::Error) -> Failure {
    match error {
        store::Error::Unique { constraint }
            if ["users_email", "users_of_tenant_email"].contains(&constraint.as_str()) =>
        {
            Refused::EmailTaken.into()
        }
        error => error.into(),
    }
}

/// Hashes a password that somebody of a tenant chose, if it may be chosen.
async fn chosen(
    app: &App,
    field: &'static str,
    password: &Secret,
    (tenant, context): (&TenantId, &[&str]),
) -> Result<String, Failure> {
    let id = tenant.clone();
    let tenant = app.db.read(move |tx| tenants::find(tx, &id)).await?;
    let name = tenant.as_ref().map_or("", |tenant| tenant.name.as_str());
    domain::password::check(field, password.expose(), &[context, &[name]].concat())?;
    hashing::hash(app, password).await
}
