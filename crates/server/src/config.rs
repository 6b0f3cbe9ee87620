//! The configuration: environment variables, parsed once into a type that cannot be wrong, or refused
//! with every variable that is wrong and what to do about it. No value of a secret is ever part of an
//! error or of `Debug`.

mod address;
mod error;
mod keys;
mod mail;
mod proxies;
mod variables;

use std::fmt;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use domain::Mode;
use domain::fee::BasisPoints;
use stripe::Secret;

pub use address::{ApiBase, Origin, PublicUrl};
pub use error::{ConfigError, Problem};
pub use keys::KeySet;
pub use mail::{MailConfig, SmtpServer, Tls};
pub use proxies::TrustedProxies;

use variables::{Given, Variables};

/// The shortest `METRICS_TOKEN`: it is asked for over the network, where guesses are limited.
const METRICS_TOKEN_MIN: usize = 16;
/// The shortest `SECRET_KEY`: random hex of this length carries 128 bits, the least that a pay link may
/// rest on.
const SECRET_KEY_MIN: usize = 32;
/// Connections at most, unless the operator knows better: a busy proxy's pool several times over.
const CONNECTIONS_DEFAULT: usize = 4096;
const CONNECTIONS: RangeInclusive<usize> = 64..=100_000;
/// How long the inbox keeps bodies, in days: a dispute about a payment, for which one looks up what
/// Stripe said, comes within a quarter of a year as a rule.
const RETENTION_DEFAULT: i64 = 90;
/// Never less than 35 days: Stripe lists events for 30, and what it lists may come again.
const RETENTION: RangeInclusive<i64> = 35..=3650;
/// The platform's usual fee: 3 %.
const FEE_BPS_DEFAULT: i64 = 300;

/// The checked configuration of one process.
#[derive(Clone, Debug)]
pub struct Config {
    /// What new work and the views use; rows and events keep the mode they have.
    pub mode: Mode,
    /// Stripe's keys of test mode; present whenever `mode` is test.
    pub test: Option<KeySet>,
    /// Stripe's keys of live mode; present whenever `mode` is live.
    pub live: Option<KeySet>,
    /// The application fee on every payment.
    pub fee: BasisPoints,
    /// Where the rows are.
    pub database_url: DatabaseUrl,
    /// The certificate that PostgreSQL's server is verified with, as PEM text, instead of Mozilla's.
    pub database_ca: Option<String>,
    /// Where payers and Stripe reach us.
    pub public_url: PublicUrl,
    /// The address to listen on; a proxy with TLS stands before it in production.
    pub listen: SocketAddr,
    /// Whose word on the client's address counts.
    pub trusted_proxies: TrustedProxies,
    /// Open connections at most.
    pub connections_max: usize,
    /// After so many days the body of an event that is done with goes to the archive.
    pub webhook_retention_days: i64,
    /// From which pay links are derived.
    pub secret_key: Secret,
    /// What it was before, newest first: what was encrypted under them is still read.
    pub former_keys: Vec<Secret>,
    /// Where mails are handed over; without it they wait.
    pub mail: Option<MailConfig>,
    /// How the log is written.
    pub log_format: LogFormat,
    /// A folder of fonts for documents, for scripts that our own fonts do not have.
    pub font_folder: Option<PathBuf>,
    /// What opens `/metrics`; without it there is no such address.
    pub metrics_token: Option<Secret>,
    /// Stripe, or what stands in for it.
    pub stripe_api_base: ApiBase,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line, for collectors.
    Json,
}

/// `sqlite:…` or `postgres://…`. It may hold a password, so it prints without what stands before the `@`
/// and without its parameters.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(Secret);

