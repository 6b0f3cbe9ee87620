//! Idempotency keys: the answer to the first request with a key, given again to every later one with the same
//! parameters. Kept for 24 hours, apart for each account and mode.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::state::{Object, Space, State};

/// After this a key may be used anew.
const KEPT_MS: i64 = 86_400_000;
/// The same for v2.
const KEPT_V2_MS: i64 = 30 * KEPT_MS;
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
    pub body: Body,
    /// When it came, in milliseconds.
    pub at_ms: i64,
    /// Until when the first request is still being answered.
    pub busy_until_ms: i64,
}

/// The body of a kept answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// The object as it was then. Rows never change, so it is written the same again, in a fraction of the
    /// memory that the text takes.
    Object(Object),
    /// Anything else.
    Text(String),
}

impl Body {
    /// The body to keep of an answer: that object, if it is all that was answered.
    pub fn of(state: &State, answered: Option<Object>, text: &str) -> Body {
        // How these look depends on nothing but the row, not even on the time.
        let lasting = answered.filter(|object| {
            matches!(
                object,
                Object::PaymentIntent(_) | Object::PaymentMethod(_) | Object::Customer(_)
            )
        });
        let same = |object: &Object| Body::Object(object.clone()).text(state) == text;
        match lasting.filter(same) {
            Some(object) => Body::Object(object),
            None => Body::Text(text.to_owned()),
        }
    }

    /// The body as it was answered.
    pub fn text(&self, state: &State) -> String {
        match self {
            Body::Object(object) => object.shown(state).to_string(),
            Body::Text(text) => text.clone(),
        }
    }
}

/// The answers kept.
#[derive(Default)]
pub struct Idempotency {
    kept: BTreeMap<Space, HashMap<Box<str>, Arc<Kept>>>,
    order: VecDeque<Arc<Kept>>,
    /// Those of v2, which are kept for longer.
    order_v2: VecDeque<Arc<Kept>>,
}

impl Idempotency {
    /// The answer kept under a key.
    pub fn find(&self, space: &Space, key: &str) -> Option<&Arc<Kept>> {
        self.kept.get(space)?.get(key)
    }

    /// Keeps an answer.
    pub fn put(&mut self, kept: Kept) {
        let kept = Arc::new(kept);
        let of_space = self.kept.entry(kept.space.clone()).or_default();
        of_space.insert(kept.key.as_str().into(), Arc::clone(&kept));
        if kept.path.starts_with("/v2/") {
            self.order_v2.push_back(kept);
        } else {
            self.order.push_back(kept);
        }
    }

    /// Forgets what is older than a day, or of v2 than 30 days.
    pub fn prune(&mut self, now_ms: i64) {
        for (order, kept_ms) in [(&mut self.order, KEPT_MS), (&mut self.order_v2, KEPT_V2_MS)] {
            while let Some(old) = order.pop_front_if(|kept| now_ms - kept.at_ms >= kept_ms) {
                // A key used anew since then has a younger entry.
                if let Some(of_space) = self.kept.get_mut(&old.space)
                    && of_space
                        .get(old.key.as_str())
                        .is_some_and(|kept| Arc::ptr_eq(kept, &old))
                {
                    of_space.remove(old.key.as_str());
                }
            }
        }
    }

    /// Everything kept, oldest first.
    pub fn all(&self) -> impl Iterator<Item = &Kept> {
        self.order.iter().chain(&self.order_v2).map(|kept| kept.as_ref())
    }

    /// How many keys there are.
    pub fn count(&self) -> usize {
        self.kept.values().map(HashMap::len).sum()
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
