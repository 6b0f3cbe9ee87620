//! What is made of the facts: a pure function, so that every fault can be tried.

use domain::Mode;
use domain::alarm::BACKUP_OLD_MS;
use store::db::Engine;
use store::instance::Lock;

use super::Line;
use super::facts::{CallFailed, DatabaseFacts, Facts, ModeFacts, ServerFacts};
use crate::config::{ApiBase, Config};

/// Beyond this Stripe's signatures are refused (300 s); half of it is a clock that nobody sets.
const CLOCK_OFF_MAX_S: i64 = 150;
const CLOCK_OFF_WARNS_S: i64 = 10;
/// Less room than this fills up within a busy day.
const FREE_BYTES_MIN: u64 = 512 * 1024 * 1024;

/// A line for everything that was looked at.
pub fn judge(facts: &Facts) -> Vec<Line> {
    let mut lines = variables(facts);
    let Some(config) = &facts.config else {
        return lines;
    };
    lines.extend(settings(config));
    for mode in &facts.modes {
        lines.extend(stripe(config, mode));
        lines.extend(endpoints(mode));
        lines.extend(pings(mode));
    }
    lines.extend(one_account(facts));
    lines.push(clock(facts));
    lines.extend(server(config, &facts.server));
    lines.extend(database(config, facts));
    lines.push(mail(config, facts));
    lines
}

fn variables(facts: &Facts) -> Vec<Line> {
    if facts.variables.is_empty() {
        return vec![Line::ok("variables", "every variable can be used")];
    }
    let line = |(name, says): &(String, String)| {
        Line::failure(format!("variable.{name}"), says, "correct this variable")
    };
    facts.variables.iter().map(line).collect()
}

/// Whether real money is taken: live mode, and not against the simulator.
fn is_real(config: &Config) -> bool {
    config.mode == Mode::Live && config.stripe_api_base == ApiBase::Stripe
}

fn settings(config: &Config) -> Vec<Line> {
    let mut lines = Vec::new();
    lines.push(
        match (config.public_url.is_https(), config.public_url.is_loopback()) {
            (true, _) => Line::ok("https", format!("payers come to {}", config.public_url)),
            (false, true) => Line::ok("https", "PUBLIC_URL is this machine: for a trial"),
            (false, false) => Line::failure(
                "https",
                format!("PUBLIC_URL is {}, without TLS", config.public_url),
                "put a proxy with a certificate before the server, and name its https address",
            ),
        },
    );
    lines.push(match (is_real(config), config.metrics_token.is_some()) {
        (true, false) => Line::warning(
            "metrics",
            "nobody can watch it: METRICS_TOKEN is not set",
            "set METRICS_TOKEN and use the alerts in deploy/",
        ),
        _ => Line::ok("metrics", "METRICS_TOKEN is set, or not needed yet"),
    });
    let behind_proxy = config.public_url.is_https() && !config.public_url.is_loopback();
    lines.push(match behind_proxy && config.trusted_proxies.is_empty() {
        true => Line::warning(
            "proxies",
            "TRUSTED_PROXIES is not set, so all clients look like the one proxy and share its limits",
            "name the proxy's address in TRUSTED_PROXIES",
        ),
        false => Line::ok("proxies", "clients are told apart"),
    });
    lines
}

fn named(what: &str, mode: &ModeFacts) -> String {
    format!("{what}.{}", mode.mode.word())
}

fn stripe(config: &Config, mode: &ModeFacts) -> Vec<Line> {
    let variable = format!("STRIPE_{}_SECRET_KEY", mode.mode.label());
    let account = match &mode.account {
        Ok(account) => Line::ok(
            named("stripe", mode),
            format!(
                "{} answers for {account} in version {}",
                config.stripe_api_base.api_origin(),
                stripe::API_VERSION
            ),
        ),
        Err(CallFailed::KeyRefused) => Line::failure(
            named("stripe", mode),
            "Stripe does not know the key",
            format!("put the platform's key into {variable}: it was rolled, or has a letter too few"),
        ),
        Err(CallFailed::Refused(why)) => Line::failure(
            named("stripe", mode),
            format!("Stripe refuses to answer: {why}"),
            format!(
                "see whether the key in {variable} may read accounts, and whether this release is current"
            ),
        ),
        Err(CallFailed::Silent(why)) => Line::failure(
            named("stripe", mode),
            format!("Stripe does not answer: {why}"),
            "let this machine reach api.stripe.com over https",
        ),
    };
    let keys = match mode.keys_of_one_account {
        true => Line::ok(named("keys", mode), "both keys can be of one account"),
        false => Line::failure(
            named("keys", mode),
            "the publishable key belongs to another account than the secret key",
            "copy both keys from the same account",
        ),
    };
    vec![account, keys]
}

