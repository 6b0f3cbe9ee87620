//! What this crate promises to its callers, seen from outside.

mod client;
mod disputes;
mod events;
mod https;
mod late;
mod objects;
mod signature;
