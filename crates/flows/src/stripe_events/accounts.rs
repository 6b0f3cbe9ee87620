//! Events about a connected account: it is read again each time, and one being made waits for our answer.

use store::stripe_operations;
use store::stripe_webhook_events::{Fate, Status, Taken};
use stripe::AccountId;
use stripe::events::{self, Envelope, plain_type};

use super::retries::{PARK_MS, close, may_park};
use super::{finish, orphan};
use crate::{App, Failure, onboarding};

/// Accounts have no order of their own: always read again.
pub async fn changed(app: &App, event: &Taken, envelope: &Envelope) -> Result<Status, Failure> {
    match onboarding::refresh(app, account_of(event, envelope), event.mode).await? {
        Some(tenant) => finish(app, event, Status::Processed, Some(tenant)).await,
        None if is_being_made(app, event, envelope).await? => wait_for_answer(app, event).await,
        // Ahead of the owner who is on the way back to us, or after an account that nobody had.
        None if is_about_access(envelope) => finish(app, event, Status::Orphan, None).await,
        None => orphan(app, event).await,
    }
}

/// The account that the event is about. Those of API v2 come as the platform's own events, about an account.
fn account_of<'a>(event: &'a Taken, envelope: &'a Envelope) -> &'a str {
    match &envelope.object_id {
        Some(id) if event.account.is_empty() && AccountId::parse(id).is_ok() => id,
        Some(_) | None => &event.account,
    }
}

/// Whether an owner gave us access or took it away.
fn is_about_access(envelope: &Envelope) -> bool {
    matches!(
        plain_type(&envelope.type_),
        events::ACCOUNT_APPLICATION_AUTHORIZED | events::ACCOUNT_APPLICATION_DEAUTHORIZED
    )
}

/// Whether the event was caused by a request of ours for an account, which Stripe has not answered.
async fn is_being_made(app: &App, event: &Taken, envelope: &Envelope) -> Result<bool, Failure> {
    let Some(key) = envelope.idempotency_key.clone().filter(|_| may_park(event)) else {
        return Ok(false);
    };
    let mode = event.mode;
    let open = app
        .db
        .read(move |tx| stripe_operations::creates_account(tx, &key, mode));
    Ok(open.await?)
}

async fn wait_for_answer(app: &App, event: &Taken) -> Result<Status, Failure> {
    let (at, event) = (app.clock.now(), event.clone());
    app.db
        .write(move |tx| {
            let fate = Fate {
                id: &event.id,
                attempts: event.attempts,
                status: Status::Parked,
                tenant: None,
                next_attempt_at: Some(at.plus_ms(PARK_MS)),
                error: Some("waiting for the answer to our own request"),
            };
            close(tx, &event, &fate, at)
        })
        .await?;
    Ok(Status::Parked)
}
