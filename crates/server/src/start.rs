//! From a configuration to a running server: the database is opened and migrated, Stripe is reached through
//! its one port, requests are answered and the worker runs until it is told to stop.

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use domain::Mode;
use flows::audit::{self, Entry};
use flows::people::COST;
use flows::{Actor, App, Breakers, By, Clock, reconcile};
use store::db::{Engine, Options};
use store::{Db, hurry, mails, migrate, requests, running_instances, stripe_operations};
use stripe::{Client, Https, Transport};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::clock::SystemClock;
use crate::config::{ApiBase, Config};
use crate::connections;
use crate::documents_of::Press;
use crate::instance::sqlite_file;
use crate::metrics::{Counted, Metrics};
use crate::people::pool::Pool;
use crate::router::Site;
use crate::runs::Itself;
use crate::worker;

/// How long requests may take to end once the server is told to stop: a client that sends half a request
/// would hold it up for ever.
const DRAIN: Duration = Duration::from_secs(15);

/// Why the server did not start, with what to do.
#[derive(Debug)]
pub enum StartError {
    /// The database cannot be opened or migrated.
    Database(store::Error),
    /// A command that works on what is there found no file of SQLite's.
    NoDatabase(PathBuf),
    /// Requests to Stripe cannot be made.
    Transport(stripe::transport::SetupError),
    /// There are no threads to hash passwords.
    Threads(io::Error),
    /// The folder of fonts cannot be read.
    Fonts(io::Error),
    /// The address cannot be listened on.
    Listen(String, io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Database(error) => write!(f, "DATABASE_URL: {error}"),
            StartError::NoDatabase(path) => write!(
                f,
                "there is no database at {}: start the server once (or `psa-pay migrate`), or see \
                 DATABASE_URL: it must be the server's, and a path without a / at its beginning counts from \
                 the folder of this command",
                path.display()
            ),
            StartError::Transport(error) => write!(f, "requests to Stripe cannot be made: {error}"),
            StartError::Threads(error) => write!(f, "no thread could be started: {error}"),
            StartError::Fonts(error) => write!(
                f,
                "FONT_FOLDER: {error}. Name a folder that this program may read, or leave the variable out."
            ),
            StartError::Listen(address, error) => {
                write!(
                    f,
                    "LISTEN: cannot listen on {address} ({error}). Choose another or end what uses it."
                )
            }
        }
    }
}

impl std::error::Error for StartError {}

/// How the database is opened.
pub fn options(config: &Config) -> Options {
    Options {
        refuse_unsafe: config.mode == Mode::Live,
        root_certificates: config.database_ca.clone(),
        ..Options::default()
    }
}

/// Opens and migrates the database. Answers the names of the migrations that were applied.
///
/// # Errors
/// [`StartError::Database`].
pub async fn open_database(config: &Config, clock: &dyn Clock) -> Result<(Db, Vec<String>), StartError> {
    let db = Db::open(config.database_url.expose(), options(config))
        .await
        .map_err(StartError::Database)?;
    let applied = migrate::migrate(&db, clock.now().ms())
        .await
        .map_err(StartError::Database)?;
    Ok((db, applied))
}

/// As [`app`], for commands on a database that there is: a new one, made by a command that was run in another
/// folder than the server, would take what was meant for the server's.
///
/// # Errors
/// As [`app`], and [`StartError::NoDatabase`].
pub async fn app_on_known(config: &Config) -> Result<App, StartError> {
    known(config)?;
    app(config, &Metrics::default()).await
}

/// Makes sure that SQLite's file is there.
///
/// # Errors
/// [`StartError::NoDatabase`].
pub fn known(config: &Config) -> Result<(), StartError> {
    match sqlite_file(config) {
        Some(path) if !path.exists() => {
            let whole = std::path::absolute(&path);
            Err(StartError::NoDatabase(whole.unwrap_or(path)))
        }
        _ => Ok(()),
    }
}

/// Puts the flows together over the machine's ports; what is asked of Stripe is counted in `metrics`.
///
/// # Errors
/// [`StartError`] for the database and the transport.
pub async fn app(config: &Config, metrics: &Metrics) -> Result<App, StartError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let (db, applied) = open_database(config, clock.as_ref()).await?;
    for name in applied {
        tracing::info!("migrated: {name}");
    }
    let https = match &config.stripe_api_base {
        ApiBase::Other(origin) if origin.is_loopback() => Https::loopback_only(),
        ApiBase::Stripe | ApiBase::Other(_) => Https::new(),
    };
    let https = Arc::new(https.map_err(StartError::Transport)?);
    let transport: Arc<dyn Transport> = Arc::new(Counted::new(https, metrics.clone()));
    let breakers = Breakers::new(Arc::clone(&clock));
    let client = |mode| {
        let keys = config.keys(mode)?;
        let base = config.stripe_api_base.api_origin();
        let client = Client::new(base, keys.secret_key.clone(), transport.clone());
        let client = client.with_client_id(keys.client_id.clone());
        Some(
            client
                .with_gate(breakers.gate(mode))
                .with_clock(flows::now_ms(&clock)),
        )
    };
    Ok(App {
        db,
        stripe_test: client(Mode::Test),
        stripe_live: client(Mode::Live),
        clock,
        fee: config.fee,
        link_key: config.secret_key.clone(),
        former_keys: config.former_keys.clone().into(),
        active_mode: config.mode,
        wallet_domain: config.public_url.wallet_domain().map(Into::into),
        breakers,
        hashing: Arc::new(Pool::new(COST).map_err(StartError::Threads)?),
        watch: Arc::default(),
    })
}

