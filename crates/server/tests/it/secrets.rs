//! Secrets stay where they are: the program runs as an operator starts it, with everything logged, while
//! payments succeed and fail; afterwards none of its secrets stands in its log, its answers or its database.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use domain::{Mode, Permissions, Scope};
use flows::{Actor, By, api_keys, onboarding, tenants};
use serde_json::{Value, json};
use server::config::Config;
use server::metrics::Metrics;
use server::{demo, start};
use simulator::Simulator;
use tokio::net::TcpListener;

use crate::browser::{WAIT_MAX, poll};

const SECRET_KEY: &str = "sk_test_psapay_canary_9d41";
const WEBHOOK_SECRET: &str = "whsec_psapay_canary_77ac";
const LINK_KEY: &str = "a-canary-in-the-place-of-the-secret-key-5be2";
const STRANGE_KEY: &str = "ppk_test_canary_that_nobody_has_31f0";
const PERSON: &str = "canary.person@harbordental.example";

/// A folder, and the process that runs on it.
struct Installation {
    folder: PathBuf,
    child: Option<Child>,
}

impl Drop for Installation {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // Already ended where the test has stopped it.
            let _ended = child.kill();
            let _status = child.wait();
        }
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// The environment of the installation.
fn environment(folder: &Path, own: &str, stripe: &str) -> Vec<(&'static str, String)> {
    vec![
        ("STRIPE_MODE", "test".to_owned()),
        ("STRIPE_TEST_SECRET_KEY", SECRET_KEY.to_owned()),
        ("STRIPE_TEST_PUBLISHABLE_KEY", "pk_test_psapay_demo".to_owned()),
        ("STRIPE_TEST_WEBHOOK_SECRET", WEBHOOK_SECRET.to_owned()),
        ("STRIPE_API_BASE", stripe.to_owned()),
        ("PUBLIC_URL", format!("http://{own}")),
        ("LISTEN", own.to_owned()),
        (
            "DATABASE_URL",
            format!("sqlite:{}", folder.join("psa-pay.db").display()),
        ),
        ("SECRET_KEY", LINK_KEY.to_owned()),
        ("LOG_FORMAT", "json".to_owned()),
    ]
}

/// A tenant with an account and a key, made before the program starts; answers key and account.
async fn prepare(config: &Config, simulator: &Simulator) -> (String, String) {
    let app = start::app(config, &Metrics::default())
        .await
        .expect("the database opens");
    let by = By::new(Actor::CommandLine);
    let name = "Northwind IT Services";
    let added = tenants::add(&app, &by, app.moment(), name, None, &[]).await;
    let scope = Scope {
        tenant: added.unwrap().0.id,
        mode: Mode::Test,
    };
    let account = control(
        simulator,
        "/_simulator/accounts",
        &json!({"country": "US", "email": "owner@northwind.example", "business_name": "Northwind",
            "default_currency": "usd", "livemode": false}),
    );
    let account = account["id"].as_str().unwrap().to_owned();
    onboarding::connect(&app, &scope, &by, &account).await.unwrap();
    let new = api_keys::NewKey {
        name: "canary".to_owned(),
        permissions: Permissions::All,
        expires_at: None,
    };
    let made = api_keys::create(&app, &scope, &by, app.moment(), None, new).await;
    let secret = made.unwrap().1.expect("a new key with its secret");
    app.db.close().await;
    (secret.expose().to_owned(), account)
}

fn control(simulator: &Simulator, path: &str, body: &Value) -> Value {
    let answer = simulator.call(&simulator::Request {
        method: "POST".to_owned(),
        path: path.to_owned(),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: body.to_string().into_bytes(),
    });
    serde_json::from_slice(&answer.body).unwrap()
}

/// Somebody who keeps all that they are told.
struct Visitor {
    http: reqwest::Client,
    own: String,
    stripe: String,
    account: String,
    told: Vec<String>,
}

impl Visitor {
    async fn tell(&mut self, request: reqwest::RequestBuilder) -> Value {
        let answer = request.send().await.unwrap();
        let headers = format!("{:?}", answer.headers());
        let text = answer.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        self.told.extend([headers, text]);
        body
    }

    async fn api(&mut self, key: &str, method: reqwest::Method, path: &str, body: Value) -> Value {
        let request = self
            .http
            .request(method, format!("{}{path}", self.own))
            .bearer_auth(key);
        let request = request.header("idempotency-key", format!("canary-{path}"));
        self.tell(request.body(body.to_string())).await
    }

