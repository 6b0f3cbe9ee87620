//! `doctor --pay`: a whole payment, as an integrator and a payer would make it: an invoice over the API, a
//! card at Stripe, the pay page's own requests; then every side of it is checked, and the money is given
//! back. In LIVE only against a simulator on this machine: test cards never work there, and real ones are
//! not for tests.

use std::time::Duration;

use domain::Mode;
use flows::Clock;
use serde_json::{Value, json};
use stripe::{HttpRequest, Method};

use super::{Line, Status, watch};
use crate::clock::SystemClock;
use crate::config::{ApiBase, Config, KeySet};
use crate::start;

/// Which key of the tenant's API is used.
const KEY: &str = "PSA_PAY_DOCTOR_KEY";
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
pub async fn run(config: &Config, lookup: &(dyn Fn(&str) -> Option<String> + Sync)) -> Vec<Line> {
    match go_through(config, lookup).await {
        Ok(lines) => lines,
        Err(why) => vec![Line::failure("payment", why, "mend what it names, and try again")],
    }
}

async fn go_through(
    config: &Config,
    lookup: &(dyn Fn(&str) -> Option<String> + Sync),
) -> Result<Vec<Line>, String> {
    let simulated = matches!(&config.stripe_api_base, ApiBase::Other(origin) if origin.is_loopback());
    if config.mode == Mode::Live && !simulated {
        return Err(
            "test cards never work in live mode, and Stripe forbids tests with real ones: prove the flow in \
             TEST, and watch the first genuine payment with --watch"
                .to_owned(),
        );
    }
    let key = lookup(KEY).ok_or_else(|| {
        format!(
            "{KEY} is not set: make an API key of a tenant in {} mode",
            config.mode.label()
        )
    })?;
    let till = Till {
        origin: config.public_url.origin(),
        near: config.public_url.is_loopback(),
        key,
    };
    let began = SystemClock::default().now();
    let invoice = till.invoice().await?;
    let link = till
        .api("POST", &format!("/api/invoices/{invoice}/pay-link"), Value::Null)
        .await?;
    let link = text(&link, "url")?;
    let link = link.rsplit('/').next().unwrap_or_default();
    till.press(config, link).await?;
    let mut lines = watch::follow(config, config.mode, began, &invoice, LOOKS).await;
    if lines.iter().any(|line| line.status == Status::Failure) {
        return Ok(lines);
    }
    lines.push(till.refund(&invoice).await?);
    Ok(lines)
}

/// The server, as an integrator with a key and a payer without one come to it.
struct Till<'a> {
    origin: &'a str,
    near: bool,
    key: String,
}

impl Till<'_> {
    /// An open invoice to a client of its own.
    async fn invoice(&self) -> Result<String, String> {
        let client = json!({"name": "psa-pay doctor"});
        let client = self.api("POST", "/api/clients", client).await?;
        let draft = json!({"client_id": text(&client, "id")?, "currency": "usd",
            "memo": "Made by psa-pay doctor to try a payment; it is refunded at once.",
            "lines": [{"description": "Trial of payments", "quantity": "1", "unit_price": AMOUNT}]});
        let made = self.api("POST", "/api/invoices", draft).await?;
        let id = text(&made, "id")?;
        let path = format!("/api/invoices/{id}/finalize");
        self.api("POST", &path, Value::Null).await?;
        Ok(id)
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
                (200, _) => return Ok(()),
                (status, _) => return Err(format!("the payment was answered {status}: {answer}")),
            }
        }
        Err("the page took no press".to_owned())
    }

    /// Gives the money back, and says how that went.
    async fn refund(&self, invoice: &str) -> Result<Line, String> {
        let paid = self
            .api("GET", &format!("/api/payments?invoice_id={invoice}"), Value::Null)
            .await?;
        let payment = text(&paid["data"][0], "id")?;
        let body = json!({"payment_id": payment, "settlement": "forgiven", "fee": "returned"});
        let refund = self.api("POST", "/api/refunds", body).await?;
        let (id, status) = (text(&refund, "id")?, text(&refund, "status")?);
        let good = ["succeeded", "pending"].contains(&status.as_str());
        Ok(match good {
            true => Line::ok("payment.refund", format!("{id} gives it back: {status}")),
            false => Line::failure(
                "payment.refund",
                format!("{id} is {status}"),
                "give the money back in Stripe's dashboard",
            ),
        })
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
            status => Err(format!("{method} {path} is answered {status}: {answer}")),
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
        .ok_or_else(|| format!("no {name} in {value}"))
}
