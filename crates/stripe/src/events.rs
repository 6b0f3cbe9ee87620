//! Events: the envelope around what Stripe reports, in both its forms, and the names of those we act on. A
//! snapshot carries the object as it was then; a thin event only names it, to be retrieved.

use std::fmt;

use serde_json::Value;

use crate::account_id::AccountId;
use crate::client::Client;
use crate::error::{CallError, Unreadable};
use crate::form::{object_path, param, push_optional};
use crate::object::{self, PAGE_MAX, Page};

const PATH: &str = "/v1/events";
/// Stripe's ids are at most 255 characters; event names are far shorter.
const NAME_CHARS_MAX: usize = 255;

/// Paid: `amount_received` is the amount.
pub const PAYMENT_INTENT_SUCCEEDED: &str = "payment_intent.succeeded";
/// A confirmation failed; the intent stays open.
pub const PAYMENT_INTENT_PAYMENT_FAILED: &str = "payment_intent.payment_failed";
/// Under way at a bank.
pub const PAYMENT_INTENT_PROCESSING: &str = "payment_intent.processing";
/// Final, unpaid.
pub const PAYMENT_INTENT_CANCELED: &str = "payment_intent.canceled";
/// The payer has to do something.
pub const PAYMENT_INTENT_REQUIRES_ACTION: &str = "payment_intent.requires_action";
/// New, by us or by other software of the tenant.
pub const PAYMENT_INTENT_CREATED: &str = "payment_intent.created";
/// Taken; fee and balance transaction may still be missing.
pub const CHARGE_SUCCEEDED: &str = "charge.succeeded";
/// An attempt failed; the intent's event decides.
pub const CHARGE_FAILED: &str = "charge.failed";
/// A bank debit has started.
pub const CHARGE_PENDING: &str = "charge.pending";
/// Changed, most importantly: fee and balance transaction are there now.
pub const CHARGE_UPDATED: &str = "charge.updated";
/// Money goes back; the event names the request that asked for it.
pub const REFUND_CREATED: &str = "refund.created";
/// Platform: revenue was collected.
pub const APPLICATION_FEE_CREATED: &str = "application_fee.created";
/// Something about a connected account changed: retrieve it.
pub const ACCOUNT_UPDATED: &str = "account.updated";
/// A capability of a connected account changed: retrieve the account.
pub const CAPABILITY_UPDATED: &str = "capability.updated";
/// The tenant revoked our access; no call to the account works any more.
pub const ACCOUNT_APPLICATION_DEAUTHORIZED: &str = "account.application.deauthorized";
/// The tenant gave us access.
pub const ACCOUNT_APPLICATION_AUTHORIZED: &str = "account.application.authorized";

/// The form of an event, which is also the kind of endpoint secret that may sign it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `object: event`, with the object as it was.
    Snapshot,
    /// `object: v2.core.event`, with a reference only.
    Thin,
}

/// What every event says, whatever its form, type or API version.
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope {
    /// `evt_…`; the same for every delivery of this event.
    pub id: String,
    /// Snapshot or thin.
    pub kind: Kind,
    /// The type as delivered; thin ones begin with `v1.` (see [`plain_type`]).
    pub type_: String,
    /// The connected account it happened in (snapshot: `account`, thin: `context`); absent for the
    /// platform's own.
    pub account: Option<String>,
    /// Live or test mode; a missing field reads as test.
    pub livemode: bool,
    /// Milliseconds since the epoch, 0 if unreadable. Whole seconds in snapshots: of no use for ordering.
    pub created_ms: i64,
    /// The version a snapshot's object is written in; thin events have none.
    pub api_version: Option<String>,
    /// The object's id. Some objects have none, such as a balance.
    pub object_id: Option<String>,
    /// The object's kind, such as `payment_intent`.
    pub object_type: Option<String>,
    /// A snapshot's `data.object`.
    pub object: Option<Value>,
    /// Where a thin event's object is retrieved.
    pub related_object_url: Option<String>,
    /// The snapshot a thin event is the twin of (`evt_…`), if it says so.
    pub snapshot_event: Option<String>,
    /// The key of the request that caused it, if one did.
    pub idempotency_key: Option<String>,
    /// The request that caused it (`req_…`); absent for what Stripe did by itself.
    pub request_id: Option<String>,
}