    /// Presses Pay with a card; answers what the page is told.
    async fn pay(&mut self, link: &str, card: &str) -> Value {
        let token = self
            .http
            .post(format!("{}/v1/test_helpers/confirmation_tokens", self.stripe))
            .bearer_auth(SECRET_KEY)
            .header("stripe-account", &self.account)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("payment_method={card}"));
        let token: Value = serde_json::from_str(&token.send().await.unwrap().text().await.unwrap()).unwrap();
        let public = format!("{}/api/public/invoices/{link}", self.own);
        let looked = self.tell(self.http.get(&public)).await;
        let body = json!({"confirmation_token": token["id"], "amount": looked["amount"], "currency": "usd",
            "page_token": looked["page_token"]});
        // A page has to be two seconds old, and this clock is the machine's.
        let answer = poll(WAIT_MAX, async || {
            let request = self.http.post(format!("{public}/pay"));
            let answer = self.tell(request.body(body.to_string())).await;
            (answer["code"] != "too_soon").then_some(answer)
        });
        answer.await.expect("the page grows old enough")
    }

    /// An open invoice; answers its id and link.
    async fn invoice(&mut self, key: &str, client: &str, nth: usize) -> (String, String) {
        let post = reqwest::Method::POST;
        let draft = json!({"client_id": client, "currency": "usd", "memo": format!("no. {nth}"),
            "lines": [{"description": "Managed workplace", "quantity": "1", "unit_price": 12_345}]});
        let request = self
            .http
            .post(format!("{}/api/invoices", self.own))
            .bearer_auth(key);
        let made = self.tell(request.body(draft.to_string())).await;
        let id = made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
        self.api(
            key,
            post.clone(),
            &format!("/api/invoices/{id}/finalize"),
            json!({}),
        )
        .await;
        let link = self
            .api(key, post, &format!("/api/invoices/{id}/pay-link"), json!({}))
            .await;
        let link = link["url"].as_str().unwrap_or_else(|| panic!("{link}"));
        (id, link.rsplit('/').next().unwrap().to_owned())
    }
}

/// What people do in a day, well and badly. Answers the client secrets that were handed out on purpose.
async fn a_day(visitor: &mut Visitor, key: &str) -> Vec<String> {
    let post = reqwest::Method::POST;
    let client = json!({"name": "Harbor Dental Group", "email": PERSON});
    let client = visitor.api(key, post.clone(), "/api/clients", client).await;
    let client = client["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{client}"))
        .to_owned();
    let mut secrets = Vec::new();
    for (nth, card) in [
        "pm_card_visa",
        "pm_card_chargeDeclined",
        "pm_card_authenticationRequired",
    ]
    .iter()
    .enumerate()
    {
        let (_, link) = visitor.invoice(key, &client, nth).await;
        let page = visitor.http.get(format!("{}/pay/{link}", visitor.own));
        visitor.tell(page).await;
        let answer = visitor.pay(&link, card).await;
        secrets.extend(answer["client_secret"].as_str().map(str::to_owned));
        let check = visitor
            .http
            .post(format!("{}/api/public/invoices/{link}/check", visitor.own));
        let answer = visitor.tell(check).await;
        secrets.extend(answer["client_secret"].as_str().map(str::to_owned));
    }
    let (id, _) = visitor.invoice(key, &client, 3).await;
    let intent = visitor
        .api(
            key,
            post.clone(),
            &format!("/api/invoices/{id}/payment-intent"),
            json!({}),
        )
        .await;
    secrets.extend(intent["client_secret"].as_str().map(str::to_owned));
    // A stranger, a forged webhook, and bodies that are refused.
    visitor
        .api(STRANGE_KEY, post.clone(), "/api/clients", json!({"name": "x"}))
        .await;
    visitor
        .api(key, post, "/api/clients", json!({"name": 7, "email": PERSON}))
        .await;
    let forged = visitor.http.post(format!("{}/api/stripe/webhook", visitor.own));
    visitor
        .tell(
            forged
                .header("stripe-signature", "t=1,v1=00")
                .body(format!("{{\"{PERSON}\": 1}}")),
        )
        .await;
    secrets
}

async fn until_ready(http: &reqwest::Client, own: &str) {
    let mut looks = tokio::time::interval(Duration::from_millis(50));
    for _ in 0..1_200 {
        looks.tick().await;
        let answer = http.get(format!("{own}/readyz")).send().await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            return;
        }
    }
    panic!("the server does not start");
}

/// Waits until the newest payment's webhooks are applied: the tenant's fees are known.
async fn until_applied(visitor: &mut Visitor, key: &str) {
    let mut looks = tokio::time::interval(Duration::from_millis(50));
    for _ in 0..1_200 {
        looks.tick().await;
        let request = visitor
            .http
            .get(format!("{}/api/payments", visitor.own))
            .bearer_auth(key);
        let payments = visitor.tell(request).await;
        let listed = payments["data"].as_array().cloned().unwrap_or_default();
        if listed.iter().any(|payment| payment["net"].is_i64()) {
            return;
        }
    }
    panic!("the webhooks are not applied");
}

