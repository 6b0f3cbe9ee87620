//! The binary as a person starts it: the demo, a restart on its folder, its parts apart, help, and a wrong
//! configuration.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

use crate::browser::{WAIT_MAX, poll};

/// A line that is printed at all is printed within this, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A psa-pay process, ended with the test.
pub struct Running {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Running {
    fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Running {
        let mut command = binary();
        command.args(arguments).envs(environment.iter().copied());
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            // Ends when the process ends, or when the test has stopped listening.
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Running {
            child,
            lines,
            seen: Vec::new(),
        }
    }

    /// Waits for a line that holds a text, and answers it.
    pub fn line(&mut self, part: &str) -> String {
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
                panic!("no line with {part:?} in:\n{}", self.seen.join("\n"))
            };
            self.seen.push(line.clone());
            if line.contains(part) {
                return line;
            }
        }
    }

    /// Ends it as a service manager does, and waits.
    fn stop(mut self) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()
                .unwrap()
                .success()
        );
        assert!(self.child.wait().unwrap().success(), "it ends in order");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already ended where the test has stopped it.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

/// The binary, without whatever the machine's environment configures.
fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_psa-pay"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    command
        .env_clear()
        .env("PATH", path)
        .env("NO_COLOR", "1")
        .current_dir(env!("CARGO_TARGET_TMPDIR"));
    command
}

/// A folder that is removed with the test.
pub struct Folder(PathBuf);

impl Folder {
    /// A fresh one.
    pub fn new(name: &str) -> Folder {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        Folder(folder)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Starts the demo on a folder.
pub fn demo(folder: &Folder, environment: &[(&str, &str)]) -> Running {
    let ports = ["--listen", "127.0.0.1:0", "--simulator-listen", "127.0.0.1:0"];
    let arguments: Vec<&str> = ["demo", "--data", folder.path()]
        .into_iter()
        .chain(ports)
        .collect();
    Running::start(&arguments, environment)
}

/// The address at the end of a line.
pub fn last_word(line: &str) -> String {
    line.rsplit(' ').next().unwrap().to_owned()
}

fn blocking<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

fn http() -> reqwest::Client {
    // The second time there is one already.
    drop(rustls::crypto::ring::default_provider().install_default());
    crate::town::web().timeout(PATIENCE).build().unwrap()
}

async fn json_of(request: reqwest::RequestBuilder) -> Value {
    let text = request.send().await.unwrap().text().await.unwrap();
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"))
}

async fn get_json(url: &str) -> Value {
    json_of(http().get(url)).await
}

/// Pays the invoice behind a pay link with a card of the simulator.
async fn pay(stripe: &str, link: &str, key: &str, card: &str) -> Value {
    let public = link.replace("/pay/", "/api/public/invoices/");
    let invoice = get_json(&public).await;
    let token = http()
        .post(format!("{stripe}/v1/test_helpers/confirmation_tokens"))
        .bearer_auth(key)
        .header("stripe-account", invoice["stripe_account"].as_str().unwrap())
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("payment_method={card}"));
    let token = json_of(token).await;
    let body = json!({"confirmation_token": token["id"], "amount": invoice["amount"],
        "currency": invoice["currency"], "page_token": invoice["page_token"]});
    // A page has to be two seconds old, and this clock is the machine's.
    let answer = poll(WAIT_MAX, async || {
        let answer = json_of(http().post(format!("{public}/pay")).body(body.to_string())).await;
        (answer["code"] != "too_soon").then_some(answer)
    });
    answer.await.expect("the page grows old enough")
}

#[test]
fn the_demo_pays_survives_a_restart_and_its_parts_run_apart_on_the_same_folder() {
    let folder = Folder::new("demo");
    let mut first = demo(&folder, &[]);
    let link = last_word(&first.line("/pay/"));
    let stripe = last_word(&first.line("Built-in Stripe:"));
    for part in [
        "Invoice Payments",
        "Webhook handler",
        "Public Invoice Payment",
        "Refunds",
        "Service",
    ] {
        first.line(&format!("[Stripe] {part} initialized in TEST mode"));
    }
    let paid = blocking(pay(&stripe, &link, "sk_test_psapay_demo", "pm_card_visa"));
    assert_eq!(paid["status"], "succeeded", "{paid}");
    first.line("Webhook received: payment_intent.succeeded");
    first.stop();

    let mut again = demo(&folder, &[("TRUSTED_PROXIES", "127.0.0.1")]);
    let line = again.line("/pay/");
    assert!(line.contains("paid"), "the first invoice is still paid: {line}");
    let link = last_word(&line);
    assert_eq!(
        blocking(get_json(&link.replace("/pay/", "/api/public/invoices/")))["state"],
        "paid"
    );
    let open = last_word(&again.line("/pay/"));
    again.line("initialized in TEST mode");
    again.stop();

    let variables = std::fs::read_to_string(folder.0.join("serve.env")).unwrap();
    let of = |name: &str| {
        let line = variables
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name}=")));
        line.unwrap_or_else(|| panic!("no {name} in serve.env"))
            .to_owned()
    };
    assert_eq!(
        of("TRUSTED_PROXIES"),
        "127.0.0.1",
        "the demo may stand behind a proxy"
    );
    let port = of("STRIPE_API_BASE").rsplit(':').next().unwrap().to_owned();
    let data = folder.0.join("simulator");
    let webhook = format!("{}/api/stripe/webhook", of("PUBLIC_URL"));
    let simulator = [
        "simulator",
        "--port",
        &port,
        "--data",
        data.to_str().unwrap(),
        "--webhook-url",
        &webhook,
    ];
    let mut stripe = Running::start(&simulator, &[]);
    let address = last_word(&stripe.line("The built-in Stripe listens on"));
    let file = folder.0.join("serve.env");
    let mut serve = Running::start(&["serve", "--env-file", file.to_str().unwrap()], &[]);
    serve.line("Listening on");
    let paid = blocking(pay(&address, &open, "sk_test_psapay_demo", "pm_card_visa"));
    assert_eq!(paid["status"], "succeeded", "{paid}");
    serve.line("Webhook received: payment_intent.succeeded");
    serve.stop();
    stripe.stop();
}

