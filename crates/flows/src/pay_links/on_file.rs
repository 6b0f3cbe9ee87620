//! Where a fresh link may go when one has run out: to an address that the tenant has on file, and to no
//! other, whatever the holder of the old link says.

use domain::pay_link::LinkKind;
use store::pay_links::{self as rows, PayLink};
use store::{Tx, invoices};

use crate::Failure;
use crate::mails::Recipient;
use crate::mails::recipients::{self, Receiver, Receivers, Source};

/// Who gets the fresh link, in the language of `Receivers`: the link's own recipient, where that is somebody
/// who still gets the invoice's mails; else the first of the client's own addresses that mails arrive at. An
/// address that the tenant named for a mail counts where the client has none of its own. Nobody whose link
/// the tenant took back.
///
/// # Errors
/// When the database fails.
pub fn on_file(tx: &mut Tx, link: &PayLink) -> Result<Option<(Receiver, Receivers)>, Failure> {
    let gone = || Failure::Bug(format!("the invoice of link {} is gone", link.id));
    let invoice = invoices::get(tx, &link.scope, &link.invoice_id)?.ok_or_else(gone)?;
    let receivers = recipients::of_client(tx, &link.scope, &invoice.client_id, &[])?;
    let mut able = Vec::new();
    for receiver in &receivers.receivers {
        let known = rows::mailed_to(tx, &link.scope, &link.invoice_id, &receiver.to.address)?;
        if known.is_none_or(|known| known.revoked_at.is_none()) {
            able.push(receiver);
        }
    }
    let of_link = link.recipient.as_ref().map(|recipient| recipient.address.key());
    let own = able
        .iter()
        .find(|receiver| Some(receiver.to.address.key()) == of_link);
    let of_client = able.iter().filter(|receiver| receiver.source != Source::Copy);
    let arriving = of_client.clone().find(|receiver| receiver.trouble.is_none());
    let found = own.or(arriving).or_else(|| of_client.clone().next());
    let found = found.map(|receiver| (*receiver).clone());
    let named = (!receivers.reaches_client() && link.kind == LinkKind::Mailed)
        .then_some(link.recipient.as_ref())
        .flatten()
        .map(|named| Receiver {
            to: Recipient {
                address: named.address.clone(),
                name: named.name.clone(),
            },
            source: Source::Named,
            trouble: None,
        });
    Ok(found.or(named).map(|receiver| (receiver, receivers)))
}
