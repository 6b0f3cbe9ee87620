//! A machine with an empty folder, psa-pay on its search path, and the simulator where Stripe would be.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;
use simulator::Simulator;
use tokio::net::TcpListener;

use crate::browser::{WAIT_MAX, poll};
use crate::engines::block_on;

/// Events that are not applied.
const WAITING: store::Sql =
    store::Sql::new("select count(*) as n from stripe_webhook_events where next_attempt_at is not null");
/// Payments whose fee Stripe has not reported yet.
const UNTOLD: store::Sql = store::Sql::new(
    "select count(*) as n from payments where succeeded_at is not null and stripe_fee is null",
);

/// The machine, removed at the end of the test.
pub struct Machine {
    pub folder: PathBuf,
    pub stripe: String,
    pub origin: String,
    /// A mail server that takes every mail and keeps none.
    pub mail: String,
    pub simulator: Simulator,
    pub http: reqwest::Client,
    variables: BTreeMap<String, String>,
    /// What is done around the server: a line of bash in which `"$@"` stands for it, and the options of
    /// `unshare` under which it runs.
    around: Option<(Vec<&'static str>, String)>,
    server: RefCell<Option<Child>>,
}

/// What a command came to.
pub struct Came {
    pub good: bool,
    pub out: String,
    pub err: String,
}

impl Came {
    /// Whether it was good, and what it said if not.
    pub fn expect(self, what: &str) -> Came {
        assert!(self.good, "{what}: {}{}", self.out, self.err);
        self
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.borrow_mut().take() {
            // Already ended where the test has stopped it.
            let _ended = server.kill();
            let _status = server.wait();
        }
        if !std::thread::panicking() {
            drop(fs::remove_dir_all(&self.folder));
        }
    }
}

impl Machine {
    /// With keys of both modes in `.env`, TEST at first, and no webhook secrets.
    pub async fn new() -> Machine {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let stripes = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stripe = format!("http://{}", stripes.local_addr().unwrap());
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", free.local_addr().unwrap());
        let mails = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mail = format!("smtp://{}", mails.local_addr().unwrap());
        tokio::spawn(super::mail_server::serve(mails));
        let simulator = Simulator::new(simulator::Config::default()).unwrap();
        tokio::spawn(simulator.clone().serve(stripes, std::future::pending()));
        // The first of the process that speaks HTTP chooses how keys are exchanged.
        ::stripe::Https::loopback_only().unwrap();
        let nth = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = format!("operating-{}-{nth}", std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
        fs::create_dir_all(&folder).unwrap();
        let mut machine = Machine {
            folder,
            stripe,
            origin,
            mail,
            simulator,
            http: crate::town::web()
                .timeout(Duration::from_secs(10))
                .build()
                .unwrap(),
            variables: BTreeMap::new(),
            around: None,
            server: RefCell::default(),
        };
        machine.set("STRIPE_MODE", "test");
        for (mode, word) in [("TEST", "test"), ("LIVE", "live")] {
            machine.set(
                &format!("STRIPE_{mode}_SECRET_KEY"),
                &format!("sk_{word}_psapay_demo"),
            );
            machine.set(
                &format!("STRIPE_{mode}_PUBLISHABLE_KEY"),
                &format!("pk_{word}_psapay_demo"),
            );
        }
        let (stripe, origin) = (machine.stripe.clone(), machine.origin.clone());
        machine.set("STRIPE_API_BASE", &stripe);
        machine.set("PUBLIC_URL", &origin);
        machine.set("LISTEN", origin.trim_start_matches("http://"));
        machine.set("SECRET_KEY", "a_secret_key_of_a_test_long_enough_for_it");
        machine.set("DATABASE_URL", "sqlite:psa-pay.db");
        machine
    }

    /// A line of `.env`.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
        self.write();
    }

    /// Without this line.
    pub fn unset(&mut self, name: &str) {
        self.variables.remove(name);
        self.write();
    }

