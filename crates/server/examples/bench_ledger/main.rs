//! What `bench/ledger` and `bench/lists` measure: how long a balance, a statement or a page takes with
//! books of one size and with books of another. `fill` and `fill-lists` write a year of one MSP and its
//! platform through the store; `measure` asks the books as the API does, and prints one line of
//! figures.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod fill;
mod lists;
mod measure;

/// Books for bench/ledger and bench/lists.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Fill an empty database with books of at least so many entries.
    Fill {
        /// `sqlite:PATH` or `postgres://…`.
        #[arg(long)]
        database: String,
        /// Entries of the ledger.
        #[arg(long)]
        entries: u64,
    },
    /// Fill an empty database with so many invoices and what pages show beside them; print what opens the
    /// pages, and what to ask them about.
    FillLists {
        /// `sqlite:PATH` or `postgres://…`.
        #[arg(long)]
        database: String,
        /// Invoices of the year.
        #[arg(long)]
        invoices: u64,
    },
    /// Print the median microseconds of a trial balance, a client's balance, a page of a client's statement
    /// and a page of a month's fees.
    Measure {
        /// `sqlite:PATH` or `postgres://…`.
        #[arg(long)]
        database: String,
        /// How often each is asked.
        #[arg(long)]
        rounds: usize,
    },
    /// Have PostgreSQL look at its tables, as it does by itself within minutes.
    Settle {
        /// `postgres://…`.
        #[arg(long)]
        database: String,
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

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Fill { database, entries } => block_on(&database, fill::run(&database, entries)),
        Command::FillLists { database, invoices } => block_on(&database, lists::run(&database, invoices)),
        Command::Measure { database, rounds } => block_on(&database, measure::run(&database, rounds)),
        Command::Settle { database } => settle(&database),
        Command::Fresh { server, name } => fresh(&server, &name),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench_ledger: {error}");
            ExitCode::FAILURE
        }
    }
}

fn block_on(database: &str, work: impl Future<Output = Result<(), flows::Failure>>) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|error| error.to_string())?;
    runtime
        .block_on(work)
        .map_err(|error| format!("{database}: {error}"))
}

fn settle(database: &str) -> Result<(), String> {
    let failed = |error: postgres::Error| format!("{database}: {error}");
    let mut client = postgres::Client::connect(database, postgres::NoTls).map_err(failed)?;
    // A year in which days are folded every few seconds leaves no room unused in their table; one that was
    // written in minutes does.
    client.batch_execute("vacuum full day_sums").map_err(failed)?;
    client.batch_execute("vacuum analyze").map_err(failed)
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
