//! Events about subscriptions, and about the invoices of Stripe's own billing: the subscription is read again
//! each time and mirrored. Our invoices and books have nothing to do with them.

use store::stripe_webhook_events::{Status, Taken};
use stripe::events::Envelope;
use stripe::{BillingInvoice, billing_invoices, subscriptions};

use super::catalogue::{self, Flow};
use super::claims::Claims;
use super::{LOOKS_MAX, Unseen, finished, keep, not_shown, orphan};
use crate::asked::{Asked, asked};
use crate::subscriptions::Place;
use crate::{App, Failure, onboarding, subscriptions as mirror};

/// Reads the subscription that the event is about.
///
/// # Errors
/// When Stripe or the database does not answer.
pub async fn changed(app: &App, event: &Taken, envelope: &Envelope) -> Result<Status, Failure> {
    let (account, mode) = (event.account.clone(), event.mode);
    let place = app.db.read(move |tx| Place::of(tx, &account, mode)).await?;
    let Some(place) = place else {
        return orphan(app, event).await;
    };
    let id = match named(app, event, envelope, &place).await {
        Err(Failure::AccountGone) => return gone(app, event, &place, None).await,
        Err(failure) => return Err(failure),
        Ok(Asked::Is(id)) => id,
        // An invoice that bills no subscription.
        Ok(Asked::Nothing) => return keep(app, event).await,
        Ok(Asked::Refused(refused)) => return not_shown(app, event, refused, None).await,
    };
    for _ in 0..LOOKS_MAX {
        let (of, wanted) = (place.clone(), id.clone());
        let before = app.db.read(move |tx| mirror::version(tx, &of, &wanted)).await?;
        let client = app.stripe(event.mode)?;
        let answer = subscriptions::retrieve(client, place.account.as_ref(), &id).await;
        let stored = match asked(answer) {
            Err(Failure::AccountGone) => return gone(app, event, &place, Some(id)).await,
            Err(failure) => return Err(failure),
            Ok(Asked::Is(now)) => store(app, event, &place, now, before).await?,
            Ok(Asked::Nothing) => return keep(app, event).await,
            Ok(Asked::Refused(refused)) => {
                let unseen = Unseen {
                    scope: place.scope,
                    subscription: id,
                };
                return not_shown(app, event, refused, Some(unseen)).await;
            }
        };
        if stored {
            return Ok(Status::Processed);
        }
    }
    Err(Failure::Unknown(
        "it changed each time that it was read".to_owned(),
    ))
}

/// The subscription that the event is about. Of what an invoice's event says only this is used.
async fn named(
    app: &App,
    event: &Taken,
    envelope: &Envelope,
    place: &Place,
) -> Result<Asked<String>, Failure> {
    let named = |id: Option<String>| id.map_or(Asked::Nothing, Asked::Is);
    if catalogue::flow_of(&envelope.type_) == Flow::Subscription {
        return Ok(named(envelope.object_id.clone()));
    }
    if let Some(object) = &envelope.object {
        let invoice = BillingInvoice::from_value(object).ok();
        return Ok(named(invoice.and_then(|invoice| invoice.subscription)));
    }
    let Some(id) = envelope.object_id.as_deref() else {
        return Ok(Asked::Nothing);
    };
    let client = app.stripe(event.mode)?;
    let answer = billing_invoices::retrieve(client, place.account.as_ref(), id).await;
    Ok(match asked(answer)? {
        Asked::Is(invoice) => named(invoice.subscription),
        Asked::Nothing => Asked::Nothing,
        Asked::Refused(refused) => Asked::Refused(refused),
    })
}

/// The mirror and "processed", in one transaction; `false` when somebody else has stored since.
async fn store(
    app: &App,
    event: &Taken,
    place: &Place,
    now: stripe::Subscription,
    before: i64,
) -> Result<bool, Failure> {
    let (moment, event, place) = (app.moment(), event.clone(), place.clone());
    let claims = Claims::of(&now.metadata);
    app.db
        .write(move |tx| {
            let cause = format!("event:{}", event.event_id);
            if !mirror::keep(tx, moment, &place, &now, before, &cause)? {
                return Ok(false);
            }
            if place.account.is_some() {
                claims.check(tx, moment, &place.scope, &now.id, None)?;
            }
            finished(
                tx,
                moment.at,
                &event,
                Status::Processed,
                Some(&place.scope.tenant),
            )?;
            Ok(true)
        })
        .await
}

/// The account gives us nothing any more: the mirror keeps what was seen last, and says so.
async fn gone(app: &App, event: &Taken, place: &Place, id: Option<String>) -> Result<Status, Failure> {
    onboarding::refresh(app, &event.account, event.mode).await?;
    let (at, event, place) = (app.clock.now(), event.clone(), place.clone());
    app.db
        .write(move |tx| {
            if let Some(id) = &id {
                store::subscriptions::mark_unreachable(tx, &place.scope, id, at)?;
            }
            finished(tx, at, &event, Status::Processed, Some(&place.scope.tenant))
        })
        .await
}
