//! Capabilities: what an account may do, each asked for and granted on its own.

use serde_json::{Value, json};

use crate::account::{Account, Capability};
use crate::accounts;
use crate::api::Ctx;
use crate::connect::requirements::{concerns, missing};
use crate::connect::tell;
use crate::error::ApiError;
use crate::form::Params;
use crate::state::State;

/// Every capability that Stripe knows.
pub const NAMES: [&str; 70] = [
    "acss_debit_payments",
    "affirm_payments",
    "afterpay_clearpay_payments",
    "alma_payments",
    "amazon_pay_payments",
    "app_distribution",
    "au_becs_debit_payments",
    "bacs_debit_payments",
    "bancontact_payments",
    "bank_transfer_payments",
    "billie_payments",
    "bizum_payments",
    "blik_payments",
    "blik_recurring_payments",
    "boleto_payments",
    "card_issuing",
    "card_payments",
    "cartes_bancaires_payments",
    "cashapp_payments",
    "crypto_payments",
    "eps_payments",
    "fpx_payments",
    "gb_bank_transfer_payments",
    "giropay_payments",
    "grabpay_payments",
    "ideal_payments",
    "india_international_payments",
    "jcb_payments",
    "jp_bank_transfer_payments",
    "kakao_pay_payments",
    "klarna_payments",
    "konbini_payments",
    "kr_card_payments",
    "legacy_payments",
    "link_payments",
    "mb_way_payments",
    "mobilepay_payments",
    "multibanco_payments",
    "mx_bank_transfer_payments",
    "naver_pay_payments",
    "nz_bank_account_becs_debit_payments",
    "oxxo_payments",
    "p24_payments",
    "pay_by_bank_payments",
    "payco_payments",
    "paynow_payments",
    "paypay_payments",
    "payto_payments",
    "pix_payments",
    "promptpay_payments",
    "revolut_pay_payments",
    "samsung_pay_payments",
    "satispay_payments",
    "scalapay_payments",
    "sepa_bank_transfer_payments",
    "sepa_debit_payments",
    "sequra_payments",
    "sofort_payments",
    "sunbit_payments",
    "swish_payments",
    "tax_reporting_us_1099_k",
    "tax_reporting_us_1099_misc",
    "transfers",
    "treasury",
    "twint_payments",
    "upi_payments",
    "us_bank_account_ach_payments",
    "us_bank_transfer_payments",
    "wero_payments",
    "zip_payments",
];
/// What a list shows besides what was asked for.
const OFFERED: [&str; 9] = [
    "affirm_payments",
    "afterpay_clearpay_payments",
    "card_payments",
    "cashapp_payments",
    "klarna_payments",
    "link_payments",
    "tax_reporting_us_1099_k",
    "transfers",
    "us_bank_account_ach_payments",
];
/// Nobody takes cards without being able to move the money on.
const TRANSFERS_WITH_CARDS: [&str; 1] = ["US"];

/// Asks for capabilities, or gives them back.
///
/// # Errors
/// 400 for an unknown one.
pub fn request(account: &mut Account, mut params: Params, now_s: i64) -> Result<(), ApiError> {
    for name in NAMES {
        let Some(mut one) = params.map(name)? else {
            continue;
        };
        if let Some(requested) = one.boolean("requested")? {
            set(account, name, requested, now_s);
        }
        one.finish()?;
    }
    params.finish()
}

/// Asks for one, or gives it back.
pub fn set(account: &mut Account, name: &str, requested: bool, now_s: i64) {
    if requested {
        account.requested.entry(name.to_owned()).or_insert(now_s);
        account
            .capabilities
            .entry(name.to_owned())
            .or_insert(Capability::Inactive);
        if account.kept && account.charges_enabled {
            account.capabilities.insert(name.to_owned(), Capability::Active);
        }
    } else {
        account.requested.remove(name);
        account.capabilities.remove(name);
    }
}

