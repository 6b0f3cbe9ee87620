//! `/healthz`: the process answers. `/readyz`: it can also work.

use axum::extract::State;
use axum::http::StatusCode;

use crate::router::Site;

/// `GET /healthz`
pub async fn alive() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: 503 while the database does not answer. A second line tells of a clock that is off: it
/// is set, not restarted, so that the answer stays 200.
pub async fn ready(State(site): State<Site>) -> (StatusCode, String) {
    match site.app.db.ping().await {
        Ok(()) => {
            let skew = site.clock_skew.offset().map(|offset| format!("{offset}\n"));
            (StatusCode::OK, format!("ready\n{}", skew.unwrap_or_default()))
        }
        Err(error) => {
            tracing::error!(%error, "not ready");
            let detail = "the database does not answer\n".to_owned();
            (StatusCode::SERVICE_UNAVAILABLE, detail)
        }
    }
}
