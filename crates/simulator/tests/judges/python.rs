//! Stripe's official SDK for Python against the simulator: `tests/sdk-python/sdk.py`, in an environment of
//! its own with the versions that `requirements.txt` pins.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::left_out::left_out;
use crate::served::Served;
use crate::tools::{run, source, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_sdk_for_python_does_what_that_of_npm_does() {
    let Some(python) = installed() else { return };
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

/// The environment's Python, with everything that is pinned; `None`, and a message that nobody misses, where
/// the machine has no Python that can make one.
fn installed() -> Option<PathBuf> {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let able = Command::new(&python)
        .args(["-c", "import venv, ensurepip"])
        .output();
    if !able.is_ok_and(|output| output.status.success()) {
        left_out(
            "THE TEST WITH STRIPE'S SDK FOR PYTHON",
            "it needs Python 3 with venv and ensurepip; PYTHON may name it",
            "PSA_PAY_REQUIRE_PYTHON",
        );
        return None;
    }
    let requirements = source("sdk-python").join("requirements.txt");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sdk-python");
    let inside = folder.join("bin/python");
    let pinned = std::fs::read(&requirements).expect("the requirements are there");
    // Written last, so that an installation that was cut off is made again.
    let note = folder.join("installed.txt");
    if std::fs::read(&note).unwrap_or_default() != pinned {
        let made = run(Command::new(&python).args(["-m", "venv", "--clear"]).arg(&folder));
        assert!(made.status.success(), "venv\n{}", text(&made));
        let pip = [
            "-m",
            "pip",
            "install",
            "-q",
            "--no-deps",
            "--only-binary",
            ":all:",
            "-r",
        ];
        let output = run(Command::new(&inside).args(pip).arg(&requirements));
        assert!(output.status.success(), "pip install\n{}", text(&output));
        std::fs::write(note, pinned).expect("the target folder can be written");
    }
    Some(inside)
}
