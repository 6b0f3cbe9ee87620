//! The real transport against raw bytes on a loopback socket: what it refuses, and what it makes of bad
//! answers.

use stripe::{HttpRequest, HttpResponse, Https, Method, NoAnswer, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Answers one connection with these bytes, closes it, and returns what was sent and what was understood.
async fn exchange(method: Method, answer: Vec<u8>) -> (String, Result<HttpResponse, NoAnswer>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut received = Vec::new();
        while !received.ends_with(b"\r\n\r\n") && !received.ends_with(b"amount=1") {
            let mut buffer = [0; 4096];
            match socket.read(&mut buffer).await.unwrap() {
                0 => break,
                n => received.extend_from_slice(&buffer[..n]),
            }
        }
        // The client may hang up early, on an answer that is too long.
        let _ = socket.write_all(&answer).await;
        String::from_utf8(received).unwrap()
    });
    let body = if method == Method::Post {
        b"amount=1".to_vec()
    } else {
        Vec::new()
    };
    let headers = vec![("Stripe-Version", "2026-10-28.endive".to_owned())];
    let request = HttpRequest {
        method,
        url: format!("http://{address}/v1/x?limit=1"),
        headers,
        body,
    };
    let outcome = Https::loopback_only().unwrap().send(request).await;
    (server.await.unwrap(), outcome)
}

fn with_length(head: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

#[tokio::test]
async fn an_exchange_keeps_bytes_status_and_headers() {
    let head = "402 Payment Required\r\nRequest-Id: req_1\r\nStripe-Should-Retry: false";
    let (sent, outcome) = exchange(Method::Post, with_length(head, "{\"a\":1}")).await;
    let answer = outcome.unwrap();
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (402, b"{\"a\":1}".as_slice())
    );
    assert_eq!(answer.header("request-id"), Some("req_1"));
    assert_eq!(answer.header("stripe-should-retry"), Some("false"));
    assert!(sent.starts_with("POST /v1/x?limit=1 HTTP/1.1\r\n"), "{sent}");
    assert!(
        sent.to_lowercase()
            .contains("\r\nstripe-version: 2026-10-28.endive\r\n"),
        "{sent}"
    );
    assert!(sent.ends_with("\r\n\r\namount=1"), "{sent}");
}

#[tokio::test]
async fn redirects_are_answers_not_orders() {
    let head = "302 Found\r\nLocation: http://127.0.0.1:1/elsewhere";
    let (sent, outcome) = exchange(Method::Get, with_length(head, "")).await;
    assert_eq!(outcome.unwrap().status, 302);
    assert!(sent.starts_with("GET /v1/x?limit=1 "), "{sent}");
}

#[tokio::test]
async fn a_broken_answer_is_no_answer() {
    let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"id\":\"pi_1\"".to_vec();
    let endless = with_length("200 OK", &"x".repeat(stripe::transport::ANSWER_BYTES_MAX + 1));
    for bytes in [
        Vec::new(),
        b"HTTP/1.1 200".to_vec(),
        b"SSH-2.0\r\n".to_vec(),
        cut,
        endless,
    ] {
        let (_, outcome) = exchange(Method::Post, bytes).await;
        let NoAnswer(why) = outcome.unwrap_err();
        assert!(!why.contains("/v1/x"), "{why}");
    }
}

#[tokio::test]
async fn only_https_leaves_the_machine() {
    let both = [Https::new().ok(), Https::loopback_only().ok()];
    for transport in both.into_iter().flatten() {
        for url in [
            "http://api.stripe.com/v1/x",
            "http://127.0.0.1.example/v1/x",
            "http://localhost.example/v1/x",
            "http://10.0.0.1/v1/x",
            "ftp://127.0.0.1/v1/x",
            "not a url",
        ] {
            let request = HttpRequest {
                method: Method::Get,
                url: url.to_owned(),
                headers: vec![],
                body: vec![],
            };
            assert!(transport.send(request).await.is_err(), "{url}");
        }
    }
    let request = HttpRequest {
        method: Method::Get,
        url: "https://api.stripe.com/v1/x".to_owned(),
        headers: vec![],
        body: vec![],
    };
    let NoAnswer(why) = Https::loopback_only().unwrap().send(request).await.unwrap_err();
    assert!(why.contains("loopback"), "{why}");
}

#[tokio::test]
async fn a_closed_port_is_no_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://localhost:{}/v1/x", listener.local_addr().unwrap().port());
    drop(listener);
    let request = HttpRequest {
        method: Method::Get,
        url,
        headers: vec![],
        body: vec![],
    };
    assert!(Https::loopback_only().unwrap().send(request).await.is_err());
}
