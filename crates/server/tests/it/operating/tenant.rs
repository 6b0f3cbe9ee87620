//! A tenant on the machine, with an account that can charge and open invoices, and its payers.

use std::time::Duration;

use domain::invoice::{Line, Quantity, TaxRate};
use domain::{Currency, Mode, Money, Permissions, Scope};
use flows::api_keys::{self, NewKey};
use flows::clients::{self, Details};
use flows::invoicing::{self, Draft};
use flows::{Actor, By, onboarding, pay_links, tenants};
use serde_json::{Value, json};
use server::config::Config;
use server::metrics::Metrics;
use server::start;

use super::machine::Machine;
use crate::browser::poll;

/// The tenant, and what it has.
pub struct Tenant {
    pub live: bool,
    pub key: String,
    pub account: String,
    pub invoices: Vec<String>,
    pub links: Vec<String>,
}

const PATIENCE: Duration = Duration::from_secs(20);

impl Machine {
    /// A tenant in the mode of `.env`, made while no server runs.
    pub async fn tenant(&self, invoices: i64) -> Tenant {
        let lookup = |name: &str| match name {
            "DATABASE_URL" => Some(self.database()),
            name => self.variable(name).map(str::to_owned),
        };
        let config = Config::before_webhooks(&lookup).unwrap_or_else(|errors| panic!("{errors:?}"));
        let live = config.mode == Mode::Live;
        let app = start::app(&config, &Metrics::default())
            .await
            .expect("the database opens");
        let by = By::new(Actor::CommandLine);
        let added = tenants::add(&app, &by, app.moment(), "Northwind IT Services", None, &[]).await;
        let scope = Scope {
            tenant: added.unwrap().0.id,
            mode: config.mode,
        };
        let account = json!({"country": "US", "email": "owner@northwind.example",
            "business_name": "Northwind",
            "default_currency": "usd", "livemode": live});
        let account = self.control("POST", "/_simulator/accounts", &account);
        let account = account["id"].as_str().unwrap().to_owned();
        onboarding::connect(&app, &scope, &by, &account).await.unwrap();
        let new = NewKey {
            name: "Test".to_owned(),
            permissions: Permissions::All,
            expires_at: None,
        };
        let key = api_keys::create(&app, &scope, &by, app.moment(), None, new)
            .await
            .unwrap()
            .1
            .unwrap();
        let client = Details::named("Harbor Dental Group", Some("accounts@harbordental.example"));
        let client = clients::add(&app, &scope, &by, app.moment(), client)
            .await
            .unwrap();
        let mut tenant = Tenant {
            live,
            key: key.expose().to_owned(),
            account,
            invoices: Vec::new(),
            links: Vec::new(),
        };
        for nth in 0..invoices {
            let usd = Currency::parse("usd").unwrap();
            let untaxed = TaxRate::from_thousandths_of_percent(0).unwrap();
            let price = Money::new(2_500 + nth, usd);
            let line = Line::new("Managed workplace", Quantity::parse("1").unwrap(), price, untaxed);
            let draft = Draft {
                client_id: client.id.clone(),
                currency: usd,
                memo: None,
                due_date: None,
                discount: None,
                lines: vec![line.unwrap()],
            };
            let invoice = invoicing::create(&app, &scope, &by, app.moment(), draft)
                .await
                .unwrap();
            invoicing::finalize(&app, &scope, &by, &invoice.id).await.unwrap();
            let link = pay_links::rotate(&app, &scope, &by, &invoice.id, None)
                .await
                .unwrap();
            tenant.invoices.push(invoice.id.to_string());
            tenant.links.push(link.token);
        }
        app.db.close().await;
        tenant
    }

    /// The database, as everybody reaches it.
    pub fn database(&self) -> String {
        match self.variable("DATABASE_URL") {
            Some(url) if url.starts_with("postgres:") => url.to_owned(),
            _ => format!("sqlite:{}", self.folder.join("psa-pay.db").display()),
        }
    }