#[track_caller]
fn assert_absent(place: &str, text: &str, canaries: &[&str]) {
    for canary in canaries {
        assert!(!text.contains(canary), "{canary} stands in {place}");
    }
}

/// A collector can read every line, and what a request or an event did is found by its id.
#[track_caller]
fn assert_log_is_json_with_request_ids(log: &str, told: &[String]) {
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let id_in = |line: &Value, span: &str| {
        let spans = line["spans"].as_array().cloned().unwrap_or_default();
        let found = spans.iter().find(|found| found["name"] == span);
        found.map(|found| found["id"].as_str().unwrap_or_default().to_owned())
    };
    let received = |line: &&Value| {
        let message = line["fields"]["message"].as_str();
        message.is_some_and(|message| message.starts_with("Webhook received"))
    };
    for line in lines.iter().filter(received) {
        let id = id_in(line, "request").unwrap_or_else(|| panic!("no request in {line}"));
        assert!(id.starts_with("req_"), "{line}");
    }
    let answered = lines.iter().filter_map(|line| id_in(line, "request"));
    let known = answered.filter(|id| told.iter().any(|text| text.contains(id.as_str())));
    assert!(known.count() > 0, "no line carries the id that an answer carried");
    let events = lines.iter().filter_map(|line| id_in(line, "event"));
    assert!(
        events.filter(|id| id.starts_with("evt_")).count() > 0,
        "no line carries an event's id"
    );
}

/// The program with everything logged, on a prepared database, and a visitor at its door; answers the
/// tenant's key.
async fn open_installation(installation: &mut Installation) -> (Visitor, String) {
    let stripes = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stripe = format!("http://{}", stripes.local_addr().unwrap());
    let address = own.local_addr().unwrap();
    let webhook = format!("http://{address}/api/stripe/webhook");
    let simulator = Simulator::new(simulator::Config {
        endpoints: demo::endpoints(&webhook, WEBHOOK_SECRET, demo::LIVE_WEBHOOK_SECRET),
        ..simulator::Config::default()
    })
    .unwrap();
    tokio::spawn(simulator.clone().serve(stripes, std::future::pending()));
    let folder = installation.folder.clone();
    let variables = environment(&folder, &address.to_string(), &stripe);
    let lookup = |name: &str| {
        let variable = variables.iter().find(|(key, _)| *key == name);
        variable.map(|(_, value)| value.clone())
    };
    let config = Config::from_lookup(&lookup).unwrap_or_else(|errors| panic!("{errors:?}"));
    let (key, account) = prepare(&config, &simulator).await;
    drop(own);
    let log = File::create(folder.join("log")).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_psa-pay"));
    program
        .arg("serve")
        .env_clear()
        .envs(variables)
        .env("RUST_LOG", "trace");
    program
        .current_dir(&folder)
        .stdout(log)
        .stderr(File::create(folder.join("console")).unwrap());
    installation.child = Some(program.spawn().unwrap());
    let http = crate::town::web()
        .timeout(Duration::from_secs(60))
        .build()
        .unwrap();
    let own = format!("http://{address}");
    until_ready(&http, &own).await;
    let visitor = Visitor {
        http,
        own,
        stripe,
        account,
        told: Vec::new(),
    };
    (visitor, key)
}

#[test]
fn no_secret_stands_in_the_log_in_an_answer_or_in_the_database() {
    drop(rustls::crypto::ring::default_provider().install_default());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("secrets-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let mut installation = Installation {
        folder: folder.clone(),
        child: None,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let (key, told, secrets) = runtime.block_on(async {
        let (mut visitor, key) = open_installation(&mut installation).await;
        let secrets = a_day(&mut visitor, &key).await;
        until_applied(&mut visitor, &key).await;
        (key, visitor.told, secrets)
    });
    if let Some(mut child) = installation.child.take() {
        child.kill().unwrap();
        child.wait().unwrap();
    }

    assert!(secrets.len() >= 2, "{secrets:?}");
    assert!(
        secrets.iter().all(|secret| secret.contains("_secret_")),
        "{secrets:?}"
    );
    let always = [SECRET_KEY, WEBHOOK_SECRET, LINK_KEY, key.as_str(), STRANGE_KEY];
    let handed_out: Vec<&str> = secrets.iter().map(String::as_str).collect();
    let log = fs::read_to_string(folder.join("log")).unwrap();
    assert!(
        log.contains("Webhook received"),
        "the log is not the program's: {log}"
    );
    assert_log_is_json_with_request_ids(&log, &told);
    assert_absent("the log", &log, &always);
    assert_absent("the log", &log, &[PERSON, "_secret_"]);
    for text in &told {
        assert_absent("an answer", text, &always);
    }
    for file in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
        if file.file_name().is_some_and(|name| name != "log") {
            let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
            let place = file.display().to_string();
            assert_absent(&place, &text, &always);
            assert_absent(&place, &text, &handed_out);
        }
    }
}
