//! Two runs of one trace that differ in one thing, and what must be the same in both: a second tenant that
//! is not there, and the mode switched over and back in the middle. Time stands still and randomness is the
//! trace's, so that rows and answers can be compared as they are.

use std::sync::Arc;

use domain::Mode;
use store::db::Engine;

use crate::engines::World;
use crate::town::{Town, Wishes};

mod actor;
mod live;
mod names;

use actor::{Actor, Trace};
use live::Live;

/// Traces that are run.
const SEEDS: std::ops::RangeInclusive<u64> = 1..=3;
/// Steps of one trace.
const STEPS: u64 = 70;
/// The steps during which the other mode is switched on.
const SWITCHED: std::ops::Range<u64> = 30..50;

/// What one run comes to: answers in their order, then rows.
struct Run {
    said: Vec<String>,
    kept: Vec<String>,
}

/// In what a run differs from another of the same seed.
#[derive(Clone, Copy, Default)]
struct Differs {
    /// The second tenant acts.
    neighbour: bool,
    /// The mode is switched in the middle.
    switch: bool,
    /// There are payments and events of LIVE as well, and the reconciler looks after each step.
    busy: bool,
}

/// Runs the trace of a seed.
async fn run(town: Town, seed: u64, differs: Differs) -> Run {
    town.clock.reseed(seed);
    let second = town.add_msp("Contoso Managed Services", "eur").await;
    let wishes = Wishes {
        mode: Mode::Live,
        ..wishes()
    };
    let mut live = town.open_beside(town.app.db.clone(), &wishes).await;
    if differs.busy {
        live.msp = live
            .connect_msp(town.msp.scope.tenant.clone(), "Northwind", "usd")
            .await;
    }
    let trace = Trace {
        towns: [Arc::new(town), Arc::new(live)],
        seed,
    };
    let town = trace.towns[0].clone();
    let mut live = match differs.busy {
        true => Some(Live::begin(trace.towns[1].clone()).await),
        false => None,
    };
    let mut actors = [
        Actor::new(town.msp.clone(), "usd", seed, 0),
        Actor::new(second, "eur", seed, 1),
    ];
    for step in 0..STEPS {
        town.advance_ms(5_000);
        let in_switch = SWITCHED.contains(&step);
        let who = usize::from(actor::mix(seed, step) % 2 == 1);
        let at = &trace.towns[usize::from(differs.switch && in_switch)];
        if let Some(live) = &mut live {
            live.act(&trace, at, step).await;
        }
        if who == 0 || differs.neighbour {
            actors[who].act(&trace, at, step, in_switch).await;
        }
    }
    town.advance_ms(5_000);
    actors[0].read_all(&trace, &town, STEPS).await;
    town.assert_books().await;
    if let Some(live) = live {
        live.assert_paid().await;
    }
    let [first, _] = actors;
    Run {
        kept: names::rows_of(&town, &first).await,
        said: first.said(),
    }
}

fn wishes() -> Wishes {
    Wishes {
        deliveries: false,
        worker: false,
        still: true,
        ..Wishes::default()
    }
}

#[track_caller]
fn assert_same(one: &[String], other: &[String], what: &str) {
    for (nth, (one, other)) in one.iter().zip(other).enumerate() {
        assert_eq!(one, other, "{what} {nth} differs");
    }
    assert_eq!(one.len(), other.len(), "{what}: one run has more");
}

#[track_caller]
fn assert_worth_it(runs: &[Run]) {
    for part in [
        "\"succeeded\"",
        "requires_action",
        "external_objects",
        "\"paid\"",
        "\"void\"",
    ] {
        let mut lines = runs.iter().flat_map(|run| run.said.iter().chain(&run.kept));
        let seen = lines.any(|line| line.contains(part));
        assert!(seen, "the trace never comes to {part}");
    }
}

both! {
    fn another_tenant_and_a_mode_switched_over_and_back_change_no_answer_and_no_row(world: &World) {
        let mut runs = Vec::new();
        for seed in SEEDS {
            let busy_street = Differs { neighbour: true, ..Differs::default() };
            let with = run_fresh(world, seed, busy_street);
            let without = run_fresh(world, seed, Differs::default());
            assert_same(&with.said, &without.said, "answer");
            assert_same(&with.kept, &without.kept, "row");
            let switched = run_fresh(world, seed, Differs { switch: true, ..busy_street });
            assert_same(&with.said, &switched.said, "answer");
            assert_same(&with.kept, &switched.kept, "row");
            runs.push(with);
        }
        assert_worth_it(&runs);
    }

    fn the_mode_switched_while_writes_and_events_of_both_modes_are_under_way_changes_nothing(world: &World) {
        for seed in SEEDS {
            let stays = Differs { neighbour: true, busy: true, ..Differs::default() };
            let stayed = run_fresh(world, seed, stays);
            let switched = run_fresh(world, seed, Differs { switch: true, ..stays });
            assert_same(&stayed.said, &switched.said, "answer");
            assert_same(&stayed.kept, &switched.kept, "row");
        }
    }
}

/// A run in a database of its own.
fn run_fresh(like: &World, seed: u64, differs: Differs) -> Run {
    let world = match like.db.engine() {
        Engine::Sqlite => World::sqlite(),
        Engine::Postgres => World::postgres().expect("there was a server for the other one"),
    };
    let mut came_to = None;
    Town::run_as(&world, wishes(), async |town| {
        came_to = Some(run(town, seed, differs).await);
    });
    came_to.expect("the run came to its end")
}
