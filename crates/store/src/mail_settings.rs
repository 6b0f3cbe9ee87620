//! How a tenant writes to its clients, and which of its staff are told of what.

use domain::mail::MailKind;
use domain::seal::Day;
use domain::{Language, MailAddress, Scope, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// A tenant's settings in one mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailSettings {
    /// The name that mails come from; the tenant's own without one.
    pub sender_name: Option<String>,
    /// Where answers go; the tenant's support address without one.
    pub reply_to: Option<MailAddress>,
    /// The language of clients who have none of their own.
    pub language: Language,
    /// Whether clients get receipts.
    pub receipts: bool,
    /// On which days clients are reminded, from the due date, ascending; none when they are not.
    pub reminder_days: Vec<i64>,
    /// The first day of the plan as it is.
    pub reminders_from: Option<Day>,
    /// Who gets a copy of what clients get.
    pub copies: Vec<MailAddress>,
}

impl Default for MailSettings {
    fn default() -> MailSettings {
        MailSettings {
            sender_name: None,
            reply_to: None,
            language: Language::En,
            receipts: true,
            reminder_days: Vec::new(),
            reminders_from: None,
            copies: Vec::new(),
        }
    }
}

const GET: Sql = Sql::new(
    "select sender_name, reply_to, language, receipts, reminder_days, reminders_from, copies
     from mail_settings
     where tenant_id = $1 and livemode = $2",
);

/// The tenant's settings.
pub fn get(tx: &mut Tx, scope: &Scope) -> Result<MailSettings, Error> {
    match tx.optional_once(&GET, binds![&scope.tenant, scope.mode])? {
        None => Ok(MailSettings::default()),
        Some(row) => read(&row),
    }
}

fn read(row: &Row) -> Result<MailSettings, Error> {
    let days = row.text("reminder_days")?;
    let from = row.text_opt("reminders_from")?;
    Ok(MailSettings {
        sender_name: row.text_opt("sender_name")?,
        reply_to: row.text_opt("reply_to")?.map(MailAddress::stored),
        language: values::word(row, "language", Language::parse)?,
        receipts: values::flag(row, "receipts")?,
        reminder_days: days.split(',').filter_map(|day| day.parse().ok()).collect(),
        reminders_from: from.as_deref().and_then(Day::parse),
        copies: values::addresses(row, "copies")?,
    })
}

const PUT: Sql = Sql::new(
    "insert into mail_settings (tenant_id, livemode, sender_name, reply_to, language, receipts, reminder_days,
       reminders_from, copies, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
     on conflict (tenant_id, livemode) do update set
       sender_name = excluded.sender_name,
       reply_to = excluded.reply_to,
       language = excluded.language,
       receipts = excluded.receipts,
       reminder_days = excluded.reminder_days,
       reminders_from = excluded.reminders_from,
       copies = excluded.copies,
       updated_at = excluded.updated_at",
);

/// Puts other settings in the place of the tenant's.
pub fn put(tx: &mut Tx, scope: &Scope, settings: &MailSettings, at: Timestamp) -> Result<(), Error> {
    let days: Vec<String> = settings.reminder_days.iter().map(i64::to_string).collect();
    let binds = binds![
        &scope.tenant,
        scope.mode,
        settings.sender_name.clone(),
        settings.reply_to.as_ref().map(MailAddress::to_string),
        settings.language.word(),
        i64::from(settings.receipts),
        days.join(","),
        settings.reminders_from.map(|day| day.to_string()),
        values::joined(&settings.copies),
        at
    ];
    tx.execute(&PUT, binds)?;
    Ok(())
}

/// Somebody who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Where.
    pub address: MailAddress,
    /// Their name, if it is given.
    pub name: Option<String>,
    /// In which language.
    pub language: Language,
    /// Of what.
    pub kinds: Vec<MailKind>,
}

const NOTICES: Sql = Sql::new(
    "select address, name, language, kinds
     from mail_notices
     where tenant_id = $1 and livemode = $2
     order by address_key",
);

/// Who is told of what; nobody where nothing was chosen.
pub fn notices(tx: &mut Tx, scope: &Scope) -> Result<Vec<Notice>, Error> {
    let notice = |row: &Row| {
        let kinds = row.text("kinds")?;
        Ok(Notice {
            address: MailAddress::stored(row.text("address")?),
            name: row.text_opt("name")?,
            language: values::word(row, "language", Language::parse)?,
            kinds: kinds.split(' ').filter_map(MailKind::parse).collect(),
        })
    };
    let rows = tx.query_once(&NOTICES, binds![&scope.tenant, scope.mode])?;
    rows.iter().map(notice).collect()
}

const FORGET_NOTICES: Sql = Sql::new("delete from mail_notices where tenant_id = $1 and livemode = $2");

const PUT_NOTICE: Sql = Sql::new(
    "insert into mail_notices (tenant_id, livemode, address_key, address, name, language, kinds, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8)
     on conflict (tenant_id, livemode, address_key) do nothing",
);

/// Says anew who is told of what.
pub fn put_notices(tx: &mut Tx, scope: &Scope, notices: &[Notice], at: Timestamp) -> Result<(), Error> {
    tx.execute(&FORGET_NOTICES, binds![&scope.tenant, scope.mode])?;
    for notice in notices {
        let kinds: Vec<&str> = notice.kinds.iter().map(|kind| kind.word()).collect();
        let binds = binds![
            &scope.tenant,
            scope.mode,
            notice.address.key(),
            notice.address.as_str(),
            notice.name.clone(),
            notice.language.word(),
            kinds.join(" "),
            at
        ];
        tx.execute(&PUT_NOTICE, binds)?;
    }
    Ok(())
}

const WITH_REMINDERS: Sql = Sql::new(
    "select tenant_id, livemode
     from mail_settings
     where reminder_days <> ''
     order by tenant_id, livemode",
);

/// Whose clients are reminded.
pub fn with_reminders(tx: &mut Tx) -> Result<Vec<Scope>, Error> {
    tx.query(&WITH_REMINDERS, &[])?
        .iter()
        .map(values::scope)
        .collect()
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[
    &GET,
    &PUT,
    &NOTICES,
    &FORGET_NOTICES,
    &PUT_NOTICE,
    &WITH_REMINDERS,
];
