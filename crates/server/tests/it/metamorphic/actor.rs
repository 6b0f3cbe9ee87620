//! A tenant with its payers, its own software at Stripe and Stripe's deliveries, all drawn from a seed of its
//! own: what it does next depends on nothing that another tenant did.

use std::collections::HashSet;
use std::sync::Arc;

use domain::Mode;
use flows::stripe_events;
use reqwest::Method;
use serde_json::{Value, json};
use server::demo::TEST_WEBHOOK_SECRET;

use super::names::Names;
use crate::town::{Msp, Reply, Town};

/// Cards that payers have.
const CARDS: [&str; 4] = [
    "pm_card_visa",
    "pm_card_chargeDeclined",
    "pm_card_authenticationRequired",
    "pm_card_visa",
];

/// The same installation in both modes, and the seed of the trace.
pub struct Trace {
    pub towns: [Arc<Town>; 2],
    pub seed: u64,
}

/// Spreads two numbers over 64 bits.
pub fn mix(seed: u64, n: u64) -> u64 {
    let mut z = seed
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .wrapping_add(n.wrapping_mul(0xD1B5_4A32_D192_ED03));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// An invoice that was made, with its link.
struct Sent {
    id: String,
    link: String,
    /// The token of a page that was opened when the invoice was sent; no run is that long.
    page: Value,
    amount: i64,
}

/// A tenant and everybody around it.
pub struct Actor {
    pub msp: Msp,
    currency: &'static str,
    nth: u64,
    drawn: u64,
    seed: u64,
    sent: Vec<Sent>,
    delivered: HashSet<String>,
    names: Names,
    said: Vec<String>,
}

impl Actor {
    pub fn new(msp: Msp, currency: &'static str, seed: u64, nth: u64) -> Actor {
        Actor {
            msp,
            currency,
            nth,
            drawn: 0,
            seed: mix(seed, 1_000 + nth),
            sent: Vec::new(),
            delivered: HashSet::new(),
            names: Names::default(),
            said: Vec::new(),
        }
    }

    /// The answers so far, as lines.
    pub fn said(self) -> Vec<String> {
        self.said
    }

    /// The numbering of Stripe's ids, begun by the answers.
    pub fn names(&self) -> Names {
        self.names.clone()
    }

    fn draw(&mut self, below: usize) -> usize {
        self.drawn += 1;
        let drawn = mix(self.seed, self.drawn) % u64::try_from(below.max(1)).unwrap();
        usize::try_from(drawn).unwrap()
    }

    /// Does one thing. While the mode may be switched it is nothing that only the active mode allows.
    pub async fn act(&mut self, trace: &Trace, at: &Town, step: u64, in_switch: bool) {
        at.clock.reseed(mix(trace.seed ^ self.nth, 10_000 + step));
        let home = trace.towns[0].clone();
        match self.draw(if in_switch { 8 } else { 12 }) {
            0 | 1 => self.pay(&home, at, step).await,
            2 => self.bank_answers(&home, at, step).await,
            3 | 4 => self.stripe_delivers(trace, &home, at, step).await,
            5 => self.own_shop(&home, step),
            6 => self.read_some(at, step).await,
            7 => self.withdraw(at, step).await,
            8 => self.add_client(at, step).await,
            _ => self.send_invoice(at, step).await,
        }
    }

    /// Keeps an answer; addresses have other ports in each run.
    fn note(&mut self, at: &Town, step: u64, what: &str, reply: &Reply) {
        // Each page that is served has a token of its own, drawn at random.
        let text = match reply.body["page_token"].as_str() {
            Some(page) => reply.text.replace(page, "page"),
            None => reply.text.clone(),
        };
        let line = format!("{step} {what}: {} {text}", reply.status.as_u16());
        let line = line.replace(&at.url, "").replace(&at.stripe_url, "");
        let line = self.names.number(&line);
        self.said.push(line);
    }

    async fn call(&mut self, at: &Town, step: u64, method: Method, path: &str, body: Value) -> Reply {
        let key = self.msp.key.clone();
        let reply = at.api(&key, method.clone(), path, body).await;
        self.note(at, step, &format!("{method} {path}"), &reply);
        reply
    }

    async fn add_client(&mut self, at: &Town, step: u64) {
        let name = ["Lakeside Veterinary", "Alder & Finch Architects", ""][self.draw(3)];
        self.call(at, step, Method::POST, "/api/clients", json!({"name": name}))
            .await;
    }

    async fn send_invoice(&mut self, at: &Town, step: u64) {
        let amount = 1_000 + i64::try_from(self.draw(90_000)).unwrap();
        let draft = json!({"client_id": self.msp.client_id, "currency": self.currency,
            "lines": [{"description": "Managed workplace", "quantity": "1", "unit_price": amount}]});
        let made = self.call(at, step, Method::POST, "/api/invoices", draft).await;
        let id = made.body["id"]
            .as_str()
            .unwrap_or_else(|| panic!("{}", made.text))
            .to_owned();
        self.call(
            at,
            step,
            Method::POST,
            &format!("/api/invoices/{id}/finalize"),
            Value::Null,
        )
        .await;
        let path = format!("/api/invoices/{id}/pay-link");
        let made = self.call(at, step, Method::POST, &path, Value::Null).await;
        let link = made.body["url"]
            .as_str()
            .and_then(|url| url.rsplit('/').next())
            .unwrap()
            .to_owned();
        let page = at.look(&link).await.body["page_token"].clone();
        self.sent.push(Sent {
            id,
            link,
            page,
            amount,
        });
    }

    fn some_sent(&mut self) -> Option<(String, String, i64)> {
        let nth = self.draw(self.sent.len());
        let sent = self.sent.get(nth)?;
        Some((sent.id.clone(), sent.link.clone(), sent.amount))
    }

    async fn pay(&mut self, home: &Town, at: &Town, step: u64) {
        let Some((_, link, amount)) = self.some_sent() else {
            return;
        };
        let card = CARDS[self.draw(CARDS.len())];
        // One payer in eight has an old page open.
        let amount = amount + i64::from(self.draw(8) == 0);
        let token = home.token_of(&self.msp, card);
        let page = self.sent.iter().find(|sent| sent.link == link);
        let press = json!({"confirmation_token": token, "amount": amount, "currency": self.currency,
            "page_token": page.map(|sent| &sent.page)});
        let reply = at.press(&link, press).await;
        self.note(at, step, &format!("pay {card}"), &reply);
    }

    /// The bank's page is answered for the newest intent that waits for it, and the payer comes back.
    async fn bank_answers(&mut self, home: &Town, at: &Town, step: u64) {
        let account = Some(self.msp.account.clone());
        let intents = home.stripe("GET", "/v1/payment_intents?limit=100", account.as_deref(), "");
        let waits = |intent: &&Value| intent["status"] == "requires_action";
        let Some(intent) = intents["data"].as_array().unwrap().iter().find(waits) else {
            return;
        };
        let outcome = ["complete", "fail"][self.draw(2)];
        home.challenge(intent["id"].as_str().unwrap(), outcome);
        let Some((_, link, _)) = self.some_sent() else {
            return;
        };
        let reply = at.check(&link).await;
        self.note(at, step, "check", &reply);
    }

    /// Stripe delivers what is new on this account, and the worker applies it.
    async fn stripe_delivers(&mut self, trace: &Trace, home: &Town, at: &Town, step: u64) {
        let account = self.msp.account.clone();
        let of_account = home.stripe("GET", "/v1/events?limit=100", Some(&account), "");
        let of_platform = home.stripe("GET", "/v1/events?limit=100", None, "");
        let mut events = of_account["data"].as_array().unwrap().clone();
        events.extend(
            of_platform["data"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|event| event["type"].as_str().unwrap().starts_with("application_fee"))
                .filter(|event| event["data"]["object"]["account"] == account.as_str())
                .cloned(),
        );
        events.reverse();
        let mut nth = 0;
        for event in events {
            if !self.delivered.insert(event["id"].as_str().unwrap().to_owned()) {
                continue;
            }
            nth += 1;
            at.clock
                .reseed(mix(trace.seed ^ self.nth, 1_000_000 + step * 1_000 + nth));
            let body = event.to_string();
            let reply = at.deliver_signed(TEST_WEBHOOK_SECRET, body.as_bytes()).await;
            self.note(at, step, event["type"].as_str().unwrap(), &reply);
            for taken in stripe_events::take(&at.app, 10).await.unwrap() {
                stripe_events::apply(&at.app, &taken).await.unwrap();
            }
        }
    }

    /// The tenant's own shop takes money, or its staff refunds some in Stripe's dashboard.
    fn own_shop(&mut self, home: &Town, step: u64) {
        let account = self.msp.account.clone();
        let form = format!(
            "amount={}&currency={}&payment_method=pm_card_visa&confirm=true\
             &automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never",
            500 + self.draw(5_000),
            self.currency
        );
        let made = home.stripe("POST", "/v1/payment_intents", Some(&account), &form);
        let line = format!("{step} own shop: {}", made["status"]);
        self.said.push(line);
    }

    async fn withdraw(&mut self, at: &Town, step: u64) {
        let Some((id, _, _)) = self.some_sent() else {
            return;
        };
        if self.draw(2) == 0 {
            self.call(
                at,
                step,
                Method::POST,
                &format!("/api/invoices/{id}/void"),
                Value::Null,
            )
            .await;
        } else {
            self.read_some(at, step).await;
        }
    }

    async fn read_some(&mut self, at: &Town, step: u64) {
        let Some((id, link, _)) = self.some_sent() else {
            return;
        };
        self.call(at, step, Method::GET, &format!("/api/invoices/{id}"), Value::Null)
            .await;
        let reply = at.look(&link).await;
        self.note(at, step, "look", &reply);
        let page = at.public(Method::GET, &format!("/pay/{link}"), Value::Null).await;
        self.note(at, step, "page", &page);
    }

    /// Everything that the tenant can read.
    pub async fn read_all(&mut self, trace: &Trace, at: &Town, step: u64) {
        at.clock.reseed(mix(trace.seed ^ self.nth, 10_000 + step));
        for path in ["/api/clients", "/api/invoices", "/api/payments"] {
            self.call(at, step, Method::GET, &format!("{path}?limit=100"), Value::Null)
                .await;
        }
        assert_eq!(self.msp.scope.mode, Mode::Test);
    }
}
