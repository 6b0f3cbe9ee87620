//! The one port to the outside: an HTTP request goes out, an answer or no answer comes back, and waiting is
//! asked for, not done. `Https` is the real one; a simulator in the same process is the other.

use std::fmt;
use std::net::IpAddr;
use std::pin::Pin;
use std::time::Duration;

use rustls::crypto::ring;

/// The whole time one request may take, connecting and reading included; the same limit as Stripe's own
/// SDKs.
const REQUEST_LIMIT: Duration = Duration::from_secs(80);
/// Stripe accepts connections within milliseconds; ten seconds without one means the network is down.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// The largest answer that is read. A list of 100 expanded charges stays well below 1 MiB.
pub const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The HTTP methods Stripe's v1 API uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// A read.
    Get,
    /// A write.
    Post,
    /// A deletion.
    Delete,
}

impl Method {
    /// The method as it is written on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Delete => "DELETE",
        }
    }
}

/// One request, complete: absolute URL with its query, headers, body.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// What to do.
    pub method: Method,
    /// Absolute URL, query included.
    pub url: String,
    /// Header names and values; `Authorization` is among them.
    pub headers: Vec<(&'static str, String)>,
    /// The body's bytes; empty for a read.
    pub body: Vec<u8>,
}

impl HttpRequest {
    /// The value of a header, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |(name, value): &(&'static str, String)| match name.eq_ignore_ascii_case("authorization")
        {
            true => (*name, "[redacted]".to_owned()),
            false => (*name, value.clone()),
        };
        f.debug_struct("HttpRequest")
            .field("method", &self.method)
            .field("url", &self.url)
            .field("headers", &self.headers.iter().map(shown).collect::<Vec<_>>())
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

/// A complete answer, of whatever status.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// HTTP status.
    pub status: u16,
    /// Header names (in lower case) and values.
    pub headers: Vec<(String, String)>,
    /// The body's bytes, at most [`ANSWER_BYTES_MAX`].
    pub body: Vec<u8>,
}

impl HttpResponse {
    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for HttpResponse {
    /// Bodies may hold client secrets, so only their size is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpResponse")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

/// No complete answer came: time limit, reset, refused, dropped. Whether Stripe acted on the request is
/// unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoAnswer(pub String);

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no answer: {}", self.0)
    }
}

impl std::error::Error for NoAnswer {}

/// A boxed future, so that [`Transport`] can be used behind `Arc<dyn Transport>`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The port to Stripe. One call is one try: it never repeats a request by itself and follows no redirect.
pub trait Transport: Send + Sync {
    /// Sends one request and waits for its whole answer.
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, NoAnswer>>;

    /// Waits between two tries; in a simulation this moves only the simulated time.
    fn pause(&self, ms: u64) -> BoxFuture<'_, ()>;
}

/// The HTTP client of this machine could not be set up, for example because no root certificates were
/// found.
#[derive(Debug)]
pub struct SetupError(reqwest::Error);

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the HTTPS client cannot be set up: {}", causes(&self.0))
    }
}

impl std::error::Error for SetupError {}

/// The real transport, over TLS. Plain HTTP is spoken only to a loopback host, where the simulator may run.
#[derive(Clone, Debug)]
pub struct Https {
    remote: Option<reqwest::Client>,
    loopback: reqwest::Client,
}

impl Https {
    /// A transport to any https host (certificates checked as this machine does) and to loopback http.
    pub fn new() -> Result<Https, SetupError> {
        let loopback = Https::loopback_only()?.loopback;
        let remote = limits().https_only(true).build().map_err(SetupError)?;
        Ok(Https {
            remote: Some(remote),
            loopback,
        })
    }

    /// A transport that reaches loopback http only: it needs no root certificates and cannot leave the
    /// machine.
    pub fn loopback_only() -> Result<Https, SetupError> {
        // Fails only if a provider was chosen before, and then that one is used: both are fine.
        let _ = ring::default_provider().install_default();
        // A proxy for the outside world must not see, or break, calls to the machine itself.
        let builder = limits().no_proxy().tls_certs_only([]);
        Ok(Https {
            remote: None,
            loopback: builder.build().map_err(SetupError)?,
        })
    }

    fn client_for(&self, url: &reqwest::Url) -> Result<&reqwest::Client, NoAnswer> {
        match (url.scheme(), &self.remote) {
            ("https", Some(client)) => Ok(client),
            ("https", None) => Err(NoAnswer("this transport reaches loopback http only".to_owned())),
            ("http", _) if is_loopback(url) => Ok(&self.loopback),
            _ => Err(NoAnswer(
                "plain http is refused except to a loopback host".to_owned(),
            )),
        }
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, NoAnswer> {
        let url = reqwest::Url::parse(&request.url).map_err(|e| NoAnswer(format!("malformed URL: {e}")))?;
        let client = self.client_for(&url)?;
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut builder = client.request(method, url).body(request.body);
        for (name, value) in request.headers {
            builder = builder.header(name, value);
        }
        read_answer(builder.send().await.map_err(no_answer)?).await
    }
}

impl Transport for Https {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, NoAnswer>> {
        Box::pin(self.exchange(request))
    }

    fn pause(&self, ms: u64) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(Duration::from_millis(ms)))
    }
}

fn limits() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .timeout(REQUEST_LIMIT)
        .connect_timeout(CONNECT_LIMIT)
        .redirect(reqwest::redirect::Policy::none())
        // Tries are counted by the client above, which knows Stripe's rules.
        .retry(reqwest::retry::never())
}

fn is_loopback(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

async fn read_answer(mut response: reqwest::Response) -> Result<HttpResponse, NoAnswer> {
    let status = response.status().as_u16();
    let readable = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    let headers = response.headers().iter().filter_map(readable).collect();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(no_answer)? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(NoAnswer(format!(
                "the answer is larger than {ANSWER_BYTES_MAX} bytes"
            )));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(HttpResponse {
        status,
        headers,
        body,
    })
}

/// The address is left out: it is logged by the caller, who knows which part of it may be shown.
fn no_answer(error: reqwest::Error) -> NoAnswer {
    NoAnswer(causes(&error.without_url()))
}

fn causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
