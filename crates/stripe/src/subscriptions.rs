//! Subscriptions of Stripe's own billing. Their events have no order of their own, so one is always
//! retrieved, together with its latest invoice; a canceled one can still be. They are on a tenant's
//! account, or, without an account, on the platform's own, where tenants pay the platform.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::account_id::AccountId;
use crate::billing_invoices::BillingInvoice;
use crate::client::Client;
use crate::error::{CallError, Unreadable};
use crate::form::{object_path, param, push_optional};
use crate::object::{self, Expandable, PAGE_MAX, Page};

const PATH: &str = "/v1/subscriptions";
const ITEMS: &str = "/v1/subscription_items";

/// A subscription as it is now. Times are seconds since the epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// `sub_…`
    pub id: String,
    /// `cus_…`
    pub customer: String,
    /// `active`, `past_due`, `unpaid`, `canceled`, `incomplete`, `incomplete_expired`, `trialing`, `paused`;
    /// Stripe may add others.
    pub status: String,
    /// Lower-case ISO code.
    pub currency: Option<String>,
    /// `charge_automatically` or `send_invoice`.
    pub collection_method: Option<String>,
    /// What is subscribed to.
    pub items: Vec<Item>,
    /// When the trial began, if there is or was one.
    pub trial_start: Option<i64>,
    /// When it ends.
    pub trial_end: Option<i64>,
    /// When the subscription is to end.
    pub cancel_at: Option<i64>,
    /// Whether it ends with its current period.
    pub cancel_at_period_end: bool,
    /// When somebody asked for its end.
    pub canceled_at: Option<i64>,
    /// When it ended.
    pub ended_at: Option<i64>,
    /// When it was made.
    pub created: Option<i64>,
    /// Its latest invoice.
    pub latest_invoice: Option<Expandable<BillingInvoice>>,
    /// What was written on it, by anybody with access to the account.
    pub metadata: BTreeMap<String, String>,
    /// The period of versions in which items have none of their own.
    period: Option<(i64, i64)>,
    /// Whether there are more items than Stripe sends along.
    has_more_items: bool,
}

/// One thing that is subscribed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// `si_…`
    pub id: String,
    /// `price_…`, or the id of an older plan.
    pub price: Option<String>,
    /// How many; none where usage is billed.
    pub quantity: Option<i64>,
    /// What one costs in a period, in minor units; none where it is no whole number or depends on how many.
    pub unit_amount: Option<i64>,
    /// Lower-case ISO code.
    pub currency: Option<String>,
    /// `day`, `week`, `month` or `year`.
    pub interval: Option<String>,
    /// So many of them are a period.
    pub interval_count: Option<i64>,
    /// The current period, in seconds since the epoch: begin and end.
    pub period: Option<(i64, i64)>,
}

/// The subscription as it is now, with its latest invoice.
pub async fn retrieve(
    client: &Client,
    account: Option<&AccountId>,
    id: &str,
) -> Result<Subscription, CallError> {
    let query = [param("expand[0]", "latest_invoice")];
    let answer = client.read(&object_path(PATH, id), &query, account).await?;
    let mut subscription = Subscription::parse(&answer.body)?;
    if subscription.has_more_items {
        // Stripe allows no more items than one page holds.
        let query = [param("subscription", id), param("limit", PAGE_MAX)];
        let answer = client.read(ITEMS, &query, account).await?;
        subscription.items = object::page(&answer.body, Item::from_value)?.data;
    }
    Ok(subscription)
}

/// Subscriptions of any status of a customer, or of all, with their latest invoices, newest first; the page
/// after `starting_after`, of at most 100.
pub async fn list(
    client: &Client,
    account: Option<&AccountId>,
    customer: Option<&str>,
    starting_after: Option<&str>,
) -> Result<Page<Subscription>, CallError> {
    let mut query = vec![param("status", "all"), param("limit", PAGE_MAX)];
    push_optional(&mut query, "customer", customer);
    push_optional(&mut query, "starting_after", starting_after);
    query.push(param("expand[0]", "data.latest_invoice"));
    let answer = client.read(PATH, &query, account).await?;
    Ok(object::page(&answer.body, Subscription::from_value)?)
}

impl Subscription {
    /// Reads the body of an answer.
    pub fn parse(body: &str) -> Result<Subscription, Unreadable> {
        Subscription::from_value(&object::parse(body)?)
    }

    /// Reads a subscription from an answer.
    pub fn from_value(value: &Value) -> Result<Subscription, Unreadable> {
        object::require_kind(value, "subscription")?;
        let items = value.get("items");
        let data = items
            .and_then(|items| items.get("data"))
            .and_then(Value::as_array);
        let customer = object::id_of(value, "customer");
        Ok(Subscription {
            id: object::require_text(value, "id")?,
            customer: customer.ok_or_else(|| Unreadable("no `customer` in a subscription".to_owned()))?,
            status: object::require_text(value, "status")?,
            currency: object::text(value, "currency"),
            collection_method: object::text(value, "collection_method"),
            items: data
                .map(Vec::as_slice)
                .unwrap_or_default()
                .iter()
                .map(Item::from_value)
                .collect::<Result<_, _>>()?,
            trial_start: object::int(value, "trial_start"),
            trial_end: object::int(value, "trial_end"),
            cancel_at: object::int(value, "cancel_at"),
            cancel_at_period_end: object::flag(value, "cancel_at_period_end"),
            canceled_at: object::int(value, "canceled_at"),
            ended_at: object::int(value, "ended_at"),
            created: object::int(value, "created"),
            latest_invoice: object::expandable(value, "latest_invoice", BillingInvoice::from_value),
            metadata: object::text_map(value, "metadata"),
            period: period(value),
            has_more_items: items.is_some_and(|items| object::flag(items, "has_more")),
        })
    }

    /// The current period, begin and end: of several items, that of the one whose period ends first.
    pub fn current_period(&self) -> Option<(i64, i64)> {
        let of_items = self.items.iter().filter_map(|item| item.period);
        of_items.min_by_key(|period| period.1).or(self.period)
    }
}

impl Item {
    fn from_value(value: &Value) -> Result<Item, Unreadable> {
        let price = value
            .get("price")
            .or_else(|| value.get("plan"))
            .unwrap_or(&Value::Null);
        let recurring = price.get("recurring").unwrap_or(price);
        Ok(Item {
            id: object::require_text(value, "id")?,
            price: object::id_of(value, "price").or_else(|| object::id_of(value, "plan")),
            quantity: object::int(value, "quantity"),
            unit_amount: object::int(price, "unit_amount").or_else(|| object::int(price, "amount")),
            currency: object::text(price, "currency"),
            interval: object::text(recurring, "interval"),
            interval_count: object::int(recurring, "interval_count"),
            period: period(value),
        })
    }
}

fn period(value: &Value) -> Option<(i64, i64)> {
    let begin = object::int(value, "current_period_start")?;
    Some((begin, object::int(value, "current_period_end")?))
}
