//! How long a client may take over its own bytes: a head, a body, an answer, and the time between two
//! requests. This is the network's time, which no test moves; it decides only when a connection is cut.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep, sleep_until};

use super::Bounds;

/// So many bytes of a body buy another second: a client that sends more slowly than that is cut off, one that
/// sends much is not.
const BODY_BYTES_A_SECOND: u64 = 64 * 1024;

/// What a connection is doing, and until when it may.
#[derive(Clone, Copy)]
struct Phase {
    doing: Doing,
    since: Instant,
    due: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// Nothing has come since the last answer.
    Waiting,
    /// A head has begun, or the connection is new.
    Head,
    /// A request is being answered.
    Exchange,
}

/// The pace of one connection. Its phases change within the task that serves it; others look, and may ask it
/// to give way.
pub struct Pace {
    bounds: Bounds,
    phase: Mutex<Phase>,
    asked: Notify,
}

impl Pace {
    /// A new connection has as long as any for the head of its first request.
    pub fn new(bounds: Bounds) -> Arc<Pace> {
        let now = Instant::now();
        let phase = Phase {
            doing: Doing::Head,
            since: now,
            due: now + bounds.head,
        };
        Arc::new(Pace {
            bounds,
            phase: Mutex::new(phase),
            asked: Notify::new(),
        })
    }

    /// Since when nobody waits for anything from us here; `None` while a request is answered.
    pub fn idle_since(&self) -> Option<Instant> {
        let phase = self.phase();
        (phase.doing != Doing::Exchange).then_some(phase.since)
    }

    /// Asks the connection to make room for another one.
    pub fn ask_to_give_way(&self) {
        self.asked.notify_one();
    }

    /// Until somebody asks, and the connection serves nobody.
    pub async fn gives_way(&self) {
        loop {
            self.asked.notified().await;
            if self.idle_since().is_some() {
                return;
            }
        }
    }

    /// A whole head has come.
    pub fn begin(&self) {
        self.turn(Doing::Exchange, self.bounds.exchange);
    }

    /// The answer is written, or handed to the system to be written.
    fn end(&self) {
        self.turn(Doing::Waiting, self.bounds.idle);
    }

    fn bytes_came(&self) {
        if self.phase().doing == Doing::Waiting {
            self.turn(Doing::Head, self.bounds.head);
        }
    }

    fn turn(&self, doing: Doing, at_most: Duration) {
        let since = Instant::now();
        let due = since + at_most;
        *self.phase() = Phase { doing, since, due };
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Done when the connection has taken too long over what it is doing. Polled in the connection's own task,
/// after the connection, so it sees every change of phase.
pub struct Deadline {
    pace: Arc<Pace>,
    timer: Pin<Box<Sleep>>,
}

impl Deadline {
    /// The deadline of a connection.
    pub fn new(pace: Arc<Pace>) -> Deadline {
        let timer = Box::pin(sleep_until(pace.phase().due));
        Deadline { pace, timer }
    }
}

impl Future for Deadline {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let due = self.pace.phase().due;
        if self.timer.deadline() != due {
            self.timer.as_mut().reset(due);
        }
        self.timer.as_mut().poll(context)
    }
}

/// A connection's bytes, watched for the first one of a head.
pub struct Watched {
    /// The connection.
    pub stream: TcpStream,
    /// Its pace.
    pub pace: Arc<Pace>,
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, into))?;
        if into.filled().len() > before {
            self.pace.bytes_came();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// The body of an answer; when it is dropped, the exchange is over.
pub struct Answer {
    body: Body,
    pace: Arc<Pace>,
}

impl Answer {
    /// An answer over a connection.
    pub fn new(body: Body, pace: Arc<Pace>) -> Answer {
        Answer { body, pace }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.pace.end();
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Whether a body came too slowly to be taken.
#[derive(Clone, Default)]
pub struct TooSlow(Arc<AtomicBool>);

impl TooSlow {
    /// True once the body was given up.
    pub fn happened(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// So much of a body that is refused for its size is read all the same, in bytes.
const REST_MAX: u64 = 16 * 1024 * 1024;

/// What was not read of a body.
#[derive(Clone, Default)]
pub struct Rest(Arc<Mutex<Option<Body>>>);

impl Rest {
    /// Reads it for nothing, in the time that any body has: who is still sending when the connection is
    /// closed reads that it broke, and not why.
    pub async fn read_out(&self, bounds: &Bounds) {
        let rest = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(rest) = rest else {
            return;
        };
        let (mut rest, _, _) = paced(rest, bounds);
        let mut read: u64 = 0;
        while let Some(Ok(frame)) = poll_fn(|context| Pin::new(&mut rest).poll_frame(context)).await {
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            read = read.saturating_add(bytes.try_into().unwrap_or(u64::MAX));
            if read >= REST_MAX {
                return;
            }
        }
    }
}

/// A request's body, given up when it comes too slowly.
struct Incoming {
    body: Body,
    timer: Pin<Box<Sleep>>,
    first_due: Instant,
    received: u64,
    too_slow: TooSlow,
    rest: Rest,
}

impl Drop for Incoming {
    fn drop(&mut self) {
        let rest = std::mem::take(&mut self.body);
        if !rest.is_end_stream() && !self.too_slow.happened() {
            *self.rest.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(rest);
        }
    }
}

/// The body with its limit of time, where to read whether it was kept, and what its reader leaves of it.
pub fn paced(body: Body, bounds: &Bounds) -> (Body, TooSlow, Rest) {
    let (too_slow, rest) = (TooSlow::default(), Rest::default());
    if body.is_end_stream() {
        return (body, too_slow, rest);
    }
    let first_due = Instant::now() + bounds.body;
    let incoming = Incoming {
        body,
        timer: Box::pin(sleep_until(first_due)),
        first_due,
        received: 0,
        too_slow: too_slow.clone(),
        rest: rest.clone(),
    };
    (Body::new(incoming), too_slow, rest)
}

impl HttpBody for Incoming {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            if let Some(Ok(frame)) = &frame {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                self.received = self.received.saturating_add(bytes.try_into().unwrap_or(u64::MAX));
                let bought = Duration::from_secs(self.received / BODY_BYTES_A_SECOND);
                let due = self.first_due + bought;
                self.timer.as_mut().reset(due);
            }
            return Poll::Ready(frame);
        }
        ready!(self.timer.as_mut().poll(context));
        self.too_slow.0.store(true, Ordering::Release);
        let error = io::Error::from(io::ErrorKind::TimedOut);
        Poll::Ready(Some(Err(axum::Error::new(error))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
