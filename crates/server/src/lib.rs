//! How people reach psa-pay: HTTP, pages, webhooks, the worker and the command line. Money is decided
//! elsewhere: a handler parses what came in, calls one flow and shows what it answered.

pub mod access;
pub mod address;
pub mod api;
pub mod assets;
pub mod check_ledger;
pub mod clock;
pub mod clock_skew;
pub mod config;
pub mod connect;
pub mod connections;
pub mod dashboard;
pub mod demo;
pub mod door;
pub mod edge;
pub mod headers;
pub mod health;
pub mod html;
pub mod idempotency;
pub mod limits;
pub mod log;
pub mod metrics;
pub mod pay;
pub mod people;
pub mod platform_key;
pub mod problem;
pub mod reconciling;
pub mod router;
pub mod routes;
pub mod start;
pub mod stripe_webhook;
pub mod styleguide;
pub mod tying_out;
pub mod verify_seals;
pub mod webhooks;
pub mod worker;
