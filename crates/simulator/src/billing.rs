//! Billing: what an invoice makes of what its payer does.

use std::sync::Arc;

use crate::event::Cause;
use crate::payment_intent::PaymentIntent;
use crate::state::State;

/// The payer of an invoice confirmed, authenticated or failed: the intent is as that left it.
pub fn intent_changed(_: &mut State, _: &Cause, _: &Arc<PaymentIntent>) {}
