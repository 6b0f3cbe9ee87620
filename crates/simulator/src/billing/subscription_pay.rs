//! What a request says of how a subscription's invoice is paid at once, and what refuses it beforehand.

use std::sync::Arc;

use super::collecting;
use super::invoice::Collection;
use super::line::Line;
use super::refusal;
use super::subscribing::Paying;
use super::subscription::Subscription;
use super::subscription_lines;
use crate::cards::{Authentication, Bank};
use crate::error::{ApiError, CardRefusal};
use crate::form::Params;
use crate::payment_method::PaymentMethod;
use crate::state::State;

/// What happens when a payment fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfFailing {
    /// The subscription stays, unpaid.
    Allow,
    /// Nothing is tried; the customer pays.
    Wait,
    /// The request is refused.
    Refuse,
}

/// How the invoice is paid.
#[derive(Clone, Copy, Debug)]
pub struct Behavior {
    /// What happens when that fails.
    pub if_failing: IfFailing,
    /// Whether the card's holder is not there.
    pub off_session: bool,
}

impl Behavior {
    /// The same for the invoice.
    pub fn paying(self) -> Paying {
        Paying {
            waits: self.if_failing == IfFailing::Wait,
            off_session: self.off_session,
        }
    }
}

/// Reads `payment_behavior` and `off_session`.
///
/// # Errors
/// 400 for a pending update, which no new subscription can have and this simulator does not keep.
pub fn read(params: &mut Params, creating: bool) -> Result<Behavior, ApiError> {
    let words = [
        "allow_incomplete",
        "default_incomplete",
        "error_if_incomplete",
        "pending_if_incomplete",
    ];
    let if_failing = match params.choice("payment_behavior", &words)? {
        Some("default_incomplete") => IfFailing::Wait,
        Some("error_if_incomplete") => IfFailing::Refuse,
        Some("pending_if_incomplete") if creating => {
            let message = "`payment_behavior=pending_if_incomplete` can only be used when updating a \
                           subscription.";
            return Err(ApiError::invalid(message).param("payment_behavior"));
        }
        // A pending update is not kept: one that cannot be paid is refused as a whole.
        Some("pending_if_incomplete") => IfFailing::Refuse,
        _ => IfFailing::Allow,
    };
    Ok(Behavior {
        if_failing,
        off_session: params.boolean("off_session")?.unwrap_or(false),
    })
}

/// Refuses what cannot be paid: nothing to charge, or a card that fails when that is not allowed.
///
/// # Errors
/// 400 `resource_missing` without a card, 402 for a card that would be refused.
pub fn check(
    state: &State,
    preview: &Subscription,
    lines: Vec<Line>,
    behavior: Behavior,
    reason: &str,
) -> Result<(), ApiError> {
    let Some(invoice) = subscription_lines::invoice(state, preview, reason, lines) else {
        return Ok(());
    };
    if preview.terms.collection == Collection::SendInvoice
        || invoice.amount_due <= 0
        || behavior.if_failing == IfFailing::Wait
    {
        return Ok(());
    }
    let Some(method) = collecting::method_of(state, &invoice) else {
        return Err(refusal::no_method());
    };
    if behavior.if_failing == IfFailing::Refuse {
        check_card(&method, behavior.off_session)?;
    }
    Ok(())
}

fn check_card(method: &Arc<PaymentMethod>, off_session: bool) -> Result<(), ApiError> {
    if let Bank::Declines(decline) | Bank::DeclinesAttached(decline) = method.card.bank(method.space.livemode)
    {
        return Err(ApiError::declined(
            decline,
            CardRefusal {
                decline_code: Some(decline.decline_code.to_owned()),
                advice_code: decline.advice,
                charge: None,
                intent: None,
                setup: None,
                method: Some(Arc::clone(method)),
            },
        ));
    }
    let asks = method.card.test().is_some_and(|card| match card.authentication {
        Authentication::Always => true,
        Authentication::OnSession => !off_session,
        Authentication::UnlessSetUp => !method.set_up,
        Authentication::Optional => false,
    });
    if !asks {
        return Ok(());
    }
    let mut error = ApiError::invalid(
        "Payment for this subscription requires additional user action before it can be completed \
         successfully. Payment can be completed using the PaymentIntent associated with \
         `subscription.latest_invoice`. For more details see: \
         https://stripe.com/docs/billing/subscriptions/overview#requires-action",
    )
    .code("subscription_payment_intent_requires_action")
    .status(402)
    .saved();
    error.kind = "card_error";
    Err(error)
}
