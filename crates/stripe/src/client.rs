//! The client: what every request carries, the retries, and what comes back. Paths and parameters of the
//! single calls are in the file named after the object.

use std::fmt;
use std::sync::Arc;

use serde::de::IgnoredAny;
use serde_json::Value;

use crate::account_id::AccountId;
use crate::error::{CallError, Unknown};
use crate::files::{self, Content};
use crate::gate::{Gate, Heard};
use crate::secret::Secret;
use crate::transport::{HttpRequest, HttpResponse, Method, NoAnswer, Transport};
use crate::{form, retry};

/// The version of Stripe's API this crate is written for; sent with every request.
pub const API_VERSION: &str = "2026-10-28.endive";

/// Stripe's limit for an `Idempotency-Key`.
pub const IDEMPOTENCY_KEY_CHARS_MAX: usize = 255;

/// The tries of one call end this long after the first of them: a machine that was suspended between two
/// would send under a key that Stripe has forgotten. Whoever keeps the write finds out later.
const TRIES_MS_MAX: u64 = 5 * 60 * 1000;

const API: &str = "https://api.stripe.com";
const CONNECT: &str = "https://connect.stripe.com";
const FILES: &str = "https://files.stripe.com";
const FORM: &str = "application/x-www-form-urlencoded";
const USER_AGENT: &str = concat!("psa-pay/", env!("CARGO_PKG_VERSION"));

/// Calls Stripe, or whatever answers at its base address, with one secret key. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Clone)]
struct Inner {
    base: String,
    /// Where OAuth's two calls go.
    connect_base: String,
    /// Where files are uploaded.
    files_base: String,
    /// The platform as an OAuth client, if it is one.
    client_id: Option<String>,
    key: Secret,
    transport: Arc<dyn Transport>,
    /// Decides which accounts are asked; without one all are.
    gate: Option<Arc<dyn Gate>>,
    /// Milliseconds since the epoch; without it a call ends by the number of its tries alone.
    now_ms: Option<NowMs>,
}

/// A clock that is handed in.
pub type NowMs = Arc<dyn Fn() -> i64 + Send + Sync>;

/// One POST, frozen: whoever keeps these fields can replay it later, byte for byte, with the same key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Path such as `/v1/payment_intents`.
    pub path: String,
    /// Flat form parameters, in the order they are sent: `metadata[op_id]`, `…`.
    pub params: Vec<(String, String)>,
    /// The connected account the write happens on; none for what is the platform's own.
    pub account: Option<AccountId>,
    /// 1 to 255 visible ASCII characters that say what is done, the same for every try and replay.
    pub idempotency_key: String,
}

impl Write {
    /// The form body, the same bytes for the same parameters.
    pub fn body(&self) -> String {
        form::encode(&self.params)
    }
}

