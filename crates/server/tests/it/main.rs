//! The product's tests through its outer surface: HTTP, the browser, the SDK, and the rules of the code. Each
//! behaviour test is written once and runs on SQLite and on PostgreSQL.

mod browser;
#[macro_use]
#[allow(dead_code, reason = "shared with the store's tests, which use all of it")]
#[path = "../../../store/tests/it/engines.rs"]
mod engines;
mod demo;
mod left_out;
mod pay_page;
mod paying;
mod sdk;
mod tidy;
mod town;
