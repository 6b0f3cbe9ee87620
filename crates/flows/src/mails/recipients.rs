//! Who gets a mail about an invoice or a payment, and why: the client's billing addresses, else its e-mail
//! address, and whoever gets copies.

use domain::mail::MailState;
use domain::{ClientId, Language, MailAddress, Refusal, Scope};
use store::clients::Client;
use store::{Tx, client_mail_settings, clients, mail_settings, mails as rows};

use super::Recipient;
use crate::Failure;

/// Why an address gets a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// It was named for this one mail.
    Named,
    /// It is a billing address of the client.
    BillingAddress,
    /// It is the client's e-mail address.
    ClientEmail,
    /// It gets a copy of what clients get.
    Copy,
}

impl Source {
    /// As the API spells it.
    pub const fn word(self) -> &'static str {
        match self {
            Source::Named => "named",
            Source::BillingAddress => "billing_address",
            Source::ClientEmail => "client_email",
            Source::Copy => "copy",
        }
    }
}

/// Somebody who gets a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// Who.
    pub to: Recipient,
    /// Why.
    pub source: Source,
    /// What became of the last mail there, if that did not arrive.
    pub trouble: Option<Trouble>,
}

/// A mail that did not arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Whether it was refused, failed or came back.
    pub state: MailState,
    /// What was said of it.
    pub why: Option<String>,
}

/// Who gets mails about a client's invoices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receivers {
    /// The client.
    pub client: Client,
    /// The language it is written to in.
    pub language: Language,
    /// Everybody, each address once; the client's own first.
    pub receivers: Vec<Receiver>,
    /// What stands where an address should be and is none.
    pub unusable: Vec<String>,
}

impl Receivers {
    /// Whether somebody besides those who get copies is there.
    pub fn reaches_client(&self) -> bool {
        self.receivers
            .iter()
            .any(|receiver| receiver.source != Source::Copy)
    }
}

/// Finds out who gets a client's mails; `named` addresses take the place of the client's own.
///
/// # Errors
/// When the database fails; [`Refusal::NotFound`] for a client that is not there.
pub fn of_client(
    tx: &mut Tx,
    scope: &Scope,
    client: &ClientId,
    named: &[MailAddress],
) -> Result<Receivers, Failure> {
    let client = clients::get(tx, scope, client)?.ok_or(Refusal::NotFound)?;
    let own = client_mail_settings::get(tx, scope, &client.id)?;
    let settings = mail_settings::get(tx, scope)?;
    let (mut wanted, mut unusable) = (Vec::new(), Vec::new());
    if !named.is_empty() {
        wanted.extend(named.iter().map(|address| (address.clone(), Source::Named)));
    } else if !own.billing_addresses.is_empty() {
        let billing = own.billing_addresses.into_iter();
        wanted.extend(billing.map(|address| (address, Source::BillingAddress)));
    } else if let Some(email) = &client.email {
        // It may be older than the rules for addresses.
        match MailAddress::read(email) {
            Some(address) => wanted.push((address, Source::ClientEmail)),
            None => unusable.push(email.clone()),
        }
    }
    wanted.extend(settings.copies.into_iter().map(|address| (address, Source::Copy)));
    let mut receivers: Vec<Receiver> = Vec::new();
    for (address, source) in wanted {
        if receivers
            .iter()
            .any(|known| known.to.address.key() == address.key())
        {
            continue;
        }
        let trouble = last_trouble(tx, scope, &address)?;
        let name = (source != Source::Copy).then(|| client.name.clone());
        let to = Recipient { address, name };
        receivers.push(Receiver { to, source, trouble });
    }
    Ok(Receivers {
        language: own.language.unwrap_or(settings.language),
        client,
        receivers,
        unusable,
    })
}

/// What was wrong with the last mail to an address, if it did not arrive.
///
/// # Errors
/// When the database fails.
pub(crate) fn last_trouble(
    tx: &mut Tx,
    scope: &Scope,
    address: &MailAddress,
) -> Result<Option<Trouble>, store::Error> {
    let last = rows::last_to(tx, scope, address)?.filter(|mail| mail.status.is_undelivered());
    Ok(last.map(|mail| Trouble {
        state: mail.status,
        why: mail.last_error,
    }))
}