/// A readable success (2xx with a JSON object).
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Request-Id`, for Stripe's support.
    pub request_id: Option<String>,
    /// Whether this is the stored answer of an earlier request with the same idempotency key.
    pub replayed: bool,
    /// The JSON text. It may hold client secrets: see [`Answer::without_client_secret`].
    pub body: String,
}

impl Answer {
    /// The body as it may be stored: every `client_secret` in it is null.
    pub fn without_client_secret(&self) -> String {
        without_client_secret(&self.body)
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("request_id", &self.request_id)
            .field("replayed", &self.replayed)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

impl Client {
    /// A client for `https://api.stripe.com`, or for the simulator's address, with the key of one mode. What
    /// stands in for Stripe's API stands in for `https://connect.stripe.com` and `https://files.stripe.com`.
    pub fn new(base: &str, key: Secret, transport: Arc<dyn Transport>) -> Client {
        let base = base.trim_end_matches('/').to_owned();
        let beside = |host: &str| match base == API {
            true => host.to_owned(),
            false => base.clone(),
        };
        let (connect_base, files_base) = (beside(CONNECT), beside(FILES));
        Client {
            inner: Arc::new(Inner {
                base,
                connect_base,
                files_base,
                client_id: None,
                key,
                transport,
                gate: None,
                now_ms: None,
            }),
        }
    }

    /// The same client, which asks the gate before each try and tells it what came of it.
    pub fn with_gate(self, gate: Arc<dyn Gate>) -> Client {
        Client {
            inner: Arc::new(Inner {
                gate: Some(gate),
                ..Inner::clone(&self.inner)
            }),
        }
    }

    /// The same client, which repeats nothing once five minutes of this clock have passed since the first
    /// try.
    pub fn with_clock(self, now_ms: NowMs) -> Client {
        Client {
            inner: Arc::new(Inner {
                now_ms: Some(now_ms),
                ..Inner::clone(&self.inner)
            }),
        }
    }

    /// The same client, which knows the platform's OAuth client id (`ca_…`) of its mode.
    pub fn with_client_id(self, client_id: Option<String>) -> Client {
        Client {
            inner: Arc::new(Inner {
                client_id,
                ..Inner::clone(&self.inner)
            }),
        }
    }

    /// The platform's OAuth client id of this mode, if it has one.
    pub fn client_id(&self) -> Option<&str> {
        self.inner.client_id.as_deref()
    }

    /// Where OAuth's pages and calls are.
    pub(crate) fn connect_base(&self) -> &str {
        &self.inner.connect_base
    }

    /// One POST to a path of OAuth, sent exactly once: it has no idempotency key, and a code that is sent
    /// twice is refused.
    pub(crate) async fn post_to_connect(
        &self,
        path: &'static str,
        params: &[(String, String)],
    ) -> Result<HttpResponse, NoAnswer> {
        let mut headers = self.headers();
        headers.push(("Content-Type", FORM.to_owned()));
        let request = HttpRequest {
            method: Method::Post,
            url: format!("{}{path}", self.inner.connect_base),
            headers,
            body: form::encode(params).into_bytes(),
        };
        let outcome = self.inner.transport.send(request.clone()).await;
        log(&request, 0, &outcome);
        outcome
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        vec![
            ("Authorization", format!("Bearer {}", self.inner.key.expose())),
            ("Stripe-Version", API_VERSION.to_owned()),
            ("User-Agent", USER_AGENT.to_owned()),
        ]
    }

    /// Sends a write, with up to two retries of the same bytes under the same key.
    pub async fn write(&self, write: &Write) -> Result<Answer, CallError> {
        self.post(write, retry::RETRIES_MAX).await
    }

    /// Sends a write exactly once, for a caller that keeps its own schedule.
    pub async fn write_once(&self, write: &Write) -> Result<Answer, CallError> {
        self.post(write, 0).await
    }

    /// Reads, with up to two retries. `query` is flat and sent in its order.
    pub async fn read(
        &self,
        path: &str,
        query: &[(String, String)],
        account: Option<&AccountId>,
    ) -> Result<Answer, CallError> {
        let target = match query.is_empty() {
            true => path.to_owned(),
            false => format!("{path}?{}", form::encode(query)),
        };
        let request = self.request(&self.inner.base, Method::Get, &target, account)?;
        self.call(&request, account, &target, retry::RETRIES_MAX).await
    }

    /// Uploads a file, with up to two retries of the same bytes under the same key.
    ///
    /// # Errors
    /// As for every write.
    pub async fn upload(&self, write: &Write, content: &Content) -> Result<Answer, CallError> {
        let mut request = self.post_request(write, &self.inner.files_base)?;
        let (content_type, body) = files::multipart(&write.params, content);
        request.headers.push(("Content-Type", content_type));
        request.body = body;
        let (account, key) = (write.account.as_ref(), &write.idempotency_key);
        self.call(&request, account, key, retry::RETRIES_MAX).await
    }

    async fn post(&self, write: &Write, retries_max: u32) -> Result<Answer, CallError> {
        let mut request = self.post_request(write, &self.inner.base)?;
        request.headers.push(("Content-Type", FORM.to_owned()));
        request.body = write.body().into_bytes();
        let (account, key) = (write.account.as_ref(), &write.idempotency_key);
        self.call(&request, account, key, retries_max).await
    }

    /// A write's request to a host, without its body.
    fn post_request(&self, write: &Write, base: &str) -> Result<HttpRequest, CallError> {
        self.keyed(base, &write.path, write.account.as_ref(), &write.idempotency_key)
    }

    fn keyed(
        &self,
        base: &str,
        path: &str,
        account: Option<&AccountId>,
        key: &str,
    ) -> Result<HttpRequest, CallError> {
        if key.len() > IDEMPOTENCY_KEY_CHARS_MAX || !is_header_text(key) {
            return Err(CallError::not_sent(
                "Idempotency-Key",
                "not 1 to 255 visible ASCII characters",
            ));
        }
        let mut request = self.request(base, Method::Post, path, account)?;
        request.headers.push(("Idempotency-Key", key.to_owned()));
        Ok(request)
    }

    /// Sends a write of API v2, whose bodies are JSON, with up to two retries under the same key.
    pub async fn write_json(&self, path: &str, body: &Value, key: &str) -> Result<Answer, CallError> {
        let mut request = self.keyed(&self.inner.base, path, None, key)?;
        request
            .headers
            .push(("Content-Type", "application/json".to_owned()));
        request.body = body.to_string().into_bytes();
        self.call(&request, None, key, retry::RETRIES_MAX).await
    }

    /// Takes an object of the platform's own away, with up to two retries.
    pub async fn delete(&self, path: &str) -> Result<Answer, CallError> {
        let request = self.request(&self.inner.base, Method::Delete, path, None)?;
        self.call(&request, None, path, retry::RETRIES_MAX).await
    }

    fn request(
        &self,
        base: &str,
        method: Method,
        target: &str,
        account: Option<&AccountId>,
    ) -> Result<HttpRequest, CallError> {
        // The key goes wherever the address points, so the base must not be extended into another host
        // name.
        if !target.starts_with("/v") {
            return Err(CallError::not_sent("path", "not a path of Stripe's API"));
        }
        let mut headers = self.headers();
        if let Some(account) = account {
            headers.push(("Stripe-Account", account.as_str().to_owned()));
        }
        Ok(HttpRequest {
            method,
            url: format!("{base}{target}"),
            headers,
            body: Vec::new(),
        })
    }

    async fn call(
        &self,
        request: &HttpRequest,
        account: Option<&AccountId>,
        seed: &str,
        retries_max: u32,
    ) -> Result<Answer, CallError> {
        let (gate, account) = (self.inner.gate.as_deref(), account.map_or("", AccountId::as_str));
        if gate.is_some_and(|gate| !gate.admit(account)) {
            return Err(
                NoAnswer("not sent, because the account has not answered for a while".to_owned()).into(),
            );
        }
        let now_ms = || self.inner.now_ms.as_ref().map(|now| now());
        let (began, mut retries_made) = (now_ms(), 0);
        loop {
            let outcome = self.inner.transport.send(request.clone()).await;
            log(request, retries_made, &outcome);
            if let Some(gate) = gate {
                gate.heard(account, Heard::of(&outcome));
            }
            let wait = retry::wait_ms(&outcome, seed, retries_made, retries_max)
                .filter(|_| gate.is_none_or(|gate| gate.may_repeat(account)));
            match wait {
                Some(ms) => self.inner.transport.pause(ms).await,
                None => return judge(outcome?),
            }
            // The clock is looked at after the wait: that is when a machine was away.
            let took = began.zip(now_ms()).map_or(0, |(began, now)| now.abs_diff(began));
            if took >= TRIES_MS_MAX {
                return judge(outcome?);
            }
            retries_made += 1;
        }
    }
}

