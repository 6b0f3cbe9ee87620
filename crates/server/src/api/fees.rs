//! `/api/platform/fee-rules` and `/api/fee-rules`: what the platform takes of payments. The operator adds
//! rules and asks what one would come to; a tenant reads those that are its own or everybody's.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::fee::rules::{Method, Source};
use domain::fee::{BasisPoints, Terms};
use domain::{Currency, FeeRuleId, Money, Refusal, Scope, TenantId, Timestamp};
use flows::Failure;
use flows::fees::{self, Decided, NewRule};
use serde::{Deserialize, Serialize};
use store::fee_rules::{self as rows, Kept};

use super::subscriptions::mode_of;
use super::{Caller, Input, Page, PageQuery, Platform, Query};
use crate::idempotency::Once;
use crate::problem::Problem;
use crate::router::Site;

/// A rule as the API shows it; amounts in minor units, times in milliseconds since the epoch.
#[derive(Debug, Serialize)]
pub struct RuleJson {
    id: String,
    object: &'static str,
    livemode: bool,
    /// Null for a rule of everybody who has none of their own.
    tenant_id: Option<String>,
    /// `card`, `bank_debit`, or `any`.
    method: &'static str,
    /// Null for any.
    currency: Option<&'static str>,
    /// Whether it ends the rules of its kind; then there are no figures.
    ends: bool,
    fee_bps: Option<i64>,
    fixed: Option<i64>,
    minimum: Option<i64>,
    maximum: Option<i64>,
    effective_from: i64,
    created_at: i64,
}

impl From<Kept> for RuleJson {
    fn from(kept: Kept) -> RuleJson {
        let Kept {
            scope,
            rule,
            created_at,
        } = kept;
        RuleJson {
            id: rule.id.to_string(),
            object: "fee_rule",
            livemode: scope.mode.is_live(),
            tenant_id: rule.of_tenant.then(|| scope.tenant.to_string()),
            method: method_word(rule.method),
            currency: rule.currency.map(Currency::code),
            ends: rule.terms.is_none(),
            fee_bps: rule.terms.map(|terms| terms.rate().value()),
            fixed: rule.terms.map(Terms::fixed),
            minimum: rule.terms.and_then(Terms::minimum),
            maximum: rule.terms.and_then(Terms::maximum),
            effective_from: rule.effective_from.ms(),
            created_at: created_at.ms(),
        }
    }
}

const ANY: &str = "any";

fn method_word(method: Option<Method>) -> &'static str {
    method.map_or(ANY, Method::word)
}

/// A rule to be added.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewRuleJson {
    /// `test` or `live`.
    mode: String,
    /// None for everybody who has no rule of their own.
    tenant_id: Option<String>,
    method: Option<String>,
    currency: Option<String>,
    #[serde(default)]
    ends: bool,
    fee_bps: Option<i64>,
    fixed: Option<i64>,
    minimum: Option<i64>,
    maximum: Option<i64>,
    /// Milliseconds since the epoch; none for now.
    effective_from: Option<i64>,
}

impl NewRuleJson {
    fn check(self) -> Result<NewRule, Refusal> {
        let method = match self.method.as_deref() {
            None | Some(ANY) => None,
            Some(word) => Some(method_of(word)?),
        };
        let tenant = self.tenant_id.as_deref().map(tenant_of).transpose()?;
        let currency = self.currency.as_deref().map(Currency::parse).transpose()?;
        let figures = [self.fee_bps, self.fixed, self.minimum, self.maximum];
        let terms = match (self.ends, self.fee_bps) {
            (true, _) if figures.iter().any(Option::is_some) => {
                return Err(Refusal::invalid("ends", "goes without figures"));
            }
            (true, _) => None,
            (false, None) => return Err(Refusal::invalid("fee_bps", "must be given, and may be 0")),
            (false, Some(bps)) => {
                let rate = BasisPoints::new(bps)?;
                let fixed = self.fixed.unwrap_or(0);
                Some(Terms::new(currency, rate, fixed, self.minimum, self.maximum)?)
            }
        };
        Ok(NewRule {
            tenant,
            mode: mode_of(&self.mode)?,
            method,
            currency,
            terms,
            effective_from: self.effective_from.map(moment).transpose()?,
        })
    }
}

/// A payment is by one method, and so is its fee; `any` is a word of rules.
fn method_of_one(word: &str) -> Result<Method, Refusal> {
    let problem = || {
        let says = "must be \"card\" or \"bank_debit\": a payment is by one of them. Of a rule for any \
                    method, ask for each";
        Refusal::invalid("method", says)
    };
    Method::from_word(word).ok_or_else(problem)
}

fn method_of(word: &str) -> Result<Method, Refusal> {
    let problem = || Refusal::invalid("method", "must be \"card\", \"bank_debit\" or \"any\"");
    Method::from_word(word).ok_or_else(problem)
}

fn tenant_of(text: &str) -> Result<TenantId, Refusal> {
    TenantId::parse(text).map_err(|_| Refusal::invalid("tenant_id", "is no tenant"))
}

/// Moments that people mean: from 1970 to 2200.
fn moment(ms: i64) -> Result<Timestamp, Refusal> {
    const LAST_MS: i64 = 7_258_118_400_000;
    let problem = || Refusal::invalid("effective_from", "must be milliseconds since 1970, before 2200");
    (0..LAST_MS)
        .contains(&ms)
        .then(|| Timestamp::from_ms(ms))
        .ok_or_else(problem)
}