    /// What a line of `.env` says.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    fn write(&self) {
        let lines = self
            .variables
            .iter()
            .map(|(name, value)| format!("{name}='{value}'\n"));
        let path = self.folder.join(".env");
        fs::write(&path, lines.collect::<String>()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Puts the lines of a command's output that are lines for `.env` there.
    pub fn take_over(&mut self, said: &str) {
        for line in said.lines() {
            if let Some((name, value)) = line.split_once('=')
                && name.starts_with("STRIPE_")
            {
                self.set(name, value);
            }
        }
    }

    fn command(&self, program: &str) -> Command {
        let binary = Path::new(env!("CARGO_BIN_EXE_psa-pay")).parent().unwrap();
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", binary.display());
        let mut command = Command::new(program);
        command.env_clear().env("PATH", path).current_dir(&self.folder);
        command
    }

    /// `psa-pay` with these arguments.
    pub fn run(&self, arguments: &[&str]) -> Came {
        came(self.command(env!("CARGO_BIN_EXE_psa-pay")).args(arguments))
    }

    /// The same with a variable more.
    pub fn run_with(&self, variable: (&str, &str), arguments: &[&str]) -> Came {
        let mut command = self.command(env!("CARGO_BIN_EXE_psa-pay"));
        came(command.env(variable.0, variable.1).args(arguments))
    }

    /// A line as it is typed.
    pub fn shell(&self, line: &str, variables: &BTreeMap<String, String>) -> Came {
        came(
            self.command("bash")
                .envs(variables)
                .args(["-euo", "pipefail", "-c", line]),
        )
    }

    /// Starts `psa-pay` with these arguments, and lets it run.
    pub fn spawn(&self, arguments: &[&str], log: &str) -> Child {
        let log = File::create(self.folder.join(log)).unwrap();
        let mut command = self.command(env!("CARGO_BIN_EXE_psa-pay"));
        command
            .args(arguments)
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        command.spawn().unwrap()
    }

    /// From the next start on, the server runs within this line of bash, under these options of `unshare`.
    pub fn run_within(&mut self, unshare: &[&'static str], line: &str) {
        self.around = Some((unshare.to_vec(), line.to_owned()));
    }

    /// The process of the server.
    pub fn process(&self) -> u32 {
        self.server.borrow().as_ref().expect("a server").id()
    }

    /// `psa-pay` with these arguments where the server runs, with its mounts.
    pub fn run_beside(&self, arguments: &[&str]) -> Came {
        let server = self.process().to_string();
        let mut command = self.command("nsenter");
        command.args(["--preserve-credentials", "--target", &server, "--mount"]);
        let around = self.around.as_ref();
        if around.is_some_and(|(unshare, _)| unshare.contains(&"--map-root-user")) {
            command.arg("--user");
        }
        let line = format!("cd '{}'; exec \"$@\"", self.folder.display());
        command.args(["bash", "-euc", &line, "bash", env!("CARGO_BIN_EXE_psa-pay")]);
        came(command.args(arguments))
    }

    /// Whether the server still runs.
    pub fn is_running(&self) -> bool {
        let mut server = self.server.borrow_mut();
        let ended = server.as_mut().expect("a server").try_wait();
        ended.expect("its status").is_none()
    }

    fn spawn_server(&self, log: &str) -> Child {
        let Some((unshare, line)) = &self.around else {
            return self.spawn(&["serve"], log);
        };
        let log = File::create(self.folder.join(log)).unwrap();
        let mut command = self.command("unshare");
        command
            .args(unshare)
            .args([
                "bash",
                "-euc",
                line,
                "bash",
                env!("CARGO_BIN_EXE_psa-pay"),
                "serve",
            ])
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        command.spawn().unwrap()
    }

    /// Starts the server, after stopping the one that runs, as a service manager does.
    pub async fn restart(&self) {
        self.stop();
        self.start().await;
    }

    /// Starts the server.
    pub async fn start(&self) {
        let nth = (0..).find(|nth| !self.folder.join(format!("serve-{nth}.log")).exists());
        let started = self.spawn_server(&format!("serve-{}.log", nth.unwrap()));
        *self.server.borrow_mut() = Some(started);
        let url = format!("{}/readyz", self.origin);
        let ready = poll(WAIT_MAX, async || {
            let answer = self.http.get(&url).send().await;
            answer
                .is_ok_and(|answer| answer.status().is_success())
                .then_some(())
        });
        ready
            .await
            .unwrap_or_else(|| panic!("the server does not start: {}", self.log()));
    }

    /// Stops the server by SIGTERM, and waits for its orderly end.
    pub fn stop(&self) {
        let Some(mut server) = self.server.borrow_mut().take() else {
            return;
        };
        let id = server.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()
                .unwrap()
                .success()
        );
        assert!(
            server.wait().unwrap().success(),
            "it ends in order: {}",
            self.log()
        );
    }

    /// Kills the server, as the kernel does where no memory is left.
    pub fn kill(&self) {
        let mut server = self.server.borrow_mut().take().expect("a server");
        server.kill().unwrap();
        server.wait().unwrap();
    }

    /// Has what was missed read again while no server runs, and Stripe tell the rest of what it has to tell;
    /// then the books hold, and are what Stripe has.
    pub async fn agrees_with_stripe(&self) {
        self.run(&["reconcile", "--since", "2h"]).expect("reconcile");
        let database = self.database();
        assert_eq!(number_in(&database, &WAITING), 0, "what waited is applied");
        // What Stripe had still to tell when it was stopped, such as its fees, is told to the one that comes.
        self.start().await;
        let told = || number_in(&database, &UNTOLD) == 0 && number_in(&database, &WAITING) == 0;
        let quiet = poll(WAIT_MAX, async || told().then_some(()));
        quiet.await.expect("every fee is reported");
        self.stop();
        self.run(&["tie-out"]).expect("tie-out");
        self.run(&["check-ledger", "--quiet"]).expect("check-ledger");
    }

    /// Everything that servers have logged.
    pub fn log(&self) -> String {
        let logs = (0..).map(|nth| self.folder.join(format!("serve-{nth}.log")));
        logs.take_while(|log| log.exists())
            .map(|log| fs::read_to_string(log).unwrap())
            .collect()
    }

    /// A request to Stripe with the platform's key of a mode.
    pub fn stripe(&self, live: bool, method: &str, path: &str, form: &str) -> Value {
        let word = if live { "live" } else { "test" };
        let headers = [
            ("authorization", format!("Bearer sk_{word}_psapay_demo")),
            ("content-type", "application/x-www-form-urlencoded".to_owned()),
            ("stripe-version", stripe::API_VERSION.to_owned()),
        ];
        self.call(method, path, &headers, form)
    }

    /// A request of API v2.
    pub fn stripe_v2(&self, live: bool, method: &str, path: &str, body: &Value) -> Value {
        let word = if live { "live" } else { "test" };
        let headers = [
            ("authorization", format!("Bearer sk_{word}_psapay_demo")),
            ("content-type", "application/json".to_owned()),
            ("stripe-version", stripe::API_VERSION.to_owned()),
        ];
        let text = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.call(method, path, &headers, &text)
    }

    /// A call of the simulator's control API.
    pub fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        self.call(
            method,
            path,
            &[("content-type", "application/json".to_owned())],
            &body.to_string(),
        )
    }

