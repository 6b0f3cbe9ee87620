//! What is found at `PUBLIC_URL`.

use axum::http::HeaderMap;
use flows::Clock;
use stripe::{HttpResponse, Secret};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::super::facts::ServerFacts;
use super::{get, within};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::headers::{Kind, Policies};
use crate::ping;

/// Looks at the server, at everything at the same time.
pub async fn look(config: &Config) -> ServerFacts {
    let origin = config.public_url.origin();
    let random = SystemClock::default().random();
    let nobodys = Secret::new(format!("whsec_{random:032x}"));
    let (ready, page) = (
        format!("{origin}/readyz"),
        format!("{origin}/pay/nobodys-{random:032x}"),
    );
    let (wrong_secret, ready, page, plain_http_serves) = tokio::join!(
        ping::send(config, &nobodys),
        get(config, &ready),
        get(config, &page),
        plain_http_serves(config),
    );
    let text = |body: &[u8]| String::from_utf8_lossy(body).into_owned();
    ServerFacts {
        ready: Some(ready.map(|answer| (answer.status, text(&answer.body)))),
        wrong_secret: Some(wrong_secret),
        plain_http_serves,
        page_headers: page.ok().map(|page| changed_headers(config, &page)),
    }
}

/// Names of the headers that a pay page's address should have come with, and that are missing or say
/// something else.
pub fn changed_headers(config: &Config, came: &HttpResponse) -> Vec<String> {
    let mut sent = HeaderMap::new();
    Policies::new(config).apply(Kind::PayPage, &mut sent);
    let is_changed = |name: &str, value: &[u8]| came.header(name).map(str::as_bytes) != Some(value);
    let changed = sent
        .iter()
        .filter(|(name, value)| is_changed(name.as_str(), value.as_bytes()));
    changed.map(|(name, _)| name.as_str().to_owned()).collect()
}

/// Whether the public host answers over plain http with more than a way to https. Nothing else here speaks
/// plain http to another machine, so this says the least that HTTP allows.
async fn plain_http_serves(config: &Config) -> bool {
    let Some(host) = config.public_url.wallet_domain() else {
        return false;
    };
    let asked = async {
        let mut stream = tokio::net::TcpStream::connect((host, 80)).await?;
        let request = format!("GET /healthz HTTP/1.0\r\nHost: {host}\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut status = [0; 12];
        stream.read_exact(&mut status).await?;
        Ok::<_, std::io::Error>(status)
    };
    within(asked).await.is_ok_and(|status| status.ends_with(b" 200"))
}
