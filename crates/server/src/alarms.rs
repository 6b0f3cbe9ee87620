//! What operators are told of by mail is looked for, each minute: what the rows say, and what is in no row,
//! which is the clock, the endpoints at Stripe, the backups and the disk. Without a mail server nothing is
//! looked for; the console and `/metrics` show most of it.

use std::time::Duration;

use domain::Mode;
use domain::mail::MailKind;
use flows::alarms::{self, Backup, Outside};
use flows::endpoints::{self, Secrets, Signing, Standing, compare};
use tokio::sync::watch;

use crate::router::Site;
use crate::runs::Job;
use crate::{backup, disk, instance};

/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Stripe is asked for its endpoints at the first look, and at each that is so many later: once an hour.
const LOOKS_PER_QUESTION: u32 = 60;

/// What was found out between looks.
#[derive(Debug, Default)]
pub struct Watch {
    looks: u32,
    endpoints: Vec<(Mode, Vec<String>)>,
}

impl Watch {
    /// Looks once. Answers how many mails were queued.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn look(&mut self, site: &Site) -> Result<usize, flows::Failure> {
        let is_due = self.looks.is_multiple_of(LOOKS_PER_QUESTION);
        self.looks = self.looks.wrapping_add(1);
        let is_real = site
            .mailer
            .as_ref()
            .is_some_and(|mailer| mailer.caught().is_none());
        if is_due && is_real && alarms::is_wanted(&site.app, MailKind::OperatorEndpoints).await? {
            self.ask(site).await;
        }
        let outside = Outside {
            clock: site.clock_skew.offset().map(|offset| offset.to_string()),
            endpoints: self.endpoints.clone(),
            backup: last_backup(site),
            disk: little_room(site),
        };
        alarms::look(&site.app, &outside).await
    }

    /// Asks Stripe for its endpoints; where it does not answer, what was known stays.
    async fn ask(&mut self, site: &Site) {
        for mode in [Mode::Test, Mode::Live] {
            let Some(keys) = site.config.keys(mode) else {
                continue;
            };
            let secrets = Secrets::of(&keys.webhook_secrets, &keys.webhook_secrets_thin);
            if secrets.snapshot.is_empty() && secrets.thin.is_empty() {
                // A mode that nobody has set up yet.
                continue;
            }
            let origin = site.config.public_url.origin();
            match endpoints::read(&site.app, mode, origin).await {
                Ok(found) => {
                    let (standing, _) = compare(origin, &found, &secrets);
                    let wrong: Vec<String> =
                        standing.iter().filter_map(|one| wrong(one, &standing)).collect();
                    self.endpoints.retain(|(known, _)| *known != mode);
                    if !wrong.is_empty() {
                        self.endpoints.push((mode, wrong));
                    }
                }
                Err(failure) => tracing::warn!(%failure, "Stripe does not say where it sends webhooks"),
            }
        }
    }
}

/// What is wrong with an endpoint, by whose secret this server refuses events or by what it sends. The
/// secrets are those that this server runs with, so that nobody has to be asked for them.
fn wrong(one: &Standing, all: &[Standing]) -> Option<String> {
    // While a secret is rolled the one before still signs everything, too.
    let is_covered =
        |old: &Standing| old.retiring && old.role == one.role && old.signing == Some(Signing::Known);
    let refused = one.signing.filter(|signing| signing.is_wrong() && !one.retiring);
    let refused = refused.filter(|_| !all.iter().any(is_covered));
    let mut says = one.wrong.clone();
    says.extend(refused.map(|signing| signing.says().to_owned()));
    let id = match one.id.as_str() {
        "" => one.role.says(),
        id => id,
    };
    (!says.is_empty()).then(|| format!("{id}: {}", says.join(", ")))
}

/// Backups of SQLite's file, which are the operator's to make where live money is at stake.
fn last_backup(site: &Site) -> Backup {
    let file = instance::sqlite_file(&site.config).filter(|_| site.config.mode == Mode::Live);
    match file {
        None => Backup::Elsewhere,
        Some(file) => backup::last(&file).map_or(Backup::Never, Backup::Last),
    }
}

/// How much is free of the disk that SQLite's file is on, where that is little.
fn little_room(site: &Site) -> Option<String> {
    let room = disk::room(&instance::sqlite_file(&site.config)?)?;
    room.is_little().then(|| room.to_string())
}

/// Looks until `stop` says so.
pub async fn watch_until(site: Site, mut stop: watch::Receiver<bool>) {
    if site.mailer.is_none() {
        return;
    }
    let mut watch = Watch::default();
    while !*stop.borrow() {
        let looked = watch.look(&site).await;
        site.runs.ended(Job::Alarms, site.app.clock.now(), &looked);
        match looked {
            Ok(0) => {}
            Ok(mails) => tracing::warn!(mails, "operators are told by mail what is wrong"),
            Err(failure) => tracing::error!(%failure, "what is wrong could not be looked for"),
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = stop.changed() => {}
        }
    }
}
