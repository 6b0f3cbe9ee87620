//! HTTP around the core: a router that hands every request to it, and the pump that posts the webhooks.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderName, HeaderValue, Request as HttpRequest, StatusCode};
use axum::response::Response as HttpResponse;
use futures_util::stream;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::delivery::{Delivery, Outcome, is_loopback};
use crate::{Fate, Request, Response, Simulator};

/// A larger body is refused. The largest that Stripe takes is a file of 5 MB with what stands around it.
const BODY_MAX: usize = 6 * 1024 * 1024;
/// How long a request's head may take, and a connection wait for the next request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a request's body may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long requests that are being answered may still take when the simulator is stopped.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);
/// How long no connection is taken when the system has none left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// An endpoint has this long to answer.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);
/// How many webhooks are posted at once.
const AT_ONCE_MAX: usize = 64;
/// How many of them to one place: one that hangs must not keep the others waiting.
const AT_ONCE_THERE_MAX: usize = 4;
/// The pump looks again at least this often, for a clock that others move.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

impl Simulator {
    /// The HTTP face of [`Simulator::call`]: every path, every method.
    pub fn router(&self) -> Router {
        Router::new()
            .fallback(front)
            .layer(DefaultBodyLimit::disable())
            .with_state(self.clone())
    }

    /// Serves HTTP and posts webhooks until `shutdown` is done. Each connection has a task of its own and
    /// time limits, so that none keeps another waiting.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let pump = tokio::spawn(pump(self.clone(), Posting::new()?));
        let mut server = Builder::new(TokioExecutor::new()).http1_only();
        server
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT);
        let service = TowerToHyperService::new(self.router());
        let connections = GracefulShutdown::new();
        tokio::pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = &mut shutdown => break,
            };
            match accepted {
                Ok((stream, _)) => {
                    // An answer is one small write: it must not wait for an acknowledgement.
                    let _ = stream.set_nodelay(true);
                    let connection = server.serve_connection(TokioIo::new(stream), service.clone());
                    tokio::spawn(connections.watch(connection.into_owned()));
                }
                Err(error) => {
                    tracing::warn!(%error, "no connection could be taken");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(listener);
        let _ = tokio::time::timeout(STOP_TIMEOUT, connections.shutdown()).await;
        pump.abort();
        Ok(())
    }
}

async fn front(State(simulator): State<Simulator>, request: HttpRequest<Body>) -> HttpResponse {
    let (parts, body) = request.into_parts();
    let body = match tokio::time::timeout(BODY_TIMEOUT, axum::body::to_bytes(body, BODY_MAX)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => {
            return sent(refused(
                413,
                "invalid_request_error",
                "Request body is too large.",
            ));
        }
        Err(_) => {
            return sent(refused(
                408,
                "invalid_request_error",
                "Request body did not arrive in time.",
            ));
        }
    };
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let request = Request {
        method: parts.method.as_str().to_owned(),
        path: parts
            .uri
            .path_and_query()
            .map_or_else(String::new, |path| path.as_str().to_owned()),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), text(value)))
            .collect(),
        body: body.to_vec(),
    };
    let response = whole(|| simulator.call(&request)).unwrap_or_else(|| {
        refused(
            500,
            "api_error",
            "An error occurred while processing your request.",
        )
    });
    match response.fate {
        Fate::Arrives => sent(response),
        Fate::Late(ms) => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            sent(response)
        }
        Fate::Hangs => std::future::pending().await,
        Fate::Lost => broken_off(),
    }
}

/// What a part of the simulator answers; `None` when it panicked, which is a bug: it is logged, and the next
/// request is served all the same.
fn whole<T>(part: impl FnOnce() -> T) -> Option<T> {
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(part));
    if caught.is_err() {
        tracing::error!("the simulator panicked; this is a bug of the simulator's");
    }
    caught.ok()
}

/// An answer that does not come from the API itself.
fn refused(status: u16, kind: &str, message: &str) -> Response {
    let body = serde_json::json!({ "error": { "type": kind, "message": message } });
    Response {
        status,
        headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
        body: body.to_string().into_bytes(),
        fate: Fate::Arrives,
    }
}

fn sent(response: Response) -> HttpResponse {
    let mut http = HttpResponse::new(Body::from(response.body));
    *http.status_mut() = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in response.headers {
        let (name, value) = (HeaderName::try_from(name), HeaderValue::try_from(value));
        if let (Ok(name), Ok(value)) = (name, value) {
            http.headers_mut().append(name, value);
        }
    }
    http
}

