//! The command line: one binary, a subcommand for each role.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};
use domain::Mode;
use flows::Clock;
use server::clock::SystemClock;
use server::config::{Config, ConfigError};
use server::mail::Mailer;
use server::metrics::Metrics;
use server::router::Site;
use server::{
    backup, check_ledger, demo, doctor, env_file, instance, log, platform_key, reconciling, start, tying_out,
    verify_seals, webhooks,
};
use simulator::Simulator;
use store::Db;
use store::db::Options;

/// Invoicing and payments for managed service providers, on their own Stripe accounts.
#[derive(Parser)]
#[command(name = "psa-pay", version, about, long_about = None)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server. Configured by environment variables or an env file; see .env.example.
    Serve(EnvFile),
    /// Try everything, offline and without keys: sample tenants, clients and invoices, and a built-in
    /// Stripe.
    Demo(DemoArgs),
    /// Bring the database to this version's tables, and stop. `serve` does the same when it starts.
    Migrate(EnvFile),
    /// Recompute the daily seals of the ledger and the audit log, and name each day that was changed since.
    VerifySeals(VerifyArgs),
    /// Look for rows that break what must always hold of invoices, payments, the ledger and the inbox.
    CheckLedger(CheckArgs),
    /// The operator's own keys, with which tenants are made, suspended and closed over the API.
    #[command(subcommand)]
    PlatformKey(PlatformKey),
    /// The endpoints at Stripe: make, repair and list them, roll their secrets. What came to them: list it,
    /// and have it applied again.
    Webhooks(WebhooksArgs),
    /// Read everything at Stripe again since a moment, and say what differs; fails while a break is open. On
    /// PostgreSQL this runs beside the server; with SQLite the server must be stopped meanwhile.
    Reconcile(ReconcileArgs),
    /// Say whether invoices, books and Stripe's balance agree, and name what does not; fails while anything
    /// differs. On PostgreSQL this runs beside the server; with SQLite the server must be stopped
    /// meanwhile.
    TieOut(TieOutArgs),
    /// Go through everything that has to be right before money is taken: a line for each with what to do, and
    /// exit code 1 when one fails. Runs beside the server.
    Doctor(DoctorArgs),
    /// Copy SQLite's database beside the running server, and check the copy.
    Backup(BackupArgs),
    /// Put a backup in place of SQLite's database, while the server is stopped. LIVE stays locked until
    /// `reconcile` has read everything since.
    Restore(RestoreArgs),
    /// Open LIVE after a restore although breaks are open; `reconcile` opens it by itself when none is.
    Unlock(UnlockArgs),
    /// Run the built-in Stripe alone: a stateful simulator of Stripe's API for tests of anything built on
    /// it.
    Simulator(SimulatorArgs),
}

#[derive(Subcommand)]
enum PlatformKey {
    /// Make a key and show it, this once. With SQLite the server must be stopped meanwhile.
    Create {
        /// What you will know it by.
        #[arg(long, value_name = "NAME")]
        name: String,
        #[command(flatten)]
        file: EnvFile,
    },
    /// List all keys, without their secrets.
    List(EnvFile),
    /// Revoke a key, at once and on every instance.
    Revoke {
        /// Its id, as `list` shows it.
        #[arg(value_name = "ID")]
        id: String,
        #[command(flatten)]
        file: EnvFile,
    },
}

#[derive(Args)]
struct WebhooksArgs {
    #[command(subcommand)]
    command: webhooks::Command,
    #[command(flatten)]
    file: EnvFile,
}

#[derive(Args)]
struct ReconcileArgs {
    #[command(flatten)]
    arguments: reconciling::Arguments,
    #[command(flatten)]
    file: EnvFile,
}

#[derive(Args)]
struct TieOutArgs {
    #[command(flatten)]
    arguments: tying_out::Arguments,
    #[command(flatten)]
    file: EnvFile,
}

