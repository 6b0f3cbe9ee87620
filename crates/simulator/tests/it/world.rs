//! A simulator with a manual clock, and short ways to speak to it.

use serde_json::{Value, json};
use simulator::{ClockMode, Config, Delivery, EndpointConfig, Kind, Outcome, Request, Response, Simulator};

pub const START_MS: i64 = 1_800_000_000_000;
pub const TEST_SECRET: &str = "whsec_psapay_demo_test";
pub const LIVE_SECRET: &str = "whsec_psapay_demo_live";

/// Who asks: a key, an account, a version, an idempotency key.
#[derive(Clone)]
pub struct World {
    pub simulator: Simulator,
    pub key: &'static str,
    pub account: Option<String>,
    pub version: Option<&'static str>,
    pub idempotency_key: Option<String>,
}

pub fn config() -> Config {
    Config {
        seed: 7,
        clock: ClockMode::Manual { start_ms: START_MS },
        ..Config::default()
    }
}

pub fn endpoint(url: &str, livemode: bool, connect: bool, kind: Kind) -> EndpointConfig {
    let secret = if livemode { LIVE_SECRET } else { TEST_SECRET };
    EndpointConfig {
        url: url.into(),
        secret: secret.into(),
        livemode,
        connect,
        kind,
    }
}

impl World {
    pub fn new(config: Config) -> World {
        World {
            simulator: Simulator::new(config).unwrap(),
            key: "sk_test_psapay_demo",
            account: None,
            version: Some(simulator::VERSION),
            idempotency_key: None,
        }
    }

    /// The platform in test mode, without endpoints.
    pub fn platform() -> World {
        World::new(config())
    }

    /// A connected account that can be paid, in test mode.
    pub fn tenant() -> World {
        World::platform().with_tenant(false)
    }

    /// The same in live mode.
    pub fn live_tenant() -> World {
        World::platform().live().with_tenant(true)
    }

    pub fn with_tenant(self, livemode: bool) -> World {
        let made = self.control(
            "POST",
            "/_simulator/accounts",
            &json!({ "livemode": livemode, "email": "a@b.example" }),
        );
        self.on(made["id"].as_str().unwrap())
    }

    pub fn on(&self, account: &str) -> World {
        World {
            account: Some(account.into()),
            ..self.clone()
        }
    }

    pub fn on_platform(&self) -> World {
        World {
            account: None,
            ..self.clone()
        }
    }

    pub fn live(&self) -> World {
        World {
            key: "sk_live_psapay_demo",
            ..self.clone()
        }
    }

    pub fn key(&self, key: &'static str) -> World {
        World { key, ..self.clone() }
    }

    pub fn version(&self, version: Option<&'static str>) -> World {
        World {
            version,
            ..self.clone()
        }
    }

    pub fn idempotent(&self, key: &str) -> World {
        World {
            idempotency_key: Some(key.into()),
            ..self.clone()
        }
    }

