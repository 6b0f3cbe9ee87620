//! Mails that go out: each with what it says, where it stands, and what the mail server said of it.

use domain::mail::{MailKind, MailState};
use domain::{InvoiceId, Language, MailAddress, MailId, Scope, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// A mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Whose it is. The platform's own, about logins, are kept as its live mails.
    pub scope: Scope,
    /// Its id.
    pub id: MailId,
    /// What it tells of.
    pub kind: MailKind,
    /// The id of that.
    pub about: String,
    /// The invoice that it belongs to.
    pub invoice_id: Option<InvoiceId>,
    /// Kind, fact and recipient: no two mails share it.
    pub dedup_key: String,
    /// To whom.
    pub recipient: MailAddress,
    /// Their name, if it is known.
    pub recipient_name: Option<String>,
    /// The language it is written in.
    pub language: Language,
    /// Its subject.
    pub subject: String,
    /// What it says: JSON.
    pub letter: String,
    /// What goes with it, rendered when it is sent: its kind and whose it is.
    pub attachment: Option<(String, String)>,
    /// From the first try on, and the same for every other, so that a double can be told.
    pub message_id: Option<String>,
    /// Where it stands.
    pub status: MailState,
    /// How often it was tried.
    pub attempts: i64,
    /// How often nobody could say whether it went out, so that it was sent again.
    pub doubts: i64,
    /// Raised by every change.
    pub version: i64,
    /// When it is tried next, or found again.
    pub next_attempt_at: Option<Timestamp>,
    /// Why the last try failed.
    pub last_error: Option<String>,
    /// What the mail server answered when it took it.
    pub smtp_answer: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was queued last.
    pub queued_at: Timestamp,
    /// When the mail server took it.
    pub sent_at: Option<Timestamp>,
}

macro_rules! select_mails {
    ($rest:literal $(,)?) => {
        Sql::new(concat!(
            "select tenant_id, livemode, id, kind, about, invoice_id, dedup_key, recipient, recipient_name,
               language, subject, letter, attachment_kind, attachment_id, message_id, status, attempts,
               doubts, version, next_attempt_at, last_error, smtp_answer, created_at, queued_at, sent_at
             from mails
             ",
            $rest
        ))
    };
}

const INSERT: Sql = Sql::new(
    "insert into mails (tenant_id, livemode, id, kind, about, invoice_id, dedup_key, recipient,
       recipient_key, recipient_name, language, subject, letter, attachment_kind, attachment_id, status,
       attempts, doubts, version, next_attempt_at, last_error, created_at, queued_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 0, 0, 1, $17, $18, $19,
       $19, $19)
     on conflict (tenant_id, livemode, dedup_key) do nothing",
);

/// Keeps a new mail, queued or not to be sent; `false` when the same fact was mailed to the same recipient
/// before.
pub fn insert(tx: &mut Tx, mail: &Mail) -> Result<bool, Error> {
    let (attachment_kind, attachment_id) = mail.attachment.clone().unzip();
    let binds = binds![
        &mail.scope.tenant,
        mail.scope.mode,
        &mail.id,
        mail.kind.word(),
        &mail.about,
        mail.invoice_id.as_ref().map(|id| id.as_str().to_owned()),
        &mail.dedup_key,
        mail.recipient.as_str(),
        mail.recipient.key(),
        mail.recipient_name.clone(),
        mail.language.word(),
        &mail.subject,
        &mail.letter,
        attachment_kind,
        attachment_id,
        mail.status.word(),
        mail.next_attempt_at.map(Timestamp::ms),
        mail.last_error.clone(),
        mail.created_at
    ];
    Ok(tx.execute(&INSERT, binds)? == 1)
}

const STORE: Sql = Sql::new(
    "update mails set
       status = $4, attempts = $5, doubts = $6, next_attempt_at = $7, last_error = $8, smtp_answer = $9,
       queued_at = $10, sent_at = $11, letter = $12, message_id = $13, updated_at = $14,
       version = version + 1
     where tenant_id = $1 and livemode = $2 and id = $3 and version = $15",
);

