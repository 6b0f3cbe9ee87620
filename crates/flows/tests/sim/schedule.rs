//! The scheduler: draws which future goes on, lets time jump to the next timer when none can, and ends
//! futures, as a crash does.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use crate::marks::Mark;
use crate::shared::Place;
use crate::stage::Stage;

/// More turns than ten days of the busiest seed take. While Stripe is away for days, the reconciler of each
/// of two instances looks every two seconds, and a look is several turns: ninety hours of it are over a
/// million.
const TURNS_MAX: u64 = 3_000_000;

/// Tasks that can go on, in the order in which they were woken.
type Ready = Arc<Mutex<Vec<u64>>>;

struct Bell {
    task: u64,
    rung: AtomicBool,
    ready: Ready,
}

impl Wake for Bell {
    fn wake(self: Arc<Bell>) {
        if !self.rung.swap(true, Ordering::Relaxed) {
            self.ready
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(self.task);
        }
    }
}

/// A future and what may end it.
pub struct Task {
    pub name: String,
    /// The instance in which it runs, if it is not an actor.
    pub instance: Option<usize>,
    pub future: Pin<Box<dyn Future<Output = ()>>>,
    /// Its caller goes away after so many turns.
    pub turns: Option<u32>,
    /// It is dropped at this moment.
    pub until_ms: Option<i64>,
}

struct Running {
    task: Task,
    bell: Arc<Bell>,
    place: Place,
}

/// All tasks of a run.
pub struct Schedule {
    stage: Rc<Stage>,
    running: BTreeMap<u64, Running>,
    ready: Ready,
    begun: u64,
    /// Turns by the name of the task.
    turns: BTreeMap<String, u64>,
}

impl Schedule {
    pub fn new(stage: Rc<Stage>) -> Schedule {
        Schedule {
            stage,
            running: BTreeMap::new(),
            ready: Ready::default(),
            begun: 0,
            turns: BTreeMap::new(),
        }
    }

    /// Who had the most turns.
    fn busiest(&self) -> Vec<(&str, u64)> {
        let mut turns: Vec<(&str, u64)> = self
            .turns
            .iter()
            .map(|(name, turns)| (name.as_str(), *turns))
            .collect();
        turns.sort_by_key(|(_, turns)| std::cmp::Reverse(*turns));
        turns.truncate(6);
        turns
    }

    /// Goes on until `until_ms`, or until `enough` says so when nothing can go on at a moment, or until
    /// something is violated.
    pub fn run(
        &mut self,
        until_ms: i64,
        mut each: impl FnMut(&Stage, u64),
        mut enough: impl FnMut(&Stage) -> bool,
    ) {
        let shared = Arc::clone(&self.stage.shared);
        let (mut jumps, from) = (0_u64, shared.with(|state| state.step));
        while !shared.with(|state| !state.violations.is_empty()) {
            if jumps + shared.with(|state| state.step) - from > TURNS_MAX {
                shared.violated(format!(
                    "{TURNS_MAX} turns and jumps, and no end: somebody is busy with nothing: {:?}",
                    self.busiest()
                ));
            }
            jumps += 1;
            self.stage.collect_letters();
            self.take_in();
            if self.step() {
                each(&self.stage, shared.with(|state| state.step));
                continue;
            }
            if enough(&self.stage) {
                return;
            }
            let next = [shared.next_timer_ms(), shared.simulator.next_due_ms()];
            let next_ms = next.into_iter().flatten().min().unwrap_or(until_ms);
            if next_ms > until_ms {
                shared.simulator.advance_ms(until_ms - shared.now_ms());
                return;
            }
            shared.simulator.advance_ms((next_ms - shared.now_ms()).max(0));
            shared.ring_timers();
        }
    }

    /// Ends all actors; instances and what is in them go on.
    pub fn end_actors(&mut self) {
        self.take_in();
        let actors: Vec<u64> = self.ids(|task| task.instance.is_none());
        for id in actors {
            self.running.remove(&id);
        }
    }

