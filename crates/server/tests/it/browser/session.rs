//! One browser session: its start, its looks (size, colours, screenshots), and what the browser complained
//! of.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use fantoccini::wd::{WebDriverCompatibleCommand, WindowHandle};
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use reqwest::Url;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::WAIT_MAX;
use super::driver::Driver;
use crate::left_out::left_out;

/// Browsers at the same time: more only make each other slow on two cores.
static SLOTS: Semaphore = Semaphore::const_new(2);

/// Numbers the profiles of this process.
static PROFILES: AtomicU32 = AtomicU32::new(1);

/// What headless Chromium needs to run as root, without a graphics card, and without calling home.
const FLAGS: [&str; 10] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=1280,900",
];

/// Runs in every new document before its own scripts.
const LISTEN: &str = "window.policyViolations = [];
    document.addEventListener('securitypolicyviolation', (event) => window.policyViolations.push(
        `${event.documentURI}: ${event.effectiveDirective} blocked ${event.blockedURI}`));";

/// The colours that a page is asked for.
#[derive(Clone, Copy, Debug)]
pub enum Scheme {
    Dark,
    Light,
}

/// A browser with a profile of its own. It is closed when it is dropped.
#[derive(Debug)]
pub struct Browser {
    // In this order they end: the session and its Chromium, then the folder that Chromium wrote to.
    pub(super) client: Client,
    _driver: Driver,
    _profile: Profile,
    _slot: SemaphorePermit<'static>,
    /// How long anything is waited for.
    pub(super) wait_max: Duration,
    /// What the browser's log said so far; reading the log empties it.
    log: Mutex<Vec<Complaint>>,
}

/// A line of the browser's log.
#[derive(Clone, Debug)]
struct Complaint {
    /// `security`, `javascript`, `network`, …
    source: String,
    level: String,
    message: String,
}

