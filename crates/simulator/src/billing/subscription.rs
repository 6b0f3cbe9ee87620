//! A subscription: what it holds and how it looks. Its course is in `subscribing`, what requests do to it in
//! `subscriptions`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::decimal::Decimal;
use super::discount::Discount;
use super::invoice::Collection;
use super::period::Period;
use super::plan;
use super::price::Interval;
use super::subscription_item::SubscriptionItem;
use super::subscription_retries::AfterRetries;
use super::tax_rate::TaxRate;
use crate::state::{Shown, Space, State};

pub use super::subscribing::invoice_changed;

/// A subscription.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Subscription {
    /// `sub_1…`.
    pub id: String,
    /// Where it lives.
    pub space: Space,
    /// When it was made, in seconds.
    pub created: i64,
    /// The customer.
    pub customer: String,
    /// Where it stands.
    pub status: Status,
    /// Whether it is being made: its first payment decides where it stands.
    pub making: bool,
    /// What is billed.
    pub items: Vec<Arc<SubscriptionItem>>,
    /// Currency.
    pub currency: String,
    /// From where its periods are counted, in seconds.
    pub anchor: i64,
    /// How that was said by the parts of a date.
    pub anchor_config: Option<AnchorConfig>,
    /// When it began, in seconds.
    pub start: i64,
    /// Its trial, from and to, in seconds.
    pub trial: Option<Period>,
    /// What becomes of it when its trial ends and nothing can be charged.
    pub without_method: WithoutMethod,
    /// Whether the end of its trial was announced.
    pub trial_told: bool,
    /// The end of the period whose invoice was announced last, in seconds.
    pub upcoming_told: i64,
    /// When it is to end, in seconds.
    pub cancel_at: Option<i64>,
    /// Whether that is the end of its period.
    pub cancel_at_period_end: bool,
    /// When its end was decided, in seconds.
    pub canceled_at: Option<i64>,
    /// When it ended, in seconds.
    pub ended_at: Option<i64>,
    /// Why it ends.
    pub cancellation: Cancellation,
    /// How its invoices are held back.
    pub pause: Option<Pause>,
    /// Its latest invoice.
    pub latest_invoice: Option<String>,
    /// The setup intent by which a card can be given for it.
    pub pending_setup_intent: Option<String>,
    /// The schedule that drives it.
    pub schedule: Option<String>,
    /// The test clock that its customer lives by.
    pub test_clock: Option<String>,
    /// What becomes of it when its payment failed as often as it is tried.
    #[serde(default)]
    pub after_retries: AfterRetries,
    /// When something happens to it next, in seconds.
    pub wakes_at: Option<i64>,
    /// How it is billed.
    pub terms: Box<Terms>,
    /// Its discounts.
    pub discounts: Vec<Arc<Discount>>,
    /// The caller's notes.
    pub metadata: BTreeMap<String, String>,
}

/// How a subscription is billed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    /// The platform, on a connected account.
    pub application: Option<String>,
    /// The platform's share of each invoice.
    pub fee_percent: Option<Decimal>,
    /// Whether Stripe was asked to work out taxes.
    pub automatic_tax: bool,
    /// How invoices are paid.
    pub collection: Collection,
    /// How many days after it is finalized an invoice is due.
    pub days_until_due: Option<i64>,
    /// The card that pays.
    pub payment_method: Option<String>,
    /// The tax rates of items that have none.
    pub tax_rates: Vec<Arc<TaxRate>>,
    /// The caller's description.
    pub description: Option<String>,
    /// The account that payments are settled for.
    pub on_behalf_of: Option<String>,
    /// Where the money goes on to, and what percentage of it.
    pub transfer: Option<(String, Option<Decimal>)>,
    /// What stands at the foot of its invoices, when it was said.
    pub footer: Option<String>,
    /// What stands on its invoices, when it was said.
    pub invoice_description: Option<String>,
    /// The payment methods that it may be paid by; `None` is those of the settings.
    pub method_types: Option<Vec<String>>,
    /// Options of the payment methods, as JSON text.
    pub method_options: Option<String>,
    /// `off` or `on_subscription`: whether a card that paid becomes its own.
    pub save_method: Option<String>,
    /// How often invoice items that wait are billed apart.
    pub pending_interval: Option<(Interval, i64)>,
    /// Whether it is billed in the older, `classic` way.
    pub classic: bool,
}

