//! HTTP around the core: a router that hands every request to it, and the pump that posts the webhooks.

use std::future::Future;
use std::io;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderName, HeaderValue, Request as HttpRequest, StatusCode};
use axum::response::{IntoResponse, Response as HttpResponse};
use futures_util::stream;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::delivery::{Delivery, Outcome, is_loopback};
use crate::{Fate, Request, Response, Simulator};

/// A larger body is refused: Stripe's own requests are far smaller.
const BODY_MAX: usize = 1024 * 1024;
/// An endpoint has this long to answer.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);
/// How many webhooks are posted at once.
const AT_ONCE_MAX: usize = 16;
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

    /// Serves HTTP and posts webhooks until `shutdown` is done.
    ///
    /// # Errors
    /// When the listener fails, or no HTTP client can be made.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let pump = tokio::spawn(pump(self.clone(), client()?));
        let served = axum::serve(listener, self.router())
            .with_graceful_shutdown(shutdown)
            .await;
        pump.abort();
        served
    }
}

async fn front(State(simulator): State<Simulator>, request: HttpRequest<Body>) -> HttpResponse {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_MAX).await else {
        return (StatusCode::PAYLOAD_TOO_LARGE, "The body is too large.").into_response();
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
    let response = simulator.call(&request);
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

/// The client that posts webhooks: within a time limit, and without following redirects, which count as
/// failures.
fn client() -> io::Result<reqwest::Client> {
    // Whoever installed one before has chosen; without any, https endpoints could not be reached.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .timeout(DELIVERY_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .map_err(io::Error::other)
}

/// Posts what is due, several at a time, and waits for what comes next.
async fn pump(simulator: Simulator, client: reqwest::Client) {
    let mut posts: JoinSet<()> = JoinSet::new();
    let mut waiting: std::collections::VecDeque<Delivery> = Default::default();
    loop {
        waiting.extend(simulator.due_deliveries());
        while posts.len() < AT_ONCE_MAX
            && let Some(delivery) = waiting.pop_front()
        {
            posts.spawn(post(simulator.clone(), client.clone(), delivery));
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

async fn post(simulator: Simulator, client: reqwest::Client, delivery: Delivery) {
    let allowed =
        simulator.deliver_anywhere() || reqwest::Url::parse(&delivery.url).is_ok_and(|url| is_loopback(&url));
    let outcome = if allowed {
        let mut request = client.post(&delivery.url).body(delivery.body);
        for (name, value) in &delivery.headers {
            request = request.header(name, value);
        }
        match request.send().await {
            Ok(answer) => Outcome::Answered(answer.status().as_u16()),
            Err(error) => Outcome::Failed(error.to_string()),
        }
    } else {
        Outcome::Failed("not an address of this machine: no connection was made".into())
    };
    simulator.report_delivery(delivery.id, outcome);
}
