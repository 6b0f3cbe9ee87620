//! Deliveries as Stripe makes them: POST over connections that stay open, each waiting for its answer before
//! the next. Blocking sockets and requests that are ready to be sent, so that the load takes little from
//! those it measures.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use domain::Timestamp;
use flows::Clock;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{since, story};

/// Stripe waits about as long for an answer.
const ANSWER_MAX: Duration = Duration::from_secs(20);
/// No answer of a webhook endpoint is longer.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// What came of a volley. Times are whole milliseconds, which is what the product's clock gives.
pub struct Volley {
    /// When the first request was sent.
    pub began: Timestamp,
    /// From there to the last answer.
    pub answered_ms: u64,
    /// From request to answer, shortest first.
    latencies_ms: Vec<u64>,
}

impl Volley {
    /// The time within which so many percent were answered.
    pub fn percentile_ms(&self, percent: usize) -> u64 {
        let place = (self.latencies_ms.len() * percent / 100).min(self.latencies_ms.len().saturating_sub(1));
        self.latencies_ms.get(place).copied().unwrap_or_default()
    }
}

/// The signed request that delivers the n-th event, ready to be sent.
pub fn request(target: &str, secret: &str, at: Timestamp, n: u64) -> Result<Vec<u8>, String> {
    let (body, time) = (story::event(n), at.seconds());
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_err(|error| error.to_string())?;
    mac.update(format!("{time}.{body}").as_bytes());
    let signature = hex::encode(mac.finalize().into_bytes());
    let request = format!(
        "POST /api/stripe/webhook HTTP/1.1\r\nhost: {target}\r\n\
         content-type: application/json; charset=utf-8\r\n\
         user-agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)\r\n\
         accept: */*; q=0.5, application/xml\r\n\
         stripe-signature: t={time},v1={signature}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    Ok(request.into_bytes())
}

/// Sends all requests over so many connections. The first answer that is not 200 ends it.
pub fn all(
    target: &str,
    requests: &[Vec<u8>],
    connections: usize,
    clock: &dyn Clock,
    deadline: Timestamp,
) -> Result<Volley, String> {
    let opened: Vec<TcpStream> = (0..connections)
        .map(|_| open(target).map_err(|error| format!("{target}: {error}")))
        .collect::<Result<_, _>>()?;
    let (next, ready) = (AtomicUsize::new(0), Barrier::new(connections + 1));
    let (next, ready) = (&next, &ready);
    std::thread::scope(|scope| {
        let senders: Vec<_> = opened
            .into_iter()
            .map(|stream| {
                scope.spawn(move || {
                    ready.wait();
                    send_until_done(stream, requests, next, clock, deadline)
                })
            })
            .collect();
        ready.wait();
        let began = clock.now();
        let mut latencies_ms = Vec::with_capacity(requests.len());
        for sender in senders {
            let sent = sender.join().map_err(|_| "a sender panicked".to_owned())?;
            latencies_ms.extend(sent?);
        }
        let answered_ms = since(began, clock.now());
        latencies_ms.sort_unstable();
        Ok(Volley {
            began,
            answered_ms,
            latencies_ms,
        })
    })
}

fn open(target: &str) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(target)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(ANSWER_MAX))?;
    Ok(stream)
}

fn send_until_done(
    stream: TcpStream,
    requests: &[Vec<u8>],
    next: &AtomicUsize,
    clock: &dyn Clock,
    deadline: Timestamp,
) -> Result<Vec<u64>, String> {
    let mut reader = BufReader::new(stream);
    let mut latencies_ms = Vec::new();
    while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
        let began = clock.now();
        if began > deadline {
            return Err("the deliveries were not answered in time".to_owned());
        }
        let sent = reader.get_mut().write_all(request);
        let answer = sent.and_then(|()| read_answer(&mut reader));
        match answer.map_err(|error| format!("a connection broke: {error}"))? {
            (200, _) => latencies_ms.push(since(began, clock.now())),
            (status, body) => return Err(format!("a delivery was answered {status}: {body}")),
        }
    }
    Ok(latencies_ms)
}

/// Status and body of an HTTP/1.1 answer with a content-length, which both servers send.
fn read_answer(reader: &mut BufReader<TcpStream>) -> std::io::Result<(u16, String)> {
    let malformed = |what: &str| std::io::Error::other(format!("an answer with a bad {what}"));
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| malformed("status line"))?;
    let mut length = None;
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let header = line.trim_end();
        if header.is_empty() {
            break;
        }
        if let Some((name, value)) = header.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok();
        }
    }
    let length: usize = length
        .filter(|length| *length <= ANSWER_BYTES_MAX)
        .ok_or_else(|| malformed("content-length"))?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}
