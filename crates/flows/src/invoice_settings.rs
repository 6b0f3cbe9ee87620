//! How a tenant's invoices are numbered, and the terms that a new one begins with. Numbers only go on: none
//! is given twice, whatever the prefix was in between.

use domain::Scope;
use domain::invoice_settings::{self, InvoiceSettings};
use serde_json::json;
use store::invoice_settings as rows;

use crate::audit::{self, Entry};
use crate::{App, By, Failure};

/// What a tenant chose, with the number that its next invoice gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbering {
    /// What it chose.
    pub settings: InvoiceSettings,
    /// The next number of the series of its prefix.
    pub next_number: i64,
}

/// Reads it.
///
/// # Errors
/// When the database fails.
pub async fn get(app: &App, scope: &Scope) -> Result<Numbering, Failure> {
    let scope = scope.clone();
    let read = app.db.read(move |tx| {
        let settings = rows::get(tx, &scope)?;
        let last = rows::last_number(tx, &scope, &settings.prefix)?;
        Ok::<_, store::Error>(Numbering {
            settings,
            next_number: last.saturating_add(1),
        })
    });
    Ok(read.await?)
}

/// Puts another choice in the place of the tenant's; with a number, its series goes on with that.
///
/// # Errors
/// [`domain::Refusal::InvalidField`], also for a number that was given before.
pub async fn set(
    app: &App,
    scope: &Scope,
    by: &By,
    wanted: InvoiceSettings,
    next_number: Option<i64>,
) -> Result<Numbering, Failure> {
    let wanted = wanted.check()?;
    let (moment, scope, by) = (app.moment(), scope.clone(), by.clone());
    let set = app.db.write(move |tx| {
        let before = rows::get(tx, &scope)?;
        let last = rows::last_number(tx, &scope, &wanted.prefix)?;
        let next = next_number.unwrap_or(last.saturating_add(1));
        let skipped = invoice_settings::go_on_with(next, last)?;
        let now = Numbering {
            settings: wanted.clone(),
            next_number: next,
        };
        if before == wanted && skipped == last {
            return Ok(now);
        }
        rows::put(tx, &scope, &wanted, moment.at)?;
        if skipped > last && !rows::skip_to(tx, &scope, &wanted.prefix, skipped, moment.at)? {
            return Err(Failure::from(store::Error::Conflict));
        }
        let entry = Entry {
            action: "invoice_settings.changed",
            subject: scope.tenant.as_str(),
            before: Some(told(&before, last.saturating_add(1))),
            after: Some(told(&wanted, next)),
        };
        audit::note(tx, Some(&scope), &by, moment, &entry)?;
        Ok(now)
    });
    set.await
}

fn told(settings: &InvoiceSettings, next: i64) -> String {
    let told = json!({
        "prefix": settings.prefix,
        "next_number": next,
        "due_days": settings.due_days,
        "has_memo": settings.memo.is_some(),
    });
    told.to_string()
}