/// A signed body that is not an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Not JSON, or not in UTF-8, or nested absurdly deep.
    NotJson,
    /// JSON, but neither a snapshot nor a thin event.
    NotAnEvent,
    /// A field without which an event cannot be stored is missing or not an id.
    Field(&'static str),
}

/// The event's type as snapshots have it: thin versions of v1 events carry the prefix `v1.`.
pub fn plain_type(type_: &str) -> &str {
    type_.strip_prefix("v1.").unwrap_or(type_)
}

/// Reads a delivered body. Verify its signature first: nothing here says who sent it.
pub fn parse(body: &[u8]) -> Result<Envelope, Malformed> {
    let value: Value = serde_json::from_slice(body).map_err(|_| Malformed::NotJson)?;
    from_value(&value)
}

/// One event of an account, or (with `None`) of the platform. Stripe keeps events for 30 days, and renders
/// these in the account's own API version.
pub async fn retrieve(
    client: &Client,
    account: Option<&AccountId>,
    event_id: &str,
) -> Result<Envelope, CallError> {
    let answer = client.read(&object_path(PATH, event_id), &[], account).await?;
    Ok(listed(&object::parse(&answer.body)?)?)
}

/// Events since `created_gte_s` (seconds since the epoch), newest first; the page after `starting_after`,
/// of at most 100. They lack `account`: it is the one asked for.
pub async fn list(
    client: &Client,
    account: Option<&AccountId>,
    created_gte_s: i64,
    starting_after: Option<&str>,
    limit: u32,
) -> Result<Page<Envelope>, CallError> {
    let query = query(created_gte_s, starting_after, limit);
    let answer = client.read(PATH, &query, account).await?;
    Ok(object::page(&answer.body, listed)?)
}

/// Which events of a list are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfType<'a> {
    /// Their type.
    pub type_: &'a str,
    /// Seconds since the epoch, the first that counts.
    pub from_s: i64,
    /// The last second that counts.
    pub until_s: i64,
}

/// Events of one type within a time, newest first; the page after `starting_after`, of at most 100.
pub async fn list_of_type(
    client: &Client,
    account: &AccountId,
    wanted: &OfType<'_>,
    starting_after: Option<&str>,
) -> Result<Page<Envelope>, CallError> {
    let mut query = query(wanted.from_s, starting_after, PAGE_MAX);
    query.push(param("created[lte]", wanted.until_s));
    query.push(param("type", wanted.type_));
    let answer = client.read(PATH, &query, Some(account)).await?;
    Ok(object::page(&answer.body, listed)?)
}

/// An event as a list has it.
#[derive(Clone, PartialEq, Eq)]
pub struct Listed {
    /// What it says.
    pub envelope: Envelope,
    /// Its JSON text. It may hold client secrets.
    pub body: String,
}

/// The same list with each event's text, to be kept.
pub async fn list_texts(
    client: &Client,
    account: Option<&AccountId>,
    created_gte_s: i64,
    starting_after: Option<&str>,
    limit: u32,
) -> Result<Page<Listed>, CallError> {
    let query = query(created_gte_s, starting_after, limit);
    let answer = client.read(PATH, &query, account).await?;
    let kept = |value: &Value| {
        let (envelope, body) = (listed(value)?, value.to_string());
        Ok(Listed { envelope, body })
    };
    Ok(object::page(&answer.body, kept)?)
}

fn query(created_gte_s: i64, starting_after: Option<&str>, limit: u32) -> Vec<(String, String)> {
    let mut query = vec![
        param("created[gte]", created_gte_s),
        param("limit", limit.clamp(1, PAGE_MAX)),
    ];
    push_optional(&mut query, "starting_after", starting_after);
    query
}

