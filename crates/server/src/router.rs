//! Who is reached under which address, and what the handlers share.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request};
use axum::http::StatusCode;
use axum::middleware;
use domain::{Mode, Refusal};
use flows::{Actor, App, By};
use stripe::Secret;
use stripe::events::Kind;
use stripe_events::SignedAs;
use tokio::sync::Notify;

use crate::address::client_address;
use crate::clock_skew::ClockSkew;
use crate::config::Config;
use crate::connections::Bounds;
use crate::documents_of::Press;
use crate::door::Door;
use crate::edge::Edge;
use crate::limits::{self, Gate};
use crate::mail::Mailer;
use crate::metrics::Metrics;
use crate::problem::Problem;
use crate::runs::Runs;
use crate::{access, assets, edge, routes};
use flows::stripe_events;

/// Largest body of most addresses.
pub const BODY_MAX: usize = 64 * 1024;
/// Largest body where more is needed: the longest invoice (500 lines of 500 characters, which may be four
/// bytes each), and Stripe's largest event.
pub const LARGE_BODY_MAX: usize = 1024 * 1024;
/// The addresses where that is so.
const LARGE_BODIES: [&str; 7] = [
    "/api/disputes/{id}/evidence",
    "/api/invoices",
    "/api/invoices/{id}",
    "/api/stripe/webhook",
    "/invoices",
    "/invoices/totals",
    "/invoices/{id}",
];

/// Largest body of a logo: 1 MiB, which base64 and JSON make larger by two fifths.
const LOGO_BODY_MAX: usize = 1536 * 1024;
/// Where it is sent to.
const LOGO: [&str; 2] = ["/api/settings/logo", "/settings/business/logo"];
/// Where files that evidence names are sent to.
pub const EVIDENCE_FILES: &str = "/api/disputes/{id}/files";
/// What is larger is refused before it is read; what is a little smaller, with a word about it.
const EVIDENCE_FILE_BODY_MAX: usize = 5 * 1024 * 1024;
/// The form of an answer to a bank, with all its texts and such a file.
const ANSWER: &str = "/disputes/{id}/evidence";
/// Largest body of it.
const ANSWER_BODY_MAX: usize = LARGE_BODY_MAX + EVIDENCE_FILE_BODY_MAX;

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
    /// What is counted for the operator.
    pub metrics: Metrics,
    /// Whether our clock and Stripe's agree.
    pub clock_skew: Arc<ClockSkew>,
    /// Hands mails over, where there is a mail server.
    pub mailer: Option<Mailer>,
    /// Tells the worker that an event has come.
    pub inbox_bell: Arc<Notify>,
    /// Who is turned away for now.
    pub gate: Arc<Gate>,
    /// What is noted of keys that were refused or used.
    pub door: Arc<Door>,
    /// Whether the page of all parts of pages is there: in the demo.
    pub shows_styleguide: bool,
    /// Where documents are printed.
    pub press: Press,
    /// What this instance does by itself, and how it went.
    pub runs: Runs,
    /// How many connections there may be, and how long each may take over what.
    pub bounds: Bounds,
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
            bounds: Bounds::new(config.connections_max),
            config,
            public_origin: public_origin.into(),
            webhook_secrets: secrets.into(),
            metrics: Metrics::default(),
            clock_skew: Arc::default(),
            mailer: None,
            inbox_bell: Arc::new(Notify::new()),
            gate: Arc::default(),
            door: Arc::default(),
            press: Press::default(),
            runs: Runs::default(),
            shows_styleguide: false,
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

/// Where a request comes from, and its id as its answer, the log and the audit log carry it. Who sends it
/// is found out later.
#[derive(Clone, Debug)]
pub struct Sender(pub By);

/// The sender of a request that came in as `id`.
pub fn sender(site: &Site, request: &Request, id: &str) -> Sender {
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
    let demo = site.shows_styleguide.then(routes::of_the_demo);
    let all = routes::all().into_iter().chain(demo.into_iter().flatten());
    let owned = all.fold(Router::new(), |router, route| {
        let check = middleware::from_fn_with_state((site.clone(), access::Gate::of(&route)), access::check);
        let gate = middleware::from_fn_with_state((site.clone(), route.who), limits::gate);
        let handler = route.handler.route_layer(check).route_layer(gate);
        let bytes = match LARGE_BODIES.contains(&route.path) {
            true => LARGE_BODY_MAX,
            false if LOGO.contains(&route.path) => LOGO_BODY_MAX,
            false if route.path == EVIDENCE_FILES => EVIDENCE_FILE_BODY_MAX,
            false if route.path == ANSWER => ANSWER_BODY_MAX,
            false => BODY_MAX,
        };
        router.route(route.path, handler.route_layer(DefaultBodyLimit::max(bytes)))
    });
    owned
        .merge(assets::router())
        .method_not_allowed_fallback(|| async {
            let detail = "This address does not take this method.";
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
        })
        .fallback(|| async { Problem::from(Refusal::NotFound) })
        .layer(middleware::from_fn_with_state(
            Edge::new(site.clone()),
            edge::exchange,
        ))
        .with_state(site)
}
