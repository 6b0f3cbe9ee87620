//! `/api/audit`: who did what with a tenant's data, newest first.

use axum::Json;
use axum::extract::State;
use domain::{AuditId, Refusal};
use flows::Failure;
use serde::{Deserialize, Serialize};
use store::audit_log::{self, Noted, Wanted};

use super::{Caller, Page, PageQuery, Query};
use crate::problem::Problem;
use crate::router::Site;

/// A row of the log as the API shows it.
#[derive(Debug, Serialize)]
pub struct AuditJson {
    id: String,
    object: &'static str,
    /// Only where the operator reads: none for what concerns the platform and no tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id: Option<String>,
    livemode: Option<bool>,
    actor: String,
    actor_id: Option<String>,
    address: Option<String>,
    request_id: Option<String>,
    action: String,
    subject_id: String,
    before: Option<serde_json::Value>,
    after: Option<serde_json::Value>,
    created_at: i64,
}

impl AuditJson {
    /// The row with whose it is, for the operator.
    pub fn with_tenant(row: Noted) -> AuditJson {
        let tenant_id = row.scope.as_ref().map(|scope| scope.tenant.to_string());
        AuditJson {
            tenant_id,
            ..AuditJson::from(row)
        }
    }
}

impl From<Noted> for AuditJson {
    fn from(row: Noted) -> AuditJson {
        let state = |text: Option<String>| {
            text.map(|text| serde_json::from_str(&text).unwrap_or(serde_json::Value::String(text)))
        };
        AuditJson {
            id: row.id.to_string(),
            object: "audit_entry",
            tenant_id: None,
            livemode: row.scope.as_ref().map(|scope| scope.mode.is_live()),
            actor: row.actor,
            actor_id: row.actor_id,
            address: row.address,
            request_id: row.request_id,
            action: row.action,
            subject_id: row.subject_id,
            before: state(row.before),
            after: state(row.after),
            created_at: row.at.ms(),
        }
    }
}

/// Which rows are asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditQuery {
    limit: Option<i64>,
    after: Option<String>,
    /// Only this action, such as `invoice.finalized`.
    action: Option<String>,
}

impl AuditQuery {
    /// What is to be read: one row more than the page has.
    ///
    /// # Errors
    /// A problem for a limit, a place or an action that cannot be one.
    pub fn wanted(self) -> Result<(i64, Wanted), Problem> {
        let page = PageQuery {
            limit: self.limit,
            after: self.after,
        };
        let limit = page.limit()?;
        let after = page.after.as_deref().map(AuditId::parse).transpose()?;
        if self.action.as_ref().is_some_and(|action| action.contains('\0')) {
            return Err(Refusal::invalid("action", "must be the name of an action").into());
        }
        let wanted = Wanted {
            action: self.action,
            after,
            limit: limit + 1,
        };
        Ok((limit, wanted))
    }
}

/// `GET /api/audit`
pub async fn list(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    Query(query): Query<AuditQuery>,
) -> Result<Json<Page<AuditJson>>, Problem> {
    let (limit, wanted) = query.wanted()?;
    let rows = site
        .app
        .db
        .read(move |tx| audit_log::page(tx, &scope, &wanted))
        .await;
    let rows = rows.map_err(Failure::from)?;
    Ok(Json(Page::of(
        rows.into_iter().map(AuditJson::from).collect(),
        limit,
    )))
}
