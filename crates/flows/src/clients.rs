//! A tenant's clients: adding them, and changing what they are called. What an invoice says of its client
//! is kept with the invoice once it is finalized, so that a change counts for what is finalized after it.

use domain::business::{self, ADDRESS_LINES_MAX};
use domain::{ClientId, Refusal, Scope};
use store::clients::{self as rows, Client};

use crate::audit::{self, Entry};
use crate::invoicing::{email_address, refuse_new_work_in_the_other_mode, text};
use crate::{App, By, Failure, Moment};

/// What somebody says of a client.
#[derive(Clone, Debug, Default)]
pub struct Details {
    /// The name on the invoice.
    pub name: String,
    /// Where invoices go.
    pub email: Option<String>,
    /// The lines of the address.
    pub address: Vec<String>,
    /// The number with the tax office.
    pub tax_id: Option<String>,
}

impl Details {
    /// A client of whom a name and maybe an e-mail address is known.
    pub fn named(name: &str, email: Option<&str>) -> Details {
        Details {
            name: name.to_owned(),
            email: email.map(str::to_owned),
            ..Details::default()
        }
    }

    fn check(self) -> Result<Details, Refusal> {
        let Details {
            name,
            email,
            address,
            tax_id,
        } = self;
        if address.len() > ADDRESS_LINES_MAX {
            let problem = format!("must have at most {ADDRESS_LINES_MAX} lines");
            return Err(Refusal::invalid("address", problem));
        }
        let mut lines = Vec::new();
        for (index, typed) in address.into_iter().enumerate() {
            lines.extend(business::line(&format!("address[{index}]"), Some(typed))?);
        }
        Ok(Details {
            name: text("name", &name, false)?,
            email: email.map(|email| email_address("email", &email)).transpose()?,
            address: lines,
            tax_id: business::line("tax_id", tax_id)?,
        })
    }
}

/// Adds a client to whom invoices can be made. Its id comes from `moment`, which a request that is tried
/// again has from its first try: then the client that was made is answered.
///
/// # Errors
/// [`Refusal::InvalidField`] for what does not fit; [`Refusal::ModeNotActive`].
pub async fn add(
    app: &App,
    scope: &Scope,
    by: &By,
    moment: Moment,
    details: Details,
) -> Result<Client, Failure> {
    refuse_new_work_in_the_other_mode(app, scope)?;
    let details = details.check()?;
    let client = Client {
        id: ClientId::new(moment.at, moment.random(0)),
        name: details.name,
        email: details.email,
        address: details.address,
        tax_id: details.tax_id,
        version: 1,
        created_at: moment.at,
    };
    let (scope, by) = (scope.clone(), by.clone());
    app.db
        .write(move |tx| {
            if let Some(known) = rows::get(tx, &scope, &client.id)? {
                return Ok(known);
            }
            rows::insert(tx, &scope, &client)?;
            let entry = Entry {
                action: "client.created",
                subject: client.id.as_str(),
                before: None,
                after: Some(told(&client)),
            };
            audit::note(tx, Some(&scope), &by, moment, &entry)?;
            Ok(client.clone())
        })
        .await
}

/// Changes what a client is called and where it is, over the version that the caller read, if it is given.
///
/// # Errors
/// [`Refusal::NotFound`], [`Refusal::VersionConflict`], [`Refusal::InvalidField`] for what does not fit.
pub async fn edit(
    app: &App,
    scope: &Scope,
    by: &By,
    id: &ClientId,
    version: Option<i64>,
    details: Details,
) -> Result<Client, Failure> {
    let details = details.check()?;
    let (moment, scope, by, id) = (app.moment(), scope.clone(), by.clone(), id.clone());
    app.db
        .write(move |tx| {
            let mut client = rows::get(tx, &scope, &id)?.ok_or(Refusal::NotFound)?;
            let before = client.clone();
            if version.is_some_and(|version| version != client.version) {
                return Err(Failure::from(Refusal::VersionConflict));
            }
            client.name.clone_from(&details.name);
            client.email.clone_from(&details.email);
            client.address.clone_from(&details.address);
            client.tax_id.clone_from(&details.tax_id);
            if client == before {
                return Ok(client);
            }
            if !rows::update(tx, &scope, &client)? {
                return Err(Refusal::VersionConflict.into());
            }
            client.version += 1;
            let entry = Entry {
                action: "client.changed",
                subject: client.id.as_str(),
                before: Some(told(&before)),
                after: Some(told(&client)),
            };
            audit::note(tx, Some(&scope), &by, moment, &entry)?;
            Ok(client)
        })
        .await
}

/// What the audit log keeps of a client: its name, and its version, which tells that something else was
/// changed. Addresses are of people, and a log that nobody can delete is no place for them.
fn told(client: &Client) -> String {
    serde_json::json!({"name": client.name, "version": client.version}).to_string()
}
