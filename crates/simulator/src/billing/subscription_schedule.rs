//! A subscription schedule: the phases that a subscription goes through, and how it looks. What becomes of it
//! is in `subscription_schedules`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::state::{Shown, Space, State};

/// A schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionSchedule {
    /// `sub_sched_1…`.
    pub id: String,
    /// Where it lives.
    pub space: Space,
    /// When it was made, in seconds.
    pub created: i64,
    /// The customer.
    pub customer: String,
    /// The platform, on a connected account.
    pub application: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// The subscription that it drives.
    pub subscription: Option<String>,
    /// The subscription that it drove until it was released.
    pub released_subscription: Option<String>,
    /// Its phases, one after the other.
    pub phases: Vec<Phase>,
    /// The start of the phase that runs, in seconds.
    pub runs: Option<i64>,
    /// `release` or `cancel`: what becomes of the subscription after the last phase.
    pub end_behavior: String,
    /// When it was canceled, in seconds.
    pub canceled_at: Option<i64>,
    /// When its last phase was over, in seconds.
    pub completed_at: Option<i64>,
    /// When it was released, in seconds.
    pub released_at: Option<i64>,
    /// The end that was announced last, in seconds.
    pub expiry_told: i64,
    /// The test clock that its customer lives by.
    pub test_clock: Option<String>,
    /// The caller's notes.
    pub metadata: BTreeMap<String, String>,
}

/// Where a schedule stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Its first phase is to come.
    NotStarted,
    /// It drives its subscription.
    Active,
    /// Its last phase is over. Final.
    Completed,
    /// It leaves its subscription alone. Final.
    Released,
    /// It was canceled, and its subscription with it. Final.
    Canceled,
}

impl Status {
    /// In Stripe's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::NotStarted => "not_started",
            Status::Active => "active",
            Status::Completed => "completed",
            Status::Released => "released",
            Status::Canceled => "canceled",
        }
    }

    /// Whether it is still to have effect.
    pub fn is_open(self) -> bool {
        matches!(self, Status::NotStarted | Status::Active)
    }
}

/// A phase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phase {
    /// From when, in seconds.
    pub start: i64,
    /// Until when, in seconds.
    pub end: i64,
    /// What is billed in it.
    pub items: Vec<PhaseItem>,
    /// Currency.
    pub currency: String,
    /// `create_prorations`, `always_invoice` or `none`.
    pub proration: String,
    /// The caller's notes, for the subscription.
    pub metadata: BTreeMap<String, String>,
}

/// A price and how many of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseItem {
    /// The price.
    pub price: String,
    /// How many.
    pub quantity: i64,
    /// The caller's notes, for the subscription's item.
    pub metadata: BTreeMap<String, String>,
}

impl SubscriptionSchedule {
    /// The phase that runs.
    pub fn current(&self) -> Option<&Phase> {
        self.phases.iter().find(|phase| self.runs == Some(phase.start))
    }

    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        let current = self.current().filter(|_| self.status == Status::Active);
        json!({
            "id": self.id, "object": "subscription_schedule", "application": self.application,
            "billing_mode": { "flexible": { "proration_discounts": "included" }, "type": "flexible" },
            "canceled_at": self.canceled_at, "completed_at": self.completed_at, "created": self.created,
            "current_phase": current.map(|phase| json!({ "end_date": phase.end, "start_date": phase.start })),
            "customer": self.customer, "customer_account": null,
            "default_settings": {
                "application_fee_percent": null,
                "automatic_tax": { "disabled_reason": null, "enabled": false, "liability": null },
                "billing_cycle_anchor": "automatic", "billing_thresholds": null,
                "collection_method": "charge_automatically", "default_payment_method": null,
                "description": null, "on_behalf_of": null, "transfer_data": null,
                "invoice_settings": {
                    "account_tax_ids": null, "custom_fields": null, "days_until_due": null,
                    "description": null, "footer": null, "issuer": { "type": "self" },
                },
            },
            "end_behavior": self.end_behavior, "livemode": self.space.livemode, "metadata": self.metadata,
            "pause_schedules": [], "phases": self.phases.iter().map(Phase::render).collect::<Vec<_>>(),
            "released_at": self.released_at, "released_subscription": self.released_subscription,
            "status": self.status, "subscription": self.subscription, "test_clock": self.test_clock,
        })
    }
}

impl Phase {
    fn render(&self) -> Value {
        let items: Vec<Value> = self.items.iter().map(PhaseItem::render).collect();
        json!({
            "add_invoice_items": [], "application_fee_percent": null, "billing_cycle_anchor": null,
            "billing_thresholds": null, "collection_method": null, "currency": self.currency,
            "default_payment_method": null, "default_tax_rates": [], "description": null, "discounts": [],
            "end_date": self.end, "invoice_settings": null, "items": items, "metadata": self.metadata,
            "on_behalf_of": null, "proration_behavior": self.proration, "start_date": self.start,
            "transfer_data": null, "trial_end": null,
        })
    }
}

impl PhaseItem {
    fn render(&self) -> Value {
        json!({
            "billing_thresholds": null, "discounts": [], "metadata": self.metadata, "plan": self.price,
            "price": self.price, "quantity": self.quantity, "tax_rates": [],
        })
    }
}

impl Shown for SubscriptionSchedule {
    const EXPANDS: &'static [(&'static str, &'static str)] = &[
        ("customer", "customer"),
        ("subscription", "subscription"),
        ("test_clock", "test_helpers.test_clock"),
    ];

    fn shown(&self, _: &State) -> Value {
        self.render()
    }
}
