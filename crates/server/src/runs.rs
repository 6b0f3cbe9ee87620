//! What this instance does by itself, and how it went last: for the operator who asks whether anything
//! hangs. It is kept in memory, so that a look at it costs no transaction, and begins anew with each start.
//! And what it says of itself to those beside it.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};

use domain::Timestamp;
use flows::endpoints::fingerprint;
use flows::{App, Failure, running};

use crate::router::Site;

/// Something that is done again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Job {
    /// Stored events are taken up.
    Events,
    /// Payments and writes that went quiet are read again.
    Reconciler,
    /// Days that are over are sealed.
    Seals,
    /// Seals are computed anew, and the database's file is read for damage.
    Verifying,
    /// Balances are written down, and books compared with Stripe.
    Books,
    /// Mails are handed over.
    Mails,
    /// Clients are reminded.
    Reminders,
    /// What is old is removed or archived.
    Tidying,
    /// Leases of what is being sent are renewed.
    Leases,
    /// What operators are told of is looked for.
    Alarms,
}

impl Job {
    /// Every job.
    pub const ALL: [Job; 10] = [
        Job::Events,
        Job::Reconciler,
        Job::Mails,
        Job::Reminders,
        Job::Books,
        Job::Seals,
        Job::Verifying,
        Job::Tidying,
        Job::Leases,
        Job::Alarms,
    ];

    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Job::Events => "Apply webhooks",
            Job::Reconciler => "Reconcile with Stripe",
            Job::Seals => "Seal days",
            Job::Verifying => "Verify seals",
            Job::Books => "Compare the books",
            Job::Mails => "Send mails",
            Job::Reminders => "Remind clients",
            Job::Tidying => "Tidy up",
            Job::Leases => "Keep leases",
            Job::Alarms => "Look for trouble",
        }
    }

    /// What it does, in a sentence.
    pub const fn about(self) -> &'static str {
        match self {
            Job::Events => "Takes up what Stripe reported and applies it.",
            Job::Reconciler => "Reads payments, refunds and disputes again that went quiet.",
            Job::Seals => "Closes the ledger and the audit log of each day that is over.",
            Job::Verifying => "Once a day and after each start: whether any sealed day was changed since.",
            Job::Books => "Each hour: writes balances down, and compares them with Stripe's.",
            Job::Mails => "Hands mails to the mail server, and tries again what it did not take.",
            Job::Reminders => "Writes to clients whose invoices are due or late.",
            Job::Tidying => "Archives old events; removes old keys of requests and old sessions.",
            Job::Leases => "Keeps what this instance is sending from being sent by another.",
            Job::Alarms => "Each minute: looks for what operators are told of by mail.",
        }
    }
}

/// How a job went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// When it ended last, well or badly.
    pub ended_at: Option<Timestamp>,
    /// Whether it ended well then.
    pub well: bool,
    /// How often it has ended since the start.
    pub runs: u64,
    /// How often of these badly.
    pub failures: u64,
    /// When it ended badly last, and why.
    pub failed: Option<(Timestamp, String)>,
}

/// All jobs of this instance. Clones tell the same.
#[derive(Clone, Debug, Default)]
pub struct Runs(Arc<Mutex<BTreeMap<Job, Run>>>);

impl Runs {
    /// A job has ended.
    pub fn ended<T, E: Display>(&self, job: Job, at: Timestamp, result: &Result<T, E>) {
        let mut runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let run = runs.entry(job).or_default();
        run.ended_at = Some(at);
        run.well = result.is_ok();
        run.runs = run.runs.saturating_add(1);
        if let Err(error) = result {
            run.failures = run.failures.saturating_add(1);
            run.failed = Some((at, error.to_string()));
        }
    }

    /// How a job went last.
    pub fn of(&self, job: Job) -> Run {
        let runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        runs.get(&job).cloned().unwrap_or_default()
    }
}

/// What this instance says of itself in the database, where several may run.
#[derive(Clone, Debug)]
pub struct Itself {
    id: String,
    secrets: Vec<String>,
}

impl Itself {
    /// This start of a site.
    pub fn of(site: &Site) -> Itself {
        Itself {
            id: format!("{:032x}", site.app.clock.random()),
            secrets: site
                .webhook_secrets
                .iter()
                .map(|(secret, _)| fingerprint(secret))
                .collect(),
        }
    }

    /// Says that it lives, and by which webhook secrets.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn report(&self, app: &App) -> Result<(), Failure> {
        running::report(app, &self.id, env!("CARGO_PKG_VERSION"), &self.secrets).await
    }

    /// Says that it ends. Where that fails, it counts as living for two minutes more.
    pub async fn ended(&self, app: &App) {
        if let Err(failure) = running::ended(app, &self.id).await {
            tracing::warn!(%failure, "this instance could not say that it ends");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_fails_and_recovers_tells_both() {
        let runs = Runs::default();
        assert_eq!(runs.of(Job::Books), Run::default());
        let (first, second) = (Timestamp::from_ms(1_000), Timestamp::from_ms(2_000));
        runs.ended(Job::Books, first, &Err::<(), _>("the database is gone"));
        runs.ended(Job::Books, second, &Ok::<_, String>(7));
        let run = runs.of(Job::Books);
        assert_eq!((run.runs, run.failures, run.well), (2, 1, true));
        assert_eq!(run.ended_at, Some(second));
        assert_eq!(run.failed, Some((first, "the database is gone".to_owned())));
        assert_eq!(runs.of(Job::Mails).runs, 0);
    }
}