    /// A payer pays, and tries again while the server is away; whether the page says in the end that it is
    /// paid.
    pub async fn pay(&self, tenant: &Tenant, nth: usize) -> bool {
        let public = format!("{}/api/public/invoices/{}", self.origin, tenant.links[nth]);
        let address = format!("10.9.{}.{}", nth / 250, nth % 250);
        let paid = poll(PATIENCE, async || {
            let looked = told(self.http.get(&public), &address).await?.1;
            match looked["state"].as_str() {
                Some("paid") => return Some(()),
                Some("pay") => {}
                _ => return None,
            }
            let press = json!({"confirmation_token": self.card(tenant).await?, "amount": looked["amount"],
                "currency": "usd", "page_token": looked["page_token"]});
            let pressed = poll(PATIENCE, async || {
                let request = self.http.post(format!("{public}/pay")).body(press.to_string());
                match told(request, &address).await {
                    Some((_, answer)) if answer["code"] == "too_soon" => None,
                    answered => Some(answered),
                }
            });
            pressed.await;
            None
        });
        paid.await.is_some()
    }

    /// What Stripe.js would make of a card that pays in the tenant's mode.
    async fn card(&self, tenant: &Tenant) -> Option<Value> {
        let (key, number) = match tenant.live {
            true => ("pk_live_psapay_demo", "4000009900000004"),
            false => ("pk_test_psapay_demo", "4242424242424242"),
        };
        let form = format!(
            "payment_method_data[type]=card&payment_method_data[card][number]={number}\
             &payment_method_data[card][exp_month]=12&payment_method_data[card][exp_year]=2034\
             &payment_method_data[card][cvc]=123"
        );
        let request = self.http.post(format!("{}/v1/confirmation_tokens", self.stripe));
        let request = request
            .bearer_auth(key)
            .header("stripe-account", &tenant.account)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        let answer = request.send().await.ok()?.text().await.ok()?;
        let made: Value = serde_json::from_str(&answer).ok()?;
        Some(made["id"].clone()).filter(Value::is_string)
    }

    /// A request with the tenant's key: status and body.
    pub async fn api(&self, tenant: &Tenant, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}{path}", self.origin);
        let request = match method {
            "GET" => self.http.get(url),
            _ => self.http.post(url).body(body.to_string()),
        };
        let once = format!("{path}:{}", body.to_string().len());
        let request = request.bearer_auth(&tenant.key).header("idempotency-key", once);
        told(request, "10.8.0.1").await.expect("the server answers")
    }

    /// Charges of the tenant's account at Stripe that succeeded.
    pub fn charges(&self, tenant: &Tenant) -> usize {
        let word = if tenant.live { "live" } else { "test" };
        let headers = [
            (
                "authorization".to_owned(),
                format!("Bearer sk_{word}_psapay_demo"),
            ),
            ("stripe-account".to_owned(), tenant.account.clone()),
        ];
        let (mut succeeded, mut after) = (0, String::new());
        loop {
            let answer = self.simulator.call(&simulator::Request {
                method: "GET".to_owned(),
                path: format!("/v1/charges?limit=100{after}"),
                headers: headers.to_vec(),
                body: Vec::new(),
            });
            let list: Value = serde_json::from_slice(&answer.body).unwrap();
            let page = list["data"].as_array().unwrap();
            succeeded += page
                .iter()
                .filter(|charge| charge["status"] == "succeeded")
                .count();
            match page.last().filter(|_| list["has_more"] == true) {
                Some(last) => after = format!("&starting_after={}", last["id"].as_str().unwrap()),
                None => return succeeded,
            }
        }
    }
}

async fn told(request: reqwest::RequestBuilder, address: &str) -> Option<(u16, Value)> {
    let request = request
        .header("x-forwarded-for", address)
        .header("content-type", "application/json");
    let answer = request.send().await.ok()?;
    let status = answer.status().as_u16();
    let text = answer.text().await.ok()?;
    Some((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
}
