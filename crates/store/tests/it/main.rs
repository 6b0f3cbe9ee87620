//! The database seam, on both engines. Each test of `both!` is written once and runs on a SQLite file and on
//! a PostgreSQL database of its own.

/// Whether `engines` gives databases with all tables: these tests make theirs themselves.
const MIGRATED: bool = false;

mod clients;
mod connect_states;
mod engines;
mod inline;
mod migrations;
mod plans;
mod postgresql;
mod schema;
mod sqlite;
mod statements;
mod transactions;
