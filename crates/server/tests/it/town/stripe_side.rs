//! Stripe as the town sees it: the simulator's control API, and calls that the tenant's own software or the payer's
//! browser would make.

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
        let mut headers = vec![
            ("authorization".to_owned(), format!("Bearer {key}")),
            (
                "content-type".to_owned(),
                "application/x-www-form-urlencoded".to_owned(),
            ),
        ];
        headers.extend(account.map(|account| ("stripe-account".to_owned(), account.to_owned())));
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
        let form = format!("payment_method={card}");
        let made = self.stripe(
            "POST",
            "/v1/test_helpers/confirmation_tokens",
            Some(&self.msp.account),
            &form,
        );
        made["id"]
            .as_str()
            .unwrap_or_else(|| panic!("no token: {made}"))
            .to_owned()
    }

    /// The tenant's charges at the simulator that took money.
    pub fn charges(&self) -> Vec<Value> {
        let list = self.stripe("GET", "/v1/charges?limit=100", Some(&self.msp.account), "");
        let charges = list["data"]
            .as_array()
            .unwrap_or_else(|| panic!("no list: {list}"));
        charges
            .iter()
            .filter(|charge| charge["status"] == "succeeded")
            .cloned()
            .collect()
    }
}
