//! Stripe as the town sees it: the simulator's control API, and calls that the tenant's own software or the
//! payer's browser would make.

use domain::Mode;
use serde_json::{Value, json};

use super::{Msp, Town};

impl Town {
    /// A call of the simulator's control API.
    pub fn control(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.simulator.call(&simulator::Request {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body.to_string().into_bytes(),
        });
        assert!(
            answer.status < 300,
            "{method} {path}: {}",
            String::from_utf8_lossy(&answer.body)
        );
        serde_json::from_slice(&answer.body).unwrap_or(Value::Null)
    }

    /// A call of Stripe's API on an account, as the tenant's own software would make it.
    pub fn stripe(&self, method: &str, path: &str, account: Option<&str>, form: &str) -> Value {
        let key = match self.site.config.mode {
            Mode::Test => "sk_test_psapay_demo",
            Mode::Live => "sk_live_psapay_demo",
        };
        self.stripe_with(key, method, path, account, form)
    }

    /// A call of Stripe's API with a key of one's own choice.
    pub fn stripe_with(
        &self,
        key: &str,
        method: &str,
        path: &str,
        account: Option<&str>,
        form: &str,
    ) -> Value {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut headers = vec![
            header("authorization", &format!("Bearer {key}")),
            header("content-type", "application/x-www-form-urlencoded"),
        ];
        headers.extend(account.map(|account| header("stripe-account", account)));
        let answer = self.simulator.call(&simulator::Request {
            method: method.to_owned(),
            path: path.to_owned(),
            headers,
            body: form.as_bytes().to_vec(),
        });
        serde_json::from_slice(&answer.body).unwrap_or(Value::Null)
    }

    /// A confirmation token, as Stripe.js would make it on the tenant's account.
    pub fn token(&self, card: &str) -> String {
        self.token_of(&self.msp, card)
    }

    /// A confirmation token on the account of a tenant.
    pub fn token_of(&self, msp: &Msp, card: &str) -> String {
        let form = format!("payment_method={card}");
        let path = "/v1/test_helpers/confirmation_tokens";
        id_of(&self.stripe("POST", path, Some(&msp.account), &form))
    }

    /// A confirmation token of a typed card, as Stripe.js makes it with the publishable key, in either mode.
    pub fn typed_token(&self, number: &str) -> String {
        let form = format!(
            "payment_method_data[type]=card&payment_method_data[card][number]={number}\
             &payment_method_data[card][exp_month]=12&payment_method_data[card][exp_year]=2034\
             &payment_method_data[card][cvc]=123"
        );
        let key = self
            .site
            .config
            .keys(self.site.config.mode)
            .unwrap()
            .publishable_key
            .clone();
        let path = "/v1/confirmation_tokens";
        let made = self.stripe_with(&key, "POST", path, Some(&self.msp.account), &form);
        id_of(&made)
    }

    /// The tenant's intents at the simulator, newest first.
    pub fn intents(&self) -> Vec<Value> {
        self.list("/v1/payment_intents?limit=100")
    }

    /// The newest event of a type on the tenant's account, as Stripe delivers it.
    pub fn event(&self, type_: &str) -> Value {
        self.newest_event(type_, |_| true)
    }

    /// The newest event of a type about an object.
    pub fn event_about(&self, type_: &str, id: &str) -> Value {
        self.newest_event(type_, |event| event["data"]["object"]["id"] == id)
    }

    fn newest_event(&self, type_: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let events = self.list(&format!("/v1/events?limit=100&type={type_}"));
        let event = events.into_iter().find(wanted);
        event.unwrap_or_else(|| panic!("no event {type_}"))
    }

    /// What psa-pay has sent to the simulator so far, oldest first: method, path, body.
    pub fn requests(&self) -> Vec<Value> {
        let log = self.control("GET", "/_simulator/requests", Value::Null);
        let mut requests = log["data"].as_array().expect("a list").clone();
        requests.reverse();
        requests
    }

    /// What the payer does on the bank's page: `complete` or `fail`.
    pub fn challenge(&self, intent: &str, outcome: &str) {
        let path = format!("/_simulator/payment_intents/{intent}/challenge");
        self.control("POST", &path, json!({"outcome": outcome}));
    }

    fn list(&self, path: &str) -> Vec<Value> {
        let list = self.stripe("GET", path, Some(&self.msp.account), "");
        list["data"]
            .as_array()
            .unwrap_or_else(|| panic!("no list: {list}"))
            .clone()
    }

    /// The tenant's charges at the simulator that took money.
    pub fn charges(&self) -> Vec<Value> {
        let mut charges = self.list("/v1/charges?limit=100");
        charges.retain(|charge| charge["status"] == "succeeded");
        charges
    }
}

fn id_of(made: &Value) -> String {
    made["id"]
        .as_str()
        .unwrap_or_else(|| panic!("nothing made: {made}"))
        .to_owned()
}
