//! How a tenant writes to its clients, which of its staff are told of what, and where a client's mails go.

use domain::mail::MailKind;
use domain::seal::Day;
use domain::{ClientId, MailAddress, Refusal, Scope, reminder};
use serde_json::json;
use store::client_mail_settings::{self, ClientMailSettings};
use store::mail_settings::{self as rows, MailSettings, Notice};
use store::users::User;
use store::{Tx, clients, tenants, users};

use crate::audit::{self, Entry};
use crate::{App, By, Failure};

/// The most addresses that get copies, or that a client has.
pub const ADDRESSES_MAX: usize = 10;
/// The most people who are told.
pub const NOTICES_MAX: usize = 50;

/// What is chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// How clients are written to.
    pub settings: MailSettings,
    /// Who is told of what.
    pub notices: Vec<Notice>,
}

/// The tenant's choice.
///
/// # Errors
/// When the database fails.
pub async fn get(app: &App, scope: &Scope) -> Result<Chosen, Failure> {
    let scope = scope.clone();
    app.db.read(move |tx| read(tx, &scope)).await
}

fn read(tx: &mut Tx, scope: &Scope) -> Result<Chosen, Failure> {
    Ok(Chosen {
        settings: rows::get(tx, scope)?,
        notices: notices(tx, scope)?,
    })
}

/// Who is told of what: whoever was chosen, else the tenant's support address, of all that went wrong.
///
/// # Errors
/// When the database fails.
pub(crate) fn notices(tx: &mut Tx, scope: &Scope) -> Result<Vec<Notice>, Failure> {
    let chosen = rows::notices(tx, scope)?;
    if !chosen.is_empty() {
        return Ok(chosen);
    }
    let Some(tenant) = tenants::find(tx, &scope.tenant)? else {
        return Ok(Vec::new());
    };
    let address = tenant.support_email.as_deref().and_then(MailAddress::read);
    let language = rows::get(tx, scope)?.language;
    let kinds = || {
        MailKind::NOTICES
            .into_iter()
            .filter(|kind| *kind != MailKind::StaffPaid)
    };
    let notice = address.map(|address| Notice {
        address,
        name: None,
        language,
        kinds: kinds().collect(),
    });
    Ok(notice.into_iter().collect())
}

/// Everybody who is told of something now: the tenant's people, each of what they chose and in their
/// language, and the addresses besides. People who are shut out, and those of a tenant that is suspended or
/// closed, are told of nothing.
///
/// # Errors
/// When the database fails.
pub(crate) fn told(tx: &mut Tx, scope: &Scope) -> Result<Vec<Notice>, Failure> {
    let mut told = Vec::new();
    let tenant = tenants::find(tx, &scope.tenant)?;
    if tenant.is_some_and(|tenant| tenant.status.new_work().is_ok()) {
        let language = rows::get(tx, scope)?.language;
        let active = users::of_tenant(tx, &scope.tenant)?
            .into_iter()
            .filter(User::is_active);
        told.extend(active.map(|user| Notice {
            kinds: user.told_of().to_vec(),
            language: user.language.unwrap_or(language),
            address: MailAddress::stored(user.email),
            name: Some(user.name),
        }));
    }
    // The first that names an address decides how it is written to.
    told.extend(notices(tx, scope)?);
    Ok(told)
}

/// Puts another choice in the place of the tenant's. A plan of reminders counts from the day on which it is
/// made: what was due before is not made up for.
///
/// # Errors
/// [`Refusal::InvalidField`].
pub async fn set(app: &App, scope: &Scope, by: &By, mut chosen: Chosen) -> Result<Chosen, Failure> {
    let settings = &mut chosen.settings;
    settings.reminder_days = reminder::plan(&settings.reminder_days)?;
    if settings.copies.len() > ADDRESSES_MAX {
        return Err(Refusal::invalid("copies", format!("must be at most {ADDRESSES_MAX} addresses")).into());
    }
    if chosen.notices.len() > NOTICES_MAX {
        return Err(Refusal::invalid("notices", format!("must be at most {NOTICES_MAX} people")).into());
    }
    let (moment, scope, by) = (app.moment(), scope.clone(), by.clone());
    let set = app.db.write(move |tx| {
        let before = read(tx, &scope)?;
        let mut chosen = chosen.clone();
        let same_plan = before.settings.reminder_days == chosen.settings.reminder_days;
        chosen.settings.reminders_from = if same_plan {
            before.settings.reminders_from
        } else {
            Some(Day::of(moment.at))
        };
        if before == chosen {
            return Ok(before);
        }
        rows::put(tx, &scope, &chosen.settings, moment.at)?;
        rows::put_notices(tx, &scope, &chosen.notices, moment.at)?;
        let entry = Entry {
            action: "mail_settings.changed",
            subject: scope.tenant.as_str(),
            before: Some(noted(&before)),
            after: Some(noted(&chosen)),
        };
        audit::note(tx, Some(&scope), &by, moment, &entry)?;
        Ok::<_, Failure>(chosen)
    });
    set.await
}

/// What the audit log keeps: the choice, and of people only how many they are.
fn noted(chosen: &Chosen) -> String {
    let settings = &chosen.settings;
    let told = json!({
        "sender_name": settings.sender_name,
        "reply_to_own": settings.reply_to.is_some(),
        "language": settings.language.word(),
        "receipts": settings.receipts,
        "reminder_days": settings.reminder_days,
        "copies": settings.copies.len(),
        "notices": chosen.notices.len(),
    });
    told.to_string()
}

/// Where a client's mails go.
///
/// # Errors
/// [`Refusal::NotFound`].
pub async fn of_client(app: &App, scope: &Scope, id: &ClientId) -> Result<ClientMailSettings, Failure> {
    let (scope, id) = (scope.clone(), id.clone());
    let read = app.db.read(move |tx| {
        clients::get(tx, &scope, &id)?.ok_or(Refusal::NotFound)?;
        Ok(client_mail_settings::get(tx, &scope, &id)?)
    });
    read.await
}

/// Says where a client's mails go, and in which language they are written.
///
/// # Errors
/// [`Refusal::NotFound`], [`Refusal::InvalidField`].
pub async fn set_of_client(
    app: &App,
    scope: &Scope,
    by: &By,
    id: &ClientId,
    settings: ClientMailSettings,
) -> Result<ClientMailSettings, Failure> {
    if settings.billing_addresses.len() > ADDRESSES_MAX {
        let problem = format!("must be at most {ADDRESSES_MAX} addresses");
        return Err(Refusal::invalid("billing_addresses", problem).into());
    }
    let (moment, scope, by, id) = (app.moment(), scope.clone(), by.clone(), id.clone());
    let set = app.db.write(move |tx| {
        clients::get(tx, &scope, &id)?.ok_or(Refusal::NotFound)?;
        let before = client_mail_settings::get(tx, &scope, &id)?;
        if before == settings {
            return Ok(before);
        }
        client_mail_settings::put(tx, &scope, &id, &settings, moment.at)?;
        let noted = |settings: &ClientMailSettings| {
            let language = settings.language.map(domain::Language::word);
            json!({"language": language, "billing_addresses": settings.billing_addresses.len()}).to_string()
        };
        let entry = Entry {
            action: "client.mail_changed",
            subject: id.as_str(),
            before: Some(noted(&before)),
            after: Some(noted(&settings)),
        };
        audit::note(tx, Some(&scope), &by, moment, &entry)?;
        Ok::<_, Failure>(settings.clone())
    });
    set.await
}
