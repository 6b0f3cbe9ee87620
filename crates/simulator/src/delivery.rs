//! Deliveries: each event on its way to each endpoint that wants it, signed anew at every try, tried again
//! with growing pauses until it is answered with 2xx or given up.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::Kind;
use crate::event::Event;
use crate::fault::DeliveryEffect;
use crate::persist::Change;
use crate::state::{Row, State};
use crate::webhook_endpoint::WebhookEndpoint;

/// Pauses before the second and the third try in test mode: three tries within a few hours.
const TEST_PAUSES_MS: [i64; 2] = [60_000, 7_200_000];
/// In live mode pauses grow fourfold from ten seconds, for three days.
const LIVE_PAUSE_MS: i64 = 10_000;
const LIVE_FOR_MS: i64 = 259_200_000;
/// How many finished deliveries are remembered.
const LOG_MAX: usize = 1_000;

/// A webhook to post now.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// What its outcome is reported under.
    pub id: u64,
    /// Where to.
    pub url: String,
    /// All headers, the signature among them.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte what was signed.
    pub body: Vec<u8>,
    /// The event, of a thin one too its snapshot's id.
    pub event_id: String,
    /// The event's type, such as `payment_intent.succeeded`.
    pub event_type: String,
    /// The event's mode.
    pub livemode: bool,
    /// Whether the endpoint is one for connected accounts.
    pub connect: bool,
    /// The form of the body.
    pub kind: Kind,
}

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The endpoint answered with this status: 2xx is good, all else is a failure, a redirect too.
    Answered(u16),
    /// There was no answer.
    Failed(String),
}

/// A delivery that is not finished.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Waiting {
    /// Its number.
    pub id: u64,
    /// The event.
    pub event: String,
    /// The endpoint.
    pub endpoint: String,
    /// How often it was tried.
    pub tries: usize,
    /// When it was first due.
    pub first_ms: i64,
    /// When it is due.
    pub due_ms: i64,
    /// Whether it goes out after all others that are due with it.
    pub late: bool,
    /// What became of the last try.
    pub last: Option<String>,
}

/// All deliveries.
#[derive(Default)]
pub struct Deliveries {
    waiting: BTreeMap<u64, Waiting>,
    /// Those not handed out at the moment, by when they are due.
    queue: BTreeSet<(i64, u64)>,
    pending: HashMap<String, u32>,
    finished: VecDeque<(Waiting, &'static str)>,
}

impl Deliveries {
    /// How many deliveries of an event are not finished.
    pub fn pending(&self, event: &str) -> u32 {
        self.pending.get(event).copied().unwrap_or(0)
    }

    /// When the next one is due.
    pub fn next_ms(&self) -> Option<i64> {
        self.queue.first().map(|(due_ms, _)| *due_ms)
    }

    /// Everything not finished, for the journal.
    pub fn waiting(&self) -> impl Iterator<Item = &Waiting> {
        self.waiting.values()
    }

    /// Puts one in, new or with its next try.
    pub fn put(&mut self, waiting: Waiting) {
        if let Some(old) = self.waiting.insert(waiting.id, waiting.clone()) {
            self.queue.remove(&(old.due_ms, old.id));
        } else {
            *self.pending.entry(waiting.event.clone()).or_default() += 1;
        }
        self.queue.insert((waiting.due_ms, waiting.id));
    }

    /// Takes a finished one out.
    pub fn remove(&mut self, id: u64) {
        let Some(waiting) = self.waiting.remove(&id) else {
            return;
        };
        self.queue.remove(&(waiting.due_ms, id));
        if let Some(left) = self.pending.get_mut(&waiting.event) {
            *left -= 1;
            if *left == 0 {
                self.pending.remove(&waiting.event);
            }
        }
    }

    /// What is on its way and what was finished lately, newest first.
    pub fn render(&self) -> Value {
        let waiting = self.waiting.values().rev().map(|one| one.render("pending"));
        waiting
            .chain(self.finished.iter().rev().map(|(one, status)| one.render(status)))
            .collect()
    }

