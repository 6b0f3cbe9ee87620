//! Connections: taken, bounded in number and in time, and handed to the router. HTTP/1 only, because a proxy
//! with a certificate stands before this server.

mod crowd;
pub mod pace;

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::router::{self, Site};
use crowd::{Crowd, Place};
use pace::{Answer, Deadline, Watched};

/// Most bytes of a request's line and headers; more is answered with 431.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Most headers of a request; more are answered with 431.
const HEADERS_MAX: usize = 100;
/// What is held of a body or an answer for each connection.
const BUFFER_BYTES: usize = 64 * 1024;
/// How long no connection is taken when the system has none left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// One client's part of all connections: generous, because a company's people, or the senders of Stripe's
/// webhooks, may share an address.
const ADDRESS_PART: usize = 4;

/// How many connections there may be, and how long each may take over what.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Open connections; beyond that, one on which nothing is answered gives way.
    pub connections_max: usize,
    /// Open connections of one address that is no trusted proxy.
    pub connections_per_address_max: usize,
    /// From the first byte of a request, or the beginning of the connection, to the end of its headers.
    pub head: Duration,
    /// For the body, and a second more for each 64 KiB of it.
    pub body: Duration,
    /// From the end of the headers to an answer. What was begun goes on after it.
    pub answer: Duration,
    /// From the end of the headers until the answer is written.
    pub exchange: Duration,
    /// Between two requests. Longer than the minute for which proxies keep connections, so that it is the
    /// proxy who closes them: otherwise a request could meet a closing connection.
    pub idle: Duration,
}

impl Bounds {
    /// The bounds of a server that takes so many connections.
    pub fn new(connections_max: usize) -> Bounds {
        Bounds {
            connections_max,
            connections_per_address_max: connections_max.div_ceil(ADDRESS_PART),
            head: Duration::from_secs(10),
            body: Duration::from_secs(10),
            answer: Duration::from_secs(30),
            exchange: Duration::from_secs(60),
            idle: Duration::from_secs(75),
        }
    }
}

/// Answers requests on `listener` until `shutdown` is done; then takes no more, and ends when those under way
/// have ended. Dropping the future cuts them off.
pub async fn serve(site: Site, listener: TcpListener, shutdown: impl Future<Output = ()>) {
    let crowd = Crowd::new(site.bounds, site.config.trusted_proxies.clone());
    let router = router::router(site);
    let (drain, draining) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let next = async {
            crowd.room().await;
            listener.accept().await
        };
        let accepted = tokio::select! {
            accepted = next => accepted,
            () = &mut shutdown => break,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, peer)) => {
                if let Some(place) = crowd.admit(peer.ip()) {
                    connections.spawn(connection(stream, peer, place, router.clone(), draining.clone()));
                }
            }
            Err(error) => {
                tracing::warn!(%error, "no connection could be taken; is the limit of open files too low?");
                crowd.ask_one(None);
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    drain.send_replace(true);
    while connections.join_next().await.is_some() {}
}

/// One connection, from its first byte until either side closes it or its time is over.
async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    place: Place,
    router: Router,
    mut draining: watch::Receiver<bool>,
) {
    // An answer is one small write: it must not wait for an acknowledgement, unless that cannot be set.
    let _ = stream.set_nodelay(true);
    let pace = place.pace.clone();
    let inner = TowerToHyperService::new(router);
    let of_service = pace.clone();
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        of_service.begin();
        request.extensions_mut().insert(ConnectInfo(peer));
        let (answer, pace) = (inner.call(request), of_service.clone());
        async move {
            let response = answer.await?;
            Ok::<_, Infallible>(response.map(|body| Answer::new(body, pace)))
        }
    });
    let io = TokioIo::new(Watched {
        stream,
        pace: pace.clone(),
    });
    let mut server = http1::Builder::new();
    server
        .max_headers(HEADERS_MAX)
        .max_header_size(HEAD_BYTES_MAX)
        .max_buf_size(BUFFER_BYTES)
        // The pace keeps the time, which tells a slow head from a connection that waits.
        .header_read_timeout(None);
    let mut served = pin!(server.serve_connection(io, service));
    let mut deadline = pin!(Deadline::new(pace.clone()));
    let mut told = false;
    loop {
        tokio::select! {
            biased;
            // An error is the client's: it went away, or sent what is no HTTP and was told so.
            _ = served.as_mut() => return,
            () = deadline.as_mut() => return,
            () = pace.gives_way() => return,
            _ = draining.wait_for(|draining| *draining), if !told => {
                told = true;
                served.as_mut().graceful_shutdown();
            }
        }
    }
}
