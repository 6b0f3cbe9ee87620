//! What a tenant lets its payers choose. A change counts from the next press on Pay; what is under way
//! finishes.

use domain::{Currency, Money, Refusal, Scope};
use serde_json::json;
use store::payment_settings::{self as rows, PaymentSettings};
use store::stripe_config::StripeConfig;

use crate::audit::{self, Entry};
use crate::{App, By, Failure};

/// Puts other settings in the place of the tenant's.
///
/// # Errors
/// [`Refusal::InvalidField`] for a minimum that is below what Stripe charges, or above it.
pub async fn set(
    app: &App,
    scope: &Scope,
    by: &By,
    settings: PaymentSettings,
) -> Result<PaymentSettings, Failure> {
    for minimum in &settings.minimums {
        check(*minimum)?;
    }
    let (moment, scope, by) = (app.moment(), scope.clone(), by.clone());
    let set = app.db.write(move |tx| {
        let before = rows::get(tx, &scope)?;
        if before == settings {
            return Ok(before);
        }
        rows::put(tx, &scope, &settings, moment.at)?;
        let entry = Entry {
            action: "payment_settings.changed",
            subject: scope.tenant.as_str(),
            before: Some(told(&before)),
            after: Some(told(&settings)),
        };
        audit::note(tx, Some(&scope), &by, moment, &entry)?;
        Ok::<PaymentSettings, Failure>(settings.clone())
    });
    set.await
}

/// The capability that an account needs to debit bank accounts, and the only currency in which it can.
const BANK_DEBIT: &str = "us_bank_account_ach_payments";
const BANK_DEBIT_CURRENCY: &str = "usd";

/// Whether a bank account may be debited: the tenant wants it, and Stripe lets its account do so.
pub fn takes_bank_debits(settings: &PaymentSettings, config: &StripeConfig, currency: Currency) -> bool {
    let all = serde_json::from_str::<serde_json::Value>(&config.capabilities);
    let active =
        all.is_ok_and(|all| all.get(BANK_DEBIT).and_then(serde_json::Value::as_str) == Some("active"));
    settings.bank_debits && active && currency.code() == BANK_DEBIT_CURRENCY
}

fn check(minimum: Money) -> Result<(), Refusal> {
    let code = minimum.currency().code();
    minimum.chargeable().map(|_| ()).map_err(|_| {
        let problem = format!("must be an amount that can be charged in {}", minimum.currency());
        Refusal::invalid(format!("minimums.{code}"), problem)
    })
}

fn told(settings: &PaymentSettings) -> String {
    let minimums: Vec<String> = settings.minimums.iter().map(Money::to_string).collect();
    let told = json!({
        "partial_payments": settings.partial,
        "several_invoices": settings.several,
        "bank_debits": settings.bank_debits,
        "minimums": minimums,
    });
    told.to_string()
}
