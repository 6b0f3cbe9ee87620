//! The HTTP layer and the pump that posts webhooks, over real sockets.

use std::sync::Arc;
use std::time::Duration;

use crate::world::{TEST_SECRET, World};
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};
use simulator::{Config, EndpointConfig, Kind, Simulator, signature};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// A simulator on a port of its own; it ends with the runtime.
async fn serving(simulator: &Simulator) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(simulator.clone().serve(listener, std::future::pending()));
    base
}

fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .timeout(Duration::from_secs(5))
        .build()
        .unwrap()
}

fn provider() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

#[tokio::test]
async fn requests_are_answered_over_http() {
    provider();
    let world = World::platform();
    let base = serving(&world.simulator).await;
    let made = client()
        .post(format!("{base}/v1/customers"))
        .bearer_auth("sk_test_x")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body("email=a%40b.example&metadata[a]=b")
        .send()
        .await
        .unwrap();
    assert_eq!(made.status(), 200);
    assert!(made.headers()["request-id"].to_str().unwrap().starts_with("req_"));
    let body: Value = serde_json::from_slice(&made.bytes().await.unwrap()).unwrap();
    assert_eq!(body["email"], "a@b.example");
    let large = client()
        .post(format!("{base}/v1/customers"))
        .body(vec![b'a'; 10_000_000])
        .send()
        .await;
    // The answer may come while the body is still being sent, which some clients take for a failure.
    if let Ok(answer) = large {
        assert_eq!(answer.status(), 413);
        let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!(body["error"]["type"], "invalid_request_error");
    }
}

#[tokio::test]
async fn a_lost_answer_breaks_the_connection() {
    provider();
    let world = World::platform();
    let base = serving(&world.simulator).await;
    world.control(
        "POST",
        "/_simulator/faults",
        &json!({ "effect": "lose_answer", "path": "/v1/customers" }),
    );
    let send = || {
        client()
            .post(format!("{base}/v1/customers"))
            .bearer_auth("sk_test_x")
            .send()
    };
    let lost = send().await;
    assert!(lost.is_err(), "{lost:?}");
    assert_eq!(
        world.get("/v1/customers")["data"].as_array().unwrap().len(),
        1,
        "it was carried out"
    );
    assert_eq!(send().await.unwrap().status(), 200);
}

/// Writes a request's beginning and keeps the connection open.
async fn begun(base: &str, text: &str) -> TcpStream {
    let stream = TcpStream::connect(base.trim_start_matches("http://"))
        .await
        .unwrap();
    stream.writable().await.unwrap();
    assert_eq!(stream.try_write(text.as_bytes()).unwrap(), text.len());
    stream
}

#[tokio::test]
async fn open_connections_and_slow_clients_keep_nobody_waiting() {
    provider();
    let world = World::platform();
    let base = serving(&world.simulator).await;
    let mut open = Vec::new();
    for number in 0..1_000 {
        // Idle ones, half a head, half a body.
        let text = match number % 10 {
            0 => "POST /v1/customers HTTP/1.1\r\nHost: a\r\n",
            1 => {
                "POST /v1/customers HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer sk_test_x\r\n\
                 Content-Length: 100\r\n\r\nname="
            }
            _ => "",
        };
        open.push(begun(&base, text).await);
    }
    world.control(
        "POST",
        "/_simulator/faults",
        &json!({ "effect": "hang", "path": "/v1/balance" }),
    );
    let hanging = begun(
        &base,
        "GET /v1/balance HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer sk_test_x\r\n\r\n",
    );
    open.push(hanging.await);
    let client = client();
    for _ in 0..20 {
        let path = format!("{base}/v1/customers");
        let made = client.post(path).bearer_auth("sk_test_x").send().await.unwrap();
        assert_eq!(made.status(), 200);
    }
    assert_eq!(open.len(), 1_001);
    assert_eq!(
        world.get("/v1/customers?limit=100")["data"]
            .as_array()
            .unwrap()
            .len(),
        20,
        "what did not arrive whole was not carried out"
    );
}

