//! The course of an invoice: drawn up, finalized, paid or given up. Requests, schedules and subscriptions all
//! go through these functions, which are told only what may be done.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::billed::{self, Change};
use super::collecting;
use super::finalization;
use super::invoice::{Collection, Invoice, Issuer, Payer, Status, Subscribed};
use super::invoice_item::{self, InvoiceItem};
use super::invoice_payment::{self, InvoicePayment};
use super::line::{From, Line};
use super::subscription;
use super::totals::{self, Terms};
use crate::account;
use crate::currency;
use crate::customer::Customer;
use crate::event::{self, Cause};
use crate::payment_intent::{self, PaymentIntent};
use crate::payment_intents::{self, ForInvoice};
use crate::schedule::{self, Step};
use crate::state::{Object, Row, Space, State};

/// How long a draft that goes on by itself can be changed.
const DRAFT_S: i64 = 3_600;
const DAY_S: i64 = 86_400;

/// What happens to an invoice by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Later {
    /// A draft is finalized, and charged or sent.
    Finalize,
    /// A payment that failed is tried again.
    Retry,
    /// It was due.
    Due,
}

impl Invoice {
    /// A draft for a customer, still without lines; `reason` is such as `manual` or `subscription_cycle`.
    /// Whoever draws it up sets what else it knows and hands it to [`draft`].
    pub fn blank(state: &State, customer: &Customer, currency: &str, reason: &str) -> Invoice {
        let now_s = state.now_s();
        let account = account::of_space(state, &customer.space).ok();
        Invoice {
            space: customer.space.clone(),
            created: now_s,
            billing_reason: reason.to_owned(),
            customer: customer.id.clone(),
            payer: Box::new(Payer::of(customer)),
            issuer: Issuer {
                country: account
                    .as_ref()
                    .map_or_else(|| "US".to_owned(), |account| account.country.clone()),
                name: account.and_then(|account| account.profile.name.clone()),
                application: customer
                    .space
                    .account
                    .as_ref()
                    .map(|_| state.settings.application.clone()),
            },
            currency: currency.to_owned(),
            period: (now_s, now_s),
            starting_balance: customer.balance_in(currency),
            test_clock: customer.test_clock.clone(),
            ..Invoice::default()
        }
    }

    /// The same for a subscription, whose invoices go on by themselves.
    pub fn for_subscription(
        state: &State,
        customer: &Customer,
        currency: &str,
        reason: &str,
        subscribed: Subscribed,
    ) -> Invoice {
        Invoice {
            subscription: Some(Box::new(subscribed)),
            auto_advance: true,
            ..Invoice::blank(state, customer, currency, reason)
        }
    }

    /// Works out what its lines come to; to be called whenever they or its terms change.
    pub fn add_up(&mut self) {
        let mut lines = Vec::clone(&self.lines);
        for line in &mut lines {
            line.currency.clone_from(&self.currency);
        }
        let terms = Terms {
            discounts: &self.discounts,
            tax_rates: &self.default_tax_rates,
            tax_exempt: &self.payer.tax_exempt,
        };
        *self.totals = totals::compute(&mut lines, &terms);
        self.lines = Arc::new(lines);
        self.amount_due = self.totals.total.saturating_add(self.starting_balance).max(0);
    }
}

impl Payer {
    /// A customer's details as they are now.
    pub fn of(customer: &Customer) -> Payer {
        Payer {
            address: customer.address.clone(),
            email: customer.email.clone(),
            name: customer.name.clone(),
            phone: customer.phone.clone(),
            shipping: customer.shipping.clone(),
            tax_exempt: customer.tax_exempt.clone(),
        }
    }
}

