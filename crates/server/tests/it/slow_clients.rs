//! Clients that send slowly, read nothing, or only hold connections: they are cut off, and meanwhile
//! everybody else is served. The bounds are short here, and a test waits on nothing but sockets.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use server::connections::{self, Bounds};
use server::demo;
use server::router::Site;
use store::Sql;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::engines::World;
use crate::town::Town;

/// Longer than anything here takes: whoever waits for it waits in vain.
const NEVER: Duration = Duration::from_secs(300);
/// Far more than a cut takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a bound is that a test waits for, and an honest client on a busy machine keeps.
const SHORT: Duration = Duration::from_secs(1);
const CONTINUE: &[u8; 25] = b"HTTP/1.1 100 Continue\r\n\r\n";
/// Between two bytes of somebody who drips.
const DRIP: Duration = Duration::from_millis(20);

/// No bound that a test could meet by chance.
fn wide() -> Bounds {
    Bounds {
        connections_max: 1_000,
        connections_per_address_max: 1_000,
        head: NEVER,
        body: NEVER,
        answer: NEVER,
        exchange: NEVER,
        idle: NEVER,
    }
}

/// Another server over the town, with bounds of its own.
struct Server {
    address: SocketAddr,
    _end: oneshot::Sender<()>,
}

async fn server(town: &Town, bounds: Bounds) -> Server {
    let site = Site {
        bounds,
        ..town.site.clone()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (_end, ended) = oneshot::channel();
    tokio::spawn(connections::serve(site, listener, async {
        let _ = ended.await;
    }));
    Server { address, _end }
}

impl Server {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// A connection from another address of this machine.
    async fn connect_from(&self, address: [u8; 4]) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from((address, 0))).unwrap();
        socket.connect(self.address).await.unwrap()
    }

    /// An honest client on a connection of its own.
    async fn assert_serves(&self, path: &str) {
        let answer = asked(self.connect().await, &get(path)).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: pay.test\r\nconnection: close\r\n\r\n")
}

/// Sends all of it and reads to the end.
async fn asked(mut stream: TcpStream, text: &str) -> String {
    stream.write_all(text.as_bytes()).await.unwrap();
    read_to_end(&mut stream).await
}

/// What comes until the server closes the connection.
async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut all)).await;
    // A reset is an end as well.
    let _ = read.expect("the server does not close the connection");
    String::from_utf8_lossy(&all).into_owned()
}

/// Sends a byte every now and then until the connection is cut; answers what came before that.
async fn drip(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let dripping = async {
        loop {
            let mut part = [0; 1024];
            match timeout(DRIP, stream.read(&mut part)).await {
                Ok(Ok(0) | Err(_)) => return,
                Ok(Ok(bytes)) => all.extend_from_slice(&part[..bytes]),
                Err(_) if stream.write_all(b"x").await.is_err() => return,
                Err(_) => {}
            }
        }
    };
    timeout(PATIENCE, dripping)
        .await
        .expect("the server does not cut it off");
    String::from_utf8_lossy(&all).into_owned()
}

