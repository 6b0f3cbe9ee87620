//! Forwarding an invoice to somebody who has to approve it: they are mailed a link of their own, which names
//! whose it came from. To whom the invoice is billed stays as it is, and nothing that a payer types stands in
//! the mail but a name.

use domain::mail::MailKind;
use domain::pay_link::{self, FORWARDED_MS, FORWARDS_MAX, FORWARDS_PER_ADDRESS, FORWARDS_PER_LINK, Refused};
use domain::pay_link::{LinkKind, LinkState};
use domain::{Limited, MailAddress, Refusal, Timestamp};
use store::invoices::{self, Invoice};
use store::pay_links::{self as rows, PayLink, Recipient};
use store::{Tx, clients, rate_limits};
use stripe::Secret;

use super::recipients::id_for;
use super::{noted, open_valid};
use crate::audit::{self, Entry};
use crate::limits::{self, bucket};
use crate::mails::words::clients::{self as words, Reader};
use crate::mails::{self, NewMail, invoice, queue, recipients, sending};
use crate::{Actor, App, By, Failure, Moment, page_tokens};

/// To whom a payer forwards, as they typed it.
#[derive(Clone, Debug, Default)]
pub struct Approver {
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// The token of the page whose form it was.
    pub page_token: Option<String>,
}

/// Forwards an invoice. Whoever does so reads the same, whether the address got a mail now or had one before.
///
/// # Errors
/// [`Refusal::InvalidField`] for name and address; [`Refused`]; those of an invoice that is not owed; those
/// of [`page_tokens::check`]; [`Limited::RateLimited`]; [`Refusal::LinkExpired`], [`Refusal::NotFound`].
pub async fn forward(app: &App, by: &By, token: &str, to: &Approver) -> Result<(), Failure> {
    let name = pay_link::addressee("name", &to.name)?;
    let address = MailAddress::parse("email", &to.email)?;
    let recipient = Recipient {
        address,
        name: Some(name),
    };
    let from = by.address.unwrap_or(crate::NOT_NAMED);
    if let Some(until) = limits::count(app, "forwards", FORWARDS_PER_ADDRESS, from).await? {
        return Err(held_up(until, app.clock.now()));
    }
    let (keys, token, moment, by) = (app.keys(), token.to_owned(), app.moment(), by.clone());
    let page_token = to.page_token.clone();
    let forwarded = app.db.write(move |tx| {
        let link = open_valid(tx, &keys, &token, moment.at)?;
        page_tokens::check(&keys, &link, page_token.as_deref(), moment.at)?;
        let invoice = admitted(tx, keys.newest(), moment, &link)?;
        let Some(theirs) = theirs(tx, moment, &link, &recipient)? else {
            return Ok(());
        };
        mail(tx, moment, &link, &theirs, &invoice)?;
        let entry = Entry {
            action: "pay_link.forwarded",
            subject: link.invoice_id.as_str(),
            before: Some(noted(&link)),
            after: Some(noted(&theirs)),
        };
        let payer = by.known_as(Actor::Payer(link.id.clone()));
        audit::note(tx, Some(&link.scope), &payer, moment, &entry)?;
        Ok::<_, Failure>(())
    });
    forwarded.await
}

fn held_up(until: Timestamp, now: Timestamp) -> Failure {
    let wait_s = domain::limits::seconds_until(until, now);
    Limited::RateLimited { wait_s }.into()
}

/// Whether the holder of a link may forward now; counts it. Nothing of it depends on to whom.
fn admitted(tx: &mut Tx, key: &Secret, moment: Moment, link: &PayLink) -> Result<Invoice, Failure> {
    if !link.kind.may_forward() {
        return Err(Refusal::from(Refused::NotForwardable).into());
    }
    let gone = || Failure::Bug(format!("the invoice of link {} is gone", link.id));
    let invoice = invoices::get(tx, &link.scope, &link.invoice_id)?.ok_or_else(gone)?;
    invoice::refuse_what_is_not_owed(&invoice)?;
    if rows::count(tx, &link.scope, &link.invoice_id, LinkKind::Forwarded)? >= FORWARDS_MAX {
        return Err(Refusal::from(Refused::TooManyForwards).into());
    }
    let of_link = bucket(key, "forward", link.id.as_str())?;
    let id = format!("{:020x}", moment.random(0) & ((1 << 80) - 1));
    match rate_limits::take(tx, &of_link, &id, FORWARDS_PER_LINK, moment.at)? {
        Ok(()) => Ok(invoice),
        Err(until) => Err(held_up(until, moment.at)),
    }
}