    fn call(&self, method: &str, path: &str, headers: &[(&str, String)], body: &str) -> Value {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()));
        let answer = self.simulator.call(&simulator::Request {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: headers.collect(),
            body: body.as_bytes().to_vec(),
        });
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(answer.status < 300, "{method} {path}: {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }
}

fn came(command: &mut Command) -> Came {
    let ended = command.output().unwrap();
    Came {
        good: ended.status.success(),
        out: String::from_utf8_lossy(&ended.stdout).into_owned(),
        err: String::from_utf8_lossy(&ended.stderr).into_owned(),
    }
}

/// Runs a test with a machine on a runtime of its own, beside which commands may be waited for.
pub fn with_machine(test: impl AsyncFnOnce(Machine)) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async { test(Machine::new().await).await });
    runtime.shutdown_timeout(Duration::from_secs(5));
}

/// A look into the machine's database while no server runs.
pub fn number(machine: &Machine, sql: &'static store::Sql) -> i64 {
    number_in(
        &format!("sqlite:{}", machine.folder.join("psa-pay.db").display()),
        sql,
    )
}

/// A look into a database.
pub fn number_in(url: &str, sql: &'static store::Sql) -> i64 {
    let options = store::db::Options {
        beside: true,
        ..store::db::Options::default()
    };
    let db = block_on(store::Db::open(url, options)).unwrap();
    let read = block_on(db.read(move |tx| tx.one(sql, &[])?.int("n"))).unwrap();
    block_on(db.close());
    read
}
