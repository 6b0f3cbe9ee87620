//! Collecting the facts: Stripe, the server at `PUBLIC_URL`, the database and its disk, the clock. Whatever
//! does not answer is a fact too.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use domain::{Mode, TenantId};
use flows::endpoints::{self, Secrets, compare, fingerprint};
use flows::{Clock, instance as copies};
use store::db::{Engine, Options};
use store::{Db, Tx, backlog, instance as rows, migrate, reconciliation_breaks, users};
use stripe::{CallError, HttpRequest, Method, Secret};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::facts::{CallFailed, DatabaseFacts, Facts, ModeFacts, ServerFacts};
use crate::clock::SystemClock;
use crate::config::{ApiBase, Config, KeySet, MailConfig};
use crate::{backup, instance, ping, start};

/// A mail server that takes longer takes no mail that anybody would wait for.
const CONNECT: Duration = Duration::from_secs(5);

/// Stands for a `SECRET_KEY` that cannot be used, so that the rest can be looked at.
const STAND_IN: &str = "a_stand_in_that_signs_nothing_at_all";

type Lookup<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// Everything, one after the other.
pub async fn collect(lookup: Lookup<'_>) -> Facts {
    let now = SystemClock::default().now();
    let (config, variables) = configuration(lookup);
    let mut facts = Facts {
        variables,
        now: Some(now),
        ..Facts::default()
    };
    let Some(config) = config else { return facts };
    for mode in [Mode::Test, Mode::Live] {
        if let Some(keys) = config.keys(mode) {
            facts.modes.push(of_mode(&config, mode, keys).await);
        }
    }
    facts.server = of_server(&config).await;
    facts.clock_ahead_s = clock_ahead_s(&config).await;
    facts.database = of_database(&config).await;
    facts.mail_server = match &config.mail {
        Some(mail) => Some(of_mail(mail).await),
        None => None,
    };
    facts.config = Some(config);
    facts
}

/// The configuration, if it can be used at least but for webhook secrets, and all that is wrong with it.
fn configuration(lookup: Lookup<'_>) -> (Option<Config>, Vec<(String, String)>) {
    let errors = match Config::from_lookup(&lookup) {
        Ok(config) => return (Some(config), Vec::new()),
        Err(errors) => errors,
    };
    let said = errors
        .iter()
        .map(|error| (error.variable.to_owned(), error.to_string()));
    let said: Vec<(String, String)> = said.collect();
    // What is wrong is left out, so that the rest can be looked at: each is a failure of its own.
    let wrong: HashSet<String> = said.iter().map(|(name, _)| name.clone()).collect();
    let rest = |name: &str| match (name, wrong.contains(name)) {
        // Needed for nothing that is looked at here.
        ("SECRET_KEY", true) => Some(STAND_IN.to_owned()),
        (_, true) => None,
        (_, false) => lookup(name),
    };
    (Config::before_webhooks(&rest).ok(), said)
}

async fn of_mode(config: &Config, mode: Mode, keys: &KeySet) -> ModeFacts {
    let label = mode.label();
    let mut pings = Vec::new();
    for (variable, secrets) in [
        (format!("STRIPE_{label}_WEBHOOK_SECRET"), &keys.webhook_secrets),
        (
            format!("STRIPE_{label}_WEBHOOK_SECRET_THIN"),
            &keys.webhook_secrets_thin,
        ),
    ] {
        for (nth, secret) in secrets.iter().enumerate() {
            let name = match nth {
                0 => variable.clone(),
                nth => format!("{variable}.{}", nth + 1),
            };
            pings.push((name, ping::send(config, secret).await));
        }
    }
    let client = start::client(config, mode);
    let account = match &client {
        Err(why) => Err(CallFailed::Silent(why.clone())),
        Ok(client) => stripe::accounts::own_id(client).await.map_err(failed),
    };
    let known: Vec<String> = keys
        .webhook_secrets
        .iter()
        .chain(&keys.webhook_secrets_thin)
        .map(fingerprint)
        .collect();
    let origin = config.public_url.origin();
    let endpoints = match &client {
        Err(why) => Err(why.clone()),
        Ok(client) => endpoints::read_with(client, origin)
            .await
            .map(|found| {
                let secrets = Secrets {
                    configured: known.clone(),
                    ..Secrets::default()
                };
                compare(origin, &found, &secrets).0
            })
            .map_err(|failure| failure.to_string()),
    };
    let of_key = keys.account_of_publishable_key();
    let keys_of_one_account = match (&account, of_key) {
        (Ok(account), Some(of_key)) => account
            .strip_prefix("acct_")
            .is_none_or(|id| id == format!("1{of_key}")),
        _ => true,
    };
    ModeFacts {
        mode,
        account,
        keys_of_one_account,
        endpoints,
        pings,
        secrets: known.len(),
    }
}