/// A receiver that answers with the given statuses in turn, then with 200, and hands on what it got.
async fn receiver(statuses: Vec<u16>) -> (String, mpsc::UnboundedReceiver<(HeaderMap, Bytes)>) {
    let (sender, received) = mpsc::unbounded_channel();
    let statuses = Arc::new(std::sync::Mutex::new(statuses));
    let hook = move |headers: HeaderMap, body: Bytes| {
        let mut left = statuses.lock().unwrap();
        let status = if left.is_empty() { 200 } else { left.remove(0) };
        sender.send((headers, body)).unwrap();
        async move { StatusCode::from_u16(status).unwrap() }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/hook", post(hook))).await });
    (url, received)
}

#[tokio::test]
async fn webhooks_are_posted_and_tried_again() {
    provider();
    let (url, mut received) = receiver(vec![503]).await;
    let endpoint = EndpointConfig {
        url,
        secret: TEST_SECRET.into(),
        livemode: false,
        connect: false,
        kind: Kind::Snapshot,
    };
    let world = World::new(Config {
        endpoints: vec![endpoint],
        ..crate::world::config()
    });
    serving(&world.simulator).await;
    world.post("/v1/customers", &[]);
    let (headers, body) = received.recv().await.unwrap();
    let signed = headers["stripe-signature"].to_str().unwrap();
    assert_eq!(
        signed,
        signature(TEST_SECRET, crate::world::START_MS / 1000, &body, true)
    );
    assert_eq!(headers["content-type"], "application/json; charset=utf-8");
    assert_eq!(
        headers["user-agent"],
        "Stripe/1.0 (+https://stripe.com/docs/webhooks)"
    );
    // The report comes a moment after the answer; until it is in, the clock must not move past the next try.
    while world.control("GET", "/_simulator/deliveries", &json!({}))["data"][0]["last"] != "503" {
        tokio::task::yield_now().await;
    }
    world.simulator.advance_ms(60_000);
    let (_, again) = received.recv().await.unwrap();
    assert_eq!(again, body);
}

#[tokio::test]
async fn webhooks_stay_on_this_machine() {
    provider();
    let endpoint = EndpointConfig {
        url: "http://192.0.2.1/hook".into(),
        secret: TEST_SECRET.into(),
        livemode: false,
        connect: false,
        kind: Kind::Snapshot,
    };
    let world = World::new(Config {
        endpoints: vec![endpoint],
        ..crate::world::config()
    });
    serving(&world.simulator).await;
    world.post("/v1/customers", &[]);
    let last = loop {
        let log = world.control("GET", "/_simulator/deliveries", &json!({}));
        if let Some(last) = log["data"][0]["last"].as_str() {
            break last.to_owned();
        }
        tokio::task::yield_now().await;
    };
    assert!(last.contains("no connection was made"), "{last}");
}

#[tokio::test]
async fn a_receiver_that_hangs_or_never_ends_does_not_hold_up_the_others() {
    provider();
    let world = World::platform();
    serving(&world.simulator).await;
    // One takes connections and says nothing; one answers without end; one answers nonsense.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endless = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nonsense = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut urls: Vec<String> = [&silent, &endless, &nonsense]
        .map(|listener| format!("http://{}/hook", listener.local_addr().unwrap()))
        .into();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = silent.accept().await {
            held.push(stream);
        }
    });
    for (listener, endless, head) in [
        (
            endless,
            true,
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        ),
        (nonsense, false, "I am not what you think\r\n\r\n"),
    ] {
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut more = stream.write_all(head.as_bytes()).await.is_ok();
                    while endless && more {
                        more = stream.write_all(b"4\r\nmore\r\n").await.is_ok();
                    }
                });
            }
        });
    }
    let (good, mut arrived) = receiver(Vec::new()).await;
    urls.push(good);
    for url in &urls {
        let config = json!({
            "url": url, "secret": TEST_SECRET, "livemode": false, "connect": false, "kind": "snapshot",
        });
        world.control("POST", "/_simulator/endpoints", &config);
    }
    for _ in 0..30 {
        world.post("/v1/customers", &[]);
    }
    for number in 0..30 {
        let next = tokio::time::timeout(Duration::from_secs(5), arrived.recv()).await;
        assert!(
            next.is_ok_and(|next| next.is_some()),
            "only {number} of 30 arrived in time"
        );
    }
}

/// URLs that look near, or would be dear, and are not this machine.
const FAR: [&str; 16] = [
    "http://127.0.0.1:1@evil.example/hook",
    "http://127.0.0.1%2f@evil.example/hook",
    "http://evil.example#@127.0.0.1/hook",
    "http://evil.example\\@127.0.0.1/hook",
    "http://127.0.0.1.evil.example/hook",
    "http://localhost.evil.example/hook",
    "http://evil-localhost/hook",
    "http://localhost./hook",
    "http://169.254.169.254/latest/meta-data/",
    "http://[::ffff:169.254.169.254]/hook",
    "http://[::ffff:127.0.0.1]:1/hook",
    "http://0.0.0.0:1/hook",
    "http://[::]:1/hook",
    "http://0xa9fea9fe/hook",
    "http://10.0.0.1/hook",
    "http://[fd00::1]/hook",
];

/// Whatever a URL looks like: without `--deliver-anywhere` nothing is posted off this machine.
#[tokio::test]
async fn webhooks_leave_this_machine_only_when_they_may() {
    provider();
    let (told, mut heard) = mpsc::unbounded_channel();
    let hook = Router::new().route(
        "/hook",
        post(move || {
            let told = told.clone();
            async move {
                told.send(()).unwrap();
                StatusCode::OK
            }
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, hook).await.unwrap() });
    let near = [
        format!("http://127.0.0.1:{port}/hook"),
        format!("http://localhost:{port}/hook"),
        format!("http://LOCALHOST:{port}/hook"),
        format!("http://0x7f000001:{port}/hook"),
        format!("http://2130706433:{port}/hook"),
        format!("http://user:word@127.1:{port}/hook"),
    ];
    let mut config = Config {
        clock: simulator::ClockMode::Wall,
        ..crate::world::config()
    };
    for url in near.iter().map(String::as_str).chain(FAR) {
        let endpoint = crate::world::endpoint(url, false, false, Kind::Snapshot);
        config.endpoints.push(endpoint);
    }
    let world = World::new(config);
    let base = serving(&world.simulator).await;
    world.post("/v1/customers", &[]);
    for _ in &near {
        tokio::time::timeout(Duration::from_secs(5), heard.recv())
            .await
            .expect("what is near is told")
            .unwrap();
    }
    let refused = "not an address of this machine: no connection was made";
    let all = loop {
        let answer = client()
            .get(format!("{base}/_simulator/deliveries"))
            .send()
            .await
            .unwrap();
        let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        let all = answer["data"].as_array().unwrap().clone();
        if all.iter().all(|one| one["last"].is_string()) {
            break all;
        }
    };
    assert_eq!(all.len(), near.len() + FAR.len());
    let outcomes: Vec<&str> = all.iter().map(|one| one["last"].as_str().unwrap()).collect();
    assert_eq!(
        outcomes.iter().filter(|last| **last == refused).count(),
        FAR.len(),
        "{outcomes:?}"
    );
    assert_eq!(
        outcomes.iter().filter(|last| **last == "200").count(),
        near.len(),
        "{outcomes:?}"
    );
}
