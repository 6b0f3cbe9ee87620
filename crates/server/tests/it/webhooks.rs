//! The webhook endpoint as Stripe and everybody else meets it: which signatures are believed, and what is
//! answered.

use domain::Mode;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::demo::TEST_WEBHOOK_SECRET;
use store::Sql;
use stripe::{Secret, signature};

use crate::engines::World;
use crate::town::{Town, Wishes};

const THIN_SECRET: &str = "whsec_psapay_demo_test_thin";
const EVENTS: Sql = Sql::new("select count(*) as n from stripe_webhook_events");

fn quiet() -> Wishes {
    Wishes {
        deliveries: false,
        worker: false,
        ..Wishes::default()
    }
}

/// An event of ours, with blanks and an order of keys that no other writer of JSON would make.
fn event(town: &Town, id: &str) -> String {
    format!(
        "{{\"livemode\":  false, \"id\": \"{id}\",\n \"object\": \"event\", \"account\": \"{}\", \
         \"type\": \"payment_intent.succeeded\", \"created\": 1, \"data\": {{\"object\": {{\
         \"object\": \"payment_intent\", \"id\": \"pi_of_nobody\", \"amount\": 100, \
         \"currency\": \"usd\", \"status\": \"succeeded\"}}}}}}",
        town.msp.account
    )
}

fn v1(header: &str) -> &str {
    header.split_once("v1=").unwrap().1
}

both! {
    fn only_stripes_own_signature_within_five_minutes_is_believed(world: &World) {
        Town::run_as(world, quiet(), async |town| {
            let body = event(&town, "evt_refused");
            let now = town.clock.now_s();
            let sign = |secret: &str, t: i64| signature::sign(&Secret::new(secret), t, body.as_bytes());
            let good = sign(TEST_WEBHOOK_SECRET, now);
            let hex = v1(&good).to_owned();
            let before = (town.contents(Mode::Test).await, town.contents(Mode::Live).await);
            let refused = [
                None,
                Some(String::new()),
                Some("nonsense".to_owned()),
                Some(sign("whsec_psapay_demo_other", now)),
                Some(sign(TEST_WEBHOOK_SECRET, now - 302)),
                Some(sign(TEST_WEBHOOK_SECRET, now + 310)),
                Some(format!("t={now},v0={hex}")),
                Some(format!("t={now},v1={}", hex.to_uppercase())),
                Some(format!("t={now},v1={}", &hex[..63])),
                Some(format!("t={now}")),
                Some(format!("v1={hex}")),
                Some(format!("t={now},t={now},v1={hex}")),
                Some(format!("t=+{now},v1={hex}")),
                Some(format!("t={now},v1={hex}").repeat(100)),
                Some(format!("t={},v1={hex}", now - 1)),
            ];
            for header in &refused {
                let reply = town.deliver(header.as_deref(), body.as_bytes()).await;
                reply.assert_refused(401, "signature_invalid", None);
            }
            let reserialised = serde_json::from_str::<Value>(&body).unwrap().to_string();
            for changed in [reserialised.as_str(), &format!("{body}\n"), &body.replace("100", "900"), ""] {
                let reply = town.deliver(Some(&good), changed.as_bytes()).await;
                reply.assert_refused(401, "signature_invalid", None);
            }
            let after = (town.contents(Mode::Test).await, town.contents(Mode::Live).await);
            assert_eq!(after, before, "nothing of a refused delivery is stored");
            for method in [Method::GET, Method::PUT] {
                let reply = town.public(method, "/api/stripe/webhook", Value::Null).await;
                reply.assert_refused(405, "method_not_allowed", None);
            }
            assert_eq!(town.deliver(Some(&good), body.as_bytes()).await.status, StatusCode::OK);
            assert_eq!(town.number(&EVENTS).await, 1);
        });
    }

    fn while_a_secret_is_rolled_one_of_two_signatures_is_enough(world: &World) {
        Town::run_as(world, quiet(), async |town| {
            let now = town.clock.now_s();
            for (nth, late) in [0, -290, 290].into_iter().enumerate() {
                let body = event(&town, &format!("evt_rolled_{nth}"));
                let sign = |secret: &str| signature::sign(&Secret::new(secret), now + late, body.as_bytes());
                let (ours, old) = (sign(TEST_WEBHOOK_SECRET), sign("whsec_psapay_demo_old"));
                let t = now + late;
                for header in [
                    format!("t={t},v1={},v1={},v0=decoy", v1(&old), v1(&ours)),
                    format!("v1={},t={t},v1={}", v1(&ours), v1(&old)),
                ] {
                    let reply = town.deliver(Some(&header), body.as_bytes()).await;
                    assert_eq!((reply.status, reply.text.as_str()), (StatusCode::OK, ""), "{header}");
                }
            }
            const TWICE: Sql =
                Sql::new("select count(*) as n from stripe_webhook_events where deliveries = 2");
            assert_eq!((town.number(&EVENTS).await, town.number(&TWICE).await), (3, 3));
        });
    }

    fn a_body_of_the_other_kind_than_its_secrets_is_refused(world: &World) {
        Town::run_as(world, quiet(), async |town| {
            let thin = json!({"object": "v2.core.event", "id": "evt_test_65thin", "livemode": false,
                    "context": town.msp.account, "created": "2026-11-23T12:00:00.000Z",
                    "type": "v1.payment_intent.succeeded",
                    "related_object": {"id": "pi_of_nobody", "type": "payment_intent",
                        "url": "/v1/payment_intents/pi_of_nobody"}});
            let (thin, snapshot) = (thin.to_string(), event(&town, "evt_snapshot"));
            for (secret, body) in [(TEST_WEBHOOK_SECRET, &thin), (THIN_SECRET, &snapshot)] {
                let reply = town.deliver_signed(secret, body.as_bytes()).await;
                reply.assert_refused(401, "signature_invalid", None);
            }
            assert_eq!(town.number(&EVENTS).await, 0);
            for (secret, body) in [(THIN_SECRET, &thin), (TEST_WEBHOOK_SECRET, &snapshot)] {
                assert_eq!(town.deliver_signed(secret, body.as_bytes()).await.status, StatusCode::OK);
            }
            assert_eq!(town.number(&EVENTS).await, 2);
        });
    }

    fn a_signed_body_that_is_no_event_is_kept_and_answered(world: &World) {
        Town::run(world, async |town| {
            let bodies: [&[u8]; 6] = [
                b"",
                b"not json",
                b"[]",
                b"{\"object\":\"event\"}",
                b"{\"object\":\"event\",\"id\":\"evt_1\"}",
                b"\xff\x00",
            ];
            for body in bodies {
                let reply = town.deliver_signed(TEST_WEBHOOK_SECRET, body).await;
                assert_eq!(reply.status, StatusCode::OK, "{body:?}: {}", reply.text);
            }
            const DEAD: Sql =
                Sql::new("select count(*) as n from stripe_webhook_events where status = 'dead'");
            assert_eq!(town.number(&DEAD).await, 6);
            let event = event(&town, "evt_next");
            town.deliver_signed(TEST_WEBHOOK_SECRET, event.as_bytes()).await;
            town.until_quiet().await;
        });
    }
}
