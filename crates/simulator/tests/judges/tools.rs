//! The programs that the judges run on, and packages of npm as their lock files pin them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::left_out::left_out;

/// The oldest Node.js that the scripts run on.
const NODE_MAJOR_MIN: u32 = 22;

/// Node.js and npm.
pub struct Npm {
    pub node: String,
    npm: String,
}

impl Npm {
    /// `None`, and a message that nobody misses, where one is missing: `part` did not run.
    pub fn find(part: &str) -> Option<Npm> {
        let program = |variable, name: &str| std::env::var(variable).unwrap_or_else(|_| name.to_owned());
        let tools = Npm {
            node: program("NODE", "node"),
            npm: program("NPM", "npm"),
        };
        let version = Command::new(&tools.node)
            .args(["-p", "process.versions.node.split('.')[0]"])
            .output();
        let major = version
            .ok()
            .and_then(|output| String::from_utf8(output.stdout).ok()?.trim().parse::<u32>().ok());
        let npm = Command::new(&tools.npm).arg("--version").output();
        if major.is_some_and(|major| major >= NODE_MAJOR_MIN)
            && npm.is_ok_and(|output| output.status.success())
        {
            return Some(tools);
        }
        let why = format!("it needs Node.js {NODE_MAJOR_MIN} or newer and npm; NODE and NPM may name them");
        left_out(part, &why, "PSA_PAY_REQUIRE_NODE");
        None
    }

    /// Installs what the `package-lock.json` of `tests/{name}` pins, unless the same is there already, and
    /// copies `files` beside it. Answers the folder.
    pub fn install(&self, name: &str, files: &[&str]) -> PathBuf {
        let source = source(name);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&folder).expect("the target folder can be written");
        let copy = |name: &str| {
            let copied = std::fs::copy(source.join(name), folder.join(name));
            copied.unwrap_or_else(|error| panic!("{name}: {error}"));
        };
        let read = |path: PathBuf| std::fs::read(path).unwrap_or_default();
        let lock = read(source.join("package-lock.json"));
        files.iter().copied().for_each(copy);
        // Written last, so that an installation that was cut off is made again.
        let installed = folder.join("installed.json");
        if read(installed.clone()) != lock {
            copy("package.json");
            copy("package-lock.json");
            let args = ["ci", "--no-audit", "--no-fund", "--ignore-scripts"];
            let output = run(Command::new(&self.npm).args(args).current_dir(&folder));
            assert!(output.status.success(), "npm ci\n{}", text(&output));
            std::fs::write(installed, lock).expect("the target folder can be written");
        }
        folder
    }
}

/// The Python interpreter, at least 3.9; `None`, and a message that nobody misses, where it is missing.
pub fn python(part: &str) -> Option<String> {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".into());
    let new_enough = Command::new(&python)
        .args(["-c", "import sys; sys.exit(sys.version_info < (3, 9))"])
        .status();
    if new_enough.is_ok_and(|status| status.success()) {
        return Some(python);
    }
    left_out(
        part,
        "it needs Python 3.9 or newer; PYTHON may name it",
        "PSA_PAY_REQUIRE_PYTHON",
    );
    None
}

/// A folder of `tests/` at the root of the repository.
pub fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests")
        .join(name)
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Output {
    command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// What a command printed.
pub fn text(output: &Output) -> String {
    format!(
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
