//! What is said when an invoice cannot be made or paid, in Stripe's words.

use std::sync::Arc;

use super::invoice::{Invoice, Status};
use crate::error::{ApiError, CardRefusal};
use crate::payment_intent::PaymentIntent;

/// The codes that a card's refusal may have.
const CODES: [&str; 8] = [
    "authentication_required",
    "card_declined",
    "expired_card",
    "incorrect_cvc",
    "incorrect_number",
    "invalid_expiry_year",
    "payment_intent_authentication_failure",
    "processing_error",
];

/// 400: nothing waits to be billed.
pub fn nothing_to_invoice(subscription: bool) -> ApiError {
    if subscription {
        ApiError::invalid("Nothing to invoice for subscription").code("invoice_no_subscription_line_items")
    } else {
        ApiError::invalid("Nothing to invoice for customer").code("invoice_no_customer_line_items")
    }
}

/// 400: there is nothing to charge.
pub fn no_method() -> ApiError {
    ApiError::invalid(
        "This customer has no attached payment source or default payment method. Please consider adding a \
         default payment method. For more information, visit \
         https://stripe.com/docs/billing/subscriptions/payment-methods-setting#payment-method-priority.",
    )
    .code("resource_missing")
}

/// 402: the card's holder must act, with the intent that the invoice shows.
pub fn action_required() -> ApiError {
    let mut error = ApiError::invalid(
        "This payment requires additional user action before it can be completed successfully. Payment can \
         be completed using the PaymentIntent associated with this invoice. For more details see: \
         https://stripe.com/docs/billing/subscriptions/overview#requires-action",
    )
    .code("invoice_payment_intent_requires_action")
    .status(402)
    .saved();
    error.kind = "card_error";
    error
}

/// 402: the card was refused; the intent says why.
pub fn declined(intent: &Arc<PaymentIntent>) -> ApiError {
    let Some(last) = &intent.last_error else {
        return no_method().saved();
    };
    let code = CODES.iter().find(|code| **code == last.code);
    let mut error = ApiError::invalid(last.message.clone())
        .code(code.copied().unwrap_or("card_declined"))
        .status(402)
        .saved();
    error.kind = "card_error";
    error.param.clone_from(&last.param);
    error.card = Some(Box::new(CardRefusal {
        decline_code: last.decline_code.clone(),
        advice_code: None,
        charge: last.charge.clone(),
        intent: Some(Arc::clone(intent)),
        setup: None,
        method: Some(Arc::clone(&last.method)),
    }));
    error
}

/// Whether an invoice can still be paid.
///
/// # Errors
/// 400 for one that is paid or void.
pub fn check_payable(invoice: &Invoice) -> Result<(), ApiError> {
    match invoice.status {
        Status::Draft | Status::Open | Status::Uncollectible => Ok(()),
        Status::Paid => Err(ApiError::invalid("Invoice is already paid")),
        Status::Void => Err(ApiError::invalid(
            "This invoice is void and can no longer be paid.",
        )),
    }
}
