//! Tries at passwords and codes, counted before they are looked at, so that many at once are no way
//! around: by account and network, by account, and by network. A right one takes its own count back.

use domain::limits::Limit;
use domain::login::{self, FAILURES_PER_ADDRESS, FREE, FREE_FROM_EVERYWHERE, KNOWN_MS, REMEMBERED_MS};
use domain::person::Refused;
use store::{Tx, rate_limits};

use crate::limits::{bucket, network};
use crate::{App, By, Failure, Moment};

const REMEMBERED: Limit = Limit {
    most: FREE,
    within_ms: REMEMBERED_MS,
};
const KNOWN: Limit = Limit {
    most: 1,
    within_ms: KNOWN_MS,
};

/// One try, in the buckets in which it counts.
#[derive(Clone, Debug)]
pub struct Attempt {
    id: String,
    /// The account as seen from the network.
    here: String,
    /// The account from everywhere.
    everywhere: String,
    /// Whether the account logged in from the network before.
    known: String,
    /// The network; none for private ones, behind which everybody would share it.
    address: Option<String>,
}

impl Attempt {
    /// A try of `what`, such as a password, at an account.
    pub fn new(app: &App, by: &By, what: &str, account: &str) -> Result<Attempt, Failure> {
        let key = &app.link_key;
        let network = by.address.and_then(network);
        let from = network.as_deref().unwrap_or("here");
        let address = network
            .as_deref()
            .map(|network| bucket(key, "login_address", network));
        Ok(Attempt {
            id: format!("{:032x}", app.clock.random()),
            here: bucket(key, what, &format!("{account} {from}"))?,
            everywhere: bucket(key, what, account)?,
            known: bucket(key, "login_known", &format!("{account} {from}"))?,
            address: address.transpose()?,
        })
    }

    /// Counts the try, if it may be looked at.
    ///
    /// # Errors
    /// [`Refused::LoginDelayed`].
    pub fn begin(&self, tx: &mut Tx, moment: Moment) -> Result<(), Failure> {
        let (now, since) = (moment.at, moment.at.plus_ms(-REMEMBERED_MS));
        let mut held = rate_limits::failures(tx, &self.here, since)?.admit(FREE, now);
        if rate_limits::look(tx, &self.known, KNOWN, now)?.is_ok() {
            let everywhere = rate_limits::failures(tx, &self.everywhere, since)?;
            held = held.and(everywhere.admit(FREE_FROM_EVERYWHERE, now));
        }
        if let Some(address) = &self.address {
            held = held.and(rate_limits::look(tx, address, FAILURES_PER_ADDRESS, now)?);
        }
        if let Err(until) = held {
            return Err(Refused::delayed(until, now).into());
        }
        rate_limits::count(tx, &self.here, &self.id, REMEMBERED, now)?;
        rate_limits::count(tx, &self.everywhere, &self.id, REMEMBERED, now)?;
        if let Some(address) = &self.address {
            rate_limits::count(tx, address, &self.id, FAILURES_PER_ADDRESS, now)?;
        }
        Ok(())
    }

    /// It was right: what the account got wrong from here is forgotten, and the network is known.
    pub fn succeed(&self, tx: &mut Tx, moment: Moment) -> Result<(), Failure> {
        rate_limits::forget(tx, &self.here)?;
        self.take_back(tx)?;
        rate_limits::forget(tx, &self.known)?;
        Ok(rate_limits::count(tx, &self.known, &self.id, KNOWN, moment.at)?)
    }

    /// It was not looked at.
    pub fn take_back(&self, tx: &mut Tx) -> Result<(), Failure> {
        rate_limits::uncount(tx, &self.here, &self.id)?;
        rate_limits::uncount(tx, &self.everywhere, &self.id)?;
        if let Some(address) = &self.address {
            rate_limits::uncount(tx, address, &self.id)?;
        }
        Ok(())
    }
}

/// Counts something that a person or a network may have done only so often, such as asking for a mail.
/// Answers whether it may be done.
pub fn take(
    tx: &mut Tx,
    app: &App,
    (what, whose): (&str, &str),
    limit: Limit,
    moment: Moment,
) -> Result<bool, Failure> {
    let bucket = bucket(&app.link_key, what, whose)?;
    let id = format!("{:020x}", moment.random(7) & ((1 << 80) - 1));
    Ok(rate_limits::take(tx, &bucket, &id, limit, moment.at)?.is_ok())
}

/// Whether a network may ask for another link to a new password; private networks always may.
pub fn reset_from_address(tx: &mut Tx, app: &App, by: &By, moment: Moment) -> Result<bool, Failure> {
    match by.address.and_then(network) {
        None => Ok(true),
        Some(network) => take(
            tx,
            app,
            ("reset_address", &network),
            login::RESETS_PER_ADDRESS,
            moment,
        ),
    }
}
