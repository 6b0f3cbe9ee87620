//! Tries at passwords and codes, counted before they are looked at, so that many at once are no way
//! around: by account and network, by account, and by network. A right one takes its own count back.

use domain::Limited;
use domain::limits::{Limit, seconds_until};
use domain::login::{self, FAILURES_PER_ADDRESS, FREE, KNOWN_MS, REMEMBERED_MS};
use domain::person::Refused;
use store::{Tx, rate_limits};

use crate::limits::{bucket, network};
use crate::{Actor, App, By, Failure, Moment};

const REMEMBERED: Limit = Limit {
    most: FREE,
    within_ms: REMEMBERED_MS,
};
const KNOWN: Limit = Limit {
    most: 1,
    within_ms: KNOWN_MS,
};

/// Stands for all private networks.
const HERE: &str = "here";
/// The bucket of a network from which an account logged in.
const KNOWN_NETWORK: &str = "login_known";

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
        let from = network.as_deref().unwrap_or(HERE);
        let address = network
            .as_deref()
            .map(|network| bucket(key, "login_address", network));
        Ok(Attempt {
            id: format!("{:032x}", app.clock.random()),
            here: bucket(key, what, &format!("{account} {from}"))?,
            everywhere: bucket(key, what, account)?,
            known: bucket(key, KNOWN_NETWORK, &format!("{account} {from}"))?,
            address: address.transpose()?,
        })
    }

    /// Counts the try in a transaction of its own, if it may be looked at. Who is held up, and is remembered
    /// to be, costs none.
    ///
    /// # Errors
    /// As [`Attempt::begin`].
    pub async fn begun(&self, app: &App) -> Result<(), Failure> {
        self.remembered(app)?;
        let (moment, inner, attempt) = (app.moment(), app.clone(), self.clone());
        app.db.write(move |tx| attempt.begin(tx, &inner, moment)).await
    }

    /// Whether this instance does not remember the try to be held up.
    ///
    /// # Errors
    /// [`Refused::LoginDelayed`].
    pub fn remembered(&self, app: &App) -> Result<(), Failure> {
        let now = app.clock.now();
        let buckets = [Some(self.here.as_str()), self.address.as_deref()];
        match app.watch.held(buckets.into_iter().flatten(), now) {
            Some(until) => Err(Refused::delayed(until, now).into()),
            None => Ok(()),
        }
    }

    /// Counts the try, if it may be looked at.
    ///
    /// # Errors
    /// [`Refused::LoginDelayed`].
    pub fn begin(&self, tx: &mut Tx, app: &App, moment: Moment) -> Result<(), Failure> {
        let (now, since) = (moment.at, moment.at.plus_ms(-REMEMBERED_MS));
        let remember = |bucket: &str, held: Result<(), domain::Timestamp>| {
            held.inspect_err(|until| app.watch.hold(bucket, *until, now))
        };
        let here = rate_limits::failures(tx, &self.here, since)?;
        let mut held = remember(&self.here, here.admit(FREE, now));
        if rate_limits::look(tx, &self.known, KNOWN, now)?.is_ok() {
            let everywhere = rate_limits::failures(tx, &self.everywhere, since)?;
            held = held.and(everywhere.admit_from_everywhere(now));
        }
        if let Some(address) = &self.address {
            let network = rate_limits::look(tx, address, FAILURES_PER_ADDRESS, now)?;
            held = held.and(remember(address, network));
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

/// Whether a link to a new password is sent to this address, whoever it is: counted by the network that asks,
/// and by the address as asked for from there, so that a stranger cannot use up what its owner may ask for.
/// A network that asks for too many leaves no trace.
pub fn reset(tx: &mut Tx, app: &App, by: &By, email: &str, moment: Moment) -> Result<bool, Failure> {
    let network = by.address.and_then(network);
    if let Some(network) = &network
        && !take(
            tx,
            app,
            ("reset_address", network),
            login::RESETS_PER_ADDRESS,
            moment,
        )?
    {
        return Ok(false);
    }
    let pair = format!("{email} {}", network.as_deref().unwrap_or(HERE));
    if !take(tx, app, ("reset", &pair), login::RESETS_PER_PERSON, moment)? {
        return Ok(false);
    }
    let known = bucket(&app.link_key, KNOWN_NETWORK, &pair)?;
    if rate_limits::look(tx, &known, KNOWN, moment.at)?.is_err() {
        return Ok(true);
    }
    take(
        tx,
        app,
        ("reset_everywhere", email),
        login::RESETS_FROM_EVERYWHERE,
        moment,
    )
}

/// Counts a mail that a person has sent to an address of their choice.
///
/// # Errors
/// [`Limited::RateLimited`].
pub fn mail(tx: &mut Tx, app: &App, by: &By, recipient: &str, moment: Moment) -> Result<(), Failure> {
    let sender = match &by.actor {
        Actor::Person(id) => Some(("mails_by", id.as_str(), login::MAILS_PER_SENDER)),
        _ => None,
    };
    let to = ("mails_to", recipient, login::MAILS_PER_RECIPIENT);
    for (what, whose, limit) in sender.into_iter().chain([to]) {
        let bucket = bucket(&app.link_key, what, whose)?;
        if let Err(until) = rate_limits::take(tx, &bucket, &id(moment), limit, moment.at)? {
            let wait_s = seconds_until(until, moment.at);
            return Err(Limited::RateLimited { wait_s }.into());
        }
    }
    Ok(())
}

fn take(
    tx: &mut Tx,
    app: &App,
    (what, whose): (&str, &str),
    limit: Limit,
    moment: Moment,
) -> Result<bool, Failure> {
    let bucket = bucket(&app.link_key, what, whose)?;
    Ok(rate_limits::take(tx, &bucket, &id(moment), limit, moment.at)?.is_ok())
}

fn id(moment: Moment) -> String {
    format!("{:020x}", moment.random(7) & ((1 << 80) - 1))
}