    fn ids(&self, which: impl Fn(&Task) -> bool) -> Vec<u64> {
        let fits = |(id, running): (&u64, &Running)| which(&running.task).then_some(*id);
        self.running.iter().filter_map(fits).collect()
    }

    /// Takes in what was spawned, and ends the instances that went down.
    fn take_in(&mut self) {
        for instance in self.stage.take_crashed() {
            self.crash(instance);
        }
        for task in self.stage.take_spawned() {
            self.begun += 1;
            let bell = Arc::new(Bell {
                task: self.begun,
                rung: AtomicBool::new(false),
                ready: Arc::clone(&self.ready),
            });
            if let Some(until_ms) = task.until_ms {
                self.stage
                    .shared
                    .set_timer(until_ms, &Waker::from(Arc::clone(&bell)));
            }
            Arc::clone(&bell).wake();
            let running = Running {
                task,
                bell,
                place: Place::Before,
            };
            self.running.insert(self.begun, running);
        }
    }

    fn crash(&mut self, instance: usize) {
        for id in self.ids(|task| task.instance == Some(instance)) {
            if let Some(ended) = self.running.remove(&id) {
                self.stage.shared.hit(match ended.place {
                    Place::Before => Mark::CrashBefore,
                    Place::AfterCommit => Mark::CrashAfterCommit,
                    Place::AfterStripe => Mark::CrashAfterStripe,
                });
            }
        }
    }

    /// One turn of one task; `false` when none can go on now.
    fn step(&mut self) -> bool {
        let shared = Arc::clone(&self.stage.shared);
        let drawn = {
            let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
            if ready.is_empty() {
                return false;
            }
            let nth = shared.with(|state| state.dice.below(ready.len()));
            ready.swap_remove(nth)
        };
        let Some(running) = self.running.remove(&drawn) else {
            return true;
        };
        match self.turns.get_mut(&running.task.name) {
            Some(turns) => *turns += 1,
            None => drop(self.turns.insert(running.task.name.clone(), 1)),
        }
        running.bell.rung.store(false, Ordering::Relaxed);
        let waker = Waker::from(Arc::clone(&running.bell));
        let now_ms = shared.now_ms();
        shared.with(|state| {
            state.step += 1;
            state.actor.clone_from(&running.task.name);
            state.place = Place::Before;
        });
        shared.trace(&drawn.to_be_bytes());
        shared.trace(&now_ms.to_be_bytes());
        let Some(mut running) = self.may_go_on(drawn, running, &waker) else {
            return true;
        };
        match running
            .task
            .future
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
        {
            Poll::Ready(()) => {}
            Poll::Pending => {
                running.place = shared.with(|state| state.place);
                self.running.insert(drawn, running);
            }
        }
        true
    }

    /// Whether a task has its turn, or whatever befalls its instance, or itself, first.
    fn may_go_on(&mut self, id: u64, mut running: Running, waker: &Waker) -> Option<Running> {
        let shared = Arc::clone(&self.stage.shared);
        let Some(instance) = running.task.instance else {
            return Some(running);
        };
        if let Some(until_ms) = self.stage.paused_until(instance) {
            shared.set_timer(until_ms, waker);
            self.running.insert(id, running);
            return None;
        }
        if running
            .task
            .until_ms
            .is_some_and(|until_ms| until_ms <= shared.now_ms())
        {
            shared.hit(Mark::TimeLimit);
            return None;
        }
        match running.task.turns {
            Some(0) => {
                shared.hit(Mark::RequestDropped);
                return None;
            }
            Some(turns) => running.task.turns = Some(turns - 1),
            None => {}
        }
        if shared.strikes(Mark::CrashBefore) {
            self.running.insert(id, running);
            self.stage.crash(instance);
            return None;
        }
        if shared.strikes(Mark::Pause) {
            self.stage.pause(instance);
        }
        Some(running)
    }
}
