//! Deliveries: each event on its way from Stripe to an instance, with everything that happens to post.

use std::rc::Rc;

use domain::Mode;
use flows::stripe_events::{self, Ingested, SignedAs};
use simulator::{Delivery, Outcome};
use stripe::events::Kind;

use crate::instances::request;
use crate::marks::Mark;
use crate::ports::rest;
use crate::stage::{Letter, Stage};
use crate::swarm::{DAY_MS, HOUR_MS, MINUTE_MS};

/// Sends one on its way.
pub fn send(stage: &Rc<Stage>, delivery: Delivery) {
    let signed_as = SignedAs {
        mode: if delivery.url.contains("/live/") {
            Mode::Live
        } else {
            Mode::Test
        },
        kind: match delivery.kind {
            simulator::Kind::Snapshot => Kind::Snapshot,
            simulator::Kind::Thin => Kind::Thin,
        },
    };
    if signed_as.kind == Kind::Thin {
        stage.hit(Mark::ThinTwin);
    }
    let at = (delivery.url.clone(), delivery.event_id.clone());
    let letter = Letter {
        body: delivery.body.clone(),
        signed_as,
        acked: false,
    };
    stage.letters.borrow_mut().entry(at.clone()).or_insert(letter);
    let here = Rc::clone(stage);
    stage.spawn(format!("courier {}", delivery.event_type), async move {
        let outcome = carry(&here, &delivery, &at, signed_as).await;
        here.shared.simulator.report_delivery(delivery.id, outcome);
    });
}

async fn carry(
    stage: &Rc<Stage>,
    delivery: &Delivery,
    at: &(String, String),
    signed_as: SignedAs,
) -> Outcome {
    let shared = &stage.shared;
    if shared.strikes(Mark::DeliveryDropped) {
        return Outcome::Failed("lost on the way".to_owned());
    }
    if shared.strikes(Mark::Delayed) {
        let longest = shared.with(|state| *state.dice.pick(&[5_000, 2 * MINUTE_MS, 3 * HOUR_MS, 2 * DAY_MS]));
        let ms = shared.with(|state| state.dice.between(0, longest));
        rest(shared, ms).await;
    }
    mislead(stage, delivery, signed_as);
    if shared.strikes(Mark::Duplicated) {
        bring_later(stage, at, 0);
    }
    if shared.strikes(Mark::Redelivered) {
        let ms = shared.with(|state| state.dice.between(HOUR_MS, 5 * DAY_MS));
        bring_later(stage, at, ms);
    }
    if !bring(stage, at).await {
        stage.hit(Mark::DeliveryUnanswered);
        return Outcome::Failed("no 2xx".to_owned());
    }
    if shared.strikes(Mark::AckLost) {
        return Outcome::Failed("the answer was lost".to_owned());
    }
    Outcome::Answered(200)
}

/// Brings a letter to an instance; whether it was taken.
pub async fn bring(stage: &Rc<Stage>, at: &(String, String)) -> bool {
    let letter = stage.letters.borrow()[at].clone();
    let (body, signed_as) = (letter.body, letter.signed_as);
    let answer = request(stage, "webhook", |app| async move {
        stripe_events::ingest(&app, &body, signed_as).await
    });
    match answer.await {
        Some(Ok(Ingested::WrongShape)) => {
            stage
                .shared
                .violated(format!("a delivery of Stripe's has the wrong shape: {at:?}"));
            false
        }
        Some(Ok(_)) => {
            stage.letters.borrow_mut().get_mut(at).expect("it was sent").acked = true;
            stage.ring();
            true
        }
        Some(Err(_)) | None => false,
    }
}

fn bring_later(stage: &Rc<Stage>, at: &(String, String), ms: i64) {
    let (here, at) = (Rc::clone(stage), at.clone());
    stage.spawn("courier again", async move {
        rest(&here.shared, ms).await;
        bring(&here, &at).await;
    });
}

/// Somebody has got hold of the TEST secret: live events come under it, true ones and forged ones.
fn mislead(stage: &Rc<Stage>, delivery: &Delivery, signed_as: SignedAs) {
    if !delivery.livemode || signed_as.kind == Kind::Thin {
        return;
    }
    let mut bodies = Vec::new();
    if stage.shared.strikes(Mark::WrongSecret) {
        bodies.push(delivery.body.clone());
    }
    if delivery.event_type.starts_with("payment_intent.") && stage.shared.strikes(Mark::Forged) {
        let mut event: serde_json::Value = serde_json::from_slice(&delivery.body).expect("an event");
        event["id"] = format!("{}f", delivery.event_id).into();
        event["type"] = "payment_intent.succeeded".into();
        let amount = event["data"]["object"]["amount"].clone();
        event["data"]["object"]["status"] = "succeeded".into();
        event["data"]["object"]["amount_received"] = amount;
        bodies.push(event.to_string().into_bytes());
    }
    for body in bodies {
        let here = Rc::clone(stage);
        stage.spawn("holder of a leaked secret", async move {
            let leaked = SignedAs {
                mode: Mode::Test,
                kind: Kind::Snapshot,
            };
            let answer = request(&here, "webhook", |app| async move {
                stripe_events::ingest(&app, &body, leaked).await
            });
            if let Some(Ok(Ingested::New { event_type })) = answer.await {
                here.shared
                    .violated(format!("a live {event_type} was taken under a TEST secret"));
            }
        });
    }
}
