//! What the network and Stripe's risk rules said of a charge.

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
