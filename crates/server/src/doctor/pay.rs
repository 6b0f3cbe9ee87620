//! `doctor --pay`: a whole payment, as an integrator and a payer would make it: an invoice over the API, a
//! card at Stripe, the pay page's own requests; then every side of it is checked, and the money is given
//! back. In LIVE only against a simulator on this machine: test cards never work there, and real ones are
//! not for tests.

use std::time::Duration;

use domain::Mode;
use flows::Clock;
use serde_json::{Value, json};
use stripe::{HttpRequest, Method};

use super::{Line, Lookup, watch};
use crate::clock::SystemClock;
use crate::config::{ApiBase, Config, KeySet};
use crate::start;

/// Which key of the tenant's API is used.
const KEY: &str = "PSA_PAY_DOCTOR_KEY";
/// Whom invoices of the doctor are made to.
const CLIENT: &str = "psa-pay doctor";
/// Pages of a hundred clients that are looked through for it.
const PAGES_MAX: u32 = 20;
/// What is asked for, in minor units: above Stripe's least amount in every currency that it is tried in.
const AMOUNT: i64 = 1_234;
/// The simulator's card that pays in live mode; Stripe knows no such card.
const LIVE_CARD: &str = "4000009900000004";
/// A payer who presses Pay at once is no person: how often a press is tried, and how long between.
const PRESSES: u32 = 10;
const BETWEEN: Duration = Duration::from_millis(700);
/// How often it is looked for what follows the payment, a second apart.
const LOOKS: u32 = 60;

/// Goes through a payment; a line for each step that was checked.
pub async fn run(config: &Config, lookup: Lookup<'_>) -> Vec<Line> {
    go_through(config, lookup).await.unwrap_or_else(|line| vec![line])
}

/// What stands in the way, and what to do.
fn refused(why: impl Into<String>, remedy: impl Into<String>) -> Line {
    Line::failure("payment", why, remedy)
}

async fn go_through(config: &Config, lookup: Lookup<'_>) -> Result<Vec<Line>, Line> {
    let label = config.mode.label();
    let simulated = matches!(&config.stripe_api_base, ApiBase::Other(origin) if origin.is_loopback());
    if config.mode == Mode::Live && !simulated {
        return Err(refused(
            "test cards never work in live mode, and Stripe forbids tests with real ones",
            "prove the flow in TEST, and watch the first genuine payment with --watch",
        ));
    }
    let key = lookup(KEY).ok_or_else(|| {
        refused(
            format!("{KEY} is not set"),
            format!("make an API key of a tenant in {label} mode, and put it there"),
        )
    })?;
    let till = Till {
        origin: config.public_url.origin(),
        near: config.public_url.is_loopback(),
        key,
    };
    till.can_charge(config.mode).await?;
    let began = SystemClock::default().now();
    let invoice = till.invoice().await?;
    if let Err(why) = till.pay(config, &invoice).await {
        let left = till.void(&invoice).await;
        return Err(refused(
            format!("{why}. {left}"),
            "mend what it names, and try again",
        ));
    }
    let mut lines = watch::follow(config, config.mode, began, &invoice, LOOKS).await;
    // Whatever was found: the money goes back.
    lines.push(till.refund(&invoice).await);
    Ok(lines)
}

/// The server, as an integrator with a key and a payer without one come to it.
struct Till<'a> {
    origin: &'a str,
    near: bool,
    key: String,
}