    /// A delivery by its number, finished or not.
    pub fn find(&self, id: u64) -> Option<&Waiting> {
        self.waiting
            .get(&id)
            .or_else(|| self.finished.iter().map(|(one, _)| one).find(|one| one.id == id))
    }

    fn note(&mut self, waiting: Waiting, status: &'static str) {
        if self.finished.len() == LOG_MAX {
            self.finished.pop_front();
        }
        self.finished.push_back((waiting, status));
    }
}

impl Waiting {
    fn render(&self, status: &str) -> Value {
        json!({
            "id": self.id, "event": self.event, "endpoint": self.endpoint, "tries": self.tries,
            "due_ms": self.due_ms, "last": self.last, "status": status,
        })
    }
}

/// Sends an event to every endpoint that wants it.
pub fn send(state: &mut State, event: &Event) {
    let wanting: Vec<Arc<WebhookEndpoint>> = WebhookEndpoint::table(state)
        .all()
        .filter(|endpoint| endpoint.wants(event))
        .cloned()
        .collect();
    for endpoint in wanting {
        match state.faults.delivery(&event.kind, &endpoint.url) {
            None => queue(state, &event.id, &endpoint.id, |_| {}),
            Some(DeliveryEffect::Duplicate) => {
                queue(state, &event.id, &endpoint.id, |_| {});
                queue(state, &event.id, &endpoint.id, |_| {});
            }
            Some(DeliveryEffect::DelayMs(ms)) => {
                queue(state, &event.id, &endpoint.id, |one| {
                    one.due_ms = one.due_ms.saturating_add(ms)
                });
            }
            Some(DeliveryEffect::Reorder) => queue(state, &event.id, &endpoint.id, |one| one.late = true),
            Some(DeliveryEffect::Drop) => {
                let livemode = event.space.livemode;
                queue(state, &event.id, &endpoint.id, |one| {
                    one.tries = 1;
                    one.last = Some("lost on the way".into());
                    one.due_ms = one.due_ms.saturating_add(pause_ms(livemode, 1));
                });
            }
        }
    }
}

/// Sends an event once more, to one endpoint or to all that want it; answers how many.
pub fn resend(state: &mut State, event: &Event, endpoint: Option<&str>) -> usize {
    let wanting: Vec<String> = WebhookEndpoint::table(state)
        .all()
        .filter(|one| endpoint.map_or_else(|| one.wants(event), |id| one.id == id && !one.deleted))
        .map(|one| one.id.clone())
        .collect();
    for endpoint in &wanting {
        queue(state, &event.id, endpoint, |_| {});
    }
    wanting.len()
}

fn queue(state: &mut State, event: &str, endpoint: &str, change: impl FnOnce(&mut Waiting)) {
    let mut waiting = Waiting {
        id: state.ids.delivery(),
        event: event.to_owned(),
        endpoint: endpoint.to_owned(),
        tries: 0,
        first_ms: state.own_ms(),
        due_ms: state.own_ms(),
        late: false,
        last: None,
    };
    change(&mut waiting);
    state.write(|| Change::Waiting(waiting.clone()));
    state.deliveries.put(waiting);
}

/// Hands out what is due, signed with the time of this try; each waits for its report until it is due again.
pub fn due(state: &mut State) -> Vec<Delivery> {
    let mut ids = Vec::new();
    while let Some((due_ms, id)) = state
        .deliveries
        .queue
        .first()
        .copied()
        .filter(|(due_ms, _)| *due_ms <= state.now_ms)
    {
        state.deliveries.queue.remove(&(due_ms, id));
        ids.push(id);
    }
    let late = |id: &u64| {
        state
            .deliveries
            .waiting
            .get(id)
            .is_some_and(|waiting| waiting.late)
    };
    let (behind, mut ordered): (Vec<u64>, Vec<u64>) = ids.into_iter().partition(late);
    ordered.extend(behind.into_iter().rev());
    ordered.into_iter().filter_map(|id| signed(state, id)).collect()
}

fn signed(state: &mut State, id: u64) -> Option<Delivery> {
    let waiting = state.deliveries.waiting.get(&id)?;
    let event = Event::table(state).anywhere(&waiting.event)?;
    let endpoint = WebhookEndpoint::table(state).anywhere(&waiting.endpoint)?;
    if endpoint.deleted || endpoint.disabled {
        finish(state, id, "endpoint gone");
        return None;
    }
    let value = match endpoint.kind {
        Kind::Snapshot => event.render(state),
        Kind::Thin => event.render_thin(),
    };
    let body = serde_json::to_vec_pretty(&value).unwrap_or_default();
    let signature = signature(&endpoint.secret, state.now_s(), &body, !event.space.livemode);
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Some(Delivery {
        id,
        url: endpoint.url.clone(),
        headers: vec![
            header("Content-Type", "application/json; charset=utf-8"),
            header("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)"),
            header("Accept", "*/*; q=0.5, application/xml"),
            header("Cache-Control", "no-cache"),
            ("Stripe-Signature".to_owned(), signature),
        ],
        body,
        event_id: event.id.clone(),
        event_type: event.kind.to_string(),
        livemode: event.space.livemode,
        connect: endpoint.connect,
        kind: endpoint.kind,
    })
}

/// The `Stripe-Signature` header: the time, the true signature, and in test mode a `v0` that fits nothing.
pub fn signature(secret: &str, at_s: i64, body: &[u8], testmode: bool) -> String {
    let v1 = keyed_hash(secret, at_s, body);
    if testmode {
        let decoy = keyed_hash("decoy", at_s, v1.as_bytes());
        format!("t={at_s},v1={v1},v0={decoy}")
    } else {
        format!("t={at_s},v1={v1}")
    }
}

fn keyed_hash(secret: &str, at_s: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(format!("{at_s}.").as_bytes());
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

/// Writes down what became of a delivery that was handed out.
pub fn report(state: &mut State, id: u64, outcome: &Outcome) {
    let Some(mut waiting) = state.deliveries.waiting.get(&id).cloned() else {
        return;
    };
    waiting.tries += 1;
    waiting.last = Some(match outcome {
        Outcome::Answered(status) => status.to_string(),
        Outcome::Failed(reason) => reason.chars().take(200).collect(),
    });
    let livemode = Event::table(state)
        .anywhere(&waiting.event)
        .is_some_and(|event| event.space.livemode);
    let good = matches!(outcome, Outcome::Answered(200..=299));
    let again_ms = state.now_ms.saturating_add(pause_ms(livemode, waiting.tries));
    let over = if livemode {
        again_ms - waiting.first_ms > LIVE_FOR_MS
    } else {
        waiting.tries > TEST_PAUSES_MS.len()
    };
    waiting.due_ms = again_ms;
    state.deliveries.put(waiting.clone());
    if good {
        finish(state, id, "delivered");
    } else if over {
        finish(state, id, "given up");
    } else {
        state.write(|| Change::Waiting(waiting));
    }
}

fn finish(state: &mut State, id: u64, status: &'static str) {
    if let Some(waiting) = state.deliveries.waiting.get(&id).cloned() {
        state.deliveries.remove(id);
        state.deliveries.note(waiting, status);
        state.write(|| Change::Finished(id));
    }
}

/// How long to wait after so many tries.
fn pause_ms(livemode: bool, tries: usize) -> i64 {
    if livemode {
        let doublings = u32::try_from(tries.saturating_sub(1)).unwrap_or(u32::MAX);
        LIVE_PAUSE_MS.saturating_mul(4_i64.saturating_pow(doublings))
    } else {
        TEST_PAUSES_MS.get(tries.saturating_sub(1)).copied().unwrap_or(0)
    }
}

/// Whether a URL points to this machine: to an address of the loopback, or to `localhost`, which the client
/// that posts looks up nowhere. What stands before an `@` is a name of a user, and what is written in another
/// way, such as `0x7f000001`, is judged as the address that is connected to.
pub fn is_loopback(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}
