//! What is made of the facts: a pure function, so that every fault can be tried.

mod at_stripe;
mod database;
mod server;

use domain::Mode;

use super::Line;
use super::facts::Facts;
use crate::config::{ApiBase, Config};

/// Beyond this Stripe's signatures are refused (300 s); half of it is a clock that nobody sets.
const CLOCK_OFF_MAX_S: i64 = 150;
const CLOCK_OFF_WARNS_S: i64 = 10;

/// A line for everything that was looked at, and for what was not because a variable cannot be used.
pub fn judge(facts: &Facts) -> Vec<Line> {
    let mut lines = variables(facts);
    lines.extend(file(facts));
    let Some(config) = &facts.config else {
        return lines;
    };
    lines.extend(settings(facts, config));
    for mode in &facts.modes {
        lines.extend(at_stripe::judge(facts, config, mode));
    }
    lines.extend(at_stripe::one_account(facts));
    lines.push(clock(facts));
    lines.extend(server::judge(facts, config));
    lines.extend(database::judge(facts, config));
    lines.push(mail(config, facts));
    lines
}

fn variables(facts: &Facts) -> Vec<Line> {
    if facts.variables.is_empty() {
        return vec![Line::ok("variables", "every variable can be used")];
    }
    let wrong = facts.variables.iter();
    wrong
        .map(|one| Line::failure(format!("variable.{}", one.name), &one.says, &one.remedy))
        .collect()
}

/// What is odd about the file of variables, and about names.
fn file(facts: &Facts) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(file) = &facts.file {
        let path = &file.path;
        lines.extend(file.readable_by_others.then(|| {
            let says = format!("everybody on this machine may read {path}");
            Line::warning("env_file", says, format!("chmod 600 {path}"))
        }));
        lines.extend(file.twice.iter().map(|name| {
            let says = format!("{path} sets {name} more than once, and the first counts");
            Line::warning(format!("name.{name}"), says, "remove all but one")
        }));
    }
    let remedy = "see .env.example for the names, and rename or remove it";
    let unread = facts.unread.iter();
    lines.extend(unread.map(|(name, why)| Line::warning(format!("name.{name}"), why, remedy)));
    lines
}

/// What stands in place of what needs a variable that cannot be used.
fn not_looked_at(code: &str, facts: &Facts, needs: &[&str]) -> Option<Line> {
    let name = needs.iter().find(|name| facts.is_unusable(name))?;
    Some(not_looked_at_for(code, name))
}

fn not_looked_at_for(code: &str, name: &str) -> Line {
    let says = format!("not looked at, because {name} cannot be used");
    Line::warning(code, says, format!("correct {name}, and look again"))
}

/// Whether real money is taken: live mode, and not against the simulator.
fn is_real(config: &Config) -> bool {
    config.mode == Mode::Live && config.stripe_api_base == ApiBase::Stripe
}

fn settings(facts: &Facts, config: &Config) -> Vec<Line> {
    let mut lines = Vec::new();
    let has_address = !facts.is_unusable("PUBLIC_URL");
    lines.extend(has_address.then(|| {
        match (config.public_url.is_https(), config.public_url.is_loopback()) {
            (true, _) => Line::ok("https", format!("payers come to {}", config.public_url)),
            (false, true) => Line::ok("https", "PUBLIC_URL is this machine: for a trial"),
            (false, false) => Line::failure(
                "https",
                format!("PUBLIC_URL is {}, without TLS", config.public_url),
                "put a proxy with a certificate before the server, and name its https address",
            ),
        }
    }));
    let is_watched = config.metrics_token.is_some() || facts.is_unusable("METRICS_TOKEN");
    lines.push(match (is_real(config), is_watched) {
        (true, false) => Line::warning(
            "metrics",
            "nobody can watch it: METRICS_TOKEN is not set",
            "set METRICS_TOKEN and use the alerts in deploy/",
        ),
        _ => Line::ok("metrics", "METRICS_TOKEN is set, or not needed yet"),
    });
    let behind_proxy = has_address && config.public_url.is_https() && !config.public_url.is_loopback();
    let is_unnamed = config.trusted_proxies.is_empty() && !facts.is_unusable("TRUSTED_PROXIES");
    lines.push(match (behind_proxy && is_unnamed, is_real(config)) {
        (false, _) => Line::ok("proxies", "clients are told apart"),
        (true, real) => {
            let says =
                "TRUSTED_PROXIES is not set, so all clients look like the one proxy and share its limits";
            let remedy = "name the proxy's address in TRUSTED_PROXIES";
            match real {
                true => Line::failure("proxies", says, remedy),
                false => Line::warning("proxies", says, remedy),
            }
        }
    });
    lines
}

fn clock(facts: &Facts) -> Line {
    if let Some(line) = not_looked_at("clock", facts, &["STRIPE_API_BASE"]) {
        return line;
    }
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

fn mail(config: &Config, facts: &Facts) -> Line {
    if let Some(line) = not_looked_at("mail", facts, &["SMTP_URL", "MAIL_FROM"]) {
        return line;
    }
    match (&facts.mail_server, config.mode) {
        (Some(Ok(())), _) => Line::ok("mail", "the mail server is ready to take mails"),
        (Some(Err(why)), _) => Line::failure(
            "mail",
            format!("the mail server takes no mail: {why}"),
            "see host, port, user and password of SMTP_URL, and whether this machine may reach that port",
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
