//! Who is reached under which address, and what every answer carries.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use domain::{Mode, Refusal};
use flows::{Actor, App, By, Failure};
use stripe::Secret;
use stripe::events::Kind;
use stripe_events::SignedAs;
use tokio::sync::Notify;
use tracing::Instrument;

use crate::address::client_address;
use crate::config::Config;
use crate::door::Door;
use crate::problem::Problem;
use crate::{access, assets, routes};
use flows::stripe_events;

/// Largest body that is read at all: the longest invoice, and Stripe's largest event.
pub const BODY_MAX: usize = 1024 * 1024;

/// What the handlers share. No global state: everything hangs from here.
#[derive(Clone)]
pub struct Site {
    /// The flows and their ports.
    pub app: App,
    /// The configuration.
    pub config: Arc<Config>,
    /// Where payers reach this server.
    pub public_origin: Arc<str>,
    /// Webhook secrets of both modes and kinds, each with what it may sign.
    pub webhook_secrets: Arc<[(Secret, SignedAs)]>,
    /// Tells the worker that an event has come.
    pub inbox_bell: Arc<Notify>,
    /// What is noted of keys that were refused or used.
    pub door: Arc<Door>,
}

impl Site {
    /// A site of a configuration; `public_origin` is where payers reach it.
    pub fn new(app: App, config: Arc<Config>, public_origin: &str) -> Site {
        let mut secrets = Vec::new();
        for mode in [Mode::Test, Mode::Live] {
            let Some(keys) = config.keys(mode) else { continue };
            let of = |kind| SignedAs { mode, kind };
            secrets.extend(
                keys.webhook_secrets
                    .iter()
                    .map(|secret| (secret.clone(), of(Kind::Snapshot))),
            );
            secrets.extend(
                keys.webhook_secrets_thin
                    .iter()
                    .map(|secret| (secret.clone(), of(Kind::Thin))),
            );
        }
        Site {
            app,
            config,
            public_origin: public_origin.into(),
            webhook_secrets: secrets.into(),
            inbox_bell: Arc::new(Notify::new()),
            door: Arc::default(),
        }
    }

    /// The address of a pay page.
    pub fn pay_url(&self, token: &str) -> String {
        format!("{}/pay/{token}", self.public_origin)
    }

    /// The platform's publishable key of a mode.
    pub fn publishable_key(&self, mode: Mode) -> Option<String> {
        self.config.keys(mode).map(|keys| keys.publishable_key.clone())
    }
}

/// Where a request comes from, and its id as its answer, the log and the audit log carry it. Who sends it is
/// found out later.
#[derive(Clone, Debug)]
pub struct Sender(pub By);

fn sender(site: &Site, request: &Request, id: &str) -> Sender {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let proxies = &site.config.trusted_proxies;
    Sender(By {
        actor: Actor::Unknown,
        address: peer.map(|peer| client_address(peer.0.ip(), request.headers(), proxies).0),
        request_id: Some(id.to_owned()),
    })
}

/// Every route.
pub fn router(site: Site) -> Router {
    let owned = routes::all().into_iter().fold(Router::new(), |router, route| {
        let check = middleware::from_fn_with_state((site.clone(), access::Gate::of(&route)), access::check);
        router.route(route.path, route.handler.route_layer(check))
    });
    owned
        .merge(assets::router())
        .method_not_allowed_fallback(|| async {
            let detail = "This address does not take this method.";
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
        })
        .fallback(|| async { Problem::from(Refusal::NotFound) })
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(middleware::from_fn_with_state(site.clone(), answer_in_common))
        .with_state(site)
}

/// What every answer carries: a request id, and the headers that no page or answer goes without. The request
/// runs as a task of its own: to its end even when the caller goes away, so that a dropped connection never
/// leaves a payment half told, and a panic is one broken request, answered with a 500.
async fn answer_in_common(State(site): State<Site>, mut request: Request, next: Next) -> Response {
    let id = format!("req_{:032x}", site.app.clock.random());
    let sender = sender(&site, &request, &id);
    request.extensions_mut().insert(sender);
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unmatched", MatchedPath::as_str)
        .to_owned();
    let span = tracing::info_span!("request", id, method = %request.method(), route);
    let answered = tokio::spawn(next.run(request).instrument(span.clone())).await;
    let mut response = answered.unwrap_or_else(|error| {
        span.in_scope(|| tracing::error!(%error, "a request handler panicked"));
        Problem::from(Failure::Bug("panic".to_owned())).into_response()
    });
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