/// Draws an invoice up: with the lines it holds and, when `pending` says so, the customer's invoice items
/// that wait for one. One that goes on by itself is finalized an hour later.
pub fn draft(state: &mut State, cause: &Cause, mut invoice: Invoice, pending: bool) -> Arc<Invoice> {
    invoice.id = state.id("in_1", 23);
    let own = std::mem::take(&mut invoice.lines);
    let mut lines = if pending {
        invoice_item::take_pending(state, &invoice)
    } else {
        Vec::new()
    };
    lines.extend(own.iter().cloned());
    for line in &mut lines {
        name(state, &invoice, line);
    }
    invoice.lines = Arc::new(lines);
    invoice.add_up();
    billed::bill_in(state, &invoice.space, &invoice.customer, &invoice.currency);
    if invoice.auto_advance && invoice.finalizes_at.is_none() {
        invoice.finalizes_at = Some(state.now_s().saturating_add(DRAFT_S));
    }
    let invoice = state.put(invoice);
    if let Some(at_s) = invoice.finalizes_at {
        later(state, &invoice, at_s, Later::Finalize);
    }
    tell(state, cause, "invoice.created", &invoice);
    billed::use_discount(state, cause, &invoice);
    invoice
}

/// Gives a new line of an invoice its id and currency.
pub fn name(state: &mut State, invoice: &Invoice, line: &mut Line) {
    if line.id.is_empty() {
        line.id = state.id("il_1", 23);
    }
    line.currency.clone_from(&invoice.currency);
}

/// Queues what happens to an invoice by itself, at a second of the simulator's time.
pub fn later(state: &mut State, invoice: &Invoice, at_s: i64, what: Later) {
    let step = Step::Invoice {
        invoice: invoice.id.clone(),
        what,
    };
    schedule::at(state, invoice.test_clock.as_deref(), at_s, step);
}

/// Puts a changed invoice in its place and tells of it, when that shows.
pub fn put(state: &mut State, cause: &Cause, old: &Invoice, invoice: Invoice) -> Arc<Invoice> {
    let invoice = state.put(invoice);
    if let Some(previous) = event::previous(&old.render(), &invoice.render()) {
        let object = Object::Invoice(Arc::clone(&invoice));
        event::emit(state, cause, "invoice.updated", object, Some(previous));
    }
    invoice
}

/// Tells of an invoice.
pub fn tell(state: &mut State, cause: &Cause, kind: &'static str, invoice: &Arc<Invoice>) {
    event::emit(state, cause, kind, Object::Invoice(Arc::clone(invoice)), None);
}

/// Finalizes a draft: it gets its number, takes the customer's balance, and waits for its payment, or is paid
/// when nothing is due. Anything but a draft stays as it is.
pub fn finalize(state: &mut State, cause: &Cause, old: &Arc<Invoice>) -> Arc<Invoice> {
    if old.status != Status::Draft {
        return Arc::clone(old);
    }
    let mut invoice = Invoice::clone(old);
    let now_s = state.now_s();
    invoice.status = Status::Open;
    invoice.finalizes_at = None;
    invoice.unfinalized = None;
    invoice.finalized_at = Some(now_s);
    if let Some(days) = invoice.days_until_due {
        invoice.due_date = Some(now_s.saturating_add(days.saturating_mul(DAY_S)));
    }
    take_balance(state, cause, &mut invoice);
    if invoice.amount_due > 0 {
        ask_for_payment(state, cause, &mut invoice);
    }
    let invoice = state.put(invoice);
    tell(state, cause, "invoice.finalized", &invoice);
    billed::use_discount(state, cause, &invoice);
    if let Some(due) = invoice.due_date.filter(|due| *due >= now_s) {
        later(state, &invoice, due, Later::Due);
    }
    if invoice.amount_due == 0 {
        return paid(state, cause, &invoice, 0, false);
    }
    invoice
}

/// Numbers the invoice and sets the customer's balance off against it. What is too little to be charged is
/// left in the balance.
fn take_balance(state: &mut State, cause: &Cause, invoice: &mut Invoice) {
    let Ok(customer) = state.get::<Customer>(&invoice.space, &invoice.customer) else {
        return;
    };
    if !customer.deleted {
        *invoice.payer = Payer::of(&customer);
    }
    if invoice.number.is_none() {
        let sequence = customer.invoices.saturating_add(1);
        invoice.number = Some(format!("{}-{sequence:04}", customer.invoice_prefix));
    }
    let before = customer.balance_in(&invoice.currency);
    invoice.starting_balance = before;
    invoice.add_up();
    if invoice.amount_due > 0 && currency::is_too_little(invoice.amount_due, &invoice.currency) {
        invoice.amount_due = 0;
    }
    let after = before
        .saturating_add(invoice.totals.total)
        .saturating_sub(invoice.amount_due);
    invoice.ending_balance = Some(after);
    billed::count_invoice(state, &invoice.space, &customer.id);
    let change = Change {
        space: &invoice.space,
        customer: &customer.id,
        amount: after.saturating_sub(before),
        currency: &invoice.currency,
        kind: "applied_to_invoice",
        invoice: Some(&invoice.id),
        credit_note: None,
    };
    billed::change_balance(state, cause, change);
}

