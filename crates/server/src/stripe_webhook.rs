//! `POST /api/stripe/webhook`: verify the raw bytes, store them, answer. Nothing is applied here.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use flows::stripe_events::{self, Ingested};
use stripe::{Secret, signature};

use crate::metrics::Delivery;
use crate::ping;
use crate::problem::Problem;
use crate::router::Site;

/// 200 stored, known, or quarantined · 401 no or wrong signature, a time outside ±300 s, a body of the
/// other kind · 413 over 1 MiB · 503 when it cannot be stored, so that Stripe sends it again. Never a
/// redirect, never 2xx for an unverified body.
pub async fn receive(
    State(site): State<Site>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            site.metrics.delivery(Delivery::TooLarge);
            return Problem::too_large().into_response();
        }
        Err(_) => return refused(&site, "the body broke off"),
    };
    let header = headers
        .get("stripe-signature")
        .and_then(|value| value.to_str().ok());
    let secrets: Vec<&Secret> = site.webhook_secrets.iter().map(|(secret, _)| secret).collect();
    let matched = match signature::verify(header, &body, &secrets, site.app.clock.now().seconds()) {
        Ok(matched) => matched,
        Err(error) => {
            // Whoever looks whether all is well may have a wrong clock of their own.
            if body != ping::BODY {
                site.clock_skew.refused(error);
            }
            return refused(&site, &error.to_string());
        }
    };
    let Some((_, signed_as)) = site.webhook_secrets.get(matched) else {
        return refused(&site, "no such secret");
    };
    if body == ping::BODY {
        return Json(ping::Pong::of(&site.config, *signed_as)).into_response();
    }
    site.clock_skew.agrees();
    match stripe_events::ingest(&site.app, &body, *signed_as).await {
        Ok(Ingested::New { event_type }) => {
            tracing::info!("Webhook received: {event_type}");
            site.inbox_bell.notify_one();
            site.metrics.delivery(Delivery::New);
            StatusCode::OK.into_response()
        }
        Ok(known @ (Ingested::Duplicate | Ingested::Quarantined)) => {
            site.metrics.delivery(match known {
                Ingested::Quarantined => Delivery::Quarantined,
                _ => Delivery::Duplicate,
            });
            StatusCode::OK.into_response()
        }
        Ok(Ingested::WrongShape) => refused(&site, "the body is not of the kind that this secret signs"),
        Err(failure) => {
            site.metrics.delivery(Delivery::NotStored);
            tracing::error!(%failure, "a webhook could not be stored; Stripe will send it again");
            let detail = "The event could not be stored. Send it again.";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_stored", detail).into_response()
        }
    }
}

fn refused(site: &Site, why: &str) -> Response {
    site.metrics.delivery(Delivery::Refused);
    tracing::warn!(why, "webhook refused");
    Problem::new(
        StatusCode::UNAUTHORIZED,
        ping::REFUSED,
        "The signature is not valid.",
    )
    .into_response()
}
