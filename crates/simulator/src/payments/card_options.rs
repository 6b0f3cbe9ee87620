//! The rarer of an intent's options for cards: features that a hold may have, a code that was typed again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::form::Params;
use crate::payment_intent::{PaymentIntent, Status};
use crate::payments::token::{self, Token, What};
use crate::state::{Space, State};

const FEATURES: [&str; 4] = [
    "request_extended_authorization",
    "request_incremental_authorization",
    "request_multicapture",
    "request_overcapture",
];

/// An intent's further options for cards.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CardOptions {
    /// The features that were asked for: `if_available` or `never`.
    pub features: BTreeMap<String, String>,
    /// Whether the card is to be kept, in the place of what the intent says: `none` for not at all.
    pub setup_future_usage: Option<String>,
    /// The scheme to be used.
    pub network: Option<String>,
    /// Whether the payer has to type the code again.
    pub require_cvc_recollection: Option<bool>,
    /// Whether the payer gave the card by mail or telephone, and cannot be asked for more.
    pub moto: bool,
    /// The token of a code that was typed again; it is never shown.
    pub cvc_token: Option<String>,
}

impl CardOptions {
    /// Reads `payment_method_options[card][…]` onto what was there.
    ///
    /// # Errors
    /// 400 for a malformed parameter.
    pub fn read(&mut self, card: &mut Params) -> Result<(), ApiError> {
        for feature in FEATURES {
            if let Some(word) = card.choice(feature, &["if_available", "never"])? {
                self.features.insert(feature.to_owned(), word.to_owned());
            }
        }
        if let Some(usage) = card.choice("setup_future_usage", &["none", "off_session", "on_session"])? {
            self.setup_future_usage = Some(usage.to_owned());
        }
        let networks = [
            "amex",
            "cartes_bancaires",
            "diners",
            "discover",
            "eftpos_au",
            "girocard",
            "interac",
            "jcb",
            "mastercard",
            "unionpay",
            "visa",
        ];
        if let Some(network) = card.choice("network", &networks)? {
            self.network = Some(network.to_owned());
        }
        let again = card.boolean("require_cvc_recollection")?;
        self.require_cvc_recollection = again.or(self.require_cvc_recollection);
        self.moto = card.boolean("moto")?.unwrap_or(self.moto);
        card.update("cvc_token")?.apply(&mut self.cvc_token);
        Ok(())
    }

    /// Puts what is set beside the options that are always shown.
    pub fn show(&self, card: &mut Map<String, Value>) {
        for (feature, word) in &self.features {
            card.insert(feature.clone(), word.as_str().into());
        }
        if let Some(usage) = &self.setup_future_usage {
            card.insert("setup_future_usage".into(), usage.as_str().into());
        }
        if let Some(network) = &self.network {
            card.insert("network".into(), network.as_str().into());
        }
        if let Some(again) = self.require_cvc_recollection {
            card.insert("require_cvc_recollection".into(), again.into());
        }
    }

    /// What refuses a confirmation that has begun, since no account here is eligible for the features, and a
    /// code is used once.
    ///
    /// # Errors
    /// 400 `payment_intent_invalid_parameter`, `token_already_used` or `resource_missing`.
    pub fn check(&self, state: &State, space: &Space) -> Result<(), ApiError> {
        if self.features.values().any(|word| word == "if_available") {
            return Err(ApiError::invalid(
                "This account is not eligible for the requested card features. See \
                 https://stripe.com/docs/payments/flexible-payments for more details.",
            )
            .code("payment_intent_invalid_parameter")
            .saved());
        }
        let Some(id) = &self.cvc_token else {
            return Ok(());
        };
        let param = "payment_method_options[card][cvc_token]";
        let token = state.get_for::<Token>(space, id, param);
        let token = token.map_err(|error| error.status(400))?;
        match (&token.what, token.used) {
            (What::Cvc, false) => Ok(()),
            (What::Cvc, true) => {
                let message = format!("You cannot use a Stripe token more than once: {id}.");
                Err(ApiError::invalid(message).code("token_already_used").saved())
            }
            _ => Err(ApiError::no_such("token", id, param).status(400)),
        }
    }
}

/// Whether an intent's payer gave the card by mail or telephone.
pub fn by_phone(intent: &PaymentIntent) -> bool {
    intent.card_options.as_ref().is_some_and(|options| options.moto)
}

/// Looks at the rarer options for cards, and uses up the token of a code that was typed again. A refusal
/// leaves the intent waiting for a card.
///
/// # Errors
/// As [`CardOptions::check`].
pub fn apply(state: &mut State, intent: &mut PaymentIntent) -> Result<(), ApiError> {
    let Some(options) = &mut intent.card_options else {
        return Ok(());
    };
    let checked = options.check(state, &intent.space);
    let token = options.cvc_token.take();
    match (checked, token) {
        (Ok(()), Some(token)) => {
            token::spend(state, &intent.space, &token);
            Ok(())
        }
        (Ok(()), None) => Ok(()),
        (Err(error), _) => {
            let left = state.put(PaymentIntent {
                status: Status::RequiresPaymentMethod,
                payment_method: None,
                next_action: None,
                ..intent.clone()
            });
            Err(error.with_intent(&left))
        }
    }
}
