//! Handing mails over: taken under a lease, given to the mail server outside any transaction, and settled by
//! what it said. Between its answer and ours a crash leaves open whether a mail went out: then it is sent
//! again under the same Message-ID, and counted.

use domain::mail::{self, KEPT_TRYING_MS, LEASE_MS, MailKind, MailState, Next, Outcome, Refused};
use domain::{MailAddress, MailId, OfflinePaymentId, PaymentId, Refusal, Scope, Timestamp};
use store::mails::{self as rows, Mail};
use store::pay_links::PayLink;
use store::users::User;
use store::{Tx, invoices, mail_settings, offline_payments, pay_links, payments, users};

use super::{Letter, To};
use crate::audit::{self, Entry};
use crate::{App, By, Failure, Keys, Moment, business, reminders};

/// Mails that are given up in one transaction.
const GIVEN_UP_AT_ONCE: i64 = 100;
/// Why a mail failed that nobody has tried to send.
const NOT_TAKEN: &str = "no mail server was there to take it within three days";
/// The longest answer or error that is kept, in characters.
const SAID_MAX: usize = 500;

/// A mail that is to be handed over now.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The row, as it was when it was taken.
    pub mail: Mail,
    /// What it says.
    pub letter: Letter,
    /// The name that it comes from; the platform's own mails have none.
    pub sender: Option<String>,
    /// Where answers go.
    pub reply_to: Option<String>,
    /// Where its button leads: a path of ours. None where there is no such page any more.
    pub path: Option<String>,
    /// Whether its reader is one of the tenant's people, or of the platform's.
    pub has_login: bool,
}

/// Takes mails that are due, at most so many, and leases them: whoever finds one later sends it again. `host`
/// is what Message-IDs end with. What nobody needs any more is cancelled instead.
///
/// # Errors
/// When the database does not answer.
pub async fn take(app: &App, host: &str, limit: i64) -> Result<Vec<Taken>, Failure> {
    let now = app.clock.now();
    let due = app.db.read(move |tx| rows::due(tx, now, 1)).await?;
    if due.is_empty() {
        return Ok(Vec::new());
    }
    let (moment, host, keys) = (app.moment(), host.to_owned(), app.keys());
    let taken = app.db.write(move |tx| {
        let mut taken = Vec::new();
        for mut mail in rows::due(tx, moment.at, limit)? {
            if waits_for_the_lock(tx, &mail)? {
                mail.next_attempt_at = Some(moment.at.plus_ms(LEASE_MS));
                must_store(tx, &mail, moment)?;
                continue;
            }
            if is_moot(tx, moment, &mail)? {
                over(&mut mail, MailState::Cancelled)?;
                must_store(tx, &mail, moment)?;
                continue;
            }
            if mail.attempts == 0 && is_stale(&mail, moment) {
                mail.last_error = Some(NOT_TAKEN.to_owned());
                over(&mut mail, MailState::Failed)?;
                must_store(tx, &mail, moment)?;
                continue;
            }
            if mail.status == MailState::Sending {
                mail.doubts = mail.doubts.saturating_add(1);
            }
            mail.status = MailState::Sending;
            mail.attempts = mail.attempts.saturating_add(1);
            mail.next_attempt_at = Some(moment.at.plus_ms(LEASE_MS));
            let id = &mail.id;
            mail.message_id.get_or_insert_with(|| format!("<{id}@{host}>"));
            must_store(tx, &mail, moment)?;
            mail.version += 1;
            taken.push(dressed(tx, mail, &keys, moment.at)?);
        }
        Ok::<_, Failure>(taken)
    });
    taken.await
}

/// Where there is no mail server, gives up what has waited for too long, so that it is seen, and so that
/// nobody gets a month's mails at once when there is one. Answers how many.
///
/// # Errors
/// When the database does not answer.
pub async fn give_up(app: &App) -> Result<usize, Failure> {
    let long_ago = app.clock.now().plus_ms(-KEPT_TRYING_MS);
    let due = app.db.read(move |tx| rows::due(tx, long_ago, 1)).await?;
    if due.is_empty() {
        return Ok(0);
    }
    let moment = app.moment();
    let given_up = app.db.write(move |tx| {
        let mut count = 0;
        for mut mail in rows::due(tx, long_ago, GIVEN_UP_AT_ONCE)? {
            mail.last_error = Some(NOT_TAKEN.to_owned());
            over(&mut mail, MailState::Failed)?;
            must_store(tx, &mail, moment)?;
            count += 1;
        }
        Ok::<_, Failure>(count)
    });
    given_up.await
}

