//! `/api/subscriptions`: subscriptions of Stripe's own billing, as they were read there last. A tenant
//! sees those of its clients, on its own account; the operator sees those of tenants, on the
//! platform's.

use axum::Json;
use axum::extract::State;
use domain::{Mode, Refusal, Scope, TenantId, Timestamp};
use flows::Failure;
use serde::{Deserialize, Serialize};
use store::subscriptions::{self, Invoice, Item, Subscription};

use super::{Caller, InPath, Page, PageQuery, Platform, Query};
use crate::problem::Problem;
use crate::router::Site;

/// A subscription as the API shows it; amounts in minor units, times in milliseconds since the epoch.
#[derive(Debug, Serialize)]
pub struct SubscriptionJson {
    id: String,
    object: &'static str,
    livemode: bool,
    /// Only where the operator reads: the tenant that the customer is, if that was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id: Option<Option<String>>,
    /// Null on the platform's own account.
    stripe_account_id: Option<String>,
    stripe_customer_id: String,
    /// Stripe's word.
    status: String,
    currency: Option<String>,
    collection_method: Option<String>,
    items: Vec<ItemJson>,
    current_period_start: Option<i64>,
    current_period_end: Option<i64>,
    trial_start: Option<i64>,
    trial_end: Option<i64>,
    cancel_at: Option<i64>,
    cancel_at_period_end: bool,
    canceled_at: Option<i64>,
    ended_at: Option<i64>,
    latest_invoice: Option<InvoiceJson>,
    /// Whether Stripe does not show it to us any more, so that this is what was seen last.
    check_stripe: bool,
    started_at: Option<i64>,
    updated_at: i64,
}

/// One thing that is subscribed to.
#[derive(Debug, Serialize)]
struct ItemJson {
    id: String,
    price: Option<String>,
    quantity: Option<i64>,
    unit_amount: Option<i64>,
    currency: Option<String>,
    interval: Option<String>,
    interval_count: Option<i64>,
}

/// An invoice of Stripe's own billing.
#[derive(Debug, Serialize)]
struct InvoiceJson {
    id: String,
    status: Option<String>,
    amount_due: Option<i64>,
    amount_paid: Option<i64>,
    currency: Option<String>,
    hosted_invoice_url: Option<String>,
}

impl From<Item> for ItemJson {
    fn from(item: Item) -> ItemJson {
        ItemJson {
            id: item.id,
            price: item.price_id,
            quantity: item.quantity,
            unit_amount: item.unit_amount,
            currency: item.currency,
            interval: item.interval,
            interval_count: item.interval_count,
        }
    }
}

impl From<Invoice> for InvoiceJson {
    fn from(invoice: Invoice) -> InvoiceJson {
        InvoiceJson {
            id: invoice.id,
            status: invoice.status,
            amount_due: invoice.amount_due,
            amount_paid: invoice.amount_paid,
            currency: invoice.currency,
            hosted_invoice_url: invoice.url,
        }
    }
}

impl From<Subscription> for SubscriptionJson {
    fn from(subscription: Subscription) -> SubscriptionJson {
        let facts = subscription.facts;
        let ms = |time: Option<Timestamp>| time.map(Timestamp::ms);
        SubscriptionJson {
            id: subscription.id,
            object: "subscription",
            livemode: subscription.scope.mode.is_live(),
            tenant_id: None,
            stripe_account_id: Some(subscription.stripe_account_id).filter(|account| !account.is_empty()),
            stripe_customer_id: subscription.stripe_customer_id,
            status: facts.status,
            currency: facts.currency,
            collection_method: facts.collection_method,
            items: facts.items.into_iter().map(ItemJson::from).collect(),
            current_period_start: ms(facts.period_start),
            current_period_end: ms(facts.period_end),
            trial_start: ms(facts.trial_start),
            trial_end: ms(facts.trial_end),
            cancel_at: ms(facts.cancel_at),
            cancel_at_period_end: facts.cancel_at_period_end,
            canceled_at: ms(facts.canceled_at),
            ended_at: ms(facts.ended_at),
            latest_invoice: facts.invoice.map(InvoiceJson::from),
            check_stripe: subscription.unreachable_since.is_some(),
            started_at: ms(facts.started_at),
            updated_at: subscription.updated_at.ms(),
        }
    }
}

