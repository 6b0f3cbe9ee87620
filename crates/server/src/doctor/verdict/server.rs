//! What is made of the server at `PUBLIC_URL`.

use super::super::Line;
use super::super::facts::{Facts, ServerFacts};
use super::not_looked_at;
use crate::config::Config;
use crate::ping::{Answer, Pong, print_of_key};

/// A line for everything about the server.
pub fn judge(facts: &Facts, config: &Config) -> Vec<Line> {
    if let Some(line) = not_looked_at("server", facts, &["PUBLIC_URL"]) {
        return vec![line];
    }
    let server = &facts.server;
    let pongs = facts.modes.iter().flat_map(|mode| &mode.pings);
    let pongs: Vec<&Pong> = pongs
        .filter_map(|ping| match &ping.answer {
            Ok(Answer::Taken(pong)) => Some(pong),
            Ok(Answer::Refused | Answer::Other(_)) | Err(_) => None,
        })
        .collect();
    let mut lines = vec![ready(config, server), wrong_secret(server, !pongs.is_empty())];
    lines.extend(running(facts, config, &pongs));
    lines.extend(page_headers(server, config, &pongs));
    if server.plain_http_serves {
        lines.push(Line::failure(
            "plain_http",
            "pay pages are served over plain http as well",
            "let the proxy send http on to https",
        ));
    }
    lines
}

fn ready(config: &Config, server: &ServerFacts) -> Line {
    let url = &config.public_url;
    match &server.ready {
        Some(Ok((200, text))) if text.contains("clock_skew") => Line::failure(
            "server",
            "the server refused a true signature because of its clock",
            "set the clock of its machine by NTP",
        ),
        Some(Ok((200, _))) => Line::ok("server", format!("{url} is ready")),
        Some(Ok((status, text))) => Line::failure(
            "server",
            format!("{url}/readyz answers {status}: {}", shortened(text)),
            "see the server's log, and whether PUBLIC_URL leads to it",
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
    }
}

/// What a page says that is nobody's answer of ours is not shown in whole.
fn shortened(text: &str) -> String {
    const CHARS_MAX: usize = 300;
    text.trim().chars().take(CHARS_MAX).collect()
}

/// `is_ours`: something there answers a right signature as only psa-pay does.
fn wrong_secret(server: &ServerFacts, is_ours: bool) -> Line {
    match &server.wrong_secret {
        Some(Ok(Answer::Refused)) => Line::ok("wrong_secret", "a word with a wrong signature is refused"),
        // A proxy may have put a page of its own in place of ours.
        Some(Ok(Answer::Other(401))) if is_ours => {
            Line::ok("wrong_secret", "a word with a wrong signature is refused")
        }
        Some(Ok(Answer::Other(401))) => Line::failure(
            "wrong_secret",
            "PUBLIC_URL answers 401 to a wrong signature, but not as psa-pay does",
            "see whether PUBLIC_URL leads to psa-pay, and whether a proxy asks for a login before it",
        ),
        Some(Ok(Answer::Taken(_))) => Line::failure(
            "wrong_secret",
            "PUBLIC_URL takes a word with a wrong signature",
            "restart the server from a release that you trust",
        ),
        Some(Ok(Answer::Other(status))) => Line::failure(
            "wrong_secret",
            format!("PUBLIC_URL answers {status} to a wrong signature, where 401 is right"),
            "PUBLIC_URL leads to something else than psa-pay, or a proxy answers in its place",
        ),
        Some(Err(_)) | None => Line::warning(
            "wrong_secret",
            "whether a wrong signature is refused is not known",
            "start the server, and look again",
        ),
    }
}

/// Whether the server that runs was started with this configuration.
fn running(facts: &Facts, config: &Config, pongs: &[&Pong]) -> Vec<Line> {
    if pongs.is_empty() {
        return Vec::new();
    }
    let mut lines = Vec::new();
    let restart = "restart it with this configuration, or correct the configuration";
    let other_mode = pongs.iter().find(|pong| pong.mode != config.mode.word());
    lines.extend(match other_mode {
        _ if facts.is_unusable("STRIPE_MODE") => not_looked_at("running_mode", facts, &["STRIPE_MODE"]),
        Some(pong) => Some(Line::failure(
            "running_mode",
            format!(
                "the running server is in {}, and this configuration says {}",
                pong.mode.to_uppercase(),
                config.mode.label()
            ),
            restart,
        )),
        None => Some(Line::ok(
            "running_mode",
            format!("the running server is in {}, as configured", config.mode.label()),
        )),
    });
    let print = print_of_key(config);
    lines.extend(match pongs.iter().any(|pong| pong.secret_key != print) {
        _ if facts.is_unusable("SECRET_KEY") => None,
        true => Some(Line::failure(
            "running_key",
            "the running server has another SECRET_KEY than this configuration: pay links differ",
            restart,
        )),
        false => Some(Line::ok("running_key", "the running server has this SECRET_KEY")),
    });
    lines.extend(running_stripe(facts, config, pongs));
    lines
}

/// Whether the server that runs asks the Stripe that this configuration names.
fn running_stripe(facts: &Facts, config: &Config, pongs: &[&Pong]) -> Option<Line> {
    if facts.is_unusable("STRIPE_API_BASE") {
        return None;
    }
    let here = config.stripe_api_base.api_origin();
    Some(match other_stripe(config, pongs) {
        Some(other) => Line::failure(
            "running_stripe",
            format!("the running server asks Stripe at {other}, and this configuration names {here}"),
            "restart it with this configuration, or correct STRIPE_API_BASE",
        ),
        None => Line::ok("running_stripe", format!("Stripe is asked at {here}")),
    })
}

/// Where the server that runs finds Stripe, if that is elsewhere.
fn other_stripe<'a>(config: &Config, pongs: &[&'a Pong]) -> Option<&'a str> {
    let here = config.stripe_api_base.api_origin();
    let mut said = pongs.iter().filter_map(|pong| pong.stripe.as_deref());
    said.find(|stripe| *stripe != here)
}

/// Whether a proxy passes on what protects a pay page. A server that asks another Stripe sends other headers.
fn page_headers(server: &ServerFacts, config: &Config, pongs: &[&Pong]) -> Option<Line> {
    let is_ours = !pongs.is_empty() && other_stripe(config, pongs).is_none();
    let changed = server.page_headers.as_ref().filter(|_| is_ours)?;
    Some(match changed.as_slice() {
        [] => Line::ok(
            "page_headers",
            "pay pages come with the headers that protect them",
        ),
        changed => Line::warning(
            "page_headers",
            format!(
                "pay pages come without, or with others than, these headers: {}",
                changed.join(", ")
            ),
            "let the proxy pass them on as this server sends them, and set none of them itself",
        ),
    })
}