#[test]
fn after_a_kill_the_demo_starts_at_once_and_knows_what_was_paid() {
    let folder = Folder::new("demo-killed");
    let mut first = demo(&folder, &[]);
    let link = last_word(&first.line("/pay/"));
    let stripe = last_word(&first.line("Built-in Stripe:"));
    first.line("initialized in TEST mode");
    let paid = blocking(pay(&stripe, &link, "sk_test_psapay_demo", "pm_card_visa"));
    assert_eq!(paid["status"], "succeeded", "{paid}");
    drop(first);

    let mut again = demo(&folder, &[]);
    let line = again.line("/pay/");
    assert!(line.contains("paid"), "{line}");
    again.stop();
}

#[test]
fn the_demo_in_live_mode_says_so_everywhere() {
    let folder = Folder::new("demo-live");
    let mut live = demo(&folder, &[("STRIPE_MODE", "live")]);
    live.line("psa-pay demo, LIVE mode");
    let link = last_word(&live.line("/pay/"));
    for part in [
        "Invoice Payments",
        "Webhook handler",
        "Public Invoice Payment",
        "Refunds",
        "Service",
    ] {
        live.line(&format!("[Stripe] {part} initialized in LIVE mode"));
    }
    let invoice = blocking(get_json(&link.replace("/pay/", "/api/public/invoices/")));
    assert_eq!(invoice["mode"], "live");
    assert_eq!(invoice["publishable_key"], "pk_live_psapay_demo");
    live.stop();
}

fn run(arguments: &[&str], environment: &[(&str, &str)]) -> (Output, String) {
    let output = binary()
        .args(arguments)
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    (output, String::from_utf8(text).unwrap())
}

#[test]
fn every_subcommand_explains_itself() {
    for (command, part) in [
        ("serve", "--env-file"),
        ("demo", "--data"),
        ("migrate", "--env-file"),
        ("simulator", "--port"),
    ] {
        let (output, text) = run(&[command, "--help"], &[]);
        assert!(
            output.status.success() && text.contains(part),
            "{command}: {text}"
        );
    }
    let (output, text) = run(&["--help"], &[]);
    assert!(output.status.success() && text.contains("simulator"), "{text}");
}

#[test]
fn a_wrong_configuration_names_every_variable_and_no_secret() {
    let environment = [
        ("STRIPE_MODE", "live"),
        ("STRIPE_LIVE_SECRET_KEY", "sk_test_psapay_not_to_be_shown"),
        ("STRIPE_LIVE_PUBLISHABLE_KEY", "pk_live_psapay_demo"),
        ("PUBLIC_URL", "http://pay.example.com"),
    ];
    let (output, text) = run(&["serve"], &environment);
    assert!(!output.status.success());
    for variable in [
        "STRIPE_LIVE_SECRET_KEY",
        "STRIPE_LIVE_WEBHOOK_SECRET",
        "PUBLIC_URL",
        "SECRET_KEY",
    ] {
        assert!(text.contains(variable), "{variable} is not named:\n{text}");
    }
    assert!(!text.contains("not_to_be_shown"), "{text}");
}

#[test]
fn migrate_says_what_it_did() {
    let folder = Folder::new("migrate");
    std::fs::create_dir_all(&folder.0).unwrap();
    let url = format!("sqlite:{}", folder.0.join("psa-pay.db").display());
    let environment = [
        ("DATABASE_URL", url.as_str()),
        ("STRIPE_TEST_SECRET_KEY", "sk_test_psapay_demo"),
        ("STRIPE_TEST_PUBLISHABLE_KEY", "pk_test_psapay_demo"),
        ("STRIPE_TEST_WEBHOOK_SECRET", "whsec_psapay_demo_test"),
        ("SECRET_KEY", "not-a-secret-not-a-secret-not-a-secret"),
    ];
    let (output, text) = run(&["migrate"], &environment);
    assert!(
        output.status.success() && text.contains("0001_pay_an_invoice"),
        "{text}"
    );
    let (output, text) = run(&["migrate"], &environment);
    assert!(output.status.success() && text.contains("up to date"), "{text}");
}