/// A request whose body is announced and does not come. Once the server says that it reads it, the connection
/// is busy.
async fn begin_a_body(stream: &mut TcpStream, link: &str) {
    let head = format!(
        "POST /api/public/invoices/{link}/pay HTTP/1.1\r\nhost: pay.test\r\n\
         connection: close\r\ncontent-length: 1000\r\nexpect: 100-continue\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut said = [0; CONTINUE.len()];
    timeout(PATIENCE, stream.read_exact(&mut said))
        .await
        .expect("an answer")
        .unwrap();
    assert_eq!(&said, CONTINUE);
    stream.write_all(b"{").await.unwrap();
}

both! {
    fn a_head_that_drips_in_is_cut_off(world: &World) {
        Town::run(world, async |town| {
            let server = server(&town, Bounds { head: SHORT, ..wide() }).await;
            let mut silent = server.connect().await;
            let mut dripping = server.connect().await;
            dripping.write_all(b"GET /healthz HTTP/1.1\r\nx-drip: ").await.unwrap();
            server.assert_serves("/healthz").await;
            assert_eq!(drip(&mut dripping).await, "");
            assert_eq!(read_to_end(&mut silent).await, "");
            // The same on a connection that was used before.
            let mut used = server.connect().await;
            used.write_all(b"GET /healthz HTTP/1.1\r\nhost: pay.test\r\n\r\n").await.unwrap();
            let answer = drip(&mut used).await;
            assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("ok\n"), "{answer}");
            server.assert_serves("/readyz").await;
        });
    }

    fn a_body_that_drips_in_is_answered_with_408_and_cut_off(world: &World) {
        Town::run(world, async |town| {
            let link = town.link(&town.invoice(12_345, "usd").await).await;
            let server = server(&town, Bounds { body: SHORT, ..wide() }).await;
            let mut dripping = server.connect().await;
            begin_a_body(&mut dripping, &link).await;
            server.assert_serves(&format!("/pay/{link}")).await;
            let answer = drip(&mut dripping).await;
            assert!(answer.starts_with("HTTP/1.1 408 Request Timeout"), "{answer}");
            assert!(answer.contains("\"code\":\"body_too_slow\""), "{answer}");
            assert!(answer.contains("content-type: application/problem+json"), "{answer}");
            assert!(town.intents().is_empty());
            assert_eq!(town.look(&link).await.body["state"], "pay");
        });
    }

    fn whoever_reads_no_answer_is_cut_off(world: &World) {
        Town::run(world, async |town| {
            let link = town.link(&town.invoice(12_345, "usd").await).await;
            let server = server(&town, Bounds { head: SHORT, exchange: SHORT, idle: SHORT, ..wide() }).await;
            let socket = TcpSocket::new_v4().unwrap();
            socket.set_recv_buffer_size(4096).unwrap();
            let mut deaf = socket.connect(server.address).await.unwrap();
            let page = get(&format!("/pay/{link}")).replace("connection: close\r\n", "");
            let asking = async { while deaf.write_all(page.as_bytes()).await.is_ok() {} };
            let (cut, ()) = tokio::join!(timeout(PATIENCE, asking), server.assert_serves("/healthz"));
            cut.expect("the server does not cut it off");
        });
    }

    fn a_connection_that_nobody_uses_is_closed(world: &World) {
        Town::run(world, async |town| {
            let server = server(&town, Bounds { idle: SHORT, ..wide() }).await;
            let mut idle = server.connect().await;
            idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: pay.test\r\n\r\n").await.unwrap();
            assert!(read_to_end(&mut idle).await.ends_with("ok\n"));
        });
    }

    fn held_connections_give_way_and_a_signed_webhook_is_never_kept_out(world: &World) {
        Town::run(world, async |town| {
            let link = town.link(&town.invoice(12_345, "usd").await).await;
            let server = server(&town, Bounds { connections_max: 8, ..wide() }).await;
            // Half of them send nothing, half of them half a head; more than there is room for.
            let mut held = Vec::new();
            for number in 0..20 {
                let mut stream = server.connect().await;
                if number % 2 == 0 {
                    stream.write_all(b"GET /healthz HTTP/1.1\r\nx: ").await.unwrap();
                }
                held.push(stream);
            }
            server.assert_serves(&format!("/pay/{link}")).await;
            let body = json!({"id": "evt_1heldout", "object": "event", "type": "balance.available",
                "livemode": false, "created": town.clock.now_s(), "data": {"object": {"object": "balance"}}})
            .to_string();
            let secret = stripe::Secret::new(demo::TEST_WEBHOOK_SECRET);
            let signature = stripe::signature::sign(&secret, town.clock.now_s(), body.as_bytes());
            let delivery = format!(
                "POST /api/stripe/webhook HTTP/1.1\r\nhost: pay.test\r\nconnection: close\r\n\
                 stripe-signature: {signature}\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            let answer = asked(server.connect().await, &delivery).await;
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
            // The first of them gave way, the oldest first.
            assert_eq!(read_to_end(&mut held[0]).await, "");
            assert_eq!(read_to_end(&mut held[1]).await, "");
        });
    }

    fn a_connection_that_is_being_answered_does_not_give_way(world: &World) {
        Town::run(world, async |town| {
            let link = town.link(&town.invoice(12_345, "usd").await).await;
            let server = server(&town, Bounds { connections_max: 4, ..wide() }).await;
            let mut busy = server.connect().await;
            begin_a_body(&mut busy, &link).await;
            let mut held = Vec::new();
            for _ in 0..12 {
                held.push(server.connect().await);
            }
            server.assert_serves("/healthz").await;
            let rest = " ".repeat(997) + "}}";
            let answer = asked(busy, &rest[..999]).await;
            assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
            assert_eq!(read_to_end(&mut held[0]).await, "");
        });
    }

    fn one_address_cannot_take_all_connections(world: &World) {
        Town::run(world, async |town| {
            let link = town.link(&town.invoice(12_345, "usd").await).await;
            let bounds = Bounds { connections_per_address_max: 3, ..wide() };
            let server = server(&town, bounds).await;
            let mut busy = Vec::new();
            for _ in 0..3 {
                let mut stream = server.connect_from([127, 0, 0, 2]).await;
                begin_a_body(&mut stream, &link).await;
                busy.push(stream);
            }
            // All of theirs are busy, so a fourth is closed at once; others are served.
            town.until("the fourth is refused", async || {
                let fourth = server.connect_from([127, 0, 0, 2]).await;
                asked(fourth, &get("/healthz")).await.is_empty()
            })
            .await;
            server.assert_serves("/healthz").await;
            // One of theirs ends, and there is room for one more.
            drop(busy.pop());
            town.until("there is room again", async || {
                let fourth = server.connect_from([127, 0, 0, 2]).await;
                asked(fourth, &get("/healthz")).await.starts_with("HTTP/1.1 200 ")
            })
            .await;
        });
    }

    fn too_large_a_head_is_refused_before_it_is_kept(world: &World) {
        Town::run(world, async |town| {
            let server = server(&town, wide()).await;
            let head = |headers: &str| {
                format!("GET /healthz HTTP/1.1\r\nhost: pay.test\r\nconnection: close\r\n{headers}\r\n")
            };
            let long = |bytes: usize| format!("x-long: {}\r\n", "x".repeat(bytes));
            let many = |number: usize| (0..number).map(|n| format!("x-{n}: 1\r\n")).collect::<String>();
            for (headers, status) in [
                (long(15 * 1024), "200 OK"),
                (long(17 * 1024), "431 Request Header Fields Too Large"),
                (long(1024 * 1024), "431 Request Header Fields Too Large"),
                (many(98), "200 OK"),
                (many(99), "431 Request Header Fields Too Large"),
            ] {
                let mut stream = server.connect().await;
                // The server may close before it has read all of it.
                let _ = stream.write_all(head(&headers).as_bytes()).await;
                let mut first = [0; 64];
                let read = timeout(PATIENCE, stream.read(&mut first)).await.unwrap();
                // Where much is left unread, the end may overtake the answer.
                if let Ok(bytes) = read
                    && (bytes > 0 || headers.len() < 64 * 1024)
                {
                    let answer = String::from_utf8_lossy(&first[..bytes]).into_owned();
                    assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{status}: {answer}");
                }
            }
            server.assert_serves("/healthz").await;
        });
    }

    fn a_payment_that_takes_too_long_to_wait_for_goes_on_and_is_found(world: &World) {
        Town::run(world, async |town| {
            let invoice = town.invoice(12_345, "usd").await;
            let link = town.link(&invoice).await;
            let server = server(&town, Bounds { answer: SHORT, ..wide() }).await;
            let token = town.token("pm_card_visa");
            let page = town.read_page(&link).await;
            let body = json!({"confirmation_token": token, "amount": 12_345, "currency": "usd",
                "page_token": page});
            let body = body.to_string();
            let slow = json!({"method": "POST", "path": "/confirm", "effect": "delay", "delay_ms": 4000});
            town.control("POST", "/_simulator/faults", slow);
            let pay = format!(
                "POST /api/public/invoices/{link}/pay HTTP/1.1\r\nhost: pay.test\r\nconnection: close\r\n\
                 content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            let answer = asked(server.connect().await, &pay).await;
            assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
            let (_, body) = answer.split_once("\r\n\r\n").unwrap();
            let problem: Value = serde_json::from_str(body).unwrap();
            assert_eq!(problem["code"], "still_working", "{answer}");
            assert!(problem["request_id"].as_str().unwrap().starts_with("req_"), "{answer}");
            town.until_invoice(&invoice, "paid").await;
            assert_eq!(town.look(&link).await.body["state"], "paid");
            assert_eq!(town.charges().len(), 1);
            // The webhook came first; the request that nobody waits for settles what it began all the same.
            const OPEN: Sql =
                Sql::new("select count(*) as n from stripe_operations where status in ('sent', 'unknown')");
            town.until("the request has ended", async || town.number(&OPEN).await == 0).await;
            town.until_quiet().await;
            town.assert_books().await;
        });
    }
}
