//! What every request and every answer goes through: a request id, the check for foreign sites, limits of
//! time, a panic that breaks one request only, and the headers of its kind.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use flows::Failure;
use tracing::{Instrument, Span};

use crate::connections::pace;
use crate::headers::{self, Kind, Policies};
use crate::people;
use crate::problem::{self, Problem};
use crate::router::{self, Site};

/// What the edge works with.
#[derive(Clone)]
pub struct Edge {
    site: Site,
    policies: Arc<Policies>,
}

impl Edge {
    /// The edge of a site.
    pub fn new(site: Site) -> Edge {
        let policies = Arc::new(Policies::new(&site.config));
        Edge { site, policies }
    }
}

/// Answers one request.
pub async fn exchange(State(edge): State<Edge>, mut request: Request, next: Next) -> Response {
    let site = &edge.site;
    let id = format!("req_{:032x}", site.app.clock.random());
    let sender = router::sender(site, &request, &id);
    request.extensions_mut().insert(sender);
    let kind = headers::kind_of(request.uri().path());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unmatched", MatchedPath::as_str)
        .to_owned();
    let reads_pages = kind != Kind::Api && kind != Kind::Asset && wants_a_page(request.headers());
    let (method, began) = (request.method().clone(), site.app.clock.now());
    let span = tracing::info_span!("request", id, method = %method, route);
    let mut response = if is_from_a_foreign_site(site, request.method(), request.headers()) {
        span.in_scope(|| tracing::warn!("a page of another site sent this"));
        let detail = "Pages of other sites cannot send this.";
        Problem::new(StatusCode::FORBIDDEN, "cross_site", detail).into_response()
    } else {
        answer(site, request, next, span).await
    };
    if let Some(failure) = response.extensions_mut().remove::<Problem>() {
        response = failure.of_request(&id).into_response();
    }
    if reads_pages {
        response = said_as_page(response, &id).await;
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    edge.policies.apply(kind, headers);
    let took_ms = site.app.clock.now().ms().saturating_sub(began.ms());
    let took = Duration::from_millis(u64::try_from(took_ms).unwrap_or(0));
    site.metrics
        .request(method_label(&method), &route, response.status().as_u16(), took);
    response
}

/// Whether somebody looks at the answer: browsers say so when they go to an address or send a form, and no
/// program or script of ours does.
fn wants_a_page(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.split(',').any(|kind| kind.trim().starts_with("text/html")))
}

/// The largest answer that can be a problem, in bytes.
const PROBLEM_MAX: usize = 64 * 1024;

/// What went wrong, as a page, where the answer was written for programs; any other answer as it is.
async fn said_as_page(response: Response, id: &str) -> Response {
    let kind = response.headers().get(header::CONTENT_TYPE);
    if kind.is_none_or(|kind| kind != problem::CONTENT_TYPE) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let text = axum::body::to_bytes(body, PROBLEM_MAX).await.unwrap_or_default();
    let said: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
    let text = |name: &str| said[name].as_str().unwrap_or_default();
    let mut page = people::problem_page(parts.status, text("code"), text("detail"), id);
    for name in [header::RETRY_AFTER, header::ALLOW] {
        if let Some(value) = parts.headers.get(&name) {
            page.headers_mut().insert(name, value.clone());
        }
    }
    page
}

/// The method as a label: callers may write any word, and a label is kept for ever.
fn method_label(method: &Method) -> &str {
    let known = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::DELETE,
    ];
    match known.contains(method) {
        true => method.as_str(),
        false => "other",
    }
}

/// The request runs as a task of its own: to its end even when the caller goes away or is answered before, so
/// that neither a dropped connection nor a slow Stripe leaves a payment half told; and a panic is one broken
/// request, answered with a 500.
async fn answer(site: &Site, request: Request, next: Next, span: Span) -> Response {
    let bounds = &site.bounds;
    let (parts, body) = request.into_parts();
    let (body, too_slow, rest) = pace::paced(body, bounds);
    let request = Request::from_parts(parts, body);
    let task = tokio::spawn(next.run(request).instrument(span.clone()));
    let response = match tokio::time::timeout(bounds.answer, task).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => {
            span.in_scope(|| tracing::error!(%error, "a request handler panicked"));
            Problem::from(Failure::Bug("panic".to_owned())).into_response()
        }
        Err(_) => {
            span.in_scope(|| tracing::warn!("a request takes too long to wait for and goes on alone"));
            let detail = "This takes longer than usual and goes on. Ask again in a moment how it ended.";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "still_working", detail).into_response()
        }
    };
    if response.status() == StatusCode::PAYLOAD_TOO_LARGE {
        rest.read_out(bounds).await;
    }
    match too_slow.happened() {
        true => {
            let detail = "The body did not arrive in time. Send it again.";
            Problem::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", detail).into_response()
        }
        false => response,
    }
}

/// Whether a browser sent this on behalf of a page that is not ours. Browsers say so in `Sec-Fetch-Site`, and
/// where they do not (an old one, or plain http), in `Origin`. An integrator's own server sends neither.
/// Reading changes nothing, so a link from anywhere may open a page.
fn is_from_a_foreign_site(site: &Site, method: &Method, headers: &HeaderMap) -> bool {
    if method.is_safe() {
        return false;
    }
    match (headers.get("sec-fetch-site"), headers.get(header::ORIGIN)) {
        (Some(from), _) => from != "same-origin" && from != "none",
        (None, Some(origin)) => origin != site.config.public_url.origin(),
        (None, None) => false,
    }
}
