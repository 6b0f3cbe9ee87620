//! Collecting what an invoice asks for: which card is charged, what becomes of the invoice then, and when a
//! payment that failed is tried again.

use std::sync::Arc;

use super::invoice::{self, Collection, Invoice, Status};
use super::invoice_payment::{self, InvoicePayment};
use super::invoicing::{self, Later};
use crate::confirm;
use crate::customer::Customer;
use crate::event::{self, Cause};
use crate::payment_intent::{self, PaymentIntent};
use crate::payment_method::PaymentMethod;
use crate::state::{Object, State};

const DAY_S: i64 = 86_400;
/// How many days after each failure a payment is tried again, as by Stripe's plain schedule of retries.
const RETRY_DAYS: [i64; 3] = [3, 5, 7];

/// What came of trying to collect.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It is paid.
    Paid,
    /// The money is on its way, or held.
    Pending,
    /// The card's holder must act.
    ActionRequired,
    /// The card was refused; the intent says why.
    Failed(Arc<PaymentIntent>),
    /// There is nothing to charge.
    NoMethod,
}

/// The card that an invoice is paid by: its own, its subscription's, the customer's, or the customer's
/// source.
pub fn method_of(state: &State, invoice: &Invoice) -> Option<Arc<PaymentMethod>> {
    let subscribed = invoice.subscription.as_ref();
    let customer = state.get::<Customer>(&invoice.space, &invoice.customer).ok();
    let ids = [
        invoice.default_payment_method.clone(),
        subscribed.and_then(|subscribed| subscribed.payment_method.clone()),
        customer
            .as_ref()
            .and_then(|customer| customer.default_payment_method.clone()),
        customer.and_then(|customer| customer.default_source.clone()),
    ];
    ids.into_iter()
        .flatten()
        .filter_map(|id| state.get::<PaymentMethod>(&invoice.space, &id).ok())
        .find(|method| method.customer.as_deref() == Some(invoice.customer.as_str()))
}

/// Tries to collect an invoice that was finalized, by `method` or else by the card that [`method_of`] finds.
/// `off_session` says that the card's holder is not there.
pub fn collect(
    state: &mut State,
    cause: &Cause,
    invoice: &Arc<Invoice>,
    method: Option<Arc<PaymentMethod>>,
    off_session: bool,
) -> (Arc<Invoice>, Outcome) {
    if invoice.status == Status::Paid {
        return (Arc::clone(invoice), Outcome::Paid);
    }
    let Some(method) = method.or_else(|| method_of(state, invoice)) else {
        let invoice = failed(state, cause, invoice, None);
        return (invoice, Outcome::NoMethod);
    };
    let (invoice, intent) = intent_for(state, cause, invoice);
    let Some(intent) = intent else {
        return (invoice, Outcome::Pending);
    };
    let intent = confirm::attempt_for_invoice(state, cause, &intent, &method, off_session);
    let invoice = settle(state, cause, &invoice, &intent);
    let outcome = match intent.status {
        payment_intent::Status::Succeeded => Outcome::Paid,
        payment_intent::Status::RequiresAction => Outcome::ActionRequired,
        payment_intent::Status::RequiresPaymentMethod => Outcome::Failed(intent),
        payment_intent::Status::RequiresConfirmation
        | payment_intent::Status::RequiresCapture
        | payment_intent::Status::Processing
        | payment_intent::Status::Canceled => Outcome::Pending,
    };
    (invoice, outcome)
}

/// The invoice's intent, as long as it can still be paid; else a new one.
fn intent_for(
    state: &mut State,
    cause: &Cause,
    invoice: &Arc<Invoice>,
) -> (Arc<Invoice>, Option<Arc<PaymentIntent>>) {
    let find = |state: &State, invoice: &Invoice| {
        let payment = invoice::open_payment(state, invoice)?;
        let intent = state.get::<PaymentIntent>(&invoice.space, &payment.intent).ok()?;
        (!intent.status.is_final()).then_some(intent)
    };
    if let Some(intent) = find(state, invoice) {
        return (Arc::clone(invoice), Some(intent));
    }
    let mut asked = Invoice::clone(invoice);
    invoicing::ask_for_payment(state, cause, &mut asked);
    let asked = state.put(asked);
    let intent = find(state, &asked);
    (asked, intent)
}