/// A body that fails before its first byte: the connection is closed before anything of the answer is sent.
fn broken_off() -> HttpResponse {
    let lost = stream::once(async { Err::<Bytes, io::Error>(io::ErrorKind::ConnectionReset.into()) });
    HttpResponse::new(Body::from_stream(lost))
}

/// What webhooks are posted with: within a time limit, and without following redirects, which count as
/// failures. The machine's root certificates are read when the first https endpoint asks for them: that takes
/// longer than all else that a simulator does before it answers.
#[derive(Clone)]
struct Posting {
    plain: reqwest::Client,
    tls: Arc<OnceLock<reqwest::Client>>,
}

impl Posting {
    fn new() -> io::Result<Posting> {
        // Whoever installed one before has chosen; without any, https endpoints could not be reached.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let plain = within_limits().tls_certs_only([]).build();
        Ok(Posting {
            plain: plain.map_err(io::Error::other)?,
            tls: Arc::default(),
        })
    }

    fn client_for(&self, url: &str) -> Result<&reqwest::Client, reqwest::Error> {
        if url.starts_with("http:") {
            return Ok(&self.plain);
        }
        if let Some(client) = self.tls.get() {
            return Ok(client);
        }
        let client = within_limits().build()?;
        Ok(self.tls.get_or_init(|| client))
    }
}

fn within_limits() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .timeout(DELIVERY_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        // Whatever a resolver says: port 0 keeps the URL's own.
        .resolve_to_addrs(
            "localhost",
            &[(Ipv4Addr::LOCALHOST, 0).into(), (Ipv6Addr::LOCALHOST, 0).into()],
        )
}

/// What goes to one address: what waits, and a counter of what is on its way.
#[derive(Default)]
struct Place {
    waiting: VecDeque<Delivery>,
    busy: Arc<()>,
}

/// Posts what is due, several at a time, and waits for what comes next.
async fn pump(simulator: Simulator, posting: Posting) {
    let mut posts: JoinSet<()> = JoinSet::new();
    let mut places: BTreeMap<String, Place> = BTreeMap::new();
    loop {
        for delivery in whole(|| simulator.due_deliveries()).unwrap_or_default() {
            let place = places.entry(delivery.url.clone()).or_default();
            place.waiting.push_back(delivery);
        }
        places.retain(|_, place| !place.waiting.is_empty() || Arc::strong_count(&place.busy) > 1);
        for place in places.values_mut() {
            // Each post holds its place's counter, whatever becomes of it.
            while posts.len() < AT_ONCE_MAX
                && Arc::strong_count(&place.busy) <= AT_ONCE_THERE_MAX
                && let Some(delivery) = place.waiting.pop_front()
            {
                let busy = Arc::clone(&place.busy);
                let posted = post(simulator.clone(), posting.clone(), delivery);
                posts.spawn(async move {
                    posted.await;
                    drop(busy);
                });
            }
        }
        let wait = simulator
            .due_in_ms()
            .map_or(LOOK_AGAIN, |ms| Duration::from_millis(ms).min(LOOK_AGAIN));
        tokio::select! {
            () = simulator.0.changed.notified() => {}
            () = tokio::time::sleep(wait) => {}
            Some(_) = posts.join_next() => {}
        }
    }
}

/// Why a request failed: the first cause says it, what stands around it only that it failed.
fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

async fn post(simulator: Simulator, posting: Posting, delivery: Delivery) {
    let allowed =
        simulator.deliver_anywhere() || reqwest::Url::parse(&delivery.url).is_ok_and(|url| is_loopback(&url));
    let outcome = if allowed {
        match answered(&posting, &delivery).await {
            Ok(status) => Outcome::Answered(status),
            Err(error) => Outcome::Failed(cause(&error)),
        }
    } else {
        Outcome::Failed("not an address of this machine: no connection was made".into())
    };
    simulator.report_delivery(delivery.id, outcome);
}

/// Posts one webhook; answers the status that came back.
async fn answered(posting: &Posting, delivery: &Delivery) -> Result<u16, reqwest::Error> {
    let client = posting.client_for(&delivery.url)?;
    let mut request = client.post(&delivery.url).body(delivery.body.clone());
    for (name, value) in &delivery.headers {
        request = request.header(name, value);
    }
    Ok(request.send().await?.status().as_u16())
}
