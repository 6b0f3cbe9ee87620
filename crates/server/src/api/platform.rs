//! `/api/platform/…`: what the operator reads of all tenants, with a platform key.

use axum::Json;
use axum::extract::State;
use domain::seal::Book;
use domain::{Mode, Refusal, Scope, TenantId};
use flows::{Failure, seals};
use serde::Deserialize;
use store::audit_log;

use super::audit::{AuditJson, AuditQuery};
use super::{Page, Platform, Query};
use crate::problem::Problem;
use crate::router::Site;
use crate::verify_seals::SealJson;

/// Seals of one page: each is a step of an index.
const SEALS_MAX: usize = 100;

/// `GET /api/platform/audit`: every tenant's rows and the platform's own, newest first.
pub async fn audit(
    State(site): State<Site>,
    Platform { .. }: Platform,
    Query(query): Query<AuditQuery>,
) -> Result<Json<Page<AuditJson>>, Problem> {
    let (limit, wanted) = query.wanted()?;
    let rows = site
        .app
        .db
        .read(move |tx| audit_log::page_of_all(tx, &wanted))
        .await;
    let rows = rows.map_err(Failure::from)?;
    Ok(Json(Page::of(
        rows.into_iter().map(AuditJson::with_tenant).collect(),
        limit,
    )))
}

/// Which seals are asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealsQuery {
    /// `audit` or `ledger`.
    book: String,
    /// The tenant and mode of the last seal of the page before.
    after_tenant: Option<String>,
    after_livemode: Option<bool>,
}

/// `GET /api/platform/seals?book=ledger`: the newest seal of each tenant and mode, to be kept elsewhere.
pub async fn seals(
    State(site): State<Site>,
    Platform { .. }: Platform,
    Query(query): Query<SealsQuery>,
) -> Result<Json<Page<SealJson>>, Problem> {
    let book = Book::ALL.into_iter().find(|book| book.word() == query.book);
    let book = book.ok_or_else(|| Refusal::invalid("book", "must be audit or ledger"))?;
    if query
        .after_tenant
        .as_ref()
        .is_some_and(|tenant| tenant.contains('\0'))
    {
        return Err(Refusal::invalid("after_tenant", "must be the id of a tenant").into());
    }
    let after = query.after_tenant.map(|tenant| Scope {
        tenant: TenantId::stored(tenant),
        mode: Mode::from_livemode(query.after_livemode.unwrap_or(true)),
    });
    let heads = seals::heads(&site.app.db, book, after, SEALS_MAX + 1).await?;
    let heads = heads.iter().map(|seal| SealJson::of(book, seal)).collect();
    Ok(Json(Page::of(
        heads,
        i64::try_from(SEALS_MAX).unwrap_or(i64::MAX),
    )))
}
