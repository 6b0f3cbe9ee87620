//! The threads that own PostgreSQL's connections. Each takes a job, makes sure that it has a connection, and
//! runs the job's transaction until it ends or has met too many conflicts.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_channel::oneshot;
use postgres::config::{SslMode, TargetSessionAttrs};
use postgres::{Config, NoTls};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::postgresql::Postgresql;
use super::postgresql_failure::failure;
use super::queue::Queue;
use super::task::{Job, Verdict};
use super::tx::Connection;
use super::{Counters, Error, Options, Tx};

/// How to reach the server, and what its threads share.
pub(super) struct Server {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    schema: Option<String>,
    refuse_unsafe: bool,
    /// First tries hold it together. A transaction that has lost twice holds it alone, so that within one
    /// process a hot row cannot starve anybody, however many callers there are.
    turn: RwLock<()>,
}

/// A restart of the server is over in about a second; within it callers wait instead of failing.
const RECONNECT_PATIENCE: Duration = Duration::from_secs(2);
const RECONNECT_PAUSE_FIRST: Duration = Duration::from_millis(50);
const RECONNECT_PAUSE_MAX: Duration = Duration::from_millis(500);
/// Tries that share the server with the other threads.
const ATTEMPTS_TOGETHER: u32 = 3;
/// All tries: twenty deliveries of one event at two instances need more than the five that one process needs.
const ATTEMPTS_MAX: u32 = 10;
/// Before the second try, doubled before each further one: all of them together stay within half a second.
const CONFLICT_PAUSE_FIRST: Duration = Duration::from_millis(1);
const CONFLICT_PAUSE_MAX: Duration = Duration::from_millis(64);

impl Server {
    /// Reads the address. `sslmode` `require`, `verify-ca` and `verify-full` all encrypt and verify the
    /// server's certificate and name; without one of them the connection is in the clear.
    pub(super) fn parse(url: &str, options: &Options) -> Result<Server, Error> {
        let verified = url.replace("sslmode=verify-full", "sslmode=require");
        let verified = verified.replace("sslmode=verify-ca", "sslmode=require");
        let mut config: Config = verified.parse().map_err(|error: postgres::Error| {
            // The source names the parameter; the address itself holds a password and is not repeated.
            let source =
                std::error::Error::source(&error).map_or(String::new(), |source| format!(": {source}"));
            Error::Unavailable(format!("the PostgreSQL address cannot be read: {error}{source}"))
        })?;
        config.application_name("psa-pay");
        config.connect_timeout(Duration::from_secs(3));
        // A server that went silent is noticed within this time rather than never.
        config.tcp_user_timeout(Duration::from_secs(15));
        config.keepalives_idle(Duration::from_secs(15));
        // Money is read and written on the primary, also after a failover.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        let tls = match config.get_ssl_mode() {
            SslMode::Require => Some(tls(options.root_certificates.as_deref())?),
            _ => None,
        };
        let (schema, refuse_unsafe) = (options.schema.clone(), options.refuse_unsafe);
        Ok(Server {
            config,
            tls,
            schema,
            refuse_unsafe,
            turn: RwLock::new(()),
        })
    }

    fn connect(&self) -> Result<Postgresql, Error> {
        let client = match &self.tls {
            Some(tls) => self.config.connect(tls.clone()),
            None => self.config.connect(NoTls),
        };
        let client = client.map_err(|error| match failure(error, false) {
            Error::Unavailable(why) | Error::Bug(why) => {
                Error::Unavailable(format!("cannot connect to PostgreSQL: {why}"))
            }
            other => other,
        })?;
        Postgresql::set_up(client, self.schema.as_deref())
    }

    /// The first connection of a process also looks at the server's durability.
    fn first_connect(&self) -> Result<Postgresql, Error> {
        let mut postgresql = self.connect()?;
        let found = postgresql.unsafe_settings()?;
        if !found.is_empty() {
            let found = found.join(", ");
            if self.refuse_unsafe {
                return Err(Error::Unavailable(format!(
                    "PostgreSQL would lose acknowledged commits: {found}"
                )));
            }
            tracing::warn!(found, "PostgreSQL would lose acknowledged commits");
        }
        Ok(postgresql)
    }
}

/// Mozilla's roots, or only those given.
fn tls(root_certificates: Option<&str>) -> Result<MakeRustlsConnect, Error> {
    // Fails when one is installed already, which is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    let Some(pem) = root_certificates else {
        return Ok(MakeRustlsConnect::with_webpki_roots());
    };
    let unreadable = |what: String| Error::Unavailable(format!("PostgreSQL's root certificate: {what}"));
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| unreadable(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unreadable("no certificate in the PEM text".to_owned()));
    }
    let config = rustls::ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// One thread's work: takes jobs until the queue is closed and empty.
