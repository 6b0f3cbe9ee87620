//! `/operator/configuration`: in which mode the server works and how it is set up, as far as that is no
//! secret.

use axum::extract::State;
use axum::response::Response;
use domain::Mode;
use flows::instance;
use maud::{Markup, html};
use store::db::Engine;
use store::instance::Lock;

use crate::config::{Config, KeySet, Tls};
use crate::dashboard::page;
use crate::health;
use crate::html::{self as parts, Place, Tone};
use crate::people::Person;
use crate::router::Site;

const TITLE: &str = "Configuration";

/// `GET /operator/configuration`
pub async fn show(State(site): State<Site>, person: Person) -> Response {
    let works = health::takes_writes(&site).await;
    let lock = instance::lock(&site.app).await.ok().flatten();
    let content = content(&site, works, lock.as_ref());
    page(&person, Place::Configuration, TITLE, &content)
}

fn content(site: &Site, works: bool, lock: Option<&Lock>) -> Markup {
    let config = &site.config;
    let about = "It is read from the environment at the start. Secrets are never shown.";
    html! {
        (parts::title(TITLE, about, &html! {}))
        div .stack.loose {
            @if let Some(lock) = lock { (locked(lock)) }
            (mode(config))
            section .card {
                h2 { "Server" }
                (parts::facts(&server(site, works)))
            }
            @for mode in [Mode::Test, Mode::Live] { (keys(site, mode)) }
            section .card {
                h2 { "Mail" }
                (parts::facts(&mail(site)))
            }
            (super::jobs::silence(site))
        }
    }
}

/// That live mode is locked, why, and what opens it again.
pub fn locked(lock: &Lock) -> Markup {
    let remedy = match lock {
        Lock::Copy(locked) => {
            let since = jiff::Timestamp::from_millisecond(locked.reconcile_since.ms()).unwrap_or_default();
            html! {
                p {
                    code { "psa-pay reconcile --since " (format!("{since:.0}")) }
                    " opens it when nothing differs."
                }
            }
        }
        Lock::Unsound(_) => html! {
            p { "It opens once each of these " a href="/operator/breaks" { "breaks" } " is dealt with." }
        },
    };
    parts::notice(
        Tone::Bad,
        "LIVE is locked: no live money moves",
        &html! { p { "Why: " (lock.because()) "." } (remedy) },
    )
}

fn mode(config: &Config) -> Markup {
    match config.mode {
        Mode::Test => parts::notice(
            Tone::Alert,
            "This server works in TEST mode",
            &html! {
                p { "New clients and invoices are test ones, and no real money moves. Set "
                    code { "STRIPE_MODE=live" } " and restart to take real payments." }
            },
        ),
        Mode::Live => parts::notice(
            Tone::Good,
            "This server works in LIVE mode",
            &html! { p { "New clients and invoices are real. What was begun in TEST mode finishes there." } },
        ),
    }
}

fn server(site: &Site, works: bool) -> Vec<(&'static str, Markup)> {
    let config = &site.config;
    let kind = match site.app.db.engine() {
        Engine::Sqlite => "SQLite, one instance",
        Engine::Postgres => "PostgreSQL",
    };
    let clock = match site.clock_skew.offset() {
        None => parts::badge(Tone::Good, "Agrees with Stripe"),
        Some(offset) => html! { (parts::badge(Tone::Bad, "Off")) " " (offset) },
    };
    let fee = config.fee.value();
    vec![
        ("Version", html! { (env!("CARGO_PKG_VERSION")) }),
        ("Public address", html! { code { (site.public_origin) } }),
        ("Listens on", html! { code { (config.listen) } }),
        ("Database", html! { (kind) }),
        (
            "Takes writes",
            match works {
                true => parts::badge(Tone::Good, "Yes"),
                false => parts::badge(Tone::Bad, "No"),
            },
        ),
        ("Clock", clock),
        ("Usual fee", html! { (percent(fee)) " (" (fee) " basis points)" }),
        (
            "Bodies of events",
            html! { "Archived after " (config.webhook_retention_days) " days" },
        ),
        (
            "Metrics",
            html! {
                @if config.metrics_token.is_some() { "On, with a token" } @else { "Off" }
            },
        ),
        (
            "Stripe\u{2019}s API",
            html! { code { (config.stripe_api_base.api_origin()) } },
        ),
    ]
}

