//! The simulator, seen from outside: requests in, answers and webhooks out.

mod accounts;
mod browser;
mod capturing;
mod catalog;
mod confirming;
mod connect_accounts;
mod deliveries;
mod dice;
mod documents;
mod errors;
mod events;
mod faults;
mod fuzz;
mod http;
mod idempotency;
mod lists;
mod noise;
mod objects;
mod page;
mod payments;
mod persistence;
mod samples;
mod saving;
mod search;
mod transport;
mod world;
