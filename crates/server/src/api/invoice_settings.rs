//! `/api/settings/invoices`: how a tenant's invoices are numbered, and the terms that new ones begin with.

use axum::Json;
use axum::extract::State;
use domain::Scope;
use domain::invoice_settings::{self as domain_settings, InvoiceSettings, PREFIX_DEFAULT};
use flows::invoice_settings::{self, Numbering};
use serde::{Deserialize, Serialize};

use super::{Caller, Input};
use crate::problem::Problem;
use crate::router::Site;

/// The settings as the API shows them.
#[derive(Debug, Serialize)]
pub struct InvoiceSettingsJson {
    object: &'static str,
    livemode: bool,
    prefix: String,
    /// What the next invoice that is finalized gets.
    next_number: i64,
    /// The same as it stands on the invoice: `INV-00042`.
    next_invoice_number: String,
    /// Days until a new invoice is due; null where new ones name no day.
    due_days: Option<i64>,
    memo: Option<String>,
}

impl InvoiceSettingsJson {
    fn of(scope: &Scope, numbering: Numbering) -> InvoiceSettingsJson {
        let Numbering {
            settings,
            next_number,
        } = numbering;
        InvoiceSettingsJson {
            object: "invoice_settings",
            livemode: scope.mode.is_live(),
            next_invoice_number: domain_settings::number(&settings.prefix, next_number),
            prefix: settings.prefix,
            next_number,
            due_days: settings.due_days,
            memo: settings.memo,
        }
    }
}

/// All of the settings: what is not named is as it is without settings, but the number goes on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PutInvoiceSettings {
    prefix: Option<String>,
    next_number: Option<i64>,
    due_days: Option<i64>,
    memo: Option<String>,
}

/// `GET /api/settings/invoices`
pub async fn get(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
) -> Result<Json<InvoiceSettingsJson>, Problem> {
    let numbering = invoice_settings::get(&site.app, &scope).await?;
    Ok(Json(InvoiceSettingsJson::of(&scope, numbering)))
}

/// `PUT /api/settings/invoices`
pub async fn put(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    Input(new): Input<PutInvoiceSettings>,
) -> Result<Json<InvoiceSettingsJson>, Problem> {
    let settings = InvoiceSettings {
        prefix: new.prefix.unwrap_or_else(|| PREFIX_DEFAULT.to_owned()),
        due_days: new.due_days,
        memo: new.memo,
    };
    let set = invoice_settings::set(&site.app, &scope, &by, settings, new.next_number).await?;
    Ok(Json(InvoiceSettingsJson::of(&scope, set)))
}
