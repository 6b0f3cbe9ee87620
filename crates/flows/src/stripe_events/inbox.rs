//! The inbox: a verified delivery is stored raw (client secrets aside), and answered; a worker takes it up
//! later.

use domain::{InboxId, Mode};
use sha2::{Digest, Sha256};
use store::reconciliation_breaks::{Kind as BreakKind, of_event};
use store::stripe_webhook_events::{self as inbox, Delivery, Status, Taken};
use stripe::client::mask_client_secrets;
use stripe::events::{self, Envelope, Kind, Malformed};

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
            unreadable(moment, body, signed_as, malformed)
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
                // Who has a secret by theft names whom they like: another account's event is another matter.
                let subject = match kind {
                    BreakKind::Quarantined => of_event(&delivery.account, &delivery.event_id),
                    _ => delivery.event_id.clone(),
                };
                observe::open_break(tx, moment, 1, None, delivery.mode, kind, &subject, detail)?;
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
        last_error: None,
        status: if quarantined {
            Status::Quarantined
        } else {
            Status::Received
        },
    }
}

fn unreadable(moment: Moment, body: &[u8], signed_as: SignedAs, malformed: Malformed) -> Delivery {
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
        body: kept(body),
        status: Status::Dead,
        last_error: Some(why(body, malformed)),
    }
}

/// The bytes of what is no event, as text that both databases hold: as they are, or, where they are no
/// text, in hexadecimal digits behind the word `hex:`.
fn kept(body: &[u8]) -> String {
    match std::str::from_utf8(body) {
        Ok(text) if !text.contains('\0') => text.to_owned(),
        Ok(_) | Err(_) => format!("hex:{}", hex::encode(body)),
    }
}

/// Why it is no event, for a person to read: where, never what.
fn why(body: &[u8], malformed: Malformed) -> String {
    match malformed {
        Malformed::NotJson if std::str::from_utf8(body).is_err() => {
            "the body is not UTF-8; it is kept in hexadecimal digits".to_owned()
        }
        Malformed::NotJson => match serde_json::from_slice::<serde_json::Value>(body) {
            Err(error) => format!("the body is not JSON that can be read: {error}"),
            Ok(_) => "the body is not JSON that can be read".to_owned(),
        },
        Malformed::NotAnEvent => "the body is neither a snapshot nor a thin event".to_owned(),
        Malformed::Field(name) => format!("the event has no usable `{name}`"),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Such a body was kept with other bytes than came, and nothing said why it is no event.
    #[test]
    fn what_is_no_event_is_kept_byte_for_byte_with_the_reason() {
        let deep = "[".repeat(5_000);
        let cases: [(&[u8], &str, &str); 5] = [
            (b"{\"a\":\xff\xfe}", "hex:7b2261223afffe7d", "is not UTF-8"),
            (b"a\0b", "hex:610062", "not JSON"),
            (br#"{"id":"\ud800"}"#, r#"{"id":"\ud800"}"#, "hex escape"),
            (deep.as_bytes(), &deep, "recursion limit"),
            (b"{}", "{}", "neither a snapshot nor a thin event"),
        ];
        for (body, text, reason) in cases {
            let malformed = events::parse(body).unwrap_err();
            assert_eq!(kept(body), text);
            let said = why(body, malformed);
            assert!(said.contains(reason), "{said}");
        }
    }
}
