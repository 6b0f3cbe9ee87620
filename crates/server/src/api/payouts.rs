//! `/api/payouts`: what left each account's Stripe balance for its bank, and what it consists of, for a
//! tenant and, of the platform's own account, for the operator.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use domain::balance::Attribution;
use domain::{Refusal, Scope, TenantId, Timestamp};
use flows::{Failure, payouts as flow};
use serde::{Deserialize, Serialize};
use store::balance_transactions::{self, BalanceTransaction, Part};
use store::payouts::{self, Payout};

use super::lists::{Asked, Given, Takes};
use super::subscriptions::mode_of;
use super::{Caller, InPath, Page, PageQuery, Platform, Query};
use crate::problem::Problem;
use crate::router::Site;

/// A payout as the API shows it; amounts in minor units.
#[derive(Debug, Serialize)]
pub struct PayoutJson {
    id: String,
    object: &'static str,
    livemode: bool,
    stripe_account_id: Option<String>,
    amount: i64,
    currency: String,
    status: String,
    automatic: bool,
    method: Option<String>,
    destination: Option<String>,
    statement_descriptor: Option<String>,
    trace_id: Option<String>,
    made_at: Option<i64>,
    arrives_at: Option<i64>,
    failure_code: Option<String>,
    /// Why it failed, and what its owner does.
    failure: Option<&'static str>,
    original_payout: Option<String>,
    reversed_by: Option<String>,
    /// Whether everything that it consists of is known, to the cent.
    itemised: bool,
    /// Why it is not.
    not_itemised_because: Option<&'static str>,
}

const MANUAL: &str =
    "Its owner made it by hand, and Stripe says only of automatic payouts what they consist of.";
const NOT_PAID: &str = "It has not reached the bank.";
const NOT_YET: &str = "Stripe has not said yet what it consists of.";

impl From<Payout> for PayoutJson {
    fn from(payout: Payout) -> PayoutJson {
        let is_failed = payout.status == "failed";
        let because = match (payout.itemised_at, payout.automatic, payout.status.as_str()) {
            (Some(_), _, _) => None,
            (None, false, _) => Some(MANUAL),
            (None, true, "paid") => Some(NOT_YET),
            (None, true, _) => Some(NOT_PAID),
        };
        PayoutJson {
            id: payout.id,
            object: "payout",
            livemode: payout.scope.mode.is_live(),
            stripe_account_id: Some(payout.account).filter(|account| !account.is_empty()),
            amount: payout.amount,
            currency: payout.currency,
            status: payout.status,
            automatic: payout.automatic,
            method: payout.method,
            destination: payout.destination,
            statement_descriptor: payout.statement_descriptor,
            trace_id: payout.trace_id,
            made_at: payout.made_at.map(Timestamp::ms),
            arrives_at: payout.arrival_at.map(Timestamp::ms),
            failure: is_failed.then(|| flow::failure_in_words(payout.failure_code.as_deref())),
            failure_code: payout.failure_code,
            original_payout: payout.original_payout,
            reversed_by: payout.reversed_by,
            itemised: payout.itemised_at.is_some(),
            not_itemised_because: because,
        }
    }
}

/// A balance transaction as the API shows it; amounts in minor units of the balance's currency.
#[derive(Debug, Serialize)]
pub struct ItemJson {
    id: String,
    object: &'static str,
    /// Whose it is: `payment`, `refund`, `dispute`, `external`, …
    of: &'static str,
    /// Stripe's own word.
    #[serde(rename = "type")]
    type_: String,
    amount: i64,
    fee: i64,
    /// The platform's share in `fee`.
    application_fee: i64,
    net: i64,
    currency: String,
    exchange_rate: Option<String>,
    source: Option<String>,
    payment_id: Option<String>,
    payment: Option<String>,
    stripe_charge_id: Option<String>,
    made_at: i64,
    available_on: Option<i64>,
}

impl From<BalanceTransaction> for ItemJson {
    fn from(row: BalanceTransaction) -> ItemJson {
        let of_tenant = row.scope.tenant != TenantId::platform();
        let link = row.payment.as_ref().filter(|_| of_tenant);
        ItemJson {
            id: row.id,
            object: "balance_transaction",
            of: row.attribution.word(),
            type_: row.type_,
            amount: row.amount,
            fee: row.fee,
            application_fee: row.application_fee,
            net: row.net,
            currency: row.currency,
            exchange_rate: row.exchange_rate,
            source: row.source,
            payment: link.map(|id| format!("/api/payments/{id}")),
            payment_id: row.payment.map(|id| id.to_string()),
            stripe_charge_id: row.charge,
            made_at: row.made_at.ms(),
            available_on: row.available_on.map(Timestamp::ms),
        }
    }
}

/// So much of a payout is of one kind.
#[derive(Debug, Serialize)]
pub struct PartJson {
    count: i64,
    amount: i64,
    fee: i64,
    net: i64,
}

