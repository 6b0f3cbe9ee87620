//! The items of a subscription: a price and a quantity each, billed for its own period. A subscription holds
//! its items; each is a row of its own as well, so that it can be read by its id.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::discount::Discount;
use super::period::Period;
use super::plan;
use super::price::{Price, Recurring};
use super::tax_rate::TaxRate;
use crate::state::{Shown, Space, State};

/// An item.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SubscriptionItem {
    /// `si_…`.
    pub id: String,
    /// Where it lives.
    pub space: Space,
    /// When it was made, in seconds.
    pub created: i64,
    /// Whether it was deleted.
    pub deleted: bool,
    /// The subscription.
    pub subscription: String,
    /// The price, as it was when it was chosen.
    pub price: Arc<Price>,
    /// How many; a metered price has no quantity.
    pub quantity: i64,
    /// What it is billed for now, in seconds.
    pub period: Period,
    /// Its own discounts.
    pub discounts: Vec<Arc<Discount>>,
    /// Its own tax rates.
    pub tax_rates: Vec<Arc<TaxRate>>,
    /// The caller's notes.
    pub metadata: BTreeMap<String, String>,
}

impl SubscriptionItem {
    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        if self.deleted {
            return json!({ "id": self.id, "object": "subscription_item", "deleted": true });
        }
        let mut item = json!({
            "id": self.id, "object": "subscription_item", "billing_thresholds": null, "created": self.created,
            "current_period_end": self.period.1, "current_period_start": self.period.0, "current_trial": null,
            "discounts": self.discounts.iter().map(|discount| &discount.id).collect::<Vec<_>>(),
            "metadata": self.metadata, "plan": plan::render(&self.price), "price": self.price.render(),
            "subscription": self.subscription,
            "tax_rates": self.tax_rates.iter().map(|rate| rate.render()).collect::<Vec<_>>(),
        });
        if let (false, Value::Object(fields)) = (self.is_metered(), &mut item) {
            fields.insert("quantity".into(), self.quantity.into());
        }
        item
    }

    /// How often it falls due; a price of an item always says so.
    pub fn recurring(&self) -> Option<&Recurring> {
        self.price.recurring.as_ref()
    }

    /// Whether usage is billed, and not a quantity.
    pub fn is_metered(&self) -> bool {
        self.recurring().is_some_and(|recurring| recurring.metered)
    }

    /// What a whole period costs in a currency, in minor units; usage, which cannot be reported, is nothing.
    pub fn amount(&self, currency: &str) -> i64 {
        let quantity = if self.is_metered() { 0 } else { self.quantity };
        self.price.amount(quantity, currency)
    }
}

impl Shown for SubscriptionItem {
    const EXPANDS: &'static [(&'static str, &'static str)] = &[
        ("price", "price"),
        ("price.product", "product"),
        ("plan.product", "product"),
        ("discounts", "discount"),
    ];

    fn shown(&self, _: &State) -> Value {
        self.render()
    }
}
