//! Mails on their way out: what a flow has queued is written as text and HTML, handed to the mail server, and
//! settled by what that says.

mod caught;
mod html;
mod message;

use std::sync::Arc;
use std::time::Duration;

use domain::mail::{MailState, Outcome};
use flows::mails::sending::{self, Taken};
use flows::{App, people, reminders};
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::Tls as ClientTls;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use caught::{Caught, CaughtMail};
pub use html::page as html_page;
pub use message::Ready;

use crate::config::{Config, MailConfig, Tls};
use crate::router::Site;
use crate::runs::{Job, Runs};

/// Mails that are handed over at the same time: after a crash no more than these may have gone out twice.
const AT_ONCE: i64 = 4;
/// A mail server that says nothing for so long is away.
const TIMEOUT: Duration = Duration::from_secs(20);
/// How often what the mail server said is tried to be written down, and the wait between.
const SETTLES_MAX: usize = 20;
const SETTLE_AGAIN: Duration = Duration::from_secs(3);

/// Hands mails over.
#[derive(Clone, Debug)]
pub struct Mailer {
    from: domain::MailAddress,
    from_name: String,
    way: Way,
}

/// Where mails go.
#[derive(Clone, Debug)]
enum Way {
    /// To a mail server.
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    /// Nowhere: the demo keeps them to be looked at.
    Caught(Arc<Caught>),
}

impl Mailer {
    /// The mailer of a configuration; `None` where it has no mail server.
    ///
    /// # Errors
    /// What is wrong with the mail server's name.
    pub fn of(config: &Config) -> Result<Option<Mailer>, String> {
        let Some(mail) = &config.mail else {
            return Ok(None);
        };
        Ok(Some(Mailer {
            from: mail.from.clone(),
            from_name: mail.from_name.clone(),
            way: Way::Smtp(transport(mail).map_err(|error| format!("SMTP_URL: {error}"))?),
        }))
    }

    /// One that keeps what it is given, for the demo.
    pub fn catching(caught: Arc<Caught>) -> Mailer {
        Mailer {
            from: domain::MailAddress::stored("billing@psa-pay.example".to_owned()),
            from_name: "psa-pay".to_owned(),
            way: Way::Caught(caught),
        }
    }

    /// What was caught, where mails go nowhere.
    pub fn caught(&self) -> Option<&Caught> {
        match &self.way {
            Way::Smtp(_) => None,
            Way::Caught(caught) => Some(caught),
        }
    }

    /// What Message-IDs end with.
    fn host(&self) -> &str {
        self.from.as_str().rsplit('@').next().unwrap_or_default()
    }

    /// Takes what is due and hands it over. Answers how many were taken: none when nothing is due.
    ///
    /// # Errors
    /// When the database does not answer; nothing was handed over then.
    pub async fn round(&self, site: &Site) -> Result<usize, flows::Failure> {
        let taken = sending::take(&site.app, self.host(), AT_ONCE).await?;
        let count = taken.len();
        let mut under_way = JoinSet::new();
        for mail in taken {
            let (mailer, site) = (self.clone(), site.clone());
            under_way.spawn(async move { mailer.hand_over(&site, mail).await });
        }
        while let Some(ended) = under_way.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a mail could not be handed over; it is found again later");
            }
        }
        Ok(count)
    }

    async fn hand_over(&self, site: &Site, taken: Taken) {
        if taken.mail.doubts > 0 {
            site.metrics.mail_in_doubt();
            tracing::warn!(mail = %taken.mail.id, "a mail that may have gone out is sent again");
        }
        let outcome = match message::attached(site, &taken).await {
            Ok(attachment) => match message::ready(site, &self.from, &self.from_name, &taken, attachment) {
                Ok(ready) => self.send(ready, &taken).await,
                Err(why) => Outcome::Refused(why),
            },
            Err(failure) => {
                tracing::error!(mail = %taken.mail.id, %failure, "what goes with a mail could not be made");
                Outcome::Later("the document that goes with it could not be made".to_owned())
            }
        };
        match settle(&site.app, &taken, &outcome).await {
            Some(state) => site.metrics.mail(state),
            None => tracing::error!(
                mail = %taken.mail.id,
                "what became of a mail could not be stored; it may go out twice"
            ),
        }
    }

    async fn send(&self, ready: Ready, taken: &Taken) -> Outcome {
        match &self.way {
            Way::Caught(caught) => {
                caught.keep(taken, ready);
                Outcome::Taken("kept by the demo".to_owned())
            }
            Way::Smtp(transport) => send_by_smtp(transport, ready.message).await,
        }
    }
}