/// A capability as Stripe writes it, asked for or not.
pub fn render(account: &Account, name: &str) -> Value {
    let status = account.capabilities.get(name);
    let requested_at = account.requested.get(name);
    let whole = status == Some(&Capability::Active);
    let due = |listed: &[String]| -> Vec<String> {
        let concerned = listed.iter().filter(|requirement| concerns(requirement, name));
        if whole {
            Vec::new()
        } else {
            concerned.cloned().collect()
        }
    };
    let standing = &account.standing;
    let (currently, eventually) = match status {
        Some(_) => (due(&standing.currently_due), due(&standing.eventually_due)),
        // What one would have to say is told before one asks.
        None => (Vec::new(), due(&missing(account, true))),
    };
    let disabled = match status {
        Some(Capability::Inactive) if account.rejected.is_some() => Some("rejected.other"),
        Some(Capability::Inactive) => Some("requirements.fields_needed"),
        Some(Capability::Pending) => Some("pending.review"),
        Some(Capability::Active) | None => None,
    };
    let pending = if status.is_some() {
        due(&standing.pending_verification)
    } else {
        Vec::new()
    };
    let mut requirements = crate::connect::requirements::Standing {
        past_due: if standing.past_due.is_empty() {
            Vec::new()
        } else {
            currently.clone()
        },
        currently_due: currently,
        eventually_due: eventually,
        pending_verification: pending,
        ..standing.clone()
    }
    .render(&[]);
    requirements["disabled_reason"] = json!(disabled);
    let nothing = crate::connect::requirements::Standing::default().render(&[]);
    json!({
        "id": name, "object": "capability", "account": account.id, "future_requirements": nothing,
        "requested": status.is_some(), "requested_at": requested_at, "requirements": requirements,
        "status": status.map_or(json!("unrequested"), |status| json!(status)),
    })
}

fn known(name: &str) -> Result<(), ApiError> {
    match NAMES.contains(&name) {
        true => Ok(()),
        false => Err(ApiError::no_such("capability", name, "capability")),
    }
}

/// `GET /v1/accounts/{id}/capabilities/{name}`.
pub fn retrieve(
    state: &mut State,
    ctx: &Ctx,
    params: Params,
    id: &str,
    name: &str,
) -> Result<Value, ApiError> {
    params.finish()?;
    let account = accounts::visible(state, ctx, id)?;
    known(name)?;
    Ok(render(&account, name))
}

/// `GET /v1/accounts/{id}/capabilities`.
pub fn list(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    let account = accounts::visible(state, ctx, id)?;
    let shown = |name: &&&str| OFFERED.contains(name) || account.capabilities.contains_key(**name);
    let data: Vec<Value> = NAMES
        .iter()
        .filter(shown)
        .map(|name| render(&account, name))
        .collect();
    let url = format!("/v1/accounts/{}/capabilities", account.id);
    Ok(json!({ "object": "list", "data": data, "has_more": false, "url": url }))
}

/// `POST /v1/accounts/{id}/capabilities/{name}`.
pub fn update(
    state: &mut State,
    ctx: &Ctx,
    mut params: Params,
    id: &str,
    name: &str,
) -> Result<Value, ApiError> {
    let old = accounts::controlled(state, ctx, id)?;
    known(name)?;
    let requested = params.boolean("requested")?;
    params.finish()?;
    let mut account = Account::clone(&old);
    if let Some(requested) = requested {
        set(&mut account, name, requested, state.now_s());
        check(&account)?;
    }
    let account = tell::reviewed(state, &ctx.cause, &old, account);
    Ok(render(&account, name))
}

/// Whether the capabilities asked for go together.
///
/// # Errors
/// 400 when cards are asked for without transfers, which an account of the US needs when the platform answers
/// for it.
pub fn check(account: &Account) -> Result<(), ApiError> {
    let asked = |name: &str| account.capabilities.contains_key(name);
    let alone = asked("card_payments") && !asked("transfers");
    let answering =
        account.losses() == "application" && TRANSFERS_WITH_CARDS.contains(&account.country.as_str());
    if alone && answering && account.dashboard() == "express" {
        return Err(ApiError::invalid(
            "You cannot request the card_payments capability without the transfers capability for this \
             account.",
        )
        .param("capabilities"));
    }
    Ok(())
}
