//! What every answer carries and what no address takes, over all routes: headers, methods, foreign sites,
//! sizes.

use std::collections::BTreeMap;

use axum::Router;
use axum::middleware;
use axum::routing::get;
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::edge::{self, Edge};
use server::routes;
use store::Sql;
use tokio::net::TcpListener;

use crate::engines::World;
use crate::town::{Reply, Town};

/// An address of the server, and the methods that it takes.
struct Address {
    pattern: &'static str,
    methods: Vec<Method>,
    /// Whether browsers come here with the cookies of people.
    is_of_people: bool,
}

impl Address {
    /// With something in each place of an id.
    fn path(&self, id: &str) -> String {
        let parts = self.pattern.split('/');
        let filled = parts.map(|part| if part.starts_with('{') { id } else { part });
        filled.collect::<Vec<_>>().join("/")
    }

    /// The methods that change something.
    fn changing(&self) -> impl Iterator<Item = &Method> {
        self.methods.iter().filter(|method| !method.is_safe())
    }
}

/// Every address of the server but its files.
fn addresses() -> Vec<Address> {
    let mut all = BTreeMap::<&str, (Vec<Method>, bool)>::new();
    for route in routes::all() {
        let address = all.entry(route.path).or_default();
        address.0.push(route.method);
        address.1 = route.who.is_of_people();
    }
    let address = |(pattern, (methods, is_of_people))| Address {
        pattern,
        methods,
        is_of_people,
    };
    all.into_iter().map(address).collect()
}

/// What stands in every answer of a kind, and nothing else does besides [`OF_AN_ANSWER`].
fn expected(town: &Town, path: &str) -> Vec<(&'static str, String)> {
    let stripe = &town.stripe_url;
    let nothing = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let no_features = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";
    let below = |place: &str| path == place || path.starts_with(&format!("{place}/"));
    let (content, features, referrer, opener) = if below("/pay") {
        let content = format!(
            "default-src 'none'; script-src 'self' {stripe}; style-src 'self'; img-src 'self' data:; \
             connect-src 'self' {stripe}; frame-src {stripe}; form-action 'self'; base-uri 'none'; \
             object-src 'none'; frame-ancestors 'none'"
        );
        let features =
            format!("camera=(), geolocation=(), microphone=(), payment=(self \"{stripe}\"), usb=()");
        (content, features, "no-referrer", "same-origin-allow-popups")
    } else if path == "/api/reference"
        || !["/api", "/assets", "/healthz", "/readyz", "/metrics"]
            .into_iter()
            .any(below)
    {
        let forms = match below("/connect") || below("/settings/stripe") {
            true => format!("'self' {stripe}"),
            false => "'self'".to_owned(),
        };
        let content = format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
             connect-src 'self'; form-action {forms}; base-uri 'none'; object-src 'none'; \
             frame-ancestors 'none'"
        );
        // Whoever has the address of a link gets in: it goes along to nobody.
        let link = ["/email", "/invitation", "/login", "/reset"]
            .into_iter()
            .any(below);
        let referrer = if link { "strict-origin" } else { "same-origin" };
        (content, no_features.to_owned(), referrer, "same-origin")
    } else {
        (
            nothing.to_owned(),
            no_features.to_owned(),
            "same-origin",
            "same-origin",
        )
    };
    let mut all = vec![
        ("content-security-policy", content),
        ("cross-origin-opener-policy", opener.to_owned()),
        ("cross-origin-resource-policy", "same-origin".to_owned()),
        ("permissions-policy", features),
        ("referrer-policy", referrer.to_owned()),
        ("x-content-type-options", "nosniff".to_owned()),
    ];
    if !path.starts_with("/assets/") {
        all.push(("cache-control", "no-store".to_owned()));
    }
    all.sort();
    all
}

/// Headers that say something of one answer.
const OF_AN_ANSWER: [&str; 11] = [
    "allow",
    "connection",
    "content-disposition",
    "content-length",
    "content-type",
    "date",
    "location",
    "retry-after",
    "set-cookie",
    "www-authenticate",
    "x-request-id",
];

#[track_caller]
fn assert_headers(town: &Town, path: &str, headers: &HeaderMap) {
    let mut found: Vec<(&str, String)> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap().to_owned()))
        .filter(|(name, _)| !OF_AN_ANSWER.contains(name))
        .filter(|(name, _)| !path.starts_with("/assets/") || !["cache-control", "vary"].contains(name))
        .collect();
    found.sort();
    assert_eq!(found, expected(town, path), "{path}");
    let id = headers["x-request-id"].to_str().unwrap();
    assert!(id.starts_with("req_") && id.len() == 36, "{id}");
}

async fn send(town: &Town, method: &Method, path: &str, headers: &[(&str, &str)]) -> Reply {
    town.public_with(method.clone(), path, Value::Null, headers).await
}

