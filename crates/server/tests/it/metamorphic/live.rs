//! What goes on in LIVE beside a trace of TEST: payers whose payments are in doubt when the mode is switched
//! over and back, Stripe's deliveries of that mode, and the reconciler, at whichever instance there is.

use std::collections::HashSet;
use std::sync::Arc;

use flows::{reconcile, stripe_events};
use serde_json::{Value, json};
use server::demo::LIVE_WEBHOOK_SECRET;

use super::actor::{Trace, mix};
use crate::town::Town;

/// The card that pays in LIVE at the simulator.
const CARD: &str = "4000009900000004";
const AMOUNT: i64 = 4_200;
/// Steps at which somebody presses Pay and Stripe's answer is lost: just before the mode is switched, while
/// it is, and just before it is switched back.
const PRESSES: [u64; 3] = [29, 40, 49];
/// After so many steps Stripe delivers.
const DELIVERED_EVERY: u64 = 7;

/// The tenant's account in LIVE and its payers.
pub struct Live {
    town: Arc<Town>,
    /// Invoices with their links and the tokens of their pages, one for each press.
    sent: Vec<(String, String, Value)>,
    delivered: HashSet<String>,
}

impl Live {
    /// Sends the invoices, while there is an instance in which new work is LIVE's.
    pub async fn begin(town: Arc<Town>) -> Live {
        let mut sent = Vec::new();
        for _ in PRESSES {
            let invoice = town.invoice(AMOUNT, "usd").await;
            let link = town.link(&invoice).await;
            let page = town.look(&link).await.body["page_token"].clone();
            sent.push((invoice, link, page));
        }
        Live {
            town,
            sent,
            delivered: HashSet::new(),
        }
    }

    /// What there is to do after a step, at the instance that is there.
    pub async fn act(&mut self, trace: &Trace, at: &Town, step: u64) {
        at.clock.reseed(mix(trace.seed, 50_000 + step));
        if let Some(nth) = PRESSES.iter().position(|press| *press == step) {
            self.press(at, nth).await;
        }
        if step.is_multiple_of(DELIVERED_EVERY) {
            self.deliver(at).await;
        }
        reconcile::run(&at.app).await.unwrap();
        for taken in stripe_events::take(&at.app, 100).await.unwrap() {
            stripe_events::apply(&at.app, &taken).await.unwrap();
        }
    }

    async fn press(&self, at: &Town, nth: usize) {
        let (_, link, page) = &self.sent[nth];
        let fault = json!({"method": "POST", "path": "/confirm", "effect": "lose_answer", "count": 50});
        self.town.control("POST", "/_simulator/faults", fault);
        let press = json!({"confirmation_token": self.town.typed_token(CARD), "amount": AMOUNT,
            "currency": "usd", "page_token": page});
        let pressed = at.press(link, press).await;
        self.town.control("DELETE", "/_simulator/faults", Value::Null);
        assert_eq!(pressed.body["status"], "checking", "{}", pressed.text);
    }

    async fn deliver(&mut self, at: &Town) {
        let account = self.town.msp.account.clone();
        let listed = self
            .town
            .stripe("GET", "/v1/events?limit=100", Some(&account), "");
        for event in listed["data"].as_array().unwrap().iter().rev() {
            if self.delivered.insert(event["id"].as_str().unwrap().to_owned()) {
                let body = event.to_string();
                let taken = at.deliver_signed(LIVE_WEBHOOK_SECRET, body.as_bytes()).await;
                assert_eq!(taken.status, 200, "{}", taken.text);
            }
        }
    }

    /// Each was paid, once.
    pub async fn assert_paid(&self) {
        for (invoice, _, _) in &self.sent {
            assert_eq!(self.town.read_invoice(invoice).await["status"], "paid");
        }
        assert_eq!(self.town.charges().len(), PRESSES.len());
    }
}