/// Where a subscription stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Its first invoice is not paid yet.
    #[default]
    Incomplete,
    /// Its first invoice was not paid in time. Final.
    IncompleteExpired,
    /// It costs nothing yet.
    Trialing,
    /// It is paid.
    Active,
    /// Its latest invoice could not be paid.
    PastDue,
    /// It is over. Final.
    Canceled,
    /// Its invoices are left unpaid.
    Unpaid,
    /// Its trial ended, and nothing can be charged.
    Paused,
}

impl Status {
    /// In Stripe's words.
    pub const WORDS: [&'static str; 8] = [
        "active",
        "past_due",
        "unpaid",
        "canceled",
        "incomplete",
        "incomplete_expired",
        "trialing",
        "paused",
    ];

    /// In Stripe's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Incomplete => "incomplete",
            Status::IncompleteExpired => "incomplete_expired",
            Status::Trialing => "trialing",
            Status::Active => "active",
            Status::PastDue => "past_due",
            Status::Canceled => "canceled",
            Status::Unpaid => "unpaid",
            Status::Paused => "paused",
        }
    }

    /// Whether nothing can happen to it any more.
    pub fn is_over(self) -> bool {
        matches!(self, Status::Canceled | Status::IncompleteExpired)
    }
}

/// What becomes of a trial that ends while nothing can be charged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WithoutMethod {
    /// An invoice that is not paid.
    #[default]
    CreateInvoice,
    /// It is paused.
    Pause,
    /// It is canceled.
    Cancel,
}

/// The parts of a date that periods are counted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnchorConfig {
    /// From 1 to 31; the last day of shorter months.
    pub day_of_month: i64,
    /// From 0 to 23.
    pub hour: Option<i64>,
    /// From 0 to 59.
    pub minute: Option<i64>,
    /// From 1 to 12.
    pub month: Option<i64>,
    /// From 0 to 59.
    pub second: Option<i64>,
}

/// Why a subscription ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancellation {
    /// What the customer said.
    pub comment: Option<String>,
    /// The same as one of Stripe's words.
    pub feedback: Option<String>,
    /// `cancellation_requested`, `payment_failed` or `payment_disputed`.
    pub reason: Option<String>,
}

/// How invoices are held back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// `keep_as_draft`, `mark_uncollectible` or `void`.
    pub behavior: String,
    /// When that ends, in seconds.
    pub resumes_at: Option<i64>,
}