/// What an address itself answers with, wherever it sends a browser on to.
async fn answered(
    http: &reqwest::Client,
    town: &Town,
    method: &Method,
    path: &str,
    headers: &[(&str, &str)],
) -> HeaderMap {
    let request = http.request(method.clone(), format!("{}{path}", town.url));
    let request = headers
        .iter()
        .fold(request, |request, (name, value)| request.header(*name, *value));
    request.send().await.unwrap().headers().clone()
}

both! {
    fn every_answer_of_every_route_carries_the_headers_of_its_kind(world: &World) {
        Town::run(world, async |town| {
            let http = &town.browsers;
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            for route in addresses() {
                for id in [link.as_str(), "nothing-of-ours"] {
                    let path = route.path(id);
                    let known = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
                    for method in known.iter().chain([&Method::HEAD, &Method::OPTIONS]) {
                        assert_headers(&town, &path, &answered(http, &town, method, &path, &[]).await);
                        let hostile = [
                            ("x-request-id", "req_of_the_caller"),
                            ("origin", "https://evil.example"),
                            ("cookie", "session=1"),
                        ];
                        let headers = answered(http, &town, method, &path, &hostile).await;
                        assert_headers(&town, &path, &headers);
                    }
                }
            }
            let page = town.public(Method::GET, &format!("/pay/{link}"), Value::Null).await;
            assert_eq!(page.status, StatusCode::OK);
            let files = page.text.split('"').filter(|text| text.starts_with("/assets/"));
            let files: Vec<String> = files.map(str::to_owned).collect();
            assert!(files.len() >= 3, "{files:?}");
            for path in files {
                let file = town.public(Method::GET, &path, Value::Null).await;
                assert_headers(&town, &path, &file.headers);
                assert_eq!(file.headers["cache-control"], "public, max-age=31536000, immutable");
                // Compressed for browsers, and not for whoever cannot read that.
                assert_eq!(file.headers["vary"], "accept-encoding");
            }
            for path in ["/", "/assets/none.css", "/pay", "/pay/", "/nothing", "/api", "//evil.example/x"] {
                let reply = town.public(Method::GET, path, Value::Null).await;
                assert_headers(&town, path, &reply.headers);
                assert_eq!(reply.headers["cache-control"], "no-store");
            }
        });
    }

    fn an_address_takes_its_own_methods_only_and_refuses_others_alike(world: &World) {
        Town::run(world, async |town| {
            let before = town.contents(town.msp.scope.mode).await;
            let all = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get"];
            let mut refusals = Vec::new();
            for route in addresses() {
                let path = route.path("x");
                for method in all.map(|name| Method::from_bytes(name.as_bytes()).unwrap()) {
                    if route.methods.contains(&method) {
                        continue;
                    }
                    let reply = send(&town, &method, &path, &[]).await;
                    reply.assert_refused(405, "method_not_allowed", None);
                    let allowed = reply.headers["allow"].to_str().unwrap();
                    for method in &route.methods {
                        assert!(allowed.contains(method.as_str()), "{path}: {allowed}");
                    }
                    refusals.push(reply.text);
                }
            }
            refusals.dedup();
            assert_eq!(refusals.len(), 1, "{refusals:?}");
            for method in all.map(|name| Method::from_bytes(name.as_bytes()).unwrap()) {
                let reply = send(&town, &method, "/api/nothing", &[]).await;
                reply.assert_refused(404, "not_found", None);
            }
            assert_eq!(town.contents(town.msp.scope.mode).await, before);
        });
    }

    fn pages_of_other_sites_change_nothing_on_any_route(world: &World) {
        Town::run(world, async |town| {
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            let before = town.contents(town.msp.scope.mode).await;
            let ours = town.url.as_str();
            let foreign: [&[(&str, &str)]; 8] = [
                &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
                &[("sec-fetch-site", "cross-site"), ("origin", ours)],
                &[("sec-fetch-site", "same-site"), ("origin", "http://shop.localhost")],
                &[("sec-fetch-site", "cross-site"), ("content-type", "text/plain")],
                &[("sec-fetch-site", "")],
                &[("origin", "https://evil.example")],
                &[("origin", "null")],
                &[("origin", "http://127.0.0.1")],
            ];
            let own: [&[(&str, &str)]; 4] = [
                &[],
                &[("sec-fetch-site", "same-origin"), ("origin", ours)],
                &[("sec-fetch-site", "none")],
                &[("origin", ours)],
            ];
            let mut tried = 0;
            for route in addresses() {
                let path = route.path(&link);
                for method in route.changing() {
                    for headers in foreign {
                        let reply = send(&town, method, &path, headers).await;
                        reply.assert_refused(403, "cross_site", None);
                        tried += 1;
                    }
                    for headers in own {
                        let reply = send(&town, method, &path.replace(&link, "x"), headers).await;
                        assert_ne!(reply.code(), "cross_site", "{method} {path} {headers:?}");
                    }
                }
            }
            assert!(tried >= 80, "{tried}");
            assert_eq!(town.contents(town.msp.scope.mode).await, before);
            // A link on another site, in a mail for instance, opens the page.
            let linked = [("sec-fetch-site", "cross-site"), ("referer", "https://mail.example/")];
            let page = send(&town, &Method::GET, &format!("/pay/{link}"), &linked).await;
            assert_eq!(page.status, StatusCode::OK);
        });
    }

    fn whoever_looks_reads_a_page_where_programs_read_a_problem(world: &World) {
        Town::run(world, async |town| {
            let broken = async || -> &'static str { panic!("in a handler") };
            let broken = Router::new()
                .route("/broken", get(broken))
                .layer(middleware::from_fn_with_state(Edge::new(town.site.clone()), edge::exchange));
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let elsewhere = format!("http://{}/broken", listener.local_addr().unwrap());
            tokio::spawn(axum::serve(listener, broken).into_future());
            let own = |path: &str| format!("{}{path}", town.url);
            const LOOKS: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
            for (url, status, code, says) in [
                (own("/no/such/page"), 404, "not_found", "There is nothing here"),
                (own("/logout"), 405, "method_not_allowed", "This address is no page"),
                (elsewhere, 500, "internal", "Something failed on our side"),
            ] {
                for accept in [LOOKS, "*/*", "application/json"] {
                    let reply = town.browsers.get(&url).header("accept", accept).send().await.unwrap();
                    assert_eq!(reply.status().as_u16(), status, "{url}");
                    let (kind, id) = (&reply.headers()["content-type"], &reply.headers()["x-request-id"]);
                    let (kind, id) = (kind.to_str().unwrap().to_owned(), id.to_str().unwrap().to_owned());
                    let text = reply.text().await.unwrap();
                    assert!(text.contains(code), "{text}");
                    let says = format!("<h1>{says}</h1>");
                    assert_eq!(text.contains(&says) && text.contains(&id), accept == LOOKS, "{text}");
                    assert_eq!(kind.starts_with("text/html"), accept == LOOKS, "{kind}");
                }
            }
            // An address of the API answers programs, whoever looks.
            let reply = town.browsers.get(own("/api/nothing")).header("accept", LOOKS).send().await.unwrap();
            assert_eq!(reply.headers()["content-type"], "application/problem+json");
        });
    }

    fn a_panic_is_one_broken_request_and_tells_nothing_but_its_id(world: &World) {
        Town::run(world, async |town| {
            let broken = async || -> &'static str { panic!("a word\r\nof the handler") };
            let router = Router::new()
                .route("/broken", get(broken))
                .layer(middleware::from_fn_with_state(Edge::new(town.site.clone()), edge::exchange));
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            tokio::spawn(axum::serve(listener, router).into_future());
            let client = &town.browsers;
            for _ in 0..2 {
                let request = client.get(format!("http://{address}/broken"));
                let reply = request.header("x-request-id", "ours\tnow").send().await.unwrap();
                assert_eq!(reply.status(), StatusCode::INTERNAL_SERVER_ERROR);
                assert_headers(&town, "/broken", reply.headers());
                let id = reply.headers()["x-request-id"].to_str().unwrap().to_owned();
                let body: Value = serde_json::from_str(&reply.text().await.unwrap()).unwrap();
                let told = json!({"type": "urn:psa-pay:problem:internal", "title": "Internal Server Error",
                    "status": 500, "code": "internal", "request_id": id,
                    "detail": "Something failed on our side. It was logged."});
                assert_eq!(body, told);
            }
        });
    }

    fn but_for_the_pages_of_people_a_cookie_is_no_credential_and_none_is_ever_set(world: &World) {
        Town::run(world, async |town| {
            let key = format!("key={0}; session={0}; authorization=Bearer {0}", town.msp.key);
            for route in addresses().into_iter().filter(|route| !route.is_of_people) {
                let path = route.path("x");
                for method in &route.methods {
                    let with = send(&town, method, &path, &[("cookie", &key)]).await;
                    let without = send(&town, method, &path, &[]).await;
                    assert_eq!((with.status, &with.body), (without.status, &without.body), "{path}");
                    assert!(!with.headers.contains_key("set-cookie"), "{path}");
                }
            }
        });
    }

    fn a_body_over_64_kib_is_refused_where_no_more_is_needed(world: &World) {
        Town::run(world, async |town| {
            const CLIENTS: Sql = Sql::new("select count(*) as n from clients");
            let before = town.number(&CLIENTS).await;
            let body = |bytes: usize| json!("x".repeat(bytes - 2));
            let (most, more) = (64 * 1024, 64 * 1024 + 1);
            let post = async |bytes| {
                town.api(&town.msp.key, Method::POST, "/api/clients", body(bytes)).await
            };
            post(more).await.assert_refused(413, "body_too_large", None);
            post(most).await.assert_refused(400, "invalid_body", None);
            let link = town.link(&town.invoice(500, "usd").await).await;
            let pay = format!("/api/public/invoices/{link}/pay");
            let large = town.public(Method::POST, &pay, body(more)).await;
            large.assert_refused(413, "body_too_large", None);
            assert_eq!(town.number(&CLIENTS).await, before);
            assert!(town.intents().is_empty());
        });
    }
}
