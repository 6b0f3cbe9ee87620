//! One seed from its beginning to its end: ten days with faults, then healing, then everything must come to
//! rest and agree with Stripe.

use std::rc::Rc;

use crate::judge;
use crate::marks::Counts;
use crate::schedule::Schedule;
use crate::stage::Stage;
use crate::swarm::{DAY_MS, HOUR_MS, SAFETY_MS};
use crate::{banks, choices, couriers, desk, givers, instances, integrator, owners};

/// Within so long after the last fault everything has come to rest: what a bank gives back on the last day
/// can be paid out two working days later, arrives after another two, and is itemised then.
const HEALING_MS: i64 = 8 * DAY_MS;
/// So many turns are between two looks at what the database says of itself.
const LOOK_EVERY: u64 = 1_000;
/// How many lines of the trace a failure shows.
const LINES_SHOWN: usize = 60;

/// What a seed came to.
pub struct Outcome {
    pub seed: u64,
    pub hash: u64,
    pub steps: u64,
    pub counts: Counts,
    /// What was violated, with everything that is needed to see it again.
    pub violation: Option<String>,
    pub lines: Vec<String>,
}

/// Plays a seed; one that fails is played again with a trace to read.
pub fn play(seed: u64) -> Outcome {
    let outcome = once(seed, false);
    match outcome.violation {
        Some(_) => {
            let again = once(seed, true);
            if again.violation.is_none() || again.hash != outcome.hash {
                let what = format!(
                    "seed {seed} is not the same when it is played again: {:?}",
                    outcome.violation
                );
                return Outcome {
                    violation: Some(what),
                    ..again
                };
            }
            let from = again.lines.len().saturating_sub(LINES_SHOWN);
            let violation = again.violation.as_ref().map(|violation| {
                format!(
                    "{}\n{violation}\nTo see all of it: SIM_SEED={seed}",
                    again.lines[from..].join("\n")
                )
            });
            Outcome { violation, ..again }
        }
        None => outcome,
    }
}

/// Plays a seed once.
pub fn once(seed: u64, readable: bool) -> Outcome {
    let stage = Stage::new(seed, readable);
    let mut schedule = Schedule::new(Rc::clone(&stage));
    let phase = phases(&stage, &mut schedule);
    stage
        .shared
        .with(|state| Outcome {
            seed,
            hash: state.hash,
            steps: state.step,
            counts: state.counts.clone(),
            violation: (!state.violations.is_empty()).then(|| {
                let (step, actor) = (state.step, &state.actor);
                format!(
                    "seed {seed}, step {step}, {actor}, {phase}: {}",
                    state.violations.join("\n")
                )
            }),
            lines: Vec::new(),
        })
        .with_lines(stage.shared.lines())
}

impl Outcome {
    fn with_lines(self, lines: Vec<String>) -> Outcome {
        Outcome { lines, ..self }
    }
}

/// The instances start, and all who act in the run come onto the stage.
fn everybody_comes(stage: &Rc<Stage>) {
    for nth in 0..stage.instance_count() {
        instances::start(stage, nth);
    }
    stage.spawn("operator", instances::operate(Rc::clone(stage)));
    stage.spawn("operator's fees", choices::add_fee_rules(Rc::clone(stage)));
    for msp in &stage.msps {
        let changing = choices::change_settings(Rc::clone(stage), Rc::clone(msp));
        stage.spawn(format!("settings of {}", msp.scope.tenant), changing);
    }
    for msp in &stage.msps {
        stage.spawn(
            format!("owner of {}", msp.account),
            owners::run(Rc::clone(stage), Rc::clone(msp)),
        );
        stage.spawn(
            format!("banks of {}", msp.account),
            banks::run(Rc::clone(stage), Rc::clone(msp)),
        );
        stage.spawn(
            format!("desk of {}", msp.account),
            desk::run(Rc::clone(stage), Rc::clone(msp)),
        );
    }
    let invoices = stage.shared.with(|state| state.swarm.invoices);
    for nth in 0..invoices {
        let mut dice = stage.dice();
        let msp = Rc::clone(dice.pick(&stage.msps));
        stage.spawn(
            format!("integrator {nth}"),
            integrator::invoice(Rc::clone(stage), msp, nth),
        );
    }
}

/// Answers the phase in which it ended.
fn phases(stage: &Rc<Stage>, schedule: &mut Schedule) -> &'static str {
    let shared = &stage.shared;
    let violated = || shared.with(|state| !state.violations.is_empty());
    everybody_comes(stage);
    shared.with(|state| state.calm = false);
    shared.note(|| format!("safety: {:?}", shared.with(|state| state.swarm.clone())));
    let look = |stage: &Stage, step: u64| {
        if step.is_multiple_of(LOOK_EVERY) {
            judge::always(stage);
        } else if stage.shared.with(|state| state.actor.starts_with(givers::NAME)) {
            judge::refunds::reserved(stage);
        }
    };
    schedule.run(shared.start_ms + SAFETY_MS, look, |_| false);
    if violated() {
        return "safety";
    }
    shared.note(|| "healing".to_owned());
    shared.with(|state| state.calm = true);
    schedule.end_actors();
    heal(stage, schedule);
    if violated() {
        return "healing";
    }
    shared.note(|| "coming to rest".to_owned());
    let until_ms = stage.now_ms() + HEALING_MS;
    let mut looked_ms = 0;
    let at_rest = |stage: &Stage| {
        let due = stage.now_ms() - looked_ms >= HOUR_MS;
        if due {
            looked_ms = stage.now_ms();
        }
        due && judge::unrest(stage).is_none()
    };
    schedule.run(until_ms, |_, _| {}, at_rest);
    if let Some(what) = judge::unrest(stage) {
        shared.violated(format!("P3: it does not come to rest: {what}"));
    }
    if !violated() {
        judge::all(stage);
    }
    "at rest"
}

/// All instances are there, every account is connected and may charge, and what was never delivered is.
fn heal(stage: &Rc<Stage>, schedule: &mut Schedule) {
    for nth in 0..stage.instance_count() {
        stage.crash(nth);
    }
    let here = Rc::clone(stage);
    let soon = |stage: &Stage| stage.now_ms() + HOUR_MS;
    schedule.run(stage.now_ms(), |_, _| {}, |_| true);
    stage.spawn("healing", async move {
        for nth in 0..here.instance_count() {
            instances::start(&here, nth);
        }
        crate::ports::rest(&here.shared, 1_000).await;
        here.replay_the_dead();
        for msp in &here.msps {
            owners::give_back(&here, msp);
            owners::connect_again(&here, msp).await;
        }
        let unread: Vec<(String, String)> = {
            let letters = here.letters.borrow();
            letters
                .iter()
                .filter(|(_, letter)| !letter.acked)
                .map(|(at, _)| at.clone())
                .collect()
        };
        for at in unread {
            if !couriers::bring(&here, &at).await {
                here.shared
                    .violated(format!("{at:?} is not taken although nothing is wrong"));
            }
        }
    });
    schedule.run(soon(stage), |_, _| {}, |_| false);
}