pub(super) struct Worker {
    /// The server, shared by all workers.
    pub(super) server: Arc<Server>,
    /// Where the jobs come from.
    pub(super) queue: Arc<Queue<Job>>,
    /// What the operator is shown.
    pub(super) counters: Arc<Counters>,
    /// Connected when first needed, and again after a loss.
    pub(super) connection: Option<Postgresql>,
}

impl Worker {
    /// The first worker connects before there is work and says whether the server can be reached at all.
    pub(super) fn connect_first(&mut self, opened: oneshot::Sender<Result<(), Error>>) {
        let answer = self
            .server
            .first_connect()
            .map(|first| self.connection = Some(first));
        // Whoever opened the database may have gone; the queue is closed then.
        drop(opened.send(answer));
    }

    pub(super) fn run_until_closed(mut self) {
        loop {
            let jobs = self.queue.take(1);
            if jobs.is_empty() {
                return;
            }
            for job in jobs.into_iter().filter_map(Job::in_time) {
                self.run(job);
            }
        }
    }

    fn run(&mut self, mut job: Job) {
        self.counters.transactions.fetch_add(1, Ordering::Relaxed);
        let server = Arc::clone(&self.server);
        let mut settled = Err(Error::Conflict);
        for attempt in 1..=ATTEMPTS_MAX {
            let turn = match attempt <= ATTEMPTS_TOGETHER {
                true => (
                    Some(server.turn.read().unwrap_or_else(PoisonError::into_inner)),
                    None,
                ),
                false => (
                    None,
                    Some(server.turn.write().unwrap_or_else(PoisonError::into_inner)),
                ),
            };
            settled = self.transact(&mut job);
            drop(turn);
            if settled != Err(Error::Conflict) {
                break;
            }
            self.counters.retries.fetch_add(1, Ordering::Relaxed);
            if attempt < ATTEMPTS_MAX {
                self.give_way(&job, attempt);
            }
        }
        job.answer(settled);
    }

    /// Lets others go first, longer after each lost try. Instances that met would meet again if their pauses
    /// were alike, so these differ with the nanoseconds that a job has waited, from half to one and a half.
    fn give_way(&self, job: &Job, attempt: u32) {
        let doubled = CONFLICT_PAUSE_FIRST * 2_u32.saturating_pow(attempt - 1);
        let pause = doubled.min(CONFLICT_PAUSE_MAX);
        let part = job.waited().subsec_nanos() % 1024;
        // A queue that is closed meanwhile still finishes its jobs.
        self.queue.pause(pause / 2 + pause * part / 1024);
    }

    fn transact(&mut self, job: &mut Job) -> Result<(), Error> {
        let connection = self.begin(job)?;
        let settled = match job.run(&mut Tx::new(Connection::Postgresql(&mut *connection))) {
            Verdict::Commit => connection.commit(),
            Verdict::Rollback => {
                connection.rollback();
                Ok(())
            }
            Verdict::Retry => {
                connection.rollback();
                Err(Error::Conflict)
            }
        };
        if connection.is_closed() {
            self.connection = None;
        }
        if settled.is_ok() {
            self.counters.commits.fetch_add(1, Ordering::Relaxed);
        }
        settled
    }

    /// A connection with an open transaction. A connection found dead here has begun nothing for this
    /// job, so another one is tried as long as the caller can be expected to wait.
    fn begin(&mut self, job: &Job) -> Result<&mut Postgresql, Error> {
        let mut pause = Duration::ZERO;
        loop {
            let connected = self.connection.take().map_or_else(|| self.server.connect(), Ok);
            let begun = connected.and_then(|mut connection| {
                connection.begin(job.access)?;
                Ok(connection)
            });
            match begun {
                Ok(connection) => return Ok(self.connection.insert(connection)),
                Err(Error::Unavailable(why)) if job.waited() < RECONNECT_PATIENCE => {
                    tracing::warn!(why, "no connection to PostgreSQL, trying again");
                    if !self.queue.pause(pause) {
                        return Err(Error::Unavailable(why));
                    }
                    pause = (pause * 2).clamp(RECONNECT_PAUSE_FIRST, RECONNECT_PAUSE_MAX);
                }
                Err(error) => return Err(error),
            }
        }
    }
}
