//! Where a client's mails go, and in which language they are written.

use domain::{ClientId, Language, MailAddress, Scope, Timestamp};

use crate::db::{Error, Sql, Tx};
use crate::{binds, values};

/// A client's settings. Without any: its e-mail address, the tenant's language.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientMailSettings {
    /// Its language, if it has one of its own.
    pub language: Option<Language>,
    /// Where its mails go, instead of its e-mail address.
    pub billing_addresses: Vec<MailAddress>,
}

const GET: Sql = Sql::new(
    "select language, billing_addresses
     from client_mail_settings
     where tenant_id = $1 and livemode = $2 and client_id = $3",
);

/// The settings of a client.
pub fn get(tx: &mut Tx, scope: &Scope, client: &ClientId) -> Result<ClientMailSettings, Error> {
    let Some(row) = tx.optional_once(&GET, binds![&scope.tenant, scope.mode, client])? else {
        return Ok(ClientMailSettings::default());
    };
    Ok(ClientMailSettings {
        language: row.text_opt("language")?.as_deref().and_then(Language::parse),
        billing_addresses: values::addresses(&row, "billing_addresses")?,
    })
}

const PUT: Sql = Sql::new(
    "insert into client_mail_settings (tenant_id, livemode, client_id, language, billing_addresses, \
     created_at,
       updated_at)
     values ($1, $2, $3, $4, $5, $6, $6)
     on conflict (tenant_id, livemode, client_id) do update set
       language = excluded.language,
       billing_addresses = excluded.billing_addresses,
       updated_at = excluded.updated_at",
);

/// Puts other settings in the place of a client's.
pub fn put(
    tx: &mut Tx,
    scope: &Scope,
    client: &ClientId,
    settings: &ClientMailSettings,
    at: Timestamp,
) -> Result<(), Error> {
    let binds = binds![
        &scope.tenant,
        scope.mode,
        client,
        settings.language.map(Language::word),
        values::joined(&settings.billing_addresses),
        at
    ];
    tx.execute(&PUT, binds)?;
    Ok(())
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&GET, &PUT];
