//! The lines of an invoice: what each is for, what it comes to, and what is taken off and put on.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::decimal::Decimal;
use super::discount::Discount;
use super::price::Price;
use super::tax_rate::TaxRate;

/// A line. Whoever makes one may leave the id, the invoice's currency, the amounts off and the taxes out:
/// an invoice that takes it fills them in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// `il_1…`.
    pub id: String,
    /// What it comes to before discounts and taxes, in minor units; negative for a credit.
    pub amount: i64,
    /// Currency.
    pub currency: String,
    /// What the customer reads.
    pub description: Option<String>,
    /// Whether discounts of the whole invoice reach it. A proration is not discounted again.
    pub discountable: bool,
    /// Its own discounts.
    pub discounts: Vec<Arc<Discount>>,
    /// What each discount, its own or the invoice's, takes off it.
    pub off: Vec<Off>,
    /// When what it is for was or will be delivered, in seconds.
    pub period: (i64, i64),
    /// The price.
    pub price: Option<Arc<Price>>,
    /// What a unit costs, when that is not what the price says.
    pub unit: Option<Decimal>,
    /// How many.
    pub quantity: i64,
    /// Its own tax rates; empty is those of the invoice.
    pub tax_rates: Vec<Arc<TaxRate>>,
    /// The taxes.
    pub taxes: Vec<Tax>,
    /// What it came from.
    pub from: From,
    /// The caller's notes.
    pub metadata: BTreeMap<String, String>,
}

/// What a discount takes off a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Off {
    /// The discount.
    pub discount: String,
    /// In minor units.
    pub amount: i64,
}

/// A tax on a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tax {
    /// The rate.
    pub rate: String,
    /// In minor units.
    pub amount: i64,
    /// What it is a tax on.
    pub taxable: i64,
    /// Whether it is in the amount, and not on top of it.
    pub inclusive: bool,
    /// Why it is what it is.
    pub reason: TaxReason,
}

/// Why a tax is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaxReason {
    /// Nothing out of the way: Stripe knows of a rate set by hand no more than that.
    NotAvailable,
    /// The customer pays no tax.
    CustomerExempt,
    /// The customer pays it to the state.
    ReverseCharge,
}

/// What a line came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum From {
    /// An invoice item.
    Item {
        /// The item.
        item: String,
        /// The subscription that it is about.
        subscription: Option<String>,
        /// Whether it sets a change within a period right.
        proration: bool,
        /// The lines that it credits.
        credited: Option<Credited>,
    },
    /// An item of a subscription.
    Subscription {
        /// The subscription.
        subscription: String,
        /// Its item.
        item: String,
        /// The invoice item that a proration was kept as.
        invoice_item: Option<String>,
        /// Whether it sets a change within a period right.
        proration: bool,
        /// The lines that it credits.
        credited: Option<Credited>,
    },
    /// The invoice itself.
    #[default]
    Invoice,
}

/// Lines of an earlier invoice that are credited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credited {
    /// The invoice.
    pub invoice: String,
    /// Its lines.
    pub lines: Vec<String>,
}

impl Line {
    /// As Stripe writes it.
    pub fn render(&self, invoice: &str, livemode: bool) -> Value {
        json!({
            "id": self.id, "object": "line_item", "amount": self.amount, "currency": self.currency,
            "description": self.description, "discount_amounts": render_off(&self.off),
            "discountable": self.discountable,
            "discounts": self.discounts.iter().map(|discount| &discount.id).collect::<Vec<_>>(),
            "invoice": invoice, "livemode": livemode, "metadata": self.metadata, "parent": self.parent(),
            "period": { "end": self.period.1, "start": self.period.0 },
            "pretax_credit_amounts": render_pretax(&self.off), "pricing": self.pricing(),
            "quantity": self.quantity, "quantity_decimal": self.quantity.to_string(),
            "subscription": self.subscription(), "subtotal": self.amount,
            "taxes": self.taxes.iter().map(Tax::render).collect::<Vec<_>>(),
        })
    }

    fn parent(&self) -> Value {
        let details = |credited: &Option<Credited>| {
            let lines = credited
                .as_ref()
                .map(|credited| json!({ "invoice": credited.invoice, "invoice_line_items": credited.lines }));
            json!({ "credited_items": lines })
        };
        match &self.from {
            From::Item {
                item,
                subscription,
                proration,
                credited,
            } => json!({
                "invoice_item_details": {
                    "invoice_item": item, "proration": proration, "proration_details": details(credited),
                    "subscription": subscription,
                },
                "subscription_item_details": null, "type": "invoice_item_details",
            }),
            From::Subscription {
                subscription,
                item,
                invoice_item,
                proration,
                credited,
            } => json!({
                "invoice_item_details": null,
                "subscription_item_details": {
                    "invoice_item": invoice_item, "proration": proration,
                    "proration_details": details(credited), "subscription": made(subscription),
                    "subscription_item": item,
                },
                "type": "subscription_item_details",
            }),
            From::Invoice => Value::Null,
        }
    }

    fn pricing(&self) -> Value {
        let Some(price) = &self.price else {
            return Value::Null;
        };
        pricing(price, self.unit)
    }

    /// The subscription that it is about.
    pub fn subscription(&self) -> Option<&str> {
        match &self.from {
            From::Item { subscription, .. } => subscription.as_deref(),
            From::Subscription { subscription, .. } => made(subscription),
            From::Invoice => None,
        }
    }

    /// The invoice item that it came from.
    pub fn item(&self) -> Option<&str> {
        match &self.from {
            From::Item { item, .. } => Some(item),
            From::Subscription { invoice_item, .. } => invoice_item.as_deref(),
            From::Invoice => None,
        }
    }

    /// What all discounts take off it.
    pub fn off_total(&self) -> i64 {
        self.off.iter().map(|off| off.amount).sum()
    }

    /// What its taxes add to it.
    pub fn tax_on_top(&self) -> i64 {
        let on_top = self.taxes.iter().filter(|tax| !tax.inclusive);
        on_top.map(|tax| tax.amount).sum()
    }

    /// What is left of it in the end.
    pub fn total(&self) -> i64 {
        self.amount - self.off_total() + self.tax_on_top()
    }
}

/// The id of what was made; what a preview only describes has none.
pub fn made(id: &str) -> Option<&str> {
    Some(id).filter(|id| !id.is_empty())
}

/// A price as lines and items show it; `unit` is what a unit costs when that is not what the price says.
pub fn pricing(price: &Price, unit: Option<Decimal>) -> Value {
    json!({
        "price_details": { "price": price.id, "product": price.product }, "type": "price_details",
        "unit_amount_decimal": unit.or(price.costs.unit).map(Decimal::text),
    })
}

/// Amounts off as Stripe writes them.
pub fn render_off(off: &[Off]) -> Vec<Value> {
    off.iter()
        .map(|off| json!({ "amount": off.amount, "discount": off.discount }))
        .collect()
}

/// The same as credits before tax.
pub fn render_pretax(off: &[Off]) -> Vec<Value> {
    off.iter()
        .map(|off| json!({ "amount": off.amount, "discount": off.discount, "type": "discount" }))
        .collect()
}

impl Tax {
    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        json!({
            "amount": self.amount, "tax_behavior": if self.inclusive { "inclusive" } else { "exclusive" },
            "tax_rate_details": { "tax_rate": self.rate }, "taxability_reason": self.reason,
            "taxable_amount": self.taxable, "type": "tax_rate_details",
        })
    }
}