impl SubscriptionJson {
    /// With the tenant that pays it, for the operator.
    fn with_tenant(mut subscription: Subscription) -> SubscriptionJson {
        let tenant = subscription.paid_by.take().map(|tenant| tenant.to_string());
        SubscriptionJson {
            tenant_id: Some(tenant),
            ..SubscriptionJson::from(subscription)
        }
    }
}

/// The place in the list after which a page begins. PostgreSQL takes no text with U+0000.
fn place(after: Option<String>) -> Result<String, Refusal> {
    match after {
        Some(after) if after.contains('\0') => Err(Refusal::invalid(
            "after",
            "must be the id of the last subscription before",
        )),
        after => Ok(after.unwrap_or_default()),
    }
}

/// `GET /api/subscriptions`
pub async fn list(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<SubscriptionJson>>, Problem> {
    let limit = query.limit()?;
    let after = place(query.after)?;
    let rows = site
        .app
        .db
        .read(move |tx| subscriptions::page(tx, &scope, &after, limit + 1, None))
        .await;
    let rows = rows.map_err(Failure::from)?;
    Ok(Json(Page::of(
        rows.into_iter().map(SubscriptionJson::from).collect(),
        limit,
    )))
}

/// `GET /api/subscriptions/{id}`
pub async fn get(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    InPath(id): InPath,
) -> Result<Json<SubscriptionJson>, Problem> {
    let found = find(&site, vec![scope], id).await?;
    Ok(Json(found.into()))
}

/// The subscription in one of these scopes.
async fn find(site: &Site, scopes: Vec<Scope>, id: String) -> Result<Subscription, Problem> {
    if id.contains('\0') {
        return Err(Refusal::NotFound.into());
    }
    let found = site.app.db.read(move |tx| {
        for scope in &scopes {
            if let Some(found) = subscriptions::get(tx, scope, &id)? {
                return Ok(Some(found));
            }
        }
        Ok::<_, store::Error>(None)
    });
    let found = found.await.map_err(Failure::from)?;
    Ok(found.ok_or(Refusal::NotFound)?)
}

fn platform(mode: Mode) -> Scope {
    Scope {
        tenant: TenantId::platform(),
        mode,
    }
}

/// Which of the platform's own are asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlatformQuery {
    limit: Option<i64>,
    after: Option<String>,
    /// `test` or `live`; the server's own unless it is said.
    mode: Option<String>,
    /// Only those that this tenant pays.
    tenant_id: Option<String>,
}

/// `GET /api/platform/subscriptions`
pub async fn list_of_platform(
    State(site): State<Site>,
    Platform { .. }: Platform,
    Query(query): Query<PlatformQuery>,
) -> Result<Json<Page<SubscriptionJson>>, Problem> {
    let page = PageQuery {
        limit: query.limit,
        after: query.after,
    };
    let limit = page.limit()?;
    let after = place(page.after)?;
    let mode = match query.mode {
        None => site.config.mode,
        Some(word) => mode_of(&word)?,
    };
    let paid_by = query.tenant_id.as_deref().map(TenantId::parse).transpose()?;
    let rows = site
        .app
        .db
        .read(move |tx| subscriptions::page(tx, &platform(mode), &after, limit + 1, paid_by.as_ref()))
        .await;
    let rows = rows.map_err(Failure::from)?;
    Ok(Json(Page::of(
        rows.into_iter().map(SubscriptionJson::with_tenant).collect(),
        limit,
    )))
}

/// The mode of a word.
///
/// # Errors
/// [`Refusal::InvalidField`].
pub fn mode_of(word: &str) -> Result<Mode, Refusal> {
    let mode = [Mode::Test, Mode::Live]
        .into_iter()
        .find(|mode| mode.word() == word);
    mode.ok_or_else(|| Refusal::invalid("mode", "must be \"test\" or \"live\""))
}

/// `GET /api/platform/subscriptions/{id}`, of either mode.
pub async fn get_of_platform(
    State(site): State<Site>,
    Platform { .. }: Platform,
    InPath(id): InPath,
) -> Result<Json<SubscriptionJson>, Problem> {
    let scopes = [Mode::Test, Mode::Live].map(platform).to_vec();
    let found = find(&site, scopes, id).await?;
    Ok(Json(SubscriptionJson::with_tenant(found)))
}
