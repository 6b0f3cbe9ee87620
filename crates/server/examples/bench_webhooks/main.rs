//! The load for the figure of speed that `bench/run` measures: unique signed payment events for prepared
//! invoices. `prepare` fills a database through the store; `fire` delivers one event for each of its
//! invoices, waits until all are applied, and prints one line of figures.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use domain::Timestamp;
use flows::Clock;
use server::clock::SystemClock;

mod applied;
mod backlog;
mod fire;
mod prepare;
mod story;

use applied::{Peer, Watch};

/// A run that takes longer has failed, whatever the reason.
const RUN_MAX: Duration = Duration::from_secs(600);
/// How often the database is asked whether everything is applied, once everything is answered: a small part
/// of a run.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Load for bench/run.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Fill an empty database with open invoices, each with a payment that waits for its event.
    Prepare {
        /// `sqlite:PATH` or `postgres://…`.
        #[arg(long)]
        database: String,
        /// Invoices.
        #[arg(long)]
        events: u64,
    },
    /// Deliver one event for each prepared invoice and wait until all are applied.
    Fire(Fire),
    /// Store one event for each prepared invoice while no server runs.
    Store {
        /// `sqlite:PATH` or `postgres://…`.
        #[arg(long)]
        database: String,
        /// Events.
        #[arg(long)]
        events: u64,
    },
    /// Wait until a server has applied what was stored, and print how many a second.
    Drain {
        /// The database in which to see what was applied.
        #[arg(long)]
        database: String,
        /// Events that were stored.
        #[arg(long)]
        events: u64,
    },
    /// Make an empty database on a PostgreSQL server, in place of one of that name.
    Fresh {
        /// `postgres://…/` without a database.
        #[arg(long)]
        server: String,
        /// Its name.
        #[arg(long)]
        name: String,
    },
}

#[derive(Args)]
struct Fire {
    /// Where deliveries are taken: HOST:PORT.
    #[arg(long)]
    target: String,
    /// The database in which to see what was applied.
    #[arg(long)]
    database: String,
    /// Whose tables those are: psa-pay or express.
    #[arg(long)]
    peer: Peer,
    /// Deliveries.
    #[arg(long)]
    events: u64,
    /// Connections that deliver at once.
    #[arg(long)]
    connections: usize,
    /// Signs the deliveries.
    #[arg(long)]
    secret: String,
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Prepare { database, events } => prepare::run(&database, events),
        Command::Fire(fire) => deliver_and_wait(&fire),
        Command::Store { database, events } => backlog::store(&database, events),
        Command::Drain { database, events } => backlog::drain(&database, events),
        Command::Fresh { server, name } => fresh(&server, &name),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench_webhooks: {error}");
            ExitCode::FAILURE
        }
    }
}

fn fresh(server: &str, name: &str) -> Result<(), String> {
    let failed = |error: postgres::Error| format!("{server}: {error}");
    let mut client =
        postgres::Client::connect(&format!("{server}postgres"), postgres::NoTls).map_err(failed)?;
    client
        .batch_execute(&format!("drop database if exists {name} with (force)"))
        .map_err(failed)?;
    client
        .batch_execute(&format!("create database {name}"))
        .map_err(failed)
}

/// Prints `answered_per_s applied_per_s p50_ms p99_ms`.
fn deliver_and_wait(fire: &Fire) -> Result<(), String> {
    let clock = SystemClock::default();
    let mut watch = Watch::open(&fire.database, fire.peer)?;
    let requests = (0..fire.events)
        .map(|n| fire::request(&fire.target, &fire.secret, clock.now(), n))
        .collect::<Result<Vec<_>, _>>()?;
    let deadline = clock.now().plus_ms(ms(RUN_MAX));
    let volley = fire::all(&fire.target, &requests, fire.connections, &clock, deadline)?;
    while watch.is_waiting()? {
        if clock.now() > deadline {
            return Err(format!("some events were not applied within {RUN_MAX:?}"));
        }
        std::thread::park_timeout(LOOK_EVERY);
    }
    let applied_ms = since(volley.began, clock.now());
    watch.check(fire.events)?;
    println!(
        "{} {} {} {}",
        per_second(fire.events, volley.answered_ms),
        per_second(fire.events, applied_ms),
        volley.percentile_ms(50),
        volley.percentile_ms(99)
    );
    Ok(())
}

fn per_second(events: u64, ms: u64) -> u64 {
    events * 1000 / ms.max(1)
}

/// Milliseconds from one moment to a later one.
fn since(began: Timestamp, now: Timestamp) -> u64 {
    now.ms().saturating_sub(began.ms()).unsigned_abs()
}

fn ms(duration: Duration) -> i64 {
    duration
        .as_millis()
        .try_into()
        .expect("minutes fit into 64 bits of milliseconds")
}
