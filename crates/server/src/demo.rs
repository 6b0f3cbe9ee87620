//! The whole product without keys or services: SQLite and the built-in Stripe in one folder, two sample MSPs
//! with clients and open invoices in both modes, and their pay links.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use domain::{Mode, Permissions, Scope};
use flows::api_keys::{self, NewKey};
use flows::{Actor, App, By, Failure, onboarding, pay_links, platform_keys};
use simulator::{EndpointConfig, Kind, Request, Simulator};
use store::lists::Only;
use store::{invoices, pay_links as links, tenants};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::mail::Mailer;
use crate::metrics::Metrics;
use crate::router::Site;
use crate::{env_file, log, start};

mod logins;
mod phone;
mod samples;

/// Signs the simulator's test events to the demo.
pub const TEST_WEBHOOK_SECRET: &str = "whsec_psapay_demo_test";
/// Signs the simulator's live events to the demo.
pub const LIVE_WEBHOOK_SECRET: &str = "whsec_psapay_demo_live";
/// Environment for `serve` on the demo's folder, written there at every start.
const ENV_FILE: &str = "serve.env";
/// Where the demo's API keys are kept to be printed again: sample data, not real keys.
const KEYS_FILE: &str = "api-keys.txt";

/// Runs the demo until `shutdown` is done.
///
/// # Errors
/// A sentence that says what could not be done.
pub async fn run(
    data: &Path,
    listen: SocketAddr,
    simulator_listen: SocketAddr,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), String> {
    std::fs::create_dir_all(data).map_err(|error| format!("{}: {error}", data.display()))?;
    let own = start::listen(listen).await.map_err(|error| error.to_string())?;
    let stripes = start::listen(simulator_listen)
        .await
        .map_err(|error| error.to_string())?;
    let phone = phone_listener(simulator_listen).await?;
    let own_address = own.local_addr().map_err(|error| error.to_string())?;
    let stripe_address = stripes.local_addr().map_err(|error| error.to_string())?;
    let webhook = format!("http://{own_address}/api/stripe/webhook");
    let simulator = Simulator::new(simulator::Config {
        data: Some(data.join("simulator")),
        endpoints: endpoints(&webhook, TEST_WEBHOOK_SECRET, LIVE_WEBHOOK_SECRET),
        ..simulator::Config::default()
    })
    .map_err(|error| error.to_string())?;
    let env = environment(data, own_address, stripe_address, &application(&simulator))?;
    let config = Config::from_lookup(&|name| env.get(name).cloned()).map_err(|errors| {
        errors
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    })?;
    log::start(config.log_format);

    let (stop, mut stopped) = watch::channel(false);
    let stripe = tokio::spawn(simulator.clone().serve(stripes, async move {
        // An error means that the sender is gone, which is a stop too.
        let _gone = stopped.wait_for(|stop| *stop).await;
    }));

    let metrics = Metrics::default();
    let app = start::app(&config, &metrics)
        .await
        .map_err(|error| error.to_string())?;
    let origin = config.public_url.origin().to_owned();
    let press = start::press(&config).map_err(|error| error.to_string())?;
    let site = Site {
        metrics,
        mailer: Some(Mailer::catching(Arc::default())),
        press,
        shows_styleguide: true,
        ..Site::new(app, Arc::new(config), &origin)
    };
    let keys = prepare(data, &site.app, &simulator).await?;
    print_guide(&site, data, stripe_address, &keys).await?;
    let phone = people(data, &site, phone, stop.subscribe()).await?;
    for line in site.config.banner() {
        tracing::info!("{line}");
    }
    let served = start::serve(site, own, shutdown)
        .await
        .map_err(|error| error.to_string());
    stop.send_replace(true);
    phone.await.map_err(|error| error.to_string())?;
    stripe
        .await
        .map_err(|error| error.to_string())?
        .map_err(|error| error.to_string())?;
    served
}

