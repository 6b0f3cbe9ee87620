//! `GET /metrics`: what this instance has answered and asked since it started, and what waits in the
//! database, in the text form that Prometheus reads. No tenant, address or amount is ever a label.

mod backlog;
mod calls;

use std::fmt;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use domain::mail::MailState;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

pub use calls::Counted;

use crate::problem::Problem;
use crate::router::Site;

/// Where a mail may stand once it was tried.
const MAIL_OUTCOMES: [MailState; 4] = [
    MailState::Queued,
    MailState::Sent,
    MailState::Refused,
    MailState::Failed,
];
/// What every name begins with.
const PREFIX: &str = "psa_pay";
/// Upper bounds of the times of requests, in seconds: a page takes a few milliseconds, Stripe up to seconds.
const REQUEST_SECONDS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0];
/// Prometheus asks for this form and takes it.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The counters of one instance. Clones count together.
#[derive(Clone)]
pub struct Metrics {
    requests: Family<Answered, Counter>,
    request_seconds: Family<OfRoute, Histogram>,
    deliveries: Family<Answer, Counter>,
    calls: Family<Answer, Counter>,
    mails: Family<Answer, Counter>,
    mails_in_doubt: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: String,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRoute {
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    answer: &'static str,
}

/// What became of a delivery at the webhook's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Stored; 200.
    New,
    /// Known already; 200.
    Duplicate,
    /// Stored and never applied: its secret does not cover its mode; 200.
    Quarantined,
    /// No valid signature, or a body of the other kind; 401.
    Refused,
    /// Over 1 MiB; 413.
    TooLarge,
    /// The database did not take it; 503.
    NotStored,
}

impl Delivery {
    const ALL: [Delivery; 6] = [
        Delivery::New,
        Delivery::Duplicate,
        Delivery::Quarantined,
        Delivery::Refused,
        Delivery::TooLarge,
        Delivery::NotStored,
    ];

    const fn word(self) -> &'static str {
        match self {
            Delivery::New => "new",
            Delivery::Duplicate => "duplicate",
            Delivery::Quarantined => "quarantined",
            Delivery::Refused => "refused",
            Delivery::TooLarge => "too_large",
            Delivery::NotStored => "not_stored",
        }
    }
}

impl Default for Metrics {
    /// All at zero. Answers that never happened are there too, so that the first one is seen as a change.
    fn default() -> Metrics {
        let metrics = Metrics {
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(|| Histogram::new(REQUEST_SECONDS)),
            deliveries: Family::default(),
            calls: Family::default(),
            mails: Family::default(),
            mails_in_doubt: Counter::default(),
        };
        for outcome in MAIL_OUTCOMES {
            metrics.mails.get_or_create_owned(&Answer {
                answer: outcome.word(),
            });
        }
        for delivery in Delivery::ALL {
            metrics.deliveries.get_or_create_owned(&Answer {
                answer: delivery.word(),
            });
        }
        for answer in calls::ANSWERS {
            metrics.calls.get_or_create_owned(&Answer { answer });
        }
        metrics
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// Counts an answered request; `route` is the pattern of its address, never the address.
    pub fn request(&self, method: &str, route: &str, status: u16, took: Duration) {
        let (method, route) = (method.to_owned(), route.to_owned());
        let of_route = OfRoute { route: route.clone() };
        self.request_seconds
            .get_or_create(&of_route)
            .observe(took.as_secs_f64());
        self.requests
            .get_or_create(&Answered {
                method,
                route,
                status,
            })
            .inc();
    }

    /// Counts a delivery at the webhook's address.
    pub fn delivery(&self, delivery: Delivery) {
        let answer = delivery.word();
        self.deliveries.get_or_create(&Answer { answer }).inc();
    }

    /// Counts a mail that was handed over, by where it stands now.
    pub fn mail(&self, state: MailState) {
        let answer = state.word();
        self.mails.get_or_create(&Answer { answer }).inc();
    }

    /// Counts a mail that is sent again because nobody can say whether it went out.
    pub fn mail_in_doubt(&self) {
        self.mails_in_doubt.inc();
    }

    fn call(&self, answer: &'static str) {
        self.calls.get_or_create(&Answer { answer }).inc();
    }

    fn registry(&self) -> Registry {
        let mut registry = Registry::with_prefix(PREFIX);
        registry.register(
            "http_requests",
            "Requests that were answered",
            self.requests.clone(),
        );
        registry.register_with_unit(
            "http_request",
            "Time until a request was answered",
            Unit::Seconds,
            self.request_seconds.clone(),
        );
        registry.register(
            "webhook_deliveries",
            "Deliveries at the webhook's address, by what was answered",
            self.deliveries.clone(),
        );
        registry.register(
            "stripe_calls",
            "Requests to Stripe, each try by itself, by what came back",
            self.calls.clone(),
        );
        registry.register(
            "mails",
            "Mails that were handed over, each try by itself, by where the mail stood then",
            self.mails.clone(),
        );
        registry.register(
            "mails_in_doubt",
            "Mails sent again because nobody can say whether they had gone out",
            self.mails_in_doubt.clone(),
        );
        registry
    }
}

/// `GET /metrics`. Without the database it is what this instance knows by itself.
///
/// # Errors
/// 500 when the numbers cannot be written.
pub async fn show(State(site): State<Site>) -> Result<([(HeaderName, HeaderValue); 1], String), Problem> {
    let waiting = backlog::registry(&site).await;
    let mut text = String::new();
    let written = encode_registry(&mut text, &site.metrics.registry())
        .and_then(|()| encode_registry(&mut text, &waiting))
        .and_then(|()| encode_eof(&mut text));
    written.map_err(|error| flows::Failure::Bug(format!("metrics cannot be written: {error}")))?;
    let form = HeaderValue::from_static(OPEN_METRICS);
    Ok(([(header::CONTENT_TYPE, form)], text))
}
