//! Invoice items: what a customer is to be billed for once, waiting for an invoice or on one. What requests
//! do to them is in `invoice_items`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Deletable;
use super::decimal::Decimal;
use super::discount::Discount;
use super::invoice::Invoice;
use super::line::{self, Credited, From, Line};
use super::price::Price;
use super::tax_rate::TaxRate;
use crate::state::{Shown, Space, State};

/// An invoice item.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct InvoiceItem {
    /// `ii_1…`.
    pub id: String,
    /// Where it lives.
    pub space: Space,
    /// When it was made, in seconds.
    pub created: i64,
    /// Whether it was deleted.
    pub deleted: bool,
    /// The customer.
    pub customer: String,
    /// The invoice that it is on; `None` while it waits for one.
    pub invoice: Option<String>,
    /// Whether it was made for its invoice, and never waited.
    pub made_for_invoice: bool,
    /// What it comes to, in minor units.
    pub amount: i64,
    /// Currency.
    pub currency: String,
    /// The price.
    pub price: Option<Arc<Price>>,
    /// What a unit costs, when that is not what the price says.
    pub unit: Option<Decimal>,
    /// How many.
    pub quantity: i64,
    /// What the customer reads.
    pub description: Option<String>,
    /// Whether discounts of its invoice reach it.
    pub discountable: bool,
    /// Its own discounts.
    pub discounts: Vec<Arc<Discount>>,
    /// Its own tax rates.
    pub tax_rates: Vec<Arc<TaxRate>>,
    /// When what it is for was or will be delivered, in seconds.
    pub period: (i64, i64),
    /// Whether it sets a change within a subscription's period right.
    pub proration: bool,
    /// The subscription that it is about.
    pub subscription: Option<String>,
    /// The subscription's item.
    pub subscription_item: Option<String>,
    /// The lines that it credits.
    pub credited: Option<Credited>,
    /// The test clock that its customer lives by.
    pub test_clock: Option<String>,
    /// The caller's notes.
    pub metadata: BTreeMap<String, String>,
}

impl InvoiceItem {
    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        if self.deleted {
            return json!({ "id": self.id, "object": "invoiceitem", "deleted": true });
        }
        let parent = self.subscription.as_ref().map(|subscription| {
            let mut details = json!({ "subscription": subscription });
            if let Some(item) = &self.subscription_item {
                details["subscription_item"] = item.as_str().into();
            }
            json!({ "subscription_details": details, "type": "subscription_details" })
        });
        let pricing = self.price.as_ref().map(|price| line::pricing(price, self.unit));
        json!({
            "id": self.id, "object": "invoiceitem", "amount": self.amount, "currency": self.currency,
            "customer": self.customer, "customer_account": null, "date": self.created,
            "description": self.description, "discountable": self.discountable,
            "discounts": self.discounts.iter().map(|discount| &discount.id).collect::<Vec<_>>(),
            "frozen_fields": [], "invoice": self.invoice, "invoicing_rules": [],
            "livemode": self.space.livemode, "metadata": self.metadata, "net_amount": self.net_amount(),
            "parent": parent, "period": { "end": self.period.1, "start": self.period.0 },
            "pricing": pricing, "proration": self.proration, "quantity": self.quantity,
            "quantity_decimal": self.quantity.to_string(),
            "tax_rates": self.tax_rates.iter().map(|rate| rate.render()).collect::<Vec<_>>(),
            "test_clock": self.test_clock,
        })
    }

    /// What is left of it after its own discounts.
    fn net_amount(&self) -> i64 {
        self.discounts.iter().fold(self.amount, |left, discount| {
            left - discount.coupon.off(left, &self.currency)
        })
    }

    /// The line that it is on an invoice, with the id that it had there.
    pub fn line(&self, id: String) -> Line {
        let from = match (&self.subscription, &self.subscription_item) {
            (Some(subscription), Some(item)) => From::Subscription {
                subscription: subscription.clone(),
                item: item.clone(),
                invoice_item: Some(self.id.clone()),
                proration: self.proration,
                credited: self.credited.clone(),
            },
            (subscription, _) => From::Item {
                item: self.id.clone(),
                subscription: subscription.clone(),
                proration: self.proration,
                credited: self.credited.clone(),
            },
        };
        Line {
            id,
            amount: self.amount,
            currency: self.currency.clone(),
            description: self.description.clone(),
            discountable: self.discountable,
            discounts: self.discounts.clone(),
            off: Vec::new(),
            period: self.period,
            price: self.price.clone(),
            unit: self.unit,
            quantity: self.quantity,
            tax_rates: self.tax_rates.clone(),
            taxes: Vec::new(),
            from,
            metadata: self.metadata.clone(),
        }
    }
}

impl Shown for InvoiceItem {
    const EXPANDS: &'static [(&'static str, &'static str)] = &[
        ("customer", "customer"),
        ("invoice", "invoice"),
        ("discounts", "discount"),
        ("pricing.price_details.price", "price"),
        ("test_clock", "test_helpers.test_clock"),
    ];

    fn shown(&self, _: &State) -> Value {
        self.render()
    }
}

impl Deletable for InvoiceItem {
    fn is_deleted(&self) -> bool {
        self.deleted
    }
}

/// The items that wait for an invoice like this one, the latest first.
pub fn pending(state: &State, invoice: &Invoice) -> Vec<Arc<InvoiceItem>> {
    let subscription = invoice.subscription.as_ref().map(|subscribed| &subscribed.id);
    let waits = |item: &&Arc<InvoiceItem>| {
        !item.deleted
            && item.invoice.is_none()
            && item.customer == invoice.customer
            && item.currency == invoice.currency
            && (item.subscription.is_none() || item.subscription.as_ref() == subscription)
    };
    state
        .of::<InvoiceItem>(&invoice.space)
        .rev()
        .filter(waits)
        .cloned()
        .collect()
}

/// Puts the items that wait onto the invoice, and gives the lines that they become.
pub fn take_pending(state: &mut State, invoice: &Invoice) -> Vec<Line> {
    let waiting = pending(state, invoice);
    waiting
        .into_iter()
        .map(|item| {
            let id = state.id("il_1", 23);
            let item = state.put(InvoiceItem {
                invoice: Some(invoice.id.clone()),
                ..InvoiceItem::clone(&item)
            });
            item.line(id)
        })
        .collect()
}
