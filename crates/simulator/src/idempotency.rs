//! Idempotency keys: the answer to the first request with a key, given again to every later one with the same
//! parameters. Kept for 24 hours, apart for each account and mode.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::state::Space;

/// After this a key may be used anew.
const KEPT_MS: i64 = 86_400_000;
/// Stripe refuses longer keys.
pub const KEY_MAX: usize = 255;

/// A kept answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Kept {
    /// The key.
    pub key: String,
    /// Where it counts.
    pub space: Space,
    /// The path of the first request.
    #[serde(default)]
    pub path: String,
    /// Its method and parameters, hashed.
    pub fingerprint: String,
    /// The first request's id.
    pub request: String,
    /// Its answer's status.
    pub status: u16,
    /// Its answer's body.
    pub body: String,
    /// When it came, in milliseconds.
    pub at_ms: i64,
    /// Until when the first request is still being answered.
    pub busy_until_ms: i64,
}

/// The answers kept.
#[derive(Default)]
pub struct Idempotency {
    kept: HashMap<(Space, String), Kept>,
    order: VecDeque<(i64, Space, String)>,
}

impl Idempotency {
    /// The answer kept under a key.
    pub fn find(&self, space: &Space, key: &str) -> Option<&Kept> {
        self.kept.get(&(space.clone(), key.to_owned()))
    }

    /// Keeps an answer.
    pub fn put(&mut self, kept: Kept) {
        self.order
            .push_back((kept.at_ms, kept.space.clone(), kept.key.clone()));
        self.kept.insert((kept.space.clone(), kept.key.clone()), kept);
    }

    /// Forgets what is older than a day.
    pub fn prune(&mut self, now_ms: i64) {
        while self
            .order
            .front()
            .is_some_and(|(at_ms, _, _)| now_ms - at_ms >= KEPT_MS)
        {
            if let Some((at_ms, space, key)) = self.order.pop_front() {
                let place = (space, key);
                // A key used anew since then has a younger entry.
                if self.kept.get(&place).is_some_and(|kept| kept.at_ms == at_ms) {
                    self.kept.remove(&place);
                }
            }
        }
    }

    /// Everything kept, oldest first.
    pub fn all(&self) -> impl Iterator<Item = &Kept> {
        self.order
            .iter()
            .filter_map(|(_, space, key)| self.kept.get(&(space.clone(), key.clone())))
    }

    /// How many keys there are.
    pub fn count(&self) -> usize {
        self.kept.len()
    }
}

/// What makes two requests with one key and one path the same request: the parameters, however they are
/// written.
pub fn fingerprint(method: &str, parameters: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(method.as_bytes());
    hash.update(b"\n");
    hash.update(parameters.as_bytes());
    hex::encode(&hash.finalize()[..16])
}
