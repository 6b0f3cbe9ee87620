//! What a subscription puts on its invoices: a line for each item and period, and what sets a change within
//! a period right.

use std::sync::Arc;

use super::invoice::{Invoice, Subscribed};
use super::invoice_item::{self, InvoiceItem};
use super::line::{From, Line};
use super::period::{self, Period};
use super::price::Price;
use super::product::Product;
use super::subscription::Subscription;
use super::subscription_item::SubscriptionItem;
use crate::clock;
use crate::currency;
use crate::customer::Customer;
use crate::event::{self, Cause};
use crate::payment_intent::TransferData;
use crate::state::{Object, State};

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// The line of an item for its current period.
pub fn regular(state: &State, subscription: &Subscription, item: &SubscriptionItem) -> Line {
    let amount = item.amount(&subscription.currency);
    let quantity = if item.is_metered() { 0 } else { item.quantity };
    let description = format!(
        "{} × {} (at {} {})",
        counted(state, &item.price, quantity),
        name(state, &item.price),
        unit_text(&item.price, &subscription.currency),
        interval_text(&item.price)
    );
    line(subscription, item, amount, description, item.period)
}

/// The line of an item that costs nothing while a trial runs.
pub fn trial(state: &State, subscription: &Subscription, item: &SubscriptionItem) -> Line {
    let description = format!("Trial period for {}", name(state, &item.price));
    line(subscription, item, 0, description, item.period)
}

/// The line of an item for the part of a period that comes before its first whole one.
pub fn partial(state: &State, subscription: &Subscription, item: &SubscriptionItem, whole: Period) -> Line {
    let amount = period::rest(item.amount(&subscription.currency), whole, item.period.0);
    let mut line = regular(state, subscription, item);
    line.amount = amount;
    if let From::Subscription { proration, .. } = &mut line.from {
        *proration = true;
    }
    line
}

fn line(
    subscription: &Subscription,
    item: &SubscriptionItem,
    amount: i64,
    description: String,
    period: Period,
) -> Line {
    Line {
        amount,
        description: Some(description),
        discountable: true,
        discounts: item.discounts.clone(),
        period,
        price: Some(Arc::clone(&item.price)),
        quantity: if item.is_metered() { 0 } else { item.quantity },
        tax_rates: item.tax_rates.clone(),
        from: From::Subscription {
            subscription: subscription.id.clone(),
            item: item.id.clone(),
            invoice_item: None,
            proration: false,
            credited: None,
        },
        metadata: subscription.metadata.clone(),
        ..Line::default()
    }
}

/// A proration that gives back what is left of an item's period from a second on.
pub fn credit(
    state: &State,
    subscription: &Subscription,
    item: &SubscriptionItem,
    second: i64,
) -> InvoiceItem {
    let mut proration = prorated(state, subscription, item, second, "Unused");
    proration.amount = proration.amount.saturating_neg();
    proration
}

/// A proration that asks for what is left of an item's period from a second on.
pub fn debit(
    state: &State,
    subscription: &Subscription,
    item: &SubscriptionItem,
    second: i64,
) -> InvoiceItem {
    prorated(state, subscription, item, second, "Remaining")
}

fn prorated(
    state: &State,
    subscription: &Subscription,
    item: &SubscriptionItem,
    second: i64,
    word: &str,
) -> InvoiceItem {
    let many = if item.quantity == 1 {
        String::new()
    } else {
        format!("{} × ", item.quantity)
    };
    let (year, month, day) = clock::civil(second.saturating_mul(1000));
    let month = usize::try_from(month - 1)
        .ok()
        .and_then(|month| MONTHS.get(month))
        .copied()
        .unwrap_or_default();
    let name = name(state, &item.price);
    InvoiceItem {
        space: subscription.space.clone(),
        created: state.now_s(),
        customer: subscription.customer.clone(),
        amount: period::rest(item.amount(&subscription.currency), item.period, second),
        currency: subscription.currency.clone(),
        price: Some(Arc::clone(&item.price)),
        quantity: item.quantity,
        description: Some(format!("{word} time on {many}{name} after {day} {month} {year}")),
        tax_rates: item.tax_rates.clone(),
        period: (second.max(item.period.0), item.period.1),
        proration: true,
        subscription: Some(subscription.id.clone()),
        subscription_item: Some(item.id.clone()),
        test_clock: subscription.test_clock.clone(),
        ..InvoiceItem::default()
    }
}

