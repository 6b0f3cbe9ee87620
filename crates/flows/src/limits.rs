//! Limits against people who try stolen cards, guess links or guess keys. What may begin a payment is decided
//! in the transaction that begins it, before anything reaches Stripe; its counts are shared by all instances
//! on the database.

use std::net::{IpAddr, Ipv6Addr};

use domain::limits::{
    GUARD_MS, INTENTS_PER_TENANT, INVOICE_PER_DAY, INVOICE_PER_HOUR, LOOKS_AT_STRIPE, Limit,
    STARTS_PER_ADDRESS, TRIES_READ, TRIES_WITHIN_MS, Tries, seconds_until,
};
use domain::{InvoiceId, Limited, PaymentId, Scope, Timestamp};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use store::pay_links::PayLink;
use store::{Tx, rate_limits, stripe_operations};
use stripe::Secret;

use crate::audit::{self, Entry};
use crate::collect::PayRequest;
use crate::proofs::{self, WORK, Work};
use crate::{Actor, App, By, Failure, Moment, page_tokens, pay_links};

/// 160 bits of an HMAC, in hex, name a bucket.
const BUCKET_CHARS: usize = 40;
/// Rows that one clean-up removes in one transaction.
const REMOVED_AT_ONCE: i64 = 1_000;
/// While a tenant is guarded; one row is enough to say so.
const GUARD: Limit = Limit {
    most: 1,
    within_ms: GUARD_MS,
};
/// Work is done for one payment.
const SOLUTION: Limit = Limit {
    most: 1,
    within_ms: page_tokens::AGE_MAX_MS,
};
/// The merchant is told of an invoice's cool-down once in its time.
const NOTICE: Limit = Limit {
    most: 1,
    within_ms: INVOICE_PER_HOUR.within_ms,
};

/// The work that a request carries for its page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    Missing,
    Wrong,
    Right,
}

/// What a press on Pay brings along, looked at before its transaction: checking work takes too long for one.
#[derive(Clone, Debug)]
pub struct Press {
    /// Who presses, and from where.
    pub by: By,
    page_token: String,
    /// What the page of the token showed to be due, in minor units.
    pub due_minor: i64,
    proof: Proof,
    tries: Tries,
}

/// What is decided of a press.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    scope: Scope,
    invoice: InvoiceId,
    /// Why nothing begins, if it does not.
    pub refusal: Option<Limited>,
    /// Whether the payments of this tenant look like card testing, and did not before.
    pub newly_guarded: bool,
    /// Whether the invoice cools down, and its merchant has not been told yet.
    pub newly_cooling: bool,
    /// Whether the page had to show work: its payer learns no more than they need.
    pub guarded: bool,
}

/// Reads what decides on a press, and checks the page's token and the work that came with it.
///
/// # Errors
/// [`domain::Refusal::LinkExpired`], [`domain::Refusal::NotFound`], and the refusals of
/// [`page_tokens::check`].
pub async fn press(app: &App, by: &By, link: &str, request: &PayRequest) -> Result<Press, Failure> {
    let (keys, link, now) = (app.keys(), link.to_owned(), app.clock.now());
    let page_token = request.page_token.clone();
    let (guarded, tries, due_minor) = app
        .db
        .read(move |tx| {
            let link = pay_links::open_valid(tx, &keys, &link, now)?;
            let due_minor = page_tokens::check(&keys, &link, page_token.as_deref(), now)?;
            let since = now.plus_ms(-TRIES_WITHIN_MS);
            let tries = stripe_operations::tries(tx, &link.scope, since, TRIES_READ)?;
            Ok::<_, Failure>((is_guarded(tx, keys.newest(), &link.scope, now)?, tries, due_minor))
        })
        .await?;
    let page_token = request.page_token.clone().unwrap_or_default();
    let proof = match &request.proof {
        Some(number) if guarded => match proofs::proves(WORK, &page_token, number)? {
            true => Proof::Right,
            false => Proof::Wrong,
        },
        Some(_) | None => Proof::Missing,
    };
    Ok(Press {
        by: by.clone(),
        page_token,
        due_minor,
        proof,
        tries,
    })
}

/// Decides whether a press may begin a payment of an invoice, and counts it if so. What it writes is to be
/// committed whatever it decides.
pub fn admit(
    tx: &mut Tx,
    key: &Secret,
    press: &Press,
    link: &PayLink,
    moment: Moment,
) -> Result<Verdict, Failure> {
    let PayLink {
        scope, invoice_id, ..
    } = link;
    let id = format!("{:020x}", moment.random(2) & ((1 << 80) - 1));
    let before = is_guarded(tx, key, scope, moment.at)?;
    let suspicious = press.tries.look_like_card_testing();
    if suspicious {
        let minute = moment.at.ms().div_euclid(60_000).to_string();
        rate_limits::count(tx, &guard_bucket(key, scope)?, &minute, GUARD, moment.at)?;
    }
    let guarded = before || suspicious;
    let cooling = cool_down(tx, scope, invoice_id, moment.at)?;
    let newly_cooling = match cooling {
        Some(_) => {
            let bucket = bucket(key, "cooling", invoice_id.as_str())?;
            rate_limits::take(tx, &bucket, &id, NOTICE, moment.at)?.is_ok()
        }
        None => false,
    };
    let refusal = match cooling {
        Some(free_at) => Some(too_many(free_at, moment.at)),
        None => begin_from_address(tx, key, press, scope, guarded, (&id, moment.at))?,
    };
    let verdict = Verdict {
        scope: scope.clone(),
        invoice: invoice_id.clone(),
        refusal,
        newly_guarded: suspicious && !before,
        newly_cooling,
        guarded,
    };
    note(
        tx,
        &verdict,
        &press.by.known_as(Actor::Payer(link.id.clone())),
        press.tries,
        moment,
    )?;
    Ok(verdict)
}

