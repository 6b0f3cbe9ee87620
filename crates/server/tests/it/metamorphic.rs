//! Two runs of one trace that differ in one thing, and what must be the same in both: a second tenant that
//! is not there, and the mode switched over and back in the middle. Time stands still and randomness is the
//! trace's, so that rows and answers can be compared as they are.

use std::sync::Arc;

use domain::Mode;
use store::db::Engine;

use crate::engines::World;
use crate::town::{Town, Wishes};

mod actor;
mod names;

use actor::{Actor, Trace};

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

/// Runs the trace of a seed; `neighbour` says whether the second tenant acts, `switch` whether the mode is
/// switched in the middle.
async fn run(town: Town, seed: u64, neighbour: bool, switch: bool) -> Run {
    town.clock.reseed(seed);
    let second = town.add_msp("Contoso Managed Services", "eur").await;
    let wishes = Wishes {
        mode: Mode::Live,
        ..wishes()
    };
    let live = town.open_beside(town.app.db.clone(), &wishes).await;
    let trace = Trace {
        towns: [Arc::new(town), Arc::new(live)],
        seed,
    };
    let town = trace.towns[0].clone();
    let mut actors = [
        Actor::new(town.msp.clone(), "usd", seed, 0),
        Actor::new(second, "eur", seed, 1),
    ];
    for step in 0..STEPS {
        town.advance_ms(5_000);
        let in_switch = SWITCHED.contains(&step);
        let who = usize::from(actor::mix(seed, step) % 2 == 1);
        if who == 1 && !neighbour {
            continue;
        }
        let at = &trace.towns[usize::from(switch && in_switch)];
        actors[who].act(&trace, at, step, in_switch).await;
    }
    town.advance_ms(5_000);
    actors[0].read_all(&trace, &town, STEPS).await;
    town.assert_books().await;
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
    fn what_another_tenant_does_changes_no_answer_and_no_row(world: &World) {
        let mut runs = Vec::new();
        for seed in SEEDS {
            let with = run_fresh(world, seed, true, false);
            let without = run_fresh(world, seed, false, false);
            assert_same(&with.said, &without.said, "answer");
            assert_same(&with.kept, &without.kept, "row");
            runs.push(with);
        }
        assert_worth_it(&runs);
    }

    fn the_mode_switched_over_and_back_changes_no_answer_and_no_row(world: &World) {
        for seed in SEEDS {
            let stayed = run_fresh(world, seed, true, false);
            let switched = run_fresh(world, seed, true, true);
            assert_same(&stayed.said, &switched.said, "answer");
            assert_same(&stayed.kept, &switched.kept, "row");
        }
    }
}

/// A run in a database of its own.
fn run_fresh(like: &World, seed: u64, neighbour: bool, switch: bool) -> Run {
    let world = match like.db.engine() {
        Engine::Sqlite => World::sqlite(),
        Engine::Postgres => World::postgres().expect("there was a server for the other one"),
    };
    let mut came_to = None;
    Town::run_as(&world, wishes(), async |town| {
        came_to = Some(run(town, seed, neighbour, switch).await);
    });
    came_to.expect("the run came to its end")
}