fn endpoints(mode: &ModeFacts) -> Vec<Line> {
    let label = mode.mode.word();
    let setup = format!("run `psa-pay webhooks setup --mode {label}`");
    let standing = match &mode.endpoints {
        Ok(standing) => standing,
        Err(why) => {
            let says = format!("Stripe does not say where events go: {why}");
            let remedy = "let the key read and write webhook endpoints and event destinations";
            return vec![Line::failure(named("endpoints", mode), says, remedy)];
        }
    };
    let mut lines = Vec::new();
    for one in standing {
        let code = format!("endpoint.{label}.{}", one.role.word());
        let id = if one.id.is_empty() { "none" } else { &one.id };
        lines.push(if one.retiring {
            let says = format!("{id} has a successor, and still sends");
            let remedy = format!("run `psa-pay webhooks rotate --finish --mode {label}`");
            Line::warning(code, says, remedy)
        } else if !one.wrong.is_empty() {
            Line::failure(code, format!("{id}: {}", one.wrong.join(", ")), &setup)
        } else if one.secret_known == Some(false) {
            let says = format!("{id} signs with a secret that is not configured");
            let remedy = "put the line that was printed when it was made in place, or delete it in \
                          Stripe's dashboard and run `psa-pay webhooks setup`";
            Line::failure(code, says, remedy)
        } else {
            Line::ok(
                code,
                format!("{id} sends what is handled, of {}", one.role.says()),
            )
        });
    }
    lines
}

fn pings(mode: &ModeFacts) -> Vec<Line> {
    if mode.secrets == 0 {
        let variable = format!("STRIPE_{}_WEBHOOK_SECRET", mode.mode.label());
        let remedy = format!("run `psa-pay webhooks setup --mode {}`", mode.mode.word());
        let says = format!("{variable} is not set: no event is believed");
        return vec![Line::failure(named("secrets", mode), says, remedy)];
    }
    let line = |(variable, answer): &(String, Result<u16, String>)| match answer {
        Ok(200) => Line::ok(format!("secret.{variable}"), "the running server takes it"),
        Ok(401) => Line::failure(
            format!("secret.{variable}"),
            "the running server does not know this secret",
            "restart the server with this configuration",
        ),
        Ok(status) => Line::failure(
            format!("secret.{variable}"),
            format!("PUBLIC_URL answers {status} to a signed word"),
            "see whether PUBLIC_URL leads here, and its proxy passes /api/stripe/webhook on unchanged",
        ),
        Err(why) => Line::failure(
            format!("secret.{variable}"),
            format!("PUBLIC_URL does not answer: {why}"),
            "start the server, and see whether PUBLIC_URL leads to it",
        ),
    };
    mode.pings.iter().map(line).collect()
}

fn one_account(facts: &Facts) -> Option<Line> {
    let accounts: Vec<&String> = facts
        .modes
        .iter()
        .filter_map(|mode| mode.account.as_ref().ok())
        .collect();
    let [test, live] = accounts.as_slice() else {
        return None;
    };
    Some(match test == live {
        true => Line::ok("one_account", "TEST and LIVE are of one platform"),
        false => Line::warning(
            "one_account",
            format!("TEST is {test} and LIVE is {live}: a sandbox, or another platform"),
            "see that both are yours; what was tried in one says nothing of the other",
        ),
    })
}