impl Browser {
    /// Opens a browser. `None`, and a message that nobody misses, where there is no chromedriver; then the
    /// test ends, unless `PSA_PAY_REQUIRE_BROWSER` makes that a failure.
    pub async fn open() -> Option<Browser> {
        let slot = SLOTS.acquire().await.expect("nobody closes the slots");
        let Some(driver) = Driver::start() else {
            let why = "there is no chromedriver (Debian: apt install chromium chromium-driver)";
            left_out("THE BROWSER TESTS", why, "PSA_PAY_REQUIRE_BROWSER");
            return None;
        };
        let profile = Profile::new();
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities(&profile.0))
            .connect(&driver.url())
            .await
            .expect("chromedriver starts Chromium");
        let log = Mutex::new(Vec::new());
        let browser = Browser {
            client,
            _driver: driver,
            _profile: profile,
            _slot: slot,
            wait_max: WAIT_MAX,
            log,
        };
        browser
            .devtools(
                "Page.addScriptToEvaluateOnNewDocument",
                json!({ "source": LISTEN }),
            )
            .await;
        Some(browser)
    }

    /// The same browser, less patient or more.
    pub fn within(self, wait_max: Duration) -> Browser {
        Browser { wait_max, ..self }
    }

    /// Gives the page a screen of this size in CSS pixels; below 500 a window's size alone would not do.
    pub async fn screen(&self, width: u32, height: u32) {
        let mobile = width < 500;
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// Asks for dark or light, as the system's setting does.
    pub async fn colours(&self, scheme: Scheme) {
        let value = match scheme {
            Scheme::Dark => "dark",
            Scheme::Light => "light",
        };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": value }] });
        self.devtools("Emulation.setEmulatedMedia", features).await;
    }

    /// Gives the browser a cookie of an origin.
    pub async fn cookie(&self, url: &str, name: &str, value: &str) {
        let cookie = json!({ "name": name, "value": value, "url": url });
        self.devtools("Network.setCookie", cookie).await;
    }

    /// From now on no page of this window may run a script.
    pub async fn without_scripts(&self) {
        self.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": true }))
            .await;
    }

    /// Opens another window and turns to it; answers the one that was in front before.
    pub async fn open_window(&self) -> WindowHandle {
        let before = self.client.window().await.expect("there is a window");
        let opened = self
            .client
            .new_window(false)
            .await
            .expect("a window can be opened");
        self.turn_to(opened.handle).await;
        self.devtools(
            "Page.addScriptToEvaluateOnNewDocument",
            json!({ "source": LISTEN }),
        )
        .await;
        before
    }

    /// Turns to another window.
    pub async fn turn_to(&self, window: WindowHandle) {
        self.client
            .switch_to_window(window)
            .await
            .expect("the window is open");
    }

    /// Writes what is to be seen as a PNG file, with its folder.
    pub async fn screenshot(&self, path: &Path) {
        let png = self
            .client
            .screenshot()
            .await
            .expect("Chromium makes a screenshot");
        let folder = path.parent().expect("a file is in a folder");
        std::fs::create_dir_all(folder).expect("the folder can be made");
        std::fs::write(path, png).expect("the screenshot can be written");
    }

    /// Every breach of a content security policy since the browser was opened, in any frame. Goes to the top.
    pub async fn violations(&self) -> Vec<String> {
        let mut violations = self.complaints(|complaint| complaint.source == "security").await;
        self.to_top().await;
        let seen = self.run("return window.policyViolations || []", vec![]).await;
        let seen = seen.as_array().cloned().unwrap_or_default();
        violations.extend(
            seen.into_iter()
                .map(|violation| violation.as_str().unwrap_or_default().to_owned()),
        );
        violations
    }

    /// Every uncaught exception and failed request since the browser was opened, in any frame.
    pub async fn errors(&self) -> Vec<String> {
        self.complaints(|complaint| complaint.level == "SEVERE" && complaint.source != "security")
            .await
    }

    async fn complaints(&self, matches: fn(&Complaint) -> bool) -> Vec<String> {
        let new = self
            .client
            .issue_cmd(Post {
                path: "se/log",
                body: json!({ "type": "browser" }),
            })
            .await;
        let new = new.expect("chromedriver has the browser's log");
        let text = |line: &Value, key: &str| line[key].as_str().unwrap_or_default().to_owned();
        let new = new.as_array().into_iter().flatten().map(|line| Complaint {
            source: text(line, "source"),
            level: text(line, "level"),
            message: text(line, "message"),
        });
        let mut log = self.log.lock().expect("no test panics while it holds the log");
        log.extend(new);
        log.iter()
            .filter(|complaint| matches(complaint))
            .map(|complaint| complaint.message.clone())
            .collect()
    }

    /// Leaves all frames. WebDriver has a call for it, fantoccini has none.
    pub async fn to_top(&self) {
        let post = Post {
            path: "frame",
            body: json!({ "id": null }),
        };
        self.client.issue_cmd(post).await.expect("there is always a top");
    }

    /// A call of Chromium's DevTools protocol.
    async fn devtools(&self, command: &str, params: Value) -> Value {
        let post = Post {
            path: "goog/cdp/execute",
            body: json!({ "cmd": command, "params": params }),
        };
        match self.client.issue_cmd(post).await {
            Ok(answer) => answer,
            Err(error) => panic!("{command}: {error}"),
        }
    }
}

fn capabilities(profile: &Path) -> fantoccini::wd::Capabilities {
    let profile = format!("--user-data-dir={}", profile.display());
    let args: Vec<&str> = FLAGS.into_iter().chain([profile.as_str()]).collect();
    let mut options = json!({ "args": args });
    if let Ok(chromium) = std::env::var("CHROMIUM") {
        options["binary"] = json!(chromium);
    }
    let capabilities = [
        ("browserName".to_owned(), json!("chrome")),
        ("goog:chromeOptions".to_owned(), options),
        ("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" })),
    ];
    capabilities.into_iter().collect()
}

/// A command of chromedriver's that fantoccini does not have.
#[derive(Debug)]
struct Post {
    /// Behind the session's address.
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Post {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, <Url as std::str::FromStr>::Err> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _url: &Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}

/// The folder of one browser, removed with it.
#[derive(Debug)]
struct Profile(PathBuf);

impl Profile {
    fn new() -> Profile {
        let number = PROFILES.fetch_add(1, Ordering::Relaxed);
        let name = format!("browser-{}-{number}", std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&folder).expect("the target folder can be written");
        Profile(folder)
    }
}

impl Drop for Profile {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{}: {error}", self.0.display());
        }
    }
}