/// `POST /api/platform/fee-rules`
pub async fn create(
    State(site): State<Site>,
    Platform { by }: Platform,
    Once(at): Once,
    Input(new): Input<NewRuleJson>,
) -> Result<(StatusCode, Json<RuleJson>), Problem> {
    let kept = fees::add_rule(&site.app, &by, at, new.check()?).await?;
    Ok((StatusCode::CREATED, Json(kept.into())))
}

/// Which rules are asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RulesQuery {
    limit: Option<i64>,
    after: Option<String>,
    /// The server's own unless it is said.
    mode: Option<String>,
    /// Only what may be in force for this tenant.
    tenant_id: Option<String>,
}

/// `GET /api/platform/fee-rules`
pub async fn list_all(
    State(site): State<Site>,
    _: Platform,
    Query(query): Query<RulesQuery>,
) -> Result<Json<Page<RuleJson>>, Problem> {
    let page = PageQuery {
        limit: query.limit,
        after: query.after,
    };
    let limit = page.limit()?;
    let after = page.after.as_deref().map(FeeRuleId::parse).transpose()?;
    let mode = query.mode.as_deref().map(mode_of).transpose()?;
    let mode = mode.unwrap_or(site.app.active_mode);
    let tenant = query.tenant_id.as_deref().map(tenant_of).transpose()?;
    let rows = site.app.db.read(move |tx| match &tenant {
        Some(tenant) => {
            let scope = Scope {
                tenant: tenant.clone(),
                mode,
            };
            rows::page(tx, &scope, after.as_ref(), limit + 1)
        }
        None => rows::page_of_all(tx, mode, after.as_ref(), limit + 1),
    });
    let rows = rows.await.map_err(Failure::from)?;
    Ok(Json(Page::of(
        rows.into_iter().map(RuleJson::from).collect(),
        limit,
    )))
}

/// `GET /api/fee-rules`: the tenant's own and everybody's.
pub async fn list(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<RuleJson>>, Problem> {
    let limit = query.limit()?;
    let after = query.after.as_deref().map(FeeRuleId::parse).transpose()?;
    let rows = site
        .app
        .db
        .read(move |tx| rows::page(tx, &scope, after.as_ref(), limit + 1));
    let rows = rows.await.map_err(Failure::from)?;
    Ok(Json(Page::of(
        rows.into_iter().map(RuleJson::from).collect(),
        limit,
    )))
}

/// Of what a preview is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PreviewQuery {
    /// Of the operator only.
    tenant_id: Option<String>,
    mode: Option<String>,
    /// Minor units.
    amount: i64,
    currency: String,
    /// `card` unless it is said.
    method: Option<String>,
    /// Milliseconds since the epoch; now unless it is said.
    at: Option<i64>,
}

/// What would be charged, and why.
#[derive(Debug, Serialize)]
pub struct PreviewJson {
    object: &'static str,
    tenant_id: String,
    livemode: bool,
    amount: i64,
    currency: &'static str,
    method: &'static str,
    at: i64,
    /// Minor units; 0 where none is taken.
    application_fee: i64,
    /// `rule`, or the rate that is configured: `tenant_rate`, `platform_rate`.
    source: &'static str,
    /// The rule that decides.
    fee_rule_id: Option<String>,
    fee_bps: i64,
    fixed: i64,
    minimum: Option<i64>,
    maximum: Option<i64>,
}

/// `GET /api/platform/fee-rules/preview`
pub async fn preview_of_any(
    State(site): State<Site>,
    _: Platform,
    Query(query): Query<PreviewQuery>,
) -> Result<Json<PreviewJson>, Problem> {
    let missing = || Refusal::invalid("tenant_id", "must be given");
    let tenant = query.tenant_id.as_deref().ok_or_else(missing)?;
    let mode = query.mode.as_deref().map(mode_of).transpose()?;
    let scope = Scope {
        tenant: tenant_of(tenant)?,
        mode: mode.unwrap_or(site.app.active_mode),
    };
    previewed(&site, scope, &query).await
}

/// `GET /api/fee-rules/preview`
pub async fn preview(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    Query(query): Query<PreviewQuery>,
) -> Result<Json<PreviewJson>, Problem> {
    for (field, given) in [("tenant_id", &query.tenant_id), ("mode", &query.mode)] {
        if given.is_some() {
            return Err(Refusal::invalid(field, "is that of the key").into());
        }
    }
    previewed(&site, scope, &query).await
}

async fn previewed(site: &Site, scope: Scope, query: &PreviewQuery) -> Result<Json<PreviewJson>, Problem> {
    let method = query.method.as_deref().map_or(Ok(Method::Card), method_of_one)?;
    let amount = Money::new(query.amount, Currency::parse(&query.currency)?);
    let amount = amount.chargeable().map_err(|refusal| match refusal {
        Refusal::InvalidField { problem, .. } => Refusal::invalid("amount", problem),
        other => other,
    })?;
    let at = query.at.map_or(site.app.clock.now(), Timestamp::from_ms);
    let Decided { fee, basis, source } = fees::preview(&site.app, &scope, amount, method, at).await?;
    Ok(Json(PreviewJson {
        object: "fee_preview",
        tenant_id: scope.tenant.to_string(),
        livemode: scope.mode.is_live(),
        amount: amount.minor(),
        currency: amount.currency().code(),
        method: method.word(),
        at: at.ms(),
        application_fee: fee.unwrap_or(0),
        source: match source {
            Source::Rule(_) => "rule",
            Source::TenantRate => "tenant_rate",
            Source::PlatformRate => "platform_rate",
        },
        fee_rule_id: basis.rule.map(|rule| rule.to_string()),
        fee_bps: basis.terms.rate().value(),
        fixed: basis.terms.fixed(),
        minimum: basis.terms.minimum(),
        maximum: basis.terms.maximum(),
    }))
}