impl Till<'_> {
    /// Whether the tenant can take money in this mode, before anything is made.
    async fn can_charge(&self, mode: Mode) -> Result<(), Line> {
        let label = mode.label();
        let status = self.api("GET", "/api/stripe/connect/status", Value::Null).await;
        let status = status.map_err(|why| {
            refused(
                why,
                format!("see whether {KEY} is a key of a tenant in {label} mode"),
            )
        })?;
        if status["livemode"] != mode.is_live() {
            return Err(refused(
                format!("the key in {KEY} is of the other mode, and this configuration is in {label}"),
                format!("make an API key of the tenant in {label} mode"),
            ));
        }
        if status["ready"] == true {
            return Ok(());
        }
        let headline = status["headline"].as_str().unwrap_or("it is not ready");
        let next = status["next_step"].as_str();
        Err(refused(
            format!("the tenant of {KEY} cannot charge in {label} mode: {headline}"),
            next.unwrap_or("connect the tenant's account at Stripe, or take the key of one that can charge"),
        ))
    }

    /// The client that invoices of the doctor are made to: the one of last time, if there is one.
    async fn client(&self) -> Result<String, String> {
        let mut after = String::new();
        for _ in 0..PAGES_MAX {
            let path = format!("/api/clients?limit=100{after}");
            let page = self.api("GET", &path, Value::Null).await?;
            let all = page["data"].as_array().map(Vec::as_slice).unwrap_or_default();
            if let Some(known) = all.iter().find(|client| client["name"] == CLIENT) {
                return text(known, "id");
            }
            match all.last().filter(|_| page["has_more"] == true) {
                Some(last) => after = format!("&after={}", text(last, "id")?),
                None => break,
            }
        }
        let made = self.api("POST", "/api/clients", json!({"name": CLIENT})).await?;
        text(&made, "id")
    }

    /// An open invoice; a draft that cannot be opened is void.
    async fn invoice(&self) -> Result<String, Line> {
        let again = |why: String| refused(why, "mend what it names, and try again");
        let client = self.client().await.map_err(again)?;
        let draft = json!({"client_id": client, "currency": "usd",
            "memo": "Made by psa-pay doctor to try a payment; it is refunded at once.",
            "lines": [{"description": "Trial of payments", "quantity": "1", "unit_price": AMOUNT}]});
        let made = self.api("POST", "/api/invoices", draft).await.map_err(again)?;
        let id = text(&made, "id").map_err(again)?;
        let path = format!("/api/invoices/{id}/finalize");
        if let Err(why) = self.api("POST", &path, Value::Null).await {
            let left = self.void(&id).await;
            return Err(again(format!("{why}. {left}")));
        }
        Ok(id)
    }

    /// Takes back what was made for nothing, and says how that went. The server refuses it while money may be
    /// on its way.
    async fn void(&self, invoice: &str) -> String {
        let path = format!("/api/invoices/{invoice}/void");
        match self.api("POST", &path, Value::Null).await {
            Ok(_) => format!("The invoice that was made for it, {invoice}, is void again"),
            Err(why) => format!("The invoice that was made for it, {invoice}, stays: {why}"),
        }
    }

    /// Pays an invoice by its link.
    async fn pay(&self, config: &Config, invoice: &str) -> Result<(), String> {
        let path = format!("/api/invoices/{invoice}/pay-link");
        let link = text(&self.api("POST", &path, Value::Null).await?, "url")?;
        self.press(config, link.rsplit('/').next().unwrap_or_default())
            .await
    }

    /// Reads the page as a payer does, and pays by a card.
    async fn press(&self, config: &Config, link: &str) -> Result<(), String> {
        let public = format!("/api/public/invoices/{link}");
        let page = self.public("GET", &public, Value::Null).await?.1;
        let account = text(&page, "stripe_account")?;
        let keys = config.keys(config.mode).ok_or("no keys of this mode")?;
        let token = card(config, keys, &account).await?;
        let body = json!({"confirmation_token": token, "amount": page["amount"], "currency": page["currency"],
            "page_token": page["page_token"]});
        for _ in 0..PRESSES {
            let (status, answer) = self
                .public("POST", &format!("{public}/pay"), body.clone())
                .await?;
            match (status, answer["code"].as_str()) {
                (429, Some("too_soon")) => tokio::time::sleep(BETWEEN).await,
                (200, _) if answer["status"] == "requires_payment_method" => {
                    let why = &answer["decline"];
                    return Err(format!("the card was declined: {why}"));
                }
                (200, _) => return Ok(()),
                (status, _) => return Err(format!("the payment was answered {}", said(status, &answer))),
            }
        }
        Err("the page took no press".to_owned())
    }

    /// Gives the money back, and says how that went.
    async fn refund(&self, invoice: &str) -> Line {
        let by_hand = "give the money back in Stripe's dashboard if any came, and see the invoice's page";
        match self.refunded(invoice).await {
            Ok((id, status)) if ["succeeded", "pending"].contains(&status.as_str()) => {
                Line::ok("payment.refund", format!("{id} gives it back: {status}"))
            }
            Ok((id, status)) => Line::failure("payment.refund", format!("{id} is {status}"), by_hand),
            Err(why) => Line::failure("payment.refund", format!("of {invoice}: {why}"), by_hand),
        }
    }

    async fn refunded(&self, invoice: &str) -> Result<(String, String), String> {
        let path = format!("/api/payments?invoice_id={invoice}");
        let paid = self.api("GET", &path, Value::Null).await?;
        let payment = text(&paid["data"][0], "id")?;
        let body = json!({"payment_id": payment, "settlement": "forgiven", "fee": "returned"});
        let refund = self.api("POST", "/api/refunds", body).await?;
        Ok((text(&refund, "id")?, text(&refund, "status")?))
    }

    async fn api(&self, method: &str, path: &str, body: Value) -> Result<Value, String> {
        let once = format!("doctor-{:032x}", SystemClock::default().random());
        let headers = vec![
            ("Authorization", format!("Bearer {}", self.key)),
            ("Idempotency-Key", once),
        ];
        let (status, answer) = self.send(method, path, headers, body).await?;
        match status {
            200..=299 => Ok(answer),
            status => Err(format!("{method} {path} is answered {}", said(status, &answer))),
        }
    }

    async fn public(&self, method: &str, path: &str, body: Value) -> Result<(u16, Value), String> {
        self.send(method, path, Vec::new(), body).await
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        mut headers: Vec<(&'static str, String)>,
        body: Value,
    ) -> Result<(u16, Value), String> {
        headers.push(("Content-Type", "application/json".to_owned()));
        let body = match body {
            Value::Null => Vec::new(),
            body => body.to_string().into_bytes(),
        };
        let request = HttpRequest {
            method: if method == "GET" {
                Method::Get
            } else {
                Method::Post
            },
            url: format!("{}{path}", self.origin),
            headers,
            body,
        };
        let answer = start::transport_to(self.near)?
            .send(request)
            .await
            .map_err(|none| none.0)?;
        Ok((
            answer.status,
            serde_json::from_slice(&answer.body).unwrap_or(Value::Null),
        ))
    }
}

