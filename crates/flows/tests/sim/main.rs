//! The simulation: the real flows and the real SQL on one thread, in virtual time, with everything decided by
//! one number. A seed draws which faults there are and how often; payers with several tabs, integrators, the
//! owners of the accounts in Stripe's dashboard, payers' banks, couriers that lose, repeat and delay
//! webhooks, and an operator who restarts instances and switches the mode then act for ten virtual days. A
//! port call waits, acts and waits again: the scheduler draws whose turn it is, and may end an instance at
//! every wait, also between a commit and its answer. Then the faults end, everything must come to rest, and
//! what psa-pay knows must be what Stripe knows.
//!
//! `cargo test -p flows --test sim` plays the first seeds. `SIM_SEEDS=0..20000` plays others, and
//! `SIM_SEED=17` plays one and prints everything that happened in it; the same seed always does the same.

mod banks;
mod choices;
mod couriers;
mod desk;
mod dice;
#[path = "../it/executor.rs"]
#[allow(dead_code, reason = "only its `run` is needed here")]
mod executor;
mod givers;
mod instances;
mod integrator;
mod judge;
mod marks;
mod owners;
mod payers;
#[cfg(feature = "planted-bugs")]
mod planted;
mod ports;
mod schedule;
mod seeds;
mod shared;
mod stage;
mod swarm;
#[path = "../it/tables.rs"]
mod tables;

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use marks::{Counts, Mark};
use seeds::Outcome;

/// Which seeds every run plays.
const SEEDS: Range<u64> = 0..500;
/// Each core plays seeds of its own.
const THREADS: usize = 2;
/// From so many seeds on, a mark that was never hit is a failure.
const SEEDS_FOR_MARKS: u64 = 500;
/// One seed of so many is played twice.
const TWICE_EVERY: u64 = 100;

fn wanted() -> Range<u64> {
    match std::env::var("SIM_SEEDS") {
        Ok(text) => {
            let (from, to) = text.split_once("..").expect("SIM_SEEDS=from..to");
            from.parse().expect("a number")..to.parse().expect("a number")
        }
        Err(_) => SEEDS,
    }
}

/// Plays seeds on several threads; stops at the first that fails, and answers it.
fn play_all(seeds: Range<u64>, counts: &Mutex<Counts>) -> Option<Outcome> {
    let next = AtomicU64::new(seeds.start);
    let failed: Mutex<Option<Outcome>> = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while failed.lock().unwrap().is_none() {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        break;
                    }
                    let outcome = seeds::play(seed);
                    counts.lock().unwrap().add(&outcome.counts);
                    if std::env::var("SIM_ALL").is_ok() {
                        println!(
                            "seed {seed}: {} steps, {} calls",
                            outcome.steps,
                            outcome.lines.len()
                        );
                    }
                    if let Some(violation) = &outcome.violation
                        && std::env::var("SIM_ALL").is_ok()
                    {
                        println!("--- {violation}");
                    } else if outcome.violation.is_some() {
                        let mut first = failed.lock().unwrap();
                        if first.as_ref().is_none_or(|first| outcome.seed < first.seed) {
                            *first = Some(outcome);
                        }
                    }
                }
            });
        }
    });
    failed.into_inner().unwrap()
}

#[test]
fn whatever_goes_wrong_for_ten_days_everything_agrees_with_stripe_in_the_end() {
    if let Ok(seed) = std::env::var("SIM_SEED") {
        let outcome = seeds::once(seed.parse().expect("a number"), true);
        println!("{}", outcome.lines.join("\n"));
        println!("hash {:016x}, {} steps", outcome.hash, outcome.steps);
        assert!(
            outcome.violation.is_none(),
            "{}",
            outcome.violation.unwrap_or_default()
        );
        return;
    }
    let (seeds, counts) = (wanted(), Mutex::new(Counts::default()));
    if let Some(failed) = play_all(seeds.clone(), &counts) {
        panic!("{}", failed.violation.unwrap_or_default());
    }
    let counts = counts.into_inner().unwrap();
    for (mark, count) in counts.of() {
        println!("{count:>9}  {}", mark.words());
    }
    let never: Vec<&str> = counts
        .of()
        .filter(|(_, count)| *count == 0)
        .map(|(mark, _)| Mark::words(mark))
        .collect();
    let many = seeds.end - seeds.start >= SEEDS_FOR_MARKS;
    assert!(never.is_empty() || !many, "never happened: {never:?}");
}

#[test]
fn the_same_seed_does_the_same() {
    for seed in wanted().filter(|seed| seed % TWICE_EVERY == 7) {
        let twice = [seeds::once(seed, false), seeds::once(seed, false)].map(|once| (once.hash, once.steps));
        assert_eq!(twice[0], twice[1], "seed {seed}");
    }
}