impl fmt::Debug for Envelope {
    /// The object is left out: it may hold a client secret and the payer's data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("type_", &self.type_)
            .field("account", &self.account)
            .field("livemode", &self.livemode)
            .field("object_id", &self.object_id)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Malformed::NotJson => f.write_str("the body is not JSON"),
            Malformed::NotAnEvent => f.write_str("the body is not an event"),
            Malformed::Field(name) => write!(f, "the event's `{name}` is missing or malformed"),
        }
    }
}

impl std::error::Error for Malformed {}

fn listed(value: &Value) -> Result<Envelope, Unreadable> {
    from_value(value).map_err(|malformed| Unreadable(malformed.to_string()))
}

fn from_value(value: &Value) -> Result<Envelope, Malformed> {
    match value.get("object").and_then(Value::as_str) {
        Some("event") => snapshot(value),
        Some("v2.core.event") => thin(value),
        _ => Err(Malformed::NotAnEvent),
    }
}

fn snapshot(value: &Value) -> Result<Envelope, Malformed> {
    let object = value
        .get("data")
        .and_then(|data| data.get("object"))
        .filter(|object| object.is_object());
    let request = value.get("request");
    Ok(Envelope {
        id: name(value, "id")?,
        kind: Kind::Snapshot,
        type_: name(value, "type")?,
        account: optional_name(value, "account")?,
        livemode: object::flag(value, "livemode"),
        created_ms: object::int(value, "created")
            .and_then(|s| s.checked_mul(1000))
            .unwrap_or(0),
        api_version: object::text(value, "api_version"),
        object_id: object.and_then(|object| object::text(object, "id")),
        object_type: object.and_then(|object| object::text(object, "object")),
        object: object.cloned(),
        related_object_url: None,
        snapshot_event: None,
        idempotency_key: request.and_then(|request| object::text(request, "idempotency_key")),
        // Versions before 2017-05-25 have the id itself where later ones have an object.
        request_id: object::id_of(value, "request"),
    })
}

fn thin(value: &Value) -> Result<Envelope, Malformed> {
    let related = value.get("related_object");
    let url = related.and_then(|related| object::text(related, "url"));
    let request = value.get("reason").and_then(|reason| reason.get("request"));
    let created = value.get("created").and_then(Value::as_str);
    let created_ms = created.and_then(|text| text.parse::<jiff::Timestamp>().ok());
    Ok(Envelope {
        id: name(value, "id")?,
        kind: Kind::Thin,
        type_: name(value, "type")?,
        account: optional_name(value, "context")?,
        livemode: object::flag(value, "livemode"),
        created_ms: created_ms.map(|time| time.as_millisecond()).unwrap_or(0),
        api_version: None,
        object_id: related
            .and_then(|related| object::text(related, "id"))
            .or_else(|| id_in(url.as_deref()?)),
        object_type: related
            .and_then(|related| object::text(related, "type"))
            .or_else(|| kind_in(url.as_deref()?)),
        object: None,
        related_object_url: url,
        snapshot_event: object::text(value, "snapshot_event"),
        idempotency_key: request.and_then(|request| object::text(request, "idempotency_key")),
        request_id: request.and_then(|request| object::text(request, "id")),
    })
}

/// The id at the end of a path such as `/v1/payment_intents/pi_1`.
fn id_in(path: &str) -> Option<String> {
    let id = path.split('?').next()?.rsplit('/').next()?;
    is_name(id).then(|| id.to_owned())
}

/// The kind of what is at such a path: the word before the id, in the singular.
fn kind_in(path: &str) -> Option<String> {
    let kind = path.split('?').next()?.rsplit('/').nth(1)?;
    kind.strip_suffix('s').map(str::to_owned)
}

/// A key of our tables: visible ASCII, so that no database refuses it after the signature was accepted.
fn name(value: &Value, field: &'static str) -> Result<String, Malformed> {
    optional_name(value, field)?.ok_or(Malformed::Field(field))
}

fn optional_name(value: &Value, field: &'static str) -> Result<Option<String>, Malformed> {
    match value.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if is_name(text) => Ok(Some(text.clone())),
        Some(_) => Err(Malformed::Field(field)),
    }
}

fn is_name(text: &str) -> bool {
    (1..=NAME_CHARS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}