/// Makes the payment intent that the invoice is paid by.
pub fn ask_for_payment(state: &mut State, cause: &Cause, invoice: &mut Invoice) {
    let amount = invoice.amount_remaining();
    let intent = payment_intents::for_invoice(
        state,
        cause,
        ForInvoice {
            space: &invoice.space,
            invoice: &invoice.id,
            customer: &invoice.customer,
            amount,
            currency: &invoice.currency,
            application_fee_amount: invoice.application_fee(),
            description: Some(invoice.purpose()),
            setup_future_usage: invoice.subscription.as_ref().map(|_| "off_session"),
            on_behalf_of: invoice.on_behalf_of.clone(),
            transfer_data: invoice.transfer_data.clone(),
        },
    );
    let payment = InvoicePayment {
        id: state.id("inpay_1", 23),
        space: invoice.space.clone(),
        created: state.now_s(),
        invoice: invoice.id.clone(),
        requested: amount,
        paid: None,
        currency: invoice.currency.clone(),
        is_default: true,
        intent: intent.id.clone(),
        status: invoice_payment::Status::Open,
        ended_at: None,
    };
    invoice.payments.push(payment.id.clone());
    invoice.intent = Some(intent.id.clone());
    state.put(payment);
}

/// The invoice is paid by `amount`: by its payment intent, by nothing being due, or `out_of_band`.
pub fn paid(
    state: &mut State,
    cause: &Cause,
    old: &Arc<Invoice>,
    amount: i64,
    out_of_band: bool,
) -> Arc<Invoice> {
    let invoice = Invoice {
        status: Status::Paid,
        amount_paid: old.amount_paid.saturating_add(amount),
        paid_out_of_band: out_of_band,
        paid_at: Some(state.now_s()),
        attempted: true,
        attempt_count: old.attempt_count,
        next_attempt: None,
        ..Invoice::clone(old)
    };
    let invoice = put(state, cause, old, invoice);
    tell(state, cause, "invoice.paid", &invoice);
    tell(state, cause, "invoice.payment_succeeded", &invoice);
    told(state, cause, &invoice);
    invoice
}

/// Lets the subscription know how its invoice stands.
pub fn told(state: &mut State, cause: &Cause, invoice: &Arc<Invoice>) {
    if invoice.subscription.is_some() {
        subscription::invoice_changed(state, cause, invoice);
    }
}

/// Voids an invoice that is not paid: it counts for nothing, and what it took of the balance comes back.
pub fn void(state: &mut State, cause: &Cause, old: &Arc<Invoice>) -> Arc<Invoice> {
    cancel_payment(state, cause, old, "void_invoice");
    if let Some(after) = old.ending_balance {
        let change = Change {
            space: &old.space,
            customer: &old.customer,
            amount: old.starting_balance.saturating_sub(after),
            currency: &old.currency,
            kind: "unapplied_from_invoice",
            invoice: Some(&old.id),
            credit_note: None,
        };
        billed::change_balance(state, cause, change);
    }
    let invoice = Invoice {
        status: Status::Void,
        voided_at: Some(state.now_s()),
        next_attempt: None,
        finalizes_at: None,
        ..Invoice::clone(old)
    };
    let invoice = put(state, cause, old, invoice);
    tell(state, cause, "invoice.voided", &invoice);
    told(state, cause, &invoice);
    invoice
}

/// Gives an open invoice up.
pub fn mark_uncollectible(state: &mut State, cause: &Cause, old: &Arc<Invoice>) -> Arc<Invoice> {
    let invoice = Invoice {
        status: Status::Uncollectible,
        uncollectible_at: Some(state.now_s()),
        next_attempt: None,
        ..Invoice::clone(old)
    };
    let invoice = put(state, cause, old, invoice);
    tell(state, cause, "invoice.marked_uncollectible", &invoice);
    told(state, cause, &invoice);
    invoice
}

