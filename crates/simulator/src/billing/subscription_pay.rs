//! What a request says of how a subscription's invoice is paid at once, and what refuses it beforehand.

use std::sync::Arc;

use super::collecting;
use super::finalization;
use super::invoice::{Collection, Invoice};
use super::invoice_item::InvoiceItem;
use super::item_cost;
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
    /// The change would wait for the payment, which this simulator does not do: it is refused as well.
    Keep,
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
/// 400 for a pending update, which no new subscription can have.
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
        Some("pending_if_incomplete") => IfFailing::Keep,
        _ => IfFailing::Allow,
    };
    Ok(Behavior {
        if_failing,
        off_session: params.boolean("off_session")?.unwrap_or(false),
    })
}

/// What an invoice would hold: lines, and items that would wait for it.
pub type Coming<'a> = (Vec<Line>, &'a [InvoiceItem]);

/// Refuses what cannot be paid: more than can be charged at once, nothing to charge, or a card that fails
/// when that is not allowed.
///
/// # Errors
/// 400 `amount_too_large`, 400 `resource_missing` without a card, 402 for a card that would be refused; 400
/// for one whose change would have to wait.
pub fn check(
    state: &State,
    preview: &Subscription,
    coming: Coming,
    behavior: Behavior,
    reason: &str,
) -> Result<(), ApiError> {
    let Some(invoice) = check_amount(state, preview, coming, reason)? else {
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
    match behavior.if_failing {
        IfFailing::Allow | IfFailing::Wait => Ok(()),
        IfFailing::Refuse => check_card(&method, behavior.off_session),
        IfFailing::Keep => check_card(&method, behavior.off_session).map_err(|_| {
            let message = "This simulator keeps no pending updates: a change with \
                           `payment_behavior=pending_if_incomplete` can be made when its invoice is paid at \
                           once, and the card of this one would be refused or ask for its holder.";
            ApiError::invalid(message).param("payment_behavior")
        }),
    }
}

/// Refuses an invoice over what cannot be charged, and gives it else; `None` when its customer is gone.
///
/// # Errors
/// 400 `amount_too_large`, or another amount that cannot be charged.
pub fn check_amount(
    state: &State,
    preview: &Subscription,
    coming: Coming,
    reason: &str,
) -> Result<Option<Invoice>, ApiError> {
    for item in coming.1 {
        item_cost::check(item.amount, &item.currency)?;
    }
    let Some(invoice) = subscription_lines::whole_invoice(state, preview, reason, coming) else {
        return Ok(None);
    };
    // The first one that goes by mail is a draft at first.
    let draft = preview.terms.collection == Collection::SendInvoice && reason == "subscription_create";
    if !draft {
        finalization::check(state, &invoice)?;
    }
    Ok(Some(invoice))
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
