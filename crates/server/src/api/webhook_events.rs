//! `/api/webhook-events`: what Stripe reported, what became of it, and having it applied again. A tenant
//! sees its own events in its key's mode; the operator's twins under `/api/platform` everybody's.

use axum::Json;
use axum::extract::State;
use domain::{InboxId, Refusal, Scope, Timestamp};
use flows::Failure;
use flows::stripe_events::replay::{self, AT_ONCE_MAX};
use serde::{Deserialize, Serialize};
use store::payments;
use store::state_history::{self, Changed};
use store::stripe_webhook_events::Status;
use store::stripe_webhook_events::shown::{self, Shown, Wanted};

use super::{Caller, InPath, Input, Page, PageQuery, Platform, Query};
use crate::problem::Problem;
use crate::router::Site;

/// Events of one command, unless it says otherwise.
const REPLAYED_DEFAULT: i64 = 100;
/// What a tenant reads where the reason is ours to look into.
const OURS: &str = "It could not be applied. The operator of the platform sees why.";

/// An event as the API shows it.
#[derive(Debug, Serialize)]
pub struct EventJson {
    id: String,
    object: &'static str,
    /// Only where the operator reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id: Option<String>,
    event_id: String,
    livemode: bool,
    stripe_account_id: Option<String>,
    kind: String,
    #[serde(rename = "type")]
    event_type: String,
    object_id: Option<String>,
    api_version: Option<String>,
    status: &'static str,
    attempts: i64,
    failures: i64,
    deliveries: i64,
    last_error: Option<String>,
    next_attempt_at: Option<i64>,
    created_at: i64,
    processed_at: Option<i64>,
    replayed_at: Option<i64>,
    archived_at: Option<i64>,
    /// The event of the other kind that told of the same and came first.
    dup_of: Option<String>,
}

/// An event with all that is known of it.
#[derive(Debug, Serialize)]
pub struct EventDetailJson {
    #[serde(flatten)]
    event: EventJson,
    /// The bytes as they were delivered, client secrets masked; null once they were deleted from the
    /// archive.
    body: Option<String>,
    changes: Vec<ChangeJson>,
}

/// A change of state that the event has caused.
#[derive(Debug, Serialize)]
struct ChangeJson {
    subject_id: String,
    from: Option<String>,
    to: String,
    at: i64,
}

impl From<Changed> for ChangeJson {
    fn from(changed: Changed) -> ChangeJson {
        ChangeJson {
            subject_id: changed.subject_id,
            from: changed.from,
            to: changed.to,
            at: changed.at.ms(),
        }
    }
}

impl EventJson {
    fn for_operator(event: Shown) -> EventJson {
        let last_error = event.last_error.clone();
        EventJson {
            tenant_id: event.tenant.as_ref().map(ToString::to_string),
            last_error,
            ..EventJson::for_tenant(event)
        }
    }

    fn for_tenant(event: Shown) -> EventJson {
        let is_ours = matches!(event.status, Status::Failed | Status::Dead);
        EventJson {
            id: event.id.to_string(),
            object: "webhook_event",
            tenant_id: None,
            event_id: event.event_id,
            livemode: event.mode.is_live(),
            stripe_account_id: Some(event.account).filter(|account| !account.is_empty()),
            kind: event.kind,
            event_type: event.event_type,
            object_id: event.object_id,
            api_version: event.api_version,
            status: event.status.word(),
            attempts: event.attempts,
            failures: event.failures,
            deliveries: event.deliveries,
            last_error: match is_ours {
                true => Some(OURS.to_owned()),
                false => event.last_error,
            },
            next_attempt_at: event.next_attempt_at.map(Timestamp::ms),
            created_at: event.created_at.ms(),
            processed_at: event.processed_at.map(Timestamp::ms),
            replayed_at: event.replayed_at.map(Timestamp::ms),
            archived_at: event.archived_at.map(Timestamp::ms),
            dup_of: event.dup_of.map(|id| id.to_string()),
        }
    }
}