#[derive(Args)]
struct DoctorArgs {
    #[command(flatten)]
    arguments: doctor::Arguments,
    #[command(flatten)]
    file: EnvFile,
}

#[derive(Args)]
struct BackupArgs {
    #[command(flatten)]
    arguments: backup::BackupArguments,
    #[command(flatten)]
    file: EnvFile,
}

#[derive(Args)]
struct RestoreArgs {
    #[command(flatten)]
    arguments: backup::RestoreArguments,
    #[command(flatten)]
    file: EnvFile,
}

#[derive(Args)]
struct UnlockArgs {
    #[command(flatten)]
    arguments: backup::UnlockArguments,
    #[command(flatten)]
    file: EnvFile,
}

#[derive(Args)]
struct EnvFile {
    /// File of NAME=value lines; variables that are set already win. Without it `.env` is read if it is
    /// there.
    #[arg(long, value_name = "FILE", global = true)]
    env_file: Option<PathBuf>,
}

#[derive(Args)]
struct VerifyArgs {
    #[command(flatten)]
    file: EnvFile,
    /// Print the newest seals and all breaks as JSON, to be kept elsewhere.
    #[arg(long)]
    json: bool,
    /// A file that an earlier --json wrote: its seals must still be there.
    #[arg(long, value_name = "FILE", global = true)]
    against: Option<PathBuf>,
}

#[derive(Args)]
struct CheckArgs {
    #[command(flatten)]
    file: EnvFile,
    /// Nothing is under way: also name events that wait and writes to Stripe without an answer.
    #[arg(long)]
    quiet: bool,
}

#[derive(Args)]
struct DemoArgs {
    /// Folder for everything the demo keeps; delete it to start over.
    #[arg(long, default_value = "demo-data", value_name = "DIR")]
    data: PathBuf,
    /// Address of the pages and the API.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Address of the built-in Stripe.
    #[arg(long, default_value = "127.0.0.1:12111", value_name = "ADDRESS")]
    simulator_listen: SocketAddr,
}

#[derive(Args)]
struct SimulatorArgs {
    /// Port on 127.0.0.1.
    #[arg(long, default_value_t = 12111)]
    port: u16,
    /// Folder for state that survives a restart; in memory without it.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The same seed and the same calls give the same ids.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Send webhooks to any host; otherwise only to this machine.
    #[arg(long)]
    deliver_anywhere: bool,
    /// Send the events of both modes to this URL, as a platform and a Connect endpoint each.
    #[arg(long, value_name = "URL")]
    webhook_url: Option<String>,
    /// Signs the test events of --webhook-url.
    #[arg(long, value_name = "SECRET", default_value = demo::TEST_WEBHOOK_SECRET)]
    test_webhook_secret: String,
    /// Signs the live events of --webhook-url.
    #[arg(long, value_name = "SECRET", default_value = demo::LIVE_WEBHOOK_SECRET)]
    live_webhook_secret: String,
}

