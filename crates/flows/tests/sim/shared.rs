//! What the ports of all instances and all actors share in one run: chance, time, the trace, what went wrong.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;

use simulator::Simulator;

use crate::dice::Dice;
use crate::marks::{Counts, Mark};
use crate::swarm::Swarm;

/// How far a port call of a task has come when it waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// It has not acted yet, or waits for time.
    #[default]
    Before,
    /// The transaction is over and its caller does not know.
    AfterCommit,
    /// Stripe has acted and we do not know.
    AfterStripe,
}

/// A write to Stripe as it was sent first.
#[derive(Clone, Debug)]
pub struct Sent {
    pub account: String,
    pub livemode: bool,
    pub path: String,
    pub body: Vec<u8>,
    /// What Stripe made, as far as it did.
    pub made: Option<String>,
}

pub struct State {
    pub dice: Dice,
    pub swarm: Swarm,
    /// Faults are over.
    pub calm: bool,
    pub counts: Counts,
    pub hash: u64,
    pub step: u64,
    /// Whose turn it is.
    pub actor: String,
    pub place: Place,
    lines: Option<Vec<String>>,
    pub violations: Vec<String>,
    timers: BTreeMap<(i64, u64), Waker>,
    timers_set: u64,
    /// Writes to Stripe, by their keys.
    pub sent: BTreeMap<String, Sent>,
}

/// Shared by everything in a run.
pub struct Shared {
    pub simulator: Simulator,
    pub start_ms: i64,
    state: Mutex<State>,
}

impl Shared {
    pub fn new(simulator: Simulator, dice: Dice, swarm: Swarm, readable: bool) -> Arc<Shared> {
        let start_ms = simulator.now_ms();
        Arc::new(Shared {
            simulator,
            start_ms,
            state: Mutex::new(State {
                dice,
                swarm,
                calm: true,
                counts: Counts::default(),
                hash: 0xCBF2_9CE4_8422_2325,
                step: 0,
                actor: "setup".to_owned(),
                place: Place::Before,
                lines: readable.then(Vec::new),
                violations: Vec::new(),
                timers: BTreeMap::new(),
                timers_set: 0,
                sent: BTreeMap::new(),
            }),
        })
    }

    pub fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn now_ms(&self) -> i64 {
        self.simulator.now_ms()
    }

    /// Whether a fault strikes now. Never once faults are over.
    pub fn strikes(&self, fault: Mark) -> bool {
        let struck = self.with(|state| {
            let chance = state.swarm.chance(fault);
            !state.calm && chance > 0 && state.dice.per_mille(chance)
        });
        if struck && fault != Mark::CrashBefore && fault != Mark::RequestDropped {
            self.hit(fault);
        }
        struck
    }

    /// Counts something that happened.
    pub fn hit(&self, mark: Mark) {
        self.with(|state| state.counts.hit(mark));
        self.note(|| format!("[{}]", mark.words()));
    }

    /// A line of the trace, if somebody reads it.
    pub fn note(&self, line: impl FnOnce() -> String) {
        if self.with(|state| state.lines.is_none()) {
            return;
        }
        // Not under the lock: whoever writes the line may look at what is shared.
        let (line, at_ms) = (line(), self.now_ms() - self.start_ms);
        let (day, ms) = (at_ms / 86_400_000, at_ms % 86_400_000);
        let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, Seconds(ms % 60_000));
        self.with(|state| {
            let line = format!(
                "{:>6} {day}d {hour:02}:{minute:02}:{second} {}: {line}",
                state.step, state.actor
            );
            state.lines.get_or_insert_default().push(line);
        });
    }

    pub fn lines(&self) -> Vec<String> {
        self.with(|state| state.lines.take().unwrap_or_default())
    }

    /// Something that must never be.
    pub fn violated(&self, what: impl Into<String>) {
        let what = what.into();
        self.note(|| format!("VIOLATED: {what}"));
        self.with(|state| state.violations.push(what));
    }

    /// Takes something into the hash of the trace.
    pub fn trace(&self, bytes: &[u8]) {
        self.with(|state| {
            for byte in bytes {
                state.hash = (state.hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
            }
        });
    }

    /// Wakes somebody at a moment.
    pub fn set_timer(&self, at_ms: i64, waker: &Waker) {
        self.with(|state| {
            state.timers_set += 1;
            state.timers.insert((at_ms, state.timers_set), waker.clone());
        });
    }

    pub fn next_timer_ms(&self) -> Option<i64> {
        self.with(|state| state.timers.first_key_value().map(|((at_ms, _), _)| *at_ms))
    }

    /// Wakes everybody whose time has come.
    pub fn ring_timers(&self) {
        let now_ms = self.now_ms();
        let due = self.with(|state| {
            let later = state.timers.split_off(&(now_ms, u64::MAX));
            std::mem::replace(&mut state.timers, later)
        });
        due.into_values().for_each(Waker::wake);
    }
}

/// Milliseconds, shown as seconds.
struct Seconds(i64);

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}