/// A body as it may be stored or logged: every `client_secret` in it is null. What is not JSON becomes
/// empty.
pub fn without_client_secret(body: &str) -> String {
    match serde_json::from_str::<Value>(body) {
        Ok(mut value) => {
            clear_client_secrets(&mut value);
            value.to_string()
        }
        Err(_) => String::new(),
    }
}

/// A body as it came, byte for byte, but for the client secrets in it: each reads `removed`. For what is kept
/// raw, such as a webhook: Stripe's events of payment intents carry the secret. What is not JSON stays as it
/// is.
pub fn mask_client_secrets(body: &str) -> String {
    let mut secrets = Vec::new();
    if let Ok(value) = serde_json::from_str::<Value>(body) {
        collect_client_secrets(&value, &mut secrets);
    }
    secrets.iter().fold(body.to_owned(), |masked, secret| {
        masked.replace(secret, "removed")
    })
}

fn collect_client_secrets(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (name, field) in map {
                match field {
                    Value::String(secret) if name == "client_secret" && !secret.is_empty() => {
                        found.push(secret.clone());
                    }
                    other => collect_client_secrets(other, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_client_secrets(item, found)),
        _ => {}
    }
}

fn clear_client_secrets(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (name, field) in map {
                match name == "client_secret" {
                    true => *field = Value::Null,
                    false => clear_client_secrets(field),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(clear_client_secrets),
        _ => {}
    }
}

fn is_header_text(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The path without its query: filters may hold what a payer typed.
fn log(request: &HttpRequest, retries_made: u32, outcome: &Result<HttpResponse, NoAnswer>) {
    let path = request.url.split('?').next().unwrap_or_default();
    let method = request.method.as_str();
    match outcome {
        Ok(answer) => {
            let request_id = answer.header("request-id").unwrap_or("-");
            tracing::debug!(
                method,
                path,
                retries_made,
                status = answer.status,
                request_id,
                "stripe answered"
            );
        }
        Err(error) => tracing::debug!(method, path, retries_made, %error, "stripe did not answer"),
    }
}

fn judge(response: HttpResponse) -> Result<Answer, CallError> {
    if !(200..300).contains(&response.status) {
        return Err(CallError::from_response(&response));
    }
    let request_id = response.header("request-id").map(str::to_owned);
    let replayed = response.header("idempotent-replayed") == Some("true");
    let unreadable = |why: &str| {
        let why = format!("status {}, but {why}", response.status);
        let (status, request_id) = (Some(response.status), request_id.clone());
        CallError::Unknown(Unknown {
            why,
            status,
            request_id,
            saved_500: false,
        })
    };
    let Ok(body) = String::from_utf8(response.body) else {
        return Err(unreadable("the body is not UTF-8"));
    };
    if !body.trim_start().starts_with('{') || serde_json::from_str::<IgnoredAny>(&body).is_err() {
        return Err(unreadable("the body is not a JSON object"));
    }
    Ok(Answer {
        status: response.status,
        request_id,
        replayed,
        body,
    })
}