/// Puts beside a mail what is known only now: in whose name it comes, and where its button leads.
fn dressed(tx: &mut Tx, mail: Mail, keys: &Keys, now: Timestamp) -> Result<Taken, Failure> {
    let letter = Letter::read(&mail.subject, mail.language, &mail.letter)?;
    let (sender, reply_to) = if mail.scope.tenant == domain::TenantId::platform() {
        (None, None)
    } else {
        let (sender, reply_to) = sender(tx, &mail.scope)?;
        (Some(sender), reply_to)
    };
    let path = match letter.button.as_ref().map(|button| &button.to) {
        Some(To::PayPage(invoice)) => {
            let own = pay_links::mailed_to(tx, &mail.scope, invoice, &mail.recipient)?;
            let link = match own.filter(|own| own.revoked_at.is_none()) {
                Some(own) => Some(own),
                None => pay_links::shared(tx, &mail.scope, invoice)?,
            };
            path_of(keys.newest(), link)?
        }
        Some(To::PayLink(link)) => path_of(keys.newest(), pay_links::get(tx, link)?)?,
        Some(To::Path(path)) => Some(path.clone()),
        Some(To::Secret(kept)) => Some(crate::people::opened_by(tx, keys, kept, now)?),
        Some(To::Forgotten) | None => None,
    };
    let has_login = users::in_tenant(tx, &mail.scope.tenant, &mail.recipient.key())?.is_some();
    Ok(Taken {
        mail,
        letter,
        sender,
        reply_to,
        path,
        has_login,
    })
}

/// The page of a link that was not taken back.
fn path_of(key: &stripe::Secret, link: Option<PayLink>) -> Result<Option<String>, Failure> {
    let link = link.filter(|link| link.revoked_at.is_none());
    let token = link.map(|link| crate::pay_links::token(key, &link)).transpose()?;
    Ok(token.map(|token| format!("/pay/{token}")))
}

/// In whose name a tenant's mails come, and where answers go.
pub(crate) fn sender(tx: &mut Tx, scope: &Scope) -> Result<(String, Option<String>), Failure> {
    let settings = mail_settings::get(tx, scope)?;
    let seller = business::seller(tx, scope)?;
    let reply_to = settings.reply_to.map(|address| address.to_string());
    // A support address may be older than the rules for addresses.
    let support = || {
        let address = domain::MailAddress::read(seller.support_email.as_deref()?)?;
        Some(address.to_string())
    };
    Ok((
        settings.sender_name.unwrap_or(seller.name),
        reply_to.or_else(support),
    ))
}

/// Whether the database is a copy, by which nobody is told of live money twice. People still log in, and
/// operators are told that it is locked.
fn waits_for_the_lock(tx: &mut Tx, mail: &Mail) -> Result<bool, Failure> {
    let is_sent = mail.kind.is_about_a_login() || mail.kind.is_alarm();
    Ok(!is_sent && store::instance::is_locked(tx, mail.scope.mode)?)
}

/// Whether it has waited for longer than mails are tried.
fn is_stale(mail: &Mail, moment: Moment) -> bool {
    moment.at > mail.queued_at.plus_ms(KEPT_TRYING_MS)
}

