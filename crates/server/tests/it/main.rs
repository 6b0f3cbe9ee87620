//! The product's tests through its outer surface: HTTP, the browser, the SDK, and the rules of the code. Each
//! behaviour test is written once and runs on SQLite and on PostgreSQL.

mod browser;
#[macro_use]
#[path = "../../../store/tests/it/engines.rs"]
mod engines;
mod left_out;
mod paying;
mod tidy;
mod town;