/// Deletes a draft; its items wait for another invoice, or go with it when they were made for it.
pub fn delete(state: &mut State, cause: &Cause, old: &Arc<Invoice>) -> Arc<Invoice> {
    let items: Vec<String> = old
        .lines
        .iter()
        .filter_map(|line| match &line.from {
            From::Item { item, .. } => Some(item.clone()),
            From::Subscription { .. } | From::Invoice => None,
        })
        .collect();
    for id in items {
        if let Ok(item) = state.get::<InvoiceItem>(&old.space, &id) {
            state.put(InvoiceItem {
                invoice: None,
                deleted: item.made_for_invoice,
                ..InvoiceItem::clone(&item)
            });
        }
    }
    let invoice = state.put(Invoice {
        deleted: true,
        finalizes_at: None,
        ..Invoice::clone(old)
    });
    tell(state, cause, "invoice.deleted", old);
    invoice
}

/// Cancels the payment that is still open, since it is not needed any more.
pub fn cancel_payment(state: &mut State, cause: &Cause, invoice: &Invoice, reason: &str) {
    let Some(payment) = super::invoice::open_payment(state, invoice) else {
        return;
    };
    let now_s = state.now_s();
    if let Ok(intent) = state.get::<PaymentIntent>(&invoice.space, &payment.intent)
        && !intent.status.is_final()
    {
        let intent = state.put(PaymentIntent {
            status: payment_intent::Status::Canceled,
            canceled_at: Some(now_s),
            cancellation_reason: Some(reason.to_owned()),
            next_action: None,
            ..PaymentIntent::clone(&intent)
        });
        let object = Object::PaymentIntent(intent);
        event::emit(state, cause, "payment_intent.canceled", object, None);
    }
    state.put(InvoicePayment {
        status: invoice_payment::Status::Canceled,
        ended_at: Some(now_s),
        ..InvoicePayment::clone(&payment)
    });
}

/// Sends an invoice that waits for its customer.
pub fn send(state: &mut State, cause: &Cause, invoice: &Arc<Invoice>) {
    tell(state, cause, "invoice.sent", invoice);
}

/// What was queued for an invoice happens, if it still applies.
pub fn happen(state: &mut State, id: &str, what: Later) {
    let Some(invoice) = Invoice::table(state).anywhere(id).cloned() else {
        return;
    };
    let (cause, now_s) = (Cause::default(), state.now_s());
    match what {
        Later::Finalize => {
            let due = invoice.finalizes_at.is_some_and(|at_s| at_s <= now_s);
            if !invoice.deleted && invoice.status == Status::Draft && due {
                advance(state, &cause, &invoice);
            }
        }
        Later::Retry => {
            let due = invoice.next_attempt.is_some_and(|at_s| at_s <= now_s);
            if invoice.status == Status::Open && due {
                collecting::retry(state, &cause, &invoice);
            }
        }
        Later::Due => {
            if invoice.status == Status::Open {
                tell(state, &cause, "invoice.overdue", &invoice);
            }
        }
    }
}

/// Takes a draft as far as it goes by itself: finalized, then charged or sent.
pub fn advance(state: &mut State, cause: &Cause, draft: &Arc<Invoice>) -> Arc<Invoice> {
    let Some(invoice) = finalization::by_itself(state, cause, draft) else {
        return again(state, &draft.space, draft);
    };
    if invoice.status != Status::Open {
        return invoice;
    }
    match invoice.collection {
        Collection::ChargeAutomatically => collecting::collect(state, cause, &invoice, None, true).0,
        Collection::SendInvoice => {
            send(state, cause, &invoice);
            invoice
        }
    }
}

/// The invoice as it stands now.
pub fn again(state: &State, space: &Space, invoice: &Arc<Invoice>) -> Arc<Invoice> {
    state
        .get::<Invoice>(space, &invoice.id)
        .unwrap_or_else(|_| Arc::clone(invoice))
}
