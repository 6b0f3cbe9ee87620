//! What this crate promises to its callers, seen from outside.

mod client;
mod events;
mod https;
mod objects;
mod signature;
