//! The files that pages load: styles, scripts, pictures. They are part of the binary, and their addresses
//! hold a hash of their content, so browsers may keep them for ever and never see an old one.

use std::io::Write;
use std::sync::LazyLock;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

/// Hex digits of the hash in an address: enough that two versions of a file never share one.
const HASH_CHARS: usize = 16;

/// One file for browsers, several for us. Later rules win over earlier ones, so the order counts.
const PAY_CSS_TEXT: &str = concat!(
    include_str!("assets/tokens.css"),
    include_str!("assets/frame.css"),
    include_str!("assets/panel.css"),
    include_str!("assets/paper.css"),
    include_str!("assets/forward.css")
);

/// The same for the page's script.
const PAY_JS_TEXT: &str = concat!(
    include_str!("assets/sentences.js"),
    include_str!("assets/page-token.js"),
    include_str!("assets/choice.js"),
    include_str!("assets/pay.js")
);

/// A file and where it is served.
struct Asset {
    path: String,
    content_type: &'static str,
    body: &'static str,
    /// The same for browsers that take it, which all do: a quarter of the bytes.
    gzip: Vec<u8>,
}

static PAY_CSS: LazyLock<Asset> =
    LazyLock::new(|| asset("pay", "css", "text/css; charset=utf-8", PAY_CSS_TEXT));
static PAY_JS: LazyLock<Asset> =
    LazyLock::new(|| asset("pay", "js", "text/javascript; charset=utf-8", PAY_JS_TEXT));
/// The page about a Stripe account looks like the pay page.
const CONNECT_CSS_TEXT: &str = concat!(
    include_str!("assets/tokens.css"),
    include_str!("assets/frame.css"),
    include_str!("assets/panel.css"),
    include_str!("assets/connect.css")
);
static CONNECT_CSS: LazyLock<Asset> =
    LazyLock::new(|| asset("connect", "css", "text/css; charset=utf-8", CONNECT_CSS_TEXT));
static CONNECT_JS: LazyLock<Asset> = LazyLock::new(|| {
    asset(
        "connect",
        "js",
        "text/javascript; charset=utf-8",
        include_str!("assets/connect.js"),
    )
});
/// The pages behind the login and before it.
const APP_CSS_TEXT: &str = concat!(
    include_str!("assets/tokens.css"),
    include_str!("assets/app.css"),
    include_str!("assets/parts.css"),
    include_str!("assets/desk.css"),
    include_str!("assets/console.css"),
    include_str!("assets/reference.css")
);
static APP_CSS: LazyLock<Asset> =
    LazyLock::new(|| asset("app", "css", "text/css; charset=utf-8", APP_CSS_TEXT));
static APP_JS: LazyLock<Asset> = LazyLock::new(|| {
    asset(
        "app",
        "js",
        "text/javascript; charset=utf-8",
        include_str!("assets/app.js"),
    )
});
static EDITOR_JS: LazyLock<Asset> = LazyLock::new(|| {
    asset(
        "editor",
        "js",
        "text/javascript; charset=utf-8",
        include_str!("assets/editor.js"),
    )
});
static ICON: LazyLock<Asset> =
    LazyLock::new(|| asset("icon", "svg", "image/svg+xml", include_str!("assets/icon.svg")));

/// The pay page's styles.
pub fn css_path() -> &'static str {
    &PAY_CSS.path
}

/// The pay page's script.
pub fn js_path() -> &'static str {
    &PAY_JS.path
}

/// The styles of the page about a Stripe account.
pub fn connect_css_path() -> &'static str {
    &CONNECT_CSS.path
}

/// The script of the page about a Stripe account.
pub fn connect_js_path() -> &'static str {
    &CONNECT_JS.path
}

/// The styles of the pages behind the login and before it.
pub fn app_css_path() -> &'static str {
    &APP_CSS.path
}

/// The script of these pages.
pub fn app_js_path() -> &'static str {
    &APP_JS.path
}

/// The script of the page where an invoice is written.
pub fn editor_js_path() -> &'static str {
    &EDITOR_JS.path
}

/// The picture in the browser's tab.
pub fn icon_path() -> &'static str {
    &ICON.path
}

/// Serves every file at its address, and nothing else under `/assets/`.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let all = [
        &PAY_CSS,
        &PAY_JS,
        &CONNECT_CSS,
        &CONNECT_JS,
        &APP_CSS,
        &APP_JS,
        &EDITOR_JS,
        &ICON,
    ];
    all.into_iter().fold(Router::new(), |router, asset| {
        let answer = move |asked: HeaderMap| async move { answer(asset, &asked) };
        router.route(&asset.path, get(answer))
    })
}

fn answer(asset: &'static Asset, asked: &HeaderMap) -> Response {
    let headers = [
        (header::CONTENT_TYPE, asset.content_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::VARY, "accept-encoding"),
    ];
    match takes_gzip(asked) {
        true => {
            let body = Bytes::from_static(&asset.gzip);
            (headers, [(header::CONTENT_ENCODING, "gzip")], body).into_response()
        }
        false => (headers, asset.body).into_response(),
    }
}

/// Whether gzip is among the codings that are asked for (RFC 9110, 12.5.3), and not with a weight of nothing.
fn takes_gzip(asked: &HeaderMap) -> bool {
    let values = asked.get_all(header::ACCEPT_ENCODING).iter();
    let mut codings = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','));
    codings.any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        is_gzip && !parts.any(|weight| weight.trim_end_matches(['0', '.']) == "q=")
    })
}

fn compressed(body: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Into memory, where nothing fails.
    encoder
        .write_all(body.as_bytes())
        .and_then(|()| encoder.finish())
        .unwrap_or_default()
}

fn asset(name: &str, extension: &str, content_type: &'static str, body: &'static str) -> Asset {
    let mut hash = hex::encode(Sha256::digest(body));
    hash.truncate(HASH_CHARS);
    Asset {
        path: format!("/assets/{name}.{hash}.{extension}"),
        content_type,
        body,
        gzip: compressed(body),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::{Request, StatusCode};
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn each_file_is_served_for_ever_under_its_hash() {
        for (path, content_type, body) in [
            (css_path(), "text/css; charset=utf-8", PAY_CSS.body),
            (js_path(), "text/javascript; charset=utf-8", PAY_JS.body),
            (connect_css_path(), "text/css; charset=utf-8", CONNECT_CSS.body),
            (
                connect_js_path(),
                "text/javascript; charset=utf-8",
                CONNECT_JS.body,
            ),
            (app_css_path(), "text/css; charset=utf-8", APP_CSS.body),
            (app_js_path(), "text/javascript; charset=utf-8", APP_JS.body),
            (icon_path(), "image/svg+xml", ICON.body),
        ] {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let response = router::<()>().oneshot(request).await.unwrap();
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            assert_eq!(response.headers()["content-type"], content_type);
            assert_eq!(
                response.headers()["cache-control"],
                "public, max-age=31536000, immutable"
            );
            assert_eq!(to_bytes(response.into_body(), usize::MAX).await.unwrap(), body);
        }
    }

    #[tokio::test]
    async fn nothing_else_is_there() {
        for path in [
            "/assets/pay.css",
            "/assets/pay.0000000000000000.css",
            "/assets/../Cargo.toml",
        ] {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let response = router::<()>().oneshot(request).await.unwrap();
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }
}
