//! An environment of Python of its own for a test, with what a folder's `requirements.txt` pins.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;

use crate::left_out::left_out;

/// The environment's Python, with everything that is pinned; `None`, and a message that nobody misses, where
/// the machine has no Python that can make one. `part` is what does not run then; the environment is called
/// as the folder is.
pub fn installed(part: &str, folder: &Path) -> Option<PathBuf> {
    static ONE: Mutex<()> = Mutex::new(());
    let _one_at_a_time = ONE.lock();
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let able = Command::new(&python)
        .args(["-c", "import venv, ensurepip"])
        .output();
    if !able.is_ok_and(|output| output.status.success()) {
        let needs = "it needs Python 3 with venv and ensurepip; PYTHON may name it";
        left_out(part, needs, "PSA_PAY_REQUIRE_PYTHON");
        return None;
    }
    let requirements = folder.join("requirements.txt");
    let name = folder.file_name().expect("a folder with a name");
    let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let inside = made.join("bin/python");
    let pinned = std::fs::read(&requirements).expect("the requirements are there");
    // Written last, so that an installation that was cut off is made again.
    let note = made.join("installed.txt");
    if std::fs::read(&note).unwrap_or_default() != pinned {
        run(Command::new(&python).args(["-m", "venv", "--clear"]).arg(&made));
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
        run(Command::new(&inside).args(pip).arg(&requirements));
        std::fs::write(note, pinned).expect("the target folder can be written");
    }
    Some(inside)
}

fn run(command: &mut Command) {
    let Output { status, stderr, .. } = command.output().expect("Python starts");
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
}
