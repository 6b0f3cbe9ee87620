//! People who log in. Each belongs to a tenant, operators to the platform; nobody belongs to a mode. An
//! address logs in one person, whatever the tenant; invitations to it may wait at several.

use domain::mail::MailKind;
use domain::{Language, Role, TenantId, Timestamp, UserId};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// A person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The row's id.
    pub id: UserId,
    /// Whose people they belong to.
    pub tenant: TenantId,
    /// Where they are written to, and what they log in with: in lower case.
    pub email: String,
    /// What they are called.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Argon2id of the password, with its parameters; none until an invitation is accepted.
    pub password_hash: Option<String>,
    /// The seed of their authenticator, encrypted; none without a second factor.
    pub totp_seed: Option<String>,
    /// The last step of which a code was taken.
    pub totp_step: Option<i64>,
    /// Since when they have a second factor.
    pub totp_at: Option<Timestamp>,
    /// A seed that was shown and not confirmed yet, encrypted.
    pub totp_pending: Option<String>,
    /// Since when they are shut out.
    pub disabled_at: Option<Timestamp>,
    /// When they last logged in.
    pub last_login_at: Option<Timestamp>,
    /// In which language they are written to, if anybody has said.
    pub language: Option<Language>,
    /// Which alerts they chose; none where they have not chosen.
    pub alerts: Option<Vec<MailKind>>,
    /// Counts changes, so that nobody overwrites what they have not seen.
    pub version: i64,
    /// When they were added.
    pub created_at: Timestamp,
}

impl User {
    /// Somebody who has not chosen a password yet.
    pub fn new(id: UserId, tenant: TenantId, email: String, name: String, role: Role, at: Timestamp) -> User {
        User {
            id,
            tenant,
            email,
            name,
            role,
            password_hash: None,
            totp_seed: None,
            totp_step: None,
            totp_at: None,
            totp_pending: None,
            disabled_at: None,
            last_login_at: None,
            language: None,
            alerts: None,
            version: 1,
            created_at: at,
        }
    }

    /// Whether they have accepted their invitation and are not shut out.
    pub fn is_active(&self) -> bool {
        self.password_hash.is_some() && self.disabled_at.is_none()
    }

    /// What they are told of as it happens: what they chose, else what is usual for their role.
    pub fn told_of(&self) -> &[MailKind] {
        let usual = MailKind::usual_alerts(self.role);
        self.alerts.as_deref().unwrap_or(usual)
    }

    fn written_alerts(&self) -> Option<String> {
        let words = |kinds: &Vec<MailKind>| kinds.iter().map(|kind| kind.word()).collect::<Vec<_>>();
        self.alerts.as_ref().map(|kinds| words(kinds).join(" "))
    }

    /// Whether they have a second factor.
    pub fn has_second_factor(&self) -> bool {
        self.totp_seed.is_some()
    }
}

macro_rules! select_users {
    ($rest:literal $(,)?) => {
        Sql::new(concat!(
            "select id, tenant_id, email, name, role, password_hash, totp_seed, totp_step, totp_at,
               totp_pending, disabled_at, last_login_at, language, alerts, version, created_at
             from users
             ",
            $rest
        ))
    };
}

const INSERT: Sql = Sql::new(
    "insert into users (id, tenant_id, email, name, role, password_hash, totp_seed, totp_step, totp_at,
       totp_pending, disabled_at, last_login_at, language, alerts, version, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
);

/// Adds a person.
///
/// # Errors
/// [`Error::Unique`] of `users_email` when somebody logs in with the address, of `users_of_tenant_email` when
/// somebody of the tenant has it.
pub fn insert(tx: &mut Tx, user: &User) -> Result<(), Error> {
    let binds = binds![
        &user.id,
        &user.tenant,
        &user.email,
        &user.name,
        user.role.word(),
        user.password_hash.clone(),
        user.totp_seed.clone(),
        user.totp_step,
        user.totp_at,
        user.totp_pending.clone(),
        user.disabled_at,
        user.last_login_at,
        user.language.map(Language::word),
        user.written_alerts(),
        user.version,
        user.created_at
    ];
    tx.execute(&INSERT, binds)?;
    Ok(())
}

const BY_EMAIL: Sql = select_users!("where email = $1 and password_hash is not null",);

/// Who logs in with this address; nobody who was only invited.
pub fn by_email(tx: &mut Tx, email: &str) -> Result<Option<User>, Error> {
    let row = tx.optional(&BY_EMAIL, binds![email])?;
    row.map(|row| read(&row)).transpose()
}

