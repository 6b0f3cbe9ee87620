//! `/healthz`: the process answers. `/readyz`: it can also work, and what keeps it from that.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use flows::instance;
use store::db::Outage;

use crate::router::Site;

/// `GET /healthz`
pub async fn alive() -> &'static str {
    "ok\n"
}

/// A database that is slower than this takes nothing that anybody would wait for.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// `GET /readyz`: 503 while the database takes no writes, with the reason in a word. Further lines tell of a
/// clock that is off and of live mode that is locked: restarting mends neither, so that the answer stays 200.
pub async fn ready(State(site): State<Site>) -> (StatusCode, String) {
    match writes(&site).await {
        Ok(()) => {
            let skew = site.clock_skew.offset().map(|offset| format!("{offset}\n"));
            let lock = instance::lock(&site.app).await.ok().flatten();
            let lock = lock.map(|lock| format!("live_locked: {}\n", lock.because()));
            let said = [skew, lock].into_iter().flatten().collect::<String>();
            (StatusCode::OK, format!("ready\n{said}"))
        }
        Err(outage) => {
            let detail = format!("the database takes no writes: {outage}\n");
            (StatusCode::SERVICE_UNAVAILABLE, detail)
        }
    }
}

/// Whether the database takes writes, as `/readyz` says it.
pub async fn takes_writes(site: &Site) -> bool {
    writes(site).await.is_ok()
}

/// The log has the database's own words; whoever asks gets one of ours.
async fn writes(site: &Site) -> Result<(), Outage> {
    let answer = tokio::time::timeout(ANSWER_WITHIN, site.app.db.takes_writes()).await;
    let error = match answer {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) => error,
        Err(_) => store::Error::Conflict,
    };
    tracing::error!(%error, "not ready");
    Err(error.outage())
}