/// Which events are asked for. As a query of a list, and as the body of a replay.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventsQuery {
    limit: Option<i64>,
    after: Option<String>,
    status: Option<String>,
    #[serde(rename = "type")]
    event_type: Option<String>,
    event_id: Option<String>,
    object_id: Option<String>,
    stripe_account_id: Option<String>,
    since: Option<i64>,
    until: Option<i64>,
}

impl EventsQuery {
    fn wanted(self, limit: i64) -> Result<Wanted, Problem> {
        let fields = [
            ("type", &self.event_type),
            ("event_id", &self.event_id),
            ("object_id", &self.object_id),
            ("stripe_account_id", &self.stripe_account_id),
        ];
        for (field, value) in fields {
            if value.as_ref().is_some_and(|value| value.contains('\0')) {
                return Err(Refusal::invalid(field, "must be a name at Stripe").into());
            }
        }
        let after = self.after.as_deref().map(InboxId::parse).transpose()?;
        Ok(Wanted {
            status: self.status.as_deref().map(status).transpose()?,
            event_type: self.event_type,
            event_id: self.event_id,
            object_id: self.object_id,
            account: self.stripe_account_id,
            since: self.since.map(Timestamp::from_ms),
            until: self.until.map(Timestamp::from_ms),
            after,
            limit,
            ..Wanted::default()
        })
    }

    /// A page, of which one row more is read.
    fn page(self) -> Result<(i64, Wanted), Problem> {
        let page = PageQuery {
            limit: self.limit,
            after: None,
        };
        let limit = page.limit()?;
        Ok((limit, self.wanted(limit + 1)?))
    }

    /// A replay, of dead events unless it says otherwise.
    fn replay(mut self) -> Result<Wanted, Problem> {
        let limit = self.limit.unwrap_or(REPLAYED_DEFAULT);
        if !(1..=AT_ONCE_MAX).contains(&limit) {
            let problem = format!("must be 1 to {AT_ONCE_MAX}");
            return Err(Refusal::invalid("limit", problem).into());
        }
        if self.event_id.is_none() {
            self.status.get_or_insert_with(|| Status::Dead.word().to_owned());
        }
        self.wanted(limit)
    }
}

/// The status of a word from outside.
///
/// # Errors
/// [`Refusal::InvalidField`] that names all there are.
pub fn status(word: &str) -> Result<Status, Refusal> {
    Status::from_word(word).ok_or_else(|| {
        let words = Status::ALL.map(Status::word).join(", ");
        Refusal::invalid("status", format!("must be one of {words}"))
    })
}

/// `GET /api/webhook-events`
pub async fn list(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    Query(query): Query<EventsQuery>,
) -> Result<Json<Page<EventJson>>, Problem> {
    let (limit, wanted) = query.page()?;
    let read = move |tx: &mut store::Tx| shown::page(tx, &scope, &wanted);
    let rows = site.app.db.read(read).await.map_err(Failure::from)?;
    let rows = rows.into_iter().map(EventJson::for_tenant).collect();
    Ok(Json(Page::of(rows, limit)))
}

/// `GET /api/platform/webhook-events`
pub async fn list_of_all(
    State(site): State<Site>,
    Platform { .. }: Platform,
    Query(query): Query<EventsQuery>,
) -> Result<Json<Page<EventJson>>, Problem> {
    let (limit, wanted) = query.page()?;
    let read = move |tx: &mut store::Tx| shown::page_of_all(tx, &wanted);
    let rows = site.app.db.read(read).await.map_err(Failure::from)?;
    let rows = rows.into_iter().map(EventJson::for_operator).collect();
    Ok(Json(Page::of(rows, limit)))
}

/// `GET /api/webhook-events/{id}`
pub async fn get(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    InPath(id): InPath,
) -> Result<Json<EventDetailJson>, Problem> {
    let (event, body, changes) = look(&site, Some(scope), &id).await?;
    Ok(Json(EventDetailJson {
        event: EventJson::for_tenant(event),
        body,
        changes,
    }))
}

/// `GET /api/platform/webhook-events/{id}`
pub async fn get_anybodys(
    State(site): State<Site>,
    Platform { .. }: Platform,
    InPath(id): InPath,
) -> Result<Json<EventDetailJson>, Problem> {
    let (event, body, changes) = look(&site, None, &id).await?;
    Ok(Json(EventDetailJson {
        event: EventJson::for_operator(event),
        body,
        changes,
    }))
}

