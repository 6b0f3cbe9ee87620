//! Limits at the gate: guesses at pay links, requests without a valid API key, and how fast one key may ask.
//! Guesses are counted in the database, so that instances share them; who is over a limit is remembered here,
//! so that turning them away costs no query. Webhooks never pass this gate: a signature is their ticket.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use axum::extract::{FromRequestParts, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use domain::limits::{KEY_MISSES, LINK_MISSES, Limit, REQUESTS_PER_KEY, seconds_until};
use domain::{Limited, Timestamp};
use flows::limits as counts;
use sha2::{Digest, Sha256};

use crate::address::ClientAddress;
use crate::pay::checkout;
use crate::pay::language::Asked;
use crate::people;
use crate::problem::Problem;
use crate::router::Site;
use crate::routes::Who;

/// Who is remembered at most, of each kind. Beyond that the ones whose time is over make room, and where that
/// is not enough nobody new is remembered: the counts in the database still hold.
const REMEMBERED_MAX: usize = 20_000;

/// Moments by key, each of no interest once it has passed.
struct Moments<K>(Mutex<HashMap<K, Timestamp>>);

impl<K> Default for Moments<K> {
    fn default() -> Moments<K> {
        Moments(Mutex::new(HashMap::new()))
    }
}

impl<K: Eq + Hash> Moments<K> {
    fn get(&self, key: &K) -> Option<Timestamp> {
        self.lock().get(key).copied()
    }

    /// Lets `next` decide on the moment that is kept.
    fn update<T>(&self, key: K, now: Timestamp, next: impl FnOnce(Option<Timestamp>) -> (Timestamp, T)) -> T {
        let mut moments = self.lock();
        if moments.len() >= REMEMBERED_MAX {
            moments.retain(|_, until| *until > now);
        }
        let (until, answer) = next(moments.get(&key).copied());
        if moments.len() < REMEMBERED_MAX || moments.contains_key(&key) {
            moments.insert(key, until);
        }
        answer
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<K, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What this instance remembers.
#[derive(Default)]
pub struct Gate {
    /// Networks that are turned away, by what they did, and until when.
    closed: Moments<(&'static str, String)>,
    /// By a hash of the API key: when what it asked for is paid off.
    keys: Moments<[u8; 32]>,
}

impl Gate {
    /// Takes a place for a request with a key.
    fn pace(&self, key: &[u8], now: Timestamp) -> Result<(), Limited> {
        let hash: [u8; 32] = Sha256::digest(key).into();
        self.keys
            .update(hash, now, |paid_off| match REQUESTS_PER_KEY.take(paid_off, now) {
                Ok(next) => (next, Ok(())),
                Err(free_at) => (paid_off.unwrap_or(now), Err(limited(free_at, now))),
            })
    }
}

/// A kind of guess.
#[derive(Clone, Copy)]
struct Guess {
    what: &'static str,
    limit: Limit,
    /// The answer that says that the guess was wrong.
    missed: StatusCode,
}

const LINK: Guess = Guess {
    what: "link_misses",
    limit: LINK_MISSES,
    missed: StatusCode::NOT_FOUND,
};

const PERSON_LINK: Guess = Guess {
    what: "person_link_misses",
    limit: LINK_MISSES,
    missed: StatusCode::GONE,
};

const KEY: Guess = Guess {
    what: "key_misses",
    limit: KEY_MISSES,
    missed: StatusCode::UNAUTHORIZED,
};

/// Stands before every route, and asks for what its owner calls for.
pub async fn gate(
    State((site, who)): State<(Site, Who)>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let address = ClientAddress::from_request_parts(&mut parts, &site).await?;
    let request = Request::from_parts(parts, body);
    match who {
        Who::Key(_) | Who::KeyItselfOr(_) | Who::Platform => {
            if let Some(key) = request.headers().get(header::AUTHORIZATION) {
                site.gate.pace(key.as_bytes(), site.app.clock.now())?;
            }
            Ok(guarded(&site, KEY, address, request, next).await?)
        }
        Who::Payer => {
            let path = request.uri().path();
            let page = path.starts_with("/pay/") && !path.ends_with("/panel");
            let asked = Asked::of(request.uri(), request.headers());
            match guarded(&site, LINK, address, request, next).await {
                Err(limited) if page => Ok(checkout::busy(limited, asked)),
                answered => Ok(answered?),
            }
        }
        Who::Metrics => Ok(guarded(&site, KEY, address, request, next).await?),
        Who::Visitor => match guarded(&site, PERSON_LINK, address, request, next).await {
            Err(limited) => Ok(people::held_up(limited)),
            Ok(answer) => Ok(answer),
        },
        Who::Person(_)
        | Who::Operator
        | Who::AnyPerson
        | Who::Entering
        | Who::Returning
        | Who::Stripe
        | Who::Anybody => Ok(next.run(request).await),
    }
}

/// Turns away who guessed too often; lets everybody else through, and counts what turns out to be a wrong
/// guess. While the database cannot count, requests go on: they are reads, or will be refused by it as well.
async fn guarded(
    site: &Site,
    guess: Guess,
    ClientAddress(address): ClientAddress,
    request: Request,
    next: Next,
) -> Result<Response, Limited> {
    let Some(network) = counts::network(address) else {
        return Ok(next.run(request).await);
    };
    let (who, now) = ((guess.what, network), site.app.clock.now());
    if let Some(until) = site.gate.closed.get(&who).filter(|until| *until > now) {
        return Err(limited(until, now));
    }
    let response = next.run(request).await;
    if response.status() != guess.missed {
        return Ok(response);
    }
    match counts::count(&site.app, guess.what, guess.limit, address).await {
        Ok(None) => Ok(response),
        Ok(Some(until)) => {
            tracing::warn!(what = guess.what, %address, "too many wrong guesses: turned away");
            site.gate.closed.update(who, now, |_| (until, ()));
            Err(limited(until, now))
        }
        Err(failure) => {
            tracing::warn!(%failure, "a wrong guess could not be counted");
            Ok(response)
        }
    }
}

fn limited(until: Timestamp, now: Timestamp) -> Limited {
    Limited::RateLimited {
        wait_s: seconds_until(until, now),
    }
}