/// `3%` of 300 basis points, in whole numbers.
pub fn percent(bps: i64) -> String {
    let (whole, rest) = (bps / 100, bps % 100);
    match rest {
        0 => format!("{whole}%"),
        rest if rest % 10 == 0 => format!("{whole}.{}%", rest / 10),
        rest => format!("{whole}.{rest:02}%"),
    }
}

fn keys(site: &Site, mode: Mode) -> Markup {
    let name = match mode {
        Mode::Test => "Stripe in TEST mode",
        Mode::Live => "Stripe in LIVE mode",
    };
    html! {
        section .card {
            h2 { (name) }
            @match site.config.keys(mode) {
                None => p { "No keys are configured. Nothing of this mode can be done." },
                Some(keys) => (parts::facts(&of_mode(site, mode, keys))),
            }
        }
    }
}

fn of_mode(site: &Site, mode: Mode, keys: &KeySet) -> Vec<(&'static str, Markup)> {
    let silent = site.app.breakers.silent(mode);
    let reaches = match silent.iter().any(String::is_empty) {
        true => parts::badge(Tone::Bad, "Does not answer"),
        false if silent.is_empty() => parts::badge(Tone::Good, "Answers"),
        false => html! {
            (parts::badge(Tone::Alert, "Answers")) " but for " (super::counted(silent.len(), "account"))
        },
    };
    vec![
        ("Reachable", reaches),
        ("Secret key", present(true)),
        (
            "Publishable key",
            html! { code .breaks { (keys.publishable_key) } },
        ),
        ("Webhook secrets", secrets(&keys.webhook_secrets)),
        ("For thin events", secrets(&keys.webhook_secrets_thin)),
        (
            "Existing accounts",
            html! {
                @if keys.client_id.is_some() { "Can be connected by their owners" }
                @else { "Cannot be connected: no client id is set" }
            },
        ),
    ]
}

fn secrets<T>(all: &[T]) -> Markup {
    match all.len() {
        0 => parts::badge(Tone::Calm, "None"),
        1 => parts::badge(Tone::Good, "1 is set"),
        count => parts::badge(Tone::Good, &format!("{count} are set")),
    }
}

fn present(is: bool) -> Markup {
    match is {
        true => parts::badge(Tone::Good, "Set"),
        false => parts::badge(Tone::Calm, "None"),
    }
}

fn mail(site: &Site) -> Vec<(&'static str, Markup)> {
    let Some(mail) = &site.config.mail else {
        let none = match site.mailer.is_some() {
            true => html! { "Kept here to be looked at, as in the demo" },
            false => html! { (parts::badge(Tone::Alert, "None")) " Mails wait and are given up in the end." },
        };
        return vec![("Server", none)];
    };
    let server = &mail.server;
    let tls = match server.tls {
        Tls::Always => "TLS from the first byte",
        Tls::StartTls => "STARTTLS",
        Tls::None => "Not encrypted",
    };
    vec![
        ("Server", html! { code { (server.host) ":" (server.port) } }),
        ("Connection", html! { (tls) }),
        ("Login", present(server.login.is_some())),
        ("From", html! { (mail.from_name) " <" (mail.from) ">" }),
    ]
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn basis_points_are_percent_without_zeros_that_say_nothing() {
        for (bps, words) in [
            (300, "3%"),
            (250, "2.5%"),
            (275, "2.75%"),
            (5, "0.05%"),
            (0, "0%"),
        ] {
            assert_eq!(percent(bps), words);
        }
    }
}
