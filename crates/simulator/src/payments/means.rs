//! With what an intent is confirmed: a card named, typed or held by a token, and how its holder is reached.

use std::sync::Arc;

use crate::api::Ctx;
use crate::confirmation_token::{self, ConfirmationToken};
use crate::error::ApiError;
use crate::form::Params;
use crate::payment_method::{self, Named, PaymentMethod};
use crate::payments::mandate::Acceptance;
use crate::payments::other_method::Other;
use crate::state::{Space, State};

/// With what an intent is confirmed.
#[derive(Debug)]
pub struct Means {
    /// The card; without one the intent's own.
    pub method: Option<Named>,
    /// The token that the card came with.
    pub token: Option<Arc<ConfirmationToken>>,
    /// The consent to debits of a bank account; a card needs none.
    pub acceptance: Option<Acceptance>,
    /// Whether its holder is not there.
    pub off_session: bool,
    /// Whether a needed authentication is a refusal.
    pub error_on_requires_action: bool,
    use_stripe_sdk: Option<bool>,
    /// Where a redirect comes back to.
    pub return_url: Option<String>,
}

impl Means {
    /// Reads the parameters; `usage` is the `setup_future_usage` that the intent has by now.
    ///
    /// # Errors
    /// 400 for two cards at once, `payment_intent_confirmation_token_invalid` for a used token, and the
    /// token's own rules.
    pub fn read(
        state: &State,
        ctx: &Ctx,
        params: &mut Params,
        usage: Option<&str>,
    ) -> Result<Means, ApiError> {
        let id = params.text("payment_method")?;
        let data = params.map("payment_method_data")?;
        let token = params.text("confirmation_token")?;
        if usize::from(id.is_some()) + usize::from(data.is_some()) + usize::from(token.is_some()) > 1 {
            let message = "You may only specify one of these parameters: payment_method, \
                           payment_method_data, confirmation_token.";
            return Err(ApiError::invalid(message).code("parameters_exclusive"));
        }
        let token = token.map(|id| unused(state, ctx, &id, usage)).transpose()?;
        let method = match (id, data, &token) {
            (Some(id), _, _) => Some(payment_method::named(state, &ctx.space, &id)?),
            (None, Some(mut data), _) => {
                let entry = payment_method::read(state, ctx, &mut data)?;
                data.finish()?;
                Some(Named::Fresh(Box::new(entry)))
            }
            (None, None, Some(token)) => Some(token.method(state)?),
            (None, None, None) => None,
        };
        Ok(Means {
            method,
            acceptance: Acceptance::read(state, params)?
                .or_else(|| token.as_ref().and_then(|token| token.acceptance())),
            off_session: params.boolean("off_session")?.unwrap_or(false),
            error_on_requires_action: params.boolean("error_on_requires_action")?.unwrap_or(false),
            use_stripe_sdk: params.boolean("use_stripe_sdk")?,
            return_url: params
                .text("return_url")?
                .or_else(|| token.as_ref().and_then(|token| token.return_url.clone())),
            token,
        })
    }

    /// What the payment method that counts is when it is no card; `own` is the intent's.
    pub fn other(&self, state: &State, space: &Space, own: Option<&str>) -> Option<Arc<Other>> {
        match (&self.method, own) {
            (Some(Named::Stored(method)), _) => method.other.clone(),
            (Some(Named::Fresh(entry)), _) => entry.other.clone(),
            (None, Some(id)) => state.get::<PaymentMethod>(space, id).ok()?.other.clone(),
            (None, None) => None,
        }
    }

    /// Whether Stripe.js will handle what the payer has to do, as the request or the intent says; always with
    /// a token it made.
    pub fn by_sdk(&self, of_intent: Option<bool>) -> bool {
        self.use_stripe_sdk.or(of_intent).unwrap_or(self.token.is_some())
    }
}

fn unused(
    state: &State,
    ctx: &Ctx,
    id: &str,
    usage: Option<&str>,
) -> Result<Arc<ConfirmationToken>, ApiError> {
    let token = confirmation_token::unused(state, &ctx.space, id)?;
    match (&token.setup_future_usage, usage) {
        (Some(tokens), Some(intents)) if tokens != intents => Err(ApiError::invalid(format!(
            "The provided setup_future_usage ({intents}) does not match the setup_future_usage of the \
             ConfirmationToken ({tokens})."
        ))
        .param("setup_future_usage")),
        _ => Ok(token),
    }
}