/// The approver's link: a new one, or the one that this payer forwarded before, where that has run out. None
/// where they have one that works, or where the tenant took theirs back.
fn theirs(
    tx: &mut Tx,
    moment: Moment,
    link: &PayLink,
    recipient: &Recipient,
) -> Result<Option<PayLink>, Failure> {
    let expires_at = moment.at.plus_ms(FORWARDED_MS).min(link.expires_at);
    let known = rows::forwarded_by(tx, link)?.into_iter().find(|known| {
        let to = known.recipient.as_ref();
        to.is_some_and(|to| to.address.key() == recipient.address.key())
    });
    match known.as_ref().map(|known| (known, known.state(moment.at))) {
        Some((_, LinkState::InForce | LinkState::Revoked)) => Ok(None),
        Some((known, LinkState::Expired)) => Ok(Some(rows::renew(tx, known, expires_at, moment.at)?)),
        None => {
            let id = id_for(moment, &link.scope, &link.invoice_id, &recipient.address);
            let times = [moment.at, expires_at];
            let theirs = PayLink {
                recipient: Some(recipient.clone()),
                parent: Some(link.id.clone()),
                ..PayLink::new(&link.scope, id, &link.invoice_id, LinkKind::Forwarded, times)
            };
            rows::insert(tx, &theirs)?;
            Ok(Some(theirs))
        }
    }
}

fn mail(
    tx: &mut Tx,
    moment: Moment,
    link: &PayLink,
    theirs: &PayLink,
    invoice: &Invoice,
) -> Result<(), Failure> {
    let Some(Recipient { address, name }) = theirs.recipient.clone() else {
        return Err(Failure::Bug(format!("link {} is for nobody", theirs.id)));
    };
    let scope = &link.scope;
    let receivers = recipients::of_client(tx, scope, &invoice.client_id, &[])?;
    let (sender, _) = sending::sender(tx, scope)?;
    let reader = Reader {
        language: receivers.language,
        name: name.as_deref(),
        sender: &sender,
    };
    let by = forwarder(tx, link, invoice)?;
    let letter = words::forwarded(&reader, &invoice::told(invoice), &by).by_link(&theirs.id);
    // A link that has run out may be forwarded again.
    let fact = format!("{}:{}", theirs.id, theirs.generation);
    let mail = NewMail {
        scope,
        kind: MailKind::Forwarded,
        about: invoice.id.as_str(),
        fact: &fact,
        invoice: Some(&invoice.id),
        to: &mails::Recipient { address, name },
        letter: &letter,
        attachment: None,
    };
    queue(tx, moment, &mail)?;
    Ok(())
}

/// Who forwards, as the tenant knows them: the recipient of the link with their address, else the client.
fn forwarder(tx: &mut Tx, link: &PayLink, invoice: &Invoice) -> Result<String, Failure> {
    let client = clients::get(tx, &link.scope, &invoice.client_id)?;
    let client = client.map(|client| client.name).unwrap_or_default();
    Ok(match &link.recipient {
        Some(Recipient { address, name }) => {
            format!("{} ({address})", name.as_deref().unwrap_or(&client))
        }
        None => client,
    })
}

/// Who forwarded the invoice to the holder of a link; none of a link that came another way.
///
/// # Errors
/// When the database fails.
pub fn forwarded_by(tx: &mut Tx, link: &PayLink, invoice: &Invoice) -> Result<Option<String>, Failure> {
    let Some(parent) = &link.parent else {
        return Ok(None);
    };
    let parent = rows::get(tx, parent)?.filter(|parent| parent.scope == link.scope);
    parent.map(|parent| forwarder(tx, &parent, invoice)).transpose()
}
