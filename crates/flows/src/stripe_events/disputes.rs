//! Events about disputes: the snapshot is merged where it says enough, and otherwise the dispute is read. One
//! of a charge that is not ours is listed as external.

use domain::Timestamp;
use domain::payment::Evidence;
use store::stripe_webhook_events::{Fate, Status, Taken};
use store::{Tx, disputes as rows, stripe_operations};
use stripe::events::Envelope;
use stripe::{AccountId, Dispute, disputes as at_stripe};

use super::claims::Claims;
use super::retries::{PARK_MS, close, may_park};
use super::{LOOKS_MAX, account_gone, keep, not_shown, orphan, orphaned};
use crate::asked::{Asked, asked};
use crate::disputes::{self as flow, DisputeFacts};
use crate::observe::Seen;
use crate::{App, Failure, Moment, onboarding};

/// A dispute, and how far what is known of it can be trusted.
#[derive(Clone)]
struct Look {
    facts: DisputeFacts,
    claims: Claims,
    /// When this was so.
    as_of: Timestamp,
    /// The version of our row before the dispute was read, 0 for none; none for a snapshot.
    read_over: Option<i64>,
}

/// Merges the dispute that the event is about.
///
/// # Errors
/// When Stripe or the database does not answer.
pub async fn changed(app: &App, event: &Taken, envelope: &Envelope) -> Result<Status, Failure> {
    let (account, mode) = (event.account.clone(), event.mode);
    let known = app
        .db
        .read(move |tx| onboarding::tenant_of(tx, &account, mode))
        .await?;
    if known.is_none() {
        return orphan(app, event).await;
    }
    let Some(id) = envelope.object_id.clone() else {
        return keep(app, event).await;
    };
    let delivered = envelope.object.as_ref();
    let mut look = match delivered.and_then(|object| Dispute::from_value(object).ok()) {
        Some(dispute) => Some(look_at(&dispute, Timestamp::from_ms(envelope.created_ms), None)?),
        None => None,
    };
    for _ in 0..LOOKS_MAX {
        if let Some(look) = look.take()
            && let Some(status) = commit(app, event, look).await?
        {
            return Ok(status);
        }
        let (account, wanted) = (event.account.clone(), id.clone());
        let before = app
            .db
            .read(move |tx| version(tx, &account, mode, &wanted))
            .await?;
        let at = AccountId::parse(&event.account)?;
        let now = match asked(at_stripe::retrieve(app.stripe(mode)?, &at, &id).await) {
            Err(Failure::AccountGone) => return account_gone(app, event).await,
            Err(failure) => return Err(failure),
            Ok(Asked::Is(now)) => now,
            Ok(Asked::Nothing) => return keep(app, event).await,
            Ok(Asked::Refused(refused)) => return not_shown(app, event, refused, None).await,
        };
        look = Some(look_at(&now, app.clock.now(), Some(before))?);
    }
    Err(Failure::Unknown(
        "it changed each time that it was read".to_owned(),
    ))
}

fn look_at(dispute: &Dispute, as_of: Timestamp, read_over: Option<i64>) -> Result<Look, Failure> {
    Ok(Look {
        as_of,
        facts: DisputeFacts::of(dispute)?,
        claims: Claims::of(&dispute.metadata),
        read_over,
    })
}

fn version(tx: &mut Tx, account: &str, mode: domain::Mode, id: &str) -> Result<i64, Failure> {
    let Some(scope) = onboarding::tenant_of(tx, account, mode)? else {
        return Ok(0);
    };
    let known = rows::by_stripe_id(tx, &scope, account, id)?;
    Ok(known.map_or(0, |known| known.version))
}

/// One transaction: the merge, and what became of the event. None where the dispute must be read first; then
/// nothing has been written.
async fn commit(app: &App, event: &Taken, look: Look) -> Result<Option<Status>, Failure> {
    let (moment, event) = (app.moment(), event.clone());
    app.db.write(move |tx| settle(tx, moment, &event, &look)).await
}

fn settle(tx: &mut Tx, moment: Moment, event: &Taken, look: &Look) -> Result<Option<Status>, Failure> {
    let facts = &look.facts;
    let Some(scope) = onboarding::tenant_of(tx, &event.account, event.mode)? else {
        return orphaned(tx, moment, event).map(Some);
    };
    let payment = flow::disputed(tx, &scope, &event.account, facts)?;
    let status = match &payment {
        Some(payment) => {
            let evidence = match look.read_over {
                Some(before) => {
                    flow::evidence_over(version(tx, &event.account, event.mode, &facts.id)?, before)
                }
                None => Evidence::Snapshot,
            };
            let cause = format!("event:{}", event.event_id);
            match flow::observe(tx, moment, payment, facts, evidence, &cause)? {
                Seen::Retrieve => return Ok(None),
                Seen::Stale => Status::Stale,
                Seen::Applied | Seen::Same => Status::Processed,
            }
        }
        // Its intent may be one that we have asked for without an answer so far.
        None if may_park(event) && stripe_operations::open_creates(tx, &scope, &event.account)? => {
            Status::Parked
        }
        None => {
            flow::keep_as_external(tx, moment, look.as_of, &scope, &event.account, facts)?;
            Status::External
        }
    };
    let own = payment.as_ref().map(|payment| &payment.invoice_id);
    look.claims.check(tx, moment, &scope, &facts.id, own)?;
    let parked = status == Status::Parked;
    let fate = Fate {
        id: &event.id,
        attempts: event.attempts,
        status,
        tenant: Some(&scope.tenant),
        next_attempt_at: parked.then(|| moment.at.plus_ms(PARK_MS)),
        error: parked.then_some("waiting for the answer to our own request"),
    };
    close(tx, event, &fate, moment.at)?;
    Ok(Some(status))
}
