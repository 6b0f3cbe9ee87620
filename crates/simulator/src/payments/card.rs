//! A card as the older APIs show it: the source of a customer or of a charge, and what a token holds. Behind
//! it is a payment method, whose id then begins with `card_`.

use serde_json::{Map, Value, json};

use crate::address::Billing;
use crate::error::ApiError;
use crate::form::Params;
use crate::payment_method::{Card, PaymentMethod};

/// A brand as the older APIs write it.
fn brand(brand: &str) -> &str {
    match brand {
        "visa" => "Visa",
        "mastercard" => "MasterCard",
        "amex" => "American Express",
        "discover" => "Discover",
        "diners" => "Diners Club",
        "jcb" => "JCB",
        "unionpay" => "UnionPay",
        _ => "Unknown",
    }
}

/// A card that belongs to nobody, as a token holds it.
pub fn render(id: &str, card: &Card, billing: &Billing, livemode: bool) -> Map<String, Value> {
    let checks = card.checks(billing, card.bank(livemode));
    let address = &billing.address;
    let shown = json!({
        "id": id, "object": "card", "address_city": address.city, "address_country": address.country,
        "address_line1": address.line1, "address_line1_check": checks["address_line1_check"],
        "address_line2": address.line2, "address_state": address.state, "address_zip": address.postal_code,
        "address_zip_check": checks["address_postal_code_check"], "brand": brand(&card.brand),
        "country": "US", "cvc_check": checks["cvc_check"], "dynamic_last4": null,
        "exp_month": card.exp_month, "exp_year": card.exp_year, "fingerprint": card.fingerprint,
        "funding": card.funding, "last4": card.last4, "metadata": {}, "name": billing.name,
        "networks": { "preferred": null }, "regulated_status": "unregulated", "tokenization_method": null,
        "wallet": null,
    });
    match shown {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// A card that is a customer's source, or was.
pub fn source(method: &PaymentMethod) -> Value {
    let mut card = render(&method.id, &method.card, &method.billing, method.space.livemode);
    card.insert("customer".into(), method.customer.clone().into());
    card.insert("metadata".into(), json!(method.metadata));
    Value::Object(card)
}

/// Reads a holder's name and address as the older APIs call them.
///
/// # Errors
/// 400 for a malformed parameter.
pub fn read_billing(params: &mut Params, billing: &mut Billing) -> Result<(), ApiError> {
    params.update("name")?.apply(&mut billing.name);
    let address = &mut billing.address;
    params.update("address_city")?.apply(&mut address.city);
    params.update("address_country")?.apply(&mut address.country);
    params.update("address_line1")?.apply(&mut address.line1);
    params.update("address_line2")?.apply(&mut address.line2);
    params.update("address_state")?.apply(&mut address.state);
    params.update("address_zip")?.apply(&mut address.postal_code);
    Ok(())
}
