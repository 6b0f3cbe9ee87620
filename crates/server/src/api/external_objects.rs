//! `/api/external-objects`: what happens on a tenant's account without psa-pay, such as its own shop. It is
//! listed and touches nothing.

use axum::Json;
use axum::extract::State;
use flows::Failure;
use serde::Serialize;
use store::external_objects::{self, Seen};

use super::{Caller, Page, PageQuery, Query};
use crate::problem::Problem;
use crate::router::Site;

/// An object of Stripe's that is not ours, as it was seen last.
#[derive(Debug, Serialize)]
pub struct ExternalObjectJson {
    id: String,
    object: &'static str,
    /// Stripe's name of what it is, such as `charge`.
    #[serde(rename = "type")]
    object_type: String,
    stripe_account_id: String,
    status: Option<String>,
    amount: Option<i64>,
    currency: Option<String>,
    first_seen_at: i64,
    last_seen_at: i64,
}

impl From<Seen> for ExternalObjectJson {
    fn from(seen: Seen) -> ExternalObjectJson {
        ExternalObjectJson {
            id: seen.object_id,
            object: "external_object",
            object_type: seen.object_type,
            stripe_account_id: seen.stripe_account_id,
            status: seen.status,
            amount: seen.amount,
            currency: seen.currency,
            first_seen_at: seen.created_at.ms(),
            last_seen_at: seen.updated_at.ms(),
        }
    }
}

/// `GET /api/external-objects`
pub async fn list(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<ExternalObjectJson>>, Problem> {
    let limit = query.limit()?;
    let after = query.after.unwrap_or_default();
    if after.contains('\0') {
        // PostgreSQL takes no such text, and Stripe has no such id.
        return Err(domain::Refusal::invalid("after", "must be the id of the last object before").into());
    }
    let rows = site
        .app
        .db
        .read(move |tx| external_objects::page(tx, &scope, &after, limit + 1))
        .await;
    let rows = rows.map_err(Failure::from)?;
    Ok(Json(Page::of(
        rows.into_iter().map(ExternalObjectJson::from).collect(),
        limit,
    )))
}