/// Whether nobody needs it any more: a reminder of what is paid, promised or disputed by now, an invoice that
/// was voided, what leads to it by a link that was taken back, a receipt of money that went back, or an alert
/// to somebody who is told of it no longer.
fn is_moot(tx: &mut Tx, moment: Moment, mail: &Mail) -> Result<bool, Failure> {
    if mail.kind.is_alert() {
        let told = crate::mail_settings::told(tx, &mail.scope)?;
        let still = |notice: &mail_settings::Notice| {
            notice.address.key() == mail.recipient.key() && notice.kinds.contains(&mail.kind)
        };
        return Ok(!told.iter().any(still));
    }
    if mail.kind.is_alarm() {
        let told = crate::alarms::readers(tx)?;
        let still = |reader: &User| {
            MailAddress::stored(reader.email.clone()).key() == mail.recipient.key()
                && reader.told_of().contains(&mail.kind)
        };
        return Ok(!told.iter().any(still));
    }
    let Some(id) = &mail.invoice_id else {
        return Ok(false);
    };
    if mail.kind.is_for_its_link() && is_taken_back(tx, mail)? {
        return Ok(true);
    }
    match mail.kind {
        MailKind::Reminder => Ok(!reminders::is_wanted(tx, &mail.scope, id, moment.at)?),
        MailKind::Invoice | MailKind::NewLink | MailKind::Forwarded => {
            let invoice = invoices::get(tx, &mail.scope, id)?;
            let void = domain::invoice::InvoiceState::Void;
            Ok(invoice.is_none_or(|invoice| invoice.status == void))
        }
        MailKind::Receipt => went_back(tx, mail),
        MailKind::Refund
        | MailKind::RefundFailed
        | MailKind::PaymentFailed
        | MailKind::Invitation
        | MailKind::Reset
        | MailKind::LoginChanged
        | MailKind::StaffPaid
        | MailKind::StaffPaymentFailed
        | MailKind::StaffRefundFailed
        | MailKind::StaffDispute
        | MailKind::StaffRequirements
        | MailKind::StaffPayoutFailed
        | MailKind::OperatorEvents
        | MailKind::OperatorBreaks
        | MailKind::OperatorEndpoints
        | MailKind::OperatorSilence
        | MailKind::OperatorClock
        | MailKind::OperatorPayouts
        | MailKind::OperatorBackup
        | MailKind::OperatorDisk
        | MailKind::OperatorLocked => Ok(false),
    }
}

/// Whether nothing is left of the money that a receipt is about: a cheque that bounced, a payment that was
/// given back or that the payer's bank has taken back. Of a part that went back the receipt's paper tells.
fn went_back(tx: &mut Tx, mail: &Mail) -> Result<bool, Failure> {
    if let Ok(id) = OfflinePaymentId::parse(&mail.about) {
        let payment = offline_payments::get(tx, &mail.scope, &id)?;
        return Ok(payment.is_none_or(|payment| payment.reversed_at.is_some()));
    }
    let Ok(id) = PaymentId::parse(&mail.about) else {
        return Ok(false);
    };
    let payment = payments::get(tx, &mail.scope, &id)?;
    Ok(payment.is_some_and(|payment| {
        let back = payment.refunded.saturating_add(payment.disputed);
        payment.received > 0 && back >= payment.received
    }))
}

/// Whether the link to which a mail leads was taken back.
fn is_taken_back(tx: &mut Tx, mail: &Mail) -> Result<bool, Failure> {
    let letter = Letter::read(&mail.subject, mail.language, &mail.letter)?;
    let Some(To::PayLink(link)) = letter.button.map(|button| button.to) else {
        return Ok(false);
    };
    let link = pay_links::get(tx, &link)?;
    Ok(link.is_none_or(|link| link.revoked_at.is_some()))
}

/// Commits what became of handing a mail over. Nothing happens to a mail that somebody else has taken since:
/// theirs is the newer word.
///
/// # Errors
/// When the database does not answer: then it is found again when the lease is over.
pub async fn settle(app: &App, taken: &Mail, outcome: &Outcome) -> Result<MailState, Failure> {
    let (moment, scope, id) = (app.moment(), taken.scope.clone(), taken.id.clone());
    let (version, outcome) = (taken.version, outcome.clone());
    let settled = app.db.write(move |tx| {
        let mut mail = rows::get(tx, &scope, &id)?.ok_or(Refusal::NotFound)?;
        if mail.version != version || mail.status != MailState::Sending {
            return Ok::<_, Failure>(mail.status);
        }
        let (at, random) = (moment.at, moment.random(0));
        match mail::after(&outcome, mail.queued_at, mail.attempts, at, random) {
            Next::Over(state) => over(&mut mail, state)?,
            Next::Again(next) => {
                mail.status = MailState::Queued;
                mail.next_attempt_at = Some(next);
            }
        }
        match &outcome {
            Outcome::Taken(answer) => {
                mail.smtp_answer = Some(short(answer));
                mail.sent_at = Some(at);
                mail.last_error = None;
            }
            Outcome::Refused(why) | Outcome::Later(why) => mail.last_error = Some(short(why)),
        }
        must_store(tx, &mail, moment)?;
        Ok(mail.status)
    });
    settled.await
}