fn failed(error: CallError) -> CallFailed {
    match error {
        CallError::Rejected(rejection) if rejection.is_key_refused() => CallFailed::KeyRefused,
        CallError::Unknown(unknown) => CallFailed::Silent(unknown.why),
        other => CallFailed::Refused(other.to_string()),
    }
}

async fn of_server(config: &Config) -> ServerFacts {
    let nobodys = Secret::new(format!("whsec_{:032x}", SystemClock::default().random()));
    let wrong_secret = ping::send(config, &nobodys).await;
    let ready = get(config, &format!("{}/readyz", config.public_url.origin())).await;
    ServerFacts {
        ready: Some(ready.map(|(status, body, _)| (status, body))),
        wrong_secret: Some(wrong_secret),
        plain_http_serves: plain_http_serves(config).await,
    }
}

/// Whether the public host answers over plain http with more than a way to https. Nothing else here speaks
/// plain http to another machine, so this says the least that HTTP allows.
async fn plain_http_serves(config: &Config) -> bool {
    let Some(host) = config.public_url.wallet_domain() else {
        return false;
    };
    let asked = async {
        let mut stream = tokio::net::TcpStream::connect((host, 80)).await?;
        let request = format!("GET /healthz HTTP/1.0\r\nHost: {host}\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut status = [0; 12];
        stream.read_exact(&mut status).await?;
        Ok::<_, std::io::Error>(status)
    };
    let answer = tokio::time::timeout(CONNECT, asked).await;
    answer.is_ok_and(|answer| answer.is_ok_and(|status| status.ends_with(b" 200")))
}

/// Status, text and the `Date` header of an address.
async fn get(config: &Config, url: &str) -> Result<(u16, String, Option<String>), String> {
    let near = match &config.stripe_api_base {
        ApiBase::Other(origin) => origin.is_loopback() && config.public_url.is_loopback(),
        ApiBase::Stripe => config.public_url.is_loopback() && url.starts_with("http:"),
    };
    let request = HttpRequest {
        method: Method::Get,
        url: url.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    let answer = start::transport_to(near)?
        .send(request)
        .await
        .map_err(|none| none.0)?;
    let date = answer.header("date").map(str::to_owned);
    Ok((
        answer.status,
        String::from_utf8_lossy(&answer.body).into_owned(),
        date,
    ))
}

/// Stripe dates every answer, a refusal too.
async fn clock_ahead_s(config: &Config) -> Option<i64> {
    let url = format!("{}/v1/account", config.stripe_api_base.api_origin());
    let (_, _, date) = get(config, &url).await.ok()?;
    let theirs = jiff::fmt::rfc2822::parse(&date?).ok()?;
    Some(SystemClock::default().now().seconds() - theirs.timestamp().as_second())
}

async fn of_mail(mail: &MailConfig) -> Result<(), String> {
    let address = (mail.server.host.clone(), mail.server.port);
    let connected = tokio::time::timeout(CONNECT, tokio::net::TcpStream::connect(address)).await;
    match connected {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("no answer within 5 s".to_owned()),
    }
}

async fn of_database(config: &Config) -> DatabaseFacts {
    let mut facts = DatabaseFacts::default();
    let options = Options {
        beside: true,
        ..start::options(config)
    };
    let db = match Db::open(config.database_url.expose(), options).await {
        Ok(db) => db,
        Err(error) => {
            facts.unreachable = Some(error.to_string());
            return facts;
        }
    };
    facts.engine = Some(db.engine());
    let file = instance::sqlite_file(config).filter(|_| db.engine() == Engine::Sqlite);
    let marker = match file.as_deref() {
        Some(file) => instance::marker(file),
        None => copies::Marker {
            place: copies::place(&db).await,
            ..copies::Marker::default()
        },
    };
    let read = db.read(move |tx| {
        let mut read = read(tx)?;
        let known = rows::get(tx)?;
        let copied = copies::judge(known.as_ref(), rows::is_in_use(tx)?, &marker);
        read.copied = copied.map(str::to_owned);
        read.live_locked = rows::lock(tx)?;
        Ok::<_, store::Error>(read)
    });
    match read.await {
        Ok(read) => {
            facts = DatabaseFacts {
                engine: facts.engine,
                ..read
            }
        }
        Err(error) => facts.unreachable = Some(error.to_string()),
    }
    db.close().await;
    if let Some(file) = file {
        facts.passing_disk = passing_disk(&file);
        facts.free_bytes = free_bytes(&file);
        let mode = fs::metadata(&file).map_or(0, |found| found.permissions().mode());
        facts.readable_by_others = mode & 0o004 != 0 && !folder_is_closed(&file);
        facts.last_backup = backup::last(&file);
    }
    facts
}

fn read(tx: &mut Tx<'_>) -> Result<DatabaseFacts, store::Error> {
    let steps = (migrate::applied(tx)?, migrate::MIGRATIONS.len());
    let mut unable = Vec::new();
    for mode in [Mode::Test, Mode::Live] {
        unable.push((mode, rows::unable_to_charge(tx, mode)?));
    }
    let stuck = backlog::events_stuck(tx)?;
    let dead = stuck
        .iter()
        .filter(|group| group.state == "dead")
        .map(|group| group.rows);
    Ok(DatabaseFacts {
        steps,
        unable,
        dead_events: dead.sum(),
        breaks: reconciliation_breaks::count_open(tx)?,
        operators: users::in_role(tx, &TenantId::platform(), domain::Role::Operator)?,
        ..DatabaseFacts::default()
    })
}

fn folder_is_closed(file: &Path) -> bool {
    let folder = folder_of(file);
    fs::metadata(folder).is_ok_and(|folder| folder.permissions().mode() & 0o001 == 0)
}

fn folder_of(file: &Path) -> PathBuf {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or_else(|| Path::new("."));
    fs::canonicalize(parent).unwrap_or_else(|_| parent.to_owned())
}

/// The kind of a file system that goes with its machine or container; none for one that stays.
fn passing_disk(file: &Path) -> Option<String> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    passing_in(&mounts, &folder_of(file))
}

/// The same, of a list of mounts as Linux gives it.
pub fn passing_in(mounts: &str, folder: &Path) -> Option<String> {
    let kind_of = |line: &str| {
        let (mount, rest) = line.split_once(" - ")?;
        let at = mount.split(' ').nth(4)?;
        let kind = rest.split(' ').next()?;
        folder.starts_with(at).then(|| (at.len(), kind.to_owned()))
    };
    let (_, kind) = mounts
        .lines()
        .filter_map(kind_of)
        .max_by_key(|(length, _)| *length)?;
    ["tmpfs", "ramfs", "overlay", "aufs"]
        .contains(&kind.as_str())
        .then_some(kind)
}

/// As `df` says it; nothing where there is no such command.
fn free_bytes(file: &Path) -> Option<u64> {
    let mut df = Command::new("df");
    df.args(["--output=avail", "-B1"]).arg(folder_of(file));
    let said = df.output().ok().filter(|said| said.status.success())?;
    String::from_utf8_lossy(&said.stdout)
        .lines()
        .nth(1)?
        .trim()
        .parse()
        .ok()
}
