//! Sending an invoice: to whom, with which link, and until when its client has promised to pay.

use domain::invoice::InvoiceState;
use domain::mail::{MailKind, Refused};
use domain::pay_link::LinkKind;
use domain::seal::Day;
use domain::{InvoiceId, LinkId, MailAddress, MailId, Refusal, Scope};
use store::invoices::{self, Invoice};
use store::pay_links::{self, PayLink};
use store::{Tx, reminders as rows};

use super::recipients::{self, Receivers};
use super::words::clients::{self as words, OfInvoice, Reader};
use super::{Attachment, NewMail, queue, sending};
use crate::audit::{self, Entry};
use crate::pay_links::for_mail;
use crate::{App, By, Failure, Moment};

/// The longest sentence that a sender may add, in characters.
pub const NOTE_MAX: usize = 1000;
/// The most addresses that one sending may name.
pub const NAMED_MAX: usize = 20;
/// The shared link of an invoice that is sent is good for so many days.
const LINK_DAYS: i64 = crate::pay_links::MAILED_DAYS;
/// One that runs out sooner than this is extended before it is sent.
const LINK_DAYS_LEFT: i64 = 14;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Which of a moment's random numbers a link's id takes: those of invoices and mails are others.
const LINK_RANDOM: u32 = 90;

/// A sentence of the sender's, as it is sent.
///
/// # Errors
/// [`Refusal::InvalidField`] for what is too long or no plain text.
pub fn note(typed: &str) -> Result<String, Refusal> {
    domain::text::shown(typed, NOTE_MAX, true).ok_or_else(|| {
        let problem = format!("must be plain text with 1 to {NOTE_MAX} characters");
        Refusal::invalid("note", problem)
    })
}

/// How an invoice is sent.
#[derive(Clone, Debug, Default)]
pub struct Sending {
    /// To whom, instead of the client's own addresses.
    pub to: Vec<MailAddress>,
    /// A sentence of the sender's.
    pub note: Option<String>,
}

/// Who gets an invoice, and by which links.
#[derive(Clone, Debug)]
pub struct Foreseen {
    /// Who.
    pub to: Receivers,
    /// The link that each has now, in the same order.
    pub links: Vec<Option<PayLink>>,
}

fn foreseen(tx: &mut Tx, scope: &Scope, invoice: &InvoiceId, to: Receivers) -> Result<Foreseen, Failure> {
    let mut links = Vec::with_capacity(to.receivers.len());
    for receiver in &to.receivers {
        let address = &receiver.to.address;
        links.push(pay_links::mailed_to(tx, scope, invoice, address)?);
    }
    Ok(Foreseen { to, links })
}

/// Who would get an invoice.
///
/// # Errors
/// [`Refusal::NotFound`].
pub async fn receivers(app: &App, scope: &Scope, id: &InvoiceId) -> Result<Foreseen, Failure> {
    let (scope, id) = (scope.clone(), id.clone());
    let read = app.db.read(move |tx| {
        let invoice = invoices::get(tx, &scope, &id)?.ok_or(Refusal::NotFound)?;
        let receivers = recipients::of_client(tx, &scope, &invoice.client_id, &[])?;
        foreseen(tx, &scope, &id, receivers)
    });
    read.await
}

/// Sends an invoice to each with a pay link of their own, and answers the mails that were queued and who gets
/// them. Its ids come from `moment`, which a request that is tried again has from its first try: then nothing
/// is sent again.
///
/// # Errors
/// [`Refusal::InvoiceDraft`], [`Refusal::InvoicePaid`], [`Refusal::InvoiceVoid`], [`Refusal::InvalidField`]
/// for the note, [`Refused::NoRecipient`], [`Refusal::NotFound`].
pub async fn send(
    app: &App,
    scope: &Scope,
    by: &By,
    moment: Moment,
    id: &InvoiceId,
    sending: Sending,
) -> Result<(Vec<MailId>, Foreseen), Failure> {
    if sending.to.len() > NAMED_MAX {
        return Err(Refusal::invalid("to", format!("must name at most {NAMED_MAX} addresses")).into());
    }
    let note = sending.note.as_deref().map(note).transpose()?;
    let (scope, by, id) = (scope.clone(), by.clone(), id.clone());
    let sent = app.db.write(move |tx| {
        let invoice = invoices::get(tx, &scope, &id)?.ok_or(Refusal::NotFound)?;
        refuse_what_is_not_owed(&invoice)?;
        let receivers = recipients::of_client(tx, &scope, &invoice.client_id, &sending.to)?;
        if !receivers.reaches_client() {
            return Err(Refusal::from(Refused::NoRecipient).into());
        }
        shared_link(tx, &scope, &by, moment, &id)?;
        let ids = queue_to_all(tx, moment, &scope, &invoice, &receivers, note.as_deref())?;
        let entry = Entry {
            action: "invoice.sent",
            subject: id.as_str(),
            before: None,
            after: Some(serde_json::json!({"recipients": receivers.receivers.len()}).to_string()),
        };
        audit::note(tx, Some(&scope), &by, moment, &entry)?;
        Ok::<_, Failure>((ids, foreseen(tx, &scope, &id, receivers)?))
    });
    sent.await
}