/// It is over: what only its reader may know is forgotten.
fn over(mail: &mut Mail, state: MailState) -> Result<(), Failure> {
    mail.status = state;
    mail.next_attempt_at = None;
    let letter = Letter::read(&mail.subject, mail.language, &mail.letter)?;
    if letter.is_secret() {
        mail.letter = letter.without_secrets().written();
    }
    Ok(())
}

fn must_store(tx: &mut Tx, mail: &Mail, moment: Moment) -> Result<(), Failure> {
    if rows::store(tx, mail, moment.at)? {
        Ok(())
    } else {
        Err(store::Error::Conflict.into())
    }
}

/// One line, not too long.
fn short(said: &str) -> String {
    let line = said.chars().map(|c| if c.is_control() { ' ' } else { c });
    line.take(SAID_MAX).collect()
}

/// Sends a mail again that did not arrive.
///
/// # Errors
/// [`Refused`] in the states that do not allow it; [`Refusal::NotFound`].
pub async fn retry(app: &App, scope: &Scope, by: &By, id: &MailId) -> Result<Mail, Failure> {
    let (moment, scope, by, id) = (app.moment(), scope.clone(), by.clone(), id.clone());
    let again = app.db.write(move |tx| {
        let mut mail = rows::get(tx, &scope, &id)?.ok_or(Refusal::NotFound)?;
        let before = noted(&mail);
        let state = mail.status.retry().map_err(Refusal::from)?;
        if Letter::read(&mail.subject, mail.language, &mail.letter)?.is_forgotten() {
            return Err(Refusal::from(Refused::Forgotten).into());
        }
        mail.status = state;
        mail.next_attempt_at = Some(moment.at);
        mail.queued_at = moment.at;
        mail.attempts = 0;
        must_store(tx, &mail, moment)?;
        mail.version += 1;
        let entry = Entry {
            action: "mail.retried",
            subject: mail.id.as_str(),
            before: Some(before),
            after: Some(noted(&mail)),
        };
        audit::note(tx, named(&scope), &by, moment, &entry)?;
        Ok::<_, Failure>(mail)
    });
    again.await
}

/// The operator's mail provider says that a mail has come back, and why. Told twice is told once.
///
/// # Errors
/// [`Refused::NotSent`] for a mail that never went out; [`Refusal::NotFound`].
pub async fn bounced(app: &App, by: &By, id: &MailId, why: &str) -> Result<Mail, Failure> {
    let (moment, by, id, why) = (app.moment(), by.clone(), id.clone(), short(why));
    let told = app.db.write(move |tx| {
        let mut mail = rows::find(tx, &id)?.ok_or(Refusal::NotFound)?;
        let before = noted(&mail);
        let state = mail.status.bounce().map_err(Refusal::from)?;
        if state == mail.status {
            return Ok::<_, Failure>(mail);
        }
        mail.status = state;
        mail.last_error = Some(why.clone());
        must_store(tx, &mail, moment)?;
        mail.version += 1;
        let entry = Entry {
            action: "mail.bounced",
            subject: mail.id.as_str(),
            before: Some(before),
            after: Some(noted(&mail)),
        };
        audit::note(tx, named(&mail.scope), &by, moment, &entry)?;
        Ok(mail)
    });
    told.await
}

/// The scope of an entry in the audit log: the platform's own mails are a matter of the platform.
fn named(scope: &Scope) -> Option<&Scope> {
    (scope.tenant != domain::TenantId::platform()).then_some(scope)
}

/// What the audit log keeps of a mail: no address and nothing that it says.
fn noted(mail: &Mail) -> String {
    let json = serde_json::json!({
        "kind": mail.kind.word(),
        "status": mail.status.word(),
        "attempts": mail.attempts,
    });
    json.to_string()
}
