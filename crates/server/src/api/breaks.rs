//! `/api/reconciliation-breaks`: what differs between our rows and Stripe's, for a tenant and, of all
//! tenants, for the operator.

use axum::Json;
use axum::extract::State;
use domain::{BreakId, Refusal, Timestamp};
use flows::{Failure, breaks};
use serde::{Deserialize, Serialize};
use store::reconciliation_breaks::{self as rows, Kept, Kind, Wanted};

use super::{Caller, InPath, Input, Page, PageQuery, Platform, Query};
use crate::problem::Problem;
use crate::router::Site;

/// A break as the API shows it.
#[derive(Debug, Serialize)]
pub struct BreakJson {
    id: String,
    object: &'static str,
    /// Only where the operator reads: none for what is of no tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id: Option<String>,
    livemode: bool,
    kind: String,
    subject_id: String,
    detail: String,
    opened_at: i64,
    /// Until it was resolved, or until now.
    age_seconds: i64,
    resolved_at: Option<i64>,
    resolved_by: Option<String>,
    reason: Option<String>,
}

impl BreakJson {
    fn of(row: Kept, now: Timestamp, with_tenant: bool) -> BreakJson {
        let until = row.resolved_at.unwrap_or(now);
        BreakJson {
            id: row.id.to_string(),
            object: "reconciliation_break",
            tenant_id: row
                .tenant
                .filter(|_| with_tenant)
                .map(|tenant| tenant.to_string()),
            livemode: row.mode.is_live(),
            kind: row.kind,
            subject_id: row.subject_id,
            detail: row.detail,
            opened_at: row.opened_at.ms(),
            age_seconds: until.ms().saturating_sub(row.opened_at.ms()).max(0) / 1000,
            resolved_at: row.resolved_at.map(Timestamp::ms),
            resolved_by: row.resolved_by,
            reason: row.reason,
        }
    }
}

/// Which breaks are asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BreaksQuery {
    limit: Option<i64>,
    after: Option<String>,
    /// Only this kind, such as `overpayment`.
    kind: Option<String>,
    /// Only open ones, or only resolved ones.
    open: Option<bool>,
    /// Only those that were opened so many seconds ago or more.
    min_age: Option<i64>,
}

impl BreaksQuery {
    /// What is to be read: one row more than the page has.
    fn wanted(self, now: Timestamp) -> Result<(i64, Wanted), Problem> {
        let page = PageQuery {
            limit: self.limit,
            after: self.after,
        };
        let limit = page.limit()?;
        let kind = self.kind.as_deref().map(|word| {
            let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.word()).collect();
            let problem = || Refusal::invalid("kind", format!("must be one of {}", known.join(", ")));
            Kind::parse(word).ok_or_else(problem)
        });
        let opened_by = self.min_age.map(|seconds| match seconds {
            0.. => Ok(now.plus_ms(seconds.saturating_mul(-1000))),
            _ => Err(Refusal::invalid("min_age", "must be a number of seconds")),
        });
        let wanted = Wanted {
            kind: kind.transpose()?,
            open: self.open,
            opened_by: opened_by.transpose()?,
            after: page.after.as_deref().map(BreakId::parse).transpose()?,
            limit: limit + 1,
        };
        Ok((limit, wanted))
    }
}

/// `GET /api/reconciliation-breaks`
pub async fn list(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    Query(query): Query<BreaksQuery>,
) -> Result<Json<Page<BreakJson>>, Problem> {
    let now = site.app.clock.now();
    let (limit, wanted) = query.wanted(now)?;
    let rows = site.app.db.read(move |tx| rows::page(tx, &scope, &wanted)).await;
    let rows = rows.map_err(Failure::from)?;
    let shown = rows.into_iter().map(|row| BreakJson::of(row, now, false));
    Ok(Json(Page::of(shown.collect(), limit)))
}

/// `GET /api/platform/reconciliation-breaks`: every tenant's and the platform's own, in both modes.
pub async fn list_all(
    State(site): State<Site>,
    Platform { .. }: Platform,
    Query(query): Query<BreaksQuery>,
) -> Result<Json<Page<BreakJson>>, Problem> {
    let now = site.app.clock.now();
    let (limit, wanted) = query.wanted(now)?;
    let rows = site.app.db.read(move |tx| rows::page_of_all(tx, &wanted)).await;
    let rows = rows.map_err(Failure::from)?;
    let shown = rows.into_iter().map(|row| BreakJson::of(row, now, true));
    Ok(Json(Page::of(shown.collect(), limit)))
}

/// Why a break is none any more.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResolveJson {
    #[serde(default)]
    reason: String,
}

/// `POST /api/reconciliation-breaks/{id}/resolve`
pub async fn resolve(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    InPath(id): InPath,
    Input(said): Input<ResolveJson>,
) -> Result<Json<BreakJson>, Problem> {
    let id = BreakId::parse(&id)?;
    let resolved = breaks::resolve(&site.app, Some(&scope), &by, &id, &said.reason).await?;
    Ok(Json(BreakJson::of(resolved, site.app.clock.now(), false)))
}

/// `POST /api/platform/reconciliation-breaks/{id}/resolve`
pub async fn resolve_any(
    State(site): State<Site>,
    Platform { by }: Platform,
    InPath(id): InPath,
    Input(said): Input<ResolveJson>,
) -> Result<Json<BreakJson>, Problem> {
    let id = BreakId::parse(&id)?;
    let resolved = breaks::resolve(&site.app, None, &by, &id, &said.reason).await?;
    Ok(Json(BreakJson::of(resolved, site.app.clock.now(), true)))
}