const IN_TENANT: Sql = select_users!("where tenant_id = $1 and email = $2",);

/// Who of a tenant has this address, also if they were only invited.
pub fn in_tenant(tx: &mut Tx, tenant: &TenantId, email: &str) -> Result<Option<User>, Error> {
    let row = tx.optional(&IN_TENANT, binds![tenant, email])?;
    row.map(|row| read(&row)).transpose()
}

const BY_ID: Sql = select_users!("where tenant_id = $1 and id = $2",);

/// A person of a tenant.
pub fn get(tx: &mut Tx, tenant: &TenantId, id: &UserId) -> Result<Option<User>, Error> {
    let row = tx.optional(&BY_ID, binds![tenant, id])?;
    row.map(|row| read(&row)).transpose()
}

const OF_TENANT: Sql = select_users!(
    "where tenant_id = $1
     order by id
     limit 1000",
);

/// Everybody of a tenant, in the order in which they were added.
pub fn of_tenant(tx: &mut Tx, tenant: &TenantId) -> Result<Vec<User>, Error> {
    tx.query_once(&OF_TENANT, binds![tenant])?
        .iter()
        .map(read)
        .collect()
}

const IN_ROLE: Sql = Sql::new(
    "select count(*) as people
     from users
     where tenant_id = $1 and role = $2 and disabled_at is null and password_hash is not null",
);

/// How many people of a tenant can log in with a role.
pub fn in_role(tx: &mut Tx, tenant: &TenantId, role: Role) -> Result<i64, Error> {
    tx.one(&IN_ROLE, binds![tenant, role.word()])?.int("people")
}

const UPDATE: Sql = Sql::new(
    "update users
     set email = $4, name = $5, role = $6, password_hash = $7, totp_seed = $8, totp_step = $9, totp_at = $10,
       totp_pending = $11, disabled_at = $12, last_login_at = $13, language = $14, alerts = $15,
       version = version + 1
     where tenant_id = $1 and id = $2 and version = $3",
);

/// Stores all of a person over the version that was read; `false` when it was changed since.
///
/// # Errors
/// As [`insert`].
pub fn update(tx: &mut Tx, user: &User) -> Result<bool, Error> {
    let binds = binds![
        &user.tenant,
        &user.id,
        user.version,
        &user.email,
        &user.name,
        user.role.word(),
        user.password_hash.clone(),
        user.totp_seed.clone(),
        user.totp_step,
        user.totp_at,
        user.totp_pending.clone(),
        user.disabled_at,
        user.last_login_at,
        user.language.map(Language::word),
        user.written_alerts()
    ];
    Ok(tx.execute(&UPDATE, binds)? == 1)
}

const TAKE_STEP: Sql = Sql::new(
    "update users
     set totp_step = $3, totp_seed = $4, version = version + 1
     where tenant_id = $1 and id = $2 and totp_seed is not null and (totp_step is null or totp_step < $3)",
);

/// Uses up the code of a step, and keeps the seed as it is sealed now; `false` when one of that step or a
/// later one was taken.
pub fn take_step(
    tx: &mut Tx,
    tenant: &TenantId,
    id: &UserId,
    (step, sealed): (i64, &str),
) -> Result<bool, Error> {
    Ok(tx.execute(&TAKE_STEP, binds![tenant, id, step, sealed])? == 1)
}

fn read(row: &Row) -> Result<User, Error> {
    let alerts = row.text_opt("alerts")?;
    let kinds = |words: String| words.split(' ').filter_map(MailKind::parse).collect();
    Ok(User {
        id: UserId::stored(row.text("id")?),
        tenant: TenantId::stored(row.text("tenant_id")?),
        email: row.text("email")?,
        name: row.text("name")?,
        role: values::word(row, "role", Role::parse)?,
        password_hash: row.text_opt("password_hash")?,
        totp_seed: row.text_opt("totp_seed")?,
        totp_step: row.int_opt("totp_step")?,
        totp_at: values::time_opt(row, "totp_at")?,
        totp_pending: row.text_opt("totp_pending")?,
        disabled_at: values::time_opt(row, "disabled_at")?,
        last_login_at: values::time_opt(row, "last_login_at")?,
        language: row.text_opt("language")?.as_deref().and_then(Language::parse),
        alerts: alerts.map(kinds),
        version: row.int("version")?,
        created_at: values::time(row, "created_at")?,
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[
    &INSERT, &BY_EMAIL, &IN_TENANT, &BY_ID, &OF_TENANT, &IN_ROLE, &UPDATE, &TAKE_STEP,
];
