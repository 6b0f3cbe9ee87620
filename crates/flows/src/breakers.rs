//! Which accounts at Stripe are left alone for now because they do not answer: a breaker for each, in the
//! memory of this instance. Not in the database, for a try to Stripe must cost no transaction, and what one
//! instance hears nothing of another may still reach; a restart asks anew, with five tries at most.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::breaker::{Breaker, Heard};
use domain::{Limited, Mode, Timestamp};
use stripe::{AccountId, CallError, Gate, accounts, gate};

use crate::held::Held;
use crate::{App, Clock, Failure, stripe_events};

/// The breakers of all accounts. One that answers takes no place.
pub struct Breakers {
    clock: Arc<dyn Clock>,
    accounts: Mutex<BTreeMap<(Mode, String), Breaker>>,
    /// What is being sent to them.
    pub held: Held,
}

impl Breakers {
    /// All accounts answer, as far as anybody knows.
    pub fn new(clock: Arc<dyn Clock>) -> Arc<Breakers> {
        Arc::new(Breakers {
            clock,
            accounts: Mutex::default(),
            held: Held::default(),
        })
    }

    /// What a client of this mode asks before each try.
    pub fn gate(self: &Arc<Breakers>, mode: Mode) -> Arc<dyn Gate> {
        Arc::new(OfMode {
            breakers: Arc::clone(self),
            mode,
        })
    }

    /// When the next silent account is to be asked whether it answers again.
    pub fn next_ask(&self) -> Option<Timestamp> {
        self.locked().values().filter_map(Breaker::ask_at).min()
    }

    /// The accounts of a mode that do not answer now; the platform's own is the empty one.
    pub fn silent(&self, mode: Mode) -> Vec<String> {
        let now = self.clock.now();
        let accounts = self.locked();
        let silent = accounts
            .iter()
            .filter(|((of, _), breaker)| *of == mode && breaker.silent_until(now).is_some());
        silent.map(|((_, account), _)| account.clone()).collect()
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<(Mode, String), Breaker>> {
        // Nothing under this lock can panic half-way.
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, mode: Mode, account: &str, act: impl FnOnce(&mut Breaker, Timestamp) -> T) -> T {
        let (now, key) = (self.clock.now(), (mode, account.to_owned()));
        let mut accounts = self.locked();
        let mut breaker = accounts.get(&key).copied().unwrap_or_default();
        let came_to = act(&mut breaker, now);
        if breaker.is_unremarkable(now) {
            accounts.remove(&key);
        } else {
            accounts.insert(key, breaker);
        }
        came_to
    }

    /// Until when work on the account that can wait should wait.
    pub(crate) fn rests_until(&self, mode: Mode, account: &str) -> Option<Timestamp> {
        self.with(mode, account, |breaker, now| breaker.rests_until(now))
    }

    /// Whether the account does not answer.
    pub(crate) fn is_silent(&self, mode: Mode, account: &str) -> bool {
        self.with(mode, account, |breaker, now| breaker.silent_until(now).is_some())
    }

    /// Whoever waited for the account was sent away before anything was heard.
    pub(crate) fn waited_in_vain(&self, mode: Mode, account: &str) {
        let nothing = gate::Heard::Silence { retry_after_ms: None };
        self.heard(mode, account, nothing);
    }

    fn heard(&self, mode: Mode, account: &str, heard: gate::Heard) {
        let ms = |ms: Option<u64>| ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX));
        let heard = match heard {
            gate::Heard::Answer { retry_after_ms } => Heard::Answer {
                wait_ms: ms(retry_after_ms),
            },
            gate::Heard::Silence { retry_after_ms } => Heard::Silence {
                wait_ms: ms(retry_after_ms),
            },
        };
        let (before, after) = self.with(mode, account, |breaker, now| {
            let before = breaker.ask_at().is_some();
            breaker.heard(now, heard);
            (before, breaker.ask_at().is_some())
        });
        let mode = mode.label();
        match (before, after) {
            (false, true) => tracing::warn!(
                mode,
                account,
                "Stripe does not answer; it is left alone for a while"
            ),
            (true, false) => tracing::info!(mode, account, "Stripe answers again"),
            (true, true) | (false, false) => {}
        }
    }

    /// The accounts whose work waits, and of each whether it is time to ask it.
    pub(crate) fn resting(&self) -> Vec<(Mode, String, bool)> {
        let now = self.clock.now();
        let accounts = self.locked();
        let of = |((mode, account), breaker): (&(Mode, String), &Breaker)| {
            let ask = breaker.is_to_be_asked(now);
            (ask || breaker.rests_until(now).is_some()).then(|| (*mode, account.clone(), ask))
        };
        accounts.iter().filter_map(of).collect()
    }

    /// Nothing is begun on an account that does not answer: it might hang, and its payer with it.
    ///
    /// # Errors
    /// [`Limited::TemporarilyUnavailable`] while it is silent.
    pub(crate) fn may_begin(&self, mode: Mode, account: &str) -> Result<(), Limited> {
        let silent = self.with(mode, account, |breaker, now| {
            let until = breaker.silent_until(now)?;
            Some(until.ms().saturating_sub(now.ms()))
        });
        match silent {
            None => Ok(()),
            Some(ms) => Err(Limited::TemporarilyUnavailable {
                wait_s: ms.div_euclid(1_000).saturating_add(1).max(1),
            }),
        }
    }
}

struct OfMode {
    breakers: Arc<Breakers>,
    mode: Mode,
}

impl Gate for OfMode {
    fn admit(&self, account: &str) -> bool {
        self.breakers.with(self.mode, account, Breaker::admit)
    }

    fn may_repeat(&self, account: &str) -> bool {
        self.breakers
            .with(self.mode, account, |breaker, _| breaker.may_repeat())
    }

    fn heard(&self, account: &str, heard: gate::Heard) {
        self.breakers.heard(self.mode, account, heard);
    }
}

/// Asks a silent account whether it answers again: a read, so that no payment is what finds out.
///
/// # Errors
/// When it does not answer still.
pub(crate) async fn ask(app: &App, mode: Mode, account: &str) -> Result<(), Failure> {
    let name = account.to_owned();
    let account = match account {
        "" => None,
        account => Some(AccountId::parse(account)?),
    };
    match accounts::own(app.stripe(mode)?, account.as_ref()).await {
        Err(CallError::Unknown(unknown)) => Err(Failure::Unknown(unknown.why)),
        // A refusal is an answer; what it means is for those who ask something.
        Ok(()) | Err(CallError::Rejected(_) | CallError::Declined(_)) => {
            stripe_events::hurry(app, mode, &name).await
        }
    }
}
