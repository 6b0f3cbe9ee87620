//! `/healthz`: the process answers. `/readyz`: it can also work.

use axum::extract::State;
use axum::http::StatusCode;

use crate::router::Site;

/// `GET /healthz`
pub async fn alive() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: 503 while the database does not answer.
pub async fn ready(State(site): State<Site>) -> (StatusCode, &'static str) {
    match site.app.db.ping().await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(error) => {
            tracing::error!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n")
        }
    }
}
