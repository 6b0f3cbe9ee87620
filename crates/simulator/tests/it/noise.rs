//! Requests made of pieces that are right and pieces that are not, thousands of them: each gets an answer of
//! Stripe's kind, none a 500, and the state behind stays whole.

use crate::world::{World, header};
use serde_json::{Value, json};
use simulator::Request;

const NAMES: [&str; 24] = [
    "amount",
    "currency",
    "customer",
    "payment_method",
    "confirmation_token",
    "confirm",
    "expand[]",
    "metadata[a]",
    "application_fee_amount",
    "payment_method_data[type]",
    "payment_method_data[card][token]",
    "return_url",
    "off_session",
    "limit",
    "starting_after",
    "created[gte]",
    "type",
    "card[token]",
    "shipping[name]",
    "email",
    "setup_future_usage",
    "allowed_payment_method_types[]",
    "capabilities[card_payments][requested]",
    "é\u{1F600}",
];
const VALUES: [&str; 20] = [
    "1000",
    "-1",
    "9223372036854775807",
    "usd",
    "",
    "true",
    "card",
    "pm_card_visa",
    "pm_card_chargeDeclined",
    "pm_card_threeDSecure2Required",
    "tok_visa",
    "cus_x",
    "latest_charge",
    "data.customer",
    "off_session",
    "0.1",
    "\u{0}",
    "é\u{1F600}",
    "https://a.example",
    "charge.*",
];
const PATHS: [&str; 16] = [
    "/v1/payment_intents",
    "/v1/payment_intents/{}",
    "/v1/payment_intents/{}/confirm",
    "/v1/payment_intents/{}/cancel",
    "/v1/charges",
    "/v1/charges/{}",
    "/v1/customers",
    "/v1/customers/{}",
    "/v1/payment_methods",
    "/v1/payment_methods/{}/attach",
    "/v1/accounts",
    "/v1/accounts/{}",
    "/v1/events",
    "/v1/balance_transactions",
    "/v1/webhook_endpoints",
    "/v1/test_helpers/confirmation_tokens",
];

/// A small generator, so that a failure can be seen again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len())]
    }
}

#[test]
fn nothing_a_caller_sends_breaks_it() {
    let tenant = World::tenant();
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let mut known: Vec<String> = vec!["pi_x".into(), "é".into(), tenant.account.clone().unwrap()];
    for round in 0..6_000 {
        let id = known[dice.roll(known.len())].clone();
        let path = dice.pick(&PATHS).replace("{}", &id);
        let method = dice.pick(&["GET", "POST", "POST", "POST", "DELETE"]);
        let values: Vec<String> = VALUES
            .iter()
            .map(|value| (*value).to_owned())
            .chain(known.iter().cloned())
            .collect();
        let count = dice.roll(6);
        let mut form: Vec<(&str, &str)> = (0..count)
            .map(|_| (dice.pick(&NAMES), values[dice.roll(values.len())].as_str()))
            .collect();
        if dice.roll(2) == 0 {
            form.extend([("amount", "1000"), ("currency", "usd")]);
        }
        let caller = match dice.roll(4) {
            0 => tenant.on_platform(),
            1 => tenant.idempotent(dice.pick(&["k1", "k2", "k3"])),
            _ => tenant.clone(),
        };
        let (status, body) = caller.ask(method, &path, &form);
        assert!(
            [200, 400, 402, 403, 404].contains(&status),
            "{round}: {method} {path} {form:?}: {status} {body}"
        );
        assert_eq!(
            body.get("error").is_some(),
            status != 200,
            "{round}: {method} {path} {form:?}: {body}"
        );
        if let Some(id) = body["id"].as_str().filter(|_| known.len() < 60) {
            known.push(id.to_owned());
        }
        if dice.roll(50) == 0 {
            tenant.simulator.advance_ms(700);
        }
    }
    whole(&tenant);
}

/// Every succeeded intent has its charge and its booking, and nothing else has.
fn whole(tenant: &World) {
    tenant.simulator.advance_ms(10_000);
    for world in [tenant.clone(), tenant.on_platform()] {
        let intents = everything(&world, "payment_intents");
        let paid: i64 = intents
            .iter()
            .map(|intent| intent["amount_received"].as_i64().unwrap())
            .sum();
        let charges = everything(&world, "charges");
        let charged = charges
            .iter()
            .map(|charge| charge["amount_captured"].as_i64().unwrap())
            .sum::<i64>();
        let booked = everything(&world, "balance_transactions");
        let income = booked.iter().filter(|one| one["type"] == "charge");
        assert_eq!(
            (
                charged,
                income.map(|one| one["amount"].as_i64().unwrap()).sum::<i64>()
            ),
            (paid, paid)
        );
        assert!(
            charges
                .iter()
                .all(|charge| charge["paid"] == charge["balance_transaction"].is_string())
        );
        assert!(!world.get("/v1/events")["data"].as_array().unwrap().is_empty());
    }
}

fn everything(world: &World, list: &str) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    loop {
        let after = all
            .last()
            .map(|last| format!("&starting_after={}", last["id"].as_str().unwrap()));
        let page = world.get(&format!("/v1/{list}?limit=100{}", after.unwrap_or_default()));
        all.extend(page["data"].as_array().unwrap().iter().cloned());
        if page["has_more"] == json!(false) {
            return all;
        }
    }
}

#[test]
fn odd_headers_are_answered() {
    let world = World::platform();
    for (name, value) in [
        ("Stripe-Version", "é"),
        ("Stripe-Version", "2026-é0-28"),
        ("Stripe-Account", ""),
        ("Stripe-Account", "../../etc"),
        ("Authorization", "é"),
        ("Authorization", "Basic é"),
        ("Host", "evil\r\nhost"),
        ("Idempotency-Key", "é"),
    ] {
        let mut request: Request = world.request("POST", "/v1/customers", &[]);
        request.headers.insert(0, (name.into(), value.into()));
        let response = world.simulator.call(&request);
        assert!(response.status < 500, "{name}: {value}");
        assert!(header(&response, "Request-Id").is_some());
    }
}
