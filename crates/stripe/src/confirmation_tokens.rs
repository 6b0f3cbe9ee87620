//! Confirmation tokens: what a payer entered in the browser, as the server may look at it before
//! confirming. A token belongs to the account it was made on and can be used once.

use serde_json::Value;

use crate::account_id::AccountId;
use crate::client::Client;
use crate::error::{CallError, Unreadable};
use crate::form::object_path;
use crate::object;

/// A confirmation token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfirmationToken {
    /// `ctoken_…`
    pub id: String,
    /// Live or test mode.
    pub livemode: bool,
    /// Seconds since the epoch.
    pub created: Option<i64>,
    /// Seconds since the epoch; about twelve hours after creation.
    pub expires_at: Option<i64>,
    /// The intent it was used for (`pi_…`); absent while unused.
    pub payment_intent: Option<String>,
    /// `card`, …
    pub payment_method_type: Option<String>,
    /// `visa`, …, for a card.
    pub card_brand: Option<String>,
    /// The card's last four digits.
    pub card_last4: Option<String>,
}

/// The token with this id on the tenant's account. An id that a browser made up, or a token of another
/// account, is a 404.
pub async fn retrieve(
    client: &Client,
    account: &AccountId,
    token_id: &str,
) -> Result<ConfirmationToken, CallError> {
    let path = object_path("/v1/confirmation_tokens", token_id);
    let answer = client.read(&path, &[], Some(account)).await?;
    Ok(ConfirmationToken::parse(&answer.body)?)
}

impl ConfirmationToken {
    /// Reads the body of an answer.
    pub fn parse(body: &str) -> Result<ConfirmationToken, Unreadable> {
        ConfirmationToken::from_value(&object::parse(body)?)
    }

    /// Reads a token from an answer.
    pub fn from_value(value: &Value) -> Result<ConfirmationToken, Unreadable> {
        object::require_kind(value, "confirmation_token")?;
        let preview = value.get("payment_method_preview");
        let card = preview.and_then(|preview| preview.get("card"));
        Ok(ConfirmationToken {
            id: object::require_text(value, "id")?,
            livemode: object::flag(value, "livemode"),
            created: object::int(value, "created"),
            expires_at: object::int(value, "expires_at"),
            payment_intent: object::id_of(value, "payment_intent"),
            payment_method_type: preview.and_then(|preview| object::text(preview, "type")),
            card_brand: card.and_then(|card| object::text(card, "brand")),
            card_last4: card.and_then(|card| object::text(card, "last4")),
        })
    }
}
