//! What an event says beside the object that it is about: which request caused it, and when.

use domain::Timestamp;
use domain::payment::Evidence;
use stripe::events::Envelope;

use super::Look;
use super::ours::Told;
use crate::Moment;

/// What an envelope says beside its object.
pub struct Origin {
    /// The key of the request that caused the event.
    pub key: Option<String>,
    /// Stripe's name of its object's type.
    pub object_type: Option<String>,
    /// When it was made.
    pub created_ms: i64,
}

impl Origin {
    /// Reads the envelope.
    pub fn of(envelope: &Envelope) -> Origin {
        Origin {
            key: envelope.idempotency_key.clone(),
            object_type: envelope.object_type.clone(),
            created_ms: envelope.created_ms,
        }
    }

    /// What it says of an object that was looked at like this.
    pub fn told(&self, moment: Moment, look: &Look) -> Told<'_> {
        Told {
            object_type: self.object_type.as_deref(),
            as_of: match look.evidence {
                Evidence::Current => moment.at,
                Evidence::Snapshot => Timestamp::from_ms(self.created_ms),
            },
        }
    }
}