/// Makes the people who can log in, says who they are, and shows the codes of their authenticators.
async fn people(
    data: &Path,
    site: &Site,
    phone: TcpListener,
    mut stopped: watch::Receiver<bool>,
) -> Result<JoinHandle<()>, String> {
    let address = phone.local_addr().map_err(|error| error.to_string())?;
    let logins = logins::prepare(data, &site.app).await?;
    for line in logins::guide(&logins, &site.public_origin, &format!("http://{address}/")) {
        println!("{line}");
    }
    println!();
    let clock = Arc::clone(&site.app.clock);
    Ok(tokio::spawn(async move {
        let stopped = async move {
            // An error means that the sender is gone, which is a stop too.
            let _gone = stopped.wait_for(|stop| *stop).await;
        };
        phone::serve(phone, &logins, clock, stopped).await;
    }))
}

/// Beside the built-in Stripe, at the next port; at any, where that one is taken.
async fn phone_listener(stripe: SocketAddr) -> Result<TcpListener, String> {
    let port = match stripe.port() {
        0 => 0,
        port => port.saturating_add(1),
    };
    match start::listen(SocketAddr::new(stripe.ip(), port)).await {
        Ok(listener) => Ok(listener),
        Err(_) => {
            let any = SocketAddr::new(stripe.ip(), 0);
            start::listen(any).await.map_err(|error| error.to_string())
        }
    }
}

/// A platform and a Connect endpoint in each mode, all at one URL.
pub fn endpoints(url: &str, test_secret: &str, live_secret: &str) -> Vec<EndpointConfig> {
    [(false, test_secret), (true, live_secret)]
        .into_iter()
        .flat_map(|(livemode, secret)| {
            [false, true].map(|connect| EndpointConfig {
                url: url.to_owned(),
                secret: secret.to_owned(),
                livemode,
                connect,
                kind: Kind::Snapshot,
            })
        })
        .collect()
}

/// The platform's client id for OAuth at the simulator; nothing if it does not say.
pub fn application(simulator: &Simulator) -> String {
    let answer = simulator.call(&Request {
        method: "GET".to_owned(),
        path: "/_simulator/state".to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
    });
    let state: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    state["application"].as_str().unwrap_or_default().to_owned()
}

