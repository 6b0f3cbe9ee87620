//! Stripe's official SDK of npm against the simulator: `tests/sdk/sdk.mjs`, run by Node.js.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use simulator::{ClockMode, Config, Simulator};
use tokio::net::TcpListener;

use crate::left_out::left_out;

/// The oldest Node.js that the scripts run on.
const NODE_MAJOR_MIN: u32 = 22;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_sdk_pays_replays_is_declined_and_verifies_webhooks() {
    let Some(tools) = Tools::find() else { return };
    let folder = tools.install();

    let simulator = Simulator::new(Config {
        clock: ClockMode::Wall,
        ..Config::default()
    });
    let simulator = simulator.expect("a simulator without data starts");
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("the loopback has a free port");
    let base = format!("http://{}", listener.local_addr().expect("it is bound"));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let served = tokio::spawn(simulator.serve(listener, async { drop(stopped.await) }));

    let output = tokio::task::spawn_blocking(move || {
        run(Command::new(tools.node)
            .arg("sdk.mjs")
            .arg(base)
            .current_dir(folder))
    });
    let output = output.await.expect("running node does not panic");
    drop(stop);
    served
        .await
        .expect("the simulator does not panic")
        .expect("the simulator serves until it is stopped");
    println!("{}", text(&output));
    assert!(output.status.success(), "a test of the SDK failed, see above");
}

/// Node.js and npm.
struct Tools {
    node: String,
    npm: String,
}

impl Tools {
    /// `None`, and a message that nobody misses, where one is missing.
    fn find() -> Option<Tools> {
        let program = |variable, name: &str| std::env::var(variable).unwrap_or_else(|_| name.to_owned());
        let tools = Tools {
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
        left_out(
            "THE TEST WITH STRIPE'S OFFICIAL SDK",
            &why,
            "PSA_PAY_REQUIRE_NODE",
        );
        None
    }

    /// Installs what `package-lock.json` pins, unless the same is there already. Answers the folder.
    fn install(&self) -> PathBuf {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/sdk");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sdk");
        std::fs::create_dir_all(&folder).expect("the target folder can be written");
        let copy = |name: &str| {
            let copied = std::fs::copy(source.join(name), folder.join(name));
            copied.unwrap_or_else(|error| panic!("{name}: {error}"));
        };
        let read = |path: PathBuf| std::fs::read(path).unwrap_or_default();
        let lock = read(source.join("package-lock.json"));
        copy("sdk.mjs");
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

fn run(command: &mut Command) -> Output {
    command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

fn text(output: &Output) -> String {
    format!(
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
