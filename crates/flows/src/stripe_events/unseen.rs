//! Events about objects that Stripe does not show: their account is gone, they are, or the key may not see
//! them.

use domain::{Scope, TenantId, Timestamp};
use store::stripe_webhook_events::{Fate, Status, Taken, shown};
use store::{Tx, stripe_config, subscriptions};

use super::orphan;
use super::retries::{PARK_MS, close, may_park};
use crate::asked::Refused;
use crate::{App, Failure, onboarding};

/// What stands with an event that ended because its account let nothing be read. Once the account is
/// connected again, [`after_absence`] sends it on its way again.
const GONE: &str = "Stripe gives no access to the account; it is applied once the account is connected again";

/// An event that only names its object, on an account that gives us nothing any more.
pub async fn account_gone(app: &App, event: &Taken) -> Result<Status, Failure> {
    match onboarding::refresh(app, &event.account, event.mode).await? {
        Some(tenant) => unread(app, event, tenant).await,
        None => orphan(app, event).await,
    }
}

/// Nothing is to be done with an event until its account is connected again.
async fn unread(app: &App, event: &Taken, tenant: TenantId) -> Result<Status, Failure> {
    let (at, event) = (app.clock.now(), event.clone());
    app.db
        .write(move |tx| {
            // It may have been connected again since: then the event is tried again as any other is.
            let config = stripe_config::by_account(tx, &event.account, event.mode)?;
            if !config.is_some_and(|config| config.disconnected) {
                return Err(Failure::Unknown(
                    "Stripe gave no access to a connected account".to_owned(),
                ));
            }
            let fate = Fate {
                id: &event.id,
                attempts: event.attempts,
                status: Status::Processed,
                tenant: Some(&tenant),
                next_attempt_at: None,
                error: Some(GONE),
            };
            close(tx, &event, &fate, at)?;
            Ok(Status::Processed)
        })
        .await
}

/// Within a transaction: an account is connected again, so what Stripe told of it meanwhile, and nobody could
/// read, is applied. Its events are listed from where they were read last, but these were delivered, and are
/// known.
///
/// # Errors
/// When the database fails.
pub fn after_absence(tx: &mut Tx, scope: &Scope, account: &str, at: Timestamp) -> Result<(), Failure> {
    Ok(shown::again(tx, scope, account, GONE, at)?)
}

/// A mirrored subscription that Stripe does not show any more.
pub struct Unseen {
    /// Whose it is, and the mode.
    pub scope: Scope,
    /// `sub_…`.
    pub subscription: String,
}

/// Stripe shows no object to an event that only names one. Whether the account is still ours is read
/// first and last. An object that is not there is asked for again for a while, since the event may be
/// ahead of Stripe's other machines, and then moves nothing. What the key may not see is tried again as
/// any failure is, until a person is called.
pub async fn not_shown(
    app: &App,
    event: &Taken,
    refused: Refused,
    unseen: Option<Unseen>,
) -> Result<Status, Failure> {
    if event.parks == 0 || !may_park(event) {
        onboarding::refresh(app, &event.account, event.mode).await?;
    }
    let (at, event) = (app.clock.now(), event.clone());
    app.db
        .write(move |tx| {
            let config = stripe_config::by_account(tx, &event.account, event.mode)?;
            let is_gone = config.as_ref().is_some_and(|config| config.disconnected);
            let status = match refused {
                Refused::Missing | Refused::Forbidden if is_gone => Status::Processed,
                Refused::Missing if may_park(&event) => Status::Parked,
                Refused::Missing => Status::Ignored,
                Refused::Forbidden => return Err(Failure::Stripe(refused.why().to_owned())),
            };
            let fate = Fate {
                id: &event.id,
                attempts: event.attempts,
                status,
                tenant: config.as_ref().map(|config| &config.scope.tenant),
                next_attempt_at: (status == Status::Parked).then(|| at.plus_ms(PARK_MS)),
                error: Some(if is_gone { GONE } else { refused.why() }),
            };
            if let Some(unseen) = unseen.as_ref().filter(|_| status != Status::Parked) {
                subscriptions::mark_unreachable(tx, &unseen.scope, &unseen.subscription, at)?;
            }
            close(tx, &event, &fate, at)?;
            Ok(status)
        })
        .await
}
