//! The scenarios of `tests/conformance`: facts that were asserted against Stripe's own test API, or recorded
//! from it, run by their own runner against the simulator.

use std::process::Command;

use crate::served::Served;
use crate::tools::{python, run, source, text};

const PART: &str = "THE SCENARIOS OF FACTS ABOUT STRIPE'S API";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_scenario_of_stripes_own_answers_holds() {
    let Some(python) = python(PART) else { return };
    let served = Served::start().await;
    let base = served.base.clone();
    let output = tokio::task::spawn_blocking(move || {
        let advance = format!("{python} -B advance.py {base}");
        run(Command::new(&python)
            .args([
                "-B",
                "run.py",
                "--base-url",
                &base,
                "--advance-cmd",
                &advance,
                "scenarios",
                "more",
            ])
            .current_dir(source("conformance")))
    });
    let output = output.await.expect("running Python does not panic");
    served.stop().await;
    println!("{}", text(&output));
    assert!(output.status.success(), "a scenario does not hold, see above");
}

#[test]
fn the_runner_of_the_scenarios_finds_what_is_wrong() {
    let Some(python) = python(PART) else { return };
    let output = run(Command::new(python)
        .args(["-B", "run.py", "--self-test"])
        .current_dir(source("conformance")));
    println!("{}", text(&output));
    assert!(output.status.success(), "the runner's own test failed, see above");
}