fn transport(
    config: &MailConfig,
) -> Result<AsyncSmtpTransport<Tokio1Executor>, lettre::transport::smtp::Error> {
    let server = &config.server;
    let host = server.host.as_str();
    let builder = match server.tls {
        Tls::Always => AsyncSmtpTransport::<Tokio1Executor>::relay(host)?,
        Tls::StartTls => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(host)?,
        Tls::None => AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host).tls(ClientTls::None),
    };
    let builder = match &server.login {
        Some((user, password)) => {
            builder.credentials(Credentials::new(user.clone(), password.expose().to_owned()))
        }
        None => builder,
    };
    let places = u32::try_from(AT_ONCE).unwrap_or(1);
    Ok(builder
        .port(server.port)
        .timeout(Some(TIMEOUT))
        .pool_config(PoolConfig::new().max_size(places))
        .build())
}

/// Whether a mail server is ready to take a mail: it greets, keeps the connection secret as it is asked to,
/// and knows the login.
///
/// # Errors
/// What it said instead.
pub async fn greet(config: &MailConfig) -> Result<(), String> {
    let transport = transport(config).map_err(|error| told(&error))?;
    match transport.test_connection().await {
        Ok(true) => Ok(()),
        Ok(false) => Err("it does not answer after its greeting".to_owned()),
        Err(error) => Err(told(&error)),
    }
}

async fn send_by_smtp(transport: &AsyncSmtpTransport<Tokio1Executor>, message: Message) -> Outcome {
    match transport.send(message).await {
        Ok(response) => {
            let said: Vec<&str> = response.message().collect();
            Outcome::Taken(format!("{} {}", response.code(), said.join(" ")))
        }
        Err(error) if error.is_permanent() && !is_about_us(&error) => Outcome::Refused(told(&error)),
        Err(error) => Outcome::Later(told(&error)),
    }
}

/// A refusal of our login is no word about the mail: once the login is right, the mail goes out.
fn is_about_us(error: &lettre::transport::smtp::Error) -> bool {
    let code = error.status().map(|code| code.to_string());
    matches!(code.as_deref(), Some("530" | "534" | "535" | "538"))
}

/// The error with what caused it, in one line.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

/// Writes down what became of a mail, again and again while the database is away: the lease is longer.
async fn settle(app: &App, taken: &Taken, outcome: &Outcome) -> Option<MailState> {
    for _ in 0..SETTLES_MAX {
        match sending::settle(app, &taken.mail, outcome).await {
            Ok(state) => return Some(state),
            Err(failure) => {
                tracing::error!(mail = %taken.mail.id, %failure, "what became of a mail is not stored yet");
                tokio::time::sleep(SETTLE_AGAIN).await;
            }
        }
    }
    None
}

/// How often it looks for mails without being called.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often it looks whether another hour has begun.
const HOUR_EVERY: Duration = Duration::from_secs(60);

/// Hands over what is due until `stop` says so. What is under way then is finished first.
pub async fn send_until(site: Site, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        if let Err(failure) = people::resets::answer(&site.app).await {
            tracing::error!(%failure, "those who forgot their passwords could not be answered yet");
        }
        let round = match &site.mailer {
            Some(mailer) => mailer.round(&site).await,
            None => sending::give_up(&site.app).await,
        };
        site.runs.ended(Job::Mails, site.app.clock.now(), &round);
        match round {
            Ok(0) => {}
            Ok(_) => continue,
            Err(failure) => tracing::error!(%failure, "mails could not be taken"),
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = stop.changed() => {}
        }
    }
}

/// Queues the reminders that are due, once an hour.
pub async fn remind_until(app: App, runs: Runs, mut stop: watch::Receiver<bool>) {
    let mut done_for = None;
    while !*stop.borrow() {
        let hour = app.clock.now().seconds().div_euclid(60 * 60);
        if done_for != Some(hour) {
            let due = reminders::due(&app).await;
            runs.ended(Job::Reminders, app.clock.now(), &due);
            match due {
                Ok(queued) => {
                    tracing::debug!(queued, "looked whom to remind");
                    done_for = Some(hour);
                }
                Err(failure) => tracing::error!(%failure, "nobody could be reminded; it is tried again"),
            }
        }
        tokio::select! {
            () = tokio::time::sleep(HOUR_EVERY) => {}
            _ = stop.changed() => {}
        }
    }
}
