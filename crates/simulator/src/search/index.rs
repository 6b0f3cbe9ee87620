//! The index behind search: what was written lately is known to it as it was before, or not at all.

use std::collections::{HashMap, VecDeque};

use crate::state::{Object, Row, Space};

/// After this a write is found. Stripe says under a minute, and seldom takes that long.
const LAG_MS: i64 = 1_000;

/// Whether a kind of object can be searched.
pub fn takes(object: &str) -> bool {
    matches!(
        object,
        "payment_intent" | "charge" | "customer" | "product" | "price" | "subscription" | "invoice"
    )
}

/// What the index knows of a row.
pub enum Known {
    /// It, as it is.
    Current,
    /// It, as it was.
    Before(Object),
    /// Nothing yet.
    Nothing,
}

/// The writes that the index does not know yet.
#[derive(Default)]
pub struct Index {
    late: HashMap<(Space, String), (i64, Option<Object>)>,
    order: VecDeque<(i64, Space, String)>,
}

impl Index {
    /// Notes that a row is written; `old` is the row before, `None` for a new one.
    pub fn note(&mut self, space: &Space, id: &str, old: Option<Object>, now_ms: i64) {
        while let Some((at_ms, ..)) = self.order.front()
            && at_ms.saturating_add(LAG_MS) <= now_ms
        {
            if let Some((_, space, id)) = self.order.pop_front() {
                self.late.remove(&(space, id));
            }
        }
        let place = (space.clone(), id.to_owned());
        if !self.late.contains_key(&place) {
            self.order.push_back((now_ms, place.0.clone(), place.1.clone()));
            self.late.insert(place, (now_ms, old));
        }
    }

    /// What is known of a row.
    pub fn old<T: Row>(&self, row: &T, now_ms: i64) -> Known {
        // Nothing is late most of the time, and a search looks at every row.
        if self.late.is_empty() {
            return Known::Current;
        }
        match self.late.get(&(row.space().clone(), row.id().to_owned())) {
            Some((at_ms, old)) if at_ms.saturating_add(LAG_MS) > now_ms => match old {
                Some(old) => Known::Before(old.clone()),
                None => Known::Nothing,
            },
            _ => Known::Current,
        }
    }
}
