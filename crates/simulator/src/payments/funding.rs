//! Where customers send bank transfers: test account numbers, the same for a customer every time.

use serde_json::{Value, json};

use crate::api::Ctx;
use crate::currency;
use crate::customer;
use crate::error::ApiError;
use crate::form::Params;
use crate::ids;
use crate::state::State;

/// The kind of transfer in a currency; `None` where there is none.
pub fn transfer_type(currency: &str) -> Option<&'static str> {
    match currency {
        "usd" => Some("us_bank_transfer"),
        "eur" => Some("eu_bank_transfer"),
        "gbp" => Some("gb_bank_transfer"),
        "jpy" => Some("jp_bank_transfer"),
        "mxn" => Some("mx_bank_transfer"),
        _ => None,
    }
}

/// Checks that transfers are taken in a currency.
///
/// # Errors
/// 400 where they are not.
pub fn check_currency(currency: &str) -> Result<(), ApiError> {
    if transfer_type(currency).is_some() {
        return Ok(());
    }
    let message = format!("Bank transfers are not available in {currency}.");
    Err(ApiError::invalid(message).param("currency"))
}

/// Who sent a test transfer.
pub fn sender(transfer: &str) -> Value {
    match transfer {
        "us_bank_transfer" => json!({ "network": "ach", "sender_name": "STRIPE TEST SENDER" }),
        "eu_bank_transfer" => {
            json!({ "bic": "BANKDEAAXXX", "iban_last4": "3000", "sender_name": "STRIPE TEST SENDER" })
        }
        "gb_bank_transfer" => json!({
            "account_number_last4": "6789", "sender_name": "STRIPE TEST SENDER", "sort_code": "108800",
        }),
        _ => json!({ "sender_bank": null, "sender_branch": null, "sender_name": "STRIPE TEST SENDER" }),
    }
}

/// `POST /v1/customers/{id}/funding_instructions`.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let customer = customer::living(state, &ctx.space, id, "customer")?;
    let currency = currency::parse(&params.required("currency")?)?;
    params
        .choice("funding_type", &["bank_transfer"])?
        .ok_or_else(|| ApiError::missing("funding_type"))?;
    let mut transfer = params
        .map("bank_transfer")?
        .ok_or_else(|| ApiError::missing("bank_transfer"))?;
    let wanted = read_transfer(&mut transfer)?;
    transfer.finish()?;
    params.finish()?;
    check_currency(&currency)?;
    let right = transfer_type(&currency).unwrap_or_default();
    if wanted.kind != right {
        let message = format!("Bank transfers in {currency} are of the type {right}.");
        return Err(ApiError::invalid(message).param("bank_transfer[type]"));
    }
    let number = ids::fingerprint(state.settings.seed, &customer.id);
    let digits: String = number
        .bytes()
        .take(12)
        .map(|byte| char::from(b'0' + byte % 10))
        .collect();
    let country = wanted.country.unwrap_or_else(|| country_of(right).into());
    Ok(json!({
        "object": "funding_instructions",
        "bank_transfer": {
            "country": country, "financial_addresses": addresses(right, &digits, &country), "type": right,
        },
        "currency": currency, "funding_type": "bank_transfer", "livemode": ctx.space.livemode,
    }))
}

/// What a request says of a bank transfer.
pub struct Wanted {
    /// Such as `us_bank_transfer`.
    pub kind: String,
    /// The country of a European one.
    pub country: Option<String>,
}

/// Reads `bank_transfer[…]`.
///
/// # Errors
/// 400 for a kind that there is not, or a European one without its country.
pub fn read_transfer(transfer: &mut Params) -> Result<Wanted, ApiError> {
    let kinds = [
        "eu_bank_transfer",
        "gb_bank_transfer",
        "jp_bank_transfer",
        "mx_bank_transfer",
        "us_bank_transfer",
        // As the official command line writes it.
        "jp_bank_account",
    ];
    let kind = transfer
        .choice("type", &kinds)?
        .ok_or_else(|| ApiError::missing(&transfer.name("type")))?;
    transfer.texts("requested_address_types")?;
    let country = match transfer.map("eu_bank_transfer")? {
        Some(mut eu) => {
            let country = eu.required("country")?;
            eu.finish()?;
            Some(country)
        }
        None if kind == "eu_bank_transfer" => {
            let name = transfer.name("eu_bank_transfer");
            return Err(ApiError::missing(&format!("{name}[country]")));
        }
        None => None,
    };
    Ok(Wanted {
        kind: kind.to_owned(),
        country,
    })
}

fn country_of(transfer: &str) -> &'static str {
    match transfer {
        "eu_bank_transfer" => "DE",
        "gb_bank_transfer" => "GB",
        "jp_bank_transfer" => "JP",
        "mx_bank_transfer" => "MX",
        _ => "US",
    }
}

/// The accounts that a transfer may go to.
pub fn addresses(transfer: &str, digits: &str, country: &str) -> Vec<Value> {
    let place = json!({
        "city": "South San Francisco", "country": country, "line1": "354 Oyster Point Blvd", "line2": null,
        "postal_code": "94080", "state": "CA",
    });
    let account = |own: Value| {
        let mut own = own;
        own["account_holder_address"] = place.clone();
        own["account_holder_name"] = "psa-pay".into();
        own["bank_address"] = place.clone();
        own
    };
    let address = |kind: &str, networks: &[&str], own: Value| {
        let mut address = json!({ "supported_networks": networks, "type": kind });
        address[kind] = account(own);
        address
    };
    match transfer {
        "us_bank_transfer" => vec![
            address(
                "aba",
                &["ach", "domestic_wire_us"],
                json!({
                    "account_number": digits, "account_type": "checking", "bank_name": "US Test Bank",
                    "routing_number": "999999999",
                }),
            ),
            address(
                "swift",
                &["swift"],
                json!({
                    "account_number": digits, "account_type": "checking", "bank_name": "US Test Bank",
                    "swift_code": "TESTUS99XXX",
                }),
            ),
        ],
        "eu_bank_transfer" => vec![address(
            "iban",
            &["sepa"],
            json!({ "bic": "SXPYDEHHXXX", "country": country, "iban": format!("{country}00{digits}") }),
        )],
        "gb_bank_transfer" => vec![address(
            "sort_code",
            &["fps", "bacs"],
            json!({ "account_number": digits.get(..8), "sort_code": "108800" }),
        )],
        "mx_bank_transfer" => vec![address(
            "spei",
            &["spei"],
            json!({ "bank_code": "000", "bank_name": "MX Test Bank", "clabe": format!("000000{digits}") }),
        )],
        _ => vec![address(
            "zengin",
            &["zengin"],
            json!({
                "account_number": digits.get(..7), "account_type": "futsu", "bank_code": "0000",
                "bank_name": "JP Test Bank", "branch_code": "000", "branch_name": "Test",
            }),
        )],
    }
}
