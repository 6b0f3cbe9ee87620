//! The flows over their three ports, on one thread and without a runtime: a crash is a dropped future.
mod access;
mod combined;
mod connecting;
mod consents;
mod crash;
mod disputes;
mod executor;
mod less;
mod links;
mod ordered;
mod outage;
mod people;
mod restored;
mod silent;
mod tables;
mod unheard;
mod world;
