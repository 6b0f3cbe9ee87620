//! Events that are sent on their way again: because somebody asks for it, or because their account has
//! found its tenant. What was applied before changes nothing when it is applied again, so all but what
//! must never be applied may be replayed.

use domain::{InboxId, Mode, Refusal, Scope, TenantId, Timestamp};
use serde_json::json;
use store::reconciliation_breaks::Kind;
use store::stripe_webhook_events::Status;
use store::stripe_webhook_events::shown::{self, Shown, Wanted};
use store::{Tx, reconciliation_breaks};

use crate::audit::{self, Entry};
use crate::{App, By, Failure};

/// Most events that one command sends on their way: each is a row of one transaction.
pub const AT_ONCE_MAX: i64 = 500;
/// Most events of one account that one transaction applies to it when it is connected; the rest follows when
/// its list of events is read.
pub const ADOPTED_MAX: u64 = 500;

/// What came of a command on many events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// Those that are on their way again (of a trial: that would be), newest first.
    pub events: Vec<Shown>,
    /// The last one that was looked at: where the next command goes on.
    pub last: Option<InboxId>,
    /// Whether there are more.
    pub has_more: bool,
}

/// Sends an event on its way again: one of this tenant and mode, or for the operator anybody's. One that
/// is on its way is answered as it is.
///
/// # Errors
/// [`Refusal::NotFound`], [`Refusal::EventNotReplayable`].
pub async fn one(app: &App, scope: Option<&Scope>, by: &By, id: &InboxId) -> Result<Shown, Failure> {
    let (moment, scope, by, id) = (app.moment(), scope.cloned(), by.clone(), id.clone());
    app.db
        .write(move |tx| {
            let event = find(tx, scope.as_ref(), &id)?.ok_or(Refusal::NotFound)?;
            if event.status == Status::Received {
                return Ok(event);
            }
            if let Some(why) = obstacle(tx, &event)? {
                return Err(Refusal::EventNotReplayable { why }.into());
            }
            if !shown::replay(tx, &event, moment.at)? {
                return Err(Failure::Store(store::Error::Conflict));
            }
            let whose = scope.clone().or_else(|| scope_of(&event));
            let entry = Entry {
                action: "webhook_event.replayed",
                subject: event.id.as_str(),
                before: Some(json!({"status": event.status.word()}).to_string()),
                after: Some(json!({"event_id": event.event_id}).to_string()),
            };
            audit::note(tx, whose.as_ref(), &by, moment, &entry)?;
            find(tx, scope.as_ref(), &id)?.ok_or_else(|| Refusal::NotFound.into())
        })
        .await
}

/// Sends the events that are asked for on their way again, as far as they may be and are not on it: all in
/// one transaction, or fewer where others are in the way, and then there are more. `trial` only says which
/// they are.
///
/// # Errors
/// When the database fails.
pub async fn many(
    app: &App,
    scope: Option<&Scope>,
    by: &By,
    wanted: Wanted,
    trial: bool,
) -> Result<Replayed, Failure> {
    let mut limit = wanted.limit.clamp(1, AT_ONCE_MAX);
    loop {
        match batch(app, scope, by, wanted.clone(), limit, trial).await {
            // Running servers take up events meanwhile. The fewer rows, the less is in the way.
            Err(Failure::Store(store::Error::Conflict)) if limit > 1 => limit = (limit / 4).max(1),
            done => return done,
        }
    }
}

async fn batch(
    app: &App,
    scope: Option<&Scope>,
    by: &By,
    wanted: Wanted,
    limit: i64,
    trial: bool,
) -> Result<Replayed, Failure> {
    let (moment, scope, by) = (app.moment(), scope.cloned(), by.clone());
    let wanted = Wanted {
        limit: limit + 1,
        ..wanted
    };
    app.db
        .write(move |tx| {
            let mut found = match &scope {
                Some(scope) => shown::page(tx, scope, &wanted)?,
                None => shown::page_of_all(tx, &wanted)?,
            };
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            let has_more = found.len() > limit;
            found.truncate(limit);
            let last = found.last().map(|event| event.id.clone());
            let mut events = Vec::new();
            for event in found {
                let may = event.status != Status::Received && obstacle(tx, &event)?.is_none();
                if may && (trial || shown::replay(tx, &event, moment.at)?) {
                    events.push(event);
                }
            }
            if !trial && let Some(first) = events.first() {
                let entry = noted(first, &events, &wanted);
                audit::note(tx, scope.as_ref(), &by, moment, &entry)?;
            }
            Ok(Replayed {
                events,
                last,
                has_more,
            })
        })
        .await
}

fn noted<'a>(first: &'a Shown, events: &[Shown], wanted: &Wanted) -> Entry<'a> {
    let after = json!({
        "count": events.len(),
        "last": events.last().map(|event| event.id.as_str()),
        "status": wanted.status.map(Status::word),
        "type": wanted.event_type,
        "account": wanted.account,
        "tenant_id": wanted.tenant.as_ref().map(TenantId::as_str),
        "mode": wanted.mode.map(Mode::word),
        "event_id": wanted.event_id,
        "object_id": wanted.object_id,
        "since": wanted.since.map(Timestamp::ms),
        "until": wanted.until.map(Timestamp::ms),
        "after": wanted.after.as_ref().map(InboxId::as_str),
    });
    Entry {
        action: "webhook_events.replayed",
        subject: first.id.as_str(),
        before: None,
        after: Some(after.to_string()),
    }
}

fn find(tx: &mut Tx, scope: Option<&Scope>, id: &InboxId) -> Result<Option<Shown>, store::Error> {
    match scope {
        Some(scope) => shown::get(tx, scope, id),
        None => shown::get_anybodys(tx, id),
    }
}

fn scope_of(event: &Shown) -> Option<Scope> {
    // The platform's own events are a matter of the platform.
    let tenant = event
        .tenant
        .clone()
        .filter(|tenant| *tenant != TenantId::platform())?;
    Some(Scope {
        tenant,
        mode: event.mode,
    })
}

/// Why an event cannot be applied again, as a sentence.
///
/// # Errors
/// When the database fails.
pub fn obstacle(tx: &mut Tx, event: &Shown) -> Result<Option<&'static str>, store::Error> {
    if event.status == Status::Quarantined {
        return Ok(Some(
            "A live event that came under a TEST secret is never applied.",
        ));
    }
    if event.event_type == super::inbox::UNREADABLE {
        return Ok(Some("What was delivered is not an event."));
    }
    if event.archived_at.is_some() && shown::body(tx, event)?.is_none() {
        return Ok(Some("Its body was deleted from the archive."));
    }
    Ok(None)
}

/// Within a transaction: the account has a tenant now, so what came before it is applied, and is a
/// difference no more once that is all of it. Answers how many events it was; there may be more where that is
/// [`ADOPTED_MAX`].
///
/// # Errors
/// When the database fails.
pub fn adopt(tx: &mut Tx, mode: Mode, account: &str, at: Timestamp) -> Result<u64, Failure> {
    let adopted = shown::adopt(
        tx,
        account,
        mode,
        at,
        i64::try_from(ADOPTED_MAX).unwrap_or(i64::MAX),
    )?;
    if adopted < ADOPTED_MAX {
        reconciliation_breaks::resolve_anybodys(tx, mode, Kind::UnknownAccount, account, at)?;
    }
    Ok(adopted)
}