impl Subscription {
    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        let mut shown = self.render_course();
        if let (Value::Object(fields), Value::Object(terms)) = (&mut shown, self.render_terms()) {
            fields.extend(terms);
        }
        // One item is shown in the older form as well.
        if let ([item], Value::Object(fields)) = (self.items.as_slice(), &mut shown) {
            fields.insert("plan".into(), plan::render(&item.price));
            fields.insert("quantity".into(), item.quantity.into());
        }
        shown
    }

    fn render_course(&self) -> Value {
        let items: Vec<Value> = self.items.iter().map(|item| item.render()).collect();
        json!({
            "id": self.id, "object": "subscription", "billing_cycle_anchor": self.anchor,
            "billing_cycle_anchor_config": self.anchor_config, "billing_schedules": [],
            "billing_thresholds": null, "cancel_at": self.cancel_at,
            "cancel_at_period_end": self.cancel_at_period_end, "canceled_at": self.canceled_at,
            "cancellation_details": {
                "comment": self.cancellation.comment, "feedback": self.cancellation.feedback,
                "feedback_option": null, "reason": self.cancellation.reason,
            },
            "created": self.created, "currency": self.currency,
            "customer": self.customer, "customer_account": null, "default_source": null,
            "discounts": self.discounts.iter().map(|discount| &discount.id).collect::<Vec<_>>(),
            "ended_at": self.ended_at,
            "items": {
                "object": "list", "data": items, "has_more": false, "total_count": self.items.len(),
                "url": format!("/v1/subscription_items?subscription={}", self.id),
            },
            "latest_invoice": self.latest_invoice, "livemode": self.space.livemode,
            "managed_payments": { "enabled": false }, "metadata": self.metadata,
            "next_pending_invoice_item_invoice": null, "pause_collection": self.pause,
            "pending_setup_intent": self.pending_setup_intent, "pending_update": null,
            "schedule": self.schedule, "start_date": self.start, "status": self.status,
            "test_clock": self.test_clock, "trial_end": self.trial.map(|trial| trial.1),
            "trial_settings": { "end_behavior": { "missing_payment_method": self.without_method } },
            "trial_start": self.trial.map(|trial| trial.0),
        })
    }

    fn render_terms(&self) -> Value {
        let terms = &self.terms;
        let options: Option<Value> = terms
            .method_options
            .as_ref()
            .and_then(|text| serde_json::from_str(text).ok());
        let flexible = (!terms.classic).then(|| json!({ "proration_discounts": "included" }));
        json!({
            "application": terms.application,
            "application_fee_percent": terms.fee_percent.map(Decimal::number),
            "automatic_tax": {
                "disabled_reason": null, "enabled": terms.automatic_tax,
                "liability": terms.automatic_tax.then(|| json!({ "type": "self" })),
            },
            "billing_mode": {
                "flexible": flexible, "type": if terms.classic { "classic" } else { "flexible" },
            },
            "collection_method": terms.collection, "days_until_due": terms.days_until_due,
            "default_payment_method": terms.payment_method,
            "default_tax_rates": terms.tax_rates.iter().map(|rate| rate.render()).collect::<Vec<_>>(),
            "description": terms.description,
            "invoice_settings": {
                "account_tax_ids": null, "custom_fields": null, "description": terms.invoice_description,
                "footer": terms.footer, "issuer": { "type": "self" },
            },
            "on_behalf_of": terms.on_behalf_of,
            "payment_settings": {
                "payment_method_options": options, "payment_method_types": terms.method_types,
                "save_default_payment_method": terms.save_method.as_deref().unwrap_or("off"),
            },
            "pending_invoice_item_interval": terms.pending_interval.map(|(interval, count)| {
                json!({ "interval": interval, "interval_count": count })
            }),
            "transfer_data": terms.transfer.as_ref().map(|(destination, percent)| {
                json!({ "amount_percent": percent.map(Decimal::number), "destination": destination })
            }),
        })
    }

    /// When the first of its items' periods ends, in seconds.
    pub fn period_end(&self) -> Option<i64> {
        self.items.iter().map(|item| item.period.1).min()
    }

    /// Whether an item of the id is one of its own.
    pub fn item(&self, id: &str) -> Option<&Arc<SubscriptionItem>> {
        self.items.iter().find(|item| item.id == id)
    }
}

impl Shown for Subscription {
    const EXPANDS: &'static [(&'static str, &'static str)] = &[
        ("customer", "customer"),
        ("default_payment_method", "payment_method"),
        ("discounts", "discount"),
        ("items", "list of subscription_item"),
        ("latest_invoice", "invoice"),
        ("on_behalf_of", "account"),
        ("pending_setup_intent", "setup_intent"),
        ("plan.product", "product"),
        ("schedule", "subscription_schedule"),
        ("test_clock", "test_helpers.test_clock"),
        ("transfer_data.destination", "account"),
    ];

    fn shown(&self, _: &State) -> Value {
        self.render()
    }
}