/// The demo's configuration, also written to a file so that `serve` can run on the same folder.
fn environment(
    data: &Path,
    own: SocketAddr,
    stripe: SocketAddr,
    client_id: &str,
) -> Result<BTreeMap<String, String>, String> {
    let path = data.join(ENV_FILE);
    let problem = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let kept = match dotenvy::from_path_iter(&path) {
        Ok(lines) => lines
            .collect::<Result<BTreeMap<_, _>, _>>()
            .map_err(|error| env_file::problem(&path, &error))?,
        Err(error) if error.not_found() => BTreeMap::new(),
        Err(error) => return Err(env_file::problem(&path, &error)),
    };
    let secret_key = kept.get("SECRET_KEY").cloned().unwrap_or_else(fresh_secret);
    let mode = std::env::var("STRIPE_MODE").unwrap_or_else(|_| "test".to_owned());
    let proxies = std::env::var("TRUSTED_PROXIES").ok();
    let mut env: BTreeMap<String, String> = [
        ("STRIPE_MODE", mode),
        ("STRIPE_TEST_SECRET_KEY", "sk_test_psapay_demo".to_owned()),
        ("STRIPE_TEST_PUBLISHABLE_KEY", "pk_test_psapay_demo".to_owned()),
        ("STRIPE_TEST_WEBHOOK_SECRET", TEST_WEBHOOK_SECRET.to_owned()),
        ("STRIPE_TEST_CLIENT_ID", client_id.to_owned()),
        ("STRIPE_LIVE_CLIENT_ID", client_id.to_owned()),
        ("STRIPE_LIVE_SECRET_KEY", "sk_live_psapay_demo".to_owned()),
        ("STRIPE_LIVE_PUBLISHABLE_KEY", "pk_live_psapay_demo".to_owned()),
        ("STRIPE_LIVE_WEBHOOK_SECRET", LIVE_WEBHOOK_SECRET.to_owned()),
        ("STRIPE_API_BASE", format!("http://{stripe}")),
        (
            "DATABASE_URL",
            format!("sqlite:{}", data.join("psa-pay.db").display()),
        ),
        ("PUBLIC_URL", format!("http://{own}")),
        ("LISTEN", own.to_string()),
        ("SECRET_KEY", secret_key),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    if let Some(proxies) = proxies {
        env.insert("TRUSTED_PROXIES".to_owned(), proxies);
    }
    let lines: String = env
        .iter()
        .map(|(name, value)| format!("{name}={value}\n"))
        .collect();
    write_private(&path, &lines).map_err(|error| problem(&error))?;
    Ok(env)
}

fn fresh_secret() -> String {
    use flows::Clock;
    let clock = crate::clock::SystemClock::default();
    format!("{:032x}{:032x}", clock.random(), clock.random())
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

/// Fills an empty database; a filled one is left as it is. Answers the API keys, one a line.
async fn prepare(data: &Path, app: &App, simulator: &Simulator) -> Result<String, String> {
    let path = data.join(KEYS_FILE);
    let count = app
        .db
        .read(tenants::count)
        .await
        .map_err(|error: store::Error| error.to_string())?;
    if count > 0 {
        return match std::fs::read_to_string(&path) {
            Ok(keys) => Ok(keys),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(format!("{}: {error}", path.display())),
        };
    }
    let by = By::new(Actor::CommandLine);
    let (_, platform_key) = platform_keys::create(app, &by, "Demo")
        .await
        .map_err(|failure| failure.to_string())?;
    let mut keys = format!("platform {} the operator\n", platform_key.expose());
    for sample in samples::TENANTS {
        let made = add_tenant(app, simulator, sample).await;
        keys.push_str(&made.map_err(|error| format!("the sample data: {error}"))?);
    }
    let newcomer = add_newcomer(app).await;
    keys.push_str(&newcomer.map_err(|failure| format!("the sample data: {failure}"))?);
    write_private(&path, &keys).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(keys)
}

/// A tenant without a Stripe account, so that connecting one can be tried. Answers its API keys.
async fn add_newcomer(app: &App) -> Result<String, Failure> {
    let by = By::new(Actor::CommandLine);
    let tenant = flows::tenants::add(app, &by, app.moment(), samples::NEWCOMER, None, &[])
        .await?
        .0
        .id;
    let mut keys = String::new();
    for mode in [Mode::Test, Mode::Live] {
        let scope = Scope {
            tenant: tenant.clone(),
            mode,
        };
        let new = NewKey {
            name: "Demo".to_owned(),
            permissions: Permissions::All,
            expires_at: None,
        };
        let (_, key) = api_keys::create(app, &scope, &by, app.moment(), None, new).await?;
        let key = key.ok_or_else(|| Failure::Bug("a new key without its secret".to_owned()))?;
        let name = samples::NEWCOMER;
        keys.push_str(&format!("{} {} {name}\n", mode.word(), key.expose()));
    }
    Ok(keys)
}

async fn add_tenant(app: &App, simulator: &Simulator, sample: &samples::Tenant) -> Result<String, String> {
    let by = By::new(Actor::CommandLine);
    let added = flows::tenants::add(
        app,
        &by,
        app.moment(),
        sample.name,
        Some(sample.support_email),
        &[],
    )
    .await;
    let tenant = added.map_err(|failure| failure.to_string())?.0.id;
    let mut keys = String::new();
    for mode in [Mode::Test, Mode::Live] {
        let scope = Scope {
            tenant: tenant.clone(),
            mode,
        };
        let account = connected_account(simulator, sample, mode)?;
        let app = App {
            active_mode: mode,
            ..app.clone()
        };
        onboarding::connect(&app, &scope, &by, &account)
            .await
            .map_err(|failure| failure.to_string())?;
        let new = NewKey {
            name: "Demo".to_owned(),
            permissions: Permissions::All,
            expires_at: None,
        };
        let (_, key) = api_keys::create(&app, &scope, &by, app.moment(), None, new)
            .await
            .map_err(|failure| failure.to_string())?;
        let key = key.ok_or("a new key without its secret")?;
        keys.push_str(&format!("{} {} {}\n", mode.word(), key.expose(), sample.name));
        for client in sample.clients {
            samples::add(&app, &scope, &by, sample, client)
                .await
                .map_err(|failure| failure.to_string())?;
        }
    }
    Ok(keys)
}

/// An account at the simulator that may take cards at once.
fn connected_account(simulator: &Simulator, sample: &samples::Tenant, mode: Mode) -> Result<String, String> {
    let body = serde_json::json!({
        "country": sample.country,
        "email": sample.support_email,
        "business_name": sample.name,
        "default_currency": sample.currency,
        "livemode": mode.is_live(),
        "bank_account": sample.bank_account,
    });
    let answer = simulator.call(&Request {
        method: "POST".to_owned(),
        path: "/_simulator/accounts".to_owned(),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: body.to_string().into_bytes(),
    });
    let value: serde_json::Value =
        serde_json::from_slice(&answer.body).map_err(|error| format!("the built-in Stripe: {error}"))?;
    value["id"]
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| format!("the built-in Stripe answered {value}"))
}

/// Prints where everything is: a person who has just started the demo reads nothing else.
async fn print_guide(site: &Site, data: &Path, stripe: SocketAddr, keys: &str) -> Result<(), String> {
    let mode = site.config.mode;
    println!("\npsa-pay demo, {} mode. No real money moves.\n", mode.label());
    println!("Open a pay link and pay with a test card:");
    println!("  4242 4242 4242 4242  paid          4000 0000 0000 0002  declined");
    println!(
        "  4000 0025 0000 3155  3D Secure     4000 0099 0000 0004  the one card that works in LIVE mode"
    );
    println!("  Any date in the future, any CVC.\n");
    for line in pay_link_lines(site, mode).await? {
        println!("{line}");
    }
    println!("\nAPI keys (Authorization: Bearer …):");
    for line in keys.lines() {
        println!("  {line}");
    }
    println!(
        "\nConnect Stripe for {}, which has no account yet, with its key:",
        samples::NEWCOMER
    );
    for (page, what) in [
        ("account", "makes the account"),
        ("link", "answers the address of Stripe's form"),
    ] {
        let url = format!("{}/api/stripe/connect/{page}", site.public_origin);
        println!("  curl -X POST -H \"Authorization: Bearer $KEY\" {url}   # {what}");
    }
    println!("\nAPI and pages:     {}", site.public_origin);
    println!("Parts of pages:    {}/styleguide", site.public_origin);
    println!("Mail:              {}/demo/mail", site.public_origin);
    println!("Built-in Stripe:   http://{stripe}");
    println!(
        "Everything is in   {}  (delete it to start over)\n",
        data.display()
    );
    Ok(())
}

/// The pay links of all open invoices of a mode.
async fn pay_link_lines(site: &Site, mode: Mode) -> Result<Vec<String>, String> {
    let key = site.app.link_key.clone();
    let found = site.app.db.read(move |tx| {
        let mut rows = Vec::new();
        for tenant in tenants::all(tx)? {
            let scope = Scope {
                tenant: tenant.id.clone(),
                mode,
            };
            for invoice in invoices::page(tx, &scope, &Only::default(), None, 100)?
                .into_iter()
                .rev()
            {
                let Some(link) = links::shared(tx, &scope, &invoice.id)? else {
                    continue;
                };
                let token = pay_links::token(&key, &link)?;
                rows.push((tenant.name.clone(), invoice, token));
            }
        }
        Ok::<_, Failure>(rows)
    });
    let rows = found.await.map_err(|failure| failure.to_string())?;
    let line = |(tenant, invoice, token): (String, invoices::Invoice, String)| {
        let number = invoice.number.unwrap_or_default();
        let (status, total) = (invoice.status.word(), invoice.total.to_string());
        format!(
            "  {tenant:<24} {number}  {total:>14}  {status:<10} {}",
            site.pay_url(&token)
        )
    };
    Ok(rows.into_iter().map(line).collect())
}