fn clock(facts: &Facts) -> Line {
    match facts.clock_ahead_s {
        None => Line::warning(
            "clock",
            "Stripe did not say what time it is",
            "look again once it answers",
        ),
        Some(off) if off.abs() > CLOCK_OFF_MAX_S => Line::failure(
            "clock",
            format!("this clock is {off} s ahead of Stripe's: webhooks are refused"),
            "set it by NTP (systemd-timesyncd or chrony)",
        ),
        Some(off) if off.abs() > CLOCK_OFF_WARNS_S => Line::warning(
            "clock",
            format!("this clock is {off} s ahead of Stripe's"),
            "set it by NTP (systemd-timesyncd or chrony)",
        ),
        Some(_) => Line::ok("clock", "this clock and Stripe's agree"),
    }
}

fn server(config: &Config, server: &ServerFacts) -> Vec<Line> {
    let mut lines = Vec::new();
    let url = &config.public_url;
    lines.push(match &server.ready {
        Some(Ok((200, text))) if text.contains("clock_skew") => Line::failure(
            "server",
            "the server refused a true signature because of its clock",
            "set the clock of its machine by NTP",
        ),
        Some(Ok((200, _))) => Line::ok("server", format!("{url} is ready")),
        Some(Ok((status, text))) => Line::failure(
            "server",
            format!("{url}/readyz answers {status}: {}", text.trim()),
            "see the server's log",
        ),
        Some(Err(why)) => Line::failure(
            "server",
            format!("{url} does not answer: {why}"),
            "start `psa-pay serve`, and see whether PUBLIC_URL leads to it",
        ),
        None => Line::warning(
            "server",
            "nobody asked the server",
            "run the doctor where it can be reached",
        ),
    });
    lines.push(match &server.wrong_secret {
        Some(Ok(401)) => Line::ok("wrong_secret", "a word with a wrong signature is refused"),
        Some(Ok(status)) => Line::failure(
            "wrong_secret",
            format!("PUBLIC_URL answers {status} to a wrong signature, where 401 is right"),
            "PUBLIC_URL leads to something else than psa-pay, or a proxy answers in its place",
        ),
        Some(Err(_)) | None => Line::warning(
            "wrong_secret",
            "whether a wrong signature is refused is not known",
            "start the server, and look again",
        ),
    });
    if server.plain_http_serves {
        lines.push(Line::failure(
            "plain_http",
            "pay pages are served over plain http as well",
            "let the proxy send http on to https",
        ));
    }
    lines
}

fn database(config: &Config, facts: &Facts) -> Vec<Line> {
    let database = &facts.database;
    if let Some(why) = &database.unreachable {
        let remedy = "see DATABASE_URL, and start the server once so that the tables are made";
        return vec![Line::failure("database", why, remedy)];
    }
    let mut lines = vec![steps(database)];
    lines.extend(disk(config, database));
    lines.push(backups(config, facts));
    lines.push(copied(config, database));
    for (mode, count) in &database.unable {
        let code = format!("tenants.{}", mode.word());
        lines.push(match count {
            0 => Line::ok(code, "every connected tenant can charge"),
            count => Line::warning(
                code,
                format!("{count} connected tenants cannot charge"),
                "send their owners through Stripe's form: `GET /api/platform/tenants` names them",
            ),
        });
    }
    lines.push(match database.dead_events {
        0 => Line::ok("events", "every event was applied or waits its turn"),
        count => Line::failure(
            "events",
            format!("{count} events could not be applied"),
            "see `psa-pay webhooks events --status dead`, repair the cause, and `psa-pay webhooks replay`",
        ),
    });
    lines.push(match database.breaks {
        0 => Line::ok("breaks", "nothing differs from Stripe"),
        count => Line::warning(
            "breaks",
            format!("{count} differences from Stripe are open"),
            "look at each: GET /api/platform/breaks, or the operator's pages",
        ),
    });
    lines.push(match database.operators {
        0 => Line::warning(
            "operators",
            "nobody can log in as an operator",
            "open /setup with the token that `psa-pay serve` prints on standard error",
        ),
        _ => Line::ok("operators", "somebody can log in as an operator"),
    });
    lines
}

