//! Whether the simulation finds bugs: each one that is planted must show within so many seeds, in one that
//! shows nothing without it. A process has one bug for as long as it lives, so that each is hunted in a
//! process of its own.

use std::ops::Range;
use std::process::Command;
use std::sync::Mutex;

use flows::planted::Bug;

use crate::marks::Counts;
use crate::{play_all, wanted};

/// Whatever takes longer to be found is not found.
const SEEDS_MAX: u64 = 2_000;
/// Which bug a process has.
const PICKS: &str = "PSA_PAY_PLANTED_BUG";
/// Which seeds it plays.
const SEEDS: &str = "SIM_SEEDS";
/// The test that plays them, and what it says of the first that shows something.
const HUNT: &str = "planted::hunt";
const SHOWN: &str = "shown by seed ";

/// In a process of its own, and with its bug: plays seeds until one shows something.
#[test]
fn hunt() {
    if std::env::var(SEEDS).is_err() {
        return;
    }
    if let Some(outcome) = play_all(wanted(), &Mutex::new(Counts::default())) {
        let violation = outcome.violation.unwrap_or_default();
        let said = violation.lines().find(|line| line.starts_with("seed "));
        println!("\n{SHOWN}{}: {}", outcome.seed, said.unwrap_or_default());
    }
}

/// The first of the seeds that shows something in a process with this bug, or with none, and what it shows.
fn first_shown(bug: Option<Bug>, seeds: Range<u64>) -> Option<(u64, String)> {
    let mut hunt = Command::new(std::env::current_exe().expect("this program"));
    hunt.args([HUNT, "--exact", "--nocapture"])
        .env(SEEDS, format!("{}..{}", seeds.start, seeds.end))
        .env_remove(PICKS);
    if let Some(bug) = bug {
        hunt.env(PICKS, format!("{bug:?}"));
    }
    let ended = hunt.output().expect("it runs");
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(
        ended.status.success(),
        "{bug:?}: {said}{}",
        String::from_utf8_lossy(&ended.stderr)
    );
    let shown = said.lines().find_map(|line| line.strip_prefix(SHOWN))?;
    let (seed, what) = shown.split_once(": ").expect("a seed and what it shows");
    Some((seed.parse().expect("a number"), what.to_owned()))
}

fn find(bug: Bug) -> Option<(u64, String)> {
    let mut next = 0;
    while let Some((seed, what)) = first_shown(Some(bug), next..SEEDS_MAX) {
        match first_shown(None, seed..seed + 1) {
            None => return Some((seed, what)),
            Some(other) => println!("{bug:?}: seed {seed} shows something without it too: {}", other.1),
        }
        next = seed + 1;
    }
    None
}

#[test]
fn every_planted_bug_is_found() {
    let mut missed = Vec::new();
    for bug in Bug::ALL {
        match find(bug) {
            Some((seed, what)) => println!("{bug:?}: found after {} seeds: {what}", seed + 1),
            None => missed.push(bug),
        }
    }
    assert!(missed.is_empty(), "not found in {SEEDS_MAX} seeds: {missed:?}");
}