/// Stores a mail over the version that was read; `false` when it was changed in between.
pub fn store(tx: &mut Tx, mail: &Mail, at: Timestamp) -> Result<bool, Error> {
    let binds = binds![
        &mail.scope.tenant,
        mail.scope.mode,
        &mail.id,
        mail.status.word(),
        mail.attempts,
        mail.doubts,
        mail.next_attempt_at.map(Timestamp::ms),
        mail.last_error.clone(),
        mail.smtp_answer.clone(),
        mail.queued_at,
        mail.sent_at.map(Timestamp::ms),
        &mail.letter,
        mail.message_id.clone(),
        at,
        mail.version
    ];
    Ok(tx.execute(&STORE, binds)? == 1)
}

const DUE: Sql = select_mails!(
    "where next_attempt_at <= $1
     order by next_attempt_at, id
     limit $2",
);

/// Mails of all tenants that are to be handed over now, those that wait longest first.
pub fn due(tx: &mut Tx, at: Timestamp, limit: i64) -> Result<Vec<Mail>, Error> {
    tx.query(&DUE, binds![at, limit])?.iter().map(read).collect()
}

const RELEASE: Sql = Sql::new(
    "update mails set next_attempt_at = $1
     where status = 'sending' and next_attempt_at > $1",
);

/// Has every mail found that somebody was handing over: they are gone.
pub fn release(tx: &mut Tx, at: Timestamp) -> Result<(), Error> {
    tx.execute(&RELEASE, binds![at])?;
    Ok(())
}

const BY_ID: Sql = select_mails!("where tenant_id = $1 and livemode = $2 and id = $3");

/// One mail of the scope.
pub fn get(tx: &mut Tx, scope: &Scope, id: &MailId) -> Result<Option<Mail>, Error> {
    let row = tx.optional(&BY_ID, binds![&scope.tenant, scope.mode, id])?;
    row.map(|row| read(&row)).transpose()
}

const FIND: Sql = select_mails!("where id = $1");

/// A mail of any tenant, for the operator.
pub fn find(tx: &mut Tx, id: &MailId) -> Result<Option<Mail>, Error> {
    let row = tx.optional(&FIND, binds![id])?;
    row.map(|row| read(&row)).transpose()
}

const BY_KEY: Sql = select_mails!("where tenant_id = $1 and livemode = $2 and dedup_key = $3");

/// The mail that told this fact to this recipient.
pub fn by_key(tx: &mut Tx, scope: &Scope, key: &str) -> Result<Option<Mail>, Error> {
    let row = tx.optional(&BY_KEY, binds![&scope.tenant, scope.mode, key])?;
    row.map(|row| read(&row)).transpose()
}

const PAGE: Sql = select_mails!(
    "where tenant_id = $1 and livemode = $2 and id < $3 and ($4 = '' or status = $4)
       and ($5 = '' or kind = $5)
     order by id desc
     limit $6",
);

/// Mails, newest first, after the given id (exclusive); where `status` or `kind` is not empty only those.
pub fn page(
    tx: &mut Tx,
    scope: &Scope,
    after: Option<&MailId>,
    [status, kind]: [&str; 2],
    limit: i64,
) -> Result<Vec<Mail>, Error> {
    let after = after.map_or("mal_~", MailId::as_str);
    let binds = binds![&scope.tenant, scope.mode, after, status, kind, limit];
    tx.query(&PAGE, binds)?.iter().map(read).collect()
}

const PAGE_OF_ALL: Sql = select_mails!(
    "where id < $1 and ($2 = '' or status = $2) and ($3 = '' or kind = $3)
     order by id desc
     limit $4",
);

/// As [`page`], of every tenant and of the platform itself.
pub fn page_of_all(
    tx: &mut Tx,
    after: Option<&MailId>,
    [status, kind]: [&str; 2],
    limit: i64,
) -> Result<Vec<Mail>, Error> {
    let after = after.map_or("mal_~", MailId::as_str);
    let rows = tx.query(&PAGE_OF_ALL, binds![after, status, kind, limit])?;
    rows.iter().map(read).collect()
}

