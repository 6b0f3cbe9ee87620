//! The inbox: a verified delivery is stored raw (client secrets aside), and answered; a worker takes it up
//! later.

use domain::{InboxId, Mode};
use sha2::{Digest, Sha256};
use store::reconciliation_breaks::Kind as BreakKind;
use store::stripe_webhook_events::{self as inbox, Delivery, Status, Taken};
use stripe::client::mask_client_secrets;
use stripe::events::{self, Envelope, Kind};

use super::retries::EVENT_DEAD;
use crate::{App, Failure, Moment, observe};

/// How long a worker keeps an event for itself; after a crash another takes it up then.
const LEASE_MS: i64 = 60 * 1000;

/// The type under which a signed body is kept that is no event.
pub const UNREADABLE: &str = "unreadable";

/// Whose secret a delivery was signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedAs {
    /// The mode that the secret belongs to.
    pub mode: Mode,
    /// Snapshot or thin.
    pub kind: Kind,
}

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ingested {
    /// Stored; a worker applies it.
    New {
        /// Stripe's name of the event type, for the log.
        event_type: String,
    },
    /// Known already; nothing more happens.
    Duplicate,
    /// Stored and never applied: a live event under a TEST secret.
    Quarantined,
    /// The body is not of the kind that this secret signs. Nothing is stored.
    WrongShape,
}

/// Stores a verified delivery.
///
/// # Errors
/// When the database does not take it: the caller answers 503, so that Stripe sends it again.
pub async fn ingest(app: &App, body: &[u8], signed_as: SignedAs) -> Result<Ingested, Failure> {
    let moment = app.moment();
    let delivery = match events::parse(body) {
        Ok(envelope) if envelope.kind != signed_as.kind => return Ok(Ingested::WrongShape),
        Ok(envelope) => delivery_of(moment, body, signed_as, envelope),
        Err(malformed) => {
            tracing::error!(?malformed, "a verified webhook body is no event; it is kept");
            unreadable(moment, body, signed_as)
        }
    };
    let quarantined = delivery.status == Status::Quarantined;
    let trouble = match delivery.status {
        Status::Quarantined => Some((
            BreakKind::Quarantined,
            "an event with livemode true came under a TEST secret; it is not applied",
        )),
        Status::Dead => Some((
            EVENT_DEAD,
            "a signed body that is no event; it is kept and not applied",
        )),
        _ => None,
    };
    let event_type = delivery.event_type.clone();
    let new = app
        .db
        .write(move |tx| {
            let new = inbox::insert(tx, &delivery, moment.at)?;
            if let Some((kind, detail)) = trouble.filter(|_| new) {
                let (mode, id) = (delivery.mode, &delivery.event_id);
                observe::open_break(tx, moment, 1, None, mode, kind, id, detail)?;
            }
            Ok::<_, Failure>(new)
        })
        .await?;
    Ok(match (new, quarantined) {
        (false, _) => Ingested::Duplicate,
        (true, true) => Ingested::Quarantined,
        (true, false) => Ingested::New { event_type },
    })
}

/// The row of an event.
pub fn delivery_of(moment: Moment, body: &[u8], signed_as: SignedAs, envelope: Envelope) -> Delivery {
    let mode = Mode::from_livemode(envelope.livemode);
    // A LIVE secret may carry test events: Stripe sends them to live Connect endpoints. Never the other way
    // round.
    let quarantined = mode == Mode::Live && signed_as.mode == Mode::Test;
    Delivery {
        id: InboxId::new(moment.at, moment.random(0)),
        event_id: envelope.id,
        account: envelope.account.unwrap_or_default(),
        mode,
        thin: envelope.kind == Kind::Thin,
        event_type: envelope.type_,
        object_id: envelope.object_id,
        api_version: envelope.api_version,
        idempotency_key: envelope.idempotency_key,
        snapshot_event: envelope.snapshot_event,
        body: mask_client_secrets(&String::from_utf8_lossy(body)),
        status: if quarantined {
            Status::Quarantined
        } else {
            Status::Received
        },
    }
}

fn unreadable(moment: Moment, body: &[u8], signed_as: SignedAs) -> Delivery {
    Delivery {
        id: InboxId::new(moment.at, moment.random(0)),
        event_id: format!("unreadable_{}", hex::encode(&Sha256::digest(body)[..16])),
        account: String::new(),
        mode: signed_as.mode,
        thin: signed_as.kind == Kind::Thin,
        event_type: UNREADABLE.to_owned(),
        object_id: None,
        api_version: None,
        idempotency_key: None,
        snapshot_event: None,
        body: String::from_utf8_lossy(body).replace('\0', "\u{fffd}"),
        status: Status::Dead,
    }
}

/// Takes up due events for this worker.
///
/// # Errors
/// When the database fails.
pub async fn take(app: &App, limit: i64) -> Result<Vec<Taken>, Failure> {
    let at = app.clock.now();
    Ok(app
        .db
        .write(move |tx| inbox::take(tx, at, at.plus_ms(LEASE_MS), limit))
        .await?)
}
