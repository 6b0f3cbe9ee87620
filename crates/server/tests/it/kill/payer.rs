//! A payer with one invoice: opens the page, presses Pay, and when the connection breaks looks again, as a
//! person does, until it is paid or patience ends.

use serde_json::{Value, json};

use super::installation::Door;
use crate::browser::poll;

/// How long a payer tries before leaving.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(15);

/// Pays the `nth` invoice.
///
/// # Errors
/// What its page and the last press were answered, where patience ended before the page said that it is paid.
pub async fn pay(door: &Door, nth: usize, link: &str) -> Result<(), String> {
    let address = format!("10.{}.{}.7", nth / 250, nth % 250);
    let mut looks = nth;
    let mut heard = (Value::Null, Value::Null);
    // Some have a card with too little on it, and then another.
    let mut cards = match nth % 7 {
        3 => vec!["pm_card_visa", "pm_card_visa_chargeDeclinedInsufficientFunds"],
        _ => vec!["pm_card_visa"],
    };
    let paid = poll(PATIENCE, async || {
        looks += 1;
        let origin = &door.origins[looks % door.origins.len()];
        let public = format!("{origin}/api/public/invoices/{link}");
        let looked = tell(door.http.get(&public), &address).await?;
        heard.0 = looked.clone();
        match looked["state"].as_str() {
            Some("paid") => return Some(()),
            Some("pay") => {}
            _ => return None,
        }
        let card = match cards.len() {
            1 => cards[0],
            _ => cards.pop().unwrap_or("pm_card_visa"),
        };
        let token = token(door, card).await?;
        let press = json!({"confirmation_token": token, "amount": looked["amount"], "currency": "usd",
            "page_token": looked["page_token"]});
        // The page is two seconds old before it takes a press.
        let pressed = poll(PATIENCE, async || {
            let request = door.http.post(format!("{public}/pay")).body(press.to_string());
            match tell(request, &address).await {
                Some(answer) if answer["code"] == "too_soon" => None,
                answered => Some(answered),
            }
        });
        heard.1 = pressed.await.flatten().unwrap_or_default();
        None
    });
    let paid = paid.await.is_some();
    let (looked, pressed) = heard;
    match paid {
        true => Ok(()),
        false => Err(format!("invoice {nth}: {looked}, pressed: {pressed}")),
    }
}

/// What Stripe.js would make of the card.
async fn token(door: &Door, card: &str) -> Option<Value> {
    let request = door
        .http
        .post(format!("{}/v1/test_helpers/confirmation_tokens", door.stripe))
        .bearer_auth("sk_test_psapay_demo")
        .header("stripe-account", &door.account)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("payment_method={card}"));
    let made = tell(request, "127.0.0.1").await?;
    made["id"].is_string().then(|| made["id"].clone())
}

/// The answer, or nothing where the connection broke.
async fn tell(request: reqwest::RequestBuilder, address: &str) -> Option<Value> {
    let answer = request.header("x-forwarded-for", address).send().await.ok()?;
    serde_json::from_str(&answer.text().await.ok()?).ok()
}