impl From<&Part> for PartJson {
    fn from(part: &Part) -> PartJson {
        PartJson {
            count: part.count,
            amount: part.amount,
            fee: part.fee,
            net: part.net,
        }
    }
}

/// A payout with what it consists of: the sums of all of it, and a page of the items.
#[derive(Debug, Serialize)]
pub struct ItemisedJson {
    #[serde(flatten)]
    payout: PayoutJson,
    /// By whose they are; their nets come to the payout's amount.
    parts: BTreeMap<&'static str, PartJson>,
    items: Page<ItemJson>,
}

/// `GET /api/payouts`
pub async fn list(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    Query(given): Query<Given>,
) -> Result<Json<Page<PayoutJson>>, Problem> {
    page_of(&site, scope, LIST.read(given)?).await
}

/// `GET /api/payouts/{id}`
pub async fn get(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    InPath(id): InPath,
    Query(query): Query<PageQuery>,
) -> Result<Json<ItemisedJson>, Problem> {
    one_of(&site, scope, id, &query).await
}

/// Which payouts of the platform are asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlatformQuery {
    /// `test` or `live`; the server's own unless it is said.
    mode: Option<String>,
    limit: Option<i64>,
    after: Option<String>,
}

impl PlatformQuery {
    fn read(self, site: &Site) -> Result<(Scope, PageQuery), Problem> {
        let mode = self.mode.as_deref().map(mode_of).transpose()?;
        let scope = Scope {
            tenant: TenantId::platform(),
            mode: mode.unwrap_or(site.config.mode),
        };
        let page = PageQuery {
            limit: self.limit,
            after: self.after,
        };
        Ok((scope, page))
    }
}

/// `GET /api/platform/payouts`
pub async fn list_of_platform(
    State(site): State<Site>,
    _: Platform,
    Query(mut given): Query<Given>,
) -> Result<Json<Page<PayoutJson>>, Problem> {
    let mode = given.iter().position(|(name, _)| name == "mode");
    let mode = mode.map(|at| given.swap_remove(at).1);
    let query = PlatformQuery {
        mode,
        ..PlatformQuery::default()
    };
    let (scope, _) = query.read(&site)?;
    page_of(&site, scope, LIST.read(given)?).await
}

/// `GET /api/platform/payouts/{id}`
pub async fn get_of_platform(
    State(site): State<Site>,
    _: Platform,
    InPath(id): InPath,
    Query(query): Query<PlatformQuery>,
) -> Result<Json<ItemisedJson>, Problem> {
    let (scope, page) = query.read(&site)?;
    one_of(&site, scope, id, &page).await
}

/// Ids of Stripe's are text that PostgreSQL can hold.
fn storable(id: &str) -> bool {
    !id.contains('\0')
}

/// Stripe's words for where a payout stands.
fn statuses() -> Vec<String> {
    let words = ["pending", "in_transit", "paid", "failed", "canceled"];
    words.map(str::to_owned).to_vec()
}

/// What narrows the list.
const LIST: Takes = Takes {
    parameters: &["status", "currency", "since", "until"],
    statuses,
};

async fn page_of(site: &Site, scope: Scope, asked: Asked) -> Result<Json<Page<PayoutJson>>, Problem> {
    let Asked { limit, after, only } = asked;
    let unknown = || Refusal::invalid("after", "must be the id of the last payout before");
    if !after.as_deref().is_none_or(storable) {
        return Err(unknown().into());
    }
    let read = site
        .app
        .db
        .read(move |tx| payouts::page(tx, &scope, &only, after.as_deref(), limit + 1));
    let rows = read.await.map_err(Failure::from)?.ok_or_else(unknown)?;
    let shown = rows.into_iter().map(PayoutJson::from);
    Ok(Json(Page::of(shown.collect(), limit)))
}

async fn one_of(
    site: &Site,
    scope: Scope,
    id: String,
    query: &PageQuery,
) -> Result<Json<ItemisedJson>, Problem> {
    let limit = query.limit()?;
    let after = query.after.clone().unwrap_or_default();
    if !storable(&after) {
        return Err(Refusal::invalid("after", "must be the id of the last item before").into());
    }
    if !storable(&id) {
        return Err(Refusal::NotFound.into());
    }
    let read = site.app.db.read(move |tx| {
        let Some(payout) = payouts::get(tx, &scope, &id)? else {
            return Ok(None);
        };
        let parts = balance_transactions::parts_of_payout(tx, &scope, &id)?;
        let items = balance_transactions::of_payout(tx, &scope, &id, &after, limit + 1)?;
        Ok::<_, store::Error>(Some((payout, parts, items)))
    });
    let found = read.await.map_err(Failure::from)?;
    let (payout, parts, items) = found.ok_or(Refusal::NotFound)?;
    let parts = parts
        .iter()
        .map(|part| (Attribution::word(part.attribution), PartJson::from(part)));
    Ok(Json(ItemisedJson {
        payout: payout.into(),
        parts: parts.collect(),
        items: Page::of(items.into_iter().map(ItemJson::from).collect(), limit),
    }))
}
