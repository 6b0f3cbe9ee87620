//! Stripe's official SDK of npm against the simulator: `tests/sdk/sdk.mjs`, run by Node.js.

use std::process::Command;

use crate::served::Served;
use crate::tools::{Npm, run, text};

const SCRIPTS: [&str; 9] = [
    "sdk.mjs",
    "simulator.mjs",
    "payments.mjs",
    "money.mjs",
    "disputes.mjs",
    "connect.mjs",
    "billing.mjs",
    "errors.mjs",
    "webhooks.mjs",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_sdk_pays_replays_is_declined_and_verifies_webhooks() {
    let Some(npm) = Npm::find("THE TEST WITH STRIPE'S SDK OF NPM") else {
        return;
    };
    let folder = npm.install("sdk", &SCRIPTS);
    let served = Served::start().await;
    let base = served.base.clone();
    let output = tokio::task::spawn_blocking(move || {
        run(Command::new(npm.node)
            .arg("sdk.mjs")
            .arg(base)
            .current_dir(folder))
    });
    let output = output.await.expect("running node does not panic");
    served.stop().await;
    println!("{}", text(&output));
    assert!(output.status.success(), "a test of the SDK failed, see above");
}
