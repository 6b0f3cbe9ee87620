//! `/api/tenants`: the operator's side. A platform key makes and moves tenants, and sees nothing of what they
//! do.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::tenant::TenantMove;
use domain::{Mode, Refusal, Scope, TenantId, Timestamp};
use flows::api_keys::{self, NewKey};
use flows::tenants::{self, Overview};
use flows::{By, platform_customers};
use serde::{Deserialize, Serialize};
use store::stripe_config::StripeConfig;
use store::tenants as rows;

use super::keys::{KeyJson, PermissionsJson};
use super::subscriptions::mode_of;
use super::{InPath, Input, Page, PageQuery, Platform, Query};
use crate::idempotency::Once;
use crate::problem::Problem;
use crate::router::Site;

/// A tenant to be added.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewTenantJson {
    name: String,
    support_email: Option<String>,
    /// Whether a first API key of each configured mode is made with it.
    #[serde(default)]
    with_api_keys: bool,
}

/// A tenant as the operator sees it; times in milliseconds since the epoch.
#[derive(Debug, Serialize)]
pub struct TenantJson {
    id: String,
    object: &'static str,
    name: String,
    support_email: Option<String>,
    status: &'static str,
    status_reason: Option<String>,
    status_at: Option<i64>,
    /// Its connected account by mode; null where it has none.
    accounts: BTreeMap<&'static str, Option<AccountJson>>,
    /// Which customer of the platform's own account it is, by mode; null where that was not said.
    stripe_customers: BTreeMap<&'static str, Option<String>>,
    /// Only in the answer that made them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    api_keys: Vec<KeyJson>,
    created_at: i64,
}

/// How far a connected account is.
#[derive(Debug, Serialize)]
struct AccountJson {
    stripe_account: String,
    connected: bool,
    details_submitted: bool,
    charges_enabled: bool,
    payouts_enabled: bool,
    can_take_payments: bool,
}

impl AccountJson {
    /// An account of a tenant that may begin new work, or may not.
    fn of(config: StripeConfig, may_begin: bool) -> AccountJson {
        AccountJson {
            connected: !config.disconnected,
            details_submitted: config.details_submitted,
            charges_enabled: config.charges_enabled,
            payouts_enabled: config.payouts_enabled,
            can_take_payments: config.can_charge() && may_begin,
            stripe_account: config.stripe_account_id,
        }
    }
}

impl From<Overview> for TenantJson {
    fn from(overview: Overview) -> TenantJson {
        let Overview {
            tenant,
            accounts,
            customers,
        } = overview;
        let may_begin = tenant.status.new_work().is_ok();
        let account = |(mode, config): (Mode, Option<StripeConfig>)| {
            let json = config.map(|config| AccountJson::of(config, may_begin));
            (mode.word(), json)
        };
        TenantJson {
            id: tenant.id.to_string(),
            object: "tenant",
            status: tenant.status.word(),
            status_reason: tenant.status_reason,
            status_at: tenant.status_at.map(Timestamp::ms),
            accounts: accounts.into_iter().map(account).collect(),
            stripe_customers: customers
                .into_iter()
                .map(|(mode, customer)| (mode.word(), customer))
                .collect(),
            api_keys: Vec::new(),
            created_at: tenant.created_at.ms(),
            name: tenant.name,
            support_email: tenant.support_email,
        }
    }
}

/// `POST /api/tenants`
pub async fn create(
    State(site): State<Site>,
    Platform { by }: Platform,
    Once(moment): Once,
    Input(new): Input<NewTenantJson>,
) -> Result<(StatusCode, Json<TenantJson>), Problem> {
    let configured = [Mode::Test, Mode::Live]
        .into_iter()
        .filter(|mode| new.with_api_keys && site.config.keys(*mode).is_some());
    let modes: Vec<Mode> = configured.collect();
    let email = new.support_email.as_deref();
    let (tenant, keys) = tenants::add(&site.app, &by, moment, &new.name, email, &modes).await?;
    let api_keys = keys
        .into_iter()
        .map(|(key, secret)| KeyJson::shown_once(key, secret.as_ref()));
    let answer = TenantJson {
        api_keys: api_keys.collect(),
        ..show(&site, tenant).await?.0
    };
    Ok((StatusCode::CREATED, Json(answer)))
}

async fn show(site: &Site, tenant: rows::Tenant) -> Result<Json<TenantJson>, Problem> {
    let read = site.app.db.read(move |tx| tenants::overview(tx, tenant.clone()));
    Ok(Json(read.await.map_err(flows::Failure::from)?.into()))
}