/// The invoice's payment intent is as an attempt left it: the invoice becomes paid, or fails to be.
pub fn settle(
    state: &mut State,
    cause: &Cause,
    invoice: &Arc<Invoice>,
    intent: &Arc<PaymentIntent>,
) -> Arc<Invoice> {
    if !matches!(invoice.status, Status::Open | Status::Uncollectible) {
        return Arc::clone(invoice);
    }
    match intent.status {
        payment_intent::Status::Succeeded => {
            let counted = state.put(Invoice {
                attempt_count: invoice.attempt_count.max(1),
                ..Invoice::clone(invoice)
            });
            let payment = invoice::open_payment(state, invoice);
            let paid = invoicing::paid(state, cause, &counted, intent.amount_received, false);
            if let Some(payment) = payment {
                book(state, cause, &payment, intent.amount_received);
            }
            paid
        }
        payment_intent::Status::RequiresAction => {
            let invoice = failed(state, cause, invoice, Some(intent));
            invoicing::again(state, &intent.space, &invoice)
        }
        payment_intent::Status::RequiresPaymentMethod => failed(state, cause, invoice, Some(intent)),
        payment_intent::Status::Canceled
        | payment_intent::Status::RequiresConfirmation
        | payment_intent::Status::Processing
        | payment_intent::Status::RequiresCapture => Arc::clone(invoice),
    }
}

fn book(state: &mut State, cause: &Cause, payment: &Arc<InvoicePayment>, amount: i64) {
    let payment = state.put(InvoicePayment {
        status: invoice_payment::Status::Paid,
        paid: Some(amount),
        ended_at: Some(state.now_s()),
        ..InvoicePayment::clone(payment)
    });
    let object = Object::InvoicePayment(payment);
    event::emit(state, cause, "invoice_payment.paid", object, None);
}

/// An attempt came to nothing, for now: the card was refused, its holder must act, or there is no card. An
/// invoice that goes on by itself is tried again some days later.
fn failed(
    state: &mut State,
    cause: &Cause,
    old: &Arc<Invoice>,
    intent: Option<&Arc<PaymentIntent>>,
) -> Arc<Invoice> {
    let waits = intent.is_some_and(|intent| intent.status == payment_intent::Status::RequiresAction);
    let mut invoice = Invoice::clone(old);
    invoice.attempted = true;
    invoice.attempt_count = invoice.attempt_count.max(1);
    let by_itself = invoice.auto_advance
        && invoice.collection == Collection::ChargeAutomatically
        && invoice.billing_reason != "subscription_create";
    let days = usize::try_from(invoice.attempt_count)
        .ok()
        .and_then(|attempts| RETRY_DAYS.get(attempts.saturating_sub(1)));
    invoice.next_attempt = days
        .filter(|_| by_itself && invoice.status == Status::Open)
        .map(|days| state.now_s().saturating_add(days * DAY_S));
    let invoice = invoicing::put(state, cause, old, invoice);
    if let Some(at_s) = invoice.next_attempt {
        invoicing::later(state, &invoice, at_s, Later::Retry);
    }
    if waits {
        invoicing::tell(state, cause, "invoice.payment_action_required", &invoice);
    }
    invoicing::tell(state, cause, "invoice.payment_failed", &invoice);
    invoicing::told(state, cause, &invoice);
    invoicing::again(state, &invoice.space.clone(), &invoice)
}

/// Tries once more what failed before.
pub fn retry(state: &mut State, cause: &Cause, old: &Arc<Invoice>) {
    let invoice = state.put(Invoice {
        attempt_count: old.attempt_count.saturating_add(1),
        next_attempt: None,
        ..Invoice::clone(old)
    });
    collect(state, cause, &invoice, None, true);
}