/// The allocator asks for pages of 2 MB where the system allows them, and keeps twenty megabytes for what
/// fits into four. A system that cannot turn this off is left as it is.
fn take_small_pages() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    take_small_pages();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&format!("the runtime cannot start: {error}")),
    };
    let result = runtime.block_on(async {
        let stopped = stop_signal()?;
        match cli.command {
            Command::Serve(file) => serve(&file, stopped).await,
            Command::Demo(args) => demo::run(&args.data, args.listen, args.simulator_listen, stopped).await,
            Command::Migrate(file) => migrate(&file).await,
            Command::VerifySeals(args) => verify(&args).await,
            Command::CheckLedger(args) => check(&args).await,
            Command::PlatformKey(command) => keys_of_operator(command).await,
            Command::Webhooks(args) => {
                let config = configuration_by(&args.file, Config::before_webhooks)?;
                webhooks::run(&config, args.command, &mut |line| println!("{line}")).await
            }
            Command::Reconcile(args) => {
                let config = configuration(&args.file)?;
                reconciling::run(&config, &args.arguments, &mut |line| println!("{line}")).await
            }
            Command::TieOut(args) => {
                let config = configuration(&args.file)?;
                tying_out::run(&config, &args.arguments, &mut |line| println!("{line}")).await
            }
            Command::Doctor(args) => {
                let file = env_file::load(args.file.env_file.as_deref())?;
                let source = doctor::Source {
                    lookup: &|name| std::env::var(name).ok(),
                    names: std::env::vars_os()
                        .filter_map(|(name, _)| name.into_string().ok())
                        .collect(),
                    file,
                };
                doctor::run(&source, &args.arguments, &mut |line| println!("{line}")).await
            }
            Command::Backup(args) => {
                let config = configuration(&args.file)?;
                backup::backup(&config, &args.arguments, &mut |line| println!("{line}")).await
            }
            Command::Restore(args) => {
                let config = configuration(&args.file)?;
                backup::restore(&config, &args.arguments, &mut |line| println!("{line}")).await
            }
            Command::Unlock(args) => {
                let config = configuration(&args.file)?;
                backup::unlock(&config, &args.arguments, &mut |line| println!("{line}")).await
            }
            Command::Simulator(args) => simulator(args, stopped).await,
        }
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &str) -> ExitCode {
    eprintln!("psa-pay: {error}");
    ExitCode::FAILURE
}

async fn serve(file: &EnvFile, stopped: impl Future<Output = ()> + Send + 'static) -> Result<(), String> {
    let config = configuration(file)?;
    log::start(config.log_format);
    let listener = start::listen(config.listen)
        .await
        .map_err(|error| error.to_string())?;
    let metrics = Metrics::default();
    let app = start::app(&config, &metrics)
        .await
        .map_err(|error| error.to_string())?;
    instance::claim(&config, &app).await?;
    for line in config.banner() {
        tracing::info!("{line}");
    }
    let origin = config.public_url.origin().to_owned();
    offer_setup(&app, &origin).await?;
    tracing::info!("Listening on {}, reached at {origin}", config.listen);
    let press = start::press(&config).map_err(|error| error.to_string())?;
    let mailer = Mailer::of(&config)?;
    if mailer.is_none() && config.mode == Mode::Live {
        tracing::warn!(
            "SMTP_URL is not set: invoices, receipts and alerts wait, and are given up after three days"
        );
    }
    let site = Site {
        metrics,
        mailer,
        press,
        ..Site::new(app, Arc::new(config), &origin)
    };
    start::serve(site, listener, stopped)
        .await
        .map_err(|error| error.to_string())
}

/// While there is no operator, whoever reads this console becomes it: by a token that is in no log (which
/// goes to standard output), good once, and replaced at each start.
async fn offer_setup(app: &flows::App, origin: &str) -> Result<(), String> {
    let offered = flows::people::setup::offer(app).await;
    if let Some(token) = offered.map_err(|failure| failure.to_string())? {
        eprintln!("Nobody can log in yet. Make the first operator at {origin}/setup, with this setup token:");
        eprintln!("  {}", token.expose());
    }
    Ok(())
}

async fn migrate(file: &EnvFile) -> Result<(), String> {
    let config = configuration(file)?;
    log::start(config.log_format);
    let clock = SystemClock::default();
    let (db, applied) = start::open_database(&config, &clock)
        .await
        .map_err(|error| error.to_string())?;
    match applied.as_slice() {
        [] => println!("The database is up to date."),
        applied => println!("Applied: {}", applied.join(", ")),
    }
    db.close().await;
    Ok(())
}

async fn verify(args: &VerifyArgs) -> Result<(), String> {
    let config = configuration(&args.file)?;
    let kept = match &args.against {
        Some(path) => verify_seals::kept(path)?,
        None => Vec::new(),
    };
    let db = open_as_it_is(&config).await?;
    let (mut books, json) = (0_usize, args.json);
    let mut say = |line: String| {
        books += usize::from(line.starts_with("read"));
        if json {
            eprintln!("{line}");
        } else {
            println!("{line}");
        }
    };
    let report = verify_seals::run(&db, SystemClock::default().now(), &kept, &mut say).await;
    db.close().await;
    let report = report?;
    if args.json {
        let json = serde_json::to_string_pretty(&report).map_err(|error| error.to_string())?;
        println!("{json}");
    }
    match report.breaks.len() {
        0 if args.json => Ok(()),
        0 => {
            println!("No break in {books} books.");
            Ok(())
        }
        breaks => Err(format!("{breaks} breaks in {books} books")),
    }
}

async fn check(args: &CheckArgs) -> Result<(), String> {
    let db = open_as_it_is(&configuration(&args.file)?).await?;
    let now = SystemClock::default().now();
    let checked = check_ledger::run(&db, now, args.quiet, &mut |line| println!("{line}")).await;
    db.close().await;
    match checked? {
        check_ledger::Came { broken: 0, rules } => {
            println!("All {rules} rules hold.");
            Ok(())
        }
        check_ledger::Came { broken, rules } => Err(format!("{broken} of {rules} rules are broken")),
    }
}

/// Opens the database without bringing its tables to this version, to read it beside the server that works
/// with it.
async fn open_as_it_is(config: &Config) -> Result<Db, String> {
    start::known(config).map_err(|error| error.to_string())?;
    let options = Options {
        refuse_unsafe: false,
        beside: true,
        ..start::options(config)
    };
    let opened = Db::open(config.database_url.expose(), options).await;
    opened.map_err(|error| format!("DATABASE_URL: {error}"))
}

async fn keys_of_operator(command: PlatformKey) -> Result<(), String> {
    let (command, file) = match command {
        PlatformKey::Create { name, file } => (platform_key::Command::Create(name), file),
        PlatformKey::List(file) => (platform_key::Command::List, file),
        PlatformKey::Revoke { id, file } => (platform_key::Command::Revoke(id), file),
    };
    println!("{}", platform_key::run(&configuration(&file)?, command).await?);
    Ok(())
}

async fn simulator(
    args: SimulatorArgs,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> Result<(), String> {
    log::start(server::config::LogFormat::Text);
    let endpoints = match &args.webhook_url {
        Some(url) => demo::endpoints(url, &args.test_webhook_secret, &args.live_webhook_secret),
        None => Vec::new(),
    };
    let config = simulator::Config {
        seed: args.seed,
        data: args.data,
        deliver_anywhere: args.deliver_anywhere,
        endpoints,
        ..simulator::Config::default()
    };
    let simulator = Simulator::new(config).map_err(|error| error.to_string())?;
    let address = SocketAddr::from(([127, 0, 0, 1], args.port));
    let listener = start::listen(address).await.map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    println!("The built-in Stripe listens on http://{address}");
    println!("Use it with any key that begins with sk_test_, for example sk_test_psapay_demo.");
    simulator
        .serve(listener, stopped)
        .await
        .map_err(|error| error.to_string())
}

fn configuration(file: &EnvFile) -> Result<Config, String> {
    configuration_by(file, Config::from_lookup)
}

/// How a configuration is read from the environment.
type Reading = fn(&dyn Fn(&str) -> Option<String>) -> Result<Config, Vec<ConfigError>>;

fn configuration_by(file: &EnvFile, read: Reading) -> Result<Config, String> {
    env_file::load(file.env_file.as_deref())?;
    read(&env_file::variable).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(|error| format!("  {error}")).collect();
        format!("the configuration cannot be used:\n{}", lines.join("\n"))
    })
}

/// Ctrl-C, or the service manager's SIGTERM, from now on: also one that comes while the server is starting.
fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, String> {
    use tokio::signal::unix::{SignalKind, signal};
    let caught = |kind| signal(kind).map_err(|error| format!("signals cannot be caught: {error}"));
    let (mut interrupt, mut terminate) = (caught(SignalKind::interrupt())?, caught(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