/// `GET /api/tenants/{id}`
pub async fn get(
    State(site): State<Site>,
    _: Platform,
    InPath(id): InPath,
) -> Result<Json<TenantJson>, Problem> {
    let id = TenantId::parse(&id)?;
    let found = site.app.db.read(move |tx| rows::find(tx, &id)).await;
    let tenant = found.map_err(flows::Failure::from)?.ok_or(Refusal::NotFound)?;
    show(&site, tenant).await
}

/// `GET /api/tenants`
pub async fn list(
    State(site): State<Site>,
    _: Platform,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<TenantJson>>, Problem> {
    let limit = query.limit()?;
    let after = query.after.as_deref().map(TenantId::parse).transpose()?;
    let read = site.app.db.read(move |tx| {
        let tenants = rows::page(tx, after.as_ref(), limit + 1)?;
        let overviews = tenants.into_iter().map(|tenant| tenants::overview(tx, tenant));
        overviews.collect::<Result<Vec<_>, store::Error>>()
    });
    let overviews = read.await.map_err(flows::Failure::from)?;
    Ok(Json(Page::of(
        overviews.into_iter().map(TenantJson::from).collect(),
        limit,
    )))
}

/// Why a tenant is suspended or closed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReasonJson {
    reason: String,
}

/// `POST /api/tenants/{id}/suspend`
pub async fn suspend(
    State(site): State<Site>,
    Platform { by }: Platform,
    InPath(id): InPath,
    Input(why): Input<ReasonJson>,
) -> Result<Json<TenantJson>, Problem> {
    moved(&site, &by, &id, TenantMove::Suspend, Some(&why.reason)).await
}

/// `POST /api/tenants/{id}/resume`
pub async fn resume(
    State(site): State<Site>,
    Platform { by }: Platform,
    InPath(id): InPath,
) -> Result<Json<TenantJson>, Problem> {
    moved(&site, &by, &id, TenantMove::Resume, None).await
}

/// `POST /api/tenants/{id}/close`
pub async fn close(
    State(site): State<Site>,
    Platform { by }: Platform,
    InPath(id): InPath,
    Input(why): Input<ReasonJson>,
) -> Result<Json<TenantJson>, Problem> {
    moved(&site, &by, &id, TenantMove::Close, Some(&why.reason)).await
}

async fn moved(
    site: &Site,
    by: &By,
    id: &str,
    step: TenantMove,
    reason: Option<&str>,
) -> Result<Json<TenantJson>, Problem> {
    let tenant = tenants::set(&site.app, by, &TenantId::parse(id)?, step, reason).await?;
    show(site, tenant).await
}

/// Which customer of the platform's own account a tenant is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomerJson {
    /// `test` or `live`.
    mode: String,
    /// `cus_…`; null ends the link, and leaving it out does not.
    #[serde(deserialize_with = "Option::deserialize")]
    stripe_customer_id: Option<String>,
}

/// `POST /api/tenants/{id}/stripe-customer`
pub async fn link_customer(
    State(site): State<Site>,
    Platform { by }: Platform,
    InPath(id): InPath,
    Input(link): Input<CustomerJson>,
) -> Result<Json<TenantJson>, Problem> {
    let (tenant, mode) = (TenantId::parse(&id)?, mode_of(&link.mode)?);
    let customer = link.stripe_customer_id.as_deref();
    platform_customers::link(&site.app, &by, &tenant, mode, customer).await?;
    get(State(site), Platform { by }, InPath(id)).await
}

/// An API key to be made for a tenant.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewTenantKeyJson {
    /// `test` or `live`.
    mode: String,
    name: String,
    permissions: PermissionsJson,
    /// Milliseconds since the epoch.
    expires_at: Option<i64>,
}

/// `POST /api/tenants/{id}/keys`
pub async fn create_key(
    State(site): State<Site>,
    Platform { by }: Platform,
    Once(moment): Once,
    InPath(id): InPath,
    Input(new): Input<NewTenantKeyJson>,
) -> Result<(StatusCode, Json<KeyJson>), Problem> {
    let scope = Scope {
        tenant: TenantId::parse(&id)?,
        mode: mode_of(&new.mode)?,
    };
    let key = NewKey {
        permissions: new.permissions.check()?,
        expires_at: new.expires_at.map(Timestamp::from_ms),
        name: new.name,
    };
    let (made, secret) = api_keys::create(&site.app, &scope, &by, moment, None, key).await?;
    Ok((
        StatusCode::CREATED,
        Json(KeyJson::shown_once(made, secret.as_ref())),
    ))
}
