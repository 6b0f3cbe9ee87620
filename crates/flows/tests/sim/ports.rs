//! The three ports of an instance: Stripe in process, the database with its mishaps, the clock. A call waits,
//! acts and waits again, so that the scheduler can end an instance on either side.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use domain::Timestamp;
use flows::Clock;
use simulator::{Fate, Request, Response};
use store::db::{Error, Mishap, Mishaps};
use stripe::transport::{BoxFuture, Method};
use stripe::{HttpRequest, HttpResponse, NoAnswer, Transport};

use crate::dice::Dice;
use crate::marks::Mark;
use crate::shared::{Place, Sent, Shared};

/// After this the client of the real transport gives up.
const PATIENCE_MS: i64 = 80_000;

/// Gives the turn away once.
pub async fn pass() {
    let mut passed = false;
    poll_fn(|context| {
        if std::mem::replace(&mut passed, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Waits for a moment of the virtual clock.
pub async fn rest_until(shared: &Shared, at_ms: i64) {
    poll_fn(|context| {
        if shared.now_ms() >= at_ms {
            return Poll::Ready(());
        }
        shared.set_timer(at_ms, context.waker());
        Poll::Pending
    })
    .await;
}

pub async fn rest(shared: &Shared, ms: i64) {
    rest_until(shared, shared.now_ms() + ms).await;
}

/// What befalls the transactions of an instance.
pub fn mishaps(shared: &Arc<Shared>) -> Mishaps {
    let shared = Arc::clone(shared);
    Arc::new(move |writes| {
        shared.trace(if writes { b"write" } else { b"read" });
        let mishap = if shared.strikes(Mark::DatabaseGone) {
            Some(Mishap::NotBegun(Error::Unavailable("no connection".to_owned())))
        } else if writes && shared.strikes(Mark::DatabaseConflict) {
            Some(Mishap::NotBegun(Error::Conflict))
        } else if writes && shared.strikes(Mark::CommitLost) {
            Some(Mishap::AnswerLost { committed: true })
        } else if writes && shared.strikes(Mark::RollbackLost) {
            Some(Mishap::AnswerLost { committed: false })
        } else {
            None
        };
        shared.with(|state| state.place = if writes { Place::AfterCommit } else { Place::Before });
        mishap
    })
}

/// The virtual clock, and the randomness of one instance.
pub struct InstanceClock {
    pub shared: Arc<Shared>,
    pub dice: Mutex<Dice>,
}

impl Clock for InstanceClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.shared.now_ms())
    }

    fn random(&self) -> u128 {
        let mut dice = self.dice.lock().unwrap_or_else(PoisonError::into_inner);
        (u128::from(dice.next()) << 64) | u128::from(dice.next())
    }
}

/// The way to Stripe.
pub struct Wire(pub Arc<Shared>);

impl Transport for Wire {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, NoAnswer>> {
        Box::pin(async move {
            let shared = &self.0;
            pass().await;
            let latency = shared.with(|state| match (state.calm, state.swarm.latency_ms) {
                (true, _) | (_, 0) => 0,
                (false, most) => state.dice.between(0, most),
            });
            rest(shared, latency / 2).await;
            if let Some(until_ms) = outage(shared) {
                shared.hit(Mark::Outage);
                rest_until(shared, until_ms.min(shared.now_ms() + PATIENCE_MS)).await;
                return Err(NoAnswer("Stripe cannot be reached".to_owned()));
            }
            if shared.strikes(Mark::NeverSent) {
                return Err(NoAnswer("connection refused".to_owned()));
            }
            let lost = self.arm(&request);
            let answer = self.act(&request);
            shared.with(|state| state.place = Place::AfterStripe);
            pass().await;
            rest(shared, latency - latency / 2).await;
            if let Fate::Late(ms) = answer.fate {
                let late_ms = i64::try_from(ms).unwrap();
                rest(shared, late_ms.min(PATIENCE_MS)).await;
                if late_ms > PATIENCE_MS {
                    return Err(NoAnswer("no answer in time".to_owned()));
                }
            }
            match lost {
                Some(Mark::Hang) => {
                    rest(shared, PATIENCE_MS).await;
                    Err(NoAnswer("no answer in time".to_owned()))
                }
                Some(_) => Err(NoAnswer("the answer was lost".to_owned())),
                None => Ok(heard(answer)),
            }
        })
    }

    fn pause(&self, ms: u64) -> BoxFuture<'_, ()> {
        Box::pin(async move { rest(&self.0, i64::try_from(ms).unwrap()).await })
    }
}

fn outage(shared: &Shared) -> Option<i64> {
    let at_ms = shared.now_ms() - shared.start_ms;
    shared.with(|state| {
        let now = |(from, until): &&(i64, i64)| !state.calm && *from <= at_ms && at_ms < *until;
        state
            .swarm
            .outages
            .iter()
            .find(now)
            .map(|(_, until)| shared.start_ms + until)
    })
}