const OF_INVOICE: Sql = select_mails!(
    "where tenant_id = $1 and livemode = $2 and invoice_id = $3
     order by id desc
     limit 200",
);

/// The mails of an invoice, newest first.
pub fn of_invoice(tx: &mut Tx, scope: &Scope, invoice: &InvoiceId) -> Result<Vec<Mail>, Error> {
    tx.query(&OF_INVOICE, binds![&scope.tenant, scope.mode, invoice])?
        .iter()
        .map(read)
        .collect()
}

const UNDELIVERED: Sql = select_mails!(
    "where tenant_id = $1 and livemode = $2 and status in ('refused', 'failed', 'bounced')
     order by id desc
     limit $3",
);

/// Mails that did not reach their readers, newest first.
pub fn undelivered(tx: &mut Tx, scope: &Scope, limit: i64) -> Result<Vec<Mail>, Error> {
    tx.query(&UNDELIVERED, binds![&scope.tenant, scope.mode, limit])?
        .iter()
        .map(read)
        .collect()
}

const LAST_TO: Sql = select_mails!(
    "where tenant_id = $1 and livemode = $2 and recipient_key = $3
       and status in ('sent', 'refused', 'failed', 'bounced')
     order by id desc
     limit 1",
);

/// The newest mail to an address of which it is known what became of it.
pub fn last_to(tx: &mut Tx, scope: &Scope, address: &MailAddress) -> Result<Option<Mail>, Error> {
    let row = tx.optional(&LAST_TO, binds![&scope.tenant, scope.mode, address.key()])?;
    row.map(|row| read(&row)).transpose()
}

const WAITING: Sql = Sql::new(
    "select status, count(*) as mails, min(queued_at) as oldest_at
     from mails
     where next_attempt_at is not null
     group by status",
);

/// How many mails of all tenants wait to be sent, and since when the oldest does.
pub fn waiting(tx: &mut Tx) -> Result<(i64, Option<Timestamp>), Error> {
    let (mut mails, mut oldest) = (0, None);
    for row in tx.query(&WAITING, &[])? {
        mails += row.int("mails")?;
        let at = values::time(&row, "oldest_at")?;
        oldest = Some(oldest.map_or(at, |known: Timestamp| known.min(at)));
    }
    Ok((mails, oldest))
}

fn read(row: &Row) -> Result<Mail, Error> {
    let attachment_id = row.text_opt("attachment_id")?;
    Ok(Mail {
        scope: values::scope(row)?,
        id: MailId::stored(row.text("id")?),
        kind: values::word(row, "kind", MailKind::parse)?,
        about: row.text("about")?,
        invoice_id: row.text_opt("invoice_id")?.map(InvoiceId::stored),
        dedup_key: row.text("dedup_key")?,
        recipient: MailAddress::stored(row.text("recipient")?),
        recipient_name: row.text_opt("recipient_name")?,
        language: values::word(row, "language", Language::parse)?,
        subject: row.text("subject")?,
        letter: row.text("letter")?,
        attachment: row.text_opt("attachment_kind")?.zip(attachment_id),
        message_id: row.text_opt("message_id")?,
        status: values::word(row, "status", MailState::parse)?,
        attempts: row.int("attempts")?,
        doubts: row.int("doubts")?,
        version: row.int("version")?,
        next_attempt_at: values::time_opt(row, "next_attempt_at")?,
        last_error: row.text_opt("last_error")?,
        smtp_answer: row.text_opt("smtp_answer")?,
        created_at: values::time(row, "created_at")?,
        queued_at: values::time(row, "queued_at")?,
        sent_at: values::time_opt(row, "sent_at")?,
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[
    &INSERT,
    &STORE,
    &DUE,
    &RELEASE,
    &BY_ID,
    &FIND,
    &BY_KEY,
    &PAGE,
    &PAGE_OF_ALL,
    &OF_INVOICE,
    &UNDELIVERED,
    &LAST_TO,
    &WAITING,
];
