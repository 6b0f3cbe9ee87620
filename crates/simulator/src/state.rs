//! All that the simulator knows: one table a kind of object, each row typed and shared by the events that
//! tell of it, and the spaces (an account in a mode) that keep objects apart.

use crate::clock::Clock;
use crate::delivery::Deliveries;
use crate::error::ApiError;
use crate::fault::Faults;
use crate::idempotency::Idempotency;
use crate::ids::Ids;
use crate::limiter::Limiter;
use crate::persist::{Change, Journal};
use crate::request_log::RequestLog;
pub use crate::rows::{Object, Row, Shown, Tables, Told};
use crate::schedule::{self, Schedule};
use crate::search::{self, Index};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What Stripe adds where a platform names a payment method that it does not have.
const ELSEWHERE: &str = "; It's possible this PaymentMethod exists on one of your connected accounts, in \
                         which case you should retry this request on that connected account. Learn more at \
                         https://stripe.com/docs/connect/authentication";

/// An account in a mode: what is made in one space cannot be seen in another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Space {
    /// LIVE or TEST.
    pub livemode: bool,
    /// The connected account; `None` is the platform itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

impl Space {
    /// The platform's own space in the same mode.
    pub fn platform(&self) -> Space {
        Space {
            livemode: self.livemode,
            account: None,
        }
    }
}

/// What does not change while the simulator runs.
pub struct Settings {
    /// Every id comes from it.
    pub seed: u64,
    /// The platform's own account.
    pub platform: String,
    /// The platform as an application, `ca_…`.
    pub application: String,
    /// What the platform is called.
    pub platform_name: String,
    /// Whether endpoints for connected accounts show [`Settings::application`].
    pub connect_application: bool,
    /// Whether webhooks may leave this machine.
    pub deliver_anywhere: bool,
}

/// The whole of a simulated Stripe.
pub struct State {
    /// See [`Settings`].
    pub settings: Settings,
    /// The clock.
    pub clock: Clock,
    /// The time of the request or step that is being carried out: it stands still within it.
    pub now_ms: i64,
    /// How far that is ahead of the simulator's own time, in milliseconds: not nought while what lives by a
    /// test clock is changed.
    pub shift_ms: i64,
    /// Where ids come from.
    pub ids: Ids,
    /// The objects.
    pub tables: Tables,
    /// What is to happen later.
    pub schedule: Schedule,
    /// Answers kept under their keys.
    pub idempotency: Idempotency,
    /// Webhooks on their way.
    pub deliveries: Deliveries,
    /// What is to go wrong.
    pub faults: Faults,
    /// The limiter of requests.
    pub limiter: Limiter,
    /// What search does not know yet.
    pub index: Index,
    /// The latest requests.
    pub log: RequestLog,
    /// Where changes are written, when there is a folder.
    pub journal: Option<Journal>,
}

impl State {
    /// The time in seconds, as Stripe's objects carry it.
    pub fn now_s(&self) -> i64 {
        self.now_ms.div_euclid(1000)
    }

    /// The simulator's own time in milliseconds, whatever a test clock tells.
    pub fn own_ms(&self) -> i64 {
        self.now_ms.saturating_sub(self.shift_ms)
    }

    /// Moves the clock ahead; what becomes due on the way happens at its moment.
    pub fn advance(&mut self, ms: i64) {
        self.clock.advance_ms(ms);
        schedule::run(self);
    }

    /// A new id.
    pub fn id(&mut self, prefix: &str, length: usize) -> String {
        self.ids.id(prefix, length)
    }

    /// Stores a row that is new or changed.
    pub fn put<T: Row>(&mut self, row: T) -> Arc<T> {
        let row = Arc::new(row);
        if search::takes(T::OBJECT) {
            let old = T::table(self).at(row.space(), row.id()).cloned();
            let now_ms = self.own_ms();
            self.index.note(row.space(), row.id(), old.map(T::object), now_ms);
        }
        T::table_mut(self).put(Arc::clone(&row));
        self.write(|| Change::Put(T::object(Arc::clone(&row))));
        row
    }

    /// Journals a change, where there is a journal.
    pub fn write(&mut self, change: impl FnOnce() -> Change) {
        if let Some(journal) = &mut self.journal {
            journal.push(change());
        }
    }

    /// A row of the space.
    ///
    /// # Errors
    /// 404 `resource_missing`, which says so when the id exists in the other mode.
    pub fn get<T: Row>(&self, space: &Space, id: &str) -> Result<Arc<T>, ApiError> {
        self.get_for(space, id, T::PARAM)
    }

    /// The same, blaming another parameter.
    ///
    /// # Errors
    /// As [`State::get`].
    pub fn get_for<T: Row>(&self, space: &Space, id: &str, param: &str) -> Result<Arc<T>, ApiError> {
        let table = T::table(self);
        if let Some(row) = table.at(space, id) {
            return Ok(Arc::clone(row));
        }
        let other = Space {
            livemode: !space.livemode,
            account: space.account.clone(),
        };
        match table.at(&other, id) {
            Some(_) => {
                let mut error = ApiError::no_such(T::NOUN, id, param);
                let (theirs, ours) = if space.livemode {
                    ("test", "live")
                } else {
                    ("live", "test")
                };
                error.message.push_str(&format!(
                    "; a similar object exists in {theirs} mode, but a {ours} mode key was used to make this \
                     request."
                ));
                Err(error)
            }
            None => {
                let mut error = ApiError::no_such(T::NOUN, id, param);
                if T::NOUN == "PaymentMethod" && space.account.is_none() {
                    error.message.push_str(ELSEWHERE);
                }
                Err(error)
            }
        }
    }

    /// The rows of a space, oldest first.
    pub fn of<T: Row>(&self, space: &Space) -> impl DoubleEndedIterator<Item = &Arc<T>> {
        T::table(self).of(space)
    }
}
