//! A fresh link by mail, asked for with one that has run out. It goes to the address on file; whoever asks
//! reads the same, whether a mail went out, was asked for a moment ago, or was asked for too often.

use std::net::IpAddr;

use domain::mail::MailKind;
use domain::pay_link::{FRESH_AT_ONCE, FRESH_PER_ADDRESS, FRESH_PER_INVOICE, Refused};
use domain::{Language, Limited, Refusal};
use store::pay_links::PayLink;
use store::{Tx, invoices, rate_limits};
use stripe::Secret;

use super::{Opened, for_mail, noted, on_file, open};
use crate::audit::{self, Entry};
use crate::limits::{self, bucket};
use crate::mails::recipients::Receiver;
use crate::mails::words::clients::{self as words, Reader};
use crate::mails::{NewMail, invoice, queue, sending};
use crate::{Actor, App, By, Failure, Moment};

/// Mails a fresh link to the address on file. `false` where the link is in force, so that none is needed.
///
/// # Errors
/// [`Refusal::NotFound`], [`Refused::Revoked`]; [`Limited::RateLimited`] for an address that asks about
/// everything.
pub async fn fresh(app: &App, by: &By, token: &str) -> Result<bool, Failure> {
    let address = by.address.unwrap_or(crate::NOT_NAMED);
    held_up(app, address).await?;
    let (keys, token, moment, by) = (app.keys(), token.to_owned(), app.moment(), by.clone());
    let asked = app.db.write(move |tx| match open(tx, &keys, &token, moment.at)? {
        Opened::Valid(_) => Ok(false),
        Opened::Revoked(_) => Err(Refusal::from(Refused::Revoked).into()),
        Opened::Expired(link) => {
            if let Some((receiver, receivers)) = on_file(tx, &link)?
                && admitted(tx, keys.newest(), moment, &link, &receiver)?
            {
                mail(tx, moment, &by, &link, &receiver, receivers.language)?;
            }
            Ok(true)
        }
    });
    asked.await
}

async fn held_up(app: &App, address: IpAddr) -> Result<(), Failure> {
    match limits::count(app, "fresh_links", FRESH_PER_ADDRESS, address).await? {
        None => Ok(()),
        Some(until) => {
            let wait_s = domain::limits::seconds_until(until, app.clock.now());
            Err(Limited::RateLimited { wait_s }.into())
        }
    }
}

/// Whether another mail may go out for this invoice now, and to this receiver; counts it.
fn admitted(
    tx: &mut Tx,
    key: &Secret,
    moment: Moment,
    link: &PayLink,
    receiver: &Receiver,
) -> Result<bool, Failure> {
    let (invoice, to) = (&link.invoice_id, receiver.to.address.key());
    let limits = [
        (
            bucket(key, "fresh_link_to", &format!("{invoice}:{to}"))?,
            FRESH_AT_ONCE,
        ),
        (bucket(key, "fresh_link_of", invoice.as_str())?, FRESH_PER_INVOICE),
    ];
    for (bucket, limit) in &limits {
        if rate_limits::look(tx, bucket, *limit, moment.at)?.is_err() {
            return Ok(false);
        }
    }
    let id = format!("{:020x}", moment.random(0) & ((1 << 80) - 1));
    for (bucket, limit) in &limits {
        rate_limits::count(tx, bucket, &id, *limit, moment.at)?;
    }
    Ok(true)
}

/// The mail with the receiver's own link.
fn mail(
    tx: &mut Tx,
    moment: Moment,
    by: &By,
    link: &PayLink,
    receiver: &Receiver,
    language: Language,
) -> Result<(), Failure> {
    let (scope, id) = (&link.scope, &link.invoice_id);
    let gone = || Failure::Bug(format!("the invoice of link {} is gone", link.id));
    let invoice = invoices::get(tx, scope, id)?.ok_or_else(gone)?;
    let own = for_mail(tx, moment, scope, id, receiver)?;
    let (sender, _) = sending::sender(tx, scope)?;
    let reader = Reader {
        language,
        name: receiver.to.name.as_deref(),
        sender: &sender,
    };
    let letter = words::new_link(&reader, &invoice::told(&invoice)).by_link(&own.id);
    // Each asking is a fact of its own.
    let fact = moment.at.ms().to_string();
    let mail = NewMail {
        scope,
        kind: MailKind::NewLink,
        about: id.as_str(),
        fact: &fact,
        invoice: Some(id),
        to: &receiver.to,
        letter: &letter,
        attachment: None,
    };
    queue(tx, moment, &mail)?;
    let entry = Entry {
        action: "pay_link.renewed",
        subject: id.as_str(),
        before: Some(noted(link)),
        after: Some(noted(&own)),
    };
    let payer = by.known_as(Actor::Payer(link.id.clone()));
    Ok(audit::note(tx, Some(scope), &payer, moment, &entry)?)
}
