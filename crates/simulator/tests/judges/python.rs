//! Stripe's official SDK for Python against the simulator: `tests/sdk-python/sdk.py`, in an environment of
//! its own with the versions that `requirements.txt` pins.

use std::process::Command;

use crate::environment;
use crate::served::Served;
use crate::tools::{run, source, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_sdk_for_python_does_what_that_of_npm_does() {
    let Some(python) = environment::installed("THE TEST WITH STRIPE'S SDK FOR PYTHON", &source("sdk-python"))
    else {
        return;
    };
    let served = Served::start().await;
    let base = served.base.clone();
    let output = tokio::task::spawn_blocking(move || {
        run(Command::new(python)
            .args(["-B", "sdk.py"])
            .arg(base)
            .current_dir(source("sdk-python")))
    });
    let output = output.await.expect("running Python does not panic");
    served.stop().await;
    println!("{}", text(&output));
    assert!(output.status.success(), "a test of the SDK failed, see above");
}
