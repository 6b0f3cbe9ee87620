//! What this crate promises to its callers, seen from outside.

mod client;
mod disputes;
mod events;
mod https;
mod objects;
mod signature;