fn heard(answer: Response) -> HttpResponse {
    let lower = |(name, value): (String, String)| (name.to_ascii_lowercase(), value);
    HttpResponse {
        status: answer.status,
        headers: answer.headers.into_iter().map(lower).collect(),
        body: answer.body,
    }
}

impl Wire {
    /// What goes wrong with this request: at the simulator, or on the way back.
    fn arm(&self, request: &HttpRequest) -> Option<Mark> {
        let shared = &self.0;
        let effects = [
            (Mark::Error500, "error500"),
            (Mark::Error500After, "error500_after"),
            (Mark::Error429, "error429"),
            (Mark::LockTimeout, "lock_timeout"),
            (Mark::LateAnswer, "delay"),
        ];
        // What Stripe keeps under a key it keeps for writes only.
        let writes = request.method == Method::Post;
        for (mark, effect) in effects {
            if (writes || mark == Mark::Error429) && shared.strikes(mark) {
                let late_ms = shared.with(|state| state.dice.between(1_000, 200_000));
                let delay = if effect == "delay" {
                    format!(r#","delay_ms":{late_ms}"#)
                } else {
                    String::new()
                };
                control(
                    shared,
                    "/_simulator/faults",
                    &format!(r#"{{"effect":"{effect}","count":1{delay}}}"#),
                );
                return None;
            }
        }
        [Mark::LostAnswer, Mark::Hang]
            .into_iter()
            .find(|mark| shared.strikes(*mark))
    }

    /// The request reaches Stripe. Everything that we send is judged here.
    fn act(&self, request: &HttpRequest) -> Response {
        let shared = &self.0;
        let path = request.url.trim_start_matches("http://simulator").to_owned();
        let account = request.header("stripe-account").unwrap_or_default().to_owned();
        let livemode = request
            .header("authorization")
            .is_some_and(|key| key.contains("sk_live_"));
        let key = request.header("idempotency-key").map(str::to_owned);
        if let Some(key) = &key {
            self.note_sent(key, &account, livemode, &path, &request.body);
        }
        let headers = request
            .headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()));
        let answer = shared.simulator.call(&Request {
            method: request.method.as_str().to_owned(),
            path: path.clone(),
            headers: headers.collect(),
            body: request.body.clone(),
        });
        shared.trace(path.as_bytes());
        shared.trace(&answer.status.to_be_bytes());
        let said = || String::from_utf8_lossy(&answer.body).into_owned();
        shared.note(|| {
            let (method, key) = (request.method.as_str(), key.as_deref().unwrap_or("-"));
            let mode = if livemode { "live" } else { "test" };
            let error = if answer.status < 400 {
                String::new()
            } else {
                said()
            };
            format!(
                "{method} {path} on {account} ({mode}), key {key}: {} {error}",
                answer.status
            )
        });
        match answer.status {
            409 => shared.hit(Mark::KeyInUse),
            403 => shared.hit(Mark::AccountGone),
            _ => {}
        }
        if answer.status == 404 || (answer.status >= 400 && said().contains("similar object exists")) {
            shared.violated(format!(
                "D2: Stripe does not know what we asked for: {path} on {account}: {}",
                said()
            ));
        }
        if let Some(key) = key
            && answer.status == 200
            && let Ok(made) = serde_json::from_slice::<serde_json::Value>(&answer.body)
        {
            let id = made["id"].as_str().map(str::to_owned);
            self.note_made(&key, id);
        }
        answer
    }

    /// A key is used for one request only, byte for byte, whatever happens.
    fn note_sent(&self, key: &str, account: &str, livemode: bool, path: &str, body: &[u8]) {
        let sent = Sent {
            account: account.to_owned(),
            livemode,
            path: path.to_owned(),
            body: body.to_vec(),
            made: None,
        };
        let before = self.0.with(|state| {
            state
                .sent
                .entry(key.to_owned())
                .or_insert_with(|| sent.clone())
                .clone()
        });
        let same = (&before.account, before.livemode, &before.path, &before.body)
            == (&sent.account, sent.livemode, &sent.path, &sent.body);
        if !same {
            self.0.violated(format!(
                "R2: key {key} was sent with other bytes, or elsewhere: {path}"
            ));
        }
    }

    fn note_made(&self, key: &str, id: Option<String>) {
        let before = self.0.with(|state| {
            state
                .sent
                .get_mut(key)
                .and_then(|sent| sent.made.replace(id.clone()?))
        });
        if before.is_some() && before != id {
            self.0
                .violated(format!("P2: key {key} made {before:?} and {id:?}"));
        }
    }
}

/// A call of the simulator's control API.
pub fn control(shared: &Shared, path: &str, body: &str) -> serde_json::Value {
    let answer = shared.simulator.call(&Request {
        method: "POST".to_owned(),
        path: path.to_owned(),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: body.as_bytes().to_vec(),
    });
    serde_json::from_slice(&answer.body).unwrap_or(serde_json::Value::Null)
}
