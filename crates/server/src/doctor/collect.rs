//! Collecting the facts: Stripe, the server at `PUBLIC_URL`, the database and its disk, the clock, the mail
//! server, all side by side and each within its time. Whatever does not answer is a fact too.

mod at_stripe;
mod database;
mod server;

use std::time::Duration;

use domain::Mode;
use flows::Clock;
use stripe::{HttpRequest, HttpResponse, Method};

pub use database::{folder_is_closed, passing_in};
pub use server::changed_headers;

use super::facts::{Facts, ModeFacts};
use super::{Source, configuration};
use crate::clock::SystemClock;
use crate::config::{ApiBase, Config};
use crate::{env_file, mail, start};

/// Whoever takes longer to answer one question takes too long for a payer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Everything that can be looked at.
pub async fn collect(source: &Source<'_>) -> Facts {
    let (config, variables) = configuration::read(source.lookup);
    let mut facts = Facts {
        variables,
        file: source.file.as_deref().map(configuration::of_file),
        unread: env_file::unread(&source.names),
        now: Some(SystemClock::default().now()),
        ..Facts::default()
    };
    let Some(config) = config else { return facts };
    let has_address = !facts.is_unusable("PUBLIC_URL");
    let has_stripe = !facts.is_unusable("STRIPE_API_BASE");
    let has_database = !facts.is_unusable("DATABASE_URL") && !facts.is_unusable("DATABASE_CA");
    let (test, live, server, clock, database, mail) = tokio::join!(
        of_mode(&facts, &config, Mode::Test),
        of_mode(&facts, &config, Mode::Live),
        given(has_address, server::look(&config)),
        given(has_stripe, clock_ahead_s(&config)),
        given(has_database, database::look(&config, has_address)),
        of_mail(&config),
    );
    facts.modes = test.into_iter().chain(live).collect();
    facts.server = server.unwrap_or_default();
    facts.clock_ahead_s = clock.flatten();
    facts.database = database.unwrap_or_default();
    facts.mail_server = mail;
    facts.config = Some(config);
    facts
}

async fn given<T>(wanted: bool, what: impl Future<Output = T>) -> Option<T> {
    match wanted {
        true => Some(what.await),
        false => None,
    }
}

async fn of_mode(facts: &Facts, config: &Config, mode: Mode) -> Option<ModeFacts> {
    Some(at_stripe::look(facts, config, mode, config.keys(mode)?).await)
}

/// An answer, or that none came in time.
async fn within<T, E: ToString>(what: impl Future<Output = Result<T, E>>) -> Result<T, String> {
    match tokio::time::timeout(PATIENCE, what).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}

/// What an address answers.
async fn get(config: &Config, url: &str) -> Result<HttpResponse, String> {
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
    let transport = start::transport_to(near)?;
    within(async { transport.send(request).await.map_err(|none| none.0) }).await
}

/// Stripe dates every answer, a refusal too.
async fn clock_ahead_s(config: &Config) -> Option<i64> {
    let url = format!("{}/v1/account", config.stripe_api_base.api_origin());
    let answer = get(config, &url).await.ok()?;
    let theirs = jiff::fmt::rfc2822::parse(answer.header("date")?).ok()?;
    Some(SystemClock::default().now().seconds() - theirs.timestamp().as_second())
}

async fn of_mail(config: &Config) -> Option<Result<(), String>> {
    Some(within(mail::greet(config.mail.as_ref()?)).await)
}