pub(crate) fn refuse_what_is_not_owed(invoice: &Invoice) -> Result<(), Refusal> {
    match invoice.status {
        InvoiceState::Draft => Err(Refusal::InvoiceDraft),
        InvoiceState::Paid => Err(Refusal::InvoicePaid),
        InvoiceState::Void => Err(Refusal::InvoiceVoid),
        InvoiceState::Open | InvoiceState::Processing => Ok(()),
    }
}

fn queue_to_all(
    tx: &mut Tx,
    moment: Moment,
    scope: &Scope,
    invoice: &Invoice,
    receivers: &Receivers,
    note: Option<&str>,
) -> Result<Vec<MailId>, Failure> {
    let (sender, _) = sending::sender(tx, scope)?;
    let told = told(invoice);
    // Each sending is a fact of its own; the same one, carried out again, is not.
    let fact = moment.at.ms().to_string();
    let mut ids = Vec::new();
    for receiver in &receivers.receivers {
        let link = for_mail(tx, moment, scope, &invoice.id, receiver)?;
        let reader = Reader {
            language: receivers.language,
            name: receiver.to.name.as_deref(),
            sender: &sender,
        };
        let mail = NewMail {
            scope,
            kind: MailKind::Invoice,
            about: invoice.id.as_str(),
            fact: &fact,
            invoice: Some(&invoice.id),
            to: &receiver.to,
            letter: &words::invoice(&reader, &told, note).by_link(&link.id),
            attachment: Some(Attachment::Invoice(invoice.id.clone())),
        };
        ids.extend(queue(tx, moment, &mail)?);
    }
    Ok(ids)
}

/// What is written of an invoice.
pub(crate) fn told(invoice: &Invoice) -> OfInvoice<'_> {
    OfInvoice {
        id: &invoice.id,
        number: invoice.number.as_deref().unwrap_or_default(),
        total: invoice.total,
        owed: invoice.owed(),
        due: invoice.due_date.as_deref().and_then(Day::parse),
    }
}

/// Within a transaction: the invoice has a shared link that is good for a while, which its PDF names where it
/// is read by the tenant and not mailed. One that is known to somebody goes on working: it is extended, and
/// replaced only if it has run out. One that the tenant took back stays so.
///
/// # Errors
/// When the database fails.
pub(crate) fn shared_link(
    tx: &mut Tx,
    scope: &Scope,
    by: &By,
    moment: Moment,
    invoice: &InvoiceId,
) -> Result<(), Failure> {
    let expires_at = moment.at.plus_ms(LINK_DAYS.saturating_mul(DAY_MS));
    let known = pay_links::shared(tx, scope, invoice)?;
    let long_enough = moment.at.plus_ms(LINK_DAYS_LEFT.saturating_mul(DAY_MS));
    let before = known.as_ref().map(|link| link.expires_at.ms());
    match known {
        Some(link) if link.expires_at >= long_enough => return Ok(()),
        Some(link) if link.expires_at > moment.at => pay_links::extend(tx, &link, expires_at, moment.at)?,
        None if pay_links::shared_revoked(tx, scope, invoice)? => return Ok(()),
        Some(_) | None => {
            let id = LinkId::new(moment.at, moment.random(LINK_RANDOM));
            let times = [moment.at, expires_at];
            pay_links::rotate(tx, &PayLink::new(scope, id, invoice, LinkKind::Shared, times))?;
        }
    }
    let json = |expires_at: i64| serde_json::json!({"expires_at": expires_at}).to_string();
    let entry = Entry {
        action: "pay_link.prolonged",
        subject: invoice.as_str(),
        before: before.map(json),
        after: Some(json(expires_at.ms())),
    };
    Ok(audit::note(tx, Some(scope), by, moment, &entry)?)
}

/// Notes the day on which a client has promised to pay, or that none has: until it is over, nobody is
/// reminded.
///
/// # Errors
/// [`Refusal::InvalidField`] for a day that is over; those of an invoice that is not owed;
/// [`Refusal::NotFound`].
pub async fn promise(
    app: &App,
    scope: &Scope,
    by: &By,
    id: &InvoiceId,
    day: Option<Day>,
) -> Result<(), Failure> {
    let moment = app.moment();
    if day.is_some_and(|day| day < Day::of(moment.at)) {
        return Err(Refusal::invalid("date", "must be today or later").into());
    }
    let (scope, by, id) = (scope.clone(), by.clone(), id.clone());
    let noted = app.db.write(move |tx| {
        let invoice = invoices::get(tx, &scope, &id)?.ok_or(Refusal::NotFound)?;
        refuse_what_is_not_owed(&invoice)?;
        let before = rows::promised(tx, &scope, &id)?;
        match day {
            Some(day) => rows::promise(tx, &scope, &id, day, moment.at)?,
            None => rows::withdraw(tx, &scope, &id)?,
        }
        let json = |day: Day| serde_json::json!({"date": day.to_string()}).to_string();
        let entry = Entry {
            action: "invoice.promised",
            subject: id.as_str(),
            before: before.map(json),
            after: day.map(json),
        };
        Ok::<_, Failure>(audit::note(tx, Some(&scope), &by, moment, &entry)?)
    });
    noted.await
}
