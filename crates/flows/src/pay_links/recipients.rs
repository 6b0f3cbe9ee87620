//! Links of recipients: the one that goes with somebody's mails, those that a tenant makes itself, and taking
//! a link back.

use domain::pay_link::{COPIES_MAX, LinkKind, LinkState, Refused};
use domain::{InvoiceId, LinkId, MailAddress, Refusal, Scope, Timestamp, mail_address};
use store::pay_links::{self as rows, PayLink, Recipient};
use store::{Tx, invoices};

use super::{DAY_MS, IssuedLink, expiry, noted, token};
use crate::audit::{self, Entry};
use crate::mails::recipients::{Receiver, Source};
use crate::mails::spread;
use crate::{App, By, Failure, Moment};

/// A link that is mailed is good for so many days.
pub(crate) const MAILED_DAYS: i64 = 60;
/// One that runs out sooner than this is extended before it is mailed again.
const MAILED_DAYS_LEFT: i64 = 14;

/// Within the transaction that queues a mail: the link that goes with it. One that is in the reader's mailbox
/// goes on working: it is extended, replaced only if it has run out, and made anew only if it was revoked.
///
/// # Errors
/// When the database fails.
pub(crate) fn for_mail(
    tx: &mut Tx,
    moment: Moment,
    scope: &Scope,
    invoice: &InvoiceId,
    receiver: &Receiver,
) -> Result<PayLink, Failure> {
    let (address, at) = (&receiver.to.address, moment.at);
    let until = |days: i64| at.plus_ms(days.saturating_mul(DAY_MS));
    let expires_at = until(MAILED_DAYS);
    let known = rows::mailed_to(tx, scope, invoice, address)?;
    match known.as_ref().map(|link| (link, link.state(at))) {
        Some((link, LinkState::InForce)) => {
            if link.expires_at < until(MAILED_DAYS_LEFT) {
                rows::extend(tx, link, expires_at, at)?;
            }
            Ok(link.clone())
        }
        Some((link, LinkState::Expired)) => Ok(rows::renew(tx, link, expires_at, at)?),
        Some((_, LinkState::Revoked)) | None => {
            let kind = match receiver.source {
                Source::Copy => LinkKind::MailedCopy,
                Source::Named | Source::BillingAddress | Source::ClientEmail => LinkKind::Mailed,
            };
            let id = id_for(moment, scope, invoice, address);
            let recipient = Recipient {
                address: address.clone(),
                name: receiver.to.name.clone(),
            };
            let link = PayLink {
                recipient: Some(recipient),
                ..PayLink::new(scope, id, invoice, kind, [at, expires_at])
            };
            rows::insert(tx, &link)?;
            let made = rows::mailed_to(tx, scope, invoice, address)?;
            made.ok_or_else(|| Failure::Bug(format!("the link {} was not made", link.id)))
        }
    }
}

/// Which of a moment's random numbers ids of links take: those of invoices and mails are others.
const LINK_RANDOM: u32 = 91;

/// The id of a recipient's link: the same when the transaction is run again, another for each recipient.
pub(super) fn id_for(moment: Moment, scope: &Scope, invoice: &InvoiceId, address: &MailAddress) -> LinkId {
    let of = spread(scope, &format!("{invoice}:{}", address.key()));
    LinkId::new(moment.at, moment.random(LINK_RANDOM) ^ of)
}

/// A link that a tenant makes for somebody.
#[derive(Clone, Debug)]
pub struct NewCopy {
    /// Their address.
    pub address: MailAddress,
    /// Their name.
    pub name: Option<String>,
    /// For how many days it is good.
    pub lifetime_days: Option<i64>,
}

/// Makes a link for somebody, whom nothing is mailed. Its id comes from `moment`, which a request that is
/// tried again has from its first try: then the same link is answered.
///
/// # Errors
/// [`Refusal::NotFound`], [`Refusal::InvoiceDraft`], [`Refusal::InvoiceVoid`], [`Refusal::InvalidField`] for
/// name and lifetime,
/// [`Refused::TooManyCopies`].
pub async fn make(
    app: &App,
    scope: &Scope,
    by: &By,
    moment: Moment,
    invoice: &InvoiceId,
    new: NewCopy,
) -> Result<(PayLink, IssuedLink), Failure> {
    let expires_at = expiry(moment, new.lifetime_days)?;
    let name = new
        .name
        .map(|name| mail_address::name("name", &name))
        .transpose()?;
    let id = id_for(moment, scope, invoice, &new.address);
    let link = PayLink {
        recipient: Some(Recipient {
            address: new.address,
            name,
        }),
        ..PayLink::new(scope, id, invoice, LinkKind::Copied, [moment.at, expires_at])
    };
    let by = by.clone();
    let made = app.db.write(move |tx| {
        let invoice = invoices::get(tx, &link.scope, &link.invoice_id)?.ok_or(Refusal::NotFound)?;
        if let Some(known) = rows::get(tx, &link.id)? {
            return Ok::<_, Failure>(known);
        }
        super::refuse_what_nobody_sees(&invoice)?;
        if rows::count(tx, &link.scope, &link.invoice_id, LinkKind::Copied)? >= COPIES_MAX {
            return Err(Refusal::from(Refused::TooManyCopies).into());
        }
        rows::insert(tx, &link)?;
        let entry = Entry {
            action: "pay_link.made",
            subject: link.invoice_id.as_str(),
            before: None,
            after: Some(noted(&link)),
        };
        audit::note(tx, Some(&link.scope), &by, moment, &entry)?;
        Ok(link.clone())
    });
    let link = made.await?;
    let issued = IssuedLink {
        token: token(&app.link_key, &link)?,
        expires_at: link.expires_at,
        derived_from: (link.id.clone(), link.generation),
    };
    Ok((link, issued))
}

/// Takes a link back, in every generation, and those that its holder forwarded. Told twice is told once. What
/// was paid by it stays, and a payment that is under way ends as it ends.
///
/// # Errors
/// [`Refusal::NotFound`] for a link that this invoice does not have.
pub async fn revoke(
    app: &App,
    scope: &Scope,
    by: &By,
    invoice: &InvoiceId,
    id: &LinkId,
) -> Result<PayLink, Failure> {
    let (moment, by) = (app.moment(), by.clone());
    let (scope, invoice, id) = (scope.clone(), invoice.clone(), id.clone());
    let revoked = app.db.write(move |tx| {
        let link = rows::get(tx, &id)?.filter(|link| link.scope == scope && link.invoice_id == invoice);
        let link = link.ok_or(Refusal::NotFound)?;
        if link.revoked_at.is_some() {
            return Ok::<_, Failure>(link);
        }
        let count = rows::revoke(tx, &link, moment.at)?;
        let json = |revoked_at: Option<Timestamp>, links: u64| {
            let json = serde_json::json!({"id": link.id.as_str(), "kind": link.kind.word(),
                "revoked_at": revoked_at.map(Timestamp::ms), "links": links});
            json.to_string()
        };
        let entry = Entry {
            action: "pay_link.revoked",
            subject: invoice.as_str(),
            before: Some(json(None, 0)),
            after: Some(json(Some(moment.at), count)),
        };
        audit::note(tx, Some(&scope), &by, moment, &entry)?;
        Ok(PayLink {
            revoked_at: Some(moment.at),
            ..link
        })
    });
    revoked.await
}