/// Writes down for the merchant what they should know of.
fn note(tx: &mut Tx, verdict: &Verdict, by: &By, tries: Tries, moment: Moment) -> Result<(), Failure> {
    if verdict.newly_guarded {
        let found = serde_json::json!({"begun": tries.begun, "declined": tries.declined});
        let entry = Entry {
            action: "payments.guarded",
            subject: verdict.scope.tenant.as_str(),
            before: None,
            after: Some(found.to_string()),
        };
        audit::note(tx, Some(&verdict.scope), by, moment, &entry)?;
    }
    if verdict.newly_cooling {
        let entry = Entry {
            action: "invoice.cooling_down",
            subject: verdict.invoice.as_str(),
            before: None,
            after: None,
        };
        audit::note(tx, Some(&verdict.scope), by, moment, &entry)?;
    }
    Ok(())
}

impl Verdict {
    /// Says in the log what a person should know of; called once it is committed.
    pub fn tell(&self) {
        let (tenant, mode) = (self.scope.tenant.as_str(), self.scope.mode.word());
        if self.newly_guarded {
            tracing::warn!(
                tenant,
                mode,
                "payments look like card testing: pay pages now ask for work"
            );
        }
        if self.newly_cooling {
            let invoice = self.invoice.as_str();
            tracing::warn!(
                tenant,
                mode,
                invoice,
                "too many failed payments: the invoice cools down"
            );
        }
    }
}

/// When an invoice may be tried again, if too many confirmations did not pay it. They are counted where they
/// are kept: at the writes to Stripe.
fn cool_down(
    tx: &mut Tx,
    scope: &Scope,
    invoice: &InvoiceId,
    now: Timestamp,
) -> Result<Option<Timestamp>, Failure> {
    let mut free_at = None;
    for limit in [INVOICE_PER_HOUR, INVOICE_PER_DAY] {
        let deciding = stripe_operations::nth_confirm(tx, scope, invoice, limit.deciding())?;
        free_at = free_at.max(limit.admit(deciding, now).err());
    }
    Ok(free_at)
}

fn begin_from_address(
    tx: &mut Tx,
    key: &Secret,
    press: &Press,
    scope: &Scope,
    guarded: bool,
    (id, now): (&str, Timestamp),
) -> Result<Option<Limited>, Failure> {
    let starts = match press.by.address.and_then(network) {
        Some(network) => Some(bucket(
            key,
            "starts",
            &format!("{}:{network}", scope.mode.word()),
        )?),
        None => None,
    };
    if let Some(starts) = &starts
        && let Err(free_at) = rate_limits::look(tx, starts, STARTS_PER_ADDRESS, now)?
    {
        return Ok(Some(too_many(free_at, now)));
    }
    let worked = !guarded
        || match press.proof {
            Proof::Missing => return Ok(Some(Limited::ChallengeRequired)),
            Proof::Wrong => false,
            Proof::Right => {
                let solution = bucket(key, "solution", &press.page_token)?;
                rate_limits::take(tx, &solution, id, SOLUTION, now)?.is_ok()
            }
        };
    // Work that is wrong or used is counted too: no page sends it, and checking it costs us something.
    if let Some(starts) = &starts {
        rate_limits::count(tx, starts, id, STARTS_PER_ADDRESS, now)?;
    }
    Ok((!worked).then_some(Limited::ChallengeRequired))
}

/// The work that pages of a tenant must show now, if any.
pub fn work(tx: &mut Tx, key: &Secret, scope: &Scope, now: Timestamp) -> Result<Option<Work>, Failure> {
    Ok(is_guarded(tx, key, scope, now)?.then_some(WORK))
}

fn is_guarded(tx: &mut Tx, key: &Secret, scope: &Scope, now: Timestamp) -> Result<bool, Failure> {
    Ok(rate_limits::look(tx, &guard_bucket(key, scope)?, GUARD, now)?.is_err())
}

fn guard_bucket(key: &Secret, scope: &Scope) -> Result<String, Failure> {
    bucket(key, "guard", &format!("{}:{}", scope.mode.word(), scope.tenant))
}

