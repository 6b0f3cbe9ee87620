//! The port to Stripe, counted: each try by what came back.

use std::sync::Arc;

use stripe::transport::BoxFuture;
use stripe::{HttpRequest, HttpResponse, NoAnswer, Transport};

use super::Metrics;

/// What can come back.
pub const ANSWERS: [&str; 6] = [
    "ok",
    "declined",
    "refused",
    "rate_limited",
    "server_error",
    "no_answer",
];

/// A transport whose answers are counted.
pub struct Counted {
    inner: Arc<dyn Transport>,
    metrics: Metrics,
}

impl Counted {
    /// Counts what `inner` answers.
    pub fn new(inner: Arc<dyn Transport>, metrics: Metrics) -> Counted {
        Counted { inner, metrics }
    }
}

impl Transport for Counted {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, NoAnswer>> {
        Box::pin(async move {
            let answered = self.inner.send(request).await;
            self.metrics.call(word(&answered));
            answered
        })
    }

    fn pause(&self, ms: u64) -> BoxFuture<'_, ()> {
        self.inner.pause(ms)
    }
}

fn word(answered: &Result<HttpResponse, NoAnswer>) -> &'static str {
    let Ok(response) = answered else {
        return "no_answer";
    };
    match response.status {
        0..400 => "ok",
        402 => "declined",
        429 => "rate_limited",
        400..500 => "refused",
        500.. => "server_error",
    }
}
