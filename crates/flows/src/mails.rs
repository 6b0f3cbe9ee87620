//! Mails: queued in the transaction that makes the fact that they tell of, so that there is no fact without
//! its mail and no mail without its fact. Sending them is the worker's, outside any transaction.

pub mod invoice;
mod letter;
pub mod recipients;
pub mod sending;
pub mod words;

use domain::mail::{MailKind, MailState};
use domain::{InvoiceId, MailAddress, MailId, Mode, Scope, Timestamp};
use sha2::{Digest, Sha256};
use store::mails::{self as rows, Mail};
use store::{Tx, instance};

pub use letter::{Button, Letter, To};

use crate::Moment;

/// Somebody to write to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Where.
    pub address: MailAddress,
    /// Their name, if it is known.
    pub name: Option<String>,
}

/// What goes with a mail; it is made when the mail is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attachment {
    /// The invoice as PDF.
    Invoice(InvoiceId),
    /// The receipt of a payment as PDF, by the payment's id.
    Receipt(String),
}

impl Attachment {
    fn written(&self) -> (String, String) {
        match self {
            Attachment::Invoice(id) => ("invoice".to_owned(), id.as_str().to_owned()),
            Attachment::Receipt(id) => ("receipt".to_owned(), id.clone()),
        }
    }

    /// Reads what was stored; `None` for a kind that this version does not know.
    pub fn read(kind: &str, id: &str) -> Option<Attachment> {
        match kind {
            "invoice" => Some(Attachment::Invoice(InvoiceId::stored(id.to_owned()))),
            "receipt" => Some(Attachment::Receipt(id.to_owned())),
            _ => None,
        }
    }
}

/// A mail to be queued.
#[derive(Clone, Debug)]
pub struct NewMail<'a> {
    /// Whose it is; [`of_a_login`] for those about a login.
    pub scope: &'a Scope,
    /// What it tells of.
    pub kind: MailKind,
    /// The id of that: an invoice, a payment, a user.
    pub about: &'a str,
    /// What tells this fact from another of the same kind about the same thing, such as the id of one reset
    /// of many; empty where there is but one.
    pub fact: &'a str,
    /// The invoice with which it is shown, if any.
    pub invoice: Option<&'a InvoiceId>,
    /// To whom.
    pub to: &'a Recipient,
    /// What it says.
    pub letter: &'a Letter,
    /// What goes with it.
    pub attachment: Option<Attachment>,
}

/// Whose mails about logins are. People belong to no mode: their mails are the platform's, and kept as live
/// ones, so that none of them says that it is a test.
pub fn of_a_login() -> Scope {
    Scope {
        tenant: domain::TenantId::platform(),
        mode: Mode::Live,
    }
}

/// Queues a mail within the transaction that makes its fact. `None` when the same fact was mailed to the same
/// recipient before, however often it is observed.
///
/// # Errors
/// When the database fails.
pub fn queue(tx: &mut Tx, moment: Moment, mail: &NewMail) -> Result<Option<MailId>, store::Error> {
    insert(tx, moment, mail, None)
}

/// As [`queue`], for what is observed or follows from a date: while live mode is locked because the database
/// is a copy, what did not happen after that was perhaps mailed by what it is a copy of. It is kept as
/// cancelled, so that it is seen and can be sent by a person, and is not mailed twice. `since` is a moment
/// before which it did not happen, where one is known.
///
/// # Errors
/// When the database fails.
pub fn queue_once(
    tx: &mut Tx,
    moment: Moment,
    mail: &NewMail,
    since: Option<Timestamp>,
) -> Result<Option<MailId>, store::Error> {
    let locked = match mail.scope.mode {
        Mode::Live => instance::get(tx)?.and_then(|instance| instance.locked),
        Mode::Test => None,
    };
    let perhaps = locked.is_some_and(|locked| since.is_none_or(|since| since <= locked.at));
    insert(tx, moment, mail, perhaps.then_some(PERHAPS_MAILED))
}

/// Why a mail of a copy is not sent.
pub(crate) const PERHAPS_MAILED: &str = "the database was restored: this may have been sent before";

fn insert(
    tx: &mut Tx,
    moment: Moment,
    mail: &NewMail,
    cancelled: Option<&str>,
) -> Result<Option<MailId>, store::Error> {
    let dedup_key = key(mail.kind, mail.about, mail.fact, &mail.to.address);
    let row = Mail {
        scope: mail.scope.clone(),
        id: MailId::new(moment.at, moment.random(0) ^ spread(mail.scope, &dedup_key)),
        kind: mail.kind,
        about: mail.about.to_owned(),
        invoice_id: mail.invoice.cloned(),
        dedup_key,
        recipient: mail.to.address.clone(),
        recipient_name: mail.to.name.clone(),
        language: mail.letter.language,
        subject: subject(mail),
        letter: mail.letter.written(),
        attachment: mail.attachment.as_ref().map(Attachment::written),
        message_id: None,
        status: match cancelled {
            None => MailState::Queued,
            Some(_) => MailState::Cancelled,
        },
        attempts: 0,
        doubts: 0,
        version: 1,
        next_attempt_at: cancelled.is_none().then_some(moment.at),
        last_error: cancelled.map(str::to_owned),
        smtp_answer: None,
        created_at: moment.at,
        queued_at: moment.at,
        sent_at: None,
    };
    Ok(rows::insert(tx, &row)?.then_some(row.id))
}

/// The longest subject, in characters; longer ones are cut by those who show them.
const SUBJECT_MAX: usize = 150;

/// The subject as one line, which says of a test that it is one.
fn subject(mail: &NewMail) -> String {
    let test = mail.scope.mode == Mode::Test && !mail.kind.is_about_a_login();
    let mark = if test { "[TEST] " } else { "" };
    let line = mail.letter.subject.chars();
    let line = line.map(|c| if c.is_control() { ' ' } else { c });
    mark.chars().chain(line).take(SUBJECT_MAX).collect()
}

/// `kind:about:fact:recipient`.
fn key(kind: MailKind, about: &str, fact: &str, to: &MailAddress) -> String {
    format!("{}:{about}:{fact}:{}", kind.word(), to.key())
}

/// Whether a fact was mailed to an address, so that [`queue`] would do nothing.
///
/// # Errors
/// When the database fails.
pub fn is_queued(
    tx: &mut Tx,
    scope: &Scope,
    kind: MailKind,
    [about, fact]: [&str; 2],
    to: &MailAddress,
) -> Result<bool, store::Error> {
    Ok(rows::by_key(tx, scope, &key(kind, about, fact, to))?.is_some())
}

/// Tells apart what one transaction queues, and is the same when it is run again.
pub(crate) fn spread(scope: &Scope, key: &str) -> u128 {
    let digest = Sha256::new()
        .chain_update(scope.tenant.as_str())
        .chain_update([0, u8::from(scope.mode.is_live())])
        .chain_update(key)
        .finalize();
    digest
        .iter()
        .take(10)
        .fold(0, |bits, byte| (bits << 8) | u128::from(*byte))
}
