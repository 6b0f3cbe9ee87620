//! The limiter of requests a second, for each account and mode. It is off until a test switches it on: no
//! test shall be throttled by surprise.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::state::Space;

/// Searches are limited more strictly, in both modes.
const SEARCHES_A_SECOND: u32 = 20;

/// How many requests a second are answered.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// In test mode.
    pub test_per_s: u32,
    /// In live mode.
    pub live_per_s: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            test_per_s: 25,
            live_per_s: 100,
        }
    }
}

/// What the limiter has seen in the current second.
#[derive(Default)]
pub struct Limiter {
    limits: Option<Limits>,
    second: i64,
    seen: HashMap<(Space, bool), u32>,
}

impl Limiter {
    /// Switches it on, or off.
    pub fn arm(&mut self, limits: Option<Limits>) {
        *self = Limiter {
            limits,
            ..Limiter::default()
        };
    }

    /// Counts a request; why it is refused, when it is one too many in this second.
    pub fn refuses(&mut self, space: &Space, search: bool, now_ms: i64) -> Option<&'static str> {
        let limits = self.limits?;
        let second = now_ms.div_euclid(1000);
        if self.second != second {
            self.second = second;
            self.seen.clear();
        }
        let mut over = |search: bool, most: u32| {
            let seen = self.seen.entry((space.clone(), search)).or_default();
            *seen = seen.saturating_add(1);
            *seen > most
        };
        let most = if space.livemode {
            limits.live_per_s
        } else {
            limits.test_per_s
        };
        if over(false, most) {
            Some("global-rate")
        } else if search && over(true, SEARCHES_A_SECOND) {
            Some("endpoint-rate")
        } else {
            None
        }
    }

    /// Its limits; null when it is off.
    pub fn render(&self) -> Value {
        json!(self.limits)
    }
}
