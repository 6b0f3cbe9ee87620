//! `/api/settings/payments`: what a tenant lets its payers choose.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use domain::{Currency, Money, Refusal, Scope};
use flows::{Failure, payment_settings};
use serde::{Deserialize, Serialize};
use store::payment_settings::{self as rows, PaymentSettings};

use super::{Caller, Input};
use crate::problem::Problem;
use crate::router::Site;

/// The settings as the API shows them; amounts in minor units.
#[derive(Debug, Serialize)]
pub struct SettingsJson {
    object: &'static str,
    livemode: bool,
    partial_payments: bool,
    /// The least part, by currency; elsewhere it is what Stripe charges at least.
    minimums: BTreeMap<&'static str, i64>,
    several_invoices: bool,
    bank_debits: bool,
}

impl SettingsJson {
    fn of(scope: &Scope, settings: &PaymentSettings) -> SettingsJson {
        let minimum = |minimum: &Money| (minimum.currency().code(), minimum.minor());
        SettingsJson {
            object: "payment_settings",
            livemode: scope.mode.is_live(),
            partial_payments: settings.partial,
            minimums: settings.minimums.iter().map(minimum).collect(),
            several_invoices: settings.several,
            bank_debits: settings.bank_debits,
        }
    }
}

/// All of the settings: what is not named is off.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PutSettingsJson {
    #[serde(default)]
    partial_payments: bool,
    #[serde(default)]
    minimums: BTreeMap<String, i64>,
    #[serde(default)]
    several_invoices: bool,
    #[serde(default)]
    bank_debits: bool,
}

/// `GET /api/settings/payments`
pub async fn get(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
) -> Result<Json<SettingsJson>, Problem> {
    let of = scope.clone();
    let settings = site.app.db.read(move |tx| rows::get(tx, &of)).await;
    let settings = settings.map_err(Failure::from)?;
    Ok(Json(SettingsJson::of(&scope, &settings)))
}

/// `PUT /api/settings/payments`
pub async fn put(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    Input(new): Input<PutSettingsJson>,
) -> Result<Json<SettingsJson>, Problem> {
    let mut minimums = BTreeMap::new();
    for (code, minor) in &new.minimums {
        let unknown = |_| Refusal::invalid("minimums", "must name currencies that Stripe charges in");
        let currency = Currency::parse(code).map_err(unknown)?;
        if minimums
            .insert(currency.code(), Money::new(*minor, currency))
            .is_some()
        {
            return Err(Refusal::invalid("minimums", "must name each currency once").into());
        }
    }
    let settings = PaymentSettings {
        partial: new.partial_payments,
        several: new.several_invoices,
        bank_debits: new.bank_debits,
        minimums: minimums.into_values().collect(),
    };
    let settings = payment_settings::set(&site.app, &scope, &by, settings).await?;
    Ok(Json(SettingsJson::of(&scope, &settings)))
}