/// Lets invoice items wait for the subscription's next invoice, and tells of them.
pub fn wait(state: &mut State, cause: &Cause, items: Vec<InvoiceItem>) {
    for mut item in items {
        item.id = state.id("ii_1", 23);
        let item = state.put(item);
        event::emit(
            state,
            cause,
            "invoiceitem.created",
            Object::InvoiceItem(item),
            None,
        );
    }
}

/// A draft for a subscription, with its terms; `None` when its customer is gone.
pub fn invoice(
    state: &State,
    subscription: &Subscription,
    reason: &str,
    lines: Vec<Line>,
) -> Option<Invoice> {
    let customer = state
        .get::<Customer>(&subscription.space, &subscription.customer)
        .ok()?;
    let terms = &subscription.terms;
    let subscribed = Subscribed {
        id: subscription.id.clone(),
        metadata: subscription.metadata.clone(),
        payment_method: terms.payment_method.clone(),
    };
    let mut invoice = Invoice::for_subscription(state, &customer, &subscription.currency, reason, subscribed);
    invoice.lines = Arc::new(lines);
    invoice.collection = terms.collection;
    invoice.days_until_due = terms.days_until_due;
    invoice.default_tax_rates.clone_from(&terms.tax_rates);
    invoice.application_fee_percent = terms.fee_percent;
    invoice.on_behalf_of.clone_from(&terms.on_behalf_of);
    invoice.description.clone_from(&terms.invoice_description);
    invoice.footer.clone_from(&terms.footer);
    invoice.payment_method_types.clone_from(&terms.method_types);
    invoice.automatic_tax = terms.automatic_tax;
    invoice.test_clock.clone_from(&subscription.test_clock);
    let now_s = state.now_s();
    let running = subscription
        .discounts
        .iter()
        .filter(|discount| discount.runs(now_s));
    invoice.discounts = running.cloned().collect();
    if invoice.discounts.is_empty() {
        invoice.discounts = customer.discounts_now(now_s);
    }
    invoice.add_up();
    invoice.transfer_data = terms
        .transfer
        .as_ref()
        .map(|(destination, percent)| TransferData {
            destination: destination.clone(),
            amount: percent.map(|percent| percent.percent_of(invoice.totals.total.max(0))),
        });
    Some(invoice)
}

/// The same with what else it will hold once it is drawn up: items that are about to wait, and those that
/// wait already.
pub fn whole_invoice(
    state: &State,
    subscription: &Subscription,
    reason: &str,
    (lines, items): (Vec<Line>, &[InvoiceItem]),
) -> Option<Invoice> {
    let mut invoice = invoice(state, subscription, reason, Vec::new())?;
    let coming = items.iter().rev().map(|item| item.line(String::new()));
    let waiting = invoice_item::pending(state, &invoice);
    let waiting = waiting.iter().map(|item| item.line(String::new()));
    invoice.lines = Arc::new(coming.chain(waiting).chain(lines).collect());
    invoice.add_up();
    Some(invoice)
}

/// What the customer knows a price's product as.
pub fn name(state: &State, price: &Price) -> String {
    let product = state.get::<Product>(&price.space, &price.product);
    product.map_or_else(|_| price.product.clone(), |product| product.name.clone())
}

/// A quantity with the word of the product for one of it.
fn counted(state: &State, price: &Price, quantity: i64) -> String {
    let product = state.get::<Product>(&price.space, &price.product).ok();
    match product.and_then(|product| product.unit_label.clone()) {
        Some(label) => format!("{quantity} {label}"),
        None => quantity.to_string(),
    }
}

fn unit_text(price: &Price, currency: &str) -> String {
    let one = price.amount(1, currency);
    currency::price(one, currency)
}

fn interval_text(price: &Price) -> String {
    let Some(recurring) = &price.recurring else {
        return "/ month".to_owned();
    };
    let word = recurring.interval.as_str();
    if recurring.count == 1 {
        format!("/ {word}")
    } else {
        format!("every {} {word}s", recurring.count)
    }
}