/// Within a transaction: counts an intent that a tenant's own front end asks for, before Stripe hears of it.
///
/// # Errors
/// [`Limited::RateLimited`] when it asks for too many.
pub fn admit_intent(tx: &mut Tx, key: &Secret, scope: &Scope, moment: Moment) -> Result<(), Failure> {
    let bucket = bucket(key, "intents", &format!("{}:{}", scope.mode.word(), scope.tenant))?;
    let id = format!("{:020x}", moment.random(3) & ((1 << 80) - 1));
    match rate_limits::take(tx, &bucket, &id, INTENTS_PER_TENANT, moment.at)? {
        Ok(()) => Ok(()),
        Err(free_at) => {
            let wait_s = seconds_until(free_at, moment.at);
            Err(Limited::RateLimited { wait_s }.into())
        }
    }
}

/// Whether Stripe may be asked for a payment now because its page wants to know; if not, our row answers.
///
/// # Errors
/// When the database fails.
pub async fn may_look(app: &App, payment: &PaymentId) -> Result<bool, Failure> {
    let (moment, bucket) = (app.moment(), bucket(&app.link_key, "look", payment.as_str())?);
    let id = format!("{:020x}", moment.random(0) & ((1 << 80) - 1));
    let counted = app
        .db
        .write(move |tx| Ok::<_, Failure>(rate_limits::take(tx, &bucket, &id, LOOKS_AT_STRIPE, moment.at)?));
    match counted.await {
        Ok(taken) => Ok(taken.is_ok()),
        // Others write at the same time, again and again: a look is a read, and lost counts harm nobody.
        Err(Failure::Store(store::Error::Conflict)) => Ok(true),
        Err(failure) => Err(failure),
    }
}

/// Counts something that an address did, such as asking for a link that never was one. Answers from when it
/// may do so again if that was too much; what comes from a private network is not counted.
///
/// # Errors
/// When the database fails.
pub async fn count(
    app: &App,
    what: &'static str,
    limit: Limit,
    address: IpAddr,
) -> Result<Option<Timestamp>, Failure> {
    let Some(network) = network(address) else {
        return Ok(None);
    };
    let (moment, bucket) = (app.moment(), bucket(&app.link_key, what, &network)?);
    let id = format!("{:020x}", moment.random(0) & ((1 << 80) - 1));
    let taken = app
        .db
        .write(move |tx| Ok::<_, Failure>(rate_limits::take(tx, &bucket, &id, limit, moment.at)?));
    Ok(taken.await?.err())
}

/// Removes counts that no longer count.
///
/// # Errors
/// When the database fails.
pub async fn remove_old(app: &App) -> Result<(), Failure> {
    let now = app.clock.now();
    loop {
        let removed = app
            .db
            .write(move |tx| Ok::<_, Failure>(rate_limits::remove_old(tx, now, REMOVED_AT_ONCE)?))
            .await?;
        if removed < REMOVED_AT_ONCE.unsigned_abs() {
            return Ok(());
        }
    }
}

/// What counts as one address: IPv4 whole, IPv6 by its /64, which is what one household or machine has.
/// `None` for private networks: such a request comes through a proxy that we were not told of, behind which
/// everybody would share one limit, or from the operator's own machines.
pub fn network(address: IpAddr) -> Option<String> {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let private = v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified();
            (!private).then(|| v4.to_string())
        }
        IpAddr::V6(v6) => {
            let private =
                v6.is_loopback() || v6.is_unspecified() || v6.is_unique_local() || v6.is_unicast_link_local();
            let [a, b, c, d, ..] = v6.segments();
            let prefix = Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0);
            (!private).then(|| format!("{prefix}/64"))
        }
    }
}

fn too_many(free_at: Timestamp, now: Timestamp) -> Limited {
    Limited::TooManyAttempts {
        wait_s: seconds_until(free_at, now),
    }
}

/// Buckets are named by a keyed hash: the database holds no addresses, and nobody can tell one from the name.
pub(crate) fn bucket(key: &Secret, what: &str, whose: &str) -> Result<String, Failure> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose().as_bytes())
        .map_err(|_| Failure::Bug("HMAC takes keys of any length".to_owned()))?;
    mac.update(format!("rate_limit:{what}:{whose}").as_bytes());
    let mut text = hex::encode(mac.finalize().into_bytes());
    text.truncate(BUCKET_CHARS);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::network;

    #[test]
    fn ipv4_counts_whole_ipv6_by_64_bits_and_private_networks_not_at_all() {
        for (address, expected) in [
            ("203.0.113.7", Some("203.0.113.7")),
            ("::ffff:203.0.113.7", Some("203.0.113.7")),
            ("2001:db8:1:2:3:4:5:6", Some("2001:db8:1:2::/64")),
            ("2001:db8:1:2:ffff::", Some("2001:db8:1:2::/64")),
            ("2001:db8:1:3::1", Some("2001:db8:1:3::/64")),
            ("127.0.0.1", None),
            ("10.1.2.3", None),
            ("172.16.0.1", None),
            ("192.168.178.1", None),
            ("169.254.1.1", None),
            ("0.0.0.0", None),
            ("::1", None),
            ("::ffff:10.0.0.1", None),
            ("fe80::1", None),
            ("fd00::1", None),
        ] {
            assert_eq!(
                network(address.parse().unwrap()).as_deref(),
                expected,
                "{address}"
            );
        }
    }
}