fn steps(database: &DatabaseFacts) -> Line {
    match database.steps {
        (applied, known) if applied < known => Line::failure(
            "schema",
            format!("{applied} of {known} steps of the schema are applied"),
            "run `psa-pay migrate`, or start the server of this version",
        ),
        (applied, known) if applied > known => Line::failure(
            "schema",
            "the database was migrated by a newer version",
            "run the newest version that ran here",
        ),
        _ => Line::ok("schema", "the tables are this version's"),
    }
}

fn disk(config: &Config, database: &DatabaseFacts) -> Vec<Line> {
    if database.engine != Some(Engine::Sqlite) {
        return Vec::new();
    }
    let mut lines = Vec::new();
    let remedy = "put the file on a volume that outlives the machine, or use PostgreSQL";
    lines.push(match &database.passing_disk {
        None => Line::ok("disk", "SQLite's file is on a disk that lasts"),
        Some(kind) if is_real(config) => Line::failure(
            "disk",
            format!("SQLite's file is on {kind}, which is gone with the machine: so would be every payment"),
            remedy,
        ),
        Some(kind) => Line::warning("disk", format!("SQLite's file is on {kind}"), remedy),
    });
    if database.free_bytes.is_some_and(|free| free < FREE_BYTES_MIN) {
        lines.push(Line::failure(
            "room",
            "less than 512 MB are free beside the database",
            "make room: a full disk takes no payment and no event",
        ));
    }
    if database.readable_by_others {
        lines.push(Line::failure(
            "permissions",
            "everybody on this machine may read the database",
            "chmod 600 the file, and 700 its folder",
        ));
    }
    lines
}

fn backups(config: &Config, facts: &Facts) -> Line {
    if facts.database.engine == Some(Engine::Postgres) {
        return Line::ok(
            "backups",
            "PostgreSQL's backups are your provider's: see that there are some",
        );
    }
    let age = facts
        .now
        .zip(facts.database.last_backup)
        .map(|(now, last)| now.ms() - last.ms());
    let remedy = "run `psa-pay backup --to FILE` every night, and keep the file elsewhere";
    let says = match age {
        Some(age) if age <= BACKUP_OLD_MS => return Line::ok("backups", "the last one is of today"),
        Some(age) => format!("the last one is {} hours old", age / 3_600_000),
        None => "there is none".to_owned(),
    };
    match config.mode {
        Mode::Live => Line::failure("backups", says, remedy),
        Mode::Test => Line::warning("backups", says, remedy),
    }
}

fn copied(config: &Config, database: &DatabaseFacts) -> Line {
    let remedy = match &database.live_locked {
        Some(Lock::Unsound(_)) => {
            "see who can write to the database, and deal with each break in the operator's pages"
        }
        _ => "run `psa-pay reconcile --since …` as the server's log says: it opens LIVE",
    };
    let why = database.live_locked.as_ref().map(Lock::because);
    match (why, &database.copied, config.mode) {
        (None, None, _) => Line::ok("instance", "the database is the one that was here before"),
        (Some(why), _, Mode::Live) => Line::failure("instance", format!("LIVE is locked: {why}"), remedy),
        (Some(why), _, Mode::Test) => Line::warning("instance", format!("LIVE is locked: {why}"), remedy),
        (None, Some(why), _) => Line::failure(
            "instance",
            why,
            "the next start locks LIVE until it is reconciled",
        ),
    }
}

fn mail(config: &Config, facts: &Facts) -> Line {
    match (&facts.mail_server, config.mode) {
        (Some(Ok(())), _) => Line::ok("mail", "the mail server answers"),
        (Some(Err(why)), _) => Line::failure(
            "mail",
            format!("the mail server does not answer: {why}"),
            "see SMTP_URL, and whether this machine may reach that port",
        ),
        (None, Mode::Live) => Line::failure(
            "mail",
            "SMTP_URL is not set: invoices, receipts and alerts are given up after three days",
            "set SMTP_URL and MAIL_FROM",
        ),
        (None, Mode::Test) => Line::warning(
            "mail",
            "SMTP_URL is not set: no mail goes out",
            "set it before LIVE",
        ),
    }
}

#[cfg(test)]
mod tests;
