//! Reminders of invoices: a plan per tenant, each step once for each recipient, none for what is paid,
//! promised or disputed.

use domain::invoice::InvoiceState;
use domain::mail::MailKind;
use domain::reminder::{self, Standing};
use domain::seal::Day;
use domain::{InvoiceId, Scope, Timestamp};
use store::invoices::{self, Invoice};
use store::mail_settings::{self, MailSettings};
use store::{Tx, disputes, payment_parts, payments, reminders as rows};

use crate::mails::{self, NewMail, recipients, sending, words};
use crate::pay_links::for_mail;
use crate::{Actor, App, By, Failure, Moment};

/// Invoices that one transaction looks at.
const PAGE: i64 = 50;

/// Queues the reminders that are due now, of all tenants, in working hours. Answers how many.
///
/// # Errors
/// When the database does not answer; whoever was not reminded is at the next look.
pub async fn due(app: &App) -> Result<usize, Failure> {
    if !reminder::is_working_time(app.clock.now()) {
        return Ok(0);
    }
    let scopes = app.db.read(mail_settings::with_reminders).await?;
    of_tenants(app, &scopes).await
}

/// Notes what is due by now in live mode as mailed, whatever the hour, while that is locked in a copy: what
/// this is a copy of may have sent it.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn pass_over(app: &App) -> Result<(), Failure> {
    let mut scopes = app.db.read(mail_settings::with_reminders).await?;
    scopes.retain(|scope| scope.mode.is_live());
    of_tenants(app, &scopes).await.map(|_| ())
}

async fn of_tenants(app: &App, scopes: &[Scope]) -> Result<usize, Failure> {
    let mut queued = 0;
    for scope in scopes {
        queued += of_tenant(app, scope).await?;
    }
    Ok(queued)
}

async fn of_tenant(app: &App, scope: &Scope) -> Result<usize, Failure> {
    let mut after = None;
    let mut queued = 0;
    loop {
        let (moment, scope, from) = (app.moment(), scope.clone(), after.clone());
        let page = app.db.write(move |tx| page(tx, moment, &scope, from.as_ref()));
        let (more, last) = page.await?;
        queued += more;
        match last {
            Some(last) => after = Some(last),
            None => return Ok(queued),
        }
    }
}

type Place = (String, InvoiceId);

/// One page of invoices; where the next one begins, if there is one.
fn page(
    tx: &mut Tx,
    moment: Moment,
    scope: &Scope,
    after: Option<&Place>,
) -> Result<(usize, Option<Place>), Failure> {
    let settings = mail_settings::get(tx, scope)?;
    let today = Day::of(moment.at);
    let (Some(first), Some(last)) = (settings.reminder_days.first(), settings.reminder_days.last()) else {
        return Ok((0, None));
    };
    // Invoices due later than the first step from today, or whose last step was before the plan, have none.
    let from = settings.reminders_from.unwrap_or(today);
    let between = (
        reminder::days_after(from, -last),
        reminder::days_after(today, -first),
    );
    let found = rows::open_due(tx, scope, between, after, PAGE)?;
    let mut queued = 0;
    for (nth, (_, id)) in (0_u32..).zip(&found) {
        let Some(invoice) = invoices::get(tx, scope, id)? else {
            continue;
        };
        let own = Moment::new(moment.at, moment.random(nth.saturating_mul(100)));
        queued += remind(tx, own, scope, &settings, &invoice, today)?;
    }
    let full = i64::try_from(found.len()).unwrap_or(i64::MAX) >= PAGE;
    Ok((queued, found.last().cloned().filter(|_| full)))
}

fn remind(
    tx: &mut Tx,
    moment: Moment,
    scope: &Scope,
    settings: &MailSettings,
    invoice: &Invoice,
    today: Day,
) -> Result<usize, Failure> {
    let Some(standing) = standing(tx, scope, invoice)? else {
        return Ok(0);
    };
    let from = settings.reminders_from.unwrap_or(today);
    let Some(step) = reminder::step(&settings.reminder_days, from, today, &standing) else {
        return Ok(0);
    };
    let receivers = recipients::of_client(tx, scope, &invoice.client_id, &[])?;
    if !receivers.reaches_client() {
        return Ok(0);
    }
    let fact = step.to_string();
    let (sender, _) = sending::sender(tx, scope)?;
    let mut queued = 0;
    for receiver in &receivers.receivers {
        let (of, to) = ([invoice.id.as_str(), fact.as_str()], &receiver.to.address);
        // Links are good for longer where they are mailed, not whenever somebody looks whom to remind.
        if mails::is_queued(tx, scope, MailKind::Reminder, of, to)? {
            continue;
        }
        let link = for_mail(tx, moment, scope, &invoice.id, receiver)?;
        let reader = words::clients::Reader {
            language: receivers.language,
            name: receiver.to.name.as_deref(),
            sender: &sender,
        };
        let told = mails::invoice::told(invoice);
        let mail = NewMail {
            scope,
            kind: MailKind::Reminder,
            about: invoice.id.as_str(),
            fact: &fact,
            invoice: Some(&invoice.id),
            to: &receiver.to,
            letter: &words::clients::reminder(&reader, &told, standing.due, today).by_link(&link.id),
            attachment: Some(mails::Attachment::Invoice(invoice.id.clone())),
        };
        queued += usize::from(mails::queue_once(tx, moment, &mail, None)?.is_some());
    }
    if queued > 0 {
        mails::invoice::shared_link(tx, scope, &By::new(Actor::Worker), moment, &invoice.id)?;
    }
    Ok(queued)
}

/// What is known of an open invoice with a due date; `None` for others.
fn standing(tx: &mut Tx, scope: &Scope, invoice: &Invoice) -> Result<Option<Standing>, Failure> {
    let due = invoice.due_date.as_deref().and_then(Day::parse);
    let (Some(due), Some(finalized_at), InvoiceState::Open) = (due, invoice.finalized_at, invoice.status)
    else {
        return Ok(None);
    };
    Ok(Some(Standing {
        due,
        finalized: Day::of(finalized_at),
        promised: rows::promised(tx, scope, &invoice.id)?,
        held: payment_parts::processing(tx, scope, &invoice.id)? || is_disputed(tx, scope, &invoice.id)?,
    }))
}

fn is_disputed(tx: &mut Tx, scope: &Scope, invoice: &InvoiceId) -> Result<bool, Failure> {
    for payment in payments::of_invoice(tx, scope, invoice, i64::MAX)? {
        let disputes = disputes::of_payment(tx, scope, &payment.id)?;
        if disputes.iter().any(|dispute| !dispute.standing.is_over()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a reminder of an invoice is still wanted: it is open, and neither promised nor disputed.
///
/// # Errors
/// When the database fails.
pub(crate) fn is_wanted(tx: &mut Tx, scope: &Scope, id: &InvoiceId, now: Timestamp) -> Result<bool, Failure> {
    let Some(invoice) = invoices::get(tx, scope, id)? else {
        return Ok(false);
    };
    let standing = standing(tx, scope, &invoice)?;
    let promised = |day: Day| day >= Day::of(now);
    Ok(standing.is_some_and(|standing| !standing.held && !standing.promised.is_some_and(promised)))
}