/// Stripe in one mode, for commands that need no database.
///
/// # Errors
/// A sentence: no keys of that mode, or no transport.
pub fn client(config: &Config, mode: Mode) -> Result<Client, String> {
    let label = mode.label();
    let keys = config.keys(mode);
    let keys =
        keys.ok_or_else(|| format!("no Stripe keys for {label} mode: set STRIPE_{label}_SECRET_KEY"))?;
    let near = matches!(&config.stripe_api_base, ApiBase::Other(origin) if origin.is_loopback());
    let base = config.stripe_api_base.api_origin();
    Ok(Client::new(base, keys.secret_key.clone(), transport_to(near)?))
}

/// A transport to this machine, or to anywhere over TLS.
///
/// # Errors
/// A sentence when there are no root certificates.
pub fn transport_to(this_machine: bool) -> Result<Arc<dyn Transport>, String> {
    let https = match this_machine {
        true => Https::loopback_only(),
        false => Https::new(),
    };
    let https = https.map_err(|error| StartError::Transport(error).to_string())?;
    Ok(Arc::new(https))
}

/// Where documents are printed, with the fonts of the configured folder.
///
/// # Errors
/// [`StartError::Fonts`].
pub fn press(config: &Config) -> Result<Press, StartError> {
    let Some(folder) = &config.font_folder else {
        return Ok(Press::default());
    };
    let press = Press::with_folder(folder).map_err(StartError::Fonts)?;
    let (fonts, left_out) = press.fonts();
    tracing::info!(fonts, folder = %folder.display(), "fonts for documents");
    for file in left_out {
        tracing::warn!(font = %file.path.display(), "left out: {}", file.reason);
    }
    Ok(press)
}

/// Answers requests on `listener` and runs the worker until `shutdown` is done; then ends in order.
///
/// # Errors
/// When the database cannot be written, or the worker panicked.
pub async fn serve(
    site: Site,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    if site.app.db.engine() == Engine::Sqlite {
        // This process is alone on the file, so whoever held a lease is gone.
        let now = site.app.clock.now();
        let released = site
            .app
            .db
            .write(move |tx| {
                stripe_operations::release_leases(tx, now)?;
                mails::release(tx, now)?;
                running_instances::clear(tx)?;
                requests::release_leases(tx, now)
            })
            .await;
        released.map_err(io::Error::other)?;
    }
    let now = site.app.clock.now();
    let ahead = site
        .app
        .db
        .write(move |tx| hurry::after_a_clock_was_ahead(tx, now));
    let ahead: Result<u64, store::Error> = ahead.await;
    if let waiting @ 1.. = ahead.map_err(io::Error::other)? {
        tracing::warn!(waiting, "the clock was set back: what it had put off is done now");
    }
    note_start(&site).await.map_err(io::Error::other)?;
    reconcile::hurry(&site.app).await.map_err(io::Error::other)?;
    // Whoever ends a rotation of secrets has to know of this instance before it answers anybody.
    let itself = Itself::of(&site);
    itself.report(&site.app).await.map_err(io::Error::other)?;
    let (stop, stopped) = watch::channel(false);
    let worker = tokio::spawn(worker::run(site.clone(), itself.clone(), stopped));
    let app = site.app.clone();
    let db = site.app.db.clone();
    let (drain, mut draining) = watch::channel(false);
    let shutdown = async move {
        shutdown.await;
        drain.send_replace(true);
    };
    tokio::select! {
        () = connections::serve(site, listener, shutdown) => {}
        () = async {
            // An error means that the server is gone, which the other branch tells of.
            drop(draining.wait_for(|draining| *draining).await);
            tokio::time::sleep(DRAIN).await;
        } => {
            tracing::warn!("requests that did not end are cut off; the next start takes up what they began");
        }
    }
    stop.send_replace(true);
    worker.await.map_err(io::Error::other)?;
    itself.ended(&app).await;
    db.close().await;
    Ok(())
}

/// Notes in the audit log in which mode this version runs from now on.
async fn note_start(site: &Site) -> Result<(), flows::Failure> {
    let (mode, version) = (site.config.mode.word(), env!("CARGO_PKG_VERSION"));
    let entry = Entry {
        action: "server.started",
        subject: "server",
        before: None,
        after: Some(serde_json::json!({"mode": mode, "version": version}).to_string()),
    };
    audit::record(&site.app, None, &By::new(Actor::CommandLine), &entry).await
}

/// Listens where the configuration says.
///
/// # Errors
/// [`StartError::Listen`].
pub async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    let failed = |error| StartError::Listen(address.to_string(), error);
    TcpListener::bind(address).await.map_err(failed)
}