/// What Stripe.js makes of a card: in TEST by Stripe's helper for tests, in LIVE as the simulator's card
/// field.
async fn card(config: &Config, keys: &KeySet, account: &str) -> Result<String, String> {
    let (path, key, body) = match config.mode {
        Mode::Test => (
            "/v1/test_helpers/confirmation_tokens",
            keys.secret_key.expose(),
            "payment_method=pm_card_visa".to_owned(),
        ),
        Mode::Live => (
            "/v1/confirmation_tokens",
            keys.publishable_key.as_str(),
            format!(
                "payment_method_data[type]=card&payment_method_data[card][number]={LIVE_CARD}\
                 &payment_method_data[card][exp_month]=12&payment_method_data[card][exp_year]=2034\
                 &payment_method_data[card][cvc]=123"
            ),
        ),
    };
    let near = matches!(&config.stripe_api_base, ApiBase::Other(origin) if origin.is_loopback());
    let request = HttpRequest {
        method: Method::Post,
        url: format!("{}{path}", config.stripe_api_base.api_origin()),
        headers: vec![
            ("Authorization", format!("Bearer {key}")),
            ("Stripe-Version", stripe::API_VERSION.to_owned()),
            ("Stripe-Account", account.to_owned()),
            ("Content-Type", "application/x-www-form-urlencoded".to_owned()),
        ],
        body: body.into_bytes(),
    };
    let answer = start::transport_to(near)?
        .send(request)
        .await
        .map_err(|none| none.0)?;
    let value: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    text(&value, "id").map_err(|_| format!("Stripe makes no card of it: {}", answer.status))
}

fn text(value: &Value, name: &str) -> Result<String, String> {
    let found = value[name].as_str();
    found
        .map(str::to_owned)
        .ok_or_else(|| format!("an answer has no {name}"))
}

/// What an answer says is wrong, without all the rest of it.
fn said(status: u16, answer: &Value) -> String {
    match answer["detail"].as_str() {
        Some(detail) => format!("{status}: {}", detail.trim_end_matches('.')),
        None => status.to_string(),
    }
}