impl Config {
    /// Reads every variable through `lookup`.
    ///
    /// # Errors
    /// All that is wrong, in the order in which `.env.example` names the variables.
    pub fn from_lookup(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Config, Vec<ConfigError>> {
        let mut variables = Variables::new(lookup);
        match read(&mut variables) {
            Some(config) if variables.errors.is_empty() => Ok(config),
            Some(_) | None => Err(variables.errors),
        }
    }

    /// As [`Config::from_lookup`], before there are webhook endpoints whose secrets could be named.
    ///
    /// # Errors
    /// All else that is wrong.
    pub fn before_webhooks(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Config, Vec<ConfigError>> {
        let filled = |name: &str| lookup(name).or_else(|| keys::not_set_yet(name, lookup));
        let mut config = Config::from_lookup(&filled)?;
        for keys in [&mut config.test, &mut config.live].into_iter().flatten() {
            keys.webhook_secrets
                .retain(|secret| !keys::is_not_set_yet(secret));
        }
        Ok(config)
    }

    /// The keys of a mode, if they are configured.
    pub fn keys(&self, mode: Mode) -> Option<&KeySet> {
        match mode {
            Mode::Test => self.test.as_ref(),
            Mode::Live => self.live.as_ref(),
        }
    }

    /// The start-up lines, which operators look for word for word.
    pub fn banner(&self) -> [String; 5] {
        [
            "Invoice Payments",
            "Webhook handler",
            "Public Invoice Payment",
            "Refunds",
            "Service",
        ]
        .map(|part| format!("[Stripe] {part} initialized in {} mode", self.mode.label()))
    }
}

impl DatabaseUrl {
    /// The whole address, for the one place that opens the database.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.expose();
        let Some((scheme, rest)) = whole.split_once("://").filter(|_| !whole.starts_with("sqlite:")) else {
            return f.write_str(whole);
        };
        let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
        let rest = rest.split_once('?').map_or(rest, |(address, _)| address);
        write!(f, "{scheme}://{rest}")
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `None` or recorded errors: then the configuration is refused.
fn read(variables: &mut Variables<'_>) -> Option<Config> {
    let mode = mode(variables);
    let test = keys::read(variables, Mode::Test, mode);
    let live = keys::read(variables, Mode::Live, mode);
    keys::check_apart(variables, test.as_ref(), live.as_ref());
    let stripe_api_base = address::api_base(variables, live.as_ref());
    let fee = fee(variables);
    let database_url = database_url(variables);
    let database_ca = database_ca(variables);
    let public_url = address::public_url(variables, mode, live.as_ref());
    let listen = listen(variables);
    let trusted_proxies = proxies::read(variables);
    let connections_max = connections_max(variables);
    let webhook_retention_days = webhook_retention_days(variables);
    let secret_key = secret_key(variables);
    let former_keys = former_keys(variables);
    let mail = mail::read(variables);
    let log_format = log_format(variables);
    let font_folder = font_folder(variables);
    let metrics_token = metrics_token(variables);
    Some(Config {
        mode: mode?,
        test,
        live,
        fee: fee?,
        database_url: database_url?,
        database_ca: database_ca?,
        public_url: public_url?,
        listen: listen?,
        trusted_proxies: trusted_proxies?,
        connections_max: connections_max?,
        webhook_retention_days: webhook_retention_days?,
        secret_key: secret_key?,
        former_keys: former_keys?,
        mail: mail?,
        log_format: log_format?,
        font_folder: font_folder?,
        metrics_token: metrics_token?,
        stripe_api_base: stripe_api_base?,
    })
}

/// Without the variable it is test: nobody takes real money by forgetting a line.
fn mode(variables: &mut Variables<'_>) -> Option<Mode> {
    const NAME: &str = "STRIPE_MODE";
    match variables.word(NAME) {
        Given::Absent => Some(Mode::Test),
        Given::Wrong => None,
        Given::Value(word) => match word.as_str() {
            "test" => Some(Mode::Test),
            "live" => Some(Mode::Live),
            _ => variables.refuse(
                NAME,
                Problem::Malformed {
                    expected: "test or live",
                },
            ),
        },
    }
}

fn fee(variables: &mut Variables<'_>) -> Option<BasisPoints> {
    const NAME: &str = "PLATFORM_FEE_BPS";
    const MALFORMED: Problem = Problem::Malformed {
        expected: "a whole number of basis points from 0 to 9999 (300 is 3 %)",
    };
    let bps = match variables.word(NAME) {
        Given::Absent => FEE_BPS_DEFAULT,
        Given::Wrong => return None,
        Given::Value(text) => match text.parse() {
            Ok(bps) => bps,
            Err(_) => return variables.refuse(NAME, MALFORMED),
        },
    };
    BasisPoints::new(bps)
        .ok()
        .or_else(|| variables.refuse(NAME, MALFORMED))
}

fn database_url(variables: &mut Variables<'_>) -> Option<DatabaseUrl> {
    const NAME: &str = "DATABASE_URL";
    let url = match variables.text(NAME) {
        Given::Absent => "sqlite:psa-pay.db".to_owned(),
        Given::Wrong => return None,
        Given::Value(url) => url,
    };
    let known = ["sqlite:", "postgres://", "postgresql://"];
    if known
        .iter()
        .any(|scheme| url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
    {
        Some(DatabaseUrl(Secret::new(url)))
    } else {
        variables.refuse(
            NAME,
            Problem::Malformed {
                expected: "sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME",
            },
        )
    }
}

fn database_ca(variables: &mut Variables<'_>) -> Option<Option<String>> {
    const NAME: &str = "DATABASE_CA";
    match variables.lines(NAME) {
        Given::Absent => Some(None),
        Given::Wrong => None,
        Given::Value(text) if text.contains("BEGIN CERTIFICATE") => Some(Some(text)),
        Given::Value(_) => {
            let expected = "the certificate of the database's authority, as PEM text";
            variables.refuse(NAME, Problem::Malformed { expected })
        }
    }
}

fn listen(variables: &mut Variables<'_>) -> Option<SocketAddr> {
    const NAME: &str = "LISTEN";
    match variables.word(NAME) {
        Given::Absent => Some(SocketAddr::from(([127, 0, 0, 1], 8080))),
        Given::Wrong => None,
        Given::Value(text) => text.parse().ok().or_else(|| {
            variables.refuse(
                NAME,
                Problem::Malformed {
                    expected: "an IP address and a port, such as 127.0.0.1:8080",
                },
            )
        }),
    }
}

fn connections_max(variables: &mut Variables<'_>) -> Option<usize> {
    const NAME: &str = "CONNECTIONS_MAX";
    match variables.word(NAME) {
        Given::Absent => Some(CONNECTIONS_DEFAULT),
        Given::Wrong => None,
        Given::Value(text) => {
            let known = text.parse().ok().filter(|number| CONNECTIONS.contains(number));
            known.or_else(|| {
                let expected = "a whole number of connections from 64 to 100000";
                variables.refuse(NAME, Problem::Malformed { expected })
            })
        }
    }
}

fn webhook_retention_days(variables: &mut Variables<'_>) -> Option<i64> {
    const NAME: &str = "WEBHOOK_RETENTION_DAYS";
    match variables.word(NAME) {
        Given::Absent => Some(RETENTION_DEFAULT),
        Given::Wrong => None,
        Given::Value(text) => {
            let known = text.parse().ok().filter(|days| RETENTION.contains(days));
            known.or_else(|| {
                let expected = "a whole number of days from 35 to 3650";
                variables.refuse(NAME, Problem::Malformed { expected })
            })
        }
    }
}

/// Required: links that end with the process are no links. The demo makes one and keeps it in its folder.
fn secret_key(variables: &mut Variables<'_>) -> Option<Secret> {
    const NAME: &str = "SECRET_KEY";
    match variables.word(NAME) {
        Given::Absent => {
            let because = "pay links are derived from it (`openssl rand -hex 32` makes one)";
            variables.refuse(NAME, Problem::Missing { because })
        }
        Given::Wrong => None,
        Given::Value(key) if key.len() < SECRET_KEY_MIN => variables.refuse(
            NAME,
            Problem::TooShort {
                least: SECRET_KEY_MIN,
            },
        ),
        Given::Value(key) => Some(Secret::new(key)),
    }
}

fn former_keys(variables: &mut Variables<'_>) -> Option<Vec<Secret>> {
    const NAME: &str = "SECRET_KEY_PREVIOUS";
    match variables.word(NAME) {
        Given::Absent => Some(Vec::new()),
        Given::Wrong => None,
        Given::Value(keys) => {
            let keys: Vec<&str> = keys.split(',').map(str::trim).collect();
            if keys.iter().any(|key| key.len() < SECRET_KEY_MIN) {
                let least = SECRET_KEY_MIN;
                return variables.refuse(NAME, Problem::TooShort { least });
            }
            Some(keys.into_iter().map(Secret::new).collect())
        }
    }
}

fn font_folder(variables: &mut Variables<'_>) -> Option<Option<PathBuf>> {
    match variables.text("FONT_FOLDER") {
        Given::Absent => Some(None),
        Given::Wrong => None,
        Given::Value(path) => Some(Some(PathBuf::from(path))),
    }
}

fn metrics_token(variables: &mut Variables<'_>) -> Option<Option<Secret>> {
    const NAME: &str = "METRICS_TOKEN";
    match variables.word(NAME) {
        Given::Absent => Some(None),
        Given::Wrong => None,
        Given::Value(token) if token.len() < METRICS_TOKEN_MIN => variables.refuse(
            NAME,
            Problem::TooShort {
                least: METRICS_TOKEN_MIN,
            },
        ),
        Given::Value(token) => Some(Some(Secret::new(token))),
    }
}

fn log_format(variables: &mut Variables<'_>) -> Option<LogFormat> {
    const NAME: &str = "LOG_FORMAT";
    match variables.word(NAME) {
        Given::Absent => Some(LogFormat::Text),
        Given::Wrong => None,
        Given::Value(word) => match word.as_str() {
            "text" => Some(LogFormat::Text),
            "json" => Some(LogFormat::Json),
            _ => variables.refuse(
                NAME,
                Problem::Malformed {
                    expected: "text or json",
                },
            ),
        },
    }
}

#[cfg(test)]
mod tests;
