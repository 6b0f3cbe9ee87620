//! What the network and Stripe's risk rules said of a charge, and with what it was paid.

use serde_json::{Value, json};

use crate::cards::Bank;
use crate::charge::Charge;

/// The `outcome` of a charge.
pub fn of(charge: &Charge) -> Value {
    let risk = match charge.card.bank(charge.space.livemode) {
        Bank::ApprovesAtRisk(level) => level,
        _ => "normal",
    };
    let score = match risk {
        "highest" => 92,
        "elevated" => 71,
        _ => 12,
    };
    match &charge.failure {
        None => json!({
            "advice_code": null, "network_advice_code": null, "network_decline_code": null,
            "network_status": "approved_by_network", "reason": null, "risk_level": risk,
            "risk_score": score,
            "seller_message": "Payment complete.", "type": "authorized",
        }),
        Some(failure) => {
            let blocked = failure.outcome == "blocked";
            let status = if blocked {
                "not_sent_to_network"
            } else {
                "declined_by_network"
            };
            let level = if blocked { "highest" } else { risk };
            json!({
                "advice_code": failure.advice, "network_advice_code": null, "network_decline_code": null,
                "network_status": status, "reason": failure.decline_code, "risk_level": level,
                "risk_score": if blocked { 99 } else { score },
                "seller_message": "The bank did not return any further details with this decline.",
                "type": failure.outcome,
            })
        }
    }
}

/// What the network calls it: digits of its own. A charge that failed has none.
fn digits(charge: &Charge, count: usize) -> Option<String> {
    let digit = |byte: u8| char::from(b'0' + byte % 10);
    let own = charge.id.bytes().rev().take(count).map(digit);
    charge.failure.is_none().then(|| own.collect())
}

/// The `payment_method_details` of a charge.
pub fn method_details(charge: &Charge) -> Value {
    if charge.is_transferred() {
        return json!({ "stripe_account": {}, "type": "stripe_account" });
    }
    if let Some(debit) = &charge.debit {
        let kind = debit.other.kind();
        let mut details = json!({ "type": kind });
        details[kind] = debit.other.charged(debit.mandate.as_deref());
        return details;
    }
    let three_d_secure = charge.authenticated.then(|| {
        json!({
            "authentication_flow": "challenge", "electronic_commerce_indicator": "05",
            "exemption_indicator": null, "result": "authenticated", "result_reason": null,
            "transaction_id": null, "version": "2.2.0",
        })
    });
    let card = &charge.card;
    let authorized = if charge.failure.is_none() {
        Some(charge.amount)
    } else {
        None
    };
    let mut details = json!({
        "card": {
            "amount_authorized": authorized, "authorization_code": digits(charge, 6), "brand": card.brand,
            "checks": card.checks(&charge.billing, card.bank(charge.space.livemode)), "country": "US",
            "electronic_commerce_indicator": if charge.authenticated { "05" } else { "07" },
            "exp_month": card.exp_month, "exp_year": card.exp_year,
            "extended_authorization": { "status": "disabled" }, "fingerprint": card.fingerprint,
            "funding": card.funding, "incremental_authorization": { "status": "unavailable" },
            "installments": null, "last4": card.last4, "mandate": null,
            "multicapture": { "status": "unavailable" }, "network": card.brand,
            "network_token": { "used": false }, "network_transaction_id": digits(charge, 15),
            "overcapture": { "maximum_amount_capturable": charge.amount, "status": "unavailable" },
            "regulated_status": "unregulated", "three_d_secure": three_d_secure,
            "transaction_link_id": null,
            "wallet": null,
        },
        "type": "card",
    });
    // As with Stripe, the key is only there when there was a hold.
    if let Some(until) = charge.capture_before {
        details["card"]["capture_before"] = until.into();
    }
    details
}