    pub fn request(&self, method: &str, path: &str, form: &[(&str, &str)]) -> Request {
        let mut headers = vec![("authorization".to_owned(), format!("Bearer {}", self.key))];
        headers.push(("Host".into(), "127.0.0.1:8420".into()));
        let optional = [
            ("Stripe-Account", self.account.clone()),
            ("Stripe-Version", self.version.map(str::to_owned)),
            ("Idempotency-Key", self.idempotency_key.clone()),
        ];
        headers.extend(
            optional
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?))),
        );
        let encoded = encode(form);
        if method == "POST" {
            return Request {
                method: method.into(),
                path: path.into(),
                headers,
                body: encoded.into_bytes(),
            };
        }
        let path = if encoded.is_empty() {
            path.to_owned()
        } else {
            format!("{path}?{encoded}")
        };
        Request {
            method: method.into(),
            path,
            headers,
            body: Vec::new(),
        }
    }

    pub fn send(&self, method: &str, path: &str, form: &[(&str, &str)]) -> Response {
        self.simulator.call(&self.request(method, path, form))
    }

    /// Status and body.
    pub fn ask(&self, method: &str, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let response = self.send(method, path, form);
        (response.status, serde_json::from_slice(&response.body).unwrap())
    }

    pub fn post(&self, path: &str, form: &[(&str, &str)]) -> Value {
        let (status, body) = self.ask("POST", path, form);
        assert_eq!(status, 200, "POST {path}: {body}");
        body
    }

    pub fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask("GET", path, &[]);
        assert_eq!(status, 200, "GET {path}: {body}");
        body
    }

    /// The error of a refused POST.
    pub fn refused(&self, status: u16, path: &str, form: &[(&str, &str)]) -> Value {
        let (got, body) = self.ask("POST", path, form);
        assert_eq!(got, status, "POST {path}: {body}");
        body["error"].clone()
    }

    pub fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = self.control_status(method, path, body);
        assert_eq!(status, 200, "{method} {path}: {answer}");
        answer
    }

    pub fn control_status(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if method == "GET" {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let request = Request {
            method: method.into(),
            path: path.into(),
            headers: Vec::new(),
            body,
        };
        let response = self.simulator.call(&request);
        (response.status, serde_json::from_slice(&response.body).unwrap())
    }

    /// A payment intent over 123.45 with a 3 % fee, on the account.
    pub fn intent(&self) -> Value {
        self.post(
            "/v1/payment_intents",
            &[
                ("amount", "12345"),
                ("currency", "usd"),
                ("application_fee_amount", "370"),
                ("allowed_payment_method_types[]", "card"),
                ("metadata[invoice_id]", "inv_1"),
            ],
        )
    }

    /// A confirmation token as the browser frame makes it.
    pub fn browser_token(&self, number: &str) -> Value {
        let key = if self.key.starts_with("sk_live") {
            "pk_live_psapay_demo"
        } else {
            "pk_test_psapay_demo"
        };
        World {
            idempotency_key: None,
            ..self.key(key)
        }
        .post("/v1/confirmation_tokens", &card_form(number))
    }

    /// Creates an intent and confirms it with a token of this number: status and body of the confirmation.
    pub fn pay(&self, number: &str) -> (u16, Value) {
        let intent = self.intent();
        let token = self.browser_token(number);
        let path = format!("/v1/payment_intents/{}/confirm", id(&intent));
        self.ask("POST", &path, &[("confirmation_token", id(&token))])
    }

    /// The types of the space's events, oldest first.
    pub fn event_types(&self) -> Vec<String> {
        let events = self.get("/v1/events?limit=100");
        let types = events["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| event["type"].as_str().unwrap().to_owned());
        types.rev().collect()
    }

    /// Takes what is due and says that all of it arrived.
    pub fn deliver(&self) -> Vec<Delivery> {
        let due = self.simulator.due_deliveries();
        for delivery in &due {
            self.simulator
                .report_delivery(delivery.id, Outcome::Answered(200));
        }
        due
    }
}

pub fn card_form(number: &str) -> [(&str, &str); 6] {
    [
        ("payment_method_data[type]", "card"),
        ("payment_method_data[card][number]", number),
        ("payment_method_data[card][exp_month]", "12"),
        ("payment_method_data[card][exp_year]", "2034"),
        (
            "payment_method_data[card][cvc]",
            if number.starts_with("37") { "1234" } else { "123" },
        ),
        ("return_url", "https://pay.example/back"),
    ]
}

pub fn id(object: &Value) -> &str {
    object["id"].as_str().unwrap()
}

pub fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response
        .headers
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
}

fn encode(form: &[(&str, &str)]) -> String {
    let escape = |text: &str| -> String {
        let byte = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'[' | b']' | b'_' | b'.' | b'-' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        };
        text.bytes().map(byte).collect()
    };
    let pairs: Vec<String> = form
        .iter()
        .map(|(name, value)| format!("{}={}", escape(name), escape(value)))
        .collect();
    pairs.join("&")
}