async fn look(
    site: &Site,
    scope: Option<Scope>,
    id: &str,
) -> Result<(Shown, Option<String>, Vec<ChangeJson>), Problem> {
    let id = InboxId::parse(id)?;
    let read = move |tx: &mut store::Tx| {
        let event = match &scope {
            Some(scope) => shown::get(tx, scope, &id)?,
            None => shown::get_anybodys(tx, &id)?,
        };
        let event = event.ok_or(Refusal::NotFound)?;
        let (body, changes) = (shown::body(tx, &event)?, changes_of(tx, &event)?);
        Ok::<_, Failure>((event, body, changes))
    };
    let (event, body, changes) = site.app.db.read(read).await?;
    Ok((event, body, changes.into_iter().map(ChangeJson::from).collect()))
}

/// What the event has changed: of the payment that its object belongs to, of its invoice, and of the
/// object itself.
///
/// # Errors
/// When the database fails.
pub fn changes_of(tx: &mut store::Tx, event: &Shown) -> Result<Vec<Changed>, store::Error> {
    let (Some(tenant), Some(object)) = (event.tenant.clone(), &event.object_id) else {
        return Ok(Vec::new());
    };
    let scope = Scope {
        tenant,
        mode: event.mode,
    };
    let by_intent = payments::by_intent(tx, &scope, &event.account, object)?;
    let payment = match by_intent {
        Some(payment) => Some(payment),
        None => payments::by_charge(tx, &scope, &event.account, object)?,
    };
    let of_payment = payment.map(|payment| [payment.id.to_string(), payment.invoice_id.to_string()]);
    let subjects = std::iter::once(object.clone()).chain(of_payment.into_iter().flatten());
    let cause = format!("event:{}", event.event_id);
    let mut changes = Vec::new();
    for subject in subjects {
        changes.extend(state_history::caused(tx, &scope, &subject, &cause)?);
    }
    Ok(changes)
}

/// `POST /api/webhook-events/{id}/replay`
pub async fn replay(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    InPath(id): InPath,
) -> Result<Json<EventJson>, Problem> {
    let event = replay::one(&site.app, Some(&scope), &by, &InboxId::parse(&id)?).await?;
    site.inbox_bell.notify_one();
    Ok(Json(EventJson::for_tenant(event)))
}

/// `POST /api/platform/webhook-events/{id}/replay`
pub async fn replay_anybodys(
    State(site): State<Site>,
    Platform { by }: Platform,
    InPath(id): InPath,
) -> Result<Json<EventJson>, Problem> {
    let event = replay::one(&site.app, None, &by, &InboxId::parse(&id)?).await?;
    site.inbox_bell.notify_one();
    Ok(Json(EventJson::for_operator(event)))
}

/// What came of a replay of many.
#[derive(Debug, Serialize)]
pub struct ReplayJson {
    object: &'static str,
    replayed: usize,
    has_more: bool,
    /// Where the next request goes on, as its `after`.
    last: Option<String>,
}

impl From<replay::Replayed> for ReplayJson {
    fn from(replayed: replay::Replayed) -> ReplayJson {
        ReplayJson {
            object: "webhook_replay",
            replayed: replayed.events.len(),
            has_more: replayed.has_more,
            last: replayed.last.map(|id| id.to_string()),
        }
    }
}

/// `POST /api/webhook-events/replay`
pub async fn replay_many(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    Input(query): Input<EventsQuery>,
) -> Result<Json<ReplayJson>, Problem> {
    let replayed = replay::many(&site.app, Some(&scope), &by, query.replay()?, false).await?;
    site.inbox_bell.notify_one();
    Ok(Json(replayed.into()))
}

/// `POST /api/platform/webhook-events/replay`
pub async fn replay_many_of_all(
    State(site): State<Site>,
    Platform { by }: Platform,
    Input(query): Input<EventsQuery>,
) -> Result<Json<ReplayJson>, Problem> {
    let replayed = replay::many(&site.app, None, &by, query.replay()?, false).await?;
    site.inbox_bell.notify_one();
    Ok(Json(replayed.into()))
}
