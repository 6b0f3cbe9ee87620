//! Subscriptions: what is billed again and again.

use std::sync::Arc;

use super::invoice::Invoice;
use crate::event::Cause;
use crate::state::State;

/// A subscription's invoice was paid, could not be paid, was voided or given up: it is as that left it.
pub fn invoice_changed(_: &mut State, _: &Cause, _: &Arc<Invoice>) {}
